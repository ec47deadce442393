/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "workload.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "cluster.h"
#include "guard.h"
#include "http_sim.h"
#include "roles/controller/rc.h"

enum { CLIENTS = 6, LOOK_MS = 200, TRIES = 8, MARKS = 1000 };

struct client {
    struct http_call *call;
    struct parts parts;        /* nobody else touches them meanwhile */
    struct reference after;    /* of parts, when it succeeds */
    struct guard_memory guard; /* as it was before */
    bool must_succeed;         /* nothing speaks against it */
    int place_count;
    bool is_reading;
    bool was_answered;
    int status;
    bool has_error, was_undone;
    char what[140], first_message[200];
    int64_t next_ms;
};

struct orphan {
    bool is_set;
    int definition, node, number;
};

/* What a client is about to ask. */
struct wish {
    const char *method;
    char target[120], body[320];
    struct parts parts;
    struct reference after;
    bool is_reading;
    bool is_in_doubt;     /* it may be refused for a good reason */
    struct orphan orphan; /* that is to be removed */
    int place_count;      /* when it succeeds there are so many resources at least */
};

static struct client clients[CLIENTS];
static struct reference reference;
static bool may_be_orphan[DEFINITIONS][HOST_LIMIT];
static bool is_stopping;
static int mark;

static int any_node(void)
{
    return (int)chance_between(1, world.satellites);
}

static int any_definition(void)
{
    return (int)chance_between(0, DEFINITIONS - 1);
}

static void set_text(char *text, size_t size, const char *format, va_list args)
{
    if (vsnprintf(text, size, format, args) >= (int)size)
        world_violation("a request of the workload is too long");
}

static void set_target(struct wish *wish, const char *method, const char *format, ...) PRINTF_LIKE(3, 4);
static void set_target(struct wish *wish, const char *method, const char *format, ...)
{
    va_list args;

    wish->method = method;
    va_start(args, format);
    set_text(wish->target, sizeof(wish->target), format, args);
    va_end(args);
}

static void set_body(struct wish *wish, const char *format, ...) PRINTF_LIKE(2, 3);
static void set_body(struct wish *wish, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    set_text(wish->body, sizeof(wish->body), format, args);
    va_end(args);
}

static void touch_definition(struct wish *wish, int definition)
{
    wish->parts.definitions |= 1U << definition;
}

static void touch_node(struct wish *wish, int node)
{
    wish->parts.nodes |= 1U << node;
}

static bool is_taken(struct parts parts)
{
    for (int i = 0; i < CLIENTS; i++)
        if (clients[i].call &&
            (clients[i].parts.definitions & parts.definitions || clients[i].parts.nodes & parts.nodes))
            return true;
    return false;
}

/* Each returns false when there is nothing to do of that kind, as far as the clients know. */

static bool create_node(struct wish *wish)
{
    int at = any_node();

    if (reference.nodes[at].at == PRESENT)
        return false;
    set_target(wish, "POST", "/v1/nodes");
    set_body(wish,
             "{\"name\":\"%s\",\"type\":\"SATELLITE\",\"net_interfaces\":[{\"name\":\"default\",\"address\":\"%s\","
             "\"satellite_port\":%d,\"satellite_encryption_type\":\"PLAIN\"}]}",
             world.hosts[at].name, world.hosts[at].address, SATELLITE_PORT);
    touch_node(wish, at);
    wish->is_in_doubt = reference.nodes[at].at == LEAVING;
    wish->after.nodes[at] = (struct reference_node){ .at = PRESENT };
    return true;
}

static bool mark_node(struct wish *wish)
{
    int at = any_node();

    set_target(wish, "PUT", "/v1/nodes/%s", world.hosts[at].name);
    set_body(wish, "{\"override_props\":{\"Aux/sim\":\"%d\"}}", mark);
    touch_node(wish, at);
    wish->is_in_doubt = reference.nodes[at].at != PRESENT;
    wish->after.nodes[at].mark = mark;
    return true;
}

static void leave_node(struct wish *wish, int at)
{
    touch_node(wish, at);
    for (int i = 0; i < DEFINITIONS; i++) {
        if (reference.definitions[i].resources[at].at == ABSENT)
            continue;
        touch_definition(wish, i);
        wish->after.definitions[i].resources[at].at = LEAVING;
    }
    wish->after.nodes[at].at = LEAVING;
}

