/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * LINSTOR: these orders contradict each other in part (a node comes before the definition for storage drivers and
 * behind it for layers), and setups depend on that, so each is kept as it is.
 */
#include "model/inherit.h"

enum { LEVELS_MAX = 9 };

#define V    LEVEL_VOLUME
#define R    LEVEL_RESOURCE
#define VD   LEVEL_VOLUME_DEFINITION
#define RD   LEVEL_RESOURCE_DEFINITION
#define VG   LEVEL_VOLUME_GROUP
#define RG   LEVEL_RESOURCE_GROUP
#define SP   LEVEL_STORAGE_POOL
#define SPD  LEVEL_STORAGE_POOL_DEFINITION
#define N    LEVEL_NODE
#define CTRL LEVEL_CONTROLLER
#define STLT LEVEL_SATELLITES

#define ORDER(...)                                                                                                     \
    {                                                                                                                  \
        sizeof((enum prop_level[]){ __VA_ARGS__ }) / sizeof(enum prop_level),                                          \
        {                                                                                                              \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }

static const struct {
    size_t count;
    enum prop_level levels[LEVELS_MAX];
} orders[ORDER_COUNT] = {
    [ORDER_STORAGE_POOL_NAME] = ORDER(R, VD, RD, RG, N),
    [ORDER_METADATA_POOL_NAME] = ORDER(VD, VG, R, RD, RG, N),
    [ORDER_METADATA_POOL_NEEDED] = ORDER(VD, R, RD, RG, N),
    [ORDER_CACHE_LAYERS] = ORDER(VD, VG, R, RD, RG, N, STLT),
    [ORDER_WRITECACHE_OPTIONS] = ORDER(V, VD, RD, VG, RG, N, STLT),
    [ORDER_LAYER_SIZE] = ORDER(VD, VG, R, RD, RG, N, STLT),
    [ORDER_STORAGE_DRIVER] = ORDER(V, R, SP, N, VD, RD, VG, RG, STLT),
    [ORDER_AGREED] = ORDER(VD),
    [ORDER_LUKS] = ORDER(V, R, SP, N, VD, RD, VG, RG, STLT),
    [ORDER_SKIP_DISK] = ORDER(R, SP, N, RD, STLT),
    [ORDER_FILE_SYSTEM] = ORDER(R, VD, VG, RD, RG),
    [ORDER_NVME] = ORDER(RD, RG, STLT),
    [ORDER_NVME_NIC] = ORDER(V, SP, R, N, STLT),
    [ORDER_AUTOPLACE_NODE] = ORDER(N, CTRL),
    [ORDER_AUTOPLACE_POOL] = ORDER(SP),
    [ORDER_MIN_THIN_FREE_SPACE] = ORDER(SP, RD, RG, N, CTRL),
    [ORDER_OVERSUBSCRIPTION] = ORDER(SP, SPD, CTRL),
    [ORDER_DEFINITION_CONTROLLER] = ORDER(RD, RG, CTRL),
    [ORDER_DEFINITION_SATELLITES] = ORDER(RD, RG, STLT),
    [ORDER_NODE_CONTROLLER] = ORDER(N, CTRL),
    [ORDER_AUTO_DISKFUL] = ORDER(R, N, RD, RG, STLT, CTRL),
    [ORDER_AUTO_BLOCK_SIZE] = ORDER(VD, RD, VG, RG, CTRL),
    [ORDER_ZFS_CLONE] = ORDER(RG, CTRL),
    [ORDER_PROXY_AUTO_ENABLE] = ORDER(LEVEL_RESOURCE_CONNECTION, R, RD, N, CTRL),
    [ORDER_CONNECTION] = ORDER(LEVEL_VOLUME_CONNECTION, LEVEL_RESOURCE_CONNECTION, LEVEL_NODE_CONNECTION),
};

static const char *const level_texts[LEVEL_COUNT] = {
    [V] = "volume",
    [R] = "resource",
    [VD] = "volume definition",
    [RD] = "resource definition",
    [VG] = "volume group",
    [RG] = "resource group",
    [SP] = "storage pool",
    [SPD] = "storage pool definition",
    [N] = "node",
    [CTRL] = "controller",
    [STLT] = "satellites",
    [LEVEL_VOLUME_CONNECTION] = "volume connection",
    [LEVEL_RESOURCE_CONNECTION] = "resource connection",
    [LEVEL_NODE_CONNECTION] = "node connection",
};

const enum prop_level *prop_order_levels(enum prop_order order, size_t *count)
{
    *count = orders[order].count;
    return orders[order].levels;
}

const char *prop_level_text(enum prop_level level)
{
    return level_texts[level];
}
