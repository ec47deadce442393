/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stands still while a tool runs goes on, whoever dies, hangs or comes late. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "run_world.h"

/* Files stand for what is stopped and goes on: "frozen" is made, a tool runs, "thawed" is made whatever happens. */
static struct step *add_frozen_tool(struct run_world *world, int64_t hold_ms, const char *script)
{
    uint32_t tool;

    run_world_add_file(world, STEP_FILE_TRUNCATE, "frozen", 1024)->hold_ms = hold_ms;
    run_world_add_tool(world, script)->changes = true;
    tool = world->plan.steps.count - 1;
    run_world_add_file(world, STEP_FILE_TRUNCATE, "never", 1024);
    run_world_add_file(world, STEP_FILE_TRUNCATE, "thawed", 1024)->always = true;
    return &world->plan.steps.at[tool];
}

static void add_tool_with_turn(struct run_world *world, int64_t hold_ms)
{
    add_frozen_tool(world, hold_ms, "true")->turn = arena_strdup(&world->plan.arena, RUN_SECOND_TURN);
}

/* A tool that tells that it has begun. */
static const char *begin_and_await(struct run_world *world, const char *awaited, const char *script)
{
    return arena_printf(&world->arena, "touch %s/begun; %s", world->directory,
                        run_world_script(world, awaited, script));
}

#define ALL_DONE OUTCOME_DONE, OUTCOME_DONE, OUTCOME_DONE, OUTCOME_DONE

/* It succeeded, but not while everything stood still. */
static void expect_void(const struct run_world *world, bool is_late)
{
    assert_int_equal(world->count, 4);
    assert_int_equal(world->outcomes[0].result, OUTCOME_DONE);
    assert_int_equal(world->outcomes[1].exit_code, 0);
    assert_int_equal(world->outcomes[1].result, OUTCOME_FAILED);
    assert_int_equal(world->outcomes[1].error, ETIMEDOUT);
    assert_int_equal(world->outcomes[1].is_late, is_late);
    assert_int_not_equal(world->outcomes[2].result, OUTCOME_DONE);
    assert_int_equal(world->outcomes[3].result, OUTCOME_DONE);
    assert_false(run_world_has(world, "never"));
}

static void test_tool_runs_while_something_stands_still(void **state)
{
    struct run_world world;
    char script[256];

    (void)state;
    run_world_init(&world, &(struct run_options){ .workers = 1 });
    snprintf(script, sizeof(script), "cd %s && test -e frozen && test ! -e thawed && sleep 0.2 && test ! -e thawed",
             world.directory);
    add_frozen_tool(&world, 10000, script);
    run_world_run(&world);
    RUN_WORLD_EXPECT(&world, ALL_DONE);
    /* The tool fails: only what is always run is run. */
    plan_done(&world.plan);
    add_frozen_tool(&world, 10000, "exit 5");
    run_world_run(&world);
    RUN_WORLD_EXPECT(&world, OUTCOME_DONE, OUTCOME_FAILED, OUTCOME_SKIPPED, OUTCOME_DONE);
    assert_int_equal(world.outcomes[1].exit_code, 5);
    /* Likewise when it cannot be stopped at all: no tool is run. */
    plan_done(&world.plan);
    run_world_add_file(&world, STEP_FILE_TRUNCATE, "no/such/directory", 1024);
    add_frozen_tool(&world, 10000, "exit 5");
    run_world_run(&world);
    RUN_WORLD_EXPECT(&world, OUTCOME_FAILED, OUTCOME_SKIPPED, OUTCOME_SKIPPED, OUTCOME_SKIPPED, OUTCOME_DONE);
    run_world_done(&world);
}

/* While another one has the turn of the tool, nothing is stopped. */
static void test_turns_are_had_before_anything_stands_still(void **state)
{
    struct run_world world;
    struct run_second second;
    char script[256];

    (void)state;
    run_world_init(&world, &(struct run_options){ 0 });
    run_second_init(&second, &world);
    snprintf(script, sizeof(script), "sleep 0.4; test ! -e %s/frozen", world.directory);
    run_second_add_tool(&second, script);
    run_second_start(&second);
    add_tool_with_turn(&world, 10000);
    run_world_run(&world);
    assert_int_equal(second.done, 1);
    RUN_WORLD_EXPECT(&world, ALL_DONE);
    run_second_done(&second);
    run_world_done(&world);
}

/* Of steps of workers as well; those before it do not need to wait. */
static void test_steps_of_workers_have_turns(void **state)
{
    struct run_world world;
    struct run_second second;

    (void)state;
    run_world_init(&world, &(struct run_options){ 0 });
    run_second_init(&second, &world);
    run_second_add_tool(&second, run_world_script(&world, "before", "sleep 0.3; test ! -e after"));
    run_second_start(&second);
    run_world_add_file(&world, STEP_FILE_TRUNCATE, "before", 1024);
    run_world_add_file(&world, STEP_FILE_TRUNCATE, "after", 1024)->turn =
        arena_strdup(&world.plan.arena, RUN_SECOND_TURN);
    run_world_add_file(&world, STEP_FILE_TRUNCATE, "last", 1024);
    run_world_run(&world);
    assert_int_equal(second.done, 1);
    RUN_WORLD_EXPECT(&world, OUTCOME_DONE, OUTCOME_DONE, OUTCOME_DONE);
    run_second_done(&second);
    run_world_done(&world);
}

