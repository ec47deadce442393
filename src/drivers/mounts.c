/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers/mounts.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/buf.h"
#include "base/text.h"

enum { FILE_LIMIT = 16 * 1024 * 1024 };

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

/* Whether one of the words, which commas separate, is ro. */
static bool has_read_only(const char *options)
{
    for (; *options; options += strcspn(options, ","), options += *options == ',')
        if (strncmp(options, "ro", 2) == 0 && (options[2] == ',' || options[2] == '\0'))
            return true;
    return false;
}

/* "36 35 98:0 /inside /mnt rw,noatime shared:1 - ext4 /dev/root rw" */
static bool parse(char *line, struct mount_entry *entry)
{
    char *place, *rest = strstr(line, " - "), *source = rest ? strchr(rest + 3, ' ') : NULL, *options;
    unsigned int major_number, minor_number;
    int at = 0;

    if (!source || sscanf(line, "%u %*d %u:%u %*s %n", &entry->id, &major_number, &minor_number, &at) != 3 || at == 0)
        return false;
    source++;
    options = source + strcspn(source, " ");
    if (*options)
        *options++ = '\0';
    place = line + at;
    place[strcspn(place, " ")] = '\0';
    unescape(place);
    unescape(source);
    entry->device = makedev(major_number, minor_number);
    entry->place = place;
    entry->source = source;
    entry->is_read_only = has_read_only(options);
    return true;
}

void mounts_walk(const char *file, mounts_look *look, void *owner)
{
    struct buf text = { 0 };
    struct mount_entry entry;
    char *rest = NULL;

    if (text_read_file(file, FILE_LIMIT, &text) == 0 && text.length > 0) {
        buf_add_char(&text, '\0');
        for (char *line = strtok_r(text.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
            if (parse(line, &entry))
                look(&entry, owner);
    }
    buf_done(&text);
}

bool mounts_is_node_of(const char *path, dev_t device)
{
    struct stat found;

    return text_starts_with(path, "/dev/") && stat(path, &found) == 0 && S_ISBLK(found.st_mode) &&
           found.st_rdev == device;
}

bool mounts_lies_on(const struct mount_entry *entry, dev_t device)
{
    return entry->device == device || mounts_is_node_of(entry->source, device);
}
