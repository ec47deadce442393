/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/client/client.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/version.h"
#include "base/json.h"
#include "base/text.h"
#include "roles/client/commands.h"
#include "roles/client/help.h"
#include "roles/client/list.h"
#include "roles/client/reply.h"
#include "roles/client/request.h"
#include "roles/client/transaction.h"
#include "roles/client/value.h"

static const char default_controller[] = "localhost:3370";

int client_fail(struct client *client, enum client_exit code, const char *format, ...)
{
    va_list args;

    fflush(client->out);
    va_start(args, format);
    vfprintf(client->err, format, args);
    va_end(args);
    fputc('\n', client->err);
    return code;
}

void client_print_colored(struct client *client, enum color color, const char *text)
{
    if (client->color)
        fprintf(client->out, "%s%s" COLOR_END, color_start(color), text);
    else
        fputs(text, client->out);
}

void client_print(struct client *client, const struct buf *text)
{
    fwrite(buf_text(text), 1, text->length, client->out);
}

/* Parts of a list of controllers; blanks are not trimmed, empty parts are dropped. */
static void add_controllers(struct client *client, const char *list)
{
    if (list)
        value_split(client->arena, list, ',', &client->controllers);
}

/* "Basic ...", "Bearer ..." or NULL. */
static int set_authorization(struct client *client, const struct arguments *arguments)
{
    const char *user = arguments_text(arguments, "user"), *password = arguments_text(arguments, "password");
    const char *token = arguments_text(arguments, "auth-token");
    CLEANUP(buf_done) struct buf file = { 0 };
    struct json_error error;
    char *pair;
    cJSON *tree;

    client->authorization = NULL;
    if (user) {
        if (!arguments_have(arguments, "allow-insecure-auth"))
            return client_fail(client, EXIT_CONNECTION,
                               "Error: Password authentication with HTTP not allowed, until explicitly enabled.");
        if (!password)
            password = getpass("Enter Linstor password:");
        pair = arena_printf(client->arena, "%s:%s", user, password ? password : "");
        client->authorization = arena_printf(client->arena, "Basic %s", text_base64(client->arena, pair, strlen(pair)));
        return EXIT_OK;
    }
    if (token) {
        client->authorization = arena_printf(client->arena, "Bearer %s", token);
        return EXIT_OK;
    }
    if (text_read_file("/var/lib/linstor.d/auth.json", 65536, &file) != 0)
        return EXIT_OK;
    tree = json_parse(buf_text(&file), file.length, &error);
    token = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tree, "token"));
    if (token)
        client->authorization = arena_printf(client->arena, "Bearer %s", token);
    cJSON_Delete(tree);
    return EXIT_OK;
}

static bool locale_is_utf8(void)
{
    static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *value = getenv(names[i]);

        /* "C" in LANG still means UTF-8 to people's eyes; only LC_ALL=C insists */
        if (value && *value)
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8") || (i > 0 && strcmp(value, "C") == 0);
    }
    return true;
}

static int apply_globals(struct client *client, const struct arguments *arguments)
{
    const char *version = arguments_text(arguments, "output-version"), *timeout = arguments_text(arguments, "timeout");
    const char *controllers = arguments_text(arguments, "controllers");
    int file = fileno(client->out);
    bool is_terminal = file >= 0 && isatty(file);
    int64_t number = 300;

    if (!version)
        version = getenv("LS_OUTPUT_VERSION");
    client->is_machine = arguments_have(arguments, "machine-readable");
    client->is_v0 = version && strcmp(version, "v0") == 0;
    client->warn_as_error = arguments_have(arguments, "warn-as-error");
    client->is_curl = arguments_have(arguments, "curl");
    client->is_verbose = arguments_have(arguments, "verbose");
    client->color = arguments_have(arguments, "color") ||
                    (is_terminal && !arguments_have(arguments, "no-color") && !getenv("NO_COLOR"));
    client->utf8 =
        arguments_have(arguments, "utf8") || (is_terminal && !arguments_have(arguments, "no-utf8") && locale_is_utf8());
    if (timeout && (!text_parse_i64(timeout, 0, 86400, &number)))
        return client_fail(client, EXIT_ARGUMENTS, "%s not in range: [0, 86400]", timeout);
    client->timeout_s = (int)number;
    if (!client->connected) {
        client->controllers = (struct text_list){ 0 };
        if (controllers && strcmp(controllers, default_controller) != 0)
            add_controllers(client, controllers);
        add_controllers(client, getenv("LS_CONTROLLERS"));
        if (client->controllers.count == 0)
            add_controllers(client, default_controller);
    }
    return set_authorization(client, arguments);
}

static int show_usage_error(struct client *client, const struct arguments *arguments)
{
    CLEANUP(buf_done) struct buf usage = { 0 };

    if (arguments->error_is_bare)
        return client_fail(client, EXIT_ARGUMENTS, "%s", arguments->error);
    help_usage(&usage, arguments, arguments->error_depth, client->arena);
    fflush(client->out);
    fwrite(buf_text(&usage), 1, usage.length, client->err);
    return client_fail(client, EXIT_ARGUMENTS, "%s: error: %s",
                       arguments_program(arguments, arguments->error_depth, client->arena), arguments->error);
}

static int show_help(struct client *client, const struct arguments *arguments)
{
    CLEANUP(buf_done) struct buf text = { 0 };

    help_text(&text, arguments, arguments->depth, client->arena);
    client_print(client, &text);
    return EXIT_OK;
}

static int dispatch(struct client *client, const struct arguments *arguments)
{
    struct call call = {
        .client = client, .command = arguments->path[arguments->depth], .arguments = arguments, .arena = client->arena
    };
    int code, replied;

    client->replies = (struct text_list){ 0 };
    if (!transaction_allows(client, call.command))
        return EXIT_STATE;
    if (call.command->run)
        code = call.command->run(&call);
    else
        code = call.command->list ? list_run(&call) : request_run(&call);
    cJSON_Delete(call.body);
    replied = reply_print_all(client);
    if (code == EXIT_API && client->is_machine)
        code = EXIT_OK;
    return code == EXIT_OK ? replied : code;
}

/* As the original's, whose hash is not known either when it was not made of a checkout. */
static int show_version(struct client *client)
{
    bool is_known = strspn(program_commit, "0") < PROGRAM_COMMIT_DIGITS;

    fprintf(client->out, "linstor-client %s; GIT-hash: %.*s\n", PROGRAM_VERSION, is_known ? PROGRAM_COMMIT_DIGITS : 7,
            is_known ? program_commit : "UNKNOWN");
    return EXIT_OK;
}

int client_run(struct client *client, char *const *words, uint32_t count)
{
    struct arguments *arguments = arena_alloc(client->arena, sizeof(*arguments));
    int code = arguments_parse(arguments, &command_root, words, count, client->arena);

    if (arguments->wants_help)
        return show_help(client, arguments);
    if (arguments_have(arguments, "version") && arguments->depth == 0) {
        return show_version(client);
    }
    if (code != 0)
        return show_usage_error(client, arguments);
    code = apply_globals(client, arguments);
    return code == EXIT_OK ? dispatch(client, arguments) : code;
}
