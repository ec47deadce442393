/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The steps that register devices with the kernel's bcache, and take them away from it. For call.c, in workers. */
#pragma once

#include <sys/types.h>

#include "base/memory.h"
#include "drivers/step.h"

bool call_bcache_holds(dev_t number); /* whether the kernel's bcache has the device */

enum { BCACHE_SUPERBLOCK = 512 }; /* bytes, at byte 4096 of a device */
/*
 * The superblock of a copy of a device becomes one of its own, for set: of a device that no cache belongs to. 0,
 * -EINVAL when it is no whole superblock of data, -EUCLEAN when data was in a cache.
 */
int bcache_renew(unsigned char *bytes, const char *set, struct arena *arena) MUST_CHECK;

/* Rows of call.c's table: 0 or -errno. */
int call_bcache_register(const struct step *step, struct outcome *outcome, struct arena *arena);
int call_bcache_stop(const struct step *step, struct outcome *outcome, struct arena *arena);
int call_bcache_wipe(const struct step *step, struct outcome *outcome, struct arena *arena);
int call_bcache_renew(const struct step *step, struct outcome *outcome, struct arena *arena);
