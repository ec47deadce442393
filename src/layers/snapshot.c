/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "layers/snapshot.h"

#include <string.h>

#include "base/text.h"
#include "layers/storage.h"

static char *snapshot_name(const struct resource_want *want, const struct snapshot_want *snapshot,
                           const struct snapshot_volume_want *volume, struct arena *arena)
{
    return provider_snapshot_name(storage_volume_name(want->resource, "", volume->number, arena), snapshot->snapshot,
                                  arena);
}

static const struct text_map *props_of(const struct resource_want *want, int32_t number)
{
    static const struct text_map none;

    for (uint32_t i = 0; i < want->volumes.count; i++)
        if (want->volumes.at[i].number == number)
            return &want->volumes.at[i].props;
    return &none;
}

/* What has the name of a snapshot that was never reported is not it, unless it bears its mark. */
static bool is_foreign(const struct snapshot_want *snapshot, const struct provider *provider,
                       const struct storage_fact *fact)
{
    struct provider_volume same = { .must_be_new = !snapshot->must_exist, .owner = snapshot->uuid };

    if (fact && fact->is_doomed)
        return false; /* an earlier one, which its provider gets out of the way */
    return provider_is_foreign(provider, &same, fact);
}

static int refuse_foreign(const struct snapshot_want *snapshot, const struct storage_fact *fact, struct arena *arena,
                          struct trouble *trouble)
{
    trouble->message =
        arena_printf(arena, "Snapshot '%s' cannot be taken: %s is there already.", snapshot->snapshot, fact->backing);
    trouble->cause = arena_strdup(arena, "It was not made for this snapshot, so nobody knows what is in it.");
    trouble->correction = arena_strdup(arena, "Delete this snapshot, which does not touch it; remove or rename what is "
                                              "there, or give the snapshot another name.");
    return -1;
}

/* One that is void was never told to anybody: that it is, is the authority to remove it. What was told is not void,
 * whatever its mark says. */
static bool is_void(const struct snapshot_want *snapshot, const struct storage_fact *fact)
{
    return !snapshot->must_exist && fact && fact->is_void && fact->backing;
}

static struct provider_snapshot wanted_of(const struct resource_want *want, const struct snapshot_want *snapshot,
                                          const struct snapshot_volume_want *volume, const struct machine *machine,
                                          struct arena *arena)
{
    return (struct provider_snapshot){
        .identifier = snapshot_name(want, snapshot, volume, arena),
        .volume = storage_volume_name(want->resource, "", volume->number, arena),
        .must_exist = snapshot->must_exist,
        .owner = snapshot->uuid,
        .authority = snapshot->authority,
        .props = props_of(want, volume->number),
        .facts = machine->facts,
    };
}

static int plan_snapshot(const struct resource_want *want, const struct snapshot_want *snapshot,
                         const struct snapshot_volume_want *volume, const struct machine *machine,
                         enum snapshot_part part, struct plan *plan, struct trouble *trouble)
{
    struct arena *arena = &plan->arena;
    const struct known_pool *pool = storage_usable_pool(
        machine, volume->pool, arena_printf(arena, "snapshot '%s'", snapshot->snapshot), arena, trouble);
    struct provider_snapshot wanted = wanted_of(want, snapshot, volume, machine, arena);
    bool remove = part == SNAPSHOTS_REMOVE;
    const struct storage_fact *fact;

    if (!pool)
        return -1;
    if (!pool->provider->take) {
        trouble->message = arena_printf(arena, "Snapshot '%s' cannot be taken.", snapshot->snapshot);
        trouble->cause = arena_printf(arena, "The provider %s of storage pool '%s' has no snapshots.",
                                      pool->provider->name, pool->want->pool);
        return -1;
    }
    wanted.pool = pool->want;
    wanted.is_held = part == SNAPSHOTS_TAKE_HELD;
    fact = facts_find_volume(machine->facts, pool->want->pool, wanted.identifier);
    if (is_foreign(snapshot, pool->provider, fact))
        return remove ? 0 : refuse_foreign(snapshot, fact, arena, trouble);
    if (remove && !snapshot->remove)
        wanted.authority = "its volumes may have been written to while it was taken";
    if (remove)
        return pool->provider->drop(&wanted, fact, plan, trouble);
    return pool->provider->take(&wanted, fact, facts_find_volume(machine->facts, pool->want->pool, wanted.volume), plan,
                                trouble);
}

static const struct storage_fact *find_fact(const struct resource_want *want, const struct snapshot_want *snapshot,
                                            const struct snapshot_volume_want *volume, const struct machine *machine,
                                            struct plan *plan)
{
    const struct known_pool *pool = storage_find_pool(machine, volume->pool);

    return pool ? facts_find_volume(machine->facts, pool->want->pool,
                                    snapshot_name(want, snapshot, volume, &plan->arena))
                : NULL;
}

/* All volumes of a snapshot are of one moment, so one that is void makes all of them void. */
static bool has_void(const struct resource_want *want, const struct snapshot_want *snapshot,
                     const struct machine *machine, struct plan *plan)
{
    for (uint32_t v = 0; v < snapshot->volumes.count; v++)
        if (is_void(snapshot, find_fact(want, snapshot, &snapshot->volumes.at[v], machine, plan)))
            return true;
    return false;
}

