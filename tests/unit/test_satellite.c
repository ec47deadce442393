/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A whole satellite in this process, on real files and loop devices, with a controller at the other end of a real link.
 * This program is the satellite's worker, too. Needs root and loop devices; without them it is skipped by name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/text.h"
#include "drivers/loop_device.h"
#include "drivers/run.h"
#include "model/want.h"
#include "net/link.h"
#include "roles/satellite/satellite.h"

enum { LIMIT_MS = 20000 };

struct controller {
    struct world *world;
    struct link *link;
    struct link_hello peer;
    struct held held;
    bool was_refused, was_held;
    char reason[256];
    LIST_OF(struct report) reports;
};

struct world {
    struct loop *loop;
    struct runner *runner;
    struct satellite *satellite;
    struct timer *look, *deadline;
    bool (*is_reached)(struct world *world);
    bool is_late;
    struct arena arena;
    struct controller controller;
    char directory[64], data[96];
    const char *name; /* what the predicates are about */
    int64_t generation, token;
    int workers; /* at most; 0: the default */
    int kills;
};

/* The newest fact about a resource, or NULL. */
static const struct resource_fact *seen(const struct world *world, const char *name)
{
    for (uint32_t i = world->controller.reports.count; i-- > 0;) {
        const struct report *report = &world->controller.reports.at[i];

        for (uint32_t r = 0; r < report->resources.count; r++)
            if (strcmp(report->resources.at[r].resource, name) == 0)
                return &report->resources.at[r];
    }
    return NULL;
}

static const struct pool_fact *seen_pool(const struct world *world, const char *name)
{
    for (uint32_t i = world->controller.reports.count; i-- > 0;) {
        const struct report *report = &world->controller.reports.at[i];

        for (uint32_t p = 0; p < report->pools.count; p++)
            if (strcmp(report->pools.at[p].pool, name) == 0)
                return &report->pools.at[p];
    }
    return NULL;
}

static const struct report *seen_orphans(const struct world *world)
{
    for (uint32_t i = world->controller.reports.count; i-- > 0;)
        if (world->controller.reports.at[i].orphans_complete)
            return &world->controller.reports.at[i];
    return NULL;
}

static void on_up(void *owner, const struct link_hello *peer, int protocol)
{
    struct controller *controller = owner;

    assert_int_equal(protocol, 1);
    memset(&controller->peer, 0, sizeof(controller->peer));
    field_copy(&link_hello_schema, &controller->peer, peer, &controller->world->arena);
}

static void on_message(void *owner, const char *type, const cJSON *body)
{
    struct controller *controller = owner;
    struct field_error error;

    if (strcmp(type, "held") == 0) {
        memset(&controller->held, 0, sizeof(controller->held));
        assert_int_equal(field_decode(&held_schema, &controller->held, body, &controller->world->arena, &error), 0);
        controller->was_held = true;
    } else {
        assert_string_equal(type, "report");
        assert_int_equal(field_decode(&report_schema, LIST_ADD(&controller->reports, &controller->world->arena), body,
                                      &controller->world->arena, &error),
                         0);
    }
}

static void on_down(void *owner, const char *why)
{
    struct controller *controller = owner;

    controller->was_refused = true;
    snprintf(controller->reason, sizeof(controller->reason), "%s", why);
}

static const struct link_events controller_events = { .on_up = on_up, .on_message = on_message, .on_down = on_down };

static void look(void *owner)
{
    struct world *world = owner;

    if (world->is_reached(world))
        loop_stop(world->loop);
}

static void too_late(void *owner)
{
    struct world *world = owner;

    world->is_late = true;
    loop_stop(world->loop);
}

/* What the controller heard, for whoever reads the log of a failure. */
static void print_reports(const struct world *world)
{
    struct buf text = { 0 };

    for (uint32_t i = 0; i < world->controller.reports.count; i++) {
        struct json_writer writer = { .out = &text };

        field_encode(&report_schema, &world->controller.reports.at[i], FIELD_LINK, &writer);
        buf_add_char(&text, '\n');
    }
    fprintf(stderr, "%s", buf_text(&text));
    buf_done(&text);
}

