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
#include "workload.h"

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

/* Of a resource's record. */
struct recorded {
    bool is_there, has_volume, is_leaving, is_deployed;
};

/* Which volume the step is about, and what is recorded of it. */
static struct recorded find_recorded(const struct host *host, const char *identifier, int *definition, int *number)
{
    const char *underscore = identifier ? strrchr(identifier, '_') : NULL, *record;
    char name[NAME_SIZE] = "", key[2 * NAME_SIZE];
    struct recorded recorded = { 0 };
    struct json_error error;
    const cJSON *volume;
    cJSON *json;

    if (!underscore || (size_t)(underscore - identifier) >= sizeof(name))
        world_violation("%s: a step does not say of which volume", host->name);
    memcpy(name, identifier, (size_t)(underscore - identifier));
    *definition = definition_by_name(name);
    *number = atoi(underscore + 1);
    if (*definition < 0 || *number >= VOLUMES)
        world_violation("%s: %s is a volume that nobody has made", host->name, identifier);
    snprintf(key, sizeof(key), "R%d/N%d", *definition, host->index);
    record = store_sim_find("resource", key);
    json = record ? json_parse(record, strlen(record), &error) : NULL;
    recorded.is_there = json != NULL;
    recorded.is_leaving = has_delete_flag(json);
    cJSON_ArrayForEach(volume, cJSON_GetObjectItemCaseSensitive(json, "volumes"))
    {
        const cJSON *at = cJSON_GetObjectItemCaseSensitive(volume, "number");

        if ((at ? at->valueint : 0) != *number)
            continue;
        recorded.has_volume = true;
        recorded.is_leaving = recorded.is_leaving || has_delete_flag(volume);
        recorded.is_deployed = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(volume, "is_deployed"));
    }
    cJSON_Delete(json);
    return recorded;
}

void guard_destruction(const struct host *host, const struct step *step, int64_t made_ms)
{
    int definition, number;
    struct recorded recorded = find_recorded(host, step->identifier, &definition, &number);
    int64_t allowed_ms = own.allowed_ms[definition][host->index][number];

    if (recorded.is_there && !recorded.is_leaving && allowed_ms < made_ms)
        world_violation("%s: \"%s\", but the resource is not to be deleted", host->name, step->what);
    if (!recorded.is_there && allowed_ms == 0)
        world_violation("%s: \"%s\", but no request has allowed that", host->name, step->what);
}

void guard_creation(const struct host *host, const struct step *step)
{
    int definition, number;
    struct recorded recorded = find_recorded(host, step->identifier, &definition, &number);

    if (recorded.is_there && recorded.is_deployed && !recorded.is_leaving)
        world_violation("%s: \"%s\", but the volume's data lies on a file system that is not mounted", host->name,
                        step->what);
}

void guard_found_again(const struct host *host, const char *path, int64_t made_ms)
{
    int definition, number;
    struct recorded recorded = find_recorded(host, strrchr(path, '/') + 1, &definition, &number);

    /* Deleted, and made anew before it was seen again. */
    if (!recorded.has_volume || recorded.is_leaving || own.allowed_ms[definition][host->index][number] >= made_ms)
        workload_note_orphan(definition, host->index);
}
