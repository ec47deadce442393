/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Layers: what must hold, level by level. A resource on a node is a stack of levels, each a layer on top of the next,
 * the lowest always STORAGE. A layer may need further volumes in pools for each of its own, its sides: the device of a
 * cache, metadata. All layers below it are there for each side once more (model/layer.h names them).
 *
 * A layer is a row of pure functions about one level; it never calls the next one: stack.c walks, and tells each level
 * which devices the levels below it give.
 */
#pragma once

#include "base/map.h"
#include "drivers/fact.h"
#include "drivers/plan.h"
#include "drivers/provider.h"
#include "model/layer.h"
#include "model/want.h"

/* What planning looks at besides the want. */
struct machine {
    const struct map *pools; /* struct known_pool */
    const struct facts *facts;
    bool has_key;       /* sealed keys can be unsealed */
    bool must_not_hold; /* nothing is stopped for snapshots; those that need it are not taken */
};

enum { BELOW_LIMIT = 1 + LAYER_SIDES_LIMIT };

/* What a level gives as far as facts know. path NULL: nothing yet. */
struct level_device {
    const char *path;
    int64_t size_kib;
};

/* One volume of a level. */
struct level_volume {
    const struct volume_want *want;
    int64_t size_kib; /* what this level shall give to the one above */
    struct level_device device;
    struct level_device below[BELOW_LIMIT]; /* [0]: the level below; then the sides, in the order of layer_sides() */
};

struct mapping; /* layers/mapping.h */

struct level {
    const struct layer *layer;
    const struct resource_want *resource;
    const char *suffix; /* of the level's names: "", ".meta", ... */
    const struct machine *machine;
    struct level_volume *volumes; /* those that the call is about */
    uint32_t count;
};

struct layer {
    const char *name; /* "STORAGE" */
    enum layer_kind kind;
    const struct mapping *mapping; /* how its devices are mapped by the device-mapper; NULL: they are not */
    bool is_remote;                /* its devices may lie on other nodes */
    const char *needs;             /* NULL, or the key in outcome.missing that makes it unusable on this machine */
    /* How much the level below must give so that this one can give net_kib. */
    int64_t (*gross_kib)(const struct level *level, const struct volume_want *volume, int64_t net_kib);
    /* Likewise for one of its sides, in the order of layer_sides(); NULL where there are none. */
    int64_t (*side_kib)(const struct level *level, const struct volume_want *volume, uint32_t side, int64_t net_kib);
    /* Questions about facts of these volumes that are uncertain, or that the level needs to know before it plans. */
    void (*ask)(const struct level *level, struct plan *plan);
    /*
     * Questions about everything of this layer on the machine; NULL: the layer keeps no facts. Asked before the first
     * plan and by the observer. Its read marks the layer as known (facts.known_layers) when it was answered.
     */
    void (*ask_all)(const struct layer *layer, struct plan *plan);
    outcome_reader *read; /* NULL: no step names this layer as its reader */
    /*
     * The level below holds, and all its devices and sides are there. What lacks until this one holds. A level takes
     * all the room that the one below has: when that has grown, it grows, too. -1 and *trouble: it must not.
     */
    int (*raise)(const struct level *level, struct plan *plan, struct trouble *trouble);
    /* The level above is gone. What must be done until this one is. */
    int (*lower)(const struct level *level, struct plan *plan, struct trouble *trouble);
    /*
     * All NULL where what the level below holds is always whole. flush: what was written is brought down to the level
     * below, and so is, as far as that can be, what is written from now on; it goes on being used. freeze, which may be
     * NULL: the rest is brought down, too, and nothing changes until thaw; so its steps have hold_ms, and take no time
     * that flush could have taken. The steps of thaw run even when those in between fail. A level that was left flushed
     * or frozen is thawed by raise.
     */
    void (*flush)(const struct level *level, struct plan *plan);
    void (*freeze)(const struct level *level, struct plan *plan);
    void (*thaw)(const struct level *level, struct plan *plan);
    /* Changes *fact, which the levels below filled, to what the level above or a user sees. */
    void (*describe)(const struct level *level, const struct level_volume *volume, struct arena *arena,
                     struct volume_fact *fact);
};

extern const struct layer layer_bcache, layer_cache, layer_luks, layer_nvme, layer_storage, layer_writecache;
