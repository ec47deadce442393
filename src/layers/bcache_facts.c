/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "layers/bcache_facts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "drivers/explain.h"

static const char *const patterns[] = {
    "/sys/fs/bcache",
    "/sys/fs/bcache/*-*-*-*-*",
    "/sys/block/bcache*/bcache/backing_dev_uuid",
    "/sys/block/bcache*/bcache/cache",
    "/sys/block/bcache*/bcache/cache_mode",
    "/sys/block/bcache*/bcache/writeback_percent",
    "/sys/block/bcache*/size",
    NULL,
};
static const char *const looked_at[] = { "module/", "device/", "set/", NULL };

void bcache_facts_ask(const struct layer *layer, struct plan *plan)
{
    look_ask(layer->name, "look at the devices of bcache", patterns, plan);
}

/* The part of a path in /sys/block: "bcache0"; NULL: the path lies elsewhere. */
static char *block_in(const char *path, struct arena *arena)
{
    static const char base[] = "/sys/block/";

    if (!text_starts_with(path, base))
        return NULL;
    path += strlen(base);
    return arena_strndup(arena, path, strcspn(path, "/"));
}

/* "writethrough [writeback] none" -> "writeback" */
static char *chosen(const char *text, struct arena *arena)
{
    const char *open = strchr(text, '[');

    return open ? arena_strndup(arena, open + 1, strcspn(open + 1, "]")) : arena_strdup(arena, text);
}

static void take_device(struct look *look, const char *block, const char *file, const char *value, struct arena *arena)
{
    struct layer_fact *fact = look_find(look, arena_printf(arena, "device/%s", block));

    if (!fact || !value)
        return;
    facts_set_text(&fact->device, arena_printf(arena, "/dev/%s", block));
    if (strcmp(file, "/size") == 0)
        fact->device_kib = strtoll(value, NULL, 10) / 2;
    else if (strcmp(file, "/bcache/backing_dev_uuid") == 0)
        fact_state_set(&fact->state, BCACHE_UUID, value);
    else if (strcmp(file, "/bcache/cache") == 0)
        fact_state_set(&fact->state, BCACHE_SET, strrchr(value, '/') ? strrchr(value, '/') + 1 : value);
    else if (strcmp(file, "/bcache/cache_mode") == 0)
        fact_state_set(&fact->state, BCACHE_MODE, chosen(value, arena));
    else if (strcmp(file, "/bcache/writeback_percent") == 0)
        fact_state_set(&fact->state, BCACHE_PERCENT, value);
}

static void read_answer(const struct outcome *outcome, int64_t asked, struct facts *facts, struct arena *arena)
{
    static const char sets[] = "/sys/fs/bcache";
    struct look look = look_begin(BCACHE_LAYER, facts, asked);

    for (uint32_t i = 0; i < outcome->entries.count; i++) {
        const struct tree_entry *entry = &outcome->entries.at[i];
        char *block = block_in(entry->path, arena);

        if (block)
            take_device(&look, block, entry->path + strlen("/sys/block/") + strlen(block), entry->value, arena);
        else if (strcmp(entry->path, sets) == 0)
            look_find(&look, "module/bcache");
        else if (text_starts_with(entry->path, sets))
            look_find(&look, arena_printf(arena, "set/%s", strrchr(entry->path, '/') + 1));
    }
    look_end(&look, looked_at);
}

static void read_content(const struct step *step, const struct outcome *outcome, struct layer_fact *fact,
                         struct arena *arena)
{
    static const struct found_device none;
    const struct found_device *found = outcome->devices.count > 0 ? &outcome->devices.at[0] : &none;
    bool is_data = step->topic && strcmp(step->topic, BCACHE_TOPIC_DATA) == 0;

    fact_state_set(&fact->state, is_data ? BCACHE_DATA : BCACHE_FAST, enum_name(found_content_names, found->content));
    fact_state_set(&fact->state, is_data ? BCACHE_DATA_SET : BCACHE_FAST_SET, found->set_uuid);
    fact_state_set(&fact->state, is_data ? BCACHE_DATA_HELD : BCACHE_FAST_HELD, found->is_held ? "yes" : NULL);
    if (is_data) {
        fact_state_set(&fact->state, BCACHE_DATA_UUID, found->uuid);
        fact_state_set(&fact->state, BCACHE_SECTOR,
                       found->data_sector > 0 ? arena_printf(arena, "%" PRId64, found->data_sector) : NULL);
    }
    fact->is_uncertain = false;
}

