/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "layers/stack.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "layers/snapshot.h"
#include "layers/storage.h"

enum { LAYERS_LIMIT = 8, LEVELS = LAYERS_LIMIT * BELOW_LIMIT };

const struct layer *const layers[] = { &layer_storage, NULL };
const char *const layers_absent[] = { "DRBD", "LUKS", "NVME", "WRITECACHE", "CACHE", "BCACHE", NULL };

/*
 * levels[0] is the top, each main level is followed by its sides and then by the main level below it: backwards is the
 * order of raising, forwards that of lowering.
 */
struct stack {
    struct level levels[LEVELS];
    bool is_side[LEVELS];
    uint32_t count;
};

const struct layer *layer_find(const char *name)
{
    for (size_t i = 0; name && layers[i]; i++)
        if (text_equal_fold(layers[i]->name, name))
            return layers[i];
    return NULL;
}

static int refuse(struct arena *arena, struct trouble *trouble, const struct resource_want *want, const char *cause,
                  const char *correction)
{
    trouble->message = arena_printf(arena, "Resource '%s' is refused by the satellite.", want->resource);
    trouble->cause = arena_strdup(arena, cause);
    trouble->correction = arena_strdup_null(arena, correction);
    return -1;
}

/* Names become parts of paths. */
static bool is_safe_name(const char *name)
{
    return name[0] && name[0] != '.' && name[0] != '-' && strlen(name) < 128 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == strlen(name);
}

static int check_layers(const struct resource_want *want, struct arena *arena, struct trouble *trouble)
{
    struct buf unknown = { 0 };

    for (uint32_t i = 0; i < want->layers.count; i++)
        if (!layer_find(want->layers.at[i]))
            buf_printf(&unknown, "%s%s", unknown.length > 0 ? ", " : "", want->layers.at[i]);
    if (unknown.length > 0) {
        refuse(arena, trouble, want,
               arena_printf(arena, "These layers are not in this version of the satellite: %s.", buf_text(&unknown)),
               "Use the layer list STORAGE.");
        buf_done(&unknown);
        return -1;
    }
    if (want->layers.count == 0 || want->layers.count > LAYERS_LIMIT ||
        !text_equal_fold(want->layers.at[want->layers.count - 1], layer_storage.name))
        return refuse(arena, trouble, want, "Its list of layers does not end with STORAGE.", NULL);
    return 0;
}

static int check_want(const struct resource_want *want, struct arena *arena, struct trouble *trouble)
{
    if (!is_safe_name(want->resource))
        return refuse(arena, trouble, want, "Its name cannot be part of a path.", NULL);
    for (uint32_t i = 0; i < want->volumes.count; i++) {
        const struct volume_want *volume = &want->volumes.at[i];

        if (volume->number < 0 || volume->number > 65535)
            return refuse(arena, trouble, want, "A volume number is out of range.", NULL);
        for (uint32_t j = 0; j < i; j++)
            if (want->volumes.at[j].number == volume->number)
                return refuse(arena, trouble, want, "Two volumes have the same number.", NULL);
    }
    return 0;
}

static struct level *add_level(struct stack *stack, const struct layer *layer, const char *suffix, bool is_side,
                               const struct resource_want *want, const struct machine *machine, struct arena *arena)
{
    struct level *level = &stack->levels[stack->count];

    *level = (struct level){
        .layer = layer,
        .resource = want,
        .suffix = suffix,
        .machine = machine,
        .volumes = arena_alloc(arena, (want->volumes.count + 1) * sizeof(*level->volumes)),
    };
    stack->is_side[stack->count++] = is_side;
    return level;
}

static void add_sides(struct stack *stack, const struct level *owner, const struct resource_want *want,
                      const struct machine *machine, struct arena *arena)
{
    for (const struct layer_side *side = owner->layer->sides; side && side->suffix; side++) {
        struct level *level = add_level(stack, &layer_storage, side->suffix, true, want, machine, arena);

        level->count = owner->count;
        for (uint32_t v = 0; v < owner->count; v++) {
            const struct level_volume *above = &owner->volumes[v];

            level->volumes[v] =
                (struct level_volume){ .want = above->want,
                                       .size_kib = side->size_kib(owner, above->want, above->size_kib) };
        }
    }
}

