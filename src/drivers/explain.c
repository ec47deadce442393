/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers/explain.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/memory.h"
#include "drivers/plan.h"

/* Rows with a kind come before those for all kinds (0). */
static const struct known_error {
    uint32_t kind; /* enum step_kind */
    int error;
    const char *cause, *correction;
} known_errors[] = {
    { 0, ENOSPC, "The file system has no room left.",
      "Free or add space in the storage pool; it is retried by itself." },
    { 0, EDQUOT, "The quota of the file system is used up.", "Raise the quota; it is retried by itself." },
    { 0, EFBIG, "The file system does not allow files of this size.", "Put the pool on another file system." },
    { 0, EROFS, "The file system is mounted read-only.",
      "Look into the kernel's log for errors of the disk, repair, and mount it writable again." },
    { 0, EIO, "The disk below the file system reports errors.", "Look into the kernel's log." },
    { 0, ELIBACC, NULL, "Install the package on the node; it is retried by itself." },
    { 0, EACCES, NULL, "Run the satellite as root, and check the permissions of the directory." },
    { STEP_LOOP_ATTACH, EPERM, NULL, "Run the satellite as root with access to loop devices." },
    { STEP_LOOP_ATTACH, EBUSY, "All free loop devices were taken by others.", "It is retried by itself." },
    { 0, EBUSY, "The device is mounted or otherwise in use.",
      "Unmount it, or end the programs that use it; it is retried by itself." },
    { STEP_LOOP_RESIZE, ENXIO, "The device shows another file now.", "It is looked at again and retried by itself." },
    { STEP_TREE, ECONNREFUSED, "Nobody listens at that address.",
      "Look whether the node with the volumes is up; it is retried by itself." },
    { STEP_TREE, EADDRNOTAVAIL, NULL, "Correct the node's network interface, or choose another one by NVMe/PrefNic." },
    { STEP_TREE, EADDRINUSE, NULL, "Choose another port by NVMe/Port; it is retried by itself." },
    { STEP_TREE, ENODEV, NULL, "Look whether the node has the kernel's modules; for TCP, set NVMe/TRType to tcp." },
    { STEP_WAIT_BLOCK, ETIMEDOUT, NULL, "It is retried by itself." },
    { STEP_CHECK_DIRECTORY, ENOENT, "The directory does not exist.",
      "Create the directory on the node, or give another one." },
    { STEP_CHECK_DIRECTORY, ENOTDIR, "There is something else with this name.", "Choose another directory." },
    { STEP_EXEC, ENOENT, "The program is not installed.", "Install the package that contains it." },
};

static const struct known_error *find(uint32_t kind, int error)
{
    for (size_t i = 0; i < ARRAY_SIZE(known_errors); i++)
        if (known_errors[i].kind == kind && known_errors[i].error == error)
            return &known_errors[i];
    return kind ? find(0, error) : NULL;
}

static char *describe_failure(const struct step *step, const struct outcome *outcome, struct arena *arena)
{
    if (outcome->error == ELIBACC && outcome->complaint)
        return arena_strdup(arena, outcome->complaint);
    if (outcome->error && outcome->complaint)
        return arena_printf(arena, "%s: %s", outcome->complaint, strerror(outcome->error));
    if (outcome->error)
        return arena_printf(arena, "The kernel said: %s.", strerror(outcome->error));
    if (step->kind == STEP_EXEC && outcome->exit_code > 128)
        return arena_printf(arena, "%s was ended by signal %d.", step->argv.at[0], outcome->exit_code - 128);
    if (step->kind == STEP_EXEC)
        return arena_printf(arena, "%s ended with exit code %d.", step->argv.at[0], outcome->exit_code);
    return arena_strdup(arena, outcome->complaint ? outcome->complaint : "No reason is known.");
}

/* Who is in the way was looked for; the row knows only that somebody is. */
static char *describe_cause(const struct step *step, const struct outcome *outcome, const struct known_error *known,
                            struct arena *arena)
{
    if (outcome->error == EBUSY && outcome->complaint)
        return arena_printf(arena, "%s.", outcome->complaint);
    return known && known->cause ? arena_strdup(arena, known->cause) : describe_failure(step, outcome, arena);
}

/* The command as one would type it, and what the tool said. */
static char *describe_tool(const struct step *step, const struct outcome *outcome, struct arena *arena)
{
    struct plan alone = { .steps = { .count = 1 } };
    struct step copy = *step;
    struct buf text = { 0 };
    char *details;

    alone.steps.at = &copy;
    plan_print(&alone, &text);
    details = arena_printf(arena, "%s%s", buf_text(&text), outcome->complaint ? outcome->complaint : "");
    buf_done(&text);
    return details;
}

void explain_outcome(const struct step *step, const struct outcome *outcome, struct arena *arena,
                     struct trouble *trouble)
{
    const struct known_error *known = outcome->result == OUTCOME_FAILED ? find(step->kind, outcome->error) : NULL;

    trouble->message = arena_printf(arena, "Failed to %s.", step->what);
    switch ((enum outcome_result)outcome->result) {
    case OUTCOME_SKIPPED:
    case OUTCOME_DONE: break;
    case OUTCOME_FAILED: trouble->cause = describe_cause(step, outcome, known, arena); break;
    case OUTCOME_TIMEOUT: trouble->cause = arena_strdup(arena, "There was no answer in time."); break;
    case OUTCOME_LOST:
        trouble->cause = arena_strdup(arena, "The process that did it died; whether it was done is looked at anew.");
        break;
    }
    if (known)
        trouble->correction = arena_strdup(arena, known->correction);
    if (step->argv.count > 0)
        trouble->details = describe_tool(step, outcome, arena);
    else if (known && known->cause)
        trouble->details = describe_failure(step, outcome, arena);
}
