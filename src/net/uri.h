/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Targets of requests, "/v1/nodes/a%2Fb?limit=1&filter=x+y", split first and decoded then, so that %2F stays inside its
 * segment. Of "a;x=1" in a path only "a" is a segment: nobody uses such parameters. What the segments mean is the
 * router's business: "." and ".." are segments like others.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"

struct uri_parameter {
    const char *name, *value; /* decoded; "" when there is no "=" */
};

struct uri {
    const char **segments; /* decoded; "/a/b" and "/a/b/" have two, "/" has none, "/a//b" has an empty one */
    size_t segment_count;
    struct uri_parameter *parameters;
    size_t parameter_count;
};

/* The strings live in the arena. NULL, or what is wrong with it. */
const char *uri_parse(struct arena *arena, const char *target, struct uri *uri) MUST_CHECK;

/* The first of that name; NULL when there is none. */
const char *uri_find_parameter(const struct uri *uri, const char *name);
/* The next one from *at on; *at is 0 at first. */
const char *uri_next_parameter(const struct uri *uri, const char *name, size_t *at);

/* NULL when an escape is broken or stands for NUL. */
char *uri_decode(struct arena *arena, const char *text, size_t length, bool plus_is_space);
/* For a segment or a value: all but letters, digits and "-._~" is escaped. */
void uri_encode(struct buf *out, const char *text);
