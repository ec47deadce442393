#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Full disks: under the controller's store, and under a satellite's pool."""
import contextlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'lib'))
import machine
from cluster import Cluster
from suite import Suite, wait_for

suite = Suite('full')
STORE_KIB = 8192


@contextlib.contextmanager
def small_store():
    with Cluster(satellites=0, source='full', start=False) as cluster:
        machine.mount_tmpfs(cluster.controller.data, STORE_KIB)
        cluster.start()
        yield cluster


@contextlib.contextmanager
def small_pool():
    """A thick one of 64 MiB."""
    with Cluster(satellites=1, source='full', start=False) as cluster:
        machine.mount_tmpfs(cluster.satellites['n1'].pool, 64 * 1024)
        cluster.start()
        cluster.register('thick', 'FILE')
        yield cluster


def fill(directory):
    """Takes what is free, in one file, which is returned."""
    filler = pathlib.Path(directory) / 'filler'
    with open(filler, 'wb', buffering=0) as file:
        for size in (1 << 20, 4096):
            try:
                while file.write(b'x' * size) == size:
                    pass
            except OSError:
                pass
    return filler


def definitions(cluster):
    return {d['name'] for d in cluster.rest.get('/v1/resource-definitions')}


def create(cluster, name, **extra):
    return cluster.rest.call('POST', '/v1/resource-definitions', {'resource_definition': {'name': name, 'props': {
        'Aux/filling': 'x' * 2000}}, **extra})


def is_clear_refusal(answer):
    text = ' '.join(str(e.get(k, '')) for e in answer.errors for k in ('message', 'cause', 'details')).lower()
    return answer.status == 500 and answer.errors and ('space' in text or 'full' in text or 'store' in text)


@suite.case("the controller's disk is full: clear errors, nothing lost, goes on when there is space")
def _():
    with small_store() as cluster:
        acknowledged = set()
        for number in range(20):
            name = f'before{number}'
            assert create(cluster, name).status == 201
            acknowledged.add(name)
        filler = fill(cluster.controller.data)
        refused, answer = [], None
        for number in range(3000):
            answer = create(cluster, f'during{number}')
            if answer.status == 201:
                acknowledged.add(f'during{number}')
            else:
                refused.append(f'during{number}')
                if len(refused) == 20:
                    break
        assert refused, 'the disk never became full'
        assert is_clear_refusal(answer), f'the refusal does not name the cause: {answer}'
        assert definitions(cluster) == acknowledged, 'reading shows other things than what was acknowledged'
        cluster.rest.call('GET', '/v1/nodes')
        assert cluster.controller.is_running()

        filler.unlink()
        wait_for('writing works again', lambda: create(cluster, 'after').status == 201, 20, 0.2)
        acknowledged.add('after')
        cluster.controller.kill()
        cluster.controller.start()
        assert definitions(cluster) == acknowledged, f'after a restart: {sorted(definitions(cluster) ^ acknowledged)[:5]}'


@suite.case('numbers of failed requests are free again')
def _():
    with small_store() as cluster:
        create(cluster, 'first')
        filler = fill(cluster.controller.data)
        for number in range(3000):
            if create(cluster, f'during{number}').status != 201:
                break
        answer = create(cluster, 'portly', drbd_port=7123)
        assert answer.status == 500, f'the disk is not full: {answer}'
        minor = cluster.rest.call('POST', '/v1/resource-definitions/first/volume-definitions',
                                  {'volume_definition': {'size_kib': 4096}, 'drbd_minor_number': 1234})
        assert minor.status == 500, str(minor)
        filler.unlink()
        wait_for('the same port can be given', lambda: create(cluster, 'portly', drbd_port=7123).status == 201, 20, 0.2)
        cluster.rest.post('/v1/resource-definitions/first/volume-definitions',
                          {'volume_definition': {'size_kib': 4096}, 'drbd_minor_number': 1234}, (200, 201))


