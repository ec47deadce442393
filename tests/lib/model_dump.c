/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_dump.h"

#include <stdio.h>
#include <string.h>

#include "model/txn.h"

static void dump_accounts(const struct object *object, struct buf *out)
{
    const struct storage_pool *pool = (const struct storage_pool *)object;

    if (object->kind->id == KIND_STORAGE_POOL)
        buf_printf(out, " reserved=%lld volumes=%u resources=%u", (long long)pool->reserved_kib, pool->volume_count,
                   pool->resource_count);
}

/* What hangs in object as its second parent, by key alone: the records stand where their first parent is. */
static void dump_second_children(const struct object *object, struct buf *out)
{
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        if (kinds[kind].parents[1] != object->kind->id)
            continue;
        for (const struct object *child = object_first(object, (enum kind_id)kind); child;
             child = object_next(child, object))
            buf_printf(out, " %s:%s", kinds[kind].name, object_key_in(child, object));
    }
}

static void dump_object(const struct object *object, bool generations, struct buf *out)
{
    char path[OBJECT_PATH_SIZE];
    struct json_writer writer = { .out = out };

    object_path(object, path);
    buf_printf(out, "%s %s ", object->kind->name, path);
    field_encode(object->kind->schema, object, FIELD_STORE, &writer);
    if (generations)
        buf_printf(out, " generation=%llu", (unsigned long long)object->generation);
    dump_accounts(object, out);
    dump_second_children(object, out);
    buf_add_char(out, '\n');
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        if (kinds[kind].parents[0] != object->kind->id)
            continue;
        for (const struct object *child = object_first(object, (enum kind_id)kind); child;
             child = object_next(child, object))
            dump_object(child, generations, out);
    }
}

void model_dump(const struct model *model, bool generations, struct buf *out)
{
    if (generations)
        buf_printf(out, "generation %llu\n", (unsigned long long)model->generation);
    dump_object(model_root(model), generations, out);
    map_for_each (node, &model->external_names) {
        const struct resource_definition *definition = CONTAINER_OF(node, struct resource_definition, external);

        buf_printf(out, "external %s -> %s\n", node->key, definition->name);
    }
}

static void make_replica(struct txn *txn, const struct resource_definition *definition, const struct node *node)
{
    struct arena *arena = txn_arena(txn);
    struct resource *resource = txn_new(txn, KIND_RESOURCE, definition, node, NULL);
    struct volume *volume = LIST_ADD(&resource->volumes, arena);

    text_list_add(&resource->layers, "STORAGE", arena);
    volume->uuid = arena_strdup(arena, "6f0cf8a5-0c7e-4d0e-8d0c-2a4b8f9f6a11");
    volume->storage_pool = arena_strdup(arena, "thin");
    volume->size_kib = 1024;
}

void model_make_cluster(struct model *model, int definitions)
{
    static const char *const names[] = { "alpha", "bravo" };
    struct txn *txn = txn_begin(model);
    struct arena *arena = txn_arena(txn);
    struct storage_pool_definition *pool = txn_new(txn, KIND_STORAGE_POOL_DEFINITION, model->controller, NULL, "THIN");
    struct resource_group *group = txn_new(txn, KIND_RESOURCE_GROUP, model->controller, NULL, "GROUP");
    struct volume_group *volume_group = txn_new(txn, KIND_VOLUME_GROUP, group, NULL, "00000");
    struct node *nodes[2];

    pool->name = arena_strdup(arena, "thin");
    group->name = arena_strdup(arena, "group");
    volume_group->number = 0;
    for (int i = 0; i < 2; i++) {
        char key[OBJECT_KEY_SIZE];
        struct storage_pool *on_node;
        struct net_interface *interface;

        if (!model_key(names[i], key))
            return;
        nodes[i] = txn_new(txn, KIND_NODE, model->controller, NULL, key);
        nodes[i]->name = arena_strdup(arena, names[i]);
        nodes[i]->type = NODE_SATELLITE;
        interface = txn_new(txn, KIND_NET_INTERFACE, nodes[i], NULL, "DEFAULT");
        interface->name = arena_strdup(arena, "default");
        interface->address = arena_printf(arena, "10.0.0.%d", i + 1);
        interface->satellite_port = (struct maybe_i32)MAYBE(3366);
        on_node = txn_new(txn, KIND_STORAGE_POOL, nodes[i], pool, NULL);
        on_node->provider = arena_strdup(arena, "FILE_THIN");
    }
    for (int i = 0; i < definitions; i++) {
        char key[OBJECT_KEY_SIZE];
        struct resource_definition *definition;
        struct volume_definition *volume;

        snprintf(key, sizeof(key), "D%d", i);
        definition = txn_new(txn, KIND_RESOURCE_DEFINITION, model->controller, group, key);
        definition->name = arena_printf(arena, "d%d", i);
        definition->external_name = arena_printf(arena, "the disk %d", i);
        definition->resource_group = arena_strdup(arena, "group");
        volume = txn_new(txn, KIND_VOLUME_DEFINITION, definition, NULL, "00000");
        volume->size_kib = 1024;
        for (int n = 0; n < 2; n++)
            make_replica(txn, definition, nodes[n]);
    }
    txn_commit(txn);
}
