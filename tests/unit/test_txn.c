/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What transactions change, and take back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "txn_bench.h"

static void test_new(void **state)
{
    struct bench *bench = *state;
    uint64_t before = bench->model.generation, generation;
    struct txn *txn = txn_begin(&bench->model);
    struct node *node = txn_new(txn, KIND_NODE, bench->model.controller, NULL, "CHARLIE");

    node->name = arena_strdup(txn_arena(txn), "Charlie");
    assert_ptr_equal(model_find_node(&bench->model, "charlie"), node);
    assert_false(txn_is_empty(txn));
    generation = txn_commit(txn);
    assert_int_equal(generation, before + 1);
    assert_int_equal(model_find_node(&bench->model, "CHARLIE")->object.generation, generation);
    assert_string_equal(model_find_node(&bench->model, "charlie")->name, "Charlie");
    assert_int_equal(strlen(node->object.uuid), 36);
    assert_int_equal(object_count(model_root(&bench->model), KIND_NODE), 3);
}

static void test_edit_is_packed(void **state)
{
    struct bench *bench = *state;
    struct txn *txn = txn_begin(&bench->model);
    struct node *node = txn_edit(txn, model_find_node(&bench->model, "alpha"));
    char elsewhere[] = "value on the stack";

    assert_ptr_equal(txn_edit(txn, &node->object), node);
    text_map_set(&node->object.props, "Aux/b", "1", txn_arena(txn));
    text_map_set(&node->object.props, "Aux/a", "2", txn_arena(txn));
    node->object.props.at[0].value = elsewhere;
    assert_int_not_equal(txn_commit(txn), 0);
    memset(elsewhere, 'x', sizeof(elsewhere) - 1);
    assert_string_equal(text_map_find(&node->object.props, "Aux/a"), "value on the stack");
    assert_string_equal(text_map_find(&node->object.props, "Aux/b"), "1");
}

static void test_no_ops_are_dropped(void **state)
{
    struct bench *bench = *state;
    uint64_t generation = bench->model.generation;
    char *before = exact_text_of(bench);
    struct txn *txn = txn_begin(&bench->model);
    struct node *node = txn_edit(txn, model_find_node(&bench->model, "alpha"));
    struct resource *resource = edit_resource(bench, txn, "d0", "bravo");

    node->name = arena_strdup(txn_arena(txn), "alpha");
    text_map_set(&node->object.props, "k", "v", txn_arena(txn));
    text_map_remove(&node->object.props, "k");
    resource->object.flags |= RESOURCE_DELETE;
    resource->object.flags &= ~(uint64_t)RESOURCE_DELETE;
    assert_int_equal(txn_commit(txn), 0);
    assert_null(bench->newest);
    assert_int_equal(bench->model.generation, generation);
    assert_null(node->object.change);
    expect_same(bench, before);

    /* one of two edits remains, and can be edited again */
    txn = txn_begin(&bench->model);
    txn_edit(txn, &node->object);
    edit_resource(bench, txn, "d0", "bravo")->object.flags |= RESOURCE_DELETE;
    assert_int_equal(txn_commit(txn), generation + 1);
    assert_int_not_equal(node->object.generation, generation + 1);
    assert_ptr_equal(bench->newest->changes->object, resource);
    assert_null(bench->newest->changes->next);
}

static void test_delete_takes_the_tree(void **state)
{
    struct bench *bench = *state;
    struct txn *txn = txn_begin(&bench->model);
    const struct resource_definition *definition = model_find_definition(&bench->model, "d1");

    expect_pool(bench, "alpha", "thin", 3 * 1024, 3);
    txn_delete(txn, definition);
    assert_null(model_find_definition(&bench->model, "D1"));
    assert_null(model_find_external(&bench->model, "the disk 1"));
    txn_commit(txn);
    expect_pool(bench, "alpha", "thin", 2 * 1024, 2);
    expect_pool(bench, "bravo", "thin", 2 * 1024, 2);
    assert_int_equal(object_count(&model_find_node(&bench->model, "alpha")->object, KIND_RESOURCE), 2);
    assert_string_equal(definition->name, "d1"); /* readable until durable */

    txn = txn_begin(&bench->model);
    txn_delete(txn, model_find_node(&bench->model, "alpha"));
    txn_commit(txn);
    assert_int_equal(object_count(&model_find_definition(&bench->model, "d0")->object, KIND_RESOURCE), 1);
    assert_int_equal(object_count(&model_find_pool_definition(&bench->model, "thin")->object, KIND_STORAGE_POOL), 1);
}

