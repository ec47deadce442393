/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Makes what storage pools lie on out of whole disks: volume groups, thin pools, zpools. Pure, like providers; not part
 * of any want: it is done once, when a user asks for it, and what came of it is told.
 *
 * A disk that somebody uses is never taken. One that holds data is taken when the user's arguments say so ("--force",
 * "-f", "-ff", "-y" of pvcreate, "-f" of zpool create); it is wiped then. But a physical volume is only wiped for
 * "-ff": without it pvcreate looks whether it belongs to a volume group.
 */
#pragma once

#include "drivers/plan.h"
#include "model/disk.h"

/*
 * The step that looks at the disks, also for nothing but a list of them. Devices that the satellite has made are none,
 * and are not read.
 */
struct step *device_pool_ask_disks(struct plan *plan) __attribute__((returns_nonnull));
/* Looks at the disks, then for a thing of the same name. 0, or -1 and *trouble. */
int device_pool_ask(const struct device_pool_want *want, struct plan *plan, struct trouble *trouble) MUST_CHECK;
/* outcomes: of the steps of device_pool_ask. 0, or -1, *trouble and fact->is_there_already. */
int device_pool_plan(const struct device_pool_want *want, const struct outcome *outcomes, struct plan *plan,
                     struct device_pool_fact *fact, struct trouble *trouble) MUST_CHECK;
/*
 * What takes away again what the steps of device_pool_plan made before one failed; no steps: nothing. outcomes: of
 * those steps.
 */
void device_pool_undo(const struct device_pool_want *want, const struct plan *made, const struct outcome *outcomes,
                      struct plan *plan);