static bool wait_quietly(struct world *world, bool (*is_reached)(struct world *world), int64_t limit_ms)
{
    world->is_reached = is_reached;
    world->is_late = false;
    timer_start(world->look, 0, 2);
    timer_start(world->deadline, limit_ms, 0);
    loop_run(world->loop);
    timer_stop(world->look);
    timer_stop(world->deadline);
    return !world->is_late;
}

static void wait_until(struct world *world, bool (*is_reached)(struct world *world))
{
    bool reached = wait_quietly(world, is_reached, LIMIT_MS);

    if (!reached)
        print_reports(world);
    assert_true(reached);
}

static bool listens(struct world *world)
{
    return satellite_port(world->satellite) > 0;
}

static bool is_connected(struct world *world)
{
    return world->controller.was_held;
}

static void start_satellite(struct world *world)
{
    struct satellite_options options = {
        .name = "alpha", .data_dir = world->data, .bind_address = "127.0.0.1", .port = 0
    };

    world->runner = runner_new(world->loop, &(struct run_options){ .workers = world->workers });
    world->satellite = satellite_new(world->loop, world->runner, &options);
    wait_until(world, listens);
}

static void stop_satellite(struct world *world)
{
    link_free(world->controller.link);
    world->controller.link = NULL;
    satellite_free(world->satellite);
    runner_free(world->runner);
}

static struct link *dial(struct world *world, struct controller *controller, const char *cluster, const char *node)
{
    struct link_hello hello = { .protocol_min = LINK_PROTOCOL_MIN, .protocol_max = LINK_PROTOCOL_MAX };

    hello.version = arena_strdup(&world->arena, "1");
    hello.cluster = arena_strdup(&world->arena, cluster);
    hello.node = arena_strdup(&world->arena, node);
    controller->world = world;
    controller->link =
        link_dial(world->loop, "127.0.0.1", satellite_port(world->satellite), &hello, &controller_events, controller);
    return controller->link;
}

static void connect_controller(struct world *world)
{
    world->controller = (struct controller){ 0 };
    dial(world, &world->controller, "cluster-one", "alpha");
    wait_until(world, is_connected);
}

static void world_init_workers(struct world *world, int workers)
{
    memset(world, 0, sizeof(*world));
    world->workers = workers;
    world->loop = loop_new();
    world->look = timer_new(world->loop, look, world);
    world->deadline = timer_new(world->loop, too_late, world);
    strcpy(world->directory, "/tmp/test_satellite.XXXXXX");
    assert_non_null(mkdtemp(world->directory));
    snprintf(world->data, sizeof(world->data), "%s/data", world->directory);
    assert_int_equal(mkdir(world->data, 0700), 0);
    start_satellite(world);
    connect_controller(world);
}

static void world_init(struct world *world)
{
    world_init_workers(world, 0);
}

static int count_devices(const struct world *world)
{
    struct loop_table table;
    int count = 0;

    assert_int_equal(loop_table_read(&table), 0);
    for (size_t i = 0; i < table.count; i++)
        count += text_starts_with(table.at[i].path, world->directory);
    loop_table_done(&table);
    return count;
}

/* Takes away what a test left, so that a failure does not use up the machine. */
static void clean(const struct world *world)
{
    struct loop_table table;
    char command[128];

    assert_int_equal(loop_table_read(&table), 0);
    for (size_t i = 0; i < table.count; i++)
        if (text_starts_with(table.at[i].path, world->directory))
            assert_int_equal(loop_device_detach(table.at[i].name, table.at[i].path), 0);
    loop_table_done(&table);
    snprintf(command, sizeof(command), "rm -r %s", world->directory);
    assert_int_equal(system(command), 0);
}

static void world_done(struct world *world)
{
    stop_satellite(world);
    timer_free(world->look);
    timer_free(world->deadline);
    loop_free(world->loop);
    arena_done(&world->arena);
    clean(world);
}

static struct pool_want *add_pool(struct world *world, struct wants *wants, const char *provider)
{
    struct pool_want *pool = LIST_ADD(&wants->pools, &world->arena);
    const char *directory;

    pool->pool = arena_strdup(&world->arena, provider);
    pool->provider = arena_strdup(&world->arena, provider);
    pool->uuid = arena_strdup(&world->arena, "u");
    pool->generation = 1;
    directory = arena_printf(&world->arena, "%s/%s", world->directory, provider);
    assert_int_equal(text_make_directories(directory, 0755), 0);
    text_map_set(&pool->props, "StorDriver/StorPoolName", directory, &world->arena);
    return pool;
}

