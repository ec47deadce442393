# SPDX-License-Identifier: GPL-3.0-or-later
"""What volumes cost on real volume managers: for contrib/bench, in one test machine.

For each provider, resources of one volume are created, grown and deleted, one alone and then COUNT by eight clients; beside them stand the
bare commands that an administrator would type for the same, in a loop in a shell. A line tells the time for each volume, from the
request to the answer that says that it is done, and how many processes the machine started meanwhile, udevd's and the bare loop's own
included. An emulated machine is slow: compare the columns, not machines.
"""
import dataclasses
import pathlib
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from rest import Rest
from vm import kernel
from vm.case import missing_for
from vm.cluster import Cluster
from vm.fleet import Fleet

SMALL_KIB, LARGE_KIB, CLIENTS = 8 * 1024, 12 * 1024, 8


@dataclasses.dataclass
class Ground:
    """A provider and the commands that do by hand what it does; N stands for the number of the volume."""
    provider: str
    where: str
    prepare: str
    undo: str
    create: str
    grow: str
    delete: str
    tools: tuple = ()
    modules: tuple = ()


LVM_UNDO = 'vgremove -fy vg0 && pvremove -y /dev/vda'
GROUNDS = (
    Ground('FILE_THIN', '/srv/pool', 'true', 'true',
           'truncate -s 8M /srv/bare-N && losetup -f --show /srv/bare-N >/run/bare-N',
           'truncate -s 12M /srv/bare-N && losetup -c $(cat /run/bare-N)',
           'losetup -d $(cat /run/bare-N) && rm /srv/bare-N'),
    Ground('LVM', 'vg0', 'vgcreate vg0 /dev/vda', LVM_UNDO,
           'lvcreate -qq -y -Wy -n bare-N -L 8M vg0', 'lvextend -qq -L 12M vg0/bare-N', 'lvremove -qq -f vg0/bare-N',
           tools=('lvcreate',), modules=('dm-mod',)),
    Ground('LVM_THIN', 'vg0/thin', 'vgcreate vg0 /dev/vda && lvcreate -qq -l 90%FREE -T vg0/thin', LVM_UNDO,
           'lvcreate -qq -y -n bare-N -V 8M -T vg0/thin', 'lvextend -qq -L 12M vg0/bare-N', 'lvremove -qq -f vg0/bare-N',
           tools=('lvcreate', 'thin_check'), modules=('dm-thin-pool',)),
    Ground('ZFS', 'zp0', 'zpool create -f -m none zp0 /dev/vda', 'zpool destroy zp0',
           'zfs create -V 8M zp0/bare-N', 'zfs set volsize=12M zp0/bare-N', 'zfs destroy zp0/bare-N', modules=('zfs',)),
)


class Meter:
    """Time and processes of what runs within its block."""

    def __init__(self, machine):
        self.machine = machine

    def started(self):
        return int(self.machine.run('udevadm settle; grep processes /proc/stat').out.split()[1])

    def __enter__(self):
        before = self.started()
        self.before, self.own = self.started(), 0
        self.own = self.before - before    # what asking costs
        self.began = time.monotonic()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.began
        self.processes = self.started() - self.before - self.own

    def per(self, count):
        return f'{1000 * self.seconds / count:.0f} ms, {self.processes / count:.1f} processes'


def work_ours(cluster, pool, numbers):
    """{'create': meter, ...} of resources of these numbers, by CLIENTS connections."""
    def connect(_):
        found = Rest('127.0.0.1', cluster.first.rest_port, 'bench', timeout=600)
        found.get('/v1/controller/version')    # one after the other: qemu's forwarding refuses many at once
        return found

    clients = [connect(i) for i in range(min(CLIENTS, len(numbers)))]

    def each(function):
        def some(first):
            for number in numbers[first::CLIENTS]:
                function(clients[first], f'/v1/resource-definitions/bench-{number}', number)
        with ThreadPoolExecutor(CLIENTS) as threads:
            list(threads.map(some, range(len(clients))))

    def define(mine, path, number):
        mine.post('/v1/resource-definitions', {'resource_definition': {'name': f'bench-{number}', 'layer_data': [{'type': 'STORAGE'}]}})
        mine.post(f'{path}/volume-definitions', {'volume_definition': {'size_kib': SMALL_KIB}}, (200, 201))

    def create(mine, path, _):
        mine.post(f'{path}/resources/n1', {'resource': {'node_name': 'n1', 'props': {'StorPoolName': pool}}})

    def grow(mine, path, _):
        mine.put(f'{path}/volume-definitions/0', {'size_kib': LARGE_KIB})

    def delete(mine, path, _):
        mine.delete(path)

    each(define)
    meters = {}
    for name, function in (('create', create), ('grow', grow), ('delete', delete)):
        with Meter(cluster.first) as meters[name]:
            each(function)
    for client in clients:
        client.close()
    return meters


def work_bare(machine, ground, numbers):
    meters = {}
    for name in ('create', 'grow', 'delete'):
        script = getattr(ground, name).replace('-N', '-$n')
        with Meter(machine) as meters[name]:
            machine.run(f'for n in {" ".join(map(str, numbers))}; do {script} || exit 1; done', timeout=600)
    return meters


def measure_ground(machines, ground, count, table):
    for module in ground.modules:
        machines[0].load(module)
    with Cluster(machines) as cluster:
        cluster.prepare('n1', ground.prepare, ground.undo)
        cluster.create_pool('n1', 'pool', ground.provider, ground.where)
        for numbers in ([0], list(range(1, count + 1))):
            ours, bare = work_ours(cluster, 'pool', numbers), work_bare(machines[0], ground, numbers)
            for name, meter in ours.items():
                table.add(f'{ground.provider}, {len(numbers)}: {name}', meter.per(len(numbers)), ceiling=f'bare {bare[name].per(len(numbers))}')


def measure(table, count):
    """Adds rows to contrib/bench's table. Raises kernel.Missing without qemu or a kernel for it."""
    files = kernel.prepare()
    with tempfile.TemporaryDirectory(prefix='linstor-vm-') as directory:
        fleet = Fleet(files, pathlib.Path(directory))
        try:
            machines = fleet.provide(1)
            for ground in GROUNDS:
                missing = missing_for(ground, files)
                if missing:
                    table.add(ground.provider, f'not measured: {missing}')
                else:
                    measure_ground(machines, ground, count, table)
                    fleet.check_clean(machines)
        finally:
            fleet.end()
