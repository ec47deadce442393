/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs worlds by seed. Seeds are run by child processes, some by each, so that one that ends in an assertion or a
 * violation takes no other with it, and what dead processes left goes from time to time.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "check.h"
#include "cluster.h"
#include "http_sim.h"
#include "machine.h"
#include "store_sim.h"
#include "workload.h"

enum {
    SEEDS_PER_CHILD = 20,
    FAILURES_SHOWN = 5,
    CHECK_EVENTS = 200,  /* so many events from one look at everything to the next */
    CRASH_EVENTS = 4000, /* one event in so many is the last of its process */
    SETTLE_MS = 900000,  /* after the faults; backoff grows to a minute, and some things wait for others */
    SETTLE_LOOK_MS = 2000,
    STAY_MS = 30000, /* what has come to rest stays so */
};

/* Shared with children. */
struct progress {
    uint64_t seed;
    struct counts counts;
};

static struct host *find_process(const struct loop *loop)
{
    for (int i = 0; i < HOST_LIMIT; i++)
        if (loop && world.hosts[i].process == loop)
            return &world.hosts[i];
    return NULL;
}

static void run_until(int64_t end_ms)
{
    struct loop *loop;

    while (world_now_ms() < end_ms && world_step(&loop)) {
        struct host *host = find_process(loop);

        if (world.counts->events % CHECK_EVENTS == 0)
            check_always();
        if (host && fault_strikes(host->index == HOST_CONTROLLER ? FAULT_CONTROLLER_CRASH : FAULT_SATELLITE_CRASH,
                                  CRASH_EVENTS))
            cluster_crash(host);
    }
}

static void ring(void *owner)
{
    (void)owner; /* so that there always is a next event */
    world_after(NULL, 1000, ring, NULL);
}

static void settle(void)
{
    int64_t end_ms = world_now_ms() + SETTLE_MS;
    const char *why = "";

    while (world_now_ms() < end_ms) {
        run_until(world_now_ms() + SETTLE_LOOK_MS);
        why = check_settled();
        if (why)
            continue;
        run_until(world_now_ms() + STAY_MS);
        why = check_settled();
        if (why)
            world_violation("it had come to rest, and then: %s", why);
        return;
    }
    world_violation("it does not come to rest: %s", why);
}

static void run_seed(uint64_t seed, bool is_verbose, struct counts *counts)
{
    world_init(seed, is_verbose, counts);
    store_sim_init();
    machines_init();
    world_after(NULL, 0, ring, NULL);
    cluster_init();
    workload_start();
    run_until(world_now_ms() + chance_between(10000, 120000));
    workload_stop();
    cluster_end_faults();
    settle();
    cluster_done();
    workload_done();
    network_done();
    runners_done();
    machines_done();
    store_sim_done();
    world_done();
    counts->seeds++;
}

static void run_some(uint64_t first, uint64_t end, struct progress *progress)
{
    for (uint64_t seed = first; seed < end; seed++) {
        progress->seed = seed;
        run_seed(seed, false, &progress->counts);
    }
    exit(0); /* looks for leaks */
}

/* The seed that failed; 0: none did. */
static uint64_t run_child(uint64_t first, uint64_t end, struct progress *progress)
{
    pid_t child = fork();
    int status = -1;

    if (child < 0) {
        perror("fork");
        exit(2);
    }
    if (child == 0)
        run_some(first, end, progress);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (status == 0)
        return 0;
    fprintf(stderr, "seed %" PRIu64 " fails\n\n", progress->seed);
    return progress->seed;
}

static void print_summary(const struct counts *counts, int64_t failures)
{
    printf("%" PRId64 " seeds, %" PRId64 " failed: %.1f hours of virtual time, %" PRId64 " events, %" PRId64
           " requests (%" PRId64 " acknowledged, %" PRId64 " refused, %" PRId64 " without answer), %" PRId64
           " commits, %" PRId64 " steps, %" PRId64 " connections\n",
           counts->seeds + failures, failures, (double)counts->virtual_ms / 3600000, counts->events, counts->requests,
           counts->acknowledged, counts->refused, counts->unanswered, counts->commits, counts->steps,
           counts->connections);
    for (int i = 0; i < FAULT_COUNT; i++)
        if (counts->faults[i] > 0)
            printf("%10" PRId64 " %s\n", counts->faults[i], fault_names[i]);
}

static int run_all(uint64_t first, uint64_t seeds, struct progress *progress)
{
    int64_t failures = 0;

    for (uint64_t seed = first; seed < first + seeds;) {
        uint64_t end = seed + SEEDS_PER_CHILD, failed;

        if (end > first + seeds)
            end = first + seeds;
        failed = run_child(seed, end, progress);
        failures += failed != 0;
        if (failures == FAILURES_SHOWN) {
            fprintf(stderr, "stopping after %d failures\n", FAILURES_SHOWN);
            break;
        }
        seed = failed ? failed + 1 : end;
    }
    print_summary(&progress->counts, failures);
    return failures > 0;
}

/* One seed in a line, then why it is there. */
static int run_list(const char *path, struct progress *progress)
{
    FILE *list = fopen(path, "r");
    char line[512];
    int64_t failures = 0;

    if (!list) {
        perror(path);
        return 2;
    }
    while (fgets(line, sizeof(line), list)) {
        uint64_t seed = strtoull(line, NULL, 10);

        if (seed != 0 && run_child(seed, seed + 1, progress) != 0)
            failures++;
    }
    fclose(list);
    print_summary(&progress->counts, failures);
    return failures > 0;
}

static int usage(FILE *out, int status)
{
    fputs("usage: sim [--seeds N] [--first N] [--list FILE] | sim --seed N [--verbose]\n"
          "Runs clusters in virtual time while everything fails; each seed (from 1) is another story.\n",
          out);
    return status;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "seeds", required_argument, NULL, 's' },
        { "first", required_argument, NULL, 'f' },
        { "seed", required_argument, NULL, 'o' },
        { "list", required_argument, NULL, 'l' },
        { "verbose", no_argument, NULL, 'v' },
        { "help", no_argument, NULL, 'h' },
        { 0 },
    };
    struct progress *progress =
        mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int64_t seeds = 1000, first = 1, only = 0;
    const char *list = NULL;
    bool is_verbose = false;
    int option;

    if (progress == MAP_FAILED)
        return 2;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        bool is_good = true;

        switch (option) {
        case 's': is_good = text_parse_i64(optarg, 1, INT64_MAX, &seeds); break;
        case 'f': is_good = text_parse_i64(optarg, 1, INT64_MAX, &first); break;
        case 'o': is_good = text_parse_i64(optarg, 1, INT64_MAX, &only); break;
        case 'l': list = optarg; break;
        case 'v': is_verbose = true; break;
        case 'h': return usage(stdout, 0);
        default: return usage(stderr, 2);
        }
        if (!is_good)
            return usage(stderr, 2);
    }
    if (list)
        return run_list(list, progress);
    if (!only)
        return run_all((uint64_t)first, (uint64_t)seeds, progress);
    run_seed((uint64_t)only, is_verbose, &progress->counts);
    print_summary(&progress->counts, 0);
    return 0;
}
