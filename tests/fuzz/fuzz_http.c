/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parser must see the same requests however the bytes are cut. The first byte of the input seeds the cuts; the rest
 * is what the client sends.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/http_parse.h"
#include "net/http_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http_parse_limits limits = {
    .target_bytes = 500, .header_bytes = 2000, .header_count = 20, .body_bytes = 3000
};

static void check_text(const char *text)
{
    for (; *text; text++)
        if (*text == '\r' || *text == '\n')
            abort();
}

static void describe_request(const struct http_request *request, struct buf *out)
{
    buf_printf(out, "%s %s 1.%d %d %d", request->method, request->target, request->minor, request->keep_alive,
               http_accepts_gzip(request));
    check_text(request->target);
    for (size_t i = 0; i < request->header_count; i++) {
        const char *name = request->text.data + request->headers[i].name;
        const char *value = request->text.data + request->headers[i].value;

        check_text(name);
        check_text(value);
        if (!http_find_header(request, name))
            abort();
        buf_printf(out, "\n%s: %s", name, value);
    }
    buf_printf(out, "\n%zu ", request->body.length);
    buf_add(out, buf_text(&request->body), request->body.length);
    if (request->body.length > limits.body_bytes || request->header_count > limits.header_count)
        abort();
}

/* Feeds all bytes in pieces of which the seed tells the lengths; 0: in one. */
static void parse_all(const char *bytes, size_t size, uint32_t seed, struct buf *out)
{
    struct http_parser parser;
    struct http_request request = { 0 };
    enum http_parse parsed = HTTP_PARSE_MORE;

    http_parser_init(&parser, &limits);
    while (size > 0 && parsed != HTTP_PARSE_FAILED) {
        size_t length = size;

        if (seed != 0) {
            seed = seed * 1664525u + 1013904223u;
            length = (seed >> 16) % 17 + 1;
            length = length < size ? length : size;
        }
        /* in a block of its own, so that a sanitizer sees a read beyond it */
        char *piece = memory_copy(bytes, length);
        const char *at = piece;

        bytes += length;
        size -= length;
        while (length > 0 && parsed != HTTP_PARSE_FAILED) {
            parsed = http_parser_feed(&parser, &request, &at, &length);
            if (parsed == HTTP_PARSE_DONE) {
                bool keep_alive = request.keep_alive;

                describe_request(&request, out);
                http_request_reset(&request);
                if (!keep_alive)
                    size = length = 0;
            }
        }
        free(piece);
    }
    if (parsed == HTTP_PARSE_FAILED) {
        if (parser.status < 400 || !parser.what)
            abort();
        buf_printf(out, "\nfailed");
    }
    http_request_done(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = { 0 }, pieces = { 0 };

    if (size < 1)
        return 0;
    parse_all((const char *)data + 1, size - 1, 0, &whole);
    parse_all((const char *)data + 1, size - 1, data[0] + 1u, &pieces);
    if (whole.length != pieces.length || memcmp(buf_text(&whole), buf_text(&pieces), whole.length) != 0)
        abort();
    buf_done(&whole);
    buf_done(&pieces);
    return 0;
}
