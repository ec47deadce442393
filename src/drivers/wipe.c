/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers/wipe.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 4096 };

/* What may lie outside of the first and last block. from_end: offset counts back from the end, rounded down to a block.
 */
static const struct signature {
    int64_t offset;
    const char *bytes;
    size_t length;
    bool from_end;
} signatures[] = {
    { 4096, "\xfc\x4e\x2b\xa9", 4, false },                                                       /* md 1.2 */
    { 4096 + 24, "\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81", 16, false }, /* bcache */
    { 4096 + 1024, "\x10\x20\xf5\xf2", 4, false },                                                /* second of f2fs */
    { 8192, "JFS1", 4, false },
    { 16384, "SKUL\xba\xbe", 6, false }, /* second header of LUKS 2, by size of the first */
    { 32768, "SKUL\xba\xbe", 6, false },
    { 65536, "SKUL\xba\xbe", 6, false },
    { 131072, "SKUL\xba\xbe", 6, false },
    { 262144, "SKUL\xba\xbe", 6, false },
    { 524288, "SKUL\xba\xbe", 6, false },
    { 1048576, "SKUL\xba\xbe", 6, false },
    { 2097152, "SKUL\xba\xbe", 6, false },
    { 4194304, "SKUL\xba\xbe", 6, false },
    { 32768, "JFS1", 4, false },
    { 32768 + 1, "CD001", 5, false },
    { 32768 + 1, "BEA01", 5, false }, /* UDF */
    { 65536 + 52, "ReIsEr", 6, false },
    { 65536 + 64, "_BHRfS_M", 8, false },     /* btrfs */
    { 131072, "\x0c\xb1\xba\x00", 4, false }, /* ZFS, the first of many in a label */
    { 8192, "\xfc\x4e\x2b\xa9", 4, true },    /* md 1.0 */
    { 12288, "\xfc\x4e\x2b\xa9", 4, true },
    { 65536, "\xfc\x4e\x2b\xa9", 4, true }, /* md 0.90 */
};

static bool is_zero(const char *bytes, size_t length)
{
    return length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

static int zero_block(int descriptor, int64_t offset, int64_t size)
{
    static const char zeroes[BLOCK];
    size_t length = size - offset < BLOCK ? (size_t)(size - offset) : BLOCK;
    char block[BLOCK];
    ssize_t n = pread(descriptor, block, length, offset);

    if (n == (ssize_t)length && is_zero(block, length))
        return 0;
    n = pwrite(descriptor, zeroes, length, offset);
    if (n < 0)
        return -errno;
    return n == (ssize_t)length ? 0 : -EIO;
}

int wipe_descriptor(int descriptor, int64_t size)
{
    int64_t end = size & ~(int64_t)(BLOCK - 1);

    for (size_t i = 0; i < ARRAY_SIZE(signatures); i++) {
        const struct signature *signature = &signatures[i];
        int64_t offset = signature->from_end ? end - signature->offset : signature->offset;
        char found[32] = { 0 };
        ssize_t n;
        int error;

        if (offset < 0 || offset + (int64_t)signature->length > size)
            continue;
        n = pread(descriptor, found, signature->length, offset);
        if (n < 0)
            return -errno;
        if (memcmp(found, signature->bytes, signature->length) != 0)
            continue;
        error = zero_block(descriptor, offset & ~(int64_t)(BLOCK - 1), size);
        if (error)
            return error;
    }
    if (size > 0) {
        int error = zero_block(descriptor, 0, size);

        if (error)
            return error;
    }
    return end >= BLOCK ? zero_block(descriptor, end - BLOCK, size) : 0;
}
