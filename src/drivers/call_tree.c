/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Each entry is looked at before it is changed and, where another process may have come first, once more when that
 * failed: a step that was interrupted anywhere is simply run again.
 */
#include "drivers/call_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "drivers/call.h"
#include "drivers/in_use.h"
#include "drivers/patience.h"

enum { VALUE_SIZE = 4096 };

static const char *const roots[] = { "/sys/kernel/config/nvmet/", "/sys/class/nvme/", "/sys/block/", "/sys/fs/bcache" };

bool tree_is_allowed(const char *path)
{
    size_t length = strlen(path);

    if (strstr(path, "/../") || (length >= 3 && strcmp(path + length - 3, "/..") == 0))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
        if (text_starts_with(path, roots[i]))
            return true;
    return strcmp(path, "/dev/nvme-fabrics") == 0;
}

int tree_read(const char *path, char *value, size_t size)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), error = 0;
    ssize_t length;

    if (descriptor < 0)
        return -errno;
    length = read(descriptor, value, size - 1);
    if (length < 0)
        error = -errno;
    value[length > 0 ? length : 0] = '\0';
    value[strcspn(value, "\n")] = '\0';
    for (size_t end = strlen(value); end > 0 && value[end - 1] == ' ';)
        value[--end] = '\0';
    close(descriptor);
    return error;
}

bool tree_value_is(const char *found, const char *value)
{
    size_t length = strlen(value);

    for (const char *at = strchr(found, '['); at; at = strchr(at + 1, '['))
        if (strncmp(at + 1, value, length) == 0 && at[1 + length] == ']')
            return true;
    return strcmp(found, value) == 0;
}

/* In one piece, as the kernel's files want it. Many of them cannot be read. */
static int write_value(const char *path, const char *value)
{
    int descriptor = open(path, O_WRONLY | O_CLOEXEC), error = 0;
    size_t length = strlen(value);
    ssize_t written;

    if (descriptor < 0)
        return -errno;
    written = write(descriptor, value, length);
    if (written < 0)
        error = -errno;
    else if ((size_t)written < length)
        error = -EIO;
    close(descriptor);
    return error;
}

static bool reads_so(const struct tree_entry *entry)
{
    char found[VALUE_SIZE];

    return tree_read(entry->path, found, sizeof(found)) == 0 && tree_value_is(found, entry->value);
}

static int set_value(const struct tree_entry *entry)
{
    int error;

    if (reads_so(entry))
        return 0;
    error = write_value(entry->path, entry->value);
    return error && reads_so(entry) ? 0 : error;
}

