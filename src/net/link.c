/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * States and what leads on:
 *
 *     dialled   WAITING -timer-> DIALLING -open, own hello sent-> GREETING -peer's hello accepted, "ready" sent-> UP
 *     accepted                                                    GREETING -peer's hello accepted, own hello sent->
 *                                                                 GREETED  -"ready"-> UP
 *
 * Everything that goes wrong leads to WAITING (dialled) or ENDED (accepted). A side that refuses says so in a last
 * hello with nothing but its name, its range and the reason; it may come in any state and ends the link. "ready" is
 * what keeps the side that accepted from calling itself up while the one that dialled is about to refuse it.
 *
 * One timer serves all states: the pause, the deadline of dialling and greeting, and in UP the next look at ping and
 * silence. Sending and receiving only note the time; the timer finds out when it fires how much is left.
 *
 * Callbacks may free the link or make it reconnect. Every entry from the loop counts itself in `depth`; link_free
 * releases conn and timer at once and the memory when the last entry leaves. After each callback the state is looked at
 * again.
 */
#include "net/link.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "net/frame.h"

LOG_DOMAIN("link");

enum link_state { LINK_WAITING, LINK_DIALLING, LINK_GREETING, LINK_GREETED, LINK_UP, LINK_ENDED };

struct link {
    struct loop *loop;
    struct conn *conn; /* NULL in WAITING and ENDED */
    struct timer *timer;
    const struct link_events *events;
    void *owner;
    char *address; /* NULL: accepted */
    int port;
    enum link_state state;

    struct arena own_arena;
    struct link_hello own;
    struct arena peer_arena; /* of this connection's hello */
    struct link_hello peer;
    int protocol;

    struct frame_reader reader;
    int64_t heard_ms, sent_ms, timer_due_ms;

    int64_t retry_ms; /* the pause before the last dial */
    int64_t up_ms;    /* when the link came up last */
    uint64_t random;  /* of the jitter; replays when address, port and name are the same */
    int32_t attempts;
    int64_t unknown_count;
    char last_error[FRAME_ERROR_SIZE];
    char doomed[FRAME_ERROR_SIZE]; /* not empty: the timer is about to take the link down for this reason */
    bool redial_now;               /* ... and to dial without pause */

    int depth;
    bool is_freed;
};

static void enter(struct link *link)
{
    link->depth++;
}

static void leave(struct link *link)
{
    if (--link->depth > 0 || !link->is_freed)
        return;
    frame_reader_done(&link->reader);
    arena_done(&link->own_arena);
    arena_done(&link->peer_arena);
    free(link->address);
    free(link);
}

static void start_timer(struct link *link, int64_t after_ms)
{
    link->timer_due_ms = loop_now_ms(link->loop) + after_ms;
    timer_start(link->timer, after_ms, 0);
}

/* splitmix64 */
static uint64_t next_random(struct link *link)
{
    uint64_t z = link->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/*
 * Between half of the pause and all of it, so that a thousand satellites are not dialled in one burst. A link that did
 * not stay up goes on doubling: what took it down may well do so again.
 */
static int64_t next_pause(struct link *link)
{
    int64_t full;

    if (link->up_ms >= 0 && loop_now_ms(link->loop) - link->up_ms >= LINK_PING_MS)
        link->retry_ms = 0;
    link->up_ms = -1;
    full = link->retry_ms == 0 ? LINK_RETRY_MIN_MS : link->retry_ms * 2;
    if (full > LINK_RETRY_MAX_MS)
        full = LINK_RETRY_MAX_MS;
    link->retry_ms = full;
    return full / 2 + (int64_t)(next_random(link) % (uint64_t)(full / 2 + 1));
}

static void drop_connection(struct link *link, bool linger)
{
    conn_close(link->conn, linger);
    link->conn = NULL;
    link->state = link->address ? LINK_WAITING : LINK_ENDED;
    link->doomed[0] = '\0';
    frame_reader_reset(&link->reader, 0);
    timer_stop(link->timer);
}

/* What a peer sent gets into logs and replies: no control characters. */
static void copy_printable(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text);
    for (; *to; to++)
        if ((unsigned char)*to < 0x20 || *to == 0x7f)
            *to = '?';
}

/* Only from the loop's callbacks. The state and the timer are final before the owner hears of it: it may reconnect. */
static void go_down(struct link *link, const char *why, bool linger)
{
    char reason[FRAME_ERROR_SIZE];
    bool redial_now = link->redial_now;

    copy_printable(reason, sizeof(reason), why);
    link->redial_now = false;
    drop_connection(link, linger);
    snprintf(link->last_error, sizeof(link->last_error), "%s", reason);
    if (link->address)
        start_timer(link, redial_now ? 0 : next_pause(link));
    log_debug("%s:%d: down: %s", link->address ? link->address : "accepted", link->port, reason);
    if (link->events->on_down)
        link->events->on_down(link->owner, reason);
}

