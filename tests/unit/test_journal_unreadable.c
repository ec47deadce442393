/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records that nobody should have written: what is loaded beside them, and how they are put aside and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "journal_session.h"
#include "model/invariant.h"
#include "store/journal.h"
#include "store/quarantine.h"

static void raw_done(void *owner, int error, const char *why)
{
    (void)why;
    assert_int_equal(error, 0);
    loop_stop(owner);
}

/* Records as nobody should write them, beside good ones. */
static void put_raw(const struct place *place, const char *const (*records)[3], size_t count)
{
    struct loop *loop = loop_new();
    struct store_batch batch;
    char why[256] = "";
    struct store *store = open_lmdb(place, loop, why, sizeof(why));

    assert_non_null(store);
    store_batch_init(&batch);
    for (size_t i = 0; i < count; i++)
        store_batch_put(&batch, records[i][0], records[i][1], records[i][2], strlen(records[i][2]));
    store->backend->commit(store, &batch, raw_done, loop);
    loop_run(loop);
    store->backend->close(store);
    store_batch_done(&batch);
    loop_free(loop);
}

#define UUID "\"uuid\":\"7f3c2a52-0a2e-4c62-9f1b-0c8d1f0f7e11\""

static const char *const damaged_parent[][3] = {
    { "node", "BROKEN", "{\"v\":1,\"generation\":3" },
    { "net_interface", "BROKEN/DEFAULT", "{\"v\":1,\"generation\":3," UUID ",\"name\":\"default\"}" },
    { "storage_pool_definition", "THIN", "{\"v\":1,\"generation\":3," UUID ",\"name\":\"thin\"}" },
    { "storage_pool", "BROKEN/THIN", "{\"v\":1,\"generation\":3," UUID ",\"provider\":\"FILE_THIN\"}" },
    { "resource", "D0/BROKEN", "{\"v\":1,\"generation\":3," UUID "}" },
};
static const char *const mended_parent[][3] = {
    { "node", "BROKEN", "{\"v\":1,\"generation\":3," UUID ",\"name\":\"broken\",\"type\":\"SATELLITE\"}" },
};

static int make_damaged_place(void **state)
{
    struct session session;

    make_place(state);
    begin_cluster(&session, *state, 2);
    end(&session);
    put_raw(*state, damaged_parent, ARRAY_SIZE(damaged_parent));
    return 0;
}

static void test_unreadable(void **state)
{
    struct session session;
    static char long_key[512];
    const char *const damaged[][3] = {
        { "node", "alpha", "{\"v\":1,\"generation\":3," UUID ",\"name\":\"alpha\"}" }, /* key in lower case */
        { "node", "BROKEN", "{\"v\":1,\"generation\":3" },
        { "node", "NO_UUID", "{\"v\":1,\"generation\":3,\"name\":\"x\"}" },
        { "node", long_key, "" },
        { "net_interface", "BROKEN/DEFAULT", "{\"v\":1,\"generation\":3," UUID ",\"name\":\"default\"}" },
        { "storage_pool", "BROKEN/THIN", "{\"v\":1,\"generation\":3," UUID ",\"provider\":\"FILE_THIN\"}" },
        { "resource_definition", "LOST",
          "{\"v\":1,\"generation\":3," UUID ",\"name\":\"lost\",\"resource_group\":\"no\"}" },
        { "volume_definition", "LOST/00000", "{\"v\":1,\"generation\":3," UUID ",\"number\":0,\"size_kib\":4}" },
        { "resource", "D0/BROKEN", "{\"v\":1,\"generation\":3," UUID "}" },
        { "journal", "generation", "true" },
    };
    static const char *const expected[] = {
        "net_interface BROKEN/DEFAULT: the node 'BROKEN' that it belongs to cannot be read",
        "storage_pool BROKEN/THIN: the node 'BROKEN' that it belongs to cannot be read",
        "resource_definition LOST: there is no resource_group 'no'",
        "volume_definition LOST/00000: the resource_definition 'LOST' that it belongs to cannot b",
        "resource D0/BROKEN: the node 'BROKEN' that it belongs to cannot be read",
        "node NO_UUID: uuid: is missing",
        "journal generation: generation: expected a number",
    };

    memset(long_key, 'Z', 511);
    begin_cluster(&session, *state, 1);
    end(&session);
    put_raw(*state, damaged, ARRAY_SIZE(damaged));

    begin(&session, *state);
    assert_int_equal(session.unreadable_count, ARRAY_SIZE(damaged));
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        bool found = false;

        for (int j = 0; j < session.unreadable_count; j++)
            found = found || strncmp(session.unreadable[j], expected[i], strlen(expected[i])) == 0;
        if (!found)
            fail_msg("not told: %s", expected[i]);
    }
    /* the rest is there, nothing of the damaged ones is, and work goes on */
    assert_non_null(model_find_resource(model_find_definition(&session.model, "d0"), "bravo"));
    assert_int_equal(object_count(model_root(&session.model), KIND_NODE), 2);
    set_prop(&session, "d0", "after");
    settle(&session);
    assert_int_equal(session.failures, 0);
    edit_controller(&session);
    settle(&session);
    begin_again(&session, *state); /* they are where they were; what was written since has a generation of its own */
    assert_int_equal(session.unreadable_count, ARRAY_SIZE(damaged) - 1);
    end(&session);
}

