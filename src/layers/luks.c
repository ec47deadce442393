/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Encrypts each volume. A level's mapping is Linstor-Crypt-<name of the volume below>; what is known of it is one fact:
 * its header, as it was read from the device below, and whether it is open.
 *
 *     below   the device whose header was read; another one, or none: the header has to be read first
 *     header  "luks1", "luks2", "unfinished", "none", or what else the device bears
 *     key     which sealed key the header obeys, by its name; not set where the header does not tell
 *     offset  KiB of header
 *     was     a header was seen, so that its absence is a loss
 *     where   "elsewhere": the mapping is open on another device
 *     why     the header cannot be read, which the disk is to blame for
 *
 * Only what is blank is formatted, which the step makes sure of once more; a volume that was in use and has lost its
 * header is never made anew. Keys are needed to format, open, grow and change keys, not to close and remove.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "drivers/call_luks.h"
#include "drivers/explain.h"
#include "drivers/luks_options.h"
#include "layers/mapping.h"
#include "layers/storage.h"

static char layer_name[] = "LUKS";
static const struct mapping luks_mapping = { layer_name, CALL_LUKS_PREFIX, "crypt" };

static char *mapping_of(const struct level *level, const struct level_volume *volume, struct arena *arena)
{
    return arena_printf(arena, CALL_LUKS_PREFIX "%s",
                        storage_volume_name(level->resource->resource, level->suffix, volume->want->number, arena));
}

static const struct layer_fact *fact_of(const struct level *level, const struct level_volume *volume,
                                        struct arena *arena)
{
    return facts_find_layer(level->machine->facts, layer_name, mapping_of(level, volume, arena));
}

static const char *format_options(const struct volume_want *volume)
{
    const char *text = text_map_find(&volume->props, "StorDriver/LuksFormatOptions");

    return text ? text : "";
}

static const char *open_options(const struct volume_want *volume, struct arena *arena)
{
    const char *text = text_map_find(&volume->props, "StorDriver/LuksOpenOptions");
    const char *discards = text_map_find(&volume->props, "Luks/AllowDiscards");
    bool allows = discards && (text_equal_fold(discards, "true") || text_equal_fold(discards, "yes"));

    return arena_printf(arena, "%s%s%s", text ? text : "", text && allows ? " " : "", allows ? "--allow-discards" : "");
}

/* Options that cannot be used do not keep anybody from asking: raise refuses them. */
static int64_t header_kib(const struct volume_want *volume)
{
    struct luks_options options;
    char why[LUKS_OPTIONS_WHY_SIZE];

    if (luks_options_parse(LUKS_FORMAT_OPTIONS, format_options(volume), &options, why) != 0)
        options = (struct luks_options){ 0 };
    return luks_options_header_kib(&options);
}

/* Whole sectors of 4096 bytes, which encrypted devices may have. */
static int64_t gross_kib(const struct level *level, const struct volume_want *volume, int64_t net_kib)
{
    (void)level;
    return (net_kib + 3) / 4 * 4 + header_kib(volume);
}

static const char *state_of(const struct layer_fact *fact, const char *key)
{
    const char *value = fact ? fact_state_find(&fact->state, key) : NULL;

    return value ? value : "";
}

/* Whether the header of what lies below now was read. */
static bool is_known(const struct layer_fact *fact, const char *below)
{
    return fact && !fact->is_uncertain && strcmp(state_of(fact, "below"), below) == 0;
}

static struct step *add_question(struct step *step, const char *mapping, const char *below, struct plan *plan)
{
    if (!step) {
        step = plan_add(plan, STEP_ASK_LUKS, "look at encrypted devices");
        step->reader = layer_name;
    }
    text_list_add(&step->names, mapping, &plan->arena);
    text_list_add(&step->paths, below ? below : "", &plan->arena);
    return step;
}

static void ask(const struct level *level, struct plan *plan)
{
    struct step *step = NULL;

    for (uint32_t i = 0; i < level->count; i++) {
        const struct level_volume *volume = &level->volumes[i];
        const struct layer_fact *fact = fact_of(level, volume, &plan->arena);
        const char *below = volume->below[0].path;

        if (below ? !is_known(fact, below) : fact && fact->is_uncertain)
            step = add_question(step, mapping_of(level, volume, &plan->arena), below, plan);
    }
}

static void ask_all(const struct layer *layer, struct plan *plan)
{
    (void)layer;
    plan_add(plan, STEP_ASK_LUKS, "list open encrypted devices")->reader = layer_name;
}

