/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs worlds by seed. Seeds are run by child processes, some by each, so that one that ends in an assertion or a
 * violation takes no other with it, and what dead processes left goes from time to time.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
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
#include "scenario.h"
#include "store_sim.h"
#include "user.h"
#include "workload.h"

enum {
    SEEDS_PER_CHILD = 20,
    FAILURES_SHOWN = 5,
    CHECK_EVENTS = 50,   /* so many events from one look at everything to the next */
    CRASH_EVENTS = 4000, /* one event in so many is the last of its process */
    SETTLE_MS = 900000,  /* after the faults; backoff grows to a minute, and some things wait for others */
    SETTLE_LOOK_MS = 2000,
    STAY_MS = 30000, /* what has come to rest stays so */

    /* By the clock on the wall: seeds take milliseconds, and thousands of times that on a machine that is busy. */
    SEED_SECONDS = 240,
    EXIT_VIOLATION = 3, /* as world_violation has it */
    EXIT_INTERRUPTED = 4,
};

/* Shared with children. */
struct progress {
    uint64_t seed;
    bool is_over; /* all its seeds are done, and leaks are looked for */
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

        if (world.events % CHECK_EVENTS == 0)
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
        user_act();
        run_until(world_now_ms() + SETTLE_LOOK_MS);
        why = check_settled(true);
        if (why)
            continue;
        run_until(world_now_ms() + STAY_MS);
        why = check_settled(true);
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
    run_until(world_now_ms() + chance_between(5000, 60000));
    workload_stop();
    cluster_end_faults();
    settle();
    cluster_done();
    user_done();
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
        alarm(SEED_SECONDS);
        run_seed(seed, false, &progress->counts);
    }
    alarm(SEED_SECONDS);
    progress->is_over = true;
    exit(0); /* looks for leaks */
}

