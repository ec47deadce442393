/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/controller/rest_node.h"

#include <string.h>

#include "base/text.h"
#include "model/layer.h"
#include "roles/controller/props.h"
#include "roles/controller/rest_net_interface.h"
#include "roles/controller/routes.h"
#include "roles/controller/session.h"
#include "roles/controller/view.h"

enum { CONNECT_WAIT_MS = 1000, RECONNECT_WAIT_MS = 2000, NAMES_SHOWN = 20 };
/* LINSTOR: the number of a state of connections stands for what happened */
enum { NODE_AUTHENTICATED = 9 };

static bool next_node(struct request *q, struct listing *listing, void *doc, struct arena *arena)
{
    const struct object *object =
        object_after(model_root(q->model), KIND_NODE, listing->outer[0] ? listing->outer : NULL);
    const struct node *node = (const struct node *)object;

    if (!object)
        return false;
    strcpy(listing->outer, object->node[0].key);
    if (!request_query_admits(q, "nodes", node->name) || !request_query_admits_props(q, &object->props))
        return listing_pass(listing);
    view_node(node, doc, arena);
    return true;
}

static int list_nodes(struct request *q)
{
    request_reply_list(q, &node_doc_schema, next_node);
    return 0;
}

static int get_node(struct request *q)
{
    const struct node *node = request_get_node(q, q->var[VAR_NODE]);
    struct node_doc *doc = arena_alloc(&q->arena, sizeof(*doc));

    if (!node)
        return -1;
    view_node(node, doc, &q->arena);
    return request_reply(q, &node_doc_schema, doc);
}

static void add_diskless_pool(struct request *q, const struct node *node)
{
    const struct storage_pool_definition *definition = model_find_pool_definition(q->model, PROVIDER_DISKLESS_POOL);
    struct storage_pool *pool;
    char key[OBJECT_KEY_SIZE];

    (void)model_key(PROVIDER_DISKLESS_POOL, key);
    if (!definition) {
        struct storage_pool_definition *made =
            txn_new(q->txn, KIND_STORAGE_POOL_DEFINITION, model_root(q->model), NULL, key);

        made->name = arena_strdup(&q->arena, PROVIDER_DISKLESS_POOL);
        definition = made;
    }
    pool = txn_new(q->txn, KIND_STORAGE_POOL, node, definition, key);
    pool->provider = arena_strdup(&q->arena, provider_kind_name(PROVIDER_DISKLESS));
}

static bool has_satellite(uint64_t type)
{
    return type == NODE_SATELLITE || type == NODE_COMBINED;
}

static int parse_type(struct request *q, const char *text, uint64_t *type)
{
    if (enum_parse(node_type_names, text, type))
        return 0;
    return rc_add(&q->rc, FAIL_INVLD_NODE_TYPE, .message = rc_text(&q->rc, "'%s' is not a type of node.", text),
                  .cause = "The type is unknown.",
                  .correction = "Give one of Controller, Satellite, Combined, Auxiliary.");
}

static int check_new_node(struct request *q, const struct node_request *body, uint64_t *type)
{
    rc_ref(&q->rc, "Node", body->name);
    if (request_check_name(q, NAME_NODE, body->name ? body->name : "") != 0)
        return -1;
    if (model_find_node(q->model, body->name))
        return rc_add(&q->rc, FAIL_EXISTS_NODE,
                      .message = rc_text(&q->rc, "A node with the name '%s' exists already.", body->name),
                      .cause = "Names of nodes are unique, in any case.",
                      .correction = "Choose another name, or use the existing node.");
    *type = NODE_SATELLITE;
    if (body->type && parse_type(q, body->type, type) != 0)
        return -1;
    if (body->net_interfaces.count == 0)
        return rc_add(&q->rc, FAIL_MISSING_NETCOM,
                      .message = rc_text(&q->rc, "Node '%s' needs at least one net interface.", body->name),
                      .cause = "The request names none.", .correction = "Give the address of the node.");
    return 0;
}

/* The first of the request that can reach a satellite is the one that does. */
static int add_interfaces(struct request *q, struct node *node, const struct node_request *body)
{
    const struct net_interface *active = NULL;

    for (uint32_t i = 0; i < body->net_interfaces.count; i++) {
        const struct net_interface *interface = net_interface_add(q, node, &body->net_interfaces.at[i]);

        if (!interface)
            return -1;
        if (!active && interface->satellite_port.has)
            active = interface;
    }
    if (!active)
        return rc_add(
            &q->rc, FAIL_NO_STLT_CONN_DEFINED,
            .message = rc_text(&q->rc, "No net interface of node '%s' tells how to reach its satellite.", node->name),
            .correction = "Give satellite_port and satellite_encryption_type of one interface.");
    net_interface_activate(q, node, active);
    return 0;
}

