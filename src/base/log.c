/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The level is one of the two things in this program that are global; the tables are the other. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static enum log_level current_level = LOG_INFO;

bool log_is_on(enum log_level level)
{
    return level <= current_level;
}

void log_set_level(enum log_level level)
{
    current_level = level;
}

enum log_level log_get_level(void)
{
    return current_level;
}

void log_write(enum log_level level, const char *domain, const char *format, ...)
{
    int saved_errno = errno;
    char line[2048], stamp[32];
    struct timespec now;
    struct tm utc;
    va_list args;
    int length;

    if (!log_is_on(level))
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
    length = snprintf(line, sizeof(line) - 1, "%s.%03ldZ %-5s %s: ", stamp, now.tv_nsec / 1000000,
                      log_level_name(level), domain);
    va_start(args, format);
    length += vsnprintf(line + length, sizeof(line) - 1 - (size_t)length, format, args);
    va_end(args);
    if (length > (int)sizeof(line) - 2)
        length = (int)sizeof(line) - 2;
    for (int i = 0; i < length; i++)
        if (line[i] == '\n')
            line[i] = ' ';
    line[length++] = '\n';
    if (write(STDERR_FILENO, line, (size_t)length) < 0) {
        /* nowhere left to tell it */
    }
    errno = saved_errno;
}
