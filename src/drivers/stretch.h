/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A stretch is the part of a plan that a run has in hand, with one worker for all of it, and the turns of its tools. A
 * tool that takes a lock of its own would only wait there, and be one more process; so of all steps with the same turn
 * one runs at a time, and who came first has it first. Nothing is run here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "drivers/plan.h"

struct stretch {
    struct stretch *next;
    const struct plan *plan;
    void *owner;
    uint32_t at, end;    /* the step under way; the first that is not in it any more */
    bool has_turns;      /* of all steps from at to end */
    bool waits;          /* for its turns */
    int64_t turn_number; /* in which order it began to wait; 0: it never did */
};

/* Those of one runner. */
struct stretches {
    struct stretch *first;
    int64_t last_turn_number;
};

void stretches_add(struct stretches *all, struct stretch *stretch);
void stretches_remove(struct stretches *all, struct stretch *stretch);

/* It begins anew at the step under way, without turns. is_single: with that step alone. */
void stretch_begin(struct stretch *stretch, bool is_single);
/* One that has a turn which this one needs; else one that waits for it and came before; NULL: none. */
const struct stretch *stretch_find_before(const struct stretches *all, const struct stretch *stretch);
/* Whether it has its turns now. Otherwise it waits for them, if it did not already, until it is the next. */
bool stretch_ask_turns(struct stretches *all, struct stretch *stretch);
void stretch_give_turns_back(struct stretch *stretch); /* and it waits for none */
/* Likewise, but it keeps its place for when it asks again; until then it is in nobody's way. */
void stretch_withdraw(struct stretch *stretch);
/* The one that waited longest of those that need not wait any more; it has its turns now. NULL: there is none. */
struct stretch *stretches_serve_next(struct stretches *all);
