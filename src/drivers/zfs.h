/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the planner and the reader of ZFS share: the words for steps, and what `zfs list` is asked for. Nobody else
 * includes it but tests.
 *
 * Identifiers in facts: a zvol has its own name. The snapshot "db_00000@monday" is "db_00000_monday", and stays so when
 * its zvol is renamed to "_deleted_db_00000_<word>", which is what a zvol becomes whose snapshots outlive it. LINSTOR:
 * the names are the reference's. Such a zvol is "_deleted_db_<word>_00000", which ends with the number of a volume, as
 * all that can become an orphan must.
 */
#pragma once

#include "drivers/provider.h"

#define ZFS_DELETED "_deleted_"
#define ZFS_OWNER   "linstor:uuid"
#define ZFS_MARK    "linstor:marked_for_deletion"
#define ZFS_VOID    "linstor:void" /* of a snapshot, until it is known that its zvol stood still meanwhile */

/* Topics. */
#define ZFS_STATES   "states"  /* of all zpools */
#define ZFS_LIST     "list"    /* everything of the pools of the step */
#define ZFS_BLOCKS   "blocks"  /* which size of blocks new zvols have */
#define ZFS_CREATE   "create"  /* path: "tank/db_00000", size_kib, text: owner */
#define ZFS_CLONE    "clone"   /* likewise; name: identifier of the snapshot */
#define ZFS_GROW     "grow"    /* size_kib */
#define ZFS_RESERVE  "reserve" /* a clone gets the room that a thick volume has */
#define ZFS_WAIT     "wait"
#define ZFS_WIPE     "wipe"
#define ZFS_MARKED   "mark"
#define ZFS_RENAME   "rename"                    /* path: its new name; name: its new identifier */
#define ZFS_DESTROY  "destroy"                   /* nothing needs it any more */
#define ZFS_DEFER    "defer"                     /* a snapshot that the kernel removes with its last clone */
#define ZFS_SNAPSHOT "snapshot"                  /* those in names: paths: "tank/db_00000@monday", text: owner */
#define ZFS_HELD     "snapshot, to be confirmed" /* likewise */
#define ZFS_CONFIRM  "confirm"                   /* takes ZFS_VOID away from the snapshots in names */

extern const char zfs_reader[];

/* One row of `zfs list`; names belong to the arena it was read into. */
struct zfs_row {
    const char *name, *origin, *owner; /* origin, owner NULL: none */
    bool is_volume, is_snapshot;
    bool is_deferred, is_marked, is_void;
    int64_t used_kib, available_kib, referenced_kib, size_kib, quota_kib, reserved_kib, block_kib;
    int32_t clones;
};
struct zfs_list {
    LIST_OF(struct zfs_row) rows;
};

extern const char zfs_columns[];
/* 0, or -1 and *why, one sentence: this is not what zfs prints. Rows of other kinds are left out. */
int zfs_list_parse(const char *text, struct zfs_list *list, struct arena *arena, char **why) MUST_CHECK;

outcome_reader zfs_read_outcome;
/* "db_00000" -> itself, "db_00000@monday" -> "db_00000_monday" and so on. */
char *zfs_identifier_of(const char *name, struct arena *arena) __attribute__((returns_nonnull));
/* "_deleted_db_00000_<word>" -> "db_00000"; NULL when it is not named so. */
char *zfs_base_of_deleted(const char *name, struct arena *arena);

/* Of zfs_pool.c. */
const char *zfs_dataset_of(const struct pool_want *pool); /* NULL when it is not configured */
bool zfs_is_part(const char *text, size_t length);        /* of a name, as zfs allows it */
int zfs_check(const struct pool_want *pool, struct arena *arena, struct trouble *trouble);
void zfs_prepare(const struct pool_want *pool, struct plan *plan);
void zfs_ask(const struct pool_want *pool, const struct text_list *identifiers, struct plan *plan);
int64_t zfs_granularity_kib(const struct pool_want *pool, const struct storage_pool_fact *fact,
                            const struct text_map *props);
