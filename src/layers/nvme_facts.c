/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A path of configfs says what its value means, in answers as well as in changes: one function reads both.
 */
#include "layers/nvme_facts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "drivers/explain.h"

enum { WORDS = 8 };

static const char *const patterns[] = {
    NVME_FABRICS,
    NVME_CONFIG "/ports",
    NVME_CONFIG "/ports/*/addr_tr*",
    NVME_CONFIG "/ports/*/subsystems/" NVME_PREFIX "*",
    NVME_CONFIG "/subsystems/" NVME_PREFIX "*",
    NVME_CONFIG "/subsystems/" NVME_PREFIX "*/attr_allow_any_host",
    NVME_CONFIG "/subsystems/" NVME_PREFIX "*/allowed_hosts/*",
    NVME_CONFIG "/subsystems/" NVME_PREFIX "*/namespaces/*/device_path",
    NVME_CONFIG "/subsystems/" NVME_PREFIX "*/namespaces/*/enable",
    "/sys/class/nvme/nvme*/subsysnqn",
    "/sys/class/nvme/nvme*/transport",
    "/sys/class/nvme/nvme*/address",
    "/sys/block/nvme*n*/device/subsysnqn",
    "/sys/block/nvme*n*/nsid",
    "/sys/block/nvme*n*/size",
    NULL,
};
static const char *const all[] = { "", NULL };

void nvme_facts_ask(const struct layer *layer, struct plan *plan)
{
    look_ask(layer->name, "look at the subsystems of NVMe", patterns, plan);
}

const struct layer_fact *nvme_facts_find(const struct facts *facts, struct arena *arena, const char *name, ...)
{
    const struct layer_fact *fact;
    va_list args;

    va_start(args, name);
    fact = facts_find_layer(facts, NVME_LAYER, arena_vprintf(arena, name, args));
    va_end(args);
    return fact;
}

static const struct layer_fact *from(const struct layer_fact *fact, const char *prefix)
{
    while (fact && !text_starts_with(fact->name, prefix))
        fact = facts_next_layer(fact);
    return fact;
}

const struct layer_fact *nvme_facts_first(const struct facts *facts, const char *prefix)
{
    return from(facts_first_layer(facts, NVME_LAYER), prefix);
}

const struct layer_fact *nvme_facts_next(const struct layer_fact *fact, const char *prefix)
{
    return from(facts_next_layer(fact), prefix);
}

/* The words of a path below base, separated by slashes. 0: it lies elsewhere, or too deep. */
static size_t split(const char *path, const char *base, char *words[WORDS], struct arena *arena)
{
    size_t count = 0, length = strlen(base);
    char *rest = NULL, *text;

    if (!text_starts_with(path, base) || path[length] != '/')
        return 0;
    text = arena_strdup(arena, path + length + 1);
    for (char *word = strtok_r(text, "/", &rest); word; word = strtok_r(NULL, "/", &rest)) {
        if (count == WORDS)
            return 0;
        words[count++] = word;
    }
    return count;
}

static void set(struct look *look, const char *name, const char *key, const char *value)
{
    struct layer_fact *fact = look_find(look, name);

    if (fact && key)
        fact_state_set(&fact->state, key, value);
}

static void take_port(struct look *look, char *const words[], size_t count, const char *value, struct arena *arena)
{
    static const char *const files[][2] = { { "addr_traddr", NVME_ADDRESS },
                                            { "addr_trtype", NVME_TRANSPORT },
                                            { "addr_trsvcid", NVME_SERVICE } };

    for (size_t i = 0; count == 2 && i < ARRAY_SIZE(files); i++)
        if (strcmp(words[1], files[i][0]) == 0)
            set(look, arena_printf(arena, "port/%s", words[0]), files[i][1], value);
    if (count == 3 && strcmp(words[1], "subsystems") == 0)
        set(look, arena_printf(arena, "target/%s", words[2]), arena_printf(arena, "port %s", words[0]),
            value ? "yes" : NULL);
}

static void take_subsystem(struct look *look, char *const words[], size_t count, const char *value, struct arena *arena)
{
    char *target = arena_printf(arena, "target/%s", words[0]);

    if (count == 1)
        set(look, target, NULL, NULL);
    else if (count == 2 && strcmp(words[1], "attr_allow_any_host") == 0)
        set(look, target, NVME_ANY_HOST, value);
    else if (count == 3 && strcmp(words[1], "allowed_hosts") == 0)
        set(look, target, arena_printf(arena, "host %s", words[2]), value ? "yes" : NULL);
    else if (count == 4 && strcmp(words[3], "device_path") == 0)
        set(look, arena_printf(arena, "namespace/%s/%s", words[0], words[2]), NVME_PATH, value);
    else if (count == 4 && strcmp(words[3], "enable") == 0)
        set(look, arena_printf(arena, "namespace/%s/%s", words[0], words[2]), NVME_ENABLED, value);
}

