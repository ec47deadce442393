/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * BCACHE: the kernel's bcache, with a fast side (".bcache") as its cache. LINSTOR: sizes and options are the
 * reference's; the set of a cache gets an identity that follows from the resource instead of a random one, so that a
 * step that was interrupted is run again and finds what it had made.
 *
 * Both devices bear superblocks, and the side may hold data that is nowhere else: what they bear is looked at before
 * anything is done, and what was in use and bears none is not formatted anew.
 *
 * The kernel measures a device only when it is registered. So a volume grows while nobody uses it, and a volume that
 * is in use waits for that.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "layers/bcache_facts.h"
#include "layers/mapping.h"

enum {
    SUPERBLOCK_KIB = 4,
    USUAL_SECTOR = 16,
    SMALLEST_CACHE_KIB = 524288,
    APPEAR_MS = 10000,
    FLUSH_MS = 600000,
    USUAL_PERCENT = 10,
};

static bool is_size(const char *value)
{
    size_t digits = strspn(value, "0123456789");

    return digits > 0 && digits < 16 && (!value[digits] || (strchr("kKmMgGs", value[digits]) && !value[digits + 1]));
}

static bool is_sector(const char *value)
{
    int64_t sectors;

    return text_parse_i64(value, USUAL_SECTOR, INT64_C(1) << 40, &sectors);
}

static bool is_policy(const char *value)
{
    return strcmp(value, "lru") == 0 || strcmp(value, "fifo") == 0 || strcmp(value, "random") == 0;
}

/* make-bcache is given what the properties say. Those without a check are switches. */
static const struct option {
    const char *key, *name;
    bool (*check)(const char *value);
} options[] = {
    { "BCache/Blocksize", "--block", is_size },
    { "BCache/Bucketsize", "--bucket", is_size },
    { "BCache/DataOffset", "--data-offset", is_sector },
    { "BCache/Writeback", "--writeback", NULL },
    { "BCache/Discard", "--discard", NULL },
    { "BCache/CacheReplacementPolicy", "--cache_replacement_policy", is_policy },
};

/* In front of the data, which begins at a sector. */
static int64_t overhead_kib(int64_t sector)
{
    return (sector + 1) / 2;
}

static int64_t wanted_sector(const struct volume_want *volume)
{
    const char *text = text_map_find(&volume->props, "BCache/DataOffset");
    int64_t sector = USUAL_SECTOR;

    if (text && is_sector(text))
        (void)text_parse_i64(text, USUAL_SECTOR, INT64_C(1) << 40, &sector);
    return sector;
}

static int64_t gross_kib(const struct level *level, const struct volume_want *volume, int64_t net_kib)
{
    (void)level;
    return net_kib + overhead_kib(wanted_sector(volume));
}

static int64_t side_kib(const struct level *level, const struct volume_want *volume, uint32_t side, int64_t net_kib)
{
    int64_t size_kib = mapping_side_kib(volume, "BCache/Size", "5%", net_kib);

    (void)level;
    (void)side;
    return size_kib > SMALLEST_CACHE_KIB ? size_kib : SMALLEST_CACHE_KIB;
}

static char *name_of(const struct level *level, const struct level_volume *volume, struct arena *arena)
{
    return arena_printf(arena, "%s%s_%05" PRId32, level->resource->resource, level->suffix, volume->want->number);
}

static const struct layer_fact *fact_of(const struct level *level, const struct level_volume *volume,
                                        struct arena *arena)
{
    return facts_find_layer(level->machine->facts, BCACHE_LAYER, name_of(level, volume, arena));
}

static const char *word(const struct layer_fact *fact, const char *key)
{
    return fact ? fact_state_find(&fact->state, key) : NULL;
}

static bool word_is(const struct layer_fact *fact, const char *key, const char *value)
{
    const char *found = word(fact, key);

    return found && value && strcmp(found, value) == 0;
}

static const char *content_name(enum found_content content)
{
    return enum_name(found_content_names, content);
}

