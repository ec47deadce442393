/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/account.h"

#include "base/text.h"
#include "model/model.h"
#include "model/place.h"

void account_resource_definition(struct model *model, const struct object *object, int sign)
{
    struct resource_definition *definition = (struct resource_definition *)place_writable(object);
    struct map_node *node;

    if (!definition->external_name)
        return;
    if (sign > 0) {
        definition->external.key = definition->external_name;
        map_insert(&model->external_names, &definition->external);
        return;
    }
    /* object may be an image, so what is linked is looked up; a second owner of a name (records may be wrong) holds
     * nothing */
    node = map_find(&model->external_names, definition->external_name);
    if (node && CONTAINER_OF(node, struct resource_definition, external)->object.key == object->key)
        map_remove(&model->external_names, node);
}

void account_volume_definition(struct model *model, const struct object *object, int sign)
{
    const struct volume_definition *volume = (const struct volume_definition *)object;

    if (!volume->minor.has)
        return;
    if (sign < 0)
        number_pool_release(&model->minors, volume->minor.value);
    else
        (void)!number_pool_claim(&model->minors, volume->minor.value); /* who chose it looked whether it is free */
}

static bool is_first_in_pool(const struct resource *resource, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++)
        if (text_equal_fold(resource->volumes.at[i].storage_pool, resource->volumes.at[index].storage_pool))
            return false;
    return true;
}

/* What a side takes of its pool is decided by its satellite, and small. */
static void account_sides(const struct node *node, const struct volume *volume, int sign)
{
    for (uint32_t i = 0; i < volume->sides.count; i++) {
        const char *name = volume->sides.at[i].storage_pool;
        const struct storage_pool *found = name ? model_find_pool(node, name) : NULL;

        if (found)
            ((struct storage_pool *)place_writable(&found->object))->volume_count += (uint32_t)sign;
    }
}

void account_resource(struct model *model, const struct object *object, int sign)
{
    const struct resource *resource = (const struct resource *)object;
    const struct node *node = resource_node(resource);

    (void)model;
    for (uint32_t i = 0; i < resource->volumes.count; i++) {
        const struct volume *volume = &resource->volumes.at[i];
        const struct storage_pool *found = volume->storage_pool ? model_find_pool(node, volume->storage_pool) : NULL;
        struct storage_pool *pool;

        account_sides(node, volume, sign);
        if (!found)
            continue;
        pool = (struct storage_pool *)place_writable(&found->object);
        /* What thousands of the largest volumes sum up to means nothing, but must come to nothing in the end. */
        pool->reserved_kib = (int64_t)((uint64_t)pool->reserved_kib + (uint64_t)sign * (uint64_t)volume->size_kib);
        pool->volume_count += (uint32_t)sign;
        if (is_first_in_pool(resource, i))
            pool->resource_count += (uint32_t)sign;
    }
}
