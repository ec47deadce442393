/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Placement on a small model: what is read from which object, and what becomes of it. The rules themselves are in
 * test_autoplace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "model/rc_codes.h"
#include "model/runtime.h"
#include "model/txn.h"
#include "roles/controller/placement.h"

enum { MIB = 1024, GIB = 1024 * 1024 };

/* Three nodes n1, n2, n3 with pools thick and thin of 2, 3 and 4 GiB; group g, definition r with a volume of 4 MiB. */
struct fixture {
    struct model model;
    struct arena arena;
    struct placement_runtime runtime;
    const char *offline;
    uint32_t layers;
};

static void take_commit(void *owner, struct commit *commit)
{
    (void)owner;
    commit_free(commit);
}

static bool is_online(void *owner, const struct node *node)
{
    const struct fixture *fixture = owner;
    return !fixture->offline || strcmp(node->name, fixture->offline) != 0;
}

static uint32_t supported_layers(void *owner, const struct node *node)
{
    (void)node;
    return ((const struct fixture *)owner)->layers;
}

static uint32_t supported_providers(void *owner, const struct node *node)
{
    (void)owner;
    (void)node;
    return UINT32_MAX;
}

static char *own(struct txn *txn, const char *text)
{
    return arena_strdup(txn_arena(txn), text);
}

static void make_pool(struct txn *txn, struct node *node, const void *definition, const char *provider)
{
    struct storage_pool *pool = txn_new(txn, KIND_STORAGE_POOL, node, definition, NULL);
    pool->provider = own(txn, provider);
}

static void report(const struct storage_pool *pool, int64_t kib)
{
    struct pool_fact fact = { .free_kib = MAYBE(kib), .total_kib = MAYBE(kib) };
    runtime_set_pool_fact(pool, field_duplicate(&pool_fact_schema, &fact));
}

static int set_up(void **state)
{
    struct fixture *fixture = memory_alloc(sizeof(*fixture));
    struct model *model = &fixture->model;

    fixture->layers = UINT32_C(1) << LAYER_STORAGE;
    fixture->runtime = (struct placement_runtime){
        .owner = fixture, .is_online = is_online, .layers = supported_layers, .providers = supported_providers
    };
    model_init(model);
    model->committed = take_commit;

    struct txn *txn = txn_begin(model);
    struct storage_pool_definition *thick =
        txn_new(txn, KIND_STORAGE_POOL_DEFINITION, model_root(model), NULL, "THICK");
    struct storage_pool_definition *thin = txn_new(txn, KIND_STORAGE_POOL_DEFINITION, model_root(model), NULL, "THIN");
    thick->name = own(txn, "thick");
    thin->name = own(txn, "thin");
    for (int n = 1; n <= 3; n++) {
        char name[16];
        snprintf(name, sizeof(name), "N%d", n);
        struct node *node = txn_new(txn, KIND_NODE, model_root(model), NULL, name);
        name[0] = 'n';
        node->name = own(txn, name);
        node->type = NODE_SATELLITE;
        make_pool(txn, node, thick, "FILE");
        make_pool(txn, node, thin, "FILE_THIN");
    }
    struct node *controller = txn_new(txn, KIND_NODE, model_root(model), NULL, "C");
    controller->name = own(txn, "c");
    controller->type = NODE_CONTROLLER;
    struct resource_group *group = txn_new(txn, KIND_RESOURCE_GROUP, model_root(model), NULL, "G");
    group->name = own(txn, "g");
    group->filter.place_count = (struct maybe_i32)MAYBE(2);
    struct resource_definition *definition = txn_new(txn, KIND_RESOURCE_DEFINITION, model_root(model), group, "R");
    definition->name = own(txn, "r");
    definition->resource_group = own(txn, "g");
    text_list_add(&definition->layers, "STORAGE", txn_arena(txn));
    struct volume_definition *volume = txn_new(txn, KIND_VOLUME_DEFINITION, definition, NULL, "00000");
    volume->size_kib = 4 * MIB;
    txn_commit(txn);

    model_for_each(node, node, model, KIND_NODE)
    {
        int64_t kib = node->name[0] == 'n' ? (node->name[1] - '0' + 1) * (int64_t)GIB : 0;
        child_for_each (storage_pool, pool, &node->object, KIND_STORAGE_POOL)
            report(pool, kib);
    }
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    model_done(&fixture->model);
    arena_done(&fixture->arena);
    free(fixture);
    return 0;
}

