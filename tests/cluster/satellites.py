#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Satellites that are down, slow, late, or not who they should be."""
import pathlib
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'lib'))
import machine
from cluster import Cluster
from peer import Obedient
from suite import Suite, wait_for

suite = Suite('satellites')
WARN_NOT_CONNECTED = 1002
ANSWER_SECONDS = 30         # no request takes longer because a satellite does not answer


def timed(call, *arguments, **options):
    began = time.monotonic()
    answer = call(*arguments, **options)
    return answer, time.monotonic() - began


@suite.case('down at creation: acknowledged with a warning, made when it comes back')
def _():
    with Cluster(satellites=2, source='satellites') as cluster:
        cluster.register()
        cluster.satellites['n2'].kill()
        cluster.await_offline('n2')
        cluster.create_definition('r1', [8192])
        cluster.create_resource('r1', 'n1')
        answer, seconds = timed(cluster.create_resource, 'r1', 'n2')
        assert WARN_NOT_CONNECTED in answer.codes, f'no warning: {answer}'
        assert seconds < ANSWER_SECONDS, f'{seconds:.1f} s'
        assert len(cluster.devices()) == 1
        cluster.satellites['n2'].start()
        cluster.await_online('n2')
        cluster.await_match({('r1', 'n1'): {0: 8192}, ('r1', 'n2'): {0: 8192}})
        cluster.delete_everything()


@suite.case('down at resize and deletion: done when it comes back')
def _():
    with Cluster(satellites=2, source='satellites') as cluster:
        cluster.register()
        for name in ('grows', 'goes'):
            cluster.create_definition(name, [8192])
            for node in cluster.satellites:
                cluster.create_resource(name, node)
        cluster.await_match({(r, n): {0: 8192} for r in ('grows', 'goes') for n in cluster.satellites})
        cluster.satellites['n2'].kill()
        cluster.await_offline('n2')
        cluster.rest.call('PUT', '/v1/resource-definitions/grows/volume-definitions/0', {'size_kib': 16384})
        answer = cluster.rest.delete('/v1/resource-definitions/goes')
        assert not answer.errors, str(answer)
        assert len(cluster.devices()) == 3, 'only the device on the living satellite can be gone'
        left = cluster.rest.get('/v1/resource-definitions/goes')
        assert 'DELETE' in left.get('flags', []), f'not marked as being deleted: {left}'
        cluster.controller.kill()        # what is left to do survives this, too
        cluster.controller.start()
        cluster.satellites['n2'].start()
        cluster.await_online('n2')
        cluster.await_match({('grows', node): {0: 16384} for node in cluster.satellites})
        wait_for('the definition is gone', lambda: cluster.rest.call('GET', '/v1/resource-definitions/goes').status == 404, 20)
        cluster.delete_everything()


@suite.case('lost: the node is forgotten, its resources leave the others alone')
def _():
    with Cluster(satellites=2, source='satellites') as cluster:
        cluster.register()
        cluster.create_definition('r1', [8192])
        for node in cluster.satellites:
            cluster.create_resource('r1', node)
        cluster.await_settled()
        refused = cluster.rest.call('DELETE', '/v1/nodes/n2/lost')
        assert refused.status == 500, f'an ONLINE node can be lost: {refused}'
        cluster.satellites['n2'].kill()
        cluster.await_offline('n2')
        cluster.rest.delete('/v1/nodes/n2/lost')
        assert list(cluster.replicas()) == [('r1', 'n1')]
        assert cluster.rest.call('GET', '/v1/nodes/n2').status == 404
        assert len(cluster.devices()) == 2, "the lost node's device is its own business"
        cluster.rest.delete('/v1/resource-definitions/r1')
        wait_for('device of n1 gone', lambda: len(cluster.devices()) == 1, 20)


