/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Snapshots of a resource's volumes, which their providers take below all layers. They are no level: they stand beside
 * the stack, and outlive it where the provider can do that. Pure, like layers.
 */
#pragma once

#include "layers/layer.h"

/* Those to be removed and those that are void, or those to be taken. -1 and *trouble (text in plan->arena): it must
 * not. */
int snapshot_plan(const struct resource_want *want, const struct machine *machine, bool remove, struct plan *plan,
                  struct trouble *trouble) MUST_CHECK;
void snapshot_ask(const struct resource_want *want, const struct machine *machine, struct plan *plan);
void snapshot_describe(const struct resource_want *want, const struct machine *machine, struct arena *arena,
                       struct resource_fact *fact);
/* Whether identifier in pool is a snapshot that the want speaks of. */
bool snapshot_owns(const struct resource_want *want, const char *pool, const char *identifier);
