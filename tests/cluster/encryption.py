#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The master passphrase and the keys of volumes: who gets them, when, and where they never are."""
import base64
import http.client
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'lib'))
from cluster import Cluster, binary
from peer import Obedient
from suite import Suite, wait_for

suite = Suite('encryption')
PATH = '/v1/encryption/passphrase'
PASSPHRASE = 'Zw4mQ9pT the master passphrase'
VOLUME_PASSPHRASE = 'Kq8vZr2m of one volume'
VOLUME = '/v1/resource-definitions/data/volume-definitions/0'


def status(cluster):
    return cluster.rest.get(PATH)['status']


def deploy(cluster, fake):
    fake.register(cluster.rest)
    cluster.await_online('fake')
    cluster.rest.post('/v1/nodes/fake/storage-pools', {'storage_pool_name': 'thin', 'provider_kind': 'FILE_THIN',
                                                       'props': {'StorDriver/StorPoolName': '/x'}})
    cluster.create_definition('data', [8192], ['LUKS', 'STORAGE'])
    return cluster.create_resource('data', 'fake')


@suite.case('created, modified, entered; wrong ones change nothing')
def _():
    with Cluster(satellites=0, source='encryption') as cluster:
        assert status(cluster) == 'unset'
        cluster.rest.post(PATH, {'new_passphrase': PASSPHRASE})
        assert status(cluster) == 'unlocked'
        assert cluster.rest.call('PUT', PATH, {'old_passphrase': 'no', 'new_passphrase': 'x'}).status == 500
        cluster.controller.kill()
        cluster.controller.start()
        assert status(cluster) == 'locked'
        assert cluster.rest.call('PATCH', PATH, 'x').status == 500
        assert status(cluster) == 'locked'
        cluster.rest.expect(200, 'PUT', PATH, {'old_passphrase': PASSPHRASE, 'new_passphrase': 'the second one'})
        assert status(cluster) == 'unlocked'
        cluster.controller.kill()
        cluster.controller.start()
        assert cluster.rest.call('PATCH', PATH, PASSPHRASE).status == 500
        cluster.rest.expect(200, 'PATCH', PATH, 'the second one')
        assert status(cluster) == 'unlocked'
        long = 'ü' * 2048
        cluster.rest.expect(200, 'PUT', PATH, {'old_passphrase': 'the second one', 'new_passphrase': long})
        cluster.rest.expect(200, 'PATCH', PATH, long)
        for method, body in (('PATCH', f'{long}.'), ('PUT', {'old_passphrase': long, 'new_passphrase': f'{long}.'}),
                             ('PUT', {'old_passphrase': 'x' * 3000000, 'new_passphrase': 'x'})):
            assert cluster.rest.call(method, PATH, body).status == 500


@suite.case('who tries many passphrases does not keep others from theirs')
def _():
    with Cluster(satellites=0, source='encryption') as cluster:
        cluster.rest.post(PATH, {'new_passphrase': PASSPHRASE})
        order = []

        def enter(address, number, passphrase):
            connection = http.client.HTTPConnection('127.0.0.1', cluster.controller.port, timeout=60, source_address=(address, 0))
            connection.request('PATCH', PATH, json.dumps(passphrase))
            answer = connection.getresponse().read().decode()
            order.append((address, 'Too many' in answer, 'accepted' in answer))
        threads = [threading.Thread(target=enter, args=('127.0.0.2', number, 'wrong')) for number in range(40)]
        for thread in threads:
            thread.start()
        wait_for('some are refused at once', lambda: len(order) >= 20, 20)
        enter('127.0.0.1', 0, PASSPHRASE)
        for thread in threads:
            thread.join()
        assert order.count(('127.0.0.1', False, True)) == 1, order
        assert sum(too_many for _, too_many, _ in order) >= 20, order


