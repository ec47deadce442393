/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The model: all objects of one cluster, in memory. Looking up is by functions of this header and of object.h; changing
 * only by transactions. It knows no store, no network and no clock.
 */
#pragma once

#include "model/kinds.h"
#include "model/number_pool.h"

struct commit;

struct model {
    struct controller *controller; /* the root; there is always one */
    uint64_t generation;           /* of the last committed transaction */
    bool in_transaction;
    struct arena txn_memory;   /* of the last transaction, for the next */
    struct map external_names; /* of resource definitions */
    struct number_pool minors; /* DRBD: of volume definitions */
    struct map unreadable;     /* struct unreadable: records that the store keeps though no object came of them */
    /* Who takes commits: encodes and stores them, later frees or undoes them (store/journal.h). */
    void (*committed)(void *owner, struct commit *commit);
    void *committed_owner;
};

/*
 * A record that could not be read, or whose parent could not. It stays in the store as it is, so nothing may be made
 * under its name, and what it hangs in must stay (model/invariant.h); what satellites hold of it is not theirs to
 * forget.
 */
struct unreadable {
    struct map_node node; /* key: "resource DATA/ALPHA" */
    const struct kind *kind;
    char *path, *why;
};
void model_note_unreadable(struct model *model, const struct kind *kind, const char *path, const char *why);
const struct unreadable *model_find_unreadable(const struct model *model, enum kind_id kind, const char *path);
/* One that would hang in the object if it could be read; NULL: none. */
const struct unreadable *model_find_unreadable_in(const struct model *model, const struct object *object);

void model_init(struct model *model); /* with a controller object that has a new UUID */
void model_done(struct model *model);
/* Where automatic minor numbers come from, "1000-1999"; NULL: 1000-49999. What is taken stays taken. */
void model_set_minor_range(struct model *model, const char *text);

/* An object as it was read from the store: parents must be there already. NULL and a reason in why when it cannot be.
 */
struct object *model_load(struct model *model, const struct kind *kind, const char *path, const char *record,
                          size_t length, char *why, size_t why_size);
/* Whether a newer program wrote the record, in a form that this one does not know. */
bool model_record_is_newer(const struct kind *kind, const char *record, size_t length);
/* The record of an object as text. */
void model_encode_record(const struct object *object, struct buf *out);
/* Whether what would be read from the record is the object. A build with sanitizers (CHECK_RECORDS) asserts it of
 * every record that is written. */
bool model_record_is_faithful(const struct object *object, const char *record, size_t length);

/* By name in any case; NULL when absent or when the name is longer than any name may be. */
const struct node *model_find_node(const struct model *model, const char *name);
const struct storage_pool_definition *model_find_pool_definition(const struct model *model, const char *name);
const struct storage_pool *model_find_pool(const struct node *node, const char *name);
const struct resource_group *model_find_group(const struct model *model, const char *name);
const struct resource_definition *model_find_definition(const struct model *model, const char *name);
const struct resource *model_find_resource(const struct resource_definition *definition, const char *node_name);
const struct net_interface *model_find_net_interface(const struct node *node, const char *name);
const struct volume_definition *model_find_volume_definition(const struct resource_definition *definition,
                                                             int32_t number);
const struct volume_group *model_find_volume_group(const struct resource_group *group, int32_t number);
const struct volume *resource_find_volume(const struct resource *resource, int32_t number);
const struct resource_definition *model_find_external(const struct model *model, const char *external_name);

static inline const struct object *model_root(const struct model *model)
{
    return &model->controller->object;
}
/* for (const struct node *node ...) over everything that hangs in the root */
#define model_for_each(T, var, model, kind) child_for_each (T, var, model_root(model), kind)

/* Upper case into key; false when text is longer than a key may be. */
bool model_key(const char *text, char key[static OBJECT_KEY_SIZE]);
void model_number_key(int32_t number, char key[static OBJECT_KEY_SIZE]); /* "00012": sorts by number */