/* Attached by the kernel itself when it has the set, which is looked at before the next plan. */
static void read_appeared(const struct step *step, const struct outcome *outcome, struct facts *facts,
                          struct arena *arena)
{
    struct layer_fact *fact =
        facts_edit_layer(facts, BCACHE_LAYER, arena_printf(arena, "device/%s", strrchr(outcome->device, '/') + 1));

    facts_set_text(&fact->device, outcome->device);
    fact->device_kib = outcome->device_kib;
    fact_state_set(&fact->state, BCACHE_UUID, step->names.at[1]);
    fact_state_set(&fact->state, BCACHE_SET, step->text);
    facts_edit_layer(facts, BCACHE_LAYER, arena_printf(arena, "set/%s", step->text));
    facts_edit_layer(facts, BCACHE_LAYER, step->name)->is_uncertain = true;
}

static void remove_device(struct facts *facts, const char *device, struct arena *arena)
{
    if (device)
        facts_remove_layer(facts, BCACHE_LAYER, arena_printf(arena, "device/%s", strrchr(device, '/') + 1));
}

static void read_tree(const struct step *step, struct facts *facts)
{
    struct layer_fact *fact = facts_edit_layer(facts, BCACHE_LAYER, step->name);
    const struct tree_entry *entry = &step->entries.at[0];
    const char *file = strrchr(entry->path, '/') + 1;

    fact_state_set(&fact->state, strcmp(file, "cache_mode") == 0 ? BCACHE_MODE : BCACHE_PERCENT, entry->value);
}

static void read_change(const struct step *step, const struct outcome *outcome, struct facts *facts,
                        struct arena *arena)
{
    if (step->kind == STEP_ASK_CACHE)
        read_content(step, outcome, facts_edit_layer(facts, BCACHE_LAYER, step->name), arena);
    else if (step->kind == STEP_EXEC || step->kind == STEP_WIPE || step->kind == STEP_BCACHE_WIPE ||
             step->kind == STEP_BCACHE_RENEW)
        fact_state_done(&facts_edit_layer(facts, BCACHE_LAYER, step->name)->state);
    else if (step->kind == STEP_WAIT_BLOCK && step->text)
        read_appeared(step, outcome, facts, arena);
    else if (step->kind == STEP_BCACHE_REGISTER && step->text)
        fact_state_set(&facts_edit_layer(facts, BCACHE_LAYER, step->name)->state, BCACHE_SET, step->text);
    else if (step->kind == STEP_TREE)
        read_tree(step, facts);
    else if (step->kind == STEP_BCACHE_STOP)
        remove_device(facts, step->device, arena);
    if (step->kind == STEP_BCACHE_STOP && step->text) {
        struct layer_fact *fact = facts_edit_layer(facts, BCACHE_LAYER, step->name);

        facts_remove_layer(facts, BCACHE_LAYER, arena_printf(arena, "set/%s", step->text));
        fact_state_set(&fact->state, BCACHE_DATA_HELD, NULL);
        fact_state_set(&fact->state, BCACHE_FAST_HELD, NULL);
    }
}

int bcache_facts_read(const struct step *step, const struct outcome *outcome, int64_t asked, struct facts *facts,
                      struct arena *arena, struct trouble *trouble)
{
    if (outcome->result == OUTCOME_SKIPPED)
        return 0;
    if (outcome->result == OUTCOME_DONE && step->kind == STEP_ASK_TREE) {
        read_answer(outcome, asked, facts, arena);
        return 0;
    }
    if (outcome->result == OUTCOME_DONE) {
        read_change(step, outcome, facts, arena);
        return 0;
    }
    if (step->name)
        facts_edit_layer(facts, BCACHE_LAYER, step->name)->is_uncertain = true;
    explain_outcome(step, outcome, arena, trouble);
    return -1;
}
