/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the one executable can be. Each role has a directory of its own and never includes another. */
#pragma once

#include <stdbool.h>

struct role {
    const char *name;    /* "controller": called as linstor-controller or, with an option, linstor controller */
    const char *summary; /* one line of --help */
    int (*main)(int argc, char **argv); /* argv[0] is the role's name or the program */
    bool hidden;                        /* a helper that the program runs on itself */
};

extern const struct role role_controller, role_satellite, role_worker, role_client;
