/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/opt.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { HELP_COLUMN = 34, HELP_WIDTH = 100, LABEL_SIZE = 64 };

struct parsing {
    const struct opt_table *table;
    void *object;
    struct arena *arena;
    struct opt_error *error;
    bool *seen; /* by the option's place in the table */
};

static int complain(const struct parsing *parsing, const char *format, ...) PRINTF_LIKE(2, 3);
static int complain(const struct parsing *parsing, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(parsing->error->message, sizeof(parsing->error->message), format, args);
    va_end(args);
    return -1;
}

static int set_flag(const struct parsing *parsing, const char *label, const char *value, bool *flag)
{
    static const struct enum_name words[] = { { "true", 1 }, { "yes", 1 }, { "on", 1 }, { "1", 1 }, { "false", 0 },
                                              { "no", 0 },   { "off", 0 }, { "0", 0 },  { 0 } };
    uint64_t found = 1;

    if (value && !enum_parse(words, value, &found))
        return complain(parsing, "%s: expected true or false, got '%.64s'", label, value);
    *flag = found == 1;
    return 0;
}

static int set_number(const struct parsing *parsing, const struct opt *opt, const char *label, const char *value,
                      int32_t *number)
{
    int64_t wide;

    if (!text_parse_i64(value, opt->min, opt->max, &wide)) {
        if (opt->min == INT32_MIN && opt->max == INT32_MAX)
            return complain(parsing, "%s: expected a number, got '%.64s'", label, value);
        return complain(parsing, "%s: expected a number from %" PRId64 " to %" PRId64 ", got '%.64s'", label, opt->min,
                        opt->max, value);
    }
    *number = (int32_t)wide;
    return 0;
}

static int set_enum(const struct parsing *parsing, const struct opt *opt, const char *label, const char *value,
                    uint32_t *number)
{
    char known[128] = "";
    uint64_t found;

    if (enum_parse(opt->names, value, &found)) {
        *number = (uint32_t)found;
        return 0;
    }
    for (const struct enum_name *name = opt->names; name->name; name++) {
        size_t used = strlen(known);

        snprintf(known + used, sizeof(known) - used, "%s%s", used ? ", " : "", name->name);
    }
    return complain(parsing, "%s: expected one of %s, got '%.64s'", label, known, value);
}

/* The first value of a source replaces what a weaker source gave; further ones of the same source are added. */
static void add_texts(const struct parsing *parsing, const struct opt *opt, const char *value, struct text_list *list)
{
    bool *seen = &parsing->seen[opt - parsing->table->opts];

    if (!*seen)
        *list = (struct text_list){ 0 };
    *seen = true;
    while (*value) {
        size_t length = strcspn(value, ",");

        if (length > 0)
            text_list_add(list, arena_strndup(parsing->arena, value, length), parsing->arena);
        value += length + (value[length] == ',');
    }
}

/* label is what the user wrote: "--port", "-p", "LS_PORT". value is NULL for a flag on the command line. */
static int set(const struct parsing *parsing, const struct opt *opt, const char *label, const char *value)
{
    void *member = (char *)parsing->object + opt->offset;

    assert(value || opt->kind == OPT_KIND_FLAG || opt->kind == OPT_KIND_IGNORED);

    switch ((enum opt_kind)opt->kind) {
    case OPT_KIND_TEXT: *(char **)member = arena_strdup(parsing->arena, value); return 0;
    case OPT_KIND_FLAG: return set_flag(parsing, label, value, member);
    case OPT_KIND_NUMBER: return set_number(parsing, opt, label, value, member);
    case OPT_KIND_TEXTS: add_texts(parsing, opt, value, member); return 0;
    case OPT_KIND_ENUM: return set_enum(parsing, opt, label, value, member);
    case OPT_KIND_IGNORED: return 0;
    }
    abort();
}

/* "--port", "--port=3366". next is the following word or NULL; the count of words used, or -1. */
static int parse_long(const struct parsing *parsing, const char *word, const char *next)
{
    size_t length = strcspn(word + 2, "=");
    const char *value = word[2 + length] == '=' ? word + 2 + length + 1 : NULL;
    char label[LABEL_SIZE];

    snprintf(label, sizeof(label), "--%.*s", (int)length, word + 2);
    for (size_t i = 0; i < parsing->table->count; i++) {
        const struct opt *opt = &parsing->table->opts[i];

        if (strlen(opt->name) != length || strncmp(opt->name, word + 2, length) != 0)
            continue;
        if (!opt->argument && value)
            return complain(parsing, "%s: takes no value, got '%.64s'", label, value);
        if (!opt->argument || value)
            return set(parsing, opt, label, value) == 0 ? 1 : -1;
        if (!next)
            return complain(parsing, "%s: %s is missing", label, opt->argument);
        return set(parsing, opt, label, next) == 0 ? 2 : -1;
    }
    return complain(parsing, "%s: unknown option (see --help)", label);
}

