/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One transaction per turn ends all that the reports and changes of that turn allow. Every step is decided by flags and
 * facts alone, so it does not matter how often it is looked at; but whenever one of them changes, somebody must look.
 */
#include "roles/controller/finish.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "model/obeyed.h"
#include "model/prop_rules.h"
#include "roles/controller/nvme.h"

LOG_DOMAIN("finish");

void finish_note_pool(struct service *service, const struct storage_pool *pool)
{
    struct finished_key *key = LIST_ADD(&service->finished, &service->finished_arena);

    key->definition = arena_strdup(&service->finished_arena, "");
    key->node = arena_strdup(&service->finished_arena, storage_pool_node(pool)->name);
    key->pool = arena_strdup(&service->finished_arena, storage_pool_name(pool));
    loop_mark_dirty(service->loop);
}

static void note(struct service *service, const char *definition, const char *node)
{
    struct finished_key *key = LIST_ADD(&service->finished, &service->finished_arena);

    key->definition = arena_strdup(&service->finished_arena, definition);
    key->node = arena_strdup(&service->finished_arena, node);
    loop_mark_dirty(service->loop);
}

void finish_note(struct service *service, const struct resource *resource)
{
    note(service, resource->object.parent[0]->node[0].key, resource->object.parent[1]->node[0].key);
}

void finish_note_undo(struct service *service, const struct object *object)
{
    if (object->kind->id == KIND_RESOURCE)
        finish_note(service, (const struct resource *)object);
    else if (object->kind->id == KIND_VOLUME_DEFINITION)
        note(service, object->parent[0]->node[0].key, "");
    else if (object->kind->id == KIND_RESOURCE_DEFINITION)
        note(service, object->node[0].key, "");
    else if (object->kind->id == KIND_NODE)
        note(service, "", object->node[0].key);
}

void finish_start(struct service *service)
{
    model_for_each(resource_definition, definition, &service->model,
                   KIND_RESOURCE_DEFINITION) if (object_count(&definition->object, KIND_RESOURCE) == 0)
        note(service, definition->object.node[0].key, "");
    model_for_each(node, node, &service->model, KIND_NODE) if (object_has_flag(&node->object, NODE_DELETE))
        note(service, "", node->object.node[0].key);
}

/* The report speaks of what the resource is now. */
static bool is_current(const struct resource *resource)
{
    return resource->fact && resource->dirty_slot == 0 &&
           (uint64_t)resource->fact->generation >= resource->want_generation;
}

static bool is_reported(const struct resource *resource, int32_t number)
{
    for (uint32_t i = 0; i < resource->fact->volumes.count; i++)
        if (resource->fact->volumes.at[i].number == number)
            return true;
    return false;
}

/* Volumes that were to go and are no longer reported. */
static void finish_removed_volumes(struct txn *txn, const struct resource *resource)
{
    for (uint32_t i = resource->volumes.count; i-- > 0;) {
        const struct volume *volume = &resource->volumes.at[i];
        struct resource *edited;

        if (!(volume->flags & VOLUME_DELETE) || is_reported(resource, volume->number))
            continue;
        edited = txn_edit(txn, resource);
        memmove(&edited->volumes.at[i], &edited->volumes.at[i + 1],
                sizeof(edited->volumes.at[0]) * (edited->volumes.count - i - 1));
        edited->volumes.count--;
    }
}

static bool all_applied(const struct resource_definition *definition)
{
    child_for_each (resource, resource, &definition->object, KIND_RESOURCE)
        if (!is_current(resource) || !resource->fact->applied || nvme_has_less(resource))
            return false;
    return true;
}

static bool any_has_volume(const struct resource_definition *definition, int32_t number)
{
    child_for_each (resource, resource, &definition->object, KIND_RESOURCE)
        if (resource_find_volume(resource, number))
            return true;
    return false;
}

static void finish_volume_definitions(struct txn *txn, const struct resource_definition *definition)
{
    bool applied = all_applied(definition);
    const struct object *next;

    for (const struct object *at = object_first(&definition->object, KIND_VOLUME_DEFINITION); at; at = next) {
        const struct volume_definition *volume = (const struct volume_definition *)at;

        next = object_next(at, &definition->object);
        if (object_has_flag(at, VOLUME_DEFINITION_DELETE) && !any_has_volume(definition, volume->number))
            txn_delete(txn, volume);
        else if (applied && object_has_flag(at, VOLUME_DEFINITION_RESIZE))
            ((struct volume_definition *)txn_edit(txn, volume))->object.flags &= ~(uint64_t)VOLUME_DEFINITION_RESIZE;
    }
}

static void finish_creation(struct service *service, struct txn *txn, const struct resource *resource)
{
    if (resource->create_timestamp_ms == 0)
        ((struct resource *)txn_edit(txn, resource))->create_timestamp_ms = loop_wall_ms(service->loop);
    for (uint32_t i = 0; i < resource->volumes.count; i++)
        if (!resource->volumes.at[i].is_deployed && is_reported(resource, resource->volumes.at[i].number))
            ((struct resource *)txn_edit(txn, resource))->volumes.at[i].is_deployed = true;
}

