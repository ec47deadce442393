/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ZFS and ZFS_THIN: a volume is a zvol <data set>/<identifier>, with its whole size reserved, or sparse. LINSTOR:
 * names, properties and what becomes of things that others depend on are the reference's.
 *
 * What was just made reads as zeroes, and what is destroyed leaves nothing that a new zvol could show, so nothing is
 * wiped but what is renamed: that makes sure that nobody has it mounted, as destroying does by itself.
 *
 * Dependencies. A snapshot cannot be without its zvol, a clone (a volume restored from a snapshot) not without its
 * snapshot. What is removed and has dependents stays, doomed, under another name: a zvol as _deleted_<name>_<owner>, a
 * snapshot as _deleted_<name>_<number>, which the kernel removes with its last clone (zfs destroy -d). Whoever removes
 * the last dependent removes what is doomed above it; when that was somebody else, the doomed zvol is an orphan.
 *
 * A snapshot shows the properties of its zvol where it has none of its own, and so, without a mark, the zvol's.
 *
 * Volumes are never shrunk.
 */
#include "drivers/zfs.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "drivers/words.h"

enum { WAIT_MS = 15000, CHAIN_LIMIT = 256, EXIT_FAILED = 1 };

static bool is_thin(const struct pool_want *pool)
{
    return text_equal_fold(pool->provider, "ZFS_THIN");
}

/* Steps about one volume or snapshot. */

struct target {
    const struct pool_want *pool;
    const char *identifier;
    const struct text_map *props;
    const struct facts *facts;
    const char *authority;
    char *path; /* "tank/db_00000" */
    struct plan *plan;
};

static char *path_in(const struct pool_want *pool, const char *name, struct plan *plan)
{
    return arena_printf(&plan->arena, "%s/%s", zfs_dataset_of(pool), name);
}

static struct target target_of_volume(const struct provider_volume *volume, struct plan *plan)
{
    return (struct target){ volume->pool,  volume->identifier, volume->props,
                            volume->facts, volume->authority,  path_in(volume->pool, volume->identifier, plan),
                            plan };
}

static struct step *aim(const struct target *target, struct step *step, const char *topic, const char *identifier)
{
    struct arena *arena = &target->plan->arena;

    step->reader = arena_strdup(arena, zfs_reader);
    step->topic = arena_strdup(arena, topic);
    step->pool = arena_strdup(arena, target->pool->pool);
    step->identifier = arena_strdup(arena, identifier);
    if (step->kind != STEP_EXEC && step->kind != STEP_ZVOL_GROW)
        return step;
    step->changes = true;
    step->turn = arena_printf(arena, "zfs %.*s", (int)strcspn(target->path, "/"), target->path);
    return step;
}

static char *device_of(const struct target *target)
{
    return arena_printf(&target->plan->arena, "/dev/zvol/%s", target->path);
}

static void plan_wait(const struct target *target)
{
    const char *limit = text_map_find(target->props, "StorDriver/WaitTimeoutAfterCreate");
    char *device = device_of(target);
    struct step *step = plan_add(target->plan, STEP_WAIT_DEVICE, "wait for device %s", device);

    aim(target, step, ZFS_WAIT, target->identifier)->device = device;
    if (!limit || !text_parse_i64(limit, 0, INT64_C(3600000), &step->patience_ms))
        step->patience_ms = WAIT_MS;
}

static const struct storage_fact *find(const struct target *target, const char *identifier)
{
    const struct storage_fact *fact =
        identifier ? facts_find_volume(target->facts, target->pool->pool, identifier) : NULL;

    return fact && fact->backing ? fact : NULL;
}

/* Whether the plan destroys it already. */
static bool is_leaving(const struct target *target, const struct storage_fact *fact)
{
    for (uint32_t i = 0; i < target->plan->steps.count; i++) {
        const struct step *step = &target->plan->steps.at[i];

        if (step->topic && strcmp(step->topic, ZFS_DESTROY) == 0 && strcmp(step->pool, target->pool->pool) == 0 &&
            strcmp(step->identifier, fact->identifier) == 0)
            return true;
    }
    return false;
}

