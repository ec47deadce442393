# SPDX-License-Identifier: GPL-3.0-or-later
"""The other end of the link between controller and satellite, saying what a test wants it to say."""
import contextlib
import json
import socket
import struct
import threading

HELLO = {'protocol_min': 1, 'protocol_max': 1, 'version': '9.9', 'node': 'fake', 'boot': 'b', 'uname': 'fake',
         'providers': ['FILE_THIN', 'DISKLESS'], 'layers': ['STORAGE']}


FRAME_LIMIT = 2 << 20


def frame(kind, body):
    """body: a value, or the bytes of its JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    data = b'{"type":"%s","body":%s}' % (kind.encode(), data)
    return struct.pack('>I', len(data)) + data


def read_frame(peer):
    """(type, body), or None when the other side closed."""
    def take(count):
        data = b''
        while len(data) < count:
            part = peer.recv(count - len(data))
            if not part:
                return None
            data += part
        return data
    head = take(4)
    data = take(struct.unpack('>I', head)[0]) if head else None
    if data is None:
        return None
    message = json.loads(data)
    return message['type'], message.get('body', {})


class FakeSatellite:
    """Accepts connections; on each it sends its hello and then the messages, [(type, body), ...]."""

    def __init__(self, messages, hello=None, address='127.0.0.40'):
        self.sent = 0    # messages
        self.messages, self.hello = messages, {**HELLO, **(hello or {})}
        self.connections, self.received = 0, []
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, 0))
        self.listener.listen(100)
        self.address, self.port = self.listener.getsockname()
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        try:
            peer.sendall(frame('hello', self.hello))
            got = None
            for kind, body in self.messages:
                while kind != 'hello' and not got:    # what follows the hello waits for the controller's
                    got = read_frame(peer)
                    if got is None:
                        return
                    self.received.append(got)
                peer.sendall(frame(kind, body))
                self.sent += 1
            while got := read_frame(peer):
                self.received.append(got)
                self.show_life(peer, got)
        except OSError:
            pass
        finally:
            peer.close()

    @staticmethod
    def show_life(peer, got):
        """Who says nothing for five seconds is dropped, and told everything again."""
        if got[0] == 'ping':
            peer.sendall(frame('ping', {}))

    def register(self, rest, name='fake'):
        return rest.post('/v1/nodes', {'name': name, 'type': 'Satellite', 'net_interfaces': [
            {'name': 'default', 'address': self.address, 'satellite_port': self.port, 'satellite_encryption_type': 'PLAIN'}]})


class Obedient(FakeSatellite):
    """Says of everything that it is done, unless it is told to wait."""

    def __init__(self, layers, name='fake', address='127.0.0.40'):
        super().__init__([], {'layers': layers, 'node': name}, address)
        self.applies = True
        self.keeps = False       # what it was told, over connections
        self.extent_kib = 1      # volumes are as large as so many make
        self.limit_kib = None    # and no larger than this
        self.pool_props = {}
        self.orphans = None      # what it lists with each report
        self.is_away, self.peers = False, []

    def go_away(self):
        """Until come_back() nobody answers."""
        self.is_away = True
        for peer in self.peers:
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)

    def come_back(self):
        self.is_away, self.peers = False, []

    def serve(self, peer):
        if self.is_away:
            peer.close()
            return
        self.peers.append(peer)
        try:
            read_frame(peer)
            held = [{'name': w['resource'], **{key: w[key] for key in ('uuid', 'generation', 'digest')}} for w in self.kept()]
            peer.sendall(frame('hello', self.hello) + frame('held', {'resources': held, 'complete': True}))
            while got := read_frame(peer):
                self.received.append(got)
                self.show_life(peer, got)
                self.read(peer, got)
        except OSError:
            pass
        finally:
            peer.close()

    def read(self, peer, got):
        kind, body = got
        if kind == 'refresh':
            peer.sendall(frame('report', {'token': body['token'], 'resources': [self.tell(want) for want in self.kept()]}))
        elif kind == 'device_pool':
            peer.sendall(frame('device_pool', {'token': body['token']}))
        elif kind == 'wants':
            peer.sendall(frame('report', {
                'pools': [{'pool': p['pool'], 'uuid': p.get('uuid'), 'generation': p.get('generation', 0), 'applied': True,
                           'free_kib': 1 << 30, 'total_kib': 1 << 30, 'props': self.pool_props} for p in body.get('pools', [])],
                'resources': [self.tell(r) for r in body.get('resources', [])],
                **({} if self.orphans is None else {'orphans': self.orphans, 'orphans_complete': True})}))

    def kept(self):
        last = {r['resource']: r for kind, body in self.received if kind == 'wants' for r in body.get('resources', [])}
        return [want for want in last.values() if not want.get('remove')] if self.keeps else []

    def usable_kib(self, size_kib):
        usable_kib = -(-size_kib // self.extent_kib) * self.extent_kib
        return min(usable_kib, self.limit_kib or usable_kib)

    def tell(self, want):
        if want.get('remove'):
            return {'resource': want['resource'], 'uuid': want['uuid'], 'generation': want['generation'], 'applied': True, 'gone': True}
        return {'resource': want['resource'], 'uuid': want['uuid'], 'generation': want['generation'], 'applied': self.applies,
                'volumes': [{'number': v['number'], 'device_path': '/dev/mapper/x', 'backing': '/x', 'usable_kib': self.usable_kib(v['size_kib']),
                             'allocated_kib': 1, 'state': 'Created'} for v in want['volumes']]}

    def last_want(self, resource=None):
        wants = [r for kind, body in self.received if kind == 'wants' for r in body.get('resources', []) if resource in (None, r['resource'])]
        return wants[-1] if wants else None

    def keys(self, resource=None):
        """Of volume 0 in the last want."""
        want = self.last_want(resource)
        return want['volumes'][0].get('keys', []) if want else None

    def unlocks(self):
        return [body['key'] for kind, body in self.received if kind == 'unlock']
