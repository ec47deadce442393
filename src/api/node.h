/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Documents of nodes and their net interfaces. */
#pragma once

#include "base/field.h"

struct net_interface_doc {
    char *name;
    char *address; /* a literal IPv4 or IPv6 address */
    struct maybe_i32 satellite_port;
    char *satellite_encryption_type; /* "PLAIN", "SSL" */
    struct maybe_bool is_active;     /* always there when shown */
    char *uuid;
};

struct node_doc {
    char *name;
    char *type; /* "SATELLITE", "COMBINED", ... */
    struct text_list flags;
    struct text_map props;
    LIST_OF(struct net_interface_doc) net_interfaces;
    char *connection_status; /* "ONLINE", "OFFLINE", ... */
    char *uuid;
    struct text_list storage_providers;
    struct text_list resource_layers;
    struct texts_map unsupported_providers; /* name -> why not */
    struct texts_map unsupported_layers;
    struct maybe_i64 eviction_timestamp; /* ms since 1970 */
    char *platform;
    char *os_variant;
};

struct node_request {
    char *name;
    char *type;
    struct text_map props;
    LIST_OF(struct net_interface_doc) net_interfaces;
};

struct node_modify_request {
    char *node_type;
    struct text_map override_props;
    struct text_list delete_props;
    struct text_list delete_namespaces;
};

extern const struct schema net_interface_doc_schema, node_doc_schema, node_request_schema, node_modify_request_schema;
