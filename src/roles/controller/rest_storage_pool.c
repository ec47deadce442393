/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Storage pools and their definitions. */
#include <inttypes.h>
#include <string.h>

#include "api/controller.h"
#include "base/text.h"
#include "model/layer.h"
#include "roles/controller/props.h"
#include "roles/controller/rest_storage_pool.h"
#include "roles/controller/routes.h"
#include "roles/controller/session.h"
#include "roles/controller/view.h"

enum { REFRESH_WAIT_MS = 3000 };

/* LINSTOR: what older clients send in place of PROVIDER_POOL_PROPERTY; with two of them, "group/pool". */
static const char *const old_name_keys[] = {
    "StorDriver/LvmVg", "StorDriver/ThinPool", "StorDriver/ZPool", "StorDriver/ZPoolThin", "StorDriver/FileDir",
};

static void fold_old_keys(struct request *q, struct text_map *props)
{
    const char *name = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(old_name_keys); i++) {
        const char *value = text_map_find(props, old_name_keys[i]);

        if (!value)
            continue;
        name = name ? rc_text(&q->rc, "%s/%s", name, value) : arena_strdup(&q->arena, value);
        text_map_remove(props, old_name_keys[i]);
    }
    if (name && !text_map_find(props, PROVIDER_POOL_PROPERTY))
        text_map_set(props, PROVIDER_POOL_PROPERTY, name, &q->arena);
}

/* The next of the pools of a node or of a definition. */
static bool next_pool_of(struct request *q, struct listing *listing, const struct object *parent, void *doc,
                         struct arena *arena)
{
    const struct object *object = object_after(parent, KIND_STORAGE_POOL, listing->inner[0] ? listing->inner : NULL);
    const struct storage_pool *pool = (const struct storage_pool *)object;

    if (!object)
        return false;
    strcpy(listing->inner, object_key_in(object, parent));
    if (!request_query_admits(q, "nodes", storage_pool_node(pool)->name) ||
        !request_query_admits(q, "storage_pools", storage_pool_name(pool)) ||
        !request_query_admits_props(q, &object->props))
        return listing_pass(listing);
    view_storage_pool(pool, doc, arena);
    return true;
}

static bool next_pool_in_node(struct request *q, struct listing *listing, void *doc, struct arena *arena)
{
    const struct node *node = model_find_node(q->model, q->var[VAR_NODE]);

    return node && next_pool_of(q, listing, &node->object, doc, arena);
}

/* LINSTOR: by name of pool first, then by node. */
static bool next_pool(struct request *q, struct listing *listing, void *doc, struct arena *arena)
{
    const struct object *root = model_root(q->model);
    const struct object *object =
        listing->is_inside ? object_find(root, KIND_STORAGE_POOL_DEFINITION, listing->outer) : NULL;

    if (!object)
        object = object_after(root, KIND_STORAGE_POOL_DEFINITION, listing->outer[0] ? listing->outer : NULL);
    if (!object)
        return false;
    if (strcmp(listing->outer, object->node[0].key) != 0) {
        strcpy(listing->outer, object->node[0].key);
        listing->inner[0] = '\0';
    }
    listing->is_inside = next_pool_of(q, listing, object, doc, arena);
    return listing->is_inside || listing_pass(listing);
}

/* Without cached=true the satellites are asked for their capacities first; the answer waits for them, but not long. */
static void refresh(struct request *q, const struct node *only)
{
    if (request_query_bool(q, "cached", false))
        return;
    q->refresh_token = ++q->service->next_token;
    model_for_each(node, node, q->model, KIND_NODE)
    {
        const struct object *pool = object_first(&node->object, KIND_STORAGE_POOL);

        if ((only && node != only) || !pool || !session_is_online(node) ||
            !request_query_admits(q, "nodes", node->name))
            continue;
        session_refresh(node, q->refresh_token);
        request_settle_pool(q, (const struct storage_pool *)pool);
    }
    q->deadline_ms = REFRESH_WAIT_MS;
}

static int list_all_pools(struct request *q)
{
    if (request_check_query_nodes(q) != 0)
        return -1;
    refresh(q, NULL);
    request_reply_list(q, &storage_pool_doc_schema, next_pool);
    return 0;
}

