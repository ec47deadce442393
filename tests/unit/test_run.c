/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tools and workers, those that fail, hang or die, and whose turn it is. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "run_world.h"

static void test_tools_run_in_order_until_one_fails(void **state)
{
    struct run_world world;
    struct step *step;

    (void)state;
    run_world_init(&world, &(struct run_options){ 0 });
    run_world_add_tool(&world, "echo one; echo complaint >&2");
    step = run_world_add_tool(&world, "cat; exit 3");
    step->input = arena_strdup(&world.plan.arena, "secret");
    step->accept = 1 << 3;
    run_world_add_tool(&world, "echo $LC_ALL; ls /proc/self/fd | wc -l; exit 4");
    run_world_add_tool(&world, "echo never");
    run_world_add_tool(&world, "echo at last")->always = true;
    run_world_run(&world);
    RUN_WORLD_EXPECT(&world, OUTCOME_DONE, OUTCOME_DONE, OUTCOME_FAILED, OUTCOME_SKIPPED, OUTCOME_DONE);
    assert_string_equal(world.outcomes[0].output, "one\n");
    assert_string_equal(world.outcomes[0].complaint, "complaint\n");
    assert_int_equal(world.outcomes[1].exit_code, 3);
    assert_string_equal(world.outcomes[1].output, "secret");
    assert_int_equal(world.outcomes[2].exit_code, 4);
    assert_string_equal(world.outcomes[2].output, "C\n4\n"); /* three pipes and the directory that ls reads */
    assert_string_equal(world.outcomes[4].output, "at last\n");
    run_world_done(&world);
}

static void test_missing_tool(void **state)
{
    const char *const argv[] = { "no-such-tool-anywhere", NULL };
    struct run_world world;

    (void)state;
    run_world_init(&world, &(struct run_options){ 0 });
    plan_add_words(&world.plan, plan_add(&world.plan, STEP_EXEC, "run nothing"), argv);
    plan_add(&world.plan, STEP_EXEC, "run without words")->always = true;
    run_world_run(&world);
    RUN_WORLD_EXPECT(&world, OUTCOME_FAILED, OUTCOME_FAILED);
    assert_int_equal(world.outcomes[0].error, ENOENT);
    assert_int_equal(world.outcomes[1].error, EINVAL);
    run_world_done(&world);
}

static void test_output_is_capped(void **state)
{
    struct run_world world;

    (void)state;
    run_world_init(&world, &(struct run_options){ .output_limit = 1000 });
    run_world_add_tool(&world, "head -c 2000000 /dev/zero | tr '\\0' x")->changes = true;
    run_world_add_tool(&world, "head -c 2000000 /dev/zero | tr '\\0' x");
    run_world_run(&world);
    /* An answer of which a part is missing is no answer. */
    RUN_WORLD_EXPECT(&world, OUTCOME_DONE, OUTCOME_FAILED);
    assert_true(world.outcomes[0].truncated);
    assert_int_equal(strlen(world.outcomes[0].output), 1000);
    assert_int_equal(world.outcomes[1].error, EFBIG);
    run_world_done(&world);
}

static void test_asking_tool_that_hangs_is_killed(void **state)
{
    struct run_world world;

    (void)state;
    run_world_init(&world, &(struct run_options){ .patient_ms = 100 });
    run_world_add_tool(&world, "sleep 1000 & sleep 1000");
    run_world_run(&world);
    RUN_WORLD_EXPECT(&world, OUTCOME_TIMEOUT);
    assert_int_equal(world.hangs, 0);
    run_world_done(&world);
}

/* Whoever waits for something for a time that users set is not killed before. */
static void test_own_patience_counts(void **state)
{
    struct run_world world;

    (void)state;
    run_world_init(&world, &(struct run_options){ .patient_ms = 50, .quick_ms = 5000 });
    run_world_add_tool(&world, "sleep 0.4")->patience_ms = 400;
    run_world_run(&world);
    RUN_WORLD_EXPECT(&world, OUTCOME_DONE);
    run_world_done(&world);
}

static void test_changing_tool_that_hangs_is_left_alone(void **state)
{
    struct run_world world;

    (void)state;
    run_world_init(&world, &(struct run_options){ .patient_ms = 50 });
    run_world_add_tool(&world, run_world_script(&world, "hangs1", "echo finished"))->changes = true;
    run_world_run(&world);
    assert_int_equal(world.hangs, 1);
    RUN_WORLD_EXPECT(&world, OUTCOME_DONE);
    assert_string_equal(world.outcomes[0].output, "finished\n");
    run_world_done(&world);
}

static const char *take_until(struct run_world *world, const char *awaited)
{
    const char *script = run_world_script(world, awaited, "rmdir taken");

    return arena_printf(&world->arena, "mkdir %s/taken || exit 1; %s", world->directory, script);
}