static struct resource_want *add_resource(struct world *world, struct wants *wants, const char *name, const char *pool,
                                          int64_t size_kib, int64_t generation)
{
    struct resource_want *resource = LIST_ADD(&wants->resources, &world->arena);
    struct volume_want *volume = LIST_ADD(&resource->volumes, &world->arena);

    resource->resource = arena_strdup(&world->arena, name);
    resource->generation = generation;
    text_list_add(&resource->layers, "STORAGE", &world->arena);
    volume->pool = arena_strdup(&world->arena, pool);
    volume->size_kib = size_kib;
    return resource;
}

static void send_wants(struct world *world, const struct wants *wants)
{
    link_send(world->controller.link, "wants", &wants_schema, wants);
}

static bool resource_is_applied(struct world *world)
{
    const struct resource_fact *fact = seen(world, world->name);

    return fact && fact->generation == world->generation && fact->applied;
}

static bool resource_has_trouble(struct world *world)
{
    const struct resource_fact *fact = seen(world, world->name);

    return fact && fact->generation == world->generation && fact->trouble;
}

static void wait_for_resource(struct world *world, const char *name, int64_t generation,
                              bool (*is_reached)(struct world *world))
{
    world->name = name;
    world->generation = generation;
    wait_until(world, is_reached);
}

static void create(struct world *world, const char *name, const char *provider, int64_t size_kib, int64_t generation)
{
    struct wants wants = { .complete = true };

    add_pool(world, &wants, provider);
    add_resource(world, &wants, name, provider, size_kib, generation);
    send_wants(world, &wants);
    wait_for_resource(world, name, generation, resource_is_applied);
}

static void remove_resource(struct world *world, const char *name, const char *provider, int64_t generation)
{
    struct wants wants = { .complete = true };
    struct resource_want *want = add_resource(world, &wants, name, provider, 1024, generation);

    want->remove = true;
    want->authority = arena_strdup(&world->arena, "request 7 of admin");
    send_wants(world, &wants);
    wait_for_resource(world, name, generation, resource_is_applied);
    assert_true(seen(world, name)->gone);
}

static int64_t size_of_device(const char *path)
{
    int device = open(path, O_RDONLY | O_CLOEXEC);
    int64_t size;

    assert_true(device >= 0);
    size = lseek(device, 0, SEEK_END);
    close(device);
    return size;
}

static void write_device(const char *path, int64_t offset, const char *text)
{
    int device = open(path, O_RDWR | O_CLOEXEC);

    assert_true(device >= 0);
    assert_int_equal(pwrite(device, text, strlen(text), offset), strlen(text));
    assert_int_equal(fsync(device), 0);
    close(device);
}

static void check_device(const char *path, int64_t offset, const char *text)
{
    char found[64] = "";
    int device = open(path, O_RDONLY | O_CLOEXEC);

    assert_true(device >= 0);
    assert_int_equal(pread(device, found, strlen(text), offset), strlen(text));
    close(device);
    assert_string_equal(found, text);
}

static char *path_in(struct world *world, const char *provider, const char *file)
{
    return arena_printf(&world->arena, "%s/%s/%s", world->directory, provider, file);
}

static void test_hello(void **state)
{
    struct world world;
    const struct link_hello *hello = &world.controller.peer;

    (void)state;
    world_init(&world);
    assert_string_equal(hello->node, "alpha");
    assert_true(text_list_has(&hello->providers, "FILE"));
    assert_true(text_list_has(&hello->providers, "FILE_THIN"));
    assert_true(text_list_has(&hello->providers, "DISKLESS"));
    assert_true(text_list_has(&hello->layers, "STORAGE"));
    assert_non_null(text_map_find(&hello->unsupported, "LVM"));
    assert_non_null(text_map_find(&hello->unsupported, "DRBD"));
    assert_null(text_map_find(&hello->unsupported, "FILE"));
    assert_int_equal(world.controller.held.pools.count, 0);
    world_done(&world);
}

