#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the daemons tell about themselves: error reports (also of crashes), metrics, readiness, configuration."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'lib'))
from cluster import Cluster, binary, free_port
from peer import FakeSatellite
from rest import Rest
from suite import Suite, wait_for

suite = Suite('reports')


def reports(cluster, query=''):
    return cluster.rest.get('/v1/error-reports' + query)


def crash(process):
    """Ends it as a bug would."""
    process.expected_end = True
    os.kill(process.pid, signal.SIGABRT)
    process.child.wait(20)
    # what the crash wrote belongs to this test, not to the sanitizers
    process.log.write_text(process.log.read_text(errors='replace').replace('Assertion `', 'Assertion '))



@suite.case('a refused request leaves a report that survives a restart')
def _():
    with Cluster(satellites=0, source='reports') as cluster:
        answer = cluster.rest.post('/v1/resource-definitions', {'resource_definition': {'name': '1bad'}}, 500)
        (report_id,) = answer.entries[0]['error_report_ids']
        assert re.fullmatch(r'[0-9A-F]{8}-\d{5}-\d{6}', report_id), report_id
        (listed,) = reports(cluster)
        assert listed['filename'] == f'ErrorReport-{report_id}.log' and 'text' not in listed, listed
        assert listed['exception'] == 'FAIL_INVLD_RSC_NAME' and '1bad' in listed['exception_message'], listed
        assert abs(listed['error_time'] / 1000 - time.time()) < 60, listed
        (shown,) = cluster.rest.get(f'/v1/error-reports/{report_id}')
        assert 'POST /v1/resource-definitions' in shown['text'] and 'Cause' in shown['text'], shown
        cluster.controller.kill()
        cluster.controller.start()
        assert reports(cluster) == [listed]
        assert cluster.rest.get(f'/v1/error-reports/{listed["filename"]}') == [shown]
        assert cluster.rest.get('/v1/stats/error-reports') == {'count': 1}
        cluster.rest.call('DELETE', f'/v1/error-reports/{report_id}')
        assert reports(cluster) == []


@suite.case('filters, deletion by filter, and a flood stays within bounds')
def _():
    with Cluster(satellites=0, source='reports') as cluster:
        for number in range(700):
            cluster.rest.post('/v1/resource-definitions', {'resource_definition': {'name': f'{number}bad'}}, 500)
        listed = reports(cluster)
        assert len(listed) == 500, len(listed)
        assert len(list((cluster.controller.data / 'reports').iterdir())) == 500
        assert '200bad' in listed[0]['exception_message'] and '699bad' in listed[-1]['exception_message']
        assert [r['filename'] for r in reports(cluster, '?limit=3&offset=2')] == [r['filename'] for r in listed[2:5]]
        since = listed[-10]['error_time']
        assert reports(cluster, f'?since={since}') == [r for r in listed if r['error_time'] >= since]
        assert reports(cluster, f'/?to={listed[0]["error_time"] - 1}') == []
        assert reports(cluster, '?node=nobody') == []
        assert all('text' in r for r in reports(cluster, '?withContent=true'))
        call = cluster.rest.call('PATCH', '/v1/error-reports', {'ids': [listed[0]['filename'], listed[1]['filename'][12:-4]]})
        assert call.status == 200, call.status
        assert reports(cluster) == listed[2:]
        cluster.rest.call('PATCH', '/v1/error-reports', {'exception': 'FAIL_INVLD_RSC_NAME', 'nodes': ['Controller']})
        assert reports(cluster) == []


