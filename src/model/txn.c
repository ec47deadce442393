/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A transaction is a list of changes, in the order in which objects were made, edited and deleted. New objects are
 * linked at once, deleted ones unlinked at once, edited ones keep an image: the whole struct as it was, which shares
 * the old block of text and lists. Editing copies those into the transaction's arena, so the image stays true whatever
 * is done to the object; committing packs them into a new block. Accounting (model/account.h) sees a deleted object
 * when it goes, images and objects of the edited at commit; taking back goes exactly the other way, and frees nothing
 * before all links are back.
 */
#include "model/txn.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/place.h"

enum { SPARE_BYTES = 64 * 1024 }; /* more memory is not kept for the next transaction */

struct claim {
    struct claim *next;
    struct number_pool *pool;
    int64_t number;
};

struct txn {
    struct model *model;
    struct arena arena;
    struct commit *commit;
    struct claim *claims;
};

struct txn *txn_begin(struct model *model)
{
    struct txn *txn = memory_alloc(sizeof(*txn));

    assert(!model->in_transaction);
    model->in_transaction = true;
    txn->model = model;
    txn->arena = model->txn_memory;
    model->txn_memory = (struct arena){ 0 };
    txn->commit = memory_alloc(sizeof(*txn->commit));
    txn->commit->last = &txn->commit->changes;
    return txn;
}

struct arena *txn_arena(struct txn *txn)
{
    return &txn->arena;
}

bool txn_is_empty(const struct txn *txn)
{
    return !txn->commit->changes;
}

const struct change *txn_changes(const struct txn *txn)
{
    return txn->commit->changes;
}

void txn_claim(struct txn *txn, struct number_pool *pool, int64_t number)
{
    struct claim *claim = arena_alloc(&txn->arena, sizeof(*claim));

    *claim = (struct claim){ .next = txn->claims, .pool = pool, .number = number };
    txn->claims = claim;
    (void)!number_pool_claim(pool, number);
}

static void release_claims(struct txn *txn)
{
    for (struct claim *claim = txn->claims; claim; claim = claim->next)
        number_pool_release(claim->pool, claim->number);
    txn->claims = NULL;
}

static struct change *add_change(struct txn *txn, enum change_kind kind, struct object *object)
{
    struct change *change = memory_alloc(sizeof(*change));

    change->kind = kind;
    change->object = object;
    object->change = change;
    *txn->commit->last = change;
    txn->commit->last = &change->next;
    return change;
}

void *txn_new(struct txn *txn, enum kind_id kind, const void *parent, const void *second, const char *key)
{
    struct object *object = place_new(kind);
    bool linked;

    object->uuid = arena_alloc(&txn->arena, TEXT_UUID_SIZE);
    text_make_uuid(object->uuid);
    linked = place_link(object, place_writable(parent), place_writable(second), key);
    assert(linked); /* the caller looked whether it exists */
    add_change(txn, CHANGE_NEW, object);
    return object;
}

void *txn_edit(struct txn *txn, const void *locked)
{
    struct object *object = place_writable(locked);
    struct change *change = object->change;

    if (change) {
        assert(change->kind != CHANGE_DELETE);
        return object;
    }
    change = add_change(txn, CHANGE_EDIT, object);
    change->image = memory_copy(object, object->kind->schema->size);
    field_copy(object->kind->schema, object, change->image, &txn->arena);
    return object;
}

static void remove_change(struct txn *txn, struct change *change)
{
    struct change **at = &txn->commit->changes;

    while (*at != change)
        at = &(*at)->next;
    *at = change->next;
    if (txn->commit->last == &change->next)
        txn->commit->last = at;
    change->object->change = NULL;
    free(change->image);
    free(change);
}

static void move_back(struct change *change)
{
    if (!change->old_second)
        return;
    place_unlink(change->object);
    change->object->parent[1] = change->old_second;
    place_relink(change->object);
}

static void account(struct model *model, const struct object *object, int sign)
{
    if (object->kind->account)
        object->kind->account(model, object, sign);
}

void txn_delete(struct txn *txn, const void *locked)
{
    struct object *object = place_writable(locked);
    struct change *change;

    /* Later kinds first: a resource ends before the pools that count it. */
    for (int kind = KIND_COUNT - 1; kind >= 0; kind--) {
        const struct object *child;

        if (kinds[kind].parents[0] != object->kind->id && kinds[kind].parents[1] != object->kind->id)
            continue;
        while ((child = object_first(object, (enum kind_id)kind)))
            txn_delete(txn, child);
    }
    change = object->change;
    place_unlink(object);
    if (change && change->kind == CHANGE_NEW) { /* made and deleted: nothing happened */
        remove_change(txn, change);
        place_free(object);
        return;
    }
    if (change) { /* the deletion has its own place in the order */
        field_assign(object->kind->schema, object, change->image);
        if (change->old_second)
            object->parent[1] = change->old_second;
        remove_change(txn, change);
    }
    account(txn->model, object, -1);
    add_change(txn, CHANGE_DELETE, object);
}

