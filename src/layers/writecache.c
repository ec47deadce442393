/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * WRITECACHE: what is written goes to a fast side (".cache") first, by the device-mapper's target writecache.
 * LINSTOR: names, sizes and tables are the reference's.
 *
 * The side holds data that is nowhere else until it is written back. So a side that was in use is never made anew
 * (storage.c), nor formatted: the kernel does that by itself when it finds zeroes, which is why we look first. What was
 * fixed when the cache was formatted (where it starts, how it is accessed) is taken from the mapping while there is
 * one.
 *
 * A volume that is removed is removed with its data, on a user's request: nothing is written back before. A mapping
 * that is only suspended or loaded anew keeps its data on the side, where the kernel finds it again.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "layers/mapping.h"

enum { BLOCK_KIB = 4, SECTOR = 512, OPTIONS_LIMIT = 64, SMALLEST_KIB = 1024 };

static const struct mapping mapping = { "WRITECACHE", "linstor_writecache_", "writecache" };

/* In the order in which the kernel tells them. */
static const struct option {
    const char *key, *name;
} options[] = {
    { "Writecache/Options/HighWatermark", "high_watermark" },
    { "Writecache/Options/LowWatermark", "low_watermark" },
    { "Writecache/Options/WritebackJobs", "writeback_jobs" },
    { "Writecache/Options/AutocommitBlocks", "autocommit_blocks" },
    { "Writecache/Options/AutocommitTime", "autocommit_time" },
};

static const char *const words_alone[] = { "fua", "nofua", "cleaner", "metadata_only" };

/* Whole blocks: the kernel refuses a mapping that ends within one. */
static int64_t gross_kib(const struct level *level, const struct volume_want *volume, int64_t net_kib)
{
    (void)level;
    (void)volume;
    return (net_kib + BLOCK_KIB - 1) / BLOCK_KIB * BLOCK_KIB;
}

static int64_t side_kib(const struct level *level, const struct volume_want *volume, uint32_t side, int64_t net_kib)
{
    int64_t size_kib = mapping_side_kib(volume, "Writecache/Size", "5%", net_kib);

    (void)level;
    (void)side;
    return size_kib > SMALLEST_KIB ? size_kib : SMALLEST_KIB;
}

/* The words of text, at most OPTIONS_LIMIT. */
static void split(const char *text, struct text_list *words, struct arena *arena)
{
    for (text += strspn(text, " \t"); *text && words->count < OPTIONS_LIMIT; text += strspn(text, " \t")) {
        size_t length = strcspn(text, " \t");

        *LIST_ADD(words, arena) = arena_strndup(arena, text, length);
        text += length;
    }
}

static bool stands_alone(const char *word)
{
    for (size_t i = 0; i < ARRAY_SIZE(words_alone); i++)
        if (strcmp(words_alone[i], word) == 0)
            return true;
    return false;
}

static void add_number(const struct volume_want *volume, const char *key, const char *name, struct text_list *words,
                       struct arena *arena)
{
    const char *text = text_map_find(&volume->props, key);
    int64_t value;

    if (!text || !text_parse_i64(text, 0, INT64_MAX, &value))
        return;
    text_list_add(words, name, arena);
    *LIST_ADD(words, arena) = arena_printf(arena, "%" PRId64, value);
}

/* In sectors; of the mapping that is there, else as the property says. */
static int64_t start_sector(const struct volume_want *volume, const struct text_list *live)
{
    const char *text = text_map_find(&volume->props, "Writecache/Options/StartSector");
    int64_t start = 0;

    if (live->count > 0)
        text = NULL;
    for (uint32_t i = 5; i + 1 < live->count; i += stands_alone(live->at[i]) ? 1 : 2)
        if (strcmp(live->at[i], "start_sector") == 0)
            text = live->at[i + 1];
    if (!text || !text_parse_i64(text, 0, INT64_C(1) << 50, &start))
        return 0;
    return start;
}

/* mode: 'p' for persistent memory, of which alone the kernel takes fua or nofua, else 's'. */
static void add_options(const struct volume_want *volume, const char *mode, int64_t start, struct text_list *words,
                        struct arena *arena)
{
    const char *fua = mode[0] == 'p' ? text_map_find(&volume->props, "Writecache/Options/Fua") : NULL;
    const char *additional = text_map_find(&volume->props, "Writecache/Options/Additional");

    if (start > 0) {
        text_list_add(words, "start_sector", arena);
        *LIST_ADD(words, arena) = arena_printf(arena, "%" PRId64, start);
    }
    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        add_number(volume, options[i].key, options[i].name, words, arena);
    if (fua)
        text_list_add(words, text_equal_fold(fua, "On") ? "fua" : "nofua", arena);
    if (additional)
        split(additional, words, arena);
}

/* LINSTOR: without options the table ends with a blank in the reference; here it does not. */
static char *make_table(const char *mode, const char *slow, const char *fast, const struct text_list *words,
                        struct arena *arena)
{
    struct buf text = { 0 };
    char *table;

    buf_printf(&text, "%s %s %s %d %" PRIu32, mode, slow, fast, BLOCK_KIB * 1024, words->count);
    for (uint32_t i = 0; i < words->count; i++)
        buf_printf(&text, " %s", words->at[i]);
    table = arena_strdup(arena, buf_text(&text));
    buf_done(&text);
    return table;
}

