/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "layers/stack.h"
#include "roles/satellite/state.h"

LOG_DOMAIN("satellite");

void task_init(struct task *task, struct satellite *satellite, const struct task_kind *kind)
{
    task->satellite = satellite;
    task->kind = kind;
    task->plan.facts = &satellite->facts;
}

static void leave_ready(struct task *task)
{
    struct satellite *satellite = task->satellite;
    struct task *before = NULL;

    for (struct task *at = satellite->ready; at != task; at = at->next_ready)
        before = at;
    if (before)
        before->next_ready = task->next_ready;
    else
        satellite->ready = task->next_ready;
    if (satellite->last_ready == task)
        satellite->last_ready = before;
    task->is_ready = false;
}

static void leave_dirty(struct task *task)
{
    struct task **link = &task->satellite->dirty;

    while (*link != task)
        link = &(*link)->next_dirty;
    *link = task->next_dirty;
}

static void leave_dropped(struct task *task)
{
    struct task **link = &task->satellite->dropped;

    while (*link != task)
        link = &(*link)->next_dropped;
    *link = task->next_dropped;
}

void task_done(struct task *task)
{
    if (task->is_ready)
        leave_ready(task);
    if (task->is_dirty)
        leave_dirty(task);
    if (task->is_dropped)
        leave_dropped(task);
    plan_done(&task->plan);
    arena_done(&task->trouble_arena);
    timer_free(task->retry);
}

void task_ready(struct task *task)
{
    struct satellite *satellite = task->satellite;

    if (task->is_ready || task->is_running)
        return;
    task->is_ready = true;
    task->next_ready = NULL;
    if (satellite->last_ready)
        satellite->last_ready->next_ready = task;
    else
        satellite->ready = task;
    satellite->last_ready = task;
    loop_mark_dirty(satellite->loop);
}

bool task_is_pausing(const struct task *task)
{
    return task->retry && timer_is_active(task->retry);
}

void task_renew(struct task *task)
{
    task_forget_failures(task);
    if (task->is_running) {
        task->is_stale = true;
        return;
    }
    task->trouble = NULL;
    task_ready(task);
}

void task_dirty(struct task *task)
{
    if (task->is_dirty)
        return;
    task->is_dirty = true;
    task->next_dirty = task->satellite->dirty;
    task->satellite->dirty = task;
    loop_mark_dirty(task->satellite->loop);
}

static void set_trouble(struct task *task, const struct trouble *trouble)
{
    struct arena arena = { 0 };
    struct trouble *copy = arena_alloc(&arena, sizeof(*copy));

    field_copy(&trouble_schema, copy, trouble, &arena);
    arena_done(&task->trouble_arena);
    task->trouble_arena = arena;
    task->trouble = copy;
}

