/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * In place of drivers/run.c: plans run on the machine in memory. A step takes a while, happens at one moment, and is
 * told of a while later; it can fail, be slow, hang, or lose its worker. A step that was begun happens even when its
 * satellite has died meanwhile, as a worker process ends what it has begun; none is begun after that.
 */
#include "drivers/run.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "machine.h"

enum { WORKERS = 4, QUICK_MS = 10000, PATIENT_MS = 60000, VERY_PATIENT_MS = 30 * 60000, ORPHAN_MS = 8000 };

enum fate { FATE_GOOD, FATE_FAILS, FATE_LOST_BEFORE, FATE_LOST_AFTER };

struct run {
    struct run *next, *next_waiting;
    struct runner *runner;
    const struct plan *plan;
    const struct run_events *events;
    void *owner;
    struct arena arena;
    struct outcome *outcomes;
    uint32_t at;
    bool is_failed, has_worker, is_under_way;
    enum fate fate;
    int64_t began_ms;
    struct event *effect, *patience;
};

struct runner {
    struct runner *next_runner; /* of all that live or whose steps do */
    struct loop *loop;
    struct host *host;
    struct run *runs, *first_waiting, *last_waiting;
    int busy;
};

static struct runner *runners;

static void advance(struct run *run);
static void serve_queue(struct runner *runner);

static const struct step *step_of(const struct run *run)
{
    return &run->plan->steps.at[run->at];
}

static void release_worker(struct run *run)
{
    if (run->has_worker)
        run->runner->busy--;
    run->has_worker = false;
}

static void run_free(struct run *run)
{
    struct run **link = &run->runner->runs;

    while (*link != run)
        link = &(*link)->next;
    *link = run->next;
    world_cancel(run->effect);
    world_cancel(run->patience);
    arena_done(&run->arena);
    free(run);
}

static void step_told(void *owner)
{
    struct run *run = owner;
    struct outcome *outcome = &run->outcomes[run->at];

    run->effect = NULL;
    world_cancel(run->patience);
    run->patience = NULL;
    run->is_failed = run->is_failed || (outcome->result != OUTCOME_DONE && outcome->result != OUTCOME_SKIPPED);
    if (outcome->result != OUTCOME_DONE)
        world_note("%s: \"%s\" ends with %s, error %d", run->runner->host->name, step_of(run)->what,
                   enum_name(outcome_result_names, outcome->result), outcome->error);
    run->at++;
    if (outcome->result == OUTCOME_LOST)
        release_worker(run);
    advance(run);
}

static void step_happens(void *owner)
{
    static const int errors[] = { EIO, ENOSPC, ENOMEM, EBUSY, EINTR };
    struct run *run = owner;
    const struct step *step = step_of(run);
    struct outcome *outcome = &run->outcomes[run->at];

    run->is_under_way = false;
    run->effect = NULL;
    world.counts->steps++;
    world_note("%s: %s", run->runner->host->name, step->what);
    if (run->fate == FATE_FAILS) {
        outcome->result = OUTCOME_FAILED;
        outcome->error = errors[chance_between(0, ARRAY_SIZE(errors) - 1)];
    } else if (run->fate != FATE_LOST_BEFORE) {
        machine_run(run->runner->host, step, outcome, &run->arena);
    }
    if (run->fate == FATE_LOST_BEFORE || run->fate == FATE_LOST_AFTER)
        *outcome = (struct outcome){ .result = OUTCOME_LOST,
                                     .complaint = arena_strdup(&run->arena, "its worker process died") };
    if (!sim_loop_is_dead(run->runner->loop))
        run->effect = world_after(run->runner->loop, chance_between(0, 2), step_told, run);
}

static void patience_is_over(void *owner)
{
    struct run *run = owner;
    const struct step *step = step_of(run);

    run->patience = NULL;
    if (step->changes) {
        if (run->has_worker)
            release_worker(run);
        if (run->events->hangs)
            run->events->hangs(run->owner, step, NULL, world_now_ms() - run->began_ms);
        serve_queue(run->runner);
        return;
    }
    world_cancel(run->effect);
    run->is_under_way = false;
    run->outcomes[run->at] = (struct outcome){ .result = OUTCOME_TIMEOUT, .error = ETIMEDOUT };
    release_worker(run);
    run->effect = world_after(run->runner->loop, 0, step_told, run);
}

static int64_t patience_of(const struct step *step)
{
    switch ((enum step_patience)step->patience) {
    case STEP_QUICK: return QUICK_MS;
    case STEP_PATIENT: return PATIENT_MS;
    case STEP_VERY_PATIENT: break;
    }
    return VERY_PATIENT_MS;
}

