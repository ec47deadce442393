/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the server refuses: requests that are none, too large, too slow, too many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "http_world.h"

static void test_refusals(void **state)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        { "GET / HTTP/1.1\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400 },
        { "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400 },
        { "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400 },
        { "POST / HTTP/1.1\r\n" HOST "Content-Length: 3, 3\r\n\r\nabc", 400 },
        { "POST / HTTP/1.1\r\n" HOST "Content-Length: +3\r\n\r\nabc", 400 },
        { "POST / HTTP/1.1\r\n" HOST "Content-Length: -3\r\n\r\nabc", 400 },
        { "POST / HTTP/1.1\r\n" HOST "Content-Length : 3\r\n\r\nabc", 400 },
        { "POST / HTTP/1.1\r\n" HOST "Content-Length: \r\n\r\nabc", 400 },
        { "POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n 3\r\n\r\nabc", 400 },
        { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400 },
        { "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501 },
        { "GET / HTTP/1.1\r\n" HOST "X-Test: a\r\n b\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\n" HOST "X Test: a\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\n" HOST ": a\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\n" HOST "X-Test: a\rb\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\n" HOST "X-Test: a\001b\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\n" HOST "Expect: wonders\r\n\r\n", 417 },
        { "BREW /tea HTTP/1.1\r\n" HOST "\r\n", 405 },
        { "CONNECT a:1 HTTP/1.1\r\n" HOST "\r\n", 501 },
        { "GET / HTTP/2.0\r\n" HOST "\r\n", 505 },
        { "GET / HTTP/3.7\r\n" HOST "\r\n", 505 },
        { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505 },
        { "\026\003\001\002", 400 },
        { "{}\r\n\r\n", 400 },
    };

    (void)state;
    server_start(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        client_expect_refusal(cases[i].request, cases[i].status);
    assert_int_equal(http_world.handled, 0);
    server_stop();
}

static void test_sizes(void **state)
{
    struct http_limits limits = http_default_limits;
    struct buf request = { 0 };

    (void)state;
    limits.parse =
        (struct http_parse_limits){ .target_bytes = 100, .header_bytes = 1000, .header_count = 10, .body_bytes = 5000 };
    server_start(&limits);
    buf_printf(&request, "GET /%0200d HTTP/1.1\r\n" HOST "\r\n", 1);
    client_expect_refusal(request.data, 414);
    buf_clear(&request);
    buf_printf(&request, "GET / HTTP/1.1\r\n" HOST "X: %02000d\r\n\r\n", 1);
    client_expect_refusal(request.data, 431);
    buf_clear(&request);
    buf_add_text(&request, "GET / HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 20; i++)
        buf_printf(&request, "X-%d: %d\r\n", i, i);
    buf_add_text(&request, "\r\n");
    client_expect_refusal(request.data, 431);
    client_expect_refusal("POST / HTTP/1.1\r\n" HOST "Content-Length: 5001\r\n\r\n", 413);
    client_expect_refusal(
        "POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 999999999999999999\r\n\r\n", 413);
    buf_clear(&request);
    buf_add_text(&request, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 20; i++)
        buf_printf(&request, "190\r\n%0400d\r\n", i);
    client_expect_refusal(request.data, 413);
    buf_clear(&request);
    buf_printf(&request, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1;%02000d=1\r\na", 1);
    client_expect_refusal(request.data, 431);
    /* much more than the server takes: it must be able to tell it all the same */
    buf_clear(&request);
    buf_add_text(&request, "POST / HTTP/1.1\r\n" HOST "Content-Length: 8000000\r\n\r\n");
    for (int i = 0; i < 8000; i++)
        buf_printf(&request, "%01000d", i);
    client_expect_refusal(request.data, 413);
    assert_int_equal(http_world.handled, 0);
    buf_done(&request);
    server_stop();
}

static void test_slow_clients(void **state)
{
    struct http_limits limits = http_default_limits;
    struct answer answer;
    struct client client, idle;

    (void)state;
    limits.header_ms = limits.body_window_ms = 100;
    limits.idle_ms = 400;
    server_start(&limits);
    client_open(&idle, 0);
    client_expect_refusal("GET / HTTP/1.1\r\nHost:", 408);
    client_expect_refusal("POST / HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc", 408);
    /* byte by byte is no better */
    client_open(&client, 0);
    client_send_text(&client, "GET / HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 500 && !client_is_told(&client, 10); i++)
        client_send_text(&client, "X");
    answer_take(&client, false, &answer);
    assert_int_equal(answer.status, 408);
    answer_done(&answer);
    client_close(&client);
    client_expect_closed(&idle);
    client_close(&idle);
    server_stop();
}

static void test_many_connections(void **state)
{
    struct http_limits limits = http_default_limits;
    struct client clients[4], last;

    (void)state;
    limits.connections = 4;
    server_start(&limits);
    for (int i = 0; i < 4; i++) {
        client_open(&clients[i], 0);
        client_send_text(&clients[i], "GET /a HTTP/1.1\r\n" HOST "\r\n");
        client_expect(&clients[i], "GET /a 0:");
    }
    client_send_text(&clients[0], "GET /park HTTP/1.1\r\n" HOST "\r\n");
    counter_await(&http_world.handled, 5);
    client_open(&last, 0);
    client_expect_closed(&clients[1]); /* the oldest idle one: the first is busy */
    client_send_text(&last, "GET /release HTTP/1.1\r\n" HOST "\r\n");
    client_expect(&last, "released");
    client_expect(&clients[0], "parked /park");
    for (int i = 0; i < 4; i++)
        client_close(&clients[i]);
    client_close(&last);
    server_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_slow_clients),
        cmocka_unit_test(test_many_connections),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
