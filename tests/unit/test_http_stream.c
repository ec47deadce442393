/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers of any length, and clients who are slow to take them, or go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "base/memory.h"
#include "http_world.h"

static void test_slow_reader(void **state)
{
    int fd;
    struct buf in = { 0 };
    struct answer answer;
    size_t produced;

    (void)state;
    server_start(NULL);
    fd = client_dial(4096);
    client_send_text(fd, "GET /long-stream HTTP/1.1\r\n" HOST "\r\nGET /z HTTP/1.1\r\n" HOST "\r\n");
    counter_await(&http_world.handled, 2);
    server_catch_up();
    do {
        produced = http_world.produced;
        server_catch_up();
    } while (produced != http_world.produced);
    /* what the kernel holds (it lets a socket's buffer grow to a few MiB), and a bounded amount of our own */
    assert_true(produced > 0 && produced < (size_t)HTTP_WORLD_PIECES * HTTP_WORLD_PIECE / 2);
    answer_take(fd, &in, false, &answer);
    assert_int_equal(answer.body.length, (size_t)HTTP_WORLD_PIECES * HTTP_WORLD_PIECE);
    answer_done(&answer);
    answer_take(fd, &in, false, &answer);
    assert_string_equal(answer.body.data, "GET /z 0:");
    answer_done(&answer);
    assert_int_equal(http_world.gone, 0);
    buf_done(&in);
    close(fd);
    server_stop();
}

static void test_peer_that_takes_nothing(void **state)
{
    struct http_limits limits = http_default_limits;
    int fd;

    (void)state;
    limits.send_window_ms = 100;
    server_start(&limits);
    fd = client_dial(4096);
    client_send_text(fd, "GET /endless HTTP/1.1\r\n" HOST "\r\n");
    counter_await(&http_world.gone, 1);
    close(fd);
    server_stop();
}

static void test_hang_up(void **state)
{
    static const char *const targets[] = { "/park", "/endless", "/events" };
    struct answer answer;
    int fd;

    (void)state;
    server_start(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        char request[64];

        snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n" HOST "\r\n", targets[i]);
        fd = client_dial(0);
        client_send_text(fd, request);
        counter_await(&http_world.handled, (int)i + 1);
        server_catch_up();
        close(fd);
        counter_await(&http_world.gone, (int)i + 1);
    }
    fd = client_dial(0);
    client_send_text(fd, "GET /silent HTTP/1.1\r\n" HOST "\r\nGET /a HTTP/1.1\r\n" HOST "\r\nGET / HTTP");
    counter_await(&http_world.handled, 5);
    close(fd);
    fd = client_dial(0);
    client_send_text(fd, "GET /silent-stream HTTP/1.1\r\n" HOST "\r\n");
    counter_await(&http_world.handled, 6);
    close(fd);
    server_catch_up();
    client_ask("GET /release HTTP/1.1\r\n" HOST "\r\n", &answer); /* answers somebody who is not there */
    answer_done(&answer);
    counter_await(&http_world.gone, 4); /* who would have produced a stream for nobody is told */
    /* these are there when the server ends */
    fd = client_dial(0);
    client_send_text(fd, "GET /silent HTTP/1.1\r\n" HOST "\r\nGET /park HTTP/1.1\r\n" HOST "\r\n");
    counter_await(&http_world.handled, 9);
    server_catch_up();
    assert_int_equal(http_world.gone, 4);
    server_stop();
    assert_int_equal(http_world.gone, 5);
    close(fd);
}

static void test_poked_stream(void **state)
{
    int fd;
    struct buf in = { 0 };
    struct answer answer;

    (void)state;
    server_start(NULL);
    fd = client_dial(0);
    client_send_text(fd, "GET /events HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n\r\n");
    answer_take(fd, &in, true, &answer);
    assert_true(answer.is_chunked);
    answer_done(&answer);
    for (int i = 0; i < 3; i++) {
        client_ask("GET /event HTTP/1.1\r\n" HOST "\r\n", &answer);
        answer_done(&answer);
        client_receive_until(fd, &in, "00000009\r\ndata: x\n\n\r\n");
        assert_int_equal(in.length, 21);
        buf_clear(&in);
    }
    close(fd);
    counter_await(&http_world.gone, 1);
    buf_done(&in);
    server_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_peer_that_takes_nothing),
        cmocka_unit_test(test_hang_up),
        cmocka_unit_test(test_poked_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
