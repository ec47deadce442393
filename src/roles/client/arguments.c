/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Words are walked once for each level of commands. A level with children ends at its first positional, which names the
 * child; the command itself collects positionals and deals them out at the end: each gets the least it needs, what is
 * left goes to the first that can take more.
 */
#include "roles/client/arguments.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "roles/client/list.h"
#include "roles/client/value.h"

struct walk {
    struct arguments *arguments;
    struct arena *arena;
    char *const *words;
    uint32_t count, at;
    struct argument_value *values;
    uint32_t value_count;
    struct text_list positionals;
    bool only_positionals; /* behind "--" */
};

static int complain(struct walk *walk, const char *message)
{
    if (!walk->arguments->error) {
        walk->arguments->error = message;
        walk->arguments->error_depth = walk->arguments->depth;
    }
    return -1;
}

/* "-p/--port", "name" */
static const char *title_of(const struct argument *argument, struct arena *arena)
{
    return argument_all_names(argument, "/", arena);
}

static int complain_about(struct walk *walk, const struct argument *argument, const char *what)
{
    return complain(walk, arena_printf(walk->arena, "argument %s: %s", title_of(argument, walk->arena), what));
}

static struct argument_value *make_values(const struct command *command, uint32_t *count, struct arena *arena)
{
    LIST_OF(struct argument_value) values = { 0 };
    const struct argument *rows;

    for (unsigned i = 0; (rows = command_table(command, i, arena)); i++)
        for (; rows->names; rows++)
            LIST_ADD(&values, arena)->argument = rows;
    *count = values.count;
    return values.at;
}

static bool is_negative_number(const char *word)
{
    size_t digits = strspn(word + 1, "0123456789");

    if (word[0] != '-')
        return false;
    if (word[1 + digits] == '.') {
        size_t fraction = strspn(word + 2 + digits, "0123456789");

        return fraction > 0 && !word[2 + digits + fraction];
    }
    return digits > 0 && !word[1 + digits];
}

/* The option whose name is the word's first length bytes; with unique set, whose long name begins so. NULL; *clash:
 * more than one. */
static struct argument_value *match_option(struct argument_value *values, uint32_t count, const char *word,
                                           size_t length, bool beginning, const char **clash, struct arena *arena)
{
    struct argument_value *found = NULL;
    const char *first = NULL;

    *clash = NULL;
    for (uint32_t i = 0; i < count; i++) {
        int name_length;

        if (!argument_is_option(values[i].argument))
            continue;
        for (unsigned j = 0;; j++) {
            const char *name = names_at(values[i].argument->names, j, &name_length);

            if (name_length == 0)
                break;
            if (strncmp(name, word, length) != 0 ||
                (beginning ? (size_t)name_length < length : (size_t)name_length != length))
                continue;
            if (!beginning)
                return &values[i];
            if (found && found != &values[i] && !*clash)
                *clash = arena_printf(arena, "ambiguous option: %.*s could match %s, %.*s", (int)length, word, first,
                                      name_length, name);
            if (!found)
                first = arena_strndup(arena, name, (size_t)name_length);
            found = &values[i];
        }
    }
    return *clash ? NULL : found;
}

static struct argument_value *find_exact(struct walk *walk, const char *word, size_t length)
{
    struct arguments *arguments = walk->arguments;
    const char *clash;
    struct argument_value *found =
        match_option(walk->values, walk->value_count, word, length, false, &clash, walk->arena);

    if (!found)
        found = match_option(arguments->global, arguments->global_count, word, length, false, &clash, walk->arena);
    return found;
}

/* "--description=two words", "-dtwo words" */
static bool begins_with_option(struct walk *walk, const char *word)
{
    size_t length = strcspn(word, "=");
    const char *clash;

    if (find_exact(walk, word, length) || (word[1] != '-' && find_exact(walk, word, 2)))
        return true;
    return word[1] == '-' && length > 2 &&
           (match_option(walk->values, walk->value_count, word, length, true, &clash, walk->arena) || clash);
}

