/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * llhttp is tolerant where a server must not be: it joins folded lines, takes blanks in names of headers, and believes
 * a Transfer-Encoding of which only the end is known to it. Where a request ends must be beyond doubt, so the header is
 * checked again as a whole once it is complete, and anything doubtful is refused.
 */
#include "net/http_parse.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

enum {
    KEEP_TEXT = 8 * 1024, /* larger buffers are not kept from one request to the next */
    KEEP_HEADERS = 64,
    RESERVE_BODY = 64 * 1024, /* more is reserved only when it has come */
};

static void trim_buf(struct buf *buf)
{
    if (buf->capacity > KEEP_TEXT)
        buf_done(buf);
    else
        buf_clear(buf);
}

void http_request_done(struct http_request *request)
{
    buf_done(&request->body);
    buf_done(&request->text);
    free(request->headers);
    *request = (struct http_request){ 0 };
}

void http_request_reset(struct http_request *request)
{
    struct http_request empty = { 0 };

    trim_buf(&request->body);
    trim_buf(&request->text);
    if (request->header_capacity > KEEP_HEADERS) {
        free(request->headers);
        request->headers = NULL;
        request->header_capacity = 0;
    }
    empty.body = request->body;
    empty.text = request->text;
    empty.headers = request->headers;
    empty.header_capacity = request->header_capacity;
    *request = empty;
}

const char *http_next_header(const struct http_request *request, const char *name, size_t *at)
{
    while (*at < request->header_count) {
        const struct http_header *header = &request->headers[(*at)++];
        const char *own = request->text.data + header->name;

        if (((own[0] ^ name[0]) & ~0x20) == 0 && strcasecmp(own, name) == 0) /* mostly the first letter tells */
            return request->text.data + header->value;
    }
    return NULL;
}

const char *http_find_header(const struct http_request *request, const char *name)
{
    size_t at = 0;

    return http_next_header(request, name, &at);
}

static struct http_parser *parser_of(llhttp_t *llhttp)
{
    return CONTAINER_OF(llhttp, struct http_parser, llhttp);
}

/* For callbacks to return: ends llhttp_execute(). */
static int refuse(struct http_parser *parser, int status, const char *what)
{
    parser->status = status;
    parser->what = what;
    return -1;
}

static bool count(struct http_parser *parser, size_t length)
{
    parser->counted += length;
    return parser->counted <= parser->limits->header_bytes;
}

static const char too_large[] = "The header of the request is too large.";

static int on_begin(llhttp_t *llhttp)
{
    struct http_parser *parser = parser_of(llhttp);

    parser->is_begun = true;
    parser->is_body = false;
    parser->counted = 0;
    return 0;
}

static int on_target(llhttp_t *llhttp, const char *at, size_t length)
{
    struct http_parser *parser = parser_of(llhttp);

    if (parser->request->text.length + length > parser->limits->target_bytes)
        return refuse(parser, 414, "The address of the request is too long.");
    buf_add(&parser->request->text, at, length);
    return 0;
}

static int on_target_complete(llhttp_t *llhttp)
{
    buf_add_char(&parser_of(llhttp)->request->text, '\0');
    return 0;
}

/* Trailers come after the body and are dropped. */
static int on_name(llhttp_t *llhttp, const char *at, size_t length)
{
    struct http_parser *parser = parser_of(llhttp);
    struct http_request *request = parser->request;

    if (!count(parser, length))
        return refuse(parser, 431, too_large);
    parser->gap = at + length;
    parser->is_gap_folded = false;
    if (parser->is_body)
        return 0;
    if (request->header_count == request->header_capacity) {
        request->header_capacity = request->header_capacity ? request->header_capacity * 2 : 16;
        request->headers = memory_resize(request->headers, request->header_capacity * sizeof(*request->headers));
    }
    /* A name that comes in pieces is told from a new one by the value that the last header has, or not yet. */
    if (request->header_count == 0 || request->headers[request->header_count - 1].value != 0) {
        if (request->header_count == parser->limits->header_count)
            return refuse(parser, 431, "The request has too many headers.");
        request->headers[request->header_count++] = (struct http_header){ .name = (uint32_t)request->text.length };
    }
    buf_add(&request->text, at, length);
    return 0;
}

static bool is_token(const char *text)
{
    static const char marks[] = "!#$%&'*+.^_`|~";

    if (!*text)
        return false;
    for (; *text; text++) {
        bool is_letter = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') || *text == '-';

        if (!is_letter && !(*text >= '0' && *text <= '9') && !strchr(marks, *text))
            return false;
    }
    return true;
}