static void check_life(const char *provider, bool is_thick)
{
    struct world world;
    const struct resource_fact *fact;
    const struct pool_fact *pool;
    struct stat file;
    char *device;

    world_init(&world);
    create(&world, "db", provider, 4096, 1);
    fact = seen(&world, "db");
    assert_int_equal(fact->volumes.count, 1);
    assert_string_equal(fact->volumes.at[0].backing, path_in(&world, provider, "db_00000.img"));
    assert_string_equal(fact->volumes.at[0].state, "Created");
    assert_int_equal(fact->volumes.at[0].usable_kib, 4096);
    assert_null(fact->trouble);
    pool = seen_pool(&world, provider);
    assert_true(pool->applied);
    assert_true(pool->total_kib.has && pool->total_kib.value > 0);
    assert_true(pool->free_kib.has);
    device = arena_strdup(&world.arena, fact->volumes.at[0].device_path);
    assert_int_equal(size_of_device(device), 4096 * 1024);
    assert_int_equal(stat(fact->volumes.at[0].backing, &file), 0);
    assert_int_equal(file.st_blocks * 512 >= 4096 * 1024, is_thick);
    write_device(device, 1024 * 1024, "precious");

    create(&world, "db", provider, 8192, 2);
    fact = seen(&world, "db");
    assert_string_equal(fact->volumes.at[0].device_path, device);
    assert_int_equal(fact->volumes.at[0].usable_kib, 8192);
    assert_int_equal(size_of_device(device), 8192 * 1024);
    check_device(device, 1024 * 1024, "precious");

    remove_resource(&world, "db", provider, 3);
    assert_int_equal(count_devices(&world), 0);
    assert_int_equal(stat(path_in(&world, provider, "db_00000.img"), &file), -1);
    /* Again: there is nothing left, and the controller hears it again. */
    remove_resource(&world, "db", provider, 4);
    world_done(&world);
}

static void test_life_of_thin_volume(void **state)
{
    (void)state;
    check_life("FILE_THIN", false);
}

static void test_life_of_thick_volume(void **state)
{
    (void)state;
    check_life("FILE", true);
}

static void test_restart_adopts(void **state)
{
    struct world world;
    char *device;

    (void)state;
    world_init(&world);
    create(&world, "db", "FILE_THIN", 4096, 1);
    device = arena_strdup(&world.arena, seen(&world, "db")->volumes.at[0].device_path);
    write_device(device, 1024 * 1024, "precious");
    stop_satellite(&world);
    start_satellite(&world);
    connect_controller(&world);
    assert_string_equal(world.controller.peer.cluster, "cluster-one");
    create(&world, "db", "FILE_THIN", 4096, 1);
    assert_string_equal(seen(&world, "db")->volumes.at[0].device_path, device);
    assert_int_equal(count_devices(&world), 1);

    /* As after a reboot: the files are there, the devices are not. */
    stop_satellite(&world);
    assert_int_equal(loop_device_detach(device, path_in(&world, "FILE_THIN", "db_00000.img")), 0);
    start_satellite(&world);
    connect_controller(&world);
    create(&world, "db", "FILE_THIN", 4096, 1);
    check_device(seen(&world, "db")->volumes.at[0].device_path, 1024 * 1024, "precious");
    assert_int_equal(count_devices(&world), 1);
    world_done(&world);
}

static void test_reconnect_tells_everything_again(void **state)
{
    struct world world;

    (void)state;
    world_init(&world);
    create(&world, "db", "FILE_THIN", 4096, 7);
    link_free(world.controller.link);
    connect_controller(&world);
    assert_int_equal(world.controller.held.resources.count, 1);
    assert_string_equal(world.controller.held.resources.at[0].name, "db");
    assert_int_equal(world.controller.held.resources.at[0].generation, 7);
    assert_int_equal(world.controller.held.pools.count, 1);
    wait_for_resource(&world, "db", 7, resource_is_applied);
    assert_non_null(seen_pool(&world, "FILE_THIN"));
    world_done(&world);
}

static bool orphan_is_seen(struct world *world)
{
    const struct report *report = seen_orphans(world);

    return report && report->orphans.count == 1;
}

static bool orphans_are_over(struct world *world)
{
    const struct report *report = seen_orphans(world);

    return report && report->orphans.count == 0;
}

