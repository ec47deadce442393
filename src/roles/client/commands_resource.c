/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "api/resource.h"
#include "model/prop_rules.h"
#include "roles/client/autoplace.h"
#include "roles/client/commands.h"
#include "roles/client/drbd_options.h"
#include "roles/client/lists.h"
#include "roles/client/request.h"
#include "roles/client/session.h"
#include "roles/client/transaction.h"

static void copy_member(cJSON *body, const char *from, const char *to)
{
    cJSON *filter = cJSON_GetObjectItemCaseSensitive(body, "select_filter");
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(filter, from);

    if (member)
        cJSON_AddItemToObject(body, to, cJSON_Duplicate(member, true));
}

int autoplace_prepare(struct call *call)
{
    copy_member(call->body, "diskless_on_remaining", "diskless_on_remaining");
    copy_member(call->body, "layer_stack", "layer_list");
    return EXIT_OK;
}

/* "resource create --auto-place": what is said about one replica has no place there, but its kind. */
static int send_autoplace(struct call *call)
{
    static const char *const kinds[] = { "DRBD_DISKLESS", "NVME_INITIATOR" };
    cJSON *filter = cJSON_GetObjectItemCaseSensitive(call->body, "select_filter"), *body = cJSON_CreateObject();
    const cJSON *flag;
    int code;

    cJSON_ArrayForEach(flag, cJSON_GetObjectItemCaseSensitive(call->body, "flags"))
    {
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
            if (strcmp(flag->valuestring, kinds[i]) == 0)
                request_put(filter, "diskless_type", cJSON_CreateString(kinds[i]));
    }
    cJSON_AddItemToObject(body, "select_filter", cJSON_DetachItemViaPointer(call->body, filter));
    cJSON_Delete(call->body);
    call->body = body;
    code = autoplace_prepare(call);
    if (code != EXIT_OK)
        return code;
    return session_send(call->client, "POST", request_path(call, "/v1/resource-definitions/{resource}/autoplace", NULL),
                        request_body_text(call));
}

/* One element of the body: what was said, on one node. */
static cJSON *replica_on(const cJSON *said, const char *node)
{
    static const char *const copied[] = { "drbd_node_id", "drbd_tcp_ports" };
    const cJSON *filter = cJSON_GetObjectItemCaseSensitive(said, "select_filter");
    const cJSON *flags = cJSON_GetObjectItemCaseSensitive(said, "flags");
    const cJSON *pools = cJSON_GetObjectItemCaseSensitive(filter, "storage_pool_list");
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(filter, "layer_stack");
    cJSON *element = cJSON_CreateObject();

    request_put(element, "resource.node_name", cJSON_CreateString(node));
    if (flags)
        request_put(element, "resource.flags", cJSON_Duplicate(flags, true));
    if (cJSON_GetArraySize(pools) > 0)
        request_put(element, "resource.props.StorPoolName", cJSON_Duplicate(cJSON_GetArrayItem(pools, 0), true));
    for (size_t i = 0; i < ARRAY_SIZE(copied); i++) {
        const cJSON *member = cJSON_GetObjectItemCaseSensitive(said, copied[i]);

        if (member)
            request_put(element, copied[i], cJSON_Duplicate(member, true));
    }
    if (layers)
        request_put(element, "layer_list", cJSON_Duplicate(layers, true));
    return element;
}

static int run_create(struct call *call)
{
    const struct argument_value *nodes = arguments_find(call->arguments, "node");
    int code = request_build_body(call);
    const char *path;
    cJSON *replicas;

    if (code != EXIT_OK)
        return code;
    if (arguments_have(call->arguments, "auto-place") && call->client->transaction)
        return client_fail(call->client, EXIT_ARGUMENTS, "resource create: a transaction needs the names of nodes.");
    if (arguments_have(call->arguments, "auto-place"))
        return send_autoplace(call);
    if (!nodes)
        return client_fail(call->client, EXIT_ARGUMENTS, "resource create: too few arguments: Node name missing.");
    replicas = cJSON_CreateArray();
    for (uint32_t i = 0; i < nodes->texts.count; i++)
        cJSON_AddItemToArray(replicas, replica_on(call->body, nodes->texts.at[i]));
    path = request_path(call, "/v1/resource-definitions/{resource}/resources", NULL);
    if (call->client->transaction)
        return transaction_add(call, replicas, path);
    cJSON_Delete(call->body);
    call->body = replicas;
    return session_send(call->client, "POST", path, request_body_text(call));
}

#define REPLICA_FLAG(names, flag, text)                                                                                \
    {                                                                                                                  \
        names, .count = COUNT_FLAG, .body = "flags[]", .word = flag, .help = text                                      \
    }

