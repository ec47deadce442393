/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Killed between any two system calls, each step leaves something that the next look tells apart and the same step
 * mends: a mapping without a table is replaced by create; a table that was loaded and not resumed is replaced by the
 * next reload; a suspended mapping is seen as such, and resumed.
 *
 * udev: where udevd runs, the library waits for it by a semaphore (cookie) which udevd's rules count down. A udevd that
 * does not run these rules, or lives in another IPC namespace, would let it wait for ever: after UDEV_MS nobody waits
 * any more, and the node is made here. Where no udevd runs, the library makes the nodes by itself. Only what makes or
 * takes away a node is waited for: create and remove.
 */
#include "drivers/call_dm.h"

#include <errno.h>
#include <inttypes.h>
#include <libdevmapper.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "drivers/call.h"
#include "drivers/dm_table.h"
#include "drivers/patience.h"

enum { UDEV_MS = 15000, REMOVE_MS = 5000 };

struct dm {
    LIBRARY_FUNCTION(dm_get_next_target);
    LIBRARY_FUNCTION(dm_log_with_errno_init);
    LIBRARY_FUNCTION(dm_task_add_target);
    LIBRARY_FUNCTION(dm_task_create);
    LIBRARY_FUNCTION(dm_task_destroy);
    LIBRARY_FUNCTION(dm_task_get_errno);
    LIBRARY_FUNCTION(dm_task_get_info);
    LIBRARY_FUNCTION(dm_task_get_names);
    LIBRARY_FUNCTION(dm_task_no_flush);
    LIBRARY_FUNCTION(dm_task_run);
    LIBRARY_FUNCTION(dm_task_set_add_node);
    LIBRARY_FUNCTION(dm_task_set_cookie);
    LIBRARY_FUNCTION(dm_task_set_message);
    LIBRARY_FUNCTION(dm_task_set_name);
    LIBRARY_FUNCTION(dm_task_set_sector);
    LIBRARY_FUNCTION(dm_task_skip_lockfs);
    LIBRARY_FUNCTION(dm_task_update_nodes);
    LIBRARY_FUNCTION(dm_udev_complete);
    LIBRARY_FUNCTION(dm_udev_set_sync_support);
    LIBRARY_FUNCTION(dm_udev_wait_immediate);
};
LIBRARY_SYMBOLS(dm, LIBRARY_SYMBOL(dm, dm_get_next_target), LIBRARY_SYMBOL(dm, dm_log_with_errno_init),
                LIBRARY_SYMBOL(dm, dm_task_add_target), LIBRARY_SYMBOL(dm, dm_task_create),
                LIBRARY_SYMBOL(dm, dm_task_destroy), LIBRARY_SYMBOL(dm, dm_task_get_errno),
                LIBRARY_SYMBOL(dm, dm_task_get_info), LIBRARY_SYMBOL(dm, dm_task_get_names),
                LIBRARY_SYMBOL(dm, dm_task_no_flush), LIBRARY_SYMBOL(dm, dm_task_run),
                LIBRARY_SYMBOL(dm, dm_task_set_add_node), LIBRARY_SYMBOL(dm, dm_task_set_cookie),
                LIBRARY_SYMBOL(dm, dm_task_set_message), LIBRARY_SYMBOL(dm, dm_task_set_name),
                LIBRARY_SYMBOL(dm, dm_task_set_sector), LIBRARY_SYMBOL(dm, dm_task_skip_lockfs),
                LIBRARY_SYMBOL(dm, dm_task_update_nodes), LIBRARY_SYMBOL(dm, dm_udev_complete),
                LIBRARY_SYMBOL(dm, dm_udev_set_sync_support), LIBRARY_SYMBOL(dm, dm_udev_wait_immediate));
LIBRARY(dm, "libdevmapper1.02.1", "dm", "Maps devices of the layers WRITECACHE and CACHE", "recommended",
        "libdevmapper.so.1.02.1");

int call_dm_check(char why[static LIBRARY_WHY_SIZE])
{
    return library_check(&dm_library, why);
}

/* What the library would print says no more than errno. */
__attribute__((format(printf, 5, 6))) static void log_nothing(int level, const char *file, int line, int error,
                                                              const char *format, ...)
{
    (void)level;
    (void)file;
    (void)line;
    (void)error;
    (void)format;
}

static int open_library(struct dm *dm, struct outcome *outcome, struct arena *arena)
{
    char why[LIBRARY_WHY_SIZE];
    int error = library_open(&dm_library, dm, why);

    if (error)
        outcome->complaint = arena_strdup(arena, why);
    else
        dm->dm_log_with_errno_init(log_nothing);
    return error;
}

