# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests ask of the machine: loop devices, file systems in image files, processes by the mark they inherit."""
import os
import pathlib
import shutil
import subprocess

from suite import Skip

MARK = 'LINSTOR_TEST_CLUSTER'    # environment variable that every process of a test cluster inherits


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise RuntimeError(f'{" ".join(map(str, command))}: {(done.stderr or done.stdout).strip()}')
    return done.stdout


def loop_devices(directory):
    """{device: {'file', 'size_kib', 'deleted'}} of the loop devices whose backing file is below the directory."""
    found, below = {}, os.path.realpath(directory) + '/'
    for entry in pathlib.Path('/sys/block').glob('loop*'):
        try:
            text = (entry / 'loop' / 'backing_file').read_text().rstrip('\n')
            sectors = int((entry / 'size').read_text())
        except OSError:
            continue    # not in use, or just detached
        deleted = text.endswith(' (deleted)')
        file = text[:-len(' (deleted)')] if deleted else text
        if file.startswith(below):
            found['/dev/' + entry.name] = {'file': file, 'size_kib': sectors // 2, 'deleted': deleted}
    return found


def marked_processes(mark):
    """{pid: command line} of the processes that inherited this mark, zombies excepted."""
    found, wanted = {}, f'{MARK}={mark}'.encode()
    for entry in pathlib.Path('/proc').iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if wanted in (entry / 'environ').read_bytes().split(b'\0'):
                found[int(entry.name)] = (entry / 'cmdline').read_bytes().replace(b'\0', b' ').decode('utf-8', 'replace')
        except OSError:
            continue
    return found


def mounts(directory):
    """Mount points at or below the directory, innermost first."""
    below = os.path.realpath(directory)
    points = []
    for line in pathlib.Path('/proc/self/mounts').read_text().splitlines():
        point = line.split()[1].replace('\\040', ' ')
        if point == below or point.startswith(below + '/'):
            points.append(point)
    return points[::-1]


def write_head(device, text):
    with open(device, 'r+b', buffering=0) as file:
        file.write(text.ljust(4096))


def read_head(device, length):
    with open(device, 'rb', buffering=0) as file:
        return file.read(length)


def need_root():
    if os.geteuid() != 0:
        raise Skip('needs root')


def mount_tmpfs(directory, size_kib):
    need_root()
    pathlib.Path(directory).mkdir(parents=True, exist_ok=True)
    run('mount', '-t', 'tmpfs', '-o', f'size={size_kib}k,mode=755', 'linstor-test', str(directory))


def unmount_below(directory):
    for point in mounts(directory):
        subprocess.run(['umount', point], check=False, stderr=subprocess.DEVNULL)
        if os.path.ismount(point):
            subprocess.run(['umount', '-l', point], check=False)


def kernel_knows(kind):
    return any(line.split()[-1] == kind for line in pathlib.Path('/proc/filesystems').read_text().splitlines())


def mount_image(image, size_mib, directory):
    """Makes a sparse image with the first file system that works here, mounts it and returns that file system's name.

    XFS and btrfs share extents between files (reflink), which snapshots of FILE_THIN need; ext4 does not.
    """
    need_root()
    tried = []
    for kind, command in (('xfs', ['mkfs.xfs', '-q', '-f', '-m', 'reflink=1']), ('btrfs', ['mkfs.btrfs', '-q', '-f']),
                          ('ext4', ['mkfs.ext4', '-q', '-F', '-m', '0'])):
        if not shutil.which(command[0]):
            tried.append(f'{command[0]} is missing')
            continue
        pathlib.Path(image).unlink(missing_ok=True)
        with open(image, 'wb') as file:
            file.truncate(size_mib << 20)
        try:
            run(*command, str(image))
            pathlib.Path(directory).mkdir(parents=True, exist_ok=True)
            run('mount', '-o', 'loop', '-t', kind, str(image), str(directory))
            return kind
        except RuntimeError as problem:
            tried.append(f'{kind}: {problem}')
    raise Skip('no file system can be made and mounted here: ' + '; '.join(tried))