@suite.case('what a satellite fails at is reported once, with its node')
def _():
    with Cluster(satellites=1, source='reports') as cluster:
        cluster.register(pool=None)
        answer = cluster.create_pool('n1', 'gone', directory='/nowhere/at/all', status=500)
        # what the answer names as its report tells all that the answer does
        (name,) = [i for e in answer.errors for i in e.get('error_report_ids', [])]
        (named,) = reports(cluster, f'/{name}?withContent=true')
        assert len(answer.errors) == 2 and all(e['message'] in named['text'] for e in answer.errors), (answer, named)
        found = wait_for('a report of the satellite', lambda: [r for r in reports(cluster) if r['module'] == 'SATELLITE'], 20)
        assert len(found) == 1 and found[0]['node_name'] == 'n1' and 'gone' in found[0]['exception_message'], found

        def attempts():
            (pool,) = [p for p in cluster.rest.get('/v1/view/storage-pools') if p['storage_pool_name'] == 'gone']
            return int(re.search(r'Attempt (\d+) failed', pool['reports'][0]['details']).group(1))
        wait_for('further attempts, which are no news', lambda: attempts() >= 3, 30)
        assert len([r for r in reports(cluster, '?node=N1') if r['module'] == 'SATELLITE']) == 1


@suite.case('a crash of the controller is found after the next start')
def _():
    with Cluster(satellites=0, source='reports') as cluster:
        crash(cluster.controller)
        cluster.controller.start()
        (report,) = reports(cluster, '?withContent=true')
        assert report['exception'] == 'Crash' and 'SIGABRT' in report['exception_message'], report
        assert 'Backtrace:' in report['text'] and report['version'], report
        assert report['module'] == 'CONTROLLER' and abs(report['error_time'] / 1000 - time.time()) < 60, report


@suite.case('a crash of a satellite reaches the controller, and is told once')
def _():
    with Cluster(satellites=1, source='reports') as cluster:
        cluster.register(pool=None)
        satellite = cluster.satellites['n1']
        crash(satellite)
        kept = list((satellite.data / 'reports').iterdir())
        assert len(kept) == 1, kept
        satellite.start()
        (report,) = wait_for('the report', lambda: reports(cluster, '?withContent=true'), 30)
        assert report['exception'] == 'Crash' and report['node_name'] == 'n1' and report['module'] == 'SATELLITE', report
        assert 'SIGABRT' in report['exception_message'] and 'Backtrace:' in report['text'], report
        wait_for('the satellite forgets it', lambda: not list((satellite.data / 'reports').iterdir()), 10)
        satellite.restart()
        cluster.await_online('n1')
        assert len(reports(cluster)) == 1


@suite.case('a satellite that tells of crashes without end is heard out once per name, and sixteen times')
def _():
    flood = [('crash', {'name': f'ErrorReport-{n // 2}.log', 'text': f'linstor-satellite 1.0: crashed\n\nReason:     SIGABRT {n // 2}\n'})
             for n in range(400)]
    with Cluster(satellites=0, source='reports') as cluster:
        with FakeSatellite(flood) as fake:
            fake.register(cluster.rest)
            wait_for('sixteen reports', lambda: len(reports(cluster)) == 16, 20)
            wait_for('both of each were answered', lambda: [k for k, _ in fake.received].count('crash_kept') == 32, 20)
            cluster.rest.put('/v1/nodes/fake/reconnect')
            wait_for('another connection', lambda: fake.connections > 1, 20)
            wait_for('sixteen more', lambda: len(reports(cluster)) == 32, 20)
        assert len({r['exception_message'] for r in reports(cluster)}) == 32


LABELS = r'(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"(?:,(?=[a-zA-Z_])|(?=\})))*'
SAMPLE = re.compile(r'([a-zA-Z_:][\w:]*)(?:\{(' + LABELS + r')\})? ([-+]?[\d.]+(?:e[-+]?\d+)?)')


def scrape(cluster, query=''):
    """{family: {labels: value}}; families must not be torn apart."""
    answer = cluster.rest.call('GET', '/metrics' + query)
    assert answer.status == 200, answer.status
    text = answer.data.decode()
    families, family = {}, None
    for line in text.splitlines():
        if line.startswith('# TYPE '):
            family = line.split()[2]
            assert family not in families, f'{family} comes twice'
            families[family] = {}
        elif not line.startswith('#'):
            match = SAMPLE.fullmatch(line)
            assert match and match[1] == family, line
            assert match[2] not in families[family], line
            families[family][match[2]] = float(match[3])
    return families


