/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From an HTTP exchange to a handler: the path is compared segment by segment with the rows, names in it are checked
 * against their rules, the body is decoded by the row's schema, a transaction is opened for rows that write. What the
 * handler leaves behind is parked until it is durable and settled, or answered at once.
 */
#include "roles/controller/routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/secret.h"
#include "base/text.h"
#include "model/invariant.h"

const struct route *const route_tables[] = {
    resource_definition_routes,
    volume_definition_routes,
    resource_routes,
    place_routes,
    resource_group_routes,
    node_routes,
    net_interface_routes,
    storage_pool_routes,
    controller_routes,
    encryption_routes,
    report_routes,
    metrics_routes,
    config_routes,
    property_info_routes,
    orphan_routes,
    physical_routes,
    unserved_routes,
};
const size_t route_table_count = ARRAY_SIZE(route_tables);

/* Names in paths. checked: against the rules of that kind, when the path names something that must exist. */
static const struct {
    const char *name;
    enum variable variable;
    bool is_checked;
    enum name_kind kind;
    const char *reference; /* in obj_refs of a refusal; NULL: none, or the handler's business */
} variables[] = {
    { "{node}", VAR_NODE, true, NAME_NODE },
    { "{interface}", VAR_INTERFACE, true, NAME_NET_INTERFACE },
    { "{pool}", VAR_POOL, true, NAME_STORAGE_POOL },
    { "{group}", VAR_GROUP, true, NAME_RESOURCE_GROUP },
    { "{resource}", VAR_RESOURCE, true, NAME_RESOURCE, "RscDfn" },
    { "{volume}", VAR_VOLUME_NUMBER, false, NAME_NODE },
    { "{key}", VAR_KEY, false, NAME_NODE },
    { "{report}", VAR_REPORT, false, NAME_NODE },
    { "{any}", VAR_ANY, false, NAME_NODE },
};

static int find_variable(const char *segment, size_t length)
{
    for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
        if (strlen(variables[i].name) == length && strncmp(variables[i].name, segment, length) == 0)
            return (int)i;
    return -1;
}

static char *join_rest(struct request *q, size_t from)
{
    struct buf rest = { 0 };
    char *text;

    for (size_t i = from; i < q->uri.segment_count; i++) {
        if (i > from)
            buf_add_char(&rest, '/');
        buf_add_text(&rest, q->uri.segments[i]);
    }
    text = arena_strdup(&q->arena, buf_text(&rest));
    buf_done(&rest);
    return text;
}

/* True when the path of the row fits; names are then in q->var. */
static bool path_fits(struct request *q, const char *path)
{
    char *found[VAR_COUNT] = { 0 };
    size_t at = 0;

    while (*path == '/') {
        const char *segment = ++path;
        size_t length = strcspn(segment, "/");
        int variable;

        path += length;
        if (length == 0) /* the root */
            break;
        if (at >= q->uri.segment_count)
            return false;
        variable = segment[0] == '{' ? find_variable(segment, length) : -1;
        if (variable >= 0 && variables[variable].variable == VAR_KEY && *path == '\0') {
            found[VAR_KEY] = join_rest(q, at);
            at = q->uri.segment_count;
        } else if (variable >= 0) {
            found[variables[variable].variable] = arena_strdup(&q->arena, q->uri.segments[at++]);
        } else if (strlen(q->uri.segments[at]) != length || strncmp(segment, q->uri.segments[at++], length) != 0) {
            return false;
        }
    }
    if (at != q->uri.segment_count)
        return false;
    memcpy(q->var, found, sizeof(found));
    return true;
}

/* Methods of a path, as bits in this order, which is that of the header Allow. */
static const char *const methods[] = { "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT" };

static unsigned method_bit(const char *method)
{
    for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
        if (strcmp(methods[i], method) == 0)
            return 1U << i;
    return 0;
}

/* NULL when no row has path and method; *allowed then tells which methods the path has, 0 when there is no such path.
 */
static const struct route *find_route(struct request *q, const char *method, unsigned *allowed)
{
    *allowed = 0;
    for (size_t i = 0; i < route_table_count; i++) {
        for (const struct route *route = route_tables[i]; route->method; route++) {
            if (!path_fits(q, route->path))
                continue;
            if (strcmp(route->method, method) == 0)
                return route;
            *allowed |= method_bit(route->method) | method_bit("OPTIONS");
        }
    }
    if (*allowed & method_bit("GET"))
        *allowed |= method_bit("HEAD");
    return NULL;
}

