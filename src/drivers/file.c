/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * FILE and FILE_THIN: a volume is a file <pool directory>/<identifier>.img shown by a loop device. They differ in one
 * step: how the file gets its size. LINSTOR: names and sizes are the reference's.
 *
 * A file that was just made reads as zeroes, and the blocks of one that is removed go back to the file system, which
 * shows them to nobody: neither is wiped. That a file was made for the volume is known by its mark (drivers/owner.h).
 *
 * Volumes are never shrunk.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "drivers/explain.h"
#include "drivers/provider.h"
#include "model/layer.h"

static const char reader[] = "FILE";
static const char suffix[] = ".img";

/* NULL when it is not configured. The older key is what databases of early versions contain. */
static const char *directory_of(const struct pool_want *pool)
{
    const char *directory = text_map_find(&pool->props, PROVIDER_POOL_PROPERTY);

    return directory ? directory : text_map_find(&pool->props, "StorDriver/FileDir");
}

static char *path_of(const struct provider_volume *volume, struct arena *arena)
{
    const char *directory = directory_of(volume->pool);
    const char *slash = text_ends_with(directory, "/") ? "" : "/";

    return arena_printf(arena, "%s%s%s%s", directory, slash, volume->identifier, suffix);
}

static bool has_dots(const char *path)
{
    return strstr(path, "/../") || text_ends_with(path, "/..");
}

static int check(const struct pool_want *pool, struct arena *arena, struct trouble *trouble)
{
    const char *directory = directory_of(pool);

    if (directory && directory[0] == '/' && !has_dots(directory))
        return 0;
    trouble->message = arena_printf(arena, "Storage pool '%s' cannot be used.", pool->pool);
    trouble->cause = directory
                         ? arena_printf(arena, "'%s' is not an absolute path of a directory.", directory)
                         : arena_strdup(arena, "The property " PROVIDER_POOL_PROPERTY " does not name a directory.");
    trouble->correction =
        arena_strdup(arena, "Set " PROVIDER_POOL_PROPERTY " to an absolute path that starts with '/'.");
    return -1;
}

static void prepare(const struct pool_want *pool, struct plan *plan)
{
    const char *directory = directory_of(pool);
    struct step *step =
        plan_add(plan, STEP_CHECK_DIRECTORY, "check directory %s of storage pool '%s'", directory, pool->pool);

    step->reader = arena_strdup(&plan->arena, reader);
    step->pool = arena_strdup(&plan->arena, pool->pool);
    step->path = arena_strdup(&plan->arena, directory);
}

/* All pools of one plan share one step, so that the loop devices are listed once. */
static struct step *asking_step(struct plan *plan, enum step_kind kind, bool about_all)
{
    struct step *step;

    for (uint32_t i = 0; i < plan->steps.count; i++) {
        step = &plan->steps.at[i];
        if (step->kind == kind && about_all == (step->names.count == 0))
            return step;
    }
    step = plan_add(plan, kind, "%s",
                    kind == STEP_ASK_SPACE ? "look how much room storage pools have"
                                           : "look at the files of storage pools and their loop devices");
    step->reader = arena_strdup(&plan->arena, reader);
    return step;
}

static void ask(const struct pool_want *pool, const struct text_list *identifiers, struct plan *plan)
{
    bool only_space = identifiers && identifiers->count == 0;
    struct step *step = asking_step(plan, only_space ? STEP_ASK_SPACE : STEP_ASK_FILES, only_space || !identifiers);

    text_list_add(&step->pools, pool->pool, &plan->arena);
    text_list_add(&step->paths, directory_of(pool), &plan->arena);
    for (uint32_t i = 0; identifiers && i < identifiers->count; i++)
        *LIST_ADD(&step->names, &plan->arena) = arena_printf(&plan->arena, "%s%s", identifiers->at[i], suffix);
}

/* "db_00000.img" -> "db_00000"; NULL when it is not named as ours are. */
static char *identifier_of(const char *name, struct arena *arena)
{
    const char *underscore = strrchr(name, '_');
    size_t digits;

    if (!underscore || underscore == name || !text_ends_with(name, suffix))
        return NULL;
    digits = strspn(underscore + 1, "0123456789");
    if (digits < 5 || strcmp(underscore + 1 + digits, suffix) != 0)
        return NULL;
    return arena_strndup(arena, name, strlen(name) - strlen(suffix));
}

static void read_file(const char *pool, const char *directory, const struct found_file *file, int64_t asked,
                      struct facts *facts, struct arena *arena)
{
    char *identifier = identifier_of(file->name, arena);
    const struct storage_fact *known = identifier ? facts_find_volume(facts, pool, identifier) : NULL;
    struct storage_fact *fact;

