/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A growing string of bytes. Owns its memory; a buf of zeroes is empty and valid. The data is always followed by a NUL
 * that length does not count, once anything was added.
 */
#pragma once

#include <stddef.h>

#include "base/memory.h"

struct buf {
    char *data;
    size_t length;
    size_t capacity;
};

void buf_done(struct buf *buf);
void buf_wipe(struct buf *buf);              /* buf_done of what held secrets: all bytes are overwritten before */
void buf_clear(struct buf *buf);             /* keeps the memory */
void buf_grow(struct buf *buf, size_t more); /* what buf_reserve does when there is no room */
void buf_add(struct buf *buf, const void *bytes, size_t length);
void buf_add_text(struct buf *buf, const char *text);
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_drop_front(struct buf *buf, size_t length);
const char *buf_text(const struct buf *buf) __attribute__((returns_nonnull)); /* "" when empty */
/* The bytes become the caller's, to be freed; the buf is empty afterwards. */
char *buf_take(struct buf *buf);

/* Room for so many bytes beyond length, and the NUL. */
static inline void buf_reserve(struct buf *buf, size_t more)
{
    if (buf->capacity - buf->length <= more)
        buf_grow(buf, more);
}

static inline void buf_add_char(struct buf *buf, char c)
{
    buf_reserve(buf, 1);
    buf->data[buf->length++] = c;
    buf->data[buf->length] = '\0';
}
