/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "link_world.h"

static void test_up_and_messages(void **state)
{
    struct world *world = *state;
    struct side *controller = &world->controller, *satellite = &world->satellites[0];

    world_bring_up(world);
    assert_string_equal(controller->peer_node, "alpha");
    assert_string_equal(satellite->peer_node, "controller");
    assert_int_equal(controller->protocol, LINK_PROTOCOL_MAX);
    assert_int_equal(satellite->protocol, LINK_PROTOCOL_MAX);
    assert_int_equal(controller->hellos, 1);
    for (int i = 1; i <= 3; i++) {
        side_send_note(controller, "note", i, "down");
        side_send_note(satellite, "note", i, "up");
    }
    RUN_UNTIL(world, controller->messages == 3 && satellite->messages == 3);
    assert_true(controller->is_in_order && satellite->is_in_order);
    assert_int_equal(controller->last_length, 2);

    side_send_note(satellite, "of-next-year", 0, NULL);
    link_send(satellite->link, "note", NULL, NULL);
    RUN_UNTIL(world, controller->messages == 5);
    assert_int_equal(link_unknown_count(controller->link), 1);
    assert_int_equal(controller->downs, 0);
    assert_int_equal(link_attempts(controller->link), 0);
    assert_string_equal(link_last_error(controller->link), "");
}

static void test_order_of_large_and_small(void **state)
{
    enum { COUNT = 3000, LARGE = LINK_FRAME_LIMIT - 1024 };
    struct world *world = *state;
    struct side *controller = &world->controller, *satellite = &world->satellites[0];
    char *large = memory_alloc(LARGE + 1);

    memset(large, 'x', LARGE);
    world_bring_up(world);
    for (int i = 1; i <= COUNT; i++) {
        side_send_note(controller, "note", i, i % 300 == 0 ? large : "small");
        side_send_note(satellite, "note", i, i % 500 == 0 ? large : "small");
    }
    assert_true(link_unsent(controller->link) > 0);
    RUN_UNTIL(world, controller->messages == COUNT && satellite->messages == COUNT);
    assert_true(controller->is_in_order && satellite->is_in_order);
    assert_int_equal(controller->last_length, LARGE);
    assert_int_equal(link_unsent(controller->link), 0);
    free(large);
}

static void test_ranges(void **state)
{
    struct world *world = *state;
    struct side *controller = &world->controller, *satellite = &world->satellites[0];

    controller->hello.protocol_min = 1;
    controller->hello.protocol_max = 5;
    satellite->hello.protocol_min = 3;
    satellite->hello.protocol_max = 9;
    world_bring_up(world);
    assert_int_equal(controller->protocol, 5);
    assert_int_equal(satellite->protocol, 5);
}

static void test_ranges_apart(void **state)
{
    struct world *world = *state;
    struct side *controller = &world->controller, *satellite = &world->satellites[0];

    satellite->hello.protocol_min = 6;
    satellite->hello.protocol_max = 7;
    world_dial(world);
    RUN_UNTIL(world, controller->downs >= 1 && satellite->downs >= 1);
    assert_non_null(strstr(controller->why, "no common protocol: version 0.1.0 speaks 6 to 7, the peer 1 to 1"));
    assert_string_equal(link_last_error(controller->link), controller->why);
    assert_string_equal(satellite->why,
                        "no common protocol: this side speaks 6 to 7, controller (version 0.1.0) 1 to 1");
    assert_int_equal(controller->ups + satellite->ups + controller->hellos + satellite->hellos, 0);
    assert_int_equal(link_attempts(controller->link), 1);
}

static void test_satellite_refuses(void **state)
{
    struct world *world = *state;
    struct side *controller = &world->controller, *satellite = &world->satellites[0];

    satellite->refuse = "it serves another\ncluster";
    world_dial(world);
    RUN_UNTIL(world, controller->downs >= 1 && satellite->downs >= 1);
    assert_non_null(strstr(controller->why, "refused by 127.0.0.1:"));
    assert_non_null(strstr(controller->why, "it serves another?cluster"));
    assert_string_equal(satellite->why, "refused controller: it serves another?cluster");
    assert_int_equal(controller->ups + satellite->ups, 0);
}

