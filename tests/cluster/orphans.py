#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies in a pool and nobody asked for: found, told, and never removed without a user's word."""
import contextlib
import os
import pathlib
import random
import shutil
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'lib'))
import machine
from cluster import Cluster
from peer import FakeSatellite, Obedient
from suite import Suite, wait_for

suite = Suite('orphans')


@suite.case('files of strangers in a pool directory are not touched')
def _():
    with Cluster(satellites=1, source='orphans') as cluster:
        pool = cluster.satellites['n1'].pool
        strangers = {pool / 'notes.txt': b'mine', pool / 'disk.img': b'\0' * 65536, pool / 'r1_00007.img': b'like ours, but not'}
        for path, data in strangers.items():
            path.write_bytes(data)
        (pool / 'lost+found').mkdir()
        cluster.register()
        cluster.create_definition('r1', [8192])
        cluster.create_resource('r1', 'n1')
        cluster.await_settled()
        cluster.satellites['n1'].restart()
        cluster.await_online('n1')
        cluster.rest.delete('/v1/resource-definitions/r1')
        files = lambda: {p for p in pool.rglob('*') if p.is_file()}
        wait_for('what is ours is gone', lambda: not cluster.devices() and files() == set(strangers), 20)
        for path, data in strangers.items():
            assert path.read_bytes() == data, f'{path} was changed'
        assert (pool / 'lost+found').is_dir()


@suite.case('a controller that lost its store does not delete what satellites hold')
def _():
    with Cluster(satellites=1, source='orphans') as cluster:
        cluster.register()
        _, device = cluster.create_only()
        machine.write_head(device, b'precious')
        before = {d['file'] for d in cluster.devices().values()}
        cluster.controller.kill()
        shutil.rmtree(cluster.controller.data)
        cluster.controller.data.mkdir()
        cluster.controller.start()
        cluster.create_node('n1')
        wait_for('the satellite refuses the new cluster', lambda: cluster.node_state('n1') == 'OTHER_CONTROLLER', 20)
        answer = cluster.rest.put('/v1/nodes/n1/reconnect')
        assert 'belongs to another cluster' in str(answer.json), answer
        (cluster.satellites['n1'].data / 'cluster').unlink()    # the explicit act
        cluster.await_online('n1')
        cluster.create_pool('n1')
        for _ in range(2):
            cluster.satellites['n1'].restart()
            cluster.await_online('n1')
        assert cluster.rest.get('/v1/resource-definitions') == []
        assert {d for d in before if pathlib.Path(d).exists()} == before, 'files were deleted without a word of a user'
        for file in before:
            assert pathlib.Path(file).read_bytes()[:8] == b'precious'


@suite.case('a volume seen through a second pool of the same directory is no orphan')
def _():
    with Cluster(satellites=1, source='orphans') as cluster:
        cluster.register()
        cluster.rest.post('/v1/nodes/n1/storage-pools', {
            'storage_pool_name': 'again', 'provider_kind': 'FILE_THIN',
            'props': {'StorDriver/StorPoolName': f"{cluster.satellites['n1'].pool}/."}})
        cluster.create_only('kept')
        stray = cluster.satellites['n1'].pool / 'stray_00000.img'
        stray.write_bytes(b'\0' * 65536)
        cluster.satellites['n1'].restart()
        cluster.await_online('n1')
        listed = lambda: {o['identifier'] for o in cluster.rest.get('/v1/nodes/n1/orphans')}
        wait_for('the stray file is listed', lambda: 'stray_00000' in listed(), 30)
        assert listed() == {'stray_00000'}


def lose(cluster):
    """The node goes with all that was known of it, and its devices stay."""
    cluster.satellites['n1'].kill()
    cluster.await_offline('n1')
    cluster.rest.delete('/v1/nodes/n1/lost')


def lose_and_find(cluster, count):
    """The node is back, and lists so many orphans: a function that asks for the list."""
    lose(cluster)
    cluster.satellites['n1'].start()
    cluster.register()
    listed = lambda: cluster.rest.get('/v1/nodes/n1/orphans')
    wait_for('the orphans are listed', lambda: len(listed()) == count, 20)
    return listed


