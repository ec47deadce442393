/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "model/autoplace.h"

enum { MIB = 1024, GIB = 1024 * 1024, MAX_NODES = 8 };

/*
 * A cluster as text, a node a line: "name [prop=value]... [!offline|!evicted|!delete|!evacuate|!notarget|!nodrbd|!mix]
 * [has:resource]... : pool,provider,free MiB[,total MiB[,reserved MiB[,shared name]]][,*] ...". A pool that ends with
 * ",*" has AutoplaceTarget=false; free "?" is unknown.
 */
struct cluster {
    struct arena arena;
    struct autoplace_node nodes[MAX_NODES];
    struct text_map props[MAX_NODES];
    struct autoplace_pool pools[MAX_NODES * 3];
    struct autoplace_deployed deployed[MAX_NODES];
    struct select_filter filter;
    struct autoplace_input input;
    struct autoplace_result result;
};

static void parse_pool(struct cluster *cluster, char *text)
{
    struct autoplace_pool *pool = &cluster->pools[cluster->input.pool_count++];
    char *rest = text, *part;
    int64_t numbers[3] = { 0 };
    int number = 0;
    bool has_total = false;

    *pool = (struct autoplace_pool){ .node = cluster->input.node_count, .is_target = true };
    pool->name = strsep(&rest, ",");
    assert_true(provider_kind_parse(strsep(&rest, ","), &pool->provider));
    pool->free_kib.has = true;
    while ((part = strsep(&rest, ","))) {
        if (strcmp(part, "*") == 0)
            pool->is_target = false;
        else if (strcmp(part, "?") == 0)
            pool->free_kib.has = false;
        else if (number == 3)
            pool->shared_name = part;
        else
            assert_true(text_parse_i64(part, 0, INT64_MAX, &numbers[number])), has_total |= number++ == 1;
    }
    pool->free_kib.value = numbers[0] * MIB;
    pool->total_kib = (struct maybe_i64)MAYBE((has_total ? numbers[1] : numbers[0]) * MIB);
    pool->reserved_kib = numbers[2] * MIB;
    pool->free_ratio = pool->total_ratio = provider_oversubscription(pool->provider);
    pool->min_thin_free_kib = pool->total_kib.value / 10;
}

static void parse_node(struct cluster *cluster, char *line)
{
    uint32_t n = cluster->input.node_count;
    struct autoplace_node *node = &cluster->nodes[n];
    bool in_pools = false;
    char *word;

    *node = (struct autoplace_node){ .online = true, .is_target = true, .layers = UINT32_MAX, .providers = UINT32_MAX };
    node->props = &cluster->props[n];
    node->name = strsep(&line, " ");
    while ((word = strsep(&line, " "))) {
        static const struct {
            const char *word;
            uint64_t flag;
        } flags[] = { { "!evicted", NODE_EVICTED }, { "!delete", NODE_DELETE }, { "!evacuate", NODE_EVACUATE } };
        char *equals = strchr(word, '=');
        for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
            node->flags |= strcmp(word, flags[i].word) == 0 ? flags[i].flag : 0;
        if (in_pools && *word)
            parse_pool(cluster, word);
        else if (strcmp(word, ":") == 0)
            in_pools = true;
        else if (strcmp(word, "!offline") == 0)
            node->online = false;
        else if (strcmp(word, "!notarget") == 0)
            node->is_target = false;
        else if (strcmp(word, "!nodrbd") == 0)
            node->layers &= ~(UINT32_C(1) << LAYER_DRBD);
        else if (strcmp(word, "!nofile") == 0)
            node->providers &= ~(UINT32_C(1) << PROVIDER_FILE);
        else if (strcmp(word, "!mix") == 0)
            node->can_mix = true;
        else if (text_starts_with(word, "has:"))
            text_list_add(&node->resources, word + 4, &cluster->arena);
        else if (equals) {
            *equals = '\0';
            text_map_set(&cluster->props[n], word, equals + 1, &cluster->arena);
        }
    }
    cluster->input.node_count++;
}

/* "same=k", "different=k", "x=k:2", "nodes=a,b", "pools=..", "providers=..", "not=..", "regex=..",
 * "at=n1[:PROVIDER[:shared]]" */
