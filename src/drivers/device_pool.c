/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers/device_pool.h"

#include <string.h>

#include "base/text.h"
#include "drivers/lvm.h"
#include "drivers/words.h"

enum { EXIT_NONE_LVM = 5, EXIT_NONE_ZFS = 1, NAME_LIMIT = 127 };

static bool is_zfs(const struct device_pool_want *want)
{
    return text_equal_fold(want->provider, "ZFS") || text_equal_fold(want->provider, "ZFS_THIN");
}

static bool is_thin_lvm(const struct device_pool_want *want)
{
    return text_equal_fold(want->provider, "LVM_THIN");
}

static bool is_name(const char *name, size_t length)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";

    return length > 0 && length <= NAME_LIMIT && name[0] != '-' && name[0] != '.' && strspn(name, letters) >= length;
}

static int refuse(const struct device_pool_want *want, const char *cause, const char *correction, struct arena *arena,
                  struct trouble *trouble)
{
    trouble->message = arena_printf(arena, "'%s' (%s) is not made.", want->place, want->provider);
    trouble->cause = arena_strdup(arena, cause);
    trouble->correction = arena_strdup_null(arena, correction);
    return -1;
}

static void add_list(struct plan *plan, struct step *step, const struct text_list *words)
{
    for (uint32_t i = 0; i < words->count; i++)
        PLAN_ADD_WORDS(plan, step, words->at[i]);
}

/* Users give several words at once, too: "-s 8m". */
static struct text_list split(const struct text_list *arguments, struct arena *arena)
{
    struct text_list words = { 0 };

    for (uint32_t i = 0; i < arguments->count; i++)
        if (words_split(arguments->at[i], &words, arena) != 0)
            text_list_add(&words, arguments->at[i], arena); /* the tool says what is wrong with it */
    return words;
}

static void add_arguments(struct plan *plan, struct step *step, const struct text_list *arguments)
{
    struct text_list words = split(arguments, &plan->arena);

    add_list(plan, step, &words);
}

static char *group_of(const struct device_pool_want *want, struct arena *arena)
{
    return arena_strndup(arena, want->place, strcspn(want->place, "/"));
}

static int check(const struct device_pool_want *want, struct arena *arena, struct trouble *trouble)
{
    const char *slash = strchr(want->place, '/');

    if (!is_zfs(want) && !is_thin_lvm(want) && !text_equal_fold(want->provider, "LVM"))
        return refuse(want, "This version of the satellite cannot make pools of this kind.",
                      "Use LVM, LVM_THIN, ZFS or ZFS_THIN.", arena, trouble);
    if (!is_name(want->place, strcspn(want->place, "/")) || is_thin_lvm(want) != (slash != NULL) ||
        (slash && !is_name(slash + 1, strlen(slash + 1))))
        return refuse(want, "Its name is not allowed.", "Use letters, digits, '_', '-' and '.'.", arena, trouble);
    if (!want->authority)
        return refuse(want, "Nobody's request is named as the reason.", NULL, arena, trouble);
    if (want->devices.count == 0)
        return refuse(want, "No device is given.", NULL, arena, trouble);
    for (uint32_t i = 0; i < want->devices.count; i++)
        if (!text_starts_with(want->devices.at[i], "/dev/") || strstr(want->devices.at[i], "/../"))
            return refuse(want, arena_printf(arena, "'%s' is not the path of a device.", want->devices.at[i]),
                          "Give paths below /dev.", arena, trouble);
    return 0;
}

static void add_device(struct step *step, const char *device, struct plan *plan)
{
    if (device)
        text_list_add(&step->names, device, &plan->arena);
}

struct step *device_pool_ask_disks(struct plan *plan)
{
    struct step *step = plan_add(plan, STEP_ASK_DISKS, "look at the disks");

    if (!plan->facts)
        return step;
    map_for_each (node, &plan->facts->volumes)
        add_device(step, CONTAINER_OF(node, struct storage_fact, node)->device, plan);
    map_for_each (node, &plan->facts->layers)
        add_device(step, CONTAINER_OF(node, struct layer_fact, node)->device, plan);
    return step;
}

