/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Documents of storage pools and their definitions. */
#pragma once

#include "api/rc.h"
#include "base/field.h"

struct storage_pool_doc {
    char *storage_pool_name;
    char *node_name;
    char *provider_kind; /* "FILE_THIN", ... */
    struct text_map props;
    struct text_map static_traits;                  /* "Provisioning": "Thin" or "Fat", "SupportsSnapshots" */
    struct maybe_i64 free_capacity, total_capacity; /* KiB; both or none */
    char *free_space_mgr_name;                      /* "node;pool", or the name of the shared space */
    char *uuid;
    LIST_OF(struct rc_doc) reports;
    struct maybe_bool supports_snapshots;
    char *shared_space;
    bool external_locking;
};

/* shared_space is another name of free_space_mgr_name */
struct storage_pool_request {
    char *storage_pool_name;
    char *provider_kind;
    struct text_map props;
    char *free_space_mgr_name;
    char *shared_space;
    struct maybe_bool external_locking;
};

/* Shown, and the body that creates one. */
struct storage_pool_definition_doc {
    char *storage_pool_name;
    struct text_map props;
};

extern const struct schema storage_pool_doc_schema, storage_pool_request_schema, storage_pool_definition_doc_schema;
