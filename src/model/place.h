/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Making, linking and freeing objects: the ground floor of the model, used by loading and by transactions, by nothing
 * else. Here alone an object is writable without a transaction.
 */
#pragma once

#include "model/object.h"

struct object *place_new(enum kind_id kind); /* zeroed, not linked */
void place_free(struct object *object);      /* must not be linked */
/* Children of both parents; false when the key is taken in one of them (nothing is linked then). */
bool place_link(struct object *object, struct object *parent, struct object *second, const char *key);
void place_unlink(struct object *object); /* keeps parents and keys for place_relink */
void place_relink(struct object *object);
/* Moves text and lists of the stored members into one block of exact size; the block before is not freed. */
void place_pack(struct object *object);
struct object *place_writable(const struct object *object);
/* Name of the second parent, as the record tells it; NULL when it does not. */
const char *place_second_name(const struct object *object, const char *key);