static bool delete_node(struct wish *wish)
{
    int at = any_node();

    if (reference.nodes[at].at != PRESENT || !chance_one_in(3))
        return false;
    set_target(wish, "DELETE", "/v1/nodes/%s", world.hosts[at].name);
    leave_node(wish, at);
    return true;
}

static bool lose_node(struct wish *wish)
{
    int at = any_node();

    if (reference.nodes[at].at == ABSENT || !chance_one_in(2))
        return false;
    set_target(wish, "DELETE", "/v1/nodes/%s/lost", world.hosts[at].name);
    leave_node(wish, at);
    wish->is_in_doubt = true;
    return true;
}

static bool create_pool(struct wish *wish)
{
    int at = any_node(), pool = (int)chance_between(0, POOLS - 1);

    if (reference.nodes[at].at != PRESENT || reference.nodes[at].pools[pool].at == PRESENT)
        return false;
    set_target(wish, "POST", "/v1/nodes/%s/storage-pools", world.hosts[at].name);
    set_body(
        wish,
        "{\"storage_pool_name\":\"%s\",\"provider_kind\":\"%s\",\"props\":{\"StorDriver/StorPoolName\":\"/pools/%s\"}}",
        pool_name(pool), pool == 0 ? "FILE_THIN" : "FILE", pool_name(pool));
    touch_node(wish, at);
    wish->after.nodes[at].pools[pool] = (struct reference_resource){ .at = PRESENT };
    return true;
}

static bool mark_pool(struct wish *wish)
{
    int at = any_node(), pool = (int)chance_between(0, POOLS - 1);

    if (reference.nodes[at].at != PRESENT || reference.nodes[at].pools[pool].at != PRESENT)
        return false;
    set_target(wish, "PUT", "/v1/nodes/%s/storage-pools/%s", world.hosts[at].name, pool_name(pool));
    set_body(wish, "{\"override_props\":{\"Aux/sim\":\"%d\"}}", mark);
    touch_node(wish, at);
    wish->after.nodes[at].pools[pool].mark = mark;
    return true;
}

static bool delete_pool(struct wish *wish)
{
    int at = any_node(), pool = (int)chance_between(0, POOLS - 1);

    if (reference.nodes[at].pools[pool].at != PRESENT || !chance_one_in(3))
        return false;
    set_target(wish, "DELETE", "/v1/nodes/%s/storage-pools/%s", world.hosts[at].name, pool_name(pool));
    touch_node(wish, at);
    wish->is_in_doubt = true; /* volumes may lie in it */
    wish->after.nodes[at].pools[pool] = (struct reference_resource){ .at = ABSENT };
    return true;
}

static bool create_definition(struct wish *wish)
{
    int at = any_definition();
    bool is_drbd = at == DEFINITIONS - 1;

    if (reference.definitions[at].at == PRESENT)
        return false;
    set_target(wish, "POST", "/v1/resource-definitions");
    set_body(wish,
             "{\"resource_definition\":{\"name\":\"%s\",\"props\":{\"StorPoolName\":\"%s\"},\"layer_data\":[%s{"
             "\"type\":\"STORAGE\"}]}}",
             definition_name(at), pool_name(at % POOLS), is_drbd ? "{\"type\":\"DRBD\"}," : "");
    touch_definition(wish, at);
    wish->is_in_doubt = reference.definitions[at].at == LEAVING;
    wish->after.definitions[at] =
        (struct reference_definition){ .at = PRESENT, .pool = at % POOLS, .is_drbd = is_drbd };
    return true;
}

static bool mark_definition(struct wish *wish)
{
    int at = any_definition();

    set_target(wish, "PUT", "/v1/resource-definitions/%s", definition_name(at));
    set_body(wish, "{\"override_props\":{\"Aux/sim\":\"%d\"}}", mark);
    touch_definition(wish, at);
    wish->is_in_doubt = reference.definitions[at].at != PRESENT;
    wish->after.definitions[at].mark = mark;
    return true;
}

