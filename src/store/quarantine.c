/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A record put aside lies in the table of that name under "<table>/<key>". What has no parent but by records that are
 * put aside goes with them, and comes back with them.
 */
#include "store/quarantine.h"

#include <string.h>

#include "base/text.h"
#include "model/model.h"
#include "store/journal.h"

enum { LONGEST_KEY = 511 }; /* that every backend takes */

struct aside {
    struct map_node node; /* key: as in the table */
    const char *table, *key, *value;
    size_t length;
    bool is_taken; /* there is such a record in the table itself */
};

struct work {
    enum quarantine_act act;
    struct loop *loop;
    FILE *out;
    struct model model;
    struct store_batch batch;
    struct arena arena;
    struct map aside;
    int count;
    int error;
    char why[400];
};

static void look(struct work *work, const char *table, const char *key, const char *value, size_t length)
{
    const struct kind *kind = journal_kind(table);
    const char *name = arena_printf(&work->arena, "%s/%s", table, key);
    struct map_node *aside = map_find(&work->aside, name);
    char why[200];

    if (aside)
        CONTAINER_OF(aside, struct aside, node)->is_taken = true;
    if (!kind || model_load(&work->model, kind, key, value, length, why, sizeof(why)))
        return;
    model_note_unreadable(&work->model, kind, key, why);
    if (model_record_is_newer(kind, value, length) && !work->error) {
        work->error = -1;
        snprintf(work->why, sizeof(work->why), "%s was written by a newer version of the program: %s", name, why);
    }
    if (work->act == QUARANTINE_RESTORE)
        return;
    if (work->act == QUARANTINE_PUT_ASIDE && strlen(name) <= LONGEST_KEY && !aside) {
        store_batch_put(&work->batch, JOURNAL_QUARANTINE, name, value, length);
        store_batch_remove(&work->batch, table, key);
        work->count++;
        fprintf(work->out, "put aside: %s: %s\n", name, why);
    } else {
        fprintf(work->out, "unreadable: %s: %s\n", name, why);
    }
}

static void look_aside(struct work *work, const char *name, const char *value, size_t length)
{
    struct aside *aside = arena_alloc(&work->arena, sizeof(*aside));
    const char *slash = strchr(name, '/');
    const char *table = slash ? arena_strndup(&work->arena, name, (size_t)(slash - name)) : "";

    *aside = (struct aside){
        .node.key = arena_strdup(&work->arena, name),
        .table = journal_kind(table) ? journal_kind(table)->name : NULL,
        .key = arena_strdup(&work->arena, slash ? slash + 1 : ""),
        .value = arena_strndup(&work->arena, value, length),
        .length = length,
    };
    map_insert(&work->aside, &aside->node);
}

static void each(void *owner, const char *table, const char *key, const char *value, size_t length)
{
    struct work *work = owner;

    if (strcmp(table, JOURNAL_QUARANTINE) == 0)
        look_aside(work, key, value, length);
    else
        look(work, table, key, value, length);
}

static void restore(struct work *work)
{
    map_for_each (node, &work->aside) {
        const struct aside *aside = CONTAINER_OF(node, struct aside, node);

        if (work->act != QUARANTINE_RESTORE) {
            fprintf(work->out, "aside: %s\n", node->key);
        } else if (!aside->table || aside->is_taken) {
            fprintf(work->out, "stays aside: %s: %s\n", node->key,
                    aside->table ? "there is a record of that name" : "no such table");
        } else {
            store_batch_put(&work->batch, aside->table, aside->key, aside->value, aside->length);
            store_batch_remove(&work->batch, JOURNAL_QUARANTINE, node->key);
            work->count++;
            fprintf(work->out, "put back: %s\n", node->key);
        }
    }
}

static void written(void *owner, int error, const char *why)
{
    struct work *work = owner;

    work->error = error;
    if (error)
        snprintf(work->why, sizeof(work->why), "%s", why);
    loop_stop(work->loop);
}

int quarantine_run(struct loop *loop, struct store *store, enum quarantine_act act, FILE *out, char *why,
                   size_t why_size)
{
    /* What lies aside is looked at first: the tables themselves tell what of it could not go back. */
    const char *tables[KIND_COUNT + 1] = { JOURNAL_QUARANTINE };
    struct work work = { .act = act, .loop = loop, .out = out };

    for (int id = 0; id < KIND_COUNT; id++)
        tables[id + 1] = kinds[id].name;
    model_init(&work.model);
    store_batch_init(&work.batch);
    work.error = store->backend->load(store, tables, ARRAY_SIZE(tables), each, &work, work.why, sizeof(work.why)) != 0
                     ? -1
                     : work.error;
    if (work.error == 0)
        restore(&work);
    work.batch.generation = work.model.generation;
    if (work.error == 0 && work.count > 0) {
        store->backend->commit(store, &work.batch, written, &work);
        loop_run(loop);
    }
    store->backend->close(store);
    store_batch_done(&work.batch);
    model_done(&work.model);
    arena_done(&work.arena);
    snprintf(why, why_size, "%s", work.why);
    return work.error ? -1 : 0;
}
