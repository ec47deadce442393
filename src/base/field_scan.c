/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From JSON text to a struct without a tree in between, for texts that come by the thousand: stored records, rows of long
 * lists. The outcome is that of json_parse and field_decode (tests compare them), except that the text is held to the
 * letter of JSON: cJSON lets "01" and the like pass.
 *
 * One walk over the text. What no row names is only walked over. Lists grow in the arena and are cut to size by being
 * left with room 0. Depth is limited, so recursion is.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/field.h"
#include "base/text.h"

enum { EXACT_DIGITS = 15, NUMBER_LIMIT = 400 };

struct scanner {
    const char *text, *at, *end;
    struct arena *arena;
    struct field_error *error;
    unsigned depth;
    bool is_broken; /* the text is no JSON: error has no path then */
};

/* A number or string as it stands in the text; strings without escapes and quotes. */
struct token {
    char kind; /* '"' string, '0' number, 't', 'f', 'n' words, '{', '[' */
    const char *start;
    size_t length;
    bool has_escapes;
    bool is_integer;
};

static int scan_object(struct scanner *scanner, const struct schema *schema, void *object);
static int skip_value(struct scanner *scanner);

static int complain(struct scanner *scanner, const char *what)
{
    if (!scanner->is_broken) {
        scanner->error->path[0] = '\0';
        snprintf(scanner->error->message, sizeof(scanner->error->message), "%s", what);
    }
    return -1;
}

static int broken(struct scanner *scanner, const char *what)
{
    size_t line = 1;

    if (scanner->is_broken)
        return -1;
    for (const char *at = scanner->text; at < scanner->at && at < scanner->end; at++)
        line += *at == '\n';
    scanner->is_broken = true;
    scanner->error->path[0] = '\0';
    snprintf(scanner->error->message, sizeof(scanner->error->message), "line %zu: %s", line, what);
    return -1;
}

static int within(struct scanner *scanner, const char *step)
{
    char rest[sizeof(scanner->error->path)];
    struct field_error *error = scanner->error;

    if (scanner->is_broken)
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

static char skip_blanks(struct scanner *scanner)
{
    while (scanner->at < scanner->end &&
           (*scanner->at == ' ' || *scanner->at == '\n' || *scanner->at == '\r' || *scanner->at == '\t'))
        scanner->at++;
    return scanner->at < scanner->end ? *scanner->at : '\0';
}

static int not_json(struct scanner *scanner)
{
    return broken(scanner, scanner->text == scanner->end ? "empty" : "not a JSON value");
}

static int read_string(struct scanner *scanner, struct token *token)
{
    const char *at = scanner->at + 1;

    token->kind = '"';
    token->start = at;
    token->has_escapes = false;
    for (;; at++) {
        if (at >= scanner->end || !*at)
            return not_json(scanner);
        if (*at == '"')
            break;
        if (*at == '\\') {
            token->has_escapes = true;
            if (++at >= scanner->end)
                return not_json(scanner);
        }
    }
    token->length = (size_t)(at - token->start);
    scanner->at = at + 1;
    return 0;
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

static int read_number(struct scanner *scanner, struct token *token)
{
    const char *start = scanner->at, *at = start + (*start == '-'), *digits = at;

    at = skip_digits(at, scanner->end);
    if (at == digits || (*digits == '0' && at > digits + 1))
        return not_json(scanner);
    token->is_integer = true;
    if (at < scanner->end && *at == '.') {
        token->is_integer = false;
        digits = at + 1;
        at = skip_digits(digits, scanner->end);
        if (at == digits)
            return not_json(scanner);
    }
    if (at < scanner->end && (*at == 'e' || *at == 'E')) {
        token->is_integer = false;
        at++;
        at += at < scanner->end && (*at == '+' || *at == '-');
        digits = at;
        at = skip_digits(digits, scanner->end);
        if (at == digits)
            return not_json(scanner);
    }
    *token = (struct token){ '0', start, (size_t)(at - start), false, token->is_integer };
    scanner->at = at;
    return 0;
}

/* The next value if it is a scalar, else only its first character, which is not passed. */
static int read_token(struct scanner *scanner, struct token *token)
{
    static const char *const words[] = { "true", "false", "null" };
    char c = skip_blanks(scanner);

    if (c == '"')
        return read_string(scanner, token);
    if (c == '-' || (c >= '0' && c <= '9'))
        return read_number(scanner, token);
    token->kind = c;
    if (c == '{' || c == '[')
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        size_t length = strlen(words[i]);

        if ((size_t)(scanner->end - scanner->at) >= length && memcmp(scanner->at, words[i], length) == 0) {
            scanner->at += length;
            return 0;
        }
    }
    return not_json(scanner);
}

static bool read_hex(const char *at, const char *end, uint32_t *code)
{
    *code = 0;
    if (end - at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        uint32_t digit = c >= '0' && c <= '9' ? (uint32_t)(c - '0') : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                       : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10) : 16;

        if (digit == 16)
            return false;
        *code = *code << 4 | digit;
    }
    return true;
}

