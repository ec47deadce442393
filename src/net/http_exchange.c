/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Answers. A whole answer is turned into bytes at once and sent when it is its turn. A stream waits for its turn, and
 * then gives one piece per turn of the loop while the peer keeps up. The header of a stream is finished with its first
 * piece: when that is also the last, the answer is sent as a whole one, with its length.
 *
 * A large body that is to be compressed becomes a stream over itself, so that the loop is not held up by it.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http_state.h"

enum {
    SPARE_MAX = 64,
    COPY_MAX = 32 * 1024,     /* a larger body is not copied behind its header */
    GZIP_AT_ONCE = 64 * 1024, /* a larger body is compressed in pieces of this size */
    CHUNK_HEAD = 10,          /* "0000abcd\r\n" */
    HEAD_BYTES = 448,         /* a header without further ones is about so long */
};

struct http_exchange *http_exchange_new(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    struct http_exchange *exchange = TAILQ_FIRST(&server->spare);

    if (exchange) {
        TAILQ_REMOVE(&server->spare, exchange, link);
        server->spare_count--;
    } else {
        exchange = memory_alloc(sizeof(*exchange));
    }
    exchange->server = server;
    exchange->connection = connection;
    exchange->stage = EXCHANGE_RECEIVING;
    return exchange;
}

void http_exchange_free(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    struct http_request request;

    server->body_bytes -= exchange->counted;
    gzip_free(exchange->gzip);
    buf_done(&exchange->extra);
    buf_done(&exchange->head);
    buf_done(&exchange->body);
    if (server->spare_count == SPARE_MAX) {
        http_request_done(&exchange->request);
        free(exchange);
        return;
    }
    http_request_reset(&exchange->request);
    request = exchange->request;
    *exchange = (struct http_exchange){ .request = request };
    TAILQ_INSERT_HEAD(&server->spare, exchange, link);
    server->spare_count++;
}

void http_exchange_abandon(struct http_exchange *exchange)
{
    bool is_answered = exchange->stage == EXCHANGE_RECEIVING || exchange->stage == EXCHANGE_ANSWERED;
    void (*on_gone)(void *) = exchange->on_gone;
    struct exchange_list *orphans = &exchange->server->orphans;

    exchange->connection = NULL;
    if (!is_answered && on_gone) {
        exchange->on_gone = NULL;
        on_gone(exchange->gone_owner);
    } else if (exchange->stage == EXCHANGE_WAITING) {
        TAILQ_INSERT_TAIL(orphans, exchange, link);
        return;
    }
    http_exchange_free(exchange);
}

/* What is sent answers the first exchange; it is over now. */
static void finish(struct http_exchange *exchange)
{
    struct http_connection *connection = exchange->connection;

    TAILQ_REMOVE(&connection->exchanges, exchange, link);
    connection->exchange_count--;
    if (!exchange->keep_alive)
        connection->is_ended = true;
    http_exchange_free(exchange);
}

void http_exchange_advance(struct http_connection *connection)
{
    struct http_exchange *exchange;

    while ((exchange = TAILQ_FIRST(&connection->exchanges)) && exchange->stage == EXCHANGE_ANSWERED) {
        http_connection_send(connection, &exchange->head);
        http_connection_send(connection, &exchange->body);
        finish(exchange);
    }
    if (exchange && exchange->stage == EXCHANGE_STREAMING)
        http_connection_work(connection);
    if (!exchange && connection->is_ended)
        http_connection_end(connection, true);
    else
        http_connection_settled(connection);
}

const struct http_request *http_get_request(const struct http_exchange *exchange)
{
    return &exchange->request;
}

const char *http_peer(const struct http_exchange *exchange)
{
    const struct http_connection *connection = exchange->connection;

    return connection && connection->conn ? conn_peer(connection->conn) : "";
}

void http_on_gone(struct http_exchange *exchange, void (*fn)(void *owner), void *owner)
{
    exchange->on_gone = fn;
    exchange->gone_owner = owner;
}

