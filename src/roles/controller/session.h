/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The controller's side of the link with one satellite: dialling the interface that the node names, hello, the
 * difference of what both hold, reports. node->runtime is the session; nodes that have no satellite have none.
 */
#pragma once

#include "model/disk.h"
#include "model/model.h"
#include "net/link.h"
#include "roles/controller/service.h"

struct session;

/* After a change of the node or its interfaces: dials, dials elsewhere, or ends what is not wanted any more. */
void session_update(struct service *service, const struct node *node);
void session_end(const struct node *node);
void session_reconnect(const struct node *node);

/* The link is up and the satellite told what it has after receiving everything. */
bool session_is_online(const struct node *node);
/* Why it will not come online by itself: the satellite refuses this controller, or cannot be understood. NULL: not so.
 */
const char *session_trouble(const struct node *node);
/* As REST spells it: "ONLINE", "OFFLINE", ... */
const char *session_status(const struct node *node);
const char *session_last_error(const struct node *node); /* why it is not online, as far as it is known; else "" */
int32_t session_attempts(const struct node *node);
/* What the satellite said in its hello; NULL while it never did. */
const struct link_hello *session_hello(const struct node *node);
/* Asks for fresh capacities; the report that answers raises session_refreshed() to token. */
void session_refresh(const struct node *node, int64_t token);
int64_t session_refreshed(const struct node *node);
/* What lies in the node's pools and is wanted by nobody, as last reported; orphans only, the rest is empty. It is not
 * complete when there are too many to be kept. NULL: none known. */
const struct report *session_orphans(const struct node *node);
/* NULL: it is none of them. Who asks for its removal sets its trouble, which is of an earlier attempt, to NULL. */
struct orphan_fact *session_find_orphan(const struct node *node, const char *pool, const char *identifier);
void session_forget_pool(const struct node *node); /* one of the node's pools went: what was reported of it, too */
/* Asks for the node's disks; session_disks gives the answer when its token is this one. */
void session_ask_disks(const struct node *node, int64_t token);
const struct disks *session_disks(const struct node *node, int64_t token); /* NULL: not yet */
/* Has a device pool made; want->token tells requests apart. session_device_pool gives the answer once. */
void session_make_device_pool(const struct node *node, const struct device_pool_want *want);
struct device_pool_fact *session_take_device_pool(const struct node *node, int64_t token); /* NULL: not yet; free() */
/* For wants.c: whether wants may be sent, and sending them. */
bool session_is_synchronised(const struct node *node);
/* The master key, while it is known: once in a connection, before the first want that needs it, and to none that has no
 * encrypted volume. */
void session_send_key(const struct node *node);
struct outbox **session_outbox(const struct node *node); /* wants.c's, while its turn lasts; there must be a session */
void session_send_wants(const struct node *node, const struct wants *wants);
/* The interface that is dialled: the one CurStltConnName names, else the first that can be. NULL when there is none. */
const struct net_interface *session_interface(const struct node *node);
