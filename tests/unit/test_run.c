/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The runner with real tools and real workers: this program is its own worker. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/loop.h"
#include "base/text.h"
#include "drivers/run.h"

struct world {
    struct loop *loop;
    struct runner *runner;
    struct plan plan;
    struct timer *deadline;
    bool is_late;
    int done, hangs;
    char hanging[64];
    struct arena arena;
    struct outcome outcomes[16];
    size_t count;
    char directory[64];
};

static void too_late(void *owner)
{
    struct world *world = owner;

    world->is_late = true;
    loop_stop(world->loop);
}

static void world_init(struct world *world, const struct run_options *options)
{
    memset(world, 0, sizeof(*world));
    world->loop = loop_new();
    world->runner = runner_new(world->loop, options);
    world->deadline = timer_new(world->loop, too_late, world);
    strcpy(world->directory, "/tmp/test_run.XXXXXX");
    assert_non_null(mkdtemp(world->directory));
}

static void world_done(struct world *world)
{
    char command[128];

    timer_free(world->deadline);
    runner_free(world->runner);
    loop_free(world->loop);
    plan_done(&world->plan);
    arena_done(&world->arena);
    snprintf(command, sizeof(command), "rm -r %s", world->directory);
    assert_int_equal(system(command), 0);
}

static void on_done(void *owner, const struct outcome *outcomes, size_t count)
{
    struct world *world = owner;

    assert_true(count <= 16);
    for (size_t i = 0; i < count; i++) {
        memset(&world->outcomes[i], 0, sizeof(world->outcomes[i]));
        field_copy(&outcome_schema, &world->outcomes[i], &outcomes[i], &world->arena);
    }
    world->count = count;
    world->done++;
    loop_stop(world->loop);
}

static void on_hangs(void *owner, const struct step *step, const struct step *behind, int64_t since_ms)
{
    struct world *world = owner;

    assert_true(since_ms >= 0);
    snprintf(world->hanging, sizeof(world->hanging), "%s%s%s", step->what, behind ? " behind " : "",
             behind ? behind->what : "");
    world->hangs++;
}

static const struct run_events events = { .done = on_done, .hangs = on_hangs };

static void run(struct world *world)
{
    int before = world->done;

    run_plan(world->runner, &world->plan, &events, world);
    assert_int_equal(world->done, before);
    timer_start(world->deadline, 20000, 0);
    loop_run(world->loop);
    assert_false(world->is_late);
    assert_int_equal(world->done, before + 1);
}

static struct step *add_tool(struct world *world, const char *script)
{
    const char *const argv[] = { "sh", "-c", script, NULL };
    struct step *step = plan_add(&world->plan, STEP_EXEC, "run %s", script);

    plan_add_words(&world->plan, step, argv);
    return step;
}

static struct step *add_file(struct world *world, enum step_kind kind, const char *name, int64_t size_kib)
{
    struct step *step = plan_add(&world->plan, kind, "size %s", name);

    step->path = arena_printf(&world->plan.arena, "%s/%s", world->directory, name);
    step->size_kib = size_kib;
    return step;
}

static void test_tools_run_in_order_until_one_fails(void **state)
{
    struct world world;
    struct step *step;

    (void)state;
    world_init(&world, &(struct run_options){ 0 });
    add_tool(&world, "echo one; echo complaint >&2");
    step = add_tool(&world, "cat; exit 3");
    step->input = arena_strdup(&world.plan.arena, "secret");
    step->accept = 1 << 3;
    add_tool(&world, "echo $LC_ALL; ls /proc/self/fd | wc -l; exit 4");
    add_tool(&world, "echo never");
    add_tool(&world, "echo at last")->always = true;
    run(&world);
    assert_int_equal(world.count, 5);
    assert_int_equal(world.outcomes[0].result, OUTCOME_DONE);
    assert_string_equal(world.outcomes[0].output, "one\n");
    assert_string_equal(world.outcomes[0].complaint, "complaint\n");
    assert_int_equal(world.outcomes[1].result, OUTCOME_DONE);
    assert_int_equal(world.outcomes[1].exit_code, 3);
    assert_string_equal(world.outcomes[1].output, "secret");
    assert_int_equal(world.outcomes[2].result, OUTCOME_FAILED);
    assert_int_equal(world.outcomes[2].exit_code, 4);
    assert_string_equal(world.outcomes[2].output, "C\n4\n"); /* three pipes and the directory that ls reads */
    assert_int_equal(world.outcomes[3].result, OUTCOME_SKIPPED);
    assert_int_equal(world.outcomes[4].result, OUTCOME_DONE);
    assert_string_equal(world.outcomes[4].output, "at last\n");
    world_done(&world);
}