/* value NULL: a directory, or a link that was taken away. */
static void take_config(struct look *look, const char *path, const char *value, struct arena *arena)
{
    char *words[WORDS];
    size_t count;

    if (strcmp(path, NVME_FABRICS) == 0)
        set(look, "module/nvme-fabrics", NULL, NULL);
    else if (strcmp(path, NVME_CONFIG "/ports") == 0)
        set(look, "module/nvmet", NULL, NULL);
    else if ((count = split(path, NVME_CONFIG "/ports", words, arena)) > 0)
        take_port(look, words, count, value, arena);
    else if ((count = split(path, NVME_CONFIG "/subsystems", words, arena)) > 0)
        take_subsystem(look, words, count, value, arena);
}

/* What an answer says of one controller or device, whose directory is given. */
static const char *value_in(const struct outcome *outcome, const char *directory, const char *file)
{
    size_t length = strlen(directory);

    for (uint32_t i = 0; i < outcome->entries.count; i++)
        if (strncmp(outcome->entries.at[i].path, directory, length) == 0 &&
            strcmp(outcome->entries.at[i].path + length, file) == 0)
            return outcome->entries.at[i].value;
    return NULL;
}

/* "traddr=10.0.0.1,trsvcid=4420,src_addr=10.0.0.2" */
static char *find_word(const char *text, const char *key, struct arena *arena)
{
    size_t length = strlen(key);

    for (; text && *text; text += strcspn(text, ","), text += *text == ',')
        if (strncmp(text, key, length) == 0 && text[length] == '=')
            return arena_strndup(arena, text + length + 1, strcspn(text + length + 1, ","));
    return NULL;
}

static void take_controller(struct look *look, const struct outcome *outcome, const char *directory,
                            const char *subsystem, struct arena *arena)
{
    char *name = arena_printf(arena, "controller/%s/%s", subsystem, strrchr(directory, '/') + 1);
    const char *address = value_in(outcome, directory, "/address");

    set(look, name, NVME_TRANSPORT, value_in(outcome, directory, "/transport"));
    set(look, name, NVME_ADDRESS, find_word(address, "traddr", arena));
    set(look, name, NVME_SERVICE, find_word(address, "trsvcid", arena));
}

/* With several paths to a namespace, those of single paths ("nvme0c1n1") are shown, too, and have no node. */
static void take_device(struct look *look, const struct outcome *outcome, const char *directory, const char *subsystem,
                        struct arena *arena)
{
    const char *number = value_in(outcome, directory, "/nsid"), *sectors = value_in(outcome, directory, "/size");
    const char *name = strrchr(directory, '/') + 1;
    struct layer_fact *fact;

    if (!number || !sectors || strchr(name, 'c'))
        return;
    fact = look_find(look, arena_printf(arena, "device/%s/%s", subsystem, number));
    if (!fact)
        return;
    facts_set_text(&fact->device, arena_printf(arena, "/dev/%s", name));
    fact->device_kib = strtoll(sectors, NULL, 10) / 2;
}

static void take_entry(struct look *look, const struct outcome *outcome, const struct tree_entry *entry,
                       struct arena *arena)
{
    static const char device[] = "/device/subsysnqn", controller[] = "/subsysnqn";
    size_t length = strlen(entry->path);

    if (text_starts_with(entry->path, NVME_CONFIG) || strcmp(entry->path, NVME_FABRICS) == 0) {
        take_config(look, entry->path, entry->value, arena);
        return;
    }
    if (!entry->value || !text_starts_with(entry->value, NVME_PREFIX))
        return;
    if (text_ends_with(entry->path, device))
        take_device(look, outcome, arena_strndup(arena, entry->path, length - strlen(device)), entry->value, arena);
    else if (text_ends_with(entry->path, controller))
        take_controller(look, outcome, arena_strndup(arena, entry->path, length - strlen(controller)), entry->value,
                        arena);
}

/* Nothing shows what initiators were told: it is kept, for namespaces that are still there. */
static void keep_told(const struct facts *facts, struct text_map *told, struct arena *arena)
{
    for (const struct layer_fact *fact = nvme_facts_first(facts, "namespace/"); fact;
         fact = nvme_facts_next(fact, "namespace/"))
        if (fact_state_find(&fact->state, NVME_TOLD))
            text_map_set(told, arena_strdup(arena, fact->name),
                         arena_strdup(arena, fact_state_find(&fact->state, NVME_TOLD)), arena);
}

static void read_answer(const struct outcome *outcome, int64_t asked, struct facts *facts, struct arena *arena)
{
    struct look look = look_begin(NVME_LAYER, facts, asked);
    struct text_map told = { 0 };

    keep_told(facts, &told, arena);
    for (uint32_t i = 0; i < outcome->entries.count; i++)
        take_entry(&look, outcome, &outcome->entries.at[i], arena);
    look_end(&look, all);
    for (uint32_t i = 0; i < told.count; i++)
        if (facts_find_layer(facts, NVME_LAYER, told.at[i].key))
            fact_state_set(&facts_edit_layer(facts, NVME_LAYER, told.at[i].key)->state, NVME_TOLD, told.at[i].value);
}

