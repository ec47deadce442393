/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/physical_storage.h"

static const struct field physical_device_doc_fields[] = {
    FIELD(physical_device_doc, size, 0),
    FIELD(physical_device_doc, rotational, 0),
    FIELD(physical_device_doc, device, 0),
    FIELD(physical_device_doc, model, FIELD_NOT_EMPTY),
    FIELD(physical_device_doc, serial, FIELD_NOT_EMPTY),
    FIELD(physical_device_doc, wwn, FIELD_NOT_EMPTY),
};
SCHEMA(physical_device_doc)

static const struct field device_pool_storage_pool_fields[] = {
    FIELD(device_pool_storage_pool, name, 0),
    FIELD(device_pool_storage_pool, props, 0),
    FIELD(device_pool_storage_pool, shared_space, 0),
    FIELD(device_pool_storage_pool, external_locking, 0),
};
static SCHEMA(device_pool_storage_pool)

    static const struct field device_pool_request_fields[] = {
        FIELD(device_pool_request, provider_kind, 0),
        FIELD(device_pool_request, device_paths, 0),
        FIELD(device_pool_request, raid_level, 0),
        FIELD(device_pool_request, pool_name, 0),
        FIELD(device_pool_request, vdo_enable, 0),
        FIELD(device_pool_request, vdo_slab_size_kib, 0),
        FIELD(device_pool_request, vdo_logical_size_kib, 0),
        OBJECT(device_pool_request, with_storage_pool, device_pool_storage_pool, 0),
        FIELD(device_pool_request, sed, 0),
        FIELD(device_pool_request, pv_create_arguments, 0),
        FIELD(device_pool_request, vg_create_arguments, 0),
        FIELD(device_pool_request, lv_create_arguments, 0),
        FIELD(device_pool_request, zpool_create_arguments, 0),
    };
SCHEMA(device_pool_request)