static bool delete_definition(struct wish *wish)
{
    int at = any_definition();

    if (reference.definitions[at].at == ABSENT || !chance_one_in(2))
        return false;
    set_target(wish, "DELETE", "/v1/resource-definitions/%s", definition_name(at));
    touch_definition(wish, at);
    wish->after.definitions[at].at = LEAVING;
    return true;
}

static bool create_volume(struct wish *wish)
{
    int at = any_definition(), number = (int)chance_between(0, VOLUMES - 1);
    const struct reference_definition *definition = &reference.definitions[at];
    int64_t size_kib = chance_between(1, 100000);

    if (definition->at != PRESENT || definition->volumes[number].at == PRESENT)
        return false;
    set_target(wish, "POST", "/v1/resource-definitions/%s/volume-definitions", definition_name(at));
    set_body(wish, "{\"volume_definition\":{\"volume_number\":%d,\"size_kib\":%" PRId64 "}}", number, size_kib);
    touch_definition(wish, at);
    wish->is_in_doubt = definition->is_drbd || definition->volumes[number].at == LEAVING;
    for (int i = 1; i <= world.satellites; i++) {
        if (definition->resources[i].at == ABSENT)
            continue;
        touch_node(wish, i); /* its pool must not go meanwhile */
        wish->is_in_doubt = wish->is_in_doubt || definition->resources[i].at == LEAVING ||
                            reference.nodes[i].pools[definition->pool].at != PRESENT;
    }
    wish->after.definitions[at].volumes[number] = (struct reference_volume){ PRESENT, size_kib };
    return true;
}

static bool resize_volume(struct wish *wish)
{
    int at = any_definition(), number = (int)chance_between(0, VOLUMES - 1);
    const struct reference_volume *volume = &reference.definitions[at].volumes[number];
    int64_t size_kib = volume->size_kib + chance_between(1, 5000);

    if (reference.definitions[at].at != PRESENT || volume->at != PRESENT)
        return false;
    set_target(wish, "PUT", "/v1/resource-definitions/%s/volume-definitions/%d", definition_name(at), number);
    set_body(wish, "{\"size_kib\":%" PRId64 "}", size_kib);
    touch_definition(wish, at);
    wish->after.definitions[at].volumes[number].size_kib = size_kib;
    return true;
}

static bool delete_volume(struct wish *wish)
{
    int at = any_definition(), number = (int)chance_between(0, VOLUMES - 1);

    if (reference.definitions[at].at != PRESENT || reference.definitions[at].volumes[number].at == ABSENT)
        return false;
    set_target(wish, "DELETE", "/v1/resource-definitions/%s/volume-definitions/%d", definition_name(at), number);
    touch_definition(wish, at);
    wish->after.definitions[at].volumes[number].at = LEAVING;
    return true;
}

static bool create_resource(struct wish *wish)
{
    int at = any_definition(), node = any_node();
    const struct reference_definition *definition = &reference.definitions[at];

    if (definition->at != PRESENT || definition->is_drbd || definition->resources[node].at == PRESENT ||
        reference.nodes[node].at != PRESENT)
        return false;
    set_target(wish, "POST", "/v1/resource-definitions/%s/resources/%s", definition_name(at), world.hosts[node].name);
    set_body(wish, "{\"resource\":{}}");
    touch_definition(wish, at);
    touch_node(wish, node);
    wish->is_in_doubt =
        definition->resources[node].at == LEAVING || reference.nodes[node].pools[definition->pool].at != PRESENT;
    for (int i = 0; i < VOLUMES; i++)
        wish->is_in_doubt = wish->is_in_doubt || definition->volumes[i].at == LEAVING;
    wish->after.definitions[at].resources[node] = (struct reference_resource){ .at = PRESENT };
    return true;
}

static bool mark_resource(struct wish *wish)
{
    int at = any_definition(), node = any_node();

    if (reference.definitions[at].at != PRESENT || reference.definitions[at].resources[node].at == ABSENT)
        return false;
    set_target(wish, "PUT", "/v1/resource-definitions/%s/resources/%s", definition_name(at), world.hosts[node].name);
    set_body(wish, "{\"override_props\":{\"Aux/sim\":\"%d\"}}", mark);
    touch_definition(wish, at);
    wish->is_in_doubt = reference.definitions[at].resources[node].at == LEAVING;
    wish->after.definitions[at].resources[node].mark = mark;
    return true;
}

