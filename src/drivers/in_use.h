/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who uses a block device, for the text that says why something failed. Reads /proc and /sys, so only workers call it.
 */
#pragma once

#include "base/arena.h"

/* "/dev/loop3 is in use: mounted at /mnt, used by db_cache" or "...: open in dd (process 4711)"; NULL: nobody was
 * found. */
char *in_use_describe(const char *device, struct arena *arena);
