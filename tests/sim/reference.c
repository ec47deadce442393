/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reference.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "store_sim.h"

const char *definition_name(int definition)
{
    static const char *const names[DEFINITIONS] = { "r0", "r1", "r2", "r3", "r4", "r5" };

    return names[definition];
}

int definition_by_name(const char *name)
{
    for (int i = 0; i < DEFINITIONS; i++)
        if (text_equal_fold(definition_name(i), name))
            return i;
    return -1;
}

const char *pool_name(int pool)
{
    return pool == 0 ? "thin" : "thick";
}

static cJSON *find(const char *table, const char *format, ...) PRINTF_LIKE(2, 3);

/* The record, to be deleted; NULL when there is none. */
static cJSON *find(const char *table, const char *format, ...)
{
    char key[64];
    const char *record;
    struct json_error error;
    va_list args;

    va_start(args, format);
    vsnprintf(key, sizeof(key), format, args);
    va_end(args);
    text_upper(key);
    record = store_sim_find(table, key);
    return record ? json_parse(record, strlen(record), &error) : NULL;
}

static bool has_flag(const cJSON *record, const char *flag)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(record, "flags")) if (strcmp(item->valuestring, flag) ==
                                                                                    0) return true;
    return false;
}

static enum presence presence_of(const cJSON *record)
{
    if (!record)
        return ABSENT;
    return has_flag(record, "DELETE") ? LEAVING : PRESENT;
}

static int mark_of(const cJSON *record)
{
    const cJSON *mark = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(record, "props"), "Aux/sim");

    return mark ? atoi(mark->valuestring) : 0;
}

static int64_t number_of(const cJSON *record, const char *member)
{
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(record, member);

    return cJSON_IsString(number) ? atoll(number->valuestring) : number ? (int64_t)number->valuedouble : 0;
}

static void read_definition(struct reference_definition *definition, int at)
{
    const char *name = definition_name(at);
    cJSON *record = find("resource_definition", "%s", name);

    definition->at = presence_of(record);
    definition->mark = mark_of(record);
    cJSON_Delete(record);
    for (int i = 0; i < VOLUMES; i++) {
        record = find("volume_definition", "%s/%05d", name, i);
        definition->volumes[i].at = presence_of(record);
        definition->volumes[i].size_kib = number_of(record, "size_kib");
        cJSON_Delete(record);
    }
    for (int i = 1; i <= world.satellites; i++) {
        record = find("resource", "%s/%s", name, world.hosts[i].name);
        definition->resources[i].at = presence_of(record);
        definition->resources[i].mark = mark_of(record);
        cJSON_Delete(record);
    }
}

void reference_read(struct reference *reference, struct parts parts)
{
    memset(reference, 0, sizeof(*reference));
    for (int i = 0; i < DEFINITIONS; i++)
        if (parts.definitions >> i & 1)
            read_definition(&reference->definitions[i], i);
    for (int i = 1; i <= world.satellites; i++) {
        struct reference_node *node = &reference->nodes[i];
        cJSON *record;

        if (!(parts.nodes >> i & 1))
            continue;
        record = find("node", "%s", world.hosts[i].name);
        node->at = presence_of(record);
        node->mark = mark_of(record);
        cJSON_Delete(record);
        for (int pool = 0; pool < POOLS; pool++) {
            record = find("storage_pool", "%s/%s", world.hosts[i].name, pool_name(pool));
            node->pools[pool].at = presence_of(record);
            node->pools[pool].mark = mark_of(record);
            cJSON_Delete(record);
        }
    }
}

static const char *say(const char *format, ...) PRINTF_LIKE(1, 2);

static const char *say(const char *format, ...)
{
    static char text[256];
    char made[sizeof(text)]; /* text may be among the arguments */
    va_list args;

    va_start(args, format);
    vsnprintf(made, sizeof(made), format, args);
    va_end(args);
    return strcpy(text, made);
}

static const char *const presence_names[] = { "absent", "present", "leaving", "absent or present" };

/* NULL when it is as it must be. */
static const char *compare_presence(enum presence wanted, enum presence actual)
{
    if (wanted == actual || (wanted == LEAVING && actual == ABSENT) || wanted == OPTIONAL)
        return NULL;
    return say("should be %s and is %s", presence_names[wanted], presence_names[actual]);
}