static void send_frame(struct link *link, const char *type, const struct schema *schema, const void *body)
{
    struct buf out = { 0 };

    frame_write(&out, type, schema, body);
    conn_write(link->conn, &out);
    buf_done(&out);
    link->sent_ms = loop_now_ms(link->loop);
}

/* Tells the peer why before closing. It may be a stranger: it learns no more than that. */
static void refuse(struct link *link, const char *as, const char *reason_for_peer, const char *why)
{
    struct link_hello farewell = {
        .protocol_min = link->own.protocol_min,
        .protocol_max = link->own.protocol_max,
        .version = link->own.version,
        .refused = arena_strdup(&link->peer_arena, reason_for_peer),
        .refused_as = arena_strdup_null(&link->peer_arena, as),
    };

    send_frame(link, "hello", &link_hello_schema, &farewell);
    link->attempts++;
    go_down(link, why, true);
}

static void fail_attempt(struct link *link, const char *why)
{
    link->attempts += link->state != LINK_UP;
    go_down(link, why, false);
}

static void tell_refused(struct link *link, const char *as, const char *reason)
{
    char printable[2][FRAME_ERROR_SIZE];

    copy_printable(printable[0], sizeof(printable[0]), as ? as : LINK_REFUSED_OTHER);
    copy_printable(printable[1], sizeof(printable[1]), reason);
    if (link->events->on_refused)
        link->events->on_refused(link->owner, printable[0], printable[1]);
}

static const char *named(const char *name)
{
    return name && name[0] ? name : "the peer";
}

static void come_up(struct link *link)
{
    link->state = LINK_UP;
    link->attempts = 0;
    link->last_error[0] = '\0';
    link->up_ms = loop_now_ms(link->loop);
    start_timer(link, LINK_PING_MS);
    if (link->events->on_up)
        link->events->on_up(link->owner, &link->peer, link->protocol);
}

/* A peer without a common protocol may still say why it refuses: that comes first. */
static void handle_hello(struct link *link, const struct link_body *body)
{
    char error[FRAME_ERROR_SIZE], told[FRAME_ERROR_SIZE];
    struct link_hello peer;

    if (frame_read_hello(body, &peer, &link->peer_arena, error) != 0) {
        fail_attempt(link, error);
        return;
    }
    if (peer.refused) {
        snprintf(error, sizeof(error), "refused by %s: %s", conn_peer(link->conn), peer.refused);
        tell_refused(link, peer.refused_as, peer.refused);
        fail_attempt(link, error);
        return;
    }
    if (link->state != LINK_GREETING) {
        fail_attempt(link, "the peer sent hello twice");
        return;
    }
    link->peer = peer;
    link->protocol = frame_choose_protocol(&link->own, &peer);
    if (link->protocol == 0) {
        snprintf(error, sizeof(error),
                 "no common protocol: this side speaks %" PRId32 " to %" PRId32 ", %.64s (version %.32s) %" PRId32
                 " to %" PRId32,
                 link->own.protocol_min, link->own.protocol_max, named(peer.node),
                 peer.version ? peer.version : "unknown", peer.protocol_min, peer.protocol_max);
        snprintf(told, sizeof(told),
                 "no common protocol: version %.32s speaks %" PRId32 " to %" PRId32 ", the peer %" PRId32
                 " to %" PRId32,
                 link->own.version ? link->own.version : "unknown", link->own.protocol_min, link->own.protocol_max,
                 peer.protocol_min, peer.protocol_max);
        tell_refused(link, LINK_REFUSED_VERSION, error);
        refuse(link, LINK_REFUSED_VERSION, told, error);
        return;
    }
    if (link->events->on_hello && !link->events->on_hello(link->owner, &link->peer, &link->own)) {
        const char *reason = link->own.refused ? link->own.refused : "no reason given", *as = link->own.refused_as;

        link->own.refused = link->own.refused_as = NULL;
        if (link->state != LINK_GREETING)
            return;
        snprintf(error, sizeof(error), "refused %.64s: %s", named(peer.node), reason);
        refuse(link, as, reason, error);
        return;
    }
    if (link->state != LINK_GREETING)
        return;
    link->reader.limit = LINK_FRAME_LIMIT;
    if (link->address) {
        send_frame(link, "ready", NULL, NULL);
        come_up(link);
    } else {
        link->state = LINK_GREETED;
        link->own.refused = link->own.refused_as = NULL;
        send_frame(link, "hello", &link_hello_schema, &link->own);
    }
}

