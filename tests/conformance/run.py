#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conformance runner for the LINSTOR REST API, version 1.

    run.py check  --url URL --env env.json [--jobs-dir DIR] [-v] [--loose] [--talkative] [--owned FILE] [SCENARIO...]
    run.py record --url URL --env env.json [--jobs-dir DIR]      SCENARIO...
    run.py clean  --url URL --env env.json
    run.py list   [--jobs-dir DIR]

A scenario (scenarios/NAME.json) is a list of requests; expected/NAME.json holds one normalised answer per request.
`record` writes the answers of a trusted controller, `check` compares any controller with them. --jobs-dir names the
folder that has scenarios/ and expected/ (default: the folder of this file). SCENARIO is a name or a shell pattern.
--loose does not count the presence of cause, details, correction and error_report_ids in ApiCallRc entries.
--talkative does not count the presence of cause, details, correction and reports where the recorded answer has none: telling more is no fault.
--owned runs only the scenarios that FILE names and leaves the steps out of the comparison that it excludes, see OWNED below.
Exit status: 0 all passed, 1 something differed, 2 usage or environment.

SCENARIO FILE
    {"about": text, "nodes": 3, "pools": ["thin"], "needs": ["drbd"], "fresh": false, "exact": [..], "steps": [STEP, ...]}
    nodes   that many satellites are registered (n1, n2, ...) and awaited ONLINE before the first step; default 0
    pools   pools made on each of them: "thin" = FILE_THIN in <dir>/a, "thick" = FILE in <dir>/b; default none
    needs   words that env.json must list in "has": "drbd" (real or simulated), hook names, ...; otherwise skipped
    fresh   the controller is restarted with an empty database before and after (hook "fresh"); the hook also runs when
            a scenario left something that cannot be deleted
    exact   keys whose numbers are compared although they are placeholders by default (see NUMBERS below)

STEP = [METHOD, PATH, BODY?, OPTIONS?]. METHOD is an HTTP method or one of
    HOOK      PATH is the hook's name, BODY its arguments: a command of env.json is run
    SLEEP     PATH is seconds
    SSE-OPEN  opens an event stream under the name OPTIONS.as; answer: status and headers
    SSE-READ  PATH is that name; answer: the list of events seen so far, after OPTIONS.count events or 5 seconds

OPTIONS (all optional)
    headers   extra request headers; a value of null removes a default header
    raw       body sent as this text instead of JSON (BODY must be null)
    keep      response headers that are part of the expectation besides content-type (lower case)
    until     {POINTER: VALUE,..}: repeat the request until all hold (VALUE null = absent, "*" = present;
              the key "status" means the HTTP status, "len" the length of the answer); "within": seconds (default 30)
    capture   {NAME: POINTER}: keep a value of the answer for ${NAME} in later steps
    equal     {POINTER: TEXT}: after substitution the (not normalised) answer must hold TEXT there
    ignore    {POINTER: reason}: not compared; `*` matches one segment of the pointer, `**` any number
    unordered {POINTER: reason}: the list there is compared without regard to order
    body      false: only the status and the headers are compared; "keys": only the type of each value of an object;
              "rc": only the type and code bits of the first entry of an answer list
    entries   "exact": all entries of an ApiCallRc list in their order (default of scenarios without pools);
              "set": which different entries there are, plain notes of success left out (default with pools)
    bug       reason: the reference answers badly here; a difference is printed but does not count
    why       free comment

PLACEHOLDERS in paths and bodies: ${n1} name of a satellite, ${n1.addr}, ${n1.port}, ${n1.dir}, ${s3} (an S3 endpoint
with empty buckets that this program serves on 127.0.0.1; scenarios that use it need the word s3), and captures.
A string that is exactly one placeholder keeps the type of the value. Answers are mapped back the same way.

NORMALISED in answers: UUIDs, times, versions, secrets, generation identifiers, automatic minor numbers (1000-1999) and TCP ports (7000-7999),
free and total capacities, allocation (and usable size of the lowest layer), promotion score, error report names, four DRBD options that follow from disks and kernel. In ApiCallRc entries message, cause,
details, correction, created_at and error_report_ids become `true` (present); ret_code and obj_refs stay.
Members that are null count as absent everywhere.
Without "drbd" in the environment DRBD is left out of the layers of nodes.
Lists of providers, layers and tools of a node keep only what every test machine has (DISKLESS FILE FILE_THIN DRBD STORAGE).
DRBD connections that are not up, and the time of automatic eviction, are left out: they depend on timing.

