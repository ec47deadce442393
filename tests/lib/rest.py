# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the REST API for tests: raw status, headers and JSON; every exchange is recorded (record.py).

It never repeats a request: a test must know whether an answer came. A connection that the server closed while it was idle is
noticed before sending and opened again.
"""
import http.client
import json
import select
import urllib.parse

import record

ERROR = 0xC000000000000000


class Broken(Exception):
    """No whole answer came; whether the request was carried out is unknown."""


class Answer:
    def __init__(self, method, path, status, headers, data):
        self.method, self.path, self.status, self.headers, self.data = method, path, status, headers, data

    @property
    def json(self):
        return json.loads(self.data) if self.data else None

    @property
    def entries(self):
        """The entries of an ApiCallRc list; [] for any other answer."""
        value = self.json
        return [e for e in value if isinstance(e, dict) and 'ret_code' in e] if isinstance(value, list) else []

    @property
    def codes(self):
        """Codes without masks, e.g. [1] for CREATED."""
        return [e['ret_code'] & 0x7FFF for e in self.entries]

    @property
    def errors(self):
        return [e for e in self.entries if e['ret_code'] & ERROR == ERROR]

    def __str__(self):
        text = self.data.decode('utf-8', 'replace')
        return f'{self.method} {self.path} -> {self.status} {text[:600]}'


def quote(name):
    return urllib.parse.quote(str(name), safe='')


class Rest:
    """One keep-alive connection to a controller; not for use by several threads."""

    def __init__(self, address, port, source='cluster', timeout=60.0):
        self.address, self.port, self.source, self.timeout, self.connection = address, port, source, timeout, None

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def is_stale(self):
        socket = self.connection.sock
        if socket is None:
            return True
        poll = select.poll()
        poll.register(socket, select.POLLIN)
        return bool(poll.poll(0))

    def call(self, method, path, body=None, headers=None, timeout=None):
        """body: None, bytes as they are, or a value sent as JSON. Raises Broken when no answer comes."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        if self.connection and self.is_stale():
            self.close()
        if not self.connection:
            self.connection = http.client.HTTPConnection(self.address, self.port, timeout=timeout or self.timeout)
        elif self.connection.sock:
            self.connection.sock.settimeout(timeout or self.timeout)
        send = {'Content-Type': 'application/json'} if data is not None else {}
        send.update(headers or {})
        try:
            self.connection.request(method, path, data, send)
            answer = self.connection.getresponse()
            reply = answer.read()
        except (OSError, http.client.HTTPException) as problem:
            self.close()
            raise Broken(f'{method} {path}: {problem!r}') from None
        except BaseException:
            self.close()
            raise
        reply_headers = {k.lower(): v for k, v in answer.getheaders()}
        record.exchange(self.source, method, path, data, answer.status, reply_headers, reply)
        if answer.will_close:
            self.close()
        return Answer(method, path, answer.status, reply_headers, reply)

    def expect(self, status, method, path, body=None, **options):
        """The answer, which must have this status (or one of these)."""
        answer = self.call(method, path, body, **options)
        wanted = status if isinstance(status, (tuple, list)) else (status,)
        assert answer.status in wanted, f'expected {status}: {answer}'
        return answer

    def get(self, path, **options):
        return self.expect(200, 'GET', path, **options).json

    def post(self, path, body=None, status=201, **options):
        return self.expect(status, 'POST', path, body, **options)

    def put(self, path, body=None, status=200, **options):
        return self.expect(status, 'PUT', path, body, **options)

    def delete(self, path, status=200, **options):
        return self.expect(status, 'DELETE', path, **options)
