/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keeps what lies directly on a block device as a file system still: all that was written to it is on the device, and
 * nothing more is written until freeze_end. What lies on partitions or mappings of the device is left alone.
 *
 * The kernel keeps a file system frozen when the process that froze it dies. So a second process stands by. It thaws
 * when the time is over, whatever the first hangs in; when the first has died it does the rest in its stead. Who kills
 * both at once leaves it frozen; freeze_begin tells so when it is asked again, and freeze_undo mends it.
 *
 * Between freeze_begin and freeze_end nothing may be written to files, as they may lie there. For workers only.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/memory.h"

enum { FREEZE_LIMIT = 8 };

struct freeze {
    struct frozen {
        dev_t device; /* of the file system */
        int descriptor;
        bool is_frozen;
    } places[FREEZE_LIMIT];
    int count; /* 0: nothing is mounted that could be written to */
    pid_t guard;
    int guard_pipe;
};

/*
 * For at most limit_ms. until: what shall happen meanwhile has happened when this can be read to its end; then device
 * must be opened once, and all is thawed. That is the caller's matter, and the guard's only when the caller has died.
 * *freeze is overwritten. 0, or -errno and *why, in memory of arena: then nothing is frozen. -EBUSY: something is
 * mounted that cannot be frozen, or would not survive a change of the medium.
 */
int freeze_begin(struct freeze *freeze, const char *device, int until, int limit_ms, char **why,
                 struct arena *arena) MUST_CHECK;
/* 0, or -errno: something stays frozen. Fine when it is ended already. */
int freeze_end(struct freeze *freeze) MUST_CHECK;
/*
 * What a process and the one that stood by have left frozen, both being dead, goes on, after device was opened once:
 * it may have changed. *was_frozen: there was something. 0, also when there is no such device (any more), or -errno and
 * *why, which may be NULL.
 */
int freeze_undo(const char *device, bool *was_frozen, char **why, struct arena *arena) MUST_CHECK;
