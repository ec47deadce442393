/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The value in force of a property, and the object it comes from: users ask why a value holds. */
#pragma once

#include "model/inherit.h"
#include "model/model.h"

/* The objects that a look-up may ask, by level; what is NULL has no say. */
struct prop_scope {
    const struct object *at[LEVEL_COUNT];
    const struct text_map *volume; /* LEVEL_VOLUME: volumes are no objects of their own */
};

struct prop {
    const char *value;         /* NULL: set nowhere */
    enum prop_level level;     /* where it was found ... */
    const struct object *from; /* ... NULL for LEVEL_VOLUME */
};

/* A resource and everything above it; volume definition and group of one volume number, or -1. */
struct prop_scope prop_scope_of_resource(const struct model *model, const struct resource *resource,
                                         int32_t volume_number);
struct prop_scope prop_scope_of_pool(const struct model *model, const struct storage_pool *pool);
struct prop prop_find(enum prop_order order, const struct prop_scope *scope, const char *key);
