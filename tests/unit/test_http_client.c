/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The client against our server, and against peers that misbehave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_world.h"
#include "net/http_client.h"

#define LARGE "/json/10000000"

struct taken {
    struct buf body;
    int pieces, stop_after;
};

static bool take(void *owner, int status, const char *bytes, size_t length)
{
    struct taken *taken = owner;

    assert_true(status >= 200);
    buf_add(&taken->body, bytes, length);
    return ++taken->pieces != taken->stop_after;
}

static struct http_call call_of(const char *method, const char *target, struct taken *taken)
{
    buf_done(&taken->body);
    *taken = (struct taken){ 0 };
    return (struct http_call){ .method = method, .target = target, .on_body = take, .owner = taken };
}

static void test_calls(void **state)
{
    static const char *const headers[] = { "X-Test", "value", NULL };
    struct http_limits limits = http_default_limits;
    struct http_client *client;
    struct taken taken = { 0 };
    struct http_call call;
    char expected[256];

    (void)state;
    limits.idle_ms = 100;
    server_start(&limits);
    client = http_client_new("localhost", server_port(), NULL);
    call = call_of("POST", "/a", &taken);
    call.headers = headers;
    call.body = "{}";
    call.body_length = 2;
    for (int i = 0; i < 2; i++) {
        buf_clear(&taken.body);
        assert_int_equal(http_client_call(client, &call), HTTP_OK);
        assert_string_equal(http_client_error(client), "");
        assert_int_equal(http_client_status(client), 201);
        assert_string_equal(taken.body.data, "POST /a [value] 2:{}");
        assert_string_equal(http_client_header(client, "content-type"), "text/plain");
        assert_null(http_client_header(client, "x-nothing"));
    }
    /* The server closes it, and it is dialled again without a word. */
    counter_await(&http_world.connections, 0);
    server_catch_up();
    call = call_of("DELETE", "/nothing", &taken);
    assert_int_equal(http_client_call(client, &call), HTTP_OK);
    assert_int_equal(http_client_status(client), 404);
    call = call_of("GET", "/host", &taken);
    assert_int_equal(http_client_call(client, &call), HTTP_OK);
    snprintf(expected, sizeof(expected), "localhost:%d", server_port());
    assert_string_equal(taken.body.data, expected);
    call = call_of("HEAD", "/c", &taken);
    assert_int_equal(http_client_call(client, &call), HTTP_OK);
    assert_int_equal(taken.pieces, 0);
    call = call_of("GET", LARGE, &taken);
    assert_int_equal(http_client_call(client, &call), HTTP_OK);
    assert_int_equal(taken.body.length, 10000000);
    assert_true(taken.pieces > 10);
    call = call_of("GET", LARGE, &taken);
    taken.stop_after = 3;
    assert_int_equal(http_client_call(client, &call), HTTP_STOPPED);
    assert_int_equal(taken.pieces, 3);
    assert_int_equal(http_world.handled, 7);
    server_stop();
    call = call_of("GET", "/a", &taken);
    assert_int_equal(http_client_call(client, &call), HTTP_NO_CONNECTION);
    assert_int_equal(http_client_status(client), 0);
    snprintf(expected, sizeof(expected), "Cannot connect to localhost:%d: Connection refused.", server_port());
    assert_string_equal(http_client_error(client), expected);
    http_client_free(client);
    client = http_client_new("no.such.host.invalid", 1, NULL);
    assert_int_equal(http_client_call(client, &call), HTTP_NO_CONNECTION);
    assert_non_null(strstr(http_client_error(client), "no.such.host.invalid"));
    http_client_free(client);
    buf_done(&taken.body);
}