static int on_name_complete(llhttp_t *llhttp)
{
    struct http_parser *parser = parser_of(llhttp);
    struct http_request *request = parser->request;
    struct http_header *header;

    parser->span = NULL;
    parser->is_value_begun = false;
    if (parser->is_body)
        return 0;
    if (request->header_count == 0)
        return refuse(parser, 400, "A header has no name.");
    header = &request->headers[request->header_count - 1];
    if (header->value != 0 || !is_token(request->text.data + header->name))
        return refuse(parser, 400, "The name of a header has characters that are not allowed.");
    buf_add_char(&request->text, '\0');
    header->value = (uint32_t)request->text.length;
    return 0;
}

static void look_into_gap(struct http_parser *parser, const char *end)
{
    if (parser->gap && memchr(parser->gap, '\n', (size_t)(end - parser->gap)))
        parser->is_gap_folded = true;
    parser->gap = NULL;
}

static int on_value(llhttp_t *llhttp, const char *at, size_t length)
{
    struct http_parser *parser = parser_of(llhttp);
    bool follows = parser->span ? at == parser->span : parser->is_value_cut && at == parser->start;

    if (!count(parser, length))
        return refuse(parser, 431, too_large);
    look_into_gap(parser, at);
    if ((parser->is_value_begun && !follows) || (parser->is_gap_folded && length > 0))
        return refuse(parser, 400, "A header is folded over several lines.");
    parser->is_value_begun = true;
    parser->span = at + length;
    if (!parser->is_body)
        buf_add(&parser->request->text, at, length);
    return 0;
}

static int on_value_complete(llhttp_t *llhttp)
{
    struct http_parser *parser = parser_of(llhttp);
    struct buf *text = &parser->request->text;

    parser->span = NULL;
    parser->gap = NULL;
    parser->is_value_begun = false;
    if (parser->is_body)
        return 0;
    while (text->length > 0 && (text->data[text->length - 1] == ' ' || text->data[text->length - 1] == '\t'))
        text->length--;
    buf_add_char(text, '\0');
    return 0;
}

static bool parse_length(const char *text, uint64_t *length)
{
    *length = 0;
    if (!*text || strlen(text) > 18)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        *length = *length * 10 + (uint64_t)(*text - '0');
    }
    return true;
}

/* NULL, or what leaves in doubt where the request ends or whom it is for. */
static const char *find_doubt(const struct http_request *request, const llhttp_t *llhttp)
{
    size_t at = 0, hosts = 0;
    const char *length_text = http_next_header(request, "content-length", &at);
    const char *second_length = http_next_header(request, "content-length", &at);
    uint64_t length = 0;
    const char *coding;

    at = 0;
    coding = http_next_header(request, "transfer-encoding", &at);
    if (length_text && coding)
        return "The request has both a Content-Length and a Transfer-Encoding.";
    if (second_length)
        return "The request has several headers Content-Length.";
    if (length_text && (!parse_length(length_text, &length) || length != llhttp->content_length))
        return "The Content-Length is not a number.";
    if (coding && (request->minor == 0 || http_next_header(request, "transfer-encoding", &at)))
        return "The Transfer-Encoding is not allowed here.";
    if ((coding != NULL) != ((llhttp->flags & F_CHUNKED) != 0))
        return "The Transfer-Encoding is not understood.";
    at = 0;
    while (http_next_header(request, "host", &at))
        hosts++;
    if (hosts > 1 || (hosts == 0 && request->minor > 0))
        return "The request must have one header Host.";
    return NULL;
}

/* "http://host/path" is the same as "/path" for a server that is no proxy. */
static const char *skip_authority(const char *target)
{
    const char *slashes = strstr(target, "://");
    const char *path;

    if (*target == '/' || *target == '*' || !slashes)
        return target;
    path = slashes + 3 + strcspn(slashes + 3, "/?#");
    return *path == '/' ? path : "/";
}

static int check_expectation(struct http_parser *parser, bool has_body)
{
    const char *expect = http_find_header(parser->request, "expect");

    if (!expect || parser->request->minor == 0)
        return 0;
    if (strcasecmp(expect, "100-continue") != 0)
        return refuse(parser, 417, "The header Expect asks for something unknown.");
    parser->request->expects_continue = has_body;
    return 0;
}

