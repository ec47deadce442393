/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * In place of the LMDB store: a disk in memory that outlives the controller's processes. Commits are slow, or fail, or
 * are under way when the process dies: then all of the batch is there or nothing.
 */
#pragma once

#include "store_memory.h"

void store_sim_init(void);
void store_sim_done(void);
void store_sim_process_died(void);
void store_sim_set_delay(int64_t delay_ms); /* of every commit from now on; 0: as chance has it */
/* What is durable: the record as text, NULL when there is none. */
const char *store_sim_find(const char *table, const char *key);
size_t store_sim_count(void); /* of all records */
