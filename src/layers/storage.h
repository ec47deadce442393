/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the layer STORAGE and the snapshots below it share: names of volumes, and pools with their providers. */
#pragma once

#include "drivers/provider.h"
#include "layers/layer.h"

/* "db", ".meta", 0 -> "db.meta_00000" */
char *storage_volume_name(const char *resource, const char *suffix, int32_t number, struct arena *arena)
    __attribute__((returns_nonnull));
const struct known_pool *storage_find_pool(const struct machine *machine, const char *name); /* name may be NULL */
/* NULL and *trouble when it cannot be used. what: "volume 0" */
const struct known_pool *storage_usable_pool(const struct machine *machine, const char *name, const char *what,
                                             struct arena *arena, struct trouble *trouble);
/* A question when the fact, which may be NULL, is uncertain. */
void storage_ask_about(const struct known_pool *pool, const struct storage_fact *fact, struct plan *plan);
/* Whether identifier in pool is a volume of this level of STORAGE. */
bool storage_owns(const struct level *level, const char *pool, const char *identifier);
