/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/controller/placement_input.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "model/prop.h"

static bool is_false(const char *value)
{
    return value && text_equal_fold(value, "false");
}

static struct maybe_double parse_ratio(const char *value)
{
    struct maybe_double ratio = { 0 };
    ratio.has = value && text_parse_double(value, &ratio.value) && ratio.value >= 0 && isfinite(ratio.value);
    return ratio;
}

struct maybe_double placement_pool_ratio(const struct model *model, const struct storage_pool *pool, const char *key)
{
    struct prop_scope levels = prop_scope_of_pool(model, pool);
    return parse_ratio(prop_find(ORDER_OVERSUBSCRIPTION, &levels, key).value);
}

struct maybe_double placement_controller_ratio(const struct model *model, const char *key)
{
    return parse_ratio(text_map_find(&model_root(model)->props, key));
}

static bool is_usable_type(const struct node *node)
{
    return node->type == NODE_SATELLITE || node->type == NODE_COMBINED;
}

static void fill_resources(struct autoplace_node *place, const struct node *node, struct arena *arena)
{
    uint32_t count = object_count(&node->object, KIND_RESOURCE);

    place->resources.at = arena_alloc(arena, (count + 1) * sizeof(char *));
    child_for_each (resource, resource, &node->object, KIND_RESOURCE) {
        if (!(resource->object.flags & RESOURCE_DELETE))
            place->resources.at[place->resources.count++] = resource_definition_of(resource)->name;
    }
}

static void fill_nodes(struct placement_input *input, const struct model *model,
                       const struct placement_runtime *runtime, struct arena *arena)
{
    uint32_t count = object_count(model_root(model), KIND_NODE);
    struct autoplace_node *nodes = arena_alloc(arena, (count + 1) * sizeof(*nodes));
    const struct select_filter *filter = input->autoplace.filter;
    bool needs_resources =
        filter->not_place_with_rsc.count > 0 || (filter->not_place_with_rsc_regex && *filter->not_place_with_rsc_regex);

    input->autoplace.nodes = nodes;
    input->nodes = arena_alloc(arena, (count + 1) * sizeof(*input->nodes));
    model_for_each(node, node, model, KIND_NODE)
    {
        if (!is_usable_type(node))
            continue;
        struct prop_scope levels = { .at = { [LEVEL_NODE] = &node->object, [LEVEL_CONTROLLER] = model_root(model) } };
        struct autoplace_node *place = &nodes[input->autoplace.node_count];
        *place = (struct autoplace_node){
            .name = node->name,
            .online = runtime->is_online(runtime->owner, node),
            .is_target = !is_false(prop_find(ORDER_AUTOPLACE_NODE, &levels, "AutoplaceTarget").value),
            .can_mix = runtime->can_mix && runtime->can_mix(runtime->owner, node),
            .flags = node->object.flags,
            .layers = runtime->layers(runtime->owner, node),
            .providers = runtime->providers(runtime->owner, node),
            .props = &node->object.props,
        };
        if (needs_resources)
            fill_resources(place, node, arena);
        input->nodes[input->autoplace.node_count++] = node;
    }
}

static const char *shared_name_of(const struct storage_pool *pool, struct arena *arena)
{
    if (!pool->shared_name)
        return NULL;
    char *name = arena_strdup(arena, pool->shared_name);
    text_upper(name);
    return name;
}