/* What the kernel shows of the volume; NULL: nothing. */
static const struct layer_fact *kernel_of(const struct level *level, const struct layer_fact *fact)
{
    const char *uuid = word(fact, BCACHE_DATA_UUID);

    for (const struct layer_fact *at = facts_first_layer(level->machine->facts, BCACHE_LAYER); uuid && at;
         at = facts_next_layer(at))
        if (text_starts_with(at->name, "device/") && word_is(at, BCACHE_UUID, uuid))
            return at;
    return NULL;
}

static bool has_set(const struct level *level, const char *set, struct arena *arena)
{
    return facts_find_layer(level->machine->facts, BCACHE_LAYER, arena_printf(arena, "set/%s", set)) != NULL;
}

static bool is_nothing(const char *uuid)
{
    return !uuid || strspn(uuid, "0-") == strlen(uuid);
}

static const char *own_set(const struct level *level, const struct level_volume *volume, struct arena *arena)
{
    char *uuid = arena_alloc(arena, TEXT_UUID_SIZE);

    text_uuid_of(arena_printf(arena, "%s/%s/%" PRId32,
                              level->resource->uuid ? level->resource->uuid : level->resource->resource, level->suffix,
                              volume->want->number),
                 uuid);
    return uuid;
}

/* That which the cache bears, else which the data was made for, else the one that follows from the resource. */
static const char *set_of(const struct level *level, const struct level_volume *volume, const struct layer_fact *fact,
                          struct arena *arena)
{
    if (!is_nothing(word(fact, BCACHE_FAST_SET)))
        return word(fact, BCACHE_FAST_SET);
    if (!is_nothing(word(fact, BCACHE_DATA_SET)))
        return word(fact, BCACHE_DATA_SET);
    return own_set(level, volume, arena);
}

static void ask_content(const char *name, const struct level_volume *volume, struct plan *plan)
{
    const char *const topics[] = { BCACHE_TOPIC_DATA, BCACHE_TOPIC_FAST };

    for (size_t i = 0; i < ARRAY_SIZE(topics); i++) {
        struct step *step;

        if (!volume->below[i].path)
            continue;
        step = look_step(BCACHE_LAYER, name, STEP_ASK_CACHE, plan, "look whether %s bears a superblock of bcache",
                         volume->below[i].path);
        step->topic = arena_strdup(&plan->arena, topics[i]);
        step->offset = (int64_t)SUPERBLOCK_KIB * 1024;
        text_list_add(&step->paths, volume->below[i].path, &plan->arena);
    }
}

/* What the kernel will give: the superblock counts, which the property made when it was what it was then. */
static int64_t net_kib(const struct level_volume *volume, const struct layer_fact *fact)
{
    const char *text = word(fact, BCACHE_SECTOR);

    return volume->below[0].size_kib - overhead_kib(text ? strtoll(text, NULL, 10) : wanted_sector(volume->want));
}

static void format(const char *name, const struct level_volume *volume, const char *kind, const char *device,
                   const char *set, struct plan *plan)
{
    struct step *step = look_step(BCACHE_LAYER, name, STEP_EXEC, plan, "format %s for bcache", device);
    const char *const argv[] = { "make-bcache", kind, device, "--cset-uuid", set, NULL };

    plan_add_words(plan, step, argv);
    step->changes = true;
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        const char *value = text_map_find(&volume->want->props, options[i].key);

        if (value && options[i].check)
            PLAN_ADD_WORDS(plan, step, arena_printf(&plan->arena, "%s=%s", options[i].name, value));
        else if (value && text_equal_fold(value, "true"))
            PLAN_ADD_WORDS(plan, step, options[i].name);
    }
}

