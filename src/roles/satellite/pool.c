/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Storage pools: made usable (the directory, the first look at everything in it), then left to the observer. A pool
 * that cannot be read any more comes back here and is tried until it can.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "roles/satellite/state.h"

LOG_DOMAIN("pool");

static struct pool *pool_of(struct task *task)
{
    return CONTAINER_OF(task, struct pool, task);
}

struct pool *pool_find(const struct satellite *satellite, const char *name)
{
    struct known_pool *known = known_pool_find(&satellite->pools, name);

    return known ? CONTAINER_OF(known, struct pool, known) : NULL;
}

/* It has not been looked at yet, so nothing can be said about volumes in it. */
bool pool_is_pending(const struct pool *pool)
{
    return !pool->is_applied && !pool->known.trouble;
}

static void fail(struct pool *pool, const struct trouble *trouble)
{
    bool was_usable = pool->is_applied;

    pool->is_applied = false;
    task_fail(&pool->task, trouble);
    arena_done(&pool->shown_arena);
    memset(&pool->shown, 0, sizeof(pool->shown));
    field_copy(&trouble_schema, &pool->shown, trouble, &pool->shown_arena);
    pool->known.trouble = &pool->shown;
    if (was_usable || pool->task.attempts == 1)
        resources_wake(pool->task.satellite, false);
}

static void succeed(struct pool *pool)
{
    bool was_applied = pool->is_applied;

    pool->is_applied = true;
    pool->known.trouble = NULL;
    task_succeed(&pool->task);
    if (was_applied)
        return;
    log_info("storage pool '%s' (%s) is ready", pool->want.pool, pool->want.provider);
    task_dirty(&pool->task);
    pool->task.satellite->orphans_are_due = true;
    resources_wake(pool->task.satellite, true);
}

static void refuse(struct pool *pool, const char *cause)
{
    struct arena arena = { 0 };
    struct trouble trouble = {
        .message = arena_printf(&arena, "Storage pool '%s' cannot be used.", pool->want.pool),
        .cause = arena_strdup(&arena, cause),
    };

    fail(pool, &trouble);
    arena_done(&arena);
}

static void proceed(struct task *task)
{
    struct pool *pool = pool_of(task);
    const struct provider *provider = pool->known.provider;
    const char *missing =
        provider && provider->needs ? text_map_find(&task->satellite->missing, provider->needs) : NULL;
    struct trouble trouble = { 0 };

    pool->known.holds_nothing = true;
    if (!provider) {
        refuse(pool, "This version of the satellite does not know its storage provider.");
        return;
    }
    if (missing) {
        /* It may have been there when the volumes were made. */
        pool->known.holds_nothing = false;
        refuse(pool, missing);
        return;
    }
    if (provider->check(&pool->want, &task->plan.arena, &trouble) < 0) {
        fail(pool, &trouble);
        plan_done(&task->plan);
        return;
    }
    pool->known.holds_nothing = false;
    if (provider->find)
        provider->find(&pool->want, &task->plan);
    pool->is_found = task->plan.steps.count == 0;
    if (!pool->is_found) {
        task_run(task);
        return;
    }
    if (provider->prepare)
        provider->prepare(&pool->want, &task->plan);
    provider->ask(&pool->want, NULL, &task->plan);
    if (task->plan.steps.count > 0)
        task_run(task);
    else
        succeed(pool);
}

static void ended(struct task *task, const struct trouble *trouble)
{
    if (task->is_stale) {
        /* What was read may be about another directory. */
        task->is_stale = false;
        facts_remove_pool(&task->satellite->facts, pool_of(task)->want.pool);
        task_ready(task);
    } else if (trouble) {
        fail(pool_of(task), trouble);
    } else if (!pool_of(task)->is_found) {
        task_ready(task);
    } else {
        succeed(pool_of(task));
    }
}

static void report(struct task *task, struct report *report, struct arena *arena)
{
    struct pool *pool = pool_of(task);
    const struct storage_pool_fact *fact = facts_find_pool(&task->satellite->facts, pool->want.pool);
    struct pool_fact *told = LIST_ADD(&report->pools, arena);

    told->pool = arena_strdup(arena, pool->want.pool);
    told->uuid = arena_strdup_null(arena, pool->want.uuid);
    told->generation = pool->want.generation;
    told->applied = pool->is_applied || task->is_dropped || pool->want.remove;
    task_copy_trouble(task, &told->trouble, arena);
    told->supports_snapshots = fact && fact->can_snapshot;
    told->granularity_kib = fact ? fact->granularity_kib : 0;
    for (uint32_t i = 0; fact && i < fact->told.map.count; i++)
        text_map_set(&told->props, fact->told.map.at[i].key, fact->told.map.at[i].value, arena);
    if (fact && fact->total_kib > 0) {
        told->free_kib = (struct maybe_i64)MAYBE(fact->free_kib);
        told->total_kib = (struct maybe_i64)MAYBE(fact->total_kib);
        pool->reported_free_kib = fact->free_kib;
        pool->reported_total_kib = fact->total_kib;
    }
}

