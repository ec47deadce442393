/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/object.h"

#include <string.h>

/*
 * Which of a parent's maps holds children of a kind: the position among the kinds that name it as a parent, in order of
 * kinds. It is looked up, not written down, so that a new kind needs no second table.
 */
static int slot_of(enum kind_id parent, enum kind_id child)
{
    int slot = 0;

    for (int id = 0; id < (int)child; id++)
        slot += kinds[id].parents[0] == parent || kinds[id].parents[1] == parent;
    return kinds[child].parents[0] == parent || kinds[child].parents[1] == parent ? slot : -1;
}

const struct map *object_children(const struct object *parent, enum kind_id kind)
{
    int slot = slot_of(parent->kind->id, kind);

    return slot < 0 ? NULL : &parent->children[slot];
}

uint32_t object_count(const struct object *parent, enum kind_id kind)
{
    const struct map *children = object_children(parent, kind);

    return children ? (uint32_t)children->count : 0;
}

static int side_of(const struct object *object, const struct object *parent)
{
    return object->parent[0] == parent ? 0 : 1;
}

static const struct object *object_of(const struct map_node *node, int side)
{
    return node ? (const struct object *)(const void *)((const char *)node - offsetof(struct object, node) -
                                                        (size_t)side * sizeof(struct map_node))
                : NULL;
}

static int side_of_kind(const struct object *parent, enum kind_id kind)
{
    return kinds[kind].parents[0] == parent->kind->id ? 0 : 1;
}

const struct object *object_first(const struct object *parent, enum kind_id kind)
{
    const struct map *children = object_children(parent, kind);

    return children ? object_of(map_first(children), side_of_kind(parent, kind)) : NULL;
}

const struct object *object_next(const struct object *object, const struct object *parent)
{
    int side = side_of(object, parent);

    return object_of(map_next(&object->node[side]), side);
}

const struct object *object_after(const struct object *parent, enum kind_id kind, const char *key)
{
    const struct map *children = object_children(parent, kind);

    return children ? object_of(map_after(children, key), side_of_kind(parent, kind)) : NULL;
}

const struct object *object_find(const struct object *parent, enum kind_id kind, const char *key)
{
    const struct map *children = object_children(parent, kind);

    return children ? object_of(map_find(children, key), side_of_kind(parent, kind)) : NULL;
}

const char *object_key_in(const struct object *object, const struct object *parent)
{
    return object->node[side_of(object, parent)].key;
}

void object_path(const struct object *object, char path[static OBJECT_PATH_SIZE])
{
    const struct object *parent = object->parent[0];

    if (parent && parent->kind->id != KIND_CONTROLLER) { /* keys are shorter than OBJECT_KEY_SIZE */
        path = stpcpy(path, parent->node[0].key);
        *path++ = '/';
    }
    strcpy(path, parent ? object->node[0].key : "controller");
}
