/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/controller/view.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "model/layer.h"
#include "model/rc_codes.h"
#include "roles/controller/props.h"
#include "roles/controller/session.h"
#include "roles/controller/view_layers.h"

/* Texts of the model in a document: encoding does not write to them. */
static char *borrow(const char *text)
{
    union {
        const char *locked;
        char *text;
    } key = { .locked = text };

    return key.text;
}

struct text_list view_flags(const struct enum_name *names, uint64_t flags, struct arena *arena)
{
    struct text_list list = { 0 };

    for (; flags && names->name; names++)
        if ((flags & names->value) == names->value)
            *LIST_ADD(&list, arena) = borrow(names->name);
    return list;
}

void view_net_interface(const struct net_interface *interface, struct net_interface_doc *doc)
{
    const struct node *node = (const struct node *)interface->object.parent[0];
    const struct net_interface *active = session_interface(node);

    doc->name = interface->name;
    doc->address = interface->address;
    doc->satellite_port = interface->satellite_port;
    doc->satellite_encryption_type = interface->encryption;
    doc->is_active = (struct maybe_bool)MAYBE(interface == active);
    doc->uuid = interface->object.uuid;
}

/* What satellites told of the layers and providers they have; before that what every satellite has. */
static void view_abilities(const struct node *node, struct node_doc *doc, struct arena *arena)
{
    const struct link_hello *hello = session_is_online(node) ? session_hello(node) : NULL;

    if (!hello) {
        text_list_add(&doc->storage_providers, provider_kind_name(PROVIDER_DISKLESS), arena);
        text_list_add(&doc->resource_layers, layer_kind_name(LAYER_STORAGE), arena);
        return;
    }
    doc->storage_providers = hello->providers;
    doc->resource_layers = hello->layers;
    for (uint32_t i = 0; i < hello->unsupported.count; i++) {
        enum layer_kind layer;
        bool is_layer = layer_kind_parse(hello->unsupported.at[i].key, &layer);
        struct texts_map *map = is_layer ? &doc->unsupported_layers : &doc->unsupported_providers;
        struct texts_pair *pair = LIST_ADD(map, arena);

        pair->key = hello->unsupported.at[i].key;
        text_list_add(&pair->value, hello->unsupported.at[i].value, arena);
    }
}

void view_node(const struct node *node, struct node_doc *doc, struct arena *arena)
{
    doc->name = node->name;
    doc->type = borrow(enum_name(node_type_names, node->type));
    doc->flags = view_flags(node->object.kind->flags, node->object.flags, arena);
    doc->props = node->object.props;
    child_for_each (net_interface, interface, &node->object, KIND_NET_INTERFACE)
        view_net_interface(interface, LIST_ADD(&doc->net_interfaces, arena));
    doc->connection_status = borrow(session_status(node));
    doc->uuid = node->object.uuid;
    view_abilities(node, doc, arena);
}

void view_trouble(struct rc_doc *report, int64_t code, const struct trouble *trouble, struct arena *arena)
{
    report->ret_code = code;
    report->message = trouble->message;
    report->cause = trouble->cause;
    report->correction = trouble->correction;
    report->details = trouble->details;
    if (trouble->attempts > 0)
        report->details = arena_printf(arena, "%s%sAttempt %d failed; the next one follows in %.1f seconds.",
                                       trouble->details ? trouble->details : "", trouble->details ? "\n" : "",
                                       trouble->attempts, (double)trouble->retry_in_ms / 1000);
}

