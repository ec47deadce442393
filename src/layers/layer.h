/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Layers: what must hold, level by level. A resource on a node is a stack of levels, each a layer on top of the next,
 * the lowest always STORAGE. A layer is a row of pure functions about one level; it never calls the next one: stack.c
 * walks.
 */
#pragma once

#include "base/map.h"
#include "drivers/fact.h"
#include "drivers/plan.h"
#include "model/want.h"

/* What planning looks at besides the want. */
struct machine {
    const struct map *pools; /* struct known_pool */
    const struct facts *facts;
};

/* One volume of a level. size_kib is what this level shall give to the one above. */
struct level_volume {
    const struct volume_want *want;
    int64_t size_kib;
};

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
    /* How much the level below must give so that this one can give net_kib. */
    int64_t (*gross_kib)(const struct level *level, const struct volume_want *volume, int64_t net_kib);
    /* Questions about facts of these volumes that are uncertain. */
    void (*ask)(const struct level *level, struct plan *plan);
    /* The level below holds. What lacks until this one does. -1 and *trouble: it must not. */
    int (*raise)(const struct level *level, struct plan *plan, struct trouble *trouble);
    /* The level above is gone. What must be done until this one is. */
    int (*lower)(const struct level *level, struct plan *plan, struct trouble *trouble);
    /* Adds to *fact, which the levels below filled, what the level above or a user sees. */
    void (*describe)(const struct level *level, const struct level_volume *volume, struct arena *arena,
                     struct volume_fact *fact);
    /* Whether identifier in pool is a volume of this level. */
    bool (*owns)(const struct level *level, const char *pool, const char *identifier);
};

extern const struct layer layer_storage;
