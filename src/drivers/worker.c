/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The worker: plain blocking C. It may hang in any system call of a step, and may be killed between any two. When the
 * satellite goes away, the step under way is finished and none is begun: before each step the worker looks whether
 * anybody is still there to hear of it.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "drivers/batch.h"
#include "drivers/call.h"
#include "drivers/run.h"

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

static bool run_batch(const struct batch *batch, struct loop_cursor *cursor, struct arena *arena)
{
    bool failed = false;
    struct buf out = { 0 };

    for (uint32_t i = 0; i < batch->steps.count; i++) {
        const struct step *step = &batch->steps.at[i];
        struct outcome outcome = { 0 };

        if (!satellite_is_there())
            break;
        if (failed && !step->always)
            outcome.result = OUTCOME_SKIPPED;
        else
            call_run(step, &outcome, cursor, arena);
        failed = failed || outcome.result == OUTCOME_FAILED;
        buf_clear(&out);
        batch_encode(&outcome_schema, &outcome, &out);
        if (!write_all(STDOUT_FILENO, &out))
            break;
    }
    buf_done(&out);
    return satellite_is_there();
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

/* False when what came is no batch. */
static bool run_frames(struct buf *in, struct loop_cursor *cursor, struct arena *arena)
{
    const char *body;
    size_t length;
    int state;

    while ((state = batch_peek(in, &body, &length)) > 0) {
        struct batch batch = { 0 };
        struct field_error error;
        bool is_secret;

        /* No tree is made of it: what carries keys must leave no copies. */
        if (field_scan_text(&batch_schema, &batch, body, length, arena, &error) < 0) {
            fprintf(stderr, "worker: %s\n", error.message);
            return false;
        }
        batch_drop(in);
        is_secret = has_keys(&batch);
        if (is_secret) {
            buf_wipe(in); /* nothing stands behind it: the next batch comes when this one was answered */
            protect_memory();
        }
        if (!run_batch(&batch, cursor, arena))
            return false;
        if (is_secret)
            arena_wipe(arena);
        else
            arena_reset(arena);
    }
    return state == 0;
}

int worker_main(void)
{
    struct arena arena = { 0 };
    struct loop_cursor cursor = { 0 };
    struct buf in = { 0 };
    ssize_t n;

    /* A terminal's ^C and a stop of the whole unit are for the satellite: a step that was begun is ended. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_NAME, "linstor-worker");
    do {
        buf_reserve(&in, in.length == 0 ? 4 * 65536 : 65536); /* so that a small batch is never moved */
        n = read(STDIN_FILENO, in.data + in.length, 65536);
        if (n > 0)
            in.length += (size_t)n;
    } while ((n < 0 && errno == EINTR) || (n > 0 && run_frames(&in, &cursor, &arena)));
    buf_done(&in);
    arena_done(&arena);
    return 0;
}
