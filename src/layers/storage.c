/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The lowest level: hands each volume to the provider of its pool, under the name <resource><suffix>_<volume number
 * with five digits>. LINSTOR: the name is the reference's, and so are the devices of its users.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "drivers/provider.h"
#include "layers/layer.h"

static char *identifier_of(const struct level *level, const struct volume_want *volume, struct arena *arena)
{
    return arena_printf(arena, "%s%s_%05" PRId32, level->resource->resource, level->suffix, volume->number);
}

/* NULL and *trouble when the volume's pool cannot be used. */
static const struct known_pool *pool_of(const struct level *level, const struct volume_want *volume,
                                        struct arena *arena, struct trouble *trouble)
{
    const struct known_pool *pool = volume->pool ? known_pool_find(level->machine->pools, volume->pool) : NULL;
    const char *name = volume->pool ? volume->pool : "";

    if (pool && pool->provider && !pool->trouble)
        return pool;
    trouble->message =
        arena_printf(arena, "Storage pool '%s' of volume %" PRId32 " cannot be used.", name, volume->number);
    if (!pool)
        trouble->cause = arena_strdup(arena, "There is no such storage pool on this node.");
    else if (!pool->provider)
        trouble->cause = arena_printf(arena, "This version of the satellite does not know its provider '%s'.",
                                      pool->want->provider ? pool->want->provider : "");
    else
        trouble->cause = arena_printf(arena, "%s %s", pool->trouble->message ? pool->trouble->message : "",
                                      pool->trouble->cause ? pool->trouble->cause : "");
    return NULL;
}

static const struct storage_fact *fact_of(const struct level *level, const struct known_pool *pool,
                                          const struct volume_want *volume, struct arena *arena)
{
    return facts_find_volume(level->machine->facts, pool->want->pool, identifier_of(level, volume, arena));
}

/* Rounded up to the granularity that all replicas have agreed upon. */
static int64_t gross_kib(const struct level *level, const struct volume_want *volume, int64_t net_kib)
{
    const char *text = text_map_find(&volume->props, "StorDriver/internal/AllocationGranularity");
    int64_t granularity_kib = 1;

    (void)level;
    if (text && !text_parse_i64(text, 1, INT64_C(1) << 30, &granularity_kib))
        granularity_kib = 1;
    return (net_kib + granularity_kib - 1) / granularity_kib * granularity_kib;
}

static void ask(const struct level *level, struct plan *plan)
{
    for (uint32_t i = 0; i < level->count; i++) {
        struct trouble ignored = { 0 };
        const struct volume_want *volume = level->volumes[i].want;
        const struct known_pool *pool = pool_of(level, volume, &plan->arena, &ignored);
        const struct storage_fact *fact = pool ? fact_of(level, pool, volume, &plan->arena) : NULL;
        struct text_list identifiers = { 0 };

        if (!fact || !fact->is_uncertain)
            continue;
        text_list_add(&identifiers, fact->identifier, &plan->arena);
        pool->provider->ask(pool->want, &identifiers, plan);
    }
}

static int plan_volume(const struct level *level, const struct level_volume *volume, bool raise, struct plan *plan,
                       struct trouble *trouble)
{
    const struct known_pool *pool =
        volume->want->pool ? known_pool_find(level->machine->pools, volume->want->pool) : NULL;
    const struct storage_fact *fact;
    struct provider_volume wanted;

    if (!raise && pool && pool->holds_nothing)
        return 0;
    pool = pool_of(level, volume->want, &plan->arena, trouble);
    if (!pool)
        return -1;
    fact = fact_of(level, pool, volume->want, &plan->arena);
    wanted = (struct provider_volume){
        .pool = pool->want,
        .identifier = identifier_of(level, volume->want, &plan->arena),
        .size_kib = volume->size_kib,
        .must_exist = volume->want->must_exist,
        .authority = level->resource->authority,
    };
    if (!raise)
        return pool->provider->lower(&wanted, fact, plan, trouble);
    if (volume->size_kib <= 0 && !(pool->provider->can & PROVIDER_HAS_NO_DISK)) {
        trouble->message = arena_printf(&plan->arena, "Volume %" PRId32 " has no size.", volume->want->number);
        return -1;
    }
    return pool->provider->raise(&wanted, fact, plan, trouble);
}

static int raise(const struct level *level, struct plan *plan, struct trouble *trouble)
{
    for (uint32_t i = 0; i < level->count; i++)
        if (plan_volume(level, &level->volumes[i], true, plan, trouble) < 0)
            return -1;
    return 0;
}

static int lower(const struct level *level, struct plan *plan, struct trouble *trouble)
{
    for (uint32_t i = 0; i < level->count; i++)
        if (plan_volume(level, &level->volumes[i], false, plan, trouble) < 0)
            return -1;
    return 0;
}

static void describe(const struct level *level, const struct level_volume *volume, struct arena *arena,
                     struct volume_fact *described)
{
    struct trouble ignored = { 0 };
    const struct known_pool *pool = pool_of(level, volume->want, arena, &ignored);
    const struct storage_fact *fact = pool ? fact_of(level, pool, volume->want, arena) : NULL;

    if (!fact)
        return;
    described->device_path = arena_strdup_null(arena, fact->device);
    described->backing = arena_strdup_null(arena, fact->backing);
    described->usable_kib = fact->device ? fact->device_kib : 0;
    described->allocated_kib = fact->allocated_kib;
}

static bool owns(const struct level *level, const char *pool, const char *identifier)
{
    for (uint32_t i = 0; i < level->count; i++) {
        const struct volume_want *volume = level->volumes[i].want;
        struct arena arena = { 0 };
        bool found = volume->pool && text_equal_fold(volume->pool, pool) &&
                     strcmp(identifier_of(level, volume, &arena), identifier) == 0;

        arena_done(&arena);
        if (found)
            return true;
    }
    return false;
}

const struct layer layer_storage = {
    .name = "STORAGE",
    .gross_kib = gross_kib,
    .ask = ask,
    .raise = raise,
    .lower = lower,
    .describe = describe,
    .owns = owns,
};
