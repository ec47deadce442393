/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Command lines of the daemons and helpers: a table of options, read into a struct, and --help made from the same
 * table. The client has a parser of its own, which follows the rules of the commands it replaces.
 *
 *     struct options { char *data_dir; int32_t port; bool help; };
 *     static const struct opt opts[] = {
 *         OPT(options, data_dir, "data-dir", 'd', "DIR", "LS_DATA_DIR", "where records are kept"),
 *         OPT_RANGE(options, port, "port", 'p', "PORT", NULL, "port to listen on (3366)", 1, 65535),
 *         OPT(options, help, "help", 'h', NULL, NULL, "show this text and exit"),
 *     };
 *
 * Where a value comes from is the order in which the caller asks: defaults set in the struct, opt_read_environment, a
 * configuration file, opt_parse; what comes later wins.
 */
#pragma once

#include "base/field.h"

enum opt_kind { OPT_KIND_TEXT, OPT_KIND_FLAG, OPT_KIND_NUMBER, OPT_KIND_TEXTS, OPT_KIND_ENUM, OPT_KIND_IGNORED };

struct opt {
    const char *name;     /* "port": --port 3366, --port=3366 */
    const char *argument; /* "PORT"; NULL: takes none */
    const char *variable; /* of the environment, or NULL */
    const char *help;     /* NULL: accepted but not shown */
    const struct enum_name *names;
    int64_t min, max;
    uint16_t offset; /* of the member */
    uint8_t kind;
    char letter; /* 'p': -p 3366, -p3366; 0: none */
};

/*
 * char *; bool (takes no argument); int32_t; struct text_list (may be repeated, and separated by commas; replaces
 * what a weaker source gave).
 */
#define OPT(T, member, name, letter, argument, variable, help)                                                         \
    OPT_RANGE(T, member, name, letter, argument, variable, help, INT32_MIN, INT32_MAX)
/* clang-format off */
#define OPT_RANGE(T, member, n, l, a, v, h, low, high) { .name = (n), .argument = (a), .variable = (v), .help = (h),    \
    .min = (low), .max = (high), .offset = offsetof(struct T, member), .letter = (l),                                   \
    .kind = _Generic(((struct T *)0)->member, char *: OPT_KIND_TEXT, bool: OPT_KIND_FLAG, int32_t: OPT_KIND_NUMBER,     \
                     struct text_list: OPT_KIND_TEXTS) }
/* uint32_t, one of names; case does not count. */
#define OPT_ENUM(T, member, n, l, a, v, h, table) { .name = (n), .argument = (a), .variable = (v), .help = (h),         \
    .names = (table), .offset = offsetof(struct T, member), .letter = (l),                                              \
    .kind = _Generic(((struct T *)0)->member, uint32_t: OPT_KIND_ENUM) }
/* What older command lines may hold and nobody reads. */
#define OPT_IGNORED(n, l, a) { .name = (n), .argument = (a), .letter = (l), .kind = OPT_KIND_IGNORED }
/* clang-format on */

struct opt_table {
    const char *usage; /* "linstor-satellite [OPTION]..." */
    const char *about; /* a sentence or two, or NULL */
    const struct opt *opts;
    size_t count;
};

struct opt_error {
    char message[256]; /* "--port: expected a number from 1 to 65535, got 'x'" */
};

/*
 * argv[0] is skipped. Text is copied into arena. What stands alone goes to rest, or is an error when rest is NULL; "--"
 * ends the options. Of an option given twice the last counts. 0, or -1 and *error.
 */
int opt_parse(const struct opt_table *table, void *object, int argc, char *const *argv, struct text_list *rest,
              struct arena *arena, struct opt_error *error) MUST_CHECK;
/* The variables that the table names; an empty one counts as not set. 0, or -1 and *error, which names the variable. */
int opt_read_environment(const struct opt_table *table, void *object, struct arena *arena,
                         struct opt_error *error) MUST_CHECK;
void opt_format_help(const struct opt_table *table, struct buf *out);
