/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which layers and which storage providers exist, how REST and people spell them, which stacks of layers are legal and
 * what a provider can do: one row of layer.c for each, and every list of them, in the client's commands and in texts,
 * is made of the rows. Facts for all roles; how a layer or provider does its work is in layers/ and drivers/, which
 * need not have all of them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/field.h"
#include "base/memory.h"

enum layer_kind {
    LAYER_DRBD,
    LAYER_LUKS,
    LAYER_STORAGE,
    LAYER_NVME,
    LAYER_WRITECACHE,
    LAYER_CACHE,
    LAYER_BCACHE,
    LAYER_KIND_COUNT,
};

enum provider_kind {
    PROVIDER_DISKLESS,
    PROVIDER_LVM,
    PROVIDER_LVM_THIN,
    PROVIDER_ZFS,
    PROVIDER_ZFS_THIN,
    PROVIDER_FILE,
    PROVIDER_FILE_THIN,
    PROVIDER_SPDK,
    PROVIDER_REMOTE_SPDK,
    PROVIDER_EBS_INIT,
    PROVIDER_EBS_TARGET,
    PROVIDER_STORAGE_SPACES,
    PROVIDER_STORAGE_SPACES_THIN,
    PROVIDER_KIND_COUNT,
};

struct layer_row {
    const char *name;    /* as REST spells it: "WRITECACHE" */
    const char *title;   /* for people: "WriteCache" */
    unsigned info_place; /* LINSTOR: of its column in the client's table of abilities, from 1 */
    uint32_t below;      /* bits of the kinds that may lie directly below; none: it ends the stack */
};

struct provider_row {
    const char *name;        /* as REST spells it: "FILE_THIN" */
    const char *info_title;  /* "File/Thin": its column in the client's table of abilities; NULL: it has none */
    const char *driver;      /* "FileThinDriver": what the oldest form of the client's JSON calls it; NULL: name */
    const char *command;     /* words of 'storage-pool create'; NULL: users do not create such pools */
    const char *summary;     /* of that command */
    const char *argument;    /* the last argument of that command; NULL: there is none */
    const char *property;    /* which takes the argument */
    const char *help;        /* of the argument */
    const char *elsewhere;   /* NULL, or why no satellite on Linux can have it */
    int64_t granularity_kib; /* of sizes; 0: known when the satellite has looked */
    uint32_t traits, mixes, mixes_if_allowed;
    double oversubscription; /* 0: no limit */
};

extern const struct layer_row layer_rows[LAYER_KIND_COUNT];
extern const struct provider_row provider_rows[PROVIDER_KIND_COUNT];

/* Where a satellite finds what holds the volumes of a pool: volume group, ZFS pool, directory. */
#define PROVIDER_POOL_PROPERTY "StorDriver/StorPoolName"
/* Every node has this pool, of PROVIDER_DISKLESS. */
#define PROVIDER_DISKLESS_POOL "DfltDisklessStorPool"

const char *layer_kind_name(enum layer_kind kind);
const char *provider_kind_name(enum provider_kind kind);
/* In any case; false when there is no such kind. */
bool layer_kind_parse(const char *text, enum layer_kind *kind) MUST_CHECK;
bool provider_kind_parse(const char *text, enum provider_kind *kind) MUST_CHECK;
/* All of them, for texts: "DRBD, LUKS, ...". */
void layer_kinds_print(struct buf *out);
void provider_kinds_print(struct buf *out);

/* Top first. No kind is in a legal stack twice, so all have room. */
struct layer_stack {
    size_t count;
    enum layer_kind at[LAYER_KIND_COUNT];
};

/*
 * Fills *stack with the layers named in any case, and appends STORAGE where it is missing. 0, or
 * -ENOENT (a name is no layer; FAIL_INVLD_LAYER_KIND) or -EINVAL (not in this order; FAIL_INVLD_LAYER_STACK), with one
 * sentence in why. No names make an empty stack, which is not extended: it means that the layers are chosen later.
 */
int layer_stack_parse(const struct text_list *names, struct layer_stack *stack, bool *was_extended, char *why,
                      size_t why_size) MUST_CHECK;
bool layer_stack_has(const struct layer_stack *stack, enum layer_kind kind);

enum { LAYER_SIDES_LIMIT = 2 };

/*
 * A further volume that a layer needs for each of its own. All layers below it are there for it once more. LINSTOR: the
 * suffixes are parts of names on disk.
 */
struct layer_side {
    const char *suffix;    /* ".cache"; NULL ends the list */
    const char *pool_key;  /* the property that names its storage pool */
    const char *other_key; /* NULL, or the one that does when that one is not set */
};
const struct layer_side *layer_sides(enum layer_kind kind) __attribute__((returns_nonnull));

/* A side of a resource, by the whole suffix of its names: ".dmcache_cache.cache" is the cache of a cache. */
struct stack_side {
    const char *suffix;
    const char *pool_key, *other_key;
};
struct stack_sides {
    LIST_OF(struct stack_side) list;
};
void layer_stack_sides(const struct text_list *layers, struct arena *arena, struct stack_sides *sides);

enum provider_trait {
    PROVIDER_SNAPSHOTS = 1,
    PROVIDER_SNAPSHOT_NEEDS_VOLUME = 2, /* a volume with snapshots cannot be deleted */
    PROVIDER_BACKUPS = 4,               /* volumes can be shipped */
    PROVIDER_THIN = 8,
    PROVIDER_SHARED = 16, /* a volume can be seen by several nodes */
    PROVIDER_CLONES = 32,
    PROVIDER_SHRINKS = 64,
    PROVIDER_BACKED = 128,       /* there is a device */
    PROVIDER_SPECIAL_NODE = 256, /* only on nodes of the type that is made for it */
    PROVIDER_UNMEASURED = 512,   /* nobody knows how much room there is */
};

bool provider_can(enum provider_kind kind, enum provider_trait trait);
/* How much more than its size may be promised from a pool, unless a property says so; INFINITY where nothing is used.
 */
double provider_oversubscription(enum provider_kind kind);
/*
 * Whether replicas of one volume may lie on both. allow_mixing is what the property AllowMixingStoragePoolDriver and
 * the DRBD versions of the nodes permit beyond what always goes together.
 */
bool provider_mixes(enum provider_kind a, enum provider_kind b, bool allow_mixing);
