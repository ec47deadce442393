/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What no request may commit, whatever route it came by: it is looked at once, before the commit, over all changes.
 * Texts are for the user who asked for it.
 */
#pragma once

#include "model/txn.h"

enum invariant {
    INVARIANT_HOLDS,
    INVARIANT_TOO_MANY_PROPS,
    INVARIANT_NAME_IS_TAKEN, /* by a record that cannot be read */
    INVARIANT_IS_NEEDED,     /* by a record that cannot be read: it hangs in what would go */
};

struct invariant_problem {
    const struct object *object;
    const char *message, *cause, *correction; /* in the arena */
};

/* Which one the open transaction would break first, and *problem. */
enum invariant invariant_check(const struct model *model, const struct txn *txn, struct arena *arena,
                               struct invariant_problem *problem);
