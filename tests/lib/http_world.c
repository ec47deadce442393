/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "http_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/text.h"

enum { PATIENCE_MS = 20000 };

struct stream {
    struct http_exchange *exchange;
    int left; /* pieces; -1: endless */
    size_t piece;
};

struct http_world http_world;

/* Only the server's thread touches it. */
static struct {
    pthread_t thread;
    sem_t ready;
    struct loop *loop;
    struct http_server *server;
    struct timer *counter;
    struct http_limits limits;
    int port;
    struct http_exchange *parked[64];
    int parked_count;
    struct stream *quiet;
    struct buf events;
} server;

static void parked_gone(void *owner)
{
    struct http_exchange **slot = owner;

    *slot = NULL;
    http_world.gone++;
}

static void stream_gone(void *owner)
{
    if (server.quiet == owner)
        server.quiet = NULL;
    free(owner);
    http_world.gone++;
}

static bool produce(void *owner, struct buf *out)
{
    struct stream *stream = owner;

    buf_reserve(out, stream->piece);
    for (size_t i = 0; i < stream->piece; i++)
        buf_add_char(out, (char)('a' + i % 26));
    http_world.produced += stream->piece;
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
    buf_add(out, buf_text(&server.events), server.events.length);
    buf_clear(&server.events);
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

static void respond(struct http_exchange *exchange, int status, const char *text)
{
    struct buf body = { 0 };

    buf_add_text(&body, text);
    http_respond(exchange, status, "text/plain", &body);
}

static void respond_text(struct http_exchange *exchange, const char *text)
{
    respond(exchange, 200, text);
}

static void answer_parked(void)
{
    /* the last one first: the answers must come in the order of the requests all the same */
    while (server.parked_count > 0) {
        struct http_exchange *exchange = server.parked[--server.parked_count];
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

static void count_connections(void *owner)
{
    (void)owner;
    http_world.connections = (int)http_server_connections(server.server);
}

static void handle(void *owner, struct http_exchange *exchange)
{
    const struct http_request *request = http_get_request(exchange);
    const char *target = request->target;

    count_connections(owner);
    if (strcmp(target, "/catch-up") == 0) {
        respond_text(exchange, "done");
        return;
    }
    http_world.handled++;
    if (strcmp(target, "/stop") == 0) {
        respond_text(exchange, "bye");
        loop_stop(server.loop);
    } else if (text_starts_with(target, "/park")) {
        http_on_gone(exchange, parked_gone, &server.parked[server.parked_count]);
        server.parked[server.parked_count++] = exchange;
    } else if (text_starts_with(target, "/silent")) {
        server.parked[server.parked_count++] = exchange; /* without on_gone */
    } else if (strcmp(target, "/release") == 0) {
        answer_parked();
        respond_text(exchange, "released");
    } else if (strcmp(target, "/stream") == 0) {
        http_respond_stream(exchange, 200, "application/json", produce, new_stream(exchange, 3, 1000));
    } else if (strcmp(target, "/short-stream") == 0) {
        http_respond_stream(exchange, 200, "application/json", produce, new_stream(exchange, 1, 10));
    } else if (strcmp(target, "/long-stream") == 0) {
        http_respond_stream(exchange, 200, "application/octet-stream", produce,
                            new_stream(exchange, HTTP_WORLD_PIECES, HTTP_WORLD_PIECE));
    } else if (strcmp(target, "/endless") == 0) {
        http_respond_stream(exchange, 200, "application/octet-stream", produce,
                            new_stream(exchange, -1, HTTP_WORLD_PIECE));
    } else if (strcmp(target, "/events") == 0) {
        server.quiet = new_stream(exchange, -1, 0);
        http_respond_stream(exchange, 200, "text/event-stream", produce_events, server.quiet);
    } else if (strcmp(target, "/event") == 0) {
        buf_add_text(&server.events, "data: x\n\n");
        if (server.quiet)
            http_stream_poke(server.quiet->exchange);
        respond_text(exchange, "poked");
    } else if (text_starts_with(target, "/json/")) {
        size_t length = (size_t)atol(target + 6);
        struct buf body = { 0 };

        while (body.length < length)
            buf_add_char(&body, (char)('0' + body.length % 10));
        http_respond(exchange, 200, "application/json; charset=utf-8", &body);
    } else if (strcmp(target, "/host") == 0) {
        respond_text(exchange, http_find_header(request, "Host"));
    } else if (strcmp(target, "/nothing") == 0) {
        respond(exchange, 404, "there is nothing");
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

    server.loop = loop_new();
    server.server = http_server_new(server.loop, "127.0.0.1", 0, &server.limits, handle, NULL, &error);
    http_server_set_error_body(server.server, error_body);
    server.port = http_server_port(server.server);
    server.counter = timer_new(server.loop, count_connections, NULL);
    timer_start(server.counter, 1, 1);
    sem_post(&server.ready);
    loop_run(server.loop);
    timer_free(server.counter);
    http_server_free(server.server);
    loop_free(server.loop);
    buf_done(&server.events);
    return arg;
}

void server_start(const struct http_limits *limits)
{
    memset(&server, 0, sizeof(server));
    http_world.gone = http_world.handled = http_world.connections = 0;
    http_world.produced = 0;
    server.limits = limits ? *limits : http_default_limits;
    sem_init(&server.ready, 0, 0);
    assert_int_equal(pthread_create(&server.thread, NULL, serve, NULL), 0);
    sem_wait(&server.ready);
    assert_true(server.port > 0);
}

int server_port(void)
{
    return server.port;
}

void client_open(struct client *client, int receive_bytes)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)server.port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), at_once = 1;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (receive_bytes > 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once));
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    *client = (struct client){ .fd = fd };
}

