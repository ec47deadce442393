/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For tests of the HTTP server: one on a loop in its own thread, and plain blocking sockets as clients. What it answers
 * to which path is said in http_world.c. cmocka.h must be included before.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "net/http.h"

/* What /long-stream sends. */
enum { HTTP_WORLD_PIECE = 16 * 1024, HTTP_WORLD_PIECES = 2000 };

struct http_world {
    atomic_int gone, handled; /* clients of which the server heard that they went; requests */
    atomic_int connections;   /* that the server has */
    atomic_size_t produced;   /* bytes of streams */
};
extern struct http_world http_world;

void server_start(const struct http_limits *limits); /* NULL: the usual ones */
void server_stop(void);
int server_port(void); /* also when it has ended */
/* Returns when the server has read all that was sent before, and heard of all that was closed before. */
void server_catch_up(void);
void counter_await(atomic_int *counter, int value);

struct client {
    int fd;
    struct buf in; /* what came after the last answer */
};

/* With a small buffer for what is received, where that is not 0. What is sent goes out at once. */
void client_open(struct client *client, int receive_bytes);
void client_close(struct client *client);
void client_send(struct client *client, const char *bytes, size_t length);
void client_send_text(struct client *client, const char *text);
/* Whether there is something to receive within so long. */
bool client_is_told(const struct client *client, int within_ms);
/* False at the end of the stream; fails after too long. */
bool client_receive(struct client *client);
void client_receive_until(struct client *client, const char *text);
void client_expect_closed(struct client *client);

struct answer {
    int status;
    struct buf head, body;
    bool is_chunked;
};

void answer_take(struct client *client, bool is_head, struct answer *answer);
void answer_done(struct answer *answer);
char *answer_header(const struct answer *answer, const char *name); /* until the next call; NULL */
/* The next one has this body. */
void client_expect(struct client *client, const char *body);

/* For cmocka: the server with its usual limits, and a client of it, which is the state. */
int client_setup(void **state);
int client_teardown(void **state);
#define CLIENT_TEST(function) cmocka_unit_test_setup_teardown(function, client_setup, client_teardown)

/* One request on its own connection. */
void client_ask(const char *request, struct answer *answer);
void client_ask_for(const char *request, const char *body);
void client_expect_refusal(const char *request, int status);

#define HOST "Host: x\r\n"