static void handle_frame(struct link *link, const struct frame *frame)
{
    char error[FRAME_ERROR_SIZE];

    if (strcmp(frame->type, "hello") == 0) {
        handle_hello(link, &frame->body);
    } else if (link->state == LINK_GREETED && strcmp(frame->type, "ready") == 0) {
        come_up(link);
    } else if (link->state != LINK_UP) {
        snprintf(error, sizeof(error), "expected %s, got a frame of type '%s'",
                 link->state == LINK_GREETED ? "ready" : "hello", frame->type);
        fail_attempt(link, error);
    } else if (strcmp(frame->type, "ping") != 0) {
        if (link->events->on_message)
            link->events->on_message(link->owner, frame->type, &frame->body);
    }
}

/* A callback may have dropped the connection that the bytes came from: the reader was emptied then. */
static void on_data(void *owner, const char *bytes, size_t length)
{
    struct link *link = owner;
    const struct conn *conn = link->conn;
    char error[FRAME_ERROR_SIZE];
    char printable[FRAME_ERROR_SIZE];
    struct frame frame;
    int got = 0;

    enter(link);
    link->heard_ms = loop_now_ms(link->loop);
    frame_reader_add(&link->reader, bytes, length);
    while (!link->is_freed && link->conn == conn && !link->doomed[0] &&
           (got = frame_next(&link->reader, &frame, error)) > 0) {
        handle_frame(link, &frame);
        frame_done(&frame);
    }
    if (got < 0) {
        copy_printable(printable, sizeof(printable), error);
        if (link->state == LINK_UP && link->events->on_unreadable)
            link->events->on_unreadable(link->owner, printable);
        fail_attempt(link, error);
    }
    leave(link);
}

static void on_open(void *owner)
{
    struct link *link = owner;

    link->state = LINK_GREETING;
    link->heard_ms = loop_now_ms(link->loop);
    send_frame(link, "hello", &link_hello_schema, &link->own);
    start_timer(link, LINK_HELLO_MS);
}

static void on_close(void *owner, int error)
{
    struct link *link = owner;
    const char *why = error < 0 ? strerror(-error) : "the peer closed the connection";
    char text[FRAME_ERROR_SIZE];

    link->conn = NULL; /* it frees itself */
    enter(link);
    if (link->state == LINK_DIALLING)
        snprintf(text, sizeof(text), "cannot connect to %s port %d: %s", link->address, link->port, why);
    else if (link->state != LINK_UP)
        snprintf(text, sizeof(text), "%s before its hello was accepted", why);
    else
        snprintf(text, sizeof(text), "%s", why);
    fail_attempt(link, text);
    leave(link);
}

static const struct conn_events conn_events = { .on_open = on_open, .on_data = on_data, .on_close = on_close };

static void begin_connection(struct link *link, enum link_state state)
{
    arena_reset(&link->peer_arena);
    link->peer = (struct link_hello){ 0 };
    link->protocol = 0;
    link->state = state;
    frame_reader_reset(&link->reader, LINK_HELLO_FRAME_LIMIT);
    start_timer(link, LINK_HELLO_MS);
}

static void dial(struct link *link)
{
    begin_connection(link, LINK_DIALLING);
    link->conn = conn_dial(link->loop, link->address, link->port, &conn_events, link);
}

/*
 * When the timer itself comes late, this process was stopped or busy, and what the peer sent meanwhile may still be
 * unread: its silence counts from now, less one ping.
 */
static void look_at_silence(struct link *link)
{
    int64_t now_ms = loop_now_ms(link->loop), next_ms;
    char why[64];

    if (now_ms - link->timer_due_ms > LINK_PING_MS && now_ms - link->heard_ms > LINK_SILENCE_MS - LINK_PING_MS)
        link->heard_ms = now_ms - (LINK_SILENCE_MS - LINK_PING_MS);
    if (now_ms - link->heard_ms >= LINK_SILENCE_MS) {
        snprintf(why, sizeof(why), "nothing was heard for %" PRId64 " ms", now_ms - link->heard_ms);
        fail_attempt(link, why);
        return;
    }
    if (now_ms - link->sent_ms >= LINK_PING_MS) {
        if (conn_unsent(link->conn) == 0)
            send_frame(link, "ping", NULL, NULL);
        link->sent_ms = now_ms;
    }
    next_ms = link->sent_ms + LINK_PING_MS;
    if (next_ms > link->heard_ms + LINK_SILENCE_MS)
        next_ms = link->heard_ms + LINK_SILENCE_MS;
    start_timer(link, next_ms - now_ms);
}

