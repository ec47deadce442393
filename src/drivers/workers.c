/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers/workers.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "drivers/batch.h"

LOG_DOMAIN("run");

enum {
    CHILDREN_LIMIT = 256, /* all together, those that hang included */
    IDLE_MS = 30000,
};

struct worker {
    struct worker *next;
    struct workers *workers;
    struct child *child;
    void *user; /* NULL: idle */
    bool hangs;
    int64_t idle_since_ms;
    struct buf in;
};

static void worker_free(struct worker *worker)
{
    for (struct worker **link = &worker->workers->first; *link; link = &(*link)->next)
        if (*link == worker) {
            *link = worker->next;
            break;
        }
    buf_done(&worker->in);
    free(worker);
}

void worker_release(struct worker *worker)
{
    worker->user = NULL;
    worker->hangs = false;
    worker->idle_since_ms = loop_now_ms(worker->workers->loop);
}

/* Whatever it says now is not heard. */
static void dismiss(struct worker *worker)
{
    child_abandon(worker->child);
    worker_free(worker);
}

static void lose(struct worker *worker, int exit_code, const char *why)
{
    const struct worker_events *events = worker->workers->events;
    void *user = worker->user;

    worker_free(worker);
    if (user)
        events->on_lost(user, exit_code, why);
}

static void output(void *owner, bool is_error, const char *bytes, size_t length)
{
    struct worker *worker = owner;
    const struct worker_events *events = worker->workers->events;
    void *user = worker->user;
    const char *body;
    size_t size;
    int state;

    (void)is_error;
    buf_add(&worker->in, bytes, length);
    while ((state = batch_peek(&worker->in, &body, &size)) > 0) {
        if (!worker->user || !events->on_answer(worker->user, body, size)) {
            state = -EPROTO;
            break;
        }
        worker->hangs = false;
        batch_drop(&worker->in);
    }
    if (state < 0) {
        log_error("a worker answered what cannot be understood; it is dismissed");
        child_abandon(worker->child);
        lose(worker, -1, "its worker answered what cannot be understood");
    } else if (user) {
        events->on_answered(user);
    }
}

static void ended(void *owner, int exit_code, int signal_number)
{
    if (signal_number)
        log_warn("a worker was ended by signal %d", signal_number);
    lose(owner, signal_number ? -1 : exit_code, "its worker process died");
}

static const struct child_events child_events = { .on_output = output, .on_end = ended };

static struct worker *start(struct workers *workers, int *error)
{
    CLEANUP(memory_freep) char *notes = workers->notes ? memory_strdup(workers->notes) : NULL;
    char *argv[] = { (char[]){ "linstor" }, (char[]){ "worker" }, notes, NULL };
    struct child_options options = {
        .argv = argv,
        .program = workers->program,
        .keep_error = true,
        .inherit = workers->inherit,
    };
    struct worker *worker = memory_alloc(sizeof(*worker));

    worker->workers = workers;
    worker->child = child_new(workers->children, &options, &child_events, worker, error);
    if (!worker->child) {
        free(worker);
        return NULL;
    }
    worker->next = workers->first;
    workers->first = worker;
    return worker;
}

static struct worker *find_idle(const struct workers *workers)
{
    struct worker *worker = workers->first;

    while (worker && worker->user)
        worker = worker->next;
    return worker;
}

/* How many more may be started. */
static int startable(const struct workers *workers)
{
    int count = 0, more;

    for (const struct worker *worker = workers->first; worker; worker = worker->next)
        count += !worker->hangs;
    more = workers->limit - count;
    if (more > CHILDREN_LIMIT - workers->children->count)
        more = CHILDREN_LIMIT - workers->children->count;
    return more > 0 ? more : 0;
}

int workers_free(const struct workers *workers)
{
    int count = startable(workers);

    for (const struct worker *worker = workers->first; worker; worker = worker->next)
        count += !worker->user;
    return count;
}

static struct worker *find(struct workers *workers, int *error)
{
    struct worker *idle = find_idle(workers);

    *error = 0;
    if (idle)
        return idle;
    return startable(workers) > 0 ? start(workers, error) : NULL;
}

struct worker *workers_lend(struct workers *workers, void *user, int *error)
{
    struct worker *worker = find(workers, error);

    if (worker)
        worker->user = user;
    return worker;
}

void worker_send(struct worker *worker, struct buf *take)
{
    child_write(worker->child, take);
}

void worker_kill(struct worker *worker)
{
    child_kill(worker->child);
    dismiss(worker);
}

void worker_set_hanging(struct worker *worker, bool hangs)
{
    worker->hangs = hangs;
}

struct child *worker_child(struct worker *worker)
{
    return worker->child;
}

static void send_idle_home(void *owner)
{
    struct workers *workers = owner;
    int64_t now_ms = loop_now_ms(workers->loop);
    bool kept = false;

    for (struct worker *worker = workers->first, *next; worker; worker = next) {
        next = worker->next;
        if (worker->user)
            continue;
        if (kept && now_ms - worker->idle_since_ms >= IDLE_MS)
            dismiss(worker);
        kept = true;
    }
}

void workers_init(struct workers *workers)
{
    workers->idle = timer_new(workers->loop, send_idle_home, workers);
    timer_start(workers->idle, IDLE_MS, IDLE_MS);
}

void workers_done(struct workers *workers)
{
    while (workers->first)
        worker_free(workers->first);
    timer_free(workers->idle);
}
