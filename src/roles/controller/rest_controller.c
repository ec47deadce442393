/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The controller itself: version, properties, health, counts. */
#include <string.h>

#include "api/controller.h"
#include "api/version.h"
#include "base/text.h"
#include "roles/controller/props.h"
#include "roles/controller/routes.h"

static int show_version(struct request *q)
{
    struct version_doc *doc = arena_alloc(&q->arena, sizeof(*doc));

    doc->version = arena_strdup(&q->arena, PROGRAM_VERSION);
    doc->git_hash = arena_strndup(&q->arena, program_commit, PROGRAM_COMMIT_DIGITS);
    doc->build_time = arena_strdup(&q->arena, program_commit + PROGRAM_COMMIT_DIGITS + 1);
    doc->rest_api_version = arena_strdup(&q->arena, REST_API_VERSION);
    return request_reply(q, &version_doc_schema, doc);
}

static void write_map(struct request *q, const struct text_map *map)
{
    struct buf text = { 0 };
    struct json_writer writer = { .out = &text };

    json_begin(&writer, '{');
    for (uint32_t i = 0; i < map->count; i++) {
        json_key(&writer, map->at[i].key);
        json_text(&writer, map->at[i].value);
    }
    json_end(&writer, '}');
    request_reply_text(q, "application/json", &text);
}

/* LINSTOR: one map of two containers; what satellites see, too, wins. */
static int list_props(struct request *q)
{
    const struct controller *controller = q->model->controller;
    struct text_map all = { 0 };

    for (uint32_t i = 0; i < controller->object.props.count; i++)
        text_map_set(&all, controller->object.props.at[i].key, controller->object.props.at[i].value, &q->arena);
    for (uint32_t i = 0; i < controller->satellite_props.count; i++)
        text_map_set(&all, controller->satellite_props.at[i].key, controller->satellite_props.at[i].value, &q->arena);
    write_map(q, &all);
    return 0;
}

static struct props_target edit_props(struct request *q)
{
    struct controller *controller = txn_edit(q->txn, model_root(q->model));

    return (struct props_target){ PROP_ON_CONTROLLER, &controller->object.props, &controller->satellite_props, false };
}

static int delete_prop(struct request *q, const struct props_target *target, const char *key)
{
    const char *normal_key;

    q->rc.context = MASK_DEL | MASK_CTRL_CONF;
    if (props_delete_key(q, target, key, &normal_key) != 0)
        return -1;
    return rc_add(&q->rc, DELETED, .message = rc_text(&q->rc, "Successfully deleted property '%s'", normal_key));
}

/* LINSTOR: each key has entries of its own, and errors tell whether it was to be set or deleted. */
static int modify_props(struct request *q)
{
    const struct props_modify_request *body = q->body;
    const struct props_target target = edit_props(q);

    if (props_check_amount(q, &PROPS_CHANGE(body)) != 0)
        return -1;
    for (uint32_t i = 0; i < body->override_props.count; i++) {
        const char *value = body->override_props.at[i].value, *normal_key;

        q->rc.context = MASK_CRT | MASK_CTRL_CONF;
        if (props_set_key(q, &target, body->override_props.at[i].key, value, &normal_key) != 0)
            return -1;
        rc_add(&q->rc, CREATED,
               .message = rc_text(&q->rc, "Successfully set property '%s' to value '%s'", normal_key, value));
    }
    for (uint32_t i = 0; i < body->delete_props.count; i++)
        if (delete_prop(q, &target, body->delete_props.at[i]) != 0)
            return -1;
    for (uint32_t i = 0; i < body->delete_namespaces.count; i++)
        if (props_delete_namespace(q, &target, body->delete_namespaces.at[i]) != 0)
            return -1;
    return 0;
}

static int delete_one_prop(struct request *q)
{
    const struct props_target target = edit_props(q);

    q->rc.is_quiet = true;
    return delete_prop(q, &target, q->var[VAR_KEY]);
}

static int health(struct request *q)
{
    struct buf nothing = { 0 };

    if (q->service->disk_trouble)
        return rc_add(&q->rc, FAIL_SQL, .message = "The store cannot be written.", .cause = q->service->disk_trouble);
    return request_reply_text(q, NULL, &nothing);
}

/* For a person who opens the address with a browser. */
static int show_start_page(struct request *q)
{
    static const char *const links[] = { "/v1/nodes",         "/v1/view/resources", "/v1/view/storage-pools",
                                         "/v1/error-reports", "/metrics",           "/health" };
    struct buf page = { 0 };

    buf_printf(
        &page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>LINSTOR controller</title></head>\n"
        "<body>\n<h1>LINSTOR controller %s</h1>\n"
        "<p>This is the REST API, version %s. The program <code>linstor</code> talks to it. To look at:</p>\n<ul>\n",
        PROGRAM_VERSION, REST_API_VERSION);
    for (size_t i = 0; i < ARRAY_SIZE(links); i++)
        buf_printf(&page, "<li><a href=\"%s\">%s</a></li>\n", links[i], links[i]);
    buf_add_text(&page, "</ul>\n</body>\n</html>\n");
    return request_reply_text(q, "text/html; charset=utf-8", &page);
}

static int reply_count(struct request *q, int64_t count)
{
    struct stats_doc *doc = arena_alloc(&q->arena, sizeof(*doc));

    doc->count = count;
    return request_reply(q, &stats_doc_schema, doc);
}

static int64_t count_below(const struct request *q, enum kind_id parent, enum kind_id kind)
{
    const struct object *root = model_root(q->model);
    int64_t count = 0;

    for (const struct object *object = object_first(root, parent); object; object = object_next(object, root))
        count += object_count(object, kind);
    return count;
}

static int count_nodes(struct request *q)
{
    return reply_count(q, object_count(model_root(q->model), KIND_NODE));
}

static int count_definitions(struct request *q)
{
    return reply_count(q, object_count(model_root(q->model), KIND_RESOURCE_DEFINITION));
}

static int count_groups(struct request *q)
{
    return reply_count(q, object_count(model_root(q->model), KIND_RESOURCE_GROUP));
}

static int count_resources(struct request *q)
{
    return reply_count(q, count_below(q, KIND_NODE, KIND_RESOURCE));
}

static int count_pools(struct request *q)
{
    return reply_count(q, count_below(q, KIND_NODE, KIND_STORAGE_POOL));
}

/* clang-format off */
const struct route controller_routes[] = {
    { "GET",    "/",                               show_start_page, 0, NULL, 200, 0 },
    { "GET",    "/v1/controller/version",          show_version,    0, NULL, 200, 0 },
    { "GET",    "/v1/controller/properties",       list_props,      0, NULL, 200, 0 },
    { "POST",   "/v1/controller/properties",       modify_props,    ROUTE_WRITE, &props_modify_request_schema, 201, MASK_MOD | MASK_CTRL_CONF },
    { "DELETE", "/v1/controller/properties/{key}", delete_one_prop, ROUTE_WRITE, NULL, 200, MASK_DEL | MASK_CTRL_CONF },
    { "GET",    "/health",                         health,            0, NULL, 200, 0 },
    { "GET",    "/v1/stats/nodes",                 count_nodes,       0, NULL, 200, 0 },
    { "GET",    "/v1/stats/resource-definitions",  count_definitions, 0, NULL, 200, 0 },
    { "GET",    "/v1/stats/resource-groups",       count_groups,      0, NULL, 200, 0 },
    { "GET",    "/v1/stats/resources",             count_resources,   0, NULL, 200, 0 },
    { "GET",    "/v1/stats/storage-pools",         count_pools,       0, NULL, 200, 0 },
    { 0 },
};
