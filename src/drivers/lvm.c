/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * LVM and LVM_THIN: a volume is a logical volume /dev/<group>/<identifier>, in the group itself or in a thin pool.
 * LINSTOR: names, properties and the wiping of thick volumes before they are removed are the reference's.
 *
 * A thick volume is made of blocks that others have used. From lvcreate on it bears the tag LVM_TAG_NEW, until it is
 * wiped; as long as it does, no level above gets its device. So it is wiped also when somebody dies in between. Thin
 * volumes read as zeroes when they are new: the thin pool is made to zero what it gives out before the first one.
 *
 * A logical volume of the right name without LVM_TAG was made by another LINSTOR, or by an administrator. It is taken
 * over when it was reported before, or when its size is what was wanted; it is refused otherwise, because nobody said
 * that its data may go.
 *
 * Every command rejects DRBD's devices and those that our layers make on top of volumes: reading them costs time, and
 * hangs for ever while one of them is suspended. Nothing is accepted in the filter: an accepted alias would overrule
 * the rejection; and a list of the group's physical volumes that is not complete any more, because somebody has just
 * extended the group, lets lvchange write metadata that calls the others missing.
 *
 * Volumes are never shrunk: lvextend does not.
 */
#include "drivers/lvm.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "drivers/words.h"

static const char config[] = "devices { filter=[\"r|^/dev/drbd|\",\"r|^/dev/mapper/[Ll]instor|\"] }";
static const char its_own[] = "it was just made and nobody has used it";

enum {
    WAIT_MS = 15000,
    EXIT_PARTIAL = 5,
    STRIPES_LIMIT = 128,
    SIZE_TOLERANCE = 3, /* granules by which a volume that is taken over may be larger. LINSTOR: the same */
};

struct place {
    char *group, *thin_pool; /* thin_pool NULL: the group itself */
};

/* What LVM allows in names, which is also safe in the words of a selection. */
static bool is_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+.";
    size_t length = strlen(name);

    return length > 0 && length < 128 && name[0] != '-' && strspn(name, letters) == length && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

/* The older keys are what databases of early versions contain. False when it is not configured as it must be. */
static bool find_place(const struct pool_want *pool, struct arena *arena, struct place *place)
{
    const char *name = text_map_find(&pool->props, "StorDriver/StorPoolName");
    const char *thin_pool = text_map_find(&pool->props, "StorDriver/ThinPool");
    const char *slash;

    if (!name)
        name = text_map_find(&pool->props, "StorDriver/LvmVg");
    if (!name)
        return false;
    slash = strchr(name, '/');
    if (slash)
        thin_pool = slash + 1;
    place->group = arena_strndup(arena, name, strcspn(name, "/"));
    place->thin_pool = text_equal_fold(pool->provider, "LVM_THIN") && thin_pool ? arena_strdup(arena, thin_pool) : NULL;
    return is_name(place->group) && (!place->thin_pool || is_name(place->thin_pool));
}

static int refuse_place(const struct pool_want *pool, const char *correction, struct arena *arena,
                        struct trouble *trouble)
{
    const char *name = text_map_find(&pool->props, "StorDriver/StorPoolName");

    trouble->message = arena_printf(arena, "Storage pool '%s' cannot be used.", pool->pool);
    trouble->cause = name ? arena_printf(arena, "StorDriver/StorPoolName is '%s'.", name)
                          : arena_strdup(arena, "The property StorDriver/StorPoolName is not set.");
    trouble->correction = arena_strdup(arena, correction);
    return -1;
}

static int check_thick(const struct pool_want *pool, struct arena *arena, struct trouble *trouble)
{
    struct place place;

    if (find_place(pool, arena, &place))
        return 0;
    return refuse_place(pool, "Set StorDriver/StorPoolName to the name of a volume group.", arena, trouble);
}

