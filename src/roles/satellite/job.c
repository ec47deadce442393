/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the controller asks for once, and is answered once: the list of disks, and a device pool made of some of them.
 * A job looks at the disks first; then, for a device pool, it does what lacks, and takes away again what it made before
 * something failed.
 */
#include <stdlib.h>

#include "base/log.h"
#include "drivers/device_pool.h"
#include "drivers/explain.h"
#include "roles/satellite/state.h"

LOG_DOMAIN("job");

enum { JOBS_LIMIT = 32 };

struct job {
    struct satellite *satellite;
    struct job *next;
    struct arena arena;
    struct plan plan;
    struct device_pool_want want; /* provider NULL: only the list */
    struct device_pool_fact fact;
    bool is_forgotten; /* who asked is gone: nobody waits for the answer */
};

static void job_free(struct job *job)
{
    struct job **link = &job->satellite->jobs;

    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
    plan_done(&job->plan);
    arena_done(&job->arena);
    free(job);
}

static void answer_list(struct job *job, const struct outcome *outcome, struct trouble *trouble)
{
    struct disks disks = { .token = job->want.token, .trouble = trouble };
    struct link *link = job->is_forgotten ? NULL : server_link(job->satellite);

    for (uint32_t i = 0; outcome && i < outcome->disks.count; i++)
        *LIST_ADD(&disks.disks, &job->arena) = outcome->disks.at[i];
    if (link)
        link_send(link, "disks", &disks_schema, &disks);
    job_free(job);
}

static void answer_pool(struct job *job)
{
    struct link *link = job->is_forgotten ? NULL : server_link(job->satellite);

    if (job->fact.trouble)
        log_warn("%s %s", job->fact.trouble->message, job->fact.trouble->cause ? job->fact.trouble->cause : "");
    else
        log_info("'%s' (%s) was made", job->want.place, job->want.provider);
    if (link)
        link_send(link, "device_pool", &device_pool_fact_schema, &job->fact);
    job_free(job);
}

/* Of the first step that failed; NULL: none did. */
static struct trouble *find_trouble(struct job *job, const struct outcome *outcomes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct trouble *trouble;

        if (outcomes[i].result == OUTCOME_DONE || outcomes[i].result == OUTCOME_SKIPPED)
            continue;
        trouble = arena_alloc(&job->arena, sizeof(*trouble));
        explain_outcome(&job->plan.steps.at[i], &outcomes[i], &job->arena, trouble);
        if (job->plan.steps.at[i].kind == STEP_EXEC && outcomes[i].complaint && outcomes[i].complaint[0])
            trouble->cause =
                arena_printf(&job->arena, "%s said: %s", job->plan.steps.at[i].argv.at[0], outcomes[i].complaint);
        return trouble;
    }
    return NULL;
}

static void run(struct job *job, struct plan *plan, const struct run_events *events)
{
    plan_done(&job->plan);
    job->plan = *plan;
    run_plan(job->satellite->runner, &job->plan, events, job);
}

static void undone(void *owner, const struct outcome *outcomes, size_t count)
{
    struct job *job = owner;
    const struct trouble *trouble = find_trouble(job, outcomes, count);

    if (trouble)
        job->fact.trouble->details =
            arena_printf(&job->arena, "%s\n%s %s", job->fact.trouble->details ? job->fact.trouble->details : "",
                         trouble->message, trouble->cause ? trouble->cause : "");
    answer_pool(job);
}

static void made(void *owner, const struct outcome *outcomes, size_t count)
{
    static const struct run_events events = { .done = undone };
    struct job *job = owner;
    struct plan undo = { .facts = &job->satellite->facts };

    job->fact.trouble = find_trouble(job, outcomes, count);
    if (job->fact.trouble)
        device_pool_undo(&job->want, &job->plan, outcomes, &undo);
    if (undo.steps.count > 0) {
        run(job, &undo, &events);
        return;
    }
    plan_done(&undo);
    answer_pool(job);
}

static void looked(void *owner, const struct outcome *outcomes, size_t count)
{
    static const struct run_events events = { .done = made };
    struct job *job = owner;
    struct trouble *trouble = find_trouble(job, outcomes, count);
    struct plan plan = { .facts = &job->satellite->facts };

    if (!job->want.provider) {
        answer_list(job, trouble ? NULL : &outcomes[0], trouble);
        return;
    }
    if (!trouble) {
        trouble = arena_alloc(&job->arena, sizeof(*trouble));
        if (device_pool_plan(&job->want, outcomes, &plan, &job->fact, trouble) == 0) {
            run(job, &plan, &events);
            return;
        }
        job->fact.trouble = arena_alloc(&job->arena, sizeof(*trouble));
        field_copy(&trouble_schema, job->fact.trouble, trouble, &job->arena);
        plan_done(&plan);
        answer_pool(job);
        return;
    }
    job->fact.trouble = trouble;
    answer_pool(job);
}

static struct job *job_new(struct satellite *satellite, int64_t token)
{
    struct job *job = memory_alloc(sizeof(*job));

    job->satellite = satellite;
    job->plan.facts = &satellite->facts;
    job->want.token = job->fact.token = token;
    job->next = satellite->jobs;
    satellite->jobs = job;
    return job;
}

static bool are_too_many(const struct satellite *satellite)
{
    int count = 0;

    for (const struct job *job = satellite->jobs; job; job = job->next)
        count++;
    return count >= JOBS_LIMIT;
}

static const struct run_events look_events = { .done = looked };
static char too_many[] = "The satellite has too much to do at once.";

void jobs_list_disks(struct satellite *satellite, const struct disks_request *request)
{
    struct job *job = job_new(satellite, request->token);

    if (are_too_many(satellite)) {
        answer_list(job, NULL, &(struct trouble){ .message = too_many });
        return;
    }
    (void)device_pool_ask_disks(&job->plan);
    run_plan(satellite->runner, &job->plan, &look_events, job);
}

void jobs_make_device_pool(struct satellite *satellite, const struct device_pool_want *want)
{
    struct job *job = job_new(satellite, want->token);
    struct trouble trouble = { .message = too_many };

    field_copy(&device_pool_want_schema, &job->want, want, &job->arena);
    if (!are_too_many(satellite) && device_pool_ask(&job->want, &job->plan, &trouble) == 0) {
        run_plan(satellite->runner, &job->plan, &look_events, job);
        return;
    }
    job->fact.trouble = &trouble;
    answer_pool(job);
}

void jobs_forget(struct satellite *satellite)
{
    for (struct job *job = satellite->jobs; job; job = job->next)
        job->is_forgotten = true;
}

void jobs_free(struct satellite *satellite)
{
    while (satellite->jobs)
        job_free(satellite->jobs);
}
