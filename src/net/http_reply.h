/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text of answers: status lines, headers, and what the client accepts. Pure functions of the request. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "net/http_parse.h"

enum { HTTP_GZIP_MIN = 1000 }; /* bytes; shorter bodies are not worth it */

enum http_framing { HTTP_LENGTH, HTTP_CHUNKED, HTTP_UNTIL_CLOSE, HTTP_NO_BODY };

struct http_reply_end {
    enum http_framing framing;
    size_t length; /* of the body, for HTTP_LENGTH */
    bool is_gzip;
    bool varies; /* another client would have got another coding */
    bool keep_alive;
    bool is_old; /* HTTP/1.0 must be told that the connection is kept */
};

/* Status line and the headers that every answer has; with has_cors scripts of any web page may read it. date may be "".
 */
void http_reply_begin(struct buf *out, int status, const char *content_type, const char *date, bool has_cors);
void http_reply_header(struct buf *out, const char *name, const char *value); /* control characters become blanks */
void http_reply_end(struct buf *out, const struct http_reply_end *end);

/* 1xx, 204 and 304 never have a body. */
bool http_status_has_body(int status);
bool http_type_is_compressible(const char *content_type);
bool http_accepts_gzip(const struct http_request *request);

enum { HTTP_DATE_SIZE = 64 };
void http_format_date(int64_t wall_ms, char date[static HTTP_DATE_SIZE]);