static int create_node(struct request *q)
{
    const struct node_request *body = q->body;
    char key[OBJECT_KEY_SIZE];
    uint64_t type;
    struct node *node;

    if (check_new_node(q, body, &type) != 0 || !model_key(body->name, key))
        return -1;
    node = txn_new(q->txn, KIND_NODE, model_root(q->model), NULL, key);
    node->name = body->name;
    node->type = (uint32_t)type;
    if (props_set(q, PROP_ON_NODE, &node->object.props, &body->props) != 0 || add_interfaces(q, node, body) != 0 ||
        props_check_interfaces(q, PROP_ON_NODE, &body->props, node) != 0)
        return -1;
    rc_ref(&q->rc, "UUID", node->object.uuid);
    rc_add(&q->rc, CREATED, .message = rc_text(&q->rc, "New node '%s' registered.", node->name),
           .details = rc_text(&q->rc, "Node '%s' UUID is: %s", node->name, node->object.uuid));
    rc_unref(&q->rc, "UUID");
    if (has_satellite(type)) {
        add_diskless_pool(q, node);
        request_settle_node(q, node, CONNECT_WAIT_MS);
    }
    return 0;
}

/* True when the change makes it a node with a satellite. */
static int change_type(struct request *q, struct node *node, const char *text, bool *becomes_satellite)
{
    uint64_t type;

    if (parse_type(q, text, &type) != 0)
        return -1;
    if (!has_satellite(type) && object_count(&node->object, KIND_STORAGE_POOL) > 0)
        return rc_add(&q->rc, FAIL_INVLD_STOR_DRIVER,
                      .message = rc_text(&q->rc, "Node '%s' cannot become a node of type '%s'.", node->name, text),
                      .cause = "It has storage pools, which need a satellite.",
                      .correction =
                          "Delete the node and create it again, or delete its resources and storage pools first.");
    *becomes_satellite = has_satellite(type) && !has_satellite(node->type);
    node->type = (uint32_t)type;
    return 0;
}

/* LINSTOR: whatever port it had before is forgotten. */
static void begin_satellite(struct request *q, struct node *node)
{
    const struct net_interface *interface = session_interface(node);

    if (interface)
        net_interface_reset_port(q, interface);
    if (!model_find_pool(node, PROVIDER_DISKLESS_POOL))
        add_diskless_pool(q, node);
    rc_add(&q->rc, MASK_MOD | MASK_NODE,
           .message = rc_text(&q->rc, "Connecting to the satellite of node '%s'.", node->name));
    request_settle_node(q, node, CONNECT_WAIT_MS);
}

static int modify_node(struct request *q)
{
    const struct node_modify_request *body = q->body;
    bool becomes_satellite = false;
    const struct node *found;
    struct node *node;

    rc_ref(&q->rc, "Node", q->var[VAR_NODE]);
    found = request_get_node(q, q->var[VAR_NODE]);
    if (!found)
        return -1;
    node = txn_edit(q->txn, found);
    if (body->node_type && change_type(q, node, body->node_type, &becomes_satellite) != 0)
        return -1;
    if (props_modify(q, PROP_ON_NODE, &node->object.props, &PROPS_CHANGE(body)) != 0 ||
        props_check_interfaces(q, PROP_ON_NODE, &body->override_props, node) != 0)
        return -1;
    rc_ref(&q->rc, "UUID", node->object.uuid);
    rc_add(&q->rc, MODIFIED, .message = rc_text(&q->rc, "Node '%s' modified.", node->name),
           .details = rc_text(&q->rc, "Node '%s' UUID is: %s", node->name, node->object.uuid));
    rc_unref(&q->rc, "UUID");
    if (becomes_satellite)
        begin_satellite(q, node);
    else if (session_is_online(node))
        rc_add(&q->rc, MODIFIED, .message = rc_text(&q->rc, "(%s) Node changes applied.", node->name));
    return 0;
}

static int warn_no_node(struct request *q)
{
    return rc_add(&q->rc, WARN_NOT_FOUND,
                  .message = rc_text(&q->rc, "Deletion of node '%s' had no effect.", q->var[VAR_NODE]),
                  .cause = rc_text(&q->rc, "Node '%s' does not exist.", q->var[VAR_NODE]),
                  .details = rc_text(&q->rc, "Node: %s", q->var[VAR_NODE]));
}

/* What a user's request to delete a node allows: its resources go, with their data. Names of the first; empty: none. */
static const char *delete_resources(struct request *q, const struct node *node)
{
    CLEANUP(buf_done) struct buf names = { 0 };
    uint32_t count = 0;

    child_for_each (resource, resource, &node->object, KIND_RESOURCE) {
        struct resource *edited = txn_edit(q->txn, resource);

        edited->object.flags |= RESOURCE_DELETE;
        edited->authority = rc_text(&q->rc, "DELETE /v1/nodes/%s", node->name);
        if (count++ < NAMES_SHOWN)
            buf_printf(&names, "%s%s", names.length > 0 ? ", " : "", resource_definition_of(resource)->name);
    }
    if (count > NAMES_SHOWN)
        buf_printf(&names, " and %u more", count - NAMES_SHOWN);
    return arena_strdup(&q->arena, buf_text(&names));
}