/* The kernel shows what a link points to by a path of its own. */
static bool links_so(const struct tree_entry *entry)
{
    struct stat a, b;

    return stat(entry->path, &a) == 0 && stat(entry->value, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int make_link(const struct tree_entry *entry)
{
    if (symlink(entry->value, entry->path) == 0)
        return 0;
    return errno != EEXIST || !links_so(entry) ? -errno : 0;
}

static int make_directory(const char *path)
{
    struct stat found;

    if (mkdir(path, 0755) == 0)
        return 0;
    return errno == EEXIST && stat(path, &found) == 0 && S_ISDIR(found.st_mode) ? 0 : -errno;
}

int tree_check_unused(const char *device)
{
    int descriptor = open(device, O_RDONLY | O_CLOEXEC | O_EXCL);

    if (descriptor < 0)
        return errno == ENOENT || errno == ENXIO || errno == ENODEV ? 0 : -errno;
    close(descriptor);
    return 0;
}

static int unless_gone(int result)
{
    return result < 0 && errno != ENOENT ? -errno : 0;
}

int tree_apply(const struct tree_entry *entry)
{
    int error = 0;

    switch ((enum tree_change)entry->change) {
    case TREE_DIRECTORY: return make_directory(entry->path);
    case TREE_VALUE: return entry->value ? set_value(entry) : -EINVAL;
    case TREE_COMMAND: return entry->value ? write_value(entry->path, entry->value) : -EINVAL;
    case TREE_DISMISS:
        error = entry->value ? write_value(entry->path, entry->value) : -EINVAL;
        return error == -ENOENT || error == -ENODEV ? 0 : error;
    case TREE_LINK: return entry->value ? make_link(entry) : -EINVAL;
    case TREE_UNLINK: return unless_gone(unlink(entry->path));
    case TREE_REMOVE: return unless_gone(rmdir(entry->path));
    case TREE_REMOVE_UNUSED:
        error = unless_gone(rmdir(entry->path));
        return error == -EBUSY || error == -ENOTEMPTY ? 0 : error;
    case TREE_CHECK_UNUSED: return tree_check_unused(entry->path);
    case TREE_FOUND: break;
    }
    return -EINVAL;
}

int call_tree_change(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    for (uint32_t i = 0; i < step->entries.count; i++) {
        const struct tree_entry *entry = &step->entries.at[i];
        bool is_allowed = entry->change == TREE_CHECK_UNUSED || tree_is_allowed(entry->path);
        int error = is_allowed ? tree_apply(entry) : -EPERM;

        if (!error)
            continue;
        if (entry->change == TREE_CHECK_UNUSED && error == -EBUSY)
            outcome->complaint = in_use_describe(entry->path, arena);
        else
            outcome->complaint = arena_printf(arena, "%s %s%s%s", enum_name(tree_change_names, entry->change),
                                              entry->path, entry->value ? " = " : "", entry->value ? entry->value : "");
        return error;
    }
    return 0;
}

static void add_found(const char *path, struct outcome *outcome, struct arena *arena)
{
    char value[VALUE_SIZE];
    struct tree_entry found = { .change = TREE_FOUND };
    struct stat node;
    ssize_t length;

    if (lstat(path, &node) < 0)
        return;
    if (S_ISLNK(node.st_mode)) {
        length = readlink(path, value, sizeof(value) - 1);
        value[length > 0 ? length : 0] = '\0';
    } else if (!S_ISREG(node.st_mode)) {
        value[0] = '\0';
    } else if (tree_read(path, value, sizeof(value)) < 0) {
        return; /* gone, or without a value at the moment */
    }
    found.path = arena_strdup(arena, path);
    found.value = S_ISREG(node.st_mode) || S_ISLNK(node.st_mode) ? arena_strdup(arena, value) : NULL;
    *LIST_ADD(&outcome->entries, arena) = found;
}

int call_tree_ask(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    for (uint32_t i = 0; i < step->paths.count; i++) {
        glob_t found = { 0 };
        int error;

        if (!tree_is_allowed(step->paths.at[i]))
            return -EPERM;
        error = glob(step->paths.at[i], GLOB_NOSORT, NULL, &found);
        for (size_t p = 0; !error && p < found.gl_pathc; p++)
            add_found(found.gl_pathv[p], outcome, arena);
        globfree(&found);
        if (error == GLOB_NOSPACE)
            return -ENOMEM;
    }
    return 0;
}

static bool has_values(const char *directory, const struct text_list *names)
{
    for (uint32_t i = 0; i + 1 < names->count; i += 2) {
        char path[PATH_MAX], value[VALUE_SIZE];

        if ((size_t)snprintf(path, sizeof(path), "%s/%s", directory, names->at[i]) >= sizeof(path) ||
            tree_read(path, value, sizeof(value)) < 0 || !tree_value_is(value, names->at[i + 1]))
            return false;
    }
    return true;
}

/* A device of this size; *size_kib is that of the last one that was too small. */
static bool find_block(const struct step *step, struct outcome *outcome, int64_t *size_kib, struct arena *arena)
{
    glob_t found = { 0 };
    bool is_there = false;

    if (glob(step->path, 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc && !is_there; i++) {
            char *device = arena_printf(arena, "/dev/%s", strrchr(found.gl_pathv[i], '/') + 1);

            if (!has_values(found.gl_pathv[i], &step->names) || call_measure_device(device, size_kib) != 0 ||
                *size_kib == 0 || *size_kib < step->size_kib)
                continue;
            outcome->device = device;
            outcome->device_kib = *size_kib;
            is_there = true;
        }
    globfree(&found);
    return is_there;
}

/* Of one device it is told what it lacks; of many, that none is like that. */
static char *describe_missing(const struct step *step, int64_t size_kib, struct arena *arena)
{
    char value[VALUE_SIZE];

    if (size_kib > 0)
        return arena_printf(arena, "the device still has %" PRId64 " KiB instead of %" PRId64, size_kib,
                            step->size_kib);
    for (uint32_t i = 0; i + 1 < step->names.count && !strchr(step->path, '*'); i += 2)
        if (tree_read(arena_printf(arena, "%s/%s", step->path, step->names.at[i]), value, sizeof(value)) == 0 &&
            !tree_value_is(value, step->names.at[i + 1]))
            return arena_printf(arena, "%s of %s is still %s", step->names.at[i], strrchr(step->path, '/') + 1, value);
    return arena_strdup(arena, "the device did not appear");
}

int call_tree_wait_block(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    int64_t end = patience_now_ms() + step->patience_ms, size_kib = 0;

    if (!tree_is_allowed(step->path))
        return -EPERM;
    while (!find_block(step, outcome, &size_kib, arena)) {
        if (patience_now_ms() >= end) {
            outcome->complaint = describe_missing(step, size_kib, arena);
            return -ETIMEDOUT;
        }
        patience_pause();
    }
    return 0;
}