static void remove_all(struct facts *facts, const char *prefix)
{
    for (const struct layer_fact *fact = nvme_facts_first(facts, prefix), *next; fact; fact = next) {
        next = nvme_facts_next(fact, prefix);
        facts_remove_layer(facts, NVME_LAYER, fact->name);
    }
}

/* A directory that is gone, and what was known by it. */
static void take_removal(struct facts *facts, const char *path, struct arena *arena)
{
    char *words[WORDS];

    if (split(path, NVME_CONFIG "/subsystems", words, arena) == 1)
        facts_remove_layer(facts, NVME_LAYER, arena_printf(arena, "target/%s", words[0]));
    else if (split(path, NVME_CONFIG "/subsystems", words, arena) == 3)
        facts_remove_layer(facts, NVME_LAYER, arena_printf(arena, "namespace/%s/%s", words[0], words[2]));
}

static void read_tree(const struct step *step, struct facts *facts, struct arena *arena)
{
    /* What is changed is known from now on: nothing is newer. */
    struct look look = { .layer = NVME_LAYER, .facts = facts, .asked = INT64_MAX, .begun = -1 };

    for (uint32_t i = 0; i < step->entries.count; i++) {
        const struct tree_entry *entry = &step->entries.at[i];
        bool ends = entry->change == TREE_REMOVE;

        if (ends)
            take_removal(facts, entry->path, arena);
        else if (entry->change == TREE_DIRECTORY || entry->change == TREE_VALUE || entry->change == TREE_LINK ||
                 entry->change == TREE_UNLINK)
            take_config(&look, entry->path, entry->value, arena);
    }
}

static void read_connected(const struct step *step, struct facts *facts, struct arena *arena)
{
    struct layer_fact *fact =
        facts_edit_layer(facts, NVME_LAYER, arena_printf(arena, "controller/%s/unseen", step->text));

    fact_state_set(&fact->state, NVME_TRANSPORT, find_word(step->entries.at[0].value, "transport", arena));
    fact_state_set(&fact->state, NVME_ADDRESS, find_word(step->entries.at[0].value, "traddr", arena));
    fact_state_set(&fact->state, NVME_SERVICE, find_word(step->entries.at[0].value, "trsvcid", arena));
    facts_edit_layer(facts, NVME_LAYER, arena_printf(arena, "look/%s", step->text))->is_uncertain = true;
}

static void read_change(const struct step *step, const struct outcome *outcome, struct facts *facts,
                        struct arena *arena)
{
    if (step->kind == STEP_EXEC) {
        facts_edit_layer(facts, NVME_LAYER, step->name);
    } else if (step->kind == STEP_WAIT_BLOCK) {
        struct layer_fact *fact = facts_edit_layer(facts, NVME_LAYER, step->name);

        facts_set_text(&fact->device, outcome->device);
        fact->device_kib = outcome->device_kib;
    } else if (step->topic && strcmp(step->topic, NVME_TOPIC_CONNECT) == 0) {
        read_connected(step, facts, arena);
    } else if (step->topic && strcmp(step->topic, NVME_TOPIC_DISCONNECT) == 0) {
        remove_all(facts, arena_printf(arena, "controller/%s/", step->text));
        remove_all(facts, arena_printf(arena, "device/%s/", step->text));
    } else if (step->topic && strcmp(step->topic, NVME_TOPIC_RELEASE) == 0) {
        fact_state_set(&facts_edit_layer(facts, NVME_LAYER, step->name)->state, NVME_RELEASED, "yes");
    } else {
        read_tree(step, facts, arena);
    }
    if (step->topic && strcmp(step->topic, NVME_TOPIC_NAMESPACE) == 0)
        fact_state_set(&facts_edit_layer(facts, NVME_LAYER, step->name)->state, NVME_TOLD,
                       arena_printf(arena, "%" PRId64, step->size_kib));
}

int nvme_facts_read(const struct step *step, const struct outcome *outcome, int64_t asked, struct facts *facts,
                    struct arena *arena, struct trouble *trouble)
{
    if (outcome->result == OUTCOME_SKIPPED)
        return 0;
    if (outcome->result == OUTCOME_DONE && step->kind == STEP_ASK_TREE) {
        read_answer(outcome, asked, facts, arena);
        return 0;
    }
    if (outcome->result == OUTCOME_DONE) {
        read_change(step, outcome, facts, arena);
        return 0;
    }
    if (step->text)
        facts_edit_layer(facts, NVME_LAYER, arena_printf(arena, "look/%s", step->text))->is_uncertain = true;
    explain_outcome(step, outcome, arena, trouble);
    return -1;
}