static void set_offset(struct layer_fact *fact, int64_t offset_kib)
{
    char text[32];

    snprintf(text, sizeof(text), "%" PRId64, offset_kib);
    fact_state_set(&fact->state, "offset", text);
}

static bool is_luks(const char *header)
{
    return strcmp(header, "luks1") == 0 || strcmp(header, "luks2") == 0;
}

/* Of the disk; others are of the moment. */
static bool is_of_disk(int32_t error)
{
    static const int errors[] = { EIO, EREMOTEIO, ENODATA, EBADMSG, EILSEQ, ENOLINK };

    for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
        if (errors[i] == error)
            return true;
    return false;
}

static void read_unreadable(const struct found_luks *found, struct layer_fact *fact, struct arena *arena)
{
    facts_set_text(&fact->device, found->device);
    fact->device_kib = found->device_kib;
    fact->is_uncertain = !is_of_disk(found->error);
    fact_state_set(&fact->state, "below", found->path && found->path[0] ? found->path : NULL);
    fact_state_set(&fact->state, "header", NULL);
    fact_state_set(&fact->state, "why",
                   arena_printf(arena, "%s%s%s", found->complaint ? found->complaint : "", found->complaint ? " " : "",
                                strerror(found->error)));
}

static void read_found(const struct found_luks *found, struct layer_fact *fact)
{
    const char *below = found->path && found->path[0] ? found->path : NULL;
    const char *header = found->header ? found->header : "";
    bool was_same = below && strcmp(state_of(fact, "below"), below) == 0;
    bool keeps_key = was_same && strcmp(header, "luks1") == 0;

    facts_set_text(&fact->device, found->device);
    fact->device_kib = found->device_kib;
    fact->is_uncertain = false;
    fact_state_set(&fact->state, "why", NULL);
    fact_state_set(&fact->state, "where", found->is_elsewhere ? "elsewhere" : NULL);
    fact_state_set(&fact->state, "below", below);
    if (!below)
        return;
    fact_state_set(&fact->state, "was",
                   is_luks(header) || (was_same && is_luks(state_of(fact, "header"))) ||
                           (was_same && fact_state_find(&fact->state, "was"))
                       ? "yes"
                       : NULL);
    fact_state_set(&fact->state, "header", header);
    if (found->key_name || !keeps_key)
        fact_state_set(&fact->state, "key", found->key_name);
    set_offset(fact, found->offset_kib);
}

/* All mappings that are open: what is not among them is closed. */
static void read_open(const struct outcome *outcome, int64_t asked, struct facts *facts)
{
    for (struct layer_fact *fact = facts_first_layer(facts, layer_name); fact; fact = facts_next_layer(fact)) {
        const struct found_luks *found = NULL;

        for (uint32_t i = 0; i < outcome->luks.count; i++)
            if (strcmp(outcome->luks.at[i].name, fact->name) == 0)
                found = &outcome->luks.at[i];
        if (fact->stamp > asked)
            continue;
        fact->is_uncertain = fact->is_uncertain || fact_state_find(&fact->state, "why");
        facts_set_text(&fact->device, found ? found->device : NULL);
        fact->device_kib = found ? found->device_kib : 0;
    }
    for (uint32_t i = 0; i < outcome->luks.count; i++) {
        const struct found_luks *found = &outcome->luks.at[i];
        struct layer_fact *fact;

        if (facts_find_layer(facts, layer_name, found->name))
            continue;
        fact = facts_edit_layer(facts, layer_name, found->name);
        facts_set_text(&fact->device, found->device);
        fact->device_kib = found->device_kib;
    }
    fact_state_set(&facts->known_layers, layer_name, "yes");
}

/* -1 and *trouble when something could not be looked at, and it was not the disk. */
static int read_answers(const struct step *step, const struct outcome *outcome, int64_t asked, struct facts *facts,
                        struct arena *arena, struct trouble *trouble)
{
    int result = 0;

    if (step->names.count == 0) {
        read_open(outcome, asked, facts);
        return 0;
    }
    for (uint32_t i = 0; i < outcome->luks.count; i++) {
        const struct found_luks *found = &outcome->luks.at[i];
        const struct layer_fact *known = facts_find_layer(facts, layer_name, found->name);

        if (known && known->stamp > asked)
            continue;
        if (!found->error) {
            read_found(found, facts_edit_layer(facts, layer_name, found->name));
            continue;
        }
        read_unreadable(found, facts_edit_layer(facts, layer_name, found->name), arena);
        if (is_of_disk(found->error))
            continue;
        trouble->message = arena_printf(arena, "Failed to %s.", step->what);
        trouble->cause =
            arena_printf(arena, "%s: %s%s%s.", found->path[0] ? found->path : found->name,
                         found->complaint ? found->complaint : "", found->complaint ? " " : "", strerror(found->error));
        result = -1;
    }
    return result;
}