static void test_controller_refuses(void **state)
{
    struct world *world = *state;
    struct side *controller = &world->controller, *satellite = &world->satellites[0];

    controller->refuse = "alpha is another machine";
    world_dial(world);
    RUN_UNTIL(world, controller->downs >= 1 && satellite->downs >= 1);
    assert_string_equal(controller->why, "refused alpha: alpha is another machine");
    assert_non_null(strstr(satellite->why, "alpha is another machine"));
    assert_int_equal(controller->ups + satellite->ups, 0);

    controller->refuse = NULL; /* and when it has thought better of it */
    RUN_UNTIL(world, controller->ups == 1 && world->satellites[1].ups == 1);
    assert_string_equal(link_last_error(controller->link), "");
}

/* The process is stopped for longer than the silence allowed: nobody is called silent for that. */
static void test_late_timer(void **state)
{
    struct world *world = *state;

    world_bring_up(world);
    usleep((LINK_SILENCE_MS + 500) * 1000);
    side_send_note(&world->controller, "note", 1, NULL);
    RUN_UNTIL(world, world->satellites[0].messages == 1);
    RUN_UNTIL(world, link_unsent(world->controller.link) == 0);
    assert_int_equal(world->controller.downs + world->satellites[0].downs, 0);
}

static void test_restart_of_listener(void **state)
{
    struct world *world = *state;
    struct side *controller = &world->controller;

    world_bring_up(world);
    listener_free(world->listener);
    world->listener = NULL;
    link_free(world->satellites[0].link);
    world->satellites[0].link = NULL;
    RUN_UNTIL(world, controller->downs == 1);
    assert_string_equal(controller->why, "the peer closed the connection");
    assert_false(link_is_up(controller->link));
    side_send_note(controller, "note", 1, "dropped");
    RUN_UNTIL(world, controller->downs == 3);
    assert_int_equal(link_attempts(controller->link), 2);
    assert_non_null(strstr(controller->why, "cannot connect to 127.0.0.1 port "));
    assert_string_equal(controller->why, link_last_error(controller->link));
    world_open_listener(world);
    RUN_UNTIL(world, controller->ups == 2 && world->satellites[1].ups == 1);
    assert_int_equal(link_attempts(controller->link), 0);
    side_send_note(controller, "note", 1, "arrives");
    RUN_UNTIL(world, world->satellites[1].messages == 1);
    assert_int_equal(world->satellites[1].last_length, strlen("arrives"));
}

static void test_bad_address(void **state)
{
    struct world *world = *state;
    struct side *controller = &world->controller;

    controller->link = link_dial(world->loop, "no address", 1, &controller->hello, &world_events, controller);
    RUN_UNTIL(world, controller->downs == 1);
    assert_non_null(strstr(controller->why, "cannot connect to no address port 1: "));
}

static void test_free_in_callbacks(void **state)
{
    static const enum callback callbacks[] = { ON_HELLO, ON_UP, ON_MESSAGE, ON_DOWN };
    struct world *world = *state;
    struct side *controller = &world->controller;

    for (size_t i = 0; i < 2 * ARRAY_SIZE(callbacks); i++) {
        enum callback where = callbacks[i / 2];
        struct side *satellite = &world->satellites[world->accepted % 2];
        struct side *victim = i % 2 ? controller : satellite, *other = i % 2 ? satellite : controller;
        int downs = other->downs, messages = victim->messages;

        victim->free_in = where;
        world_dial(world);
        if (where == ON_MESSAGE || where == ON_DOWN) {
            RUN_UNTIL(world, link_is_up(controller->link) && satellite->link && link_is_up(satellite->link));
            for (int n = 1; n <= 3; n++)
                side_send_note(other, "note", n, NULL);
        }
        if (where == ON_DOWN) {
            RUN_UNTIL(world, victim->messages == messages + 3);
            link_free(other->link);
            other->link = NULL;
        }
        RUN_UNTIL(world, !victim->link && victim->hellos > 0);
        if (where == ON_MESSAGE)
            assert_int_equal(victim->messages, messages + 1);
        if (where != ON_DOWN)
            RUN_UNTIL(world, other->downs > downs);
        victim->free_in = ON_NOTHING;
        link_free(other->link);
        other->link = NULL;
        victim->hellos = 0;
    }
}