static void fire(void *owner)
{
    struct link *link = owner;
    char text[FRAME_ERROR_SIZE];

    enter(link);
    if (link->doomed[0]) {
        snprintf(text, sizeof(text), "%s", link->doomed);
        go_down(link, text, false);
        leave(link);
        return;
    }
    switch (link->state) {
    case LINK_WAITING: dial(link); break;
    case LINK_DIALLING:
        snprintf(text, sizeof(text), "cannot connect to %s port %d: no answer within %d ms", link->address, link->port,
                 LINK_HELLO_MS);
        fail_attempt(link, text);
        break;
    case LINK_GREETING:
    case LINK_GREETED:
        snprintf(text, sizeof(text), "no %s within %d ms", link->state == LINK_GREETED ? "answer to hello" : "hello",
                 LINK_HELLO_MS);
        fail_attempt(link, text);
        break;
    case LINK_UP: look_at_silence(link); break;
    case LINK_ENDED: break;
    }
    leave(link);
}

static struct link *new_link(struct loop *loop, const struct link_hello *own, const struct link_events *events,
                             void *owner)
{
    struct link *link = memory_alloc(sizeof(*link));

    link->loop = loop;
    link->timer = timer_new(loop, fire, link);
    link->events = events;
    link->owner = owner;
    link->up_ms = -1;
    field_copy(&link_hello_schema, &link->own, own, &link->own_arena);
    link->own.refused = link->own.refused_as = NULL;
    if (link->own.protocol_min == 0 && link->own.protocol_max == 0) {
        link->own.protocol_min = LINK_PROTOCOL_MIN;
        link->own.protocol_max = LINK_PROTOCOL_MAX;
    }
    return link;
}

/* The first dial, too, comes from the timer, so that whoever makes many links sees no callback before it is ready. */
struct link *link_dial(struct loop *loop, const char *address, int port, const struct link_hello *own,
                       const struct link_events *events, void *owner)
{
    struct link *link = new_link(loop, own, events, owner);

    link->address = memory_strdup(address);
    link->port = port;
    link->random = text_hash(TEXT_HASH_START, address, strlen(address));
    link->random = text_hash(link->random, &port, sizeof(port));
    if (own->node)
        link->random = text_hash(link->random, own->node, strlen(own->node));
    start_timer(link, 0);
    return link;
}

struct link *link_accept(struct loop *loop, struct conn *conn, const struct link_hello *own,
                         const struct link_events *events, void *owner)
{
    struct link *link = new_link(loop, own, events, owner);

    link->conn = conn;
    begin_connection(link, LINK_GREETING);
    conn_set_events(conn, &conn_events, link);
    return link;
}

void link_free(struct link *link)
{
    if (!link || link->is_freed)
        return;
    link->is_freed = true;
    enter(link);
    drop_connection(link, false);
    link->state = LINK_ENDED;
    timer_free(link->timer);
    leave(link);
}

void link_reconnect(struct link *link)
{
    bool owes_down = link->state == LINK_UP || link->doomed[0];

    if (link->state == LINK_ENDED)
        return;
    drop_connection(link, false);
    link->retry_ms = 0;
    if (owes_down || !link->address) {
        snprintf(link->doomed, sizeof(link->doomed), "a new connection was asked for");
        link->redial_now = true;
    }
    start_timer(link, 0);
}

void link_fail(struct link *link, const char *why)
{
    if (link->state != LINK_UP || link->doomed[0])
        return;
    snprintf(link->doomed, sizeof(link->doomed), "%s", why);
    start_timer(link, 0);
}

bool link_is_up(const struct link *link)
{
    return link->state == LINK_UP;
}

void link_send(struct link *link, const char *type, const struct schema *schema, const void *body)
{
    struct buf out = { 0 };
    size_t size;

    if (link->state != LINK_UP || link->doomed[0])
        return;
    size = frame_write(&out, type, schema, body);
    if (size > LINK_FRAME_LIMIT) {
        snprintf(link->doomed, sizeof(link->doomed),
                 "a frame of type '%.64s' would have %zu bytes, over the limit of %d", type, size, LINK_FRAME_LIMIT);
        log_error("%s: %s", conn_peer(link->conn), link->doomed);
        start_timer(link, 0);
    } else {
        conn_write(link->conn, &out);
        link->sent_ms = loop_now_ms(link->loop);
    }
    buf_done(&out);
}

size_t link_unsent(const struct link *link)
{
    return link->conn ? conn_unsent(link->conn) : 0;
}

int32_t link_attempts(const struct link *link)
{
    return link->attempts;
}

const char *link_last_error(const struct link *link)
{
    return link->last_error;
}

void link_count_unknown(struct link *link, const char *type)
{
    link->unknown_count++;
    log_debug("%s: frame of unknown type '%s' ignored", link->conn ? conn_peer(link->conn) : "closed", type);
}

int64_t link_unknown_count(const struct link *link)
{
    return link->unknown_count;
}
