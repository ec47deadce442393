/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A store in memory whose commits do what the test says. The disk is the test's and outlives every store opened on it,
 * as a real one outlives a killed process. Answers come from a timer of the loop, so it serves virtual clocks as well.
 */
#pragma once

#include "store/store.h"

struct memory_disk;

enum disk_mood {
    DISK_WRITES, /* commits are durable at the next chance */
    DISK_FAILS,  /* commits fail with -ENOSPC, nothing is written */
    DISK_HOLDS,  /* commits wait for memory_disk_finish() */
};

struct memory_disk *memory_disk_new(void);
void memory_disk_free(struct memory_disk *disk); /* its store must be closed */
void memory_disk_set_mood(struct memory_disk *disk, enum disk_mood mood);
void memory_disk_set_delay(struct memory_disk *disk, int64_t delay_ms); /* of DISK_WRITES and DISK_FAILS; 0 at first */
bool memory_disk_is_holding(const struct memory_disk *disk);
/* Ends the held commit: 0 writes it, -errno does not. */
void memory_disk_finish(struct memory_disk *disk, int error);
/* The process was killed while a commit was under way: whether it reached the disk. Close the store afterwards. */
void memory_disk_crash(struct memory_disk *disk, bool written);
uint64_t memory_disk_commits(const struct memory_disk *disk); /* durable batches so far */
size_t memory_disk_records(const struct memory_disk *disk);
const char *memory_disk_find(const struct memory_disk *disk, const char *table, const char *key); /* NULL when absent */
void memory_disk_put(struct memory_disk *disk, const char *table, const char *key, const char *value);

/* One at a time for each disk; closing drops what is under way. */
struct store *store_memory_open(struct memory_disk *disk, struct loop *loop);
