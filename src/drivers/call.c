/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One function per kind of step; each leaves the machine as it was when it fails, as far as the kernel lets it: a file
 * that could not be filled is taken away again, one that could not be grown gets its old size back.
 */
#include "drivers/call.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/text.h"
#include "drivers/call_bcache.h"
#include "drivers/call_cache.h"
#include "drivers/call_disk.h"
#include "drivers/call_dm.h"
#include "drivers/call_luks.h"
#include "drivers/call_tree.h"
#include "drivers/call_zvol.h"
#include "drivers/in_use.h"
#include "drivers/loop_device.h"
#include "drivers/need.h"
#include "drivers/owner.h"
#include "drivers/patience.h"
#include "drivers/wipe.h"

static const char suffix[] = ".img";

static int ask_machine(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    (void)step;
    need_find_missing(&outcome->missing, arena);
    return 0;
}

static void add_file(struct found_directory *found, const char *real_path, const char *name, const struct stat *file,
                     const struct loop_table *loops, struct arena *arena)
{
    struct found_file *item = LIST_ADD(&found->files, arena);
    char path[PATH_MAX];
    const struct loop_device *device = NULL;

    item->name = arena_strdup(arena, name);
    item->size_kib = file->st_size / 1024;
    item->allocated_kib = file->st_blocks / 2;
    if ((size_t)snprintf(path, sizeof(path), "%s/%s", real_path, name) < sizeof(path)) {
        device = loop_table_find(loops, path);
        item->owner = owner_find(path, arena);
    }
    if (device) {
        item->device = arena_strdup(arena, device->name);
        item->device_kib = device->size_kib;
    }
}

static int measure_directory(struct found_directory *found)
{
    struct statvfs space;

    if (statvfs(found->path, &space) < 0)
        return errno;
    found->free_kib = (int64_t)((unsigned __int128)space.f_bavail * space.f_frsize / 1024);
    found->total_kib = (int64_t)((unsigned __int128)space.f_blocks * space.f_frsize / 1024);
    return 0;
}

static int ask_space(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    for (uint32_t i = 0; i < step->paths.count; i++) {
        struct found_directory *found = LIST_ADD(&outcome->directories, arena);

        found->path = arena_strdup(arena, step->paths.at[i]);
        found->error = measure_directory(found);
    }
    return 0;
}

static int list_directory(const struct step *step, struct found_directory *found, const struct loop_table *loops,
                          struct arena *arena)
{
    CLEANUP(memory_freep) char *real_path = realpath(found->path, NULL);
    int error = real_path ? measure_directory(found) : errno;
    struct stat file;
    struct dirent *entry;
    DIR *directory;

