/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What zfs and zpool print, as facts. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "drivers/explain.h"
#include "drivers/zfs.h"

const char zfs_reader[] = "ZFS";
/* clones is not the last one: old versions print nothing for it, and a line must have all its cells. */
const char zfs_columns[] =
    "name,type,used,available,referenced,volsize,volblocksize,quota,refreservation,origin,clones,"
    "defer_destroy," ZFS_OWNER "," ZFS_MARK "," ZFS_VOID;

enum {
    NAME,
    TYPE,
    USED,
    AVAILABLE,
    REFERENCED,
    SIZE,
    BLOCK,
    QUOTA,
    RESERVED,
    ORIGIN,
    CLONES,
    DEFER,
    OWNER,
    MARK,
    VOID,
    CELLS
};

static int64_t kib_of(const char *cell)
{
    int64_t bytes;

    return text_parse_i64(cell, 0, INT64_MAX, &bytes) ? bytes / 1024 : 0;
}

static const char *word_of(const char *cell)
{
    return cell[0] && strcmp(cell, "-") != 0 ? cell : NULL;
}

static int32_t count_words(const char *cell)
{
    int32_t count = word_of(cell) ? 1 : 0;

    for (; count > 0 && *cell; cell++)
        count += *cell == ',';
    return count;
}

static bool split(char *line, char *cells[CELLS])
{
    for (int i = 0; i < CELLS; i++) {
        cells[i] = line;
        line = strchr(line, '\t');
        if (!line)
            return i == CELLS - 1;
        *line++ = '\0';
    }
    return false;
}

int zfs_list_parse(const char *text, struct zfs_list *list, struct arena *arena, char **why)
{
    for (const char *at = text, *end; *at; at = *end ? end + 1 : end) {
        char *cells[CELLS], *line;
        struct zfs_row *row;

        end = at + strcspn(at, "\n");
        line = arena_strndup(arena, at, (size_t)(end - at));
        if (!split(line, cells) || !cells[NAME][0]) {
            *why = arena_printf(arena, "A line has not the %d cells that were asked for: %.*s", CELLS,
                                (int)(end - at > 200 ? 200 : end - at), at);
            return -1;
        }
        row = LIST_ADD(&list->rows, arena);
        *row = (struct zfs_row){
            .name = cells[NAME],
            .origin = word_of(cells[ORIGIN]),
            .owner = word_of(cells[OWNER]),
            .is_volume = strcmp(cells[TYPE], "volume") == 0,
            .is_snapshot = strcmp(cells[TYPE], "snapshot") == 0,
            .is_deferred = strcmp(cells[DEFER], "on") == 0,
            .is_marked = strcmp(cells[MARK], "true") == 0,
            .is_void = strcmp(cells[VOID], "true") == 0,
            .used_kib = kib_of(cells[USED]),
            .available_kib = kib_of(cells[AVAILABLE]),
            .referenced_kib = kib_of(cells[REFERENCED]),
            .size_kib = kib_of(cells[SIZE]),
            .quota_kib = kib_of(cells[QUOTA]),
            .reserved_kib = kib_of(cells[RESERVED]),
            .block_kib = kib_of(cells[BLOCK]),
            .clones = count_words(cells[CLONES]),
        };
    }
    return 0;
}

static char *first_line(const char *text, struct arena *arena)
{
    return text && text[0] ? arena_strndup(arena, text, strcspn(text, "\n")) : arena_strdup(arena, "nothing.");
}

/* What is there but cannot be used: no plan is made for its volumes, and each device is looked for when it is back. */
static void lose_pool(const char *pool, int error, struct facts *facts)
{
    facts_edit_pool(facts, pool)->error = error;
    for (struct storage_fact *fact = facts_first_volume(facts, pool); fact; fact = facts_next_volume(fact)) {
        facts_set_text(&fact->device, NULL);
        fact->device_kib = 0;
    }
}

static const char *zpool_of(const char *dataset, struct arena *arena)
{
    return arena_strndup(arena, dataset, strcspn(dataset, "/"));
}

