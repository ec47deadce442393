/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * JSON text in both directions. Reading is cJSON behind a guard that limits depth and keeps long integers exact;
 * writing is a push writer that needs no tree, so a list of any length can be sent in pieces.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { JSON_DEPTH_LIMIT = 64 };

struct json_error {
    size_t offset;    /* of the byte where reading stopped */
    char message[96]; /* "line 3: ..." */
};

/*
 * The tree is the caller's (cJSON_Delete). NULL and *error when the text is no JSON value, has anything but blanks
 * behind it, or nests too deep. Integers of more than 15 digits become strings of the same digits, because cJSON keeps
 * numbers as double; readers of numbers accept both.
 */
cJSON *json_parse(const char *text, size_t length, struct json_error *error);
/* The same of text that may have anything behind the value. */
cJSON *json_parse_first(const char *text, size_t length, struct json_error *error);
bool json_is_utf8(const char *text, size_t length); /* what is not is no JSON, here */

struct json_writer {
    struct buf *out;
    bool needs_comma;
    bool is_pretty;
    unsigned depth;
};

void json_begin(struct json_writer *writer, char open); /* '{' or '[' */
void json_end(struct json_writer *writer, char close);  /* '}' or ']' */
void json_key(struct json_writer *writer, const char *key);
/* length bytes that begin with a comma and end with a colon, between them a key in its quotes that needs no escapes. */
void json_quoted_key(struct json_writer *writer, const char *quoted, size_t length);
void json_text(struct json_writer *writer, const char *text);       /* invalid UTF-8 becomes U+FFFD */
void json_plain_text(struct json_writer *writer, const char *text); /* of letters, digits, blanks, -_./ only */
void json_i64(struct json_writer *writer, int64_t number);
void json_bool(struct json_writer *writer, bool value);
void json_double(struct json_writer *writer, double number); /* always with a point or exponent, as Java does */
void json_raw(struct json_writer *writer, const char *json); /* a finished JSON value */
