# SPDX-License-Identifier: GPL-3.0-or-later
"""ZFS and ZFS_THIN, with the controller. What needs snapshots, or tools that fail, is in tests/contract."""
from suite import wait_for
from vm.case import case
from vm.cluster import SECONDS, Cluster, kib

# On a slow machine udev is slower than zpool waits.
TANK = '(' + ' || '.join(3 * ['zpool create -f -m none tank /dev/vda']) + ')'
NO_TANK = 'zpool destroy tank'


def pool_of(cluster, node, pool):
    return cluster.rest.get(f'/v1/nodes/{node}/storage-pools/{pool}')


def zfs(machine, name, prop):
    return machine.run(f'zfs get -Hp -o value {prop} {name}').out.strip()


def ask_for_refused(cluster, resource, size, pool):
    """Of a resource whose satellite will not make it now: it stays wanted."""
    cluster.create_resource(resource, [size], [], pool, wait=False)
    answer = cluster.rest.call('POST', f'/v1/resource-definitions/{resource}/resources/n1',
                               {'resource': {'node_name': 'n1', 'props': {'StorPoolName': pool}}})
    assert answer.status == 500, answer


def await_nothing(machine):
    """Neither volumes nor snapshots."""
    wait_for(lambda: f'nothing in tank: {machine.lines("zfs list -Hrt volume,snapshot -o name tank")}',
             lambda: not machine.lines('zfs list -Hrt volume,snapshot -o name tank'), SECONDS)


@case('thick and thin: created, filled, grown while mounted, deleted', modules=['zfs'])
def _(machines):
    machine = machines[0]
    with Cluster(machines) as cluster:
        cluster.prepare('n1', f'{TANK} && zfs create tank/linstor', undo=NO_TANK)
        cluster.create_pool('n1', 'thick', 'ZFS', 'tank')
        cluster.create_pool('n1', 'thin', 'ZFS_THIN', 'tank/linstor', {'StorDriver/ZfscreateOptions': '-b 64k -o compression=off'})
        before = pool_of(cluster, 'n1', 'thick')['free_capacity']
        cluster.create_resource('fat', ['64M'], ['n1'], 'thick')
        cluster.create_resource('slim', ['40000K'], ['n1'], 'thin')    # no multiple of 64 KiB
        assert int(zfs(machine, 'tank/fat_00000', 'refreservation')) >= 64 << 20, 'its room is not reserved'
        assert zfs(machine, 'tank/linstor/slim_00000', 'refreservation') == '0'
        assert zfs(machine, 'tank/linstor/slim_00000', 'volblocksize') == '65536'
        assert zfs(machine, 'tank/linstor/slim_00000', 'compression') == 'off'
        assert zfs(machine, 'tank/fat_00000', 'linstor:uuid') != '-', 'it does not bear its owner'
        wait_for('the pool has less room', lambda: pool_of(cluster, 'n1', 'thick')['free_capacity'] <= before - kib('64M'), SECONDS)
        machine.write_pattern(cluster.device('slim', 'n1'), 7, 32)

        device = cluster.device('fat', 'n1')
        assert device == '/dev/zvol/tank/fat_00000'
        machine.run(f'mkfs.ext4 -q {device} && mount {device} /mnt && head -c 8M /dev/urandom >/mnt/file')
        digest = machine.sha256('/mnt/file')
        cluster.resize('fat', '96M')
        cluster.resize('slim', '80M')
        machine.run(f'resize2fs {device}')
        assert machine.sha256('/mnt/file') == digest
        assert int(zfs(machine, 'tank/fat_00000', 'refreservation')) >= 96 << 20, 'what it grew by is not reserved'
        machine.run(f'umount /mnt && e2fsck -fn {device}')
        machine.check_pattern(cluster.device('slim', 'n1'), 7, 32)
        cluster.delete('fat')
        cluster.delete('slim')
        await_nothing(machine)


# Files of known content, one after the other, until /tmp/stop is there; the sums of what was written go to /tmp/sums.
WRITER = '''
    number=0
    while [ ! -e /tmp/stop ]; do
        head -c 200000 /dev/urandom >/tmp/source
        cp /tmp/source /mnt/file$number || break
        sum=$(sha256sum </tmp/source)
        echo "${sum%-}/mnt/file$number" >>/tmp/sums
        number=$((number + 1))
    done
    touch /tmp/stopped
'''


