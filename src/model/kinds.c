/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/kinds.h"

#include <stdlib.h>

#include "model/account.h"

const struct enum_name node_type_names[] = {
    { "CONTROLLER", NODE_CONTROLLER },
    { "SATELLITE", NODE_SATELLITE },
    { "COMBINED", NODE_COMBINED },
    { "AUXILIARY", NODE_AUXILIARY },
    { 0 },
};

static const struct enum_name no_flags[] = { { 0 } };

static const struct enum_name node_flags[] = {
    { "DELETE", NODE_DELETE },
    { "EVICTED", NODE_EVICTED },
    { "EVACUATE", NODE_EVACUATE },
    { "QIGNORE", NODE_QIGNORE },
    { 0 },
};

static const struct enum_name volume_group_flags[] = { { "GROSS_SIZE", VOLUME_GROUP_GROSS_SIZE }, { 0 } };

static const struct enum_name resource_definition_flags[] = {
    { "DELETE", RESOURCE_DEFINITION_DELETE },
    { "RESTORE_TARGET", RESOURCE_DEFINITION_RESTORE_TARGET },
    { "CLONING", RESOURCE_DEFINITION_CLONING },
    { "FAILED", RESOURCE_DEFINITION_FAILED },
    { 0 },
};

static const struct enum_name volume_definition_flags[] = {
    { "DELETE", VOLUME_DEFINITION_DELETE },
    { "ENCRYPTED", VOLUME_DEFINITION_ENCRYPTED },
    { "RESIZE", VOLUME_DEFINITION_RESIZE },
    { "GROSS_SIZE", VOLUME_DEFINITION_GROSS_SIZE },
    { "RESIZE_SHRINK", VOLUME_DEFINITION_RESIZE_SHRINK },
    { "DRBD_INITIALIZED", VOLUME_DEFINITION_DRBD_INITIALIZED },
    { 0 },
};

static const struct enum_name resource_flags[] = {
    { "CLEAN", 1 << 0 },
    { "DELETE", 1 << 1 },
    { "DISKLESS", 1 << 2 },
    { "DISK_ADD_REQUESTED", 1 << 3 },
    { "DISK_ADDING", 1 << 4 },
    { "DISK_REMOVE_REQUESTED", 1 << 5 },
    { "DISK_REMOVING", 1 << 6 },
    { "DRBD_DISKLESS", RESOURCE_DRBD_DISKLESS },
    { "TIE_BREAKER", RESOURCE_TIE_BREAKER },
    { "NVME_INITIATOR", RESOURCE_NVME_INITIATOR },
    { "INACTIVE", 1 << 10 },
    { "REACTIVATE", 1 << 11 },
    { "INACTIVE_PERMANENTLY", 1 << 10 | 1 << 12 },
    { "BACKUP_RESTORE", 1 << 13 },
    { "EVICTED", 1 << 10 | 1 << 14 },
    { "INACTIVE_BEFORE_EVICTION", 1 << 15 },
    { "RESTORE_FROM_SNAPSHOT", 1 << 16 },
    { "EVACUATE", 1 << 17 },
    { "DRBD_DELETE", 1 << 18 },
    { "INACTIVATING", 1 << 19 },
    { "EBS_INITIATOR", 1 << 2 | 1 << 20 },
    { "AUTO_DISKFUL", 1 << 21 },
    { 0 },
};

const struct enum_name volume_flag_names[] = {
    { "DELETE", 2 },        { "RESIZE", 4 },
    { "DRBD_RESIZE", 8 },   { "CLONING_START", 16 },
    { "CLONING", 32 },      { "CLONING_FINISHED", 64 },
    { "DRBD_DELETE", 128 }, { 0 },
};

