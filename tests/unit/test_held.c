/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Notes of what stands still, made by real workers: this program is its own worker. */
#include "drivers/held.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sys/stat.h>

#include "base/loop.h"
#include "base/text.h"
#include "drivers/run.h"

#define NO_MAPPING "linstor_test_held_none"
#define NO_DEVICE  "/dev/zvol/linstor_test/none_00000"
#define NO_NOTE    "fs:!dev!zvol!linstor_test!none_00000"

struct world {
    struct loop *loop;
    struct runner *runner;
    struct plan plan;
    char directory[64], notes[80];
    uint32_t results[8];
};

static void world_init(struct world *world)
{
    struct run_options options = { .notes = world->notes };

    memset(world, 0, sizeof(*world));
    strcpy(world->directory, "/tmp/test_held.XXXXXX");
    assert_non_null(mkdtemp(world->directory));
    snprintf(world->notes, sizeof(world->notes), "%s/held", world->directory);
    world->loop = loop_new();
    world->runner = runner_new(world->loop, &options);
}

static void world_done(struct world *world)
{
    char command[128];

    if (world->runner)
        runner_free(world->runner);
    loop_free(world->loop);
    plan_done(&world->plan);
    snprintf(command, sizeof(command), "rm -r %s", world->directory);
    assert_int_equal(system(command), 0);
}

static bool is_noted(const struct world *world, const char *name)
{
    struct stat found;
    char path[160];

    snprintf(path, sizeof(path), "%s/%s", world->notes, name);
    return stat(path, &found) == 0;
}

static void write_note(const struct world *world, const char *name, const char *boot)
{
    char path[160];

    snprintf(path, sizeof(path), "%s/%s", world->notes, name);
    assert_int_equal(text_make_directories(world->notes, 0700), 0);
    assert_int_equal(text_write_file(path, boot, strlen(boot), 0600), 0);
}

static void on_done(void *owner, const struct outcome *outcomes, size_t count)
{
    struct world *world = owner;

    assert_true(count <= ARRAY_SIZE(world->results));
    for (size_t i = 0; i < count; i++)
        world->results[i] = outcomes[i].result;
    loop_stop(world->loop);
}

static const struct run_events events = { .done = on_done };

static void run(struct world *world)
{
    run_plan(world->runner, &world->plan, &events, world);
    loop_run(world->loop);
    plan_done(&world->plan);
}

/* The worker takes notes away after it has answered. */
static void await_forgotten(const struct world *world, const char *name)
{
    for (int i = 0; i < 500 && is_noted(world, name); i++)
        usleep(10000);
    assert_false(is_noted(world, name));
}

static void stop_when_noted(void *owner)
{
    struct world *world = owner;

    if (is_noted(world, "dm:" NO_MAPPING))
        loop_stop(world->loop);
}

static struct step *add_mapping_step(struct world *world, enum step_kind kind)
{
    struct step *step = plan_add(&world->plan, kind, "a step with " NO_MAPPING);

    step->name = arena_strdup(&world->plan.arena, NO_MAPPING);
    return step;
}

/* There is no such mapping, so that the steps fail as they would in the middle, and leave their note. */
static void test_what_is_not_let_go_stays_noted(void **state)
{
    struct world world;

    (void)state;
    world_init(&world);
    add_mapping_step(&world, STEP_DM_SUSPEND)->hold_ms = 10000;
    add_mapping_step(&world, STEP_DM_RESUME)->always = true;
    run(&world);
    assert_int_equal(world.results[0], OUTCOME_FAILED);
    assert_int_equal(world.results[1], OUTCOME_FAILED);
    assert_true(is_noted(&world, "dm:" NO_MAPPING));

    /* What the next satellite does. */
    write_note(&world, "dm:linstor_test_of_another_boot", "10000000-0000-4000-8000-000000000000\n");
    write_note(&world, NO_NOTE, "");
    write_note(&world, "something else", "");
    held_plan_thaw(world.notes, &world.plan);
    assert_int_equal(world.plan.steps.count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        const struct step *step = &world.plan.steps.at[i];

        assert_true(step->always);
        assert_true(step->kind == STEP_DM_THAW || step->kind == STEP_FS_THAW);
        assert_string_equal(step->kind == STEP_DM_THAW ? step->name : step->device,
                            step->kind == STEP_DM_THAW ? NO_MAPPING : NO_DEVICE);
    }
    assert_false(is_noted(&world, "dm:linstor_test_of_another_boot"));
    assert_true(is_noted(&world, "something else"));
    run(&world);
    assert_int_equal(world.results[0], OUTCOME_DONE);
    assert_int_equal(world.results[1], OUTCOME_DONE);
    await_forgotten(&world, "dm:" NO_MAPPING);
    await_forgotten(&world, NO_NOTE);
    held_plan_thaw(world.notes, &world.plan);
    assert_int_equal(world.plan.steps.count, 0);
    world_done(&world);
}

