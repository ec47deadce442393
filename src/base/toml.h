/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Configuration files in TOML 1.0, read into a cJSON tree and from there into a struct by its field rows. Every
 * complaint names the line and the key. Not read, with a message that says so: dates and times, arrays of tables
 * ([[x]]), infinity and not-a-number. Nothing is written.
 *
 * Integers that a double cannot hold exactly become strings of their digits, as json_parse does it.
 */
#pragma once

#include "base/field.h"

enum {
    TOML_SIZE_LIMIT = 1024 * 1024, /* bytes of a file */
    TOML_DEPTH_LIMIT = 16,         /* tables and arrays in each other */
    TOML_VALUE_LIMIT = 10000,      /* keys and elements of arrays */
};

struct toml_error {
    int32_t line;      /* 0: the file as a whole */
    char message[320]; /* "line 7: key 'http.port': expected an integer" */
};

/* The tree is the caller's (cJSON_Delete). NULL and *error when text is not what the header of this file says. */
cJSON *toml_parse(const char *text, size_t length, struct toml_error *error);

/* toml_parse and field_decode_strict in one: unknown keys are errors. 0, or -1 and *error. */
int toml_decode(const struct schema *schema, void *object, const char *text, size_t length, struct arena *arena,
                struct toml_error *error) MUST_CHECK;
/*
 * The same of a file, with its path in front of the message. 0; -EINVAL when the content is wrong; another -errno when
 * it cannot be read (-ENOENT: callers may go on without it).
 */
int toml_decode_file(const struct schema *schema, void *object, const char *path, struct arena *arena,
                     struct toml_error *error) MUST_CHECK;
