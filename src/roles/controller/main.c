/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "roles/role.h"

static int run(int argc, char **argv)
{
    (void)argc;
    fprintf(stderr, "%s: this role is not part of this build\n", argv[0]);
    return 2;
}

const struct role role_controller = { .name = "controller", .summary = "", .main = run };