void view_storage_pool(const struct storage_pool *pool, struct storage_pool_doc *doc, struct arena *arena)
{
    const struct node *node = storage_pool_node(pool);
    enum provider_kind provider = PROVIDER_DISKLESS;
    const char *name = storage_pool_name(pool);
    bool has_snapshots, is_diskless;

    if (!provider_kind_parse(pool->provider, &provider))
        provider = PROVIDER_DISKLESS;
    is_diskless = provider == PROVIDER_DISKLESS;
    doc->storage_pool_name = borrow(name);
    doc->node_name = node->name;
    doc->provider_kind = pool->provider;
    doc->props = pool->object.props;
    has_snapshots = provider_can(provider, PROVIDER_SNAPSHOTS) &&
                    (!pool->fact || pool->fact->supports_snapshots || !pool->fact->applied);
    if (!is_diskless)
        text_map_set(&doc->static_traits, "Provisioning", provider_can(provider, PROVIDER_THIN) ? "Thin" : "Fat",
                     arena);
    text_map_set(&doc->static_traits, "SupportsSnapshots",
                 provider_can(provider, PROVIDER_SNAPSHOTS) ? "true" : "false", arena);
    if (is_diskless) {
        doc->free_capacity = doc->total_capacity = (struct maybe_i64)MAYBE(INT64_MAX);
    } else if (!session_is_online(node)) {
        *LIST_ADD(&doc->reports, arena) = (struct rc_doc){
            .ret_code = WARN_NOT_CONNECTED,
            .message = arena_printf(arena, "No active connection to satellite '%s'.", node->name),
        };
    } else if (pool->fact && pool->fact->free_kib.has && pool->fact->total_kib.has) {
        doc->free_capacity = pool->fact->free_kib;
        doc->total_capacity = pool->fact->total_kib;
    }
    if (pool->fact && pool->fact->trouble && session_is_online(node))
        view_trouble(LIST_ADD(&doc->reports, arena), FAIL_STOR_POOL_CONFIGURATION_ERROR, pool->fact->trouble, arena);
    /* LINSTOR: a pool that shares its space with no other has a name of its own here, joined by a semicolon */
    doc->free_space_mgr_name = pool->shared_name ? pool->shared_name : arena_printf(arena, "%s;%s", node->name, name);
    doc->uuid = pool->object.uuid;
    doc->supports_snapshots = (struct maybe_bool)MAYBE(has_snapshots);
    doc->shared_space = pool->shared_name;
    doc->external_locking = pool->external_locking;
}

void view_pool_definition(const struct storage_pool_definition *definition, struct storage_pool_definition_doc *doc)
{
    doc->storage_pool_name = definition->name;
    doc->props = definition->object.props;
}

void view_group(const struct resource_group *group, struct resource_group_doc *doc, struct arena *arena)
{
    struct select_filter_doc *filter = arena_alloc(arena, sizeof(*filter));
    const struct select_filter *from = &group->filter;

    filter->place_count = from->place_count;
    /* LINSTOR: the lists of nodes and of diskless pools are kept and obeyed, but never shown */
    /* LINSTOR: a single pool is shown under both names */
    filter->storage_pool = from->storage_pool_list.count == 1 ? from->storage_pool_list.at[0] : NULL;
    filter->storage_pool_list = from->storage_pool_list;
    filter->not_place_with_rsc = from->not_place_with_rsc;
    filter->not_place_with_rsc_regex = from->not_place_with_rsc_regex;
    filter->replicas_on_same = from->replicas_on_same;
    filter->replicas_on_different = from->replicas_on_different;
    filter->x_replicas_on_different_map = from->x_replicas_on_different_map;
    filter->layer_stack = from->layer_stack;
    filter->provider_list = from->provider_list;
    filter->diskless_on_remaining = from->diskless_on_remaining;
    doc->name = group->name;
    doc->description = group->description;
    doc->props = group->object.props;
    doc->select_filter = filter;
    doc->uuid = group->object.uuid;
}

void view_volume_group(const struct volume_group *group, struct volume_group_doc *doc, struct arena *arena)
{
    doc->volume_number = (struct maybe_i32)MAYBE(group->number);
    doc->props = props_shown(PROP_ON_VOLUME_GROUP, &group->object.props, arena);
    doc->uuid = group->object.uuid;
    doc->flags = view_flags(group->object.kind->flags, group->object.flags, arena);
}

/*
 * LINSTOR: layers of definitions are shown in this order, STORAGE last, whatever the order of the stack. DRBD is shown
 * when it has data.
 */
static enum layer_kind shown_layer(unsigned index)
{
    if (index == LAYER_KIND_COUNT - 1)
        return LAYER_STORAGE;
    return (enum layer_kind)(index < LAYER_STORAGE ? index : index + 1);
}

struct drbd_definition_doc *view_drbd_definition(const struct resource_definition *definition, struct arena *arena)
{
    struct drbd_definition_doc *doc = arena_alloc(arena, sizeof(*doc));

    doc->peer_slots = definition->peer_slots.has ? definition->peer_slots.value : 7;
    doc->al_stripes = 1;
    doc->al_stripe_size_kib = 32;
    doc->port = definition->port.has ? definition->port.value : -1;
    doc->transport_type = definition->transport;
    doc->secret = definition->secret;
    return doc;
}

void view_volume_definition(const struct volume_definition *volume, struct volume_definition_doc *doc,
                            struct arena *arena)
{
    const struct resource_definition *definition = (const struct resource_definition *)volume->object.parent[0];