@suite.case('satellites get sealed keys always, and what opens them only when the passphrase was entered')
def _():
    with Cluster(satellites=0, source='encryption') as cluster, Obedient(['LUKS', 'STORAGE']) as fake:
        cluster.rest.post(PATH, {'new_passphrase': PASSPHRASE})
        deploy(cluster, fake)
        wait_for('the want is there', fake.keys, 20)
        first = fake.keys()
        assert len(first) == 1 and first[0].startswith('gcm1:'), first
        master = fake.unlocks()[-1]
        assert len(base64.b64decode(master)) == 32
        fake.received.clear()
        cluster.controller.kill()
        cluster.controller.start()
        cluster.await_online('fake')
        wait_for('the want is there again', fake.keys, 20)
        assert fake.keys() == first, 'the key is another one'
        assert not fake.unlocks(), 'a locked controller told the master key'
        refused = cluster.rest.call('POST', '/v1/resource-definitions/data/volume-definitions', {'volume_definition': {'size_kib': 4096}})
        assert refused.status == 500 and 'enter-passphrase' in str(refused), refused
        assert len(cluster.rest.get('/v1/resource-definitions/data/volume-definitions')) == 1
        cluster.rest.expect(200, 'PATCH', PATH, PASSPHRASE)
        wait_for('the master key is told', fake.unlocks, 20)
        assert fake.unlocks() == [master]


@suite.case('a satellite without encrypted volumes is not told the master key')
def _():
    with Cluster(satellites=0, source='encryption') as cluster, Obedient(['LUKS', 'STORAGE']) as fake, \
            Obedient(['LUKS', 'STORAGE'], 'other', '127.0.0.41') as other:
        cluster.rest.post(PATH, {'new_passphrase': PASSPHRASE})
        other.register(cluster.rest, 'other')
        cluster.await_online('other')
        deploy(cluster, fake)
        wait_for('the first is told', fake.unlocks, 20)
        cluster.rest.post('/v1/nodes/other/storage-pools', {'storage_pool_name': 'thin', 'provider_kind': 'FILE_THIN',
                                                            'props': {'StorDriver/StorPoolName': '/x'}})
        cluster.create_definition('plain', [8192])
        cluster.create_resource('plain', 'other')
        assert not other.unlocks(), 'the other was told, too'
        cluster.create_resource('data', 'other')
        wait_for('it is told with its first encrypted volume', other.unlocks, 20)
        kinds = [kind for kind, body in other.received if kind == 'unlock' or any('keys' in v for r in body.get('resources', [])
                                                                                  for v in r.get('volumes', []))]
        assert kinds[0] == 'unlock', kinds
        assert len(fake.unlocks()) == 1 and len(other.unlocks()) == 1, 'it was told more than once'


@suite.case('the passphrase of a volume: older keys are sent until the satellite obeys the new one')
def _():
    with Cluster(satellites=0, source='encryption') as cluster, Obedient(['LUKS', 'STORAGE']) as fake:
        cluster.rest.post(PATH, {'new_passphrase': PASSPHRASE})
        deploy(cluster, fake)
        wait_for('the want is there', fake.keys, 20)
        first = fake.keys()[0]
        cluster.rest.expect(200, 'PUT', f'{VOLUME}/encryption-passphrase', {'new_passphrase': VOLUME_PASSPHRASE})
        seen = [v['volumes'][0]['keys'] for kind, body in fake.received if kind == 'wants' for v in body.get('resources', [])]
        assert any(len(keys) == 2 and keys[1] == first for keys in seen), seen
        wait_for('the older key is forgotten', lambda: len(fake.keys()) == 1 and fake.keys()[0] != first, 20)
        chosen = fake.keys()[0]
        # as a property it is the same
        cluster.rest.expect(200, 'PUT', VOLUME, {'override_props': {'Encryption/Passphrase': 'by property'}})
        wait_for('it has another one', lambda: len(fake.keys()) == 1 and fake.keys()[0] not in (first, chosen), 20)
        shown = cluster.rest.get(VOLUME)['props']['Encryption/Passphrase']
        sent = fake.keys()
        assert shown == '(sealed)', 'the sealed passphrase is shown'
        refused = cluster.rest.call('PUT', VOLUME, {'override_props': {'Encryption/Passphrase': ''}})
        assert refused.status == 500 and 'empty' in str(refused), refused
        # what was read can be written again, and changes nothing
        cluster.rest.expect(200, 'PUT', VOLUME, {'override_props': {'Encryption/Passphrase': shown, 'Aux/a': 'b'}})
        assert cluster.rest.get(VOLUME)['props'].items() >= {'Encryption/Passphrase': shown, 'Aux/a': 'b'}.items()
        assert fake.keys() == sent, 'it was taken for another passphrase'
        # but not to another volume: there it would be one that everybody knows
        refused = cluster.rest.call('POST', VOLUME[:-2], {'volume_definition': {'size_kib': 8192, 'props': {'Encryption/Passphrase': shown}}})
        assert refused.status == 500 and 'cannot be copied' in str(refused), refused


