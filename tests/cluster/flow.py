#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole path once: nodes, pools, a group, spawn, a file system on the device, resize, restart of everything, delete."""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'lib'))
import machine
from cluster import Cluster, binary
from rest import Rest
from suite import Skip, Suite

suite = Suite('flow')
GIB = 1024 * 1024


@suite.case('spawn, file system, grow, restart everything, delete')
def _():
    with Cluster(satellites=3, source='flow') as cluster:
        rest = cluster.rest
        cluster.register()
        rest.post('/v1/resource-groups', {'name': 'web', 'select_filter': {'place_count': 2, 'layer_stack': ['STORAGE']}})
        rest.post('/v1/resource-groups/web/volume-groups', {'volume_number': 0})
        rest.post('/v1/resource-groups/web/spawn', {'resource_definition_name': 'site', 'volume_sizes': [GIB]})
        cluster.await_settled()
        keys = list(cluster.replicas())
        assert len(keys) == 2 and all(name == 'site' for name, _ in keys), keys
        cluster.await_match({key: {0: GIB} for key in keys})

        device = cluster.replicas()[keys[0]][0]['device_path']
        machine.need_root()
        machine.run('mkfs.ext4', '-q', '-F', device)
        mount = cluster.directory / 'mount'
        mount.mkdir()
        machine.run('mount', device, str(mount))
        try:
            (mount / 'hello').write_text('world\n')
        finally:
            machine.run('umount', str(mount))

        rest.put('/v1/resource-definitions/site/volume-definitions/0', {'size_kib': 2 * GIB})
        cluster.await_match({key: {0: 2 * GIB} for key in keys})

        for process in cluster.processes:
            process.restart()
        for name in cluster.satellites:
            cluster.await_online(name)
        cluster.await_match({key: {0: 2 * GIB} for key in keys})
        assert cluster.replicas()[keys[0]][0]['device_path'] == device, 'the device changed its name over a restart'
        machine.run('mount', device, str(mount))
        try:
            assert (mount / 'hello').read_text() == 'world\n'
        finally:
            machine.run('umount', str(mount))
        cluster.delete_everything()
        rest.delete('/v1/resource-groups/web')
        for name in cluster.satellites:
            rest.delete(f'/v1/nodes/{name}/storage-pools/thin')
            rest.delete(f'/v1/nodes/{name}')
        assert rest.get('/v1/nodes') == []


@suite.case('several volumes, thick and thin pools, one more replica')
def _():
    with Cluster(satellites=2, source='flow') as cluster:
        cluster.register(pool=None)
        for name, satellite in cluster.satellites.items():
            for pool, provider in (('thin', 'FILE_THIN'), ('thick', 'FILE')):
                (satellite.pool / pool).mkdir()
                cluster.create_pool(name, pool, provider, satellite.pool / pool)
        cluster.create_definition('many', [8192, 16384, 4096])
        cluster.create_resource('many', 'n1', 'thin')
        wanted = {('many', 'n1'): {0: 8192, 1: 16384, 2: 4096}}
        cluster.await_match(wanted)
        cluster.create_resource('many', 'n2', 'thick')
        wanted['many', 'n2'] = wanted['many', 'n1']
        cluster.await_match(wanted)
        for device in cluster.devices().values():
            blocks = os.stat(device['file']).st_blocks * 512
            if '/thick/' in device['file']:
                assert blocks >= device['size_kib'] * 1024, f'{device} is not allocated'
            else:
                assert blocks < device['size_kib'] * 1024, f'{device} is fully allocated'
        cluster.rest.delete('/v1/resource-definitions/many/volume-definitions/1')
        cluster.await_match({key: {0: 8192, 2: 4096} for key in wanted})
        cluster.rest.delete('/v1/resource-definitions/many/resources/n1')
        cluster.await_match({('many', 'n2'): {0: 8192, 2: 4096}})
        cluster.delete_everything()


@suite.case('a mounted device is not taken away')
def _():
    with Cluster(satellites=1, source='flow') as cluster:
        cluster.register()
        cluster.create_definition('busy', [65536])
        cluster.create_resource('busy', 'n1')
        cluster.await_settled()
        device = cluster.replicas()['busy', 'n1'][0]['device_path']
        machine.run('mkfs.ext4', '-q', '-F', device)
        mount = cluster.directory / 'mount'
        mount.mkdir()
        machine.run('mount', device, str(mount))
        try:
            (mount / 'precious').write_text('data')
            answer = cluster.rest.call('DELETE', '/v1/resource-definitions/busy')
            assert (mount / 'precious').read_text() == 'data', 'the data is gone'
            assert pathlib.Path(next(iter(cluster.devices().values()))['file']).exists()
            assert answer.status >= 400 or answer.entries, f'no word about the device in use: {answer}'
        finally:
            machine.run('umount', str(mount))
        cluster.delete_everything()