@suite.case('what a lost node brings back is listed, stays, and goes when a user says so')
def _():
    with Cluster(satellites=1, source='orphans') as cluster:
        cluster.register()
        cluster.create_only('kept')
        listed = lose_and_find(cluster, 1)
        orphan = listed()[0]
        assert (orphan['storage_pool_name'], orphan['identifier'], orphan['size_kib']) == ('thin', 'kept_00000', 8192), orphan
        cluster.rest.delete('/v1/nodes/n1/orphans/thin/nosuch_00000')
        assert len(listed()) == 1
        cluster.rest.delete('/v1/nodes/n1/orphans/thin/kept_00000')
        assert listed() == []
        assert not cluster.devices()


@suite.case('an orphan that is in use is not called removed: why it stays is told, and it goes when it is free')
def _():
    with Cluster(satellites=1, source='orphans') as cluster:
        cluster.register()
        cluster.create_definition('busy', [8192, 8192, 8192])
        cluster.create_resource('busy', 'n1')
        cluster.await_match({('busy', 'n1'): {0: 8192, 1: 8192, 2: 8192}})
        with contextlib.ExitStack() as first, contextlib.ExitStack() as last:
            for number, stack in ((0, first), (2, last)):
                stack.callback(os.close, os.open(cluster.replicas()['busy', 'n1'][number]['device_path'], os.O_RDWR))
            listed = lose_and_find(cluster, 3)
            for _ in range(2):    # the second time what was told before is no answer, nor is it kept back
                began = time.monotonic()
                answer = cluster.rest.call('DELETE', '/v1/nodes/n1/orphans/thin/busy_00000')
                assert answer.status == 500 and 'in use' in str(answer.errors) and 'removed' not in str(answer.json), answer
                assert time.monotonic() - began > 0.9, 'the satellite waits at least so long for who has it open'
                assert 'in use' in str([o['reports'] for o in listed() if o['identifier'] == 'busy_00000']), listed()
            answer = cluster.rest.delete('/v1/nodes/n1/orphans/thin/busy_00001')    # which does not end the other's removal
            assert "'busy_00001' removed" in str(answer.json), answer
            assert cluster.rest.call('DELETE', '/v1/nodes/n1/orphans/thin/busy_00002').status == 500
            last.close()
            wait_for('the last one goes when it is free', lambda: [o['identifier'] for o in listed()] == ['busy_00000'], 20)
            # Nor is it removed from a pool that was registered after that was asked for, whatever it is called.
            cluster.rest.delete('/v1/nodes/n1/storage-pools/thin')
            cluster.create_pool('n1')
        cluster.create_definition('later', [8192])
        cluster.create_resource('later', 'n1')
        cluster.rest.delete('/v1/resource-definitions/later')
        wait_for('it is listed, and nobody wants it removed', lambda: [o.get('reports') for o in listed()] == [None], 20)
        assert (cluster.satellites['n1'].pool / 'busy_00000.img').exists()
        cluster.rest.delete('/v1/nodes/n1/orphans/thin/busy_00000')
        assert listed() == []
        assert not cluster.devices() and not any(cluster.satellites['n1'].pool.iterdir())


@suite.case('only the orphan that was named is removed, and nothing is called removed that is there')
def _():
    with Cluster(satellites=1, source='orphans') as cluster:
        pool = cluster.satellites['n1'].pool
        cluster.register()
        cluster.satellites['n1'].kill()
        for name in ('shot_00001', 'shot_000001', 'backup_20261122'):
            (pool / f'{name}.img').write_bytes(b'\0' * 65536)
        cluster.satellites['n1'].start()
        cluster.await_online('n1')
        listed = lambda: {o['identifier'] for o in cluster.rest.get('/v1/nodes/n1/orphans')}
        wait_for('all are listed', lambda: listed() == {'shot_00001', 'shot_000001', 'backup_20261122'}, 20)
        for name in ('shot_000001', 'backup_20261122'):
            answer = cluster.rest.call('DELETE', f'/v1/nodes/n1/orphans/thin/{name}')
            assert answer.status == 500 and 'not named as the volumes' in str(answer.errors), answer
        assert len(list(pool.iterdir())) == 3
        cluster.rest.delete('/v1/nodes/n1/orphans/thin/shot_00001')
        assert {p.name for p in pool.iterdir()} == {'shot_000001.img', 'backup_20261122.img'}


