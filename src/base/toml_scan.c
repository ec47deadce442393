/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/toml_scan.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_SIZE = 80 };
#define EXACT_LIMIT INT64_C(999999999999999) /* 15 digits, as in json.h */

bool toml_scan_fail(struct toml_scan *scan, const char *format, ...)
{
    struct toml_error *error = scan->error;
    size_t size = sizeof(error->message), used = 0;
    va_list args;

    error->line = scan->line;
    error->message[0] = '\0';
    if (scan->line > 0)
        used += (size_t)snprintf(error->message, size, "line %d: ", scan->line);
    if (scan->has_key)
        used += (size_t)snprintf(error->message + used, size - used, "key '%.*s': ", TOML_NAME_SHOWN,
                                 buf_text(&scan->name));
    va_start(args, format);
    vsnprintf(error->message + used, size - used, format, args);
    va_end(args);
    for (char *c = error->message; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    return false;
}

bool toml_scan_fail_at(struct toml_scan *scan, int32_t line, const char *what)
{
    scan->line = line;
    return toml_scan_fail(scan, "%s", what);
}

/* NUL at the end; the text itself holds none. */
char toml_scan_peek(const struct toml_scan *scan)
{
    return scan->at < scan->end ? *scan->at : '\0';
}

bool toml_scan_starts_with(const struct toml_scan *scan, const char *text)
{
    size_t length = strlen(text);

    return (size_t)(scan->end - scan->at) >= length && memcmp(scan->at, text, length) == 0;
}

void toml_scan_skip_blanks(struct toml_scan *scan)
{
    while (toml_scan_peek(scan) == ' ' || toml_scan_peek(scan) == '\t')
        scan->at++;
}

static bool is_control(char c)
{
    return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

/* A line break, if there is one here. */
bool toml_scan_skip_break(struct toml_scan *scan)
{
    size_t length = toml_scan_starts_with(scan, "\n") ? 1 : toml_scan_starts_with(scan, "\r\n") ? 2 : 0;

    scan->at += length;
    scan->line += length > 0;
    return length > 0;
}

bool toml_scan_skip_comment(struct toml_scan *scan)
{
    if (toml_scan_peek(scan) != '#')
        return true;
    while (scan->at < scan->end && !toml_scan_starts_with(scan, "\n") && !toml_scan_starts_with(scan, "\r\n")) {
        if (is_control(*scan->at))
            return toml_scan_fail(scan, "control character in a comment");
        scan->at++;
    }
    return true;
}

/* Blanks, comments and line breaks, as between the elements of an array. */
bool toml_scan_skip_lines(struct toml_scan *scan)
{
    do {
        toml_scan_skip_blanks(scan);
        if (!toml_scan_skip_comment(scan))
            return false;
    } while (toml_scan_skip_break(scan));
    return true;
}

static void add_utf8(struct buf *out, uint32_t code)
{
    int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned char lead[] = { 0, 0xc0, 0xe0, 0xf0 };

    buf_add_char(out, (char)(lead[more] | code >> (6 * more)));
    while (more-- > 0)
        buf_add_char(out, (char)(0x80 | (code >> (6 * more) & 0x3f)));
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool parse_unicode(struct toml_scan *scan, int digits, struct buf *out)
{
    uint32_t code = 0;

    for (int i = 0; i < digits; i++, scan->at++) {
        int digit = hex_digit(toml_scan_peek(scan));

        if (digit < 0)
            return toml_scan_fail(scan, "expected %d hexadecimal digits after \\%c", digits, digits == 4 ? 'u' : 'U');
        code = code << 4 | (uint32_t)digit;
    }
    if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return toml_scan_fail(scan, "\\%c%0*X is no character", digits == 4 ? 'u' : 'U', digits, code);
    add_utf8(out, code);
    return true;
}

/* Behind a backslash. */
static bool parse_escape(struct toml_scan *scan, struct buf *out)
{
    static const char letters[] = "btnfr\"\\", meanings[] = "\b\t\n\f\r\"\\";
    char letter = toml_scan_peek(scan);
    const char *found = letter ? strchr(letters, letter) : NULL;

    scan->at += letter != '\0';
    if (letter == 'u' || letter == 'U')
        return parse_unicode(scan, letter == 'u' ? 4 : 8, out);
    if (!found)
        return toml_scan_fail(scan, "unknown escape \\%c (a backslash itself is written \\\\)", letter ? letter : ' ');
    buf_add_char(out, meanings[found - letters]);
    return true;
}

/* A backslash at the end of a line swallows the break and the blanks of the following lines. */
static bool skip_continuation(struct toml_scan *scan)
{
    const char *start = scan->at;

    toml_scan_skip_blanks(scan);
    if (!toml_scan_skip_break(scan)) {
        scan->at = start;
        return false;
    }
    do
        toml_scan_skip_blanks(scan);
    while (toml_scan_skip_break(scan));
    return true;
}

/* From the opening quote: "basic", 'literal', and with is_long their forms in three quotes. */
bool toml_scan_string(struct toml_scan *scan, struct buf *out, bool allow_long)
{
    char quote = toml_scan_peek(scan), three[] = { quote, quote, quote, '\0' };
    bool is_long = allow_long && toml_scan_starts_with(scan, three);
    int32_t start_line = scan->line;

    scan->at += is_long ? 3 : 1;
    if (is_long)
        toml_scan_skip_break(scan);
    while (scan->at < scan->end) {
        char c = *scan->at;

        if (c == quote && !is_long) {
            scan->at++;
            return true;
        }
        if (is_long && toml_scan_starts_with(scan, three)) {
            scan->at += 3;
            for (int extra = 0; extra < 2 && toml_scan_peek(scan) == quote; extra++, scan->at++)
                buf_add_char(out, quote); /* up to two quotes may stand before the closing three */
            return true;
        }
        if (is_long && toml_scan_skip_break(scan)) {
            buf_add_char(out, '\n');
        } else if (c == '\n' || c == '\r') {
            break;
        } else if (is_control(c)) {
            return toml_scan_fail(scan, "control character in a string");
        } else if (c == '\\' && quote == '"') {
            scan->at++;
            if (!(is_long && skip_continuation(scan)) && !parse_escape(scan, out))
                return false;
        } else {
            buf_add_char(out, c);
            scan->at++;
        }
    }
    return toml_scan_fail_at(scan, start_line, "the string does not end");
}

bool toml_scan_is_bare(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* The integer or float without the underscores, which must stand between digits. */
static bool strip_underscores(const char *token, char *plain)
{
    int (*is_digit)(int c) = strncmp(token, "0x", 2) == 0 ? isxdigit : isdigit;

    for (const char *c = token; *c; c++) {
        if (*c != '_')
            *plain++ = *c;
        else if (c == token || !is_digit(c[-1]) || !is_digit(c[1]))
            return false;
    }
    *plain = '\0';
    return true;
}

static size_t count_digits(const char *text)
{
    return strspn(text, "0123456789");
}

static bool is_float(const char *text)
{
    size_t digits = count_digits(text);
    bool has_part = false;

    if (digits == 0 || (digits > 1 && text[0] == '0'))
        return false;
    text += digits;
    if (*text == '.') {
        digits = count_digits(text + 1);
        if (digits == 0)
            return false;
        text += 1 + digits;
        has_part = true;
    }
    if (*text == 'e' || *text == 'E') {
        text += 1 + (text[1] == '+' || text[1] == '-');
        digits = count_digits(text);
        if (digits == 0)
            return false;
        text += digits;
        has_part = true;
    }
    return has_part && *text == '\0';
}

static int base_of(const char *digits)
{
    return strncmp(digits, "0x", 2) == 0   ? 16
           : strncmp(digits, "0o", 2) == 0 ? 8
           : strncmp(digits, "0b", 2) == 0 ? 2
                                           : 10;
}

static cJSON *make_integer(int64_t number)
{
    char digits[24];

    if (number >= -EXACT_LIMIT && number <= EXACT_LIMIT)
        return cJSON_CreateNumber((double)number);
    snprintf(digits, sizeof(digits), "%lld", (long long)number);
    return cJSON_CreateString(digits);
}

static cJSON *parse_number(struct toml_scan *scan, const char *token)
{
    char plain[TOKEN_SIZE];
    const char *digits;
    long long number;
    char *end;
    int base;

    if (!strip_underscores(token, plain)) {
        toml_scan_fail(scan, "'%s': underscores stand between digits", token);
        return NULL;
    }
    digits = plain + (plain[0] == '+' || plain[0] == '-');
    base = digits == plain ? base_of(digits) : 10; /* signs belong to decimal numbers only */
    errno = 0;
    if (is_float(digits)) {
        double value = strtod(plain, NULL);

        if (isfinite(value))
            return cJSON_CreateNumber(value);
        toml_scan_fail(scan, "'%s' is out of range", token);
        return NULL;
    }
    if (base == 10 && digits[0] == '0' && count_digits(digits) > 1) {
        toml_scan_fail(scan, "'%s': no zeros in front of a number", token);
        return NULL;
    }
    digits += base == 10 ? 0 : 2;
    number = base == 10 ? strtoll(plain, &end, 10) : strtoll(digits, &end, base);
    if (*end != '\0' || end == digits || strpbrk(digits + (base == 10), "xX+-"))
        toml_scan_fail(scan, "'%s' is no number (text needs quotes)", token);
    else if (errno != 0)
        toml_scan_fail(scan, "'%s' is out of range", token);
    else
        return make_integer(number);
    return NULL;
}

static bool is_time(const char *token)
{
    size_t digits = count_digits(token);

    return (digits == 4 && token[4] == '-') || (digits == 2 && token[2] == ':');
}

/* Everything that is written without quotes or brackets. */
cJSON *toml_scan_word(struct toml_scan *scan)
{
    size_t length = 0, left = (size_t)(scan->end - scan->at);
    char token[TOKEN_SIZE];
    const char *unsigned_token;

    while (length < left && (toml_scan_is_bare(scan->at[length]) || strchr("+.:", scan->at[length])))
        length++;
    if (length == 0)
        return toml_scan_fail(scan, "expected a value (text needs quotes)"), NULL;
    if (length >= sizeof(token))
        return toml_scan_fail(scan, "'%.20s...' is no value (text needs quotes)", scan->at), NULL;
    memcpy(token, scan->at, length);
    token[length] = '\0';
    scan->at += length;
    unsigned_token = token + (token[0] == '+' || token[0] == '-');
    if (strcmp(token, "true") == 0 || strcmp(token, "false") == 0)
        return cJSON_CreateBool(token[0] == 't');
    if (strcmp(unsigned_token, "inf") == 0 || strcmp(unsigned_token, "nan") == 0)
        toml_scan_fail(scan, "%s is not supported", token);
    else if (is_time(token))
        toml_scan_fail(scan, "dates and times are not supported (as text they need quotes)");
    else if (count_digits(unsigned_token) == 0)
        toml_scan_fail(scan, "'%s' is no value (text needs quotes)", token);
    else
        return parse_number(scan, token);
    return NULL;
}
