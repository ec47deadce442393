/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "layers/mapping.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "drivers/explain.h"
#include "layers/stack.h"

enum {
    NAME_LIMIT = 127,
    REMOVE_MS = 5000,
    /* Guests give a disk 30 s before they call it broken. */
    HOLD_MS = 20000,
};

/* Words of a fact's state. */
#define TARGET    "target"
#define ARGUMENTS "arguments"
#define LOADED    "loaded"
#define SUSPENDED "suspended"
#define FAST_KIB  "fast_kib"
#define CONTENT   "content"
#define OFFSET    "content_at"
#define MEMORY    "memory"
#define BLOCK     "block"

static const char *const words[] = { TARGET, ARGUMENTS, LOADED, SUSPENDED, FAST_KIB, CONTENT, OFFSET, MEMORY, BLOCK };

char *mapping_name(const struct mapping *mapping, const struct level *level, const struct level_volume *volume,
                   struct arena *arena)
{
    return arena_printf(arena, "%s%s%s_%05" PRId32, mapping->prefix, level->resource->resource, level->suffix,
                        volume->want->number);
}

const struct layer_fact *mapping_find_fact(const struct mapping *mapping, const struct level *level,
                                           const struct level_volume *volume, struct arena *arena)
{
    return facts_find_layer(level->machine->facts, mapping->layer, mapping_name(mapping, level, volume, arena));
}

const char *mapping_find_arguments(const struct layer_fact *fact)
{
    return fact && fact->device ? fact_state_find(&fact->state, ARGUMENTS) : NULL;
}

bool mapping_has_loaded(const struct layer_fact *fact, const char *arguments)
{
    const char *loaded = fact ? fact_state_find(&fact->state, LOADED) : NULL;

    return loaded && strcmp(loaded, arguments) == 0;
}

bool mapping_is_suspended(const struct layer_fact *fact)
{
    return fact && fact_state_find(&fact->state, SUSPENDED);
}

static bool is_device(const char *word, size_t length)
{
    size_t digits = strspn(word, "0123456789");

    if (word[0] == '/')
        return true;
    return digits > 0 && word[digits] == ':' && digits + 1 < length &&
           digits + 1 + strspn(word + digits + 1, "0123456789") == length;
}

char *mapping_arguments_of(const char *table_arguments, struct arena *arena)
{
    struct buf text = { 0 };
    char *arguments;

    for (const char *word = table_arguments; *word;) {
        size_t length = strcspn(word, " ");

        if (text.length > 0)
            buf_add_char(&text, ' ');
        if (is_device(word, length))
            buf_add_char(&text, '-');
        else
            buf_add(&text, word, length);
        word += length;
        word += strspn(word, " ");
    }
    arguments = arena_strdup(arena, buf_text(&text));
    buf_done(&text);
    return arguments;
}

static struct step *asking_step(const struct mapping *mapping, struct plan *plan)
{
    struct step *step;

    for (uint32_t i = 0; i < plan->steps.count; i++) {
        step = &plan->steps.at[i];
        if (step->kind == STEP_ASK_DM && strcmp(step->reader, mapping->layer) == 0)
            return step;
    }
    step = plan_add(plan, STEP_ASK_DM, "look at the mappings of the layer %s", mapping->layer);
    step->reader = arena_strdup(&plan->arena, mapping->layer);
    return step;
}

void mapping_ask(const struct level *level, struct plan *plan)
{
    const struct mapping *mapping = level->layer->mapping;

    for (uint32_t i = 0; i < level->count; i++) {
        const struct layer_fact *fact = mapping_find_fact(mapping, level, &level->volumes[i], &plan->arena);

        if (fact && fact->is_uncertain)
            text_list_add(&asking_step(mapping, plan)->names, fact->name, &plan->arena);
    }
}

void mapping_ask_all(const struct layer *layer, struct plan *plan)
{
    asking_step(layer->mapping, plan)->text = arena_strdup(&plan->arena, layer->mapping->prefix);
}

static void forget_state(struct layer_fact *fact)
{
    facts_set_text(&fact->device, NULL);
    fact->device_kib = 0;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        fact_state_set(&fact->state, words[i], NULL);
}

static void read_mapping(const struct mapping *mapping, const struct found_mapping *found, int64_t asked,
                         struct facts *facts, struct arena *arena)
{
    const struct layer_fact *known = facts_find_layer(facts, mapping->layer, found->name);
    struct layer_fact *fact;

