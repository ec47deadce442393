/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For tests of transactions: a model with a small cluster, whose commits are kept until they are made durable or
 * undone. Every test compares the whole model as text before and after.
 */
#pragma once

#include "model/txn.h"

struct bench {
    struct model model;
    struct commit *newest; /* not yet durable */
};

int set_up(void **state);
int tear_down(void **state);
void make_durable(struct bench *bench);
void undo_newest(struct bench *bench);

/* With the objects' generations, without the model's: that one never goes back. */
char *exact_text_of(const struct bench *bench);
void expect_same(const struct bench *bench, char *before); /* frees before */

const struct storage_pool *pool_on(const struct bench *bench, const char *node);
struct resource *edit_resource(struct bench *bench, struct txn *txn, const char *definition, const char *node);
/* What is accounted of the pool: volumes of so many KiB together, so many of them and of resources. */
void expect_pool(const struct bench *bench, const char *node, const char *pool_name, int64_t kib, uint32_t count);