static void test_orphans_are_told_and_left_alone(void **state)
{
    struct world world;
    struct wants wants = { .complete = true };
    struct stat file;

    (void)state;
    world_init(&world);
    create(&world, "db", "FILE_THIN", 4096, 1);
    text_list_add(&wants.forget, "db", &world.arena);
    send_wants(&world, &wants);
    wait_until(&world, orphan_is_seen);
    assert_string_equal(seen_orphans(&world)->orphans.at[0].identifier, "db_00000");
    assert_string_equal(seen_orphans(&world)->orphans.at[0].pool, "FILE_THIN");
    assert_int_equal(seen_orphans(&world)->orphans.at[0].size_kib, 4096);
    assert_non_null(seen_orphans(&world)->orphans.at[0].device_path);
    assert_int_equal(stat(path_in(&world, "FILE_THIN", "db_00000.img"), &file), 0);
    /* What is wanted again is no orphan any more. */
    create(&world, "db", "FILE_THIN", 4096, 2);
    wait_until(&world, orphans_are_over);
    world_done(&world);
}

static void test_what_is_refused_says_so(void **state)
{
    struct world world;
    struct wants wants = { .complete = true };
    struct resource_want *want;
    const struct resource_fact *fact;
    struct stat file;

    (void)state;
    world_init(&world);
    create(&world, "db", "FILE_THIN", 4096, 1);
    add_pool(&world, &wants, "LVM");
    want = add_resource(&world, &wants, "replicated", "FILE_THIN", 4096, 2);
    want->layers.count = 0;
    text_list_add(&want->layers, "DRBD", &world.arena);
    text_list_add(&want->layers, "STORAGE", &world.arena);
    add_resource(&world, &wants, "on_lvm", "LVM", 4096, 3);
    add_resource(&world, &wants, "db", "FILE_THIN", 4096, 4)->remove = true;
    add_resource(&world, &wants, "../escape", "FILE_THIN", 4096, 5);
    add_resource(&world, &wants, "poolless", "nowhere", 4096, 6);
    send_wants(&world, &wants);
    wait_for_resource(&world, "replicated", 2, resource_has_trouble);
    assert_non_null(strstr(seen(&world, "replicated")->trouble->cause, "DRBD"));
    wait_for_resource(&world, "on_lvm", 3, resource_has_trouble);
    assert_non_null(strstr(seen(&world, "on_lvm")->trouble->cause, "LVM"));
    wait_for_resource(&world, "db", 4, resource_has_trouble);
    fact = seen(&world, "db");
    assert_false(fact->gone);
    assert_true(fact->trouble->attempts >= 1);
    assert_true(fact->trouble->retry_in_ms > 0);
    assert_int_equal(stat(path_in(&world, "FILE_THIN", "db_00000.img"), &file), 0);
    wait_for_resource(&world, "../escape", 5, resource_has_trouble);
    wait_for_resource(&world, "poolless", 6, resource_has_trouble);
    assert_non_null(seen_pool(&world, "LVM")->trouble);
    assert_false(seen_pool(&world, "LVM")->applied);
    /* What could never be made can be removed. */
    wants = (struct wants){ 0 };
    want = add_resource(&world, &wants, "replicated", "FILE_THIN", 4096, 12);
    want->layers.count = 0;
    text_list_add(&want->layers, "DRBD", &world.arena);
    text_list_add(&want->layers, "STORAGE", &world.arena);
    want->remove = true;
    want->authority = arena_strdup(&world.arena, "request 8");
    send_wants(&world, &wants);
    wait_for_resource(&world, "replicated", 12, resource_is_applied);
    remove_resource(&world, "on_lvm", "LVM", 13);
    world_done(&world);
}

static bool pool_has_trouble(struct world *world)
{
    const struct pool_fact *fact = seen_pool(world, world->name);

    return fact && fact->trouble;
}

/* The directory appears later: pool and resource come by themselves. */
static void test_pool_is_retried(void **state)
{
    struct world world;
    struct wants wants = { .complete = true };
    struct pool_want *pool;

    (void)state;
    world_init(&world);
    pool = add_pool(&world, &wants, "FILE_THIN");
    text_map_set(&pool->props, "StorDriver/StorPoolName", path_in(&world, "later", "pool"), &world.arena);
    add_resource(&world, &wants, "db", "FILE_THIN", 4096, 1);
    send_wants(&world, &wants);
    world.name = "FILE_THIN";
    wait_until(&world, pool_has_trouble);
    assert_non_null(strstr(seen_pool(&world, "FILE_THIN")->trouble->cause, "does not exist"));
    wait_for_resource(&world, "db", 1, resource_has_trouble);
    assert_int_equal(text_make_directories(path_in(&world, "later", "pool"), 0700), 0);
    wait_for_resource(&world, "db", 1, resource_is_applied);
    assert_true(seen_pool(&world, "FILE_THIN")->applied);
    assert_null(seen_pool(&world, "FILE_THIN")->trouble);
    world_done(&world);
}

