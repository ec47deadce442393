/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records that cannot be read, by hand of an administrator: listed, put aside into a table of their own, or put back
 * from there. Only while no controller runs on the store.
 */
#pragma once

#include <stdio.h>

#include "store/store.h"

enum quarantine_act { QUARANTINE_LIST = 1, QUARANTINE_PUT_ASIDE, QUARANTINE_RESTORE };

/* Says on out what was found and done, one line each. Takes the store and runs the loop. 0, or -1 and why; nothing is
 * changed then. */
int quarantine_run(struct loop *loop, struct store *store, enum quarantine_act act, FILE *out, char *why,
                   size_t why_size) MUST_CHECK;