/* Whether the word cannot be an option. */
static bool is_value(struct walk *walk, const char *word)
{
    if (walk->only_positionals || word[0] != '-' || !word[1] || is_negative_number(word))
        return true;
    return strchr(word, ' ') && !begins_with_option(walk, word);
}

static int check_value(struct walk *walk, const struct argument *argument, char *text);

static int take_value(struct walk *walk, struct argument_value *value, const char *text)
{
    char *copy = arena_strdup(walk->arena, text);

    if (check_value(walk, value->argument, copy) != 0)
        return -1;
    *LIST_ADD(&value->texts, walk->arena) = copy;
    return 0;
}

/* The values of an option whose name has been read; attached is what stood in the same word, or NULL. */
static int take_option(struct walk *walk, struct argument_value *value, const char *attached)
{
    const struct argument *argument = value->argument;
    uint32_t limit = argument->count == COUNT_ONE || argument->count == COUNT_OPTIONAL ? 1 : UINT32_MAX;

    value->is_given = true;
    value->texts = (struct text_list){ 0 };
    if (argument->count == COUNT_FLAG) {
        if (attached)
            return complain_about(walk, argument,
                                  arena_printf(walk->arena, "ignored explicit argument '%s'", attached));
        return 0;
    }
    if (attached)
        return take_value(walk, value, attached);
    while (value->texts.count < limit && walk->at < walk->count && is_value(walk, walk->words[walk->at]))
        if (take_value(walk, value, walk->words[walk->at++]) != 0)
            return -1;
    if (value->texts.count == 0 && argument->count == COUNT_ONE)
        return complain_about(walk, argument, "expected one argument");
    if (value->texts.count == 0 && argument->count == COUNT_SOME)
        return complain_about(walk, argument, "expected at least one argument");
    return 0;
}

/* "-pg node": flags, of which the last may take a value, "-nnode". 1 when it was one, 0 when it is none, -1. */
static int take_bundle(struct walk *walk, const char *word)
{
    struct argument_value *value;
    char option[3] = { '-', word[1], '\0' };

    if (word[1] == '-' || !(value = find_exact(walk, option, 2)))
        return word[1] == 'h' ? (walk->arguments->wants_help = true) : 0;
    if (value->argument->count != COUNT_FLAG)
        return take_option(walk, value, word + 2 + (word[2] == '=')) == 0 ? 1 : -1;
    for (const char *at = word + 1; *at; at++) {
        option[1] = *at;
        value = find_exact(walk, option, 2);
        if (!value && *at == 'h') {
            walk->arguments->wants_help = true;
            return 1;
        }
        if (!value)
            return complain_about(walk, find_exact(walk, (char[]){ '-', word[1] }, 2)->argument,
                                  arena_printf(walk->arena, "ignored explicit argument '%s'", at));
        if (value->argument->count != COUNT_FLAG)
            return take_option(walk, value, at[1] ? at + 1 : NULL) == 0 ? 1 : -1;
        if (take_option(walk, value, NULL) != 0)
            return -1;
    }
    return 1;
}

static int unrecognized(struct walk *walk, const char *words)
{
    complain(walk, arena_printf(walk->arena, "unrecognized arguments: %s", words));
    walk->arguments->error_depth = 0;
    return -1;
}

static int walk_option(struct walk *walk)
{
    const char *word = walk->words[walk->at++], *equals = strchr(word, '='), *clash;
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    struct argument_value *value;
    int bundle;

    if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0) {
        walk->arguments->wants_help = true;
        return 0;
    }
    if ((value = find_exact(walk, word, strlen(word))))
        return take_option(walk, value, NULL);
    if (equals && (value = find_exact(walk, word, length)))
        return take_option(walk, value, equals + 1);
    if (word[1] != '-' && (bundle = take_bundle(walk, word)) != 0)
        return bundle < 0 ? -1 : 0;
    if (word[1] == '-') {
        value = match_option(walk->values, walk->value_count, word, length, true, &clash, walk->arena);
        if (clash)
            return complain(walk, clash);
        if (value)
            return take_option(walk, value, equals ? equals + 1 : NULL);
        if (length > 2 && strncmp("--help", word, length) == 0) {
            walk->arguments->wants_help = true;
            return 0;
        }
    }
    return unrecognized(walk, word);
}

