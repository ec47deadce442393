/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Amounts may be given with a unit; they are turned into the unit of the option, downwards. LINSTOR: a number alone is
 * bytes, also where the option counts something larger.
 */
#include "roles/client/drbd_options.h"

#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "model/prop_rules.h"
#include "roles/client/request.h"
#include "roles/client/session.h"
#include "roles/client/value.h"

static const char unset_prefix[] = "--unset-";

/* Parts of the options, and what stands before their names. */
static const struct {
    const char *keys, *prefix;
} sections[] = {
    { "DrbdOptions/Disk/", "" },       { "DrbdOptions/Handlers/", "handler-" }, { "DrbdOptions/Net/", "" },
    { "DrbdOptions/PeerDevice/", "" }, { "DrbdOptions/Resource/", "" },
};

/* Bytes of the unit in which the option counts; 0 when it counts no bytes. */
static const struct {
    const char *unit; /* as the rules name it */
    int64_t bytes;
} units[] = {
    { "bytes", 1 },
    { "sectors", 512 },
    { "KiB/s", 1024 },
};

static int64_t unit_bytes(const struct prop_rule *rule)
{
    if (rule->kind != PROP_RANGE)
        return 0;
    if (!rule->unit) /* a plain count: "8k" is as good as 8192 */
        return 1;
    for (size_t i = 0; i < ARRAY_SIZE(units); i++)
        if (strcmp(units[i].unit, rule->unit) == 0)
            return units[i].bytes;
    return 0;
}

/* "handler-fence-peer"; NULL when the property is no option. */
static const char *option_name(const struct prop_rule *rule, struct arena *arena)
{
    /* --timeout is how long the client waits */
    if (strcmp(rule->key, "DrbdOptions/Net/timeout") == 0)
        return "drbd-timeout";
    for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
        if (text_starts_with(rule->key, sections[i].keys))
            return arena_printf(arena, "%s%s", sections[i].prefix, rule->key + strlen(sections[i].keys));
    return NULL;
}

static const char *option_choices(const struct prop_rule *rule, struct arena *arena)
{
    char *words;

    if (rule->kind == PROP_YES_NO)
        return "yes no";
    if (rule->kind != PROP_SYMBOL)
        return NULL;
    words = arena_strdup(arena, rule->values);
    for (char *at = words; *at; at++)
        *at = *at == '|' ? ' ' : *at;
    return words;
}

/* What help calls the value. */
static const char *option_form(const struct prop_rule *rule)
{
    if (rule->kind == PROP_YES_NO)
        return "yes|no";
    if (rule->kind == PROP_NUMBER_OR_SYMBOL)
        return "N|WORD";
    if (rule->kind == PROP_RANGE)
        return unit_bytes(rule) > 0 ? "SIZE" : "N";
    return rule->kind == PROP_SYMBOL ? "WORD" : "TEXT";
}

static const char *option_help(const struct prop_rule *rule, struct arena *arena)
{
    const char *text =
        arena_printf(arena, "%c%s", *rule->text - (*rule->text >= 'a' && *rule->text <= 'z' ? 32 : 0), rule->text + 1);
    const char *values = rule->kind == PROP_RANGE || rule->kind == PROP_NUMBER_OR_SYMBOL
                             ? arena_printf(arena, " %s%s%s", prop_rule_values(arena, rule), rule->unit ? " " : "",
                                            rule->unit ? rule->unit : "")
                             : "";
    const char *given = unit_bytes(rule) > 1 ? ", given in bytes or with a unit: 512k, 4M" : "";

    return arena_printf(arena, "%s%s%s.", text, values, given);
}

