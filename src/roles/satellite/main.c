/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "drivers/run.h"
#include "roles/role.h"
#include "roles/satellite/satellite.h"

LOG_DOMAIN("satellite");

enum exit_code { EXIT_OPTIONS = 1, EXIT_CONFIG = 2, EXIT_NETWORK = 20, EXIT_DATA = 21 }; /* LINSTOR: 1, 2 and 20 are the same */
enum { PREDECESSOR_WAIT_MS = 10000, PREDECESSOR_LOOK_MS = 10 };

struct settings {
    struct satellite_options satellite;
    const char *config;
};

static const char usage_text[] =
    "Usage: linstor-satellite [options]\n"
    "Makes the block devices that a controller wants on this node.\n"
    "\n"
    "  --name NAME           name of the node; a controller that calls it otherwise is refused (default: any)\n"
    "  --data-dir DIR        what the satellite keeps (default: /var/lib/linstor-satellite)\n"
    "  --config FILE         default: /etc/linstor/linstor_satellite.toml, if it exists\n"
    "  --bind-address IP     default: ::, that is every address\n"
    "  --port PORT           default: 3366\n"
    "  --log-level LEVEL     ERROR, WARN, INFO (default), DEBUG or TRACE\n"
    "  --version             print the version and exit\n"
    "  --help                print this and exit\n";

static int take_options(int argc, char **argv, struct settings *settings)
{
    static const struct option options[] = {
        { "name", required_argument, NULL, 'n' },    { "data-dir", required_argument, NULL, 'd' },
        { "config", required_argument, NULL, 'c' },  { "bind-address", required_argument, NULL, 'b' },
        { "port", required_argument, NULL, 'p' },    { "log-level", required_argument, NULL, 'l' },
        { "version", no_argument, NULL, 'v' },       { "help", no_argument, NULL, 'h' },
        { 0 },
    };
    enum log_level level;
    int64_t port;
    int option;

    while ((option = getopt_long(argc, argv, "hv", options, NULL)) != -1) {
        switch (option) {
        case 'n': settings->satellite.name = optarg; break;
        case 'd': settings->satellite.data_dir = optarg; break;
        case 'c': settings->config = optarg; break;
        case 'b': settings->satellite.bind_address = optarg; break;
        case 'p':
            if (!text_parse_i64(optarg, 0, 65535, &port)) {
                fprintf(stderr, "linstor-satellite: '%s' is not a port\n", optarg);
                return EXIT_OPTIONS;
            }
            settings->satellite.port = (int)port;
            break;
        case 'l':
            if (!log_level_parse(optarg, &level)) {
                fprintf(stderr, "linstor-satellite: '%s' is not a log level\n", optarg);
                return EXIT_OPTIONS;
            }
            log_set_level(level);
            break;
        case 'v': printf("linstor-satellite %s\n", PROGRAM_VERSION); exit(0);
        case 'h': fputs(usage_text, stdout); exit(0);
        default: fputs("Try --help.\n", stderr); return EXIT_OPTIONS;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "linstor-satellite: '%s' is not an option; try --help\n", argv[optind]);
        return EXIT_OPTIONS;
    }
    return 0;
}

static int open_lock(const char *directory, const char *name)
{
    CLEANUP(memory_freep) char *path = memory_printf("%s/%s", directory, name);
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (lock < 0)
        log_error("%s cannot be opened: %s", path, strerror(errno));
    return lock;
}

/*
 * Workers and tools of a satellite that was killed may be ending their last step. They hold a lock that they inherited, and are
 * waited for, so that nothing changes behind the first look at the machine. One that hangs is not waited for longer.
 */
static void wait_for_predecessors(int lock)
{
    int waited_ms = 0;

    while (flock(lock, LOCK_EX | LOCK_NB) < 0) {
        if (waited_ms == 0)
            log_info("waiting for what an earlier satellite has left running");
        if (waited_ms >= PREDECESSOR_WAIT_MS) {
            log_warn("processes of an earlier satellite are still running; going on beside them");
            return;
        }
        poll(NULL, 0, PREDECESSOR_LOOK_MS);
        waited_ms += PREDECESSOR_LOOK_MS;
    }
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
    int exit_code;
};

static void stop(void *owner)
{
    struct shell *shell = owner;

    log_info("stopping; devices stay as they are");
    loop_stop(shell->loop);
}

static void listening(void *owner, int error)
{
    struct shell *shell = owner;

    if (!error)
        return;
    log_error("the port cannot be had: %s", strerror(-error));
    shell->exit_code = EXIT_NETWORK;
    loop_stop(shell->loop);
}

static int serve(const struct settings *settings, int inherit)
{
    struct shell shell = { .loop = loop_new() };
    struct run_options options = { .inherit = inherit };
    struct runner *runner = runner_new(shell.loop, &options);
    struct satellite *satellite = satellite_new(shell.loop, runner, &settings->satellite);

    satellite_on_listening(satellite, listening, &shell);
    loop_on_signal(shell.loop, SIGTERM, stop, &shell);
    loop_on_signal(shell.loop, SIGINT, stop, &shell);
    loop_run(shell.loop);
    satellite_free(satellite);
    runner_free(runner);
    loop_free(shell.loop);
    return shell.exit_code;
}

static int satellite_main(int argc, char **argv)
{
    struct settings settings = {
        .satellite = { .data_dir = "/var/lib/linstor-satellite", .bind_address = "::", .port = 3366 },
    };
    int result = take_options(argc, argv, &settings), inherit;

    if (result)
        return result;
    signal(SIGPIPE, SIG_IGN);
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    inherit = claim_data_dir(settings.satellite.data_dir);
    return inherit < 0 ? -inherit : serve(&settings, inherit);
}

static int run_worker(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return worker_main();
}

const struct role role_satellite = {
    .name = "satellite",
    .summary = "makes the block devices that a controller wants on this node",
    .main = satellite_main,
};
const struct role role_worker = { .name = "worker", .summary = "", .main = run_worker, .hidden = true };