/* NULL: no memory, or a name that the device-mapper does not take. */
static struct dm_task *new_task(const struct dm *dm, int type, const char *name)
{
    struct dm_task *task = dm->dm_task_create(type);

    if (task && name && !dm->dm_task_set_name(task, name)) {
        dm->dm_task_destroy(task);
        task = NULL;
    }
    return task;
}

static int run(const struct dm *dm, struct dm_task *task)
{
    int error;

    errno = 0;
    if (dm->dm_task_run(task))
        return 0;
    error = dm->dm_task_get_errno(task);
    return error ? -error : errno ? -errno : -EIO;
}

static int run_plain(const struct dm *dm, int type, const char *name)
{
    struct dm_task *task = new_task(dm, type, name);
    int error = task ? run(dm, task) : -EINVAL;

    if (task)
        dm->dm_task_destroy(task);
    return error;
}

/* Returns when udevd has done its part, or did not in time. */
static void wait_for_udev(const struct dm *dm, uint32_t cookie, const char *name)
{
    int64_t end = patience_now_ms() + UDEV_MS;
    int is_ready = 0;

    while (cookie && dm->dm_udev_wait_immediate(cookie, &is_ready) && !is_ready && patience_now_ms() < end)
        patience_pause();
    if (cookie && !is_ready && patience_now_ms() >= end) {
        if (dm->dm_udev_complete(cookie) && dm->dm_udev_wait_immediate(cookie, &is_ready) &&
            run_plain(dm, DM_DEVICE_MKNODES, name) < 0)
            errno = 0; /* whoever needs the node sees that it is not there */
    }
    dm->dm_task_update_nodes();
}

/* A task after which a node comes or goes. */
static int run_with_udev(const struct dm *dm, struct dm_task *task, const char *name)
{
    uint32_t cookie = 0;
    int error;

    if (!dm->dm_task_set_cookie(task, &cookie, 0))
        return -EIO;
    error = run(dm, task);
    wait_for_udev(dm, cookie, name);
    return error;
}

/* -ENXIO: there is no such mapping. */
static int query(const struct dm *dm, const char *name, struct dm_info *info)
{
    struct dm_task *task = new_task(dm, DM_DEVICE_INFO, name);
    int error = task ? run(dm, task) : -EINVAL;

    if (!error && !dm->dm_task_get_info(task, info))
        error = -EIO;
    if (!error && !info->exists)
        error = -ENXIO;
    if (task)
        dm->dm_task_destroy(task);
    return error;
}

static int load(const struct dm *dm, const char *name, const struct dm_table *table)
{
    struct dm_task *task = new_task(dm, DM_DEVICE_RELOAD, name);
    int error = -EINVAL;

    if (task && dm->dm_task_add_target(task, table->start, table->sectors, table->target, table->arguments))
        error = run(dm, task);
    if (task)
        dm->dm_task_destroy(task);
    return error;
}

static int suspend(const struct dm *dm, const char *name, bool freeze)
{
    struct dm_task *task = new_task(dm, DM_DEVICE_SUSPEND, name);
    int error = -EINVAL;

    if (task && (freeze || dm->dm_task_skip_lockfs(task)))
        error = run(dm, task);
    if (task)
        dm->dm_task_destroy(task);
    return error;
}

/*
 * Of a mapping that has a table, so that its node is there and stays as it is. Nobody waits for udevd: others may stand
 * still until it is their turn, and a udevd that is stuck would keep them so. It hears of it all the same and applies
 * its rules, which it does to a resume without a cookie only when the library is told that this is meant.
 */
static int resume(const struct dm *dm, const char *name)
{
    struct dm_task *task = new_task(dm, DM_DEVICE_RESUME, name);
    int error = -EINVAL;

    if (task) {
        dm->dm_udev_set_sync_support(0);
        error = run(dm, task);
        dm->dm_task_update_nodes();
        dm->dm_udev_set_sync_support(1);
        dm->dm_task_destroy(task);
    }
    return error;
}

static int remove_mapping(const struct dm *dm, const char *name, int64_t patience_ms)
{
    int64_t end = patience_now_ms() + patience_ms;
    int error;

    for (;;) {
        struct dm_task *task = new_task(dm, DM_DEVICE_REMOVE, name);

        error = task ? run_with_udev(dm, task, name) : -EINVAL;
        if (task)
            dm->dm_task_destroy(task);
        if (error != -EBUSY || patience_now_ms() >= end)
            break;
        patience_pause();
    }
    return error == -ENXIO ? 0 : error;
}

/* What the live table or the status is; NULL fields where there is none. -ENXIO: no such mapping. */
static int read_target(const struct dm *dm, int type, const char *name, struct found_mapping *found,
                       struct arena *arena)
{
    struct dm_task *task = new_task(dm, type, name);
    int error = task ? 0 : -EINVAL;
    struct dm_info info = { 0 };
    uint64_t start, length = 0;
    char *target = NULL, *table = NULL;