static int check_thin(const struct pool_want *pool, struct arena *arena, struct trouble *trouble)
{
    struct place place;

    if (find_place(pool, arena, &place) && place.thin_pool)
        return 0;
    return refuse_place(pool, "Set StorDriver/StorPoolName to <volume group>/<thin pool>.", arena, trouble);
}

/* Of a pool that was checked. */
static struct place place_of(const struct pool_want *pool, struct arena *arena)
{
    struct place place = { 0 };

    if (!find_place(pool, arena, &place))
        place.group = arena_strdup(arena, "");
    return place;
}

static char *text_of(const struct place *place, struct arena *arena)
{
    return place->thin_pool ? arena_printf(arena, "%s/%s", place->group, place->thin_pool) : place->group;
}

/* Words of a command, ended by NULL. */
static void add_words(struct plan *plan, struct step *step, const char *const *words)
{
    for (; *words; words++)
        text_list_add(&step->argv, *words, &plan->arena);
}
#define ADD_WORDS(plan, step, ...) add_words(plan, step, (const char *const[]){ __VA_ARGS__, NULL })

/* Questions. */

static const struct question {
    const char *topic, *what, *tool, *columns;
} questions[] = {
    { LVM_GROUPS, "look at volume groups", "vgs", "vg_name,vg_extent_size,vg_size,vg_free,pv_name,pv_used" },
    { LVM_VOLUMES, "look at logical volumes", "lvs", NULL },
    { LVM_NAMED, "look at logical volumes that steps failed with", "lvs", NULL },
    { LVM_THIN_POOLS, "look how full thin pools are", "lvs", NULL },
};
static const char volume_columns[] = "vg_name,lv_name,lv_size,lv_attr,pool_lv,origin,data_percent,metadata_percent,"
                                     "chunk_size,lv_tags";

static void add_report_words(struct plan *plan, struct step *step, const char *tool, const char *columns)
{
    ADD_WORDS(plan, step, "lvm", tool, "--config", config, "--reportformat", "json", "--units", "b", "--nosuffix", "-o",
              columns);
    step->reader = arena_strdup(&plan->arena, lvm_reader);
}

/* One step for all pools of the plan. */
static struct step *asking_step(struct plan *plan, const char *topic)
{
    const struct question *question = questions;
    struct step *step;

    for (uint32_t i = 0; i < plan->steps.count; i++) {
        step = &plan->steps.at[i];
        if (step->kind == STEP_EXEC && step->topic && strcmp(step->topic, topic) == 0)
            return step;
    }
    while (strcmp(question->topic, topic) != 0)
        question++;
    step = plan_add(plan, STEP_EXEC, "%s", question->what);
    add_report_words(plan, step, question->tool, question->columns ? question->columns : volume_columns);
    if (strcmp(topic, LVM_NAMED) == 0)
        ADD_WORDS(plan, step, "--select", "");
    step->topic = arena_strdup(&plan->arena, topic);
    step->accept = 1 | INT64_C(1) << EXIT_PARTIAL;
    step->turn = arena_strdup(&plan->arena, "ask lvm");
    return step;
}

static void ask_about(const struct pool_want *pool, const char *topic, const char *object, const char *place,
                      struct plan *plan)
{
    struct step *step = asking_step(plan, topic);
    bool is_there = false;

    for (uint32_t i = 0; i < step->argv.count; i++)
        is_there = is_there || strcmp(step->argv.at[i], object) == 0;
    if (!is_there)
        ADD_WORDS(plan, step, object);
    text_list_add(&step->pools, pool->pool, &plan->arena);
    text_list_add(&step->paths, place, &plan->arena);
}

/* The word after --select names all volumes that are asked for. */
static void select_volumes(const struct text_list *identifiers, struct plan *plan)
{
    struct step *step = asking_step(plan, LVM_NAMED);
    char **selection = step->argv.at;

    while (strcmp(*selection++, "--select") != 0)
        continue;
    for (uint32_t i = 0; i < identifiers->count; i++) {
        if (!is_name(identifiers->at[i]))
            continue;
        *selection =
            arena_printf(&plan->arena, "%s%slv_name=\"%s\"", *selection, **selection ? " || " : "", identifiers->at[i]);
        text_list_add(&step->names, identifiers->at[i], &plan->arena);
    }
}

