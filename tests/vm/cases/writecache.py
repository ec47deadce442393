# SPDX-License-Identifier: GPL-3.0-or-later
"""WRITECACHE on loop devices: what is written stays, whatever happens to mapping, satellite and machine."""
import json
import re
import struct
import time

from contract.place import RealTools
from suite import wait_for
from vm.case import case
from vm.cluster import SECONDS, Cluster, kib

MODULES = ['loop', 'dm-writecache']
LAYERS = ['WRITECACHE', 'STORAGE']
# Nothing is written back by itself before a tenth of a minute has passed, and only from a cache that is nearly full.
LAZY = {'Writecache/PoolName': 'fast', 'Writecache/Size': '32768', 'Writecache/Options/HighWatermark': '99',
        'Writecache/Options/LowWatermark': '98'}
NAME = 'linstor_writecache_data_00000'


def create(cluster, size='64M', props=None):
    machine = cluster.machine('n1')
    machine.run('mkdir -p /srv/pool/slow /srv/pool/fast')
    cluster.create_pool('n1', 'slow', 'FILE_THIN', '/srv/pool/slow')
    cluster.create_pool('n1', 'fast', 'FILE', '/srv/pool/fast')
    cluster.create_resource('data', [size], ['n1'], 'slow', LAYERS, {**LAZY, **(props or {})})
    device = cluster.device('data', 'n1')
    assert device == f'/dev/mapper/{NAME}', device
    return machine, device


def used_blocks(machine):
    """Blocks that are not written back."""
    _, _, _, _, total, free, *_ = machine.run(f'dmsetup status {NAME}').out.split()
    return int(total) - int(free)


@case('a volume is made, written, grown while it is mounted, and deleted', modules=MODULES)
def _(machines):
    with Cluster(machines) as cluster:
        machine, device = create(cluster)
        assert machine.run(f'dmsetup table {NAME}').out.split()[2:4] == ['writecache', 's']
        machine.run(f'mkfs.ext4 -q {device} && mount {device} /mnt && head -c 8M /dev/urandom >/mnt/file && sync')
        before = machine.sha256('/mnt/file')
        assert used_blocks(machine) > 100, 'nothing is held by the cache'
        cluster.resize('data', '96M')
        assert cluster.size_kib('n1', device) == kib('96M')
        assert machine.sha256('/mnt/file') == before
        machine.run(f'resize2fs {device} && head -c 40M /dev/urandom >/mnt/more && umount /mnt && e2fsck -fn {device}')
        level = cluster.rest.get('/v1/view/resources?resources=data')[0]['layer_object']
        assert level['type'] == 'WRITECACHE' and [c['type'] for c in level['children']] == ['STORAGE', 'STORAGE'], level
        assert level['children'][1]['resource_name_suffix'] == '.cache', level
        volume = level['writecache']['writecache_volumes'][0]
        assert volume['device_path'] == device and volume['device_path_cache'].startswith('/dev/loop'), volume
        cluster.delete('data')


@case('options change while it is mounted, and no data is lost', modules=MODULES)
def _(machines):
    with Cluster(machines) as cluster:
        machine, device = create(cluster)
        machine.run(f'mkfs.ext4 -q {device} && mount {device} /mnt && head -c 8M /dev/urandom >/mnt/file && sync')
        before = machine.sha256('/mnt/file')
        cluster.rest.put('/v1/resource-definitions/data', {'override_props': {
            'Writecache/Options/LowWatermark': '40', 'Writecache/Options/StartSector': '64',
            'Writecache/Options/AutocommitTime': '500', 'Writecache/Options/Fua': 'Off'}})
        wait_for(lambda: f'the options are there: {machine.run(f"dmsetup table {NAME}").out}',
                 lambda: 'low_watermark 40 autocommit_time 500' in machine.run(f'dmsetup table {NAME}').out, SECONDS)
        assert 'start_sector' not in machine.run(f'dmsetup table {NAME}').out, 'the cache would be formatted'
        machine.run('echo 3 >/proc/sys/vm/drop_caches')
        assert machine.sha256('/mnt/file') == before
        machine.run(f'umount /mnt && e2fsck -fn {device}')
        cluster.delete('data')


