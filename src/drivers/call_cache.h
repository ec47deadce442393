/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The step that looks what lies on the device of a cache before the kernel does. For call.c, in workers. The formats
 * are those of the kernel's dm-writecache, dm-cache and bcache.
 */
#pragma once

#include "base/memory.h"
#include "drivers/step.h"

/* The number of so many bytes. */
uint64_t cache_little_endian(const unsigned char *bytes, int count);
/*
 * Whether the 512 bytes are a superblock of bcache, and what it says. Versions 1, 4 and 6 of the format are of devices
 * that are cached; the others are of caches.
 */
bool cache_read_bcache(const unsigned char *bytes, struct found_device *found, struct arena *arena);

/* A row of call.c's table: 0 or -errno. */
int call_ask_cache(const struct step *step, struct outcome *outcome, struct arena *arena);
