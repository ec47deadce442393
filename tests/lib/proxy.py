# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy in front of a controller that records what passes (record.py): for clients we did not write.

    with Recorder(controller_address, controller_port, 'python-linstor') as proxy:
        ... talk to 127.0.0.1:proxy.port ...
"""
import http.client
import http.server
import threading

import record


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def forward(self):
        length = int(self.headers.get('Content-Length') or 0)
        body = self.rfile.read(length) if length else None
        skip = {'host', 'connection', 'content-length', 'transfer-encoding'}
        headers = {k: v for k, v in self.headers.items() if k.lower() not in skip}
        upstream = http.client.HTTPConnection(*self.server.upstream, timeout=120)
        try:
            upstream.request(self.command, self.path, body, headers)
            answer = upstream.getresponse()
            reply = answer.read()
        except (OSError, http.client.HTTPException) as problem:
            self.send_error(502, repr(problem))
            return
        finally:
            upstream.close()
        reply_headers = {k.lower(): v for k, v in answer.getheaders()}
        record.exchange(self.server.source, self.command, self.path, body, answer.status, reply_headers, reply)
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in ('connection', 'content-length', 'transfer-encoding'):
                self.send_header(name, value)
        self.send_header('Content-Length', str(len(reply)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(reply)
        self.server.count += 1

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_HEAD = forward

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, _request, _address):
        """A client that hangs up is its own business; what it misses, its test tells."""


class Recorder:
    def __init__(self, address, port, source):
        self.server = Server(('127.0.0.1', 0), Handler)
        self.server.upstream, self.server.source, self.server.count = (address, port), source, 0
        self.port = self.server.server_port

    @property
    def count(self):
        return self.server.count

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