@suite.case('metrics: families, labels, what is left out, and more than one piece')
def _():
    with Cluster(satellites=2, source='reports') as cluster:
        cluster.register()
        for number in range(150):
            cluster.create_definition(f'r{number}', [4096])
        cluster.create_resource('r0', 'n1')
        cluster.rest.post('/v1/resource-definitions', {'resource_definition': {'name': '1bad'}}, 500)
        scrape(cluster)
        found = scrape(cluster)
        n1 = cluster.satellites['n1']
        assert found['linstor_node_state'][
            f'node="n1",nodetype="SATELLITE",address="{n1.address}",port="{n1.port}",encryption="PLAIN"'] == 2, found
        assert found['linstor_resource_definition_count'] == {None: 150}
        assert len(found['linstor_volume_definition_size_bytes']) == 150
        assert found['linstor_volume_definition_size_bytes'][
            'name="r149",volume_number="0",resource_group="DfltRscGrp"'] == 4096 * 1024
        (labels, state), = found['linstor_volume_state'].items()
        assert 'resource="r0",node="n1",volume="0",device_path="/dev/' in labels and 'storage_pool="thin"' in labels, labels
        assert state == 2
        assert len(found['linstor_storage_pool_capacity_total_bytes']) == 2
        assert all(v == 0 for v in found['linstor_storage_pool_error_count'].values())
        assert found['linstor_error_reports_count'] == {None: 1, 'hostname="Controller",module="CONTROLLER"': 1}
        assert found['linstor_scrape_requests_count'] == {None: 2}
        assert found['linstor_store_generation'][None] >= found['linstor_store_durable_generation'][None] > 0
        assert 0 < found['linstor_store_writes_count'][None] <= found['linstor_store_generation'][None]
        assert found['process_resident_memory_bytes'][None] > 1 << 20
        less = scrape(cluster, '?resource=false&storage_pools=false&error_reports=false')
        gone = set(found) - set(less)
        assert gone == {n for n in found if re.search(r'_volume_|_resource_state|_resource_count|_storage_pool_|_reports_', n)}, gone
        targets = cluster.rest.get('/metrics/scrape-target')
        assert targets == [{'targets': [f'{s.address}:9942' for s in cluster.satellites.values()]}], targets
        assert list(found['linstor_resource_state'].values()) == [-1], 'without DRBD nobody knows of a role'
        n1.kill()
        cluster.await_offline('n1')
        assert list(scrape(cluster)['linstor_volume_state'].values()) == [-1]
        n1.start()
        cluster.await_online('n1')


@suite.case('what is not served says so, and a browser finds a page')
def _():
    with Cluster(satellites=0, source='reports') as cluster:
        for method, path in (('PUT', '/v1/nodes/n1/evict'), ('GET', '/v1/space-report'), ('GET', '/v1/view/snapshots')):
            answer = cluster.rest.call(method, path)
            assert answer.status == 501 and f'{method} {path} is not served' in answer.errors[0]['message'], str(answer)
        page = cluster.rest.call('GET', '/')
        assert page.status == 200 and page.headers['content-type'].startswith('text/html'), str(page)
        for path in re.findall('href="([^"]*)"', page.data.decode()):
            assert cluster.rest.call('GET', path).status == 200, path
        assert cluster.rest.call('GET', '/nothing').status == 404


def read_config(controller):
    rest = Rest(controller['address'], controller['port'], 'reports', 10)
    try:
        return rest.get('/v1/controller/config')
    finally:
        rest.close()


