#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both ends of NVMe over fabrics are told what they must know of each other, in the right order."""
import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'lib'))
from cluster import Cluster
from peer import Obedient
from rest import Rest
from suite import Suite, wait_for

suite = Suite('nvme')
LAYERS = ['NVME', 'STORAGE']


def address(fake):
    want = fake.last_want()
    return want['nvme']['address'] if want else None


def size(fake):
    want = fake.last_want()
    return want and want['volumes'][0]['size_kib']


def warnings(answer):
    """And errors."""
    return [entry['message'] for entry in answer.entries if entry['ret_code'] & 3 << 62]


def create(cluster, target, initiator, size_kib=8192):
    for name, fake in (('fa', target), ('fb', initiator)):
        fake.register(cluster.rest, name)
        cluster.await_online(name)
    cluster.rest.post('/v1/nodes/fa/net-interfaces', {'name': 'fast', 'address': '127.0.0.7'}, (200, 201))
    cluster.rest.post('/v1/nodes/fa/storage-pools', {'storage_pool_name': 'thin', 'provider_kind': 'FILE_THIN',
                                                     'props': {'StorDriver/StorPoolName': '/x'}})
    cluster.create_definition('data', [size_kib], LAYERS)
    cluster.create_resource('data', 'fa')
    cluster.rest.post('/v1/resource-definitions/data/resources/fb', {'resource': {'node_name': 'fb', 'flags': ['NVME_INITIATOR']}})


def grow(rest, size_kib):
    return rest.call('PUT', '/v1/resource-definitions/data/volume-definitions/0', {'size_kib': size_kib})


@suite.case('a change of the address of the target reaches target and initiator')
def _():
    with Cluster(satellites=0, source='nvme') as cluster, Obedient(LAYERS, 'fa', '127.0.0.40') as target, \
            Obedient(LAYERS, 'fb', '127.0.0.41') as initiator:
        def await_address(wanted):
            wait_for(lambda: f'both have {wanted}, not {address(target)} and {address(initiator)}',
                     lambda: address(target) == address(initiator) == wanted, 20)
            assert target.connections == initiator.connections == 1, 'it connected again, which tells everything'

        create(cluster, target, initiator)
        await_address('127.0.0.40')
        cluster.rest.expect(200, 'PUT', '/v1/nodes/fa/storage-pools/thin', {'override_props': {'NVMe/PrefNic': 'fast'}})
        await_address('127.0.0.7')
        cluster.rest.expect(200, 'PUT', '/v1/nodes/fa/net-interfaces/fast', {'name': 'fast', 'address': '127.0.0.8'})
        await_address('127.0.0.8')
        cluster.rest.expect(200, 'DELETE', '/v1/nodes/fa/net-interfaces/fast')
        await_address('127.0.0.40')


@suite.case('an initiator is told of a growth when its target has grown, and the answer waits for both')
def _():
    with Cluster(satellites=0, source='nvme') as cluster, Obedient(LAYERS, 'fa', '127.0.0.42') as target, \
            Obedient(LAYERS, 'fb', '127.0.0.43') as initiator:
        create(cluster, target, initiator)
        answer = grow(cluster.rest, 16384)
        assert answer.status == 200 and size(target) == size(initiator) == 16384, (answer, size(target), size(initiator))
        assert warnings(answer) == [], answer
        # The node of the target is off.
        target.go_away()
        wait_for('it is away', lambda: cluster.rest.get('/v1/nodes/fa')['connection_status'] != 'ONLINE', 20)
        told = len(initiator.received)
        answer = grow(cluster.rest, 32768)
        assert answer.status == 200 and len(warnings(answer)) == 1 and "'fa'" in warnings(answer)[0], answer
        assert size(initiator) == 16384 and size(target) == 16384
        # What else is changed reaches it, without the size.
        cluster.rest.expect(200, 'PUT', '/v1/resource-definitions/data', {'override_props': {'NVMe/Port': '4421'}})
        wait_for('it has the port', lambda: initiator.last_want()['nvme']['port'] == 4421, 5)
        assert size(initiator) == 16384 and len(initiator.received) > told
        # Back, and slow: the answer does not come before the initiator has grown, too.
        target.applies, target.limit_kib = False, 16384
        target.come_back()
        cluster.await_online('fa')
        wait_for('the target is told', lambda: size(target) == 32768, 10)
        assert size(initiator) == 16384, 'it was told before the target had grown'
        target.applies, target.limit_kib = True, None
        answer = grow(cluster.rest, 65536)
        assert answer.status == 200 and warnings(answer) == [], answer
        assert size(target) == size(initiator) == 65536


@suite.case('the answer to a growth waits for the initiator, also when volumes are larger than they were asked for')
def _():
    with Cluster(satellites=0, source='nvme') as cluster, Obedient(LAYERS, 'fa', '127.0.0.44') as target, \
            Obedient(LAYERS, 'fb', '127.0.0.45') as initiator:
        def resizes():
            return 'RESIZE' in cluster.rest.get('/v1/resource-definitions/data/volume-definitions')[0].get('flags', [])

        target.extent_kib = initiator.extent_kib = 4096
        create(cluster, target, initiator, 8200)
        initiator.limit_kib = 12288
        rest = Rest('127.0.0.1', cluster.controller.port)    # a connection is of one thread
        growing = threading.Thread(target=grow, args=(rest, 16384))
        growing.start()
        wait_for('the initiator is told all', lambda: size(initiator) == 16384, 10)
        growing.join(0.5)
        assert growing.is_alive() and resizes(), 'it was said to be done'
        initiator.limit_kib = None
        initiator.keeps = True
        initiator.go_away()
        initiator.come_back()    # connected again, it tells what it has now
        growing.join(10)
        assert not growing.is_alive()
        wait_for('the growth is over', lambda: not resizes(), 5)


@suite.case('a restarted controller that does not hear of the target does not tell the initiator to grow')
def _():
    with Cluster(satellites=0, source='nvme') as cluster, Obedient(LAYERS, 'fa', '127.0.0.46') as target, \
            Obedient(LAYERS, 'fb', '127.0.0.47') as initiator:
        target.keeps = initiator.keeps = True
        create(cluster, target, initiator)
        target.go_away()
        wait_for('it is away', lambda: cluster.rest.get('/v1/nodes/fa')['connection_status'] != 'ONLINE', 20)
        grow(cluster.rest, 16384)
        initiator.limit_kib = 8192
        cluster.controller.restart()
        cluster.await_online('fb')
        cluster.rest.expect(200, 'PUT', '/v1/resource-definitions/data', {'override_props': {'NVMe/Port': '4421'}})
        wait_for('it has the port', lambda: initiator.last_want()['nvme']['port'] == 4421, 5)
        sizes = {v['size_kib'] for kind, body in initiator.received if kind == 'wants' for r in body.get('resources', []) for v in r['volumes']}
        assert sizes == {8192}, sizes
        initiator.limit_kib = None
        target.come_back()
        cluster.await_online('fa')
        wait_for('both have grown', lambda: size(target) == size(initiator) == 16384, 10)


if __name__ == '__main__':
    sys.exit(suite.run())
