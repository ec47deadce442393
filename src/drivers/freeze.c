/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is mounted is looked for in this mount namespace, then in those of all other processes that can be seen. Some
 * file systems tell in sysfs that they are mounted somewhere: what is told only there cannot be reached, and is
 * refused.
 */
#include "drivers/freeze.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drivers/mounts.h"
#include "drivers/patience.h"

enum { NAMESPACES = 256, AGAIN_MS = 1000, INHERITED = 3 };

struct search {
    const char *path;
    dev_t device;
    struct freeze *freeze;
    struct arena *arena;
    const char *root; /* through which the namespace is seen */
    char *place;      /* where the first was found; NULL: nowhere */
    char *unreached;  /* what is mounted there cannot be opened */
    ino_t seen[NAMESPACES];
    int seen_count;
};

/* Another one may be mounted above it. */
static bool is_of(int descriptor, const struct mount_entry *entry)
{
    struct stat found;
#ifdef STATX_MNT_ID
    struct statx more;

    if (statx(descriptor, "", AT_EMPTY_PATH, STATX_MNT_ID, &more) == 0 && more.stx_mask & STATX_MNT_ID)
        return more.stx_mnt_id == entry->id;
#endif
    return fstat(descriptor, &found) == 0 && found.st_dev == entry->device;
}

static int open_place(const struct search *search, const struct mount_entry *entry)
{
    char path[PATH_MAX];
    int descriptor = -1;

    if ((size_t)snprintf(path, sizeof(path), "%s%s", search->root, entry->place) < sizeof(path))
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor >= 0 && !is_of(descriptor, entry)) {
        close(descriptor);
        descriptor = -1;
    }
    return descriptor;
}

static struct frozen *place_of(struct freeze *freeze, dev_t device)
{
    for (int i = 0; i < freeze->count; i++)
        if (freeze->places[i].device == device)
            return &freeze->places[i];
    if (freeze->count == FREEZE_LIMIT)
        return NULL;
    freeze->places[freeze->count] = (struct frozen){ .device = device, .descriptor = -1 };
    return &freeze->places[freeze->count++];
}

static void look(const struct mount_entry *entry, void *owner)
{
    struct search *search = owner;
    struct frozen *place;

    if (!mounts_lies_on(entry, search->device))
        return;
    if (!search->place)
        search->place = arena_strdup(search->arena, entry->place);
    if (entry->is_read_only)
        return;
    place = place_of(search->freeze, entry->device);
    if (place && place->descriptor < 0)
        place->descriptor = open_place(search, entry);
    if (!place || place->descriptor < 0)
        search->unreached = arena_strdup(search->arena, entry->place);
}

static bool is_new_namespace(struct search *search, const char *process)
{
    char path[64];
    struct stat found;

    snprintf(path, sizeof(path), "/proc/%.20s/ns/mnt", process);
    if (stat(path, &found) < 0 || search->seen_count == NAMESPACES)
        return false;
    for (int i = 0; i < search->seen_count; i++)
        if (search->seen[i] == found.st_ino)
            return false;
    search->seen[search->seen_count++] = found.st_ino;
    return true;
}

static void look_through(struct search *search, const char *process)
{
    char root[64], file[64];

    snprintf(root, sizeof(root), "/proc/%.20s/root", process);
    snprintf(file, sizeof(file), "/proc/%.20s/mountinfo", process);
    search->root = root;
    mounts_walk(file, look, search);
    search->root = "";
}

static void look_everywhere(struct search *search)
{
    DIR *directory = opendir("/proc");
    struct dirent *entry;

    if (is_new_namespace(search, "self"))
        mounts_walk("/proc/self/mountinfo", look, search);
    while (directory && (entry = readdir(directory)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && is_new_namespace(search, entry->d_name))
            look_through(search, entry->d_name);
    if (directory)
        closedir(directory);
}

/* "zd16"; false: there is no such device. */
static bool kernel_name(dev_t device, char name[static NAME_MAX + 1])
{
    char path[64], target[PATH_MAX];
    ssize_t length;

    snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(device), minor(device));
    length = readlink(path, target, sizeof(target) - 1);
    if (length <= 0)
        return false;
    target[length] = '\0';
    return snprintf(name, NAME_MAX + 1, "%s", strrchr(target, '/') ? strrchr(target, '/') + 1 : target) <= NAME_MAX;
}

