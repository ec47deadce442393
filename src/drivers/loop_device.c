/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which number a new device takes: LOOP_CTL_GET_FREE gives the lowest free one, but walks over all devices to find it,
 * and gives the same to everybody who asks at the same time. So it is asked once, and then the numbers after that one
 * are tried as long as a look into sysfs finds one that is there and free. Where the numbers end, new devices are
 * added, some, and only when the kernel itself has just had none below that was free: so there are never more than
 * were in use at once, and ADDED_AT_ONCE for each worker.
 */
#include "drivers/loop_device.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

enum {
    ATTACH_TRIES = 256, /* others may take the free number that we were told */
    BUSY_PASSED = 32,   /* looking at so many costs less than the kernel's walk over some thousands */
    ADDED_AT_ONCE = 16,
    /* Visitors such as udev's probes leave again, later on a busy machine: only who stays longer is worth an error. */
    ALONE_WAIT_MS = 1000, /* who has it exclusively has mounted it, mostly, and stays */
    DETACH_WAIT_MS = 5000,
    FIRST_PAUSE_MS = 2,
    LONGEST_PAUSE_MS = 50,
};

struct waiting {
    int waited_ms, pause_ms;
};

/* Each time longer than the last one. False when limit_ms are over. */
static bool wait_again(struct waiting *waiting, int limit_ms)
{
    struct timespec pause;

    if (waiting->waited_ms >= limit_ms)
        return false;
    waiting->pause_ms = waiting->pause_ms == 0                     ? FIRST_PAUSE_MS
                        : waiting->pause_ms * 2 < LONGEST_PAUSE_MS ? waiting->pause_ms * 2
                                                                   : LONGEST_PAUSE_MS;
    waiting->waited_ms += waiting->pause_ms;
    pause = (struct timespec){ .tv_nsec = waiting->pause_ms * 1000000L };
    nanosleep(&pause, NULL);
    return true;
}

int loop_device_check(void)
{
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

    if (control < 0)
        return -errno;
    close(control);
    return 0;
}

static int size_of(int descriptor, int64_t *size_kib)
{
    uint64_t bytes;

    if (ioctl(descriptor, BLKGETSIZE64, &bytes) < 0)
        return -errno;
    *size_kib = (int64_t)(bytes / 1024);
    return 0;
}

static bool is_there(int number, const char *attribute)
{
    char path[80];

    snprintf(path, sizeof(path), "/sys/block/loop%d%s", number, attribute);
    return access(path, F_OK) == 0;
}

/* What the kernel finds, or makes. */
static int ask_kernel(int control, struct loop_cursor *cursor)
{
    int number = ioctl(control, LOOP_CTL_GET_FREE);

    *cursor = (struct loop_cursor){ 0 };
    if (number < 0)
        return -errno;
    cursor->room = is_there(number + 1, "") ? 0 : ADDED_AT_ONCE;
    return number;
}

/* The next free number after the cursor's, or one more device. */
static int find_number(int control, struct loop_cursor *cursor)
{
    for (int i = 0; cursor->next > 0 && i < BUSY_PASSED; i++, cursor->next++) {
        if (is_there(cursor->next, "/loop/backing_file"))
            continue;
        if (is_there(cursor->next, ""))
            return cursor->next;
        if (cursor->room == 0)
            break;
        if (ioctl(control, LOOP_CTL_ADD, cursor->next) >= 0) {
            cursor->room--;
            return cursor->next;
        }
        if (errno != EEXIST)
            break;
    }
    return ask_kernel(control, cursor);
}

static int attach_to(int number, int file, const char *path, char device[static LOOP_DEVICE_NAME_SIZE],
                     int64_t *size_kib)
{
    struct loop_config config = { .fd = (uint32_t)file };
    int descriptor, error = 0;

    snprintf(device, LOOP_DEVICE_NAME_SIZE, "/dev/loop%d", number);
    descriptor = open(device, O_RDWR | O_CLOEXEC);
    if (descriptor < 0)
        return -errno;
    snprintf((char *)config.info.lo_file_name, LO_NAME_SIZE, "%s", path);
    if (ioctl(descriptor, LOOP_CONFIGURE, &config) < 0)
        error = -errno;
    else
        error = size_of(descriptor, size_kib);
    close(descriptor);
    return error;
}

static int attach_one(int control, int file, const char *path, struct loop_cursor *cursor,
                      char device[static LOOP_DEVICE_NAME_SIZE], int64_t *size_kib)
{
    int number = find_number(control, cursor), error;
    bool was_asked = cursor->next == 0;

    if (number < 0)
        return number;
    error = attach_to(number, file, path, device, size_kib);
    if (!error || error == -EBUSY) {
        cursor->next = number + 1;
        return error;
    }
    /* A device may be on its way out, or have no node in this container's /dev: then the kernel's choice counts. */
    if (!was_asked && (error == -ENOENT || error == -ENXIO || error == -ENODEV)) {
        cursor->next = 0;
        return -EBUSY;
    }
    return error;
}

int loop_device_attach(const char *path, struct loop_cursor *cursor, char device[static LOOP_DEVICE_NAME_SIZE],
                       int64_t *size_kib)
{
    int control, file, error = -EBUSY;

    control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (control < 0)
        return -errno;
    file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) {
        error = -errno;
        close(control);
        return error;
    }
    for (int i = 0; i < ATTACH_TRIES && error == -EBUSY; i++)
        error = attach_one(control, file, path, cursor, device, size_kib);
    close(file);
    close(control);
    return error;
}

