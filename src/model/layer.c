/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/layer.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "base/text.h"

#define BIT(x) (UINT32_C(1) << (x))

#define CACHES (BIT(LAYER_WRITECACHE) | BIT(LAYER_CACHE) | BIT(LAYER_BCACHE))

/* clang-format off */
const struct layer_row layer_rows[LAYER_KIND_COUNT] = {
    [LAYER_DRBD] = { "DRBD", "DRBD", 1, BIT(LAYER_NVME) | BIT(LAYER_LUKS) | BIT(LAYER_STORAGE) | CACHES },
    [LAYER_LUKS] = { "LUKS", "LUKS", 2, BIT(LAYER_STORAGE) },
    [LAYER_STORAGE] = { "STORAGE", "Storage", 7, 0 },
    [LAYER_NVME] = { "NVME", "NVMe", 3, BIT(LAYER_LUKS) | BIT(LAYER_STORAGE) | CACHES },
    [LAYER_WRITECACHE] = { "WRITECACHE", "WriteCache", 6,
        BIT(LAYER_NVME) | BIT(LAYER_LUKS) | BIT(LAYER_STORAGE) | BIT(LAYER_CACHE) | BIT(LAYER_BCACHE) },
    [LAYER_CACHE] = { "CACHE", "Cache", 4,
        BIT(LAYER_NVME) | BIT(LAYER_LUKS) | BIT(LAYER_STORAGE) | BIT(LAYER_WRITECACHE) | BIT(LAYER_BCACHE) },
    [LAYER_BCACHE] = { "BCACHE", "BCache", 5,
        BIT(LAYER_NVME) | BIT(LAYER_LUKS) | BIT(LAYER_STORAGE) | BIT(LAYER_WRITECACHE) },
};

enum {
    SNAP = PROVIDER_SNAPSHOTS, HELD = PROVIDER_SNAPSHOT_NEEDS_VOLUME, SHIP = PROVIDER_BACKUPS, THIN = PROVIDER_THIN,
    SHARED = PROVIDER_SHARED, CLONE = PROVIDER_CLONES, SHRINK = PROVIDER_SHRINKS, DISK = PROVIDER_BACKED,
    SPECIAL = PROVIDER_SPECIAL_NODE, UNMEASURED = PROVIDER_UNMEASURED,

    FILES = BIT(PROVIDER_FILE) | BIT(PROVIDER_FILE_THIN),
    ZPOOLS = BIT(PROVIDER_ZFS) | BIT(PROVIDER_ZFS_THIN),
    MIXABLE = BIT(PROVIDER_LVM) | BIT(PROVIDER_LVM_THIN) | ZPOOLS,
    EBS = BIT(PROVIDER_EBS_INIT) | BIT(PROVIDER_EBS_TARGET),
    SPACES = BIT(PROVIDER_STORAGE_SPACES) | BIT(PROVIDER_STORAGE_SPACES_THIN),
    ALL = BIT(PROVIDER_KIND_COUNT) - 1,
};

#define POOL(text) .argument = "driver_pool", .property = PROVIDER_POOL_PROPERTY, .help = text
static const char on_windows[] = "This storage provider exists on Windows only.";

