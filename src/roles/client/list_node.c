/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "api/node.h"
#include "base/text.h"
#include "roles/client/lists.h"
#include "roles/client/pretty.h"
#include "roles/client/value.h"

static const struct node_doc *node_of(const struct list_row *row)
{
    return row->document;
}

static void fill_name(struct cell *cell, const struct list_row *row)
{
    cell_set(cell, row, node_of(row)->name);
}

static void fill_type(struct cell *cell, const struct list_row *row)
{
    cell_set(cell, row, node_of(row)->type);
}

static void fill_addresses(struct cell *cell, const struct list_row *row)
{
    const struct node_doc *node = node_of(row);

    for (uint32_t i = 0; i < node->net_interfaces.count; i++) {
        const struct net_interface_doc *net = &node->net_interfaces.at[i];

        if (net->is_active.value && net->satellite_port.has)
            cell_print(cell, row, "%s:%d (%s)", net->address ? net->address : "", net->satellite_port.value,
                       net->satellite_encryption_type ? net->satellite_encryption_type : "PLAIN");
    }
}

static void fill_aux_props(struct cell *cell, const struct list_row *row)
{
    const struct text_map *props = &node_of(row)->props;
    const char *lines = "";

    for (uint32_t i = 0; i < props->count; i++)
        if (text_starts_with(props->at[i].key, "Aux/"))
            lines =
                arena_printf(row->arena, "%s%s%s=%s", lines, *lines ? "\n" : "", props->at[i].key, props->at[i].value);
    cell->text = lines;
}

static const struct {
    const char *status, *text;
    enum color color;
    int v0;
} statuses[] = {
    { "OFFLINE", "OFFLINE", COLOR_RED, 0 },
    { "CONNECTED", "Connected", COLOR_YELLOW, 1 },
    { "ONLINE", "Online", COLOR_GREEN, 2 },
    { "VERSION_MISMATCH", "OFFLINE(VERSION MISMATCH)", COLOR_RED, 3 },
    { "FULL_SYNC_FAILED", "OFFLINE(FULL SYNC FAILED)", COLOR_RED, 4 },
    { "AUTHENTICATION_ERROR", "OFFLINE(AUTHENTICATION ERROR)", COLOR_RED, 5 },
    { "UNKNOWN", "Unknown", COLOR_YELLOW, 6 },
    { "HOSTNAME_MISMATCH", "OFFLINE(HOSTNAME MISMATCH)", COLOR_RED, 7 },
    { "OTHER_CONTROLLER", "OFFLINE(OTHER_CONTROLLER)", COLOR_RED, 8 },
    { "AUTHENTICATED", "Authenticated", COLOR_YELLOW, 9 },
    { "NO_STLT_CONN", "OFFLINE(NO CONNECTION TO SATELLITE)", COLOR_RED, 10 },
    { "MISSING_EXT_TOOLS", "OFFLINE(MISSING EXTERNAL TOOLS)", COLOR_RED, 11 },
    { "DUPLICATE_UNAME", "OFFLINE(DUPLICATE UNAME)", COLOR_RED, 12 },
};

static void fill_state(struct cell *cell, const struct list_row *row)
{
    static const struct {
        const char *flag;
        enum color color;
    } flags[] = {
        { "EVICTED", COLOR_RED },
        { "DELETE", COLOR_RED },
        { "EVACUATE", COLOR_YELLOW },
    };
    const struct node_doc *node = node_of(row);

    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        if (text_list_has(&node->flags, flags[i].flag)) {
            cell_set_color(cell, row, flags[i].flag, flags[i].color);
            return;
        }
    }
    cell_set_color(cell, row, node->connection_status ? node->connection_status : "OFFLINE", COLOR_RED);
    for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
        if (strcmp(cell->text, statuses[i].status) == 0) {
            *cell = (struct cell){ statuses[i].text, statuses[i].color };
            break;
        }
    }
    if (strcmp(cell->text, "OFFLINE") == 0 && node->eviction_timestamp.has)
        cell_print(cell, row, "OFFLINE (Auto-eviction at %s)",
                   value_format_time(row->clock, row->arena, node->eviction_timestamp.value));
}

struct node_list_state {
    bool evicts;
};

static void observe_node(const struct list_row *row)
{
    struct node_list_state *state = row->state;
    const struct node_doc *node = node_of(row);
    bool is_offline = !node->connection_status || strcmp(node->connection_status, "OFFLINE") == 0;

    if (is_offline && node->eviction_timestamp.has && !text_list_has(&node->flags, "EVICTED"))
        state->evicts = true;
}

/* Once one node is going to be evicted, the others that are offline tell that they are not. */
static void finish_nodes(struct client *client, struct table *table, void *owner)
{
    const struct node_list_state *state = owner;

    (void)client;
    if (!state->evicts)
        return;
    for (uint32_t i = 0; i < table->rows.count; i++)
        for (uint32_t j = 0; j < table->column_count; j++)
            if (table->rows.at[i].cells[j].color == COLOR_RED &&
                strcmp(table->rows.at[i].cells[j].text, "OFFLINE") == 0)
                table->rows.at[i].cells[j].text = "OFFLINE (Auto-eviction at Disabled)";
}

