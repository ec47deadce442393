/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/config.h"

/* clang-format off */
static const struct field config_directory_doc_fields[] = { FIELD(config_directory_doc, dir, 0) };
static SCHEMA(config_directory_doc)

static const struct field config_debug_doc_fields[] = { FIELD(config_debug_doc, console_enabled, 0) };
static SCHEMA(config_debug_doc)

static const struct field config_log_doc_fields[] = {
    FIELD(config_log_doc, directory, FIELD_NOT_EMPTY), FIELD(config_log_doc, level, 0),
    FIELD(config_log_doc, level_global, 0), FIELD(config_log_doc, level_linstor, 0),
    FIELD(config_log_doc, level_linstor_global, 0),
};
static SCHEMA(config_log_doc)

static const struct field config_db_doc_fields[] = { FIELD(config_db_doc, connection_url, FIELD_NOT_EMPTY) };
static SCHEMA(config_db_doc)

static const struct field config_listen_doc_fields[] = {
    FIELD(config_listen_doc, enabled, 0), FIELD(config_listen_doc, listen_address, FIELD_NOT_EMPTY),
    FIELD(config_listen_doc, port, 0),
};
static SCHEMA(config_listen_doc)

static const struct field config_ldap_doc_fields[] = {
    FIELD(config_ldap_doc, enabled, 0), FIELD(config_ldap_doc, public_access_allowed, 0),
};
static SCHEMA(config_ldap_doc)

static const struct field controller_config_doc_fields[] = {
    INLINE(controller_config_doc, config, config_directory_doc, 0),
    INLINE(controller_config_doc, debug, config_debug_doc, 0),
    INLINE(controller_config_doc, log, config_log_doc, 0),
    INLINE(controller_config_doc, db, config_db_doc, 0),
    INLINE(controller_config_doc, http, config_listen_doc, 0),
    INLINE(controller_config_doc, https, config_listen_doc, 0),
    INLINE(controller_config_doc, ldap, config_ldap_doc, 0),
};
SCHEMA(controller_config_doc)

static const struct field controller_config_request_fields[] = {
    INLINE(controller_config_request, log, config_log_doc, 0),
};
SCHEMA(controller_config_request)
