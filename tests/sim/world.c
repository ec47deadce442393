/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The queue is a binary heap by time, then by a random number; cancelled events stay in it until their time. */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"

enum { START_MS = 1000000 };

const char *const fault_names[FAULT_COUNT] = {
    "controller crashes", "satellite crashes", "power losses",   "broken connections", "partitions",
    "slow network",       "lost requests",     "failed commits", "slow commits",       "failed steps",
    "slow steps",         "hanging steps",     "lost workers",   "busy devices",       "late mounts",
};

struct event {
    int64_t at_ms;
    uint64_t tie;
    struct loop *loop;
    void (*happen)(void *owner); /* NULL: cancelled */
    void *owner;
};

struct world world;

static struct {
    int64_t now_ms;
    uint64_t random, bytes; /* bytes: what the program takes for chance has a source of its own */
    struct event **events;
    size_t count, room;
} own;

/* Outlives the worlds: what lies in it is never freed, that is the price of dying without a word. */
static struct grave {
    struct grave *next;
    void *remains;
} * graveyard;

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t chance_next(void)
{
    return splitmix(&own.random);
}

int64_t chance_between(int64_t low, int64_t high)
{
    return low + (int64_t)(chance_next() % (uint64_t)(high - low + 1));
}

bool chance_one_in(int64_t n)
{
    return chance_next() % (uint64_t)n == 0;
}

bool fault_is_on(enum fault fault)
{
    return !world.is_quiet && (world.enabled >> fault & 1);
}

bool fault_strikes(enum fault fault, int64_t n)
{
    if (!fault_is_on(fault) || !chance_one_in(n))
        return false;
    world.counts->faults[fault]++;
    return true;
}

static void give_bytes(void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((unsigned char *)bytes)[i] = (unsigned char)(splitmix(&own.bytes) >> 32);
}

void world_init(uint64_t seed, bool is_verbose, struct counts *counts)
{
    memset(&world, 0, sizeof(world));
    memset(&own, 0, sizeof(own));
    world.seed = seed;
    world.is_verbose = is_verbose;
    world.counts = counts;
    own.now_ms = START_MS;
    own.random = seed;
    own.bytes = ~seed;
    (void)chance_next();
    text_set_random(give_bytes);
    log_set_level(is_verbose ? LOG_DEBUG : LOG_ERROR);
    world.is_calm = chance_one_in(8);
    world.enabled = world.is_calm ? 0 : (unsigned)(chance_next() & ((1U << FAULT_COUNT) - 1));
    world.satellites = (int)chance_between(1, SATELLITE_LIMIT);
    for (int i = 0; i < HOST_LIMIT; i++) {
        struct host *host = &world.hosts[i];

        host->index = i;
        host->is_on = true;
        snprintf(host->name, sizeof(host->name), i == HOST_CONTROLLER ? "c" : "n%d", i);
        snprintf(host->address, sizeof(host->address), "10.0.0.%d", i + 1);
    }
}

void world_done(void)
{
    for (size_t i = 0; i < own.count; i++)
        free(own.events[i]);
    free(own.events);
    own.events = NULL;
    own.count = own.room = 0;
    text_set_random(NULL);
}

int64_t world_now_ms(void)
{
    return own.now_ms;
}

static bool is_before(const struct event *a, const struct event *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->tie < b->tie;
}

struct event *world_after(struct loop *loop, int64_t after_ms, void (*happen)(void *owner), void *owner)
{
    struct event *event = memory_alloc(sizeof(*event));
    size_t at = own.count++;

    *event = (struct event){ own.now_ms + (after_ms > 0 ? after_ms : 0), chance_next(), loop, happen, owner };
    if (own.count > own.room) {
        own.room = own.room ? own.room * 2 : 256;
        own.events = memory_resize(own.events, own.room * sizeof(struct event *));
    }
    for (; at > 0 && is_before(event, own.events[(at - 1) / 2]); at = (at - 1) / 2)
        own.events[at] = own.events[(at - 1) / 2];
    own.events[at] = event;
    return event;
}

void world_cancel(struct event *event)
{
    if (event)
        event->happen = NULL;
}

static struct event *take_first(void)
{
    struct event *first = own.events[0], *last = own.events[--own.count];
    size_t at = 0, child;

    while ((child = 2 * at + 1) < own.count) {
        if (child + 1 < own.count && is_before(own.events[child + 1], own.events[child]))
            child++;
        if (!is_before(own.events[child], last))
            break;
        own.events[at] = own.events[child];
        at = child;
    }
    own.events[at] = last;
    return first;
}

bool world_step(struct loop **loop)
{
    while (own.count > 0) {
        struct event event, *first = take_first();

        event = *first;
        free(first);
        if (!event.happen || (event.loop && sim_loop_is_dead(event.loop)))
            continue;
        world.counts->virtual_ms += event.at_ms - own.now_ms;
        world.counts->events++;
        world.events++;
        own.now_ms = event.at_ms;
        world.running = event.loop;
        event.happen(event.owner);
        *loop = world.running;
        world.running = NULL;
        return true;
    }
    return false;
}

void world_bury(void *remains)
{
    struct grave *grave = memory_alloc(sizeof(*grave));

    *grave = (struct grave){ graveyard, remains };
    graveyard = grave;
}

static void write_line(const char *who, const char *format, va_list args)
{
    flockfile(stderr);
    fprintf(stderr, "%10.3f %-4s ", (double)(own.now_ms - START_MS) / 1000, who);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    funlockfile(stderr);
}

void world_violation(const char *format, ...)
{
    va_list args;

    fprintf(stderr, "%s %llu: violation at\n", world.scenario ? world.scenario : "seed",
            (unsigned long long)world.seed);
    va_start(args, format);
    write_line("****", format, args);
    va_end(args);
    if (world.scenario)
        fprintf(stderr, "replay: build/tests/sim/sim --scenario %s --verbose\n", world.scenario);
    else
        fprintf(stderr, "replay: build/tests/sim/sim --seed %llu --verbose\n", (unsigned long long)world.seed);
    _exit(3);
}

void world_note(const char *format, ...)
{
    va_list args;

    if (!world.is_verbose)
        return;
    va_start(args, format);
    write_line("----", format, args);
    va_end(args);
}

/* In place of base/log.c: with virtual time and the name of the host, and only when somebody reads it. */

static enum log_level current_level = LOG_ERROR;

bool log_is_on(enum log_level level)
{
    return world.is_verbose && level <= current_level;
}

enum log_level log_get_level(void)
{
    return current_level;
}

void log_set_level(enum log_level level)
{
    current_level = level;
}

void log_write(enum log_level level, const char *domain, const char *format, ...)
{
    const struct host *host =
        world.running && !sim_loop_is_dead(world.running) ? sim_loop_host(world.running) : world.starting;
    char text[2048];
    va_list args;

    if (!log_is_on(level))
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    world_note("%s %c %s: %s", host ? host->name : "-", "EWIDT"[level], domain, text);
}
