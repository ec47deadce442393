/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The client against our server, and against peers that misbehave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/loop.h"
#include "net/http.h"
#include "net/http_client.h"

enum { LARGE = 10 * 1000 * 1000 };

static struct {
    pthread_t thread;
    sem_t ready;
    struct loop *loop;
    struct http_limits limits;
    int port;
    atomic_int handled;
} test;

static void handle(void *owner, struct http_exchange *exchange)
{
    const struct http_request *request = http_get_request(exchange);
    struct buf body = { 0 };

    (void)owner;
    test.handled++;
    if (strcmp(request->target, "/stop") == 0) {
        loop_stop(test.loop);
    } else if (strcmp(request->target, "/large") == 0) {
        buf_reserve(&body, LARGE);
        memset(body.data, 'x', LARGE);
        body.length = LARGE;
    } else {
        const char *header = http_find_header(request, "X-Test");

        buf_printf(&body, "%s %s %s %s|", request->method, request->target, http_find_header(request, "Host"),
                   header ? header : "-");
        buf_add(&body, buf_text(&request->body), request->body.length);
    }
    http_add_header(exchange, "X-Answer", "yes");
    http_respond(exchange, strcmp(request->method, "DELETE") == 0 ? 404 : 200, "application/json", &body);
}

static void *serve(void *arg)
{
    struct http_server *server;
    int error;

    test.loop = loop_new();
    server = http_server_new(test.loop, "127.0.0.1", 0, &test.limits, handle, NULL, &error);
    test.port = http_server_port(server);
    sem_post(&test.ready);
    loop_run(test.loop);
    http_server_free(server);
    loop_free(test.loop);
    return arg;
}

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

static void start(void)
{
    sem_init(&test.ready, 0, 0);
    assert_int_equal(pthread_create(&test.thread, NULL, serve, NULL), 0);
    sem_wait(&test.ready);
}

static void test_calls(void **state)
{
    static const char *const headers[] = { "X-Test", "value", NULL };
    struct http_client *client;
    struct taken taken = { 0 };
    struct http_call call;
    char expected[256];

    (void)state;
    test.limits = http_default_limits;
    test.limits.idle_ms = 100;
    start();
    client = http_client_new("localhost", test.port, NULL);
    call = call_of("POST", "/a", &taken);
    call.headers = headers;
    call.body = "{}";
    call.body_length = 2;
    for (int i = 0; i < 2; i++) {
        buf_clear(&taken.body);
        assert_int_equal(http_client_call(client, &call), HTTP_OK);
        assert_string_equal(http_client_error(client), "");
        assert_int_equal(http_client_status(client), 200);
        snprintf(expected, sizeof(expected), "POST /a localhost:%d value|{}", test.port);
        assert_string_equal(taken.body.data, expected);
        assert_string_equal(http_client_header(client, "x-answer"), "yes");
        assert_null(http_client_header(client, "x-nothing"));
    }
    usleep(400000); /* the server closes it meanwhile: dialled again without a word */
    call = call_of("DELETE", "/b", &taken);
    assert_int_equal(http_client_call(client, &call), HTTP_OK);
    assert_int_equal(http_client_status(client), 404);
    call = call_of("HEAD", "/c", &taken);
    assert_int_equal(http_client_call(client, &call), HTTP_OK);
    assert_int_equal(taken.pieces, 0);
    call = call_of("GET", "/large", &taken);
    assert_int_equal(http_client_call(client, &call), HTTP_OK);
    assert_int_equal(taken.body.length, LARGE);
    assert_true(taken.pieces > 10);
    call = call_of("GET", "/large", &taken);
    taken.stop_after = 3;
    assert_int_equal(http_client_call(client, &call), HTTP_STOPPED);
    assert_int_equal(taken.pieces, 3);
    assert_int_equal(test.handled, 6);
    call = call_of("GET", "/stop", &taken);
    assert_int_equal(http_client_call(client, &call), HTTP_OK);
    pthread_join(test.thread, NULL);
    assert_int_equal(http_client_call(client, &call), HTTP_NO_CONNECTION);
    assert_int_equal(http_client_status(client), 0);
    snprintf(expected, sizeof(expected), "Cannot connect to localhost:%d: Connection refused.", test.port);
    assert_string_equal(http_client_error(client), expected);
    http_client_free(client);
    client = http_client_new("no.such.host.invalid", 1, NULL);
    assert_int_equal(http_client_call(client, &call), HTTP_NO_CONNECTION);
    assert_non_null(strstr(http_client_error(client), "no.such.host.invalid"));
    http_client_free(client);
    buf_done(&taken.body);
    sem_destroy(&test.ready);
}

/* A peer that accepts connections, reads a little and says what it was told to, one text per connection. */
struct peer {
    int fd, port;
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

static enum http_outcome call_peer(struct peer *peer, struct taken *taken, int calls, char *error, size_t size)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t length = sizeof(at);
    struct http_client_options options = { .connect_ms = 1000, .silence_ms = 200 };
    struct http_client *client;
    struct http_call call = call_of("GET", "/", taken);
    enum http_outcome outcome = HTTP_OK;
    pthread_t thread;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(peer->fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(peer->fd, 8), 0);
    getsockname(peer->fd, (struct sockaddr *)&at, &length);
    peer->port = ntohs(at.sin_port);
    pthread_create(&thread, NULL, play, peer);
    client = http_client_new("127.0.0.1", peer->port, &options);
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
        enum http_outcome outcome = call_peer(&peer, &taken, cases[i].calls, error, sizeof(error));

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
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t length = sizeof(at);
        struct forgetful peer = { .fd = socket(AF_INET, SOCK_STREAM, 0) };
        struct taken taken = { 0 };
        struct http_call first = call_of("GET", "/", &taken), second = call_of(cases[i].method, "/", &taken);
        struct http_client *client;
        pthread_t thread;

        assert_int_equal(bind(peer.fd, (struct sockaddr *)&at, sizeof(at)), 0);
        assert_int_equal(listen(peer.fd, 8), 0);
        getsockname(peer.fd, (struct sockaddr *)&at, &length);
        pthread_create(&thread, NULL, forget, &peer);
        client = http_client_new("127.0.0.1", ntohs(at.sin_port), NULL);
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
