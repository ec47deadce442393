#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sequences of requests that platform drivers make, as raw HTTP with what each of them insists on.

Restricted to what is served today: layer STORAGE only, no snapshots, clones or make-available.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'lib'))
from cluster import Cluster
from suite import Suite, wait_for

suite = Suite('sequences')
MIB = 1024
ERROR = 0xC000000000000000
EXISTS_DEFINITION, EXISTS_VOLUME, EXISTS_GROUP, NOT_ENOUGH_NODES, ALREADY_DEPLOYED = 501, 503, 522, 996, 1006


def has_error(answer, code):
    """As the Go library looks: type and code of any entry."""
    return any(e['ret_code'] & (ERROR | 0x7FFF) == (ERROR | code) - (1 << 64) or
               (e['ret_code'] & 0xFFFFFFFFFFFFFFFF) & (ERROR | 0x7FFF) == ERROR | code for e in answer.entries)


def missing(rest, path):
    return rest.expect(404, 'GET', path)


@suite.case('container storage driver: create, publish, expand, list, delete')
def _():
    with Cluster(satellites=3, source='csi') as cluster:
        rest = cluster.rest
        cluster.register()
        for name in cluster.satellites:
            rest.put(f'/v1/nodes/{name}', {'override_props': {'Aux/topology/zone': 'z' + name}})
        missing(rest, '/v1/resource-groups/sc-fast')
        rest.post('/v1/resource-groups', {'name': 'sc-fast', 'props': {}, 'select_filter': {}})
        again = rest.expect(500, 'POST', '/v1/resource-groups', {'name': 'sc-fast', 'props': {}, 'select_filter': {}})
        assert has_error(again, EXISTS_GROUP), str(again)
        wanted = {'place_count': 2, 'storage_pool_list': ['thin'], 'layer_stack': ['STORAGE'],
                  'replicas_on_different': ['Aux/topology/zone']}
        rest.put('/v1/resource-groups/sc-fast', {'override_props': {'Aux/driver': 'csi'}, 'select_filter': wanted})
        group = rest.get('/v1/resource-groups/sc-fast')
        assert {k: group['select_filter'].get(k) for k in wanted} == wanted, f'does not come back as given: {group}'

        name = 'pvc-0a1b2c3d'
        missing(rest, f'/v1/resource-definitions/{name}')
        rest.post('/v1/resource-definitions', {'resource_definition': {'name': name, 'resource_group_name': 'sc-fast'}})
        again = rest.expect(500, 'POST', '/v1/resource-definitions', {'resource_definition': {'name': name}})
        assert has_error(again, EXISTS_DEFINITION)
        definition = rest.get(f'/v1/resource-definitions/{name}')
        assert 'DELETE' not in definition.get('flags', []) and definition['resource_group_name'] == 'sc-fast'
        volumes = f'/v1/resource-definitions/{name}/volume-definitions'
        missing(rest, volumes + '/0')
        body = {'volume_definition': {'volume_number': 0, 'size_kib': 64 * MIB, 'props': {'FileSystem/Type': 'ext4'}}}
        rest.post(volumes, body, 200)
        assert has_error(rest.expect(500, 'POST', volumes, body), EXISTS_VOLUME)
        assert rest.get(volumes + '/0')['size_kib'] == 64 * MIB
        preferred = [n['name'] for n in rest.get('/v1/nodes?props=Aux/topology/zone=zn2')]
        assert preferred == ['n2']
        assert rest.get(f'/v1/resource-definitions/{name}/resources') == []
        rest.post(f'/v1/resource-definitions/{name}/autoplace', {'select_filter': {
            'node_name_list': preferred, 'additional_place_count': 1, 'place_count': 1}, 'layer_list': ['STORAGE']})
        impossible = rest.expect(500, 'POST', f'/v1/resource-definitions/{name}/autoplace',
                                 {'select_filter': {'node_name_list': ['n2'], 'place_count': 3}, 'layer_list': ['STORAGE']})
        assert has_error(impossible, NOT_ENOUGH_NODES), str(impossible)
        rest.post(f'/v1/resource-definitions/{name}/autoplace', {})
        resources = rest.get(f'/v1/resource-definitions/{name}/resources')
        assert len(resources) == 2 and 'n2' in {r['node_name'] for r in resources}
        rest.put(f'/v1/resource-definitions/{name}', {'override_props': {
            'Aux/csi-provisioning-completed-by': 'linstor-csi/v1', 'Aux/csi-volume-annotations': '{"name":"x","size":"64Mi"}'}})

        assert rest.get('/v1/nodes/n2')['connection_status'] == 'ONLINE'
        assert not any(r.get('state', {}).get('in_use') for r in rest.get(f'/v1/resource-definitions/{name}/resources'))
        volume = rest.get(f'/v1/resource-definitions/{name}/resources/n2/volumes/0')
        assert volume['device_path'].startswith('/dev/') and volume['provider_kind'] == 'FILE_THIN'
        rest.put(f'/v1/resource-definitions/{name}', {'delete_props': ['DrbdOptions/Net/allow-two-primaries']})
        rest.put(volumes + '/0', {'size_kib': 96 * MIB})
        cluster.await_match({(name, r['node_name']): {0: 96 * MIB} for r in resources})

        listed = rest.get('/v1/resource-definitions?with_volume_definitions=true&limit=0&offset=0')
        assert [d['volume_definitions'][0]['size_kib'] for d in listed] == [96 * MIB]
        for pool in rest.get('/v1/view/storage-pools?cached=true&limit=0&offset=0'):
            assert 'provider_kind' in pool and pool.get('free_space_mgr_name')
            if pool['provider_kind'] != 'DISKLESS':
                assert 0 < pool['free_capacity'] <= pool['total_capacity']
        view = rest.get(f'/v1/view/resources?resources={name}&nodes=n2')
        assert len(view) == 1 and view[0]['volumes'][0]['allocated_size_kib'] >= 0

        rest.put(f'/v1/resource-definitions/{name}', {'override_props': {'BalanceResourcesEnabled': 'False'}})
        for resource in resources:
            rest.delete(f'/v1/resource-definitions/{name}/resources/{resource["node_name"]}?keep_tiebreaker=false')
        rest.delete(volumes + '/0')
        rest.put(f'/v1/resource-definitions/{name}', {'delete_props': ['BalanceResourcesEnabled']})
        rest.delete(f'/v1/resource-definitions/{name}')
        missing(rest, f'/v1/resource-definitions/{name}')
        rest.delete('/v1/resource-groups/sc-fast')
        cluster.await_match({})


