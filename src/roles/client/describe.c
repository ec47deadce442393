/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "node describe": what lies where, as a tree of nodes, storage pools, resources and volumes. */
#include <stdlib.h>
#include <string.h>

#include "api/node.h"
#include "api/resource.h"
#include "api/storage_pool.h"
#include "model/layer.h"
#include "roles/client/commands.h"
#include "roles/client/documents.h"
#include "roles/client/pretty.h"
#include "roles/client/value.h"

struct tree {
    const char *name, *description;
    enum color color;
    LIST_OF(struct tree *) children;
};

static struct tree *add_child(struct tree *parent, const char *name, const char *description, enum color color,
                              struct arena *arena)
{
    struct tree *child = arena_alloc(arena, sizeof(*child));

    child->name = name ? name : "";
    child->description = description;
    child->color = color;
    *LIST_ADD(&parent->children, arena) = child;
    return child;
}

static const char *describe_volume(const struct volume_doc *volume, struct arena *arena)
{
    int64_t size_kib =
        volume->allocated_size_kib.has && volume->allocated_size_kib.value > 0 ? volume->allocated_size_kib.value : 0;
    const char *minor = "";

    for (uint32_t i = 0; i < volume->layer_data_list.count; i++) {
        const struct layer_volume_doc *data = volume->layer_data_list.at[i].data;

        if (data && data->drbd_volume_definition)
            minor = arena_printf(arena, "minor number: %d", data->drbd_volume_definition->minor_number);
    }
    return arena_printf(arena, "%s%ssize: %s", minor, *minor ? ", " : "", value_format_size(arena, size_kib));
}

/* The resources of the node that have volumes in the pool. */
static void add_resources(struct tree *parent, const struct documents *resources, const char *node, const char *pool,
                          struct arena *arena)
{
    for (uint32_t i = 0; i < resources->all.count; i++) {
        const struct resource_doc *resource = resources->all.at[i];
        struct tree *own = NULL;

        if (!resource->node_name || strcmp(resource->node_name, node) != 0)
            continue;
        for (uint32_t j = 0; j < resource->volumes.count; j++) {
            const struct volume_doc *volume = &resource->volumes.at[j];

            if (!volume->storage_pool_name || strcmp(volume->storage_pool_name, pool) != 0)
                continue;
            if (!own)
                own = add_child(parent, resource->name, "resource", COLOR_BLUE, arena);
            add_child(own, arena_printf(arena, "volume%d", volume->volume_number), describe_volume(volume, arena),
                      COLOR_DARKGREEN, arena);
        }
    }
}

static void add_node(struct tree *root, const char *name, const struct documents *pools,
                     const struct documents *resources, struct arena *arena)
{
    struct tree *node = add_child(root, name, "node", COLOR_RED, arena), *diskless;

    for (uint32_t i = 0; i < pools->all.count; i++) {
        const struct storage_pool_doc *pool = pools->all.at[i];

        if (!pool->node_name || !pool->storage_pool_name || strcmp(pool->node_name, name) != 0 ||
            strcmp(pool->storage_pool_name, PROVIDER_DISKLESS_POOL) == 0)
            continue;
        add_resources(add_child(node, pool->storage_pool_name, "storage pool", COLOR_PINK, arena), resources, name,
                      pool->storage_pool_name, arena);
    }
    diskless = add_child(node, "diskless resource", "resources may reside on other nodes", COLOR_PINK, arena);
    add_resources(diskless, resources, name, PROVIDER_DISKLESS_POOL, arena);
    if (diskless->children.count == 0)
        node->children.count--;
}

/* The tree has four levels. */
static void print_tree(struct client *client, const struct tree *tree, const char *indent)
{
    const char *pipe = client->utf8 ? "│" : "|", *dashes = client->utf8 ? "───" : "---";

    client_print_colored(client, tree->color, tree->name);
    fprintf(client->out, " (%s)\n", tree->description);
    for (uint32_t i = 0; i < tree->children.count; i++) {
        bool is_last = i + 1 == tree->children.count;
        const char *corner = client->utf8 ? (is_last ? "└" : "├") : (is_last ? "+" : "|");

        fprintf(client->out, "%s   %s\n%s   %s%s", indent, pipe, indent, corner, dashes);
        print_tree(client, tree->children.at[i], arena_printf(client->arena, "%s   %s", indent, is_last ? " " : pipe));
    }
}

static void write_tree(struct json_writer *writer, const struct tree *tree)
{
    json_begin(writer, '{');
    json_key(writer, "name");
    json_text(writer, tree->name);
    json_key(writer, "description");
    json_text(writer, tree->description);
    json_key(writer, "children");
    json_begin(writer, '[');
    for (uint32_t i = 0; i < tree->children.count; i++)
        write_tree(writer, tree->children.at[i]);
    json_end(writer, ']');
    json_end(writer, '}');
}

static void print_machine(struct client *client, const struct tree *root)
{
    CLEANUP(buf_done) struct buf json = { 0 }, out = { 0 };
    struct json_writer writer = { .out = &json };

    json_begin(&writer, '[');
    for (uint32_t i = 0; i < root->children.count; i++)
        write_tree(&writer, root->children.at[i]);
    json_end(&writer, ']');
    pretty_json(&out, buf_text(&json), json.length, 0);
    buf_add_char(&out, '\n');
    client_print(client, &out);
}

static int compare_names(const void *a, const void *b)
{
    const struct node_doc *const *left = a, *const *right = b;

    return value_compare_natural((*left)->name, (*right)->name);
}

int run_describe(struct call *call)
{
    const char *wanted = arguments_text(call->arguments, "name");
    struct documents nodes = { 0 }, pools = { 0 }, resources = { 0 };
    struct client *client = call->client;
    struct tree root = { 0 };
    int code = documents_get(call, "/v1/nodes", &node_doc_schema, &nodes);

    if (code == EXIT_OK)
        code = documents_get(call, "/v1/view/storage-pools", &storage_pool_doc_schema, &pools);
    if (code == EXIT_OK)
        code = documents_get(call, "/v1/view/resources", &resource_doc_schema, &resources);
    if (code != EXIT_OK || client->is_curl)
        return code;
    for (uint32_t i = 0; i < nodes.all.count; i++)
        if (!((const struct node_doc *)nodes.all.at[i])->name)
            return client_fail(client, EXIT_ERROR, "Error: The controller told of a node without a name.");
    if (nodes.all.count > 0)
        qsort(nodes.all.at, nodes.all.count, sizeof(nodes.all.at[0]), compare_names);
    for (uint32_t i = 0; i < nodes.all.count; i++) {
        const struct node_doc *node = nodes.all.at[i];

        if (!wanted || strcmp(node->name, wanted) == 0)
            add_node(&root, node->name, &pools, &resources, call->arena);
    }
    if (wanted && root.children.count == 0)
        return client_fail(client, EXIT_NOT_FOUND, "%s: no such node", wanted);
    if (client->is_machine) {
        print_machine(client, &root);
        return EXIT_OK;
    }
    for (uint32_t i = 0; i < root.children.count; i++) {
        if (i > 0)
            fputc('\n', client->out);
        print_tree(client, root.children.at[i], "");
    }
    return EXIT_OK;
}