static bool delete_resource(struct wish *wish)
{
    int at = any_definition(), node = any_node();

    if (reference.definitions[at].resources[node].at == ABSENT || reference.definitions[at].at != PRESENT)
        return false;
    set_target(wish, "DELETE", "/v1/resource-definitions/%s/resources/%s", definition_name(at), world.hosts[node].name);
    touch_definition(wish, at);
    wish->after.definitions[at].resources[node].at = LEAVING;
    return true;
}

/* The controller chooses where; nodes stay as they are meanwhile. */
static void choose_nodes(struct wish *wish, int definition, int place_count)
{
    wish->place_count = place_count;
    wish->is_in_doubt = true; /* there may be no room */
    for (int i = 1; i <= world.satellites; i++) {
        touch_node(wish, i);
        if (reference.nodes[i].at == PRESENT && wish->after.definitions[definition].resources[i].at != PRESENT)
            wish->after.definitions[definition].resources[i].at = OPTIONAL;
    }
}

static bool autoplace(struct wish *wish)
{
    int at = any_definition(), place_count = (int)chance_between(1, 3);

    if (reference.definitions[at].at != PRESENT || reference.definitions[at].is_drbd)
        return false;
    set_target(wish, "POST", "/v1/resource-definitions/%s/autoplace", definition_name(at));
    set_body(wish, "{\"select_filter\":{\"place_count\":%d,\"storage_pool_list\":[\"%s\"]}}", place_count,
             pool_name(reference.definitions[at].pool));
    touch_definition(wish, at);
    choose_nodes(wish, at, 0);
    return true;
}

static bool spawn(struct wish *wish)
{
    int at = any_definition(), place_count = (int)chance_between(1, 3);
    int64_t size_kib = chance_between(1, 100000);

    if (reference.definitions[at].at != ABSENT || at == DEFINITIONS - 1)
        return false;
    set_target(wish, "POST", "/v1/resource-groups/DfltRscGrp/spawn");
    set_body(wish,
             "{\"resource_definition_name\":\"%s\",\"volume_sizes\":[%" PRId64
             "],\"select_filter\":{\"place_count\":%d,"
             "\"storage_pool_list\":[\"%s\"],\"layer_stack\":[\"STORAGE\"]},"
             "\"resource_definition_props\":{\"StorPoolName\":\"%s\"}}",
             definition_name(at), size_kib, place_count, pool_name(at % POOLS), pool_name(at % POOLS));
    touch_definition(wish, at);
    wish->after.definitions[at] = (struct reference_definition){ .at = PRESENT, .pool = at % POOLS };
    wish->after.definitions[at].volumes[0] = (struct reference_volume){ PRESENT, size_kib };
    choose_nodes(wish, at, place_count);
    return true;
}

/* What a lost node has kept is removed when a user says so. */
static bool remove_orphan(struct wish *wish)
{
    int at = any_definition(), node = any_node(), number = (int)chance_between(0, VOLUMES - 1);

    if (!may_be_orphan[at][node] || reference.definitions[at].resources[node].at != ABSENT ||
        reference.nodes[node].at != PRESENT)
        return false;
    set_target(wish, "DELETE", "/v1/nodes/%s/orphans/%s/%s_%05d", world.hosts[node].name, pool_name(at % POOLS),
               definition_name(at), number);
    touch_definition(wish, at);
    touch_node(wish, node);
    wish->is_in_doubt = true;
    wish->orphan = (struct orphan){ true, at, node, number };
    return true;
}

static bool read_something(struct wish *wish)
{
    static const char *const targets[] = { "/v1/error-reports",
                                           "/v1/view/resources",
                                           "/v1/nodes",
                                           "/v1/view/storage-pools",
                                           "/v1/resource-definitions?with_volume_definitions=true",
                                           "/v1/storage-pool-definitions",
                                           "/v1/controller/properties" };

    set_target(wish, "GET", "%s", targets[chance_between(0, ARRAY_SIZE(targets) - 1)]);
    wish->is_reading = true;
    return true;
}

