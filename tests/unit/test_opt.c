/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/opt.h"

struct options {
    char *data_dir;
    int32_t port, offset;
    bool help, debug;
    struct text_list allow;
    uint32_t level;
};

static const struct enum_name levels[] = { { "ERROR", 1 }, { "INFO", 2 }, { 0 } };

static const struct opt opts[] = {
    OPT(options, data_dir, "data-dir", 'd', "DIR", "TEST_OPT_DATA_DIR", "where records are kept (/var/lib/linstor)"),
    OPT_RANGE(options, port, "port", 'p', "PORT", "TEST_OPT_PORT", "port to listen on", 1, 65535),
    OPT(options, offset, "offset", 0, "N", NULL, NULL),
    OPT(options, allow, "allow-external-files-below", 'a', "DIRECTORY,...", NULL,
        "directories that files may be written to when the controller asks for it, which is none unless this option "
        "says so"),
    OPT_ENUM(options, level, "log-level", 0, "LEVEL", "TEST_OPT_LEVEL", "ERROR or INFO", levels),
    OPT(options, debug, "debug", 'D', NULL, "TEST_OPT_DEBUG", "say more"),
    OPT_IGNORED("keep-res", 'k', "REGEX"),
    OPT_IGNORED("skip-check", 's', NULL),
    OPT(options, help, "help", 'h', NULL, NULL, "show this text and exit"),
};
static const struct opt_table table = { "test [OPTION]...", "Does nothing.", opts, ARRAY_SIZE(opts) };

static struct arena arena;

static int parse(struct options *options, struct text_list *rest, struct opt_error *error, char **argv)
{
    int argc = 0;

    while (argv[argc])
        argc++;
    return opt_parse(&table, options, argc, argv, rest, &arena, error);
}

static char *word(const char *text)
{
    return arena_strdup(&arena, text);
}

#define ARGV(...) words((const char *const[]){ "test", __VA_ARGS__, NULL })
static char **words(const char *const *texts)
{
    size_t count = 0;
    char **argv;

    while (texts[count])
        count++;
    argv = arena_alloc(&arena, (count + 1) * sizeof(*argv));
    for (size_t i = 0; i < count; i++)
        argv[i] = word(texts[i]);
    return argv;
}

static void test_forms(void **state)
{
    struct options options = { .port = 3366 };
    struct text_list rest = { 0 };
    struct opt_error error;

    (void)state;
    assert_int_equal(parse(&options, NULL, &error, ARGV("--data-dir", "/x", "--log-level=info", "-Dh")), 0);
    assert_string_equal(options.data_dir, "/x");
    assert_int_equal(options.level, 2);
    assert_true(options.debug && options.help);
    assert_int_equal(options.port, 3366);

    assert_int_equal(parse(&options, NULL, &error, ARGV("-p", "1", "-p65535", "-Dd", "-y", "--offset=-5")), 0);
    assert_int_equal(options.port, 65535);
    assert_int_equal(options.offset, -5);
    assert_string_equal(options.data_dir, "-y");

    assert_int_equal(parse(&options, NULL, &error, ARGV("-a", "/a,/b", "--allow-external-files-below=,/c,", "-d", "")),
                     0);
    assert_int_equal(options.allow.count, 3);
    assert_string_equal(options.allow.at[2], "/c");
    assert_int_equal(parse(&options, NULL, &error, ARGV("-a", "/d")), 0);
    assert_int_equal(options.allow.count, 1);
    assert_string_equal(options.allow.at[0], "/d");
    assert_string_equal(options.data_dir, "");

    assert_int_equal(parse(&options, NULL, &error, ARGV("-k", "x.*", "--keep-res=y", "-s", "--skip-check")), 0);

    assert_int_equal(parse(&options, &rest, &error, ARGV("one", "-", "-D", "--", "--port", "--")), 0);
    assert_int_equal(rest.count, 4);
    assert_string_equal(rest.at[1], "-");
    assert_string_equal(rest.at[2], "--port");
    assert_string_equal(rest.at[3], "--");
}

