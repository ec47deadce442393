# SPDX-License-Identifier: GPL-3.0-or-later
"""NVMe over TCP: n1 exports what its pool holds, n2 uses it. What is written arrives, whatever happens to either."""
from suite import wait_for
from vm.case import case
from vm.cluster import SECONDS, Cluster, kib

MODULES = ['loop', 'nvmet', 'nvmet-tcp', 'nvme-tcp']
SUBSYSTEM = '/sys/kernel/config/nvmet/subsystems/LS-NVMe_data'
INITIATOR = '/v1/resource-definitions/data/resources/n2'


def create(cluster, size='64M', props=None):
    """The device on n2."""
    cluster.machine('n1').run('mkdir -p /srv/pool/thin')
    cluster.create_pool('n1', 'thin', 'FILE_THIN', '/srv/pool/thin')
    cluster.create_resource('data', [size], ['n1'], 'thin', ['NVME', 'STORAGE'], {'NVMe/TRType': 'tcp', **(props or {})})
    connect(cluster)
    cluster.await_size('data', {0: size})
    device = cluster.device('data', 'n2')
    assert device.startswith('/dev/nvme'), device
    return device


def connect(cluster):
    cluster.change('POST', INITIATOR, {'resource': {'node_name': 'n2', 'flags': ['NVME_INITIATOR']}})


def mount(machine, device):
    machine.run(f'mkfs.ext4 -q {device} && mount {device} /mnt && head -c 8M /dev/urandom >/mnt/file && sync')
    return machine.sha256('/mnt/file')


def await_gone(machine, what, path):
    wait_for(f'{what} is gone', lambda: machine.run(f'ls -d {path}', check=False).status != 0, SECONDS)


@case('a volume is exported, used, grown while it is mounted, and deleted', nodes=2, modules=MODULES)
def _(machines):
    with Cluster(machines) as cluster:
        one, two = machines
        device = create(cluster)
        assert one.run(f'cat {SUBSYSTEM}/attr_allow_any_host').out == '0\n'
        assert one.run(f'ls {SUBSYSTEM}/allowed_hosts').out == 'n2\n'
        shown = {r['node_name']: r for r in cluster.rest.get('/v1/view/resources?resources=data')}
        assert shown['n2']['flags'] == ['DISKLESS', 'NVME_INITIATOR'], shown['n2']
        assert shown['n2']['volumes'][0]['storage_pool_name'] == 'DfltDisklessStorPool', shown['n2']
        before = mount(two, device)
        cluster.resize('data', '96M')
        assert cluster.size_kib('n2', device) == kib('96M')
        assert two.sha256('/mnt/file') == before
        two.run(f'resize2fs {device} && head -c 40M /dev/urandom >/mnt/more && umount /mnt && e2fsck -fn {device}')
        two.write_pattern(device, 5, 96)
        one.check_pattern(cluster.device('data', 'n1'), 5, 96)
        cluster.delete('data')


@case('two volumes: one is added and removed while the other is mounted', nodes=2, modules=MODULES)
def _(machines):
    with Cluster(machines) as cluster:
        one, two = machines
        device = create(cluster)
        before = mount(two, device)
        cluster.change('POST', '/v1/resource-definitions/data/volume-definitions', {'volume_definition': {'size_kib': kib('32M')}})
        cluster.await_size('data', {0: '64M', 1: '32M'})
        second = cluster.device('data', 'n2', 1)
        two.write_pattern(second, 9, 32)
        two.run('udevadm settle')
        cluster.change('DELETE', '/v1/resource-definitions/data/volume-definitions/1')
        await_gone(one, 'the namespace', f'{SUBSYSTEM}/namespaces/2')
        await_gone(two, 'its device', f'/sys/block/{second.rpartition("/")[2]}')
        assert two.sha256('/mnt/file') == before
        two.run('umount /mnt')
        cluster.delete('data')


