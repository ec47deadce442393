/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A key is legal on an object when the table has a row for both, or when it lies in a free namespace of the object.
 * Patterns are compiled for each check: properties change rarely, and nothing has to be kept.
 *
 * LINSTOR: keys are compared as they were written, before slashes are normalised, so "/Aux/x" is refused and "Aux//x"
 * is not.
 */
#include "model/prop_rules.h"

#include <ctype.h>
#include <errno.h>
#include <regex.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "model/rc_codes.h"

#define ON(object) (UINT32_C(1) << (object))

static const struct {
    const char *prefix;
    uint32_t objects;
} free_namespaces[] = {
    { "Aux/", ~UINT32_C(0) },
    { "EBS/Tags/", ON(PROP_ON_CONTROLLER) | ON(PROP_ON_NODE) | ON(PROP_ON_RESOURCE_DEFINITION) |
                       ON(PROP_ON_RESOURCE_GROUP) | ON(PROP_ON_VOLUME_DEFINITION) | ON(PROP_ON_VOLUME_GROUP) },
    { "SED/", ON(PROP_ON_STORAGE_POOL) },
    { "Paths/", ON(PROP_ON_NODE_CONNECTION) | ON(PROP_ON_RESOURCE_CONNECTION) },
};

/* Keys without a rule that the controller keeps to itself. */
static const char *const controller_prefixes[] = {
    "REST/",
    "Autoplacer/",
    "Cluster/Remote/",
    "SnapshotShipping/TcpPortRange",
};

static const char *const kind_names[] = {
    [PROP_REGEX] = "regex",    [PROP_SYMBOL] = "regex", /* LINSTOR: shown as the pattern of its words */
    [PROP_YES_NO] = "boolean", [PROP_BOOL] = "boolean_true_false",
    [PROP_RANGE] = "range",    [PROP_RANGE_FLOAT] = "range_float",
    [PROP_STRING] = "string",  [PROP_NUMBER_OR_SYMBOL] = "numeric_or_symbol",
    [PROP_LONG] = "long",
};

static const char *const object_texts[PROP_OBJECT_COUNT] = {
    [PROP_ON_CONTROLLER] = "controller",
    [PROP_ON_NODE] = "node",
    [PROP_ON_NET_INTERFACE] = "net interface",
    [PROP_ON_STORAGE_POOL_DEFINITION] = "storage pool definition",
    [PROP_ON_STORAGE_POOL] = "storage pool",
    [PROP_ON_RESOURCE_GROUP] = "resource group",
    [PROP_ON_VOLUME_GROUP] = "volume group",
    [PROP_ON_RESOURCE_DEFINITION] = "resource definition",
    [PROP_ON_VOLUME_DEFINITION] = "volume definition",
    [PROP_ON_RESOURCE] = "resource",
    [PROP_ON_VOLUME] = "volume",
    [PROP_ON_NODE_CONNECTION] = "node connection",
    [PROP_ON_RESOURCE_CONNECTION] = "resource connection",
    [PROP_ON_VOLUME_CONNECTION] = "volume connection",
    [PROP_ON_SNAPSHOT] = "snapshot",
    [PROP_ON_KEY_VALUE_STORE] = "key value store",
    [PROP_ON_PROXY] = "proxy",
    [PROP_ON_PROXY_ZLIB] = "proxy with zlib",
    [PROP_ON_PROXY_LZMA] = "proxy with lzma",
    [PROP_ON_PROXY_ZSTD] = "proxy with zstd",
};

