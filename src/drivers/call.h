/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs the steps that are system calls (all but EXEC) in this process, at once. They can block in the kernel, so only
 * worker processes call this.
 */
#pragma once

#include "base/memory.h"
#include "drivers/loop_device.h"
#include "drivers/step.h"

/* Fills *outcome, which must be zeroed; what it needs is taken from arena. cursor is the process's. */
void call_run(const struct step *step, struct outcome *outcome, struct loop_cursor *cursor, struct arena *arena);
/* 0 or -errno; -ENOENT: there is no block device of this name. */
int call_measure_device(const char *path, int64_t *size_kib) MUST_CHECK;
