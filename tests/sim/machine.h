/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The machines below satellites, in memory: directories, files, loop devices, room. What drivers/call.c does to a real
 * machine is done here to these, with the same results. A machine outlives its satellite's processes; losing power it
 * loses its loop devices and keeps its files.
 */
#pragma once

#include "drivers/step.h"
#include "world.h"

#define MACHINE_POOLS "/pools" /* has a directory for each pool */

void machines_init(void);
void machines_done(void);

/* What the step does, all at once. *outcome must be zeroed. */
void machine_run(struct host *host, const struct step *step, struct outcome *outcome, struct arena *arena);
/* Some file systems of pools may not be mounted when it comes back. */
void machine_power_lost(struct host *host);
void machine_mount_all(struct host *host);
/* Somebody opens a device that is there, or closes all. */
void machine_open_some(struct host *host);
void machine_close_all(struct host *host);

struct machine_file {
    const char *path;
    int64_t size_kib, allocated_kib;
    int64_t made_ms;
    const char *device; /* NULL: none shows it */
    int64_t device_kib;
};
/* The first file of a machine whose path is greater; NULL path: the first. false: there is none. */
bool machine_next_file(const struct host *host, const char *path, struct machine_file *file);
bool machine_find_file(const struct host *host, const char *path, struct machine_file *file);
int machine_count_devices(const struct host *host);

/* run_sim.c: steps of dead satellites that are still being done. */
int runners_count_orphans(const struct host *host);
void runners_power_lost(struct host *host);
void runners_process_died(struct host *host);
void runners_done(void);
