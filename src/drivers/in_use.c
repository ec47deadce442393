/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What lasts is looked for first: mounts, swap, devices on top; then programs. Other mount namespaces are not seen, but
 * for programs in them.
 */
#include "drivers/in_use.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "drivers/mounts.h"

enum { FILE_LIMIT = 16 * 1024 * 1024, NAMED_USERS = 3 };

struct users {
    const char *device;
    dev_t number;
    struct buf text;
    int count;
};

__attribute__((format(printf, 2, 3))) static void add(struct users *users, const char *format, ...)
{
    char text[PATH_MAX + 64];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    users->count++;
    if (users->count <= NAMED_USERS)
        buf_printf(&users->text, "%s%s %s", users->count > 1 ? "" : users->device,
                   users->count > 1 ? "," : " is in use:", text);
    else if (users->count == NAMED_USERS + 1)
        buf_printf(&users->text, " and more");
}

static void look_at_mount(const struct mount_entry *entry, void *owner)
{
    struct users *users = owner;

    if (mounts_lies_on(entry, users->number))
        add(users, "mounted at %s", entry->place);
}

static void look_at_swap(char *line, struct users *users)
{
    line[strcspn(line, " \t")] = '\0';
    if (mounts_is_node_of(line, users->number))
        add(users, "used as swap");
}

static void look_at_swaps(struct users *users)
{
    struct buf text = { 0 };
    char *rest = NULL;

    if (text_read_file("/proc/swaps", FILE_LIMIT, &text) == 0 && text.length > 0) {
        buf_add_char(&text, '\0');
        for (char *line = strtok_r(text.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
            look_at_swap(line, users);
    }
    buf_done(&text);
}

static void look_at_holders(struct users *users)
{
    char path[64], inner[PATH_MAX], name[256];
    struct dirent *entry;
    DIR *directory;

    snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/holders", major(users->number), minor(users->number));
    directory = opendir(path);
    while (directory && (entry = readdir(directory))) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(inner, sizeof(inner), "%s/%s/dm/name", path, entry->d_name);
        text_read_line(AT_FDCWD, inner, name, sizeof(name));
        add(users, "used by %s", name[0] ? name : entry->d_name);
    }
    if (directory)
        closedir(directory);
}

static bool has_open(const char *process, const struct users *users)
{
    char path[PATH_MAX], target[PATH_MAX];
    struct dirent *entry;
    bool found = false;
    DIR *directory;

    snprintf(path, sizeof(path), "/proc/%.20s/fd", process);
    directory = opendir(path);
    while (directory && !found && (entry = readdir(directory))) {
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1);

        target[length > 0 ? length : 0] = '\0';
        found = mounts_is_node_of(target, users->number);
    }
    if (directory)
        closedir(directory);
    return found;
}

static void look_at_programs(struct users *users)
{
    DIR *directory = opendir("/proc");
    struct dirent *entry;

    while (directory && users->count <= NAMED_USERS && (entry = readdir(directory))) {
        char path[64], name[64];

        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || !has_open(entry->d_name, users))
            continue;
        snprintf(path, sizeof(path), "/proc/%.20s/comm", entry->d_name);
        text_read_line(AT_FDCWD, path, name, sizeof(name));
        add(users, "open in %s (process %.20s)", name, entry->d_name);
    }
    if (directory)
        closedir(directory);
}

char *in_use_describe(const char *device, struct arena *arena)
{
    struct users users = { .device = device };
    struct stat found;
    char *text = NULL;

    if (stat(device, &found) < 0 || !S_ISBLK(found.st_mode))
        return NULL;
    users.number = found.st_rdev;
    mounts_walk("/proc/self/mountinfo", look_at_mount, &users);
    look_at_swaps(&users);
    look_at_holders(&users);
    if (users.count == 0)
        look_at_programs(&users);
    if (users.count > 0)
        text = arena_strdup(arena, buf_text(&users.text));
    buf_done(&users.text);
    return text;
}
