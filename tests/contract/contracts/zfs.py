# SPDX-License-Identifier: GPL-3.0-or-later
"""ZFS and ZFS_THIN."""
import uuid

from contract import shared
from contract.place import contract
from suite import wait_for

TOOLS, MODULES = (), ('zfs',)
PROVIDERS = ('ZFS', 'ZFS_THIN')


def make_pool(place, provider, dataset='tank/linstor', options=''):
    """zpool tank on the first disk, a data set in it; the storage pool is called 'pool'. On a slow machine udev is slower than zpool waits."""
    create = f'zpool create -f -m none tank {place.disks[0]}'
    place.prepare(f'({create} || {create} || {create})' + (f' && zfs create {options} {dataset}' if '/' in dataset else ''),
                  undo='zpool destroy tank')
    place.control.pool('pool', provider, dataset)


def mount(place, device, name='mnt'):
    """With a new file system; where."""
    directory = f'{place.directory}/{name}'
    place.run(f'mkdir -p {directory} && mkfs.ext4 -q {device} && mount {device} {directory}')
    return directory


def names(place, dataset='tank/linstor'):
    """Volumes and snapshots in the data set, without it."""
    return sorted(name.removeprefix(f'{dataset}/') for name in place.run(f'zfs list -H -r -t volume,snapshot -o name {dataset}').split())


def started(place, command):
    return [line for line in place.commands() if line.startswith(f'zfs {command} ') and not line.startswith('zfs create -n')]


for each in PROVIDERS:
    @contract(f'{each}: made, filled, grown, deleted; nothing is left', TOOLS, MODULES)
    def _(place, provider=each):
        make_pool(place, provider)
        before = place.control.refresh('pool')
        block = before['granularity_kib']
        assert block in (8, 16) and before['supports_snapshots'], before
        device, = place.control.create('db', 'pool', [20 * 1024 + 1])
        assert device == '/dev/zvol/tank/linstor/db_00000'
        assert int(place.run('zfs get -Hpo value volsize tank/linstor/db_00000')) == (20 * 1024 + block) * 1024, 'whole blocks'
        reserved = int(place.run('zfs get -Hpo value refreservation tank/linstor/db_00000'))
        assert reserved >= 20 << 20 if provider == 'ZFS' else reserved == 0, reserved
        place.write_pattern(device, 1, 20)
        after = place.control.refresh('pool')
        assert after['total_kib'] - after['free_kib'] >= 20 * 1024 * 0.95, after
        assert place.control.grow('db', '32M') == [device]
        assert place.size_mib(device) == 32
        place.check_pattern(device, 1, 20)
        place.write_pattern(device, 2, 12, skip_mib=20)
        place.check_pattern(device, 1, 20)
        place.control.delete('db')

    @contract(f'{each}: killed before and after each command, it goes on where it was', TOOLS, MODULES,
              stand_ins_only=each == 'ZFS_THIN')
    def _(place, provider=each):
        make_pool(place, provider)
        shared.kill_and_go_on(place, [(1, 'before'), (1, 'after')])

    @contract(f'{each}: snapshots are taken, outlive their volume, are restored and rolled back to', TOOLS, MODULES,
              stand_ins_only=each == 'ZFS_THIN')
    def _(place, provider=each):
        make_pool(place, provider)
        control = place.control
        device, = control.create('db', 'pool', ['8M'])
        place.write_pattern(device, 1, 8)
        shared.take_while_killed(place)
        assert names(place) == ['db_00000', 'db_00000@after', 'db_00000@before']
        place.write_pattern(device, 2, 8)
        control.grow('db', '12M')
        copy, = control.create('copy', 'pool', ['16M'], origin=('db', 'before'))
        assert place.size_mib(copy) == 16
        if provider == 'ZFS':
            assert int(place.run('zfs get -Hpo value refreservation tank/linstor/copy_00000')) >= 16 << 20
        place.check_pattern(copy, 1, 8)
        place.check_pattern(device, 2, 8)
        place.write_pattern(copy, 3, 16)
        assert control.roll_back('db', 'after') == [device]
        place.check_pattern(device, 1, 8)
        place.check_pattern(copy, 3, 16)
        control.drop_snapshot('db', 'before')
        control.drop_snapshot('db', 'after')
        control.refresh('pool')
        wait_for(lambda: f'nothing is an orphan: {control.orphans}', lambda: not control.orphans, place.seconds)
        control.snapshot('db', 'after')    # of the same name as one that is only kept for db itself
        place.check_pattern(device, 1, 8)
        control.drop_snapshot('db', 'after')
        control.delete('copy')
        place.check_pattern(device, 1, 8)
        control.delete('db')
        wait_for(lambda: f'nothing is kept: {names(place)}', lambda: not names(place), place.seconds)