static void test_errors(void **state)
{
    const struct {
        char **argv;
        const char *message;
    } cases[] = {
        { ARGV("--port", "x"), "--port: expected a number from 1 to 65535, got 'x'" },
        { ARGV("-p0"), "-p: expected a number from 1 to 65535, got '0'" },
        { ARGV("--port=65536"), "--port: expected a number from 1 to 65535, got '65536'" },
        { ARGV("--offset="), "--offset: expected a number, got ''" },
        { ARGV("--port"), "--port: PORT is missing" },
        { ARGV("-Dp"), "-p: PORT is missing" },
        { ARGV("--por", "1"), "--por: unknown option (see --help)" },
        { ARGV("--ports=1"), "--ports: unknown option (see --help)" },
        { ARGV("-Dx"), "-x: unknown option (see --help)" },
        { ARGV("--debug=yes"), "--debug: takes no value, got 'yes'" },
        { ARGV("--log-level", "loud"), "--log-level: expected one of ERROR, INFO, got 'loud'" },
        { ARGV("start"), "unexpected argument 'start' (see --help)" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct options options = { 0 };
        struct opt_error error = { { 0 } };

        assert_int_equal(parse(&options, NULL, &error, cases[i].argv), -1);
        assert_string_equal(error.message, cases[i].message);
    }
}

static void test_environment(void **state)
{
    struct options options = { .port = 3366 };
    struct opt_error error;

    (void)state;
    setenv("TEST_OPT_PORT", "", 1);
    setenv("TEST_OPT_DATA_DIR", "/from/environment", 1);
    setenv("TEST_OPT_DEBUG", "Yes", 1);
    assert_int_equal(opt_read_environment(&table, &options, &arena, &error), 0);
    assert_int_equal(options.port, 3366);
    assert_string_equal(options.data_dir, "/from/environment");
    assert_true(options.debug);
    assert_int_equal(parse(&options, NULL, &error, ARGV("-d", "/from/line")), 0);
    assert_string_equal(options.data_dir, "/from/line");
    setenv("TEST_OPT_DEBUG", "0", 1);
    assert_int_equal(opt_read_environment(&table, &options, &arena, &error), 0);
    assert_false(options.debug);
    setenv("TEST_OPT_DEBUG", "maybe", 1);
    assert_int_equal(opt_read_environment(&table, &options, &arena, &error), -1);
    assert_string_equal(error.message, "TEST_OPT_DEBUG: expected true or false, got 'maybe'");
    unsetenv("TEST_OPT_DEBUG");
    setenv("TEST_OPT_PORT", "70000", 1);
    assert_int_equal(opt_read_environment(&table, &options, &arena, &error), -1);
    assert_string_equal(error.message, "TEST_OPT_PORT: expected a number from 1 to 65535, got '70000'");
}

static void test_help(void **state)
{
    static const char expected[] =
        "Usage: test [OPTION]...\n"
        "Does nothing.\n"
        "\n"
        "Options:\n"
        "  -d, --data-dir DIR              where records are kept (/var/lib/linstor) [TEST_OPT_DATA_DIR]\n"
        "  -p, --port PORT                 port to listen on [TEST_OPT_PORT]\n"
        "  -a, --allow-external-files-below DIRECTORY,...\n"
        "                                  directories that files may be written to when the controller asks\n"
        "                                  for it, which is none unless this option says so\n"
        "      --log-level LEVEL           ERROR or INFO [TEST_OPT_LEVEL]\n"
        "  -D, --debug                     say more [TEST_OPT_DEBUG]\n"
        "  -h, --help                      show this text and exit\n";
    struct buf out = { 0 };

    (void)state;
    opt_format_help(&table, &out);
    assert_string_equal(buf_text(&out), expected);
    buf_done(&out);
}

static int free_arena(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_help),
    };

    return cmocka_run_group_tests(tests, NULL, free_arena);
}