static const struct field master_fields[] = {
    FIELD(master, id, FIELD_STORE | FIELD_REQUIRED),
    FIELD(master, derivation, FIELD_STORE | FIELD_REQUIRED),
    FIELD(master, salt, FIELD_STORE | FIELD_REQUIRED),
    FIELD(master, iterations, FIELD_STORE | FIELD_REQUIRED),
    FIELD(master, key, FIELD_STORE | FIELD_SECRET | FIELD_REQUIRED),
};
static SCHEMA(master)

    static const struct field controller_fields[] = {
        OBJECT_FIELDS(controller, no_flags),
        FIELD(controller, satellite_props, FIELD_STORE),
        OBJECT(controller, master, master, FIELD_STORE),
    };
static SCHEMA(controller)

    static const struct field node_fields[] = {
        OBJECT_FIELDS(node, node_flags),
        FIELD(node, name, FIELD_STORE),
        ENUM(node, type, node_type_names, FIELD_STORE),
    };
static SCHEMA(node)

    static const struct field net_interface_fields[] = {
        OBJECT_FIELDS(net_interface, no_flags),        FIELD(net_interface, name, FIELD_STORE),
        FIELD(net_interface, address, FIELD_STORE),    FIELD(net_interface, satellite_port, FIELD_STORE),
        FIELD(net_interface, encryption, FIELD_STORE),
    };
static SCHEMA(net_interface)

    static const struct field storage_pool_definition_fields[] = {
        OBJECT_FIELDS(storage_pool_definition, no_flags),
        FIELD(storage_pool_definition, name, FIELD_STORE),
    };
static SCHEMA(storage_pool_definition)

    static const struct field storage_pool_fields[] = {
        OBJECT_FIELDS(storage_pool, no_flags),
        FIELD(storage_pool, provider, FIELD_STORE),
        FIELD(storage_pool, shared_name, FIELD_STORE),
        FIELD(storage_pool, external_locking, FIELD_STORE),
    };
static SCHEMA(storage_pool)

    static const struct field select_filter_fields[] = {
        FIELD(select_filter, place_count, FIELD_STORE),
        FIELD(select_filter, node_name_list, FIELD_STORE),
        FIELD(select_filter, storage_pool_list, FIELD_STORE),
        FIELD(select_filter, storage_pool_diskless_list, FIELD_STORE),
        FIELD(select_filter, not_place_with_rsc, FIELD_STORE),
        FIELD(select_filter, not_place_with_rsc_regex, FIELD_STORE),
        FIELD(select_filter, replicas_on_same, FIELD_STORE),
        FIELD(select_filter, replicas_on_different, FIELD_STORE),
        FIELD(select_filter, x_replicas_on_different_map, FIELD_STORE),
        FIELD(select_filter, layer_stack, FIELD_STORE),
        FIELD(select_filter, provider_list, FIELD_STORE),
        FIELD(select_filter, diskless_on_remaining, FIELD_STORE),
    };
SCHEMA(select_filter)

static const struct field resource_group_fields[] = {
    OBJECT_FIELDS(resource_group, no_flags),         FIELD(resource_group, name, FIELD_STORE),
    FIELD(resource_group, description, FIELD_STORE), INLINE(resource_group, filter, select_filter, FIELD_STORE),
    FIELD(resource_group, peer_slots, FIELD_STORE),
};
static SCHEMA(resource_group)

    static const struct field volume_group_fields[] = {
        OBJECT_FIELDS(volume_group, volume_group_flags),
        FIELD(volume_group, number, FIELD_STORE),
    };
static SCHEMA(volume_group)

    static const struct field resource_definition_fields[] = {
        OBJECT_FIELDS(resource_definition, resource_definition_flags),
        FIELD(resource_definition, name, FIELD_STORE),
        FIELD(resource_definition, external_name, FIELD_STORE),
        FIELD(resource_definition, resource_group, FIELD_STORE),
        FIELD(resource_definition, layers, FIELD_STORE),
        FIELD(resource_definition, peer_slots, FIELD_STORE),
        FIELD(resource_definition, port, FIELD_STORE),
        FIELD(resource_definition, transport, FIELD_STORE),
        FIELD(resource_definition, secret, FIELD_STORE | FIELD_SECRET),
    };