static void test_missing_tool(void **state)
{
    const char *const argv[] = { "no-such-tool-anywhere", NULL };
    struct world world;

    (void)state;
    world_init(&world, &(struct run_options){ 0 });
    plan_add_words(&world.plan, plan_add(&world.plan, STEP_EXEC, "run nothing"), argv);
    plan_add(&world.plan, STEP_EXEC, "run without words")->always = true;
    run(&world);
    assert_int_equal(world.outcomes[0].result, OUTCOME_FAILED);
    assert_int_equal(world.outcomes[0].error, ENOENT);
    assert_int_equal(world.outcomes[1].result, OUTCOME_FAILED);
    assert_int_equal(world.outcomes[1].error, EINVAL);
    world_done(&world);
}

static void test_output_is_capped(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, &(struct run_options){ .output_limit = 1000 });
    add_tool(&world, "head -c 2000000 /dev/zero | tr '\\0' x")->changes = true;
    add_tool(&world, "head -c 2000000 /dev/zero | tr '\\0' x");
    run(&world);
    assert_int_equal(world.outcomes[0].result, OUTCOME_DONE);
    assert_true(world.outcomes[0].truncated);
    assert_int_equal(strlen(world.outcomes[0].output), 1000);
    /* An answer of which a part is missing is no answer. */
    assert_int_equal(world.outcomes[1].result, OUTCOME_FAILED);
    assert_int_equal(world.outcomes[1].error, EFBIG);
    world_done(&world);
}

static void test_asking_tool_that_hangs_is_killed(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, &(struct run_options){ .patient_ms = 100 });
    add_tool(&world, "sleep 1000 & sleep 1000");
    run(&world);
    assert_int_equal(world.outcomes[0].result, OUTCOME_TIMEOUT);
    assert_int_equal(world.hangs, 0);
    world_done(&world);
}

/* Whoever waits for something for a time that users set is not killed before. */
static void test_own_patience_counts(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, &(struct run_options){ .patient_ms = 50, .quick_ms = 5000 });
    add_tool(&world, "sleep 0.4")->patience_ms = 400;
    run(&world);
    assert_int_equal(world.outcomes[0].result, OUTCOME_DONE);
    world_done(&world);
}

static void test_changing_tool_that_hangs_is_left_alone(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, &(struct run_options){ .patient_ms = 50 });
    add_tool(&world, "sleep 0.4; echo finished")->changes = true;
    run(&world);
    assert_int_equal(world.hangs, 1);
    assert_int_equal(world.outcomes[0].result, OUTCOME_DONE);
    assert_string_equal(world.outcomes[0].output, "finished\n");
    world_done(&world);
}

static void on_second_done(void *owner, const struct outcome *outcomes, size_t count)
{
    (void)count;
    *(enum outcome_result *)owner = outcomes[0].result;
}

/* Each tool takes the file that the other must not find. */
static void test_same_turn_runs_one_after_the_other(void **state)
{
    static const struct run_events second_events = { .done = on_second_done };
    enum outcome_result second = OUTCOME_SKIPPED;
    struct plan plan = { 0 };
    struct world world;
    char script[256];

    (void)state;
    world_init(&world, &(struct run_options){ .patient_ms = 50 });
    snprintf(script, sizeof(script), "mkdir %s/taken && sleep 0.3 && rmdir %s/taken", world.directory, world.directory);
    for (int i = 0; i < 2; i++) {
        struct step *step = i ? add_tool(&world, script) : plan_add(&plan, STEP_EXEC, "the first");

        if (!i)
            plan_add_words(&plan, step, (const char *const[]){ "sh", "-c", script, NULL });
        step->changes = true;
        step->turn = arena_strdup(i ? &world.plan.arena : &plan.arena, "lvm vg0");
        if (!i)
            run_plan(world.runner, &plan, &second_events, &second);
    }
    run(&world);
    assert_int_equal(second, OUTCOME_DONE);
    assert_int_equal(world.outcomes[0].result, OUTCOME_DONE);
    assert_int_equal(world.hangs, 2); /* once behind the other, once by itself */
    plan_done(&plan);
    world_done(&world);
}