/* Dependents of it that no step of the plan destroys. */
static int32_t count_staying(const struct target *target, const struct storage_fact *fact)
{
    int32_t count = fact->dependents;

    for (uint32_t i = 0; i < target->plan->steps.count; i++) {
        const struct step *step = &target->plan->steps.at[i];
        const struct storage_fact *leaving =
            step->topic && strcmp(step->topic, ZFS_DESTROY) == 0 && strcmp(step->pool, target->pool->pool) == 0
                ? find(target, step->identifier)
                : NULL;

        if (leaving && leaving->origin && strcmp(leaving->origin, fact->identifier) == 0)
            count--;
    }
    return count;
}

/* A snapshot may have been removed by the kernel a moment ago. */
static void plan_destroy(const struct target *target, const struct storage_fact *fact)
{
    struct step *step = plan_destructive(target->plan, target->authority, STEP_EXEC, "destroy %s %s",
                                         fact->is_snapshot ? "snapshot" : "volume", fact->backing);

    aim(target, step, ZFS_DESTROY, fact->identifier);
    PLAN_ADD_WORDS(target->plan, step, "zfs", "destroy");
    if (fact->is_snapshot)
        PLAN_ADD_WORDS(target->plan, step, "-d");
    PLAN_ADD_WORDS(target->plan, step, fact->backing);
    if (fact->is_snapshot && fact->is_doomed)
        step->accept |= 1 << EXIT_FAILED;
    step->patience = STEP_VERY_PATIENT;
}

/* What stayed only for what the steps before destroy. */
static void plan_destroy_chain(const struct target *target, const char *origin)
{
    for (int i = 0; i < CHAIN_LIMIT; i++) {
        const struct storage_fact *fact = find(target, origin);

        if (!fact || !fact->is_doomed || is_leaving(target, fact) || count_staying(target, fact) > 0)
            return;
        plan_destroy(target, fact);
        origin = fact->origin;
    }
}

static void plan_rename(const struct target *target, const struct storage_fact *fact, const char *name,
                        const char *identifier)
{
    struct arena *arena = &target->plan->arena;
    struct step *step = plan_add(target->plan, STEP_EXEC, "keep %s for its dependents as %s", fact->backing, name);

    aim(target, step, ZFS_RENAME, fact->identifier);
    step->path = arena_strdup(arena, name);
    step->name = arena_strdup(arena, identifier);
    PLAN_ADD_WORDS(target->plan, step, "zfs", "rename", fact->backing, name);
}

/* Options of users. */

static void add_options(const struct target *target, struct step *step, const struct text_list *options)
{
    for (uint32_t i = 0; i < options->count; i++)
        PLAN_ADD_WORDS(target->plan, step, options->at[i]);
}

static int64_t round_up(int64_t value, int64_t multiple)
{
    return multiple > 0 ? (value + multiple - 1) / multiple * multiple : value;
}

/* Raising. */

static char *owner_word(const char *owner, struct arena *arena)
{
    return arena_printf(arena, ZFS_OWNER "=%s", owner);
}

static int plan_create(const struct target *target, const struct provider_volume *volume, struct trouble *trouble)
{
    struct text_list options = { 0 };
    bool thin = is_thin(target->pool);
    struct step *step;

    if (words_split_property(target->props, "StorDriver/ZfscreateOptions", &options, &target->plan->arena, trouble) < 0)
        return -1;
    step = plan_add(target->plan, STEP_EXEC, "create %s %s of %" PRId64 " KiB", thin ? "sparse volume" : "volume",
                    target->path, volume->size_kib);
    aim(target, step, ZFS_CREATE, target->identifier);
    step->path = target->path;
    step->size_kib = volume->size_kib;
    step->text = arena_strdup_null(&target->plan->arena, volume->owner);
    PLAN_ADD_WORDS(target->plan, step, "zfs", "create");
    if (thin)
        PLAN_ADD_WORDS(target->plan, step, "-s");
    PLAN_ADD_WORDS(target->plan, step, "-V", arena_printf(&target->plan->arena, "%" PRId64 "K", volume->size_kib));
    if (volume->owner)
        PLAN_ADD_WORDS(target->plan, step, "-o", owner_word(volume->owner, &target->plan->arena));
    add_options(target, step, &options);
    PLAN_ADD_WORDS(target->plan, step, target->path);
    plan_wait(target);
    return 0;
}

