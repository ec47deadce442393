# SPDX-License-Identifier: GPL-3.0-or-later
"""FILE_THIN on loop devices, and what happens to nodes: cut off, killed, without power."""
from suite import wait_for
from vm.case import case
from vm.cluster import SECONDS, Cluster

POOL = '/srv/pool'


def create_pools(cluster):
    for node in cluster.machines:
        cluster.create_pool(node, 'thin', 'FILE_THIN', POOL)


@case('the whole flow through client and REST on three nodes', nodes=3)
def _(machines):
    with Cluster(machines, register=False) as cluster:
        for machine in machines:
            cluster.linstor('node', 'create', machine.name, machine.address)
        for machine in machines:
            cluster.await_online(machine.name)
            cluster.linstor('storage-pool', 'create', 'filethin', machine.name, 'thin', POOL)
        cluster.linstor('resource-group', 'create', 'web', '--place-count', '2', '--storage-pool', 'thin', '--layer-list', 'storage')
        cluster.linstor('volume-group', 'create', 'web')
        cluster.linstor('resource-group', 'spawn-resources', 'web', 'site', '32M')
        cluster.await_size('site', {0: '32M'})
        nodes = sorted(cluster.volumes('site'))
        assert len(nodes) == 2, f'placed on {nodes}'
        for seed, node in enumerate(nodes):
            cluster.machine(node).write_pattern(cluster.device('site', node), seed, 32)

        cluster.linstor('volume-definition', 'set-size', 'site', '0', '48M')
        cluster.await_size('site', {0: '48M'})
        for seed, node in enumerate(nodes):
            machine, device = cluster.machine(node), cluster.device('site', node)
            machine.check_pattern(device, seed, 32)
            machine.write_pattern(device, seed, 16, skip_mib=32)
            machine.check_pattern(device, seed, 48)

        cluster.linstor('resource-definition', 'delete', 'site')
        wait_for('no resource', lambda: not cluster.rest.get('/v1/view/resources'), SECONDS)
        for machine in machines:
            wait_for(f'no loop device on {machine}', lambda m=machine: not m.lines('losetup -n -O NAME'), SECONDS)


@case('a node cut off from the controller is OFFLINE, and ONLINE after it heals', nodes=3)
def _(machines):
    with Cluster(machines) as cluster:
        create_pools(cluster)
        first, second, third = machines
        second.cut(first)
        assert third.run(f'busybox ping -c 5 -W 5 {second.address}').status == 0, 'the third node still reaches the second'
        cluster.await_offline('n2')
        cluster.await_online('n3')
        assert cluster.node_state('n2') == 'OFFLINE'
        cluster.create_resource('later', ['8M'], ['n2'], 'thin', wait=False)
        second.heal(first)
        cluster.await_online('n2')
        cluster.await_size('later', {0: '8M'})
        third.set_link(False)
        cluster.await_offline('n3')
        third.set_link(True)
        cluster.await_online('n3')
        cluster.delete('later')


@case('power cut: the satellite finds its devices again, data is whole', nodes=2)
def _(machines):
    with Cluster(machines) as cluster:
        create_pools(cluster)
        cluster.create_resource('data', ['64M'], ['n1', 'n2'], 'thin')
        node, device = cluster.machine('n2'), cluster.device('data', 'n2')
        node.run(f'mkfs.ext4 -q {device} && mount {device} /mnt && head -c 8M /dev/urandom >/mnt/file && sync')
        before = node.sha256('/mnt/file')
        cluster.power_cut('n2')
        cluster.await_offline('n2')
        cluster.power_on('n2')
        cluster.await_online('n2')
        cluster.await_size('data', {0: '64M'})
        node.run(f'mount {cluster.device("data", "n2")} /mnt')
        assert node.sha256('/mnt/file') == before
        node.run('umount /mnt')
        cluster.resize('data', '80M')
        cluster.delete('data')


@case('power cut of the controller: nothing acknowledged is lost', nodes=2)
def _(machines):
    with Cluster(machines) as cluster:
        create_pools(cluster)
        cluster.create_resource('kept', ['8M'], ['n1', 'n2'], 'thin')
        cluster.rest.post('/v1/resource-definitions', {'resource_definition': {'name': 'last'}})
        cluster.power_cut('n1')
        cluster.power_on('n1')
        for node in cluster.machines:
            cluster.await_online(node)
        cluster.await_size('kept', {0: '8M'})
        cluster.rest.get('/v1/resource-definitions/last')
        cluster.delete('last')
        cluster.delete('kept')


@case('a killed satellite takes over what it made, while it is mounted')
def _(machines):
    with Cluster(machines) as cluster:
        create_pools(cluster)
        cluster.create_resource('data', ['32M'], ['n1'], 'thin')
        machine, device = machines[0], cluster.device('data', 'n1')
        machine.run(f'mkfs.ext4 -q {device} && mount {device} /mnt && head -c 1M /dev/urandom >/mnt/file')
        before = machine.sha256('/mnt/file')
        cluster.kill('n1')
        cluster.await_offline('n1')
        cluster.rest.put('/v1/resource-definitions/data/volume-definitions/0', {'size_kib': 48 * 1024})
        cluster.start('n1')
        cluster.await_online('n1')
        cluster.await_size('data', {0: '48M'})
        assert cluster.device('data', 'n1') == device, 'the device is another one'
        assert machine.sha256('/mnt/file') == before
        machine.run(f'resize2fs {device} && umount /mnt && e2fsck -fn {device}')
        cluster.delete('data')
