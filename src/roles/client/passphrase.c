/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/client/passphrase.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "api/controller.h"
#include "api/resource_definition.h"
#include "base/text.h"
#include "roles/client/commands.h"
#include "roles/client/request.h"
#include "roles/client/session.h"

enum { LINE_LIMIT = 8192 }; /* longer than the controller takes: what is cut here is refused there */
static const int end_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };

/* NULL at the end of the file. */
static const char *read_line(struct call *call, FILE *from)
{
    char *line = arena_alloc(call->arena, LINE_LIMIT);

    if (!fgets(line, LINE_LIMIT, from))
        return NULL;
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}

static FILE *open_terminal(struct termios *shown)
{
    FILE *terminal = fopen("/dev/tty", "r+e");

    if (terminal && tcgetattr(fileno(terminal), shown) == 0)
        return terminal;
    if (terminal)
        fclose(terminal);
    return NULL;
}

/* False: a signal came first. It takes effect when it is no longer blocked, and the terminal shows what is typed. */
static bool wait_for_line(FILE *terminal, int signals)
{
    struct pollfd waits[] = { { .fd = fileno(terminal), .events = POLLIN }, { .fd = signals, .events = POLLIN } };

    while (poll(waits, ARRAY_SIZE(waits), -1) < 0)
        if (errno != EINTR)
            return true; /* reading tells what is wrong */
    return waits[1].revents == 0;
}

/* A line that is not shown; asked for again after the program was stopped and went on. */
static const char *read_hidden(struct call *call, FILE *terminal, const struct termios *shown, const char *prompt)
{
    struct termios hidden = *shown;
    const char *line = NULL;
    bool is_typed = false;

    hidden.c_lflag &= ~(tcflag_t)ECHO;
    while (!is_typed) {
        sigset_t ends, before;
        int signals;

        sigemptyset(&ends);
        for (size_t i = 0; i < ARRAY_SIZE(end_signals); i++)
            sigaddset(&ends, end_signals[i]);
        sigprocmask(SIG_BLOCK, &ends, &before);
        signals = signalfd(-1, &ends, SFD_CLOEXEC);
        tcsetattr(fileno(terminal), TCSAFLUSH, &hidden);
        fputs(prompt, terminal);
        fflush(terminal);
        is_typed = wait_for_line(terminal, signals);
        if (is_typed)
            line = read_line(call, terminal);
        tcsetattr(fileno(terminal), TCSAFLUSH, shown);
        fputs("\n", terminal);
        fflush(terminal);
        close(signals);
        sigprocmask(SIG_SETMASK, &before, NULL);
    }
    return line;
}

/* again: NULL when once is enough. *second: what was typed then, or NULL. */
static const char *ask(struct call *call, const char *prompt, const char *again, const char **second)
{
    struct termios shown;
    FILE *terminal = open_terminal(&shown);
    const char *first;

    *second = NULL;
    if (terminal) {
        first = read_hidden(call, terminal, &shown, prompt);
        if (first && again)
            *second = read_hidden(call, terminal, &shown, again);
        fclose(terminal);
    } else {
        fputs("Warning: there is no terminal; the passphrase is read from standard input.\n", call->client->err);
        first = read_line(call, stdin);
        if (first && again && !(*second = read_line(call, stdin)))
            *second = first; /* a program has no need to say it twice */
    }
    if (!first)
        client_fail(call->client, EXIT_ARGUMENTS, "No passphrase was given: the input ended.");
    return first;
}

const char *passphrase_ask(struct call *call, const char *prompt)
{
    const char *second;

    return ask(call, prompt, NULL, &second);
}

const char *passphrase_ask_twice(struct call *call, const char *prompt, const char *again)
{
    const char *second, *first = ask(call, prompt, again, &second);

    if (!first || (second && strcmp(first, second) == 0))
        return first;
    client_fail(call->client, EXIT_ARGUMENTS, "Passphrase doesn't match.");
    return NULL;
}

static bool is_flag_only(const struct argument_value *value)
{
    return value && value->is_given && value->texts.count == 0;
}

