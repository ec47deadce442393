/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/frame.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/json_scan.h"

enum {
    KEEP_CAPACITY = 1024 * 1024, /* the memory of larger frames is given back */
    TYPE_LENGTH_LIMIT = 64,
};

static const struct field link_hello_fields[] = {
    FIELD(link_hello, protocol_min, FIELD_REQUIRED),
    FIELD(link_hello, protocol_max, FIELD_REQUIRED),
    FIELD(link_hello, version, 0),
    FIELD(link_hello, cluster, 0),
    FIELD(link_hello, node, 0),
    FIELD(link_hello, node_uuid, 0),
    FIELD(link_hello, boot, 0),
    FIELD(link_hello, uname, 0),
    FIELD(link_hello, capabilities, 0),
    FIELD(link_hello, providers, 0),
    FIELD(link_hello, layers, 0),
    FIELD(link_hello, unsupported, 0),
    FIELD(link_hello, refused, 0),
    FIELD(link_hello, refused_as, 0),
};
SCHEMA(link_hello)

void frame_reader_done(struct frame_reader *reader)
{
    buf_done(&reader->bytes);
    reader->taken = 0;
}

void frame_reader_reset(struct frame_reader *reader, size_t limit)
{
    frame_reader_done(reader);
    reader->limit = limit;
}

/* Bytes given out are dropped here and not in frame_next, so that many small frames in one read are moved only once. */
void frame_reader_add(struct frame_reader *reader, const char *bytes, size_t length)
{
    if (reader->taken == reader->bytes.length) {
        if (reader->bytes.capacity > KEEP_CAPACITY)
            buf_done(&reader->bytes);
        else
            buf_clear(&reader->bytes);
    } else {
        buf_drop_front(&reader->bytes, reader->taken);
    }
    reader->taken = 0;
    buf_add(&reader->bytes, bytes, length);
}

static uint32_t read_length(const char *header)
{
    const unsigned char *byte = (const unsigned char *)header;

    return (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 | (uint32_t)byte[2] << 8 | byte[3];
}

static bool is_key(const struct json_token *key, const char *name)
{
    return key->length == strlen(name) && memcmp(key->start, name, key->length) == 0;
}

/* All of the text is looked at, so that only what is JSON gets to anybody; the body is read by who knows its rows. */
static int scan_frame(struct json_scanner *scanner, struct frame *frame)
{
    struct json_token key = { 0 }, token;
    bool is_first = true;
    int more;

    if (json_scan_blanks(scanner) != '{')
        return json_scan_skip(scanner);
    if (json_scan_enter(scanner) != 0)
        return -1;
    while ((more = json_scan_member(scanner, '}', &is_first, &key)) > 0) {
        char first = json_scan_blanks(scanner);
        const char *start = scanner->at;

        if (json_scan_check(scanner, &key) != 0)
            return -1;
        if (first == '"' && is_key(&key, "type")) {
            if (json_scan_token(scanner, &token) != 0 || !(frame->type = json_scan_text(scanner, &token)))
                return -1;
            continue;
        }
        if (json_scan_skip(scanner) != 0)
            return -1;
        if (first == '{' && is_key(&key, "body"))
            frame->body = (struct link_body){ start, (size_t)(scanner->at - start) };
    }
    return more;
}

static int parse_frame(const char *text, size_t length, struct frame *frame, char *error)
{
    struct json_scanner scanner = { .text = text, .at = text, .end = text + length, .arena = &frame->arena };
    int result;

    if (json_is_utf8(text, length))
        result = scan_frame(&scanner, frame);
    else
        result = json_scan_broken(&scanner, "the text is not UTF-8");
    if (result == 0 && (json_scan_blanks(&scanner), scanner.at < scanner.end))
        result = json_scan_broken(&scanner, "something stands behind the JSON value");
    if (result == 0 && frame->type && frame->body.text && strlen(frame->type) <= TYPE_LENGTH_LIMIT)
        return 1;
    snprintf(error, FRAME_ERROR_SIZE, "bad frame of %zu bytes: %s", length,
             result != 0 ? scanner.message : "expected an object with a type and a body");
    frame_done(frame);
    return -1;
}

int frame_next(struct frame_reader *reader, struct frame *frame, char error[static FRAME_ERROR_SIZE])
{
    size_t have = reader->bytes.length - reader->taken;
    const char *start = buf_text(&reader->bytes) + reader->taken;
    uint32_t length;

    *frame = (struct frame){ 0 };
    if (have < FRAME_HEADER_SIZE)
        return 0;
    length = read_length(start);
    if (length > reader->limit) {
        snprintf(error, FRAME_ERROR_SIZE, "frame of %" PRIu32 " bytes is over the limit of %zu bytes", length,
                 reader->limit);
        return -1;
    }
    if (have - FRAME_HEADER_SIZE < length)
        return 0;
    reader->taken += FRAME_HEADER_SIZE + length;
    return parse_frame(start + FRAME_HEADER_SIZE, length, frame, error);
}

void frame_done(struct frame *frame)
{
    arena_done(&frame->arena);
    *frame = (struct frame){ 0 };
}

/* The body is encoded right where it will be sent from: the length is filled in when it is known. */
size_t frame_write(struct buf *out, const char *type, const struct schema *schema, const void *body)
{
    struct json_writer writer = { .out = out };
    size_t start = out->length, size;

    buf_add(out, "\0\0\0\0", FRAME_HEADER_SIZE);
    json_begin(&writer, '{');
    json_key(&writer, "type");
    json_text(&writer, type);
    json_key(&writer, "body");
    if (body)
        field_encode(schema, body, FIELD_LINK, &writer);
    else
        json_raw(&writer, "{}");
    json_end(&writer, '}');
    size = out->length - start - FRAME_HEADER_SIZE;
    for (int i = 0; i < FRAME_HEADER_SIZE; i++)
        out->data[start + (size_t)i] = (char)(size >> (8 * (FRAME_HEADER_SIZE - 1 - i)) & 0xff);
    return size;
}

int link_read(const struct link_body *body, const struct schema *schema, void *object, struct arena *arena,
              struct field_error *error)
{
    return field_scan_limited(schema, object, body->text, body->length,
                              LINK_MEMORY_LEAST + LINK_MEMORY_FACTOR * body->length, arena, error);
}

int frame_read_hello(const struct link_body *body, struct link_hello *hello, struct arena *arena,
                     char error[static FRAME_ERROR_SIZE])
{
    struct field_error field_error;

    *hello = (struct link_hello){ 0 };
    if (link_read(body, &link_hello_schema, hello, arena, &field_error) != 0) {
        snprintf(error, FRAME_ERROR_SIZE, "bad hello: %s", field_error.message);
        return -1;
    }
    if (hello->protocol_min < 1 || hello->protocol_max < hello->protocol_min) {
        snprintf(error, FRAME_ERROR_SIZE, "bad hello: protocol_min %" PRId32 ", protocol_max %" PRId32 " is no range",
                 hello->protocol_min, hello->protocol_max);
        return -1;
    }
    return 0;
}

int frame_choose_protocol(const struct link_hello *a, const struct link_hello *b)
{
    int32_t low = a->protocol_min > b->protocol_min ? a->protocol_min : b->protocol_min;
    int32_t high = a->protocol_max < b->protocol_max ? a->protocol_max : b->protocol_max;

    return high >= low ? high : 0;
}
