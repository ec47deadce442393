# SPDX-License-Identifier: GPL-3.0-or-later
"""Each layer: the satellite is killed after each step of making, growing and deleting a volume, and the data is whole."""
import re

from suite import wait_for
from vm.case import case
from vm.cases import cache, luks, nvme
from vm.cluster import SECONDS, Cluster, kib

PATH = '/v1/resource-definitions/data'
MOST_KILLS = 60
ROWS = (
    # title, layers, properties, least kills while it is made, grown and deleted, tools, modules
    ('WRITECACHE', ['WRITECACHE', 'STORAGE'], {'Writecache/PoolName': 'fast', 'Writecache/Size': '16384'}, (5, 3, 4),
     [], ['loop', 'dm-writecache']),
    ('CACHE on WRITECACHE', ['CACHE', 'WRITECACHE', 'STORAGE'], {**cache.PROPS, 'Writecache/PoolName': 'fast'}, (12, 5, 9), [], cache.MODULES),
    ('BCACHE', ['BCACHE', 'STORAGE'], {'BCache/PoolName': 'fast', 'BCache/Writeback': 'True'}, (6, 4, 4), ['make-bcache'], ['loop', 'bcache']),
    ('LUKS', ['LUKS', 'STORAGE'], luks.FAST, (4, 3, 4), ['cryptsetup'], luks.MODULES),
)


def kill_after_each_step(cluster, node, finished):
    """Starts the satellite again and again, to kill itself after one step, until one has nothing more to do; what the others had done.

    Some steps are done once in each life: a satellite whose predecessor had come no further than another one may do two.
    """
    kills = []
    while len(kills) < MOST_KILLS:
        cluster.start(node, environment={'LINSTOR_KILL_AFTER': '2' if len(kills) > 1 and kills[-1] in kills[:-1] else '1'})
        ended = cluster.begin_await_end(node)
        cluster.rest.call('PUT', f'/v1/nodes/{node}/reconnect')    # the pauses between attempts have become long
        wait_for(lambda: f'a step of {node} is done after {kills}: {cluster.problems("data")}',
                 lambda: ended.done() or (cluster.node_state(node) == 'ONLINE' and finished()), 2 * SECONDS)
        is_through = not ended.done()
        cluster.await_end(node, 'satellite', 'kill -KILL $(cat /run/satellite.pid) 2>/dev/null || true', '137')
        if is_through:
            cluster.start(node)
            cluster.await_online(node)
            return kills
        kills.append(re.findall('killed after "(.*)"', cluster.log(node))[-1])
    raise AssertionError(f'it does not come to an end: {kills}')


def stage(cluster, node, least, ask, finished):
    """While no satellite runs there something is asked for; then it is killed after each step of that."""
    cluster.kill(node)
    cluster.await_offline(node)
    ask()
    kills = kill_after_each_step(cluster, node, finished)
    assert len(kills) >= least, kills


def has(cluster, node, size):
    def look():
        device = cluster.volumes('data').get(node, {}).get(0, {}).get('device_path')
        return device and (cluster.size_kib(node, device) or 0) >= kib(size)
    return look


def is_gone(cluster, path=PATH):
    return lambda: cluster.rest.call('GET', path).status == 404


def live(machines, layers, props, least):
    with Cluster(machines) as cluster:
        machine = cache.make_pools(cluster)
        if 'LUKS' in layers:
            cluster.rest.post(luks.PASSPHRASE_PATH, {'new_passphrase': luks.PASSPHRASE})
        stage(cluster, 'n1', least[0], lambda: cluster.create_resource('data', ['64M'], ['n1'], 'slow', layers, props, wait=False),
              has(cluster, 'n1', '64M'))
        machine.write_pattern(cluster.device('data', 'n1'), 5, 32)
        machine.run('udevadm settle')
        stage(cluster, 'n1', least[1], lambda: cluster.resize('data', '96M', wait=False), has(cluster, 'n1', '96M'))
        cluster.await_size('data', {0: '96M'})
        machine.check_pattern(cluster.device('data', 'n1'), 5, 32)
        machine.run('udevadm settle')
        stage(cluster, 'n1', least[2], lambda: cluster.change('DELETE', PATH), is_gone(cluster))


def add_cases():
    for title, layers, props, least, tools, modules in ROWS:
        @case(f'{title}: after each step of making, growing and deleting a volume', tools=tools, modules=modules, seconds=3600)
        def _(machines, row=(layers, props, least)):
            live(machines, *row)


add_cases()


def grow_without_target(cluster):
    """It is stored; the other side, which waits for the new size for some seconds only, may say so in an error."""
    answer = cluster.rest.call('PUT', f'{PATH}/volume-definitions/0', {'size_kib': kib('96M')})
    assert answer.entries[0]['ret_code'] > 0, answer


@case('NVME: after each step of exporting, connecting, growing and deleting, on both sides', nodes=2, modules=nvme.MODULES, seconds=3600)
def _(machines):
    with Cluster(machines) as cluster:
        one, two = machines
        one.run('mkdir -p /srv/pool/thin')
        cluster.create_pool('n1', 'thin', 'FILE_THIN', '/srv/pool/thin')
        stage(cluster, 'n1', 4, lambda: cluster.create_resource('data', ['64M'], ['n1'], 'thin', ['NVME', 'STORAGE'],
                                                                {'NVMe/TRType': 'tcp'}, wait=False), has(cluster, 'n1', '64M'))
        stage(cluster, 'n2', 1, lambda: nvme.connect(cluster), has(cluster, 'n2', '64M'))
        two.write_pattern(cluster.device('data', 'n2'), 5, 32)
        stage(cluster, 'n1', 2, lambda: grow_without_target(cluster), has(cluster, 'n2', '96M'))
        two.check_pattern(cluster.device('data', 'n2'), 5, 32)
        two.run('udevadm settle')
        stage(cluster, 'n2', 1, lambda: cluster.change('DELETE', nvme.INITIATOR), is_gone(cluster, nvme.INITIATOR))
        stage(cluster, 'n1', 3, lambda: cluster.change('DELETE', PATH), is_gone(cluster))