static void test_children_come_back_with_their_parent(void **state)
{
    struct session session;
    const struct node *node;

    begin(&session, *state);
    assert_int_equal(session.unreadable_count, 4);
    assert_null(model_find_node(&session.model, "broken"));
    end(&session);
    put_raw(*state, mended_parent, ARRAY_SIZE(mended_parent));
    begin(&session, *state);
    assert_int_equal(session.unreadable_count, 0);
    node = model_find_node(&session.model, "broken");
    assert_non_null(node);
    assert_non_null(model_find_net_interface(node, "default"));
    assert_non_null(model_find_pool(node, "thin"));
    assert_non_null(model_find_resource(model_find_definition(&session.model, "d0"), "broken"));
    end(&session);
}

static enum invariant probe(struct session *session, void (*change)(struct session *session, struct txn *txn))
{
    struct txn *txn = txn_begin(&session->model);
    struct invariant_problem problem = { 0 };
    struct arena arena = { 0 };
    enum invariant broken;

    change(session, txn);
    broken = invariant_check(&session->model, txn, &arena, &problem);
    assert_int_equal(broken != INVARIANT_HOLDS, problem.message != NULL);
    txn_abort(txn);
    arena_done(&arena);
    return broken;
}

static void make_broken_node(struct session *session, struct txn *txn)
{
    txn_new(txn, KIND_NODE, model_root(&session->model), NULL, "BROKEN");
}

static void make_good_node(struct session *session, struct txn *txn)
{
    txn_new(txn, KIND_NODE, model_root(&session->model), NULL, "GOOD");
}

static void delete_its_definition(struct session *session, struct txn *txn)
{
    txn_delete(txn, model_find_definition(&session->model, "d0"));
}

static void begin_to_delete_its_definition(struct session *session, struct txn *txn)
{
    struct resource_definition *definition = txn_edit(txn, model_find_definition(&session->model, "d0"));

    definition->object.flags |= RESOURCE_DEFINITION_DELETE;
}

static void delete_another_definition(struct session *session, struct txn *txn)
{
    txn_delete(txn, model_find_definition(&session->model, "d1"));
}

static void test_names_of_unreadable_records(void **state)
{
    struct session session;

    begin(&session, *state);
    assert_int_equal(probe(&session, make_broken_node), INVARIANT_NAME_IS_TAKEN);
    assert_int_equal(probe(&session, make_good_node), INVARIANT_HOLDS);
    assert_int_equal(probe(&session, delete_its_definition), INVARIANT_IS_NEEDED);
    assert_int_equal(probe(&session, begin_to_delete_its_definition), INVARIANT_IS_NEEDED);
    assert_int_equal(probe(&session, delete_another_definition), INVARIANT_HOLDS);
    end(&session);
}