/* What to answer when there is no route: the methods that a browser asks for, or what is wrong. */
static void answer_unrouted(struct request *q, const struct http_request *http, unsigned allowed)
{
    static const struct route unknown_path = { .status = 404 }, wrong_method = { .status = 405 };
    CLEANUP(buf_done) struct buf allow = { 0 };

    for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
        if (allowed & 1U << i)
            buf_printf(&allow, "%s%s", allow.length > 0 ? ", " : "", methods[i]);
    if (allowed)
        http_add_header(q->exchange, "Allow", buf_text(&allow));
    if (allowed && strcmp(http->method, "OPTIONS") == 0) {
        request_reply_text(q, "text/plain", &q->text);
    } else {
        q->route = allowed ? &wrong_method : &unknown_path;
        if (allowed)
            rc_add(&q->rc, FAIL_UNKNOWN_ERROR,
                   .message = rc_text(&q->rc, "The method %s is not allowed on '%s'.", http->method, http->target),
                   .details = rc_text(&q->rc, "It has the methods %s.", buf_text(&allow)));
        else
            rc_add(&q->rc, FAIL_UNKNOWN_ERROR,
                   .message = rc_text(&q->rc, "Path '%s' not found on server.", http->target),
                   .details = "No operation of this version has that path.");
    }
    request_answer(q);
}

int request_check_name(struct request *q, enum name_kind kind, const char *text)
{
    char why[NAME_WHY_SIZE];

    if (name_check(kind, text, why, sizeof(why)) == 0)
        return 0;
    return rc_add(&q->rc, name_fail_code(kind),
                  .message = rc_text(&q->rc, "'%s' is not a legal name of a %s.", text, name_kind_text(kind)),
                  .cause = why);
}

/* LINSTOR: an illegal name in a path is an error of its own kind (500), a legal unknown one is not found (404). */
static int check_variables(struct request *q)
{
    int64_t number;

    for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
        const char *text = q->var[variables[i].variable];

        if (!text || !variables[i].is_checked || strcmp(q->route->method, "POST") == 0)
            continue;
        if (variables[i].reference && strcmp(q->route->method, "GET") != 0)
            rc_ref(&q->rc, variables[i].reference, text);
        if (request_check_name(q, variables[i].kind, text) != 0)
            return -1;
    }
    if (q->var[VAR_VOLUME_NUMBER]) {
        if (!text_parse_i64(q->var[VAR_VOLUME_NUMBER], INT64_MIN, INT64_MAX, &number))
            return rc_add(&q->rc, FAIL_UNKNOWN_ERROR, .is_bare = true,
                          .message = rc_text(&q->rc, "'%s' is not a volume number.", q->var[VAR_VOLUME_NUMBER]),
                          .details = "The path names a volume by its number.",
                          .correction = "Volume numbers are 0 to 65534.");
        /* A number that no volume can have is one that is not found. */
        q->volume_number = number < 0 || number > NAME_VOLUME_NUMBER_MAX ? -1 : (int32_t)number;
    }
    return 0;
}

/* Clients that have nothing to say send it. */
static bool is_null(const char *text, size_t length)
{
    return length >= 4 && strncmp(text, "null", 4) == 0 && (length == 4 || strchr(" \t\r\n", text[4]));
}

/* Body text to q->body, or to a tree for handlers that take a list. */
static int decode_body(struct request *q, cJSON **json)
{
    const struct http_request *http = http_get_request(q->exchange);
    const char *text = buf_text(&http->body);
    size_t length = http->body.length;
    struct json_error broken;
    struct field_error error;

    while (length > 0 && strchr(" \t\r\n", *text) && *text != '\0') {
        text++;
        length--;
    }
    if (q->route->body)
        q->body = arena_alloc(&q->arena, q->route->body->size);
    if ((length == 0 || is_null(text, length)) && (q->route->use & ROUTE_BODY_OPTIONAL))
        return 0;
    if (q->route->body && length > 0 && field_scan_text(q->route->body, q->body, text, length, &q->arena, &error) == 0)
        return 0;
    if (q->route->body) /* what is no JSON to the letter, and what is wrong with it */
        memset(q->body, 0, q->route->body->size);
    *json = json_parse_first(text, length, &broken); /* LINSTOR: what stands behind the object is not looked at */
    if (!*json)
        return rc_add(&q->rc, API_CALL_PARSE_ERROR, .message = "Unable to parse input json.", .details = broken.message,
                      .correction = "Send one JSON object as the body of the request.");
    if (!q->route->body)
        q->json = *json;
    if (q->route->body && field_decode(q->route->body, q->body, *json, &q->arena, &error) != 0)
        return rc_add(&q->rc, API_CALL_PARSE_ERROR, .message = "Unable to parse input json.", .details = error.message,
                      .correction = "Correct the named member of the body.");
    return 0;
}

static int check_invariants(struct request *q)
{
    struct invariant_problem problem = { 0 };
    int64_t code = 0;

    switch (invariant_check(q->model, q->txn, &q->arena, &problem)) {
    case INVARIANT_HOLDS: return 0;
    case INVARIANT_TOO_MANY_PROPS: code = FAIL_INVLD_PROP; break;
    case INVARIANT_NAME_IS_TAKEN:
    case INVARIANT_IS_NEEDED: code = FAIL_IN_USE; break;
    }
    return rc_add(&q->rc, code, .message = problem.message, .cause = problem.cause, .correction = problem.correction);
}