/* A clone reserves nothing by itself. */
static void plan_reserve(const struct target *target, int64_t size_kib)
{
    struct step *step = plan_add(target->plan, STEP_EXEC, "reserve the room of volume %s", target->path);

    aim(target, step, ZFS_RESERVE, target->identifier)->size_kib = size_kib;
    PLAN_ADD_WORDS(target->plan, step, "zfs", "set", "refreservation=auto", target->path);
}

static int plan_clone(const struct target *target, const struct provider_volume *volume, struct trouble *trouble)
{
    const struct storage_fact *origin = find(target, volume->origin);
    struct arena *arena = &target->plan->arena;
    struct step *step;

    if (!origin || !origin->is_snapshot) {
        trouble->message =
            arena_printf(arena, "Volume %s cannot be made from snapshot '%s'.", target->path, volume->origin);
        trouble->cause = arena_printf(arena, "The snapshot is not there in storage pool '%s'.", target->pool->pool);
        return -1;
    }
    step = plan_add(target->plan, STEP_EXEC, "make volume %s from snapshot %s", target->path, origin->backing);
    aim(target, step, ZFS_CLONE, target->identifier);
    step->path = target->path;
    step->name = arena_strdup(arena, volume->origin);
    step->size_kib = volume->size_kib;
    step->text = arena_strdup_null(arena, volume->owner);
    PLAN_ADD_WORDS(target->plan, step, "zfs", "clone");
    if (volume->owner)
        PLAN_ADD_WORDS(target->plan, step, "-o", owner_word(volume->owner, arena));
    PLAN_ADD_WORDS(target->plan, step, origin->backing, target->path);
    if (!is_thin(target->pool))
        plan_reserve(target, origin->size_kib);
    plan_wait(target);
    return 0;
}

/* What is mounted on it is found by its device. */
static void plan_grow(const struct target *target, const struct storage_fact *fact, int64_t size_kib)
{
    struct step *step;

    if (!fact->device)
        plan_wait(target);
    step = plan_add(target->plan, STEP_ZVOL_GROW, "grow volume %s to %" PRId64 " KiB", target->path, size_kib);
    aim(target, step, ZFS_GROW, target->identifier)->size_kib = size_kib;
    step->device = device_of(target);
    PLAN_ADD_WORDS(target->plan, step, "zfs", "set",
                   arena_printf(&target->plan->arena, "volsize=%" PRId64 "K", size_kib), target->path);
}

static int raise(const struct provider_volume *volume, const struct storage_fact *fact, struct plan *plan,
                 struct trouble *trouble)
{
    struct target target = target_of_volume(volume, plan);
    bool exists = fact && fact->backing, grows;
    int64_t size_kib;

    if (!exists && (volume->must_exist || (fact && fact->has_vanished && !volume->must_be_new)))
        return provider_refuse_vanished("Volume", target.path, "If it was renamed, rename it back.", &plan->arena,
                                        trouble);
    if (!exists)
        return volume->origin ? plan_clone(&target, volume, trouble) : plan_create(&target, volume, trouble);
    if (fact->is_snapshot) {
        trouble->message = arena_printf(&plan->arena, "Volume %s cannot be made.", target.path);
        trouble->cause = arena_printf(&plan->arena, "The snapshot %s has the same name.", fact->backing);
        return -1;
    }
    size_kib = round_up(volume->size_kib, fact->granularity_kib);
    grows = fact->size_kib < size_kib;
    if (grows)
        plan_grow(&target, fact, size_kib);
    else
        size_kib = fact->size_kib;
    /* Made by somebody who died before it was whole. */
    if (volume->must_be_new && volume->origin && !is_thin(volume->pool) && fact->allocated_kib < size_kib)
        plan_reserve(&target, size_kib);
    if (!grows && (!fact->device || fact->device_kib < size_kib))
        plan_wait(&target);
    return 0;
}

