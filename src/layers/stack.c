/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "layers/stack.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

enum { LEVELS = 8 };

const struct layer *const layers[] = { &layer_storage, NULL };
const char *const layers_absent[] = { "DRBD", "LUKS", "NVME", "WRITECACHE", "CACHE", "BCACHE", NULL };

/* levels[0] is the top. Each has the volumes that are to stand, with the sizes that its own level gives. */
struct stack {
    struct level levels[LEVELS];
    uint32_t count;
};

static const struct layer *find_layer(const char *name)
{
    for (size_t i = 0; layers[i]; i++)
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
        if (!find_layer(want->layers.at[i]))
            buf_printf(&unknown, "%s%s", unknown.length > 0 ? ", " : "", want->layers.at[i]);
    if (unknown.length > 0) {
        refuse(arena, trouble, want,
               arena_printf(arena, "These layers are not in this version of the satellite: %s.", buf_text(&unknown)),
               "Use the layer list STORAGE.");
        buf_done(&unknown);
        return -1;
    }
    if (want->layers.count == 0 || want->layers.count > LEVELS ||
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

/* Volumes of the want whose removal is (not) asked for, with the sizes of each level. */
static void make_stack(struct stack *stack, const struct resource_want *want, const struct machine *machine,
                       bool remove, struct arena *arena)
{
    stack->count = 0;
    for (uint32_t i = 0; i < want->layers.count && i < LEVELS; i++) {
        const struct layer *layer = find_layer(want->layers.at[i]);
        struct level *level = &stack->levels[stack->count];
        const struct level *above = stack->count > 0 ? level - 1 : NULL;

        if (!layer)
            continue;
        *level = (struct level){
            .layer = layer,
            .resource = want,
            .suffix = "",
            .machine = machine,
            .volumes = arena_alloc(arena, (want->volumes.count + 1) * sizeof(*level->volumes)),
        };
        for (uint32_t v = 0; v < want->volumes.count; v++) {
            const struct volume_want *volume = &want->volumes.at[v];
            int64_t net_kib = above ? above->volumes[level->count].size_kib : volume->size_kib;

            if ((want->remove || volume->remove) != remove)
                continue;
            level->volumes[level->count++] =
                (struct level_volume){ .want = volume, .size_kib = layer->gross_kib(level, volume, net_kib) };
        }
        stack->count++;
    }
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

/* A level can only be planned when the devices of the one below are known. */
static bool has_devices(const struct stack *stack, uint32_t from, struct arena *arena)
{
    for (uint32_t v = 0; v < stack->levels[from].count; v++) {
        struct volume_fact fact = { 0 };

        for (uint32_t i = stack->count; i-- > from;)
            stack->levels[i].layer->describe(&stack->levels[i], &stack->levels[i].volumes[v], arena, &fact);
        if (!fact.device_path)
            return false;
    }
    return true;
}

static int plan_up(const struct stack *stack, struct plan *plan, struct trouble *trouble)
{
    for (uint32_t i = stack->count; i-- > 0;) {
        if (stack->levels[i].layer->raise(&stack->levels[i], plan, trouble) < 0)
            return -1;
        if (i > 0 && !has_devices(stack, i, &plan->arena))
            return 0;
    }
    return 0;
}

int stack_plan(const struct resource_want *want, const struct machine *machine, struct plan *plan,
               struct trouble *trouble)
{
    struct stack stack;

    if (check_want(want, &plan->arena, trouble) < 0)
        return -1;
    make_stack(&stack, want, machine, true, &plan->arena);
    if (plan_down(&stack, want, plan, trouble) < 0)
        return -1;
    /* What this version could never have made needs no removal, so that a refused resource can be deleted again. */
    if (want->remove && plan->steps.count == 0)
        return 0;
    if (check_layers(want, &plan->arena, trouble) < 0)
        return -1;
    make_stack(&stack, want, machine, false, &plan->arena);
    return plan_up(&stack, plan, trouble);
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
            stack.levels[i].layer->ask(&stack.levels[i], plan);
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
        for (uint32_t i = stack.count; i-- > 0;)
            stack.levels[i].layer->describe(&stack.levels[i], &stack.levels[i].volumes[v], arena, described);
    }
}

bool stack_owns(const struct resource_want *want, const struct machine *machine, const char *pool,
                const char *identifier)
{
    struct arena arena = { 0 };
    bool is_owned = false;

    for (int remove = 0; remove < 2; remove++) {
        struct stack stack;

        make_stack(&stack, want, machine, remove, &arena);
        for (uint32_t i = 0; i < stack.count; i++)
            is_owned = is_owned || stack.levels[i].layer->owns(&stack.levels[i], pool, identifier);
    }
    arena_done(&arena);
    return is_owned;
}
