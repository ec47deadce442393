/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Golden runs of the client: each file of the directory given holds commands, the answers that a controller gives, and
 * what the client then asked and printed.
 *
 *     == command           words behind "linstor"; "..." holds blanks together, # NAME=VALUE before it sets the
 * environment
 *     == answer 200        body; in the order of the requests. A request without an answer finds nobody.
 *
 * Everything else is written by the run, and must be the same as in the file; UPDATE_GOLDEN=1 writes it anew:
 *
 *     == request GET /v1/nodes
 *     == output, == error, == exit 0
 *
 * Lines before the first command say what the case is about. Escape characters are shown as <ESC>. A new case is a new
 * file.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "roles/client/client.h"

enum { ANSWERS_LIMIT = 16, FILE_LIMIT = 1 << 22 };

struct answer {
    int status;
    struct buf body;
};
struct run {
    char *command;
    struct answer answers[ANSWERS_LIMIT];
    int answer_count, used;
    struct buf *requests; /* what was asked, as it stands in the file */
};

static void open_never(void *owner, const char *host, int port, int timeout_ms)
{
    (void)owner;
    (void)host;
    (void)port;
    (void)timeout_ms;
}

/* Bodies are handed over in small pieces, as a network may do it. */
static void hand_over(const struct transport_request *request, const struct buf *body)
{
    enum { PIECE = 7 };

    for (size_t at = 0; at < body->length; at += PIECE)
        if (!request->on_body(request->owner, body->data + at, body->length - at < PIECE ? body->length - at : PIECE))
            return;
}

static enum transport_error answer_from_file(void *owner, const struct transport_request *request,
                                             struct transport_answer *answer, const char **error)
{
    struct run *run = owner;
    const struct answer *next = run->used < run->answer_count ? &run->answers[run->used] : NULL;

    buf_printf(run->requests, "== request %s %s\n", request->method, request->target);
    if (request->authorization)
        buf_printf(run->requests, "Authorization: %s\n", request->authorization);
    if (request->body)
        buf_printf(run->requests, "%s\n", request->body);
    if (!next) {
        *error = "Connection refused";
        return TRANSPORT_UNREACHABLE;
    }
    run->used++;
    buf_printf(run->requests, "== answer %d\n%s", next->status, buf_text(&next->body));
    answer->status = next->status;
    strcpy(answer->content_type, "application/json");
    if (next->status < 300 && request->on_body)
        hand_over(request, &next->body);
    else
        buf_add(&answer->body, buf_text(&next->body), next->body.length);
    return TRANSPORT_OK;
}

static const struct transport from_file = { .open = open_never, .request = answer_from_file };

/* Words parted by blanks; "..." is one. */
static void split_words(char *line, struct text_list *words, struct arena *arena)
{
    while (*(line += strspn(line, " \n"))) {
        bool is_quoted = *line == '"';
        const char *end = is_quoted ? strchrnul(++line, '"') : line + strcspn(line, " \n");

        *LIST_ADD(words, arena) = arena_strndup(arena, line, (size_t)(end - line));
        line += end - line + (is_quoted && *end);
    }
}

/* "# NAME=VALUE" lines; the command behind them. */
static char *set_environment(char *command, bool set)
{
    while (text_starts_with(command, "# ")) {
        char *end = strchrnul(command, '\n'), *equals = strchr(command, '=');
        char *pair = memory_printf("%.*s", (int)(end - command - 2), command + 2);

        if (equals && equals < end) {
            pair[equals - command - 2] = '\0';
            if (set)
                setenv(pair, pair + strlen(pair) + 1, 1);
            else
                unsetenv(pair);
        }
        free(pair);
        command = *end ? end + 1 : end;
    }
    return command;
}

static void add_visible(struct buf *out, const char *title, const char *text, size_t length)
{
    if (length == 0)
        return;
    buf_printf(out, "== %s\n", title);
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\033')
            buf_add_text(out, "<ESC>");
        else
            buf_add_char(out, text[i]);
    }
    if (text[length - 1] != '\n')
        buf_add_text(out, "<no end of line>\n");
}

