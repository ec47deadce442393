/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A run walks its plan: an EXEC step becomes a child; the longest stretch of other steps becomes one batch for a
 * worker, which answers step by step. Runs that find no worker free wait in a queue, first come first served.
 *
 * A worker that does not answer in time is killed if its step only asks. If its step changes the machine, it is
 * reported and left alone; it no longer counts against the limit, so that a device that hangs costs its own resource
 * and no other. Workers that have nothing to do for a while are sent home, but for one.
 */
#include "drivers/run.h"

#include <assert.h>
#include <errno.h>
#include <linux/close_range.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "drivers/batch.h"
#include "drivers/child.h"

LOG_DOMAIN("run");

enum {
    WORKERS = 4,
    CHILDREN_LIMIT = 256, /* all together, those that hang included */
    OUTPUT_LIMIT = 16 * 1024 * 1024,
    COMPLAINT_LIMIT = 64 * 1024,
    IDLE_MS = 30000,
};

struct worker {
    struct worker *next;
    struct runner *runner;
    struct child *child;
    struct run *run; /* NULL: idle */
    bool hangs;
    int64_t idle_since_ms;
    struct buf in;
};

struct run {
    struct run *next; /* of all runs */
    struct run *next_waiting;
    struct runner *runner;
    const struct plan *plan;
    const struct run_events *events;
    void *owner;
    struct arena arena;
    struct outcome *outcomes;
    uint32_t at, batch_end; /* the step under way; the first that is not in the worker's batch */
    bool is_failed;
    int64_t step_started_ms;
    struct timer *patience;
    struct worker *worker;
    struct child *tool;
    int64_t turn_number; /* 0: it does not wait for the turn of its step; else in which order it came */
    struct buf output, complaint;
    bool truncated;
};

struct runner {
    struct loop *loop;
    struct run_options options;
    struct children children;
    struct worker *workers;
    struct run *runs, *first_waiting, *last_waiting;
    struct timer *idle;
    int64_t last_turn_number;
    struct secret *key; /* the satellite's */
};

static void advance(struct run *run);
static void go_on(struct run *run);
static void serve_turns(struct runner *runner);
static void serve_queue(struct runner *runner);

static const struct step *step_under_way(const struct run *run)
{
    return &run->plan->steps.at[run->at];
}

static void run_free(struct run *run)
{
    for (struct run **link = &run->runner->runs; *link; link = &(*link)->next)
        if (*link == run) {
            *link = run->next;
            break;
        }
    timer_free(run->patience);
    buf_done(&run->output);
    buf_done(&run->complaint);
    arena_done(&run->arena);
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
    const struct outcome *outcome = &run->outcomes[run->at];

    timer_stop(run->patience);
    if (outcome->result != OUTCOME_DONE && outcome->result != OUTCOME_SKIPPED)
        run->is_failed = true;
    log_debug("%s: %s", step_under_way(run)->what, enum_name(outcome_result_names, outcome->result));
    run->at++;
}

static void fail_step(struct run *run, enum outcome_result result, int error, const char *complaint)
{
    struct outcome *outcome = &run->outcomes[run->at];

    outcome->result = result;
    outcome->error = error;
    outcome->complaint = arena_strdup_null(&run->arena, complaint);
    end_step(run);
}

/* Turns: a tool that takes a lock of its own would only wait there, and be one more process. */

static const struct run *run_before(const struct run *run, const char *turn)
{
    for (const struct run *other = run->runner->runs; other; other = other->next)
        if (other != run && other->tool && step_under_way(other)->turn &&
            strcmp(step_under_way(other)->turn, turn) == 0)
            return other;
    return NULL;
}

static bool must_wait(struct run *run)
{
    const char *turn = step_under_way(run)->turn;
    const struct run *before = turn ? run_before(run, turn) : NULL;

    if (before && run->turn_number == 0) {
        run->turn_number = ++run->runner->last_turn_number;
        start_patience(run);
    }
    return before != NULL;
}

static struct run *next_in_turn(struct runner *runner)
{
    struct run *first = NULL;