static void ask(const struct pool_want *pool, const struct text_list *identifiers, struct plan *plan)
{
    struct place place = place_of(pool, &plan->arena);
    const char *text = text_of(&place, &plan->arena);
    bool only_space = identifiers && identifiers->count == 0;

    ask_about(pool, LVM_GROUPS, place.group, text, plan);
    if (only_space && place.thin_pool)
        ask_about(pool, LVM_THIN_POOLS, text, text, plan);
    if (only_space)
        return;
    ask_about(pool, identifiers ? LVM_NAMED : LVM_VOLUMES, place.group, text, plan);
    if (identifiers)
        select_volumes(identifiers, plan);
}

/* Without a volume that is active, the thin pool is not, and does not tell how full it is. */
static void prepare_thin(const struct pool_want *pool, struct plan *plan)
{
    struct place place = place_of(pool, &plan->arena);
    const char *text = text_of(&place, &plan->arena);
    struct step *step = plan_add(plan, STEP_EXEC, "activate thin pool %s of storage pool '%s'", text, pool->pool);

    ADD_WORDS(plan, step, "lvm", "lvchange", "--config", config, "--activate", "y", "--ignoreactivationskip", text);
    step->reader = arena_strdup(&plan->arena, lvm_reader);
    step->topic = arena_strdup(&plan->arena, LVM_PREPARE);
    step->turn = arena_printf(&plan->arena, "lvm %s", place.group);
    step->changes = true;
    step->accept = 1 | INT64_C(1) << EXIT_PARTIAL; /* whether it is there the question after it says */
}

/* Steps about one volume. */

struct target {
    const struct pool_want *pool;
    const char *identifier;
    const struct text_map *props;
    struct place place;
    char *path, *name; /* "/dev/vg0/db_00000", "vg0/db_00000" */
    struct plan *plan;
};

static struct target target_of(const struct pool_want *pool, const char *identifier, const struct text_map *props,
                               struct plan *plan)
{
    struct target target = { pool, identifier, props, place_of(pool, &plan->arena), NULL, NULL, plan };

    target.path = lvm_path(target.place.group, identifier, &plan->arena);
    target.name = arena_printf(&plan->arena, "%s/%s", target.place.group, identifier);
    return target;
}

static struct step *aim(const struct target *target, struct step *step, const char *topic)
{
    struct arena *arena = &target->plan->arena;

    step->reader = arena_strdup(arena, lvm_reader);
    step->topic = arena_strdup(arena, topic);
    step->pool = arena_strdup(arena, target->pool->pool);
    step->identifier = arena_strdup(arena, target->identifier);
    return step;
}

/* A command of lvm that changes something, as far as its name. */
static struct step *aim_command(const struct target *target, struct step *step, const char *topic, const char *command)
{
    aim(target, step, topic);
    step->changes = true;
    step->turn = arena_printf(&target->plan->arena, "lvm %s", target->place.group);
    ADD_WORDS(target->plan, step, "lvm", command);
    return step;
}

static void add_config(const struct target *target, struct step *step)
{
    ADD_WORDS(target->plan, step, "--config", config);
}

/* Its name in /dev/mapper, for machines where nobody makes the links in /dev/<group>: a dash is doubled there. */
static char *mapper_path(const struct target *target)
{
    const char *const parts[] = { target->place.group, target->identifier };
    struct buf path = { 0 };
    char *result;

    buf_add_text(&path, "/dev/mapper/");
    for (int i = 0; i < 2; i++) {
        for (const char *at = parts[i]; *at; at++)
            buf_printf(&path, "%s%c", *at == '-' ? "-" : "", *at);
        buf_add_text(&path, i == 0 ? "-" : "");
    }
    result = arena_strdup(&target->plan->arena, buf_text(&path));
    buf_done(&path);
    return result;
}

