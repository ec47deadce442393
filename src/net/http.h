/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An HTTP/1.1 server: connections, requests, answers in order, limits. It knows no routes and no JSON; conn is all it
 * knows of sockets.
 *
 * A complete request is given to the handler as an exchange, which is answered in the handler or at any later time on
 * the loop, by http_respond() or http_respond_stream(). The exchange and its request belong to the server: the request
 * is valid until one of the two is called, the exchange until http_respond() returns, until produce() said that its
 * piece was the last, or until on_gone returns. An exchange whose client hung up and that has no on_gone stays valid
 * until it is answered; the answer is dropped.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/loop.h"
#include "net/http_parse.h"

struct http_server;
struct http_exchange;

struct http_limits {
    struct http_parse_limits parse;
    size_t all_bodies_bytes; /* of all requests together that are received or not yet answered */
    int64_t idle_ms;         /* a connection without a request is closed */
    int64_t header_ms;       /* from the first byte to the end of the header */
    int64_t body_window_ms;  /* within so long at least body_window_bytes of a body must come, */
    size_t body_window_bytes;
    int64_t send_window_ms; /* and the peer must take at least something of an answer */
    size_t connections;  /* when there are more, the one that has been idle longest is closed, or the new one; less when
                            the process may have fewer descriptors at the time of http_server_new() */
    size_t pipelined;    /* requests of one connection that are not yet answered; more are not read */
    size_t stream_bytes; /* unsent bytes of a stream, above which nothing more is produced */
};
extern const struct http_limits http_default_limits;

typedef void http_handler(void *owner, struct http_exchange *exchange);

/*
 * limits are copied; NULL: the defaults. Port 0 takes a free one. NULL and *error = -errno when the address cannot be
 * had. The handler runs on the loop and may answer at once.
 */
struct http_server *http_server_new(struct loop *loop, const char *address, int port, const struct http_limits *limits,
                                    http_handler *handler, void *owner, int *error);
/* Drops all connections and calls on_gone of what is not answered. Not from a callback of the server; NULL is fine. */
void http_server_free(struct http_server *server);
int http_server_port(const struct http_server *server);
size_t http_server_connections(const struct http_server *server);
/* Writes the body for what the server itself refuses, as application/json. Without it such answers are plain text. */
void http_server_set_error_body(struct http_server *server,
                                void (*error_body)(void *owner, int status, const char *what, struct buf *out));

const struct http_request *http_get_request(const struct http_exchange *exchange);
/* The body held a secret, and is not needed any more. */
void http_wipe_body(struct http_exchange *exchange);
const char *http_peer(const struct http_exchange *exchange); /* "127.0.0.1:40022"; "" when it has gone */

/* For the answer still to be given. The server adds lengths, codings, Connection, Date and those for CORS itself. */
void http_add_header(struct http_exchange *exchange, const char *name, const char *value);

/* The bytes of take are taken. content_type NULL: none. */
void http_respond(struct http_exchange *exchange, int status, const char *content_type, struct buf *take);

/*
 * produce() is called whenever the peer can take more, at most once per turn, never from inside this function. It
 * appends the next piece (some ten KiB are good) and returns false when that was the last. When it appends nothing and
 * returns true, it is called again after http_stream_poke(). A stream must have an on_gone when owner is to be freed
 * with it.
 */
void http_respond_stream(struct http_exchange *exchange, int status, const char *content_type,
                         bool (*produce)(void *owner, struct buf *out), void *owner);
void http_stream_poke(struct http_exchange *exchange);

/*
 * fn is called once when nobody wants the answer any more, or the rest of a stream: the client hung up, the server
 * ends, or the request was a HEAD, which has the beginning of a stream only. Not called after the answer was given
 * completely. Register it in the handler.
 */
void http_on_gone(struct http_exchange *exchange, void (*fn)(void *owner), void *owner);
