# SPDX-License-Identifier: GPL-3.0-or-later
"""LVM and LVM_THIN."""
from contract import shared
from contract.place import contract
from suite import wait_for

TOOLS, MODULES = ('lvcreate', 'thin_check'), ('dm-thin-pool',)
PROVIDERS = ('LVM', 'LVM_THIN')
UUID = 'StorDriver/internal/lvm/vgUuid'


def make_pool(place, provider, thin_size='256M', disks=None):
    """Volume group vg0, a thin pool in it for LVM_THIN; the storage pool is called 'pool'."""
    disks = ' '.join(disks or place.disks)
    place.prepare(f'lvm vgcreate vg0 {disks}', undo=f'lvm vgremove -fy vg0 && lvm pvremove {disks}')
    if provider == 'LVM_THIN':
        place.prepare(f'lvm lvcreate --yes --type thin-pool --size {thin_size} --name tp vg0')
    place.control.pool('pool', provider, 'vg0/tp' if provider == 'LVM_THIN' else 'vg0')


def volumes(place):
    """Names of the logical volumes in vg0, without the thin pool."""
    rows = place.run('lvm lvs --reportformat json --units b --nosuffix -o lv_name vg0')
    return sorted(part.split('"')[0] for part in rows.split('"lv_name":')[1:] for part in [part.split('"', 1)[1]] if part[:2] != 'tp')


def started(place, command):
    return [line for line in place.commands() if line.startswith(f'lvm {command} ')]


for each in PROVIDERS:
    @contract(f'{each}: made, filled, grown, deleted; nothing is left', TOOLS, MODULES)
    def _(place, provider=each):
        make_pool(place, provider)
        device, = place.control.create('db', 'pool', ['33M'])
        assert device == '/dev/vg0/db_00000'
        assert place.size_mib(device) == 36, 'whole extents of 4 MiB'
        place.write_pattern(device, 1, 36)
        fact = place.control.refresh('pool')
        assert fact['total_kib'] - fact['free_kib'] >= 36 * 1024 * (0.95 if provider == 'LVM_THIN' else 1), fact
        if provider == 'LVM_THIN':
            assert fact['total_kib'] == 256 * 1024 and fact['supports_snapshots'], fact
            assert 0 < float(fact['props']['StorDriver/internal/lvmthin/thinPoolMetadataPercent']) < 100
            assert int(fact['props']['StorDriver/internal/lvmthin/thinPoolGranularity']) == 64
        assert fact['granularity_kib'] == 4096
        assert place.control.grow('db', '48M') == [device]
        assert place.size_mib(device) == 48
        place.check_pattern(device, 1, 36)
        place.write_pattern(device, 2, 12, skip_mib=36)
        place.check_pattern(device, 1, 36)
        place.control.delete('db')

    @contract(f'{each}: killed before and after each command, it goes on where it was', TOOLS, MODULES,
              stand_ins_only=each == 'LVM_THIN')
    def _(place, provider=each):
        make_pool(place, provider)
        shared.kill_and_go_on(place, [(count, when) for count in ((1, 2) if provider == 'LVM' else (1,)) for when in ('before', 'after')])

    @contract(f'{each}: what is not its own is left alone; what is lost is not made anew', TOOLS, MODULES,
              stand_ins_only=each == 'LVM_THIN')
    def _(place, provider=each):
        make_pool(place, provider)
        how = '--size 8M' if provider == 'LVM' else '--virtualsize 8M --thinpool tp'
        place.run(f'lvm lvcreate --yes --wipesignatures n {how} --name db_00000 vg0')
        shared.refuse_foreign(place, lambda: volumes(place))
        place.run('lvm lvremove --force vg0/db_00000')
        place.control.refresh('pool')

        shared.lose_and_find(place, 'lvm lvrename vg0 db_00000 elsewhere', 'lvm lvrename vg0 elsewhere db_00000')
        place.control.delete('db')


