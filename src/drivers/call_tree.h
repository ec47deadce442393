/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The steps that ask and change the kernel's trees of files: configfs, sysfs, and a device that is written commands
 * to. For call.c, in workers. Nothing is changed but what tree_is_allowed.
 */
#pragma once

#include "base/memory.h"
#include "drivers/step.h"

/* 0 or -errno. Where the path leads is not looked at: see tree_is_allowed. */
int tree_apply(const struct tree_entry *entry) MUST_CHECK;
/* Whether path lies where steps may look and change, and has no "..". */
bool tree_is_allowed(const char *path);
/* The first line of a small file of sysfs, without blanks at its end; 0 or -errno. */
int tree_read(const char *path, char *value, size_t size) MUST_CHECK;
/* Whether a file that reads as found has value: alone, or in brackets among others that could be chosen. */
bool tree_value_is(const char *found, const char *value);
/* 0, -EBUSY, or what else prevents to open the device alone; 0 when it is not there. */
int tree_check_unused(const char *device) MUST_CHECK;

/* Rows of call.c's table: 0 or -errno. */
int call_tree_ask(const struct step *step, struct outcome *outcome, struct arena *arena);
int call_tree_change(const struct step *step, struct outcome *outcome, struct arena *arena);
int call_tree_wait_block(const struct step *step, struct outcome *outcome, struct arena *arena);
