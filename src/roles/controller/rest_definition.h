/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making resource definitions and volume definitions: what creating and spawning share. All add their entries to rc. */
#pragma once

#include "roles/controller/request.h"

struct definition_wish {
    char *name, *external_name; /* one of them may be NULL or empty */
    char *group;                /* NULL or empty: DfltRscGrp */
    struct text_list layers;    /* in any case; empty: chosen with the first resource */
    struct maybe_i32 peer_slots, port;
    char *secret, *transport; /* NULL: made up */
};
/* NULL when rc says why not. Adds the reference RscDfn, and no entry for success. */
struct resource_definition *definition_create(struct request *q, const struct definition_wish *wish);
/* Layers in any case to the stack they make. */
int definition_parse_layers(struct request *q, const struct text_list *names, struct text_list *layers);
/* Also makes what a layer needs from now on, such as DRBD's secret. */
void definition_set_layers(struct request *q, struct resource_definition *definition, struct text_list layers);
/* What DRBD needs of every definition. LINSTOR: it stays, and is shown, whatever becomes of the layers. */
void definition_add_drbd(struct request *q, struct resource_definition *definition);

struct volume_wish {
    struct maybe_i32 number; /* absent: the lowest free */
    int64_t size_kib;
    struct text_list flags;
    struct maybe_i32 minor;
    const struct text_map *props; /* NULL: none */
    const char *passphrase;       /* that LUKS is to obey; NULL or empty: a key is made for each replica */
};
struct volume_definition *definition_add_volume(struct request *q, struct resource_definition *definition,
                                                const struct volume_wish *wish);
