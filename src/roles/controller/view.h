/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From objects of the model to documents of REST. Texts are those of the model: a document is encoded before the turn
 * ends. */
#pragma once

#include "api/node.h"
#include "api/resource.h"
#include "api/resource_definition.h"
#include "api/resource_group.h"
#include "api/storage_pool.h"
#include "model/model.h"

void view_node(const struct node *node, struct node_doc *doc, struct arena *arena);
void view_net_interface(const struct net_interface *interface, struct net_interface_doc *doc);
void view_storage_pool(const struct storage_pool *pool, struct storage_pool_doc *doc, struct arena *arena);
void view_pool_definition(const struct storage_pool_definition *definition, struct storage_pool_definition_doc *doc);
void view_group(const struct resource_group *group, struct resource_group_doc *doc, struct arena *arena);
void view_volume_group(const struct volume_group *group, struct volume_group_doc *doc, struct arena *arena);
void view_definition(const struct resource_definition *definition, bool with_volumes,
                     struct resource_definition_doc *doc, struct arena *arena);
struct drbd_definition_doc *view_drbd_definition(const struct resource_definition *definition, struct arena *arena);
void view_volume_definition(const struct volume_definition *volume, struct volume_definition_doc *doc,
                            struct arena *arena);
void view_resource(const struct resource *resource, bool with_volumes, struct resource_doc *doc, struct arena *arena);
void view_volume(const struct resource *resource, const struct volume *volume, struct volume_doc *doc,
                 struct arena *arena);
/* One of the reports of an object; the texts are those of trouble. */
void view_trouble(struct rc_doc *report, int64_t code, const struct trouble *trouble, struct arena *arena);
/* What the satellite said of that volume last; NULL when it said nothing. */
const struct volume_fact *view_find_fact(const struct resource *resource, int32_t number);
/* The names of the flags that are set, in the order of the kind. */
struct text_list view_flags(const struct enum_name *names, uint64_t flags, struct arena *arena);
