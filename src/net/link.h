/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The link between a controller and a satellite: frames over a conn. A frame is a length (4 bytes, big endian, of what
 * follows) and one JSON object {"type": "...", "body": {...}}. This module knows frames, hello, protocol ranges, pings, silence and
 * reconnecting; it knows no nodes or volumes: bodies are rows of the caller.
 *
 * The controller dials and speaks first. Both sides send hello; the protocol in use is the highest that both ranges hold. A side
 * that does not know a type ignores the frame and counts it, so that a peer two releases apart goes on working.
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
    LINK_FRAME_LIMIT = 64 * 1024 * 1024, /* bytes; a longer frame closes the link */
    LINK_PING_MS = 1000,                 /* a ping is sent after so long without sending */
    LINK_SILENCE_MS = 5000,              /* the link is down after so long without hearing */
};

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
    struct text_map unsupported;   /* provider or layer -> why it cannot be used on this machine */
    char *refused;                 /* set when the peer is not accepted, and why; the link closes after it */
};
extern const struct schema link_hello_schema;

struct link;
struct link_events {
    /* Hellos are exchanged. false refuses the peer: put the reason into own->refused before. own was given to link_new. */
    bool (*on_hello)(void *owner, const struct link_hello *peer, struct link_hello *own);
    void (*on_up)(void *owner, const struct link_hello *peer, int protocol);
    void (*on_message)(void *owner, const char *type, const cJSON *body);
    void (*on_down)(void *owner, const char *why);
};

/* Dials, and dials again with growing pauses (0.25 s to 10 s) until freed. own is copied. */
struct link *link_dial(struct loop *loop, const char *address, int port, const struct link_hello *own,
                       const struct link_events *events, void *owner);
/* Takes an accepted connection; it is not dialled again. After on_down the owner frees it. */
struct link *link_accept(struct loop *loop, struct conn *conn, const struct link_hello *own,
                         const struct link_events *events, void *owner);
void link_free(struct link *link); /* on_down is not called; NULL is fine; may be called from its own callbacks */
/* Drops the connection and dials at once, without pause. */
void link_reconnect(struct link *link);
bool link_is_up(const struct link *link);
/* Dropped when the link is not up: after the next on_up both sides compare what they hold. */
void link_send(struct link *link, const char *type, const struct schema *schema, const void *body);
size_t link_unsent(const struct link *link);
int32_t link_attempts(const struct link *link); /* failed dials since the last on_up */
const char *link_last_error(const struct link *link); /* "" when there was none */
