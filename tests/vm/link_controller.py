# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in controller at the other end of the satellite's link: says what shall exist, waits until the satellite says it does.

    with LinkController('127.0.0.1', port, 'n1') as control:
        control.pool('thin', 'LVM_THIN', 'vg0/tp')
        device = control.create('db', 'thin', ['64M'])[0]
        control.grow('db', '96M')
        control.snapshot('db', 'monday')
        control.create('copy', 'thin', ['96M'], origin=('db', 'monday'))
        control.roll_back('db', 'monday')
        control.drop_snapshot('db', 'monday')
        control.delete('copy'), control.delete('db')

For what the controller does not ask for yet, or not in the order that a test wants. It keeps all wants, and tells them again whenever
the satellite comes back; what it was told before that is forgotten, so whatever is awaited was looked at by the new process.
"""
import json
import socket
import struct
import threading
import time
import uuid

from suite import wait_for

SECONDS = 240
RETURNED = ('StorDriver/internal/lvm/vgUuid',)    # of what satellites tell of pools
UNITS_KIB = {'K': 1, 'M': 1024, 'G': 1024 * 1024}


def kib(size):
    """'64M' -> 65536"""
    return size if isinstance(size, int) else int(size[:-1]) * UNITS_KIB[size[-1]]


class LinkController:
    def __init__(self, address, port, node, seconds=SECONDS):
        self.address, self.port, self.node, self.seconds = address, port, node, seconds
        self.cluster, self.boot = str(uuid.uuid4()), str(uuid.uuid4())
        self.lock = threading.RLock()
        self.socket, self.is_closed, self.generation, self.token = None, False, 0, 0
        self.pools, self.resources = {}, {}                # wants by name
        self.forget_facts()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        wait_for('the satellite is connected', lambda: self.is_up, self.seconds)
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.is_closed = True
        self.drop()
        self.thread.join()

    # The link

    def forget_facts(self):
        self.is_up, self.hello = False, None
        self.pool_facts, self.resource_facts, self.orphans, self.answered = {}, {}, None, 0

    def drop(self):
        with self.lock:
            if self.socket:
                self.socket.close()
            self.socket = None
            self.forget_facts()

    def send(self, kind, body):
        data = json.dumps({'type': kind, 'body': body}).encode()
        try:
            with self.lock:
                if self.socket:
                    self.socket.sendall(struct.pack('>I', len(data)) + data)
        except OSError:
            pass    # the reader notices, too

    def serve(self):
        while not self.is_closed:
            try:
                link = socket.create_connection((self.address, self.port), timeout=5)
            except OSError:
                time.sleep(0.1)
                continue
            link.settimeout(0.5)
            with self.lock:
                self.socket = link
            self.send('hello', {'protocol_min': 1, 'protocol_max': 1, 'version': 'test', 'cluster': self.cluster, 'node': self.node,
                                'node_uuid': self.cluster, 'boot': self.boot})
            try:
                self.read(link)
            except (OSError, ValueError):
                pass
            self.drop()
            time.sleep(0.1)

    def read(self, link):
        data, pinged = b'', 0.0
        while not self.is_closed:
            if time.monotonic() - pinged > 1 and self.is_up:
                self.send('ping', {})
                pinged = time.monotonic()
            try:
                part = link.recv(1 << 16)
            except TimeoutError:
                continue
            if not part:
                return
            data += part
            while len(data) >= 4 and len(data) >= 4 + (length := struct.unpack('>I', data[:4])[0]):
                message = json.loads(data[4:4 + length])
                data = data[4 + length:]
                self.take(message['type'], message.get('body', {}))

    def take(self, kind, body):
        with self.lock:
            if kind == 'hello':
                self.hello = body
                self.send('ready', {})
            elif kind == 'held':
                self.is_up = True
                self.send('wants', {'pools': list(self.pools.values()), 'resources': list(self.resources.values()), 'complete': True})
            elif kind == 'report':
                self.pool_facts.update({fact['pool']: fact for fact in body.get('pools', [])})
                self.resource_facts.update({fact['resource']: fact for fact in body.get('resources', [])})
                for fact in body.get('pools', []):
                    self.keep_told(fact)
                if body.get('orphans_complete'):
                    self.orphans = body.get('orphans', [])
                self.answered = max(self.answered, body.get('token', 0))    # last: refresh() looks at it without the lock

    # Wants

    def want(self, kind, key, want):
        """Tells it, with a new generation."""
        with self.lock:
            self.generation += 1
            want['generation'] = self.generation
            (self.pools if kind == 'pools' else self.resources)[key] = want
            self.send('wants', {kind: [want]})
        return want

    def pool(self, pool, provider, where, props=None, wait=True):
        self.want('pools', pool, {'pool': pool, 'uuid': str(uuid.uuid4()), 'provider': provider,
                                  'props': {'StorDriver/StorPoolName': where, **(props or {})}})
        if wait:
            self.await_pool(pool)

    def pool_prop(self, pool, key, value):
        """value None: the property is deleted."""
        want = self.pools[pool]
        want['props'] = {**{known: text for known, text in want['props'].items() if known != key}, **({key: value} if value else {})}
        self.want('pools', pool, want)

    def keep_told(self, fact):
        """As the controller does with what the satellite wants to know after a restart."""
        for key in RETURNED:
            told = fact.get('props', {}).get(key)
            if told and fact['pool'] in self.pools and key not in self.pools[fact['pool']]['props']:
                self.pool_prop(fact['pool'], key, told)

    def create(self, resource, pool, sizes, layers=('STORAGE',), props=None, origin=None, sides=(), wait=True, **more):
        """The devices of its volumes. props, sides ((suffix, pool), ...): of each volume; origin: (resource, snapshot); more: members of
        the want."""
        volume = {'pool': pool, 'must_be_new': True, 'props': props or {},
                  'sides': [{'suffix': suffix, 'pool': pool} for suffix, pool in sides]}
        if origin:
            volume['origin'] = {'resource': origin[0], 'snapshot': origin[1]}
        snapshots = self.resources.get(resource, {}).get('snapshots', [])
        self.want('resources', resource, {
            'resource': resource, 'uuid': str(uuid.uuid4()), 'layers': list(layers), 'snapshots': snapshots, **more,
            'volumes': [{**volume, 'number': number, 'size_kib': kib(size)} for number, size in enumerate(sizes)]})
        return self.await_applied(resource) if wait else None

    def grow(self, resource, size, volume=0, wait=True):
        want = self.resources[resource]
        want['volumes'][volume]['size_kib'] = kib(size)
        self.want('resources', resource, want)
        return self.await_applied(resource) if wait else None

    def snapshot(self, resource, snapshot, wait=True):
        want = self.resources[resource]
        want.setdefault('snapshots', []).append({
            'snapshot': snapshot, 'uuid': str(uuid.uuid4()),
            'volumes': [{'number': volume['number'], 'pool': volume['pool']} for volume in want['volumes']]})
        self.want('resources', resource, want)
        if wait:
            self.await_applied(resource)

    def drop_snapshot(self, resource, snapshot, wait=True):
        want = self.resources[resource]
        for known in want['snapshots']:
            if known['snapshot'] == snapshot:
                known.update(remove=True, authority='request of a test')
        self.want('resources', resource, want)
        if wait:
            wait_for(lambda: f'snapshot {snapshot} is gone: {self.told(resource)}', lambda: self.snapshot_fact(resource, snapshot).get('gone'),
                     self.seconds)
            want['snapshots'] = [known for known in want['snapshots'] if known['snapshot'] != snapshot]
            self.want('resources', resource, want)

    def delete(self, resource, wait=True, keep_snapshots=False):
        """With its snapshots, unless they shall be kept: then the want without volumes stays."""
        want = dict(self.resources[resource], authority='request of a test')
        if keep_snapshots:
            want['volumes'] = [{**volume, 'remove': True} for volume in want['volumes']]
        else:
            want['remove'] = True
            want['snapshots'] = [{**known, 'remove': True, 'authority': 'request of a test'} for known in want.get('snapshots', [])]
        self.want('resources', resource, want)
        if wait and keep_snapshots:
            self.await_applied(resource)
            want['volumes'] = []
        elif wait:
            self.await_gone(resource)
            del self.resources[resource]

    def roll_back(self, resource, snapshot):
        """LINSTOR: as the controller does: the volumes are deleted, and made again from the snapshot."""
        volumes = self.resources[resource]['volumes']
        pool, sizes = volumes[0]['pool'], [volume['size_kib'] for volume in volumes]
        self.delete(resource, keep_snapshots=True)
        return self.create(resource, pool, sizes, origin=(resource, snapshot))

    # Facts

    def fact(self, resource):
        return self.resource_facts.get(resource, {})

    def snapshot_fact(self, resource, snapshot):
        return next((fact for fact in self.fact(resource).get('snapshots', []) if fact['snapshot'] == snapshot), {})

    def told(self, resource):
        return json.dumps(self.fact(resource))[:2000]

    def is_current(self, resource):
        return self.fact(resource).get('generation') == self.resources[resource]['generation']

    def await_pool(self, pool):
        return wait_for(lambda: f'pool {pool} is ready: {self.pool_facts.get(pool)}',
                        lambda: self.pool_facts.get(pool, {}).get('applied') and self.pool_facts[pool], self.seconds)

    def await_pool_trouble(self, pool, text):
        """Until the pool cannot be used, and why has the text."""
        wait_for(lambda: f'pool {pool} has the trouble {text!r}: {self.pool_facts.get(pool)}',
                 lambda: text in json.dumps(self.pool_facts.get(pool, {}).get('trouble') or ''), self.seconds)

    def await_applied(self, resource):
        """Until everything of it holds; the devices of its volumes. From then on it must exist."""
        wait_for(lambda: f'{resource} is applied: {self.told(resource)}; pools: {self.pool_facts}',
                 lambda: self.is_current(resource) and self.fact(resource).get('applied'), self.seconds)
        with self.lock:
            want = self.resources[resource]
            for volume in want['volumes']:
                if not volume.get('remove'):
                    volume.update(must_exist=True, must_be_new=False)
                    volume.pop('origin', None)
            for snapshot in want.get('snapshots', []):
                snapshot['must_exist'] = True
        return [volume.get('device_path') for volume in self.fact(resource).get('volumes', [])]

    def await_trouble(self, resource, text):
        wait_for(lambda: f'{resource} has the trouble {text!r}: {self.told(resource)}',
                 lambda: self.is_current(resource) and text in json.dumps(self.fact(resource).get('trouble') or ''), self.seconds)

    def await_gone(self, resource):
        wait_for(lambda: f'{resource} is gone: {self.told(resource)}',
                 lambda: self.is_current(resource) and self.fact(resource).get('gone'), self.seconds)

    def refresh(self, pool):
        """Asks for a new look at everything; the fact of the pool after it."""
        with self.lock:
            self.token += 1
            self.send('refresh', {'token': self.token})
            token = self.token
        wait_for('the answer to a refresh', lambda: self.answered >= token, self.seconds)
        return self.pool_facts.get(pool)
