/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one runner of plans. It executes the steps of a plan one after another, never two of the same plan at once, and
 * stops at the first that fails, except for steps marked always: those of kernel interfaces are run even when this
 * process is gone. It knows nothing of volumes: what the steps mean is the planner's matter, what came of them the
 * reader's.
 *
 * run.c runs tools as child processes and everything else in worker processes (this same program in a hidden role), so
 * that no system call of a plan can stop the loop. tests/sim has another implementation, on a machine in memory.
 * Callbacks run on the loop, never from inside a function of this header.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "drivers/plan.h"

struct runner;

struct run_events {
    /* Every step has ended or been skipped; outcomes[i] is that of step i, and valid until this returns. Called once.
     */
    void (*done)(void *owner, const struct outcome *outcomes, size_t count);
    /*
     * A step that changes the machine exceeds its patience. It is not killed; done comes when its process is gone,
     * however long that takes. Or it has waited so long for its turn, behind another step. Called at most once for
     * each time that it begins or waits; NULL is fine.
     */
    void (*hangs)(void *owner, const struct step *step, const struct step *behind, int64_t since_ms);
};

/* The plan has at least one step and stays as it is until done. */
void run_plan(struct runner *runner, const struct plan *plan, const struct run_events *events, void *owner);

/* Zero means the default. */
struct run_options {
    const char *program; /* that knows the hidden role worker; default /proc/self/exe */
    int workers;         /* at most so many batches at once; default 4 */
    size_t output_limit; /* bytes kept of a tool's standard output, default 16 MiB; of its standard error, 64 KiB */
    int64_t quick_ms, patient_ms, very_patient_ms; /* default 10 s, 60 s, 30 min */
    int64_t kill_after; /* for tests: this process kills itself when so many steps have changed what somebody wants, and
                           no step begins before; not for plans that hold something still */
    const char *notes;  /* directory where workers note what they hold still, see held.h; NULL: nowhere */
    int inherit;        /* a descriptor that workers and tools keep open, so that a successor can see that they live */
};

struct runner *runner_new(struct loop *loop, const struct run_options *options);
/*
 * By which sealed keys of steps are unsealed, just before a worker gets them. Borrowed until another is set; NULL:
 * steps that need one fail with ENOKEY. A text that this key does not unseal fails with EKEYREJECTED.
 */
struct secret;
void runner_set_key(struct runner *runner, struct secret *key);
/*
 * Runs under way are forgotten without done; what changes the machine goes on until its step ends, and steps that must
 * always be run still are, by the worker that had begun.
 */
void runner_free(struct runner *runner);

/*
 * The hidden role: reads batches of steps from standard input, writes outcomes to standard output, until end of file.
 * Where a batch has a step of kind EXEC, it waits for the outcome of that on standard input. notes: the directory of
 * run_options, its first argument, or NULL.
 */
int worker_main(const char *notes);
/* Its exit code when it was not told so in time and did what must always be done by itself: see step.hold_ms. */
enum { WORKER_LET_GO = 75 };
