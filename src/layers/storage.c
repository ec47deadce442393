/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The lowest level: hands each volume to the provider of its pool, under the name <resource><suffix>_<volume number
 * with five digits>. LINSTOR: the name is the reference's, and so are the devices of its users.
 */
#include "layers/storage.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

char *storage_volume_name(const char *resource, const char *suffix, int32_t number, struct arena *arena)
{
    return arena_printf(arena, "%s%s_%05" PRId32, resource, suffix, number);
}

static char *identifier_of(const struct level *level, const struct volume_want *volume, struct arena *arena)
{
    return storage_volume_name(level->resource->resource, level->suffix, volume->number, arena);
}

/* Of the volume itself, or of the side that this level is. NULL when the want names none. */
static const char *pool_name_of(const struct level *level, const struct volume_want *volume)
{
    if (!level->suffix[0])
        return volume->pool;
    for (uint32_t i = 0; i < volume->sides.count; i++)
        if (strcmp(volume->sides.at[i].suffix, level->suffix) == 0)
            return volume->sides.at[i].pool;
    return NULL;
}

const struct known_pool *storage_find_pool(const struct machine *machine, const char *name)
{
    return name ? known_pool_find(machine->pools, name) : NULL;
}

const struct known_pool *storage_usable_pool(const struct machine *machine, const char *name, const char *what,
                                             struct arena *arena, struct trouble *trouble)
{
    const struct known_pool *pool = storage_find_pool(machine, name);

