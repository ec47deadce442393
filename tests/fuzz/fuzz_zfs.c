/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "drivers/zfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_as(const char *topic, char *text, struct facts *facts, struct arena *arena)
{
    struct step step = { .kind = STEP_EXEC, .topic = arena_strdup(arena, topic), .what = arena_strdup(arena, "look") };
    struct outcome outcome = { .result = OUTCOME_DONE, .output = text };
    struct trouble trouble = { 0 };

    text_list_add(&step.argv, "zfs", arena);
    text_list_add(&step.pools, "pool", arena);
    text_list_add(&step.paths, "tank", arena);
    if (zfs_read_outcome(&step, &outcome, facts->stamp, facts, arena, &trouble) < 0 && !trouble.message)
        abort();
}

static uint32_t check(const struct facts *facts)
{
    uint32_t count = 0;

    for (const struct storage_fact *fact = facts_first_volume(facts, "pool"); fact; fact = facts_next_volume(fact)) {
        if (!fact->identifier || fact->size_kib < 0 || fact->allocated_kib < 0 || fact->dependents < 0)
            abort();
        if (fact->backing && strncmp(fact->backing, "tank/", 5) != 0)
            abort();
        count += fact->backing != NULL;
    }
    return count;
}

/* What `zfs list` prints, as rows and as facts: the same text twice says the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = { 0 };
    char *text = arena_strndup(&arena, (const char *)data, size), *why = NULL;
    struct zfs_list list = { 0 };
    struct facts facts = { 0 };
    uint32_t count;

    if (zfs_list_parse(text, &list, &arena, &why) < 0 && !why)
        abort();
    read_as(ZFS_LIST, text, &facts, &arena);
    count = check(&facts);
    if (count > list.rows.count)
        abort();
    read_as(ZFS_LIST, text, &facts, &arena);
    if (check(&facts) != count)
        abort();
    read_as(ZFS_STATES, text, &facts, &arena);
    check(&facts);
    facts_done(&facts);
    arena_done(&arena);
    return 0;
}
