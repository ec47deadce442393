/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The autoplacer on small random clusters, against a checker that shares no code with it: it knows the rules as
 * sentences and tries every combination of pools in order. Both must choose the same, or both nothing.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/autoplace.h"

enum { MAX_NODES = 8, MAX_POOLS = 16, MAX_NEED = 4, KEYS = 3 };

struct source {
    const uint8_t *at, *end;
};

static unsigned take(struct source *source, unsigned below)
{
    return source->at < source->end ? *source->at++ % below : 0;
}

struct world {
    struct autoplace_node nodes[MAX_NODES];
    struct text_map props[MAX_NODES];
    struct autoplace_pool pools[MAX_POOLS];
    struct autoplace_deployed deployed[3];
    struct select_filter filter;
    struct autoplace_input input;
    struct arena arena;
};

static const char *const node_names[MAX_NODES] = { "n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7" };
static const char *const keys[KEYS] = { "rack", "site", "zone" };
static const char *const values[] = { "a", "b", "c", "d" };
static const char *const pool_names[] = { "p", "q", "r" };
static const char *const spaces[] = { NULL, NULL, NULL, "s", "t" };
static const enum provider_kind providers[] = { PROVIDER_FILE,     PROVIDER_FILE,          PROVIDER_FILE_THIN,
                                                PROVIDER_LVM,      PROVIDER_ZFS,           PROVIDER_LVM_THIN,
                                                PROVIDER_DISKLESS, PROVIDER_STORAGE_SPACES };

static void make_nodes(struct world *world, struct source *source)
{
    uint32_t count = 1 + take(source, MAX_NODES);

    for (uint32_t n = 0; n < count; n++) {
        unsigned mood = take(source, 16), has = take(source, 8);
        world->nodes[n] = (struct autoplace_node){ .name = node_names[n],
                                                   .online = mood != 0,
                                                   .is_target = mood != 1,
                                                   .can_mix = mood & 4,
                                                   .flags = mood == 2   ? NODE_EVACUATE
                                                            : mood == 3 ? NODE_EVICTED
                                                                        : 0,
                                                   .layers = mood == 8 ? 0 : UINT32_MAX,
                                                   .providers = UINT32_MAX,
                                                   .props = &world->props[n] };
        for (unsigned k = 0; k < KEYS; k++) {
            if (has & 1u << k || k == 2)
                text_map_set(&world->props[n], keys[k], values[take(source, 4)], &world->arena);
        }
        if (mood == 9)
            text_list_add(&world->nodes[n].resources, "other", &world->arena);
    }
    world->input.node_count = count;
}

static void make_pools(struct world *world, struct source *source)
{
    for (uint32_t n = 0; n < world->input.node_count; n++) {
        unsigned count = take(source, 3) + (n % 2);
        for (unsigned p = 0; p < count && world->input.pool_count < MAX_POOLS; p++) {
            unsigned mood = take(source, 16);
            world->pools[world->input.pool_count++] = (struct autoplace_pool){
                .node = n,
                .name = pool_names[p],
                .provider = providers[take(source, 8)],
                .shared_name = spaces[take(source, 5)],
                .is_target = mood != 0,
                .free_kib = { .has = mood != 1, .value = take(source, 8) },
                .total_kib = MAYBE(16),
                .reserved_kib = take(source, 20),
                .resource_count = take(source, 3),
                .min_thin_free_kib = mood == 2 ? 3 : 0,
                .free_ratio = 1,
                .total_ratio = mood == 3 ? INFINITY : 2,
            };
        }
    }
}

static void make_filter(struct world *world, struct source *source)
{
    struct select_filter *filter = &world->filter;
    unsigned what = take(source, 256), more = take(source, 32);

    if (what & 1)
        text_list_add(&filter->replicas_on_same, what & 2 ? "zone" : "site=b", &world->arena);
    if (what & 4)
        text_list_add(&filter->replicas_on_same, "rack", &world->arena);
    if (what & 8)
        text_list_add(&filter->replicas_on_different, what & 16 ? "site" : "zone=c", &world->arena);
    if (what & 32)
        text_list_add(&filter->replicas_on_different, "rack", &world->arena);
    if (what & 64) {
        struct i64_pair *pair = LIST_ADD(&filter->x_replicas_on_different_map, &world->arena);
        *pair = (struct i64_pair){ arena_strdup(&world->arena, what & 128 ? "zone" : "site"), 1 + take(source, 3) };
    }
    if (more & 1)
        text_list_add(&filter->storage_pool_list, more & 2 ? "P" : "q", &world->arena);
    if (more == 4)
        text_list_add(&filter->not_place_with_rsc, "OTHER", &world->arena);
    if (more == 8)
        text_list_add(&filter->provider_list, "file", &world->arena);
    if (more == 16)
        for (uint32_t n = 0; n < world->input.node_count; n += 2)
            text_list_add(&filter->node_name_list, node_names[n], &world->arena);
    world->input.layers = more == 24 ? UINT32_C(1) << LAYER_DRBD : 0;
}

