/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * LINSTOR: the order of the rules, the ratings and what an "already deployed" replica means are those of its autoplacer
 * (reference controller.md 3). Deliberate differences: thick pools are never promised beyond what they hold, whatever a
 * ratio says, because the volume could not be made; a pool whose space is unknown is left out also when nothing needs
 * space.
 */
#include "model/autoplace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "model/autoplace_pattern.h"
#include "model/autoplace_search.h"

struct same {
    const char *key;
    const char *wanted; /* NULL: any, but all the same */
};

struct run {
    const struct autoplace_input *input;
    struct arena *arena;
    struct autoplace_result *result;
    struct same *sames;
    struct autoplace_spread *spreads;
    uint32_t same_count, spread_count;
    struct autoplace_pattern pattern;
    bool *occupied; /* [node_count] */
};

static double value_of_free_space(const struct autoplace_pool *pool)
{
    return (double)pool->free_kib.value;
}

static double value_of_reserved_space(const struct autoplace_pool *pool)
{
    return (double)pool->reserved_kib;
}

static double value_of_resource_count(const struct autoplace_pool *pool)
{
    return pool->resource_count;
}

/* clang-format off */
static const struct strategy {
    double (*value)(const struct autoplace_pool *pool);
    double sign;                                      /* -1: less is better */
} strategies[AUTOPLACE_STRATEGY_COUNT] = {
    [AUTOPLACE_MAX_FREE_SPACE] =     { value_of_free_space, 1 },
    [AUTOPLACE_MIN_RESERVED_SPACE] = { value_of_reserved_space, -1 },
    [AUTOPLACE_MIN_RESOURCE_COUNT] = { value_of_resource_count, -1 },
};
const char *const autoplace_weight_keys[AUTOPLACE_STRATEGY_COUNT] = {
    [AUTOPLACE_MAX_FREE_SPACE] =     "Autoplacer/Weights/MaxFreeSpace",
    [AUTOPLACE_MIN_RESERVED_SPACE] = "Autoplacer/Weights/MinReservedSpace",
    [AUTOPLACE_MIN_RESOURCE_COUNT] = "Autoplacer/Weights/MinRscCount",
};
const double autoplace_default_weights[AUTOPLACE_STRATEGY_COUNT] = {
    [AUTOPLACE_MAX_FREE_SPACE] = 1, [AUTOPLACE_MIN_RESERVED_SPACE] = 0, [AUTOPLACE_MIN_RESOURCE_COUNT] = 0.00001,
};
/* clang-format on */

static int64_t multiply(int64_t kib, double ratio)
{
    if (ratio == 1)
        return kib;
    double product = (double)kib * ratio;
    if (isnan(product)) /* nothing, without limit */
        return 0;
    return product >= (double)INT64_MAX ? INT64_MAX : product > 0 ? (int64_t)product : 0;
}

static double usable_ratio(const struct autoplace_pool *pool, double ratio)
{
    bool is_thick = provider_can(pool->provider, PROVIDER_BACKED) && !provider_can(pool->provider, PROVIDER_THIN);
    return is_thick && ratio > 1 ? 1 : ratio;
}

static int64_t by_free(const struct autoplace_pool *pool)
{
    return multiply(pool->free_kib.value, usable_ratio(pool, pool->free_ratio));
}

static int64_t by_total(const struct autoplace_pool *pool)
{
    int64_t promised = multiply(pool->total_kib.value, usable_ratio(pool, pool->total_ratio));
    /* Negative: more than can be counted. */
    return pool->reserved_kib >= 0 && promised > pool->reserved_kib ? promised - pool->reserved_kib : 0;
}

int64_t autoplace_available_kib(const struct autoplace_pool *pool)
{
    if (!pool->free_kib.has || !pool->total_kib.has)
        return 0;
    return by_free(pool) < by_total(pool) ? by_free(pool) : by_total(pool);
}

