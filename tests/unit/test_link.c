/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two links, or a link and a raw connection that misbehaves, in one process over real sockets of the loopback device.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "net/frame.h"

struct note {
    int32_t number;
    char *text;
    char *hidden;
};
static const struct field note_fields[] = {
    FIELD(note, number, 0),
    FIELD(note, text, 0),
    FIELD(note, hidden, FIELD_REST),
};
static SCHEMA(note)

    enum callback {
        ON_NOTHING,
        ON_HELLO,
        ON_UP,
        ON_MESSAGE,
        ON_DOWN
    };

struct side {
    struct loop *loop;
    struct link *link;
    struct link_hello hello;
    const char *refuse;    /* the reason to refuse the peer for */
    enum callback free_in; /* where the link is freed */
    enum callback reconnect_in;
    int hellos, ups, downs, messages, protocol;
    int32_t last_number;
    bool is_in_order, is_sending;
    size_t last_length;
    char why[256], peer_node[64], type[64];
};

struct world {
    struct loop *loop;
    struct timer *timer;
    bool is_late;
    struct listener *listener;
    int port;
    struct side controller, satellites[2];
    int accepted;
    struct conn *raw[2];
    int raw_closes;
    struct buf raw_got;
};

static void act(struct side *side, enum callback where)
{
    assert_false(side->is_sending);
    loop_stop(side->loop);
    if (side->reconnect_in == where) {
        side->reconnect_in = ON_NOTHING;
        link_reconnect(side->link);
    }
    if (side->free_in == where) {
        link_free(side->link);
        side->link = NULL;
    }
}

static bool on_hello(void *owner, const struct link_hello *peer, struct link_hello *own)
{
    struct side *side = owner;
    static char reason[64];

    side->hellos++;
    snprintf(side->peer_node, sizeof(side->peer_node), "%s", peer->node);
    snprintf(reason, sizeof(reason), "%s", side->refuse ? side->refuse : "");
    own->refused = side->refuse ? reason : NULL;
    act(side, ON_HELLO);
    return !side->refuse;
}

static void on_up(void *owner, const struct link_hello *peer, int protocol)
{
    struct side *side = owner;

    assert_string_equal(peer->node, side->peer_node);
    side->ups++;
    side->protocol = protocol;
    act(side, ON_UP);
}

static void on_message(void *owner, const char *type, const cJSON *body)
{
    struct side *side = owner;
    struct arena arena = { 0 };
    struct field_error error;
    struct note note = { 0 };

    assert_true(link_is_up(side->link));
    snprintf(side->type, sizeof(side->type), "%s", type);
    if (strcmp(type, "note") != 0)
        link_count_unknown(side->link, type);
    else if (field_decode(&note_schema, &note, body, &arena, &error) != 0)
        fail_msg("%s", error.message);
    assert_null(note.hidden);
    side->messages++;
    side->is_in_order = side->is_in_order && note.number == side->last_number + 1;
    side->last_number = note.number;
    side->last_length = note.text ? strlen(note.text) : 0;
    arena_done(&arena);
    act(side, ON_MESSAGE);
}

static void on_down(void *owner, const char *why)
{
    struct side *side = owner;

    side->downs++;
    snprintf(side->why, sizeof(side->why), "%s", why);
    act(side, ON_DOWN);
}

static const struct link_events events = { on_hello, on_up, on_message, on_down };

static void send_note(struct side *side, const char *type, int32_t number, const char *text)
{
    char *copy = text ? memory_strdup(text) : NULL, hidden[] = "not for the link";
    const struct note note = { .number = number, .text = copy, .hidden = hidden };

    side->is_sending = true;
    link_send(side->link, type, &note_schema, &note);
    side->is_sending = false;
    free(copy);
}

static void on_accept(void *owner, struct conn *conn)
{
    struct world *world = owner;
    struct side *side = &world->satellites[world->accepted % 2];

    link_free(side->link);
    side->link = link_accept(world->loop, conn, &side->hello, &events, side);
    world->accepted++;
    loop_stop(world->loop);
}

static void be_late(void *owner)
{
    struct world *world = owner;

    world->is_late = true;
    loop_stop(world->loop);
}

#define RUN_UNTIL(world, condition)                                                                                    \
    do {                                                                                                               \
        (world)->is_late = false;                                                                                      \
        timer_start((world)->timer, 20000, 0);                                                                         \
        while (!(condition) && !(world)->is_late)                                                                      \
            loop_run((world)->loop);                                                                                   \
        if (!(condition))                                                                                              \
            fail_msg("%s: never came; controller '%s', satellite '%s'", #condition, (world)->controller.why,           \
                     (world)->satellites[0].why);                                                                      \
    } while (0)

static void open_listener(struct world *world)
{
    int error;

    world->listener = listener_new(world->loop, "127.0.0.1", world->port, on_accept, world, &error);
    assert_non_null(world->listener);
    world->port = listener_port(world->listener);
}

static void init_side(struct side *side, struct loop *loop, const char *name)
{
    static char version[] = "0.1.0";

    side->loop = loop;
    side->hello.version = version;
    side->hello.node = memory_strdup(name);
    side->is_in_order = true;
}