static int check_choice(struct walk *walk, const struct argument *argument, const char *text)
{
    struct text_list choices = { 0 };

    value_split(walk->arena, argument->choices, ' ', &choices);
    if (text_list_has(&choices, text))
        return 0;
    return complain_about(walk, argument,
                          arena_printf(walk->arena, "invalid choice: '%s' (choose from '%s')", text,
                                       value_join(walk->arena, &choices, "', '")));
}

static int check_range(struct walk *walk, const struct argument *argument, const char *text, int64_t min, int64_t max)
{
    int64_t number;

    if (!text_parse_i64(text, INT64_MIN, INT64_MAX, &number))
        return complain_about(walk, argument, arena_printf(walk->arena, "invalid range value: '%s'", text));
    if (number >= min && number <= max)
        return 0;
    walk->arguments->error_is_bare = true;
    return complain(walk, arena_printf(walk->arena, "%lld not in range: [%lld, %lld]", (long long)number,
                                       (long long)min, (long long)max));
}

static int check_column(struct walk *walk, const struct argument *argument, const char *text)
{
    const struct list *list = walk->arguments->path[walk->arguments->depth]->list;

    if (!list || list_find_column(list, text) >= 0)
        return 0;
    return complain_about(walk, argument,
                          arena_printf(walk->arena, "invalid choice: '%s' (choose from '%s')", text,
                                       value_join(walk->arena, list_column_names(list, walk->arena), "', '")));
}

/* May change the letters' case. */
static int check_value(struct walk *walk, const struct argument *argument, char *text)
{
    int64_t number;

    switch (argument->type) {
    case TYPE_TEXT:
    case TYPE_SIZE:
    case TYPE_LAYERS:
    case TYPE_PROVIDERS:
    case TYPE_AUX:
    case TYPE_AUX_COUNTS:
    case TYPE_PLACE_COUNT:
    case TYPE_SWITCH:
    case TYPE_SHOW_PROPS:
    case TYPE_SPAN:
    case TYPE_DAY: break;
    case TYPE_INTEGER:
        if (!text_parse_i64(text, INT64_MIN, INT64_MAX, &number))
            return complain_about(walk, argument, arena_printf(walk->arena, "invalid int value: '%s'", text));
        break;
    case TYPE_PORT: return check_range(walk, argument, text, 1, 65535);
    case TYPE_SLOTS: return check_range(walk, argument, text, 1, 31);
    case TYPE_LOWER:
    case TYPE_COLUMNS:
        for (char *at = text; *at; at++)
            *at = (char)tolower((unsigned char)*at);
        if (argument->type == TYPE_COLUMNS)
            return check_column(walk, argument, text);
        break;
    }
    return argument->choices ? check_choice(walk, argument, text) : 0;
}

static uint32_t least(const struct argument *argument)
{
    return argument->count == COUNT_ONE || argument->count == COUNT_SOME;
}

/* Deals the positionals out. */
static int deal(struct walk *walk)
{
    uint32_t needed = 0, at = 0, spare;

    for (uint32_t i = 0; i < walk->value_count; i++)
        if (!argument_is_option(walk->values[i].argument))
            needed += least(walk->values[i].argument);
    if (walk->positionals.count < needed)
        return complain(walk, "too few arguments");
    spare = walk->positionals.count - needed;
    for (uint32_t i = 0; i < walk->value_count; i++) {
        struct argument_value *value = &walk->values[i];
        const struct argument *argument = value->argument;
        uint32_t take = least(argument), more;

        if (argument_is_option(argument))
            continue;
        more = argument->count == COUNT_ONE ? 0 : argument->count == COUNT_OPTIONAL ? spare > 0 : spare;
        spare -= more;
        value->is_given = take + more > 0;
        for (uint32_t end = at + take + more; at < end; at++)
            if (take_value(walk, value, walk->positionals.at[at]) != 0)
                return -1;
    }
    if (at < walk->positionals.count) {
        struct text_list rest = { walk->positionals.at + at, walk->positionals.count - at, 0 };

        return unrecognized(walk, value_join(walk->arena, &rest, " "));
    }
    for (uint32_t i = 0; i < walk->value_count; i++)
        if (walk->values[i].argument->is_required && !walk->values[i].is_given)
            return complain(walk, arena_printf(walk->arena, "argument %s is required",
                                               title_of(walk->values[i].argument, walk->arena)));
    return 0;
}