static void run_command(struct run *run, struct buf *out)
{
    char *output = NULL, *errors = NULL;
    size_t output_length = 0, errors_length = 0;
    struct arena arena = { 0 };
    struct text_list words = { 0 }, all = { 0 };
    struct client client = { .out = open_memstream(&output, &output_length),
                             .err = open_memstream(&errors, &errors_length),
                             .arena = &arena,
                             .transport = &from_file,
                             .transport_owner = run };
    int code;

    run->requests = out;
    buf_printf(out, "== command\n%s", run->command);
    split_words(set_environment(run->command, true), &words, &arena);
    client_add_defaults(&client, words.at, words.count, &all);
    code = client_run(&client, all.at, all.count);
    set_environment(run->command, false);
    fclose(client.out);
    fclose(client.err);
    add_visible(out, "output", output, output_length);
    add_visible(out, "error", errors, errors_length);
    buf_printf(out, "== exit %d\n", code);
    for (int i = run->used; i < run->answer_count; i++)
        buf_printf(out, "== answer %d that nobody asked for\n%s", run->answers[i].status,
                   buf_text(&run->answers[i].body));
    free(output);
    free(errors);
    arena_done(&arena);
}

static void run_done(struct run *run)
{
    for (int i = 0; i < run->answer_count; i++)
        buf_done(&run->answers[i].body);
    free(run->command);
    *run = (struct run){ 0 };
}

/* The file as it should be. */
static void run_file(const char *text, struct buf *out)
{
    const char *at = text;
    struct run run = { 0 };
    bool is_about = true;

    while (*at) {
        const char *line_end = strchrnul(at, '\n'), *section = *line_end ? line_end + 1 : line_end;
        const char *next = text_starts_with(section, "== ") ? section : strstr(section, "\n== ");
        size_t length;

        if (next && *next == '\n')
            next++;
        next = next ? next : section + strlen(section);
        length = (size_t)(next - section);
        if (text_starts_with(at, "== command")) {
            if (run.command)
                run_command(&run, out);
            run_done(&run);
            run.command = memory_printf("%.*s", (int)length, section);
            is_about = false;
        } else if (text_starts_with(at, "== answer ") && run.answer_count < ANSWERS_LIMIT) {
            run.answers[run.answer_count].status = atoi(at + strlen("== answer "));
            buf_add(&run.answers[run.answer_count++].body, section, length);
        } else if (is_about) {
            next = text_starts_with(at, "== ") ? at : strstr(at, "\n== ");
            next = next ? next + 1 : at + strlen(at);
            buf_add(out, at, (size_t)(next - at));
        }
        at = next;
    }
    if (run.command)
        run_command(&run, out);
    run_done(&run);
}

static void show_difference(const char *path, const char *expected, const char *got)
{
    int line = 1;

    while (*expected && *expected == *got) {
        line += *expected == '\n';
        expected++;
        got++;
    }
    while (line > 1 && got[-1] != '\n') {
        expected--;
        got--;
    }
    printf("%s:%d:\n  expected %.*s\n  got      %.*s\n", path, line, (int)strcspn(expected, "\n"), expected,
           (int)strcspn(got, "\n"), got);
}

static bool check_file(const char *path)
{
    struct buf text = { 0 }, got = { 0 };
    bool is_same;

    if (text_read_file(path, FILE_LIMIT, &text) != 0) {
        printf("%s: cannot be read\n", path);
        return false;
    }
    run_file(buf_text(&text), &got);
    is_same = strcmp(buf_text(&text), buf_text(&got)) == 0;
    if (!is_same && getenv("UPDATE_GOLDEN"))
        is_same = text_write_file(path, buf_text(&got), got.length, 0644) == 0;
    else if (!is_same)
        show_difference(path, buf_text(&text), buf_text(&got));
    buf_done(&text);
    buf_done(&got);
    return is_same;
}

int main(int argc, char **argv)
{
    struct dirent **entries;
    int count = argc == 2 ? scandir(argv[1], &entries, NULL, alphasort) : -1, passed = 0, failed = 0;

    if (count < 0) {
        fprintf(stderr, "usage: run_client DIRECTORY\n");
        return 2;
    }
    /* nothing of the machine may show */
    setenv("TZ", "UTC", 1);
    setenv("HOME", "/nonexistent", 1);
    setenv("LS_CLIENT_DISABLE_CONFIG", "", 1);
    setenv("LS_CONTROLLERS", "", 1);
    unsetenv("COLUMNS");
    unsetenv("LS_OUTPUT_VERSION");
    for (int i = 0; i < count; i++) {
        if (text_ends_with(entries[i]->d_name, ".txt")) {
            char *path = memory_printf("%s/%s", argv[1], entries[i]->d_name);

            if (check_file(path))
                passed++;
            else
                failed++;
            free(path);
        }
        free(entries[i]);
    }
    free(entries);
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0 || passed == 0;
}