/* Lowering. */

/* Its doomed snapshots that nothing depends on go first. */
static void plan_destroy_doomed(const struct target *target, const struct storage_fact *fact)
{
    if (fact->dependents == 0)
        return;
    for (const struct storage_fact *other = facts_first_volume(target->facts, target->pool->pool); other;
         other = facts_next_volume(other))
        if (other->backing && other->is_snapshot && other->is_doomed && other->origin &&
            strcmp(other->origin, fact->identifier) == 0 && !is_leaving(target, other) &&
            count_staying(target, other) == 0)
            plan_destroy(target, other);
}

/* The wipe makes sure that nobody has it mounted, so its device must be there. */
static void plan_keep(const struct target *target, const struct storage_fact *fact, const char *owner)
{
    struct arena *arena = &target->plan->arena;
    char *name = arena_printf(arena, ZFS_DELETED "%s_%s", fact->identifier, owner ? owner : "kept");
    struct step *step;

    if (!fact->device) {
        plan_wait(target);
        return;
    }
    for (int number = 2; find(target, zfs_identifier_of(name, arena)); number++)
        name = arena_printf(arena, ZFS_DELETED "%s_%s.%d", fact->identifier, owner ? owner : "kept", number);
    step = plan_destructive(target->plan, target->authority, STEP_WIPE, "wipe signatures and both ends of %s",
                            fact->device);
    aim(target, step, ZFS_WIPE, fact->identifier)->device = arena_strdup(arena, fact->device);
    step = plan_add(target->plan, STEP_EXEC, "mark volume %s as deleted%s", fact->backing,
                    is_thin(target->pool) ? "" : ", and give back the room that it reserves");
    aim(target, step, ZFS_MARKED, fact->identifier);
    PLAN_ADD_WORDS(target->plan, step, "zfs", "set", ZFS_MARK "=true");
    if (!is_thin(target->pool))
        PLAN_ADD_WORDS(target->plan, step, "refreservation=none");
    PLAN_ADD_WORDS(target->plan, step, fact->backing);
    plan_rename(target, fact, path_in(target->pool, name, target->plan), zfs_identifier_of(name, arena));
}

static int lower(const struct provider_volume *volume, const struct storage_fact *fact, struct plan *plan,
                 struct trouble *trouble)
{
    struct target target = target_of_volume(volume, plan);

    (void)trouble;
    if (!fact || !fact->backing || fact->is_snapshot)
        return 0;
    plan_destroy_doomed(&target, fact);
    if (count_staying(&target, fact) > 0 && fact->is_doomed && text_starts_with(fact->identifier, ZFS_DELETED))
        return 0; /* it was an orphan, and somebody has made a dependent: it is kept already */
    if (count_staying(&target, fact) > 0) {
        plan_keep(&target, fact, fact->owner ? fact->owner : volume->owner);
        return 0;
    }
    plan_destroy(&target, fact);
    plan_destroy_chain(&target, fact->origin);
    return 0;
}

/* Snapshots. */

static struct target target_of_snapshot(const struct provider_snapshot *snapshot, struct plan *plan)
{
    return (struct target){ snapshot->pool,
                            snapshot->identifier,
                            snapshot->props,
                            snapshot->facts,
                            snapshot->authority,
                            path_in(snapshot->pool, snapshot->volume, plan),
                            plan };
}

static const char *short_name(const struct provider_snapshot *snapshot)
{
    return snapshot->identifier + strlen(snapshot->volume) + 1;
}

/* With the first number that is free. Its zvol may bear another name by now. */
static void plan_rename_snapshot(const struct target *target, const struct provider_snapshot *snapshot,
                                 const struct storage_fact *fact)
{
    struct arena *arena = &target->plan->arena;
    char *name = NULL, *identifier = NULL;

    for (int number = 1; !name || find(target, identifier); number++) {
        name = arena_printf(arena, ZFS_DELETED "%s_%d", short_name(snapshot), number);
        identifier = provider_snapshot_name(snapshot->volume, name, arena);
    }
    plan_rename(target, fact, arena_printf(arena, "%.*s@%s", (int)strcspn(fact->backing, "@"), fact->backing, name),
                identifier);
}