/* Whether a file system says that it is mounted, in whatever namespace. */
static bool is_mounted_somewhere(dev_t device)
{
    static const char *const directories[] = { "/sys/fs/ext4", "/sys/fs/xfs", "/sys/fs/f2fs",
                                               "/sys/fs/btrfs/*/devices" };
    char name[NAME_MAX + 1], path[NAME_MAX + 64];
    bool found = false;

    if (!kernel_name(device, name))
        return false;
    for (size_t i = 0; !found && i < ARRAY_SIZE(directories); i++) {
        glob_t matches;

        snprintf(path, sizeof(path), "%s/%s", directories[i], name);
        found = glob(path, 0, NULL, &matches) == 0;
        globfree(&matches);
    }
    return found;
}

/*
 * Since Linux 6.6, and in older kernels of some distributions, a new medium is the end of the file system that is
 * mounted: it is shut down, frozen or not. These kernels have a function of this name. Without a list of names the
 * version tells.
 */
static bool shuts_down(void)
{
    FILE *names = fopen("/proc/kallsyms", "re");
    struct utsname system = { 0 };
    unsigned int version = 0, patch = 0;
    bool found = false, is_empty = true;
    char line[256];

    while (names && !found && fgets(line, sizeof(line), names)) {
        is_empty = false;
        found = strstr(line, " bdev_mark_dead\n") != NULL;
    }
    if (names)
        fclose(names);
    if (is_empty && uname(&system) == 0 && sscanf(system.release, "%u.%u", &version, &patch) == 2)
        found = version > 6 || (version == 6 && patch >= 6);
    return found;
}

