/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The loop on libuv. A prepare handle runs the turn functions right before the loop would sleep. A turn function may
 * make the loop dirty again (a change brings another change): then the next iteration does not sleep, and the turn runs
 * again.
 */
#include "base/loop.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/loop_uv.h"
#include "base/memory.h"

enum { READ_BUFFER_SIZE = 64 * 1024 };

struct turn {
    struct turn *next;
    void (*run)(void *owner);
    void *owner;
};

struct watched_signal {
    uv_signal_t handle;
    struct watched_signal *next;
    void (*fire)(void *owner);
    void *owner;
};

struct loop {
    uv_loop_t uv;
    uv_prepare_t prepare;
    uv_idle_t stay_awake; /* active only while dirty, so that the loop polls instead of sleeping */
    uv_async_t poke;      /* keeps the loop alive until loop_stop() */
    struct turn *turns;
    struct turn *next_turn; /* while they run: they may be removed by each other */
    struct watched_signal *signals;
    struct loop_leftover *leftovers;
    char *read_buffer;
    bool is_dirty;
};

struct timer {
    uv_timer_t handle;
    void (*fire)(void *owner);
    void *owner;
};

static void awake(uv_idle_t *handle)
{
    (void)handle;
}

static void run_turns(uv_prepare_t *handle)
{
    struct loop *loop = handle->data;

    if (!loop->is_dirty)
        return;
    loop->is_dirty = false;
    for (struct turn *turn = loop->turns; turn; turn = loop->next_turn) {
        loop->next_turn = turn->next;
        turn->run(turn->owner);
    }
    if (!loop->is_dirty)
        uv_idle_stop(&loop->stay_awake);
}

struct loop *loop_new(void)
{
    struct loop *loop = memory_alloc(sizeof(*loop));

    signal(SIGPIPE, SIG_IGN); /* a peer that has gone is an error of the write, not the end of the process */
    if (uv_loop_init(&loop->uv) != 0)
        abort();
    uv_prepare_init(&loop->uv, &loop->prepare);
    loop->prepare.data = loop;
    uv_prepare_start(&loop->prepare, run_turns);
    uv_unref((uv_handle_t *)&loop->prepare);
    uv_idle_init(&loop->uv, &loop->stay_awake);
    uv_async_init(&loop->uv, &loop->poke, NULL);
    return loop;
}

static void close_handle(uv_handle_t *handle, void *owner)
{
    (void)owner;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void loop_free(struct loop *loop)
{
    while (loop->leftovers)
        loop->leftovers->end(loop->leftovers);
    uv_walk(&loop->uv, close_handle, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    if (uv_loop_close(&loop->uv) != 0)
        abort();
    while (loop->turns) {
        struct turn *turn = loop->turns;

        loop->turns = turn->next;
        free(turn);
    }
    while (loop->signals) {
        struct watched_signal *watched = loop->signals;

        loop->signals = watched->next;
        free(watched);
    }
    free(loop->read_buffer);
    free(loop);
}

void loop_run(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

uv_loop_t *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

uv_buf_t loop_read_buffer(struct loop *loop)
{
    if (!loop->read_buffer)
        loop->read_buffer = memory_alloc(READ_BUFFER_SIZE);
    return uv_buf_init(loop->read_buffer, READ_BUFFER_SIZE);
}

void loop_add_leftover(struct loop *loop, struct loop_leftover *leftover)
{
    leftover->next = loop->leftovers;
    leftover->link = &loop->leftovers;
    if (leftover->next)
        leftover->next->link = &leftover->next;
    loop->leftovers = leftover;
}

void loop_remove_leftover(struct loop_leftover *leftover)
{
    *leftover->link = leftover->next;
    if (leftover->next)
        leftover->next->link = leftover->link;
}

int64_t loop_now_ms(const struct loop *loop)
{
    return (int64_t)uv_now(&loop->uv);
}

int64_t loop_wall_ms(const struct loop *loop)
{
    struct timespec now;

    (void)loop;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void loop_on_turn(struct loop *loop, void (*run)(void *owner), void *owner)
{
    struct turn *turn = memory_alloc(sizeof(*turn));
    struct turn **last = &loop->turns;

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

void loop_mark_dirty(struct loop *loop)
{
    if (loop->is_dirty)
        return;
    loop->is_dirty = true;
    uv_idle_start(&loop->stay_awake, awake);
}

static void timer_fired(uv_timer_t *handle)
{
    struct timer *timer = handle->data;

    timer->fire(timer->owner);
}

struct timer *timer_new(struct loop *loop, void (*fire)(void *owner), void *owner)
{
    struct timer *timer = memory_alloc(sizeof(*timer));

    uv_timer_init(&loop->uv, &timer->handle);
    uv_unref((uv_handle_t *)&timer->handle);
    timer->handle.data = timer;
    timer->fire = fire;
    timer->owner = owner;
    return timer;
}

void timer_start(struct timer *timer, int64_t after_ms, int64_t period_ms)
{
    uv_timer_start(&timer->handle, timer_fired, after_ms > 0 ? (uint64_t)after_ms : 0, (uint64_t)period_ms);
}

void timer_stop(struct timer *timer)
{
    uv_timer_stop(&timer->handle);
}

bool timer_is_active(const struct timer *timer)
{
    return uv_is_active((const uv_handle_t *)&timer->handle);
}

static void timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void timer_free(struct timer *timer)
{
    if (timer)
        uv_close((uv_handle_t *)&timer->handle, timer_closed);
}

struct work {
    uv_work_t request;
    void (*work)(void *arg);
    void (*done)(void *arg);
    void *arg;
};

static void work_run(uv_work_t *request)
{
    struct work *work = request->data;

    work->work(work->arg);
}

static void work_done(uv_work_t *request, int status)
{
    struct work *work = request->data;

    assert(status == 0); /* nothing is ever cancelled */
    work->done(work->arg);
    free(work);
}

void loop_queue_work(struct loop *loop, void (*run)(void *arg), void (*done)(void *arg), void *arg)
{
    struct work *work = memory_alloc(sizeof(*work));

    work->request.data = work;
    work->work = run;
    work->done = done;
    work->arg = arg;
    uv_queue_work(&loop->uv, &work->request, work_run, work_done);
}

static void signal_fired(uv_signal_t *handle, int signum)
{
    struct watched_signal *watched = handle->data;

    (void)signum;
    watched->fire(watched->owner);
}

void loop_on_signal(struct loop *loop, int signum, void (*fire)(void *owner), void *owner)
{
    struct watched_signal *watched = memory_alloc(sizeof(*watched));

    watched->fire = fire;
    watched->owner = owner;
    watched->next = loop->signals;
    loop->signals = watched;
    uv_signal_init(&loop->uv, &watched->handle);
    watched->handle.data = watched;
    uv_signal_start(&watched->handle, signal_fired, signum);
    uv_unref((uv_handle_t *)&watched->handle);
}