int passphrase_for_volume(struct call *call)
{
    const struct argument_value *value = arguments_find(call->arguments, "passphrase");
    bool is_change = call->command->body == &volume_passphrase_request_schema;
    const char *text = arguments_text(call->arguments, "passphrase");

    if (!is_change && !value)
        return EXIT_OK;
    if (!text && (is_change || is_flag_only(value)))
        text = passphrase_ask_twice(call, "Passphrase: ", "Reenter passphrase: ");
    if (!text)
        return EXIT_ARGUMENTS;
    if (!call->body)
        call->body = cJSON_CreateObject();
    request_put(call->body, is_change ? "new_passphrase" : "passphrase", cJSON_CreateString(text));
    return EXIT_OK;
}

/* What was given as an option, or asked for with two prompts, the second NULL where one time is enough. */
static const char *get(struct call *call, const char *option, const char *prompt, const char *again)
{
    const char *text = arguments_text(call->arguments, option);

    if (text)
        return text;
    return again ? passphrase_ask_twice(call, prompt, again) : passphrase_ask(call, prompt);
}

static int send(struct call *call, const char *method, cJSON *body)
{
    cJSON_Delete(call->body);
    call->body = body;
    return session_send(call->client, method, "/v1/encryption/passphrase", request_body_text(call));
}

static int run_create(struct call *call)
{
    const char *text = get(call, "passphrase", "Passphrase: ", "Reenter passphrase: ");
    cJSON *body;

    if (!text)
        return EXIT_ARGUMENTS;
    body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "new_passphrase", text);
    return send(call, "POST", body);
}

static int run_enter(struct call *call)
{
    const char *text = get(call, "passphrase", "Passphrase: ", NULL);

    return text ? send(call, "PATCH", cJSON_CreateString(text)) : EXIT_ARGUMENTS;
}

static int run_modify(struct call *call)
{
    const char *old = get(call, "old-passphrase", "Old passphrase: ", NULL), *text;
    cJSON *body;

    text = old ? get(call, "new-passphrase", "New passphrase: ", "Retype new passphrase: ") : NULL;
    if (!text)
        return EXIT_ARGUMENTS;
    body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "old_passphrase", old);
    cJSON_AddStringToObject(body, "new_passphrase", text);
    return send(call, "PUT", body);
}

static int run_status(struct call *call)
{
    CLEANUP(buf_done) struct buf answer = { 0 };
    struct passphrase_status_doc doc = { 0 };
    struct field_error error;
    int code = session_request(call->client, "GET", "/v1/encryption/passphrase", NULL, NULL, NULL, &answer);

    if (code != EXIT_OK || call->client->is_curl)
        return code;
    if (field_decode_text(&passphrase_status_doc_schema, &doc, buf_text(&answer), answer.length, call->arena, &error) !=
        0)
        return client_fail(call->client, EXIT_ERROR, "Error: Unable to parse REST json data: %s", error.message);
    fprintf(call->client->out, call->client->is_machine ? "{\"status\": \"%s\"}\n" : "%s\n", doc.status);
    return EXIT_OK;
}

static const struct argument one_arguments[] = {
    { "--passphrase -p", "PASSPHRASE",
      .help = "The master passphrase, which others can see; without it you are asked for it." },
    { 0 },
};
static const struct argument two_arguments[] = {
    { "--old-passphrase", "PASSPHRASE",
      .help = "The one in force, which others can see; without it you are asked for it." },
    { "--new-passphrase", "PASSPHRASE",
      .help = "The one to be, which others can see; without it you are asked for it." },
    { 0 },
};

const struct command commands_encryption[] = {
    { "create-passphrase cp", "Choose the master passphrase, by which the keys of encrypted volumes are protected.",
      .arguments = { one_arguments }, .run = run_create },
    { "enter-passphrase ep", "Tell the controller the master passphrase after it was started.",
      .arguments = { one_arguments }, .run = run_enter },
    { "modify-passphrase mp", "Change the master passphrase.", .arguments = { two_arguments }, .run = run_modify },
    { "status", "Show whether there is a master passphrase, and whether the controller knows it.", .run = run_status },
    { 0 },
};