/* What a volume of earlier times has left where pools do not give zeroes. */
static void wipe(const char *name, const struct level_volume *volume, size_t slot, struct plan *plan)
{
    struct plan_evidence evidence = { .want = volume->want, .is_side = slot > 0 };
    const char *device = volume->below[slot].path;

    struct step *step = plan_destroy_own(plan, &evidence, STEP_WIPE,
                                         "wipe what lies where %s, which is new, gets its superblock", device);

    step->reader = arena_strdup(&plan->arena, BCACHE_LAYER);
    step->name = arena_strdup(&plan->arena, name);
    step->device = arena_strdup(&plan->arena, device);
    step->offset = (int64_t)SUPERBLOCK_KIB * 1024;
}

/* A volume that is made from a snapshot bears the superblock of the one that the snapshot is of. */
static void renew(const char *name, const char *device, const char *set, struct plan *plan)
{
    struct step *step = look_step(BCACHE_LAYER, name, STEP_BCACHE_RENEW, plan,
                                  "give %s, which is a copy, a superblock of its own", device);

    step->path = arena_strdup(&plan->arena, device);
    step->text = arena_strdup(&plan->arena, set);
}

static int refuse_option(const char *name, const struct option *option, const char *value, struct plan *plan,
                         struct trouble *trouble)
{
    trouble->message = arena_printf(&plan->arena, "The devices of the bcache %s are not formatted.", name);
    trouble->cause = arena_printf(&plan->arena, "The property %s cannot be '%s'.", option->key, value);
    trouble->correction = arena_strdup(&plan->arena, "Correct the property; it is retried by itself.");
    return -1;
}

/* NULL: make-bcache can be given all of them. */
static const struct option *find_bad_option(const struct volume_want *volume)
{
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        const char *value = text_map_find(&volume->props, options[i].key);

        if (value && options[i].check && !options[i].check(value))
            return &options[i];
    }
    return NULL;
}

static int refuse(const char *name, const char *device, bool is_empty, struct plan *plan, struct trouble *trouble)
{
    trouble->message = arena_printf(&plan->arena, "The bcache of %s is not put together.", name);
    trouble->cause = arena_printf(&plan->arena,
                                  is_empty ? "The volume has been in use, but %s bears no superblock of bcache: what "
                                             "was written and had not reached the volume below is not there."
                                           : "%s bears something that is neither empty nor of bcache.",
                                  device);
    trouble->correction =
        arena_strdup(&plan->arena, is_empty ? "If its device is back, it is retried by itself. If the data is lost, "
                                              "delete the resource on this node and create it again."
                                            : "Delete the resource on this node and create it again.");
    return -1;
}

static const struct part {
    const char *word, *set, *kind;
    enum found_content content;
} parts[] = { { BCACHE_DATA, BCACHE_DATA_SET, "-B", CONTENT_BCACHE_DATA },
              { BCACHE_FAST, BCACHE_FAST_SET, "-C", CONTENT_BCACHE_CACHE } };

/* One volume of which it is known what its devices bear. */
struct target {
    const struct level *level;
    const struct level_volume *volume;
    const char *name, *set, *own; /* the set that it shall have; the one that follows from the resource */
    const struct layer_fact *fact;
    struct plan *plan;
    struct trouble *trouble;
};

static int refuse_copy(const struct target *target, const char *device)
{
    struct arena *arena = &target->plan->arena;

    target->trouble->message = arena_printf(arena, "The bcache of %s is not put together.", target->name);
    target->trouble->cause = arena_printf(
        arena, "It is made from a snapshot, but %s bears no superblock of bcache, and none is written over its data.",
        device);
    target->trouble->correction =
        arena_strdup(arena, "Restore the snapshot to a resource with the layers that it was taken of.");
    return -1;
}

