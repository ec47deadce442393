/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "resource involved": all replicas of the resources that have one on a node, for a look before something is done to
 * that node. Whether a replica is shown depends on all the others of its resource, so the list is read twice.
 */
#include <string.h>

#include "api/resource.h"
#include "base/json_split.h"
#include "base/map.h"
#include "base/text.h"
#include "roles/client/commands.h"
#include "roles/client/lists.h"
#include "roles/client/session.h"

/* The replicas of one resource. */
struct bundle {
    struct map_node by_name;
    bool is_involved, is_used, is_used_without_disk;
    int64_t diskful;
};
struct replica {
    const struct bundle *bundle;
    const char *json;
};
struct reading {
    struct call *call;
    const char *node;
    struct map bundles;
    LIST_OF(struct replica) replicas;
    struct arena scratch;
    struct field_error error;
};

static struct bundle *get_bundle(struct reading *reading, const char *name)
{
    struct map_node *node = map_find(&reading->bundles, name);
    struct bundle *bundle;

    if (node)
        return CONTAINER_OF(node, struct bundle, by_name);
    bundle = arena_alloc(reading->call->arena, sizeof(*bundle));
    bundle->by_name.key = arena_strdup(reading->call->arena, name);
    map_insert(&reading->bundles, &bundle->by_name);
    return bundle;
}

static bool take_replica(void *owner, const char *text, size_t length)
{
    struct reading *reading = owner;
    struct resource_doc resource = { 0 };
    struct bundle *bundle;
    bool is_used, is_diskless;

    arena_reset(&reading->scratch);
    if (field_scan_text(&resource_doc_schema, &resource, text, length, &reading->scratch, &reading->error) != 0)
        return false;
    is_used = resource.state && resource.state->in_use.has && resource.state->in_use.value;
    is_diskless = text_list_has(&resource.flags, "DISKLESS") || text_list_has(&resource.flags, "DRBD_DISKLESS");
    bundle = get_bundle(reading, resource.name ? resource.name : "");
    bundle->is_involved |= text_equal_fold(resource.node_name, reading->node);
    bundle->is_used |= is_used;
    bundle->is_used_without_disk |= is_used && is_diskless;
    bundle->diskful += !is_diskless;
    *LIST_ADD(&reading->replicas, reading->call->arena) =
        (struct replica){ bundle, arena_strndup(reading->call->arena, text, length) };
    return true;
}

static int read_all(struct reading *reading, const char *target)
{
    CLEANUP(buf_done) struct buf answer = { 0 };
    struct client *client = reading->call->client;
    struct json_split split;
    int code = session_request(client, "GET", target, NULL, NULL, NULL, &answer);

    if (code != EXIT_OK || client->is_curl)
        return code;
    json_split_init(&split, take_replica, reading);
    if (json_split_feed(&split, buf_text(&answer), answer.length) != 0 || json_split_end(&split) != 0)
        code =
            client_fail(client, EXIT_ERROR, "Error: Unable to parse REST json data: %s\nRequest-Uri: %s; Status: 200",
                        reading->error.message[0] ? reading->error.message : "not a list", target);
    json_split_done(&split);
    arena_done(&reading->scratch);
    return code;
}

static bool is_shown(const struct arguments *arguments, const struct bundle *bundle)
{
    const char *least = arguments_text(arguments, "min-diskful");
    int64_t number = 0;

    return bundle->is_involved && (bundle->is_used || !arguments_have(arguments, "inuse")) &&
           (bundle->is_used_without_disk || !arguments_have(arguments, "diskless-inuse")) &&
           (!least || (text_parse_i64(least, INT64_MIN, INT64_MAX, &number) && bundle->diskful < number));
}

int run_involved(struct call *call)
{
    struct reading reading = { .call = call, .node = arguments_text(call->arguments, "node") };
    CLEANUP(buf_done) struct buf kept = { 0 };
    int code = read_all(&reading, call->command->target);

    if (code != EXIT_OK || call->client->is_curl)
        return code;
    buf_add_char(&kept, '[');
    for (uint32_t i = 0; i < reading.replicas.count; i++)
        if (is_shown(call->arguments, reading.replicas.at[i].bundle))
            buf_printf(&kept, "%s%s", kept.length > 1 ? "," : "", reading.replicas.at[i].json);
    buf_add_char(&kept, ']');
    return list_show(call, &list_resources, &kept);
}