/* "tank\tONLINE\n..."; NULL: it is not there. */
static const char *find_state(const char *text, const char *zpool, struct arena *arena)
{
    size_t length = strlen(zpool);

    for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n')
        if (strncmp(at, zpool, length) == 0 && at[length] == '\t')
            return arena_strndup(arena, at + length + 1, strcspn(at + length + 1, "\t\n"));
    return NULL;
}

static bool is_usable(const char *state)
{
    return strcmp(state, "ONLINE") == 0 || strcmp(state, "DEGRADED") == 0;
}

static int read_states(const struct step *step, const struct outcome *outcome, struct facts *facts, struct arena *arena,
                       struct trouble *trouble)
{
    int result = 0;

    for (uint32_t i = 0; i < step->pools.count; i++) {
        const char *zpool = zpool_of(step->paths.at[i], arena);
        const char *state = find_state(outcome->output ? outcome->output : "", zpool, arena);

        facts_edit_pool(facts, step->pools.at[i])->error = 0;
        if (state && is_usable(state))
            continue;
        lose_pool(step->pools.at[i], state ? EIO : ENODEV, facts);
        result = -1;
        trouble->message = arena_printf(arena, "Storage pool '%s' cannot be used.", step->pools.at[i]);
        if (state) {
            trouble->cause = arena_printf(arena, "zpool '%s' is %s.", zpool, state);
            trouble->correction = arena_printf(
                arena, "Look at 'zpool status %s'; when its disks answer again, 'zpool clear %s'.", zpool, zpool);
        } else {
            trouble->cause = arena_printf(arena, "zpool '%s' is not imported.", zpool);
            trouble->correction =
                arena_printf(arena, "Import it ('zpool import %s'); it is used again by itself then.", zpool);
        }
    }
    return result;
}

char *zfs_base_of_deleted(const char *name, struct arena *arena)
{
    const char *end;

    if (!text_starts_with(name, ZFS_DELETED))
        return NULL;
    name += strlen(ZFS_DELETED);
    end = strrchr(name, '_');
    return end && end > name ? arena_strndup(arena, name, (size_t)(end - name)) : NULL;
}

/* The part of a name below the dataset; NULL: it lies elsewhere, or deeper. */
static const char *name_in(const char *dataset, const char *name)
{
    size_t length = strlen(dataset);

    if (strncmp(name, dataset, length) != 0 || name[length] != '/' || strchr(name + length + 1, '/'))
        return NULL;
    return name + length + 1;
}

/* The word goes before the number: "_deleted_db_00000_<word>" -> "_deleted_db_<word>_00000" */
static char *identifier_of_zvol(const char *name, struct arena *arena)
{
    char *base = zfs_base_of_deleted(name, arena), *number = base ? strrchr(base, '_') : NULL;

    if (!number || strspn(number + 1, "0123456789") != strlen(number + 1))
        return arena_strdup(arena, name);
    return arena_printf(arena, ZFS_DELETED "%.*s%s%s", (int)(number - base), base,
                        name + strlen(ZFS_DELETED) + strlen(base), number);
}

char *zfs_identifier_of(const char *name, struct arena *arena)
{
    const char *at = strchr(name, '@');
    char *volume, *base;

    if (!at)
        return identifier_of_zvol(name, arena);
    volume = arena_strndup(arena, name, (size_t)(at - name));
    base = zfs_base_of_deleted(volume, arena);
    return provider_snapshot_name(base ? base : volume, at + 1, arena);
}

static bool is_deleted(const char *name)
{
    const char *at = strchr(name, '@');

    return text_starts_with(at ? at + 1 : name, ZFS_DELETED);
}

/* zvol: the row of the zvol, if the row is one of a snapshot. It shows the properties of its zvol as its own, so that
 * the mark on a marked one says nothing. */
static bool is_doomed(const struct zfs_row *row, const struct zfs_row *zvol, const char *name)
{
    return is_deleted(name) || row->is_deferred || (row->is_marked && !(zvol && zvol->is_marked));
}

