/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Large clusters, in a bounded number of steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "autoplace_world.h"

/* A thousand nodes with three pools each; the values of their properties are chosen by the case. */
struct crowd {
    struct arena arena;
    struct autoplace_node *nodes;
    struct autoplace_pool *pools;
    struct text_map *props;
    struct select_filter filter;
    struct autoplace_input input;
    struct autoplace_result result;
};
enum { CROWD = 1000 };

static void make_crowd(struct crowd *crowd)
{
    static const enum provider_kind providers[3] = { PROVIDER_FILE, PROVIDER_FILE_THIN, PROVIDER_FILE };
    static const char *const names[3] = { "a", "b", "c" };

    *crowd = (struct crowd){ 0 };
    crowd->nodes = arena_alloc(&crowd->arena, CROWD * sizeof(*crowd->nodes));
    crowd->pools = arena_alloc(&crowd->arena, 3 * CROWD * sizeof(*crowd->pools));
    crowd->props = arena_alloc(&crowd->arena, CROWD * sizeof(*crowd->props));
    for (uint32_t n = 0; n < CROWD; n++) {
        crowd->nodes[n] = (struct autoplace_node){
            .name = arena_printf(&crowd->arena, "node%04u", (unsigned)n),
            .online = true,
            .is_target = true,
            .layers = UINT32_MAX,
            .providers = UINT32_MAX,
            .props = &crowd->props[n],
        };
        for (uint32_t p = 0; p < 3; p++)
            crowd->pools[3 * n + p] = (struct autoplace_pool){
                .node = n,
                .name = names[p],
                .provider = providers[p],
                .is_target = true,
                .free_kib = MAYBE((int64_t)GIB + (n * 7919 + p * 104729) % 100003),
                .total_kib = MAYBE((int64_t)4 * GIB),
                .free_ratio = 1,
                .total_ratio = 1,
            };
    }
    crowd->input = (struct autoplace_input){
        .nodes = crowd->nodes,
        .pools = crowd->pools,
        .node_count = CROWD,
        .pool_count = 3 * CROWD,
        .filter = &crowd->filter,
        .size_kib = GIB,
        .weights = { 1, 0, 0.00001 },
    };
}

static void set_prop(struct crowd *crowd, uint32_t node, const char *key, uint32_t value)
{
    text_map_set(&crowd->props[node], key, arena_printf(&crowd->arena, "%u", (unsigned)value), &crowd->arena);
}

static void run_crowd(struct crowd *crowd, enum autoplace_outcome outcome, uint64_t most_steps)
{
    autoplace_run(&crowd->input, &crowd->arena, &crowd->result);
    if (crowd->result.outcome != outcome || crowd->result.steps > most_steps)
        fail_msg("outcome %d after %llu steps", crowd->result.outcome, (unsigned long long)crowd->result.steps);
    arena_done(&crowd->arena);
}

static void test_crowd(void **state)
{
    struct crowd crowd;

    (void)state;
    make_crowd(&crowd);
    crowd.input.need = 3;
    run_crowd(&crowd, AUTOPLACE_FOUND, 10000);

    make_crowd(&crowd); /* every node in a zone of its own */
    for (uint32_t n = 0; n < CROWD; n++)
        set_prop(&crowd, n, "zone", n);
    text_list_add(&crowd.filter.replicas_on_different, "zone", &crowd.arena);
    crowd.input.need = 7;
    run_crowd(&crowd, AUTOPLACE_FOUND, 50000);

    make_crowd(&crowd); /* the same zone wanted, where each has one node: refused without a search */
    for (uint32_t n = 0; n < CROWD; n++)
        set_prop(&crowd, n, "zone", n);
    text_list_add(&crowd.filter.replicas_on_same, "zone", &crowd.arena);
    crowd.input.need = 2;
    run_crowd(&crowd, AUTOPLACE_NOT_ENOUGH, 10000);

    make_crowd(&crowd); /* 333 zones of three, and groups of four wanted: none can be filled */
    for (uint32_t n = 0; n < CROWD; n++)
        set_prop(&crowd, n, "zone", n / 3);
    *LIST_ADD(&crowd.filter.x_replicas_on_different_map, &crowd.arena) =
        (struct i64_pair){ arena_strdup(&crowd.arena, "zone"), 4 };
    crowd.input.need = 9;
    run_crowd(&crowd, AUTOPLACE_NOT_ENOUGH, 10000);

    make_crowd(&crowd); /* all in one shared space or another */
    for (uint32_t p = 0; p < 3 * CROWD; p++)
        crowd.pools[p].shared_name = p % 2 ? "san1" : "san2";
    crowd.input.need = 3;
    run_crowd(&crowd, AUTOPLACE_NOT_ENOUGH, 10000);

    make_crowd(&crowd); /* two sorts of providers that do not go together, 500 nodes of each */
    for (uint32_t p = 0; p < 3 * CROWD; p++)
        crowd.pools[p].provider = crowd.pools[p].node % 2 ? PROVIDER_LVM : PROVIDER_ZFS;
    crowd.input.need = 501;
    run_crowd(&crowd, AUTOPLACE_NOT_ENOUGH, 100000);

    make_crowd(&crowd); /* as many as there are */
    crowd.input.need = CROWD;
    run_crowd(&crowd, AUTOPLACE_FOUND, 100000);
}

/*
 * Three keys at once: a matching in three dimensions, which no bound of the search sees through. Sixteen values of
 * each, but the third is the sum of the other two, modulo 16: an even number of values has no such matching. It must
 * end.
 */
static void test_crowd_gives_up(void **state)
{
    struct crowd crowd;

    (void)state;
    make_crowd(&crowd);
    for (uint32_t n = 0; n < CROWD; n++) {
        set_prop(&crowd, n, "a", n % 16);
        set_prop(&crowd, n, "b", n / 16 % 16);
        set_prop(&crowd, n, "c", (n % 16 + n / 16 % 16) % 16);
    }
    text_list_add(&crowd.filter.replicas_on_different, "a", &crowd.arena);
    text_list_add(&crowd.filter.replicas_on_different, "b", &crowd.arena);
    text_list_add(&crowd.filter.replicas_on_different, "c", &crowd.arena);
    crowd.input.need = 16;
    autoplace_run(&crowd.input, &crowd.arena, &crowd.result);
    assert_int_equal(crowd.result.outcome, AUTOPLACE_GAVE_UP);
    assert_non_null(strstr(crowd.result.why, "replicas-on-different"));
    assert_true(crowd.result.steps < AUTOPLACE_MAX_STEPS + 10000);
    arena_done(&crowd.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crowd),
        cmocka_unit_test(test_crowd_gives_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
