/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers/dm_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

int dm_table_parse(const char *text, struct dm_table *table)
{
    char *end;
    size_t length;

    if (!text)
        return -EINVAL;
    table->start = strtoull(text, &end, 10);
    if (end == text || *end != ' ')
        return -EINVAL;
    text = end + 1;
    table->sectors = strtoull(text, &end, 10);
    if (end == text || *end != ' ' || table->sectors == 0)
        return -EINVAL;
    text = end + 1;
    length = strcspn(text, " ");
    if (length == 0 || length >= sizeof(table->target) || text[length] != ' ')
        return -EINVAL;
    memcpy(table->target, text, length);
    table->target[length] = '\0';
    table->arguments = text + length + 1;
    return 0;
}

/* "7:1" or "/dev/loop1"; 0: the word is no device. */
static dev_t parse_device(const char *word, size_t length)
{
    char text[256];
    unsigned int major_number, minor_number;
    struct stat found;
    char rest;

    if (length >= sizeof(text))
        return 0;
    memcpy(text, word, length);
    text[length] = '\0';
    if (sscanf(text, "%u:%u%c", &major_number, &minor_number, &rest) == 2)
        return makedev(major_number, minor_number);
    return text[0] == '/' && stat(text, &found) == 0 && S_ISBLK(found.st_mode) ? found.st_rdev : 0;
}

/* The next device among the words, or 0 at their end. */
static dev_t next_device(const char **words)
{
    while (**words) {
        size_t length = strcspn(*words, " ");
        dev_t device = parse_device(*words, length);

        *words += length;
        *words += strspn(*words, " ");
        if (device)
            return device;
    }
    return 0;
}

bool dm_table_has_same_devices(const char *a, const char *b)
{
    dev_t first, second;

    do {
        first = next_device(&a);
        second = next_device(&b);
    } while (first && first == second);
    return first == second;
}

/* It is the eleventh word. */
int dm_table_parse_dirty(const char *status, int64_t *blocks)
{
    const char *word = status;

    for (int i = 0; i < 10; i++) {
        word += strcspn(word, " ");
        word += strspn(word, " ");
    }
    errno = 0;
    *blocks = strtoll(word, NULL, 10);
    return *word < '0' || *word > '9' || errno ? -EIO : 0;
}