/* 1: this device bears what it shall; 0: it will; -1: it must not be formatted. */
static int raise_part(const struct target *target, size_t slot)
{
    const struct part *part = &parts[slot];
    const struct volume_want *want = target->volume->want;
    const char *device = target->volume->below[slot].path, *value;
    bool is_empty = word_is(target->fact, part->word, content_name(CONTENT_EMPTY));
    bool is_right = word_is(target->fact, part->word, content_name(part->content));
    bool is_own = is_right && word_is(target->fact, part->set, target->own);
    bool is_copy = slot == 0 && want->origin && !want->must_exist;
    const struct option *bad;

    if (is_own || (is_right && !want->must_be_new && !is_copy))
        return 1;
    if (is_copy && !is_right)
        return refuse_copy(target, device);
    if (is_copy) {
        renew(target->name, device, target->own, target->plan);
        return 0;
    }
    if (want->must_be_new && !is_empty) {
        wipe(target->name, target->volume, slot, target->plan);
        return 0;
    }
    if (!is_empty || want->must_exist)
        return refuse(target->name, device, is_empty, target->plan, target->trouble);
    bad = find_bad_option(want);
    value = bad ? text_map_find(&want->props, bad->key) : NULL;
    if (bad)
        return refuse_option(target->name, bad, value, target->plan, target->trouble);
    format(target->name, target->volume, part->kind, device, target->set, target->plan);
    return 0;
}

/* 1: both devices bear what they shall; 0: they will; -1: they must not be formatted. */
static int raise_content(const struct level *level, const struct level_volume *volume, const char *name,
                         const struct layer_fact *fact, struct plan *plan, struct trouble *trouble)
{
    const char *own = own_set(level, volume, &plan->arena);
    bool is_new = volume->want->must_be_new || (volume->want->origin && !volume->want->must_exist);
    struct target target = { level, volume, name, NULL, own, fact, plan, trouble };
    int holds = 1;

    if (!word(fact, BCACHE_DATA) || !word(fact, BCACHE_FAST)) {
        ask_content(name, volume, plan);
        return 0;
    }
    target.set = is_new ? own : set_of(level, volume, fact, &plan->arena);
    for (size_t slot = 0; slot < ARRAY_SIZE(parts) && holds >= 0; slot++) {
        int result = raise_part(&target, slot);

        holds = result < 1 ? result : holds;
    }
    return holds;
}

static void await_device(int64_t size_kib, const char *name, const char *uuid, const char *set, struct plan *plan)
{
    struct step *step = look_step(BCACHE_LAYER, name, STEP_WAIT_BLOCK, plan, "wait for the device of %s", name);

    step->path = arena_strdup(&plan->arena, "/sys/block/bcache*");
    text_list_add(&step->names, "bcache/backing_dev_uuid", &plan->arena);
    text_list_add(&step->names, uuid, &plan->arena);
    step->text = arena_strdup(&plan->arena, set);
    step->size_kib = size_kib;
    step->patience_ms = APPEAR_MS;
}

/* slots: of the devices below. */
static void stop(const struct level_volume *volume, const char *name, const struct layer_fact *device, size_t slots,
                 const char *what, struct plan *plan)
{
    struct step *step = look_step(BCACHE_LAYER, name, STEP_BCACHE_STOP, plan, "%s", what);

    step->device = device ? arena_strdup(&plan->arena, device->device) : NULL;
    for (size_t slot = 0; slot < slots; slot++)
        if (volume->below[slot].path)
            text_list_add(&step->paths, volume->below[slot].path, &plan->arena);
}

static void register_device(const char *name, const char *device, struct plan *plan)
{
    look_step(BCACHE_LAYER, name, STEP_BCACHE_REGISTER, plan, "register %s with bcache", device)->device =
        arena_strdup(&plan->arena, device);
}

static const char *wanted_mode(const struct level_volume *volume)
{
    const char *value = text_map_find(&volume->want->props, "BCache/Writeback");

    return value && text_equal_fold(value, "true") ? "writeback" : "writethrough";
}

static const char *kernel_name(const struct layer_fact *device)
{
    return strrchr(device->name, '/') + 1;
}

static void set_value(const struct layer_fact *device, const char *file, const char *value, struct plan *plan)
{
    struct step *step =
        look_step(BCACHE_LAYER, device->name, STEP_TREE, plan, "set %s of %s to %s", file, kernel_name(device), value);

    look_add(step, TREE_VALUE, value, plan, "/sys/block/%s/bcache/%s", kernel_name(device), file);
}

