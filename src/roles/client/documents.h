/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole lists of the controller as structs, for commands that look at several of them together. */
#pragma once

#include "roles/client/client.h"

struct documents {
    LIST_OF(void *) all; /* each of the schema */
};

/* The answer to a GET, in the call's arena. EXIT_OK, or the reason is shown; with --curl there are none. */
int documents_get(struct call *call, const char *target, const struct schema *schema,
                  struct documents *documents) MUST_CHECK;
