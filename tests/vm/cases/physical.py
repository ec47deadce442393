# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks of nodes, and device pools made of them."""
from suite import wait_for
from vm.case import case
from vm.cluster import SECONDS, Cluster

DISK = 2 << 30


def listed(cluster, node='n1'):
    """Never none here: that is what the controller answers when a slow node has not told its disks in time."""
    path = f'/v1/physical-storage/{node}'
    return wait_for('the disks are told', lambda: sorted(device['device'] for device in cluster.rest.get(path)), SECONDS)


def make(cluster, body, node='n1'):
    """(status, entries) of the request for a device pool."""
    answer = cluster.rest.call('POST', f'/v1/physical-storage/{node}', body, timeout=SECONDS)
    return answer.status, answer.data.decode()


@case('what is in use is not listed and not taken, what holds data only by force; nothing is left of what fails', tools=['lvcreate', 'mkfs.ext4'],
      modules=['dm-mod'])
def _(machines):
    machine = machines[0]
    with Cluster(machines) as cluster:
        assert listed(cluster) == ['/dev/vda', '/dev/vdb', '/dev/vdc'], 'all but the mounted one'
        group, = wait_for('the disks are told', lambda: cluster.rest.get('/v1/physical-storage/'), SECONDS)
        assert group['size'] == DISK and sorted(d['device'] for d in group['nodes']['n1']) == listed(cluster), group
        text = str(cluster.linstor('physical-storage', 'list'))
        assert '/dev/vdb' in text and '/dev/vdd' not in text, text

        body = {'provider_kind': 'LVM', 'pool_name': 'vg0', 'device_paths': ['/dev/vdd']}
        status, said = make(cluster, body)
        assert status == 500 and 'in use' in said, said
        status, said = make(cluster, {**body, 'device_paths': ['/dev/nosuch']})
        assert status == 500 and 'no block device' in said, said
        status, said = make(cluster, {**body, 'vdo_enable': True})
        assert status == 500 and 'VDO' in said, said
        status, said = make(cluster, {**body, 'device_paths': ['/dev/vda'], 'vg_create_arguments': ['--no-such-option']})
        assert status == 500 and 'unrecognized option' in said, said
        assert listed(cluster) == ['/dev/vda', '/dev/vdb', '/dev/vdc'], 'the physical volume of the failed attempt is left'

        machine.run('vgcreate other /dev/vdc')
        body['device_paths'] = ['/dev/vdc']
        status, said = make(cluster, body)
        assert status == 500 and 'LVM2_member' in said, said
        status, said = make(cluster, {**body, 'pv_create_arguments': ['-y']})
        assert status == 500 and 'without -ff' in said, said
        assert machine.lines('vgs --noheadings -o vg_name') == ['other'], 'the other volume group was touched'
        machine.run('vgremove other && pvremove /dev/vdc && udevadm settle')

        machine.run('mkfs.ext4 -q /dev/vda && udevadm settle')
        assert listed(cluster) == ['/dev/vdb', '/dev/vdc']
        body['device_paths'] = ['/dev/vda', '/dev/vdb']
        status, said = make(cluster, body)
        assert status == 500 and 'ext4' in said, said
        assert machine.run('blkid -p -o value -s TYPE /dev/vda').out.strip() == 'ext4', 'it was written to'
        status, said = make(cluster, {**body, 'pv_create_arguments': ['-ff'], 'with_storage_pool': {'name': 'lvm'}})
        assert status == 201 and "New storage pool 'lvm'" in said, said
        assert machine.lines('vgs --noheadings -o pv_count vg0') == ['2']
        wait_for('the pool is usable', lambda: cluster.rest.get('/v1/nodes/n1/storage-pools/lvm').get('total_capacity', 0) > 4000 << 10, SECONDS)
        assert listed(cluster) == ['/dev/vdc']
        status, said = make(cluster, {**body, 'device_paths': ['/dev/vdc']})
        assert status == 500 and 'of this name already' in said, said
        status, said = make(cluster, {**body, 'pool_name': 'vg1', 'device_paths': ['/dev/vdc'], 'with_storage_pool': {'name': 'lvm'}})
        assert status == 500 and 'already' in said and listed(cluster) == ['/dev/vdc'], said
        cluster.create_resource('db', ['64M'], ['n1'], 'lvm')
        machine.write_pattern(cluster.device('db', 'n1'), 1, 64)
        cluster.delete('db')
        machine.run('vgremove -fy vg0 && pvremove -y /dev/vda /dev/vdb')


@case('a thin pool, by the client', tools=['lvcreate', 'thin_check'], modules=['dm-thin-pool'])
def _(machines):
    with Cluster(machines) as cluster:
        cluster.linstor('physical-storage', 'create-device-pool', 'lvmthin', 'n1', '/dev/vda', '--pool-name', 'thin', '--storage-pool', 'fast')
        assert machines[0].lines('lvs --noheadings -o lv_name linstor_thin') == ['thin']
        cluster.create_resource('db', ['64M'], ['n1'], 'fast')
        assert cluster.device('db', 'n1') == '/dev/linstor_thin/db_00000'
        cluster.delete('db')
        machines[0].run('vgremove -fy linstor_thin && pvremove -y /dev/vda')


@case('a zpool, by the client', modules=['zfs'])
def _(machines):
    with Cluster(machines) as cluster:
        def make_pool(attempts=3):
            """On a slow machine udev is slower with new partitions than zpool waits for them."""
            try:
                cluster.linstor('physical-storage', 'create-device-pool', 'zfsthin', 'n1', '/dev/vda', '/dev/vdb', '--pool-name', 'tank',
                                '--storage-pool', 'fast', '--zpool-create-arguments=-Ocompression=off')
            except AssertionError as problem:
                if attempts == 1 or 'zpool' not in str(problem):
                    raise
                machines[0].run('udevadm settle; zpool destroy -f tank 2>/dev/null; wipefs -qaf /dev/vda?* /dev/vdb?* /dev/vda /dev/vdb; '
                                'blockdev --rereadpt /dev/vda /dev/vdb; udevadm settle', check=False)
                make_pool(attempts - 1)
        make_pool()
        assert machines[0].lines('zpool list -Ho name') == ['tank']
        assert listed(cluster) == ['/dev/vdc'], 'zvols and members of zpools are not listed'
        cluster.create_resource('db', ['1200M'], ['n1'], 'fast')
        assert listed(cluster) == ['/dev/vdc'], 'a zvol is listed'
        cluster.delete('db')
        machines[0].run('zpool destroy tank')
