#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The published Python client does the whole flow against the controller. Skipped where its registry cannot be reached."""
import datetime
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'lib'))
import venv
from cluster import Cluster
from proxy import Recorder
from suite import Skip, Suite, wait_for

suite = Suite('python-linstor')
MIB = 1024


class Session:
    """A cluster, the recording proxy, and the library talking through it."""

    def __init__(self, satellites=3):
        import linstor
        self.library = linstor
        self.cluster = Cluster(satellites=satellites, source='python-linstor')

    def __enter__(self):
        self.cluster.__enter__()
        controller = self.cluster.controller
        self.proxy = Recorder(controller.address, controller.port, 'python-linstor').__enter__()
        self.uri = f'linstor://127.0.0.1:{self.proxy.port}'
        self.api = self.library.Linstor(self.uri)
        self.api.connect()
        return self

    def __exit__(self, *problem):
        self.api.disconnect()
        self.proxy.__exit__()
        self.cluster.__exit__(*problem)

    def succeeded(self, answers):
        assert answers, 'an empty answer'
        assert self.library.Linstor.all_api_responses_no_error(answers), [str(a) for a in answers]
        return answers

    def refused(self, answers):
        assert not self.library.Linstor.all_api_responses_no_error(answers), [str(a) for a in answers]
        return answers

    def prepare(self):
        for name, satellite in self.cluster.satellites.items():
            answers = self.succeeded(self.api.node_create(name, 'Satellite', satellite.address, 'Plain', satellite.port))
            assert answers[0].is_success()
            self.cluster.await_online(name)
            self.succeeded(self.api.storage_pool_create(name, 'thin', 'FILE_THIN', str(satellite.pool)))


@suite.case('nodes: create, list, properties, interfaces, reconnect, delete')
def _():
    with Session(2) as session:
        api = session.api
        session.prepare()
        nodes = api.node_list_raise().nodes
        assert [n.name for n in nodes] == ['n1', 'n2']
        assert all(n.type == 'SATELLITE' and n.connection_status == 'ONLINE' for n in nodes)
        session.succeeded(api.node_modify('n1', property_dict={'Aux/rack': 'a'}))
        assert api.node_list_raise(filter_by_nodes=['n1']).nodes[0].props['Aux/rack'] == 'a'
        assert [n.name for n in api.node_list_raise(filter_by_props=['Aux/rack=a']).nodes] == ['n1']
        session.succeeded(api.node_modify('n1', property_dict={}, delete_props=['Aux/rack']))
        session.succeeded(api.netinterface_create('n1', 'second', '127.0.0.21'))
        session.succeeded(api.netinterface_modify('n1', 'second', '127.0.0.22'))
        interfaces = {i.name: i.address for i in api.node_list_raise(['n1']).nodes[0].net_interfaces}
        assert interfaces == {'default': session.cluster.satellites['n1'].address, 'second': '127.0.0.22'}
        session.succeeded(api.netinterface_delete('n1', 'second'))
        session.succeeded(api.node_reconnect(['n1']))
        session.cluster.await_online('n1')
        session.refused(api.node_create('n1', 'Satellite', '127.0.0.30', 'Plain', 3366))
        session.succeeded(api.storage_pool_delete('n2', 'thin'))
        session.succeeded(api.node_delete('n2'))
        assert [n.name for n in api.node_list_raise().nodes] == ['n1']
        assert api.node_delete('n2')[0].is_warning()


