# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a contract is shown: a satellite with a stand-in controller, on stand-ins of storage tools or on the real ones.

    with StandIns() as place:               # or RealTools(machine)
        place.prepare(f'lvm vgcreate vg0 {place.disks[0]}', undo='lvm vgremove -fy vg0')
        place.control.pool('vg', 'LVM', 'vg0')
        ...

At the end of the block nothing that the satellite made may be left, it must end by itself, and no sanitizer may have spoken.
"""
import dataclasses
import hashlib
import importlib
import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import typing

from cluster import TROUBLE, binary
from machine import loop_devices
from suite import Skip, wait_for
from vm.link_controller import LinkController

HERE = pathlib.Path(__file__).resolve().parent
TOOLS = ('lvm', 'dmstats', 'thin_check', 'zfs', 'zpool')           # of which there are stand-ins
MODULES = ('dm_mod', 'dm_thin_pool', 'zfs')
ENVIRONMENT = {'ASAN_OPTIONS': 'abort_on_error=0:exitcode=99:detect_leaks=1',
               'UBSAN_OPTIONS': 'print_stacktrace=1:halt_on_error=1:exitcode=99'}
found = []


@dataclasses.dataclass
class Contract:
    title: str
    function: typing.Callable
    tools: typing.Sequence
    modules: typing.Sequence
    real_only: bool


def contract(title, tools=(), modules=(), real_only=False):
    """tools, modules: of the machine, for the real ones. real_only: there is nothing to stand in for it, such as a power cut."""
    def add(function):
        file = function.__module__.rpartition('.')[2]
        found.append(Contract(f'{file}: {title}', function, tools, modules, real_only))
        return function
    return add


def load_all():
    """All contracts, file by file."""
    for file in sorted((HERE / 'contracts').glob('*.py')):
        importlib.import_module(f'contract.contracts.{file.stem}')
    return found


class Place:
    disks: typing.Sequence = ()
    seconds = 30

    def __init__(self):
        self.control, self.undo, self.before = None, [], set()

    def prepare(self, script, undo=None):
        """Makes what the contract stands on; undo removes it at the end."""
        self.run(script)
        if undo:
            self.undo.append(undo)
        self.before = set(self.leftovers())

    def begin(self, directory):
        """directory: of the satellite's data and of the wrapper, as the place sees it."""
        self.directory = directory
        self.run(f'mkdir -p {directory}/bin {directory}/data')
        for tool in TOOLS:
            self.run(f'cp {HERE}/tools/wrapper {directory}/bin/{tool}')
        self.start()

    def end(self):
        wait_for(lambda: f'nothing is left: {self.left()}', lambda: not self.left(), self.seconds)
        self.control.close()
        self.stop()
        for script in reversed(self.undo):
            self.run(script)
        wrong = [line for line in self.satellite_log().splitlines() if TROUBLE.search(line)]
        assert not wrong, '\n'.join(wrong)

    def left(self):
        return [line for line in self.leftovers() if line not in self.before]

    def kill_at(self, count, when):
        """The satellite is killed 'before' or 'after' so many changing commands from now on; see await_killed()."""
        self.run(f'echo {count} {when} >{self.directory}/kill')

    def hang(self, on):
        """Commands that change something wait until it is over."""
        self.run(f'touch {self.directory}/hang' if on else f'rm {self.directory}/hang')

    def commands(self):
        """What was run so far: 'lvm lvs ...'"""
        return self.run(f'cat {self.directory}/log 2>/dev/null', check=False).splitlines()


