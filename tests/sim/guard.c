/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The record of the resource decides: it, or the volume, must be marked for deletion. Where the record has gone before
 * its data, because a node was given up while it was away, a request must have allowed it once; and where another
 * resource of that name has come meanwhile, the data must be older than that request.
 */
#include "guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "store_sim.h"

static struct guard_memory own;

void guard_init(void)
{
    memset(&own, 0, sizeof(own));
}

void guard_allow(int definition, int node, int number)
{
    for (int i = 0; i < VOLUMES; i++)
        if (number < 0 || number == i)
            own.allowed_ms[definition][node][i] = world_now_ms();
}

void guard_save(struct guard_memory *memory)
{
    *memory = own;
}

void guard_restore(const struct guard_memory *memory, struct parts parts)
{
    for (int i = 0; i < DEFINITIONS; i++)
        if (parts.definitions >> i & 1)
            memcpy(own.allowed_ms[i], memory->allowed_ms[i], sizeof(own.allowed_ms[i]));
}

static bool has_delete_flag(const cJSON *object)
{
    const cJSON *flag;

    cJSON_ArrayForEach(flag, cJSON_GetObjectItemCaseSensitive(object, "flags")) if (strcmp(flag->valuestring,
                                                                                           "DELETE") == 0) return true;
    return false;
}

static bool is_marked(const char *record, int number)
{
    struct json_error error;
    cJSON *json = json_parse(record, strlen(record), &error);
    bool marked = has_delete_flag(json);
    const cJSON *volume;

    cJSON_ArrayForEach(volume, cJSON_GetObjectItemCaseSensitive(json, "volumes"))
    {
        const cJSON *at = cJSON_GetObjectItemCaseSensitive(volume, "number");

        if ((at ? at->valueint : 0) == number)
            marked = marked || has_delete_flag(volume);
    }
    cJSON_Delete(json);
    return marked;
}

void guard_destruction(const struct host *host, const struct step *step, int64_t made_ms)
{
    char name[NAME_SIZE] = "", key[2 * NAME_SIZE];
    const char *underscore = step->identifier ? strrchr(step->identifier, '_') : NULL, *record;
    int definition, number;
    int64_t allowed_ms;

    if (!underscore || (size_t)(underscore - step->identifier) >= sizeof(name))
        world_violation("%s: \"%s\" does not say of which volume", host->name, step->what);
    memcpy(name, step->identifier, (size_t)(underscore - step->identifier));
    definition = definition_by_name(name);
    number = atoi(underscore + 1);
    if (definition < 0 || number >= VOLUMES)
        world_violation("%s: \"%s\" is about a volume that nobody has made", host->name, step->what);
    snprintf(key, sizeof(key), "R%d/N%d", definition, host->index);
    record = store_sim_find("resource", key);
    allowed_ms = own.allowed_ms[definition][host->index][number];
    if (record && !is_marked(record, number) && allowed_ms < made_ms)
        world_violation("%s: \"%s\", but resource %s is not to be deleted: %s", host->name, step->what, key, record);
    if (!record && allowed_ms == 0)
        world_violation("%s: \"%s\", but no request has allowed that", host->name, step->what);
}
