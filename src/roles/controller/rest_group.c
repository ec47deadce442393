/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Resource groups and their volume groups. LINSTOR: all of their entries bear the operation "create". */
#include <string.h>

#include "base/text.h"
#include "model/layer.h"
#include "roles/controller/props.h"
#include "roles/controller/rest_group.h"
#include "roles/controller/routes.h"
#include "roles/controller/view.h"

static bool next_group(struct request *q, struct listing *listing, void *doc, struct arena *arena)
{
    const struct object *object =
        object_after(model_root(q->model), KIND_RESOURCE_GROUP, listing->outer[0] ? listing->outer : NULL);
    const struct resource_group *group = (const struct resource_group *)object;

    if (!object)
        return false;
    strcpy(listing->outer, object->node[0].key);
    if (!request_query_admits(q, "resource_groups", group->name) || !request_query_admits_props(q, &object->props))
        return listing_pass(listing);
    view_group(group, doc, arena);
    return true;
}

static int list_groups(struct request *q)
{
    request_reply_list(q, &resource_group_doc_schema, next_group);
    return 0;
}

static int show_group(struct request *q)
{
    const struct resource_group *group = request_get_group(q, q->var[VAR_GROUP]);
    struct resource_group_doc *doc = arena_alloc(&q->arena, sizeof(*doc));

    if (!group)
        return -1;
    view_group(group, doc, &q->arena);
    return request_reply(q, &resource_group_doc_schema, doc);
}

/* A list that the body names replaces the stored one. An empty one stays there: in a request it lifts what the group
 * says. */
static void take_list(struct text_list *to, const struct text_list *from)
{
    if (from->at)
        *to = *from;
}

static int take_kinds(struct request *q, struct text_list *to, const struct text_list *from, bool are_layers)
{
    for (uint32_t i = 0; i < from->count; i++) {
        enum layer_kind layer;
        enum provider_kind provider;

        if (are_layers ? !layer_kind_parse(from->at[i], &layer) : !provider_kind_parse(from->at[i], &provider)) {
            CLEANUP(buf_done) struct buf known = { 0 };

            if (are_layers)
                layer_kinds_print(&known);
            else
                provider_kinds_print(&known);
            return rc_add(&q->rc, FAIL_INVLD_LAYER_KIND, .is_bare = true,
                          .message = rc_text(&q->rc, "'%s' is not a %s.", from->at[i],
                                             are_layers ? "layer" : "kind of storage pool"),
                          .correction = rc_text(&q->rc, "There are %s.", buf_text(&known)));
        }
        text_upper(from->at[i]);
    }
    take_list(to, from);
    return 0;
}

int group_take_filter(struct request *q, struct select_filter *filter, const struct select_filter_doc *body)
{
    if (body->place_count.has) {
        if (body->place_count.value < 1)
            return rc_add(&q->rc, FAIL_INVLD_PLACE_COUNT,
                          .message = rc_text(&q->rc, "A place count of %d is not possible.", body->place_count.value),
                          .correction = "Give the number of replicas, 1 or more.");
        filter->place_count = body->place_count;
    }
    if (take_kinds(q, &filter->layer_stack, &body->layer_stack, true) != 0 ||
        take_kinds(q, &filter->provider_list, &body->provider_list, false) != 0)
        return -1;
    take_list(&filter->node_name_list, &body->node_name_list);
    take_list(&filter->storage_pool_list, &body->storage_pool_list);
    if (body->storage_pool && !body->storage_pool_list.at) {
        filter->storage_pool_list = (struct text_list){ 0 };
        text_list_add(&filter->storage_pool_list, body->storage_pool, &q->arena);
    }
    take_list(&filter->storage_pool_diskless_list, &body->storage_pool_diskless_list);
    take_list(&filter->not_place_with_rsc, &body->not_place_with_rsc);
    take_list(&filter->replicas_on_same, &body->replicas_on_same);
    take_list(&filter->replicas_on_different, &body->replicas_on_different);
    if (body->not_place_with_rsc_regex)
        filter->not_place_with_rsc_regex = *body->not_place_with_rsc_regex ? body->not_place_with_rsc_regex : NULL;
    if (body->x_replicas_on_different_map.at)
        filter->x_replicas_on_different_map = body->x_replicas_on_different_map;
    if (body->diskless_on_remaining.has)
        filter->diskless_on_remaining = body->diskless_on_remaining;
    return 0;
}

static bool pool_exists(const struct request *q, const char *name)
{
    const struct storage_pool_definition *definition = model_find_pool_definition(q->model, name);

    return definition && object_count(&definition->object, KIND_STORAGE_POOL) > 0;
}

