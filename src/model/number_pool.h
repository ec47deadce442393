/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pools of numbers that must have one owner each: ports, minor numbers, node ids, volume numbers. A pool remembers what
 * is used and finds what is free; who owns a number, and giving it back when a transaction is undone, is the model's
 * business.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/memory.h"

struct number_range {
    int64_t first, last; /* both belong to it */
};

/* Ascending, neither overlapping nor touching. Zeroes are the empty set. */
struct number_ranges {
    struct number_range *at;
    size_t count;
};

/*
 * "7000-7999, 8100": in any order, overlapping, bounds in any order. Parts outside of min..max are cut off, which
 * *was_cut tells; cutting can leave nothing. -EINVAL and no ranges when the text is no list of ranges. The caller's to
 * end.
 */
int number_ranges_parse(const char *text, int64_t min, int64_t max, struct number_ranges *ranges,
                        bool *was_cut) MUST_CHECK;
void number_ranges_done(struct number_ranges *ranges);
bool number_ranges_have(const struct number_ranges *ranges, int64_t number);
/* The canonical text of what was parsed; "" of the empty set. */
char *number_ranges_format(struct arena *arena, const struct number_ranges *ranges);

/* In the caller's memory; all members are the pool's own. */
struct number_pool {
    int64_t min, max;                 /* what can be a number here at all */
    struct number_ranges free_ranges; /* where next_free looks: automatic ranges without the blocked ones */
    struct number_ranges blocked;
    uint64_t *used; /* a bit per number, beginning at min, as far as the highest that was ever used */
    size_t words;
    int64_t hint; /* every number of free_ranges below it is used */
};

/* All of min..max is free, and may be chosen. */
void number_pool_init(struct number_pool *pool, int64_t min, int64_t max);
void number_pool_done(struct number_pool *pool);
/* Where numbers are chosen automatically, and which of them are not. Copies both; NULL: all of min..max, nothing
 * blocked. */
void number_pool_set_ranges(struct number_pool *pool, const struct number_ranges *automatic,
                            const struct number_ranges *blocked);

/*
 * 0, -ERANGE (no number of this pool) or -EEXIST (used). Blocked numbers can be claimed, because what is stored must
 * come back after a restart; where a user chooses, ask number_pool_is_blocked() first.
 */
int number_pool_claim(struct number_pool *pool, int64_t number) MUST_CHECK;
/* What is not used may be released, too. */
void number_pool_release(struct number_pool *pool, int64_t number);
bool number_pool_is_used(const struct number_pool *pool, int64_t number);
bool number_pool_is_blocked(const struct number_pool *pool, int64_t number);
/* The lowest number that is free; it stays free. 0 or -ENOSPC. */
int number_pool_next_free(struct number_pool *pool, int64_t *number) MUST_CHECK;
