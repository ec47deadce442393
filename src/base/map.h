/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An ordered map of text to things that embed a map_node (a balanced tree; every operation is O(log n), in order of
 * bytes). The map owns nothing: key and node belong to the thing.
 */
#pragma once

#include <stddef.h>

struct map_node {
    const char *key;
    struct {
        struct map_node *rbe_left, *rbe_right, *rbe_parent;
        int rbe_color;
    } tree; /* named as the macros that balance it want */
};

struct map {
    struct map_node *root;
    size_t count;
};

struct map_node *map_find(const struct map *map, const char *key);
/* The first whose key is greater than key; NULL key: the first of all. */
struct map_node *map_after(const struct map *map, const char *key);
/* False, and nothing is changed, when the key is there already. node->key must be set. */
_Bool map_insert(struct map *map, struct map_node *node);
void map_remove(struct map *map, struct map_node *node);
struct map_node *map_first(const struct map *map);
struct map_node *map_next(const struct map_node *node);

#define map_for_each(node, map) for (struct map_node *node = map_first(map); node; node = map_next(node))
