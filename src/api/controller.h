/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Documents of the controller itself: its version, the body that modifies properties of anything, error reports,
 * counts. */
#pragma once

#include "base/field.h"

struct version_doc {
    char *version;
    char *git_hash;
    char *build_time;       /* ISO 8601 */
    char *rest_api_version; /* three numbers and nothing else: clients compare them */
};

/* Body of every PUT (and of POST controller/properties) that changes properties only; first override, then delete. */
struct props_modify_request {
    struct text_map override_props;
    struct text_list delete_props;
    struct text_list delete_namespaces;
};

struct error_report_doc {
    char *node_name;
    int64_t error_time; /* ms since 1970 */
    char *filename;     /* "ErrorReport-<id>.log" */
    char *text;         /* only when asked for */
    char *module;       /* "CONTROLLER", "SATELLITE" */
    char *version;
    char *peer;
    char *exception;
    char *exception_message;
    char *origin_file;
    char *origin_method;
    struct maybe_i32 origin_line;
};

struct error_report_delete_request {
    struct maybe_i64 since, to; /* ms since 1970 */
    struct text_list nodes;
    char *exception;
    char *version;
    struct text_list ids;
};

/* Of the master passphrase. */
struct passphrase_status_doc {
    char *status; /* "unset", "locked", "unlocked" */
};
struct passphrase_request {
    char *new_passphrase, *old_passphrase;
};

/* Answer of every /v1/stats/... */
struct stats_doc {
    int64_t count;
};

extern const struct schema version_doc_schema, props_modify_request_schema, error_report_doc_schema,
    error_report_delete_request_schema, passphrase_status_doc_schema, passphrase_request_schema, stats_doc_schema;