static void attach(const char *name, const struct layer_fact *device, const char *set, struct plan *plan)
{
    struct step *step = look_step(BCACHE_LAYER, device->name, STEP_BCACHE_REGISTER, plan,
                                  "attach %s to the cache of %s", kernel_name(device), name);

    step->device = arena_strdup(&plan->arena, device->device);
    step->text = arena_strdup(&plan->arena, set);
}

static int raise_volume(const struct level *level, const struct level_volume *volume, struct plan *plan,
                        struct trouble *trouble)
{
    const char *name = name_of(level, volume, &plan->arena), *set;
    const struct layer_fact *fact = fact_of(level, volume, &plan->arena), *device;
    int holds = raise_content(level, volume, name, fact, plan, trouble);

    if (holds <= 0)
        return holds;
    device = kernel_of(level, fact);
    set = set_of(level, volume, fact, &plan->arena);
    if (!has_set(level, set, &plan->arena))
        register_device(name, volume->below[1].path, plan);
    if (device && device->device_kib < net_kib(volume, fact)) {
        stop(volume, name, device, 1,
             arena_printf(&plan->arena, "stop %s, so that it is measured again", device->device), plan);
        device = NULL;
    }
    if (!device) {
        register_device(name, volume->below[0].path, plan);
        await_device(net_kib(volume, fact), name, word(fact, BCACHE_DATA_UUID), set, plan);
        return 0;
    }
    if (!word_is(device, BCACHE_SET, set))
        attach(name, device, set, plan);
    if (!word_is(device, BCACHE_MODE, wanted_mode(volume)))
        set_value(device, "cache_mode", wanted_mode(volume), plan);
    if (word_is(device, BCACHE_PERCENT, "0"))
        set_value(device, "writeback_percent", arena_printf(&plan->arena, "%d", USUAL_PERCENT), plan);
    return 0;
}

static int raise(const struct level *level, struct plan *plan, struct trouble *trouble)
{
    if (level->count > 0 && !facts_find_layer(level->machine->facts, BCACHE_LAYER, "module/bcache"))
        look_load_module(BCACHE_LAYER, "module/bcache", "bcache", plan);
    for (uint32_t i = 0; i < level->count; i++)
        if (raise_volume(level, &level->volumes[i], plan, trouble) < 0)
            return -1;
    return 0;
}

static void wipe_superblock(const struct level *level, const char *name, const char *device, const char *set,
                            struct plan *plan)
{
    struct step *step = plan_destructive(plan, level->resource->authority, STEP_BCACHE_WIPE,
                                         "wipe the superblock of bcache on %s", device);

    step->reader = arena_strdup(&plan->arena, BCACHE_LAYER);
    step->name = arena_strdup(&plan->arena, name);
    step->path = arena_strdup(&plan->arena, device);
    step->text = arena_strdup_null(&plan->arena, set);
}

/*
 * The volume goes with its data: nothing is written back before. Its superblocks go while the kernel has let go of
 * them, lest udev has them registered again.
 */
static void lower_volume(const struct level *level, const struct level_volume *volume, struct plan *plan)
{
    const struct layer_fact *fact = fact_of(level, volume, &plan->arena), *device = kernel_of(level, fact);
    const char *name = name_of(level, volume, &plan->arena), *set = set_of(level, volume, fact, &plan->arena);

    if (!fact)
        return;
    if (device || has_set(level, set, &plan->arena) || word(fact, BCACHE_DATA_HELD) || word(fact, BCACHE_FAST_HELD)) {
        stop(volume, name, device, ARRAY_SIZE(parts), arena_printf(&plan->arena, "stop the bcache of %s", name), plan);
        plan->steps.at[plan->steps.count - 1].text = arena_strdup(&plan->arena, set);
    }
    for (size_t slot = 0; slot < ARRAY_SIZE(parts); slot++)
        if (volume->below[slot].path && word_is(fact, parts[slot].word, content_name(parts[slot].content)))
            wipe_superblock(level, name, volume->below[slot].path, word(fact, parts[slot].set), plan);
}

