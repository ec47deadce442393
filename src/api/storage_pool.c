/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/storage_pool.h"

static const struct field storage_pool_doc_fields[] = {
    FIELD(storage_pool_doc, storage_pool_name, FIELD_REQUIRED),
    FIELD(storage_pool_doc, node_name, FIELD_NOT_EMPTY),
    FIELD(storage_pool_doc, provider_kind, FIELD_NOT_EMPTY),
    FIELD(storage_pool_doc, props, FIELD_NOT_EMPTY),
    FIELD(storage_pool_doc, static_traits, FIELD_NOT_EMPTY),
    FIELD(storage_pool_doc, free_capacity, 0),
    FIELD(storage_pool_doc, total_capacity, 0),
    FIELD(storage_pool_doc, free_space_mgr_name, FIELD_NOT_EMPTY),
    FIELD(storage_pool_doc, uuid, FIELD_NOT_EMPTY),
    LIST(storage_pool_doc, reports, rc_doc, FIELD_NOT_EMPTY),
    FIELD(storage_pool_doc, supports_snapshots, 0),
    FIELD(storage_pool_doc, shared_space, FIELD_NOT_EMPTY),
    FIELD(storage_pool_doc, external_locking, 0),
};
SCHEMA(storage_pool_doc)

static const struct field storage_pool_request_fields[] = {
    FIELD(storage_pool_request, storage_pool_name, FIELD_NOT_EMPTY),
    FIELD(storage_pool_request, provider_kind, FIELD_NOT_EMPTY),
    FIELD(storage_pool_request, props, FIELD_NOT_EMPTY),
    FIELD(storage_pool_request, free_space_mgr_name, FIELD_NOT_EMPTY),
    FIELD(storage_pool_request, shared_space, FIELD_NOT_EMPTY),
    FIELD(storage_pool_request, external_locking, 0),
};
SCHEMA(storage_pool_request)

static const struct field storage_pool_definition_doc_fields[] = {
    FIELD(storage_pool_definition_doc, storage_pool_name, FIELD_NOT_EMPTY),
    FIELD(storage_pool_definition_doc, props, FIELD_NOT_EMPTY),
};
SCHEMA(storage_pool_definition_doc)
