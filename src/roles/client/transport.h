/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How requests reach a controller: the client's only way out. transport_http.c is the real one; tests answer from
 * files. Everything blocks; one request at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct transport_request {
    const char *method;
    const char *target;        /* path and query */
    const char *body;          /* JSON; NULL for none */
    const char *authorization; /* value of the header; NULL for none */
    /*
     * Takes the body of a successful answer (status below 300) piece by piece. False: no more of it is wanted. NULL: it
     * is collected in the answer, as are those of other answers.
     */
    bool (*on_body)(void *owner, const char *bytes, size_t length);
    void *owner;
};

struct transport_answer {
    int status;
    char content_type[64]; /* lower case, without parameters */
    char location[256];
    struct buf body;
};

enum transport_error {
    TRANSPORT_OK,
    TRANSPORT_UNREACHABLE, /* nobody there: the request was not sent */
    TRANSPORT_LOST,        /* the connection ended within the answer */
    TRANSPORT_TIMEOUT,     /* nothing heard for too long */
    TRANSPORT_BAD,         /* the answer is no HTTP */
};

struct transport {
    /* Requests go there from now on; the next one connects. timeout_ms of silence, or while connecting, is too much. */
    void (*open)(void *owner, const char *host, int port, int timeout_ms);
    /* *error is a text of the transport's. */
    enum transport_error (*request)(void *owner, const struct transport_request *request,
                                    struct transport_answer *answer, const char **error);
};

struct transport_http;
struct transport_http *transport_http_new(void);
void transport_http_free(struct transport_http *http); /* NULL is fine */
extern const struct transport transport_http;          /* its owner is a struct transport_http */
