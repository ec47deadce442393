/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The simulated world: one clock, one queue of events, one source of chance, and the hosts on which processes live and
 * die. Everything that happens is an event, and events happen one after another; so a seed replays exactly, and a
 * process can die between any two of them.
 *
 * A process that dies runs no code for it: its loop is marked dead, its events are dropped, and its objects stay
 * behind, reachable from the world's graveyard.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "base/memory.h"

enum {
    HOST_CONTROLLER = 0,
    HOST_LIMIT = 5, /* the controller's and four satellites' */
    SATELLITE_LIMIT = HOST_LIMIT - 1,
    SATELLITE_PORT = 3366,
};

struct listener;
struct host {
    int index;
    char name[8];         /* "c", "n1", ...: also the name of the node */
    char address[16];     /* "10.0.0.1" */
    bool is_on;           /* it has power */
    struct loop *process; /* NULL: none is running */
    struct listener *listeners;
};

/* Kinds of faults, switched on or off by the seed, so that seeds differ in more than the order of events. */
enum fault {
    FAULT_CONTROLLER_CRASH,
    FAULT_SATELLITE_CRASH,
    FAULT_POWER_LOSS,
    FAULT_CONNECTION, /* connections break at any byte */
    FAULT_PARTITION,
    FAULT_SLOW_NETWORK,
    FAULT_CLIENT, /* requests and answers get lost, clients hang up */
    FAULT_COMMIT_FAILS,
    FAULT_COMMIT_SLOW,
    FAULT_STEP_FAILS,
    FAULT_STEP_SLOW,
    FAULT_STEP_HANGS,
    FAULT_STEP_LOST,   /* the worker dies */
    FAULT_DEVICE_BUSY, /* somebody holds a device open */
    FAULT_UNMOUNTED,   /* after a power loss a pool has no file system for a while */
    FAULT_COUNT,
};
extern const char *const fault_names[FAULT_COUNT];

struct counts { /* for the summary: what the seeds have covered */
    int64_t seeds, events, virtual_ms, requests, acknowledged, refused, unanswered, steps, commits, connections;
    int64_t faults[FAULT_COUNT];
};

struct world {
    uint64_t seed;
    const char *scenario; /* NULL: the seed's story */
    bool is_verbose;
    bool is_calm;     /* this seed has no faults at all */
    bool is_quiet;    /* faults have stopped */
    unsigned enabled; /* 1 << enum fault */
    int satellites;   /* hosts 1 .. satellites */
    int64_t events;   /* that have happened */
    struct host hosts[HOST_LIMIT];
    struct loop *running;  /* whose event is happening; NULL: nobody's */
    struct host *starting; /* whose process calls loop_new() */
    struct counts *counts;
};
extern struct world world;

void world_init(uint64_t seed, bool is_verbose, struct counts *counts);
void world_done(void); /* every process must have ended */

int64_t world_now_ms(void);

/*
 * An event after a while. With a loop it is dropped when that process dies. Events of the same millisecond happen in
 * random order.
 */
struct event;
struct event *world_after(struct loop *loop, int64_t after_ms, void (*happen)(void *owner), void *owner);
void world_cancel(struct event *event); /* not after it has happened; NULL is fine */
/* The next event; false when there is none. *loop is whose it was, NULL when nobody's or the process has ended. */
bool world_step(struct loop **loop);

/* Keeps memory that a dead process has left, so that nothing looks lost. */
void world_bury(void *remains);

/* Prints what is wrong with the seed and ends the program. */
void world_violation(const char *format, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));
/* A line in the log of a verbose run. */
void world_note(const char *format, ...) PRINTF_LIKE(1, 2);

uint64_t chance_next(void);
int64_t chance_between(int64_t low, int64_t high); /* both included */
bool chance_one_in(int64_t n);
/* One in n, where this kind of fault is on and faults have not stopped; counted. */
bool fault_strikes(enum fault fault, int64_t n);
bool fault_is_on(enum fault fault);

/* loop_sim.c */
struct loop *sim_loop_new(struct host *host); /* becomes the host's process */
struct host *sim_loop_host(const struct loop *loop);
bool sim_loop_is_dead(const struct loop *loop);
void sim_loop_kill(struct loop *loop);

/* conn_sim.c: the network */
void network_process_died(struct host *host);    /* its kernel closes what it had open */
void network_power_lost(struct host *host);      /* nobody hears of it */
void network_break_one(void);                    /* a connection, anywhere in its bytes */
void network_cut(int from, int to, bool is_cut); /* one direction */
void network_heal(void);
void network_done(void);
