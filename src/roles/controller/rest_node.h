/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What waiting for a node shares with nodes. */
#pragma once

#include "roles/controller/request.h"

/* True when the node's satellite is there, refuses this controller, or the node is gone; the entry that tells of it is
 * then in rc. */
bool node_settled(struct request *q, const char *name);
