/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "base/toml.h"

struct http {
    bool enabled;
    char *listen_addr;
    struct maybe_i32 port;
};
static const struct field http_fields[] = {
    FIELD(http, enabled, 0),
    FIELD(http, listen_addr, FIELD_REQUIRED),
    FIELD(http, port, 0),
};
static SCHEMA(http)

struct files {
    struct text_list allow;
};
static const struct field files_fields[] = {
    FIELD_AS(files, "allowExtFiles", allow, 0),
};
static SCHEMA(files)

struct config {
    struct http *http;
    struct files files;
    int64_t number;
    double ratio;
};
static const struct field config_fields[] = {
    OBJECT(config, http, http, 0),
    INLINE(config, files, files, 0),
    FIELD(config, number, 0),
    FIELD(config, ratio, 0),
};
static SCHEMA(config)

/* The tree of toml as cJSON prints it. */
static void assert_gives(const char *toml, const char *json)
{
    struct toml_error error;
    cJSON *tree = toml_parse(toml, strlen(toml), &error);
    char *printed;

    if (!tree)
        fail_msg("%s: %s", toml, error.message);
    printed = cJSON_PrintUnformatted(tree);
    assert_string_equal(printed, json);
    free(printed);
    cJSON_Delete(tree);
}

static void assert_fails(const char *toml, const char *message)
{
    struct toml_error error = { 0 };
    cJSON *tree = toml_parse(toml, strlen(toml), &error);

    if (tree)
        fail_msg("accepted: %s", toml);
    assert_string_equal(error.message, message);
}

