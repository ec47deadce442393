/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/uri.h"

#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* -1: broken */
static int decode_escape(const char *text, size_t left)
{
    int high, low;

    if (left < 3)
        return -1;
    high = hex_digit(text[1]);
    low = hex_digit(text[2]);
    if (high < 0 || low < 0 || high + low == 0) /* nothing that has a name here contains a NUL */
        return -1;
    return high * 16 + low;
}

char *uri_decode(struct arena *arena, const char *text, size_t length, bool plus_is_space)
{
    char *decoded = arena_alloc(arena, length + 1);
    size_t to = 0;

    for (size_t from = 0; from < length; from++) {
        int byte = (unsigned char)text[from];

        if (byte == '%') {
            byte = decode_escape(text + from, length - from);
            if (byte < 0)
                return NULL;
            from += 2;
        } else if (byte == '+' && plus_is_space) {
            byte = ' ';
        }
        decoded[to++] = (char)byte;
    }
    return decoded;
}

static size_t count_char(const char *text, size_t length, char c)
{
    size_t count = 0;

    for (size_t i = 0; i < length; i++)
        count += text[i] == c;
    return count;
}

/* path starts with "/" */
static bool parse_path(struct arena *arena, const char *path, size_t length, struct uri *uri)
{
    const char *end = path + length;
    const char *at = path + 1;

    uri->segments = arena_alloc(arena, count_char(path, length, '/') * sizeof(*uri->segments));
    while (at < end) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        const char *stop = slash ? slash : end;
        const char *matrix = memchr(at, ';', (size_t)(stop - at));
        char *segment = uri_decode(arena, at, (size_t)((matrix ? matrix : stop) - at), false);

        if (!segment)
            return false;
        uri->segments[uri->segment_count++] = segment;
        at = stop + 1;
    }
    return true;
}

static bool parse_query(struct arena *arena, const char *query, size_t length, struct uri *uri)
{
    const char *end = query + length;

    uri->parameters = arena_alloc(arena, (count_char(query, length, '&') + 1) * sizeof(*uri->parameters));
    for (const char *at = query; at < end;) {
        struct uri_parameter *parameter = &uri->parameters[uri->parameter_count];
        const char *mark = memchr(at, '&', (size_t)(end - at));
        const char *stop = mark ? mark : end;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        const char *name_end = equals ? equals : stop;

        if (stop > at) {
            parameter->name = uri_decode(arena, at, (size_t)(name_end - at), true);
            parameter->value = equals ? uri_decode(arena, equals + 1, (size_t)(stop - equals - 1), true) : "";
            if (!parameter->name || !parameter->value)
                return false;
            uri->parameter_count++;
        }
        at = stop + 1;
    }
    return true;
}

const char *uri_parse(struct arena *arena, const char *target, struct uri *uri)
{
    size_t length = strcspn(target, "#");
    size_t path_length = strcspn(target, "?#");

    *uri = (struct uri){ 0 };
    if (strcmp(target, "*") == 0)
        return NULL; /* the server as a whole, in OPTIONS */
    if (*target != '/')
        return "The path does not start with '/'.";
    if (!parse_path(arena, target, path_length, uri))
        return "The path has a broken '%' escape, or that of a NUL.";
    if (path_length < length && !parse_query(arena, target + path_length + 1, length - path_length - 1, uri))
        return "The query has a broken '%' escape, or that of a NUL.";
    return NULL;
}

const char *uri_next_parameter(const struct uri *uri, const char *name, size_t *at)
{
    while (*at < uri->parameter_count) {
        const struct uri_parameter *parameter = &uri->parameters[(*at)++];

        if (strcmp(parameter->name, name) == 0)
            return parameter->value;
    }
    return NULL;
}

const char *uri_find_parameter(const struct uri *uri, const char *name)
{
    size_t at = 0;

    return uri_next_parameter(uri, name, &at);
}

void uri_encode(struct buf *out, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";

    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
                        (byte && strchr("-._~", byte));

        if (is_plain) {
            buf_add_char(out, *text);
        } else {
            buf_add_char(out, '%');
            buf_add_char(out, digits[byte >> 4]);
            buf_add_char(out, digits[byte & 15]);
        }
    }
}