const struct prop_rule *prop_rule_find(const char *key)
{
    size_t low = 0, high = prop_rule_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(prop_rules[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < prop_rule_count && strcmp(prop_rules[low].key, key) == 0 ? &prop_rules[low] : NULL;
}

const struct prop_rule *prop_rule_find_for(enum prop_object object, const char *key)
{
    const struct prop_rule *rule = prop_rule_find(key);
    const struct prop_rule *end = prop_rules + prop_rule_count;
    for (; rule && rule < end && strcmp(rule->key, key) == 0; rule++) {
        if (rule->objects & ON(object))
            return rule;
    }
    return NULL;
}

const struct prop_rule *prop_rule_next(enum prop_object object, const struct prop_rule *after)
{
    const struct prop_rule *end = prop_rules + prop_rule_count;
    for (const struct prop_rule *rule = after ? after + 1 : prop_rules; rule < end; rule++) {
        if (rule->objects & ON(object))
            return rule;
    }
    return NULL;
}

const char *prop_kind_name(enum prop_kind kind)
{
    return kind_names[kind];
}

const char *prop_rule_values(struct arena *arena, const struct prop_rule *rule)
{
    switch (rule->kind) {
    case PROP_REGEX:
    case PROP_SYMBOL: return rule->values;
    case PROP_YES_NO: return "yes|no";
    case PROP_BOOL: return "true|false|yes|no";
    case PROP_RANGE: return arena_printf(arena, "(%jd - %jd)", (intmax_t)rule->min, (intmax_t)rule->max);
    case PROP_RANGE_FLOAT: return arena_printf(arena, "(%jd.0 - %jd.0)", (intmax_t)rule->min, (intmax_t)rule->max);
    case PROP_NUMBER_OR_SYMBOL:
        return arena_printf(arena, "(%jd - %jd) or %s", (intmax_t)rule->min, (intmax_t)rule->max, rule->values);
    case PROP_LONG: return rule->bits & PROP_NOT_NEGATIVE ? "(0 - 9223372036854775807)" : "any integer";
    case PROP_STRING: break;
    }
    return "any text";
}

bool prop_is_free(enum prop_object object, const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(free_namespaces); i++) {
        const char *prefix = free_namespaces[i].prefix;
        if (!(free_namespaces[i].objects & ON(object)) || !text_starts_with(key, prefix))
            continue;
        if (strspn(key + strlen(prefix), "/") < strlen(key + strlen(prefix)))
            return true;
    }
    return false;
}

bool prop_is_controller_only(const char *key)
{
    const struct prop_rule *rule = prop_rule_find(key);
    if (rule)
        return rule->bits & PROP_CONTROLLER_ONLY;
    for (size_t i = 0; i < ARRAY_SIZE(controller_prefixes); i++) {
        if (text_starts_with(key, controller_prefixes[i]))
            return true;
    }
    return false;
}

bool prop_is_in_both(const char *key)
{
    const struct prop_rule *rule = prop_rule_find(key);
    return rule && (rule->bits & PROP_CONTROLLER_BOTH);
}

int prop_key_normalise(const char *key, struct arena *arena, const char **normalised)
{
    char *text = arena_alloc(arena, strlen(key) + 1);
    size_t length = 0;
    for (const char *c = key; *c; c++) {
        bool is_needless = *c == '/' && (length == 0 || c[1] == '/' || c[1] == '\0');
        if (!is_needless)
            text[length++] = *c;
    }
    *normalised = text;
    if (length > PROP_KEY_MAX)
        return -ENAMETOOLONG;
    return length ? 0 : -EINVAL;
}

static const char *last_component(const char *key)
{
    const char *slash = strrchr(key, '/');
    return slash ? slash + 1 : key;
}

static const char *list_objects(struct arena *arena, const char *key)
{
    struct buf list = { 0 };
    uint32_t objects = 0;
    const struct prop_rule *rule = prop_rule_find(key);
    const struct prop_rule *end = prop_rules + prop_rule_count;
    for (; rule < end && strcmp(rule->key, key) == 0; rule++)
        objects |= rule->objects;
    for (size_t i = 0; i < PROP_OBJECT_COUNT; i++) {
        if (objects & ON(i))
            buf_printf(&list, "%s%s", list.length ? ", " : "", object_texts[i]);
    }
    const char *text = arena_strdup(arena, buf_text(&list));
    buf_done(&list);
    return text;
}

/* What the user may have meant: the same key elsewhere, in other case, or the same option in another namespace. */
static const char *advise(enum prop_object object, const char *key, struct arena *arena)
{
    if (prop_rule_find(key))
        return arena_printf(arena, "This key can be set on: %s.", list_objects(arena, key));
    const struct prop_rule *similar = NULL;
    for (const struct prop_rule *rule = NULL; (rule = prop_rule_next(object, rule));) {
        if (text_equal_fold(rule->key, key))
            return arena_printf(arena, "Case matters in keys: did you mean '%s'?", rule->key);
        if (!similar && text_equal_fold(last_component(rule->key), last_component(key)))
            similar = rule;
    }
    if (similar)
        return arena_printf(arena, "Did you mean '%s'?", similar->key);
    return "Keys of your own belong below 'Aux/'.";
}

/* Long keys and values are not repeated in full. */
static const char *shorten(struct arena *arena, const char *text)
{
    enum { SHOWN = 300 };
    if (strnlen(text, SHOWN + 1) <= SHOWN)
        return text;
    size_t end = SHOWN;
    while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80) /* not within a character of UTF-8 */
        end--;
    return arena_printf(arena, "%.*s...", (int)end, text);
}

static int refuse_key(const char *key, struct arena *arena, struct prop_problem *problem)
{
    problem->ret_code = FAIL_INVLD_PROP;
    problem->message = arena_printf(arena, "Invalid property key: %s", shorten(arena, key));
    return -EINVAL;
}

int prop_check_key(enum prop_object object, const char *key, struct arena *arena, struct prop_problem *problem)
{
    const char *normalised;
    *problem = (struct prop_problem){ 0 };
    int error = prop_key_normalise(key, arena, &normalised);
    if (error == -ENAMETOOLONG) {
        problem->cause = arena_printf(arena, "The key has %zu characters.", strlen(normalised));
        problem->details = arena_printf(arena, "A key has at most %d characters.", PROP_KEY_MAX);
        return refuse_key(key, arena, problem);
    }
    if (object == PROP_ON_KEY_VALUE_STORE || prop_rule_find_for(object, key) || prop_is_free(object, key))
        return 0;
    problem->cause = error
                         ? "The key is empty."
                         : arena_printf(arena, "A %s has no property '%s'.", object_texts[object], shorten(arena, key));
    problem->details = advise(object, key, arena);
    return refuse_key(key, arena, problem);
}

