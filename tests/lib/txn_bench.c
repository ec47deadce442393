/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "txn_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model_dump.h"

static void keep(void *owner, struct commit *commit)
{
    struct bench *bench = owner;

    commit->next = bench->newest;
    bench->newest = commit;
}

void make_durable(struct bench *bench)
{
    while (bench->newest) {
        struct commit *commit = bench->newest;

        bench->newest = commit->next;
        commit_free(commit);
    }
}

void undo_newest(struct bench *bench)
{
    struct commit *commit = bench->newest;

    bench->newest = commit->next;
    commit_undo(&bench->model, commit);
}

int set_up(void **state)
{
    struct bench *bench = memory_alloc(sizeof(*bench));

    model_init(&bench->model);
    bench->model.committed = keep;
    bench->model.committed_owner = bench;
    model_make_cluster(&bench->model, 3);
    make_durable(bench);
    *state = bench;
    return 0;
}

int tear_down(void **state)
{
    struct bench *bench = *state;

    make_durable(bench);
    model_done(&bench->model);
    free(bench);
    return 0;
}

char *exact_text_of(const struct bench *bench)
{
    struct buf out = { 0 };

    model_dump(&bench->model, true, &out);
    buf_drop_front(&out, (size_t)(strchr(out.data, '\n') - out.data));
    return buf_take(&out);
}

void expect_same(const struct bench *bench, char *before)
{
    char *after = exact_text_of(bench);

    assert_string_equal(after, before);
    free(after);
    free(before);
}

const struct storage_pool *pool_on(const struct bench *bench, const char *node)
{
    return model_find_pool(model_find_node(&bench->model, node), "thin");
}

struct resource *edit_resource(struct bench *bench, struct txn *txn, const char *definition, const char *node)
{
    return txn_edit(txn, model_find_resource(model_find_definition(&bench->model, definition), node));
}

void expect_pool(const struct bench *bench, const char *node, const char *pool_name, int64_t kib, uint32_t count)
{
    const struct storage_pool *pool = model_find_pool(model_find_node(&bench->model, node), pool_name);

    assert_non_null(pool);
    assert_int_equal(pool->reserved_kib, kib);
    assert_int_equal(pool->volume_count, count);
    assert_int_equal(pool->resource_count, count);
}
