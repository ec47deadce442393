/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "satellite_world.h"
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "drivers/loop_device.h"

/* The newest fact about a resource, or NULL. */
const struct resource_fact *seen(const struct world *world, const char *name)
{
    for (uint32_t i = world->controller.reports.count; i-- > 0;) {
        const struct report *report = &world->controller.reports.at[i];

        for (uint32_t r = 0; r < report->resources.count; r++)
            if (strcmp(report->resources.at[r].resource, name) == 0)
                return &report->resources.at[r];
    }
    return NULL;
}

const struct pool_fact *seen_pool(const struct world *world, const char *name)
{
    for (uint32_t i = world->controller.reports.count; i-- > 0;) {
        const struct report *report = &world->controller.reports.at[i];

        for (uint32_t p = 0; p < report->pools.count; p++)
            if (strcmp(report->pools.at[p].pool, name) == 0)
                return &report->pools.at[p];
    }
    return NULL;
}

const struct report *seen_orphans(const struct world *world)
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

/* The parts of what is held are put together; more in one message than is agreed fails the test. */
static void receive_held(struct controller *controller, const struct link_body *body)
{
    struct held *all = &controller->held, part = { 0 };
    struct arena *arena = &controller->world->arena;
    struct field_error error;

    assert_int_equal(link_read(body, &held_schema, &part, arena, &error), 0);
    assert_true(part.pools.count + part.resources.count <= MESSAGE_ITEMS);
    for (uint32_t i = 0; i < part.pools.count; i++)
        *LIST_ADD(&all->pools, arena) = part.pools.at[i];
    for (uint32_t i = 0; i < part.resources.count; i++)
        *LIST_ADD(&all->resources, arena) = part.resources.at[i];
    controller->held_parts++;
    controller->was_held = part.complete;
}

static void on_message(void *owner, const char *type, const struct link_body *body)
{
    struct controller *controller = owner;
    struct report *report;
    struct field_error error;

    if (strcmp(type, "held") == 0) {
        receive_held(controller, body);
    } else {
        assert_string_equal(type, "report");
        report = LIST_ADD(&controller->reports, &controller->world->arena);
        assert_int_equal(link_read(body, &report_schema, report, &controller->world->arena, &error), 0);
        assert_true(report->pools.count + report->resources.count + report->orphans.count <= MESSAGE_ITEMS);
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

bool wait_quietly(struct world *world, bool (*is_reached)(struct world *world), int64_t limit_ms)
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

void wait_until(struct world *world, bool (*is_reached)(struct world *world))
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

void start_satellite(struct world *world)
{
    struct satellite_options options = {
        .name = "alpha", .data_dir = world->data, .bind_address = "127.0.0.1", .port = 0
    };

    world->runner = runner_new(world->loop, &(struct run_options){ .workers = world->workers });
    world->satellite = satellite_new(world->loop, world->runner, &options);
    wait_until(world, listens);
}

void stop_satellite(struct world *world)
{
    link_free(world->controller.link);
    world->controller.link = NULL;
    satellite_free(world->satellite);
    runner_free(world->runner);
}

struct link *dial(struct world *world, struct controller *controller, const char *cluster, const char *node)
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

void connect_controller(struct world *world)
{
    world->controller = (struct controller){ 0 };
    dial(world, &world->controller, "cluster-one", "alpha");
    wait_until(world, is_connected);
}

void world_init_workers(struct world *world, int workers)
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

void world_init(struct world *world)
{
    world_init_workers(world, 0);
}

int count_devices(const struct world *world)
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

void world_done(struct world *world)
{
    stop_satellite(world);
    timer_free(world->look);
    timer_free(world->deadline);
    loop_free(world->loop);
    arena_done(&world->arena);
    clean(world);
}

struct pool_want *add_pool(struct world *world, struct wants *wants, const char *provider)
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

struct resource_want *add_resource(struct world *world, struct wants *wants, const char *name, const char *pool,
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

void send_wants(struct world *world, const struct wants *wants)
{
    link_send(world->controller.link, "wants", &wants_schema, wants);
}

bool resource_is_applied(struct world *world)
{
    const struct resource_fact *fact = seen(world, world->name);

    return fact && fact->generation == world->generation && fact->applied;
}

bool resource_has_trouble(struct world *world)
{
    const struct resource_fact *fact = seen(world, world->name);

    return fact && fact->generation == world->generation && fact->trouble;
}

void wait_for_resource(struct world *world, const char *name, int64_t generation,
                       bool (*is_reached)(struct world *world))
{
    world->name = name;
    world->generation = generation;
    wait_until(world, is_reached);
}

void create(struct world *world, const char *name, const char *provider, int64_t size_kib, int64_t generation)
{
    struct wants wants = { .complete = true };

    add_pool(world, &wants, provider);
    add_resource(world, &wants, name, provider, size_kib, generation);
    send_wants(world, &wants);
    wait_for_resource(world, name, generation, resource_is_applied);
}

void remove_resource(struct world *world, const char *name, const char *provider, int64_t generation)
{
    struct wants wants = { .complete = true };
    struct resource_want *want = add_resource(world, &wants, name, provider, 1024, generation);

    want->remove = true;
    want->authority = arena_strdup(&world->arena, "request 7 of admin");
    send_wants(world, &wants);
    wait_for_resource(world, name, generation, resource_is_applied);
    assert_true(seen(world, name)->gone);
}

int64_t size_of_device(const char *path)
{
    int device = open(path, O_RDONLY | O_CLOEXEC);
    int64_t size;

    assert_true(device >= 0);
    size = lseek(device, 0, SEEK_END);
    close(device);
    return size;
}

void write_device(const char *path, int64_t offset, const char *text)
{
    int device = open(path, O_RDWR | O_CLOEXEC);

    assert_true(device >= 0);
    assert_int_equal(pwrite(device, text, strlen(text), offset), strlen(text));
    assert_int_equal(fsync(device), 0);
    close(device);
}

void check_device(const char *path, int64_t offset, const char *text)
{
    char found[64] = "";
    int device = open(path, O_RDONLY | O_CLOEXEC);

    assert_true(device >= 0);
    assert_int_equal(pread(device, found, strlen(text), offset), strlen(text));
    close(device);
    assert_string_equal(found, text);
}

char *path_in(struct world *world, const char *provider, const char *file)
{
    return arena_printf(&world->arena, "%s/%s/%s", world->directory, provider, file);
}

int satellite_test_begin(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "worker") == 0)
        return worker_main(argc > 2 ? argv[2] : NULL);
    signal(SIGPIPE, SIG_IGN);
    if (geteuid() == 0 && loop_device_check() == 0)
        return -1;
    puts("skipped: satellite (needs root and /dev/loop-control)");
    return 77;
}
