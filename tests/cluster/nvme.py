#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both ends of NVMe over fabrics are told the same address, whatever it comes from."""
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


@suite.case('a change of the address of the target reaches target and initiator')
def _():
    with Cluster(satellites=0, source='nvme') as cluster, Obedient(LAYERS, 'fa', '127.0.0.40') as target, \
            Obedient(LAYERS, 'fb', '127.0.0.41') as initiator:
        def await_address(wanted):    # before the controller connects again, which tells everything
            wait_for(lambda: f'both have {wanted}, not {address(target)} and {address(initiator)}',
                     lambda: address(target) == address(initiator) == wanted, 4)

        for name, fake in (('fa', target), ('fb', initiator)):
            fake.register(cluster.rest, name)
            cluster.await_online(name)
        cluster.rest.post('/v1/nodes/fa/net-interfaces', {'name': 'fast', 'address': '127.0.0.7'}, (200, 201))
        cluster.rest.post('/v1/nodes/fa/storage-pools', {'storage_pool_name': 'thin', 'provider_kind': 'FILE_THIN',
                                                         'props': {'StorDriver/StorPoolName': '/x'}})
        cluster.create_definition('data', [8192], LAYERS)
        cluster.create_resource('data', 'fa')
        cluster.rest.post('/v1/resource-definitions/data/resources/fb', {'resource': {'node_name': 'fb', 'flags': ['NVME_INITIATOR']}})
        await_address('127.0.0.40')
        cluster.rest.expect(200, 'PUT', '/v1/nodes/fa/storage-pools/thin', {'override_props': {'NVMe/PrefNic': 'fast'}})
        await_address('127.0.0.7')
        cluster.rest.expect(200, 'PUT', '/v1/nodes/fa/net-interfaces/fast', {'name': 'fast', 'address': '127.0.0.8'})
        await_address('127.0.0.8')
        cluster.rest.expect(200, 'DELETE', '/v1/nodes/fa/net-interfaces/fast')
        await_address('127.0.0.40')


if __name__ == '__main__':
    sys.exit(suite.run())