static struct autoplace_pool make_pool(const struct model *model, const struct storage_pool *pool, uint32_t node,
                                       enum provider_kind provider, const struct object *definition,
                                       const struct object *group, struct arena *arena)
{
    struct prop_scope levels = prop_scope_of_pool(model, pool);
    struct maybe_double base = placement_pool_ratio(model, pool, PLACEMENT_RATIO);
    struct maybe_double by_free = placement_pool_ratio(model, pool, PLACEMENT_FREE_RATIO);
    struct maybe_double by_total = placement_pool_ratio(model, pool, PLACEMENT_TOTAL_RATIO);
    double otherwise = base.has ? base.value : provider_oversubscription(provider);
    struct autoplace_pool place = {
        .node = node,
        .name = storage_pool_name(pool),
        .shared_name = shared_name_of(pool, arena),
        .provider = provider,
        .is_target = !is_false(prop_find(ORDER_AUTOPLACE_POOL, &levels, "AutoplaceTarget").value),
        .reserved_kib = pool->reserved_kib,
        .resource_count = pool->resource_count,
        .free_ratio = by_free.has ? by_free.value : otherwise,
        .total_ratio = by_total.has ? by_total.value : otherwise,
    };

    if (pool->fact) {
        place.free_kib = pool->fact->free_kib;
        place.total_kib = pool->fact->total_kib;
    }
    if (provider_can(provider, PROVIDER_THIN)) {
        levels.at[LEVEL_RESOURCE_DEFINITION] = definition;
        levels.at[LEVEL_RESOURCE_GROUP] = group;
        const char *reserve = prop_find(ORDER_MIN_THIN_FREE_SPACE, &levels, "Autoplacer/MinThinFreeSpace").value;
        if (!reserve || !autoplace_parse_reserve(reserve, place.total_kib.value, &place.min_thin_free_kib))
            place.min_thin_free_kib = place.total_kib.value / 10;
    }
    return place;
}

static void fill_pools(struct placement_input *input, const struct model *model, const struct object *definition,
                       const struct object *group, struct arena *arena)
{
    uint32_t count = 0;

    for (uint32_t n = 0; n < input->autoplace.node_count; n++)
        count += object_count(&input->nodes[n]->object, KIND_STORAGE_POOL);
    struct autoplace_pool *pools = arena_alloc(arena, (count + 1) * sizeof(*pools));
    input->autoplace.pools = pools;
    input->pools = arena_alloc(arena, (count + 1) * sizeof(*input->pools));
    for (uint32_t n = 0; n < input->autoplace.node_count; n++) {
        child_for_each (storage_pool, pool, &input->nodes[n]->object, KIND_STORAGE_POOL) {
            enum provider_kind provider;
            if (!provider_kind_parse(pool->provider, &provider))
                continue;
            pools[input->autoplace.pool_count] = make_pool(model, pool, n, provider, definition, group, arena);
            input->pools[input->autoplace.pool_count++] = pool;
        }
    }
}

enum { RESOURCE_EVICTED = 1 << 14 }; /* beside INACTIVE */

/* Of the kind that is counted: with data, here to stay, and not one more in the same shared space. */
static bool counts(const struct resource *resource, const char *shared_name, const struct text_list *shared)
{
    const char *skip_disk = text_map_find(&resource->object.props, "DrbdOptions/SkipDisk");

    if (resource->object.flags & (RESOURCE_DELETE | RESOURCE_EVACUATE | RESOURCE_EVICTED))
        return false;
    if (resource_node(resource)->object.flags & NODE_EVACUATE)
        return false;
    return !(skip_disk && text_equal_fold(skip_disk, "true")) && !(shared_name && text_list_has(shared, shared_name));
}

/* Where the resource lies: its first volume's pool tells for the count, all of them for providers and shared spaces. */
static void add_deployed(struct placement_input *input, struct autoplace_deployed *deployed,
                         const struct resource *resource, uint32_t n, struct text_list *shared, struct arena *arena)
{
    const struct autoplace_deployed base = {
        .node = n,
        .provider = PROVIDER_DISKLESS,
        .leaving = resource->object.flags & (RESOURCE_EVACUATE | RESOURCE_EVICTED),
    };
    uint32_t first = input->autoplace.deployed_count;

    for (uint32_t v = 0; v < resource->volumes.count; v++) {
        const struct storage_pool *pool = model_find_pool(input->nodes[n], resource->volumes.at[v].storage_pool);
        struct autoplace_deployed *one = &deployed[input->autoplace.deployed_count];
        *one = base;
        if (!pool || !provider_kind_parse(pool->provider, &one->provider))
            continue;
        one->shared_name = shared_name_of(pool, arena);
        input->autoplace.deployed_count++;
    }
    if (input->autoplace.deployed_count == first)
        deployed[input->autoplace.deployed_count++] = base;
    const char *shared_name = deployed[first].shared_name;
    if (!counts(resource, shared_name, shared))
        return;
    text_list_add(&input->deployed_names, input->nodes[n]->name, arena);
    if (shared_name)
        text_list_add(shared, shared_name, arena);
}

