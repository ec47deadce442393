/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One executable, many roles: the name it was called by, or else its first argument, says which. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "roles/role.h"

static const struct role *const roles[] = {
    &role_controller,
    &role_satellite,
    &role_worker,
    &role_client,
};

/* "linstor-controller" -> "controller"; "linstor" -> NULL */
static const char *name_in_path(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;

    return strncmp(base, "linstor-", 8) == 0 ? base + 8 : NULL;
}

static const struct role *find_role(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
        if (strcmp(roles[i]->name, name) == 0)
            return roles[i];
    return NULL;
}

int main(int argc, char **argv)
{
    const char *name = argc > 0 ? name_in_path(argv[0]) : NULL;
    const struct role *role = name ? find_role(name) : NULL;

    if (role)
        return role->main(argc, argv);
    /*
     * "linstor controller" is also a command of the client ("linstor controller version"), so the daemons are told
     * apart by what follows: nothing, or an option.
     */
    if (argc > 1 && (role = find_role(argv[1])) && role != &role_client &&
        (role->hidden || argc == 2 || argv[2][0] == '-'))
        return role->main(argc - 1, argv + 1);
    return role_client.main(argc, argv);
}
