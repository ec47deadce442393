/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A server on a loop in its own thread, and plain blocking sockets as clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "base/loop.h"
#include "base/text.h"
#include "net/http.h"

enum { PATIENCE_MS = 5000, PIECE = 16 * 1024, PIECES = 2000 };

struct stream {
    struct http_exchange *exchange;
    int left; /* pieces; -1: endless */
    size_t piece;
};

/* Only the server's thread touches what is not atomic. */
static struct {
    pthread_t thread;
    sem_t ready;
    struct loop *loop;
    struct http_server *server;
    struct http_limits limits;
    int port;
    struct http_exchange *parked[64];
    int parked_count;
    struct stream *quiet;
    struct buf events;
    atomic_int gone, handled;
    atomic_size_t produced;
} test;

static void parked_gone(void *owner)
{
    struct http_exchange **slot = owner;

    *slot = NULL;
    test.gone++;
}

static void stream_gone(void *owner)
{
    if (test.quiet == owner)
        test.quiet = NULL;
    free(owner);
    test.gone++;
}

static bool produce(void *owner, struct buf *out)
{
    struct stream *stream = owner;

    buf_reserve(out, stream->piece);
    for (size_t i = 0; i < stream->piece; i++)
        buf_add_char(out, (char)('a' + i % 26));
    test.produced += stream->piece;
    if (stream->left > 0)
        stream->left--;
    if (stream->left != 0)
        return true;
    free(stream);
    return false;
}

static bool produce_events(void *owner, struct buf *out)
{
    (void)owner;
    buf_add(out, buf_text(&test.events), test.events.length);
    buf_clear(&test.events);
    return true;
}

static struct stream *new_stream(struct http_exchange *exchange, int pieces, size_t piece)
{
    struct stream *stream = memory_alloc(sizeof(*stream));

    stream->exchange = exchange;
    stream->left = pieces;
    stream->piece = piece;
    http_on_gone(exchange, stream_gone, stream);
    return stream;
}

static void respond_text(struct http_exchange *exchange, const char *text)
{
    struct buf body = { 0 };

    buf_add_text(&body, text);
    http_respond(exchange, 200, "text/plain", &body);
}

static void answer_parked(void)
{
    /* the last one first: the answers must come in the order of the requests all the same */
    while (test.parked_count > 0) {
        struct http_exchange *exchange = test.parked[--test.parked_count];
        char text[128];

        if (!exchange)
            continue;
        if (strcmp(http_get_request(exchange)->target, "/silent-stream") == 0) {
            http_respond_stream(exchange, 200, "application/json", produce, new_stream(exchange, 3, 1000));
            continue;
        }
        snprintf(text, sizeof(text), "parked %s", http_get_request(exchange)->target);
        respond_text(exchange, text);
    }
}

static void echo(struct http_exchange *exchange)
{
    const struct http_request *request = http_get_request(exchange);
    struct buf body = { 0 };
    size_t at = 0;
    const char *value;

    buf_printf(&body, "%s %s", request->method, request->target);
    while ((value = http_next_header(request, "X-TEST", &at)))
        buf_printf(&body, " [%s]", value);
    buf_printf(&body, " %zu:", request->body.length);
    buf_add(&body, buf_text(&request->body), request->body.length);
    http_respond(exchange, 201, "text/plain", &body);
}