static void fill_deployed(struct placement_input *input, const struct resource_definition *definition,
                          struct arena *arena)
{
    struct text_list shared = { 0 };
    uint32_t count = 0;

    child_for_each (resource, resource, &definition->object, KIND_RESOURCE)
        count += resource->volumes.count + 1;
    struct autoplace_deployed *deployed = arena_alloc(arena, (count + 1) * sizeof(*deployed));
    input->autoplace.deployed = deployed;
    if (count == 0)
        return;
    for (uint32_t n = 0; n < input->autoplace.node_count; n++) {
        const struct object *found =
            object_find(&definition->object, KIND_RESOURCE, input->nodes[n]->object.node[0].key);
        /* a diskless one would be given a disk, so it stands in nobody's way */
        if (found && !(found->flags & RESOURCE_DISKLESS))
            add_deployed(input, deployed, (const struct resource *)found, n, &shared, arena);
    }
}

static int64_t sum_sizes(const struct resource_definition *definition)
{
    int64_t sum = 0;

    child_for_each (volume_definition, volume, &definition->object, KIND_VOLUME_DEFINITION) {
        if (!(volume->object.flags & VOLUME_DEFINITION_DELETE) && __builtin_add_overflow(sum, volume->size_kib, &sum))
            return INT64_MAX;
    }
    return sum;
}

/*
 * With SearchDomain a short name stands for a full one, as in other requests; but lists of groups may be older than the
 * property, so only where there is a node of that name.
 */
static const struct select_filter *resolve_nodes(const struct model *model, const struct select_filter *filter,
                                                 struct arena *arena)
{
    const char *domain = text_map_find(&model_root(model)->props, "SearchDomain");
    struct select_filter *resolved;

    if (!domain || !*domain || filter->node_name_list.count == 0)
        return filter;
    resolved = arena_alloc(arena, sizeof(*resolved));
    *resolved = *filter;
    resolved->node_name_list = (struct text_list){ 0 };
    for (uint32_t i = 0; i < filter->node_name_list.count; i++) {
        const char *name = filter->node_name_list.at[i], *full = arena_printf(arena, "%s.%s", name, domain);

        text_list_add(&resolved->node_name_list, !strchr(name, '.') && model_find_node(model, full) ? full : name,
                      arena);
    }
    return resolved;
}

void placement_input_fill(struct placement_input *input, const struct model *model,
                          const struct placement_runtime *runtime, const struct resource_definition *definition,
                          const struct resource_group *group, const struct select_filter *filter, struct arena *arena)
{
    const struct object *of_definition = definition ? &definition->object : NULL;
    const struct object *of_group = group ? &group->object : NULL;
    struct prop_scope levels = { .at = { [LEVEL_RESOURCE_DEFINITION] = of_definition,
                                         [LEVEL_RESOURCE_GROUP] = of_group,
                                         [LEVEL_CONTROLLER] = model_root(model) } };

    *input = (struct placement_input){ .autoplace.filter = resolve_nodes(model, filter, arena) };
    for (int i = 0; i < AUTOPLACE_STRATEGY_COUNT; i++) {
        const char *weight = text_map_find(&model_root(model)->props, autoplace_weight_keys[i]);
        struct maybe_double parsed = parse_ratio(weight);
        input->autoplace.weights[i] = !weight ? autoplace_default_weights[i] : parsed.has ? parsed.value : 1;
    }
    const char *mixing = prop_find(ORDER_DEFINITION_CONTROLLER, &levels, "AllowMixingStoragePoolDriver").value;
    input->autoplace.allow_mixing = !definition || (mixing && text_equal_fold(mixing, "true"));
    fill_nodes(input, model, runtime, arena);
    fill_pools(input, model, of_definition, of_group, arena);
    if (definition)
        fill_deployed(input, definition, arena);
    for (uint32_t d = 0; d < input->autoplace.deployed_count; d++)
        input->autoplace.allow_mixing &= input->autoplace.nodes[input->autoplace.deployed[d].node].can_mix;
    input->autoplace.size_kib = definition ? sum_sizes(definition) : 0;
}
