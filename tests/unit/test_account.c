/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What follows from objects (sums, numbers, names that are unique) through commits, aborts and undos. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "txn_bench.h"

/* A volume leaves a pool that ends in the same transaction: the sums come back in the order they went. */
static void test_pool_ends_after_its_volumes_left(void **state)
{
    struct bench *bench = *state;
    struct txn *txn = txn_begin(&bench->model);
    struct storage_pool_definition *definition =
        txn_new(txn, KIND_STORAGE_POOL_DEFINITION, bench->model.controller, NULL, "OTHER");
    char *before;

    definition->name = arena_strdup(txn_arena(txn), "other");
    txn_new(txn, KIND_STORAGE_POOL, model_find_node(&bench->model, "alpha"), definition, NULL);
    txn_commit(txn);
    before = exact_text_of(bench);
    for (int commit = 0; commit < 2; commit++) {
        static const char *const names[] = { "d0", "d1", "d2" };

        txn = txn_begin(&bench->model);
        for (int i = 0; i < 3; i++)
            edit_resource(bench, txn, names[i], "alpha")->volumes.at[0].storage_pool =
                arena_strdup(txn_arena(txn), "other");
        txn_delete(txn, pool_on(bench, "alpha"));
        if (!commit) {
            txn_abort(txn);
        } else {
            txn_commit(txn);
            expect_pool(bench, "alpha", "other", 3 * 1024, 3);
            undo_newest(bench);
        }
        expect_pool(bench, "alpha", "thin", 3 * 1024, 3);
        expect_pool(bench, "alpha", "other", 0, 0);
    }
    expect_same(bench, before);
}

/* The same when an edited resource is deleted after the pool that counted it. */
static void test_edited_deleted_after_its_pool(void **state)
{
    struct bench *bench = *state;
    char *before = exact_text_of(bench);
    struct txn *txn = txn_begin(&bench->model);
    struct resource *resource = edit_resource(bench, txn, "d0", "alpha");

    resource->volumes.at[0].size_kib = 3;
    txn_delete(txn, pool_on(bench, "alpha"));
    txn_delete(txn, resource);
    txn_commit(txn);
    undo_newest(bench);
    expect_pool(bench, "alpha", "thin", 3 * 1024, 3);
    expect_same(bench, before);
}

static void test_names_change_places(void **state)
{
    struct bench *bench = *state;
    char *before = exact_text_of(bench);
    struct txn *txn = txn_begin(&bench->model);
    struct resource_definition *a = txn_edit(txn, model_find_definition(&bench->model, "d0"));
    struct resource_definition *b = txn_edit(txn, model_find_definition(&bench->model, "d1"));
    char *name = a->external_name;

    a->external_name = b->external_name;
    b->external_name = name;
    txn_commit(txn);
    assert_ptr_equal(model_find_external(&bench->model, "the disk 0"), b);
    assert_ptr_equal(model_find_external(&bench->model, "the disk 1"), a);
    undo_newest(bench);
    expect_same(bench, before);
}

static void test_volumes_without_pool(void **state)
{
    struct bench *bench = *state;
    struct txn *txn = txn_begin(&bench->model);
    struct resource *resource = edit_resource(bench, txn, "d0", "alpha");

    LIST_ADD(&resource->volumes, txn_arena(txn))->size_kib = 5; /* diskless */
    LIST_ADD(&resource->volumes, txn_arena(txn))->storage_pool = arena_strdup(txn_arena(txn), "not here");
    LIST_ADD(&resource->volumes, txn_arena(txn))->storage_pool = arena_strdup(txn_arena(txn), "Thin");
    txn_commit(txn);
    assert_int_equal(pool_on(bench, "alpha")->reserved_kib, 3 * 1024);
    assert_int_equal(pool_on(bench, "alpha")->volume_count, 4);
    assert_int_equal(pool_on(bench, "alpha")->resource_count, 3);
}

/* No transaction may do this, but records may say it. */
static void test_two_owners_of_an_external_name(void **state)
{
    struct bench *bench = *state;
    const struct resource_definition *d1 = model_find_definition(&bench->model, "d1");
    struct txn *txn = txn_begin(&bench->model);
    struct resource_definition *d0 = txn_edit(txn, model_find_definition(&bench->model, "d0"));

    d0->external_name = arena_strdup(txn_arena(txn), "the disk 1");
    txn_commit(txn);
    assert_ptr_equal(model_find_external(&bench->model, "the disk 1"), d1);
    txn = txn_begin(&bench->model);
    txn_delete(txn, d0);
    assert_ptr_equal(model_find_external(&bench->model, "the disk 1"), d1);
    txn_delete(txn, d1);
    assert_null(model_find_external(&bench->model, "the disk 1"));
    txn_abort(txn);
    assert_ptr_equal(model_find_external(&bench->model, "the disk 1"), d1);
}