/* Not one byte may change by a start that does not succeed. */
static void expect_refusal(const struct place *place, const char *const (*record)[3], const char *expected)
{
    struct loop *loop = loop_new();
    struct session session = { .loop = loop };
    CLEANUP(memory_freep) char *path = memory_printf("%s/db/data.mdb", place->directory);
    CLEANUP(buf_done) struct buf before = { 0 }, after = { 0 };
    char why[512] = "";

    put_raw(place, record, 1);
    assert_int_equal(text_read_file(path, 1 << 28, &before), 0);
    model_init(&session.model);
    assert_int_equal(journal_open(&session.journal, loop, &session.model, open_lmdb(place, loop, why, sizeof(why)),
                                  &session_events, &session, why, sizeof(why)),
                     -1);
    if (!strstr(why, expected))
        fail_msg("%s", why);
    model_done(&session.model);
    loop_free(loop);
    assert_int_equal(text_read_file(path, 1 << 28, &after), 0);
    assert_int_equal(after.length, before.length);
    assert_memory_equal(after.data, before.data, before.length);
}

static void test_newer_store(void **state)
{
    const char *const newer[][3] = { { "node", "FUTURE", "{\"v\":2,\"generation\":3," UUID ",\"name\":\"future\"}" } };
    struct session session;

    begin_cluster(&session, *state, 1);
    end(&session);
    expect_refusal(*state, newer, "written by a newer version of the program: node 'FUTURE': record version 2");
}

static void test_unreadable_controller(void **state)
{
    const char *const damaged[][3] = { { "controller", "controller",
                                         "{\"v\":1,\"generation\":3," UUID ",\"props\":[]}" } };

    expect_refusal(*state, damaged, "the record of the controller");
}

static char *act(const struct place *place, enum quarantine_act what)
{
    struct loop *loop = loop_new();
    char why[512] = "", *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (quarantine_run(loop, open_lmdb(place, loop, why, sizeof(why)), what, out, why, sizeof(why)) != 0)
        fail_msg("%s", why);
    fclose(out);
    loop_free(loop);
    return text;
}

static void expect_act(const struct place *place, enum quarantine_act what, const char *expected)
{
    char *said = act(place, what);

    assert_string_equal(said, expected);
    free(said);
}

static void test_putting_aside_and_back(void **state)
{
    struct session session;

    expect_act(*state, QUARANTINE_PUT_ASIDE,
               "put aside: node/BROKEN: line 1: not a JSON value\n"
               "put aside: net_interface/BROKEN/DEFAULT: the node 'BROKEN' that it belongs to cannot be read\n"
               "put aside: storage_pool/BROKEN/THIN: the node 'BROKEN' that it belongs to cannot be read\n"
               "put aside: resource/D0/BROKEN: the node 'BROKEN' that it belongs to cannot be read\n");
    expect_act(*state, QUARANTINE_LIST,
               "aside: net_interface/BROKEN/DEFAULT\naside: node/BROKEN\naside: resource/D0/BROKEN\n"
               "aside: storage_pool/BROKEN/THIN\n");
    begin(&session, *state);
    assert_int_equal(session.unreadable_count, 0);
    end(&session);
    put_raw(*state, mended_parent, ARRAY_SIZE(mended_parent));
    expect_act(*state, QUARANTINE_RESTORE,
               "put back: net_interface/BROKEN/DEFAULT\nstays aside: node/BROKEN: there is a record of that name\n"
               "put back: resource/D0/BROKEN\nput back: storage_pool/BROKEN/THIN\n");
    begin(&session, *state);
    assert_int_equal(session.unreadable_count, 0);
    assert_non_null(model_find_pool(model_find_node(&session.model, "broken"), "thin"));
    end(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_unreadable, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_children_come_back_with_their_parent, make_damaged_place, remove_place),
        cmocka_unit_test_setup_teardown(test_names_of_unreadable_records, make_damaged_place, remove_place),
        cmocka_unit_test_setup_teardown(test_newer_store, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_unreadable_controller, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_putting_aside_and_back, make_damaged_place, remove_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