static void set_prop(struct fixture *fixture, const void *object, const char *key, const char *value)
{
    struct txn *txn = txn_begin(&fixture->model);
    struct object *edited = txn_edit(txn, object);
    text_map_set(&edited->props, key, value, txn_arena(txn));
    txn_commit(txn);
}

static void deploy(struct fixture *fixture, const char *node_name, const char *pool, uint64_t flags)
{
    const struct resource_definition *definition = model_find_definition(&fixture->model, "r");
    struct txn *txn = txn_begin(&fixture->model);
    struct resource *resource =
        txn_new(txn, KIND_RESOURCE, definition, model_find_node(&fixture->model, node_name), NULL);
    struct volume *volume = LIST_ADD(&resource->volumes, txn_arena(txn));
    volume->uuid = own(txn, "00000000-0000-4000-8000-000000000000");
    volume->storage_pool = own(txn, pool);
    volume->size_kib = 4 * MIB;
    resource->object.flags = flags;
    txn_commit(txn);
}

static struct placement_result choose(struct fixture *fixture, const struct select_filter *filter, int32_t additional)
{
    struct placement_result result;
    struct placement_request request = { .definition = model_find_definition(&fixture->model, "r"),
                                         .filter = filter,
                                         .additional_count = additional };
    placement_choose(&fixture->model, &fixture->runtime, &request, &fixture->arena, &result);
    assert_non_null(result.message);
    return result;
}

static void expect(struct fixture *fixture, const struct placement_result *result, const char *pools)
{
    const char *text = "";

    for (uint32_t i = 0; i < result->pool_count; i++)
        text = arena_printf(&fixture->arena, "%s%s%s/%s", text, i > 0 ? " " : "",
                            storage_pool_node(result->pools[i])->name, storage_pool_name(result->pools[i]));
    assert_string_equal(text, pools);
}

static void test_found(void **state)
{
    struct fixture *fixture = *state;
    struct placement_result result = choose(fixture, NULL, 0);

    assert_int_equal(result.outcome, PLACEMENT_FOUND);
    assert_int_equal(result.code, CREATED);
    expect(fixture, &result, "n2/thick n3/thick");
    assert_string_equal(result.message, "Resource 'r' successfully autoplaced on 2 nodes");
    assert_string_equal(result.details, "Used nodes (storage pool name): 'n2 (thick)', 'n3 (thick)'");
    assert_int_equal(result.layers.count, 1);
}

static void test_search_domain(void **state)
{
    struct fixture *fixture = *state;
    struct select_filter filter = { .place_count = MAYBE(1) };
    struct txn *txn = txn_begin(&fixture->model);
    struct node *node = txn_new(txn, KIND_NODE, model_root(&fixture->model), NULL, "N4.EXAMPLE.COM");
    struct placement_result result;

    node->name = own(txn, "n4.example.com");
    node->type = NODE_SATELLITE;
    make_pool(txn, node, model_find_pool_definition(&fixture->model, "thin"), "FILE_THIN");
    txn_commit(txn);
    report(model_find_pool(model_find_node(&fixture->model, "n4.example.com"), "thin"), GIB);
    text_list_add(&filter.node_name_list, "N4", &fixture->arena);
    result = choose(fixture, &filter, 0);
    assert_int_equal(result.outcome, PLACEMENT_NOT_ENOUGH);
    set_prop(fixture, model_root(&fixture->model), "SearchDomain", "example.com");
    result = choose(fixture, &filter, 0);
    expect(fixture, &result, "n4.example.com/thin");
    /* A name that is there as it stands needs no domain. */
    filter.node_name_list.at[0] = arena_strdup(&fixture->arena, "n2");
    result = choose(fixture, &filter, 0);
    assert_int_equal(result.outcome, PLACEMENT_FOUND);
    assert_string_equal(storage_pool_node(result.pools[0])->name, "n2");
}