class StandIns(Place):
    disks = ('/dev/disk0', '/dev/disk1')

    def __enter__(self):
        if os.geteuid() != 0 or not os.path.exists('/dev/loop-control'):
            raise Skip('needs root and loop devices')
        self.temporary = tempfile.TemporaryDirectory(prefix='linstor-contract-')
        self.state = self.temporary.name
        self.keeper = subprocess.Popen(['unshare', '-m', '--propagation', 'private', 'setpriv', '--pdeathsig', 'KILL', 'sh', '-ec',
                                        self.setup() + 'echo ready; exec sleep infinity'],
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = self.keeper.stdout.readline()
        if said != 'ready\n':
            self.finish()
            raise Skip(f'no mount namespace can be made: {said.strip()}')
        try:
            self.begin(f'{self.state}/place')
        except BaseException:
            self.finish()
            raise
        return self

    def __exit__(self, kind, problem, trace):
        try:
            if kind:
                print(f'--- the satellite said\n{self.satellite_log()}--- the commands\n' + '\n'.join(self.commands()[-30:]))
            else:
                self.end()
        finally:
            self.finish()

    def finish(self):
        if self.control:
            self.control.close()
        if getattr(self, 'satellite', None) and self.satellite.poll() is None:
            self.satellite.kill()
            self.satellite.wait()
        self.keeper.kill()
        self.keeper.wait()
        for device in loop_devices(self.state):
            subprocess.run(['losetup', '-d', device], check=False)
        self.temporary.cleanup()

    def setup(self):
        """The script that makes the namespace's own /dev, modules and tools."""
        dev = f'{self.state}/dev'
        lines = [f'mkdir {dev} && mount -t tmpfs -o mode=755 stand_ins {dev}']
        for node in ('null', 'zero', 'full', 'random', 'urandom', 'loop-control'):
            lines.append(f'touch {dev}/{node} && mount --bind /dev/{node} {dev}/{node}')
        lines += [f'ln -s /proc/self/fd {dev}/fd', f'mount --move {dev} /dev', 'mount -t tmpfs stand_ins /sys/module',
                  'mount -t tmpfs -o mode=755 stand_ins /usr/local/sbin']
        lines += [f'mkdir /sys/module/{module}' for module in MODULES]
        lines += [f'printf "#!/bin/sh\\nCONTRACT_STATE={self.state} exec python3 -B {HERE}/stand_ins/{tool} \\"\\$@\\"\\n" '
                  f'>/usr/local/sbin/{tool} && chmod +x /usr/local/sbin/{tool}'
                  for tool in TOOLS if (HERE / 'stand_ins' / tool).exists()]
        return '\n'.join(lines) + '\n'

    def inside(self, *words):
        return ['nsenter', '-t', str(self.keeper.pid), '-m', '--', *words]

    def run(self, script, check=True):
        """The output of a shell script; AssertionError when its status is not 0."""
        done = subprocess.run(self.inside('env', f'PATH=/usr/local/sbin:{os.environ["PATH"]}', 'sh', '-ec', script),
                              capture_output=True, text=True, check=False, cwd='/')
        assert done.returncode == 0 or not check, f'status {done.returncode}: {script}\n{done.stdout}{done.stderr}'
        return done.stdout

    def start(self):
        log = f'{self.state}/satellite.log'
        with open(log, 'a', encoding='utf-8') as out:
            began = out.tell()
            self.satellite = subprocess.Popen(
                self.inside('env', f'PATH={self.directory}/bin:/usr/local/sbin:{os.environ["PATH"]}', str(binary()), 'satellite',
                            '--data-dir', f'{self.directory}/data', '--bind-address', '127.0.0.1',
                            '--port', str(self.control.port if self.control else 0)),
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={**os.environ, **ENVIRONMENT}, cwd='/')
        pathlib.Path(self.directory, 'satellite.pid').write_text(f'{self.satellite.pid}\n', encoding='ascii')
        listens = wait_for(lambda: f'the satellite listens: {self.satellite_log()}',
                           lambda: re.search(r'listens on \S+ port (\d+)', self.satellite_log()[began:]), self.seconds)
        if not self.control:
            self.control = LinkController('127.0.0.1', int(listens[1]), None, self.seconds)

    def kill(self):
        self.satellite.kill()
        self.satellite.wait()

    def await_killed(self):
        wait_for('the satellite was killed', lambda: self.satellite.poll() is not None, self.seconds)
        assert self.satellite.returncode == -9, f'the satellite ended with {self.satellite.returncode}'

    def stop(self):
        self.satellite.terminate()
        status = self.satellite.wait(self.seconds)
        assert status == 0, f'the satellite ended with {status}: {self.satellite_log()[-3000:]}'

    def satellite_log(self):
        return pathlib.Path(self.state, 'satellite.log').read_text(encoding='utf-8', errors='replace')

    def leftovers(self):
        lines = [f'loop device {device} {told["file"]}' for device, told in loop_devices(self.state).items()]
        for tool in ('lvm', 'zfs'):
            if (HERE / 'stand_ins' / tool).exists():
                lines += self.run(f'{tool} stand-in-leftovers').splitlines()
        return lines

    # A device of the namespace, from outside

    def open(self, device, flags):
        return os.open(f'/proc/{self.keeper.pid}/root{device}', flags)

    @staticmethod
    def pattern(seed, mib):
        return hashlib.shake_128(f'{seed} {mib}'.encode()).digest(4096) * 256

    def write_pattern(self, device, seed, size_mib, skip_mib=0):
        file = self.open(device, os.O_WRONLY)
        for mib in range(skip_mib, skip_mib + size_mib):
            os.pwrite(file, self.pattern(seed, mib), mib << 20)
        os.fsync(file)
        os.close(file)

    def check_pattern(self, device, seed, size_mib, skip_mib=0):
        file = self.open(device, os.O_RDONLY)
        for mib in range(skip_mib, skip_mib + size_mib):
            assert os.pread(file, 1 << 20, mib << 20) == self.pattern(seed, mib), f'MiB {mib} of {device} is not what was written'
        os.close(file)

    def size_mib(self, device):
        file = self.open(device, os.O_RDONLY)
        size = os.lseek(file, 0, os.SEEK_END)
        os.close(file)
        return size >> 20


class RealTools(Place):
    """In a test machine; the satellite listens where the machine's port 3370 is forwarded to."""
    seconds = 240

    def __init__(self, machine):
        super().__init__()
        self.machine, self.disks = machine, ('/dev/vda', '/dev/vdb')

    def __enter__(self):
        self.begin('/run/contract')
        return self

    def __exit__(self, kind, problem, trace):
        if not kind:
            self.end()
            self.run('rm -rf /run/contract')
        elif self.control:
            self.control.close()
            print(f'--- the satellite said\n{self.satellite_log()}--- the commands\n' + '\n'.join(self.commands()[-30:]))

    def run(self, script, check=True):
        return self.machine.run(script, check=check).out

    def start(self):
        words = [f'PATH={self.directory}/bin:/usr/sbin:/usr/bin:/sbin:/bin', *(f'{key}={value}' for key, value in ENVIRONMENT.items()),
                 str(binary()), 'satellite', '--data-dir', f'{self.directory}/data', '--bind-address', '0.0.0.0', '--port', '3370']
        self.run(f'cd {self.directory} && rm -f status && setsid sh -c \'env "$@" >>satellite.log 2>&1 </dev/null & '
                 f'echo $! >satellite.pid; wait $!; echo $? >status\' start {shlex.join(words)} >/dev/null 2>&1 </dev/null &\n'
                 f'for i in $(busybox seq 1000); do [ -s {self.directory}/satellite.pid ] && break; busybox usleep 20000; done; '
                 f'[ -s {self.directory}/satellite.pid ]')
        if not self.control:
            self.control = LinkController('127.0.0.1', self.machine.rest_port, None, self.seconds)

    def ended(self):
        return self.run(f'cat {self.directory}/status 2>/dev/null', check=False).strip()

    def kill(self):
        self.run(f'kill -9 $(cat {self.directory}/satellite.pid)')
        self.await_killed()

    def await_killed(self):
        status = wait_for('the satellite was killed', self.ended, self.seconds)
        assert status == '137', f'the satellite ended with {status}'

    def stop(self):
        self.run(f'kill $(cat {self.directory}/satellite.pid)')
        status = wait_for('the satellite ends', self.ended, self.seconds)
        assert status == '0', f'the satellite ended with {status}: {self.satellite_log()[-3000:]}'

    def satellite_log(self):
        return self.run(f'cat {self.directory}/satellite.log', check=False)

    def leftovers(self):
        return self.machine.leftovers()

    def write_pattern(self, device, seed, size_mib, skip_mib=0):
        self.machine.write_pattern(device, seed, size_mib, skip_mib)

    def check_pattern(self, device, seed, size_mib, skip_mib=0):
        self.machine.check_pattern(device, seed, size_mib, skip_mib)

    def size_mib(self, device):
        return int(self.run(f'blockdev --getsize64 {device}')) >> 20