@suite.case('with a search domain a short name of a node stands for the same one in every change')
def _():
    with Cluster(satellites=0, source='flow') as cluster:
        rest = cluster.rest
        rest.post('/v1/nodes', {'name': 'far.example.com', 'type': 'Satellite', 'net_interfaces': [
            {'name': 'default', 'address': '127.0.0.1', 'satellite_port': 9, 'satellite_encryption_type': 'PLAIN'}]})
        rest.post('/v1/controller/properties', {'override_props': {'SearchDomain': 'example.com'}})
        cluster.create_definition('short', [4096])
        place = '/v1/resource-definitions/short/resources/'
        rest.call('POST', '/v1/nodes/far/storage-pools',
                  {'storage_pool_name': 'thin', 'provider_kind': 'FILE_THIN', 'props': {'StorDriver/StorPoolName': '/srv/thin'}})
        rest.call('POST', f'{place}far', {'resource': {'props': {'StorPoolName': 'thin'}}})
        assert rest.get(f'{place}far.example.com')['node_name'] == 'far.example.com'
        assert rest.call('GET', f'{place}far').status == 404, 'only changes know short names'
        assert rest.call('PUT', f'{place}far', {'override_props': {'Aux/a': '1'}}).status == 200
        assert rest.get(f'{place}far.example.com')['props']['Aux/a'] == '1'
        assert 'not found' not in str(rest.call('DELETE', f'{place}far').entries)
        assert 'holds 1 volumes' in str(rest.call('DELETE', '/v1/nodes/far/storage-pools/thin').entries)
        assert "'far.example.com'" in str(rest.call('DELETE', '/v1/nodes/far/orphans/thin/none').entries)
        assert not rest.get('/v1/view/resources') or 'DELETE' in rest.get('/v1/view/resources')[0]['flags']
        deleted = str(rest.call('DELETE', '/v1/nodes/far').entries)
        assert 'with their data' in deleted and ': short' in deleted, deleted


@suite.case('our client: the same flow by hand')
def _():
    with Cluster(satellites=3, source='client') as cluster:
        environment = {**os.environ, 'LS_CONTROLLERS': f'127.0.0.1:{cluster.controller.port}'}
        def linstor(*words):
            done = subprocess.run([str(binary()), *words], capture_output=True, text=True, env=environment, check=False)
            assert done.returncode == 0, f'linstor {" ".join(words)}: {done.returncode} {done.stdout} {done.stderr}'
            return done.stdout

        if 'not part of this build' in subprocess.run([str(binary()), 'node', 'list'], capture_output=True, text=True,
                                                      env=environment, check=False).stderr:
            raise Skip('this build has no client')
        for name, satellite in cluster.satellites.items():
            linstor('node', 'create', name, satellite.address, '--port', str(satellite.port))
            cluster.await_online(name)
            linstor('storage-pool', 'create', 'filethin', name, 'thin', str(satellite.pool))
        linstor('resource-group', 'create', 'web', '--place-count', '2', '--layer-list', 'storage')
        linstor('volume-group', 'create', 'web')
        linstor('resource-group', 'spawn-resources', 'web', 'site', '64M')
        cluster.await_settled()
        for words, text in ((('node', 'list'), 'n1'), (('storage-pool', 'list'), 'thin'), (('resource', 'list'), 'site'),
                            (('volume', 'list'), '/dev/loop'), (('-m', 'resource', 'list'), '"site"')):
            assert text in linstor(*words), f'{words}: no {text}'
        linstor('volume-definition', 'set-size', 'site', '0', '128M')
        cluster.await_match({key: {0: 128 * 1024} for key in cluster.replicas()})
        linstor('resource-definition', 'delete', 'site')
        cluster.await_match({})


@suite.case('stops at SIGTERM with resources in use and starts again where it was')
def _():
    with Cluster(satellites=1, source='flow') as cluster:
        cluster.register()
        wanted, _ = cluster.create_only()
        before = cluster.devices()
        cluster.satellites['n1'].stop()
        assert cluster.devices() == before, 'a satellite that ends leaves its devices'
        cluster.satellites['n1'].start()
        cluster.await_online('n1')
        cluster.await_match(wanted)
        assert cluster.devices() == before
        cluster.delete_everything()


@suite.case('eight clients at once')
def _():
    import threading
    with Cluster(satellites=3, source='flow') as cluster:
        cluster.register()
        wrong = []

        def client(number):
            rest = Rest(cluster.controller.address, cluster.controller.port, 'flow')
            try:
                for count in range(5):
                    name = f'c{number}x{count}'
                    rest.post('/v1/resource-definitions', {'resource_definition': {
                        'name': name, 'layer_data': [{'type': 'STORAGE'}]}})
                    rest.post(f'/v1/resource-definitions/{name}/volume-definitions',
                              {'volume_definition': {'size_kib': 4096}}, (200, 201))
                    rest.post(f'/v1/resource-definitions/{name}/autoplace',
                              {'select_filter': {'place_count': 3, 'storage_pool': 'thin'}})
            except Exception as problem:
                wrong.append(f'{number}: {problem}')
            finally:
                rest.close()
        threads = [threading.Thread(target=client, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong, wrong
        cluster.await_match({(f'c{n}x{c}', node): {0: 4096} for n in range(8) for c in range(5) for node in cluster.satellites})
        cluster.delete_everything()


if __name__ == '__main__':
    sys.exit(suite.run())
