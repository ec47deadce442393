/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Documents of resources and volumes, with the tree of layers below each. A row of /v1/view/resources is a resource_doc
 * with volumes; /v1/resource-definitions/x/resources shows it without.
 */
#pragma once

#include "api/rc.h"
#include "api/resource_definition.h"
#include "api/resource_group.h"
#include "base/field.h"

/* A volume as one layer sees it. Each layer shows the members it has; sizes are always shown, -1 when unknown. */
struct layer_volume_doc {
    struct drbd_volume_definition_doc *drbd_volume_definition; /* DRBD, in place of volume_number */
    struct maybe_i32 volume_number;
    char *device_path;
    char *device_path_cache; /* cache, writecache, bcache */
    char *device_meta_cache; /* cache */
    char *backing_device;
    char *meta_disk; /* DRBD */
    int64_t allocated_size_kib;
    int64_t usable_size_kib;
    char *disk_state;
    char *ext_meta_stor_pool;        /* DRBD */
    struct maybe_bool opened;        /* LUKS */
    struct maybe_bool corrupted_key; /* LUKS */
};

struct drbd_connection_doc {
    char *peer; /* the key */
    bool connected;
    char *message; /* "Connected", "StandAlone", ... */
};
struct drbd_layer_doc {
    struct drbd_definition_doc *drbd_resource_definition;
    int32_t node_id;
    struct i64_list tcp_ports;
    int32_t peer_slots;
    int32_t al_stripes;
    int64_t al_size;
    struct text_list flags;
    LIST_OF(struct layer_volume_doc) drbd_volumes;
    LIST_OF(struct drbd_connection_doc) connections; /* a map by peer */
    struct maybe_i32 promotion_score;
    struct maybe_bool may_promote;
};
struct luks_layer_doc {
    LIST_OF(struct layer_volume_doc) luks_volumes;
};
struct storage_layer_doc {
    LIST_OF(struct layer_volume_doc) storage_volumes;
};
struct nvme_layer_doc {
    LIST_OF(struct layer_volume_doc) nvme_volumes;
};
struct writecache_layer_doc {
    LIST_OF(struct layer_volume_doc) writecache_volumes;
};
struct cache_layer_doc {
    LIST_OF(struct layer_volume_doc) cache_volumes;
};
struct bcache_layer_doc {
    LIST_OF(struct layer_volume_doc) bcache_volumes;
};

/* Top of the stack first; type says which of the members is there. */
struct layer_object_doc {
    LIST_OF(struct layer_object_doc) children;
    char *resource_name_suffix;
    char *type;
    struct drbd_layer_doc *drbd;
    struct luks_layer_doc *luks;
    struct storage_layer_doc *storage;
    struct nvme_layer_doc *nvme;
    struct writecache_layer_doc *writecache;
    struct cache_layer_doc *cache;
    struct bcache_layer_doc *bcache;
};

struct replication_state_doc {
    char *peer; /* the key */
    char *replication_state;
    struct maybe_double done_percentage;
};
struct volume_state_doc {
    char *disk_state;
    LIST_OF(struct replication_state_doc) replication_states; /* a map by peer */
};
struct volume_layer_doc {
    char *type;
    struct layer_volume_doc *data;
};
struct volume_doc {
    int32_t volume_number;
    char *storage_pool_name;
    char *provider_kind;
    char *device_path;
    struct maybe_i64 allocated_size_kib, usable_size_kib;
    struct text_map props;
    struct text_list flags;
    struct volume_state_doc *state;
    LIST_OF(struct volume_layer_doc) layer_data_list; /* top first, STORAGE last */
    char *uuid;
    LIST_OF(struct rc_doc) reports;
};

struct resource_state_doc {
    struct maybe_bool in_use;
};
struct other_prop_doc {
    char *type, *value, *descr;
};
struct effective_prop_doc {
    char *key; /* the key */
    char *type;
    char *value;
    char *descr;
    LIST_OF(struct other_prop_doc) other;
};
struct resource_doc {
    char *name;
    char *node_name;
    struct text_map props;
    LIST_OF(struct effective_prop_doc) effective_props; /* a map by key */
    struct text_list flags;
    struct layer_object_doc *layer_object;
    struct resource_state_doc *state; /* NULL: the satellite is not connected */
    char *uuid;
    struct maybe_i64 create_timestamp; /* ms since 1970 */
    LIST_OF(struct volume_doc) volumes;
    char *shared_name;
};

/* POST .../resources/{node} takes one of these, POST .../resources a list of them. */
struct resource_create_request {
    struct resource_doc *resource;
    struct text_list layer_list;
    struct maybe_i32 drbd_node_id;
    struct maybe_i32 drbd_tcp_port_count;
    struct i64_list drbd_tcp_ports;
    struct text_list snap_names;
    struct maybe_bool copy_all_snaps;
    struct maybe_bool drbd_client;
};

struct resource_modify_request {
    struct text_map override_props;
    struct text_list delete_props;
    struct text_list delete_namespaces;
    struct maybe_bool drbd_tiebreaker;
    struct maybe_bool drbd_client;
};

struct autoplace_request {
    struct maybe_bool diskless_on_remaining;
    struct select_filter_doc *select_filter;
    struct text_list layer_list;
    struct text_list snap_names;
    struct maybe_bool copy_all_snaps;
};

struct make_available_request {
    struct text_list layer_list;
    struct maybe_bool diskful;
    struct i64_list drbd_tcp_ports;
    struct text_list snap_names;
    struct maybe_bool copy_all_snaps;
};

extern const struct schema layer_volume_doc_schema, drbd_connection_doc_schema, drbd_layer_doc_schema,
    luks_layer_doc_schema, storage_layer_doc_schema, nvme_layer_doc_schema, writecache_layer_doc_schema,
    cache_layer_doc_schema, bcache_layer_doc_schema, layer_object_doc_schema, replication_state_doc_schema,
    volume_state_doc_schema, volume_layer_doc_schema, volume_doc_schema, resource_state_doc_schema,
    other_prop_doc_schema, effective_prop_doc_schema, resource_doc_schema, resource_create_request_schema,
    resource_modify_request_schema, autoplace_request_schema, make_available_request_schema;
