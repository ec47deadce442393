/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * In place of base/loop.c: a loop on the world's clock. The turn is an event of its own, a moment after what made the
 * loop dirty, so that callbacks gather before a turn as they do in front of a busy kernel.
 */
#include "base/loop.h"

#include <stdlib.h>

#include "world.h"

struct turn {
    struct turn *next;
    void (*run)(void *owner);
    void *owner;
};

struct loop {
    struct host *host;
    struct turn *turns, *next_turn;
    bool is_dirty, is_dead;
};

struct timer {
    struct loop *loop;
    void (*fire)(void *owner);
    void *owner;
    int64_t period_ms;
    struct event *event; /* NULL: not active */
};

struct work {
    struct loop *loop;
    void (*work)(void *arg);
    void (*done)(void *arg);
    void *arg;
};

static const int64_t WALL_START_MS = INT64_C(1700000000000);

struct loop *loop_new(void)
{
    struct loop *loop = memory_alloc(sizeof(*loop));

    loop->host = world.starting;
    loop->host->process = loop;
    return loop;
}

struct loop *sim_loop_new(struct host *host)
{
    struct host *before = world.starting;
    struct loop *loop;

    world.starting = host;
    loop = loop_new();
    world.starting = before;
    return loop;
}

struct host *sim_loop_host(const struct loop *loop)
{
    return loop->host;
}

bool sim_loop_is_dead(const struct loop *loop)
{
    return loop->is_dead;
}

/* Its memory stays: events of its process are still in the queue. */
void sim_loop_kill(struct loop *loop)
{
    loop->is_dead = true;
    if (loop->host->process == loop)
        loop->host->process = NULL;
    if (world.running == loop)
        world.running = NULL;
    world_bury(loop);
}

void loop_free(struct loop *loop)
{
    while (loop->turns) {
        struct turn *turn = loop->turns;

        loop->turns = turn->next;
        free(turn);
    }
    sim_loop_kill(loop);
}

void loop_run(struct loop *loop)
{
    (void)loop;
    world_violation("loop_run() was called; the world runs all loops");
}

void loop_stop(struct loop *loop)
{
    (void)loop;
    world_violation("loop_stop() was called");
}

int64_t loop_now_ms(const struct loop *loop)
{
    (void)loop;
    return world_now_ms();
}

int64_t loop_wall_ms(const struct loop *loop)
{
    (void)loop;
    return WALL_START_MS + world_now_ms();
}

void loop_on_turn(struct loop *loop, void (*run)(void *owner), void *owner)
{
    struct turn *turn = memory_alloc(sizeof(*turn)), **last = &loop->turns;

    turn->run = run;
    turn->owner = owner;
    while (*last)
        last = &(*last)->next;
    *last = turn;
}

void loop_remove_turn(struct loop *loop, void (*run)(void *owner), void *owner)
{
    for (struct turn **link = &loop->turns; *link; link = &(*link)->next) {
        struct turn *turn = *link;

        if (turn->run != run || turn->owner != owner)
            continue;
        if (loop->next_turn == turn)
            loop->next_turn = turn->next;
        *link = turn->next;
        free(turn);
        return;
    }
}

static void run_turns(void *owner)
{
    struct loop *loop = owner;

    loop->is_dirty = false;
    for (struct turn *turn = loop->turns; turn; turn = loop->next_turn) {
        loop->next_turn = turn->next;
        turn->run(turn->owner);
    }
}

void loop_mark_dirty(struct loop *loop)
{
    if (loop->is_dirty)
        return;
    loop->is_dirty = true;
    world_after(loop, chance_one_in(8) ? chance_between(1, 3) : 0, run_turns, loop);
}

struct timer *timer_new(struct loop *loop, void (*fire)(void *owner), void *owner)
{
    struct timer *timer = memory_alloc(sizeof(*timer));

    timer->loop = loop;
    timer->fire = fire;
    timer->owner = owner;
    return timer;
}

static void fired(void *owner)
{
    struct timer *timer = owner;

    timer->event = timer->period_ms > 0 ? world_after(timer->loop, timer->period_ms, fired, timer) : NULL;
    timer->fire(timer->owner);
}

void timer_start(struct timer *timer, int64_t after_ms, int64_t period_ms)
{
    world_cancel(timer->event);
    timer->period_ms = period_ms;
    timer->event = world_after(timer->loop, after_ms, fired, timer);
}

void timer_stop(struct timer *timer)
{
    world_cancel(timer->event);
    timer->event = NULL;
}

bool timer_is_active(const struct timer *timer)
{
    return timer->event != NULL;
}

void timer_free(struct timer *timer)
{
    if (!timer)
        return;
    timer_stop(timer);
    free(timer);
}

static void work_done(void *owner)
{
    struct work *work = owner;

    work->work(work->arg);
    work->done(work->arg);
    free(work);
}

void loop_queue_work(struct loop *loop, void (*run)(void *arg), void (*done)(void *arg), void *arg)
{
    struct work *work = memory_alloc(sizeof(*work));

    *work = (struct work){ .loop = loop, .work = run, .done = done, .arg = arg };
    world_after(loop, chance_between(0, 5), work_done, work);
}

void loop_on_signal(struct loop *loop, int signum, void (*fire)(void *owner), void *owner)
{
    /* Nobody sends signals here: a process that is to end is killed. */
    (void)loop;
    (void)signum;
    (void)fire;
    (void)owner;
}
