/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waiting for the kernel, udev and tools in plain blocking code. Only workers do; the satellite has its loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum { PATIENCE_FOREVER = -1 };

int64_t patience_now_ms(void); /* of a clock that only goes forwards */
void patience_pause(void);     /* for the moment between two looks */
/*
 * Reads until whoever writes is gone: true. False when it is end_ms before that; PATIENCE_FOREVER waits for ever. What
 * was read is added to *said, which may be NULL, as long as it has less than limit bytes.
 */
bool patience_read_end(int descriptor, int64_t end_ms, struct buf *said, size_t limit);
