/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What LVM's tools say becomes facts.
 *
 * lvs and vgs end with 5 when one thing of several that were asked for is not there, and print the others. So their
 * rows count with this exit code, too, but the absence of a row is believed only after a 0.
 */
#include "drivers/lvm.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "drivers/explain.h"

const char lvm_reader[] = "LVM";

/* Rows come in this order of importance: the first whose text is in what the tool complained about counts. */
static const struct known_complaint {
    const char *text, *cause, *correction;
} known_complaints[] = {
    { "free space in thin pool", "The thin pool is full, or fuller than lvm.conf lets new volumes be made in it.",
      "Extend the thin pool (lvextend), or delete volumes or snapshots in it." },
    { "nsufficient free space", "The volume group has not enough free extents.",
      "Add a physical volume (vgextend), or delete something in the volume group; it is retried by itself." },
    { "nsufficient suitable", "The volume group has no free extents that fit the options given.",
      "Look at StorDriver/LvcreateOptions and StorDriver/LvcreatePvSelection, or add a physical volume." },
    { "Volume group \"", "The volume group is not on this node, or the disks it lies on are not there.",
      "Look at the disks with lsblk and pvs; it is used again by itself when it is back." },
    { "PVs are missing", "Disks of the volume group are not there.", "Look at vgs and pvs for what is missing." },
    { "Couldn't find device", "Disks of the volume group are not there.", "Look at vgs and pvs for what is missing." },
    { "Multiple VGs found", "Another volume group has the same name.",
      "It is looked for and left alone at the next attempt, by itself." },
    { " in use", "The volume is mounted or otherwise in use.",
      "Unmount it, or end the programs that use it; it is retried by itself." },
    { "already exists", "There is a logical volume of this name.",
      "It is looked at again; whether it can be taken over is decided then." },
};

/* The first line that is no warning, else the first. */
static char *first_line(const char *text, struct arena *arena)
{
    const char *first = NULL;
    size_t length = 0;

    for (const char *at = text; at && *at; at += strcspn(at, "\n"), at += *at == '\n') {
        at += strspn(at, " \t");
        if (first && strncmp(at, "WARNING", 7) == 0)
            continue;
        if (!first || strncmp(first, "WARNING", 7) == 0) {
            first = at;
            length = strcspn(at, "\n");
        }
    }
    return arena_strndup(arena, first ? first : "", length > 300 ? 300 : length);
}

static void explain(const struct step *step, const struct outcome *outcome, struct arena *arena,
                    struct trouble *trouble)
{
    char *said = first_line(outcome->complaint, arena);

    explain_outcome(step, outcome, arena, trouble);
    if (step->kind != STEP_EXEC || !said[0])
        return;
    for (size_t i = 0; i < sizeof(known_complaints) / sizeof(known_complaints[0]); i++)
        if (strstr(outcome->complaint, known_complaints[i].text)) {
            trouble->cause = arena_printf(arena, "%s lvm said: %s", known_complaints[i].cause, said);
            trouble->correction = arena_strdup(arena, known_complaints[i].correction);
            return;
        }
    trouble->cause = arena_printf(arena, "lvm said: %s", said);
}

/* What was printed cannot be understood. */
static int explain_output(const struct step *step, const struct outcome *outcome, const char *why, struct arena *arena,
                          struct trouble *trouble)
{
    if (outcome->exit_code != 0) {
        explain(step, outcome, arena, trouble);
        return -1;
    }
    trouble->message = arena_printf(arena, "Failed to %s.", step->what);
    trouble->cause = arena_printf(arena, "lvm printed what cannot be understood: %s.", why);
    trouble->details = arena_printf(arena, "Its output begins with: %s", first_line(outcome->output, arena));
    return -1;
}

static void set_errors(const struct step *step, int error, struct facts *facts)
{
    for (uint32_t i = 0; i < step->pools.count; i++)
        facts_edit_pool(facts, step->pools.at[i])->error = error;
}

