/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table of property rules against three descriptions of the reference: its list of properties, DRBD's list of
 * options, and what a running one answered. Each is compared in both directions, so that no row is missing and none is
 * invented.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/prop_rules.h"
#include "reference.h"

#define ON(object) (UINT32_C(1) << (object))
#define BOTH(a, b) (ON(a) | ON(b))

static const struct {
    const char *name;
    uint32_t objects;
} objects[] = {
    { "controller", ON(PROP_ON_CONTROLLER) },
    { "node", ON(PROP_ON_NODE) },
    { "storagepool-definition", ON(PROP_ON_STORAGE_POOL_DEFINITION) },
    { "storagepool", ON(PROP_ON_STORAGE_POOL) },
    { "resource-definition", BOTH(PROP_ON_RESOURCE_DEFINITION, PROP_ON_RESOURCE_GROUP) },
    { "volume-definition", BOTH(PROP_ON_VOLUME_DEFINITION, PROP_ON_VOLUME_GROUP) },
    { "resource", ON(PROP_ON_RESOURCE) },
    { "volume", ON(PROP_ON_VOLUME) },
    { "drbd-proxy", ON(PROP_ON_PROXY) },
    { "drbd-proxy-zlib", ON(PROP_ON_PROXY_ZLIB) },
    { "drbd-proxy-lzma", ON(PROP_ON_PROXY_LZMA) },
    { "drbd-proxy-zstd", ON(PROP_ON_PROXY_ZSTD) },
};

/* Ours on purpose: newer than the description, or less strict for a reason that the table tells. */
static bool is_our_own(const struct prop_rule *rule)
{
    return strcmp(rule->key, "TcpPortsBlocked") == 0 || strcmp(rule->key, "StorDriver/internal/lvm/vgUuid") == 0;
}

static const cJSON *item(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *constant(const cJSON *constants, const char *name)
{
    const cJSON *row;
    cJSON_ArrayForEach(row, constants)
    {
        const char *found = reference_text(row, "name");
        if (found && strcmp(found, name) == 0)
            return reference_text(row, "value");
    }
    fail_msg("%s is no constant", name);
    return NULL;
}

/* A key is a text, or a list of names of constants that its components stand for. */
static const char *resolve_key(struct arena *arena, const cJSON *constants, const cJSON *key)
{
    if (cJSON_GetStringValue(key))
        return cJSON_GetStringValue(key);
    const char *path = "", *normalised;
    const cJSON *part;
    cJSON_ArrayForEach(part, key) path =
        arena_printf(arena, "%s/%s", path, constant(constants, cJSON_GetStringValue(part)));
    assert_int_equal(prop_key_normalise(path, arena, &normalised), 0);
    return normalised;
}

static int64_t number(const cJSON *value)
{
    return cJSON_GetStringValue(value) ? strtoll(cJSON_GetStringValue(value), NULL, 10) : (int64_t)value->valuedouble;
}

static bool is_initial(const struct prop_rule *rule, const cJSON *given)
{
    const char *text = cJSON_GetStringValue(given);
    if (!given || (text && strchr(text, ' ')))
        return true; /* sentences are ours */
    if (!rule->initial)
        return text && !*text;
    return text ? strcmp(rule->initial, text) == 0 : strtod(rule->initial, NULL) == given->valuedouble;
}

static bool have_same_words(const struct prop_rule *rule, const cJSON *words)
{
    struct buf joined = { 0 };
    const cJSON *word;
    cJSON_ArrayForEach(word, words) buf_printf(&joined, "%s%s", joined.length ? "|" : "", cJSON_GetStringValue(word));
    bool same = strcmp(buf_text(&joined), rule->values) == 0;
    buf_done(&joined);
    return same;
}

/* Patterns are written in another language there: what they accept is compared instead of how they look. */
static bool have_same_pattern(const struct prop_rule *rule, const char *pattern)
{
    static const struct {
        const char *pattern, *accepted, *refused; /* values, divided by blanks; ~ is the empty one */
    } patterns[] = {
        { ".*", "~ a,b -x", NULL },
        { ".+", "a a/b", "~" },
        { "[0-9]+", "0 443", "~ 4a -1" },
        { "[0-9]+-[0-9]+", "1-2 7000-7999", "7 7- -7 7-8- a-b" },
        { "[a-zA-Z0-9_-]+", "vg a-b", "~ a/b a.b" },
        { "[a-zA-Z0-9_/-]+", "vg/thin /srv", "~ a;b $a" },
        { "[a-fA-F0-9]{16}", "0123456789abcDEF", "0123456789abcde 0123456789abcdef0 0123456789abcdeg" },
        { "[1-9][0-9]*(k|K|M|G)?", "64k 1 16M", "0 64T k 64kk" },
        { "^[0-9]+([.][0-9]+)?", "1 1.5", "~ 1. .5 1.5x" },
        { "^[a-zA-Z0-9_][a-zA-Z0-9_-]{2,47}$", "abc 1st", "ab -ab a.c" },
        { "^|.internal|[a-zA-Z0-9_][a-zA-Z0-9_-]{2,47}$", "~ .internal abc", "ab -ab a.c" },
        { "^100%|[0-9]{1,2}([.][0-9]*)?%|[1-9][0-9]{2,}$", "100% 5% 5.5% 5.% 100", "101% 10 012 % ~" },
        { "(\\\\d+(?:[.]\\\\d+)?)\\\\s*([kKmMgGtT](?:i[bB]|[bB])?|[bB]|[sS]|%|)", "5 5% 5kib 5KB 1.5T 5s 5b",
          "~ x5 5.% 5ki % -1" },
    };
    struct arena arena = { 0 };
    enum prop_object object = (enum prop_object)__builtin_ctz(rule->objects);
    bool same = false;
    for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
        if (strcmp(patterns[i].pattern, pattern) != 0)
            continue;
        same = true;
        for (int is_refused = 0; is_refused < 2; is_refused++) {
            const char *list = is_refused ? patterns[i].refused : patterns[i].accepted;
            char *save, *words = arena_strdup(&arena, list ? list : ""), *word = strtok_r(words, " ", &save);
            for (; word; word = strtok_r(NULL, " ", &save)) {
                const char *value = strcmp(word, "~") == 0 ? "" : word, *stored;
                struct prop_problem problem;
                same = same && (prop_check(object, rule->key, value, &arena, &stored, &problem) != 0) == is_refused;
            }
        }
    }
    arena_done(&arena);
    return same;
}