@suite.case('group, volume group, spawn, view, size queries, resize, properties, delete')
def _():
    with Session() as session:
        api, cluster = session.api, session.cluster
        session.prepare()
        pools = api.storage_pool_list_raise().storage_pools
        assert len(pools) == 6, [p.name for p in pools]
        thin = [p for p in pools if p.name == 'thin']
        assert len(thin) == 3 and all(p.free_space.free_capacity > 0 and p.provider_kind == 'FILE_THIN' for p in thin)
        session.succeeded(api.resource_group_create('web', 'pages', place_count=2, storage_pool=['thin'], layer_list=['storage']))
        session.succeeded(api.volume_group_create('web'))
        groups = {g.name: g for g in api.resource_group_list_raise().resource_groups}
        assert groups['web'].select_filter.place_count == 2 and groups['web'].description == 'pages'
        assert 'DfltRscGrp' in groups
        assert [g.number for g in api.volume_group_list_raise('web').volume_groups] == [0]
        session.succeeded(api.resource_group_modify('web', description='new pages'))
        size = api.resource_group_query_size_info('web')
        assert size.space_info is not None and size.space_info.max_vlm_size_in_kib > 0
        assert api.resource_group_qmvs('web')
        assert api.storage_pool_dfn_max_vlm_sizes(2)
        session.succeeded(api.resource_group_spawn('web', 'site', ['64MiB']))

        cluster.await_settled()
        resources = api.resource_list_raise(filter_by_resources=['site']).resources
        assert len(resources) == 2
        for resource in resources:
            assert resource.volumes[0].device_path.startswith('/dev/loop'), resource.volumes[0].device_path
            assert resource.volumes[0].storage_pool_name == 'thin'
        assert api.volume_list_raise(filter_by_resources=['site']).resources
        assert not api.resource_list_raise(filter_by_resources=['other']).resources

        session.succeeded(api.volume_dfn_modify('site', 0, size=128 * MIB))
        cluster.await_match({key: {0: 128 * MIB} for key in cluster.replicas()})
        session.succeeded(api.resource_dfn_modify('site', {'Aux/owner': 'me'}))
        definition = api.resource_dfn_list_raise(query_volume_definitions=True,
                                                 filter_by_resource_definitions=['site']).resource_definitions[0]
        assert definition.properties['Aux/owner'] == 'me'
        assert definition.volume_definitions[0].size == 128 * MIB
        assert definition.resource_group_name == 'web'
        session.succeeded(api.resource_modify(resources[0].node_name, 'site', {'Aux/replica': 'first'}))
        session.succeeded(api.resource_auto_place('site', 3))
        assert len(api.resource_list_raise(filter_by_resources=['site']).resources) == 3
        session.succeeded(api.resource_delete(resources[0].node_name, 'site'))
        answers = session.succeeded(api.resource_dfn_delete('site'))
        assert answers[0].is_success()
        cluster.await_match({})
        session.succeeded(api.resource_group_delete('web'))


@suite.case('a definition by hand: volumes, resources on chosen nodes, volume deletion')
def _():
    with Session(2) as session:
        api, cluster = session.api, session.cluster
        session.prepare()
        session.succeeded(api.resource_dfn_create('hand', layer_list=['storage']))
        for size in (8192, 16384):
            session.succeeded(api.volume_dfn_create('hand', size))
        from linstor import ResourceData
        session.succeeded(api.resource_create([ResourceData('n1', 'hand', storage_pool='thin'),
                                               ResourceData('n2', 'hand', storage_pool='thin')]))
        cluster.await_match({('hand', n): {0: 8192, 1: 16384} for n in ('n1', 'n2')})
        session.succeeded(api.volume_dfn_delete('hand', 0))
        cluster.await_match({('hand', n): {1: 16384} for n in ('n1', 'n2')})
        session.refused(api.storage_pool_delete('n1', 'thin'))
        session.succeeded(api.resource_delete('n1', 'hand'))
        session.succeeded(api.resource_dfn_delete('hand'))
        cluster.await_match({})
        session.succeeded(api.storage_pool_delete('n1', 'thin'))


@suite.case('controller: version, properties, error reports')
def _():
    with Session(0) as session:
        api = session.api
        version = api.controller_version()
        assert version.rest_api_version.startswith('1.') and version.version
        session.succeeded(api.controller_set_prop('Aux/here', 'yes'))
        assert any('Aux/here' in p.properties for p in api.controller_props()), api.controller_props()
        session.succeeded(api.controller_del_prop('Aux/here'))
        answers = session.refused(api.resource_dfn_create('no good name'))
        assert answers[0].is_error() and answers[0].message
        reports = api.error_report_list(with_content=True, since=datetime.datetime.now() - datetime.timedelta(hours=1))
        assert isinstance(reports, list)
        session.succeeded(api.error_report_delete(since=datetime.datetime.now() - datetime.timedelta(hours=1)))
        session.refused(api.resource_dfn_modify('nosuch', {'Aux/a': 'b'}))


@suite.case('the high-level Resource class')
def _():
    with Session() as session:
        session.prepare()
        cluster = session.cluster
        session.succeeded(session.api.resource_group_create('high', place_count=2, storage_pool=['thin'], layer_list=['storage']))
        from linstor import Resource
        resource = Resource.from_resource_group(session.uri, 'high', 'level', ['64MiB'])
        assert resource.is_assigned('n1') + resource.is_assigned('n2') + resource.is_assigned('n3') == 2
        assert resource.volumes[0].device_path.startswith('/dev/')
        resource.volumes[0].size = 128 * 1024 * 1024
        wait_for('resized', lambda: all(d['size_kib'] == 128 * MIB for d in cluster.devices().values()), 20)
        resource.delete(snapshots=False)    # the list of snapshots is not served yet
        cluster.await_match({})


if __name__ == '__main__':
    try:
        venv.enter('linstor', 'python-linstor')
    except Skip as reason:
        print(f'skip python-linstor: {reason}\n0 passed, 0 failed, 1 skipped')
        sys.exit(0)
    sys.exit(suite.run())
