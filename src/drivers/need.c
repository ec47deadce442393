/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers/need.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/library.h"
#include "base/text.h"
#include "drivers/call_dm.h"
#include "drivers/loop_device.h"
#include "drivers/luks_header.h"
#include "drivers/wipe.h"

enum { WORDS = 4, MODULES_LIST_LIMIT = 16 * 1024 * 1024 };

static int check_loop(char why[static LIBRARY_WHY_SIZE])
{
    int error = loop_device_check();

    if (error)
        snprintf(why, LIBRARY_WHY_SIZE, "/dev/loop-control cannot be opened: %s", strerror(-error));
    return error;
}

/* Words end with NULL. package is Debian's, for people. */
static const struct need {
    const char *key;
    const char *tools[WORDS], *modules[WORDS];
    const char *package;
    int (*check)(char why[static LIBRARY_WHY_SIZE]); /* 0 or -errno and why */
} needs[] = {
    { "loop", .check = check_loop },
    { "blkid", .check = wipe_check },
    { "lvm", { "lvm" }, { "dm_mod" }, "lvm2" },
    { "lvm_thin", { "lvm", "thin_check" }, { "dm_thin_pool" }, "thin-provisioning-tools" },
    { "zfs", { "zfs", "zpool" }, { "zfs" }, "zfsutils-linux" },
    { "luks", .modules = { "dm_mod", "dm_crypt" }, .check = luks_header_check },
    { "dm_writecache", .modules = { "dm_mod", "dm_writecache" }, .check = call_dm_check },
    { "dm_cache", .modules = { "dm_mod", "dm_cache", "dm_cache_smq" }, .check = call_dm_check },
    { "bcache", { "make-bcache" }, { "bcache" }, "bcache-tools" },
    { "nvme", .modules = { "nvmet", "nvme_tcp", "nvmet_tcp" } },
    { 0 },
};

/* Where tools of administrators lie, even when the path of a service does not say so. */
static bool has_tool(const char *name)
{
    static const char *const directories[] = { "/usr/sbin", "/usr/bin",        "/sbin",
                                               "/bin",      "/usr/local/sbin", "/usr/local/bin" };

    for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
        char path[256];

        snprintf(path, sizeof(path), "%s/%s", directories[i], name);
        if (access(path, X_OK) == 0)
            return true;
    }
    return false;
}

/* Lists of modules that can be loaded and of those built in; names in them may have - for _. */
struct modules {
    struct buf lists;
};

static void read_modules(struct modules *modules)
{
    static const char *const files[] = { "modules.dep", "modules.builtin" };
    struct utsname kernel;

    if (uname(&kernel) < 0)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        struct buf text = { 0 };
        char path[512];

        snprintf(path, sizeof(path), "/lib/modules/%s/%s", kernel.release, files[i]);
        if (text_read_file(path, MODULES_LIST_LIMIT, &text) == 0)
            buf_add(&modules->lists, text.data, text.length);
        buf_done(&text);
    }
}

static bool has_module(const struct modules *modules, const char *name)
{
    char path[256], file[256];
    size_t at = 0;

    snprintf(path, sizeof(path), "/sys/module/%s", name);
    if (access(path, F_OK) == 0)
        return true;
    if (modules->lists.length == 0)
        return false;
    for (int dashes = 0; dashes < 2; dashes++) {
        snprintf(file, sizeof(file), "/%s.ko", name);
        for (at = 0; dashes && file[at] && strcmp(file + at, ".ko") != 0; at++)
            if (file[at] == '_')
                file[at] = '-';
        if (strstr(buf_text(&modules->lists), file))
            return true;
    }
    return false;
}

static const char *lacks(const struct need *need, const struct modules *modules, struct arena *arena)
{
    for (size_t i = 0; i < WORDS && need->tools[i]; i++)
        if (!has_tool(need->tools[i]))
            return arena_printf(arena, "The tool '%s' is not installed (package %s).", need->tools[i], need->package);
    for (size_t i = 0; i < WORDS && need->modules[i]; i++)
        if (!has_module(modules, need->modules[i]))
            return arena_printf(arena, "The kernel has no module '%s'.", need->modules[i]);
    if (need->check) {
        char why[LIBRARY_WHY_SIZE];

        if (need->check(why) < 0)
            return arena_strdup(arena, why);
    }
    return NULL;
}

void need_find_missing(struct text_map *missing, struct arena *arena)
{
    struct modules modules = { 0 };
    int error = loop_device_check();

    read_modules(&modules);
    if (error)
        text_map_set(missing, "loop", arena_printf(arena, "/dev/loop-control cannot be opened: %s", strerror(-error)),
                     arena);
    for (size_t i = 0; needs[i].key; i++) {
        const char *why = lacks(&needs[i], &modules, arena);

        if (why)
            text_map_set(missing, needs[i].key, why, arena);
    }
    buf_done(&modules.lists);
}
