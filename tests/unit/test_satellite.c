/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a satellite does when all goes well, and what it refuses. */
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

#include "base/log.h"
#include "base/text.h"
#include "drivers/loop_device.h"
#include "satellite_world.h"

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

enum { MANY = 1200 };

static bool all_are_seen(struct world *world)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < world->controller.reports.count; i++)
        count += world->controller.reports.at[i].resources.count;
    return count >= MANY;
}

/* They fail, because there is no such pool; that is told of each. */
static void test_many_are_told_in_parts(void **state)
{
    struct wants wants = { .complete = true };
    struct world world;

    (void)state;
    world_init(&world);
    for (int i = 0; i < MANY; i++)
        add_resource(&world, &wants, arena_printf(&world.arena, "many%04d", i), "nowhere", 4096, 1);
    send_wants(&world, &wants);
    wait_until(&world, all_are_seen);
    link_free(world.controller.link);
    connect_controller(&world);
    assert_int_equal(world.controller.held.resources.count, MANY);
    assert_int_equal(world.controller.held_parts, MANY / MESSAGE_ITEMS + 1);
    wait_until(&world, all_are_seen);
    assert_true(resource_has_trouble((world.name = "many0000", world.generation = 1, &world)));
    world_done(&world);
}

/* Why it failed names its pool, and so becomes longer than an item may be: the link stays up. */
static void test_what_is_too_long_to_report_says_so(void **state)
{
    struct wants wants = { .complete = true };
    struct world world;
    char *pool;

    (void)state;
    world_init(&world);
    pool = arena_alloc(&world.arena, ITEM_BYTES + 1);
    memset(pool, 'p', ITEM_BYTES);
    add_resource(&world, &wants, "long", pool, 4096, 3);
    send_wants(&world, &wants);
    wait_for_resource(&world, "long", 3, resource_has_trouble);
    assert_string_equal(seen(&world, "long")->trouble->message, "Resource 'long' cannot be reported.");
    assert_non_null(strstr(seen(&world, "long")->trouble->cause, "and 1536000 are possible"));
    assert_true(link_is_up(world.controller.link));
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
    add_pool(&world, &wants, "SPDK");
    want = add_resource(&world, &wants, "replicated", "FILE_THIN", 4096, 2);
    want->layers.count = 0;
    text_list_add(&want->layers, "DRBD", &world.arena);
    text_list_add(&want->layers, "STORAGE", &world.arena);
    add_resource(&world, &wants, "on_spdk", "SPDK", 4096, 3);
    add_resource(&world, &wants, "db", "FILE_THIN", 4096, 4)->remove = true;
    add_resource(&world, &wants, "../escape", "FILE_THIN", 4096, 5);
    add_resource(&world, &wants, "poolless", "nowhere", 4096, 6);
    send_wants(&world, &wants);
    wait_for_resource(&world, "replicated", 2, resource_has_trouble);
    assert_non_null(strstr(seen(&world, "replicated")->trouble->cause, "DRBD"));
    wait_for_resource(&world, "on_spdk", 3, resource_has_trouble);
    assert_non_null(strstr(seen(&world, "on_spdk")->trouble->cause, "SPDK"));
    wait_for_resource(&world, "db", 4, resource_has_trouble);
    fact = seen(&world, "db");
    assert_false(fact->gone);
    assert_true(fact->trouble->attempts >= 1);
    assert_true(fact->trouble->retry_in_ms > 0);
    assert_int_equal(stat(path_in(&world, "FILE_THIN", "db_00000.img"), &file), 0);
    wait_for_resource(&world, "../escape", 5, resource_has_trouble);
    wait_for_resource(&world, "poolless", 6, resource_has_trouble);
    assert_non_null(seen_pool(&world, "SPDK")->trouble);
    assert_false(seen_pool(&world, "SPDK")->applied);
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
    remove_resource(&world, "on_spdk", "SPDK", 13);
    world_done(&world);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_hello),
    cmocka_unit_test(test_life_of_thin_volume),
    cmocka_unit_test(test_life_of_thick_volume),
    cmocka_unit_test(test_restart_adopts),
    cmocka_unit_test(test_reconnect_tells_everything_again),
    cmocka_unit_test(test_many_are_told_in_parts),
    cmocka_unit_test(test_what_is_too_long_to_report_says_so),
    cmocka_unit_test(test_orphans_are_told_and_left_alone),
    cmocka_unit_test(test_what_is_refused_says_so),
};

SATELLITE_TEST_MAIN(tests)