/* "vg0/thin" -> "vg0" */
static char *group_of(const char *place, struct arena *arena)
{
    return arena_strndup(arena, place, strcspn(place, "/"));
}

static bool is_row_of(const struct lvm_group *row, const struct lvm_group *group)
{
    return strcmp(row->name, group->name) == 0 && strcmp(row->uuid, group->uuid) == 0;
}

/* Those with least in use first. */
static void note_devices(struct storage_pool_fact *fact, const struct lvm_report *report, const struct lvm_group *group)
{
    struct buf text = { 0 };
    int64_t used_kib = -1;

    for (;;) {
        int64_t next_kib = INT64_MAX;

        for (uint32_t i = 0; i < report->groups.count; i++) {
            const struct lvm_group *row = &report->groups.at[i];

            if (row->device && is_row_of(row, group) && row->device_used_kib > used_kib &&
                row->device_used_kib < next_kib)
                next_kib = row->device_used_kib;
        }
        if (next_kib == INT64_MAX)
            break;
        used_kib = next_kib;
        for (uint32_t i = 0; i < report->groups.count; i++) {
            const struct lvm_group *row = &report->groups.at[i];

            if (row->device && is_row_of(row, group) && row->device_used_kib == used_kib)
                buf_printf(&text, "%s%s", text.length > 0 ? "\n" : "", row->device);
        }
    }
    fact_state_set(&fact->state, LVM_DEVICES, buf_text(&text));
    buf_done(&text);
}

static void note_strangers(struct storage_pool_fact *fact, const struct lvm_report *report,
                           const struct lvm_group *group)
{
    struct buf text = { 0 };

    for (uint32_t i = 0; i < report->groups.count; i++) {
        const struct lvm_group *row = &report->groups.at[i];

        if (row->device && strcmp(row->name, group->name) == 0 && !is_row_of(row, group))
            buf_printf(&text, "%s%s", text.length > 0 ? "\n" : "", row->device);
    }
    fact_state_set(&fact->state, LVM_STRANGERS, text.length > 0 ? buf_text(&text) : NULL);
    buf_done(&text);
}

/* uuid NULL: any. */
static const struct lvm_group *find_group(const struct lvm_report *report, const char *name, const char *uuid)
{
    for (uint32_t i = 0; i < report->groups.count; i++)
        if (strcmp(report->groups.at[i].name, name) == 0 && (!uuid || strcmp(report->groups.at[i].uuid, uuid) == 0))
            return &report->groups.at[i];
    return NULL;
}

static const struct lvm_group *find_other(const struct lvm_report *report, const struct lvm_group *group)
{
    for (uint32_t i = 0; i < report->groups.count; i++)
        if (strcmp(report->groups.at[i].name, group->name) == 0 && !is_row_of(&report->groups.at[i], group))
            return &report->groups.at[i];
    return NULL;
}

static int refuse_group(const char *name, const char *pool, const char *cause, const char *correction, int error,
                        struct storage_pool_fact *fact, struct arena *arena, struct trouble *trouble)
{
    fact->error = error;
    /* It shall not be told again to a user who has just deleted it. */
    fact_state_set(&fact->told, LVM_UUID_PROPERTY, NULL);
    trouble->message = arena_printf(arena, "Volume group '%s' of storage pool '%s' was not found.", name, pool);
    trouble->cause = arena_strdup(arena, cause);
    trouble->correction = arena_strdup(arena, correction);
    return -1;
}

/* That of the pool; NULL and *trouble. */
static const struct lvm_group *choose_group(const struct lvm_report *report, const char *name, const char *uuid,
                                            const char *pool, const char *said, struct storage_pool_fact *fact,
                                            struct arena *arena, struct trouble *trouble)
{
    const struct lvm_group *group = find_group(report, name, NULL), *other = group ? find_other(report, group) : NULL;