@suite.case('a passphrase that is configured: by environment, file, or the service manager')
def _():
    with Cluster(satellites=0, source='encryption', start=False) as cluster:
        config, credentials = cluster.directory / 'config', cluster.directory / 'credentials'
        config.mkdir()
        credentials.mkdir()
        cluster.controller.arguments += ['--config-directory', config]
        os.environ['MASTER_PASSPHRASE'] = PASSPHRASE
        try:
            cluster.start()
            wait_for('it is made', lambda: status(cluster) == 'unlocked', 20)
            environ = pathlib.Path(f'/proc/{cluster.controller.pid}/environ').read_bytes()
            assert PASSPHRASE.encode() not in environ, 'it is in the environment of the process still'
            cluster.controller.stop()
            cluster.controller.start()
            wait_for('it is entered', lambda: status(cluster) == 'unlocked', 20)
            cluster.controller.kill()
            os.environ['MASTER_PASSPHRASE'] = 'another'
            cluster.controller.start()
            wait_for('it is told that it is wrong', lambda: 'is not that of this cluster' in cluster.controller.log.read_text(), 20)
            assert status(cluster) == 'locked'
            cluster.controller.kill()
            (config / 'linstor.toml').write_text(f'[encrypt]\npassphrase = "{PASSPHRASE}"\n')
            cluster.controller.start()
            wait_for('that of the file wins', lambda: status(cluster) == 'unlocked', 20)
            cluster.controller.kill()
            del os.environ['MASTER_PASSPHRASE']
            (config / 'linstor.toml').write_text('[encrypt]\npassphrase = "yet another"\n')
            (credentials / 'linstor-masterpassphrase').write_text(f'{PASSPHRASE}\n')
            os.environ['CREDENTIALS_DIRECTORY'] = str(credentials)
            cluster.controller.start()
            wait_for('that of the manager wins', lambda: status(cluster) == 'unlocked', 20)
        finally:
            for name in ('MASTER_PASSPHRASE', 'CREDENTIALS_DIRECTORY'):
                os.environ.pop(name, None)


