/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The link between a controller and a satellite: frames over a conn. A frame is a length (4 bytes, big endian, of what
 * follows) and one JSON object {"type": "...", "body": {...}}. This module knows frames, hello, protocol ranges, pings,
 * silence and reconnecting; it knows no nodes or volumes: bodies are rows of the caller.
 *
 * The controller dials and speaks first. Both sides send hello; the protocol in use is the highest that both ranges
 * hold. A side that does not know a type ignores the frame and counts it, so that a peer two releases apart goes on
 * working.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/field.h"
#include "base/loop.h"
#include "net/conn.h"

enum {
    LINK_PROTOCOL_MIN = 1,
    LINK_PROTOCOL_MAX = 1,
    /* Bytes; a longer frame closes the link. It is read and obeyed in one turn, in milliseconds. What is to be sent is
     * cut by whoever sends it, see model/want.h. */
    LINK_FRAME_LIMIT = 2 * 1024 * 1024,
    LINK_HELLO_FRAME_LIMIT = 64 * 1024, /* bytes; the same, until the peer's hello is accepted */
    /* What a body is decoded into may take so many bytes of memory for each byte of its text, and that many more.
     * Nothing that is written by field_encode comes near: a list of texts of one letter each takes 8. */
    LINK_MEMORY_FACTOR = 16,
    LINK_MEMORY_LEAST = 4096,
    LINK_HELLO_MS = 5000,    /* a dialled connection must open, and then the hellos be exchanged, within so long */
    LINK_RETRY_MIN_MS = 250, /* first pause before dialling again, doubled up to the longest */
    LINK_RETRY_MAX_MS = 10000,
    LINK_PING_MS = 1000,    /* a ping is sent after so long without sending */
    LINK_SILENCE_MS = 5000, /* the link is down after so long without hearing */
};

/* LINSTOR: the words are states of a node's connection, as REST spells them. */
#define LINK_REFUSED_OTHER   "OTHER_CONTROLLER"
#define LINK_REFUSED_NAME    "HOSTNAME_MISMATCH"
#define LINK_REFUSED_VERSION "VERSION_MISMATCH"

/* What both sides tell about themselves first. */
struct link_hello {
    int32_t protocol_min, protocol_max;
    char *version;                 /* of the program */
    char *cluster;                 /* controller: UUID of the cluster; satellite: the one it served last, if any */
    char *node;                    /* controller: the name it knows the peer by; satellite: its own name */
    char *node_uuid;               /* controller only */
    char *boot;                    /* UUID of this run of the process */
    char *uname;                   /* satellite: host name */
    struct text_list capabilities; /* words that both sides must know to use a feature */
    struct text_list providers, layers;
    struct text_map unsupported; /* provider or layer -> why it cannot be used on this machine */
    char *refused;               /* set when the peer is not accepted, and why; the link closes after it */
    char *refused_as;            /* then, in a word of LINK_REFUSED_...; NULL: of a peer that knows none */
};
extern const struct schema link_hello_schema;

/* The text of an object. */
struct link_body {
    const char *text;
    size_t length;
};
/* As field_scan_text. Unknown members are passed over. 0, or -1 and *error. */
int link_read(const struct link_body *body, const struct schema *schema, void *object, struct arena *arena,
              struct field_error *error) MUST_CHECK;
/* The message held a secret, and is not needed any more. */
void link_wipe_body(const struct link_body *body);

struct link;
/*
 * All of them come from the loop, never from inside a function of this header. What they are given ends with the call,
 * or when the callback itself drops the connection.
 */
struct link_events {
    /*
     * The peer's hello is here; NULL accepts everyone. false refuses the peer: put the reason into own->refused and
     * own->refused_as before; the peer is told. own is the link's copy of what was given to link_dial or link_accept.
     * On the side that accepted it is sent after this call and may be changed; text put into it must live as long as
     * the link, the reason until the call returns to the loop.
     */
    bool (*on_hello)(void *owner, const struct link_hello *peer, struct link_hello *own);
    void (*on_up)(void *owner, const struct link_hello *peer, int protocol); /* both sides accepted each other */
    void (*on_message)(void *owner, const char *type, const struct link_body *body);
    /*
     * Once after each on_up, and also after each attempt to dial that failed before it. On a link that accepted it
     * comes once, whether it had been up or not.
     */
    void (*on_down)(void *owner, const char *why);
    /* The peer refuses this side, or has no protocol in common with it; on_down follows. May be NULL. */
    void (*on_refused)(void *owner, const char *as, const char *reason);
    /* What the peer sent after on_up is no message; on_down follows. May be NULL. */
    void (*on_unreadable)(void *owner, const char *why);
};

/* Dials, and dials again with growing pauses (0.25 s to 10 s) until freed. own is copied. */
struct link *link_dial(struct loop *loop, const char *address, int port, const struct link_hello *own,
                       const struct link_events *events, void *owner);
/* Takes an accepted connection; it is not dialled again. After on_down the owner frees it. */
struct link *link_accept(struct loop *loop, struct conn *conn, const struct link_hello *own,
                         const struct link_events *events, void *owner);
void link_free(struct link *link); /* on_down is not called; NULL is fine; may be called from its own callbacks */
/* Drops the connection (on_down follows when it was up) and dials at once, without pause. */
void link_reconnect(struct link *link);
/* What the peer sent cannot be worked with: on_down with that reason follows, then the pauses of failed dials. */
void link_fail(struct link *link, const char *why);
bool link_is_up(const struct link *link);
/*
 * Dropped when the link is not up: after the next on_up both sides compare what they hold. body may be NULL. What would
 * be longer than LINK_FRAME_LIMIT takes the link down, as it would at the peer.
 */
void link_send(struct link *link, const char *type, const struct schema *schema, const void *body);
/* For on_message, when it does not know the type. */
void link_count_unknown(struct link *link, const char *type);
int64_t link_unknown_count(const struct link *link); /* since the link was made */
size_t link_unsent(const struct link *link);
int32_t link_attempts(const struct link *link);       /* failed dials since the last on_up */
const char *link_last_error(const struct link *link); /* "" when there was none */