static int set_up(void **state)
{
    struct world *world = memory_alloc(sizeof(*world));

    world->loop = loop_new();
    world->timer = timer_new(world->loop, be_late, world);
    init_side(&world->controller, world->loop, "controller");
    init_side(&world->satellites[0], world->loop, "alpha");
    init_side(&world->satellites[1], world->loop, "bravo");
    open_listener(world);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    link_free(world->controller.link);
    free(world->controller.hello.node);
    for (int i = 0; i < 2; i++) {
        link_free(world->satellites[i].link);
        free(world->satellites[i].hello.node);
        conn_close(world->raw[i], false);
    }
    buf_done(&world->raw_got);
    listener_free(world->listener);
    timer_free(world->timer);
    loop_free(world->loop);
    free(world);
    return 0;
}

static void dial(struct world *world)
{
    struct side *side = &world->controller;

    side->link = link_dial(world->loop, "127.0.0.1", world->port, &side->hello, &events, side);
}

static void bring_up(struct world *world)
{
    dial(world);
    RUN_UNTIL(world, world->controller.ups == 1 && world->satellites[0].ups == 1);
}

static void test_up_and_messages(void **state)
{
    struct world *world = *state;
    struct side *controller = &world->controller, *satellite = &world->satellites[0];

    bring_up(world);
    assert_string_equal(controller->peer_node, "alpha");
    assert_string_equal(satellite->peer_node, "controller");
    assert_int_equal(controller->protocol, LINK_PROTOCOL_MAX);
    assert_int_equal(satellite->protocol, LINK_PROTOCOL_MAX);
    assert_int_equal(controller->hellos, 1);
    for (int i = 1; i <= 3; i++) {
        send_note(controller, "note", i, "down");
        send_note(satellite, "note", i, "up");
    }
    RUN_UNTIL(world, controller->messages == 3 && satellite->messages == 3);
    assert_true(controller->is_in_order && satellite->is_in_order);
    assert_int_equal(controller->last_length, 2);

    send_note(satellite, "of-next-year", 0, NULL);
    link_send(satellite->link, "note", NULL, NULL);
    RUN_UNTIL(world, controller->messages == 5);
    assert_int_equal(link_unknown_count(controller->link), 1);
    assert_int_equal(controller->downs, 0);
    assert_int_equal(link_attempts(controller->link), 0);
    assert_string_equal(link_last_error(controller->link), "");
}

static void test_order_of_large_and_small(void **state)
{
    enum { COUNT = 3000, LARGE = 6 * 1024 * 1024 };
    struct world *world = *state;
    struct side *controller = &world->controller, *satellite = &world->satellites[0];
    char *large = memory_alloc(LARGE + 1);

    memset(large, 'x', LARGE);
    bring_up(world);
    for (int i = 1; i <= COUNT; i++) {
        send_note(controller, "note", i, i % 1000 == 0 ? large : "small");
        send_note(satellite, "note", i, i % 1500 == 0 ? large : "small");
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
    bring_up(world);
    assert_int_equal(controller->protocol, 5);
    assert_int_equal(satellite->protocol, 5);
}

static void test_ranges_apart(void **state)
{
    struct world *world = *state;
    struct side *controller = &world->controller, *satellite = &world->satellites[0];

    satellite->hello.protocol_min = 6;
    satellite->hello.protocol_max = 7;
    dial(world);
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
    dial(world);
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
    dial(world);
    RUN_UNTIL(world, controller->downs >= 1 && satellite->downs >= 1);
    assert_string_equal(controller->why, "refused alpha: alpha is another machine");
    assert_non_null(strstr(satellite->why, "alpha is another machine"));
    assert_int_equal(controller->ups + satellite->ups, 0);

    controller->refuse = NULL; /* and when it has thought better of it */
    RUN_UNTIL(world, controller->ups == 1 && world->satellites[1].ups == 1);
    assert_string_equal(link_last_error(controller->link), "");
}

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
    raw_send_bytes(world->raw[0], "\x04\x00\x00\x01", 4);
    RUN_UNTIL(world, satellite->downs == 1);
    assert_string_equal(satellite->why, "frame of 67108865 bytes is over the limit of 67108864 bytes");
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
    dial(world);
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
    init_side(&third, world->loop, "charlie");
    third.link = satellites[0].link; /* so that accepting does not free it */
    satellites[0].link = NULL;
    dial(world);
    RUN_UNTIL(world, controller->ups == 1);
    RUN_UNTIL(world, satellites[0].downs >= 1 && satellites[1].downs >= 1);
    assert_in_range(loop_now_ms(world->loop) - start_ms, LINK_SILENCE_MS, LINK_SILENCE_MS + 3000);
    assert_non_null(strstr(satellites[1].why, "nothing was heard for"));
    assert_string_equal(satellites[0].why, "no hello within 5000 ms");
    assert_int_equal(satellites[0].ups, 1); /* the link to the controller, of the same side */
    assert_int_equal(satellites[0].downs, 1);
    assert_int_equal(controller->downs, 0);
    assert_true(link_is_up(controller->link) && link_is_up(satellites[0].link));
    link_free(third.link);
    free(third.hello.node);
}

