/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * In place of net/conn.c: streams between the world's hosts. Bytes of a stream arrive in order, late, and cut into any
 * pieces; a connection can break in the middle of them. A partition lets nothing through and tells nobody: bytes wait
 * until it heals, as they do in a kernel that goes on sending.
 *
 * One event of each end delivers what is due to it: that it is open, bytes, that it is closed. What a closed end leaves
 * for the other stays due there; the other learns of it behind the bytes.
 */
#include "net/conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

enum {
    CONNECT_RETRY_MS = 1000,
    CONNECT_GIVE_UP_MS = 127000,
    KERNEL_BYTES = 256 * 1024, /* that are on their way count as taken by the kernel */
};

enum stage { DIALLING, OPENING, OPEN, CLOSED };

struct chunk {
    struct chunk *next;
    int64_t due_ms;
    size_t done;
    struct buf bytes;
};

struct conn {
    struct conn *next;
    struct loop *loop;
    struct conn *peer; /* NULL: it has gone, or vanished without a word */
    struct host *host, *remote;
    const struct conn_events *events;
    void *owner;
    enum stage stage;
    bool is_paused, owes_drain;
    bool is_ending;   /* on_close follows the last chunk */
    int error;        /* for on_close */
    bool is_vanished; /* the other end lost its power: nobody answers */
    int64_t due_ms;   /* of the last thing that is on its way to here */
    int64_t dialled_ms;
    int port;
    struct chunk *first, *last; /* on their way to here */
    size_t waiting;             /* bytes of them */
    struct event *delivery;
    char peer_name[64];
};

struct listener {
    struct listener *next;
    struct loop *loop;
    int port;
    void (*on_accept)(void *owner, struct conn *conn);
    void *owner;
};

static struct conn *conns;
static bool is_cut_off[HOST_LIMIT][HOST_LIMIT];

static void deliver(void *owner);

static int64_t delay_ms(void)
{
    if (fault_is_on(FAULT_SLOW_NETWORK) && chance_one_in(6))
        return chance_between(0, 1500);
    return chance_between(0, 2);
}

static bool is_cut(const struct host *from, const struct host *to)
{
    return is_cut_off[from->index][to->index];
}

static void schedule(struct conn *conn, int64_t due_ms)
{
    if (conn->delivery || conn->stage == CLOSED)
        return;
    conn->delivery = world_after(conn->loop, due_ms - world_now_ms(), deliver, conn);
}

static int64_t next_due(struct conn *conn)
{
    int64_t due_ms = world_now_ms() + delay_ms();

    if (due_ms > conn->due_ms)
        conn->due_ms = due_ms;
    return conn->due_ms;
}

static void drop_chunks(struct conn *conn)
{
    while (conn->first) {
        struct chunk *chunk = conn->first;

        conn->first = chunk->next;
        buf_done(&chunk->bytes);
        free(chunk);
    }
    conn->last = NULL;
    conn->waiting = 0;
}

static void conn_gone(void *owner)
{
    struct conn *conn = owner, **link = &conns;

    while (*link != conn)
        link = &(*link)->next;
    *link = conn->next;
    free(conn);
}

/* The other end hears of it after what is on its way. */
static void leave_peer(struct conn *conn, int error)
{
    struct conn *peer = conn->peer;

    conn->peer = NULL;
    if (!peer)
        return;
    peer->peer = NULL;
    peer->is_ending = true;
    peer->error = error;
    schedule(peer, next_due(peer));
}

/* This end is over; its memory goes with an event that is nobody's, so that it goes in any case. */
static void end(struct conn *conn, int error_for_peer)
{
    world_cancel(conn->delivery);
    conn->delivery = NULL;
    conn->stage = CLOSED;
    drop_chunks(conn);
    leave_peer(conn, error_for_peer);
    world_after(NULL, 0, conn_gone, conn);
}

static void tell_closed(struct conn *conn)
{
    const struct conn_events *events = conn->events;
    int error = conn->error;

    end(conn, 0);
    if (events)
        events->on_close(conn->owner, error);
}

static void refuse(struct conn *conn, int error)
{
    conn->error = error;
    tell_closed(conn);
}

static struct conn *new_conn(struct loop *loop, struct host *remote)
{
    struct conn *conn = memory_alloc(sizeof(*conn));

    conn->loop = loop;
    conn->host = sim_loop_host(loop);
    conn->remote = remote;
    conn->next = conns;
    conns = conn;
    return conn;
}

static struct listener *find_listener(const struct host *host, int port)
{
    for (struct listener *listener = host->listeners; listener; listener = listener->next)
        if (listener->port == port)
            return listener;
    return NULL;
}

