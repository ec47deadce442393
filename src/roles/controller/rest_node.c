/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nodes and their net interfaces. */
#include <string.h>

#include "base/text.h"
#include "model/layer.h"
#include "roles/controller/props.h"
#include "roles/controller/routes.h"
#include "roles/controller/session.h"
#include "roles/controller/view.h"

enum { CONNECT_WAIT_MS = 1000, DEFAULT_PLAIN_PORT = 3366, DEFAULT_TLS_PORT = 3367 };

#define DISKLESS_POOL "DfltDisklessStorPool"

/* LINSTOR: with SearchDomain a short name in a request that changes something stands for a full one. */
static const char *full_name(struct request *q, const char *name)
{
    const char *domain = text_map_find(&model_root(q->model)->props, "SearchDomain");

    if (!domain || !*domain || strchr(name, '.') || model_find_node(q->model, name))
        return name;
    return rc_text(&q->rc, "%s.%s", name, domain);
}

static bool next_node(struct request *q, struct listing *listing, void *doc, struct arena *arena)
{
    const struct object *root = model_root(q->model), *object;

    for (object = object_after(root, KIND_NODE, listing->outer[0] ? listing->outer : NULL); object;
         object = object_next(object, root)) {
        const struct node *node = (const struct node *)object;

        if (!request_query_admits(q, "nodes", node->name) || !request_query_admits_props(q, &object->props))
            continue;
        strcpy(listing->outer, object->node[0].key);
        view_node(node, doc, arena);
        return true;
    }
    return false;
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

static int check_address(struct request *q, const char *address)
{
    char why[NAME_WHY_SIZE];

    if (address && name_check_address(address, why, sizeof(why)) == 0)
        return 0;
    return rc_add(&q->rc, FAIL_INVLD_NET_ADDR,
                  .message = rc_text(&q->rc, "'%s' is not a network address.", address ? address : ""),
                  .cause = address ? why : "The net interface has no address.",
                  .correction = "Give a literal IPv4 or IPv6 address, such as 10.0.0.1.");
}

/* Port, encryption and address from a body into an interface under edit; what is absent stays. */
static int fill_interface(struct request *q, struct net_interface *interface, const struct net_interface_doc *body)
{
    if (body->address || !interface->address) {
        if (check_address(q, body->address) != 0)
            return -1;
        interface->address = arena_strdup(&q->arena, body->address);
        text_upper(interface->address); /* LINSTOR: shows IPv6 in upper case */
    }
    if (body->satellite_port.has) {
        if (body->satellite_port.value < 1 || body->satellite_port.value > 65535)
            return rc_add(&q->rc, FAIL_INVLD_NET_PORT,
                          .message = rc_text(&q->rc, "%d is not a TCP port.", body->satellite_port.value),
                          .correction = "Ports are 1 to 65535.");
        interface->satellite_port = body->satellite_port;
    }
    if (body->satellite_encryption_type) {
        if (!text_equal_fold(body->satellite_encryption_type, "PLAIN") &&
            !text_equal_fold(body->satellite_encryption_type, "SSL"))
            return rc_add(&q->rc, FAIL_INVLD_NET_TYPE,
                          .message = rc_text(&q->rc, "'%s' is not a kind of encryption.", body->satellite_encryption_type),
                          .correction = "Give PLAIN or SSL.");
        interface->encryption = arena_strdup(&q->arena, body->satellite_encryption_type);
        text_upper(interface->encryption);
    }
    return 0;
}

static struct net_interface *add_interface(struct request *q, const struct node *node, const struct net_interface_doc *body)
{
    struct net_interface *interface;
    char key[OBJECT_KEY_SIZE];

    if (request_check_name(q, NAME_NET_INTERFACE, body->name ? body->name : "") != 0)
        return NULL;
    if (model_find_net_interface(node, body->name)) {
        rc_add(&q->rc, FAIL_EXISTS_NET_IF,
               .message = rc_text(&q->rc, "Node '%s' has a net interface '%s' already.", node->name, body->name),
               .cause = "Names of net interfaces are unique on a node, in any case.");
        return NULL;
    }
    (void)model_key(body->name, key);
    interface = txn_new(q->txn, KIND_NET_INTERFACE, node, NULL, key);
    interface->name = body->name;
    return fill_interface(q, interface, body) == 0 ? interface : NULL;
}

static void add_diskless_pool(struct request *q, const struct node *node)
{
    const struct storage_pool_definition *definition = model_find_pool_definition(q->model, DISKLESS_POOL);
    struct storage_pool *pool;
    char key[OBJECT_KEY_SIZE];

    (void)model_key(DISKLESS_POOL, key);
    if (!definition) {
        struct storage_pool_definition *made = txn_new(q->txn, KIND_STORAGE_POOL_DEFINITION, model_root(q->model), NULL, key);

        made->name = arena_strdup(&q->arena, DISKLESS_POOL);
        definition = made;
    }
    pool = txn_new(q->txn, KIND_STORAGE_POOL, node, definition, key);
    pool->provider = arena_strdup(&q->arena, provider_kind_name(PROVIDER_DISKLESS));
}

static int check_new_node(struct request *q, const struct node_request *body, const char *name, uint64_t *type)
{
    if (request_check_name(q, NAME_NODE, name) != 0)
        return -1;
    rc_ref(&q->rc, "Node", name);
    if (model_find_node(q->model, name))
        return rc_add(&q->rc, FAIL_EXISTS_NODE, .message = rc_text(&q->rc, "A node with the name '%s' exists already.", name),
                      .cause = "Names of nodes are unique, in any case.", .details = rc_text(&q->rc, "Node: %s", name),
                      .correction = "Choose another name, or use the existing node.");
    *type = NODE_SATELLITE;
    if (body->type && !enum_parse(node_type_names, body->type, type))
        return rc_add(&q->rc, FAIL_INVLD_NODE_TYPE, .message = rc_text(&q->rc, "'%s' is not a type of node.", body->type),
                      .cause = "The type is unknown.",
                      .correction = "Give one of Controller, Satellite, Combined, Auxiliary.");
    if (body->net_interfaces.count == 0)
        return rc_add(&q->rc, FAIL_MISSING_NETCOM,
                      .message = rc_text(&q->rc, "Node '%s' needs at least one net interface.", name),
                      .cause = "The request names none.", .correction = "Give the address of the node.");
    return 0;
}

static int create_node(struct request *q)
{
    const struct node_request *body = q->body;
    const char *name = full_name(q, body->name ? body->name : "");
    char key[OBJECT_KEY_SIZE];
    uint64_t type;
    struct node *node;
    const struct net_interface *active;
    bool has_satellite;

    if (check_new_node(q, body, name, &type) != 0 || !model_key(name, key))
        return -1;
    node = txn_new(q->txn, KIND_NODE, model_root(q->model), NULL, key);
    node->name = arena_strdup(&q->arena, name);
    node->type = (uint32_t)type;
    if (props_set(q, PROP_ON_NODE, &node->object.props, &body->props) != 0)
        return -1;
    for (uint32_t i = 0; i < body->net_interfaces.count; i++)
        if (!add_interface(q, node, &body->net_interfaces.at[i]))
            return -1;
    active = session_interface(node);
    for (uint32_t i = 0; i < body->net_interfaces.count && active; i++) {
        const struct net_interface *interface = model_find_net_interface(node, body->net_interfaces.at[i].name);

        if (interface->satellite_port.has && interface->encryption) {
            active = interface; /* the first of the request, not of the alphabet */
            break;
        }
    }
    if (!active)
        return rc_add(&q->rc, FAIL_NO_STLT_CONN_DEFINED,
                      .message = rc_text(&q->rc, "No net interface of node '%s' tells how to reach its satellite.", name),
                      .correction = "Give satellite_port and satellite_encryption_type of one interface.");
    text_map_set(&node->object.props, "CurStltConnName", active->name, &q->arena);
    has_satellite = type == NODE_SATELLITE || type == NODE_COMBINED;
    if (has_satellite)
        add_diskless_pool(q, node);
    rc_ref(&q->rc, "UUID", node->object.uuid);
    rc_add(&q->rc, CREATED, .message = rc_text(&q->rc, "New node '%s' registered.", name),
           .details = rc_text(&q->rc, "Node '%s' UUID is: %s", name, node->object.uuid));
    rc_unref(&q->rc, "UUID");
    if (has_satellite)
        request_settle_node(q, node, CONNECT_WAIT_MS);
    return 0;
}

/* LINSTOR: a node that cannot reach quorum of anything may still be changed from one type to any other that fits. */
static int change_type(struct request *q, struct node *node, const char *text)
{
    uint64_t type;

    if (!enum_parse(node_type_names, text, &type))
        return rc_add(&q->rc, FAIL_INVLD_NODE_TYPE, .message = rc_text(&q->rc, "'%s' is not a type of node.", text),
                      .cause = "The type is unknown.",
                      .correction = "Give one of Controller, Satellite, Combined, Auxiliary.");
    if ((type == NODE_CONTROLLER || type == NODE_AUXILIARY) && object_count(&node->object, KIND_RESOURCE) > 0)
        return rc_add(&q->rc, FAIL_INVLD_NODE_TYPE,
                      .message = rc_text(&q->rc, "Node '%s' has resources, which need a satellite.", node->name),
                      .correction = "Delete the resources of the node first.");
    node->type = (uint32_t)type;
    return 0;
}

static int modify_node(struct request *q)
{
    const struct node_modify_request *body = q->body;
    const struct node *found = request_get_node(q, full_name(q, q->var[VAR_NODE]));
    struct node *node;

    rc_ref(&q->rc, "Node", q->var[VAR_NODE]);
    if (!found)
        return -1;
    node = txn_edit(q->txn, found);
    if (body->node_type && change_type(q, node, body->node_type) != 0)
        return -1;
    if (props_modify(q, PROP_ON_NODE, &node->object.props, &PROPS_CHANGE(body)) != 0)
        return -1;
    rc_ref(&q->rc, "UUID", node->object.uuid);
    return rc_add(&q->rc, MODIFIED, .message = rc_text(&q->rc, "Node '%s' modified.", node->name),
                  .details = rc_text(&q->rc, "Node '%s' UUID is: %s", node->name, node->object.uuid));
}

static int warn_no_node(struct request *q)
{
    return rc_add(&q->rc, WARN_NOT_FOUND,
                  .message = rc_text(&q->rc, "Deletion of node '%s' had no effect.", q->var[VAR_NODE]),
                  .cause = rc_text(&q->rc, "Node '%s' does not exist.", q->var[VAR_NODE]),
                  .details = rc_text(&q->rc, "Node: %s", q->var[VAR_NODE]));
}

static int delete_node(struct request *q)
{
    const char *name = full_name(q, q->var[VAR_NODE]);
    const struct node *node = model_find_node(q->model, name);
    bool has_resources = false;

    rc_ref(&q->rc, "Node", name);
    if (!node)
        return warn_no_node(q);
    child_for_each(resource, resource, &node->object, KIND_RESOURCE) {
        struct resource *edited = txn_edit(q->txn, resource);

        edited->object.flags |= RESOURCE_DELETE;
        edited->authority = rc_text(&q->rc, "DELETE /v1/nodes/%s", node->name);
        has_resources = true;
    }
    if (!has_resources) {
        rc_add(&q->rc, DELETED, .message = rc_text(&q->rc, "Node '%s' deleted.", node->name),
               .details = rc_text(&q->rc, "Node '%s' UUID was: %s", node->name, node->object.uuid));
        txn_delete(q->txn, node);
        return 0;
    }
    ((struct node *)txn_edit(q->txn, node))->object.flags |= NODE_DELETE;
    return rc_add(&q->rc, DELETED, .message = rc_text(&q->rc, "Node '%s' marked for deletion.", node->name),
                  .details = "It goes with the last of its resources.");
}

static int lose_node(struct request *q)
{
    const char *name = full_name(q, q->var[VAR_NODE]);
    const struct node *node = model_find_node(q->model, name);

    rc_ref(&q->rc, "Node", name);
    if (!node)
        return warn_no_node(q);
    if (session_is_online(node))
        return rc_add(&q->rc, FAIL_EXISTS_NODE_CONN,
                      .message = rc_text(&q->rc, "Node '%s' is still connected.", node->name),
                      .correction = "Use the operation that deletes a node; only nodes that do not come back are lost.");
    rc_add(&q->rc, DELETED, .message = rc_text(&q->rc, "Node '%s' deleted.", node->name),
           .details = rc_text(&q->rc, "Node '%s' UUID was: %s", node->name, node->object.uuid));
    txn_delete(q->txn, node);
    return 0;
}

static int reconnect_node(struct request *q)
{
    const struct node *node = request_get_node(q, q->var[VAR_NODE]);

    rc_ref(&q->rc, "Node", q->var[VAR_NODE]);
    if (!node)
        return -1;
    session_reconnect(node);
    request_settle_node(q, node, CONNECT_WAIT_MS);
    return rc_add(&q->rc, MODIFIED, .message = rc_text(&q->rc, "Node '%s' is reconnected.", node->name));
}

static bool next_interface(struct request *q, struct listing *listing, void *doc, struct arena *arena)
{
    const struct node *node = model_find_node(q->model, q->var[VAR_NODE]);
    const struct object *object =
        node ? object_after(&node->object, KIND_NET_INTERFACE, listing->outer[0] ? listing->outer : NULL) : NULL;

    (void)arena;
    if (!object)
        return false;
    strcpy(listing->outer, object->node[0].key);
    view_net_interface((const struct net_interface *)object, doc);
    return true;
}

static int list_interfaces(struct request *q)
{
    if (!request_get_node(q, q->var[VAR_NODE]))
        return -1;
    request_reply_list(q, &net_interface_doc_schema, next_interface);
    return 0;
}

static const struct net_interface *get_interface(struct request *q)
{
    const struct node *node = request_get_node(q, full_name(q, q->var[VAR_NODE]));
    const struct net_interface *interface = node ? model_find_net_interface(node, q->var[VAR_INTERFACE]) : NULL;

    if (node && !interface)
        rc_add(&q->rc, FAIL_NOT_FOUND_NET_IF,
               .message = rc_text(&q->rc, "Net interface '%s' of node '%s' not found.", q->var[VAR_INTERFACE], node->name));
    return interface;
}

static int show_interface(struct request *q)
{
    const struct net_interface *interface = get_interface(q);
    struct net_interface_doc *doc = arena_alloc(&q->arena, sizeof(*doc));

    if (!interface)
        return -1;
    view_net_interface(interface, doc);
    return request_reply(q, &net_interface_doc_schema, doc);
}

static int say_interface(struct request *q, const struct net_interface *interface, int64_t code, const char *what)
{
    rc_ref(&q->rc, "UUID", interface->object.uuid);
    return rc_add(&q->rc, code, .message = rc_text(&q->rc, "Net interface '%s' %s.", interface->name, what),
                  .details = rc_text(&q->rc, "Net interface '%s' UUID is: %s", interface->name, interface->object.uuid));
}

static void activate(struct request *q, const struct node *node, const struct net_interface *interface)
{
    struct node *edited = txn_edit(q->txn, node);

    text_map_set(&edited->object.props, "CurStltConnName", interface->name, &q->arena);
}

static int create_interface(struct request *q)
{
    const struct net_interface_doc *body = q->body;
    const struct node *node = request_get_node(q, full_name(q, q->var[VAR_NODE]));
    const struct net_interface *interface;

    rc_ref(&q->rc, "Node", q->var[VAR_NODE]);
    if (!node || !(interface = add_interface(q, node, body)))
        return -1;
    if ((body->is_active.has && body->is_active.value) || !session_interface(node))
        activate(q, node, interface);
    return say_interface(q, interface, CREATED, "created");
}

static int modify_interface(struct request *q)
{
    const struct net_interface_doc *body = q->body;
    const struct net_interface *found;
    struct net_interface *interface;

    rc_ref(&q->rc, "Node", q->var[VAR_NODE]);
    found = get_interface(q);
    if (!found)
        return -1;
    interface = txn_edit(q->txn, found);
    if (fill_interface(q, interface, body) != 0)
        return -1;
    if (body->is_active.has && body->is_active.value)
        activate(q, (const struct node *)found->object.parent[0], interface);
    return say_interface(q, interface, MODIFIED, "modified");
}

static int delete_interface(struct request *q)
{
    const struct node *node = request_get_node(q, full_name(q, q->var[VAR_NODE]));
    const struct net_interface *interface = node ? model_find_net_interface(node, q->var[VAR_INTERFACE]) : NULL;

    rc_ref(&q->rc, "Node", q->var[VAR_NODE]);
    if (!node)
        return -1;
    if (!interface)
        return rc_add(&q->rc, WARN_NOT_FOUND,
                      .message = rc_text(&q->rc, "Node '%s' has no net interface '%s'.", node->name, q->var[VAR_INTERFACE]),
                      .details = "Nothing was deleted.");
    if (interface == session_interface(node)) /* the reference lets it go, and the node is cut off for good */
        return rc_add(&q->rc, FAIL_IN_USE,
                      .message = rc_text(&q->rc, "Net interface '%s' is the one by which node '%s' is reached.",
                                         interface->name, node->name),
                      .correction = "Make another net interface of the node active first.");
    say_interface(q, interface, DELETED, "deleted");
    txn_delete(q->txn, interface);
    return 0;
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
    { "GET",    "/v1/nodes/{node}/net-interfaces", list_interfaces, 0, NULL, 200, 0 },
    { "POST",   "/v1/nodes/{node}/net-interfaces", create_interface, ROUTE_WRITE, &net_interface_doc_schema, 201,
        MASK_CRT | MASK_NET_IF },
    { "GET",    "/v1/nodes/{node}/net-interfaces/{interface}", show_interface, 0, NULL, 200, 0 },
    { "PUT",    "/v1/nodes/{node}/net-interfaces/{interface}", modify_interface, ROUTE_WRITE, &net_interface_doc_schema, 200,
        MASK_MOD | MASK_NET_IF },
    { "DELETE", "/v1/nodes/{node}/net-interfaces/{interface}", delete_interface, ROUTE_WRITE, NULL, 200,
        MASK_DEL | MASK_NET_IF },
    { 0 },
};
