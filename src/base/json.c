/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXACT_DIGITS = 15 };

static cJSON *fail(struct json_error *error, const char *text, size_t offset, const char *what)
{
    size_t line = 1;

    for (size_t i = 0; i < offset; i++)
        line += text[i] == '\n';
    error->offset = offset;
    snprintf(error->message, sizeof(error->message), "line %zu: %s", line, what);
    return NULL;
}

/* A string that goes on behind a NUL would be cut there by everything that reads it. */
static bool is_escaped_nul(const char *text, size_t length, size_t at)
{
    return length - at >= 6 && strncmp(text + at, "\\u0000", 6) == 0;
}

/* Past the bytes of a string that nothing ends and nothing escapes, eight at a time; at may stop before the first
 * other. */
static size_t skip_plain(const char *text, size_t at, size_t length)
{
    static const uint64_t ones = UINT64_C(0x0101010101010101), tops = UINT64_C(0x8080808080808080);

    for (; length - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t bytes, quote, backslash;

        memcpy(&bytes, text + at, sizeof(bytes));
        quote = bytes ^ ones * '"';
        backslash = bytes ^ ones * '\\';
        if ((((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) | ((bytes - ones) & ~bytes)) & tops)
            break;
    }
    return at;
}

static bool is_in_number(char c)
{
    return (c >= '0' && c <= '9') || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-';
}

/*
 * Walks the text once: counts depth, looks for NULs in strings, and copies the text to quoted with quotes around long
 * integers when there are any. False, and *at and *what, where it cannot be accepted.
 */
static bool prepare(const char *text, size_t length, struct buf *quoted, size_t *at, const char **what)
{
    size_t copied = 0;
    unsigned depth = 0;

    for (size_t i = 0; i < length; i++) {
        char c = text[i];

        if (c == '"') {
            for (i = skip_plain(text, i + 1, length); i < length && text[i] != '"'; i++) {
                bool is_slash = text[i] == '\\';

                if (text[i] == '\0' || (is_slash && is_escaped_nul(text, length, i))) {
                    *at = i;
                    *what = "a string holds the character U+0000";
                    return false;
                }
                i += is_slash;
            }
        } else if (c == '{' || c == '[') {
            if (++depth > JSON_DEPTH_LIMIT) {
                *at = i;
                *what = "nested too deep";
                return false;
            }
        } else if (c == '}' || c == ']') {
            depth -= depth > 0;
        } else if ((c >= '0' && c <= '9') || c == '-') {
            size_t end = i + 1;
            bool is_integer = true;

            for (; end < length && is_in_number(text[end]); end++)
                is_integer = is_integer && text[end] >= '0' && text[end] <= '9';
            if (is_integer && end - i - (c == '-') > EXACT_DIGITS) {
                buf_add(quoted, text + copied, i - copied);
                buf_add_char(quoted, '"');
                buf_add(quoted, text + i, end - i);
                buf_add_char(quoted, '"');
                copied = end;
            }
            i = end - 1;
        }
    }
    if (copied > 0)
        buf_add(quoted, text + copied, length - copied);
    return true;
}

/* Of the character; 0 when the bytes are none. A NUL ends every check. */
static size_t utf8_length(const unsigned char *text)
{
    static const unsigned char lowest[] = { 0, 0, 0x80, 0xa0, 0x90 }; /* second byte, against overlong forms */
    size_t length = text[0] >= 0xf0 && text[0] <= 0xf4  ? 4
                    : text[0] >= 0xe0 && text[0] < 0xf0 ? 3
                    : text[0] >= 0xc2 && text[0] < 0xe0 ? 2
                                                        : 0;

    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    if (length > 2 && text[1] < lowest[length] && (text[0] & 0x0f) == 0)
        return 0;
    if ((text[0] == 0xed && text[1] > 0x9f) || (text[0] == 0xf4 && text[1] > 0x8f))
        return 0;
    return length;
}

/* Nearly all text is ASCII: eight bytes at a time. The last character ends before the end: a text may end in its
 * middle. */
bool json_is_utf8(const char *text, size_t length)
{
    static const uint64_t tops = UINT64_C(0x8080808080808080);
    size_t at = 0;

    while (at < length) {
        unsigned char last[5] = "";
        uint64_t bytes;
        size_t size;

        if (length - at >= sizeof(bytes)) {
            memcpy(&bytes, text + at, sizeof(bytes));
            if (!(bytes & tops)) {
                at += sizeof(bytes);
                continue;
            }
        }
        if (!(text[at] & 0x80)) {
            at++;
            continue;
        }
        memcpy(last, text + at, length - at < 4 ? length - at : 4);
        size = utf8_length(last);
        if (size == 0)
            return false;
        at += size;
    }
    return true;
}

static cJSON *parse(const char *text, size_t length, bool is_first, struct json_error *error)
{
    CLEANUP(buf_done) struct buf quoted = { 0 };
    const char *end = NULL, *start = text, *what;
    size_t at = 0, size = length;
    cJSON *tree;

    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) /* cJSON would pass over it */
        return fail(error, text, 0, "a byte order mark is no JSON");
    if (!json_is_utf8(text, length))
        return fail(error, text, 0, "the text is not UTF-8");
    if (!prepare(text, length, &quoted, &at, &what))
        return fail(error, text, at, what);
    if (quoted.length > 0) {
        start = quoted.data;
        size = quoted.length;
    }
    tree = cJSON_ParseWithLengthOpts(start, size, &end, false);
    if (!tree) {
        at = end ? (size_t)(end - start) : 0;
        if (at > length)
            at = length;
        return fail(error, text, at, length == 0 ? "empty" : "not a JSON value");
    }
    while (end < start + size && strchr(" \t\r\n", *end) && *end != '\0')
        end++;
    if (end < start + size && !is_first) {
        cJSON_Delete(tree);
        at = (size_t)(end - start);
        return fail(error, text, at > length ? length : at, "something stands behind the JSON value");
    }
    return tree;
}

