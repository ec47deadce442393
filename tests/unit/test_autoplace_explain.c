/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is said when nothing is chosen, and patterns that name resources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "autoplace_world.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_explanations),
        cmocka_unit_test(test_explanation_is_bounded),
        cmocka_unit_test(test_patterns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