static void plan_wait(const struct target *target)
{
    struct step *step =
        aim(target, plan_add(target->plan, STEP_WAIT_DEVICE, "wait for device %s", target->path), LVM_WAIT);
    const char *limit = text_map_find(target->props, "StorDriver/WaitTimeoutAfterCreate");

    step->device = target->path;
    text_list_add(&step->paths, mapper_path(target), &target->plan->arena);
    if (!limit || !text_parse_i64(limit, 0, INT64_C(3600000), &step->patience_ms))
        step->patience_ms = WAIT_MS;
}

static void plan_activate(const struct target *target)
{
    struct step *step = aim_command(target, plan_add(target->plan, STEP_EXEC, "activate volume %s", target->name),
                                    LVM_ACTIVATE, "lvchange");

    add_config(target, step);
    ADD_WORDS(target->plan, step, "--activate", "y", "--ignoreactivationskip", target->name);
}

/* What the kernel has, and the device that shows it. False: steps were added, and their outcome is needed first. */
static bool plan_device(const struct target *target, const struct storage_fact *fact)
{
    if (fact->is_active && fact->device && fact->device_kib >= fact->size_kib)
        return true;
    if (!fact->is_active)
        plan_activate(target);
    plan_wait(target);
    return false;
}

static void plan_remove(const struct target *target, const char *what, const char *authority)
{
    struct step *step =
        aim_command(target, plan_destructive(target->plan, authority, STEP_EXEC, "remove %s %s", what, target->name),
                    LVM_REMOVE, "lvremove");

    add_config(target, step);
    ADD_WORDS(target->plan, step, "--force", target->name);
    step->patience = STEP_VERY_PATIENT; /* it may discard every block */
}

static void plan_wipe(const struct target *target, const struct storage_fact *fact, const char *authority)
{
    struct step *step =
        plan_destructive(target->plan, authority, STEP_WIPE, "wipe signatures and both ends of %s", fact->device);

    aim(target, step, LVM_WIPE)->device = arena_strdup(&target->plan->arena, fact->device);
}

/* Options of users. */

static const char *prop(const struct target *target, const char *key)
{
    return text_map_find(target->props, key);
}

static int split_option(const struct target *target, const char *key, struct text_list *words, struct trouble *trouble)
{
    const char *text = prop(target, key);

    if (words_split(text, words, &target->plan->arena) == 0)
        return 0;
    trouble->message = arena_printf(&target->plan->arena, "Property %s cannot be understood.", key);
    trouble->cause = arena_printf(&target->plan->arena, "A quote or backslash is left open in: %s", text);
    trouble->correction = arena_strdup(&target->plan->arena, "Close it.");
    return -1;
}

static bool has_option(const struct text_list *words, const char *letter, const char *name)
{
    for (uint32_t i = 0; i < words->count; i++)
        if (text_starts_with(words->at[i], name) ||
            (letter && text_starts_with(words->at[i], letter) && words->at[i][1] != '-'))
            return true;
    return false;
}

static int64_t stripes_of(const struct text_list *words)
{
    int64_t stripes = 1;

    for (uint32_t i = 0; i < words->count; i++) {
        const char *word = words->at[i], *value = NULL;

        if (strcmp(word, "-i") == 0 || strcmp(word, "--stripes") == 0)
            value = i + 1 < words->count ? words->at[i + 1] : NULL;
        else if (text_starts_with(word, "--stripes="))
            value = word + strlen("--stripes=");
        else if (text_starts_with(word, "-i"))
            value = word + strlen("-i");
        if (value && !text_parse_i64(value, 1, STRIPES_LIMIT, &stripes))
            stripes = 1;
    }
    return stripes;
}

