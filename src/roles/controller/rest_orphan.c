/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Orphans: volumes named as ours in a node's pools that no resource wants, left behind by a node that was lost and came
 * back, or by a store that was lost. They are never touched by themselves; a user's request removes one. These
 * operations are ours, the reference has none.
 */
#include "roles/controller/rest_orphan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/runtime.h"
#include "roles/controller/routes.h"
#include "roles/controller/session.h"
#include "roles/controller/view.h"
#include "roles/controller/wants.h"

struct orphan_doc {
    char *storage_pool_name;
    char *identifier;
    char *device_path;
    int64_t size_kib;
    LIST_OF(struct rc_doc) reports; /* why it is not gone, though somebody wants it removed */
};
static const struct field orphan_doc_fields[] = {
    FIELD(orphan_doc, storage_pool_name, 0),
    FIELD(orphan_doc, identifier, 0),
    FIELD(orphan_doc, device_path, FIELD_NOT_EMPTY),
    FIELD(orphan_doc, size_kib, 0),
    LIST(orphan_doc, reports, rc_doc, FIELD_NOT_EMPTY),
};
static SCHEMA(orphan_doc)

static bool next_orphan(struct request *q, struct listing *listing, void *to, struct arena *arena)
{
    const struct node *node = model_find_node(q->model, q->var[VAR_NODE]);
    const struct report *report = node ? session_orphans(node) : NULL;
    const struct orphan_fact *orphan;
    struct orphan_doc *doc = to;

    if (!report || listing->position >= report->orphans.count)
        return false;
    orphan = &report->orphans.at[listing->position++];
    doc->storage_pool_name = orphan->pool;
    doc->identifier = orphan->identifier;
    doc->device_path = orphan->device_path;
    doc->size_kib = orphan->size_kib;
    if (orphan->trouble)
        view_trouble(LIST_ADD(&doc->reports, arena), FAIL_UNKNOWN_ERROR, orphan->trouble, arena);
    return true;
}

static int list_orphans(struct request *q)
{
    if (!request_get_node(q, q->var[VAR_NODE]))
        return -1;
    request_reply_list(q, &orphan_doc_schema, next_orphan);
    return 0;
}

/*
 * "db_00002" -> "db" and 2. False for what no resource can have as a volume, as "db_000002": as volume 2 of db another
 * thing would be meant.
 */
static bool split_identifier(const char *identifier, struct arena *arena, char **resource, int32_t *number)
{
    const char *underscore = strrchr(identifier, '_');
    int64_t parsed;

    if (!underscore || !text_parse_i64(underscore + 1, 0, NAME_VOLUME_NUMBER_MAX, &parsed))
        return false;
    *resource = arena_strndup(arena, identifier, (size_t)(underscore - identifier));
    *number = (int32_t)parsed;
    return strcmp(arena_printf(arena, "%s_%05" PRId32, *resource, *number), identifier) == 0;
}

/* "db.cache_00000" is of "db", too. */
static bool is_of_a_resource(struct request *q, const struct node *node, const char *name)
{
    const char *resource = arena_strndup(&q->arena, name, strcspn(name, "."));
    const struct resource_definition *definition = model_find_definition(q->model, resource);

    return (definition && model_find_resource(definition, node->name)) ||
           wants_are_unreadable(q->model, KIND_RESOURCE, resource, node->name);
}

static int refuse_wanted(struct request *q, const char *identifier)
{
    return rc_add(&q->rc, FAIL_IN_USE,
                  .message = rc_text(&q->rc, "'%s' belongs to a resource of this node.", identifier),
                  .correction = "Delete the resource instead.");
}

