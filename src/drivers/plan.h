/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A plan: steps in the order in which they shall run. A plan is made by pure functions from wants and facts, printed as
 * text for people and golden tests, and run by run.h. It owns the memory of its steps.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "drivers/step.h"
#include "model/want.h"

struct facts;

struct plan {
    struct arena arena;
    LIST_OF(struct step) steps;
    const struct facts *facts; /* what is known while it is made: which devices tools must not read; may be NULL */
};

/* A plan of zeroes is empty and valid. facts stay: the next plan may be made in it. */
void plan_done(struct plan *plan);

/*
 * Adds a step with the traits of its kind; the caller sets what the kind needs, in memory of plan->arena. The pointer
 * is valid until the next step is added. Kinds that destroy data are refused here by an assertion.
 */
struct step *plan_add(struct plan *plan, enum step_kind kind, const char *what, ...) PRINTF_LIKE(3, 4)
    __attribute__((returns_nonnull));
/*
 * The maker of steps that destroy what users may have. authority is what the want carries: the user's request that
 * allowed it; a plan that would destroy without one is a bug of the planner, and is asserted.
 */
struct step *plan_destructive(struct plan *plan, const char *authority, enum step_kind kind, const char *what, ...)
    PRINTF_LIKE(4, 5) __attribute__((returns_nonnull));

/*
 * That nobody has ever had anything in what is destroyed: it is our own, and just being made. The want says that the
 * volume was never told to anybody; what is made from a snapshot is not new but for its sides.
 */
struct plan_evidence {
    const struct volume_want *want;
    bool is_side; /* of the volume */
};
/* Whether it says so. */
bool plan_is_own(const struct plan_evidence *evidence);
/* Likewise without a user's request; that it is our own is asserted. */
struct step *plan_destroy_own(struct plan *plan, const struct plan_evidence *evidence, enum step_kind kind,
                              const char *what, ...) PRINTF_LIKE(4, 5) __attribute__((returns_nonnull));

/* One that the plan has already; NULL: none. */
struct step *plan_find_step(const struct plan *plan, const char *reader, const char *topic, const char *pool);

/* For steps of kind STEP_EXEC: further words of the command, ended by NULL. */
void plan_add_words(struct plan *plan, struct step *step, const char *const *words);
#define PLAN_ADD_WORDS(plan, step, ...) plan_add_words(plan, step, (const char *const[]){ __VA_ARGS__, NULL })

/*
 * One step is two lines: what it does, then, indented, what is run: the command for EXEC, else the kind and what it is
 * given. "!" before a step says that it destroys data. Nothing for an empty plan.
 */
void plan_print(const struct plan *plan, struct buf *out);
