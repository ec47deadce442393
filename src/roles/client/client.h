/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One run of the command line client: words in, text and an exit code out. Streams and transport are given, so that a
 * run can be looked at from a test. The arena holds everything of the run.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "roles/client/arguments.h"
#include "roles/client/table.h"
#include "roles/client/transport.h"

enum client_exit {
    EXIT_OK = 0,
    EXIT_ERROR = 1,     /* an answer that cannot be understood */
    EXIT_ARGUMENTS = 2, /* the words make no sense */
    EXIT_NOT_FOUND = 3, /* a node that is not there */
    EXIT_STATE = 5,     /* a transaction is, or is not, under way */
    EXIT_API = 10,      /* the controller answered with an error */
    EXIT_CONNECTION = 20,
    EXIT_TIMEOUT = 21,
};

struct client {
    FILE *out, *err;
    struct arena *arena;
    const struct transport *transport;
    void *transport_owner;

    /* what the global options say */
    bool is_machine, is_v0, warn_as_error, is_curl, is_verbose;
    bool color, utf8;
    int timeout_s;
    const char *authorization;
    struct text_list controllers; /* as given: "host", "linstor://host:port" */

    const char *connected;    /* the URI in use; NULL before the first request */
    struct text_list replies; /* entries that tell the outcome of requests so far, each as JSON text */

    struct transaction *transaction; /* that is under way; NULL: none, see transaction.h */
};

/* One command that is being carried out. */
struct call {
    struct client *client;
    const struct command *command;
    const struct arguments *arguments;
    struct arena *arena;
    cJSON *body; /* what will be sent; NULL for no body */
};

/* Words without the program's name; config is what configuration files and environment put before them. An exit code.
 */
int client_run(struct client *client, char *const *words, uint32_t count);
/* The words that LS_CLIENT_* and configuration files stand for, in front of the given ones. */
void client_add_defaults(struct client *client, char *const *words, uint32_t count, struct text_list *all);

/* "message" on standard error; returns the exit code. */
int client_fail(struct client *client, enum client_exit code, const char *format, ...) PRINTF_LIKE(3, 4);
/* The text on standard output, in the colour if there are colours. */
void client_print_colored(struct client *client, enum color color, const char *text);
void client_print(struct client *client, const struct buf *text);
