/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/map.h"
#include "base/memory.h"

enum { THINGS = 600 };

struct thing {
    struct map_node node;
    char key[16];
    bool is_in;
};

/* Height of the tree, which is -1 when links are broken. */
static int height(const struct map_node *node, const struct map_node *parent)
{
    int left, right;

    if (!node)
        return 0;
    assert_ptr_equal(node->tree.rbe_parent, parent);
    left = height(node->tree.rbe_left, node);
    right = height(node->tree.rbe_right, node);
    return 1 + (left > right ? left : right);
}

static void check_all(const struct map *map, const struct thing *things)
{
    const char *last = NULL;
    size_t count = 0;

    map_for_each (node, map) {
        if (last)
            assert_true(strcmp(last, node->key) < 0);
        last = node->key;
        count++;
    }
    assert_int_equal(count, map->count);
    for (int i = 0; i < THINGS; i++) {
        assert_ptr_equal(map_find(map, things[i].key), things[i].is_in ? &things[i].node : NULL);
        count -= things[i].is_in;
    }
    assert_int_equal(count, 0);
    assert_true(height(map->root, NULL) <= 2 * 11);
}

static void test_random(void **state)
{
    struct map map = { 0 };
    struct thing *things = memory_alloc(sizeof(*things) * THINGS);
    unsigned seed = 7;

    (void)state;
    for (int i = 0; i < THINGS; i++) {
        snprintf(things[i].key, sizeof(things[i].key), "%d", i);
        things[i].node.key = things[i].key;
    }
    for (int round = 0; round < 20000; round++) {
        struct thing *thing = &things[rand_r(&seed) % THINGS];

        if (!thing->is_in) {
            assert_true(map_insert(&map, &thing->node));
            thing->is_in = true;
        } else if (rand_r(&seed) % 2) {
            map_remove(&map, &thing->node);
            thing->is_in = false;
        } else {
            struct map_node again = { .key = thing->key };

            assert_false(map_insert(&map, &again));
        }
        if (round % 500 == 0)
            check_all(&map, things);
    }
    check_all(&map, things);
    free(things);
}

static void test_sorted_input_stays_flat(void **state)
{
    struct map map = { 0 };
    struct thing *things = memory_alloc(sizeof(*things) * THINGS);

    (void)state;
    for (int i = 0; i < THINGS; i++) {
        snprintf(things[i].key, sizeof(things[i].key), "%05d", i);
        things[i].node.key = things[i].key;
        things[i].is_in = map_insert(&map, &things[i].node);
    }
    check_all(&map, things);
    free(things);
}

static void test_after(void **state)
{
    struct map map = { 0 };
    struct map_node nodes[] = { { .key = "b" }, { .key = "d" }, { .key = "f" } };

    (void)state;
    assert_null(map_after(&map, NULL));
    assert_null(map_after(&map, "a"));
    for (size_t i = 0; i < 3; i++)
        assert_true(map_insert(&map, &nodes[i]));
    assert_ptr_equal(map_after(&map, NULL), &nodes[0]);
    assert_ptr_equal(map_after(&map, ""), &nodes[0]);
    assert_ptr_equal(map_after(&map, "b"), &nodes[1]);
    assert_ptr_equal(map_after(&map, "c"), &nodes[1]);
    assert_ptr_equal(map_after(&map, "e"), &nodes[2]);
    assert_null(map_after(&map, "f"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_sorted_input_stays_flat),
        cmocka_unit_test(test_after),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
