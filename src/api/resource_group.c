/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/resource_group.h"

static const struct field select_filter_doc_fields[] = {
    FIELD(select_filter_doc, place_count, 0),
    FIELD(select_filter_doc, additional_place_count, 0),
    FIELD(select_filter_doc, node_name_list, FIELD_NOT_EMPTY),
    FIELD(select_filter_doc, storage_pool, FIELD_NOT_EMPTY),
    FIELD(select_filter_doc, storage_pool_list, FIELD_NOT_EMPTY),
    FIELD(select_filter_doc, storage_pool_diskless_list, FIELD_NOT_EMPTY),
    FIELD(select_filter_doc, not_place_with_rsc, FIELD_NOT_EMPTY),
    FIELD(select_filter_doc, not_place_with_rsc_regex, FIELD_NOT_EMPTY),
    FIELD(select_filter_doc, replicas_on_same, FIELD_NOT_EMPTY),
    FIELD(select_filter_doc, replicas_on_different, FIELD_NOT_EMPTY),
    FIELD(select_filter_doc, x_replicas_on_different_map, FIELD_NOT_EMPTY),
    FIELD(select_filter_doc, layer_stack, FIELD_NOT_EMPTY),
    FIELD(select_filter_doc, provider_list, FIELD_NOT_EMPTY),
    FIELD(select_filter_doc, diskless_on_remaining, 0),
    FIELD(select_filter_doc, diskless_type, FIELD_NOT_EMPTY),
    FIELD(select_filter_doc, overprovision, 0),
    FIELD(select_filter_doc, port_count, 0),
};
SCHEMA(select_filter_doc)

static const struct field resource_group_doc_fields[] = {
    FIELD(resource_group_doc, name, FIELD_NOT_EMPTY),  FIELD(resource_group_doc, description, FIELD_NOT_EMPTY),
    FIELD(resource_group_doc, props, FIELD_NOT_EMPTY), OBJECT(resource_group_doc, select_filter, select_filter_doc, 0),
    FIELD(resource_group_doc, uuid, FIELD_NOT_EMPTY),  FIELD(resource_group_doc, peer_slots, 0),
};
SCHEMA(resource_group_doc)

static const struct field resource_group_modify_request_fields[] = {
    FIELD(resource_group_modify_request, description, 0),
    FIELD(resource_group_modify_request, override_props, FIELD_NOT_EMPTY),
    FIELD(resource_group_modify_request, delete_props, FIELD_NOT_EMPTY),
    FIELD(resource_group_modify_request, delete_namespaces, FIELD_NOT_EMPTY),
    OBJECT(resource_group_modify_request, select_filter, select_filter_doc, 0),
    FIELD(resource_group_modify_request, peer_slots, 0),
    FIELD(resource_group_modify_request, snap_names, FIELD_NOT_EMPTY),
    FIELD(resource_group_modify_request, copy_all_snaps, 0),
};
SCHEMA(resource_group_modify_request)

static const struct field volume_group_doc_fields[] = {
    FIELD(volume_group_doc, volume_number, 0),
    FIELD(volume_group_doc, props, FIELD_NOT_EMPTY),
    FIELD(volume_group_doc, uuid, FIELD_NOT_EMPTY),
    FIELD(volume_group_doc, flags, FIELD_NOT_EMPTY),
};
SCHEMA(volume_group_doc)

static const struct field volume_group_modify_request_fields[] = {
    FIELD(volume_group_modify_request, override_props, FIELD_NOT_EMPTY),
    FIELD(volume_group_modify_request, flags, FIELD_NOT_EMPTY),
    FIELD(volume_group_modify_request, delete_props, FIELD_NOT_EMPTY),
    FIELD(volume_group_modify_request, delete_namespaces, FIELD_NOT_EMPTY),
};
SCHEMA(volume_group_modify_request)

