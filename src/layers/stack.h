/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Walks the levels of a resource: up to make it, down to take it away. The order of the machine's commands is decided
 * here and nowhere else. Pure: want and facts in, plan out.
 *
 * A plan may stop half-way up, when a level needs a device that only the outcome of the steps before tells. So the
 * caller plans again after each plan that succeeded, until the plan is empty: then everything that the want says holds.
 */
#pragma once

#include "layers/layer.h"

/* The layers of this version, ends with NULL. The model knows more, see model/layer.h. */
extern const struct layer *const layers[];

const struct layer *layer_find(const char *name); /* in any case; NULL when it is not in this version */

/* 0, or -1 and *trouble (text in plan->arena): the want is refused, or must not be done on these facts. */
int stack_plan(const struct resource_want *want, const struct machine *machine, struct plan *plan,
               struct trouble *trouble) MUST_CHECK;
/* Questions about what is not known, or became uncertain because steps failed; none: stack_plan may be called. */
void stack_ask(const struct resource_want *want, const struct machine *machine, struct plan *plan);
/* Questions about devices that lie on other nodes: tools that read all devices wait as long as such a node does not
 * answer, so these are known before any is run. */
void stack_ask_remote(struct plan *plan);
/* One per volume of the want that is not to be removed, and the snapshots, in lists that lie in arena. */
void stack_describe(const struct resource_want *want, const struct machine *machine, struct arena *arena,
                    struct resource_fact *fact);
/* Whether identifier in pool belongs to a volume or snapshot of the want. */
bool stack_owns(const struct resource_want *want, const struct machine *machine, const char *pool,
                const char *identifier);