/* A world with a worker, which is stopped, and one step that it would do. The second run begins soon after the next. */
static void begin_stopped(struct run_world *world, struct run_second *second, int64_t quick_ms)
{
    run_world_init(world, &(struct run_options){ .quick_ms = quick_ms });
    run_second_init(second, world);
    run_world_add_file(world, STEP_FILE_TRUNCATE, "a", 1024);
    run_world_run(world);
    run_second_stop_worker(second);
    run_second_start_in(second, 100);
}

/* What comes before, however long it takes, keeps nobody from the turn. */
static void test_turns_are_not_had_before_something_stands_still(void **state)
{
    struct run_world world;
    struct run_second second;

    (void)state;
    begin_stopped(&world, &second, 15000);
    add_tool_with_turn(&world, 60000);
    run_second_add_tool(&second, "true");
    run_world_run(&world);
    assert_int_equal(second.done, 1);
    assert_int_equal(world.hangs, 0);
    RUN_WORLD_EXPECT(&world, OUTCOME_DONE, ALL_DONE);
    run_second_done(&second);
    run_world_done(&world);
}

/* What hangs before its tool was begun does not keep others from theirs; it has its turn again afterwards. */
static void test_step_that_hangs_gives_its_turns_back(void **state)
{
    struct run_world world;
    struct run_second second;

    (void)state;
    begin_stopped(&world, &second, 500);
    plan_done(&world.plan);
    add_tool_with_turn(&world, 60000);
    run_second_add_tool(&second, "true");
    run_world_run(&world);
    assert_int_equal(second.done, 1);
    assert_string_equal(world.hanging, "size frozen");
    RUN_WORLD_EXPECT(&world, ALL_DONE);
    run_second_done(&second);
    run_world_done(&world);
}

/* Steps of a world are made by functions that add to its own plan. */
static void move_plan(struct run_world *world, struct plan *to)
{
    *to = world->plan;
    world->plan = (struct plan){ 0 };
}

static void plan_grower_and_occupant(struct run_world *world, struct run_second *grower, struct run_second *occupant)
{
    run_second_init(grower, world);
    run_second_init(occupant, world);
    run_world_add_file(world, STEP_FILE_TRUNCATE, "grown", 1024)->turn =
        arena_strdup(&world->plan.arena, RUN_SECOND_TURN);
    move_plan(world, &grower->plan);
    run_world_add_file(world, STEP_FILE_TRUNCATE, "b", 1024);
    move_plan(world, &occupant->plan);
}

/* The only worker is busy for long. What needs it and the turn keeps nobody from the turn. */
static void test_turns_are_not_had_without_a_worker(void **state)
{
    struct run_world world;
    struct run_second grower, occupant;

    (void)state;
    run_world_init(&world, &(struct run_options){ .workers = 1 });
    run_world_add_file(&world, STEP_FILE_TRUNCATE, "a", 1024);
    run_world_run(&world);
    plan_done(&world.plan);
    plan_grower_and_occupant(&world, &grower, &occupant);
    run_second_stop_worker(&occupant);
    run_second_start(&occupant);
    run_second_start_in(&grower, 200);
    timer_start(world.pause, 400, 0);
    loop_run(world.loop);
    run_world_add_tool(&world, "true")->turn = arena_strdup(&world.plan.arena, RUN_SECOND_TURN);
    run_world_run(&world);
    RUN_WORLD_EXPECT(&world, OUTCOME_DONE);
    assert_int_equal(world.hangs, 0);
    assert_false(run_world_has(&world, "grown"));
    kill(occupant.stopped, SIGCONT);
    run_world_await(&world, "grown");
    assert_true(run_world_has(&world, "b"));
    run_second_done(&grower);
    run_second_done(&occupant);
    run_world_done(&world);
}

/* Who came for both is not overtaken by who came later, for the worker alone: it would be so again and again. */
static void test_who_waits_for_a_turn_has_a_worker_kept(void **state)
{
    struct run_world world;
    struct run_second grower, occupant;
    char script[256];

    (void)state;
    run_world_init(&world, &(struct run_options){ .workers = 1 });
    plan_grower_and_occupant(&world, &grower, &occupant);
    snprintf(script, sizeof(script), "sleep 1.2; test ! -e %s/b", world.directory);
    run_world_add_tool(&world, script)->turn = arena_strdup(&world.plan.arena, RUN_SECOND_TURN);
    run_second_start_in(&grower, 300);
    run_second_start_in(&occupant, 600);
    run_world_run(&world);
    RUN_WORLD_EXPECT(&world, OUTCOME_DONE);
    run_world_await(&world, "grown");
    run_world_await(&world, "b");
    run_second_done(&grower);
    run_second_done(&occupant);
    run_world_done(&world);
}