__attribute__((format(printf, 3, 4))) static int refuse(const struct search *search, char **why, const char *format,
                                                        ...)
{
    char text[PATH_MAX + 256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    *why = arena_printf(search->arena, "%s is mounted %s", search->path, text);
    return -EBUSY;
}

static int find_places(struct search *search, char **why)
{
    look_everywhere(search);
    if (!search->place && is_mounted_somewhere(search->device))
        return refuse(search, why, "where the satellite cannot see it");
    if (search->place && shuts_down())
        return refuse(search, why, "at %s, and this kernel shuts a file system down when the zvol below it grows",
                      search->place);
    for (int i = 0; i < search->freeze->count; i++)
        if (search->freeze->places[i].descriptor < 0)
            return refuse(search, why, "at %s, which cannot be reached", search->unreached);
    if (search->unreached && search->freeze->count == FREEZE_LIMIT)
        return refuse(search, why, "at %s and in too many other ways", search->unreached);
    return 0;
}

/* What is not frozen (any more) says EINVAL. */
static int thaw_place(const struct frozen *place)
{
    return ioctl(place->descriptor, FITHAW, 0) < 0 && errno != EINVAL ? -errno : 0;
}

static void thaw_all(const struct freeze *freeze)
{
    for (int i = 0; i < freeze->count; i++)
        (void)thaw_place(&freeze->places[i]);
}

static void open_once(const char *device)
{
    int node = open(device, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (node >= 0)
        close(node);
}

/* What the process that died would have done. */
static void finish(const struct freeze *freeze, const char *device, int until, int64_t end_ms)
{
    if (!patience_read_end(until, end_ms, NULL, 0)) {
        thaw_all(freeze);
        (void)patience_read_end(until, PATIENCE_FOREVER, NULL, 0);
        for (int i = 0; i < freeze->count; i++)
            (void)ioctl(freeze->places[i].descriptor, FIFREEZE, 0);
    }
    open_once(device);
    thaw_all(freeze);
}

/*
 * A byte from the pipe: all was thawed. Its end: the other process is dead. When the time is over that one may still be
 * freezing, so thawing is repeated until it says something.
 */
__attribute__((noreturn)) static void stand_by(const struct freeze *freeze, const char *device, int until, int pipe_end,
                                               int limit_ms)
{
    struct pollfd other = { .fd = pipe_end, .events = POLLIN };
    int64_t end_ms = patience_now_ms() + limit_ms;
    char byte;

    while (poll(&other, 1, limit_ms) == 0) {
        thaw_all(freeze);
        limit_ms = AGAIN_MS;
    }
    if (read(pipe_end, &byte, 1) != 1)
        finish(freeze, device, until, end_ms);
    _exit(0);
}

/* Keeps the places, what it listens to, and the descriptor by which a successor of the satellite sees that it lives. */
static void close_others(const struct freeze *freeze, int until, int pipe_end)
{
    for (int descriptor = 0; descriptor < 1024; descriptor++) {
        bool is_kept = descriptor == pipe_end || descriptor == until || descriptor == INHERITED;

        for (int i = 0; i < freeze->count; i++)
            is_kept = is_kept || descriptor == freeze->places[i].descriptor;
        if (!is_kept)
            close(descriptor);
    }
}

static int start_guard(struct freeze *freeze, const char *device, int until, int limit_ms)
{
    int pipe_ends[2];

    if (pipe2(pipe_ends, O_CLOEXEC) < 0)
        return -errno;
    freeze->guard = fork();
    if (freeze->guard == 0) {
        int score;

        close_others(freeze, until, pipe_ends[0]);
        setsid();
        prctl(PR_SET_NAME, "linstor-thaw");
        score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
        if (score >= 0 && write(score, "-1000", 5) == 5)
            close(score);
        stand_by(freeze, device, until, pipe_ends[0], limit_ms);
    }
    close(pipe_ends[0]);
    freeze->guard_pipe = pipe_ends[1];
    if (freeze->guard > 0)
        return 0;
    close(pipe_ends[1]);
    return -EAGAIN;
}

static void end_guard(struct freeze *freeze)
{
    if (freeze->guard <= 0)
        return;
    (void)!write(freeze->guard_pipe, "",
                 1); /* its end says that this process is dead; a guard that is dead does not care */
    close(freeze->guard_pipe);
    while (waitpid(freeze->guard, NULL, 0) < 0 && errno == EINTR)
        continue;
    freeze->guard = 0;
}

static int freeze_place(struct frozen *place, const struct search *search, char **why)
{
    int error;

    place->is_frozen = ioctl(place->descriptor, FIFREEZE, 0) == 0;
    if (place->is_frozen)
        return 0;
    error = errno;
    if (error == EBUSY)
        return refuse(search, why, "at %s, and was frozen by somebody else ('fsfreeze -u %s' thaws it)", search->place,
                      search->place);
    if (error == EOPNOTSUPP || error == ENOTTY)
        return refuse(search, why, "at %s, and its file system cannot be frozen", search->place);
    *why = arena_printf(search->arena, "what is mounted at %s cannot be frozen", search->place);
    return -error;
}

int freeze_begin(struct freeze *freeze, const char *device, int until, int limit_ms, char **why, struct arena *arena)
{
    struct search search = { .path = device, .freeze = freeze, .arena = arena, .root = "" };
    struct stat node;
    int error;

    *freeze = (struct freeze){ 0 };
    if (stat(device, &node) < 0)
        return -errno;
    if (!S_ISBLK(node.st_mode))
        return -ENOTBLK;
    search.device = node.st_rdev;
    error = find_places(&search, why);
    /* So that freezing has little left to write. */
    for (int i = 0; !error && i < freeze->count; i++)
        (void)syncfs(freeze->places[i].descriptor);
    if (!error && freeze->count > 0)
        error = start_guard(freeze, device, until, limit_ms);
    for (int i = 0; !error && i < freeze->count; i++)
        error = freeze_place(&freeze->places[i], &search, why);
    if (error && freeze_end(freeze) < 0)
        *why = arena_printf(arena, "%s; not all of it could be thawed again", *why ? *why : device);
    return error;
}

int freeze_end(struct freeze *freeze)
{
    int error = 0;

    for (int i = 0; i < freeze->count; i++)
        if (freeze->places[i].is_frozen && thaw_place(&freeze->places[i]) < 0)
            error = -EIO;
    end_guard(freeze);
    for (int i = 0; i < freeze->count; i++)
        if (freeze->places[i].descriptor >= 0)
            close(freeze->places[i].descriptor);
    *freeze = (struct freeze){ 0 };
    return error;
}

int freeze_undo(const char *device, bool *was_frozen, char **why, struct arena *arena)
{
    struct freeze freeze = { 0 };
    struct search search = { .path = device, .freeze = &freeze, .arena = arena, .root = "" };
    struct stat node;
    int error = 0;

    *was_frozen = false;
    if (stat(device, &node) < 0)
        return errno == ENOENT ? 0 : -errno;
    search.device = node.st_rdev;
    look_everywhere(&search);
    if (search.unreached)
        error = refuse(&search, why, "at %s, which cannot be reached", search.unreached);
    open_once(device);
    for (int i = 0; i < freeze.count; i++) {
        if (freeze.places[i].descriptor < 0)
            continue;
        if (ioctl(freeze.places[i].descriptor, FITHAW, 0) == 0)
            *was_frozen = true;
        else if (errno != EINVAL)
            error = -errno;
        close(freeze.places[i].descriptor);
    }
    return error;
}
