/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/controller/placement.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/rc_codes.h"
#include "roles/controller/placement_input.h"

enum { EXPLAINED_LINES = 200 }; /* of nodes and pools in one answer */

/* An empty list or text is a word, too: "no restriction". */
#define PICK(member, is_named)                                                                                         \
    merged->member = request && (is_named(request->member)) ? request->member : group ? group->member : merged->member
#define IS_THERE(x) ((x).at != NULL)
#define IS_SET(x)   ((x).has)
#define IS_TEXT(x)  ((x) != NULL)

void placement_merge_filter(const struct select_filter *request, const struct select_filter *group,
                            struct select_filter *merged)
{
    *merged = (struct select_filter){ 0 };
    PICK(place_count, IS_SET);
    PICK(node_name_list, IS_THERE);
    PICK(storage_pool_list, IS_THERE);
    PICK(storage_pool_diskless_list, IS_THERE);
    PICK(not_place_with_rsc, IS_THERE);
    PICK(not_place_with_rsc_regex, IS_TEXT);
    PICK(replicas_on_same, IS_THERE);
    PICK(replicas_on_different, IS_THERE);
    PICK(x_replicas_on_different_map, IS_THERE);
    PICK(layer_stack, IS_THERE);
    PICK(provider_list, IS_THERE);
    PICK(diskless_on_remaining, IS_SET);
}

/* clang-format off */
static const struct mapping {
    enum placement_outcome outcome;
    int64_t code;
    const char *message;
} mappings[] = {
    [AUTOPLACE_FOUND] =       { PLACEMENT_FOUND, CREATED, NULL },
    [AUTOPLACE_NOT_ENOUGH] =  { PLACEMENT_NOT_ENOUGH, FAIL_NOT_ENOUGH_NODES, "Not enough available nodes" },
    [AUTOPLACE_UNDECIDABLE] = { PLACEMENT_UNDECIDABLE, FAIL_UNDECIDABLE_AUTOPLACMENT,
                                "The nodes of existing replicas contradict what is asked for" },
    [AUTOPLACE_BAD_PATTERN] = { PLACEMENT_BAD_PATTERN, FAIL_UNKNOWN_ERROR,
                                "The pattern of resources not to place with cannot be used" },
    [AUTOPLACE_GAVE_UP] =     { PLACEMENT_GAVE_UP, FAIL_NOT_ENOUGH_NODES, "Not enough available nodes" },
};
/* clang-format on */

static uint32_t layer_bits(const struct layer_stack *layers)
{
    uint32_t bits = 0;

    for (size_t i = 0; i < layers->count; i++)
        bits |= UINT32_C(1) << layers->at[i];
    return bits;
}

/* NULL, or why the names make no stack; *code tells then in which way. */
static const char *read_layers(const struct text_list *names, struct layer_stack *layers, int64_t *code,
                               struct arena *arena)
{
    bool was_extended;
    char why[256];
    int result = layer_stack_parse(names, layers, &was_extended, why, sizeof(why));

    if (result == 0)
        return NULL;
    *code = result == -ENOENT ? FAIL_INVLD_LAYER_KIND : FAIL_INVLD_LAYER_STACK;
    return arena_strdup(arena, why);
}

static const char *list_nodes(const struct text_list *names, struct arena *arena)
{
    CLEANUP(buf_done) struct buf text = { 0 };

    for (uint32_t i = 0; i < names->count; i++)
        buf_printf(&text, "%s'%s'", i > 0 ? ", " : "", names->at[i]);
    return arena_strdup(arena, buf_text(&text));
}