static bool is_void(const struct zfs_row *row, const struct zfs_row *zvol)
{
    return row->is_snapshot && row->is_void && !(zvol && zvol->is_void);
}

static bool is_snapshot_of(const struct zfs_row *row, const struct zfs_row *zvol)
{
    size_t length = strlen(zvol->name);

    return row->is_snapshot && strncmp(row->name, zvol->name, length) == 0 && row->name[length] == '@';
}

struct reading {
    const char *pool, *dataset;
    const struct zfs_list *list;
    int64_t asked;
    struct facts *facts;
    struct arena *arena;
};

static void read_row(const struct reading *reading, uint32_t at, const struct zfs_row *zvol, const char *name)
{
    const struct zfs_row *row = &reading->list->rows.at[at];
    char *identifier = zfs_identifier_of(name, reading->arena);
    const struct storage_fact *known = facts_find_volume(reading->facts, reading->pool, identifier);
    const char *origin = row->origin ? name_in(reading->dataset, row->origin) : NULL;
    struct storage_fact *fact;

    if (known && known->stamp > reading->asked)
        return;
    fact = facts_edit_volume(reading->facts, reading->pool, identifier);
    facts_set_text(&fact->backing, row->name);
    facts_set_text(&fact->owner, row->owner);
    facts_set_text(&fact->origin, origin ? zfs_identifier_of(origin, reading->arena) : NULL);
    if (row->is_snapshot)
        facts_set_text(&fact->origin,
                       zfs_identifier_of(arena_strndup(reading->arena, name, strcspn(name, "@")), reading->arena));
    fact->size_kib = row->size_kib;
    fact->allocated_kib = row->reserved_kib >= row->size_kib ? row->size_kib : row->referenced_kib;
    fact->granularity_kib = row->block_kib;
    fact->is_snapshot = row->is_snapshot;
    fact->is_doomed = is_doomed(row, row->is_snapshot ? zvol : NULL, name);
    fact->is_void = is_void(row, zvol);
    fact->is_uncertain = fact->has_vanished = false;
    fact->dependents = row->clones;
    for (at++; row->is_volume && at < reading->list->rows.count; at++) {
        if (!is_snapshot_of(&reading->list->rows.at[at], row))
            break;
        fact->dependents++;
    }
}

/* Snapshots stand behind their zvol. Those of deleted zvols have their turn last, and yield to living ones. */
static void read_rows(const struct reading *reading, bool of_deleted)
{
    const struct zfs_row *zvol = NULL;

    for (uint32_t i = 0; i < reading->list->rows.count; i++) {
        const struct zfs_row *row = &reading->list->rows.at[i];
        const char *name = name_in(reading->dataset, row->name);

        if (row->is_volume)
            zvol = row;
        if (!name || !zvol || text_starts_with(name, ZFS_DELETED) != of_deleted ||
            !(row->is_volume || is_snapshot_of(row, zvol)))
            continue;
        if (provider_names_volume(arena_strndup(reading->arena, name, strcspn(name, "@"))))
            read_row(reading, i, zvol, name);
    }
}

static void read_missing(struct storage_fact *fact, struct facts *facts)
{
    /* What stays only for others goes without notice, when the kernel removes it. */
    if (fact->is_doomed)
        facts_remove_volume(facts, fact->pool, fact->identifier);
    else
        facts_note_missing(facts, fact);
}

/* Facts that were read or changed since the question have a newer stamp: whatever has an older one was not found. */
static void read_absence(const struct reading *reading)
{
    for (struct storage_fact *fact = facts_first_volume(reading->facts, reading->pool), *next; fact; fact = next) {
        next = facts_next_volume(fact);
        if (fact->stamp <= reading->asked)
            read_missing(fact, reading->facts);
    }
}

static const struct zfs_row *find_row(const struct zfs_list *list, const char *name)
{
    for (uint32_t i = 0; i < list->rows.count; i++)
        if (strcmp(list->rows.at[i].name, name) == 0)
            return &list->rows.at[i];
    return NULL;
}