static void change_much(struct bench *bench, struct txn *txn)
{
    struct arena *arena = txn_arena(txn);
    struct resource_definition *definition = txn_edit(txn, model_find_definition(&bench->model, "d0"));
    struct resource_group *other = txn_new(txn, KIND_RESOURCE_GROUP, bench->model.controller, NULL, "OTHER");
    struct resource *resource;

    other->name = arena_strdup(arena, "other");
    definition->external_name = arena_strdup(arena, "renamed");
    txn_move(txn, definition, other);
    definition->resource_group = arena_strdup(arena, "other");
    resource = edit_resource(bench, txn, "d0", "alpha");
    resource->volumes.at[0].size_kib = 4096;
    LIST_ADD(&resource->volumes, arena)->number = 1;
    resource->volumes.at[1].storage_pool = arena_strdup(arena, "thin");
    resource->volumes.at[1].size_kib = 10;
    edit_resource(bench, txn, "d1", "alpha")->object.flags |= RESOURCE_DELETE; /* edited, then deleted with its tree */
    txn_delete(txn, model_find_definition(&bench->model, "d1"));
    definition = txn_new(txn, KIND_RESOURCE_DEFINITION, bench->model.controller, other, "D1"); /* and made anew */
    definition->name = arena_strdup(arena, "D1");
    definition->external_name = arena_strdup(arena, "the disk 1");
    definition->resource_group = arena_strdup(arena, "other");
    txn_new(txn, KIND_VOLUME_DEFINITION, definition, NULL, "00007");
    txn_delete(txn, model_find_node(&bench->model, "bravo"));
}

static void test_abort_restores(void **state)
{
    struct bench *bench = *state;
    char *before = exact_text_of(bench);
    struct txn *txn = txn_begin(&bench->model);

    change_much(bench, txn);
    txn_abort(txn);
    assert_null(bench->newest);
    assert_false(bench->model.in_transaction);
    expect_same(bench, before);
    txn_abort(NULL);
}

static void test_undo_restores(void **state)
{
    struct bench *bench = *state;
    char *before = exact_text_of(bench);
    struct txn *txn = txn_begin(&bench->model);

    change_much(bench, txn);
    txn_commit(txn);
    assert_ptr_equal(model_find_external(&bench->model, "renamed"), model_find_definition(&bench->model, "d0"));
    assert_string_equal(model_find_external(&bench->model, "the disk 1")->name, "D1");
    assert_int_equal(pool_on(bench, "alpha")->reserved_kib, 4096 + 10 + 1024);
    assert_int_equal(pool_on(bench, "alpha")->volume_count, 3);
    assert_int_equal(pool_on(bench, "alpha")->resource_count, 2);
    undo_newest(bench);
    expect_same(bench, before);
}

static void test_undo_of_several(void **state)
{
    struct bench *bench = *state;
    enum { COMMITS = 6 };
    char *before[COMMITS];
    struct txn *txn;

    for (int i = 0; i < COMMITS; i++) {
        struct arena *arena;

        before[i] = exact_text_of(bench);
        txn = txn_begin(&bench->model);
        arena = txn_arena(txn);
        switch (i) {
        case 0: {
            struct resource_definition *definition = txn_edit(txn, model_find_definition(&bench->model, "d0"));

            text_map_set(&definition->object.props, "Aux/x", "first", arena);
            definition->external_name = NULL;
            break;
        }
        case 1: {
            struct resource_definition *definition = txn_edit(txn, model_find_definition(&bench->model, "d0"));

            text_map_set(&definition->object.props, "Aux/x", "second", arena);
            definition->external_name = arena_strdup(arena, "again");
            edit_resource(bench, txn, "d0", "alpha")->volumes.at[0].size_kib = 77;
            break;
        }
        case 2: txn_delete(txn, model_find_definition(&bench->model, "d0")); break;
        case 3: change_much(bench, txn); break;
        case 4: txn_delete(txn, model_find_node(&bench->model, "alpha")); break;
        default: txn_delete(txn, model_find_group(&bench->model, "group")); break;
        }
        if (i == 2) { /* so that change_much() finds what it needs */
            struct resource_definition *definition = txn_new(txn, KIND_RESOURCE_DEFINITION, bench->model.controller,
                                                             model_find_group(&bench->model, "group"), "D0");
            struct resource *resource =
                txn_new(txn, KIND_RESOURCE, definition, model_find_node(&bench->model, "alpha"), NULL);
            struct volume *volume = LIST_ADD(&resource->volumes, arena);

            definition->name = arena_strdup(arena, "D0");
            definition->resource_group = arena_strdup(arena, "group");
            volume->storage_pool = arena_strdup(arena, "THIN");
            volume->size_kib = 5;
        }
        assert_int_not_equal(txn_commit(txn), 0);
    }
    for (int i = COMMITS - 1; i >= 0; i--) {
        undo_newest(bench);
        expect_same(bench, before[i]);
    }
    assert_null(bench->newest);
}