@suite.case('container manager: pool, spawn of definitions only, autoplace, usage, resize, delete')
def _():
    with Cluster(satellites=3, source='incus') as cluster:
        rest = cluster.rest
        assert rest.get('/v1/controller/version')['rest_api_version'].startswith('1.')
        cluster.register()
        missing(rest, '/v1/resource-groups/incus')
        rest.post('/v1/resource-groups', {'name': 'incus', 'description': 'Resource group managed by Incus',
                                          'select_filter': {'place_count': 2, 'storage_pool': 'thin', 'layer_stack': ['STORAGE']}})
        rest.put('/v1/resource-groups/incus', {'override_props': {
            'DrbdOptions/Resource/on-no-quorum': 'suspend-io', 'DrbdOptions/auto-add-quorum-tiebreaker': 'True'}})
        name = 'incus-volume-0123456789abcdef0123456789abcdef'
        spawned = rest.post('/v1/resource-groups/incus/spawn', {
            'resource_definition_name': name, 'volume_sizes': [64 * MIB], 'definitions_only': True})
        assert not spawned.errors
        for props in ({'Aux/Incus/name': 'c1', 'Aux/Incus/type': 'containers', 'Aux/Incus/content-type': 'filesystem',
                       'DrbdOptions/Net/allow-two-primaries': 'yes'}, {'DrbdOptions/ExactSize': 'true'}):
            rest.put(f'/v1/resource-definitions/{name}', {'override_props': props})
        rest.post(f'/v1/resource-definitions/{name}/autoplace', {})
        found = rest.get('/v1/resource-definitions?props=Aux/Incus/name=c1&props=Aux/Incus/type=containers'
                         '&with_volume_definitions=true')
        assert [d['name'] for d in found] == [name] and found[0]['resource_group_name'] == 'incus'
        nodes = [r['node_name'] for r in rest.get(f'/v1/resource-definitions/{name}/resources')]
        assert len(nodes) == 2
        device = rest.get(f'/v1/resource-definitions/{name}/resources/{nodes[0]}/volumes')[0]['device_path']
        assert device in cluster.devices()
        for resource in rest.get(f'/v1/view/resources?resources={name}'):
            assert 'DISKLESS' not in resource.get('flags', [])
            assert isinstance(resource['volumes'][0]['allocated_size_kib'], int)
        rest.put(f'/v1/resource-definitions/{name}', {'delete_props': ['DrbdOptions/ExactSize']})
        rest.put(f'/v1/resource-definitions/{name}/volume-definitions/0', {'size_kib': 80 * MIB})
        cluster.await_match({(name, node): {0: 80 * MIB} for node in nodes})
        rest.delete(f'/v1/resource-definitions/{name}/resources/{nodes[0]}?')
        rest.delete(f'/v1/resource-definitions/{name}')
        rest.delete('/v1/resource-groups/incus')
        cluster.await_match({})


