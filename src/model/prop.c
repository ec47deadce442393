/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/prop.h"

static const struct text_map *props_at(const struct prop_scope *scope, enum prop_level level)
{
    if (level == LEVEL_VOLUME)
        return scope->volume;
    if (!scope->at[level])
        return NULL;
    if (level == LEVEL_SATELLITES) /* the controller has two containers */
        return &((const struct controller *)scope->at[level])->satellite_props;
    return &scope->at[level]->props;
}

struct prop prop_find(enum prop_order order, const struct prop_scope *scope, const char *key)
{
    size_t count;
    const enum prop_level *levels = prop_order_levels(order, &count);

    for (size_t i = 0; i < count; i++) {
        const struct text_map *props = props_at(scope, levels[i]);
        const char *value = props ? text_map_find(props, key) : NULL;

        if (value)
            return (struct prop){ .value = value, .level = levels[i], .from = scope->at[levels[i]] };
    }
    return (struct prop){ 0 };
}

struct prop_scope prop_scope_of_resource(const struct model *model, const struct resource *resource,
                                         int32_t volume_number)
{
    const struct resource_definition *definition = resource_definition_of(resource);
    const struct resource_group *group = (const struct resource_group *)definition->object.parent[1];
    const struct volume *volume = resource_find_volume(resource, volume_number);
    struct prop_scope scope = {
        .at = {
            [LEVEL_RESOURCE] = &resource->object,
            [LEVEL_RESOURCE_DEFINITION] = &definition->object,
            [LEVEL_RESOURCE_GROUP] = &group->object,
            [LEVEL_NODE] = resource->object.parent[1],
            [LEVEL_CONTROLLER] = model_root(model),
            [LEVEL_SATELLITES] = model_root(model),
        },
        .volume = volume ? &volume->props : NULL,
    };

    if (volume_number >= 0) {
        scope.at[LEVEL_VOLUME_DEFINITION] =
            (const struct object *)model_find_volume_definition(definition, volume_number);
        scope.at[LEVEL_VOLUME_GROUP] = (const struct object *)model_find_volume_group(group, volume_number);
    }
    return scope;
}

struct prop_scope prop_scope_of_pool(const struct model *model, const struct storage_pool *pool)
{
    return (struct prop_scope){
        .at = {
            [LEVEL_STORAGE_POOL] = &pool->object,
            [LEVEL_STORAGE_POOL_DEFINITION] = pool->object.parent[1],
            [LEVEL_NODE] = pool->object.parent[0],
            [LEVEL_CONTROLLER] = model_root(model),
            [LEVEL_SATELLITES] = model_root(model),
        },
    };
}