@suite.case('a master passphrase that could not be stored does not block the next one')
def _():
    with small_store() as cluster:
        path = '/v1/encryption/passphrase'
        filler = fill(cluster.controller.data)
        for number in range(3000):
            if create(cluster, f'during{number}').status != 201:
                break
        refused = cluster.rest.call('POST', path, {'new_passphrase': 'x'})
        assert is_clear_refusal(refused), refused
        assert cluster.rest.get(path)['status'] == 'unset'
        filler.unlink()
        rest = cluster.new_rest(timeout=20)    # an answer that never comes fails the test
        wait_for('it can be created', lambda: rest.call('POST', path, {'new_passphrase': 'x'}).status == 201, 20, 0.2)
        assert cluster.rest.get(path)['status'] == 'unlocked'
        rest.close()


@suite.case('an empty controller on a full disk says why it does not start')
def _():
    with Cluster(satellites=0, source='full', start=False) as cluster:
        machine.mount_tmpfs(cluster.controller.data, 64)
        fill(cluster.controller.data)
        controller = cluster.controller
        controller.launch()
        controller.expected_end = True
        wait_for('it ends or refuses', lambda: not controller.is_running() or controller.answers(), 20)
        if not controller.is_running():
            assert controller.child.returncode not in (0, None) and controller.child.returncode > 0, controller.child.returncode
            text = controller.tail().lower()
            assert 'space' in text or 'full' in text, f'the log does not name the cause:\n{text}'
        else:
            assert create(cluster, 'r1').status == 500


@suite.case('more than a thick pool holds is refused or fails visibly, and leaves nothing')
def _():
    with small_pool() as cluster:
        cluster.create_definition('big', [256 * 1024])
        answer = cluster.rest.call('POST', '/v1/resource-definitions/big/resources/n1',
                                   {'resource': {'node_name': 'n1', 'props': {'StorPoolName': 'thick'}}})
        assert answer.errors and answer.status >= 400, f'256 MiB on a pool of 64 MiB: {answer}'
        assert any(e.get('cause') or e.get('message') for e in answer.errors)
        cluster.delete_everything()
        cluster.create_definition('small', [16 * 1024])
        cluster.create_resource('small', 'n1', 'thick')
        cluster.await_match({('small', 'n1'): {0: 16 * 1024}})
        cluster.delete_everything()


@suite.case('a pool that fills up behind our back: the attempt is repeated and succeeds when there is space')
def _():
    with small_pool() as cluster:
        filler = cluster.satellites['n1'].pool / 'stranger'
        filler.write_bytes(b'\0' * (60 << 20))
        cluster.create_definition('late', [32 * 1024])
        answer = cluster.rest.call('POST', '/v1/resource-definitions/late/resources/n1',
                                   {'resource': {'node_name': 'n1', 'props': {'StorPoolName': 'thick'}}})
        if answer.status == 201:
            volume = cluster.replicas()['late', 'n1'][0]
            assert volume.get('reports') or answer.errors or len(answer.entries) > 1, f'nobody says that it failed: {answer} {volume}'
            assert not cluster.devices(), cluster.devices()
        filler.unlink()
        if not cluster.replicas():    # it was known before that there is no room; that there is is known after the next look
            wait_for('there is room again', lambda: cluster.rest.call(
                'POST', '/v1/resource-definitions/late/resources/n1',
                {'resource': {'node_name': 'n1', 'props': {'StorPoolName': 'thick'}}}).status == 201, 30, 0.5)
        cluster.await_match({('late', 'n1'): {0: 32 * 1024}}, 60)
        filler.write_bytes(b'\0' * (28 << 20))
        cluster.rest.call('PUT', '/v1/resource-definitions/late/volume-definitions/0', {'size_kib': 40 * 1024})
        filler.unlink()
        size = cluster.rest.get('/v1/resource-definitions/late/volume-definitions/0')['size_kib']
        cluster.await_match({('late', 'n1'): {0: size}}, 60)
        cluster.delete_everything()


if __name__ == '__main__':
    sys.exit(suite.run())
