/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Wants and facts: what the controller tells a satellite should exist, and what a satellite tells that exists. These
 * structs are the messages of the link; the controller derives wants from the model, the satellite plans from them.
 *
 *   controller -> satellite                              satellite -> controller
 *                                                        held      struct held        first after on_up: what it
 *                                                                                     holds, the last part is complete
 *   wants     struct wants    the difference to that     report    struct report      whatever changed
 *   unlock    struct unlock   the master key: after each on_up, and when it becomes known
 *   refresh   struct refresh  measure capacities now     report    with the same token, all pools
 *                                                        crash     struct crash       left by an earlier run, after
 * on_up crash_kept struct crash   without text: may be removed
 *
 * After the wants that are complete the satellite reports everything it knows: all pools, all resources, all orphans.
 *
 * A want is always whole: it replaces the one of the same name. generation grows with every change; a report says which
 * generation it speaks of. Lists of any length are sent in parts, one message each; a part ends with the item that
 * brings it to MESSAGE_ITEMS or MESSAGE_BYTES. The satellite never removes anything that is not wanted away: a want it
 * does not hold is an orphan, which it reports.
 */
#pragma once

#include <stdint.h>

#include "base/field.h"

/*
 * What determines how long a message can become is one item, which cannot be cut. The largest is the want or the fact
 * of a resource: 100 to 300 bytes for each volume, as many for each layer of it, and its properties, of which there are
 * 35 that satellites are told, mostly of a few bytes. So there is room for 5,000 volumes, or 1,000 that have
 * everything. A longer item is not sent; the resource has a trouble instead. A part of less than MESSAGE_BYTES and one
 * item fit into a frame of the link.
 */
enum {
    MESSAGE_ITEMS = 500,
    MESSAGE_BYTES = 512 * 1024,
    ITEM_BYTES = 1500 * 1024,
};

struct pool_want {
    char *pool; /* name as created */
    char *uuid;
    int64_t generation;
    char *provider;        /* as LINSTOR spells it: "FILE_THIN" */
    int64_t digest;        /* of the content, for held; the satellite stores and returns it, nothing else */
    bool remove;           /* nothing on the machine is touched; the satellite forgets the pool */
    struct text_map props; /* effective properties that a provider reads, e.g. StorDriver/StorPoolName */
};

/* A further volume in a pool, which a layer of the resource needs for each volume: its cache, its metadata. */
struct side_want {
    char *suffix; /* of its name: ".cache" */
    char *pool;
};

/* A snapshot that the volume is made from where it does not exist yet. */
struct origin_want {
    char *resource, *snapshot;
};

/* 1 EiB: of what is deployed. Sums of a few such sizes and overheads fit into 64 bits. */
#define VOLUME_MAX_KIB (INT64_C(1) << 50)

struct volume_want {
    int32_t number;
    char *pool;
    int64_t size_kib; /* usable by the top of the stack */
    bool remove;      /* this volume goes, the resource stays; needs the want's authority */
    bool
        must_exist; /* it was reported as created before: when it is missing now it is lost, and not made anew, empty */
    /* It was never reported as created: what lies under its name is not its own, unless it bears the resource's uuid,
     * as what the satellite makes for it does. */
    bool must_be_new;
    struct text_map props; /* effective */
    struct text_list keys; /* for LUKS, sealed by the master key: the one to be in force, then older ones */
    LIST_OF(struct side_want) sides;
    struct origin_want *origin; /* NULL: it is made empty */
};

/*
 * A snapshot of some volumes of the resource. It outlives them where the provider can do that, so it names their pools
 * itself.
 */
struct snapshot_volume_want {
    int32_t number;
    char *pool;
};
struct snapshot_want {
    char *snapshot; /* name as created */
    char *uuid;
    bool remove;     /* needs authority */
    bool must_exist; /* as in volume_want */
    char *authority;
    LIST_OF(struct snapshot_volume_want) volumes;
};

/* How the volumes of a resource with the layer NVME are reached over the network. */
struct nvme_want {
    bool is_initiator; /* the volumes lie on another node; else this one exports them */
    char *transport;   /* "tcp", "rdma" */
    char *address;     /* of the node that exports them */
    int32_t port;
    struct text_list hosts; /* by which names initiators call themselves: who may connect, or just this one */
};

