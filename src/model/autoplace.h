/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The autoplacer: which storage pools get the replicas of a resource. A pure function over plain arrays; it knows no
 * model objects, reads no properties and changes nothing. Whoever calls it fills the arrays and owns them; results live
 * in the arena that is passed and point into the input.
 *
 * Whatever the outcome, the result says for each node and each pool which rule excluded it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/field.h"
#include "model/kinds.h"
#include "model/layer.h"

struct autoplace_node {
    const char *name;
    bool online;
    bool is_target;               /* false: AutoplaceTarget says no */
    bool can_mix;                 /* its DRBD copes with peers whose provider is of another sort */
    uint64_t flags;               /* NODE_DELETE, NODE_EVACUATE, ... */
    uint32_t layers, providers;   /* that it supports: 1 << enum layer_kind, 1 << enum provider_kind */
    const struct text_map *props; /* NULL: none */
    struct text_list resources; /* names of resources there that are not being deleted; needed only where the filter has
                                   not_place_with_rsc or its pattern */
};

struct autoplace_pool {
    uint32_t node; /* index */
    const char *name;
    const char *shared_name; /* NULL: not shared; compared with case */
    enum provider_kind provider;
    bool is_target;
    struct maybe_i64 free_kib, total_kib;
    int64_t reserved_kib; /* what its volumes may grow to */
    uint32_t resource_count;
    int64_t min_thin_free_kib;      /* read for thin providers only */
    double free_ratio, total_ratio; /* oversubscription; INFINITY is no limit */
};

/* One per pool that a replica of the same resource uses already, or one with PROVIDER_DISKLESS. */
struct autoplace_deployed {
    uint32_t node;
    enum provider_kind provider;
    const char *shared_name;
    bool leaving; /* being evacuated: occupies its node, but the others need not match it */
};

/* The ratings; each has a weight. The table is in autoplace.c. */
enum autoplace_strategy {
    AUTOPLACE_MAX_FREE_SPACE,
    AUTOPLACE_MIN_RESERVED_SPACE,
    AUTOPLACE_MIN_RESOURCE_COUNT,
    AUTOPLACE_STRATEGY_COUNT
};
extern const char *const autoplace_weight_keys[AUTOPLACE_STRATEGY_COUNT]; /* "Autoplacer/Weights/MaxFreeSpace" */
extern const double autoplace_default_weights[AUTOPLACE_STRATEGY_COUNT];

/* Ties of rating are broken by the order of the arrays: both are to be sorted by name, pools by node first. */
struct autoplace_input {
    const struct autoplace_node *nodes;
    const struct autoplace_pool *pools;
    const struct autoplace_deployed *deployed;
    uint32_t node_count, pool_count, deployed_count;
    const struct select_filter *filter; /* merged; place_count, layer_stack and diskless_on_remaining are not read */
    uint32_t need;                      /* how many replicas to place */
    uint32_t layers;                    /* that a node must support: 1 << enum layer_kind; 0 is fine */
    bool diskless;                      /* replicas without data */
    bool allow_mixing;                  /* AllowMixingStoragePoolDriver; counts between nodes that can_mix */
    int64_t size_kib;                   /* needed in one pool */
    double weights[AUTOPLACE_STRATEGY_COUNT];
    uint64_t max_steps; /* of the search; 0: AUTOPLACE_MAX_STEPS */
};
/* A step is one look at a pool or at a group of like nodes: some nanoseconds. */
enum { AUTOPLACE_MAX_STEPS = 4000000 };

enum autoplace_outcome {
    AUTOPLACE_FOUND,
    AUTOPLACE_NOT_ENOUGH,  /* no set of pools obeys all rules */
    AUTOPLACE_UNDECIDABLE, /* replicas already placed differ in what replicas_on_same names; see why */
    AUTOPLACE_BAD_PATTERN, /* not_place_with_rsc_regex cannot be read; see why */
    AUTOPLACE_GAVE_UP,     /* there may be a set, but max_steps did not suffice to find it */
};

