/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What groups share with placing: the select filter of a body. */
#pragma once

#include "api/resource_group.h"
#include "roles/controller/request.h"

/* What the body names replaces what filter has; nothing is copied. -1 and rc when a member is not possible. */
int group_take_filter(struct request *q, struct select_filter *filter, const struct select_filter_doc *body);
