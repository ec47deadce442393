/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/resource_definition.h"

static const struct field drbd_definition_doc_fields[] = {
    FIELD(drbd_definition_doc, resource_name_suffix, FIELD_NOT_EMPTY),
    FIELD(drbd_definition_doc, peer_slots, 0),
    FIELD(drbd_definition_doc, al_stripes, 0),
    FIELD(drbd_definition_doc, al_stripe_size_kib, 0),
    FIELD(drbd_definition_doc, port, 0),
    FIELD(drbd_definition_doc, transport_type, FIELD_NOT_EMPTY),
    FIELD(drbd_definition_doc, secret, FIELD_NOT_EMPTY),
    FIELD(drbd_definition_doc, down, 0),
};
SCHEMA(drbd_definition_doc)

static const struct field resource_definition_layer_doc_fields[] = {
    FIELD(resource_definition_layer_doc, type, FIELD_NOT_EMPTY),
    OBJECT(resource_definition_layer_doc, data, drbd_definition_doc, 0),
};
SCHEMA(resource_definition_layer_doc)

static const struct field drbd_volume_definition_doc_fields[] = {
    FIELD(drbd_volume_definition_doc, resource_name_suffix, FIELD_NOT_EMPTY),
    FIELD(drbd_volume_definition_doc, volume_number, 0),
    FIELD(drbd_volume_definition_doc, minor_number, 0),
};
SCHEMA(drbd_volume_definition_doc)

static const struct field volume_definition_layer_doc_fields[] = {
    FIELD(volume_definition_layer_doc, type, FIELD_NOT_EMPTY),
    OBJECT(volume_definition_layer_doc, data, drbd_volume_definition_doc, 0),
};
SCHEMA(volume_definition_layer_doc)

static const struct field volume_definition_doc_fields[] = {
    FIELD(volume_definition_doc, volume_number, 0),
    FIELD(volume_definition_doc, size_kib, 0),
    FIELD(volume_definition_doc, props, FIELD_NOT_EMPTY),
    FIELD(volume_definition_doc, flags, FIELD_NOT_EMPTY),
    LIST(volume_definition_doc, layer_data, volume_definition_layer_doc, FIELD_NOT_EMPTY),
    FIELD(volume_definition_doc, uuid, FIELD_NOT_EMPTY),
};
SCHEMA(volume_definition_doc)

static const struct field volume_definition_request_fields[] = {
    OBJECT(volume_definition_request, volume_definition, volume_definition_doc, 0),
    FIELD(volume_definition_request, drbd_minor_number, 0),
    FIELD(volume_definition_request, passphrase, FIELD_NOT_EMPTY | FIELD_SECRET),
};
SCHEMA(volume_definition_request)

static const struct field volume_passphrase_request_fields[] = {
    FIELD(volume_passphrase_request, new_passphrase, FIELD_SECRET | FIELD_REQUIRED),
};
SCHEMA(volume_passphrase_request)

static const struct field volume_definition_modify_request_fields[] = {
    FIELD(volume_definition_modify_request, size_kib, 0),
    FIELD(volume_definition_modify_request, override_props, FIELD_NOT_EMPTY),
    FIELD(volume_definition_modify_request, delete_props, FIELD_NOT_EMPTY),
    FIELD(volume_definition_modify_request, delete_namespaces, FIELD_NOT_EMPTY),
    FIELD(volume_definition_modify_request, flags, FIELD_NOT_EMPTY),
};
SCHEMA(volume_definition_modify_request)

static const struct field resource_definition_doc_fields[] = {
    FIELD(resource_definition_doc, name, FIELD_NOT_EMPTY),
    FIELD(resource_definition_doc, external_name, FIELD_NOT_EMPTY),
    FIELD(resource_definition_doc, props, FIELD_NOT_EMPTY),
    FIELD(resource_definition_doc, flags, FIELD_NOT_EMPTY),
    LIST(resource_definition_doc, layer_data, resource_definition_layer_doc, FIELD_NOT_EMPTY),
    FIELD(resource_definition_doc, uuid, FIELD_NOT_EMPTY),
    FIELD(resource_definition_doc, resource_group_name, FIELD_NOT_EMPTY),
    LIST(resource_definition_doc, volume_definitions, volume_definition_doc, FIELD_NOT_EMPTY),
};
SCHEMA(resource_definition_doc)

static const struct field resource_definition_request_fields[] = {
    FIELD(resource_definition_request, drbd_port, 0),
    FIELD(resource_definition_request, drbd_secret, FIELD_NOT_EMPTY),
    FIELD(resource_definition_request, drbd_peer_slots, 0),
    FIELD(resource_definition_request, drbd_transport_type, FIELD_NOT_EMPTY),
    OBJECT(resource_definition_request, resource_definition, resource_definition_doc, 0),
};
SCHEMA(resource_definition_request)

static const struct field resource_definition_modify_request_fields[] = {
    FIELD(resource_definition_modify_request, override_props, FIELD_NOT_EMPTY),
    FIELD(resource_definition_modify_request, delete_props, FIELD_NOT_EMPTY),
    FIELD(resource_definition_modify_request, delete_namespaces, FIELD_NOT_EMPTY),
    FIELD(resource_definition_modify_request, drbd_port, 0),
    FIELD(resource_definition_modify_request, drbd_peer_slots, 0),
    FIELD(resource_definition_modify_request, layer_stack, FIELD_NOT_EMPTY),
    FIELD(resource_definition_modify_request, resource_group, FIELD_NOT_EMPTY),
};
SCHEMA(resource_definition_modify_request)