    if (known && known->stamp > asked)
        return;
    fact = facts_edit_layer(facts, mapping->layer, found->name);
    fact->is_uncertain = false;
    facts_set_text(&fact->device, found->target ? arena_printf(arena, "/dev/mapper/%s", found->name) : NULL);
    fact->device_kib = found->target ? found->size_kib : 0;
    fact_state_set(&fact->state, TARGET, found->target ? found->target : "none");
    fact_state_set(&fact->state, ARGUMENTS, found->table ? mapping_arguments_of(found->table, arena) : NULL);
    fact_state_set(&fact->state, SUSPENDED, found->is_suspended || found->is_loaded ? "yes" : NULL);
}

/* Facts that were read or changed since the question have a newer stamp: whatever has an older one was not found. */
static void read_absence(const struct mapping *mapping, const struct step *step, int64_t asked, struct facts *facts)
{
    for (uint32_t i = 0; i < step->names.count; i++) {
        const struct layer_fact *fact = facts_find_layer(facts, mapping->layer, step->names.at[i]);

        if (fact && fact->stamp <= asked)
            facts_remove_layer(facts, mapping->layer, step->names.at[i]);
    }
    if (step->names.count > 0)
        return;
    for (struct layer_fact *fact = facts_first_layer(facts, mapping->layer), *next; fact; fact = next) {
        next = facts_next_layer(fact);
        if (fact->stamp <= asked)
            facts_remove_layer(facts, mapping->layer, fact->name);
    }
    fact_state_set(&facts->known_layers, mapping->layer, "yes");
}

static void read_content(struct layer_fact *fact, const struct step *step, const struct outcome *outcome,
                         struct arena *arena)
{
    static const struct found_device none;
    const struct found_device *found = outcome->devices.count > 0 ? &outcome->devices.at[0] : &none;

    fact_state_set(&fact->state, CONTENT, enum_name(found_content_names, found->content));
    fact_state_set(&fact->state, OFFSET, step->offset > 0 ? arena_printf(arena, "%" PRId64, step->offset) : NULL);
    fact_state_set(&fact->state, MEMORY, found->is_memory ? "yes" : NULL);
    fact_state_set(&fact->state, BLOCK, arena_printf(arena, "%" PRId64, found->block_sectors));
}

/* The fourth word of a table and what follows: what the target is given. */
static const char *skip_target(const char *table)
{
    for (int i = 0; i < 3; i++) {
        table += strcspn(table, " ");
        table += strspn(table, " ");
    }
    return table;
}

static void read_change(const struct mapping *mapping, const struct step *step, const struct outcome *outcome,
                        struct facts *facts, struct arena *arena)
{
    struct layer_fact *fact = facts_edit_layer(facts, mapping->layer, step->name);

    if (step->kind == STEP_DM_CREATE || step->kind == STEP_DM_RELOAD) {
        const char *arguments = mapping_arguments_of(skip_target(step->text), arena);

        facts_set_text(&fact->device, outcome->device);
        fact->device_kib = outcome->device_kib;
        fact_state_set(&fact->state, TARGET, mapping->target);
        fact_state_set(&fact->state, ARGUMENTS, arguments);
        fact_state_set(&fact->state, LOADED, arguments);
        fact_state_set(&fact->state, FAST_KIB, arena_printf(arena, "%" PRId64, step->size_kib));
        fact_state_set(&fact->state, SUSPENDED, NULL);
    } else if (step->kind == STEP_DM_SUSPEND || step->kind == STEP_DM_RESUME) {
        fact_state_set(&fact->state, SUSPENDED, step->kind == STEP_DM_SUSPEND ? "yes" : NULL);
    } else if (step->kind == STEP_DM_REMOVE) {
        /* The fact stays for its stamp, until somebody has looked: an older answer must not count. */
        forget_state(fact);
    } else if (step->kind == STEP_ASK_CACHE) {
        read_content(fact, step, outcome, arena);
    } else if (step->kind == STEP_WIPE) {
        fact_state_set(&fact->state, CONTENT, NULL);
    }
}

int mapping_read(const struct step *step, const struct outcome *outcome, int64_t asked, struct facts *facts,
                 struct arena *arena, struct trouble *trouble)
{
    const struct mapping *mapping = layer_find(step->reader)->mapping;

    if (outcome->result == OUTCOME_SKIPPED)
        return 0;
    if (outcome->result == OUTCOME_DONE && step->kind == STEP_ASK_DM) {
        for (uint32_t i = 0; i < outcome->mappings.count; i++)
            read_mapping(mapping, &outcome->mappings.at[i], asked, facts, arena);
        read_absence(mapping, step, asked, facts);
        return 0;
    }
    if (outcome->result == OUTCOME_DONE) {
        read_change(mapping, step, outcome, facts, arena);
        return 0;
    }
    if (step->name)
        facts_edit_layer(facts, mapping->layer, step->name)->is_uncertain = true;
    explain_outcome(step, outcome, arena, trouble);
    return -1;
}

