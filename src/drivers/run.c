/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A run walks its plan in stretches. An EXEC step is one, and becomes a child; the longest stretch of other steps
 * becomes one batch for a worker, which answers step by step. Runs that find no worker free wait in a queue, first come
 * first served. Those among them that need turns, too, have or await them only while there is a worker for them: nobody
 * is kept from a turn by one who could not use it.
 *
 * Where a step holds something still, a stretch begins with it and goes as far as the steps that must always be run,
 * tools in between included: one worker has it all. While a tool runs it waits, to be told how that ended, and does
 * what must be done by itself when it is not told in time, or when there is nobody any more who could tell it, neither
 * this process nor the tool. When that worker dies another one does so at once. The turns of all tools of a stretch are
 * had before its first step begins, so that nothing stands still while another one has its turn; a step that hangs
 * gives them back.
 *
 * A worker that does not answer in time is killed if its step only asks. If its step changes the machine, it is
 * reported and left alone; it no longer counts against the limit, so that a device that hangs costs its own resource
 * and no other.
 */
#include "drivers/run.h"

#include <assert.h>
#include <errno.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "drivers/batch.h"
#include "drivers/child.h"
#include "drivers/stretch.h"
#include "drivers/tool.h"
#include "drivers/workers.h"

LOG_DOMAIN("run");

enum {
    WORKERS = 4,
    OUTPUT_LIMIT = 16 * 1024 * 1024,
};

struct run {
    struct run *next; /* of all runs */
    struct run *next_waiting;
    struct runner *runner;
    const struct plan *plan;
    struct plan own_plan; /* of a rescue */
    const struct run_events *events;
    void *owner;
    struct arena arena;
    struct outcome *outcomes;
    struct stretch stretch;
    bool is_failed;
    bool is_let_go; /* the worker is gone that held something still for the tool */
    bool is_late;   /* because that took too long */
    int64_t step_started_ms;
    struct timer *patience;
    struct worker *worker;
    struct tool tool;
};

struct runner {
    struct loop *loop;
    struct run_options options;
    struct children children;
    struct workers workers;
    struct run *runs, *first_waiting;
    struct stretches stretches;
    struct secret *key; /* the satellite's */
};

static void timer_fired(void *owner);
static void tool_ended(void *owner, int exit_code, int signal_number);
static void advance(struct run *run);
static void go_on(struct run *run);
static void serve(struct runner *runner);

static const struct step *step_under_way(const struct run *run)
{
    return &run->plan->steps.at[run->stretch.at];
}

static struct run *run_new(struct runner *runner, const struct plan *plan, const struct run_events *events, void *owner)
{
    struct run *run = memory_alloc(sizeof(*run));

    run->runner = runner;
    run->plan = plan;
    run->events = events;
    run->owner = owner;
    run->outcomes = arena_alloc(&run->arena, plan->steps.count * sizeof(*run->outcomes));
    run->patience = timer_new(runner->loop, timer_fired, run);
    run->tool.output_limit = runner->options.output_limit;
    run->tool.ended = tool_ended;
    run->tool.owner = run;
    run->next = runner->runs;
    runner->runs = run;
    run->stretch.plan = plan;
    run->stretch.owner = run;
    stretches_add(&runner->stretches, &run->stretch);
    return run;
}

static void run_free(struct run *run)
{
    for (struct run **link = &run->runner->runs; *link; link = &(*link)->next)
        if (*link == run) {
            *link = run->next;
            break;
        }
    stretches_remove(&run->runner->stretches, &run->stretch);
    timer_free(run->patience);
    tool_done(&run->tool);
    arena_done(&run->arena);
    plan_done(&run->own_plan);
    free(run);
}

static void start_patience(struct run *run)
{
    const struct run_options *options = &run->runner->options;
    int64_t limit_ms = options->very_patient_ms, own_ms = step_under_way(run)->patience_ms;

    switch ((enum step_patience)step_under_way(run)->patience) {
    case STEP_QUICK: limit_ms = options->quick_ms; break;
    case STEP_PATIENT: limit_ms = options->patient_ms; break;
    case STEP_VERY_PATIENT: break;
    }
    run->step_started_ms = loop_now_ms(run->runner->loop);
    own_ms += own_ms > 0 ? options->quick_ms : 0; /* what waits by itself gives up by itself, and says why */
    timer_start(run->patience, limit_ms > own_ms ? limit_ms : own_ms, 0);
}

