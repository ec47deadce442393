/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Net interfaces of nodes: what creating a node and changing its interfaces share. */
#pragma once

#include "api/node.h"
#include "roles/controller/request.h"

/* NULL when rc says why not. */
struct net_interface *net_interface_add(struct request *q, const struct node *node,
                                        const struct net_interface_doc *body);
/* The satellite of the node is reached by this interface from now on. */
void net_interface_activate(struct request *q, struct node *node, const struct net_interface *interface);
/* The satellite is looked for at the port where satellites listen by default. */
void net_interface_reset_port(struct request *q, const struct net_interface *interface);
