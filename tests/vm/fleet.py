# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines of a run: booted when they are first needed, rebooted with new disks after a failure, off at the end."""
import re
import shutil

from vm.cluster import each
from vm.machine import Lost, Machine, await_all, multicast_port


class Fleet:
    """The machines, and whether they are as the next case may expect them."""

    def __init__(self, files, directory):
        self.files, self.directory = files, directory
        self.machines, self.spoiled = [], set()

    def provide(self, count):
        """So many machines that are on and clean."""
        new = []
        for machine in self.machines:
            if machine in self.spoiled:
                machine.power_cut()
                machine.blank_disks()
                machine.cuts.clear()
                new.append(machine)
        for number in range(len(self.machines) + 1, count + 1):
            name = f'n{number}'
            self.machines.append(Machine(name, number, self.files, self.directory / name, multicast_port()))
            new.append(self.machines[-1])
        self.spoiled |= set(new)
        for machine in new:    # here and not in threads: the kernel ends a machine with the thread that started it
            machine.start()
        await_all(new)
        self.spoiled -= set(new)
        return self.machines[:count]

    def check_clean(self, machines):
        def left(machine):
            lines = machine.leftovers()
            if not lines:
                machine.discard_disks()
            return [f'{machine}: {line}' for line in lines]
        wrong = [line for lines in each(machines, left) for line in lines]
        assert not wrong, 'left by the case: ' + '; '.join(wrong)

    def keep_logs(self, title, machines, target):
        """What tells why something failed; a machine that does not answer still has its console."""
        place = target / re.sub(r'\W+', '-', title)
        place.mkdir(parents=True, exist_ok=True)

        def keep(machine):
            for file in ('console', 'qemu'):
                if (machine.directory / file).exists():
                    shutil.copy(machine.directory / file, place / f'{machine.name}.{file}')
            for name, script in (('dmesg', 'dmesg'), ('state', 'ps -ef; lsblk; dmsetup table; dmsetup status; losetup; cat /proc/mounts; free -m')):
                (place / f'{machine.name}.{name}').write_text(machine.run(script, check=False, timeout=20).out)
            archive = machine.run('cd /srv/log 2>/dev/null && for f in *; do echo "==== $f"; cat "$f"; done', check=False, timeout=30)
            (place / f'{machine.name}.log').write_text(archive.out)

        def try_keep(machine):
            try:
                keep(machine)
            except (Lost, AssertionError) as problem:
                (place / f'{machine.name}.lost').write_text(f'{problem}\n')
        each(machines, try_keep)

    def end(self):
        for machine in self.machines:
            machine.power_cut()