/* The step before fails, or the satellite goes away meanwhile. What somebody else had noted stays. */
static void test_what_was_not_begun_is_forgotten(void **state)
{
    static const bool goes_away[] = { false, true };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(goes_away); i++) {
        struct world world;
        struct step *wait;

        world_init(&world);
        write_note(&world, NO_NOTE, "");
        wait = plan_add(&world.plan, STEP_WAIT_DEVICE, "wait for what does not come");
        wait->device = arena_strdup(&world.plan.arena, NO_DEVICE);
        wait->patience_ms = goes_away[i] ? 500 : 1;
        (void)add_mapping_step(&world, STEP_DM_RELOAD);
        plan_add(&world.plan, STEP_ZVOL_GROW, "grow")->device = arena_strdup(&world.plan.arena, NO_DEVICE);
        run_plan(world.runner, &world.plan, &events, &world);
        if (goes_away[i]) {
            struct timer *look = timer_new(world.loop, stop_when_noted, &world);

            timer_start(look, 0, 10);
            loop_run(world.loop);
            timer_free(look);
            runner_free(world.runner);
            world.runner = NULL;
        } else {
            loop_run(world.loop);
            assert_int_equal(world.results[1], OUTCOME_SKIPPED);
        }
        await_forgotten(&world, "dm:" NO_MAPPING);
        assert_true(is_noted(&world, NO_NOTE));
        world_done(&world);
    }
}

/* A zvol that did not grow leaves its file system as it was, unless somebody has died with it. */
static void test_what_is_over(void **state)
{
    static const struct {
        enum step_kind kind;
        enum outcome_result result;
        bool stays_frozen, was_there, is_over;
    } cases[] = {
        { STEP_DM_SUSPEND, OUTCOME_DONE, false, false, false },
        { STEP_DM_RESUME, OUTCOME_DONE, false, true, true },
        { STEP_DM_RESUME, OUTCOME_FAILED, false, false, false },
        { STEP_DM_RELOAD, OUTCOME_DONE, false, false, true },
        { STEP_DM_RELOAD, OUTCOME_FAILED, true, false, false },
        { STEP_DM_RELOAD, OUTCOME_FAILED, true, true, false },
        { STEP_DM_RELOAD, OUTCOME_FAILED, false, false, true },
        { STEP_DM_RELOAD, OUTCOME_FAILED, false, true, true },
        { STEP_DM_SUSPEND, OUTCOME_SKIPPED, false, false, true },
        { STEP_DM_SUSPEND, OUTCOME_SKIPPED, false, true, false },
        { STEP_DM_RELOAD, OUTCOME_SKIPPED, false, false, true },
        { STEP_DM_RELOAD, OUTCOME_SKIPPED, false, true, false },
        { STEP_DM_RESUME, OUTCOME_SKIPPED, false, false, false },
        { STEP_ZVOL_GROW, OUTCOME_SKIPPED, false, false, true },
        { STEP_ZVOL_GROW, OUTCOME_DONE, false, true, true },
        { STEP_ZVOL_GROW, OUTCOME_FAILED, false, false, true },
        { STEP_ZVOL_GROW, OUTCOME_FAILED, false, true, false },
        { STEP_ZVOL_GROW, OUTCOME_FAILED, true, false, false },
        { STEP_FS_THAW, OUTCOME_FAILED, false, false, false },
        { STEP_FILE_REMOVE, OUTCOME_DONE, false, false, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct step step = { .kind = cases[i].kind };
        struct outcome outcome = { .result = cases[i].result, .stays_frozen = cases[i].stays_frozen };

        assert_int_equal(held_is_over(&step, &outcome, cases[i].was_there), cases[i].is_over);
    }
}

static void test_nothing_noted(void **state)
{
    struct step step = { .kind = STEP_DM_RESUME, .name = (char[]){ NO_MAPPING } };
    struct plan plan = { 0 };
    bool was_there = true;

    (void)state;
    held_note(NULL, &step, 1, &was_there);
    assert_false(was_there);
    held_forget(NULL, &step);
    held_plan_thaw("/no/such/directory", &plan);
    assert_int_equal(plan.steps.count, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_let_go_stays_noted),
        cmocka_unit_test(test_what_was_not_begun_is_forgotten),
        cmocka_unit_test(test_what_is_over),
        cmocka_unit_test(test_nothing_noted),
    };

    if (argc >= 2 && strcmp(argv[1], "worker") == 0)
        return worker_main(argc > 2 ? argv[2] : NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
