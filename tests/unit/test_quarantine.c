/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A controller that starts on a damaged record tells its user so, once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "roles/controller/reports.h"
#include "roles/controller/service.h"
#include "store/journal.h"
#include "store/store.h"

static int set_up(void **state)
{
    char pattern[] = "/tmp/test_quarantine.XXXXXX";

    *state = mkdtemp(pattern) ? strdup(pattern) : NULL;
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    char *command = memory_printf("rm -rf '%s'", (char *)*state);
    int result = system(command);

    free(command);
    free(*state);
    return result;
}

static void was_written(void *owner, int error, const char *why)
{
    (void)why;
    assert_int_equal(error, 0);
    loop_stop(owner);
}

static void damage(const char *directory)
{
    char *path = memory_printf("%s/store", directory), why[512];
    struct loop *loop = loop_new();
    struct store *store = store_lmdb_open(loop, path, journal_tables(), JOURNAL_TABLE_COUNT, why, sizeof(why));
    struct store_batch batch;

    assert_non_null(store);
    store_batch_init(&batch);
    store_batch_put(&batch, "node", "ALPHA", "{\"v\":1,", 7);
    store->backend->commit(store, &batch, was_written, loop);
    loop_run(loop);
    store_batch_done(&batch);
    store->backend->close(store);
    loop_free(loop);
    free(path);
}

static void stop(void *owner)
{
    service_stop(owner);
}

/* A whole life of a controller: so many reports it has at the end. */
static uint32_t live(const char *directory, struct buf *text)
{
    char *path = memory_printf("%s/reports", directory);
    struct loop *loop = loop_new();
    struct reports *reports = reports_open(path, "test", loop_wall_ms(loop));
    struct service service;
    struct timer *timer = timer_new(loop, stop, &service);
    uint32_t count;

    assert_int_equal(
        service_init(&service, loop, service_open_store(loop, directory), reports, directory, "127.0.0.1", 0), 0);
    timer_start(timer, 0, 0);
    loop_run(loop);
    timer_free(timer);
    service_done(&service);
    count = reports_count(reports);
    if (count > 0)
        assert_int_equal(reports_read(reports, reports_at(reports, count - 1), text), 0);
    if (count > 0)
        assert_non_null(strstr(reports_at(reports, count - 1)->doc->exception_message, "'ALPHA' of 'node'"));
    reports_free(reports);
    loop_free(loop);
    free(path);
    return count;
}

static void test_damaged_record_is_reported_once(void **state)
{
    CLEANUP(buf_done) struct buf text = { 0 };

    assert_int_equal(live(*state, &text), 0);
    damage(*state);
    assert_int_equal(live(*state, &text), 1);
    assert_non_null(strstr(buf_text(&text), "RecordUnreadable"));
    assert_non_null(strstr(buf_text(&text), "--unreadable"));
    /* It is found again at every start, and that is nothing new. */
    buf_clear(&text);
    assert_int_equal(live(*state, &text), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_damaged_record_is_reported_once, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