static void parse_filter(struct cluster *cluster, char *text)
{
    struct select_filter *filter = &cluster->filter;
    struct {
        const char *word;
        struct text_list *list;
    } const lists[] = {
        { "same=", &filter->replicas_on_same },   { "different=", &filter->replicas_on_different },
        { "nodes=", &filter->node_name_list },    { "pools=", &filter->storage_pool_list },
        { "providers=", &filter->provider_list }, { "not=", &filter->not_place_with_rsc },
    };
    char *word, *item;

    while ((word = strsep(&text, " "))) {
        for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
            char *values = text_starts_with(word, lists[i].word) ? word + strlen(lists[i].word) : NULL;
            while (values && (item = strsep(&values, ",")))
                text_list_add(lists[i].list, item, &cluster->arena);
        }
        if (text_starts_with(word, "x=")) {
            char *key = strsep(&word, "=");
            key = strsep(&word, ":");
            struct i64_pair *pair = LIST_ADD(&filter->x_replicas_on_different_map, &cluster->arena);
            *pair = (struct i64_pair){ key, strtoll(word, NULL, 10) };
        } else if (text_starts_with(word, "regex=")) {
            filter->not_place_with_rsc_regex = word + 6;
        } else if (strcmp(word, "drbd") == 0) {
            cluster->input.layers = UINT32_C(1) << LAYER_DRBD;
        } else if (strcmp(word, "mixing") == 0) {
            cluster->input.allow_mixing = true;
        } else if (strcmp(word, "diskless") == 0) {
            cluster->input.diskless = true;
        } else if (text_starts_with(word, "at=") || text_starts_with(word, "left=")) {
            struct autoplace_deployed *there = &cluster->deployed[cluster->input.deployed_count++];
            char *name = strchr(word, '=') + 1, *provider = strchr(name, ':'), *shared = NULL;
            *there = (struct autoplace_deployed){ .provider = PROVIDER_FILE, .leaving = *word == 'l' };
            if (provider) {
                *provider++ = '\0';
                if ((shared = strchr(provider, ':')))
                    *shared++ = '\0';
                assert_true(provider_kind_parse(provider, &there->provider));
            }
            there->shared_name = shared;
            for (uint32_t n = 0; n < cluster->input.node_count; n++)
                there->node = strcmp(cluster->nodes[n].name, name) == 0 ? n : there->node;
        }
    }
}

static void place(struct cluster *cluster, const char *nodes, const char *filter, uint32_t need, int64_t size_kib)
{
    *cluster = (struct cluster){ 0 };
    char *text = arena_strdup(&cluster->arena, nodes), *line;

    while ((line = strsep(&text, "\n"))) {
        if (*line)
            parse_node(cluster, line);
    }
    parse_filter(cluster, arena_strdup(&cluster->arena, filter));
    cluster->input.nodes = cluster->nodes;
    cluster->input.pools = cluster->pools;
    cluster->input.deployed = cluster->deployed;
    cluster->input.filter = &cluster->filter;
    cluster->input.need = need;
    cluster->input.size_kib = size_kib;
    memcpy(cluster->input.weights, autoplace_default_weights, sizeof(cluster->input.weights));
    autoplace_run(&cluster->input, &cluster->arena, &cluster->result);
}

static const char *chosen(struct cluster *cluster)
{
    const char *text = "";

    for (uint32_t i = 0; i < cluster->result.chosen_count; i++) {
        const struct autoplace_pool *pool = &cluster->pools[cluster->result.chosen[i]];
        text = arena_printf(&cluster->arena, "%s%s%s/%s", text, i > 0 ? " " : "", cluster->nodes[pool->node].name,
                            pool->name);
    }
    return text;
}

#define FIVE                                                                                                           \
    "n1 zone=a rack=1 : p,FILE,2000\n"                                                                                 \
    "n2 zone=a rack=2 : p,FILE,3000\n"                                                                                 \
    "n3 zone=b rack=1 : p,FILE,4000\n"                                                                                 \
    "n4 zone=b rack=2 : p,FILE,5000\n"                                                                                 \
    "n5 zone=b rack=3 : p,FILE,6000\n"

