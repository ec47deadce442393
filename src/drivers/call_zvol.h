/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The steps that grow a zvol below what is mounted on it, and mend what one left that died. For call.c, in workers. */
#pragma once

#include "base/memory.h"
#include "drivers/step.h"

/* Rows of call.c's table: 0 or -errno; what the tool said is in the outcome when it failed. */
int call_zvol_grow(const struct step *step, struct outcome *outcome, struct arena *arena);
int call_fs_thaw(const struct step *step, struct outcome *outcome, struct arena *arena);
