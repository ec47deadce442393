/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Resources and their volumes. */
#include <string.h>

#include "api/controller.h"
#include "base/text.h"
#include "roles/controller/deploy.h"
#include "roles/controller/nvme.h"
#include "roles/controller/props.h"
#include "roles/controller/routes.h"
#include "roles/controller/view.h"

/* A resource definition can be on as many nodes as a cluster has. */
enum { RESOURCES_PER_REQUEST = 1024 };

static bool next_resource(struct request *q, struct listing *listing, void *doc, struct arena *arena)
{
    const struct resource_definition *definition = model_find_definition(q->model, q->var[VAR_RESOURCE]);
    const struct object *object =
        definition ? object_after(&definition->object, KIND_RESOURCE, listing->inner[0] ? listing->inner : NULL) : NULL;

    if (!object)
        return false;
    strcpy(listing->inner, object->node[0].key);
    view_resource((const struct resource *)object, false, doc, arena);
    return true;
}

static int list_resources(struct request *q)
{
    if (!request_get_definition(q, q->var[VAR_RESOURCE]))
        return -1;
    request_reply_list(q, &resource_doc_schema, next_resource);
    return 0;
}

/* LINSTOR: the view leaves out resources without a volume that the filter admits. */
static bool is_in_view(struct request *q, const struct resource *resource)
{
    if (!request_query_admits(q, "nodes", resource_node(resource)->name) ||
        !request_query_admits_props(q, &resource->object.props))
        return false;
    for (uint32_t i = 0; i < resource->volumes.count; i++)
        if (request_query_admits(q, "storage_pools", resource->volumes.at[i].storage_pool))
            return true;
    return false;
}

static bool next_in_definition(struct request *q, struct listing *listing, const struct object *definition, void *doc,
                               struct arena *arena)
{
    const struct object *object =
        listing->at ? object_next(listing->at, definition)
                    : object_after(definition, KIND_RESOURCE, listing->inner[0] ? listing->inner : NULL);

    const struct resource *resource = (const struct resource *)object;

    listing->at = object;
    if (!object)
        return false;
    strcpy(listing->inner, object->node[0].key);
    if (!is_in_view(q, resource))
        return listing_pass(listing);
    view_resource(resource, true, doc, arena);
    return true;
}

/* The definition whose resources come next: of all, or of those that the query names. */
static const struct object *next_definition(struct request *q, const char *after)
{
    const struct object *root = model_root(q->model), *best = NULL;
    const char *name;
    size_t at = 0;

    if (!request_query(q, "resources"))
        return object_after(root, KIND_RESOURCE_DEFINITION, after);
    while ((name = uri_next_parameter(&q->uri, "resources", &at))) {
        const struct resource_definition *named = model_find_definition(q->model, name);

        if (named && (!after || strcmp(named->object.key, after) > 0) &&
            (!best || strcmp(named->object.key, best->key) < 0))
            best = &named->object;
    }
    return best;
}

static bool next_view(struct request *q, struct listing *listing, void *doc, struct arena *arena)
{
    const struct object *definition = listing->at ? listing->at->parent[0] : NULL;

    if (!definition && listing->is_inside)
        definition = object_find(model_root(q->model), KIND_RESOURCE_DEFINITION, listing->outer);
    if (!definition)
        definition = next_definition(q, listing->outer[0] ? listing->outer : NULL);
    if (!definition)
        return false;
    if (strcmp(listing->outer, definition->key) != 0) {
        strcpy(listing->outer, definition->key);
        listing->inner[0] = '\0';
    }
    listing->is_inside = next_in_definition(q, listing, definition, doc, arena);
    return listing->is_inside || listing_pass(listing);
}

static int view_resources(struct request *q)
{
    if (request_check_query_nodes(q) != 0)
        return -1;
    request_reply_list(q, &resource_doc_schema, next_view);
    return 0;
}

static int show_resource(struct request *q)
{
    const struct resource *resource = request_get_resource(q, q->var[VAR_RESOURCE], q->var[VAR_NODE]);
    struct resource_doc *doc = arena_alloc(&q->arena, sizeof(*doc));

    if (!resource)
        return -1;
    view_resource(resource, false, doc, &q->arena);
    return request_reply(q, &resource_doc_schema, doc);
}