@suite.case('readiness is told to the service manager, by both daemons, only when it is true')
def _():
    with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        path = directory + '/notify'
        manager.bind(path)
        manager.settimeout(30)
        for arguments, address in ((['controller', '--data-dir', directory + '/c', '--listen'], '127.0.0.1'),
                                   (['satellite', '--name', 'x', '--data-dir', directory + '/s', '--bind-address', '127.0.0.11',
                                     '--port'], '127.0.0.11')):
            port = free_port(address)
            arguments.append(f'{address}:{port}' if arguments[0] == 'controller' else str(port))
            with subprocess.Popen([binary(), *arguments], env={**os.environ, 'NOTIFY_SOCKET': path},
                                  stderr=subprocess.DEVNULL) as child:
                try:
                    assert manager.recv(100) == b'READY=1'
                    socket.create_connection((address, port), timeout=5).close()
                    child.terminate()
                    assert manager.recv(100) == b'STOPPING=1'
                    assert child.wait(20) == 0
                finally:
                    child.kill()
            with subprocess.Popen([binary(), *arguments[:-1], 'x'], env={**os.environ, 'NOTIFY_SOCKET': path},
                                  stderr=subprocess.DEVNULL) as child:
                assert child.wait(20) != 0
        manager.settimeout(0.1)
        try:
            assert False, manager.recv(100)
        except TimeoutError:
            pass


def start_with(directory, *arguments, **environment):
    log = open(directory + '/log', 'w+b')
    child = subprocess.Popen(['linstor-controller', *arguments], executable=binary(), env={**os.environ, **environment}, stderr=log)
    return child, log


@suite.case('configuration: file over environment, command line over both; SIGHUP reads it again')
def _():
    with tempfile.TemporaryDirectory() as directory:
        ports = [free_port('127.0.0.1') for _ in range(3)]
        file = pathlib.Path(directory, 'linstor.toml')
        file.write_text(f'[http]\nlisten_addr = "127.0.0.1"\nport = {ports[1]}\n[logging]\nlevel = "WARN"\n'
                        f'[controller]\ndata_dir = "{directory}/data"\n'
                        '[db]\nconnection_url = "jdbc:h2:/var/lib/linstor/linstordb"\nuser = "x"\n')
        environment = {'LS_REST_BIND_ADDRESS': f'127.0.0.1:{ports[0]}', 'LS_LOG_LEVEL': 'TRACE', 'LS_CONFIG_DIRECTORY': directory}
        for arguments, port, level in (([], ports[1], 'WARN'),
                                       (['--rest-bind', f'127.0.0.1:{ports[2]}', '--log-level=debug'], ports[2], 'DEBUG')):
            child, log = start_with(directory, *arguments, **environment)
            at = {'address': '127.0.0.1', 'port': port}
            try:
                def look():
                    try:
                        return read_config(at)
                    except Exception:
                        assert child.poll() is None, pathlib.Path(directory, 'log').read_text()
                        return None
                config = wait_for('it answers', look, 20)
                assert config['log']['level'] == level and config['http']['port'] == port, config
                assert config['config']['dir'] == directory and config['db']['connection_url'].endswith('/data/store'), config
                if not arguments:
                    log.seek(0)
                    assert b'db.connection_url is not used' in log.read()
                    file.write_text(file.read_text().replace('WARN', 'ERROR'))
                    child.send_signal(signal.SIGHUP)
                    wait_for('the level of the file', lambda: read_config(at)['log']['level'] == 'ERROR', 10)
                    file.write_text(file.read_text().replace('ERROR', 'LOUD'))
                    child.send_signal(signal.SIGHUP)
                    wait_for('the level is refused', lambda: log.seek(0) == 0 and b'LOUD' in log.read(), 10)
                    assert read_config(at)['log']['level'] == 'ERROR'
                    file.write_text(file.read_text().replace('LOUD', 'INFO'))
                child.terminate()
                assert child.wait(20) == 0
            finally:
                child.kill()
                child.wait()
                log.close()