/* The process is stopped for longer than the silence allowed: nobody is called silent for that. */
static void test_late_timer(void **state)
{
    struct world *world = *state;

    bring_up(world);
    usleep((LINK_SILENCE_MS + 500) * 1000);
    send_note(&world->controller, "note", 1, NULL);
    RUN_UNTIL(world, world->satellites[0].messages == 1);
    RUN_UNTIL(world, link_unsent(world->controller.link) == 0);
    assert_int_equal(world->controller.downs + world->satellites[0].downs, 0);
}

static void test_restart_of_listener(void **state)
{
    struct world *world = *state;
    struct side *controller = &world->controller;

    bring_up(world);
    listener_free(world->listener);
    world->listener = NULL;
    link_free(world->satellites[0].link);
    world->satellites[0].link = NULL;
    RUN_UNTIL(world, controller->downs == 1);
    assert_string_equal(controller->why, "the peer closed the connection");
    assert_false(link_is_up(controller->link));
    send_note(controller, "note", 1, "dropped");
    RUN_UNTIL(world, controller->downs == 3);
    assert_int_equal(link_attempts(controller->link), 2);
    assert_non_null(strstr(controller->why, "cannot connect to 127.0.0.1 port "));
    assert_string_equal(controller->why, link_last_error(controller->link));
    open_listener(world);
    RUN_UNTIL(world, controller->ups == 2 && world->satellites[1].ups == 1);
    assert_int_equal(link_attempts(controller->link), 0);
    send_note(controller, "note", 1, "arrives");
    RUN_UNTIL(world, world->satellites[1].messages == 1);
    assert_int_equal(world->satellites[1].last_length, strlen("arrives"));
}

static void test_bad_address(void **state)
{
    struct world *world = *state;
    struct side *controller = &world->controller;

    controller->link = link_dial(world->loop, "no address", 1, &controller->hello, &events, controller);
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
        dial(world);
        if (where == ON_MESSAGE || where == ON_DOWN) {
            RUN_UNTIL(world, link_is_up(controller->link) && satellite->link && link_is_up(satellite->link));
            for (int n = 1; n <= 3; n++)
                send_note(other, "note", n, NULL);
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
    struct world *world = *state;
    struct side *controller = &world->controller;
    int64_t start_ms = loop_now_ms(world->loop);

    bring_up(world);
    controller->is_sending = true; /* on_down must not come from inside */
    link_reconnect(controller->link);
    link_reconnect(controller->link);
    controller->is_sending = false;
    assert_false(link_is_up(controller->link));
    RUN_UNTIL(world, controller->ups == 2 && world->satellites[1].ups == 1);
    assert_int_equal(controller->downs, 1);
    assert_string_equal(controller->why, "a new connection was asked for");
    assert_true(loop_now_ms(world->loop) - start_ms < LINK_RETRY_MIN_MS);

    controller->reconnect_in = ON_MESSAGE;
    for (int i = 1; i <= 3; i++)
        send_note(&world->satellites[1], "note", i, NULL);
    RUN_UNTIL(world, controller->ups == 3);
    assert_int_equal(controller->messages, 1); /* what else the old connection brought is dropped */
    assert_int_equal(controller->downs, 2);

    controller->reconnect_in = ON_DOWN;
    start_ms = loop_now_ms(world->loop);
    link_free(world->satellites[0].link);
    world->satellites[0].link = NULL;
    RUN_UNTIL(world, controller->ups == 4);
    assert_true(loop_now_ms(world->loop) - start_ms < LINK_RETRY_MIN_MS / 2);
}

static void test_too_long_to_send(void **state)
{
    struct world *world = *state;
    struct side *controller = &world->controller;
    char *huge = memory_alloc(LINK_FRAME_LIMIT + 1);

    memset(huge, 'h', LINK_FRAME_LIMIT);
    bring_up(world);
    send_note(controller, "note", 1, huge);
    free(huge);
    send_note(controller, "note", 2, "is not sent either");
    RUN_UNTIL(world, controller->downs == 1);
    assert_non_null(strstr(controller->why, "a frame of type 'note' would have 671"));
    RUN_UNTIL(world, controller->ups == 2 && world->satellites[1].ups == 1);
    assert_int_equal(world->satellites[0].messages, 0);
    assert_int_equal(world->satellites[0].downs, 1);
}

int main(void)
{
#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(test_up_and_messages),
        WORLD_TEST(test_order_of_large_and_small),
        WORLD_TEST(test_ranges),
        WORLD_TEST(test_ranges_apart),
        WORLD_TEST(test_satellite_refuses),
        WORLD_TEST(test_controller_refuses),
        WORLD_TEST(test_garbage),
        WORLD_TEST(test_garbage_when_up),
        WORLD_TEST(test_large_hello),
        WORLD_TEST(test_silence),
        WORLD_TEST(test_late_timer),
        WORLD_TEST(test_restart_of_listener),
        WORLD_TEST(test_bad_address),
        WORLD_TEST(test_free_in_callbacks),
        WORLD_TEST(test_reconnect),
        WORLD_TEST(test_too_long_to_send),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