static void go_on_with_it(void *owner)
{
    kill(((struct run_second *)owner)->stopped, SIGCONT);
}

/* It has not its turn again in time: what stands still goes on before that, and the tool is not run. */
static void test_step_that_hung_waits_for_its_turn_while_it_may(void **state)
{
    struct run_world world;
    struct run_second second;

    (void)state;
    begin_stopped(&world, &second, 500);
    plan_done(&world.plan);
    add_tool_with_turn(&world, 300);
    run_second_add_tool(&second, begin_and_await(&world, "over", "true"));
    run_world_when(&world, "begun", go_on_with_it, &second);
    run_world_run(&world);
    RUN_WORLD_EXPECT(&world, OUTCOME_DONE, OUTCOME_FAILED, OUTCOME_SKIPPED, OUTCOME_DONE);
    assert_int_equal(world.outcomes[1].error, ETIMEDOUT);
    assert_int_equal(second.done, 0);
    run_world_touch(&world, "over");
    plan_done(&world.plan);
    run_world_add_tool(&world, "true")->turn = arena_strdup(&world.plan.arena, RUN_SECOND_TURN); /* behind the second */
    run_world_run(&world);
    assert_int_equal(second.done, 1);
    run_second_done(&second);
    run_world_done(&world);
}

static void test_nothing_stands_still_for_longer_than_it_may(void **state)
{
    struct run_world world;

    (void)state;
    run_world_init(&world, &(struct run_options){ 0 });
    add_frozen_tool(&world, 1000, run_world_script(&world, "thawed", "true"));
    run_world_run(&world);
    expect_void(&world, true);
    /* What fails at last was too late all the same. */
    run_world_done(&world);
    run_world_init(&world, &(struct run_options){ 0 });
    add_frozen_tool(&world, 1000, run_world_script(&world, "thawed", "exit 5"));
    run_world_run(&world);
    assert_int_equal(world.outcomes[1].result, OUTCOME_FAILED);
    assert_int_equal(world.outcomes[1].exit_code, 5);
    /* Which of both ends first, the tool or the worker, is chance, and what this step is called with it. */
    assert_int_not_equal(world.outcomes[2].result, OUTCOME_DONE);
    assert_int_equal(world.outcomes[3].result, OUTCOME_DONE);
    assert_true(world.outcomes[1].is_late);
    run_world_done(&world);
}

/* It goes on at once, while the tool runs still: that ends only then. */
static void test_worker_that_dies_while_something_stands_still(void **state)
{
    struct run_world world;

    (void)state;
    run_world_init(&world, &(struct run_options){ .workers = 1 });
    add_frozen_tool(&world, 60000, begin_and_await(&world, "thawed", "true"));
    run_world_when(&world, "begun", run_world_kill_worker, NULL);
    run_world_run(&world);
    expect_void(&world, false);
    run_world_done(&world);
}

/* The tool ends first: what it makes is made while everything stands still. */
static void check_goes_on_without_the_runner(const char *first)
{
    struct run_world world;
    char script[1024];

    run_world_init(&world, &(struct run_options){ 0 });
    snprintf(script, sizeof(script), "%s; %s", first,
             begin_and_await(&world, "left", "sleep 0.3; test -e thawed && touch early; touch ended"));
    add_frozen_tool(&world, 60000, script);
    run_plan(world.runner, &world.plan, &run_world_events, &world);
    run_world_await(&world, "begun");
    runner_free(world.runner);
    world.runner = runner_new(world.loop, &(struct run_options){ 0 });
    run_world_touch(&world, "left");
    run_world_await(&world, "thawed"); /* the loop closes the pipes */
    assert_true(run_world_has(&world, "ended"));
    assert_false(run_world_has(&world, "early"));
    assert_false(run_world_has(&world, "never"));
    run_world_done(&world);
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
        cmocka_unit_test(test_tool_runs_while_something_stands_still),
        cmocka_unit_test(test_turns_are_had_before_anything_stands_still),
        cmocka_unit_test(test_steps_of_workers_have_turns),
        cmocka_unit_test(test_turns_are_not_had_before_something_stands_still),
        cmocka_unit_test(test_step_that_hangs_gives_its_turns_back),
        cmocka_unit_test(test_step_that_hung_waits_for_its_turn_while_it_may),
        cmocka_unit_test(test_turns_are_not_had_without_a_worker),
        cmocka_unit_test(test_who_waits_for_a_turn_has_a_worker_kept),
        cmocka_unit_test(test_nothing_stands_still_for_longer_than_it_may),
        cmocka_unit_test(test_worker_that_dies_while_something_stands_still),
        cmocka_unit_test(test_what_stands_still_goes_on_without_the_runner),
        cmocka_unit_test(test_tools_may_close_what_they_do_not_know),
    };

    run_world_main(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
