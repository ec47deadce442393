/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the layer BCACHE knows of its machine. Facts are of two sorts: what the devices of a volume bear, and what the
 * kernel has, whoever told it: udev registers what it sees, too. Names of facts:
 *
 *     RESOURCE_NUMBER     BCACHE_DATA, BCACHE_FAST: content of the volume's device and of its cache; _UUID, _SET: of
 *                         their superblocks; _HELD: the kernel had the device when it was looked at; BCACHE_SECTOR:
 *                         where the data begins. Uncertain when a step about the volume failed.
 *     module/bcache       the kernel has it
 *     set/UUID            the kernel has the cache
 *     device/bcache0      device and device_kib; BCACHE_UUID of the volume's device; BCACHE_SET that it is attached to
 */
#pragma once

#include "layers/look.h"

#define BCACHE_LAYER     "BCACHE"
#define BCACHE_DATA      "data"
#define BCACHE_DATA_UUID "data_uuid"
#define BCACHE_DATA_SET  "data_set"
#define BCACHE_DATA_HELD "data_held"
#define BCACHE_SECTOR    "data_sector"
#define BCACHE_FAST      "fast"
#define BCACHE_FAST_SET  "fast_set"
#define BCACHE_FAST_HELD "fast_held"
#define BCACHE_UUID      "uuid"
#define BCACHE_SET       "set"
#define BCACHE_MODE      "mode"
#define BCACHE_PERCENT   "writeback_percent"

/* Words of topics: which of the two devices was looked at. */
#define BCACHE_TOPIC_DATA "data"
#define BCACHE_TOPIC_FAST "fast"

/* Layer's ask_all and read. */
void bcache_facts_ask(const struct layer *layer, struct plan *plan);
int bcache_facts_read(const struct step *step, const struct outcome *outcome, int64_t asked, struct facts *facts,
                      struct arena *arena, struct trouble *trouble);