static const char *differs(const struct prop_rule *rule, const cJSON *given)
{
    const char *type = reference_text(given, "type");
    bool is_symbol = strcmp(type, "symbol") == 0;
    if (strcmp(type, "range-float") == 0)
        type = "range_float";
    if (is_symbol != (rule->kind == PROP_SYMBOL) || (!is_symbol && strcmp(type, prop_kind_name(rule->kind)) != 0))
        return "type";
    if (is_symbol && !have_same_words(rule, item(given, "values")))
        return "words";
    if (rule->kind == PROP_REGEX && !have_same_pattern(rule, reference_text(given, "value")))
        return "pattern";
    if (rule->kind == PROP_RANGE &&
        (number(item(given, "min")) != rule->min || number(item(given, "max")) != rule->max))
        return "range";
    if (rule->kind == PROP_RANGE_FLOAT && (item(given, "min_float")->valuedouble != (double)rule->min ||
                                           item(given, "max_float")->valuedouble != (double)rule->max))
        return "range";
    if (cJSON_IsTrue(item(given, "internal")) != !!(rule->bits & PROP_INTERNAL))
        return "internal";
    return is_initial(rule, item(given, "default")) ? NULL : "default";
}

static bool lists(const cJSON *names, const char *name)
{
    const cJSON *row;
    cJSON_ArrayForEach(row, names)
    {
        if (strcmp(cJSON_GetStringValue(row), name) == 0)
            return true;
    }
    return false;
}

static const struct prop_rule *find_rule(const char *key, uint32_t wanted)
{
    const struct prop_rule *rule = prop_rule_find(key), *end = prop_rules + prop_rule_count;
    for (; rule && rule < end && strcmp(rule->key, key) == 0; rule++) {
        if (rule->objects & wanted)
            return rule;
    }
    return NULL;
}