static void test_counts(void **state)
{
    struct fixture *fixture = *state;
    struct select_filter one = { .place_count = MAYBE(1) }, nine = { .place_count = MAYBE(9) };
    struct placement_result result;

    deploy(fixture, "n1", "thin", 0);
    result = choose(fixture, NULL, 0);
    expect(fixture, &result, "n3/thick");
    assert_int_equal(result.deployed_count, 1);

    result = choose(fixture, &one, 0);
    assert_int_equal(result.outcome, PLACEMENT_COMPLETE);
    assert_int_equal(result.code, WARN_RSC_ALREADY_DEPLOYED);
    assert_string_equal(result.message, "Resource 'r' was already deployed on 1 nodes. Skipping.");
    assert_string_equal(result.details, "Used nodes: 'n1'");

    result = choose(fixture, &one, 2);
    expect(fixture, &result, "n2/thick n3/thick");

    deploy(fixture, "n2", "thin", 0);
    result = choose(fixture, &one, 0);
    assert_int_equal(result.outcome, PLACEMENT_TOO_MANY);
    assert_non_null(strstr(result.message, "was already deployed on 2 nodes: 'n1', 'n2'. "));

    result = choose(fixture, &nine, 0);
    assert_int_equal(result.outcome, PLACEMENT_NOT_ENOUGH);
    assert_int_equal(result.code, FAIL_NOT_ENOUGH_NODES);
    assert_string_equal(result.message, "Not enough available nodes");
    assert_non_null(strstr(result.details, " n1: has this resource already\n"));
    assert_non_null(strstr(result.details, " n3/thin: is suitable\n"));
    assert_null(strstr(result.details, " c:"));
}

static void test_what_does_not_count(void **state)
{
    struct fixture *fixture = *state;
    struct placement_result result;

    deploy(fixture, "n1", "thin", RESOURCE_DELETE);
    deploy(fixture, "n2", "thin", RESOURCE_EVACUATE);
    result = choose(fixture, NULL, 0);
    assert_int_equal(result.deployed_count, 0);
    assert_int_equal(result.outcome, PLACEMENT_NOT_ENOUGH); /* both nodes are occupied still */
}

static void test_diskless_gets_a_disk(void **state)
{
    struct fixture *fixture = *state;

    deploy(fixture, "n3", "thin", RESOURCE_DRBD_DISKLESS);
    struct placement_result result = choose(fixture, NULL, 0);
    expect(fixture, &result, "n2/thick n3/thick");
}

static void test_no_count(void **state)
{
    struct fixture *fixture = *state;
    struct txn *txn = txn_begin(&fixture->model);
    struct resource_group *group = txn_edit(txn, model_find_group(&fixture->model, "g"));

    group->filter.place_count.has = false;
    txn_commit(txn);
    struct placement_result result = choose(fixture, NULL, 0);
    assert_int_equal(result.outcome, PLACEMENT_NO_COUNT);
    assert_int_equal(result.code, FAIL_INVLD_PLACE_COUNT);
}

