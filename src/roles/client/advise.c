/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "advise": what about resources is worth a look, or would be if a node went away, and the command that helps. All of
 * it follows from lists that others show; the controller is not asked for advice.
 */
#include <string.h>

#include "api/node.h"
#include "api/resource.h"
#include "api/resource_definition.h"
#include "api/resource_group.h"
#include "api/storage_pool.h"
#include "base/map.h"
#include "base/text.h"
#include "roles/client/commands.h"
#include "roles/client/documents.h"
#include "roles/client/pretty.h"

enum { USUAL_REPLICAS = 2, WITH_TIEBREAKER = 3 };

static const char usual_group[] = "DfltRscGrp";

struct definition {
    struct map_node by_name;
    const struct resource_definition_doc *doc;
    const struct resource_group_doc *group; /* may be NULL */
    LIST_OF(const struct resource_doc *) resources;
};

struct advice {
    struct call *call;
    struct documents groups, pools, resources;
    struct map definitions;
    LIST_OF(struct definition *) order;
    struct text_list nodes_with_pools;
    struct table table;
    LIST_OF(const char *) types; /* of the table's rows */
};

static bool is_diskless(const struct resource_doc *resource)
{
    return text_list_has(&resource->flags, "DISKLESS") || text_list_has(&resource->flags, "DRBD_DISKLESS");
}

static bool is_in_use(const struct resource_doc *resource)
{
    return resource->state && resource->state->in_use.has && resource->state->in_use.value;
}

static uint32_t count_diskful(const struct definition *definition)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < definition->resources.count; i++)
        count += !is_diskless(definition->resources.at[i]);
    return count;
}

static bool is_wanted(const struct call *call, const char *option, const char *text)
{
    const struct argument_value *given = arguments_find(call->arguments, option);

    return !given || text_list_has(&given->texts, text);
}

static void add_row(struct advice *advice, const struct definition *definition, const char *type, const char *issue,
                    const char *fix)
{
    struct cell *cells;

    if (!is_wanted(advice->call, "filter", type))
        return;
    cells = table_add_row(&advice->table);
    cells[0].text = definition->doc->name;
    cells[1].text = issue;
    cells[2].text = fix;
    *LIST_ADD(&advice->types, advice->call->arena) = type;
}

static const char *fix_with(struct advice *advice, const struct definition *definition, const char *options,
                            uint32_t count)
{
    return arena_printf(advice->call->arena, "linstor rd ap %s--place-count %u %s", options, count,
                        definition->doc->name);
}

/* A node with a place for data reaches its data over the network. */
static void advise_diskless_in_use(struct advice *advice, const struct definition *definition)
{
    if (definition->group && definition->group->select_filter &&
        definition->group->select_filter->storage_pool_list.count > 0)
        return;
    for (uint32_t i = 0; i < definition->resources.count; i++) {
        const struct resource_doc *resource = definition->resources.at[i];

        if (is_diskless(resource) && is_in_use(resource) &&
            text_list_has(&advice->nodes_with_pools, resource->node_name)) {
            add_row(advice, definition, "diskless-in-use",
                    "Resource is diskless and in-use, but a matching storage pool exists.",
                    arena_printf(advice->call->arena, "linstor r td --dflt %s %s", resource->node_name,
                                 definition->doc->name));
            return;
        }
    }
}

static bool is_removable(const struct resource_doc *resource)
{
    if (resource->flags.count > 0 || is_in_use(resource))
        return false;
    for (uint32_t i = 0; i < resource->volumes.count; i++) {
        const struct volume_state_doc *state = resource->volumes.at[i].state;

        if (!state || !state->disk_state || strcmp(state->disk_state, "UpToDate") != 0)
            return false;
    }
    return true;
}

