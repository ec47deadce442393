/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The body of an autoplace request, which two commands send. */
#pragma once

#include "roles/client/client.h"

/* The controller reads layers and diskless_on_remaining beside the filter, not in it: they are sent in both places. */
int autoplace_prepare(struct call *call);
