/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which properties satellites obey, for which layers, and in which order of inheritance the value in force is found:
 * one table. The controller puts these values, and no others, into the wants of volumes.
 */
#pragma once

#include "model/prop.h"

/* Adds what is set somewhere, for a volume of a resource; texts are the model's, the map lies in arena. */
void obeyed_props_of_volume(const struct model *model, const struct resource *resource, const struct volume *volume,
                            struct text_map *props, struct arena *arena);
/* Whether the change of an object's properties may change what satellites obey. */
bool obeyed_differ(const struct text_map *before, const struct text_map *after);
/* Whether a pool's provider obeys what it told itself as this property. */
bool obeyed_by_pools_has(const char *key);
