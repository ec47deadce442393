/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The levels of a resource as a tree: a layer with sides needs everything below it once for its volumes and once for
 * each of its sides, so that what is cached is encrypted where the volume is. Of a resource with the layer NVME each
 * node has its part: what lies below it where the volumes are, the rest where they are used. Pure; for stack.c.
 */
#pragma once

#include "layers/layer.h"

struct tree_level {
    struct level level;
    uint32_t parent; /* its place in the tree; 0 for the top, which has none */
    uint32_t slot;   /* its place in below[] of the parent's volumes */
};

/*
 * at[0] is the top. Each level stands before what lies below it, the level of its volumes first, then those of its
 * sides: forwards is an order for lowering, backwards one for raising.
 */
struct levels {
    LIST_OF(struct tree_level) tree;
};

/*
 * For the volumes of the want whose removal is asked for, or for the others, with sizes and, as far as facts know, the
 * devices of each level. Layers of other versions are left out. Everything lies in arena.
 */
void levels_make(struct levels *levels, const struct resource_want *want, const struct machine *machine, bool remove,
                 struct arena *arena);
/* What a level makes of volume v, given what those below it make of it: facts[] has one place for each level. */
void levels_describe(const struct levels *levels, uint32_t v, struct arena *arena, struct volume_fact *facts);
