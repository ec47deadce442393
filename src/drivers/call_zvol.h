/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The step that grows a zvol below what is mounted on it. For call.c, in workers. */
#pragma once

#include "base/memory.h"
#include "drivers/step.h"

/* A row of call.c's table: 0 or -errno; what the tool said is in the outcome when it failed. */
int call_zvol_grow(const struct step *step, struct outcome *outcome, struct arena *arena);
