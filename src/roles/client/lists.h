/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lists that commands show, each in the file of its objects. */
#pragma once

#include "roles/client/list.h"

extern const struct list list_nodes, list_net_interfaces;                          /* list_node.c */
extern const struct list list_storage_pools, list_max_volume_sizes;                /* list_storage_pool.c */
extern const struct list list_resource_groups, list_volume_groups, list_size_info; /* list_group.c */
extern const struct list list_resource_definitions, list_volume_definitions;       /* list_definition.c */
extern const struct list list_resources, list_volumes;                             /* list_resource.c */
extern const struct list list_physical_storage;                                    /* list_physical.c */
extern const struct list list_error_reports;                                       /* list_error_report.c */
