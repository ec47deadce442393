/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/controller/rest_net_interface.h"

#include <string.h>

#include "base/text.h"
#include "roles/controller/routes.h"
#include "roles/controller/session.h"
#include "roles/controller/view.h"

#define ACTIVE_KEY "CurStltConnName"

static const struct {
    const char *name;
    int32_t port; /* where satellites listen by default */
} encryptions[] = { { "PLAIN", 3366 }, { "SSL", 3367 } };

/* The row's index, or -1. */
static int find_encryption(const char *text)
{
    for (size_t i = 0; i < ARRAY_SIZE(encryptions); i++)
        if (text_equal_fold(encryptions[i].name, text))
            return (int)i;
    return -1;
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
static int fill(struct request *q, struct net_interface *interface, const struct net_interface_doc *body)
{
    int encryption;

    if (body->address || !interface->address) {
        if (check_address(q, body->address) != 0)
            return -1;
        interface->address = arena_strdup(&q->arena, body->address);
        text_upper(interface->address); /* LINSTOR: shows IPv6 in upper case */
    }
    /* LINSTOR: how a satellite is reached is told whole, or nothing of it counts. */
    if (!body->satellite_port.has || !body->satellite_encryption_type)
        return 0;
    if (body->satellite_port.value < 1 || body->satellite_port.value > 65535)
        return rc_add(&q->rc, FAIL_INVLD_NET_PORT,
                      .message = rc_text(&q->rc, "%d is not a TCP port.", body->satellite_port.value),
                      .correction = "Ports are 1 to 65535.");
    encryption = find_encryption(body->satellite_encryption_type);
    if (encryption < 0)
        return rc_add(&q->rc, FAIL_INVLD_NET_TYPE,
                      .message = rc_text(&q->rc, "'%s' is not a kind of encryption.", body->satellite_encryption_type),
                      .correction = "Give PLAIN or SSL.");
    interface->satellite_port = body->satellite_port;
    interface->encryption = arena_strdup(&q->arena, encryptions[encryption].name);
    return 0;
}

struct net_interface *net_interface_add(struct request *q, const struct node *node,
                                        const struct net_interface_doc *body)
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
    return fill(q, interface, body) == 0 ? interface : NULL;
}

void net_interface_activate(struct request *q, struct node *node, const struct net_interface *interface)
{
    text_map_set(&node->object.props, ACTIVE_KEY, interface->name, &q->arena);
}

void net_interface_reset_port(struct request *q, const struct net_interface *interface)
{
    struct net_interface *edited = txn_edit(q->txn, interface);
    int encryption = edited->encryption ? find_encryption(edited->encryption) : -1;

    if (encryption >= 0)
        edited->satellite_port = (struct maybe_i32)MAYBE(encryptions[encryption].port);
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
    const struct node *node = request_get_node(q, q->var[VAR_NODE]);
    const struct net_interface *interface = node ? model_find_net_interface(node, q->var[VAR_INTERFACE]) : NULL;

    if (node && !interface)
        rc_add(&q->rc, FAIL_NOT_FOUND_NET_IF,
               .message =
                   rc_text(&q->rc, "Net interface '%s' of node '%s' not found.", q->var[VAR_INTERFACE], node->name));
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

static int say(struct request *q, const struct net_interface *interface, int64_t code, const char *what)
{
    rc_ref(&q->rc, "UUID", interface->object.uuid);
    return rc_add(&q->rc, code, .message = rc_text(&q->rc, "Net interface '%s' %s.", interface->name, what),
                  .details =
                      rc_text(&q->rc, "Net interface '%s' UUID is: %s", interface->name, interface->object.uuid));
}

static int create_interface(struct request *q)
{
    const struct net_interface_doc *body = q->body;
    const struct node *node;
    const struct net_interface *interface;

    rc_ref(&q->rc, "Node", q->var[VAR_NODE]);
    node = request_get_node(q, q->var[VAR_NODE]);
    interface = node ? net_interface_add(q, node, body) : NULL;
    if (!interface)
        return -1;
    if ((body->is_active.has && body->is_active.value) || !session_interface(node))
        net_interface_activate(q, txn_edit(q->txn, node), interface);
    return say(q, interface, CREATED, "created");
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
    if (fill(q, interface, body) != 0)
        return -1;
    if (body->is_active.has && body->is_active.value)
        net_interface_activate(q, txn_edit(q->txn, found->object.parent[0]), interface);
    return say(q, interface, MODIFIED, "modified");
}

/* By which the satellite could be reached without the one. */
static const struct net_interface *other_way(const struct node *node, const struct net_interface *without)
{
    child_for_each (net_interface, interface, &node->object, KIND_NET_INTERFACE)
        if (interface != without && interface->satellite_port.has && interface->encryption)
            return interface;
    return NULL;
}

static int delete_interface(struct request *q)
{
    const struct net_interface *interface, *other;
    const struct node *node;
    bool is_in_use;

    rc_ref(&q->rc, "Node", q->var[VAR_NODE]);
    node = request_get_node(q, q->var[VAR_NODE]);
    if (!node)
        return -1;
    interface = model_find_net_interface(node, q->var[VAR_INTERFACE]);
    if (!interface)
        return rc_add(&q->rc, WARN_NOT_FOUND,
                      .message =
                          rc_text(&q->rc, "Node '%s' has no net interface '%s'.", node->name, q->var[VAR_INTERFACE]),
                      .cause = "There is no net interface of that name.", .details = "Nothing was deleted.");
    other = other_way(node, interface);
    is_in_use = interface == session_interface(node);
    if (is_in_use && !other) /* the reference lets it go, and the node is cut off for good */
        return rc_add(&q->rc, FAIL_IN_USE,
                      .message = rc_text(&q->rc, "Net interface '%s' is the only one by which node '%s' is reached.",
                                         interface->name, node->name),
                      .correction = "Give another net interface of the node a port and a kind of encryption first.");
    if (is_in_use)
        net_interface_activate(q, txn_edit(q->txn, node), other);
    say(q, interface, DELETED, "deleted");
    txn_delete(q->txn, interface);
    return 0;
}

/* clang-format off */
#define INTERFACES "/v1/nodes/{node}/net-interfaces"
const struct route net_interface_routes[] = {
    { "GET",    INTERFACES, list_interfaces, 0, NULL, 200, 0 },
    { "POST",   INTERFACES, create_interface, ROUTE_WRITE, &net_interface_doc_schema, 201, MASK_CRT | MASK_NET_IF },
    { "GET",    INTERFACES "/{interface}", show_interface, 0, NULL, 200, 0 },
    { "PUT",    INTERFACES "/{interface}", modify_interface, ROUTE_WRITE, &net_interface_doc_schema, 200, MASK_MOD | MASK_NET_IF },
    { "DELETE", INTERFACES "/{interface}", delete_interface, ROUTE_WRITE, NULL, 200, MASK_DEL | MASK_NET_IF },
    { 0 },
};
