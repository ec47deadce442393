/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Transactions: the only way to change the model. Lookups give const pointers; txn_edit() gives a writable one. No wait
 * and no I/O while a transaction is open; it lives inside one handler or one turn function.
 *
 * A commit is handed to model->committed and stays undoable until it is durable: it keeps the images of what it
 * changed. Text and lists put into an edited object may come from txn_arena() or live elsewhere; committing copies
 * them.
 */
#pragma once

#include "model/model.h"

struct txn;

struct txn *txn_begin(struct model *model);
/* Linked at once, visible to lookups. second is NULL for kinds with one parent; key is the name or number key. The UUID
 * is new. */
void *txn_new(struct txn *txn, enum kind_id kind, const void *parent, const void *second, const char *key);
void *txn_edit(struct txn *txn, const void *object);
/* With everything that hangs in it. Invisible to lookups at once; its memory stays until the commit is durable. */
void txn_delete(struct txn *txn, const void *object);
/* Moves an object to another second parent (a resource definition to another group). */
void txn_move(struct txn *txn, const void *object, const void *second);
struct arena *txn_arena(struct txn *txn);
/* Takes a number for an object of this transaction, so that the next choice is another one. It is free again when the
 * transaction aborts, or when no object holds it after the commit (model/account.h). */
void txn_claim(struct txn *txn, struct number_pool *pool, int64_t number);
bool txn_is_empty(const struct txn *txn); /* nothing made, edited or deleted so far */
const struct change *txn_changes(const struct txn *txn);

/* Drops edits that changed nothing. Returns the new generation, or 0 when nothing was left to commit. The txn is gone.
 */
uint64_t txn_commit(struct txn *txn);
void txn_abort(struct txn *txn); /* NULL is fine */

enum change_kind { CHANGE_NEW, CHANGE_EDIT, CHANGE_DELETE };
struct change {
    enum change_kind kind;
    struct object *object;
    struct object *image;      /* of an edited one: the whole struct as it was */
    struct object *old_second; /* of a moved one */
    struct change *next;       /* in the order they were made */
};
struct commit {
    uint64_t generation;
    struct change *changes, **last;
    struct commit *next; /* for the owner's queue */
};
/* Back to what was before; the commits after it must have been undone already. Frees it. */
void commit_undo(struct model *model, struct commit *commit);
/* It is durable: frees images and deleted objects. */
void commit_free(struct commit *commit);
