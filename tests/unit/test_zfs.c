/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is read from zfs and zpool, and what of it becomes facts. */
#include "drivers/zfs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"

/* name type used available referenced volsize volblocksize quota refreservation origin clones defer_destroy uuid mark
 * void */
#define TANK     "tank\tfilesystem\t1048576\t9437184\t24576\t-\t-\t0\t0\t-\t-\t-\t-\t-\t-\n"
#define SMALL    "tank/small\tfilesystem\t1048576\t1048576\t24576\t-\t-\t4194304\t0\t-\t-\t-\t-\t-\t-\n"
#define DB       "tank/db_00000\tvolume\t4194304\t9437184\t12288\t4194304\t16384\t-\t4194304\t-\t-\t-\tU\t-\t-\n"
#define MONDAY   "tank/db_00000@monday\tsnapshot\t0\t-\t8192\t4194304\t-\t-\t-\t-\ttank/copy_00000\toff\tS\t-\t-\n"
#define FOREIGN  "tank/db_00000@auto\tsnapshot\t0\t-\t8192\t4194304\t-\t-\t-\t-\t\toff\tU\t-\t-\n"
#define COPY     "tank/copy_00000\tvolume\t0\t9437184\t8192\t4194304\t16384\t-\t0\ttank/db_00000@monday\t-\t-\tC\t-\t-\n"
#define KEPT     "tank/_deleted_old_00000_X\tvolume\t0\t1\t0\t4194304\t16384\t-\t0\t-\t-\t-\tO\ttrue\t-\n"
#define KEPT_TUE "tank/_deleted_old_00000_X@tuesday\tsnapshot\t0\t-\t0\t4194304\t-\t-\t-\t-\t-\toff\tT\ttrue\t-\n"
#define KEPT_BAD                                                                                                       \
    "tank/_deleted_old_00000_X@_deleted_wednesday_1\tsnapshot\t0\t-\t0\t4194304\t-\t-\t-\t-\ta,b\ton\tT\ttrue\t-\n"
#define OTHER  "tank/notours\tvolume\t0\t1\t0\t4194304\t16384\t-\t0\t-\t-\t-\t-\t-\t-\n"
#define DEEPER "tank/small/db_00000\tvolume\t0\t1\t0\t4194304\t16384\t-\t0\t-\t-\t-\t-\t-\t-\n"

struct world {
    struct arena arena;
    struct facts facts;
    struct trouble trouble;
};

static int read_as(struct world *world, const char *topic, const char *dataset, const char *output,
                   const char *complaint, int exit_code)
{
    struct step step = { .kind = STEP_EXEC };
    struct outcome outcome = { .result = OUTCOME_DONE, .exit_code = exit_code };

    step.topic = arena_strdup(&world->arena, topic);
    step.what = arena_strdup(&world->arena, "look");
    text_list_add(&step.argv, "zfs", &world->arena);
    text_list_add(&step.pools, "pool", &world->arena);
    text_list_add(&step.paths, dataset, &world->arena);
    outcome.output = arena_strdup(&world->arena, output);
    outcome.complaint = arena_strdup(&world->arena, complaint);
    return zfs_read_outcome(&step, &outcome, world->facts.stamp, &world->facts, &world->arena, &world->trouble);
}

static void end(struct world *world)
{
    facts_done(&world->facts);
    arena_done(&world->arena);
}

static const struct storage_fact *fact(struct world *world, const char *identifier)
{
    const struct storage_fact *found = facts_find_volume(&world->facts, "pool", identifier);

    assert_non_null(found);
    return found;
}

