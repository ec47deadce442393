/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What lasts is looked for first: mounts, swap, devices on top; then programs. Of what links name only nodes below /dev
 * are looked at themselves: anything else may lie on a server that does not answer. Other mount namespaces are not
 * seen, but for programs in them.
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

static bool is_node_of(const char *path, const struct users *users)
{
    struct stat found;

    return text_starts_with(path, "/dev/") && stat(path, &found) == 0 && S_ISBLK(found.st_mode) &&
           found.st_rdev == users->number;
}

/* The kernel writes blanks and the like as \040. */
static void unescape(char *text)
{
    char *to = text;

    while (*text) {
        if (text[0] == '\\' && strspn(text + 1, "01234567") >= 3) {
            *to++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
            text += 4;
        } else {
            *to++ = *text++;
        }
    }
    *to = '\0';
}

/* "36 35 98:0 /inside /mnt rw,noatime shared:1 - ext4 /dev/root rw" */
static void look_at_mount(char *line, struct users *users)
{
    char *place = NULL, *rest = strstr(line, " - "), *source = rest ? strchr(rest + 3, ' ') : NULL;
    unsigned int major_number, minor_number;
    int at = 0;

    if (!source || sscanf(line, "%*d %*d %u:%u %*s %n", &major_number, &minor_number, &at) != 2 || at == 0)
        return;
    source++;
    source[strcspn(source, " ")] = '\0';
    place = line + at;
    place[strcspn(place, " ")] = '\0';
    unescape(place);
    if (makedev(major_number, minor_number) == users->number || is_node_of(source, users))
        add(users, "mounted at %s", place);
}

static void look_at_swap(char *line, struct users *users)
{
    line[strcspn(line, " \t")] = '\0';
    if (is_node_of(line, users))
        add(users, "used as swap");
}

static void for_each_line(const char *path, void look(char *line, struct users *users), struct users *users)
{
    struct buf text = { 0 };
    char *rest = NULL;

    if (text_read_file(path, FILE_LIMIT, &text) == 0 && text.length > 0) {
        buf_add_char(&text, '\0');
        for (char *line = strtok_r(text.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
            look(line, users);
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
        found = is_node_of(target, users);
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
    for_each_line("/proc/self/mountinfo", look_at_mount, &users);
    for_each_line("/proc/swaps", look_at_swap, &users);
    look_at_holders(&users);
    if (users.count == 0)
        look_at_programs(&users);
    if (users.count > 0)
        text = arena_strdup(arena, buf_text(&users.text));
    buf_done(&users.text);
    return text;
}
