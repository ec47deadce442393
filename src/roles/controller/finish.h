/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ends what satellites have finished: a resource that is gone from its node goes from the model, and with the last one
 * its definition or node when those were to go; a resize that all have applied is no longer one. Flags in the store say
 * what was under way, so after a restart the next report ends it all the same.
 */
#pragma once

#include "roles/controller/service.h"

/* Something about it has changed: a report came, its want was looked at, or it was deleted. */
void finish_note(struct service *service, const struct resource *resource);
/* Its report tells something about it that is shown as properties. */
void finish_note_pool(struct service *service, const struct storage_pool *pool);
/* A change of the object is undone: it may have been an end. */
void finish_note_undo(struct service *service, const struct object *object);
/* After loading: what no report will speak of. */
void finish_start(struct service *service);
void finish_turn(struct service *service);