static void test_reconnect(void **state)
{
    enum { ROUNDS = 5 };
    struct world *world = *state;
    struct side *controller = &world->controller;
    int64_t fastest_ms = INT64_MAX;

    world_bring_up(world);
    for (int round = 1; round <= ROUNDS; round++) {
        const struct side *satellite = &world->satellites[world->accepted % 2];
        int64_t start_ms = loop_now_ms(world->loop);
        int ups = satellite->ups;

        controller->is_sending = true; /* on_down must not come from inside */
        link_reconnect(controller->link);
        link_reconnect(controller->link);
        controller->is_sending = false;
        assert_false(link_is_up(controller->link));
        RUN_UNTIL(world, controller->ups == 1 + round && satellite->ups == ups + 1);
        assert_int_equal(controller->downs, round);
        assert_string_equal(controller->why, "a new connection was asked for");
        if (loop_now_ms(world->loop) - start_ms < fastest_ms)
            fastest_ms = loop_now_ms(world->loop) - start_ms;
    }
    assert_true(fastest_ms < LINK_RETRY_MIN_MS / 2); /* a busy machine may be slow once, not each time */
}

static void test_reconnect_in_callbacks(void **state)
{
    struct world *world = *state;
    struct side *controller = &world->controller;

    world_bring_up(world);
    controller->reconnect_in = ON_MESSAGE;
    for (int i = 1; i <= 3; i++)
        side_send_note(&world->satellites[0], "note", i, NULL);
    RUN_UNTIL(world, controller->ups == 2 && world->satellites[1].ups == 1);
    assert_int_equal(controller->messages, 1); /* what else the old connection brought is dropped */
    assert_int_equal(controller->downs, 1);

    controller->reconnect_in = ON_DOWN;
    link_free(world->satellites[1].link);
    world->satellites[1].link = NULL;
    RUN_UNTIL(world, controller->ups == 3);
    assert_int_equal(controller->downs, 2);

    controller->reconnect_in = ON_UP;
    link_reconnect(controller->link);
    RUN_UNTIL(world, controller->ups == 5);
    assert_int_equal(controller->downs, 4);
}

static void test_too_long_to_send(void **state)
{
    struct world *world = *state;
    struct side *controller = &world->controller;
    char *huge = memory_alloc(LINK_FRAME_LIMIT + 1);

    memset(huge, 'h', LINK_FRAME_LIMIT);
    world_bring_up(world);
    side_send_note(controller, "note", 1, huge);
    free(huge);
    side_send_note(controller, "note", 2, "is not sent either");
    RUN_UNTIL(world, controller->downs == 1);
    assert_non_null(strstr(controller->why, "a frame of type 'note' would have 209"));
    RUN_UNTIL(world, controller->ups == 2 && world->satellites[1].ups == 1);
    assert_int_equal(world->satellites[0].messages, 0);
    assert_int_equal(world->satellites[0].downs, 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(test_up_and_messages),
        WORLD_TEST(test_order_of_large_and_small),
        WORLD_TEST(test_ranges),
        WORLD_TEST(test_ranges_apart),
        WORLD_TEST(test_satellite_refuses),
        WORLD_TEST(test_controller_refuses),
        WORLD_TEST(test_late_timer),
        WORLD_TEST(test_restart_of_listener),
        WORLD_TEST(test_bad_address),
        WORLD_TEST(test_free_in_callbacks),
        WORLD_TEST(test_reconnect),
        WORLD_TEST(test_reconnect_in_callbacks),
        WORLD_TEST(test_too_long_to_send),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
