/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Connections on libuv's TCP handles. Written bytes are offered to the kernel at once; what it does not take waits in a
 * queue, of which one batch at a time is libuv's.
 *
 * Whatever ends a connection goes through end(), which closes the handle. Its close callback tells the owner, if there
 * still is one, and frees the conn: that is the only place that does either, and it always runs from the loop.
 *
 * A conn closed with linger sends its bytes, then shuts its side down and reads on until the peer does so too: closing
 * a socket with unread bytes makes the kernel send a reset, which may destroy the answer before the peer has read it. A
 * peer that stops taking bytes, or never closes, is cut off by a timer.
 */
#include "net/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/loop_uv.h"
#include "base/memory.h"

LOG_DOMAIN("conn");

enum {
    BACKLOG = 1024,
    KEEPALIVE_S = 60,       /* idle connections whose peer vanished without a word are found by the kernel */
    BATCH_CHUNKS = 32,      /* one writev */
    GATHER_BYTES = 4096,    /* writes smaller than this are copied to the end of the last waiting chunk */
    LINGER_SEND_MS = 5000,  /* so long without the peer taking a byte, and what is left is dropped */
    LINGER_CLOSE_MS = 2000, /* so long for the peer to close once all was sent */
    PEER_SIZE = 64,
};

enum stage { DIALLING, OPEN, ENDING };

struct chunk {
    struct chunk *next;
    size_t sent;
    struct buf bytes;
};

struct batch {
    uv_write_t request;
    struct conn *conn;
    struct chunk *chunks;
};

struct farewell {
    struct loop_leftover leftover;
    struct conn *conn;
    struct timer *timer;
    size_t unsent;     /* when the timer looked last */
    bool peer_is_done; /* it has closed its side; ours is closed when everything is sent */
};

struct conn {
    uv_tcp_t handle;
    struct loop *loop;
    const struct conn_events *events; /* NULL: nobody wants to hear */
    void *owner;
    struct chunk *first, *last; /* waiting, not yet libuv's */
    struct farewell *farewell;
    size_t waiting;
    int error;
    enum stage stage;
    bool is_paused;
    bool is_writing; /* a batch is libuv's */
    char peer[PEER_SIZE];
};

struct listener {
    uv_tcp_t handle;
    struct loop *loop;
    void (*on_accept)(void *owner, struct conn *conn);
    void *owner;
};

static void free_chunks(struct chunk *chunk)
{
    while (chunk) {
        struct chunk *next = chunk->next;

        buf_done(&chunk->bytes);
        free(chunk);
        chunk = next;
    }
}

static void closed(uv_handle_t *handle)
{
    struct conn *conn = handle->data;

    if (conn->events)
        conn->events->on_close(conn->owner, conn->error);
    free_chunks(conn->first);
    free(conn);
}

static void end(struct conn *conn, int error)
{
    if (conn->stage == ENDING)
        return;
    conn->stage = ENDING;
    conn->error = error == UV_EOF ? 0 : error;
    if (conn->farewell) {
        loop_remove_leftover(&conn->farewell->leftover);
        timer_free(conn->farewell->timer);
        free(conn->farewell);
        conn->farewell = NULL;
    }
    uv_close((uv_handle_t *)&conn->handle, closed);
}

static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    const struct conn *conn = handle->data;

    (void)suggested;
    *buffer = loop_read_buffer(conn->loop);
}

static void was_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct conn *conn = stream->data;

    if (count == UV_EOF && conn->farewell && conn_unsent(conn) > 0)
        conn->farewell->peer_is_done = true;
    else if (count < 0)
        end(conn, (int)count);
    else if (count > 0 && conn->events)
        conn->events->on_data(conn->owner, buffer->base, (size_t)count);
    if (count > 0)
        explicit_bzero(buffer->base, (size_t)count); /* the buffer is for all, and this may have been a passphrase */
}

static void update_reading(struct conn *conn)
{
    bool wanted = conn->farewell || (conn->events && !conn->is_paused);

    if (conn->stage != OPEN)
        return;
    if (wanted)
        uv_read_start((uv_stream_t *)&conn->handle, give_buffer, was_read);
    else
        uv_read_stop((uv_stream_t *)&conn->handle);
}

static void was_shut_down(uv_shutdown_t *request, int status)
{
    struct conn *conn = request->data;

    if (status < 0 || (conn->farewell && conn->farewell->peer_is_done))
        end(conn, status);
    free(request);
}

static void shut_down(struct conn *conn)
{
    uv_shutdown_t *request = memory_alloc(sizeof(*request));

    request->data = conn;
    if (uv_shutdown(request, (uv_stream_t *)&conn->handle, was_shut_down) != 0) {
        free(request);
        end(conn, 0);
        return;
    }
    timer_start(conn->farewell->timer, LINGER_CLOSE_MS, 0);
}

static void send_batch(struct conn *conn);