static int walk_command(struct walk *walk)
{
    while (walk->at < walk->count && !walk->arguments->wants_help) {
        char *word = walk->words[walk->at];

        if (!walk->only_positionals && strcmp(word, "--") == 0) {
            walk->only_positionals = true;
            walk->at++;
        } else if (is_value(walk, word)) {
            *LIST_ADD(&walk->positionals, walk->arena) = word;
            walk->at++;
        } else if (walk_option(walk) != 0) {
            return -1;
        }
    }
    return walk->arguments->wants_help ? 0 : deal(walk);
}

/* Up to and including the word that names a child. */
static int walk_to_child(struct walk *walk, const struct command *command)
{
    struct arguments *arguments = walk->arguments;
    struct text_list words = { 0 };

    while (walk->at < walk->count) {
        const struct command *child;

        if (!is_value(walk, walk->words[walk->at])) {
            if (walk_option(walk) != 0)
                return -1;
            if (arguments->wants_help)
                return 0;
            continue;
        }
        child = command_find_child(command, walk->words[walk->at]);
        if (child) {
            walk->at++;
            arguments->path[++arguments->depth] = child;
            return 0;
        }
        for (child = command_children(command); child->names; child++) {
            int length;
            const char *name = names_at(child->names, 0, &length);

            if (!child->is_hidden)
                *LIST_ADD(&words, walk->arena) = arena_strndup(walk->arena, name, (size_t)length);
        }
        return complain(walk, arena_printf(walk->arena, "argument {%s}: invalid choice: '%s' (choose from '%s')",
                                           value_join(walk->arena, &words, ", "), walk->words[walk->at],
                                           value_join(walk->arena, &words, "', '")));
    }
    return complain(walk, "too few arguments");
}

int arguments_parse(struct arguments *arguments, const struct command *root, char *const *words, uint32_t count,
                    struct arena *arena)
{
    struct walk walk = { .arguments = arguments, .arena = arena, .words = words, .count = count };

    *arguments = (struct arguments){ .path = { root } };
    arguments->global = make_values(root, &arguments->global_count, arena);
    walk.values = arguments->global;
    walk.value_count = arguments->global_count;
    while (command_children(arguments->path[arguments->depth])) {
        if (walk_to_child(&walk, arguments->path[arguments->depth]) != 0)
            return -1;
        if (arguments->wants_help)
            return 0;
        walk.value_count = 0;
    }
    arguments->own = make_values(arguments->path[arguments->depth], &arguments->own_count, arena);
    walk.values = arguments->own;
    walk.value_count = arguments->own_count;
    return walk_command(&walk);
}

const char *arguments_program(const struct arguments *arguments, uint32_t depth, struct arena *arena)
{
    const char *program = "linstor";

    for (uint32_t i = 1; i <= depth; i++) {
        int length;
        const char *name = names_at(arguments->path[i]->names, 0, &length);

        program = arena_printf(arena, "%s %.*s", program, length, name);
    }
    return program;
}

static const struct argument_value *find_in(const struct argument_value *values, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++) {
        int length;
        const char *own = argument_name(values[i].argument, &length);

        if (strncmp(own, name, (size_t)length) == 0 && !name[length])
            return values[i].is_given ? &values[i] : NULL;
    }
    return NULL;
}

const struct argument_value *arguments_find(const struct arguments *arguments, const char *name)
{
    const struct argument_value *value = find_in(arguments->own, arguments->own_count, name);

    return value ? value : find_in(arguments->global, arguments->global_count, name);
}

bool arguments_have(const struct arguments *arguments, const char *name)
{
    return arguments_find(arguments, name) != NULL;
}

const char *arguments_text(const struct arguments *arguments, const char *name)
{
    const struct argument_value *value = arguments_find(arguments, name);

    return value && value->texts.count > 0 ? value->texts.at[0] : NULL;
}