static int create_one(struct request *q, const struct resource_create_request *body, const char *node_name)
{
    static const struct resource_doc nothing;
    const struct resource_doc *asked = body->resource ? body->resource : &nothing;
    const struct resource_definition *definition;
    const struct resource *found;
    struct deploy_wish wish = { .props = &asked->props, .layers = body->layer_list, .flags = asked->flags };

    if (!(wish.node = request_find_node(q, node_name))) {
        q->rc.context = 0; /* LINSTOR: a node that does not exist is told without what was tried */
        rc_unref(&q->rc, "RscDfn");
        request_get_node(q, node_name);
        return -1;
    }
    if (!(definition = request_get_definition(q, q->var[VAR_RESOURCE])))
        return -1;
    found = model_find_resource(definition, wish.node->name);
    if (found && object_has_flag(&found->object, RESOURCE_DELETE))
        return rc_add(&q->rc, FAIL_IN_USE,
                      .message = rc_text(&q->rc, "Resource '%s' on node '%s' is being deleted.", definition->name,
                                         wish.node->name),
                      .correction = "Create it again when it is gone.");
    if (found)
        return rc_add(&q->rc, INFO_RSC_ALREADY_EXISTS,
                      .message = rc_text(&q->rc, "A resource '%s' on node '%s' already exists.", definition->name,
                                         wish.node->name),
                      .cause = "It was created before.", .details = "Nothing was changed.");
    return deploy_resource(q, definition, &wish) ? 0 : -1;
}

static int create_on_node(struct request *q)
{
    rc_ref(&q->rc, "RscDfn", q->var[VAR_RESOURCE]);
    return create_one(q, q->body, q->var[VAR_NODE]);
}

/* The body is a list, which the rows of a struct cannot say, so it is decoded here. */
static int create_many(struct request *q)
{
    const cJSON *item;
    int index = 0;

    rc_ref(&q->rc, "RscDfn", q->var[VAR_RESOURCE]);
    if (cJSON_GetArraySize(q->json) > RESOURCES_PER_REQUEST)
        return rc_add(&q->rc, FAIL_INVLD_REQUEST, .message = "Too many resources in one request.",
                      .cause = rc_text(&q->rc, "At most %d are looked at together.", RESOURCES_PER_REQUEST),
                      .correction = "Divide the list.");
    if (!cJSON_IsArray(q->json))
        return rc_add(&q->rc, API_CALL_PARSE_ERROR, .message = "Unable to parse input json.",
                      .details = "expected a list");
    cJSON_ArrayForEach(item, q->json)
    {
        struct resource_create_request *body = arena_alloc(&q->arena, sizeof(*body));
        struct field_error error;

        if (field_decode(&resource_create_request_schema, body, item, &q->arena, &error) != 0)
            return rc_add(&q->rc, API_CALL_PARSE_ERROR, .message = "Unable to parse input json.",
                          .details = rc_text(&q->rc, "[%d].%s", index, error.message));
        if (create_one(q, body, body->resource && body->resource->node_name ? body->resource->node_name : "") != 0)
            return -1;
        index++;
    }
    if (index == 0)
        return rc_add(&q->rc, WARN_NOT_FOUND, .message = "No resources specified.");
    return 0;
}

static int modify_resource(struct request *q)
{
    const struct resource_modify_request *body = q->body;
    const struct resource *found;
    struct resource *resource;

    rc_ref(&q->rc, "RscDfn", q->var[VAR_RESOURCE]);
    rc_ref(&q->rc, "Node", q->var[VAR_NODE]);
    found = request_get_resource(q, q->var[VAR_RESOURCE], q->var[VAR_NODE]);
    if (!found)
        return -1;
    resource = txn_edit(q->txn, found);
    if (props_modify(q, PROP_ON_RESOURCE, &resource->object.props, &PROPS_CHANGE(body)) != 0)
        return -1;
    rc_ref(&q->rc, "UUID", resource->object.uuid);
    return rc_add(&q->rc, MODIFIED,
                  .message =
                      rc_text(&q->rc, "Resource '%s' on node '%s' modified.", q->var[VAR_RESOURCE], q->var[VAR_NODE]),
                  .details = rc_text(&q->rc, "UUID is: %s", resource->object.uuid));
}

static int delete_resource(struct request *q)
{
    const struct resource_definition *definition = model_find_definition(q->model, q->var[VAR_RESOURCE]);
    const struct resource *resource = request_find_resource(q, definition, q->var[VAR_NODE]);
    struct resource *edited;

    rc_ref(&q->rc, "RscDfn", q->var[VAR_RESOURCE]);
    rc_ref(&q->rc, "Node", q->var[VAR_NODE]);
    if (!resource)
        return rc_add(
            &q->rc, WARN_NOT_FOUND,
            .message = rc_text(&q->rc, "Resource '%s' on node '%s' not found.", q->var[VAR_RESOURCE], q->var[VAR_NODE]),
            .details = "Nothing was deleted.");
    edited = txn_edit(q->txn, resource);
    edited->object.flags |= RESOURCE_DELETE;
    edited->authority =
        rc_text(&q->rc, "DELETE /v1/resource-definitions/%s/resources/%s", definition->name, q->var[VAR_NODE]);
    return rc_add(&q->rc, DELETED,
                  .message = rc_text(&q->rc, "Resource '%s' on node '%s' deleted.", definition->name, q->var[VAR_NODE]),
                  .details = nvme_is_used(resource)
                                 ? "Its data go after the last resource that uses its volumes over NVMe was deleted."
                                 : rc_text(&q->rc, "UUID was: %s", resource->object.uuid));
}