/* Each tool makes the directory that the other must not find. The second hangs behind the other, then by itself. */
static void test_same_turn_runs_one_after_the_other(void **state)
{
    struct run_world world;
    struct run_second first;
    struct step *step;

    (void)state;
    run_world_init(&world, &(struct run_options){ .patient_ms = 50 });
    run_second_init(&first, &world);
    run_second_add_tool(&first, take_until(&world, "hangs1"))->changes = true;
    step = run_world_add_tool(&world, take_until(&world, "hangs2"));
    step->changes = true;
    step->turn = arena_strdup(&world.plan.arena, RUN_SECOND_TURN);
    run_second_start(&first);
    run_world_run(&world);
    assert_int_equal(first.done, 1);
    RUN_WORLD_EXPECT(&world, OUTCOME_DONE);
    assert_int_equal(world.hangs, 2);
    run_second_done(&first);
    run_world_done(&world);
}

static void test_daemon_left_behind_does_not_hold_the_run(void **state)
{
    struct run_world world;
    int child;

    (void)state;
    run_world_init(&world, &(struct run_options){ 0 });
    run_world_add_tool(&world, "sleep 1000 & echo $!")->changes = true;
    run_world_run(&world);
    RUN_WORLD_EXPECT(&world, OUTCOME_DONE);
    child = atoi(world.outcomes[0].output);
    assert_true(child > 0);
    assert_int_equal(kill(child, SIGKILL), 0);
    run_world_done(&world);
}

static void test_calls_and_tools_mixed(void **state)
{
    struct run_world world;

    (void)state;
    run_world_init(&world, &(struct run_options){ 0 });
    run_world_add_file(&world, STEP_FILE_TRUNCATE, "thin", 2048);
    run_world_add_file(&world, STEP_FILE_ALLOCATE, "thick", 1024);
    run_world_add_tool(&world, "true");
    run_world_add_file(&world, STEP_FILE_TRUNCATE, "thin", 4096);
    run_world_add_file(&world, STEP_FILE_TRUNCATE, "no/such/directory", 4096);
    run_world_add_file(&world, STEP_FILE_TRUNCATE, "never", 4096);
    run_world_add_file(&world, STEP_FILE_TRUNCATE, "always", 4096)->always = true;
    run_world_run(&world);
    RUN_WORLD_EXPECT(&world, OUTCOME_DONE, OUTCOME_DONE, OUTCOME_DONE, OUTCOME_DONE, OUTCOME_FAILED, OUTCOME_SKIPPED,
                     OUTCOME_DONE);
    assert_int_equal(world.outcomes[0].size_kib, 2048);
    assert_int_equal(world.outcomes[0].allocated_kib, 0);
    assert_true(world.outcomes[1].allocated_kib >= 1024);
    assert_int_equal(world.outcomes[3].size_kib, 4096);
    assert_int_equal(world.outcomes[4].error, ENOENT);
    assert_false(run_world_has(&world, "never"));
    assert_true(run_world_has(&world, "always"));
    run_world_done(&world);
}

/* What is skipped lies behind the worker's stretch: nobody waits for it there. */
static void test_tools_behind_a_worker_that_fails(void **state)
{
    struct run_world world;
    struct step *step;

    (void)state;
    run_world_init(&world, &(struct run_options){ .quick_ms = 600000 });
    step = plan_add(&world.plan, STEP_WAIT_DEVICE, "wait for nothing");
    step->device = arena_strdup(&world.plan.arena, "/no/such/device");
    run_world_add_tool(&world, "true");
    run_world_add_tool(&world, "true");
    run_world_run(&world);
    RUN_WORLD_EXPECT(&world, OUTCOME_FAILED, OUTCOME_SKIPPED, OUTCOME_SKIPPED);
    assert_int_equal(world.outcomes[0].error, ENOENT);
    run_world_done(&world);
}

static void test_files_never_shrink(void **state)
{
    struct run_world world;

    (void)state;
    run_world_init(&world, &(struct run_options){ 0 });
    run_world_add_file(&world, STEP_FILE_TRUNCATE, "a", 2048);
    run_world_add_file(&world, STEP_FILE_TRUNCATE, "a", 1024);
    run_world_add_file(&world, STEP_FILE_ALLOCATE, "a", 1024);
    run_world_run(&world);
    for (int i = 0; i < 3; i++)
        assert_int_equal(world.outcomes[i].size_kib, 2048);
    run_world_done(&world);
}

static void test_file_that_cannot_be_filled_is_taken_away(void **state)
{
    struct run_world world;
    struct stat file;

    (void)state;
    run_world_init(&world, &(struct run_options){ 0 });
    run_world_add_file(&world, STEP_FILE_ALLOCATE, "a", 1024);
    run_world_add_file(&world, STEP_FILE_ALLOCATE, "a", INT64_C(1) << 42);
    run_world_add_file(&world, STEP_FILE_ALLOCATE, "b", INT64_C(1) << 42)->always = true;
    run_world_run(&world);
    RUN_WORLD_EXPECT(&world, OUTCOME_DONE, OUTCOME_FAILED, OUTCOME_FAILED);
    assert_true(world.outcomes[1].error == EFBIG || world.outcomes[1].error == ENOSPC);
    assert_int_equal(stat(world.plan.steps.at[0].path, &file), 0);
    assert_int_equal(file.st_size, 1024 * 1024);
    assert_false(run_world_has(&world, "b"));
    run_world_done(&world);
}

