/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * udev's rules register devices of bcache, too, whenever they see one: it may be done already, or be done between our
 * look and our write. What counts is what the kernel shows afterwards.
 */
#include "drivers/call_bcache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/text.h"
#include "drivers/call_cache.h"
#include "drivers/call_tree.h"
#include "drivers/patience.h"

enum { SETTLE_MS = 15000 };

static char *directory_of(dev_t number, struct arena *arena)
{
    return arena_printf(arena, "/sys/dev/block/%u:%u/bcache", major(number), minor(number));
}

bool call_bcache_holds(dev_t number)
{
    struct arena arena = { 0 };
    bool holds = access(directory_of(number, &arena), F_OK) == 0;

    arena_done(&arena);
    return holds;
}

static bool has_set(const char *directory, const char *set, struct arena *arena)
{
    char target[PATH_MAX];
    ssize_t length = readlink(arena_printf(arena, "%s/cache", directory), target, sizeof(target) - 1);

    target[length > 0 ? length : 0] = '\0';
    return text_ends_with(target, set);
}

/* The kernel does it by itself when it gets the second of both, which takes a while. */
static int attach(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    char *directory = arena_printf(arena, "/sys/block/%s/bcache", strrchr(step->device, '/') + 1);
    struct tree_entry entry = { .change = TREE_COMMAND,
                                .path = arena_printf(arena, "%s/attach", directory),
                                .value = step->text };
    int64_t end = patience_now_ms() + SETTLE_MS;
    int error = 0;

    while (!has_set(directory, step->text, arena)) {
        error = tree_apply(&entry);
        if (patience_now_ms() >= end) {
            outcome->complaint = arena_printf(arena, "the kernel does not attach %s", step->device);
            return error ? error : -ETIMEDOUT;
        }
        patience_pause();
    }
    return 0;
}

int call_bcache_register(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    struct tree_entry entry = { .change = TREE_COMMAND,
                                .path = arena_strdup(arena, "/sys/fs/bcache/register"),
                                .value = step->device };
    int64_t end = patience_now_ms() + SETTLE_MS;
    struct stat node;
    int error;

    if (step->text)
        return strchr(step->device, '/') ? attach(step, outcome, arena) : -EINVAL;
    if (stat(step->device, &node) < 0)
        return -errno;
    if (!S_ISBLK(node.st_mode))
        return -ENOTBLK;
    if (call_bcache_holds(node.st_rdev))
        return 0;
    error = tree_apply(&entry);
    while (!call_bcache_holds(node.st_rdev)) {
        if (patience_now_ms() >= end) {
            outcome->complaint = arena_printf(arena, "the kernel does not register %s", step->device);
            return error ? error : -ETIMEDOUT;
        }
        patience_pause();
    }
    return 0;
}

static int write_one(const char *directory, const char *file, struct arena *arena)
{
    struct tree_entry entry = { .change = TREE_DISMISS,
                                .path = arena_printf(arena, "%s/%s", directory, file),
                                .value = arena_strdup(arena, "1") };

    return tree_apply(&entry);
}

static bool is_there(const char *directory, const char *file, struct arena *arena)
{
    return access(arena_printf(arena, "%s/%s", directory, file), F_OK) == 0;
}

/* 0 when nobody uses the device that shows the data below directory. */
static int check_unused(const char *directory, struct arena *arena)
{
    char target[PATH_MAX];
    ssize_t length = readlink(arena_printf(arena, "%s/dev", directory), target, sizeof(target) - 1);
    const char *name;

    target[length > 0 ? length : 0] = '\0';
    name = strrchr(target, '/');
    return name ? tree_check_unused(arena_printf(arena, "/dev%s", name)) : 0;
}

/* A cache belongs to a set, which ends with it; anything else is data. */
static int give_up(const char *directory, struct arena *arena)
{
    int error;

    if (is_there(directory, "set", arena))
        return write_one(directory, "set/unregister", arena);
    error = check_unused(directory, arena);
    return error ? error : write_one(directory, "stop", arena);
}

/*
 * The kernel lets go of the device a while after everything has vanished from sysfs, and udev may have it taken again
 * at any time: what counts is that it can be had alone.
 */
static int free_device(const char *path, struct outcome *outcome, struct arena *arena)
{
    int64_t end = patience_now_ms() + SETTLE_MS;
    struct stat node;
    int error;

    if (stat(path, &node) < 0)
        return errno == ENOENT ? 0 : -errno;
    while ((error = tree_check_unused(path)) == -EBUSY && patience_now_ms() < end) {
        if (call_bcache_holds(node.st_rdev))
            error = give_up(directory_of(node.st_rdev, arena), arena);
        if (error && error != -EBUSY)
            break;
        if (error && call_bcache_holds(node.st_rdev))
            return error; /* whoever called looks who uses it */
        patience_pause();
    }
    if (error)
        outcome->complaint = arena_printf(arena, "the kernel does not let go of %s", path);
    return error;
}

