/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/layer.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "base/text.h"

#define BIT(x) (UINT32_C(1) << (x))

#define CACHES (BIT(LAYER_WRITECACHE) | BIT(LAYER_CACHE) | BIT(LAYER_BCACHE))

/* What may lie directly below a layer; what has nothing below it ends the stack. */
static const uint32_t below[LAYER_KIND_COUNT] = {
    [LAYER_DRBD] = BIT(LAYER_NVME) | BIT(LAYER_LUKS) | BIT(LAYER_STORAGE) | CACHES,
    [LAYER_LUKS] = BIT(LAYER_STORAGE),
    [LAYER_STORAGE] = 0,
    [LAYER_NVME] = BIT(LAYER_LUKS) | BIT(LAYER_STORAGE) | CACHES,
    [LAYER_WRITECACHE] = BIT(LAYER_NVME) | BIT(LAYER_LUKS) | BIT(LAYER_STORAGE) | BIT(LAYER_CACHE) | BIT(LAYER_BCACHE),
    [LAYER_CACHE] = BIT(LAYER_NVME) | BIT(LAYER_LUKS) | BIT(LAYER_STORAGE) | BIT(LAYER_WRITECACHE) | BIT(LAYER_BCACHE),
    [LAYER_BCACHE] = BIT(LAYER_NVME) | BIT(LAYER_LUKS) | BIT(LAYER_STORAGE) | BIT(LAYER_WRITECACHE),
};

/* clang-format off */
const struct enum_name layer_kind_names[] = {
    { "DRBD", LAYER_DRBD }, { "LUKS", LAYER_LUKS }, { "STORAGE", LAYER_STORAGE }, { "NVME", LAYER_NVME },
    { "WRITECACHE", LAYER_WRITECACHE }, { "CACHE", LAYER_CACHE }, { "BCACHE", LAYER_BCACHE },
    { NULL, 0 },
};

const struct enum_name provider_kind_names[] = {
    { "DISKLESS", PROVIDER_DISKLESS }, { "LVM", PROVIDER_LVM }, { "LVM_THIN", PROVIDER_LVM_THIN },
    { "ZFS", PROVIDER_ZFS }, { "ZFS_THIN", PROVIDER_ZFS_THIN }, { "FILE", PROVIDER_FILE },
    { "FILE_THIN", PROVIDER_FILE_THIN }, { "SPDK", PROVIDER_SPDK }, { "REMOTE_SPDK", PROVIDER_REMOTE_SPDK },
    { "EBS_INIT", PROVIDER_EBS_INIT }, { "EBS_TARGET", PROVIDER_EBS_TARGET },
    { "STORAGE_SPACES", PROVIDER_STORAGE_SPACES }, { "STORAGE_SPACES_THIN", PROVIDER_STORAGE_SPACES_THIN },
    { NULL, 0 },
};

enum {
    SNAP = PROVIDER_SNAPSHOTS, HELD = PROVIDER_SNAPSHOT_NEEDS_VOLUME, SHIP = PROVIDER_BACKUPS, THIN = PROVIDER_THIN,
    SHARED = PROVIDER_SHARED, CLONE = PROVIDER_CLONES, SHRINK = PROVIDER_SHRINKS, DISK = PROVIDER_BACKED,
    SPECIAL = PROVIDER_SPECIAL_NODE,

    FILES = BIT(PROVIDER_FILE) | BIT(PROVIDER_FILE_THIN),
    ZPOOLS = BIT(PROVIDER_ZFS) | BIT(PROVIDER_ZFS_THIN),
    MIXABLE = BIT(PROVIDER_LVM) | BIT(PROVIDER_LVM_THIN) | ZPOOLS,
    EBS = BIT(PROVIDER_EBS_INIT) | BIT(PROVIDER_EBS_TARGET),
    SPACES = BIT(PROVIDER_STORAGE_SPACES) | BIT(PROVIDER_STORAGE_SPACES_THIN),
    ALL = BIT(PROVIDER_KIND_COUNT) - 1,
};

/* mixes: kinds that a replica's peers may have; mixes_if_allowed: more of them, when mixing is allowed. */
static const struct provider_row {
    uint32_t traits, mixes, mixes_if_allowed;
    double oversubscription; /* 0: no limit */
} providers[PROVIDER_KIND_COUNT] = {
    [PROVIDER_DISKLESS] =            { 0, ALL, 0, 0 },
    [PROVIDER_LVM] =                 { SHARED | CLONE | SHRINK | DISK, BIT(PROVIDER_LVM) | SPACES, MIXABLE, 1 },
    [PROVIDER_LVM_THIN] =            { SNAP | SHIP | THIN | CLONE | SHRINK | DISK, BIT(PROVIDER_LVM_THIN) | SPACES,
                                       MIXABLE, 20 },
    [PROVIDER_ZFS] =                 { SNAP | HELD | SHIP | CLONE | SHRINK | DISK, ZPOOLS | SPACES, MIXABLE, 1 },
    [PROVIDER_ZFS_THIN] =            { SNAP | HELD | SHIP | THIN | CLONE | SHRINK | DISK, ZPOOLS | SPACES, MIXABLE, 20 },
    [PROVIDER_FILE] =                { SNAP | SHRINK | DISK, FILES, 0, 1 },
    [PROVIDER_FILE_THIN] =           { SNAP | THIN | SHRINK | DISK, FILES, 0, 20 },
    [PROVIDER_SPDK] =                { SNAP | HELD | SHRINK | DISK, BIT(PROVIDER_SPDK), 0, 1 },
    [PROVIDER_REMOTE_SPDK] =         { SNAP | HELD | SHARED | SHRINK | DISK | SPECIAL, BIT(PROVIDER_REMOTE_SPDK), 0, 1 },
    [PROVIDER_EBS_INIT] =            { 0, EBS, 0, 0 },
    [PROVIDER_EBS_TARGET] =          { SNAP | DISK | SPECIAL, EBS, 0, 1 },
    [PROVIDER_STORAGE_SPACES] =      { DISK, SPACES | MIXABLE, 0, 1 },
    [PROVIDER_STORAGE_SPACES_THIN] = { THIN | DISK, SPACES | MIXABLE, 0, 20 },
};
/* clang-format on */