static int listen_anywhere(int *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

/* A peer that accepts connections, reads a little and says what it was told to, one text per connection. */
struct peer {
    int fd;
    const char *const *texts;
    bool stays; /* leaves the connection open until the client closes it */
};

static void *play(void *arg)
{
    struct peer *peer = arg;

    for (const char *const *text = peer->texts; *text; text++) {
        char bytes[4096];
        int fd = accept(peer->fd, NULL, NULL);

        (void)!recv(fd, bytes, sizeof(bytes), 0);
        (void)!send(fd, *text, strlen(*text), MSG_NOSIGNAL);
        while (peer->stays && recv(fd, bytes, sizeof(bytes), 0) > 0)
            ;
        close(fd);
    }
    return NULL;
}

static enum http_outcome call_peer(struct peer *peer, struct taken *taken, int calls, int64_t silence_ms, char *error,
                                   size_t size)
{
    struct http_client_options options = { .connect_ms = 20000, .silence_ms = silence_ms };
    struct http_client *client;
    struct http_call call = call_of("GET", "/", taken);
    enum http_outcome outcome = HTTP_OK;
    pthread_t thread;
    int port;

    peer->fd = listen_anywhere(&port);
    pthread_create(&thread, NULL, play, peer);
    client = http_client_new("127.0.0.1", port, &options);
    for (int i = 0; i < calls; i++)
        outcome = http_client_call(client, &call);
    snprintf(error, size, "%s", http_client_error(client));
    http_client_free(client);
    pthread_join(thread, NULL);
    close(peer->fd);
    return outcome;
}

static void test_bad_peers(void **state)
{
    static const struct {
        const char *texts[4];
        int calls;
        bool stays;
        enum http_outcome outcome;
        const char *body, *error;
    } cases[] = {
        { { "SSH-2.0-OpenSSH_9\r\n" }, 1, true, HTTP_PROTOCOL_ERROR, "", "does not answer in HTTP" },
        { { "" }, 1, true, HTTP_TIMEOUT, "", "did not answer within" },
        { { "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc" },
          1,
          true,
          HTTP_TIMEOUT,
          "abc",
          "did not answer within" },
        { { "" }, 1, false, HTTP_LOST, "", "was lost" },
        { { "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc" }, 1, false, HTTP_LOST, "abc", "was lost" },
        { { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n" },
          1,
          false,
          HTTP_LOST,
          "abc",
          "was lost" },
        { { "HTTP/1.0 200 OK\r\n\r\nabc" }, 1, false, HTTP_OK, "abc", "" },
        { { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx" }, 1, true, HTTP_OK, "x", "" },
        { { "HTTP/1.1 204 No Content\r\n\r\n" }, 1, true, HTTP_OK, "", "" },
        /* closed after the first answer: the second call dials again, once */
        { { "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny" },
          2,
          false,
          HTTP_OK,
          "xy",
          "" },
        { { "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "" }, 2, false, HTTP_LOST, "x", "was lost" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct peer peer = { .texts = cases[i].texts, .stays = cases[i].stays };
        struct taken taken = { 0 };
        char error[256];
        enum http_outcome outcome = call_peer(&peer, &taken, cases[i].calls,
                                              cases[i].outcome == HTTP_TIMEOUT ? 1000 : 20000, error, sizeof(error));

        if (outcome != cases[i].outcome)
            fail_msg("case %zu: outcome %d (%s)", i, outcome, error);
        assert_string_equal(buf_text(&taken.body), cases[i].body);
        assert_non_null(strstr(error, cases[i].error));
        buf_done(&taken.body);
    }
}

struct forgetful {
    int fd;
    atomic_int requests;
};

/* Answers the first request of a connection, reads the second, and closes without a word. */
static void *forget(void *arg)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
    struct forgetful *peer = arg;
    int fd;

    while ((fd = accept(peer->fd, NULL, NULL)) >= 0) {
        char bytes[4096];

        if (recv(fd, bytes, sizeof(bytes), 0) > 0) {
            peer->requests++;
            (void)!send(fd, answer, strlen(answer), MSG_NOSIGNAL);
            peer->requests += recv(fd, bytes, sizeof(bytes), 0) > 0;
        }
        close(fd);
    }
    return NULL;
}

/* It may have been carried out, so only what changes nothing is sent again. */
static void test_lost_requests(void **state)
{
    static const struct {
        const char *method;
        enum http_outcome outcome;
        int requests;
    } cases[] = {
        { "GET", HTTP_OK, 3 },
        { "POST", HTTP_LOST, 2 },
        { "PUT", HTTP_LOST, 2 },
        { "DELETE", HTTP_LOST, 2 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int port;
        struct forgetful peer = { .fd = listen_anywhere(&port) };
        struct taken taken = { 0 };
        struct http_call first = call_of("GET", "/", &taken), second = call_of(cases[i].method, "/", &taken);
        struct http_client *client;
        pthread_t thread;

        pthread_create(&thread, NULL, forget, &peer);
        client = http_client_new("127.0.0.1", port, NULL);
        assert_int_equal(http_client_call(client, &first), HTTP_OK);
        assert_int_equal(http_client_call(client, &second), cases[i].outcome);
        http_client_free(client);
        shutdown(peer.fd, SHUT_RDWR);
        pthread_join(thread, NULL);
        close(peer.fd);
        assert_int_equal(peer.requests, cases[i].requests);
        buf_done(&taken.body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_bad_peers),
        cmocka_unit_test(test_lost_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
