/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers/fact.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static struct storage_fact *volume_of(struct map_node *node)
{
    return node ? CONTAINER_OF(node, struct storage_fact, node) : NULL;
}

static void free_volume(struct facts *facts, struct storage_fact *volume)
{
    map_remove(&facts->volumes, &volume->node);
    free(volume->pool);
    free(volume->identifier);
    free(volume->backing);
    free(volume->device);
    free(volume->origin);
    free(volume->owner);
    memory_freep(&volume->node.key);
    free(volume);
}

static void free_pool(struct facts *facts, struct storage_pool_fact *pool)
{
    map_remove(&facts->pools, &pool->node);
    fact_state_done(&pool->told);
    fact_state_done(&pool->state);
    free(pool->identity);
    memory_freep(&pool->node.key);
    free(pool);
}

static struct layer_fact *layer_of(struct map_node *node)
{
    return node ? CONTAINER_OF(node, struct layer_fact, node) : NULL;
}

static void free_layer(struct facts *facts, struct layer_fact *fact)
{
    map_remove(&facts->layers, &fact->node);
    free(fact->layer);
    free(fact->name);
    free(fact->device);
    fact_state_done(&fact->state);
    memory_freep(&fact->node.key);
    free(fact);
}

void facts_done(struct facts *facts)
{
    struct map_node *node;

    while ((node = map_first(&facts->layers)))
        free_layer(facts, layer_of(node));
    fact_state_done(&facts->known_layers);

    while ((node = map_first(&facts->volumes)))
        free_volume(facts, volume_of(node));
    while ((node = map_first(&facts->pools)))
        free_pool(facts, CONTAINER_OF(node, struct storage_pool_fact, node));
}

/* Neither names of pools nor identifiers contain a slash. */
static struct storage_fact *find(const struct facts *facts, const char *pool, const char *identifier)
{
    CLEANUP(memory_freep) char *key = memory_printf("%s/%s", pool, identifier);

    return volume_of(map_find(&facts->volumes, key));
}

const struct storage_fact *facts_find_volume(const struct facts *facts, const char *pool, const char *identifier)
{
    return find(facts, pool, identifier);
}

struct storage_fact *facts_edit_volume(struct facts *facts, const char *pool, const char *identifier)
{
    struct storage_fact *volume = find(facts, pool, identifier);

    if (!volume) {
        volume = memory_alloc(sizeof(*volume));
        volume->node.key = memory_printf("%s/%s", pool, identifier);
        volume->pool = memory_strdup(pool);
        volume->identifier = memory_strdup(identifier);
        map_insert(&facts->volumes, &volume->node);
    }
    volume->stamp = ++facts->stamp;
    return volume;
}

void facts_remove_volume(struct facts *facts, const char *pool, const char *identifier)
{
    struct storage_fact *volume = find(facts, pool, identifier);

    if (volume)
        free_volume(facts, volume);
}

void facts_note_removed(struct storage_fact *volume)
{
    facts_set_text(&volume->backing, NULL);
    facts_set_text(&volume->device, NULL);
    facts_set_text(&volume->owner, NULL);
    facts_set_text(&volume->origin, NULL);
    volume->size_kib = volume->device_kib = volume->allocated_kib = volume->granularity_kib = 0;
    volume->dependents = 0;
    volume->is_uncertain = volume->has_vanished = volume->is_active = volume->is_new = false;
    volume->is_doomed = volume->is_snapshot = volume->is_void = false;
}

void facts_note_missing(struct facts *facts, struct storage_fact *volume)
{
    bool is_snapshot = volume->is_snapshot;

    if (!volume->backing && !volume->has_vanished) {
        facts_remove_volume(facts, volume->pool, volume->identifier);
        return;
    }
    facts_note_removed(volume);
    volume->is_snapshot = is_snapshot;
    volume->has_vanished = true;
    volume->stamp = ++facts->stamp;
}

void facts_set_text(char **member, const char *text)
{
    char *copy = text ? memory_strdup(text) : NULL;

    free(*member);
    *member = copy;
}

static struct storage_pool_fact *find_pool(const struct facts *facts, const char *pool)
{
    struct map_node *node = map_find(&facts->pools, pool);

    return node ? CONTAINER_OF(node, struct storage_pool_fact, node) : NULL;
}

const struct storage_pool_fact *facts_find_pool(const struct facts *facts, const char *pool)
{
    return find_pool(facts, pool);
}

