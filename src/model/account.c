/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/account.h"

#include "model/model.h"
#include "model/place.h"

void account_resource_definition(struct model *model, const struct object *object, int sign)
{
    struct resource_definition *definition = (struct resource_definition *)place_writable(object);

    if (!definition->external_name)
        return;
    if (sign < 0) { /* object may be an image, so what is linked is looked up by its key */
        map_remove(&model->external_names, map_find(&model->external_names, definition->external_name));
    } else {
        definition->external.key = definition->external_name;
        map_insert(&model->external_names, &definition->external);
    }
}

void account_volume_definition(struct model *model, const struct object *object, int sign)
{
    (void)model;
    (void)object;
    (void)sign;
}

void account_resource(struct model *model, const struct object *object, int sign)
{
    const struct resource *resource = (const struct resource *)object;
    const struct node *node = resource_node(resource);
    const struct storage_pool *counted = NULL;

    (void)model;
    for (uint32_t i = 0; i < resource->volumes.count; i++) {
        const struct volume *volume = &resource->volumes.at[i];
        struct storage_pool *pool = (struct storage_pool *)place_writable((const struct object *)model_find_pool(node, volume->storage_pool));

        if (!pool)
            continue;
        pool->reserved_kib += sign * volume->size_kib;
        pool->volume_count += (uint32_t)sign;
        if (pool != counted)
            pool->resource_count += (uint32_t)sign;
        counted = pool;
    }
}
