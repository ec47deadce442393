/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers/call_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/text.h"
#include "drivers/call.h"
#include "drivers/call_bcache.h"

enum { SUPERBLOCK = 512 };

uint64_t cache_little_endian(const unsigned char *bytes, int count)
{
    uint64_t value = 0;

    for (int i = count; i-- > 0;)
        value = value << 8 | bytes[i];
    return value;
}

static char *uuid_text(const unsigned char *bytes, struct arena *arena)
{
    struct buf text = { 0 };
    char *uuid;

    for (int i = 0; i < 16; i++)
        buf_printf(&text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", bytes[i]);
    uuid = arena_strdup(arena, buf_text(&text));
    buf_done(&text);
    return uuid;
}

bool cache_read_bcache(const unsigned char *bytes, struct found_device *found, struct arena *arena)
{
    static const unsigned char magic[] = { 0xc6, 0x85, 0x73, 0xf6, 0x4e, 0x1a, 0x45, 0xca,
                                           0x82, 0x65, 0xf5, 0x7f, 0x48, 0xba, 0x6d, 0x81 };
    enum { USUAL_DATA_SECTOR = 16 };
    uint64_t version = cache_little_endian(bytes + 16, 8);

    if (memcmp(bytes + 24, magic, sizeof(magic)) != 0)
        return false;
    found->content = version == 1 || version == 4 || version == 6 ? CONTENT_BCACHE_DATA : CONTENT_BCACHE_CACHE;
    found->uuid = uuid_text(bytes + 40, arena);
    found->set_uuid = uuid_text(bytes + 56, arena);
    found->data_sector = version == 1 ? USUAL_DATA_SECTOR : (int64_t)cache_little_endian(bytes + 184, 8);
    if (found->content != CONTENT_BCACHE_DATA)
        found->data_sector = 0;
    return true;
}

/*
 * The kernel takes a device for new when the words that it looks at are zeroes: the magic of a writecache, the whole
 * superblock of a cache. Everything else that is no magic makes it refuse the device.
 */
static void read_superblock(const unsigned char *bytes, struct found_device *found, struct arena *arena)
{
    static const unsigned char zeroes[SUPERBLOCK];

    found->content = CONTENT_OTHER;
    if (memcmp(bytes, zeroes, SUPERBLOCK) == 0) {
        found->content = CONTENT_EMPTY;
    } else if (cache_little_endian(bytes, 4) == 0x23489321) {
        found->content = CONTENT_WRITECACHE;
    } else if (cache_read_bcache(bytes, found, arena)) {
        return;
    } else if (cache_little_endian(bytes + 32, 8) == 06142003) {
        found->content = CONTENT_CACHE;
        found->block_sectors = (int64_t)cache_little_endian(bytes + 232, 4);
    }
}

/* A partition has no queue of its own. */
static bool is_memory(dev_t device)
{
    static const char *const files[] = { "queue/dax", "../queue/dax" };

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        struct buf text = { 0 };
        char path[64];
        bool is_there, is_dax;

        snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s", major(device), minor(device), files[i]);
        is_there = text_read_file(path, 64, &text) == 0;
        is_dax = is_there && buf_text(&text)[0] == '1';
        buf_done(&text);
        if (is_there)
            return is_dax;
    }
    return false;
}

int call_ask_cache(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    for (uint32_t i = 0; i < step->paths.count; i++) {
        struct found_device *found = LIST_ADD(&outcome->devices, arena);
        unsigned char bytes[SUPERBLOCK];
        int descriptor = open(step->paths.at[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK), error = 0;
        struct stat node;
        ssize_t n;

        if (descriptor < 0)
            return -errno;
        found->path = arena_strdup(arena, step->paths.at[i]);
        n = pread(descriptor, bytes, sizeof(bytes), step->offset);
        if (n < 0 || fstat(descriptor, &node) < 0)
            error = -errno;
        else if (n < SUPERBLOCK || !S_ISBLK(node.st_mode))
            error = -EINVAL;
        close(descriptor);
        if (!error)
            error = call_measure_device(step->paths.at[i], &found->size_kib);
        if (error)
            return error;
        read_superblock(bytes, found, arena);
        found->is_held = call_bcache_holds(node.st_rdev);
        found->is_memory = is_memory(node.st_rdev);
    }
    return 0;
}
