# SPDX-License-Identifier: GPL-3.0-or-later
"""CACHE on loop devices, alone and on a WRITECACHE: what is written stays, whatever happens to mappings, satellite and machine."""
from suite import wait_for
from vm.case import case
from vm.cluster import SECONDS, Cluster, kib

MODULES = ['loop', 'dm-cache', 'dm-cache-smq', 'dm-writecache']
PROPS = {'Cache/CachePool': 'fast', 'Cache/Cachesize': '16384', 'Cache/Blocksize': '128'}
NAME = 'linstor_cache_data_00000'
DEVICE = f'/dev/mapper/{NAME}'


def make_pools(cluster):
    machine = cluster.machine('n1')
    machine.run('mkdir -p /srv/pool/slow /srv/pool/fast')
    cluster.create_pool('n1', 'slow', 'FILE_THIN', '/srv/pool/slow')
    cluster.create_pool('n1', 'fast', 'FILE', '/srv/pool/fast')
    return machine


def create_resource(cluster, size, layers, props, wait=True):
    cluster.create_resource('data', [size], ['n1'], 'slow', layers, {**PROPS, **(props or {})}, wait=wait)


def create(cluster, props=None):
    machine = make_pools(cluster)
    create_resource(cluster, '64M', ('CACHE', 'STORAGE'), props)
    return machine


def mode(machine):
    return machine.run(f'dmsetup table {NAME}').out.split()[8]


@case('a cached volume is made, written, grown while it is mounted, and deleted', modules=MODULES)
def _(machines):
    with Cluster(machines) as cluster:
        machine = create(cluster)
        assert machine.run(f'dmsetup table {NAME}').out.split()[:3] == ['0', '131072', 'cache']
        assert mode(machine) == 'writethrough', mode(machine)
        machine.run(f'mkfs.ext4 -q {DEVICE} && mount {DEVICE} /mnt && head -c 8M /dev/urandom >/mnt/file && sync')
        before = machine.sha256('/mnt/file')
        cluster.resize('data', '96M')
        assert cluster.size_kib('n1', DEVICE) == kib('96M')
        machine.run('echo 3 >/proc/sys/vm/drop_caches')
        assert machine.sha256('/mnt/file') == before
        machine.run(f'resize2fs {DEVICE} && head -c 40M /dev/urandom >/mnt/more && umount /mnt && e2fsck -fn {DEVICE}')
        level = cluster.rest.get('/v1/view/resources?resources=data')[0]['layer_object']
        assert level['type'] == 'CACHE' and [c.get('resource_name_suffix') for c in level['children']] == [
            None, '.dmcache_cache', '.dmcache_meta'], level
        volume = level['cache']['cache_volumes'][0]
        assert volume['device_path_cache'].startswith('/dev/loop') and volume['device_meta_cache'].startswith('/dev/loop'), volume
        cluster.delete('data')


@case('modes change while it is mounted, and what was not written back is not lost', modules=MODULES)
def _(machines):
    with Cluster(machines) as cluster:
        machine = create(cluster, props={'Cache/OpMode': 'writeback'})
        assert mode(machine) == 'writeback', mode(machine)
        machine.run(f'mkfs.ext4 -q {DEVICE} && mount {DEVICE} /mnt && head -c 8M /dev/urandom >/mnt/file && sync')
        before = machine.sha256('/mnt/file')
        for wanted in ('passthrough', 'writeback', 'writethrough'):
            cluster.rest.put('/v1/resource-definitions/data', {'override_props': {'Cache/OpMode': wanted}})
            wait_for(lambda m=wanted: f'its mode is {m}: {machine.run(f"dmsetup table {NAME}").out}', lambda m=wanted: mode(machine) == m,
                     SECONDS)
            machine.run('echo 3 >/proc/sys/vm/drop_caches; echo more >>/mnt/more; sync')
            assert machine.sha256('/mnt/file') == before, wanted
        machine.run(f'umount /mnt && e2fsck -fn {DEVICE}')
        cluster.delete('data')


@case('power cut with blocks that are not written back: they are there afterwards', modules=MODULES)
def _(machines):
    with Cluster(machines) as cluster:
        machine = create(cluster, props={'Cache/OpMode': 'writeback'})
        machine.write_pattern(DEVICE, 7, 8)
        wait_for(lambda: f'the cache holds something: {machine.run(f"dmsetup status {NAME}").out}', lambda: is_dirty_with(machine, 9), SECONDS)
        cluster.power_cut('n1')
        cluster.power_on('n1')
        cluster.await_online('n1')
        cluster.await_size('data', {0: '64M'})
        assert mode(machine) == 'writeback', mode(machine)
        machine.check_pattern(DEVICE, 9, 8)
        cluster.delete('data')


def is_dirty_with(machine, seed):
    """Whether some of 8 MiB of the pattern stay in the cache alone. What is read again and again is promoted; what is then written there
    stays there, but only until the cache has nothing else to do."""
    status = machine.run(f'for i in 1 2 3 4; do dd if={DEVICE} of=/dev/null bs=64k count=128 iflag=direct 2>/dev/null; done; '
                         f'agent pattern write {DEVICE} {seed} 8 0 && dmsetup status {NAME}')
    return int(status.out.split()[13]) > 0    # number of dirty blocks


@case('a metadata device that was blanked is told, and not formatted', modules=MODULES)
def _(machines):
    with Cluster(machines) as cluster:
        machine = create(cluster)
        machine.write_pattern(DEVICE, 7, 8)
        cluster.kill('n1')
        machine.run(f'udevadm settle; dmsetup remove --retry {NAME}; losetup -D; '
                    'dd if=/dev/zero of=/srv/pool/fast/data.dmcache_meta_00000.img bs=4k count=1 conv=notrunc')
        cluster.start('n1')
        cluster.await_online('n1')
        wait_for(lambda: f'it is refused: {cluster.problems("data")}', lambda: 'holds no cache' in str(cluster.problems('data')), SECONDS)
        assert machine.run(f'dmsetup info {NAME}', check=False).status != 0, 'it was mapped'
        cluster.delete('data')