/* Random transactions, each aborted, undone or kept; a model that only sees what was kept must look the same. */
static void random_change(struct bench *bench, struct txn *txn, unsigned *seed)
{
    const struct resource_definition *definition;
    char name[16];

    snprintf(name, sizeof(name), "D%d", rand_r(seed) % 6);
    definition = model_find_definition(&bench->model, name);
    if (!definition) {
        struct resource_definition *made = txn_new(txn, KIND_RESOURCE_DEFINITION, bench->model.controller,
                                                   model_find_group(&bench->model, "group"), name);

        made->name = arena_strdup(txn_arena(txn), name);
        made->resource_group = arena_strdup(txn_arena(txn), "group");
        made->external_name = rand_r(seed) % 2 ? arena_printf(txn_arena(txn), "of %s", name) : NULL;
        return;
    }
    switch (rand_r(seed) % 6) {
    case 0: txn_delete(txn, definition); return;
    case 1: {
        struct resource_definition *edited = txn_edit(txn, definition);

        edited->external_name = rand_r(seed) % 2 ? arena_printf(txn_arena(txn), "new %s", name) : NULL;
        return;
    }
    case 2: {
        const struct resource *resource = model_find_resource(definition, "bravo");

        if (resource)
            txn_delete(txn, resource);
        return;
    }
    default: {
        const char *node = rand_r(seed) % 2 ? "alpha" : "bravo";
        const struct resource *resource = model_find_resource(definition, node);
        struct resource *edited =
            resource ? txn_edit(txn, resource)
                     : txn_new(txn, KIND_RESOURCE, definition, model_find_node(&bench->model, node), NULL);
        struct volume *volume = LIST_ADD(&edited->volumes, txn_arena(txn));

        volume->number = (int32_t)edited->volumes.count;
        volume->size_kib = rand_r(seed) % 1000;
        volume->storage_pool = arena_strdup(txn_arena(txn), "thin");
        if (edited->volumes.count > 4)
            edited->volumes.count = 1;
        return;
    }
    }
}

static void expect_sums(const struct bench *bench, const char *node_name)
{
    const struct node *node = model_find_node(&bench->model, node_name);
    int64_t reserved = 0;
    uint32_t volumes = 0, resources = 0;

    child_for_each (resource, resource, &node->object, KIND_RESOURCE) {
        resources += resource->volumes.count > 0;
        volumes += resource->volumes.count;
        for (uint32_t i = 0; i < resource->volumes.count; i++)
            reserved += resource->volumes.at[i].size_kib;
    }
    assert_int_equal(pool_on(bench, node_name)->reserved_kib, reserved);
    assert_int_equal(pool_on(bench, node_name)->volume_count, volumes);
    assert_int_equal(pool_on(bench, node_name)->resource_count, resources);
}

static void test_random(void **state)
{
    struct bench *bench = *state;
    enum { ROUNDS = 2000, DEPTH = 8 };
    char *before[DEPTH];
    unsigned seed = 20260602;
    int pending = 0;

    print_message("seed %u\n", seed);
    for (int round = 0; round < ROUNDS; round++) {
        struct txn *txn = txn_begin(&bench->model);
        char *text = exact_text_of(bench);

        for (int i = rand_r(&seed) % 5; i >= 0; i--)
            random_change(bench, txn, &seed);
        if (rand_r(&seed) % 4 == 0) {
            txn_abort(txn);
            expect_same(bench, text);
        } else if (txn_commit(txn) == 0) {
            expect_same(bench, text);
        } else {
            before[pending++] = text;
        }
        expect_sums(bench, "alpha");
        expect_sums(bench, "bravo");
        if (pending < DEPTH)
            continue;
        for (pending = DEPTH; pending > 0; pending--) {
            if (round % 2 == 0) {
                undo_newest(bench);
                expect_same(bench, before[pending - 1]);
            } else {
                free(before[pending - 1]);
            }
        }
        make_durable(bench);
    }
    while (pending > 0)
        free(before[--pending]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pool_ends_after_its_volumes_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_edited_deleted_after_its_pool, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names_change_places, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_volumes_without_pool, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_two_owners_of_an_external_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_random, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
