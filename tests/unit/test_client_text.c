/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values, tables and files as people write and read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <unistd.h>

#include "base/text.h"
#include "roles/client/config.h"
#include "roles/client/pretty.h"
#include "roles/client/table.h"
#include "roles/client/value.h"

static void sizes_are_read_as_people_write_them(void **state)
{
    static const struct {
        const char *text;
        int64_t kib;
    } good[] = {
        { "1", 1048576 },
        { "0", 0 },
        { "1B", 1 },
        { "1024b", 1 },
        { "1025B", 2 },
        { "3S", 2 },
        { "4K", 4 },
        { "4kB", 4 },
        { "5kb", 5 },
        { "100MB", 97657 },
        { "100M", 102400 },
        { "100 MiB", 102400 },
        { "1Gi", 1048576 },
        { "1g", 1048576 },
        { "2TB", 1953125000 },
        { "1P", INT64_C(1) << 40 },
        { "8191P", INT64_C(8191) << 40 },
        { "8192PiB", INT64_C(8192) << 40 },
    };
    static const char *const bad[] = {
        "", "abc", "-1G", "1.5G", "1Q", "1GG", "99999999999999999999", "9999999999999999P"
    };
    struct arena arena = { 0 };
    int64_t kib;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_null(value_parse_size(&arena, good[i].text, &kib));
        assert_int_equal(kib, good[i].kib);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_non_null(value_parse_size(&arena, bad[i], &kib));
    arena_done(&arena);
}

static void sizes_are_shown_short(void **state)
{
    static const struct {
        int64_t kib;
        const char *text;
    } cases[] = {
        { 0, "0 KiB" },          { 1023, "1023 KiB" },
        { 1024, "1 MiB" },       { 1025, "1.00 MiB" },
        { 5000, "4.88 MiB" },    { 10454304, "9.97 GiB" },
        { 1048876, "1.00 GiB" }, { INT64_MAX, "8388608.00 PiB" },
        { -2048, "-2 MiB" },     { INT64_MIN, "-8388608.00 PiB" },
    };
    struct arena arena = { 0 };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(value_format_size(&arena, cases[i].kib), cases[i].text);
    arena_done(&arena);
}

static void spans_are_read(void **state)
{
    static const struct {
        const char *text;
        int hours;
    } good[] = {
        { "3", 3 },     { "3h", 3 },     { "5d", 120 },          { "1d10h", 34 },
        { "1d 2", 26 }, { "3days", 72 }, { "1 day 1 hour", 25 },
    };
    static const char *const bad[] = { "", "h", "10m", "1h1d", "1d1d", "3x", "-1", "99999999999h" };
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_true(value_parse_span(good[i].text, &ms));
        assert_int_equal(ms, INT64_C(3600000) * good[i].hours);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(value_parse_span(bad[i], &ms));
    assert_false(value_parse_day_end("2026-13-40", &ms));
    assert_false(value_parse_day_end("2026-01-01x", &ms));
}

/* One clock for all moments shows what the library shows for each, also around changes of the distance to UTC. */
static void times_are_local(void **state)
{
    static const char *const zones[] = { "UTC", "CET-1CEST,M3.5.0,M10.5.0/3", "LHST-10:30LHDT-11,M10.1.0,M4.1.0",
                                         "NPT-5:45", "LMT0:44:30" };
    static const int64_t starts[] = { -7300, 0, 1711846000, 1729990000, 1728141000, 1712416000 };
    struct value_clock clock;
    struct arena arena = { 0 };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
        setenv("TZ", zones[i], 1);
        tzset();
        clock = (struct value_clock){ 0 };
        for (size_t j = 0; j < ARRAY_SIZE(starts); j++) {
            for (int step = 0; step < 400; step++) {
                time_t seconds = (time_t)(starts[j] + step * 37);
                struct tm local;
                char text[32];

                assert_non_null(localtime_r(&seconds, &local));
                strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
                assert_string_equal(value_format_time(&clock, &arena, (int64_t)seconds * 1000), text);
            }
        }
    }
    unsetenv("TZ");
    tzset();
    arena_done(&arena);
}

static void names_sort_as_people_count(void **state)
{
    static const char *const sorted[] = { "", "1", "02", "10", "A", "a", "a1", "a1b", "a2", "a10", "a10b", "b" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sorted); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(sorted); j++) {
            int order = value_compare_natural(sorted[i], sorted[j]);

            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
}

static void equal_rows_keep_their_order(void **state)
{
    enum { ROWS = 1000 };
    static const struct table_column columns[] = { { "Key" }, { "Number" } };
    static const char *const keys[] = { "c", "a", "b" };
    struct arena arena = { 0 };
    struct table table;

    (void)state;
    table_init(&table, &arena, columns, 2);
    for (int i = 0; i < ROWS; i++) {
        struct cell *cells = table_add_row(&table);

        cells[0].text = keys[i % 3];
        cells[1].text = arena_printf(&arena, "%d", i);
    }
    table_sort(&table, (uint32_t[]){ 0 }, 1);
    for (int i = 1; i < ROWS; i++) {
        const struct cell *before = table.rows.at[i - 1].cells, *here = table.rows.at[i].cells;
        int order = strcmp(before[0].text, here[0].text);

        assert_true(order <= 0);
        assert_true(order < 0 || atoi(before[1].text) < atoi(here[1].text));
    }
    arena_done(&arena);
}

