/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

#include "api/node.h"
#include "base/json.h"
#include "model/layer.h"
#include "roles/client/commands.h"
#include "roles/client/lists.h"
#include "roles/client/request.h"
#include "roles/client/session.h"

static const char node_types[] = "controller auxiliary combined satellite";

/* The first IPv4 address of the name that other machines can use; NULL and the reason shown. */
static const char *resolve(struct call *call, const char *name)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *found;
    int error = getaddrinfo(name, NULL, &hints, &found);
    const char *address = NULL;

    if (error != 0) {
        client_fail(call->client, EXIT_ARGUMENTS, "Unable to resolve ip address for '%s': %s", name,
                    gai_strerror(error));
        return NULL;
    }
    for (const struct addrinfo *info = found; info && !address; info = info->ai_next) {
        struct sockaddr_in in;
        char text[INET_ADDRSTRLEN];

        memcpy(&in, info->ai_addr, sizeof(in));
        if ((ntohl(in.sin_addr.s_addr) >> 24) != 127 && inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text)))
            address = arena_strdup(call->arena, text);
    }
    freeaddrinfo(found);
    if (!address)
        client_fail(call->client, EXIT_ARGUMENTS, "Unable determine a valid ip address '%s'", name);
    return address;
}

/* What was not given: the address, and the port that belongs to type and encryption. */
static int prepare_node(struct call *call)
{
    const char *name = arguments_text(call->arguments, "name"), *type = arguments_text(call->arguments, "node-type");
    const char *encryption = arguments_text(call->arguments, "communication-type"), *address;
    bool is_ssl = encryption && strcmp(encryption, "ssl") == 0;
    bool is_satellite = !type || strcmp(type, "controller") != 0;

    if (!arguments_have(call->arguments, "port"))
        request_put(call->body, "net_interfaces[0].satellite_port",
                    cJSON_CreateNumber(is_satellite ? (is_ssl ? 3367 : 3366) : (is_ssl ? 3371 : 3370)));
    if (arguments_have(call->arguments, "ip"))
        return EXIT_OK;
    address = resolve(call, name);
    if (!address)
        return EXIT_ARGUMENTS;
    request_put(call->body, "net_interfaces[0].address", cJSON_CreateString(address));
    return EXIT_OK;
}

/* The encryption is sent with the port only: without one the controller would have to guess. */
static int prepare_interface(struct call *call)
{
    const char *encryption = arguments_text(call->arguments, "communication-type");

    if (arguments_have(call->arguments, "port"))
        request_put(call->body, "satellite_encryption_type", cJSON_CreateString(encryption ? encryption : "plain"));
    return EXIT_OK;
}

enum {
    FEATURES_LIMIT = (int)PROVIDER_KIND_COUNT > (int)LAYER_KIND_COUNT ? (int)PROVIDER_KIND_COUNT : (int)LAYER_KIND_COUNT
};

struct features {
    struct {
        const char *title, *name;
    } at[FEATURES_LIMIT];
    uint32_t count;
};

static struct features provider_features(void)
{
    struct features features = { 0 };

    for (enum provider_kind kind = 0; kind < PROVIDER_KIND_COUNT; kind++) {
        if (!provider_rows[kind].info_title)
            continue;
        features.at[features.count].title = provider_rows[kind].info_title;
        features.at[features.count++].name = provider_rows[kind].name;
    }
    return features;
}

static struct features layer_features(void)
{
    struct features features = { .count = LAYER_KIND_COUNT };

    for (enum layer_kind kind = 0; kind < LAYER_KIND_COUNT; kind++) {
        features.at[layer_rows[kind].info_place - 1].title = layer_rows[kind].title;
        features.at[layer_rows[kind].info_place - 1].name = layer_rows[kind].name;
    }
    return features;
}

struct node_list {
    LIST_OF(struct node_doc) at;
};

static bool is_satellite(const struct node_doc *node)
{
    return node->type && (strcmp(node->type, "SATELLITE") == 0 || strcmp(node->type, "COMBINED") == 0);
}

