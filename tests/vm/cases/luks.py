# SPDX-License-Identifier: GPL-3.0-or-later
"""LUKS: what is written stays readable to those who know the passphrase, and only to them."""
from suite import wait_for
from vm.case import case
from vm.cluster import SECONDS, Cluster, kib

MODULES = ['loop', 'dm-crypt', 'xts', 'aes_generic', 'sha256_generic', 'algif_skcipher']
LAYERS = ['LUKS', 'STORAGE']
# Key derivation as an emulated processor likes it.
FAST = {'StorDriver/LuksFormatOptions': '--pbkdf pbkdf2 --pbkdf-force-iterations 1000'}
NAME = 'Linstor-Crypt-data_00000'
DEVICE = f'/dev/mapper/{NAME}'
PASSPHRASE = 'a master passphrase that nobody else has'
PASSPHRASE_PATH = '/v1/encryption/passphrase'


def prepare(cluster):
    machine = cluster.machines['n1']
    cluster.rest.post(PASSPHRASE_PATH, {'new_passphrase': PASSPHRASE})
    machine.run('mkdir -p /srv/pool/thin')
    cluster.create_pool('n1', 'thin', 'FILE_THIN', '/srv/pool/thin')
    return machine


def create(cluster, size='64M', props=None, pool='thin'):
    cluster.create_resource('data', [size], ['n1'], pool, LAYERS, {**FAST, **(props or {})})
    device = cluster.device('data', 'n1')
    assert device == DEVICE, device
    return device


def below(cluster):
    """The device that bears the header."""
    layers = cluster.rest.get('/v1/view/resources?resources=data')[0]['layer_object']
    return layers['children'][0]['storage']['storage_volumes'][0]['device_path']


def opens(machine, device, passphrase):
    return machine.run(f'printf %s "{passphrase}" | cryptsetup open --test-passphrase --key-file - {device}', check=False).status == 0


def is_open(machine):
    return machine.run(f'dmsetup info {NAME}', check=False).status == 0


def restart_controller(cluster):
    cluster.kill('n1', 'controller')
    cluster.start('n1', 'controller')
    cluster.await_controller()
    cluster.await_online('n1')


@case('a volume is made, written, grown while it is mounted, and deleted', modules=MODULES, tools=['cryptsetup'])
def _(machines):
    with Cluster(machines) as cluster:
        machine = prepare(cluster)
        device = create(cluster, props={'Luks/AllowDiscards': 'true'})
        assert 'allow_discards' in machine.run(f'dmsetup table {NAME}').out
        assert cluster.size_kib('n1', device) == kib('64M'), cluster.size_kib('n1', device)
        machine.run(f'mkfs.ext4 -q {device} && mount {device} /mnt && head -c 8M /dev/urandom >/mnt/file && '
                    'echo the-plain-text-of-a-file >/mnt/plain && sync')
        before = machine.sha256('/mnt/file')
        lower = below(cluster)
        assert machine.run(f'cryptsetup isLuks --type luks2 {lower}', check=False).status == 0
        assert machine.run(f'grep -qa the-plain-text-of-a-file {lower}', check=False).status == 1, 'it is not encrypted'
        cluster.resize('data', '96M')
        assert cluster.size_kib('n1', device) == kib('96M')
        assert machine.sha256('/mnt/file') == before
        machine.run(f'resize2fs {device} && umount /mnt && e2fsck -fn {device}')
        level = cluster.rest.get('/v1/view/resources?resources=data')[0]['layer_object']
        assert level['type'] == 'LUKS' and [c['type'] for c in level['children']] == ['STORAGE'], level
        assert level['luks']['luks_volumes'][0]['opened'] is True, level
        machine.run(f'mount {device} /mnt')
        assert cluster.rest.call('DELETE', '/v1/resource-definitions/data').status == 500
        wait_for(lambda: f'who uses it is told: {cluster.problems("data")}',
                 lambda: 'in use: mounted at /mnt' in str(cluster.problems('data')), SECONDS)
        assert machine.sha256('/mnt/file') == before
        machine.run('umount /mnt')
        cluster.await_gone('data')
        assert not is_open(machine)


@case('without the passphrase a restarted controller leaves volumes as they are, and says what to enter', modules=MODULES,
      tools=['cryptsetup'])
def _(machines):
    with Cluster(machines) as cluster:
        machine = prepare(cluster)
        device = create(cluster)
        machine.write_pattern(device, 7, 24)
        restart_controller(cluster)
        assert cluster.rest.get(PASSPHRASE_PATH) == {'status': 'locked'}
        assert is_open(machine)
        machine.check_pattern(device, 7, 24)
        cluster.resize('data', '72M')    # the satellite knows the master key still

        cluster.power_cut('n1')
        cluster.power_on('n1')
        cluster.await_online('n1')
        wait_for(lambda: f'what to enter is told: {cluster.problems("data")}',
                 lambda: 'linstor encryption enter-passphrase' in str(cluster.problems('data')), SECONDS)
        assert not is_open(machine)
        wrong = cluster.rest.call('PATCH', PASSPHRASE_PATH, 'another')
        assert wrong.status == 500, wrong
        answer = cluster.rest.call('PATCH', PASSPHRASE_PATH, PASSPHRASE)
        assert answer.status == 200, answer
        cluster.await_size('data', {0: '72M'})
        machine.check_pattern(device, 7, 24)
        wait_for(lambda: f'nothing is wrong: {cluster.problems("data")}',
                 lambda: not any(cluster.problems('data').values()), SECONDS)
        cluster.delete('data')


