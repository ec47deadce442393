/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of LVM and LVM_THIN share: lvm.c (pools, questions), lvm_volume.c (what volumes and snapshots lack),
 * lvm_step.c (commands), lvm_filter.c (what commands do not read), lvm_report.c (what lvs, vgs and pvs print),
 * lvm_read.c (outcomes become facts).
 *
 * Facts that only these two use: a pool's state has "devices", its physical volumes, the one with least in use first,
 * a line each; "zeroes", "yes" or "no": whether the thin pool zeroes blocks before they are used; and, until the next
 * volume is made, "selection WORDS": the physical volumes that the user's choice gave; "uuid": of its volume group;
 * "strangers": physical volumes of other volume groups with the same name, a line each; "complaint": what lvm said when
 * the thin pool could not be activated.
 */
#pragma once

#include "drivers/provider.h"

extern const char lvm_reader[];

/* Of what a step is about. */
#define LVM_GROUPS     "groups"        /* asks for volume groups */
#define LVM_VOLUMES    "volumes"       /* asks for all volumes of pools */
#define LVM_NAMED      "named volumes" /* asks for those in names */
#define LVM_THIN_POOLS "thin pools"    /* asks only how full thin pools are */
#define LVM_SELECTION  "selection"     /* asks which physical volumes the user's words choose */
#define LVM_PREPARE    "prepare"       /* activates a thin pool */
#define LVM_ZERO       "zero"          /* makes a thin pool zero what it gives out */
#define LVM_CREATE     "create"
#define LVM_CREATE_NEW "create, to be wiped"
#define LVM_RESTORE    "restore" /* name: of which snapshot */
#define LVM_TAKE       "take"    /* name: of which volume */
#define LVM_TAKE_HELD  "take, to be confirmed"
#define LVM_CONFIRM    "confirm" /* takes LVM_TAG_VOID away from snapshots in names */
#define LVM_GROW       "grow"
#define LVM_ACTIVATE   "activate"
#define LVM_WAIT       "wait"
#define LVM_WIPE       "wipe"
#define LVM_WIPED      "wiped" /* takes LVM_TAG_NEW away */
#define LVM_STATISTICS "statistics"
#define LVM_REMOVE     "remove"

#define LVM_DEVICES   "devices"
#define LVM_ZEROES    "zeroes"
#define LVM_UUID      "uuid"
#define LVM_STRANGERS "strangers"
#define LVM_COMPLAINT "complaint"

/* Of pools: the uuid of the volume group, which the satellite tells once it knows it, and the want then has. */
#define LVM_UUID_PROPERTY "StorDriver/internal/lvm/vgUuid"

/* Every volume that we make has the first, with the owner behind it; the second as well until it is wiped; a snapshot
 * the third until it is known that its volume stood still while it was taken. */
#define LVM_TAG_OWNER "linstor_for_"
#define LVM_TAG_NEW   "linstor_new"
#define LVM_TAG_VOID  "linstor_void"

/* A row of vgs: one for each physical volume of each group. */
struct lvm_group {
    char *name, *uuid;
    char *device; /* NULL: it is missing */
    int64_t extent_kib, total_kib, free_kib, device_used_kib;
};

struct lvm_volume {
    char *group, *name;
    char *thin_pool, *origin; /* NULL: none */
    int64_t size_kib, chunk_kib;
    double data_percent;    /* -1: not known, because it is not active */
    char *metadata_percent; /* NULL: not known */
    char *owner;            /* NULL: it bears no mark */
    bool is_active, is_thin_pool, zeroes, is_new, is_void;
    char health; /* '-' when all is well */
};

struct lvm_report {
    LIST_OF(struct lvm_group) groups;
    LIST_OF(struct lvm_volume) volumes;
    struct text_list devices; /* of pvs */
};

/* What lvs, vgs or pvs printed as JSON with sizes in bytes; 0, or -1 and why in arena. */
int lvm_report_parse(const char *text, struct lvm_report *report, struct arena *arena, char **why) MUST_CHECK;

outcome_reader lvm_read_outcome;