int call_bcache_stop(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    int error = 0;

    for (uint32_t i = 0; i < step->paths.count && !error; i++)
        error = free_device(step->paths.at[i], outcome, arena);
    return error;
}

/* The kernel's: from the byte after it to the end of what a superblock of data has. */
static uint64_t checksum(const unsigned char *bytes)
{
    enum { BEGIN = 8, END = 208 };
    uint64_t sum = UINT64_MAX;

    for (int i = BEGIN; i < END; i++) {
        sum ^= (uint64_t)bytes[i] << 56;
        for (int bit = 0; bit < 8; bit++)
            sum = sum << 1 ^ (sum >> 63 ? UINT64_C(0x42f0e1eba9ea3693) : 0);
    }
    return ~sum;
}

static void put_little_endian(unsigned char *bytes, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(value >> 8 * i);
}

static void put_uuid(unsigned char *bytes, const char *text)
{
    for (int i = 0; i < 16 && text[0] && text[1]; i++) {
        unsigned int byte = 0;

        text += *text == '-';
        sscanf(text, "%2x", &byte);
        bytes[i] = (unsigned char)byte;
        text += 2;
    }
}

int bcache_renew(unsigned char *bytes, const char *set, struct arena *arena)
{
    enum { UUID_AT = 40, SET_AT = 56, FLAGS_AT = 104, STATE_SHIFT = 61, DIRTY = 2 };
    struct found_device found = { 0 };
    char own[TEXT_UUID_SIZE];
    uint64_t flags;

    if (!cache_read_bcache(bytes, &found, arena) || found.content != CONTENT_BCACHE_DATA ||
        cache_little_endian(bytes, 8) != checksum(bytes))
        return -EINVAL;
    flags = cache_little_endian(bytes + FLAGS_AT, 8);
    if ((flags >> STATE_SHIFT & 3) == DIRTY)
        return -EUCLEAN;
    text_uuid_of(arena_printf(arena, "%s/data", set), own);
    put_uuid(bytes + UUID_AT, own);
    put_uuid(bytes + SET_AT, set);
    put_little_endian(bytes + FLAGS_AT, flags & ~(UINT64_C(3) << STATE_SHIFT));
    put_little_endian(bytes, checksum(bytes));
    return 0;
}

/* fn changes the superblock of path, which nobody else has: it is written in one piece, so that there is either. */
static int change_superblock(const struct step *step, struct outcome *outcome, struct arena *arena,
                             int fn(unsigned char *bytes, const char *set, struct arena *arena))
{
    enum { PLACE = 4096 };
    unsigned char bytes[BCACHE_SUPERBLOCK];
    int descriptor = text_is_uuid(step->text) ? open(step->path, O_RDWR | O_CLOEXEC | O_EXCL) : (errno = EINVAL, -1);
    int error;

    if (descriptor < 0)
        return -errno;
    if (pread(descriptor, bytes, sizeof(bytes), PLACE) != (ssize_t)sizeof(bytes))
        error = -EIO;
    else
        error = fn(bytes, step->text, arena);
    if (error == -ESTALE)
        outcome->complaint = arena_printf(arena, "%s bears another superblock than is known", step->path);
    if (!error && (pwrite(descriptor, bytes, sizeof(bytes), PLACE) != (ssize_t)sizeof(bytes) || fsync(descriptor) < 0))
        error = -EIO;
    if (close(descriptor) < 0 && !error)
        error = -errno;
    return error;
}

static int zero(unsigned char *bytes, const char *set, struct arena *arena)
{
    struct found_device found = { 0 };

    if (cache_read_bcache(bytes, &found, arena) && strcmp(found.set_uuid, set) != 0)
        return -ESTALE;
    if (found.set_uuid)
        memset(bytes, 0, BCACHE_SUPERBLOCK);
    return 0;
}

int call_bcache_wipe(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    return change_superblock(step, outcome, arena, zero);
}

int call_bcache_renew(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    int error = free_device(step->path, outcome, arena);

    if (!error)
        error = change_superblock(step, outcome, arena, bcache_renew);
    if (error == -EUCLEAN)
        outcome->complaint = arena_strdup(arena, "what was to be written back when it was copied is not in it");
    return error;
}
