/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CACHE: blocks that are often used lie on a fast side (".dmcache_cache"), by the device-mapper's target cache, which
 * keeps its accounts on another side (".dmcache_meta"). LINSTOR: names, sizes and tables are the reference's, also that
 * Cache/Blocksize is given to the kernel as sectors while the size of the metadata counts it as bytes. Cache/OpMode is
 * writethrough unless it is set, as LINSTOR documents; its satellite takes writeback.
 *
 * With writeback the side holds data that is nowhere else. Like that of a writecache it is never made anew or formatted
 * when the volume was in use, and its size of blocks, which cannot be changed, is taken from what is there.
 *
 * All blocks are written back (policy cleaner, and writethrough so that none becomes dirty again) before snapshots are
 * taken, and before the mode passthrough, which the kernel refuses otherwise. A volume that is removed is removed with
 * its data, on a user's request: nothing is written back before.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "layers/mapping.h"

enum {
    BLOCK_SECTORS = 4096,
    BLOCK_SMALLEST = 64, /* sectors; also what sizes of blocks are multiples of */
    BLOCK_LARGEST = 2097152,
    FLUSH_MS = 180000,
};

enum place { SLOW, FAST, META }; /* in below[] of volumes */

static const struct mapping mapping = { "CACHE", "linstor_cache_", "cache" };

static const char *const modes[] = { "writethrough", "writeback", "passthrough" };
static const char *const policies[] = { "smq", "mq", "cleaner" };

static int64_t number_of(const struct volume_want *volume, const char *key, int64_t min, int64_t otherwise)
{
    const char *text = text_map_find(&volume->props, key);
    int64_t value;

    return text && text_parse_i64(text, min, INT64_C(1) << 40, &value) ? value : otherwise;
}

/* The first of the names when the property is not one of them. */
static const char *word_of(const struct volume_want *volume, const char *key, const char *const *names, size_t count)
{
    const char *text = text_map_find(&volume->props, key);

    for (size_t i = 0; text && i < count; i++)
        if (text_equal_fold(text, names[i]))
            return names[i];
    return names[0];
}

static int64_t block_sectors_of(const struct volume_want *volume)
{
    int64_t sectors = number_of(volume, "Cache/Blocksize", 1, BLOCK_SECTORS);

    if (sectors < BLOCK_SMALLEST)
        return BLOCK_SMALLEST;
    if (sectors > BLOCK_LARGEST)
        return BLOCK_LARGEST;
    return sectors / BLOCK_SMALLEST * BLOCK_SMALLEST;
}

static int64_t gross_kib(const struct level *level, const struct volume_want *volume, int64_t net_kib)
{
    (void)level;
    (void)volume;
    return net_kib;
}

/* The kernel wants room for one block at least. */
static int64_t fast_kib(const struct volume_want *volume, int64_t net_kib)
{
    int64_t size_kib = mapping_side_kib(volume, "Cache/Cachesize", "5%", net_kib);
    int64_t block_kib = block_sectors_of(volume) / 2;

    return size_kib > block_kib ? size_kib : block_kib;
}

/* LINSTOR: 4 MiB and 16 bytes for each block, of which there are taken to be 512 times as many as there are. */
static int64_t side_kib(const struct level *level, const struct volume_want *volume, uint32_t side, int64_t net_kib)
{
    int64_t block_bytes = number_of(volume, "Cache/Blocksize", 1, BLOCK_SECTORS), blocks, smallest_kib, size_kib;

    (void)level;
    if (side + 1 == FAST)
        return fast_kib(volume, net_kib);
    blocks = (fast_kib(volume, net_kib) * 1024 + block_bytes - 1) / block_bytes;
    smallest_kib = 4096 + (blocks + 63) / 64;
    size_kib = mapping_side_kib(volume, "Cache/Metasize", "0", net_kib);
    return size_kib > 4096 ? size_kib : smallest_kib;
}

static char *make_table(const struct level_volume *volume, int64_t block_sectors, const char *mode, const char *policy,
                        struct arena *arena)
{
    return arena_printf(arena, "%s %s %s %" PRId64 " 1 %s %s 0", volume->below[META].path, volume->below[FAST].path,
                        volume->below[SLOW].path, block_sectors, mode, policy);
}

/* The word at place of what the mapping in force was given, or NULL. */
static char *live_word(const char *arguments, int place, struct arena *arena)
{
    for (int i = 0; arguments && i < place; i++) {
        arguments += strcspn(arguments, " ");
        arguments += strspn(arguments, " ");
    }
    return arguments && *arguments ? arena_strndup(arena, arguments, strcspn(arguments, " ")) : NULL;
}

/* What a mapping shall be like. */
struct cache {
    const struct level_volume *volume;
    const char *name, *mode, *policy;
    const struct layer_fact *fact;
    int64_t block_sectors, size_kib;
    bool is_live;
    const char *live_mode; /* NULL: not known */
};

static void cache_init(struct cache *cache, const struct level *level, const struct level_volume *volume,
                       struct arena *arena)
{
    const struct volume_want *want = volume->want;
    const char *arguments, *block;
    struct mapping_content content;

