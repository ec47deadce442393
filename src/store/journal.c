/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two lists of commits, each with the batch that stores it: under way, and gathering. The turn starts the next batch
 * when none is under way; so while the disk syncs, all requests that come in share the batch after it.
 */
#include "store/journal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/text.h"

LOG_DOMAIN("journal");

#define JOURNAL "journal"

const char *const *journal_tables(void)
{
    static const char *tables[JOURNAL_TABLE_COUNT] = { [KIND_COUNT] = JOURNAL, [KIND_COUNT + 1] = JOURNAL_QUARANTINE };

    for (int id = 0; id < KIND_COUNT; id++)
        tables[id] = kinds[id].name;
    return tables;
}

struct gathering {
    struct store_batch batch;
    struct commit *newest;     /* linked to older ones by next */
    bool generation_is_stored; /* by a record of the newest commit */
};

struct journal {
    struct loop *loop;
    struct model *model;
    struct store *store;
    const struct journal_events *events;
    void *owner;
    struct gathering under_way, next;
    struct buf record;                    /* memory for the one at hand */
    bool is_writing, has_lost_generation; /* its own record could not be read */
    uint64_t durable;
    struct journal_counts counts;
    int64_t begun_us;
    char failure[256];
};

static void notify(struct journal *journal, const struct commit *commit, bool is_undo)
{
    for (const struct change *change = commit->changes; change; change = change->next)
        journal->events->on_change(journal->owner, change, commit->generation, is_undo);
}

static void committed(void *owner, struct commit *commit)
{
    struct journal *journal = owner;
    struct store_batch *batch = &journal->next.batch;
    struct buf *record = &journal->record;

    journal->next.generation_is_stored = false;
    for (const struct change *change = commit->changes; change; change = change->next) {
        char path[OBJECT_PATH_SIZE];

        object_path(change->object, path);
        if (change->kind == CHANGE_DELETE) {
            store_batch_remove(batch, change->object->kind->name, path);
            continue;
        }
        buf_clear(record);
        model_encode_record(change->object, record);
#ifdef CHECK_RECORDS
        assert(model_record_is_faithful(change->object, record->data, record->length));
#endif
        store_batch_put(batch, change->object->kind->name, path, record->data, record->length);
        journal->next.generation_is_stored = true;
    }
    batch->generation = commit->generation;
    commit->next = journal->next.newest;
    journal->next.newest = commit;
    notify(journal, commit, false);
    loop_mark_dirty(journal->loop);
}

static void free_commits(struct gathering *gathering)
{
    while (gathering->newest) {
        struct commit *commit = gathering->newest;

        gathering->newest = commit->next;
        commit_free(commit);
    }
    store_batch_done(&gathering->batch);
}

static void undo_commits(struct journal *journal, struct gathering *gathering)
{
    while (gathering->newest) {
        struct commit *commit = gathering->newest;

        gathering->newest = commit->next;
        notify(journal, commit, true);
        commit_undo(journal->model, commit);
    }
    store_batch_done(&gathering->batch);
}

/* A commit that only deletes leaves no record with its generation, yet generations must not come twice. */
static void store_generation(struct store_batch *batch)
{
    CLEANUP(memory_freep) char *record = memory_printf("{\"v\":1,\"generation\":%" PRIu64 "}", batch->generation);

    store_batch_put(batch, JOURNAL, "generation", record, strlen(record));
}

static void written(void *owner, int error, const char *why);

/* Only for counts: nothing depends on it, and the loop's clock stands still while the disk works. */
static int64_t clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void begin_writing(struct journal *journal)
{
    if (journal->is_writing || !journal->next.newest)
        return;
    if (!journal->next.generation_is_stored || journal->has_lost_generation)
        store_generation(&journal->next.batch);
    journal->under_way = journal->next;
    journal->next = (struct gathering){ 0 };
    store_batch_init(&journal->next.batch);
    journal->is_writing = true;
    journal->begun_us = clock_us();
    journal->store->backend->commit(journal->store, &journal->under_way.batch, written, journal);
}

static void written(void *owner, int error, const char *why)
{
    struct journal *journal = owner;
    struct gathering finished = journal->under_way;

    journal->is_writing = false;
    journal->counts.write_us += clock_us() - journal->begun_us;
    if (error)
        journal->counts.failures++;
    else
        journal->counts.writes++;
    journal->under_way = (struct gathering){ 0 };
    loop_mark_dirty(journal->loop);
    if (error == 0) {
        journal->has_lost_generation = false;
        journal->durable = finished.batch.generation;
        begin_writing(journal); /* the disk works while replies are sent */
        free_commits(&finished);
        journal->events->on_durable(journal->owner, journal->durable);
        return;
    }
    snprintf(journal->failure, sizeof(journal->failure), "%s", why);
    undo_commits(journal, &journal->next);
    undo_commits(journal, &finished);
    journal->events->on_failed(journal->owner, journal->failure);
}