@contract('LVM: nothing of the last owner is seen in a new volume', TOOLS, MODULES)
def _(place):
    make_pool(place, 'LVM')
    place.run('lvm lvcreate --yes --wipesignatures n --size 8M --name old vg0 && '
              'printf "\\123\\357" | dd of=/dev/vg0/old bs=1 seek=1080 conv=notrunc,fsync status=none && lvm lvremove --force vg0/old')
    device, = place.control.create('db', 'pool', ['8M'])
    assert place.run(f'dd if={device} bs=1 skip=1080 count=2 status=none | od -An -tx1').split() == ['00', '00']
    place.control.delete('db')


@contract('LVM: options, kind and physical volumes that the user chose', TOOLS, MODULES)
def _(place):
    make_pool(place, 'LVM')
    second = place.disks[1]
    place.control.create('db', 'pool', ['8M'], props={'StorDriver/LvcreateOptions': "--alloc 'cling'", 'StorDriver/LvcreateType': 'linear',
                                                      'StorDriver/LvcreatePvSelection': f"--select 'pv_name=\"{second}\"'"})
    made, = started(place, 'lvcreate')
    assert made.endswith(f'vg0 --alloc cling {second}') and ' --type linear ' in made, made
    place.control.create('striped', 'pool', ['9M'], props={'StorDriver/LvcreateOptions': '-i 2 -I 64'})
    assert place.size_mib('/dev/vg0/striped_00000') == 16, 'an extent on each of the stripes'
    place.control.delete('striped')
    place.control.delete('db')


@contract('LVM_THIN: snapshots are taken, outlive their volume, are restored and rolled back to', TOOLS, MODULES)
def _(place):
    make_pool(place, 'LVM_THIN')
    control = place.control
    device, = control.create('db', 'pool', ['16M'])
    place.write_pattern(device, 1, 16)
    shared.take_while_killed(place)
    control.refresh('pool')
    wait_for('no snapshot is an orphan', lambda: not control.orphans, place.seconds)
    place.write_pattern(device, 2, 16)
    control.grow('db', '20M')
    copy, = control.create('copy', 'pool', ['24M'], origin=('db', 'before'))
    assert place.size_mib(copy) == 24
    place.check_pattern(copy, 1, 16)
    place.check_pattern(device, 2, 16)
    place.write_pattern(copy, 3, 24)
    assert control.roll_back('db', 'after') == [device]
    place.check_pattern(device, 1, 16)
    place.check_pattern(copy, 3, 24)
    control.drop_snapshot('db', 'before')
    assert volumes(place) == ['copy_00000', 'db_00000', 'db_00000_after']
    control.delete('copy')
    control.delete('db')


@contract('LVM_THIN: a snapshot that bears the mark of one whose volume may have been written to is taken again', TOOLS, MODULES)
def _(place):
    make_pool(place, 'LVM_THIN')
    place.control.create('db', 'pool', ['8M'])
    tags = 'lvm lvs --reportformat json --units b --nosuffix -o lv_name,lv_tags vg0'
    shared.take_again_what_is_void(place, 'lvm lvchange --addtag linstor_void vg0/db_00000_void', lambda: 'linstor_void' in place.run(tags),
                                   'lvremove', lambda: started(place, 'lvremove'))
    place.control.delete('db')


@contract('LVM_THIN: a full thin pool is told, and used again when there is room', TOOLS, MODULES)
def _(place):
    make_pool(place, 'LVM_THIN', '32M')
    device, = place.control.create('big', 'pool', ['64M'])
    place.write_pattern(device, 1, 32)
    assert place.control.refresh('pool')['free_kib'] == 0
    place.control.create('db', 'pool', ['8M'], wait=False)
    place.control.await_trouble('db', "Thin pool 'vg0/tp' is full.")
    place.check_pattern(device, 1, 32)
    place.control.delete('big')
    place.control.await_applied('db')
    place.control.delete('db')


@contract('a volume group that vanishes and comes back; volumes that are not active', TOOLS, MODULES)
def _(place):
    make_pool(place, 'LVM')
    device, = place.control.create('db', 'pool', ['8M'])
    place.write_pattern(device, 5, 8)
    place.run('lvm vgrename vg0 away')
    place.control.refresh('pool')
    place.control.await_pool_trouble('pool', "Volume group 'vg0'")
    place.run('lvm lvchange --activate n away/db_00000 && lvm vgrename away vg0')
    place.control.refresh('pool')
    place.control.await_pool('pool')
    assert place.control.await_applied('db') == [device]
    wait_for('the volume is active again', lambda: place.run(f'test -b {device} && echo yes', check=False), place.seconds)
    place.check_pattern(device, 5, 8)
    place.control.delete('db')