/* In the order in which they are asked: the first that says no is the verdict. */
enum autoplace_rule {
    AUTOPLACE_SUITABLE,
    /* nodes */
    AUTOPLACE_NODE_OFFLINE,
    AUTOPLACE_NODE_DELETED, /* or evicted: is */
    AUTOPLACE_NODE_EVACUATED,
    AUTOPLACE_NODE_OCCUPIED, /* has a replica of this resource */
    AUTOPLACE_NODE_NOT_LISTED,
    AUTOPLACE_NODE_NOT_SAME,      /* key, wanted (NULL: any), is (NULL: has none) */
    AUTOPLACE_NODE_NOT_DIFFERENT, /* key, is */
    AUTOPLACE_NODE_NO_TARGET,
    AUTOPLACE_NODE_NO_LAYER, /* is: the layer */
    AUTOPLACE_NODE_NOT_WITH, /* is: the resource */
    AUTOPLACE_NODE_PATTERN,  /* is: the resource, wanted: the pattern */
    AUTOPLACE_NODE_NO_POOL,  /* no pool of the sort that is needed */
    /* pools */
    AUTOPLACE_POOL_OF_NODE,     /* its node is excluded */
    AUTOPLACE_POOL_SORT,        /* without backing device where one is needed, or the other way round */
    AUTOPLACE_POOL_UNSUPPORTED, /* is: provider that its node does not support now */
    AUTOPLACE_POOL_NOT_LISTED,
    AUTOPLACE_POOL_PROVIDER_NOT_LISTED, /* is: its provider */
    AUTOPLACE_POOL_NO_TARGET,
    AUTOPLACE_POOL_UNKNOWN_SPACE,
    AUTOPLACE_POOL_TOO_FULL,       /* have_kib, need_kib */
    AUTOPLACE_POOL_OVERSUBSCRIBED, /* have_kib by total ratio less what is reserved, need_kib */
    AUTOPLACE_POOL_THIN_RESERVE,   /* have_kib, need_kib: Autoplacer/MinThinFreeSpace */
    AUTOPLACE_POOL_SHARED,         /* is: the shared space, in which a replica lies already */
    AUTOPLACE_POOL_NO_MIX,         /* is: its provider, wanted: the one of a replica that is there */
};

struct autoplace_verdict {
    enum autoplace_rule rule;
    const char *key, *is, *wanted; /* NULL where the rule has none */
    int64_t have_kib, need_kib;
};

struct autoplace_result {
    enum autoplace_outcome outcome;
    uint32_t *chosen; /* indexes of pools, best rating first; need many when found, else none */
    uint32_t chosen_count;
    uint32_t suitable_count;                 /* nodes with at least one pool that no rule excludes */
    struct autoplace_verdict *nodes, *pools; /* like the input's arrays */
    int64_t *available_kib;                  /* of each pool: the largest volume that it may get */
    const char *why;                         /* a sentence; NULL when found or not enough */
    uint64_t steps;
};

void autoplace_run(const struct autoplace_input *input, struct arena *arena, struct autoplace_result *result);

/* The largest volume that may be put into the pool; 0 when its space is unknown. */
int64_t autoplace_available_kib(const struct autoplace_pool *pool);
/* Autoplacer/MinThinFreeSpace: "10%" of total_kib, "5GiB", "4096" (KiB). False when text says nothing of that kind. */
bool autoplace_parse_reserve(const char *text, int64_t total_kib, int64_t *kib);

/* One sentence about the node or the pool, without line end: "n1/thin: 2.0 GiB free, 4.0 GiB needed". */
void autoplace_explain_node(const struct autoplace_input *input, const struct autoplace_result *result, uint32_t node,
                            struct buf *out);
void autoplace_explain_pool(const struct autoplace_input *input, const struct autoplace_result *result, uint32_t pool,
                            struct buf *out);
/* Why there was no set: what was looked for, then every node and pool with its rule. At most max_lines of the latter,
   then how many more there are for each rule. */
void autoplace_explain(const struct autoplace_input *input, const struct autoplace_result *result, uint32_t max_lines,
                       struct buf *out);
