#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes that no client of good will sends: to the controller's HTTP port and to a satellite's link port.

Every row must be answered with one of its statuses, or by closing the connection where the row says None, within the time limit;
afterwards the program still answers others, and holds no descriptor more.
"""
import json
import pathlib
import socket
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'lib'))
from cluster import Cluster
from peer import FRAME_LIMIT, FakeSatellite
from rest import Broken
from suite import Suite, wait_for

suite = Suite('malformed')
ANSWER_SECONDS = 15


def request(line, *headers, body=b'', host=b'Host: x'):
    return b'\r\n'.join([line, *([host] if host else []), *headers, b'', body])


def post(body, *headers, path=b'/v1/resource-definitions'):
    return request(b'POST ' + path + b' HTTP/1.1', b'Content-Length: %d' % len(body), *headers, body=body)


# name, bytes, acceptable statuses (None: closed without an answer)
TABLE = [
    ('nothing but line ends', b'\r\n\r\n\r\n', {400, None}),
    ('no HTTP at all', b'hello\r\n\r\n', {400, None}),
    ('binary', bytes(range(256)) * 8, {400, None}),
    ('a TLS greeting', bytes.fromhex('160301020001 0001fc0303'.replace(' ', '')) + b'\0' * 508, {400, None}),
    ('an HTTP/2 preface', b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', {400, 405, 505, None}),
    ('HTTP/9.9', request(b'GET /v1/nodes HTTP/9.9'), {400, 505, None}),
    ('HTTP/0.9', b'GET /v1/nodes\r\n\r\n', {400, 505, None}),
    ('HTTP/1.0', b'GET /v1/nodes HTTP/1.0\r\n\r\n', {200}),
    ('unknown method', request(b'BREW /v1/nodes HTTP/1.1'), {400, 405, 501}),
    ('lower-case method', request(b'get /v1/nodes HTTP/1.1'), {400, 405, 501}),
    ('path without slash', request(b'GET v1/nodes HTTP/1.1'), {400, 404, None}),
    ('absolute form', request(b'GET http://x/v1/nodes HTTP/1.1'), {200, 400, 404}),
    ('asterisk', request(b'OPTIONS * HTTP/1.1'), {200, 400, 404}),
    ('NUL in the path', request(b'GET /v1/no\0des HTTP/1.1'), {400, 404, None}),
    ('encoded NUL', request(b'GET /v1/nodes/%00 HTTP/1.1'), {400}),
    ('dot segments', request(b'GET /v1/../../../../etc/passwd HTTP/1.1'), {400, 404}),
    ('encoded dot segments', request(b'GET /v1/%2e%2e/%2e%2e/etc/passwd HTTP/1.1'), {400, 404}),
    ('error report outside its directory', request(b'GET /v1/error-reports/..%2F..%2F..%2Fetc%2Fpasswd HTTP/1.1'),
     {200, 400, 404, 500}),
    ('broken UTF-8', request(b'GET /v1/nodes/\xff\xfe HTTP/1.1'), {400, 404, 500, None}),
    ('bad percent escape', request(b'GET /v1/nodes/%ZZ HTTP/1.1'), {400}),
    ('path of 100 KiB', request(b'GET /v1/nodes/' + b'a' * 102400 + b' HTTP/1.1'), {400, 414, 431, None}),
    ('header of 1 MiB', request(b'GET /v1/nodes HTTP/1.1', b'X-Long: ' + b'a' * (1 << 20)), {400, 413, 431, None}),
    ('10,000 headers', request(b'GET /v1/nodes HTTP/1.1', *(b'X-%d: y' % n for n in range(10000))), {400, 413, 431, None}),
    ('header without colon', request(b'GET /v1/nodes HTTP/1.1', b'nonsense'), {400, None}),
    ('blank in a header name', request(b'GET /v1/nodes HTTP/1.1', b'X Y: z'), {400, None}),
    ('folded header', request(b'GET /v1/nodes HTTP/1.1', b'X: a\r\n b'), {200, 400, None}),
    ('two lengths', request(b'POST /v1/resource-definitions HTTP/1.1', b'Content-Length: 2', b'Content-Length: 3', body=b'{}x'),
     {400, None}),
    ('negative length', request(b'POST /v1/resource-definitions HTTP/1.1', b'Content-Length: -5'), {400, None}),
    ('length of words', request(b'POST /v1/resource-definitions HTTP/1.1', b'Content-Length: many'), {400, None}),
    ('length beyond 64 bits', request(b'POST /v1/resource-definitions HTTP/1.1', b'Content-Length: ' + b'9' * 40), {400, 413, None}),
    ('length of an exabyte', request(b'POST /v1/resource-definitions HTTP/1.1', b'Content-Length: 1152921504606846976'),
     {400, 413, None}),
    ('length and chunks', request(b'POST /v1/resource-definitions HTTP/1.1', b'Content-Length: 5', b'Transfer-Encoding: chunked',
                                  body=b'0\r\n\r\n'), {400, 500, None}),
    ('chunk of words', request(b'POST /v1/resource-definitions HTTP/1.1', b'Transfer-Encoding: chunked', body=b'zz\r\n'), {400, None}),
    ('chunk beyond 64 bits', request(b'POST /v1/resource-definitions HTTP/1.1', b'Transfer-Encoding: chunked',
                                     body=b'f' * 30 + b'\r\n'), {400, 413, None}),
    ('unknown transfer encoding', request(b'POST /v1/resource-definitions HTTP/1.1', b'Transfer-Encoding: brotli', body=b'{}'),
     {400, 500, 501, None}),
    ('request smuggling by a bare line feed', b'GET /v1/nodes HTTP/1.1\nHost: x\nX: y\n\n', {200, 400, None}),
    ('no body', post(b''), {400}),
    ('a body that begins like null', post(b'nullify', path=b'/v1/resource-groups/DfltRscGrp/query-size-info'), {400}),
    ('unfinished JSON', post(b'{"resource_definition":{"name":"r'), {400}),
    ('JSON 100,000 levels deep', post(b'[' * 100000), {400}),
    ('objects 50,000 levels deep', post(b'{"a":' * 50000), {400}),
    ('broken UTF-8 in a string', post(b'{"resource_definition":{"name":"\xff\xfe"}}'), {400}),
    ('lone surrogate', post(b'{"resource_definition":{"name":"\\ud800"}}'), {400, 500}),
    ('NUL in a string', post(b'{"resource_definition":{"name":"r1\\u0000x"}}'), {400, 500}),
    ('numbers out of range', post(b'{"volume_definition":{"size_kib":1e400}}', path=b'/v1/resource-definitions/none/volume-definitions'),
     {400, 404, 500}),
    ('a size that overflows', post(b'{"volume_definition":{"size_kib":9223372036854775807}}',
                                   path=b'/v1/resource-definitions/sized/volume-definitions'), {200, 400, 500}),
    ('a size of many digits', post(b'{"volume_definition":{"size_kib":' + b'9' * 400 + b'}}',
                                   path=b'/v1/resource-definitions/base/volume-definitions'), {400, 500}),
    ('a negative size', post(b'{"volume_definition":{"size_kib":-1}}', path=b'/v1/resource-definitions/base/volume-definitions'),
     {400, 500}),
    ('a name of 1 MiB', post(b'{"resource_definition":{"name":"' + b'a' * (1 << 20) + b'"}}'), {400, 413, 500}),
    ('a regular expression that explodes', post(
        b'{"select_filter":{"place_count":1,"not_place_with_rsc_regex":"' + b'(a*)*' * 200 + b'b"}}',
        path=b'/v1/resource-definitions/base/autoplace'), {400, 500, 201}),
    ('100,000 unknown members', post(b'{' + b','.join(b'"k%d":1' % n for n in range(100000)) + b'}'), {400, 413, 500}),
    ('an array of 100,000 resources', post(b'[' + b','.join([b'{"resource":{"node_name":"n1"}}'] * 100000) + b']',
                                           path=b'/v1/resource-definitions/base/resources'), {201, 400, 404, 413, 500}),
    ('XML', post(b'<xml/>', b'Content-Type: text/xml'), {400, 415, 500}),
    ('query of 5,000 filters', request(b'GET /v1/view/resources?' + b'&'.join(b'nodes=n%d' % n for n in range(5000)) + b' HTTP/1.1'),
     {200, 400, 404, 414, 431, None}),
]


def talk(address, port, data, finish=False):
    """Sends and returns (status or None, all bytes) when the answer's head is there or the connection is closed."""
    with socket.create_connection((address, port), timeout=ANSWER_SECONDS) as peer:
        received = b''
        try:
            peer.sendall(data)
            if finish:
                peer.shutdown(socket.SHUT_WR)
            while b'\r\n\r\n' not in received:
                part = peer.recv(65536)
                if not part:
                    break
                received += part
        except TimeoutError:
            raise AssertionError(f'neither answered nor closed within {ANSWER_SECONDS} s; got {received[:80]!r}') from None
        except OSError:
            pass    # closed while we were sending: as good as an answer
        words = received.split(None, 2)
        return (int(words[1]) if len(words) > 1 and words[0].startswith(b'HTTP/') and words[1].isdigit() else None), received


