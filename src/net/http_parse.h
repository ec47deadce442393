/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * HTTP/1.x requests out of bytes that arrive in any pieces: llhttp, and over it the checks that llhttp leaves to its
 * user. It knows no sockets and no answers. One request is filled at a time; its memory belongs to the caller and can
 * be used again.
 */
#pragma once

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct http_header {
    uint32_t name, value; /* offsets into text */
};

struct http_request {
    const char *method; /* "GET"; NULL until the request line was read */
    const char *target; /* path and query as sent, not decoded; without scheme and host */
    int minor;          /* HTTP/1.minor */
    bool keep_alive;
    bool expects_continue; /* the client waits for "100 Continue" before it sends the body */
    struct buf body;
    struct buf text; /* target, names and values, each with its NUL */
    struct http_header *headers;
    size_t header_count, header_capacity;
};

void http_request_done(struct http_request *request);
/* Empties it for the next request; keeps small memory. */
void http_request_reset(struct http_request *request);

/* The first value of that name, in any case; NULL when there is none. */
const char *http_find_header(const struct http_request *request, const char *name);
/* The next one from *at on; *at is 0 at first. */
const char *http_next_header(const struct http_request *request, const char *name, size_t *at);

struct http_parse_limits {
    size_t target_bytes;
    size_t header_bytes; /* names and values, trailers and extensions of chunks too */
    size_t header_count;
    size_t body_bytes;
};

struct http_parser {
    llhttp_t llhttp;
    const struct http_parse_limits *limits;
    struct http_request *request; /* only during http_parser_feed() */
    const char *start, *end;      /* what is being fed */
    const char *span;             /* where the last piece of a value ended in it; NULL: none yet */
    bool is_value_begun;          /* a piece of the value at hand was seen ... */
    bool is_value_cut;            /* ... and ended where the bytes fed before ended */
    const char *gap;              /* in it: what is between a name and its value begins here; NULL: not there */
    bool is_gap_open;             /* the bytes fed before ended in a gap */
    bool is_gap_folded;           /* a line ended in the gap */
    size_t counted;               /* of header_bytes */
    bool is_begun;                /* the first byte of a request was seen */
    bool is_body;                 /* its header is complete */
    int status;                   /* after HTTP_PARSE_FAILED: what to answer, and why */
    const char *what;
};

enum http_parse {
    HTTP_PARSE_MORE,   /* all bytes are used; the request is not complete */
    HTTP_PARSE_DONE,   /* the request is complete; bytes may be left */
    HTTP_PARSE_FAILED, /* see status; nothing more can be fed */
};

/* The limits must stay where they are. */
void http_parser_init(struct http_parser *parser, const struct http_parse_limits *limits);
/* Feeds *bytes, moves it and *length on. The same request must be given until it is complete; then an empty one. */
enum http_parse http_parser_feed(struct http_parser *parser, struct http_request *request, const char **bytes,
                                 size_t *length);