static bool next_volume(struct request *q, struct listing *listing, void *doc, struct arena *arena)
{
    const struct resource_definition *definition = model_find_definition(q->model, q->var[VAR_RESOURCE]);
    const struct resource *resource = request_find_resource(q, definition, q->var[VAR_NODE]);

    if (!resource || listing->position >= resource->volumes.count)
        return false;
    view_volume(resource, &resource->volumes.at[listing->position++], doc, arena);
    return true;
}

static int list_volumes(struct request *q)
{
    if (!request_get_resource(q, q->var[VAR_RESOURCE], q->var[VAR_NODE]))
        return -1;
    request_reply_list(q, &volume_doc_schema, next_volume);
    return 0;
}

static const struct volume *get_volume(struct request *q, const struct resource *resource)
{
    const struct volume *volume = resource_find_volume(resource, q->volume_number);

    if (!volume)
        rc_add(&q->rc, FAIL_NOT_FOUND_VLM,
               .message = rc_text(&q->rc, "Volume %d of resource '%s' on node '%s' not found.", q->volume_number,
                                  q->var[VAR_RESOURCE], q->var[VAR_NODE]));
    return volume;
}

static int show_volume(struct request *q)
{
    const struct resource *resource = request_get_resource(q, q->var[VAR_RESOURCE], q->var[VAR_NODE]);
    const struct volume *volume = resource ? get_volume(q, resource) : NULL;
    struct volume_doc *doc = arena_alloc(&q->arena, sizeof(*doc));

    if (!volume)
        return -1;
    view_volume(resource, volume, doc, &q->arena);
    return request_reply(q, &volume_doc_schema, doc);
}

static int modify_volume(struct request *q)
{
    const struct props_modify_request *body = q->body;
    const struct resource *found;
    const struct volume *volume;
    struct resource *resource;

    rc_ref(&q->rc, "RscDfn", q->var[VAR_RESOURCE]);
    rc_ref(&q->rc, "Node", q->var[VAR_NODE]);
    rc_ref(&q->rc, "VlmNr", q->var[VAR_VOLUME_NUMBER]);
    found = request_get_resource(q, q->var[VAR_RESOURCE], q->var[VAR_NODE]);
    volume = found ? get_volume(q, found) : NULL;
    if (!volume)
        return -1;
    resource = txn_edit(q->txn, found);
    for (uint32_t i = 0; i < resource->volumes.count; i++)
        if (resource->volumes.at[i].number == q->volume_number &&
            props_modify(q, PROP_ON_VOLUME, &resource->volumes.at[i].props, &PROPS_CHANGE(body)) != 0)
            return -1;
    rc_ref(&q->rc, "UUID", volume->uuid);
    return rc_add(&q->rc, MODIFIED,
                  .message = rc_text(&q->rc, "Volume %d of resource '%s' on node '%s' modified.", q->volume_number,
                                     q->var[VAR_RESOURCE], q->var[VAR_NODE]),
                  .details = rc_text(&q->rc, "UUID is: %s", volume->uuid));
}

/* clang-format off */
#define RESOURCES "/v1/resource-definitions/{resource}/resources"
const struct route resource_routes[] = {
    { "GET",    "/v1/view/resources",   view_resources,  0, NULL, 200, 0 },
    { "GET",    RESOURCES,              list_resources,  0, NULL, 200, 0 },
    { "POST",   RESOURCES,              create_many,     ROUTE_WRITE | ROUTE_SETTLE | ROUTE_BODY_JSON, NULL, 201, MASK_CRT | MASK_RSC },
    { "GET",    RESOURCES "/{node}",    show_resource,   0, NULL, 200, 0 },
    { "POST",   RESOURCES "/{node}",    create_on_node,  ROUTE_WRITE | ROUTE_SETTLE, &resource_create_request_schema, 201,
        MASK_CRT | MASK_RSC },
    { "PUT",    RESOURCES "/{node}",    modify_resource, ROUTE_WRITE | ROUTE_SETTLE, &resource_modify_request_schema, 200,
        MASK_MOD | MASK_RSC },
    { "DELETE", RESOURCES "/{node}",    delete_resource, ROUTE_WRITE | ROUTE_SETTLE, NULL, 200, MASK_DEL | MASK_RSC },
    { "GET",    RESOURCES "/{node}/volumes", list_volumes, 0, NULL, 200, 0 },
    { "GET",    RESOURCES "/{node}/volumes/{volume}", show_volume, 0, NULL, 200, 0 },
    { "PUT",    RESOURCES "/{node}/volumes/{volume}", modify_volume, ROUTE_WRITE | ROUTE_SETTLE, &props_modify_request_schema, 200,
        MASK_MOD | MASK_VLM },
    { 0 },
};
