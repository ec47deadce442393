/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers/lvm.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "drivers/words.h"

static void plan_statistics(const struct lvm_target *target)
{
    const char *wish = lvm_prop(target, "StorDriver/DMStats");
    struct step *step;

    if (!wish || !text_equal_fold(wish, "true"))
        return;
    step = plan_add(target->plan, STEP_EXEC, "count the I/O of %s", target->path);
    lvm_aim(target, step, LVM_STATISTICS);
    PLAN_ADD_WORDS(target->plan, step, "dmstats", "create", target->path);
    step->changes = true;
    step->accept = 1 | 2; /* a volume without statistics is a volume */
}

static int plan_thick(const struct lvm_target *target, const struct provider_volume *volume, struct trouble *trouble)
{
    const char *type = lvm_prop(target, "StorDriver/LvcreateType"), *devices;
    struct text_list options = { 0 };
    struct step *step;
    int chosen;

    if (words_split_property(target->props, "StorDriver/LvcreateOptions", &options, &target->plan->arena, trouble) < 0)
        return -1;
    chosen = lvm_choose_devices(target, volume->pool_fact, &devices, trouble);
    if (chosen != 0)
        return chosen < 0 ? -1 : 0;
    step = lvm_aim_command(
        target,
        plan_add(target->plan, STEP_EXEC, "create volume %s of %" PRId64 " KiB", target->name, volume->size_kib),
        LVM_CREATE_NEW, "lvcreate", &options);
    step->path = target->path;
    step->size_kib = volume->size_kib;
    PLAN_ADD_WORDS(target->plan, step, "--yes");
    if (!lvm_has_option(&options, "-W", "--wipesignatures"))
        PLAN_ADD_WORDS(target->plan, step, "--wipesignatures", "n");
    if (!lvm_has_option(&options, "-Z", "--zero"))
        PLAN_ADD_WORDS(target->plan, step, "--zero", "n");
    if (type && type[0] && !lvm_has_option(&options, NULL, "--type"))
        PLAN_ADD_WORDS(target->plan, step, "--type", type);
    lvm_add_owner(target, step);
    PLAN_ADD_WORDS(target->plan, step, "--addtag", LVM_TAG_NEW, "--size",
                   arena_printf(&target->plan->arena, "%" PRId64 "k", volume->size_kib), "--name", target->identifier,
                   target->place.group);
    for (uint32_t i = 0; i < options.count; i++)
        PLAN_ADD_WORDS(target->plan, step, options.at[i]);
    lvm_add_lines(target, step, devices);
    lvm_plan_wait(target);
    plan_statistics(target);
    return 0;
}

static void plan_zeroing(const struct lvm_target *target)
{
    const char *pool = lvm_place_text(&target->place, &target->plan->arena);
    struct step *step = lvm_aim_command(
        target, plan_add(target->plan, STEP_EXEC, "let thin pool %s zero blocks before they are used", pool), LVM_ZERO,
        "lvchange", NULL);

    PLAN_ADD_WORDS(target->plan, step, "--zero", "y", pool);
}

/*
 * Whoever writes to a full thin pool waits for a minute and gets an error then, so nothing more is begun there; what is
 * there already is left to those who use it.
 */
static int check_room(const struct lvm_target *target, const struct storage_pool_fact *pool, struct trouble *trouble)
{
    struct arena *arena = &target->plan->arena;

    if (!pool || pool->total_kib == 0 || pool->free_kib > 0)
        return 0;
    trouble->message = arena_printf(arena, "Thin pool '%s' is full.", lvm_place_text(&target->place, arena));
    trouble->cause = arena_printf(arena, "All its %" PRId64 " KiB are in use; '%s' is not made or grown there.",
                                  pool->total_kib, target->identifier);
    trouble->correction = arena_strdup(arena, "Extend it (lvextend), or delete volumes or snapshots in it; it is "
                                              "retried by itself.");
    return -1;
}

static int plan_thin(const struct lvm_target *target, const struct provider_volume *volume, struct trouble *trouble)
{
    const char *zeroes = volume->pool_fact ? fact_state_find(&volume->pool_fact->state, LVM_ZEROES) : NULL;
    struct text_list options = { 0 };
    struct step *step;

    if (check_room(target, volume->pool_fact, trouble) < 0 ||
        words_split_property(target->props, "StorDriver/LvcreateOptions", &options, &target->plan->arena, trouble) < 0)
        return -1;
    if (zeroes && strcmp(zeroes, "no") == 0)
        plan_zeroing(target);
    step = lvm_aim_command(
        target,
        plan_add(target->plan, STEP_EXEC, "create thin volume %s of %" PRId64 " KiB", target->name, volume->size_kib),
        LVM_CREATE, "lvcreate", &options);
    step->path = target->path;
    step->size_kib = volume->size_kib;
    PLAN_ADD_WORDS(target->plan, step, "--yes");
    lvm_add_owner(target, step);
    PLAN_ADD_WORDS(target->plan, step, "--virtualsize",
                   arena_printf(&target->plan->arena, "%" PRId64 "k", volume->size_kib), "--thinpool",
                   target->place.thin_pool, "--name", target->identifier, target->place.group);
    for (uint32_t i = 0; i < options.count; i++)
        PLAN_ADD_WORDS(target->plan, step, options.at[i]);
    lvm_plan_wait(target);
    plan_statistics(target);
    return 0;
}

