/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/runtime.h"

#include <stdlib.h>

#include "model/place.h"

void runtime_set_pool_fact(const struct storage_pool *locked, struct pool_fact *take)
{
    struct storage_pool *pool = (struct storage_pool *)place_writable(&locked->object);

    free(pool->fact);
    pool->fact = take;
}

void runtime_set_resource_fact(const struct resource *locked, struct resource_fact *take)
{
    struct resource *resource = (struct resource *)place_writable(&locked->object);

    free(resource->fact);
    resource->fact = take;
}

void runtime_set_pool_want(const struct storage_pool *locked, uint64_t generation, uint64_t digest)
{
    struct storage_pool *pool = (struct storage_pool *)place_writable(&locked->object);

    pool->want_generation = generation;
    pool->want_digest = digest;
}

void runtime_set_resource_want(const struct resource *locked, uint64_t generation, uint64_t digest)
{
    struct resource *resource = (struct resource *)place_writable(&locked->object);

    resource->want_generation = generation;
    resource->want_digest = digest;
}

void runtime_set_dirty(const struct resource *locked, uint32_t slot, uint64_t generation)
{
    struct resource *resource = (struct resource *)place_writable(&locked->object);

    resource->dirty_slot = slot;
    resource->dirty_generation = generation;
}

void runtime_set_session(const struct node *locked, void *session)
{
    ((struct node *)place_writable(&locked->object))->runtime = session;
}