    if (!identifier || (known && known->stamp > asked))
        return;
    fact = facts_edit_volume(facts, pool, identifier);
    facts_set_text(&fact->backing,
                   arena_printf(arena, "%s%s%s", directory, text_ends_with(directory, "/") ? "" : "/", file->name));
    facts_set_text(&fact->device, file->device);
    facts_set_text(&fact->owner, file->owner);
    fact->size_kib = file->size_kib;
    fact->device_kib = file->device_kib;
    fact->allocated_kib = file->allocated_kib;
    fact->is_uncertain = fact->has_vanished = false;
}

/*
 * What was asked about and not found. Facts that were read or changed since the question have a newer stamp, so
 * whatever has an older one was not found.
 */
static void read_absence(const struct step *step, const char *pool, int64_t asked, struct facts *facts,
                         struct arena *arena)
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
        char *identifier = identifier_of(step->names.at[i], arena);
        const struct storage_fact *fact = identifier ? facts_find_volume(facts, pool, identifier) : NULL;

        if (fact && fact->stamp <= asked)
            facts_note_missing(facts, facts_edit_volume(facts, pool, identifier));
    }
}

static int read_files(const struct step *step, const struct outcome *outcome, int64_t asked, struct facts *facts,
                      struct arena *arena, struct trouble *trouble)
{
    int result = 0;

    for (uint32_t i = 0; i < outcome->directories.count && i < step->pools.count; i++) {
        const struct found_directory *found = &outcome->directories.at[i];
        const char *pool = step->pools.at[i];
        struct storage_pool_fact *pool_fact = facts_edit_pool(facts, pool);

        pool_fact->error = found->error;
        if (found->error) {
            trouble->message =
                arena_printf(arena, "Directory %s of storage pool '%s' cannot be read.", found->path, pool);
            trouble->cause = arena_printf(arena, "The kernel said: %s.", strerror(found->error));
            result = -1;
            continue;
        }
        pool_fact->free_kib = found->free_kib;
        pool_fact->total_kib = found->total_kib;
        if (step->kind == STEP_ASK_SPACE)
            continue;
        for (uint32_t at = 0; at < found->files.count; at++)
            read_file(pool, found->path, &found->files.at[at], asked, facts, arena);
        read_absence(step, pool, asked, facts, arena);
        if (step->names.count == 0)
            pool_fact->is_known = true;
    }
    return result;
}

static void read_change(const struct step *step, const struct outcome *outcome, struct facts *facts)
{
    struct storage_fact *fact = facts_edit_volume(facts, step->pool, step->identifier);

    if (step->kind == STEP_FILE_ALLOCATE || step->kind == STEP_FILE_TRUNCATE) {
        facts_set_text(&fact->backing, step->path);
        facts_set_text(&fact->owner, outcome->owner);
        fact->size_kib = outcome->size_kib;
        fact->allocated_kib = outcome->allocated_kib;
        fact->has_vanished = false;
    } else if (step->kind == STEP_FILE_REMOVE) {
        facts_note_removed(fact);
    } else if (step->kind == STEP_LOOP_ATTACH) {
        facts_set_text(&fact->device, outcome->device);
        fact->device_kib = outcome->device_kib;
    } else if (step->kind == STEP_LOOP_RESIZE) {
        fact->device_kib = outcome->device_kib;
    } else if (step->kind == STEP_LOOP_DETACH) {
        facts_set_text(&fact->device, NULL);
        fact->device_kib = 0;
    }
}

static void explain(const struct step *step, const struct outcome *outcome, struct arena *arena,
                    struct trouble *trouble)
{
    explain_outcome(step, outcome, arena, trouble);
    if (step->kind == STEP_FILE_ALLOCATE && outcome->error == ENOSPC)
        trouble->message =
            arena_printf(arena, "Storage pool '%s' has no room for %" PRId64 " KiB.", step->pool, step->size_kib);
}

static int read_outcome(const struct step *step, const struct outcome *outcome, int64_t asked, struct facts *facts,
                        struct arena *arena, struct trouble *trouble)
{
    if (outcome->result == OUTCOME_SKIPPED)
        return 0;
    if (outcome->result == OUTCOME_DONE && (step->kind == STEP_ASK_FILES || step->kind == STEP_ASK_SPACE))
        return read_files(step, outcome, asked, facts, arena, trouble);
    if (outcome->result == OUTCOME_DONE) {
        if (step->kind == STEP_CHECK_DIRECTORY) {
            struct storage_pool_fact *pool = facts_edit_pool(facts, step->pool);

            pool->can_snapshot = outcome->can_share_blocks;
            facts_set_text(&pool->identity, outcome->identity);
        }
        if (step->identifier)
            read_change(step, outcome, facts);
        return 0;
    }
    if (step->identifier)
        facts_edit_volume(facts, step->pool, step->identifier)->is_uncertain = true;
    explain(step, outcome, arena, trouble);
    return -1;
}