static void was_written(uv_write_t *request, int status)
{
    struct batch *batch = CONTAINER_OF(request, struct batch, request);
    struct conn *conn = batch->conn;

    free_chunks(batch->chunks);
    free(batch);
    conn->is_writing = false;
    if (conn->stage == ENDING)
        return;
    if (status < 0) {
        end(conn, status);
        return;
    }
    if (conn->first)
        send_batch(conn);
    else if (conn->farewell)
        shut_down(conn);
    else if (conn->events && conn->events->on_drain)
        conn->events->on_drain(conn->owner);
}

static void send_batch(struct conn *conn)
{
    struct batch *batch = memory_alloc(sizeof(*batch));
    struct chunk **rest = &conn->first;
    uv_buf_t vector[BATCH_CHUNKS];
    unsigned count = 0;
    int error;

    while (*rest && count < BATCH_CHUNKS) {
        struct chunk *chunk = *rest;
        size_t left = chunk->bytes.length - chunk->sent;

        vector[count++] = (uv_buf_t){ .base = chunk->bytes.data + chunk->sent, .len = left };
        conn->waiting -= left;
        rest = &chunk->next;
    }
    batch->conn = conn;
    batch->chunks = conn->first;
    conn->first = *rest;
    *rest = NULL;
    if (!conn->first)
        conn->last = NULL;
    conn->is_writing = true;
    error = uv_write(&batch->request, (uv_stream_t *)&conn->handle, vector, count, was_written);
    if (error != 0) {
        free_chunks(batch->chunks);
        free(batch);
        conn->is_writing = false;
        end(conn, error);
    }
}

/* How many bytes the kernel took at once. Its errors are found again by the write that then follows. */
static size_t try_write(struct conn *conn, const struct buf *bytes)
{
    uv_buf_t vector = { .base = bytes->data, .len = bytes->length };
    int sent;

    if (conn->stage != OPEN || conn->is_writing || conn->first)
        return 0;
    sent = uv_try_write((uv_stream_t *)&conn->handle, &vector, 1);
    return sent > 0 ? (size_t)sent : 0;
}

void conn_write(struct conn *conn, struct buf *take)
{
    struct chunk *chunk;
    size_t sent, left;

    if (conn->stage == ENDING || take->length == 0) {
        buf_done(take);
        return;
    }
    sent = try_write(conn, take);
    left = take->length - sent;
    if (left == 0) {
        buf_done(take);
        return;
    }
    conn->waiting += left;
    if (conn->last && left < GATHER_BYTES && conn->last->bytes.length < GATHER_BYTES) {
        buf_add(&conn->last->bytes, take->data, take->length); /* others wait, so nothing of it was sent */
        buf_done(take);
        return;
    }
    chunk = memory_alloc(sizeof(*chunk));
    chunk->bytes = *take;
    chunk->sent = sent;
    *take = (struct buf){ 0 };
    if (conn->last)
        conn->last->next = chunk;
    else
        conn->first = chunk;
    conn->last = chunk;
    if (conn->stage == OPEN && !conn->is_writing)
        send_batch(conn);
}

size_t conn_unsent(const struct conn *conn)
{
    return conn->waiting + uv_stream_get_write_queue_size((const uv_stream_t *)&conn->handle);
}

void conn_pause(struct conn *conn, bool pause)
{
    if (conn->is_paused == pause)
        return;
    conn->is_paused = pause;
    update_reading(conn);
}

void conn_set_events(struct conn *conn, const struct conn_events *events, void *owner)
{
    conn->events = events;
    conn->owner = owner;
    update_reading(conn);
}

const char *conn_peer(const struct conn *conn)
{
    return conn->peer;
}

static void farewell_fired(void *owner)
{
    struct farewell *farewell = owner;
    size_t unsent = conn_unsent(farewell->conn);

    if (unsent == 0 || unsent == farewell->unsent) {
        end(farewell->conn, 0);
        return;
    }
    farewell->unsent = unsent;
    timer_start(farewell->timer, LINGER_SEND_MS, 0);
}

static void farewell_end(struct loop_leftover *leftover)
{
    end(CONTAINER_OF(leftover, struct farewell, leftover)->conn, 0);
}

void conn_close(struct conn *conn, bool linger)
{
    if (!conn)
        return;
    conn->events = NULL;
    if (conn->stage == ENDING || conn->farewell)
        return;
    if (!linger || (conn->stage == DIALLING && conn->waiting == 0)) {
        end(conn, 0);
        return;
    }
    conn->farewell = memory_alloc(sizeof(*conn->farewell));
    conn->farewell->conn = conn;
    conn->farewell->leftover.end = farewell_end;
    conn->farewell->timer = timer_new(conn->loop, farewell_fired, conn->farewell);
    conn->farewell->unsent = conn_unsent(conn);
    loop_add_leftover(conn->loop, &conn->farewell->leftover);
    timer_start(conn->farewell->timer, LINGER_SEND_MS, 0);
    update_reading(conn);
    if (!conn->is_writing && !conn->first)
        shut_down(conn);
}

static struct conn *new_conn(struct loop *loop)
{
    struct conn *conn = memory_alloc(sizeof(*conn));

