/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One event, one line on standard error: time, level, domain, message. LOG_DOMAIN("lvm"); at the top of a .c names the
 * domain. INFO tells what an operator did or must know; what changed nothing logs nothing. Secrets never come here.
 */
#pragma once

#include <stdbool.h>

#include "base/memory.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };

#define LOG_DOMAIN(name) static const char log_domain[] = name

#define log_error(...) log_write(LOG_ERROR, log_domain, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, log_domain, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, log_domain, __VA_ARGS__)
#define log_debug(...)                                                                                                 \
    do {                                                                                                               \
        if (log_is_on(LOG_DEBUG))                                                                                      \
            log_write(LOG_DEBUG, log_domain, __VA_ARGS__);                                                             \
    } while (0)

/* errno is preserved. */
void log_write(enum log_level level, const char *domain, const char *format, ...) PRINTF_LIKE(3, 4);
bool log_is_on(enum log_level level);
void log_set_level(enum log_level level); /* LOG_INFO at first */
enum log_level log_get_level(void);

/* "ERROR", "WARN", "INFO", "DEBUG", "TRACE", in any case; false when it is none of them. */
bool log_level_parse(const char *text, enum log_level *level);
const char *log_level_name(enum log_level level);
