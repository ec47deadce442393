/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Works on the text, not on a tree: cJSON would lose 64-bit integers and the form of other numbers. Only strings are
 * read and written anew, because their escapes must come out in one form.
 */
#include "roles/client/pretty.h"

#include <stdint.h>
#include <string.h>

void pretty_new_line(struct buf *out, unsigned depth)
{
    buf_add_char(out, '\n');
    while (depth-- > 0)
        buf_add(out, "  ", 2);
}

static void add_code_point(struct buf *out, uint32_t code)
{
    static const char escapes[] = "\b\t\n\f\r\"\\", letters[] = "btnfr\"\\";
    const char *escape = code > 0 && code < 0x80 ? strchr(escapes, (int)code) : NULL;

    if (escape) {
        buf_add_char(out, '\\');
        buf_add_char(out, letters[escape - escapes]);
    } else if (code >= 0x20 && code < 0x7f) {
        buf_add_char(out, (char)code);
    } else if (code == 0x7f) {
        buf_add_char(out, (char)code); /* no control character to JSON */
    } else if (code >= 0x10000) {
        code -= 0x10000;
        buf_printf(out, "\\u%04x\\u%04x", 0xd800 + (code >> 10), 0xdc00 + (code & 0x3ff));
    } else {
        buf_printf(out, "\\u%04x", code);
    }
}

static uint32_t parse_hex(const char *text, size_t length)
{
    uint32_t code = 0;

    for (size_t i = 0; i < 4; i++) {
        const char *digits = "0123456789abcdefABCDEF";
        const char *digit = i < length && text[i] ? strchr(digits, text[i]) : NULL;

        if (!digit)
            return 0xfffd;
        code = code * 16 + (uint32_t)(digit - digits < 16 ? digit - digits : digit - digits - 6);
    }
    return code;
}

/* One escape behind its backslash; bytes used. */
static size_t add_escape(struct buf *out, const char *text, size_t length)
{
    static const char letters[] = "btnfr", codes[] = "\b\t\n\f\r";
    const char *letter = length > 0 && *text ? strchr(letters, *text) : NULL;

    if (length == 0)
        return 0;
    if (*text != 'u') {
        add_code_point(out, letter ? (uint32_t)codes[letter - letters] : (unsigned char)*text);
        return 1;
    }
    if (length < 5)
        return length;
    add_code_point(out, parse_hex(text + 1, length - 1)); /* halves of a pair are each written as they came */
    return 5;
}

/* One UTF-8 sequence that does not begin with ASCII; bytes used. */
static size_t add_utf8(struct buf *out, const unsigned char *text, size_t length)
{
    size_t size = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
    uint32_t code = text[0] & (0xffu >> (size + 1));

    if (text[0] < 0xc2 || text[0] > 0xf4 || length < size) {
        add_code_point(out, 0xfffd);
        return 1;
    }
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            add_code_point(out, 0xfffd);
            return 1;
        }
        code = code << 6 | (text[i] & 0x3f);
    }
    add_code_point(out, code);
    return size;
}

/* From behind the quote; bytes used with the closing one. */
static size_t add_string(struct buf *out, const char *text, size_t length)
{
    size_t at = 0;

    buf_add_char(out, '"');
    while (at < length && text[at] != '"') {
        size_t plain = at;

        while (plain < length && (unsigned char)text[plain] < 0x80 && text[plain] != '"' && text[plain] != '\\' &&
               (unsigned char)text[plain] >= 0x20)
            plain++;
        buf_add(out, text + at, plain - at);
        at = plain;
        if (at >= length || text[at] == '"')
            break;
        if (text[at] == '\\')
            at += 1 + add_escape(out, text + at + 1, length - at - 1);
        else if ((unsigned char)text[at] < 0x20)
            add_code_point(out, (unsigned char)text[at++]);
        else
            at += add_utf8(out, (const unsigned char *)text + at, length - at);
    }
    buf_add_char(out, '"');
    return at < length ? at + 1 : length;
}

static size_t skip_blanks(const char *json, size_t at, size_t length)
{
    while (at < length && (json[at] == ' ' || json[at] == '\n' || json[at] == '\r' || json[at] == '\t'))
        at++;
    return at;
}

void pretty_json(struct buf *out, const char *json, size_t length, unsigned depth)
{
    unsigned base = depth;

    for (size_t at = skip_blanks(json, 0, length); at < length; at = skip_blanks(json, at, length)) {
        char c = json[at++];

        if (c == '"') {
            at += add_string(out, json + at, length - at);
        } else if (c == '{' || c == '[') {
            buf_add_char(out, c);
            at = skip_blanks(json, at, length);
            if (at < length && (json[at] == '}' || json[at] == ']'))
                buf_add_char(out, json[at++]);
            else
                pretty_new_line(out, ++depth);
        } else if (c == '}' || c == ']') {
            depth -= depth > base;
            pretty_new_line(out, depth);
            buf_add_char(out, c);
        } else if (c == ',') {
            buf_add_char(out, c);
            pretty_new_line(out, depth);
        } else if (c == ':') {
            buf_add(out, ": ", 2);
        } else {
            buf_add_char(out, c);
        }
    }
}

void pretty_write_pairs(struct json_writer *writer, const struct text_map *map)
{
    json_begin(writer, '[');
    for (uint32_t i = 0; i < map->count; i++) {
        json_begin(writer, '{');
        json_key(writer, "key");
        json_text(writer, map->at[i].key);
        json_key(writer, "value");
        json_text(writer, map->at[i].value);
        json_end(writer, '}');
    }
    json_end(writer, ']');
}
