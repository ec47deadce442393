/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers/dm_table.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/memory.h"

static void test_parse(void **state)
{
    static const char *const bad[] = {
        "", "0", "0 ", "x 8 linear 7:0", "0 0 linear 7:0", "0 8  7:0", "0 8 linear", "0 8 a_target_of_16_by 7:0"
    };
    struct dm_table table;

    (void)state;
    assert_int_equal(dm_table_parse("0 65536 writecache s 7:0 7:1 4096 0", &table), 0);
    assert_int_equal(table.start, 0);
    assert_int_equal(table.sectors, 65536);
    assert_string_equal(table.target, "writecache");
    assert_string_equal(table.arguments, "s 7:0 7:1 4096 0");
    assert_int_equal(dm_table_parse(NULL, &table), -EINVAL);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(dm_table_parse(bad[i], &table), -EINVAL);
}

static void test_same_devices(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        { "s 7:0 7:1 4096 0", "s 7:0 7:1 4096 2 high_watermark 50", true },
        { "s 7:0 7:1 4096 0", "s 7:1 7:0 4096 0", false },
        { "s 7:0 7:1 4096 0", "s 7:0 4096 0", false },
        { "7:0 7:1", "7:0 7:1 7:2", false },
        { "7:0", "/no/such/device", false },
        { "7:0x", "", true },
        { "", "", true },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(dm_table_has_same_devices(cases[i].a, cases[i].b), cases[i].same);
}

static void test_parse_dirty(void **state)
{
    int64_t blocks;

    (void)state;
    assert_int_equal(dm_table_parse_dirty("8 27/4096 128 5/1024 1 2 3 4 5 6 17 1 writeback 2 a b", &blocks), 0);
    assert_int_equal(blocks, 17);
    assert_int_equal(dm_table_parse_dirty("Fail", &blocks), -EIO);
    assert_int_equal(dm_table_parse_dirty("8 27/4096 128 5/1024 1 2 3 4 5 6 -", &blocks), -EIO);
    assert_int_equal(dm_table_parse_dirty("", &blocks), -EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_same_devices),
        cmocka_unit_test(test_parse_dirty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
