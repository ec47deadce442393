/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a satellite holds, for the files of this directory: tables of pools and resources with their wants, the facts,
 * and one task for each thing that is worked on.
 *
 * A task is the loop "ask, plan, run, read" of one pool or resource: at most one of its plans is under way. It becomes
 * ready when something about it may have changed; once per turn every ready task proceeds. A task that failed becomes
 * ready again by itself, after a growing pause, for ever.
 */
#pragma once

#include "drivers/provider.h"
#include "layers/layer.h"
#include "model/disk.h"
#include "net/link.h"
#include "roles/satellite/satellite.h"

enum {
    RUNNING_LIMIT = 64, /* plans under way at once: a few per worker; more would only take memory */
    RETRY_FIRST_MS = 500,
    RETRY_LIMIT_MS = 60000,
    LATE_FIRST_MS = 3 * 60000, /* after that time snapshots are tried again that took too long */
    LATE_LIMIT_MS = 60 * 60000,
    OBSERVE_MS = 10000, /* everything is looked at so often */
    MEASURE_MS = 50,    /* the pools' space is measured so long after a change, once for all changes of that time */
};

struct task;
struct task_kind {
    void (*proceed)(struct task *task); /* plan and task_run, or decide that all is done */
    /* The plan has ended, its outcomes are in the facts. trouble is NULL when every step succeeded; it ends with the
     * call. */
    void (*ended)(struct task *task, const struct trouble *trouble);
    void (*report)(struct task *task, struct report *report, struct arena *arena);
    void (*free)(struct task *task);
};

struct task {
    const struct task_kind *kind;
    struct satellite *satellite;
    struct plan plan;
    int64_t asked; /* facts.stamp when the plan was started */
    bool is_running, is_hanging;
    bool is_stale;   /* the want changed below the plan that is under way */
    bool is_late;    /* the last plan held something still for longer than that may be */
    bool is_dropped; /* nobody wants it any more: freed when its plan has ended */
    bool is_ready, is_dirty;
    struct task *next_ready, *next_dirty, *next_dropped;

    struct arena trouble_arena;
    struct trouble *trouble; /* NULL when the last attempt did not fail */
    int32_t attempts;
    int64_t retry_at_ms;
    struct timer *retry;
};

struct pool {
    struct task task;
    struct known_pool known; /* in satellite.pools */
    struct arena arena, shown_arena;
    struct trouble shown; /* what known.trouble points to */
    struct pool_want want;
    bool is_applied;
    bool is_found; /* what the provider must know before it asks; false while the plan under way finds it out */
    int64_t reported_free_kib, reported_total_kib;
};

struct resource {
    struct task task;
    struct map_node node; /* in satellite.resources by its name in upper case; an orphan in satellite.orphans */
    struct arena arena;
    struct resource_want want;
    int64_t order; /* of its want among all */
    bool is_applied, is_gone;
    bool is_forgotten; /* freed when the plan under way has ended, unless it is wanted again until then */
    bool waits_for_pool, waits_for_removals;
    bool has_looked; /* whether what is to be removed and seems to be gone is really not there */
    struct resource *next_removal, *previous_removal; /* in satellite.removals */
    bool is_in_removals;
    uint64_t described; /* hash of its volumes as they were when that was looked at last */
    /* Snapshots for which its volumes stood still too long. */
    struct {
        uint64_t wanted; /* hash of all that were wanted then: another one is tried at once */
        int32_t attempts;
        int64_t until_ms; /* not before */
    } late;
};

struct observer {
    struct task task;
    bool everything; /* files and devices, not only space */
    bool running_everything;
    struct i64_list tokens, running_tokens; /* of refreshes that are waiting for an answer */
    struct arena tokens_arena, running_arena;
    struct timer *period, *soon;
};

struct session;
struct job;

struct satellite {
    struct loop *loop;
    struct runner *runner;
    struct arena arena;
    char *name, *node_name, *data_dir, *bind_address, *cluster;
    char *refused_last; /* what the controller refused last was told; it is logged once */
    bool is_name_given;
    int port;
    char boot[40];

    struct map pools, resources;
    struct map orphans; /* that are wanted away: resources of one volume each, by "POOL/VOLUME" */
    struct facts facts;
    struct machine machine;
    struct secret *key;      /* the master key; NULL: the controller has not told it */
    struct text_map missing; /* what the machine cannot do -> why */
    bool wants_are_complete;
    int64_t order;

