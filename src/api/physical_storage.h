/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Documents of disks, and the request that makes a pool of some. */
#pragma once

#include "base/field.h"

/* Shown for one node, and below the names of nodes. */
struct physical_device_doc {
    struct maybe_i64 size; /* bytes; not below names of nodes */
    struct maybe_bool rotational;
    char *device;
    char *model, *serial, *wwn;
};

struct device_pool_storage_pool {
    char *name;
    struct text_map props;
    char *shared_space;
    struct maybe_bool external_locking;
};
struct device_pool_request {
    char *provider_kind;
    struct text_list device_paths;
    char *raid_level;
    char *pool_name;
    bool vdo_enable;
    int64_t vdo_slab_size_kib, vdo_logical_size_kib;
    struct device_pool_storage_pool *with_storage_pool; /* NULL: none is registered */
    bool sed;
    struct text_list pv_create_arguments, vg_create_arguments, lv_create_arguments, zpool_create_arguments;
};

extern const struct schema physical_device_doc_schema, device_pool_request_schema;