static void read_change(const struct step *step, const struct outcome *outcome, struct facts *facts)
{
    struct layer_fact *fact = facts_edit_layer(facts, layer_name, step->name);

    if (step->kind == STEP_LUKS_FORMAT) {
        fact_state_set(&fact->state, "below", step->device);
        fact_state_set(&fact->state, "header", step->topic);
        fact_state_set(&fact->state, "key", step->key_name);
        fact_state_set(&fact->state, "was", "yes");
        set_offset(fact, outcome->size_kib > 0 ? outcome->size_kib : step->size_kib);
    } else if (step->kind == STEP_LUKS_OPEN || step->kind == STEP_LUKS_RESIZE) {
        facts_set_text(&fact->device, outcome->device);
        fact->device_kib = outcome->device_kib;
    } else if (step->kind == STEP_LUKS_CLOSE) {
        facts_set_text(&fact->device, NULL);
        fact->device_kib = 0;
        fact_state_set(&fact->state, "where", NULL);
    } else if (step->kind == STEP_LUKS_CHANGE_KEY) {
        fact_state_set(&fact->state, "key", step->key_name);
    } else if (step->kind == STEP_LUKS_ERASE) {
        fact_state_set(&fact->state, "header", "none");
        fact_state_set(&fact->state, "key", NULL);
        fact_state_set(&fact->state, "was", NULL);
    }
}

static int read_outcome(const struct step *step, const struct outcome *outcome, int64_t asked, struct facts *facts,
                        struct arena *arena, struct trouble *trouble)
{
    if (outcome->result == OUTCOME_SKIPPED)
        return 0;
    if (outcome->result == OUTCOME_DONE && step->kind == STEP_ASK_LUKS)
        return read_answers(step, outcome, asked, facts, arena, trouble);
    if (outcome->result == OUTCOME_DONE) {
        read_change(step, outcome, facts);
        return 0;
    }
    if (step->name)
        facts_edit_layer(facts, layer_name, step->name)->is_uncertain = true;
    explain_outcome(step, outcome, arena, trouble);
    return -1;
}

/* One volume that is to be raised or lowered. */
struct target {
    const struct level *level;
    const struct level_volume *volume;
    const struct layer_fact *fact; /* its header is known */
    const char *mapping, *below, *header;
    struct plan *plan;
    struct trouble *trouble;
};

static int refuse(const struct target *target, const char *cause, const char *correction)
{
    struct arena *arena = &target->plan->arena;

    target->trouble->message =
        arena_printf(arena, "Volume %" PRId32 " of resource '%s' cannot be encrypted on %s.",
                     target->volume->want->number, target->level->resource->resource, target->below);
    target->trouble->cause = arena_strdup(arena, cause);
    target->trouble->correction = arena_strdup_null(arena, correction);
    return -1;
}

static int require_key(const struct target *target, const char *what)
{
    struct arena *arena = &target->plan->arena;

    if (target->volume->want->keys.count == 0)
        return refuse(target, "The controller has sent no key for it.",
                      "Create the resource again when the master passphrase is entered.");
    if (target->level->machine->has_key)
        return 0;
    target->trouble->message = arena_printf(arena, "Volume %" PRId32 " of resource '%s' waits to be %s: it is locked.",
                                            target->volume->want->number, target->level->resource->resource, what);
    target->trouble->cause =
        arena_strdup(arena, "The controller has not told the master key since the satellite was started.");
    target->trouble->correction = arena_strdup(
        arena, "Enter the master passphrase: linstor encryption enter-passphrase. Then it goes on by itself.");
    return -1;
}

static char *key_name_of(const struct target *target)
{
    char *name = arena_alloc(&target->plan->arena, SECRET_NAME_SIZE);

    secret_name(target->volume->want->keys.at[0], name);
    return name;
}

static struct step *aim(const struct target *target, struct step *step)
{
    step->reader = layer_name;
    step->name = arena_strdup(&target->plan->arena, target->mapping);
    step->device = arena_strdup_null(&target->plan->arena, target->below);
    return step;
}