@case('power cut with data that is only in the cache: it is there afterwards', modules=MODULES)
def _(machines):
    with Cluster(machines) as cluster:
        machine, device = create(cluster)
        machine.write_pattern(device, 7, 24)
        assert used_blocks(machine) > 1000, 'the cache holds nothing that could be lost'
        cluster.power_cut('n1')
        cluster.power_on('n1')
        cluster.await_online('n1')
        cluster.await_size('data', {0: '64M'})
        assert used_blocks(machine) > 1000, 'the cache was made anew'
        machine.check_pattern(device, 7, 24)
        cluster.delete('data')


@case('a cache device that was blanked is told, and not formatted', modules=MODULES)
def _(machines):
    with Cluster(machines) as cluster:
        machine, device = create(cluster)
        machine.write_pattern(device, 7, 8)
        cluster.kill('n1')
        machine.run(f'udevadm settle; dmsetup remove --retry {NAME}; losetup -D; '
                    'dd if=/dev/zero of=/srv/pool/fast/data.cache_00000.img bs=4k count=1 conv=notrunc')
        cluster.start('n1')
        cluster.await_online('n1')
        wait_for(lambda: f'it is refused: {cluster.problems("data")}',
                 lambda: 'holds no writecache' in str(cluster.problems('data')), SECONDS)
        assert machine.run(f'dmsetup info {NAME}', check=False).status != 0, 'it was mapped'
        cluster.delete('data')


@case('what a step leaves that ends in its middle is mended', modules=MODULES)
def _(machines):
    with Cluster(machines) as cluster:
        machine, device = create(cluster)
        machine.write_pattern(device, 3, 16)
        cluster.kill('n1')
        machine.run(f'dmsetup suspend {NAME}')
        cluster.start('n1')
        cluster.await_online('n1')
        wait_for('it is resumed', lambda: 'ACTIVE' in machine.run(f'dmsetup info {NAME}').out, SECONDS)
        machine.check_pattern(device, 3, 16)
        cluster.kill('n1')
        machine.run(f'udevadm settle; dmsetup remove --retry {NAME} && dmsetup create --notable {NAME}')
        cluster.start('n1')
        cluster.await_online('n1')
        cluster.await_size('data', {0: '64M'})
        machine.check_pattern(device, 3, 16)
        cluster.delete('data')


@case('what is mounted is not removed; it goes when it is free', modules=MODULES)
def _(machines):
    with Cluster(machines) as cluster:
        machine, device = create(cluster)
        machine.run(f'mkfs.ext4 -q {device} && mount {device} /mnt && echo yes >/mnt/file')
        answer = cluster.rest.call('DELETE', '/v1/resource-definitions/data')
        assert answer.status == 500, answer
        wait_for(lambda: f'it is told: {cluster.problems("data")}',
                 lambda: f'{device} is in use: mounted at /mnt' in str(cluster.problems('data')), SECONDS)
        assert machine.run('cat /mnt/file').out == 'yes\n'
        machine.run('umount /mnt')
        cluster.await_gone('data')


def is_suspended(machine):
    return machine.run(f'dmsetup info -c --noheadings -o suspended {NAME}').out.strip() == 'Suspended'


def frame(steps):
    """For printf of a shell."""
    body = json.dumps({'steps': steps}).encode()
    return ''.join(f'\\{byte:03o}' for byte in struct.pack('=I', len(body)) + body)


def run_steps(machine, program, steps, notes=''):
    """In a worker of its own; what each came to."""
    out = machine.run(f"printf '{frame(steps)}' | {program} worker {notes}").out
    return re.findall(r'"result":"?(\w+)', out)


def hold(machine, program, hold_ms, notes=''):
    """A worker of its own suspends the device and waits for a tool, of which nobody tells it how it ended."""
    steps = [{'what': 'suspend', 'kind': 'DM_SUSPEND', 'name': NAME, 'hold_ms': hold_ms},
             {'what': 'a tool', 'kind': 'EXEC', 'argv': ['true']},
             {'what': 'resume', 'kind': 'DM_RESUME', 'name': NAME, 'always': True}]
    machine.run(f"""rm -f /run/worker.out
                    (printf '{frame(steps)}'; exec sleep 1000) 2>/dev/null | {program} worker {notes} >/run/worker.out 2>&1 &
                    echo $! >/run/worker.pid; agent await /run/worker.out {SECONDS}""")
    assert 'DONE' in machine.run('cat /run/worker.out').out, 'it is not suspended'