static int lower(const struct level *level, struct plan *plan, struct trouble *trouble)
{
    (void)trouble;
    for (uint32_t i = 0; i < level->count; i++)
        lower_volume(level, &level->volumes[i], plan);
    return 0;
}

/* The device goes on being written to: what is written reaches the level below at once from here on. */
static void flush(const struct level *level, struct plan *plan)
{
    for (uint32_t i = 0; i < level->count; i++) {
        const struct layer_fact *device = kernel_of(level, fact_of(level, &level->volumes[i], &plan->arena));
        struct step *step;

        if (!device)
            continue;
        set_value(device, "cache_mode", "writethrough", plan);
        set_value(device, "writeback_percent", "0", plan);
        step = look_step(BCACHE_LAYER, device->name, STEP_WAIT_BLOCK, plan, "wait until %s is written back",
                         kernel_name(device));
        step->path = arena_printf(&plan->arena, "/sys/block/%s", kernel_name(device));
        text_list_add(&step->names, "bcache/state", &plan->arena);
        text_list_add(&step->names, "clean", &plan->arena);
        step->patience_ms = FLUSH_MS;
    }
}

/* What somebody has chosen is kept. */
static const char *usual_percent(const struct layer_fact *device, struct arena *arena)
{
    const char *found = word(device, BCACHE_PERCENT);

    return found && strcmp(found, "0") != 0 ? found : arena_printf(arena, "%d", USUAL_PERCENT);
}

static void thaw(const struct level *level, struct plan *plan)
{
    for (uint32_t i = 0; i < level->count; i++) {
        const struct layer_fact *device = kernel_of(level, fact_of(level, &level->volumes[i], &plan->arena));

        if (!device)
            continue;
        set_value(device, "writeback_percent", usual_percent(device, &plan->arena), plan);
        plan->steps.at[plan->steps.count - 1].always = true;
        set_value(device, "cache_mode", wanted_mode(&level->volumes[i]), plan);
        plan->steps.at[plan->steps.count - 1].always = true;
    }
}

/* What a volume's devices bear must be known also before it is removed. */
static void ask(const struct level *level, struct plan *plan)
{
    for (uint32_t i = 0; i < level->count; i++) {
        const struct level_device *below = level->volumes[i].below;
        const struct layer_fact *fact = fact_of(level, &level->volumes[i], &plan->arena);
        const struct layer_fact *device = kernel_of(level, fact);
        /* Of one that is not there (yet) there is no answer, however often it is asked. */
        bool is_doubtful = fact && fact->is_uncertain && (below[0].path || below[1].path);

        if (is_doubtful || (device && device->is_uncertain))
            bcache_facts_ask(level->layer, plan);
        if (is_doubtful || (below[0].path && !word(fact, BCACHE_DATA)) || (below[1].path && !word(fact, BCACHE_FAST)))
            ask_content(name_of(level, &level->volumes[i], &plan->arena), &level->volumes[i], plan);
    }
}

static void describe(const struct level *level, const struct level_volume *volume, struct arena *arena,
                     struct volume_fact *described)
{
    const struct layer_fact *device = kernel_of(level, fact_of(level, volume, arena));

    described->device_path = device ? arena_strdup_null(arena, device->device) : NULL;
    described->usable_kib = device ? device->device_kib : 0;
}

const struct layer layer_bcache = {
    .name = BCACHE_LAYER,
    .kind = LAYER_BCACHE,
    .needs = "bcache",
    .gross_kib = gross_kib,
    .side_kib = side_kib,
    .ask = ask,
    .ask_all = bcache_facts_ask,
    .read = bcache_facts_read,
    .raise = raise,
    .lower = lower,
    .flush = flush,
    .thaw = thaw,
    .describe = describe,
};
