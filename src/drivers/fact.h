/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a satellite knows about its machine, for planning: pools and the volumes in them. Facts change only by outcomes
 * of steps, through the providers' read functions. They are not what is reported to the controller (model/want.h): that
 * is derived from them.
 *
 * Whoever reads a long answer must not overwrite what became known while it was on its way: every change counts up a
 * stamp, and an answer carries the stamp of when it was asked for.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/field.h"
#include "base/map.h"

struct storage_fact {
    struct map_node node;    /* key: pool/identifier */
    char *pool, *identifier; /* "db_00000" */
    char *backing;           /* file, LV, zvol; NULL: it does not exist */
    char *device;            /* NULL: no device shows it */
    int64_t size_kib, device_kib, allocated_kib;
    int64_t stamp;
    bool is_uncertain; /* a step about it failed: ask before planning */
    bool has_vanished; /* it was there, and nobody asked for its removal */
};

struct storage_pool_fact {
    struct map_node node; /* key: pool */
    bool is_known;        /* asked at least once; a volume without a fact does not exist then */
    int32_t error;        /* errno of the last look at it; 0: fine */
    int64_t free_kib, total_kib;
    bool can_snapshot; /* the storage below could hold snapshots */
};

struct facts {
    struct map volumes, pools;
    int64_t stamp;
};

/* Facts of zeroes are empty and valid; they own all memory below them. */
void facts_done(struct facts *facts);

const struct storage_fact *facts_find_volume(const struct facts *facts, const char *pool, const char *identifier);
/* Made when it is missing, with a new stamp either way. */
struct storage_fact *facts_edit_volume(struct facts *facts, const char *pool, const char *identifier)
    __attribute__((returns_nonnull));
void facts_remove_volume(struct facts *facts, const char *pool, const char *identifier);
/* Frees the old text. */
void facts_set_text(char **member, const char *text);

const struct storage_pool_fact *facts_find_pool(const struct facts *facts, const char *pool);
struct storage_pool_fact *facts_edit_pool(struct facts *facts, const char *pool) __attribute__((returns_nonnull));
/* The pool's volumes go with it. */
void facts_remove_pool(struct facts *facts, const char *pool);

/* For walking: the first volume of a pool, or NULL; then the next of the same pool. */
struct storage_fact *facts_first_volume(const struct facts *facts, const char *pool);
struct storage_fact *facts_next_volume(const struct storage_fact *volume);
