/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parts of TOML that know nothing of tables: blanks, comments, line breaks, strings, and the values that are
 * written as one word. For toml.c, which makes the tree of them.
 *
 * Functions that return false or NULL have written the error.
 */
#pragma once

#include <cjson/cJSON.h>

#include "base/toml.h"

enum { TOML_NAME_SHOWN = 128 }; /* bytes of a key in messages */

struct toml_scan {
    const char *at, *end;
    int32_t line;
    struct buf name; /* of the key that is being read, with its tables: "http.port" */
    bool has_key;    /* messages name it */
    struct toml_error *error;
};

bool toml_scan_fail(struct toml_scan *scan, const char *format, ...) PRINTF_LIKE(2, 3);
bool toml_scan_fail_at(struct toml_scan *scan, int32_t line, const char *what);

char toml_scan_peek(const struct toml_scan *scan); /* NUL at the end; the text itself holds none */
bool toml_scan_starts_with(const struct toml_scan *scan, const char *text);
void toml_scan_skip_blanks(struct toml_scan *scan);
bool toml_scan_skip_break(struct toml_scan *scan); /* whether there was one */
bool toml_scan_skip_comment(struct toml_scan *scan);
bool toml_scan_skip_lines(struct toml_scan *scan); /* blanks, comments and line breaks */

bool toml_scan_is_bare(char c); /* may stand in a key without quotes */
/* From the opening quote: "basic", 'literal', and with allow_long their forms in three quotes. */
bool toml_scan_string(struct toml_scan *scan, struct buf *out, bool allow_long);
/* What is written without quotes or brackets. */
cJSON *toml_scan_word(struct toml_scan *scan);