static struct step *add_step(const struct mapping *mapping, const char *name, enum step_kind kind, struct plan *plan,
                             const char *what)
{
    struct step *step = plan_add(plan, kind, "%s", what);

    step->reader = arena_strdup(&plan->arena, mapping->layer);
    step->name = arena_strdup(&plan->arena, name);
    return step;
}

struct step *mapping_step(const struct mapping *mapping, const char *name, enum step_kind kind, struct plan *plan,
                          const char *what, ...)
{
    char *text;
    va_list args;

    va_start(args, what);
    text = arena_vprintf(&plan->arena, what, args);
    va_end(args);
    return add_step(mapping, name, kind, plan, text);
}

static void set_table(const struct mapping *mapping, struct step *step, int64_t size_kib, const char *table,
                      int64_t fast_kib, struct plan *plan)
{
    step->text = arena_printf(&plan->arena, "0 %" PRId64 " %s %s", size_kib * 2, mapping->target, table);
    step->size_kib = fast_kib;
}

void mapping_create(const struct mapping *mapping, const char *name, int64_t size_kib, const char *table,
                    int64_t fast_kib, struct plan *plan)
{
    set_table(mapping, mapping_step(mapping, name, STEP_DM_CREATE, plan, "map %s with %" PRId64 " KiB", name, size_kib),
              size_kib, table, fast_kib, plan);
}

struct step *mapping_reload(const struct mapping *mapping, const char *name, int64_t size_kib, const char *table,
                            int64_t fast_kib, struct plan *plan)
{
    struct step *step = mapping_step(mapping, name, STEP_DM_RELOAD, plan,
                                     "load the table of %s anew, with %" PRId64 " KiB", name, size_kib);

    set_table(mapping, step, size_kib, table, fast_kib, plan);
    return step;
}

int64_t mapping_fast_kib(const struct layer_fact *fact)
{
    const char *text = fact ? fact_state_find(&fact->state, FAST_KIB) : NULL;

    return text ? strtoll(text, NULL, 10) : 0;
}

int mapping_lower(const struct level *level, struct plan *plan, struct trouble *trouble)
{
    const struct mapping *mapping = level->layer->mapping;

    (void)trouble;
    for (uint32_t i = 0; i < level->count; i++) {
        const struct layer_fact *fact = mapping_find_fact(mapping, level, &level->volumes[i], &plan->arena);

        if (fact && fact_state_find(&fact->state, TARGET))
            mapping_step(mapping, fact->name, STEP_DM_REMOVE, plan, "remove mapping %s", fact->name)->patience_ms =
                REMOVE_MS;
    }
    return 0;
}

void mapping_freeze(const struct level *level, struct plan *plan)
{
    const struct mapping *mapping = level->layer->mapping;

    for (uint32_t i = 0; i < level->count; i++) {
        const char *name = mapping_name(mapping, level, &level->volumes[i], &plan->arena);

        mapping_step(mapping, name, STEP_DM_SUSPEND, plan, "suspend %s", name)->hold_ms = HOLD_MS;
    }
}

void mapping_thaw(const struct level *level, struct plan *plan)
{
    const struct mapping *mapping = level->layer->mapping;

    for (uint32_t i = 0; i < level->count; i++) {
        const char *name = mapping_name(mapping, level, &level->volumes[i], &plan->arena);

        mapping_step(mapping, name, STEP_DM_RESUME, plan, "resume %s", name)->always = true;
    }
}

void mapping_describe(const struct level *level, const struct level_volume *volume, struct arena *arena,
                      struct volume_fact *described)
{
    const struct mapping *mapping = level->layer->mapping;
    const struct layer_fact *fact = mapping_find_fact(mapping, level, volume, arena);
    const char *target = fact ? fact_state_find(&fact->state, TARGET) : NULL;
    bool is_there = fact && fact->device && target && strcmp(target, mapping->target) == 0;

    described->device_path = is_there ? arena_strdup(arena, fact->device) : NULL;
    described->usable_kib = is_there ? fact->device_kib : 0;
}

int mapping_check(const struct mapping *mapping, const char *name, const struct layer_fact *fact, struct arena *arena,
                  struct trouble *trouble)
{
    const char *target = fact && fact->device ? fact_state_find(&fact->state, TARGET) : NULL;

