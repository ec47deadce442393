/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "roles/client/client.h"
#include "roles/role.h"

static void end_on_interrupt(int number)
{
    static const char text[] = "\nlinstor: Client exiting (received SIGINT)\n";

    if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
        _exit(128 + number);
    _exit(128 + number);
}

static int run(int argc, char **argv)
{
    struct transport_http *http = transport_http_new();
    struct arena arena = { 0 };
    struct client client = {
        .out = stdout, .err = stderr, .arena = &arena, .transport = &transport_http, .transport_owner = http
    };
    struct text_list words = { 0 };
    int code;

    signal(SIGINT, end_on_interrupt);
    client_add_defaults(&client, argv + 1, (uint32_t)argc - 1, &words);
    if (words.count == 0)
        text_list_add(&words, "interactive", &arena);
    code = client_run(&client, words.at, words.count);
    if (fflush(stdout) != 0 && code == EXIT_OK)
        code = EXIT_ERROR;
    transport_http_free(http);
    arena_done(&arena);
    return code;
}

const struct role role_client = { .name = "client", .summary = "the command line", .main = run };
