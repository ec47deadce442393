/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds the elements of one long JSON array while its text arrives in pieces, so that a list of any length can be read
 * element by element. It looks at brackets and strings only: whether an element is valid JSON is for whoever reads it.
 * A top-level value that is no array counts as a list of one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct json_split {
    /* The text is only valid during the call. False ends the splitting; json_split_feed returns -1 then. */
    bool (*on_element)(void *owner, const char *text, size_t length);
    void *owner;
    struct buf element; /* the part of an element that came in earlier pieces */
    int state;
    unsigned depth; /* of brackets within the element */
    bool in_string, is_escaped, is_single;
    const char *error; /* after a -1: what is wrong, NULL when on_element said stop */
};

void json_split_init(struct json_split *split, bool (*on_element)(void *owner, const char *text, size_t length),
                     void *owner);
void json_split_done(struct json_split *split);

/* 0 or -1. */
int json_split_feed(struct json_split *split, const char *bytes, size_t length) MUST_CHECK;
/* After the last piece: -1 when the text is not complete. A single number or word ends here. */
int json_split_end(struct json_split *split) MUST_CHECK;