/* Nothing is wrong with naming a pool before it exists, but more often it is a slip. */
static void warn_of_pools(struct request *q, const struct select_filter *filter)
{
    const struct text_list *lists[] = { &filter->storage_pool_list, &filter->storage_pool_diskless_list };
    struct buf names = { 0 };

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        for (uint32_t j = 0; j < lists[i]->count; j++)
            if (!pool_exists(q, lists[i]->at[j]))
                buf_printf(&names, "%s'%s'", names.length ? ", " : "", lists[i]->at[j]);
    if (names.length > 0)
        rc_add(&q->rc, WARN_NOT_FOUND,
               .message =
                   rc_text(&q->rc, "The following configured storage pools do not exist on any node: %s", names.data));
    buf_done(&names);
}

/* LINSTOR: properties of groups are those of definitions, down to the bits of the entries that tell of them. */
static int modify_props(struct request *q, enum prop_object kind, int64_t told_as, struct text_map *props,
                        const struct props_change *change)
{
    uint32_t before = q->rc.entries.count;
    int result = props_modify(q, kind, props, change);

    for (uint32_t i = before; result == 0 && i < q->rc.entries.count; i++)
        q->rc.entries.at[i].ret_code =
            (int64_t)(((uint64_t)q->rc.entries.at[i].ret_code & ~RC_OBJECT_MASK) | (uint64_t)told_as);
    return result;
}

static int say_group(struct request *q, const struct resource_group *group, int64_t code, const char *what)
{
    rc_ref(&q->rc, "UUID", group->object.uuid);
    return rc_add(&q->rc, code, .message = rc_text(&q->rc, "Resource group '%s' %s.", group->name, what),
                  .details = rc_text(&q->rc, "Resource group '%s' UUID: %s", group->name, group->object.uuid));
}

static int create_group(struct request *q)
{
    const struct resource_group_doc *body = q->body;
    const char *name = body->name ? body->name : "";
    int64_t context = q->rc.context;
    struct resource_group *group;
    char key[OBJECT_KEY_SIZE];

    rc_ref(&q->rc, "RscGrp", name);
    if (request_check_name(q, NAME_RESOURCE_GROUP, name) != 0)
        return -1;
    if (model_find_group(q->model, name))
        return rc_add(&q->rc, FAIL_EXISTS_RSC_GRP,
                      .message = rc_text(&q->rc, "A resource group with the name '%s' exists already.", name),
                      .cause = "Names of resource groups are unique, in any case.");
    (void)model_key(name, key);
    group = txn_new(q->txn, KIND_RESOURCE_GROUP, model_root(q->model), NULL, key);
    group->name = arena_strdup(&q->arena, name);
    group->description = body->description;
    group->peer_slots = body->peer_slots;
    group->filter.place_count = (struct maybe_i32)MAYBE(2);
    if (body->select_filter && group_take_filter(q, &group->filter, body->select_filter) != 0)
        return -1;
    q->rc.context = 0; /* LINSTOR: here the warning names neither group nor operation */
    rc_unref(&q->rc, "RscGrp");
    warn_of_pools(q, &group->filter);
    q->rc.context = context;
    rc_ref(&q->rc, "RscGrp", name);
    return say_group(q, group, CREATED, "created");
}

static int modify_group(struct request *q)
{
    const struct resource_group_modify_request *body = q->body;
    const struct resource_group *found;
    struct resource_group *group;

    rc_ref(&q->rc, "RscGrp", q->var[VAR_GROUP]);
    if (!(found = request_get_group(q, q->var[VAR_GROUP])))
        return -1;
    group = txn_edit(q->txn, found);
    if (body->description)
        group->description = *body->description ? body->description : NULL;
    if (body->peer_slots.has)
        group->peer_slots = body->peer_slots;
    if (body->select_filter && group_take_filter(q, &group->filter, body->select_filter) != 0)
        return -1;
    if (modify_props(q, PROP_ON_RESOURCE_GROUP, MASK_RSC_DFN, &group->object.props, &PROPS_CHANGE(body)) != 0)
        return -1;
    if (body->select_filter)
        warn_of_pools(q, &group->filter);
    return say_group(q, group, MODIFIED, "modified");
}

