/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Removes what would let a later user of the same blocks take them for a file system, a RAID member or a DRBD disk:
 * both ends, and the signatures that lie further in. Blocks that are zeroes already are not written, so that a sparse
 * volume stays sparse. Runs in workers.
 */
#pragma once

#include <stdint.h>

#include "base/memory.h"

/* 0 or -errno. descriptor is open for reading and writing and shows size bytes. */
int wipe_descriptor(int descriptor, int64_t size) MUST_CHECK;