bool autoplace_parse_reserve(const char *text, int64_t total_kib, int64_t *kib)
{
    static const struct unit {
        const char *name;
        double kib;
    } units[] = {
        { "", 1 },           { "b", 1.0 / 1024 },   { "s", 0.5 },
        { "k", 1 },          { "kib", 1 },          { "kb", 1000.0 / 1024 },
        { "m", 1024 },       { "mib", 1024 },       { "mb", 1e6 / 1024 },
        { "g", 1048576 },    { "gib", 1048576 },    { "gb", 1e9 / 1024 },
        { "t", 1073741824 }, { "tib", 1073741824 }, { "tb", 1e12 / 1024 },
    };
    size_t digits = strspn(text, "0123456789."), blanks = strspn(text + digits, " \t");
    const char *unit = text + digits + blanks;
    char number[32];
    double value;

    if (digits == 0 || digits >= sizeof(number))
        return false;
    memcpy(number, text, digits);
    number[digits] = '\0';
    if (!text_parse_double(number, &value))
        return false;
    if (strcmp(unit, "%") == 0) {
        *kib = multiply(total_kib, value == 100 ? 1 : value / 100);
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (strcasecmp(unit, units[i].name) == 0) {
            double product = value * units[i].kib;
            *kib = product >= (double)INT64_MAX ? INT64_MAX : (int64_t)product;
            return true;
        }
    }
    return false;
}

static const char *prop_of(const struct autoplace_input *input, uint32_t node, const char *key)
{
    const struct text_map *props = input->nodes[node].props;
    return props ? text_map_find(props, key) : NULL;
}

/* "key=value" into its parts; value is NULL where there is no '='. */
static const char *split(const char *item, const char **value, struct arena *arena)
{
    const char *equals = strchr(item, '=');

    *value = equals ? equals + 1 : NULL;
    return equals ? arena_strndup(arena, item, (size_t)(equals - item)) : item;
}

/* False when replicas that are there have different values already. */
static bool read_sames(struct run *run)
{
    const struct autoplace_input *input = run->input;
    const struct text_list *list = &input->filter->replicas_on_same;

    run->sames = arena_alloc(run->arena, (list->count + 1) * sizeof(*run->sames));
    for (uint32_t i = 0; i < list->count; i++) {
        struct same *same = &run->sames[run->same_count++];
        same->key = split(list->at[i], &same->wanted, run->arena);
        if (same->wanted)
            continue;
        for (uint32_t d = 0; d < input->deployed_count; d++) {
            const struct autoplace_deployed *there = &input->deployed[d];
            const char *value = there->leaving ? NULL : prop_of(input, there->node, same->key);
            if (value && same->wanted && strcmp(value, same->wanted) != 0) {
                run->result->why = arena_printf(run->arena,
                                                "Replicas are already on nodes with different values of '%s', which "
                                                "replicas-on-same names: '%s' and '%s' (node %s).",
                                                same->key, same->wanted, value, input->nodes[there->node].name);
                return false;
            }
            if (value)
                same->wanted = value;
        }
    }
    return true;
}

static struct autoplace_spread *find_spread(struct run *run, const char *key)
{
    for (uint32_t i = 0; i < run->spread_count; i++) {
        if (strcmp(run->spreads[i].key, key) == 0)
            return &run->spreads[i];
    }
    return NULL;
}

static struct autoplace_spread *add_spread(struct run *run, const char *key, int64_t limit)
{
    const struct autoplace_input *input = run->input;
    struct autoplace_spread *spread = &run->spreads[run->spread_count++];
    uint32_t nodes = input->node_count;
    struct autoplace_numbers numbers;

