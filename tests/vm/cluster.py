# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller in the first machine and a satellite in each, of the program just built. What cases are written with.

    with Cluster(machines) as cluster:                 # nodes n1, n2, ... registered and ONLINE
        cluster.prepare('n1', 'vgcreate vg0 /dev/vda', undo='vgremove -fy vg0 && pvremove -y /dev/vda')
        cluster.create_pool('n1', 'lvm', 'LVM', 'vg0')
        cluster.create_resource('data', ['64M'], nodes=['n1'], pool='lvm', layers=['LUKS', 'STORAGE'])
        device = cluster.device('data', 'n1')
        cluster.machine('n1').write_pattern(device, seed=1, size_mib=64)
        cluster.resize('data', '128M')
        cluster.delete('data')

At the end of the block everything is stopped, and the case fails when a node still has what it did not have after its last
prepare(), when a program ended by itself, or when a sanitizer spoke. Waiting is polling with a deadline; nothing sleeps for luck.

Data of controller and satellites, logs and FILE pools lie on /srv of each machine, a disk that survives power_cut().
"""
import contextlib
import json
import os
import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor

# of tests/lib: this module is vm.cluster
from cluster import TROUBLE, binary
from rest import ERROR, Broken, Rest, quote
from suite import wait_for
from vm.machine import STATE_DISK, await_all

# For anything that the cluster does by itself: an emulated machine on a loaded host is slow, and attempts that failed may be a minute apart.
SECONDS = 240
UNITS_KIB = {'K': 1, 'M': 1024, 'G': 1024 * 1024}
# Starts a program in a session of its own, with its number, log and exit status in files.
START = r'''
rm -f /run/$1.pid /run/$1.status
setsid sh -c '
    name=$1; shift
    "$@" >>/srv/log/$name.log 2>&1 </dev/null &
    echo $! >/run/$name.pid
    wait $!
    echo $? >/run/$name.status' start "$@" >/dev/null 2>&1 </dev/null &
agent await /run/$1.pid 60
'''


def each(items, function):
    """function(item) of all items at the same time; the results in their order."""
    items = list(items)
    with ThreadPoolExecutor(max(len(items), 1)) as pool:
        return list(pool.map(function, items))


def later(function):
    """A future of function(), which goes on in a thread of its own."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(function)
    pool.shutdown(wait=False)
    return future


def kib(size):
    """'64M' -> 65536"""
    return size if isinstance(size, int) else int(size[:-1]) * UNITS_KIB[size[-1]]


def entries_of(answer):
    """The entries of replies in what the client printed, however deep in lists."""
    if isinstance(answer, list):
        return [entry for item in answer for entry in entries_of(item)]
    return [answer] if isinstance(answer, dict) and isinstance(answer.get('ret_code'), int) else []


def connection_to(machine):
    """It waits for longer than the controller does, whose answer says what was not done in its minute."""
    return Rest('127.0.0.1', machine.rest_port, 'vm', timeout=SECONDS)


def accepted(answer):
    """The answer to a change of what exists. That a device was in use at the first attempt, and when the next one follows, is no error:
    on a slow machine udevd or what it runs may have it open for longer than a satellite waits, and what counts is what comes in the end."""
    assert answer.errors or answer.status < 300, answer
    for text in map(str, answer.errors):
        assert answer.method != 'POST' and 'the next one follows' in text and re.search(r'in use|busy', text), answer
    return answer