/* Why a child has ended, which it may have had no time to tell. */
static const char *explain_end(int status)
{
    static char text[160];

    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        snprintf(text, sizeof(text), "it did not end within %d seconds", SEED_SECONDS);
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        snprintf(text, sizeof(text), "killed from outside, or for want of memory");
    else if (WIFSIGNALED(status))
        snprintf(text, sizeof(text), "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) == EXIT_VIOLATION)
        snprintf(text, sizeof(text), "violation");
    else
        snprintf(text, sizeof(text), "ended with status %d, as sanitizers do", WEXITSTATUS(status));
    return text;
}

static volatile sig_atomic_t was_interrupted;

static void interrupt(int number)
{
    was_interrupted = number;
}

/* What a child has to do, and how far it came. */
struct job {
    pid_t child; /* 0: none */
    uint64_t end;
    struct progress *progress; /* shared with it */
};

static void start_job(struct job *job, uint64_t first, uint64_t end)
{
    job->end = end;
    job->progress->seed = first;
    job->progress->is_over = false;
    fflush(NULL);
    job->child = fork();
    if (job->child < 0) {
        perror("fork");
        exit(2);
    }
    if (job->child == 0) {
        signal(SIGTERM, SIG_DFL);
        signal(SIGINT, SIG_DFL);
        run_some(first, end, job->progress);
    }
}

/* A test's time limit, or a user's patience, is over: what was under way is told, and ends. */
static void give_up(const struct job *jobs, int count)
{
    fprintf(stderr, "interrupted by signal %d (%s) during", (int)was_interrupted, strsignal(was_interrupted));
    for (int i = 0; i < count; i++) {
        if (jobs[i].child == 0)
            continue;
        fprintf(stderr, " seed %" PRIu64, jobs[i].progress->seed);
        kill(jobs[i].child, SIGKILL);
    }
    fprintf(stderr, "; no seed has failed for that\n");
    exit(EXIT_INTERRUPTED);
}

/* Waits for one of them. True when it failed; what it has not done is done by another child. */
static bool end_job(struct job *jobs, int count)
{
    int status = 0, at = 0;
    pid_t child;

    do {
        child = waitpid(-1, &status, 0);
        if (was_interrupted)
            give_up(jobs, count);
    } while (child < 0 && errno == EINTR);
    while (at < count && jobs[at].child != child)
        at++;
    if (child <= 0 || at == count) {
        perror("waitpid");
        exit(2);
    }
    jobs[at].child = 0;
    if (status == 0)
        return false;
    fprintf(stderr, "seed %" PRIu64 " fails%s: %s\n\n", jobs[at].progress->seed,
            jobs[at].progress->is_over ? ", or one of those before it" : "", explain_end(status));
    if (jobs[at].progress->seed + 1 < jobs[at].end)
        start_job(&jobs[at], jobs[at].progress->seed + 1, jobs[at].end);
    return true;
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

static int count_running(const struct job *jobs, int count)
{
    int running = 0;

    for (int i = 0; i < count; i++)
        running += jobs[i].child > 0;
    return running;
}

static struct job *find_idle(struct job *jobs, int count)
{
    for (int i = 0; i < count; i++)
        if (jobs[i].child == 0)
            return &jobs[i];
    return NULL;
}

static void sum_up(const struct job *jobs, int count, struct counts *sum)
{
    for (int i = 0; i < count; i++) {
        const int64_t *from = (const int64_t *)&jobs[i].progress->counts;

        for (size_t at = 0; at < sizeof(*sum) / sizeof(int64_t); at++)
            ((int64_t *)sum)[at] += from[at];
    }
}

/* next() gives the seeds for one more child; false at the end. */
static int run_jobs(struct job *jobs, int count, bool (*next)(void *owner, uint64_t *first, uint64_t *end), void *owner)
{
    int64_t failures = 0;
    struct counts sum = { 0 };
    uint64_t first, end;
    bool is_more = true;

    while (is_more || count_running(jobs, count) > 0) {
        struct job *idle = find_idle(jobs, count);

        is_more = is_more && failures < FAILURES_SHOWN;
        if (!idle || !is_more)
            failures += end_job(jobs, count);
        else if ((is_more = next(owner, &first, &end)))
            start_job(idle, first, end);
    }
    if (failures >= FAILURES_SHOWN)
        fprintf(stderr, "stopping after %d failures\n", FAILURES_SHOWN);
    sum_up(jobs, count, &sum);
    print_summary(&sum, failures);
    return failures > 0;
}

/* Each in a child, as seeds are. */
static int run_scenarios(const char *only, bool is_verbose)
{
    int failures = 0;
    size_t run = 0;

    for (size_t i = 0; i < scenario_count(); i++) {
        int status = 0;
        pid_t child;

        if (only && strcmp(only, scenario_name(i)) != 0)
            continue;
        run++;
        fflush(NULL);
        child = fork();
        if (child == 0) {
            struct counts counts = { 0 };

            alarm(SEED_SECONDS);
            scenario_run(i, is_verbose, &counts);
            exit(0);
        }
        if (child < 0 || waitpid(child, &status, 0) != child) {
            perror("fork");
            exit(2);
        }
        failures += status != 0;
        printf("%-4s scenario %s%s%s\n", status ? "FAIL" : "ok", scenario_name(i), status ? ": " : "",
               status ? explain_end(status) : "");
    }
    if (run == 0)
        fprintf(stderr, "there is no scenario '%s'\n", only);
    return failures > 0 || run == 0;
}

struct range {
    uint64_t at, end;
};

static bool next_of_range(void *owner, uint64_t *first, uint64_t *end)
{
    struct range *range = owner;

    if (range->at >= range->end)
        return false;
    *first = range->at;
    *end = range->end - range->at > SEEDS_PER_CHILD ? range->at + SEEDS_PER_CHILD : range->end;
    range->at = *end;
    return true;
}

/* One seed in a line, then why it is there. */
static bool next_of_list(void *owner, uint64_t *first, uint64_t *end)
{
    char line[512];

    while (fgets(line, sizeof(line), owner)) {
        *first = strtoull(line, NULL, 10);
        *end = *first + 1;
        if (*first > 0)
            return true;
    }
    return false;
}

static struct job *make_jobs(int count)
{
    struct job *jobs = memory_alloc(sizeof(*jobs) * (size_t)count);
    struct progress *progress =
        mmap(NULL, sizeof(*progress) * (size_t)count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (progress == MAP_FAILED) {
        perror("mmap");
        exit(2);
    }
    for (int i = 0; i < count; i++)
        jobs[i].progress = &progress[i];
    return jobs;
}

static int run_list(struct job *jobs, int count, const char *path)
{
    FILE *list = fopen(path, "r");
    int result;

    if (!list) {
        perror(path);
        return 2;
    }
    result = run_jobs(jobs, count, next_of_list, list);
    fclose(list);
    return result;
}

static int usage(FILE *out, int status)
{
    fputs("usage: sim [--seeds N] [--first N] [--list FILE] [--jobs N] | sim --seed N [--verbose]\n"
          "       sim --scenarios | sim --scenario NAME [--verbose]\n"
          "Runs clusters in virtual time while everything fails; each seed (from 1) is another story.\n",
          out);
    return status;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "seeds", required_argument, NULL, 's' }, { "first", required_argument, NULL, 'f' },
        { "seed", required_argument, NULL, 'o' },  { "list", required_argument, NULL, 'l' },
        { "jobs", required_argument, NULL, 'j' },  { "verbose", no_argument, NULL, 'v' },
        { "scenarios", no_argument, NULL, 'S' },   { "scenario", required_argument, NULL, 'n' },
        { "help", no_argument, NULL, 'h' },        { 0 },
    };
    int64_t seeds = 1000, first = 1, only = 0, count = sysconf(_SC_NPROCESSORS_ONLN);
    struct counts counts = { 0 };
    struct range range;
    struct job *jobs;
    int result;
    const char *list = NULL, *scenario = NULL;
    bool is_verbose = false, has_scenarios = false;
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        bool is_good = true;

        switch (option) {
        case 's': is_good = text_parse_i64(optarg, 1, INT64_MAX, &seeds); break;
        case 'f': is_good = text_parse_i64(optarg, 1, INT64_MAX, &first); break;
        case 'o': is_good = text_parse_i64(optarg, 1, INT64_MAX, &only); break;
        case 'l': list = optarg; break;
        case 'j': is_good = text_parse_i64(optarg, 1, 256, &count); break;
        case 'S': has_scenarios = true; break;
        case 'n': scenario = optarg; break;
        case 'v': is_verbose = true; break;
        case 'h': return usage(stdout, 0);
        default: return usage(stderr, 2);
        }
        if (!is_good)
            return usage(stderr, 2);
    }
    if (has_scenarios || scenario)
        return run_scenarios(scenario, is_verbose);
    if (only) {
        run_seed((uint64_t)only, is_verbose, &counts);
        print_summary(&counts, 0);
        return 0;
    }
    sigaction(SIGTERM, &(struct sigaction){ .sa_handler = interrupt }, NULL);
    sigaction(SIGINT, &(struct sigaction){ .sa_handler = interrupt }, NULL);
    jobs = make_jobs((int)count);
    range = (struct range){ (uint64_t)first, (uint64_t)first + (uint64_t)seeds };
    result = list ? run_list(jobs, (int)count, list) : run_jobs(jobs, (int)count, next_of_range, &range);
    free(jobs);
    return result;
}

/* Stacks of allocations are short: they cost more than everything else. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "malloc_context_size=8";
}
