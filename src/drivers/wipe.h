/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Removes what would let a later user of the same blocks take them for a file system, a RAID member or a DRBD disk:
 * every signature that libblkid knows, and both ends. Nothing else is written, and blocks that are zeroes already are
 * not, so that a sparse volume stays sparse. Runs in workers.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/library.h"
#include "base/memory.h"

/*
 * 0, or -errno. descriptor is open for reading and writing and shows size bytes. -ELIBACC and the reason in why when
 * libblkid is not there; nothing was written then. why is empty with other errors.
 */
int wipe_descriptor(int descriptor, int64_t size, char why[static LIBRARY_WHY_SIZE]) MUST_CHECK;
/*
 * What a device bears, by libblkid's name of it ("ext4", "dos"); "" when it knows none. Nothing is written. 0, or
 * -errno as above.
 */
enum { WIPE_TYPE_SIZE = 64 };
int wipe_find_signature(int descriptor, char type[static WIPE_TYPE_SIZE], char why[static LIBRARY_WHY_SIZE]) MUST_CHECK;
/* Likewise everything that it bears, each kind once: "LVM2_member and dos". What was found before an error is there. */
int wipe_find_signatures(int descriptor, struct buf *types, char why[static LIBRARY_WHY_SIZE]) MUST_CHECK;
/* Zeroes 4096 bytes, or what is left of size bytes; nothing beyond them. 0 or -errno. */
int wipe_block(int descriptor, int64_t offset, int64_t size) MUST_CHECK;
/* 0, or -ELIBACC and the reason why nothing can be wiped on this machine. */
int wipe_check(char why[static LIBRARY_WHY_SIZE]) MUST_CHECK;