@case('suspended by who is gone, or too slow: it goes on by itself', modules=MODULES)
def _(machines):
    with Cluster(machines) as cluster:
        machine, device = create(cluster)
        machine.write_pattern(device, 5, 8)
        cluster.kill('n1')    # it would resume what it finds suspended
        hold(machine, cluster.program, 600000)
        assert is_suspended(machine)
        machine.run('kill -9 $(pgrep -x -f "sleep 1000")')
        wait_for('it goes on when nobody is there', lambda: not is_suspended(machine), SECONDS)
        hold(machine, cluster.program, 3000)
        wait_for('it goes on in time', lambda: not is_suspended(machine), SECONDS)
        machine.run('kill -9 $(pgrep -x -f "sleep 1000")')
        # The worker was killed, too, and no controller is there to want anything. What others hold stays as it is.
        cluster.kill('n1', 'controller')
        machine.run('dmsetup create linstor_writecache_others --table "0 8 zero" && dmsetup suspend linstor_writecache_others')
        hold(machine, cluster.program, 600000, '/srv/satellite/held')
        machine.run('kill -9 $(cat /run/worker.pid); kill -9 $(pgrep -x -f "sleep 1000")')
        assert is_suspended(machine), 'the worker has let it go'
        cluster.start('n1')
        wait_for('it goes on at the start', lambda: not is_suspended(machine), SECONDS)
        assert 'ACTIVE' not in machine.run('dmsetup info linstor_writecache_others').out
        machine.run('dmsetup remove linstor_writecache_others')
        wait_for('its note is gone', lambda: not machine.run('ls /srv/satellite/held').out, SECONDS)
        machine.check_pattern(device, 5, 8)
        cluster.start('n1', 'controller')
        cluster.await_controller()
        cluster.await_online('n1')
        cluster.delete('data')


@case('a udevd that is stuck keeps nothing still, and a table that is refused leaves no note', modules=MODULES)
def _(machines):
    with Cluster(machines) as cluster:
        machine, device = create(cluster)
        machine.write_pattern(device, 6, 8)
        steps = [{'what': 'a step', 'kind': kind, 'name': NAME, 'always': kind == 'DM_RESUME'} for kind in ('DM_SUSPEND', 'DM_RESUME') * 3]
        machine.run('udevadm settle; udevadm control --stop-exec-queue')
        try:
            begin = time.monotonic()
            results = run_steps(machine, cluster.program, steps)
            assert results == ['DONE'] * 6, results
            assert time.monotonic() - begin < 40, 'it waited for udevd'    # for 15 s, three times
            assert '0x' not in machine.run('dmsetup udevcookies').out, 'a semaphore was left'
        finally:
            machine.run('udevadm control --start-exec-queue; udevadm settle')
        machine.run(f'test -L {device} && udevadm info {device} | grep -q DM_NAME={NAME}')
        # The note of a table that was not loaded stays only while somebody keeps the mapping suspended. A satellite would
        # resume it whenever it looks.
        cluster.kill('n1')
        table = machine.run(f'dmsetup table {NAME}').out.strip()
        assert ' 4096 ' in table, table
        reload = [{'what': 'load nonsense', 'kind': 'DM_RELOAD', 'name': NAME, 'text': table.replace(' 4096 ', ' 4095 ')}]
        for is_kept in (False, True):
            if is_kept:
                machine.run(f'dmsetup suspend {NAME}')
            results = run_steps(machine, cluster.program, reload, '/run/notes')
            assert results == ['FAILED'], results
            assert machine.run('ls /run/notes').out.split() == [f'dm:{NAME}'] * is_kept
            assert is_suspended(machine) == is_kept
        machine.run(f'dmsetup resume {NAME} && rm -r /run/notes')
        cluster.start('n1')
        cluster.await_online('n1')
        machine.check_pattern(device, 6, 8)
        cluster.delete('data')