@contract('the volumes of a resource have their snapshots at once, or none has', TOOLS, MODULES)
def _(place):
    make_pool(place, 'ZFS_THIN')
    control = place.control
    devices = control.create('db', 'pool', ['8M', '8M', '8M'])
    for number, device in enumerate(devices):
        place.write_pattern(device, number, 8)
    taken = len(started(place, 'snapshot'))
    shared.take_while_killed(place)
    assert len(started(place, 'snapshot')) == taken + 3, started(place, 'snapshot')    # the first was not run, and began again
    assert names(place) == [f'db_0000{number}{rest}' for number in range(3) for rest in ('', '@after', '@before')]
    copies = control.create('copy', 'pool', ['8M', '8M', '8M'], origin=('db', 'before'))
    for number, device in enumerate(copies):
        place.check_pattern(device, number, 8)
    # One is in the way.
    place.run('zfs snapshot tank/linstor/db_00001@third')
    control.snapshot('db', 'third', wait=False)
    control.await_trouble('db', 'third')
    assert [name for name in names(place) if name.endswith('@third')] == ['db_00001@third']
    place.run('zfs destroy tank/linstor/db_00001@third')
    control.await_applied('db')
    assert sum(name.endswith('@third') for name in names(place)) == 3
    control.delete('copy')
    control.delete('db')


@contract('a snapshot that bears the mark of one whose volume may have been written to is taken again', TOOLS, MODULES)
def _(place):
    make_pool(place, 'ZFS_THIN')
    place.control.create('db', 'pool', ['8M'])
    shared.take_again_what_is_void(
        place, 'zfs set linstor:void=true tank/linstor/db_00000@void',
        lambda: 'true' in place.run('zfs get -Hpo value linstor:void tank/linstor/db_00000@void 2>/dev/null', check=False),
        'destroy', lambda: started(place, 'destroy'))
    place.control.delete('db')


@contract('what depends on what: killed between all steps of removals', TOOLS, MODULES)
def _(place):
    make_pool(place, 'ZFS_THIN')
    control = place.control
    for count in (1, 2, 3):
        device, = control.create('db', 'pool', ['8M'])
        place.write_pattern(device, 1, 8)
        control.snapshot('db', 'monday')
        copy, = control.create('copy', 'pool', ['8M'], origin=('db', 'monday'))
        if count <= 2:    # defer, rename
            place.kill_at(count, 'after')
            control.drop_snapshot('db', 'monday', wait=False)
            place.await_killed()
            place.start()
            wait_for(lambda: f'the snapshot is gone: {control.told("db")}', lambda: control.snapshot_fact('db', 'monday').get('gone'), place.seconds)
            control.resources['db']['snapshots'] = []
        else:
            control.drop_snapshot('db', 'monday')
        if count <= 2:    # mark, rename
            place.kill_at(count, 'after')
            control.delete('db', wait=False)
            place.await_killed()
            place.start()
            control.await_gone('db')
            del control.resources['db']
        else:
            control.delete('db')
        assert 'db_00000' not in names(place)
        place.check_pattern(copy, 1, 8)
        place.kill_at(1, 'before')    # clone, snapshot, zvol
        control.delete('copy', wait=False)
        place.await_killed()
        place.start()
        control.await_gone('copy')
        del control.resources['copy']
        wait_for(lambda: f'nothing is kept: {names(place)}', lambda: not names(place), place.seconds)


