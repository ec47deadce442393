/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "layers/stack.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "layers/levels.h"
#include "layers/mapping.h"
#include "layers/snapshot.h"
#include "layers/storage.h"

const struct layer *const layers[] = { &layer_nvme, &layer_writecache, &layer_cache, &layer_bcache,
                                       &layer_luks, &layer_storage,    NULL };

const struct layer *layer_find(const char *name)
{
    for (size_t i = 0; name && layers[i]; i++)
        if (text_equal_fold(layers[i]->name, name))
            return layers[i];
    return NULL;
}

static int refuse(struct arena *arena, struct trouble *trouble, const struct resource_want *want, const char *cause,
                  const char *correction)
{
    trouble->message = arena_printf(arena, "Resource '%s' is refused by the satellite.", want->resource);
    trouble->cause = arena_strdup(arena, cause);
    trouble->correction = arena_strdup_null(arena, correction);
    return -1;
}

/* Names become parts of paths. */
static bool is_safe_name(const char *name)
{
    return name[0] && name[0] != '.' && name[0] != '-' && strlen(name) < 128 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == strlen(name);
}

static int check_layers(const struct resource_want *want, struct arena *arena, struct trouble *trouble)
{
    struct buf unknown = { 0 };

    for (uint32_t i = 0; i < want->layers.count; i++)
        if (!layer_find(want->layers.at[i]))
            buf_printf(&unknown, "%s%s", unknown.length > 0 ? ", " : "", want->layers.at[i]);
    if (unknown.length > 0) {
        refuse(arena, trouble, want,
               arena_printf(arena, "These layers are not in this version of the satellite: %s.", buf_text(&unknown)),
               "Leave them out of its list of layers, or install a version of the satellite that has them.");
        buf_done(&unknown);
        return -1;
    }
    for (uint32_t i = 0; i < want->layers.count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (layer_find(want->layers.at[i]) == layer_find(want->layers.at[j]))
                return refuse(arena, trouble, want, "A layer is in its list twice.", NULL);
    if (want->layers.count == 0 || !text_equal_fold(want->layers.at[want->layers.count - 1], layer_storage.name))
        return refuse(arena, trouble, want, "Its list of layers does not end with STORAGE.", NULL);
    return 0;
}

static int check_volumes(const struct resource_want *want, struct arena *arena, struct trouble *trouble)
{
    enum { NUMBERS = 65536 };
    uint8_t *seen = arena_alloc(arena, NUMBERS / 8);

    for (uint32_t i = 0; i < want->volumes.count; i++) {
        int32_t number = want->volumes.at[i].number;

        if (number < 0 || number >= NUMBERS)
            return refuse(arena, trouble, want, "A volume number is out of range.", NULL);
        if (seen[number / 8] & 1 << number % 8)
            return refuse(arena, trouble, want, "Two volumes have the same number.", NULL);
        seen[number / 8] |= (uint8_t)(1 << number % 8);
        if (want->volumes.at[i].must_exist && want->volumes.at[i].must_be_new)
            return refuse(arena, trouble, want, "A volume is both wanted to be there already and to be new.", NULL);
        if (want->volumes.at[i].size_kib < 0 || want->volumes.at[i].size_kib > VOLUME_MAX_KIB)
            return refuse(
                arena, trouble, want,
                arena_printf(arena, "Volume %" PRId32 " would have more than %" PRId64 " KiB.", number, VOLUME_MAX_KIB),
                "Give its definition another size.");
    }
    return 0;
}

static int check_want(const struct resource_want *want, struct arena *arena, struct trouble *trouble)
{
    if (!is_safe_name(want->resource))
        return refuse(arena, trouble, want, "Its name cannot be part of a path.", NULL);
    return check_volumes(want, arena, trouble);
}

static int plan_down(const struct levels *levels, const struct resource_want *want, struct plan *plan,
                     struct trouble *trouble)
{
    if (levels->tree.count == 0 || levels->tree.at[0].level.count == 0)
        return 0;
    if (!want->authority || !want->authority[0])
        return refuse(&plan->arena, trouble, want,
                      "It shall be removed, but nothing says which user's request allowed its data to be destroyed.",
                      "Delete it by a request to the controller.");
    for (uint32_t i = 0; i < levels->tree.count; i++) {
        const struct level *level = &levels->tree.at[i].level;

        if (level->layer->lower(level, plan, trouble) < 0)
            return -1;
    }
    return 0;
}

static bool has_devices(const struct level *level)
{
    for (uint32_t v = 0; v < level->count; v++)
        if (!level->volumes[v].device.path)
            return false;
    return true;
}

/* A level can only be planned when the devices of all levels below it are there. */
static int plan_up(const struct levels *levels, struct plan *plan, struct trouble *trouble)
{
    bool *must_wait = arena_alloc(&plan->arena, (levels->tree.count + 1) * sizeof(*must_wait));

    for (uint32_t i = levels->tree.count; i-- > 0;) {
        const struct tree_level *at = &levels->tree.at[i];

        if (!must_wait[i] && at->level.layer->raise(&at->level, plan, trouble) < 0)
            return -1;
        if (must_wait[i] || !has_devices(&at->level))
            must_wait[at->parent] = true;
    }
    return 0;
}

/* Nothing is taken of sides, so they may go on. */
static bool must_flush(const struct level *level)
{
    return level->layer->flush && !level->suffix[0];
}

static bool any_must_flush(const struct levels *levels)
{
    for (uint32_t i = 0; i < levels->tree.count; i++)
        if (must_flush(&levels->tree.at[i].level))
            return true;
    return false;
}

/* From the top, as each level writes to the one below. What takes long comes before anything stands still. */
static void flush_and_freeze(const struct levels *levels, struct plan *plan)
{
    for (uint32_t i = 0; i < levels->tree.count; i++)
        if (must_flush(&levels->tree.at[i].level))
            levels->tree.at[i].level.layer->flush(&levels->tree.at[i].level, plan);
    for (uint32_t i = 0; i < levels->tree.count; i++)
        if (must_flush(&levels->tree.at[i].level) && levels->tree.at[i].level.layer->freeze)
            levels->tree.at[i].level.layer->freeze(&levels->tree.at[i].level, plan);
}

static bool holds(const struct plan *plan, uint32_t from)
{
    for (uint32_t i = from; i < plan->steps.count; i++)
        if (plan->steps.at[i].hold_ms > 0)
            return true;
    return false;
}

/*
 * Snapshots are taken below all layers, so what a level still holds back is brought down before, from the top, and
 * nothing is written until they are taken. Only when all levels stand: the next plan takes them otherwise.
 *
 * What is held still may be let go too early, when it takes too long or somebody dies. So such snapshots are void until
 * all went on as it should have; that is written in the storage, as whoever knows it may die as well.
 */
static int plan_snapshots(const struct levels *levels, const struct resource_want *want, const struct machine *machine,
                          struct plan *plan, struct trouble *trouble)
{
    bool flushes = any_must_flush(levels), is_held;
    uint32_t before = plan->steps.count, frozen;

    if (flushes && before > 0)
        return 0;
    flush_and_freeze(levels, plan);
    frozen = plan->steps.count;
    is_held = holds(plan, before);
    if (snapshot_plan(want, machine, is_held ? SNAPSHOTS_TAKE_HELD : SNAPSHOTS_TAKE, plan, trouble) < 0) {
        plan->steps.count = before;
        return -1;
    }
    if (plan->steps.count == frozen || (is_held && machine->must_not_hold))
        plan->steps.count = before; /* there was none to take, or not now */
    if (plan->steps.count == before)
        return 0;
    for (uint32_t i = levels->tree.count; plan->steps.count > frozen && i-- > 0;)
        if (must_flush(&levels->tree.at[i].level))
            levels->tree.at[i].level.layer->thaw(&levels->tree.at[i].level, plan);
    if (is_held)
        snapshot_confirm(want, machine, frozen, plan);
    return 0;
}

/* *can_begin: whether what was planned before a refusal may be done; not when it is the layers that are refused. */
static int plan_all(const struct resource_want *want, const struct machine *machine, struct plan *plan,
                    struct trouble *trouble, bool *can_begin)
{
    struct levels levels = { 0 };

    if (check_want(want, &plan->arena, trouble) < 0)
        return -1;
    if (snapshot_plan(want, machine, SNAPSHOTS_REMOVE, plan, trouble) < 0)
        return -1;
    levels_make(&levels, want, machine, true, &plan->arena);
    if (plan_down(&levels, want, plan, trouble) < 0)
        return -1;
    /* What this version could never have made needs no removal, so that a refused resource can be deleted again. */
    if (want->remove && plan->steps.count == 0)
        return 0;
    levels = (struct levels){ 0 };
    if (want->volumes.count > 0 || want->snapshots.count == 0) {
        if (check_layers(want, &plan->arena, trouble) < 0)
            return -1;
        *can_begin = true;
        levels_make(&levels, want, machine, false, &plan->arena);
        if (plan_up(&levels, plan, trouble) < 0)
            return -1;
    }
    return plan_snapshots(&levels, want, machine, plan, trouble);
}

/* What one volume lacks is done although another one is refused; that is told when nothing else is left. */
int stack_plan(const struct resource_want *want, const struct machine *machine, struct plan *plan,
               struct trouble *trouble)
{
    bool can_begin = false;
    int result = plan_all(want, machine, plan, trouble, &can_begin);

    if (result < 0 && can_begin && plan->steps.count > 0) {
        *trouble = (struct trouble){ 0 };
        return 0;
    }
    return result;
}

/* A layer whose devices on this machine were never listed. */
static bool is_unknown(const struct layer *layer, const struct machine *machine)
{
    return layer->ask_all && !fact_state_find(&machine->facts->known_layers, layer->name);
}

static bool has_layer(const struct resource_want *want, const struct layer *layer)
{
    for (uint32_t i = 0; i < want->layers.count; i++)
        if (layer_find(want->layers.at[i]) == layer)
            return true;
    return false;
}

void stack_ask(const struct resource_want *want, const struct machine *machine, struct plan *plan)
{
    struct trouble ignored = { 0 };

    if (check_want(want, &plan->arena, &ignored) < 0)
        return; /* stack_plan says why */
    for (int remove = 0; remove < 2; remove++) {
        struct levels levels;

        levels_make(&levels, want, machine, remove, &plan->arena);
        for (uint32_t i = levels.tree.count; i-- > 0;) {
            const struct level *level = &levels.tree.at[i].level;

            if (!is_unknown(level->layer, machine))
                level->layer->ask(level, plan);
        }
    }
    for (size_t i = 0; layers[i]; i++)
        if (is_unknown(layers[i], machine) && has_layer(want, layers[i]))
            layers[i]->ask_all(layers[i], plan);
    snapshot_ask(want, machine, plan);
}

static void tell_levels(const struct levels *levels, const struct volume_fact *facts, struct arena *arena,
                        struct volume_fact *described)
{
    for (uint32_t i = 0; levels->tree.count > 1 && i < levels->tree.count; i++) {
        const struct level *level = &levels->tree.at[i].level;

        *LIST_ADD(&described->levels, arena) = (struct level_fact){
            .layer = arena_strdup(arena, level->layer->name),
            .suffix = level->suffix[0] ? arena_strdup(arena, level->suffix) : NULL,
            .device_path = facts[i].device_path,
            .backing = facts[i].backing,
            .usable_kib = facts[i].usable_kib,
            .allocated_kib = facts[i].allocated_kib,
        };
    }
}

void stack_describe(const struct resource_want *want, const struct machine *machine, struct arena *arena,
                    struct resource_fact *fact)
{
    struct levels levels;
    struct volume_fact *facts;

    levels_make(&levels, want, machine, false, arena);
    facts = arena_alloc(arena, (levels.tree.count + 1) * sizeof(*facts));
    for (uint32_t v = 0; levels.tree.count > 0 && v < levels.tree.at[0].level.count; v++) {
        struct volume_fact *described = LIST_ADD(&fact->volumes, arena);

        levels_describe(&levels, v, arena, facts);
        *described = facts[0];
        described->number = levels.tree.at[0].level.volumes[v].want->number;
        tell_levels(&levels, facts, arena, described);
    }
    snapshot_describe(want, machine, arena, fact);
}

bool stack_owns(const struct resource_want *want, const struct machine *machine, const char *pool,
                const char *identifier)
{
    struct arena arena = { 0 };
    bool is_owned = snapshot_owns(want, pool, identifier);

    for (int remove = 0; remove < 2; remove++) {
        struct levels levels;

        levels_make(&levels, want, machine, remove, &arena);
        for (uint32_t i = 0; i < levels.tree.count; i++) {
            const struct level *level = &levels.tree.at[i].level;

            is_owned = is_owned || (level->layer == &layer_storage && storage_owns(level, pool, identifier));
        }
    }
    arena_done(&arena);
    return is_owned;
}

void stack_ask_remote(struct plan *plan)
{
    for (size_t i = 0; layers[i]; i++)
        if (layers[i]->is_remote)
            layers[i]->ask_all(layers[i], plan);
}