cJSON *json_parse(const char *text, size_t length, struct json_error *error)
{
    return parse(text, length, false, error);
}

cJSON *json_parse_first(const char *text, size_t length, struct json_error *error)
{
    return parse(text, length, true, error);
}

static void indent(struct json_writer *writer)
{
    buf_add_char(writer->out, '\n');
    for (unsigned i = 0; i < writer->depth; i++)
        buf_add(writer->out, "  ", 2);
}

static void begin_pretty_value(struct json_writer *writer)
{
    struct buf *out = writer->out;
    bool follows_key = out->length > 0 && out->data[out->length - 1] == ' ';

    if (writer->needs_comma)
        buf_add_char(out, ',');
    if (writer->depth > 0 && !follows_key)
        indent(writer);
    writer->needs_comma = false;
}

/* Writes what stands before a value; returns where its first byte goes, with room for size bytes and a NUL. */
static inline char *begin_value(struct json_writer *writer, size_t size)
{
    struct buf *out = writer->out;

    if (writer->is_pretty)
        begin_pretty_value(writer);
    buf_reserve(out, size + 1);
    if (writer->needs_comma)
        out->data[out->length++] = ',';
    writer->needs_comma = true;
    return out->data + out->length;
}

static inline void end_value(struct json_writer *writer, char *end)
{
    *end = '\0';
    writer->out->length = (size_t)(end - writer->out->data);
}

void json_begin(struct json_writer *writer, char open)
{
    char *at = begin_value(writer, 1);

    *at++ = open;
    end_value(writer, at);
    writer->needs_comma = false;
    writer->depth++;
}

void json_end(struct json_writer *writer, char close)
{
    writer->depth--;
    if (writer->is_pretty && writer->needs_comma)
        indent(writer);
    buf_add_char(writer->out, close);
    writer->needs_comma = true;
}

/* Top bits are set when one of eight bytes is no printable ASCII or needs a backslash. */
static inline uint64_t find_special(uint64_t bytes)
{
    static const uint64_t ones = UINT64_C(0x0101010101010101), tops = UINT64_C(0x8080808080808080);
    uint64_t quote = bytes ^ ones * '"', backslash = bytes ^ ones * '\\', delete = bytes ^ ones * 0x7f;

    /* x - 1 has its top bit set, and x has not, only where x is 0, or where a lower byte was */
    return ((bytes - ones * 0x20) | (quote - ones) | (backslash - ones) | (delete - ones) | bytes) & tops;
}

/* Whether text needs no escapes: eight bytes at a time, because nearly all text does not. */
static bool is_plain(const char *text, size_t length)
{
    uint64_t bytes = UINT64_C(0x7878787878787878), special = 0;

    if (length < sizeof(bytes)) {
        memcpy(&bytes, text, length);
        return find_special(bytes) == 0;
    }
    for (size_t at = 0; at < length - sizeof(bytes); at += sizeof(bytes)) {
        memcpy(&bytes, text + at, sizeof(bytes));
        special |= find_special(bytes);
    }
    memcpy(&bytes, text + length - sizeof(bytes), sizeof(bytes)); /* mostly overlaps the one before */
    return (special | find_special(bytes)) == 0;
}

