/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/json_scan.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

int json_scan_broken(struct json_scanner *scanner, const char *what)
{
    size_t line = 1;

    if (scanner->is_broken)
        return -1;
    for (const char *at = scanner->text; at < scanner->at && at < scanner->end; at++)
        line += *at == '\n';
    scanner->is_broken = true;
    snprintf(scanner->message, sizeof(scanner->message), "line %zu: %s", line, what);
    return -1;
}

char json_scan_blanks(struct json_scanner *scanner)
{
    while (scanner->at < scanner->end &&
           (*scanner->at == ' ' || *scanner->at == '\n' || *scanner->at == '\r' || *scanner->at == '\t'))
        scanner->at++;
    return scanner->at < scanner->end ? *scanner->at : '\0';
}

static int not_json(struct json_scanner *scanner)
{
    return json_scan_broken(scanner, scanner->text == scanner->end ? "empty" : "not a JSON value");
}

/* The highest bits of the bytes that are zero. A bit above the lowest one may be set for no reason. */
static uint64_t zero_bytes(uint64_t word)
{
    return (word - UINT64_C(0x0101010101010101)) & ~word & UINT64_C(0x8080808080808080);
}

/* Most of a text lies in its strings, so eight bytes are looked at together. */
const char *json_scan_plain(const char *at, const char *end)
{
    static const uint64_t each_byte = UINT64_C(0x0101010101010101);

    while (end - at >= (ptrdiff_t)sizeof(uint64_t)) {
        uint64_t word, found;

        memcpy(&word, at, sizeof(word));
        word = le64toh(word);
        found = zero_bytes(word) | zero_bytes(word ^ each_byte * '"') | zero_bytes(word ^ each_byte * '\\');
        if (found)
            return at + __builtin_ctzll(found) / 8;
        at += sizeof(word);
    }
    while (at < end && *at && *at != '"' && *at != '\\')
        at++;
    return at;
}

static int read_string(struct json_scanner *scanner, struct json_token *token)
{
    const char *at = scanner->at + 1;

    token->kind = '"';
    token->start = at;
    token->has_escapes = false;
    for (;; at += 2) {
        at = json_scan_plain(at, scanner->end);
        if (at >= scanner->end || !*at)
            return not_json(scanner);
        if (*at == '"')
            break;
        token->has_escapes = true;
        if (scanner->end - at < 2)
            return not_json(scanner);
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

static int read_number(struct json_scanner *scanner, struct json_token *token)
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
    *token = (struct json_token){ '0', start, (size_t)(at - start), false, token->is_integer };
    scanner->at = at;
    return 0;
}

int json_scan_token(struct json_scanner *scanner, struct json_token *token)
{
    static const char *const words[] = { "true", "false", "null" };
    char c = json_scan_blanks(scanner);

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
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;

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

/* The escape behind its backslash; NULL when there is no such escape. An escape is never shorter than what it stands
 * for. */
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

char *json_scan_text(struct json_scanner *scanner, const struct json_token *token)
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

int json_scan_member(struct json_scanner *scanner, char close, bool *is_first, struct json_token *key)
{
    char c = json_scan_blanks(scanner);

    if (c == close) {
        scanner->at++;
        scanner->depth--;
        return 0;
    }
    if (!*is_first) {
        if (c != ',')
            return not_json(scanner);
        scanner->at++;
        c = json_scan_blanks(scanner);
    }
    *is_first = false;
    if (close == ']')
        return 1;
    if (c != '"' || read_string(scanner, key) != 0 || json_scan_blanks(scanner) != ':')
        return not_json(scanner);
    scanner->at++;
    return 1;
}

int json_scan_enter(struct json_scanner *scanner)
{
    if (++scanner->depth > JSON_DEPTH_LIMIT)
        return json_scan_broken(scanner, "nested too deep");
    scanner->at++;
    return 0;
}

int json_scan_check(struct json_scanner *scanner, const struct json_token *token)
{
    return token->kind != '"' || !token->has_escapes || json_scan_text(scanner, token) ? 0 : -1;
}

int json_scan_skip_members(struct json_scanner *scanner, char close)
{
    bool is_first = true;
    struct json_token key = { 0 };
    int more;

    if (json_scan_enter(scanner) != 0)
        return -1;
    while ((more = json_scan_member(scanner, close, &is_first, &key)) > 0)
        if (json_scan_check(scanner, &key) != 0 || json_scan_skip(scanner) != 0)
            return -1;
    return more;
}

int json_scan_skip(struct json_scanner *scanner)
{
    struct json_token token;

    if (json_scan_token(scanner, &token) != 0)
        return -1;
    if (token.kind == '{' || token.kind == '[')
        return json_scan_skip_members(scanner, token.kind == '{' ? '}' : ']');
    return json_scan_check(scanner, &token);
}