static int plan_restore(const struct lvm_target *target, const struct provider_volume *volume, struct trouble *trouble)
{
    struct arena *arena = &target->plan->arena;
    struct step *step;

    if (!target->place.thin_pool || !lvm_is_name(volume->origin)) {
        trouble->message =
            arena_printf(arena, "Volume %s cannot be made from snapshot '%s'.", target->name, volume->origin);
        trouble->cause =
            arena_strdup(arena, target->place.thin_pool ? "LVM does not allow such a name."
                                                        : "Volumes of LVM have no snapshots; those of LVM_THIN have.");
        return -1;
    }
    step = lvm_aim_command(
        target, plan_add(target->plan, STEP_EXEC, "make thin volume %s from snapshot %s", target->name, volume->origin),
        LVM_RESTORE, "lvcreate", NULL);
    step->path = target->path;
    step->name = arena_strdup(arena, volume->origin);
    step->size_kib = volume->size_kib;
    PLAN_ADD_WORDS(target->plan, step, "--yes");
    lvm_add_owner(target, step);
    PLAN_ADD_WORDS(target->plan, step, "--snapshot", "--setactivationskip", "n", "--activate", "y", "--permission",
                   "rw", "--name", target->identifier,
                   arena_printf(arena, "%s/%s", target->place.group, volume->origin));
    lvm_plan_wait(target);
    return 0;
}

/* What is not new is in use, or may be: metadata of lvm that were restored may bear the tag again. */
static void plan_first_wipe(const struct lvm_target *target, const struct storage_fact *fact,
                            const struct plan_evidence *new)
{
    struct step *step;

    if (plan_is_own(new))
        lvm_aim_wipe(
            target, fact,
            plan_destroy_own(target->plan, new, STEP_WIPE, "wipe signatures and both ends of %s", fact->device));
    step = lvm_aim_command(target, plan_add(target->plan, STEP_EXEC, "note that volume %s is wiped", target->name),
                           LVM_WIPED, "lvchange", NULL);
    PLAN_ADD_WORDS(target->plan, step, "--deltag", LVM_TAG_NEW, target->name);
}

static void plan_grow(const struct lvm_target *target, int64_t size_kib)
{
    struct step *step = lvm_aim_command(
        target, plan_add(target->plan, STEP_EXEC, "grow volume %s to %" PRId64 " KiB", target->name, size_kib),
        LVM_GROW, "lvextend", NULL);

    PLAN_ADD_WORDS(target->plan, step, "--yes", "--size", arena_printf(&target->plan->arena, "%" PRId64 "k", size_kib),
                   target->name);
    step->size_kib = size_kib;
    lvm_plan_wait(target);
}

int lvm_raise(const struct provider_volume *volume, const struct storage_fact *fact, struct plan *plan,
              struct trouble *trouble)
{
    struct lvm_target target = lvm_target_of(volume->pool, volume->identifier, volume->owner, volume->props, plan);

    if ((!fact || !fact->backing) && (volume->must_exist || (fact && fact->has_vanished && !volume->must_be_new)))
        return provider_refuse_vanished("Logical volume", target.name, "If it was renamed, rename it back.",
                                        &plan->arena, trouble);
    if (!fact || !fact->backing) {
        if (volume->origin)
            return plan_restore(&target, volume, trouble);
        return target.place.thin_pool ? plan_thin(&target, volume, trouble) : plan_thick(&target, volume, trouble);
    }
    if (!lvm_plan_device(&target, fact))
        return 0;
    if (fact->is_new)
        plan_first_wipe(&target, fact, &volume->new);
    if (fact->is_new || fact->size_kib >= volume->size_kib)
        return 0;
    if (target.place.thin_pool && check_room(&target, volume->pool_fact, trouble) < 0)
        return -1;
    plan_grow(&target, volume->size_kib);
    return 0;
}