static int delete_group(struct request *q)
{
    const struct resource_group *group = model_find_group(q->model, q->var[VAR_GROUP]);

    rc_ref(&q->rc, "RscGrp", q->var[VAR_GROUP]);
    if (!group)
        return rc_add(&q->rc, WARN_NOT_FOUND,
                      .message = rc_text(&q->rc, "Resource group '%s' not found.", q->var[VAR_GROUP]),
                      .details = "Nothing was deleted.");
    if (object_count(&group->object, KIND_RESOURCE_DEFINITION) > 0)
        return rc_add(&q->rc, FAIL_EXISTS_RSC_DFN,
                      .message = rc_text(&q->rc, "Resource group '%s' has %u resource definitions.", group->name,
                                         object_count(&group->object, KIND_RESOURCE_DEFINITION)),
                      .correction = "Delete them, or move them to another resource group first.");
    say_group(q, group, DELETED, "deleted");
    txn_delete(q->txn, group);
    return 0;
}

static bool next_volume_group(struct request *q, struct listing *listing, void *doc, struct arena *arena)
{
    const struct resource_group *group = model_find_group(q->model, q->var[VAR_GROUP]);
    const struct object *object =
        group ? object_after(&group->object, KIND_VOLUME_GROUP, listing->outer[0] ? listing->outer : NULL) : NULL;

    if (!object)
        return false;
    strcpy(listing->outer, object->node[0].key);
    view_volume_group((const struct volume_group *)object, doc, arena);
    return true;
}

static int list_volume_groups(struct request *q)
{
    if (!request_get_group(q, q->var[VAR_GROUP]))
        return -1;
    request_reply_list(q, &volume_group_doc_schema, next_volume_group);
    return 0;
}

static const struct volume_group *get_volume_group(struct request *q)
{
    const struct resource_group *group = request_get_group(q, q->var[VAR_GROUP]);
    const struct volume_group *volume = group ? model_find_volume_group(group, q->volume_number) : NULL;

    if (group && !volume)
        rc_add(&q->rc, FAIL_NOT_FOUND_VLM_GRP,
               .message =
                   rc_text(&q->rc, "Volume group %d of resource group '%s' not found.", q->volume_number, group->name),
               .cause = "There is no volume group of that number.", .correction = "Check the number.");
    return volume;
}

static int show_volume_group(struct request *q)
{
    const struct volume_group *volume = get_volume_group(q);
    struct volume_group_doc *doc = arena_alloc(&q->arena, sizeof(*doc));

    if (!volume)
        return -1;
    view_volume_group(volume, doc, &q->arena);
    return request_reply(q, &volume_group_doc_schema, doc);
}

static int take_flags(struct request *q, const struct text_list *flags, uint64_t *bits)
{
    for (uint32_t i = 0; i < flags->count; i++) {
        bool removes = flags->at[i][0] == '-';

        if (strcmp(flags->at[i] + removes, "GROSS_SIZE") != 0)
            return rc_add(&q->rc, FAIL_UNKNOWN_ERROR,
                          .message = rc_text(&q->rc, "'%s' is not a flag of volume groups.", flags->at[i]),
                          .details = "Flags are spelled as they are shown, in upper case.",
                          .correction = "Known is GROSS_SIZE.");
        *bits = removes ? *bits & ~(uint64_t)VOLUME_GROUP_GROSS_SIZE : *bits | VOLUME_GROUP_GROSS_SIZE;
    }
    return 0;
}

static int choose_number(struct request *q, const struct resource_group *group, struct maybe_i32 wanted,
                         int32_t *number)
{
    char why[NAME_WHY_SIZE];

    *number = wanted.has ? wanted.value : 0;
    if (wanted.has && name_check_volume_number(wanted.value, why, sizeof(why)) != 0)
        return rc_add(&q->rc, FAIL_INVLD_VLM_NR, .message = rc_text(&q->rc, "%d is not a volume number.", wanted.value),
                      .cause = why);
    if (wanted.has)
        return 0;
    child_for_each (volume_group, volume, &group->object, KIND_VOLUME_GROUP)
        if (volume->number == *number)
            (*number)++;
    return 0;
}

