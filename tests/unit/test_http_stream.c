/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers of any length, and clients who are slow to take them, or go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "http_world.h"

static void test_slow_reader(void **state)
{
    struct client client;
    struct answer answer;
    size_t produced;

    (void)state;
    server_start(NULL);
    client_open(&client, 4096);
    client_send_text(&client, "GET /long-stream HTTP/1.1\r\n" HOST "\r\nGET /z HTTP/1.1\r\n" HOST "\r\n");
    counter_await(&http_world.handled, 2);
    server_catch_up();
    do {
        produced = http_world.produced;
        server_catch_up();
    } while (produced != http_world.produced);
    /* what the kernel holds (it lets a socket's buffer grow to a few MiB), and a bounded amount of our own */
    assert_true(produced > 0 && produced < (size_t)HTTP_WORLD_PIECES * HTTP_WORLD_PIECE / 2);
    answer_take(&client, false, &answer);
    assert_int_equal(answer.body.length, (size_t)HTTP_WORLD_PIECES * HTTP_WORLD_PIECE);
    answer_done(&answer);
    client_expect(&client, "GET /z 0:");
    assert_int_equal(http_world.gone, 0);
    client_close(&client);
    server_stop();
}

static void test_peer_that_takes_nothing(void **state)
{
    struct http_limits limits = http_default_limits;
    struct client client;

    (void)state;
    limits.send_window_ms = 100;
    server_start(&limits);
    client_open(&client, 4096);
    client_send_text(&client, "GET /endless HTTP/1.1\r\n" HOST "\r\n");
    counter_await(&http_world.gone, 1);
    client_close(&client);
    server_stop();
}

static void test_hang_up(void **state)
{
    static const char *const targets[] = { "/park", "/endless", "/events" };
    struct client client;

    (void)state;
    server_start(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        char request[64];

        snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n" HOST "\r\n", targets[i]);
        client_open(&client, 0);
        client_send_text(&client, request);
        counter_await(&http_world.handled, (int)i + 1);
        server_catch_up();
        client_close(&client);
        counter_await(&http_world.gone, (int)i + 1);
    }
    client_open(&client, 0);
    client_send_text(&client, "GET /silent HTTP/1.1\r\n" HOST "\r\nGET /a HTTP/1.1\r\n" HOST "\r\nGET / HTTP");
    counter_await(&http_world.handled, 5);
    client_close(&client);
    client_open(&client, 0);
    client_send_text(&client, "GET /silent-stream HTTP/1.1\r\n" HOST "\r\n");
    counter_await(&http_world.handled, 6);
    client_close(&client);
    server_catch_up();
    client_ask_for("GET /release HTTP/1.1\r\n" HOST "\r\n", "released"); /* answers somebody who is not there */
    counter_await(&http_world.gone, 4); /* who would have produced a stream for nobody is told */
    /* these are there when the server ends */
    client_open(&client, 0);
    client_send_text(&client, "GET /silent HTTP/1.1\r\n" HOST "\r\nGET /park HTTP/1.1\r\n" HOST "\r\n");
    counter_await(&http_world.handled, 9);
    server_catch_up();
    assert_int_equal(http_world.gone, 4);
    server_stop();
    assert_int_equal(http_world.gone, 5);
    client_close(&client);
}

static void test_poked_stream(void **state)
{
    struct client *client = *state;
    struct answer answer;

    client_send_text(client, "GET /events HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n\r\n");
    answer_take(client, true, &answer);
    assert_true(answer.is_chunked);
    answer_done(&answer);
    for (int i = 0; i < 3; i++) {
        client_ask_for("GET /event HTTP/1.1\r\n" HOST "\r\n", "poked");
        client_receive_until(client, "00000009\r\ndata: x\n\n\r\n");
        assert_int_equal(client->in.length, 21);
        buf_clear(&client->in);
    }
    shutdown(client->fd, SHUT_RDWR);
    counter_await(&http_world.gone, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_peer_that_takes_nothing),
        cmocka_unit_test(test_hang_up),
        CLIENT_TEST(test_poked_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
