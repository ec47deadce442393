/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "api/storage_pool.h"
#include "model/layer.h"
#include "roles/client/commands.h"
#include "roles/client/lists.h"

static const struct argument create_arguments[] = {
    ARGUMENT_NODE,
    { "pool", .body = "storage_pool_name", .help = "Name of the storage pool." },
    { 0 },
};
static const struct argument share_arguments[] = {
    { "--shared-space", "NAME", .body = "free_space_mgr_name",
      .help = "Name of the space that this pool shares with pools of other nodes." },
    { "--external-locking", .count = COUNT_FLAG, .body = "external_locking",
      .help = "Something else keeps the nodes from changing the shared space at the same time." },
    { 0 },
};

/* The rows of the providers as rows of commands. */
struct create {
    struct command commands[PROVIDER_KIND_COUNT + 1];
    struct argument last[PROVIDER_KIND_COUNT][2];
    char texts[PROVIDER_KIND_COUNT][2][96];
};

static void fill_create(struct create *create)
{
    struct command *command = create->commands;

    for (enum provider_kind kind = 0; kind < PROVIDER_KIND_COUNT; kind++) {
        const struct provider_row *row = &provider_rows[kind];
        char *base = create->texts[kind][0], *place = create->texts[kind][1];
        size_t tables = 1;

        if (!row->command)
            continue;
        snprintf(base, sizeof(create->texts[kind][0]), "{\"storage_pool_name\":\"\",\"provider_kind\":\"%s\"}",
                 row->name);
        snprintf(place, sizeof(create->texts[kind][1]), "props.%s", row->property ? row->property : "");
        *command = (struct command){
            .names = row->command,
            .summary = row->summary,
            .arguments = { create_arguments },
            .method = "POST",
            .target = "/v1/nodes/{node}/storage-pools",
            .base = base,
            .body = &storage_pool_request_schema,
        };
        if (provider_can(kind, PROVIDER_BACKED))
            command->arguments[tables++] = share_arguments;
        if (row->argument) {
            create->last[kind][0] = (struct argument){ .names = row->argument, .body = place, .help = row->help };
            command->arguments[tables] = create->last[kind];
        }
        command++;
    }
}

/* Made once, and the same for everybody: a table like the others, but made of another table. */
static const struct command *create_commands(void)
{
    static struct create create;

    if (!create.commands[0].names)
        fill_create(&create);
    return create.commands;
}

static const struct argument delete_arguments[] = {
    { "--quiet -q", .count = COUNT_FLAG, .is_hidden = true },
    { "node", .count = COUNT_SOME, .help = "Names of the nodes." },
    ARGUMENT_POOL,
    { 0 },
};
static const struct argument list_arguments[] = {
    ARGUMENT_PASTABLE,
    ARGUMENT_GROUP_BY,
    { "--storage-pools -s", "POOL", COUNT_SOME, .query = "storage_pools",
      .help = "Only storage pools of these names." },
    ARGUMENT_NODES,
    ARGUMENT_PROPS,
    ARGUMENT_SHOW_PROPS("--show-props"),
    ARGUMENT_FROM_FILE,
    { 0 },
};
static const struct argument pool_arguments[] = { ARGUMENT_NODE, ARGUMENT_POOL, { 0 } };

const struct command commands_storage_pool[] = {
    { "create c", "Make storage of a node known.", .make_children = create_commands },
    { "delete d", "Forget a storage pool; what it was made of stays.", .arguments = { delete_arguments },
      .method = "DELETE", .target = "/v1/nodes/{node}/storage-pools/{pool}" },
    { "list l", "List storage pools.", .arguments = { list_arguments }, .method = "GET",
      .target = "/v1/view/storage-pools", .list = &list_storage_pools },
    { "list-properties lp", "Show the properties of a storage pool.",
      .arguments = { arguments_pastable, pool_arguments }, .method = "GET",
      .target = "/v1/view/storage-pools?nodes={node}&storage_pools={pool}", .properties = "first",
      .run = run_list_properties },
    { "set-property sp", "Set or delete a property of a storage pool.",
      .arguments = { pool_arguments, arguments_property }, .method = "PUT",
      .target = "/v1/nodes/{node}/storage-pools/{pool}", .run = run_set_property },
    { 0 },
};
