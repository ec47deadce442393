/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Peers that send garbage, too much, or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "link_world.h"

static void raw_data(void *owner, const char *bytes, size_t length)
{
    struct world *world = owner;

    buf_add(&world->raw_got, bytes, length);
    loop_stop(world->loop);
}

static void raw_closed(void *owner, int error)
{
    struct world *world = owner;

    (void)error;
    world->raw[0] = NULL;
    world->raw_closes++;
    loop_stop(world->loop);
}

static const struct conn_events raw_events = { .on_data = raw_data, .on_close = raw_closed };

static void raw_send_frame(struct conn *conn, const char *json)
{
    struct buf out = { 0 };
    size_t length = strlen(json);

    for (int shift = 24; shift >= 0; shift -= 8)
        buf_add_char(&out, (char)(length >> shift & 0xff));
    buf_add_text(&out, json);
    conn_write(conn, &out);
}

static void raw_send_bytes(struct conn *conn, const char *bytes, size_t length)
{
    struct buf out = { 0 };

    buf_add(&out, bytes, length);
    conn_write(conn, &out);
}

#define RAW_HELLO "{\"type\":\"hello\",\"body\":{\"protocol_min\":1,\"protocol_max\":1,\"node\":\"raw\",\"new\":[{}]}}"
#define RAW_READY "{\"type\":\"ready\",\"body\":{}}"

static void test_garbage(void **state)
{
    static const struct {
        const char *frame, *why;
    } cases[] = {
        { "GET / HTTP/1.1", "frame of 1195725856 bytes is over the limit of 65536 bytes" },
        { "{\"type\":", "bad frame of 8 bytes: line 1: " },
        { "", "bad frame of 0 bytes" },
        { "[]", "expected an object with a type and a body" },
        { "{\"type\":\"hello\"}", "expected an object with a type and a body" },
        { "{\"type\":7,\"body\":{}}", "expected an object with a type and a body" },
        { "{\"type\":\"hello\",\"body\":{}}", "bad hello: protocol_min" },
        { "{\"type\":\"hello\",\"body\":{\"protocol_min\":2,\"protocol_max\":1}}", "is no range" },
        { "{\"type\":\"hello\",\"body\":{\"protocol_min\":1,\"protocol_max\":1,\"node\":[]}}",
          "node: expected a string" },
        { "{\"type\":\"note\",\"body\":{}}", "expected hello, got a frame of type 'note'" },
        { RAW_READY, "expected hello, got a frame of type 'ready'" },
    };
    struct world *world = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct side *satellite = &world->satellites[world->accepted % 2];
        int before = satellite->downs;

        world->raw[0] = conn_dial(world->loop, "127.0.0.1", world->port, &raw_events, world);
        if (i == 0)
            raw_send_bytes(world->raw[0], cases[i].frame, strlen(cases[i].frame));
        else
            raw_send_frame(world->raw[0], cases[i].frame);
        RUN_UNTIL(world, satellite->downs > before && world->raw_closes == (int)i + 1);
        if (!strstr(satellite->why, cases[i].why))
            fail_msg("'%s' gave '%s'", cases[i].frame, satellite->why);
        assert_int_equal(satellite->ups, 0);
    }
    assert_int_equal(world->raw_got.length, 0); /* a stranger is told nothing */
}

static void test_garbage_when_up(void **state)
{
    struct world *world = *state;
    struct side *satellite = &world->satellites[0];

    world->raw[0] = conn_dial(world->loop, "127.0.0.1", world->port, &raw_events, world);
    raw_send_frame(world->raw[0], RAW_HELLO);
    RUN_UNTIL(world, satellite->hellos == 1);
    assert_int_equal(satellite->ups, 0); /* the one that dialled may still refuse */
    raw_send_frame(world->raw[0], RAW_READY);
    RUN_UNTIL(world, satellite->ups == 1);
    raw_send_bytes(world->raw[0], "\x00\x20\x00\x01", 4);
    RUN_UNTIL(world, satellite->downs == 1);
    assert_string_equal(satellite->why, "frame of 2097153 bytes is over the limit of 2097152 bytes");
    assert_false(link_is_up(satellite->link));

    satellite = &world->satellites[1];
    RUN_UNTIL(world, world->raw_closes == 1);
    world->raw[0] = conn_dial(world->loop, "127.0.0.1", world->port, &raw_events, world);
    raw_send_frame(world->raw[0], RAW_HELLO);
    raw_send_frame(world->raw[0], RAW_READY);
    raw_send_frame(world->raw[0], RAW_HELLO);
    RUN_UNTIL(world, satellite->downs == 1);
    assert_string_equal(satellite->why, "the peer sent hello twice");
}

static void test_large_hello(void **state)
{
    struct world *world = *state;
    struct side *controller = &world->controller, *satellite = &world->satellites[0];
    char *uname = memory_alloc(LINK_HELLO_FRAME_LIMIT + 1);

    memset(uname, 'u', LINK_HELLO_FRAME_LIMIT);
    controller->hello.uname = uname;
    world_dial(world);
    free(uname);
    RUN_UNTIL(world, satellite->downs == 1);
    assert_non_null(strstr(satellite->why, "is over the limit of 65536 bytes"));
}

/* One stranger that says nothing, one peer that falls silent, and two links that have nothing to say: only these stay.
 */
static void test_silence(void **state)
{
    struct world *world = *state;
    struct side *satellites = world->satellites, *controller = &world->controller;
    struct side third = { 0 };
    int64_t start_ms = loop_now_ms(world->loop);

    world->raw[0] = conn_dial(world->loop, "127.0.0.1", world->port, &raw_events, world);
    RUN_UNTIL(world, world->accepted == 1);
    world->raw[1] = conn_dial(world->loop, "127.0.0.1", world->port, NULL, NULL);
    raw_send_frame(world->raw[1], RAW_HELLO);
    raw_send_frame(world->raw[1], RAW_READY);
    RUN_UNTIL(world, satellites[1].ups == 1);
    side_init(&third, world->loop, "charlie");
    third.link = satellites[0].link; /* so that accepting does not free it */
    satellites[0].link = NULL;
    world_dial(world);
    RUN_UNTIL(world, controller->ups == 1);
    RUN_UNTIL(world, satellites[0].downs >= 1 && satellites[1].downs >= 1);
    assert_true(loop_now_ms(world->loop) - start_ms >= LINK_SILENCE_MS);
    assert_non_null(strstr(satellites[1].why, "nothing was heard for"));
    assert_string_equal(satellites[0].why, "no hello within 5000 ms");
    assert_int_equal(satellites[0].ups, 1); /* the link to the controller, of the same side */
    assert_int_equal(satellites[0].downs, 1);
    assert_int_equal(controller->downs, 0);
    assert_true(link_is_up(controller->link) && link_is_up(satellites[0].link));
    link_free(third.link);
    free(third.hello.node);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(test_garbage),
        WORLD_TEST(test_garbage_when_up),
        WORLD_TEST(test_large_hello),
        WORLD_TEST(test_silence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