/* clang-format off */
static const struct row {
    const char *about, *nodes, *filter;
    uint32_t need;
    int64_t size_mib;
    const char *chosen; /* best first; NULL: not enough */
} rows[] = {
    { "most free space first", FIVE, "", 2, 1, "n5/p n4/p" },
    { "none needed", FIVE, "", 0, 1, "" },
    { "too many", FIVE, "", 6, 1, NULL },
    { "same", FIVE, "same=zone", 2, 1, "n5/p n4/p" },
    { "same, more than the best group has", FIVE, "same=rack", 3, 1, NULL },
    { "same value", FIVE, "same=zone=a", 2, 1, "n2/p n1/p" },
    { "same value, too few", FIVE, "same=zone=a", 3, 1, NULL },
    { "same, nobody has it", FIVE, "same=nosuch", 2, 1, NULL },
    { "same as what is there", FIVE, "same=zone at=n1", 1, 1, "n2/p" },
    { "two that must be the same", FIVE, "same=zone,rack", 2, 1, NULL },
    { "different", FIVE, "different=zone", 2, 1, "n5/p n2/p" },
    { "different, too few values", FIVE, "different=zone", 3, 1, NULL },
    { "different, a value excluded", FIVE, "different=zone=b", 1, 1, "n2/p" },
    { "different, a value excluded, too few", FIVE, "different=zone=b", 2, 1, NULL },
    { "different, nobody has it", FIVE, "different=nosuch", 2, 1, "n5/p n4/p" },
    { "different from what is there", FIVE, "different=zone at=n5", 1, 1, "n2/p" },
    { "what is leaving does not count", FIVE, "different=zone left=n5", 1, 1, "n4/p" },
    { "same zone, different rack", FIVE, "same=zone different=rack", 2, 1, "n5/p n4/p" },
    { "same rack, different zone", FIVE, "same=rack different=zone", 2, 1, "n4/p n2/p" },
    { "two keys different", FIVE, "different=zone,rack", 2, 1, "n5/p n2/p" },
    { "x: three", FIVE, "x=zone:2", 3, 1, "n5/p n4/p n2/p" },
    { "x: four are two and two", FIVE, "x=zone:2", 4, 1, "n5/p n4/p n2/p n1/p" },
    { "x: too many", FIVE, "x=zone:2", 5, 1, NULL },
    { "x: a begun group is filled first", FIVE, "x=zone:2 at=n1", 1, 1, "n2/p" },
    { "x: two begun groups, one gets full", FIVE, "x=zone:2 at=n1 at=n5", 1, 1, "n4/p" },
    { "x: only one group may stay incomplete", "n1 z=a : p,FILE,9\nn2 z=b : p,FILE,8\nn3 z=c : p,FILE,7\nn4 z=c : p,FILE,6\n",
      "x=z:2", 2, 1, "n3/p n4/p" },
    { "x: nodes without the value fill up", "n1 z=a : p,FILE,9\nn2 z=b : p,FILE,8\nn3 : p,FILE,7\nn4 : p,FILE,6\n",
      "x=z:2", 3, 1, "n1/p n3/p n4/p" },
    { "x: three zones of three by three", "n1 z=a : p,FILE,9\nn2 z=a : p,FILE,8\nn3 z=a : p,FILE,7\nn4 z=b : p,FILE,6\n"
      "n5 z=b : p,FILE,5\nn6 z=c : p,FILE,4\nn7 z=c : p,FILE,3\nn8 z=c : p,FILE,2\n", "x=z:3", 6, 1,
      "n1/p n2/p n3/p n6/p n7/p n8/p" },
    { "x: what the greedy choice would miss", "n1 z=a : p,FILE,9\nn2 z=b : p,FILE,8\nn3 z=b : p,FILE,7\nn4 z=c : p,FILE,6\n"
      "n5 z=c : p,FILE,5\n", "x=z:2", 4, 1, "n2/p n3/p n4/p n5/p" },

    { "x: a limit beyond all numbers", FIVE, "x=zone:9223372036854775807 at=n5", 2, 1, "n4/p n3/p" },
    { "x: none at all", FIVE, "x=zone:-9223372036854775808", 1, 1, NULL },
    { "one per node", "n1 : p,FILE,9 q,FILE,8\nn2 : p,FILE,1\n", "", 2, 1, "n1/p n2/p" },
    { "ties: by order", "n1 : a,FILE,5 b,FILE,5\nn2 : a,FILE,5\n", "", 2, 1, "n1/a n2/a" },
    { "size", FIVE, "", 2, 5000, "n5/p n4/p" },
    { "size, too few", FIVE, "", 2, 5001, NULL },
    { "unknown space", "n1 : p,FILE,?\nn2 : p,FILE,1\n", "", 1, 0, "n2/p" },
    { "unknown space, none else", "n1 : p,FILE,?\n", "", 1, 0, NULL },
    { "thin: 20 times", "n1 : p,FILE_THIN,1000\n", "", 1, 20000, "n1/p" },
    { "thin: not 21 times", "n1 : p,FILE_THIN,1000\n", "", 1, 20001, NULL },
    { "thin: what is promised", "n1 : p,FILE_THIN,1000,1000,19000\n", "", 1, 1001, NULL },
    { "thin: a tenth stays free", "n1 : p,FILE_THIN,4,1000\n", "", 1, 1, NULL },
    { "thick: reserved counts", "n1 : p,FILE,900,1000,500\n", "", 1, 501, NULL },
    { "nodes, case", FIVE, "nodes=N1,n2", 2, 1, "n2/p n1/p" },
    { "nodes, too few", FIVE, "nodes=n1,n2", 3, 1, NULL },
    { "nodes, nobody", FIVE, "nodes=nobody", 1, 1, NULL },
    { "pools", "n1 : thin,FILE_THIN,9 thick,FILE,9\n", "pools=THICK", 1, 1, "n1/thick" },
    { "pools, none", FIVE, "pools=nosuch", 1, 1, NULL },
    { "providers, case", "n1 : thick,FILE,9 thin,FILE_THIN,9\n", "providers=file_thin,lvm", 1, 1, "n1/thin" },
    { "providers, none", FIVE, "providers=LVM", 1, 1, NULL },
    { "not with", "n1 has:r1 : p,FILE,9\nn2 : p,FILE,1\n", "not=R1", 1, 1, "n2/p" },
    { "not with what is nowhere", "n1 has:r1 : p,FILE,9\n", "not=nosuch", 1, 1, "n1/p" },
    { "not with, pattern", "n1 has:r1 : p,FILE,9\nn2 has:r3 : p,FILE,1\n", "regex=R[12]", 1, 1, "n2/p" },
    { "not with, pattern finds in the middle", "n1 has:xr12x : p,FILE,9\nn2 : p,FILE,1\n", "regex=r\\d+", 1, 1, "n2/p" },
    { "flags", "n1 !evicted : p,FILE,9\nn2 !delete : p,FILE,9\nn3 !evacuate : p,FILE,9\nn4 !offline : p,FILE,9\n"
      "n5 !notarget : p,FILE,9\nn6 : p,FILE,1\n", "", 1, 1, "n6/p" },
    { "pool is no target", "n1 : p,FILE,9,*\nn2 : p,FILE,1\n", "", 1, 1, "n2/p" },
    { "layer", "n1 !nodrbd : p,FILE,9\nn2 : p,FILE,1\n", "drbd", 1, 1, "n2/p" },
    { "provider that the node lost", "n1 !nofile : p,FILE,9\nn2 : p,FILE,1\n", "", 1, 1, "n2/p" },
    { "diskless pools are not for data", "n1 : d,DISKLESS,9 p,FILE,1\n", "", 1, 1, "n1/p" },
    { "diskless", "n1 : d,DISKLESS,0 p,FILE,9\n", "diskless", 1, 100, "n1/d" },
    { "occupied", FIVE, "at=n5", 1, 1, "n4/p" },

    { "files mix", "n1 : p,FILE,9\nn2 : p,FILE_THIN,8\n", "", 2, 1, "n1/p n2/p" },
    { "LVM and ZFS do not", "n1 : p,LVM,9\nn2 : p,ZFS,8\nn3 : p,LVM,1\n", "", 2, 1, "n1/p n3/p" },
    { "only together with what goes with it", "n1 : p,LVM,9\nn2 : p,ZFS,8\nn3 : p,ZFS,1\n", "", 2, 1, "n2/p n3/p" },
    { "nothing goes together", "n1 : p,LVM,9\nn2 : p,ZFS,8\nn3 : p,SPDK,7\n", "", 2, 1, NULL },
    { "mixing allowed, nodes cannot", "n1 : p,LVM,9\nn2 : p,ZFS,8\n", "mixing", 2, 1, NULL },
    { "mixing allowed, one cannot", "n1 !mix : p,LVM,9\nn2 : p,ZFS,8\nn3 !mix : p,ZFS,7\n", "mixing", 2, 1, "n1/p n3/p" },
    { "mixing with what is there", "n1 : p,LVM,9\nn2 : p,ZFS,8\nn3 : p,ZFS,7\n", "at=n3:ZFS", 1, 1, "n2/p" },
    { "a shared space once", "n1 : p,LVM,9,9,0,san\nn2 : p,LVM,9,9,0,san\nn3 : p,LVM,1\n", "", 2, 1, "n1/p n3/p" },
    { "shared spaces, too few", "n1 : p,LVM,9,9,0,s\nn2 : p,LVM,9,9,0,s\nn3 : p,LVM,9,9,0,t\n", "", 3, 1, NULL },
    { "a shared space in use", "n1 : p,LVM,9,9,0,s\nn2 : p,LVM,9,9,0,s\nn3 : p,LVM,1,1,0,t\n", "at=n1:LVM:s", 1, 1, "n3/p" },
    { "its other pool where the first would block", "n1 : p,LVM,9,9,0,s q,LVM,8\nn2 : p,LVM,7,7,0,s\n", "", 2, 1, "n1/q n2/p" },
};
/* clang-format on */

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct cluster cluster;
        place(&cluster, rows[i].nodes, rows[i].filter, rows[i].need, rows[i].size_mib * MIB);
        enum autoplace_outcome expected = rows[i].chosen ? AUTOPLACE_FOUND : AUTOPLACE_NOT_ENOUGH;
        const char *got = chosen(&cluster), *want = rows[i].chosen ? rows[i].chosen : "";
        if (cluster.result.outcome != expected || strcmp(got, want) != 0)
            fail_msg("%s: outcome %d, chosen '%s', expected '%s'", rows[i].about, cluster.result.outcome, got, want);
        arena_done(&cluster.arena);
    }
}

