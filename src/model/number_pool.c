/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Used numbers are bits, so that the pool of a million minor numbers is small and a free one is found 64 at a time. The
 * hint makes a series of claims linear instead of quadratic; it only ever lies too low.
 */
#include "model/number_pool.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

enum { WORD_BITS = 64 };

static const char *skip_blanks(const char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    return text;
}

static const char *parse_number(const char *text, int64_t *number)
{
    char *end;
    text = skip_blanks(text);
    if (!isdigit((unsigned char)*text))
        return NULL;
    errno = 0;
    *number = strtoll(text, &end, 10);
    return errno ? NULL : skip_blanks(end);
}

static void add_range(struct number_ranges *ranges, int64_t first, int64_t last)
{
    ranges->at = memory_resize(ranges->at, (ranges->count + 1) * sizeof(*ranges->at));
    ranges->at[ranges->count++] = (struct number_range){ first, last };
}

static int compare_ranges(const void *left, const void *right)
{
    const struct number_range *a = left, *b = right;
    return (a->first > b->first) - (a->first < b->first);
}

static void merge_ranges(struct number_ranges *ranges)
{
    size_t kept = 0;
    if (ranges->count == 0)
        return;
    qsort(ranges->at, ranges->count, sizeof(*ranges->at), compare_ranges);
    for (size_t i = 1; i < ranges->count; i++) {
        struct number_range *last = &ranges->at[kept];
        if (last->last == INT64_MAX || ranges->at[i].first <= last->last + 1) {
            if (ranges->at[i].last > last->last)
                last->last = ranges->at[i].last;
        } else {
            ranges->at[++kept] = ranges->at[i];
        }
    }
    ranges->count = kept + 1;
}

int number_ranges_parse(const char *text, int64_t min, int64_t max, struct number_ranges *ranges, bool *was_cut)
{
    *ranges = (struct number_ranges){ 0 };
    *was_cut = false;
    do {
        int64_t first = 0, last;
        text = parse_number(text, &first);
        last = first;
        if (text && *text == '-')
            text = parse_number(text + 1, &last);
        if (!text || (*text != '\0' && *text != ',')) {
            number_ranges_done(ranges);
            return -EINVAL;
        }
        if (first > last) {
            int64_t swapped = first;
            first = last;
            last = swapped;
        }
        int64_t lowest = first < min ? min : first, highest = last > max ? max : last;
        *was_cut = *was_cut || lowest != first || highest != last;
        if (lowest <= highest)
            add_range(ranges, lowest, highest);
    } while (*text++ == ',');
    merge_ranges(ranges);
    return 0;
}

void number_ranges_done(struct number_ranges *ranges)
{
    free(ranges->at);
    *ranges = (struct number_ranges){ 0 };
}

bool number_ranges_have(const struct number_ranges *ranges, int64_t number)
{
    for (size_t i = 0; i < ranges->count; i++) {
        if (number >= ranges->at[i].first && number <= ranges->at[i].last)
            return true;
    }
    return false;
}

char *number_ranges_format(struct arena *arena, const struct number_ranges *ranges)
{
    struct buf text = { 0 };
    for (size_t i = 0; i < ranges->count; i++) {
        const struct number_range *range = &ranges->at[i];
        buf_printf(&text, "%s%jd", i ? "," : "", (intmax_t)range->first);
        if (range->last != range->first)
            buf_printf(&text, "-%jd", (intmax_t)range->last);
    }
    char *result = arena_strdup(arena, buf_text(&text));
    buf_done(&text);
    return result;
}

static struct number_ranges copy_ranges(const struct number_ranges *from)
{
    struct number_ranges copy = { 0 };
    for (size_t i = 0; i < from->count; i++)
        add_range(&copy, from->at[i].first, from->at[i].last);
    return copy;
}

/* What of range is not blocked. */
static void add_unblocked(struct number_ranges *to, struct number_range range, const struct number_ranges *blocked)
{
    for (size_t i = 0; i < blocked->count && range.first <= range.last; i++) {
        const struct number_range *out = &blocked->at[i];
        if (out->last < range.first)
            continue;
        if (out->first > range.last)
            break;
        if (out->first > range.first)
            add_range(to, range.first, out->first - 1);
        if (out->last >= range.last)
            return;
        range.first = out->last + 1;
    }
    add_range(to, range.first, range.last);
}