static void connect_now(struct conn *conn)
{
    struct listener *listener;
    struct conn *accepted;

    if (!conn->remote || is_cut(conn->host, conn->remote) || is_cut(conn->remote, conn->host) || !conn->remote->is_on) {
        if (world_now_ms() - conn->dialled_ms >= CONNECT_GIVE_UP_MS)
            refuse(conn, -ETIMEDOUT);
        else
            schedule(conn, world_now_ms() + CONNECT_RETRY_MS);
        return;
    }
    listener = find_listener(conn->remote, conn->port);
    if (!listener) {
        refuse(conn, -ECONNREFUSED);
        return;
    }
    world.counts->connections++;
    conn->stage = OPENING;
    accepted = new_conn(listener->loop, conn->host);
    accepted->stage = OPEN;
    accepted->peer = conn;
    conn->peer = accepted;
    snprintf(accepted->peer_name, sizeof(accepted->peer_name), "%s:40000", conn->host->address);
    schedule(conn, next_due(conn));
    /* It is the listening process that this happens to. */
    world.running = listener->loop;
    listener->on_accept(listener->owner, accepted);
}

static void take_bytes(struct conn *conn)
{
    struct chunk *chunk = conn->first;
    size_t left = chunk->bytes.length - chunk->done, length = left;
    CLEANUP(memory_freep) char *bytes = NULL;

    if (left > 1 && chance_one_in(6))
        length = (size_t)chance_between(1, (int64_t)left - 1);
    bytes = memory_copy(chunk->bytes.data + chunk->done, length); /* of that size, so that reading past it is seen */
    chunk->done += length;
    conn->waiting -= length;
    if (chunk->done == chunk->bytes.length) {
        conn->first = chunk->next;
        if (!conn->first)
            conn->last = NULL;
        buf_done(&chunk->bytes);
        free(chunk);
    }
    if (conn->peer && conn->peer->owes_drain && conn->waiting == 0)
        schedule(conn->peer, world_now_ms());
    conn->events->on_data(conn->owner, bytes, length);
}

static void tell_open(struct conn *conn)
{
    conn->stage = OPEN;
    if (conn->events && conn->events->on_open)
        conn->events->on_open(conn->owner);
}

/* One thing that is due, then the next is scheduled. Whatever is told may close this end. */
static void deliver(void *owner)
{
    struct conn *conn = owner;

    conn->delivery = NULL;
    if (conn->stage == DIALLING) {
        connect_now(conn);
        return;
    }
    if (conn->remote && is_cut(conn->remote, conn->host) && !conn->is_vanished)
        return; /* healing looks again */
    if (conn->stage == OPENING) {
        tell_open(conn);
    } else if (conn->owes_drain && conn->peer && conn->peer->waiting == 0) {
        conn->owes_drain = false;
        if (conn->events && conn->events->on_drain)
            conn->events->on_drain(conn->owner);
    } else if (!conn->events || conn->is_paused) {
        return;
    } else if (conn->first && conn->first->due_ms <= world_now_ms()) {
        take_bytes(conn);
    } else if (!conn->first && conn->is_ending) {
        tell_closed(conn);
        return;
    }
    if (conn->stage != CLOSED && (conn->first || conn->is_ending))
        schedule(conn, conn->first ? conn->first->due_ms : conn->due_ms);
}

struct conn *conn_dial(struct loop *loop, const char *address, int port, const struct conn_events *events, void *owner)
{
    struct host *remote = NULL;
    struct conn *conn;

    for (int i = 0; i < HOST_LIMIT; i++)
        if (strcmp(world.hosts[i].address, address) == 0)
            remote = &world.hosts[i];
    conn = new_conn(loop, remote);
    conn->events = events;
    conn->owner = owner;
    conn->port = port;
    conn->dialled_ms = world_now_ms();
    snprintf(conn->peer_name, sizeof(conn->peer_name), "%s:%d", address, port);
    schedule(conn, world_now_ms() + delay_ms());
    return conn;
}

void conn_set_events(struct conn *conn, const struct conn_events *events, void *owner)
{
    conn->events = events;
    conn->owner = owner;
    if (conn->first || conn->is_ending)
        schedule(conn, world_now_ms());
}

void conn_write(struct conn *conn, struct buf *take)
{
    struct conn *peer = conn->peer;
    struct chunk *chunk;

    if (take->length == 0 || !peer || conn->stage == CLOSED) {
        /* A host that came back after it lost its power knows nothing of the connection. */
        if (conn->is_vanished && conn->remote->is_on && !is_cut(conn->host, conn->remote) && conn->stage != CLOSED) {
            conn->is_ending = true;
            conn->error = -ECONNRESET;
            schedule(conn, next_due(conn));
        }
        buf_done(take);
        return;
    }
    chunk = memory_alloc(sizeof(*chunk));
    chunk->due_ms = next_due(peer);
    chunk->bytes = *take;
    *take = (struct buf){ 0 };
    if (peer->last)
        peer->last->next = chunk;
    else
        peer->first = chunk;
    peer->last = chunk;
    peer->waiting += chunk->bytes.length;
    if (peer->waiting > KERNEL_BYTES)
        conn->owes_drain = true;
    schedule(peer, chunk->due_ms);
}

