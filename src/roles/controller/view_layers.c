/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tree has the shape that satellites give it (layers/levels.c): below each layer the next one of the list, and that
 * one once more for each side. A level is found in what they told by its layer and the suffix of its names.
 *
 * LINSTOR: the list of a volume's layers holds those of its sides, too, so that what comes last need not be the
 * volume's own storage, where clients look for it. Here it is.
 */
#include "roles/controller/view_layers.h"

#include <string.h>

#include "base/text.h"
#include "model/layer.h"
#include "roles/controller/view.h"

enum { BELOW_LIMIT = 1 + LAYER_SIDES_LIMIT };

/*
 * Where a layer_object_doc keeps a layer and that one its list of volumes, and where volumes show the device below and
 * those of the sides. LAYER() takes the name of the member, VOLUME() 0 for nothing, which no member has as its place.
 */
#define LAYER(name)                                                                                                    \
    .place = offsetof(struct layer_object_doc, name), .size = sizeof(struct name##_layer_doc),                         \
    .volumes = offsetof(struct name##_layer_doc, name##_volumes)
#define VOLUME(member) offsetof(struct layer_volume_doc, member)

/* clang-format off */
static const struct shown_layer {
    size_t place, size, volumes;
    size_t below[BELOW_LIMIT];
} shown_layers[LAYER_KIND_COUNT] = {
    [LAYER_DRBD] = { LAYER(drbd), .below = { VOLUME(backing_device) } },
    [LAYER_LUKS] = { LAYER(luks), .below = { VOLUME(backing_device) } },
    [LAYER_STORAGE] = { LAYER(storage) },
    [LAYER_NVME] = { LAYER(nvme), .below = { VOLUME(backing_device) } },
    [LAYER_WRITECACHE] = { LAYER(writecache), .below = { 0, VOLUME(device_path_cache) } },
    [LAYER_CACHE] = { LAYER(cache), .below = { 0, VOLUME(device_path_cache), VOLUME(device_meta_cache) } },
    [LAYER_BCACHE] = { LAYER(bcache), .below = { 0, VOLUME(device_path_cache) } },
};
/* clang-format on */

/* One layer of a resource. */
struct shown_level {
    const struct resource *resource;
    uint32_t place; /* in the list of layers */
    enum layer_kind kind;
    const char *suffix;
};

static struct shown_level level_at(const struct resource *resource, uint32_t place, const char *suffix)
{
    struct shown_level level = { resource, place, LAYER_STORAGE, suffix };

    if (!layer_kind_parse(resource->layers.at[place], &level.kind))
        level.kind = LAYER_STORAGE;
    return level;
}

static bool is_lowest(const struct shown_level *level)
{
    return level->place + 1 >= level->resource->layers.count;
}

/* NULL: nothing was told of it. Where there is only STORAGE, the volume's own members tell of it. */
static const struct level_fact *find_level(const struct shown_level *level, const struct volume *volume,
                                           struct arena *arena)
{
    const struct volume_fact *fact = view_find_fact(level->resource, volume->number);
    struct level_fact *only;

    for (uint32_t i = 0; fact && i < fact->levels.count; i++) {
        const struct level_fact *told = &fact->levels.at[i];

        if (text_equal_fold(told->layer, layer_kind_name(level->kind)) &&
            strcmp(told->suffix ? told->suffix : "", level->suffix) == 0)
            return told;
    }
    if (!fact || fact->levels.count > 0 || level->place > 0)
        return NULL;
    only = arena_alloc(arena, sizeof(*only));
    only->device_path = fact->device_path;
    only->usable_kib = fact->usable_kib;
    only->allocated_kib = fact->allocated_kib;
    return only;
}

static void show_below(const struct shown_level *level, const struct volume *volume, struct layer_volume_doc *doc,
                       struct arena *arena)
{
    const struct layer_side *sides = layer_sides(level->kind);

    for (uint32_t i = 0; i < BELOW_LIMIT && !is_lowest(level); i++) {
        const char *suffix = i == 0 ? "" : sides[i - 1].suffix;
        struct shown_level below;
        const struct level_fact *fact;

        if (!suffix)
            break;
        if (!shown_layers[level->kind].below[i])
            continue;
        below = level_at(level->resource, level->place + 1, arena_printf(arena, "%s%s", level->suffix, suffix));
        fact = find_level(&below, volume, arena);
        if (fact)
            memcpy((char *)doc + shown_layers[level->kind].below[i], &fact->device_path, sizeof(fact->device_path));
    }
}

static struct drbd_volume_definition_doc *drbd_volume(const struct shown_level *level, const struct volume *volume,
                                                      struct arena *arena)
{
    const struct resource_definition *definition = resource_definition_of(level->resource);
    struct drbd_volume_definition_doc *doc = arena_alloc(arena, sizeof(*doc));

    doc->volume_number = volume->number;
    child_for_each (volume_definition, own, &definition->object, KIND_VOLUME_DEFINITION)
        if (own->number == volume->number && own->minor.has)
            doc->minor_number = own->minor.value;
    return doc;
}

static void show_volume(const struct shown_level *level, const struct volume *volume, struct layer_volume_doc *doc,
                        struct arena *arena)
{
    const struct level_fact *fact = find_level(level, volume, arena);

    if (level->kind == LAYER_DRBD)
        doc->drbd_volume_definition = drbd_volume(level, volume, arena);
    else
        doc->volume_number = (struct maybe_i32)MAYBE(volume->number);
    doc->device_path = fact ? fact->device_path : NULL;
    doc->allocated_size_kib = fact ? fact->allocated_kib : -1;
    doc->usable_size_kib = fact ? fact->usable_kib : level->place == 0 ? volume->size_kib : -1;
    if (level->kind == LAYER_STORAGE && doc->device_path)
        doc->disk_state = arena_strdup(arena, "[]"); /* LINSTOR: an empty list of states, as text */
    if (level->kind == LAYER_LUKS)
        doc->opened = (struct maybe_bool)MAYBE(doc->device_path != NULL);
    show_below(level, volume, doc, arena);
}

static void show_drbd(const struct shown_level *level, struct drbd_layer_doc *doc, struct arena *arena)
{
    const struct resource *resource = level->resource;

    doc->drbd_resource_definition = view_drbd_definition(resource_definition_of(resource), arena);
    doc->node_id = resource->node_id.has ? resource->node_id.value : -1;
    doc->tcp_ports = resource->tcp_ports;
    doc->peer_slots = doc->drbd_resource_definition->peer_slots;
    doc->al_stripes = doc->drbd_resource_definition->al_stripes;
    doc->al_size = doc->drbd_resource_definition->al_stripe_size_kib;
}

/* The member of the layer, with its list of volumes: the lists are alike in all layers. */
static void show_layer(const struct shown_level *level, struct layer_object_doc *doc, struct arena *arena)
{
    const struct shown_layer *shown = &shown_layers[level->kind];
    LIST_OF(struct layer_volume_doc) volumes = { 0 };
    char *layer = arena_alloc(arena, shown->size);

    for (uint32_t i = 0; i < level->resource->volumes.count; i++)
        show_volume(level, &level->resource->volumes.at[i], LIST_ADD(&volumes, arena), arena);
    memcpy(layer + shown->volumes, &volumes, sizeof(volumes));
    memcpy((char *)doc + shown->place, &layer, sizeof(layer));
    if (level->kind == LAYER_DRBD)
        show_drbd(level, doc->drbd, arena);
}

/* Deep as the list of layers is long, which holds no layer twice. */
static void show_tree(const struct shown_level *level, struct layer_object_doc *doc, struct arena *arena)
{
    const struct layer_side *sides = layer_sides(level->kind);
    struct shown_level below;

    doc->type = level->resource->layers.at[level->place];
    doc->resource_name_suffix = level->suffix[0] ? arena_strdup(arena, level->suffix) : NULL;
    show_layer(level, doc, arena);
    if (is_lowest(level))
        return;
    below = level_at(level->resource, level->place + 1, level->suffix);
    show_tree(&below, LIST_ADD(&doc->children, arena), arena);
    for (uint32_t i = 0; sides[i].suffix; i++) {
        below.suffix = arena_printf(arena, "%s%s", level->suffix, sides[i].suffix);
        show_tree(&below, LIST_ADD(&doc->children, arena), arena);
    }
}

struct layer_object_doc *view_layers(const struct resource *resource, struct arena *arena)
{
    struct layer_object_doc *doc;
    struct shown_level top;

    if (resource->layers.count == 0)
        return NULL;
    doc = arena_alloc(arena, sizeof(*doc));
    top = level_at(resource, 0, "");
    show_tree(&top, doc, arena);
    return doc;
}

void view_volume_layers(const struct resource *resource, const struct volume *volume, struct volume_doc *doc,
                        struct arena *arena)
{
    for (uint32_t i = 0; i < resource->layers.count; i++) {
        struct volume_layer_doc *layer = LIST_ADD(&doc->layer_data_list, arena);
        struct shown_level level = level_at(resource, i, "");

        layer->type = resource->layers.at[i];
        layer->data = arena_alloc(arena, sizeof(*layer->data));
        show_volume(&level, volume, layer->data, arena);
    }
}