/* The step under way has ended with the outcome that lies in its place. */
static void end_step(struct run *run)
{
    const struct outcome *outcome = &run->outcomes[run->stretch.at];
    const struct step *step = step_under_way(run);

    timer_stop(run->patience);
    if (outcome->result != OUTCOME_DONE && outcome->result != OUTCOME_SKIPPED)
        run->is_failed = true;
    log_debug("%s: %s%s", step->what, enum_name(outcome_result_names, outcome->result),
              step->changes ? "" : " (a question)");
    if (step->changes && step->reader && outcome->result == OUTCOME_DONE && --run->runner->options.kill_after == 0) {
        log_warn("killed after \"%s\"", step->what);
        raise(SIGKILL);
    }
    run->stretch.at++;
}

static void fail_step(struct run *run, enum outcome_result result, int error, const char *complaint)
{
    struct outcome *outcome = &run->outcomes[run->stretch.at];

    outcome->result = result;
    outcome->error = error;
    outcome->complaint = arena_strdup_null(&run->arena, complaint);
    end_step(run);
    run->stretch.end = run->stretch.at;
    stretch_give_turns_back(&run->stretch);
}

/* Turns. */

static bool must_wait(struct run *run)
{
    bool waits = run->stretch.waits;

    if (stretch_ask_turns(&run->runner->stretches, &run->stretch))
        return false;
    if (!waits)
        start_patience(run);
    return true;
}

static bool needs_worker(const struct run *run)
{
    return !run->worker && step_under_way(run)->kind != STEP_EXEC;
}

/* Who needs a worker, too, is in the queue and stays there until that is served. */
static void serve_turns(struct runner *runner)
{
    struct stretch *next;

    while ((next = stretches_serve_next(&runner->stretches))) {
        struct run *run = next->owner;

        timer_stop(run->patience);
        if (!needs_worker(run))
            advance(run);
    }
}

/* Tools. */

/*
 * What tools have made is worth nothing when nobody says afterwards that all stood still meanwhile. So for those before
 * end, up to the step that the worker did last.
 */
static void annul_tools(struct run *run, uint32_t end)
{
    for (uint32_t i = end; i-- > 0 && run->plan->steps.at[i].kind == STEP_EXEC;) {
        run->outcomes[i].is_late = run->is_late;
        if (run->outcomes[i].result != OUTCOME_DONE)
            continue;
        run->outcomes[i].result = OUTCOME_FAILED;
        run->outcomes[i].error = ETIMEDOUT;
        run->outcomes[i].complaint = arena_strdup(&run->arena, "What was to stand still meanwhile did not");
    }
}

/* result 0: it has begun. */
static void tell_worker(struct run *run, uint32_t result)
{
    struct tool_news news = { .pid = run->tool.child ? child_pid(run->tool.child) : 0, .result = result };
    struct buf out = { 0 };

    if (!run->worker)
        return;
    batch_encode(&tool_news_schema, &news, &out);
    worker_send(run->worker, &out);
}

static void end_tool(struct run *run)
{
    if (run->is_let_go)
        annul_tools(run, run->stretch.at + 1);
    end_step(run);
    if (run->is_let_go)
        run->stretch.end = run->stretch.at;
    run->is_let_go = false;
    tell_worker(run, run->outcomes[run->stretch.at - 1].result);
}

static void tool_ended(void *owner, int exit_code, int signal_number)
{
    struct run *run = owner;

    tool_read(&run->tool, step_under_way(run), exit_code, signal_number, &run->outcomes[run->stretch.at], &run->arena);
    end_tool(run);
    go_on(run);
}

static void exec_tool(struct run *run)
{
    const struct step *step = step_under_way(run);
    struct outcome *outcome = &run->outcomes[run->stretch.at];
    int error;

    log_debug("%s", step->what);
    error = tool_start(&run->tool, &run->runner->children, step, run->runner->options.inherit,
                       run->worker ? worker_child(run->worker) : NULL);
    if (error) {
        *outcome = (struct outcome){ .result = OUTCOME_FAILED, .error = -error };
        if (step->argv.count > 0)
            outcome->complaint = arena_strdup(&run->arena, step->argv.at[0]);
        end_tool(run);
        return;
    }
    tell_worker(run, 0);
    start_patience(run);
}

/* Workers. */

/* What a failure keeps from being run. Where a worker is at it, it answers for its own steps. */
static void skip(struct run *run)
{
    while (run->stretch.at < run->plan->steps.count && run->is_failed && !step_under_way(run)->always &&
           (!run->worker || step_under_way(run)->kind == STEP_EXEC))
        run->outcomes[run->stretch.at++].result = OUTCOME_SKIPPED;
}

