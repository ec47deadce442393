/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From JSON text to a struct without a tree in between, for texts that come by the thousand: stored records, rows of
 * long lists. The outcome is that of json_parse and field_decode (tests compare them), except that the text is held to
 * the letter of JSON: cJSON lets "01" and the like pass.
 *
 * One walk over the text. What no row names is only walked over. Lists grow in the arena. Depth is limited by the
 * scanner, so recursion is.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/field_layout.h"
#include "base/json_scan.h"
#include "base/text.h"

enum { EXACT_DIGITS = 15, NUMBER_LIMIT = 400 };

struct scanner {
    struct json_scanner json;
    struct field_error *error; /* of a value that no row can take; not set when the text is broken */
    size_t memory;             /* bytes that lists and objects may still take */
};

static int scan_object(struct scanner *scanner, const struct schema *schema, void *object);

static int complain(struct scanner *scanner, const char *what)
{
    if (!scanner->json.is_broken) {
        scanner->error->path[0] = '\0';
        snprintf(scanner->error->message, sizeof(scanner->error->message), "%s", what);
    }
    return -1;
}

static int within(struct scanner *scanner, const char *step)
{
    char rest[sizeof(scanner->error->path)];
    struct field_error *error = scanner->error;

    if (scanner->json.is_broken)
        return -1;
    strcpy(rest, error->path);
    if (snprintf(error->path, sizeof(error->path), "%s%s%s", step, rest[0] && rest[0] != '[' ? "." : "", rest) < 0)
        error->path[0] = '\0';
    return -1;
}

static int within_index(struct scanner *scanner, uint32_t index)
{
    char step[16];

    snprintf(step, sizeof(step), "[%u]", index);
    return within(scanner, step);
}

/* A value of the wrong kind: the rest of it must still be JSON, or that is what is told. */
static int refuse(struct scanner *scanner, const struct json_token *token, const char *what)
{
    if (token->kind == '{' || token->kind == '[') {
        if (json_scan_skip_members(&scanner->json, token->kind == '{' ? '}' : ']') != 0)
            return -1;
    } else if (json_scan_check(&scanner->json, token) != 0) {
        return -1;
    }
    return complain(scanner, what);
}

/* A few bytes of text can ask for a struct of hundreds. */
static bool take_memory(struct scanner *scanner, size_t size)
{
    if (size > scanner->memory) {
        complain(scanner, "is more than such a text may hold");
        return false;
    }
    scanner->memory -= size;
    return true;
}

static bool take_room(struct scanner *scanner, const void *list, size_t item_size)
{
    const struct any_list *any = list;

    return any->count < any->room || take_memory(scanner, item_size * list_next_room(any->count));
}

/* NULL when there is no memory for one more. */
static void *add_item(struct scanner *scanner, void *list, size_t item_size)
{
    return take_room(scanner, list, item_size) ? list_add(list, item_size, scanner->json.arena) : NULL;
}

#define ADD_ITEM(scanner, list) ((__typeof__((list)->at))add_item((scanner), (list), sizeof(*(list)->at)))

/* Digits of a short integer without detours. */
static bool parse_short_integer(const struct json_token *token, int64_t *number)
{
    bool is_negative = token->start[0] == '-';
    int64_t value = 0;

    if (!token->is_integer || token->length - is_negative > EXACT_DIGITS)
        return false;
    for (size_t i = is_negative; i < token->length; i++)
        value = value * 10 + (token->start[i] - '0');
    *number = is_negative ? -value : value;
    return true;
}

static double parse_double(const struct json_token *token)
{
    char digits[NUMBER_LIMIT];

    snprintf(digits, sizeof(digits), "%.*s", (int)token->length, token->start);
    return strtod(digits, NULL);
}

static int scan_i64(struct scanner *scanner, const struct json_token *token, int64_t min, int64_t max, int64_t *number)
{
    char message[96], *text;
    double value;

    if (token->kind == '0' && parse_short_integer(token, number)) {
        if (*number >= min && *number <= max)
            return 0;
    } else if (token->kind == '0' && !token->is_integer) {
        value = parse_double(token);
        if (!(value >= -1e15 && value <= 1e15))
            return complain(scanner, "expected an integer");
        *number = (int64_t)value;
        if (*number >= min && *number <= max)
            return 0;
    } else if (token->kind != '0' && token->kind != '"') {
        return refuse(scanner, token, "expected an integer");
    } else {
        text = json_scan_text(&scanner->json, token);
        if (!text)
            return -1;
        if (text_parse_i64(text, min, max, number))
            return 0;
        if (!text_parse_i64(text, INT64_MIN, INT64_MAX, number))
            return complain(scanner, "expected an integer");
    }
    snprintf(message, sizeof(message), "%lld is out of range (%lld to %lld)", (long long)*number, (long long)min,
             (long long)max);
    return complain(scanner, message);
}