static void handle(void *owner, struct http_exchange *exchange)
{
    const struct http_request *request = http_get_request(exchange);
    const char *target = request->target;

    (void)owner;
    test.handled++;
    if (strcmp(target, "/stop") == 0) {
        respond_text(exchange, "bye");
        loop_stop(test.loop);
    } else if (text_starts_with(target, "/park")) {
        http_on_gone(exchange, parked_gone, &test.parked[test.parked_count]);
        test.parked[test.parked_count++] = exchange;
    } else if (text_starts_with(target, "/silent")) {
        test.parked[test.parked_count++] = exchange; /* without on_gone */
    } else if (strcmp(target, "/release") == 0) {
        answer_parked();
        respond_text(exchange, "released");
    } else if (strcmp(target, "/stream") == 0) {
        http_respond_stream(exchange, 200, "application/json", produce, new_stream(exchange, 3, 1000));
    } else if (strcmp(target, "/short-stream") == 0) {
        http_respond_stream(exchange, 200, "application/json", produce, new_stream(exchange, 1, 10));
    } else if (strcmp(target, "/long-stream") == 0) {
        http_respond_stream(exchange, 200, "application/octet-stream", produce, new_stream(exchange, PIECES, PIECE));
    } else if (strcmp(target, "/endless") == 0) {
        http_respond_stream(exchange, 200, "application/octet-stream", produce, new_stream(exchange, -1, PIECE));
    } else if (strcmp(target, "/events") == 0) {
        test.quiet = new_stream(exchange, -1, 0);
        http_respond_stream(exchange, 200, "text/event-stream", produce_events, test.quiet);
    } else if (strcmp(target, "/event") == 0) {
        buf_add_text(&test.events, "data: x\n\n");
        if (test.quiet)
            http_stream_poke(test.quiet->exchange);
        respond_text(exchange, "poked");
    } else if (text_starts_with(target, "/json/")) {
        size_t length = (size_t)atol(target + 6);
        struct buf body = { 0 };

        while (body.length < length)
            buf_add_char(&body, (char)('0' + body.length % 10));
        http_respond(exchange, 200, "application/json; charset=utf-8", &body);
    } else if (strcmp(target, "/empty") == 0) {
        http_add_header(exchange, "Location", "/x\r\nEvil: 1");
        http_respond(exchange, 204, NULL, &(struct buf){ 0 });
    } else {
        echo(exchange);
    }
}

static void error_body(void *owner, int status, const char *what, struct buf *out)
{
    (void)owner;
    buf_printf(out, "[{\"status\":%d,\"message\":\"%s\"}]", status, what);
}

static void *serve(void *arg)
{
    int error;

    test.loop = loop_new();
    test.server = http_server_new(test.loop, "127.0.0.1", 0, &test.limits, handle, NULL, &error);
    http_server_set_error_body(test.server, error_body);
    test.port = http_server_port(test.server);
    sem_post(&test.ready);
    loop_run(test.loop);
    http_server_free(test.server);
    loop_free(test.loop);
    buf_done(&test.events);
    return arg;
}

static void start(const struct http_limits *limits)
{
    memset(&test, 0, sizeof(test));
    test.limits = limits ? *limits : http_default_limits;
    sem_init(&test.ready, 0, 0);
    assert_int_equal(pthread_create(&test.thread, NULL, serve, NULL), 0);
    sem_wait(&test.ready);
    assert_true(test.port > 0);
}

static int dial(int receive_bytes)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)test.port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (receive_bytes > 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static void send_bytes(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);

        if (sent < 0)
            return; /* the server refused in the middle: what it said is looked at by the test */
        bytes += sent;
        length -= (size_t)sent;
    }
}

static void send_text(int fd, const char *text)
{
    send_bytes(fd, text, strlen(text));
}

/* False at the end of the stream; fails after too long. */
static bool receive(int fd, struct buf *in)
{
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    char bytes[8192];
    ssize_t count;

    if (poll(&wait, 1, PATIENCE_MS) <= 0)
        fail_msg("no answer; so far: %s", buf_text(in));
    count = recv(fd, bytes, sizeof(bytes), 0);
    if (count <= 0)
        return false;
    buf_add(in, bytes, (size_t)count);
    return true;
}

static void receive_until(int fd, struct buf *in, const char *text)
{
    while (!in->data || !strstr(in->data, text))
        if (!receive(fd, in))
            fail_msg("closed before '%s': %s", text, buf_text(in));
}

struct answer {
    int status;
    struct buf head, body;
    bool is_chunked;
};

static void answer_done(struct answer *answer)
{
    buf_done(&answer->head);
    buf_done(&answer->body);
}

static char *header_of(const struct answer *answer, const char *name)
{
    static char value[256];
    char line[80];
    const char *at;

    snprintf(line, sizeof(line), "\r\n%s: ", name);
    at = strcasestr(answer->head.data, line);
    if (!at)
        return NULL;
    at += strlen(line);
    snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\r"), at);
    return value;
}

static void take_chunks(int fd, struct buf *in, struct buf *body)
{
    for (;;) {
        size_t length, head;

        receive_until(fd, in, "\r\n");
        length = strtoul(in->data, NULL, 16);
        head = (size_t)(strstr(in->data, "\r\n") - in->data) + 2;
        while (in->length < head + length + 2)
            assert_true(receive(fd, in));
        buf_add(body, in->data + head, length);
        assert_memory_equal(in->data + head + length, "\r\n", 2);
        buf_drop_front(in, head + length + 2);
        if (length == 0)
            return;
    }
}

