/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The server: connections, reading requests, limits.
 *
 * A connection is idle (nothing under way; on a list in the order in which they became so) or busy. Time-outs are
 * looked at by one periodic sweep: of the idle ones only those that are too old, of the busy ones all. Idle connections
 * hold no buffers.
 *
 * Bytes are fed to the parser as they come, and the handler is called in between. What must not happen there (a
 * stream's pieces, requests that were held back) is work for the next turn. A connection may end in a handler: it is
 * then freed only when feeding is over.
 */
#include "net/http.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "net/http_state.h"

const struct http_limits http_default_limits = {
    .parse = { .target_bytes = 16 * 1024,
               .header_bytes = 64 * 1024,
               .header_count = 128,
               .body_bytes = 64 * 1024 * 1024 },
    .all_bodies_bytes = 256 * 1024 * 1024,
    .idle_ms = 120 * 1000,
    .header_ms = 20 * 1000,
    .body_window_ms = 10 * 1000,
    .body_window_bytes = 1024,
    .send_window_ms = 60 * 1000,
    .connections = 10000,
    .pipelined = 16,
    .stream_bytes = 256 * 1024,
};

enum {
    SWEEP_MIN_MS = 5,
    SWEEP_MAX_MS = 1000,
    SPARE_FILES = 64,         /* descriptors that the process needs for other things */
    GATHER_BYTES = 64 * 1024, /* so much is gathered from answers to requests that came together */
};

void http_connection_work(struct http_connection *connection)
{
    if (connection->has_work || !connection->conn)
        return;
    connection->has_work = true;
    LIST_INSERT_HEAD(&connection->server->work, connection, work_link);
    loop_mark_dirty(connection->server->loop);
}

static struct connection_list *list_of(const struct http_connection *connection)
{
    return connection->is_idle ? &connection->server->idle : &connection->server->busy;
}

static void set_idle(struct http_connection *connection, bool is_idle)
{
    if (connection->is_idle == is_idle)
        return;
    TAILQ_REMOVE(list_of(connection), connection, link);
    connection->is_idle = is_idle;
    connection->since_ms = loop_now_ms(connection->server->loop);
    TAILQ_INSERT_TAIL(list_of(connection), connection, link);
}

static void connection_free(struct http_connection *connection)
{
    struct http_server *server = connection->server;

    TAILQ_REMOVE(list_of(connection), connection, link);
    server->connection_count--;
    if (server->connection_count == 0)
        timer_stop(server->sweep);
    buf_done(&connection->input);
    buf_done(&connection->output);
    free(connection);
}

void http_connection_end(struct http_connection *connection, bool linger)
{
    struct conn *conn = connection->conn;
    struct http_exchange *exchange;

    if (!conn)
        return;
    if (linger && connection->output.length > 0)
        conn_write(conn, &connection->output);
    connection->conn = NULL;
    connection->is_ended = true;
    if (connection->has_work) {
        connection->has_work = false;
        LIST_REMOVE(connection, work_link);
    }
    conn_close(conn, linger);
    while ((exchange = TAILQ_FIRST(&connection->exchanges))) {
        TAILQ_REMOVE(&connection->exchanges, exchange, link);
        connection->exchange_count--;
        http_exchange_abandon(exchange);
    }
    if (connection->receiving) {
        http_exchange_abandon(connection->receiving);
        connection->receiving = NULL;
    }
    if (!connection->is_feeding)
        connection_free(connection);
}

void http_connection_send(struct http_connection *connection, struct buf *take)
{
    if (!connection->conn) {
        buf_done(take);
        return;
    }
    connection->written += take->length;
    if (!connection->is_feeding) {
        conn_write(connection->conn, take);
    } else if (connection->output.length == 0 && take->length < GATHER_BYTES) {
        buf_done(&connection->output);
        connection->output = *take;
        *take = (struct buf){ 0 };
    } else if (connection->output.length + take->length < GATHER_BYTES) {
        buf_add(&connection->output, take->data, take->length);
        buf_done(take);
    } else {
        conn_write(connection->conn, &connection->output);
        conn_write(connection->conn, take);
    }
}

/* A client that waits for it gets "100 Continue", once all answers before are given. */
static void send_continue(struct http_connection *connection)
{
    struct buf out = { 0 };

    if (!connection->receiving || !connection->receiving->request.expects_continue || connection->exchange_count > 0)
        return;
    connection->receiving->request.expects_continue = false;
    connection->window_ms = loop_now_ms(connection->server->loop);
    buf_add_text(&out, "HTTP/1.1 100 Continue\r\n\r\n");
    http_connection_send(connection, &out);
}

void http_connection_settled(struct http_connection *connection)
{
    if (!connection->conn || connection->is_feeding)
        return;
    send_continue(connection);
    if (connection->is_paused)
        http_connection_work(connection);
    set_idle(connection, connection->exchange_count == 0 && !connection->receiving && !connection->is_paused &&
                             !connection->is_ended && conn_unsent(connection->conn) == 0);
}

/* The request that comes, or would come, is refused, after the answers to those before it. */
static void refuse(struct http_connection *connection, int status, const char *what)
{
    struct http_exchange *exchange = connection->receiving;

    if (!exchange)
        exchange = http_exchange_new(connection);
    connection->receiving = NULL;
    connection->is_ended = true;
    TAILQ_INSERT_TAIL(&connection->exchanges, exchange, link);
    connection->exchange_count++;
    http_exchange_refuse(exchange, status, what);
    if (TAILQ_FIRST(&connection->exchanges) == exchange)
        http_exchange_advance(connection);
}

/* Memory for bodies is bounded for all connections together. */
static bool count_body(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    size_t length = exchange->request.body.length;

    server->body_bytes += length - exchange->counted;
    exchange->counted = length;
    return server->body_bytes <= server->limits.all_bodies_bytes;
}

static void request_complete(struct http_connection *connection)
{
    struct http_exchange *exchange = connection->receiving;

    connection->receiving = NULL;
    exchange->stage = EXCHANGE_WAITING;
    if (!exchange->request.keep_alive)
        connection->is_ended = true;
    TAILQ_INSERT_TAIL(&connection->exchanges, exchange, link);
    connection->exchange_count++;
    connection->server->handler(connection->server->owner, exchange);
}

/* A stream to an HTTP/1.0 client ends with the connection, so nothing may follow its request. */
static bool may_read_on(const struct http_connection *connection)
{
    const struct http_exchange *last = TAILQ_LAST(&connection->exchanges, exchange_list);

    return connection->exchange_count < connection->server->limits.pipelined && (!last || last->request.minor > 0);
}

/* True when there is more in bytes to feed now. */
static bool feed_request(struct http_connection *connection, const char **bytes, size_t *length)
{
    struct http_server *server = connection->server;
    struct http_parser *parser = &connection->parser;
    enum http_parse parsed;

    if (!may_read_on(connection)) {
        connection->is_paused = true;
        return false;
    }
    if (!connection->receiving) {
        connection->receiving = http_exchange_new(connection);
        connection->since_ms = connection->window_ms = loop_now_ms(server->loop);
        connection->window_body = 0;
    }
    parsed = http_parser_feed(parser, &connection->receiving->request, bytes, length);
    if (parsed == HTTP_PARSE_FAILED)
        refuse(connection, parser->status, parser->what);
    else if (!count_body(connection->receiving))
        refuse(connection, 503, "The server has too many large requests at hand.");
    else if (parsed == HTTP_PARSE_DONE)
        request_complete(connection);
    return *length > 0 && !connection->is_ended;
}

static void feed(struct http_connection *connection, const char *bytes, size_t length)
{
    connection->is_feeding = true;
    set_idle(connection, false);
    while (feed_request(connection, &bytes, &length))
        ;
    connection->is_feeding = false;
    if (!connection->conn) {
        connection_free(connection);
        return;
    }
    if (connection->receiving && !connection->parser.is_begun) {
        /* only the empty lines that may precede a request */
        http_exchange_free(connection->receiving);
        connection->receiving = NULL;
    }
    if (connection->is_paused && length > 0 && !connection->is_ended)
        buf_add(&connection->input, bytes, length);
    if (connection->is_paused)
        conn_pause(connection->conn, true);
    if (connection->output.length > 0)
        conn_write(connection->conn, &connection->output);
    http_connection_settled(connection);
}

static void on_data(void *owner, const char *bytes, size_t length)
{
    struct http_connection *connection = owner;

    if (!connection->is_ended)
        feed(connection, bytes, length);
}

static void on_drain(void *owner)
{
    struct http_connection *connection = owner;
    struct http_exchange *first = TAILQ_FIRST(&connection->exchanges);

    if (first && first->stage == EXCHANGE_STREAMING)
        http_connection_work(connection);
    http_connection_settled(connection);
}

static void on_close(void *owner, int error)
{
    (void)error;
    http_connection_end(owner, false);
}

static const struct conn_events events = { .on_data = on_data, .on_drain = on_drain, .on_close = on_close };

/* Requests that were held back are read when there is room for them. */
static void read_on(struct http_connection *connection)
{
    struct buf input = connection->input;

    connection->is_paused = false;
    connection->input = (struct buf){ 0 };
    conn_pause(connection->conn, false);
    connection->since_ms = connection->window_ms = loop_now_ms(connection->server->loop);
    if (input.length > 0)
        feed(connection, input.data, input.length);
    else
        http_connection_settled(connection);
    buf_done(&input);
}

static void turn(void *owner)
{
    struct http_server *server = owner;
    struct work_list now = server->work;
    struct http_connection *connection;

    /* What is added from now on waits for the next turn. */
    if (now.lh_first)
        now.lh_first->work_link.le_prev = &now.lh_first;
    LIST_INIT(&server->work);
    while ((connection = LIST_FIRST(&now))) {
        struct http_exchange *first = TAILQ_FIRST(&connection->exchanges);

        LIST_REMOVE(connection, work_link);
        connection->has_work = false;
        if (connection->is_paused && !connection->is_ended && may_read_on(connection))
            read_on(connection);
        else if (first && first->stage == EXCHANGE_STREAMING)
            http_exchange_produce(first);
    }
}

/* False when the peer has not taken a byte for too long. */
static bool peer_reads(struct http_connection *connection, int64_t now_ms)
{
    size_t unsent = conn_unsent(connection->conn);
    bool moved = connection->written - unsent != connection->send_written - connection->send_unsent;

    if (unsent > 0 && !moved)
        return now_ms - connection->send_ms < connection->server->limits.send_window_ms;
    connection->send_ms = now_ms;
    connection->send_unsent = unsent;
    connection->send_written = connection->written;
    return true;
}

/* NULL, or why the request that comes is given up. */
static const char *find_delay(struct http_connection *connection, int64_t now_ms)
{
    const struct http_limits *limits = &connection->server->limits;
    size_t received;

    if (!connection->receiving || connection->is_paused || connection->is_ended)
        return NULL;
    if (!connection->parser.is_body) {
        connection->window_ms = now_ms;
        return now_ms - connection->since_ms < limits->header_ms ? NULL : "The header of the request came too slowly.";
    }
    if (connection->receiving->request.expects_continue || now_ms - connection->window_ms < limits->body_window_ms)
        return NULL;
    received = connection->receiving->request.body.length - connection->window_body;
    connection->window_ms = now_ms;
    connection->window_body += received;
    return received >= limits->body_window_bytes ? NULL : "The body of the request came too slowly.";
}

static void sweep(void *owner)
{
    struct http_server *server = owner;
    int64_t now_ms = loop_now_ms(server->loop);
    struct http_connection *connection;

    while ((connection = TAILQ_FIRST(&server->idle)) && now_ms - connection->since_ms >= server->limits.idle_ms)
        http_connection_end(connection, false);
    /* Ending one may end others, so each is moved to the end of the list instead of walking along it. */
    for (size_t left = server->connection_count; left > 0 && (connection = TAILQ_FIRST(&server->busy)); left--) {
        const char *delay;

        TAILQ_REMOVE(&server->busy, connection, link);
        TAILQ_INSERT_TAIL(&server->busy, connection, link);
        delay = find_delay(connection, now_ms);
        if (!peer_reads(connection, now_ms))
            http_connection_end(connection, false);
        else if (delay)
            refuse(connection, 408, delay);
    }
}

static int64_t sweep_period(const struct http_limits *limits)
{
    const int64_t times[] = { limits->idle_ms, limits->header_ms, limits->body_window_ms, limits->send_window_ms };
    int64_t period = SWEEP_MAX_MS;

    for (size_t i = 0; i < ARRAY_SIZE(times); i++)
        if (times[i] / 4 < period)
            period = times[i] / 4;
    return period > SWEEP_MIN_MS ? period : SWEEP_MIN_MS;
}

static void on_accept(void *owner, struct conn *conn)
{
    struct http_server *server = owner;
    struct http_connection *connection;

    if (server->connection_count >= server->limits.connections) {
        if (TAILQ_EMPTY(&server->idle)) {
            conn_close(conn, false);
            return;
        }
        http_connection_end(TAILQ_FIRST(&server->idle), false);
    }
    connection = memory_alloc(sizeof(*connection));
    connection->server = server;
    connection->conn = conn;
    connection->is_idle = true;
    connection->since_ms = connection->send_ms = loop_now_ms(server->loop);
    TAILQ_INIT(&connection->exchanges);
    TAILQ_INSERT_TAIL(&server->idle, connection, link);
    http_parser_init(&connection->parser, &server->limits.parse);
    if (server->connection_count++ == 0)
        timer_start(server->sweep, sweep_period(&server->limits), sweep_period(&server->limits));
    conn_set_events(conn, &events, connection);
}

/* A connection that finds no descriptor would be lost without closing an idle one for it. */
static size_t bound_connections(size_t wanted)
{
    struct rlimit files;
    size_t possible;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY)
        return wanted;
    possible = files.rlim_cur > 2 * SPARE_FILES ? (size_t)files.rlim_cur - SPARE_FILES : SPARE_FILES;
    return wanted < possible ? wanted : possible;
}

