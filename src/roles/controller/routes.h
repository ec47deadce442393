/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every operation of REST is a row in one of these tables; routes.c finds it. A table ends with a row without method.
 */
#pragma once

#include "roles/controller/request.h"

extern const struct route config_routes[];
extern const struct route controller_routes[];
extern const struct route metrics_routes[];
extern const struct route net_interface_routes[];
extern const struct route node_routes[];
extern const struct route orphan_routes[];
extern const struct route physical_routes[];
extern const struct route place_routes[];
extern const struct route property_info_routes[];
extern const struct route report_routes[];
extern const struct route resource_definition_routes[];
extern const struct route resource_group_routes[];
extern const struct route resource_routes[];
extern const struct route storage_pool_routes[];
extern const struct route unserved_routes[];
extern const struct route volume_definition_routes[];

extern const struct route *const route_tables[];
extern const size_t route_table_count;
