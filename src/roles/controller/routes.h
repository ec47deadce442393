/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every operation of REST is a row in one of these tables; routes.c finds it. A table ends with a row without method.
 */
#pragma once

#include "roles/controller/request.h"

extern const struct route controller_routes[], unserved_routes[], orphan_routes[], node_routes[],
    net_interface_routes[], storage_pool_routes[], resource_group_routes[], resource_definition_routes[],
    volume_definition_routes[], resource_routes[], place_routes[], report_routes[], metrics_routes[], config_routes[];

extern const struct route *const route_tables[];
extern const size_t route_table_count;
