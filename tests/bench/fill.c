/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fills the store of a controller that does not run with resource definitions of one volume and three replicas each,
 * through model and journal, as the controller itself would store them. The nodes fill1, fill2, fill3 are made with an
 * address where nothing listens.
 *
 *     fill DATA_DIRECTORY FIRST COUNT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "model/txn.h"
#include "store/journal.h"

enum { NODES = 3, SIZE_KIB = 65536, PER_COMMIT = 100 };

struct fill {
    struct loop *loop;
    struct model model;
    struct journal *journal;
    bool has_failed;
};

static void on_change(void *owner, const struct change *change, uint64_t generation, bool is_undo)
{
    (void)owner;
    (void)change;
    (void)generation;
    (void)is_undo;
}

static void on_durable(void *owner, uint64_t generation)
{
    struct fill *fill = owner;

    if (generation == fill->model.generation)
        loop_stop(fill->loop);
}

static void on_failed(void *owner, const char *why)
{
    struct fill *fill = owner;

    fprintf(stderr, "fill: %s\n", why);
    fill->has_failed = true;
    loop_stop(fill->loop);
}

static void on_unreadable(void *owner, const char *table, const char *key, const char *why)
{
    (void)owner;
    fprintf(stderr, "fill: %s %s: %s\n", table, key, why);
}

static void make_nodes(struct fill *fill)
{
    struct txn *txn = txn_begin(&fill->model);
    struct arena *arena = txn_arena(txn);
    struct storage_pool_definition *definition =
        txn_new(txn, KIND_STORAGE_POOL_DEFINITION, model_root(&fill->model), NULL, "FILL");

    definition->name = arena_strdup(arena, "fill");
    for (int i = 0; i < NODES; i++) {
        char key[OBJECT_KEY_SIZE];
        struct node *node;
        struct net_interface *interface;
        struct storage_pool *pool;

        snprintf(key, sizeof(key), "FILL%d", i + 1);
        node = txn_new(txn, KIND_NODE, model_root(&fill->model), NULL, key);
        node->name = arena_printf(arena, "fill%d", i + 1);
        node->type = NODE_SATELLITE;
        text_map_set(&node->object.props, "CurStltConnName", "default", arena);
        interface = txn_new(txn, KIND_NET_INTERFACE, node, NULL, "DEFAULT");
        interface->name = arena_strdup(arena, "default");
        interface->address = arena_printf(arena, "127.0.0.%d", 90 + i);
        interface->satellite_port = (struct maybe_i32)MAYBE(9);
        interface->encryption = arena_strdup(arena, "PLAIN");
        pool = txn_new(txn, KIND_STORAGE_POOL, node, definition, NULL);
        pool->provider = arena_strdup(arena, "FILE_THIN");
        text_map_set(&pool->object.props, "StorDriver/StorPoolName", "/nowhere", arena);
    }
    txn_commit(txn);
}

static void make_replica(struct txn *txn, const struct resource_definition *definition, const struct node *node)
{
    struct arena *arena = txn_arena(txn);
    struct resource *resource = txn_new(txn, KIND_RESOURCE, definition, node, NULL);
    struct volume *volume = LIST_ADD(&resource->volumes, arena);

    text_list_add(&resource->layers, "STORAGE", arena);
    resource->create_timestamp_ms = INT64_C(1780000000000);
    volume->uuid = arena_strdup(arena, resource->object.uuid);
    volume->storage_pool = arena_strdup(arena, "fill");
    volume->size_kib = SIZE_KIB;
}

static void make_definition(struct fill *fill, struct txn *txn, int number)
{
    struct arena *arena = txn_arena(txn);
    const struct resource_group *group = model_find_group(&fill->model, "DfltRscGrp");
    struct resource_definition *definition;
    struct volume_definition *volume;
    char key[OBJECT_KEY_SIZE];

    snprintf(key, sizeof(key), "FILL-%d", number);
    definition = txn_new(txn, KIND_RESOURCE_DEFINITION, model_root(&fill->model), group, key);
    definition->name = arena_printf(arena, "fill-%d", number);
    definition->resource_group = arena_strdup(arena, group->name);
    text_list_add(&definition->layers, "STORAGE", arena);
    volume = txn_new(txn, KIND_VOLUME_DEFINITION, definition, NULL, "00000");
    volume->size_kib = SIZE_KIB;
    for (int i = 0; i < NODES; i++) {
        char name[16];

        snprintf(name, sizeof(name), "fill%d", i + 1);
        make_replica(txn, definition, model_find_node(&fill->model, name));
    }
}

int main(int argc, char **argv)
{
    static const struct journal_events events = { on_change, on_durable, on_failed, on_unreadable };
    struct fill fill = { .loop = loop_new() };
    int first = argc == 4 ? atoi(argv[2]) : 0, count = argc == 4 ? atoi(argv[3]) : 0;
    struct store *store;
    char why[512], directory[4096];

    if (count < 1) {
        fprintf(stderr, "usage: fill DATA_DIRECTORY FIRST COUNT\n");
        return 2;
    }
    snprintf(directory, sizeof(directory), "%s/store", argv[1]);
    store = store_lmdb_open(fill.loop, directory, journal_tables(), JOURNAL_TABLE_COUNT, why, sizeof(why));
    model_init(&fill.model);
    if (!store || journal_open(&fill.journal, fill.loop, &fill.model, store, &events, &fill, why, sizeof(why)) != 0) {
        fprintf(stderr, "fill: %s\n", why);
        return 1;
    }
    if (!model_find_group(&fill.model, "DfltRscGrp")) {
        fprintf(stderr, "fill: %s was never used by a controller\n", argv[1]);
        return 1;
    }
    if (!model_find_node(&fill.model, "fill1"))
        make_nodes(&fill);
    for (int done = 0; done < count;) {
        struct txn *txn = txn_begin(&fill.model);

        for (int i = 0; i < PER_COMMIT && done < count; i++, done++)
            make_definition(&fill, txn, first + done);
        txn_commit(txn);
    }
    loop_run(fill.loop);
    journal_close(fill.journal);
    model_done(&fill.model);
    loop_free(fill.loop);
    return fill.has_failed;
}