static char *add_utf8(char *to, uint32_t code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    } else {
        *to++ = (char)(0xf0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    return to;
}

/* The escape behind its backslash; NULL when there is no such escape. An escape is never shorter than what it stands for. */
static const char *unescape(const char *from, const char *end, char **to)
{
    static const char letters[] = "bfnrt\"\\/", codes[] = "\b\f\n\r\t\"\\/";
    const char *letter = *from ? strchr(letters, *from) : NULL;
    uint32_t code, low;

    if (letter) {
        *(*to)++ = codes[letter - letters];
        return from + 1;
    }
    if (*from != 'u' || !read_hex(from + 1, end, &code) || code == 0 || (code >= 0xdc00 && code < 0xe000))
        return NULL;
    from += 5;
    if (code >= 0xd800 && code < 0xdc00) {
        if (end - from < 6 || from[0] != '\\' || from[1] != 'u' || !read_hex(from + 2, end, &low) || low < 0xdc00 ||
            low >= 0xe000)
            return NULL;
        code = 0x10000 + ((code & 0x3ff) << 10 | (low & 0x3ff));
        from += 6;
    }
    *to = add_utf8(*to, code);
    return from;
}

/* NULL, and the text is told to be broken, when an escape is. */
static char *token_text(struct scanner *scanner, const struct token *token)
{
    const char *from = token->start, *end = from + token->length;
    char *text = arena_strndup(scanner->arena, from, token->length), *to = text;

    if (!token->has_escapes)
        return text;
    while (from < end) {
        if (*from != '\\') {
            *to++ = *from++;
        } else if (!(from = unescape(from + 1, end, &to))) {
            not_json(scanner);
            return NULL;
        }
    }
    *to = '\0';
    return text;
}

/* Walks through {..} or [..]: 1 and the next member's key (of an object) is read, 0 at the end, -1. */
static int next_member(struct scanner *scanner, char close, bool *is_first, struct token *key)
{
    char c = skip_blanks(scanner);

    if (c == close) {
        scanner->at++;
        scanner->depth--;
        return 0;
    }
    if (!*is_first) {
        if (c != ',')
            return not_json(scanner);
        scanner->at++;
        c = skip_blanks(scanner);
    }
    *is_first = false;
    if (close == ']')
        return 1;
    if (c != '"' || read_string(scanner, key) != 0 || skip_blanks(scanner) != ':')
        return not_json(scanner);
    scanner->at++;
    return 1;
}

/* Passes the bracket of an object or list. */
static int enter(struct scanner *scanner)
{
    if (++scanner->depth > JSON_DEPTH_LIMIT)
        return broken(scanner, "nested too deep");
    scanner->at++;
    return 0;
}

/* What is passed over has to be JSON, too. */
static int check_escapes(struct scanner *scanner, const struct token *token)
{
    return token->kind != '"' || !token->has_escapes || token_text(scanner, token) ? 0 : -1;
}

static int skip_members(struct scanner *scanner, char close)
{
    bool is_first = true;
    struct token key = { 0 };
    int more;

    if (enter(scanner) != 0)
        return -1;
    while ((more = next_member(scanner, close, &is_first, &key)) > 0)
        if (check_escapes(scanner, &key) != 0 || skip_value(scanner) != 0)
            return -1;
    return more;
}

static int skip_value(struct scanner *scanner)
{
    struct token token;

    if (read_token(scanner, &token) != 0)
        return -1;
    if (token.kind == '{' || token.kind == '[')
        return skip_members(scanner, token.kind == '{' ? '}' : ']');
    return check_escapes(scanner, &token);
}

/* A value of the wrong kind: the rest of it must still be JSON, or that is what is told. */
static int refuse(struct scanner *scanner, const struct token *token, const char *what)
{
    if (token->kind == '{' || token->kind == '[') {
        if (skip_members(scanner, token->kind == '{' ? '}' : ']') != 0)
            return -1;
    } else if (check_escapes(scanner, token) != 0) {
        return -1;
    }
    return complain(scanner, what);
}

/* Digits of a short integer without detours. */
static bool parse_short_integer(const struct token *token, int64_t *number)
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

static double parse_double(const struct token *token)
{
    char digits[NUMBER_LIMIT];

    snprintf(digits, sizeof(digits), "%.*s", (int)token->length, token->start);
    return strtod(digits, NULL);
}

static int scan_i64(struct scanner *scanner, const struct token *token, int64_t min, int64_t max, int64_t *number)
{
    char message[96], *text;
    double value;

    if (token->kind == '0' && parse_short_integer(token, number)) {
        if (*number >= min && *number <= max)
            return 0;
    } else if (token->kind == '0' && !token->is_integer) {
        value = parse_double(token);
        if (value != floor(value) || fabs(value) > 1e15)
            return complain(scanner, "expected an integer");
        *number = (int64_t)value;
        if (*number >= min && *number <= max)
            return 0;
    } else if (token->kind != '0' && token->kind != '"') {
        return refuse(scanner, token, "expected an integer");
    } else {
        text = token_text(scanner, token);
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

static int scan_i32(struct scanner *scanner, const struct token *token, int32_t *number)
{
    int64_t wide;

    if (scan_i64(scanner, token, INT32_MIN, INT32_MAX, &wide) != 0)
        return -1;
    *number = (int32_t)wide;
    return 0;
}

static int scan_bool(struct scanner *scanner, const struct token *token, bool *value)
{
    const char *text = token->kind == '"' ? token_text(scanner, token) : NULL;

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

static int scan_double(struct scanner *scanner, const struct token *token, double *value)
{
    const char *text = token->kind == '"' ? token_text(scanner, token) : NULL;

    if (token->kind == '"' && !text)
        return -1;
    if (token->kind == '0')
        *value = parse_double(token);
    else if (!text || !text_parse_double(text, value))
        return refuse(scanner, token, "expected a number");
    return 0;
}

static int scan_text(struct scanner *scanner, const struct token *token, char **text)
{
    if (token->kind == '"' || (token->kind == '0' && token->is_integer))
        return (*text = token_text(scanner, token)) ? 0 : -1;
    if (token->kind == 't' || token->kind == 'f')
        *text = arena_strdup(scanner->arena, token->kind == 't' ? "true" : "false");
    else if (token->kind == '0')
        *text = arena_printf(scanner->arena, "%.15g", parse_double(token));
    else
        return refuse(scanner, token, "expected a string");
    return 0;
}

static int scan_enum(struct scanner *scanner, const struct enum_name *names, const struct token *token, uint64_t *value)
{
    const char *text = token->kind == '"' ? token_text(scanner, token) : NULL;
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

static int scan_items(struct scanner *scanner, const struct field *field, const struct token *token, void *member);

/* Behind the last key, as our own encoder writes them, without a search. */
static int add_pair(struct scanner *scanner, struct text_map *map, char *key, const struct token *token)
{
    char *value;

    if (token->kind == 'n')
        return 0;
    if (scan_text(scanner, token, &value) != 0)
        return -1;
    if (map->count > 0 && strcmp(map->at[map->count - 1].key, key) >= 0)
        text_map_set(map, key, value, scanner->arena);
    else
        *LIST_ADD(map, scanner->arena) = (struct text_pair){ key, value };
    return 0;
}

/* One item of a list or map; key is NULL in lists. */
static int scan_item(struct scanner *scanner, const struct field *field, void *member, char *key)
{
    static const struct field texts = { .kind = FIELD_KIND_TEXTS };
    struct token token;
    uint64_t bits;
    void *item;

    if (read_token(scanner, &token) != 0)
        return -1;
    switch ((enum field_kind)field->kind) {
    case FIELD_KIND_LIST:
    case FIELD_KIND_OBJECT_MAP:
        item = list_add(member, ((const struct schema *)field->ref)->size, scanner->arena);
        if (key)
            memcpy(item, &key, sizeof(key));
        if (token.kind != '{')
            return refuse(scanner, &token, "expected an object");
        return scan_object(scanner, field->ref, item);
    case FIELD_KIND_TEXTS:
        return scan_text(scanner, &token, LIST_ADD((struct text_list *)member, scanner->arena));
    case FIELD_KIND_I64S:
        return scan_i64(scanner, &token, INT64_MIN, INT64_MAX, LIST_ADD((struct i64_list *)member, scanner->arena));
    case FIELD_KIND_FLAGS:
        if (scan_enum(scanner, field->ref, &token, &bits) != 0)
            return -1;
        *(uint64_t *)member |= bits;
        return 0;
    case FIELD_KIND_TEXT_MAP: return add_pair(scanner, member, key, &token);
    case FIELD_KIND_I64_MAP: {
        struct i64_pair *pair = LIST_ADD((struct i64_map *)member, scanner->arena);

        pair->key = key;
        return scan_i64(scanner, &token, INT64_MIN, INT64_MAX, &pair->value);
    }
    case FIELD_KIND_TEXTS_MAP: {
        struct texts_pair *pair = LIST_ADD((struct texts_map *)member, scanner->arena);

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
static int scan_items(struct scanner *scanner, const struct field *field, const struct token *token, void *member)
{
    bool is_map = field->kind == FIELD_KIND_TEXT_MAP || field->kind == FIELD_KIND_I64_MAP ||
                  field->kind == FIELD_KIND_TEXTS_MAP || field->kind == FIELD_KIND_OBJECT_MAP;
    bool is_flags = field->kind == FIELD_KIND_FLAGS, is_first = true;
    struct any_list { void *at; uint32_t count, room; } *list = member;
    struct token key_token = { 0 };
    uint32_t index = 0;
    int more;

    if (token->kind != (is_map ? '{' : '['))
        return refuse(scanner, token, is_map ? "expected an object" : "expected a list");
    if (enter(scanner) != 0)
        return -1;
    if (is_flags)
        *(uint64_t *)member = 0;
    else
        *list = (struct any_list){ .at = arena_alloc(scanner->arena, 0) };
    for (; (more = next_member(scanner, is_map ? '}' : ']', &is_first, &key_token)) > 0; index++) {
        char *key = is_map ? token_text(scanner, &key_token) : NULL;

        if (is_map && !key)
            return -1;
        if (scan_item(scanner, field, member, key) != 0)
            return is_map ? within(scanner, key) : within_index(scanner, index);
    }
    if (!is_flags)
        list->room = 0;
    return more;
}

static int scan_member(struct scanner *scanner, const struct field *field, const struct token *token, void *member)
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
        object = arena_alloc(scanner->arena, ((const struct schema *)field->ref)->size);
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
static const struct field *find_row(struct scanner *scanner, const struct schema *schema, const struct token *key,
                                    uint32_t *next)
{
    const char *name = key->start;
    size_t length = key->length;

    if (key->has_escapes) {
        name = token_text(scanner, key);
        if (!name)
            return NULL;
        length = strlen(name);
    }
    for (uint32_t tried = 0; tried < schema->count; tried++) {
        const struct field *field;

        if (*next >= schema->count)
            *next = 0;
        field = &schema->fields[(*next)++];
        if (field->name[0] == name[0] && strncmp(field->name, name, length) == 0 && !field->name[length])
            return field;
    }
    return NULL;
}

/* At the opening brace. */
static int scan_object(struct scanner *scanner, const struct schema *schema, void *object)
{
    struct token key = { 0 }, token;
    bool is_first = true;
    uint64_t seen = 0;
    uint32_t next = 0;
    int more;

    if (enter(scanner) != 0)
        return -1;
    while ((more = next_member(scanner, '}', &is_first, &key)) > 0) {
        const struct field *field = find_row(scanner, schema, &key, &next);

        if (scanner->is_broken)
            return -1;
        if (!field) {
            if (skip_value(scanner) != 0)
                return -1;
            continue;
        }
        if (read_token(scanner, &token) != 0)
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

int field_scan_text(const struct schema *schema, void *object, const char *text, size_t length, struct arena *arena,
                    struct field_error *error)
{
    struct scanner scanner = { .text = text, .at = text, .end = text + length, .arena = arena, .error = error };
    char what[sizeof(error->message)];
    struct token token;
    int result;

    result = read_token(&scanner, &token);
    if (result == 0)
        result = token.kind == '{' ? scan_object(&scanner, schema, object) : refuse(&scanner, &token, "expected an object");
    if (result == 0 && (skip_blanks(&scanner), scanner.at < scanner.end))
        result = broken(&scanner, "something stands behind the JSON value");
    if (result == 0)
        return 0;
    if (scanner.is_broken || !error->path[0])
        return -1;
    strcpy(what, error->message);
    if (snprintf(error->message, sizeof(error->message), "%s: %s", error->path, what) < 0)
        error->message[0] = '\0';
    return -1;
}
