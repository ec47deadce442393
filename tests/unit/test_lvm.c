/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What LVM's tools print, read as facts. tests/data/lvm/VERSION holds what real ones of that version printed, bad what
 * none of them should, made what was put together from these.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>

#include "base/memory.h"
#include "base/text.h"
#include "drivers/lvm.h"
#include "drivers/words.h"

#define DATA "tests/data/lvm/"

struct fixture {
    struct arena arena;
    struct facts facts;
    struct pool_want thick, thin;
    struct trouble trouble;
};

static void begin(struct fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    fixture->thick.pool = arena_strdup(&fixture->arena, "thick");
    fixture->thick.provider = arena_strdup(&fixture->arena, "LVM");
    text_map_set(&fixture->thick.props, "StorDriver/StorPoolName", "vg0", &fixture->arena);
    fixture->thin.pool = arena_strdup(&fixture->arena, "thin");
    fixture->thin.provider = arena_strdup(&fixture->arena, "LVM_THIN");
    text_map_set(&fixture->thin.props, "StorDriver/StorPoolName", "vg0/tp", &fixture->arena);
}

static void end(struct fixture *fixture)
{
    facts_done(&fixture->facts);
    arena_done(&fixture->arena);
}

static char *capture(struct fixture *fixture, const char *name)
{
    char *path = arena_printf(&fixture->arena, DATA "%s", name), *text;
    struct buf bytes = { 0 };

    assert_int_equal(text_read_file(path, 1 << 20, &bytes), 0);
    text = arena_strdup(&fixture->arena, buf_text(&bytes));
    buf_done(&bytes);
    return text;
}

/* Reads the answers of vgs and lvs to the questions about both pools; that of the last decides. */
static int answer(struct fixture *fixture, const char *groups, const char *volumes, int exit_code)
{
    struct plan plan = { 0 };
    int result = 0;

    provider_lvm.ask(&fixture->thick, NULL, &plan);
    provider_lvm_thin.ask(&fixture->thin, NULL, &plan);
    assert_int_equal(plan.steps.count, 2);
    for (uint32_t i = 0; i < plan.steps.count; i++) {
        struct outcome outcome = { .result = OUTCOME_DONE, .exit_code = exit_code };

        outcome.output = capture(fixture, i == 0 ? groups : volumes);
        outcome.complaint = arena_strdup(&fixture->arena, "  Volume group \"vg0\" not found\n");
        result = lvm_read_outcome(&plan.steps.at[i], &outcome, fixture->facts.stamp, &fixture->facts, &fixture->arena,
                                  &fixture->trouble);
    }
    plan_done(&plan);
    return result;
}

