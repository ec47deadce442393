/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The event loop: time, timers, signals, work beside the loop, and the turn. It is the only clock of the program.
 * Callbacks of sockets, timers and children may only note what happened and call loop_mark_dirty(); what follows from
 * it is done once per turn, by the turn functions, before the loop sleeps. loop.c implements this on libuv, tests/sim
 * on a virtual clock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct timer;

struct loop *loop_new(void);
void loop_free(struct loop *loop); /* every timer, connection and child must have been freed */
void loop_run(struct loop *loop);  /* until loop_stop() */
void loop_stop(struct loop *loop);

int64_t loop_now_ms(const struct loop *loop);  /* monotonic; constant during a callback */
int64_t loop_wall_ms(const struct loop *loop); /* since the epoch, UTC */

/* Turn functions run in the order they were added, when the loop is dirty, before it sleeps. */
void loop_on_turn(struct loop *loop, void (*turn)(void *owner), void *owner);
void loop_remove_turn(struct loop *loop, void (*turn)(void *owner), void *owner);
void loop_mark_dirty(struct loop *loop);

/* A timer fires once, or every period_ms when that is not 0. Timers do not keep the loop alive. */
struct timer *timer_new(struct loop *loop, void (*fire)(void *owner), void *owner);
void timer_start(struct timer *timer, int64_t after_ms, int64_t period_ms);
void timer_stop(struct timer *timer);
bool timer_is_active(const struct timer *timer);
void timer_free(struct timer *timer); /* NULL is fine */

/* work() runs on another thread and may touch only what arg leads to; done() then runs on the loop. */
void loop_queue_work(struct loop *loop, void (*work)(void *arg), void (*done)(void *arg), void *arg);

/* Several functions may listen to one signal. */
void loop_on_signal(struct loop *loop, int signum, void (*fire)(void *owner), void *owner);