    if (!group) {
        refuse_group(name, pool,
                     said[0] ? arena_printf(arena, "lvm said: %s", said) : "None of the disks that lvm sees holds it.",
                     "Look at the disks with lsblk and pvs; the storage pool is used again by itself when the volume "
                     "group is back.",
                     ENODEV, fact, arena, trouble);
        return NULL;
    }
    if (uuid)
        group = find_group(report, name, uuid);
    if (!group)
        refuse_group(name, pool,
                     arena_printf(arena,
                                  "That of the storage pool has the uuid %s; there is only one with the uuid %s.", uuid,
                                  find_group(report, name, NULL)->uuid),
                     "Look at the disks with lsblk and pvs; the storage pool is used again by itself when its volume "
                     "group is back. If that is lost, and the other one shall be used instead, delete the "
                     "property " LVM_UUID_PROPERTY " of the storage pool.",
                     ESTALE, fact, arena, trouble);
    else if (!uuid && other)
        refuse_group(
            name, pool,
            arena_printf(arena, "There are several of this name, with the uuids %s and %s.", group->uuid, other->uuid),
            "Set the property " LVM_UUID_PROPERTY " of the storage pool to the uuid of its volume group, or "
            "rename the others (vgrename UUID NAME).",
            ENOTUNIQ, fact, arena, trouble);
    else
        return group;
    return NULL;
}

static int read_groups(const struct step *step, const struct outcome *outcome, const struct lvm_report *report,
                       struct facts *facts, struct arena *arena, struct trouble *trouble)
{
    int result = 0;

    for (uint32_t i = 0; i < step->pools.count; i++) {
        struct storage_pool_fact *fact = facts_edit_pool(facts, step->pools.at[i]);
        char *name = group_of(step->paths.at[i], arena);
        const char *uuid = step->names.at[i][0] ? step->names.at[i] : fact_state_find(&fact->state, LVM_UUID);
        const struct lvm_group *group = choose_group(report, name, uuid, step->pools.at[i],
                                                     first_line(outcome->complaint, arena), fact, arena, trouble);
        bool is_thin = strchr(step->paths.at[i], '/');

        if (!group) {
            result = -1;
            continue;
        }
        fact->error = 0;
        fact_state_set(&fact->state, LVM_UUID, group->uuid);
        fact_state_set(&fact->told, LVM_UUID_PROPERTY, group->uuid);
        facts_set_text(&fact->identity, arena_printf(arena, "lvm %s", step->paths.at[i]));
        fact->granularity_kib = group->extent_kib;
        fact->can_snapshot = is_thin;
        note_devices(fact, report, group);
        note_strangers(fact, report, group);
        if (is_thin)
            continue;
        fact->total_kib = group->total_kib;
        fact->free_kib = group->free_kib;
    }
    return result;
}

static bool lies_in(const struct lvm_volume *volume, const char *group, const char *thin_pool)
{
    if (strcmp(volume->group, group) != 0 || volume->is_thin_pool)
        return false;
    return thin_pool ? volume->thin_pool && strcmp(volume->thin_pool, thin_pool) == 0 : !volume->thin_pool;
}

static void read_volume(const char *pool, const struct lvm_volume *volume, int64_t asked, struct facts *facts,
                        struct arena *arena)
{
    const struct storage_fact *known = facts_find_volume(facts, pool, volume->name);
    struct storage_fact *fact;

    if (known && known->stamp > asked)
        return;
    fact = facts_edit_volume(facts, pool, volume->name);
    facts_set_text(&fact->backing, lvm_path(volume->group, volume->name, arena));
    facts_set_text(&fact->origin, volume->origin);
    fact->size_kib = fact->allocated_kib = volume->size_kib;
    if (volume->thin_pool)
        fact->allocated_kib =
            volume->data_percent > 0 ? (int64_t)((double)volume->size_kib * volume->data_percent / 100) : 0;
    fact->is_active = volume->is_active;
    facts_set_text(&fact->owner, volume->owner);
    fact->is_new = volume->is_new;
    fact->is_void = volume->is_void;
    fact->is_uncertain = fact->has_vanished = false;
    /* Whether the kernel shows it is seen when its node is waited for. */
    if (!volume->is_active) {
        facts_set_text(&fact->device, NULL);
        fact->device_kib = 0;
    }
}