/* Whether all that went wrong is that some data sets are not there. */
static bool is_whole(const struct outcome *outcome)
{
    const char *text = outcome->complaint ? outcome->complaint : "";
    bool says_something = text[0];

    if (outcome->truncated)
        return false;
    if (outcome->exit_code == 0)
        return true;
    for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n') {
        const char *absent = strstr(at, "dataset does not exist");

        if (!absent || absent > at + strcspn(at, "\n"))
            return false;
    }
    return says_something;
}

static int read_pool(const struct reading *reading, struct trouble *trouble)
{
    struct storage_pool_fact *fact = facts_edit_pool(reading->facts, reading->pool);
    const struct zfs_row *row = find_row(reading->list, reading->dataset);

    if (fact->error)
        return 0; /* told already */
    if (!row || row->is_volume || row->is_snapshot) {
        lose_pool(reading->pool, ENOENT, reading->facts);
        trouble->message = arena_printf(reading->arena, "Storage pool '%s' cannot be used.", reading->pool);
        trouble->cause = arena_printf(reading->arena, "There is no data set '%s'.", reading->dataset);
        trouble->correction = arena_printf(
            reading->arena, "Create it ('zfs create %s'), or give the pool another name.", reading->dataset);
        return -1;
    }
    fact->free_kib = row->available_kib;
    fact->total_kib = row->quota_kib > 0 ? row->quota_kib : row->used_kib + row->available_kib;
    fact->can_snapshot = true;
    facts_set_text(&fact->identity, arena_printf(reading->arena, "zfs %s", reading->dataset));
    read_rows(reading, false);
    read_rows(reading, true);
    read_absence(reading);
    fact->is_known = true;
    return 0;
}

static void set_errors(const struct step *step, int error, struct facts *facts)
{
    for (uint32_t i = 0; i < step->pools.count; i++)
        facts_edit_pool(facts, step->pools.at[i])->error = error;
}

static int explain_answer(const struct step *step, const struct outcome *outcome, const char *cause,
                          struct facts *facts, struct arena *arena, struct trouble *trouble)
{
    set_errors(step, EPROTO, facts);
    explain_outcome(step, outcome, arena, trouble);
    trouble->cause = arena_strdup(arena, cause);
    return -1;
}

static int read_list(const struct step *step, const struct outcome *outcome, int64_t asked, struct facts *facts,
                     struct arena *arena, struct trouble *trouble)
{
    struct zfs_list list = { 0 };
    int result = 0;
    char *why;

    if (!is_whole(outcome))
        return explain_answer(step, outcome,
                              outcome->truncated
                                  ? "The answer is too long."
                                  : arena_printf(arena, "zfs said: %s", first_line(outcome->complaint, arena)),
                              facts, arena, trouble);
    if (zfs_list_parse(outcome->output ? outcome->output : "", &list, arena, &why) < 0)
        return explain_answer(step, outcome, why, facts, arena, trouble);
    for (uint32_t i = 0; i < step->pools.count; i++) {
        struct reading reading = { step->pools.at[i], step->paths.at[i], &list, asked, facts, arena };

        if (read_pool(&reading, trouble) < 0)
            result = -1;
    }
    return result;
}

/* "property\tvolsize\t16384": what zfs would make of one KiB. Versions that cannot tell have blocks of 8 KiB. */
static void read_blocks(const struct step *step, const struct outcome *outcome, struct facts *facts)
{
    static const char key[] = "\tvolsize\t";
    const char *at = outcome->output ? strstr(outcome->output, key) : NULL;
    char digits[24] = "";
    int64_t bytes;

    if (at)
        strncat(digits, at + strlen(key),
                strspn(at + strlen(key), "0123456789") < sizeof(digits) ? strspn(at + strlen(key), "0123456789") : 0);
    if (!text_parse_i64(digits, 1024, INT64_C(1) << 30, &bytes))
        bytes = 8192;
    facts_edit_pool(facts, step->pool)->granularity_kib = bytes / 1024;
}

/* Changes. */

