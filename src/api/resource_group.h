/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Documents of resource groups: their select filter, volume groups, spawning, and what size could be placed. */
#pragma once

#include "api/rc.h"
#include "base/field.h"

/*
 * In a body that modifies, absent members keep what is there, and an empty list or text clears it. storage_pool is
 * another name of a storage_pool_list of one; both are shown then.
 */
struct select_filter_doc {
    struct maybe_i32 place_count;
    struct maybe_i32 additional_place_count;
    struct text_list node_name_list;
    char *storage_pool;
    struct text_list storage_pool_list;
    struct text_list storage_pool_diskless_list;
    struct text_list not_place_with_rsc;
    char *not_place_with_rsc_regex;
    struct text_list replicas_on_same;
    struct text_list replicas_on_different;
    struct i64_map x_replicas_on_different_map;
    struct text_list layer_stack;
    struct text_list provider_list;
    struct maybe_bool diskless_on_remaining;
    char *diskless_type;
    struct maybe_double overprovision;
    struct maybe_i32 port_count;
};

/* Shown, and the body that creates one. */
struct resource_group_doc {
    char *name;
    char *description;
    struct text_map props;
    struct select_filter_doc *select_filter; /* shown even if it has no members */
    char *uuid;
    struct maybe_i32 peer_slots;
};

struct resource_group_modify_request {
    char *description;
    struct text_map override_props;
    struct text_list delete_props;
    struct text_list delete_namespaces;
    struct select_filter_doc *select_filter;
    struct maybe_i32 peer_slots;
    struct text_list snap_names;
    struct maybe_bool copy_all_snaps;
};

/* Shown, and the body that creates one. */
struct volume_group_doc {
    struct maybe_i32 volume_number; /* always there when shown */
    struct text_map props;
    char *uuid;
    struct text_list flags;
};

struct volume_group_modify_request {
    struct text_map override_props;
    struct text_list flags; /* a leading '-' removes */
    struct text_list delete_props;
    struct text_list delete_namespaces;
};

struct spawn_request {
    char *resource_definition_name;
    char *resource_definition_external_name;
    struct i64_list volume_sizes; /* KiB */
    struct select_filter_doc *select_filter;
    struct maybe_bool partial;
    struct maybe_bool definitions_only;
    struct maybe_i32 peer_slots;
    struct text_list volume_passphrases;
    struct text_map resource_definition_props;
};

struct resource_group_adjust_request {
    struct select_filter_doc *select_filter;
    struct text_list snap_names;
    struct maybe_bool copy_all_snaps;
};

/* The body of query-max-volume-size is a select_filter_doc. */
struct candidate_doc {
    char *storage_pool;
    int64_t max_volume_size_kib;
    struct text_list node_names;
    bool all_thin;
};
struct max_volume_sizes_doc {
    LIST_OF(struct candidate_doc) candidates;
    struct maybe_double default_max_oversubscription_ratio;
};

/* For one group and for all of them. */
struct query_size_info_request {
    struct select_filter_doc *select_filter;
    struct maybe_i32 ignore_cache_older_than_sec;
};
struct spawn_result_doc {
    char *node_name;
    char *stor_pool_name;
    struct maybe_double stor_pool_oversubscription_ratio;
    struct maybe_double stor_pool_free_capacity_oversubscription_ratio;
    struct maybe_double stor_pool_total_capacity_oversubscription_ratio;
};
struct space_info_doc {
    int64_t max_vlm_size_in_kib;
    struct maybe_i64 available_size_in_kib;
    struct maybe_i64 capacity_in_kib;
    struct maybe_double default_max_oversubscription_ratio;
    struct maybe_double max_oversubscription_ratio;
    struct maybe_double max_free_capacity_oversubscription_ratio;
    struct maybe_double max_total_capacity_oversubscription_ratio;
    LIST_OF(struct spawn_result_doc) next_spawn_result;
};
struct query_size_info_doc {
    struct space_info_doc *space_info; /* NULL: reports tell why */
    LIST_OF(struct rc_doc) reports;
};
struct group_size_info_doc {
    char *group; /* the key */
    struct space_info_doc *space_info;
    LIST_OF(struct rc_doc) reports;
};
struct query_all_size_info_doc {
    LIST_OF(struct group_size_info_doc) result; /* a map by the group's name */
    LIST_OF(struct rc_doc) reports;
};

extern const struct schema select_filter_doc_schema, resource_group_doc_schema, resource_group_modify_request_schema,
    volume_group_doc_schema, volume_group_modify_request_schema, spawn_request_schema,
    resource_group_adjust_request_schema, candidate_doc_schema, max_volume_sizes_doc_schema,
    query_size_info_request_schema, spawn_result_doc_schema, space_info_doc_schema, query_size_info_doc_schema,
    group_size_info_doc_schema, query_all_size_info_doc_schema;
