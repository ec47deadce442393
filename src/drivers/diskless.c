/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The provider of nodes that take part without storage: there is nothing to ask, to make or to take away. */
#include <stdint.h>

#include "drivers/provider.h"

static int check(const struct pool_want *pool, struct arena *arena, struct trouble *trouble)
{
    (void)pool;
    (void)arena;
    (void)trouble;
    return 0;
}

static void ask(const struct pool_want *pool, const struct text_list *identifiers, struct plan *plan)
{
    (void)pool;
    (void)identifiers;
    (void)plan;
}

static int read(const struct step *step, const struct outcome *outcome, int64_t asked, struct facts *facts,
                struct arena *arena, struct trouble *trouble)
{
    (void)step;
    (void)outcome;
    (void)asked;
    (void)facts;
    (void)arena;
    (void)trouble;
    return 0;
}

static int change_nothing(const struct provider_volume *volume, const struct storage_fact *fact, struct plan *plan,
                          struct trouble *trouble)
{
    (void)volume;
    (void)fact;
    (void)plan;
    (void)trouble;
    return 0;
}

const struct provider provider_diskless = {
    .name = "DISKLESS",
    .can = PROVIDER_HAS_NO_DISK,
    .check = check,
    .ask = ask,
    .read = read,
    .raise = change_nothing,
    .lower = change_nothing,
};
