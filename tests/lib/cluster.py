# SPDX-License-Identifier: GPL-3.0-or-later
"""One controller and some satellites as real processes in a directory of their own.

    with Cluster(satellites=3) as cluster:
        cluster.register()                    # nodes, one FILE_THIN pool each, all ONLINE
        cluster.rest.post('/v1/resource-definitions', {...})
        cluster.satellites['n2'].kill()       # SIGKILL
        cluster.satellites['n2'].start()

Satellites listen on 127.0.0.11, .12, ... with free ports; the controller on 127.0.0.1. Readiness is polled with a deadline. At the
end everything is stopped, and what is left over (processes, loop devices, mounts) and what a sanitizer found fails the test.

The program is LINSTOR_BINARY, else build-check/linstor, else build/linstor of this source tree. LINSTOR_KEEP=1 keeps the
directory; LINSTOR_LOGS=DIR copies the logs of a failed cluster there.
"""
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import machine
from rest import Broken, Rest, quote
from suite import wait_for

TOP = pathlib.Path(__file__).resolve().parents[2]
START_SECONDS = 30
STOP_SECONDS = 20
TROUBLE = re.compile(r'ERROR: (?:Address|Leak|Memory|Thread)Sanitizer|runtime error: |SUMMARY: UndefinedBehavior|Assertion `')


def binary():
    named = os.environ.get('LINSTOR_BINARY')
    if named:
        return pathlib.Path(named).resolve()
    for build in ('build-check', 'build'):
        path = TOP / build / 'linstor'
        if path.exists():
            return path
    raise RuntimeError('no program to test: build it (meson setup build && meson compile -C build) or set LINSTOR_BINARY')


def free_port(address):
    """A port below the range of outgoing connections, where nothing listens now."""
    for _ in range(200):
        port = random.SystemRandom().randrange(10000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind((address, port))
                return port
            except OSError:
                continue
    raise RuntimeError(f'no free port on {address}')


class Process:
    """A program that is started, killed and started again with the same arguments; its output goes to one log."""

    def __init__(self, cluster, name, arguments, address, port):
        self.cluster, self.name, self.arguments, self.address, self.port = cluster, name, arguments, address, port
        self.log = cluster.directory / 'log' / f'{name}.log'
        self.child, self.starts = None, 0
        self.expected_end = True

    @property
    def pid(self):
        return self.child.pid if self.child else None

    def is_running(self):
        return self.child is not None and self.child.poll() is None

    def launch(self):
        """Starts it without waiting until it answers."""
        assert not self.is_running(), f'{self.name} runs already'
        environment = dict(os.environ)
        environment.setdefault('ASAN_OPTIONS', 'abort_on_error=0:exitcode=99:detect_leaks=1')
        environment.setdefault('UBSAN_OPTIONS', 'print_stacktrace=1:halt_on_error=1:exitcode=99')
        environment[machine.MARK] = self.cluster.mark
        environment.pop('LINSTOR_RECORD', None)
        with open(self.log, 'ab') as log:
            log.write(f'---- start {self.starts} {" ".join(map(str, self.arguments))}\n'.encode())
            log.flush()
            self.child = subprocess.Popen([str(a) for a in self.arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          cwd=self.cluster.directory, env=environment, start_new_session=True)
        self.starts += 1
        self.expected_end = False

    def start(self, seconds=START_SECONDS):
        self.launch()
        self.await_ready(seconds)

    def await_ready(self, seconds=START_SECONDS):
        def look():
            if not self.is_running():
                raise AssertionError(f'{self.name} ended with {self.child.returncode} at start:\n{self.tail()}')
            return self.answers()
        wait_for(f'{self.name} answers on {self.address}:{self.port}', look, seconds, 0.01)

    def answers(self):
        try:
            with socket.create_connection((self.address, self.port), timeout=1):
                return True
        except OSError:
            return False

    def kill(self):
        """SIGKILL, and waits until it is gone."""
        if self.is_running():
            self.expected_end = True
            self.child.kill()
            self.child.wait()

    def stop(self, seconds=STOP_SECONDS):
        """SIGTERM; it must end by itself with status 0."""
        if not self.child:
            return
        if self.is_running():
            self.expected_end = True
            self.child.terminate()
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f'{self.name} does not end within {seconds} s after SIGTERM:\n{self.tail()}') from None
            assert self.child.returncode == 0, f'{self.name} ended with {self.child.returncode}:\n{self.tail()}'

    def restart(self):
        self.stop()
        self.start()

    def pause(self):
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.pid, signal.SIGCONT)

    def tail(self, lines=12):
        try:
            text = self.log.read_text(errors='replace')
        except FileNotFoundError:
            return ''
        return '\n'.join(text.splitlines()[-lines:])

    def open_files(self):
        return len(os.listdir(f'/proc/{self.pid}/fd'))

    def resident_kib(self):
        for line in pathlib.Path(f'/proc/{self.pid}/status').read_text().splitlines():
            if line.startswith('VmRSS:'):
                return int(line.split()[1])
        return 0