static void test_weights(void **state)
{
    static const char nodes[] = "n1 : p,FILE,9,20,9\nn2 : p,FILE,5,20,0\nn3 : p,FILE,1,20,4\n";
    static const struct {
        double weights[AUTOPLACE_STRATEGY_COUNT];
        const char *chosen;
    } cases[] = {
        { { 1, 0, 0 }, "n1/p n2/p n3/p" }, { { 0, 1, 0 }, "n2/p n3/p n1/p" }, { { 0, 0, 1 }, "n3/p n2/p n1/p" },
        { { 0, 0, 0 }, "n1/p n2/p n3/p" }, { { 1, 1, 0 }, "n2/p n1/p n3/p" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct cluster cluster;
        place(&cluster, nodes, "", 3, 0);
        for (uint32_t p = 0; p < 3; p++)
            cluster.pools[p].resource_count = 3 - p;
        memcpy(cluster.input.weights, cases[i].weights, sizeof(cases[i].weights));
        autoplace_run(&cluster.input, &cluster.arena, &cluster.result);
        assert_string_equal(chosen(&cluster), cases[i].chosen);
        arena_done(&cluster.arena);
    }
}

/* What people read when nothing was found. */
static void test_explanations(void **state)
{
    static const struct {
        const char *nodes, *filter, *line;
        uint32_t need;
    } cases[] = {
        { "n1 : p,FILE,2048\n", "", " n1/p: 2.0 GiB free, 4.0 GiB needed\n", 1 },
        { "n1 : p,FILE_THIN,1000,1000,19000\n", "",
          " n1/p: 1000.0 MiB of what may be promised are left, 4.0 GiB needed "
          "(MaxTotalCapacityOversubscriptionRatio)\n",
          1 },
        { "n1 : p,FILE_THIN,250,100000\n", "",
          " n1/p: 4.9 GiB free, 9.8 GiB must stay free (Autoplacer/MinThinFreeSpace)\n", 1 },
        { "n1 : p,FILE,?\n", "", " n1/p: its free space is not known\n", 1 },
        { "n1 !offline : p,FILE,9\n", "", " n1: is offline\n", 1 },
        { "n1 !evicted : p,FILE,9\n", "", " n1: is evicted\n", 1 },
        { "n1 !evacuate : p,FILE,9\n", "", " n1: is being evacuated\n", 1 },
        { "n1 !nodrbd : p,FILE,9\n", "drbd", " n1: does not support layer DRBD\n", 1 },
        { "n1 : p,FILE,9\n", "at=n1", " n1: has this resource already\n", 1 },
        { "n1 : p,FILE,9\n", "nodes=n2", " n1: is not in the list of nodes\n", 1 },
        { "n1 z=a : p,FILE,9\n", "same=z=b", " n1: replicas-on-same needs z=b, and it has 'a'\n", 1 },
        { "n1 : p,FILE,9\n", "same=z=b", " n1: replicas-on-same needs the property z=b, which it does not have\n", 1 },
        { "n1 : p,FILE,9\n", "same=z", " n1: replicas-on-same needs the property z, which it does not have\n", 1 },
        { "n1 z=a : p,FILE,9\n", "different=z=a", " n1: replicas-on-different takes no more nodes with z=a\n", 1 },
        { "n1 !notarget : p,FILE,9\n", "", " n1: AutoplaceTarget is false\n", 1 },
        { "n1 has:db : p,FILE,9\n", "not=DB", " n1: has resource db, with which this one is not to be placed\n", 1 },
        { "n1 has:db : p,FILE,9\n", "regex=D.", " n1: has resource db, which matches 'D.', not to be placed with\n",
          1 },
        { "n1 : d,DISKLESS,9\n", "", " n1: has no storage pool of the sort that is needed\n", 1 },
        { "n1 :\n", "", " n1: has no storage pool of the sort that is needed\n", 1 },
        { "n1 : p,FILE,9\n", "pools=q", " n1/p: is not in the list of storage pools\n", 1 },
        { "n1 : p,FILE,9\n", "providers=LVM", " n1/p: its provider FILE is not in the list of providers\n", 1 },
        { "n1 !nofile : p,FILE,9\n", "", " n1/p: its node does not support provider FILE\n", 1 },
        { "n1 : p,FILE,9000,*\n", "", " n1/p: AutoplaceTarget is false\n", 1 },
        { "n1 : p,LVM,9000\nn2 :\n", "at=n2:ZFS",
          " n1/p: its provider LVM does not go with ZFS of a replica that is there\n", 1 },
        { "n1 : p,LVM,9000,9000,0,s\nn2 :\n", "at=n2:LVM:s", " n1/p: a replica lies already in the shared space s\n",
          1 },
        { "n1 : p,FILE,9000\n", "", " n1/p: is suitable\n", 2 },
        { "n1 : p,FILE,9000\n", "", "Replicas to place: 2. Nodes: 1, suitable by themselves: 1.\n", 2 },
        { FIVE, "different=zone", "But no 3 of them can be taken together", 3 },
        { FIVE, "pools=p,q", " * has a deployed storage pool named [p, q]\n", 6 },
        { FIVE, "", " * the storage pools have to have at least '4194304' KiB free space\n", 6 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct cluster cluster;
        struct buf text = { 0 };
        place(&cluster, cases[i].nodes, cases[i].filter, cases[i].need,
              strstr(cases[i].line, "taken together") ? 0 : (int64_t)4 * GIB);
        autoplace_explain(&cluster.input, &cluster.result, 100, &text);
        if (cluster.result.outcome != AUTOPLACE_NOT_ENOUGH || !strstr(buf_text(&text), cases[i].line))
            fail_msg("expected '%s' in:\n%s", cases[i].line, buf_text(&text));
        buf_done(&text);
        arena_done(&cluster.arena);
    }
}

static void test_explanation_is_bounded(void **state)
{
    struct cluster cluster;
    struct buf text = { 0 };

    (void)state;
    place(&cluster, "n1 !offline :\nn2 !offline :\nn3 !offline :\nn4 : p,FILE,1\nn5 : p,FILE,1\n", "", 1, GIB);
    autoplace_explain(&cluster.input, &cluster.result, 1, &text);
    assert_non_null(strstr(buf_text(&text), " n1: is offline\n 2 more nodes offline\n"
                                            " 2 more storage pools with too little free space\n"));
    buf_done(&text);
    arena_done(&cluster.arena);
}

static void test_undecidable(void **state)
{
    struct cluster cluster;

    (void)state;
    place(&cluster, FIVE, "same=zone at=n1 at=n5", 1, 1);
    assert_int_equal(cluster.result.outcome, AUTOPLACE_UNDECIDABLE);
    assert_non_null(strstr(cluster.result.why, "'zone'"));
    assert_int_equal(cluster.result.chosen_count, 0);
    arena_done(&cluster.arena);
}

static void test_patterns(void **state)
{
    static char too_long[] = { [0 ... 256] = 'a', '\0' };
    static const char *const bad[] = { "(",       "a{",       "[",         "(a)\\1", "((a{99}){99}){99}",
                                       "a{2000}", "(?=look)", "a{1,3000}", too_long };
    static const struct {
        const char *pattern, *name;
        bool matches;
    } good[] = {
        { "^r1$", "R1", true },   { "^r1$", "r12", false },     { "(?:a|b)c", "xbcx", true },
        { "\\D\\d", "a1", true }, { "[\\d]{2}", "ab12", true }, { "[\\d]{2}", "a1", false },
        { "a.*b", "a--b", true }, { "", "x", false },
    };
    char text[300];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct cluster cluster;
        snprintf(text, sizeof(text), "regex=%s", bad[i]);
        place(&cluster, FIVE, text, 1, 1);
        if (cluster.result.outcome != AUTOPLACE_BAD_PATTERN || !cluster.result.why)
            fail_msg("pattern '%s' was accepted", text);
        arena_done(&cluster.arena);
    }
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        struct cluster cluster;
        char nodes[64];
        snprintf(nodes, sizeof(nodes), "n1 has:%s : p,FILE,9\n", good[i].name);
        snprintf(text, sizeof(text), "regex=%s", good[i].pattern);
        place(&cluster, nodes, text, 1, 1);
        if ((cluster.result.outcome == AUTOPLACE_NOT_ENOUGH) != good[i].matches)
            fail_msg("pattern '%s', name '%s'", good[i].pattern, good[i].name);
        arena_done(&cluster.arena);
    }
}

