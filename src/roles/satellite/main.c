/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "base/notify.h"
#include "base/text.h"
#include "drivers/held.h"
#include "drivers/patience.h"
#include "drivers/run.h"
#include "roles/role.h"
#include "roles/satellite/config.h"
#include "roles/satellite/crash.h"
#include "roles/satellite/satellite.h"

LOG_DOMAIN("satellite");

/* Longer than a worker, or who stands by for it, holds anything still. */
enum { PREDECESSOR_WAIT_MS = 37000, PREDECESSOR_LOOK_MS = 10 };

static int open_lock(const char *directory, const char *name)
{
    CLEANUP(memory_freep) char *path = memory_printf("%s/%s", directory, name);
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (lock < 0)
        log_error("%s cannot be opened: %s", path, strerror(errno));
    return lock;
}

/*
 * Workers and tools of a satellite that was killed may be ending their last step. They share a lock that they
 * inherited, and are waited for until nobody else has it, so that nothing changes behind the first look at the machine.
 * One that hangs is not waited for longer. Whatever comes of it, this satellite and its children share the lock from
 * then on.
 */
static void wait_for_predecessors(int lock)
{
    int64_t end_ms = patience_now_ms() + PREDECESSOR_WAIT_MS;
    bool is_told = false;

    while (flock(lock, LOCK_EX | LOCK_NB) < 0) {
        if (!is_told)
            log_info("waiting for what an earlier satellite has left running");
        is_told = true;
        if (patience_now_ms() >= end_ms) {
            log_warn("processes of an earlier satellite are still running; going on beside them");
            break;
        }
        poll(NULL, 0, PREDECESSOR_LOOK_MS);
    }
    if (flock(lock, LOCK_SH | LOCK_NB) < 0)
        log_warn(
            "processes of an earlier version are still running: a later satellite does not wait for those of this one");
}

/* The descriptor that children inherit, or a negative exit code. */
static int claim_data_dir(const char *directory)
{
    int error = text_make_directories(directory, 0755), own, children;

    if (error) {
        log_error("%s cannot be created: %s", directory, strerror(-error));
        return -EXIT_DATA;
    }
    own = open_lock(directory, "satellite.lock");
    children = open_lock(directory, "children.lock");
    if (own < 0 || children < 0)
        return -EXIT_DATA;
    if (flock(own, LOCK_EX | LOCK_NB) < 0) {
        log_error("another satellite uses %s; give each its own --data-dir", directory);
        return -EXIT_DATA;
    }
    wait_for_predecessors(children);
    return children;
}

struct shell {
    struct loop *loop;
    int argc;
    char **argv;
    int exit_code;
};

static void stop(void *owner)
{
    struct shell *shell = owner;

    log_info("stopping; devices stay as they are");
    notify_manager("STOPPING=1");
    loop_stop(shell->loop);
}

/* What can change while the satellite runs. The rest of the file takes effect at the next start. */
static void reload(void *owner)
{
    const struct shell *shell = owner;
    struct settings settings;

    if (satellite_settings_read(&settings, shell->argc, shell->argv) == 0) {
        log_set_level(settings.level);
        log_info("configuration was read again; the log level is %s", log_level_name(settings.level));
    } else {
        log_error("configuration was read again, is wrong and has no effect");
    }
    satellite_settings_done(&settings);
}

static void listening(void *owner, int error)
{
    struct shell *shell = owner;

    if (!error) {
        notify_manager("READY=1");
        return;
    }
    shell->exit_code = EXIT_NETWORK;
    loop_stop(shell->loop);
}

/* For tests: see HACKING.md. */
static int64_t kill_after(void)
{
    const char *text = getenv("LINSTOR_KILL_AFTER");
    int64_t steps;

    return text && text_parse_i64(text, 1, INT32_MAX, &steps) ? steps : 0;
}

static int serve(const struct settings *settings, int inherit, int argc, char **argv)
{
    struct shell shell = { .loop = loop_new(), .argc = argc, .argv = argv };
    CLEANUP(memory_freep) char *notes = held_directory(settings->satellite.data_dir);
    struct run_options options = { .notes = notes, .inherit = inherit, .kill_after = kill_after() };
    struct runner *runner = runner_new(shell.loop, &options);
    struct satellite *satellite = satellite_new(shell.loop, runner, &settings->satellite);

    satellite_on_listening(satellite, listening, &shell);
    loop_on_signal(shell.loop, SIGTERM, stop, &shell);
    loop_on_signal(shell.loop, SIGINT, stop, &shell);
    loop_on_signal(shell.loop, SIGHUP, reload, &shell);
    loop_run(shell.loop);
    satellite_free(satellite);
    runner_free(runner);
    loop_free(shell.loop);
    return shell.exit_code;
}

static int satellite_main(int argc, char **argv)
{
    struct settings settings;
    int result = satellite_settings_read(&settings, argc, argv);

    if (!result) {
        int inherit;

        log_set_level(settings.level);
        signal(SIGPIPE, SIG_IGN);
        inherit = claim_data_dir(settings.satellite.data_dir);
        if (inherit >= 0)
            crashes_install(settings.satellite.data_dir);
        result = inherit < 0 ? -inherit : serve(&settings, inherit, argc, argv);
    }
    satellite_settings_done(&settings);
    return result < 0 ? 0 : result;
}

static int run_worker(int argc, char **argv)
{
    return worker_main(argc > 1 ? argv[1] : NULL);
}

const struct role role_satellite = {
    .name = "satellite",
    .summary = "makes the block devices that a controller wants on this node",
    .main = satellite_main,
};
const struct role role_worker = { .name = "worker", .summary = "", .main = run_worker, .hidden = true };