    /* beyond any number of nodes, but sums of it fit */
    limit = limit < 0 ? 0 : limit > INT32_MAX ? INT32_MAX : limit;
    *spread = (struct autoplace_spread){
        .key = key,
        .limit = limit,
        .values = arena_alloc(run->arena, (nodes + 1) * sizeof(char *)),
        .left = arena_alloc(run->arena, (nodes + 1) * sizeof(int64_t)),
        .touched = arena_alloc(run->arena, (nodes + 1) * sizeof(bool)),
        .of_node = arena_alloc(run->arena, (nodes + 1) * sizeof(int32_t)),
    };
    autoplace_numbers_init(&numbers, nodes, run->arena);
    for (uint32_t n = 0; n < nodes; n++) {
        const char *value = prop_of(input, n, key);
        spread->of_node[n] = value ? (int32_t)autoplace_numbers_get(&numbers, value, strlen(value)) : -1;
        if (!value)
            continue;
        spread->values[spread->of_node[n]] = value;
        spread->left[spread->of_node[n]] = limit;
    }
    spread->value_count = numbers.count;
    return spread;
}

static void forbid_value(struct autoplace_spread *spread, const char *value)
{
    for (uint32_t v = 0; v < spread->value_count; v++) {
        if (strcmp(spread->values[v], value) == 0)
            spread->left[v] = 0;
    }
}

static void read_spreads(struct run *run)
{
    const struct autoplace_input *input = run->input;
    const struct text_list *list = &input->filter->replicas_on_different;
    const struct i64_map *limits = &input->filter->x_replicas_on_different_map;
    bool *counted = arena_alloc(run->arena, input->node_count + 1);

    run->spreads = arena_alloc(run->arena, (list->count + limits->count + 1) * sizeof(*run->spreads));
    for (uint32_t i = 0; i < limits->count; i++)
        add_spread(run, limits->at[i].key, limits->at[i].value);
    for (uint32_t i = 0; i < list->count; i++) {
        const char *value, *key = split(list->at[i], &value, run->arena);
        struct autoplace_spread *spread = find_spread(run, key);

        if (!spread)
            spread = add_spread(run, key, 1);
        if (value)
            forbid_value(spread, value);
    }
    for (uint32_t d = 0; d < input->deployed_count; d++) {
        const struct autoplace_deployed *there = &input->deployed[d];
        if (there->leaving || counted[there->node])
            continue;
        counted[there->node] = true;
        for (uint32_t i = 0; i < run->spread_count; i++) {
            int32_t value = run->spreads[i].of_node[there->node];
            if (value >= 0) {
                run->spreads[i].left[value]--;
                run->spreads[i].touched[value] = true;
            }
        }
    }
}

static struct autoplace_verdict judge_resources(const struct run *run, const struct autoplace_node *node)
{
    const struct select_filter *filter = run->input->filter;

    for (uint32_t i = 0; i < node->resources.count; i++) {
        const char *name = node->resources.at[i];
        if (text_list_has_fold(&filter->not_place_with_rsc, name))
            return (struct autoplace_verdict){ .rule = AUTOPLACE_NODE_NOT_WITH, .is = name };
        if (autoplace_pattern_matches(&run->pattern, name))
            return (struct autoplace_verdict){ .rule = AUTOPLACE_NODE_PATTERN,
                                               .is = name,
                                               .wanted = filter->not_place_with_rsc_regex };
    }
    return (struct autoplace_verdict){ 0 };
}

static struct autoplace_verdict judge_props(const struct run *run, uint32_t n)
{
    for (uint32_t i = 0; i < run->same_count; i++) {
        const struct same *same = &run->sames[i];
        const char *value = prop_of(run->input, n, same->key);
        if (!value || (same->wanted && strcmp(value, same->wanted) != 0))
            return (struct autoplace_verdict){
                .rule = AUTOPLACE_NODE_NOT_SAME, .key = same->key, .is = value, .wanted = same->wanted
            };
    }
    for (uint32_t i = 0; i < run->spread_count; i++) {
        const struct autoplace_spread *spread = &run->spreads[i];
        int32_t value = spread->of_node[n];
        if (value >= 0 && spread->left[value] <= 0)
            return (struct autoplace_verdict){ .rule = AUTOPLACE_NODE_NOT_DIFFERENT,
                                               .key = spread->key,
                                               .is = spread->values[value] };
    }
    return (struct autoplace_verdict){ 0 };
}

