# SPDX-License-Identifier: GPL-3.0-or-later
"""LVM and LVM_THIN, with the controller. What needs snapshots, or tools that fail, is in tests/contract."""
import pathlib

from vm.case import case
from vm.cluster import Cluster

RULES = pathlib.Path(__file__).resolve().parents[3] / 'contrib/udev/65-linstor.rules'
UUID = 'StorDriver/internal/lvm/vgUuid'
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


@case('LVM: a volume group that a guest makes in its volume is none of the node, however it is called', tools=TOOLS, modules=MODULES)
def _(machines):
    machine = machines[0]
    with Cluster(machines) as cluster:
        cluster.prepare('n1', 'truncate -s 256M /srv/own && losetup /dev/loop7 /srv/own && vgcreate vg1 /dev/loop7 && vgcreate vg0 /dev/vda',
                        undo='vgremove -fy vg0 vg1 && pvremove -y /dev/vda /dev/loop7 && losetup -d /dev/loop7')
        cluster.machine('n1').run('mkdir -p /srv/pool/files')
        cluster.create_pool('n1', 'files', 'FILE', '/srv/pool/files')
        cluster.create_pool('n1', 'lvm', 'LVM', 'vg0')
        cluster.create_pool('n1', 'own', 'LVM', 'vg1')
        cluster.create_resource('guest', ['64M'], ['n1'], 'files')
        inside = cluster.device('guest', 'n1')
        alone = """--config 'devices { dir="/run" scan=["/dev"] filter=["a|^%s$|","r|.*|"] }'""" % inside
        machine.run(f'vgcreate {alone} vg0 {inside}')
        for name, pool in (('first', 'lvm'), ('second', 'own')):
            cluster.create_resource(name, ['16M'], ['n1'], pool)
        cluster.resize('first', '32M')
        cluster.kill('n1')
        cluster.start('n1')
        cluster.await_online('n1')
        cluster.create_resource('third', ['16M'], ['n1'], 'lvm')
        shown = cluster.rest.get('/v1/nodes/n1/storage-pools/lvm')['props'][UUID]
        assert machine.lines("pvs --noheadings -o vg_uuid --select 'pv_name=/dev/vda'") == [shown]
        for name in ('first', 'second', 'third'):
            cluster.delete(name)
        assert machine.lines(f'lvs {alone} --noheadings -o lv_name vg0') == [], 'something was made in the guest'
        assert machine.lines(f'vgs {alone} --noheadings -o vg_name') == ['vg0'], 'the guest\'s volume group was touched'
        cluster.delete('guest')


@case('LVM: a node that uses a volume of another one goes on when that one is gone', nodes=2, tools=TOOLS,
      modules=MODULES + ('loop', 'nvmet', 'nvmet-tcp', 'nvme-tcp'), seconds=3600)
def _(machines):
    one = machines[0]
    with Cluster(machines) as cluster:
        cluster.machine('n2').run('mkdir -p /srv/pool/thin')
        cluster.prepare('n1', f'mkdir -p /run/udev/rules.d && cp {RULES} /run/udev/rules.d && udevadm control --reload && vgcreate vg0 /dev/vda',
                        undo='vgremove -fy vg0 && pvremove -y /dev/vda && rm /run/udev/rules.d/* && udevadm control --reload')
        cluster.create_pool('n1', 'lvm', 'LVM', 'vg0')
        cluster.create_pool('n2', 'thin', 'FILE_THIN', '/srv/pool/thin')
        cluster.create_resource('far', ['64M'], ['n2'], 'thin', ['NVME', 'STORAGE'], {'NVMe/TRType': 'tcp'})
        cluster.change('POST', '/v1/resource-definitions/far/resources/n1', {'resource': {'node_name': 'n1', 'flags': ['NVME_INITIATOR']}})
        cluster.await_size('far', {0: '64M'})
        device = cluster.device('far', 'n1')
        one.write_pattern(device, 1, 8)
        cluster.power_cut('n2')
        one.run(f'(timeout 5 dd if={device} of=/dev/null bs=4096 count=1 iflag=direct; true) >/dev/null 2>&1 &')
        cluster.create_resource('near', ['16M'], ['n1'], 'lvm')
        cluster.resize('near', '32M')
        cluster.kill('n1')
        cluster.start('n1')
        cluster.await_online('n1')
        cluster.create_resource('later', ['16M'], ['n1'], 'lvm')
        assert cluster.rest.get('/v1/physical-storage/n1') is not None
        cluster.delete('near')
        cluster.delete('later')
        cluster.power_on('n2')
        cluster.await_online('n2')
        cluster.await_size('far', {0: '64M'})
        one.check_pattern(device, 1, 8)
        cluster.delete('far')