static void test_volumes(void **state)
{
    struct world world = { 0 };

    (void)state;
    assert_int_equal(
        read_as(&world, ZFS_LIST, "tank", TANK KEPT KEPT_BAD KEPT_TUE COPY DB FOREIGN MONDAY OTHER SMALL DEEPER, "", 0),
        0);
    assert_int_equal(facts_find_pool(&world.facts, "pool")->free_kib, 9216);
    assert_int_equal(facts_find_pool(&world.facts, "pool")->total_kib, 10240);
    assert_string_equal(fact(&world, "db_00000")->backing, "tank/db_00000");
    assert_string_equal(fact(&world, "db_00000")->owner, "U");
    assert_int_equal(fact(&world, "db_00000")->size_kib, 4096);
    assert_int_equal(fact(&world, "db_00000")->allocated_kib, 4096);
    assert_int_equal(fact(&world, "db_00000")->granularity_kib, 16);
    assert_int_equal(fact(&world, "db_00000")->dependents, 2);
    assert_int_equal(fact(&world, "db_00000_monday")->dependents, 1);
    assert_true(fact(&world, "db_00000_monday")->is_snapshot);
    assert_string_equal(fact(&world, "db_00000_monday")->origin, "db_00000");
    assert_int_equal(fact(&world, "db_00000_auto")->dependents, 0);
    assert_string_equal(fact(&world, "copy_00000")->origin, "db_00000_monday");
    assert_int_equal(fact(&world, "copy_00000")->allocated_kib, 8);
    assert_true(fact(&world, "_deleted_old_X_00000")->is_doomed);
    assert_int_equal(fact(&world, "_deleted_old_X_00000")->dependents, 2);
    assert_false(fact(&world, "old_00000_tuesday")->is_doomed); /* the mark is its volume's */
    assert_string_equal(fact(&world, "old_00000_tuesday")->origin, "_deleted_old_X_00000");
    assert_true(fact(&world, "old_00000__deleted_wednesday_1")->is_doomed);
    assert_int_equal(fact(&world, "old_00000__deleted_wednesday_1")->dependents, 2);
    assert_null(facts_find_volume(&world.facts, "pool", "notours"));
    end(&world);
}

/* The mark of the zvol shows in all its snapshots, and says nothing of them. */
static void test_void(void **state)
{
    static const char row[] = "tank/db_00000%s\t%s\t0\t-\t8192\t4194304\t-\t-\t-\t-\t\toff\tS\t-\t%s\n";
    struct world world = { 0 };
    char *zvol = arena_printf(&world.arena, row, "", "volume", "true");
    char *snapshot = arena_printf(&world.arena, row, "@monday", "snapshot", "true");

    (void)state;
    assert_int_equal(read_as(&world, ZFS_LIST, "tank", arena_printf(&world.arena, "%s%s%s", TANK, DB, snapshot), "", 0),
                     0);
    assert_true(fact(&world, "db_00000_monday")->is_void);
    assert_false(fact(&world, "db_00000")->is_void);
    assert_int_equal(
        read_as(&world, ZFS_LIST, "tank", arena_printf(&world.arena, "%s%s%s", TANK, zvol, snapshot), "", 0), 0);
    assert_false(fact(&world, "db_00000_monday")->is_void);
    assert_int_equal(read_as(&world, ZFS_LIST, "tank", TANK DB MONDAY, "", 0), 0);
    assert_false(fact(&world, "db_00000_monday")->is_void);
    end(&world);
}

static void test_absence(void **state)
{
    struct world world = { 0 };

    (void)state;
    assert_int_equal(read_as(&world, ZFS_LIST, "tank", TANK COPY DB FOREIGN MONDAY, "", 0), 0);
    assert_int_equal(read_as(&world, ZFS_LIST, "tank", TANK DB, "", 0), 0);
    assert_true(fact(&world, "copy_00000")->has_vanished);
    assert_null(fact(&world, "copy_00000")->backing);
    assert_int_equal(fact(&world, "db_00000")->dependents, 0);
    assert_int_equal(read_as(&world, ZFS_LIST, "tank", TANK COPY DB, "", 0), 0);
    assert_false(fact(&world, "copy_00000")->has_vanished);
    end(&world);
}

