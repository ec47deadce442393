/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The step that looks what lies on the device of a cache before the kernel does. For call.c, in workers. The formats
 * are those of the kernel's dm-writecache and dm-cache.
 */
#pragma once

#include "base/memory.h"
#include "drivers/step.h"

/* A row of call.c's table: 0 or -errno. */
int call_ask_cache(const struct step *step, struct outcome *outcome, struct arena *arena);
