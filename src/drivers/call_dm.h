/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The steps that ask and change the device-mapper, through libdevmapper. For call.c, in workers. Mappings have one
 * target each; other programs' mappings are not touched, as whoever plans gives the names.
 */
#pragma once

#include "base/library.h"
#include "drivers/step.h"

/* 0, or -ELIBACC and the reason why nothing can be mapped on this machine. */
int call_dm_check(char why[static LIBRARY_WHY_SIZE]) MUST_CHECK;

/* Rows of call.c's table: 0 or -errno. */
int call_dm_ask(const struct step *step, struct outcome *outcome, struct arena *arena);
int call_dm_create(const struct step *step, struct outcome *outcome, struct arena *arena);
int call_dm_reload(const struct step *step, struct outcome *outcome, struct arena *arena);
int call_dm_suspend(const struct step *step, struct outcome *outcome, struct arena *arena);
int call_dm_resume(const struct step *step, struct outcome *outcome, struct arena *arena);
int call_dm_thaw(const struct step *step, struct outcome *outcome, struct arena *arena);
int call_dm_message(const struct step *step, struct outcome *outcome, struct arena *arena);
int call_dm_wait_clean(const struct step *step, struct outcome *outcome, struct arena *arena);
int call_dm_remove(const struct step *step, struct outcome *outcome, struct arena *arena);