struct resource_want {
    char *resource; /* name as created */
    char *uuid;
    int64_t generation;
    int64_t digest;          /* as in pool_want */
    struct text_list layers; /* top first, ends with STORAGE */
    bool remove;
    bool orphan;     /* with remove: what goes is of no resource, and is listed as an orphan until it is gone */
    char *authority; /* of a user: which request allowed data to be destroyed. Without it a want with remove is refused.
                      */
    struct text_map props; /* effective */
    LIST_OF(struct volume_want) volumes;
    LIST_OF(struct snapshot_want) snapshots;
    struct nvme_want *nvme; /* NULL: the layer NVME is not among layers */
};

struct wants {
    LIST_OF(struct pool_want) pools;
    LIST_OF(struct resource_want) resources;
    struct text_list forget; /* resources the controller does not know: their devices stay and become orphans */
    bool complete;           /* last part of the answer to held */
};

struct held_item {
    char *name;
    char *uuid;
    int64_t generation, digest;
};
struct held {
    LIST_OF(struct held_item) pools;
    LIST_OF(struct held_item) resources;
    bool complete; /* last part */
};

struct refresh {
    int64_t token;
};

/* The master key, that sealed texts of wants are sealed by. It is never stored by a satellite. */
struct unlock {
    char *key; /* base64 */
};

/* Why something failed; texts for a person. */
struct trouble {
    char *message, *cause, *correction, *details;
    int32_t attempts;    /* so far */
    int64_t retry_in_ms; /* until the next attempt */
};

/* What one layer gives to the one above. */
struct level_fact {
    char *layer, *suffix;
    char *device_path;
    char *backing;
    int64_t usable_kib, allocated_kib;
};

struct volume_fact {
    int32_t number;
    char *device_path; /* of the top of the stack; NULL while there is none */
    char *backing;     /* file, LV or zvol */
    int64_t usable_kib;
    int64_t allocated_kib;
    /* What lies under its name and was not made for it, 0: nothing; and what would be needed there. */
    int64_t foreign_kib, needed_kib;
    char *state;                       /* "Created", "Failed", ... */
    LIST_OF(struct level_fact) levels; /* top first; none when there is only STORAGE, of which the volume tells all */
};

struct snapshot_fact {
    char *snapshot;
    bool exists; /* of all its volumes */
    bool gone;   /* the want said remove, and nothing of it is left */
    int64_t allocated_kib;
};

struct resource_fact {
    char *resource;
    char *uuid;
    int64_t generation;      /* of the want that this speaks of */
    bool applied;            /* everything the want of that generation says holds */
    bool gone;               /* the want said remove, and nothing of it is left */
    struct trouble *trouble; /* NULL when the last attempt did not fail */
    LIST_OF(struct volume_fact) volumes;
    LIST_OF(struct snapshot_fact) snapshots;
};

struct pool_fact {
    char *pool;
    char *uuid;
    int64_t generation;
    bool applied;
    struct trouble *trouble;
    struct maybe_i64 free_kib, total_kib; /* absent when unknown */
    bool supports_snapshots;
    int64_t granularity_kib; /* sizes of volumes are multiples of it; 0: not known */
    struct text_map props;   /* what the controller shall show as properties of the pool */
};

struct orphan_fact {
    char *pool;
    char *identifier;
    char *device_path;
    int64_t size_kib;
    struct trouble *trouble; /* why it is not gone, when a user wants it removed; NULL: no attempt has failed */
};

struct report {
    int64_t token; /* of the refresh that this answers, else 0 */
    LIST_OF(struct pool_fact) pools;
    LIST_OF(struct resource_fact) resources;
    LIST_OF(struct orphan_fact) orphans; /* since the last complete list, or a further part of the next one */
    bool orphans_complete;               /* these were the last of them */
};

/* What a process of the satellite left behind when it died of a bug. It is sent again until the controller keeps it. */
struct crash {
    char *name, *text;
};

extern const struct schema crash_schema, pool_want_schema, volume_want_schema, resource_want_schema, wants_schema,
    held_item_schema, held_schema, refresh_schema, unlock_schema, trouble_schema, level_fact_schema, volume_fact_schema,
    snapshot_fact_schema, nvme_want_schema, side_want_schema, origin_want_schema, snapshot_volume_want_schema,
    snapshot_want_schema, resource_fact_schema, pool_fact_schema, orphan_fact_schema, report_schema;
