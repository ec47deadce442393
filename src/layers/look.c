/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "layers/look.h"

#include <stdarg.h>
#include <string.h>

#include "base/text.h"

struct look look_begin(const char *layer, struct facts *facts, int64_t asked)
{
    return (struct look){ .layer = layer, .facts = facts, .asked = asked, .begun = facts->stamp };
}

struct layer_fact *look_find(struct look *look, const char *name)
{
    const struct layer_fact *known = facts_find_layer(look->facts, look->layer, name);
    struct layer_fact *fact;

    if (known && known->stamp > look->begun)
        return facts_edit_layer(look->facts, look->layer, name);
    if (known && known->stamp > look->asked)
        return NULL;
    fact = facts_edit_layer(look->facts, look->layer, name);
    facts_set_text(&fact->device, NULL);
    fact->device_kib = 0;
    fact->is_uncertain = false;
    fact_state_done(&fact->state);
    return fact;
}

void look_end(struct look *look, const char *const *prefixes)
{
    for (struct layer_fact *fact = facts_first_layer(look->facts, look->layer), *next; fact; fact = next) {
        next = facts_next_layer(fact);
        for (size_t i = 0; prefixes[i] && fact->stamp <= look->asked; i++)
            if (text_starts_with(fact->name, prefixes[i])) {
                facts_remove_layer(look->facts, look->layer, fact->name);
                break;
            }
    }
    fact_state_set(&look->facts->known_layers, look->layer, "yes");
}

void look_ask(const char *layer, const char *what, const char *const *patterns, struct plan *plan)
{
    struct step *step;

    for (uint32_t i = 0; i < plan->steps.count; i++)
        if (plan->steps.at[i].kind == STEP_ASK_TREE && strcmp(plan->steps.at[i].reader, layer) == 0)
            return;
    step = plan_add(plan, STEP_ASK_TREE, "%s", what);
    step->reader = arena_strdup(&plan->arena, layer);
    for (; *patterns; patterns++)
        text_list_add(&step->paths, *patterns, &plan->arena);
}

static struct step *add_step(const char *layer, const char *name, enum step_kind kind, struct plan *plan,
                             const char *what)
{
    struct step *step = plan_add(plan, kind, "%s", what);

    step->reader = arena_strdup(&plan->arena, layer);
    step->name = arena_strdup(&plan->arena, name);
    return step;
}

struct step *look_step(const char *layer, const char *name, enum step_kind kind, struct plan *plan, const char *what,
                       ...)
{
    char *text;
    va_list args;

    va_start(args, what);
    text = arena_vprintf(&plan->arena, what, args);
    va_end(args);
    return add_step(layer, name, kind, plan, text);
}

void look_add(struct step *step, enum tree_change change, const char *value, struct plan *plan, const char *path, ...)
{
    struct tree_entry *entry = LIST_ADD(&step->entries, &plan->arena);
    va_list args;

    va_start(args, path);
    entry->path = arena_vprintf(&plan->arena, path, args);
    va_end(args);
    entry->change = change;
    entry->value = arena_strdup_null(&plan->arena, value);
}

void look_load_module(const char *layer, const char *fact, const char *module, struct plan *plan)
{
    const char *const argv[] = { "modprobe", module, NULL };
    struct step *step = look_step(layer, fact, STEP_EXEC, plan, "load the module %s", module);

    plan_add_words(plan, step, argv);
    step->changes = true;
}