static void test_relative_pool_is_refused(void **state)
{
    struct world world;
    struct wants wants = { .complete = true };

    (void)state;
    world_init(&world);
    text_map_set(&add_pool(&world, &wants, "FILE_THIN")->props, "StorDriver/StorPoolName", "relative", &world.arena);
    add_resource(&world, &wants, "db", "FILE_THIN", 4096, 1);
    send_wants(&world, &wants);
    wait_for_resource(&world, "db", 1, resource_has_trouble);
    assert_non_null(strstr(seen_pool(&world, "FILE_THIN")->trouble->cause, "absolute"));
    remove_resource(&world, "db", "FILE_THIN", 2);
    world_done(&world);
}

static void test_device_in_use_is_not_removed(void **state)
{
    struct world world;
    struct wants wants = { 0 };
    struct resource_want *want;
    int holder;
    char *device;

    (void)state;
    world_init(&world);
    create(&world, "db", "FILE_THIN", 4096, 1);
    device = arena_strdup(&world.arena, seen(&world, "db")->volumes.at[0].device_path);
    write_device(device, 0, "mounted");
    holder = open(device, O_RDWR | O_EXCL | O_CLOEXEC); /* as a mount does */
    assert_true(holder >= 0);
    want = add_resource(&world, &wants, "db", "FILE_THIN", 4096, 2);
    want->remove = true;
    want->authority = arena_strdup(&world.arena, "request 9");
    send_wants(&world, &wants);
    wait_for_resource(&world, "db", 2, resource_has_trouble);
    assert_non_null(strstr(seen(&world, "db")->trouble->cause, "in use"));
    check_device(device, 0, "mounted");
    close(holder);
    wait_for_resource(&world, "db", 2, resource_is_applied);
    assert_true(seen(&world, "db")->gone);
    assert_int_equal(count_devices(&world), 0);
    world_done(&world);
}

static void test_one_volume_of_two_is_removed(void **state)
{
    struct world world;
    struct wants wants = { .complete = true };
    struct resource_want *want;
    struct volume_want *second;
    struct stat file;

    (void)state;
    world_init(&world);
    add_pool(&world, &wants, "FILE_THIN");
    want = add_resource(&world, &wants, "db", "FILE_THIN", 4096, 1);
    second = LIST_ADD(&want->volumes, &world.arena);
    *second = (struct volume_want){ .number = 3, .pool = want->volumes.at[0].pool, .size_kib = 1024 };
    send_wants(&world, &wants);
    wait_for_resource(&world, "db", 1, resource_is_applied);
    assert_int_equal(seen(&world, "db")->volumes.count, 2);
    assert_int_equal(count_devices(&world), 2);
    want->generation = 2;
    want->volumes.at[1].remove = true;
    want->authority = arena_strdup(&world.arena, "request 10");
    send_wants(&world, &wants);
    wait_for_resource(&world, "db", 2, resource_is_applied);
    assert_false(seen(&world, "db")->gone);
    assert_int_equal(seen(&world, "db")->volumes.count, 1);
    assert_int_equal(count_devices(&world), 1);
    assert_int_equal(stat(path_in(&world, "FILE_THIN", "db_00003.img"), &file), -1);
    world_done(&world);
}

static bool token_is_answered(struct world *world)
{
    for (uint32_t i = 0; i < world->controller.reports.count; i++)
        if (world->controller.reports.at[i].token == world->token)
            return true;
    return false;
}

static void refresh(struct world *world, int64_t token)
{
    struct refresh refresh = { .token = token };

    world->token = token;
    link_send(world->controller.link, "refresh", &refresh_schema, &refresh);
    wait_until(world, token_is_answered);
}

static bool device_is_back(struct world *world)
{
    const struct resource_fact *fact = seen(world, "db");

    return fact->applied && count_devices(world) == 1;
}