void http_add_header(struct http_exchange *exchange, const char *name, const char *value)
{
    http_reply_header(&exchange->extra, name, value);
}

static void add_begin(struct http_server *server, int status, const char *content_type, struct buf *out)
{
    int64_t now_ms = loop_wall_ms(server->loop);
    const char *type = content_type ? content_type : "";
    char date[HTTP_DATE_SIZE];

    if (server->begin.date_s != now_ms / 1000 || server->begin.status != status ||
        strcmp(server->begin.content_type, type) != 0) {
        server->begin.date_s = now_ms / 1000;
        server->begin.status = strlen(type) < sizeof(server->begin.content_type) ? status : 0; /* 0: kept for none */
        snprintf(server->begin.content_type, sizeof(server->begin.content_type), "%s", type);
        http_format_date(now_ms, date);
        buf_clear(&server->begin.text);
        http_reply_begin(&server->begin.text, status, content_type, date, !server->has_no_cors);
    }
    buf_add(out, server->begin.text.data, server->begin.text.length);
}

void http_wipe_body(struct http_exchange *exchange)
{
    buf_wipe(&exchange->request.body);
}

/* Status line and headers but for those that depend on the body. The request is not needed any more. */
static void begin_answer(struct http_exchange *exchange, int status, const char *content_type, size_t body_length)
{
    struct http_request *request = &exchange->request;

    buf_reserve(&exchange->head, HEAD_BYTES + (body_length <= COPY_MAX ? body_length : 0));
    add_begin(exchange->server, status, content_type, &exchange->head);
    buf_add(&exchange->head, buf_text(&exchange->extra), exchange->extra.length);
    exchange->status = status;
    exchange->keep_alive = request->keep_alive;
    exchange->is_head_request = request->method && strcmp(request->method, "HEAD") == 0;
    exchange->is_compressible = http_status_has_body(status) && http_type_is_compressible(content_type);
    exchange->accepts_gzip = exchange->is_compressible && http_accepts_gzip(request);
    exchange->server->body_bytes -= exchange->counted;
    exchange->counted = 0;
    buf_done(&request->body);
}

static void end_header(struct http_exchange *exchange, enum http_framing framing, size_t length, bool is_gzip,
                       bool varies)
{
    http_reply_end(&exchange->head, &(struct http_reply_end){ .framing = framing,
                                                              .length = length,
                                                              .is_gzip = is_gzip,
                                                              .varies = varies,
                                                              .keep_alive = exchange->keep_alive,
                                                              .is_old = exchange->request.minor == 0 });
}

/* Makes head and body of an answer that is known as a whole. */
static void complete_answer(struct http_exchange *exchange, struct buf *body)
{
    bool has_body = http_status_has_body(exchange->status);
    bool varies = exchange->is_compressible && body->length >= HTTP_GZIP_MIN;
    struct http_server *server = exchange->server;
    bool is_gzip = varies && exchange->accepts_gzip;

    if (is_gzip && !server->gzip)
        server->gzip = gzip_new();
    is_gzip = is_gzip && server->gzip;
    if (is_gzip) {
        struct buf packed = { 0 };

        gzip_add(server->gzip, body->data, body->length, GZIP_END, &packed);
        gzip_reset(server->gzip);
        buf_done(body);
        *body = packed;
    }
    end_header(exchange, has_body ? HTTP_LENGTH : HTTP_NO_BODY, body->length, is_gzip, varies);
    if (exchange->is_head_request || !has_body) {
        buf_done(body);
    } else if (body->length <= COPY_MAX) {
        buf_add(&exchange->head, body->data, body->length);
        buf_done(body);
    } else {
        exchange->body = *body;
        *body = (struct buf){ 0 };
    }
    exchange->stage = EXCHANGE_ANSWERED;
}

/* True when there is nobody to answer; the exchange is gone then. on_gone: of a stream, whose owner would wait. */
static bool drop_orphan(struct http_exchange *exchange, void (*on_gone)(void *owner))
{
    void *owner = exchange->gone_owner;

    if (exchange->connection)
        return false;
    TAILQ_REMOVE(&exchange->server->orphans, exchange, link);
    http_exchange_free(exchange);
    if (on_gone)
        on_gone(owner);
    return true;
}