@case('the machine with the volume loses power: the other one goes on where it was', nodes=2, modules=MODULES)
def _(machines):
    # Controller and initiator stay: the target is the second machine here.
    with Cluster(machines) as cluster:
        one, two = machines
        two.run('mkdir -p /srv/pool/thin')
        cluster.create_pool('n2', 'thin', 'FILE_THIN', '/srv/pool/thin')
        cluster.create_resource('data', ['64M'], ['n2'], 'thin', ['NVME', 'STORAGE'], {'NVMe/TRType': 'tcp'})
        cluster.change('POST', '/v1/resource-definitions/data/resources/n1',
                       {'resource': {'node_name': 'n1', 'flags': ['NVME_INITIATOR']}})
        cluster.await_size('data', {0: '64M'})
        device = cluster.device('data', 'n1')
        before = mount(one, device)
        two.run('sync')
        cluster.power_cut('n2')
        cluster.await_state('n2', 'OFFLINE')
        # Grown meanwhile: stored, and told to this side only when the other one has it.
        answer = cluster.rest.call('PUT', '/v1/resource-definitions/data/volume-definitions/0', {'size_kib': kib('96M')})
        assert answer.status == 200 and not answer.errors, answer
        assert len([entry for entry in answer.entries if entry['ret_code'] & 3 << 62]) == 1, answer
        assert not any(volume.get('reports') for volume in cluster.volumes('data')['n1'].values()), cluster.problems('data')
        cluster.power_on('n2')
        cluster.await_online('n2')
        wait_for('it has grown', lambda: cluster.size_kib('n1', device) == kib('96M'), SECONDS)
        one.run('echo 3 >/proc/sys/vm/drop_caches')
        assert one.sha256('/mnt/file') == before
        assert cluster.device('data', 'n1') == device
        one.run(f'head -c 8M /dev/urandom >/mnt/more && umount /mnt && e2fsck -fn {device}')
        cluster.delete('data')


@case('the machine that uses the volume loses power: it finds it again', nodes=2, modules=MODULES)
def _(machines):
    with Cluster(machines) as cluster:
        device = create(cluster)
        cluster.machine('n2').write_pattern(device, 7, 48)
        cluster.power_cut('n2')
        cluster.power_on('n2')
        cluster.await_online('n2')
        cluster.await_size('data', {0: '64M'})
        cluster.machine('n2').check_pattern(cluster.device('data', 'n2'), 7, 48)
        cluster.delete('data')


@case('what steps leave that end in their middle is mended, on both sides', nodes=2, modules=MODULES)
def _(machines):
    with Cluster(machines) as cluster:
        device = create(cluster)
        cluster.machine('n2').write_pattern(device, 3, 16)
        cluster.kill('n2')
        cluster.machine('n2').run('for f in /sys/class/nvme/*/delete_controller; do echo 1 >$f; done')
        cluster.kill('n1')
        cluster.machine('n1').run(f'rm /sys/kernel/config/nvmet/ports/*/subsystems/* && echo 0 >{SUBSYSTEM}/namespaces/1/enable')
        for node in ('n1', 'n2'):
            cluster.start(node)
        for node in ('n1', 'n2'):
            cluster.await_online(node)
        cluster.await_size('data', {0: '64M'})
        cluster.machine('n2').check_pattern(cluster.device('data', 'n2'), 3, 16)
        cluster.machine('n2').run('udevadm settle')
        asked = cluster.begin('DELETE', '/v1/resource-definitions/data')
        cluster.kill('n1')
        cluster.start('n1')
        asked.result()
        cluster.await_gone('data')


@case('what is mounted is not removed, nor what it lies on; both go when it is free', nodes=2, modules=MODULES)
def _(machines):
    with Cluster(machines) as cluster:
        one, two = machines
        before = mount(two, create(cluster))
        cluster.rest.call('DELETE', '/v1/resource-definitions/data')
        wait_for(lambda: f'it is told: {cluster.problems("data")}', lambda: 'mounted at /mnt' in str(cluster.problems('data')), SECONDS)
        assert one.run(f'cat {SUBSYSTEM}/namespaces/1/enable').out == '1\n'
        two.run('echo 3 >/proc/sys/vm/drop_caches')
        assert two.sha256('/mnt/file') == before
        two.run('umount /mnt')
        cluster.await_gone('data')


@case('what cannot be is refused, and says why', nodes=2, modules=MODULES)
def _(machines):
    with Cluster(machines) as cluster:
        cluster.rest.post('/v1/resource-definitions', {'resource_definition': {
            'name': 'data', 'props': {'NVMe/TRType': 'tcp'}, 'layer_data': [{'type': 'NVME'}, {'type': 'STORAGE'}]}})
        body = {'resource': {'node_name': 'n2', 'flags': ['NVME_INITIATOR']}}
        answer = cluster.rest.call('POST', INITIATOR, body)
        assert 'has no NVMe target' in str(answer), answer
        cluster.delete('data')
        create(cluster)
        answer = cluster.rest.call('POST', '/v1/resource-definitions/data/resources/n2', body)
        assert 'already exists' in str(answer), answer
        cluster.change('DELETE', INITIATOR)
        wait_for('the initiator is gone', lambda: cluster.rest.call('GET', INITIATOR).status == 404, SECONDS)
        await_gone(machines[0], 'its permission', f'{SUBSYSTEM}/allowed_hosts/n2')
        cluster.delete('data')