const struct argument *drbd_option_arguments(uint32_t objects, struct arena *arena)
{
    struct argument *rows = arena_alloc(arena, sizeof(*rows) * (prop_rule_count * 2 + 1));
    size_t count = 0, options;

    for (size_t i = 0; i < prop_rule_count; i++) {
        const struct prop_rule *rule = &prop_rules[i];
        const char *name = rule->objects & objects ? option_name(rule, arena) : NULL;

        if (name)
            rows[count++] = (struct argument){ .names = arena_printf(arena, "--%s", name),
                                               .value = option_form(rule),
                                               .type = rule->kind == PROP_YES_NO ? TYPE_LOWER : TYPE_TEXT,
                                               .choices = option_choices(rule, arena),
                                               .rule = rule,
                                               .help = option_help(rule, arena) };
    }
    options = count;
    for (size_t i = 0; i < options; i++)
        rows[count++] = (struct argument){ .names = arena_printf(arena, "%s%s", unset_prefix, rows[i].names + 2),
                                           .count = COUNT_FLAG,
                                           .is_hidden = true,
                                           .rule = rows[i].rule };
    return rows;
}

/* The value as the controller takes it; NULL and the reason shown. */
static const char *option_value(struct call *call, const struct prop_rule *rule, const char *text)
{
    int64_t per_unit = unit_bytes(rule), number;
    const char *error = NULL;

    if (rule->kind == PROP_RANGE) {
        if (per_unit > 0)
            error = value_parse_bytes(call->arena, text, &number);
        else if (!text_parse_i64(text, INT64_MIN, INT64_MAX, &number))
            error = arena_printf(call->arena, "invalid range value: '%s'", text);
        number = error || per_unit == 0 ? (error ? 0 : number) : number / per_unit;
        if (!error && (number < rule->min || number > rule->max))
            error = arena_printf(call->arena, "%lld not in range: [%lld, %lld]", (long long)number,
                                 (long long)rule->min, (long long)rule->max);
        text = arena_printf(call->arena, "%lld", (long long)number);
    } else if (rule->kind == PROP_NUMBER_OR_SYMBOL) {
        struct text_list words = { 0 };

        value_split(call->arena, rule->values, '|', &words);
        if (!text_parse_i64(text, rule->min, rule->max, &number) && !text_list_has(&words, text))
            error = arena_printf(call->arena, "'%s' is none of: %s", text, prop_rule_values(call->arena, rule));
    }
    if (!error)
        return text;
    client_fail(call->client, EXIT_ARGUMENTS, "argument %s: %s", option_name(rule, call->arena), error);
    return NULL;
}

int run_drbd_options(struct call *call)
{
    CLEANUP(buf_done) struct buf body = { 0 };
    struct json_writer writer = { .out = &body };
    struct text_map set = { 0 };
    struct text_list unset = { 0 };

    for (uint32_t i = 0; i < call->arguments->own_count; i++) {
        const struct argument_value *given = &call->arguments->own[i];
        const struct prop_rule *rule = given->argument->rule;
        const char *value;

        if (!given->is_given || !rule)
            continue;
        if (given->argument->count == COUNT_FLAG) {
            if (text_map_find(&set, rule->key))
                return client_fail(call->client, EXIT_ARGUMENTS,
                                   "Error: You are not allowed to set and unset an option at the same time!");
            text_list_add(&unset, rule->key, call->arena);
            continue;
        }
        value = option_value(call, rule, given->texts.at[0]);
        if (!value)
            return EXIT_ARGUMENTS;
        text_map_set(&set, rule->key, value, call->arena);
    }
    json_begin(&writer, '{');
    json_key(&writer, "override_props");
    json_begin(&writer, '{');
    for (uint32_t i = 0; i < set.count; i++) {
        json_key(&writer, set.at[i].key);
        json_text(&writer, set.at[i].value);
    }
    json_end(&writer, '}');
    json_key(&writer, "delete_props");
    json_begin(&writer, '[');
    for (uint32_t i = 0; i < unset.count; i++)
        json_text(&writer, unset.at[i]);
    json_end(&writer, ']');
    json_end(&writer, '}');
    return session_send(call->client, call->command->method, request_path(call, call->command->target, NULL),
                        buf_text(&body));
}
