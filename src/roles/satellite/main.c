/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "roles/role.h"

static int run(int argc, char **argv)
{
    (void)argc;
    fprintf(stderr, "%s: this role is not part of this build\n", argv[0]);
    return 2;
}

const struct role role_satellite = { .name = "satellite", .summary = "", .main = run };
const struct role role_worker = { .name = "worker", .summary = "", .main = run, .hidden = true };
