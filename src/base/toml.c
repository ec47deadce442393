/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One pass over the text. What TOML forbids about tables (a second definition, growing an inline table) depends on how
 * a table came to be, which is kept in valueint of its cJSON object: cJSON uses that member for numbers only. The line
 * of every value is noted beside the tree, for messages about values that are well-formed but not what the rows want.
 */
#include "base/toml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/toml_scan.h"

enum origin {
    ORIGIN_VALUE,    /* no table, or an inline one: closed */
    ORIGIN_IMPLICIT, /* a of [a.b] */
    ORIGIN_HEADER,   /* [a] */
    ORIGIN_DOTTED,   /* a of a.b = 1 */
};

struct noted_line {
    const cJSON *node;
    int32_t line;
};

struct parser {
    struct toml_scan scan;
    uint32_t count;
    struct noted_line *lines; /* room for TOML_VALUE_LIMIT */
};

struct key {
    char *parts[TOML_DEPTH_LIMIT];
    int count;
};

static void key_done(struct key *key)
{
    for (int i = 0; i < key->count; i++)
        free(key->parts[i]);
    key->count = 0;
}

static bool note_line(struct parser *parser, const cJSON *node)
{
    if (parser->count == TOML_VALUE_LIMIT)
        return toml_scan_fail(&parser->scan, "more than %d values", TOML_VALUE_LIMIT);
    parser->lines[parser->count++] = (struct noted_line){ node, parser->scan.line };
    return true;
}

static int32_t line_of(const struct parser *parser, const cJSON *node)
{
    for (uint32_t i = 0; i < parser->count; i++)
        if (parser->lines[i].node == node)
            return parser->lines[i].line;
    return 0;
}

static bool parse_key_part(struct parser *parser, struct key *key)
{
    CLEANUP(buf_done) struct buf part = { 0 };
    const char *start = parser->scan.at;

    if (toml_scan_peek(&parser->scan) == '"' || toml_scan_peek(&parser->scan) == '\'') {
        if (!toml_scan_string(&parser->scan, &part, false))
            return false;
    } else {
        while (toml_scan_is_bare(toml_scan_peek(&parser->scan)))
            parser->scan.at++;
        if (parser->scan.at == start)
            return toml_scan_fail(&parser->scan, "expected a key");
        buf_add(&part, start, (size_t)(parser->scan.at - start));
    }
    if (key->count == TOML_DEPTH_LIMIT)
        return toml_scan_fail(&parser->scan, "nested too deep");
    key->parts[key->count++] = memory_strdup(buf_text(&part));
    return true;
}

/* a."b c".d; blanks are skipped behind it. */
static bool parse_key(struct parser *parser, struct key *key)
{
    for (;;) {
        toml_scan_skip_blanks(&parser->scan);
        if (!parse_key_part(parser, key))
            return false;
        toml_scan_skip_blanks(&parser->scan);
        if (toml_scan_peek(&parser->scan) != '.')
            return true;
        parser->scan.at++;
    }
}

static void add_name(struct buf *name, const struct key *key)
{
    for (int i = 0; i < key->count; i++) {
        if (name->length > 0)
            buf_add_char(name, '.');
        buf_add_text(name, key->parts[i]);
    }
}

static cJSON *new_table(struct parser *parser, cJSON *parent, const char *name, enum origin origin)
{
    cJSON *table = cJSON_CreateObject();

    table->valueint = origin;
    cJSON_AddItemToObject(parent, name, table);
    return note_line(parser, table) ? table : NULL;
}

static cJSON *parse_value(struct parser *parser, int depth);

