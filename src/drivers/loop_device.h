/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Loop devices by their ioctls. Every function may block in the kernel, so it is called by workers only. A device
 * number is never trusted: before one is touched, its backing file must be the very file (device and inode) that is
 * meant, because all satellites and users of a host share the numbers.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

enum { LOOP_DEVICE_NAME_SIZE = 32 };

/* All below: 0 or -errno. */

/* -ENOENT and the like when this kernel or container has no loop devices. */
int loop_device_check(void) MUST_CHECK;
/* Where a worker looks for the next free device; zeroes are a good start. */
struct loop_cursor {
    int next; /* number; 0: not known */
    int room; /* so many devices may be added */
};
int loop_device_attach(const char *path, struct loop_cursor *cursor, char device[static LOOP_DEVICE_NAME_SIZE],
                       int64_t *size_kib) MUST_CHECK;
/* -ENXIO when device does not show path. */
int loop_device_resize(const char *device, const char *path, int64_t *size_kib) MUST_CHECK;
/* 0 also when device does not show path (any more); -EBUSY when somebody has it open, mounted, or on top of it, and has
 * so for some seconds. */
int loop_device_detach(const char *device, const char *path) MUST_CHECK;
/* Opens the device for writing, alone. -ENXIO when it does not show path, -EBUSY when it is in use and stays so
 * for a second; else the descriptor. */
int loop_device_open_alone(const char *device, const char *path) MUST_CHECK;

/* What all loop devices show, read once from sysfs. */
struct loop_device {
    char name[LOOP_DEVICE_NAME_SIZE]; /* "/dev/loop3" */
    char *path;                       /* of the backing file, as the kernel names it */
    int64_t size_kib;
};
struct loop_table {
    struct loop_device *at; /* sorted by path */
    size_t count;
};
int loop_table_read(struct loop_table *table) MUST_CHECK;
void loop_table_done(struct loop_table *table);
const struct loop_device *loop_table_find(const struct loop_table *table, const char *real_path);
