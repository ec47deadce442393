/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Texts of the device-mapper: a table of one line, as it is loaded, and what its target says. For call_dm.c; nothing is
 * asked of the device-mapper here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"

enum { DM_TARGET_NAME = 16 };

struct dm_table {
    uint64_t start, sectors;
    char target[DM_TARGET_NAME];
    const char *arguments; /* in the text that was parsed */
};

/* "0 65536 writecache s /dev/loop0 ..."; 0 or -EINVAL. NULL is no table. */
int dm_table_parse(const char *text, struct dm_table *table) MUST_CHECK;
/* Whether both arguments name the same devices in the same order: as 7:1 or as /dev/loop1. */
bool dm_table_has_same_devices(const char *a, const char *b);
/* How many blocks of a cache are not yet written back, by its status; -EIO when it says that it has failed. */
int dm_table_parse_dirty(const char *status, int64_t *blocks) MUST_CHECK;
