/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * LVM and LVM_THIN: a volume is a logical volume /dev/<group>/<identifier>, in the group itself or in a thin pool.
 * LINSTOR: names, properties and the wiping of thick volumes before they are removed are the reference's.
 *
 * A thick volume is made of blocks that others have used. From lvcreate on it bears the tag LVM_TAG_NEW, until it is
 * wiped; as long as it does, no level above gets its device. So it is wiped also when somebody dies in between. Thin
 * volumes read as zeroes when they are new: the thin pool is made to zero what it gives out before the first one.
 *
 * That a logical volume was made for the resource is known by a tag with the resource's uuid, set by the same lvcreate.
 *
 * A volume group is known by its uuid: whoever can write to a disk of the node, a guest in its volume for one, can make
 * a group of any name. That of the pool is learnt at the first look, told to the controller, and comes back as a
 * property of the pool's want. A group of the same name with another one is never used. Since commands name groups by
 * name, they do not read the physical volumes of such groups, which the last look at the groups found.
 *
 * Volumes are never shrunk: lvextend does not.
 */
#include "drivers/lvm.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "drivers/words.h"
#include "model/layer.h"

enum { EXIT_PARTIAL = 5, STRIPES_LIMIT = 128 };

bool lvm_is_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+.";
    size_t length = strlen(name);

    return length > 0 && length < 128 && name[0] != '-' && strspn(name, letters) == length && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

/* The older keys are what databases of early versions contain. False when it is not configured as it must be. */
static bool find_place(const struct pool_want *pool, struct arena *arena, struct lvm_place *place)
{
    const char *name = text_map_find(&pool->props, PROVIDER_POOL_PROPERTY);
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
    return lvm_is_name(place->group) && (!place->thin_pool || lvm_is_name(place->thin_pool));
}

static int refuse_place(const struct pool_want *pool, const char *correction, struct arena *arena,
                        struct trouble *trouble)
{
    const char *name = text_map_find(&pool->props, PROVIDER_POOL_PROPERTY);

    trouble->message = arena_printf(arena, "Storage pool '%s' cannot be used.", pool->pool);
    trouble->cause = name ? arena_printf(arena, "StorDriver/StorPoolName is '%s'.", name)
                          : arena_strdup(arena, "The property StorDriver/StorPoolName is not set.");
    trouble->correction = arena_strdup(arena, correction);
    return -1;
}

static int check_thick(const struct pool_want *pool, struct arena *arena, struct trouble *trouble)
{
    struct lvm_place place;

    if (find_place(pool, arena, &place))
        return 0;
    return refuse_place(pool, "Set StorDriver/StorPoolName to the name of a volume group.", arena, trouble);
}

static int check_thin(const struct pool_want *pool, struct arena *arena, struct trouble *trouble)
{
    struct lvm_place place;

    if (find_place(pool, arena, &place) && place.thin_pool)
        return 0;
    return refuse_place(pool, "Set StorDriver/StorPoolName to <volume group>/<thin pool>.", arena, trouble);
}

struct lvm_place lvm_place_of(const struct pool_want *pool, struct arena *arena)
{
    struct lvm_place place = { 0 };

    if (!find_place(pool, arena, &place))
        place.group = arena_strdup(arena, "");
    return place;
}

char *lvm_place_text(const struct lvm_place *place, struct arena *arena)
{
    return place->thin_pool ? arena_printf(arena, "%s/%s", place->group, place->thin_pool) : place->group;
}

/* Questions. */

static const struct question {
    const char *topic, *what, *tool, *columns;
} questions[] = {
    { LVM_GROUPS, "look at volume groups", "vgs", "vg_name,vg_uuid,vg_extent_size,vg_size,vg_free,pv_name,pv_used" },
    { LVM_VOLUMES, "look at logical volumes", "lvs", NULL },
    { LVM_NAMED, "look at logical volumes that steps failed with", "lvs", NULL },
    { LVM_THIN_POOLS, "look how full thin pools are", "lvs", NULL },
};
static const char volume_columns[] = "vg_name,lv_name,lv_size,lv_attr,pool_lv,origin,data_percent,metadata_percent,"
                                     "chunk_size,lv_tags";

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
    lvm_add_report_words(plan, step, question->tool, question->columns ? question->columns : volume_columns,
                         strcmp(topic, LVM_GROUPS) == 0);
    if (strcmp(topic, LVM_GROUPS) == 0 || strcmp(topic, LVM_NAMED) == 0)
        PLAN_ADD_WORDS(plan, step, "--select", "");
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
    uint32_t columns = 0;

    while (strcmp(step->argv.at[columns++], "-o") != 0)
        continue;
    for (uint32_t i = columns + 1; i < step->argv.count; i++) /* groups may be called like other words */
        is_there = is_there || strcmp(step->argv.at[i], object) == 0;
    if (!is_there)
        PLAN_ADD_WORDS(plan, step, object);
    text_list_add(&step->pools, pool->pool, &plan->arena);
    text_list_add(&step->paths, place, &plan->arena);
}