static void test_daemon_left_behind_does_not_hold_the_run(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, &(struct run_options){ 0 });
    add_tool(&world, "sleep 2 & echo started")->changes = true;
    run(&world);
    assert_int_equal(world.outcomes[0].result, OUTCOME_DONE);
    assert_string_equal(world.outcomes[0].output, "started\n");
    world_done(&world);
}

static void test_calls_and_tools_mixed(void **state)
{
    struct world world;
    struct stat file;
    char path[128];

    (void)state;
    world_init(&world, &(struct run_options){ 0 });
    add_file(&world, STEP_FILE_TRUNCATE, "thin", 2048);
    add_file(&world, STEP_FILE_ALLOCATE, "thick", 1024);
    add_tool(&world, "true");
    add_file(&world, STEP_FILE_TRUNCATE, "thin", 4096);
    add_file(&world, STEP_FILE_TRUNCATE, "no/such/directory", 4096);
    add_file(&world, STEP_FILE_TRUNCATE, "never", 4096);
    add_file(&world, STEP_FILE_TRUNCATE, "always", 4096)->always = true;
    run(&world);
    assert_int_equal(world.outcomes[0].result, OUTCOME_DONE);
    assert_int_equal(world.outcomes[0].size_kib, 2048);
    assert_int_equal(world.outcomes[0].allocated_kib, 0);
    assert_int_equal(world.outcomes[1].result, OUTCOME_DONE);
    assert_true(world.outcomes[1].allocated_kib >= 1024);
    assert_int_equal(world.outcomes[2].result, OUTCOME_DONE);
    assert_int_equal(world.outcomes[3].size_kib, 4096);
    assert_int_equal(world.outcomes[4].result, OUTCOME_FAILED);
    assert_int_equal(world.outcomes[4].error, ENOENT);
    assert_int_equal(world.outcomes[5].result, OUTCOME_SKIPPED);
    assert_int_equal(world.outcomes[6].result, OUTCOME_DONE);
    snprintf(path, sizeof(path), "%s/never", world.directory);
    assert_int_equal(stat(path, &file), -1);
    snprintf(path, sizeof(path), "%s/always", world.directory);
    assert_int_equal(stat(path, &file), 0);
    world_done(&world);
}

/* What is skipped lies behind the worker's stretch: nobody waits for it there. */
static void test_tools_behind_a_worker_that_fails(void **state)
{
    struct world world;
    struct step *step;

    (void)state;
    world_init(&world, &(struct run_options){ .quick_ms = 600000 });
    step = plan_add(&world.plan, STEP_WAIT_DEVICE, "wait for nothing");
    step->device = arena_strdup(&world.plan.arena, "/no/such/device");
    add_tool(&world, "true");
    add_tool(&world, "true");
    run(&world);
    assert_int_equal(world.outcomes[0].result, OUTCOME_FAILED);
    assert_int_equal(world.outcomes[0].error, ENOENT);
    assert_int_equal(world.outcomes[1].result, OUTCOME_SKIPPED);
    assert_int_equal(world.outcomes[2].result, OUTCOME_SKIPPED);
    world_done(&world);
}

static void test_files_never_shrink(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, &(struct run_options){ 0 });
    add_file(&world, STEP_FILE_TRUNCATE, "a", 2048);
    add_file(&world, STEP_FILE_TRUNCATE, "a", 1024);
    add_file(&world, STEP_FILE_ALLOCATE, "a", 1024);
    run(&world);
    for (int i = 0; i < 3; i++)
        assert_int_equal(world.outcomes[i].size_kib, 2048);
    world_done(&world);
}

static void test_file_that_cannot_be_filled_is_taken_away(void **state)
{
    struct world world;
    struct stat file;
    char path[128];

    (void)state;
    world_init(&world, &(struct run_options){ 0 });
    add_file(&world, STEP_FILE_ALLOCATE, "a", 1024);
    add_file(&world, STEP_FILE_ALLOCATE, "a", INT64_C(1) << 42);
    add_file(&world, STEP_FILE_ALLOCATE, "b", INT64_C(1) << 42)->always = true;
    run(&world);
    assert_int_equal(world.outcomes[1].result, OUTCOME_FAILED);
    assert_true(world.outcomes[1].error == EFBIG || world.outcomes[1].error == ENOSPC);
    assert_int_equal(world.outcomes[2].result, OUTCOME_FAILED);
    snprintf(path, sizeof(path), "%s/a", world.directory);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_size, 1024 * 1024);
    snprintf(path, sizeof(path), "%s/b", world.directory);
    assert_int_equal(stat(path, &file), -1);
    world_done(&world);
}