static void make_world(struct world *world, struct source *source)
{
    make_nodes(world, source);
    make_pools(world, source);
    make_filter(world, source);
    for (unsigned d = take(source, 4); d > 0; d--) {
        world->deployed[world->input.deployed_count++] =
            (struct autoplace_deployed){ .node = take(source, world->input.node_count),
                                         .provider = providers[take(source, 8)],
                                         .shared_name = spaces[take(source, 5)],
                                         .leaving = take(source, 4) == 0 };
    }
    world->input.nodes = world->nodes;
    world->input.pools = world->pools;
    world->input.deployed = world->deployed;
    world->input.filter = &world->filter;
    world->input.need = 1 + take(source, MAX_NEED);
    world->input.size_kib = take(source, 6);
    world->input.allow_mixing = take(source, 2);
    for (int i = 0; i < AUTOPLACE_STRATEGY_COUNT; i++)
        world->input.weights[i] = take(source, 3);
}

/* ---- the checker */

static const char *prop(const struct world *world, uint32_t node, const char *key)
{
    return text_map_find(&world->props[node], key);
}

static bool equal(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* Key of an item "key" or "key=value" in buffer; the value or NULL. */
static const char *key_of(const char *item, char buffer[16])
{
    snprintf(buffer, 16, "%.*s", (int)strcspn(item, "="), item);
    return item[strlen(buffer)] == '=' ? item + strlen(buffer) + 1 : NULL;
}

static bool listed(const struct text_list *list, const char *name)
{
    return list->count == 0 || text_list_has_fold(list, name);
}

static bool alone_is_fine(const struct world *world, const struct autoplace_pool *pool)
{
    const struct autoplace_node *node = &world->nodes[pool->node];
    const struct select_filter *filter = &world->filter;
    double free = (double)pool->free_kib.value, total = (double)pool->total_kib.value;
    bool thin = provider_can(pool->provider, PROVIDER_THIN);

    for (uint32_t d = 0; d < world->input.deployed_count; d++) {
        if (world->deployed[d].node == pool->node)
            return false;
    }
    if (!node->online || !node->is_target || node->flags || (world->input.layers & ~node->layers))
        return false;
    if (filter->not_place_with_rsc.count > 0 && node->resources.count > 0)
        return false;
    if (!listed(&filter->node_name_list, node->name) || !listed(&filter->storage_pool_list, pool->name) ||
        !listed(&filter->provider_list, provider_kind_name(pool->provider)))
        return false;
    if (!pool->is_target || !pool->free_kib.has || pool->provider == PROVIDER_DISKLESS)
        return false;
    double promised = total * (thin ? pool->total_ratio : fmin(1, pool->total_ratio)) - (double)pool->reserved_kib;
    double available = fmax(0, fmin(free * pool->free_ratio, promised));
    return available >= (double)world->input.size_kib && !(thin && available < (double)pool->min_thin_free_kib);
}

struct member {
    uint32_t node;
    enum provider_kind provider;
    const char *space;
    bool is_new;
};

static bool same_is_fine(const struct world *world, const struct member *members, unsigned count)
{
    const struct text_list *list = &world->filter.replicas_on_same;

    for (uint32_t i = 0; i < list->count; i++) {
        char key[16];
        const char *wanted = key_of(list->at[i], key), *first = wanted;
        for (unsigned m = 0; m < count; m++) {
            const char *value = prop(world, members[m].node, key);
            if (!members[m].is_new && (wanted || !value))
                continue; /* a value that is asked for by name says nothing about what is there */
            if (!value || (first && strcmp(first, value) != 0))
                return false;
            first = value;
        }
    }
    return true;
}

/* Replicas by value: none beyond the limit where a new one comes, and in the end at most one group neither empty nor
 * full. */
static bool spread_is_fine(const struct world *world, const char *key, int64_t limit, const struct member *members,
                           unsigned count, bool is_end)
{
    const struct text_list *list = &world->filter.replicas_on_different;
    unsigned partial = 0;

    for (size_t v = 0; v < 4; v++) {
        bool forbidden = false, any_new = false, counted[MAX_NODES] = { false }, present = false;
        int64_t replicas = 0;
        for (uint32_t n = 0; n < world->input.node_count; n++)
            present |= equal(prop(world, n, key), values[v]);
        for (uint32_t i = 0; i < list->count; i++) {
            char name[16];
            const char *value = key_of(list->at[i], name);
            forbidden |= strcmp(name, key) == 0 && equal(value, values[v]);
        }
        for (unsigned m = 0; m < count; m++) {
            if (counted[members[m].node] || !equal(prop(world, members[m].node, key), values[v]))
                continue;
            counted[members[m].node] = true;
            any_new |= members[m].is_new;
            replicas++;
        }
        if (any_new && (forbidden || replicas > limit))
            return false;
        partial += present && !forbidden && replicas > 0 && replicas < limit;
    }
    return partial <= 1 || !is_end;
}

static bool spreads_are_fine(const struct world *world, const struct member *members, unsigned count, bool is_end)
{
    const struct i64_map *limits = &world->filter.x_replicas_on_different_map;
    const struct text_list *list = &world->filter.replicas_on_different;

    for (uint32_t i = 0; i < limits->count; i++) {
        if (!spread_is_fine(world, limits->at[i].key, limits->at[i].value, members, count, is_end))
            return false;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        char key[16];
        key_of(list->at[i], key);
        bool has_limit = limits->count > 0 && strcmp(limits->at[0].key, key) == 0;
        if (!has_limit && !spread_is_fine(world, key, 1, members, count, is_end))
            return false;
    }
    return true;
}

static bool pairs_are_fine(const struct world *world, const struct member *members, unsigned count)
{
    for (unsigned a = 0; a < count; a++) {
        for (unsigned b = a + 1; b < count; b++) {
            const struct member *x = &members[a], *y = &members[b];
            bool mix = world->input.allow_mixing && world->nodes[x->node].can_mix && world->nodes[y->node].can_mix;
            if (!y->is_new) /* what is there is as it is */
                continue;
            if (x->node == y->node || equal(x->space, y->space) || !provider_mixes(x->provider, y->provider, mix))
                return false;
        }
    }
    return true;
}

static bool together_is_fine(const struct world *world, const uint32_t *chosen, unsigned chosen_count, bool is_end)
{
    struct member members[MAX_NEED + 3];
    unsigned count = 0;

    for (uint32_t d = 0; d < world->input.deployed_count; d++) {
        const struct autoplace_deployed *there = &world->deployed[d];
        if (!there->leaving)
            members[count++] = (struct member){ there->node, there->provider, there->shared_name, false };
    }
    for (unsigned i = 0; i < chosen_count; i++) {
        const struct autoplace_pool *pool = &world->pools[chosen[i]];
        if (!alone_is_fine(world, pool))
            return false;
        members[count++] = (struct member){ pool->node, pool->provider, pool->shared_name, true };
    }
    return pairs_are_fine(world, members, count) && same_is_fine(world, members, count) &&
           spreads_are_fine(world, members, count, is_end);
}

static double score_part(const struct world *world, const bool *fine, uint32_t pool, int strategy)
{
    double most = 0, value = 0;

    for (uint32_t p = 0; p < world->input.pool_count; p++) {
        const struct autoplace_pool *one = &world->pools[p];
        double of_pool = strategy == 0   ? (double)one->free_kib.value
                         : strategy == 1 ? (double)one->reserved_kib
                                         : one->resource_count;
        if (fine[p])
            most = fmax(most, of_pool);
        if (p == pool)
            value = of_pool;
    }
    double factor = world->input.weights[strategy] * (strategy == 0 ? 1 : -1);
    return value / (most > 0 ? most : 1) * factor;
}

/* Pools that are fine with what is there, best first, by insertion. */
static unsigned rank_naively(const struct world *world, uint32_t *order)
{
    double scores[MAX_POOLS];
    bool fine[MAX_POOLS];
    unsigned count = 0;

    for (uint32_t p = 0; p < world->input.pool_count; p++)
        fine[p] = together_is_fine(world, &p, 1, false);
    for (uint32_t p = 0; p < world->input.pool_count; p++) {
        scores[p] = 0;
        for (int s = 0; s < AUTOPLACE_STRATEGY_COUNT; s++)
            scores[p] += score_part(world, fine, p, s);
    }
    for (uint32_t p = 0; p < world->input.pool_count; p++) {
        unsigned at = count;
        if (!fine[p])
            continue;
        for (; at > 0 && scores[order[at - 1]] < scores[p]; at--)
            order[at] = order[at - 1];
        order[at] = p;
        count++;
    }
    return count;
}

static bool first_combination(const struct world *world, const uint32_t *order, unsigned count, unsigned from,
                              uint32_t *chosen, unsigned depth)
{
    if (depth == world->input.need)
        return together_is_fine(world, chosen, depth, true);
    for (unsigned i = from; i < count; i++) {
        chosen[depth] = order[i];
        if (first_combination(world, order, count, i + 1, chosen, depth + 1))
            return true;
    }
    return false;
}

static void describe(const struct world *world)
{
    const struct select_filter *filter = &world->filter;

    for (uint32_t n = 0; n < world->input.node_count; n++) {
        fprintf(stderr, "%s%s", node_names[n], world->nodes[n].can_mix ? " mixes" : "");
        for (uint32_t i = 0; i < world->props[n].count; i++)
            fprintf(stderr, " %s=%s", world->props[n].at[i].key, world->props[n].at[i].value);
        for (uint32_t p = 0; p < world->input.pool_count; p++) {
            const struct autoplace_pool *pool = &world->pools[p];
            if (pool->node == n)
                fprintf(stderr, ", %s %s space %s free %d reserved %d%s", pool->name,
                        provider_kind_name(pool->provider), pool->shared_name ? pool->shared_name : "-",
                        (int)pool->free_kib.value, (int)pool->reserved_kib, alone_is_fine(world, pool) ? "" : " unfit");
        }
        fprintf(stderr, "\n");
    }
    for (uint32_t d = 0; d < world->input.deployed_count; d++)
        fprintf(stderr, "deployed on %s: %s space %s%s\n", node_names[world->deployed[d].node],
                provider_kind_name(world->deployed[d].provider),
                world->deployed[d].shared_name ? world->deployed[d].shared_name : "-",
                world->deployed[d].leaving ? " leaving" : "");
    for (uint32_t i = 0; i < filter->replicas_on_same.count; i++)
        fprintf(stderr, "same %s\n", filter->replicas_on_same.at[i]);
    for (uint32_t i = 0; i < filter->replicas_on_different.count; i++)
        fprintf(stderr, "different %s\n", filter->replicas_on_different.at[i]);
    for (uint32_t i = 0; i < filter->x_replicas_on_different_map.count; i++)
        fprintf(stderr, "at most %d by %s\n", (int)filter->x_replicas_on_different_map.at[i].value,
                filter->x_replicas_on_different_map.at[i].key);
    fprintf(stderr, "mixing %d, size %d, need %u\n", world->input.allow_mixing, (int)world->input.size_kib,
            (unsigned)world->input.need);
}

static void complain(const struct world *world, const struct autoplace_result *result, const uint32_t *expected,
                     bool found)
{
    describe(world);
    fprintf(stderr, "outcome %d:", result->outcome);
    for (uint32_t i = 0; i < result->chosen_count; i++)
        fprintf(stderr, " %s/%s", node_names[world->pools[result->chosen[i]].node],
                world->pools[result->chosen[i]].name);
    fprintf(stderr, "\nexpected:");
    for (uint32_t i = 0; found && i < world->input.need; i++)
        fprintf(stderr, " %s/%s", node_names[world->pools[expected[i]].node], world->pools[expected[i]].name);
    fprintf(stderr, "\n");
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source source = { data, data + size };
    struct world world = { 0 };
    struct autoplace_result result;
    uint32_t order[MAX_POOLS + 1], expected[MAX_NEED];
    struct buf text = { 0 };

    make_world(&world, &source);
    autoplace_run(&world.input, &world.arena, &result);
    autoplace_explain(&world.input, &result, 5, &text);
    buf_done(&text);
    if (result.outcome == AUTOPLACE_FOUND || result.outcome == AUTOPLACE_NOT_ENOUGH) {
        unsigned count = rank_naively(&world, order);
        bool found = first_combination(&world, order, count, 0, expected, 0);
        if (found != (result.outcome == AUTOPLACE_FOUND) ||
            (found && memcmp(expected, result.chosen, world.input.need * sizeof(*expected)) != 0))
            complain(&world, &result, expected, found);
    } else if (result.outcome != AUTOPLACE_UNDECIDABLE || !result.why) {
        complain(&world, &result, expected, false);
    }
    arena_done(&world.arena);
    return 0;
}