    if (strlen(name) > NAME_LIMIT) {
        trouble->message = arena_printf(arena, "Mapping %s cannot be made.", name);
        trouble->cause = arena_printf(arena, "Its name has more than %d characters.", NAME_LIMIT);
        trouble->correction = arena_strdup(arena, "Give the resource a shorter name.");
        return -1;
    }
    if (!target || strcmp(target, mapping->target) == 0)
        return 0;
    trouble->message = arena_printf(arena, "Mapping %s cannot be used.", name);
    trouble->cause =
        arena_printf(arena, "Its target is %s instead of %s, so somebody else made it.", target, mapping->target);
    trouble->correction = arena_printf(arena, "When it is not needed any more, remove it: dmsetup remove %s", name);
    return -1;
}

struct mapping_content mapping_find_content(const struct layer_fact *fact)
{
    const char *content = fact ? fact_state_find(&fact->state, CONTENT) : NULL;
    const char *block = fact ? fact_state_find(&fact->state, BLOCK) : NULL;
    const char *at = fact ? fact_state_find(&fact->state, OFFSET) : NULL;
    struct mapping_content found = { .content = CONTENT_OTHER, .offset = at ? strtoll(at, NULL, 10) : 0 };

    for (size_t i = 0; content && found_content_names[i].name; i++) {
        if (strcmp(found_content_names[i].name, content) != 0)
            continue;
        found.is_known = true;
        found.content = (enum found_content)found_content_names[i].value;
    }
    found.is_memory = fact && fact_state_find(&fact->state, MEMORY);
    found.block_sectors = block ? strtoll(block, NULL, 10) : 0;
    return found;
}

void mapping_ask_content(const struct mapping *mapping, const char *name, const char *device, int64_t offset,
                         struct plan *plan)
{
    struct step *step =
        mapping_step(mapping, name, STEP_ASK_CACHE, plan, "look what %s holds before it is mapped", device);

    text_list_add(&step->paths, device, &plan->arena);
    step->offset = offset;
}

void mapping_wipe_content(const struct mapping *mapping, const char *name, const struct volume_want *want,
                          const char *device, int64_t offset, struct plan *plan)
{
    struct plan_evidence evidence = { .want = want, .is_side = true };
    struct step *step = plan_destroy_own(plan, &evidence, STEP_WIPE,
                                         "wipe what is at byte %" PRId64 " of %s, which is new", offset, device);

    step->reader = arena_strdup(&plan->arena, mapping->layer);
    step->name = arena_strdup(&plan->arena, name);
    step->device = arena_strdup(&plan->arena, device);
    step->offset = offset;
}

int mapping_check_content(const struct mapping *mapping, const char *name, const char *device, int64_t offset,
                          const struct mapping_content *content, bool must_exist, struct arena *arena,
                          struct trouble *trouble)
{
    enum found_content own = strcmp(mapping->target, "cache") == 0 ? CONTENT_CACHE : CONTENT_WRITECACHE;

    if (content->content == own || (content->content == CONTENT_EMPTY && !must_exist))
        return 0;
    trouble->message = arena_printf(arena, "Mapping %s is not made.", name);
    trouble->cause = arena_printf(arena,
                                  content->content == CONTENT_EMPTY
                                      ? "The volume has been in use, but %s holds no %s at byte %" PRId64
                                        ": what was written and had not reached the volume below is not there."
                                      : "%s holds something that is neither empty nor a %s at byte %" PRId64 ".",
                                  device, mapping->target, offset);
    trouble->correction =
        arena_strdup(arena, must_exist ? "If its device is back, it is retried by itself. If the data is lost, delete "
                                         "the resource on this node and create it again."
                                       : "Delete the resource on this node and create it again.");
    return -1;
}

/* LINSTOR: round(percent / 100 * net + 0.5). Hundreds of millionths, as a property may have some decimals. */
static bool parse_percent(const char *text, int64_t net_kib, int64_t *size_kib)
{
    int64_t scaled = 0, scale = 1;
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 3)
        return false;
    for (size_t i = 0; i < digits; i++)
        scaled = scaled * 10 + (text[i] - '0');
    text += digits;
    if (*text == '.')
        for (text++; *text >= '0' && *text <= '9'; text++)
            if (scale < 1000000) {
                scaled = scaled * 10 + (*text - '0');
                scale *= 10;
            }
    if (strcmp(text, "%") != 0 || scaled > 100 * scale)
        return false;
    *size_kib =
        (int64_t)((unsigned __int128)scaled * (unsigned __int128)net_kib / (unsigned __int128)(100 * scale)) + 1;
    return true;
}

int64_t mapping_side_kib(const struct volume_want *volume, const char *key, const char *otherwise, int64_t net_kib)
{
    const char *const texts[] = { text_map_find(&volume->props, key), otherwise };
    int64_t size_kib = 0;

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        if (texts[i] &&
            (parse_percent(texts[i], net_kib, &size_kib) || text_parse_i64(texts[i], 1, INT64_C(1) << 50, &size_kib)))
            return size_kib;
    return 0;
}