struct body_stream {
    struct buf body;
    size_t given;
};

static void body_stream_free(void *owner)
{
    struct body_stream *stream = owner;

    buf_done(&stream->body);
    free(stream);
}

static bool body_stream_produce(void *owner, struct buf *out)
{
    struct body_stream *stream = owner;
    size_t left = stream->body.length - stream->given;
    size_t piece = left < GZIP_AT_ONCE ? left : GZIP_AT_ONCE;

    buf_add(out, stream->body.data + stream->given, piece);
    stream->given += piece;
    if (piece < left)
        return true;
    body_stream_free(stream);
    return false;
}

void http_respond(struct http_exchange *exchange, int status, const char *content_type, struct buf *take)
{
    struct http_connection *connection = exchange->connection;

    if (drop_orphan(exchange, NULL)) {
        buf_done(take);
        return;
    }
    assert(exchange->stage == EXCHANGE_WAITING);
    begin_answer(exchange, status, content_type, take->length);
    if (exchange->accepts_gzip && take->length > GZIP_AT_ONCE && !exchange->is_head_request) {
        struct body_stream *stream = memory_alloc(sizeof(*stream));

        stream->body = *take;
        *take = (struct buf){ 0 };
        exchange->produce = body_stream_produce;
        exchange->produce_owner = stream;
        exchange->stage = EXCHANGE_STREAMING;
        http_on_gone(exchange, body_stream_free, stream);
    } else {
        complete_answer(exchange, take);
    }
    if (TAILQ_FIRST(&connection->exchanges) == exchange)
        http_exchange_advance(connection);
}

void http_respond_stream(struct http_exchange *exchange, int status, const char *content_type,
                         bool (*produce)(void *owner, struct buf *out), void *owner)
{
    if (drop_orphan(exchange, exchange->on_gone))
        return;
    assert(exchange->stage == EXCHANGE_WAITING);
    begin_answer(exchange, status, content_type, 0);
    exchange->produce = produce;
    exchange->produce_owner = owner;
    exchange->stage = EXCHANGE_STREAMING;
    if (TAILQ_FIRST(&exchange->connection->exchanges) == exchange)
        http_connection_work(exchange->connection);
}

void http_stream_poke(struct http_exchange *exchange)
{
    exchange->is_quiet = false;
    if (exchange->connection && TAILQ_FIRST(&exchange->connection->exchanges) == exchange)
        http_connection_work(exchange->connection);
}

void http_exchange_refuse(struct http_exchange *exchange, int status, const char *what)
{
    struct http_server *server = exchange->server;
    struct buf body = { 0 };

    exchange->request.keep_alive = false;
    if (server->error_body)
        server->error_body(server->owner, status, what, &body);
    else
        buf_printf(&body, "%s\n", what);
    begin_answer(exchange, status, server->error_body ? "application/json" : "text/plain", body.length);
    complete_answer(exchange, &body);
}

static void begin_stream(struct http_exchange *exchange)
{
    enum http_framing framing = HTTP_CHUNKED;

    if (!http_status_has_body(exchange->status)) {
        framing = HTTP_NO_BODY;
    } else if (exchange->request.minor == 0) {
        framing = HTTP_UNTIL_CLOSE;
        exchange->keep_alive = false;
    }
    exchange->is_chunked = framing == HTTP_CHUNKED;
    if (exchange->accepts_gzip)
        exchange->gzip = gzip_new();
    end_header(exchange, framing, 0, exchange->gzip != NULL, exchange->is_compressible);
    exchange->is_begun = true;
}

