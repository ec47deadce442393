/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Placing resources automatically: autoplace, spawn, and what size could be placed. */
#include <inttypes.h>
#include <string.h>

#include "api/resource.h"
#include "base/text.h"
#include "roles/controller/deploy.h"
#include "roles/controller/placement.h"
#include "roles/controller/props.h"
#include "roles/controller/rest_definition.h"
#include "roles/controller/rest_group.h"
#include "roles/controller/routes.h"
#include "roles/controller/session.h"

static bool is_online(void *owner, const struct node *node)
{
    (void)owner;
    return session_is_online(node);
}

static uint32_t layers_of(void *owner, const struct node *node)
{
    const struct link_hello *hello = session_hello(node);
    uint32_t bits = 1u << LAYER_STORAGE;

    (void)owner;
    for (uint32_t i = 0; hello && i < hello->layers.count; i++) {
        enum layer_kind kind;

        if (layer_kind_parse(hello->layers.at[i], &kind))
            bits |= 1u << kind;
    }
    return bits;
}

static uint32_t providers_of(void *owner, const struct node *node)
{
    const struct link_hello *hello = session_hello(node);
    uint32_t bits = 1u << PROVIDER_DISKLESS;

    (void)owner;
    for (uint32_t i = 0; hello && i < hello->providers.count; i++) {
        enum provider_kind kind;

        if (provider_kind_parse(hello->providers.at[i], &kind))
            bits |= 1u << kind;
    }
    return bits;
}

static const struct placement_runtime runtime = {
    .is_online = is_online,
    .layers = layers_of,
    .providers = providers_of,
};

static void ref_placement(struct request *q, const struct placement_result *placed)
{
    for (uint32_t i = 0; i < placed->pool_count; i++) {
        const struct storage_pool *pool = placed->pools[i];

        rc_ref(&q->rc, rc_text(&q->rc, "Node/%u", i), storage_pool_node(pool)->name);
        rc_ref(&q->rc, rc_text(&q->rc, "StoragePool/%u/0", i),
               rc_text(&q->rc, "%s,%s", storage_pool_name(pool), pool->provider));
    }
}

static void unref_placement(struct request *q, const struct placement_result *placed)
{
    for (uint32_t i = 0; i < placed->pool_count; i++) {
        rc_unref(&q->rc, rc_text(&q->rc, "Node/%u", i));
        rc_unref(&q->rc, rc_text(&q->rc, "StoragePool/%u/0", i));
    }
}

/* Chooses pools and makes the resources there. -1 when rc says why there is no place. */
static int place(struct request *q, const struct resource_definition *definition, const struct select_filter *filter,
                 int32_t additional_count)
{
    struct placement_request wanted = { .definition = definition,
                                        .filter = filter,
                                        .additional_count = additional_count };
    struct placement_result placed;
    struct text_list layers = { 0 };

    placement_choose(q->model, &runtime, &wanted, &q->arena, &placed);
    ref_placement(q, &placed);
    rc_add(&q->rc, placed.code, .message = placed.message, .details = placed.details);
    unref_placement(q, &placed);
    if (rc_is_error(placed.code))
        return -1;
    if (placed.outcome != PLACEMENT_FOUND)
        return 0;
    for (size_t i = 0; i < placed.layers.count; i++)
        text_list_add(&layers, layer_kind_name(placed.layers.at[i]), &q->arena);
    for (uint32_t i = 0; i < placed.pool_count; i++) {
        struct deploy_wish wish = {
            .node = storage_pool_node(placed.pools[i]),
            .pool = storage_pool_name(placed.pools[i]),
            .layers = layers,
            .is_quiet = true,
        };

        if (!deploy_resource(q, definition, &wish))
            return -1;
    }
    return 0;
}

static int autoplace(struct request *q)
{
    const struct autoplace_request *body = q->body;
    const struct resource_definition *definition;
    struct select_filter filter = { 0 };
    int32_t additional = 0;

    rc_ref(&q->rc, "RscDfn", q->var[VAR_RESOURCE]);
    if (!(definition = request_get_definition_to_change(q, q->var[VAR_RESOURCE])))
        return -1;
    if (body->select_filter) {
        if (group_take_filter(q, &filter, body->select_filter) != 0)
            return -1;
        additional =
            body->select_filter->additional_place_count.has ? body->select_filter->additional_place_count.value : 0;
    }
    if (body->layer_list.count > 0)
        filter.layer_stack = body->layer_list;
    if (body->diskless_on_remaining.has)
        filter.diskless_on_remaining = body->diskless_on_remaining;
    return place(q, definition, &filter, additional);
}

static int check_sizes(struct request *q, const struct resource_group *group, const struct spawn_request *body)
{
    uint32_t groups = object_count(&group->object, KIND_VOLUME_GROUP);

    if (groups == 0 || groups == body->volume_sizes.count || (body->partial.has && body->partial.value))
        return 0;
    return rc_add(&q->rc, FAIL_INVLD_VLM_SIZES,
                  .message = rc_text(&q->rc, "Resource group '%s' has %u volume groups, and %u sizes were given.",
                                     group->name, groups, body->volume_sizes.count),
                  .correction = "Give one size for each volume group, or ask for a partial spawn.");
}