static void tables_count_letters_not_bytes(void **state)
{
    static const struct table_column columns[] = { { "Ä" }, { "R", .is_right = true } };
    struct arena arena = { 0 };
    struct buf out = { 0 };
    struct table table;
    struct cell *cells;

    (void)state;
    table_init(&table, &arena, columns, 2);
    cells = table_add_row(&table);
    cells[0].text = "größer\nx";
    cells[1].text = "1";
    cells = table_add_row(&table);
    cells[1].text = "12";
    table_print(&table, (struct table_style){ 0 }, &out);
    assert_string_equal(buf_text(&out), "+-------------+\n"
                                        "| Ä      |  R |\n"
                                        "|=============|\n"
                                        "| größer |  1 |\n"
                                        "| x      |    |\n"
                                        "|-------------|\n"
                                        "|        | 12 |\n"
                                        "+-------------+\n");
    buf_done(&out);
    arena_done(&arena);
}

static void broken_json_is_only_ugly(void **state)
{
    static const char *const cases[] = { "",        "{",           "[\"", "\"\\",
                                         "\"\\u12", "\"\\ud83d\"", "]}",  "\"\xff\xc3\"",
                                         "[[[",     "\"\xf0\x9f" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf out = { 0 };
        char *exact = memory_copy(cases[i], strlen(cases[i]) + 1);

        pretty_json(&out, exact, strlen(exact), 0);
        free(exact);
        buf_done(&out);
    }
}

static void later_sections_replace_earlier_ones(void **state)
{
    struct arena arena = { 0 };
    struct config config = { 0 };
    const struct text_map *global;

    (void)state;
    assert_null(
        config_parse(&config,
                     "# comment\n[global]\nControllers = a,b\n no more\ntimeout: 5\nno-color =\n; x\n[node.list]\n"
                     "groupby = [\"state\"]\n",
                     &arena));
    global = config_find(&config, "global");
    assert_int_equal(global->count, 3);
    assert_string_equal(text_map_find(global, "controllers"), "a,b\nno more");
    assert_string_equal(text_map_find(global, "timeout"), "5");
    assert_string_equal(text_map_find(global, "no-color"), "");
    assert_null(config_parse(&config, "[global]\ntimeout = 100%%\r\n", &arena));
    global = config_find(&config, "global");
    assert_int_equal(global->count, 1);
    assert_string_equal(text_map_find(global, "timeout"), "100%");
    assert_non_null(config_find(&config, "node.list"));
    assert_null(config_find(&config, "none"));
    assert_string_equal(config_parse(&config, "[global\n", &arena), "line 1: expected [section] or key = value");
    assert_string_equal(config_parse(&config, "\nkey = value\n", &arena), "line 2: expected [section] or key = value");
    assert_string_equal(config_parse(&config, "[a]\nnothing\n", &arena), "line 2: expected [section] or key = value");
    arena_done(&arena);
}

static void files_are_read_in_their_order(void **state)
{
    char top[] = "/tmp/test_client.XXXXXX";
    struct arena arena = { 0 };
    struct config config = { 0 };
    static const struct {
        const char *path, *text;
    } files[] = {
        { "linstor-client.d/20.conf", "[global]\ntimeout = 20\n" },
        { "linstor-client.d/10.conf", "[global]\ntimeout = 10\n[only]\na = b\n" },
        { "linstor-client.d/90.txt", "nonsense" },
        { "linstor-client.conf", "[global]\ntimeout = 1\n" },
        { "home/.config/linstor/linstor-client.conf", "[home]\na = b\n" },
    };

    (void)state;
    assert_non_null(mkdtemp(top));
    assert_int_equal(text_make_directories(arena_printf(&arena, "%s/linstor-client.d", top), 0700), 0);
    assert_int_equal(text_make_directories(arena_printf(&arena, "%s/home/.config/linstor", top), 0700), 0);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        assert_int_equal(text_write_file(arena_printf(&arena, "%s/%s", top, files[i].path), files[i].text,
                                         strlen(files[i].text), 0600),
                         0);
    assert_null(config_read(&config, top, arena_printf(&arena, "%s/home", top), &arena));
    assert_string_equal(text_map_find(config_find(&config, "global"), "timeout"), "20");
    assert_non_null(config_find(&config, "home"));
    assert_non_null(config_find(&config, "only"));
    config = (struct config){ 0 };
    assert_null(config_read(&config, top, NULL, &arena));
    assert_string_equal(text_map_find(config_find(&config, "global"), "timeout"), "1");
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        unlink(arena_printf(&arena, "%s/%s", top, files[i].path));
    rmdir(arena_printf(&arena, "%s/linstor-client.d", top));
    rmdir(arena_printf(&arena, "%s/home/.config/linstor", top));
    rmdir(arena_printf(&arena, "%s/home/.config", top));
    rmdir(arena_printf(&arena, "%s/home", top));
    rmdir(top);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_read_as_people_write_them),
        cmocka_unit_test(sizes_are_shown_short),
        cmocka_unit_test(spans_are_read),
        cmocka_unit_test(times_are_local),
        cmocka_unit_test(names_sort_as_people_count),
        cmocka_unit_test(equal_rows_keep_their_order),
        cmocka_unit_test(tables_count_letters_not_bytes),
        cmocka_unit_test(broken_json_is_only_ugly),
        cmocka_unit_test(later_sections_replace_earlier_ones),
        cmocka_unit_test(files_are_read_in_their_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