static struct storage_fact *edit_origin(const struct storage_fact *fact, struct facts *facts)
{
    if (!fact->origin || !facts_find_volume(facts, fact->pool, fact->origin))
        return NULL;
    return facts_edit_volume(facts, fact->pool, fact->origin);
}

static void depend(const struct storage_fact *fact, struct facts *facts, int32_t change)
{
    struct storage_fact *origin = edit_origin(fact, facts);

    if (origin && origin->dependents + change >= 0)
        origin->dependents += change;
}

static void note_removed(struct storage_fact *fact, struct facts *facts)
{
    depend(fact, facts, -1);
    facts_note_removed(fact);
}

static void note_made(const struct step *step, struct storage_fact *fact, struct facts *facts)
{
    const struct storage_fact *origin = step->name ? facts_find_volume(facts, step->pool, step->name) : NULL;

    facts_set_text(&fact->backing, step->path);
    facts_set_text(&fact->device, NULL);
    facts_set_text(&fact->owner, step->text);
    facts_set_text(&fact->origin, step->name);
    fact->size_kib = origin ? origin->size_kib : step->size_kib;
    fact->granularity_kib = origin ? origin->granularity_kib : 0;
    fact->device_kib = fact->allocated_kib = 0;
    fact->is_void = strcmp(step->topic, ZFS_HELD) == 0;
    fact->is_snapshot = fact->is_void || strcmp(step->topic, ZFS_SNAPSHOT) == 0;
    fact->dependents = 0;
    fact->is_uncertain = fact->has_vanished = fact->is_doomed = false;
    depend(fact, facts, 1);
}

/* Whatever depends on it knows it by its name. */
static void note_renamed(const struct step *step, struct storage_fact *fact, struct facts *facts, struct arena *arena)
{
    struct storage_fact *renamed = facts_edit_volume(facts, step->pool, step->name);

    facts_set_text(&renamed->backing, step->path);
    facts_set_text(&renamed->owner, fact->owner);
    facts_set_text(&renamed->origin, fact->origin);
    renamed->size_kib = fact->size_kib;
    renamed->allocated_kib = fact->allocated_kib;
    renamed->granularity_kib = fact->granularity_kib;
    renamed->dependents = fact->dependents;
    renamed->is_snapshot = fact->is_snapshot;
    renamed->is_doomed = true;
    renamed->is_uncertain = renamed->has_vanished = false;
    for (struct storage_fact *other = facts_first_volume(facts, step->pool); other; other = facts_next_volume(other)) {
        const char *at = other->backing ? strchr(other->backing, '@') : NULL;

        if (!other->origin || strcmp(other->origin, step->identifier) != 0)
            continue;
        facts_set_text(&other->origin, step->name);
        if (other->is_snapshot && at)
            facts_set_text(&other->backing, arena_printf(arena, "%s%s", step->path, at));
        other->stamp = ++facts->stamp;
    }
    facts_set_text(&fact->origin, NULL); /* what it depended on has as many dependents as before */
    note_removed(fact, facts);
}

static int read_growth(const struct step *step, const struct outcome *outcome, struct storage_fact *fact,
                       struct arena *arena, struct trouble *trouble)
{
    fact->size_kib = step->size_kib;
    return provider_read_wait(outcome, "zfs", fact, arena, trouble);
}

/* "tank/db_00000@monday" is of the zvol db_00000. */
static void note_taken(const struct step *step, struct facts *facts, struct arena *arena)
{
    for (uint32_t i = 0; i < step->names.count; i++) {
        const char *path = step->paths.at[i], *at = strrchr(path, '/') + 1;
        struct step one = *step;

        one.path = step->paths.at[i];
        one.name = arena_strndup(arena, at, strcspn(at, "@"));
        note_made(&one, facts_edit_volume(facts, step->pool, step->names.at[i]), facts);
    }
}

static int read_change(const struct step *step, const struct outcome *outcome, struct facts *facts, struct arena *arena,
                       struct trouble *trouble)
{
    struct storage_fact *fact = facts_edit_volume(facts, step->pool, step->identifier);