@suite.case('whoever asked for the removal of an orphan is told when nobody can tell what came of it, or it is no orphan any more')
def _():
    with Cluster(satellites=0, source='orphans') as cluster, Obedient(['STORAGE']) as fake:
        fake.orphans = [{'pool': 'thin', 'identifier': f'{name}_00000', 'size_kib': 8192} for name in ('stray', 'late')]
        fake.register(cluster.rest)
        cluster.await_online('fake')
        cluster.rest.post('/v1/nodes/fake/storage-pools', {'storage_pool_name': 'thin', 'provider_kind': 'FILE_THIN',
                                                           'props': {'StorDriver/StorPoolName': '/x'}})
        wait_for('they are listed', lambda: len(cluster.rest.get('/v1/nodes/fake/orphans')) == 2, 20)

        def ask(name):
            answers = []
            rest = cluster.new_rest(60)
            asked = threading.Thread(target=lambda: answers.append(rest.call('DELETE', f'/v1/nodes/fake/orphans/thin/{name}_00000')))
            asked.start()
            wait_for('the satellite is told', lambda: (fake.last_want(name) or {}).get('orphan'), 20)

            def answer():
                asked.join()
                rest.close()
                return answers[0]
            return answer
        answer = ask('late')
        del fake.orphans[1]    # as it belongs to a resource now
        cluster.create_definition('late', [8192])
        cluster.create_resource('late', 'fake')
        told = answer()
        assert told.status == 500 and 'belongs to a resource' in str(told.errors), told
        answer = ask('stray')
        fake.go_away()
        told = answer()
        assert told.status == 500 and 'was lost before' in str(told.errors), told


def leave_behind(cluster, resource, text, wanted_kib=8192):
    """A volume of 16 MiB of a node that was lost, with its data; the node is back, and the resource of that name is new."""
    cluster.register()
    _, device = cluster.create_only(resource, 16384)
    machine.write_head(device, text)
    lose(cluster)
    cluster.rest.delete(f'/v1/resource-definitions/{resource}')
    cluster.satellites['n1'].start()
    cluster.register()
    cluster.create_definition(resource, [wanted_kib])
    answer = cluster.rest.call('POST', f'/v1/resource-definitions/{resource}/resources/n1',
                               {'resource': {'node_name': 'n1', 'props': {'StorPoolName': 'thin'}}})
    assert any('was not made for this resource' in e['message'] for e in answer.errors), answer
    assert cluster.replicas()[(resource, 'n1')][0].get('device_path') is None, 'old data is shown'


@suite.case('a new volume does not show what an older one of that name left behind')
def _():
    with Cluster(satellites=1, source='orphans') as cluster:
        leave_behind(cluster, 'vm', b'SECRET')
        file = cluster.satellites['n1'].pool / 'vm_00000.img'
        cluster.satellites['n1'].restart()
        cluster.controller.restart()
        cluster.await_online('n1')
        assert cluster.replicas()[('vm', 'n1')][0].get('device_path') is None, 'a restart took it over'
        cluster.rest.delete('/v1/resource-definitions/vm/resources/n1')
        assert file.read_bytes()[:6] == b'SECRET', 'deleting the new volume touched the old one'
        listed = lambda: [o['identifier'] for o in cluster.rest.get('/v1/nodes/n1/orphans')]
        wait_for('it is an orphan', lambda: listed() == ['vm_00000'], 20)
        cluster.rest.delete('/v1/nodes/n1/orphans/thin/vm_00000')
        cluster.create_resource('vm', 'n1')
        cluster.await_match({('vm', 'n1'): {0: 8192}})
        assert b'SECRET' not in file.read_bytes()[:8192]
        cluster.delete_everything()


@suite.case('a new volume adopts what has its name when a user says so')
def _():
    with Cluster(satellites=1, source='orphans') as cluster:
        leave_behind(cluster, 'vm', b'precious')
        cluster.rest.put('/v1/nodes/n1/orphans/thin/vm_00000')
        cluster.await_match({('vm', 'n1'): {0: 16384}})
        assert machine.read_head(next(iter(cluster.devices())), 8) == b'precious'
        cluster.rest.expect(500, 'PUT', '/v1/nodes/n1/orphans/thin/vm_00000')
        cluster.satellites['n1'].restart()
        cluster.await_online('n1')
        cluster.await_match({('vm', 'n1'): {0: 16384}})
        cluster.delete_everything()