static void tell_about_eviction(struct client *client, void *owner)
{
    const struct node_list_state *state = owner;

    if (state->evicts)
        fputs("To cancel automatic eviction please consider the corresponding DrbdOptions/AutoEvict* properties on "
              "controller and / or node level\nSee 'linstor controller set-property --help' or 'linstor node "
              "set-property --help' for more details\n",
              client->out);
}

static const struct text_map *node_props(const struct list_row *row)
{
    return &node_of(row)->props;
}

static void write_node_v0(struct json_writer *const *writers, const void *document)
{
    const struct node_doc *node = document;
    struct json_writer *writer = writers[0];
    int status = 0;

    for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
        if (node->connection_status && strcmp(node->connection_status, statuses[i].status) == 0)
            status = statuses[i].v0;
    json_begin(writer, '{');
    json_key(writer, "connection_status");
    json_i64(writer, status);
    json_key(writer, "name");
    json_text(writer, node->name);
    json_key(writer, "type");
    json_text(writer, node->type ? node->type : "");
    json_key(writer, "uuid");
    json_text(writer, node->uuid ? node->uuid : "");
    json_key(writer, "props");
    pretty_write_pairs(writer, &node->props);
    json_key(writer, "net_interfaces");
    json_begin(writer, '[');
    for (uint32_t i = 0; i < node->net_interfaces.count; i++) {
        const struct net_interface_doc *net = &node->net_interfaces.at[i];

        json_begin(writer, '{');
        json_key(writer, "address");
        json_text(writer, net->address ? net->address : "");
        json_key(writer, "name");
        json_text(writer, net->name ? net->name : "");
        if (net->satellite_port.has) {
            json_key(writer, "stlt_port");
            json_i64(writer, net->satellite_port.value);
            json_key(writer, "stlt_encryption_type");
            json_text(writer, net->satellite_encryption_type ? net->satellite_encryption_type : "PLAIN");
        }
        json_end(writer, '}');
    }
    json_end(writer, ']');
    json_end(writer, '}');
}

static const struct list_column node_columns[] = {
    { "Node", fill_name },           { "NodeType", fill_type },
    { "Addresses", fill_addresses }, { "AuxProps", fill_aux_props, .when = "show-aux-props" },
    { "State", fill_state },         { 0 },
};
const struct list list_nodes = {
    .schema = &node_doc_schema,
    .columns = node_columns,
    .is_sorted = true,
    .props = node_props,
    .state_size = sizeof(struct node_list_state),
    .observe = observe_node,
    .finish = finish_nodes,
    .after = tell_about_eviction,
    .v0_names = "nodes",
    .write_v0 = write_node_v0,
};

static const struct net_interface_doc *net_of(const struct list_row *row)
{
    return &node_of(row)->net_interfaces.at[row->index];
}

static uint32_t count_net_interfaces(const void *document, const struct arguments *arguments)
{
    (void)arguments;
    return ((const struct node_doc *)document)->net_interfaces.count;
}

static void fill_net_mark(struct cell *cell, const struct list_row *row)
{
    cell->text = net_of(row)->is_active.value ? "+ StltCon" : "+";
}

static void fill_net_name(struct cell *cell, const struct list_row *row)
{
    cell_set(cell, row, net_of(row)->name);
}

static void fill_net_address(struct cell *cell, const struct list_row *row)
{
    cell_set(cell, row, net_of(row)->address);
}

static void fill_net_port(struct cell *cell, const struct list_row *row)
{
    if (net_of(row)->satellite_port.has)
        cell_print(cell, row, "%d", net_of(row)->satellite_port.value);
}

static void fill_net_encryption(struct cell *cell, const struct list_row *row)
{
    cell_set(cell, row, net_of(row)->satellite_encryption_type);
}

struct net_list_state {
    const char *node;
};

static void observe_net_interfaces(const struct list_row *row)
{
    ((struct net_list_state *)row->state)->node = arena_strdup(row->arena, node_of(row)->name);
}

/* The first column is called like the node. */
static void finish_net_interfaces(struct client *client, struct table *table, void *owner)
{
    const struct net_list_state *state = owner;

    (void)client;
    if (state->node)
        table->columns[0].title = state->node;
}

static const struct list_column net_interface_columns[] = {
    { "Node", fill_net_mark, .color = COLOR_GREEN },
    { "NetInterface", fill_net_name },
    { "IP", fill_net_address },
    { "Port", fill_net_port },
    { "EncryptionType", fill_net_encryption },
    { 0 },
};
const struct list list_net_interfaces = {
    .schema = &node_doc_schema,
    .columns = net_interface_columns,
    .count_rows = count_net_interfaces,
    .state_size = sizeof(struct net_list_state),
    .observe = observe_net_interfaces,
    .finish = finish_net_interfaces,
    .v0_names = "nodes",
    .write_v0 = write_node_v0,
};
