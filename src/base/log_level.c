/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The levels' names, apart from log.c, so that a simulation can take the place of that alone. */
#include "base/log.h"

#include <strings.h>

static const char *const names[] = { "ERROR", "WARN", "INFO", "DEBUG", "TRACE" };

const char *log_level_name(enum log_level level)
{
    return names[level];
}

bool log_level_parse(const char *text, enum log_level *level)
{
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcasecmp(text, names[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}
