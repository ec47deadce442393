# SPDX-License-Identifier: GPL-3.0-or-later
"""BCACHE on loop devices: what is written stays, whatever happens to cache, satellite and machine."""
from contract.place import RealTools
from suite import wait_for
from vm.case import case
from vm.cluster import SECONDS, Cluster, kib

NEEDS = {'modules': ['loop', 'bcache'], 'tools': ['make-bcache']}
PROPS = {'BCache/PoolName': 'fast', 'BCache/Writeback': 'True'}
SYSFS = '/sys/block/bcache0/bcache'


def create(cluster, size='64M', props=None):
    machine = cluster.machine('n1')
    machine.run('mkdir -p /srv/pool/slow /srv/pool/fast')
    cluster.create_pool('n1', 'slow', 'FILE_THIN', '/srv/pool/slow')
    cluster.create_pool('n1', 'fast', 'FILE_THIN', '/srv/pool/fast')
    cluster.create_resource('data', [size], ['n1'], 'slow', ['BCACHE', 'STORAGE'], {**PROPS, **(props or {})})
    device = cluster.device('data', 'n1')
    assert device.startswith('/dev/bcache'), device
    return machine, device


def is_attached(machine):
    return machine.run(f'cat {SYSFS}/state').out.strip() in ('clean', 'dirty')


@case('a volume is made, written, grown when it is free, and deleted', **NEEDS)
def _(machines):
    with Cluster(machines) as cluster:
        machine, device = create(cluster)
        wait_for('it has its cache', lambda: is_attached(machine), SECONDS)
        wait_for('it is written back', lambda: '[writeback]' in machine.run(f'cat {SYSFS}/cache_mode').out, SECONDS)
        assert cluster.size_kib('n1', device) == kib('64M')
        machine.run(f'mkfs.ext4 -q {device} && mount {device} /mnt && head -c 8M /dev/urandom >/mnt/file && sync')
        before = machine.sha256('/mnt/file')
        cluster.rest.call('PUT', '/v1/resource-definitions/data/volume-definitions/0', {'size_kib': kib('96M')})
        wait_for(lambda: f'it is told: {cluster.problems("data")}', lambda: 'mounted at /mnt' in str(cluster.problems('data')), SECONDS)
        assert machine.sha256('/mnt/file') == before
        machine.run('umount /mnt')
        cluster.await_size('data', {0: '96M'})
        wait_for('it has its cache', lambda: is_attached(machine), SECONDS)
        device = cluster.device('data', 'n1')
        machine.run(f'e2fsck -fp {device} && resize2fs {device} && mount {device} /mnt')
        assert machine.sha256('/mnt/file') == before
        machine.run('umount /mnt')
        cluster.delete('data')


@case('power cut with data that is only in the cache: it is there afterwards', **NEEDS)
def _(machines):
    with Cluster(machines) as cluster:
        machine, device = create(cluster)
        wait_for('it has its cache', lambda: is_attached(machine), SECONDS)
        machine.write_pattern(device, 7, 24)
        cluster.power_cut('n1')
        cluster.power_on('n1')
        cluster.await_online('n1')
        cluster.await_size('data', {0: '64M'})
        machine.check_pattern(cluster.device('data', 'n1'), 7, 24)
        cluster.delete('data')


@case('the mode changes while it is in use', **NEEDS)
def _(machines):
    with Cluster(machines) as cluster:
        machine, device = create(cluster)
        machine.write_pattern(device, 4, 16)
        cluster.rest.put('/v1/resource-definitions/data', {'override_props': {'BCache/Writeback': 'False'}})
        wait_for('it is written through', lambda: '[writethrough]' in machine.run(f'cat {SYSFS}/cache_mode').out, SECONDS)
        machine.check_pattern(device, 4, 16)
        cluster.delete('data')


@case('a snapshot is restored: every byte is there, where it was', modules=['bcache', 'dm-thin-pool'],
      tools=['make-bcache', 'lvcreate', 'thin_check'])
def _(machines):
    machine = machines[0]
    with RealTools(machine) as place:
        place.prepare('lvm vgcreate vg0 /dev/vda /dev/vdb', undo='lvm vgremove -fy vg0 && lvm pvremove /dev/vda /dev/vdb')
        place.prepare('lvm lvcreate --yes --type thin-pool --size 2G --name tp vg0')
        place.control.pool('pool', 'LVM_THIN', 'vg0/tp')
        words = {'layers': ('BCACHE', 'STORAGE'), 'sides': [('.bcache', 'pool')]}
        device, = place.control.create('db', 'pool', ['16M'], props={'BCache/Writeback': 'True', 'BCache/DataOffset': '2048'}, **words)
        # A file system from the first byte to the last, and what lies at the end of the device below.
        place.write_pattern(device, 1, 16)
        place.control.snapshot('db', 'monday')
        assert '[writeback]' in place.run(f'cat /sys/block/{device[5:]}/bcache/cache_mode'), 'the mode is not what it was'
        place.write_pattern(device, 2, 16)
        size = place.run(f'blockdev --getsize64 {device}').strip()
        copy, = place.control.create('copy', 'pool', ['16M'], origin=('db', 'monday'), **words)
        assert place.run(f'blockdev --getsize64 {copy}').strip() >= size
        place.check_pattern(copy, 1, 16)
        tail = f'tail -c $(({size} - 16777216)) | head -c 65536 | sha256sum'
        assert place.run(f'head -c {size} {copy} | {tail}') == place.run(f'head -c {size} {device} | {tail}')
        place.check_pattern(device, 2, 16)
        place.write_pattern(copy, 3, 16)
        place.check_pattern(device, 2, 16)
        place.control.delete('copy')
        place.control.delete('db')