def hiding(place):
    """For whoever sees neither the first disk nor the directory /dev/vg0."""
    return f"--config 'devices {{ dir=\"/run\" scan=[\"/dev\"] filter=[\"r|^{place.disks[0]}|\"] }}'"


def make_stranger(place):
    """A second volume group vg0, on the other disk; its uuid."""
    place.run(f'lvm vgcreate {hiding(place)} vg0 {place.disks[1]}')
    return uuid_of(place, place.disks[1])


def uuid_of(place, disk):
    row = place.run(f'lvm pvs --reportformat json --units b --nosuffix -o vg_uuid --select \'pv_name="{disk}"\'')
    return row.split('"vg_uuid":')[1].split('"')[1]


for each in PROVIDERS:
    @contract(f'{each}: a second volume group of the same name is left alone, and the pool stays up', TOOLS, MODULES,
              stand_ins_only=each == 'LVM_THIN')
    def _(place, provider=each):
        make_pool(place, provider, disks=place.disks[:1])
        place.control.create('db', 'pool', ['8M'])
        make_stranger(place)
        place.control.refresh('pool')
        for name in ('first', 'second'):
            place.control.create(name, 'pool', ['8M'])
        place.control.grow('db', '12M')
        place.kill()
        place.start()
        for name in ('db', 'first', 'second'):
            place.control.await_applied(name)
            place.control.delete(name)
        place.control.await_pool('pool')
        made = place.run(f'lvm lvs {hiding(place)} --reportformat json --units b --nosuffix -o lv_name vg0')
        assert 'lv_name' not in made, f'something was made in the other volume group: {made}'
        place.run(f'lvm vgremove {hiding(place)} -f vg0 && lvm pvremove {place.disks[1]}')

    @contract(f'{each}: another volume group of the same name is not used instead, unless the user says so', TOOLS, MODULES,
              stand_ins_only=each == 'LVM_THIN')
    def _(place, provider=each):
        make_pool(place, provider, disks=place.disks[:1])
        device, = place.control.create('db', 'pool', ['8M'])
        place.write_pattern(device, 1, 8)
        own = uuid_of(place, place.disks[0])
        wait_for('the uuid is kept', lambda: place.control.pools['pool']['props'].get(UUID) == own, place.seconds)
        place.run('lvm vgrename vg0 away')
        other = make_stranger(place)
        place.control.refresh('pool')
        place.control.await_pool_trouble('pool', other)
        place.control.create('lost', 'pool', ['8M'], wait=False)
        place.kill()
        place.start()
        place.control.await_pool_trouble('pool', other)
        place.control.await_trouble('lost', other)
        assert len(started(place, 'lvcreate')) == 1, 'something was made in the other volume group'
        if provider == 'LVM':
            place.control.pool_prop('pool', UUID, None)
            place.control.await_pool('pool')
            wait_for('the uuid is kept', lambda: place.control.pools['pool']['props'].get(UUID) == other, place.seconds)
            place.control.await_applied('lost')
            place.control.await_trouble('db', 'has vanished')
        place.control.delete('lost', wait=provider == 'LVM')
        place.run('lvm vgrename vg0 vg1 && lvm vgrename away vg0')
        place.control.pool_prop('pool', UUID, own)
        place.control.refresh('pool')
        assert place.control.await_applied('db') == [device]
        place.check_pattern(device, 1, 8)
        if provider != 'LVM':
            place.control.await_gone('lost')
        place.control.delete('db')
        place.run(f'lvm vgremove -f vg1 && lvm pvremove {place.disks[1]}')


@contract('one command at a time in a volume group, and none is killed while it hangs; all is read in one go', TOOLS, MODULES)
def _(place):
    make_pool(place, 'LVM')
    shared.make_one_at_a_time(place, lambda: started(place, 'lvcreate'), lambda: started(place, 'lvs'))