static int64_t granularity_kib(const struct pool_want *pool, const struct storage_pool_fact *fact,
                               const struct text_map *props)
{
    struct text_list words = { 0 };
    struct arena arena = { 0 };
    int64_t stripes = 1;

    if (text_equal_fold(pool->provider, "LVM") &&
        words_split(text_map_find(props, "StorDriver/LvcreateOptions"), &words, &arena) == 0)
        stripes = stripes_of(&words);
    arena_done(&arena);
    return fact && fact->granularity_kib > 0 ? fact->granularity_kib * stripes : 1;
}

/* Texts of facts with a line for each word. */
static void add_lines(const struct target *target, struct step *step, const char *lines)
{
    for (const char *at = lines; *at; at += strcspn(at, "\n"), at += *at == '\n')
        ADD_WORDS(target->plan, step, arena_strndup(&target->plan->arena, at, strcspn(at, "\n")));
}

/*
 * On which physical volumes a thick volume shall lie. Without a wish on those with least in use first, as
 * LINSTOR does; the question is one of the volume groups' anyway. 1: it has to be asked first, and a step was added.
 */
static int choose_devices(const struct target *target, const struct storage_pool_fact *pool, const char **lines,
                          struct trouble *trouble)
{
    const char *wish = prop(target, "StorDriver/LvcreatePvSelection"), *known;
    struct text_list words = { 0 };
    struct step *step;
    char *key;

    *lines = "";
    if (!wish) {
        known = pool ? fact_state_find(&pool->state, LVM_DEVICES) : NULL;
        *lines = known && strchr(known, '\n') ? known : "";
        return 0;
    }
    if (split_option(target, "StorDriver/LvcreatePvSelection", &words, trouble) < 0)
        return -1;
    if (words.count == 0)
        return 0;
    key = arena_printf(&target->plan->arena, LVM_SELECTION " %s", wish);
    known = pool ? fact_state_find(&pool->state, key) : NULL;
    if (known && known[0]) {
        *lines = known;
        return 0;
    }
    if (known) {
        trouble->message = arena_printf(&target->plan->arena, "Volume %s is not made.", target->name);
        trouble->cause = arena_printf(&target->plan->arena,
                                      "StorDriver/LvcreatePvSelection ('%s') chooses no physical volume.", wish);
        return -1;
    }
    step =
        plan_add(target->plan, STEP_EXEC, "look which physical volumes of %s '%s' chooses", target->place.group, wish);
    add_report_words(target->plan, step, "pvs", "pv_name");
    aim(target, step, LVM_SELECTION)->name = key;
    if (!has_option(&words, "-S", "--select"))
        ADD_WORDS(target->plan, step, "--select",
                  arena_printf(&target->plan->arena, "vg_name=\"%s\"", target->place.group));
    for (uint32_t i = 0; i < words.count; i++)
        ADD_WORDS(target->plan, step, words.at[i]);
    return 1;
}

/* Raising. */

static void plan_statistics(const struct target *target)
{
    const char *wish = prop(target, "StorDriver/DMStats");
    struct step *step;

    if (!wish || !text_equal_fold(wish, "true"))
        return;
    step = plan_add(target->plan, STEP_EXEC, "count the I/O of %s", target->path);
    aim(target, step, LVM_STATISTICS);
    ADD_WORDS(target->plan, step, "dmstats", "create", target->path);
    step->changes = true;
    step->accept = 1 | 2; /* a volume without statistics is a volume */
}