static void test_values(void **state)
{
    static const struct {
        const char *toml, *json;
    } cases[] = {
        { "1", "1" },
        { "+17", "17" },
        { "-0", "0" },
        { "1_000_000", "1000000" },
        { "0xDEAD_beef", "3735928559" },
        { "0o755", "493" },
        { "0b1010", "10" },
        { "999999999999999", "999999999999999" },
        { "1000000000000000", "\"1000000000000000\"" },
        { "-9223372036854775808", "\"-9223372036854775808\"" },
        { "1.5", "1.5" },
        { "-2e3", "-2000" },
        { "6_0.2_5E-1", "6.025" },
        { "true", "true" },
        { "false", "false" },
        { "\"\"", "\"\"" },
        { "\"a\\tb\\\\\\\"\\u00e9\\U0001F600 #no\"", "\"a\\tb\\\\\\\"\u00e9\U0001F600 #no\"" },
        { "'C:\\n \"x\"'", "\"C:\\\\n \\\"x\\\"\"" },
        { "\"\"\"\nfirst\n  second\\\n   \n   still\"\"\"", "\"first\\n  secondstill\"" },
        { "\"\"\"a\"b\"\"c\"\"\"\"\"", "\"a\\\"b\\\"\\\"c\\\"\\\"\"" },
        { "'''\r\nno\\escape\r\n''x'''", "\"no\\\\escape\\n''x\"" },
        { "[]", "[]" },
        { "[ # comment\n  1, \"two\" ,\n\n [3.5, {a=1}],\n]", "[1,\"two\",[3.5,{\"a\":1}]]" },
        { "{}", "{}" },
        { "{ a = 1, b.c = \"x\" , b.d = [2] }", "{\"a\":1,\"b\":{\"c\":\"x\",\"d\":[2]}}" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *toml = memory_printf("  key\t= %s  # behind it\n", cases[i].toml);
        char *json = memory_printf("{\"key\":%s}", cases[i].json);

        assert_gives(toml, json);
        free(toml);
        free(json);
    }
}

static void test_tables(void **state)
{
    (void)state;
    assert_gives("", "{}");
    assert_gives("# only this", "{}");
    assert_gives("\xef\xbb\xbf"
                 "a=1\r\n\r\nb = 2",
                 "{\"a\":1,\"b\":2}");
    assert_gives("[ http ]\nport = 3370\n[db.k8s]\nn=1\n[db]\nuser=\"u\"\n[ a . \"b.c\" ]",
                 "{\"http\":{\"port\":3370},\"db\":{\"k8s\":{\"n\":1},\"user\":\"u\"},\"a\":{\"b.c\":{}}}");
    assert_gives("1-x_Y = 1\n\"quoted key\" = 2\n'' = 3\na.b = 4\na . c.d = 5\n",
                 "{\"1-x_Y\":1,\"quoted key\":2,\"\":3,\"a\":{\"b\":4,\"c\":{\"d\":5}}}");
    assert_gives("[fruit]\napple.color = 1\napple.taste.sweet = true\n[fruit.apple.texture]\nsmooth = true\n",
                 "{\"fruit\":{\"apple\":{\"color\":1,\"taste\":{\"sweet\":true},\"texture\":{\"smooth\":true}}}}");
}

static void test_errors(void **state)
{
    static const struct {
        const char *toml, *message;
    } cases[] = {
        { "a = 1\n\n[http]\nport = x", "line 4: key 'http.port': 'x' is no value (text needs quotes)" },
        { "a =", "line 1: key 'a': expected a value (text needs quotes)" },
        { "a", "line 1: key 'a': expected '=' behind the key" },
        { "= 1", "line 1: expected a key" },
        { "a = 1 b = 2", "line 1: expected the end of the line" },
        { "a = ::", "line 1: key 'a': '::' is no value (text needs quotes)" },
        { "a = 127.0.0.1", "line 1: key 'a': '127.0.0.1' is no number (text needs quotes)" },
        { "a = 1979-05-27T07:32:00Z", "line 1: key 'a': dates and times are not supported (as text they need quotes)" },
        { "a = 07:32:00", "line 1: key 'a': dates and times are not supported (as text they need quotes)" },
        { "a = 007", "line 1: key 'a': '007': no zeros in front of a number" },
        { "a = 1__0", "line 1: key 'a': '1__0': underscores stand between digits" },
        { "a = 1e_5", "line 1: key 'a': '1e_5': underscores stand between digits" },
        { "a = 0x0x5", "line 1: key 'a': '0x0x5' is no number (text needs quotes)" },
        { "a = +0x5", "line 1: key 'a': '+0x5' is no number (text needs quotes)" },
        { "a = 0b", "line 1: key 'a': '0b' is no number (text needs quotes)" },
        { "a = 1.", "line 1: key 'a': '1.' is no number (text needs quotes)" },
        { "a = 9223372036854775808", "line 1: key 'a': '9223372036854775808' is out of range" },
        { "a = 1e999", "line 1: key 'a': '1e999' is out of range" },
        { "a = -inf", "line 1: key 'a': -inf is not supported" },
        { "a = True", "line 1: key 'a': 'True' is no value (text needs quotes)" },
        { "a = \"x\nb = 1", "line 1: key 'a': the string does not end" },
        { "\na = '''x\n\n", "line 2: key 'a': the string does not end" },
        { "a = \"\\q\"", "line 1: key 'a': unknown escape \\q (a backslash itself is written \\\\)" },
        { "a = \"\\u12\"", "line 1: key 'a': expected 4 hexadecimal digits after \\u" },
        { "a = \"\\ud800\"", "line 1: key 'a': \\uD800 is no character" },
        { "a = \"\\u0000\"", "line 1: key 'a': \\u0000 is no character" },
        { "a = \"\x01\"", "line 1: key 'a': control character in a string" },
        { "# \x01", "line 1: control character in a comment" },
        { "a = [1,\n2\n", "line 1: key 'a': the array does not end" },
        { "a = [1 2]", "line 1: key 'a': expected ',' or ']' in an array" },
        { "a = [,]", "line 1: key 'a': expected a value (text needs quotes)" },
        { "t = { a = 1,\n b = 2 }", "line 1: key 't': expected a key" },
        { "t = { a = 1\n}",
          "line 1: key 't': expected ',' or '}' in a table in braces, which ends on the line where it begins" },
        { "t = { a = x }", "line 1: key 't.a': 'x' is no value (text needs quotes)" },
        { "a = 1\n\na = 2", "line 3: key 'a': defined twice (first in line 1)" },
        { "[t]\nx=1\n[u]\n[t]", "line 4: table [t]: defined twice (first in line 1)" },
        { "a = 1\n[a.b]", "line 2: table [a.b]: 'a' is a value (line 1)" },
        { "a = {}\n[a.b]", "line 2: table [a.b]: 'a' is a value (line 1)" },
        { "a = {}\na.b = 1", "line 2: key 'a.b': 'a' is defined already (line 1) and cannot be added to here" },
        { "[f]\na.b=1\n[f.a]", "line 3: table [f.a]: defined twice (first in line 2)" },
        { "[a.b.c]\n[a]\nb.d=1", "line 3: key 'a.b.d': 'b' is defined already (line 1) and cannot be added to here" },
        { "a.b=1\na=2", "line 2: key 'a': defined twice (first in line 1)" },
        { "[[x]]", "line 1: arrays of tables ([[...]]) are not supported" },
        { "[x\n]", "line 1: expected ']' behind the name of a table" },
        { "[]", "line 1: expected a key" },
        { "[a..b]", "line 1: expected a key" },
        { "[a] b = 1", "line 1: expected the end of the line" },
        { "a\rb = 1", "line 1: key 'a': expected '=' behind the key" },
        { "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q=1", "line 1: nested too deep" },
        { "a=[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]", "line 1: key 'a': nested too deep" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_fails(cases[i].toml, cases[i].message);
}

static void test_limits(void **state)
{
    static const char with_nul[] = "a = 1\nb = \0002";
    struct buf text = { 0 };
    struct toml_error error;

    (void)state;
    assert_null(toml_parse(with_nul, sizeof(with_nul) - 1, &error));
    assert_string_equal(error.message, "line 2: a NUL byte");
    buf_add_text(&text, "a = [");
    for (int i = 0; i <= TOML_VALUE_LIMIT; i++)
        buf_add_text(&text, "1,\n");
    assert_null(toml_parse(text.data, text.length, &error));
    assert_int_equal(error.line, TOML_VALUE_LIMIT + 1);
    buf_clear(&text);
    while (text.length <= TOML_SIZE_LIMIT)
        buf_add_char(&text, '\n');
    assert_null(toml_parse(text.data, text.length, &error));
    assert_string_equal(error.message, "longer than 1048576 bytes");
    buf_done(&text);
}

static void assert_decode_fails(const char *toml, int32_t line, const char *message)
{
    struct arena arena = { 0 };
    struct config config = { 0 };
    struct toml_error error;

    assert_int_equal(toml_decode(&config_schema, &config, toml, strlen(toml), &arena, &error), -1);
    assert_string_equal(error.message, message);
    assert_int_equal(error.line, line);
    arena_done(&arena);
}

static void test_decode(void **state)
{
    static const char good[] =
        "number = 0x7fff_ffff_ffff_ffff\nratio = 2\n[http]\nenabled = true\n"
        "listen_addr = \"::\"\nport = 3_370\n[files]\nallowExtFiles = [\n \"/etc/a\",\n '/etc/b' ]\n";
    struct arena arena = { 0 };
    struct config config = { 0 };
    struct toml_error error;

    (void)state;
    if (toml_decode(&config_schema, &config, good, strlen(good), &arena, &error) != 0)
        fail_msg("%s", error.message);
    assert_true(config.http->enabled && config.http->port.has);
    assert_int_equal(config.http->port.value, 3370);
    assert_string_equal(config.http->listen_addr, "::");
    assert_int_equal(config.files.allow.count, 2);
    assert_string_equal(config.files.allow.at[1], "/etc/b");
    assert_true(config.number == INT64_MAX);
    assert_true(config.ratio == 2);
    arena_done(&arena);

    assert_decode_fails("[http]\n\nlisten_addr = 'x'\nport = 'x'", 4, "line 4: key 'http.port': expected an integer");
    assert_decode_fails("[http]\nlisten_addr = 'x'\nporr = 1", 3, "line 3: key 'http.porr': unknown key");
    assert_decode_fails("\n[htpp]\n", 2, "line 2: key 'htpp': unknown key");
    assert_decode_fails("\n[http]\nport = 1", 2, "line 2: key 'http.listen_addr': is missing");
    assert_decode_fails("files.allowExtFiles = [\n'a',\n[7]]", 3,
                        "line 3: key 'files.allowExtFiles[1]': expected a string");
    assert_decode_fails("http = [1]", 1, "line 1: key 'http': expected an object");
    assert_decode_fails("x = ", 1, "line 1: key 'x': expected a value (text needs quotes)");
}

static void test_file(void **state)
{
    char path[] = "/tmp/test_toml.XXXXXX";
    static const char text[] = "number = 5\nratio = x\n";
    struct arena arena = { 0 };
    struct config config = { 0 };
    struct toml_error error;
    char *expected;
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(text_write_file(path, text, strlen("number = 5\n"), 0600), 0);
    assert_int_equal(toml_decode_file(&config_schema, &config, path, &arena, &error), 0);
    assert_int_equal(config.number, 5);
    assert_int_equal(text_write_file(path, text, strlen(text), 0600), 0);
    assert_int_equal(toml_decode_file(&config_schema, &config, path, &arena, &error), -EINVAL);
    expected = memory_printf("%s: line 2: key 'ratio': 'x' is no value (text needs quotes)", path);
    assert_string_equal(error.message, expected);
    free(expected);
    unlink(path);
    assert_int_equal(toml_decode_file(&config_schema, &config, path, &arena, &error), -ENOENT);
    assert_non_null(strstr(error.message, "No such file"));
    arena_done(&arena);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values), cmocka_unit_test(test_tables), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_limits), cmocka_unit_test(test_decode), cmocka_unit_test(test_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