static int scan_i32(struct scanner *scanner, const struct json_token *token, int32_t *number)
{
    int64_t wide;

    if (scan_i64(scanner, token, INT32_MIN, INT32_MAX, &wide) != 0)
        return -1;
    *number = (int32_t)wide;
    return 0;
}

static int scan_bool(struct scanner *scanner, const struct json_token *token, bool *value)
{
    const char *text = token->kind == '"' ? json_scan_text(&scanner->json, token) : NULL;

    if (token->kind == '"' && !text)
        return -1;
    if (token->kind == 't' || (text && strcasecmp(text, "true") == 0))
        *value = true;
    else if (token->kind == 'f' || (text && strcasecmp(text, "false") == 0))
        *value = false;
    else
        return refuse(scanner, token, "expected true or false");
    return 0;
}

static int scan_double(struct scanner *scanner, const struct json_token *token, double *value)
{
    const char *text = token->kind == '"' ? json_scan_text(&scanner->json, token) : NULL;

    if (token->kind == '"' && !text)
        return -1;
    if (token->kind == '0')
        *value = parse_double(token);
    else if (!text || !text_parse_double(text, value))
        return refuse(scanner, token, "expected a number");
    return 0;
}

static int scan_text(struct scanner *scanner, const struct json_token *token, char **text)
{
    if (token->kind == '"' || (token->kind == '0' && token->is_integer))
        return (*text = json_scan_text(&scanner->json, token)) ? 0 : -1;
    if (token->kind == 't' || token->kind == 'f')
        *text = arena_strdup(scanner->json.arena, token->kind == 't' ? "true" : "false");
    else if (token->kind == '0')
        *text = arena_printf(scanner->json.arena, "%.15g", parse_double(token));
    else
        return refuse(scanner, token, "expected a string");
    return 0;
}

static int scan_enum(struct scanner *scanner, const struct enum_name *names, const struct json_token *token,
                     uint64_t *value)
{
    const char *text = token->kind == '"' ? json_scan_text(&scanner->json, token) : NULL;
    char message[160] = "expected one of";

    if (token->kind == '"' && !text)
        return -1;
    if (text && enum_parse(names, text, value))
        return 0;
    for (; names->name; names++) {
        size_t used = strlen(message);

        snprintf(message + used, sizeof(message) - used, " %s", names->name);
    }
    return refuse(scanner, token, message);
}

static int scan_items(struct scanner *scanner, const struct field *field, const struct json_token *token, void *member);

/* Behind the last key, as our own encoder writes them, without a search. */
static int add_pair(struct scanner *scanner, struct text_map *map, char *key, const struct json_token *token)
{
    char *value;

    if (token->kind == 'n')
        return 0;
    if (scan_text(scanner, token, &value) != 0 || !take_room(scanner, map, sizeof(map->at[0])))
        return -1;
    if (map->count == 0 || strcmp(map->at[map->count - 1].key, key) < 0)
        *LIST_ADD(map, scanner->json.arena) = (struct text_pair){ key, value };
    else if (map->count < FIELD_MAP_LIMIT)
        text_map_set(map, key, value, scanner->json.arena);
    else
        return complain(scanner, "has more than 10000 members, and not in order");
    return 0;
}