/* The kernel's own encoding of a device number in LOOP_GET_STATUS64. */
static uint64_t encode_device(dev_t device)
{
    uint64_t minor_number = minor(device);

    return (minor_number & 0xff) | ((uint64_t)major(device) << 8) | ((minor_number & ~UINT64_C(0xff)) << 12);
}

static int check_shows(int descriptor, const char *path)
{
    struct loop_info64 info;
    struct stat file;

    if (ioctl(descriptor, LOOP_GET_STATUS64, &info) < 0)
        return -errno;
    if (lstat(path, &file) < 0)
        return errno == ENOENT ? -ENXIO : -errno;
    if (info.lo_inode != file.st_ino || info.lo_device != encode_device(file.st_dev))
        return -ENXIO;
    return 0;
}

static int open_shown(const char *device, const char *path, int flags)
{
    int descriptor, error;

    if (!text_starts_with(device, "/dev/loop"))
        return -EINVAL;
    descriptor = open(device, O_RDWR | O_CLOEXEC | flags);
    if (descriptor < 0)
        return errno == ENOENT || errno == ENODEV ? -ENXIO : -errno;
    error = check_shows(descriptor, path);
    if (error) {
        close(descriptor);
        return error;
    }
    return descriptor;
}

int loop_device_resize(const char *device, const char *path, int64_t *size_kib)
{
    int descriptor = open_shown(device, path, 0), error = 0;

    if (descriptor < 0)
        return descriptor;
    if (ioctl(descriptor, LOOP_SET_CAPACITY, 0) < 0)
        error = -errno;
    else
        error = size_of(descriptor, size_kib);
    close(descriptor);
    return error;
}

int loop_device_open_alone(const char *device, const char *path)
{
    struct waiting waiting = { 0 };
    /* Foreign devices may be in use, and that is no concern of ours: whose it is comes first. */
    int descriptor = open_shown(device, path, 0);

    if (descriptor < 0)
        return descriptor;
    close(descriptor);
    do
        descriptor = open_shown(device, path, O_EXCL);
    while (descriptor == -EBUSY && wait_again(&waiting, ALONE_WAIT_MS));
    return descriptor;
}

/* Whether sysfs still names path behind the device; read without opening the device, which would keep it busy. */
static bool still_shows(const char *device, const char *real_path)
{
    char attribute[96], shown[PATH_MAX];
    ssize_t length;
    int file;

    snprintf(attribute, sizeof(attribute), "/sys/block/%s/loop/backing_file", device + strlen("/dev/"));
    file = open(attribute, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    length = read(file, shown, sizeof(shown) - 1);
    close(file);
    if (length <= 0)
        return false;
    shown[length] = '\0';
    shown[strcspn(shown, "\n")] = '\0';
    return strcmp(shown, real_path) == 0;
}

int loop_device_detach(const char *device, const char *path)
{
    CLEANUP(memory_freep) char *real_path = realpath(path, NULL);
    struct waiting waiting = { 0 };
    int descriptor = loop_device_open_alone(device, path), error = 0;

    if (descriptor == -ENXIO)
        return 0;
    if (descriptor < 0)
        return descriptor;
    if (ioctl(descriptor, LOOP_CLR_FD, 0) < 0 && errno != ENXIO)
        error = -errno;
    close(descriptor);
    /*
     * LOOP_CLR_FD on a device that somebody else has open succeeds, and takes effect when the last one closes it: so
     * what counts is what sysfs says.
     */
    while (!error && real_path && still_shows(device, real_path))
        if (!wait_again(&waiting, DETACH_WAIT_MS))
            error = -EBUSY;
    return error;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const struct loop_device *)a)->path, ((const struct loop_device *)b)->path);
}

int loop_table_read(struct loop_table *table)
{
    DIR *directory = opendir("/sys/block");
    size_t room = 0;
    struct dirent *entry;

    memset(table, 0, sizeof(*table));
    if (!directory)
        return -errno;
    while ((entry = readdir(directory))) {
        char attribute[NAME_MAX + 32], path[PATH_MAX], size[32];
        struct loop_device *device;
        int64_t sectors;

        if (!text_starts_with(entry->d_name, "loop") || strlen(entry->d_name) > 20)
            continue;
        snprintf(attribute, sizeof(attribute), "%s/loop/backing_file", entry->d_name);
        text_read_line(dirfd(directory), attribute, path, sizeof(path));
        if (!path[0])
            continue;
        snprintf(attribute, sizeof(attribute), "%s/size", entry->d_name);
        text_read_line(dirfd(directory), attribute, size, sizeof(size));
        if (table->count == room) {
            room = room ? room * 2 : 64;
            table->at = memory_resize(table->at, room * sizeof(*table->at));
        }
        device = &table->at[table->count++];
        snprintf(device->name, sizeof(device->name), "/dev/%.20s", entry->d_name);
        device->path = memory_strdup(path);
        device->size_kib = text_parse_i64(size, 0, INT64_MAX, &sectors) ? sectors / 2 : 0;
    }
    closedir(directory);
    if (table->count > 0)
        qsort(table->at, table->count, sizeof(*table->at), compare_paths);
    return 0;
}

void loop_table_done(struct loop_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->at[i].path);
    free(table->at);
    memset(table, 0, sizeof(*table));
}

const struct loop_device *loop_table_find(const struct loop_table *table, const char *real_path)
{
    size_t low = 0, high = table->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(table->at[middle].path, real_path);

        if (order == 0)
            return &table->at[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