static int list_pools(struct request *q)
{
    const struct node *node = request_get_node(q, q->var[VAR_NODE]);

    if (!node)
        return -1;
    refresh(q, node);
    request_reply_list(q, &storage_pool_doc_schema, next_pool_in_node);
    return 0;
}

static void no_pool(struct request *q, const char *node)
{
    rc_add(&q->rc, FAIL_NOT_FOUND_STOR_POOL,
           .message = rc_text(&q->rc, "Storage pool '%s' on node '%s' not found.", q->var[VAR_POOL], node),
           .cause = "The node has no storage pool of that name.",
           .correction = "Check the name, or create the storage pool first.");
}

static int show_pool(struct request *q)
{
    const struct node *node = request_get_node(q, q->var[VAR_NODE]);
    const struct storage_pool *pool = node ? model_find_pool(node, q->var[VAR_POOL]) : NULL;
    struct storage_pool_doc *doc = arena_alloc(&q->arena, sizeof(*doc));

    if (!pool) {
        if (node)
            no_pool(q, node->name);
        return -1;
    }
    view_storage_pool(pool, doc, &q->arena);
    return request_reply(q, &storage_pool_doc_schema, doc);
}

static int check_shared(struct request *q, const struct storage_pool_request *body, enum provider_kind provider)
{
    const char *shared = body->free_space_mgr_name ? body->free_space_mgr_name : body->shared_space;

    if (!shared || !*shared)
        return 0;
    if (request_check_name(q, NAME_SHARED_SPACE, shared) != 0)
        return -1;
    if (provider == PROVIDER_DISKLESS || provider_can(provider, PROVIDER_SHARED))
        return 0;
    if (body->external_locking.has &&
        body->external_locking.value) /* LINSTOR: whoever locks elsewhere may share anything */
        return 0;
    return rc_add(&q->rc, FAIL_INVLD_STOR_DRIVER,
                  .message = rc_text(&q->rc, "Storage pools of kind %s cannot share their space with other nodes.",
                                     provider_kind_name(provider)),
                  .correction = "Leave out the name of the shared space.");
}

static const struct storage_pool_definition *get_or_make_definition(struct request *q, const char *name)
{
    const struct storage_pool_definition *found = model_find_pool_definition(q->model, name);
    struct storage_pool_definition *definition;
    char key[OBJECT_KEY_SIZE];

    if (found)
        return found;
    (void)model_key(name, key);
    definition = txn_new(q->txn, KIND_STORAGE_POOL_DEFINITION, model_root(q->model), NULL, key);
    definition->name = arena_strdup(&q->arena, name);
    return definition;
}

static int check_supported(struct request *q, const struct node *node, enum provider_kind provider)
{
    const struct link_hello *hello = session_hello(node);
    const char *name = provider_kind_name(provider), *reason;

    if ((node->type != NODE_SATELLITE && node->type != NODE_COMBINED) || provider_can(provider, PROVIDER_SPECIAL_NODE))
        return rc_add(&q->rc, FAIL_INVLD_STOR_DRIVER,
                      .message = rc_text(&q->rc, "Node '%s' is of a type that has no storage pools of kind %s.",
                                         node->name, name));
    if (!session_is_online(node) || !hello || provider == PROVIDER_DISKLESS ||
        text_list_has_fold(&hello->providers, name))
        return 0;
    reason = text_map_find(&hello->unsupported, name);
    return rc_add(&q->rc, FAIL_STLT_DOES_NOT_SUPPORT_PROVIDER,
                  .message =
                      rc_text(&q->rc, "Satellite '%s' does not support storage pools of kind %s.", node->name, name),
                  .cause = reason, .correction = "Install what is missing on the node, then reconnect it.");
}

