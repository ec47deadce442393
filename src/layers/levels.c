/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "layers/levels.h"

#include "base/text.h"
#include "layers/stack.h"

struct maker {
    struct levels *levels;
    const struct resource_want *want;
    const struct machine *machine;
    struct arena *arena;
    bool remove;
};

static struct tree_level *get(const struct levels *levels, uint32_t at)
{
    return &levels->tree.at[at];
}

/* The next layer of this version from place on in the want's list. No layer counts twice, which bounds the tree. */
static const struct layer *next_layer(const struct resource_want *want, uint32_t *place, uint32_t *seen)
{
    for (; *place < want->layers.count; (*place)++) {
        const struct layer *layer = layer_find(want->layers.at[*place]);

        if (!layer || (*seen >> layer->kind & 1))
            continue;
        *seen |= UINT32_C(1) << layer->kind;
        (*place)++;
        return layer;
    }
    return NULL;
}

static int64_t size_below(const struct level *level, uint32_t slot, const struct level_volume *volume)
{
    if (slot == 0)
        return level->layer->gross_kib(level, volume->want, volume->size_kib);
    return level->layer->side_kib(level, volume->want, slot - 1, volume->size_kib);
}

/* Larger ones are refused, but are described all the same: no layer's arithmetic shall meet them. */
static int64_t bounded(int64_t size_kib)
{
    return size_kib > VOLUME_MAX_KIB ? VOLUME_MAX_KIB : size_kib;
}

static void set_volumes(const struct maker *maker, struct level *level, const struct level *above, uint32_t slot)
{
    const struct resource_want *want = maker->want;

    level->volumes = arena_alloc(maker->arena, (want->volumes.count + 1) * sizeof(*level->volumes));
    for (uint32_t v = 0; v < want->volumes.count; v++) {
        const struct volume_want *volume = &want->volumes.at[v];

        if ((want->remove || volume->remove) != maker->remove)
            continue;
        level->volumes[level->count] = (struct level_volume){
            .want = volume,
            .size_kib = above ? size_below(above, slot, &above->volumes[level->count]) : bounded(volume->size_kib),
        };
        level->count++;
    }
}

/* Deep as the list of layers is long. */
static void add(const struct maker *maker, uint32_t parent, uint32_t slot, const char *suffix, uint32_t place,
                uint32_t seen)
{
    const struct layer *layer = next_layer(maker->want, &place, &seen);
    uint32_t at = maker->levels->tree.count;
    const struct layer_side *sides;
    struct tree_level *made;

    if (!layer)
        return;
    made = LIST_ADD(&maker->levels->tree, maker->arena);
    made->parent = parent;
    made->slot = slot;
    made->level =
        (struct level){ .layer = layer, .resource = maker->want, .suffix = suffix, .machine = maker->machine };
    set_volumes(maker, &made->level, at > 0 ? &get(maker->levels, parent)->level : NULL, slot);
    if (layer->kind == LAYER_NVME && maker->want->nvme && maker->want->nvme->is_initiator)
        return;
    add(maker, at, 0, suffix, place, seen);
    sides = layer_sides(layer->kind);
    for (uint32_t i = 0; sides[i].suffix; i++)
        add(maker, at, 1 + i, arena_printf(maker->arena, "%s%s", suffix, sides[i].suffix), place, seen);
}

void levels_describe(const struct levels *levels, uint32_t v, struct arena *arena, struct volume_fact *facts)
{
    for (uint32_t i = 0; i < levels->tree.count; i++)
        facts[i] = (struct volume_fact){ 0 };
    for (uint32_t i = levels->tree.count; i-- > 0;) {
        const struct tree_level *at = get(levels, i);

        at->level.layer->describe(&at->level, &at->level.volumes[v], arena, &facts[i]);
        if (i > 0)
            get(levels, at->parent)->level.volumes[v].below[at->slot] =
                (struct level_device){ facts[i].device_path, facts[i].usable_kib };
        /* The one above starts from what is below it, and changes what it changes. */
        if (i > 0 && at->slot == 0)
            facts[at->parent] = facts[i];
    }
}

/* What lies above NVME is there on the node that has the volumes over the network, and not where they are. */
static uint32_t first_place(const struct resource_want *want)
{
    for (uint32_t i = 0; want->nvme && !want->nvme->is_initiator && i < want->layers.count; i++)
        if (layer_find(want->layers.at[i]) == &layer_nvme)
            return i;
    return 0;
}

void levels_make(struct levels *levels, const struct resource_want *want, const struct machine *machine, bool remove,
                 struct arena *arena)
{
    struct maker maker = { levels, want, machine, arena, remove };
    struct volume_fact *facts;

    *levels = (struct levels){ 0 };
    add(&maker, 0, 0, "", first_place(want), 0);
    facts = arena_alloc(arena, (levels->tree.count + 1) * sizeof(*facts));
    for (uint32_t v = 0; levels->tree.count > 0 && v < get(levels, 0)->level.count; v++) {
        levels_describe(levels, v, arena, facts);
        for (uint32_t i = 0; i < levels->tree.count; i++)
            get(levels, i)->level.volumes[v].device =
                (struct level_device){ facts[i].device_path, facts[i].usable_kib };
    }
}