    *cache = (struct cache){
        .volume = volume,
        .name = mapping_name(&mapping, level, volume, arena),
        .fact = mapping_find_fact(&mapping, level, volume, arena),
        .mode = word_of(want, "Cache/OpMode", modes, ARRAY_SIZE(modes)),
        .policy = word_of(want, "Cache/Policy", policies, ARRAY_SIZE(policies)),
        .block_sectors = block_sectors_of(want),
        .size_kib = volume->below[SLOW].size_kib,
    };
    arguments = mapping_find_arguments(cache->fact);
    content = mapping_find_content(cache->fact);
    block = live_word(arguments, 3, arena);
    cache->is_live = arguments;
    cache->live_mode = live_word(arguments, 5, arena);
    if (block)
        cache->block_sectors = strtoll(block, NULL, 10);
    else if (content.is_known && content.content == CONTENT_CACHE)
        cache->block_sectors = content.block_sectors;
    if (cache->is_live && cache->fact->device_kib > cache->size_kib)
        cache->size_kib = cache->fact->device_kib;
}

static struct step *reload(const struct cache *cache, const char *mode, const char *policy, struct plan *plan)
{
    return mapping_reload(&mapping, cache->name, cache->size_kib,
                          make_table(cache->volume, cache->block_sectors, mode, policy, &plan->arena),
                          cache->volume->below[FAST].size_kib, plan);
}

static void wait_until_clean(const struct cache *cache, struct plan *plan)
{
    mapping_step(&mapping, cache->name, STEP_DM_WAIT_CLEAN, plan, "wait until all of %s is written back", cache->name)
        ->patience_ms = number_of(cache->volume->want, "Cache/FlushTimeout", 1, FLUSH_MS);
}

static int raise_new(const struct cache *cache, struct plan *plan, struct trouble *trouble)
{
    const char *meta = cache->volume->below[META].path;
    struct mapping_content content = mapping_find_content(cache->fact);
    bool must_clean = strcmp(cache->mode, "passthrough") == 0 && content.content == CONTENT_CACHE;

    if (!content.is_known) {
        mapping_ask_content(&mapping, cache->name, meta, 0, plan);
        return 0;
    }
    /* A layer below that has just begun to encrypt shows noise. */
    if (cache->volume->want->must_be_new && content.content == CONTENT_OTHER) {
        mapping_wipe_content(&mapping, cache->name, cache->volume->want, meta, 0, plan);
        return 0;
    }
    if (mapping_check_content(&mapping, cache->name, meta, 0, &content, cache->volume->want->must_exist, &plan->arena,
                              trouble) < 0)
        return -1;
    mapping_create(&mapping, cache->name, cache->size_kib,
                   make_table(cache->volume, cache->block_sectors, must_clean ? "writethrough" : cache->mode,
                              must_clean ? "cleaner" : cache->policy, &plan->arena),
                   cache->volume->below[FAST].size_kib, plan);
    if (must_clean) {
        wait_until_clean(cache, plan);
        reload(cache, cache->mode, cache->policy, plan);
    }
    return 0;
}

static int raise_volume(const struct level *level, const struct level_volume *volume, struct plan *plan,
                        struct trouble *trouble)
{
    const char *arguments;
    struct cache cache;

    cache_init(&cache, level, volume, &plan->arena);
    if (mapping_check(&mapping, cache.name, cache.fact, &plan->arena, trouble) < 0)
        return -1;
    if (!cache.is_live)
        return raise_new(&cache, plan, trouble);
    arguments = mapping_arguments_of(make_table(volume, cache.block_sectors, cache.mode, cache.policy, &plan->arena),
                                     &plan->arena);
    if (cache.fact->device_kib >= cache.size_kib && !mapping_is_suspended(cache.fact) &&
        (mapping_fast_kib(cache.fact) == 0 || mapping_fast_kib(cache.fact) >= volume->below[FAST].size_kib) &&
        (strcmp(mapping_find_arguments(cache.fact), arguments) == 0 || mapping_has_loaded(cache.fact, arguments)))
        return 0;
    if (strcmp(cache.mode, "passthrough") == 0 && (!cache.live_mode || strcmp(cache.live_mode, "passthrough") != 0)) {
        reload(&cache, "writethrough", "cleaner", plan);
        wait_until_clean(&cache, plan);
    }
    reload(&cache, cache.mode, cache.policy, plan);
    return 0;
}

static int raise(const struct level *level, struct plan *plan, struct trouble *trouble)
{
    for (uint32_t i = 0; i < level->count; i++)
        if (raise_volume(level, &level->volumes[i], plan, trouble) < 0)
            return -1;
    return 0;
}

/* What is written from now on is written through, and what was, back. */
static void flush(const struct level *level, struct plan *plan)
{
    for (uint32_t i = 0; i < level->count; i++) {
        struct cache cache;

        cache_init(&cache, level, &level->volumes[i], &plan->arena);
        if (cache.live_mode && strcmp(cache.live_mode, "passthrough") == 0)
            continue;
        reload(&cache, "writethrough", "cleaner", plan);
        wait_until_clean(&cache, plan);
    }
}

/* It goes on before anything else is tried with it. */
static void thaw(const struct level *level, struct plan *plan)
{
    mapping_thaw(level, plan);
    for (uint32_t i = 0; i < level->count; i++) {
        struct cache cache;

        cache_init(&cache, level, &level->volumes[i], &plan->arena);
        if (!cache.live_mode || strcmp(cache.live_mode, "passthrough") != 0)
            reload(&cache, cache.mode, cache.policy, plan)->always = true;
    }
}

const struct layer layer_cache = {
    .name = "CACHE",
    .kind = LAYER_CACHE,
    .needs = "dm_cache",
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
    .thaw = thaw,
    .describe = mapping_describe,
};
