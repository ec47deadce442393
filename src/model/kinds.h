/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The objects. Members above a blank line are stored; what follows is memory only: what satellites reported, and what
 * is derived. Sizes in KiB. Flags and their spelling: LINSTOR, reference controller.md 1.2 and 1.3.
 */
#pragma once

#include "model/object.h"
#include "model/want.h"

enum node_type { NODE_CONTROLLER = 1, NODE_SATELLITE, NODE_COMBINED, NODE_AUXILIARY };
extern const struct enum_name node_type_names[];

enum { NODE_DELETE = 1, NODE_EVICTED = 3, NODE_EVACUATE = 4, NODE_QIGNORE = 0x10000 };
enum { VOLUME_GROUP_GROSS_SIZE = 1 };
enum {
    RESOURCE_DEFINITION_DELETE = 1,
    RESOURCE_DEFINITION_RESTORE_TARGET = 2,
    RESOURCE_DEFINITION_CLONING = 4,
    RESOURCE_DEFINITION_FAILED = 8
};
enum {
    VOLUME_DEFINITION_DELETE = 1,
    VOLUME_DEFINITION_ENCRYPTED = 2,
    VOLUME_DEFINITION_RESIZE = 4,
    VOLUME_DEFINITION_GROSS_SIZE = 8,
    VOLUME_DEFINITION_RESIZE_SHRINK = 20,
    VOLUME_DEFINITION_DRBD_INITIALIZED = 32
};
enum {
    RESOURCE_CLEAN = 1,
    RESOURCE_DELETE = 2,
    RESOURCE_DISKLESS = 4,
    RESOURCE_DRBD_DISKLESS = 4 | 1 << 8,
    RESOURCE_TIE_BREAKER = RESOURCE_DRBD_DISKLESS | 1 << 7,
    RESOURCE_NVME_INITIATOR = 4 | 1 << 9,
    RESOURCE_INACTIVE = 1 << 10,
    RESOURCE_EVACUATE = 1 << 17
};
enum { VOLUME_DELETE = 2, VOLUME_RESIZE = 4 };

/*
 * What is kept of the master passphrase. The master key seals the keys of volumes (base/secret.h); it is stored sealed
 * itself, by what is derived from the passphrase, which is stored nowhere.
 */
struct master {
    char *id;         /* of the master key, which another passphrase does not change */
    char *derivation; /* "pbkdf2-hmac-sha512" */
    char *salt;       /* base64 */
    int64_t iterations;
    char *key;
};

struct controller {
    struct object object;            /* uuid: of the cluster; props: what only the controller reads */
    struct text_map satellite_props; /* what satellites read, too */
    struct master *master;           /* NULL: there is no master passphrase */
};

struct node {
    struct object object;
    char *name;
    uint32_t type;

    void *runtime; /* the controller role's session with the satellite */
};

struct net_interface {
    struct object object;
    char *name;
    char *address;
    struct maybe_i32 satellite_port;
    char *encryption; /* "PLAIN", "SSL" or NULL; a satellite is reached only where port and encryption are set */
};

struct storage_pool_definition {
    struct object object;
    char *name;
};

struct storage_pool {
    struct object object;
    char *provider;    /* as REST spells it */
    char *shared_name; /* free space manager, NULL when not shared */
    bool external_locking;

    struct pool_fact *fact;   /* last report, one block; NULL when there was none */
    uint64_t want_generation; /* of the want last sent */
    uint64_t want_digest;     /* of its content */
    int64_t reserved_kib;     /* sum of the sizes of the volumes placed here */
    uint32_t volume_count, resource_count;
};

struct select_filter {
    struct maybe_i32 place_count;
    struct text_list node_name_list, storage_pool_list, storage_pool_diskless_list, not_place_with_rsc;
    char *not_place_with_rsc_regex;
    struct text_list replicas_on_same, replicas_on_different;
    struct i64_map x_replicas_on_different_map;
    struct text_list layer_stack, provider_list;
    struct maybe_bool diskless_on_remaining;
};
extern const struct schema select_filter_schema;

struct resource_group {
    struct object object;
    char *name;
    char *description;
    struct select_filter filter;
    struct maybe_i32 peer_slots;
};

struct volume_group {
    struct object object;
    int32_t number;
};

struct resource_definition {
    struct object object;
    char *name;
    char *external_name;
    char *resource_group;    /* name; the object is parent[1] */
    struct text_list layers; /* top first; absent until it is known */
    struct maybe_i32 peer_slots;
    struct maybe_i32 port; /* DRBD: that replicas take where it is free */
    char *transport;       /* DRBD: "IP", "RDMA", "RoCE" */
    char *secret;          /* DRBD: shared by its replicas */

    struct map_node external; /* place in model.external_names, when it has such a name */
};

struct volume_definition {
    struct object object;
    int32_t number;
    int64_t size_kib;
    struct maybe_i32 minor; /* DRBD */
};

/* A further volume that a layer needs, see layer_stack_sides(). */
struct volume_side {
    char *suffix, *storage_pool;
};

struct volume {
    int32_t number;
    char *uuid;
    uint64_t flags;
    struct text_map props;
    char *storage_pool;
    int64_t size_kib; /* that the top of the stack is to have here; follows the definition when that is resized */
    LIST_OF(struct volume_side) sides;
    bool is_deployed;      /* it was reported once: from then on it is not made anew where it is missing */
    struct text_list keys; /* LUKS, sealed by the master key: the one to be in force, then those that may be still */
};
extern const struct schema volume_schema;
extern const struct enum_name volume_flag_names[];

struct resource {
    struct object object;
    struct text_list layers;
    LIST_OF(struct volume) volumes;
    int64_t create_timestamp_ms; /* when it was first whole; 0: not yet */
    struct maybe_i32 node_id;    /* DRBD */
    struct i64_list tcp_ports;   /* DRBD */
    char *authority;             /* which request allowed its data to be destroyed; set together with RESOURCE_DELETE */

    struct resource_fact *fact; /* last report, one block; NULL when there was none */
    uint64_t want_generation;   /* of the want last sent */
    uint64_t want_digest;       /* of its content */
    uint64_t dirty_generation;  /* of the last change that may concern the want */
    uint32_t dirty_slot;        /* place in the controller's list of what is to be looked at, from 1; 0: clean */
};

static inline const struct node *resource_node(const struct resource *resource)
{
    return (const struct node *)resource->object.parent[1];
}
static inline const struct resource_definition *resource_definition_of(const struct resource *resource)
{
    return (const struct resource_definition *)resource->object.parent[0];
}
static inline const struct node *storage_pool_node(const struct storage_pool *pool)
{
    return (const struct node *)pool->object.parent[0];
}
static inline const char *storage_pool_name(const struct storage_pool *pool)
{
    return ((const struct storage_pool_definition *)pool->object.parent[1])->name;
}