def is_there(machine, file):
    return machine.run(f'test -e {file}', check=False).status == 0


def guards(machine):
    """Process ids of those who thaw what is frozen when nobody else does."""
    return [line.split('/')[2] for line in machine.lines('grep -lx linstor-thaw /proc/[0-9]*/comm 2>/dev/null || true')]


@case('a file system that is written to all the time loses nothing when its zvol grows', modules=['zfs'])
def _(machines):
    machine = machines[0]
    with Cluster(machines) as cluster:
        cluster.prepare('n1', TANK, undo=NO_TANK)
        cluster.create_pool('n1', 'thin', 'ZFS_THIN', 'tank')
        for make, grow in (('mkfs.ext4 -q', 'resize2fs {device}'), ('mkfs.xfs -q', 'xfs_growfs /mnt')):
            cluster.create_resource('data', ['400M'], ['n1'], 'thin')
            device = cluster.device('data', 'n1')
            machine.run(f'{make} {device} && mount {device} /mnt && rm -f /tmp/stop /tmp/stopped /tmp/sums')
            machine.run(f'({WRITER}) >/dev/null 2>&1 &')
            wait_for('it writes', lambda: len(machine.lines('cat /tmp/sums 2>/dev/null || true')) > 3, SECONDS)
            for size in ('480M', '560M', '640M'):
                cluster.resize('data', size)
            machine.run(grow.format(device=device))
            machine.run('touch /tmp/stop')
            wait_for('it stops', lambda: is_there(machine, '/tmp/stopped'), SECONDS)
            machine.run('sha256sum --quiet -c /tmp/sums')
            wait_for('who stands by goes when it is done', lambda: not guards(machine), SECONDS)
            machine.run(f'umount /mnt && mount {device} /mnt && sha256sum --quiet -c /tmp/sums && umount /mnt')
            cluster.delete('data')
        await_nothing(machine)


# Stands in the place of zfs: volumes grow when /tmp/hang is gone.
SLOW_ZFS = '''#!/bin/sh
case "$*" in 'set volsize='*) echo yes >/tmp/hangs; while [ -e /tmp/hang ]; do sleep 0.2; done ;; esac
exec /tmp/zfs "$@"
'''


@case('a tool that hangs, and a worker that is killed, leave no file system frozen', modules=['zfs'])
def _(machines):
    machine = machines[0]
    with Cluster(machines) as cluster:
        cluster.prepare('n1', TANK, undo=NO_TANK)
        cluster.create_pool('n1', 'thin', 'ZFS_THIN', 'tank')
        cluster.create_resource('data', ['64M'], ['n1'], 'thin')
        device = cluster.device('data', 'n1')
        machine.run(f'mkfs.ext4 -q {device} && mount {device} /mnt')
        machine.run('zfs=$(command -v zfs) && cp $zfs /tmp/zfs && cat >/tmp/slow && chmod +x /tmp/slow && mount --bind /tmp/slow $zfs', stdin=SLOW_ZFS)
        for size, kills in (('80M', True), ('96M', False)):
            machine.run('rm -f /tmp/hangs /tmp/written; touch /tmp/hang')
            cluster.begin('PUT', '/v1/resource-definitions/data/volume-definitions/0', {'size_kib': kib(size)})
            machine.run(f'agent await /tmp/hangs {SECONDS}')
            guard, = guards(machine)
            machine.run('(echo text >/mnt/late && touch /tmp/written) >/dev/null 2>&1 &')
            if kills:
                machine.run(f'kill -9 $(sed -n "s/^PPid:[[:space:]]*//p" /proc/{guard}/status) && sleep 1 && test ! -e /tmp/written && rm /tmp/hang')
                wait_for('it is thawed when the tool has ended', lambda: is_there(machine, '/tmp/written'), SECONDS)
            else:
                wait_for('it is thawed although the tool hangs', lambda: is_there(machine, '/tmp/written'), SECONDS)
                assert is_there(machine, '/tmp/hang') and not guards(machine)
                machine.run('sync; rm /tmp/hang')    # from here on others may open the device a moment too early
            cluster.await_size('data', {0: size})
            wait_for('nobody stands by any more', lambda: not guards(machine), SECONDS)
            machine.run(f'resize2fs {device} && test "$(cat /mnt/late)" = text && rm /mnt/late')
        machine.run('umount -l $(command -v zfs)')    # which a satellite may be running
        wait_for('nobody keeps it mounted', lambda: machine.run('umount /mnt', check=False).status == 0, SECONDS)
        machine.run(f'e2fsck -fn {device}')
        cluster.delete('data')
        await_nothing(machine)