/* Nothing obeys the older ones any more. */
static void finish_keys(struct txn *txn, const struct resource *resource)
{
    for (uint32_t i = 0; i < resource->volumes.count; i++)
        if (resource->volumes.at[i].keys.count > 1)
            ((struct resource *)txn_edit(txn, resource))->volumes.at[i].keys.count = 1;
}

static void finish_resource(struct service *service, struct txn *txn, const struct resource *resource)
{
    if (object_has_flag(&resource->object, RESOURCE_DELETE)) {
        if (!resource->fact->gone)
            return;
        log_info("resource %s is gone from node %s", resource_definition_of(resource)->name,
                 resource_node(resource)->name);
        txn_delete(txn, resource);
        return;
    }
    if (!resource->fact->applied)
        return;
    finish_creation(service, txn, resource);
    finish_keys(txn, resource);
    finish_removed_volumes(txn, resource);
}

static const char internal_keys[] = "StorDriver/internal/";
enum { TOLD_PROPS = 32, TOLD_LENGTH = 256 };

static uint32_t count_internal(const struct text_map *props)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < props->count; i++)
        count += text_starts_with(props->at[i].key, internal_keys);
    return count;
}

/* Other properties are the user's, whatever a satellite says. */
static void take_told(const struct pool_fact *fact, struct text_map *told, struct arena *arena)
{
    for (uint32_t i = 0; i < fact->props.count; i++) {
        const char *key = fact->props.at[i].key, *value = fact->props.at[i].value, *normalised;

        if (text_starts_with(key, internal_keys) && strlen(key) <= TOLD_LENGTH && strlen(value) <= TOLD_LENGTH &&
            prop_key_normalise(key, arena, &normalised) == 0 && strcmp(key, normalised) == 0)
            text_map_set(told, key, value, arena);
    }
}

/* What the satellite found out about a pool is shown as its properties. */
static void finish_pool(struct txn *txn, const struct storage_pool *pool)
{
    struct arena arena = { 0 };
    struct text_map told = { 0 };
    char granularity[24];

    if (!pool->fact)
        return;
    take_told(pool->fact, &told, &arena);
    if (pool->fact->granularity_kib > 0) {
        snprintf(granularity, sizeof(granularity), "%" PRId64, pool->fact->granularity_kib);
        text_map_set(&told, "StorDriver/internal/AllocationGranularity", granularity, &arena);
    }
    for (uint32_t i = 0; i < told.count; i++) {
        const char *before = text_map_find(&pool->object.props, told.at[i].key);

        /* What it obeys in turn a user may have changed while the report was on its way. */
        if (before && obeyed_by_pools_has(told.at[i].key))
            continue;
        if (before ? strcmp(before, told.at[i].value) != 0 : count_internal(&pool->object.props) < TOLD_PROPS)
            text_map_set(&((struct storage_pool *)txn_edit(txn, pool))->object.props, told.at[i].key, told.at[i].value,
                         txn_arena(txn));
    }
    arena_done(&arena);
}

/* Definitions and nodes that are to go do so with the last of their resources. */
static void finish_one(struct service *service, struct txn *txn, const struct finished_key *key)
{
    const struct resource_definition *definition = model_find_definition(&service->model, key->definition);
    const struct node *node = model_find_node(&service->model, key->node);
    const struct resource *resource = definition && node ? model_find_resource(definition, key->node) : NULL;
    const struct storage_pool *pool = node && key->pool ? model_find_pool(node, key->pool) : NULL;

    if (pool)
        finish_pool(txn, pool);
    if (resource && is_current(resource))
        finish_resource(service, txn, resource);
    if (definition)
        finish_volume_definitions(txn, definition);
    if (definition && object_has_flag(&definition->object, RESOURCE_DEFINITION_DELETE) &&
        object_count(&definition->object, KIND_RESOURCE) == 0) {
        log_info("resource definition %s is deleted", definition->name);
        txn_delete(txn, definition);
    }
    if (node && object_has_flag(&node->object, NODE_DELETE) && object_count(&node->object, KIND_RESOURCE) == 0) {
        log_info("node %s is deleted", node->name);
        txn_delete(txn, node);
    }
}

/* While nothing can be written it is tried only now and then. */
void finish_turn(struct service *service)
{
    __typeof__(service->finished) finished = service->finished;
    struct arena arena = service->finished_arena;
    struct txn *txn;

    if (finished.count == 0 || (service->disk_trouble && !service->may_try_disk))
        return;
    service->may_try_disk = false;
    /* What the commit changes may be noted for the next turn. */
    service->finished = (__typeof__(service->finished)){ 0 };
    service->finished_arena = (struct arena){ 0 };
    txn = txn_begin(&service->model);
    for (uint32_t i = 0; i < finished.count; i++)
        finish_one(service, txn, &finished.at[i]);
    txn_commit(txn);
    arena_done(&arena);
}
