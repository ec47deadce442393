/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gzip as answers are sent with it: a whole body, or a stream in pieces. */
#pragma once

#include <stddef.h>

#include "base/buf.h"

struct gzip;

enum gzip_flush {
    GZIP_MORE, /* bytes may be held back */
    GZIP_SYNC, /* all that was added can be read by the peer */
    GZIP_END,
};

struct gzip *gzip_new(void);       /* NULL where there is no zlib */
void gzip_free(struct gzip *gzip); /* NULL is fine */
void gzip_add(struct gzip *gzip, const void *bytes, size_t length, enum gzip_flush flush, struct buf *out);
/* After GZIP_END, for the next body. */
void gzip_reset(struct gzip *gzip);
