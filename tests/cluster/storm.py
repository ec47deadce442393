#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resources are created, resized and deleted while controller and satellites are killed at random moments.

    storm.py [--seed N] [--resources N] [--quick]

Four clients work on resources of their own and remember what was acknowledged. A request that got no answer is repeated until it
gets one; before each request the client checks that what was acknowledged before is still there. Meanwhile a fifth thread kills
(SIGKILL) and restarts processes; seed and victims are printed. The moments depend on timing, what is done to whom does not.

At the end, with everything running: every acknowledged change is there, every device matches its definition and still holds the
data that was written to it, and after deleting all nothing is left over.
"""
import argparse
import os
import pathlib
import random
import sys
import threading
import time
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'lib'))
from cluster import Cluster
from rest import Broken
from suite import Suite, wait_for

WORKERS = 4
KILLS_PER_RESOURCE = 0.5    # the work is spread over at least so many kills
PATIENCE_SECONDS = 90       # how long one request is repeated
MIB = 1024


class Lost(Exception):
    """Something that was acknowledged is not there."""


class Worker(threading.Thread):
    """One client. expected: {resource: size_kib} of what is acknowledged to exist."""

    def __init__(self, cluster, number, names, seed, killer):
        super().__init__(daemon=True, name=f'worker {number}')
        self.killer = killer
        self.rest, self.names, self.random = cluster.new_rest(timeout=40), names, random.Random(f'{seed}/{number}')
        self.expected, self.problem = {}, None
        self.acknowledged = self.unanswered = self.refused = 0

    def run(self):
        try:
            for count, name in enumerate(self.names):
                self.killer.await_kills(int(count * WORKERS * KILLS_PER_RESOURCE))
                self.live_through(name)
        except Exception as problem:
            self.problem = problem
        finally:
            self.rest.close()

    def live_through(self, name):
        size_kib = self.random.randrange(1, 5) * 4 * MIB
        self.create(name, size_kib)
        for _ in range(self.random.randrange(0, 3)):
            self.look(name)
            size_kib += self.random.randrange(1, 4) * 4 * MIB
            self.acknowledge('PUT', f'/v1/resource-definitions/{name}/volume-definitions/0', {'size_kib': size_kib})
            self.expected[name] = size_kib
        if self.random.random() < 0.4:
            self.look(name)
            self.acknowledge('DELETE', f'/v1/resource-definitions/{name}')
            del self.expected[name]

    def create(self, name, size_kib):
        self.acknowledge('POST', '/v1/resource-definitions',
                         {'resource_definition': {'name': name, 'layer_data': [{'type': 'STORAGE'}]}}, exists=501)
        self.acknowledge('POST', f'/v1/resource-definitions/{name}/volume-definitions',
                         {'volume_definition': {'volume_number': 0, 'size_kib': size_kib}}, exists=503)
        self.acknowledge('POST', f'/v1/resource-definitions/{name}/autoplace',
                         {'select_filter': {'place_count': 2, 'storage_pool': 'thin'}})
        self.expected[name] = size_kib

    def look(self, name):
        """What was acknowledged must be there at any later time."""
        volumes = self.acknowledge('GET', f'/v1/resource-definitions/{name}/volume-definitions').json
        if len(volumes) != 1 or volumes[0]['size_kib'] != self.expected[name]:
            raise Lost(f'{name}: acknowledged {self.expected[name]} KiB, there is {volumes}')

    def acknowledge(self, method, path, body=None, exists=None):
        """Repeats until there is an answer that says it is done. exists: the code that says it was done by an earlier try."""
        deadline, unsure, last = time.monotonic() + PATIENCE_SECONDS, False, None
        while time.monotonic() < deadline:
            try:
                answer = self.rest.call(method, path, body)
            except Broken as problem:
                self.unanswered += 1
                unsure, last = True, problem
                time.sleep(0.02)
                continue
            if answer.status < 300 and not answer.errors:
                self.acknowledged += 1
                return answer
            if unsure and exists in answer.codes:
                return answer
            if answer.status == 404:
                raise Lost(str(answer))
            self.refused += 1
            last = answer
            time.sleep(0.1)
        raise AssertionError(f'not done within {PATIENCE_SECONDS} s: {last}')


class Killer(threading.Thread):
    def __init__(self, cluster, seed):
        super().__init__(daemon=True, name='killer')
        self.cluster, self.random, self.done, self.problem = cluster, random.Random(f'{seed}/kill'), threading.Event(), None
        self.victims, self.more = [], threading.Condition()

    def await_kills(self, count):
        with self.more:
            self.more.wait_for(lambda: len(self.victims) >= count or self.problem or self.done.is_set())

    def run(self):
        try:
            while not self.done.wait(self.random.choice((0, 0.01, 0.03, 0.1, 0.3)) * self.random.random()):
                victim = self.random.choice(self.cluster.processes)
                victim.kill()
                with self.more:
                    self.victims.append(victim.name)
                    self.more.notify_all()
                if victim is not self.cluster.controller:
                    self.done.wait(self.random.choice((0, 0, 0.1, 1)))
                victim.start()
        except Exception as problem:
            self.problem = problem
            with self.more:
                self.more.notify_all()


def mark(device, name):
    """Writes 4 KiB that tell the name to the start of a device."""
    block = (name.encode() + b' ').ljust(4096, bytes([zlib.crc32(name.encode()) & 0xFF]))
    handle = os.open(device, os.O_RDWR | os.O_SYNC)
    try:
        os.pwrite(handle, block, 0)
    finally:
        os.close(handle)
    return block


def read_block(device):
    handle = os.open(device, os.O_RDONLY)
    try:
        return os.pread(handle, 4096, 0)
    finally:
        os.close(handle)


def storm(seed, resources):
    with Cluster(satellites=3, source='storm') as cluster:
        cluster.register()
        blocks = {}
        for number in range(4):    # resources that live through everything and hold data
            name = f'kept{number}'
            cluster.create_definition(name, [4 * MIB])
            cluster.create_resource(name, f'n{number % 3 + 1}')
        cluster.await_settled()
        for (name, node), volumes in cluster.replicas().items():
            blocks[name, node] = mark(volumes[0]['device_path'], name)

        names = [f'storm{number:03}' for number in range(resources)]
        killer = Killer(cluster, seed)
        workers = [Worker(cluster, n, names[n::WORKERS], seed, killer) for n in range(WORKERS)]
        for thread in [*workers, killer]:
            thread.start()
        for worker in workers:
            worker.join()
        killer.done.set()
        killer.join()
        counts = [sum(getattr(w, key) for w in workers) for key in ('acknowledged', 'unanswered', 'refused')]
        print(f'     {counts[0]} requests acknowledged, {counts[1]} unanswered, {counts[2]} refused; {len(killer.victims)} kills:'
              f' {" ".join(killer.victims)}', flush=True)
        for thread in [*workers, killer]:
            assert thread.problem is None, f'{thread.name}: {type(thread.problem).__name__}: {thread.problem}'
        assert killer.victims, 'nothing was killed: too fast or too few resources'

        for name in cluster.satellites:
            cluster.await_online(name)
        expected = {name: size for worker in workers for name, size in worker.expected.items()}
        expected.update({f'kept{number}': 4 * MIB for number in range(4)})
        listed = {}

        def settled():
            listed.clear()
            listed.update({d['name']: [v['size_kib'] for v in d.get('volume_definitions', [])]
                           for d in cluster.rest.get('/v1/resource-definitions?with_volume_definitions=true')})
            return listed == {name: [size] for name, size in expected.items()}
        wait_for(lambda: f'the definitions that were acknowledged; different: '
                 f'{sorted(n for n in set(listed) | set(expected) if listed.get(n) != [expected.get(n)])[:5]}', settled, 60)
        replicas = cluster.replicas()
        for name in names:
            count = sum(1 for resource, _ in replicas if resource == name)
            assert count == (2 if name in expected else 0), f'{name} has {count} replicas'
        cluster.await_match({key: {0: expected[key[0]]} for key in replicas}, 120)
        replicas = cluster.replicas()
        for key, block in blocks.items():
            assert read_block(replicas[key][0]['device_path']) == block, f'{key} lost its data'
        cluster.delete_everything(120)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--seed', type=int, default=None)
    parser.add_argument('--resources', type=int, default=200)
    parser.add_argument('--quick', action='store_true')
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(1 << 32)
    resources = 40 if arguments.quick else arguments.resources
    suite = Suite('storm')

    @suite.case(f'{resources} resources, kills at random moments, seed {seed}', seconds=900)
    def _():
        storm(seed, resources)

    return suite.run([])


if __name__ == '__main__':
    sys.exit(main())