static cJSON *parse_array(struct parser *parser, int depth)
{
    int32_t start_line = parser->scan.line;
    cJSON *array = cJSON_CreateArray(), *item;

    parser->scan.at++;
    for (;;) {
        if (!toml_scan_skip_lines(&parser->scan))
            break;
        if (toml_scan_peek(&parser->scan) == ']') {
            parser->scan.at++;
            return array;
        }
        if (parser->scan.at == parser->scan.end) {
            toml_scan_fail_at(&parser->scan, start_line, "the array does not end");
            break;
        }
        item = parse_value(parser, depth);
        if (!item)
            break;
        cJSON_AddItemToArray(array, item);
        if (!toml_scan_skip_lines(&parser->scan))
            break;
        if (toml_scan_peek(&parser->scan) == ',') {
            parser->scan.at++;
        } else if (toml_scan_peek(&parser->scan) != ']') {
            if (parser->scan.at == parser->scan.end)
                toml_scan_fail_at(&parser->scan, start_line, "the array does not end");
            else
                toml_scan_fail(&parser->scan, "expected ',' or ']' in an array");
            break;
        }
    }
    cJSON_Delete(array);
    return NULL;
}

static bool parse_pair(struct parser *parser, cJSON *table, int depth);

static cJSON *parse_inline_table(struct parser *parser, int depth)
{
    cJSON *table = cJSON_CreateObject();

    parser->scan.at++;
    toml_scan_skip_blanks(&parser->scan);
    if (toml_scan_peek(&parser->scan) == '}') {
        parser->scan.at++;
        return table;
    }
    while (parse_pair(parser, table, depth)) {
        toml_scan_skip_blanks(&parser->scan);
        if (toml_scan_peek(&parser->scan) == '}') {
            parser->scan.at++;
            return table;
        }
        if (toml_scan_peek(&parser->scan) != ',') {
            toml_scan_fail(&parser->scan,
                           "expected ',' or '}' in a table in braces, which ends on the line where it begins");
            break;
        }
        parser->scan.at++;
    }
    cJSON_Delete(table);
    return NULL;
}

static cJSON *parse_value(struct parser *parser, int depth)
{
    int32_t start_line = parser->scan.line;
    cJSON *value = NULL;

    if (depth > TOML_DEPTH_LIMIT) {
        toml_scan_fail(&parser->scan, "nested too deep");
    } else if (toml_scan_peek(&parser->scan) == '"' || toml_scan_peek(&parser->scan) == '\'') {
        CLEANUP(buf_done) struct buf text = { 0 };

        if (toml_scan_string(&parser->scan, &text, true))
            value = cJSON_CreateString(buf_text(&text));
    } else if (toml_scan_peek(&parser->scan) == '[') {
        value = parse_array(parser, depth + 1);
    } else if (toml_scan_peek(&parser->scan) == '{') {
        value = parse_inline_table(parser, depth + 1);
    } else {
        value = toml_scan_word(&parser->scan);
    }
    if (!value || !note_line(parser, value)) {
        cJSON_Delete(value);
        return NULL;
    }
    parser->lines[parser->count - 1].line = start_line;
    return value;
}

/* The table that a dotted key's last part stands in. */
static cJSON *enter_dotted(struct parser *parser, cJSON *table, const struct key *key)
{
    for (int i = 0; i < key->count - 1; i++) {
        cJSON *next = cJSON_GetObjectItemCaseSensitive(table, key->parts[i]);

        if (!next) {
            next = new_table(parser, table, key->parts[i], ORIGIN_DOTTED);
            if (!next)
                return NULL;
        } else if (!cJSON_IsObject(next) || next->valueint != ORIGIN_DOTTED) {
            toml_scan_fail(&parser->scan, "'%.*s' is defined already (line %d) and cannot be added to here",
                           TOML_NAME_SHOWN / 2, key->parts[i], line_of(parser, next));
            return NULL;
        }
        table = next;
    }
    return table;
}