    if (!error && type == DM_DEVICE_STATUS && !dm->dm_task_no_flush(task))
        error = -EINVAL;
    if (!error)
        error = run(dm, task);
    if (!error && !dm->dm_task_get_info(task, &info))
        error = -EIO;
    if (!error && !info.exists)
        error = -ENXIO;
    if (!error) {
        dm->dm_get_next_target(task, NULL, &start, &length, &target, &table);
        *found = (struct found_mapping){
            .name = arena_strdup(arena, name),
            .target = arena_strdup_null(arena, info.live_table ? target : NULL),
            .table = arena_strdup_null(arena, info.live_table ? table : NULL),
            .size_kib = (int64_t)(length / 2),
            .open_count = info.open_count,
            .is_suspended = info.suspended,
            .is_loaded = info.inactive_table,
        };
    }
    if (task)
        dm->dm_task_destroy(task);
    return error;
}

static bool is_asked(const struct step *step, const char *name)
{
    for (uint32_t i = 0; i < step->names.count; i++)
        if (strcmp(step->names.at[i], name) == 0)
            return true;
    return step->names.count == 0 && step->text && strncmp(name, step->text, strlen(step->text)) == 0;
}

/* A mapping that goes meanwhile (-ENXIO) is none. */
static int ask_names(const struct dm *dm, const struct step *step, const struct dm_names *names,
                     struct outcome *outcome, struct arena *arena)
{
    int result = 0;

    while (names && names->dev) {
        struct found_mapping found;
        int error = is_asked(step, names->name) ? read_target(dm, DM_DEVICE_TABLE, names->name, &found, arena) : -ENXIO;

        if (!error)
            *LIST_ADD(&outcome->mappings, arena) = found;
        else if (error != -ENXIO)
            result = error;
        names = names->next ? (const struct dm_names *)(const void *)((const char *)names + names->next) : NULL;
    }
    return result;
}

int call_dm_ask(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    struct dm dm;
    int error = open_library(&dm, outcome, arena);
    struct dm_task *task;

    if (error)
        return error;
    task = new_task(&dm, DM_DEVICE_LIST, NULL);
    error = task ? run(&dm, task) : -ENOMEM;
    if (!error)
        error = ask_names(&dm, step, dm.dm_task_get_names(task), outcome, arena);
    if (task)
        dm.dm_task_destroy(task);
    return error;
}

static int set_device(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    char *path = arena_printf(arena, "/dev/mapper/%s", step->name);
    int error = call_measure_device(path, &outcome->device_kib);

    if (error)
        outcome->complaint = arena_printf(arena, "%s cannot be opened", path);
    else
        outcome->device = path;
    return error;
}

int call_dm_create(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    struct dm_info info = { 0 };
    struct dm_table table;
    struct dm_task *task;
    struct dm dm;
    int error = open_library(&dm, outcome, arena);

    if (!error)
        error = dm_table_parse(step->text, &table);
    if (error)
        return error;
    error = query(&dm, step->name, &info);
    if (!error && info.live_table)
        return -EEXIST;
    if (!error)
        error = remove_mapping(&dm, step->name, REMOVE_MS);
    if (error && error != -ENXIO)
        return error;
    task = new_task(&dm, DM_DEVICE_CREATE, step->name);
    error = -EINVAL;
    if (task && dm.dm_task_add_target(task, table.start, table.sectors, table.target, table.arguments) &&
        dm.dm_task_set_add_node(task, DM_ADD_NODE_ON_CREATE))
        error = run_with_udev(&dm, task, step->name);
    if (task)
        dm.dm_task_destroy(task);
    return error ? error : set_device(step, outcome, arena);
}

/* A table with which the mapping does not start again must not leave it suspended: the old one comes back. */
static int swap(const struct dm *dm, const char *name, const struct found_mapping *old)
{
    struct dm_table table = { .sectors = (uint64_t)old->size_kib * 2, .arguments = old->table };
    int error = old->is_suspended ? 0 : suspend(dm, name, false), second;

    if (error)
        return error;
    error = resume(dm, name);
    if (!error)
        return 0;
    snprintf(table.target, sizeof(table.target), "%s", old->target);
    second = load(dm, name, &table);
    if (!second)
        second = resume(dm, name);
    return second ? second : error;
}

/* Also when nobody can tell. */
static bool may_be_suspended(const struct dm *dm, const char *name)
{
    struct dm_info info = { 0 };
    int error = query(dm, name, &info);

    return error ? error != -ENXIO : info.suspended;
}