/* "/dev/vg0/db_00000" */
char *lvm_path(const char *group, const char *name, struct arena *arena) __attribute__((returns_nonnull));

/* Where a pool lies. thin_pool NULL: in the group itself. */
struct lvm_place {
    char *group, *thin_pool;
};
/* Of a pool that was checked. */
struct lvm_place lvm_place_of(const struct pool_want *pool, struct arena *arena);
/* "vg0", "vg0/thin" */
char *lvm_place_text(const struct lvm_place *place, struct arena *arena) __attribute__((returns_nonnull));
/* What LVM allows in names, which is also safe in the words of a selection. */
bool lvm_is_name(const char *name);

/*
 * What every command has behind "--config": devices that it must not read. Those of all volume groups named like one of
 * ours are left out, unless sees_strangers. facts may be NULL.
 */
char *lvm_config(const struct facts *facts, bool sees_strangers, struct arena *arena) __attribute__((returns_nonnull));
/* "--config" and lvm_config of what the plan's facts know. */
void lvm_add_config(struct plan *plan, struct step *step);
/* The beginning of lvs, vgs, pvs. */
void lvm_add_report_words(struct plan *plan, struct step *step, const char *tool, const char *columns,
                          bool sees_strangers);

/* A volume or snapshot that steps are about. */
struct lvm_target {
    const struct pool_want *pool;
    const char *identifier, *owner;
    const struct text_map *props;
    struct lvm_place place;
    char *path, *name; /* "/dev/vg0/db_00000", "vg0/db_00000" */
    struct plan *plan;
};
struct lvm_target lvm_target_of(const struct pool_want *pool, const char *identifier, const char *owner,
                                const struct text_map *props, struct plan *plan);
struct step *lvm_aim(const struct lvm_target *target, struct step *step, const char *topic)
    __attribute__((returns_nonnull));
/* A command of lvm that changes something, as far as its name; options may be NULL, or the user's, which go before. */
struct step *lvm_aim_command(const struct lvm_target *target, struct step *step, const char *topic, const char *command,
                             const struct text_list *options) __attribute__((returns_nonnull));
/* The tags of what is made. */
void lvm_add_owner(const struct lvm_target *target, struct step *step);
void lvm_plan_wait(const struct lvm_target *target);
/* What the kernel has, and the device that shows it. False: steps were added, and their outcome is needed first. */
bool lvm_plan_device(const struct lvm_target *target, const struct storage_fact *fact);
void lvm_plan_remove(const struct lvm_target *target, const char *what, const char *authority);
void lvm_aim_wipe(const struct lvm_target *target, const struct storage_fact *fact, struct step *step);

/* What users set. */
const char *lvm_prop(const struct lvm_target *target, const char *key);
bool lvm_has_option(const struct text_list *words, const char *letter, const char *name);
/*
 * On which physical volumes a thick volume shall lie, in *lines. 1: it has to be asked first, and a step was added; -1
 * and *trouble: on none.
 */
int lvm_choose_devices(const struct lvm_target *target, const struct storage_pool_fact *pool, const char **lines,
                       struct trouble *trouble) MUST_CHECK;
void lvm_add_lines(const struct lvm_target *target, struct step *step, const char *lines);

/* The rows' functions of lvm_volume.c. */
int lvm_raise(const struct provider_volume *volume, const struct storage_fact *fact, struct plan *plan,
              struct trouble *trouble);
int lvm_lower_thick(const struct provider_volume *volume, const struct storage_fact *fact, struct plan *plan,
                    struct trouble *trouble);
int lvm_lower_thin(const struct provider_volume *volume, const struct storage_fact *fact, struct plan *plan,
                   struct trouble *trouble);
int lvm_take(const struct provider_snapshot *snapshot, const struct storage_fact *fact,
             const struct storage_fact *volume, struct plan *plan, struct trouble *trouble);
int lvm_drop(const struct provider_snapshot *snapshot, const struct storage_fact *fact, struct plan *plan,
             struct trouble *trouble);
void lvm_confirm(const struct provider_snapshot *snapshot, struct plan *plan);
