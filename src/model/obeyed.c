/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/obeyed.h"

#include <string.h>

#include "base/text.h"
#include "model/layer.h"

/* clang-format off */
static const struct obeyed {
    const char *key;
    enum prop_order order;
    enum layer_kind layer; /* of resources that have it */
} obeyed[] = {
    { "StorDriver/LvcreateType", ORDER_STORAGE_DRIVER, LAYER_STORAGE },
    { "StorDriver/LvcreateOptions", ORDER_STORAGE_DRIVER, LAYER_STORAGE },
    { "StorDriver/LvcreateSnapshotOptions", ORDER_STORAGE_DRIVER, LAYER_STORAGE },
    { "StorDriver/LvcreatePvSelection", ORDER_STORAGE_DRIVER, LAYER_STORAGE },
    { "StorDriver/WaitTimeoutAfterCreate", ORDER_STORAGE_DRIVER, LAYER_STORAGE },
    { "StorDriver/DMStats", ORDER_STORAGE_DRIVER, LAYER_STORAGE },
    { "StorDriver/ZfscreateOptions", ORDER_STORAGE_DRIVER, LAYER_STORAGE },
    { "StorDriver/ZfsSnapshotOptions", ORDER_STORAGE_DRIVER, LAYER_STORAGE },
    { "StorDriver/internal/AllocationGranularity", ORDER_AGREED, LAYER_STORAGE },
    { "StorDriver/LuksFormatOptions", ORDER_LUKS, LAYER_LUKS },
    { "StorDriver/LuksOpenOptions", ORDER_LUKS, LAYER_LUKS },
    { "Luks/AllowDiscards", ORDER_LUKS, LAYER_LUKS },
    { "NVMe/TRType", ORDER_NVME, LAYER_NVME },
    { "NVMe/Port", ORDER_NVME, LAYER_NVME },
    { "NVMe/PrefNic", ORDER_NVME_NIC, LAYER_NVME },
    { "Cache/Blocksize", ORDER_CACHE_LAYERS, LAYER_CACHE },
    { "Cache/Cachesize", ORDER_CACHE_LAYERS, LAYER_CACHE },
    { "Cache/FlushTimeout", ORDER_CACHE_LAYERS, LAYER_CACHE },
    { "Cache/Metasize", ORDER_CACHE_LAYERS, LAYER_CACHE },
    { "Cache/OpMode", ORDER_CACHE_LAYERS, LAYER_CACHE },
    { "Cache/Policy", ORDER_CACHE_LAYERS, LAYER_CACHE },
    { "Writecache/Options/Additional", ORDER_WRITECACHE_OPTIONS, LAYER_WRITECACHE },
    { "Writecache/Options/AutocommitBlocks", ORDER_WRITECACHE_OPTIONS, LAYER_WRITECACHE },
    { "Writecache/Options/AutocommitTime", ORDER_WRITECACHE_OPTIONS, LAYER_WRITECACHE },
    { "Writecache/Options/Fua", ORDER_WRITECACHE_OPTIONS, LAYER_WRITECACHE },
    { "Writecache/Options/HighWatermark", ORDER_WRITECACHE_OPTIONS, LAYER_WRITECACHE },
    { "Writecache/Options/LowWatermark", ORDER_WRITECACHE_OPTIONS, LAYER_WRITECACHE },
    { "Writecache/Options/StartSector", ORDER_WRITECACHE_OPTIONS, LAYER_WRITECACHE },
    { "Writecache/Options/WritebackJobs", ORDER_WRITECACHE_OPTIONS, LAYER_WRITECACHE },
    { "Writecache/Size", ORDER_CACHE_LAYERS, LAYER_WRITECACHE },
    { "BCache/Blocksize", ORDER_CACHE_LAYERS, LAYER_BCACHE },
    { "BCache/Bucketsize", ORDER_CACHE_LAYERS, LAYER_BCACHE },
    { "BCache/CacheReplacementPolicy", ORDER_CACHE_LAYERS, LAYER_BCACHE },
    { "BCache/DataOffset", ORDER_CACHE_LAYERS, LAYER_BCACHE },
    { "BCache/Discard", ORDER_CACHE_LAYERS, LAYER_BCACHE },
    { "BCache/Size", ORDER_CACHE_LAYERS, LAYER_BCACHE },
    { "BCache/Writeback", ORDER_CACHE_LAYERS, LAYER_BCACHE },
};

/* What pools tell themselves, and are told again: internal properties else go one way only. */
static const char *const obeyed_by_pools[] = { "StorDriver/internal/lvm/vgUuid" };
/* clang-format on */

static bool has_layer(const struct resource *resource, enum layer_kind kind)
{
    for (uint32_t i = 0; i < resource->layers.count; i++)
        if (text_equal_fold(resource->layers.at[i], layer_kind_name(kind)))
            return true;
    return false;
}

void obeyed_props_of_volume(const struct model *model, const struct resource *resource, const struct volume *volume,
                            struct text_map *props, struct arena *arena)
{
    struct prop_scope scope = prop_scope_of_resource(model, resource, volume->number);
    bool has[LAYER_KIND_COUNT];

    for (int kind = 0; kind < LAYER_KIND_COUNT; kind++)
        has[kind] = has_layer(resource, (enum layer_kind)kind);
    scope.at[LEVEL_STORAGE_POOL] =
        volume->storage_pool ? (const struct object *)model_find_pool(resource_node(resource), volume->storage_pool)
                             : NULL;
    for (size_t i = 0; i < ARRAY_SIZE(obeyed); i++) {
        const char *value = has[obeyed[i].layer] ? prop_find(obeyed[i].order, &scope, obeyed[i].key).value : NULL;

        if (value)
            text_map_set(props, obeyed[i].key, value, arena);
    }
}

bool obeyed_differ(const struct text_map *before, const struct text_map *after)
{
    for (size_t i = 0; i < ARRAY_SIZE(obeyed); i++) {
        const char *a = text_map_find(before, obeyed[i].key), *b = text_map_find(after, obeyed[i].key);

        if (a != b && (!a || !b || strcmp(a, b) != 0))
            return true;
    }
    return false;
}

bool obeyed_by_pools_has(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(obeyed_by_pools); i++)
        if (strcmp(obeyed_by_pools[i], key) == 0)
            return true;
    return false;
}