static void print_features(struct call *call, const struct node_list *nodes, bool is_layers)
{
    const struct features features = is_layers ? layer_features() : provider_features();
    bool is_pastable = arguments_have(call->arguments, "pastable");
    struct table_style style = { call->client->utf8 && !is_pastable, call->client->color && !is_pastable };
    CLEANUP(buf_done) struct buf out = { 0 };
    struct table_column columns[FEATURES_LIMIT + 1] = { { "Node" } };
    struct table table;

    for (uint32_t i = 0; i < features.count; i++)
        columns[i + 1].title = features.at[i].title;
    table_init(&table, call->arena, columns, features.count + 1);
    for (uint32_t i = 0; i < nodes->at.count; i++) {
        const struct node_doc *node = &nodes->at.at[i];
        const struct text_list *has = is_layers ? &node->resource_layers : &node->storage_providers;
        struct cell *cells;

        if (!is_satellite(node))
            continue;
        cells = table_add_row(&table);
        cells[0].text = node->name;
        for (uint32_t j = 0; j < features.count; j++)
            cells[j + 1] = text_list_has(has, features.at[j].name) ? (struct cell){ "+", COLOR_GREEN }
                                                                   : (struct cell){ "-", COLOR_RED };
    }
    table_print(&table, style, &out);
    client_print(call->client, &out);
}

static void print_reasons(struct call *call, const struct node_list *nodes, const char *title, bool is_layers)
{
    fprintf(call->client->out, "%s:\n", title);
    for (uint32_t i = 0; i < nodes->at.count; i++) {
        const struct node_doc *node = &nodes->at.at[i];
        const struct texts_map *reasons = is_layers ? &node->unsupported_layers : &node->unsupported_providers;

        if (!is_satellite(node))
            continue;
        if (!node->connection_status || strcmp(node->connection_status, "ONLINE") != 0) {
            fprintf(call->client->out, " %s: NODE IS OFFLINE!\n", node->name);
            continue;
        }
        fprintf(call->client->out, " %s: \n", node->name);
        for (uint32_t j = 0; j < reasons->count; j++)
            for (uint32_t k = 0; k < reasons->at[j].value.count; k++)
                fprintf(call->client->out, "  %s: %s\n", reasons->at[j].key,
                        value_visible(call->arena, reasons->at[j].value.at[k]));
    }
}

static int show_info(struct call *call, const cJSON *answer)
{
    bool is_full = arguments_have(call->arguments, "full");
    struct node_list nodes = { 0 };
    struct field_error error;
    const cJSON *item;

    cJSON_ArrayForEach(item, answer)
    {
        struct node_doc *node = LIST_ADD(&nodes.at, call->arena);

        if (field_decode(&node_doc_schema, node, item, call->arena, &error) != 0)
            return client_fail(call->client, EXIT_ERROR, "Error: Unable to parse REST json data: %s", error.message);
    }
    print_features(call, &nodes, false);
    if (is_full)
        print_reasons(call, &nodes, "Unsupported storage providers", false);
    fputc('\n', call->client->out);
    print_features(call, &nodes, true);
    if (is_full)
        print_reasons(call, &nodes, "Unsupported resource layers", true);
    return EXIT_OK;
}

static int run_info(struct call *call)
{
    const char *path = request_add_query(call, "/v1/nodes");
    cJSON *answer;
    int code;

    if (call->client->is_machine)
        return list_run_request(call, &list_nodes, "GET", path, NULL);
    answer = session_get(call->client, path, &code);
    if (!answer)
        return code;
    code = show_info(call, answer);
    cJSON_Delete(answer);
    return code;
}