static int on_header_complete(llhttp_t *llhttp)
{
    struct http_parser *parser = parser_of(llhttp);
    struct http_request *request = parser->request;
    const char *coding, *doubt;

    request->method = llhttp_method_name((llhttp_method_t)llhttp_get_method(llhttp));
    request->target = skip_authority(request->text.data);
    request->minor = llhttp_get_http_minor(llhttp);
    if (llhttp_get_http_major(llhttp) != 1)
        return refuse(parser, 505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.");
    if (llhttp_get_method(llhttp) == HTTP_CONNECT)
        return refuse(parser, 501, "This server is not a proxy.");
    coding = http_find_header(request, "transfer-encoding");
    if (coding && strcasecmp(coding, "chunked") != 0)
        return refuse(parser, 501, "The only Transfer-Encoding known here is chunked.");
    doubt = find_doubt(request, llhttp);
    if (doubt)
        return refuse(parser, 400, doubt);
    if (llhttp->content_length > parser->limits->body_bytes)
        return refuse(parser, 413, "The body of the request is too large.");
    if (check_expectation(parser, coding || llhttp->content_length > 0) != 0)
        return -1;
    if (llhttp->content_length > 0)
        buf_reserve(&request->body,
                    llhttp->content_length < RESERVE_BODY ? (size_t)llhttp->content_length : RESERVE_BODY);
    llhttp->upgrade = 0; /* no protocol is switched to: a request that offers it is answered as any other */
    parser->is_body = true;
    return 0;
}

static int on_extension(llhttp_t *llhttp, const char *at, size_t length)
{
    struct http_parser *parser = parser_of(llhttp);

    (void)at;
    return count(parser, length) ? 0 : refuse(parser, 431, "The extensions of the chunks are too large.");
}

static int on_body(llhttp_t *llhttp, const char *at, size_t length)
{
    struct http_parser *parser = parser_of(llhttp);
    struct buf *body = &parser->request->body;

    if (length > parser->limits->body_bytes - body->length)
        return refuse(parser, 413, "The body of the request is too large.");
    parser->request->expects_continue = false;
    buf_add(body, at, length);
    return 0;
}

static int on_complete(llhttp_t *llhttp)
{
    struct http_parser *parser = parser_of(llhttp);

    parser->request->keep_alive = llhttp_should_keep_alive(llhttp);
    parser->is_begun = false;
    parser->is_body = false;
    return HPE_PAUSED;
}

static const llhttp_settings_t callbacks = {
    .on_message_begin = on_begin,
    .on_url = on_target,
    .on_url_complete = on_target_complete,
    .on_header_field = on_name,
    .on_header_field_complete = on_name_complete,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_header_complete,
    .on_chunk_extension_name = on_extension,
    .on_chunk_extension_value = on_extension,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

void http_parser_init(struct http_parser *parser, const struct http_parse_limits *limits)
{
    *parser = (struct http_parser){ .limits = limits };
    llhttp_init(&parser->llhttp, HTTP_REQUEST, &callbacks);
}

static enum http_parse tell_failure(struct http_parser *parser, llhttp_errno_t error)
{
    const char *where = llhttp_get_error_pos(&parser->llhttp);
    const char *reason;

    if (parser->status != 0)
        return HTTP_PARSE_FAILED;
    reason = llhttp_get_error_reason(&parser->llhttp);
    parser->what = reason && *reason ? reason : "The request is not HTTP.";
    parser->status = 400;
    if (error == HPE_INVALID_VERSION || error == HPE_PAUSED_H2_UPGRADE)
        parser->status = 505;
    else if (error == HPE_INVALID_METHOD && where && ((*where >= 'A' && *where <= 'Z') || *where == '-'))
        parser->status = 405; /* LINSTOR: a method that nobody knows is one that no path has */
    return HTTP_PARSE_FAILED;
}

enum http_parse http_parser_feed(struct http_parser *parser, struct http_request *request, const char **bytes,
                                 size_t *length)
{
    llhttp_errno_t error;
    size_t used;

    parser->request = request;
    parser->start = *bytes;
    parser->end = *bytes + *length;
    parser->span = NULL;
    parser->gap = parser->is_gap_open ? parser->start : NULL;
    error = llhttp_execute(&parser->llhttp, *bytes, *length);
    if (error == HPE_OK) {
        parser->is_value_cut = parser->span == parser->end;
        parser->is_gap_open = parser->gap != NULL;
        look_into_gap(parser, parser->end);
        *bytes += *length;
        *length = 0;
        return HTTP_PARSE_MORE;
    }
    if (error != HPE_PAUSED)
        return tell_failure(parser, error);
    parser->is_gap_open = false;
    used = (size_t)(llhttp_get_error_pos(&parser->llhttp) - *bytes);
    llhttp_resume(&parser->llhttp);
    *bytes += used;
    *length -= used;
    return HTTP_PARSE_DONE;
}
