/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Documents of resource definitions and volume definitions, with the parts that layers add to them. */
#pragma once

#include "base/field.h"

/* What the layer DRBD adds to a resource definition; also shown with each of its resources. */
struct drbd_definition_doc {
    char *resource_name_suffix;
    int32_t peer_slots;
    int32_t al_stripes;
    int64_t al_stripe_size_kib;
    int32_t port; /* -1: each resource has its own */
    char *transport_type;
    char *secret;
    bool down;
};
struct resource_definition_layer_doc {
    char *type;
    struct drbd_definition_doc *data; /* only of DRBD */
};

/* What the layer DRBD adds to a volume definition; also shown with each of its volumes. */
struct drbd_volume_definition_doc {
    char *resource_name_suffix;
    int32_t volume_number;
    int32_t minor_number;
};
struct volume_definition_layer_doc {
    char *type;
    struct drbd_volume_definition_doc *data; /* only of DRBD */
};

struct volume_definition_doc {
    struct maybe_i32 volume_number; /* always there when shown */
    int64_t size_kib;
    struct text_map props;
    struct text_list flags;
    LIST_OF(struct volume_definition_layer_doc) layer_data;
    char *uuid;
};

struct volume_definition_request {
    struct volume_definition_doc *volume_definition;
    struct maybe_i32 drbd_minor_number;
    char *passphrase;
};

struct volume_passphrase_request {
    char *new_passphrase;
};

struct volume_definition_modify_request {
    struct maybe_i64 size_kib;
    struct text_map override_props;
    struct text_list delete_props;
    struct text_list delete_namespaces;
    struct text_list flags; /* a leading '-' removes */
};

struct resource_definition_doc {
    char *name;
    char *external_name;
    struct text_map props;
    struct text_list flags;
    LIST_OF(struct resource_definition_layer_doc) layer_data;
    char *uuid;
    char *resource_group_name;
    LIST_OF(struct volume_definition_doc) volume_definitions; /* only when asked for */
};

struct resource_definition_request {
    struct maybe_i32 drbd_port;
    char *drbd_secret;
    struct maybe_i32 drbd_peer_slots;
    char *drbd_transport_type;
    struct resource_definition_doc *resource_definition;
};

struct resource_definition_modify_request {
    struct text_map override_props;
    struct text_list delete_props;
    struct text_list delete_namespaces;
    struct maybe_i32 drbd_port;
    struct maybe_i32 drbd_peer_slots;
    struct text_list layer_stack;
    char *resource_group;
};

extern const struct schema drbd_definition_doc_schema, resource_definition_layer_doc_schema,
    drbd_volume_definition_doc_schema, volume_definition_layer_doc_schema, volume_definition_doc_schema,
    volume_definition_request_schema, volume_passphrase_request_schema, volume_definition_modify_request_schema,
    resource_definition_doc_schema, resource_definition_request_schema, resource_definition_modify_request_schema;