static int plan_thick(const struct target *target, const struct provider_volume *volume, struct trouble *trouble)
{
    struct text_list options = { 0 };
    const char *devices;
    struct step *step;
    int chosen;

    if (split_option(target, "StorDriver/LvcreateOptions", &options, trouble) < 0)
        return -1;
    chosen = choose_devices(target, volume->pool_fact, &devices, trouble);
    if (chosen != 0)
        return chosen < 0 ? -1 : 0;
    step = aim_command(
        target,
        plan_add(target->plan, STEP_EXEC, "create volume %s of %" PRId64 " KiB", target->name, volume->size_kib),
        LVM_CREATE_NEW, "lvcreate");
    step->path = target->path;
    step->size_kib = volume->size_kib;
    if (!has_option(&options, NULL, "--config"))
        add_config(target, step);
    ADD_WORDS(target->plan, step, "--yes");
    if (!has_option(&options, "-W", "--wipesignatures"))
        ADD_WORDS(target->plan, step, "--wipesignatures", "n");
    if (!has_option(&options, "-Z", "--zero"))
        ADD_WORDS(target->plan, step, "--zero", "n");
    ADD_WORDS(target->plan, step, "--addtag", LVM_TAG, "--addtag", LVM_TAG_NEW, "--size",
              arena_printf(&target->plan->arena, "%" PRId64 "k", volume->size_kib), "--name", target->identifier,
              target->place.group);
    for (uint32_t i = 0; i < options.count; i++)
        ADD_WORDS(target->plan, step, options.at[i]);
    add_lines(target, step, devices);
    plan_wait(target);
    plan_statistics(target);
    return 0;
}

static void plan_zeroing(const struct target *target)
{
    const char *pool = text_of(&target->place, &target->plan->arena);
    struct step *step = aim_command(
        target, plan_add(target->plan, STEP_EXEC, "let thin pool %s zero blocks before they are used", pool), LVM_ZERO,
        "lvchange");

    add_config(target, step);
    ADD_WORDS(target->plan, step, "--zero", "y", pool);
}

static int plan_thin(const struct target *target, const struct provider_volume *volume, struct trouble *trouble)
{
    const char *zeroes = volume->pool_fact ? fact_state_find(&volume->pool_fact->state, LVM_ZEROES) : NULL;
    struct text_list options = { 0 };
    struct step *step;

    if (split_option(target, "StorDriver/LvcreateOptions", &options, trouble) < 0)
        return -1;
    if (zeroes && strcmp(zeroes, "no") == 0)
        plan_zeroing(target);
    step = aim_command(
        target,
        plan_add(target->plan, STEP_EXEC, "create thin volume %s of %" PRId64 " KiB", target->name, volume->size_kib),
        LVM_CREATE, "lvcreate");
    step->path = target->path;
    step->size_kib = volume->size_kib;
    if (!has_option(&options, NULL, "--config"))
        add_config(target, step);
    ADD_WORDS(target->plan, step, "--yes", "--addtag", LVM_TAG, "--virtualsize",
              arena_printf(&target->plan->arena, "%" PRId64 "k", volume->size_kib), "--thinpool",
              target->place.thin_pool, "--name", target->identifier, target->place.group);
    for (uint32_t i = 0; i < options.count; i++)
        ADD_WORDS(target->plan, step, options.at[i]);
    plan_wait(target);
    plan_statistics(target);
    return 0;
}

static int plan_restore(const struct target *target, const struct provider_volume *volume, struct trouble *trouble)
{
    struct arena *arena = &target->plan->arena;
    struct step *step;

    if (!target->place.thin_pool || !is_name(volume->origin)) {
        trouble->message =
            arena_printf(arena, "Volume %s cannot be made from snapshot '%s'.", target->name, volume->origin);
        trouble->cause =
            arena_strdup(arena, target->place.thin_pool ? "LVM does not allow such a name."
                                                        : "Volumes of LVM have no snapshots; those of LVM_THIN have.");
        return -1;
    }
    step = aim_command(
        target, plan_add(target->plan, STEP_EXEC, "make thin volume %s from snapshot %s", target->name, volume->origin),
        LVM_RESTORE, "lvcreate");
    step->path = target->path;
    step->name = arena_strdup(arena, volume->origin);
    step->size_kib = volume->size_kib;
    add_config(target, step);
    ADD_WORDS(target->plan, step, "--yes", "--addtag", LVM_TAG, "--snapshot", "--setactivationskip", "n", "--activate",
              "y", "--permission", "rw", "--name", target->identifier,
              arena_printf(arena, "%s/%s", target->place.group, volume->origin));
    plan_wait(target);
    return 0;
}