@contract('what is not its own is left alone; what is lost is not made anew', TOOLS, MODULES)
def _(place):
    make_pool(place, 'ZFS_THIN')
    place.run('zfs create -s -V 8M tank/linstor/db_00000')
    shared.refuse_foreign(place, lambda: names(place))
    wait_for('udev has finished', lambda: place.run('zfs destroy tank/linstor/db_00000 && echo yes', check=False), place.seconds)
    place.control.refresh('pool')

    shared.lose_and_find(place, 'zfs snapshot tank/linstor/db_00000@mine && zfs rename tank/linstor/db_00000 tank/linstor/elsewhere',
                         'zfs rename tank/linstor/elsewhere tank/linstor/db_00000')
    place.control.delete('db')
    kept, snapshot = names(place)
    assert kept.startswith('_deleted_db_00000_') and snapshot == f'{kept}@mine', 'a snapshot of somebody else keeps the volume'
    place.control.refresh('pool')
    assert not place.control.orphans, 'what has dependents is no orphan'
    place.run(f'zfs destroy tank/linstor/{snapshot}')
    place.control.refresh('pool')
    wait_for('what nobody needs any more is an orphan', lambda: place.control.orphans, place.seconds)
    orphan, = place.control.orphans
    resource, _, number = orphan['identifier'].rpartition('_')
    assert number == '00000', orphan
    place.control.want('resources', resource, {
        'resource': resource, 'uuid': str(uuid.uuid4()), 'layers': ['STORAGE'], 'remove': True, 'authority': 'request of a test',
        'volumes': [{'number': 0, 'pool': 'pool'}]})
    place.control.await_gone(resource)
    del place.control.resources[resource]
    assert not names(place)


for each in PROVIDERS:
    @contract(f'{each}: what is kept is not in use, and reserves nothing', TOOLS, MODULES,
              stand_ins_only=each == 'ZFS_THIN')
    def _(place, provider=each):
        make_pool(place, provider)
        device, = place.control.create('db', 'pool', ['8M'])
        place.run('zfs snapshot tank/linstor/db_00000@mine')
        place.kill()
        place.start()
        directory = mount(place, device)
        place.control.delete('db', wait=False)
        place.control.await_trouble('db', 'in use')
        assert names(place) == ['db_00000', 'db_00000@mine']
        place.run(f'umount {directory}')
        place.control.await_gone('db')
        del place.control.resources['db']
        kept, _ = names(place)
        assert place.run(f'zfs get -Hpo value refreservation tank/linstor/{kept}').strip() == '0'
        wait_for('udev has finished', lambda: place.run(f'zfs destroy -r tank/linstor/{kept} && echo yes', check=False), place.seconds)


@contract('what is mounted on a volume: frozen while it grows, or told why it does not grow', TOOLS, MODULES)
def _(place):
    make_pool(place, 'ZFS_THIN')
    device, = place.control.create('db', 'pool', ['16M'])
    directory = mount(place, device)
    is_lethal = place.run('grep -m1 " bdev_mark_dead$" /proc/kallsyms', check=False)
    place.run(f'echo text >{directory}/file')
    if is_lethal:
        place.control.grow('db', '32M', wait=False)
        place.control.await_trouble('db', 'this kernel shuts a file system down')
        assert place.size_mib(device) == 16
    else:
        place.control.grow('db', '32M')
    assert place.run(f'echo more >>{directory}/file && cat {directory}/file') == 'text\nmore\n'
    place.run(f'umount {directory}')
    place.control.await_applied('db')
    assert place.size_mib(device) == 32
    place.control.delete('db')