@case('what is locked can be deleted', modules=MODULES, tools=['cryptsetup'])
def _(machines):
    with Cluster(machines) as cluster:
        machine = prepare(cluster)
        create(cluster)
        cluster.power_cut('n1')
        cluster.power_on('n1')
        cluster.await_online('n1')
        assert not is_open(machine)
        cluster.delete('data')


@case('the passphrase of one volume is changed, while it is open', modules=MODULES, tools=['cryptsetup'])
def _(machines):
    with Cluster(machines) as cluster:
        machine = prepare(cluster)
        device = create(cluster)
        lower = below(cluster)
        machine.write_pattern(device, 5, 16)
        path = '/v1/resource-definitions/data/volume-definitions/0/encryption-passphrase'
        for passphrase, older in (('first of my own', None), ('second of my own', 'first of my own')):
            cluster.rest.put(path, {'new_passphrase': passphrase})
            wait_for('it obeys the new one', lambda p=passphrase: opens(machine, lower, p), SECONDS)
            if older:
                wait_for('it obeys the old one no more', lambda o=older: not opens(machine, lower, o), SECONDS)
        wait_for('one key is left', lambda: machine.run(f'cryptsetup luksDump {lower}').out.count('PBKDF:') == 1, SECONDS)
        machine.check_pattern(device, 5, 16)
        # what a new master passphrase does not touch
        cluster.rest.put(PASSPHRASE_PATH, {'old_passphrase': PASSPHRASE, 'new_passphrase': 'another master passphrase'})
        cluster.kill('n1')
        machine.run(f'udevadm settle; cryptsetup close {NAME}')
        cluster.start('n1')
        cluster.await_online('n1')
        cluster.await_size('data', {0: '64M'})
        machine.check_pattern(device, 5, 16)
        cluster.delete('data')


@case('killed while it grows and changes its key: one of both keys opens it, and then the new one', modules=MODULES, tools=['cryptsetup'])
def _(machines):
    with Cluster(machines) as cluster:
        machine = prepare(cluster)
        create(cluster)
        machine.write_pattern(DEVICE, 3, 16)
        path = '/v1/resource-definitions/data/volume-definitions/0/encryption-passphrase'
        for attempt in range(2):
            size = 72 + 8 * attempt
            grows = cluster.begin('PUT', '/v1/resource-definitions/data/volume-definitions/0', {'size_kib': kib(f'{size}M')})
            changes = cluster.begin('PUT', path, {'new_passphrase': f'passphrase {attempt}'})
            machine.run(f'busybox usleep {attempt * 300000}')
            cluster.kill('n1')
            cluster.start('n1')
            grows.result()
            changes.result()
            cluster.await_size('data', {0: f'{size}M'})
            lower = below(cluster)
            wait_for('it obeys the new one', lambda a=attempt: opens(machine, lower, f'passphrase {a}'), SECONDS)
            machine.check_pattern(DEVICE, 3, 16)
        wait_for('it obeys no older one',
                 lambda: machine.run(f'cryptsetup luksDump {lower}').out.count('PBKDF:') == 1, SECONDS)
        cluster.delete('data')


@case('a header that vanished is not made anew', modules=MODULES, tools=['cryptsetup'])
def _(machines):
    with Cluster(machines) as cluster:
        machine = prepare(cluster)
        device = create(cluster)
        machine.write_pattern(device, 7, 8)
        lower = below(cluster)
        cluster.kill('n1')
        machine.run(f'udevadm settle; cryptsetup close {NAME} && dd if=/dev/zero of={lower} bs=1M count=16 conv=fsync')
        cluster.start('n1')
        cluster.await_online('n1')
        wait_for(lambda: f'it is refused: {cluster.problems("data")}',
                 lambda: 'LUKS header has vanished' in str(cluster.problems('data')), SECONDS)
        assert not is_open(machine)
        cluster.delete('data')


@case('no key is anywhere but in memory', modules=MODULES, tools=['cryptsetup'])
def _(machines):
    with Cluster(machines) as cluster:
        machine = prepare(cluster)
        secret = 'Kq8vZr2mXw5tNb7c'
        create(cluster)
        cluster.rest.put('/v1/resource-definitions/data/volume-definitions/0/encryption-passphrase', {'new_passphrase': secret})
        wait_for('it obeys the new one', lambda: opens(machine, below(cluster), secret), SECONDS)
        for needle in (secret, PASSPHRASE):
            # what the machine has written: /tmp shows the host's as well, which may be much
            found = machine.run(f'find /srv /run -path /srv/pool -prune -o -type f -exec grep -la "{needle}" {{}} +; '
                                f'find /tmp -maxdepth 1 -type f -newer /run/agent -exec grep -la "{needle}" {{}} +; '
                                'for p in controller satellite; do for f in cmdline environ; do '
                                f'grep -la "{needle}" /proc/$(cat /run/$p.pid)/$f; done; done', check=False).out
            assert not found, found
        cluster.delete('data')