/* in holds what came after the last answer. */
static void take_answer(int fd, struct buf *in, bool is_head, struct answer *answer)
{
    const char *length;
    size_t want;

    *answer = (struct answer){ 0 };
    receive_until(fd, in, "\r\n\r\n");
    want = (size_t)(strstr(in->data, "\r\n\r\n") - in->data) + 4;
    buf_add(&answer->head, in->data, want);
    buf_drop_front(in, want);
    assert_int_equal(sscanf(answer->head.data, "HTTP/1.1 %d ", &answer->status), 1);
    answer->is_chunked = strstr(answer->head.data, "Transfer-Encoding: chunked\r\n") != NULL;
    if (is_head)
        return;
    length = header_of(answer, "Content-Length");
    if (answer->is_chunked) {
        take_chunks(fd, in, &answer->body);
    } else if (length) {
        want = (size_t)atol(length);
        while (in->length < want)
            assert_true(receive(fd, in));
        buf_add(&answer->body, buf_text(in), want);
        if (in->length > 0)
            buf_drop_front(in, want);
    }
}

static void expect_closed(int fd, struct buf *in)
{
    while (receive(fd, in))
        ;
    assert_int_equal(in->length, 0);
}

/* One request on its own connection. */
static void ask(const char *request, struct answer *answer)
{
    int fd = dial(0);
    struct buf in = { 0 };

    send_text(fd, request);
    take_answer(fd, &in, strncmp(request, "HEAD", 4) == 0, answer);
    buf_done(&in);
    close(fd);
}

static void expect_refusal(const char *request, int status)
{
    struct answer answer;
    struct buf in = { 0 };
    char message[32];
    int fd = dial(0);

    send_text(fd, request);
    take_answer(fd, &in, false, &answer);
    if (answer.status != status)
        fail_msg("%d instead of %d for: %s\n%s", answer.status, status, request, buf_text(&answer.body));
    snprintf(message, sizeof(message), "[{\"status\":%d,", status);
    assert_non_null(strstr(buf_text(&answer.body), message));
    assert_string_equal(header_of(&answer, "Content-Type"), "application/json");
    assert_string_equal(header_of(&answer, "Connection"), "close");
    expect_closed(fd, &in);
    answer_done(&answer);
    buf_done(&in);
    close(fd);
}

