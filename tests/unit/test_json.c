/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

static const char *written(struct buf *out, void (*write)(struct json_writer *writer), bool is_pretty)
{
    struct json_writer writer = { .out = out, .is_pretty = is_pretty };

    buf_clear(out);
    write(&writer);
    return buf_text(out);
}

static void write_document(struct json_writer *writer)
{
    json_begin(writer, '{');
    json_key(writer, "a");
    json_begin(writer, '[');
    json_i64(writer, 0);
    json_i64(writer, INT64_MIN);
    json_i64(writer, INT64_MAX);
    json_end(writer, ']');
    json_key(writer, "empty");
    json_begin(writer, '[');
    json_end(writer, ']');
    json_key(writer, "o");
    json_begin(writer, '{');
    json_end(writer, '}');
    json_key(writer, "b");
    json_bool(writer, true);
    json_key(writer, "d");
    json_double(writer, 20);
    json_key(writer, "r");
    json_raw(writer, "[null]");
    json_end(writer, '}');
}

static void test_document(void **state)
{
    CLEANUP(buf_done) struct buf out = { 0 };
    struct json_error error;
    cJSON *plain, *pretty;

    (void)state;
    assert_string_equal(written(&out, write_document, false),
                        "{\"a\":[0,-9223372036854775808,9223372036854775807],\"empty\":[],\"o\":{},\"b\":true,"
                        "\"d\":20.0,\"r\":[null]}");
    plain = json_parse(out.data, out.length, &error);
    assert_non_null(plain);
    assert_string_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(plain, "a"), 1)->valuestring, "-9223372036854775808");
    written(&out, write_document, true);
    pretty = json_parse(out.data, out.length, &error);
    assert_true(cJSON_Compare(plain, pretty, true));
    assert_non_null(strstr(out.data, "\n  \"a\": [\n    0,\n"));
    cJSON_Delete(plain);
    cJSON_Delete(pretty);
}

static void expect_text(const char *text, const char *quoted)
{
    CLEANUP(buf_done) struct buf out = { 0 };
    struct json_writer writer = { .out = &out };

    json_text(&writer, text);
    assert_string_equal(buf_text(&out), quoted);
}

static void test_text(void **state)
{
    (void)state;
    expect_text("", "\"\"");
    expect_text("a\"b\\c/\n\r\t\b\x1f", "\"a\\\"b\\\\c/\\n\\r\\t\\u0008\\u001f\"");
    expect_text("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
    expect_text("\xc3", "\"\xef\xbf\xbd\"");                                 /* cut off */
    expect_text("\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"");                 /* overlong */
    expect_text("\xe0\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""); /* overlong */
    expect_text("\xe0\x9f\xbf", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""); /* overlong, the last of them */
    expect_text("\xe0\xa0\x80", "\"\xe0\xa0\x80\"");                         /* the first that is not */
    expect_text("\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""); /* half of a surrogate pair */
    expect_text("\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\"");
    expect_text("\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    expect_text("\xf0\x8f\xbf\xbf", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""); /* overlong */
    expect_text("\x7f", "\"\\u007f\"");
}

static void test_doubles(void **state)
{
    static const struct {
        double number;
        const char *text;
    } cases[] = { { 0, "0.0" },
                  { 0.1, "0.1" },
                  { -2.5, "-2.5" },
                  { 1e300, "1e+300" },
                  { 1.0 / 3, "0.3333333333333333" },
                  { 123456789, "123456789.0" } };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(buf_done) struct buf out = { 0 };
        struct json_writer writer = { .out = &out };

        json_double(&writer, cases[i].number);
        assert_string_equal(buf_text(&out), cases[i].text);
    }
}

static void expect_error(const char *text, const char *message)
{
    struct json_error error = { 0 };

    if (json_parse(text, strlen(text), &error))
        fail_msg("'%s' is taken", text);
    assert_non_null(strstr(error.message, message));
    assert_true(error.offset <= strlen(text));
}

static void test_errors(void **state)
{
    char deep[2 * JSON_DEPTH_LIMIT + 8] = "";
    struct json_error error;
    cJSON *json;

    (void)state;
    expect_error("", "line 1: empty");
    expect_error("{} {}", "line 1: something stands behind");
    expect_error("\xef\xbb\xbf{}", "line 1: a byte order mark");
    json = json_parse_first("{} {}", 5, &error);
    assert_non_null(json);
    cJSON_Delete(json);
    expect_error("{\n\"a\": 1,\n}", "line 3");
    expect_error("{\"a\" 1}", "line 1: not a JSON value");
    memset(deep, '[', JSON_DEPTH_LIMIT + 1);
    expect_error(deep, "nested too deep");
    memset(deep, '[', JSON_DEPTH_LIMIT);
    memset(deep + JSON_DEPTH_LIMIT, ']', JSON_DEPTH_LIMIT);
    json = json_parse(deep, 2 * JSON_DEPTH_LIMIT, &error);
    assert_non_null(json);
    cJSON_Delete(json);
}

static void test_long_integers_are_exact(void **state)
{
    static const char text[] = "[4611686018407726875, -4611686018407726875, 999999999999999, \"12345678901234567890\","
                               " 1234567890123456.5, 0.12345678901234567890]";
    struct json_error error;
    cJSON *json = json_parse(text, strlen(text), &error);

    (void)state;
    assert_string_equal(cJSON_GetArrayItem(json, 0)->valuestring, "4611686018407726875");
    assert_string_equal(cJSON_GetArrayItem(json, 1)->valuestring, "-4611686018407726875");
    assert_true(cJSON_IsNumber(cJSON_GetArrayItem(json, 2)));
    assert_string_equal(cJSON_GetArrayItem(json, 3)->valuestring, "12345678901234567890");
    assert_true(cJSON_IsNumber(cJSON_GetArrayItem(json, 4)));
    assert_true(cJSON_IsNumber(cJSON_GetArrayItem(json, 5)));
    cJSON_Delete(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_document),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_long_integers_are_exact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
