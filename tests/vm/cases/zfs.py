# SPDX-License-Identifier: GPL-3.0-or-later
"""ZFS and ZFS_THIN."""
from vm.case import case


@case('module and tools of the cache make a volume', modules=['zfs'])
def _(machines):
    machine = machines[0]
    machine.run('zpool create -m none tank /dev/vda && zfs create -V 64M tank/volume && udevadm settle')
    machine.write_pattern('/dev/zvol/tank/volume', 1, 64)
    machine.check_pattern('/dev/zvol/tank/volume', 1, 64)
    assert machine.leftovers() == ['zpool tank']
    machine.run('zpool destroy tank')
