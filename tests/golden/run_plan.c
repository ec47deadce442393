/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Golden plans: each file of the directory given holds wants, facts, and the plan that shall follow. Planning on the
 * facts that the plan should produce must give an empty plan, which is checked for every case.
 *
 *     == wants      struct wants as JSON
 *     == facts      struct golden_facts as JSON; may be left out: nothing exists
 *     == plan       text; UPDATE_GOLDEN=1 writes it anew
 *
 * facts.answers has, by topic of the step, what a tool prints that the plan runs to find something out.
 *
 * Lines before the first section say what the case is about. A new case is a new file.
 */
#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/memory.h"
#include "base/text.h"
#include "drivers/call_luks.h"
#include "drivers/provider.h"
#include "layers/stack.h"

struct golden_volume {
    char *pool, *identifier, *backing, *device, *owner, *origin;
    int64_t size_kib, device_kib, allocated_kib, granularity_kib;
    int32_t dependents;
    bool is_uncertain, has_vanished, is_inactive, is_new, is_snapshot, is_doomed, is_void;
};
struct golden_pool {
    char *pool;
    int64_t granularity_kib, free_kib, total_kib;
    struct text_map state;
};
struct golden_layer {
    char *layer, *name, *device;
    int64_t device_kib;
    struct text_map state;
    bool is_uncertain;
};
struct golden_facts {
    LIST_OF(struct golden_volume) volumes;
    LIST_OF(struct golden_pool) pools;
    LIST_OF(struct golden_layer) layers;
    struct text_list unknown_layers; /* all others are known */
    bool has_key;                    /* the master key is known */
    bool must_not_hold;              /* snapshots that took too long are postponed */
    struct text_map answers;
};

/* clang-format off */
static const struct field golden_volume_fields[] = {
    FIELD(golden_volume, pool, FIELD_REQUIRED), FIELD(golden_volume, identifier, FIELD_REQUIRED),
    FIELD(golden_volume, backing, 0), FIELD(golden_volume, device, 0),
    FIELD(golden_volume, owner, 0), FIELD(golden_volume, origin, 0), FIELD(golden_volume, size_kib, 0),
    FIELD(golden_volume, device_kib, 0), FIELD(golden_volume, allocated_kib, 0),
    FIELD(golden_volume, is_uncertain, 0), FIELD(golden_volume, has_vanished, 0),
    FIELD(golden_volume, granularity_kib, 0), FIELD(golden_volume, dependents, 0),
    FIELD(golden_volume, is_snapshot, 0), FIELD(golden_volume, is_doomed, 0), FIELD(golden_volume, is_void, 0),
    FIELD(golden_volume, is_inactive, 0), FIELD(golden_volume, is_new, 0),
};
static SCHEMA(golden_volume)

static const struct field golden_pool_fields[] = {
    FIELD(golden_pool, pool, FIELD_REQUIRED), FIELD(golden_pool, granularity_kib, 0),
    FIELD(golden_pool, free_kib, 0), FIELD(golden_pool, total_kib, 0), FIELD(golden_pool, state, 0),
};
static SCHEMA(golden_pool)

static const struct field golden_layer_fields[] = {
    FIELD(golden_layer, layer, FIELD_REQUIRED), FIELD(golden_layer, name, FIELD_REQUIRED),
    FIELD(golden_layer, device, 0), FIELD(golden_layer, device_kib, 0), FIELD(golden_layer, state, 0),
    FIELD(golden_layer, is_uncertain, 0),
};
static SCHEMA(golden_layer)

static const struct field golden_facts_fields[] = {
    LIST(golden_facts, volumes, golden_volume, 0), LIST(golden_facts, pools, golden_pool, 0),
    LIST(golden_facts, layers, golden_layer, 0), FIELD(golden_facts, unknown_layers, 0),
    FIELD(golden_facts, has_key, 0), FIELD(golden_facts, must_not_hold, 0), FIELD(golden_facts, answers, 0),
};
static SCHEMA(golden_facts)
/* clang-format on */

