/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From words to the values of a command's arguments, by the rules that users of the original know: unique beginnings of
 * long options, -n a -na --nodes=a, bundles of flags, options that take all words up to the next option, "--". More is
 * allowed than there: options between positionals, global options behind the command.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/field.h"
#include "roles/client/command.h"

enum { COMMAND_DEPTH_LIMIT = 4 };

struct argument_value {
    const struct argument *argument;
    bool is_given;
    struct text_list texts;
};

struct arguments {
    const struct command *path[COMMAND_DEPTH_LIMIT + 1]; /* [0] is the root; ends with the command itself */
    uint32_t depth;                                      /* path[depth] is the command */
    struct argument_value *global, *own;                 /* of the root, of the command */
    uint32_t global_count, own_count;
    bool wants_help;
    const char *error;    /* what is wrong, for a person */
    bool error_is_bare;   /* shown without usage, as the original does for numbers out of range */
    uint32_t error_depth; /* path[error_depth] is the command whose usage belongs to it */
};

/*
 * Words without the program's own name. 0, or -1 and error. Values are checked for being numbers, choices and so on;
 * texts are kept in the arena.
 */
int arguments_parse(struct arguments *arguments, const struct command *root, char *const *words, uint32_t count,
                    struct arena *arena) MUST_CHECK;

/* "linstor node create" */
const char *arguments_program(const struct arguments *arguments, uint32_t depth, struct arena *arena);

/* Own values first, then global ones; name without dashes. NULL when the command has no such argument or it was not
 * given. */
const struct argument_value *arguments_find(const struct arguments *arguments, const char *name);
bool arguments_have(const struct arguments *arguments, const char *name);
const char *arguments_text(const struct arguments *arguments, const char *name); /* the first; NULL when not given */
