/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a satellite tells within one connection in several messages, gathered until it is complete, and how much of it
 * is taken: a satellite may be wrong or somebody else. Owns what it gathers; one of zeroes is empty and valid.
 */
#pragma once

#include "model/want.h"
#include "net/link.h"

struct arriving {
    struct held held; /* of the parts so far */
    struct arena held_arena;
    size_t held_bytes;
    struct report orphans; /* those only */
    struct arena orphans_arena;
    size_t orphans_bytes;
};

void arriving_forget(struct arriving *arriving);
void arriving_forget_held(struct arriving *arriving);
void arriving_forget_orphans(struct arriving *arriving);

/* One more part; held.complete tells whether it was the last. 0, or -1 and *error. */
int arriving_take_held(struct arriving *arriving, const struct link_body *body, struct field_error *error) MUST_CHECK;
/* Those of the report; false when they are too many to be kept. */
bool arriving_take_orphans(struct arriving *arriving, const struct report *part);