OWNED
A file of lines `SCENARIO` or `SCENARIO STEPS REASON`: STEPS is like 3,7-9; `#` begins a comment. A step that is left out is still
sent, once, but its answer is not compared; it is counted and printed with the reason. A step number that does not exist, or a
reason that is missing, is an error.

ENVIRONMENT FILE
    {"has": ["drbd", ...], "satellites": [{"name": "n1", "address": "10.0.0.1", "port": 3366, "dir": "/srv/p"}, ...],
     "hooks": {"fresh": CMD, "stop": CMD, "start": CMD, "primary": CMD, "secondary": CMD}}
Hooks are shell commands; {node} and {resource} are replaced by the step's arguments.
"""
import argparse, copy, fnmatch, gzip, http.client, http.server, json, pathlib, re, subprocess, sys, threading, time, urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'lib'))
import record
UUID = re.compile(r'[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}')
RC_TEXT = ('message', 'cause', 'details', 'correction', 'created_at', 'error_report_ids')
CAPACITY = {'free_capacity', 'total_capacity', 'max_vlm_size_in_kib', 'available_size_in_kib', 'capacity_in_kib',
            'max_volume_size_kib', 'allocated_size_kib'}
SECRET = {'secret', 'passphrase', 'access_key', 'secret_key', 'token'}
TIME = re.compile(r'.*timestamp$|^(created_at|error_time|start_time|finished_time|deleted_at|expires_at)$')
DEVICE = {'DrbdOptions/Disk/block-size', 'DrbdOptions/Disk/discard-zeroes-if-aligned', 'DrbdOptions/Disk/rs-discard-granularity',
          'DrbdOptions/auto-verify-alg'}    # follow from the disks and the kernel
VERSION = {'version', 'git_hash', 'build_time', 'rest_api_version'}
REPORT = {'text', 'exception', 'exception_message', 'origin_file', 'origin_method', 'origin_line', 'filename', 'peer'}
COMMON = {'DISKLESS', 'FILE', 'FILE_THIN', 'DRBD', 'STORAGE'}
NO_LIMIT = 9223372036854775807
BASELINE = {}           # controller properties found by the first cleaning


class Skip(Exception):
    pass


class Client:
    """One HTTP/1.1 connection, reopened when it breaks."""

    def __init__(self, url):
        part = urllib.parse.urlsplit(url)
        self.host, self.port, self.conn = part.hostname, part.port or 3370, None

    def call(self, method, path, body=None, headers=None, timeout=120):
        for again in (True, False):
            if self.conn is None:
                self.conn = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
            try:
                self.conn.request(method, path, body, headers or {})
                answer = self.conn.getresponse()
                data = answer.read()
                if answer.getheader('connection', '').lower() == 'close':
                    self.conn = None
                received = {k.lower(): v for k, v in answer.getheaders()}
                record.exchange('conformance', method, path, body, answer.status, received, data)
                return answer.status, received, data
            except TimeoutError:
                self.conn = None
                raise RuntimeError(f'no answer within {timeout} s to {method} {path}') from None
            except (ConnectionError, http.client.HTTPException, OSError):
                self.conn = None
                if not again:
                    raise

    def json(self, method, path, body=None):
        """For fixtures: body and answer are JSON values."""
        text = None if body is None else json.dumps(body)
        status, _, data = self.call(method, path, text, {'Content-Type': 'application/json'} if text else {})
        try:
            return status, json.loads(data)
        except ValueError:
            return status, None


class Stream:
    """A server-sent event stream, read by a thread."""

    def __init__(self, client, path, headers):
        self.conn = http.client.HTTPConnection(client.host, client.port, timeout=30)
        self.conn.request('GET', path, headers={'Accept': 'text/event-stream', **headers})
        self.answer, self.events, self.changed = self.conn.getresponse(), [], threading.Condition()
        self.status, self.headers = self.answer.status, {k.lower(): v for k, v in self.answer.getheaders()}
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        event = {}
        try:
            while True:
                line = self.answer.readline()
                if not line:
                    return
                line = line.decode().rstrip('\r\n')
                if not line and event:
                    with self.changed:
                        self.events.append(event)
                        self.changed.notify()
                    event = {}
                elif ':' in line and not line.startswith(':'):
                    key, value = line.split(':', 1)
                    event[key] = value.strip()
                    if key == 'data':
                        try:
                            event[key] = json.loads(value)
                        except ValueError:
                            pass
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            return

    def wait(self, count):
        with self.changed:
            self.changed.wait_for(lambda: count and len(self.events) >= count, 5)
            return list(self.events)


class EmptyBucket(http.server.BaseHTTPRequestHandler):
    """An S3 endpoint whose buckets exist and hold nothing; reached as ${s3}."""
    protocol_version = 'HTTP/1.1'

    def reply(self):
        self.rfile.read(int(self.headers.get('Content-Length') or 0))
        found = self.command in ('GET', 'HEAD') and ('list-type' in self.path or self.path.count('/') < 2 or self.path.endswith('/'))
        text = (b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix></Prefix><KeyCount>0</KeyCount>'
                b'<MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>') if found else (
                    b'<Error><Code>NoSuchKey</Code><Message>none</Message></Error>')
        self.send_response(200 if found else 404)
        self.send_header('Content-Type', 'application/xml')
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(b'' if self.command == 'HEAD' else text)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = reply

    def log_message(self, *args):
        pass


class Env:
    """What env.json says: the satellites and the commands around them."""

    def __init__(self, path):
        data = json.loads(pathlib.Path(path).read_text()) if path else {}
        self.satellites, self.hooks = data.get('satellites', []), data.get('hooks', {})
        self.has = set(data.get('has', [])) | set(self.hooks)
        self.vars = {}
        for nr, sat in enumerate(self.satellites, 1):
            self.vars.update({f'n{nr}': sat['name'], f'n{nr}.addr': sat['address'], f'n{nr}.port': sat['port'],
                              f'n{nr}.dir': sat['dir']})
        bucket = http.server.ThreadingHTTPServer(('127.0.0.1', 0), EmptyBucket)
        threading.Thread(target=bucket.serve_forever, daemon=True).start()
        self.vars['s3'] = f'http://127.0.0.1:{bucket.server_port}'
        self.names = {s['name']: f'n{i}' for i, s in enumerate(self.satellites, 1)}
        self.addresses = {s['address']: '${n%d.addr}' % i for i, s in enumerate(self.satellites, 1)}
        self.ports = {s['port'] for s in self.satellites}
        self.dirs = sorted(((s['dir'], '${n%d.dir}' % i) for i, s in enumerate(self.satellites, 1)),
                           key=lambda p: -len(p[0]))

    def before(self):
        """Called before each scenario."""

    def run(self, name, args):
        if name not in self.hooks:
            raise Skip(f'no hook {name}')
        command = self.hooks[name]
        for key, value in (args or {}).items():
            command = command.replace('{%s}' % key, str(value))
        subprocess.run(command, shell=True, check=True, timeout=120, stdout=subprocess.DEVNULL)


def substitute(value, names):
    if isinstance(value, dict):
        return {substitute(k, names): substitute(v, names) for k, v in value.items()}
    if isinstance(value, list):
        return [substitute(v, names) for v in value]
    if isinstance(value, str) and '${' in value:
        whole = re.fullmatch(r'\$\{([\w.]+)\}', value)
        if whole and whole[1] in names:
            return names[whole[1]]
        return re.sub(r'\$\{([\w.]+)\}', lambda m: str(names.get(m[1], m[0])), value)
    return value


class Normaliser:
    """Turns an answer into what every correct controller would say."""

    def __init__(self, env, exact):
        self.env, self.exact = env, set(exact)

    def string(self, key, text):
        if text in self.env.names:
            return self.env.names[text]
        if text in self.env.addresses:
            return self.env.addresses[text]
        node, colon, rest = text.partition(':')
        if colon and node in self.env.names:
            return self.env.names[node] + ':' + rest
        text = text.replace(self.env.vars['s3'], '${s3}')
        for path, name in self.env.dirs:
            text = text.replace(path, name)
        text = UUID.sub('<UUID>', text)
        text = re.sub(r'/dev/loop\d+', '/dev/loop<N>', text)
        text = re.sub(r'/dev/drbd1\d{3}\b', '/dev/drbd<MINOR>', text)
        text = re.sub(r'/error-reports/\S+', '/error-reports/<ID>', text)
        if key.rsplit('/', 1)[-1] in ('DrbdCurrentGi', 'DrbdPrimarySetOn') and re.fullmatch(r'[0-9A-Fa-f]{8,16}', text):
            return '<GI>'
        if key in DEVICE:
            return '<DEVICE>'
        if (key in SECRET or key.endswith(('/Passphrase', 'CryptPasswd'))) and text:
            return '<SECRET>'
        if TIME.match(key):
            return '<TIME>'
        if key in VERSION and text:
            return '<VERSION>'
        if re.fullmatch(r'\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-][\d:]+)', text):
            return '<TIME>'
        return re.sub(r'^back_\d{8}_\d{6}$', 'back_<TIME>', text)

    def number(self, key, value):
        if isinstance(value, bool) or key in self.exact:
            return value
        if TIME.match(key) and value > 10**9:
            return '<TIME>'
        if key in CAPACITY and value not in (0, NO_LIMIT):
            return '<KIB>'
        if key == 'allocated_size_kib':
            return '<KIB>'
        if key == 'minor_number' and 1000 <= value < 2000:
            return '<MINOR>'
        if key in ('tcp_ports', 'port', 'drbd_port') and 7000 <= value < 8000:
            return '<PORT>'
        if key == 'satellite_port' and value in self.env.ports:
            return '<STLT_PORT>'
        if key == 'promotion_score':
            return '<SCORE>'
        return value

    def __call__(self, value, key=''):
        if isinstance(value, dict):
            if 'ret_code' in value:
                return self.entry(value)
            report = 'error_time' in value and 'filename' in value
            out = {}
            for name, item in value.items():
                if item is None:
                    continue
                if report and name in REPORT:
                    out[name] = True
                elif name == 'usable_size_kib' and 'allocated_size_kib' not in self.exact and is_storage_volume(value):
                    out[name] = '<KIB>'
                elif report and name == 'node_name' and item not in self.env.names:
                    out[name] = '<CONTROLLER>'
                elif name in ('unsupported_providers', 'unsupported_layers', 'platform', 'os_variant', 'eviction_timestamp'):
                    continue
                elif name in ('connections', 'replication_states') and isinstance(item, dict):
                    up = {k: v for k, v in item.items() if v.get('connected', v.get('replication_state') != 'Off')}
                    if up:
                        out[name] = self(up, name)
                elif name in ('storage_providers', 'resource_layers') and isinstance(item, list):
                    out[name] = sorted(set(item) & COMMON)
                else:
                    out[self.string('', name)] = self(item, name)
            return out
        if isinstance(value, list):
            return [self(item, key) for item in value]
        if isinstance(value, str):
            return self.string(key, value)
        return value if value is None else self.number(key, value)

    def entry(self, value):
        out = {'ret_code': value['ret_code']}
        for name, item in value.items():
            if name in RC_TEXT and item not in (None, '', []):
                out[name] = True
            elif name == 'obj_refs':
                out[name] = self(item)
            elif name not in out and name not in RC_TEXT:
                out[name] = self(item, name)
        return out


def is_storage_volume(value):
    """A volume of the lowest layer; on thin files its usable size follows the allocation."""
    return 'disk_state' in value and 'backing_device' not in value and 'drbd_volume_definition' not in value


def pointer(value, path):
    """Value at a JSON pointer; KeyError when absent."""
    for part in path.split('/')[1:]:
        part = part.replace('~1', '/').replace('~0', '~')
        value = value[int(part)] if isinstance(value, list) and part.isdigit() and int(part) < len(value) else (
            value[part] if isinstance(value, dict) else {}[part])
    return value


def lists_at(value, path):
    """All lists that a pointer with * and ** names."""
    found = []

    def walk(node, parts):
        if not parts:
            if isinstance(node, list):
                found.append(node)
            return
        head, rest = parts[0], parts[1:]
        items = enumerate(node) if isinstance(node, list) else node.items() if isinstance(node, dict) else ()
        if head == '**':
            walk(node, rest)
            for _, item in items:
                walk(item, parts)
        else:
            for name, item in items:
                if head == '*' or str(name) == head.replace('~1', '/').replace('~0', '~'):
                    walk(item, rest)
    walk(value, path.split('/')[1:])
    return found


def matches(path, pattern):
    expression = re.escape(pattern).replace(r'\*\*', '.*').replace(r'\*', '[^/]*')
    return re.fullmatch(expression + '(/.*)?', path) is not None


def differences(want, got, path=''):
    if type(want) is not type(got):
        yield path, want, got
    elif isinstance(want, dict):
        for key in list(want) + [k for k in got if k not in want]:
            here = path + '/' + key.replace('~', '~0').replace('/', '~1')
            if key not in got:
                yield here, want[key], '(absent)'
            elif key not in want:
                yield here, '(absent)', got[key]
            else:
                yield from differences(want[key], got[key], here)
    elif isinstance(want, list):
        for i in range(max(len(want), len(got))):
            if i >= len(got):
                yield f'{path}/{i}', want[i], '(absent)'
            elif i >= len(want):
                yield f'{path}/{i}', '(absent)', got[i]
            else:
                yield from differences(want[i], got[i], f'{path}/{i}')
    elif want != got:
        yield path, want, got


class Scenario:
    def __init__(self, client, env, data):
        self.client, self.env, self.data = client, env, data
        self.normal = Normaliser(env, data.get('exact', []))
        self.names, self.streams, self.raw = dict(env.vars), {}, None

    def prepare(self):
        missing = set(self.data.get('needs', [])) - self.env.has
        if missing:
            raise Skip('needs ' + ', '.join(sorted(missing)))
        count = self.data.get('nodes', 0)
        if count > len(self.env.satellites):
            raise Skip(f'needs {count} satellites')
        if self.data.get('fresh'):
            self.env.run('fresh', {})
            self.client.conn = None
        if not clean(self.client) and 'fresh' in self.env.hooks:
            self.env.run('fresh', {})
            self.client.conn = None
        for sat in self.env.satellites[:count]:
            self.client.json('POST', '/v1/nodes', {'name': sat['name'], 'type': 'Satellite', 'net_interfaces': [
                {'name': 'default', 'address': sat['address'], 'satellite_port': sat['port'],
                 'satellite_encryption_type': 'PLAIN'}]})
        for sat in self.env.satellites[:count]:
            self.online(sat['name'])
            for pool in self.data.get('pools', []):
                kind, sub = {'thin': ('FILE_THIN', 'a'), 'thick': ('FILE', 'b')}[pool]
                status, answer = self.client.json('POST', f'/v1/nodes/{sat["name"]}/storage-pools', {
                    'storage_pool_name': pool, 'provider_kind': kind,
                    'props': {'StorDriver/StorPoolName': f'{sat["dir"]}/{sub}'}})
                if status != 201:
                    raise RuntimeError(f'cannot make pool {pool}: {answer}')

    def online(self, name):
        deadline = time.time() + 60
        while time.time() < deadline:
            status, node = self.client.json('GET', f'/v1/nodes/{name}')
            if status == 200 and node.get('connection_status') == 'ONLINE':
                return
            time.sleep(0.1)
        raise RuntimeError(f'satellite {name} does not come ONLINE')

    def send(self, method, path, body, opts):
        if method == 'HOOK':
            self.env.run(path, body)
            return 0, {}, {}
        if method == 'SLEEP':
            time.sleep(float(path))
            return 0, {}, {}
        if method == 'SSE-OPEN':
            stream = self.streams[opts['as']] = Stream(self.client, path, opts.get('headers', {}))
            return stream.status, stream.headers, {}
        if method == 'SSE-READ':
            return 0, {}, self.streams[path].wait(opts.get('count'))
        text = opts.get('raw') if body is None else json.dumps(body)
        headers = {'Content-Type': 'application/json'} if text is not None else {}
        for key, value in opts.get('headers', {}).items():
            headers.pop(key, None)
            if value is not None:
                headers[key] = value
        status, answer_headers, data = self.client.call(
            method, urllib.parse.quote(path, safe="%/?&=:+,;@!$'()*~#[]|"), text.encode() if text is not None else None, headers)
        if answer_headers.get('content-encoding') == 'gzip':
            data = gzip.decompress(data)
        try:
            value = json.loads(data) if data else ''
        except ValueError:
            value = '<TEXT>' if data.strip() else ''
        return status, answer_headers, value

    def step(self, number, patient=True):
        """Runs one step; returns (description, options, normalised answer). Not patient: does not wait for `until`."""
        method, path, body, opts = (list(self.data['steps'][number]) + [None, None])[:4]
        opts = substitute(opts or {}, self.names)
        path, body = substitute(path, self.names), substitute(body, self.names)
        deadline = time.time() + opts.get('within', 30)
        while True:
            status, headers, value = self.send(method, path, body, opts)
            if not patient or 'until' not in opts or time.time() > deadline or holds(opts['until'], status, value):
                break
            time.sleep(0.1)
        self.raw = value
        for name, where in opts.get('capture', {}).items():
            try:
                self.names[name] = pointer(value, where)
            except (KeyError, IndexError, ValueError):
                self.names[name] = f'(nothing at {where})'
        out = {'status': status} if status else {}
        if 'content-type' in headers:
            out['type'] = headers['content-type'].replace(' ', '').lower()
        kept = {h: ', '.join(sorted(re.split(r',\s*', headers.get(h, '(absent)')))) for h in opts.get('keep', [])}
        if kept:
            out['headers'] = kept
        wrong = []
        for where, text in opts.get('equal', {}).items():
            try:
                if pointer(value, where) != text:
                    wrong.append(where)
            except (KeyError, IndexError, ValueError):
                wrong.append(where)
        if wrong:
            out['not equal'] = wrong
        if opts.get('body') == 'keys' and isinstance(value, dict):
            out['body'] = {k: v.get('prop_type', type(v).__name__) if isinstance(v, dict) else type(v).__name__
                           for k, v in sorted(value.items())}
        elif opts.get('body') == 'rc' and isinstance(value, list) and value and 'ret_code' in value[0]:
            code = value[0]['ret_code'] & 0xFFFFFFFFFFFFFFFF
            out['first'] = ['success', 'info', 'warn', 'error'][code >> 62] + ' %d' % (code & 0x7FFF)
        elif opts.get('body') is not False and value != {} or (method not in ('HOOK', 'SLEEP', 'SSE-OPEN') and value == {}
                                                               and opts.get('body') is not False):
            out['body'] = self.normal(value)
        how = opts.get('entries', 'set' if self.data.get('pools') else 'exact')
        if how == 'set' and method != 'GET' and isinstance(out.get('body'), list):
            out['body'] = entry_set(out['body']) or [{'ret_code': 'success'}]
        for where in opts.get('unordered', {}):
            for items in lists_at(out.get('body'), where):
                items.sort(key=lambda v: json.dumps(v, sort_keys=True))
        if 'bug' in opts:
            out['bug'] = opts['bug']
        label = f'{method} {self.data["steps"][number][1]}'
        return label if len(label) < 160 else label[:157] + '...', opts, out


def entry_set(entries):
    """The different entries of an answer in a fixed order, without the notes that something was made, adjusted or removed
    somewhere: how many of them come, and when, depends on timing. Only notes: that it was a success."""
    if not entries or not all(isinstance(e, dict) and 'ret_code' in e for e in entries):
        return entries
    found = {json.dumps(e, sort_keys=True): e for e in entries if not is_note(e)}
    return [found[k] for k in sorted(found)] or [{'ret_code': 'success'}]


def is_note(entry):
    """A plain success without details, or INFO and WARN without a code."""
    if entry['ret_code'] == 'success':
        return True
    code = entry['ret_code'] & 0xFFFFFFFFFFFFFFFF
    if code >> 62 in (1, 2):
        return code & 0x7FFF == 0
    return code >> 62 == 0 and 'details' not in entry and 'UUID' not in entry.get('obj_refs', {})


def holds(conditions, status, value):
    for where, want in conditions.items():
        if where == 'status':
            got = status
        elif where == 'len':
            got = len(value) if isinstance(value, (list, dict)) else -1
        else:
            try:
                got = pointer(value, where)
            except (KeyError, IndexError, ValueError):
                got = None
        if want == '*' and got is None or want != '*' and got != want:
            return False
    return True


def clean(client):
    """Deletes everything a scenario can have made; works on any controller. False when something stays."""
    def get(path):
        status, value = client.json('GET', path)
        return value if status == 200 and value else []

    def name(text):
        return urllib.parse.quote(text, safe='')

    for snap in get('/v1/view/snapshots'):
        client.json('DELETE', f'/v1/resource-definitions/{name(snap["resource_name"])}/snapshots/{name(snap["name"])}')
    for _ in range(3):
        dfns = get('/v1/resource-definitions')
        for dfn in dfns:
            client.json('DELETE', f'/v1/resource-definitions/{name(dfn["name"])}')
        if not dfns:
            break
    for group in get('/v1/resource-groups'):
        path = f'/v1/resource-groups/{name(group["name"])}'
        if group['name'].lower() != 'dfltrscgrp':
            client.json('DELETE', path)
            continue
        for volume in get(path + '/volume-groups'):
            client.json('DELETE', f'{path}/volume-groups/{volume["volume_number"]}')
        if group.get('props') or group.get('description'):
            client.json('PUT', path, {'delete_props': list(group.get('props', {}))})
    for pool in get('/v1/view/storage-pools?cached=true'):
        if pool['provider_kind'] != 'DISKLESS' or pool['storage_pool_name'].lower() != 'dfltdisklessstorpool':
            client.json('DELETE', f'/v1/nodes/{name(pool["node_name"])}/storage-pools/{name(pool["storage_pool_name"])}')
    for node in get('/v1/nodes'):
        path = f'/v1/nodes/{name(node["name"])}'
        if 'EVICTED' in node.get('flags', []) or 'EVACUATE' in node.get('flags', []):
            client.json('PUT', path + '/restore', {})
        client.json('DELETE', path)
        deadline = time.time() + 3
        while client.json('GET', path)[0] == 200 and time.time() < deadline:
            time.sleep(0.1)
        if client.json('GET', path)[0] == 200:
            client.json('DELETE', path + '/lost')
    for dfn in get('/v1/resource-definitions'):
        client.json('DELETE', f'/v1/resource-definitions/{name(dfn["name"])}')
    for group in get('/v1/resource-groups'):
        if group['name'].lower() != 'dfltrscgrp':
            client.json('DELETE', f'/v1/resource-groups/{name(group["name"])}')
    for dfn in get('/v1/storage-pool-definitions'):
        if dfn['storage_pool_name'].lower() != 'dfltdisklessstorpool':
            client.json('DELETE', f'/v1/storage-pool-definitions/{name(dfn["storage_pool_name"])}')
    for store in get('/v1/key-value-store'):
        client.json('DELETE', f'/v1/key-value-store/{name(store["name"])}')
    for kind in (get('/v1/remotes') or {}).values():
        for remote in kind:
            client.json('DELETE', f'/v1/remotes?remote_name={name(remote["remote_name"])}')
    for plan in (get('/v1/schedules') or {}).get('data', []):
        client.json('DELETE', f'/v1/schedules/{name(plan["schedule_name"])}')
    for item in get('/v1/files'):
        client.json('DELETE', f'/v1/files/{name(item["path"])}')
    props = dict(get('/v1/controller/properties') or {})
    base = BASELINE.setdefault('props', props)
    for key in props:
        if key not in base:
            client.json('POST', '/v1/controller/properties', {'delete_props': [key]})
    for key, value in base.items():
        if props.get(key) != value:
            client.json('POST', '/v1/controller/properties', {'override_props': {key: value}})
    left = [p for p in ('/v1/nodes', '/v1/resource-definitions') if get(p)]
    if left:
        print('warning: not empty after cleaning: ' + ', '.join(left), flush=True)
    return not left


def without_drbd(value):
    """An expectation for satellites that cannot do DRBD: it is not among the layers of a node."""
    if isinstance(value, dict):
        return {k: [n for n in v if n != 'DRBD'] if k == 'resource_layers' and isinstance(v, list) else without_drbd(v)
                for k, v in value.items()}
    return [without_drbd(v) for v in value] if isinstance(value, list) else value


def show(value):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 240 else text[:237] + '...'


def write_expected(path, rows):
    body = ',\n'.join(' ' + json.dumps(row, ensure_ascii=False, separators=(',', ':')) for row in rows)
    path.write_text('[\n' + body + '\n]\n')


def read_owned(path, files):
    """{scenario: {step: reason}} of a list of owned scenarios."""
    owned = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.split('#')[0].split(None, 2)
        if not words:
            continue
        if words[0] not in files or len(words) == 2:
            sys.exit(f'{path}:{number}: no such scenario, or steps without a reason')
        left_out = owned.setdefault(words[0], {})
        count = len(json.loads(files[words[0]].read_text())['steps'])
        for part in words[1].split(',') if len(words) == 3 else []:
            first, _, last = part.partition('-')
            for step in range(int(first), int(last or first) + 1):
                if not 1 <= step <= count:
                    sys.exit(f'{path}:{number}: {words[0]} has no step {step}')
                left_out[step] = words[2]
    return owned


def run_scenario(name, path, args, env, left_out=None):
    """Returns the numbers of steps that passed, failed, and were left out or skipped."""
    left_out = left_out or {}
    data = json.loads(path.read_text())
    expected_file = path.parent.parent / 'expected' / path.name
    expected = [] if args.mode == 'record' else json.loads(expected_file.read_text())
    client = Client(args.url)
    scenario, rows, passed, failed, known = Scenario(client, env, data), [], 0, 0, 0
    start = time.time()
    try:
        env.before()
        scenario.prepare()
        for number in range(len(data['steps'])):
            excluded = left_out.get(number + 1)
            what, opts, got = scenario.step(number, excluded is None)
            if excluded is not None:
                print(f'left out {name} step {number + 1} {what}: {excluded}', flush=True)
                continue
            rows.append({'step': what, **got})
            if args.verbose:
                print(f'{name} {number + 1} {what}: {show(got)}', flush=True)
            if args.mode == 'record':
                passed += 1
                continue
            want = copy.deepcopy(expected[number])
            want.pop('step')
            want.pop('bug', None)
            got.pop('bug', None)
            if 'drbd' not in env.has:
                want, got = without_drbd(want), without_drbd(got)
            found = [d for d in differences(want, got)
                     if not any(matches(d[0], '/body' + p) for p in opts.get('ignore', {}))]
            if args.loose:
                found = [d for d in found if d[0].rsplit('/', 1)[-1] not in ('cause', 'details', 'correction', 'error_report_ids')]
            if args.talkative:
                found = [d for d in found if not (d[1] == '(absent)' and d[0].rsplit('/', 1)[-1] in
                                                  ('cause', 'details', 'correction', 'reports'))]
            for where, old, new in found:
                mark = 'known' if 'bug' in opts else 'DIFF'
                print(f'{mark} {name} step {number + 1} {what}: {where or "/"}: expected {show(old)} got {show(new)}', flush=True)
            if found and 'bug' in opts:
                known += 1
            failed += bool(found) and 'bug' not in opts
            passed += not (found and 'bug' not in opts)
    except Skip as reason:
        print(f'{name}: skipped ({reason})', flush=True)
        return 0, 0, len(data['steps'])
    except (RuntimeError, OSError, http.client.HTTPException, subprocess.SubprocessError) as problem:
        print(f'DIFF {name}: stopped: {problem!r}', flush=True)
        failed += len(data['steps']) - len(left_out) - passed - failed
    finally:
        client.conn = None
        try:
            if data.get('fresh') and 'fresh' in env.hooks:
                env.run('fresh', {})
            clean(client)
        except (RuntimeError, OSError, http.client.HTTPException) as problem:
            print(f'warning: cleaning after {name}: {problem!r}', flush=True)
    if args.mode == 'record' and not failed:
        write_expected(expected_file, rows)
    extra = f', {known} known differences' if known else ''
    extra += f', {len(left_out)} left out' if left_out else ''
    print(f'{name}: {passed} passed, {failed} failed{extra} ({time.time() - start:.1f} s)', flush=True)
    return passed, failed, len(left_out)


def main(arguments=None, env=None):
    """arguments: instead of the command line; env: instead of the environment file."""
    parser = argparse.ArgumentParser(description='LINSTOR REST conformance runner')
    parser.add_argument('mode', choices=('check', 'record', 'clean', 'list'))
    parser.add_argument('scenario', nargs='*')
    parser.add_argument('--url', default='http://127.0.0.1:3370')
    parser.add_argument('--env')
    parser.add_argument('--jobs-dir', type=pathlib.Path, default=HERE)
    parser.add_argument('--loose', action='store_true')
    parser.add_argument('--talkative', action='store_true')
    parser.add_argument('--owned', type=pathlib.Path)
    parser.add_argument('-v', '--verbose', action='store_true')
    args = parser.parse_intermixed_args(arguments)
    files = {p.stem: p for p in sorted((args.jobs_dir / 'scenarios').glob('*.json'))}
    if args.mode == 'list':
        for name, path in files.items():
            data = json.loads(path.read_text())
            print(f'{name:28} {len(data["steps"]):3} steps, {data.get("nodes", 0)} nodes: {data["about"]}')
        return 0
    if args.mode == 'clean':
        clean(Client(args.url))
        return 0
    owned = read_owned(args.owned, files) if args.owned else {}
    wanted = args.scenario or list(owned or files)
    if args.mode == 'record' and not args.scenario:
        parser.error('record wants names or patterns of scenarios')
    chosen = [n for n in files if any(fnmatch.fnmatch(n, w) for w in wanted)]
    if not chosen:
        parser.error('no such scenario')
    env = env or Env(args.env)
    total = [0, 0, 0]
    for name in chosen:
        total = [a + b for a, b in zip(total, run_scenario(name, files[name], args, env, owned.get(name)))]
    print(f'{total[0]} passed, {total[1]} failed, {total[2]} skipped')
    return 1 if total[1] else 0


if __name__ == '__main__':
    sys.exit(main())
