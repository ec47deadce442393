/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ZFS tells Linux that the medium of a zvol has changed when its size has. Whoever opens the device next makes the
 * kernel drop what it holds of the file system that is mounted on it, also what was not yet written back, but for files
 * that are open. So the file system is frozen before the size changes, and thawed after the device was opened once.
 *
 *     freeze - zfs set volsize - open - thaw
 *
 * This step has the turn of its zpool from before it begins, so that nothing is frozen while the tool would wait for
 * other commands of ours. When the step hangs it gives the turn back, and keeps nobody else.
 *
 * A tool that hangs is waited for, but nobody is kept from writing for that: what was frozen is thawed, and frozen
 * again for the moment of the opening when the tool has ended. The tool is never killed;
 * when the worker is, whoever stands by (freeze.h) goes on in its stead.
 *
 * Only what lies on the zvol itself is concerned. The kernel finds no file system when a mapping, bcache, DRBD, a
 * target of NVMe or a partition lies between; and of those who write to the device itself (a virtual machine, a data
 * base) it drops only pages that are clean.
 */
#include "drivers/call_zvol.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drivers/call.h"
#include "drivers/freeze.h"
#include "drivers/patience.h"

enum {
    TOOL_MS = 30000,   /* with what freezing takes */
    FREEZE_MS = 35000, /* whatever happens */
    COMPLAINT_LIMIT = 64 * 1024,
};

struct tool {
    pid_t process;
    int output, input; /* its output can be read to the end when the tool has ended, and the caller has closed input */
    struct buf said;
};

static int spawn(struct tool *tool, char **argv, int output)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    int error;

    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    error = posix_spawnp(&tool->process, argv[0], &files, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return -error;
}

static int tool_start(struct tool *tool, const struct step *step, struct arena *arena)
{
    char **argv = arena_alloc(arena, (step->argv.count + 1) * sizeof(*argv));
    int error;

    memcpy(argv, step->argv.at, step->argv.count * sizeof(*argv));
    error = spawn(tool, argv, tool->input);
    close(tool->input);
    return error;
}

/* 0, or -EIO and what it said. */
static int tool_done(struct tool *tool, struct outcome *outcome, struct arena *arena)
{
    int status = 0;

    while (waitpid(tool->process, &status, 0) < 0 && errno == EINTR)
        continue;
    outcome->exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (outcome->exit_code != 0)
        outcome->complaint = arena_strdup(arena, buf_text(&tool->said));
    buf_done(&tool->said);
    return outcome->exit_code == 0 ? 0 : -EIO;
}

static int run_tool(const struct step *step, struct tool *tool, struct freeze *freeze, int64_t end_ms,
                    struct outcome *outcome, struct arena *arena)
{
    int error = tool_start(tool, step, arena), thawed = 0, failed;

    if (error) {
        outcome->complaint = arena_strdup(arena, step->argv.at[0]);
        return error;
    }
    if (!patience_read_end(tool->output, end_ms, &tool->said, COMPLAINT_LIMIT)) {
        thawed = freeze_end(freeze);
        (void)patience_read_end(tool->output, PATIENCE_FOREVER, &tool->said, COMPLAINT_LIMIT);
    }
    failed = tool_done(tool, outcome, arena);
    outcome->stays_frozen = thawed != 0;
    return failed ? failed : thawed;
}

int call_zvol_grow(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    /* From before anything is frozen, as the guard counts. */
    int64_t end_ms = patience_now_ms() + TOOL_MS;
    struct tool tool = { 0 };
    struct freeze freeze;
    int ends[2], error, thawed;

    if (step->argv.count == 0)
        return -EINVAL;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    tool.output = ends[0];
    tool.input = ends[1];
    error = freeze_begin(&freeze, step->device, tool.output, FREEZE_MS, &outcome->complaint, arena);
    if (error)
        close(tool.input);
    else
        error = run_tool(step, &tool, &freeze, end_ms, outcome, arena);
    /* The tool took too long, or nothing was mounted before. */
    if (!error && freeze.count == 0)
        error = freeze_begin(&freeze, step->device, tool.output, FREEZE_MS, &outcome->complaint, arena);
    if (!error)
        error = call_measure_device(step->device, &outcome->device_kib);
    thawed = freeze_end(&freeze);
    close(tool.output);
    if (thawed)
        outcome->complaint = arena_strdup(arena, "what is mounted could not be thawed");
    outcome->stays_frozen = outcome->stays_frozen || thawed;
    if (!error && !thawed)
        outcome->device = arena_strdup(arena, step->device);
    return error ? error : thawed;
}

int call_fs_thaw(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    bool was_frozen;
    int error = freeze_undo(step->device, &was_frozen, &outcome->complaint, arena);

    if (was_frozen)
        outcome->device = arena_strdup(arena, step->device);
    return error;
}