class Controller(Process):
    def __init__(self, cluster, data_directory):
        port = free_port('127.0.0.1')
        self.data = pathlib.Path(data_directory)
        super().__init__(cluster, 'controller', [binary(), 'controller', '--data-dir', self.data, '--listen',
                                                 f'127.0.0.1:{port}'], '127.0.0.1', port)

    def answers(self):
        probe = Rest(self.address, self.port, 'ready', timeout=5)
        try:
            return probe.call('GET', '/v1/controller/version').status == 200
        except Broken:
            return False
        finally:
            probe.close()


class Satellite(Process):
    def __init__(self, cluster, name, number, data_directory, pool_directory):
        address = f'127.0.0.{10 + number}'
        port = free_port(address)
        self.data, self.pool = pathlib.Path(data_directory), pathlib.Path(pool_directory)
        arguments = [binary(), 'satellite', '--name', name, '--data-dir', self.data, '--port', port, '--bind-address', address]
        if os.geteuid() == 0:    # every node has a host name of its own
            arguments = ['unshare', '--uts', 'sh', '-c', 'hostname "$0" && exec "$@"', name, *arguments]
        super().__init__(cluster, name, arguments, address, port)


class Cluster:
    """satellites: how many. The pool directory of each is <directory>/pool/<name>, unless a test replaces it before start()."""

    def __init__(self, satellites=3, source='cluster', directory=None, start=True):
        self.own_directory = directory is None
        self.directory = pathlib.Path(directory or tempfile.mkdtemp(prefix='linstor-test-')).resolve()
        self.mark = str(self.directory)
        self.source = source
        for name in ('log', 'pool', 'controller'):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        self.controller = Controller(self, self.directory / 'controller')
        self.satellites = {}
        for number in range(1, satellites + 1):
            name = f'n{number}'
            pool = self.directory / 'pool' / name
            pool.mkdir(exist_ok=True)
            self.satellites[name] = Satellite(self, name, number, self.directory / name, pool)
        self.rest = self.new_rest()
        self.start_wanted = start

    def new_rest(self, timeout=60.0):
        return Rest(self.controller.address, self.controller.port, self.source, timeout)

    @property
    def processes(self):
        return [self.controller, *self.satellites.values()]

    def __enter__(self):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))    # so that an ended test tidies up, too
        try:
            if self.start_wanted:
                self.start()
        except BaseException:
            self.__exit__(True, None, None)
            raise
        return self

    def start(self):
        for process in self.processes:
            process.launch()
        for process in self.processes:
            process.await_ready()

    def __exit__(self, kind, _problem, _trace):
        """Stops everything. After a failure it only tidies up; otherwise it also insists that nothing is wrong or left."""
        wrong = []
        self.rest.close()
        for process in self.processes:
            if process.child and not process.is_running() and not process.expected_end:
                wrong.append(f'{process.name} ended by itself with {process.child.returncode}:\n{process.tail()}')
            try:
                if process.is_running():
                    process.resume()
                process.stop()
            except AssertionError as problem:
                wrong.append(str(problem))
        reports = self.sanitizer_reports()
        wrong = [line for line in wrong if line.split()[0] not in reports] + list(reports.values())
        if not kind:
            self.await_workers()
        wrong += [f'process left: {pid} {command}' for pid, command in machine.marked_processes(self.mark).items()]
        self.tidy()
        logs = os.environ.get('LINSTOR_LOGS')
        if (kind or wrong) and logs:
            shutil.copytree(self.directory / 'log', pathlib.Path(logs) / self.directory.name, dirs_exist_ok=True)
        if self.own_directory and not os.environ.get('LINSTOR_KEEP'):
            shutil.rmtree(self.directory, ignore_errors=True)
        if wrong and not kind:
            raise AssertionError('\n'.join(wrong))
        for line in wrong if kind else []:
            print('     ' + line.replace('\n', '\n     '), flush=True)

    def await_workers(self):
        """They end with their satellite, of themselves and a moment later."""
        deadline = time.monotonic() + STOP_SECONDS
        while machine.marked_processes(self.mark) and time.monotonic() < deadline:
            time.sleep(0.02)

    def tidy(self):
        """Ends and detaches whatever carries this cluster's mark or lies in its directory."""
        for process in self.processes:
            process.kill()
        for pid in machine.marked_processes(self.mark):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for _ in range(3):
            for device in machine.loop_devices(self.directory):
                subprocess.run(['losetup', '-d', device], check=False, stderr=subprocess.DEVNULL)
            machine.unmount_below(self.directory)

    def sanitizer_reports(self):
        """{name of the process: first report in its log}"""
        found = {}
        for process in self.processes:
            try:
                lines = process.log.read_text(errors='replace').splitlines()
            except FileNotFoundError:
                continue
            for number, line in enumerate(lines):
                if TROUBLE.search(line):
                    found[process.name] = f'{process.name}.log:{number + 1}:\n' + '\n'.join(lines[number:number + 14])
                    break
        return found

    # What nearly every test does first

    def create_node(self, name):
        satellite = self.satellites[name]
        return self.rest.post('/v1/nodes', {'name': name, 'type': 'Satellite', 'net_interfaces': [
            {'name': 'default', 'address': satellite.address, 'satellite_port': satellite.port,
             'satellite_encryption_type': 'PLAIN'}]})

    def create_pool(self, name, pool='thin', provider='FILE_THIN', directory=None, status=201):
        return self.rest.post(f'/v1/nodes/{name}/storage-pools', {
            'storage_pool_name': pool, 'provider_kind': provider,
            'props': {'StorDriver/StorPoolName': str(directory or self.satellites[name].pool)}}, status)

    def register(self, pool='thin', provider='FILE_THIN'):
        for name in self.satellites:
            self.create_node(name)
        for name in self.satellites:
            self.await_online(name)
            if pool:
                self.create_pool(name, pool, provider)

    def node_state(self, name):
        return self.rest.get(f'/v1/nodes/{name}').get('connection_status')

    def await_online(self, name, seconds=30):
        wait_for(lambda: f'{name} ONLINE, it is {self.node_state(name)}',
                 lambda: self.node_state(name) == 'ONLINE', seconds)

    def await_offline(self, name, seconds=30):
        wait_for(f'{name} not ONLINE', lambda: self.node_state(name) != 'ONLINE', seconds)

    def create_definition(self, resource, sizes_kib, layers=('STORAGE',)):
        """A resource definition with its volume definitions."""
        self.rest.post('/v1/resource-definitions', {'resource_definition': {
            'name': resource, 'layer_data': [{'type': layer} for layer in layers]}})
        for size_kib in sizes_kib:
            self.rest.post(f'/v1/resource-definitions/{resource}/volume-definitions',
                           {'volume_definition': {'size_kib': size_kib}}, (200, 201))

    def create_resource(self, resource, node, pool='thin', status=201):
        return self.rest.post(f'/v1/resource-definitions/{resource}/resources/{node}',
                              {'resource': {'node_name': node, 'props': {'StorPoolName': pool}}}, status)

    def create_only(self, resource='r1', size_kib=8192):
        """The cluster's only resource, one volume on n1, when it is there: what await_match() wants, and the device."""
        wanted = {(resource, 'n1'): {0: size_kib}}
        self.create_definition(resource, [size_kib])
        self.create_resource(resource, 'n1')
        self.await_match(wanted)
        return wanted, self.replicas()[resource, 'n1'][0]['device_path']

    def replicas(self, rest=None):
        """{(resource, node): {volume number: volume}} of the resource view."""
        return {(r['name'], r['node_name']): {v['volume_number']: v for v in r.get('volumes', [])}
                for r in (rest or self.rest).get('/v1/view/resources')}

    def devices(self):
        """Loop devices of the whole cluster, but not the loop mounts a test made itself."""
        return machine.loop_devices(self.directory / 'pool')

    def mismatches(self, wanted):
        """wanted: {(resource, node): {volume number: size_kib}}. Texts about everything where REST or machine differ from it."""
        wrong, listed, devices, used = [], self.replicas(), self.devices(), set()
        for key in sorted(set(listed) - set(wanted)):
            wrong.append(f'{key} is listed and should not be')
        for key, volumes in sorted(wanted.items()):
            if key not in listed:
                wrong.append(f'{key} is not listed')
                continue
            for number, size_kib in volumes.items():
                volume = listed[key].get(number)
                if volume is None:
                    wrong.append(f'{key} volume {number} is not listed')
                    continue
                path = volume.get('device_path')
                device = devices.get(path)
                if device is None:
                    wrong.append(f'{key} volume {number}: device {path!r} is no loop device of ours; {volume.get("reports")}')
                    continue
                used.add(path)
                if device['size_kib'] != size_kib:
                    wrong.append(f'{key} volume {number}: {path} has {device["size_kib"]} KiB, wanted {size_kib}')
                if device['deleted']:
                    wrong.append(f'{key} volume {number}: the file of {path} is gone')
                if not device['file'].startswith(str(self.satellites[key[1]].pool) + '/'):
                    wrong.append(f'{key} volume {number}: {path} lies in {device["file"]}')
        wrong += [f'{path} is left over: {device}' for path, device in sorted(devices.items()) if path not in used]
        files = {str(f) for s in self.satellites.values() for f in s.pool.rglob('*') if f.is_file()}
        files -= {device['file'] for device in devices.values()}
        wrong += [f'file left over: {f}' for f in sorted(files)]
        return wrong

    def await_match(self, wanted, seconds=60):
        found = []

        def look():
            found[:] = self.mismatches(wanted)
            return not found
        wait_for(lambda: f'{len(found)} differences: ' + '; '.join(found[:8]), look, seconds, 0.2)

    def await_settled(self, seconds=60):
        """Until every volume has a device. Volumes without DRBD have no state, as the original has none for them."""
        def look():
            return all(v.get('device_path') for volumes in self.replicas().values() for v in volumes.values())
        wait_for('all volumes have devices', look, seconds, 0.1)

    def delete_everything(self, seconds=60):
        """Deletes all resource definitions and waits until the machine shows nothing of them."""
        for definition in self.rest.get('/v1/resource-definitions'):
            self.rest.delete(f'/v1/resource-definitions/{quote(definition["name"])}')
        wait_for('no resource definition', lambda: not self.rest.get('/v1/resource-definitions'), seconds)
        self.await_match({}, seconds)


def elapsed(began):
    return time.monotonic() - began
