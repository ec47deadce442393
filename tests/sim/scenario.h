/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stories that are told, not drawn by lot: bugs that were found once, each in a calm world where only what the story
 * says happens. After every event the claims of the controller are compared with the machines.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "world.h"

size_t scenario_count(void);
const char *scenario_name(size_t index);
/* In a process of its own. Ends it when something is wrong. */
void scenario_run(size_t index, bool is_verbose, struct counts *counts);