static struct autoplace_verdict judge_node(const struct run *run, uint32_t n)
{
    const struct autoplace_input *input = run->input;
    const struct autoplace_node *node = &input->nodes[n];
    struct autoplace_verdict verdict = { 0 };
    uint32_t missing = input->layers & ~node->layers;

    if (!node->online)
        verdict.rule = AUTOPLACE_NODE_OFFLINE;
    else if (node->flags & NODE_DELETE)
        verdict = (struct autoplace_verdict){ .rule = AUTOPLACE_NODE_DELETED,
                                              .is = (node->flags & NODE_EVICTED) == NODE_EVICTED ? "evicted"
                                                                                                 : "being deleted" };
    else if (node->flags & NODE_EVACUATE)
        verdict.rule = AUTOPLACE_NODE_EVACUATED;
    else if (run->occupied[n])
        verdict.rule = AUTOPLACE_NODE_OCCUPIED;
    else if (input->filter->node_name_list.count > 0 && !text_list_has_fold(&input->filter->node_name_list, node->name))
        verdict.rule = AUTOPLACE_NODE_NOT_LISTED;
    else if ((verdict = judge_props(run, n)).rule != AUTOPLACE_SUITABLE)
        return verdict;
    else if (!node->is_target)
        verdict.rule = AUTOPLACE_NODE_NO_TARGET;
    else if (missing)
        verdict = (struct autoplace_verdict){ .rule = AUTOPLACE_NODE_NO_LAYER,
                                              .is = layer_kind_name((enum layer_kind)__builtin_ctz(missing)) };
    else
        verdict = judge_resources(run, node);
    return verdict;
}

static struct autoplace_verdict judge_space(const struct run *run, const struct autoplace_pool *pool)
{
    int64_t need = run->input->size_kib, available = autoplace_available_kib(pool);

    if (!pool->free_kib.has || !pool->total_kib.has)
        return (struct autoplace_verdict){ .rule = AUTOPLACE_POOL_UNKNOWN_SPACE };
    if (available < need)
        return (struct autoplace_verdict){ .rule = by_total(pool) < by_free(pool) ? AUTOPLACE_POOL_OVERSUBSCRIBED
                                                                                  : AUTOPLACE_POOL_TOO_FULL,
                                           .have_kib = available,
                                           .need_kib = need };
    if (provider_can(pool->provider, PROVIDER_THIN) && available < pool->min_thin_free_kib)
        return (struct autoplace_verdict){ .rule = AUTOPLACE_POOL_THIN_RESERVE,
                                           .have_kib = available,
                                           .need_kib = pool->min_thin_free_kib };
    return (struct autoplace_verdict){ 0 };
}

/* Against replicas that are there already; the search does the same among those it chooses. */
static struct autoplace_verdict judge_deployed(const struct run *run, const struct autoplace_pool *pool)
{
    const struct autoplace_input *input = run->input;

    for (uint32_t d = 0; d < input->deployed_count; d++) {
        const struct autoplace_deployed *there = &input->deployed[d];
        bool mix = input->allow_mixing && input->nodes[there->node].can_mix && input->nodes[pool->node].can_mix;
        if (there->leaving)
            continue;
        if (pool->shared_name && there->shared_name && strcmp(pool->shared_name, there->shared_name) == 0)
            return (struct autoplace_verdict){ .rule = AUTOPLACE_POOL_SHARED, .is = pool->shared_name };
        if (!provider_mixes(there->provider, pool->provider, mix))
            return (struct autoplace_verdict){ .rule = AUTOPLACE_POOL_NO_MIX,
                                               .is = provider_kind_name(pool->provider),
                                               .wanted = provider_kind_name(there->provider) };
    }
    return (struct autoplace_verdict){ 0 };
}