static int remove_orphan(struct request *q)
{
    const struct node *node = request_get_node(q, q->var[VAR_NODE]);
    const char *identifier = q->var[VAR_ANY];
    const struct storage_pool *pool;
    struct resource_want want = { .remove = true, .orphan = true, .generation = (int64_t)q->model->generation };
    struct wants wants = { 0 };
    struct volume_want *volume;
    struct orphan_fact *orphan;
    int32_t number;

    rc_ref(&q->rc, "Node", q->var[VAR_NODE]);
    if (!node)
        return -1;
    if (!session_is_online(node))
        return rc_add(&q->rc, FAIL_NOT_CONNECTED,
                      .message = rc_text(&q->rc, "Satellite '%s' is not connected.", node->name),
                      .correction = "Repeat the request when the node is online.");
    pool = model_find_pool(node, q->var[VAR_POOL]);
    orphan = session_find_orphan(node, q->var[VAR_POOL], identifier);
    if (!pool || !orphan)
        return rc_add(&q->rc, WARN_NOT_FOUND,
                      .message = rc_text(&q->rc, "Node '%s' has no orphan '%s' in storage pool '%s'.", node->name,
                                         identifier, q->var[VAR_POOL]));
    if (!split_identifier(identifier, &q->arena, &want.resource, &number))
        return rc_add(&q->rc, FAIL_INVLD_VLM_NR,
                      .message = rc_text(&q->rc, "'%s' is not named as the volumes of resources are.", identifier),
                      .cause = "Their names end with '_' and a number of five digits, from 00000 to 65534.",
                      .correction =
                          "Nothing was removed. If nobody needs it, remove it with the tools of its storage.");
    if (is_of_a_resource(q, node, want.resource))
        return refuse_wanted(q, identifier);
    want.uuid = arena_alloc(&q->arena, TEXT_UUID_SIZE);
    text_make_uuid(want.uuid);
    want.authority = rc_text(&q->rc, "DELETE /v1/nodes/%s/orphans/%s/%s", node->name, q->var[VAR_POOL], identifier);
    text_list_add(&want.layers, "STORAGE", &q->arena);
    volume = LIST_ADD(&want.volumes, &q->arena);
    volume->number = number;
    volume->pool = arena_strdup(&q->arena, storage_pool_name(pool));
    volume->remove = true;
    *LIST_ADD(&wants.resources, &q->arena) = want;
    orphan->trouble = NULL; /* of an earlier request */
    session_send_wants(node, &wants);
    request_settle_orphan(q, node, q->var[VAR_POOL], identifier);
    return 0;
}

bool orphan_settled(struct request *q, const char *node, const char *pool, const char *identifier)
{
    const struct node *found = model_find_node(q->model, node);
    const struct orphan_fact *orphan = found ? session_find_orphan(found, pool, identifier) : NULL;
    const struct storage_pool *lies_in = found ? model_find_pool(found, pool) : NULL;
    char *resource;
    int32_t number;

    if (!found || !session_is_online(found)) {
        rc_add(&q->rc, FAIL_NOT_CONNECTED,
               .message = rc_text(&q->rc, "The connection to satellite '%s' was lost before it told that '%s' is gone.",
                                  node, identifier),
               .correction = "Look at the list of orphans when the node is online, and repeat the request if it is "
                             "still there.");
        return true;
    }
    if (!lies_in)
        rc_add(&q->rc, FAIL_NOT_FOUND_STOR_POOL,
               .message = rc_text(&q->rc, "Storage pool '%s' was deleted before '%s' was gone.", pool, identifier),
               .cause = "What lies in a storage pool stays when that is deleted.");
    else if (split_identifier(identifier, &q->arena, &resource, &number) && is_of_a_resource(q, found, resource))
        (void)refuse_wanted(q, identifier);
    else if (orphan && orphan->trouble)
        request_add_trouble(q, node, FAIL_UNKNOWN_ERROR, orphan->trouble);
    else if (lies_in->fact && lies_in->fact->trouble)
        request_add_trouble(q, node, FAIL_UNKNOWN_ERROR, lies_in->fact->trouble);
    else if (!orphan && session_orphans(found) && session_orphans(found)->orphans_complete)
        rc_add(&q->rc, DELETED, .message = rc_text(&q->rc, "Orphan '%s' removed from node '%s'.", identifier, node));
    else
        return false;
    return true;
}

static void note_deployed(struct request *q, const struct resource *resource, int32_t number)
{
    struct resource *edited = txn_edit(q->txn, resource);

    for (uint32_t i = 0; i < edited->volumes.count; i++)
        if (edited->volumes.at[i].number == number)
            edited->volumes.at[i].is_deployed = true;
}