@case('killed while a snapshot is taken: it goes on, and the snapshot is whole', modules=['dm-writecache', 'dm-thin-pool'],
      tools=['lvcreate', 'thin_check'])
def _(machines):
    machine = machines[0]
    with RealTools(machine) as place:
        place.prepare('lvm vgcreate vg0 /dev/vda /dev/vdb', undo='lvm vgremove -fy vg0 && lvm pvremove /dev/vda /dev/vdb')
        place.prepare('lvm lvcreate --yes --type thin-pool --size 256M --name tp vg0')
        place.control.pool('pool', 'LVM_THIN', 'vg0/tp')
        words = {'layers': LAYERS, 'sides': [('.cache', 'pool')], 'props': {'Writecache/Size': '32768'}}
        device, = place.control.create('data', 'pool', ['16M'], **words)
        # Commands: the one that takes it, with the mark of one that may be void; the one that takes the mark away.
        for seed, (count, when, is_void) in enumerate(((1, 'before', False), (1, 'after', True), (2, 'before', True), (2, 'after', False))):
            place.write_pattern(device, seed, 16)
            place.kill_at(count, when)
            place.control.snapshot('data', f'{when}{count}', wait=False)
            place.await_killed()
            wait_for('it goes on without a satellite', lambda: not is_suspended(machine), SECONDS)
            removals = sum(line.startswith('lvm lvremove') for line in place.commands())
            place.start()
            place.control.await_applied('data')
            assert sum(line.startswith('lvm lvremove') for line in place.commands()) - removals == is_void, place.commands()
            assert 'linstor_void' not in place.run('lvm lvs -o lv_tags vg0')
            if when == 'after':    # one was taken again, the other one was confirmed
                copy, = place.control.create('copy', 'pool', ['16M'], origin=('data', f'{when}{count}'), **words)
                place.check_pattern(copy, seed, 16)
                place.control.delete('copy')
        place.control.delete('data')


@case('a snapshot that takes too long is tried again much later, or with the next one', modules=['dm-writecache', 'dm-thin-pool'],
      tools=['lvcreate', 'thin_check'])
def _(machines):
    machine = machines[0]
    with RealTools(machine) as place:
        place.prepare('lvm vgcreate vg0 /dev/vda /dev/vdb', undo='lvm vgremove -fy vg0 && lvm pvremove /dev/vda /dev/vdb')
        place.prepare('lvm lvcreate --yes --type thin-pool --size 256M --name tp vg0')
        control = place.control
        control.pool('pool', 'LVM_THIN', 'vg0/tp')
        device, = control.create('data', 'pool', ['16M'], layers=LAYERS, sides=[('.cache', 'pool')], props={'Writecache/Size': '32768'})
        place.write_pattern(device, 1, 16)

        def taken():
            return sum('--snapshot' in line for line in place.commands())
        place.hang(True, 'snapshot')
        control.snapshot('data', 'late', wait=False)
        wait_for('it stands still', lambda: is_suspended(machine), SECONDS)
        wait_for('it goes on', lambda: not is_suspended(machine), SECONDS)
        let_go = time.monotonic()
        place.hang(False)
        control.await_trouble('data', 'it takes too long')
        wait_for('what is void is gone', lambda: 'late' not in place.run('lvm lvs -o lv_name vg0'), SECONDS)
        trouble = control.fact('data')['trouble']
        assert 175000 - 1000 * (time.monotonic() - let_go) < trouble['retry_in_ms'] <= 180000, trouble
        # All else is done meanwhile, and without the snapshot.
        control.grow('data', '32M', wait=False)
        wait_for('it grows', lambda: place.size_mib(device) == 32, SECONDS)
        control.await_trouble('data', 'it takes too long')
        assert (taken() == 1 or time.monotonic() - let_go > 170) and not is_suspended(machine), place.commands()
        control.snapshot('data', 'next', wait=False)
        control.await_applied('data')
        assert taken() >= 3 and all(control.snapshot_fact('data', name)['exists'] for name in ('late', 'next'))
        place.check_pattern(device, 1, 16)
        control.drop_snapshot('data', 'late')
        control.drop_snapshot('data', 'next')
        control.delete('data')
