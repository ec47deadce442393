/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * JSON text piece by piece, without a tree: for readers that know what they expect. It is held to the letter: what is
 * no JSON is refused where it is met, so a reader that walks over all of a text has checked all of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct json_scanner {
    const char *text, *at, *end;
    struct arena *arena; /* of the texts that are taken */
    unsigned depth;      /* of brackets around at; at most JSON_DEPTH_LIMIT */
    bool is_broken;      /* the text is no JSON; message says where and why */
    char message[96];
};

/* A number or string as it stands in the text; strings without quotes, with escapes. */
struct json_token {
    char kind; /* '"' string, '0' number, 't', 'f', 'n' words, '{', '[' */
    const char *start;
    size_t length;
    bool has_escapes;
    bool is_integer;
};

/* The functions that give an int: 0 (or as they say), or -1 and is_broken. */

/* Always -1. */
int json_scan_broken(struct json_scanner *scanner, const char *what);
/* The next character that is no blank, which is not passed; NUL at the end. */
char json_scan_blanks(struct json_scanner *scanner);
/* The next value if it is a scalar; of an object or list only the bracket, which is not passed. */
int json_scan_token(struct json_scanner *scanner, struct json_token *token) MUST_CHECK;
/* Of a string or number, in the arena; NULL, and is_broken, when an escape is wrong. */
char *json_scan_text(struct json_scanner *scanner, const struct json_token *token);
/* Passes the bracket of an object or list. */
int json_scan_enter(struct json_scanner *scanner) MUST_CHECK;
/* To the next member before close ('}' or ']'): 1, and in an object its key is read; 0 behind the end. */
int json_scan_member(struct json_scanner *scanner, char close, bool *is_first, struct json_token *key) MUST_CHECK;
/* Passes a whole value. */
int json_scan_skip(struct json_scanner *scanner) MUST_CHECK;
/* The same, from the bracket on. */
int json_scan_skip_members(struct json_scanner *scanner, char close) MUST_CHECK;
/* The first quote, backslash or NUL from at on, or end: what lies before it stands for itself within a string. */
const char *json_scan_plain(const char *at, const char *end);
/* Whether the token's escapes are right. */
int json_scan_check(struct json_scanner *scanner, const struct json_token *token) MUST_CHECK;