static void test_properties(void **state)
{
    (void)state;
    cJSON *description = reference_read_json(REFERENCE_DATA "properties.json");
    if (!description)
        skip();
    cJSON *constants = reference_read_json(REFERENCE_DATA "consts.json");
    assert_non_null(constants);
    struct arena arena = { 0 };
    bool *is_seen = arena_alloc(&arena, prop_rule_count);
    const cJSON *given;
    int count = 0;
    cJSON_ArrayForEach(given, item(description, "properties"))
    {
        const char *key = resolve_key(&arena, constants, item(given, "key"));
        uint32_t wanted = 0;
        for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
            if (lists(item(item(description, "objects"), objects[i].name), given->string))
                wanted |= objects[i].objects;
        }
        const struct prop_rule *rule = find_rule(key, wanted);
        if (!rule)
            fail_msg("%s is missing", key);
        const char *difference = differs(rule, given);
        if (difference)
            fail_msg("%s: %s", key, difference);
        if (strcmp(key, "TcpPortAutoRange") == 0)
            wanted |= ON(PROP_ON_NODE); /* newer than the description */
        if (rule->objects != wanted)
            fail_msg("%s: objects %" PRIx32 ", not %" PRIx32, key, rule->objects, wanted);
        is_seen[rule - prop_rules] = true;
        count++;
    }
    assert_int_equal(count, 161);
    for (size_t i = 0; i < prop_rule_count; i++) {
        const char *key = prop_rules[i].key;
        bool is_drbd = text_starts_with(key, "DrbdOptions/Disk/") || text_starts_with(key, "DrbdOptions/Net/") ||
                       text_starts_with(key, "DrbdOptions/PeerDevice/") ||
                       text_starts_with(key, "DrbdOptions/Resource/") || text_starts_with(key, "DrbdOptions/Handlers/");
        if (!is_seen[i] && !is_drbd && !is_our_own(&prop_rules[i]))
            fail_msg("%s is not in the description", key);
    }
    arena_done(&arena);
    cJSON_Delete(description);
    cJSON_Delete(constants);
}

enum {
    DISK = ON(PROP_ON_CONTROLLER) | BOTH(PROP_ON_RESOURCE_DEFINITION, PROP_ON_RESOURCE_GROUP) |
           BOTH(PROP_ON_VOLUME_DEFINITION, PROP_ON_VOLUME_GROUP) | ON(PROP_ON_VOLUME),
    RESOURCE = ON(PROP_ON_CONTROLLER) | BOTH(PROP_ON_RESOURCE_DEFINITION, PROP_ON_RESOURCE_GROUP),
    CONNECTION = RESOURCE | BOTH(PROP_ON_NODE_CONNECTION, PROP_ON_RESOURCE_CONNECTION),
};

static const struct {
    const char *command, *prefix;
    uint32_t objects;
} drbd_commands[] = {
    { "disk-options", "DrbdOptions/Disk/", DISK },
    { "new-minor", "DrbdOptions/Disk/", DISK },
    { "new-peer", "DrbdOptions/Net/", CONNECTION },
    { "peer-device-options", "DrbdOptions/PeerDevice/", CONNECTION },
    { "resource-options", "DrbdOptions/Resource/", RESOURCE },
};

struct drbd_option {
    char key[96], type[32], words[256], initial[32];
    int64_t min, max;
    uint32_t objects;
};

static bool check_drbd_option(const struct drbd_option *option)
{
    static const struct {
        const char *type;
        enum prop_kind kind;
    } kinds[] = {
        { "numeric", PROP_RANGE },
        { "handler", PROP_SYMBOL },
        { "boolean", PROP_YES_NO },
        { "string", PROP_STRING },
        { "numeric-or-symbol", PROP_NUMBER_OR_SYMBOL },
    };
    const struct prop_rule *rule = prop_rule_find(option->key);
    if (text_ends_with(option->key, "/set-defaults") || text_ends_with(option->key, "/_name"))
        return false; /* no properties */
    if (strcmp(option->key, "DrbdOptions/Disk/bitmap") == 0)
        return false; /* the same option as that of the connection, and known under that key */
    if (!rule)
        fail_msg("%s is missing", option->key);
    bool is_disk_too = strcmp(option->key, "DrbdOptions/PeerDevice/bitmap") == 0;
    if (rule->objects != (option->objects | (is_disk_too ? DISK : 0)))
        fail_msg("%s: objects %" PRIx32, option->key, rule->objects);
    if (strcmp(option->key, "DrbdOptions/Disk/resync-after") == 0) {
        assert_int_equal(rule->kind, PROP_STRING); /* a name for people, a minor number for DRBD */
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (strcmp(kinds[i].type, option->type) == 0 && kinds[i].kind != rule->kind)
            fail_msg("%s is a %s", option->key, option->type);
    }
    if (rule->min != option->min || rule->max != option->max)
        fail_msg("%s: range", option->key);
    if (strcmp(rule->values ? rule->values : "", option->words) != 0)
        fail_msg("%s: %s", option->key, option->words);
    if (strcmp(rule->initial ? rule->initial : "", option->initial) != 0)
        fail_msg("%s: default %s", option->key, option->initial);
    return true;
}