static void test_quota_and_other_data_sets(void **state)
{
    struct world world = { 0 };

    (void)state;
    assert_int_equal(read_as(&world, ZFS_LIST, "tank/small", TANK DB SMALL DEEPER, "", 0), 0);
    assert_int_equal(facts_find_pool(&world.facts, "pool")->free_kib, 1024);
    assert_int_equal(facts_find_pool(&world.facts, "pool")->total_kib, 4096);
    assert_string_equal(fact(&world, "db_00000")->backing, "tank/small/db_00000");
    end(&world);
}

/* Nothing is believed to be gone because something could not be told. */
static void test_half_answers(void **state)
{
    static const struct {
        const char *output, *complaint;
        int exit_code, error;
    } answers[] = {
        { "", "cannot open 'tank': dataset does not exist\n", 1, 2 /* ENOENT */ },
        { "", "cannot open 'tank': pool I/O is currently suspended\n", 1, 71 /* EPROTO */ },
        { TANK, "cannot iterate filesystems: I/O error\n", 1, 71 },
        { TANK, "", 1, 71 },
        { TANK "tank/db_00000\tvolume\n", "", 0, 71 },
        { "no tabs at all\n", "", 0, 71 },
        { "\n", "", 0, 71 },
        { DB, "", 0, 2 }, /* the data set itself is not there, or is a volume */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        struct world world = { 0 };

        assert_int_equal(read_as(&world, ZFS_LIST, "tank", TANK DB, "", 0), 0);
        assert_int_equal(
            read_as(&world, ZFS_LIST, "tank", answers[i].output, answers[i].complaint, answers[i].exit_code), -1);
        assert_non_null(world.trouble.message);
        assert_int_equal(facts_find_pool(&world.facts, "pool")->error, answers[i].error);
        assert_string_equal(fact(&world, "db_00000")->backing, "tank/db_00000");
        assert_false(fact(&world, "db_00000")->has_vanished);
        end(&world);
    }
}

static void test_states(void **state)
{
    struct world world = { 0 };

    (void)state;
    assert_int_equal(read_as(&world, ZFS_STATES, "tank/a", "other\tONLINE\ntank\tDEGRADED\n", "", 0), 0);
    assert_int_equal(facts_find_pool(&world.facts, "pool")->error, 0);
    assert_int_equal(read_as(&world, ZFS_STATES, "tank/a", "tank2\tONLINE\n", "", 0), -1);
    assert_string_equal(world.trouble.cause, "zpool 'tank' is not imported.");
    assert_int_equal(read_as(&world, ZFS_STATES, "tank", "tank\tSUSPENDED\n", "", 0), -1);
    assert_string_equal(world.trouble.cause, "zpool 'tank' is SUSPENDED.");
    assert_int_equal(read_as(&world, ZFS_STATES, "tank", "tank\tONLINE\n", "", 0), 0);
    assert_int_equal(facts_find_pool(&world.facts, "pool")->error, 0);
    end(&world);
}

static void test_blocks(void **state)
{
    static const struct {
        const char *output;
        int64_t block_kib;
    } answers[] = {
        { "create\ttank/LINSTOR_dry_run\nproperty\tvolsize\t16384\nproperty\trefreservation\t0\n", 16 },
        { "", 8 },
        { "property\tvolsize\t\n", 8 },
        { "property\tvolsize\t99999999999999999999999999999\n", 8 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        struct step step = { .kind = STEP_EXEC, .topic = (char[]){ ZFS_BLOCKS }, .pool = (char[]){ "pool" } };
        struct outcome outcome = { .result = OUTCOME_DONE };
        struct world world = { 0 };

        outcome.output = arena_strdup(&world.arena, answers[i].output);
        assert_int_equal(zfs_read_outcome(&step, &outcome, 0, &world.facts, &world.arena, &world.trouble), 0);
        assert_int_equal(facts_find_pool(&world.facts, "pool")->granularity_kib, answers[i].block_kib);
        end(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_volumes),
        cmocka_unit_test(test_void),
        cmocka_unit_test(test_absence),
        cmocka_unit_test(test_half_answers),
        cmocka_unit_test(test_quota_and_other_data_sets),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