static const struct argument node_create_arguments[] = {
    { "--port -p", "PORT", .type = TYPE_PORT, .body = "net_interfaces[0].satellite_port",
      .help = "Port of the satellite; without it 3366, or 3367 with ssl." },
    { "--node-type", "TYPE", .type = TYPE_LOWER, .choices = node_types, .body = "type",
      .help = "Type of the node; satellite." },
    { "--communication-type", "TYPE", .type = TYPE_LOWER, .choices = "plain ssl",
      .body = "net_interfaces[0].satellite_encryption_type", .help = "How controller and satellite speak; plain." },
    { "--interface-type", "TYPE", .type = TYPE_LOWER, .choices = "ip", .help = "Type of the net interface; ip." },
    { "--interface-name", "NAME", .body = "net_interfaces[0].name", .help = "Name of the net interface; default." },
    { "name", .body = "name", .help = "Name of the node: what uname -n says there." },
    { "ip", .count = COUNT_OPTIONAL, .body = "net_interfaces[0].address",
      .help = "Its address; without it the first one that the name has." },
    { 0 },
};
static const struct argument node_list_arguments[] = {
    ARGUMENT_PASTABLE,  ARGUMENT_GROUP_BY,
    ARGUMENT_NODES,     { "--show-aux-props", .count = COUNT_FLAG, .help = "Show auxiliary properties." },
    ARGUMENT_PROPS,     ARGUMENT_SHOW_PROPS("--show-props -s"),
    ARGUMENT_FROM_FILE, { 0 },
};
static const struct argument node_arguments[] = { ARGUMENT_NODE, { 0 } };
static const struct argument node_delete_arguments[] = { ARGUMENT_ASYNC, ARGUMENT_NODE, { 0 } };
static const struct argument node_reconnect_arguments[] = {
    { "node", .count = COUNT_SOME, .help = "Names of the nodes." },
    { 0 },
};
static const struct argument node_info_arguments[] = {
    ARGUMENT_PASTABLE,
    { "--full -f", .count = COUNT_FLAG, .help = "Say why something is not supported." },
    ARGUMENT_NODES,
    { 0 },
};
static const struct argument node_modify_arguments[] = {
    { "--node-type -t", "TYPE", .type = TYPE_LOWER, .is_required = true, .choices = node_types, .body = "node_type",
      .help = "New type of the node." },
    ARGUMENT_NODE,
    { 0 },
};
static const struct argument node_properties_arguments[] = {
    ARGUMENT_PASTABLE, ARGUMENT_FROM_FILE, ARGUMENT_NODE, { 0 }
};

static const struct argument interface_create_arguments[] = {
    { "--port -p", "PORT", .type = TYPE_PORT, .body = "satellite_port",
      .help = "Port of the satellite on this interface." },
    { "--communication-type", "TYPE", .type = TYPE_LOWER, .choices = "plain ssl",
      .help = "How controller and satellite speak; plain." },
    { "--active", .count = COUNT_FLAG, .body = "is_active", .help = "The controller uses this interface from now on." },
    ARGUMENT_NODE,
    { "interface", .body = "name", .help = "Name of the net interface." },
    { "ip", .body = "address", .help = "Its address." },
    { 0 },
};
static const struct argument interface_modify_arguments[] = {
    { "--port -p", "PORT", .type = TYPE_PORT, .body = "satellite_port",
      .help = "Port of the satellite on this interface." },
    { "--communication-type", "TYPE", .type = TYPE_LOWER, .choices = "plain ssl",
      .help = "How controller and satellite speak; plain." },
    { "--active", .count = COUNT_FLAG, .body = "is_active", .help = "The controller uses this interface from now on." },
    { "--ip", "IP", .body = "address", .help = "New address." },
    ARGUMENT_NODE,
    { "interface", .body = "name", .help = "Name of the net interface." },
    { 0 },
};
static const struct argument interface_delete_arguments[] = {
    ARGUMENT_NODE,
    { "interface", .count = COUNT_SOME, .help = "Names of the net interfaces." },
    { 0 },
};
static const struct argument interface_list_arguments[] = { ARGUMENT_PASTABLE, ARGUMENT_NODE, { 0 } };