struct golden {
    const char *path;
    struct arena arena;
    struct wants wants;
    struct map pools;
    struct facts facts;
    struct machine machine;
    struct text_map answers;
    struct buf printed;
    int next_device;
    struct text_map formatted; /* by make-bcache: device -> kind and set */
};

static void fail(const struct golden *golden, const char *why)
{
    fprintf(stderr, "%s: %s\n", golden->path, why);
    exit(1);
}

/* The text of a section, or NULL. */
static char *section(const char *text, const char *name, struct arena *arena)
{
    char *heading = arena_printf(arena, "== %s\n", name);
    const char *start = strstr(text, heading), *end;

    if (!start)
        return NULL;
    start += strlen(heading);
    end = strstr(start, "\n== ");
    return end ? arena_strndup(arena, start, (size_t)(end - start) + 1) : arena_strdup(arena, start);
}

static void decode(struct golden *golden, const struct schema *schema, void *object, const char *text)
{
    struct field_error error;

    if (field_decode_text(schema, object, text, strlen(text), &golden->arena, &error) < 0)
        fail(golden, error.message);
}

static bool is_listed(const struct text_list *list, const char *name)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->at[i], name) == 0)
            return true;
    return false;
}

static void load_layers(struct golden *golden, const struct golden_facts *facts)
{
    for (size_t i = 0; layers[i]; i++)
        if (!is_listed(&facts->unknown_layers, layers[i]->name))
            fact_state_set(&golden->facts.known_layers, layers[i]->name, "yes");
    for (uint32_t i = 0; i < facts->layers.count; i++) {
        const struct golden_layer *layer = &facts->layers.at[i];
        struct layer_fact *fact = facts_edit_layer(&golden->facts, layer->layer, layer->name);

        facts_set_text(&fact->device, layer->device);
        fact->device_kib = layer->device_kib;
        fact->is_uncertain = layer->is_uncertain;
        for (uint32_t s = 0; s < layer->state.count; s++)
            fact_state_set(&fact->state, layer->state.at[s].key, layer->state.at[s].value);
    }
}

static void load_pool(struct golden *golden, const struct golden_pool *pool)
{
    struct storage_pool_fact *fact = facts_edit_pool(&golden->facts, pool->pool);

    fact->granularity_kib = pool->granularity_kib;
    fact->free_kib = pool->free_kib;
    fact->total_kib = pool->total_kib;
    for (uint32_t i = 0; i < pool->state.count; i++)
        fact_state_set(&fact->state, pool->state.at[i].key, pool->state.at[i].value);
}

static void load_facts(struct golden *golden, const char *text)
{
    struct golden_facts facts = { 0 };

    decode(golden, &golden_facts_schema, &facts, text);
    golden->machine.has_key = facts.has_key;
    golden->machine.must_not_hold = facts.must_not_hold;
    load_layers(golden, &facts);
    for (uint32_t i = 0; i < facts.pools.count; i++)
        load_pool(golden, &facts.pools.at[i]);
    golden->answers = facts.answers;
    for (uint32_t i = 0; i < facts.volumes.count; i++) {
        const struct golden_volume *volume = &facts.volumes.at[i];
        struct storage_fact *fact = facts_edit_volume(&golden->facts, volume->pool, volume->identifier);

        facts_set_text(&fact->backing, volume->backing);
        facts_set_text(&fact->device, volume->device);
        facts_set_text(&fact->owner, volume->owner);
        facts_set_text(&fact->origin, volume->origin);
        fact->size_kib = volume->size_kib;
        fact->device_kib = volume->device_kib;
        fact->allocated_kib = volume->allocated_kib;
        fact->is_uncertain = volume->is_uncertain;
        fact->has_vanished = volume->has_vanished;
        fact->granularity_kib = volume->granularity_kib;
        fact->dependents = volume->dependents;
        fact->is_snapshot = volume->is_snapshot;
        fact->is_doomed = volume->is_doomed;
        fact->is_void = volume->is_void;
        fact->is_active = !volume->is_inactive;
        fact->is_new = volume->is_new;
    }
}

