/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Facts of a layer that asks the kernel's trees of files: everything at once, as one question costs as much as many.
 * Each look replaces what was known, but for what changed while it was on its way. Pure, for layers.
 */
#pragma once

#include "layers/layer.h"

struct look {
    const char *layer;
    struct facts *facts;
    int64_t asked; /* facts->stamp when the question was put */
    int64_t begun; /* and when its answer is read */
};

struct look look_begin(const char *layer, struct facts *facts, int64_t asked);
/* The fact of that name, emptied when this look finds it first. NULL: something newer is known of it. */
struct layer_fact *look_find(struct look *look, const char *name);
/* What was not found is gone: all facts whose names begin with one of the prefixes, which end with NULL. */
void look_end(struct look *look, const char *const *prefixes);

/* The step of the plan that asks for the layer, made when there is none. patterns end with NULL. */
void look_ask(const char *layer, const char *what, const char *const *patterns, struct plan *plan);
/* A step for reader layer about name. */
struct step *look_step(const char *layer, const char *name, enum step_kind kind, struct plan *plan, const char *what,
                       ...) PRINTF_LIKE(5, 6) __attribute__((returns_nonnull));
/* One more entry of a step of kind TREE; value may be NULL, what path points to is copied. */
void look_add(struct step *step, enum tree_change change, const char *value, struct plan *plan, const char *path, ...)
    PRINTF_LIKE(5, 6);
/* "modprobe MODULE" */
void look_load_module(const char *layer, const char *fact, const char *module, struct plan *plan);
