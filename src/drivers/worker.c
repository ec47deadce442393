/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The worker: plain blocking C. It may hang in any system call of a step, and may be killed between any two. When the
 * satellite goes away, the step under way is finished and none is begun but those that must always be run: before each
 * step the worker looks whether anybody is still there to hear of it.
 *
 * While a tool of the batch runs, elsewhere, the worker holds still what its steps have stopped. When the satellite
 * goes away meanwhile, it waits for the tool's process itself: what the tool still makes is made while nothing moves.
 * The other end of its input, which the tool has, too, bridges the moment until it was told which process that is; but
 * many tools close what they do not know. Longer than hold_ms it waits for nobody.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "drivers/batch.h"
#include "drivers/call.h"
#include "drivers/held.h"
#include "drivers/patience.h"
#include "drivers/run.h"

enum { INPUT_SIZE = 65536 };

/* What this process works with; of everything there is one. */
struct worker {
    const char *notes; /* directory of what is held still; NULL: nothing is noted */
    struct buf in;
    struct arena arena;
    struct loop_cursor cursor;
};

/* How far a batch is. was_noted, is_over: of each of its steps, see held.h. */
struct progress {
    bool *was_noted, *is_over;
    bool has_failed;
    bool is_alone;    /* nobody waits for answers any more */
    int64_t until_ms; /* something stands still until then; 0: nothing does */
};