static int create_volume_group(struct request *q)
{
    const struct volume_group_doc *body = q->body;
    const struct resource_group *group;
    struct volume_group *volume;
    uint64_t flags = 0;
    char key[OBJECT_KEY_SIZE];
    int32_t number;

    if (body->flags.count > 0) {
        int64_t context = q->rc.context;

        q->rc.context = 0; /* LINSTOR: flags are looked at before anything else */
        if (take_flags(q, &body->flags, &flags) != 0)
            return -1;
        q->rc.context = context;
    }
    rc_ref(&q->rc, "VlmGrp", q->var[VAR_GROUP]);
    if (!(group = request_get_group(q, q->var[VAR_GROUP])) ||
        choose_number(q, group, body->volume_number, &number) != 0)
        return -1;
    rc_ref(&q->rc, "RscGrp", q->var[VAR_GROUP]);
    rc_ref(&q->rc, "VlmNr", rc_text(&q->rc, "%d", number));
    if (model_find_volume_group(group, number))
        return rc_add(&q->rc, FAIL_EXISTS_VLM_GRP | MASK_VLM_DFN | MASK_CRT,
                      .message =
                          rc_text(&q->rc, "Resource group '%s' has a volume group %d already.", group->name, number),
                      .cause = "Volume numbers are unique in a resource group.");
    model_number_key(number, key);
    volume = txn_new(q->txn, KIND_VOLUME_GROUP, group, NULL, key);
    volume->number = number;
    volume->object.flags = flags;
    if (modify_props(q, PROP_ON_VOLUME_GROUP, MASK_VLM_DFN, &volume->object.props,
                     &(struct props_change){ &body->props, &(struct text_list){ 0 }, &(struct text_list){ 0 } }) != 0)
        return -1;
    rc_strip_refs(&q->rc);
    return rc_add(&q->rc, CREATED,
                  .message = rc_text(&q->rc, "New volume group with number '%d' of resource group '%s' created.",
                                     number, group->name));
}

static int modify_volume_group(struct request *q)
{
    const struct volume_group_modify_request *body = q->body;
    const struct volume_group *found;
    struct volume_group *volume;

    rc_ref(&q->rc, "RscGrp", q->var[VAR_GROUP]);
    rc_ref(&q->rc, "VlmGrp", q->var[VAR_GROUP]);
    rc_ref(&q->rc, "VlmNr", q->var[VAR_VOLUME_NUMBER]);
    if (!(found = get_volume_group(q)))
        return -1;
    volume = txn_edit(q->txn, found);
    if (take_flags(q, &body->flags, &volume->object.flags) != 0 ||
        modify_props(q, PROP_ON_VOLUME_GROUP, MASK_VLM_DFN, &volume->object.props, &PROPS_CHANGE(body)) != 0)
        return -1;
    rc_ref(&q->rc, "UUID", volume->object.uuid);
    return rc_add(&q->rc, MODIFIED,
                  .message = rc_text(&q->rc, "Volume group %d of resource group '%s' modified.", volume->number,
                                     q->var[VAR_GROUP]),
                  .details = rc_text(&q->rc, "UUID is: %s", volume->object.uuid));
}

static int delete_volume_group(struct request *q)
{
    const struct volume_group *volume;

    rc_ref(&q->rc, "VlmGrp", q->var[VAR_GROUP]);
    if (!(volume = get_volume_group(q))) /* LINSTOR: the only deletion that answers 404 for what is not there */
        return -1;
    rc_ref(&q->rc, "UUID", volume->object.uuid);
    rc_add(&q->rc, DELETED,
           .message =
               rc_text(&q->rc, "Volume group %d of resource group '%s' deleted.", volume->number, q->var[VAR_GROUP]),
           .details = rc_text(&q->rc, "UUID was: %s", volume->object.uuid));
    txn_delete(q->txn, volume);
    return 0;
}

/* clang-format off */
#define GROUP  (MASK_CRT | MASK_RSC_GRP)
#define VOLUME (MASK_CRT | MASK_VLM_GRP)
#define VOLUMES "/v1/resource-groups/{group}/volume-groups"
const struct route resource_group_routes[] = {
    { "GET",    "/v1/resource-groups",         list_groups,         0, NULL, 200, 0 },
    { "POST",   "/v1/resource-groups",         create_group,        ROUTE_WRITE, &resource_group_doc_schema, 201, GROUP },
    { "GET",    "/v1/resource-groups/{group}", show_group,          0, NULL, 200, 0 },
    { "PUT",    "/v1/resource-groups/{group}", modify_group,        ROUTE_WRITE, &resource_group_modify_request_schema, 200, GROUP },
    { "DELETE", "/v1/resource-groups/{group}", delete_group,        ROUTE_WRITE, NULL, 200, GROUP },
    { "GET",    VOLUMES,                       list_volume_groups,  0, NULL, 200, 0 },
    { "POST",   VOLUMES,                       create_volume_group, ROUTE_WRITE, &volume_group_doc_schema, 201, VOLUME },
    { "GET",    VOLUMES "/{volume}",           show_volume_group,   0, NULL, 200, 0 },
    { "PUT",    VOLUMES "/{volume}",           modify_volume_group, ROUTE_WRITE, &volume_group_modify_request_schema, 200, VOLUME },
    { "DELETE", VOLUMES "/{volume}",           delete_volume_group, ROUTE_WRITE, NULL, 200, VOLUME },
    { 0 },
};