int device_pool_ask(const struct device_pool_want *want, struct plan *plan, struct trouble *trouble)
{
    char *group = group_of(want, &plan->arena);
    struct step *step;

    if (check(want, &plan->arena, trouble) < 0)
        return -1;
    step = device_pool_ask_disks(plan);
    for (uint32_t i = 0; i < want->devices.count; i++)
        text_list_add(&step->paths, want->devices.at[i], &plan->arena);
    step = plan_add(plan, STEP_EXEC, "look whether there is a %s '%s'", is_zfs(want) ? "zpool" : "volume group", group);
    if (is_zfs(want)) {
        PLAN_ADD_WORDS(plan, step, "zpool", "list", "-H", "-o", "name", group);
        step->accept |= 1 << EXIT_NONE_ZFS;
    } else {
        PLAN_ADD_WORDS(plan, step, "lvm", "vgs");
        lvm_add_config(plan, step);
        PLAN_ADD_WORDS(plan, step, "--noheadings", "-o", "vg_name", group);
        step->accept |= 1 << EXIT_NONE_LVM;
    }
    return 0;
}

/* How often a word says "force": twice in -ff and -yff. */
static int count_force(const char *word, bool *is_yes)
{
    int count = 0;

    *is_yes = *is_yes || strcmp(word, "--yes") == 0;
    if (strcmp(word, "--force") == 0)
        return 1;
    if (word[0] != '-' || word[1] == '-' || strspn(word + 1, "fy") != strlen(word + 1))
        return 0;
    for (word++; *word; word++) {
        count += *word == 'f';
        *is_yes = *is_yes || *word == 'y';
    }
    return count;
}

/* What the user's arguments say about what lies on disks. For a disk of another volume group lvm asks for -ff. */
enum force { FORCE_NONE, FORCE_DATA, FORCE_GROUPS };
static enum force find_force(const struct device_pool_want *want, struct arena *arena)
{
    const struct text_list *lists[] = { &want->pv_arguments, &want->vg_arguments, &want->zpool_arguments };
    enum force force = FORCE_NONE;

    for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
        struct text_list given = split(lists[l], arena);
        bool is_yes = false;
        int count = 0;

        for (uint32_t i = 0; (l == 2) == is_zfs(want) && i < given.count; i++)
            count += count_force(given.at[i], &is_yes);
        if (count > 1 || (count == 1 && is_zfs(want)))
            return FORCE_GROUPS;
        if (count > 0 || (is_yes && !is_zfs(want)))
            force = FORCE_DATA;
    }
    return force;
}

static const struct disk *find_disk(const struct outcome *outcome, const char *asked)
{
    for (uint32_t i = 0; i < outcome->disks.count; i++)
        if (outcome->disks.at[i].asked && strcmp(outcome->disks.at[i].asked, asked) == 0)
            return &outcome->disks.at[i];
    return NULL;
}

static int check_disk(const struct device_pool_want *want, const char *asked, const struct outcome *outcome,
                      struct plan *plan, struct trouble *trouble)
{
    const struct disk *disk = find_disk(outcome, asked);
    struct arena *arena = &plan->arena;
    enum force force = find_force(want, arena);
    struct step *step;

    if (!disk)
        return refuse(want, arena_printf(arena, "There is no block device %s, or it was given twice.", asked),
                      "'linstor physical-storage list' shows the devices that are free.", arena, trouble);
    if (disk->use)
        return refuse(want, arena_printf(arena, "%s is in use: %s.", asked, disk->use),
                      "End its use, or take another device.", arena, trouble);
    if (!disk->signature)
        return 0;
    if (force == FORCE_DATA && strstr(disk->signature, "LVM"))
        return 0; /* pvcreate knows whether it belongs to a group, and what to say then */
    if (force == FORCE_NONE)
        return refuse(want, arena_printf(arena, "%s is not empty: it holds %s.", asked, disk->signature),
                      arena_printf(arena,
                                   "If its data is not needed, wipe it ('wipefs -a %s' on the node), or add %s, which "
                                   "wipes it.",
                                   asked,
                                   is_zfs(want) ? "'--zpool-create-arguments=-f'" : "'--pv-create-arguments=-ff'"),
                      arena, trouble);
    step = plan_destructive(plan, want->authority, STEP_WIPE, "wipe %s from %s", disk->signature, disk->device);
    step->device = arena_strdup(arena, disk->device);
    return 0;
}

