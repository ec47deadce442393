/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The observer looks at what nobody told us: everything every few seconds and when the controller asks for it, and only
 * the pools' space soon after a change. One look at a time; pools that cannot be used are left to their own tasks.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "drivers/held.h"
#include "layers/stack.h"
#include "roles/satellite/state.h"

LOG_DOMAIN("observe");

static struct observer *observer_of(struct task *task)
{
    return CONTAINER_OF(task, struct observer, task);
}

static void move_tokens(struct i64_list *to, struct arena *to_arena, struct i64_list *from, struct arena *from_arena)
{
    for (uint32_t i = 0; i < from->count; i++)
        *LIST_ADD(to, to_arena) = from->at[i];
    arena_done(from_arena);
    *from = (struct i64_list){ 0 };
}

static void answer_tokens(struct observer *observer)
{
    struct satellite *satellite = observer->task.satellite;

    if (observer->running_tokens.count > 0)
        loop_mark_dirty(satellite->loop);
    move_tokens(&satellite->answered, &satellite->answered_arena, &observer->running_tokens, &observer->running_arena);
}

static void proceed(struct task *task)
{
    static const struct text_list none;
    struct observer *observer = observer_of(task);
    struct satellite *satellite = task->satellite;

    observer->running_everything = observer->everything;
    observer->everything = false;
    move_tokens(&observer->running_tokens, &observer->running_arena, &observer->tokens, &observer->tokens_arena);
    map_for_each (node, &satellite->pools) {
        const struct pool *pool = CONTAINER_OF(node, struct pool, known.node);

        if (pool->is_applied)
            pool->known.provider->ask(&pool->want, observer->running_everything ? NULL : &none, &task->plan);
    }
    for (size_t i = 0; observer->running_everything && layers[i]; i++)
        if (layers[i]->ask_all && fact_state_find(&satellite->facts.known_layers, layers[i]->name))
            layers[i]->ask_all(layers[i], &task->plan);
    if (task->plan.steps.count > 0)
        task_run(task);
    else
        answer_tokens(observer);
}

/* The pool's own task finds out what is wrong with it, and when it is right again. */
static void check_pools(struct satellite *satellite)
{
    for (struct map_node *node = map_first(&satellite->facts.pools), *next; node; node = next) {
        next = map_next(node);
        if (!pool_find(satellite, node->key))
            facts_remove_pool(&satellite->facts, node->key);
    }
    map_for_each (node, &satellite->pools) {
        struct pool *pool = CONTAINER_OF(node, struct pool, known.node);
        const struct storage_pool_fact *fact = facts_find_pool(&satellite->facts, pool->want.pool);

        if (fact && fact->error && pool->is_applied)
            task_ready(&pool->task);
        pool_report_if_changed(pool);
    }
}

static void ended(struct task *task, const struct trouble *trouble)
{
    struct observer *observer = observer_of(task);

    if (trouble)
        log_warn("%s %s", trouble->message, trouble->cause ? trouble->cause : "");
    check_pools(task->satellite);
    if (observer->running_everything) {
        resources_wake(task->satellite, false);
        task->satellite->orphans_are_due = true;
    }
    answer_tokens(observer);
    if (observer->everything || observer->tokens.count > 0)
        task_ready(task);
    loop_mark_dirty(task->satellite->loop);
}

static void report(struct task *task, struct report *report, struct arena *arena)
{
    (void)task;
    (void)report;
    (void)arena;
}

static void observer_free(struct task *task)
{
    (void)task; /* part of the satellite */
}

static const struct task_kind observer_kind = {
    .proceed = proceed, .ended = ended, .report = report, .free = observer_free
};

static void period_is_over(void *owner)
{
    struct satellite *satellite = owner;

    satellite->observer.everything = true;
    task_ready(&satellite->observer.task);
}

static void soon_is_now(void *owner)
{
    struct satellite *satellite = owner;

    task_ready(&satellite->observer.task);
}

void observer_init(struct satellite *satellite)
{
    struct observer *observer = &satellite->observer;

    task_init(&observer->task, satellite, &observer_kind);
    observer->period = timer_new(satellite->loop, period_is_over, satellite);
    observer->soon = timer_new(satellite->loop, soon_is_now, satellite);
    timer_start(observer->period, OBSERVE_MS, OBSERVE_MS);
}

void observer_done(struct satellite *satellite)
{
    struct observer *observer = &satellite->observer;

    timer_free(observer->period);
    timer_free(observer->soon);
    arena_done(&observer->tokens_arena);
    arena_done(&observer->running_arena);
    task_done(&observer->task);
}

void observer_measure_soon(struct satellite *satellite)
{
    if (!timer_is_active(satellite->observer.soon))
        timer_start(satellite->observer.soon, MEASURE_MS, 0);
}

