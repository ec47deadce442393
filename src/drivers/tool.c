/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers/tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { COMPLAINT_LIMIT = 64 * 1024 };

static void keep(struct tool *tool, struct buf *kept, size_t limit, const char *bytes, size_t length)
{
    size_t room = limit - kept->length;

    if (length > room) {
        length = room;
        tool->truncated = true;
    }
    buf_add(kept, bytes, length);
}

static void on_output(void *owner, bool is_error, const char *bytes, size_t length)
{
    struct tool *tool = owner;

    if (is_error)
        keep(tool, &tool->complaint, COMPLAINT_LIMIT, bytes, length);
    else
        keep(tool, &tool->output, tool->output_limit, bytes, length);
}

static void on_end(void *owner, int exit_code, int signal_number)
{
    struct tool *tool = owner;

    tool->child = NULL;
    tool->ended(tool->owner, exit_code, signal_number);
}

static const struct child_events events = { .on_output = on_output, .on_end = on_end };

int tool_start(struct tool *tool, struct children *children, const struct step *step, int inherit, struct child *holds)
{
    char **argv = memory_alloc((step->argv.count + 1) * sizeof(*argv));
    struct child_options options = { .argv = argv, .inherit = inherit, .holds = holds };
    struct buf input = { 0 };
    int error = -EINVAL;

    buf_clear(&tool->output);
    buf_clear(&tool->complaint);
    tool->truncated = false;
    if (step->argv.count > 0) {
        memcpy(argv, step->argv.at, step->argv.count * sizeof(*argv));
        tool->child = child_new(children, &options, &events, tool, &error);
    }
    free(argv);
    if (!tool->child)
        return error;
    if (step->input && step->input[0]) {
        buf_add_text(&input, step->input);
        child_write(tool->child, &input);
    }
    child_close_input(tool->child);
    return 0;
}

void tool_give_up(struct tool *tool)
{
    child_kill(tool->child);
    child_abandon(tool->child);
    tool->child = NULL;
}

void tool_read(const struct tool *tool, const struct step *step, int exit_code, int signal_number,
               struct outcome *outcome, struct arena *arena)
{
    outcome->exit_code = signal_number ? 128 + signal_number : exit_code;
    outcome->output = arena_strdup(arena, buf_text(&tool->output));
    outcome->complaint = arena_strdup(arena, buf_text(&tool->complaint));
    outcome->truncated = tool->truncated;
    outcome->result = OUTCOME_FAILED;
    if (outcome->exit_code < 63 && (step->accept >> outcome->exit_code & 1))
        outcome->result = OUTCOME_DONE;
    /* Half a list is worse than none. */
    if (outcome->truncated && !step->changes) {
        outcome->result = OUTCOME_FAILED;
        outcome->error = EFBIG;
    }
}

void tool_done(struct tool *tool)
{
    buf_done(&tool->output);
    buf_done(&tool->complaint);
}
