# SPDX-License-Identifier: GPL-3.0-or-later
"""What a test machine boots: the distribution's kernel, unpacked, and a small initramfs with our init and agent.

    files = kernel.prepare()        # raises Missing when a package is not there
    files.release, files.vmlinux, files.initrd, files.zfs

All of it is made once and kept in $XDG_CACHE_HOME/linstor-vm/<release> (~/.cache/linstor-vm/<release>): the kernel by its release, the
initramfs by what goes into it. Files appear there by rename, so benches that run at the same time do not meet. Nothing needs root.

An unpacked kernel (ELF, booted by its PVH note) skips firmware and decompression, which cost more than half of the boot without
hardware virtualisation.
"""
import dataclasses
import hashlib
import lzma
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import zlib

HERE = pathlib.Path(__file__).resolve().parent
# What the initramfs needs to reach the host's root; everything else is loaded from there with modprobe.
MODULES = ('virtio_pci', '9pnet_virtio', '9p', 'overlay', 'virtio_net', 'virtio_blk', 'virtio_rng', 'configfs')
ELF = b'\x7fELF'
UNUSED_SECONDS = 24 * 3600


class Missing(Exception):
    """Something is not installed; the text says what, and which package has it."""


@dataclasses.dataclass
class Files:
    release: str
    vmlinux: pathlib.Path
    initrd: pathlib.Path
    zfs: pathlib.Path | None    # the directory made by tests/vm/zfs-module, when it is there


def cache_directory(release):
    home = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    directory = pathlib.Path(home) / 'linstor-vm' / release
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def put(path, data):
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
        file.write(data)
    os.chmod(file.name, 0o644)
    os.rename(file.name, path)


def find_release():
    """The newest kernel that is installed with its modules; LINSTOR_VM_KERNEL names another."""
    named = os.environ.get('LINSTOR_VM_KERNEL')
    releases = [named] if named else [p.name.removeprefix('vmlinuz-') for p in pathlib.Path('/boot').glob('vmlinuz-*')]
    usable = [r for r in releases if pathlib.Path(f'/boot/vmlinuz-{r}').exists()
              and pathlib.Path(f'/lib/modules/{r}/modules.dep').exists() and 'cloud' not in r]    # no 9p in cloud kernels
    if not usable:
        raise Missing('no kernel with modules in /boot and /lib/modules (package linux-image-amd64)')
    return max(usable, key=lambda r: [int(n) for n in re.findall(r'\d+', r)])


def unpack(image):
    """The ELF file inside of a bzImage. The header does not say where it begins: its compressor's magic does."""
    def zstd(data):
        return subprocess.run(['zstd', '-dc'], input=data, capture_output=True, check=False).stdout

    for magic, expand in ((b'\xfd7zXZ\0', lambda data: lzma.LZMADecompressor().decompress(data)),
                          (b'\x1f\x8b\x08', lambda data: zlib.decompressobj(31).decompress(data)),
                          (b'\x28\xb5\x2f\xfd', zstd)):
        at = image.find(magic)
        while at >= 0:
            try:
                found = expand(image[at:])
                if found.startswith(ELF):
                    return found
            except (lzma.LZMAError, zlib.error, OSError):
                pass
            at = image.find(magic, at + 1)
    raise Missing('the kernel image is compressed in a way that is not known here (xz, gzip and zstd are)')


def module_files(release):
    """Paths of MODULES and of what they need, in the order of insertion."""
    directory = pathlib.Path('/lib/modules') / release
    needs, by_name = {}, {}
    for line in (directory / 'modules.dep').read_text().splitlines():
        file, _, others = line.partition(':')
        needs[file] = others.split()
        by_name[pathlib.Path(file).name.partition('.')[0].replace('-', '_')] = file
    builtin = (directory / 'modules.builtin').read_text().replace('-', '_')
    order = []
    for name in MODULES:
        if name in by_name:
            # modules.dep lists what a module needs, the most basic last
            order += [f for f in [*reversed(needs[by_name[name]]), by_name[name]] if f not in order]
        elif f'/{name}.ko' not in builtin:
            raise Missing(f'kernel {release} has no module {name}')
    return [directory / file for file in order]


