/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The autoplacer's arrays, filled from the model; a part of placement that nobody else needs. */
#pragma once

#include "roles/controller/placement.h"

struct placement_input {
    struct autoplace_input autoplace;
    const struct node **nodes;         /* like autoplace.nodes */
    const struct storage_pool **pools; /* like autoplace.pools */
    struct text_list deployed_names;   /* nodes with a replica that counts for the place count */
};

/* definition and group may be NULL. filter is merged and must live as long as the input. need and layers stay 0. */
void placement_input_fill(struct placement_input *input, const struct model *model,
                          const struct placement_runtime *runtime, const struct resource_definition *definition,
                          const struct resource_group *group, const struct select_filter *filter, struct arena *arena);

/* pool, its definition, the controller; what the property of that name sets, if any */
struct maybe_double placement_pool_ratio(const struct model *model, const struct storage_pool *pool, const char *key);
struct maybe_double placement_controller_ratio(const struct model *model, const char *key);

#define PLACEMENT_RATIO       "MaxOversubscriptionRatio"
#define PLACEMENT_FREE_RATIO  "MaxFreeCapacityOversubscriptionRatio"
#define PLACEMENT_TOTAL_RATIO "MaxTotalCapacityOversubscriptionRatio"