static bool take_answer(void *user, const char *body, size_t length)
{
    struct run *run = user;
    struct field_error error;

    if (run->tool.child || run->stretch.at >= run->stretch.end || step_under_way(run)->kind == STEP_EXEC ||
        field_decode_text(&outcome_schema, &run->outcomes[run->stretch.at], body, length, &run->arena, &error) < 0)
        return false;
    end_step(run);
    skip(run);
    if (run->stretch.at >= run->stretch.end) { /* what a failure skips may go on behind it */
        worker_release(run->worker);
        run->worker = NULL;
    } else if (step_under_way(run)->kind != STEP_EXEC) {
        start_patience(run);
    }
    return true;
}

static void answered(void *user)
{
    struct run *run = user;

    if (!run->worker || step_under_way(run)->kind == STEP_EXEC)
        go_on(run);
}

static void forget_rescue(void *owner, const struct outcome *outcomes, size_t count)
{
    (void)owner;
    (void)outcomes;
    (void)count;
}

static const struct run_events rescue_events = { .done = forget_rescue };

/* What must always be run is run at once, before all that waits for a worker, as a plan that nobody else knows. */
static void rescue(const struct run *run)
{
    struct runner *runner = run->runner;
    struct plan plan = { 0 };
    struct run *new;

    for (uint32_t i = run->stretch.at; i < run->stretch.end; i++) {
        const struct step *step = &run->plan->steps.at[i];

        if (step->always && step->kind != STEP_EXEC)
            field_copy(&step_schema, LIST_ADD(&plan.steps, &plan.arena), step, &plan.arena);
    }
    if (plan.steps.count == 0)
        return;
    new = run_new(runner, &plan, &rescue_events, NULL);
    new->own_plan = plan;
    new->plan = new->stretch.plan = &new->own_plan;
    stretch_begin(&new->stretch, false);
    new->next_waiting = runner->first_waiting;
    runner->first_waiting = new;
}

static void worker_lost(void *user, int exit_code, const char *why)
{
    struct run *run = user;

    run->worker = NULL;
    run->is_late = exit_code == WORKER_LET_GO;
    if (run->tool.child) {
        run->is_let_go = true; /* what must always be run is run again when it has ended */
        if (!run->is_late)
            rescue(run);
        serve(run->runner);
        return;
    }
    log_warn("a worker ended during \"%s\"", step_under_way(run)->what);
    annul_tools(run, run->stretch.at);
    run->outcomes[run->stretch.at].is_late = run->is_late;
    if (run->is_late)
        fail_step(run, OUTCOME_FAILED, ETIMEDOUT, "What stands still meanwhile was let go");
    else
        fail_step(run, OUTCOME_LOST, 0, why);
    go_on(run);
}

static const struct worker_events worker_events = { .on_answer = take_answer,
                                                    .on_answered = answered,
                                                    .on_lost = worker_lost };

/* 0, or an errno: then nothing was sent. */
static int send_batch(struct run *run, struct worker *worker)
{
    struct buf out = { 0 };
    int error = batch_encode_steps(&run->plan->steps.at[run->stretch.at], run->stretch.end - run->stretch.at,
                                   run->runner->key, &out);

    if (error)
        return error;
    run->worker = worker;
    worker_send(worker, &out);
    start_patience(run);
    return 0;
}

/* False: it could not be begun, and goes on with what is always run. */
static bool begin_batch(struct run *run)
{
    int error;
    struct worker *worker = workers_lend(&run->runner->workers, run, &error);

    if (!worker) {
        fail_step(run, OUTCOME_FAILED, -error, "its worker process could not be started");
        return false;
    }
    error = send_batch(run, worker);
    if (!error)
        return true;
    worker_release(worker);
    fail_step(run, OUTCOME_FAILED, error, NULL);
    return false;
}

/* Nobody begins before the worker is there. */
static bool withdraw(struct run *run)
{
    if (!run->stretch.waits && !run->stretch.has_turns)
        return false;
    timer_stop(run->patience);
    stretch_withdraw(&run->stretch);
    return true;
}

/*
 * True: turns were given back, which others may have. For the first run that waits for turns one worker is kept: who
 * needs both would else be overtaken by those who need one of them, again and again.
 */
static bool serve_queue(struct runner *runner)
{
    bool gave_back = false;
    int kept = 0;

    for (struct run **link = &runner->first_waiting; *link;) {
        struct run *run = *link;

        if (workers_free(&runner->workers) <= kept) {
            gave_back = withdraw(run) || gave_back;
            link = &run->next_waiting;
        } else if (must_wait(run)) {
            kept = 1;
            link = &run->next_waiting;
        } else {
            *link = run->next_waiting;
            if (begin_batch(run))
                continue;
            gave_back = true;
            advance(run);
        }
    }
    return gave_back;
}

static void serve(struct runner *runner)
{
    do
        serve_turns(runner);
    while (serve_queue(runner));
}