    struct task *ready, *last_ready; /* first come, first served */
    struct task *dirty;
    struct task *dropped; /* whose last plan is under way */
    int running;          /* tasks whose plans are under way and do not hang */
    struct removals {
        struct resource *first, *last; /* not yet done, oldest first */
        int waiting;                   /* resources that wait for some of them */
    } removals;
    struct observer observer;
    struct job *jobs;
    struct plan thaw;          /* what an earlier satellite has left suspended or frozen */
    struct plan probe;         /* what can this machine do */
    struct timer *probe_again; /* while it lacks something, which may come */
    bool has_listened;
    struct i64_list answered; /* tokens whose reports are due */
    struct arena answered_arena;
    uint64_t reported_orphans; /* hash of the list that the controller has; 0: it is told the next one in any case */
    bool orphans_are_due;

    struct listener *listener;
    struct session *sessions, *session; /* all; the one that is up */
    void (*listening)(void *owner, int error);
    void *listening_owner;
};

/* task.c */
void task_init(struct task *task, struct satellite *satellite, const struct task_kind *kind);
void task_done(struct task *task); /* not while its plan is under way */
void task_ready(struct task *task);
bool task_is_pausing(const struct task *task); /* it failed, and the next attempt is not due */
/* Its want is new: the next attempt is the first, and comes at once or when the plan under way has ended. */
void task_renew(struct task *task);
void task_dirty(struct task *task); /* the next report speaks of it */
void task_run(struct task *task);   /* task->plan, which has steps */
/* How long to wait after so many attempts: first_ms, twice as long each time, at most limit_ms. */
int64_t task_pause_ms(int32_t attempts, int64_t first_ms, int64_t limit_ms);
void task_fail(struct task *task, const struct trouble *trouble);
/*
 * It has failed, and the next attempt is not due before then. Meanwhile it proceeds as it does after other failures, so
 * that all else is looked after.
 */
void task_postpone(struct task *task, int64_t until_ms);
void task_succeed(struct task *task);
void task_forget_failures(struct task *task); /* the next attempt is the first */
/* Freed at once, or when its plan has ended. */
void task_drop(struct task *task);
void task_copy_trouble(const struct task *task, struct trouble **trouble, struct arena *arena);
void tasks_proceed(struct satellite *satellite);

/* pool.c */
struct pool *pool_find(const struct satellite *satellite, const char *name);
void pool_take_want(struct satellite *satellite, const struct pool_want *want);
bool pool_is_pending(const struct pool *pool);
void pool_report_if_changed(struct pool *pool);

/* resource.c */
struct resource *resource_find(const struct satellite *satellite, const char *name);
void resource_take_want(struct satellite *satellite, const struct resource_want *want);
void resource_forget(struct satellite *satellite, const char *name);
struct resource *resource_find_orphan(const struct satellite *satellite, const char *pool, const char *identifier);
/* They are not wanted away any more: those of that pool, of that resource, or, both being NULL, all. */
void resources_forget_orphans(struct satellite *satellite, const char *pool, const char *resource);
/* All that stand still may have something to do; those that failed only when their next attempt is due, or with failed.
 */
void resources_wake(struct satellite *satellite, bool failed);

/* observe.c */
void observer_init(struct satellite *satellite);
void observer_done(struct satellite *satellite);
void observer_measure_soon(struct satellite *satellite);
void observer_refresh(struct satellite *satellite, int64_t token);
void observer_forget_tokens(struct satellite *satellite); /* who asked is gone; the next one counts anew */
/* Finds out what the machine can do, then server_listen. */
void probe_start(struct satellite *satellite);

/* job.c. Answers go to the controller that is connected, which must be the one that asked. */
void jobs_list_disks(struct satellite *satellite, const struct disks_request *request);
void jobs_make_device_pool(struct satellite *satellite, const struct device_pool_want *want);
void jobs_forget(struct satellite *satellite); /* another connection: nobody waits for the answers */
void jobs_free(struct satellite *satellite);

/* report.c */
void reports_send(struct satellite *satellite);
void reports_start_over(struct satellite *satellite); /* the controller knows nothing yet */
void report_held(struct satellite *satellite, struct link *link);

/* server.c */
void server_listen(struct satellite *satellite);
void server_done(struct satellite *satellite);
struct link *server_link(const struct satellite *satellite); /* NULL when no controller is there */
