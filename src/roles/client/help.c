/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/client/help.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/layer.h"
#include "roles/client/value.h"

enum { DEFAULT_WIDTH = 80, HELP_COLUMN = 24 };

static int width(void)
{
    const char *columns = getenv("COLUMNS");
    int64_t number;

    return (columns && text_parse_i64(columns, 20, 1000, &number) ? (int)number : DEFAULT_WIDTH) - 2;
}

/* Up to the next blank; what stands in brackets is one word. */
static int word_length(const char *text, bool whole_brackets)
{
    int length = 0, depth = 0;

    while (text[length] && (text[length] != ' ' || (whole_brackets && depth > 0))) {
        depth += (text[length] == '[') - (text[length] == ']');
        length++;
    }
    return length;
}

/* Words parted by single blanks, broken into lines that begin with indent blanks; column is where the first line
 * stands. */
static void add_words(struct buf *out, const char *text, int indent, int column, bool whole_brackets)
{
    int limit = width();

    while (*text) {
        int length = word_length(text, whole_brackets);

        if (column > indent && column + 1 + length > limit) {
            buf_printf(out, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            buf_add_char(out, ' ');
            column++;
        }
        buf_add(out, text, (size_t)length);
        column += length;
        text += length + (text[length] == ' ');
    }
    buf_add_char(out, '\n');
}

/* How the value is called: PORT, or from the option's name. */
static const char *value_name(const struct argument *argument, struct arena *arena)
{
    int length;
    const char *name = argument_name(argument, &length);
    char *text = arena_strndup(arena, name, (size_t)length);

    if (argument->value)
        return argument->value;
    if (!argument_is_option(argument))
        return text;
    for (char *at = text; *at; at++)
        *at = *at == '-' ? '_' : (char)toupper((unsigned char)*at);
    return text;
}

static const char *value_pattern(const struct argument *argument, struct arena *arena)
{
    const char *name = value_name(argument, arena);

    switch (argument->count) {
    case COUNT_ONE: return name;
    case COUNT_FLAG: return "";
    case COUNT_OPTIONAL: return arena_printf(arena, "[%s]", name);
    case COUNT_ANY: return arena_printf(arena, "[%s...]", name);
    case COUNT_SOME: return arena_printf(arena, "%s...", name);
    }
    return name;
}

static const char *shortest_name(const struct argument *argument, struct arena *arena)
{
    const char *best = NULL;
    int length, best_length = 0;

    for (unsigned i = 0;; i++) {
        const char *name = names_at(argument->names, i, &length);

        if (length == 0)
            return arena_strndup(arena, best, (size_t)best_length);
        if (!best || length < best_length) {
            best = name;
            best_length = length;
        }
    }
}

static const char *usage_of(const char *usage, const struct argument *argument, struct arena *arena)
{
    const char *name, *pattern = value_pattern(argument, arena);

    if (!argument_is_option(argument))
        return arena_printf(arena, "%s %s", usage, pattern);
    name = shortest_name(argument, arena);
    return arena_printf(arena, argument->is_required ? "%s %s%s%s" : "%s [%s%s%s]", usage, name, *pattern ? " " : "",
                        pattern);
}

void help_usage(struct buf *out, const struct arguments *arguments, uint32_t depth, struct arena *arena)
{
    const struct command *command = arguments->path[depth];
    const char *usage = "[-h]", *program = arguments_program(arguments, depth, arena);
    const struct argument *rows;

    for (int options = 1; options >= 0; options--)
        for (unsigned i = 0; (rows = command_table(command, i, arena)); i++)
            for (const struct argument *row = rows; row->names; row++)
                if (!row->is_hidden && argument_is_option(row) == options)
                    usage = usage_of(usage, row, arena);
    if (command_children(command))
        usage = arena_printf(arena, "%s COMMAND ...", usage);
    buf_printf(out, "usage: %s ", program);
    add_words(out, usage, (int)strlen(program) + 8, (int)strlen(program) + 8, true);
}

static void add_entry(struct buf *out, const char *left, const char *help)
{
    buf_printf(out, "  %s", left);
    if (strlen(left) + 4 > HELP_COLUMN)
        buf_printf(out, "\n%*s", HELP_COLUMN, "");
    else
        buf_printf(out, "%*s", HELP_COLUMN - 2 - (int)strlen(left), "");
    add_words(out, help ? help : "", HELP_COLUMN, HELP_COLUMN, false);
}

/* NULL: anything may be given. */
static const char *known_words(const struct argument *argument, struct arena *arena)
{
    CLEANUP(buf_done) struct buf names = { 0 };
    char *words;

    if (argument->type != TYPE_LAYERS && argument->type != TYPE_PROVIDERS)
        return argument->choices;
    if (argument->type == TYPE_LAYERS)
        layer_kinds_print(&names);
    else
        provider_kinds_print(&names);
    words = arena_strdup(arena, buf_text(&names));
    for (char *at = words; *at && argument->type == TYPE_LAYERS; at++)
        *at = (char)tolower((unsigned char)*at);
    return words;
}

static void add_argument(struct buf *out, const struct argument *argument, struct arena *arena)
{
    const char *pattern = value_pattern(argument, arena), *left, *help = argument->help;
    const char *words = known_words(argument, arena);

    if (!argument_is_option(argument)) {
        add_entry(out, pattern, help);
        return;
    }
    left = argument_all_names(argument, ", ", arena);
    if (words)
        help = arena_printf(arena, "%s One of: %s.", help ? help : "", words);
    add_entry(out, *pattern ? arena_printf(arena, "%s %s", left, pattern) : left, help);
}

static void add_arguments(struct buf *out, const struct command *command, bool options, struct arena *arena)
{
    const struct argument *rows;
    bool is_titled = options;

    if (options) {
        buf_add_text(out, "\noptional arguments:\n");
        add_entry(out, "-h, --help", "Show this text and end.");
    }
    for (unsigned i = 0; (rows = command_table(command, i, arena)); i++) {
        for (const struct argument *row = rows; row->names; row++) {
            if (row->is_hidden || argument_is_option(row) != options)
                continue;
            if (!is_titled)
                buf_add_text(out, "\npositional arguments:\n");
            is_titled = true;
            add_argument(out, row, arena);
        }
    }
}

static int compare_commands(const void *a, const void *b)
{
    const struct command *const *left = a, *const *right = b;

    return strcmp((*left)->names, (*right)->names);
}

/* Sorted by name; NULL at the end. */
static const struct command **sorted_children(const struct command *command)
{
    const struct command **sorted;
    size_t count = 0;

    for (const struct command *child = command_children(command); child->names; child++)
        count += !child->is_hidden;
    sorted = memory_alloc(sizeof(*sorted) * (count + 1));
    count = 0;
    for (const struct command *child = command_children(command); child->names; child++)
        if (!child->is_hidden)
            sorted[count++] = child;
    qsort(sorted, count, sizeof(*sorted), compare_commands);
    return sorted;
}

/* "node (n)", "list-commands (commands, list)" */
static void add_name(struct buf *out, const struct command *command, bool shortest_alias)
{
    int length, alias_length;
    const char *name = names_at(command->names, 0, &length);
    bool is_open = false;

    buf_printf(out, "%.*s", length, name);
    for (unsigned i = 1;; i++) {
        const char *alias = names_at(command->names, i, &alias_length);

        if (alias_length == 0)
            break;
        if (shortest_alias && is_open)
            break;
        buf_printf(out, "%s%.*s", is_open ? ", " : " (", alias_length, alias);
        is_open = true;
    }
    if (is_open)
        buf_add_char(out, ')');
}

void help_text(struct buf *out, const struct arguments *arguments, uint32_t depth, struct arena *arena)
{
    const struct command *command = arguments->path[depth];

    help_usage(out, arguments, depth, arena);
    buf_add_char(out, '\n');
    add_words(out, command->summary, 0, 0, false);
    if (command_children(command)) {
        const struct command **children = sorted_children(command);

        buf_add_text(out, "\ncommands:\n");
        for (size_t i = 0; children[i]; i++) {
            CLEANUP(buf_done) struct buf name = { 0 };

            add_name(&name, children[i], false);
            add_entry(out, buf_text(&name), children[i]->summary);
        }
        free(children);
    }
    add_arguments(out, command, false, arena);
    add_arguments(out, command, true, arena);
}

static void add_tree(struct buf *out, const struct command *command, int indent)
{
    const struct command **children = sorted_children(command);

    for (size_t i = 0; children[i]; i++) {
        buf_printf(out, "%*s- ", indent, "");
        add_name(out, children[i], true);
        buf_add_char(out, '\n');
        if (command_children(children[i]))
            add_tree(out, children[i], indent + 2);
    }
    free(children);
}

void help_commands(struct buf *out, const struct command *root, bool is_tree)
{
    const struct command **children = sorted_children(root);

    if (is_tree) {
        add_tree(out, root, 0);
    } else {
        buf_add_text(out, "Use \"help <command>\" to get help for a specific command.\n\nAvailable commands:\n");
        for (size_t i = 0; children[i]; i++) {
            buf_add_text(out, "- ");
            add_name(out, children[i], false);
            buf_add_char(out, '\n');
        }
    }
    free(children);
}