static const struct {
    bool (*make)(struct wish *wish);
    int weight;
} wishes[] = {
    { create_node, 8 },       { mark_node, 1 },         { delete_node, 1 },
    { lose_node, 1 },         { create_pool, 8 },       { mark_pool, 1 },
    { delete_pool, 1 },       { create_definition, 8 }, { mark_definition, 2 },
    { delete_definition, 3 }, { create_volume, 8 },     { resize_volume, 6 },
    { delete_volume, 3 },     { create_resource, 14 },  { mark_resource, 2 },
    { delete_resource, 5 },   { autoplace, 4 },         { spawn, 4 },
    { remove_orphan, 3 },     { read_something, 4 },
};

static bool make_wish(struct wish *wish)
{
    int64_t total = 0, chosen;
    size_t at = 0;

    for (size_t i = 0; i < ARRAY_SIZE(wishes); i++)
        total += wishes[i].weight;
    for (chosen = chance_between(0, total - 1); chosen >= wishes[at].weight; at++)
        chosen -= wishes[at].weight;
    mark = mark % MARKS + 1;
    memset(wish, 0, sizeof(*wish));
    wish->after = reference;
    return wishes[at].make(wish) && !is_taken(wish->parts);
}

/* A deletion that the controller may have taken from now on gives authority, whatever the client hears of it. */
static void allow_destruction(const struct wish *wish)
{
    if (wish->orphan.is_set)
        guard_allow(wish->orphan.definition, wish->orphan.node, wish->orphan.number);
    for (int i = 0; i < DEFINITIONS; i++) {
        const struct reference_definition *after = &wish->after.definitions[i];

        for (int node = 1; node <= world.satellites; node++) {
            if (after->at == LEAVING || after->resources[node].at == LEAVING)
                guard_allow(i, node, -1);
            for (int number = 0; number < VOLUMES; number++)
                if (after->volumes[number].at == LEAVING)
                    guard_allow(i, node, number);
        }
    }
}

static void read_answer(struct client *client, const char *body)
{
    struct json_error error;
    cJSON *json = json_parse(body, strlen(body), &error);
    const cJSON *entry;

    if (!json)
        world_violation("%s: the answer is not JSON: %s", client->what, error.message);
    if (client->is_reading && client->status != 200)
        world_violation("%s: status %d: %.300s", client->what, client->status, body);
    cJSON_ArrayForEach(entry, json)
    {
        const cJSON *code = cJSON_GetObjectItemCaseSensitive(entry, "ret_code");
        const cJSON *message = cJSON_GetObjectItemCaseSensitive(entry, "message");
        int64_t number = cJSON_IsString(code) ? atoll(code->valuestring) : code ? (int64_t)code->valuedouble : 0;

        if (client->is_reading || !rc_is_error(number))
            continue;
        if (!client->has_error && message)
            snprintf(client->first_message, sizeof(client->first_message), "%s", message->valuestring);
        client->has_error = true;
        if ((number & MASK_BITS_CODE) == (FAIL_SQL & MASK_BITS_CODE))
            client->was_undone = true;
    }
    cJSON_Delete(json);
}

static int count_resources(const struct reference_definition *definition)
{
    int count = 0;

    for (int i = 1; i <= world.satellites; i++)
        count += definition->resources[i].at == PRESENT;
    return count;
}

/* Compared at once: a success is durable when it is told. */
static void check_acknowledged(const struct client *client)
{
    struct reference actual;
    const char *wrong;

    reference_read(&actual, client->parts);
    wrong = reference_compare(&client->after, &actual, client->parts);
    if (wrong)
        world_violation("%s was acknowledged, but %s", client->what, wrong);
    for (int i = 0; i < DEFINITIONS && client->place_count > 0; i++)
        if (client->parts.definitions >> i & 1 && count_resources(&actual.definitions[i]) < client->place_count)
            world_violation("%s was acknowledged, but there are fewer than %d resources", client->what,
                            client->place_count);
}