@suite.case('SIGHUP of a satellite reads its configuration again and goes on')
def _():
    with tempfile.TemporaryDirectory() as directory, open(directory + '/log', 'w+b') as log:
        file = pathlib.Path(directory, 'linstor_satellite.toml')
        file.write_text('[logging]\nlevel = "INFO"\n')
        port = free_port('127.0.0.11')
        with subprocess.Popen([binary(), 'satellite', '-c', directory, '--name', 'x', '--data-dir', directory + '/s', '--bind-address',
                               '127.0.0.11', '--port', str(port)], stderr=log) as child:
            def words():
                log.seek(0)
                return log.read().decode()
            try:
                wait_for('it listens', lambda: 'listens on' in words(), 20)
                file.write_text('[logging]\nlevel = "DEBUG"\n')
                child.send_signal(signal.SIGHUP)
                wait_for('the new level', lambda: 'the log level is DEBUG' in words(), 10)
                child.send_signal(signal.SIGHUP)
                wait_for('the same again', lambda: words().count('the log level is DEBUG') == 2, 10)
                socket.create_connection(('127.0.0.11', port), timeout=5).close()
                child.terminate()
                assert child.wait(20) == 0
            finally:
                child.kill()


@suite.case('web pages from elsewhere may use the controller, unless the configuration says no')
def _():
    page = {'Origin': 'http://elsewhere.example'}
    form = {'Content-Type': 'application/x-www-form-urlencoded'}
    definition = {'resource_definition': {'name': 'xx'}}

    def allows(answer):
        return answer.headers.get('access-control-allow-origin') == '*'

    with tempfile.TemporaryDirectory() as directory:
        for text, has_cors, has_json in (('', True, False), ('cors = false\n', False, False), ('require_json = true\n', True, True)):
            pathlib.Path(directory, 'linstor.toml').write_text('[http]\n' + text)
            with Cluster(satellites=0, source='reports', start=False) as cluster:
                cluster.controller.arguments += ['-c', directory]
                cluster.controller.start()
                rest = cluster.rest
                answer = rest.call('GET', '/v1/nodes', headers=page)
                assert allows(answer) == has_cors and answer.status == (200 if has_cors else 403), (text, str(answer))
                answer = rest.call('OPTIONS', '/v1/nodes', headers={**page, 'Access-Control-Request-Method': 'POST'})
                assert allows(answer) == has_cors and answer.status == (200 if has_cors else 403), (text, str(answer))
                answer = rest.call('POST', '/v1/resource-definitions', definition, headers={**page, **form})
                assert answer.status == (415 if has_json else 201 if has_cors else 403), (text, str(answer))
                answer = rest.call('POST', '/v1/resource-definitions', {'resource_definition': {'name': 'yy'}},
                                   headers={'Content-Type': 'Application/JSON; charset=utf-8'})
                assert answer.status == 201 and allows(answer) == has_cors, (text, str(answer))
                assert rest.call('GET', '/v1/nodes').status == 200


@suite.case('configuration that is wrong, or asks for protection that is not there, keeps it from starting')
def _():
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory, 'linstor.toml')
        for text, word in (('[ldap]\nenabled = true\n', 'ldap.enabled'), ('[https]\nkeystore = "/x"\n', 'https.keystore'),
                           ('[https]\nenabled = true\n', 'https.enabled'),
                           ('[http]\nenabled = false\n', 'http.enabled'), ('[http]\nport = 70000\n', 'http.port'),
                           ('[http]\nprot = 1\n', 'prot'), ('[logging]\nlevel = "LOUD"\n', 'LOUD'), ('[http', 'line 1')):
            file.write_text(text)
            done = subprocess.run([binary(), 'controller', '-c', directory, '--data-dir', directory + '/data', '--listen',
                                   f'127.0.0.1:{free_port("127.0.0.1")}'], capture_output=True, text=True, timeout=20, check=False)
            assert done.returncode == 2 and word in done.stderr, (text, done.returncode, done.stderr)
        done = subprocess.run([binary(), 'controller', '--config', directory + '/none.toml'], capture_output=True, text=True,
                              timeout=20, check=False)
        assert done.returncode == 2 and 'none.toml' in done.stderr, (done.returncode, done.stderr)


if __name__ == '__main__':
    sys.exit(suite.run())