/* From the bottom up: each level sees the devices of those below, and says what it makes of them. */
static void look_at_devices(struct stack *stack, struct arena *arena)
{
    for (uint32_t v = 0; stack->count > 0 && v < stack->levels[0].count; v++) {
        struct volume_fact main_fact = { 0 };
        struct level_device sides[SIDES_LIMIT];
        uint32_t found = 0;

        for (uint32_t i = stack->count; i-- > 0;) {
            struct level *level = &stack->levels[i];
            struct level_volume *volume = &level->volumes[v];
            struct volume_fact side_fact = { 0 };
            struct volume_fact *fact = stack->is_side[i] ? &side_fact : &main_fact;

            volume->below[0] = (struct level_device){ main_fact.device_path, main_fact.usable_kib };
            /* they were met last first */
            for (uint32_t s = 0; !stack->is_side[i] && s < found; s++)
                volume->below[1 + s] = sides[found - 1 - s];
            level->layer->describe(level, volume, arena, fact);
            volume->device = (struct level_device){ fact->device_path, fact->usable_kib };
            if (stack->is_side[i])
                sides[found++] = volume->device;
            else
                found = 0;
        }
    }
}

/* Volumes of the want whose removal is (not) asked for, with the sizes and the devices of each level. */
static void make_stack(struct stack *stack, const struct resource_want *want, const struct machine *machine,
                       bool remove, struct arena *arena)
{
    const struct level *above = NULL;

    stack->count = 0;
    for (uint32_t i = 0; i < want->layers.count && i < LAYERS_LIMIT; i++) {
        const struct layer *layer = layer_find(want->layers.at[i]);
        struct level *level;

        if (!layer)
            continue;
        level = add_level(stack, layer, "", false, want, machine, arena);
        for (uint32_t v = 0; v < want->volumes.count; v++) {
            const struct volume_want *volume = &want->volumes.at[v];

            if ((want->remove || volume->remove) != remove)
                continue;
            level->volumes[level->count] = (struct level_volume){
                .want = volume,
                .size_kib = above ? above->layer->gross_kib(above, volume, above->volumes[level->count].size_kib)
                                  : volume->size_kib,
            };
            level->count++;
        }
        above = level;
        add_sides(stack, level, want, machine, arena);
    }
    look_at_devices(stack, arena);
}

static int plan_down(const struct stack *stack, const struct resource_want *want, struct plan *plan,
                     struct trouble *trouble)
{
    if (stack->count == 0 || stack->levels[0].count == 0)
        return 0;
    if (!want->authority || !want->authority[0])
        return refuse(&plan->arena, trouble, want,
                      "It shall be removed, but nothing says which user's request allowed its data to be destroyed.",
                      "Delete it by a request to the controller.");
    for (uint32_t i = 0; i < stack->count; i++)
        if (stack->levels[i].layer->lower(&stack->levels[i], plan, trouble) < 0)
            return -1;
    return 0;
}

static bool has_devices(const struct level *level)
{
    for (uint32_t v = 0; v < level->count; v++)
        if (!level->volumes[v].device.path)
            return false;
    return true;
}

/* A level can only be planned when the devices below it are there. */
static int plan_up(const struct stack *stack, struct plan *plan, struct trouble *trouble)
{
    bool may_rise = true;

    for (uint32_t i = stack->count; i-- > 0;) {
        if (!stack->is_side[i] && !may_rise)
            return 0;
        if (stack->levels[i].layer->raise(&stack->levels[i], plan, trouble) < 0)
            return -1;
        may_rise = may_rise && has_devices(&stack->levels[i]);
    }
    return 0;
}

int stack_plan(const struct resource_want *want, const struct machine *machine, struct plan *plan,
               struct trouble *trouble)
{
    struct stack stack;

