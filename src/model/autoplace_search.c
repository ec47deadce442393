/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Looked for is the lexicographically smallest tuple of positions in the ranking, so pools are tried in order and
 * dropped again when nothing behind them completes the set. What keeps that from growing beyond all bounds:
 *
 * Likeness. Nodes with the same values of all properties that count and with pools of the same providers and shared
 * spaces are of one profile; pools of one profile, provider and shared space are of one class. When a pool fails, its
 * whole class is closed until the pool before it in the set changes: a set with a later pool of that class and without
 * the failed one could exchange the two (or, if the failed pool's node is in that set with another pool, take both
 * nodes' pools the other way round), so the failed one would not have failed.
 *
 * Bounds. Before going deeper it is counted whether what is left can suffice: nodes in total, shared spaces, and for
 * each spread how the groups of nodes can still be filled. Counts are of profiles, not of pools. They may be too
 * hopeful, never too strict.
 *
 * With one spread and one sort of provider, which is what people use, this finds the answer without going back. Several
 * spreads at once are a matching problem of higher dimension, for which nothing quick is known; there max_steps ends
 * the search.
 *
 * Because what is allowed only shrinks on the way down, everything before the last chosen pool that is allowed and not
 * closed has been tried: so a count over all of a profile is a count over what comes behind.
 */
#include "model/autoplace_search.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { NO_SHARE = 0, OPEN = 0 };

struct class
{
    uint32_t share;  /* number of the shared space, from 1; NO_SHARE */
    uint32_t sort;   /* bit: provider, and whether the node can mix */
    uint32_t closed; /* level + 1 at which it was closed; OPEN */
};

struct profile {
    uint32_t node;     /* any one of it, for the values of properties */
    uint32_t together; /* number of the tuple of values that must be the same on all nodes */
    uint32_t left;     /* nodes not chosen */
    uint32_t class_count;
    const uint32_t *classes;
};

struct level {
    uint32_t at;           /* position in the ranking: chosen here, or where to go on */
    uint32_t sorts;        /* allowed before this choice */
    uint32_t closed_count; /* length of the list of closed classes before this level */
};

struct state {
    const struct autoplace_search *search;
    struct class *classes;
    struct profile *profiles;
    uint32_t class_count, profile_count;
    uint32_t *class_of;       /* [ranked_count] */
    uint32_t *profile_of;     /* [node_count] */
    bool *used_nodes;         /* [node_count] */
    uint32_t *together_nodes; /* nodes by tuple of values */
    bool *used_shares;
    uint32_t *seen_shares; /* stamp of the bound that counted it last */
    uint32_t share_count, stamp;
    uint32_t compatible[2 * PROVIDER_KIND_COUNT]; /* sorts that go with a sort */
    uint32_t *closed;                             /* list of closed classes, newest last */
    uint32_t closed_count;
    struct level *levels;
    uint32_t depth;
    uint32_t sorts;    /* that go with everything chosen */
    int64_t **present; /* by spread and value: scratch of the bound */
    uint64_t steps, max_steps;
};

void autoplace_numbers_init(struct autoplace_numbers *numbers, uint32_t max_count, struct arena *arena)
{
    uint32_t slots = 16;
    while (slots < max_count * 2)
        slots *= 2;
    *numbers =
        (struct autoplace_numbers){ .slots = arena_alloc(arena, slots * sizeof(*numbers->slots)), .slot_count = slots };
}

uint32_t autoplace_numbers_get(struct autoplace_numbers *numbers, const void *bytes, size_t size)
{
    uint64_t hash = text_hash(TEXT_HASH_START, bytes, size);
    uint32_t slot = (uint32_t)(hash ^ hash >> 32) & (numbers->slot_count - 1);

    while (numbers->slots[slot].bytes) {
        if (numbers->slots[slot].size == size && memcmp(numbers->slots[slot].bytes, bytes, size) == 0)
            return numbers->slots[slot].number;
        slot = (slot + 1) & (numbers->slot_count - 1);
    }
    numbers->slots[slot].bytes = bytes;
    numbers->slots[slot].size = size;
    return numbers->slots[slot].number = numbers->count++;
}

static uint32_t sort_of(enum provider_kind provider, bool can_mix)
{
    return (uint32_t)provider * 2 + can_mix;
}

static void fill_compatible(struct state *state)
{
    bool allowed = state->search->input->allow_mixing;
    for (uint32_t a = 0; a < 2 * PROVIDER_KIND_COUNT; a++) {
        for (uint32_t b = 0; b < 2 * PROVIDER_KIND_COUNT; b++) {
            enum provider_kind one = (enum provider_kind)(a / 2), other = (enum provider_kind)(b / 2);
            if (provider_mixes(one, other, allowed && (a & b & 1)))
                state->compatible[a] |= UINT32_C(1) << b;
        }
    }
}

static uint32_t number_share(const struct autoplace_pool *pool, struct autoplace_numbers *shares)
{
    return pool->shared_name ? autoplace_numbers_get(shares, pool->shared_name, strlen(pool->shared_name)) + 1
                             : NO_SHARE;
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Pools of the ranking by node: list[start[n] .. start[n + 1]), each as share and sort in one number, sorted. */
static uint64_t *group_by_node(const struct autoplace_search *search, struct autoplace_numbers *shares, uint32_t *start,
                               struct arena *arena)
{
    const struct autoplace_input *input = search->input;
    uint64_t *list = arena_alloc(arena, (search->ranked_count + 1) * sizeof(*list));
    uint32_t *fill = arena_alloc(arena, (input->node_count + 1) * sizeof(*fill));

    for (uint32_t i = 0; i < search->ranked_count; i++)
        start[input->pools[search->ranked[i]].node + 1]++;
    for (uint32_t n = 0; n < input->node_count; n++)
        start[n + 1] += start[n];
    memcpy(fill, start, input->node_count * sizeof(*fill));
    for (uint32_t i = 0; i < search->ranked_count; i++) {
        const struct autoplace_pool *pool = &input->pools[search->ranked[i]];
        uint64_t sort = sort_of(pool->provider, input->nodes[pool->node].can_mix);
        list[fill[pool->node]++] = (uint64_t)number_share(pool, shares) << 32 | sort;
    }
    for (uint32_t n = 0; n < input->node_count; n++)
        qsort(list + start[n], start[n + 1] - start[n], sizeof(*list), compare_u64);
    return list;
}

static uint32_t add_profile(struct state *state, uint32_t number, uint32_t node, uint32_t together,
                            const uint64_t *pools, uint32_t pool_count, struct arena *arena)
{
    struct profile *profile = &state->profiles[number];
    uint32_t *classes = arena_alloc(arena, pool_count * sizeof(*classes));

    *profile = (struct profile){ .node = node, .together = together, .classes = classes };
    for (uint32_t i = 0; i < pool_count; i++) {
        if (i > 0 && pools[i] == pools[i - 1])
            continue;
        state->classes[state->class_count] =
            (struct class){ .share = (uint32_t)(pools[i] >> 32), .sort = UINT32_C(1) << (uint32_t)pools[i] };
        classes[profile->class_count++] = state->class_count++;
    }
    return number;
}

static void sort_into_profiles(struct state *state, struct arena *arena)
{
    const struct autoplace_search *search = state->search;
    uint32_t nodes = search->input->node_count;
    uint32_t *start = arena_alloc(arena, (nodes + 1) * sizeof(*start));
    struct autoplace_numbers shares, profiles, tuples;

    autoplace_numbers_init(&shares, search->ranked_count, arena);
    autoplace_numbers_init(&profiles, nodes, arena);
    autoplace_numbers_init(&tuples, nodes, arena);
    uint64_t *pools = group_by_node(search, &shares, start, arena);

    for (uint32_t n = 0; n < nodes; n++) {
        uint32_t pool_count = start[n + 1] - start[n], length = 0;
        if (pool_count == 0)
            continue;
        uint64_t *words =
            arena_alloc(arena, (search->union_count + search->spread_count + pool_count) * sizeof(*words));
        for (uint32_t i = 0; i < search->union_count; i++)
            words[length++] = search->unions[i].of_node[n];
        uint32_t together = autoplace_numbers_get(&tuples, words, length * sizeof(*words));
        for (uint32_t i = 0; i < search->spread_count; i++)
            words[length++] = (uint64_t)(int64_t)search->spreads[i].of_node[n];
        memcpy(words + length, pools + start[n], pool_count * sizeof(*words));
        uint32_t before = profiles.count;
        uint32_t number = autoplace_numbers_get(&profiles, words, (length + pool_count) * sizeof(*words));
        if (number == before)
            add_profile(state, number, n, together, pools + start[n], pool_count, arena);
        state->profile_of[n] = number;
        state->profiles[number].left++;
        state->together_nodes[together]++;
    }
    state->profile_count = profiles.count;
    state->share_count = shares.count + 1;
    for (uint32_t i = 0; i < search->ranked_count; i++) {
        const struct autoplace_pool *pool = &search->input->pools[search->ranked[i]];
        const struct profile *profile = &state->profiles[state->profile_of[pool->node]];
        uint32_t sort = UINT32_C(1) << sort_of(pool->provider, search->input->nodes[pool->node].can_mix);
        uint32_t share = number_share(pool, &shares);
        for (uint32_t c = 0; c < profile->class_count; c++) {
            const struct class *class = &state->classes[profile->classes[c]];
            if (class->sort == sort && class->share == share)
                state->class_of[i] = profile->classes[c];
        }
    }
}

static bool class_is_allowed(const struct state *state, const struct class *class)
{
    return class->closed == OPEN && (class->sort & state->sorts) && !state->used_shares[class->share];
}

/* As far as it depends on the profile. */
static bool profile_is_allowed(const struct state *state, const struct profile *profile)
{
    const struct autoplace_search *search = state->search;

    if (state->together_nodes[profile->together] < search->input->need)
        return false;
    if (state->depth > 0) {
        uint32_t first = search->ranked[state->levels[0].at];
        if (state->profiles[state->profile_of[search->input->pools[first].node]].together != profile->together)
            return false;
    }
    for (uint32_t i = 0; i < search->spread_count; i++) {
        const struct autoplace_spread *spread = &search->spreads[i];
        int32_t value = spread->of_node[profile->node];
        if (value >= 0 && spread->left[value] <= 0)
            return false;
    }
    return true;
}

/*
 * Whether so many more replicas can be put into the groups of a spread that at most one group stays neither empty nor
 * full. present: nodes that are still to be had by value; valueless: those without the property, which count nowhere.
 */
static bool spread_suffices(const struct autoplace_spread *spread, const int64_t *present, int64_t valueless,
                            int64_t need)
{
    int64_t room = valueless, begun = 0, whole_groups = 0, most_in_rest = 0;
    uint32_t stuck = 0;

    for (uint32_t v = 0; v < spread->value_count; v++) {
        int64_t left = spread->left[v] > 0 ? spread->left[v] : 0;
        room += present[v] < left ? present[v] : left;
        if (spread->touched[v] && left > 0) {
            begun += left;
            stuck += present[v] < left;
        } else if (left > 0) {
            if (present[v] >= spread->limit)
                whole_groups++;
            else if (present[v] > most_in_rest)
                most_in_rest = present[v];
        }
    }
    if (room < need || stuck > 1)
        return false;
    if (spread->limit <= 1)
        return true;

    /* All begun groups become full, and a new one may stay incomplete. */
    int64_t rest = need - begun;
    if (stuck == 0 && rest >= 0 && rest - whole_groups * spread->limit <= valueless + most_in_rest)
        return true;
    /* All but one begun group become full. */
    for (uint32_t v = 0; v < spread->value_count; v++) {
        if (!spread->touched[v] || spread->left[v] <= 0 || (stuck == 1 && present[v] >= spread->left[v]))
            continue;
        rest = need - (begun - spread->left[v]);
        if (rest < 0)
            continue;
        int64_t whole = rest / spread->limit < whole_groups ? rest / spread->limit : whole_groups;
        int64_t here = present[v] < spread->left[v] ? present[v] : spread->left[v];
        if (rest - whole * spread->limit <= valueless + here)
            return true;
    }
    return false;
}

/* False when no way of going on from here completes the set. */
static bool state_suffices(struct state *state)
{
    const struct autoplace_search *search = state->search;
    int64_t need = (int64_t)search->input->need - state->depth;
    int64_t nodes = 0, plain = 0, shares = 0;

    state->stamp++;
    state->steps += state->profile_count;
    for (uint32_t i = 0; i < search->spread_count; i++)
        memset(state->present[i], 0, (search->spreads[i].value_count + 1) * sizeof(*state->present[i]));
    for (uint32_t p = 0; p < state->profile_count; p++) {
        const struct profile *profile = &state->profiles[p];
        bool is_plain = false;
        uint32_t own_shares = 0;

        if (profile->left == 0 || !profile_is_allowed(state, profile))
            continue;
        for (uint32_t c = 0; c < profile->class_count; c++) {
            const struct class *class = &state->classes[profile->classes[c]];
            if (!class_is_allowed(state, class))
                continue;
            is_plain |= class->share == NO_SHARE;
            own_shares += class->share != NO_SHARE;
            if (class->share != NO_SHARE && state->seen_shares[class->share] != state->stamp) {
                state->seen_shares[class->share] = state->stamp;
                shares++;
            }
        }
        uint32_t usable = is_plain || own_shares > profile->left ? profile->left : own_shares;
        nodes += usable;
        plain += is_plain ? usable : 0;
        for (uint32_t i = 0; i < search->spread_count; i++) {
            const struct autoplace_spread *spread = &search->spreads[i];
            int32_t value = spread->of_node[profile->node];
            state->present[i][value < 0 ? spread->value_count : (uint32_t)value] += usable;
        }
    }
    if (nodes < need || plain + shares < need)
        return false;
    for (uint32_t i = 0; i < search->spread_count; i++) {
        const struct autoplace_spread *spread = &search->spreads[i];
        state->steps += spread->value_count;
        if (!spread_suffices(spread, state->present[i], state->present[i][spread->value_count], need))
            return false;
    }
    return true;
}

static bool pool_is_allowed(const struct state *state, uint32_t at)
{
    uint32_t node = state->search->input->pools[state->search->ranked[at]].node;

    return !state->used_nodes[node] && class_is_allowed(state, &state->classes[state->class_of[at]]) &&
           profile_is_allowed(state, &state->profiles[state->profile_of[node]]);
}

static void choose(struct state *state, uint32_t at, bool undo)
{
    const struct autoplace_search *search = state->search;
    uint32_t node = search->input->pools[search->ranked[at]].node;
    const struct class *class = &state->classes[state->class_of[at]];
    struct level *level = &state->levels[state->depth - undo];

    state->used_nodes[node] = !undo;
    state->profiles[state->profile_of[node]].left += undo ? 1u : (uint32_t)-1;
    if (class->share != NO_SHARE)
        state->used_shares[class->share] = !undo;
    for (uint32_t i = 0; i < search->spread_count; i++) {
        struct autoplace_spread *spread = &search->spreads[i];
        int32_t value = spread->of_node[node];
        if (value >= 0)
            spread->left[value] += undo ? 1 : -1;
    }
    if (undo) {
        state->depth--;
        state->sorts = level->sorts;
    } else {
        *level = (struct level){ .at = at, .sorts = state->sorts, .closed_count = state->closed_count };
        state->sorts &= state->compatible[__builtin_ctz(class->sort)];
        state->depth++;
    }
}

/* touched follows from left: a group is touched from outside, or by what is chosen. */
static void touch(struct state *state, uint32_t at, bool *was_touched, bool undo)
{
    uint32_t node = state->search->input->pools[state->search->ranked[at]].node;

    for (uint32_t i = 0; i < state->search->spread_count; i++) {
        struct autoplace_spread *spread = &state->search->spreads[i];
        int32_t value = spread->of_node[node];
        if (value < 0)
            continue;
        if (!undo)
            was_touched[i] = spread->touched[value];
        spread->touched[value] = undo ? was_touched[i] : true;
    }
}

static void reopen(struct state *state, uint32_t down_to)
{
    while (state->closed_count > down_to)
        state->classes[state->closed[--state->closed_count]].closed = OPEN;
}

/* Chooses the next pool of this level from a position on; false when there is none, or steps are used up. */
static bool advance(struct state *state, uint32_t from, bool *touched)
{
    uint32_t spreads = state->search->spread_count;

    for (uint32_t at = from; at < state->search->ranked_count && state->steps <= state->max_steps; at++) {
        state->steps++;
        if (!pool_is_allowed(state, at))
            continue;
        bool *was_touched = touched + (size_t)state->depth * spreads;
        choose(state, at, false);
        touch(state, at, was_touched, false);
        if (state_suffices(state))
            return true;
        touch(state, at, was_touched, true);
        choose(state, at, true);
        state->classes[state->class_of[at]].closed = state->depth + 1;
        state->closed[state->closed_count++] = state->class_of[at];
    }
    return false;
}

static enum autoplace_outcome descend(struct state *state, bool *touched)
{
    const struct autoplace_search *search = state->search;
    uint32_t from = 0;

    if (!state_suffices(state))
        return AUTOPLACE_NOT_ENOUGH;
    while (state->depth < search->input->need) {
        if (advance(state, from, touched)) {
            from = state->levels[state->depth - 1].at + 1;
            continue;
        }
        if (state->steps > state->max_steps)
            return AUTOPLACE_GAVE_UP;
        if (state->depth == 0)
            return AUTOPLACE_NOT_ENOUGH;
        uint32_t at = state->levels[state->depth - 1].at;
        reopen(state, state->levels[state->depth - 1].closed_count);
        touch(state, at, touched + (size_t)(state->depth - 1) * search->spread_count, true);
        choose(state, at, true);
        state->classes[state->class_of[at]].closed = state->depth + 1;
        state->closed[state->closed_count++] = state->class_of[at];
        from = at + 1;
    }
    return AUTOPLACE_FOUND;
}

enum autoplace_outcome autoplace_search_run(const struct autoplace_search *search, struct arena *arena,
                                            uint32_t *chosen, uint64_t *steps)
{
    const struct autoplace_input *input = search->input;
    uint32_t need = input->need, pools = search->ranked_count + 1, nodes = input->node_count + 1;

    *steps = 0;
    if (need == 0)
        return AUTOPLACE_FOUND;
    if (need > input->node_count)
        return AUTOPLACE_NOT_ENOUGH;
    struct state state = {
        .search = search,
        .sorts = UINT32_MAX,
        .max_steps = input->max_steps ? input->max_steps : AUTOPLACE_MAX_STEPS,
        .classes = arena_alloc(arena, pools * sizeof(struct class)),
        .profiles = arena_alloc(arena, nodes * sizeof(struct profile)),
        .class_of = arena_alloc(arena, pools * sizeof(uint32_t)),
        .profile_of = arena_alloc(arena, nodes * sizeof(uint32_t)),
        .used_nodes = arena_alloc(arena, nodes * sizeof(bool)),
        .together_nodes = arena_alloc(arena, nodes * sizeof(uint32_t)),
        .closed = arena_alloc(arena, pools * sizeof(uint32_t)),
        .levels = arena_alloc(arena, need * sizeof(struct level)),
        .present = arena_alloc(arena, (search->spread_count + 1) * sizeof(int64_t *)),
    };
    for (uint32_t i = 0; i < search->spread_count; i++)
        state.present[i] = arena_alloc(arena, (search->spreads[i].value_count + 1) * sizeof(int64_t));
    fill_compatible(&state);
    sort_into_profiles(&state, arena);
    state.used_shares = arena_alloc(arena, state.share_count * sizeof(bool));
    state.seen_shares = arena_alloc(arena, state.share_count * sizeof(uint32_t));
    bool *touched = arena_alloc(arena, (size_t)need * search->spread_count + 1);

    enum autoplace_outcome outcome = descend(&state, touched);
    for (uint32_t i = 0; outcome == AUTOPLACE_FOUND && i < need; i++)
        chosen[i] = search->ranked[state.levels[i].at];
    while (state.depth > 0) {
        uint32_t at = state.levels[state.depth - 1].at;
        touch(&state, at, touched + (size_t)(state.depth - 1) * search->spread_count, true);
        choose(&state, at, true);
    }
    *steps = state.steps;
    return outcome;
}
