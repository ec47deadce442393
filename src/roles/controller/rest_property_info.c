/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What properties there are and what values they take, by kind of object: the rules (model/prop_rules.h) as documents.
 */
#include <string.h>

#include "base/text.h"
#include "model/prop_rules.h"
#include "roles/controller/routes.h"

/* LINSTOR: the names of kinds of objects, some of which are only of its own making and have no properties. */
enum { NO_RULES = -1 };
/* clang-format off */
static const struct {
    const char *name;
    int object;
    const char *path; /* that shows this kind alone; NULL: none. Names in it do not matter. */
} shown[] = {
    { "CTRL",                  PROP_ON_CONTROLLER, "/v1/controller/properties/info" },
    { "DRBD_PROXY",            PROP_ON_PROXY, NULL },
    { "DRBD_PROXY_LZ4",        NO_RULES, NULL },
    { "DRBD_PROXY_LZMA",       PROP_ON_PROXY_LZMA, NULL },
    { "DRBD_PROXY_ZLIB",       PROP_ON_PROXY_ZLIB, NULL },
    { "DRBD_PROXY_ZSTD",       PROP_ON_PROXY_ZSTD, NULL },
    { "EMPTY_RO_PROPS",        NO_RULES, NULL },
    { "KVS",                   NO_RULES, NULL },
    { "NET_IF",                PROP_ON_NET_INTERFACE, NULL },
    { "NODE",                  PROP_ON_NODE, "/v1/nodes/properties/info" },
    { "NODE_CONN",             PROP_ON_NODE_CONNECTION, NULL },
    { "RSC",                   PROP_ON_RESOURCE, "/v1/resource-definitions/{any}/resources/properties/info" },
    { "RSC_CONN",              PROP_ON_RESOURCE_CONNECTION,
                               "/v1/resource-definitions/{any}/resource-connections/properties/info" },
    { "RSC_DFN",               PROP_ON_RESOURCE_DEFINITION, "/v1/resource-definitions/properties/info" },
    { "RSC_GRP",               PROP_ON_RESOURCE_GROUP, "/v1/resource-groups/properties/info" },
    { "SNAP",                  PROP_ON_SNAPSHOT, NULL },
    { "SNAP_DFN",              NO_RULES, NULL },
    { "SNAP_DFN_RSC_DFN",      NO_RULES, NULL },
    { "SNAP_RSC",              NO_RULES, NULL },
    { "SNAP_VLM",              NO_RULES, NULL },
    { "SNAP_VLM_DFN",          NO_RULES, NULL },
    { "SNAP_VLM_DFN_VLM_DFN",  NO_RULES, NULL },
    { "SNAP_VLM_VLM",          NO_RULES, NULL },
    { "STLT",                  PROP_ON_CONTROLLER, NULL },
    { "STOR_POOL",             PROP_ON_STORAGE_POOL, "/v1/nodes/{any}/storage-pools/properties/info" },
    { "STOR_POOL_DFN",         PROP_ON_STORAGE_POOL_DEFINITION, "/v1/storage-pool-definitions/properties/info" },
    { "VLM",                   PROP_ON_VOLUME, "/v1/resource-definitions/{any}/resources/{any}/volumes/properties/info" },
    { "VLM_CONN",              PROP_ON_VOLUME_CONNECTION, NULL },
    { "VLM_DFN",               PROP_ON_VOLUME_DEFINITION, "/v1/resource-definitions/{any}/volume-definitions/properties/info" },
    { "VLM_GRP",               PROP_ON_VOLUME_GROUP, "/v1/resource-groups/{any}/volume-groups/properties/info" },
};
/* clang-format on */

static void write_text(struct json_writer *writer, const char *key, const char *text)
{
    if (!text)
        return;
    json_key(writer, key);
    json_text(writer, text);
}

static void write_rules(struct request *q, struct json_writer *writer, int object)
{
    json_begin(writer, '{');
    for (const struct prop_rule *rule = NULL; object != NO_RULES && (rule = prop_rule_next(object, rule));) {
        json_key(writer, rule->key);
        json_begin(writer, '{');
        write_text(writer, "info", rule->text);
        write_text(writer, "prop_type", prop_kind_name(rule->kind));
        write_text(writer, "value", prop_rule_values(&q->arena, rule));
        write_text(writer, "dflt", rule->initial);
        write_text(writer, "unit", rule->unit);
        json_end(writer, '}');
    }
    json_end(writer, '}');
}

static int show_one(struct request *q)
{
    struct buf text = { 0 };
    struct json_writer writer = { .out = &text };

    for (size_t i = 0; i < ARRAY_SIZE(shown); i++)
        if (shown[i].path && strcmp(shown[i].path, q->route->path) == 0)
            write_rules(q, &writer, shown[i].object);
    return request_reply_text(q, "application/json", &text);
}

/* All kinds whose names begin so. */
static int show_kinds(struct request *q, const char *prefix)
{
    struct buf text = { 0 };
    struct json_writer writer = { .out = &text };

    json_begin(&writer, '{');
    for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
        if (!text_starts_with(shown[i].name, prefix))
            continue;
        json_key(&writer, shown[i].name);
        write_rules(q, &writer, shown[i].object);
    }
    json_end(&writer, '}');
    return request_reply_text(q, "application/json", &text);
}

static int show_all(struct request *q)
{
    return show_kinds(q, "");
}

/* LINSTOR: those of its compressions come with those of the proxy. */
static int show_proxies(struct request *q)
{
    return show_kinds(q, "DRBD_PROXY");
}

/* clang-format off */
#define INFO(path) { "GET", path, show_one, 0, NULL, 200, 0 }
const struct route property_info_routes[] = {
    { "GET", "/v1/controller/properties/info/all", show_all, 0, NULL, 200, 0 },
    { "GET", "/v1/resource-definitions/{any}/drbd-proxy/properties/info", show_proxies, 0, NULL, 200, 0 },
    INFO("/v1/controller/properties/info"),
    INFO("/v1/nodes/properties/info"),
    INFO("/v1/nodes/{any}/storage-pools/properties/info"),
    INFO("/v1/resource-definitions/properties/info"),
    INFO("/v1/resource-definitions/{any}/resource-connections/properties/info"),
    INFO("/v1/resource-definitions/{any}/resources/properties/info"),
    INFO("/v1/resource-definitions/{any}/resources/{any}/volumes/properties/info"),
    INFO("/v1/resource-definitions/{any}/volume-definitions/properties/info"),
    INFO("/v1/resource-groups/properties/info"),
    INFO("/v1/resource-groups/{any}/volume-groups/properties/info"),
    INFO("/v1/storage-pool-definitions/properties/info"),
    { 0 },
};