static void stop(void)
{
    struct answer answer;

    ask("GET /stop HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    answer_done(&answer);
    pthread_join(test.thread, NULL);
    sem_destroy(&test.ready);
}

static void wait_for(atomic_int *counter, int value)
{
    for (int i = 0; i < PATIENCE_MS && *counter != value; i++)
        usleep(1000);
    assert_int_equal(*counter, value);
}

#define HOST "Host: x\r\n"

static void test_keep_alive(void **state)
{
    int fd;
    struct buf in = { 0 };
    struct answer answer;

    (void)state;
    start(NULL);
    fd = dial(0);
    for (int i = 0; i < 3; i++) {
        send_text(fd,
                  "PUT /a%2Fb?x=1 HTTP/1.1\r\n" HOST "X-Test:  one \r\nx-test: two\r\nContent-Length: 3\r\n\r\nabc");
        take_answer(fd, &in, false, &answer);
        assert_int_equal(answer.status, 201);
        assert_string_equal(answer.body.data, "PUT /a%2Fb?x=1 [one] [two] 3:abc");
        assert_string_equal(header_of(&answer, "Access-Control-Allow-Origin"), "*");
        assert_string_equal(header_of(&answer, "Access-Control-Allow-Headers"),
                            "origin, content-type, accept, authorization");
        assert_string_equal(header_of(&answer, "Access-Control-Allow-Credentials"), "true");
        assert_string_equal(header_of(&answer, "Access-Control-Allow-Methods"),
                            "GET, POST, PUT, DELETE, OPTIONS, HEAD");
        assert_null(header_of(&answer, "Connection"));
        answer_done(&answer);
    }
    send_text(fd, "\r\nOPTIONS /o HTTP/1.1\r\n" HOST "Connection: close\r\nContent-Length: 1\r\n\r\n{GET / HTTP/1.1");
    take_answer(fd, &in, false, &answer);
    assert_string_equal(answer.body.data, "OPTIONS /o 1:{");
    assert_string_equal(header_of(&answer, "Connection"), "close");
    answer_done(&answer);
    expect_closed(fd, &in);
    close(fd);
    ask("GET /empty HTTP/1.1\r\n" HOST "\r\n", &answer);
    assert_int_equal(answer.status, 204);
    assert_null(header_of(&answer, "Content-Length"));
    assert_null(header_of(&answer, "Evil"));
    answer_done(&answer);
    ask("GET /no-upgrade HTTP/1.1\r\n" HOST "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n", &answer);
    assert_string_equal(answer.body.data, "GET /no-upgrade 0:");
    answer_done(&answer);
    ask("GET http://host:1/path?q HTTP/1.1\r\n" HOST "\r\n", &answer);
    assert_string_equal(answer.body.data, "GET /path?q 0:");
    answer_done(&answer);
    buf_done(&in);
    stop();
}

static void test_old_protocol(void **state)
{
    int fd;
    struct buf in = { 0 };
    struct answer answer;

    (void)state;
    start(NULL);
    fd = dial(0);
    send_text(fd, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n");
    take_answer(fd, &in, false, &answer);
    assert_string_equal(answer.body.data, "GET /a 0:");
    assert_string_equal(header_of(&answer, "Connection"), "keep-alive");
    answer_done(&answer);
    take_answer(fd, &in, false, &answer);
    assert_string_equal(answer.body.data, "GET /b 0:");
    answer_done(&answer);
    expect_closed(fd, &in);
    close(fd);
    /* a stream ends with the connection; what follows it is not answered */
    fd = dial(0);
    send_text(fd, "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n");
    take_answer(fd, &in, true, &answer);
    assert_false(answer.is_chunked);
    assert_string_equal(header_of(&answer, "Connection"), "close");
    while (receive(fd, &in))
        ;
    assert_int_equal(in.length, 3000);
    answer_done(&answer);
    buf_done(&in);
    close(fd);
    stop();
}

static void test_pipelining(void **state)
{
    int fd;
    struct buf in = { 0 }, requests = { 0 };
    struct answer answer;
    char text[64];

    (void)state;
    start(NULL);
    fd = dial(0);
    for (int i = 0; i < 1000; i++)
        buf_printf(&requests, "GET /%d HTTP/1.1\r\n" HOST "\r\n", i);
    send_bytes(fd, requests.data, requests.length);
    for (int i = 0; i < 1000; i++) {
        take_answer(fd, &in, false, &answer);
        snprintf(text, sizeof(text), "GET /%d 0:", i);
        assert_string_equal(answer.body.data, text);
        answer_done(&answer);
    }
    /* more than may wait at once: the rest is read when those before are answered */
    buf_clear(&requests);
    for (int i = 0; i < 20; i++)
        buf_printf(&requests,
                   i == 5 ? "GET /stream?%d HTTP/1.1\r\n" HOST "\r\n" : "GET /park/%d HTTP/1.1\r\n" HOST "\r\n", i);
    send_bytes(fd, requests.data, requests.length);
    wait_for(&test.handled, 1016);
    usleep(20000);
    assert_int_equal(test.handled, 1016);
    ask("GET /release HTTP/1.1\r\n" HOST "\r\n", &answer);
    answer_done(&answer);
    wait_for(&test.handled, 1021);
    ask("GET /release HTTP/1.1\r\n" HOST "\r\n", &answer);
    answer_done(&answer);
    for (int i = 0; i < 20; i++) {
        take_answer(fd, &in, false, &answer);
        snprintf(text, sizeof(text), i == 5 ? "GET /stream?%d 0:" : "parked /park/%d", i);
        assert_string_equal(answer.body.data, text);
        answer_done(&answer);
    }
    /* a stream in the middle, closed at the end */
    send_text(fd, "GET /stream HTTP/1.1\r\n" HOST "\r\nGET /short-stream HTTP/1.1\r\n" HOST
                  "\r\nGET /z HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    take_answer(fd, &in, false, &answer);
    assert_true(answer.is_chunked);
    assert_int_equal(answer.body.length, 3000);
    answer_done(&answer);
    take_answer(fd, &in, false, &answer);
    assert_false(answer.is_chunked);
    assert_string_equal(answer.body.data, "abcdefghij");
    answer_done(&answer);
    take_answer(fd, &in, false, &answer);
    assert_string_equal(answer.body.data, "GET /z 0:");
    answer_done(&answer);
    expect_closed(fd, &in);
    assert_int_equal(test.gone, 0);
    close(fd);
    buf_done(&in);
    buf_done(&requests);
    stop();
}

static void test_bodies(void **state)
{
    static const char chunked[] = "POST /c HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nX-Test: folded not\r\n\r\n"
                                  "3;name=value\r\nabc\r\n1\r\nd\r\n0\r\nX-Test: trailer\r\n\r\n";
    int fd;
    struct buf in = { 0 }, body = { 0 };
    struct answer answer;

    (void)state;
    start(NULL);
    fd = dial(0);
    for (size_t step = 1; step <= sizeof(chunked) - 1; step += 7) {
        for (size_t at = 0; at < sizeof(chunked) - 1; at += step) {
            size_t left = sizeof(chunked) - 1 - at;

            send_bytes(fd, chunked + at, left < step ? left : step);
            if (step == 1)
                usleep(200); /* so that the server sees it in pieces */
        }
        take_answer(fd, &in, false, &answer);
        assert_string_equal(answer.body.data, "POST /c [folded not] 4:abcd");
        answer_done(&answer);
    }
    send_text(fd, "POST /e HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    receive_until(fd, &in, "100 Continue\r\n\r\n");
    buf_clear(&in);
    send_text(fd, "12345");
    take_answer(fd, &in, false, &answer);
    assert_string_equal(answer.body.data, "POST /e 5:12345");
    answer_done(&answer);
    for (size_t i = 0; i < 3000000; i++)
        buf_add_char(&body, (char)(i % 251 + 1));
    send_text(fd, "POST /l HTTP/1.1\r\n" HOST "Content-Length: 3000000\r\n\r\n");
    send_bytes(fd, body.data, body.length);
    take_answer(fd, &in, false, &answer);
    assert_int_equal(answer.body.length, strlen("POST /l 3000000:") + body.length);
    assert_memory_equal(answer.body.data + strlen("POST /l 3000000:"), body.data, body.length);
    answer_done(&answer);
    close(fd);
    buf_done(&in);
    buf_done(&body);
    stop();
}

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
    start(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        expect_refusal(cases[i].request, cases[i].status);
    assert_int_equal(test.handled, 0);
    stop();
}

static void test_sizes(void **state)
{
    struct http_limits limits = http_default_limits;
    struct buf request = { 0 };

    (void)state;
    limits.parse =
        (struct http_parse_limits){ .target_bytes = 100, .header_bytes = 1000, .header_count = 10, .body_bytes = 5000 };
    start(&limits);
    buf_printf(&request, "GET /%0200d HTTP/1.1\r\n" HOST "\r\n", 1);
    expect_refusal(request.data, 414);
    buf_clear(&request);
    buf_printf(&request, "GET / HTTP/1.1\r\n" HOST "X: %02000d\r\n\r\n", 1);
    expect_refusal(request.data, 431);
    buf_clear(&request);
    buf_add_text(&request, "GET / HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 20; i++)
        buf_printf(&request, "X-%d: %d\r\n", i, i);
    buf_add_text(&request, "\r\n");
    expect_refusal(request.data, 431);
    expect_refusal("POST / HTTP/1.1\r\n" HOST "Content-Length: 5001\r\n\r\n", 413);
    expect_refusal("POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 999999999999999999\r\n\r\n",
                   413);
    buf_clear(&request);
    buf_add_text(&request, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 20; i++)
        buf_printf(&request, "190\r\n%0400d\r\n", i);
    expect_refusal(request.data, 413);
    buf_clear(&request);
    buf_printf(&request, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1;%02000d=1\r\na", 1);
    expect_refusal(request.data, 431);
    /* much more than the server takes: it must be able to tell it all the same */
    buf_clear(&request);
    buf_add_text(&request, "POST / HTTP/1.1\r\n" HOST "Content-Length: 8000000\r\n\r\n");
    for (int i = 0; i < 8000; i++)
        buf_printf(&request, "%01000d", i);
    expect_refusal(request.data, 413);
    assert_int_equal(test.handled, 0);
    buf_done(&request);
    stop();
}

static void test_slow_clients(void **state)
{
    struct http_limits limits = http_default_limits;
    struct buf in = { 0 };
    struct answer answer;
    int fd, idle;

    (void)state;
    limits.header_ms = limits.body_window_ms = 100;
    limits.idle_ms = 400;
    start(&limits);
    idle = dial(0);
    expect_refusal("GET / HTTP/1.1\r\nHost:", 408);
    expect_refusal("POST / HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc", 408);
    /* byte by byte is no better */
    fd = dial(0);
    send_text(fd, "GET / HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 30; i++) {
        send_text(fd, "X");
        usleep(10000);
    }
    take_answer(fd, &in, false, &answer);
    assert_int_equal(answer.status, 408);
    answer_done(&answer);
    close(fd);
    expect_closed(idle, &in);
    close(idle);
    buf_done(&in);
    stop();
}

static void test_many_connections(void **state)
{
    struct http_limits limits = http_default_limits;
    struct buf in = { 0 };
    struct answer answer;
    int fds[4], last;

    (void)state;
    limits.connections = 4;
    start(&limits);
    for (int i = 0; i < 4; i++) {
        fds[i] = dial(0);
        send_text(fds[i], "GET /a HTTP/1.1\r\n" HOST "\r\n");
        take_answer(fds[i], &in, false, &answer);
        answer_done(&answer);
    }
    send_text(fds[0], "GET /park HTTP/1.1\r\n" HOST "\r\n");
    wait_for(&test.handled, 5);
    last = dial(0);
    expect_closed(fds[1], &in); /* the oldest idle one: the first is busy */
    send_text(last, "GET /release HTTP/1.1\r\n" HOST "\r\n");
    take_answer(last, &in, false, &answer);
    assert_string_equal(answer.body.data, "released");
    answer_done(&answer);
    take_answer(fds[0], &in, false, &answer);
    assert_string_equal(answer.body.data, "parked /park");
    answer_done(&answer);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    close(last);
    buf_done(&in);
    stop();
}

static void test_head(void **state)
{
    struct answer get, head;
    int fd;
    struct buf in = { 0 };

    (void)state;
    start(NULL);
    ask("GET /json/2000 HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n\r\n", &get);
    ask("HEAD /json/2000 HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n\r\n", &head);
    assert_non_null(header_of(&head, "Content-Encoding"));
    /* the same but for the time */
    memcpy(strstr(head.head.data, "Date: "), strstr(get.head.data, "Date: "), 35);
    assert_string_equal(get.head.data, head.head.data);
    answer_done(&get);
    answer_done(&head);
    fd = dial(0);
    send_text(fd, "HEAD /json/10 HTTP/1.1\r\n" HOST "\r\nHEAD /endless HTTP/1.1\r\n" HOST
                  "\r\nHEAD /short-stream HTTP/1.1\r\n" HOST "\r\nGET /z HTTP/1.1\r\n" HOST "\r\n");
    take_answer(fd, &in, true, &head);
    assert_string_equal(header_of(&head, "Content-Length"), "10");
    answer_done(&head);
    take_answer(fd, &in, true, &head);
    assert_true(head.is_chunked);
    answer_done(&head);
    take_answer(fd, &in, true, &head);
    assert_string_equal(header_of(&head, "Content-Length"), "10");
    answer_done(&head);
    take_answer(fd, &in, false, &get);
    assert_string_equal(get.body.data, "GET /z 0:");
    answer_done(&get);
    assert_int_equal(test.gone, 1); /* the endless stream */
    close(fd);
    buf_done(&in);
    stop();
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
        { "/long-stream", "gzip", false, (size_t)PIECES * PIECE }, /* of a type that is not packed */
    };

    (void)state;
    start(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct answer answer;
        char request[256];

        snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n" HOST "Accept-Encoding: %s\r\n\r\n", cases[i].target,
                 cases[i].accept);
        ask(request, &answer);
        if ((header_of(&answer, "Content-Encoding") != NULL) != cases[i].is_packed)
            fail_msg("%s with '%s'", cases[i].target, cases[i].accept);
        assert_int_equal(cases[i].is_packed ? unpacked_length(&answer.body) : answer.body.length, cases[i].length);
        answer_done(&answer);
    }
    stop();
}

static void test_slow_reader(void **state)
{
    int fd;
    struct buf in = { 0 };
    struct answer answer;
    size_t produced;

    (void)state;
    start(NULL);
    fd = dial(4096);
    send_text(fd, "GET /long-stream HTTP/1.1\r\n" HOST "\r\nGET /z HTTP/1.1\r\n" HOST "\r\n");
    do {
        produced = test.produced;
        usleep(50000);
    } while (produced != test.produced);
    /* what the kernel holds (it lets a socket's buffer grow to a few MiB), and a bounded amount of our own */
    assert_true(produced > 0 && produced < (size_t)PIECES * PIECE / 2);
    take_answer(fd, &in, false, &answer);
    assert_int_equal(answer.body.length, (size_t)PIECES * PIECE);
    answer_done(&answer);
    take_answer(fd, &in, false, &answer);
    assert_string_equal(answer.body.data, "GET /z 0:");
    answer_done(&answer);
    assert_int_equal(test.gone, 0);
    buf_done(&in);
    close(fd);
    stop();
}

static void test_peer_that_takes_nothing(void **state)
{
    struct http_limits limits = http_default_limits;
    int fd;

    (void)state;
    limits.send_window_ms = 100;
    start(&limits);
    fd = dial(4096);
    send_text(fd, "GET /endless HTTP/1.1\r\n" HOST "\r\n");
    wait_for(&test.gone, 1);
    close(fd);
    stop();
}

static void test_hang_up(void **state)
{
    static const char *const targets[] = { "/park", "/endless", "/events" };
    struct answer answer;
    int fd;

    (void)state;
    start(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        char request[64];

        snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n" HOST "\r\n", targets[i]);
        fd = dial(0);
        send_text(fd, request);
        wait_for(&test.handled, (int)i + 1);
        usleep(20000);
        close(fd);
        wait_for(&test.gone, (int)i + 1);
    }
    fd = dial(0);
    send_text(fd, "GET /silent HTTP/1.1\r\n" HOST "\r\nGET /a HTTP/1.1\r\n" HOST "\r\nGET / HTTP");
    wait_for(&test.handled, 5);
    close(fd);
    fd = dial(0);
    send_text(fd, "GET /silent-stream HTTP/1.1\r\n" HOST "\r\n");
    wait_for(&test.handled, 6);
    close(fd);
    usleep(20000);
    ask("GET /release HTTP/1.1\r\n" HOST "\r\n", &answer); /* answers somebody who is not there */
    answer_done(&answer);
    wait_for(&test.gone, 4); /* who would have produced a stream for nobody is told */
    /* these are there when the server ends */
    fd = dial(0);
    send_text(fd, "GET /silent HTTP/1.1\r\n" HOST "\r\nGET /park HTTP/1.1\r\n" HOST "\r\n");
    wait_for(&test.handled, 9);
    usleep(20000);
    assert_int_equal(test.gone, 4);
    stop();
    assert_int_equal(test.gone, 5);
    close(fd);
}

static void test_poked_stream(void **state)
{
    int fd;
    struct buf in = { 0 };
    struct answer answer;

    (void)state;
    start(NULL);
    fd = dial(0);
    send_text(fd, "GET /events HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n\r\n");
    take_answer(fd, &in, true, &answer);
    assert_true(answer.is_chunked);
    answer_done(&answer);
    for (int i = 0; i < 3; i++) {
        ask("GET /event HTTP/1.1\r\n" HOST "\r\n", &answer);
        answer_done(&answer);
        receive_until(fd, &in, "00000009\r\ndata: x\n\n\r\n");
        assert_int_equal(in.length, 21);
        buf_clear(&in);
    }
    close(fd);
    wait_for(&test.gone, 1);
    buf_done(&in);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keep_alive),   cmocka_unit_test(test_old_protocol),
        cmocka_unit_test(test_pipelining),   cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_refusals),     cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_slow_clients), cmocka_unit_test(test_many_connections),
        cmocka_unit_test(test_head),         cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_slow_reader),  cmocka_unit_test(test_peer_that_takes_nothing),
        cmocka_unit_test(test_hang_up),      cmocka_unit_test(test_poked_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
