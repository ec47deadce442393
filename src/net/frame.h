/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The framing of the link, without sockets, time or state: bytes to frames and back. A frame is a length (4 bytes, big
 * endian, of what follows) and one JSON object {"type": "...", "body": {...}}. Hello, too, is read and checked here, so
 * that everything a stranger can send passes functions that a fuzzer can call.
 */
#pragma once

#include "base/field.h"
#include "net/link.h"

enum {
    FRAME_HEADER_SIZE = 4,
    FRAME_ERROR_SIZE = 256,
};

/* Collects bytes until a frame is complete. A reader of zeroes accepts nothing: set the limit. */
struct frame_reader {
    struct buf bytes;
    size_t taken; /* bytes in front that were given out already */
    size_t limit; /* the longest frame accepted now, in bytes without the header */
};

struct frame {
    struct arena arena;
    const char *type;
    struct link_body body; /* lies in the reader, until that is added to or reset */
};

void frame_reader_done(struct frame_reader *reader);
/* Drops what was collected. */
void frame_reader_reset(struct frame_reader *reader, size_t limit);
void frame_reader_add(struct frame_reader *reader, const char *bytes, size_t length);
/* 1: *frame is the next one, to be given to frame_done; 0: more bytes are needed; -1: no frame can follow, *error says
 * why. */
int frame_next(struct frame_reader *reader, struct frame *frame, char error[static FRAME_ERROR_SIZE]) MUST_CHECK;
void frame_done(struct frame *frame);

/* Writes a whole frame to the end of out; its size without the header is returned. body may be NULL. */
size_t frame_write(struct buf *out, const char *type, const struct schema *schema, const void *body);

/* The peer's hello from the body of a frame; text is copied into arena. 0, or -1 and *error. */
int frame_read_hello(const struct link_body *body, struct link_hello *hello, struct arena *arena,
                     char error[static FRAME_ERROR_SIZE]) MUST_CHECK;
/* The highest protocol that both ranges hold; 0 when there is none. */
int frame_choose_protocol(const struct link_hello *a, const struct link_hello *b);
