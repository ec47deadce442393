#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program itself: roles by name and argument, help and version, and starts that cannot succeed."""
import fcntl
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'lib'))
from cluster import Cluster, binary, free_port
from suite import Suite, wait_for

suite = Suite('program')


def run(*arguments, program=None, **environment):
    return subprocess.run([str(program or binary()), *map(str, arguments)], capture_output=True, text=True, timeout=30, check=False,
                          stdin=subprocess.DEVNULL, env={**os.environ, **environment})


def fails(done, *words):
    """Ended by itself with an error that says why."""
    assert 0 < done.returncode < 90, f'ended with {done.returncode}: {done.stdout} {done.stderr}'
    text = (done.stdout + done.stderr).lower()
    assert text.strip(), 'no word about why'
    assert not words or any(word in text for word in words), f'none of {words} in: {text}'


@suite.case('--version and --help of every role, also by the name of the program')
def _():
    with tempfile.TemporaryDirectory() as directory:
        named = {}
        for name in ('linstor-controller', 'linstor-satellite'):
            named[name] = pathlib.Path(directory) / name
            named[name].symlink_to(binary())
        versions = set()
        for done in (run('--version'), run('controller', '--version'), run('satellite', '--version'),
                     run('--version', program=named['linstor-controller']), run('--version', program=named['linstor-satellite'])):
            assert done.returncode == 0, (done.args, done.stderr)
            versions.add(next((w for w in done.stdout.replace(';', ' ').split() if w[:1].isdigit() and '.' in w), done.stdout))
        assert len(versions) == 1, f'roles differ in their version: {versions}'
        for done, words in ((run('controller', '--help'), ('--data-dir', '--listen')),
                            (run('satellite', '--help'), ('--name', '--port', '--bind-address')),
                            (run('--help', program=named['linstor-satellite']), ('--name',)), (run('--help'), ('node', 'resource'))):
            assert done.returncode == 0, (done.args, done.stderr)
            for word in words:
                assert word in done.stdout, f'{done.args}: no {word}'


@suite.case('the client and the controller are of one commit, or say that they do not know it')
def _():
    with Cluster(satellites=0, source='program') as cluster:
        told = re.fullmatch(r'linstor-client \S+; GIT-hash: ([0-9a-f]{40}|UNKNOWN)\n', run('--version').stdout)
        commit = cluster.rest.get('/v1/controller/version')['git_hash']
        assert told and told.group(1) == (commit if commit.strip('0') else 'UNKNOWN'), (told, commit)


@suite.case('replicas of a transaction are made by one request, all or none')
def _():
    with Cluster(satellites=2, source='program') as cluster:
        cluster.register()
        cluster.create_definition('data', [8192])

        def transact(*lines, options=()):
            done = subprocess.run([binary(), '--controllers', f'{cluster.controller.address}:{cluster.controller.port}', 'r', 'ct', 'b', *options],
                                  input=''.join(f'{line}\n' for line in lines), capture_output=True, text=True, timeout=60, check=False,
                                  env={**os.environ, 'LS_CONTROLLERS': f'{cluster.controller.address}:{cluster.controller.port}'})
            return done.returncode, done.stdout + done.stderr
        code, told = transact('r c n1 data -s thin', 'r c nobody data -s thin', 'r ct commit')
        assert code == 10 and 'nobody' in told and told.count('1 resource(s) added to transaction') == 2, told
        assert not cluster.replicas(), 'one was made nonetheless'
        code, told = transact('r c n1 data -s thin', 'node list', 'r c n2 other', 'r ct abort', 'node list')
        assert code == 0 and told.count("not allowed in state 'Resource Creation Transaction'") == 1 and 'another one' in told, told
        code, told = transact('r c n1 data -s thin')
        assert code == 5 and 'was not committed' in told, told
        code, told = transact('node list', 'r c n1 data', 'r ct commit', options=['--terminate-on-error'])
        assert code == 5 and 'added' not in told and not cluster.replicas(), told
        assert transact('r ct commit')[0] == 2
        code, told = transact('r c n1 data -s thin', 'help', 'r c n2 data -s thin', 'r ct commit')
        assert code == 0 and 'SUCCESS' in told, told
        cluster.await_match({('data', 'n1'): {0: 8192}, ('data', 'n2'): {0: 8192}})
        done = run('r', 'ct', 'commit')
        assert done.returncode == 5 and 'No transaction' in done.stderr, done
        cluster.delete_everything()


