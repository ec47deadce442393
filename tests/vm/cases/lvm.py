# SPDX-License-Identifier: GPL-3.0-or-later
"""LVM and LVM_THIN, with the controller. What needs snapshots, or tools that fail, is in tests/contract."""
from vm.case import case
from vm.cluster import Cluster

TOOLS, MODULES = ('lvcreate', 'thin_check', 'mkfs.ext4'), ('dm-thin-pool',)


def create_pools(cluster):
    """Storage pools 'lvm' and 'thin' in the volume group vg0 of n1."""
    cluster.prepare('n1', 'vgcreate vg0 /dev/vda && lvcreate -y --type thin-pool -L 512M -n tp vg0',
                    undo='vgremove -fy vg0 && pvremove -y /dev/vda')
    cluster.create_pool('n1', 'lvm', 'LVM', 'vg0')
    cluster.create_pool('n1', 'thin', 'LVM_THIN', 'vg0/tp')


@case('LVM and LVM_THIN: volumes grow while they are mounted, and are deleted', tools=TOOLS, modules=MODULES)
def _(machines):
    machine = machines[0]
    with Cluster(machines) as cluster:
        create_pools(cluster)
        for pool in ('lvm', 'thin'):
            cluster.create_resource(pool, ['62M'], ['n1'], pool)
            device = cluster.device(pool, 'n1')
            assert device == f'/dev/vg0/{pool}_00000'
            assert cluster.size_kib('n1', device) == 64 * 1024, 'whole extents of 4 MiB'
            machine.run(f'mkfs.ext4 -q {device} && mount {device} /mnt && head -c 8M /dev/urandom >/mnt/file')
            before = machine.sha256('/mnt/file')
            cluster.resize(pool, '96M')
            machine.run(f'resize2fs {device} 2>/dev/null')
            assert machine.sha256('/mnt/file') == before
            answer = cluster.rest.call('DELETE', f'/v1/resource-definitions/{pool}')
            assert 'in use' in str(answer), f'what is mounted is not deleted, and the answer says why: {answer}'
            assert machine.sha256('/mnt/file') == before
            machine.run('umount /mnt')
            cluster.delete(pool)


@case('LVM and LVM_THIN: power cut, and all is active and whole again', tools=TOOLS, modules=MODULES)
def _(machines):
    machine = machines[0]
    with Cluster(machines) as cluster:
        create_pools(cluster)
        for seed, pool in enumerate(('lvm', 'thin')):
            cluster.create_resource(pool, ['16M'], ['n1'], pool)
            machine.write_pattern(cluster.device(pool, 'n1'), seed, 16)
        cluster.resize('lvm', '24M', wait=False)
        cluster.create_resource('late', ['8M'], ['n1'], 'lvm', wait=False)
        cluster.power_cut('n1')
        cluster.power_on('n1')
        cluster.await_online('n1')
        cluster.await_size('lvm', {0: '24M'})
        cluster.await_size('thin', {0: '16M'})
        cluster.await_size('late', {0: '8M'})
        for seed, pool in enumerate(('lvm', 'thin')):
            machine.check_pattern(cluster.device(pool, 'n1'), seed, 16)
        for resource in ('late', 'lvm', 'thin'):
            cluster.delete(resource)
