# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers on each other and on volume managers: the whole life of a volume on each of these stacks, and what became of its data."""
from vm.case import case
from vm.cases import cache, luks
from vm.cases.zfs import NO_TANK, TANK
from vm.cluster import Cluster, kib

GROUP = 'vgcreate vg0 /dev/vda && lvcreate -y --type thin-pool -L 512M -n tp vg0'
NO_GROUP = 'vgremove -fy vg0 && pvremove -y /dev/vda'
FAST_POOL = ('fast', 'FILE', '/srv/pool/fast')
LVM_TOOLS = ['lvcreate', 'thin_check']

STACKS = (
    # title, layers, pools, what they lie on and how it goes, what brings it back after a power cut, properties, tools, modules
    ('LUKS on LVM_THIN', ['LUKS', 'STORAGE'], [('slow', 'LVM_THIN', 'vg0/tp')], GROUP, NO_GROUP, None, luks.FAST,
     LVM_TOOLS + ['cryptsetup'], luks.MODULES + ['dm-thin-pool']),
    ('WRITECACHE and LUKS on LVM', ['WRITECACHE', 'LUKS', 'STORAGE'], [('slow', 'LVM', 'vg0'), FAST_POOL], GROUP, NO_GROUP, None,
     {**luks.FAST, 'Writecache/PoolName': 'fast', 'Writecache/Size': '16384'},
     LVM_TOOLS + ['cryptsetup'], luks.MODULES + ['dm-thin-pool', 'dm-writecache']),
    ('LUKS on ZFS', ['LUKS', 'STORAGE'], [('slow', 'ZFS_THIN', 'tank')], TANK, NO_TANK, 'zpool import -N tank', luks.FAST,
     ['cryptsetup'], luks.MODULES + ['zfs']),
    ('CACHE on ZFS', ['CACHE', 'STORAGE'], [('slow', 'ZFS', 'tank'), FAST_POOL], TANK, NO_TANK, 'zpool import -N tank',
     {**cache.PROPS, 'Cache/OpMode': 'writeback'}, [], cache.MODULES + ['zfs']),
)


def is_whole(machine, device, before):
    machine.run(f'mount {device} /mnt')
    assert machine.sha256('/mnt/file') == before
    machine.run(f'umount /mnt && e2fsck -fn {device}')


def live(machines, title, layers, pools, script, undo, revive, props):
    machine = machines[0]
    with Cluster(machines) as cluster:
        cluster.prepare('n1', f'mkdir -p /srv/pool/fast && {script}', undo=undo)
        if 'LUKS' in layers:
            cluster.rest.post(luks.PASSPHRASE_PATH, {'new_passphrase': luks.PASSPHRASE})
        for name, provider, where in pools:
            cluster.create_pool('n1', name, provider, where)
        cluster.create_resource('data', ['64M'], ['n1'], 'slow', layers, props)
        device = cluster.device('data', 'n1')
        machine.run(f'mkfs.ext4 -q {device} && mount {device} /mnt && head -c 8M /dev/urandom >/mnt/file')
        before = machine.sha256('/mnt/file')

        cluster.kill('n1')
        cluster.rest.put('/v1/resource-definitions/data/volume-definitions/0', {'size_kib': kib('96M')})
        cluster.start('n1')
        cluster.await_online('n1')
        cluster.await_size('data', {0: '96M'})
        assert cluster.device('data', 'n1') == device
        machine.run(f'resize2fs {device} 2>/dev/null && umount /mnt')
        is_whole(machine, device, before)

        cluster.power_cut('n1')
        cluster.power_on('n1')
        if revive:
            machine.run(revive)
        if 'LUKS' in layers:
            cluster.rest.call('PATCH', luks.PASSPHRASE_PATH, luks.PASSPHRASE)
        cluster.await_online('n1')
        cluster.await_size('data', {0: '96M'})
        is_whole(machine, cluster.device('data', 'n1'), before)
        cluster.delete('data')


def add_cases():
    for title, layers, pools, script, undo, revive, props, tools, modules in STACKS:
        @case(f'{title}: made, grown by a satellite that was killed, whole after a power cut, deleted', tools=tools, modules=modules)
        def _(machines, row=(title, layers, pools, script, undo, revive, props)):
            live(machines, *row)


add_cases()