    for (struct run *run = runner->runs; run; run = run->next)
        if (run->turn_number > 0 && (!first || run->turn_number < first->turn_number) &&
            !run_before(run, step_under_way(run)->turn))
            first = run;
    return first;
}

static void serve_turns(struct runner *runner)
{
    struct run *run;

    while ((run = next_in_turn(runner))) {
        run->turn_number = 0;
        timer_stop(run->patience);
        advance(run);
    }
}

/* Tools. */

static void keep(struct run *run, struct buf *kept, size_t limit, const char *bytes, size_t length)
{
    size_t room = limit - kept->length;

    if (length > room) {
        length = room;
        run->truncated = true;
    }
    buf_add(kept, bytes, length);
}

static void tool_output(void *owner, bool is_error, const char *bytes, size_t length)
{
    struct run *run = owner;

    if (is_error)
        keep(run, &run->complaint, COMPLAINT_LIMIT, bytes, length);
    else
        keep(run, &run->output, run->runner->options.output_limit, bytes, length);
}

static void tool_end(void *owner, int exit_code, int signal_number)
{
    struct run *run = owner;
    const struct step *step = step_under_way(run);
    struct outcome *outcome = &run->outcomes[run->at];

    run->tool = NULL;
    outcome->exit_code = signal_number ? 128 + signal_number : exit_code;
    outcome->output = arena_strdup(&run->arena, buf_text(&run->output));
    outcome->complaint = arena_strdup(&run->arena, buf_text(&run->complaint));
    outcome->truncated = run->truncated;
    outcome->result = OUTCOME_FAILED;
    if (outcome->exit_code < 63 && (step->accept >> outcome->exit_code & 1))
        outcome->result = OUTCOME_DONE;
    /* Half a list is worse than none. */
    if (outcome->truncated && !step->changes) {
        outcome->result = OUTCOME_FAILED;
        outcome->error = EFBIG;
    }
    end_step(run);
    go_on(run);
}

static const struct child_events tool_events = { .on_output = tool_output, .on_end = tool_end };

static void exec_tool(struct run *run)
{
    const struct step *step = step_under_way(run);
    char **argv = arena_alloc(&run->arena, (step->argv.count + 1) * sizeof(*argv));
    struct child_options options = { .argv = argv, .inherit = run->runner->options.inherit };
    struct buf input = { 0 };
    int error = -EINVAL;

    if (step->argv.count > 0) {
        memcpy(argv, step->argv.at, step->argv.count * sizeof(*argv));
        buf_clear(&run->output);
        buf_clear(&run->complaint);
        run->truncated = false;
        log_debug("%s", step->what);
        run->tool = child_new(&run->runner->children, &options, &tool_events, run, &error);
    }
    if (!run->tool) {
        fail_step(run, OUTCOME_FAILED, -error, step->argv.count > 0 ? step->argv.at[0] : NULL);
        return;
    }
    if (step->input && step->input[0]) {
        buf_add_text(&input, step->input);
        child_write(run->tool, &input);
    }
    child_close_input(run->tool);
    start_patience(run);
}

/* Workers. */

static void worker_free(struct worker *worker)
{
    for (struct worker **link = &worker->runner->workers; *link; link = &(*link)->next)
        if (*link == worker) {
            *link = worker->next;
            break;
        }
    buf_done(&worker->in);
    free(worker);
}

static void release_worker(struct worker *worker)
{
    worker->run->worker = NULL;
    worker->run = NULL;
    worker->hangs = false;
    worker->idle_since_ms = loop_now_ms(worker->runner->loop);
}

/* The worker is of no more use: whatever it says now is not heard. */
static void dismiss_worker(struct worker *worker)
{
    child_abandon(worker->child);
    worker_free(worker);
}

static void worker_failed(struct worker *worker, const char *why)
{
    struct run *run = worker->run;
    struct runner *runner = worker->runner;

    if (run) {
        release_worker(worker);
        fail_step(run, OUTCOME_LOST, 0, why);
    }
    worker_free(worker);
    if (run)
        advance(run);
    serve_turns(runner);
    serve_queue(runner);
}