void number_pool_init(struct number_pool *pool, int64_t min, int64_t max)
{
    *pool = (struct number_pool){ .min = min, .max = max };
    number_pool_set_ranges(pool, NULL, NULL);
}

void number_pool_done(struct number_pool *pool)
{
    number_ranges_done(&pool->free_ranges);
    number_ranges_done(&pool->blocked);
    free(pool->used);
    *pool = (struct number_pool){ 0 };
}

void number_pool_set_ranges(struct number_pool *pool, const struct number_ranges *automatic,
                            const struct number_ranges *blocked)
{
    struct number_range everything = { pool->min, pool->max };
    struct number_ranges all = { &everything, 1 }, none = { 0 };
    automatic = automatic ? automatic : &all;
    struct number_ranges new_blocked = copy_ranges(blocked ? blocked : &none), new_free = { 0 };
    for (size_t i = 0; i < automatic->count; i++) {
        struct number_range range = automatic->at[i];
        if (range.first < pool->min)
            range.first = pool->min;
        if (range.last > pool->max)
            range.last = pool->max;
        if (range.first <= range.last)
            add_unblocked(&new_free, range, &new_blocked);
    }
    number_ranges_done(&pool->free_ranges);
    number_ranges_done(&pool->blocked);
    pool->free_ranges = new_free;
    pool->blocked = new_blocked;
    pool->hint = pool->min;
}

bool number_pool_is_used(const struct number_pool *pool, int64_t number)
{
    if (number < pool->min || number > pool->max)
        return false;
    uint64_t bit = (uint64_t)(number - pool->min);
    return bit / WORD_BITS < pool->words && (pool->used[bit / WORD_BITS] >> (bit % WORD_BITS) & 1);
}

bool number_pool_is_blocked(const struct number_pool *pool, int64_t number)
{
    return number_ranges_have(&pool->blocked, number);
}

int number_pool_claim(struct number_pool *pool, int64_t number)
{
    if (number < pool->min || number > pool->max)
        return -ERANGE;
    if (number_pool_is_used(pool, number))
        return -EEXIST;
    uint64_t bit = (uint64_t)(number - pool->min);
    size_t word = (size_t)(bit / WORD_BITS);
    if (word >= pool->words) {
        size_t words = word + 1 > 2 * pool->words ? word + 1 : 2 * pool->words;
        pool->used = memory_resize(pool->used, words * sizeof(*pool->used));
        memset(pool->used + pool->words, 0, (words - pool->words) * sizeof(*pool->used));
        pool->words = words;
    }
    pool->used[word] |= UINT64_C(1) << (bit % WORD_BITS);
    return 0;
}

void number_pool_release(struct number_pool *pool, int64_t number)
{
    if (!number_pool_is_used(pool, number))
        return;
    uint64_t bit = (uint64_t)(number - pool->min);
    pool->used[bit / WORD_BITS] &= ~(UINT64_C(1) << (bit % WORD_BITS));
    if (number < pool->hint)
        pool->hint = number;
}

/* The lowest free number from first on, whether it may be chosen or not. */
static int64_t skip_used(const struct number_pool *pool, int64_t first)
{
    uint64_t bit = (uint64_t)(first - pool->min);
    while (bit / WORD_BITS < pool->words) {
        uint64_t free_bits = ~pool->used[bit / WORD_BITS] >> (bit % WORD_BITS);
        if (free_bits)
            return pool->min + (int64_t)bit + __builtin_ctzll(free_bits);
        bit = (bit / WORD_BITS + 1) * WORD_BITS;
    }
    return pool->min + (int64_t)bit;
}

int number_pool_next_free(struct number_pool *pool, int64_t *number)
{
    for (size_t i = 0; i < pool->free_ranges.count; i++) {
        const struct number_range *range = &pool->free_ranges.at[i];
        if (range->last < pool->hint)
            continue;
        int64_t found = skip_used(pool, range->first > pool->hint ? range->first : pool->hint);
        if (found > range->last)
            continue;
        pool->hint = found;
        *number = found;
        return 0;
    }
    return -ENOSPC;
}