static int remove_node(struct request *q, const struct node *node)
{
    rc_add(&q->rc, DELETED, .message = rc_text(&q->rc, "Node '%s' deleted.", node->name),
           .details = rc_text(&q->rc, "Node '%s' UUID was: %s", node->name, node->object.uuid));
    txn_delete(q->txn, node);
    return 0;
}

static int delete_node(struct request *q)
{
    const struct node *node = request_find_node(q, q->var[VAR_NODE]);
    const char *resources;

    rc_ref(&q->rc, "Node", q->var[VAR_NODE]);
    if (!node)
        return warn_no_node(q);
    resources = delete_resources(q, node);
    if (!resources[0])
        return remove_node(q, node);
    ((struct node *)txn_edit(q->txn, node))->object.flags |= NODE_DELETE;
    return rc_add(&q->rc, DELETED, .message = rc_text(&q->rc, "Node '%s' marked for deletion.", node->name),
                  .details = rc_text(&q->rc,
                                     "Its resources are removed from it with their data, and it goes with the last of "
                                     "them: %s",
                                     resources));
}

static int lose_node(struct request *q)
{
    const struct node *node = request_find_node(q, q->var[VAR_NODE]);

    rc_ref(&q->rc, "Node", q->var[VAR_NODE]);
    if (!node)
        return warn_no_node(q);
    if (session_is_online(node))
        return rc_add(
            &q->rc, FAIL_EXISTS_NODE_CONN, .message = rc_text(&q->rc, "Node '%s' is still connected.", node->name),
            .correction = "Use the operation that deletes a node; only nodes that do not come back are lost.");
    return remove_node(q, node);
}

static int reconnect_node(struct request *q)
{
    const struct node *node;

    rc_ref(&q->rc, "Node", q->var[VAR_NODE]);
    node = request_get_node(q, q->var[VAR_NODE]);
    if (!node)
        return -1;
    if (session_is_online(node)) /* LINSTOR: the connection of a node that has none is not told to have been closed */
        rc_add(&q->rc, MASK_MOD | MASK_NODE,
               .message = rc_text(&q->rc, "The connection to node '%s' was closed and is opened again.", node->name));
    session_reconnect(node);
    request_settle_node(q, node, RECONNECT_WAIT_MS);
    return 0;
}

static void add_words(struct buf *text, const char *head, const struct text_list *words)
{
    buf_add_text(text, head);
    for (uint32_t i = 0; i < words->count; i++)
        buf_printf(text, "%s %s", i > 0 ? "," : "", words->at[i]);
}

static void say_connected(struct request *q, const struct node *node, const struct link_hello *hello)
{
    CLEANUP(buf_done) struct buf abilities = { 0 };

    add_words(&abilities, "Supported storage providers:", &hello->providers);
    add_words(&abilities, "\nSupported resource layers:", &hello->layers);
    rc_add(&q->rc, NODE_AUTHENTICATED, .message = rc_text(&q->rc, "Node '%s' authenticated", node->name),
           .details = buf_text(&abilities));
    if (hello->uname && !text_equal_fold(hello->uname, node->name))
        rc_add(&q->rc, INFO_NODE_NAME_MISMATCH,
               .message = rc_text(&q->rc, "Linstor node name '%s' and hostname '%s' doesn't match.", node->name,
                                  hello->uname));
}

bool node_settled(struct request *q, const char *name)
{
    const struct node *node = model_find_node(q->model, name);
    const struct link_hello *hello = node ? session_hello(node) : NULL;

    if (!node || !has_satellite(node->type))
        return true;
    if (session_trouble(node)) {
        rc_add(&q->rc, WARN_NOT_CONNECTED,
               .message = rc_text(&q->rc, "The satellite of node '%s' cannot be worked with.", node->name),
               .cause = arena_strdup(&q->arena, session_trouble(node)),
               .details = "The controller goes on trying to connect.");
        return true;
    }
    if (!session_is_online(node))
        return false;
    say_connected(q, node, hello);
    return true;
}

/* clang-format off */
#define CRT_NODE (MASK_CRT | MASK_NODE)
#define MOD_NODE (MASK_MOD | MASK_NODE)
#define DEL_NODE (MASK_DEL | MASK_NODE)
const struct route node_routes[] = {
    { "GET",    "/v1/nodes",                    list_nodes,     0, NULL, 200, 0 },
    { "POST",   "/v1/nodes",                    create_node,    ROUTE_WRITE, &node_request_schema, 201, CRT_NODE },
    { "GET",    "/v1/nodes/{node}",             get_node,       0, NULL, 200, 0 },
    { "PUT",    "/v1/nodes/{node}",             modify_node,    ROUTE_WRITE, &node_modify_request_schema, 200, MOD_NODE },
    { "DELETE", "/v1/nodes/{node}",             delete_node,    ROUTE_WRITE | ROUTE_SETTLE, NULL, 200, DEL_NODE },
    { "DELETE", "/v1/nodes/{node}/lost",        lose_node,      ROUTE_WRITE, NULL, 200, DEL_NODE },
    { "PUT",    "/v1/nodes/{node}/reconnect",   reconnect_node, 0, NULL, 200, MOD_NODE },
    { 0 },
};