/* The one that the header obeys first: each key that is tried in vain costs a second or two. */
static void add_keys(const struct target *target, struct step *step, bool newest_first)
{
    const struct text_list *keys = &target->volume->want->keys;
    const char *known = state_of(target->fact, "key");
    uint32_t first = 0;

    for (uint32_t i = 0; i < keys->count && !newest_first; i++) {
        char name[SECRET_NAME_SIZE];

        secret_name(keys->at[i], name);
        if (strcmp(name, known) == 0)
            first = i;
    }
    text_list_add(&step->sealed, keys->at[first], &target->plan->arena);
    for (uint32_t i = 0; i < keys->count; i++)
        if (i != first)
            text_list_add(&step->sealed, keys->at[i], &target->plan->arena);
}

static void plan_format(const struct target *target, const struct luks_options *options)
{
    const struct volume_want *want = target->volume->want;
    const char *text = format_options(want);
    struct step *step = aim(target, plan_add(target->plan, STEP_LUKS_FORMAT, "encrypt %s", target->below));
    char *newest;

    step->text = text[0] ? arena_strdup(&target->plan->arena, text) : NULL;
    step->size_kib = luks_options_header_kib(options);
    step->key_name = key_name_of(target);
    step->topic = arena_strdup(&target->plan->arena, strcmp(options->type, "luks1") == 0 ? "luks1" : "luks2");
    newest = want->keys.at[0];
    text_list_add(&step->sealed, newest, &target->plan->arena);
}

static void plan_open(const struct target *target)
{
    const char *text = open_options(target->volume->want, &target->plan->arena);
    struct step *step =
        aim(target, plan_add(target->plan, STEP_LUKS_OPEN, "open encrypted %s as %s", target->below, target->mapping));

    step->text = text[0] ? arena_strdup(&target->plan->arena, text) : NULL;
    add_keys(target, step, false);
}

/* What may be there is not formatted. 0, or -1: it must not be formatted. */
static int check_blank(const struct target *target)
{
    bool was_used = target->volume->want->must_exist || fact_state_find(&target->fact->state, "was");
    const char *correction = "If the data is lost, delete the resource on this node and create it again.";

    if (strcmp(target->header, "none") != 0 && strcmp(target->header, "unfinished") != 0)
        return refuse(target,
                      arena_printf(&target->plan->arena,
                                   "The device bears %s, which was not made by this layer and is not overwritten.",
                                   target->header),
                      "Look what it is. If nobody needs it, wipe the device: wipefs -a.");
    if (!was_used)
        return 0;
    return refuse(target,
                  strcmp(target->header, "none") == 0 ? "It was encrypted, and its LUKS header has vanished."
                                                      : "It was encrypted, and its LUKS header has no key any more.",
                  correction);
}

static int raise_closed(const struct target *target)
{
    struct luks_options options;
    char why[LUKS_OPTIONS_WHY_SIZE];
    bool is_new = !is_luks(target->header);

    if (fact_state_find(&target->fact->state, "why"))
        return refuse(target,
                      arena_printf(&target->plan->arena, "Its header cannot be read: %s.",
                                   fact_state_find(&target->fact->state, "why")),
                      "Look into the kernel's log for errors of the disk. It is retried by itself; the resource can be "
                      "deleted on this node.");
    if (is_new && check_blank(target) < 0)
        return -1;
    if (luks_options_parse(LUKS_OPEN_OPTIONS, open_options(target->volume->want, &target->plan->arena), &options,
                           why) != 0)
        return refuse(target, why, "Correct the property StorDriver/LuksOpenOptions.");
    if (luks_options_parse(LUKS_FORMAT_OPTIONS, format_options(target->volume->want), &options, why) != 0 && is_new)
        return refuse(target, why, "Correct the property StorDriver/LuksFormatOptions.");
    if (require_key(target, is_new ? "encrypted" : "opened") < 0)
        return -1;
    if (is_new)
        plan_format(target, &options);
    plan_open(target);
    return 0;
}

static int raise_open(const struct target *target)
{
    int64_t offset_kib = 0, room_kib;

    if (strcmp(state_of(target->fact, "where"), "elsewhere") == 0)
        return refuse(target,
                      arena_printf(&target->plan->arena, "%s is open already, on another device.", target->mapping),
                      arena_printf(&target->plan->arena, "Close it: cryptsetup close %s.", target->mapping));
    if (!text_parse_i64(state_of(target->fact, "offset"), 0, INT64_MAX / 1024, &offset_kib) || offset_kib == 0)
        return 0;
    room_kib = (target->volume->below[0].size_kib - offset_kib) / 4 * 4;
    if (target->fact->device_kib >= room_kib)
        return 0;
    if (require_key(target, "grown") < 0)
        return -1;
    add_keys(
        target,
        aim(target, plan_add(target->plan, STEP_LUKS_RESIZE, "grow %s to %" PRId64 " KiB", target->mapping, room_kib)),
        false);
    return 0;
}

