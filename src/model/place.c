/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/place.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "model/kinds.h"

struct object *place_new(enum kind_id kind)
{
    struct object *object = memory_alloc(kinds[kind].schema->size);

    object->kind = &kinds[kind];
    return object;
}

void place_free(struct object *object)
{
    if (object->kind->release)
        object->kind->release(object);
    free(object->memory);
    free(object->key);
    free(object);
}

struct object *place_writable(const struct object *object)
{
    union {
        const struct object *locked;
        struct object *writable;
    } key = { .locked = object };

    return key.writable;
}

static struct map *map_in(struct object *parent, enum kind_id kind)
{
    union {
        const struct map *locked;
        struct map *writable;
    } map = { .locked = object_children(parent, kind) };

    return map.writable;
}

/* A resource is keyed by its node's name and a pool by its definition's, so these two need no key of their own. */
static bool is_keyed_by_second(const struct object *object)
{
    return object->kind->parents[1] != KIND_NONE && object->kind->id != KIND_RESOURCE_DEFINITION;
}

const char *place_second_name(const struct object *object, const char *key)
{
    if (is_keyed_by_second(object))
        return key;
    return ((const struct resource_definition *)object)->resource_group;
}

bool place_link(struct object *object, struct object *parent, struct object *second, const char *key)
{
    object->parent[0] = parent;
    object->parent[1] = second;
    if (is_keyed_by_second(object)) {
        object->node[0].key = second->node[0].key;
        object->node[1].key = parent->node[0].key;
    } else {
        object->key = memory_strdup(key);
        object->node[0].key = object->node[1].key = object->key;
    }
    if (!map_insert(map_in(parent, object->kind->id), &object->node[0]))
        return false;
    if (second && !map_insert(map_in(second, object->kind->id), &object->node[1])) {
        map_remove(map_in(parent, object->kind->id), &object->node[0]);
        return false;
    }
    return true;
}

void place_unlink(struct object *object)
{
    map_remove(map_in(object->parent[0], object->kind->id), &object->node[0]);
    if (object->parent[1])
        map_remove(map_in(object->parent[1], object->kind->id), &object->node[1]);
}

void place_relink(struct object *object)
{
    bool linked = map_insert(map_in(object->parent[0], object->kind->id), &object->node[0]);

    if (object->parent[1])
        linked = map_insert(map_in(object->parent[1], object->kind->id), &object->node[1]) && linked;
    assert(linked);
}

void place_pack(struct object *object)
{
    const struct schema *schema = object->kind->schema;
    size_t size = field_measure(schema, object);
    void *block = memory_resize(NULL, size);
    struct arena arena = { .next = block, .end = (char *)block + size };
    void *source = memory_copy(object, schema->size);

    field_copy(schema, object, source, &arena);
    assert(!arena.chunks); /* field_measure counted enough */
    free(source);
    object->memory = block;
}