static void set_target(struct step *step, const struct provider_volume *volume, const char *device, struct plan *plan)
{
    step->reader = arena_strdup(&plan->arena, reader);
    step->pool = arena_strdup(&plan->arena, volume->pool->pool);
    step->identifier = arena_strdup(&plan->arena, volume->identifier);
    step->path = path_of(volume, &plan->arena);
    step->device = arena_strdup_null(&plan->arena, device);
}

static void plan_size(const struct provider_volume *volume, bool exists, enum step_kind kind, struct plan *plan)
{
    const char *manner = kind == STEP_FILE_TRUNCATE ? "sparse" : "allocated";
    char *path = path_of(volume, &plan->arena);
    struct step *step;

    if (exists)
        step = plan_add(plan, kind, "grow %s file %s to %" PRId64 " KiB", manner, path, volume->size_kib);
    else
        step = plan_add(plan, kind, "create %s file %s of %" PRId64 " KiB", manner, path, volume->size_kib);
    set_target(step, volume, NULL, plan);
    step->text = arena_strdup_null(&plan->arena, volume->owner);
    step->size_kib = volume->size_kib;
}

static int raise_as(enum step_kind size_kind, const struct provider_volume *volume, const struct storage_fact *fact,
                    struct plan *plan, struct trouble *trouble)
{
    bool exists = fact && fact->backing;
    int64_t size_kib = exists && fact->size_kib > volume->size_kib ? fact->size_kib : volume->size_kib;

    if (!exists && (volume->must_exist || (fact && fact->has_vanished && !volume->must_be_new)))
        return provider_refuse_vanished("File", path_of(volume, &plan->arena),
                                        "If its file system is not mounted, mount it.", &plan->arena, trouble);
    if (!exists || fact->size_kib < volume->size_kib)
        plan_size(volume, exists, size_kind, plan);
    if (!exists || !fact->device) {
        char *path = path_of(volume, &plan->arena);

        set_target(plan_add(plan, STEP_LOOP_ATTACH, "attach file %s to a loop device", path), volume, NULL, plan);
    } else if (fact->device_kib < size_kib) {
        set_target(
            plan_add(plan, STEP_LOOP_RESIZE, "tell %s that its file has %" PRId64 " KiB", fact->device, size_kib),
            volume, fact->device, plan);
    }
    return 0;
}

static int raise_thick(const struct provider_volume *volume, const struct storage_fact *fact, struct plan *plan,
                       struct trouble *trouble)
{
    return raise_as(STEP_FILE_ALLOCATE, volume, fact, plan, trouble);
}

static int raise_thin(const struct provider_volume *volume, const struct storage_fact *fact, struct plan *plan,
                      struct trouble *trouble)
{
    return raise_as(STEP_FILE_TRUNCATE, volume, fact, plan, trouble);
}

static int lower(const struct provider_volume *volume, const struct storage_fact *fact, struct plan *plan,
                 struct trouble *trouble)
{
    char *path = path_of(volume, &plan->arena);

    (void)trouble;
    if (!fact || !fact->backing)
        return 0;
    if (fact->device)
        set_target(plan_add(plan, STEP_LOOP_DETACH, "detach file %s from %s", path, fact->device), volume, fact->device,
                   plan);
    set_target(plan_destructive(plan, volume->authority, STEP_FILE_REMOVE, "remove file %s", path), volume, NULL, plan);
    return 0;
}

const struct provider provider_file = {
    .name = "FILE",
    .can = PROVIDER_CAN_GROW | PROVIDER_MARKS_OWNER,
    .needs = "loop",
    .check = check,
    .prepare = prepare,
    .ask = ask,
    .read = read_outcome,
    .raise = raise_thick,
    .lower = lower,
};

const struct provider provider_file_thin = {
    .name = "FILE_THIN",
    .can = PROVIDER_CAN_GROW | PROVIDER_IS_THIN | PROVIDER_MARKS_OWNER,
    .needs = "loop",
    .check = check,
    .prepare = prepare,
    .ask = ask,
    .read = read_outcome,
    .raise = raise_thin,
    .lower = lower,
};
