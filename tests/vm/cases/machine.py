# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench itself: machines, commands, disks, networks."""
from vm.case import case


@case('it boots, runs commands and has device-mapper', tools=['dmsetup'], modules=['dm-mod'])
def _(machines):
    machine = machines[0]
    assert machine.run('uname -r').out.strip() == machine.files.release
    assert any(line.startswith('linear') for line in machine.lines('dmsetup targets'))
    result = machine.run('cat; echo no >&2; exit 3', stdin=b'\0yes' * 100000, check=False)
    assert (result.status, result.data, result.err) == (3, b'\0yes' * 100000, 'no\n')
    try:
        machine.run('sleep 1000', timeout=10)
    except AssertionError as late:
        assert 'not within 10 s' in str(late)
    else:
        raise AssertionError('a command that takes too long does not end')
    machine.run('dmsetup create line --table "0 2048 linear /dev/vda 0" && udevadm settle && test -b /dev/mapper/line')
    assert machine.leftovers() == ['device-mapper: line'], machine.leftovers()
    machine.run('dmsetup remove line')
