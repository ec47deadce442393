#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values at their limits: what is accepted is there after a restart, what is not is refused in words."""
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'lib'))
from cluster import Cluster
from suite import Suite

suite = Suite('limits')


@suite.case('more properties than an object may have are refused, and what it has survives')
def _():
    with Cluster(satellites=1, source='limits') as cluster:
        cluster.register()
        cluster.create_definition('data', [4096])
        cluster.create_resource('data', 'n1')
        for path in ('/v1/nodes/n1', '/v1/resource-definitions/data', '/v1/controller/properties'):
            change = cluster.rest.post if path.startswith('/v1/controller') else cluster.rest.put
            change(path, {'override_props': {f'Aux/k{n}': 'x' for n in range(9000)}}, (200, 201))
            answer = change(path, {'override_props': {f'Aux/l{n}': 'x' for n in range(9000)}}, 500)
            assert 'more than 10000 properties' in answer.errors[0]['message'], answer
            change(path, {'delete_namespaces': ['Aux/none'], 'override_props': {'Aux/last': 'y'}}, (200, 201))
        cluster.controller.restart()
        cluster.await_online('n1')
        assert len(cluster.rest.get('/v1/nodes/n1')['props']) > 9000
        assert cluster.rest.get('/v1/controller/properties')['Aux/last'] == 'y'
        assert [p['storage_pool_name'] for p in cluster.rest.get('/v1/nodes/n1/storage-pools')][0] in ('DfltDisklessStorPool', 'thin')
        cluster.await_match({('data', 'n1'): {0: 4096}})
        assert not cluster.rest.get('/v1/error-reports') or all(
            'RecordUnreadable' not in str(r) for r in cluster.rest.get('/v1/error-reports'))


@suite.case('text that is no UTF-8 is refused')
def _():
    with Cluster(satellites=0, source='limits') as cluster:
        cluster.create_definition('data', [])
        for body in (b'{"override_props":{"Aux/a":"\xff"}}', b'{"override_props":{"Aux/\xc3":"b"}}'):
            cluster.rest.put('/v1/resource-definitions/data', body, 400)


@suite.case('sizes that no device can have are refused where a device would be made')
def _():
    most, huge = 2 ** 50, 2 ** 63 - 1
    with Cluster(satellites=1, source='limits') as cluster:
        cluster.register()
        cluster.create_definition('data', [4096])
        cluster.create_resource('data', 'n1')
        volumes = '/v1/resource-definitions/data/volume-definitions'
        for size in (most + 1, huge):
            for answer in (cluster.rest.post(volumes, {'volume_definition': {'size_kib': size}}, 500),
                           cluster.rest.put(f'{volumes}/0', {'size_kib': size}, 500)):
                assert f'1 to {most} KiB' in answer.errors[0]['cause'], answer
            cluster.rest.post('/v1/resource-groups/DfltRscGrp/spawn', {
                'resource_definition_name': f'spawned{size}', 'volume_sizes': [size],
                'select_filter': {'place_count': 1, 'layer_stack': ['STORAGE']}}, 500)
        # A definition that is not deployed takes any size, as the reference's; a resource of it is refused.
        cluster.create_definition('huge', [huge])
        answer = cluster.rest.post('/v1/resource-definitions/huge/resources/n1', {'resource': {'props': {'StorPoolName': 'thin'}}}, 500)
        assert f'more than {most} KiB' in answer.errors[0]['cause'], answer
        cluster.await_match({('data', 'n1'): {0: 4096}})
        cluster.delete_everything()


@suite.case('a request with more keys than an object can have is refused, and does not hold up others')
def _():
    with Cluster(satellites=0, source='limits') as cluster:
        cluster.create_definition('data', [])
        path = '/v1/resource-definitions/data'
        cluster.rest.put(path, {'override_props': {f'Aux/k{n:05}': 'x' for n in range(9000)}})
        for target, change in ((path, cluster.rest.put), ('/v1/controller/properties', cluster.rest.post)):
            for body in ({'delete_props': ['Aux/x'] * 10001}, {'delete_namespaces': ['Aux/x'] * 10001},
                         {'override_props': {f'Aux/{n:05}': 'x' for n in range(10001)}}):
                answer = change(target, body, 500)
                assert 'Too many properties' in answer.errors[0]['message'], answer
        refused = cluster.rest.call('POST', '/v1/resource-definitions', {'resource_definition': {
            'name': 'many', 'props': {f'Aux/{n:05}': 'x' for n in range(10001)}}})
        assert refused.status == 500 and 'Too many properties' in str(refused), refused
        # what is there is looked up, not walked, for each of these

        def seconds(target):
            began = time.monotonic()
            cluster.rest.put(target, {'delete_namespaces': [f'A{n}' for n in range(10000)]})
            return time.monotonic() - began
        cluster.create_definition('empty', [])
        long, short = (min(seconds(target) for _ in range(3)) for target in (path, '/v1/resource-definitions/empty'))
        assert long < 5 * short + 1, f'{long:.1f} s, of an object without properties {short:.1f} s'
        cluster.rest.put(path, {'delete_namespaces': ['Aux/k0', 'Aux']})
        assert cluster.rest.get(path).get('props', {}).keys() <= {'Internal/Drbd/QuorumSetBy'}, cluster.rest.get(path)


@suite.case('an error says what it is about')
def _():
    with Cluster(satellites=0, source='limits') as cluster:
        answer = cluster.rest.post('/v1/resource-groups/nobody/volume-groups', {}, 404)
        assert answer.errors[0]['details'] == 'Resource group: nobody', answer


if __name__ == '__main__':
    sys.exit(suite.run())
