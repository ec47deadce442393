/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What layers share whose devices are mappings of the device-mapper: names, facts, and the steps that make them. Which
 * table a mapping shall have is the layer's matter. Pure, like layers.
 *
 * Arguments are what a table gives to its target, with a dash for each device: "s - - 4096 0". The kernel shows devices
 * by numbers and we name them by paths; that they stay the same is checked by STEP_DM_RELOAD.
 */
#pragma once

#include "layers/layer.h"

/* A kind of mapping; const, one for each layer. */
struct mapping {
    const char *layer;  /* "WRITECACHE" */
    const char *prefix; /* of all names: "linstor_writecache_" */
    const char *target; /* "writecache" */
};

char *mapping_name(const struct mapping *mapping, const struct level *level, const struct level_volume *volume,
                   struct arena *arena) __attribute__((returns_nonnull));
/* NULL: nothing is known of it. */
const struct layer_fact *mapping_find_fact(const struct mapping *mapping, const struct level *level,
                                           const struct level_volume *volume, struct arena *arena);
/* What the table in force gives to the target; NULL: there is no mapping, or an unfinished one. */
const char *mapping_find_arguments(const struct layer_fact *fact);
/* Whether arguments were what was loaded last, however the kernel shows them. */
bool mapping_has_loaded(const struct layer_fact *fact, const char *arguments);
bool mapping_is_suspended(const struct layer_fact *fact); /* or a table waits in it for the next resume */
char *mapping_arguments_of(const char *table_arguments, struct arena *arena) __attribute__((returns_nonnull));

/* Members of layers that have a mapping. */
void mapping_ask(const struct level *level, struct plan *plan);
void mapping_ask_all(const struct layer *layer, struct plan *plan);
int mapping_lower(const struct level *level, struct plan *plan, struct trouble *trouble);
void mapping_freeze(const struct level *level, struct plan *plan);
void mapping_thaw(const struct level *level, struct plan *plan);
void mapping_describe(const struct level *level, const struct level_volume *volume, struct arena *arena,
                      struct volume_fact *fact);
int mapping_read(const struct step *step, const struct outcome *outcome, int64_t asked, struct facts *facts,
                 struct arena *arena, struct trouble *trouble);

/* -1 and *trouble: the name is too long, or there is a mapping of that name with another target. */
int mapping_check(const struct mapping *mapping, const char *name, const struct layer_fact *fact, struct arena *arena,
                  struct trouble *trouble);
/*
 * Made; or given another table while it is in use. table: what the target is given, with the paths of devices. fast_kib
 * is remembered: see mapping_fast_kib.
 */
void mapping_create(const struct mapping *mapping, const char *name, int64_t size_kib, const char *table,
                    int64_t fast_kib, struct plan *plan);
struct step *mapping_reload(const struct mapping *mapping, const char *name, int64_t size_kib, const char *table,
                            int64_t fast_kib, struct plan *plan) __attribute__((returns_nonnull));
/* The size of the fast device when the mapping was loaded; 0: not known. */
int64_t mapping_fast_kib(const struct layer_fact *fact);
/* A step of another kind about the mapping. */
struct step *mapping_step(const struct mapping *mapping, const char *name, enum step_kind kind, struct plan *plan,
                          const char *what, ...) PRINTF_LIKE(5, 6) __attribute__((returns_nonnull));

/* What lies on the device that the kernel reads first, before the mapping is made. */
struct mapping_content {
    bool is_known;
    enum found_content content;
    int64_t offset; /* bytes: where it was looked at */
    bool is_memory;
    int64_t block_sectors;
};
struct mapping_content mapping_find_content(const struct layer_fact *fact);
void mapping_ask_content(const struct mapping *mapping, const char *name, const char *device, int64_t offset,
                         struct plan *plan);
/* Of a side of a new volume, to which nothing was written yet: an older one may have left there what the kernel takes
 * for its own. */
void mapping_wipe_content(const struct mapping *mapping, const char *name, const struct volume_want *want,
                          const char *device, int64_t offset, struct plan *plan);
/* -1 and *trouble when that device must not be used for it. */
int mapping_check_content(const struct mapping *mapping, const char *name, const char *device, int64_t offset,
                          const struct mapping_content *content, bool must_exist, struct arena *arena,
                          struct trouble *trouble);

/* LINSTOR: "5%" of net_kib, always rounded up past it, or KiB; otherwise when the property is not set or no size. */
int64_t mapping_side_kib(const struct volume_want *volume, const char *key, const char *otherwise, int64_t net_kib);
