/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tool of a step as a child process: it is given its input, what it says is kept up to a limit, and what came of it
 * becomes an outcome. When it may run is the runner's matter.
 */
#pragma once

#include "base/buf.h"
#include "drivers/child.h"
#include "drivers/step.h"

/* Zeroes are one that has never run. */
struct tool {
    struct child *child; /* NULL: it does not run */
    struct buf output, complaint;
    size_t output_limit;
    bool truncated;
    void (*ended)(void *owner, int exit_code, int signal_number);
    void *owner;
};

/*
 * output_limit, ended and owner are set. holds: see child.h. 0, or -errno: it does not run. ended is called once,
 * unless tool_give_up was; the tool does not run any more then.
 */
int tool_start(struct tool *tool, struct children *children, const struct step *step, int inherit,
               struct child *holds) MUST_CHECK;
/* Killed, and nobody hears of it any more. */
void tool_give_up(struct tool *tool);
/* For ended: what came of it, in memory of arena. */
void tool_read(const struct tool *tool, const struct step *step, int exit_code, int signal_number,
               struct outcome *outcome, struct arena *arena);
void tool_done(struct tool *tool); /* what still runs is left alone */