/* The word after --select chooses what has one of several values. */
static void or_select(struct plan *plan, struct step *step, const char *column, const char *value)
{
    char *condition = arena_printf(&plan->arena, "%s=\"%s\"", column, value), **selection = step->argv.at;

    while (strcmp(*selection++, "--select") != 0)
        continue;
    if (!strstr(*selection, condition))
        *selection = arena_printf(&plan->arena, "%s%s%s", *selection, **selection ? " || " : "", condition);
}

/* A name as an argument would be refused when several groups have it, without telling which. */
static void ask_about_group(const struct pool_want *pool, const struct lvm_place *place, struct plan *plan)
{
    struct step *step = asking_step(plan, LVM_GROUPS);
    const char *uuid = text_map_find(&pool->props, LVM_UUID_PROPERTY);

    or_select(plan, step, "vg_name", place->group);
    text_list_add(&step->pools, pool->pool, &plan->arena);
    text_list_add(&step->paths, lvm_place_text(place, &plan->arena), &plan->arena);
    text_list_add(&step->names, uuid ? uuid : "", &plan->arena);
}

static void select_volumes(const struct text_list *identifiers, struct plan *plan)
{
    struct step *step = asking_step(plan, LVM_NAMED);

    for (uint32_t i = 0; i < identifiers->count; i++) {
        if (!lvm_is_name(identifiers->at[i]))
            continue;
        or_select(plan, step, "lv_name", identifiers->at[i]);
        text_list_add(&step->names, identifiers->at[i], &plan->arena);
    }
}

static void ask(const struct pool_want *pool, const struct text_list *identifiers, struct plan *plan)
{
    struct lvm_place place = lvm_place_of(pool, &plan->arena);
    const char *text = lvm_place_text(&place, &plan->arena);
    bool only_space = identifiers && identifiers->count == 0;

    ask_about_group(pool, &place, plan);
    if (only_space && place.thin_pool)
        ask_about(pool, LVM_THIN_POOLS, text, text, plan);
    if (only_space)
        return;
    ask_about(pool, identifiers ? LVM_NAMED : LVM_VOLUMES, place.group, text, plan);
    if (identifiers)
        select_volumes(identifiers, plan);
}

static bool is_uuid(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";

    return text && text[0] && strspn(text, letters) == strlen(text);
}

/* Commands that come later must not read the groups of the same name that this finds. */
static void find(const struct pool_want *pool, struct plan *plan)
{
    const struct storage_pool_fact *fact = plan->facts ? facts_find_pool(plan->facts, pool->pool) : NULL;
    struct lvm_place place = lvm_place_of(pool, &plan->arena);

    if (!fact || !fact_state_find(&fact->state, LVM_UUID))
        ask_about_group(pool, &place, plan);
}

/*
 * Without a volume that is active, the thin pool is not, and does not tell how full it is. One of another volume group
 * is not activated: who knows who wrote its metadata.
 */
static void prepare_thin(const struct pool_want *pool, struct plan *plan)
{
    struct lvm_place place = lvm_place_of(pool, &plan->arena);
    const char *text = lvm_place_text(&place, &plan->arena);
    struct step *step = plan_add(plan, STEP_EXEC, "activate thin pool %s of storage pool '%s'", text, pool->pool);
    const char *uuid = text_map_find(&pool->props, LVM_UUID_PROPERTY);

    PLAN_ADD_WORDS(plan, step, "lvm", "lvchange");
    lvm_add_config(plan, step);
    PLAN_ADD_WORDS(plan, step, "--activate", "y", "--ignoreactivationskip");
    if (is_uuid(uuid))
        PLAN_ADD_WORDS(plan, step, "--select", arena_printf(&plan->arena, "vg_uuid=\"%s\"", uuid));
    PLAN_ADD_WORDS(plan, step, text);
    step->reader = arena_strdup(&plan->arena, lvm_reader);
    step->topic = arena_strdup(&plan->arena, LVM_PREPARE);
    step->pool = arena_strdup(&plan->arena, pool->pool);
    step->turn = arena_printf(&plan->arena, "lvm %s", place.group);
    step->changes = true;
    step->accept = 1 | INT64_C(1) << EXIT_PARTIAL; /* whether it is there the question after it says */
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

const struct provider provider_lvm = {
    .name = "LVM",
    .can = PROVIDER_CAN_GROW | PROVIDER_MARKS_OWNER,
    .needs = "lvm",
    .check = check_thick,
    .find = find,
    .ask = ask,
    .read = lvm_read_outcome,
    .raise = lvm_raise,
    .lower = lvm_lower_thick,
    .granularity_kib = granularity_kib,
};

const struct provider provider_lvm_thin = {
    .name = "LVM_THIN",
    .can = PROVIDER_CAN_GROW | PROVIDER_MARKS_OWNER | PROVIDER_CAN_SNAPSHOT | PROVIDER_IS_THIN,
    .needs = "lvm_thin",
    .check = check_thin,
    .find = find,
    .prepare = prepare_thin,
    .ask = ask,
    .read = lvm_read_outcome,
    .raise = lvm_raise,
    .lower = lvm_lower_thin,
    .granularity_kib = granularity_kib,
    .take = lvm_take,
    .drop = lvm_drop,
    .confirm = lvm_confirm,
};