@suite.case('slow (stopped): requests end in time, others are not held up, everything settles afterwards', seconds=240)
def _():
    with Cluster(satellites=3, source='satellites') as cluster:
        cluster.register()
        slow = cluster.satellites['n3']
        slow.pause()
        cluster.create_definition('held', [8192])
        answer, seconds = timed(cluster.rest.call, 'POST', '/v1/resource-definitions/held/resources/n3',
                                {'resource': {'node_name': 'n3', 'props': {'StorPoolName': 'thin'}}}, timeout=120)
        assert seconds < ANSWER_SECONDS, f'the request took {seconds:.1f} s'
        assert answer.entries, str(answer)
        other = cluster.new_rest()
        cluster.create_definition('free', [8192])
        answer, seconds = timed(other.post, '/v1/resource-definitions/free/resources/n1',
                                {'resource': {'node_name': 'n1', 'props': {'StorPoolName': 'thin'}}})
        assert seconds < 5, f'another satellite was held up for {seconds:.1f} s'
        cluster.await_offline('n3', 30)
        slow.resume()
        cluster.await_online('n3')
        wanted = {('free', 'n1'): {0: 8192}}
        if ('held', 'n3') in cluster.replicas():
            wanted['held', 'n3'] = {0: 8192}
        cluster.await_match(wanted)
        other.close()
        cluster.delete_everything()


@suite.case('the controller does not wait in line: reads are quick while a request waits for a stopped satellite')
def _():
    import threading
    with Cluster(satellites=2, source='satellites') as cluster:
        cluster.register()
        cluster.create_definition('held', [8192])
        cluster.satellites['n2'].pause()
        waiting = threading.Thread(target=lambda: cluster.new_rest(60).call(
            'POST', '/v1/resource-definitions/held/resources/n2',
            {'resource': {'node_name': 'n2', 'props': {'StorPoolName': 'thin'}}}))
        waiting.start()
        seconds = sorted(timed(cluster.rest.get, '/v1/nodes')[1] for _ in range(200))
        cluster.satellites['n2'].resume()
        waiting.join()
        assert seconds[100] < 1 and seconds[-1] < 4, f'reads took {seconds[100]:.2f} s, and {seconds[-1]:.2f} s at most'
        cluster.await_online('n2')
        cluster.await_match({('held', 'n2'): {0: 8192}})
        cluster.delete_everything()


@suite.case('a satellite restarted empty-handed gets everything again')
def _():
    with Cluster(satellites=1, source='satellites') as cluster:
        cluster.register()
        satellite = cluster.satellites['n1']
        wanted, _ = cluster.create_only()
        satellite.kill()
        shutil.rmtree(satellite.data, ignore_errors=True)
        satellite.start()
        cluster.await_online('n1')
        cluster.await_match(wanted)
        cluster.delete_everything()


@suite.case('loop devices detached behind our back (as by a reboot) come back with their data')
def _():
    with Cluster(satellites=1, source='satellites') as cluster:
        cluster.register()
        wanted, device = cluster.create_only()
        machine.write_head(device, b'precious')
        cluster.satellites['n1'].kill()
        machine.run('losetup', '-d', device)
        wait_for('detached', lambda: not cluster.devices(), 10)
        cluster.satellites['n1'].start()
        cluster.await_online('n1')
        cluster.await_match(wanted)
        assert machine.read_head(next(iter(cluster.devices())), 8) == b'precious'
        cluster.delete_everything()


@suite.case('a satellite cannot set what is not its own: properties of pools, names of machines')
def _():
    with Cluster(satellites=0, source='satellites') as cluster, Obedient(['STORAGE']) as fake:
        told = 'StorDriver/internal/lvmthin/thinPoolGranularity'
        fake.hello['uname'] = 'x\x1b[1m' + 'y' * 10000
        fake.pool_props = {'StorDriver/StorPoolName': '/etc', 'evil key//': 'x' * 1000, 'StorDriver/internal/long': 'x' * 1000,
                           'StorDriver/internal//other/': 'x', told: '64', **{f'Aux/{n}': 'x' for n in range(250)},
                           **{f'StorDriver/internal/z{n}': 'x' for n in range(250)}}
        fake.register(cluster.rest)
        cluster.await_online('fake')
        assert 'NodeUname' not in cluster.rest.get('/v1/nodes/fake').get('props', {})
        cluster.rest.post('/v1/nodes/fake/storage-pools', {'storage_pool_name': 'thin', 'provider_kind': 'FILE_THIN',
                                                           'props': {'StorDriver/StorPoolName': '/x'}})

        def props():
            return cluster.rest.get('/v1/nodes/fake/storage-pools/thin')['props']
        wait_for('what it may tell is shown', lambda: told in props(), 20)
        shown = props()
        assert shown['StorDriver/StorPoolName'] == '/x', shown
        assert len(shown) < 50 and all(k.startswith('StorDriver/') and len(v) < 100 for k, v in shown.items()), shown