static bool parse_pair_of_key(struct parser *parser, cJSON *table, const struct key *key, int depth)
{
    const char *last = key->parts[key->count - 1];
    const cJSON *twin;
    cJSON *value;

    if (toml_scan_peek(&parser->scan) != '=')
        return toml_scan_fail(&parser->scan, "expected '=' behind the key");
    parser->scan.at++;
    toml_scan_skip_blanks(&parser->scan);
    table = enter_dotted(parser, table, key);
    if (!table)
        return false;
    twin = cJSON_GetObjectItemCaseSensitive(table, last);
    if (twin)
        return toml_scan_fail(&parser->scan, "defined twice (first in line %d)", line_of(parser, twin));
    value = parse_value(parser, depth + key->count);
    if (!value)
        return false;
    cJSON_AddItemToObject(table, last, value);
    return true;
}

static bool parse_pair(struct parser *parser, cJSON *table, int depth)
{
    size_t outer = parser->scan.name.length;
    CLEANUP(key_done) struct key key = { 0 };
    bool had_key = parser->scan.has_key;

    if (!parse_key(parser, &key))
        return false;
    add_name(&parser->scan.name, &key);
    parser->scan.has_key = true;
    if (!parse_pair_of_key(parser, table, &key, depth))
        return false;
    parser->scan.has_key = had_key;
    parser->scan.name.length = outer;
    parser->scan.name.data[outer] = '\0';
    return true;
}

static cJSON *enter_header(struct parser *parser, cJSON *table, const struct key *key)
{
    for (int i = 0; i < key->count; i++) {
        bool is_last = i == key->count - 1;
        cJSON *next = cJSON_GetObjectItemCaseSensitive(table, key->parts[i]);

        if (!next) {
            next = new_table(parser, table, key->parts[i], is_last ? ORIGIN_HEADER : ORIGIN_IMPLICIT);
            if (!next)
                return NULL;
        } else if (!cJSON_IsObject(next) || next->valueint == ORIGIN_VALUE) {
            toml_scan_fail(&parser->scan, "table [%.*s]: '%.*s' is a value (line %d)", TOML_NAME_SHOWN / 2,
                           buf_text(&parser->scan.name), TOML_NAME_SHOWN / 2, key->parts[i], line_of(parser, next));
            return NULL;
        } else if (is_last && next->valueint != ORIGIN_IMPLICIT) {
            toml_scan_fail(&parser->scan, "table [%.*s]: defined twice (first in line %d)", TOML_NAME_SHOWN,
                           buf_text(&parser->scan.name), line_of(parser, next));
            return NULL;
        } else if (is_last) {
            next->valueint = ORIGIN_HEADER;
        }
        table = next;
    }
    return table;
}

/* [a.b]; the table becomes the one that keys are put into. */
static bool parse_header(struct parser *parser, cJSON *root, cJSON **table, int *depth)
{
    CLEANUP(key_done) struct key key = { 0 };

    parser->scan.at++;
    if (toml_scan_peek(&parser->scan) == '[')
        return toml_scan_fail(&parser->scan, "arrays of tables ([[...]]) are not supported");
    buf_clear(&parser->scan.name);
    if (!parse_key(parser, &key))
        return false;
    if (toml_scan_peek(&parser->scan) != ']')
        return toml_scan_fail(&parser->scan, "expected ']' behind the name of a table");
    parser->scan.at++;
    add_name(&parser->scan.name, &key);
    *table = enter_header(parser, root, &key);
    *depth = key.count;
    return *table;
}

static bool parse_document(struct parser *parser, cJSON *root)
{
    cJSON *table = root;
    int depth = 0;

    for (;;) {
        if (!toml_scan_skip_lines(&parser->scan))
            return false;
        if (parser->scan.at == parser->scan.end)
            return true;
        if (toml_scan_peek(&parser->scan) == '[' ? !parse_header(parser, root, &table, &depth)
                                                 : !parse_pair(parser, table, depth))
            return false;
        toml_scan_skip_blanks(&parser->scan);
        if (!toml_scan_skip_comment(&parser->scan))
            return false;
        if (parser->scan.at < parser->scan.end && !toml_scan_skip_break(&parser->scan))
            return toml_scan_fail(&parser->scan, "expected the end of the line");
    }
}