/* What the satellite has told of something that lies in the way of the volume; NULL and rc. */
static const struct volume_fact *get_foreign(struct request *q, const struct resource *resource,
                                             const struct volume *volume, const char *identifier)
{
    const struct volume_fact *fact = view_find_fact(resource, volume->number);

    if (fact && fact->foreign_kib > 0)
        return fact;
    rc_add(&q->rc, FAIL_NOT_FOUND_VLM,
           .message = rc_text(&q->rc, "Nothing lies in the way of volume '%s' of node '%s'.", identifier,
                              resource_node(resource)->name),
           .cause = "The satellite has not told of anything that has its name and was not made for it.",
           .correction = "Look at the reports of the volume: linstor volume list.");
    return NULL;
}

/* Other replicas may be as large as the volume shall be: what is smaller must be able to become one of them. */
static const char *say_size(struct request *q, const struct volume_fact *fact)
{
    if (fact->foreign_kib < fact->needed_kib)
        return rc_text(&q->rc, "It has %" PRId64 " KiB, and grows to %" PRId64 " KiB.", fact->foreign_kib,
                       fact->needed_kib);
    return rc_text(&q->rc, "It has %" PRId64 " KiB, of which %" PRId64 " KiB are needed; it is not shrunk.",
                   fact->foreign_kib, fact->needed_kib);
}

/* What lies in the way of a new volume becomes that volume: it is to be there from now on. */
static int adopt_orphan(struct request *q)
{
    const struct node *node = request_get_node(q, q->var[VAR_NODE]);
    const char *identifier = q->var[VAR_ANY];
    const struct resource_definition *definition;
    const struct resource *resource = NULL;
    const struct volume *volume = NULL;
    const struct volume_fact *foreign;
    char *name;
    int32_t number;

    rc_ref(&q->rc, "Node", q->var[VAR_NODE]);
    if (!node)
        return -1;
    if (split_identifier(identifier, &q->arena, &name, &number)) {
        definition = model_find_definition(q->model, name);
        resource = definition ? model_find_resource(definition, node->name) : NULL;
        volume = resource ? resource_find_volume(resource, number) : NULL;
    }
    if (!volume || !volume->storage_pool || !text_equal_fold(volume->storage_pool, q->var[VAR_POOL]))
        return rc_add(&q->rc, FAIL_NOT_FOUND_VLM,
                      .message = rc_text(&q->rc, "No volume of node '%s' in storage pool '%s' is called '%s'.",
                                         node->name, q->var[VAR_POOL], identifier),
                      .cause = "Only the volume of a resource can adopt what has its name.",
                      .correction = "Create the resource definition, its volume and the resource first.");
    if (volume->is_deployed || object_has_flag(&resource->object, RESOURCE_DELETE))
        return rc_add(&q->rc, FAIL_IN_USE,
                      .message = rc_text(&q->rc, "Volume '%s' of node '%s' is not waiting for anything to adopt.",
                                         identifier, node->name));
    if (!session_is_online(node)) /* a satellite that holds the want already would not hear of the difference */
        return rc_add(&q->rc, FAIL_NOT_CONNECTED,
                      .message = rc_text(&q->rc, "Satellite '%s' is not connected.", node->name),
                      .correction = "Repeat the request when the node is online.");
    if (!(foreign = get_foreign(q, resource, volume, identifier)))
        return -1;
    note_deployed(q, resource, number);
    runtime_set_resource_want(resource, 0, 0);
    return rc_add(&q->rc, MODIFIED,
                  .message =
                      rc_text(&q->rc, "Volume '%s' of node '%s' adopts what has its name.", identifier, node->name),
                  .details = say_size(q, foreign));
}

/* clang-format off */
const struct route orphan_routes[] = {
    { "GET",    "/v1/nodes/{node}/orphans", list_orphans, 0, NULL, 200, 0 },
    { "PUT",    "/v1/nodes/{node}/orphans/{pool}/{any}", adopt_orphan, ROUTE_WRITE | ROUTE_SETTLE | ROUTE_BODY_OPTIONAL, NULL, 200, MASK_MOD | MASK_VLM },
    { "DELETE", "/v1/nodes/{node}/orphans/{pool}/{any}", remove_orphan, 0, NULL, 200, MASK_DEL | MASK_VLM },
    { 0 },
};
