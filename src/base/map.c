/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The balancing is that of the red-black tree macros which libuv installs. */
#include "base/map.h"

#include <string.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#include <uv/tree.h>
#pragma GCC diagnostic pop

struct map_head {
    struct map_node *rbh_root;
};

static int compare(const struct map_node *a, const struct map_node *b)
{
    return strcmp(a->key, b->key);
}

RB_GENERATE_STATIC(map_head, map_node, tree, compare)

struct map_node *map_find(const struct map *map, const char *key)
{
    struct map_node *node = map->root;

    while (node) {
        int order = strcmp(key, node->key);

        if (order == 0)
            return node;
        node = order < 0 ? node->tree.rbe_left : node->tree.rbe_right;
    }
    return NULL;
}

struct map_node *map_after(const struct map *map, const char *key)
{
    struct map_node *node = map->root, *best = NULL;

    if (!key)
        return map_first(map);
    while (node) {
        if (strcmp(key, node->key) < 0) {
            best = node;
            node = node->tree.rbe_left;
        } else {
            node = node->tree.rbe_right;
        }
    }
    return best;
}

_Bool map_insert(struct map *map, struct map_node *node)
{
    struct map_head head = { map->root };

    if (map_head_RB_INSERT(&head, node) != NULL)
        return 0;
    map->root = head.rbh_root;
    map->count++;
    return 1;
}

void map_remove(struct map *map, struct map_node *node)
{
    struct map_head head = { map->root };

    map_head_RB_REMOVE(&head, node);
    map->root = head.rbh_root;
    map->count--;
}

struct map_node *map_first(const struct map *map)
{
    struct map_node *node = map->root;

    while (node && node->tree.rbe_left)
        node = node->tree.rbe_left;
    return node;
}

struct map_node *map_next(const struct map_node *node)
{
    struct map_node *next;

    if (node->tree.rbe_right) {
        for (next = node->tree.rbe_right; next->tree.rbe_left; next = next->tree.rbe_left)
            ;
        return next;
    }
    for (next = node->tree.rbe_parent; next && node == next->tree.rbe_right; next = next->tree.rbe_parent)
        node = next;
    return next;
}