/* One tag a line, which is how the file is made; nothing else is understood. */
static void test_drbd_options(void **state)
{
    (void)state;
    struct buf text = { 0 };
    if (text_read_file(REFERENCE_DATA "drbdsetup.xml", 1 << 20, &text) != 0) {
        print_message("skipped: %s is absent\n", REFERENCE_DATA "drbdsetup.xml");
        skip();
    }
    struct drbd_option option;
    char command[64] = "", value[64], *save;
    int count = 0;
    for (char *line = strtok_r(text.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        line += strspn(line, " \t");
        if (sscanf(line, "<command name=\"%63[^\"]\"", command) == 1)
            continue;
        for (size_t i = 0; i < ARRAY_SIZE(drbd_commands); i++) {
            struct drbd_option begun = { .objects = drbd_commands[i].objects };
            char name[48];
            if (strcmp(drbd_commands[i].command, command) != 0 ||
                sscanf(line, "<option name=\"%47[^\"]\" type=\"%31[^\"]\"", name, begun.type) != 2)
                continue;
            snprintf(begun.key, sizeof(begun.key), "%s%s", drbd_commands[i].prefix, name);
            option = begun;
        }
        if (sscanf(line, "<handler>%63[^<]", value) == 1 || sscanf(line, "<symbol>%63[^<]", value) == 1) {
            size_t length = strlen(option.words);
            snprintf(option.words + length, sizeof(option.words) - length, "%s%s", length ? "|" : "", value);
        } else if (sscanf(line, "<min>%63[^<]", value) == 1) {
            option.min = strtoll(value, NULL, 10);
        } else if (sscanf(line, "<max>%63[^<]", value) == 1) {
            option.max = strtoll(value, NULL, 10);
        } else if (sscanf(line, "<default>%31[^<]", value) == 1) {
            snprintf(option.initial, sizeof(option.initial), "%.31s", value);
        } else if (strcmp(line, "</option>") == 0) {
            count += check_drbd_option(&option);
        }
    }
    buf_done(&text);
    int ours = 0;
    for (size_t i = 0; i < prop_rule_count; i++) {
        for (size_t c = 1; c < ARRAY_SIZE(drbd_commands); c++) /* the first two have one prefix */
            ours += text_starts_with(prop_rules[i].key, drbd_commands[c].prefix);
    }
    assert_int_equal(count, ours);
    assert_true(count > 70);
}

/* What a running reference lists for each kind of object. */
static void test_info(void **state)
{
    (void)state;
    static const enum prop_object order[] = {
        PROP_ON_CONTROLLER,
        PROP_ON_NODE,
        PROP_ON_STORAGE_POOL_DEFINITION,
        PROP_ON_STORAGE_POOL,
        PROP_ON_RESOURCE_DEFINITION,
        PROP_ON_VOLUME_DEFINITION,
        PROP_ON_RESOURCE,
        PROP_ON_VOLUME,
        PROP_ON_RESOURCE_CONNECTION,
        PROP_ON_RESOURCE_GROUP,
        PROP_ON_VOLUME_GROUP,
    };
    cJSON *answers = reference_read_json(REFERENCE_CONFORMANCE "expected/properties-info.json");
    if (!answers)
        skip();
    for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
        const cJSON *body = item(cJSON_GetArrayItem(answers, (int)i), "body"), *row;
        int newer = 0, ours = 0;
        cJSON_ArrayForEach(row, body)
        {
            const struct prop_rule *rule = prop_rule_find_for(order[i], row->string);
            if (!rule)
                fail_msg("%s is missing in list %zu", row->string, i);
            if (strcmp(prop_kind_name(rule->kind), cJSON_GetStringValue(row)) != 0)
                fail_msg("%s is a %s", row->string, cJSON_GetStringValue(row));
        }
        for (const struct prop_rule *rule = NULL; (rule = prop_rule_next(order[i], rule)); ours++) {
            bool is_newer =
                (rule->bits & PROP_NEWER) || (order[i] == PROP_ON_NODE && strcmp(rule->key, "TcpPortAutoRange") == 0);
            newer += is_newer;
            if (!is_newer && !item(body, rule->key))
                fail_msg("%s is not in list %zu", rule->key, i);
        }
        assert_int_equal(ours - newer, cJSON_GetArraySize(body));
    }
    cJSON_Delete(answers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_properties),
        cmocka_unit_test(test_drbd_options),
        cmocka_unit_test(test_info),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