/* Whether the same words with the same values are among both, in any order. */
static bool has_same_options(const struct text_list *a, const struct text_list *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i += stands_alone(a->at[i]) ? 1 : 2) {
        bool found = false;

        for (uint32_t j = 0; j < b->count && !found; j += stands_alone(b->at[j]) ? 1 : 2)
            found = strcmp(a->at[i], b->at[j]) == 0 && (stands_alone(a->at[i]) || i + 1 == a->count ||
                                                        j + 1 == b->count || strcmp(a->at[i + 1], b->at[j + 1]) == 0);
        if (!found)
            return false;
    }
    return true;
}

/* The words of the mapping in force: mode, both devices, block size, number of options, options. */
static bool has_options(const struct text_list *live, const struct text_list *wanted)
{
    struct text_list own = { .count = live->count > 5 ? live->count - 5 : 0 };

    if (own.count > 0)
        own.at = live->at + 5;
    return has_same_options(&own, wanted) && has_same_options(wanted, &own);
}

static int raise_new(const struct level_volume *volume, const char *name, const struct layer_fact *fact, int64_t start,
                     int64_t size_kib, struct plan *plan, struct trouble *trouble)
{
    const char *slow = volume->below[0].path, *fast = volume->below[1].path;
    struct mapping_content content = mapping_find_content(fact);
    const char *mode = content.is_memory ? "p" : "s";
    struct text_list words = { 0 };

    if (!content.is_known || content.offset != start * SECTOR) {
        mapping_ask_content(&mapping, name, fast, start * SECTOR, plan);
        return 0;
    }
    /*
     * A pool that does not give zeroes wipes the ends of new volumes, and knows nothing of places between them. A layer
     * below that has just begun to encrypt shows noise.
     */
    if (volume->want->must_be_new &&
        (content.content == CONTENT_OTHER || (start > 0 && content.content != CONTENT_EMPTY))) {
        mapping_wipe_content(&mapping, name, volume->want, fast, start * SECTOR, plan);
        return 0;
    }
    if (mapping_check_content(&mapping, name, fast, start * SECTOR, &content, volume->want->must_exist, &plan->arena,
                              trouble) < 0) {
        trouble->correction = arena_printf(
            &plan->arena, "If Writecache/Options/StartSector was changed, set it back. %s", trouble->correction);
        return -1;
    }
    add_options(volume->want, mode, start, &words, &plan->arena);
    mapping_create(&mapping, name, size_kib, make_table(mode, slow, fast, &words, &plan->arena),
                   volume->below[1].size_kib, plan);
    return 0;
}

static int raise_volume(const struct level *level, const struct level_volume *volume, struct plan *plan,
                        struct trouble *trouble)
{
    const char *name = mapping_name(&mapping, level, volume, &plan->arena);
    const struct layer_fact *fact = mapping_find_fact(&mapping, level, volume, &plan->arena);
    const char *arguments = mapping_find_arguments(fact), *table;
    int64_t size_kib = volume->below[0].size_kib / BLOCK_KIB * BLOCK_KIB, start;
    struct text_list live = { 0 }, words = { 0 };

    if (mapping_check(&mapping, name, fact, &plan->arena, trouble) < 0)
        return -1;
    if (arguments)
        split(arguments, &live, &plan->arena);
    start = start_sector(volume->want, &live);
    if (live.count < 5)
        return raise_new(volume, name, fact, start, size_kib, plan, trouble);
    add_options(volume->want, live.at[0], start, &words, &plan->arena);
    table = make_table(live.at[0], volume->below[0].path, volume->below[1].path, &words, &plan->arena);
    if (fact->device_kib >= size_kib && !mapping_is_suspended(fact) &&
        (has_options(&live, &words) || mapping_has_loaded(fact, mapping_arguments_of(table, &plan->arena))))
        return 0;
    if (size_kib < fact->device_kib)
        size_kib = fact->device_kib;
    mapping_reload(&mapping, name, size_kib, table, volume->below[1].size_kib, plan);
    return 0;
}

static int raise(const struct level *level, struct plan *plan, struct trouble *trouble)
{
    for (uint32_t i = 0; i < level->count; i++)
        if (raise_volume(level, &level->volumes[i], plan, trouble) < 0)
            return -1;
    return 0;
}

/* Most is written back while the mapping is in use, so that it stands still only for the rest. */
static void flush(const struct level *level, struct plan *plan)
{
    static const char *const messages[] = { "flush", "flush_on_suspend" };

    for (uint32_t i = 0; i < level->count; i++) {
        const char *name = mapping_name(&mapping, level, &level->volumes[i], &plan->arena);

        for (size_t m = 0; m < ARRAY_SIZE(messages); m++)
            mapping_step(&mapping, name, STEP_DM_MESSAGE, plan, "write back what %s holds (%s)", name, messages[m])
                ->text = arena_strdup(&plan->arena, messages[m]);
    }
}

const struct layer layer_writecache = {
    .name = "WRITECACHE",
    .kind = LAYER_WRITECACHE,
    .needs = "dm_writecache",
    .gross_kib = gross_kib,
    .side_kib = side_kib,
    .mapping = &mapping,
    .ask = mapping_ask,
    .ask_all = mapping_ask_all,
    .read = mapping_read,
    .raise = raise,
    .lower = mapping_lower,
    .flush = flush,
    .freeze = mapping_freeze,
    .thaw = mapping_thaw,
    .describe = mapping_describe,
};
