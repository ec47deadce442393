# SPDX-License-Identifier: GPL-3.0-or-later
"""LVM and LVM_THIN."""
from contract.place import contract

TOOLS, MODULES = ('lvcreate', 'thin_check'), ('dm-thin-pool',)


def make_pool(place, provider):
    """Volume group vg0, a thin pool in it for LVM_THIN; the storage pool is called 'pool'."""
    disk = place.disks[0]
    place.prepare(f'lvm vgcreate vg0 {disk}', undo=f'lvm vgremove -fy vg0 && lvm pvremove {disk}')
    if provider == 'LVM_THIN':
        place.prepare('lvm lvcreate --yes --type thin-pool --size 256M --name tp vg0')
    place.control.pool('pool', provider, 'vg0/tp' if provider == 'LVM_THIN' else 'vg0')


for each in ('LVM', 'LVM_THIN'):
    @contract(f'{each}: made, filled, grown, deleted; nothing is left', TOOLS, MODULES)
    def _(place, provider=each):
        make_pool(place, provider)
        device, = place.control.create('db', 'pool', ['33M'])
        assert device == '/dev/vg0/db_00000'
        assert place.size_mib(device) == 36, 'whole extents of 4 MiB'
        place.write_pattern(device, 1, 36)
        assert place.control.grow('db', '48M') == [device]
        assert place.size_mib(device) == 48
        place.check_pattern(device, 1, 36)
        place.write_pattern(device, 2, 12, skip_mib=36)
        place.check_pattern(device, 1, 36)
        place.control.delete('db')