int lvm_lower_thick(const struct provider_volume *volume, const struct storage_fact *fact, struct plan *plan,
                    struct trouble *trouble)
{
    struct lvm_target target = lvm_target_of(volume->pool, volume->identifier, volume->owner, volume->props, plan);

    (void)trouble;
    if (!fact || !fact->backing || !lvm_plan_device(&target, fact))
        return 0;
    lvm_aim_wipe(
        &target, fact,
        plan_destructive(plan, volume->authority, STEP_WIPE, "wipe signatures and both ends of %s", fact->device));
    lvm_plan_remove(&target, "volume", volume->authority);
    return 0;
}

int lvm_lower_thin(const struct provider_volume *volume, const struct storage_fact *fact, struct plan *plan,
                   struct trouble *trouble)
{
    struct lvm_target target = lvm_target_of(volume->pool, volume->identifier, volume->owner, volume->props, plan);

    (void)trouble;
    if (fact && fact->backing)
        lvm_plan_remove(&target, "thin volume", volume->authority);
    return 0;
}

static int refuse_snapshot(const struct lvm_target *target, const char *cause, struct trouble *trouble)
{
    trouble->message = arena_printf(&target->plan->arena, "Snapshot %s cannot be taken.", target->name);
    trouble->cause = arena_strdup(&target->plan->arena, cause);
    return -1;
}

/*
 * It is read-only and, unlike the reference's, not active: two devices with the same file system would let udev choose
 * one of them for the links of its UUID.
 */
int lvm_take(const struct provider_snapshot *snapshot, const struct storage_fact *fact,
             const struct storage_fact *volume, struct plan *plan, struct trouble *trouble)
{
    struct lvm_target target =
        lvm_target_of(snapshot->pool, snapshot->identifier, snapshot->owner, snapshot->props, plan);
    struct text_list options = { 0 };
    struct step *step;

    if (fact && fact->backing)
        return 0;
    if (snapshot->must_exist)
        return provider_refuse_vanished_snapshot(target.name, &plan->arena, trouble);
    if (!lvm_is_name(snapshot->identifier))
        return refuse_snapshot(&target, "LVM does not allow such a name.", trouble);
    if (!volume || !volume->backing)
        return refuse_snapshot(&target, "Its volume is not there.", trouble);
    if (words_split_property(target.props, "StorDriver/LvcreateSnapshotOptions", &options, &target.plan->arena,
                             trouble) < 0)
        return -1;
    step = lvm_aim_command(&target, plan_add(plan, STEP_EXEC, "take snapshot %s of %s", target.name, snapshot->volume),
                           snapshot->is_held ? LVM_TAKE_HELD : LVM_TAKE, "lvcreate", &options);
    step->path = target.path;
    step->name = arena_strdup(&plan->arena, snapshot->volume);
    PLAN_ADD_WORDS(plan, step, "--yes");
    lvm_add_owner(&target, step);
    if (snapshot->is_held)
        PLAN_ADD_WORDS(plan, step, "--addtag", LVM_TAG_VOID);
    PLAN_ADD_WORDS(plan, step, "--snapshot", "--setactivationskip", "y", "--activate", "n", "--permission", "r",
                   "--name", snapshot->identifier,
                   arena_printf(&plan->arena, "%s/%s", target.place.group, snapshot->volume));
    for (uint32_t i = 0; i < options.count; i++)
        PLAN_ADD_WORDS(plan, step, options.at[i]);
    return 0;
}

int lvm_drop(const struct provider_snapshot *snapshot, const struct storage_fact *fact, struct plan *plan,
             struct trouble *trouble)
{
    struct lvm_target target =
        lvm_target_of(snapshot->pool, snapshot->identifier, snapshot->owner, snapshot->props, plan);

    (void)trouble;
    if (fact && fact->backing)
        lvm_plan_remove(&target, "snapshot", snapshot->authority);
    return 0;
}

void lvm_confirm(const struct provider_snapshot *snapshot, struct plan *plan)
{
    struct lvm_target target =
        lvm_target_of(snapshot->pool, snapshot->identifier, snapshot->owner, snapshot->props, plan);
    struct step *step = plan_find_step(plan, lvm_reader, LVM_CONFIRM, snapshot->pool->pool);

    if (!step) {
        step = lvm_aim_command(
            &target,
            plan_add(plan, STEP_EXEC, "note that volumes in %s stood still for their snapshots", target.place.group),
            LVM_CONFIRM, "lvchange", NULL);
        step->identifier = NULL;
        PLAN_ADD_WORDS(plan, step, "--deltag", LVM_TAG_VOID);
    }
    PLAN_ADD_WORDS(plan, step, target.name);
    text_list_add(&step->names, snapshot->identifier, &plan->arena);
}