static void test_what_changed_behind_us_is_seen(void **state)
{
    struct world world;
    char *path, *away;

    (void)state;
    world_init(&world);
    refresh(&world, 5);
    create(&world, "db", "FILE_THIN", 4096, 1);
    path = path_in(&world, "FILE_THIN", "db_00000.img");
    away = path_in(&world, "FILE_THIN", "away");
    assert_int_equal(loop_device_detach(seen(&world, "db")->volumes.at[0].device_path, path), 0);
    refresh(&world, 6);
    wait_until(&world, device_is_back);
    /* A file that vanished is not made anew, empty: its disk may just not be mounted. */
    assert_int_equal(loop_device_detach(seen(&world, "db")->volumes.at[0].device_path, path), 0);
    assert_int_equal(rename(path, away), 0);
    refresh(&world, 7);
    wait_for_resource(&world, "db", 1, resource_has_trouble);
    assert_non_null(strstr(seen(&world, "db")->trouble->message, "vanished"));
    assert_int_equal(rename(away, path), 0);
    refresh(&world, 8);
    wait_for_resource(&world, "db", 1, resource_is_applied);
    assert_int_equal(count_devices(&world), 1);
    world_done(&world);
}

static bool is_never_reached(struct world *world)
{
    (void)world;
    return false;
}

static struct controller other;

static bool other_is_refused(struct world *world)
{
    (void)world;
    return other.was_refused;
}

static bool other_is_connected(struct world *world)
{
    (void)world;
    return other.was_held;
}

static void test_one_controller_at_a_time(void **state)
{
    struct world world;

    (void)state;
    world_init(&world);
    other = (struct controller){ 0 };
    dial(&world, &other, "cluster-two", "alpha");
    wait_until(&world, other_is_refused);
    assert_non_null(strstr(other.reason, "cluster-one"));
    assert_true(link_is_up(world.controller.link));
    link_free(other.link);

    other = (struct controller){ 0 };
    dial(&world, &other, "cluster-one", "bravo");
    wait_until(&world, other_is_refused);
    assert_non_null(strstr(other.reason, "alpha"));
    link_free(other.link);

    /* The same cluster again: the newer connection is the one that counts. */
    other = (struct controller){ 0 };
    dial(&world, &other, "cluster-one", "alpha");
    wait_until(&world, other_is_connected);
    assert_true(link_is_up(other.link));
    link_free(other.link);
    world_done(&world);
}

/* kill -9 of workers in the middle of many creations: each resource is whole in the end, and nothing is there twice. */
static bool all_are_applied(struct world *world)
{
    char name[16];

    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "r%d", i);
        world->name = name;
        if (!resource_is_applied(world))
            return false;
    }
    return true;
}

static int worker_of_ours(void)
{
    char command[128], line[32] = "";
    FILE *children;

    snprintf(command, sizeof(command), "pgrep -r RSDT -P %d linstor-worker", (int)getpid());
    children = popen(command, "r");
    assert_non_null(children);
    if (!fgets(line, sizeof(line), children))
        line[0] = '\0';
    pclose(children);
    return atoi(line);
}

static void kill_a_worker(void *owner)
{
    struct world *world = owner;
    int worker = worker_of_ours();

    if (worker > 0 && kill(worker, SIGKILL) == 0)
        world->kills++;
}

static void test_workers_die_at_any_time(void **state)
{
    struct world world;
    struct wants wants = { .complete = true };
    struct timer *killer;
    char name[16];

    (void)state;
    log_set_level(LOG_ERROR);
    world_init(&world);
    killer = timer_new(world.loop, kill_a_worker, &world);
    timer_start(killer, 5, 15);
    add_pool(&world, &wants, "FILE_THIN");
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "r%d", i);
        add_resource(&world, &wants, name, "FILE_THIN", 1024, 1);
    }
    send_wants(&world, &wants);
    world.generation = 1;
    wait_quietly(&world, is_never_reached, 1000);
    timer_free(killer);
    wait_until(&world, all_are_applied);
    assert_int_equal(count_devices(&world), 40);

    killer = timer_new(world.loop, kill_a_worker, &world);
    timer_start(killer, 5, 15);
    for (uint32_t i = 0; i < wants.resources.count; i++) {
        wants.resources.at[i].generation = 2;
        wants.resources.at[i].remove = true;
        wants.resources.at[i].authority = arena_strdup(&world.arena, "request 11");
    }
    send_wants(&world, &wants);
    world.generation = 2;
    wait_quietly(&world, is_never_reached, 1000);
    timer_free(killer);
    wait_until(&world, all_are_applied);
    assert_int_equal(count_devices(&world), 0);
    assert_true(world.kills >= 4);
    log_set_level(LOG_INFO);
    world_done(&world);
}