static bool matches_pattern(const char *pattern, const char *value)
{
    char anchored[256];
    regex_t regex;
    size_t length = strlen(pattern);
    if (length + 5 > sizeof(anchored))
        return false;
    memcpy(anchored, "^(", 2);
    memcpy(anchored + 2, pattern, length);
    memcpy(anchored + 2 + length, ")$", 3);
    if (regcomp(&regex, anchored, REG_EXTENDED | REG_NOSUB) != 0)
        return false;
    bool matches = regexec(&regex, value, 0, NULL, 0) == 0;
    regfree(&regex);
    return matches;
}

static bool is_symbol(const char *words, const char *value)
{
    size_t length = strlen(value);
    while (*words) {
        size_t word = strcspn(words, "|");
        if (word == length && memcmp(words, value, length) == 0)
            return true;
        words += word + (words[word] == '|');
    }
    return false;
}

static bool is_integer(const struct prop_rule *rule, const char *value)
{
    int64_t number;
    return text_parse_i64(value, rule->min, rule->max, &number);
}

/* LINSTOR: blanks around it are accepted; they are not stored. */
static bool normalise_float(const struct prop_rule *rule, const char *value, struct arena *arena,
                            const char **normalised)
{
    double number;
    while (isspace((unsigned char)*value))
        value++;
    size_t length = strlen(value);
    while (length && isspace((unsigned char)value[length - 1]))
        length--;
    *normalised = arena_strndup(arena, value, length);
    return text_parse_double(*normalised, &number) && number >= (double)rule->min && number <= (double)rule->max;
}

static bool normalise_bool(enum prop_kind kind, const char *value, const char **normalised)
{
    bool is_yes = text_equal_fold(value, "yes"), is_no = text_equal_fold(value, "no");
    if (kind == PROP_YES_NO) {
        *normalised = is_yes ? "yes" : "no";
        return is_yes || is_no;
    }
    is_yes = is_yes || text_equal_fold(value, "true");
    is_no = is_no || text_equal_fold(value, "false");
    *normalised = is_yes ? "true" : "false";
    return is_yes || is_no;
}

static bool normalise_value(const struct prop_rule *rule, const char *value, struct arena *arena,
                            const char **normalised)
{
    int64_t number;
    *normalised = value;
    switch (rule->kind) {
    case PROP_REGEX: return matches_pattern(rule->values, value);
    case PROP_SYMBOL: return is_symbol(rule->values, value);
    case PROP_YES_NO:
    case PROP_BOOL: return normalise_bool(rule->kind, value, normalised);
    case PROP_RANGE: return is_integer(rule, value);
    case PROP_RANGE_FLOAT: return normalise_float(rule, value, arena, normalised);
    case PROP_NUMBER_OR_SYMBOL: return is_integer(rule, value) || is_symbol(rule->values, value);
    case PROP_LONG: return text_parse_i64(value, rule->bits & PROP_NOT_NEGATIVE ? 0 : INT64_MIN, INT64_MAX, &number);
    case PROP_STRING: break;
    }
    return true;
}

static const char *explain_values(const struct prop_rule *rule, struct arena *arena)
{
    const char *values = prop_rule_values(arena, rule);
    const char *unit = rule->unit ? rule->unit : "";
    const char *form = rule->kind == PROP_REGEX ? "match the pattern" : "be";
    return arena_printf(arena, "The value has to %s: %s%s%s. It means: %s.", form, values, *unit ? " " : "", unit,
                        rule->text);
}

int prop_check(enum prop_object object, const char *key, const char *value, struct arena *arena,
               const char **normalised, struct prop_problem *problem)
{
    *normalised = value;
    int error = prop_check_key(object, key, arena, problem);
    if (error < 0 || object == PROP_ON_KEY_VALUE_STORE)
        return error;
    if (strnlen(value, PROP_VALUE_MAX + 1) > PROP_VALUE_MAX) {
        problem->ret_code = FAIL_UNKNOWN_ERROR; /* LINSTOR: what its database says about the length */
        problem->message = arena_printf(arena, "The value of property '%s' is too long.", shorten(arena, key));
        problem->details =
            arena_printf(arena, "It has %zu bytes; at most %d are possible.", strlen(value), PROP_VALUE_MAX);
        return -EINVAL;
    }
    const struct prop_rule *rule = prop_rule_find_for(object, key);
    if (!rule || normalise_value(rule, value, arena, normalised))
        return 0;
    const char *shown = rule->bits & PROP_SECRET ? "(secret)" : shorten(arena, value);
    problem->ret_code = FAIL_INVLD_PROP;
    problem->message = arena_printf(arena, "Invalid property(%s) value: %s", key, shown);
    problem->cause = arena_printf(arena, "The value '%s' is not valid for the key '%s'", shown, key);
    problem->details = explain_values(rule, arena);
    return -EINVAL;
}