/* Volume definitions take number, flags and properties from the group's volume groups, as far as there are any. */
static int spawn_volumes(struct request *q, const struct resource_group *group, struct resource_definition *definition,
                         const struct spawn_request *body)
{
    const struct i64_list *sizes = &body->volume_sizes;
    const struct text_list *passphrases = &body->volume_passphrases;
    const struct object *next = object_first(&group->object, KIND_VOLUME_GROUP);

    for (uint32_t i = 0; i < sizes->count; i++) {
        const struct volume_group *volume = (const struct volume_group *)next;
        struct volume_wish wish = {
            .size_kib = sizes->at[i],
            .passphrase = i < passphrases->count ? passphrases->at[i] : NULL,
        };
        struct volume_definition *made;

        if (volume) {
            wish.number = (struct maybe_i32)MAYBE(volume->number);
            next = object_next(next, &group->object);
        }
        made = definition_add_volume(q, definition, &wish);
        if (!made)
            return -1;
        if (volume && object_has_flag(&volume->object, VOLUME_GROUP_GROSS_SIZE))
            made->object.flags |= VOLUME_DEFINITION_GROSS_SIZE;
    }
    rc_unref(&q->rc, "VlmNr");
    return 0;
}

static int spawn(struct request *q)
{
    const struct spawn_request *body = q->body;
    const struct resource_group *group;
    struct resource_definition *definition;
    struct definition_wish wish = {
        .name = body->resource_definition_name,
        .external_name = body->resource_definition_external_name,
        .peer_slots = body->peer_slots,
    };
    struct select_filter filter = { 0 };
    int64_t context = q->rc.context;
    bool only_definitions = body->definitions_only.has && body->definitions_only.value;

    rc_ref(&q->rc, "RscGrp", q->var[VAR_GROUP]);
    if (!(group = request_get_group(q, q->var[VAR_GROUP])) || check_sizes(q, group, body) != 0 ||
        (body->select_filter && group_take_filter(q, &filter, body->select_filter) != 0))
        return -1;
    wish.group = group->name;
    wish.layers = filter.layer_stack.count > 0 ? filter.layer_stack : group->filter.layer_stack;
    q->rc.context = MASK_CRT | MASK_RSC_DFN;
    definition = definition_create(q, &wish);
    if (!definition ||
        props_set(q, PROP_ON_RESOURCE_DEFINITION, &definition->object.props, &body->resource_definition_props) != 0 ||
        spawn_volumes(q, group, definition, body) != 0)
        return -1;
    rc_ref(&q->rc, "UUID", definition->object.uuid);
    rc_add(&q->rc, CREATED, .message = rc_text(&q->rc, "New resource definition '%s' created.", definition->name),
           .details =
               rc_text(&q->rc, "Resource definition '%s' UUID is: %s", definition->name, definition->object.uuid));
    rc_unref(&q->rc, "UUID");
    q->rc.context = context;
    if (only_definitions || (!filter.place_count.has && !group->filter.place_count.has))
        return rc_add(
            &q->rc, INFO_NO_RSC_SPAWNED,
            .message = rc_text(&q->rc,
                               "Resource definition '%s' and %u volume definitions created, but no resources deployed.",
                               definition->name, body->volume_sizes.count));
    if (place(q, definition, &filter, 0) != 0)
        return -1;
    return rc_add(
        &q->rc, CREATED,
        .message = rc_text(&q->rc, "Resource '%s' spawned from resource group '%s'.", definition->name, group->name));
}

static void show_size(const struct placement_size *size, struct space_info_doc *info, struct arena *arena)
{
    info->max_vlm_size_in_kib = size->max_volume_kib;
    info->available_size_in_kib = (struct maybe_i64)MAYBE(size->available_kib);
    info->capacity_in_kib = (struct maybe_i64)MAYBE(size->capacity_kib);
    info->default_max_oversubscription_ratio = (struct maybe_double)MAYBE(size->default_ratio);
    info->max_oversubscription_ratio = size->ratio;
    info->max_free_capacity_oversubscription_ratio = size->free_ratio;
    info->max_total_capacity_oversubscription_ratio = size->total_ratio;
    for (uint32_t i = 0; i < size->spawn_count; i++) {
        const struct placement_spawn *spawn_at = &size->spawns[i];
        struct spawn_result_doc *doc = LIST_ADD(&info->next_spawn_result, arena);

        doc->node_name = arena_strdup(arena, storage_pool_node(spawn_at->pool)->name);
        doc->stor_pool_name = arena_strdup(arena, storage_pool_name(spawn_at->pool));
        doc->stor_pool_oversubscription_ratio = (struct maybe_double)MAYBE(spawn_at->ratio);
        doc->stor_pool_free_capacity_oversubscription_ratio = spawn_at->free_ratio;
        doc->stor_pool_total_capacity_oversubscription_ratio = spawn_at->total_ratio;
    }
}