def fresh():
    cluster = Cluster(satellites=1, source='malformed')
    return cluster


@suite.case('the table of HTTP requests')
def _():
    with fresh() as cluster:
        cluster.register()
        cluster.create_definition('base', [])
        cluster.create_definition('sized', [])    # the original takes any size for a definition
        controller, wrong = cluster.controller, []
        talk(controller.address, controller.port, TABLE[0][1], finish=True)
        before = controller.open_files()
        for name, data, statuses in TABLE:
            finish = None in statuses
            try:
                status, received = talk(controller.address, controller.port, data, finish)
            except AssertionError as problem:
                wrong.append(f'{name}: {problem}')
                continue
            if status not in statuses:
                wrong.append(f'{name}: {status}, expected one of {statuses}: {received[:120]!r}')
            if status and status >= 500 and b'passwd' not in data and b'application/json' not in received:
                wrong.append(f'{name}: {status} without a JSON body')
            if b'root:' in received:
                wrong.append(f'{name}: serves files of the machine')
            if not controller.is_running():
                wrong.append(f'{name}: the controller ended')
                break
        assert not wrong, f'{len(wrong)} of {len(TABLE)} rows:\n       ' + '\n       '.join(wrong)
        cluster.rest.get('/v1/nodes')
        wait_for('descriptors closed', lambda: controller.open_files() <= before + 1, 20)
        assert [d['name'] for d in cluster.rest.get('/v1/resource-definitions')] == ['base', 'sized']
        assert cluster.rest.get('/v1/resource-definitions/base/volume-definitions') == []


