/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The autoplacer's search: from pools in order of rating, the first combination that obeys the rules about
 * combinations. Part of model/autoplace.h; nobody else calls it.
 */
#pragma once

#include "model/autoplace.h"

/* "Nodes are grouped by the value of a property": one key of replicas_on_different or x_replicas_on_different. */
struct autoplace_spread {
    const char *key;
    int64_t limit; /* replicas on nodes with the same value */
    uint32_t value_count;
    const char **values; /* [value_count] */
    int64_t *left;       /* [value_count] how many more replicas may be there */
    bool *touched;       /* [value_count] a replica is there */
    int32_t *of_node;    /* [node_count] index of the node's value; -1: it has none, and may be taken always */
};

/* "All replicas on nodes with the same value": one key of replicas_on_same whose value is not known beforehand. */
struct autoplace_union {
    const char *key;
    uint32_t *of_node; /* [node_count] number of the node's value */
};

struct autoplace_search {
    const struct autoplace_input *input;
    const uint32_t *ranked; /* pools that no rule excludes, best rating first */
    uint32_t ranked_count;
    struct autoplace_spread *spreads;
    struct autoplace_union *unions;
    uint32_t spread_count, union_count;
};

/* Fills chosen (room for input->need) and counts steps. Spreads are left as they came. */
enum autoplace_outcome autoplace_search_run(const struct autoplace_search *search, struct arena *arena,
                                            uint32_t *chosen, uint64_t *steps);

/* Small numbers for equal bytes, in order of first sight. The bytes are not copied. */
struct autoplace_numbers {
    struct {
        const void *bytes;
        size_t size;
        uint32_t number;
    } * slots;
    uint32_t slot_count, count;
};
void autoplace_numbers_init(struct autoplace_numbers *numbers, uint32_t max_count, struct arena *arena);
uint32_t autoplace_numbers_get(struct autoplace_numbers *numbers, const void *bytes, size_t size);
