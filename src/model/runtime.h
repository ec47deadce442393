/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is in memory only and may change without a transaction: what satellites reported, what was sent to them, and the
 * marks of the controller's bookkeeping. Nothing stored is reachable from here.
 */
#pragma once

#include "model/kinds.h"

/* Takes the fact, one block as field_duplicate makes it; the one before is freed. NULL forgets. */
void runtime_set_pool_fact(const struct storage_pool *pool, struct pool_fact *take);
void runtime_set_resource_fact(const struct resource *resource, struct resource_fact *take);
void runtime_set_pool_want(const struct storage_pool *pool, uint64_t generation, uint64_t digest);
void runtime_set_resource_want(const struct resource *resource, uint64_t generation, uint64_t digest);
void runtime_set_dirty(const struct resource *resource, uint32_t slot, uint64_t generation);
void runtime_set_session(const struct node *node, void *session);
