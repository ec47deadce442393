/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests and answers as they should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>
#include <zlib.h>

#include "base/memory.h"
#include "http_world.h"

static void test_keep_alive(void **state)
{
    struct client *client = *state;
    struct answer answer;

    for (int i = 0; i < 3; i++) {
        client_send_text(client, "PUT /a%2Fb?x=1 HTTP/1.1\r\n" HOST
                                 "X-Test:  one \r\nx-test: two\r\nContent-Length: 3\r\n\r\nabc");
        answer_take(client, false, &answer);
        assert_int_equal(answer.status, 201);
        assert_string_equal(answer.body.data, "PUT /a%2Fb?x=1 [one] [two] 3:abc");
        assert_string_equal(answer_header(&answer, "Access-Control-Allow-Origin"), "*");
        assert_string_equal(answer_header(&answer, "Access-Control-Allow-Headers"),
                            "origin, content-type, accept, authorization");
        assert_string_equal(answer_header(&answer, "Access-Control-Allow-Credentials"), "true");
        assert_string_equal(answer_header(&answer, "Access-Control-Allow-Methods"),
                            "GET, POST, PUT, DELETE, OPTIONS, HEAD");
        assert_null(answer_header(&answer, "Connection"));
        answer_done(&answer);
    }
    client_send_text(client, "\r\nOPTIONS /o HTTP/1.1\r\n" HOST
                             "Connection: close\r\nContent-Length: 1\r\n\r\n{GET / HTTP/1.1");
    answer_take(client, false, &answer);
    assert_string_equal(answer.body.data, "OPTIONS /o 1:{");
    assert_string_equal(answer_header(&answer, "Connection"), "close");
    answer_done(&answer);
    client_expect_closed(client);
    client_ask("GET /empty HTTP/1.1\r\n" HOST "\r\n", &answer);
    assert_int_equal(answer.status, 204);
    assert_null(answer_header(&answer, "Content-Length"));
    assert_null(answer_header(&answer, "Evil"));
    answer_done(&answer);
    client_ask_for("GET /no-upgrade HTTP/1.1\r\n" HOST "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n",
                   "GET /no-upgrade 0:");
    client_ask_for("GET http://host:1/path?q HTTP/1.1\r\n" HOST "\r\n", "GET /path?q 0:");
}

static void test_old_protocol(void **state)
{
    struct client *client = *state;
    struct answer answer;

    client_send_text(client, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n");
    answer_take(client, false, &answer);
    assert_string_equal(answer.body.data, "GET /a 0:");
    assert_string_equal(answer_header(&answer, "Connection"), "keep-alive");
    answer_done(&answer);
    client_expect(client, "GET /b 0:");
    client_expect_closed(client);
    client_close(client);
    /* a stream ends with the connection; what follows it is not answered */
    client_open(client, 0);
    client_send_text(client, "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n");
    answer_take(client, true, &answer);
    assert_false(answer.is_chunked);
    assert_string_equal(answer_header(&answer, "Connection"), "close");
    while (client_receive(client))
        ;
    assert_int_equal(client->in.length, 3000);
    answer_done(&answer);
}

static void test_pipelining(void **state)
{
    struct client *client = *state;
    struct buf requests = { 0 };
    struct answer answer;
    char text[64];

    for (int i = 0; i < 1000; i++)
        buf_printf(&requests, "GET /%d HTTP/1.1\r\n" HOST "\r\n", i);
    client_send(client, requests.data, requests.length);
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof(text), "GET /%d 0:", i);
        client_expect(client, text);
    }
    /* more than may wait at once: the rest is read when those before are answered */
    buf_clear(&requests);
    for (int i = 0; i < 20; i++)
        buf_printf(&requests,
                   i == 5 ? "GET /stream?%d HTTP/1.1\r\n" HOST "\r\n" : "GET /park/%d HTTP/1.1\r\n" HOST "\r\n", i);
    client_send(client, requests.data, requests.length);
    counter_await(&http_world.handled, 1016);
    server_catch_up();
    assert_int_equal(http_world.handled, 1016);
    client_ask_for("GET /release HTTP/1.1\r\n" HOST "\r\n", "released");
    counter_await(&http_world.handled, 1021);
    client_ask_for("GET /release HTTP/1.1\r\n" HOST "\r\n", "released");
    for (int i = 0; i < 20; i++) {
        snprintf(text, sizeof(text), i == 5 ? "GET /stream?%d 0:" : "parked /park/%d", i);
        client_expect(client, text);
    }
    /* a stream in the middle, closed at the end */
    client_send_text(client, "GET /stream HTTP/1.1\r\n" HOST "\r\nGET /short-stream HTTP/1.1\r\n" HOST
                             "\r\nGET /z HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    answer_take(client, false, &answer);
    assert_true(answer.is_chunked);
    assert_int_equal(answer.body.length, 3000);
    answer_done(&answer);
    answer_take(client, false, &answer);
    assert_false(answer.is_chunked);
    assert_string_equal(answer.body.data, "abcdefghij");
    answer_done(&answer);
    client_expect(client, "GET /z 0:");
    client_expect_closed(client);
    assert_int_equal(http_world.gone, 0);
    buf_done(&requests);
}