struct storage_pool_fact *facts_edit_pool(struct facts *facts, const char *pool)
{
    struct storage_pool_fact *found = find_pool(facts, pool);

    if (!found) {
        found = memory_alloc(sizeof(*found));
        found->node.key = memory_strdup(pool);
        map_insert(&facts->pools, &found->node);
    }
    return found;
}

void facts_remove_pool(struct facts *facts, const char *pool)
{
    struct storage_pool_fact *found = find_pool(facts, pool);
    struct storage_fact *volume;

    while ((volume = facts_first_volume(facts, pool)))
        free_volume(facts, volume);
    if (found)
        free_pool(facts, found);
}

struct storage_fact *facts_first_volume(const struct facts *facts, const char *pool)
{
    CLEANUP(memory_freep) char *key = memory_printf("%s/", pool);
    struct storage_fact *volume = volume_of(map_after(&facts->volumes, key));

    return volume && strcmp(volume->pool, pool) == 0 ? volume : NULL;
}

struct storage_fact *facts_next_volume(const struct storage_fact *volume)
{
    struct storage_fact *next = volume_of(map_next(&volume->node));

    return next && strcmp(next->pool, volume->pool) == 0 ? next : NULL;
}

static struct storage_fact *only_of(struct storage_fact *volume, const char *pool, const char *resource)
{
    return volume && strcmp(volume->pool, pool) == 0 && text_starts_with(volume->identifier, resource) ? volume : NULL;
}

struct storage_fact *facts_first_volume_of(const struct facts *facts, const char *pool, const char *resource)
{
    CLEANUP(memory_freep) char *key = memory_printf("%s/%s", pool, resource);

    return only_of(volume_of(map_after(&facts->volumes, key)), pool, resource);
}

struct storage_fact *facts_next_volume_of(const struct storage_fact *volume, const char *resource)
{
    return only_of(volume_of(map_next(&volume->node)), volume->pool, resource);
}

static struct layer_fact *find_layer(const struct facts *facts, const char *layer, const char *name)
{
    CLEANUP(memory_freep) char *key = memory_printf("%s/%s", layer, name);

    return layer_of(map_find(&facts->layers, key));
}

const struct layer_fact *facts_find_layer(const struct facts *facts, const char *layer, const char *name)
{
    return find_layer(facts, layer, name);
}

struct layer_fact *facts_edit_layer(struct facts *facts, const char *layer, const char *name)
{
    struct layer_fact *fact = find_layer(facts, layer, name);

    if (!fact) {
        fact = memory_alloc(sizeof(*fact));
        fact->node.key = memory_printf("%s/%s", layer, name);
        fact->layer = memory_strdup(layer);
        fact->name = memory_strdup(name);
        map_insert(&facts->layers, &fact->node);
    }
    fact->stamp = ++facts->stamp;
    return fact;
}

void facts_remove_layer(struct facts *facts, const char *layer, const char *name)
{
    struct layer_fact *fact = find_layer(facts, layer, name);

    if (fact)
        free_layer(facts, fact);
}

struct layer_fact *facts_first_layer(const struct facts *facts, const char *layer)
{
    CLEANUP(memory_freep) char *key = memory_printf("%s/", layer);
    struct layer_fact *fact = layer_of(map_after(&facts->layers, key));

    return fact && strcmp(fact->layer, layer) == 0 ? fact : NULL;
}

struct layer_fact *facts_next_layer(const struct layer_fact *fact)
{
    struct layer_fact *next = layer_of(map_next(&fact->node));

    return next && strcmp(next->layer, fact->layer) == 0 ? next : NULL;
}

const char *fact_state_find(const struct fact_state *state, const char *key)
{
    return text_map_find(&state->map, key);
}

/* The arena cannot take back the old value, so that a change copies what stays into a new one. */
void fact_state_set(struct fact_state *state, const char *key, const char *value)
{
    const char *before = text_map_find(&state->map, key);
    struct fact_state now = { 0 };

    if (before == value || (before && value && strcmp(before, value) == 0))
        return;
    for (uint32_t i = 0; i < state->map.count; i++)
        if (strcmp(state->map.at[i].key, key) != 0)
            text_map_set(&now.map, state->map.at[i].key, state->map.at[i].value, &now.arena);
    if (value)
        text_map_set(&now.map, key, value, &now.arena);
    fact_state_done(state);
    *state = now;
}

void fact_state_done(struct fact_state *state)
{
    arena_done(&state->arena);
    *state = (struct fact_state){ 0 };
}