static struct autoplace_verdict judge_pool(const struct run *run, uint32_t p)
{
    const struct autoplace_input *input = run->input;
    const struct autoplace_pool *pool = &input->pools[p];
    const struct text_list *list =
        input->diskless ? &input->filter->storage_pool_diskless_list : &input->filter->storage_pool_list;
    const char *provider = provider_kind_name(pool->provider);
    struct autoplace_verdict verdict = { 0 };

    if (provider_can(pool->provider, PROVIDER_BACKED) == input->diskless)
        verdict.rule = AUTOPLACE_POOL_SORT;
    else if (run->result->nodes[pool->node].rule != AUTOPLACE_SUITABLE)
        verdict.rule = AUTOPLACE_POOL_OF_NODE;
    else if (!(input->nodes[pool->node].providers & UINT32_C(1) << pool->provider))
        verdict = (struct autoplace_verdict){ .rule = AUTOPLACE_POOL_UNSUPPORTED, .is = provider };
    else if (list->count > 0 && !text_list_has_fold(list, pool->name))
        verdict.rule = AUTOPLACE_POOL_NOT_LISTED;
    else if (input->filter->provider_list.count > 0 && !text_list_has_fold(&input->filter->provider_list, provider))
        verdict = (struct autoplace_verdict){ .rule = AUTOPLACE_POOL_PROVIDER_NOT_LISTED, .is = provider };
    else if (!pool->is_target)
        verdict.rule = AUTOPLACE_POOL_NO_TARGET;
    else if (!input->diskless && (verdict = judge_space(run, pool)).rule != AUTOPLACE_SUITABLE)
        return verdict;
    else
        verdict = judge_deployed(run, pool);
    return verdict;
}

static void judge(struct run *run)
{
    const struct autoplace_input *input = run->input;
    struct autoplace_result *result = run->result;
    bool *has_pool = arena_alloc(run->arena, input->node_count + 1);
    bool *is_suitable = arena_alloc(run->arena, input->node_count + 1);

    for (uint32_t d = 0; d < input->deployed_count; d++)
        run->occupied[input->deployed[d].node] = true;
    for (uint32_t n = 0; n < input->node_count; n++)
        result->nodes[n] = judge_node(run, n);
    for (uint32_t p = 0; p < input->pool_count; p++) {
        uint32_t node = input->pools[p].node;
        result->pools[p] = judge_pool(run, p);
        result->available_kib[p] = autoplace_available_kib(&input->pools[p]);
        has_pool[node] |= result->pools[p].rule != AUTOPLACE_POOL_SORT;
        if (result->pools[p].rule == AUTOPLACE_SUITABLE && !is_suitable[node]) {
            is_suitable[node] = true;
            result->suitable_count++;
        }
    }
    for (uint32_t n = 0; n < input->node_count; n++) {
        if (!has_pool[n] && result->nodes[n].rule == AUTOPLACE_SUITABLE)
            result->nodes[n].rule = AUTOPLACE_NODE_NO_POOL;
    }
}

struct rated {
    double score;
    uint32_t pool;
};

static int compare_rated(const void *a, const void *b)
{
    const struct rated *x = a, *y = b;

    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->pool < y->pool ? -1 : 1;
}

static uint32_t rank(const struct run *run, uint32_t *ranked)
{
    const struct autoplace_input *input = run->input;
    struct rated *rated = arena_alloc(run->arena, (input->pool_count + 1) * sizeof(*rated));
    uint32_t count = 0;

    for (uint32_t p = 0; p < input->pool_count; p++) {
        if (run->result->pools[p].rule == AUTOPLACE_SUITABLE)
            rated[count++].pool = p;
    }
    for (int s = 0; s < AUTOPLACE_STRATEGY_COUNT; s++) {
        double most = 0, factor = input->weights[s] * strategies[s].sign;
        for (uint32_t i = 0; i < count; i++) {
            double value = strategies[s].value(&input->pools[rated[i].pool]);
            most = value > most ? value : most;
        }
        for (uint32_t i = 0; i < count; i++)
            rated[i].score += strategies[s].value(&input->pools[rated[i].pool]) / (most > 0 ? most : 1) * factor;
    }
    qsort(rated, count, sizeof(*rated), compare_rated);
    for (uint32_t i = 0; i < count; i++)
        ranked[i] = rated[i].pool;
    return count;
}

