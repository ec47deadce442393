#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of which little or nothing is left by filters and offsets: they say the same however long they walk, and are
made in pieces, between which others are served."""
import http.client
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'lib'))
from cluster import Cluster
from suite import Suite

suite = Suite('lists')
COUNT = 2300    # more than is looked at in two pieces
NAMES = [f'd{i:04}' for i in range(COUNT)]


def get(cluster, path):
    """The list, and whether it came in pieces."""
    connection = http.client.HTTPConnection('127.0.0.1', cluster.controller.port, timeout=30)
    connection.request('GET', path)
    answer = connection.getresponse()
    assert answer.status == 200, (path, answer.status)
    is_chunked = answer.getheader('Transfer-Encoding') == 'chunked'
    listed = json.loads(answer.read())
    connection.close()
    return listed, is_chunked


@suite.case('filters and offsets over many objects')
def _():
    with Cluster(satellites=1, source='lists') as cluster:
        cluster.register()
        for name in NAMES:
            cluster.rest.post('/v1/resource-definitions', {'resource_definition': {'name': name,
                              'layer_data': [{'type': 'STORAGE'}], 'props': {'Aux/odd': 'yes'} if name[-1] in '13579' else {}}})
        cluster.rest.post(f'/v1/resource-definitions/{NAMES[-2]}/volume-definitions', {'volume_definition': {'size_kib': 4096}},
                          (200, 201))
        cluster.create_resource(NAMES[-2], 'n1')
        path = '/v1/resource-definitions'
        assert [d['name'] for d in get(cluster, path)[0]] == NAMES
        for query, expected in (('?resource_definitions=none', []), ('?props=Aux/none', []),
                                ('?props=Aux/odd', [n for n in NAMES if n[-1] in '13579']),
                                (f'?resource_definitions={NAMES[0]}&resource_definitions={NAMES[-1]}', [NAMES[0], NAMES[-1]]),
                                (f'?limit=5&offset={COUNT - 3}', NAMES[-3:]), (f'?limit=5&offset={COUNT}', []),
                                ('?limit=3&offset=1500', NAMES[1500:1503])):
            listed, in_pieces = get(cluster, path + query)
            assert [d['name'] for d in listed] == expected, query
            assert in_pieces, f'{query}: made in one piece'
        for query, expected in (('', [NAMES[-2]]), ('?nodes=n1', [NAMES[-2]]), ('?storage_pools=none', []), ('?offset=1&limit=9', [])):
            listed, in_pieces = get(cluster, '/v1/view/resources' + query)
            assert [r['name'] for r in listed] == expected, query
            assert in_pieces, f'{query}: made in one piece'
        assert get(cluster, f'/v1/view/resources?resources={NAMES[-2]}') == (get(cluster, '/v1/view/resources')[0], False)
        assert not get(cluster, '/v1/nodes')[1]
        pools = [p['storage_pool_name'] for p in get(cluster, '/v1/view/storage-pools')[0]]
        assert 'thin' in pools and len(pools) == len(set(pools)), pools
        assert get(cluster, '/v1/view/storage-pools?storage_pools=none') == ([], False)


if __name__ == '__main__':
    sys.exit(suite.run())
