/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What waiting for a device pool shares with those who wait. */
#pragma once

#include "roles/controller/request.h"

/* True when the satellite has answered, or cannot any more; errors are in rc then. */
bool device_pool_settled(struct request *q, const char *node);
/* The deadline is over. */
void device_pool_give_up(struct request *q, const char *node);