int snapshot_plan(const struct resource_want *want, const struct machine *machine, enum snapshot_part part,
                  struct plan *plan, struct trouble *trouble)
{
    bool remove = part == SNAPSHOTS_REMOVE;

    for (uint32_t i = 0; i < want->snapshots.count; i++) {
        const struct snapshot_want *snapshot = &want->snapshots.at[i];

        if (snapshot->remove && !remove)
            continue;
        if (snapshot->remove && (!snapshot->authority || !snapshot->authority[0])) {
            trouble->message =
                arena_printf(&plan->arena, "Snapshot '%s' is not removed by the satellite.", snapshot->snapshot);
            trouble->cause = arena_strdup(&plan->arena, "Nothing says which user's request allowed that.");
            return -1;
        }
        if (remove && !snapshot->remove && !has_void(want, snapshot, machine, plan))
            continue;
        for (uint32_t v = 0; v < snapshot->volumes.count; v++)
            if (plan_snapshot(want, snapshot, &snapshot->volumes.at[v], machine, part, plan, trouble) < 0)
                return -1;
    }
    return 0;
}

static bool is_taken(const struct plan *plan, uint32_t from, const struct provider_snapshot *wanted)
{
    for (uint32_t i = from; i < plan->steps.count; i++) {
        const struct step *step = &plan->steps.at[i];

        if (step->pool && strcmp(step->pool, wanted->pool->pool) == 0 &&
            (text_list_has(&step->names, wanted->identifier) ||
             (step->identifier && strcmp(step->identifier, wanted->identifier) == 0)))
            return true;
    }
    return false;
}

void snapshot_confirm(const struct resource_want *want, const struct machine *machine, uint32_t from, struct plan *plan)
{
    for (uint32_t i = 0; i < want->snapshots.count; i++)
        for (uint32_t v = 0; v < want->snapshots.at[i].volumes.count; v++) {
            const struct snapshot_volume_want *volume = &want->snapshots.at[i].volumes.at[v];
            const struct known_pool *pool = storage_find_pool(machine, volume->pool);
            struct provider_snapshot wanted = wanted_of(want, &want->snapshots.at[i], volume, machine, &plan->arena);

            if (!pool)
                continue;
            wanted.pool = pool->want;
            if (is_taken(plan, from, &wanted))
                pool->provider->confirm(&wanted, plan);
        }
}

void snapshot_ask(const struct resource_want *want, const struct machine *machine, struct plan *plan)
{
    for (uint32_t i = 0; i < want->snapshots.count; i++)
        for (uint32_t v = 0; v < want->snapshots.at[i].volumes.count; v++) {
            const struct snapshot_volume_want *volume = &want->snapshots.at[i].volumes.at[v];
            const struct known_pool *pool = storage_find_pool(machine, volume->pool);

            if (pool && pool->provider && !pool->trouble)
                storage_ask_about(pool,
                                  facts_find_volume(machine->facts, pool->want->pool,
                                                    snapshot_name(want, &want->snapshots.at[i], volume, &plan->arena)),
                                  plan);
        }
}

void snapshot_describe(const struct resource_want *want, const struct machine *machine, struct arena *arena,
                       struct resource_fact *fact)
{
    for (uint32_t i = 0; i < want->snapshots.count; i++) {
        const struct snapshot_want *snapshot = &want->snapshots.at[i];
        struct snapshot_fact *told = LIST_ADD(&fact->snapshots, arena);
        uint32_t found = 0;

        told->snapshot = arena_strdup(arena, snapshot->snapshot);
        for (uint32_t v = 0; v < snapshot->volumes.count; v++) {
            const struct known_pool *pool = storage_find_pool(machine, snapshot->volumes.at[v].pool);
            const struct storage_fact *known =
                pool ? facts_find_volume(machine->facts, pool->want->pool,
                                         snapshot_name(want, snapshot, &snapshot->volumes.at[v], arena))
                     : NULL;

            if (!known || !known->backing || known->is_doomed || is_void(snapshot, known) ||
                is_foreign(snapshot, pool->provider, known))
                continue;
            found++;
            told->allocated_kib += known->allocated_kib;
        }
        told->exists = found == snapshot->volumes.count;
        told->gone = snapshot->remove && found == 0;
    }
}

bool snapshot_owns(const struct resource_want *want, const char *pool, const char *identifier)
{
    struct arena arena = { 0 };
    bool found = false;

    for (uint32_t i = 0; i < want->snapshots.count && !found; i++)
        for (uint32_t v = 0; v < want->snapshots.at[i].volumes.count && !found; v++) {
            const struct snapshot_volume_want *volume = &want->snapshots.at[i].volumes.at[v];

            found = volume->pool && text_equal_fold(volume->pool, pool) &&
                    strcmp(snapshot_name(want, &want->snapshots.at[i], volume, &arena), identifier) == 0;
        }
    arena_done(&arena);
    return found;
}
