/* SPDX-License-Identifier: GPL-3.0-or-later */
/* set-log-level, of the controller and of nodes. */
#include "base/text.h"
#include "roles/client/commands.h"
#include "roles/client/request.h"
#include "roles/client/session.h"

const struct argument arguments_log_level[] = {
    { "--library --lib", .count = COUNT_FLAG, .help = "Of messages that are not the program's own." },
    { "level", .help = "ERROR, WARN, INFO, DEBUG or TRACE." },
    { 0 },
};

static const struct {
    const char *given, *sent;
} levels[] = {
    { "ERROR", "ERROR" }, { "ERR", "ERROR" },   { "WARN", "WARN" },   { "WARNING", "WARN" },
    { "INFO", "INFO" },   { "DEBUG", "DEBUG" }, { "TRACE", "TRACE" },
};

int run_set_log_level(struct call *call)
{
    const char *given = arguments_text(call->arguments, "level"), *level = NULL, *body;
    bool is_library = arguments_have(call->arguments, "library"), is_global = arguments_have(call->arguments, "global");

    for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
        if (text_equal_fold(levels[i].given, given))
            level = levels[i].sent;
    if (!level)
        return client_fail(call->client, EXIT_ARGUMENTS, "argument level: invalid check value: '%s'", given);
    body = arena_printf(call->arena, "{\"log\":{\"level%s%s\":\"%s\"}}", is_library ? "" : "_linstor",
                        is_global ? "_global" : "", level);
    return session_send(call->client, call->command->method, request_path(call, call->command->target, NULL), body);
}