def without_signature(data):
    """Of a module. The kernel takes it unsigned, too; to check costs much without hardware virtualisation, and has been seen to fail
    for a file that was in order."""
    magic, trailer = b'~Module signature appended~\n', 12    # include/linux/module_signature.h: its last four bytes are the length
    if not data.endswith(magic):
        return data
    end = len(data) - len(magic)
    return data[:end - trailer - int.from_bytes(data[end - 4:end], 'big')]


def has_module(release, name):
    directory, wanted = pathlib.Path('/lib/modules') / release, name.replace('-', '_')
    listed = (directory / 'modules.dep').read_text() + (directory / 'modules.builtin').read_text()
    return re.search(rf'/{wanted}\.ko', listed.replace('-', '_')) is not None


def archive(entries):
    """A cpio archive (newc) as the kernel takes it. entries: {path: (mode, data)}; directories have data None."""
    out = bytearray()
    listed = [*entries.items(), ('TRAILER!!!', (0, b''))]
    for number, (path, (mode, data)) in enumerate(listed, 1):
        name, body = path.encode() + b'\0', data or b''
        kind = 0o040000 if data is None else 0o100000 if mode else 0
        fields = (number, kind | mode, 0, 0, 1, 0, len(body), 0, 0, 0, 0, len(name), 0)
        out += b'070701' + b''.join(b'%08X' % field for field in fields) + name
        out += bytes(-len(out) % 4) + body
        out += bytes(-len(out) % 4)
    return bytes(out)


def build_agent():
    compiler = os.environ.get('CC', 'cc')
    with tempfile.TemporaryDirectory() as directory:
        program = pathlib.Path(directory) / 'agent'
        try:
            subprocess.run([compiler, '-std=gnu17', '-D_GNU_SOURCE', '-O2', '-static', '-s', '-o', program, HERE / 'agent.c'],
                           check=True, capture_output=True)
        except FileNotFoundError:
            raise Missing(f'no C compiler {compiler} (package gcc)') from None
        except subprocess.CalledProcessError as problem:
            raise RuntimeError(f'the agent does not build: {problem.stderr.decode()}') from None
        return program.read_bytes()


def build_initrd(release, busybox):
    entries = {name: (0o755, None) for name in ('bin', 'proc', 'sys', 'dev', 'lower', 'changes', 'new', 'modules')}
    entries['bin/busybox'] = (0o755, busybox.read_bytes())
    entries['init'] = (0o755, (HERE / 'init').read_bytes())
    entries['agent'] = (0o755, build_agent())
    files = module_files(release)
    for file in files:
        entries[f'modules/{file.name}'] = (0o644, without_signature(file.read_bytes()))
    entries['modules/order'] = (0o644, ''.join(f'{file.name}\n' for file in files).encode())
    return archive(entries)


def prepare():
    for program, package in (('qemu-system-x86_64', 'qemu-system-x86'), ('setpriv', 'util-linux')):
        if not shutil.which(program):
            raise Missing(f'no {program} (package {package})')
    if not pathlib.Path('/usr/lib/systemd/systemd-udevd').exists():
        raise Missing('no systemd-udevd (package udev)')
    busybox = pathlib.Path('/bin/busybox')
    if not busybox.exists():
        raise Missing('no static busybox (package busybox-static)')
    release = find_release()
    directory = cache_directory(release)
    vmlinux = directory / 'vmlinux'
    if not vmlinux.exists():
        put(vmlinux, unpack(pathlib.Path(f'/boot/vmlinuz-{release}').read_bytes()))
    mark = hashlib.sha256()
    for file in (HERE / 'init', HERE / 'agent.c', HERE / 'kernel.py', busybox):
        mark.update(file.read_bytes())
    initrd = directory / f'initrd-{mark.hexdigest()[:16]}'
    if initrd.exists():
        initrd.touch()
    else:
        put(initrd, build_initrd(release, busybox))
    for old in directory.glob('initrd-*'):    # a run of another version may still boot from its own
        if time.time() - old.stat().st_mtime > UNUSED_SECONDS:
            old.unlink(missing_ok=True)
    zfs = directory / 'zfs'
    has_zfs = (zfs / 'modules' / 'order').exists() and os.environ.get('LINSTOR_VM_ZFS') != '0'
    return Files(release, vmlinux, initrd, zfs if has_zfs else None)
