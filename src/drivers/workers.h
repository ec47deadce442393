/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The runner's side of its worker processes: they are started when nobody is idle, lent to one user at a time, and sent
 * home when there is nothing to do for a while. What they are told and answer is the user's matter: frames of batch.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/memory.h"
#include "drivers/child.h"

struct worker;

struct worker_events {
    bool (*on_answer)(void *user, const char *body, size_t length); /* false: it cannot be understood */
    void (*on_answered)(void *user); /* after all answers that came together; not when the worker was lost */
    /* It is gone, or of no more use, and nobody's any more. exit_code: see worker_main; -1: it did not end by itself.
     */
    void (*on_lost)(void *user, int exit_code, const char *why);
};

struct workers {
    struct loop *loop;
    struct children *children;
    const struct worker_events *events;
    const char *program, *notes;
    int inherit, limit; /* of those that are busy and do not hang */
    struct worker *first;
    struct timer *idle;
};

void workers_init(struct workers *workers); /* the members above it are set, the last two zero */
void workers_done(struct workers *workers); /* what a worker has begun it ends */

/* How many could be lent. */
int workers_free(const struct workers *workers);
/* NULL and *error 0: none is free; else *error is -errno. */
struct worker *workers_lend(struct workers *workers, void *user, int *error) MUST_CHECK;
void worker_send(struct worker *worker, struct buf *take); /* the buf is empty afterwards */
void worker_release(struct worker *worker);
/* It is killed, and nobody hears of it any more. */
void worker_kill(struct worker *worker);
/* It does not count against the limit until it answers: another one may be started for the others. */
void worker_set_hanging(struct worker *worker, bool hangs);
struct child *worker_child(struct worker *worker);
