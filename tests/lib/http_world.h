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

/* With a small buffer for what is received, where that is not 0. What is sent goes out at once. */
int client_dial(int receive_bytes);
void client_send(int fd, const char *bytes, size_t length);
void client_send_text(int fd, const char *text);
/* Whether there is something to receive within so long. */
bool client_is_told(int fd, int within_ms);
/* False at the end of the stream; fails after too long. */
bool client_receive(int fd, struct buf *in);
void client_receive_until(int fd, struct buf *in, const char *text);
void client_expect_closed(int fd, struct buf *in);

struct answer {
    int status;
    struct buf head, body;
    bool is_chunked;
};

/* in holds what came after the last answer. */
void answer_take(int fd, struct buf *in, bool is_head, struct answer *answer);
void answer_done(struct answer *answer);
char *answer_header(const struct answer *answer, const char *name); /* until the next call; NULL */

/* One request on its own connection. */
void client_ask(const char *request, struct answer *answer);
void client_expect_refusal(const char *request, int status);

#define HOST "Host: x\r\n"
