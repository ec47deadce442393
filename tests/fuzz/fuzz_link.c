/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a peer sends, as bytes of a connection: first byte, size of the reads it arrives in; then frames. Whatever the
 * reads' size, the same frames must come out.
 */
#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "net/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
    int frames, hellos;
    bool is_bad;
    uint64_t hash;
};

/* A hello that was accepted comes back the same from what is written of it. */
static void check_hello(const struct link_hello *hello, struct arena *arena)
{
    struct frame_reader reader = { .limit = LINK_FRAME_LIMIT };
    char error[FRAME_ERROR_SIZE];
    struct link_hello again;
    struct buf out = { 0 };
    struct frame frame;
    int got;

    frame_write(&out, "hello", &link_hello_schema, hello);
    frame_reader_add(&reader, out.data, out.length);
    got = frame_next(&reader, &frame, error);
    assert(got == 1 && strcmp(frame.type, "hello") == 0);
    got = frame_read_hello(&frame.body, &again, arena, error);
    assert(got == 0 && again.protocol_max == hello->protocol_max);
    assert(again.capabilities.count == hello->capabilities.count &&
           again.unsupported.count == hello->unsupported.count);
    assert(frame_choose_protocol(hello, &again) == hello->protocol_max);
    frame_done(&frame);
    frame_reader_done(&reader);
    buf_done(&out);
}

static void read_frames(struct frame_reader *reader, struct result *result)
{
    char error[FRAME_ERROR_SIZE] = "";
    struct arena arena = { 0 };
    struct link_hello hello;
    struct frame frame;
    int got;

    while ((got = frame_next(reader, &frame, error)) > 0) {
        assert(frame.type && frame.body.length >= 2);
        result->frames++;
        result->hash = text_hash(result->hash, frame.type, strlen(frame.type));
        if (frame_read_hello(&frame.body, &hello, &arena, error) == 0) {
            result->hellos++;
            check_hello(&hello, &arena);
        }
        frame_done(&frame);
        arena_reset(&arena);
    }
    result->is_bad = got < 0;
    assert(got == 0 || error[0]);
    arena_done(&arena);
}

static struct result run(const char *bytes, size_t size, size_t step)
{
    struct frame_reader reader = { .limit = LINK_HELLO_FRAME_LIMIT };
    struct result result = { .hash = TEXT_HASH_START };

    for (size_t at = 0; at < size && !result.is_bad; at += step) {
        frame_reader_add(&reader, bytes + at, size - at < step ? size - at : step);
        read_frames(&reader, &result);
    }
    frame_reader_done(&reader);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    struct result whole, pieces;

    if (size < 2)
        return 0;
    whole = run(bytes + 1, size - 1, size);
    pieces = run(bytes + 1, size - 1, (size_t)data[0] + 1);
    assert(whole.frames == pieces.frames && whole.hellos == pieces.hellos && whole.hash == pieces.hash);
    assert(whole.is_bad == pieces.is_bad);
    return 0;
}
