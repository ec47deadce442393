/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "autoplace_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static void parse_pool(struct cluster *cluster, char *text)
{
    struct autoplace_pool *pool = &cluster->pools[cluster->input.pool_count++];
    char *rest = text, *part;
    int64_t numbers[3] = { 0 };
    int number = 0;
    bool has_total = false;

    *pool = (struct autoplace_pool){ .node = cluster->input.node_count, .is_target = true };
    pool->name = strsep(&rest, ",");
    assert_true(provider_kind_parse(strsep(&rest, ","), &pool->provider));
    pool->free_kib.has = true;
    while ((part = strsep(&rest, ","))) {
        if (strcmp(part, "*") == 0)
            pool->is_target = false;
        else if (strcmp(part, "?") == 0)
            pool->free_kib.has = false;
        else if (number == 3)
            pool->shared_name = part;
        else
            assert_true(text_parse_i64(part, 0, INT64_MAX, &numbers[number])), has_total |= number++ == 1;
    }
    pool->free_kib.value = numbers[0] * MIB;
    pool->total_kib = (struct maybe_i64)MAYBE((has_total ? numbers[1] : numbers[0]) * MIB);
    pool->reserved_kib = numbers[2] * MIB;
    pool->free_ratio = pool->total_ratio = provider_oversubscription(pool->provider);
    pool->min_thin_free_kib = pool->total_kib.value / 10;
}

static void parse_node(struct cluster *cluster, char *line)
{
    uint32_t n = cluster->input.node_count;
    struct autoplace_node *node = &cluster->nodes[n];
    bool in_pools = false;
    char *word;

    *node = (struct autoplace_node){ .online = true, .is_target = true, .layers = UINT32_MAX, .providers = UINT32_MAX };
    node->props = &cluster->props[n];
    node->name = strsep(&line, " ");
    while ((word = strsep(&line, " "))) {
        static const struct {
            const char *word;
            uint64_t flag;
        } flags[] = { { "!evicted", NODE_EVICTED }, { "!delete", NODE_DELETE }, { "!evacuate", NODE_EVACUATE } };
        char *equals = strchr(word, '=');
        for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
            node->flags |= strcmp(word, flags[i].word) == 0 ? flags[i].flag : 0;
        if (in_pools && *word)
            parse_pool(cluster, word);
        else if (strcmp(word, ":") == 0)
            in_pools = true;
        else if (strcmp(word, "!offline") == 0)
            node->online = false;
        else if (strcmp(word, "!notarget") == 0)
            node->is_target = false;
        else if (strcmp(word, "!nodrbd") == 0)
            node->layers &= ~(UINT32_C(1) << LAYER_DRBD);
        else if (strcmp(word, "!nofile") == 0)
            node->providers &= ~(UINT32_C(1) << PROVIDER_FILE);
        else if (strcmp(word, "!mix") == 0)
            node->can_mix = true;
        else if (text_starts_with(word, "has:"))
            text_list_add(&node->resources, word + 4, &cluster->arena);
        else if (equals) {
            *equals = '\0';
            text_map_set(&cluster->props[n], word, equals + 1, &cluster->arena);
        }
    }
    cluster->input.node_count++;
}

static void parse_filter(struct cluster *cluster, char *text)
{
    struct select_filter *filter = &cluster->filter;
    struct {
        const char *word;
        struct text_list *list;
    } const lists[] = {
        { "same=", &filter->replicas_on_same },   { "different=", &filter->replicas_on_different },
        { "nodes=", &filter->node_name_list },    { "pools=", &filter->storage_pool_list },
        { "providers=", &filter->provider_list }, { "not=", &filter->not_place_with_rsc },
    };
    char *word, *item;

    while ((word = strsep(&text, " "))) {
        for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
            char *values = text_starts_with(word, lists[i].word) ? word + strlen(lists[i].word) : NULL;
            while (values && (item = strsep(&values, ",")))
                text_list_add(lists[i].list, item, &cluster->arena);
        }
        if (text_starts_with(word, "x=")) {
            char *key = strsep(&word, "=");
            key = strsep(&word, ":");
            struct i64_pair *pair = LIST_ADD(&filter->x_replicas_on_different_map, &cluster->arena);
            *pair = (struct i64_pair){ key, strtoll(word, NULL, 10) };
        } else if (text_starts_with(word, "regex=")) {
            filter->not_place_with_rsc_regex = word + 6;
        } else if (strcmp(word, "drbd") == 0) {
            cluster->input.layers = UINT32_C(1) << LAYER_DRBD;
        } else if (strcmp(word, "mixing") == 0) {
            cluster->input.allow_mixing = true;
        } else if (strcmp(word, "diskless") == 0) {
            cluster->input.diskless = true;
        } else if (text_starts_with(word, "at=") || text_starts_with(word, "left=")) {
            struct autoplace_deployed *there = &cluster->deployed[cluster->input.deployed_count++];
            char *name = strchr(word, '=') + 1, *provider = strchr(name, ':'), *shared = NULL;
            *there = (struct autoplace_deployed){ .provider = PROVIDER_FILE, .leaving = *word == 'l' };
            if (provider) {
                *provider++ = '\0';
                if ((shared = strchr(provider, ':')))
                    *shared++ = '\0';
                assert_true(provider_kind_parse(provider, &there->provider));
            }
            there->shared_name = shared;
            for (uint32_t n = 0; n < cluster->input.node_count; n++)
                there->node = strcmp(cluster->nodes[n].name, name) == 0 ? n : there->node;
        }
    }
}

void place(struct cluster *cluster, const char *nodes, const char *filter, uint32_t need, int64_t size_kib)
{
    *cluster = (struct cluster){ 0 };
    char *text = arena_strdup(&cluster->arena, nodes), *line;

    while ((line = strsep(&text, "\n"))) {
        if (*line)
            parse_node(cluster, line);
    }
    parse_filter(cluster, arena_strdup(&cluster->arena, filter));
    cluster->input.nodes = cluster->nodes;
    cluster->input.pools = cluster->pools;
    cluster->input.deployed = cluster->deployed;
    cluster->input.filter = &cluster->filter;
    cluster->input.need = need;
    cluster->input.size_kib = size_kib;
    memcpy(cluster->input.weights, autoplace_default_weights, sizeof(cluster->input.weights));
    autoplace_run(&cluster->input, &cluster->arena, &cluster->result);
}

const char *chosen(struct cluster *cluster)
{
    const char *text = "";

    for (uint32_t i = 0; i < cluster->result.chosen_count; i++) {
        const struct autoplace_pool *pool = &cluster->pools[cluster->result.chosen[i]];
        text = arena_printf(&cluster->arena, "%s%s%s/%s", text, i > 0 ? " " : "", cluster->nodes[pool->node].name,
                            pool->name);
    }
    return text;
}
