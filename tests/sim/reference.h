/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the cluster should hold, as a client that remembers every answer knows it: a few nodes, definitions, volumes and
 * resources by number. The same struct is read from the store, so that both can be compared.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "world.h"

enum { DEFINITIONS = 6, VOLUMES = 3, POOLS = 2, NAME_SIZE = 24 };

enum presence {
    ABSENT,
    PRESENT,
    LEAVING,  /* its deletion was accepted: it is going, or gone */
    OPTIONAL, /* the controller chooses */
};

struct reference_volume {
    enum presence at;
    int64_t size_kib;
};

struct reference_resource {
    enum presence at;
    int mark; /* value of the property Aux/sim; 0: none */
};

struct reference_definition {
    enum presence at;
    int mark;
    int pool;     /* where its volumes lie */
    bool is_drbd; /* has minors, and no resources */
    struct reference_volume volumes[VOLUMES];
    struct reference_resource resources[HOST_LIMIT]; /* by node */
};

struct reference_node {
    enum presence at;
    int mark;
    struct reference_resource pools[POOLS];
};

struct reference {
    struct reference_definition definitions[DEFINITIONS];
    struct reference_node nodes[HOST_LIMIT]; /* from 1 */
};

/* Sets of definitions and nodes, one bit each. */
struct parts {
    unsigned definitions, nodes;
};

const char *definition_name(int definition); /* "r0" */
const char *pool_name(int pool);             /* "thin", "thick" */
int definition_by_name(const char *name);    /* -1 when it is none */

/* From the durable records; what is not among parts is zeroed. */
void reference_read(struct reference *reference, struct parts parts);
/* Where actual is not as wanted says it must be; NULL: nowhere. What is leaving may have gone. */
const char *reference_compare(const struct reference *wanted, const struct reference *actual, struct parts parts);
/*
 * Copies parts. What is leaving and is not there in actual is absent from now on, and what the controller chose is as
 * it has chosen.
 */
void reference_take(struct reference *to, const struct reference *from, const struct reference *actual,
                    struct parts parts);