static const char *text_or(const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

static void retry_fired(void *owner)
{
    task_ready(owner);
}

int64_t task_pause_ms(int32_t attempts, int64_t first_ms, int64_t limit_ms)
{
    int64_t pause_ms = first_ms;

    for (int32_t i = 0; i < attempts && pause_ms < limit_ms; i++)
        pause_ms *= 2;
    return pause_ms < limit_ms ? pause_ms : limit_ms;
}

void task_fail(struct task *task, const struct trouble *trouble)
{
    const char *before = task->trouble ? text_or(task->trouble->message, "") : "";
    int64_t pause_ms = task_pause_ms(task->attempts, RETRY_FIRST_MS, RETRY_LIMIT_MS);

    if (strcmp(before, text_or(trouble->message, "")) != 0)
        log_warn("%s %s", text_or(trouble->message, "Something failed."), text_or(trouble->cause, ""));
    set_trouble(task, trouble);
    task->attempts++;
    if (!task->retry)
        task->retry = timer_new(task->satellite->loop, retry_fired, task);
    task->retry_at_ms = loop_now_ms(task->satellite->loop) + pause_ms;
    timer_start(task->retry, pause_ms, 0);
    task_dirty(task);
}

void task_postpone(struct task *task, int64_t until_ms)
{
    int64_t pause_ms = until_ms - loop_now_ms(task->satellite->loop);

    task->retry_at_ms = until_ms;
    timer_start(task->retry, pause_ms < RETRY_LIMIT_MS ? pause_ms : RETRY_LIMIT_MS, 0);
}

void task_succeed(struct task *task)
{
    if (task->trouble)
        task_dirty(task);
    task->trouble = NULL;
    arena_done(&task->trouble_arena);
    task_forget_failures(task);
}

void task_forget_failures(struct task *task)
{
    task->attempts = 0;
    task->retry_at_ms = 0;
    if (task->retry)
        timer_stop(task->retry);
}

void task_drop(struct task *task)
{
    if (!task->is_running) {
        task->kind->free(task);
        return;
    }
    task->is_dropped = true;
    task->next_dropped = task->satellite->dropped;
    task->satellite->dropped = task;
}

void task_copy_trouble(const struct task *task, struct trouble **trouble, struct arena *arena)
{
    int64_t now_ms = loop_now_ms(task->satellite->loop);

    *trouble = NULL;
    if (!task->trouble)
        return;
    *trouble = arena_alloc(arena, sizeof(**trouble));
    field_copy(&trouble_schema, *trouble, task->trouble, arena);
    (*trouble)->attempts = task->attempts;
    (*trouble)->retry_in_ms = task->retry_at_ms > now_ms ? task->retry_at_ms - now_ms : 0;
}

/* The readers see every outcome, those before a failure too; the first trouble is the one that counts. */
static bool read_outcomes(struct task *task, const struct outcome *outcomes, size_t count, struct arena *arena,
                          struct trouble *trouble)
{
    bool failed = false;

    for (size_t i = 0; i < count; i++) {
        const struct step *step = &task->plan.steps.at[i];
        const struct provider *provider = provider_find(step->reader);
        const struct layer *layer = layer_find(step->reader);
        outcome_reader *reader = provider ? provider->read : layer ? layer->read : NULL;
        struct trouble found = { 0 };

        if (!reader || reader(step, &outcomes[i], task->asked, &task->satellite->facts, arena, &found) == 0)
            continue;
        if (!failed)
            *trouble = found;
        failed = true;
    }
    return !failed;
}

static void run_done(void *owner, const struct outcome *outcomes, size_t count)
{
    struct task *task = owner;
    struct arena arena = { 0 };
    struct trouble trouble = { 0 };
    bool succeeded = task->is_dropped || read_outcomes(task, outcomes, count, &arena, &trouble);

    if (!task->is_hanging)
        task->satellite->running--;
    task->is_running = task->is_hanging = task->is_late = false;
    for (size_t i = 0; i < count; i++)
        task->is_late = task->is_late || outcomes[i].is_late;
    loop_mark_dirty(task->satellite->loop);
    plan_done(&task->plan);
    if (task->is_dropped)
        task->kind->free(task);
    else
        task->kind->ended(task, succeeded ? NULL : &trouble);
    arena_done(&arena);
}

static void run_hangs(void *owner, const struct step *step, const struct step *behind, int64_t since_ms)
{
    struct task *task = owner;
    struct arena arena = { 0 };
    struct trouble trouble = {
        .message = arena_printf(&arena, "\"%s\" has not %s after %lld seconds.", step->what, behind ? "begun" : "ended",
                                (long long)since_ms / 1000),
        .cause = behind ? arena_printf(&arena, "It waits until \"%s\" has ended.", behind->what)
                        : arena_strdup(
                              &arena, "The kernel or a tool does not answer. Nothing else is done with it until then."),
        .correction = arena_strdup(&arena, "Look into the kernel's log, and whether the disks below answer."),
    };

    if (!task->is_hanging)
        task->satellite->running--;
    task->is_hanging = true;
    loop_mark_dirty(task->satellite->loop);
    set_trouble(task, &trouble);
    task_dirty(task);
    task->satellite->orphans_are_due = true; /* it may be one of them */
    arena_done(&arena);
}

static const struct run_events run_events = { .done = run_done, .hangs = run_hangs };

void task_run(struct task *task)
{
    task->is_running = true;
    task->satellite->running++;
    task->asked = task->satellite->facts.stamp;
    if (log_is_on(LOG_DEBUG)) {
        struct buf text = { 0 };

        plan_print(&task->plan, &text);
        log_debug("plan:\n%s", buf_text(&text));
        buf_done(&text);
    }
    run_plan(task->satellite->runner, &task->plan, &run_events, task);
}

/* Tasks that become ready meanwhile have their turn, too; nothing that proceeds makes itself ready. */
void tasks_proceed(struct satellite *satellite)
{
    while (satellite->ready && satellite->running < RUNNING_LIMIT) {
        struct task *task = satellite->ready;

        leave_ready(task);
        task->kind->proceed(task);
    }
}
