/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a step may destroy what it is about to: only what a user's request has allowed, and nothing beside it. */
#pragma once

#include <stdint.h>

#include "drivers/step.h"
#include "reference.h"

void guard_init(void);
/* A request was sent that allows the data of a volume on a node to be destroyed. number -1: all. */
void guard_allow(int definition, int node, int number);
/* It had no effect: what was allowed before it holds again. */
struct guard_memory {
    int64_t allowed_ms[DEFINITIONS][HOST_LIMIT][VOLUMES]; /* when a request for it was sent last; 0: never */
};
void guard_save(struct guard_memory *memory);
void guard_restore(const struct guard_memory *memory, struct parts parts);
/* Ends the program when the step must not be done. made_ms: how old the data is. */
void guard_destruction(const struct host *host, const struct step *step, int64_t made_ms);
/* Likewise when the step makes a new file although one of its name lies hidden. */
void guard_creation(const struct host *host, const struct step *step);
/*
 * A file that lay hidden is seen again. If its resource was deleted meanwhile, it is an orphan: nobody could remove it,
 * and the satellite could not know whether it was lost. A volume that has its name by now takes it as it is.
 */
void guard_found_again(const struct host *host, const char *path, int64_t made_ms);
