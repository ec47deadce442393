/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the server's two halves share: http.c owns the connections and reads requests, http_exchange.c answers them.
 *
 * An exchange belongs to the connection that received it: first while the request comes (receiving), then in the order
 * of requests (first ... last). Answers given out of order wait in their exchange. Only the last exchange of a
 * connection can be one after which it closes. Exchanges whose client went before the owner answered are on the
 * server's list of orphans.
 */
#pragma once

#include <sys/queue.h>

#include "base/loop.h"
#include "net/conn.h"
#include "net/gzip.h"
#include "net/http.h"
#include "net/http_parse.h"
#include "net/http_reply.h"

enum exchange_stage {
    EXCHANGE_RECEIVING,
    EXCHANGE_WAITING,   /* for the owner's answer */
    EXCHANGE_ANSWERED,  /* head and body hold all of it */
    EXCHANGE_STREAMING, /* head holds the beginning of the header until the first piece is there */
};

struct http_exchange {
    struct http_server *server;
    struct http_connection *connection; /* NULL: the client has gone */
    TAILQ_ENTRY(http_exchange) link;    /* of the connection, the orphans or the spare ones */
    struct http_request request;
    size_t counted; /* of the server's body_bytes */
    struct buf extra;
    struct buf head, body;
    void (*on_gone)(void *owner);
    void *gone_owner;
    bool (*produce)(void *owner, struct buf *out);
    void *produce_owner;
    struct gzip *gzip;
    enum exchange_stage stage;
    int status;
    bool is_head_request;
    bool keep_alive;
    bool accepts_gzip; /* and the type of the answer is worth it */
    bool is_compressible;
    bool is_begun; /* the stream's header was sent */
    bool is_chunked;
    bool is_quiet; /* the stream waits for http_stream_poke() */
};
TAILQ_HEAD(exchange_list, http_exchange);

struct http_connection {
    struct http_server *server;
    struct conn *conn; /* NULL: closed, to be freed when feeding ends */
    TAILQ_ENTRY(http_connection) link;
    LIST_ENTRY(http_connection) work_link;
    struct http_exchange *receiving;
    struct exchange_list exchanges;
    size_t exchange_count;
    struct http_parser parser;
    struct buf input;   /* read, but not yet fed: too many requests wait for their answers */
    struct buf output;  /* answers gathered while feeding */
    int64_t since_ms;   /* idle, or the request at hand is coming */
    int64_t window_ms;  /* start of the window of time in which a body, or the peer's reading, must go on */
    size_t window_body; /* bytes at that time */
    int64_t send_ms;
    size_t send_unsent, written, send_written;
    bool is_idle, is_feeding, is_paused;
    bool is_ended; /* what the peer sends from now on is dropped */
    bool has_work;
};
TAILQ_HEAD(connection_list, http_connection);
LIST_HEAD(work_list, http_connection);

struct http_server {
    struct loop *loop;
    struct listener *listener;
    struct timer *sweep;
    struct http_limits limits;
    bool has_no_cors;
    http_handler *handler;
    void *owner;
    void (*error_body)(void *owner, int status, const char *what, struct buf *out);
    struct connection_list idle, busy; /* idle ones: longest first */
    struct work_list work;
    struct exchange_list orphans, spare;
    size_t connection_count, spare_count;
    size_t body_bytes;
    struct gzip *gzip; /* for whole bodies */
    struct {
        int64_t date_s;
        int status;
        char content_type[64];
        struct buf text;
    } begin; /* of the last answer: that of the next is mostly the same */
};

/* http.c */

/* The next turn looks after the connection: its stream, requests not yet read. */
void http_connection_work(struct http_connection *connection);
/* Closes it. Frees it, too, unless it is being fed. */
void http_connection_end(struct http_connection *connection, bool linger);
void http_connection_send(struct http_connection *connection, struct buf *take);
/* An exchange was answered completely: idle lists, "100 Continue", further requests. */
void http_connection_settled(struct http_connection *connection);

/* http_exchange.c */

struct http_exchange *http_exchange_new(struct http_connection *connection);
/* Of no list, of no interest to its owner any more. */
void http_exchange_free(struct http_exchange *exchange);
/* The client has gone: tells the owner, or keeps the exchange until it is answered. */
void http_exchange_abandon(struct http_exchange *exchange);
/* Sends what can be sent in order. The connection may be freed when it returns. */
void http_exchange_advance(struct http_connection *connection);
/* One piece of the stream whose turn it is. The connection may be freed when it returns. */
void http_exchange_produce(struct http_exchange *exchange);
/* Answers a request that the server itself refuses; the connection closes after it. */
void http_exchange_refuse(struct http_exchange *exchange, int status, const char *what);