@suite.case('unknown and unfinished options')
def _():
    with tempfile.TemporaryDirectory() as directory:
        for arguments in (('controller', '--nonsense'), ('satellite', '--nonsense'), ('controller', '--data-dir'),
                          ('controller', '--data-dir', directory, '--listen', 'nowhere'),
                          ('controller', '--data-dir', directory, '--listen', ''),
                          ('controller', '--data-dir', directory, '--listen', '127.0.0.1:99999'),
                          ('satellite', '--name', 'x', '--data-dir', directory, '--port', 'many')):
            fails(run(*arguments))
        fails(run('no-such-command'))
    # Somebody who types this wants to know its commands: no controller starts.
    fails(run('controller'), 'usage: linstor controller')


@suite.case('a data directory that cannot be made, and one that is a file')
def _():
    with tempfile.NamedTemporaryFile() as file:
        fails(run('controller', '--data-dir', file.name, '--listen', f'127.0.0.1:{free_port("127.0.0.1")}'))
        fails(run('controller', '--data-dir', file.name + '/below', '--listen', f'127.0.0.1:{free_port("127.0.0.1")}'))
        fails(run('satellite', '--name', 'x', '--data-dir', file.name + '/below', '--port', free_port('127.0.0.11'),
                  '--bind-address', '127.0.0.11'))


@suite.case('a port that is taken')
def _():
    with Cluster(satellites=1, source='program') as cluster, tempfile.TemporaryDirectory() as directory:
        fails(run('controller', '--data-dir', directory, '--listen', f'127.0.0.1:{cluster.controller.port}'),
              f'port {cluster.controller.port}: address already in use')
        satellite = cluster.satellites['n1']
        fails(run('satellite', '--name', 'other', '--data-dir', directory, '--port', satellite.port, '--bind-address',
                  satellite.address), f'{satellite.address} port {satellite.port}: address already in use')


@suite.case('a second controller on the same data refuses to start')
def _():
    with Cluster(satellites=0, source='program') as cluster:
        reports = cluster.controller.data / 'reports'
        reports.rmdir()
        fails(run('controller', '--data-dir', cluster.controller.data, '--listen', f'127.0.0.1:{free_port("127.0.0.1")}'))
        assert not reports.exists(), 'error reports are the first one\'s'
        wait_for('the first one still answers', cluster.controller.answers, 5)


@suite.case('a store whose lock a dying process still holds is waited for')
def _():
    with Cluster(satellites=0, source='program', start=False) as cluster:
        controller = cluster.controller
        controller.start()
        controller.stop()
        with open(controller.data / 'store' / 'lock', 'r+b') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            release = threading.Timer(0.7, fcntl.flock, (lock, fcntl.LOCK_UN))
            release.start()
            controller.start()
            assert release.finished.is_set(), 'it did not wait'
            release.join()


@suite.case('a store that is damaged is named, not overwritten')
def _():
    with Cluster(satellites=0, source='program', start=False) as cluster:
        controller = cluster.controller
        controller.start()
        cluster.create_definition('r1', [])
        controller.stop()
        files = [f for f in controller.data.rglob('*') if f.is_file() and f.stat().st_size > 4096]
        assert files, f'no store below {controller.data}'
        before = {}
        for file in files:
            with open(file, 'r+b') as handle:
                handle.write(b'\xA5' * 8192)
            before[file] = file.read_bytes()
        done = run('controller', '--data-dir', controller.data, '--listen', f'127.0.0.1:{free_port("127.0.0.1")}')
        fails(done)
        for file, data in before.items():
            assert file.read_bytes() == data, f'{file} was written to'


@suite.case('the client without a controller: exit code and words')
def _():
    done = run('node', 'list', LS_CONTROLLERS=f'127.0.0.1:{free_port("127.0.0.1")}')
    assert done.returncode == 20, f'{done.returncode}: {done.stdout} {done.stderr}'
    assert done.stderr.strip() or done.stdout.strip()


if __name__ == '__main__':
    sys.exit(suite.run())