int storage_pool_create(struct request *q)
{
    const struct storage_pool_request *body = q->body;
    const struct node *node;
    const struct storage_pool_definition *definition;
    enum provider_kind provider;
    struct storage_pool *pool;
    char key[OBJECT_KEY_SIZE];

    if (!body->provider_kind || !provider_kind_parse(body->provider_kind, &provider)) {
        CLEANUP(buf_done) struct buf known = { 0 };

        provider_kinds_print(&known);
        q->failure_status = 400;
        return rc_add(&q->rc, FAIL_INVLD_LAYER_KIND, .is_bare = true,
                      .message = rc_text(&q->rc, "'%s' is not a kind of storage pool.",
                                         body->provider_kind ? body->provider_kind : ""),
                      .correction = rc_text(&q->rc, "Give one of %s.", buf_text(&known)));
    }
    rc_ref(&q->rc, "Node", q->var[VAR_NODE]);
    if (body->storage_pool_name)
        rc_ref(&q->rc, "StorPoolDfn", body->storage_pool_name);
    if (request_check_name(q, NAME_STORAGE_POOL, body->storage_pool_name ? body->storage_pool_name : "") != 0 ||
        !(node = request_get_node(q, q->var[VAR_NODE])))
        return -1;
    if (model_find_pool(node, body->storage_pool_name))
        return rc_add(&q->rc, FAIL_EXISTS_STOR_POOL,
                      .message = rc_text(&q->rc, "Node '%s' has a storage pool '%s' already.", node->name,
                                         body->storage_pool_name));
    if (check_supported(q, node, provider) != 0 || check_shared(q, body, provider) != 0)
        return -1;
    definition = get_or_make_definition(q, body->storage_pool_name);
    (void)model_key(definition->name, key);
    pool = txn_new(q->txn, KIND_STORAGE_POOL, node, definition, key);
    pool->provider = arena_strdup(&q->arena, provider_kind_name(provider));
    pool->shared_name = body->free_space_mgr_name ? body->free_space_mgr_name : body->shared_space;
    pool->external_locking = body->external_locking.has && body->external_locking.value;
    if (props_set(q, PROP_ON_STORAGE_POOL, &pool->object.props, &body->props) != 0)
        return -1;
    fold_old_keys(q, &pool->object.props);
    if (provider_rows[provider].granularity_kib > 0)
        text_map_set(&pool->object.props, "StorDriver/internal/AllocationGranularity",
                     arena_printf(&q->arena, "%" PRId64, provider_rows[provider].granularity_kib), &q->arena);
    rc_ref(&q->rc, "UUID", pool->object.uuid);
    rc_add(&q->rc, CREATED,
           .message = rc_text(&q->rc, "New storage pool '%s' on node '%s' registered.", definition->name, node->name),
           .details = rc_text(&q->rc, "Storage pool '%s' on node '%s' UUID is: %s", definition->name, node->name,
                              pool->object.uuid));
    rc_unref(&q->rc, "UUID");
    request_settle_pool(q, pool);
    return 0;
}

static const struct storage_pool_definition *get_definition(struct request *q)
{
    const struct storage_pool_definition *definition = model_find_pool_definition(q->model, q->var[VAR_POOL]);

    if (!definition)
        rc_add(&q->rc, FAIL_NOT_FOUND_STOR_POOL_DFN,
               .message = rc_text(&q->rc, "Storage pool definition '%s' not found.", q->var[VAR_POOL]),
               .cause = "There is no storage pool definition of that name.",
               .correction = "Check the name, or create the storage pool definition first.");
    return definition;
}

/* A preferred network interface must exist. */
static int check_interface(struct request *q, const struct node *node, const struct text_map *props)
{
    const char *name = text_map_find(props, "PrefNic");

    if (!name || model_find_net_interface(node, name))
        return 0;
    return rc_add(&q->rc, FAIL_INVLD_PROP,
                  .message = rc_text(&q->rc, "Node '%s' has no net interface '%s'.", node->name, name),
                  .correction = "Give the name of one of its net interfaces for PrefNic.");
}

static int modify_pool(struct request *q)
{
    const struct props_modify_request *body = q->body;
    const struct node *node;
    const struct storage_pool *found;
    struct storage_pool *pool;

    rc_ref(&q->rc, "Node", q->var[VAR_NODE]);
    rc_ref(&q->rc, "StorPoolDfn", q->var[VAR_POOL]);
    if (!(node = request_get_node(q, q->var[VAR_NODE])))
        return -1;
    if (!model_find_pool_definition(q->model, q->var[VAR_POOL]))
        return get_definition(q) ? 0 : -1;
    if (!(found = model_find_pool(node, q->var[VAR_POOL]))) {
        no_pool(q, node->name);
        return -1;
    }
    pool = txn_edit(q->txn, found);
    if (check_interface(q, node, &body->override_props) != 0 ||
        props_modify(q, PROP_ON_STORAGE_POOL, &pool->object.props, &PROPS_CHANGE(body)) != 0)
        return -1;
    fold_old_keys(q, &pool->object.props);
    rc_ref(&q->rc, "UUID", pool->object.uuid);
    rc_add(&q->rc, MODIFIED,
           .message = rc_text(&q->rc, "Storage pool '%s' on node '%s' modified.", storage_pool_name(pool), node->name),
           .details = rc_text(&q->rc, "UUID is: %s", pool->object.uuid));
    rc_unref(&q->rc, "UUID");
    request_settle_pool(q, pool);
    return 0;
}