static const struct opt *find_letter(const struct opt_table *table, char letter)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->opts[i].letter == letter)
            return &table->opts[i];
    return NULL;
}

/* "-p", "-p3366", "-dv". As parse_long. */
static int parse_letters(const struct parsing *parsing, const char *word, const char *next)
{
    for (const char *letter = word + 1; *letter; letter++) {
        const struct opt *opt = find_letter(parsing->table, *letter);
        char label[] = { '-', *letter, '\0' };

        if (!opt)
            return complain(parsing, "%s: unknown option (see --help)", label);
        if (opt->argument && letter[1])
            return set(parsing, opt, label, letter + 1) == 0 ? 1 : -1;
        if (opt->argument && !next)
            return complain(parsing, "%s: %s is missing", label, opt->argument);
        if (opt->argument)
            return set(parsing, opt, label, next) == 0 ? 2 : -1;
        if (set(parsing, opt, label, NULL) != 0)
            return -1;
    }
    return 1;
}

int opt_parse(const struct opt_table *table, void *object, int argc, char *const *argv, struct text_list *rest,
              struct arena *arena, struct opt_error *error)
{
    const struct parsing parsing = { table, object, arena, error, arena_alloc(arena, table->count) };
    bool are_options = true;

    for (int i = 1; i < argc;) {
        const char *word = argv[i], *next = i + 1 < argc ? argv[i + 1] : NULL;
        int used = 1;

        if (are_options && strcmp(word, "--") == 0) {
            are_options = false;
        } else if (are_options && word[0] == '-' && word[1] != '\0') {
            used = word[1] == '-' ? parse_long(&parsing, word, next) : parse_letters(&parsing, word, next);
            if (used < 0)
                return -1;
        } else if (rest) {
            text_list_add(rest, word, arena);
        } else {
            return complain(&parsing, "unexpected argument '%.128s' (see --help)", word);
        }
        i += used;
    }
    return 0;
}

int opt_read_environment(const struct opt_table *table, void *object, struct arena *arena, struct opt_error *error)
{
    const struct parsing parsing = { table, object, arena, error, arena_alloc(arena, table->count) };

    for (size_t i = 0; i < table->count; i++) {
        const struct opt *opt = &table->opts[i];
        const char *value = opt->variable ? getenv(opt->variable) : NULL;

        if (value && value[0] && set(&parsing, opt, opt->variable, value) != 0)
            return -1;
    }
    return 0;
}

/* Words of text in lines of HELP_WIDTH, from HELP_COLUMN on; the cursor stands at column. */
static void add_wrapped(struct buf *out, size_t column, const char *text)
{
    bool is_line_full = column + 2 > HELP_COLUMN;

    for (bool is_first = true; *text; is_first = false) {
        size_t length = strcspn(text, " ");

        is_line_full = is_line_full || (!is_first && column + 1 + length > HELP_WIDTH);
        if (is_line_full)
            buf_printf(out, "\n%*s", HELP_COLUMN, "");
        else
            buf_printf(out, "%*s", is_first ? HELP_COLUMN - (int)column : 1, "");
        column = (is_line_full || is_first ? HELP_COLUMN : column + 1) + length;
        is_line_full = false;
        buf_add(out, text, length);
        text += length;
        text += strspn(text, " ");
    }
    buf_add_char(out, '\n');
}

void opt_format_help(const struct opt_table *table, struct buf *out)
{
    buf_printf(out, "Usage: %s\n", table->usage);
    if (table->about)
        buf_printf(out, "%s\n", table->about);
    buf_add_text(out, "\nOptions:\n");
    for (size_t i = 0; i < table->count; i++) {
        const struct opt *opt = &table->opts[i];
        CLEANUP(buf_done) struct buf help = { 0 };
        size_t start = out->length;

        if (!opt->help)
            continue;
        if (opt->letter)
            buf_printf(out, "  -%c, --%s", opt->letter, opt->name);
        else
            buf_printf(out, "      --%s", opt->name);
        if (opt->argument)
            buf_printf(out, " %s", opt->argument);
        buf_add_text(&help, opt->help);
        if (opt->variable)
            buf_printf(&help, " [%s]", opt->variable);
        add_wrapped(out, out->length - start, buf_text(&help));
    }
}