size_t conn_unsent(const struct conn *conn)
{
    return conn->peer && conn->peer->waiting > KERNEL_BYTES ? conn->peer->waiting - KERNEL_BYTES : 0;
}

void conn_pause(struct conn *conn, bool pause)
{
    conn->is_paused = pause;
    if (!pause && (conn->first || conn->is_ending))
        schedule(conn, world_now_ms());
}

void conn_close(struct conn *conn, bool linger)
{
    if (!conn || conn->stage == CLOSED)
        return;
    conn->events = NULL;
    /* Closing with unread bytes, or without care, makes the kernel send a reset. */
    end(conn, !linger && (conn->first || chance_one_in(2)) ? -ECONNRESET : 0);
}

const char *conn_peer(const struct conn *conn)
{
    return conn->peer_name;
}

struct listener *listener_new(struct loop *loop, const char *address, int port,
                              void (*on_accept)(void *owner, struct conn *conn), void *owner, int *error)
{
    struct host *host = sim_loop_host(loop);
    struct listener *listener;

    (void)address;
    *error = find_listener(host, port) ? -EADDRINUSE : 0;
    if (*error)
        return NULL;
    listener = memory_alloc(sizeof(*listener));
    *listener = (struct listener){ host->listeners, loop, port, on_accept, owner };
    host->listeners = listener;
    return listener;
}

int listener_port(const struct listener *listener)
{
    return listener->port;
}

void listener_free(struct listener *listener)
{
    struct listener **link;

    if (!listener)
        return;
    link = &sim_loop_host(listener->loop)->listeners;
    while (*link != listener)
        link = &(*link)->next;
    *link = listener->next;
    free(listener);
}

static void drop_listeners(struct host *host)
{
    while (host->listeners) {
        struct listener *listener = host->listeners;

        host->listeners = listener->next;
        world_bury(listener);
    }
}

/* Bytes that are on their way to conn are lost from a random one on. */
static void lose_tail(struct conn *conn)
{
    size_t keep = conn->waiting > 0 ? (size_t)chance_between(0, (int64_t)conn->waiting) : 0;
    struct chunk **link = &conn->first;

    conn->waiting = keep;
    conn->last = NULL;
    while (*link && keep > 0) {
        struct chunk *chunk = *link;

        if (chunk->bytes.length - chunk->done > keep)
            chunk->bytes.length = chunk->done + keep;
        keep -= chunk->bytes.length - chunk->done;
        conn->last = chunk;
        link = &chunk->next;
    }
    while (*link) {
        struct chunk *chunk = *link;

        *link = chunk->next;
        buf_done(&chunk->bytes);
        free(chunk);
    }
}

void network_process_died(struct host *host)
{
    drop_listeners(host);
    for (struct conn *conn = conns; conn; conn = conn->next) {
        if (conn->host != host || conn->stage == CLOSED)
            continue;
        conn->events = NULL;
        if (conn->peer && chance_one_in(2))
            lose_tail(conn->peer);
        end(conn, chance_one_in(2) ? -ECONNRESET : 0);
    }
}

void network_power_lost(struct host *host)
{
    drop_listeners(host);
    for (struct conn *conn = conns; conn; conn = conn->next) {
        if (conn->host != host || conn->stage == CLOSED)
            continue;
        conn->events = NULL;
        if (conn->peer) {
            conn->peer->is_vanished = true;
            lose_tail(conn->peer);
            conn->peer->peer = NULL;
            conn->peer = NULL;
        }
        end(conn, 0);
    }
}

void network_break_one(void)
{
    int64_t count = 0, chosen;
    struct conn *conn;

    for (conn = conns; conn; conn = conn->next)
        count += conn->stage == OPEN && conn->peer;
    if (count == 0)
        return;
    chosen = chance_between(0, count - 1);
    for (conn = conns; conn; conn = conn->next)
        if (conn->stage == OPEN && conn->peer && chosen-- == 0)
            break;
    world_note("the connection of %s with %s breaks", conn->host->name, conn->remote->name);
    lose_tail(conn);
    lose_tail(conn->peer);
    conn->is_ending = true;
    conn->error = chance_one_in(2) ? -ECONNRESET : -EPIPE;
    schedule(conn, next_due(conn));
    leave_peer(conn, -ECONNRESET);
}

void network_cut(int from, int to, bool cut)
{
    is_cut_off[from][to] = cut;
    if (cut)
        return;
    for (struct conn *conn = conns; conn; conn = conn->next)
        if (conn->stage != CLOSED && (conn->first || conn->is_ending || conn->stage == OPENING))
            schedule(conn, world_now_ms());
}

void network_heal(void)
{
    for (int from = 0; from < HOST_LIMIT; from++)
        for (int to = 0; to < HOST_LIMIT; to++)
            if (is_cut_off[from][to])
                network_cut(from, to, false);
}

void network_done(void)
{
    while (conns) {
        struct conn *conn = conns;

        conns = conn->next;
        drop_chunks(conn);
        free(conn);
    }
    memset(is_cut_off, 0, sizeof(is_cut_off));
}
