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
/* Whether its node was given up once with this resource on it: then files may be left. */
bool workload_may_be_orphan(int definition, int node);
