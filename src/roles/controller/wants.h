/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From the model to what satellites should make exist. Every change marks the resources whose wants it may concern; the
 * turn builds those wants anew, once the change is durable, and sends the ones that became different.
 */
#pragma once

#include "roles/controller/service.h"

void wants_note_change(struct service *service, const struct change *change, bool is_undo);
void wants_turn(struct service *service);
/* It has a new fact, by which wants of others may become different. */
void wants_note_fact(struct service *service, const struct resource *resource);
/* What is in the store and cannot be read is there all the same: the satellite keeps it. */
bool wants_are_unreadable(const struct model *model, enum kind_id kind, const char *parent, const char *name);
/* The difference between what the satellite holds and what it should: its answer to "what do you hold?" */
void wants_synchronise(struct service *service, const struct node *node, const struct held *held);