    doc->volume_number = (struct maybe_i32)MAYBE(volume->number);
    doc->size_kib = volume->size_kib;
    doc->props = props_shown(PROP_ON_VOLUME_DEFINITION, &volume->object.props, arena);
    doc->flags = view_flags(volume->object.kind->flags, volume->object.flags, arena);
    doc->uuid = volume->object.uuid;
    for (unsigned i = 0; i < LAYER_KIND_COUNT; i++) {
        const char *name = layer_kind_name(shown_layer(i));
        bool is_drbd = shown_layer(i) == LAYER_DRBD;
        struct volume_definition_layer_doc *layer;

        if (is_drbd ? !volume->minor.has : !text_list_has(&definition->layers, name))
            continue;
        layer = LIST_ADD(&doc->layer_data, arena);
        layer->type = borrow(name);
        if (is_drbd) {
            layer->data = arena_alloc(arena, sizeof(*layer->data));
            layer->data->volume_number = volume->number;
            layer->data->minor_number = volume->minor.value;
        }
    }
}

void view_definition(const struct resource_definition *definition, bool with_volumes,
                     struct resource_definition_doc *doc, struct arena *arena)
{
    const struct resource_group *group = (const struct resource_group *)definition->object.parent[1];

    doc->name = definition->name;
    doc->external_name = definition->external_name;
    doc->props = definition->object.props;
    doc->flags = view_flags(definition->object.kind->flags, definition->object.flags, arena);
    doc->uuid = definition->object.uuid;
    doc->resource_group_name = group->name;
    for (unsigned i = 0; i < LAYER_KIND_COUNT; i++) {
        const char *name = layer_kind_name(shown_layer(i));
        bool is_drbd = shown_layer(i) == LAYER_DRBD;
        struct resource_definition_layer_doc *layer;

        if (is_drbd ? !definition->secret : !text_list_has(&definition->layers, name))
            continue;
        layer = LIST_ADD(&doc->layer_data, arena);
        layer->type = borrow(name);
        if (is_drbd)
            layer->data = view_drbd_definition(definition, arena);
    }
    if (!with_volumes)
        return;
    child_for_each (volume_definition, volume, &definition->object, KIND_VOLUME_DEFINITION)
        view_volume_definition(volume, LIST_ADD(&doc->volume_definitions, arena), arena);
}

const struct volume_fact *view_find_fact(const struct resource *resource, int32_t number)
{
    for (uint32_t i = 0; resource->fact && i < resource->fact->volumes.count; i++)
        if (resource->fact->volumes.at[i].number == number)
            return &resource->fact->volumes.at[i];
    return NULL;
}

void view_volume(const struct resource *resource, const struct volume *volume, struct volume_doc *doc,
                 struct arena *arena)
{
    const struct volume_fact *fact = view_find_fact(resource, volume->number);
    const struct storage_pool *pool = model_find_pool(resource_node(resource), volume->storage_pool);

    doc->volume_number = volume->number;
    doc->storage_pool_name = pool ? borrow(storage_pool_name(pool)) : volume->storage_pool;
    doc->provider_kind = pool ? pool->provider : NULL;
    doc->device_path = fact ? fact->device_path : NULL;
    if (fact)
        doc->allocated_size_kib = (struct maybe_i64)MAYBE(fact->allocated_kib);
    doc->props = volume->props;
    doc->flags = view_flags(volume_flag_names, volume->flags, arena);
    view_volume_layers(resource, volume, doc, arena);
    doc->uuid = volume->uuid;
    if (resource->fact && resource->fact->trouble)
        view_trouble(LIST_ADD(&doc->reports, arena), FAIL_UNKNOWN_ERROR, resource->fact->trouble, arena);
}

void view_resource(const struct resource *resource, bool with_volumes, struct resource_doc *doc, struct arena *arena)
{
    const struct node *node = resource_node(resource);

    doc->name = resource_definition_of(resource)->name;
    doc->node_name = node->name;
    doc->props = resource->object.props;
    doc->flags = view_flags(resource->object.kind->flags, resource->object.flags, arena);
    doc->layer_object = view_layers(resource, arena);
    if (session_is_online(node) && resource->fact)
        doc->state = arena_alloc(arena, sizeof(*doc->state));
    doc->uuid = resource->object.uuid;
    if (resource->create_timestamp_ms > 0)
        doc->create_timestamp = (struct maybe_i64)MAYBE(resource->create_timestamp_ms);
    if (!with_volumes)
        return;
    for (uint32_t i = 0; i < resource->volumes.count; i++)
        view_volume(resource, &resource->volumes.at[i], LIST_ADD(&doc->volumes, arena), arena);
}