/* Facts that were read or changed since the question have a newer stamp: whatever has an older one was not found. */
static void read_absence(const struct step *step, const char *pool, int64_t asked, struct facts *facts)
{
    if (step->names.count == 0) {
        for (struct storage_fact *fact = facts_first_volume(facts, pool), *next; fact; fact = next) {
            next = facts_next_volume(fact);
            if (fact->stamp <= asked)
                facts_note_missing(facts, fact);
        }
        return;
    }
    for (uint32_t i = 0; i < step->names.count; i++) {
        const struct storage_fact *fact = facts_find_volume(facts, pool, step->names.at[i]);

        if (fact && fact->stamp <= asked)
            facts_note_missing(facts, facts_edit_volume(facts, pool, step->names.at[i]));
    }
}

static int refuse_thin_pool(const char *pool, const char *place, const char *cause, const char *correction,
                            struct storage_pool_fact *fact, int error, struct arena *arena, struct trouble *trouble)
{
    fact->error = error;
    trouble->message = arena_printf(arena, "Thin pool '%s' of storage pool '%s' cannot be used.", place, pool);
    trouble->cause = arena_strdup(arena, cause);
    trouble->correction = arena_strdup(arena, correction);
    return -1;
}

static int read_thin_pool(const char *pool, const char *place, const struct lvm_volume *found,
                          struct storage_pool_fact *fact, struct arena *arena, struct trouble *trouble)
{
    const char *complaint = fact_state_find(&fact->state, LVM_COMPLAINT);

    if (!found)
        return refuse_thin_pool(pool, place, "The volume group has no thin pool of this name.",
                                "Make it with lvcreate --type thin-pool, or give another name.", fact, ENODEV, arena,
                                trouble);
    if (found->health == 'F' || found->health == 'M')
        return refuse_thin_pool(pool, place,
                                found->health == 'F' ? "It has failed."
                                                     : "Its metadata can only be read; it is full or damaged.",
                                "Look into the kernel's log; repair it with lvconvert --repair, or extend its metadata "
                                "with lvextend --poolmetadatasize.",
                                fact, EIO, arena, trouble);
    if (!found->is_active || found->data_percent < 0)
        return refuse_thin_pool(pool, place,
                                complaint ? arena_printf(arena, "It could not be activated; lvm said: %s", complaint)
                                          : "It is not active.",
                                "Look into the kernel's log; it is activated by itself.", fact, ENXIO, arena, trouble);
    fact->total_kib = found->size_kib;
    fact->free_kib = (int64_t)((double)found->size_kib * (100 - found->data_percent) / 100);
    fact_state_set(&fact->state, LVM_ZEROES, found->zeroes ? "yes" : "no");
    fact_state_set(&fact->told, "StorDriver/internal/lvmthin/thinPoolGranularity",
                   arena_printf(arena, "%" PRId64, found->chunk_kib));
    fact_state_set(&fact->told, "StorDriver/internal/lvmthin/thinPoolMetadataPercent", found->metadata_percent);
    return 0;
}

/* Volumes of one pool. */
static int read_pool(const struct step *step, uint32_t at, const struct outcome *outcome,
                     const struct lvm_report *report, int64_t asked, struct facts *facts, struct arena *arena,
                     struct trouble *trouble)
{
    const char *pool = step->pools.at[at], *place = step->paths.at[at], *slash = strchr(place, '/');
    struct storage_pool_fact *fact = facts_edit_pool(facts, pool);
    const char *group = group_of(place, arena), *thin_name = slash ? slash + 1 : NULL;
    const struct lvm_volume *thin_pool = NULL;
    bool wants_volumes = strcmp(step->topic, LVM_THIN_POOLS) != 0;