@suite.case('a request in single bytes is served')
def _():
    with fresh() as cluster:
        data = post(b'{"resource_definition":{"name":"slow"}}')
        with socket.create_connection((cluster.controller.address, cluster.controller.port), timeout=20) as peer:
            for byte in data:
                peer.sendall(bytes([byte]))
            assert peer.recv(65536).startswith(b'HTTP/1.1 201')


@suite.case('pipelined requests are answered in order')
def _():
    with fresh() as cluster:
        count = 50
        data = b''.join(request(b'GET /v1/nodes/x%02d HTTP/1.1' % n) if n % 2 else request(b'GET /v1/controller/version HTTP/1.1')
                        for n in range(count - 1)) + request(b'GET /health HTTP/1.1', b'Connection: close')
        with socket.create_connection((cluster.controller.address, cluster.controller.port), timeout=20) as peer:
            peer.sendall(data)
            received = b''
            while part := peer.recv(65536):
                received += part
        statuses = [int(p[:3]) for p in received.split(b'HTTP/1.1 ')[1:]]
        assert statuses == [404 if n % 2 else 200 for n in range(count - 1)] + [200], statuses


@suite.case('2,000 idle connections do not keep others waiting')
def _():
    import resource
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 4096:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, hard), hard))
    with fresh() as cluster:
        idle = [socket.create_connection((cluster.controller.address, cluster.controller.port), timeout=10) for _ in range(2000)]
        try:
            began = time.monotonic()
            for _ in range(50):
                cluster.rest.get('/v1/nodes')
            assert time.monotonic() - began < 5
        finally:
            for peer in idle:
                peer.close()
        wait_for('descriptors closed', lambda: cluster.controller.open_files() < 200, 20)


@suite.case('clients that stop in the middle: half a head, half a body, an unread answer')
def _():
    with fresh() as cluster:
        address = (cluster.controller.address, cluster.controller.port)
        before = cluster.controller.open_files()
        peers = []
        for data in (b'GET /v1/no', request(b'POST /v1/resource-definitions HTTP/1.1', b'Content-Length: 1000', body=b'{"res'),
                     request(b'GET /v1/controller/properties HTTP/1.1') * 200):
            for _ in range(10):
                peer = socket.create_connection(address, timeout=10)
                peer.sendall(data)
                peers.append(peer)
        for _ in range(20):
            cluster.rest.get('/v1/nodes')
        for number, peer in enumerate(peers):
            if number % 2:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))    # closes with a reset
            peer.close()
        wait_for('descriptors closed', lambda: cluster.controller.open_files() <= before + 1, 20)
        assert cluster.rest.get('/v1/resource-definitions') == []


