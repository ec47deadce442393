/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is mounted, as one mount namespace shows it. Reads /proc, so only workers call it. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Valid while it is looked at. */
struct mount_entry {
    unsigned int id;
    dev_t device;       /* of the file system; some (btrfs) have a number that no block device has */
    const char *place;  /* in the namespace */
    const char *source; /* "/dev/zd0", or whatever the file system takes for one */
    bool is_read_only;  /* the whole file system, not only what is seen at this place */
};
typedef void mounts_look(const struct mount_entry *entry, void *owner);

/* file: "/proc/self/mountinfo". Nothing is looked at when it cannot be read. */
void mounts_walk(const char *file, mounts_look *look, void *owner);
/* Of what links name only nodes below /dev are looked at themselves: anything else may lie on a server that does not
 * answer. */
bool mounts_is_node_of(const char *path, dev_t device);
/* Whether the file system lies directly on that block device. */
bool mounts_lies_on(const struct mount_entry *entry, dev_t device);