/* One answer; false when it makes no sense. */
static bool take_answer(struct worker *worker, const char *body, size_t length)
{
    struct run *run = worker->run;
    struct field_error error;

    if (!run || run->at >= run->batch_end ||
        field_decode_text(&outcome_schema, &run->outcomes[run->at], body, length, &run->arena, &error) < 0)
        return false;
    end_step(run);
    worker->hangs = false;
    if (run->at < run->batch_end) {
        start_patience(run);
        return true;
    }
    release_worker(worker);
    return true;
}

static void worker_output(void *owner, bool is_error, const char *bytes, size_t length)
{
    struct worker *worker = owner;
    struct run *run = worker->run;
    const char *body;
    size_t size;
    int state;

    (void)is_error;
    buf_add(&worker->in, bytes, length);
    while ((state = batch_peek(&worker->in, &body, &size)) > 0) {
        if (!take_answer(worker, body, size)) {
            state = -EPROTO;
            break;
        }
        batch_drop(&worker->in);
    }
    if (state < 0) {
        log_error("a worker answered what cannot be understood; it is dismissed");
        child_abandon(worker->child);
        worker_failed(worker, "its worker answered what cannot be understood");
        return;
    }
    if (run && !run->worker)
        go_on(run);
}

static void worker_end(void *owner, int exit_code, int signal_number)
{
    struct worker *worker = owner;

    if (worker->run)
        log_warn("worker ended with %s %d during \"%s\"", signal_number ? "signal" : "code",
                 signal_number ? signal_number : exit_code, step_under_way(worker->run)->what);
    worker_failed(worker, "its worker process died");
}

static const struct child_events worker_events = { .on_output = worker_output, .on_end = worker_end };

static struct worker *start_worker(struct runner *runner, int *error)
{
    char *argv[] = { (char[]){ "linstor" }, (char[]){ "worker" }, NULL };
    struct child_options options = {
        .argv = argv,
        .program = runner->options.program,
        .keep_error = true,
        .inherit = runner->options.inherit,
    };
    struct worker *worker = memory_alloc(sizeof(*worker));

    worker->runner = runner;
    worker->child = child_new(&runner->children, &options, &worker_events, worker, error);
    if (!worker->child) {
        free(worker);
        return NULL;
    }
    worker->next = runner->workers;
    runner->workers = worker;
    return worker;
}

/* NULL and *error 0: all are busy. */
static struct worker *find_worker(struct runner *runner, int *error)
{
    int busy = 0;

    *error = 0;
    for (struct worker *worker = runner->workers; worker; worker = worker->next) {
        if (!worker->run)
            return worker;
        busy += !worker->hangs;
    }
    if (busy >= runner->options.workers || runner->children.count >= CHILDREN_LIMIT)
        return NULL;
    return start_worker(runner, error);
}

/* 0, or an errno: then nothing was sent. */
static int send_batch(struct run *run, struct worker *worker)
{
    struct buf out = { 0 };
    int error = batch_encode_steps(&run->plan->steps.at[run->at], run->batch_end - run->at, run->runner->key, &out);

    if (error)
        return error;
    worker->run = run;
    run->worker = worker;
    child_write(worker->child, &out);
    start_patience(run);
    return 0;
}

static void serve_queue(struct runner *runner)
{
    while (runner->first_waiting) {
        struct run *run = runner->first_waiting;
        int error;
        struct worker *worker = find_worker(runner, &error);

        if (!worker && !error)
            return;
        runner->first_waiting = run->next_waiting;
        if (!runner->first_waiting)
            runner->last_waiting = NULL;
        if (worker) {
            error = send_batch(run, worker);
            if (!error)
                continue;
            fail_step(run, OUTCOME_FAILED, error, NULL);
        } else {
            fail_step(run, OUTCOME_FAILED, -error, "its worker process could not be started");
        }
        advance(run);
    }
}