static void test_bodies(void **state)
{
    static const char chunked[] = "POST /c HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nX-Test: folded not\r\n\r\n"
                                  "3;name=value\r\nabc\r\n1\r\nd\r\n0\r\nX-Test: trailer\r\n\r\n";
    struct client *client = *state;
    struct buf body = { 0 };
    struct answer answer;

    for (size_t step = 1; step <= sizeof(chunked) - 1; step += 7) {
        for (size_t at = 0; at < sizeof(chunked) - 1; at += step) {
            size_t left = sizeof(chunked) - 1 - at;

            client_send(client, chunked + at, left < step ? left : step);
            if (step == 1)
                server_catch_up();
        }
        client_expect(client, "POST /c [folded not] 4:abcd");
    }
    client_send_text(client, "POST /e HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    client_receive_until(client, "100 Continue\r\n\r\n");
    buf_clear(&client->in);
    client_send_text(client, "12345");
    client_expect(client, "POST /e 5:12345");
    for (size_t i = 0; i < 3000000; i++)
        buf_add_char(&body, (char)(i % 251 + 1));
    client_send_text(client, "POST /l HTTP/1.1\r\n" HOST "Content-Length: 3000000\r\n\r\n");
    client_send(client, body.data, body.length);
    answer_take(client, false, &answer);
    assert_int_equal(answer.body.length, strlen("POST /l 3000000:") + body.length);
    assert_memory_equal(answer.body.data + strlen("POST /l 3000000:"), body.data, body.length);
    answer_done(&answer);
    buf_done(&body);
}

static void test_head(void **state)
{
    struct client *client = *state;
    struct answer get, head;

    client_ask("GET /json/2000 HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n\r\n", &get);
    client_ask("HEAD /json/2000 HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n\r\n", &head);
    assert_non_null(answer_header(&head, "Content-Encoding"));
    /* the same but for the time */
    memcpy(strstr(head.head.data, "Date: "), strstr(get.head.data, "Date: "), 35);
    assert_string_equal(get.head.data, head.head.data);
    answer_done(&get);
    answer_done(&head);
    client_send_text(client, "HEAD /json/10 HTTP/1.1\r\n" HOST "\r\nHEAD /endless HTTP/1.1\r\n" HOST
                             "\r\nHEAD /short-stream HTTP/1.1\r\n" HOST "\r\nGET /z HTTP/1.1\r\n" HOST "\r\n");
    answer_take(client, true, &head);
    assert_string_equal(answer_header(&head, "Content-Length"), "10");
    answer_done(&head);
    answer_take(client, true, &head);
    assert_true(head.is_chunked);
    answer_done(&head);
    answer_take(client, true, &head);
    assert_string_equal(answer_header(&head, "Content-Length"), "10");
    answer_done(&head);
    client_expect(client, "GET /z 0:");
    assert_int_equal(http_world.gone, 1); /* the endless stream */
}

static size_t unpacked_length(const struct buf *packed)
{
    z_stream z = { .next_in = (Bytef *)packed->data, .avail_in = (uInt)packed->length };
    Bytef out[4096];
    int code;

    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    do {
        z.next_out = out;
        z.avail_out = sizeof(out);
        code = inflate(&z, Z_NO_FLUSH);
        assert_true(code == Z_OK || code == Z_STREAM_END);
    } while (code != Z_STREAM_END);
    assert_int_equal(z.avail_in, 0);
    inflateEnd(&z);
    return z.total_out;
}

static void test_gzip(void **state)
{
    static const struct {
        const char *target, *accept;
        bool is_packed;
        size_t length;
    } cases[] = {
        { "/json/1000", "gzip", true, 1000 },
        { "/json/999", "gzip", false, 999 },
        { "/json/1000", "deflate, GZIP;q=0.5", true, 1000 },
        { "/json/1000", "gzip;q=0", false, 1000 },
        { "/json/1000", "gzip; q=0.000, *", false, 1000 },
        { "/json/1000", "*", true, 1000 },
        { "/json/1000", "*;q=0", false, 1000 },
        { "/json/1000", "identity", false, 1000 },
        { "/json/1000", "identity;q=1, gzip ;q=0.001", true, 1000 },
        { "/json/1000", "gzip;q=nonsense", false, 1000 },
        { "/json/1000", "gzip;q=1.5", false, 1000 },
        { "/json/1000", "gzipped", false, 1000 },
        { "/json/1000", "", false, 1000 },
        { "/json/3000000", "gzip", true, 3000000 },
        { "/stream", "gzip", true, 3000 },
        { "/short-stream", "gzip", false, 10 },
        { "/long-stream", "gzip", false,
          (size_t)HTTP_WORLD_PIECES * HTTP_WORLD_PIECE }, /* of a type that is not packed */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct answer answer;
        char request[256];

        snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n" HOST "Accept-Encoding: %s\r\n\r\n", cases[i].target,
                 cases[i].accept);
        client_ask(request, &answer);
        if ((answer_header(&answer, "Content-Encoding") != NULL) != cases[i].is_packed)
            fail_msg("%s with '%s'", cases[i].target, cases[i].accept);
        assert_int_equal(cases[i].is_packed ? unpacked_length(&answer.body) : answer.body.length, cases[i].length);
        answer_done(&answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLIENT_TEST(test_keep_alive), CLIENT_TEST(test_old_protocol), CLIENT_TEST(test_pipelining),
        CLIENT_TEST(test_bodies),     CLIENT_TEST(test_head),         CLIENT_TEST(test_gzip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
