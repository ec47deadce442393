/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A blocking HTTP/1.1 client for the command line: one connection, one request at a time, kept alive. Not for the
 * daemons, which must not block. A connection that the server closed while it was idle is dialled once more.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct http_client;

struct http_client_options {
    int connect_ms; /* for each address of the host */
    int silence_ms; /* without a byte from the server, or without one taken by it; 0: no limit */
};

enum http_outcome {
    HTTP_OK,             /* an answer came completely, whatever its status */
    HTTP_NO_CONNECTION,  /* nobody there: the request was not sent */
    HTTP_LOST,           /* the connection broke: the server may have done what was asked */
    HTTP_TIMEOUT,        /* silence: the server may do it still */
    HTTP_PROTOCOL_ERROR, /* it does not speak HTTP */
    HTTP_STOPPED,        /* on_body returned false */
};

struct http_call {
    const char *method, *target; /* the target is sent as it is: encode it before */
    const char *const *headers;  /* pairs of name and value, NULL at the end; NULL: none */
    const char *content_type;    /* of the body */
    const void *body;
    size_t body_length;
    /* The body as it comes; false stops, and closes the connection. status is that of the answer. NULL: it is dropped.
     */
    bool (*on_body)(void *owner, int status, const char *bytes, size_t length);
    void *owner;
};

/* options NULL: 5 s, and 5 minutes of silence. host is a name or an address; it is copied, nothing is dialled yet. */
struct http_client *http_client_new(const char *host, int port, const struct http_client_options *options);
void http_client_free(struct http_client *client); /* NULL is fine */

enum http_outcome http_client_call(struct http_client *client, const struct http_call *call);
/* Of the last call, valid until the next. */
int http_client_status(const struct http_client *client);                           /* 0: there was no answer */
const char *http_client_header(const struct http_client *client, const char *name); /* in any case; NULL: none */
const char *http_client_error(const struct http_client *client); /* a sentence for people; "" after HTTP_OK */