static void add_escaped(struct buf *out, const char *text)
{
    const unsigned char *next = (const unsigned char *)text, *plain = next;

    buf_add_char(out, '"');
    while (*next) {
        size_t length;

        if (*next >= 0x20 && *next < 0x7f && *next != '"' && *next != '\\') {
            next++;
            continue;
        }
        length = *next < 0x80 ? 0 : utf8_length(next);
        if (length > 0) {
            next += length;
            continue;
        }
        buf_add(out, plain, (size_t)(next - plain));
        switch (*next) {
        case '"': buf_add(out, "\\\"", 2); break;
        case '\\': buf_add(out, "\\\\", 2); break;
        case '\n': buf_add(out, "\\n", 2); break;
        case '\r': buf_add(out, "\\r", 2); break;
        case '\t': buf_add(out, "\\t", 2); break;
        default:
            if (*next >= 0x80)
                buf_add(out, "\xef\xbf\xbd", 3);
            else
                buf_printf(out, "\\u%04x", *next);
        }
        plain = ++next;
    }
    buf_add(out, plain, (size_t)(next - plain));
    buf_add_char(out, '"');
}

static char *put_quoted(char *at, const char *text, size_t length)
{
    *at++ = '"';
    memcpy(at, text, length);
    at += length;
    *at++ = '"';
    return at;
}

static void end_key(struct json_writer *writer, char *at)
{
    *at++ = ':';
    if (writer->is_pretty)
        *at++ = ' ';
    end_value(writer, at);
    writer->needs_comma = false;
}

static void add_plain_key(struct json_writer *writer, const char *key, size_t length)
{
    end_key(writer, put_quoted(begin_value(writer, length + 4), key, length));
}

void json_quoted_key(struct json_writer *writer, const char *quoted, size_t length)
{
    struct buf *out = writer->out;
    size_t comma = writer->needs_comma ? 0 : 1;

    if (writer->is_pretty) {
        add_plain_key(writer, quoted + 2, length - 4);
        return;
    }
    buf_reserve(out, length);
    memcpy(out->data + out->length, quoted + comma, length - comma);
    end_value(writer, out->data + out->length + length - comma);
    writer->needs_comma = false;
}

void json_key(struct json_writer *writer, const char *key)
{
    size_t length = strlen(key);

    if (is_plain(key, length)) {
        add_plain_key(writer, key, length);
        return;
    }
    end_value(writer, begin_value(writer, 0));
    add_escaped(writer->out, key);
    buf_reserve(writer->out, 2);
    end_key(writer, writer->out->data + writer->out->length);
}

void json_text(struct json_writer *writer, const char *text)
{
    size_t length = strlen(text);
    char *at = begin_value(writer, length + 2);

    if (is_plain(text, length)) {
        end_value(writer, put_quoted(at, text, length));
        return;
    }
    end_value(writer, at);
    add_escaped(writer->out, text);
}

void json_plain_text(struct json_writer *writer, const char *text)
{
    size_t length = strlen(text);

    end_value(writer, put_quoted(begin_value(writer, length + 2), text, length));
}

void json_i64(struct json_writer *writer, int64_t number)
{
    enum { DIGITS = 20 }; /* a sign and 19 digits; so many bytes are copied at once, whatever is in them */
    char digits[2 * DIGITS], *first = digits + DIGITS;
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    char *at;

    do
        *--first = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (number < 0)
        *--first = '-';
    at = begin_value(writer, DIGITS);
    memcpy(at, first, DIGITS);
    end_value(writer, at + (digits + DIGITS - first));
}

static void add_value(struct json_writer *writer, const char *text, size_t length)
{
    char *at = begin_value(writer, length);

    memcpy(at, text, length);
    end_value(writer, at + length);
}

void json_bool(struct json_writer *writer, bool value)
{
    add_value(writer, value ? "true" : "false", value ? 4 : 5);
}

void json_double(struct json_writer *writer, double number)
{
    char text[40];

    if (!isfinite(number))
        number = 0;
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(text, sizeof(text), "%.*g", precision, number);
        if (strtod(text, NULL) == number)
            break;
    }
    if (!strpbrk(text, ".e"))
        strcat(text, ".0");
    add_value(writer, text, strlen(text));
}

void json_raw(struct json_writer *writer, const char *json)
{
    add_value(writer, json, strlen(json));
}
