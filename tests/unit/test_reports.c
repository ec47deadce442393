/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "model/rc_codes.h"
#include "roles/controller/rc.h"
#include "roles/controller/reports.h"

enum { START_MS = 1700000000 };
static const int64_t now_ms = (int64_t)START_MS * 1000; /* 6553F100 */

static int setup(void **state)
{
    char pattern[] = "/tmp/test_reports.XXXXXX";

    *state = mkdtemp(pattern) ? strdup(pattern) : NULL;
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    char *command = memory_printf("rm -rf '%s'", (char *)*state);
    int result = system(command);

    free(command);
    free(*state);
    return result;
}

static const char *add(struct reports *reports, const char *message, bool is_request)
{
    const struct rc_doc problems[] = {
        { .ret_code = FAIL_IN_USE, .message = memory_strdup(message), .cause = (char[]){ "Because\nof two lines." } },
        { .ret_code = FAIL_INVLD_PROP, .message = (char[]){ "A second one." }, .correction = (char[]){ "Mend it." } },
    };
    const char *id = reports_add(reports, &(struct error_report_entry){ .time_ms = now_ms + 5,
                                                                        .failure = "FAIL_IN_USE",
                                                                        .peer = is_request ? "RestClient(x)" : NULL,
                                                                        .request = is_request ? "PUT /v1/x" : NULL,
                                                                        .file = "../src/roles/x.c",
                                                                        .function = "do_it",
                                                                        .line = 12,
                                                                        .problems = problems,
                                                                        .problem_count = 2 });

    free(problems[0].message);
    return id;
}

static void test_write_and_reopen(void **state)
{
    struct reports *reports = reports_open(*state, "1.2.3", now_ms);
    const struct error_report *report;
    struct buf text = { 0 };

    assert_int_equal(reports_count(reports), 0);
    assert_string_equal(add(reports, "It is\nin use:  really", true), "6553F100-00000-000000");
    assert_string_equal(add(reports, "", false), "6553F100-00000-000001");
    reports_free(reports);

    reports = reports_open(*state, "1.2.4", now_ms);
    assert_int_equal(reports_count(reports), 2);
    report = reports_at(reports, 0);
    assert_string_equal(report->id, "6553F100-00000-000000");
    assert_string_equal(report->doc->filename, "ErrorReport-6553F100-00000-000000.log");
    assert_string_equal(report->doc->node_name, "Controller");
    assert_string_equal(report->doc->module, "CONTROLLER");
    assert_string_equal(report->doc->version, "1.2.3");
    assert_string_equal(report->doc->peer, "RestClient(x)");
    assert_string_equal(report->doc->exception, "FAIL_IN_USE");
    assert_string_equal(report->doc->exception_message, "It is in use:  really");
    assert_string_equal(report->doc->origin_file, "x.c");
    assert_string_equal(report->doc->origin_method, "do_it");
    assert_int_equal(report->doc->origin_line.value, 12);
    assert_int_equal(report->doc->error_time, now_ms + 5);
    assert_true(report->is_request);
    assert_false(reports_at(reports, 1)->is_request);
    assert_null(reports_at(reports, 1)->doc->exception_message);
    assert_int_equal(reports_read(reports, report, &text), 0);
    assert_non_null(strstr(buf_text(&text), "\nCause:\n    Because\n    of two lines.\n"));
    assert_non_null(strstr(buf_text(&text), "\nFAIL_INVLD_PROP:\n    A second one.\n"));
    assert_non_null(strstr(buf_text(&text), "\nCorrection:\n    Mend it.\n"));
    assert_non_null(strstr(buf_text(&text), "\nRequest:    PUT /v1/x\n"));
    buf_done(&text);
    /* another run in the same second has names of its own */
    assert_string_equal(add(reports, "again", false), "6553F101-00000-000000");
    reports_free(reports);
}

static void test_ids(void **state)
{
    struct reports *reports = reports_open(*state, "1", now_ms);
    const struct error_report *report;

    (void)add(reports, "one", true);
    (void)add(reports, "two", true);
    report = reports_at(reports, 1);
    assert_true(error_report_has_id(report, "6553F100-00000-000001"));
    assert_true(error_report_has_id(report, "6553f100-00000-000001"));
    assert_true(error_report_has_id(report, "ErrorReport-6553F100-00000-000001.log"));
    assert_false(error_report_has_id(report, "6553F100-00000-00000"));
    assert_false(error_report_has_id(report, ""));
    assert_false(error_report_has_id(report, ".log"));
    assert_ptr_equal(reports_after(reports, 0), reports_at(reports, 0));
    reports_remove(reports, reports_at(reports, 0));
    assert_int_equal(reports_count(reports), 1);
    assert_ptr_equal(reports_after(reports, 1), report);
    assert_null(reports_after(reports, report->serial));
    reports_free(reports);
    reports = reports_open(*state, "1", now_ms);
    assert_int_equal(reports_count(reports), 1);
    reports_free(reports);
}