static void test_properties(void **state)
{
    struct fixture *fixture = *state;
    const struct model *model = &fixture->model;
    const struct node *n3 = model_find_node(model, "n3"), *n2 = model_find_node(model, "n2");
    struct placement_result result;

    set_prop(fixture, n3, "AutoplaceTarget", "False");
    result = choose(fixture, NULL, 0);
    expect(fixture, &result, "n1/thick n2/thick");

    set_prop(fixture, model_root(model), "AutoplaceTarget", "false");
    set_prop(fixture, n3, "AutoplaceTarget", "true");
    result = choose(fixture, NULL, -1);
    assert_int_equal(result.outcome, PLACEMENT_NOT_ENOUGH);
    assert_non_null(strstr(result.details, " n1: AutoplaceTarget is false\n"));
    set_prop(fixture, model_root(model), "AutoplaceTarget", "true");

    set_prop(fixture, model_find_pool(n3, "thick"), "AutoplaceTarget", "false");
    result = choose(fixture, NULL, 0);
    expect(fixture, &result, "n2/thick n3/thin");

    /* the nearest level wins: the pool before the controller */
    set_prop(fixture, model_root(model), "Autoplacer/MinThinFreeSpace", "100TiB");
    result = choose(fixture, NULL, 0);
    expect(fixture, &result, "n1/thick n2/thick");
    set_prop(fixture, model_find_pool(n3, "thin"), "Autoplacer/MinThinFreeSpace", "1");
    result = choose(fixture, NULL, 0);
    expect(fixture, &result, "n2/thick n3/thin");

    set_prop(fixture, model_find_pool(n3, "thin"), "MaxOversubscriptionRatio", "0");
    set_prop(fixture, model_find_pool_definition(model, "thick"), "MaxTotalCapacityOversubscriptionRatio", "0");
    set_prop(fixture, model_find_pool(n2, "thick"), "MaxTotalCapacityOversubscriptionRatio", "1");
    result = choose(fixture, NULL, 0);
    assert_int_equal(result.outcome, PLACEMENT_NOT_ENOUGH);
    assert_non_null(strstr(result.details, " n2/thick: is suitable\n"));
    assert_non_null(strstr(result.details, " n3/thin: 0 KiB free, 4.0 MiB needed\n"));
}

static void test_weights(void **state)
{
    struct fixture *fixture = *state;
    const struct object *root = model_root(&fixture->model);
    struct select_filter one = { .place_count = MAYBE(1) };

    set_prop(fixture, root, "Autoplacer/Weights/MaxFreeSpace", "0");
    struct placement_result result = choose(fixture, &one, 0);
    expect(fixture, &result, "n1/thick");
    set_prop(fixture, root, "Autoplacer/Weights/MaxFreeSpace", "much"); /* counts as 1 */
    result = choose(fixture, &one, 0);
    expect(fixture, &result, "n3/thick");
}

static void test_offline_and_layers(void **state)
{
    struct fixture *fixture = *state;
    char *drbd[] = { arena_strdup(&fixture->arena, "drbd") }, *nonsense[] = { arena_strdup(&fixture->arena, "x") };
    struct select_filter filter = { .layer_stack = { .at = drbd, .count = 1 } };
    struct placement_result result;

    fixture->offline = "n3";
    result = choose(fixture, NULL, 0);
    expect(fixture, &result, "n1/thick n2/thick");

    result = choose(fixture, &filter, 0);
    assert_int_equal(result.outcome, PLACEMENT_NOT_ENOUGH);
    assert_non_null(strstr(result.details, " n1: does not support layer DRBD\n"));
    assert_non_null(strstr(result.details, " n3: is offline\n"));

    filter.layer_stack.at = nonsense;
    result = choose(fixture, &filter, 0);
    assert_int_equal(result.outcome, PLACEMENT_BAD_LAYERS);
    assert_int_equal(result.code, FAIL_INVLD_LAYER_KIND);
}

/* A definition that nobody gave layers is to have DRBD. */
static void test_default_layers(void **state)
{
    struct fixture *fixture = *state;
    struct txn *txn = txn_begin(&fixture->model);
    struct resource_definition *definition = txn_edit(txn, model_find_definition(&fixture->model, "r"));

    definition->layers = (struct text_list){ 0 };
    txn_commit(txn);
    struct placement_result result = choose(fixture, NULL, 0);
    assert_int_equal(result.outcome, PLACEMENT_NOT_ENOUGH);
    fixture->layers = UINT32_MAX;
    result = choose(fixture, NULL, 0);
    assert_int_equal(result.outcome, PLACEMENT_FOUND);
    assert_int_equal(result.layers.count, 2);
    assert_int_equal(result.layers.at[0], LAYER_DRBD);
}