static void answered(void *owner, int status, const char *body)
{
    struct client *client = owner;

    client->was_answered = body != NULL;
    client->status = status;
    if (!body) {
        world.counts->unanswered++;
        world_note("%s: no answer", client->what);
        return;
    }
    read_answer(client, body);
    world_note("%s: %d %s", client->what, status, client->has_error ? client->first_message : "");
    if (client->has_error != (status >= 400))
        world_violation("%s: status %d, and %s: %.300s", client->what, status,
                        client->has_error ? "an error" : "no error", body);
    if (!client->has_error) {
        world.counts->acknowledged++;
        check_acknowledged(client);
        return;
    }
    world.counts->refused++;
    if (client->must_succeed)
        world_violation("%s was refused without a reason: %s", client->what, client->first_message);
}

/* What lies on a node that is given up stays there, and nobody knows of it any more. */
static void note_lost(const struct client *client)
{
    for (int i = 0; i < DEFINITIONS; i++)
        for (int node = 1; node <= world.satellites; node++)
            if (client->parts.nodes >> node & 1 && reference.definitions[i].resources[node].at != ABSENT)
                may_be_orphan[i][node] = true;
}

/* Nothing more can come of it: it has had its effect, or none. */
static void conclude(struct client *client)
{
    struct reference actual;
    const char *not_after, *not_before;
    char why_not_after[256];

    reference_read(&actual, client->parts);
    not_after = reference_compare(&client->after, &actual, client->parts);
    snprintf(why_not_after, sizeof(why_not_after), "%s", not_after ? not_after : "");
    not_before = reference_compare(&reference, &actual, client->parts);
    if (not_after && not_before)
        world_violation("%s had half an effect: %s; but %s", client->what, why_not_after, not_before);
    if (client->was_undone && not_before)
        world_violation("%s was said to be undone, but %s", client->what, not_before);
    if (client->was_answered && !client->has_error && not_after)
        world_violation("%s was acknowledged, but %s", client->what, why_not_after);
    if (not_after)
        guard_restore(&client->guard, client->parts);
    else if (strstr(client->what, "/lost"))
        note_lost(client);
    reference_take(&reference, not_after ? &reference : &client->after, &actual, client->parts);
}

static void send(struct client *client, const struct wish *wish)
{
    *client = (struct client){
        .parts = wish->parts,
        .after = wish->after,
        .must_succeed = world.is_calm && !wish->is_in_doubt,
        .place_count = wish->place_count,
        .is_reading = wish->is_reading,
    };
    snprintf(client->what, sizeof(client->what), "%s %s", wish->method, wish->target);
    world_note("%s %s", client->what, wish->body);
    world.counts->requests++;
    guard_save(&client->guard);
    allow_destruction(wish);
    client->call = http_call_new(wish->method, wish->target, wish->body[0] ? wish->body : NULL, answered, client);
}

static void client_acts(struct client *client)
{
    struct wish wish;

    if (client->call) {
        if (!http_call_is_over(client->call))
            return;
        conclude(client);
        http_call_free(client->call);
        client->call = NULL;
        client->next_ms = world_now_ms() + chance_between(0, 3000);
        return;
    }
    if (is_stopping || world_now_ms() < client->next_ms)
        return;
    for (int i = 0; i < TRIES; i++) {
        if (!make_wish(&wish))
            continue;
        send(client, &wish);
        return;
    }
}

static void act(void *owner)
{
    (void)owner;
    for (int i = 0; i < CLIENTS; i++)
        client_acts(&clients[i]);
    if (!workload_is_over())
        world_after(NULL, chance_between(1, LOOK_MS), act, NULL);
}

void workload_start(void)
{
    memset(clients, 0, sizeof(clients));
    memset(&reference, 0, sizeof(reference));
    memset(may_be_orphan, 0, sizeof(may_be_orphan));
    is_stopping = false;
    mark = 0;
    guard_init();
    world_after(NULL, 0, act, NULL);
}

void workload_stop(void)
{
    is_stopping = true;
}

bool workload_is_over(void)
{
    for (int i = 0; i < CLIENTS; i++)
        if (clients[i].call)
            return false;
    return is_stopping;
}

void workload_done(void)
{
    for (int i = 0; i < CLIENTS; i++)
        if (clients[i].call)
            http_call_free(clients[i].call);
}

const struct reference *workload_reference(void)
{
    return &reference;
}

bool workload_may_be_orphan(int definition, int node)
{
    return may_be_orphan[definition][node];
}

void workload_note_orphan(int definition, int node)
{
    may_be_orphan[definition][node] = true;
}