static void print_trouble(struct golden *golden, const struct trouble *trouble)
{
    const char *const texts[] = { trouble->message, trouble->cause, trouble->correction };

    buf_add_text(&golden->printed, "trouble:\n");
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        if (texts[i])
            buf_printf(&golden->printed, "    %s\n", texts[i]);
}

static void load_pools(struct golden *golden)
{
    bool alone = golden->wants.resources.count == 0;

    for (uint32_t i = 0; i < golden->wants.pools.count; i++) {
        struct known_pool *pool = arena_alloc(&golden->arena, sizeof(*pool));
        struct trouble *trouble = arena_alloc(&golden->arena, sizeof(*trouble));
        struct plan plan = { .facts = &golden->facts };

        pool->want = &golden->wants.pools.at[i];
        if (!known_pool_add(&golden->pools, pool))
            fail(golden, "two pools have the same name");
        if (!pool->provider || pool->provider->check(pool->want, &golden->arena, trouble) < 0) {
            pool->trouble = trouble;
            pool->holds_nothing = true;
        }
        if (alone)
            buf_printf(&golden->printed, "pool %s\n", pool->want->pool);
        if (alone && pool->trouble)
            print_trouble(golden, pool->trouble);
        if (alone && !pool->trouble) {
            if (pool->provider->find)
                pool->provider->find(pool->want, &plan);
            plan_print(&plan, &golden->printed);
            plan_done(&plan);
            if (pool->provider->prepare)
                pool->provider->prepare(pool->want, &plan);
            pool->provider->ask(pool->want, NULL, &plan);
            plan_print(&plan, &golden->printed);
        }
        plan_done(&plan);
    }
}

/* Of the volume that lies directly below a mapping. */
static int64_t size_below(struct golden *golden, const char *mapping)
{
    const char *identifier = mapping + strlen(CALL_LUKS_PREFIX);

    for (uint32_t i = 0; i < golden->wants.pools.count; i++) {
        const struct storage_fact *fact = facts_find_volume(&golden->facts, golden->wants.pools.at[i].pool, identifier);

        if (fact)
            return fact->device_kib;
    }
    return 0;
}

/* Blank devices, unless the case says what their headers are. */
static void expect_headers(struct golden *golden, const struct step *step, struct outcome *outcome)
{
    for (uint32_t i = 0; i < step->names.count; i++) {
        const struct layer_fact *fact = facts_find_layer(&golden->facts, step->reader, step->names.at[i]);
        const char *header = fact ? fact_state_find(&fact->state, "header") : NULL;
        struct found_luks *found = LIST_ADD(&outcome->luks, &golden->arena);

        found->name = step->names.at[i];
        found->path = step->paths.at[i];
        found->header = arena_strdup(&golden->arena, header ? header : "none");
        found->offset_kib = header ? 16384 : 0;
        found->device = fact ? arena_strdup_null(&golden->arena, fact->device) : NULL;
        found->device_kib = fact ? fact->device_kib : 0;
    }
}

static void expect_luks(struct golden *golden, const struct step *step, struct outcome *outcome)
{
    const struct layer_fact *fact = step->name ? facts_find_layer(&golden->facts, step->reader, step->name) : NULL;
    const char *offset = fact ? fact_state_find(&fact->state, "offset") : NULL;

    if (step->kind == STEP_ASK_LUKS) {
        expect_headers(golden, step, outcome);
    } else if (step->kind == STEP_LUKS_FORMAT) {
        outcome->size_kib = step->size_kib;
    } else if (step->kind == STEP_LUKS_OPEN || step->kind == STEP_LUKS_RESIZE) {
        outcome->device = arena_printf(&golden->arena, "/dev/mapper/%s", step->name);
        outcome->device_kib = size_below(golden, step->name) - (offset ? strtoll(offset, NULL, 10) : 0);
    }
}

/* Of "0 65536 writecache ...". */
static int64_t table_kib(const char *text)
{
    return strtoll(strchr(text, ' ') + 1, NULL, 10) / 2;
}

