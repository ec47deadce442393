/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/resource.h"

static const struct field layer_volume_doc_fields[] = {
    OBJECT(layer_volume_doc, drbd_volume_definition, drbd_volume_definition_doc, 0),
    FIELD(layer_volume_doc, volume_number, 0),
    FIELD(layer_volume_doc, device_path, FIELD_NOT_EMPTY),
    FIELD(layer_volume_doc, device_path_cache, FIELD_NOT_EMPTY),
    FIELD(layer_volume_doc, device_meta_cache, FIELD_NOT_EMPTY),
    FIELD(layer_volume_doc, backing_device, FIELD_NOT_EMPTY),
    FIELD(layer_volume_doc, meta_disk, FIELD_NOT_EMPTY),
    FIELD(layer_volume_doc, allocated_size_kib, 0),
    FIELD(layer_volume_doc, usable_size_kib, 0),
    FIELD(layer_volume_doc, disk_state, FIELD_NOT_EMPTY),
    FIELD(layer_volume_doc, ext_meta_stor_pool, FIELD_NOT_EMPTY),
    FIELD(layer_volume_doc, opened, 0),
    FIELD(layer_volume_doc, corrupted_key, 0),
};
SCHEMA(layer_volume_doc)

static const struct field drbd_connection_doc_fields[] = {
    FIELD(drbd_connection_doc, connected, 0),
    FIELD(drbd_connection_doc, message, FIELD_NOT_EMPTY),
};
SCHEMA(drbd_connection_doc)

static const struct field drbd_layer_doc_fields[] = {
    OBJECT(drbd_layer_doc, drbd_resource_definition, drbd_definition_doc, 0),
    FIELD(drbd_layer_doc, node_id, 0),
    FIELD(drbd_layer_doc, tcp_ports, FIELD_NOT_EMPTY),
    FIELD(drbd_layer_doc, peer_slots, 0),
    FIELD(drbd_layer_doc, al_stripes, 0),
    FIELD(drbd_layer_doc, al_size, 0),
    FIELD(drbd_layer_doc, flags, FIELD_NOT_EMPTY),
    LIST(drbd_layer_doc, drbd_volumes, layer_volume_doc, FIELD_NOT_EMPTY),
    OBJECT_MAP(drbd_layer_doc, connections, drbd_connection_doc, FIELD_NOT_EMPTY),
    FIELD(drbd_layer_doc, promotion_score, 0),
    FIELD(drbd_layer_doc, may_promote, 0),
};
SCHEMA(drbd_layer_doc)

static const struct field luks_layer_doc_fields[] = {
    LIST(luks_layer_doc, luks_volumes, layer_volume_doc, FIELD_NOT_EMPTY),
};
SCHEMA(luks_layer_doc)

static const struct field storage_layer_doc_fields[] = {
    LIST(storage_layer_doc, storage_volumes, layer_volume_doc, FIELD_NOT_EMPTY),
};
SCHEMA(storage_layer_doc)

static const struct field nvme_layer_doc_fields[] = {
    LIST(nvme_layer_doc, nvme_volumes, layer_volume_doc, FIELD_NOT_EMPTY),
};
SCHEMA(nvme_layer_doc)

static const struct field writecache_layer_doc_fields[] = {
    LIST(writecache_layer_doc, writecache_volumes, layer_volume_doc, FIELD_NOT_EMPTY),
};
SCHEMA(writecache_layer_doc)

static const struct field cache_layer_doc_fields[] = {
    LIST(cache_layer_doc, cache_volumes, layer_volume_doc, FIELD_NOT_EMPTY),
};
SCHEMA(cache_layer_doc)

static const struct field bcache_layer_doc_fields[] = {
    LIST(bcache_layer_doc, bcache_volumes, layer_volume_doc, FIELD_NOT_EMPTY),
};
SCHEMA(bcache_layer_doc)

static const struct field layer_object_doc_fields[] = {
    LIST(layer_object_doc, children, layer_object_doc, FIELD_NOT_EMPTY),
    FIELD(layer_object_doc, resource_name_suffix, FIELD_NOT_EMPTY),
    FIELD(layer_object_doc, type, FIELD_NOT_EMPTY),
    OBJECT(layer_object_doc, drbd, drbd_layer_doc, 0),
    OBJECT(layer_object_doc, luks, luks_layer_doc, 0),
    OBJECT(layer_object_doc, storage, storage_layer_doc, 0),
    OBJECT(layer_object_doc, nvme, nvme_layer_doc, 0),
    OBJECT(layer_object_doc, writecache, writecache_layer_doc, 0),
    OBJECT(layer_object_doc, cache, cache_layer_doc, 0),
    OBJECT(layer_object_doc, bcache, bcache_layer_doc, 0),
};
SCHEMA(layer_object_doc)

static const struct field replication_state_doc_fields[] = {
    FIELD(replication_state_doc, replication_state, FIELD_NOT_EMPTY),
    FIELD(replication_state_doc, done_percentage, 0),
};
SCHEMA(replication_state_doc)

static const struct field volume_state_doc_fields[] = {
    FIELD(volume_state_doc, disk_state, FIELD_NOT_EMPTY),
    OBJECT_MAP(volume_state_doc, replication_states, replication_state_doc, FIELD_NOT_EMPTY),
};
SCHEMA(volume_state_doc)