class Cluster:
    """machines: the case's. register: create all nodes and wait until they are ONLINE."""

    def __init__(self, machines, register=True):
        self.machines = {machine.name: machine for machine in machines}
        self.first = machines[0]
        self.program = str(binary())
        self.rest = connection_to(self.first)
        self.register_wanted = register
        self.wanted = {(self.first.name, 'controller')} | {(name, 'satellite') for name in self.machines}
        self.baseline = {name: set() for name in self.machines}
        self.undo = []

    def machine(self, node):
        return self.machines[node]

    def __enter__(self):
        each(self.machines, self.make_state)
        each(sorted(self.wanted), lambda pair: self.start(*pair))
        self.await_controller()
        if self.register_wanted:
            for node in self.machines:
                self.create_node(node)
            for node in self.machines:
                self.await_online(node)
        return self

    def make_state(self, node):
        self.machine(node).run(f'mkfs.ext4 -q -F {STATE_DISK} && mount {STATE_DISK} /srv && '
                               'mkdir /srv/log /srv/controller /srv/satellite /srv/pool')

    def __exit__(self, kind, _problem, _trace):
        self.rest.close()
        if kind:
            return    # the machines are rebooted; run has kept the logs
        for node in self.machines:
            wait_for(lambda n=node: f'nothing left on {n}: {self.leftovers(n)}', lambda n=node: not self.leftovers(n), SECONDS)
        for node, script in reversed(self.undo):
            self.machine(node).run(script)
        each(sorted(self.wanted), lambda pair: self.stop(*pair))
        wrong = [line for lines in each(self.machines, self.sanitizer_reports) for line in lines]
        assert not wrong, '\n'.join(wrong)
        each(self.machines.values(), self.unmount_state)

    @staticmethod
    def unmount_state(machine):
        """A worker may live on for the moment that its last question takes: it has its satellite's log open."""
        wait_for(lambda: 'nobody uses /srv: ' + machine.run('ls -l /proc/[0-9]*/cwd /proc/[0-9]*/fd/* 2>/dev/null | grep /srv', check=False).out,
                 lambda: machine.run('umount /srv', check=False).status == 0, SECONDS)

    # Programs

    def arguments(self, node, role):
        if role == 'controller':
            return [self.program, role, '--data-dir', '/srv/controller', '--listen', '0.0.0.0:3370']
        return [self.program, role, '--name', node, '--data-dir', '/srv/satellite', '--bind-address', '0.0.0.0']

    def start(self, node, role='satellite', environment=None):
        """Starts it and goes on; see await_online(), await_controller()."""
        words = ['env', 'ASAN_OPTIONS=abort_on_error=0:exitcode=99:detect_leaks=1',
                 'UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:exitcode=99',
                 *(f'{name}={value}' for name, value in (environment or {}).items()), *self.arguments(node, role)]
        self.machine(node).run(f'set -- {role} {shlex.join(words)}\n{START}')
        self.wanted.add((node, role))

    def kill(self, node, role='satellite'):
        """SIGKILL, and waits until it is gone."""
        self.signal(node, role, 'KILL', '137')

    def stop(self, node, role='satellite'):
        """SIGTERM; it must end by itself with status 0."""
        self.signal(node, role, 'TERM', '0')

    def begin_await_end(self, node, role='satellite'):
        """A future that is done when it has ended."""
        return later(lambda: self.machine(node).run(f'agent await /run/{role}.status {4 * SECONDS}', timeout=5 * SECONDS, check=False))

    def signal(self, node, role, name, wanted):
        self.await_end(node, role, f'[ ! -e /run/{role}.status ] && kill -{name} $(cat /run/{role}.pid)', wanted)

    def await_end(self, node, role, script, wanted):
        """script ends it, and fails when it need not be; then until it is gone, with this status."""
        # one script: each costs a good part of a second here
        done = self.machine(node).run(f'{{ {script}; }} || exit 9; agent await /run/{role}.status {SECONDS} && '
                                      f'cat /run/{role}.status', check=False)
        assert done.status != 9, f'the {role} of {node} ended by itself'
        assert done.status == 0, f'the {role} of {node} does not end: {done}'
        status = done.out.strip()
        assert status == wanted, f'the {role} of {node} ended with {status}, not {wanted}'
        self.wanted.discard((node, role))

    def power_cut(self, node):
        """The machine is off at once; what it had not yet flushed to a disk is lost."""
        self.machine(node).power_cut()

    def power_on(self, node):
        """Boots it with the same disks and starts what ran there. Modules are loaded again as the case asked for."""
        machine = self.machine(node)
        machine.start()
        await_all([machine])
        machine.load(*machine.modules)
        machine.run(f'mount {STATE_DISK} /srv')
        for where, role in sorted(self.wanted):
            if where == node:
                self.start(node, role)
        if machine is self.first:
            self.rest.close()
            self.rest = connection_to(machine)
            self.await_controller()

    def log(self, node, role='satellite'):
        return self.machine(node).run(f'cat /srv/log/{role}.log').out

    def sanitizer_reports(self, node):
        return [f'{node}: {line}' for role in ('controller', 'satellite') if (node, role) in self.wanted or role == 'satellite'
                for line in self.log(node, role).splitlines() if TROUBLE.search(line)]

    # The controller, asked from the host

    def await_controller(self):
        def answers():
            try:
                return self.rest.call('GET', '/v1/controller/version', timeout=3).status == 200
            except Broken:
                return False
        wait_for('the controller answers', answers, SECONDS)

    def linstor(self, *words):
        """Our client on the host: what it prints with -m, decoded. Neither its status nor a reply in it may tell of an error."""
        done = subprocess.run([self.program, '-m', *map(str, words)], capture_output=True, text=True, timeout=SECONDS, check=False,
                              env={**os.environ, 'LS_CONTROLLERS': f'127.0.0.1:{self.first.rest_port}'})
        assert done.returncode == 0, f'linstor {shlex.join(map(str, words))}: {done.returncode}\n{done.stdout}{done.stderr}'
        answer = json.loads(done.stdout) if done.stdout.strip() else None
        wrong = [entry for entry in entries_of(answer) if entry['ret_code'] & ERROR == ERROR]
        assert not wrong, f'linstor {shlex.join(map(str, words))}: {json.dumps(wrong)}'
        return answer

    def begin(self, method, path, body=None):
        """Sends a request whose reply waits for satellites, and goes on: a future, whose result() is the Answer. An error is the case's."""
        def send():
            with contextlib.closing(connection_to(self.first)) as rest:
                return accepted(rest.call(method, path, body))
        return later(send)

    def change(self, method, path, body=None):
        """Sends a request that changes devices, whose new state is then to be awaited; see accepted()."""
        return accepted(self.rest.call(method, path, body))

    def create_node(self, node):
        self.rest.post('/v1/nodes', {'name': node, 'type': 'Satellite', 'net_interfaces': [
            {'name': 'default', 'address': self.machine(node).address, 'satellite_port': 3366,
             'satellite_encryption_type': 'PLAIN'}]})

    def create_pool(self, node, pool, provider, where, props=None):
        """where: volume group, volume group/thin pool, zpool, or directory. props: further ones."""
        self.rest.post(f'/v1/nodes/{node}/storage-pools', {
            'storage_pool_name': pool, 'provider_kind': provider, 'props': {'StorDriver/StorPoolName': where, **(props or {})}})

    def create_resource(self, resource, sizes, nodes, pool, layers=('STORAGE',), props=None, wait=True):
        """sizes: of its volumes, like '64M'. props: of the definition. wait: until all its devices are there."""
        self.rest.post('/v1/resource-definitions', {'resource_definition': {
            'name': resource, 'props': props or {}, 'layer_data': [{'type': layer} for layer in layers]}})
        for size in sizes:
            self.rest.post(f'/v1/resource-definitions/{quote(resource)}/volume-definitions',
                           {'volume_definition': {'size_kib': kib(size)}}, (200, 201))
        for node in nodes:
            self.change('POST', f'/v1/resource-definitions/{quote(resource)}/resources/{quote(node)}',
                        {'resource': {'node_name': node, 'props': {'StorPoolName': pool}}})
        if wait:
            self.await_size(resource, dict(enumerate(sizes)))

    def resize(self, resource, size, volume=0, wait=True):
        self.change('PUT', f'/v1/resource-definitions/{quote(resource)}/volume-definitions/{volume}', {'size_kib': kib(size)})
        if wait:
            self.await_size(resource, {volume: size})

    def delete(self, resource):
        """Deletes the definition with all that belongs to it, and waits until the controller does not know it any more.

        Before, udevd is let finish: it opens each device that grew or was written. It does not where the disk of another node that is
        off keeps it. What it opens because of the removal itself may make the first attempt fail.
        """
        each(self.volumes(resource), lambda node: self.machine(node).run('udevadm settle --timeout=30', check=False))
        self.change('DELETE', f'/v1/resource-definitions/{quote(resource)}')
        self.await_gone(resource)

    def await_gone(self, resource):
        """Until the controller does not know the definition any more."""
        path = f'/v1/resource-definitions/{quote(resource)}'
        wait_for(lambda: f'{resource} is gone: {self.problems(resource)}', lambda: self.rest.call('GET', path).status == 404, SECONDS)

    def volumes(self, resource):
        """{node: {number: volume}} as REST shows them"""
        return {r['node_name']: {v['volume_number']: v for v in r.get('volumes', [])}
                for r in self.rest.get(f'/v1/view/resources?resources={quote(resource)}')}

    def device(self, resource, node, volume=0):
        """The path of the device that users of the resource open."""
        return wait_for(f'{resource} has a device on {node}',
                        lambda: self.volumes(resource).get(node, {}).get(volume, {}).get('device_path'), SECONDS)

    def size_kib(self, node, device):
        found = self.machine(node).run(f'blockdev --getsize64 {shlex.quote(device)}', check=False)
        return int(found.out) // 1024 if found.status == 0 else None

    def await_size(self, resource, sizes):
        """Until the devices of the resource have at least these sizes ({volume: '64M'}) on all its nodes, asked of the kernels."""
        def look():
            found.clear()
            for node, volumes in self.volumes(resource).items():
                for number, size in sizes.items():
                    device = volumes.get(number, {}).get('device_path')
                    found.append((node, number, device, device and self.size_kib(node, device), kib(size)))
            return found and all(has and has >= wanted for _, _, _, has, wanted in found)

        found = []
        wait_for(lambda: f'{resource} has its devices (node, volume, device, KiB, wanted): {found}; the controller says '
                         f'{json.dumps(self.problems(resource))[:1500]}', look, SECONDS)

    def problems(self, resource):
        """What the controller reports about volumes, for messages of failed cases."""
        return {f'{node}/{number}': volume.get('reports') or volume.get('state')
                for node, volumes in self.volumes(resource).items() for number, volume in volumes.items()}

    def node_state(self, node):
        return self.rest.get(f'/v1/nodes/{quote(node)}').get('connection_status')

    def await_state(self, node, state):
        wait_for(lambda: f'{node} {state}; it is {self.node_state(node)}', lambda: self.node_state(node) == state, SECONDS)

    def await_online(self, node):
        self.await_state(node, 'ONLINE')

    def await_offline(self, node):
        self.await_state(node, 'OFFLINE')

    # What belongs to the case, and what is left

    def prepare(self, node, script, undo=None):
        """Makes what the case stands on (volume group, zpool, ...) before the first resource; undo removes it at the end."""
        self.machine(node).run(script)
        if undo:
            self.undo.append((node, undo))
        self.baseline[node] = set(self.machine(node).leftovers())

    def leftovers(self, node):
        """What the node has beyond what it had after the last prepare()."""
        return [line for line in self.machine(node).leftovers() if line not in self.baseline[node]
                and not re.match(rf'mount {STATE_DISK} /srv ', line)]