static int delete_pool(struct request *q)
{
    const struct node *node = request_find_node(q, q->var[VAR_NODE]);
    const struct storage_pool *pool = node ? model_find_pool(node, q->var[VAR_POOL]) : NULL;

    rc_ref(&q->rc, "Node", q->var[VAR_NODE]);
    rc_ref(&q->rc, "StorPoolDfn", q->var[VAR_POOL]);
    if (text_equal_fold(q->var[VAR_POOL], PROVIDER_DISKLESS_POOL))
        return rc_add(&q->rc, FAIL_INVLD_STOR_POOL_NAME,
                      .message = "The storage pool '" PROVIDER_DISKLESS_POOL "' cannot be deleted.",
                      .details = "Every node needs it for resources without a disk.");
    if (!pool)
        return rc_add(
            &q->rc, WARN_NOT_FOUND,
            .message = rc_text(&q->rc, "Storage pool '%s' on node '%s' not found.", q->var[VAR_POOL], q->var[VAR_NODE]),
            .cause = "There is no such storage pool.", .details = "Nothing was deleted.");
    if (pool->volume_count > 0)
        return rc_add(&q->rc, FAIL_IN_USE,
                      .message = rc_text(&q->rc, "The storage pool '%s' on node '%s' holds %u volumes.",
                                         storage_pool_name(pool), node->name, pool->volume_count),
                      .correction = "Delete or move the resources that use it first.");
    rc_ref(&q->rc, "UUID", pool->object.uuid);
    rc_add(&q->rc, DELETED,
           .message = rc_text(&q->rc, "Storage pool '%s' on node '%s' deleted.", storage_pool_name(pool), node->name),
           .details = rc_text(&q->rc, "UUID was: %s", pool->object.uuid));
    txn_delete(q->txn, pool);
    return 0;
}

static bool next_definition(struct request *q, struct listing *listing, void *doc, struct arena *arena)
{
    const struct object *root = model_root(q->model);
    const struct object *object =
        object_after(root, KIND_STORAGE_POOL_DEFINITION, listing->outer[0] ? listing->outer : NULL);
    const struct storage_pool_definition *definition = (const struct storage_pool_definition *)object;

    (void)arena;
    if (!object)
        return false;
    strcpy(listing->outer, object->node[0].key);
    if (text_equal_fold(definition->name, PROVIDER_DISKLESS_POOL)) /* LINSTOR: not listed */
        return listing_pass(listing);
    view_pool_definition(definition, doc);
    return true;
}

static int list_definitions(struct request *q)
{
    request_reply_list(q, &storage_pool_definition_doc_schema, next_definition);
    return 0;
}

static int show_definition(struct request *q)
{
    const struct storage_pool_definition *definition = get_definition(q);
    struct storage_pool_definition_doc *doc = arena_alloc(&q->arena, sizeof(*doc));

    if (!definition)
        return -1;
    view_pool_definition(definition, doc);
    return request_reply(q, &storage_pool_definition_doc_schema, doc);
}

static int say_definition(struct request *q, const struct storage_pool_definition *definition, int64_t code,
                          const char *what)
{
    rc_ref(&q->rc, "UUID", definition->object.uuid);
    return rc_add(
        &q->rc, code, .message = rc_text(&q->rc, "Storage pool definition '%s' %s.", definition->name, what),
        .details = rc_text(&q->rc, "Storage pool definition '%s' UUID: %s", definition->name, definition->object.uuid));
}

