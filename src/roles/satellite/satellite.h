/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A satellite: takes wants from one controller at a time, makes its machine be so, and reports. Any number of them can
 * live in one process, each on its own loop, runner and port; nothing is global. It has no store of its own: what
 * exists is seen on the machine, what should exist is told by the controller after each connect.
 */
#pragma once

#include "base/loop.h"
#include "drivers/run.h"

struct satellite;

struct satellite_options {
    const char *name;         /* NULL: the host name, and any name by which a controller knows it is accepted */
    const char *data_dir;     /* NULL: nothing is kept; else the cluster served last is */
    const char *bind_address; /* "::" */
    int port;                 /* 0: a free one */
};

/* Copies what it needs of options. It listens as soon as it knows what its machine can do. */
struct satellite *satellite_new(struct loop *loop, struct runner *runner, const struct satellite_options *options);
void satellite_free(struct satellite *satellite); /* before the runner's */
/* Called once: 0 when it listens, -errno when the port cannot be had. */
void satellite_on_listening(struct satellite *satellite, void (*listening)(void *owner, int error), void *owner);
int satellite_port(const struct satellite *satellite); /* 0 before it listens */
