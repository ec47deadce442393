/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run_world.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

static void too_late(void *owner)
{
    struct run_world *world = owner;

    world->is_late = true;
    loop_stop(world->loop);
}

static void stop_soon(void *owner)
{
    loop_stop(((struct run_world *)owner)->loop);
}

static void watch(void *owner)
{
    struct run_world *world = owner;

    if (!run_world_has(world, world->watched))
        return;
    timer_stop(world->watch);
    world->act(world->actor);
}

void run_world_when(struct run_world *world, const char *name, void (*act)(void *owner), void *owner)
{
    world->watched = name;
    world->act = act;
    world->actor = owner;
    timer_start(world->watch, 0, 20);
}

void run_world_init(struct run_world *world, const struct run_options *options)
{
    memset(world, 0, sizeof(*world));
    world->loop = loop_new();
    world->runner = runner_new(world->loop, options);
    world->deadline = timer_new(world->loop, too_late, world);
    world->pause = timer_new(world->loop, stop_soon, world);
    world->watch = timer_new(world->loop, watch, world);
    strcpy(world->directory, "/tmp/test_run.XXXXXX");
    assert_non_null(mkdtemp(world->directory));
}

void run_world_done(struct run_world *world)
{
    char command[128];

    timer_free(world->deadline);
    timer_free(world->pause);
    timer_free(world->watch);
    runner_free(world->runner);
    loop_free(world->loop);
    plan_done(&world->plan);
    arena_done(&world->arena);
    snprintf(command, sizeof(command), "rm -r %s", world->directory);
    assert_int_equal(system(command), 0);
}

static void on_done(void *owner, const struct outcome *outcomes, size_t count)
{
    struct run_world *world = owner;

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
    struct run_world *world = owner;
    char name[32];

    assert_true(since_ms >= 0);
    snprintf(world->hanging, sizeof(world->hanging), "%s%s%s", step->what, behind ? " behind " : "",
             behind ? behind->what : "");
    snprintf(name, sizeof(name), "hangs%d", ++world->hangs);
    run_world_touch(world, name);
}

const struct run_events run_world_events = { .done = on_done, .hangs = on_hangs };

void run_world_run(struct run_world *world)
{
    int before = world->done;

    run_plan(world->runner, &world->plan, &run_world_events, world);
    assert_int_equal(world->done, before);
    timer_start(world->deadline, 20000, 0);
    loop_run(world->loop);
    assert_false(world->is_late);
    assert_int_equal(world->done, before + 1);
}

void run_world_expect(const struct run_world *world, const enum outcome_result *results, size_t count)
{
    assert_int_equal(world->count, count);
    for (size_t i = 0; i < count; i++)
        if (world->outcomes[i].result != results[i])
            fail_msg("step %zu: %s instead of %s", i, enum_name(outcome_result_names, world->outcomes[i].result),
                     enum_name(outcome_result_names, results[i]));
}

struct step *run_world_add_tool(struct run_world *world, const char *script)
{
    const char *const argv[] = { "sh", "-c", script, NULL };
    struct step *step = plan_add(&world->plan, STEP_EXEC, "run %s", script);

    plan_add_words(&world->plan, step, argv);
    return step;
}

struct step *run_world_add_file(struct run_world *world, enum step_kind kind, const char *name, int64_t size_kib)
{
    struct step *step = plan_add(&world->plan, kind, "size %s", name);

    step->path = arena_printf(&world->plan.arena, "%s/%s", world->directory, name);
    step->size_kib = size_kib;
    return step;
}

int run_world_worker(void)
{
    char command[128], line[32] = "", last[32] = "";
    FILE *children;

    snprintf(command, sizeof(command), "pgrep -r RSDT -P %d linstor-worker", (int)getpid());
    children = popen(command, "r");
    assert_non_null(children);
    while (fgets(line, sizeof(line), children))
        memcpy(last, line, sizeof(last));
    pclose(children);
    assert_true(atoi(last) > 0);
    return atoi(last);
}

void run_world_kill_worker(void *owner)
{
    (void)owner;
    kill(run_world_worker(), SIGKILL);
}

const char *run_world_script(struct run_world *world, const char *awaited, const char *script)
{
    return arena_printf(
        &world->arena, "cd %s; for i in $(seq 750); do test -e %s && break; sleep 0.02; done; test -e %s || exit 1; %s",
        world->directory, awaited, awaited, script);
}

bool run_world_has(const struct run_world *world, const char *name)
{
    struct stat file;
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", world->directory, name);
    return stat(path, &file) == 0;
}

void run_world_touch(const struct run_world *world, const char *name)
{
    char path[128];
    int fd;

    snprintf(path, sizeof(path), "%s/%s", world->directory, name);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
}

void run_world_await(struct run_world *world, const char *name)
{
    for (int i = 0; i < 750 && !run_world_has(world, name); i++) {
        timer_start(world->pause, 20, 0);
        loop_run(world->loop);
    }
    assert_true(run_world_has(world, name));
}

static void second_ended(void *owner, const struct outcome *outcomes, size_t count)
{
    struct run_second *second = owner;

    assert_int_equal(count, 1);
    assert_int_equal(outcomes[0].result, OUTCOME_DONE);
    second->done++;
    if (second->stopped > 0)
        kill(second->stopped, SIGCONT);
}

void run_second_start(struct run_second *second)
{
    static const struct run_events second_events = { .done = second_ended };

    run_plan(second->world->runner, &second->plan, &second_events, second);
}

static void time_to_start(void *owner)
{
    run_second_start(owner);
}

void run_second_start_in(struct run_second *second, int64_t after_ms)
{
    timer_start(second->starter, after_ms, 0);
}

void run_second_init(struct run_second *second, struct run_world *world)
{
    *second = (struct run_second){ .world = world, .starter = timer_new(world->loop, time_to_start, second) };
}

void run_second_done(struct run_second *second)
{
    timer_free(second->starter);
    plan_done(&second->plan);
}

void run_second_stop_worker(struct run_second *second)
{
    second->stopped = run_world_worker();
    kill(second->stopped, SIGSTOP);
}

struct step *run_second_add_tool(struct run_second *second, const char *script)
{
    struct step *step = plan_add(&second->plan, STEP_EXEC, "the second");

    PLAN_ADD_WORDS(&second->plan, step, "sh", "-c", script);
    step->turn = arena_strdup(&second->plan.arena, RUN_SECOND_TURN);
    return step;
}

void run_world_main(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "worker") == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves no stopped one */
        exit(worker_main(argc > 2 ? argv[2] : NULL));
    }
    signal(SIGPIPE, SIG_IGN);
    if (argc == 2)
        cmocka_set_test_filter(argv[1]);
}