static const struct field spawn_request_fields[] = {
    FIELD(spawn_request, resource_definition_name, FIELD_NOT_EMPTY),
    FIELD(spawn_request, resource_definition_external_name, FIELD_NOT_EMPTY),
    FIELD(spawn_request, volume_sizes, 0),
    OBJECT(spawn_request, select_filter, select_filter_doc, 0),
    FIELD(spawn_request, partial, 0),
    FIELD(spawn_request, definitions_only, 0),
    FIELD(spawn_request, peer_slots, 0),
    FIELD(spawn_request, volume_passphrases, FIELD_NOT_EMPTY | FIELD_SECRET),
    FIELD(spawn_request, resource_definition_props, FIELD_NOT_EMPTY),
};
SCHEMA(spawn_request)

static const struct field resource_group_adjust_request_fields[] = {
    OBJECT(resource_group_adjust_request, select_filter, select_filter_doc, 0),
    FIELD(resource_group_adjust_request, snap_names, FIELD_NOT_EMPTY),
    FIELD(resource_group_adjust_request, copy_all_snaps, 0),
};
SCHEMA(resource_group_adjust_request)

static const struct field candidate_doc_fields[] = {
    FIELD(candidate_doc, storage_pool, FIELD_NOT_EMPTY),
    FIELD(candidate_doc, max_volume_size_kib, 0),
    FIELD(candidate_doc, node_names, FIELD_NOT_EMPTY),
    FIELD(candidate_doc, all_thin, 0),
};
SCHEMA(candidate_doc)

static const struct field max_volume_sizes_doc_fields[] = {
    LIST(max_volume_sizes_doc, candidates, candidate_doc, FIELD_NOT_EMPTY),
    FIELD(max_volume_sizes_doc, default_max_oversubscription_ratio, 0),
};
SCHEMA(max_volume_sizes_doc)

static const struct field query_size_info_request_fields[] = {
    OBJECT(query_size_info_request, select_filter, select_filter_doc, 0),
    FIELD(query_size_info_request, ignore_cache_older_than_sec, 0),
};
SCHEMA(query_size_info_request)

static const struct field spawn_result_doc_fields[] = {
    FIELD(spawn_result_doc, node_name, FIELD_NOT_EMPTY),
    FIELD(spawn_result_doc, stor_pool_name, FIELD_NOT_EMPTY),
    FIELD(spawn_result_doc, stor_pool_oversubscription_ratio, 0),
    FIELD(spawn_result_doc, stor_pool_free_capacity_oversubscription_ratio, 0),
    FIELD(spawn_result_doc, stor_pool_total_capacity_oversubscription_ratio, 0),
};
SCHEMA(spawn_result_doc)

static const struct field space_info_doc_fields[] = {
    FIELD(space_info_doc, max_vlm_size_in_kib, 0),
    FIELD(space_info_doc, available_size_in_kib, 0),
    FIELD(space_info_doc, capacity_in_kib, 0),
    FIELD(space_info_doc, default_max_oversubscription_ratio, 0),
    FIELD(space_info_doc, max_oversubscription_ratio, 0),
    FIELD(space_info_doc, max_free_capacity_oversubscription_ratio, 0),
    FIELD(space_info_doc, max_total_capacity_oversubscription_ratio, 0),
    LIST(space_info_doc, next_spawn_result, spawn_result_doc, FIELD_NOT_EMPTY),
};
SCHEMA(space_info_doc)

static const struct field query_size_info_doc_fields[] = {
    OBJECT(query_size_info_doc, space_info, space_info_doc, 0),
    LIST(query_size_info_doc, reports, rc_doc, FIELD_NOT_EMPTY),
};
SCHEMA(query_size_info_doc)

static const struct field group_size_info_doc_fields[] = {
    OBJECT(group_size_info_doc, space_info, space_info_doc, 0),
    LIST(group_size_info_doc, reports, rc_doc, FIELD_NOT_EMPTY),
};
SCHEMA(group_size_info_doc)

static const struct field query_all_size_info_doc_fields[] = {
    OBJECT_MAP(query_all_size_info_doc, result, group_size_info_doc, 0),
    LIST(query_all_size_info_doc, reports, rc_doc, FIELD_NOT_EMPTY),
};
SCHEMA(query_all_size_info_doc)
