/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Clients: they create, change and delete, each thing by one client at a time, and remember what they were told. When a
 * request is over, what is durable must be as it was before, or as the request wanted it: the latter if its success was
 * acknowledged.
 */
#pragma once

#include "reference.h"

void workload_start(void);
void workload_stop(void); /* no new requests; those on their way are waited for */
bool workload_is_over(void);
void workload_done(void);
const struct reference *workload_reference(void);
/* Files of the resource may be left on the node: its node was given up, or its file system was not mounted. */
bool workload_may_be_orphan(int definition, int node);
void workload_note_orphan(int definition, int node);
