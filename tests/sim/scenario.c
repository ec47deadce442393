/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scenario.h"

#include <string.h>

#include "check.h"
#include "cluster.h"
#include "http_sim.h"
#include "machine.h"
#include "store_sim.h"
#include "workload.h"

enum { SETTLE_MS = 240000, ACTS = 12 };

/* What happens when: a request and the status of its answer, or something else to a satellite. */
struct act {
    int64_t at_ms;
    const char *method, *target, *body;
    int status;
    void (*happen)(struct host *host);
    int host;
};

struct scenario {
    const char *name, *what;
    int satellites;
    struct act acts[ACTS];
};

static void lose_power(struct host *host)
{
    cluster_lose_power(host, 5000);
}

static void slow_down_store(struct host *host)
{
    (void)host;
    store_sim_set_delay(40000);
}

/* clang-format off */
#define NODE(AT, NAME, ADDRESS)                                                                                       \
    { (AT), "POST", "/v1/nodes", "{\"name\":\"" NAME "\",\"type\":\"SATELLITE\",\"net_interfaces\":[{\"name\":"         \
      "\"default\",\"address\":\"" ADDRESS "\",\"satellite_port\":3366,\"satellite_encryption_type\":\"PLAIN\"}]}", 201 }
#define POOL(AT, NODE_NAME)                                                                                           \
    { (AT), "POST", "/v1/nodes/" NODE_NAME "/storage-pools", "{\"storage_pool_name\":\"thin\",\"provider_kind\":"      \
      "\"FILE_THIN\",\"props\":{\"StorDriver/StorPoolName\":\"/pools/thin\"}}", 201 }
#define DEFINITION(AT)                                                                                                \
    { (AT), "POST", "/v1/resource-definitions", "{\"resource_definition\":{\"name\":\"r0\",\"props\":{"                \
      "\"StorPoolName\":\"thin\"},\"layer_data\":[{\"type\":\"STORAGE\"}]}}", 201 }
#define VOLUME(AT, NUMBER, SIZE_KIB)                                                                                  \
    { (AT), "POST", "/v1/resource-definitions/r0/volume-definitions",                                                 \
      "{\"volume_definition\":{\"volume_number\":" NUMBER ",\"size_kib\":" SIZE_KIB "}}", 200 }
#define RESOURCE(AT, NODE_NAME)                                                                                       \
    { (AT), "POST", "/v1/resource-definitions/r0/resources/" NODE_NAME, "{\"resource\":{}}", 201 }
#define HAPPENS(AT, WHAT, HOST) { (AT), .happen = (WHAT), .host = (HOST) }

static const struct scenario scenarios[] = {
    { "forgotten-devices", "devices that a satellite had before its machine lost power are not taken for there", 1,
      { NODE(1000, "n1", "10.0.0.2"), POOL(5000, "n1"), DEFINITION(6000), VOLUME(7000, "0", "4096"),
        VOLUME(7500, "1", "8192"), RESOURCE(8000, "n1"), HAPPENS(15000, lose_power, 1) } },
    { "return-during-change", "nor are they while a change of their resource is being stored", 1,
      { NODE(1000, "n1", "10.0.0.2"), POOL(5000, "n1"), DEFINITION(6000), VOLUME(7000, "0", "4096"), RESOURCE(8000, "n1"),
        HAPPENS(14000, slow_down_store, 0), VOLUME(14100, "1", "8192"), HAPPENS(15000, lose_power, 1) } },
    { "return-during-note", "a resource, even without volumes, is wanted again when its first success was being stored", 1,
      { NODE(1000, "n1", "10.0.0.2"), POOL(5000, "n1"), DEFINITION(6000),
        HAPPENS(7500, slow_down_store, 0), RESOURCE(8000, "n1"), HAPPENS(50000, lose_power, 1) } },
    { "restarted-satellite", "a satellite that only restarts has its devices still", 1,
      { NODE(1000, "n1", "10.0.0.2"), POOL(5000, "n1"), DEFINITION(6000), VOLUME(7000, "0", "4096"),
        RESOURCE(8000, "n1"), HAPPENS(15000, cluster_crash, 1), VOLUME(15001, "1", "8192") } },
    { "restarted-controller", "a new controller learns what there is, and what was acknowledged is there", 2,
      { NODE(1000, "n1", "10.0.0.2"), NODE(1000, "n2", "10.0.0.3"), POOL(5000, "n1"), POOL(5000, "n2"), DEFINITION(6000),
        VOLUME(7000, "0", "4096"), RESOURCE(8000, "n1"), RESOURCE(8500, "n2"), HAPPENS(9000, cluster_crash, 0) } },
};
/* clang-format on */

static const struct scenario *running;
static size_t open_acts;

static void answered(void *owner, int status, const char *body)
{
    const struct act *act = owner;

    if (status != act->status)
        world_violation("%s: %s %s was answered with %d: %.300s", running->name, act->method, act->target, status,
                        body ? body : "");
    open_acts--;
}

static struct http_call *calls[ACTS];

static void happen(void *owner)
{
    struct act *act = owner;

    if (act->happen) {
        act->happen(&world.hosts[act->host]);
        open_acts--;
        return;
    }
    calls[act - running->acts] = http_call_new(act->method, act->target, act->body, answered, act);
}

static void step_until(int64_t end_ms)
{
    struct loop *loop;

    while (world_now_ms() < end_ms && world_step(&loop))
        check_always();
}

size_t scenario_count(void)
{
    return sizeof(scenarios) / sizeof(scenarios[0]);
}

const char *scenario_name(size_t index)
{
    return scenarios[index].name;
}

void scenario_run(size_t index, bool is_verbose, struct counts *counts)
{
    struct scenario scenario = scenarios[index];
    const char *why;
    int64_t end_ms;

    running = &scenario;
    world_init(1, is_verbose, counts);
    world.scenario = scenario.name;
    world.is_calm = true;
    world.enabled = 0;
    world.satellites = scenario.satellites;
    store_sim_init();
    machines_init();
    cluster_init();
    workload_stop();
    for (size_t i = 0; i < ACTS && scenario.acts[i].at_ms > 0; i++, open_acts++)
        world_after(NULL, scenario.acts[i].at_ms, happen, &scenario.acts[i]);
    end_ms = world_now_ms() + SETTLE_MS;
    step_until(end_ms);
    why = open_acts > 0 ? "not every request was answered" : check_settled(false);
    if (why)
        world_violation("%s: %s: %s", scenario.name, scenario.what, why);
    cluster_done();
    for (size_t i = 0; i < ACTS; i++)
        if (calls[i])
            http_call_free(calls[i]);
    network_done();
    runners_done();
    machines_done();
    store_sim_done();
    world_done();
    counts->seeds++;
}