    if (fact->error)
        return 0; /* told already */
    if (outcome->complaint && strstr(outcome->complaint, "Multiple VGs found")) {
        explain(step, outcome, arena, trouble); /* the answer about groups before it says which to leave alone */
        return -1;
    }
    for (uint32_t i = 0; i < report->volumes.count; i++) {
        const struct lvm_volume *volume = &report->volumes.at[i];

        if (thin_name && volume->is_thin_pool && strcmp(volume->group, group) == 0 &&
            strcmp(volume->name, thin_name) == 0)
            thin_pool = volume;
        if (wants_volumes && lies_in(volume, group, thin_name) && provider_names_volume(volume->name))
            read_volume(pool, volume, asked, facts, arena);
    }
    if (thin_name && strcmp(step->topic, LVM_NAMED) != 0 &&
        read_thin_pool(pool, place, thin_pool, fact, arena, trouble) < 0)
        return -1;
    if (!wants_volumes)
        return 0;
    if (outcome->exit_code != 0) {
        explain(step, outcome, arena, trouble);
        return -1;
    }
    read_absence(step, pool, asked, facts);
    fact->is_known = fact->is_known || step->names.count == 0;
    return 0;
}

static int read_volumes(const struct step *step, const struct outcome *outcome, const struct lvm_report *report,
                        int64_t asked, struct facts *facts, struct arena *arena, struct trouble *trouble)
{
    int result = 0;

    for (uint32_t i = 0; i < step->pools.count; i++)
        if (read_pool(step, i, outcome, report, asked, facts, arena, trouble) < 0)
            result = -1;
    return result;
}

static void read_selection(const struct step *step, const struct lvm_report *report, struct facts *facts)
{
    struct buf text = { 0 };

    for (uint32_t i = 0; i < report->devices.count; i++)
        buf_printf(&text, "%s%s", i > 0 ? "\n" : "", report->devices.at[i]);
    fact_state_set(&facts_edit_pool(facts, step->pool)->state, step->name, buf_text(&text));
    buf_done(&text);
}

static int read_answer(const struct step *step, const struct outcome *outcome, int64_t asked, struct facts *facts,
                       struct arena *arena, struct trouble *trouble)
{
    struct lvm_report report;
    char *why;

    if (lvm_report_parse(outcome->output ? outcome->output : "", &report, arena, &why) < 0) {
        set_errors(step, EPROTO, facts);
        return explain_output(step, outcome, why, arena, trouble);
    }
    if (strcmp(step->topic, LVM_GROUPS) == 0)
        return read_groups(step, outcome, &report, facts, arena, trouble);
    if (strcmp(step->topic, LVM_SELECTION) != 0)
        return read_volumes(step, outcome, &report, asked, facts, arena, trouble);
    read_selection(step, &report, facts);
    return 0;
}

static void forget_selections(struct storage_pool_fact *fact)
{
    for (uint32_t i = fact->state.map.count; i-- > 0;)
        if (text_starts_with(fact->state.map.at[i].key, LVM_SELECTION " ")) {
            fact_state_set(&fact->state, fact->state.map.at[i].key, NULL);
            i = fact->state.map.count;
        }
}

static void note_made(const struct step *step, struct storage_fact *fact, struct facts *facts)
{
    const struct storage_fact *origin = step->name ? facts_find_volume(facts, step->pool, step->name) : NULL;

    facts_set_text(&fact->backing, step->path);
    facts_set_text(&fact->device, NULL);
    facts_set_text(&fact->origin, step->name);
    fact->size_kib = origin ? origin->size_kib : step->size_kib;
    fact->allocated_kib = strcmp(step->topic, LVM_CREATE_NEW) == 0 ? fact->size_kib : 0;
    fact->device_kib = 0;
    fact->is_active = strcmp(step->topic, LVM_TAKE) != 0 && strcmp(step->topic, LVM_TAKE_HELD) != 0;
    fact->is_void = strcmp(step->topic, LVM_TAKE_HELD) == 0;
    fact->is_new = strcmp(step->topic, LVM_CREATE_NEW) == 0;
    facts_set_text(&fact->owner, step->text);
    fact->is_uncertain = fact->has_vanished = false;
    forget_selections(facts_edit_pool(facts, step->pool));
}