struct http_server *http_server_new(struct loop *loop, const char *address, int port, const struct http_limits *limits,
                                    http_handler *handler, void *owner, int *error)
{
    struct http_server *server = memory_alloc(sizeof(*server));

    server->listener = listener_new(loop, address, port, on_accept, server, error);
    if (!server->listener) {
        free(server);
        return NULL;
    }
    server->loop = loop;
    server->limits = limits ? *limits : http_default_limits;
    server->limits.connections = bound_connections(server->limits.connections);
    server->handler = handler;
    server->owner = owner;
    server->sweep = timer_new(loop, sweep, server);
    TAILQ_INIT(&server->idle);
    TAILQ_INIT(&server->busy);
    TAILQ_INIT(&server->orphans);
    TAILQ_INIT(&server->spare);
    LIST_INIT(&server->work);
    loop_on_turn(loop, turn, server);
    return server;
}

static void free_all(struct exchange_list *list)
{
    struct http_exchange *exchange;

    while ((exchange = TAILQ_FIRST(list))) {
        TAILQ_REMOVE(list, exchange, link);
        http_request_done(&exchange->request);
        free(exchange);
    }
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    listener_free(server->listener);
    while (!TAILQ_EMPTY(&server->idle))
        http_connection_end(TAILQ_FIRST(&server->idle), false);
    while (!TAILQ_EMPTY(&server->busy))
        http_connection_end(TAILQ_FIRST(&server->busy), false);
    free_all(&server->orphans);
    free_all(&server->spare);
    gzip_free(server->gzip);
    buf_done(&server->begin.text);
    timer_free(server->sweep);
    loop_remove_turn(server->loop, turn, server);
    free(server);
}

int http_server_port(const struct http_server *server)
{
    return listener_port(server->listener);
}

size_t http_server_connections(const struct http_server *server)
{
    return server->connection_count;
}

void http_server_set_cors(struct http_server *server, bool has_cors)
{
    server->has_no_cors = !has_cors;
}

void http_server_set_error_body(struct http_server *server,
                                void (*error_body)(void *owner, int status, const char *what, struct buf *out))
{
    server->error_body = error_body;
}
