# SPDX-License-Identifier: GPL-3.0-or-later
"""One test machine: a qemu process that boots the host's root file system, read-only, below a tmpfs.

    machine = Machine('n1', 1, files, directory, multicast_port)
    machine.start(); machine.await_up()
    machine.run('lvs --noheadings').out           # Result(status, out, err); a status other than 0 raises
    machine.power_cut(); machine.start()          # the same disks: what the guest had not flushed from its memory is gone
    machine.set_link(False)                       # the cluster network's cable
    machine.cut(other), machine.heal(other)       # only between these two

The machine has the disks /dev/vda, /dev/vdb, /dev/vdc (DISKS, each DISK_SIZE, sparse) for cases and /dev/vdd for what must survive
a power cut (cluster.py mounts it on /srv). eth0 leads to the host (agent, REST), eth1 (10.77.0.N) to the other machines.

qemu runs in a session of its own and is killed by the kernel when the bench dies. No privileges are needed.
"""
import contextlib
import dataclasses
import json
import os
import re
import shlex
import socket
import struct
import subprocess
import time

from suite import wait_for

MEMORY_MIB = 512
DISKS = ('/dev/vda', '/dev/vdb', '/dev/vdc')
STATE_DISK = '/dev/vdd'
DISK_SIZE = 2 << 30
BOOT_SECONDS = 300
COMMAND_SECONDS = 300
# norandmaps: the emulator translates a program's code once for each address that it is loaded to.
# On a loaded host the kernel's calibration of an emulated TSC may be wrong by a factor of ten, and its clock with it.
KERNEL_WORDS = ('console=ttyS0 panic=-1 mitigations=off clocksource=hpet tsc=unstable no_timer_check apparmor=0 audit=0 '
                'nowatchdog norandmaps cryptomgr.notests raid=noautodetect net.ifnames=0 loglevel=4')


class Lost(Exception):
    """The machine did not answer (any more)."""


@dataclasses.dataclass
class Result:
    status: int
    out: str
    err: str
    data: bytes    # stdout as it came

    def lines(self):
        return [line.strip() for line in self.out.splitlines() if line.strip()]


