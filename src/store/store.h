/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Durable tables of text records. A batch is the only unit of writing: all of it or nothing. Backends are in files of
 * their own; this header knows no objects (store/journal.h brings them together).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/loop.h"

struct store_op {
    struct store_op *next;
    const char *table;
    const char *key;
    const char *value; /* NULL removes the record; removing what is absent is no error */
    size_t length;
};

struct store_batch {
    struct arena arena; /* holds the ops, keys and values */
    struct store_op *ops, **last;
    uint64_t generation; /* the store's after this batch */
};
void store_batch_init(struct store_batch *batch);
void store_batch_done(struct store_batch *batch);
/* key and value are copied; table must live as long as the batch. */
void store_batch_put(struct store_batch *batch, const char *table, const char *key, const char *value, size_t length);
void store_batch_remove(struct store_batch *batch, const char *table, const char *key);

struct store {
    const struct store_backend *backend;
};

struct store_backend {
    const char *name;
    /*
     * Calls each() for every record of the tables, in the order of tables given; key and value are valid during the
     * call. 0, or -errno and a text in why.
     */
    int (*load)(struct store *store, const char *const *tables, size_t table_count,
                void (*each)(void *owner, const char *table, const char *key, const char *value, size_t length),
                void *owner, char *why, size_t why_size);
    /* One at a time. done() is called on the loop, with 0 when all of it is durable, or -errno and why when nothing of
     * it is. */
    void (*commit)(struct store *store, const struct store_batch *batch,
                   void (*done)(void *owner, int error, const char *why), void *owner);
    /* Waits until a commit under way is written or has failed; its done() is not called. */
    void (*close)(struct store *store);
};

/*
 * LMDB in directory, which is created. One database per table. The map grows by itself. NULL and a text in why when it
 * cannot be opened, or when another process uses it and does not end within 2 seconds, for which it waits.
 */
struct store *store_lmdb_open(struct loop *loop, const char *directory, const char *const *tables, size_t table_count,
                              char *why, size_t why_size);
