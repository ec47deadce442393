/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/text.h"

static void test_parse_i64(void **state)
{
    static const char *const bad[] = { "",    "-",  "+1", " 1", "1 ", "1x", "0x10", "1.0", "9223372036854775808",
                                       "101", "-11" };
    int64_t value = 77;

    (void)state;
    assert_true(text_parse_i64("100", -10, 100, &value));
    assert_int_equal(value, 100);
    assert_true(text_parse_i64("-10", -10, 100, &value));
    assert_int_equal(value, -10);
    assert_true(text_parse_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &value));
    assert_true(value == INT64_MIN);
    value = 77;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (text_parse_i64(bad[i], -10, 100, &value) || value != 77)
            fail_msg("'%s' is taken", bad[i]);
}

static void test_parse_double(void **state)
{
    static const char *const bad[] = { "", "x", "1x", " 1", "nan", "inf", "-inf", "1e999", "-", "0x1p3" };
    double value = 0;

    (void)state;
    assert_true(text_parse_double("-1.5e3", &value) && value == -1500);
    assert_true(text_parse_double(".5", &value) && value == 0.5);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (text_parse_double(bad[i], &value))
            fail_msg("'%s' is taken", bad[i]);
}

static void test_case_and_ends(void **state)
{
    char text[] = "aZ09\xc3\xa9_z";

    (void)state;
    text_upper(text);
    assert_string_equal(text, "AZ09\xc3\xa9_Z");
    assert_true(text_equal_fold("aB", "Ab"));
    assert_false(text_equal_fold("a", "ab"));
    assert_true(text_equal_fold(NULL, NULL));
    assert_false(text_equal_fold(NULL, ""));
    assert_true(text_starts_with("prefix", "pre"));
    assert_false(text_starts_with("pr", "pre"));
    assert_true(text_ends_with("a.json", ".json"));
    assert_false(text_ends_with("json", ".json"));
}

static void test_uuid(void **state)
{
    char first[TEXT_UUID_SIZE], second[TEXT_UUID_SIZE];

    (void)state;
    text_make_uuid(first);
    text_make_uuid(second);
    assert_true(text_is_uuid(first));
    assert_string_not_equal(first, second);
    assert_int_equal(first[14], '4');
    assert_non_null(strchr("89ab", first[19]));
    assert_false(text_is_uuid(""));
    first[8] = '0';
    assert_false(text_is_uuid(first));
    second[35] = 'g';
    assert_false(text_is_uuid(second));
    assert_false(text_is_uuid("7f3c2a52-0a2e-4c62-9f1b-0c8d1f0f7e111"));
}

static void test_base64(void **state)
{
    /* from RFC 4648 */
    static const char *const pairs[][2] = { { "", "" },
                                            { "f", "Zg==" },
                                            { "fo", "Zm8=" },
                                            { "foo", "Zm9v" },
                                            { "foob", "Zm9vYg==" },
                                            { "fooba", "Zm9vYmE=" },
                                            { "foobar", "Zm9vYmFy" } };
    struct arena arena = { 0 };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
        assert_string_equal(text_base64(&arena, pairs[i][0], strlen(pairs[i][0])), pairs[i][1]);
    assert_string_equal(text_base64(&arena, "\xff\xfe\xfd", 3), "//79");
    arena_done(&arena);
}

static void test_time(void **state)
{
    char text[TEXT_TIME_SIZE];

    (void)state;
    text_format_time(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    text_format_time(INT64_C(951782400007), text);
    assert_string_equal(text, "2000-02-29T00:00:00.007Z");
    /* every day of more than four centuries, at changing times of day, against the C library */
    for (int64_t day = -400; day < 170000; day++) {
        int64_t ms = day * 86400000 + (day + 400) * 508091 % 86400000;
        time_t seconds = (time_t)((ms - (ms % 1000 + 1000) % 1000) / 1000);
        char expected[32], whole[64];
        struct tm utc;

        gmtime_r(&seconds, &utc);
        strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S", &utc);
        snprintf(whole, sizeof(whole), "%s.%03dZ", expected, (int)(ms - (int64_t)seconds * 1000));
        text_format_time(ms, text);
        assert_string_equal(text, whole);
    }
}

static void test_hash(void **state)
{
    (void)state;
    /* FNV-1a, 64 bits, of "a" and "foobar" as its authors publish them */
    assert_true(text_hash(TEXT_HASH_START, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(text_hash(TEXT_HASH_START, "foobar", 6) == UINT64_C(0x85944171f73967e8));
    assert_true(text_hash(text_hash(TEXT_HASH_START, "foo", 3), "bar", 3) == UINT64_C(0x85944171f73967e8));
}

static void test_files(void **state)
{
    char directory[] = "/tmp/test-text-XXXXXX";
    CLEANUP(buf_done) struct buf buf = { 0 };
    CLEANUP(memory_freep) char *deep = NULL, *file = NULL;
    struct stat info;
    char line[32];

    (void)state;
    assert_non_null(mkdtemp(directory));
    deep = memory_printf("%s/a/b", directory);
    file = memory_printf("%s/a/b/file", directory);
    assert_int_equal(text_write_file(file, "x", 1, 0600), -ENOENT);
    assert_int_equal(text_make_directories(deep, 0700), 0);
    assert_int_equal(text_make_directories(deep, 0700), 0);
    assert_int_equal(text_read_file(file, 100, &buf), -ENOENT);
    assert_int_equal(text_write_file(file, "first", 5, 0600), 0);
    assert_int_equal(text_write_file(file, "second\0", 7, 0600), 0);
    assert_int_equal(text_read_file(file, 100, &buf), 0);
    assert_int_equal(buf.length, 7);
    assert_memory_equal(buf.data, "second\0", 8);
    buf_clear(&buf);
    assert_int_equal(text_read_file(file, 6, &buf), -EFBIG);
    assert_int_equal(stat(file, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(text_make_directories(file, 0700), 0); /* exists, whatever it is */
    buf_clear(&buf);
    assert_int_equal(text_read_file(deep, 100, &buf), -EISDIR);
    assert_int_equal(text_write_file(file, "a line \nanother", 15, 0600), 0);
    text_read_line(AT_FDCWD, file, line, sizeof(line));
    assert_string_equal(line, "a line ");
    text_read_line(AT_FDCWD, file, line, 4);
    assert_string_equal(line, "a l");
    text_read_line(AT_FDCWD, "no/such/file", line, sizeof(line));
    assert_string_equal(line, "");
    assert_int_equal(unlink(file), 0); /* and no temporary file beside it, or the next fails */
    assert_int_equal(rmdir(deep), 0);
    *strrchr(deep, '/') = '\0';
    assert_int_equal(rmdir(deep), 0);
    assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_i64), cmocka_unit_test(test_parse_double), cmocka_unit_test(test_case_and_ends),
        cmocka_unit_test(test_uuid),      cmocka_unit_test(test_base64),       cmocka_unit_test(test_time),
        cmocka_unit_test(test_hash),      cmocka_unit_test(test_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
