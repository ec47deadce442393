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

#include "base/arena.h"
#include "base/field.h"
#include "base/map.h"

/* Few words by name; owns its memory. */
struct fact_state {
    struct arena arena;
    struct text_map map;
};

struct storage_fact {
    struct map_node node;    /* key: pool/identifier */
    char *pool, *identifier; /* "db_00000" */
    char *backing;           /* file, LV, zvol; NULL: it does not exist */
    char *device;            /* NULL: no device shows it */
    char *owner;             /* the mark that it bears, see provider_volume; NULL: none */
    char *origin;            /* the identifier of which this is a snapshot; NULL: a volume of its own */
    int64_t size_kib, device_kib, allocated_kib;
    int64_t granularity_kib; /* its size is a multiple of it; 0: not known */
    int32_t dependents;      /* snapshots and clones that cannot be without it */
    int64_t stamp;
    bool is_uncertain; /* a step about it failed: ask before planning */
    bool has_vanished; /* it was there, and nobody asked for its removal */
    bool is_snapshot;
    bool is_doomed; /* a user had it removed; it stays for its dependents, and goes with the last one */
    bool is_active; /* for providers with volumes that exist without a device: the kernel has it */
    bool is_void;   /* a snapshot that bears the mark of one of which nobody has yet said that its volume stood still */
    bool is_new;    /* it was made, but not yet wiped; nothing may use it before */
};

struct storage_pool_fact {
    struct map_node node; /* key: pool */
    bool is_known;        /* asked at least once; a volume without a fact does not exist then */
    int32_t error;        /* errno of the last look at it; 0: fine */
    int64_t free_kib, total_kib;
    bool can_snapshot;       /* the storage below could hold snapshots */
    int64_t granularity_kib; /* sizes of volumes are multiples of it; 0: not known */
    char *identity;          /* two pools that are the same storage have the same; NULL: not known */
    struct fact_state told;  /* properties of the pool that the controller shall show */
    struct fact_state state; /* whatever else the provider needs to know */
};

/*
 * What a layer knows of one of its devices: a mapping, an encrypted header, an exported subsystem. The names are the
 * layer's, as the machine knows them.
 */
struct layer_fact {
    struct map_node node; /* key: layer/name */
    char *layer, *name;   /* "LUKS", "Linstor-Crypt-db_00000" */
    char *device;         /* "/dev/mapper/Linstor-Crypt-db_00000"; NULL: no device shows it */
    int64_t device_kib;
    struct fact_state state; /* whatever else the layer needs to know */
    int64_t stamp;
    bool is_uncertain; /* a step about it failed: ask before planning */
};

struct facts {
    struct map volumes, pools, layers;
    struct fact_state known_layers; /* everything of these was asked at least once; what has no fact does not exist */
    int64_t stamp;
};

/* Facts of zeroes are empty and valid; they own all memory below them. */
void facts_done(struct facts *facts);

const struct storage_fact *facts_find_volume(const struct facts *facts, const char *pool, const char *identifier);
/* Made when it is missing, with a new stamp either way. */
struct storage_fact *facts_edit_volume(struct facts *facts, const char *pool, const char *identifier)
    __attribute__((returns_nonnull));
void facts_remove_volume(struct facts *facts, const char *pool, const char *identifier);
/* It was asked for and is not there: forgotten, unless it was there before, which then is remembered. */
void facts_note_missing(struct facts *facts, struct storage_fact *volume);
/* We removed it. The fact stays for its stamp, until somebody has looked: an older answer must not count. */
void facts_note_removed(struct storage_fact *volume);
/* Frees the old text. */
void facts_set_text(char **member, const char *text);

const struct storage_pool_fact *facts_find_pool(const struct facts *facts, const char *pool);
struct storage_pool_fact *facts_edit_pool(struct facts *facts, const char *pool) __attribute__((returns_nonnull));
/* The pool's volumes go with it. */
void facts_remove_pool(struct facts *facts, const char *pool);

/* For walking: the first volume of a pool, or NULL; then the next of the same pool. */
struct storage_fact *facts_first_volume(const struct facts *facts, const char *pool);
struct storage_fact *facts_next_volume(const struct storage_fact *volume);

/* The same of those only whose identifier begins with the name of a resource. */
struct storage_fact *facts_first_volume_of(const struct facts *facts, const char *pool, const char *resource);
struct storage_fact *facts_next_volume_of(const struct storage_fact *volume, const char *resource);

const struct layer_fact *facts_find_layer(const struct facts *facts, const char *layer, const char *name);
/* Made when it is missing, with a new stamp either way. */
struct layer_fact *facts_edit_layer(struct facts *facts, const char *layer, const char *name)
    __attribute__((returns_nonnull));
void facts_remove_layer(struct facts *facts, const char *layer, const char *name);
struct layer_fact *facts_first_layer(const struct facts *facts, const char *layer);
struct layer_fact *facts_next_layer(const struct layer_fact *fact); /* of the same layer */

/* NULL when it is not set. */
const char *fact_state_find(const struct fact_state *state, const char *key);
void fact_state_set(struct fact_state *state, const char *key, const char *value); /* NULL takes it away */
void fact_state_done(struct fact_state *state);