# Mounts in a namespace of its own, writes, and tells what it reads after others have had their way.
HIDDEN = '''
    mount {device} /mnt && head -c 3000000 /dev/urandom >/tmp/source && cp /tmp/source /mnt/file && touch /tmp/mounted
    while [ ! -e /tmp/stop ]; do sleep 0.2; done
    sync && echo 3 >/proc/sys/vm/drop_caches && cmp /tmp/source /mnt/file && touch /tmp/same
    until umount /mnt; do sleep 0.2; done
    touch /tmp/stopped
'''


@case('a file system that is mounted elsewhere is frozen there; one that somebody else has frozen keeps its size', modules=['zfs'])
def _(machines):
    machine = machines[0]
    with Cluster(machines) as cluster:
        cluster.prepare('n1', TANK, undo=NO_TANK)
        cluster.create_pool('n1', 'thin', 'ZFS_THIN', 'tank')
        cluster.create_resource('data', ['200M'], ['n1'], 'thin')
        device = cluster.device('data', 'n1')
        machine.run(f'mkfs.btrfs -q {device}; rm -f /tmp/stop /tmp/stopped /tmp/mounted /tmp/same')
        machine.run(f'unshare -m --propagation private sh -ec \'{HIDDEN.format(device=device)}\' >/dev/null 2>&1 &')
        wait_for('it is mounted', lambda: is_there(machine, '/tmp/mounted'), SECONDS)
        assert '/mnt' not in machine.run('cat /proc/mounts').out
        cluster.resize('data', '240M')
        machine.run('touch /tmp/stop')
        wait_for('it ends', lambda: is_there(machine, '/tmp/stopped'), SECONDS)
        assert is_there(machine, '/tmp/same'), 'something is lost'

        machine.run(f'mkfs.ext4 -qF {device} && mount {device} /mnt && fsfreeze -f /mnt')
        cluster.begin('PUT', '/v1/resource-definitions/data/volume-definitions/0', {'size_kib': kib('280M')})
        wait_for(lambda: f'it says why: {cluster.problems("data")}', lambda: 'frozen by somebody else' in str(cluster.problems('data')), SECONDS)
        assert cluster.size_kib('n1', device) == kib('240M')
        machine.run('fsfreeze -u /mnt')    # which would fail if it had been thawed
        cluster.await_size('data', {0: '280M'})
        wait_for('nobody stands by any more', lambda: not guards(machine), SECONDS)
        machine.run('umount /mnt')
        cluster.delete('data')
        await_nothing(machine)


@case('a zpool that is exported and imported again', modules=['zfs'])
def _(machines):
    machine = machines[0]
    with Cluster(machines) as cluster:
        cluster.prepare('n1', TANK, undo=NO_TANK)
        cluster.create_pool('n1', 'thin', 'ZFS_THIN', 'tank')
        cluster.create_resource('data', ['32M'], ['n1'], 'thin')
        machine.write_pattern(cluster.device('data', 'n1'), 5, 32)
        machine.run('udevadm settle')
        wait_for('nobody looks at a volume', lambda: machine.run('zpool export tank', check=False).status == 0, SECONDS)
        wait_for('the pool is reported', lambda: 'not imported' in str(pool_of(cluster, 'n1', 'thin').get('reports')), SECONDS)
        wait_for('the volume is reported', lambda: not cluster.volumes('data')['n1'][0].get('device_path'), SECONDS)
        assert not machine.lines('zpool list -Ho name'), 'somebody made the pool anew'
        ask_for_refused(cluster, 'later', '16M', 'thin')
        machine.run('zpool import tank')
        cluster.await_size('data', {0: '32M'})
        cluster.await_size('later', {0: '16M'})
        machine.check_pattern(cluster.device('data', 'n1'), 5, 32)
        cluster.kill('n1')
        cluster.await_offline('n1')
        machine.run('zfs destroy -r tank/data_00000')
        cluster.start('n1')
        cluster.await_online('n1')
        wait_for(lambda: f'a volume that vanished is not made anew: {cluster.problems("data")}',
                 lambda: 'has vanished' in str(cluster.problems('data')), SECONDS)
        cluster.delete('data')
        cluster.delete('later')
        await_nothing(machine)