static int refuse_vanished(const struct target *target, struct trouble *trouble)
{
    struct arena *arena = &target->plan->arena;

    trouble->message = arena_printf(arena, "Logical volume %s has vanished.", target->name);
    trouble->cause = arena_strdup(arena, "It was there, and was not removed by the satellite.");
    trouble->correction =
        arena_strdup(arena, "If it was renamed, rename it back. If the data is lost, delete the resource "
                            "on this node and create it again.");
    return -1;
}

/* Nobody said that what is there may be used or written to. */
static int refuse_foreign(const struct target *target, const struct provider_volume *volume,
                          const struct storage_fact *fact, struct trouble *trouble)
{
    struct arena *arena = &target->plan->arena;

    trouble->message = arena_printf(arena, "Logical volume %s is there already, and is not taken over.", target->name);
    trouble->cause =
        volume->origin
            ? arena_strdup(arena, "It was not made by this satellite, and the volume shall be made from a "
                                  "snapshot.")
            : arena_printf(arena,
                           "It was not made by this satellite; it has %" PRId64 " KiB, and %" PRId64 " KiB are wanted.",
                           fact->size_kib, volume->size_kib);
    trouble->correction = arena_strdup(arena, "Remove or rename it if it is not needed, or give the volume its size.");
    return -1;
}

static bool may_take_over(const struct provider_volume *volume, const struct storage_fact *fact)
{
    int64_t granule_kib = volume->pool_fact ? volume->pool_fact->granularity_kib : 0;

    return !volume->origin && fact->size_kib >= volume->size_kib &&
           fact->size_kib <= volume->size_kib + SIZE_TOLERANCE * granule_kib;
}

static void plan_first_wipe(const struct target *target, const struct storage_fact *fact)
{
    struct step *step;

    plan_wipe(target, fact, its_own);
    step = aim_command(target, plan_add(target->plan, STEP_EXEC, "note that volume %s is wiped", target->name),
                       LVM_WIPED, "lvchange");
    add_config(target, step);
    ADD_WORDS(target->plan, step, "--deltag", LVM_TAG_NEW, target->name);
}

static void plan_grow(const struct target *target, int64_t size_kib)
{
    struct step *step = aim_command(
        target, plan_add(target->plan, STEP_EXEC, "grow volume %s to %" PRId64 " KiB", target->name, size_kib),
        LVM_GROW, "lvextend");

    add_config(target, step);
    ADD_WORDS(target->plan, step, "--yes", "--size", arena_printf(&target->plan->arena, "%" PRId64 "k", size_kib),
              target->name);
    step->size_kib = size_kib;
    plan_wait(target);
}

static int raise(const struct provider_volume *volume, const struct storage_fact *fact, struct plan *plan,
                 struct trouble *trouble)
{
    struct target target = target_of(volume->pool, volume->identifier, volume->props, plan);

    if ((fact && fact->has_vanished) || ((!fact || !fact->backing) && volume->must_exist))
        return refuse_vanished(&target, trouble);
    if (!fact || !fact->backing) {
        if (volume->origin)
            return plan_restore(&target, volume, trouble);
        return target.place.thin_pool ? plan_thin(&target, volume, trouble) : plan_thick(&target, volume, trouble);
    }
    if (!fact->is_ours && !volume->must_exist && !may_take_over(volume, fact))
        return refuse_foreign(&target, volume, fact, trouble);
    if (!plan_device(&target, fact))
        return 0;
    if (fact->is_new)
        plan_first_wipe(&target, fact);
    else if (fact->size_kib < volume->size_kib)
        plan_grow(&target, volume->size_kib);
    return 0;
}

static int lower_thick(const struct provider_volume *volume, const struct storage_fact *fact, struct plan *plan,
                       struct trouble *trouble)
{
    struct target target = target_of(volume->pool, volume->identifier, volume->props, plan);

