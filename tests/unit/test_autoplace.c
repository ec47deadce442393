/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which pools are chosen. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "autoplace_world.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),    cmocka_unit_test(test_weights),   cmocka_unit_test(test_undecidable),
        cmocka_unit_test(test_reserve), cmocka_unit_test(test_available),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