static void begin_step(struct run *run)
{
    int64_t takes_ms = chance_between(0, 3);

    run->fate = FATE_GOOD;
    if (fault_strikes(FAULT_STEP_SLOW, 6))
        takes_ms = chance_between(0, 5000);
    if (fault_strikes(FAULT_STEP_HANGS, 60))
        takes_ms = chance_between(1000, 150000);
    if (fault_strikes(FAULT_STEP_FAILS, 12))
        run->fate = FATE_FAILS;
    else if (fault_strikes(FAULT_STEP_LOST, 20))
        run->fate = chance_one_in(2) ? FATE_LOST_BEFORE : FATE_LOST_AFTER;
    run->began_ms = world_now_ms();
    run->is_under_way = true;
    run->effect = world_after(NULL, takes_ms, step_happens, run);
    run->patience = world_after(run->runner->loop, patience_of(step_of(run)), patience_is_over, run);
}

static void serve_queue(struct runner *runner)
{
    while (runner->first_waiting && runner->busy < WORKERS) {
        struct run *run = runner->first_waiting;

        runner->first_waiting = run->next_waiting;
        if (!runner->first_waiting)
            runner->last_waiting = NULL;
        run->has_worker = true;
        runner->busy++;
        begin_step(run);
    }
}

static void ask_for_worker(struct run *run)
{
    struct runner *runner = run->runner;

    run->next_waiting = NULL;
    if (runner->last_waiting)
        runner->last_waiting->next_waiting = run;
    else
        runner->first_waiting = run;
    runner->last_waiting = run;
    serve_queue(runner);
}

static void advance(struct run *run)
{
    struct runner *runner = run->runner;

    for (; run->at < run->plan->steps.count && run->is_failed && !step_of(run)->always; run->at++)
        run->outcomes[run->at].result = OUTCOME_SKIPPED;
    if (run->at < run->plan->steps.count) {
        if (run->has_worker)
            begin_step(run);
        else
            ask_for_worker(run);
        return;
    }
    release_worker(run);
    run->events->done(run->owner, run->outcomes, run->plan->steps.count);
    run_free(run);
    serve_queue(runner);
}

static void begin(void *owner)
{
    struct run *run = owner;

    run->effect = NULL;
    advance(run);
}

void run_plan(struct runner *runner, const struct plan *plan, const struct run_events *events, void *owner)
{
    struct run *run = memory_alloc(sizeof(*run));

    assert(plan->steps.count > 0);
    run->runner = runner;
    run->plan = plan;
    run->events = events;
    run->owner = owner;
    run->outcomes = arena_alloc(&run->arena, plan->steps.count * sizeof(*run->outcomes));
    run->next = runner->runs;
    runner->runs = run;
    run->effect = world_after(runner->loop, 0, begin, run);
}

struct runner *runner_new(struct loop *loop, const struct run_options *options)
{
    struct runner *runner = memory_alloc(sizeof(*runner));

    (void)options;
    runner->loop = loop;
    runner->host = sim_loop_host(loop);
    runner->next_runner = runners;
    runners = runner;
    return runner;
}

static void unlink_runner(struct runner *runner)
{
    struct runner **link = &runners;

    while (*link != runner)
        link = &(*link)->next_runner;
    *link = runner->next_runner;
}

/* No machine of the simulation encrypts. */
void runner_set_key(struct runner *runner, struct secret *key)
{
    (void)runner;
    (void)key;
}

void runner_free(struct runner *runner)
{
    while (runner->runs)
        run_free(runner->runs);
    unlink_runner(runner);
    free(runner);
}

int runners_count_orphans(const struct host *host)
{
    int count = 0;

    for (const struct runner *runner = runners; runner; runner = runner->next_runner)
        for (const struct run *run = runner->runs; run && runner->host == host; run = run->next)
            count += run->is_under_way && sim_loop_is_dead(runner->loop);
    return count;
}

/*
 * Steps that only ask, and runs that stand between two steps, end with the process. What was begun and changes the
 * machine is done, before the successor has waited for it in vain.
 */
void runners_process_died(struct host *host)
{
    for (struct runner *runner = runners; runner; runner = runner->next_runner)
        for (struct run *run = runner->runs; run && runner->host == host; run = run->next) {
            world_cancel(run->patience);
            run->patience = NULL;
            world_cancel(run->effect);
            run->is_under_way = run->is_under_way && step_of(run)->changes;
            run->effect = run->is_under_way ? world_after(NULL, chance_between(0, ORPHAN_MS), step_happens, run) : NULL;
        }
}

void runners_power_lost(struct host *host)
{
    for (struct runner *runner = runners; runner; runner = runner->next_runner)
        for (struct run *run = runner->runs; run && runner->host == host; run = run->next) {
            if (run->is_under_way)
                world_cancel(run->effect);
            run->effect = NULL;
            run->is_under_way = false;
        }
}

void runners_done(void)
{
    while (runners) {
        struct runner *runner = runners;

        runners = runner->next_runner;
        world_bury(runner);
    }
}
