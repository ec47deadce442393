# SPDX-License-Identifier: GPL-3.0-or-later
"""LVM and LVM_THIN."""
from vm.case import case


@case('the tools make a thin volume', tools=['lvcreate', 'thin_check'], modules=['dm-thin-pool'])
def _(machines):
    machine = machines[0]
    machine.run('vgcreate vg0 /dev/vda && lvcreate -y -L 256M -T vg0/pool -Zn && lvcreate -y -V 1G -T vg0/pool -n volume')
    machine.write_pattern('/dev/vg0/volume', 1, 32)
    machine.check_pattern('/dev/vg0/volume', 1, 32)
    machine.run('vgremove -fy vg0 && pvremove -y /dev/vda')
