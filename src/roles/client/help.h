/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Help, made of the tables of commands. Width comes from COLUMNS, else it is 80. */
#pragma once

#include "base/buf.h"
#include "roles/client/arguments.h"

/* "usage: linstor node create [-h] [-p PORT] name [ip]", with an end of line. */
void help_usage(struct buf *out, const struct arguments *arguments, uint32_t depth, struct arena *arena);
/* The whole text for path[depth]. */
void help_text(struct buf *out, const struct arguments *arguments, uint32_t depth, struct arena *arena);
/* What list-commands shows. */
void help_commands(struct buf *out, const struct command *root, bool is_tree);
