/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "roles/controller/request.h"

/* Whether it is known what came of the removal; the answer is added to the request then. */
bool orphan_settled(struct request *q, const char *node, const char *pool, const char *identifier);