    if (strcmp(step->topic, ZFS_CREATE) == 0 || strcmp(step->topic, ZFS_CLONE) == 0)
        note_made(step, fact, facts);
    else if (strcmp(step->topic, ZFS_GROW) == 0)
        return read_growth(step, outcome, fact, arena, trouble);
    else if (strcmp(step->topic, ZFS_RESERVE) == 0)
        fact->allocated_kib = fact->size_kib;
    else if (strcmp(step->topic, ZFS_WAIT) == 0)
        return provider_read_wait(outcome, "zfs", fact, arena, trouble);
    else if (strcmp(step->topic, ZFS_RENAME) == 0)
        note_renamed(step, fact, facts, arena);
    else if (strcmp(step->topic, ZFS_DESTROY) == 0)
        note_removed(fact, facts);
    else if (strcmp(step->topic, ZFS_DEFER) == 0 || strcmp(step->topic, ZFS_MARKED) == 0)
        fact->is_doomed = true;
    return 0;
}

static void note_confirmed(const struct step *step, struct facts *facts)
{
    for (uint32_t i = 0; i < step->names.count; i++)
        facts_edit_volume(facts, step->pool, step->names.at[i])->is_void = false;
}

/* What zfs says about the commonest failures, for a person. */
static const struct {
    const char *said, *cause, *correction;
} sayings[] = {
    { "out of space", "The pool has no room for it.", "Free or add space in the zpool; it is retried by itself." },
    { "is busy", "The device is mounted or otherwise in use.",
      "Unmount it, or end the programs that use it; it is retried by itself." },
    { "I/O is currently suspended", "The disks of the zpool do not answer.",
      "Look at 'zpool status'; when they answer again, 'zpool clear'." },
};

static void explain(const struct step *step, const struct outcome *outcome, struct arena *arena,
                    struct trouble *trouble)
{
    const char *said = outcome->complaint ? outcome->complaint : "";

    explain_outcome(step, outcome, arena, trouble);
    if (outcome->result != OUTCOME_FAILED || outcome->exit_code == 0)
        return;
    trouble->cause = arena_printf(arena, "%s said: %s", step->argv.at[0], first_line(said, arena));
    trouble->correction = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(sayings); i++)
        if (strstr(said, sayings[i].said)) {
            trouble->cause = arena_strdup(arena, sayings[i].cause);
            trouble->correction = arena_strdup(arena, sayings[i].correction);
        }
    if (strstr(said, "out of space") && step->size_kib > 0)
        trouble->message =
            arena_printf(arena, "Storage pool '%s' has no room for %" PRId64 " KiB.", step->pool, step->size_kib);
}

int zfs_read_outcome(const struct step *step, const struct outcome *outcome, int64_t asked, struct facts *facts,
                     struct arena *arena, struct trouble *trouble)
{
    if (outcome->result == OUTCOME_SKIPPED)
        return 0;
    if (outcome->result == OUTCOME_DONE) {
        if (strcmp(step->topic, ZFS_STATES) == 0)
            return read_states(step, outcome, facts, arena, trouble);
        if (strcmp(step->topic, ZFS_LIST) == 0)
            return read_list(step, outcome, asked, facts, arena, trouble);
        if (strcmp(step->topic, ZFS_BLOCKS) == 0)
            read_blocks(step, outcome, facts);
        if (strcmp(step->topic, ZFS_CONFIRM) == 0)
            note_confirmed(step, facts);
        if (strcmp(step->topic, ZFS_SNAPSHOT) == 0 || strcmp(step->topic, ZFS_HELD) == 0)
            note_taken(step, facts, arena);
        return step->identifier ? read_change(step, outcome, facts, arena, trouble) : 0;
    }
    set_errors(step, outcome->error ? outcome->error : EIO, facts);
    if (step->identifier)
        facts_edit_volume(facts, step->pool, step->identifier)->is_uncertain = true;
    for (uint32_t i = 0; i < step->names.count; i++)
        facts_edit_volume(facts, step->pool, step->names.at[i])->is_uncertain = true;
    explain(step, outcome, arena, trouble);
    return -1;
}
