/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Elements are handed out as slices of the piece they lie in; only one that is cut by the end of a piece is copied.
 * Within an element nothing but quotes, backslashes and brackets matters.
 */
#include "base/json_split.h"

#include "base/json_scan.h"

enum { SPLIT_START, SPLIT_VALUE_OR_END, SPLIT_VALUE, SPLIT_IN_VALUE, SPLIT_AFTER_VALUE, SPLIT_AFTER_ALL };

/* More brackets than this no reader follows; see JSON_DEPTH_LIMIT. */
enum { DEPTH_LIMIT = 1000 };

void json_split_init(struct json_split *split, bool (*on_element)(void *owner, const char *text, size_t length),
                     void *owner)
{
    *split = (struct json_split){ .on_element = on_element, .owner = owner, .state = SPLIT_START };
}

void json_split_done(struct json_split *split)
{
    buf_done(&split->element);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static int complain(struct json_split *split, const char *what)
{
    split->error = what;
    return -1;
}

static int hand_out(struct json_split *split, const char *text, size_t length)
{
    bool go_on;

    if (split->element.length > 0) {
        buf_add(&split->element, text, length);
        text = split->element.data;
        length = split->element.length;
    }
    while (length > 0 && is_blank(text[length - 1]))
        length--;
    go_on = split->on_element(split->owner, text, length);
    buf_clear(&split->element);
    split->state = split->is_single ? SPLIT_AFTER_ALL : SPLIT_AFTER_VALUE;
    return go_on ? 0 : -1;
}

/* Behind the end of the string, or end when it goes on in the next piece. */
static const char *skip_string(struct json_split *split, const char *at, const char *end)
{
    while (at < end) {
        if (split->is_escaped) {
            split->is_escaped = false;
            at++;
            continue;
        }
        at = json_scan_plain(at, end);
        if (at == end)
            return end;
        split->is_escaped = *at == '\\';
        split->in_string = *at++ != '"';
        if (!split->in_string)
            return at;
    }
    return end;
}

/* The bytes that matter between the brackets of a value. */
static const bool matters[256] = { ['"'] = true, ['{'] = true, ['['] = true, ['}'] = true, [']'] = true };

/* From within a value to where it ends (*ended), or to the end of the piece; NULL when brackets do not match. */
static const char *skip_value(struct json_split *split, const char *at, const char *end, bool *ended)
{
    *ended = false;
    while (at < end) {
        char c;

        if (split->in_string) {
            at = skip_string(split, at, end);
            if (!split->in_string && split->depth == 0) {
                *ended = true;
                return at;
            }
            continue;
        }
        while (split->depth > 0 && at < end && !matters[(unsigned char)*at])
            at++;
        if (at == end)
            break;
        c = *at;
        if (c == '"') {
            split->in_string = true;
        } else if (c == '{' || c == '[') {
            if (++split->depth > DEPTH_LIMIT)
                return NULL;
        } else if (c == '}' || c == ']') {
            if (split->depth == 0) { /* of the list around a number or word */
                *ended = true;
                return at;
            }
            if (--split->depth == 0) {
                *ended = true;
                return at + 1;
            }
        } else if (split->depth == 0 && (c == ',' || is_blank(c))) {
            *ended = true;
            return at;
        }
        at++;
    }
    return at;
}

int json_split_feed(struct json_split *split, const char *bytes, size_t length)
{
    const char *at = bytes, *end = bytes + length;

    while (at < end) {
        const char *start = at;
        bool ended;

        if (split->state != SPLIT_IN_VALUE && is_blank(*at)) {
            at++;
            continue;
        }
        switch (split->state) {
        case SPLIT_START:
            split->is_single = *at != '[';
            split->state = split->is_single ? SPLIT_VALUE : SPLIT_VALUE_OR_END;
            at += !split->is_single;
            break;
        case SPLIT_VALUE_OR_END:
            split->state = *at == ']' ? SPLIT_AFTER_ALL : SPLIT_VALUE;
            at += *at == ']';
            break;
        case SPLIT_VALUE:
            if (*at == ',' || *at == ']' || *at == '}' || *at == ':')
                return complain(split, "a value is missing");
            split->depth = 0;
            split->state = SPLIT_IN_VALUE;
            break;
        case SPLIT_IN_VALUE:
            at = skip_value(split, at, end, &ended);
            if (!at)
                return complain(split, "nested too deep");
            if (!ended)
                buf_add(&split->element, start, (size_t)(at - start));
            else if (hand_out(split, start, (size_t)(at - start)) != 0)
                return -1;
            break;
        case SPLIT_AFTER_VALUE:
            if (*at != ',' && *at != ']')
                return complain(split, "expected a comma or the end of the list");
            split->state = *at == ',' ? SPLIT_VALUE : SPLIT_AFTER_ALL;
            at++;
            break;
        default: return complain(split, "something stands behind the value");
        }
    }
    return 0;
}

int json_split_end(struct json_split *split)
{
    if (split->state == SPLIT_IN_VALUE && split->is_single && split->depth == 0 && !split->in_string)
        return hand_out(split, "", 0);
    if (split->state != SPLIT_AFTER_ALL)
        return complain(split, "the text ends in the middle");
    return 0;
}
