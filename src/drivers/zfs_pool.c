/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pools of ZFS: which names they may have, what is asked about them, and how large their blocks are. */
#include <string.h>

#include "base/text.h"
#include "drivers/words.h"
#include "drivers/zfs.h"
#include "model/layer.h"

enum { BLOCK_KIB = 8, NAME_LIMIT = 255, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* The older keys are what databases of early versions contain. */
const char *zfs_dataset_of(const struct pool_want *pool)
{
    static const char *const keys[] = { PROVIDER_POOL_PROPERTY, "StorDriver/ZPoolThin", "StorDriver/ZPool" };

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (text_map_find(&pool->props, keys[i]))
            return text_map_find(&pool->props, keys[i]);
    return NULL;
}

bool zfs_is_part(const char *text, size_t length)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:";

    return length > 0 && text[0] != '-' && text[0] != '.' && strspn(text, letters) >= length;
}

/* "tank/linstor": parts of letters that zfs allows, one slash between two. */
static bool is_dataset(const char *name)
{
    if (strlen(name) >= NAME_LIMIT)
        return false;
    for (;; name++) {
        size_t length = strcspn(name, "/");

        if (!zfs_is_part(name, length))
            return false;
        name += length;
        if (!*name)
            return true;
    }
}

int zfs_check(const struct pool_want *pool, struct arena *arena, struct trouble *trouble)
{
    const char *dataset = zfs_dataset_of(pool);

    if (dataset && is_dataset(dataset))
        return 0;
    trouble->message = arena_printf(arena, "Storage pool '%s' cannot be used.", pool->pool);
    trouble->cause = dataset ? arena_printf(arena, "'%s' is not the name of a data set.", dataset)
                             : arena_strdup(arena, "The property " PROVIDER_POOL_PROPERTY " does not name a data set.");
    trouble->correction =
        arena_strdup(arena, "Set " PROVIDER_POOL_PROPERTY " to the name of a zpool, or of a file system in one.");
    return -1;
}

/* Questions. */

void zfs_prepare(const struct pool_want *pool, struct plan *plan)
{
    const char *dataset = zfs_dataset_of(pool);
    struct step *step =
        plan_add(plan, STEP_EXEC, "look how large blocks of new volumes in %s would be, creating nothing", dataset);

    PLAN_ADD_WORDS(plan, step, "zfs", "create", "-n", "-P", "-s", "-V", "1K",
                   arena_printf(&plan->arena, "%s/LINSTOR_dry_run", dataset));
    step->reader = arena_strdup(&plan->arena, zfs_reader);
    step->topic = arena_strdup(&plan->arena, ZFS_BLOCKS);
    step->pool = arena_strdup(&plan->arena, pool->pool);
    /* Whether the pool is there the questions after it say. */
    step->accept = 1 | 1 << EXIT_FAILED | 1 << EXIT_USAGE;
    step->turn = arena_strdup(&plan->arena, "ask zfs");
}

/* One step for all pools of the plan. */
static struct step *asking_step(struct plan *plan, const char *topic)
{
    bool is_list = strcmp(topic, ZFS_LIST) == 0;
    struct step *step;

    for (uint32_t i = 0; i < plan->steps.count; i++) {
        step = &plan->steps.at[i];
        if (step->kind == STEP_EXEC && step->topic && strcmp(step->topic, topic) == 0 &&
            strcmp(step->reader, zfs_reader) == 0)
            return step;
    }
    step = plan_add(plan, STEP_EXEC, "%s", is_list ? "look at data sets and volumes of ZFS" : "look at zpools");
    if (is_list)
        PLAN_ADD_WORDS(plan, step, "zfs", "list", "-H", "-p", "-r", "-d", "2", "-t", "filesystem,volume,snapshot", "-o",
                       zfs_columns);
    else
        PLAN_ADD_WORDS(plan, step, "zpool", "list", "-H", "-o", "name,health");
    step->reader = arena_strdup(&plan->arena, zfs_reader);
    step->topic = arena_strdup(&plan->arena, topic);
    if (is_list)
        step->accept = 1 | 1 << EXIT_FAILED; /* one data set is not there: the others are told */
    step->turn = arena_strdup(&plan->arena, "ask zfs");
    return step;
}

static void ask_about(const struct pool_want *pool, const char *topic, struct plan *plan)
{
    struct step *step = asking_step(plan, topic);
    const char *dataset = zfs_dataset_of(pool);

    for (uint32_t i = 0; i < step->pools.count; i++)
        if (strcmp(step->pools.at[i], pool->pool) == 0)
            return;
    if (strcmp(topic, ZFS_LIST) == 0 && !text_list_has(&step->paths, dataset))
        PLAN_ADD_WORDS(plan, step, dataset);
    text_list_add(&step->pools, pool->pool, &plan->arena);
    text_list_add(&step->paths, dataset, &plan->arena);
}

/*
 * Whatever is asked, all is told: room and volumes come in one answer, and what a failed step was about may have taken
 * others with it.
 */
void zfs_ask(const struct pool_want *pool, const struct text_list *identifiers, struct plan *plan)
{
    (void)identifiers;
    ask_about(pool, ZFS_STATES, plan);
    ask_about(pool, ZFS_LIST, plan);
}

/* "16K", "16384", "1M", "16KB"; 0: none of these. */
static int64_t parse_block_kib(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    char number[24];
    int64_t bytes;

    if (digits == 0 || digits >= sizeof(number))
        return 0;
    memcpy(number, text, digits);
    number[digits] = '\0';
    if (!text_parse_i64(number, 1, INT64_C(1) << 30, &bytes))
        return 0;
    if (text[digits] == 'k' || text[digits] == 'K')
        bytes *= 1024;
    else if (text[digits] == 'm' || text[digits] == 'M')
        bytes *= 1024 * 1024;
    return bytes / 1024;
}

/* What -b X, -bX, -o volblocksize=X or -ovolblocksize=X says; 0: nothing does. */
static int64_t block_option_kib(const struct text_list *words)
{
    static const char *const prefixes[] = { "-ovolblocksize=", "-b" };

    for (uint32_t i = 0; i < words->count; i++) {
        const char *word = words->at[i], *next = i + 1 < words->count ? words->at[i + 1] : "";

        if (strcmp(word, "-b") == 0)
            return parse_block_kib(next);
        if (strcmp(word, "-o") == 0 && text_starts_with(next, "volblocksize="))
            return parse_block_kib(next + strlen("volblocksize="));
        for (size_t p = 0; p < ARRAY_SIZE(prefixes); p++)
            if (text_starts_with(word, prefixes[p]))
                return parse_block_kib(word + strlen(prefixes[p]));
    }
    return 0;
}

int64_t zfs_granularity_kib(const struct pool_want *pool, const struct storage_pool_fact *fact,
                            const struct text_map *props)
{
    struct text_list words = { 0 };
    struct arena arena = { 0 };
    int64_t result = 0;

    (void)pool;
    if (words_split(text_map_find(props, "StorDriver/ZfscreateOptions"), &words, &arena) == 0)
        result = block_option_kib(&words);
    arena_done(&arena);
    if (result > 0)
        return result;
    return fact && fact->granularity_kib > 0 ? fact->granularity_kib : BLOCK_KIB;
}