static void ask_for_worker(struct run *run)
{
    struct run **link = &run->runner->first_waiting;

    while (*link)
        link = &(*link)->next_waiting;
    run->next_waiting = NULL;
    *link = run;
}

/* Goes on until something is under way, or the plan is through: then run is freed. */
static void advance(struct run *run)
{
    for (skip(run); run->stretch.at < run->plan->steps.count; skip(run)) {
        if (run->stretch.at >= run->stretch.end) {
            /* what is run after a failure is single: workers do not know of it */
            stretch_begin(&run->stretch, run->is_failed || run->runner->options.kill_after > 0);
        }
        if (needs_worker(run)) {
            ask_for_worker(run);
            return;
        }
        if (must_wait(run))
            return;
        if (step_under_way(run)->kind == STEP_EXEC) {
            exec_tool(run);
            if (run->tool.child)
                return;
            continue;
        }
        start_patience(run);
        return;
    }
    run->events->done(run->owner, run->outcomes, run->plan->steps.count);
    run_free(run);
}

static void go_on(struct run *run)
{
    struct runner *runner = run->runner;

    advance(run);
    serve(runner);
}

static void leave_alone(struct run *run)
{
    int64_t since_ms = loop_now_ms(run->runner->loop) - run->step_started_ms;
    const struct step *step = step_under_way(run);

    if (run->worker)
        worker_set_hanging(run->worker, true);
    log_warn("\"%s\" has not ended after %lld ms; process %d is left alone", step->what, (long long)since_ms,
             child_pid(run->tool.child ? run->tool.child : worker_child(run->worker)));
    if (run->events->hangs)
        run->events->hangs(run->owner, step, NULL, since_ms);
    if (!run->tool.child)
        stretch_give_turns_back(&run->stretch); /* they are asked for again before the tool */
    serve(run->runner);
}

static void give_up(struct run *run)
{
    log_warn("\"%s\" has not ended after %lld ms and is killed", step_under_way(run)->what,
             (long long)(loop_now_ms(run->runner->loop) - run->step_started_ms));
    if (run->tool.child) {
        tool_give_up(&run->tool);
        run->outcomes[run->stretch.at] = (struct outcome){ .result = OUTCOME_TIMEOUT, .error = ETIMEDOUT };
        end_tool(run);
    } else {
        worker_kill(run->worker);
        run->worker = NULL;
        fail_step(run, OUTCOME_TIMEOUT, ETIMEDOUT, NULL);
    }
    go_on(run);
}

/* First the start of the run, which must not happen inside run_plan; later the patience with its steps. */
static void timer_fired(void *owner)
{
    struct run *run = owner;

    if (run->stretch.waits) {
        const struct stretch *before = stretch_find_before(&run->runner->stretches, &run->stretch);

        if (run->events->hangs && before)
            run->events->hangs(run->owner, step_under_way(run), &before->plan->steps.at[before->at],
                               loop_now_ms(run->runner->loop) - run->step_started_ms);
    } else if (!run->tool.child && !run->worker) {
        go_on(run);
    } else if (step_under_way(run)->changes) {
        leave_alone(run);
    } else {
        give_up(run);
    }
}

void run_plan(struct runner *runner, const struct plan *plan, const struct run_events *events, void *owner)
{
    assert(plan->steps.count > 0);
    timer_start(run_new(runner, plan, events, owner)->patience, 0, 0);
}

struct runner *runner_new(struct loop *loop, const struct run_options *options)
{
    struct runner *runner = memory_alloc(sizeof(*runner));
    struct run_options *own = &runner->options;

    /* What this process inherited is no concern of its children; what it opens itself closes on exec anyway. */
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    runner->loop = loop;
    runner->children.loop = loop;
    *own = *options;
    own->program = own->program ? own->program : "/proc/self/exe";
    own->workers = own->workers ? own->workers : WORKERS;
    own->output_limit = own->output_limit ? own->output_limit : OUTPUT_LIMIT;
    own->quick_ms = own->quick_ms ? own->quick_ms : 10000;
    own->patient_ms = own->patient_ms ? own->patient_ms : 60000;
    own->very_patient_ms = own->very_patient_ms ? own->very_patient_ms : 30 * 60000;
    runner->workers = (struct workers){
        .loop = loop,
        .children = &runner->children,
        .events = &worker_events,
        .program = own->program,
        .notes = own->notes,
        .inherit = own->inherit,
        .limit = own->workers,
    };
    workers_init(&runner->workers);
    return runner;
}

void runner_set_key(struct runner *runner, struct secret *key)
{
    runner->key = key;
}

void runner_free(struct runner *runner)
{
    while (runner->runs)
        run_free(runner->runs);
    workers_done(&runner->workers);
    children_done(&runner->children);
    free(runner);
}
