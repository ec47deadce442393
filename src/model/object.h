/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What every object of the model has in common, and the table of kinds. An object hangs in one parent or in two (a
 * resource in its definition and in its node); the controller object is the root. Objects are const to everyone but a
 * transaction (model/txn.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/field.h"
#include "base/map.h"

/* Parents come before their children: records are loaded in this order. */
enum kind_id {
    KIND_CONTROLLER,
    KIND_NODE,
    KIND_NET_INTERFACE,
    KIND_STORAGE_POOL_DEFINITION,
    KIND_STORAGE_POOL,
    KIND_RESOURCE_GROUP,
    KIND_VOLUME_GROUP,
    KIND_RESOURCE_DEFINITION,
    KIND_VOLUME_DEFINITION,
    KIND_RESOURCE,
    KIND_COUNT,
    KIND_NONE = KIND_COUNT,
};

enum {
    OBJECT_CHILD_KINDS = 4,
    OBJECT_KEY_SIZE = 256,
    OBJECT_PATH_SIZE = 2 * OBJECT_KEY_SIZE,
    OBJECT_PROPS_LIMIT = 10000, /* properties of one object that requests may set */
};

struct change;
struct object {
    const struct kind *kind;
    struct object *parent[2]; /* the second may be NULL */
    struct map_node node[2];  /* place among the parent's children; the key is unique there */
    struct map children[OBJECT_CHILD_KINDS];
    char *key;             /* upper-case name or five-digit number; NULL where node[0].key is the second parent's */
    void *memory;          /* one block with all text and lists of the stored members */
    uint64_t generation;   /* of the last change */
    struct change *change; /* of the open transaction, if it touches this object */

    char *uuid; /* from here on stored, like the members of each kind */
    uint64_t flags;
    struct text_map props;
};

struct model;

struct kind {
    enum kind_id id;
    const char *name;      /* table of the store, log tag */
    const char *reference; /* key in obj_refs of REST */
    const struct schema *schema;
    const struct enum_name *flags; /* in the order REST shows them */
    enum kind_id parents[2];
    int32_t version; /* of the record; records of lower versions pass through upgrades */
    /* [v - 1] turns a record of version v into one of v + 1; NULL where version is 1 */
    int (*const *upgrades)(cJSON *record);
    /* Numbers and sums that follow from objects: sign is +1 when the object begins to hold, -1 when it ends. */
    void (*account)(struct model *model, const struct object *object, int sign);
    void (*release)(struct object *object); /* frees what only memory holds; NULL is fine */
};

extern const struct kind kinds[KIND_COUNT];

/* clang-format off */
/* The rows that every kind begins with. */
#define OBJECT_FIELDS(T, flag_names)                              \
    FIELD_AS(T, "uuid", object.uuid, FIELD_STORE),                \
    FLAGS_AS(T, "flags", object.flags, flag_names, FIELD_STORE),  \
    FIELD_AS(T, "props", object.props, FIELD_STORE)
/* clang-format on */

static inline bool object_has_flag(const struct object *object, uint64_t flag)
{
    return (object->flags & flag) == flag;
}

/* The map in parent where children of that kind hang; NULL when none do. */
const struct map *object_children(const struct object *parent, enum kind_id kind);
uint32_t object_count(const struct object *parent, enum kind_id kind);
/* Key of the record in the store: keys of the first parents down to the object, joined by '/'. */
void object_path(const struct object *object, char path[static OBJECT_PATH_SIZE]);

/* Walks in order of keys. The object may be deleted from the model during the body, the others must stay. */
const struct object *object_first(const struct object *parent, enum kind_id kind);
const struct object *object_next(const struct object *object, const struct object *parent);
/* The first whose key is greater; for walks that pause between turns. NULL key: the first. */
const struct object *object_after(const struct object *parent, enum kind_id kind, const char *key);
/* key in upper case; NULL when absent. */
const struct object *object_find(const struct object *parent, enum kind_id kind, const char *key);
/* The key under which object hangs in parent. */
const char *object_key_in(const struct object *object, const struct object *parent);

/* struct resource *r; all structs begin with their object */
#define child_for_each(T, var, parent, kind)                                                                           \
    for (const struct T *var = (const struct T *)object_first(parent, kind); var;                                      \
         var = (const struct T *)object_next(&var->object, parent))
