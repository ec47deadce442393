#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both ends of NVMe over fabrics are told what they must know of each other, in the right order."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'lib'))
from cluster import Cluster
from peer import Obedient
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


def create(cluster, target, initiator):
    for name, fake in (('fa', target), ('fb', initiator)):
        fake.register(cluster.rest, name)
        cluster.await_online(name)
    cluster.rest.post('/v1/nodes/fa/net-interfaces', {'name': 'fast', 'address': '127.0.0.7'}, (200, 201))
    cluster.rest.post('/v1/nodes/fa/storage-pools', {'storage_pool_name': 'thin', 'provider_kind': 'FILE_THIN',
                                                     'props': {'StorDriver/StorPoolName': '/x'}})
    cluster.create_definition('data', [8192], LAYERS)
    cluster.create_resource('data', 'fa')
    cluster.rest.post('/v1/resource-definitions/data/resources/fb', {'resource': {'node_name': 'fb', 'flags': ['NVME_INITIATOR']}})


def grow(cluster, size_kib):
    return cluster.rest.call('PUT', '/v1/resource-definitions/data/volume-definitions/0', {'size_kib': size_kib})


@suite.case('a change of the address of the target reaches target and initiator')
def _():
    with Cluster(satellites=0, source='nvme') as cluster, Obedient(LAYERS, 'fa', '127.0.0.40') as target, \
            Obedient(LAYERS, 'fb', '127.0.0.41') as initiator:
        def await_address(wanted):    # before the controller connects again, which tells everything
            wait_for(lambda: f'both have {wanted}, not {address(target)} and {address(initiator)}',
                     lambda: address(target) == address(initiator) == wanted, 4)

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
        answer = grow(cluster, 16384)
        assert answer.status == 200 and size(target) == size(initiator) == 16384, (answer, size(target), size(initiator))
        assert warnings(answer) == [], answer
        # The node of the target is off.
        target.go_away()
        wait_for('it is away', lambda: cluster.rest.get('/v1/nodes/fa')['connection_status'] != 'ONLINE', 20)
        told = len(initiator.received)
        answer = grow(cluster, 32768)
        assert answer.status == 200 and len(warnings(answer)) == 1 and "'fa'" in warnings(answer)[0], answer
        assert size(initiator) == 16384 and size(target) == 16384
        # What else is changed reaches it, without the size.
        cluster.rest.expect(200, 'PUT', '/v1/resource-definitions/data', {'override_props': {'NVMe/Port': '4421'}})
        wait_for('it has the port', lambda: initiator.last_want()['nvme']['port'] == 4421, 5)
        assert size(initiator) == 16384 and len(initiator.received) > told
        # Back, and slow: the answer does not come before the initiator has grown, too.
        target.applies = False
        target.come_back()
        cluster.await_online('fa')
        wait_for('the target is told', lambda: size(target) == 32768, 10)
        assert size(initiator) == 16384, 'it was told before the target had grown'
        target.applies = True
        answer = grow(cluster, 65536)
        assert answer.status == 200 and warnings(answer) == [], answer
        assert size(target) == size(initiator) == 65536


if __name__ == '__main__':
    sys.exit(suite.run())
