/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal over the real store in a temporary directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/loop_uv.h"
#include "journal_session.h"

static void test_loads_what_was_stored(void **state)
{
    struct session session;

    begin_cluster(&session, *state, 5);
    set_prop(&session, "d1", "\"quotes\\\" and \xc3\xa9");
    delete_definition(&session, "d2");
    settle(&session);
    assert_int_equal(journal_durable(session.journal), 4);
    begin_again(&session, *state);
    assert_int_equal(session.unreadable_count, 0);
    assert_int_equal(session.model.generation, 4);
    assert_true(journal_is_idle(session.journal));
    end(&session);
}

static void test_uncommitted_is_lost(void **state)
{
    struct session session;
    char *before;

    begin_cluster(&session, *state, 1);
    before = text_of(&session);
    set_prop(&session, "d0", "never written"); /* the loop does not turn any more */
    assert_false(journal_is_idle(session.journal));
    end(&session);
    begin(&session, *state);
    expect_text(&session, before);
    end(&session);
}

/* Stopping in the middle of a write ends it, and touches nothing afterwards. */
static void test_closed_while_writing(void **state)
{
    for (int round = 0; round < 20; round++) {
        struct session session;
        char *text;

        begin(&session, *state);
        if (round == 0) {
            make_cluster(&session, 1);
            settle(&session);
        }
        set_prop(&session, "d0", round % 2 ? "odd" : "even");
        text = text_of(&session);
        uv_run(loop_uv(session.loop), UV_RUN_NOWAIT); /* the batch begins */
        delete_definition(&session, "d0");
        end(&session);
        begin(&session, *state);
        expect_text(&session, text);
        end(&session);
    }
}

static void test_generations_are_not_reused(void **state)
{
    struct session session;
    uint64_t generation;

    begin_cluster(&session, *state, 2);
    delete_definition(&session, "d1"); /* leaves no record with its generation */
    settle(&session);
    generation = session.model.generation;
    end(&session);
    begin(&session, *state);
    assert_int_equal(session.model.generation, generation);
    assert_int_equal(journal_durable(session.journal), generation);
    set_prop(&session, "d0", "x");
    assert_int_equal(session.model.generation, generation + 1);
    settle(&session);
    end(&session);
}

static void test_one_batch_for_many(void **state)
{
    struct session session;
    enum { MANY = 2000 };

    begin_cluster(&session, *state, 1);
    session.durable_events = 0;
    for (int i = 0; i < MANY; i++) {
        char value[16];

        snprintf(value, sizeof(value), "%d", i);
        set_prop(&session, "d0", value);
    }
    settle(&session);
    assert_int_equal(session.durable_events, 1);
    assert_int_equal(session.durable, session.model.generation);
    end(&session);
    begin(&session, *state);
    assert_string_equal(prop(&session, "d0"), "1999");
    end(&session);
}

static void test_map_grows(void **state)
{
    struct session session;
    enum { ROUNDS = 3, RECORDS = 60, SIZE = 128 * 1024 }; /* 7.5 MiB a batch; the first map has 16 MiB */
    char *large = memory_alloc(SIZE + 1);

    memset(large, 'x', SIZE);
    begin_cluster(&session, *state, RECORDS);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < RECORDS; i++) {
            char name[16];

            snprintf(name, sizeof(name), "d%d", i);
            large[0] = (char)('0' + round);
            set_prop(&session, name, large);
        }
        settle(&session);
        assert_int_equal(session.failures, 0);
    }
    begin_again(&session, *state);
    /* 40 MiB in one batch: grows more than once for one commit, and from a map that was not of the first size */
    for (int i = 0; i < 320; i++) {
        struct txn *txn = txn_begin(&session.model);
        struct resource_definition *made;
        char name[24];

        snprintf(name, sizeof(name), "LARGE%d", i);
        made = txn_new(txn, KIND_RESOURCE_DEFINITION, session.model.controller,
                       model_find_group(&session.model, "group"), name);
        made->name = name;
        made->resource_group = arena_strdup(txn_arena(txn), "group");
        text_map_set(&made->object.props, "Aux/value", large, txn_arena(txn));
        txn_commit(txn);
    }
    settle(&session);
    assert_int_equal(session.failures, 0);
    begin_again(&session, *state);
    end(&session);
    free(large);
}