static int compare_indexes(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* The arrays stand in order of names, so sorting the indexes sorts by name of node. */
static void sort_chosen(struct autoplace_result *placed)
{
    if (placed->chosen_count > 1)
        qsort(placed->chosen, placed->chosen_count, sizeof(*placed->chosen), compare_indexes);
}

static const char *explain(const struct autoplace_input *input, const struct autoplace_result *placed,
                           struct arena *arena)
{
    struct buf text = { 0 };

    autoplace_explain(input, placed, EXPLAINED_LINES, &text);
    const char *copy = arena_strdup(arena, buf_text(&text));
    buf_done(&text);
    return copy;
}

static void word_found(struct placement_result *result, const struct placement_request *request, struct arena *arena)
{
    const char *used = "";

    for (uint32_t i = 0; i < result->pool_count; i++)
        used = arena_printf(arena, "%s%s'%s (%s)'", used, i > 0 ? ", " : "", storage_pool_node(result->pools[i])->name,
                            storage_pool_name(result->pools[i]));
    result->message = arena_printf(arena, "Resource '%s' successfully autoplaced on %u nodes",
                                   request->definition->name, (unsigned)result->pool_count);
    result->details = arena_printf(arena, "Used nodes (storage pool name): %s", used);
}

static void word_deployed(struct placement_result *result, const char *name, const struct text_list *nodes,
                          struct arena *arena)
{
    const char *list = list_nodes(nodes, arena);

    result->code = WARN_RSC_ALREADY_DEPLOYED;
    result->details = arena_printf(arena, "Used nodes: %s", list);
    if (result->outcome == PLACEMENT_TOO_MANY)
        result->message =
            arena_printf(arena,
                         "The resource '%s' was already deployed on %u nodes: %s. The resource would have "
                         "to be deleted from nodes to reach the placement count.",
                         name, (unsigned)nodes->count, list);
    else
        result->message = arena_printf(arena, "Resource '%s' was already deployed on %u nodes. Skipping.", name,
                                       (unsigned)nodes->count);
}

static const struct text_list *layers_of(const struct resource_definition *definition,
                                         const struct resource_group *group, const struct select_filter *request)
{
    static char drbd[] = "DRBD", storage[] = "STORAGE";
    static char *names[] = { drbd, storage };
    static const struct text_list otherwise = { .at = names, .count = ARRAY_SIZE(names) };

    if (request && request->layer_stack.count > 0)
        return &request->layer_stack;
    if (definition->layers.count > 0)
        return &definition->layers;
    return group->filter.layer_stack.count > 0 ? &group->filter.layer_stack : &otherwise;
}

void placement_choose(const struct model *model, const struct placement_runtime *runtime,
                      const struct placement_request *request, struct arena *arena, struct placement_result *result)
{
    const struct resource_definition *definition = request->definition;
    const struct resource_group *group = (const struct resource_group *)definition->object.parent[1];
    struct placement_input input;
    struct autoplace_result placed;
    int64_t need = request->additional_count;

    *result = (struct placement_result){ 0 };
    placement_merge_filter(request->filter, &group->filter, &result->filter);
    result->message = read_layers(layers_of(definition, group, request->filter), &result->layers, &result->code, arena);
    if (result->message) {
        result->outcome = PLACEMENT_BAD_LAYERS;
        return;
    }
    if (need <= 0 && !result->filter.place_count.has) {
        result->outcome = PLACEMENT_NO_COUNT;
        result->code = FAIL_INVLD_PLACE_COUNT;
        result->message = "Replica count is required for this operation";
        return;
    }
    placement_input_fill(&input, model, runtime, definition, group, &result->filter, arena);
    result->deployed_count = input.deployed_names.count;
    if (need <= 0)
        need = (int64_t)result->filter.place_count.value - result->deployed_count;
    if (need <= 0) {
        result->outcome = need < 0 ? PLACEMENT_TOO_MANY : PLACEMENT_COMPLETE;
        word_deployed(result, definition->name, &input.deployed_names, arena);
        return;
    }
    input.autoplace.need = (uint32_t)need;
    input.autoplace.layers = layer_bits(&result->layers);
    autoplace_run(&input.autoplace, arena, &placed);
    sort_chosen(&placed);
    result->outcome = mappings[placed.outcome].outcome;
    result->code = mappings[placed.outcome].code;
    result->pools = arena_alloc(arena, (placed.chosen_count + 1) * sizeof(const struct storage_pool *));
    for (uint32_t i = 0; i < placed.chosen_count; i++)
        result->pools[result->pool_count++] = input.pools[placed.chosen[i]];
    if (placed.outcome == AUTOPLACE_FOUND) {
        word_found(result, request, arena);
    } else {
        result->message = mappings[placed.outcome].message;
        result->details = explain(&input.autoplace, &placed, arena);
    }
}

/* What the two size queries begin with. NULL, or the message of the outcome that ends them. */
static const char *begin_query(const struct model *model, const struct placement_runtime *runtime,
                               const struct resource_group *group, const struct select_filter *filter,
                               struct select_filter *merged, struct placement_input *input,
                               enum placement_outcome *outcome, int64_t *code, struct arena *arena)
{
    struct layer_stack layers;

    placement_merge_filter(filter, group ? &group->filter : NULL, merged);
    if (!merged->place_count.has) {
        *outcome = PLACEMENT_NO_COUNT;
        *code = FAIL_INVLD_PLACE_COUNT;
        return "Replica count is required for this operation";
    }
    const char *message = read_layers(&merged->layer_stack, &layers, code, arena);
    if (message) {
        *outcome = PLACEMENT_BAD_LAYERS;
        return message;
    }
    placement_input_fill(input, model, runtime, NULL, group, merged, arena);
    input->autoplace.layers = layer_bits(&layers);
    input->autoplace.need = merged->place_count.value > 0 ? (uint32_t)merged->place_count.value : 0;
    if (input->autoplace.need > 0)
        return NULL;
    *outcome = PLACEMENT_NOT_ENOUGH;
    *code = FAIL_NOT_ENOUGH_NODES;
    return "Not enough nodes";
}

static double default_ratio(const struct model *model)
{
    struct maybe_double ratio = placement_controller_ratio(model, PLACEMENT_RATIO);
    return ratio.has ? ratio.value : provider_oversubscription(PROVIDER_LVM_THIN);
}

static int64_t add_kib(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

/* Each shared space once; what lies in pools that may be used at all counts, whether the place count fits or not. */
static void sum_pools(const struct placement_input *input, const struct autoplace_result *placed,
                      struct placement_size *size, struct arena *arena)
{
    struct text_list shared = { 0 };

    for (uint32_t p = 0; p < input->autoplace.pool_count; p++) {
        const struct autoplace_pool *pool = &input->autoplace.pools[p];
        if (placed->pools[p].rule != AUTOPLACE_SUITABLE ||
            (pool->shared_name && text_list_has(&shared, pool->shared_name)))
            continue;
        if (pool->shared_name)
            text_list_add(&shared, pool->shared_name, arena);
        size->capacity_kib = add_kib(size->capacity_kib, pool->total_kib.value);
        size->available_kib = add_kib(size->available_kib, pool->free_kib.value);
    }
    size->capacity_kib /= input->autoplace.need;
    size->available_kib = placed->chosen_count > 0 ? size->available_kib / input->autoplace.need : 0;
}

static int64_t smallest_chosen(const struct autoplace_result *placed)
{
    int64_t smallest = placed->chosen_count > 0 ? INT64_MAX : 0;

    for (uint32_t i = 0; i < placed->chosen_count; i++) {
        if (placed->available_kib[placed->chosen[i]] < smallest)
            smallest = placed->available_kib[placed->chosen[i]];
    }
    return smallest;
}

void placement_query_size(const struct model *model, const struct placement_runtime *runtime,
                          const struct resource_group *group, const struct select_filter *filter, struct arena *arena,
                          struct placement_size *size)
{
    struct select_filter merged;
    struct placement_input input;
    struct autoplace_result placed;

    *size = (struct placement_size){
        .default_ratio = default_ratio(model),
        .ratio = placement_controller_ratio(model, PLACEMENT_RATIO),
        .free_ratio = placement_controller_ratio(model, PLACEMENT_FREE_RATIO),
        .total_ratio = placement_controller_ratio(model, PLACEMENT_TOTAL_RATIO),
    };
    size->message = begin_query(model, runtime, group, filter, &merged, &input, &size->outcome, &size->code, arena);
    if (size->message)
        return;
    autoplace_run(&input.autoplace, arena, &placed);
    sort_chosen(&placed);
    size->outcome = mappings[placed.outcome].outcome;
    size->code = placed.outcome == AUTOPLACE_FOUND ? 0 : mappings[placed.outcome].code;
    if (placed.outcome != AUTOPLACE_FOUND) {
        size->message = "Not enough nodes";
        size->details = explain(&input.autoplace, &placed, arena);
    }
    sum_pools(&input, &placed, size, arena);
    size->max_volume_kib = smallest_chosen(&placed);
    size->spawns = arena_alloc(arena, (placed.chosen_count + 1) * sizeof(*size->spawns));
    for (uint32_t i = 0; i < placed.chosen_count; i++) {
        const struct storage_pool *pool = input.pools[placed.chosen[i]];
        struct maybe_double ratio = placement_pool_ratio(model, pool, PLACEMENT_RATIO);
        enum provider_kind provider = input.autoplace.pools[placed.chosen[i]].provider;
        size->spawns[size->spawn_count++] = (struct placement_spawn){
            .pool = pool,
            .ratio = ratio.has ? ratio.value : provider_oversubscription(provider),
            .free_ratio = placement_pool_ratio(model, pool, PLACEMENT_FREE_RATIO),
            .total_ratio = placement_pool_ratio(model, pool, PLACEMENT_TOTAL_RATIO),
        };
    }
}

static void add_candidate(struct placement_candidates *candidates, const struct placement_input *input,
                          struct autoplace_result *placed, const char *pool_name, struct arena *arena)
{
    struct placement_candidate *candidate = LIST_ADD(&candidates->list, arena);

    sort_chosen(placed);
    *candidate = (struct placement_candidate){
        .pool_name = pool_name,
        .max_volume_kib = smallest_chosen(placed),
        .all_thin = true,
    };
    for (uint32_t i = 0; i < placed->chosen_count; i++) {
        const struct autoplace_pool *pool = &input->autoplace.pools[placed->chosen[i]];
        text_list_add(&candidate->node_names, input->autoplace.nodes[pool->node].name, arena);
        candidate->all_thin &= provider_can(pool->provider, PROVIDER_THIN);
    }
}

void placement_query_candidates(const struct model *model, const struct placement_runtime *runtime,
                                const struct resource_group *group, const struct select_filter *filter,
                                struct arena *arena, struct placement_candidates *candidates)
{
    struct select_filter merged, narrowed;
    struct placement_input input;
    struct autoplace_result placed;

    *candidates = (struct placement_candidates){ .default_ratio = default_ratio(model) };
    candidates->message =
        begin_query(model, runtime, group, filter, &merged, &input, &candidates->outcome, &candidates->code, arena);
    if (candidates->message)
        return;
    narrowed = merged;
    model_for_each(storage_pool_definition, definition, model, KIND_STORAGE_POOL_DEFINITION)
    {
        char *name = definition->name;
        if (merged.storage_pool_list.count > 0 && !text_list_has_fold(&merged.storage_pool_list, name))
            continue;
        narrowed.storage_pool_list = (struct text_list){ .at = &name, .count = 1 };
        input.autoplace.filter = &narrowed;
        autoplace_run(&input.autoplace, arena, &placed);
        if (placed.outcome == AUTOPLACE_FOUND)
            add_candidate(candidates, &input, &placed, name, arena);
    }
    if (candidates->list.count > 0)
        return;
    input.autoplace.filter = &merged;
    autoplace_run(&input.autoplace, arena, &placed);
    enum autoplace_outcome outcome = placed.outcome == AUTOPLACE_FOUND ? AUTOPLACE_NOT_ENOUGH : placed.outcome;
    candidates->outcome = mappings[outcome].outcome;
    candidates->code = mappings[outcome].code;
    candidates->message = outcome == AUTOPLACE_NOT_ENOUGH ? "Not enough nodes" : mappings[outcome].message;
    candidates->details = explain(&input.autoplace, &placed, arena);
}
