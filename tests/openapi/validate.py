#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validates recorded HTTP exchanges against the OpenAPI description of the REST interface.

    validate.py RECORD...        files that LINSTOR_RECORD named while suites ran
    validate.py --self-test      shows that the checker finds what it should

The description is read in place: ../shared/reference/data/rest_v1_openapi.yaml beside the source tree, or what LINSTOR_OPENAPI
names; where it is absent the suite is skipped. deviations.txt lists, with reasons, where the real server differs, too.

Checked: that the path and method are described, that a success has a described status, and that bodies fit their schemas: types,
enumerations, ranges of integers, required members, and in replies no member that the description does not know. Errors (status 400
and above) are lists of ApiCallRc. Requests are checked only when they were accepted, and not those of suites whose purpose is odd requests.
"""
import collections
import fnmatch
import json
import os
import pathlib
import re
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'lib'))
import venv
from suite import Skip

TOP = HERE.parents[1]
ODD_REQUESTS = {'conformance', 'malformed'}
LARGE = 32768           # bytes of a reply; of larger ones only the first few of an operation are looked at
LARGE_PER_OPERATION = 20
SHOWN = 60
WITH_SLASHES = {'{key}'}    # property keys hold slashes, which clients do not always escape


class Description:
    def __init__(self, data):
        self.data, self.routes = data, []
        for template, item in data['paths'].items():
            pattern = re.compile(''.join('.+' if p in WITH_SLASHES else '[^/]+' if p.startswith('{') else re.escape(p)
                                         for p in re.split(r'(\{[^}]*\})', template)))
            literal = len(re.sub(r'\{[^}]*\}', '', template))
            operations = {m.upper(): op for m, op in item.items() if m in ('get', 'put', 'post', 'patch', 'delete', 'options')}
            self.routes.append((literal, template, pattern, operations))
        self.routes.sort(key=lambda r: -r[0])

    def find(self, method, path):
        """(template, operation or None) of the most literal template; (None, None) when no template fits."""
        found = None
        for _, template, pattern, operations in self.routes:
            if pattern.fullmatch(path):
                if method in operations:
                    return template, operations[method]
                found = found or template
        return found, None

    def resolve(self, node):
        while '$ref' in node:
            target = self.data
            for part in node['$ref'].split('/')[1:]:
                target = target[part]
            node = target
        return node

    def body_schema(self, node):
        content = self.resolve(node).get('content', {})
        return content.get('application/json', {}).get('schema')


class Checker:
    """Differences of a value from a schema, as (pointer, text)."""

    def __init__(self, description, lenient):
        self.description, self.lenient = description, lenient

    def members(self, schema):
        """(properties, required, additional) of an object schema with its allOf parts."""
        schema = self.description.resolve(schema)
        properties, required, additional = dict(schema.get('properties', {})), set(schema.get('required', [])), \
            schema.get('additionalProperties')
        for part in schema.get('allOf', []):
            more, needed, extra = self.members(part)
            properties.update(more)
            required |= needed
            additional = additional if extra is None else extra
        return properties, required, additional

    def check(self, value, schema, where=''):
        schema = self.description.resolve(schema)
        if 'oneOf' in schema or 'anyOf' in schema:
            found = [list(self.check(value, s, where)) for s in schema.get('oneOf', schema.get('anyOf'))]
            if all(found):
                yield from min(found, key=len)
            return
        kind = schema.get('type') or ('object' if 'properties' in schema or 'allOf' in schema else None)
        if kind is None:
            return
        if value is None:
            if not self.lenient:
                yield where, 'null, where members are left out'
            return
        yield from getattr(self, 'check_' + kind)(value, schema, where)

    def check_object(self, value, schema, where):
        if not isinstance(value, dict):
            yield where, f'expected an object, got {value!r:.60}'
            return
        properties, required, additional = self.members(schema)
        for name in sorted(required - set(value)):
            yield f'{where}/{name}', 'missing'
        for name, item in value.items():
            here = f'{where}/{name.replace("~", "~0").replace("/", "~1")}'
            if name in properties:
                yield from self.check(item, properties[name], here)
            elif isinstance(additional, dict):
                yield from self.check(item, additional, f'{where}/*')
            elif properties and not additional and not self.lenient:
                yield here, 'not in the description'

    def check_array(self, value, schema, where):
        if not isinstance(value, list):
            yield where, f'expected a list, got {value!r:.60}'
            return
        for item in value:
            yield from self.check(item, schema.get('items', {}), f'{where}/*')

    def check_string(self, value, schema, where):
        if not isinstance(value, str):
            yield where, f'expected a string, got {value!r:.60}'
        elif 'enum' in schema and value not in schema['enum']:
            yield where, f'{value!r} is not one of {", ".join(map(str, schema["enum"]))}'

    def check_boolean(self, value, _schema, where):
        if not isinstance(value, bool):
            yield where, f'expected true or false, got {value!r:.60}'

    def check_integer(self, value, schema, where):
        if isinstance(value, bool) or not isinstance(value, int):
            yield where, f'expected an integer, got {value!r:.60}'
            return
        bits = 31 if schema.get('format') == 'int32' else 63
        if not -(1 << bits) <= value < 1 << bits:
            yield where, f'{value} does not fit {schema.get("format", "int64")}'

    def check_number(self, value, _schema, where):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            yield where, f'expected a number, got {value!r:.60}'


class Deviations:
    """Lines `METHOD TEMPLATE PART POINTER REASON`: the first four may hold wildcards."""

    def __init__(self, path):
        self.rows, self.used = [], collections.Counter()
        for number, line in enumerate(path.read_text().splitlines(), 1):
            words = line.split('#')[0].split(None, 4)
            if not words:
                continue
            if len(words) < 5:
                sys.exit(f'{path}:{number}: expected METHOD TEMPLATE PART POINTER REASON')
            self.rows.append(words)

    def explains(self, *problem):
        for row in self.rows:
            if all(fnmatch.fnmatchcase(text, pattern.replace('[', '[[]')) for text, pattern in zip(problem, row)):
                self.used[tuple(row)] += 1
                return True
        return False


class Validator:
    def __init__(self, description, deviations):
        self.description, self.deviations = description, deviations
        self.strict, self.lenient = Checker(description, False), Checker(description, True)
        self.problems, self.large = {}, collections.Counter()
        self.passed = self.known = 0

    def problems_of(self, row):
        """(template, part, pointer, text) of everything wrong with one exchange."""
        method, path, status = row['method'], row['path'].split('?')[0].rstrip('/'), row['status']
        if method in ('HEAD', 'TRACE') or not path.startswith('/v1/'):
            return
        template, operation = self.description.find(method, path)
        success = status < 400
        if operation is None:
            if success and method != 'OPTIONS':
                yield template or path, 'path', '/', 'answered, but not described'
            if not success:
                yield from self.reply_problems(row, template or path, {'$ref': '#/components/schemas/ApiCallRcList'})
            return
        if not success:
            yield from self.reply_problems(row, template, {'$ref': '#/components/schemas/ApiCallRcList'})
            return
        answers = operation.get('responses', {})
        answer = answers.get(str(status)) or answers.get(status)
        if answer is None:
            yield template, 'status', f'/{status}', f'not one of {", ".join(map(str, answers))}'
            answer = next((a for s, a in answers.items() if str(s).startswith('2')), None)
        schema = self.description.body_schema(answer) if answer else None
        if schema:
            yield from self.reply_problems(row, template, schema)
        wanted = self.description.body_schema(operation['requestBody']) if 'requestBody' in operation else None
        if wanted and row['request'] and row['source'] not in ODD_REQUESTS:
            try:
                value = json.loads(row['request'])
            except ValueError:
                yield template, 'request', '/', 'accepted, but not JSON'
                return
            for where, text in self.strict.check(value, wanted):
                yield template, 'request', where or '/', text

    def reply_problems(self, row, template, schema):
        if row['reply'] is None:
            return
        if not row['type'].replace(' ', '').lower().startswith('application/json'):
            yield template, 'type', '/', f'content type {row["type"]!r}'
            return
        try:
            value = json.loads(row['reply'])
        except ValueError as problem:
            yield template, 'reply', '/', f'no JSON: {problem}'
            return
        for where, text in self.strict.check(value, schema):
            yield template, 'reply', where or '/', text

    def exchange(self, row):
        if row['reply'] and len(row['reply']) > LARGE:
            template, _ = self.description.find(row['method'], row['path'].split('?')[0])
            self.large[template] += 1
            if self.large[template] > LARGE_PER_OPERATION:
                return
        wrong = known = False
        for template, part, where, text in self.problems_of(row):
            if self.deviations.explains(row['method'], template, part, where):
                known = True
                continue
            wrong = True
            key = (row['method'], template, part, where, text)
            self.problems.setdefault(key, []).append(row)
        self.known += known
        self.passed += not wrong


def load_description():
    path = pathlib.Path(os.environ.get('LINSTOR_OPENAPI') or TOP / '../shared/reference/data/rest_v1_openapi.yaml').resolve()
    if not path.exists():
        raise Skip(f'no OpenAPI description at {path}')
    venv.enter('yaml', 'pyyaml')
    import yaml
    loader = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
    return Description(yaml.load(path.read_text(), loader))


def validate(files):
    validator = Validator(load_description(), Deviations(HERE / 'deviations.txt'))
    seen, count, began = set(), 0, time.monotonic()
    for file in files:
        with open(file, encoding='utf-8') as rows:
            for line in rows:
                count += 1
                if hash(line) in seen:
                    continue
                seen.add(hash(line))
                validator.exchange(json.loads(line))
    if not count:
        raise Skip('no exchange was recorded')
    for number, (key, rows) in enumerate(sorted(validator.problems.items(), key=lambda p: -len(p[1]))):
        if number < SHOWN:
            method, template, part, where, text = key
            print(f'FAIL openapi: {method} {template} {part} {where}: {text}'
                  f' ({len(rows)} times, e.g. {rows[0]["source"]}: {rows[0]["path"]} -> {rows[0]["status"]})')
    for row, times in sorted(validator.deviations.used.items()):
        print(f'known openapi: {" ".join(row)} ({times} times)')
    failed = len(validator.problems)
    print(f'{count} exchanges, {len(seen)} different, {validator.passed} fit, {validator.known} with known deviations'
          f' ({time.monotonic() - began:.1f} s)')
    print(f'{validator.passed} passed, {failed} failed, 0 skipped')
    return 1 if failed else 0


def self_test():
    """Exchanges with one fault each: every fault must be found, and the sound one must pass."""
    description = Description({
        'paths': {'/v1/things/{name}': {'put': {
            'requestBody': {'content': {'application/json': {'schema': {'$ref': '#/components/schemas/Thing'}}}},
            'responses': {'200': {'content': {'application/json': {'schema': {'$ref': '#/components/schemas/ThingView'}}}}}}}},
        'components': {'schemas': {
            'ApiCallRcList': {'type': 'array', 'items': {'type': 'object', 'required': ['ret_code'], 'properties': {
                'ret_code': {'type': 'integer', 'format': 'int64'}}}},
            'Thing': {'type': 'object', 'required': ['name'], 'properties': {
                'name': {'type': 'string'}, 'kind': {'type': 'string', 'enum': ['A', 'B']},
                'size': {'type': 'integer', 'format': 'int32'}, 'props': {'type': 'object', 'additionalProperties': {
                    'type': 'string'}}}},
            'ThingView': {'allOf': [{'$ref': '#/components/schemas/Thing'},
                                    {'type': 'object', 'properties': {'on': {'type': 'boolean'}}}]}}}})
    sound = {'source': 'x', 'method': 'PUT', 'path': '/v1/things/a?b=c', 'request': '{"name":"a"}', 'status': 200,
             'type': 'application/json', 'reply': '{"name":"a","kind":"B","size":3,"props":{"p/q":"r"},"on":true}'}
    faults = [{'path': '/v1/others'}, {'method': 'PUT', 'status': 201}, {'type': 'text/plain'}, {'reply': '{'},
              {'reply': '{"kind":"A"}'}, {'reply': '{"name":"a","kind":"C"}'}, {'reply': '{"name":"a","size":3000000000}'},
              {'reply': '{"name":"a","size":true}'}, {'reply': '{"name":"a","typo":1}'}, {'reply': '{"name":null}'},
              {'reply': '{"name":"a","props":{"p":5}}'}, {'reply': '{"name":"a","on":"yes"}'}, {'reply': '[]'},
              {'request': '{"nam":"a"}'}, {'request': 'x'}, {'status': 500, 'reply': '{"ret_code":1}'},
              {'status': 404, 'reply': '[{"message":"m"}]'}]
    validator = Validator(description, Deviations(pathlib.Path(os.devnull)))
    wrong = [f'sound exchange: {list(validator.problems_of(sound))}'] if list(validator.problems_of(sound)) else []
    wrong += [f'not found: {f}' for f in faults if not list(validator.problems_of({**sound, **f}))]
    for line in wrong:
        print('FAIL openapi self-test: ' + line)
    print(f'{len(faults) + 1 - len(wrong)} passed, {len(wrong)} failed, 0 skipped')
    return 1 if wrong else 0


def main():
    try:
        if sys.argv[1:] == ['--self-test']:
            return self_test()
        if not sys.argv[1:]:
            print(__doc__)
            return 2
        return validate(sys.argv[1:])
    except Skip as reason:
        print(f'skip openapi: {reason}\n0 passed, 0 failed, 1 skipped')
        return 0


if __name__ == '__main__':
    sys.exit(main())