/* What clients cause goes before what tells of a crash. */
static void test_ring(void **state)
{
    struct reports *reports = reports_open(*state, "1", now_ms);

    (void)add(reports, "rare", false);
    for (int i = 0; i < REPORT_COUNT_LIMIT + 7; i++)
        assert_non_null(add(reports, "common", true));
    assert_int_equal(reports_count(reports), REPORT_COUNT_LIMIT);
    assert_string_equal(reports_at(reports, 0)->doc->exception_message, "rare");
    assert_string_equal(reports_at(reports, 1)->id, "6553F100-00000-000009");
    for (int i = 0; i < REPORT_COUNT_LIMIT; i++)
        (void)add(reports, "flood", false);
    assert_int_equal(reports_count(reports), REPORT_COUNT_LIMIT);
    assert_string_equal(reports_at(reports, 0)->doc->exception_message, "flood");
    reports_free(reports);
    reports = reports_open(*state, "1", now_ms);
    assert_int_equal(reports_count(reports), REPORT_COUNT_LIMIT);
    reports_free(reports);
}

static void put_file(const char *directory, const char *name, const char *text)
{
    char *path = memory_printf("%s/%s", directory, name);

    assert_int_equal(text_write_file(path, text, strlen(text), 0640), 0);
    free(path);
}

static void test_files_of_others(void **state)
{
    struct reports *reports;
    const struct error_report_doc *doc;
    char *path = memory_printf("%s/ErrorReport-00000005-00000-000000.log", (char *)*state);

    put_file(
        *state, "ErrorReport-00000001-00000-999999.log",
        "linstor-controller 0.9: crashed\n\nReason:     SIGABRT (assertion or abort)\n"
        "Assertion:  x == 1\nIn:         main, a.c:7\nProcess:    12\nTime:       1600000000\n\nBacktrace:\nTime: 5\n");
    put_file(*state, "ErrorReport-00000002-00000-000000.log", "");
    put_file(*state, "ErrorReport-00000003-00000-000000.log", "\n\n\nTime:\nIn: , :\nno colon\nNode");
    put_file(*state, "ErrorReport-00000004-00000-000000.log.tmp", "x");
    put_file(*state, "ErrorReport-1-2-3.logx", "x");
    assert_int_equal(mkfifo(path, 0600), 0);
    reports = reports_open(*state, "1", now_ms);
    assert_int_equal(reports_count(reports), 3);
    doc = reports_at(reports, 0)->doc;
    assert_string_equal(doc->exception, "Crash");
    assert_string_equal(doc->exception_message, "Assertion failed: x == 1");
    assert_string_equal(doc->origin_file, "a.c");
    assert_string_equal(doc->origin_method, "main");
    assert_int_equal(doc->error_time, INT64_C(1600000000000));
    assert_string_equal(doc->version, "0.9");
    reports_free(reports);
    free(path);
}

static void test_no_directory(void **state)
{
    char *path = memory_printf("%s/file/reports", (char *)*state);
    struct reports *reports;

    put_file(*state, "file", "in the way");
    reports = reports_open(path, "1", now_ms);
    assert_null(add(reports, "x", false));
    assert_null(reports_directory(reports));
    assert_int_equal(reports_count(reports), 0);
    reports_free(reports);
    assert_null(add(NULL, "x", false));
    free(path);
}

static void test_size_limit(void **state)
{
    struct reports *reports = reports_open(*state, "1", now_ms);
    char *text = memory_alloc(REPORT_SIZE_LIMIT * 2);

    memset(text, 'x', REPORT_SIZE_LIMIT * 2 - 1);
    assert_non_null(add(reports, text, false));
    assert_int_equal(reports_at(reports, 0)->bytes, REPORT_SIZE_LIMIT);
    assert_int_equal(strlen(reports_at(reports, 0)->doc->exception_message), 1024);
    free(text);
    reports_free(reports);
}

static bool is_reported(int64_t context, int64_t code, bool is_quiet)
{
    struct arena arena = { 0 };
    struct rc rc = { .arena = &arena, .context = context, .is_quiet = is_quiet };
    bool result;

    (void)rc_add(&rc, code, .message = "x");
    result = rc_is_reported(&rc, &rc.entries.at[0]);
    arena_done(&arena);
    return result;
}

static void test_which_errors(void **state)
{
    (void)state;
    assert_true(is_reported(MASK_CRT | MASK_NODE, FAIL_INVLD_NODE_NAME, false));
    assert_false(is_reported(MASK_CRT | MASK_NODE, FAIL_INVLD_NODE_NAME, true));
    assert_false(is_reported(MASK_CRT | MASK_NODE, FAIL_EXISTS_NODE, false));
    assert_false(is_reported(MASK_MOD | MASK_NODE, FAIL_NOT_FOUND_NODE, false));
    assert_true(is_reported(MASK_MOD | MASK_NODE, FAIL_INVLD_PROP, false));
    assert_false(is_reported(MASK_CRT | MASK_CTRL_CONF, FAIL_INVLD_PROP, false));
    assert_true(is_reported(MASK_DEL | MASK_CTRL_CONF, FAIL_INVLD_PROP, false));
    assert_true(is_reported(0, FAIL_UNKNOWN_ERROR, true));
    assert_true(is_reported(MASK_CRT | MASK_RSC_DFN, API_CALL_PARSE_ERROR, false));
    assert_false(is_reported(MASK_CRT | MASK_VLM_DFN, API_CALL_PARSE_ERROR, false));
    assert_false(is_reported(MASK_CRT | MASK_NODE, WARN_NOT_FOUND, false));
    assert_false(is_reported(MASK_CRT | MASK_NODE, CREATED, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_write_and_reopen, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ids, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ring, setup, teardown),
        cmocka_unit_test_setup_teardown(test_files_of_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_directory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_size_limit, setup, teardown),
        cmocka_unit_test(test_which_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
