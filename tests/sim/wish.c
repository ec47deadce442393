/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wish.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cluster.h"
#include "workload.h"

enum { MARKS = 1000 };

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

/* Each returns false when there is nothing to do of that kind, as far as the clients know. */

static bool create_node(struct wish *wish)
{
    int at = any_node();

    if (workload_reference()->nodes[at].at == PRESENT)
        return false;
    set_target(wish, "POST", "/v1/nodes");
    set_body(wish,
             "{\"name\":\"%s\",\"type\":\"SATELLITE\",\"net_interfaces\":[{\"name\":\"default\",\"address\":\"%s\","
             "\"satellite_port\":%d,\"satellite_encryption_type\":\"PLAIN\"}]}",
             world.hosts[at].name, world.hosts[at].address, SATELLITE_PORT);
    touch_node(wish, at);
    wish->is_in_doubt = workload_reference()->nodes[at].at == LEAVING;
    wish->after.nodes[at] = (struct reference_node){ .at = PRESENT };
    return true;
}

static bool mark_node(struct wish *wish)
{
    int at = any_node();

    set_target(wish, "PUT", "/v1/nodes/%s", world.hosts[at].name);
    set_body(wish, "{\"override_props\":{\"Aux/sim\":\"%d\"}}", mark);
    touch_node(wish, at);
    wish->is_in_doubt = workload_reference()->nodes[at].at != PRESENT;
    wish->after.nodes[at].mark = mark;
    return true;
}

static void leave_node(struct wish *wish, int at)
{
    touch_node(wish, at);
    for (int i = 0; i < DEFINITIONS; i++) {
        if (workload_reference()->definitions[i].resources[at].at == ABSENT)
            continue;
        touch_definition(wish, i);
        wish->after.definitions[i].resources[at].at = LEAVING;
    }
    wish->after.nodes[at].at = LEAVING;
}

static bool delete_node(struct wish *wish)
{
    int at = any_node();

    if (workload_reference()->nodes[at].at != PRESENT || !chance_one_in(3))
        return false;
    set_target(wish, "DELETE", "/v1/nodes/%s", world.hosts[at].name);
    leave_node(wish, at);
    return true;
}

static bool lose_node(struct wish *wish)
{
    int at = any_node();

    if (workload_reference()->nodes[at].at == ABSENT || !chance_one_in(2))
        return false;
    set_target(wish, "DELETE", "/v1/nodes/%s/lost", world.hosts[at].name);
    leave_node(wish, at);
    wish->is_in_doubt = true;
    return true;
}

static bool create_pool(struct wish *wish)
{
    int at = any_node(), pool = (int)chance_between(0, POOLS - 1);

    if (workload_reference()->nodes[at].at != PRESENT || workload_reference()->nodes[at].pools[pool].at == PRESENT)
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

    if (workload_reference()->nodes[at].at != PRESENT || workload_reference()->nodes[at].pools[pool].at != PRESENT)
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

    if (workload_reference()->nodes[at].pools[pool].at != PRESENT || !chance_one_in(3))
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

    if (workload_reference()->definitions[at].at == PRESENT)
        return false;
    set_target(wish, "POST", "/v1/resource-definitions");
    set_body(wish,
             "{\"resource_definition\":{\"name\":\"%s\",\"props\":{\"StorPoolName\":\"%s\"},\"layer_data\":[%s{"
             "\"type\":\"STORAGE\"}]}}",
             definition_name(at), pool_name(at % POOLS), is_drbd ? "{\"type\":\"DRBD\"}," : "");
    touch_definition(wish, at);
    wish->is_in_doubt = workload_reference()->definitions[at].at == LEAVING;
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
    wish->is_in_doubt = workload_reference()->definitions[at].at != PRESENT;
    wish->after.definitions[at].mark = mark;
    return true;
}

static bool delete_definition(struct wish *wish)
{
    int at = any_definition();

    if (workload_reference()->definitions[at].at == ABSENT || !chance_one_in(2))
        return false;
    set_target(wish, "DELETE", "/v1/resource-definitions/%s", definition_name(at));
    touch_definition(wish, at);
    wish->after.definitions[at].at = LEAVING;
    return true;
}

static bool create_volume(struct wish *wish)
{
    int at = any_definition(), number = (int)chance_between(0, VOLUMES - 1);
    const struct reference_definition *definition = &workload_reference()->definitions[at];
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
                            workload_reference()->nodes[i].pools[definition->pool].at != PRESENT;
    }
    wish->after.definitions[at].volumes[number] = (struct reference_volume){ PRESENT, size_kib };
    return true;
}