static void advise_too_many(struct advice *advice, const struct definition *definition, uint32_t plain,
                            uint32_t expected)
{
    struct arena *arena = advice->call->arena;
    const char *nodes = "";
    uint32_t left = plain - expected;

    for (uint32_t i = 0; i < definition->resources.count && left > 0; i++) {
        if (!is_removable(definition->resources.at[i]))
            continue;
        nodes = arena_printf(arena, "%s %s", nodes, definition->resources.at[i]->node_name);
        left--;
    }
    add_row(advice, definition, "too-many-replicas",
            arena_printf(arena, "Resource should only have %u replicas, but has %u.", expected, plain),
            *nodes ? arena_printf(arena, "linstor r d%s %s", nodes, definition->doc->name) : NULL);
}

static void advise_resource(struct advice *advice, const struct definition *definition)
{
    const struct select_filter_doc *filter = definition->group ? definition->group->select_filter : NULL;
    int32_t place_count = filter && filter->place_count.has ? filter->place_count.value : 0;
    uint32_t expected = place_count > 0 ? (uint32_t)place_count : USUAL_REPLICAS;
    uint32_t diskful = count_diskful(definition), plain = 0;

    for (uint32_t i = 0; i < definition->resources.count; i++)
        plain += definition->resources.at[i]->flags.count == 0;
    advise_diskless_in_use(advice, definition);
    if (diskful < expected)
        add_row(
            advice, definition, "too-few-replicas",
            arena_printf(advice->call->arena, "Resource expected to have %u replicas, got only %u.", expected, diskful),
            fix_with(advice, definition, "", expected));
    else if (plain > expected)
        advise_too_many(advice, definition, plain, expected);
    else if (expected == USUAL_REPLICAS && definition->resources.count == USUAL_REPLICAS &&
             advice->nodes_with_pools.count > USUAL_REPLICAS)
        add_row(advice, definition, "no-tiebreaker",
                "Resource has 2 replicas but no tie-breaker, could lead to split brain.",
                fix_with(advice, definition, "--drbd-diskless ", 1));
}

static void advise_maintenance(struct advice *advice, const struct definition *definition, const char *node)
{
    bool is_here = false, has_data = false;

    for (uint32_t i = 0; i < definition->resources.count; i++) {
        const struct resource_doc *resource = definition->resources.at[i];

        if (strcmp(resource->node_name, node) != 0)
            continue;
        is_here = true;
        has_data = !is_diskless(resource);
    }
    if (has_data && count_diskful(definition) == 1)
        add_row(advice, definition, "single-replica", "Node hosts only replica of resource, would become unavailable.",
                fix_with(advice, definition, "", USUAL_REPLICAS));
    else if (is_here && definition->resources.count < WITH_TIEBREAKER)
        add_row(advice, definition, "pot-split-brain",
                "Node hosts one of 2 replicas with no tiebreaker, may lead to split-brain.",
                fix_with(advice, definition, "--drbd-diskless ", 1));
}

static const struct resource_group_doc *find_group(const struct documents *groups, const char *name)
{
    for (uint32_t i = 0; i < groups->all.count; i++) {
        const struct resource_group_doc *group = groups->all.at[i];

        if (group->name && text_equal_fold(group->name, name ? name : usual_group))
            return group;
    }
    return NULL;
}