static const char *compare_resource(const struct reference_resource *wanted, const struct reference_resource *actual)
{
    const char *wrong = compare_presence(wanted->at, actual->at);

    if (!wrong && wanted->at == PRESENT && wanted->mark != actual->mark)
        wrong = say("should have Aux/sim %d and has %d", wanted->mark, actual->mark);
    return wrong;
}

static const char *compare_definition(const struct reference_definition *wanted,
                                      const struct reference_definition *actual, const char *name)
{
    const char *wrong = compare_presence(wanted->at, actual->at);

    if (wrong)
        return say("definition %s %s", name, wrong);
    if (wanted->at != PRESENT)
        return NULL;
    if (wanted->mark != actual->mark)
        return say("definition %s should have Aux/sim %d and has %d", name, wanted->mark, actual->mark);
    for (int i = 0; i < VOLUMES; i++) {
        const struct reference_volume *volume = &wanted->volumes[i];

        wrong = compare_presence(volume->at, actual->volumes[i].at);
        if (!wrong && volume->at == PRESENT && volume->size_kib != actual->volumes[i].size_kib)
            wrong = say("should have %lld KiB and has %lld", (long long)volume->size_kib,
                        (long long)actual->volumes[i].size_kib);
        if (wrong)
            return say("volume %d of definition %s %s", i, name, wrong);
    }
    for (int i = 1; i <= world.satellites; i++) {
        wrong = compare_resource(&wanted->resources[i], &actual->resources[i]);
        if (wrong)
            return say("resource %s on %s %s", name, world.hosts[i].name, wrong);
    }
    return NULL;
}

static const char *compare_node(const struct reference_node *wanted, const struct reference_node *actual,
                                const char *name)
{
    const char *wrong = compare_presence(wanted->at, actual->at);

    if (wrong)
        return say("node %s %s", name, wrong);
    if (wanted->at != PRESENT)
        return NULL;
    if (wanted->mark != actual->mark)
        return say("node %s should have Aux/sim %d and has %d", name, wanted->mark, actual->mark);
    for (int i = 0; i < POOLS; i++) {
        wrong = compare_resource(&wanted->pools[i], &actual->pools[i]);
        if (wrong)
            return say("pool %s on %s %s", pool_name(i), name, wrong);
    }
    return NULL;
}

const char *reference_compare(const struct reference *wanted, const struct reference *actual, struct parts parts)
{
    const char *wrong = NULL;

    for (int i = 0; i < DEFINITIONS && !wrong; i++)
        if (parts.definitions >> i & 1)
            wrong = compare_definition(&wanted->definitions[i], &actual->definitions[i], definition_name(i));
    for (int i = 1; i <= world.satellites && !wrong; i++)
        if (parts.nodes >> i & 1)
            wrong = compare_node(&wanted->nodes[i], &actual->nodes[i], world.hosts[i].name);
    return wrong;
}

static void leave(enum presence *at, enum presence actual)
{
    if (*at == OPTIONAL || (*at == LEAVING && actual == ABSENT))
        *at = actual;
}

static void take_definition(struct reference_definition *to, const struct reference_definition *actual)
{
    leave(&to->at, actual->at);
    if (to->at == ABSENT)
        *to = (struct reference_definition){ 0 };
    for (int i = 0; i < VOLUMES; i++)
        leave(&to->volumes[i].at, actual->volumes[i].at);
    for (int i = 1; i <= world.satellites; i++) {
        if (to->resources[i].at == OPTIONAL)
            to->resources[i].mark = actual->resources[i].mark;
        leave(&to->resources[i].at, actual->resources[i].at);
    }
}

void reference_take(struct reference *to, const struct reference *from, const struct reference *actual,
                    struct parts parts)
{
    for (int i = 0; i < DEFINITIONS; i++) {
        if (!(parts.definitions >> i & 1))
            continue;
        to->definitions[i] = from->definitions[i];
        take_definition(&to->definitions[i], &actual->definitions[i]);
    }
    for (int i = 1; i <= world.satellites; i++) {
        if (!(parts.nodes >> i & 1))
            continue;
        to->nodes[i] = from->nodes[i];
        leave(&to->nodes[i].at, actual->nodes[i].at);
        if (to->nodes[i].at == ABSENT)
            to->nodes[i] = (struct reference_node){ 0 };
    }
}