static bool resize_volume(struct wish *wish)
{
    int at = any_definition(), number = (int)chance_between(0, VOLUMES - 1);
    const struct reference_volume *volume = &workload_reference()->definitions[at].volumes[number];
    int64_t size_kib = volume->size_kib + chance_between(1, 5000);

    if (workload_reference()->definitions[at].at != PRESENT || volume->at != PRESENT)
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

    if (workload_reference()->definitions[at].at != PRESENT ||
        workload_reference()->definitions[at].volumes[number].at == ABSENT)
        return false;
    set_target(wish, "DELETE", "/v1/resource-definitions/%s/volume-definitions/%d", definition_name(at), number);
    touch_definition(wish, at);
    wish->after.definitions[at].volumes[number].at = LEAVING;
    return true;
}

static bool create_resource(struct wish *wish)
{
    int at = any_definition(), node = any_node();
    const struct reference_definition *definition = &workload_reference()->definitions[at];

    if (definition->at != PRESENT || definition->is_drbd || definition->resources[node].at == PRESENT ||
        workload_reference()->nodes[node].at != PRESENT)
        return false;
    set_target(wish, "POST", "/v1/resource-definitions/%s/resources/%s", definition_name(at), world.hosts[node].name);
    set_body(wish, "{\"resource\":{}}");
    touch_definition(wish, at);
    touch_node(wish, node);
    wish->is_in_doubt = definition->resources[node].at == LEAVING ||
                        workload_reference()->nodes[node].pools[definition->pool].at != PRESENT;
    for (int i = 0; i < VOLUMES; i++)
        wish->is_in_doubt = wish->is_in_doubt || definition->volumes[i].at == LEAVING;
    wish->after.definitions[at].resources[node] = (struct reference_resource){ .at = PRESENT };
    return true;
}

static bool mark_resource(struct wish *wish)
{
    int at = any_definition(), node = any_node();

    if (workload_reference()->definitions[at].at != PRESENT ||
        workload_reference()->definitions[at].resources[node].at == ABSENT)
        return false;
    set_target(wish, "PUT", "/v1/resource-definitions/%s/resources/%s", definition_name(at), world.hosts[node].name);
    set_body(wish, "{\"override_props\":{\"Aux/sim\":\"%d\"}}", mark);
    touch_definition(wish, at);
    wish->is_in_doubt = workload_reference()->definitions[at].resources[node].at == LEAVING;
    wish->after.definitions[at].resources[node].mark = mark;
    return true;
}

static bool delete_resource(struct wish *wish)
{
    int at = any_definition(), node = any_node();

    if (workload_reference()->definitions[at].resources[node].at == ABSENT ||
        workload_reference()->definitions[at].at != PRESENT)
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
        if (workload_reference()->nodes[i].at == PRESENT &&
            wish->after.definitions[definition].resources[i].at != PRESENT)
            wish->after.definitions[definition].resources[i].at = OPTIONAL;
    }
}

static bool autoplace(struct wish *wish)
{
    int at = any_definition(), place_count = (int)chance_between(1, 3);

    if (workload_reference()->definitions[at].at != PRESENT || workload_reference()->definitions[at].is_drbd)
        return false;
    set_target(wish, "POST", "/v1/resource-definitions/%s/autoplace", definition_name(at));
    set_body(wish, "{\"select_filter\":{\"place_count\":%d,\"storage_pool_list\":[\"%s\"]}}", place_count,
             pool_name(workload_reference()->definitions[at].pool));
    touch_definition(wish, at);
    choose_nodes(wish, at, 0);
    return true;
}

static bool spawn(struct wish *wish)
{
    int at = any_definition(), place_count = (int)chance_between(1, 3);
    int64_t size_kib = chance_between(1, 100000);

    if (workload_reference()->definitions[at].at != ABSENT || at == DEFINITIONS - 1)
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

    if (!workload_may_be_orphan(at, node) || workload_reference()->definitions[at].resources[node].at != ABSENT ||
        workload_reference()->nodes[node].at != PRESENT)
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

bool wish_make(struct wish *wish)
{
    int64_t total = 0, chosen;
    size_t at = 0;

    for (size_t i = 0; i < ARRAY_SIZE(wishes); i++)
        total += wishes[i].weight;
    for (chosen = chance_between(0, total - 1); chosen >= wishes[at].weight; at++)
        chosen -= wishes[at].weight;
    mark = mark % MARKS + 1;
    memset(wish, 0, sizeof(*wish));
    wish->after = *workload_reference();
    return wishes[at].make(wish);
}

void wish_start(void)
{
    mark = 0;
}