static void parser_done(struct parser *parser)
{
    buf_done(&parser->scan.name);
    free(parser->lines);
}

static cJSON *parse(struct parser *parser, const char *text, size_t length, struct toml_error *error)
{
    cJSON *root;

    *parser = (struct parser){ .scan = { .at = text, .end = text + length, .line = 1, .error = error } };
    if (length > TOML_SIZE_LIMIT) {
        parser->scan.line = 0;
        toml_scan_fail(&parser->scan, "longer than %d bytes", TOML_SIZE_LIMIT);
        return NULL;
    }
    if (memchr(text, '\0', length)) {
        for (const char *c = text; *c; c++)
            parser->scan.line += *c == '\n';
        toml_scan_fail(&parser->scan, "a NUL byte");
        return NULL;
    }
    if (toml_scan_starts_with(&parser->scan, "\xef\xbb\xbf"))
        parser->scan.at += 3;
    parser->lines = memory_alloc(TOML_VALUE_LIMIT * sizeof(*parser->lines));
    root = cJSON_CreateObject();
    if (parse_document(parser, root))
        return root;
    cJSON_Delete(root);
    return NULL;
}

cJSON *toml_parse(const char *text, size_t length, struct toml_error *error)
{
    CLEANUP(parser_done) struct parser parser;

    return parse(&parser, text, length, error);
}

/* "files.allow[2]": the line of the innermost value on that way that has one. */
static int32_t line_of_path(const struct parser *parser, const cJSON *root, const char *path)
{
    const cJSON *node = root;
    int32_t line = 0;

    while (node && *path) {
        const cJSON *next = NULL;

        if (*path == '[' && cJSON_IsArray(node)) {
            next = cJSON_GetArrayItem(node, atoi(path + 1));
            path += strcspn(path, "]");
            path += *path == ']';
        } else {
            size_t taken = 0;

            path += *path == '.';
            cJSON_ArrayForEach(next, node)
            {
                taken = next->string ? strlen(next->string) : 0;
                if (taken > 0 && strncmp(path, next->string, taken) == 0 && strchr(".[", path[taken]))
                    break;
            }
            path += next ? taken : 0;
        }
        node = next;
        line = node ? line_of(parser, node) : line;
    }
    return line;
}

int toml_decode(const struct schema *schema, void *object, const char *text, size_t length, struct arena *arena,
                struct toml_error *error)
{
    CLEANUP(parser_done) struct parser parser;
    cJSON *root = parse(&parser, text, length, error);
    struct field_error wrong;
    int result;

    if (!root)
        return -1;
    result = field_decode_strict(schema, object, root, arena, &wrong);
    if (result != 0) {
        const char *what = wrong.message;
        size_t path_length = strlen(wrong.path);

        if (path_length > 0 && strncmp(what, wrong.path, path_length) == 0 && strncmp(what + path_length, ": ", 2) == 0)
            what += path_length + 2;
        parser.scan.line = line_of_path(&parser, root, wrong.path);
        buf_clear(&parser.scan.name);
        buf_add_text(&parser.scan.name, wrong.path);
        parser.scan.has_key = path_length > 0;
        toml_scan_fail(&parser.scan, "%s", what);
    }
    cJSON_Delete(root);
    return result;
}

int toml_decode_file(const struct schema *schema, void *object, const char *path, struct arena *arena,
                     struct toml_error *error)
{
    CLEANUP(buf_done) struct buf text = { 0 };
    char message[sizeof(error->message)];
    int result = text_read_file(path, TOML_SIZE_LIMIT, &text);

    if (result != 0) {
        error->line = 0;
        snprintf(error->message, sizeof(error->message), "%s: %s", path, strerror(-result));
        return result;
    }
    if (toml_decode(schema, object, buf_text(&text), text.length, arena, error) == 0)
        return 0;
    strcpy(message, error->message);
    snprintf(error->message, sizeof(error->message), "%s: %.300s", path, message);
    return -EINVAL;
}