static void test_made_and_deleted(void **state)
{
    struct bench *bench = *state;
    char *before = exact_text_of(bench);
    struct txn *txn = txn_begin(&bench->model);
    struct node *node = txn_new(txn, KIND_NODE, bench->model.controller, NULL, "CHARLIE");

    txn_new(txn, KIND_NET_INTERFACE, node, NULL, "A");
    txn_new(txn, KIND_NET_INTERFACE, node, NULL, "B");
    txn_delete(txn, node);
    assert_true(txn_is_empty(txn));
    /* the list's end is right after the last was taken out */
    node = txn_new(txn, KIND_NODE, bench->model.controller, NULL, "CHARLIE");
    assert_false(txn_is_empty(txn));
    txn_delete(txn, node);
    assert_int_equal(txn_commit(txn), 0);
    expect_same(bench, before);
}

static void test_deleted_and_made_anew(void **state)
{
    struct bench *bench = *state;
    char *before = exact_text_of(bench);
    struct txn *txn = txn_begin(&bench->model);
    const struct resource_definition *definition = model_find_definition(&bench->model, "d0");
    const struct resource *resource = model_find_resource(definition, "alpha");
    struct resource *again;

    txn_delete(txn, resource);
    again = txn_new(txn, KIND_RESOURCE, definition, model_find_node(&bench->model, "alpha"), NULL);
    LIST_ADD(&again->volumes, txn_arena(txn))->size_kib = 1;
    again->volumes.at[0].storage_pool = arena_strdup(txn_arena(txn), "Thin");
    txn_commit(txn);
    expect_pool(bench, "alpha", "thin", 2 * 1024 + 1, 3);
    undo_newest(bench);
    expect_same(bench, before);
    expect_pool(bench, "alpha", "thin", 3 * 1024, 3);
}

static void test_move(void **state)
{
    struct bench *bench = *state;
    struct txn *txn = txn_begin(&bench->model);
    struct resource_group *other = txn_new(txn, KIND_RESOURCE_GROUP, bench->model.controller, NULL, "OTHER");
    const struct resource_definition *definition = model_find_definition(&bench->model, "d0");
    char *before;

    other->name = arena_strdup(txn_arena(txn), "other");
    txn_commit(txn);
    before = exact_text_of(bench);

    txn = txn_begin(&bench->model);
    txn_move(txn, definition, other);
    assert_int_equal(object_count(&other->object, KIND_RESOURCE_DEFINITION), 1);
    txn_move(txn, definition, model_find_group(&bench->model, "group")); /* there and back is nothing */
    assert_int_equal(txn_commit(txn), 0);
    expect_same(bench, before);

    before = exact_text_of(bench);
    txn = txn_begin(&bench->model);
    txn_move(txn, definition, other);
    txn_delete(txn, definition);
    txn_abort(txn);
    expect_same(bench, before);
    assert_int_equal(object_count(&other->object, KIND_RESOURCE_DEFINITION), 0);
}

static void test_numbers_sort(void **state)
{
    struct bench *bench = *state;
    static const int32_t numbers[] = { 65535, 9, 10, 0 };
    struct txn *txn = txn_begin(&bench->model);
    int32_t last = -1;

    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        char key[OBJECT_KEY_SIZE];
        struct volume_group *volume;

        model_number_key(numbers[i], key);
        if (numbers[i] == 0)
            continue; /* is there */
        volume = txn_new(txn, KIND_VOLUME_GROUP, model_find_group(&bench->model, "group"), NULL, key);
        volume->number = numbers[i];
    }
    txn_commit(txn);
    child_for_each (volume_group, volume, &model_find_group(&bench->model, "group")->object, KIND_VOLUME_GROUP) {
        assert_true(volume->number > last);
        last = volume->number;
    }
    assert_int_equal(last, 65535);
}

static void test_long_names_are_absent(void **state)
{
    struct bench *bench = *state;
    char name[2 * OBJECT_KEY_SIZE];

    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_null(model_find_node(&bench->model, name));
    assert_null(model_find_definition(&bench->model, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_new, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_edit_is_packed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_ops_are_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_delete_takes_the_tree, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_abort_restores, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_undo_restores, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_undo_of_several, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_made_and_deleted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deleted_and_made_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_move, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_numbers_sort, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_names_are_absent, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
