/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Putting resources on nodes: what creating, placing and spawning share. All add their entries to rc. */
#pragma once

#include "model/layer.h"
#include "roles/controller/request.h"

/* Of volume definitions: the passphrase of LUKS that a user chose, sealed by the master key. */
#define DEPLOY_PASSPHRASE_KEY "Encryption/Passphrase"
enum { DEPLOY_KEYS_LIMIT = 8 }; /* of a volume, until all but the first are forgotten */

struct deploy_wish {
    const struct node *node;
    const char *pool;             /* NULL: found by properties */
    const struct text_map *props; /* of the resource; NULL: none */
    struct text_list layers;      /* in any case; empty: the definition's, or the default */
    struct text_list flags;
    const char *placed_by; /* property DiskfulBy; NULL: none */
    bool is_quiet;         /* no entries for success: the caller says it */
};

/*
 * Makes the resource with a volume for every volume definition. NULL when rc says why not. Entries: one per volume,
 * then the resource's.
 */
struct resource *deploy_resource(struct request *q, const struct resource_definition *definition,
                                 const struct deploy_wish *wish);
/* Another volume for a resource that is there. */
int deploy_volume(struct request *q, struct resource *resource, const struct volume_definition *volume);
/* Whether the pools below all replicas of the volume have room for so much more. */
int deploy_check_growth(struct request *q, const struct resource_definition *definition, int32_t number,
                        int64_t more_kib);