@suite.case('only what lies in the way is adopted; when it is too small it grows')
def _():
    with Cluster(satellites=1, source='orphans') as cluster:
        leave_behind(cluster, 'vm', b'precious', 32768)
        answer = cluster.rest.put('/v1/nodes/n1/orphans/thin/vm_00000')
        assert 'It has 16384 KiB, and grows to 32768 KiB' in answer.entries[0]['details'], answer
        cluster.await_match({('vm', 'n1'): {0: 32768}})
        # a volume that could not be made for another reason
        pool = cluster.satellites['n1'].pool
        away = pool.rename(pool.with_name('away'))
        cluster.create_definition('new', [8192])
        cluster.create_resource('new', 'n1', status=500)
        refused = cluster.rest.expect(404, 'PUT', '/v1/nodes/n1/orphans/thin/new_00000')
        assert 'Nothing lies in the way' in refused.errors[0]['message'], refused
        away.rename(pool)
        cluster.await_match({('vm', 'n1'): {0: 32768}, ('new', 'n1'): {0: 8192}})
        cluster.delete_everything()


@suite.case('an orphan goes with its pool, and nothing is asked of a pool that is gone')
def _():
    with Cluster(satellites=1, source='orphans') as cluster:
        (cluster.satellites['n1'].pool / 'zz_00000.img').write_bytes(bytes(65536))
        cluster.register()
        wait_for('the orphan is listed', lambda: len(cluster.rest.get('/v1/nodes/n1/orphans')) == 1, 20)
        cluster.rest.delete('/v1/nodes/n1/storage-pools/thin')
        cluster.rest.call('DELETE', '/v1/nodes/n1/orphans/thin/zz_00000')
        assert cluster.rest.get('/v1/nodes/n1/orphans') == []
        assert (cluster.satellites['n1'].pool / 'zz_00000.img').exists()


@suite.case('a satellite that reports orphans of a pool that nobody knows')
def _():
    report = {'token': 1 << 50, 'orphans_complete': True, 'orphans': [{'pool': 'nope', 'identifier': 'a_00000'}]}
    with Cluster(satellites=0, source='orphans') as cluster, FakeSatellite([('held', {'complete': True}), ('report', report)]) as fake:
        fake.register(cluster.rest)
        cluster.await_online('fake')
        assert cluster.rest.get('/v1/nodes/fake/orphans') == []
        cluster.rest.call('DELETE', '/v1/nodes/fake/orphans/nope/a_00000')
        assert cluster.rest.get('/v1/nodes/fake')['connection_status'] == 'ONLINE'


@suite.case('a replica deleted while its satellite was away goes when it is back, its neighbours stay')
def _():
    with Cluster(satellites=1, source='orphans') as cluster:
        cluster.register()
        for name in ('stays', 'goes'):
            cluster.create_definition(name, [8192])
            cluster.create_resource(name, 'n1')
        cluster.await_settled()
        cluster.satellites['n1'].kill()
        cluster.await_offline('n1')
        cluster.rest.delete('/v1/resource-definitions/goes/resources/n1')
        cluster.satellites['n1'].start()
        cluster.await_online('n1')
        cluster.await_match({('stays', 'n1'): {0: 8192}})
        cluster.delete_everything()


def strike(cluster, chance, requests):
    """The satellite dies at some moment after the requests were sent, or before."""
    satellite = cluster.satellites['n1']
    threads = [threading.Thread(target=lambda request=request: cluster.new_rest(60).call(*request)) for request in requests]
    for thread in threads:
        thread.start()
    time.sleep(chance.uniform(0, 0.03))
    satellite.kill()
    satellite.start()
    for thread in threads:
        thread.join()
    cluster.await_online('n1')


@suite.case('killed between any two steps of making and removing a device: nothing doubled, nothing left')
def _():
    seed = random.SystemRandom().randrange(1 << 32)
    print(f'     seed {seed}', flush=True)
    chance = random.Random(seed)
    with Cluster(satellites=1, source='orphans') as cluster:
        cluster.register()
        rest = cluster.new_rest(60)
        for count in range(6):
            names = [f'x{count}y{n}' for n in range(4)]
            for name in names:
                cluster.create_definition(name, [4096])
            body = {'resource': {'node_name': 'n1', 'props': {'StorPoolName': 'thin'}}}
            strike(cluster, chance, [('POST', f'/v1/resource-definitions/{name}/resources/n1', body) for name in names])
            cluster.await_match({key: {0: 4096} for key in cluster.replicas(rest)})
            strike(cluster, chance, [('DELETE', f'/v1/resource-definitions/{name}') for name in names])
            cluster.await_match({})
        rest.close()


if __name__ == '__main__':
    sys.exit(suite.run())