@suite.case('the uuid of a volume group is kept for the satellite, until a user deletes it')
def _():
    with Cluster(satellites=0, source='satellites') as cluster, Obedient(['STORAGE']) as fake:
        key, uuids = 'StorDriver/internal/lvm/vgUuid', [f'{c * 6}-abcd-abcd-abcd-abcd-abcd-abcdef' for c in 'AB']
        path = '/v1/nodes/fake/storage-pools/lvm'

        def wanted():
            pools = [pool for kind, body in fake.received if kind == 'wants' for pool in body.get('pools', []) if pool['pool'] == 'lvm']
            return pools[-1]['props'].get(key) if pools else None

        fake.pool_props = {key: uuids[0]}
        fake.register(cluster.rest)
        cluster.await_online('fake')
        cluster.rest.post('/v1/nodes/fake/storage-pools', {'storage_pool_name': 'lvm', 'provider_kind': 'FILE_THIN',
                                                           'props': {'StorDriver/StorPoolName': '/x'}})
        wait_for('it comes back', lambda: wanted() == uuids[0], 20)
        assert cluster.rest.get(path)['props'][key] == uuids[0]
        for tells, change, then in ((True, {'override_props': {key: uuids[1]}}, uuids[1]), (False, {'delete_props': [key]}, None)):
            fake.pool_props = {key: uuids[0]} if tells else {}
            cluster.rest.expect(200, 'PUT', path, change)
            wait_for(f'the satellite hears of {change}', lambda then=then: wanted() == then, 20)
            assert cluster.rest.get(path)['props'].get(key) == then
        cluster.rest.expect(500, 'PUT', path, {'override_props': {key: 'x" || vg_name="vg1'}})


@suite.case('a definition that moves to another group: satellites hear of the other properties')
def _():
    with Cluster(satellites=0, source='satellites') as cluster, Obedient(['STORAGE']) as fake:
        key = 'StorDriver/LvcreateOptions'

        def options():
            want = fake.last_want()
            return want['volumes'][0].get('props', {}).get(key) if want else None

        fake.register(cluster.rest)
        cluster.await_online('fake')
        cluster.rest.post('/v1/nodes/fake/storage-pools', {'storage_pool_name': 'thin', 'provider_kind': 'FILE_THIN',
                                                           'props': {'StorDriver/StorPoolName': '/x'}})
        for group in ('first', 'second'):
            cluster.rest.post('/v1/resource-groups', {'name': group})
            cluster.rest.expect(200, 'PUT', f'/v1/resource-groups/{group}', {'override_props': {key: f'--{group}'}})
        cluster.rest.post('/v1/resource-definitions', {'resource_definition': {
            'name': 'data', 'resource_group_name': 'first', 'layer_data': [{'type': 'STORAGE'}]}})
        cluster.rest.post('/v1/resource-definitions/data/volume-definitions', {'volume_definition': {'size_kib': 8192}}, (200, 201))
        cluster.create_resource('data', 'fake')
        wait_for('the want has that of the first', lambda: options() == '--first', 20)
        cluster.rest.expect(200, 'PUT', '/v1/resource-definitions/data', {'resource_group': 'second'})
        wait_for(lambda: f'the want has that of the second, not {options()}', lambda: options() == '--second', 20)
        assert fake.connections == 1, 'it connected again, which tells everything'


