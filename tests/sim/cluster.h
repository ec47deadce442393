/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The processes of the simulated cluster: a controller and some satellites, made of the program's own objects. They are
 * started here, killed here, and started again; and here the faults are thrown that concern whole processes, hosts and
 * the network.
 */
#pragma once

#include <stdbool.h>

#include "roles/controller/service.h"
#include "world.h"

void cluster_init(void);       /* starts everything, and the faults */
void cluster_end_faults(void); /* heals, and everything is started again */
/* Ends all processes as their main functions do. */
void cluster_done(void);

void cluster_crash(struct host *host);
/* Its satellite is started again start_ms later, with every file system mounted where there are no faults. */
void cluster_lose_power(struct host *host, int64_t start_ms);
/* UUID of the run of the satellite's process; NULL: none is running. */
const char *cluster_boot(const struct host *host);
/* How often a controller was started; counts up at each crash, too. */
int cluster_incarnation(void);
struct service *cluster_service(void); /* NULL: no controller is running */
bool cluster_journal_is_idle(void);    /* true also when no controller is running */
