/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Child processes with pipes: the only fork and exec of the satellite, used by run.c alone. (Workers have one more: the
 * tool that runs while they hold something still, see call_zvol.c.) A child leads its own process group, has no
 * descriptors but the ones given, and a clean environment in the C locale.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/loop.h"

struct child;

/* All children that have not ended, those that nobody listens to included. */
struct children {
    struct loop *loop;
    struct child *first;
    int count;
};

struct child_events {
    void (*on_output)(void *owner, bool is_error, const char *bytes, size_t length);
    /* It is gone and its output was read; the child is freed when this returns. signal is 0 when it exited by itself.
     */
    void (*on_end)(void *owner, int exit_code, int signal);
};

struct child_options {
    char **argv;         /* ends with NULL */
    const char *program; /* NULL: argv[0], looked up in the path */
    bool keep_error;     /* standard error is ours, not a pipe */
    int inherit;         /* a descriptor that the child has as number 3; 0: none */
    /* Another child, whose standard input does not end before this one has ended or closed what it does not know, even
     * when this process is gone; NULL: none. */
    struct child *holds;
};

/* NULL and *error = -errno when it could not be started. */
struct child *child_new(struct children *children, const struct child_options *options,
                        const struct child_events *events, void *owner, int *error);
void child_write(struct child *child, struct buf *take); /* to its standard input; the buf is empty afterwards */
void child_close_input(struct child *child);             /* after what was written */
void child_kill(struct child *child);                    /* SIGKILL to its process group */
/* Nobody wants to hear of it any more: its input ends, its memory goes when it has ended. NULL is fine. */
void child_abandon(struct child *child);
int child_pid(const struct child *child);
/* The processes live on; they are not waited for, their input ends. */
void children_done(struct children *children);