    if (pool && pool->provider && !pool->trouble)
        return pool;
    trouble->message = arena_printf(arena, "Storage pool '%s' of %s cannot be used.", name ? name : "", what);
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

static const struct known_pool *pool_of(const struct level *level, const struct volume_want *volume,
                                        struct arena *arena, struct trouble *trouble)
{
    return storage_usable_pool(level->machine, pool_name_of(level, volume),
                               arena_printf(arena, "volume %" PRId32, volume->number), arena, trouble);
}

static const struct storage_fact *fact_of(const struct level *level, const struct known_pool *pool,
                                          const struct volume_want *volume, struct arena *arena)
{
    return facts_find_volume(level->machine->facts, pool->want->pool, identifier_of(level, volume, arena));
}

static int64_t round_up(int64_t value, int64_t multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

/* Rounded up to the granularity that all replicas have agreed upon, and then to that of the pool. */
static int64_t gross_kib(const struct level *level, const struct volume_want *volume, int64_t net_kib)
{
    const char *text = text_map_find(&volume->props, "StorDriver/internal/AllocationGranularity");
    const struct known_pool *pool = storage_find_pool(level->machine, pool_name_of(level, volume));
    int64_t agreed_kib = 1, own_kib = 1;

    if (text && !text_parse_i64(text, 1, INT64_C(1) << 30, &agreed_kib))
        agreed_kib = 1;
    if (pool && pool->provider && pool->provider->granularity_kib)
        own_kib = pool->provider->granularity_kib(pool->want, facts_find_pool(level->machine->facts, pool->want->pool),
                                                  &volume->props);
    return round_up(round_up(net_kib, agreed_kib), own_kib > 0 ? own_kib : 1);
}

void storage_ask_about(const struct known_pool *pool, const struct storage_fact *fact, struct plan *plan)
{
    struct text_list identifiers = { 0 };

    if (!fact || !fact->is_uncertain)
        return;
    text_list_add(&identifiers, fact->identifier, &plan->arena);
    pool->provider->ask(pool->want, &identifiers, plan);
}

static void ask(const struct level *level, struct plan *plan)
{
    for (uint32_t i = 0; i < level->count; i++) {
        struct trouble ignored = { 0 };
        const struct known_pool *pool = pool_of(level, level->volumes[i].want, &plan->arena, &ignored);

        if (pool)
            storage_ask_about(pool, fact_of(level, pool, level->volumes[i].want, &plan->arena), plan);
    }
}

/* Of the main volumes only: what a side holds is made anew. */
static char *origin_of(const struct level *level, const struct volume_want *volume, struct arena *arena)
{
    if (!volume->origin || level->suffix[0])
        return NULL;
    return provider_snapshot_name(storage_volume_name(volume->origin->resource, "", volume->number, arena),
                                  volume->origin->snapshot, arena);
}

static struct provider_volume volume_of(const struct level *level, const struct known_pool *pool,
                                        const struct volume_want *want, struct arena *arena)
{
    return (struct provider_volume){
        .pool = pool->want,
        .pool_fact = facts_find_pool(level->machine->facts, pool->want->pool),
        .identifier = identifier_of(level, want, arena),
        .must_exist = want->must_exist,
        .must_be_new = want->must_be_new,
        .owner = level->resource->uuid,
        .authority = level->resource->authority,
        .new = { .want = want, .is_side = level->suffix[0] },
        .origin = origin_of(level, want, arena),
        .props = &want->props,
        .facts = level->machine->facts,
    };
}

static int refuse_foreign(const struct provider_volume *volume, const struct storage_fact *fact, struct arena *arena,
                          struct trouble *trouble)
{
    trouble->message = arena_printf(arena, "%s is there already, and was not made for this resource.", fact->backing);
    trouble->cause =
        arena_printf(arena, "A new volume '%s' must not show what an older one has left behind.", volume->identifier);
    trouble->correction = arena_printf(
        arena,
        "If its data is not needed, delete the resource on this node, which does not touch it, remove it (DELETE "
        "/v1/nodes/NODE/orphans/%s/%s), and create the resource again. To use its data, adopt it (PUT, the same path).",
        volume->pool->pool, volume->identifier);
    return -1;
}

static int plan_volume(const struct level *level, const struct level_volume *volume, bool raise, struct plan *plan,
                       struct trouble *trouble)
{
    const struct known_pool *pool = storage_find_pool(level->machine, pool_name_of(level, volume->want));
    const struct storage_fact *fact;
    struct provider_volume wanted;

    if (!raise && pool && pool->holds_nothing && !volume->want->must_exist)
        return 0;
    pool = pool_of(level, volume->want, &plan->arena, trouble);
    if (!pool)
        return -1;
    fact = fact_of(level, pool, volume->want, &plan->arena);
    wanted = volume_of(level, pool, volume->want, &plan->arena);
    wanted.size_kib = gross_kib(level, volume->want, volume->size_kib);
    if (provider_is_foreign(pool->provider, &wanted, fact))
        return raise ? refuse_foreign(&wanted, fact, &plan->arena, trouble) : 0;
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
    struct provider_volume wanted;

    if (!fact)
        return;
    wanted = volume_of(level, pool, volume->want, arena);
    if (provider_is_foreign(pool->provider, &wanted, fact)) {
        described->foreign_kib = fact->size_kib;
        described->needed_kib = gross_kib(level, volume->want, volume->size_kib);
        return;
    }
    described->backing = arena_strdup_null(arena, fact->backing);
    described->device_path = fact->is_new ? NULL : arena_strdup_null(arena, fact->device);
    described->usable_kib = described->device_path ? fact->device_kib : 0;
    described->allocated_kib = fact->allocated_kib;
}

bool storage_owns(const struct level *level, const char *pool, const char *identifier)
{
    for (uint32_t i = 0; i < level->count; i++) {
        const struct volume_want *volume = level->volumes[i].want;
        const char *own = pool_name_of(level, volume);
        struct arena arena = { 0 };
        bool found = own && text_equal_fold(own, pool) && strcmp(identifier_of(level, volume, &arena), identifier) == 0;

        arena_done(&arena);
        if (found)
            return true;
    }
    return false;
}

const struct layer layer_storage = {
    .name = "STORAGE",
    .kind = LAYER_STORAGE,
    .gross_kib = gross_kib,
    .ask = ask,
    .raise = raise,
    .lower = lower,
    .describe = describe,
};
