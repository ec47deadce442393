/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/controller/crash_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { NAME_LIMIT = 255 };

enum crash_news crash_names_look(struct crash_names *names, const char *name)
{
    for (int i = 0; i < CRASHES_PER_CONNECTION; i++)
        if (names->known[i] && strcmp(names->known[i], name) == 0)
            return CRASH_IS_KNOWN;
    if (names->taken >= CRASHES_PER_CONNECTION || strlen(name) > NAME_LIMIT)
        return CRASH_IS_TOO_MUCH;
    names->taken++;
    return CRASH_IS_NEW;
}

void crash_names_note(struct crash_names *names, const char *name)
{
    char **place = &names->known[names->next++ % CRASHES_PER_CONNECTION];

    free(*place);
    *place = memory_strdup(name);
}

void crash_names_reconnect(struct crash_names *names)
{
    names->taken = 0;
}

void crash_names_done(struct crash_names *names)
{
    for (int i = 0; i < CRASHES_PER_CONNECTION; i++)
        free(names->known[i]);
}