static void test_words(void **state)
{
    static const struct {
        const char *text, *words; /* NULL: refused */
    } cases[] = {
        { NULL, "" },
        { "  ", "" },
        { "-i 2\t--alloc\ncling", "-i|2|--alloc|cling" },
        { "--config 'devices { filter=[\"a|x|\"] }' b", "--config|devices { filter=[\"a|x|\"] }|b" },
        { "\"a \\\"b\\\" \\c\" d\\ e", "a \"b\" \\c|d e" },
        { "a''b ''", "ab|" },
        { "'a", NULL },
        { "\"a\\", NULL },
        { "a\\", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct arena arena = { 0 };
        struct text_list words = { 0 };
        struct buf joined = { 0 };

        assert_int_equal(words_split(cases[i].text, &words, &arena) == 0, cases[i].words != NULL);
        for (uint32_t w = 0; cases[i].words && w < words.count; w++)
            buf_printf(&joined, "%s%s", w > 0 ? "|" : "", words.at[w]);
        if (cases[i].words)
            assert_string_equal(buf_text(&joined), cases[i].words);
        buf_done(&joined);
        arena_done(&arena);
    }
}

static void test_pools_and_volumes_are_read(void **state)
{
    struct fixture fixture;
    const struct storage_pool_fact *pool;
    const struct storage_fact *volume;

    (void)state;
    begin(&fixture);
    assert_int_equal(answer(&fixture, "2.03.16/vgs.json", "2.03.16/lvs.json", 0), 0);
    pool = facts_find_pool(&fixture.facts, "thick");
    assert_true(pool->is_known);
    assert_int_equal(pool->error, 0);
    assert_int_equal(pool->granularity_kib, 4096);
    assert_int_equal(pool->total_kib, INT64_C(2) * (2048 - 4) * 1024);
    assert_int_equal(pool->free_kib, pool->total_kib - (64 + 64 + 4 + 4) * 1024);
    assert_string_equal(fact_state_find(&pool->state, LVM_DEVICES), "/dev/vdb\n/dev/vda");
    assert_false(pool->can_snapshot);

    pool = facts_find_pool(&fixture.facts, "thin");
    assert_true(pool->is_known && pool->can_snapshot);
    assert_int_equal(pool->total_kib, 64 * 1024);
    assert_int_equal(pool->free_kib, 48 * 1024);
    assert_string_equal(fact_state_find(&pool->state, LVM_ZEROES), "yes");
    assert_string_equal(fact_state_find(&pool->told, "StorDriver/internal/lvmthin/thinPoolGranularity"), "64");
    assert_true(strtod(fact_state_find(&pool->told, "StorDriver/internal/lvmthin/thinPoolMetadataPercent"), NULL) > 0);

    volume = facts_find_volume(&fixture.facts, "thick", "db_00000");
    assert_string_equal(volume->backing, "/dev/vg0/db_00000");
    assert_string_equal(volume->owner, "7d2f3b1e-0c55-4b7a-9d51-2f6f6d6c1a01");
    assert_true(volume->is_new && volume->is_active);
    assert_int_equal(volume->size_kib, 64 * 1024);
    assert_int_equal(volume->allocated_kib, 64 * 1024);
    assert_null(facts_find_volume(&fixture.facts, "thin", "db_00000"));

    volume = facts_find_volume(&fixture.facts, "thin", "thin_00000");
    assert_true(volume->is_active && !volume->is_new);
    assert_int_equal(volume->size_kib, 96 * 1024);
    assert_in_range(volume->allocated_kib, 16 * 1024 - 64, 16 * 1024 + 64);
    assert_null(facts_find_volume(&fixture.facts, "thick", "thin_00000"));
    volume = facts_find_volume(&fixture.facts, "thin", "thin_00000_monday");
    assert_string_equal(volume->origin, "thin_00000");
    assert_null(volume->owner); /* tags of the origin are not inherited */
    assert_false(volume->is_active);
    assert_null(facts_find_volume(&fixture.facts, "thick", "tp"));
    end(&fixture);
}

static void test_tags(void **state)
{
    static const struct {
        const char *tags;
        bool is_new, is_void;
    } cases[] = {
        { "", false, false },
        { "linstor_void", false, true },
        { "linstor_for_7d2f3b1e-0c55-4b7a-9d51-2f6f6d6c1a01,linstor_void", false, true },
        { "linstor_void,linstor_new,mine", true, true },
        { "linstor_voided,linstor_newest,not_linstor_void", false, false },
        { "linstor_newest,linstor_new", true, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct lvm_report report;
        struct arena arena = { 0 };
        char *why,
            *text = arena_printf(
                &arena,
                "{\"report\":[{\"lv\":[{\"vg_name\":\"vg0\",\"lv_name\":\"db_00000_monday\",\"lv_size\":\"4194304\","
                "\"lv_attr\":\"Vri---tz-k\",\"pool_lv\":\"tp\",\"origin\":\"db_00000\",\"data_percent\":\"\","
                "\"metadata_percent\":\"\",\"chunk_size\":\"0\",\"lv_tags\":\"%s\"}]}]}",
                cases[i].tags);

        assert_int_equal(lvm_report_parse(text, &report, &arena, &why), 0);
        assert_int_equal(report.volumes.at[0].is_new, cases[i].is_new);
        assert_int_equal(report.volumes.at[0].is_void, cases[i].is_void);
        arena_done(&arena);
    }
}

static void test_not_active(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    assert_int_equal(answer(&fixture, "2.03.16/vgs.json", "2.03.16/lvs_inactive.json", 0), -1);
    assert_int_equal(facts_find_pool(&fixture.facts, "thin")->error, ENXIO);
    assert_int_equal(facts_find_pool(&fixture.facts, "thick")->error, 0);
    assert_false(facts_find_volume(&fixture.facts, "thick", "db_00000")->is_active);
    assert_non_null(strstr(fixture.trouble.cause, "not active"));
    end(&fixture);
}

static void test_full(void **state)
{
    struct fixture fixture;
    const struct storage_pool_fact *pool;

    (void)state;
    begin(&fixture);
    assert_int_equal(answer(&fixture, "2.03.16/vgs.json", "2.03.16/lvs_full.json", 0), 0);
    pool = facts_find_pool(&fixture.facts, "thin");
    assert_int_equal(pool->free_kib, 0);
    assert_int_equal(pool->total_kib, 64 * 1024);
    end(&fixture);
}

static void test_a_disk_is_missing(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    answer(&fixture, "2.03.16/vgs_disk_missing.json", "2.03.16/lvs.json", 0);
    assert_string_equal(fact_state_find(&facts_find_pool(&fixture.facts, "thick")->state, LVM_DEVICES), "/dev/vda");
    end(&fixture);
}

/* What is not in a list that is not whole may be there all the same. */
static void test_absence(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    assert_int_equal(answer(&fixture, "2.03.16/vgs.json", "2.03.16/lvs.json", 0), 0);
    assert_int_equal(answer(&fixture, "2.03.16/vgs_missing.json", "2.03.16/lvs_missing.json", 5), 0);
    assert_int_equal(facts_find_pool(&fixture.facts, "thick")->error, ENODEV);
    assert_non_null(strstr(fixture.trouble.message, "vg0"));
    assert_non_null(facts_find_volume(&fixture.facts, "thick", "db_00000")->backing);
    assert_int_equal(answer(&fixture, "2.03.16/vgs.json", "2.03.16/lvs_missing.json", 5), -1);
    assert_non_null(facts_find_volume(&fixture.facts, "thick", "db_00000")->backing);
    assert_int_equal(answer(&fixture, "2.03.16/vgs.json", "2.03.16/lvs_missing.json", 0), -1);
    assert_null(facts_find_volume(&fixture.facts, "thick", "db_00000")->backing);
    assert_true(facts_find_volume(&fixture.facts, "thick", "db_00000")->has_vanished);
    end(&fixture);
}

#define UUID  "Tq2vYD-Zb1k-0WfR-x7Uc-mP3e-8sNa-hG4jLd"
#define OTHER "b7KpXw-3mQe-Vz0D-yt5J-Rc8h-L1fG-oS6uNa"

static void check_group(struct fixture *fixture, const char *groups, int error, const char *devices,
                        const char *strangers, const char *cause)
{
    const struct storage_pool_fact *pool;
    int result = answer(fixture, groups, "2.03.16/lvs.json", 0);

    pool = facts_find_pool(&fixture->facts, "thick");
    assert_int_equal(pool->error, error);
    if (error) {
        assert_non_null(strstr(fixture->trouble.message, "Volume group 'vg0' of storage pool"));
        assert_non_null(strstr(fixture->trouble.cause, cause));
        assert_null(fact_state_find(&pool->told, LVM_UUID_PROPERTY));
        return;
    }
    assert_int_equal(result, 0);
    assert_string_equal(fact_state_find(&pool->state, LVM_DEVICES), devices);
    assert_string_equal(fact_state_find(&pool->told, LVM_UUID_PROPERTY), UUID);
    if (strangers)
        assert_string_equal(fact_state_find(&pool->state, LVM_STRANGERS), strangers);
    else
        assert_null(fact_state_find(&pool->state, LVM_STRANGERS));
}

/* The name of a volume group is not enough, the uuid is: of the last look, or, after a restart, of the want. */
static void test_groups_of_the_same_name(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    check_group(&fixture, "made/vgs_two.json", ENOTUNIQ, NULL, NULL, UUID " and " OTHER);
    check_group(&fixture, "2.03.16/vgs.json", 0, "/dev/vdb\n/dev/vda", NULL, NULL);
    check_group(&fixture, "made/vgs_two.json", 0, "/dev/vdb\n/dev/vda", "/dev/vdc\n/dev/mapper/lun.7", NULL);
    check_group(&fixture, "made/vgs_other.json", ESTALE, NULL, NULL, "uuid " OTHER);
    check_group(&fixture, "2.03.16/vgs.json", 0, "/dev/vdb\n/dev/vda", NULL, NULL);
    end(&fixture);

    begin(&fixture);
    text_map_set(&fixture.thick.props, LVM_UUID_PROPERTY, UUID, &fixture.arena);
    text_map_set(&fixture.thin.props, LVM_UUID_PROPERTY, UUID, &fixture.arena);
    check_group(&fixture, "made/vgs_other.json", ESTALE, NULL, NULL, "uuid " OTHER);
    check_group(&fixture, "made/vgs_two.json", 0, "/dev/vdb\n/dev/vda", "/dev/vdc\n/dev/mapper/lun.7", NULL);
    end(&fixture);
}

/* However many loop devices are ours, the words of a command stay short. */
static void test_filter_is_bounded(void **state)
{
    struct arena arena = { 0 };
    struct facts facts = { 0 };
    const char *text;

    (void)state;
    facts_edit_pool(&facts, "files");
    for (int i = 0; i < 50000; i++) {
        struct storage_fact *fact = facts_edit_volume(&facts, "files", arena_printf(&arena, "v%d_00000", i));

        facts_set_text(&fact->device, arena_printf(&arena, "/dev/loop%d", i * 11));
    }
    text = lvm_config(&facts, false, &arena);
    assert_in_range(strlen(text), 16 * 1024, 17 * 1024);
    assert_non_null(strstr(text, "\"r|^/dev/loop([0]|1[1]|2[2]|"));
    assert_non_null(strstr(text, "])(p[0-9]+)?$|\"] }"));
    facts_done(&facts);
    arena_done(&arena);
}

/* An answer must not undo what became known after the question. */
static void test_old_answers(void **state)
{
    struct fixture fixture;
    struct plan plan = { 0 };
    struct outcome outcome = { .result = OUTCOME_DONE };
    int64_t asked;

    (void)state;
    begin(&fixture);
    assert_int_equal(answer(&fixture, "2.03.16/vgs.json", "2.03.16/lvs.json", 0), 0);
    provider_lvm.ask(&fixture.thick, NULL, &plan);
    asked = fixture.facts.stamp;
    facts_edit_volume(&fixture.facts, "thick", "db_00000")->size_kib = 7;
    facts_edit_volume(&fixture.facts, "thick", "new_00000")->size_kib = 8;
    outcome.output = capture(&fixture, "2.03.16/lvs.json");
    assert_int_equal(
        lvm_read_outcome(&plan.steps.at[1], &outcome, asked, &fixture.facts, &fixture.arena, &fixture.trouble), 0);
    assert_int_equal(facts_find_volume(&fixture.facts, "thick", "db_00000")->size_kib, 7);
    assert_int_equal(facts_find_volume(&fixture.facts, "thick", "new_00000")->size_kib, 8);
    plan_done(&plan);
    end(&fixture);
}

static void test_what_is_no_report_changes_nothing(void **state)
{
    DIR *directory = opendir(DATA "bad");
    int count = 0;

    (void)state;
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));) {
        struct fixture fixture;
        struct lvm_report report;
        char *why = NULL, *name;

        if (!text_ends_with(entry->d_name, ".json"))
            continue;
        begin(&fixture);
        name = arena_printf(&fixture.arena, "bad/%s", entry->d_name);
        if (lvm_report_parse(capture(&fixture, name), &report, &fixture.arena, &why) == 0)
            fail_msg("%s was understood", name);
        assert_non_null(why);
        assert_int_equal(answer(&fixture, "2.03.16/vgs.json", "2.03.16/lvs.json", 0), 0);
        assert_int_equal(answer(&fixture, "2.03.16/vgs.json", name, 0), -1);
        assert_non_null(facts_find_volume(&fixture.facts, "thick", "db_00000")->backing);
        assert_int_not_equal(facts_find_pool(&fixture.facts, "thick")->error, 0);
        end(&fixture);
        count++;
    }
    closedir(directory);
    assert_true(count >= 5);
}