static void turn(void *owner)
{
    begin_writing(owner);
}

struct loading {
    struct journal *journal;
    char fatal[400]; /* why the controller must not work on this store; "" when it may */
};

const struct kind *journal_kind(const char *table)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (strcmp(kinds[i].name, table) == 0)
            return &kinds[i];
    return NULL;
}

static int load_generation(struct model *model, const char *value, size_t length, char *why, size_t why_size)
{
    struct json_error broken;
    cJSON *json = json_parse(value, length, &broken);
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(json, "generation");
    bool is_good = cJSON_IsNumber(number) && number->valuedouble >= 0;

    if (is_good && (uint64_t)number->valuedouble > model->generation)
        model->generation = (uint64_t)number->valuedouble;
    if (!is_good)
        snprintf(why, why_size, "%s", json ? "generation: expected a number" : broken.message);
    cJSON_Delete(json);
    return is_good ? 0 : -1;
}

/* Nothing may be done to a store of which this program knows only a part, or not even whose it is. */
static void judge(struct loading *loading, const struct kind *kind, const char *key, const char *value, size_t length,
                  const char *why)
{
    if (loading->fatal[0])
        return;
    if (model_record_is_newer(kind, value, length))
        snprintf(loading->fatal, sizeof(loading->fatal),
                 "the store was written by a newer version of the program: %s '%.100s': %.150s; start that version, or "
                 "restore a copy of the store from before it ran",
                 kind->name, key, why);
    else if (kind->id == KIND_CONTROLLER)
        snprintf(loading->fatal, sizeof(loading->fatal),
                 "the record of the controller, which holds the settings and the identity of the cluster, cannot be "
                 "read: %.150s; restore a copy of the store, or put the record aside (see --unreadable)",
                 why);
}

/* It stays where it is: it may be readable another time, by another program, or when its parent is. */
static void load_record(void *owner, const char *table, const char *key, const char *value, size_t length)
{
    struct loading *loading = owner;
    struct journal *journal = loading->journal;
    const struct kind *kind = journal_kind(table);
    char why[200];

    if (kind ? model_load(journal->model, kind, key, value, length, why, sizeof(why)) != NULL
             : load_generation(journal->model, value, length, why, sizeof(why)) == 0)
        return;
    if (kind) {
        model_note_unreadable(journal->model, kind, key, why);
        judge(loading, kind, key, value, length, why);
    }
    journal->has_lost_generation |= !kind;
    log_error("record of %s '%s' cannot be read: %s", table, key, why);
    if (!loading->fatal[0])
        journal->events->on_unreadable(journal->owner, table, key, why);
}

int journal_open(struct journal **result, struct loop *loop, struct model *model, struct store *store,
                 const struct journal_events *events, void *owner, char *why, size_t why_size)
{
    struct journal *journal = memory_alloc(sizeof(*journal));
    struct loading loading = { .journal = journal };
    int error;

    *journal = (struct journal){ .loop = loop, .model = model, .store = store, .events = events, .owner = owner };
    error = store->backend->load(store, journal_tables(), KIND_COUNT + 1, load_record, &loading, why, why_size);
    if (error != 0 || loading.fatal[0]) {
        if (error == 0)
            snprintf(why, why_size, "%s", loading.fatal);
        store->backend->close(store);
        free(journal);
        return -1;
    }
    store_batch_init(&journal->next.batch);
    store_batch_init(&journal->under_way.batch);
    journal->durable = model->generation;
    model->committed = committed;
    model->committed_owner = journal;
    loop_on_turn(loop, turn, journal);
    *result = journal;
    return 0;
}

const struct journal_counts *journal_counts(const struct journal *journal)
{
    return &journal->counts;
}

uint64_t journal_durable(const struct journal *journal)
{
    return journal->durable;
}

bool journal_is_idle(const struct journal *journal)
{
    return !journal->is_writing && !journal->next.newest;
}

void journal_close(struct journal *journal)
{
    journal->store->backend->close(journal->store); /* before the batch under way is freed */
    free_commits(&journal->next);
    free_commits(&journal->under_way);
    buf_done(&journal->record);
    free(journal);
}
