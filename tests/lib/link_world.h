/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For tests of the link: a controller that dials, two satellites that accept, and raw connections that misbehave, in
 * one process over real sockets of the loopback device. cmocka.h must be included before.
 */
#pragma once

#include "net/link.h"

enum callback { ON_NOTHING, ON_HELLO, ON_UP, ON_MESSAGE, ON_DOWN };

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

void side_init(struct side *side, struct loop *loop, const char *name);
/* number and text as a body of the given type; callbacks from inside of link_send fail the test. */
void side_send_note(struct side *side, const char *type, int32_t number, const char *text);

int world_set_up(void **state);
int world_tear_down(void **state);
void world_open_listener(struct world *world); /* on the same port again */
void world_dial(struct world *world);
void world_bring_up(struct world *world); /* dials, and waits until both sides are up */

extern const struct link_events world_events;

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)