static int refuse_snapshot(const struct target *target, const char *name, const char *cause, struct trouble *trouble)
{
    trouble->message = arena_printf(&target->plan->arena, "Snapshot %s@%s cannot be taken.", target->path, name);
    trouble->cause = arena_strdup(&target->plan->arena, cause);
    return -1;
}

/* Whether a command that takes snapshots would take a further one of this name in the same way. */
static bool takes_likewise(const struct step *step, const struct step *wanted, const char *name)
{
    const char *at = step->paths.count > 0 ? strchr(step->paths.at[0], '@') : NULL;

    if (!at || strcmp(at + 1, name) != 0 || !step->topic || strcmp(step->topic, wanted->topic) != 0 ||
        strcmp(step->pool, wanted->pool) != 0 || step->argv.count != wanted->argv.count + step->paths.count)
        return false;
    for (uint32_t i = 0; i < wanted->argv.count; i++)
        if (strcmp(step->argv.at[i], wanted->argv.at[i]) != 0)
            return false;
    return true;
}

/*
 * One command takes the snapshots of all volumes of the resource in the pool: it takes all of them at once or none, and
 * no longer than for one. It stands behind what must be out of the way before. The caller adds the snapshot.
 */
static struct step *taking_step(const struct target *target, const struct provider_snapshot *snapshot,
                                const struct text_list *options)
{
    struct plan *plan = target->plan;
    struct step *step = plan_add(plan, STEP_EXEC, "take snapshots");

    aim(target, step, snapshot->is_held ? ZFS_HELD : ZFS_SNAPSHOT, snapshot->identifier)->identifier = NULL;
    step->text = arena_strdup_null(&plan->arena, snapshot->owner);
    PLAN_ADD_WORDS(plan, step, "zfs", "snapshot");
    if (snapshot->owner)
        PLAN_ADD_WORDS(plan, step, "-o", owner_word(snapshot->owner, &plan->arena));
    if (snapshot->is_held)
        PLAN_ADD_WORDS(plan, step, "-o", ZFS_VOID "=true");
    add_options(target, step, options);
    for (uint32_t i = 0; i + 1 < plan->steps.count; i++) {
        struct step *earlier = &plan->steps.at[i];

        if (!takes_likewise(earlier, step, short_name(snapshot)))
            continue;
        *step = *earlier;
        memmove(earlier, earlier + 1, (size_t)(step - earlier) * sizeof(*step));
        plan->steps.count--;
        return step - 1;
    }
    return step;
}

static int take(const struct provider_snapshot *snapshot, const struct storage_fact *fact,
                const struct storage_fact *volume, struct plan *plan, struct trouble *trouble)
{
    struct target target = target_of_snapshot(snapshot, plan);
    const char *name = short_name(snapshot);
    struct text_list options = { 0 };
    struct step *step;
    char *path;

    if (fact && fact->backing && !fact->is_doomed)
        return fact->is_snapshot ? 0 : refuse_snapshot(&target, name, "A volume has the same name.", trouble);
    if (snapshot->must_exist)
        return provider_refuse_vanished_snapshot(arena_printf(&plan->arena, "%s@%s", target.path, name), &plan->arena,
                                                 trouble);
    if (!zfs_is_part(name, strlen(name)))
        return refuse_snapshot(&target, name, "ZFS does not allow such a name.", trouble);
    if (!volume || !volume->backing || volume->is_snapshot)
        return refuse_snapshot(&target, name, "Its volume is not there.", trouble);
    if (words_split_property(target.props, "StorDriver/ZfsSnapshotOptions", &options, &target.plan->arena, trouble) < 0)
        return -1;
    if (fact && fact->backing)
        plan_rename_snapshot(&target, snapshot, fact);
    step = taking_step(&target, snapshot, &options);
    path = arena_printf(&plan->arena, "%s@%s", volume->backing, name);
    PLAN_ADD_WORDS(plan, step, path);
    text_list_add(&step->paths, path, &plan->arena);
    text_list_add(&step->names, snapshot->identifier, &plan->arena);
    step->what = step->paths.count == 1 ? arena_printf(&plan->arena, "take snapshot %s", path)
                                        : arena_printf(&plan->arena, "take snapshot %s of %" PRIu32 " volumes in %s",
                                                       name, step->paths.count, zfs_dataset_of(snapshot->pool));
    return 0;
}

