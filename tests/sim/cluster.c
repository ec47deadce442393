/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster.h"

#include <stdlib.h>

#include "boot.h"
#include "http_sim.h"
#include "machine.h"
#include "roles/satellite/satellite.h"
#include "store_sim.h"

enum {
    WEATHER_MS = 500,
    PREDECESSOR_WAIT_MS = 10000, /* as the satellite's main function waits */
    PREDECESSOR_LOOK_MS = 50,
    REST_PORT = 3370,
};

struct process {
    struct loop *loop;
    struct service *service;
    struct runner *runner;
    struct satellite *satellite;
    struct event *start; /* it is down, and comes up then */
    int64_t waiting_since_ms;
};

static struct process processes[HOST_LIMIT];
static int incarnation;

static void start_controller(void *owner);
static void start_satellite(void *owner);

static void start_later(struct host *host, int64_t after_ms)
{
    struct process *process = &processes[host->index];

    process->waiting_since_ms = 0;
    process->start =
        world_after(NULL, after_ms, host->index == HOST_CONTROLLER ? start_controller : start_satellite, host);
}

static void start_controller(void *owner)
{
    struct host *host = owner;
    struct process *process = &processes[host->index];

    process->start = NULL;
    host->is_on = true;
    incarnation++;
    world.starting = host;
    process->loop = sim_loop_new(host);
    process->service = memory_alloc(sizeof(*process->service));
    world.running = process->loop;
    if (service_init(process->service, process->loop, service_open_store(process->loop, "/var/lib/linstor"), NULL,
                     "/var/lib/linstor", "::", REST_PORT) != 0) {
        world_note("the controller does not start");
        service_done(process->service);
        free(process->service);
        loop_free(process->loop);
        *process = (struct process){ 0 };
        start_later(host, chance_between(100, 3000));
    }
    world.starting = NULL;
}

static void start_satellite(void *owner)
{
    static const struct run_options run_options;
    struct host *host = owner;
    struct process *process = &processes[host->index];
    struct satellite_options options = { .name = host->name, .bind_address = "::", .port = SATELLITE_PORT };

    process->start = NULL;
    host->is_on = true;
    if (process->waiting_since_ms == 0)
        process->waiting_since_ms = world_now_ms();
    if (runners_count_orphans(host) > 0 && world_now_ms() - process->waiting_since_ms < PREDECESSOR_WAIT_MS) {
        process->start = world_after(NULL, PREDECESSOR_LOOK_MS, start_satellite, host);
        return;
    }
    world.starting = host;
    process->loop = sim_loop_new(host);
    world.running = process->loop;
    process->runner = runner_new(process->loop, &run_options);
    process->satellite = satellite_new(process->loop, process->runner, &options);
    world.starting = NULL;
}

/* Nothing of the process runs any more; its objects stay where they are. */
static void kill_process(struct host *host)
{
    struct process *process = &processes[host->index];

    sim_loop_kill(process->loop);
    if (host->index == HOST_CONTROLLER) {
        incarnation++;
        http_process_died();
        store_sim_process_died();
        world_bury(process->service);
    } else {
        runners_process_died(host);
        world_bury(process->satellite);
    }
    *process = (struct process){ 0 };
}

void cluster_crash(struct host *host)
{
    if (!processes[host->index].loop)
        return;
    world_note("%s crashes", host->name);
    kill_process(host);
    network_process_died(host);
    start_later(host, chance_one_in(2) ? 0 : chance_between(0, 8000));
}

static void mount_late(void *owner)
{
    machine_mount_all(owner);
}

static void cut_power(struct host *host)
{
    world_note("%s loses power", host->name);
    if (processes[host->index].loop)
        kill_process(host);
    world_cancel(processes[host->index].start);
    runners_power_lost(host);
    machine_power_lost(host);
    network_power_lost(host);
    host->is_on = false;
}

static void lose_power(struct host *host)
{
    cut_power(host);
    start_later(host, chance_between(1000, 30000));
    world_after(NULL, chance_between(1000, 60000), mount_late, host);
}

void cluster_lose_power(struct host *host, int64_t start_ms)
{
    cut_power(host);
    start_later(host, start_ms);
}

struct cut {
    int from, to;
};

static void mend(void *owner)
{
    struct cut *cut = owner;

    network_cut(cut->from, cut->to, false);
    free(cut);
}

static void cut_one(int from, int to, int64_t for_ms)
{
    struct cut *cut = memory_alloc(sizeof(*cut));

    *cut = (struct cut){ from, to };
    network_cut(from, to, true);
    world_after(NULL, for_ms, mend, cut);
}

static void cut_network(void)
{
    int satellite = (int)chance_between(1, world.satellites);
    int64_t for_ms = chance_between(100, 30000);
    bool one_way = chance_one_in(3), outwards = chance_one_in(2);

    world_note("%s is cut off for %lld ms%s", world.hosts[satellite].name, (long long)for_ms,
               one_way ? ", one way" : "");
    if (!one_way || outwards)
        cut_one(HOST_CONTROLLER, satellite, for_ms);
    if (!one_way || !outwards)
        cut_one(satellite, HOST_CONTROLLER, for_ms);
}

/* Some faults, again and again. */
static void weather(void *owner)
{
    (void)owner;
    if (world.is_quiet)
        return;
    if (fault_strikes(FAULT_CONTROLLER_CRASH, 40))
        cluster_crash(&world.hosts[HOST_CONTROLLER]);
    for (int i = 1; i <= world.satellites; i++) {
        struct host *host = &world.hosts[i];

        if (fault_strikes(FAULT_SATELLITE_CRASH, 60))
            cluster_crash(host);
        if (fault_strikes(FAULT_POWER_LOSS, 150))
            lose_power(host);
        if (fault_strikes(FAULT_DEVICE_BUSY, 40))
            machine_open_some(host);
        else if (chance_one_in(8))
            machine_close_all(host);
    }
    if (fault_strikes(FAULT_CONNECTION, 20))
        network_break_one();
    if (fault_strikes(FAULT_PARTITION, 40))
        cut_network();
    world_after(NULL, WEATHER_MS, weather, NULL);
}

void cluster_init(void)
{
    incarnation = 0;
    for (int i = 0; i <= world.satellites; i++)
        start_later(&world.hosts[i], chance_between(0, 50));
    world_after(NULL, WEATHER_MS, weather, NULL);
}

void cluster_end_faults(void)
{
    world_note("faults end");
    world.is_quiet = true;
    network_heal();
    for (int i = 0; i <= world.satellites; i++) {
        machine_close_all(&world.hosts[i]);
        machine_mount_all(&world.hosts[i]);
    }
}

void cluster_done(void)
{
    for (int i = world.satellites; i >= 0; i--) {
        struct process *process = &processes[i];

        if (!process->loop)
            continue;
        if (process->service) {
            service_done(process->service);
            free(process->service);
        } else {
            satellite_free(process->satellite);
            runner_free(process->runner);
        }
        loop_free(process->loop);
        *process = (struct process){ 0 };
    }
}

const char *cluster_boot(const struct host *host)
{
    const struct satellite *satellite = processes[host->index].satellite;

    return satellite ? boot_of(satellite) : NULL;
}

int cluster_incarnation(void)
{
    return incarnation;
}

struct service *cluster_service(void)
{
    return processes[HOST_CONTROLLER].service;
}

bool cluster_journal_is_idle(void)
{
    const struct service *service = cluster_service();

    return !service || journal_is_idle(service->journal);
}