/* Steps that are built around plan_destructive do not run. */
static void test_destruction_needs_an_authority(void **state)
{
    struct run_world world;
    struct step *step;

    (void)state;
    run_world_init(&world, &(struct run_options){ 0 });
    run_world_add_file(&world, STEP_FILE_TRUNCATE, "a", 1024);
    step = plan_destructive(&world.plan, "request 1", STEP_FILE_REMOVE, "remove a");
    step->path = arena_strdup(&world.plan.arena, world.plan.steps.at[0].path);
    step->authority = NULL;
    run_world_run(&world);
    RUN_WORLD_EXPECT(&world, OUTCOME_DONE, OUTCOME_FAILED);
    assert_int_equal(world.outcomes[1].error, EPERM);
    assert_true(run_world_has(&world, "a"));
    world.plan.steps.at[1].authority = arena_strdup(&world.plan.arena, "request 1");
    run_world_run(&world);
    RUN_WORLD_EXPECT(&world, OUTCOME_DONE, OUTCOME_DONE);
    assert_false(run_world_has(&world, "a"));
    run_world_done(&world);
}

static void test_worker_that_dies_is_replaced(void **state)
{
    struct run_world world;
    struct timer *killer;
    int worker;

    (void)state;
    run_world_init(&world, &(struct run_options){ .workers = 1 });
    run_world_add_file(&world, STEP_FILE_TRUNCATE, "a", 1024);
    run_world_run(&world);
    worker = run_world_worker();
    /* Idle: nobody is hurt. */
    killer = timer_new(world.loop, run_world_kill_worker, &world);
    kill(worker, SIGSTOP);
    timer_start(killer, 100, 0);
    run_world_run(&world);
    RUN_WORLD_EXPECT(&world, OUTCOME_LOST);
    run_world_run(&world);
    RUN_WORLD_EXPECT(&world, OUTCOME_DONE);
    assert_int_not_equal(run_world_worker(), worker);
    timer_free(killer);
    run_world_done(&world);
}

static void test_worker_that_hangs_while_asking_is_killed(void **state)
{
    struct run_world world;
    struct step *step;
    int worker;

    (void)state;
    run_world_init(&world, &(struct run_options){ .workers = 1, .quick_ms = 500 });
    step = plan_add(&world.plan, STEP_ASK_SPACE, "ask");
    step->patience = STEP_PATIENT;
    run_world_run(&world);
    RUN_WORLD_EXPECT(&world, OUTCOME_DONE);
    worker = run_world_worker();
    kill(worker, SIGSTOP);
    step->patience = STEP_QUICK;
    run_world_run(&world);
    RUN_WORLD_EXPECT(&world, OUTCOME_TIMEOUT);
    step->patience = STEP_PATIENT;
    run_world_run(&world);
    RUN_WORLD_EXPECT(&world, OUTCOME_DONE);
    assert_int_not_equal(run_world_worker(), worker);
    run_world_done(&world);
}

/* The first run hangs in the only worker allowed; the second gets another one as soon as that is known. */
static void test_worker_that_hangs_while_changing_blocks_only_its_own(void **state)
{
    struct run_world world;
    struct run_second second;

    (void)state;
    run_world_init(&world, &(struct run_options){ .workers = 1, .quick_ms = 500 });
    run_second_init(&second, &world);
    run_world_add_file(&world, STEP_FILE_TRUNCATE, "a", 1024);
    run_world_run(&world);
    world.hangs = 0; /* a machine that has much to do starts a worker slowly */
    run_second_stop_worker(&second);
    plan_add(&second.plan, STEP_ASK_SPACE, "ask")->patience = STEP_PATIENT;
    run_second_start_in(&second, 0);
    run_world_run(&world);
    assert_int_equal(second.done, 1);
    assert_int_equal(world.hangs, 1);
    assert_string_equal(world.hanging, "size a");
    RUN_WORLD_EXPECT(&world, OUTCOME_DONE);
    run_second_done(&second);
    run_world_done(&world);
}

static void test_worker_ends_with_its_satellite(void **state)
{
    struct run_world world;
    char lock_path[128];
    int lock, other;

    (void)state;
    run_world_init(&world, &(struct run_options){ 0 });
    snprintf(lock_path, sizeof(lock_path), "%s/lock", world.directory);
    lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    runner_free(world.runner);
    world.runner = runner_new(world.loop, &(struct run_options){ .inherit = lock });
    plan_add(&world.plan, STEP_ASK_MACHINE, "ask");
    run_world_run(&world);
    /* We are gone as far as the lock goes, the worker is not. */
    close(lock);
    other = open(lock_path, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
    runner_free(world.runner);
    world.runner = runner_new(world.loop, &(struct run_options){ 0 });
    plan_done(&world.plan);
    run_world_add_tool(&world, "true"); /* lets the loop close the pipes */
    run_world_run(&world);
    assert_int_equal(flock(other, LOCK_EX), 0);
    close(other);
    run_world_done(&world);
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
    };

    run_world_main(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
