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
#include "drivers/call_tree.h"
#include "drivers/patience.h"

enum { SETTLE_MS = 5000 };

/* 0 when the kernel shows that it has the device. */
static int look_registered(dev_t number)
{
    char path[96];

    snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/bcache", major(number), minor(number));
    return access(path, F_OK) == 0 ? 0 : -errno;
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
    if (look_registered(node.st_rdev) == 0)
        return 0;
    error = tree_apply(&entry);
    while (look_registered(node.st_rdev) < 0) {
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

static bool is_attached(const char *directory)
{
    char path[PATH_MAX], state[64];

    snprintf(path, sizeof(path), "%s/state", directory);
    return tree_read(path, state, sizeof(state)) == 0 && strcmp(state, "no cache") != 0;
}

/* Until look says no; -EBUSY when the time is over. */
static int await_end(const char *path, bool look(const char *path), int64_t end)
{
    while (look(path)) {
        if (patience_now_ms() >= end)
            return -EBUSY;
        patience_pause();
    }
    return 0;
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

static int stop_device(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    const char *name = strrchr(step->device, '/');
    char *block = arena_printf(arena, "/sys/block/%s", name ? name + 1 : step->device);
    char *directory = arena_printf(arena, "%s/bcache", block);
    int error;

    if (!is_there(directory))
        return 0;
    error = tree_check_unused(step->device);
    if (error) /* whoever called looks who it is */
        return error;
    if (step->text && is_attached(directory)) {
        error = write_one(directory, "detach", arena);
        if (!error)
            error = await_end(directory, is_attached, patience_now_ms() + step->patience_ms);
        if (error) {
            outcome->complaint = arena_printf(arena, "%s is still writing back", step->device);
            return error;
        }
    }
    error = write_one(directory, "stop", arena);
    return error ? error : await_end(block, is_there, patience_now_ms() + SETTLE_MS);
}

int call_bcache_stop(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    int error = step->device ? stop_device(step, outcome, arena) : 0;
    char *set;

    if (error || !step->text)
        return error;
    if (!text_is_uuid(step->text))
        return -EINVAL;
    set = arena_printf(arena, "/sys/fs/bcache/%s", step->text);
    error = write_one(set, "unregister", arena);
    return error ? error : await_end(set, is_there, patience_now_ms() + SETTLE_MS);
}
