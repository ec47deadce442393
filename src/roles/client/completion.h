/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Completion for shells, made of the tables of commands: words, options and the values that options choose from. */
#pragma once

#include "roles/client/client.h"

/* A script for bash. */
void completion_print_bash(struct buf *out, const struct command *root, struct arena *arena);