/* LINSTOR: what is wrong here is told inside an answer that succeeds. */
#define MOVE_ENTRIES(rc, reports)                                                                                      \
    do {                                                                                                               \
        for (uint32_t entry = 0; entry < (rc)->entries.count; entry++)                                                 \
            *LIST_ADD((reports), (rc)->arena) = (rc)->entries.at[entry];                                               \
        (rc)->entries.count = 0;                                                                                       \
    } while (0)

static int query_size(struct request *q, const struct resource_group *group, const struct select_filter_doc *asked,
                      struct space_info_doc **info)
{
    struct select_filter filter = { 0 };
    struct placement_size size;

    if (asked && group_take_filter(q, &filter, asked) != 0)
        return -1;
    placement_query_size(q->model, &runtime, group, &filter, &q->arena, &size);
    if (size.outcome == PLACEMENT_NO_COUNT)
        return rc_add(&q->rc, size.code, .message = size.message, .details = size.details);
    *info = arena_alloc(&q->arena, sizeof(**info));
    show_size(&size, *info, &q->arena);
    return 0;
}

static int query_size_info(struct request *q)
{
    const struct query_size_info_request *body = q->body;
    const struct resource_group *group = request_get_group(q, q->var[VAR_GROUP]);
    struct query_size_info_doc *doc = arena_alloc(&q->arena, sizeof(*doc));

    if (!group || query_size(q, group, body->select_filter, &doc->space_info) != 0)
        MOVE_ENTRIES(&q->rc, &doc->reports);
    return request_reply(q, &query_size_info_doc_schema, doc);
}

static int query_all_size_info(struct request *q)
{
    const struct query_size_info_request *body = q->body;
    struct query_all_size_info_doc *doc = arena_alloc(&q->arena, sizeof(*doc));

    model_for_each(resource_group, group, q->model, KIND_RESOURCE_GROUP)
    {
        struct group_size_info_doc *one = LIST_ADD(&doc->result, &q->arena);

        one->group = arena_strdup(&q->arena, group->name);
        if (query_size(q, group, body->select_filter, &one->space_info) != 0)
            MOVE_ENTRIES(&q->rc, &one->reports);
    }
    return request_reply(q, &query_all_size_info_doc_schema, doc);
}

static int reply_candidates(struct request *q, const struct resource_group *group, const struct select_filter *filter)
{
    struct max_volume_sizes_doc *doc = arena_alloc(&q->arena, sizeof(*doc));
    struct placement_candidates found;

    placement_query_candidates(q->model, &runtime, group, filter, &q->arena, &found);
    if (found.outcome != PLACEMENT_FOUND)
        return rc_add(&q->rc, found.code, .message = found.message, .details = found.details);
    for (uint32_t i = 0; i < found.list.count; i++) {
        struct candidate_doc *candidate = LIST_ADD(&doc->candidates, &q->arena);

        candidate->storage_pool = arena_strdup(&q->arena, found.list.at[i].pool_name);
        candidate->max_volume_size_kib = found.list.at[i].max_volume_kib;
        candidate->node_names = found.list.at[i].node_names;
        candidate->all_thin = found.list.at[i].all_thin;
    }
    doc->default_max_oversubscription_ratio = (struct maybe_double)MAYBE(found.default_ratio);
    return request_reply(q, &max_volume_sizes_doc_schema, doc);
}

static int query_max_of_group(struct request *q)
{
    const struct resource_group *group = request_get_group(q, q->var[VAR_GROUP]);
    struct select_filter nothing = { 0 };

    return group ? reply_candidates(q, group, &nothing) : -1;
}

static int query_max(struct request *q)
{
    struct select_filter filter = { 0 };
    const struct select_filter_doc *body = q->body;

    if (body->place_count.has && body->place_count.value < 1)
        return rc_add(&q->rc, FAIL_NOT_ENOUGH_NODES, .message = "Not enough nodes",
                      .cause = rc_text(&q->rc, "%d replicas were asked for.", body->place_count.value));
    return group_take_filter(q, &filter, body) == 0 ? reply_candidates(q, NULL, &filter) : -1;
}

/* clang-format off */
const struct route place_routes[] = {
    { "POST", "/v1/resource-definitions/{resource}/autoplace", autoplace, ROUTE_WRITE | ROUTE_SETTLE | ROUTE_BODY_OPTIONAL,
        &autoplace_request_schema, 201, MASK_CRT | MASK_RSC },
    { "POST", "/v1/resource-groups/{group}/spawn", spawn, ROUTE_WRITE | ROUTE_SETTLE | ROUTE_SECRET, &spawn_request_schema, 201,
        MASK_CRT | MASK_RSC_GRP },
    { "GET",  "/v1/resource-groups/{group}/query-max-volume-size", query_max_of_group, 0, NULL, 200, 0 },
    { "POST", "/v1/resource-groups/{group}/query-size-info", query_size_info, ROUTE_BODY_OPTIONAL,
        &query_size_info_request_schema, 200, 0 },
    { "POST", "/v1/queries/resource-groups/query-all-size-info", query_all_size_info, ROUTE_BODY_OPTIONAL,
        &query_size_info_request_schema, 200, 0 },
    { "OPTIONS", "/v1/query-max-volume-size", query_max, 0, &select_filter_doc_schema, 200, 0 },
    { 0 },
};
