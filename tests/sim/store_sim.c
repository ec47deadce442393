/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "world.h"

struct sim_store {
    struct store store;
    struct store *inner;
};

static int64_t fixed_delay_ms;
static struct memory_disk *disk;
static struct sim_store *open_store;

static int load(struct store *store, const char *const *tables, size_t table_count,
                void (*each)(void *owner, const char *table, const char *key, const char *value, size_t length),
                void *owner, char *why, size_t why_size)
{
    struct sim_store *own = (struct sim_store *)store;

    return own->inner->backend->load(own->inner, tables, table_count, each, owner, why, why_size);
}

static void commit(struct store *store, const struct store_batch *batch,
                   void (*done)(void *owner, int error, const char *why), void *owner)
{
    struct sim_store *own = (struct sim_store *)store;
    bool fails = fault_strikes(FAULT_COMMIT_FAILS, 12);
    bool is_slow = fault_strikes(FAULT_COMMIT_SLOW, 6);

    world.counts->commits++;
    memory_disk_set_mood(disk, fails ? DISK_FAILS : DISK_WRITES);
    memory_disk_set_delay(disk, fixed_delay_ms ? fixed_delay_ms
                                : is_slow      ? chance_between(1, 4000)
                                               : chance_between(0, 3));
    if (fails)
        world_note("this commit will fail");
    own->inner->backend->commit(own->inner, batch, done, owner);
}

static void close_store(struct store *store)
{
    struct sim_store *own = (struct sim_store *)store;

    own->inner->backend->close(own->inner);
    open_store = NULL;
    free(own);
}

static const struct store_backend backend = { .name = "sim", .load = load, .commit = commit, .close = close_store };

struct store *store_lmdb_open(struct loop *loop, const char *directory, const char *const *tables, size_t table_count,
                              char *why, size_t why_size)
{
    (void)directory;
    (void)tables;
    (void)table_count;
    if (fault_strikes(FAULT_COMMIT_FAILS, 10)) {
        snprintf(why, why_size, "the disk does not answer");
        return NULL;
    }
    open_store = memory_alloc(sizeof(*open_store));
    open_store->store.backend = &backend;
    open_store->inner = store_memory_open(disk, loop);
    return &open_store->store;
}

void store_sim_set_delay(int64_t delay_ms)
{
    fixed_delay_ms = delay_ms;
}

void store_sim_init(void)
{
    fixed_delay_ms = 0;
    disk = memory_disk_new();
}

void store_sim_done(void)
{
    memory_disk_free(disk);
    disk = NULL;
}

void store_sim_process_died(void)
{
    if (!open_store)
        return;
    memory_disk_crash(disk, chance_one_in(2));
    close_store(&open_store->store);
}

const char *store_sim_find(const char *table, const char *key)
{
    return memory_disk_find(disk, table, key);
}

size_t store_sim_count(void)
{
    return memory_disk_records(disk);
}