static bool parse_name(const struct enum_name *names, const char *text, uint64_t *value)
{
    for (; names->name; names++) {
        if (text_equal_fold(names->name, text)) {
            *value = names->value;
            return true;
        }
    }
    return false;
}

const char *layer_kind_name(enum layer_kind kind)
{
    return layer_kind_names[kind].name;
}

const char *provider_kind_name(enum provider_kind kind)
{
    return provider_kind_names[kind].name;
}

bool layer_kind_parse(const char *text, enum layer_kind *kind)
{
    uint64_t value;
    if (!parse_name(layer_kind_names, text, &value))
        return false;
    *kind = (enum layer_kind)value;
    return true;
}

bool provider_kind_parse(const char *text, enum provider_kind *kind)
{
    uint64_t value;
    if (!parse_name(provider_kind_names, text, &value))
        return false;
    *kind = (enum provider_kind)value;
    return true;
}

bool layer_stack_has(const struct layer_stack *stack, enum layer_kind kind)
{
    for (size_t i = 0; i < stack->count; i++) {
        if (stack->at[i] == kind)
            return true;
    }
    return false;
}

static int append(struct layer_stack *stack, enum layer_kind kind, char *why, size_t why_size)
{
    if (layer_stack_has(stack, kind)) {
        snprintf(why, why_size, "The layer %s stands twice in the layer stack.", layer_kind_name(kind));
        return -EINVAL;
    }
    if (stack->count && !(below[stack->at[stack->count - 1]] & BIT(kind))) {
        const char *above = layer_kind_name(stack->at[stack->count - 1]);
        snprintf(why, why_size, "In the layer stack %s lies directly below %s, which is not possible.",
                 layer_kind_name(kind), above);
        return -EINVAL;
    }
    stack->at[stack->count++] = kind;
    return 0;
}

int layer_stack_parse(const struct text_list *names, struct layer_stack *stack, bool *was_extended, char *why,
                      size_t why_size)
{
    *stack = (struct layer_stack){ 0 };
    *was_extended = false;
    for (uint32_t i = 0; i < names->count; i++) {
        enum layer_kind kind;
        if (!layer_kind_parse(names->at[i], &kind)) {
            snprintf(why, why_size,
                     "'%.40s' is no layer; there are DRBD, LUKS, STORAGE, NVME, WRITECACHE, CACHE and BCACHE.",
                     names->at[i]);
            return -ENOENT;
        }
        int result = append(stack, kind, why, why_size);
        if (result < 0)
            return result;
    }
    if (stack->count == 0 || stack->at[stack->count - 1] == LAYER_STORAGE)
        return 0;
    *was_extended = true;
    return append(stack, LAYER_STORAGE, why, why_size);
}

/* clang-format off */
static const struct layer_side sides[LAYER_KIND_COUNT][LAYER_SIDES_LIMIT + 1] = {
    [LAYER_WRITECACHE] = { { ".cache", "Writecache/PoolName" } },
    [LAYER_CACHE] = { { ".dmcache_cache", "Cache/CachePool" }, { ".dmcache_meta", "Cache/MetaPool", "Cache/CachePool" } },
    [LAYER_BCACHE] = { { ".bcache", "BCache/PoolName" } },
};
/* clang-format on */

const struct layer_side *layer_sides(enum layer_kind kind)
{
    return sides[kind];
}

/* Each layer with sides doubles or trebles what is there; no layer counts twice, which bounds that. */
void layer_stack_sides(const struct text_list *layers, struct arena *arena, struct stack_sides *found)
{
    uint32_t seen = 0;

    *found = (struct stack_sides){ 0 };
    for (uint32_t i = 0; i < layers->count; i++) {
        uint32_t before = found->list.count;
        enum layer_kind kind;

        if (!layer_kind_parse(layers->at[i], &kind) || (seen & BIT(kind)))
            continue;
        seen |= BIT(kind);
        for (const struct layer_side *side = sides[kind]; side->suffix; side++)
            for (uint32_t s = 0; s <= before; s++) {
                const char *above = s < before ? found->list.at[s].suffix : "";

                *LIST_ADD(&found->list, arena) = (struct stack_side){ arena_printf(arena, "%s%s", above, side->suffix),
                                                                      side->pool_key, side->other_key };
            }
    }
}

bool provider_can(enum provider_kind kind, enum provider_trait trait)
{
    return providers[kind].traits & trait;
}

double provider_oversubscription(enum provider_kind kind)
{
    return providers[kind].oversubscription > 0 ? providers[kind].oversubscription : INFINITY;
}

bool provider_mixes(enum provider_kind a, enum provider_kind b, bool allow_mixing)
{
    uint32_t with = providers[a].mixes | (allow_mixing ? providers[a].mixes_if_allowed : 0);
    return (with & BIT(b)) || b == PROVIDER_DISKLESS;
}
