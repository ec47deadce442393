/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Both ends on one loop. What is freed, and how often, is watched by the address sanitizer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "base/loop.h"
#include "net/conn.h"

enum { LARGE = 20 * 1000 * 1000, PATIENCE_MS = 20000 };

struct side {
    struct conn *conn;
    struct buf in;
    int opens, drains, closes, error;
    bool is_inside; /* a function of conn.h is being called */
};

static struct {
    struct loop *loop;
    struct listener *listener;
    struct timer *timer;
    struct side client, server;
    bool is_late;
    bool (*is_done)(void);
} test;

static void check_done(void)
{
    if (test.is_done && test.is_done())
        loop_stop(test.loop);
}

static void on_open(void *owner)
{
    struct side *side = owner;

    assert_false(side->is_inside);
    side->opens++;
    check_done();
}

static void on_data(void *owner, const char *bytes, size_t length)
{
    struct side *side = owner;

    assert_false(side->is_inside);
    buf_add(&side->in, bytes, length);
    check_done();
}

static void on_drain(void *owner)
{
    struct side *side = owner;

    assert_false(side->is_inside);
    assert_int_equal(conn_unsent(side->conn), 0);
    side->drains++;
    check_done();
}

static void on_close(void *owner, int error)
{
    struct side *side = owner;

    assert_false(side->is_inside);
    conn_close(side->conn, false); /* allowed, and of no effect */
    side->conn = NULL;
    side->closes++;
    side->error = error;
    check_done();
}

static const struct conn_events events = {
    .on_open = on_open, .on_data = on_data, .on_drain = on_drain, .on_close = on_close
};

static void on_accept(void *owner, struct conn *conn)
{
    (void)owner;
    if (test.server.conn) {
        conn_close(conn, false);
        return;
    }
    test.server.conn = conn;
    conn_set_events(conn, &events, &test.server);
    check_done();
}

static void late(void *owner)
{
    (void)owner;
    test.is_late = true;
    loop_stop(test.loop);
}

static void run_until(bool (*is_done)(void))
{
    if (is_done())
        return;
    test.is_done = is_done;
    timer_start(test.timer, PATIENCE_MS, 0);
    loop_run(test.loop);
    assert_false(test.is_late);
}

static bool never(void)
{
    return false;
}

static void run_for(int ms)
{
    test.is_done = never;
    timer_start(test.timer, ms, 0);
    loop_run(test.loop);
    test.is_late = false;
}

static void dial(const char *address, int port)
{
    test.client.is_inside = true;
    test.client.conn = conn_dial(test.loop, address, port, &events, &test.client);
    test.client.is_inside = false;
}

static void write_text(struct side *side, const char *text)
{
    struct buf out = { 0 };

    buf_add_text(&out, text);
    side->is_inside = true;
    conn_write(side->conn, &out);
    side->is_inside = false;
    assert_null(out.data);
}

static void write_large(struct side *side)
{
    struct buf out = { 0 };

    for (int i = 0; i < LARGE; i++)
        buf_add_char(&out, (char)(i % 251));
    side->is_inside = true;
    conn_write(side->conn, &out);
    side->is_inside = false;
}

static void check_large(const struct buf *in)
{
    assert_int_equal(in->length, LARGE);
    for (int i = 0; i < LARGE; i++)
        if (in->data[i] != (char)(i % 251))
            fail_msg("byte %d is wrong", i);
}

static bool both_open(void)
{
    return test.client.opens > 0 && test.server.conn;
}

static bool client_drained(void)
{
    return test.client.drains > 0;
}

static bool client_closed(void)
{
    return test.client.closes > 0;
}

static bool server_closed(void)
{
    return test.server.closes > 0;
}

static bool server_has_large(void)
{
    return test.server.in.length >= LARGE;
}

static bool client_has_large(void)
{
    return test.client.in.length >= LARGE && test.client.closes > 0;
}

static bool server_has_some(void)
{
    return test.server.in.length >= 6;
}

static int setup(void **state)
{
    int error;

    (void)state;
    memset(&test, 0, sizeof(test));
    test.loop = loop_new();
    test.timer = timer_new(test.loop, late, NULL);
    test.listener = listener_new(test.loop, "127.0.0.1", 0, on_accept, NULL, &error);
    return test.listener ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    conn_close(test.client.conn, false);
    conn_close(test.server.conn, false);
    buf_done(&test.client.in);
    buf_done(&test.server.in);
    listener_free(test.listener);
    timer_free(test.timer);
    loop_free(test.loop);
    return 0;
}

static void connect_both(void)
{
    dial("127.0.0.1", listener_port(test.listener));
    run_until(both_open);
    assert_string_not_equal(conn_peer(test.server.conn), "?");
}