/* Steps that are built around plan_destructive do not run. */
static void test_destruction_needs_an_authority(void **state)
{
    struct world world;
    struct stat file;
    struct step *step;

    (void)state;
    world_init(&world, &(struct run_options){ 0 });
    add_file(&world, STEP_FILE_TRUNCATE, "a", 1024);
    step = plan_destructive(&world.plan, "request 1", STEP_FILE_REMOVE, "remove a");
    step->path = arena_strdup(&world.plan.arena, world.plan.steps.at[0].path);
    step->authority = NULL;
    run(&world);
    assert_int_equal(world.outcomes[1].result, OUTCOME_FAILED);
    assert_int_equal(world.outcomes[1].error, EPERM);
    assert_int_equal(stat(world.plan.steps.at[0].path, &file), 0);
    world.plan.steps.at[1].authority = arena_strdup(&world.plan.arena, "request 1");
    run(&world);
    assert_int_equal(world.outcomes[1].result, OUTCOME_DONE);
    assert_int_equal(stat(world.plan.steps.at[0].path, &file), -1);
    world_done(&world);
}

/* The newest child of ours that is a worker. */
static int worker_of(void)
{
    char command[128], line[32] = "", last[32] = "";
    FILE *children;

    snprintf(command, sizeof(command), "pgrep -r RSDT -P %d linstor-worker", (int)getpid());
    children = popen(command, "r");
    assert_non_null(children);
    while (fgets(line, sizeof(line), children))
        memcpy(last, line, sizeof(last));
    pclose(children);
    return atoi(last);
}

static void kill_worker(void *owner)
{
    (void)owner;
    kill(worker_of(), SIGKILL);
}

static void test_worker_that_dies_is_replaced(void **state)
{
    struct world world;
    struct timer *killer;
    int worker;

    (void)state;
    world_init(&world, &(struct run_options){ .workers = 1 });
    add_file(&world, STEP_FILE_TRUNCATE, "a", 1024);
    run(&world);
    worker = worker_of();
    assert_true(worker > 0);
    /* Idle: nobody is hurt. */
    killer = timer_new(world.loop, kill_worker, &world);
    kill(worker, SIGSTOP);
    timer_start(killer, 100, 0);
    run(&world);
    assert_int_equal(world.outcomes[0].result, OUTCOME_LOST);
    run(&world);
    assert_int_equal(world.outcomes[0].result, OUTCOME_DONE);
    assert_int_not_equal(worker_of(), worker);
    timer_free(killer);
    world_done(&world);
}

static void test_worker_that_hangs_while_asking_is_killed(void **state)
{
    struct world world;
    int worker;

    (void)state;
    world_init(&world, &(struct run_options){ .workers = 1, .quick_ms = 1000 });
    plan_add(&world.plan, STEP_ASK_SPACE, "ask");
    run(&world);
    assert_int_equal(world.outcomes[0].result, OUTCOME_DONE);
    worker = worker_of();
    kill(worker, SIGSTOP);
    run(&world);
    assert_int_equal(world.outcomes[0].result, OUTCOME_TIMEOUT);
    run(&world);
    assert_int_equal(world.outcomes[0].result, OUTCOME_DONE);
    assert_int_not_equal(worker_of(), worker);
    world_done(&world);
}

struct second {
    struct world *world;
    struct plan plan;
    int stopped, done;
};

static void second_done(void *owner, const struct outcome *outcomes, size_t count)
{
    struct second *second = owner;

    assert_int_equal(count, 1);
    assert_int_equal(outcomes[0].result, OUTCOME_DONE);
    second->done++;
    kill(second->stopped, SIGCONT);
}

static void second_start(void *owner)
{
    static const struct run_events second_events = { .done = second_done };
    struct second *second = owner;

    run_plan(second->world->runner, &second->plan, &second_events, second);
}