static void test_reserve(void **state)
{
    static const struct {
        const char *text;
        int64_t kib; /* -1: cannot be read */
    } cases[] = {
        { "10%", 100 },    { "100%", 1000 },     { "2.5 %", 25 },
        { "4096", 4096 },  { "5GiB", 5 * GIB },  { "5g", 5 * GIB },
        { "1GB", 976562 }, { "2048b", 2 },       { "4s", 2 },
        { "1.5M", 1536 },  { "1t", 1024 * GIB }, { "", -1 },
        { "%", -1 },       { "x", -1 },          { "5 pints", -1 },
        { "-1", -1 },      { "1.2.3", -1 },      { "99999999999999999999T", INT64_MAX },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t kib = -1;
        bool is_good = autoplace_parse_reserve(cases[i].text, 1000, &kib);
        if (is_good != (cases[i].kib >= 0) || (is_good && kib != cases[i].kib))
            fail_msg("'%s': %d %lld", cases[i].text, is_good, (long long)kib);
    }
}

static void test_available(void **state)
{
    static const struct {
        enum provider_kind provider;
        int64_t free_kib, total_kib, reserved_kib;
        double free_ratio, total_ratio;
        int64_t available_kib;
    } cases[] = {
        { PROVIDER_LVM_THIN, 100, 200, 50, 20, 20, 2000 },
        { PROVIDER_LVM_THIN, 100, 200, 3900, 20, 20, 100 },
        { PROVIDER_LVM_THIN, 100, 200, 5000, 20, 20, 0 },
        { PROVIDER_LVM_THIN, INT64_MAX, INT64_MAX, 0, 20, 20, INT64_MAX },
        { PROVIDER_LVM_THIN, 100, 200, 0, INFINITY, INFINITY, INT64_MAX },
        { PROVIDER_LVM_THIN, 0, 200, 0, INFINITY, 20, 0 },
        { PROVIDER_LVM, 100, 200, 50, 20, 20, 100 }, /* thick: a ratio makes no space */
        { PROVIDER_LVM, 100, 200, 0, 0.5, 1, 50 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct autoplace_pool pool = {
            .provider = cases[i].provider,
            .free_kib = MAYBE(cases[i].free_kib),
            .total_kib = MAYBE(cases[i].total_kib),
            .reserved_kib = cases[i].reserved_kib,
            .free_ratio = cases[i].free_ratio,
            .total_ratio = cases[i].total_ratio,
        };
        assert_int_equal(autoplace_available_kib(&pool), cases[i].available_kib);
    }
}

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
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),         cmocka_unit_test(test_weights),
        cmocka_unit_test(test_explanations), cmocka_unit_test(test_explanation_is_bounded),
        cmocka_unit_test(test_undecidable),  cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_reserve),      cmocka_unit_test(test_available),
        cmocka_unit_test(test_crowd),        cmocka_unit_test(test_crowd_gives_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