@suite.case('a pool of devices: what cannot be registered is refused before, else it is said that the pool is there')
def _():
    with Cluster(satellites=0, source='satellites') as cluster, Obedient(['STORAGE']) as fake:
        def make(**storage_pool):
            return cluster.rest.call('POST', '/v1/physical-storage/fake', {
                'provider_kind': 'LVM', 'device_paths': ['/dev/x'], 'pool_name': 'vg', 'with_storage_pool': {'name': 'fresh', **storage_pool}})

        fake.hello['providers'] = ['LVM']
        fake.register(cluster.rest)
        cluster.await_online('fake')
        refused = make(props={'foo': 'bar'})
        assert refused.status >= 400 and 'foo' in str(refused), refused
        assert not [kind for kind, _ in fake.received if kind == 'device_pool'], 'the devices were changed all the same'
        refused = make(shared_space='no good name')
        assert refused.status >= 400 and 'was made' in str(refused), refused
        answer = make(props={'Aux/x': 'y'})
        assert answer.status == 201, answer
        assert cluster.rest.get('/v1/nodes/fake/storage-pools/fresh')['props']['Aux/x'] == 'y'


@suite.case('volumes of one request share the room of their pool')
def _():
    with Cluster(satellites=0, source='satellites') as cluster, Obedient(['STORAGE']) as fake:    # its pools have 1 TiB
        fake.hello['providers'] = ['FILE']
        fake.register(cluster.rest)
        cluster.await_online('fake')
        cluster.rest.post('/v1/nodes/fake/storage-pools', {'storage_pool_name': 'thick', 'provider_kind': 'FILE',
                                                           'props': {'StorDriver/StorPoolName': '/x'}})
        part = 400 << 20
        cluster.create_definition('two', [part, part])
        cluster.create_resource('two', 'fake', 'thick')
        cluster.create_definition('three', [part, part, part])
        refused = cluster.create_resource('three', 'fake', 'thick', 500)
        assert f'other volumes of the request take {2 * part} KiB' in refused.errors[0]['cause'], refused
        refused = cluster.rest.call('PUT', '/v1/resource-definitions/two/volume-definitions/0', {'size_kib': 4 * part})
        assert refused.status == 500 and 'no room' in str(refused), refused


@suite.case('a report of a generation that cannot be is not believed')
def _():
    class Backwards(Obedient):
        """Says that all is well, and then that something else is not."""
        def tell(self, want):
            bad = {'generation': -1, 'applied': False, 'trouble': {'message': 'of no want'}}
            return {**super().tell(want), **(bad if self.is_bad else {})}

        def read(self, peer, got):
            for self.is_bad in (False, True):
                super().read(peer, got)

    with Cluster(satellites=0, source='satellites') as cluster, Backwards(['STORAGE']) as fake:
        fake.register(cluster.rest)
        cluster.await_online('fake')
        cluster.rest.post('/v1/nodes/fake/storage-pools', {'storage_pool_name': 'thin', 'provider_kind': 'FILE_THIN',
                                                           'props': {'StorDriver/StorPoolName': '/x'}})
        cluster.create_definition('data', [8192])
        cluster.create_resource('data', 'fake')
        assert 'of no want' not in str(cluster.rest.call('GET', '/v1/view/resources'))


@suite.case('many reconnections leave no sockets behind')
def _():
    with Cluster(satellites=1, source='satellites') as cluster:
        cluster.register()
        before = None
        for count in range(15):
            cluster.satellites['n1'].kill()
            cluster.satellites['n1'].start()
            cluster.rest.call('PUT', '/v1/nodes/n1/reconnect')
            cluster.await_online('n1')
            if count == 4:
                before = cluster.controller.open_files()
        wait_for(lambda: f'there are {before} descriptors again, not {cluster.controller.open_files()}',
                 lambda: cluster.controller.open_files() <= before + 2, 20)


@suite.case('a node that names the wrong satellite does not come ONLINE as two')
def _():
    with Cluster(satellites=1, source='satellites') as cluster:
        cluster.register()
        satellite = cluster.satellites['n1']
        cluster.rest.call('POST', '/v1/nodes', {'name': 'twin', 'type': 'Satellite', 'net_interfaces': [
            {'name': 'default', 'address': satellite.address, 'satellite_port': satellite.port,
             'satellite_encryption_type': 'PLAIN'}]})
        cluster.create_only()
        assert cluster.node_state('n1') == 'ONLINE'
        cluster.rest.call('DELETE', '/v1/nodes/twin/lost')
        cluster.rest.call('DELETE', '/v1/nodes/twin')
        cluster.delete_everything()


if __name__ == '__main__':
    sys.exit(suite.run())
