/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For tests of the satellite: a whole satellite in this process, on real files and loop devices, with a controller at
 * the other end of a real link. The test program is the satellite's worker, too. cmocka.h must be included before.
 */
#pragma once

#include "drivers/run.h"
#include "model/want.h"
#include "net/link.h"
#include "roles/satellite/satellite.h"

enum { LIMIT_MS = 20000 };

struct controller {
    struct world *world;
    struct link *link;
    struct link_hello peer;
    struct held held;
    bool was_refused, was_held;
    int held_parts;
    char reason[256];
    LIST_OF(struct report) reports;
};

struct world {
    struct loop *loop;
    struct runner *runner;
    struct satellite *satellite;
    struct timer *look, *deadline;
    bool (*is_reached)(struct world *world);
    bool is_late;
    struct arena arena;
    struct controller controller;
    char directory[64], data[96];
    const char *name; /* what the predicates are about */
    int64_t generation, token;
    int workers; /* at most; 0: the default */
    int kills;
};

/* The newest that was reported; NULL when nothing was. */
const struct resource_fact *seen(const struct world *world, const char *name);
const struct pool_fact *seen_pool(const struct world *world, const char *name);
const struct report *seen_orphans(const struct world *world);
/* Runs the loop until then; false, or a failure of the test, when it takes too long. */
bool wait_quietly(struct world *world, bool (*is_reached)(struct world *world), int64_t limit_ms);
void wait_until(struct world *world, bool (*is_reached)(struct world *world));
void start_satellite(struct world *world);
void stop_satellite(struct world *world);
struct link *dial(struct world *world, struct controller *controller, const char *cluster, const char *node);
void connect_controller(struct world *world);
void world_init_workers(struct world *world, int workers);
void world_init(struct world *world);
int count_devices(const struct world *world);
void world_done(struct world *world);
/* Parts of wants; a pool is named after its provider and lies in a directory of that name, which is made. */
struct pool_want *add_pool(struct world *world, struct wants *wants, const char *provider);
struct resource_want *add_resource(struct world *world, struct wants *wants, const char *name, const char *pool,
                                   int64_t size_kib, int64_t generation);
void send_wants(struct world *world, const struct wants *wants);
bool resource_is_applied(struct world *world);
bool resource_has_trouble(struct world *world);
void wait_for_resource(struct world *world, const char *name, int64_t generation,
                       bool (*is_reached)(struct world *world));
/* Wants it and waits until it is so. */
void create(struct world *world, const char *name, const char *provider, int64_t size_kib, int64_t generation);
void remove_resource(struct world *world, const char *name, const char *provider, int64_t generation);
int64_t size_of_device(const char *path);
void write_device(const char *path, int64_t offset, const char *text);
void check_device(const char *path, int64_t offset, const char *text);
char *path_in(struct world *world, const char *provider, const char *file);

/* Runs the tests, or as the worker when it was started as one; 77 (skipped) where there are no loop devices. */
#define SATELLITE_TEST_MAIN(tests)                                                                                     \
    int main(int argc, char **argv)                                                                                    \
    {                                                                                                                  \
        int skipped = satellite_test_begin(argc, argv);                                                                \
        return skipped >= 0 ? skipped : cmocka_run_group_tests(tests, NULL, NULL);                                     \
    }
int satellite_test_begin(int argc, char **argv); /* below 0: go on */
