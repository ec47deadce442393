/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two lists of commits, each with the batch that stores it: under way, and gathering. The turn starts the next batch
 * when none is under way; so while the disk syncs, all requests that come in share the batch after it.
 */
#include "store/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/text.h"

LOG_DOMAIN("journal");

#define JOURNAL    "journal"
#define QUARANTINE "quarantine"

enum { LONGEST_KEY = 511 }; /* that every backend takes */

const char *const *journal_tables(void)
{
    static const char *tables[JOURNAL_TABLE_COUNT] = { [KIND_COUNT] = JOURNAL, [KIND_COUNT + 1] = QUARANTINE };

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
    struct buf record; /* memory for the one at hand */
    bool is_writing;
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
    if (!journal->next.generation_is_stored)
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
    struct store_batch quarantine;
};

static const struct kind *kind_of_table(const char *table)
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

static void put_aside(struct loading *loading, const char *table, const char *key, const char *value, size_t length)
{
    char name[OBJECT_PATH_SIZE + 64];
    size_t used = (size_t)snprintf(name, sizeof(name), "%s/%s", table, key);

    if (used > LONGEST_KEY)
        snprintf(name + LONGEST_KEY - 17, 18, "-%016" PRIx64, text_hash(TEXT_HASH_START, key, strlen(key)));
    store_batch_put(&loading->quarantine, QUARANTINE, name, value, length);
    store_batch_remove(&loading->quarantine, table, key);
}

static void load_record(void *owner, const char *table, const char *key, const char *value, size_t length)
{
    struct loading *loading = owner;
    struct journal *journal = loading->journal;
    const struct kind *kind = kind_of_table(table);
    char why[200];

    if (kind ? model_load(journal->model, kind, key, value, length, why, sizeof(why)) != NULL
             : load_generation(journal->model, value, length, why, sizeof(why)) == 0)
        return;
    log_error("record of %s '%s' cannot be read and is put aside: %s", table, key, why);
    put_aside(loading, table, key, value, length);
    journal->events->on_quarantine(journal->owner, table, key, why);
}

int journal_open(struct journal **result, struct loop *loop, struct model *model, struct store *store,
                 const struct journal_events *events, void *owner, char *why, size_t why_size)
{
    struct journal *journal = memory_alloc(sizeof(*journal));
    struct loading loading = { .journal = journal };

    *journal = (struct journal){ .loop = loop, .model = model, .store = store, .events = events, .owner = owner };
    store_batch_init(&journal->next.batch);
    store_batch_init(&journal->under_way.batch);
    store_batch_init(&loading.quarantine);
    if (store->backend->load(store, journal_tables(), KIND_COUNT + 1, load_record, &loading, why, why_size) != 0) {
        store_batch_done(&loading.quarantine);
        store->backend->close(store);
        free(journal);
        return -1;
    }
    journal->durable = model->generation;
    if (loading.quarantine.ops) {
        loading.quarantine.generation = model->generation;
        journal->under_way.batch = loading.quarantine;
        journal->is_writing = true;
        store->backend->commit(store, &journal->under_way.batch, written, journal);
    }
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