static SCHEMA(resource_definition)

    static const struct field volume_definition_fields[] = {
        OBJECT_FIELDS(volume_definition, volume_definition_flags),
        FIELD(volume_definition, number, FIELD_STORE),
        FIELD(volume_definition, size_kib, FIELD_STORE),
        FIELD(volume_definition, minor, FIELD_STORE),
    };
static SCHEMA(volume_definition)

    static const struct field volume_side_fields[] = {
        FIELD(volume_side, suffix, FIELD_STORE | FIELD_REQUIRED),
        FIELD(volume_side, storage_pool, FIELD_STORE),
    };
static SCHEMA(volume_side)

    static const struct field volume_fields[] = {
        FIELD(volume, number, FIELD_STORE),
        FIELD(volume, uuid, FIELD_STORE),
        FLAGS(volume, flags, volume_flag_names, FIELD_STORE),
        FIELD(volume, props, FIELD_STORE),
        FIELD(volume, storage_pool, FIELD_STORE),
        FIELD(volume, size_kib, FIELD_STORE),
        LIST(volume, sides, volume_side, FIELD_STORE),
        FIELD(volume, is_deployed, FIELD_STORE),
        FIELD(volume, keys, FIELD_STORE | FIELD_SECRET),
    };
SCHEMA(volume)

static const struct field resource_fields[] = {
    OBJECT_FIELDS(resource, resource_flags),      FIELD(resource, layers, FIELD_STORE),
    LIST(resource, volumes, volume, FIELD_STORE), FIELD(resource, create_timestamp_ms, FIELD_STORE),
    FIELD(resource, node_id, FIELD_STORE),        FIELD(resource, tcp_ports, FIELD_STORE),
    FIELD(resource, authority, FIELD_STORE),
};
static SCHEMA(resource)

    static void release_pool(struct object *object)
{
    free(((struct storage_pool *)object)->fact);
}

static void release_resource(struct object *object)
{
    free(((struct resource *)object)->fact);
}

/* clang-format off */
#define KIND(ID, T, REF, FLAGS_, P0, P1, ...) [KIND_##ID] = { .id = KIND_##ID, .name = #T, .reference = (REF), \
    .schema = &T##_schema, .flags = (FLAGS_), .parents = { KIND_##P0, KIND_##P1 }, .version = 1, __VA_ARGS__ }
const struct kind kinds[KIND_COUNT] = {
    KIND(CONTROLLER, controller, "Controller", no_flags, NONE, NONE),
    KIND(NODE, node, "Node", node_flags, CONTROLLER, NONE),
    KIND(NET_INTERFACE, net_interface, "NetIf", no_flags, NODE, NONE),
    KIND(STORAGE_POOL_DEFINITION, storage_pool_definition, "StorPoolDfn", no_flags, CONTROLLER, NONE),
    KIND(STORAGE_POOL, storage_pool, "StorPool", no_flags, NODE, STORAGE_POOL_DEFINITION, .release = release_pool),
    KIND(RESOURCE_GROUP, resource_group, "RscGrp", no_flags, CONTROLLER, NONE),
    KIND(VOLUME_GROUP, volume_group, "VlmGrp", volume_group_flags, RESOURCE_GROUP, NONE),
    KIND(RESOURCE_DEFINITION, resource_definition, "RscDfn", resource_definition_flags, CONTROLLER, RESOURCE_GROUP,
        .account = account_resource_definition),
    KIND(VOLUME_DEFINITION, volume_definition, "VlmNr", volume_definition_flags, RESOURCE_DEFINITION, NONE,
        .account = account_volume_definition),
    KIND(RESOURCE, resource, "Rsc", resource_flags, RESOURCE_DEFINITION, NODE,
        .account = account_resource, .release = release_resource),
};
/* clang-format on */