@suite.case('virtual machine manager: health, exact statuses, view of everything')
def _():
    with Cluster(satellites=3, source='proxmox') as cluster:
        rest = cluster.rest
        cluster.register()
        assert rest.call('GET', '/health').status == 200
        rest.post('/v1/resource-groups', {'name': 'vms', 'select_filter': {'place_count': 2, 'storage_pool': 'thin',
                                                                           'layer_stack': ['STORAGE']}})
        info = rest.post('/v1/resource-groups/vms/query-size-info', {}, 200).json
        assert info['space_info']['capacity_in_kib'] > 0 and info['space_info']['available_size_in_kib'] > 0
        name = 'pm-1a2b3c4d'
        rest.post('/v1/resource-groups/vms/spawn', {
            'resource_definition_name': name, 'definitions_only': False, 'volume_sizes': [32 * MIB],
            'resource_definition_props': {'DrbdOptions/ExactSize': 'True', 'DrbdOptions/Net/allow-two-primaries': 'yes'}})
        placed = rest.post(f'/v1/resource-definitions/{name}/autoplace', {})
        assert ALREADY_DEPLOYED in placed.codes and not placed.errors, str(placed)
        rest.put(f'/v1/resource-definitions/{name}', {'override_props': {'Aux/pm/vmid': '100'}})
        for resource in rest.get('/v1/view/resources'):
            volume = resource['volumes'][0]
            assert volume['provider_kind'] == 'FILE_THIN' and volume['storage_pool_name'] == 'thin'
            assert resource['layer_object']['type'] == 'STORAGE'
        props = {d['name']: d['props'] for d in rest.get('/v1/resource-definitions')}
        assert props[name]['Aux/pm/vmid'] == '100'
        rest.put(f'/v1/resource-definitions/{name}/volume-definitions/0', {'size_kib': 48 * MIB})
        rest.delete(f'/v1/resource-definitions/{name}')
        assert rest.get('/v1/view/resources') == []
        cluster.await_match({})


@suite.case('operator: registration of nodes and pools that may exist already')
def _():
    with Cluster(satellites=2, source='operator') as cluster:
        rest = cluster.rest
        rest.post('/v1/controller/properties', {'override_props': {
            'Aux/piraeus.io/last-applied': '["DrbdOptions/Net/rr-conflict"]', 'DrbdOptions/Net/rr-conflict': 'retry-connect',
            'DrbdOptions/AutoEvictAllowEviction': 'false'}})
        assert rest.get('/v1/controller/properties')['DrbdOptions/Net/rr-conflict'] == 'retry-connect'
        for name, satellite in cluster.satellites.items():
            missing(rest, f'/v1/nodes/{name}')
            rest.post('/v1/nodes', {'name': name, 'type': 'Satellite', 'net_interfaces': [
                {'name': 'default-ipv4', 'address': satellite.address, 'satellite_port': satellite.port,
                 'satellite_encryption_type': 'Plain'}]})
            node = rest.get(f'/v1/nodes/{name}')
            interface = node['net_interfaces'][0]
            assert interface['address'] == satellite.address and interface['satellite_port'] == satellite.port
            assert interface['satellite_encryption_type'].upper() == 'PLAIN' and interface.get('is_active') is True
            rest.put(f'/v1/nodes/{name}', {'override_props': {'Aux/piraeus.io/managed-by': 'piraeus-operator'}})
            cluster.await_online(name)
            pools = rest.get(f'/v1/nodes/{name}/storage-pools?cached=true&limit=0&offset=0')
            assert [p['storage_pool_name'] for p in pools] == ['DfltDisklessStorPool'], pools
            missing(rest, f'/v1/nodes/{name}/storage-pools/pool1')
            cluster.create_pool(name, 'pool1')
            pool = rest.get(f'/v1/nodes/{name}/storage-pools/pool1')
            assert pool['props']['StorDriver/StorPoolName'] == str(satellite.pool) and pool['total_capacity'] > 0
            rest.put(f'/v1/nodes/{name}/storage-pools/pool1', {'override_props': {'Aux/piraeus.io/managed-by': 'piraeus-operator'}})
            rest.delete(f'/v1/nodes/{name}/storage-pools/pool1')
        rest.post('/v1/controller/properties', {'delete_props': ['DrbdOptions/Net/rr-conflict']})
        for name in cluster.satellites:
            assert rest.get(f'/v1/view/resources?nodes={name}') == []
            rest.delete(f'/v1/nodes/{name}')
            wait_for(f'{name} gone', lambda name=name: rest.call('GET', f'/v1/nodes/{name}').status == 404, 10)


@suite.case('an old volume plugin: definition with properties, autoplace, volume of a resource, delete')
def _():
    with Cluster(satellites=2, source='docker') as cluster:
        rest = cluster.rest
        cluster.register()
        rest.post('/v1/resource-definitions', {'resource_definition': {
            'name': 'data', 'layer_data': [{'type': 'STORAGE'}],
            'props': {'Aux/is-linstor-docker-volume': 'true', 'FileSystem/Type': 'ext4', 'FileSystem/MkfsParams': ''}}})
        rest.post('/v1/resource-definitions/data/volume-definitions', {'volume_definition': {'size_kib': 32 * MIB}}, 200)
        rest.post('/v1/resource-definitions/data/autoplace', {'select_filter': {'place_count': 2, 'storage_pool': 'thin'}})
        assert [d['name'] for d in rest.get('/v1/resource-definitions') if d['props'].get('Aux/is-linstor-docker-volume')] == ['data']
        assert rest.get('/v1/resource-definitions/data/resources/n1')['node_name'] == 'n1'
        assert rest.get('/v1/resource-definitions/data/resources/n1/volumes/0')['device_path'] in cluster.devices()
        rest.delete('/v1/resource-definitions/data')
        cluster.await_match({})


if __name__ == '__main__':
    sys.exit(suite.run())
