#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the owned conformance scenarios (owned.txt) against our own controller and five satellites.

    check.py [SCENARIO...] [-v] [--loose] [--all]

Satellites n1..n5 listen on 127.0.0.11-15. Each has a file system of its own in a sparse image of 2..6 GiB (XFS with shared extents
where it can be made, else btrfs, else ext4) with the directories a and b. --all runs every scenario that needs no DRBD, owned or not.
"""
import json
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / 'lib')]
import machine
import run
from cluster import Cluster
from suite import Skip


class OwnEnv(run.Env):
    """Hooks are calls into the cluster instead of shell commands."""

    def __init__(self, cluster, description):
        super().__init__(None)
        file = cluster.directory / 'env.json'
        file.write_text(json.dumps(description))
        super().__init__(file)
        self.cluster, self.ended = cluster, []
        self.hooks = {'fresh': self.fresh, 'stop': self.stop, 'start': self.start}
        self.has |= set(self.hooks)

    def run(self, name, args):
        if name not in self.hooks:
            raise run.Skip(f'no hook {name}')
        self.hooks[name](args or {})

    def before(self):
        """A program that ended by itself fails its scenario, not all that follow: it is started again; the end tells about it."""
        for process in self.cluster.processes:
            if not process.is_running():
                print(f'DIFF conformance: {process.name} had ended with {process.child.returncode}', flush=True)
                self.ended.append(process.name)
                process.start()

    def fresh(self, _args):
        """Another cluster: its controller has a new UUID, and satellites that remember the last one would refuse it."""
        controller = self.cluster.controller
        for satellite in self.cluster.satellites.values():
            satellite.kill()
        controller.kill()
        shutil.rmtree(controller.data)
        controller.data.mkdir()
        controller.start()
        for satellite in self.cluster.satellites.values():
            (satellite.data / 'cluster').unlink(missing_ok=True)
            satellite.start()

    def stop(self, args):
        self.cluster.satellites[args['node']].kill()

    def start(self, args):
        self.cluster.satellites[args['node']].start()


def main():
    arguments = sys.argv[1:]
    options = ['check', '--talkative', '--owned', str(HERE / 'owned.txt')]
    if '--all' in arguments:
        arguments.remove('--all')
        options = ['check', '--talkative']
    cluster = Cluster(satellites=5, source='conformance', start=False)
    try:
        with cluster:
            (cluster.directory / 'image').mkdir()
            kinds = set()
            for number, satellite in enumerate(cluster.satellites.values(), 2):
                kinds.add(machine.mount_image(cluster.directory / 'image' / satellite.name, number * 1024, satellite.pool))
                for name in ('a', 'b'):
                    (satellite.pool / name).mkdir()
            print(f'pools lie on {", ".join(sorted(kinds))}' + (' (without shared extents)' if 'ext4' in kinds else ''), flush=True)
            cluster.start()
            env = OwnEnv(cluster, {'has': [], 'satellites': [
                {'name': s.name, 'address': s.address, 'port': s.port, 'dir': str(s.pool)} for s in cluster.satellites.values()]})
            url = f'http://{cluster.controller.address}:{cluster.controller.port}'
            status = run.main([*options, '--url', url, *arguments], env)
            if env.ended:
                print(f'FAIL conformance: ended by themselves: {env.ended}', flush=True)
                status = 1
            left = cluster.devices()
            if left:
                print(f'FAIL conformance: devices left over: {left}', flush=True)
                status = 1
            return status
    except Skip as reason:
        print(f'skip conformance: {reason}\n0 passed, 0 failed, 1 skipped')
        return 0
    except (AssertionError, RuntimeError) as problem:
        print(f'FAIL conformance: {problem}\n0 passed, 1 failed, 0 skipped')
        return 1


if __name__ == '__main__':
    sys.exit(main())