static bool write_all(int descriptor, const struct buf *bytes)
{
    for (size_t done = 0; done < bytes->length;) {
        ssize_t n = write(descriptor, bytes->data + done, bytes->length - done);

        if (n < 0 && errno != EINTR)
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

static bool satellite_is_there(void)
{
    struct pollfd output = { .fd = STDOUT_FILENO };

    return poll(&output, 1, 0) <= 0 || !(output.revents & (POLLERR | POLLHUP));
}

/* False at the end of the input. */
static bool read_more(struct buf *in)
{
    ssize_t n;

    buf_reserve(in, in->length == 0 ? 4 * INPUT_SIZE : INPUT_SIZE); /* so that a small batch is never moved */
    do
        n = read(STDIN_FILENO, in->data + in->length, INPUT_SIZE);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        in->length += (size_t)n;
    return n > 0;
}

static bool is_late(const struct progress *progress)
{
    return progress->until_ms > 0 && patience_now_ms() >= progress->until_ms;
}

/* Whether there is something to read, or a process is gone; not when the time is over. */
static bool await_input(const struct progress *progress, int descriptor)
{
    struct pollfd input = { .fd = descriptor, .events = POLLIN };

    while (!is_late(progress)) {
        int64_t left_ms = progress->until_ms > 0 ? progress->until_ms - patience_now_ms() : -1;

        if (poll(&input, 1, (int)left_ms) > 0)
            return true;
    }
    return false;
}

/* Less than 0 when it is gone already, or the kernel (before 5.3) or its guardians do not permit it. */
static int open_process(int32_t pid)
{
    return pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
}

/* Up to what came of it. False: nobody told. */
static bool read_news(struct worker *worker, const struct progress *progress, struct tool_news *news, int *process)
{
    struct field_error error;
    const char *body;
    size_t length;
    int state;

    while (news->result == 0) {
        while ((state = batch_peek(&worker->in, &body, &length)) == 0)
            if (!await_input(progress, STDIN_FILENO) || !read_more(&worker->in))
                return false;
        if (state < 0 || field_decode_text(&tool_news_schema, news, body, length, &worker->arena, &error) < 0)
            return false;
        batch_drop(&worker->in);
        if (news->result == 0 && *process < 0)
            *process = open_process(news->pid);
    }
    return true;
}

/* How the tool ended. False: nobody told, but it has, or the time is over. */
static bool await_tool(struct worker *worker, const struct progress *progress, uint32_t *result)
{
    struct tool_news news = { 0 };
    int process = -1;
    bool is_told = read_news(worker, progress, &news, &process);

    if (!is_told && process >= 0)
        (void)await_input(progress, process);
    if (process >= 0)
        close(process);
    *result = news.result;
    return is_told;
}

static void take_result(struct progress *progress, uint32_t result)
{
    progress->has_failed = progress->has_failed || (result != OUTCOME_DONE && result != OUTCOME_SKIPPED);
}

static void let_go(struct progress *progress, const struct step *step)
{
    if (!progress->is_alone && is_late(progress))
        fprintf(stderr, "worker: \"%s\" has not ended in time; what stands still goes on\n", step->what);
    progress->has_failed = progress->is_alone = true;
    progress->until_ms = 0;
}

static void answer(struct progress *progress, const struct outcome *outcome)
{
    struct buf out = { 0 };

    batch_encode(&outcome_schema, outcome, &out);
    if (!write_all(STDOUT_FILENO, &out))
        progress->has_failed = progress->is_alone = true;
    buf_done(&out);
}

static void run_step(struct worker *worker, const struct batch *batch, uint32_t at, struct progress *progress)
{
    const struct step *step = &batch->steps.at[at];
    struct outcome outcome = { 0 };

    if (is_late(progress) || !satellite_is_there())
        let_go(progress, step);
    if (step->hold_ms > 0 && progress->until_ms == 0 && !progress->has_failed)
        progress->until_ms = patience_now_ms() + step->hold_ms;
    if (progress->has_failed && !step->always)
        outcome.result = OUTCOME_SKIPPED;
    else if (step->kind != STEP_EXEC)
        call_run(step, &outcome, &worker->cursor, &worker->arena);
    else if (progress->is_alone || !await_tool(worker, progress, &outcome.result))
        let_go(progress, step);
    take_result(progress, outcome.result ? outcome.result : OUTCOME_FAILED);
    progress->is_over[at] = held_is_over(step, &outcome, progress->was_noted[at]);
    if (step->kind != STEP_EXEC && !progress->is_alone)
        answer(progress, &outcome);
}

/* False: nobody waits for the answers. */
static bool run_batch(struct worker *worker, const struct batch *batch)
{
    struct progress progress = {
        .was_noted = arena_alloc(&worker->arena, batch->steps.count * sizeof(bool)),
        .is_over = arena_alloc(&worker->arena, batch->steps.count * sizeof(bool)),
    };

    held_note(worker->notes, batch->steps.at, batch->steps.count, progress.was_noted);
    for (uint32_t i = 0; i < batch->steps.count; i++)
        run_step(worker, batch, i, &progress);
    for (uint32_t i = 0; i < batch->steps.count; i++)
        if (progress.is_over[i])
            held_forget(worker->notes, &batch->steps.at[i]);
    return !progress.is_alone;
}

static bool has_keys(const struct batch *batch)
{
    for (uint32_t i = 0; i < batch->steps.count; i++)
        if (batch->steps.at[i].keys.count > 0)
            return true;
    return false;
}

/* Nothing that this process has now is swapped or dumped; the library looks after what it will take itself. Where
 * locking is not allowed it goes on. */
static void protect_memory(void)
{
    static const struct rlimit none;

    (void)mlockall(MCL_CURRENT | MCL_ONFAULT);
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0);
}

/* 0, or the exit code. */
static int run_frames(struct worker *worker)
{
    const char *body;
    size_t length;
    int state;

    while ((state = batch_peek(&worker->in, &body, &length)) > 0) {
        struct batch batch = { 0 };
        struct field_error error;
        bool is_secret;

        /* No tree is made of it: what carries keys must leave no copies. */
        if (field_scan_text(&batch_schema, &batch, body, length, &worker->arena, &error) < 0) {
            fprintf(stderr, "worker: %s\n", error.message);
            return 1;
        }
        batch_drop(&worker->in);
        is_secret = has_keys(&batch);
        if (is_secret) {
            buf_wipe(&worker->in); /* nothing stands behind it: the next batch comes when this one was answered */
            protect_memory();
        }
        if (!run_batch(worker, &batch))
            return WORKER_LET_GO;
        if (is_secret)
            arena_wipe(&worker->arena);
        else
            arena_reset(&worker->arena);
    }
    return state < 0 ? 1 : 0;
}

int worker_main(const char *notes)
{
    struct worker worker = { .notes = notes };
    int code = 0;

    /* A terminal's ^C and a stop of the whole unit are for the satellite: a step that was begun is ended. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_NAME, "linstor-worker");
    while (code == 0 && read_more(&worker.in))
        code = run_frames(&worker);
    buf_done(&worker.in);
    arena_done(&worker.arena);
    return code;
}
