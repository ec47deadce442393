/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the planner of LVM and LVM_THIN (lvm.c) and the reader of its tools (lvm_read.c) share: topics of steps, names
 * in facts, and the tables that lvs, vgs and pvs print.
 *
 * Facts that only these two use: a pool's state has "devices", its physical volumes, the one with least in use first,
 * a line each; "zeroes", "yes" or "no": whether the thin pool zeroes blocks before they are used; and, until the next
 * volume is made, "selection WORDS": the physical volumes that the user's choice gave.
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
#define LVM_GROW       "grow"
#define LVM_ACTIVATE   "activate"
#define LVM_WAIT       "wait"
#define LVM_WIPE       "wipe"
#define LVM_WIPED      "wiped" /* takes LVM_TAG_NEW away */
#define LVM_STATISTICS "statistics"
#define LVM_REMOVE     "remove"

#define LVM_DEVICES "devices"
#define LVM_ZEROES  "zeroes"

/* Every volume that we make has the first; the second as well until it is wiped. */
#define LVM_TAG     "linstor"
#define LVM_TAG_NEW "linstor_new"

/* A row of vgs: one for each physical volume of each group. */
struct lvm_group {
    char *name, *device;
    int64_t extent_kib, total_kib, free_kib, device_used_kib;
};

struct lvm_volume {
    char *group, *name;
    char *thin_pool, *origin; /* NULL: none */
    int64_t size_kib, chunk_kib;
    double data_percent;    /* -1: not known, because it is not active */
    char *metadata_percent; /* NULL: not known */
    bool is_active, is_thin_pool, zeroes, is_ours, is_new;
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