    if (uv_tcp_init(loop_uv(loop), &conn->handle) != 0)
        abort();
    conn->handle.data = conn;
    conn->loop = loop;
    return conn;
}

static void set_options(struct conn *conn)
{
    uv_tcp_nodelay(&conn->handle, 1);
    uv_tcp_keepalive(&conn->handle, 1, KEEPALIVE_S);
}

static void was_connected(uv_connect_t *request, int status)
{
    struct conn *conn = request->data;

    free(request);
    if (conn->stage == ENDING)
        return;
    if (status < 0) {
        end(conn, status);
        return;
    }
    conn->stage = OPEN;
    set_options(conn);
    update_reading(conn);
    if (conn->first)
        send_batch(conn);
    if (conn->events && conn->events->on_open)
        conn->events->on_open(conn->owner);
}

static int parse_address(const char *address, int port, struct sockaddr_storage *parsed)
{
    if (port < 0 || port > 65535)
        return -EINVAL;
    if (strchr(address, ':'))
        return uv_ip6_addr(address, port, (struct sockaddr_in6 *)parsed);
    return uv_ip4_addr(address, port, (struct sockaddr_in *)parsed);
}

struct conn *conn_dial(struct loop *loop, const char *address, int port, const struct conn_events *events, void *owner)
{
    struct conn *conn = new_conn(loop);
    uv_connect_t *request = memory_alloc(sizeof(*request));
    struct sockaddr_storage to = { 0 };
    int error;

    conn->stage = DIALLING;
    conn->events = events;
    conn->owner = owner;
    snprintf(conn->peer, sizeof(conn->peer), strchr(address, ':') ? "[%s]:%d" : "%s:%d", address, port);
    request->data = conn;
    error = parse_address(address, port, &to);
    if (error == 0)
        error = uv_tcp_connect(request, &conn->handle, (const struct sockaddr *)&to, was_connected);
    if (error != 0) {
        free(request);
        end(conn, error);
    }
    return conn;
}

static void format_peer(struct conn *conn)
{
    struct sockaddr_storage from = { 0 };
    char text[INET6_ADDRSTRLEN] = "?";
    int size = sizeof(from);

    if (uv_tcp_getpeername(&conn->handle, (struct sockaddr *)&from, &size) != 0) {
        strcpy(conn->peer, "?");
    } else if (from.ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&from;
        bool is_mapped = IN6_IS_ADDR_V4MAPPED(&six->sin6_addr);

        if (is_mapped)
            inet_ntop(AF_INET, six->sin6_addr.s6_addr + 12, text, sizeof(text));
        else
            inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof(text));
        snprintf(conn->peer, sizeof(conn->peer), is_mapped ? "%s:%d" : "[%s]:%d", text, ntohs(six->sin6_port));
    } else {
        const struct sockaddr_in *four = (const struct sockaddr_in *)&from;

        inet_ntop(AF_INET, &four->sin_addr, text, sizeof(text));
        snprintf(conn->peer, sizeof(conn->peer), "%s:%d", text, ntohs(four->sin_port));
    }
}

static void has_connection(uv_stream_t *stream, int status)
{
    struct listener *listener = stream->data;
    struct conn *conn;
    int error;

    if (status < 0) {
        log_warn("cannot accept a connection: %s", strerror(-status));
        return;
    }
    conn = new_conn(listener->loop);
    error = uv_accept(stream, (uv_stream_t *)&conn->handle);
    if (error != 0) {
        log_warn("cannot accept a connection: %s", strerror(-error));
        end(conn, error);
        return;
    }
    conn->stage = OPEN;
    set_options(conn);
    format_peer(conn);
    listener->on_accept(listener->owner, conn);
}

static void listener_closed(uv_handle_t *handle)
{
    free(handle->data);
}

struct listener *listener_new(struct loop *loop, const char *address, int port,
                              void (*on_accept)(void *owner, struct conn *conn), void *owner, int *error)
{
    struct listener *listener = memory_alloc(sizeof(*listener));
    struct sockaddr_storage at = { 0 };

    listener->loop = loop;
    listener->on_accept = on_accept;
    listener->owner = owner;
    if (uv_tcp_init(loop_uv(loop), &listener->handle) != 0)
        abort();
    listener->handle.data = listener;
    *error = parse_address(address, port, &at);
    if (*error == 0)
        *error = uv_tcp_bind(&listener->handle, (const struct sockaddr *)&at, 0);
    if (*error == 0)
        *error = uv_listen((uv_stream_t *)&listener->handle, BACKLOG, has_connection);
    if (*error != 0) {
        listener_free(listener);
        return NULL;
    }
    return listener;
}

int listener_port(const struct listener *listener)
{
    struct sockaddr_storage at = { 0 };
    int size = sizeof(at);

    if (uv_tcp_getsockname(&listener->handle, (struct sockaddr *)&at, &size) != 0)
        return -1;
    if (at.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&at)->sin6_port);
    return ntohs(((const struct sockaddr_in *)&at)->sin_port);
}

void listener_free(struct listener *listener)
{
    if (listener)
        uv_close((uv_handle_t *)&listener->handle, listener_closed);
}
