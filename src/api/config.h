/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The controller's configuration as REST shows it: what it runs with, not what its file says. */
#pragma once

#include "base/field.h"

struct config_directory_doc {
    char *dir;
};
struct config_debug_doc {
    bool console_enabled;
};
struct config_log_doc {
    char *directory;
    char *level, *level_global, *level_linstor, *level_linstor_global; /* "INFO" */
};
struct config_db_doc {
    char *connection_url;
};
struct config_listen_doc {
    bool enabled;
    char *listen_address;
    struct maybe_i32 port;
};
struct config_ldap_doc {
    bool enabled, public_access_allowed;
};

struct controller_config_doc {
    struct config_directory_doc config;
    struct config_debug_doc debug;
    struct config_log_doc log;
    struct config_db_doc db;
    struct config_listen_doc http, https;
    struct config_ldap_doc ldap;
};

struct controller_config_request {
    struct config_log_doc log;
};

extern const struct schema controller_config_doc_schema, controller_config_request_schema;
