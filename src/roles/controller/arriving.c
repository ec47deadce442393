/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/controller/arriving.h"

#include <stdio.h>
#include <string.h>

_Static_assert(MESSAGE_BYTES + ITEM_BYTES + 4096 < LINK_FRAME_LIMIT, "a part and one item fit into a frame");

/* Of memory: some 150,000 items. */
enum { BYTES_LIMIT = 16 * 1024 * 1024 };

void arriving_forget_held(struct arriving *arriving)
{
    arena_done(&arriving->held_arena);
    arriving->held = (struct held){ 0 };
    arriving->held_bytes = 0;
}

void arriving_forget_orphans(struct arriving *arriving)
{
    arena_done(&arriving->orphans_arena);
    arriving->orphans = (struct report){ 0 };
    arriving->orphans_bytes = 0;
}

void arriving_forget(struct arriving *arriving)
{
    arriving_forget_held(arriving);
    arriving_forget_orphans(arriving);
}

static void add_items(struct arriving *arriving, const struct held *part)
{
    struct arena *arena = &arriving->held_arena;

    for (uint32_t i = 0; i < part->pools.count; i++)
        field_copy(&held_item_schema, LIST_ADD(&arriving->held.pools, arena), &part->pools.at[i], arena);
    for (uint32_t i = 0; i < part->resources.count; i++)
        field_copy(&held_item_schema, LIST_ADD(&arriving->held.resources, arena), &part->resources.at[i], arena);
    arriving->held.complete = part->complete;
}

int arriving_take_held(struct arriving *arriving, const struct link_body *body, struct field_error *error)
{
    struct arena arena = { 0 };
    struct held part = { 0 };
    int result = link_read(body, &held_schema, &part, &arena, error);

    if (result == 0) {
        arriving->held_bytes += field_measure(&held_schema, &part);
        if (arriving->held_bytes > BYTES_LIMIT) {
            snprintf(error->message, sizeof(error->message), "it is more than a satellite can have");
            result = -1;
        } else {
            add_items(arriving, &part);
        }
    }
    arena_done(&arena);
    return result;
}

bool arriving_take_orphans(struct arriving *arriving, const struct report *part)
{
    struct arena *arena = &arriving->orphans_arena;

    for (uint32_t i = 0; i < part->orphans.count; i++) {
        const struct orphan_fact *orphan = &part->orphans.at[i];

        arriving->orphans_bytes += field_measure(&orphan_fact_schema, orphan);
        if (arriving->orphans_bytes > BYTES_LIMIT)
            break;
        field_copy(&orphan_fact_schema, LIST_ADD(&arriving->orphans.orphans, arena), orphan, arena);
    }
    return arriving->orphans_bytes <= BYTES_LIMIT; /* also if an earlier part was too much */
}