static int create_definition(struct request *q)
{
    const struct storage_pool_definition_doc *body = q->body;
    struct storage_pool_definition *definition;
    char key[OBJECT_KEY_SIZE];

    rc_ref(&q->rc, "StorPoolDfn", body->storage_pool_name);
    if (request_check_name(q, NAME_STORAGE_POOL, body->storage_pool_name ? body->storage_pool_name : "") != 0)
        return -1;
    if (model_find_pool_definition(q->model, body->storage_pool_name))
        return rc_add(&q->rc, FAIL_EXISTS_STOR_POOL_DFN,
                      .message = rc_text(&q->rc, "A storage pool definition with the name '%s' exists already.",
                                         body->storage_pool_name),
                      .cause = "Names of storage pool definitions are unique, in any case.");
    (void)model_key(body->storage_pool_name, key);
    definition = txn_new(q->txn, KIND_STORAGE_POOL_DEFINITION, model_root(q->model), NULL, key);
    definition->name = body->storage_pool_name;
    if (props_set(q, PROP_ON_STORAGE_POOL_DEFINITION, &definition->object.props, &body->props) != 0)
        return -1;
    rc_strip_refs(&q->rc);
    return say_definition(q, definition, CREATED, "created");
}

static int modify_definition(struct request *q)
{
    const struct props_modify_request *body = q->body;
    const struct storage_pool_definition *found;
    struct storage_pool_definition *definition;

    rc_ref(&q->rc, "StorPoolDfn", q->var[VAR_POOL]);
    if (!(found = get_definition(q)))
        return -1;
    definition = txn_edit(q->txn, found);
    if (props_modify(q, PROP_ON_STORAGE_POOL_DEFINITION, &definition->object.props, &PROPS_CHANGE(body)) != 0)
        return -1;
    return say_definition(q, definition, MODIFIED, "modified");
}

static int delete_definition(struct request *q)
{
    const struct storage_pool_definition *definition;

    rc_ref(&q->rc, "StorPoolDfn", q->var[VAR_POOL]);
    if (!(definition = get_definition(q))) /* LINSTOR: 404, unlike other deletions of what is not there */
        return -1;
    if (text_equal_fold(definition->name, PROVIDER_DISKLESS_POOL))
        return rc_add(&q->rc, FAIL_IN_USE, .message = "The definition '" PROVIDER_DISKLESS_POOL "' cannot be deleted.",
                      .cause = "Every node has a storage pool of that name for resources without a disk.");
    if (object_count(&definition->object, KIND_STORAGE_POOL) > 0)
        return rc_add(&q->rc, FAIL_IN_USE,
                      .message = rc_text(&q->rc, "Storage pool definition '%s' has storage pools on %u nodes.",
                                         definition->name, object_count(&definition->object, KIND_STORAGE_POOL)),
                      .correction = "Remove the storage pools first.");
    say_definition(q, definition, DELETED, "deleted");
    txn_delete(q->txn, definition);
    return 0;
}

/* clang-format off */
const struct route storage_pool_routes[] = {
    { "GET",    "/v1/view/storage-pools",                list_all_pools, 0, NULL, 200, 0 },
    { "GET",    "/v1/nodes/{node}/storage-pools",        list_pools,  0, NULL, 200, 0 },
    { "POST",   "/v1/nodes/{node}/storage-pools",        storage_pool_create, ROUTE_WRITE, &storage_pool_request_schema, 201,
        MASK_CRT | MASK_STOR_POOL },
    { "GET",    "/v1/nodes/{node}/storage-pools/{pool}", show_pool,   0, NULL, 200, 0 },
    { "PUT",    "/v1/nodes/{node}/storage-pools/{pool}", modify_pool, ROUTE_WRITE, &props_modify_request_schema, 200,
        MASK_MOD | MASK_STOR_POOL },
    { "DELETE", "/v1/nodes/{node}/storage-pools/{pool}", delete_pool, ROUTE_WRITE, NULL, 200, MASK_DEL | MASK_STOR_POOL },
    { "GET",    "/v1/storage-pool-definitions",          list_definitions,  0, NULL, 200, 0 },
    { "POST",   "/v1/storage-pool-definitions",          create_definition, ROUTE_WRITE,
        &storage_pool_definition_doc_schema, 201, MASK_CRT | MASK_STOR_POOL_DFN },
    { "GET",    "/v1/storage-pool-definitions/{pool}",   show_definition,   0, NULL, 200, 0 },
    { "PUT",    "/v1/storage-pool-definitions/{pool}",   modify_definition, ROUTE_WRITE, &props_modify_request_schema, 200,
        MASK_MOD | MASK_STOR_POOL_DFN },
    { "DELETE", "/v1/storage-pool-definitions/{pool}",   delete_definition, ROUTE_WRITE, NULL, 200,
        MASK_DEL | MASK_STOR_POOL_DFN },
    { 0 },
};