@contract('what is held still is noted; what was left frozen goes on at the start, and nothing that somebody else holds', TOOLS, MODULES)
def _(place):
    make_pool(place, 'ZFS_THIN')
    device, = place.control.create('db', 'pool', ['16M'])
    other, = place.control.create('other', 'pool', ['16M'])
    note = f"'{place.directory}/data/held/fs:!dev!zvol!tank!linstor!db_00000'"
    is_noted = lambda: place.run(f'test -e {note} && echo yes', check=False)
    place.hang(True, 'volsize')
    place.control.grow('db', '32M', wait=False)
    wait_for('it grows', lambda: started(place, 'set'), place.seconds)
    assert is_noted()
    place.hang(False)
    place.control.await_applied('db')
    wait_for('the note is gone', lambda: not is_noted(), place.seconds)

    places = [mount(place, device), mount(place, other, 'other')]
    place.kill()
    try:
        place.run(f'cp /proc/sys/kernel/random/boot_id {note}')
        for directory in places:
            place.run(f'fsfreeze -f {directory}')
        place.start()
        wait_for('the note is gone', lambda: not is_noted(), place.seconds)
        place.run(f'timeout 20 touch {places[0]}/file')
        place.run(f'fsfreeze -u {places[1]}')    # fails when it is not frozen
    finally:
        for directory in places:
            place.run(f'fsfreeze -u {directory}', check=False)
            place.run(f'umount {directory}')
    assert 'was left frozen' in place.satellite_log()
    for name in ('db', 'other'):
        place.control.await_applied(name)
        place.control.delete(name)


@contract('a full pool: told with the reason, made when there is room', TOOLS, MODULES)
def _(place):
    make_pool(place, 'ZFS', options='-o quota=64M')
    assert place.control.refresh('pool')['total_kib'] == 64 * 1024
    place.control.create('big', 'pool', ['40M'])
    place.control.create('db', 'pool', ['32M'], wait=False)
    place.control.await_trouble('db', 'no room for 32768 KiB')
    place.control.delete('big')
    place.control.await_applied('db')
    place.control.delete('db')


@contract('a zpool that is exported and imported again', TOOLS, MODULES, stand_ins_only=True)
def _(place):
    make_pool(place, 'ZFS_THIN')
    device, = place.control.create('db', 'pool', ['8M'])
    place.write_pattern(device, 5, 8)
    wait_for('it can be exported', lambda: place.run('zpool export tank && echo yes', check=False), place.seconds)
    place.control.refresh('pool')
    place.control.await_pool_trouble('pool', "zpool 'tank' is not imported")
    place.run('zpool import -d /dev tank')
    place.control.await_pool('pool')
    assert place.control.await_applied('db') == [device]
    place.check_pattern(device, 5, 8)
    place.control.delete('db')


@contract('a volume that grows waits for its turn before anything is frozen', TOOLS, MODULES)
def _(place):
    make_pool(place, 'ZFS_THIN')
    device, = place.control.create('db', 'pool', ['8M'])
    place.hang(True, 'create')
    place.control.create('other', 'pool', ['8M'], wait=False)
    wait_for('a command hangs', lambda: len(started(place, 'create')) == 2, place.seconds)
    place.control.grow('db', '16M', wait=False)
    place.control.refresh('pool')
    assert not started(place, 'set') and not place.run(f'ls {place.directory}/data/held', check=False), place.commands()
    place.hang(False)
    for name in ('other', 'db'):
        place.control.await_applied(name)
    assert place.size_mib(device) == 16
    for name in ('other', 'db'):
        place.control.delete(name)


@contract('one command at a time in a zpool, and none is killed while it hangs; all is read in one go', TOOLS, MODULES)
def _(place):
    make_pool(place, 'ZFS_THIN')
    shared.make_one_at_a_time(place, lambda: started(place, 'create'), lambda: started(place, 'list'))