/* Never two plans for the same resource: the one under way when it was forgotten is waited for. */
static void test_forgotten_and_wanted_again(void **state)
{
    struct world world;
    struct wants wants = { .complete = true }, forget = { 0 };
    int stopped;

    (void)state;
    world_init_workers(&world, 1);
    create(&world, "first", "FILE_THIN", 1024, 1);
    stopped = worker_of_ours();
    kill(stopped, SIGSTOP);
    add_resource(&world, &wants, "db", "FILE_THIN", 1024, 2);
    send_wants(&world, &wants);
    wait_quietly(&world, is_never_reached, 50);
    text_list_add(&forget.forget, "db", &world.arena);
    send_wants(&world, &forget);
    wants.resources.at[0].generation = 3;
    send_wants(&world, &wants);
    wait_quietly(&world, is_never_reached, 50);
    assert_int_equal(count_devices(&world), 1);
    kill(stopped, SIGCONT);
    wait_for_resource(&world, "db", 3, resource_is_applied);
    assert_int_equal(count_devices(&world), 2);
    world_done(&world);
}

/* Removals come first; afterwards a pool without room takes what did not fit before. */
static bool waits_are_over(struct world *world)
{
    return resource_is_applied(world);
}

static void test_full_pool(void **state)
{
    struct world world;
    struct wants wants = { .complete = true };
    struct resource_want *want;
    char command[256];
    char *directory;

    (void)state;
    world_init(&world);
    directory = path_in(&world, "FILE", "");
    assert_int_equal(mkdir(directory, 0700), 0);
    snprintf(command, sizeof(command), "mount -t tmpfs -o size=8m tmpfs %s", directory);
    if (system(command) != 0) {
        world_done(&world);
        skip();
    }
    create(&world, "first", "FILE", 6144, 1);
    add_resource(&world, &wants, "second", "FILE", 6144, 2);
    send_wants(&world, &wants);
    wait_for_resource(&world, "second", 2, resource_has_trouble);
    assert_non_null(strstr(seen(&world, "second")->trouble->message, "Storage pool 'FILE' has no room for 6144 KiB"));
    want = add_resource(&world, &wants, "first", "FILE", 6144, 3);
    want->remove = true;
    want->authority = arena_strdup(&world.arena, "request 12");
    wants.resources.at[0].generation = 3;
    send_wants(&world, &wants);
    wait_for_resource(&world, "second", 3, waits_are_over);
    assert_true(seen(&world, "first")->gone);
    assert_null(seen(&world, "second")->trouble);
    remove_resource(&world, "second", "FILE", 4);
    snprintf(command, sizeof(command), "umount %s", directory);
    assert_int_equal(system(command), 0);
    world_done(&world);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello),
        cmocka_unit_test(test_life_of_thin_volume),
        cmocka_unit_test(test_life_of_thick_volume),
        cmocka_unit_test(test_restart_adopts),
        cmocka_unit_test(test_reconnect_tells_everything_again),
        cmocka_unit_test(test_orphans_are_told_and_left_alone),
        cmocka_unit_test(test_what_is_refused_says_so),
        cmocka_unit_test(test_pool_is_retried),
        cmocka_unit_test(test_relative_pool_is_refused),
        cmocka_unit_test(test_device_in_use_is_not_removed),
        cmocka_unit_test(test_one_volume_of_two_is_removed),
        cmocka_unit_test(test_what_changed_behind_us_is_seen),
        cmocka_unit_test(test_one_controller_at_a_time),
        cmocka_unit_test(test_workers_die_at_any_time),
        cmocka_unit_test(test_forgotten_and_wanted_again),
        cmocka_unit_test(test_full_pool),
    };

    if (argc == 2 && strcmp(argv[1], "worker") == 0)
        return worker_main();
    signal(SIGPIPE, SIG_IGN);
    if (geteuid() != 0 || loop_device_check() != 0) {
        puts("skipped: satellite (needs root and /dev/loop-control)");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