/* LUKS1 does not tell which key it obeys; the older ones are there only as long as some node may have them. */
static bool has_other_key(const struct target *target)
{
    const char *known = state_of(target->fact, "key");

    if (target->volume->want->keys.count == 0 || !is_luks(target->header))
        return false;
    if (!known[0])
        return target->volume->want->keys.count > 1 || strcmp(target->header, "luks2") == 0;
    return strcmp(known, key_name_of(target)) != 0;
}

static int plan_key(const struct target *target)
{
    const char *text = format_options(target->volume->want);
    struct luks_options options;
    char why[LUKS_OPTIONS_WHY_SIZE];
    struct step *step;

    if (!has_other_key(target))
        return 0;
    if (require_key(target, "given its new passphrase") < 0)
        return -1;
    step = aim(target, plan_add(target->plan, STEP_LUKS_CHANGE_KEY, "change the key of %s", target->below));
    step->key_name = key_name_of(target);
    if (text[0] && luks_options_parse(LUKS_FORMAT_OPTIONS, text, &options, why) == 0)
        step->text = arena_strdup(&target->plan->arena, text);
    add_keys(target, step, true);
    return 0;
}

static struct target target_of(const struct level *level, const struct level_volume *volume, struct plan *plan,
                               struct trouble *trouble)
{
    const struct layer_fact *fact = fact_of(level, volume, &plan->arena);

    return (struct target){
        .level = level,
        .volume = volume,
        .fact = fact,
        .mapping = mapping_of(level, volume, &plan->arena),
        .below = volume->below[0].path,
        .header = state_of(fact, "header"),
        .plan = plan,
        .trouble = trouble,
    };
}

static int raise(const struct level *level, struct plan *plan, struct trouble *trouble)
{
    struct step *question = NULL;

    for (uint32_t i = 0; i < level->count; i++) {
        struct target target = target_of(level, &level->volumes[i], plan, trouble);

        if (!is_known(target.fact, target.below))
            question = add_question(question, target.mapping, target.below, plan);
    }
    for (uint32_t i = 0; i < level->count && !question; i++) {
        struct target target = target_of(level, &level->volumes[i], plan, trouble);

        if ((target.fact->device ? raise_open(&target) : raise_closed(&target)) < 0 || plan_key(&target) < 0)
            return -1;
    }
    return 0;
}

/* A header that the disk does not give any more has no keys that could be destroyed. */
static int lower(const struct level *level, struct plan *plan, struct trouble *trouble)
{
    for (uint32_t i = 0; i < level->count; i++) {
        struct target target = target_of(level, &level->volumes[i], plan, trouble);
        int64_t offset_kib = 0;
        struct step *step;

        if (target.fact && target.fact->device)
            aim(&target, plan_add(plan, STEP_LUKS_CLOSE, "close %s", target.mapping));
        if (!target.below || !is_known(target.fact, target.below) ||
            !(is_luks(target.header) || strcmp(target.header, "unfinished") == 0))
            continue;
        (void)text_parse_i64(state_of(target.fact, "offset"), 0, INT64_MAX / 1024, &offset_kib);
        step = aim(&target, plan_destructive(plan, level->resource->authority, STEP_LUKS_ERASE,
                                             "destroy the keys on %s", target.below));
        step->size_kib = offset_kib > 0 ? offset_kib : header_kib(target.volume->want);
    }
    return 0;
}

static void describe(const struct level *level, const struct level_volume *volume, struct arena *arena,
                     struct volume_fact *described)
{
    const struct layer_fact *fact = fact_of(level, volume, arena);

    described->device_path = fact ? arena_strdup_null(arena, fact->device) : NULL;
    described->usable_kib = fact && fact->device ? fact->device_kib : 0;
}

const struct layer layer_luks = {
    .name = layer_name,
    .kind = LAYER_LUKS,
    .mapping = &luks_mapping,
    .needs = "luks",
    .gross_kib = gross_kib,
    .ask = ask,
    .ask_all = ask_all,
    .read = read_outcome,
    .raise = raise,
    .lower = lower,
    .describe = describe,
};