static void test_complaints(void **state)
{
    static const struct {
        const char *topic, *file, *message, *cause, *correction;
    } cases[] = {
        { LVM_CREATE_NEW, "2.03.16/lvcreate_no_room.txt", "has no room", "not enough free extents", "vgextend" },
        { LVM_GROW, "2.03.16/lvextend_no_room.txt", "has no room", "not enough free extents", "vgextend" },
        { LVM_CREATE_NEW, "2.03.16/lvcreate_exists.txt", "Failed", "already exists", "looked at again" },
        { LVM_REMOVE, "2.03.16/lvremove_in_use.txt", "Failed", "in use", "Unmount" },
        { LVM_CREATE_NEW, "2.03.16/lvcreate_disk_missing.txt", "Failed", "Disks of the volume group", "pvs" },
        { LVM_CREATE_NEW, "2.03.16/lvcreate_reserved.txt", "Failed", "_tmeta", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fixture fixture;
        struct outcome outcome = { .result = OUTCOME_FAILED, .exit_code = 5 };
        struct plan plan = { 0 };
        struct step *step = plan_add(&plan, STEP_EXEC, "do it");

        begin(&fixture);
        step->topic = arena_strdup(&plan.arena, cases[i].topic);
        step->pool = arena_strdup(&plan.arena, "thick");
        step->identifier = arena_strdup(&plan.arena, "db_00000");
        text_list_add(&step->argv, "lvm", &plan.arena);
        outcome.complaint = capture(&fixture, cases[i].file);
        assert_int_equal(lvm_read_outcome(step, &outcome, 0, &fixture.facts, &fixture.arena, &fixture.trouble), -1);
        assert_non_null(strstr(fixture.trouble.message, cases[i].message));
        assert_non_null(strstr(fixture.trouble.cause, cases[i].cause));
        if (cases[i].correction)
            assert_non_null(strstr(fixture.trouble.correction, cases[i].correction));
        assert_true(facts_find_volume(&fixture.facts, "thick", "db_00000")->is_uncertain);
        plan_done(&plan);
        end(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_pools_and_volumes_are_read),
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_not_active),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_a_disk_is_missing),
        cmocka_unit_test(test_absence),
        cmocka_unit_test(test_groups_of_the_same_name),
        cmocka_unit_test(test_filter_is_bounded),
        cmocka_unit_test(test_old_answers),
        cmocka_unit_test(test_what_is_no_report_changes_nothing),
        cmocka_unit_test(test_complaints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
