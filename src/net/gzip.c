/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/gzip.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/library.h"
#include "base/log.h"

LOG_DOMAIN("gzip");

enum {
    LEVEL = 1,             /* the loop waits for it; more would gain little on lists of objects */
    WINDOW_GZIP = 15 + 16, /* zlib's way of asking for gzip's header */
    MEMORY_LEVEL = 8,
    OUT_BYTES = 16 * 1024,
};

/* deflateInit2 is a macro around the function. */
struct zlib {
    LIBRARY_FUNCTION(deflateInit2_);
    LIBRARY_FUNCTION(deflate);
    LIBRARY_FUNCTION(deflateReset);
    LIBRARY_FUNCTION(deflateEnd);
};
LIBRARY_SYMBOLS(zlib, LIBRARY_SYMBOL(zlib, deflateInit2_), LIBRARY_SYMBOL(zlib, deflate),
                LIBRARY_SYMBOL(zlib, deflateReset), LIBRARY_SYMBOL(zlib, deflateEnd));
LIBRARY(zlib, "zlib1g", "gzip", "Compresses answers of REST", "recommended", "libz.so.1");

struct gzip {
    struct zlib lib;
    z_stream z;
};

struct gzip *gzip_new(void)
{
    struct gzip *gzip = memory_alloc(sizeof(*gzip));
    char why[LIBRARY_WHY_SIZE];

    if (library_open(&zlib_library, &gzip->lib, why) != 0) {
        log_debug("answers are not compressed: %s", why);
        free(gzip);
        return NULL;
    }
    if (gzip->lib.deflateInit2_(&gzip->z, LEVEL, Z_DEFLATED, WINDOW_GZIP, MEMORY_LEVEL, Z_DEFAULT_STRATEGY,
                                ZLIB_VERSION, sizeof(gzip->z)) != Z_OK)
        abort();
    return gzip;
}

void gzip_free(struct gzip *gzip)
{
    if (!gzip)
        return;
    gzip->lib.deflateEnd(&gzip->z);
    free(gzip);
}

void gzip_reset(struct gzip *gzip)
{
    gzip->lib.deflateReset(&gzip->z);
}

static int flush_value(enum gzip_flush flush)
{
    switch (flush) {
    case GZIP_MORE: return Z_NO_FLUSH;
    case GZIP_SYNC: return Z_SYNC_FLUSH;
    case GZIP_END: return Z_FINISH;
    }
    return Z_NO_FLUSH;
}

void gzip_add(struct gzip *gzip, const void *bytes, size_t length, enum gzip_flush flush, struct buf *out)
{
    union {
        const void *from;
        Bytef *to;
    } input = { .from = bytes }; /* zlib does not write to it, but takes no const */

    assert(length <= UINT_MAX);
    gzip->z.next_in = input.to;
    gzip->z.avail_in = (uInt)length;
    do {
        buf_reserve(out, OUT_BYTES);
        gzip->z.next_out = (Bytef *)out->data + out->length;
        gzip->z.avail_out = OUT_BYTES;
        gzip->lib.deflate(&gzip->z,
                          flush_value(flush)); /* its only error left, Z_BUF_ERROR, says that there was nothing to do */
        out->length += OUT_BYTES - gzip->z.avail_out;
    } while (gzip->z.avail_out == 0);
    out->data[out->length] = '\0';
}