static int read_all(struct advice *advice)
{
    struct documents definitions = { 0 };
    struct call *call = advice->call;
    int code = documents_get(call, "/v1/resource-groups", &resource_group_doc_schema, &advice->groups);

    if (code == EXIT_OK)
        code = documents_get(call, "/v1/resource-definitions", &resource_definition_doc_schema, &definitions);
    if (code == EXIT_OK)
        code = documents_get(call, "/v1/view/resources", &resource_doc_schema, &advice->resources);
    if (code == EXIT_OK)
        code = documents_get(call, "/v1/view/storage-pools", &storage_pool_doc_schema, &advice->pools);
    if (code != EXIT_OK)
        return code;
    for (uint32_t i = 0; i < definitions.all.count; i++) {
        struct definition *definition = arena_alloc(call->arena, sizeof(*definition));

        definition->doc = definitions.all.at[i];
        if (!definition->doc->name)
            continue;
        definition->group = find_group(&advice->groups, definition->doc->resource_group_name);
        definition->by_name.key = definition->doc->name;
        if (!map_find(&advice->definitions, definition->by_name.key))
            map_insert(&advice->definitions, &definition->by_name);
        *LIST_ADD(&advice->order, call->arena) = definition;
    }
    for (uint32_t i = 0; i < advice->resources.all.count; i++) {
        const struct resource_doc *resource = advice->resources.all.at[i];
        struct map_node *node =
            resource->name && resource->node_name ? map_find(&advice->definitions, resource->name) : NULL;

        if (node)
            *LIST_ADD(&CONTAINER_OF(node, struct definition, by_name)->resources, call->arena) = resource;
    }
    for (uint32_t i = 0; i < advice->pools.all.count; i++) {
        const struct storage_pool_doc *pool = advice->pools.all.at[i];

        if (pool->node_name && pool->provider_kind && strcmp(pool->provider_kind, "DISKLESS") != 0 &&
            !text_list_has(&advice->nodes_with_pools, pool->node_name))
            text_list_add(&advice->nodes_with_pools, pool->node_name, call->arena);
    }
    return EXIT_OK;
}

static void print(struct advice *advice)
{
    static const char *const keys[] = { "resource", "issue", "fix" };
    CLEANUP(buf_done) struct buf out = { 0 }, json = { 0 };
    struct json_writer writer = { .out = &json };
    struct client *client = advice->call->client;
    bool is_pastable = arguments_have(advice->call->arguments, "pastable");

    json_begin(&writer, '[');
    for (uint32_t i = 0; i < advice->table.rows.count && client->is_machine; i++) {
        json_begin(&writer, '{');
        json_key(&writer, "type");
        json_text(&writer, advice->types.at[i]);
        for (size_t j = 0; j < ARRAY_SIZE(keys); j++) {
            const char *text = advice->table.rows.at[i].cells[j].text;

            json_key(&writer, keys[j]);
            json_text(&writer, text ? text : "");
        }
        json_end(&writer, '}');
    }
    json_end(&writer, ']');
    if (client->is_machine) {
        pretty_json(&out, buf_text(&json), json.length, 0);
        buf_add_char(&out, '\n');
    } else {
        table_print(&advice->table, (struct table_style){ client->utf8 && !is_pastable, client->color && !is_pastable },
                    &out);
    }
    client_print(client, &out);
}

static int run_advise(struct call *call)
{
    static const struct table_column columns[] = { { "Resource" }, { "Issue" }, { "Possible fix" } };
    const char *node = arguments_text(call->arguments, "node");
    struct advice advice = { .call = call };
    int code = read_all(&advice);

    if (code == EXIT_OK && !call->client->is_curl) {
        table_init(&advice.table, call->arena, columns, ARRAY_SIZE(columns));
        for (uint32_t i = 0; i < advice.order.count; i++) {
            if (!is_wanted(call, "resources", advice.order.at[i]->doc->name))
                continue;
            if (node)
                advise_maintenance(&advice, advice.order.at[i], node);
            else
                advise_resource(&advice, advice.order.at[i]);
        }
        print(&advice);
    }
    return code;
}

static const struct argument advise_arguments[] = {
    ARGUMENT_PASTABLE,
    { "--filter -f", "TYPE", COUNT_SOME,
      .choices = "single-replica pot-split-brain diskless-in-use too-few-replicas too-many-replicas no-tiebreaker",
      .help = "Only issues of these kinds." },
    { "--resources -r", "RESOURCE", COUNT_SOME, .help = "Only of these." },
    { 0 },
};
static const struct argument maintenance_arguments[] = { ARGUMENT_NODE, { 0 } };

const struct command commands_advise[] = {
    { "resource r", "Show what about resources is worth a look.", .arguments = { advise_arguments },
      .run = run_advise },
    { "maintenance m", "Show what would suffer if a node went away for a while.",
      .arguments = { advise_arguments, maintenance_arguments }, .run = run_advise },
    { 0 },
};
