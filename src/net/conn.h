/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A stream of bytes to a peer: TCP now, TLS on top later behind the same functions. conn.c implements it on libuv,
 * tests/sim on a virtual network. Callbacks run on the loop, never from inside a function of this header.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/loop.h"

struct conn;
struct listener;

struct conn_events {
    void (*on_open)(void *owner); /* a dialled connection is up; NULL is fine */
    void (*on_data)(void *owner, const char *bytes, size_t length);
    void (*on_drain)(void *owner);            /* everything written was taken by the kernel, after a
                                                 conn_write() that left some unsent; NULL is fine */
    void (*on_close)(void *owner, int error); /* the peer went or the connection failed (-errno, 0: end of
                                                 stream); the conn is freed when it returns */
};

/*
 * Dials a literal IPv4 or IPv6 address. Never fails at once: what is wrong comes by on_close. The kernel's own connect
 * time-out applies; callers that want less close the conn.
 */
struct conn *conn_dial(struct loop *loop, const char *address, int port, const struct conn_events *events, void *owner);
/* For connections that a listener accepted. Until it is called nothing is read. */
void conn_set_events(struct conn *conn, const struct conn_events *events, void *owner);
/* The buf's bytes are taken; it is empty afterwards. What cannot be sent is dropped when the connection closes. */
void conn_write(struct conn *conn, struct buf *take);
size_t conn_unsent(const struct conn *conn);    /* bytes not yet taken by the kernel */
void conn_pause(struct conn *conn, bool pause); /* stops reading: back-pressure on the peer */
/* on_close is not called; unsent bytes are dropped, or sent first when linger is true. NULL is fine. */
void conn_close(struct conn *conn, bool linger);
const char *conn_peer(const struct conn *conn); /* "127.0.0.1:40022", for logs */

/* "::" listens on IPv4 too. NULL and *error = -errno when the address cannot be had. Port 0 takes a free one. */
struct listener *listener_new(struct loop *loop, const char *address, int port,
                              void (*on_accept)(void *owner, struct conn *conn), void *owner, int *error);
int listener_port(const struct listener *listener);
void listener_free(struct listener *listener);