/* Runs a handler inside its transaction. */
static void run(struct request *q, route_handler *handle, bool writes)
{
    struct service *service = q->service;
    int result;

    if (writes && service->is_stopping) {
        rc_add(&q->rc, FAIL_UNKNOWN_ERROR, .message = "The controller is stopping.",
               .correction = "Repeat the request when it runs again.");
        return;
    }
    if (writes)
        q->txn = txn_begin(&service->model);
    service->current = q;
    result = handle(q);
    if (q->txn && result == 0 && !rc_has_error(&q->rc))
        result = check_invariants(q);
    if (q->txn && (result != 0 || rc_has_error(&q->rc))) {
        txn_abort(q->txn);
        rc_drop_successes(&q->rc);
        q->settle.count = 0;
    } else if (q->txn) {
        q->generation = txn_commit(q->txn);
    }
    q->txn = NULL;
    service->current = NULL;
}

/* As deep as passphrases lie: those of a list, or of properties. */
static void wipe_texts(cJSON *json)
{
    secret_wipe_text(cJSON_GetStringValue(json));
    for (cJSON *child = json ? json->child : NULL; child; child = child->next) {
        secret_wipe_text(cJSON_GetStringValue(child));
        for (cJSON *item = child->child; item; item = item->next)
            secret_wipe_text(cJSON_GetStringValue(item));
    }
}

static void wipe_field(const struct field *field, void *member)
{
    const struct text_list *list = member;

    if (field->kind == FIELD_KIND_TEXT)
        secret_wipe_text(*(char **)member);
    for (uint32_t i = 0; field->kind == FIELD_KIND_TEXTS && i < list->count; i++)
        secret_wipe_text(list->at[i]);
}

static void wipe_strings(const struct schema *schema, void *body)
{
    for (size_t i = 0; body && i < schema->count; i++)
        if (schema->fields[i].use & FIELD_SECRET)
            wipe_field(&schema->fields[i], (char *)body + schema->fields[i].offset);
}

/* Passphrases. What the handler keeps of them, it keeps elsewhere. */
static void forget_body(struct request *q, cJSON *json)
{
    wipe_texts(json);
    if (q->route->body)
        wipe_strings(q->route->body, q->body);
    http_wipe_body(q->exchange);
}

/* "application/json", whatever parameters follow. */
static bool says_json(const struct http_request *http)
{
    static const char json[] = "application/json";
    const char *type = http_find_header(http, "content-type");

    return type && strncasecmp(type, json, strlen(json)) == 0 && strchr("; \t", type[strlen(json)]);
}

/* A browser sends for any page what a form could send, and names the page in Origin. */
static int check_sender(struct request *q, const struct http_request *http)
{
    if (q->service->refuses_web_pages && http_find_header(http, "origin")) {
        q->failure_status = 403;
        return rc_add(&q->rc, FAIL_INVLD_REQUEST, .message = "Requests of web pages are refused.",
                      .cause = "The configuration has http.cors = false, and the request has an Origin.");
    }
    if (q->service->requires_json && http->body.length > 0 && !says_json(http)) {
        q->failure_status = 415;
        return rc_add(&q->rc, FAIL_INVLD_REQUEST, .message = "The body of the request is not said to be JSON.",
                      .cause = "The configuration has http.require_json = true.",
                      .correction = "Send the header 'Content-Type: application/json'.");
    }
    return 0;
}

void request_go_on(struct request *q)
{
    route_handler *handle = q->next;

    q->next = NULL;
    q->generation = 0;
    q->is_settling = false;
    q->refresh_token = q->deadline_ms = 0;
    run(q, handle, true);
    if (q->generation > 0 || q->settle.count > 0)
        request_park(q);
    else
        request_answer(q);
}

void request_received(void *owner, struct http_exchange *exchange)
{
    struct request *q = request_new(owner);
    const struct http_request *http = http_get_request(exchange);
    const char *method = strcmp(http->method, "HEAD") == 0 ? "GET" : http->method;
    const char *wrong;
    unsigned allowed;
    cJSON *json = NULL;

    q->service->counts.requests++;
    q->exchange = exchange;
    q->rc.arena = &q->arena;
    q->rc.now_ms = loop_wall_ms(q->service->loop);
    wrong = uri_parse(&q->arena, http->target, &q->uri);
    if (wrong) {
        q->failure_status = 400;
        rc_add(&q->rc, FAIL_INVLD_REQUEST,
               .message = rc_text(&q->rc, "The address '%s' cannot be read: %s", http->target, wrong));
        request_answer(q);
        return;
    }
    if (check_sender(q, http) != 0) {
        request_answer(q);
        return;
    }
    q->route = find_route(q, method, &allowed);
    if (!q->route) {
        answer_unrouted(q, http, allowed);
        return;
    }
    q->rc.context = q->route->context;
    q->rc.is_quiet = strcmp(method, "GET") == 0; /* to look for what may not be there is nothing unexpected */
    if (check_variables(q) == 0 &&
        ((!q->route->body && !(q->route->use & ROUTE_BODY_JSON)) || decode_body(q, &json) == 0))
        run(q, q->route->handle, q->route->use & ROUTE_WRITE);
    q->json = NULL;
    if (q->route->use & ROUTE_SECRET)
        forget_body(q, json);
    cJSON_Delete(json);
    if (q->generation > 0 || q->settle.count > 0)
        request_park(q);
    else
        request_answer(q);
}