static void ask_for_worker(struct run *run)
{
    struct runner *runner = run->runner;

    run->batch_end = run->at + 1;
    /* A step with keys is a batch of its own. */
    while (run->plan->steps.at[run->at].sealed.count == 0 && run->batch_end < run->plan->steps.count &&
           run->plan->steps.at[run->batch_end].kind != STEP_EXEC &&
           run->plan->steps.at[run->batch_end].sealed.count == 0 &&
           (!run->plan->steps.at[run->at].always || !run->is_failed))
        run->batch_end++;
    run->next_waiting = NULL;
    if (runner->last_waiting)
        runner->last_waiting->next_waiting = run;
    else
        runner->first_waiting = run;
    runner->last_waiting = run;
}

/* Goes on until something is under way, or the plan is through: then run is freed. */
static void advance(struct run *run)
{
    while (run->at < run->plan->steps.count) {
        const struct step *step = step_under_way(run);

        if (run->is_failed && !step->always) {
            run->outcomes[run->at].result = OUTCOME_SKIPPED;
            run->at++;
        } else if (step->kind == STEP_EXEC) {
            if (must_wait(run))
                return;
            exec_tool(run);
            if (run->tool)
                return;
        } else {
            ask_for_worker(run);
            return;
        }
    }
    run->events->done(run->owner, run->outcomes, run->plan->steps.count);
    run_free(run);
}

static void go_on(struct run *run)
{
    struct runner *runner = run->runner;

    advance(run);
    serve_turns(runner);
    serve_queue(runner);
}

/* First the start of the run, which must not happen inside run_plan; later the patience with its steps. */
static void timer_fired(void *owner)
{
    struct run *run = owner;
    const struct step *step;

    if (run->turn_number > 0) {
        step = step_under_way(run);
        if (run->events->hangs)
            run->events->hangs(run->owner, step, step_under_way(run_before(run, step->turn)),
                               loop_now_ms(run->runner->loop) - run->step_started_ms);
        return;
    }
    if (!run->tool && !run->worker) {
        go_on(run);
        return;
    }
    step = step_under_way(run);
    if (step->changes) {
        if (run->worker)
            run->worker->hangs = true;
        log_warn("\"%s\" has not ended after %lld ms; process %d is left alone", step->what,
                 (long long)(loop_now_ms(run->runner->loop) - run->step_started_ms),
                 child_pid(run->worker ? run->worker->child : run->tool));
        if (run->events->hangs)
            run->events->hangs(run->owner, step, NULL, loop_now_ms(run->runner->loop) - run->step_started_ms);
        serve_queue(run->runner);
        return;
    }
    log_warn("\"%s\" has not ended after %lld ms and is killed", step->what,
             (long long)(loop_now_ms(run->runner->loop) - run->step_started_ms));
    if (run->worker) {
        struct worker *worker = run->worker;

        child_kill(worker->child);
        release_worker(worker);
        dismiss_worker(worker);
    } else {
        child_kill(run->tool);
        child_abandon(run->tool);
        run->tool = NULL;
    }
    fail_step(run, OUTCOME_TIMEOUT, ETIMEDOUT, NULL);
    go_on(run);
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
    run->patience = timer_new(runner->loop, timer_fired, run);
    run->next = runner->runs;
    runner->runs = run;
    timer_start(run->patience, 0, 0);
}

static void send_idle_home(void *owner)
{
    struct runner *runner = owner;
    int64_t now_ms = loop_now_ms(runner->loop);
    bool kept = false;

    for (struct worker *worker = runner->workers, *next; worker; worker = next) {
        next = worker->next;
        if (worker->run)
            continue;
        if (kept && now_ms - worker->idle_since_ms >= IDLE_MS)
            dismiss_worker(worker);
        kept = true;
    }
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
    runner->idle = timer_new(loop, send_idle_home, runner);
    timer_start(runner->idle, IDLE_MS, IDLE_MS);
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
    while (runner->workers)
        worker_free(runner->workers);
    children_done(&runner->children);
    timer_free(runner->idle);
    free(runner);
}
