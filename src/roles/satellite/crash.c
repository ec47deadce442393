/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/satellite/crash.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/backtrace.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/text.h"
#include "model/want.h"

LOG_DOMAIN("crash");

enum { KEPT_FILES = 16, TEXT_LIMIT = 128 * 1024 };
_Static_assert(6 * TEXT_LIMIT < ITEM_BYTES, "in JSON a byte becomes up to six");

#define PREFIX "ErrorReport-"
#define SUFFIX ".log"

static bool is_report(const char *name)
{
    return text_starts_with(name, PREFIX) && text_ends_with(name, SUFFIX) && !strchr(name, '/');
}

static int select_report(const struct dirent *entry)
{
    return is_report(entry->d_name);
}

/* Oldest first, because names begin with the time. The number of names, which free_names() frees, or -1 and errno. */
static int list(const char *directory, struct dirent ***names)
{
    return scandir(directory, names, select_report, alphasort);
}

static void free_names(struct dirent **names, int count)
{
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

void crash_remove(const char *data_dir, const char *name)
{
    CLEANUP(memory_freep) char *path = data_dir ? memory_printf("%s/reports/%s", data_dir, name) : NULL;

    if (path && is_report(name) && unlink(path) != 0 && errno != ENOENT)
        log_warn("%s cannot be removed: %s", path, strerror(errno));
}

void crashes_install(const char *data_dir)
{
    CLEANUP(memory_freep) char *directory = memory_printf("%s/reports", data_dir);
    CLEANUP(memory_freep)
    char *name = memory_printf(PREFIX "%08" PRIX32 "-00000-000000" SUFFIX, (uint32_t)time(NULL));
    struct dirent **names = NULL;
    int count = 0, error = text_make_directories(directory, 0750);

    if (!error)
        count = list(directory, &names);
    for (int i = 0; i < count - KEPT_FILES; i++)
        crash_remove(data_dir, names[i]->d_name);
    free_names(names, count);
    if (!error)
        error = backtrace_install(directory, name, "linstor-satellite " PROGRAM_VERSION);
    if (error)
        log_warn("no reports of crashes will be kept in %s: %s", directory, strerror(-error));
}

static void send_one(const char *directory, const char *name, struct link *link)
{
    CLEANUP(memory_freep) char *path = memory_printf("%s/%s", directory, name);
    CLEANUP(memory_freep) char *copy = memory_strdup(name);
    struct buf text = { 0 };
    int error = text_read_file(path, TEXT_LIMIT, &text);

    if (error) {
        log_warn("%s cannot be read: %s", path, strerror(-error));
    } else {
        buf_add_char(&text, '\n');
        link_send(link, "crash", &crash_schema, &(struct crash){ .name = copy, .text = text.data });
    }
    buf_done(&text);
}

void crashes_send(const char *data_dir, struct link *link)
{
    CLEANUP(memory_freep) char *directory = memory_printf("%s/reports", data_dir ? data_dir : "");
    struct dirent **names = NULL;
    int count = data_dir ? list(directory, &names) : 0;

    for (int i = 0; i < count && i < KEPT_FILES; i++)
        send_one(directory, names[i]->d_name, link);
    free_names(names, count);
}