    if (error)
        return error;
    directory = opendir(real_path);
    if (!directory)
        return errno;
    for (uint32_t i = 0; i < step->names.count; i++)
        if (fstatat(dirfd(directory), step->names.at[i], &file, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(file.st_mode))
            add_file(found, real_path, step->names.at[i], &file, loops, arena);
    while (step->names.count == 0 && (entry = readdir(directory)))
        if (text_ends_with(entry->d_name, suffix) &&
            fstatat(dirfd(directory), entry->d_name, &file, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(file.st_mode))
            add_file(found, real_path, entry->d_name, &file, loops, arena);
    closedir(directory);
    return 0;
}

static int ask_files(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    struct loop_table loops = { 0 };
    int error = loop_table_read(&loops);

    if (error) {
        outcome->complaint = arena_strdup(arena, "/sys/block cannot be listed");
        return error;
    }
    for (uint32_t i = 0; i < step->paths.count; i++) {
        struct found_directory *found = LIST_ADD(&outcome->directories, arena);

        found->path = arena_strdup(arena, step->paths.at[i]);
        found->error = list_directory(step, found, &loops, arena);
    }
    loop_table_done(&loops);
    return 0;
}

/* Two files without names are made and one is given the blocks of the other. Nothing stays, whatever happens. */
static bool shares_blocks(const char *directory)
{
    int source = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), target;
    bool shares = false;

    if (source < 0)
        return false;
    target = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (target >= 0) {
        shares = pwrite(source, "x", 1, 0) == 1 && ioctl(target, FICLONE, source) == 0;
        close(target);
    }
    close(source);
    return shares;
}

static int check_directory(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    struct stat found;

    if (stat(step->path, &found) < 0)
        return -errno;
    if (!S_ISDIR(found.st_mode))
        return -ENOTDIR;
    outcome->identity = arena_printf(arena, "%ju:%ju", (uintmax_t)found.st_dev, (uintmax_t)found.st_ino);
    outcome->can_share_blocks = shares_blocks(step->path);
    return 0;
}

static int sync_directory_of(const char *path)
{
    CLEANUP(memory_freep) char *directory = memory_strdup(path);
    int descriptor, error = 0;

    *strrchr(directory, '/') = '\0';
    descriptor = open(directory[0] ? directory : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return -errno;
    if (fsync(descriptor) < 0)
        error = -errno;
    close(descriptor);
    return error;
}

/* Made or grown, never shrunk. */
static int size_file(const struct step *step, struct outcome *outcome, bool reserve, struct arena *arena)
{
    bool is_new = true;
    struct stat file = { 0 };
    int descriptor, error = 0;
    off_t wanted;

    if (step->size_kib <= 0 || step->size_kib > INT64_MAX / 1024)
        return -EINVAL;
    wanted = (off_t)step->size_kib * 1024;
    descriptor = open(step->path, O_RDWR | O_CLOEXEC | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (descriptor < 0 && errno == EEXIST) {
        is_new = false;
        descriptor = open(step->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    }
    if (descriptor < 0)
        return -errno;
    if (fstat(descriptor, &file) < 0)
        error = -errno;
    else if (!S_ISREG(file.st_mode))
        error = -EINVAL;
    /* Before it holds anything: what has a size and no mark was not made here. */
    if (!error && file.st_size == 0 && step->text)
        error = owner_mark(descriptor, step->path, step->text);
    if (!error && file.st_size < wanted)
        error = reserve ? -posix_fallocate(descriptor, 0, wanted) : ftruncate(descriptor, wanted) < 0 ? -errno : 0;
    if (error && is_new)
        unlink(step->path);
    else if (error && reserve && file.st_size < wanted && ftruncate(descriptor, file.st_size) < 0)
        error = -errno;
    /* What is acknowledged must be there after a loss of power. */
    if (!error && fsync(descriptor) < 0)
        error = -errno;
    if (!error && is_new)
        error = sync_directory_of(step->path);
    if (!error && fstat(descriptor, &file) == 0) {
        outcome->size_kib = file.st_size / 1024;
        outcome->allocated_kib = file.st_blocks / 2;
        outcome->owner = owner_find(step->path, arena);
    }
    close(descriptor);
    return error;
}

static int file_allocate(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    return size_file(step, outcome, true, arena);
}

static int file_truncate(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    return size_file(step, outcome, false, arena);
}

static int file_remove(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    (void)outcome;
    (void)arena;
    if (unlink(step->path) < 0 && errno != ENOENT)
        return -errno;
    owner_forget(step->path);
    return 0;
}

static int loop_attach(const struct step *step, struct outcome *outcome, struct loop_cursor *cursor,
                       struct arena *arena)
{
    char device[LOOP_DEVICE_NAME_SIZE];
    int error = loop_device_attach(step->path, cursor, device, &outcome->device_kib);

    if (!error)
        outcome->device = arena_strdup(arena, device);
    return error;
}

static int loop_resize(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    (void)arena;
    return loop_device_resize(step->device, step->path, &outcome->device_kib);
}

static int loop_detach(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    (void)outcome;
    (void)arena;
    return loop_device_detach(step->device, step->path);
}

static int wipe(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    char why[LIBRARY_WHY_SIZE] = "";
    int descriptor, error;
    off_t size;

    if (step->device && !step->path) {
        descriptor = open(step->device, O_RDWR | O_CLOEXEC | O_EXCL);
        if (descriptor < 0)
            return -errno;
    } else if (step->device) {
        descriptor = loop_device_open_alone(step->device, step->path);
        if (descriptor < 0)
            return descriptor;
    } else {
        descriptor = step->path ? open(step->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW) : (errno = EINVAL, -1);
        if (descriptor < 0)
            return -errno;
    }
    size = lseek(descriptor, 0, SEEK_END);
    if (size < 0)
        error = -errno;
    else
        error = step->offset > 0 ? wipe_block(descriptor, step->offset, size) : wipe_descriptor(descriptor, size, why);
    if (why[0])
        outcome->complaint = arena_strdup(arena, why);
    if (close(descriptor) < 0 && !error)
        error = -errno;
    return error;
}

int call_measure_device(const char *path, int64_t *size_kib)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), error = 0;
    struct stat found;
    uint64_t bytes;

    if (descriptor < 0)
        return -errno;
    if (fstat(descriptor, &found) < 0)
        error = -errno;
    else if (!S_ISBLK(found.st_mode))
        error = -ENOENT;
    else if (ioctl(descriptor, BLKGETSIZE64, &bytes) < 0)
        error = -errno;
    else
        *size_kib = (int64_t)(bytes / 1024);
    close(descriptor);
    return error;
}

/* Nodes and links are made by udev, a while after the tool has ended. */
static int wait_device(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    int64_t end = patience_now_ms() + step->patience_ms;
    const char *found = step->device;
    int error;

    for (;;) {
        error = call_measure_device(step->device, &outcome->device_kib);
        if ((error != -ENOENT && error != -ENXIO) || patience_now_ms() >= end)
            break;
        patience_pause();
    }
    for (uint32_t i = 0; error && i < step->paths.count; i++) {
        found = step->paths.at[i];
        error = call_measure_device(found, &outcome->device_kib);
    }
    if (error)
        outcome->complaint = arena_printf(arena, "the device %s did not appear", step->device);
    else
        outcome->device = arena_strdup(arena, found);
    return error;
}

static int ask_devices(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    for (uint32_t i = 0; i < step->paths.count; i++) {
        int64_t size_kib;

        if (call_measure_device(step->paths.at[i], &size_kib) == 0)
            *LIST_ADD(&outcome->devices, arena) =
                (struct found_device){ .path = step->paths.at[i], .size_kib = size_kib };
    }
    return 0;
}

static const struct call {
    enum step_kind kind;
    int (*run)(const struct step *step, struct outcome *outcome, struct arena *arena); /* 0 or -errno */
    bool needs_path, needs_device, needs_name;
} calls[] = {
    { STEP_ASK_MACHINE, ask_machine, false, false },
    { STEP_ASK_FILES, ask_files, false, false },
    { STEP_ASK_SPACE, ask_space, false, false },
    { STEP_CHECK_DIRECTORY, check_directory, true, false },
    { STEP_FILE_ALLOCATE, file_allocate, true, false },
    { STEP_FILE_TRUNCATE, file_truncate, true, false },
    { STEP_FILE_REMOVE, file_remove, true, false },
    { STEP_LOOP_ATTACH, NULL, true, false }, /* the only one with a cursor */
    { STEP_LOOP_RESIZE, loop_resize, true, true },
    { STEP_LOOP_DETACH, loop_detach, true, true },
    { STEP_ZVOL_GROW, call_zvol_grow, .needs_device = true },
    { STEP_WIPE, wipe, false, false },
    { STEP_WAIT_DEVICE, wait_device, false, true },
    { STEP_ASK_DEVICES, ask_devices, false, false },
    { STEP_ASK_LUKS, call_luks_ask, false, false },
    { STEP_LUKS_FORMAT, call_luks_format, false, true },
    { STEP_LUKS_OPEN, call_luks_open, false, true },
    { STEP_LUKS_CLOSE, call_luks_close, false, false },
    { STEP_LUKS_RESIZE, call_luks_resize, false, false },
    { STEP_LUKS_CHANGE_KEY, call_luks_change_key, false, true },
    { STEP_LUKS_ERASE, call_luks_erase, false, true },
    { STEP_ASK_DISKS, call_ask_disks, false, false },
    { STEP_ASK_DM, call_dm_ask, false, false },
    { STEP_ASK_CACHE, call_ask_cache, false, false },
    { STEP_DM_CREATE, call_dm_create, .needs_name = true },
    { STEP_DM_RELOAD, call_dm_reload, .needs_name = true },
    { STEP_DM_SUSPEND, call_dm_suspend, .needs_name = true },
    { STEP_DM_RESUME, call_dm_resume, .needs_name = true },
    { STEP_DM_THAW, call_dm_thaw, .needs_name = true },
    { STEP_FS_THAW, call_fs_thaw, .needs_device = true },
    { STEP_DM_MESSAGE, call_dm_message, .needs_name = true },
    { STEP_DM_WAIT_CLEAN, call_dm_wait_clean, .needs_name = true },
    { STEP_DM_REMOVE, call_dm_remove, .needs_name = true },
    { STEP_ASK_TREE, call_tree_ask, false, false },
    { STEP_TREE, call_tree_change, false, false },
    { STEP_WAIT_BLOCK, call_tree_wait_block, true, false },
    { STEP_BCACHE_REGISTER, call_bcache_register, false, true },
    { STEP_BCACHE_STOP, call_bcache_stop, false, false },
    { STEP_BCACHE_WIPE, call_bcache_wipe, true, false },
    { STEP_BCACHE_RENEW, call_bcache_renew, true, false },
};

static int run(const struct step *step, struct outcome *outcome, struct loop_cursor *cursor, struct arena *arena)
{
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        const struct call *call = &calls[i];

        if (call->kind != step->kind)
            continue;
        if ((call->needs_path && (!step->path || step->path[0] != '/')) || (call->needs_device && !step->device) ||
            (call->needs_name && (!step->name || !step->name[0])))
            return -EINVAL;
        if (step_traits_get(step->kind)->destroys && (!step->authority || !step->authority[0]))
            return -EPERM;
        return call->run ? call->run(step, outcome, arena) : loop_attach(step, outcome, cursor, arena);
    }
    return -ENOSYS;
}

static char *find_users(const struct step *step, struct arena *arena)
{
    if (step->device && step->kind != STEP_LUKS_CLOSE)
        return in_use_describe(step->device, arena);
    return step->name ? in_use_describe(arena_printf(arena, "/dev/mapper/%s", step->name), arena) : NULL;
}

void call_run(const struct step *step, struct outcome *outcome, struct loop_cursor *cursor, struct arena *arena)
{
    int error = run(step, outcome, cursor, arena);

    outcome->result = error ? OUTCOME_FAILED : OUTCOME_DONE;
    if (error)
        outcome->error = -error;
    if (error == -EBUSY && !outcome->complaint)
        outcome->complaint = find_users(step, arena);
}
