/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers/stretch.h"

#include <string.h>

void stretches_add(struct stretches *all, struct stretch *stretch)
{
    stretch->next = all->first;
    all->first = stretch;
}

void stretches_remove(struct stretches *all, struct stretch *stretch)
{
    for (struct stretch **link = &all->first; *link; link = &(*link)->next)
        if (*link == stretch) {
            *link = stretch->next;
            return;
        }
}

/*
 * A step with keys is a batch of its own. What takes long before anything stands still is a stretch of its own, too: it
 * keeps nobody from a turn; so is a step of a worker that needs a turn. Beyond a tool goes only one that holds
 * something still, and as far as a step that must always be run.
 */
static uint32_t find_end(const struct stretch *stretch, bool is_single)
{
    const struct step *steps = stretch->plan->steps.at;
    uint32_t end = stretch->at + 1;
    bool holds = steps[stretch->at].hold_ms > 0, has_tool = false;

    if (is_single || steps[stretch->at].kind == STEP_EXEC || steps[stretch->at].sealed.count > 0 ||
        (!holds && steps[stretch->at].turn))
        return end;
    for (uint32_t i = end; i < stretch->plan->steps.count && steps[i].sealed.count == 0; i++) {
        has_tool = has_tool || steps[i].kind == STEP_EXEC;
        if (!holds && (has_tool || steps[i].turn || steps[i].hold_ms > 0))
            break;
        if (steps[i].kind != STEP_EXEC && (!has_tool || steps[i].always))
            end = i + 1;
    }
    return end;
}

void stretch_begin(struct stretch *stretch, bool is_single)
{
    stretch_give_turns_back(stretch);
    stretch->end = find_end(stretch, is_single);
}

static bool needs_turn(const struct stretch *stretch, const char *turn)
{
    for (uint32_t i = stretch->at; i < stretch->end; i++)
        if (stretch->plan->steps.at[i].turn && strcmp(stretch->plan->steps.at[i].turn, turn) == 0)
            return true;
    return false;
}

static bool shares_turn(const struct stretch *a, const struct stretch *b)
{
    for (uint32_t i = a->at; i < a->end; i++)
        if (a->plan->steps.at[i].turn && needs_turn(b, a->plan->steps.at[i].turn))
            return true;
    return false;
}

const struct stretch *stretch_find_before(const struct stretches *all, const struct stretch *stretch)
{
    const struct stretch *waits = NULL;

    for (const struct stretch *other = all->first; other; other = other->next) {
        bool came_before = other->waits && (stretch->turn_number == 0 || other->turn_number < stretch->turn_number);

        if (other == stretch || !(other->has_turns || came_before) || !shares_turn(stretch, other))
            continue;
        if (other->has_turns)
            return other;
        waits = other;
    }
    return waits;
}

bool stretch_ask_turns(struct stretches *all, struct stretch *stretch)
{
    if (stretch->has_turns)
        return true;
    stretch->has_turns = stretch_find_before(all, stretch) == NULL;
    stretch->waits = !stretch->has_turns;
    if (stretch->waits && stretch->turn_number == 0)
        stretch->turn_number = ++all->last_turn_number;
    return stretch->has_turns;
}

void stretch_withdraw(struct stretch *stretch)
{
    stretch->has_turns = stretch->waits = false;
}

void stretch_give_turns_back(struct stretch *stretch)
{
    stretch_withdraw(stretch);
    stretch->turn_number = 0;
}

struct stretch *stretches_serve_next(struct stretches *all)
{
    struct stretch *next = NULL;

    for (struct stretch *other = all->first; other; other = other->next)
        if (other->waits && (!next || other->turn_number < next->turn_number) && !stretch_find_before(all, other))
            next = other;
    if (next) {
        next->waits = false;
        next->has_turns = true;
    }
    return next;
}
