/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/node.h"

static const struct field net_interface_doc_fields[] = {
    FIELD(net_interface_doc, name, FIELD_NOT_EMPTY),
    FIELD(net_interface_doc, address, FIELD_NOT_EMPTY),
    FIELD(net_interface_doc, satellite_port, 0),
    FIELD(net_interface_doc, satellite_encryption_type, FIELD_NOT_EMPTY),
    FIELD(net_interface_doc, is_active, 0),
    FIELD(net_interface_doc, uuid, FIELD_NOT_EMPTY),
};
SCHEMA(net_interface_doc)

static const struct field node_doc_fields[] = {
    FIELD(node_doc, name, FIELD_REQUIRED),
    FIELD(node_doc, type, FIELD_NOT_EMPTY),
    FIELD(node_doc, flags, FIELD_NOT_EMPTY),
    FIELD(node_doc, props, FIELD_NOT_EMPTY),
    LIST(node_doc, net_interfaces, net_interface_doc, FIELD_NOT_EMPTY),
    FIELD(node_doc, connection_status, FIELD_NOT_EMPTY),
    FIELD(node_doc, uuid, FIELD_NOT_EMPTY),
    FIELD(node_doc, storage_providers, FIELD_NOT_EMPTY),
    FIELD(node_doc, resource_layers, FIELD_NOT_EMPTY),
    FIELD(node_doc, unsupported_providers, FIELD_NOT_EMPTY),
    FIELD(node_doc, unsupported_layers, FIELD_NOT_EMPTY),
    FIELD(node_doc, eviction_timestamp, 0),
    FIELD(node_doc, platform, FIELD_NOT_EMPTY),
    FIELD(node_doc, os_variant, FIELD_NOT_EMPTY),
};
SCHEMA(node_doc)

static const struct field node_request_fields[] = {
    FIELD(node_request, name, FIELD_NOT_EMPTY),
    FIELD(node_request, type, FIELD_NOT_EMPTY),
    FIELD(node_request, props, FIELD_NOT_EMPTY),
    LIST(node_request, net_interfaces, net_interface_doc, FIELD_NOT_EMPTY),
};
SCHEMA(node_request)

static const struct field node_modify_request_fields[] = {
    FIELD(node_modify_request, node_type, FIELD_NOT_EMPTY),
    FIELD(node_modify_request, override_props, FIELD_NOT_EMPTY),
    FIELD(node_modify_request, delete_props, FIELD_NOT_EMPTY),
    FIELD(node_modify_request, delete_namespaces, FIELD_NOT_EMPTY),
};
SCHEMA(node_modify_request)
