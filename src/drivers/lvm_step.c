/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Steps about one volume, and what users say about them in properties. */
#include "drivers/lvm.h"

#include <string.h>

#include "base/text.h"
#include "drivers/words.h"

enum { WAIT_MS = 15000 };

void lvm_add_config(struct plan *plan, struct step *step)
{
    PLAN_ADD_WORDS(plan, step, "--config", lvm_config(plan->facts, false, &plan->arena));
}

void lvm_add_report_words(struct plan *plan, struct step *step, const char *tool, const char *columns,
                          bool sees_strangers)
{
    PLAN_ADD_WORDS(plan, step, "lvm", tool, "--config", lvm_config(plan->facts, sees_strangers, &plan->arena),
                   "--reportformat", "json", "--units", "b", "--nosuffix", "-o", columns);
    step->reader = arena_strdup(&plan->arena, lvm_reader);
}

struct lvm_target lvm_target_of(const struct pool_want *pool, const char *identifier, const char *owner,
                                const struct text_map *props, struct plan *plan)
{
    struct lvm_target target = {
        .pool = pool,
        .identifier = identifier,
        .owner = owner,
        .props = props,
        .place = lvm_place_of(pool, &plan->arena),
        .plan = plan,
    };

    target.path = lvm_path(target.place.group, identifier, &plan->arena);
    target.name = arena_printf(&plan->arena, "%s/%s", target.place.group, identifier);
    return target;
}

struct step *lvm_aim(const struct lvm_target *target, struct step *step, const char *topic)
{
    struct arena *arena = &target->plan->arena;

    step->reader = arena_strdup(arena, lvm_reader);
    step->topic = arena_strdup(arena, topic);
    step->pool = arena_strdup(arena, target->pool->pool);
    step->identifier = arena_strdup(arena, target->identifier);
    return step;
}

struct step *lvm_aim_command(const struct lvm_target *target, struct step *step, const char *topic, const char *command,
                             const struct text_list *options)
{
    lvm_aim(target, step, topic);
    step->changes = true;
    step->turn = arena_printf(&target->plan->arena, "lvm %s", target->place.group);
    PLAN_ADD_WORDS(target->plan, step, "lvm", command);
    if (!options || !lvm_has_option(options, NULL, "--config"))
        lvm_add_config(target->plan, step);
    return step;
}

/* LVM allows nothing else in tags that could stand in a uuid. */
static bool is_uuid(const char *text)
{
    return text[0] && strlen(text) < 64 && strspn(text, "0123456789abcdefABCDEF-") == strlen(text);
}

void lvm_add_owner(const struct lvm_target *target, struct step *step)
{
    if (!target->owner || !is_uuid(target->owner))
        return;
    PLAN_ADD_WORDS(target->plan, step, "--addtag",
                   arena_printf(&target->plan->arena, LVM_TAG_OWNER "%s", target->owner));
    step->text = arena_strdup(&target->plan->arena, target->owner);
}

/* Its name in /dev/mapper, for machines where nobody makes the links in /dev/<group>: a dash is doubled there. */
static char *mapper_path(const struct lvm_target *target)
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

void lvm_plan_wait(const struct lvm_target *target)
{
    struct step *step =
        lvm_aim(target, plan_add(target->plan, STEP_WAIT_DEVICE, "wait for device %s", target->path), LVM_WAIT);
    const char *limit = text_map_find(target->props, "StorDriver/WaitTimeoutAfterCreate");

    step->device = target->path;
    text_list_add(&step->paths, mapper_path(target), &target->plan->arena);
    if (!limit || !text_parse_i64(limit, 0, INT64_C(3600000), &step->patience_ms))
        step->patience_ms = WAIT_MS;
}

static void plan_activate(const struct lvm_target *target)
{
    struct step *step = lvm_aim_command(target, plan_add(target->plan, STEP_EXEC, "activate volume %s", target->name),
                                        LVM_ACTIVATE, "lvchange", NULL);

    PLAN_ADD_WORDS(target->plan, step, "--activate", "y", "--ignoreactivationskip", target->name);
}

bool lvm_plan_device(const struct lvm_target *target, const struct storage_fact *fact)
{
    if (fact->is_active && fact->device && fact->device_kib >= fact->size_kib)
        return true;
    if (!fact->is_active)
        plan_activate(target);
    lvm_plan_wait(target);
    return false;
}

void lvm_plan_remove(const struct lvm_target *target, const char *what, const char *authority)
{
    struct step *step = lvm_aim_command(
        target, plan_destructive(target->plan, authority, STEP_EXEC, "remove %s %s", what, target->name), LVM_REMOVE,
        "lvremove", NULL);

    PLAN_ADD_WORDS(target->plan, step, "--force", target->name);
    step->patience = STEP_VERY_PATIENT; /* it may discard every block */
}

void lvm_aim_wipe(const struct lvm_target *target, const struct storage_fact *fact, struct step *step)
{
    lvm_aim(target, step, LVM_WIPE)->device = arena_strdup(&target->plan->arena, fact->device);
}

const char *lvm_prop(const struct lvm_target *target, const char *key)
{
    return text_map_find(target->props, key);
}

bool lvm_has_option(const struct text_list *words, const char *letter, const char *name)
{
    for (uint32_t i = 0; i < words->count; i++)
        if (text_starts_with(words->at[i], name) ||
            (letter && text_starts_with(words->at[i], letter) && words->at[i][1] != '-'))
            return true;
    return false;
}

/* Texts of facts with a line for each word. */
void lvm_add_lines(const struct lvm_target *target, struct step *step, const char *lines)
{
    for (const char *at = lines; *at; at += strcspn(at, "\n"), at += *at == '\n')
        PLAN_ADD_WORDS(target->plan, step, arena_strndup(&target->plan->arena, at, strcspn(at, "\n")));
}

/* Without a wish on those with least in use first, as LINSTOR does; that was asked with the volume groups. */
int lvm_choose_devices(const struct lvm_target *target, const struct storage_pool_fact *pool, const char **lines,
                       struct trouble *trouble)
{
    const char *wish = lvm_prop(target, "StorDriver/LvcreatePvSelection"), *known;
    struct text_list words = { 0 };
    struct step *step;
    char *key;

    *lines = "";
    if (!wish) {
        known = pool ? fact_state_find(&pool->state, LVM_DEVICES) : NULL;
        *lines = known && strchr(known, '\n') ? known : "";
        return 0;
    }
    if (words_split_property(target->props, "StorDriver/LvcreatePvSelection", &words, &target->plan->arena, trouble) <
        0)
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
    lvm_add_report_words(target->plan, step, "pvs", "pv_name", false);
    lvm_aim(target, step, LVM_SELECTION)->name = key;
    if (!lvm_has_option(&words, "-S", "--select"))
        PLAN_ADD_WORDS(target->plan, step, "--select",
                       arena_printf(&target->plan->arena, "vg_name=\"%s\"", target->place.group));
    for (uint32_t i = 0; i < words.count; i++)
        PLAN_ADD_WORDS(target->plan, step, words.at[i]);
    return 1;
}