FRAMES = [
    ('random bytes', bytes((n * 7 + 3) & 0xFF for n in range(4096))),
    ('an HTTP request', b'GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    ('a frame of 4 GiB', struct.pack('>I', 0xFFFFFFFF) + b'{'),
    ('an empty frame', struct.pack('>I', 0)),
    ('no JSON', struct.pack('>I', 5) + b'hello'),
    ('an array', struct.pack('>I', 2) + b'[]'),
    ('no type', struct.pack('>I', 2) + b'{}'),
    ('a type of another kind', struct.pack('>I', 10) + b'{"type":5}'),
    ('wants before hello', struct.pack('>I', 41) + b'{"type":"wants","body":{"complete":true}}'),
    ('deep JSON', struct.pack('>I', 60000) + b'[' * 60000),
    ('half a length', b'\0\0'),
]


@suite.case("the table of frames to a satellite's port")
def _():
    with fresh() as cluster:
        cluster.register()
        satellite, wrong = cluster.satellites['n1'], []
        before = satellite.open_files()
        for name, data in FRAMES:
            try:
                with socket.create_connection((satellite.address, satellite.port), timeout=10) as peer:
                    peer.sendall(data)
                    peer.shutdown(socket.SHUT_WR)
                    while peer.recv(65536):
                        pass
            except TimeoutError:
                wrong.append(f'{name}: not closed within 10 s')
            except OSError:
                pass
            if not satellite.is_running():
                wrong.append(f'{name}: the satellite ended')
                break
        assert not wrong, '; '.join(wrong)
        cluster.await_online('n1')
        wait_for('descriptors closed', lambda: satellite.open_files() <= before + 1, 20)
        cluster.create_only()
        cluster.delete_everything()


@suite.case('strangers that say nothing do not use up the descriptors of a satellite')
def _():
    with fresh() as cluster:
        cluster.register()
        satellite = cluster.satellites['n1']
        before = satellite.open_files()
        idle = [socket.create_connection((satellite.address, satellite.port), timeout=10) for _ in range(300)]
        try:
            wait_for('most of them are closed', lambda: satellite.open_files() <= before + 40, 20)
            cluster.create_definition('late', [8192])
            cluster.create_resource('late', 'n1')
            cluster.await_match({('late', 'n1'): {0: 8192}})
        finally:
            for peer in idle:
                peer.close()


@suite.case('a controller that dials into garbage: satellites that answer nonsense')
def _():
    with fresh() as cluster:
        import threading
        listener = socket.create_server(('127.0.0.60', 0))
        listener.settimeout(0.2)
        stop = threading.Event()

        def serve():
            turn = 0
            while not stop.is_set():
                try:
                    peer, _ = listener.accept()
                except TimeoutError:
                    continue
                with peer:
                    try:
                        peer.sendall(FRAMES[turn % len(FRAMES)][1])
                    except OSError:
                        pass
                turn += 1
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            cluster.rest.post('/v1/nodes', {'name': 'garbage', 'type': 'Satellite', 'net_interfaces': [
                {'name': 'default', 'address': '127.0.0.60', 'satellite_port': listener.getsockname()[1],
                 'satellite_encryption_type': 'PLAIN'}]})
            for _ in range(8):
                try:
                    cluster.rest.call('PUT', '/v1/nodes/garbage/reconnect', timeout=30)
                except Broken as problem:
                    raise AssertionError(f'the controller ended: {problem}') from None
                assert cluster.node_state('garbage') != 'ONLINE'
        finally:
            stop.set()
            thread.join()
            listener.close()


def fill(begin, item, end):
    """A body of JSON that makes the largest frame there can be."""
    return begin + item * ((FRAME_LIMIT - 100 - len(begin) - len(end)) // len(item)) + end


# Each is one frame: nothing known, as much of it as there can be, or more memory asked for than the text is long.
FLOOD = [
    fill(b'{"resources":[', b'{"resource":"r"},', b'{"resource":"r"}]}'),
    fill(b'{"resources":[{"resource":"r","volumes":[', b'{},', b'{}]}]}'),
    fill(b'{"pools":[', b'{"pool":"p","props":{"":""}},', b'{"pool":"p"}]}'),
    fill(b'{"orphans":[', b'{"pool":"p","identifier":"i"},', b'{"pool":"p","identifier":"i"}]}'),
    fill(b'{"unknown":[', b'[[[[],{}]]],', b'1]}'),
    fill(b'{"resources":[{"resource":"', b'\\u00e4', b'"}]}'),
]


@suite.case('60 MB of frames from a satellite: others are answered meanwhile, memory stays bounded')
def _():
    frames = 30    # of 2 MiB each
    messages = [('held', {'complete': True}), ('report', {'token': 1 << 50})]
    messages += [('report', FLOOD[number % len(FLOOD)]) for number in range(frames)]
    with fresh() as cluster, FakeSatellite(messages) as fake:
        cluster.register()
        before = cluster.controller.resident_kib()
        fake.register(cluster.rest, 'flood')
        answers, largest = 0, 0
        while fake.sent < len(messages):
            cluster.rest.get('/v1/nodes')
            largest = max(largest, cluster.controller.resident_kib())
            answers += 1
            assert fake.connections < 2, 'the connection was dropped: ' + cluster.controller.tail()
        assert answers > 0
        cluster.await_online('flood')
        largest = max(largest, cluster.controller.resident_kib())
        print(f'     {answers} requests answered meanwhile; {before} KiB before, {largest} at most', flush=True)
        assert largest - before < 600 << 10, f'{before} KiB before, {largest} at most'    # the sanitizer keeps 256 MiB
        assert cluster.node_state('n1') == 'ONLINE'
        cluster.create_definition('meanwhile', [8192])
        cluster.create_resource('meanwhile', 'n1')
        cluster.await_match({('meanwhile', 'n1'): {0: 8192}})
        cluster.delete_everything()


@suite.case('a frame that is too long, and parts without an end: the node is told to be unusable, with the reason')
def _():
    item = b'{"name":"%s"},' % (b'x' * 200)
    part = fill(b'{"resources":[', item, item[:-1] + b']}')
    rows = [([('held', b'{"x":"' + b'x' * FRAME_LIMIT + b'"}')], 'over the limit'),
            ([('held', part)] * 40, 'more than a satellite can have')]
    for messages, reason in rows:
        with fresh() as cluster:
            with FakeSatellite(messages) as fake:
                fake.register(cluster.rest)
                wait_for('the connection is closed and tried again', lambda: fake.connections > 1, 30)

                def is_told():    # an answer does not wait for long
                    answer = cluster.rest.call('PUT', '/v1/nodes/fake/reconnect', timeout=30)
                    return reason in answer.data.decode() and cluster.node_state('fake') == 'FULL_SYNC_FAILED'
                wait_for('the node is told to be unusable, with the reason', is_told, 60)
                assert reason in cluster.controller.tail(40)
                assert cluster.controller.resident_kib() < 800 << 10
            wait_for('who is gone is only that', lambda: cluster.node_state('fake') == 'OFFLINE', 30)


@suite.case('a resource whose want is longer than a message can be: it alone is in trouble')
def _():
    keys = ['StorDriver/LvcreateOptions', 'StorDriver/LvcreateSnapshotOptions', 'StorDriver/ZfscreateOptions',
            'StorDriver/ZfsSnapshotOptions', 'StorDriver/LvcreatePvSelection']
    with fresh() as cluster:
        cluster.register()
        cluster.create_definition('fine', [8192])
        cluster.create_resource('fine', 'n1')
        cluster.create_definition('long', [4096] * 80)
        for key in keys:
            cluster.rest.put('/v1/resource-definitions/long', {'override_props': {key: '-' * 4000}})
        answer = cluster.rest.call('POST', '/v1/resource-definitions/long/resources/n1',
                                   {'resource': {'node_name': 'n1', 'props': {'StorPoolName': 'thin'}}})
        assert any("cannot be sent to node 'n1'" in e['message'] for e in answer.errors), answer
        assert cluster.node_state('n1') == 'ONLINE'
        cluster.rest.put('/v1/resource-definitions/fine/volume-definitions/0', {'size_kib': 16384})
        wait_for('the other resource grows', lambda: [d for d in cluster.devices().values() if d['size_kib'] == 16384])
        cluster.satellites['n1'].restart()
        cluster.await_online('n1')
        wait_for('the trouble is shown after a reconnection', lambda: 'cannot be sent' in json.dumps(
            cluster.rest.get('/v1/view/resources?resources=long') + cluster.rest.get('/v1/error-reports')))
        cluster.rest.put('/v1/resource-definitions/long', {'delete_props': keys})
        cluster.await_match({('fine', 'n1'): {0: 16384}, ('long', 'n1'): dict.fromkeys(range(80), 4096)})
        cluster.delete_everything()


if __name__ == '__main__':
    sys.exit(suite.run())