static void test_one_controller_per_directory(void **state)
{
    struct session session;
    char why[256] = "";

    begin(&session, *state);
    assert_null(open_lmdb(*state, session.loop, why, sizeof(why)));
    assert_non_null(strstr(why, "in use by another"));
    make_cluster(&session, 1); /* the first is not disturbed */
    settle(&session);
    assert_int_equal(session.failures, 0);
    end(&session);
}

static void test_directory_cannot_be_made(void **state)
{
    struct loop *loop = loop_new();
    char why[256] = "";

    (void)state;
    assert_null(store_lmdb_open(loop, "/proc/no/such", journal_tables(), JOURNAL_TABLE_COUNT, why, sizeof(why)));
    assert_non_null(strstr(why, "/proc/no/such"));
    loop_free(loop);
}

/* More than any request may set: what is committed comes back, whatever it is. */
static void test_many_properties(void **state)
{
    struct session session;
    char key[16];
    struct txn *txn;
    struct node *node;

    begin(&session, *state);
    make_cluster(&session, 1);
    txn = txn_begin(&session.model);
    node = txn_edit(txn, model_find_node(&session.model, "alpha"));
    for (int i = 0; i < 3 * OBJECT_PROPS_LIMIT; i++) {
        snprintf(key, sizeof(key), "Aux/%05d", i);
        text_map_set(&node->object.props, key, "\x01\"\xc3\xa9", txn_arena(txn));
    }
    txn_commit(txn);
    settle(&session);
    begin_again(&session, *state);
    assert_int_equal(session.unreadable_count, 0);
    end(&session);
}

/* A file system of 4 MiB, mounted over the place's directory. */
static bool mount_small(const struct place *place)
{
    if (mount("tmpfs", place->directory, "tmpfs", 0, "size=4m") == 0)
        return true;
    print_message("skipped: a small file system cannot be mounted here\n");
    return false;
}

static void fill(const char *path)
{
    static char block[4096];
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    setvbuf(file, NULL, _IONBF, 0);
    while (fwrite(block, 1, sizeof(block), file) == sizeof(block))
        ;
    fclose(file);
}

static void test_disk_full(void **state)
{
    const struct place *place = *state;
    CLEANUP(memory_freep) char *filler = memory_printf("%s/filler", place->directory);
    struct session session;
    char large[64 * 1024] = "";
    char *before;

    if (!mount_small(place))
        skip();
    memset(large, 'x', sizeof(large) - 1);
    begin_cluster(&session, place, 20);
    fill(filler);
    before = text_of(&session);
    for (int again = 0; again < 3; again++) {
        for (int i = 0; i < 20; i++) {
            char name[16];

            snprintf(name, sizeof(name), "d%d", i);
            set_prop(&session, name, large);
        }
        settle(&session);
        assert_int_equal(session.failures, again + 1);
        assert_non_null(strstr(session.why, "No space left on device"));
        assert_non_null(strstr(session.why, place->directory));
        assert_true(journal_is_idle(session.journal));
        expect_objects(&session, before);
    }
    free(before);
    assert_int_equal(unlink(filler), 0);
    set_prop(&session, "d3", "room again");
    settle(&session);
    assert_int_equal(session.failures, 3);
    before = text_of(&session);
    end(&session);

    /* loading needs no room */
    fill(filler);
    begin(&session, place);
    expect_text(&session, before);
    end(&session);
    assert_int_equal(unlink(filler), 0);
    assert_int_equal(umount(place->directory), 0);
}

static void test_no_room_to_begin(void **state)
{
    const struct place *place = *state;
    CLEANUP(memory_freep) char *filler = memory_printf("%s/filler", place->directory);
    CLEANUP(memory_freep) char *db = memory_printf("%s/db", place->directory);
    struct loop *loop;
    char why[256] = "";

    if (!mount_small(place))
        skip();
    assert_int_equal(mkdir(db, 0700), 0);
    fill(filler);
    loop = loop_new();
    assert_null(open_lmdb(place, loop, why, sizeof(why)));
    assert_non_null(strstr(why, "No space left on device"));
    loop_free(loop);
    assert_int_equal(umount(place->directory), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_loads_what_was_stored, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_uncommitted_is_lost, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_closed_while_writing, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_generations_are_not_reused, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_one_batch_for_many, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_map_grows, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_one_controller_per_directory, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_directory_cannot_be_made, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_many_properties, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_disk_full, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_no_room_to_begin, make_place, remove_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