static const struct command commands_interface[] = {
    { "create c", "Add a net interface to a node.", .arguments = { interface_create_arguments }, .method = "POST",
      .target = "/v1/nodes/{node}/net-interfaces", .base = "{\"is_active\":false}", .body = &net_interface_doc_schema,
      .prepare = prepare_interface },
    { "modify m", "Change a net interface of a node.", .arguments = { interface_modify_arguments }, .method = "PUT",
      .target = "/v1/nodes/{node}/net-interfaces/{interface}", .base = "{\"is_active\":false}",
      .body = &net_interface_doc_schema, .prepare = prepare_interface },
    { "delete d", "Remove net interfaces of a node.", .arguments = { interface_delete_arguments }, .method = "DELETE",
      .target = "/v1/nodes/{node}/net-interfaces/{interface}" },
    { "list l", "List the net interfaces of a node.", .arguments = { interface_list_arguments }, .method = "GET",
      .target = "/v1/nodes?nodes={node}", .list = &list_net_interfaces },
    { 0 },
};
static const struct argument describe_arguments[] = {
    { "name", .count = COUNT_OPTIONAL, .help = "Only this node." },
    { 0 },
};
static const struct argument evacuate_arguments[] = {
    { "--target", "NODE", COUNT_SOME, .body = "target[]", .help = "Only to these nodes." },
    { "--do-not-target", "NODE", COUNT_SOME, .body = "do_not_target[]", .help = "Not to these nodes." },
    ARGUMENT_NODE,
    { 0 },
};
static const struct argument restore_arguments[] = {
    { "--delete-resources", .count = COUNT_FLAG, .body = "delete_resources", .help = "Remove its replicas." },
    { "--delete-snapshots", .count = COUNT_FLAG, .body = "delete_snapshots", .help = "Remove its snapshots." },
    ARGUMENT_NODE,
    { 0 },
};

const struct command commands_node[] = {
    { "create c", "Add a node to the cluster.", .arguments = { node_create_arguments }, .method = "POST",
      .target = "/v1/nodes",
      .base = "{\"name\":\"\",\"type\":\"satellite\",\"net_interfaces\":[{\"name\":\"default\",\"address\":\"\","
              "\"satellite_port\":3366,\"satellite_encryption_type\":\"plain\",\"is_active\":true}]}",
      .body = &node_request_schema, .prepare = prepare_node },
    { "modify m", "Change a node's type.", .arguments = { node_modify_arguments }, .method = "PUT",
      .target = "/v1/nodes/{node}", .body = &node_modify_request_schema },
    { "delete d", "Remove a node, with its replicas and storage pools.", .arguments = { node_delete_arguments },
      .method = "DELETE", .target = "/v1/nodes/{node}" },
    { "lost lo", "Remove a node that will never come back.", .arguments = { node_delete_arguments }, .method = "DELETE",
      .target = "/v1/nodes/{node}/lost" },
    { "reconnect rc", "Connect to satellites anew.", .arguments = { node_reconnect_arguments }, .method = "PUT",
      .target = "/v1/nodes/{node}/reconnect" },
    { "interface i", "Net interfaces of nodes.", commands_interface },
    { "list l", "List nodes.", .arguments = { node_list_arguments }, .method = "GET", .target = "/v1/nodes",
      .list = &list_nodes },
    { "describe dsc", "Show as a tree what lies on the nodes.", .arguments = { describe_arguments },
      .run = run_describe },
    { "info", "Show which storage providers and layers nodes support.", .arguments = { node_info_arguments },
      .run = run_info },
    { "list-properties lp", "Show the properties of a node.", .arguments = { node_properties_arguments },
      .method = "GET", .target = "/v1/nodes?nodes={node}", .properties = "first", .run = run_list_properties },
    { "set-property sp", "Set or delete a property of a node.", .arguments = { node_arguments, arguments_property },
      .method = "PUT", .target = "/v1/nodes/{node}", .run = run_set_property },
    { "evacuate evac", "Move the replicas of a node to others.", .arguments = { evacuate_arguments }, .method = "PUT",
      .target = "/v1/nodes/{node}/evacuate", .run = request_run },
    { "restore rst", "Take an evicted or evacuated node back.", .arguments = { restore_arguments }, .method = "PUT",
      .target = "/v1/nodes/{node}/restore", .run = request_run },
    { "set-log-level setloglevel", "Change which messages of a satellite are logged.",
      .arguments = { node_arguments, arguments_log_level }, .method = "PUT", .target = "/v1/nodes/{node}/config",
      .run = run_set_log_level },
    { 0 },
};