    if (check_want(want, &plan->arena, trouble) < 0)
        return -1;
    if (snapshot_plan(want, machine, true, plan, trouble) < 0)
        return -1;
    make_stack(&stack, want, machine, true, &plan->arena);
    if (plan_down(&stack, want, plan, trouble) < 0)
        return -1;
    /* What this version could never have made needs no removal, so that a refused resource can be deleted again. */
    if (want->remove && plan->steps.count == 0)
        return 0;
    if (want->volumes.count > 0 || want->snapshots.count == 0) {
        if (check_layers(want, &plan->arena, trouble) < 0)
            return -1;
        make_stack(&stack, want, machine, false, &plan->arena);
        if (plan_up(&stack, plan, trouble) < 0)
            return -1;
    }
    return snapshot_plan(want, machine, false, plan, trouble);
}

/* A layer whose devices on this machine were never listed. */
static bool is_unknown(const struct layer *layer, const struct machine *machine)
{
    return layer->ask_all && !fact_state_find(&machine->facts->known_layers, layer->name);
}

static bool has_layer(const struct resource_want *want, const struct layer *layer)
{
    for (uint32_t i = 0; i < want->layers.count; i++)
        if (layer_find(want->layers.at[i]) == layer)
            return true;
    return false;
}

void stack_ask(const struct resource_want *want, const struct machine *machine, struct plan *plan)
{
    struct trouble ignored = { 0 };

    if (check_want(want, &plan->arena, &ignored) < 0)
        return; /* stack_plan says why */
    for (int remove = 0; remove < 2; remove++) {
        struct stack stack;

        make_stack(&stack, want, machine, remove, &plan->arena);
        for (uint32_t i = stack.count; i-- > 0;)
            if (!is_unknown(stack.levels[i].layer, machine))
                stack.levels[i].layer->ask(&stack.levels[i], plan);
    }
    for (size_t i = 0; layers[i]; i++)
        if (is_unknown(layers[i], machine) && has_layer(want, layers[i]))
            layers[i]->ask_all(plan);
    snapshot_ask(want, machine, plan);
}

static void describe_levels(const struct stack *stack, uint32_t v, struct arena *arena, struct volume_fact *described)
{
    struct volume_fact main_fact = { 0 };
    struct level_fact *told = arena_alloc(arena, (stack->count + 1) * sizeof(*told));

    for (uint32_t i = stack->count; i-- > 0;) {
        const struct level *level = &stack->levels[i];
        struct volume_fact side_fact = { 0 };
        struct volume_fact *fact = stack->is_side[i] ? &side_fact : &main_fact;

        level->layer->describe(level, &level->volumes[v], arena, fact);
        told[i] = (struct level_fact){
            .layer = arena_strdup(arena, level->layer->name),
            .suffix = level->suffix[0] ? arena_strdup(arena, level->suffix) : NULL,
            .device_path = fact->device_path,
            .backing = fact->backing,
            .usable_kib = fact->usable_kib,
            .allocated_kib = fact->allocated_kib,
        };
    }
    main_fact.number = described->number;
    *described = main_fact;
    if (stack->count > 1) {
        described->levels.at = told;
        described->levels.count = stack->count;
    }
}

void stack_describe(const struct resource_want *want, const struct machine *machine, struct arena *arena,
                    struct resource_fact *fact)
{
    struct stack stack;

    make_stack(&stack, want, machine, false, arena);
    for (uint32_t v = 0; stack.count > 0 && v < stack.levels[0].count; v++) {
        struct volume_fact *described = LIST_ADD(&fact->volumes, arena);

        described->number = stack.levels[0].volumes[v].want->number;
        describe_levels(&stack, v, arena, described);
    }
    snapshot_describe(want, machine, arena, fact);
}

bool stack_owns(const struct resource_want *want, const struct machine *machine, const char *pool,
                const char *identifier)
{
    struct arena arena = { 0 };
    bool is_owned = snapshot_owns(want, pool, identifier);

    for (int remove = 0; remove < 2; remove++) {
        struct stack stack;

        make_stack(&stack, want, machine, remove, &arena);
        for (uint32_t i = 0; i < stack.count; i++)
            is_owned = is_owned ||
                       (stack.levels[i].layer == &layer_storage && storage_owns(&stack.levels[i], pool, identifier));
    }
    arena_done(&arena);
    return is_owned;
}
