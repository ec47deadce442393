/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "store/store.h"

void store_batch_init(struct store_batch *batch)
{
    *batch = (struct store_batch){ 0 };
    batch->last = &batch->ops;
}

void store_batch_done(struct store_batch *batch)
{
    arena_done(&batch->arena);
    store_batch_init(batch);
}

static struct store_op *add(struct store_batch *batch, const char *table, const char *key)
{
    struct store_op *op = arena_alloc(&batch->arena, sizeof(*op));

    op->table = table;
    op->key = arena_strdup(&batch->arena, key);
    *batch->last = op;
    batch->last = &op->next;
    return op;
}

void store_batch_put(struct store_batch *batch, const char *table, const char *key, const char *value, size_t length)
{
    struct store_op *op = add(batch, table, key);

    op->value = arena_strndup(&batch->arena, value, length);
    op->length = length;
}

void store_batch_remove(struct store_batch *batch, const char *table, const char *key)
{
    add(batch, table, key);
}