/* The piece as it goes over the wire, with the header before it when that was not sent yet. */
static void frame_piece(struct http_exchange *exchange, const struct buf *piece, bool is_last, struct buf *out)
{
    struct buf packed = { 0 };
    const struct buf *bytes = piece;

    if (exchange->gzip) {
        enum gzip_flush flush = is_last ? GZIP_END : piece->length == 0 ? GZIP_SYNC : GZIP_MORE;

        gzip_add(exchange->gzip, piece->data, piece->length, flush, &packed);
        bytes = &packed;
    }
    buf_reserve(out, exchange->head.length + bytes->length + CHUNK_HEAD + 7);
    buf_add(out, buf_text(&exchange->head), exchange->head.length);
    buf_done(&exchange->head);
    if (exchange->is_chunked && bytes->length > 0) {
        buf_printf(out, "%zx\r\n", bytes->length);
        buf_add(out, bytes->data, bytes->length);
        buf_add(out, "\r\n", 2);
    } else {
        buf_add(out, buf_text(bytes), bytes->length);
    }
    if (exchange->is_chunked && is_last)
        buf_add(out, "0\r\n\r\n", 5);
    buf_done(&packed);
}

/* A HEAD, or a status without a body, ends with the header of the stream: nobody wants the rest. */
static void cut_stream(struct http_exchange *exchange)
{
    struct http_connection *connection = exchange->connection;
    void (*on_gone)(void *) = exchange->on_gone;

    exchange->on_gone = NULL;
    exchange->stage = EXCHANGE_ANSWERED;
    if (on_gone)
        on_gone(exchange->gone_owner);
    http_exchange_advance(connection);
}

/* Room for the size of a chunk, which is known when its bytes are there: leading zeros are allowed. */
static const char blank_size[] = "00000000\r\n";

/* Completes a chunk that stands behind blank_size. */
static void complete_chunk(struct buf *piece, bool is_last)
{
    size_t size = piece->length - (sizeof(blank_size) - 1);

    for (int i = 7; i >= 0; i--, size >>= 4)
        piece->data[i] = "0123456789abcdef"[size & 15];
    buf_add(piece, "\r\n0\r\n\r\n", is_last ? 7 : 2);
}

/* Most of a long answer: plain chunks behind a header that was sent. They go out in the bytes they were made in. */
static bool produce_plain(struct http_exchange *exchange, struct buf *piece)
{
    bool is_more;

    buf_add(piece, blank_size, sizeof(blank_size) - 1);
    is_more = exchange->produce(exchange->produce_owner, piece);
    if (piece->length > sizeof(blank_size) - 1) {
        exchange->is_quiet = false;
        complete_chunk(piece, !is_more);
        return is_more;
    }
    buf_clear(piece);
    if (!is_more)
        buf_add(piece, "0\r\n\r\n", 5);
    return is_more;
}

void http_exchange_produce(struct http_exchange *exchange)
{
    struct http_connection *connection = exchange->connection;
    struct buf piece = { 0 }, out = { 0 };
    bool is_last, is_plain = exchange->is_begun && exchange->is_chunked && !exchange->gzip;

    if (exchange->is_quiet || conn_unsent(connection->conn) >= exchange->server->limits.stream_bytes)
        return;
    exchange->is_quiet = true;
    is_last = is_plain ? !produce_plain(exchange, &piece) : !exchange->produce(exchange->produce_owner, &piece);
    if (!is_plain && piece.length > 0)
        exchange->is_quiet = false;
    if (is_last)
        exchange->on_gone = NULL;
    if (is_last && !exchange->is_begun) {
        complete_answer(exchange, &piece);
        http_exchange_advance(connection);
        return;
    }
    if (!exchange->is_begun) {
        begin_stream(exchange);
        if (exchange->is_head_request || !http_status_has_body(exchange->status)) {
            buf_done(&piece);
            cut_stream(exchange);
            return;
        }
    }
    if (is_plain) {
        out = piece;
    } else {
        frame_piece(exchange, &piece, is_last, &out);
        buf_done(&piece);
    }
    http_connection_send(connection, &out);
    if (is_last) {
        finish(exchange);
        http_exchange_advance(connection);
    } else if (!exchange->is_quiet) {
        http_connection_work(connection);
    }
}