class Machine:
    def __init__(self, name, number, files, directory, multicast_port):
        self.name, self.number, self.files, self.directory = name, number, files, directory
        self.address = f'10.77.0.{number}'
        self.multicast_port = multicast_port
        self.qemu = self.monitor = None
        self.agent_port = self.rest_port = None
        self.cuts = set()      # addresses of machines that it does not reach
        self.boots = 0
        self.has_zfs = False
        self.loaded = set()    # (boot, module)
        self.modules = ()      # that the running case needs
        directory.mkdir(parents=True, exist_ok=True)
        self.blank_disks()

    def __str__(self):
        return self.name

    # Power

    def disk_files(self):
        return [self.directory / f'disk-{letter}' for letter in 'abcd']

    def blank_disks(self):
        """New, empty disks; only while the machine is off."""
        for file in self.disk_files():
            with open(file, 'wb') as disk:
                disk.truncate(DISK_SIZE)

    def command_line(self, monitor):
        words = ['qemu-system-x86_64', '-name', self.name, '-M', 'q35', '-accel', 'tcg,thread=multi,tb-size=256', '-cpu', 'max',
                 '-smp', '1', '-m', str(MEMORY_MIB), '-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none',
                 '-chardev', f'file,id=console,path={self.directory}/console,append=on', '-serial', 'chardev:console',
                 '-chardev', f'socket,id=monitor,fd={monitor}', '-mon', 'chardev=monitor,mode=control',
                 '-kernel', str(self.files.vmlinux), '-initrd', str(self.files.initrd),
                 '-append', f'{KERNEL_WORDS} vm.name={self.name} vm.address={self.address}',
                 '-fsdev', 'local,id=root,path=/,security_model=none,readonly=on,multidevs=remap',
                 '-device', 'virtio-9p-pci,fsdev=root,mount_tag=host', '-device', 'virtio-rng-pci',
                 # port 0: qemu takes free ones, the monitor tells which
                 '-netdev', 'user,id=host,restrict=on,hostfwd=tcp:127.0.0.1:0-:7001,hostfwd=tcp:127.0.0.1:0-:3370',
                 '-device', f'virtio-net-pci,netdev=host,mac=52:54:00:00:00:{self.number:02x},romfile=',
                 '-netdev', f'socket,id=cluster,mcast=230.77.0.1:{self.multicast_port},localaddr=127.0.0.1',
                 '-device', f'virtio-net-pci,id=eth1,netdev=cluster,mac=52:54:00:00:01:{self.number:02x},romfile=']
        for file in self.disk_files():
            letter = file.name[-1]
            words += ['-drive', f'file={file},if=none,id={letter},format=raw,cache=unsafe,discard=unmap',
                      '-device', f'virtio-blk-pci,drive={letter},serial=disk-{letter}']
        return words

    def start(self):
        """Turns it on; await_up() waits until it runs commands."""
        assert self.qemu is None, f'{self.name} is on'
        ours, theirs = socket.socketpair()
        with theirs, open(self.directory / 'qemu', 'ab') as log:
            self.qemu = subprocess.Popen(['setpriv', '--pdeathsig', 'KILL', *self.command_line(theirs.fileno())],
                                         stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[theirs.fileno()],
                                         start_new_session=True)
        self.monitor = ours.makefile('rw', encoding='utf-8')
        ours.settimeout(BOOT_SECONDS)
        ours.close()    # the file keeps the connection
        self.boots += 1
        self.has_zfs = False
        try:
            json.loads(self.monitor.readline())
            self.query('qmp_capabilities')
            table = self.query('human-monitor-command', **{'command-line': 'info usernet'})
        except (OSError, ValueError):
            raise Lost(f'{self.name}: qemu did not start: {self.tail("qemu")}') from None
        ports = {int(m[2]): int(m[1]) for m in re.finditer(r'TCP\[HOST_FORWARD\]\s+\d+\s+\S+\s+(\d+)\s+\S+\s+(\d+)', table)}
        self.agent_port, self.rest_port = ports[7001], ports[3370]

    def await_up(self):
        self.run('true', timeout=BOOT_SECONDS)
        for address in self.cuts:
            self.run(f'ip route add blackhole {address}/32')

    def power_cut(self):
        """Ends qemu at once, as a power cut would end the machine."""
        if self.qemu is None:
            return
        self.qemu.kill()
        self.qemu.wait()
        self.monitor.close()
        self.qemu = self.monitor = None

    # The monitor

    def query(self, execute, **arguments):
        self.monitor.write(json.dumps({'execute': execute, 'arguments': arguments}) + '\n')
        self.monitor.flush()
        while True:
            line = self.monitor.readline()
            if not line:
                raise Lost(f'{self.name}: qemu ended: {self.tail("qemu")}')
            answer = json.loads(line)
            if 'error' in answer:
                raise Lost(f'{self.name}: {execute}: {answer["error"]}')
            if 'return' in answer:
                return answer['return']

    def set_link(self, up):
        """Plugs the cable of the cluster network in or out."""
        self.query('set_link', name='eth1', up=up)

    def cut(self, other):
        """Nothing goes between the two machines any more, either way; others still reach both."""
        for here, there in ((self, other), (other, self)):
            here.cuts.add(there.address)
            if here.qemu:
                here.run(f'ip route replace blackhole {there.address}/32')

    def heal(self, other):
        for here, there in ((self, other), (other, self)):
            here.cuts.discard(there.address)
            if here.qemu:
                here.run(f'ip route del blackhole {there.address}/32', check=False)

    # Commands

    def connect(self, deadline):
        """A connection on which the agent said hello. What forwards it accepts before the guest listens, so hello must come soon
        or the next attempt is made."""
        patience = 0.2
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Lost(f'{self.name} does not answer; its console says: {self.tail("console")}')
            if self.qemu is None or self.qemu.poll() is not None:
                raise Lost(f'{self.name} is off; qemu says: {self.tail("qemu")}; console: {self.tail("console")}')
            try:
                host = socket.create_connection(('127.0.0.1', self.agent_port), timeout=min(left, patience))
                try:
                    if read_frame(host)[0] == b'H':
                        return host
                except (OSError, EOFError):
                    pass
                host.close()
            except OSError:
                pass
            patience = min(patience * 1.3, 5)
            time.sleep(0.02)

    def run(self, script, stdin=b'', timeout=COMMAND_SECONDS, check=True):
        """Runs a shell script in the guest. check: a status other than 0 raises AssertionError with what it printed."""
        deadline = time.monotonic() + timeout
        stdin = stdin.encode() if isinstance(stdin, str) else stdin
        out, err = bytearray(), bytearray()
        with contextlib.closing(self.connect(deadline)) as host:
            host.settimeout(timeout + 10)
            try:
                host.sendall(frame(b'R', struct.pack('!I', int(timeout * 1000)) + script.encode()))
                for at in range(0, len(stdin), 32768):
                    host.sendall(frame(b'I', stdin[at:at + 32768]))
                host.sendall(frame(b'I', b''))
            except (BrokenPipeError, ConnectionResetError):
                pass    # it ended without reading; the answer tells
            try:
                while True:
                    kind, data = read_frame(host)
                    if kind == b'O':
                        out += data
                    elif kind == b'E':
                        err += data
                    elif kind == b'T':
                        raise AssertionError(f'{self.name}: not within {timeout:g} s: {script}\n{text(out)}{text(err)}')
                    elif kind == b'X':
                        break
            except (OSError, EOFError):
                raise Lost(f'{self.name}: connection lost during: {script}\n{self.tail("console")}') from None
        result = Result(struct.unpack('!I', data)[0], text(out), text(err), bytes(out))
        if check and result.status:
            raise AssertionError(f'{self.name}: status {result.status}: {script}\n{result.out}{result.err}'.rstrip())
        return result

    def lines(self, script, **options):
        return self.run(script, **options).lines()

    def load(self, *modules):
        """Loads kernel modules; 'zfs' comes from the cache with its tools."""
        new = [module for module in modules if module != 'zfs' and (self.boots, module) not in self.loaded]
        if new:
            self.run(f'modprobe -a {shlex.join(new)}')
            self.loaded |= {(self.boots, module) for module in new}
        if 'zfs' in modules and not self.has_zfs:
            zfs = shlex.quote(str(self.files.zfs))
            self.run(f'cp -a {zfs}/userland/. / && cd {zfs}/modules && while read m; do insmod $m || exit 1; done <order && '
                     'udevadm control --reload && udevadm settle')
            self.has_zfs = True

    # Data

    def write_pattern(self, device, seed, size_mib, skip_mib=0):
        """Fills MiBs of a device, past the page cache, with data that follows from seed and place."""
        self.run(f'agent pattern write {shlex.quote(device)} {seed} {size_mib} {skip_mib}')

    def check_pattern(self, device, seed, size_mib, skip_mib=0):
        """Fails with the first byte that is not what write_pattern wrote."""
        self.run(f'agent pattern check {shlex.quote(device)} {seed} {size_mib} {skip_mib}')

    def sha256(self, file, size_mib=None):
        """Of a file, or of the first MiBs of a device, read past the page cache."""
        how = f'dd if={shlex.quote(file)} bs=1M iflag=direct status=none count={size_mib}' if size_mib else f'cat {shlex.quote(file)}'
        return self.run(f'{how} | sha256sum').out.split()[0]

    # What cases leave

    def discard_disks(self):
        """Disks as they were at first: those that were written to since the last time."""
        # fields 5 and 12 of stat: writes and discards so far
        self.run(f"""for disk in {' '.join(DISKS)} {STATE_DISK}; do
                         name=${{disk#/dev/}}
                         read -r _ _ _ _ writes _ _ _ _ _ _ discards _ </sys/block/$name/stat
                         [ "$writes $discards" = "$(cat /run/discarded.$name 2>/dev/null)" ] || set -- "$@" $disk
                     done
                     [ $# = 0 ] || agent discard "$@" || exit 1
                     udevadm settle
                     for disk; do
                         name=${{disk#/dev/}}
                         read -r _ _ _ _ writes _ _ _ _ _ _ discards _ </sys/block/$name/stat
                         echo "$writes $discards" >/run/discarded.$name
                     done""")

    def leftovers(self):
        """Texts about everything that a case should have removed: volumes, mappings, loop devices, mounts, pools, exports."""
        # No tool is asked about what sysfs or udev already deny, and the shell looks itself: each process costs a good part of a second here.
        return self.lines(r'''
            there() { [ -e "$1" ]; }
            each() { kind=$1; shift; ! there "$1" || for path; do echo "$kind $path"; done; }
            udevadm settle
            if there /dev/disk/by-id/lvm-pv-uuid-*; then
                lvs --noheadings -o vg_name,lv_name 2>/dev/null | sed 's/^ */logical volume /'
                vgs --noheadings -o vg_name 2>/dev/null | sed 's/^ */volume group /'
            fi
            if there /sys/block/dm-*; then
                # A thin pool has a second mapping while it has volumes, and other numbers then.
                cat /sys/block/dm-*/dm/name | sed 's/-tpool$//; s/^/device-mapper: /' | sort -u
            fi
            for file in /sys/block/loop*/loop/backing_file; do
                ! there $file || { read -r path <$file; echo "loop device $file $path"; }
            done
            each bcache /sys/block/bcache*
            [ ! -e /dev/zfs ] || zpool list -H -o name | sed 's/^/zpool /'
            each 'nvme target' /sys/kernel/config/nvmet/subsystems/* /sys/kernel/config/nvmet/ports/*
            each 'nvme controller' /sys/class/nvme/*
            while read -r device where rest; do
                case $device in /dev/*) echo "mount $device $where $rest" ;; esac
            done </proc/mounts
            true''')

    def tail(self, file, lines=6):
        try:
            return '\n'.join((self.directory / file).read_text(errors='replace').splitlines()[-lines:])
        except FileNotFoundError:
            return ''


def text(data):
    return data.decode('utf-8', 'replace')


def frame(kind, data):
    return kind + struct.pack('!I', len(data)) + data


def read_exactly(host, length):
    data = bytearray()
    while len(data) < length:
        piece = host.recv(length - len(data))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)


def read_frame(host):
    kind, length = struct.unpack('!cI', read_exactly(host, 5))
    return kind, read_exactly(host, length)


def await_all(machines):
    """All of them are started first and boot at the same time."""
    for machine in machines:
        machine.await_up()
    for machine in machines[1:]:
        wait_for(f'{machine} reaches {machines[0]}',
                 lambda m=machine: m.run(f'busybox ping -c 1 -W 1 {machines[0].address}', check=False).status == 0)


def multicast_port():
    """Of this process, so that benches at the same time have networks of their own."""
    return 20000 + os.getpid() % 40000
