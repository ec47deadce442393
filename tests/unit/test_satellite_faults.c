/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a satellite does when something is missing, in use, in the way, full, or dies. */
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
#include "roles/satellite/state.h"
#include "satellite_world.h"

static bool pool_has_trouble(struct world *world)
{
    const struct pool_fact *fact = seen_pool(world, world->name);

    return fact && fact->trouble;
}

static void test_pauses_grow_and_end(void **state)
{
    static const int64_t minutes[] = { 3, 6, 12, 24, 48, 60, 60 };

    (void)state;
    for (int32_t i = 0; i < (int32_t)ARRAY_SIZE(minutes); i++)
        assert_int_equal(task_pause_ms(i, LATE_FIRST_MS, LATE_LIMIT_MS), minutes[i] * 60000);
    assert_int_equal(task_pause_ms(INT32_MAX, LATE_FIRST_MS, LATE_LIMIT_MS), LATE_LIMIT_MS);
    assert_int_equal(task_pause_ms(6, RETRY_FIRST_MS, RETRY_LIMIT_MS), 32000);
    assert_int_equal(task_pause_ms(7, RETRY_FIRST_MS, RETRY_LIMIT_MS), RETRY_LIMIT_MS);
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
    text_map_set(&pool->props, "StorDriver/StorPoolName", path_in(&world, "later", ""), &world.arena);
    add_resource(&world, &wants, "db", "FILE_THIN", 4096, 1);
    send_wants(&world, &wants);
    world.name = "FILE_THIN";
    wait_until(&world, pool_has_trouble);
    assert_non_null(strstr(seen_pool(&world, "FILE_THIN")->trouble->cause, "does not exist"));
    wait_for_resource(&world, "db", 1, resource_has_trouble);
    assert_int_equal(text_make_directories(path_in(&world, "later", ""), 0700), 0);
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

/* A removal does not believe that a file is gone because it was so a while ago. */
static void test_removal_of_what_has_vanished(void **state)
{
    struct world world;
    char *path, *away;

    (void)state;
    world_init(&world);
    create(&world, "db", "FILE_THIN", 4096, 1);
    path = path_in(&world, "FILE_THIN", "db_00000.img");
    away = arena_printf(&world.arena, "%s.away", path);
    assert_int_equal(loop_device_detach(seen(&world, "db")->volumes.at[0].device_path, path), 0);
    assert_int_equal(rename(path, away), 0);
    refresh(&world, 7);
    wait_for_resource(&world, "db", 1, resource_has_trouble);
    assert_int_equal(rename(away, path), 0);
    remove_resource(&world, "db", "FILE_THIN", 2);
    assert_int_not_equal(access(path, F_OK), 0);
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

enum { ENOUGH_KILLS = 2 };

static bool some_were_killed(struct world *world)
{
    return world->kills >= ENOUGH_KILLS;
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
    wait_until(&world, some_were_killed);
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
    world.kills = 0;
    wait_quietly(&world, is_never_reached, 1000);
    wait_until(&world, some_were_killed);
    timer_free(killer);
    wait_until(&world, all_are_applied);
    assert_int_equal(count_devices(&world), 0);
    log_set_level(LOG_INFO);
    world_done(&world);
}

/* Never two plans for the same resource: the one under way when it was forgotten is waited for. */
static bool is_asked(struct world *world)
{
    const struct observer *observer = &world->satellite->observer;

    return observer->tokens.count + observer->running_tokens.count > 0;
}

/* What the last controller asked for is no answer to the next one, whose numbers mean something else. */
static void test_refresh_of_another_controller(void **state)
{
    struct refresh asked = { .token = 1000 };
    struct world world;
    int worker;

    (void)state;
    world_init_workers(&world, 1);
    create(&world, "db", "FILE_THIN", 4096, 1);
    worker = worker_of_ours();
    assert_true(worker > 0);
    assert_int_equal(kill(worker, SIGSTOP), 0);
    link_send(world.controller.link, "refresh", &refresh_schema, &asked);
    wait_until(&world, is_asked);
    link_free(world.controller.link);
    connect_controller(&world);
    assert_int_equal(kill(worker, SIGCONT), 0);
    refresh(&world, 5);
    world.token = asked.token;
    assert_false(token_is_answered(&world));
    remove_resource(&world, "db", "FILE_THIN", 2);
    world_done(&world);
}

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

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_pauses_grow_and_end),          cmocka_unit_test(test_pool_is_retried),
    cmocka_unit_test(test_relative_pool_is_refused),     cmocka_unit_test(test_device_in_use_is_not_removed),
    cmocka_unit_test(test_one_volume_of_two_is_removed), cmocka_unit_test(test_what_changed_behind_us_is_seen),
    cmocka_unit_test(test_removal_of_what_has_vanished), cmocka_unit_test(test_one_controller_at_a_time),
    cmocka_unit_test(test_workers_die_at_any_time),      cmocka_unit_test(test_refresh_of_another_controller),
    cmocka_unit_test(test_forgotten_and_wanted_again),   cmocka_unit_test(test_full_pool),
};

SATELLITE_TEST_MAIN(tests)