/* "::" serves IPv4 too, and shows such a peer as what it is. */
static void test_both_families(void **state)
{
    int error;

    (void)state;
    listener_free(test.listener);
    test.listener = listener_new(test.loop, "::", 0, on_accept, NULL, &error);
    if (!test.listener && error == -EAFNOSUPPORT) {
        test.listener = listener_new(test.loop, "127.0.0.1", 0, on_accept, NULL, &error);
        skip();
    }
    assert_non_null(test.listener);
    connect_both();
    assert_memory_equal(conn_peer(test.server.conn), "127.0.0.1:", 10);
}

static void test_failed_dials(void **state)
{
    static const struct {
        const char *address;
        int port, error;
    } cases[] = {
        { "not an address", 1, -EINVAL },
        { "::g", 1, -EINVAL },
        { "127.0.0.1", 70000, -EINVAL },
        { "127.0.0.1", 1, -ECONNREFUSED },
    };
    struct listener *second;
    int error = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        test.client.closes = 0;
        dial(cases[i].address, cases[i].port);
        write_text(&test.client, "never sent");
        run_until(client_closed);
        assert_int_equal(test.client.error, cases[i].error);
        assert_int_equal(test.client.opens, 0);
        /* closed by the owner before it is told: it is not told */
        test.client.closes = 0;
        dial(cases[i].address, cases[i].port);
        conn_close(test.client.conn, i % 2);
        test.client.conn = NULL;
        run_for(20);
        assert_int_equal(test.client.closes, 0);
    }
    second = listener_new(test.loop, "127.0.0.1", -1, on_accept, NULL, &error);
    assert_null(second);
    assert_int_equal(error, -EINVAL);
}

static void test_words(void **state)
{
    (void)state;
    connect_both();
    write_text(&test.client, "one ");
    write_text(&test.client, "");
    write_text(&test.client, "two");
    run_until(server_has_some);
    assert_string_equal(test.server.in.data, "one two");
    conn_close(test.client.conn, false);
    test.client.conn = NULL;
    run_until(server_closed);
    assert_int_equal(test.server.error, 0);
    assert_int_equal(test.server.closes, 1);
    assert_int_equal(test.client.closes, 0);
}

static void test_written_before_open(void **state)
{
    (void)state;
    dial("127.0.0.1", listener_port(test.listener));
    write_text(&test.client, "early ");
    write_text(&test.client, "words");
    assert_int_equal(conn_unsent(test.client.conn), 11);
    conn_close(test.client.conn, true); /* sends them all the same */
    test.client.conn = NULL;
    run_until(server_closed);
    assert_string_equal(test.server.in.data, "early words");
}

static void test_back_pressure(void **state)
{
    size_t at_rest;

    (void)state;
    connect_both();
    conn_pause(test.server.conn, true);
    write_large(&test.client);
    assert_true(conn_unsent(test.client.conn) > 0);
    run_for(100);
    at_rest = conn_unsent(test.client.conn);
    assert_true(at_rest > 0);
    assert_int_equal(test.server.in.length, 0);
    assert_int_equal(test.client.drains, 0);
    conn_pause(test.server.conn, false);
    run_until(server_has_large);
    run_until(client_drained);
    run_for(20);
    assert_int_equal(test.client.drains, 1);
    check_large(&test.server.in);
}

/* The server answers and closes while the client still sends: the answer must arrive. */
static void test_linger(void **state)
{
    (void)state;
    connect_both();
    conn_pause(test.server.conn, true);
    write_large(&test.client);
    run_for(50);
    write_large(&test.server);
    conn_close(test.server.conn, true);
    test.server.conn = NULL;
    run_until(client_has_large);
    check_large(&test.client.in);
    assert_int_equal(test.client.error, 0);
    assert_int_equal(test.server.closes, 0);
    assert_int_equal(test.server.in.length, 0);
}

static void test_end_of_loop(void **state)
{
    (void)state;
    connect_both();
    conn_pause(test.client.conn, true);
    write_large(&test.server);
    conn_close(test.server.conn, true); /* still lingers when the loop is freed */
    test.server.conn = NULL;
    run_for(20);
}

static void test_reset(void **state)
{
    (void)state;
    connect_both();
    conn_pause(test.client.conn, true);
    write_text(&test.server, "unread, so that closing resets the connection");
    run_for(20);
    conn_close(test.client.conn, false);
    test.client.conn = NULL;
    write_large(&test.server);
    run_until(server_closed);
    assert_true(test.server.error == -ECONNRESET || test.server.error == -EPIPE);
    assert_int_equal(test.server.closes, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_failed_dials, setup, teardown),
        cmocka_unit_test_setup_teardown(test_both_families, setup, teardown),
        cmocka_unit_test_setup_teardown(test_words, setup, teardown),
        cmocka_unit_test_setup_teardown(test_written_before_open, setup, teardown),
        cmocka_unit_test_setup_teardown(test_back_pressure, setup, teardown),
        cmocka_unit_test_setup_teardown(test_linger, setup, teardown),
        cmocka_unit_test_setup_teardown(test_end_of_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reset, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
