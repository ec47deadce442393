/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For tests of the placement: clusters as text, a node a line: "name [prop=value]... [!offline|!evicted|!delete|
 * !evacuate|!notarget|!nodrbd|!nofile|!mix] [has:resource]... : pool,provider,free MiB[,total MiB[,reserved
 * MiB[,shared name]]][,*] ...". A pool that ends with ",*" has AutoplaceTarget=false; free "?" is unknown.
 */
#pragma once

#include "model/autoplace.h"

enum { MIB = 1024, GIB = 1024 * 1024, MAX_NODES = 8 };

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

/*
 * Runs the placement; cluster->arena is the caller's from then on. filter: "same=k", "different=k", "x=k:2",
 * "nodes=a,b", "pools=..", "providers=..", "not=..", "regex=..", "at=n1[:PROVIDER[:shared]]", "left=n1", "drbd",
 * "mixing", "diskless".
 */
void place(struct cluster *cluster, const char *nodes, const char *filter, uint32_t need, int64_t size_kib);
/* "n1/p n3/q", best first. */
const char *chosen(struct cluster *cluster);

#define FIVE                                                                                                           \
    "n1 zone=a rack=1 : p,FILE,2000\n"                                                                                 \
    "n2 zone=a rack=2 : p,FILE,3000\n"                                                                                 \
    "n3 zone=b rack=1 : p,FILE,4000\n"                                                                                 \
    "n4 zone=b rack=2 : p,FILE,5000\n"                                                                                 \
    "n5 zone=b rack=3 : p,FILE,6000\n"