static void pool_free(struct task *task)
{
    struct pool *pool = pool_of(task);

    task_done(task);
    arena_done(&pool->arena);
    arena_done(&pool->shown_arena);
    free(pool);
}

static const struct task_kind pool_kind = { .proceed = proceed, .ended = ended, .report = report, .free = pool_free };

void pool_report_if_changed(struct pool *pool)
{
    const struct storage_pool_fact *fact = facts_find_pool(&pool->task.satellite->facts, pool->want.pool);

    if (fact && (fact->free_kib != pool->reported_free_kib || fact->total_kib != pool->reported_total_kib))
        task_dirty(&pool->task);
}

/* Nothing on the machine is touched: what lies in the pool stays there, unknown to this satellite. */
static void forget(struct pool *pool, const struct pool_want *want)
{
    struct satellite *satellite = pool->task.satellite;

    log_info("storage pool '%s' is forgotten", pool->want.pool);
    resources_forget_orphans(satellite, pool->want.pool, NULL);
    facts_remove_pool(&satellite->facts, pool->want.pool);
    known_pool_remove(&satellite->pools, &pool->known);
    pool->want.generation = want->generation;
    pool->want.remove = true;
    pool->known.trouble = NULL;
    task_forget_failures(&pool->task);
    pool->task.trouble = NULL;
    task_dirty(&pool->task); /* the report frees it */
    resources_wake(satellite, false);
}

static struct pool *pool_new(struct satellite *satellite)
{
    struct pool *pool = memory_alloc(sizeof(*pool));

    task_init(&pool->task, satellite, &pool_kind);
    return pool;
}

static void set_want(struct pool *pool, const struct pool_want *want)
{
    arena_done(&pool->arena);
    memset(&pool->want, 0, sizeof(pool->want));
    field_copy(&pool_want_schema, &pool->want, want, &pool->arena);
}

/* What the satellite told comes back with the next want, so that it knows it after a restart: nothing new. */
static struct text_map without_told(const struct text_map *props, const struct storage_pool_fact *fact,
                                    struct arena *arena)
{
    struct text_map rest = { 0 };

    for (uint32_t i = 0; i < props->count; i++) {
        const char *told = fact ? text_map_find(&fact->told.map, props->at[i].key) : NULL;

        if (!told || strcmp(told, props->at[i].value) != 0)
            text_map_set(&rest, props->at[i].key, props->at[i].value, arena);
    }
    return rest;
}

static bool is_changed(const struct pool *pool, const struct pool_want *want)
{
    const struct storage_pool_fact *fact = facts_find_pool(&pool->task.satellite->facts, pool->want.pool);
    struct pool_want before = pool->want, now = *want;
    struct arena arena = { 0 };
    bool result;

    now.generation = before.generation;
    now.digest = before.digest;
    now.props = without_told(&want->props, fact, &arena);
    before.props = without_told(&pool->want.props, fact, &arena);
    result = !field_equal(&pool_want_schema, &before, &now, FIELD_LINK);
    arena_done(&arena);
    return result;
}

void pool_take_want(struct satellite *satellite, const struct pool_want *want)
{
    struct pool *pool = pool_find(satellite, want->pool);

    if (want->remove) {
        if (!pool) {
            /* Forgotten already; the controller wants to hear it again. */
            pool = pool_new(satellite);
            set_want(pool, want);
            task_dirty(&pool->task);
            return;
        }
        forget(pool, want);
        return;
    }
    if (pool && !is_changed(pool, want)) {
        set_want(pool, want);
        task_dirty(&pool->task);
        return;
    }
    if (pool) {
        /* Facts are kept by name of pool; a pool that lies elsewhere now knows nothing of the old place's volumes. */
        resources_forget_orphans(satellite, pool->want.pool, NULL);
        facts_remove_pool(&satellite->facts, pool->want.pool);
        known_pool_remove(&satellite->pools, &pool->known);
    } else {
        pool = pool_new(satellite);
    }
    set_want(pool, want);
    pool->known.want = &pool->want;
    pool->known.trouble = NULL;
    pool->is_applied = false;
    known_pool_add(&satellite->pools, &pool->known);
    task_renew(&pool->task);
}