/* Of a device that is blank, or was formatted since: "-B SET SECTOR". */
static struct found_device expect_content(struct golden *golden, char *path)
{
    const char *formatted = text_map_find(&golden->formatted, path);
    struct found_device found = { .path = path };

    if (!formatted)
        return found;
    found.content = formatted[1] == 'B' ? CONTENT_BCACHE_DATA : CONTENT_BCACHE_CACHE;
    found.uuid = arena_printf(&golden->arena, "0000000%c-0000-4000-8000-000000000000", formatted[1] == 'B' ? 'b' : 'c');
    found.set_uuid = arena_strndup(&golden->arena, formatted + 3, 36);
    found.data_sector = formatted[1] == 'B' ? strtoll(formatted + 39, NULL, 10) : 0;
    return found;
}

/* Where make-bcache lets the data begin. */
static const char *data_sector(const struct step *step)
{
    static const char option[] = "--data-offset=";

    for (uint32_t i = 0; i < step->argv.count; i++)
        if (text_starts_with(step->argv.at[i], option))
            return step->argv.at[i] + strlen(option);
    return "16";
}

/* The outcome of a step on a machine where all goes well. */
static struct outcome expect(struct golden *golden, const struct step *step)
{
    const struct storage_fact *fact =
        step->identifier ? facts_find_volume(&golden->facts, step->pool, step->identifier) : NULL;
    struct outcome outcome = { .result = OUTCOME_DONE };

    expect_luks(golden, step, &outcome);
    if (step->kind == STEP_FILE_ALLOCATE || step->kind == STEP_FILE_TRUNCATE) {
        outcome.size_kib = step->size_kib;
        outcome.allocated_kib = step->kind == STEP_FILE_ALLOCATE ? step->size_kib : 0;
        outcome.owner = fact && fact->backing && fact->size_kib > 0 ? fact->owner : step->text;
    } else if (step->kind == STEP_LOOP_ATTACH) {
        outcome.device = arena_printf(&golden->arena, "/dev/loop%d", 100 + golden->next_device++);
        outcome.device_kib = fact->size_kib;
    } else if (step->kind == STEP_LOOP_RESIZE) {
        outcome.device_kib = fact->size_kib;
    } else if (step->kind == STEP_ZVOL_GROW) {
        outcome.device = step->device;
        outcome.device_kib = step->size_kib;
    } else if (step->kind == STEP_WAIT_DEVICE) {
        outcome.device = step->device;
        outcome.device_kib = fact ? fact->size_kib : step->size_kib;
    } else if (step->kind == STEP_DM_CREATE || step->kind == STEP_DM_RELOAD) {
        outcome.device = arena_printf(&golden->arena, "/dev/mapper/%s", step->name);
        outcome.device_kib = table_kib(step->text);
    } else if (step->kind == STEP_ASK_CACHE) {
        *LIST_ADD(&outcome.devices, &golden->arena) = expect_content(golden, step->paths.at[0]);
    } else if (step->kind == STEP_WAIT_BLOCK && step->text) {
        outcome.device = strstr(step->path, "bcache") ? arena_strdup(&golden->arena, "/dev/bcache7")
                                                      : arena_strdup(&golden->arena, "/dev/nvme7n1");
        outcome.device_kib = step->size_kib;
    } else if (step->kind == STEP_EXEC && strcmp(step->argv.at[0], "make-bcache") == 0) {
        text_map_set(&golden->formatted, step->argv.at[2],
                     arena_printf(&golden->arena, "%s %s %s", step->argv.at[1], step->argv.at[4], data_sector(step)),
                     &golden->arena);
    } else if (step->kind == STEP_BCACHE_RENEW) {
        text_map_set(&golden->formatted, step->path, arena_printf(&golden->arena, "-B %s 2048", step->text),
                     &golden->arena);
    } else if (step->kind == STEP_EXEC && step->topic) {
        outcome.output = arena_strdup_null(&golden->arena, text_map_find(&golden->answers, step->topic));
    }
    return outcome;
}

