/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal over a store in memory that fails, waits and crashes as told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/loop_uv.h"
#include "base/text.h"
#include "journal_session.h"
#include "store/journal.h"
#include "store_memory.h"

struct fake {
    struct memory_disk *disk;
    struct session session;
};

static void look(void *owner)
{
    struct fake *fake = owner;

    if (memory_disk_is_holding(fake->disk) || journal_is_idle(fake->session.journal))
        loop_stop(fake->session.loop);
}

/* Until the disk holds a commit or nothing is to be written. */
static void run_until_held(struct fake *fake)
{
    struct timer *timer = timer_new(fake->session.loop, look, fake);

    timer_start(fake->session.guard, 20000, 0);
    timer_start(timer, 0, 1);
    loop_run(fake->session.loop);
    timer_stop(fake->session.guard);
    timer_free(timer);
}

static void stop(void *owner)
{
    loop_stop(owner);
}

static void pass_time(struct session *session, int64_t ms)
{
    struct timer *timer = timer_new(session->loop, stop, session->loop);

    timer_start(timer, ms, 0);
    loop_run(session->loop);
    timer_free(timer);
}

static void begin_fake(struct fake *fake)
{
    struct loop *loop = loop_new();

    begin_on(&fake->session, loop, store_memory_open(fake->disk, loop));
}

static int make_fake(void **state)
{
    struct fake *fake = memory_alloc(sizeof(*fake));

    fake->disk = memory_disk_new();
    begin_fake(fake);
    make_cluster(&fake->session, 4);
    settle(&fake->session);
    *state = fake;
    return 0;
}

static int free_fake(void **state)
{
    struct fake *fake = *state;

    end(&fake->session);
    memory_disk_free(fake->disk);
    free(fake);
    return 0;
}

static void crash(struct fake *fake, bool written)
{
    memory_disk_crash(fake->disk, written);
    end(&fake->session);
    memory_disk_set_mood(fake->disk, DISK_WRITES);
    begin_fake(fake);
}

static void test_gathers_while_writing(void **state)
{
    struct fake *fake = *state;
    uint64_t commits = memory_disk_commits(fake->disk), first;

    memory_disk_set_mood(fake->disk, DISK_HOLDS);
    set_prop(&fake->session, "d0", "first");
    first = fake->session.model.generation;
    run_until_held(fake);
    assert_true(memory_disk_is_holding(fake->disk));
    for (int i = 0; i < 100; i++)
        set_prop(&fake->session, "d1", i % 2 ? "odd" : "even");
    run_until_held(fake);
    assert_int_equal(fake->session.durable, first - 1);
    memory_disk_finish(fake->disk, 0);
    run_until_held(fake);
    assert_int_equal(fake->session.durable, first);
    assert_true(memory_disk_is_holding(fake->disk)); /* all hundred */
    memory_disk_finish(fake->disk, 0);
    settle(&fake->session);
    assert_int_equal(fake->session.durable, first + 100);
    assert_int_equal(memory_disk_commits(fake->disk), commits + 2);
}

static void test_failure_undoes_all(void **state)
{
    struct fake *fake = *state;
    struct session *session = &fake->session;
    char *before = text_of(session);
    uint64_t durable = session->durable, generation;
    int changes;

    memory_disk_set_mood(fake->disk, DISK_HOLDS);
    set_prop(session, "d0", "first");
    run_until_held(fake);
    delete_definition(session, "d0"); /* what the first changed, in the batch after it */
    {
        struct txn *txn = txn_begin(&session->model);
        struct resource_definition *again = txn_new(txn, KIND_RESOURCE_DEFINITION, session->model.controller,
                                                    model_find_group(&session->model, "group"), "D0");

        again->name = arena_strdup(txn_arena(txn), "d0");
        again->resource_group = arena_strdup(txn_arena(txn), "group");
        txn_delete(txn, model_find_node(&session->model, "alpha"));
        txn_commit(txn);
    }
    set_prop(session, "d0", "second");
    changes = session->changes;
    generation = session->model.generation;
    memory_disk_finish(fake->disk, -28);
    settle(session);
    assert_int_equal(session->failures, 1);
    assert_string_equal(session->why, "No space left on device");
    assert_int_equal(session->undone, session->changes - changes); /* each undone change is told */
    assert_true(session->undone > 5);
    assert_int_equal(session->durable, durable);
    assert_true(journal_is_idle(session->journal));
    assert_int_equal(session->model.generation, generation); /* those generations were seen: never again */
    expect_objects(session, before);
    free(before);

    memory_disk_set_mood(fake->disk, DISK_WRITES);
    set_prop(session, "d0", "third");
    settle(session);
    assert_int_equal(session->durable, generation + 1);
    before = text_of(session);
    crash(fake, false);
    expect_text(&fake->session, before);
}