/* One item of a list or map; key is NULL in lists. */
static int scan_item(struct scanner *scanner, const struct field *field, void *member, char *key)
{
    static const struct field texts = { .kind = FIELD_KIND_TEXTS };
    struct json_token token;
    uint64_t bits;
    int64_t *number;
    char **text;
    void *item;

    if (json_scan_token(&scanner->json, &token) != 0)
        return -1;
    switch ((enum field_kind)field->kind) {
    case FIELD_KIND_LIST:
    case FIELD_KIND_OBJECT_MAP:
        item = add_item(scanner, member, ((const struct schema *)field->ref)->size);
        if (!item)
            return -1;
        if (key)
            memcpy(item, &key, sizeof(key));
        if (token.kind != '{')
            return refuse(scanner, &token, "expected an object");
        return scan_object(scanner, field->ref, item);
    case FIELD_KIND_TEXTS:
        text = ADD_ITEM(scanner, (struct text_list *)member);
        return text ? scan_text(scanner, &token, text) : -1;
    case FIELD_KIND_I64S:
        number = ADD_ITEM(scanner, (struct i64_list *)member);
        return number ? scan_i64(scanner, &token, INT64_MIN, INT64_MAX, number) : -1;
    case FIELD_KIND_FLAGS:
        if (token.kind == '"' && token.length > 2 && token.start[0] == '0') {
            char *digits = json_scan_text(&scanner->json, &token);

            if (!digits)
                return -1;
            if (field_parse_bits(digits, &bits)) {
                *(uint64_t *)member |= bits;
                return 0;
            }
        }
        if (scan_enum(scanner, field->ref, &token, &bits) != 0)
            return -1;
        *(uint64_t *)member |= bits;
        return 0;
    case FIELD_KIND_TEXT_MAP: return add_pair(scanner, member, key, &token);
    case FIELD_KIND_I64_MAP: {
        struct i64_pair *pair = ADD_ITEM(scanner, (struct i64_map *)member);

        if (!pair)
            return -1;
        pair->key = key;
        return scan_i64(scanner, &token, INT64_MIN, INT64_MAX, &pair->value);
    }
    case FIELD_KIND_TEXTS_MAP: {
        struct texts_pair *pair = ADD_ITEM(scanner, (struct texts_map *)member);

        if (!pair)
            return -1;
        pair->key = key;
        return scan_items(scanner, &texts, &token, &pair->value);
    }
    case FIELD_KIND_TEXT:
    case FIELD_KIND_BOOL:
    case FIELD_KIND_I32:
    case FIELD_KIND_I64:
    case FIELD_KIND_DOUBLE:
    case FIELD_KIND_MAYBE_BOOL:
    case FIELD_KIND_MAYBE_I32:
    case FIELD_KIND_MAYBE_I64:
    case FIELD_KIND_MAYBE_DOUBLE:
    case FIELD_KIND_ENUM:
    case FIELD_KIND_OBJECT:
    case FIELD_KIND_INLINE: break;
    }
    return -1;
}

/* All of a list, map or set of flags, whose bracket is the token. */
static int scan_items(struct scanner *scanner, const struct field *field, const struct json_token *token, void *member)
{
    bool is_map = field->kind == FIELD_KIND_TEXT_MAP || field->kind == FIELD_KIND_I64_MAP ||
                  field->kind == FIELD_KIND_TEXTS_MAP || field->kind == FIELD_KIND_OBJECT_MAP;
    bool is_flags = field->kind == FIELD_KIND_FLAGS, is_first = true;
    struct any_list *list = member;
    struct json_token key_token = { 0 };
    uint32_t index = 0;
    int more;

    if (token->kind != (is_map ? '{' : '['))
        return refuse(scanner, token, is_map ? "expected an object" : "expected a list");
    if (json_scan_enter(&scanner->json) != 0)
        return -1;
    if (is_flags)
        *(uint64_t *)member = 0;
    else
        *list = (struct any_list){ .at = arena_alloc(scanner->json.arena, 0) };
    for (; (more = json_scan_member(&scanner->json, is_map ? '}' : ']', &is_first, &key_token)) > 0; index++) {
        char *key = is_map ? json_scan_text(&scanner->json, &key_token) : NULL;

        if (is_map && !key)
            return -1;
        if (scan_item(scanner, field, member, key) != 0)
            return is_map ? within(scanner, key) : within_index(scanner, index);
    }
    if (!is_flags)
        list->room = 0;
    return more;
}

static int scan_member(struct scanner *scanner, const struct field *field, const struct json_token *token, void *member)
{
    struct maybe_bool *maybe_bool = member;
    struct maybe_i32 *maybe_i32 = member;
    struct maybe_i64 *maybe_i64 = member;
    struct maybe_double *maybe_double = member;
    uint64_t bits;
    void *object;

    switch ((enum field_kind)field->kind) {
    case FIELD_KIND_TEXT: return scan_text(scanner, token, member);
    case FIELD_KIND_BOOL: return scan_bool(scanner, token, member);
    case FIELD_KIND_I32: return scan_i32(scanner, token, member);
    case FIELD_KIND_I64: return scan_i64(scanner, token, INT64_MIN, INT64_MAX, member);
    case FIELD_KIND_DOUBLE: return scan_double(scanner, token, member);
    case FIELD_KIND_MAYBE_BOOL: maybe_bool->has = true; return scan_bool(scanner, token, &maybe_bool->value);
    case FIELD_KIND_MAYBE_I32: maybe_i32->has = true; return scan_i32(scanner, token, &maybe_i32->value);
    case FIELD_KIND_MAYBE_I64:
        maybe_i64->has = true;
        return scan_i64(scanner, token, INT64_MIN, INT64_MAX, &maybe_i64->value);
    case FIELD_KIND_MAYBE_DOUBLE: maybe_double->has = true; return scan_double(scanner, token, &maybe_double->value);
    case FIELD_KIND_ENUM:
        if (scan_enum(scanner, field->ref, token, &bits) != 0)
            return -1;
        *(uint32_t *)member = (uint32_t)bits;
        return 0;
    case FIELD_KIND_OBJECT:
    case FIELD_KIND_INLINE:
        if (token->kind != '{')
            return refuse(scanner, token, "expected an object");
        if (field->kind == FIELD_KIND_INLINE)
            return scan_object(scanner, field->ref, member);
        if (!take_memory(scanner, ((const struct schema *)field->ref)->size))
            return -1;
        object = arena_alloc(scanner->json.arena, ((const struct schema *)field->ref)->size);
        memcpy(member, &object, sizeof(object));
        return scan_object(scanner, field->ref, object);
    case FIELD_KIND_TEXTS:
    case FIELD_KIND_I64S:
    case FIELD_KIND_TEXT_MAP:
    case FIELD_KIND_I64_MAP:
    case FIELD_KIND_TEXTS_MAP:
    case FIELD_KIND_FLAGS:
    case FIELD_KIND_LIST:
    case FIELD_KIND_OBJECT_MAP: return scan_items(scanner, field, token, member);
    }
    return -1;
}