/* The first run hangs in the only worker allowed; the second gets another one as soon as that is known. */
static void test_worker_that_hangs_while_changing_blocks_only_its_own(void **state)
{
    struct world world;
    struct second second = { .world = &world };
    struct timer *starter;

    (void)state;
    world_init(&world, &(struct run_options){ .workers = 1, .quick_ms = 500 });
    starter = timer_new(world.loop, second_start, &second);
    add_file(&world, STEP_FILE_TRUNCATE, "a", 1024);
    run(&world);
    world.hangs = 0; /* a machine that has much to do starts a worker slowly */
    second.stopped = worker_of();
    kill(second.stopped, SIGSTOP);
    plan_add(&second.plan, STEP_ASK_SPACE, "ask");
    timer_start(starter, 0, 0);
    run(&world);
    assert_int_equal(second.done, 1);
    assert_int_equal(world.hangs, 1);
    assert_string_equal(world.hanging, "size a");
    assert_int_equal(world.outcomes[0].result, OUTCOME_DONE);
    timer_free(starter);
    plan_done(&second.plan);
    world_done(&world);
}

static void test_worker_ends_with_its_satellite(void **state)
{
    struct world world;
    char lock_path[128];
    int lock, other;

    (void)state;
    world_init(&world, &(struct run_options){ 0 });
    snprintf(lock_path, sizeof(lock_path), "%s/lock", world.directory);
    lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    runner_free(world.runner);
    world.runner = runner_new(world.loop, &(struct run_options){ .inherit = lock });
    plan_add(&world.plan, STEP_ASK_MACHINE, "ask");
    run(&world);
    /* We are gone as far as the lock goes, the worker is not. */
    close(lock);
    other = open(lock_path, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
    runner_free(world.runner);
    world.runner = runner_new(world.loop, &(struct run_options){ 0 });
    plan_done(&world.plan);
    add_tool(&world, "true"); /* lets the loop close the pipes */
    run(&world);
    assert_int_equal(flock(other, LOCK_EX), 0);
    close(other);
    world_done(&world);
}

/* Files stand for what is stopped and goes on: "frozen" is made, a tool runs, "thawed" is made whatever happens. */
static struct step *add_frozen_tool(struct world *world, int64_t hold_ms, const char *script)
{
    uint32_t tool;

    add_file(world, STEP_FILE_TRUNCATE, "frozen", 1024)->hold_ms = hold_ms;
    add_tool(world, script)->changes = true;
    tool = world->plan.steps.count - 1;
    add_file(world, STEP_FILE_TRUNCATE, "never", 1024);
    add_file(world, STEP_FILE_TRUNCATE, "thawed", 1024)->always = true;
    return &world->plan.steps.at[tool];
}

static bool is_there(const struct world *world, const char *name)
{
    struct stat file;
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", world->directory, name);
    return stat(path, &file) == 0;
}

static void test_tool_runs_while_something_stands_still(void **state)
{
    struct world world;
    char script[256];

    (void)state;
    world_init(&world, &(struct run_options){ .workers = 1 });
    snprintf(script, sizeof(script), "cd %s && test -e frozen && test ! -e thawed && sleep 0.2 && test ! -e thawed",
             world.directory);
    add_frozen_tool(&world, 10000, script);
    run(&world);
    for (int i = 0; i < 4; i++)
        assert_int_equal(world.outcomes[i].result, OUTCOME_DONE);
    /* The tool fails: only what is always run is run. */
    plan_done(&world.plan);
    add_frozen_tool(&world, 10000, "exit 5");
    run(&world);
    assert_int_equal(world.outcomes[0].result, OUTCOME_DONE);
    assert_int_equal(world.outcomes[1].exit_code, 5);
    assert_int_equal(world.outcomes[2].result, OUTCOME_SKIPPED);
    assert_int_equal(world.outcomes[3].result, OUTCOME_DONE);
    /* Likewise when it cannot be stopped at all: no tool is run. */
    plan_done(&world.plan);
    add_file(&world, STEP_FILE_TRUNCATE, "no/such/directory", 1024);
    add_frozen_tool(&world, 10000, "exit 5");
    run(&world);
    assert_int_equal(world.outcomes[0].result, OUTCOME_FAILED);
    for (int i = 1; i < 4; i++)
        assert_int_equal(world.outcomes[i].result, OUTCOME_SKIPPED);
    assert_int_equal(world.outcomes[4].result, OUTCOME_DONE);
    world_done(&world);
}

/* While another one has the turn of the tool, nothing is stopped. */
static void test_turns_are_had_before_anything_stands_still(void **state)
{
    static const struct run_events first_events = { .done = on_second_done };
    enum outcome_result first = OUTCOME_SKIPPED;
    struct plan plan = { 0 };
    struct step *step;
    struct world world;
    char script[256];

    (void)state;
    world_init(&world, &(struct run_options){ 0 });
    snprintf(script, sizeof(script), "sleep 0.4; test ! -e %s/frozen", world.directory);
    step = plan_add(&plan, STEP_EXEC, "the first");
    plan_add_words(&plan, step, (const char *const[]){ "sh", "-c", script, NULL });
    step->turn = arena_strdup(&plan.arena, "lvm vg0");
    run_plan(world.runner, &plan, &first_events, &first);
    add_frozen_tool(&world, 10000, "true")->turn = arena_strdup(&world.plan.arena, "lvm vg0");
    run(&world);
    assert_int_equal(first, OUTCOME_DONE);
    for (int i = 0; i < 4; i++)
        assert_int_equal(world.outcomes[i].result, OUTCOME_DONE);
    plan_done(&plan);
    world_done(&world);
}

/* Of steps of workers as well; those before it do not need to wait. */
static void test_steps_of_workers_have_turns(void **state)
{
    static const struct run_events first_events = { .done = on_second_done };
    enum outcome_result first = OUTCOME_SKIPPED;
    struct plan plan = { 0 };
    struct step *step;
    struct world world;
    char script[256];

    (void)state;
    world_init(&world, &(struct run_options){ 0 });
    snprintf(script, sizeof(script), "cd %s; sleep 0.4; test -e before && test ! -e after", world.directory);
    step = plan_add(&plan, STEP_EXEC, "the first");
    plan_add_words(&plan, step, (const char *const[]){ "sh", "-c", script, NULL });
    step->turn = arena_strdup(&plan.arena, "zfs tank");
    run_plan(world.runner, &plan, &first_events, &first);
    add_file(&world, STEP_FILE_TRUNCATE, "before", 1024);
    add_file(&world, STEP_FILE_TRUNCATE, "after", 1024)->turn = arena_strdup(&world.plan.arena, "zfs tank");
    add_file(&world, STEP_FILE_TRUNCATE, "last", 1024);
    run(&world);
    assert_int_equal(first, OUTCOME_DONE);
    for (int i = 0; i < 3; i++)
        assert_int_equal(world.outcomes[i].result, OUTCOME_DONE);
    plan_done(&plan);
    world_done(&world);
}

/* What comes before, however long it takes, keeps nobody from the turn. */
static void test_turns_are_not_had_before_something_stands_still(void **state)
{
    struct world world;
    struct second second = { .world = &world };
    struct timer *starter;
    struct step *step;

    (void)state;
    world_init(&world, &(struct run_options){ .quick_ms = 15000 });
    starter = timer_new(world.loop, second_start, &second);
    add_file(&world, STEP_FILE_TRUNCATE, "a", 1024);
    run(&world);
    add_frozen_tool(&world, 60000, "true")->turn = arena_strdup(&world.plan.arena, "lvm vg0");
    second.stopped = worker_of();
    kill(second.stopped, SIGSTOP);
    step = plan_add(&second.plan, STEP_EXEC, "the second");
    plan_add_words(&second.plan, step, (const char *const[]){ "true", NULL });
    step->turn = arena_strdup(&second.plan.arena, "lvm vg0");
    timer_start(starter, 100, 0);
    run(&world);
    assert_int_equal(second.done, 1);
    assert_int_equal(world.hangs, 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(world.outcomes[i].result, OUTCOME_DONE);
    timer_free(starter);
    plan_done(&second.plan);
    world_done(&world);
}

/* What hangs before its tool was begun does not keep others from theirs; it has its turn again afterwards. */
static void test_step_that_hangs_gives_its_turns_back(void **state)
{
    struct world world;
    struct second second = { .world = &world };
    struct timer *starter;
    struct step *step;

    (void)state;
    world_init(&world, &(struct run_options){ .quick_ms = 500 });
    starter = timer_new(world.loop, second_start, &second);
    add_file(&world, STEP_FILE_TRUNCATE, "a", 1024);
    run(&world);
    plan_done(&world.plan);
    add_frozen_tool(&world, 60000, "true")->turn = arena_strdup(&world.plan.arena, "lvm vg0");
    second.stopped = worker_of();
    kill(second.stopped, SIGSTOP);
    step = plan_add(&second.plan, STEP_EXEC, "the second");
    plan_add_words(&second.plan, step, (const char *const[]){ "true", NULL });
    step->turn = arena_strdup(&second.plan.arena, "lvm vg0");
    timer_start(starter, 100, 0);
    run(&world);
    assert_int_equal(second.done, 1);
    assert_string_equal(world.hanging, "size frozen");
    for (int i = 0; i < 4; i++)
        assert_int_equal(world.outcomes[i].result, OUTCOME_DONE);
    timer_free(starter);
    plan_done(&second.plan);
    world_done(&world);
}

static void go_on_with_it(void *owner)
{
    kill(((struct second *)owner)->stopped, SIGCONT);
}

/* It has not its turn again in time: what stands still goes on before that, and the tool is not run. */
static void test_step_that_hung_waits_for_its_turn_while_it_may(void **state)
{
    struct world world;
    struct second second = { .world = &world };
    struct timer *starter, *waker;
    struct step *step;
    char script[256];

    (void)state;
    world_init(&world, &(struct run_options){ .quick_ms = 500 });
    starter = timer_new(world.loop, second_start, &second);
    waker = timer_new(world.loop, go_on_with_it, &second);
    add_file(&world, STEP_FILE_TRUNCATE, "a", 1024);
    run(&world);
    plan_done(&world.plan);
    add_frozen_tool(&world, 300, "true")->turn = arena_strdup(&world.plan.arena, "lvm vg0");
    second.stopped = worker_of();
    kill(second.stopped, SIGSTOP);
    snprintf(script, sizeof(script), "for i in $(seq 100); do test -e %s/thawed && exit 0; sleep 0.1; done; exit 1",
             world.directory);
    step = plan_add(&second.plan, STEP_EXEC, "the second");
    plan_add_words(&second.plan, step, (const char *const[]){ "sh", "-c", script, NULL });
    step->turn = arena_strdup(&second.plan.arena, "lvm vg0");
    timer_start(starter, 100, 0);
    timer_start(waker, 1000, 0);
    run(&world);
    assert_int_equal(world.outcomes[0].result, OUTCOME_DONE);
    assert_int_equal(world.outcomes[1].result, OUTCOME_FAILED);
    assert_int_equal(world.outcomes[1].error, ETIMEDOUT);
    assert_int_not_equal(world.outcomes[2].result, OUTCOME_DONE);
    assert_int_equal(world.outcomes[3].result, OUTCOME_DONE);
    plan_done(&world.plan);
    add_tool(&world, "true")->turn = arena_strdup(&world.plan.arena, "lvm vg0"); /* behind the second */
    run(&world);
    assert_int_equal(second.done, 1);
    timer_free(starter);
    timer_free(waker);
    plan_done(&second.plan);
    world_done(&world);
}

static void test_nothing_stands_still_for_longer_than_it_may(void **state)
{
    struct world world;
    char script[256];

    (void)state;
    world_init(&world, &(struct run_options){ 0 });
    snprintf(script, sizeof(script), "for i in $(seq 100); do test -e %s/thawed && exit 0; sleep 0.1; done; exit 1",
             world.directory);
    add_frozen_tool(&world, 200, script);
    run(&world);
    /* It succeeded, but not while everything stood still. */
    assert_int_equal(world.outcomes[1].exit_code, 0);
    assert_int_equal(world.outcomes[1].result, OUTCOME_FAILED);
    assert_int_equal(world.outcomes[1].error, ETIMEDOUT);
    assert_int_not_equal(world.outcomes[2].result, OUTCOME_DONE);
    assert_int_equal(world.outcomes[3].result, OUTCOME_DONE);
    assert_false(is_there(&world, "never"));
    world_done(&world);
}

/* It goes on at once, while the tool runs still: that ends only then. */
static void test_worker_that_dies_while_something_stands_still(void **state)
{
    struct world world;
    struct timer *killer;
    char script[256];

    (void)state;
    world_init(&world, &(struct run_options){ .workers = 1 });
    killer = timer_new(world.loop, kill_worker, &world);
    snprintf(script, sizeof(script), "for i in $(seq 100); do test -e %s/thawed && exit 0; sleep 0.1; done; exit 1",
             world.directory);
    add_frozen_tool(&world, 60000, script);
    timer_start(killer, 700, 0);
    run(&world);
    assert_int_equal(world.outcomes[0].result, OUTCOME_DONE);
    assert_int_equal(world.outcomes[1].exit_code, 0);
    assert_int_equal(world.outcomes[1].result, OUTCOME_FAILED);
    assert_int_equal(world.outcomes[1].error, ETIMEDOUT);
    assert_int_not_equal(world.outcomes[2].result, OUTCOME_DONE);
    assert_int_equal(world.outcomes[3].result, OUTCOME_DONE);
    assert_false(is_there(&world, "never"));
    timer_free(killer);
    world_done(&world);
}

static void stop_soon(void *owner)
{
    loop_stop(((struct world *)owner)->loop);
}

/* The tool ends first: what it makes is made while everything stands still. */
static void check_goes_on_without_the_runner(const char *first)
{
    struct world world;
    struct timer *stopper;
    char script[256];

    world_init(&world, &(struct run_options){ 0 });
    snprintf(script, sizeof(script), "%s; cd %s; touch begun; sleep 1; test -e thawed && touch early; touch ended",
             first, world.directory);
    add_frozen_tool(&world, 60000, script);
    stopper = timer_new(world.loop, stop_soon, &world);
    run_plan(world.runner, &world.plan, &events, &world);
    while (!is_there(&world, "begun")) {
        timer_start(stopper, 20, 0);
        loop_run(world.loop);
    }
    runner_free(world.runner);
    world.runner = runner_new(world.loop, &(struct run_options){ 0 });
    for (int i = 0; i < 500 && !is_there(&world, "thawed"); i++) {
        timer_start(stopper, 20, 0); /* the loop closes the pipes */
        loop_run(world.loop);
    }
    assert_true(is_there(&world, "thawed"));
    assert_true(is_there(&world, "ended"));
    assert_false(is_there(&world, "early"));
    assert_false(is_there(&world, "never"));
    timer_free(stopper);
    world_done(&world);
}

static void test_what_stands_still_goes_on_without_the_runner(void **state)
{
    (void)state;
    check_goes_on_without_the_runner("true");
}

/* As lvm does. */
static void test_tools_may_close_what_they_do_not_know(void **state)
{
    (void)state;
    check_goes_on_without_the_runner("exec 3>&- 4>&-");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tools_run_in_order_until_one_fails),
        cmocka_unit_test(test_missing_tool),
        cmocka_unit_test(test_output_is_capped),
        cmocka_unit_test(test_asking_tool_that_hangs_is_killed),
        cmocka_unit_test(test_own_patience_counts),
        cmocka_unit_test(test_changing_tool_that_hangs_is_left_alone),
        cmocka_unit_test(test_same_turn_runs_one_after_the_other),
        cmocka_unit_test(test_daemon_left_behind_does_not_hold_the_run),
        cmocka_unit_test(test_calls_and_tools_mixed),
        cmocka_unit_test(test_tools_behind_a_worker_that_fails),
        cmocka_unit_test(test_files_never_shrink),
        cmocka_unit_test(test_file_that_cannot_be_filled_is_taken_away),
        cmocka_unit_test(test_destruction_needs_an_authority),
        cmocka_unit_test(test_worker_that_dies_is_replaced),
        cmocka_unit_test(test_worker_that_hangs_while_asking_is_killed),
        cmocka_unit_test(test_worker_that_hangs_while_changing_blocks_only_its_own),
        cmocka_unit_test(test_worker_ends_with_its_satellite),
        cmocka_unit_test(test_tool_runs_while_something_stands_still),
        cmocka_unit_test(test_turns_are_had_before_anything_stands_still),
        cmocka_unit_test(test_steps_of_workers_have_turns),
        cmocka_unit_test(test_turns_are_not_had_before_something_stands_still),
        cmocka_unit_test(test_step_that_hangs_gives_its_turns_back),
        cmocka_unit_test(test_step_that_hung_waits_for_its_turn_while_it_may),
        cmocka_unit_test(test_nothing_stands_still_for_longer_than_it_may),
        cmocka_unit_test(test_worker_that_dies_while_something_stands_still),
        cmocka_unit_test(test_what_stands_still_goes_on_without_the_runner),
        cmocka_unit_test(test_tools_may_close_what_they_do_not_know),
    };

    if (argc >= 2 && strcmp(argv[1], "worker") == 0)
        return worker_main(argc > 2 ? argv[2] : NULL);
    signal(SIGPIPE, SIG_IGN);
    if (argc == 2)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