    (void)trouble;
    if (!fact || !fact->backing || !plan_device(&target, fact))
        return 0;
    plan_wipe(&target, fact, volume->authority);
    plan_remove(&target, "volume", volume->authority);
    return 0;
}

static int lower_thin(const struct provider_volume *volume, const struct storage_fact *fact, struct plan *plan,
                      struct trouble *trouble)
{
    struct target target = target_of(volume->pool, volume->identifier, volume->props, plan);

    (void)trouble;
    if (fact && fact->backing)
        plan_remove(&target, "thin volume", volume->authority);
    return 0;
}

/* Snapshots. */

static int refuse_snapshot(const struct target *target, const char *cause, struct trouble *trouble)
{
    trouble->message = arena_printf(&target->plan->arena, "Snapshot %s cannot be taken.", target->name);
    trouble->cause = arena_strdup(&target->plan->arena, cause);
    return -1;
}

/*
 * It is read-only and, unlike the reference's, not active: two devices with the same file system would let udev choose
 * one of them for the links of its UUID.
 */
static int take(const struct provider_snapshot *snapshot, const struct storage_fact *fact,
                const struct storage_fact *volume, struct plan *plan, struct trouble *trouble)
{
    struct target target = target_of(snapshot->pool, snapshot->identifier, snapshot->props, plan);
    struct text_list options = { 0 };
    struct step *step;

    if (fact && fact->backing)
        return 0;
    if ((fact && fact->has_vanished) || snapshot->must_exist)
        return refuse_vanished(&target, trouble);
    if (!is_name(snapshot->identifier))
        return refuse_snapshot(&target, "LVM does not allow such a name.", trouble);
    if (!volume || !volume->backing)
        return refuse_snapshot(&target, "Its volume is not there.", trouble);
    if (split_option(&target, "StorDriver/LvcreateSnapshotOptions", &options, trouble) < 0)
        return -1;
    step = aim_command(&target, plan_add(plan, STEP_EXEC, "take snapshot %s of %s", target.name, snapshot->volume),
                       LVM_TAKE, "lvcreate");
    step->path = target.path;
    step->name = arena_strdup(&plan->arena, snapshot->volume);
    if (!has_option(&options, NULL, "--config"))
        add_config(&target, step);
    ADD_WORDS(plan, step, "--yes", "--addtag", LVM_TAG, "--snapshot", "--setactivationskip", "y", "--activate", "n",
              "--permission", "r", "--name", snapshot->identifier,
              arena_printf(&plan->arena, "%s/%s", target.place.group, snapshot->volume));
    for (uint32_t i = 0; i < options.count; i++)
        ADD_WORDS(plan, step, options.at[i]);
    return 0;
}

static int drop(const struct provider_snapshot *snapshot, const struct storage_fact *fact, struct plan *plan,
                struct trouble *trouble)
{
    struct target target = target_of(snapshot->pool, snapshot->identifier, snapshot->props, plan);

    (void)trouble;
    if (fact && fact->backing)
        plan_remove(&target, "snapshot", snapshot->authority);
    return 0;
}

const struct provider provider_lvm = {
    .name = "LVM",
    .can = PROVIDER_CAN_GROW,
    .needs = "lvm",
    .check = check_thick,
    .ask = ask,
    .read = lvm_read_outcome,
    .raise = raise,
    .lower = lower_thick,
    .granularity_kib = granularity_kib,
};

const struct provider provider_lvm_thin = {
    .name = "LVM_THIN",
    .can = PROVIDER_CAN_GROW | PROVIDER_CAN_SNAPSHOT | PROVIDER_IS_THIN,
    .needs = "lvm_thin",
    .check = check_thin,
    .prepare = prepare_thin,
    .ask = ask,
    .read = lvm_read_outcome,
    .raise = raise,
    .lower = lower_thin,
    .granularity_kib = granularity_kib,
    .take = take,
    .drop = drop,
};
