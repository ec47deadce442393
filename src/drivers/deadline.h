/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waiting in plain blocking code, not longer than until a point in time. Workers do; the satellite has its loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum { DEADLINE_NEVER = -1 };

/* Of a clock that only goes forward. */
int64_t deadline_now_ms(void);
/*
 * Reads until whoever writes is gone: true. False when it is end_ms before that; DEADLINE_NEVER waits for ever. What
 * was read is added to *said, which may be NULL, as long as it has less than limit bytes.
 */
bool deadline_read_end(int descriptor, int64_t end_ms, struct buf *said, size_t limit);