static void test_not_with(void **state)
{
    struct fixture *fixture = *state;
    char *names[] = { arena_strdup(&fixture->arena, "R2") };
    struct select_filter filter = { .not_place_with_rsc = { .at = names, .count = 1 } };
    struct txn *txn = txn_begin(&fixture->model);
    struct resource_definition *other = txn_new(txn, KIND_RESOURCE_DEFINITION, model_root(&fixture->model),
                                                model_find_group(&fixture->model, "g"), "R2");
    other->name = own(txn, "r2");
    txn_new(txn, KIND_RESOURCE, other, model_find_node(&fixture->model, "n3"), NULL);
    txn_commit(txn);
    struct placement_result result = choose(fixture, &filter, 0);
    expect(fixture, &result, "n1/thick n2/thick");
    filter = (struct select_filter){ .not_place_with_rsc_regex = arena_strdup(&fixture->arena, "R.") };
    result = choose(fixture, &filter, 0);
    expect(fixture, &result, "n1/thick n2/thick");
    filter.not_place_with_rsc_regex = arena_strdup(&fixture->arena, "(");
    result = choose(fixture, &filter, 0);
    assert_int_equal(result.outcome, PLACEMENT_BAD_PATTERN);
    assert_int_equal(result.code, FAIL_UNKNOWN_ERROR);
}

static void test_merge(void **state)
{
    char a[] = "a", b[] = "b", empty[] = "";
    char *listed[] = { a }, *other[] = { b }, *none[1];
    struct select_filter group = { .place_count = MAYBE(2),
                                   .node_name_list = { .at = listed, .count = 1 },
                                   .storage_pool_list = { .at = listed, .count = 1 },
                                   .provider_list = { .at = listed, .count = 1 },
                                   .not_place_with_rsc_regex = a };
    struct select_filter request = { .place_count = MAYBE(0),
                                     .node_name_list = { .at = other, .count = 1 },
                                     .storage_pool_list = { .at = none, .count = 0 },
                                     .not_place_with_rsc_regex = empty };
    struct select_filter merged;

    (void)state;
    placement_merge_filter(&request, &group, &merged);
    assert_int_equal(merged.place_count.value, 0);
    assert_string_equal(merged.node_name_list.at[0], "b");
    assert_int_equal(merged.storage_pool_list.count, 0); /* empty, but given */
    assert_int_equal(merged.provider_list.count, 1);
    assert_string_equal(merged.not_place_with_rsc_regex, "");
    placement_merge_filter(NULL, &group, &merged);
    assert_int_equal(merged.place_count.value, 2);
    placement_merge_filter(&request, NULL, &merged);
    assert_int_equal(merged.provider_list.count, 0);
    placement_merge_filter(NULL, NULL, &merged);
    assert_false(merged.place_count.has);
}

static struct placement_size query_size(struct fixture *fixture, const struct select_filter *filter)
{
    struct placement_size size;

    placement_query_size(&fixture->model, &fixture->runtime, model_find_group(&fixture->model, "g"), filter,
                         &fixture->arena, &size);
    return size;
}