static void test_failing_for_long(void **state)
{
    struct fake *fake = *state;
    struct session *session = &fake->session;
    char *before = text_of(session);
    size_t records = memory_disk_records(fake->disk);

    memory_disk_set_mood(fake->disk, DISK_FAILS);
    for (int i = 0; i < 50; i++) {
        if (i % 2)
            set_prop(session, "d1", "x");
        else
            delete_definition(session, "d1");
        settle(session);
        assert_int_equal(session->failures, i + 1);
    }
    expect_objects(session, before);
    free(before);
    assert_int_equal(memory_disk_records(fake->disk), records);
}

static void test_crash_before_and_after_the_write(void **state)
{
    struct fake *fake = *state;

    for (int written = 0; written < 2; written++) {
        char *before = text_of(&fake->session);

        memory_disk_set_mood(fake->disk, DISK_HOLDS);
        set_prop(&fake->session, "d2", "in flight");
        run_until_held(fake);
        if (written) {
            free(before);
            before = text_of(&fake->session);
        }
        set_prop(&fake->session, "d3", "gathering");
        crash(fake, written);
        expect_text(&fake->session, before);
    }
}

static void test_slow_disk(void **state)
{
    struct fake *fake = *state;

    memory_disk_set_delay(fake->disk, 20);
    for (int i = 0; i < 5; i++) {
        set_prop(&fake->session, "d0", i % 2 ? "odd" : "even");
        pass_time(&fake->session, 5);
    }
    settle(&fake->session);
    assert_int_equal(fake->session.durable, fake->session.model.generation);
    assert_int_equal(fake->session.failures, 0);
}

static void random_commit(struct session *session, unsigned *seed)
{
    struct txn *txn = txn_begin(&session->model);
    char name[8];
    const struct resource_definition *definition;

    snprintf(name, sizeof(name), "D%d", rand_r(seed) % 8);
    definition = model_find_definition(&session->model, name);
    if (!definition) {
        struct resource_definition *made = txn_new(txn, KIND_RESOURCE_DEFINITION, session->model.controller,
                                                   model_find_group(&session->model, "group"), name);

        made->name = arena_strdup(txn_arena(txn), name);
        made->resource_group = arena_strdup(txn_arena(txn), "group");
        txn_new(txn, KIND_RESOURCE, made, model_find_node(&session->model, "bravo"), NULL);
    } else if (rand_r(seed) % 3 == 0) {
        txn_delete(txn, definition);
    } else {
        struct resource_definition *edited = txn_edit(txn, definition);

        text_map_set(&edited->object.props, "Aux/value", rand_r(seed) % 2 ? "a" : "b", txn_arena(txn));
    }
    txn_commit(txn);
}

/* Whatever fails and crashes, a session after a crash sees exactly what the one before it called durable, or what was
 * under way beside it. */
static void test_random_faults(void **state)
{
    struct fake *fake = *state;
    unsigned seed = 20260603;
    char *durable = text_of(&fake->session), *under_way = NULL;

    print_message("seed %u\n", seed);
    for (int round = 0; round < 400; round++) {
        struct session *session = &fake->session;
        int failures = session->failures;

        switch (rand_r(&seed) % 4) {
        case 0: memory_disk_set_mood(fake->disk, DISK_FAILS); break;
        case 1: memory_disk_set_mood(fake->disk, DISK_HOLDS); break;
        default: memory_disk_set_mood(fake->disk, DISK_WRITES); break;
        }
        for (int i = rand_r(&seed) % 4; i >= 0; i--)
            random_commit(session, &seed);
        under_way = text_of(session);
        run_until_held(fake);
        if (memory_disk_is_holding(fake->disk)) {
            bool written = rand_r(&seed) % 2;

            random_commit(session, &seed);
            crash(fake, written);
            expect_objects(&fake->session, written ? under_way : durable);
        } else if (session->failures > failures) {
            expect_objects(session, durable);
        } else {
            settle(session);
            expect_objects(session, under_way);
        }
        free(under_way);
        free(durable);
        durable = text_of(&fake->session);
    }
    free(durable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_gathers_while_writing, make_fake, free_fake),
        cmocka_unit_test_setup_teardown(test_failure_undoes_all, make_fake, free_fake),
        cmocka_unit_test_setup_teardown(test_failing_for_long, make_fake, free_fake),
        cmocka_unit_test_setup_teardown(test_crash_before_and_after_the_write, make_fake, free_fake),
        cmocka_unit_test_setup_teardown(test_slow_disk, make_fake, free_fake),
        cmocka_unit_test_setup_teardown(test_random_faults, make_fake, free_fake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