@suite.case('no passphrase and no key is stored, logged, shown or reported in clear')
def _():
    with Cluster(satellites=0, source='encryption') as cluster, Obedient(['LUKS', 'STORAGE']) as fake:
        cluster.controller.arguments += ['--log-level', 'TRACE']
        cluster.controller.kill()
        cluster.controller.start()
        cluster.rest.post(PATH, {'new_passphrase': PASSPHRASE})
        deploy(cluster, fake)
        cluster.rest.expect(200, 'PUT', f'{VOLUME}/encryption-passphrase', {'new_passphrase': VOLUME_PASSPHRASE})
        # what goes wrong is told, with nothing of what was typed
        wrong = [('POST', PATH, {'new_passphrase': PASSPHRASE}), ('PATCH', PATH, [PASSPHRASE]), ('PATCH', PATH, {PASSPHRASE: PASSPHRASE}),
                 ('PUT', PATH, {'old_passphrase': VOLUME_PASSPHRASE, 'new_passphrase': PASSPHRASE}), ('PATCH', PATH, VOLUME_PASSPHRASE),
                 ('PUT', PATH, {'old_passphrase': [PASSPHRASE], 'new_passphrase': 5}),
                 ('PUT', f'{VOLUME[:-1]}9/encryption-passphrase', {'new_passphrase': VOLUME_PASSPHRASE}),
                 ('POST', VOLUME[:-2], {'volume_definition': {'size_kib': -1}, 'passphrase': VOLUME_PASSPHRASE})]
        answers = [(method, path, cluster.rest.call(method, path, body)) for method, path, body in wrong]
        assert all(answer.status >= 400 for _, _, answer in answers), answers
        paths = [PATH, '/v1/nodes', '/v1/controller/properties', '/v1/controller/config', '/v1/resource-definitions?with_volume_definitions=true',
                 '/v1/resource-groups', '/v1/view/resources', '/v1/view/storage-pools', '/v1/resource-definitions/data/resources',
                 VOLUME[:-2], VOLUME, '/v1/error-reports?withContent=true', '/metrics', '/v1/stats/resources']
        answers += [('GET', path, cluster.rest.call('GET', path)) for path in paths]
        master = base64.b64decode(fake.unlocks()[-1])
        needles = [PASSPHRASE.encode(), VOLUME_PASSPHRASE.encode(), PASSPHRASE.split()[0].encode(), VOLUME_PASSPHRASE.split()[0].encode(),
                   master, base64.b64encode(master), master.hex().encode()]
        places = {f'{method} {path}': str(answer).encode() + answer.data for method, path, answer in answers}
        for pattern in ('cmdline', 'environ'):
            places[pattern] = pathlib.Path(f'/proc/{cluster.controller.pid}/{pattern}').read_bytes()
        files = [file for file in cluster.directory.rglob('*') if file.is_file()]
        assert any('store' in str(file) for file in files) and any('log' in file.name for file in files), files
        places.update({str(file): file.read_bytes() for file in files})
        assert any(re.search(rb'gcm1:', data) for name, data in places.items() if 'store' in name), 'sealed keys are not found either'
        shown = [name for name, data in places.items() if b'gcm1:' in data and 'store' not in name]
        assert not shown, f'sealed texts are in {shown}'
        for name, data in places.items():
            for needle in needles:
                assert needle not in data, f'{needle!r} is in {name}'


@suite.case('the passphrase of a volume group is that of the volumes made after it')
def _():
    with Cluster(satellites=0, source='encryption') as cluster, Obedient(['LUKS', 'STORAGE']) as fake:
        key, groups = 'Encryption/Passphrase', '/v1/resource-groups/group/volume-groups'
        cluster.rest.post(PATH, {'new_passphrase': PASSPHRASE})
        deploy(cluster, fake)
        cluster.rest.post('/v1/resource-groups', {'name': 'group', 'select_filter': {'layer_stack': ['LUKS', 'STORAGE']}})
        cluster.rest.post(groups, {})
        cluster.rest.expect(200, 'PUT', f'{groups}/0', {'override_props': {key: VOLUME_PASSPHRASE}})
        assert cluster.rest.get(f'{groups}/0')['props'][key] == '(sealed)'
        keys = {}
        for name, more in (('one', {}), ('two', {}), ('other', {'volume_passphrases': ['another one']})):
            cluster.rest.post('/v1/resource-groups/group/spawn', {'resource_definition_name': name, 'volume_sizes': [8192],
                                                                  'definitions_only': True, **more})
            assert cluster.rest.get(VOLUME.replace('data', name))['props'][key] == '(sealed)'
            cluster.create_resource(name, 'fake')
            wait_for('it is told the key', lambda: fake.keys(name), 20)
            keys[name] = fake.keys(name)
        assert keys['one'] == keys['two'] != keys['other'], keys


def copies_in_memory(process, needle):
    """In what it can write to; ranges that a sanitizer only reserves are left out."""
    count = 0
    with open(f'/proc/{process.pid}/maps') as maps, open(f'/proc/{process.pid}/mem', 'rb', buffering=0) as memory:
        for line in maps:
            place, rights = line.split()[:2]
            first, last = (int(x, 16) for x in place.split('-'))
            if not rights.startswith('rw') or last - first > 1 << 30:
                continue
            try:
                memory.seek(first)
                count += memory.read(last - first).count(needle)
            except OSError:
                pass    # it is gone
    return count