static void confirm(const struct provider_snapshot *snapshot, struct plan *plan)
{
    struct target target = target_of_snapshot(snapshot, plan);
    struct step *step = plan_find_step(plan, zfs_reader, ZFS_CONFIRM, snapshot->pool->pool);

    if (!step) {
        step = plan_add(plan, STEP_EXEC, "note that volumes in %s stood still for their snapshots",
                        zfs_dataset_of(snapshot->pool));
        aim(&target, step, ZFS_CONFIRM, snapshot->identifier)->identifier = NULL;
        PLAN_ADD_WORDS(plan, step, "zfs", "inherit", ZFS_VOID);
    }
    PLAN_ADD_WORDS(plan, step, arena_printf(&plan->arena, "%s@%s", target.path, short_name(snapshot)));
    text_list_add(&step->names, snapshot->identifier, &plan->arena);
}

/* The snapshot went, and the satellite died before its zvol, which had stayed for it, did. */
static void plan_destroy_left_over(const struct target *target, const char *volume)
{
    for (const struct storage_fact *fact = facts_first_volume(target->facts, target->pool->pool); fact;
         fact = facts_next_volume(fact)) {
        const char *base = fact->backing && fact->is_doomed && !fact->is_snapshot
                               ? zfs_base_of_deleted(strrchr(fact->backing, '/') + 1, &target->plan->arena)
                               : NULL;

        if (!base || strcmp(base, volume) != 0 || is_leaving(target, fact) || count_staying(target, fact) > 0)
            continue;
        plan_destroy(target, fact);
        plan_destroy_chain(target, fact->origin);
    }
}

static int drop(const struct provider_snapshot *snapshot, const struct storage_fact *fact, struct plan *plan,
                struct trouble *trouble)
{
    struct target target = target_of_snapshot(snapshot, plan);
    struct step *step;

    (void)trouble;
    if (!fact || !fact->backing) {
        plan_destroy_left_over(&target, snapshot->volume);
        return 0;
    }
    if (!fact->is_snapshot)
        return 0;
    if (count_staying(&target, fact) == 0) {
        plan_destroy(&target, fact);
        plan_destroy_chain(&target, fact->origin);
        return 0;
    }
    step =
        plan_destructive(plan, snapshot->authority, STEP_EXEC, "let snapshot %s go with its last clone", fact->backing);
    aim(&target, step, ZFS_DEFER, snapshot->identifier);
    PLAN_ADD_WORDS(plan, step, "zfs", "destroy", "-d", fact->backing);
    plan_rename_snapshot(&target, snapshot, fact);
    return 0;
}

const struct provider provider_zfs = {
    .name = "ZFS",
    .can = PROVIDER_CAN_GROW | PROVIDER_CAN_SNAPSHOT | PROVIDER_MARKS_OWNER,
    .needs = "zfs",
    .check = zfs_check,
    .prepare = zfs_prepare,
    .ask = zfs_ask,
    .read = zfs_read_outcome,
    .raise = raise,
    .lower = lower,
    .granularity_kib = zfs_granularity_kib,
    .take = take,
    .drop = drop,
    .confirm = confirm,
};

const struct provider provider_zfs_thin = {
    .name = "ZFS_THIN",
    .can = PROVIDER_CAN_GROW | PROVIDER_CAN_SNAPSHOT | PROVIDER_IS_THIN | PROVIDER_MARKS_OWNER,
    .needs = "zfs",
    .check = zfs_check,
    .prepare = zfs_prepare,
    .ask = zfs_ask,
    .read = zfs_read_outcome,
    .raise = raise,
    .lower = lower,
    .granularity_kib = zfs_granularity_kib,
    .take = take,
    .drop = drop,
    .confirm = confirm,
};
