/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Placement: fills the autoplacer's arrays (model/autoplace.h) from the model and from what the controller knows of its
 * satellites, and words the outcome. Decides only: whoever asks makes the resources and the answer. What a result
 * points to lives in the arena or in the model.
 */
#pragma once

#include "base/arena.h"
#include "model/autoplace.h"
#include "model/model.h"

/* What the model does not know. */
struct placement_runtime {
    void *owner;
    bool (*is_online)(void *owner, const struct node *node);
    uint32_t (*layers)(void *owner, const struct node *node);    /* 1 << enum layer_kind */
    uint32_t (*providers)(void *owner, const struct node *node); /* 1 << enum provider_kind */
    bool (*can_mix)(void *owner, const struct node *node);       /* providers of other sorts on peers; NULL: no node */
};

struct placement_request {
    const struct resource_definition *definition;
    const struct select_filter *filter; /* of the request; NULL: none. What it names wins over the group's filter */
    int32_t additional_count;           /* > 0: so many more, whatever the place count says */
};

enum placement_outcome {
    PLACEMENT_FOUND,
    PLACEMENT_COMPLETE, /* as many replicas as wanted are there */
    PLACEMENT_TOO_MANY, /* more than that */
    PLACEMENT_NO_COUNT, /* neither request nor group says how many */
    PLACEMENT_BAD_LAYERS,
    PLACEMENT_NOT_ENOUGH,
    PLACEMENT_UNDECIDABLE,
    PLACEMENT_BAD_PATTERN,
    PLACEMENT_GAVE_UP,
};

struct placement_result {
    enum placement_outcome outcome;
    int64_t code;                      /* for ret_code, without object and operation: CREATED, WARN_..., FAIL_... */
    const char *message, *details;     /* in every outcome; details may be NULL */
    const struct storage_pool **pools; /* found: one per new replica, by name of node. Where the node has a diskless
                                          resource of the definition, that is to get a disk */
    uint32_t pool_count;
    uint32_t deployed_count;     /* replicas that are there and count */
    struct layer_stack layers;   /* that the replicas are to have */
    struct select_filter filter; /* merged */
};

/* Each member from request where that names it, else from group. Either may be NULL. Nothing is copied but the struct.
 */
void placement_merge_filter(const struct select_filter *request, const struct select_filter *group,
                            struct select_filter *merged);

/* In a transaction or outside. The volumes' sizes are those of the definition. */
void placement_choose(const struct model *model, const struct placement_runtime *runtime,
                      const struct placement_request *request, struct arena *arena, struct placement_result *result);

struct placement_spawn {
    const struct storage_pool *pool;
    double ratio;                                /* MaxOversubscriptionRatio, as it applies to this pool */
    struct maybe_double free_ratio, total_ratio; /* where a property sets it */
};

/* One group, or group NULL: what the filter alone says. */
struct placement_size {
    enum placement_outcome outcome; /* FOUND, NO_COUNT, NOT_ENOUGH, ... */
    int64_t code;
    const char *message; /* NULL when found */
    const char *details;
    int64_t max_volume_kib;                             /* of the next volume; 0 when there is no place for one */
    int64_t available_kib, capacity_kib;                /* of all pools that may be used, divided by the place count */
    double default_ratio;                               /* of thin pools: the controller's MaxOversubscriptionRatio */
    struct maybe_double ratio, free_ratio, total_ratio; /* where the controller has the property */
    struct placement_spawn *spawns;                     /* where the next resource would go, by name of node */
    uint32_t spawn_count;
};
void placement_query_size(const struct model *model, const struct placement_runtime *runtime,
                          const struct resource_group *group, const struct select_filter *filter, struct arena *arena,
                          struct placement_size *size);

struct placement_candidate {
    const char *pool_name;
    int64_t max_volume_kib;
    struct text_list node_names; /* where a replica would go */
    bool all_thin;
};
struct placement_candidates {
    enum placement_outcome outcome;
    int64_t code;
    const char *message, *details; /* NULL when found */
    double default_ratio;
    LIST_OF(struct placement_candidate) list; /* by name of pool: what fits into pools of this name alone */
};
void placement_query_candidates(const struct model *model, const struct placement_runtime *runtime,
                                const struct resource_group *group, const struct select_filter *filter,
                                struct arena *arena, struct placement_candidates *candidates);
