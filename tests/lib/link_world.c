/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "link_world.h"

#include "base/memory.h"

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

static void on_message(void *owner, const char *type, const struct link_body *body)
{
    struct side *side = owner;
    struct arena arena = { 0 };
    struct field_error error;
    struct note note = { 0 };

    assert_true(link_is_up(side->link));
    snprintf(side->type, sizeof(side->type), "%s", type);
    if (strcmp(type, "note") != 0)
        link_count_unknown(side->link, type);
    else if (link_read(body, &note_schema, &note, &arena, &error) != 0)
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

const struct link_events world_events = { on_hello, on_up, on_message, on_down };

void side_send_note(struct side *side, const char *type, int32_t number, const char *text)
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
    side->link = link_accept(world->loop, conn, &side->hello, &world_events, side);
    world->accepted++;
    loop_stop(world->loop);
}

static void be_late(void *owner)
{
    struct world *world = owner;

    world->is_late = true;
    loop_stop(world->loop);
}

void world_open_listener(struct world *world)
{
    int error;

    world->listener = listener_new(world->loop, "127.0.0.1", world->port, on_accept, world, &error);
    assert_non_null(world->listener);
    world->port = listener_port(world->listener);
}

void side_init(struct side *side, struct loop *loop, const char *name)
{
    static char version[] = "0.1.0";

    side->loop = loop;
    side->hello.version = version;
    side->hello.node = memory_strdup(name);
    side->is_in_order = true;
}

int world_set_up(void **state)
{
    struct world *world = memory_alloc(sizeof(*world));

    world->loop = loop_new();
    world->timer = timer_new(world->loop, be_late, world);
    side_init(&world->controller, world->loop, "controller");
    side_init(&world->satellites[0], world->loop, "alpha");
    side_init(&world->satellites[1], world->loop, "bravo");
    world_open_listener(world);
    *state = world;
    return 0;
}

int world_tear_down(void **state)
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

void world_dial(struct world *world)
{
    struct side *side = &world->controller;

    side->link = link_dial(world->loop, "127.0.0.1", world->port, &side->hello, &world_events, side);
}

void world_bring_up(struct world *world)
{
    world_dial(world);
    RUN_UNTIL(world, world->controller.ups == 1 && world->satellites[0].ups == 1);
}
