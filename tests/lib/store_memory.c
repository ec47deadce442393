/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_memory.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

struct record {
    struct map_node node; /* "table/key": no table's name has a slash */
    char *value;
    size_t length;
};

struct memory_store;
struct memory_disk {
    struct map records;
    enum disk_mood mood;
    int64_t delay_ms;
    uint64_t commits;
    struct memory_store *open;
};

struct memory_store {
    struct store store;
    struct memory_disk *disk;
    struct timer *timer;
    const struct store_batch *batch; /* under way */
    bool is_held;
    int error;
    void (*done)(void *owner, int error, const char *why);
    void *owner;
};

static struct record *record_of(struct map_node *node)
{
    return node ? CONTAINER_OF(node, struct record, node) : NULL;
}

static struct record *find(const struct memory_disk *disk, const char *table, const char *key)
{
    CLEANUP(memory_freep) char *name = memory_printf("%s/%s", table, key);

    return record_of(map_find(&disk->records, name));
}

static void free_record(struct record *record)
{
    union {
        const char *locked;
        char *own;
    } name = { .locked = record->node.key };

    free(name.own);
    free(record->value);
    free(record);
}

static void put(struct memory_disk *disk, const char *table, const char *key, const char *value, size_t length)
{
    struct record *record = find(disk, table, key);

    if (!record) {
        record = memory_alloc(sizeof(*record));
        record->node.key = memory_printf("%s/%s", table, key);
        map_insert(&disk->records, &record->node);
    }
    free(record->value);
    record->value = memory_copy(value, length + 1);
    record->value[length] = '\0';
    record->length = length;
}

static void drop(struct memory_disk *disk, const char *table, const char *key)
{
    struct record *record = find(disk, table, key);

    if (!record)
        return;
    map_remove(&disk->records, &record->node);
    free_record(record);
}

static void write_batch(struct memory_disk *disk, const struct store_batch *batch)
{
    for (const struct store_op *op = batch->ops; op; op = op->next) {
        if (op->value)
            put(disk, op->table, op->key, op->value, op->length);
        else
            drop(disk, op->table, op->key);
    }
    disk->commits++;
}

struct memory_disk *memory_disk_new(void)
{
    return memory_alloc(sizeof(struct memory_disk));
}

void memory_disk_free(struct memory_disk *disk)
{
    assert(!disk->open);
    while (disk->records.count > 0) {
        struct map_node *node = map_first(&disk->records);

        map_remove(&disk->records, node);
        free_record(record_of(node));
    }
    free(disk);
}

void memory_disk_set_mood(struct memory_disk *disk, enum disk_mood mood)
{
    disk->mood = mood;
}

void memory_disk_set_delay(struct memory_disk *disk, int64_t delay_ms)
{
    disk->delay_ms = delay_ms;
}

bool memory_disk_is_holding(const struct memory_disk *disk)
{
    return disk->open && disk->open->batch && disk->open->is_held;
}

static void fire(void *owner)
{
    struct memory_store *memory = owner;
    const struct store_batch *batch = memory->batch;

    if (memory->error == 0)
        write_batch(memory->disk, batch);
    memory->batch = NULL;
    memory->done(memory->owner, memory->error, memory->error == 0 ? "" : strerror(-memory->error));
}

void memory_disk_finish(struct memory_disk *disk, int error)
{
    assert(memory_disk_is_holding(disk));
    disk->open->is_held = false;
    disk->open->error = error;
    timer_start(disk->open->timer, 0, 0);
}

void memory_disk_crash(struct memory_disk *disk, bool written)
{
    struct memory_store *memory = disk->open;

    timer_stop(memory->timer);
    if (memory->batch && written)
        write_batch(disk, memory->batch);
    memory->batch = NULL;
}

uint64_t memory_disk_commits(const struct memory_disk *disk)
{
    return disk->commits;
}

size_t memory_disk_records(const struct memory_disk *disk)
{
    return disk->records.count;
}

const char *memory_disk_find(const struct memory_disk *disk, const char *table, const char *key)
{
    const struct record *record = find(disk, table, key);

    return record ? record->value : NULL;
}

void memory_disk_put(struct memory_disk *disk, const char *table, const char *key, const char *value)
{
    put(disk, table, key, value, strlen(value));
}

static int load(struct store *store, const char *const *tables, size_t table_count,
                void (*each)(void *owner, const char *table, const char *key, const char *value, size_t length),
                void *owner, char *why, size_t why_size)
{
    struct memory_disk *disk = ((struct memory_store *)store)->disk;

    (void)why;
    (void)why_size;
    for (size_t i = 0; i < table_count; i++) {
        CLEANUP(memory_freep) char *prefix = memory_printf("%s/", tables[i]);
        size_t length = strlen(prefix);
        struct map_node *node = map_after(&disk->records, prefix);

        for (; node && strncmp(node->key, prefix, length) == 0; node = map_next(node))
            each(owner, tables[i], node->key + length, record_of(node)->value, record_of(node)->length);
    }
    return 0;
}

static void commit(struct store *store, const struct store_batch *batch,
                   void (*done)(void *owner, int error, const char *why), void *owner)
{
    struct memory_store *memory = (struct memory_store *)store;

    assert(!memory->batch); /* one at a time */
    memory->batch = batch;
    memory->done = done;
    memory->owner = owner;
    memory->error = memory->disk->mood == DISK_FAILS ? -ENOSPC : 0;
    memory->is_held = memory->disk->mood == DISK_HOLDS;
    if (!memory->is_held)
        timer_start(memory->timer, memory->disk->delay_ms, 0);
}

static void close_store(struct store *store)
{
    struct memory_store *memory = (struct memory_store *)store;

    memory->disk->open = NULL;
    timer_free(memory->timer);
    free(memory);
}

static const struct store_backend memory_backend = {
    .name = "memory",
    .load = load,
    .commit = commit,
    .close = close_store,
};

struct store *store_memory_open(struct memory_disk *disk, struct loop *loop)
{
    struct memory_store *memory = memory_alloc(sizeof(*memory));

    assert(!disk->open);
    memory->store.backend = &memory_backend;
    memory->disk = disk;
    memory->timer = timer_new(loop, fire, memory);
    disk->open = memory;
    return &memory->store;
}