static const struct argument create_arguments[] = {
    REPLICA_FLAG("--diskless -d", "DISKLESS", "The older word for --drbd-diskless and --nvme-initiator."),
    { "--node-id", "ID", .type = TYPE_INTEGER, .body = "drbd_node_id",
      .help = "DRBD's number of the node; a free one." },
    ARGUMENT_ASYNC,
    REPLICA_FLAG("--drbd-diskless", "DRBD_DISKLESS", "A replica without a disk."),
    REPLICA_FLAG("--nvme-initiator", "NVME_INITIATOR", "Use the volumes over NVMe-oF."),
    REPLICA_FLAG("--ebs-initiator", "EBS_INITIATOR", "Attach the EBS volumes here."),
    REPLICA_FLAG("--inactive", "INACTIVE", "Do not bring it up."),
    { "--drbd-tcp-port", "PORT", .type = TYPE_PORT, .body = "drbd_tcp_ports[]",
      .help = "TCP port of DRBD; a free one." },
    ARGUMENTS_PLACEMENT("--auto-place", "--providers -p"),
    { "node", .count = COUNT_ANY, .help = "Nodes to put replicas on." },
    ARGUMENT_DEFINITION,
    { 0 },
};
static const struct argument delete_arguments[] = {
    ARGUMENT_ASYNC,
    { "--keep-tiebreaker", .count = COUNT_FLAG, .query = "keep_tiebreaker", .help = "Leave a tie breaker in place." },
    { "node", .count = COUNT_SOME, .help = "Nodes to remove replicas from." },
    ARGUMENT_DEFINITION,
    { 0 },
};
static const struct argument list_arguments[] = {
    ARGUMENT_PASTABLE,
    ARGUMENT_GROUP_BY,
    { "--resources -r", "RESOURCE", COUNT_SOME, .query = "resources", .help = "Only of these." },
    ARGUMENT_NODES,
    { "--all -a", .count = COUNT_FLAG, .is_hidden = true },
    { "--faulty", .count = COUNT_FLAG, .help = "Only replicas that are not well." },
    ARGUMENT_PROPS,
    ARGUMENT_SHOW_PROPS("--show-props -s"),
    ARGUMENT_FROM_FILE,
    { "--show-drbd-ports", .count = COUNT_FLAG, .help = "Show DRBD's ports." },
    { 0 },
};
static const struct argument volume_list_arguments[] = {
    ARGUMENT_PASTABLE,
    ARGUMENT_NODES,
    { "--storage-pools -s", "POOL", COUNT_SOME, .query = "storage_pools", .help = "Only in these storage pools." },
    { "--resources -r", "RESOURCE", COUNT_SOME, .query = "resources", .help = "Only of these." },
    { "--all -a", .count = COUNT_FLAG, .is_hidden = true },
    ARGUMENT_SHOW_PROPS("--show-props"),
    { "--hide-replication-states --hrep", .count = COUNT_FLAG, .help = "Without the column of replication states." },
    ARGUMENT_FROM_FILE,
    { 0 },
};
static const struct argument involved_arguments[] = {
    ARGUMENT_PASTABLE,
    { "--inuse -i", .count = COUNT_FLAG, .help = "Only resources that are in use somewhere." },
    { "--diskless-inuse -d", .count = COUNT_FLAG, .help = "Only resources that are in use where they have no disk." },
    { "--min-diskful -m", "NUMBER", .type = TYPE_INTEGER, .help = "Only resources with fewer replicas with a disk." },
    ARGUMENT_SHOW_PROPS("--show-props -s"),
    ARGUMENT_NODE,
    { 0 },
};
static const struct argument replica_arguments[] = { ARGUMENT_NODE, ARGUMENT_DEFINITION, { 0 } };
static const struct argument volume_arguments[] = { ARGUMENT_NODE, ARGUMENT_DEFINITION, ARGUMENT_NUMBER, { 0 } };
static const struct argument peers_arguments[] = {
    { "node_a", .help = "Name of one node." },
    { "node_b", .help = "Name of the other node." },
    ARGUMENT_DEFINITION,
    { 0 },
};

const struct command commands_resource[] = {
    { "create c", "Place replicas of a resource on nodes.", .arguments = { create_arguments },
      .base = "{\"select_filter\":{}}", .run = run_create, .in_transaction = true },
    { "create-transactional ct", "Place replicas of a resource, all or none.", commands_create_transactional },
    { "delete d", "Remove replicas of a resource, with their data.", .arguments = { delete_arguments },
      .method = "DELETE", .target = "/v1/resource-definitions/{resource}/resources/{node}" },
    { "list l", "List resources.", .arguments = { list_arguments }, .method = "GET", .target = "/v1/view/resources",
      .list = &list_resources },
    { "list-volumes lv", "List volumes.", .arguments = { volume_list_arguments }, .method = "GET",
      .target = "/v1/view/resources", .list = &list_volumes },
    { "involved inv", "List all replicas of the resources that have one on a node.",
      .arguments = { involved_arguments }, .target = "/v1/view/resources", .run = run_involved },
    { "list-properties lp", "Show the properties of a replica.", .arguments = { arguments_pastable, replica_arguments },
      .method = "GET", .target = "/v1/view/resources?nodes={node}&resources={resource}", .properties = "first",
      .run = run_list_properties },
    { "set-property sp", "Set or delete a property of a replica.",
      .arguments = { replica_arguments, arguments_property }, .method = "PUT",
      .target = "/v1/resource-definitions/{resource}/resources/{node}", .run = run_set_property },
    { "drbd-peer-options popt",
      "Set options of DRBD for the connection of two replicas, or unset them with --unset-OPTION.",
      .arguments = { peers_arguments }, .method = "PUT",
      .target = "/v1/resource-definitions/{resource}/resource-connections/{node_a}/{node_b}",
      .drbd_options = 1U << PROP_ON_RESOURCE_CONNECTION, .run = run_drbd_options },
    { 0 },
};

const struct command commands_volume[] = {
    { "list l", "List volumes.", .arguments = { volume_list_arguments }, .method = "GET",
      .target = "/v1/view/resources", .list = &list_volumes },
    { "list-properties lp", "Show the properties of a volume.", .arguments = { arguments_pastable, volume_arguments },
      .method = "GET", .target = "/v1/view/resources?nodes={node}&resources={resource}", .properties = "volumes",
      .run = run_list_properties },
    { "set-property sp", "Set or delete a property of a volume.", .arguments = { volume_arguments, arguments_property },
      .method = "PUT", .target = "/v1/resource-definitions/{resource}/resources/{node}/volumes/{number}",
      .run = run_set_property },
    { 0 },
};