static void test_query_size(void **state)
{
    struct fixture *fixture = *state;
    char thin[] = "thin", nosuch[] = "nosuch", *only_thin[] = { thin }, *only_nosuch[] = { nosuch };
    struct select_filter four = { .place_count = MAYBE(4) };
    struct select_filter on_thin = { .storage_pool_list = { .at = only_thin, .count = 1 } };
    struct select_filter on_nosuch = { .storage_pool_list = { .at = only_nosuch, .count = 1 } };

    struct placement_size size = query_size(fixture, NULL);
    assert_int_equal(size.outcome, PLACEMENT_FOUND);
    assert_int_equal(size.max_volume_kib, 3 * GIB);
    assert_int_equal(size.spawn_count, 2);
    assert_string_equal(storage_pool_node(size.spawns[0].pool)->name, "n2");
    assert_true(size.spawns[0].ratio == 1 && !size.spawns[0].free_ratio.has);
    assert_true(size.default_ratio == 20 && !size.ratio.has);

    size = query_size(fixture, &on_thin);
    assert_int_equal(size.max_volume_kib, (int64_t)60 * GIB);
    assert_int_equal(size.capacity_kib, 9 * GIB / 2);
    assert_int_equal(size.available_kib, 9 * GIB / 2);
    assert_true(size.spawns[0].ratio == 20);

    size = query_size(fixture, &four);
    assert_int_equal(size.outcome, PLACEMENT_NOT_ENOUGH);
    assert_int_equal(size.max_volume_kib, 0);
    assert_int_equal(size.available_kib, 0);
    assert_true(size.capacity_kib > 0);
    assert_int_equal(size.spawn_count, 0);

    size = query_size(fixture, &on_nosuch);
    assert_int_equal(size.capacity_kib, 0);

    set_prop(fixture, model_root(&fixture->model), "MaxOversubscriptionRatio", "5");
    size = query_size(fixture, &on_thin);
    assert_true(size.default_ratio == 5 && size.ratio.has && size.spawns[0].ratio == 5);
    assert_int_equal(size.max_volume_kib, 15 * GIB);
}

static void test_query_candidates(void **state)
{
    struct fixture *fixture = *state;
    const struct resource_group *group = model_find_group(&fixture->model, "g");
    struct select_filter zero = { .place_count = MAYBE(0) }, nine = { .place_count = MAYBE(9) };
    struct placement_candidates candidates;

    placement_query_candidates(&fixture->model, &fixture->runtime, group, NULL, &fixture->arena, &candidates);
    assert_int_equal(candidates.outcome, PLACEMENT_FOUND);
    assert_int_equal(candidates.list.count, 2);
    assert_string_equal(candidates.list.at[0].pool_name, "thick");
    assert_int_equal(candidates.list.at[0].max_volume_kib, 3 * GIB);
    assert_false(candidates.list.at[0].all_thin);
    assert_string_equal(candidates.list.at[1].pool_name, "thin");
    assert_true(candidates.list.at[1].all_thin);
    assert_int_equal(candidates.list.at[1].node_names.count, 2);
    assert_string_equal(candidates.list.at[1].node_names.at[1], "n3");

    placement_query_candidates(&fixture->model, &fixture->runtime, NULL, NULL, &fixture->arena, &candidates);
    assert_int_equal(candidates.code, FAIL_INVLD_PLACE_COUNT);
    placement_query_candidates(&fixture->model, &fixture->runtime, NULL, &zero, &fixture->arena, &candidates);
    assert_int_equal(candidates.code, FAIL_NOT_ENOUGH_NODES);
    placement_query_candidates(&fixture->model, &fixture->runtime, NULL, &nine, &fixture->arena, &candidates);
    assert_int_equal(candidates.code, FAIL_NOT_ENOUGH_NODES);
    assert_string_equal(candidates.message, "Not enough nodes");
}

int main(void)
{
#define PLACED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        PLACED(test_found),
        PLACED(test_search_domain),
        PLACED(test_counts),
        PLACED(test_what_does_not_count),
        PLACED(test_diskless_gets_a_disk),
        PLACED(test_no_count),
        PLACED(test_properties),
        PLACED(test_weights),
        PLACED(test_offline_and_layers),
        PLACED(test_default_layers),
        PLACED(test_not_with),
        cmocka_unit_test(test_merge),
        PLACED(test_query_size),
        PLACED(test_query_candidates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