/* mixes: kinds that a replica's peers may have; mixes_if_allowed: more of them, when mixing is allowed. */
const struct provider_row provider_rows[PROVIDER_KIND_COUNT] = {
    [PROVIDER_DISKLESS] = { "DISKLESS", "Diskless", "DisklessDriver",
        "diskless", "A pool for replicas without a disk.",
        .traits = UNMEASURED, .mixes = ALL },
    [PROVIDER_LVM] = { "LVM", "LVM", "LvmDriver",
        "lvm", "A pool of thick volumes in an LVM volume group.", POOL("LVM volume group."),
        .traits = SHARED | CLONE | SHRINK | DISK,
        .mixes = BIT(PROVIDER_LVM) | SPACES, .mixes_if_allowed = MIXABLE, .oversubscription = 1 },
    [PROVIDER_LVM_THIN] = { "LVM_THIN", "LVMThin", "LvmThinDriver",
        "lvmthin", "A pool of thin volumes in an LVM thin pool.", POOL("LVM volume group and thin pool: vg/thin."),
        .traits = SNAP | SHIP | THIN | CLONE | SHRINK | DISK,
        .mixes = BIT(PROVIDER_LVM_THIN) | SPACES, .mixes_if_allowed = MIXABLE, .oversubscription = 20 },
    [PROVIDER_ZFS] = { "ZFS", NULL, "ZfsDriver",
        "zfs", "A pool of thick ZFS volumes.", POOL("ZFS pool or data set."),
        .traits = SNAP | HELD | SHIP | CLONE | SHRINK | DISK,
        .mixes = ZPOOLS | SPACES, .mixes_if_allowed = MIXABLE, .oversubscription = 1 },
    [PROVIDER_ZFS_THIN] = { "ZFS_THIN", "ZFS/Thin", "ZfsThinDriver",
        "zfsthin", "A pool of thin ZFS volumes.", POOL("ZFS pool or data set."),
        .traits = SNAP | HELD | SHIP | THIN | CLONE | SHRINK | DISK,
        .mixes = ZPOOLS | SPACES, .mixes_if_allowed = MIXABLE, .oversubscription = 20 },
    [PROVIDER_FILE] = { "FILE", NULL, "FileDriver",
        "file", "A pool of files that are loop devices.", POOL("Directory."),
        .granularity_kib = 1, .traits = SNAP | SHRINK | DISK, .mixes = FILES, .oversubscription = 1 },
    [PROVIDER_FILE_THIN] = { "FILE_THIN", "File/Thin", "FileThinDriver",
        "filethin", "A pool of sparse files that are loop devices.", POOL("Directory."),
        .granularity_kib = 1, .traits = SNAP | THIN | SHRINK | DISK, .mixes = FILES, .oversubscription = 20 },
    [PROVIDER_SPDK] = { "SPDK", "SPDK", "SpdkDriver",
        "spdk", "A pool of SPDK volumes.", POOL("What holds the volumes there."),
        .traits = SNAP | HELD | SHRINK | DISK, .mixes = BIT(PROVIDER_SPDK), .oversubscription = 1 },
    [PROVIDER_REMOTE_SPDK] = { "REMOTE_SPDK", "Remote SPDK", NULL,
        "remotespdk", "A pool of SPDK volumes on a target that is no satellite.", POOL("What holds the volumes there."),
        .traits = SNAP | HELD | SHARED | SHRINK | DISK | SPECIAL, .mixes = BIT(PROVIDER_REMOTE_SPDK),
        .oversubscription = 1 },
    [PROVIDER_EBS_INIT] = { "EBS_INIT", NULL, NULL,
        "ebs_initiator ebs_init", "A pool of EBS volumes.",
        "remote", "StorDriver/EBS/Remote", "Name of the EBS remote.",
        .traits = UNMEASURED, .mixes = EBS },
    [PROVIDER_EBS_TARGET] = { "EBS_TARGET",
        .traits = SNAP | DISK | SPECIAL | UNMEASURED, .mixes = EBS, .oversubscription = 1 },
    [PROVIDER_STORAGE_SPACES] = { "STORAGE_SPACES", "Storage Spaces", NULL,
        "storagespaces", "A pool of thick volumes in Storage Spaces.", POOL("What holds the volumes there."),
        .elsewhere = on_windows, .traits = DISK, .mixes = SPACES | MIXABLE, .oversubscription = 1 },
    [PROVIDER_STORAGE_SPACES_THIN] = { "STORAGE_SPACES_THIN", "Storage Spaces/Thin", NULL,
        "storagespacesthin", "A pool of thin volumes in Storage Spaces.", POOL("What holds the volumes there."),
        .elsewhere = on_windows, .traits = THIN | DISK, .mixes = SPACES | MIXABLE, .oversubscription = 20 },
};
/* clang-format on */

const char *layer_kind_name(enum layer_kind kind)
{
    return layer_rows[kind].name;
}

const char *provider_kind_name(enum provider_kind kind)
{
    return provider_rows[kind].name;
}

bool layer_kind_parse(const char *text, enum layer_kind *kind)
{
    for (enum layer_kind i = 0; i < LAYER_KIND_COUNT; i++) {
        if (text_equal_fold(layer_rows[i].name, text)) {
            *kind = i;
            return true;
        }
    }
    return false;
}

bool provider_kind_parse(const char *text, enum provider_kind *kind)
{
    for (enum provider_kind i = 0; i < PROVIDER_KIND_COUNT; i++) {
        if (text_equal_fold(provider_rows[i].name, text)) {
            *kind = i;
            return true;
        }
    }
    return false;
}

void layer_kinds_print(struct buf *out)
{
    for (enum layer_kind kind = 0; kind < LAYER_KIND_COUNT; kind++)
        buf_printf(out, "%s%s", kind ? ", " : "", layer_rows[kind].name);
}

void provider_kinds_print(struct buf *out)
{
    for (enum provider_kind kind = 0; kind < PROVIDER_KIND_COUNT; kind++)
        buf_printf(out, "%s%s", kind ? ", " : "", provider_rows[kind].name);
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
    if (stack->count && !(layer_rows[stack->at[stack->count - 1]].below & BIT(kind))) {
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
            CLEANUP(buf_done) struct buf known = { 0 };
            layer_kinds_print(&known);
            snprintf(why, why_size, "'%.40s' is no layer; there are %s.", names->at[i], buf_text(&known));
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
    return provider_rows[kind].traits & trait;
}

double provider_oversubscription(enum provider_kind kind)
{
    return provider_rows[kind].oversubscription > 0 ? provider_rows[kind].oversubscription : INFINITY;
}

bool provider_mixes(enum provider_kind a, enum provider_kind b, bool allow_mixing)
{
    uint32_t with = provider_rows[a].mixes | (allow_mixing ? provider_rows[a].mixes_if_allowed : 0);
    return (with & BIT(b)) || b == PROVIDER_DISKLESS;
}