static const struct field volume_layer_doc_fields[] = {
    FIELD(volume_layer_doc, type, FIELD_NOT_EMPTY),
    OBJECT(volume_layer_doc, data, layer_volume_doc, 0),
};
SCHEMA(volume_layer_doc)

static const struct field volume_doc_fields[] = {
    FIELD(volume_doc, volume_number, 0),
    FIELD(volume_doc, storage_pool_name, FIELD_NOT_EMPTY),
    FIELD(volume_doc, provider_kind, FIELD_NOT_EMPTY),
    FIELD(volume_doc, device_path, FIELD_NOT_EMPTY),
    FIELD(volume_doc, allocated_size_kib, 0),
    FIELD(volume_doc, usable_size_kib, 0),
    FIELD(volume_doc, props, FIELD_NOT_EMPTY),
    FIELD(volume_doc, flags, FIELD_NOT_EMPTY),
    OBJECT(volume_doc, state, volume_state_doc, 0),
    LIST(volume_doc, layer_data_list, volume_layer_doc, FIELD_NOT_EMPTY),
    FIELD(volume_doc, uuid, FIELD_NOT_EMPTY),
    LIST(volume_doc, reports, rc_doc, FIELD_NOT_EMPTY),
};
SCHEMA(volume_doc)

static const struct field resource_state_doc_fields[] = {
    FIELD(resource_state_doc, in_use, 0),
};
SCHEMA(resource_state_doc)

static const struct field other_prop_doc_fields[] = {
    FIELD(other_prop_doc, type, FIELD_NOT_EMPTY),
    FIELD(other_prop_doc, value, 0),
    FIELD(other_prop_doc, descr, FIELD_NOT_EMPTY),
};
SCHEMA(other_prop_doc)

static const struct field effective_prop_doc_fields[] = {
    FIELD(effective_prop_doc, type, FIELD_NOT_EMPTY),
    FIELD(effective_prop_doc, value, 0),
    FIELD(effective_prop_doc, descr, FIELD_NOT_EMPTY),
    LIST(effective_prop_doc, other, other_prop_doc, FIELD_NOT_EMPTY),
};
SCHEMA(effective_prop_doc)

static const struct field resource_doc_fields[] = {
    FIELD(resource_doc, name, FIELD_NOT_EMPTY),
    FIELD(resource_doc, node_name, FIELD_NOT_EMPTY),
    FIELD(resource_doc, props, FIELD_NOT_EMPTY),
    OBJECT_MAP(resource_doc, effective_props, effective_prop_doc, FIELD_NOT_EMPTY),
    FIELD(resource_doc, flags, FIELD_NOT_EMPTY),
    OBJECT(resource_doc, layer_object, layer_object_doc, 0),
    OBJECT(resource_doc, state, resource_state_doc, 0),
    FIELD(resource_doc, uuid, FIELD_NOT_EMPTY),
    FIELD(resource_doc, create_timestamp, 0),
    LIST(resource_doc, volumes, volume_doc, FIELD_NOT_EMPTY),
    FIELD(resource_doc, shared_name, FIELD_NOT_EMPTY),
};
SCHEMA(resource_doc)

static const struct field resource_create_request_fields[] = {
    OBJECT(resource_create_request, resource, resource_doc, 0),
    FIELD(resource_create_request, layer_list, FIELD_NOT_EMPTY),
    FIELD(resource_create_request, drbd_node_id, 0),
    FIELD(resource_create_request, drbd_tcp_port_count, 0),
    FIELD(resource_create_request, drbd_tcp_ports, FIELD_NOT_EMPTY),
    FIELD(resource_create_request, snap_names, FIELD_NOT_EMPTY),
    FIELD(resource_create_request, copy_all_snaps, 0),
    FIELD(resource_create_request, drbd_client, 0),
};
SCHEMA(resource_create_request)

static const struct field resource_modify_request_fields[] = {
    FIELD(resource_modify_request, override_props, FIELD_NOT_EMPTY),
    FIELD(resource_modify_request, delete_props, FIELD_NOT_EMPTY),
    FIELD(resource_modify_request, delete_namespaces, FIELD_NOT_EMPTY),
    FIELD(resource_modify_request, drbd_tiebreaker, 0),
    FIELD(resource_modify_request, drbd_client, 0),
};
SCHEMA(resource_modify_request)

static const struct field autoplace_request_fields[] = {
    FIELD(autoplace_request, diskless_on_remaining, 0),
    OBJECT(autoplace_request, select_filter, select_filter_doc, 0),
    FIELD(autoplace_request, layer_list, FIELD_NOT_EMPTY),
    FIELD(autoplace_request, snap_names, FIELD_NOT_EMPTY),
    FIELD(autoplace_request, copy_all_snaps, 0),
};
SCHEMA(autoplace_request)

static const struct field make_available_request_fields[] = {
    FIELD(make_available_request, layer_list, FIELD_NOT_EMPTY),
    FIELD(make_available_request, diskful, 0),
    FIELD(make_available_request, drbd_tcp_ports, FIELD_NOT_EMPTY),
    FIELD(make_available_request, snap_names, FIELD_NOT_EMPTY),
    FIELD(make_available_request, copy_all_snaps, 0),
};
SCHEMA(make_available_request)
