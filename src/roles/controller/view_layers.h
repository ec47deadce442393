/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The layers of a resource in documents of REST: the tree with all sides, and of one volume what each layer of the
 * data itself gives. What satellites told of each level is shown where they told it.
 */
#pragma once

#include "api/resource.h"
#include "model/kinds.h"

/* NULL for a resource without layers. Texts are the model's or the arena's. */
struct layer_object_doc *view_layers(const struct resource *resource, struct arena *arena);
/* Top first, STORAGE last. */
void view_volume_layers(const struct resource *resource, const struct volume *volume, struct volume_doc *doc,
                        struct arena *arena);
