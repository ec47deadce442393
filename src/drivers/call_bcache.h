/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The steps that register devices with the kernel's bcache, and take them away from it. For call.c, in workers. */
#pragma once

#include "base/memory.h"
#include "drivers/step.h"

/* Rows of call.c's table: 0 or -errno. */
int call_bcache_register(const struct step *step, struct outcome *outcome, struct arena *arena);
int call_bcache_stop(const struct step *step, struct outcome *outcome, struct arena *arena);
int call_bcache_renew(const struct step *step, struct outcome *outcome, struct arena *arena);