void txn_move(struct txn *txn, const void *locked, const void *second)
{
    struct object *object = txn_edit(txn, locked);
    struct change *change = object->change;

    if (object->parent[1] == second)
        return;
    if (change->kind == CHANGE_EDIT && !change->old_second)
        change->old_second = object->parent[1];
    place_unlink(object);
    object->parent[1] = place_writable(second);
    place_relink(object);
}

static bool changed_nothing(const struct change *change)
{
    bool moved = change->old_second && change->old_second != change->object->parent[1];

    return change->kind == CHANGE_EDIT && !moved &&
           field_equal(change->object->kind->schema, change->image, change->object, FIELD_STORE);
}

static void drop_no_ops(struct commit *commit)
{
    struct change **at = &commit->changes;

    while (*at) {
        struct change *change = *at;

        if (!changed_nothing(change)) {
            at = &change->next;
            continue;
        }
        field_assign(change->object->kind->schema, change->object, change->image);
        change->object->change = NULL;
        *at = change->next;
        free(change->image);
        free(change);
    }
    commit->last = at;
}

static void end(struct txn *txn)
{
    release_claims(txn);
    txn->model->in_transaction = false;
    arena_reset(&txn->arena);
    if (txn->arena.end - txn->arena.next > SPARE_BYTES)
        arena_done(&txn->arena);
    txn->model->txn_memory = txn->arena;
    free(txn);
}

uint64_t txn_commit(struct txn *txn)
{
    struct model *model = txn->model;
    struct commit *commit = txn->commit;
    uint64_t generation;

    drop_no_ops(commit);
    if (!commit->changes) {
        free(commit);
        end(txn);
        return 0;
    }
    generation = commit->generation = ++model->generation;
    release_claims(txn); /* accounting takes what is held */
    for (struct change *change = commit->changes; change; change = change->next)
        if (change->kind == CHANGE_EDIT)
            account(model, change->image, -1);
    for (struct change *change = commit->changes; change; change = change->next) {
        change->object->change = NULL;
        if (change->kind == CHANGE_DELETE)
            continue;
        change->object->generation = generation;
        place_pack(change->object);
        account(model, change->object, +1);
    }
    end(txn);
    model->committed(model->committed_owner, commit);
    return generation;
}

static void reverse(struct commit *commit)
{
    struct change *reversed = NULL;

    while (commit->changes) {
        struct change *change = commit->changes;

        commit->changes = change->next;
        change->next = reversed;
        reversed = change;
    }
    commit->changes = reversed;
}

/* Links as they were, newest change first. */
static void restore_links(struct model *model, struct commit *commit)
{
    for (struct change *change = commit->changes; change; change = change->next) {
        switch (change->kind) {
        case CHANGE_NEW: place_unlink(change->object); break;
        case CHANGE_EDIT: move_back(change); break;
        case CHANGE_DELETE:
            place_relink(change->object);
            account(model, change->object, +1);
            break;
        }
    }
}

/* Frees the changes, their images, and the objects that ended with them: those of one kind of change. */
static void free_commit(struct commit *commit, enum change_kind ended)
{
    while (commit->changes) {
        struct change *change = commit->changes;

        commit->changes = change->next;
        if (change->kind == ended)
            place_free(change->object);
        free(change->image);
        free(change);
    }
    free(commit);
}

void txn_abort(struct txn *txn)
{
    if (!txn)
        return;
    reverse(txn->commit);
    for (struct change *change = txn->commit->changes; change; change = change->next) {
        change->object->change = NULL;
        if (change->kind == CHANGE_EDIT)
            field_assign(change->object->kind->schema, change->object, change->image);
    }
    restore_links(txn->model, txn->commit);
    free_commit(txn->commit, CHANGE_NEW);
    end(txn);
}

void commit_undo(struct model *model, struct commit *commit)
{
    reverse(commit);
    for (struct change *change = commit->changes; change; change = change->next)
        if (change->kind != CHANGE_DELETE)
            account(model, change->object, -1);
    for (struct change *change = commit->changes; change; change = change->next) {
        struct object *object = change->object;

        if (change->kind != CHANGE_EDIT)
            continue;
        field_assign(object->kind->schema, object, change->image);
        free(object->memory);
        object->memory = change->image->memory;
        object->generation = change->image->generation;
        account(model, object, +1);
    }
    restore_links(model, commit);
    free_commit(commit, CHANGE_NEW);
}

void commit_free(struct commit *commit)
{
    for (struct change *change = commit->changes; change; change = change->next)
        if (change->kind == CHANGE_EDIT)
            free(change->image->memory);
    free_commit(commit, CHANGE_DELETE);
}