@suite.case('passphrases of a spawn do not stay in the memory of the controller')
def _():
    with Cluster(satellites=0, source='encryption') as cluster:
        cluster.rest.post(PATH, {'new_passphrase': PASSPHRASE})
        cluster.rest.post('/v1/resource-groups', {'name': 'group'})
        cluster.rest.post('/v1/resource-groups/group/volume-groups', {})
        cluster.rest.post('/v1/resource-groups/group/spawn', {'resource_definition_name': 'spawned9q', 'volume_sizes': [8192],
                                                              'definitions_only': True, 'volume_passphrases': [VOLUME_PASSPHRASE]})
        assert copies_in_memory(cluster.controller, b'spawned9q'), 'nothing is found at all'
        assert not copies_in_memory(cluster.controller, VOLUME_PASSPHRASE.encode())


def client(cluster, *words):
    return [binary(), '--controllers', f'{cluster.controller.address}:{cluster.controller.port}', 'encryption', *words]


@suite.case('the client without a terminal: a passphrase is read once, or twice the same')
def _():
    with Cluster(satellites=0, source='encryption') as cluster:
        def run(command, text):
            ended = subprocess.run(client(cluster, command), input=text, capture_output=True, text=True, start_new_session=True, timeout=60)
            return ended.returncode, ended.stderr
        code, told = run('create-passphrase', '')
        assert code == 2 and 'the input ended' in told and 'match' not in told, told
        code, told = run('create-passphrase', 'one\nanother\n')
        assert code == 2 and "doesn't match" in told, told
        assert status(cluster) == 'unset'
        assert run('create-passphrase', f'{PASSPHRASE}\n')[0] == 0
        assert run('enter-passphrase', f'{PASSPHRASE}\n')[0] == 0
        assert run('modify-passphrase', f'{PASSPHRASE}\nnew\nnew\n')[0] == 0
        assert run('enter-passphrase', 'new')[0] == 0


def at_terminal(words):
    """(process id, terminal, its user's end)"""
    terminal, user = pty.openpty()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.close(os.open(os.ttyname(user), os.O_RDWR))    # a session without a terminal gets the one it opens
        for number in range(3):
            os.dup2(user, number)
        os.execv(words[0], [str(word) for word in words])
    return pid, user, terminal


def shows_typing(user):
    return bool(termios.tcgetattr(user)[3] & termios.ECHO)


def read_until(terminal, text):
    seen = b''
    while text not in seen:
        assert select.select([terminal], [], [], 20)[0], f'{text} does not come after {seen}'
        seen += os.read(terminal, 1000)
    return seen


@suite.case('the client at a terminal: a passphrase is not shown, and typing is again after Ctrl-C and Ctrl-Z')
def _():
    with Cluster(satellites=0, source='encryption') as cluster:
        pid, user, terminal = at_terminal(client(cluster, 'create-passphrase'))
        read_until(terminal, b'Passphrase: ')
        assert not shows_typing(user)
        os.write(terminal, b'\x03')
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 128 + signal.SIGINT
        assert shows_typing(user), 'the terminal stays as it was for the passphrase'
        pid, user, terminal = at_terminal(client(cluster, 'create-passphrase'))
        read_until(terminal, b'Passphrase: ')
        os.kill(pid, signal.SIGTSTP)    # a session of its own has nobody to continue it, and is not stopped
        read_until(terminal, b'Passphrase: ')
        os.write(terminal, PASSPHRASE.encode() + b'\n')
        seen = read_until(terminal, b'Reenter passphrase: ')
        os.write(terminal, PASSPHRASE.encode() + b'\n')
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert PASSPHRASE.encode() not in seen, 'it was shown'
        assert shows_typing(user)
        assert status(cluster) == 'unlocked'


if __name__ == '__main__':
    sys.exit(suite.run())
