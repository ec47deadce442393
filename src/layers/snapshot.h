/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Snapshots of a resource's volumes, which their providers take below all layers. They are no level: they stand beside
 * the stack, and outlive it where the provider can do that. Pure, like layers.
 */
#pragma once

#include "layers/layer.h"

/*
 * What the plan shall do: remove those that shall be, and those that are void; or take those that are not there; or,
 * with something above their volumes held still, take them as void, to be confirmed.
 */
enum snapshot_part { SNAPSHOTS_REMOVE, SNAPSHOTS_TAKE, SNAPSHOTS_TAKE_HELD };
/* -1 and *trouble (text in plan->arena): it must not. */
int snapshot_plan(const struct resource_want *want, const struct machine *machine, enum snapshot_part part,
                  struct plan *plan, struct trouble *trouble) MUST_CHECK;
/* Those that steps of the plan take, beginning with step from, are no longer void. */
void snapshot_confirm(const struct resource_want *want, const struct machine *machine, uint32_t from,
                      struct plan *plan);
void snapshot_ask(const struct resource_want *want, const struct machine *machine, struct plan *plan);
void snapshot_describe(const struct resource_want *want, const struct machine *machine, struct arena *arena,
                       struct resource_fact *fact);
/* Whether identifier in pool is a snapshot that the want speaks of. */
bool snapshot_owns(const struct resource_want *want, const char *pool, const char *identifier);
