/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stands in front of the typed words: configuration files, then LS_CLIENT_* of the environment. Later wins. */
#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include <stdlib.h>

#include "base/text.h"
#include "roles/client/client.h"
#include "roles/client/config.h"

static const char etc[] = "/etc/linstor";

static void add_option(struct client *client, const char *name, const char *value, struct text_list *all)
{
    *LIST_ADD(all, client->arena) = arena_printf(client->arena, *value ? "--%s=%s" : "--%s", name, value);
}

static bool is_config_disabled(char *const *words, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(words[i], "--disable-config") == 0)
            return true;
    return getenv("LS_CLIENT_DISABLE_CONFIG") != NULL;
}

static void add_environment(struct client *client, struct text_list *all)
{
    static const char prefix[] = "LS_CLIENT_";

    for (char **variable = environ; *variable; variable++) {
        const char *equals = strchr(*variable, '=');
        char *name;

        if (!equals || !text_starts_with(*variable, prefix))
            continue;
        name = arena_strndup(client->arena, *variable + strlen(prefix), (size_t)(equals - *variable) - strlen(prefix));
        for (char *at = name; *at; at++)
            *at = *at == '_' ? '-' : (char)tolower((unsigned char)*at);
        add_option(client, name, equals + 1, all);
    }
}

void client_add_defaults(struct client *client, char *const *words, uint32_t count, struct text_list *all)
{
    struct config config = { 0 };
    const struct text_map *global;
    const char *wrong;

    if (!is_config_disabled(words, count)) {
        wrong = config_read(&config, etc, getenv("HOME"), client->arena);
        if (wrong)
            client_fail(client, EXIT_OK, "Warning: %s", wrong);
        global = config_find(&config, "global");
        for (uint32_t i = 0; global && i < global->count; i++)
            add_option(client, global->at[i].key, global->at[i].value, all);
    }
    add_environment(client, all);
    for (uint32_t i = 0; i < count; i++)
        *LIST_ADD(all, client->arena) = words[i];
}