/* The row that the key names, searched from *next on; NULL when there is none. */
static const struct field *find_row(struct scanner *scanner, const struct schema *schema, const struct json_token *key,
                                    uint32_t *next)
{
    const char *name = key->start;
    size_t length = key->length;

    if (key->has_escapes) {
        name = json_scan_text(&scanner->json, key);
        if (!name)
            return NULL;
        length = strlen(name);
    }
    for (uint32_t tried = 0; tried < schema->count; tried++) {
        const struct field *field = &schema->fields[*next];

        *next = *next + 1 < schema->count ? *next + 1 : 0;
        if (field->name_length == length && memcmp(field->name, name, length) == 0)
            return field;
    }
    return NULL;
}

/* At the opening brace. */
static int scan_object(struct scanner *scanner, const struct schema *schema, void *object)
{
    struct json_token key = { 0 }, token;
    bool is_first = true;
    uint64_t seen = 0;
    uint32_t next = 0;
    int more;

    if (json_scan_enter(&scanner->json) != 0)
        return -1;
    while ((more = json_scan_member(&scanner->json, '}', &is_first, &key)) > 0) {
        const struct field *field = find_row(scanner, schema, &key, &next);

        if (scanner->json.is_broken)
            return -1;
        if (!field) {
            if (json_scan_skip(&scanner->json) != 0)
                return -1;
            continue;
        }
        if (json_scan_token(&scanner->json, &token) != 0)
            return -1;
        if (token.kind == 'n')
            continue;
        seen |= UINT64_C(1) << (field - schema->fields);
        if (scan_member(scanner, field, &token, (char *)object + field->offset) != 0)
            return within(scanner, field->name);
    }
    if (more < 0)
        return -1;
    for (uint32_t i = 0; i < schema->count; i++) {
        if ((schema->fields[i].use & FIELD_REQUIRED) && !(seen & UINT64_C(1) << i)) {
            complain(scanner, "is missing");
            return within(scanner, schema->fields[i].name);
        }
    }
    return 0;
}

int field_scan_limited(const struct schema *schema, void *object, const char *text, size_t length, size_t memory,
                       struct arena *arena, struct field_error *error)
{
    struct scanner scanner = { .json = { .text = text, .at = text, .end = text + length, .arena = arena },
                               .error = error,
                               .memory = memory };
    char what[sizeof(error->message)];
    struct json_token token;
    int result;

    if (!json_is_utf8(text, length))
        result = json_scan_broken(&scanner.json, "the text is not UTF-8");
    else
        result = json_scan_token(&scanner.json, &token);
    if (result == 0)
        result =
            token.kind == '{' ? scan_object(&scanner, schema, object) : refuse(&scanner, &token, "expected an object");
    if (result == 0 && (json_scan_blanks(&scanner.json), scanner.json.at < scanner.json.end))
        result = json_scan_broken(&scanner.json, "something stands behind the JSON value");
    if (result == 0)
        return 0;
    if (scanner.json.is_broken) {
        error->path[0] = '\0';
        snprintf(error->message, sizeof(error->message), "%s", scanner.json.message);
        return -1;
    }
    if (!error->path[0])
        return -1;
    strcpy(what, error->message);
    if (snprintf(error->message, sizeof(error->message), "%s: %s", error->path, what) < 0)
        error->message[0] = '\0';
    return -1;
}

int field_scan_text(const struct schema *schema, void *object, const char *text, size_t length, struct arena *arena,
                    struct field_error *error)
{
    return field_scan_limited(schema, object, text, length, SIZE_MAX, arena, error);
}
