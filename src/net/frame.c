/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/frame.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

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

static int parse_frame(const char *text, size_t length, struct frame *frame, char *error)
{
    struct json_error json_error;
    const cJSON *type, *body;

    frame->tree = json_parse(text, length, &json_error);
    if (!frame->tree) {
        snprintf(error, FRAME_ERROR_SIZE, "bad frame of %zu bytes: %s", length, json_error.message);
        return -1;
    }
    type = cJSON_GetObjectItemCaseSensitive(frame->tree, "type");
    body = cJSON_GetObjectItemCaseSensitive(frame->tree, "body");
    if (!cJSON_IsObject(frame->tree) || !cJSON_IsString(type) || !cJSON_IsObject(body) ||
        strlen(type->valuestring) > TYPE_LENGTH_LIMIT) {
        snprintf(error, FRAME_ERROR_SIZE, "bad frame of %zu bytes: expected an object with a type and a body", length);
        frame_done(frame);
        return -1;
    }
    frame->type = type->valuestring;
    frame->body = body;
    return 1;
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
    cJSON_Delete(frame->tree);
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

int frame_read_hello(const cJSON *body, struct link_hello *hello, struct arena *arena,
                     char error[static FRAME_ERROR_SIZE])
{
    struct field_error field_error;

    *hello = (struct link_hello){ 0 };
    if (field_decode(&link_hello_schema, hello, body, arena, &field_error) != 0) {
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
