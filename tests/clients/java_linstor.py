#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The published Java client does a flow against the controller. Skipped where a JDK, Maven or its registry is missing."""
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'lib'))
import venv
from cluster import Cluster
from proxy import Recorder
from suite import Skip, Suite

suite = Suite('java-linstor')


def classes():
    """The directory with the client, what it needs, and our program, compiled."""
    for tool in ('javac', 'java', 'mvn'):
        if not shutil.which(tool):
            raise Skip(f'{tool} is missing')
    place = venv.directory().parent / 'java-client'
    place.mkdir(parents=True, exist_ok=True)
    if not list(place.glob('java-linstor-*.jar')):
        try:
            done = subprocess.run(['mvn', '-q', '-B', '-f', str(HERE / 'java' / 'pom.xml'), 'dependency:copy-dependencies',
                                   '-DincludeScope=runtime', f'-DoutputDirectory={place}'], capture_output=True, text=True,
                                  check=False, timeout=400)
        except subprocess.TimeoutExpired:
            done = subprocess.CompletedProcess([], 1, '', 'it took more than 400 s')
        if done.returncode:
            shutil.rmtree(place)    # lest half of it count as all
            raise Skip('Maven cannot get java-linstor: ' + (done.stdout + done.stderr).strip().splitlines()[0])
    done = subprocess.run(['javac', '-cp', f'{place}/*', '-d', str(place), str(HERE / 'java' / 'Flow.java')], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    return place


@suite.case('nodes, pools, group, spawn, view, properties, resize, delete')
def _():
    place = classes()
    with Cluster(satellites=3, source='java-linstor') as cluster, \
            Recorder(cluster.controller.address, cluster.controller.port, 'java-linstor') as proxy:
        arguments = [f'http://127.0.0.1:{proxy.port}']
        for name, satellite in cluster.satellites.items():
            arguments += [name, satellite.address, str(satellite.port), str(satellite.pool)]
        done = subprocess.run(['java', '-cp', f'{place}{os.pathsep}{place}/*', 'Flow', *arguments], capture_output=True, text=True,
                              check=False, timeout=200)
        assert done.returncode == 0 and 'done' in done.stdout, (done.stdout + done.stderr)[-1500:]
        cluster.await_match({})
        assert proxy.count > 15


if __name__ == '__main__':
    sys.exit(suite.run())
