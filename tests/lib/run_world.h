/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A runner with real tools and real workers, and what tests of it are written with: the program is its own worker. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/loop.h"
#include "drivers/run.h"

#define RUN_SECOND_TURN "lvm vg0"

struct run_world {
    struct loop *loop;
    struct runner *runner;
    struct plan plan;
    struct timer *deadline, *pause, *watch;
    const char *watched; /* the file for which act waits */
    void (*act)(void *owner);
    void *actor;
    bool is_late;
    int done, hangs;  /* the Nth hanging step makes the file "hangsN" */
    char hanging[64]; /* "what", or "what behind what" */
    struct arena arena;
    struct outcome outcomes[16];
    size_t count;
    char directory[64];
};

extern const struct run_events run_world_events;

void run_world_init(struct run_world *world, const struct run_options *options);
void run_world_done(struct run_world *world);
/* Runs world->plan to its end, which must come within 20 seconds. */
void run_world_run(struct run_world *world);
/* How each of its steps ended. */
#define RUN_WORLD_EXPECT(world, ...)                                                                                   \
    run_world_expect(world, (const enum outcome_result[]){ __VA_ARGS__ },                                              \
                     sizeof((const enum outcome_result[]){ __VA_ARGS__ }) / sizeof(enum outcome_result))
void run_world_expect(const struct run_world *world, const enum outcome_result *results, size_t count);
struct step *run_world_add_tool(struct run_world *world, const char *script);
struct step *run_world_add_file(struct run_world *world, enum step_kind kind, const char *name, int64_t size_kib);
/*
 * A script that begins in the world's directory when there is a file of this name, and fails when there is none for too
 * long. Valid as long as the world.
 */
const char *run_world_script(struct run_world *world, const char *awaited, const char *script);
/* Whether there is a file of this name in that directory. */
bool run_world_has(const struct run_world *world, const char *name);
void run_world_touch(const struct run_world *world, const char *name);
/* Calls act on the loop as soon as there is one; one such call at a time. */
void run_world_when(struct run_world *world, const char *name, void (*act)(void *owner), void *owner);
/* Lets the loop run until there is one; fails when it takes too long. */
void run_world_await(struct run_world *world, const char *name);
/* The number of the youngest worker that lives; there must be one. */
int run_world_worker(void);
/* For timers and run_world_when(). */
void run_world_kill_worker(void *owner);

/* Another run of the same runner, of one step. When it has ended, the worker that was stopped for it goes on. */
struct run_second {
    struct run_world *world;
    struct plan plan;
    struct timer *starter;
    int stopped, done;
};

void run_second_init(struct run_second *second, struct run_world *world);
void run_second_done(struct run_second *second);
void run_second_stop_worker(struct run_second *second);
/* Before the world's run, or so much later. */
void run_second_start(struct run_second *second);
void run_second_start_in(struct run_second *second, int64_t after_ms);
/* One that takes the turn RUN_SECOND_TURN. */
struct step *run_second_add_tool(struct run_second *second, const char *script);

/* How main() begins: a process that is to be a worker is one until it ends. Else a single argument picks tests. */
void run_world_main(int argc, char **argv);