static struct autoplace_union *number_unions(const struct run *run, uint32_t *count)
{
    uint32_t nodes = run->input->node_count;
    struct autoplace_union *unions = arena_alloc(run->arena, (run->same_count + 1) * sizeof(*unions));

    for (uint32_t i = 0; i < run->same_count; i++) {
        struct autoplace_numbers numbers;
        if (run->sames[i].wanted) /* judged already */
            continue;
        struct autoplace_union *one = &unions[(*count)++];
        one->key = run->sames[i].key;
        one->of_node = arena_alloc(run->arena, (nodes + 1) * sizeof(*one->of_node));
        autoplace_numbers_init(&numbers, nodes, run->arena);
        for (uint32_t n = 0; n < nodes; n++) {
            const char *value = prop_of(run->input, n, one->key);
            one->of_node[n] = value ? autoplace_numbers_get(&numbers, value, strlen(value)) : UINT32_MAX;
        }
    }
    return unions;
}

static void choose(const struct run *run)
{
    const struct autoplace_input *input = run->input;
    struct autoplace_result *result = run->result;
    uint32_t *ranked = arena_alloc(run->arena, (input->pool_count + 1) * sizeof(*ranked));
    struct autoplace_search search = {
        .input = input,
        .ranked = ranked,
        .spreads = run->spreads,
        .spread_count = run->spread_count,
    };

    search.ranked_count = rank(run, ranked);
    if (result->suitable_count < input->need) {
        result->outcome = AUTOPLACE_NOT_ENOUGH;
        return;
    }
    search.unions = number_unions(run, &search.union_count);
    result->chosen = arena_alloc(run->arena, (input->need + 1) * sizeof(*result->chosen));
    result->outcome = autoplace_search_run(&search, run->arena, result->chosen, &result->steps);
    if (result->outcome == AUTOPLACE_FOUND)
        result->chosen_count = input->need;
    else if (result->outcome == AUTOPLACE_GAVE_UP)
        result->why = "The rules exclude each other in so many ways that the search for a combination of storage pools "
                      "was ended; fewer keys in replicas-on-different make it easier.";
}

void autoplace_run(const struct autoplace_input *input, struct arena *arena, struct autoplace_result *result)
{
    struct run run = { .input = input, .arena = arena, .result = result };
    char why[256];

    *result = (struct autoplace_result){
        .nodes = arena_alloc(arena, (input->node_count + 1) * sizeof(*result->nodes)),
        .pools = arena_alloc(arena, (input->pool_count + 1) * sizeof(*result->pools)),
        .available_kib = arena_alloc(arena, (input->pool_count + 1) * sizeof(*result->available_kib)),
    };
    run.occupied = arena_alloc(arena, input->node_count + 1);
    bool is_decidable = read_sames(&run);
    read_spreads(&run);
    if (autoplace_pattern_init(&run.pattern, input->filter->not_place_with_rsc_regex, why, sizeof(why)) < 0) {
        result->outcome = AUTOPLACE_BAD_PATTERN;
        result->why = arena_strdup(arena, why);
    }
    judge(&run);
    autoplace_pattern_done(&run.pattern);
    if (result->outcome == AUTOPLACE_BAD_PATTERN)
        return;
    if (!is_decidable)
        result->outcome = AUTOPLACE_UNDECIDABLE;
    else
        choose(&run);
}
