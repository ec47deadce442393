/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The running controller: what the files of this role share. It owns model, journal, sessions with satellites and
 * the requests that wait for an answer; it borrows the error reports. Everything that happens later than a handler
 * happens in the turn (service.c), in this order: reports of satellites are finished (finish.c), wants are sent
 * (wants.c), parked requests are looked at (parked.c).
 */
#pragma once

#include <sys/queue.h>

#include "base/loop.h"
#include "model/model.h"
#include "model/number_pool.h"
#include "net/http.h"
#include "store/journal.h"

struct session;
struct secret;
struct request;
struct reports;

/* What /metrics tells and nothing else knows, since the start. */
struct service_counts {
    int64_t started_ms;
    int64_t requests, parked; /* received; waited for the store or for satellites */
    int64_t scrapes, scrape_us;
};

/* vault.c */
struct vault {
    struct secret *key;       /* the master key; NULL: locked */
    char *id;                 /* of the struct master that it belongs to */
    struct secret *automatic; /* passphrase that is entered at the start, or made; NULL: none */
    bool is_refused;          /* it was the wrong one */
    int64_t automatic_number; /* of the job that tries it; 0: none */
    bool is_told;             /* to all satellites that are connected */
    struct vault_job *jobs;   /* the first one is under way */
    int64_t last_number;
    struct timer *timer;
};

/* Names, because what they name may go until it is their turn. */
struct note {
    char *node, *pool;   /* pool NULL: the node itself */
    uint64_t generation; /* of the change */
};

struct notes {
    LIST_OF(struct note) list;
    struct arena arena; /* that of all this */
};

struct service {
    struct loop *loop;
    struct model model;
    struct journal *journal;
    struct http_server *http;
    struct reports *reports; /* NULL: none are kept */
    struct timer *tick;      /* looks at deadlines */
    struct vault vault;
    char *data_directory;
    char *listen_address;
    int listen_port;
    const char *config_directory; /* NULL: unknown */
    uint32_t vanished;            /* objects deleted since memory was last given back ... */
    uint32_t vanished_before;     /* ... and how many these were at the last tick */
    char *boot;                   /* UUID of this run */
    char *disk_trouble;           /* why nothing can be written, NULL while it can */
    bool may_try_disk;            /* in spite of that, once: set by the tick */

    /* wants.c: resources to look at; NULL where one was deleted */
    const struct resource **dirty;
    uint32_t dirty_count, dirty_room;
    /* wants.c: pools that satellites are to forget, when it is durable that they are gone; pools whose wants may have
     * changed */
    struct notes removed_pools, dirty_pools;
    struct notes dirty_nodes; /* that changed, or their interfaces did */
    /* finish.c: resources about which something may have ended */
    LIST_OF(struct finished_key) finished;
    struct arena finished_arena;

    /* parked.c: requests that wait for the store, in order of generations; those that wait for satellites */
    STAILQ_HEAD(request_queue, request) undurable, settling;
    bool has_news;              /* what satellites told or were told may let one of the latter go on */
    struct request_queue spare; /* freed, each with a small arena */
    uint32_t spare_count;
    struct request *current; /* whose handler runs: commits are noted in it */
    int64_t next_token;      /* of refresh messages */
    struct service_counts counts;
    bool refuses_web_pages; /* requests that a browser makes for a page from elsewhere */
    bool requires_json;     /* bodies that do not say that they are JSON are refused */
    bool is_stopping;       /* no more changes; the loop ends when everything is stored */
};

struct finished_key {
    char *definition, *node; /* keys */
    char *pool;              /* of the node; NULL: none */
};

/* Something that parked requests may wait for has changed, other than by a commit. */
static inline void service_tell_news(struct service *service)
{
    service->has_news = true;
    loop_mark_dirty(service->loop);
}

/* The store of a data directory, which no other process has from then on; NULL and the reason logged. */
struct store *service_open_store(struct loop *loop, const char *data_directory);
/* Takes the store over. 0, or -1 and the reason logged; without a store, too. */
int service_init(struct service *service, struct loop *loop, struct store *store, struct reports *reports,
                 const char *data_directory, const char *listen_address, int listen_port);
/* Ends the loop as soon as nothing waits to be written. */
void service_stop(struct service *service);
/* Not while the journal writes. */
void service_done(struct service *service);