static struct step *add_command(const struct device_pool_want *want, struct plan *plan, const char *command,
                                const char *what)
{
    char *group = group_of(want, &plan->arena);
    struct step *step = plan_add(plan, STEP_EXEC, "%s '%s'", what, group);

    step->changes = true;
    step->patience = STEP_VERY_PATIENT;
    step->topic = arena_strdup(&plan->arena, command);
    step->turn = arena_printf(&plan->arena, "%s %s", is_zfs(want) ? "zfs" : "lvm", group);
    if (!is_zfs(want)) {
        PLAN_ADD_WORDS(plan, step, "lvm", command);
        lvm_add_config(plan, step);
    }
    return step;
}

static void plan_zpool(const struct device_pool_want *want, struct plan *plan)
{
    struct step *step = add_command(want, plan, "zpool", "make zpool");

    PLAN_ADD_WORDS(plan, step, "zpool", "create", "-m", "none");
    add_arguments(plan, step, &want->zpool_arguments);
    PLAN_ADD_WORDS(plan, step, want->place);
    add_list(plan, step, &want->devices);
}

static void plan_group(const struct device_pool_want *want, struct plan *plan)
{
    const char *slash = strchr(want->place, '/');
    struct step *step = add_command(want, plan, "pvcreate", "make physical volumes for volume group");

    add_arguments(plan, step, &want->pv_arguments);
    add_list(plan, step, &want->devices);
    step = add_command(want, plan, "vgcreate", "make volume group");
    add_arguments(plan, step, &want->vg_arguments);
    PLAN_ADD_WORDS(plan, step, group_of(want, &plan->arena));
    add_list(plan, step, &want->devices);
    if (!slash)
        return;
    step = add_command(want, plan, "lvcreate", "make a thin pool of all of volume group");
    PLAN_ADD_WORDS(plan, step, "--yes", "--type", "thin-pool", "--extents", "100%FREE", "--name", slash + 1);
    add_arguments(plan, step, &want->lv_arguments);
    PLAN_ADD_WORDS(plan, step, group_of(want, &plan->arena));
}

int device_pool_plan(const struct device_pool_want *want, const struct outcome *outcomes, struct plan *plan,
                     struct device_pool_fact *fact, struct trouble *trouble)
{
    if (outcomes[1].exit_code == 0) {
        fact->is_there_already = true;
        return refuse(
            want,
            arena_printf(&plan->arena, "There is a %s of this name already.", is_zfs(want) ? "zpool" : "volume group"),
            "Use it as it is ('linstor storage-pool create'), or choose another name.", &plan->arena, trouble);
    }
    for (uint32_t i = 0; i < want->devices.count; i++)
        if (check_disk(want, want->devices.at[i], &outcomes[0], plan, trouble) < 0)
            return -1;
    if (is_zfs(want))
        plan_zpool(want, plan);
    else
        plan_group(want, plan);
    return 0;
}

void device_pool_undo(const struct device_pool_want *want, const struct plan *made, const struct outcome *outcomes,
                      struct plan *plan)
{
    bool has_group = false, has_volumes = false;
    struct step *step;

    for (uint32_t i = 0; i < made->steps.count; i++) {
        const char *topic = made->steps.at[i].topic;

        if (!topic || outcomes[i].result != OUTCOME_DONE)
            continue;
        has_group = has_group || strcmp(topic, "vgcreate") == 0;
        has_volumes = has_volumes || strcmp(topic, "pvcreate") == 0;
    }
    if (has_group) {
        step = plan_destructive(plan, want->authority, STEP_EXEC, "remove volume group '%s', which was just made",
                                group_of(want, &plan->arena));
        step->changes = true;
        PLAN_ADD_WORDS(plan, step, "lvm", "vgremove");
        lvm_add_config(plan, step);
        PLAN_ADD_WORDS(plan, step, group_of(want, &plan->arena));
    }
    if (has_volumes) {
        step = plan_destructive(plan, want->authority, STEP_EXEC, "remove the physical volumes that were just made");
        step->changes = true;
        PLAN_ADD_WORDS(plan, step, "lvm", "pvremove");
        lvm_add_config(plan, step);
        add_list(plan, step, &want->devices);
    }
}
