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

/*
 * "linstor controller" is also a command of the client ("linstor controller version"), so the daemon is told from it by
 * the option that follows. Alone it is what somebody types who wants to know the commands, not to start a controller.
 */
static bool is_meant(const struct role *role, const char *next)
{
    if (role == &role_client)
        return false;
    return role->hidden || (next ? next[0] == '-' : role != &role_controller);
}

int main(int argc, char **argv)
{
    const char *name = argc > 0 ? name_in_path(argv[0]) : NULL;
    const struct role *role = name ? find_role(name) : NULL;

    if (role)
        return role->main(argc, argv);
    if (argc > 1 && (role = find_role(argv[1])) && is_meant(role, argc > 2 ? argv[2] : NULL))
        return role->main(argc - 1, argv + 1);
    return role_client.main(argc, argv);
}