void client_close(struct client *client)
{
    close(client->fd);
    buf_done(&client->in);
}

void client_send(struct client *client, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(client->fd, bytes, length, MSG_NOSIGNAL);

        if (sent < 0)
            return; /* the server refused in the middle: what it said is looked at by the test */
        bytes += sent;
        length -= (size_t)sent;
    }
}

void client_send_text(struct client *client, const char *text)
{
    client_send(client, text, strlen(text));
}

bool client_is_told(const struct client *client, int within_ms)
{
    struct pollfd wait = { .fd = client->fd, .events = POLLIN };

    return poll(&wait, 1, within_ms) > 0;
}

bool client_receive(struct client *client)
{
    char bytes[8192];
    ssize_t count;

    if (!client_is_told(client, PATIENCE_MS))
        fail_msg("no answer; so far: %s", buf_text(&client->in));
    count = recv(client->fd, bytes, sizeof(bytes), 0);
    if (count <= 0)
        return false;
    buf_add(&client->in, bytes, (size_t)count);
    return true;
}

void client_receive_until(struct client *client, const char *text)
{
    while (!client->in.data || !strstr(client->in.data, text))
        if (!client_receive(client))
            fail_msg("closed before '%s': %s", text, buf_text(&client->in));
}

void answer_done(struct answer *answer)
{
    buf_done(&answer->head);
    buf_done(&answer->body);
}

char *answer_header(const struct answer *answer, const char *name)
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

static void take_chunks(struct client *client, struct buf *body)
{
    struct buf *in = &client->in;

    for (;;) {
        size_t length, head;

        client_receive_until(client, "\r\n");
        length = strtoul(in->data, NULL, 16);
        head = (size_t)(strstr(in->data, "\r\n") - in->data) + 2;
        while (in->length < head + length + 2)
            assert_true(client_receive(client));
        buf_add(body, in->data + head, length);
        assert_memory_equal(in->data + head + length, "\r\n", 2);
        buf_drop_front(in, head + length + 2);
        if (length == 0)
            return;
    }
}

void answer_take(struct client *client, bool is_head, struct answer *answer)
{
    struct buf *in = &client->in;
    const char *length;
    size_t want;

    *answer = (struct answer){ 0 };
    client_receive_until(client, "\r\n\r\n");
    want = (size_t)(strstr(in->data, "\r\n\r\n") - in->data) + 4;
    buf_add(&answer->head, in->data, want);
    buf_drop_front(in, want);
    assert_int_equal(sscanf(answer->head.data, "HTTP/1.1 %d ", &answer->status), 1);
    answer->is_chunked = strstr(answer->head.data, "Transfer-Encoding: chunked\r\n") != NULL;
    if (is_head)
        return;
    length = answer_header(answer, "Content-Length");
    if (answer->is_chunked) {
        take_chunks(client, &answer->body);
    } else if (length) {
        want = (size_t)atol(length);
        while (in->length < want)
            assert_true(client_receive(client));
        buf_add(&answer->body, buf_text(in), want);
        if (in->length > 0)
            buf_drop_front(in, want);
    }
}

void client_expect(struct client *client, const char *body)
{
    struct answer answer;

    answer_take(client, false, &answer);
    assert_string_equal(buf_text(&answer.body), body);
    answer_done(&answer);
}

void client_expect_closed(struct client *client)
{
    while (client_receive(client))
        ;
    assert_int_equal(client->in.length, 0);
}

void client_ask(const char *request, struct answer *answer)
{
    struct client client;

    client_open(&client, 0);
    client_send_text(&client, request);
    answer_take(&client, strncmp(request, "HEAD", 4) == 0, answer);
    client_close(&client);
}

void client_ask_for(const char *request, const char *body)
{
    struct client client;

    client_open(&client, 0);
    client_send_text(&client, request);
    client_expect(&client, body);
    client_close(&client);
}

void client_expect_refusal(const char *request, int status)
{
    struct client client;
    struct answer answer;
    char message[32];

    client_open(&client, 0);
    client_send_text(&client, request);
    answer_take(&client, false, &answer);
    if (answer.status != status)
        fail_msg("%d instead of %d for: %s\n%s", answer.status, status, request, buf_text(&answer.body));
    snprintf(message, sizeof(message), "[{\"status\":%d,", status);
    assert_non_null(strstr(buf_text(&answer.body), message));
    assert_string_equal(answer_header(&answer, "Content-Type"), "application/json");
    assert_string_equal(answer_header(&answer, "Connection"), "close");
    client_expect_closed(&client);
    answer_done(&answer);
    client_close(&client);
}

void server_stop(void)
{
    client_ask_for("GET /stop HTTP/1.1\r\n" HOST "\r\n", "bye");
    pthread_join(server.thread, NULL);
    sem_destroy(&server.ready);
}

/*
 * What is there already is seen in the turn of the loop in which this connection is accepted, at the latest; its
 * request is read in the next.
 */
void server_catch_up(void)
{
    client_ask_for("GET /catch-up HTTP/1.1\r\n" HOST "\r\n", "done");
}

void counter_await(atomic_int *counter, int value)
{
    for (int i = 0; i < PATIENCE_MS && *counter != value; i++)
        usleep(1000);
    assert_int_equal(*counter, value);
}

int client_setup(void **state)
{
    server_start(NULL);
    *state = memory_alloc(sizeof(struct client));
    client_open(*state, 0);
    return 0;
}

int client_teardown(void **state)
{
    client_close(*state);
    free(*state);
    server_stop();
    return 0;
}
