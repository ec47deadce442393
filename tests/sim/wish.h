/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a client of the workload may ask next: a table of requests, each with what it leads to when it succeeds. */
#pragma once

#include "reference.h"

struct orphan {
    bool is_set;
    int definition, node, number;
};

/* What a client is about to ask. */
struct wish {
    const char *method;
    char target[120], body[320];
    struct parts parts;
    struct reference after;
    bool is_reading;
    bool is_in_doubt;     /* it may be refused for a good reason */
    struct orphan orphan; /* that is to be removed */
    int place_count;      /* when it succeeds there are so many resources at least */
};

void wish_start(void);
/* One by chance, with what the clients know; false when there is nothing to do of its kind. */
bool wish_make(struct wish *wish);
