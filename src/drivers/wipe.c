/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * LINSTOR: the signatures that 'wipefs -a -f' removes (superblocks, also those with a wrong checksum, and partition
 * tables, also a GPT without its protecting MBR), then the first and the last 4096 bytes.
 */
#include "drivers/wipe.h"

#include <blkid.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    BLOCK = 4096,
    /* A ZFS pool has some hundred. A device that shows more does not keep what is written to it. */
    MOST_SIGNATURES = 4096,
};

struct blkid {
    LIBRARY_FUNCTION(blkid_new_probe);
    LIBRARY_FUNCTION(blkid_free_probe);
    LIBRARY_FUNCTION(blkid_probe_set_device);
    LIBRARY_FUNCTION(blkid_probe_enable_superblocks);
    LIBRARY_FUNCTION(blkid_probe_set_superblocks_flags);
    LIBRARY_FUNCTION(blkid_probe_enable_partitions);
    LIBRARY_FUNCTION(blkid_probe_set_partitions_flags);
    LIBRARY_FUNCTION(blkid_do_probe);
    LIBRARY_FUNCTION(blkid_do_wipe);
    LIBRARY_FUNCTION(blkid_probe_lookup_value);
};
LIBRARY_SYMBOLS(blkid, LIBRARY_SYMBOL(blkid, blkid_new_probe), LIBRARY_SYMBOL(blkid, blkid_free_probe),
                LIBRARY_SYMBOL(blkid, blkid_probe_set_device), LIBRARY_SYMBOL(blkid, blkid_probe_enable_superblocks),
                LIBRARY_SYMBOL(blkid, blkid_probe_set_superblocks_flags),
                LIBRARY_SYMBOL(blkid, blkid_probe_enable_partitions),
                LIBRARY_SYMBOL(blkid, blkid_probe_set_partitions_flags), LIBRARY_SYMBOL(blkid, blkid_do_probe),
                LIBRARY_SYMBOL(blkid, blkid_do_wipe), LIBRARY_SYMBOL(blkid, blkid_probe_lookup_value));
LIBRARY(blkid, "libblkid1", "wipe", "Finds the signatures on volumes that are removed", "recommended", "libblkid.so.1");

static bool is_zero(const char *bytes, size_t length)
{
    return length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

int wipe_block(int descriptor, int64_t offset, int64_t size)
{
    static const char zeroes[BLOCK];
    size_t length;
    char block[BLOCK];
    ssize_t n;

    if (offset < 0 || offset >= size)
        return 0;
    length = size - offset < BLOCK ? (size_t)(size - offset) : BLOCK;
    n = pread(descriptor, block, length, offset);
    if (n == (ssize_t)length && is_zero(block, length))
        return 0;
    n = pwrite(descriptor, zeroes, length, offset);
    if (n < 0)
        return -errno;
    return n == (ssize_t)length ? 0 : -EIO;
}

/* libblkid sets errno when the kernel refused something, and else only says that it failed. */
static int error_of(int result)
{
    return result == 0 ? 0 : errno ? -errno : -EIO;
}

/* Each signature that is wiped may have hidden another one, which the library finds by itself in the next round. */
static int wipe_signatures(const struct blkid *blkid, blkid_probe probe)
{
    for (int i = 0; i < MOST_SIGNATURES; i++) {
        int result;

        errno = 0;
        result = blkid->blkid_do_probe(probe);
        if (result > 0)
            return 0;
        if (result == 0)
            result = blkid->blkid_do_wipe(probe, false);
        if (result != 0)
            return error_of(result);
    }
    return -EIO;
}

/* Everything that the library knows is looked for. 0 or -errno. */
static int set_up(const struct blkid *blkid, blkid_probe probe, int descriptor)
{
    int error;

    errno = 0;
    error = error_of(blkid->blkid_probe_set_device(probe, descriptor, 0, 0));
    if (!error)
        error = error_of(blkid->blkid_probe_enable_superblocks(probe, true));
    if (!error)
        error = error_of(blkid->blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_MAGIC | BLKID_SUBLKS_TYPE |
                                                                             BLKID_SUBLKS_BADCSUM));
    if (!error)
        error = error_of(blkid->blkid_probe_enable_partitions(probe, true));
    if (!error)
        error = error_of(blkid->blkid_probe_set_partitions_flags(probe, BLKID_PARTS_MAGIC | BLKID_PARTS_FORCE_GPT));
    return error;
}

static int wipe_known(const struct blkid *blkid, int descriptor)
{
    blkid_probe probe = blkid->blkid_new_probe();
    int error;

    if (!probe)
        return -ENOMEM;
    error = set_up(blkid, probe, descriptor);
    if (!error)
        error = wipe_signatures(blkid, probe);
    blkid->blkid_free_probe(probe);
    return error;
}

static void add_type(const char *type, struct buf *types)
{
    size_t length = strlen(type);

    for (const char *at = types->length > 0 ? buf_text(types) : ""; *at;) {
        size_t known = strcspn(at, " ");

        if (known == length && memcmp(at, type, length) == 0)
            return;
        at += known;
        at += *at ? strlen(" and ") : 0;
    }
    buf_printf(types, "%s%s", types->length > 0 ? " and " : "", type);
}

/* Each probe goes on behind what the one before has found. */
static int find_signatures(int descriptor, int most, struct buf *types, char why[static LIBRARY_WHY_SIZE])
{
    struct blkid blkid;
    blkid_probe probe;
    int error, result = 0;

    why[0] = '\0';
    error = library_open(&blkid_library, &blkid, why);
    if (error)
        return error;
    probe = blkid.blkid_new_probe();
    if (!probe)
        return -ENOMEM;
    error = set_up(&blkid, probe, descriptor);
    for (int i = 0; !error && i < most; i++) {
        const char *found = "something";

        errno = 0;
        result = blkid.blkid_do_probe(probe);
        if (result != 0)
            break;
        if (blkid.blkid_probe_lookup_value(probe, "TYPE", &found, NULL) < 0)
            (void)blkid.blkid_probe_lookup_value(probe, "PTTYPE", &found, NULL);
        add_type(found, types);
    }
    if (!error && result < 0)
        error = error_of(result);
    blkid.blkid_free_probe(probe);
    return error;
}

int wipe_find_signature(int descriptor, char type[static WIPE_TYPE_SIZE], char why[static LIBRARY_WHY_SIZE])
{
    struct buf types = { 0 };
    int error = find_signatures(descriptor, 1, &types, why);

    snprintf(type, WIPE_TYPE_SIZE, "%s", error || types.length == 0 ? "" : buf_text(&types));
    buf_done(&types);
    return error;
}

int wipe_find_signatures(int descriptor, struct buf *types, char why[static LIBRARY_WHY_SIZE])
{
    return find_signatures(descriptor, MOST_SIGNATURES, types, why);
}

int wipe_descriptor(int descriptor, int64_t size, char why[static LIBRARY_WHY_SIZE])
{
    int64_t end = size & ~(int64_t)(BLOCK - 1);
    struct blkid blkid;
    int error;

    why[0] = '\0';
    error = library_open(&blkid_library, &blkid, why);
    if (error || size == 0)
        return error;
    error = wipe_known(&blkid, descriptor);
    if (!error)
        error = wipe_block(descriptor, 0, size);
    if (!error && end >= BLOCK)
        error = wipe_block(descriptor, end - BLOCK, size);
    return error;
}

int wipe_check(char why[static LIBRARY_WHY_SIZE])
{
    return library_check(&blkid_library, why);
}