static int read_change(const struct step *step, const struct outcome *outcome, struct facts *facts, struct arena *arena,
                       struct trouble *trouble)
{
    struct storage_fact *fact = facts_edit_volume(facts, step->pool, step->identifier);

    if (strcmp(step->topic, LVM_CREATE) == 0 || strcmp(step->topic, LVM_CREATE_NEW) == 0 ||
        strcmp(step->topic, LVM_RESTORE) == 0 || strcmp(step->topic, LVM_TAKE) == 0 ||
        strcmp(step->topic, LVM_TAKE_HELD) == 0)
        note_made(step, fact, facts);
    else if (strcmp(step->topic, LVM_GROW) == 0)
        fact->size_kib = step->size_kib;
    else if (strcmp(step->topic, LVM_ACTIVATE) == 0)
        fact->is_active = true;
    else if (strcmp(step->topic, LVM_WAIT) == 0)
        return provider_read_wait(outcome, "lvm", fact, arena, trouble);
    else if (strcmp(step->topic, LVM_WIPED) == 0)
        fact->is_new = false;
    else if (strcmp(step->topic, LVM_ZERO) == 0)
        fact_state_set(&facts_edit_pool(facts, step->pool)->state, LVM_ZEROES, "yes");
    else if (strcmp(step->topic, LVM_REMOVE) == 0)
        facts_note_removed(fact);
    return 0;
}

static int read_confirmation(const struct step *step, struct facts *facts)
{
    for (uint32_t i = 0; i < step->names.count; i++)
        facts_edit_volume(facts, step->pool, step->names.at[i])->is_void = false;
    return 0;
}

/* The questions after it find out what the pool lacks; if it is there, and not active, this is why. */
static void note_complaint(const struct step *step, const struct outcome *outcome, struct facts *facts)
{
    struct arena arena = { 0 };
    const char *said = first_line(outcome->complaint, &arena);

    fact_state_set(&facts_edit_pool(facts, step->pool)->state, LVM_COMPLAINT, outcome->exit_code != 0 ? said : NULL);
    arena_done(&arena);
}

int lvm_read_outcome(const struct step *step, const struct outcome *outcome, int64_t asked, struct facts *facts,
                     struct arena *arena, struct trouble *trouble)
{
    if (outcome->result == OUTCOME_SKIPPED)
        return 0;
    if (outcome->result == OUTCOME_DONE && strcmp(step->topic, LVM_PREPARE) == 0) {
        note_complaint(step, outcome, facts);
        return 0;
    }
    if (outcome->result == OUTCOME_DONE) {
        if (step->pools.count > 0 || strcmp(step->topic, LVM_SELECTION) == 0)
            return read_answer(step, outcome, asked, facts, arena, trouble);
        if (strcmp(step->topic, LVM_CONFIRM) == 0)
            return read_confirmation(step, facts);
        return step->identifier ? read_change(step, outcome, facts, arena, trouble) : 0;
    }
    set_errors(step, outcome->error ? outcome->error : EIO, facts);
    if (step->identifier)
        facts_edit_volume(facts, step->pool, step->identifier)->is_uncertain = true;
    for (uint32_t i = 0; strcmp(step->topic, LVM_CONFIRM) == 0 && i < step->names.count; i++)
        facts_edit_volume(facts, step->pool, step->names.at[i])->is_uncertain = true;
    explain(step, outcome, arena, trouble);
    if ((strcmp(step->topic, LVM_CREATE_NEW) == 0 || strcmp(step->topic, LVM_GROW) == 0) && outcome->complaint &&
        strstr(outcome->complaint, "nsufficient free space"))
        trouble->message =
            arena_printf(arena, "Storage pool '%s' has no room for %" PRId64 " KiB.", step->pool, step->size_kib);
    return -1;
}
