#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""contrib/quickstart: starts, shows, runs a second time quickly, and leaves nothing behind after --stop."""
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / 'lib'))
import machine
from rest import Rest
from suite import Skip, Suite, wait_for

TOP = pathlib.Path(__file__).resolve().parents[1]
suite = Suite('quickstart')
QUICK_SECONDS = 10


def processes_of(directory):
    found = []
    for entry in pathlib.Path('/proc').iterdir():
        try:
            if entry.name.isdigit() and str(directory).encode() + b'/' in (entry / 'cmdline').read_bytes():
                found.append(entry.name)
        except OSError:
            continue
    return found


@suite.case('stopping touches nothing that is not of the quickstart')
def _():
    directory = pathlib.Path(tempfile.mkdtemp(prefix='linstor-quickstart-'))
    environment = {**os.environ, 'LINSTOR_QUICKSTART_DIR': str(directory)}
    try:
        (directory / 'thesis').write_text('three years of work')
        for arguments in (['--stop'], []):
            done = subprocess.run([str(TOP / 'contrib' / 'quickstart'), *arguments], capture_output=True, text=True,
                                  env=environment, check=False)
            assert done.returncode == 1 and 'not made by contrib/quickstart' in done.stderr, (done.stdout, done.stderr)
            assert [entry.name for entry in directory.iterdir()] == ['thesis']
    finally:
        shutil.rmtree(directory)


@suite.case('start, again, stop', seconds=900)
def _():
    machine.need_root()
    for port in (3370, 3381, 3382, 3383):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(('127.0.0.1', port))
            except OSError:
                raise Skip(f'port {port} is in use') from None
    directory = pathlib.Path(tempfile.mkdtemp(prefix='linstor-quickstart-'))
    environment = {**os.environ, 'LINSTOR_QUICKSTART_DIR': str(directory)}
    if os.environ.get('LINSTOR_BINARY'):
        environment['LINSTOR_QUICKSTART_BUILD'] = str(pathlib.Path(os.environ['LINSTOR_BINARY']).parent)

    def quickstart(*arguments):
        began = time.monotonic()
        done = subprocess.run([str(TOP / 'contrib' / 'quickstart'), *arguments], capture_output=True, text=True, env=environment,
                              check=False)
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        return done.stdout, time.monotonic() - began
    try:
        text, first = quickstart()
        for word in ('alpha', 'bravo', 'charlie', 'demo', 'disks', 'contrib/quickstart --stop'):
            assert word in text, f'{word} is not shown:\n{text}'
        rest = Rest('127.0.0.1', 3370, 'quickstart')
        replicas = rest.get('/v1/view/resources')
        assert len(replicas) == 2, replicas
        devices = machine.loop_devices(directory)
        assert sorted(r['volumes'][0]['device_path'] for r in replicas) == sorted(devices)
        assert all(d['size_kib'] == 1024 * 1024 for d in devices.values())
        pids = {file.name: file.read_text() for file in directory.glob('*.pid')}
        text, seconds = quickstart()
        assert seconds < max(QUICK_SECONDS, first), f'the second run took {seconds:.1f} s, the first one {first:.1f} s'
        assert len(pids) == 4 and pids == {file.name: file.read_text() for file in directory.glob('*.pid')}, 'something was started again'
        assert machine.loop_devices(directory) == devices and len(rest.get('/v1/view/resources')) == 2
        rest.close()
        quickstart('--stop')
        assert not directory.exists() and not machine.loop_devices(directory)
        wait_for('workers are gone, too', lambda: not processes_of(directory), 20)
        quickstart('--stop')    # nothing to stop is no error
    finally:
        if directory.exists():
            subprocess.run([str(TOP / 'contrib' / 'quickstart'), '--stop'], env=environment, check=False, capture_output=True)
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == '__main__':
    sys.exit(suite.run())
