/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looks at all block devices: sysfs, udev's database, and libblkid for what lies on them. Runs in workers. */
#pragma once

#include "drivers/step.h"

/* STEP_ASK_DISKS. 0 or -errno. */
int call_ask_disks(const struct step *step, struct outcome *outcome, struct arena *arena) MUST_CHECK;
