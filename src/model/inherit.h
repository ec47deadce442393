/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * In which order objects are asked for a property: one table of named orders. Nobody builds an order by hand; going
 * through the objects of an order is the model's business.
 */
#pragma once

#include <stddef.h>

enum prop_level {
    LEVEL_VOLUME,
    LEVEL_RESOURCE,
    LEVEL_VOLUME_DEFINITION,
    LEVEL_RESOURCE_DEFINITION,
    LEVEL_VOLUME_GROUP,
    LEVEL_RESOURCE_GROUP,
    LEVEL_STORAGE_POOL,
    LEVEL_STORAGE_POOL_DEFINITION,
    LEVEL_NODE,
    LEVEL_CONTROLLER, /* the container that only the controller reads */
    LEVEL_SATELLITES, /* the container of the controller that satellites get */
    LEVEL_VOLUME_CONNECTION,
    LEVEL_RESOURCE_CONNECTION,
    LEVEL_NODE_CONNECTION,
    LEVEL_COUNT,
};

/* Named after what is looked up. */
enum prop_order {
    ORDER_STORAGE_POOL_NAME,     /* StorPoolName of a new volume */
    ORDER_METADATA_POOL_NAME,    /* StorPoolNameDrbdMeta */
    ORDER_METADATA_POOL_NEEDED,  /* whether there is one: as above, without the volume group */
    ORDER_CACHE_LAYERS,          /* pool and size of Writecache, Cache, BCache */
    ORDER_WRITECACHE_OPTIONS,    /* Writecache/Options/ */
    ORDER_LAYER_SIZE,            /* what the sizes of layers depend on */
    ORDER_STORAGE_DRIVER,        /* options of LVM, ZFS, files, EBS */
    ORDER_AGREED,                /* what all replicas of a volume have agreed upon */
    ORDER_LUKS,                  /* Luks/, StorDriver/Luks* */
    ORDER_SKIP_DISK,             /* DrbdOptions/SkipDisk */
    ORDER_FILE_SYSTEM,           /* FileSystem/ */
    ORDER_NVME,                  /* NVMe/TRType, NVMe/Port */
    ORDER_NVME_NIC,              /* NVMe/PrefNic */
    ORDER_AUTOPLACE_NODE,        /* AutoplaceTarget of a node */
    ORDER_AUTOPLACE_POOL,        /* AutoplaceTarget of a pool */
    ORDER_MIN_THIN_FREE_SPACE,   /* Autoplacer/MinThinFreeSpace */
    ORDER_OVERSUBSCRIPTION,      /* the three ratios */
    ORDER_DEFINITION_CONTROLLER, /* tie breaker, quorum, mixing, balancing, verify algorithm, CopyAllSnaps, schedules,
                                    ... */
    ORDER_DEFINITION_SATELLITES, /* AutoSnapshot/RunEvery and Keep, ForceInitialSync, PeerSlotsNewResource */
    ORDER_NODE_CONTROLLER,       /* AutoEvict*, MaxConcurrentBackupsPerNode, CopyAllSnapsOnEvacuate, TCP ports */
    ORDER_AUTO_DISKFUL,          /* DrbdOptions/auto-diskful */
    ORDER_AUTO_BLOCK_SIZE,       /* Linstor/Drbd/auto-block-size */
    ORDER_ZFS_CLONE,             /* UseZFSClone; the group is that of the source */
    ORDER_PROXY_AUTO_ENABLE, /* DrbdProxy/AutoEnable; resource and node stand for those of both ends, source first */
    ORDER_CONNECTION,        /* DrbdOptions/Net and PeerDevice of one connection, before those of the resource */
    ORDER_COUNT,
};

/* The levels, most specific first: the first that has a value wins. */
const enum prop_level *prop_order_levels(enum prop_order order, size_t *count);
/* "storage pool definition": where a value came from, for people. */
const char *prop_level_text(enum prop_level level);
