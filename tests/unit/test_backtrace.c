/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Children die in every way there is; what they leave is read. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/backtrace.h"
#include "base/buf.h"
#include "base/text.h"

static char directory[] = "/tmp/test_backtrace.XXXXXX";

static void die_by_abort(void)
{
    abort();
}

static void die_by_assertion(void)
{
    volatile int two = 2;

    assert(two == 3);
}

static void die_by_bad_address(void)
{
    *(volatile char *)(uintptr_t)4096 = 1;
}

static void die_by_bug_in_arithmetic(void)
{
    raise(SIGFPE);
}

static volatile int64_t deepest;

/* The volatile sum keeps the compiler from making a loop of it. */
static int64_t recurse(int64_t depth)
{
    volatile char room[4096];

    room[depth % (int64_t)sizeof(room)] = (char)depth;
    deepest = depth;
    return depth < 0 ? 0 : recurse(depth + 1) + room[0];
}

static void die_by_recursion(void)
{
    recurse(0);
}

struct remains {
    int status;
    struct buf error, report;
};

static struct remains run_child(void (*die)(void), const char *report_directory)
{
    char *error_path = memory_printf("%s/stderr", directory), *report_path = memory_printf("%s/report.log", directory);
    struct remains remains = { 0 };
    pid_t child = fork();

    if (child == 0) {
        struct rlimit none = { 0, 0 };
        int fd = open(error_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

        setrlimit(RLIMIT_CORE, &none);
        dup2(fd, STDERR_FILENO);
        if (backtrace_install(report_directory, "report.log", "test 1.0.0") == 0)
            die();
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &remains.status, 0), child);
    assert_int_equal(text_read_file(error_path, 1 << 20, &remains.error), 0);
    if (text_read_file(report_path, 1 << 20, &remains.report) != 0)
        buf_clear(&remains.report);
    unlink(error_path);
    unlink(report_path);
    free(error_path);
    free(report_path);
    return remains;
}

static void assert_holds(const struct buf *text, const char *part)
{
    if (!strstr(buf_text(text), part))
        fail_msg("'%s' is not in:\n%s", part, buf_text(text));
}

static int count_frames(const struct buf *text)
{
    int count = 0;

    for (const char *at = strstr(buf_text(text), "Backtrace:\n"); at && (at = strstr(at, "[0x")); at++)
        count++;
    return count;
}

static void test_ways_to_die(void **state)
{
    static const struct {
        void (*die)(void);
        int number;
        const char *reason;
        int least_frames;
    } cases[] = {
        { die_by_abort, SIGABRT, "\nReason:     SIGABRT (assertion or abort)\n", 5 },
        { die_by_assertion, SIGABRT, "\nAssertion:  two == 3\nIn:         die_by_assertion, ", 5 },
        { die_by_bad_address, SIGSEGV, "\nReason:     SIGSEGV (bad address) at 0x1000\n", 4 },
        { die_by_bug_in_arithmetic, SIGFPE, "\nReason:     SIGFPE (arithmetic)\n", 4 },
        { die_by_recursion, SIGSEGV, "\nReason:     SIGSEGV (bad address) at 0x", 20 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct remains remains = run_child(cases[i].die, directory);

        assert_true(WIFSIGNALED(remains.status));
        assert_int_equal(WTERMSIG(remains.status), cases[i].number);
        assert_int_equal(strncmp(buf_text(&remains.report), "test 1.0.0: crashed\n", 20), 0);
        assert_holds(&remains.report, cases[i].reason);
        assert_holds(&remains.report, program_invocation_short_name);
        assert_true(count_frames(&remains.report) >= cases[i].least_frames);
        assert_holds(&remains.error, buf_text(&remains.report));
        buf_done(&remains.error);
        buf_done(&remains.report);
    }
}

static void test_no_directory(void **state)
{
    static const char *const directories[] = { NULL, "/nonexistent/directory" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
        struct remains remains = run_child(die_by_assertion, directories[i]);

        assert_true(WIFSIGNALED(remains.status));
        assert_int_equal(WTERMSIG(remains.status), SIGABRT);
        assert_int_equal(remains.report.length, 0);
        assert_holds(&remains.error, "Assertion:  two == 3");
        assert_true(count_frames(&remains.error) >= 5);
        buf_done(&remains.error);
        buf_done(&remains.report);
    }
}

static void test_long_path(void **state)
{
    char *path = memory_alloc(PATH_MAX + 1);

    (void)state;
    memset(path, 'x', PATH_MAX);
    assert_int_equal(backtrace_install(path, "report.log", "test"), -ENAMETOOLONG);
    free(path);
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ways_to_die),
        cmocka_unit_test(test_no_directory),
        cmocka_unit_test(test_long_path),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