void observer_refresh(struct satellite *satellite, int64_t token)
{
    struct observer *observer = &satellite->observer;

    *LIST_ADD(&observer->tokens, &observer->tokens_arena) = token;
    observer->everything = true;
    task_ready(&observer->task);
}

void observer_forget_tokens(struct satellite *satellite)
{
    struct observer *observer = &satellite->observer;

    arena_done(&observer->tokens_arena);
    arena_done(&observer->running_arena);
    observer->tokens = observer->running_tokens = (struct i64_list){ 0 };
}

static void take_missing(struct satellite *satellite, const struct text_map *missing)
{
    struct text_map *known = &satellite->missing;

    for (uint32_t i = known->count; i-- > 0;)
        if (!text_map_find(missing, known->at[i].key))
            text_map_remove(known, known->at[i].key);
    for (uint32_t i = 0; i < missing->count; i++) {
        const char *why = text_map_find(known, missing->at[i].key);

        if (why && strcmp(why, missing->at[i].value) == 0)
            continue;
        log_warn("this machine lacks %s: %s", missing->at[i].key, missing->at[i].value);
        text_map_set(known, missing->at[i].key, missing->at[i].value, &satellite->arena);
    }
}

/* Nobody else changes facts before the satellite listens. What fails is asked again by whoever needs it. */
static void take_devices(struct satellite *satellite, const struct step *step, const struct outcome *outcome)
{
    struct trouble trouble = { 0 };
    struct arena arena = { 0 };

    if (outcome->result == OUTCOME_DONE &&
        layer_find(step->reader)->read(step, outcome, satellite->facts.stamp, &satellite->facts, &arena, &trouble) < 0)
        log_warn("%s %s", trouble.message, trouble.cause ? trouble.cause : "");
    arena_done(&arena);
}

/* Where the question itself failed nothing is known to be missing: what is, the steps that need it will tell. */
static void probe_done(void *owner, const struct outcome *outcomes, size_t count)
{
    struct satellite *satellite = owner;

    if (outcomes[0].result == OUTCOME_DONE)
        take_missing(satellite, &outcomes[0].missing);
    for (size_t i = 1; i < count; i++)
        take_devices(satellite, &satellite->probe.steps.at[i], &outcomes[i]);
    plan_done(&satellite->probe);
    if (outcomes[0].result != OUTCOME_DONE || satellite->missing.count > 0)
        timer_start(satellite->probe_again, OBSERVE_MS, 0);
    if (!satellite->has_listened)
        server_listen(satellite);
    satellite->has_listened = true;
}

static const struct run_events probe_events = { .done = probe_done };

static void probe(void *owner)
{
    struct satellite *satellite = owner;

    plan_add(&satellite->probe, STEP_ASK_MACHINE, "find out what this machine can do");
    if (!satellite->has_listened)
        stack_ask_remote(&satellite->probe);
    run_plan(satellite->runner, &satellite->probe, &probe_events, satellite);
}

static void tell_thawed(const struct step *step, const struct outcome *outcome)
{
    if (outcome->mappings.count > 0)
        log_warn("%s was left suspended by an earlier satellite", step->name);
    if (outcome->device)
        log_warn("what is mounted on %s was left frozen by an earlier satellite", step->device);
    if (outcome->result != OUTCOME_DONE)
        log_error(
            "What an earlier satellite may have left standing still does not go on: \"%s\" failed: %s. See 'dmsetup "
            "info'; what is SUSPENDED goes on with 'dmsetup resume', what is frozen with 'fsfreeze -u'.",
            step->what, outcome->complaint ? outcome->complaint : strerror(outcome->error));
}

static void thaw_done(void *owner, const struct outcome *outcomes, size_t count)
{
    const struct plan *part = owner;

    if (count > 0)
        tell_thawed(&part->steps.at[0], &outcomes[0]);
}

static const struct run_events thaw_events = { .done = thaw_done };

/*
 * A run for each: what goes on may write to what lies below it, and wait for that to go on as well, in whatever order
 * their notes are found.
 */
static void thaw_start(struct satellite *satellite)
{
    CLEANUP(memory_freep) char *notes = satellite->data_dir ? held_directory(satellite->data_dir) : NULL;
    struct plan *thaw = &satellite->thaw, *parts;

    if (notes)
        held_plan_thaw(notes, thaw);
    parts = arena_alloc(&thaw->arena, thaw->steps.count * sizeof(*parts));
    for (uint32_t i = 0; i < thaw->steps.count; i++) {
        parts[i].steps.at = &thaw->steps.at[i];
        parts[i].steps.count = 1;
        run_plan(satellite->runner, &parts[i], &thaw_events, &parts[i]);
    }
}

/* Runs of their own: a device that hangs when it is to go on must not keep the satellite from listening. */
void probe_start(struct satellite *satellite)
{
    thaw_start(satellite);
    satellite->probe_again = timer_new(satellite->loop, probe, satellite);
    probe(satellite);
}