static void apply(struct golden *golden, const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->steps.count; i++) {
        const struct step *step = &plan->steps.at[i];
        struct outcome outcome = expect(golden, step);
        struct trouble trouble = { 0 };

        const struct provider *provider = provider_find(step->reader);
        outcome_reader *reader = provider ? provider->read : layer_find(step->reader)->read;

        if (reader(step, &outcome, golden->facts.stamp, &golden->facts, &golden->arena, &trouble) < 0)
            fail(golden, "a good outcome was read as trouble");
    }
}

static void plan_resource(struct golden *golden, const struct resource_want *want)
{
    struct plan plan = { .facts = &golden->facts }, asks = plan;
    struct trouble trouble = { 0 };

    buf_printf(&golden->printed, "resource %s\n", want->resource);
    stack_ask(want, &golden->machine, &asks);
    plan_print(&asks, &golden->printed);
    if (asks.steps.count == 0 && stack_plan(want, &golden->machine, &plan, &trouble) < 0)
        print_trouble(golden, &trouble);
    else
        plan_print(&plan, &golden->printed);
    plan_done(&asks);
    for (int i = 0; plan.steps.count > 0; i++) {
        apply(golden, &plan);
        plan_done(&plan);
        if (stack_plan(want, &golden->machine, &plan, &trouble) < 0) {
            buf_add_text(&golden->printed, "then\n");
            print_trouble(golden, &trouble);
            break;
        }
        if (plan.steps.count == 0)
            break;
        buf_add_text(&golden->printed, "then\n");
        plan_print(&plan, &golden->printed);
        if (i == 8)
            fail(golden, "planning does not come to an end");
    }
    plan_done(&plan);
}

static void update(const struct golden *golden, const char *text)
{
    const char *plan = strstr(text, "== plan\n");
    FILE *file = fopen(golden->path, "w");

    assert(plan && file);
    fprintf(file, "%.*s== plan\n%s", (int)(plan - text), text, buf_text(&golden->printed));
    fclose(file);
}

static bool run(const char *path)
{
    struct golden golden = { .path = path };
    struct buf text = { 0 };
    char *wants, *facts, *plan;
    bool is_same;

    golden.machine = (struct machine){ .pools = &golden.pools, .facts = &golden.facts };
    if (text_read_file(path, 1 << 20, &text) != 0)
        fail(&golden, "cannot be read");
    wants = section(buf_text(&text), "wants", &golden.arena);
    facts = section(buf_text(&text), "facts", &golden.arena);
    plan = section(buf_text(&text), "plan", &golden.arena);
    if (!wants || !plan)
        fail(&golden, "a section is missing");
    decode(&golden, &wants_schema, &golden.wants, wants);
    load_facts(&golden, facts ? facts : "{}");
    load_pools(&golden);
    for (uint32_t i = 0; i < golden.wants.resources.count; i++)
        plan_resource(&golden, &golden.wants.resources.at[i]);
    is_same = strcmp(buf_text(&golden.printed), plan) == 0;
    if (!is_same && getenv("UPDATE_GOLDEN"))
        update(&golden, buf_text(&text));
    else if (!is_same)
        fprintf(stderr, "%s: expected\n%sgot\n%s", path, plan, buf_text(&golden.printed));
    for (struct map_node *node; (node = map_first(&golden.pools));)
        known_pool_remove(&golden.pools, CONTAINER_OF(node, struct known_pool, node));
    facts_done(&golden.facts);
    buf_done(&golden.printed);
    buf_done(&text);
    arena_done(&golden.arena);
    return is_same;
}

static int is_case(const struct dirent *entry)
{
    return text_ends_with(entry->d_name, ".txt");
}

int main(int argc, char **argv)
{
    struct dirent **cases = NULL;
    int count = argc == 2 ? scandir(argv[1], &cases, is_case, alphasort) : -1, failed = 0;

    if (count <= 0) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    for (int i = 0; i < count; i++) {
        char *path = memory_printf("%s/%s", argv[1], cases[i]->d_name);

        if (!run(path))
            failed++;
        free(path);
        free(cases[i]);
    }
    free(cases);
    printf("%d of %d golden plans are as they should be\n", count - failed, count);
    return failed ? 1 : 0;
}