static int reload(const struct dm *dm, const struct step *step, struct outcome *outcome, struct arena *arena)
{
    struct found_mapping old = { 0 };
    struct dm_table table;
    int error = dm_table_parse(step->text, &table);

    if (!error)
        error = read_target(dm, DM_DEVICE_TABLE, step->name, &old, arena);
    if (error)
        return error;
    if (!old.target || strcmp(old.target, table.target) != 0 ||
        !dm_table_has_same_devices(old.table, table.arguments)) {
        outcome->complaint = arena_strdup(arena, "The mapping that is there lies on other devices");
        return -EXDEV;
    }
    error = load(dm, step->name, &table);
    if (!error)
        error = swap(dm, step->name, &old);
    if (error) {
        /* If that fails, too, the table waits, is seen by the next look, and replaced by the next reload. */
        (void)run_plain(dm, DM_DEVICE_CLEAR, step->name);
        return error;
    }
    return set_device(step, outcome, arena);
}

int call_dm_reload(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    struct dm dm;
    int error = open_library(&dm, outcome, arena);

    outcome->stays_frozen = error;
    if (error)
        return error;
    error = reload(&dm, step, outcome, arena);
    outcome->stays_frozen = error && may_be_suspended(&dm, step->name);
    return error;
}

int call_dm_suspend(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    struct dm_info info = { 0 };
    struct dm dm;
    int error = open_library(&dm, outcome, arena);

    if (!error)
        error = query(&dm, step->name, &info);
    return error || info.suspended ? error : suspend(&dm, step->name, true);
}

int call_dm_resume(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    struct dm_info info = { 0 };
    struct dm dm;
    int error = open_library(&dm, outcome, arena);

    if (!error)
        error = query(&dm, step->name, &info);
    return error || !info.suspended ? error : resume(&dm, step->name);
}

/* A table that was loaded and waits for the resume is dropped: the mapping goes on as it was. */
static int thaw(const struct dm *dm, const struct found_mapping *found)
{
    int error = found->is_loaded ? run_plain(dm, DM_DEVICE_CLEAR, found->name) : 0;

    return error ? error : resume(dm, found->name);
}

/* Without the module there is no mapping, and libdevmapper only says that it has no memory. */
int call_dm_thaw(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    struct found_mapping found = { 0 };
    struct dm dm;
    int error;

    if (access("/sys/class/misc/device-mapper", F_OK) < 0)
        return 0;
    error = open_library(&dm, outcome, arena);
    if (!error)
        error = read_target(&dm, DM_DEVICE_TABLE, step->name, &found, arena);
    if (error || !found.target || !found.is_suspended)
        return error == -ENXIO ? 0 : error;
    *LIST_ADD(&outcome->mappings, arena) = found;
    return thaw(&dm, &found);
}

static int send_message(const struct dm *dm, const char *name, const char *message)
{
    struct dm_task *task = new_task(dm, DM_DEVICE_TARGET_MSG, name);
    int error = -EINVAL;

    if (task && dm->dm_task_set_sector(task, 0) && dm->dm_task_set_message(task, message))
        error = run(dm, task);
    if (task)
        dm->dm_task_destroy(task);
    return error;
}

int call_dm_message(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    struct dm dm;
    int error = step->text ? open_library(&dm, outcome, arena) : -EINVAL;

    return error ? error : send_message(&dm, step->name, step->text);
}

/* How much may be on its way at once is raised to the whole cache: nobody waits for anything else. */
int call_dm_wait_clean(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    int64_t end = patience_now_ms() + step->patience_ms, dirty = 0;
    struct found_mapping found;
    struct dm dm;
    int error = open_library(&dm, outcome, arena);

    if (!error)
        error = send_message(&dm, step->name, "migration_threshold 1073741824");
    while (!error) {
        struct arena scratch = { 0 };

        error = read_target(&dm, DM_DEVICE_STATUS, step->name, &found, &scratch);
        if (!error)
            error = found.target && strcmp(found.target, "cache") == 0 ? dm_table_parse_dirty(found.table, &dirty)
                                                                       : -EINVAL;
        arena_done(&scratch);
        if (error || dirty == 0)
            break;
        if (patience_now_ms() >= end)
            error = -ETIMEDOUT;
        else
            patience_pause();
    }
    if (error == -ETIMEDOUT)
        outcome->complaint = arena_printf(arena, "%" PRId64 " blocks of the cache are not yet written back", dirty);
    return error;
}

int call_dm_remove(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    struct dm dm;
    int error = open_library(&dm, outcome, arena);

    return error ? error : remove_mapping(&dm, step->name, step->patience_ms ? step->patience_ms : REMOVE_MS);
}
