/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the layer NVME knows of its machine: subsystems that are exported and controllers that are connected, as they
 * stand in configfs and sysfs. Names of facts:
 *
 *     module/nvmet, module/nvme-fabrics       the kernel has it
 *     port/ID                                 NVME_ADDRESS, NVME_TRANSPORT, NVME_SERVICE
 *     target/SUBSYSTEM                        NVME_ANY_HOST; "host NAME" and "port ID" are linked to it
 *     namespace/SUBSYSTEM/NUMBER              NVME_PATH, NVME_ENABLED; NVME_TOLD: the size that initiators were told of
 *     controller/SUBSYSTEM/nvme0              NVME_ADDRESS, NVME_TRANSPORT, NVME_SERVICE
 *     device/SUBSYSTEM/NUMBER                 device and device_kib; NVME_RELEASED: nobody used it when it was to go
 *     look/SUBSYSTEM                          uncertain: a step about it failed
 */
#pragma once

#include "layers/look.h"

#define NVME_LAYER     "NVME"
#define NVME_PREFIX    "LS-NVMe_" /* LINSTOR: of names of subsystems */
#define NVME_CONFIG    "/sys/kernel/config/nvmet"
#define NVME_FABRICS   "/dev/nvme-fabrics"
#define NVME_ADDRESS   "address"
#define NVME_TRANSPORT "transport"
#define NVME_SERVICE   "service"
#define NVME_ANY_HOST  "any_host"
#define NVME_PATH      "path"
#define NVME_ENABLED   "enabled"
#define NVME_TOLD      "told_kib"

/* Words of a step's topic, which tells what its outcome means. */
#define NVME_TOPIC_NAMESPACE  "namespace"
#define NVME_TOPIC_CONNECT    "connect"
#define NVME_TOPIC_DISCONNECT "disconnect"
#define NVME_TOPIC_RELEASE    "release"
#define NVME_RELEASED         "released"

void nvme_facts_ask(const struct layer *layer, struct plan *plan);
/* NULL: nothing is known of it. name: as above. */
const struct layer_fact *nvme_facts_find(const struct facts *facts, struct arena *arena, const char *name, ...)
    PRINTF_LIKE(3, 4);
/* The first and the next whose names begin with prefix. */
const struct layer_fact *nvme_facts_first(const struct facts *facts, const char *prefix);
const struct layer_fact *nvme_facts_next(const struct layer_fact *fact, const char *prefix);
/* Layer's read. */
int nvme_facts_read(const struct step *step, const struct outcome *outcome, int64_t asked, struct facts *facts,
                    struct arena *arena, struct trouble *trouble);
