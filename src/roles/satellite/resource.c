/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Resources: from a want to devices. What is uncertain is asked first; then it is planned and run until the plan is
 * empty.
 *
 * Removals come before creations: a resource waits for every removal that was wanted before it or with it, as long as
 * that removal is getting on; one that failed or hangs is not waited for.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/text.h"
#include "layers/stack.h"
#include "roles/satellite/state.h"

LOG_DOMAIN("resource");

static struct resource *resource_of(struct task *task)
{
    return CONTAINER_OF(task, struct resource, task);
}

static struct resource *of_node(struct map_node *node)
{
    return CONTAINER_OF(node, struct resource, node);
}

static struct resource *find(const struct map *map, const char *key)
{
    struct map_node *node = map_find(map, key);

    return node ? of_node(node) : NULL;
}

struct resource *resource_find(const struct satellite *satellite, const char *name)
{
    CLEANUP(memory_freep) char *key = memory_strdup(name);

    text_upper(key);
    return find(&satellite->resources, key);
}

struct resource *resource_find_orphan(const struct satellite *satellite, const char *pool, const char *identifier)
{
    CLEANUP(memory_freep) char *key = memory_printf("%s/%s", pool, identifier);

    return find(&satellite->orphans, key);
}

static void wake(struct map *map, bool failed)
{
    map_for_each (node, map) {
        struct task *task = &of_node(node)->task;

        if (failed && task_is_pausing(task))
            task_forget_failures(task);
        task_ready(task);
    }
}

void resources_wake(struct satellite *satellite, bool failed)
{
    wake(&satellite->resources, failed);
    wake(&satellite->orphans, failed);
}

static struct map *map_of(const struct resource *resource)
{
    struct satellite *satellite = resource->task.satellite;

    return resource->want.orphan ? &satellite->orphans : &satellite->resources;
}

/* Wants come in the order of their numbers, so the place is at the end or near it. */
static void enter_removals(struct resource *resource)
{
    struct removals *removals = &resource->task.satellite->removals;
    struct resource *before = removals->last;

    if (resource->is_in_removals)
        return;
    while (before && before->order > resource->order)
        before = before->previous_removal;
    resource->previous_removal = before;
    resource->next_removal = before ? before->next_removal : removals->first;
    *(before ? &before->next_removal : &removals->first) = resource;
    *(resource->next_removal ? &resource->next_removal->previous_removal : &removals->last) = resource;
    resource->is_in_removals = true;
}

static void leave_removals(struct resource *resource)
{
    struct removals *removals = &resource->task.satellite->removals;
    struct resource *before = resource->previous_removal, *after = resource->next_removal;

    if (!resource->is_in_removals)
        return;
    *(before ? &before->next_removal : &removals->first) = after;
    *(after ? &after->previous_removal : &removals->last) = before;
    resource->is_in_removals = false;
}

static void set_waiting(struct resource *resource, bool waits)
{
    if (resource->waits_for_removals != waits)
        resource->task.satellite->removals.waiting += waits ? 1 : -1;
    resource->waits_for_removals = waits;
}

static void wake_waiting(struct satellite *satellite)
{
    if (satellite->removals.waiting == 0)
        return;
    map_for_each (node, &satellite->resources) {
        struct resource *resource = of_node(node);

        if (resource->waits_for_removals)
            task_ready(&resource->task);
    }
}

static bool must_wait_for_removals(const struct resource *resource)
{
    for (const struct resource *removal = resource->task.satellite->removals.first;
         removal && removal->order <= resource->order; removal = removal->next_removal)
        if (removal != resource && !removal->task.trouble)
            return true;
    return false;
}

static bool is_pending(const struct satellite *satellite, const char *pool_name)
{
    const struct pool *pool = pool_name ? pool_find(satellite, pool_name) : NULL;

    return pool && pool_is_pending(pool);
}

static bool must_wait_for_pool(const struct resource *resource)
{
    const struct resource_want *want = &resource->want;

    for (uint32_t i = 0; i < want->volumes.count; i++) {
        const struct volume_want *volume = &want->volumes.at[i];

        if (is_pending(resource->task.satellite, volume->pool))
            return true;
        for (uint32_t s = 0; s < volume->sides.count; s++)
            if (is_pending(resource->task.satellite, volume->sides.at[s].pool))
                return true;
    }
    for (uint32_t i = 0; i < want->snapshots.count; i++)
        for (uint32_t v = 0; v < want->snapshots.at[i].volumes.count; v++)
            if (is_pending(resource->task.satellite, want->snapshots.at[i].volumes.at[v].pool))
                return true;
    return false;
}

static bool removes_something(const struct resource_want *want)
{
    for (uint32_t i = 0; i < want->volumes.count; i++)
        if (want->volumes.at[i].remove)
            return true;
    return want->remove;
}

/* Whether the volumes look different from what they were like when this was asked last. */
static bool note_description(struct resource *resource)
{
    struct arena arena = { 0 };
    struct buf text = { 0 };
    struct json_writer writer = { .out = &text };
    struct resource_fact now = { 0 };
    uint64_t before = resource->described;

    stack_describe(&resource->want, &resource->task.satellite->machine, &arena, &now);
    field_encode(&resource_fact_schema, &now, FIELD_LINK, &writer);
    resource->described = text_hash(TEXT_HASH_START, text.data, text.length);
    buf_done(&text);
    arena_done(&arena);
    return resource->described != before;
}

/* Volumes that are gone have not vanished, so that a later volume of the same name starts afresh. What was not the
 * resource's and stays is an orphan. */
static void forget_facts(struct resource *resource)
{
    struct satellite *satellite = resource->task.satellite;
    const char *name = resource->want.resource;

    for (uint32_t i = 0; i < resource->want.volumes.count; i++) {
        const struct volume_want *volume = &resource->want.volumes.at[i];
        const struct pool *pool = volume->pool ? pool_find(satellite, volume->pool) : NULL;
        struct resource_want alone = resource->want;

        if (!pool || (!resource->want.remove && !volume->remove))
            continue;
        alone.volumes.at = &resource->want.volumes.at[i];
        alone.volumes.count = 1;
        for (struct storage_fact *fact = facts_first_volume_of(&satellite->facts, pool->want.pool, name), *next; fact;
             fact = next) {
            next = facts_next_volume_of(fact, name);
            if (!stack_owns(&alone, &satellite->machine, fact->pool, fact->identifier))
                continue;
            satellite->orphans_are_due |= fact->backing != NULL;
            facts_edit_volume(&satellite->facts, fact->pool, fact->identifier)->has_vanished = false;
        }
    }
}

/* From here on a volume or snapshot is known by having been there, whatever mark it bears. */
static void end_newness(struct resource *resource)
{
    for (uint32_t i = 0; i < resource->want.volumes.count; i++)
        resource->want.volumes.at[i].must_be_new = false;
    for (uint32_t i = 0; i < resource->want.snapshots.count; i++)
        resource->want.snapshots.at[i].must_exist = !resource->want.snapshots.at[i].remove;
}

static void succeed(struct resource *resource)
{
    bool was_removal = resource->is_in_removals;

    task_succeed(&resource->task);
    memset(&resource->late, 0, sizeof(resource->late));
    if (note_description(resource) || !resource->is_applied)
        task_dirty(&resource->task);
    resource->is_applied = true;
    if (was_removal)
        forget_facts(resource);
    end_newness(resource);
    if (!was_removal)
        return;
    leave_removals(resource);
    wake_waiting(resource->task.satellite);
    resource->task.satellite->orphans_are_due |= resource->want.orphan;
    if (!resource->want.remove)
        return;
    resource->is_gone = true;
    map_remove(map_of(resource), &resource->node);
    task_dirty(&resource->task); /* the report frees it */
}

static void fail(struct resource *resource, const struct trouble *trouble)
{
    task_fail(&resource->task, trouble);
    resource->is_applied = resource->has_looked = false;
    note_description(resource);
    if (resource->is_in_removals)
        wake_waiting(resource->task.satellite);
    resource->task.satellite->orphans_are_due |= resource->want.orphan;
    /* Somebody waits for the first attempt, though one before that may have failed alike. */
    if (resource->want.orphan && resource->task.attempts == 1)
        resource->task.satellite->reported_orphans = 0;
}

/* Of all snapshots that shall be there. */
static uint64_t hash_snapshots(const struct resource_want *want)
{
    uint64_t hash = TEXT_HASH_START;

    for (uint32_t i = 0; i < want->snapshots.count; i++) {
        const struct snapshot_want *snapshot = &want->snapshots.at[i];
        const char *identity = snapshot->uuid ? snapshot->uuid : snapshot->snapshot;

        if (!snapshot->remove)
            hash = text_hash(hash, identity, strlen(identity) + 1);
    }
    return hash;
}

static bool is_postponed(const struct resource *resource)
{
    return resource->late.until_ms > loop_now_ms(resource->task.satellite->loop) &&
           resource->late.wanted == hash_snapshots(&resource->want);
}

/* Whether anything would be planned if snapshots were not postponed. */
static bool lacks_snapshots(const struct resource *resource)
{
    const struct satellite *satellite = resource->task.satellite;
    struct plan plan = { .facts = &satellite->facts };
    struct trouble ignored = { 0 };
    bool lacks = stack_plan(&resource->want, &satellite->machine, &plan, &ignored) < 0 || plan.steps.count > 0;

    plan_done(&plan);
    return lacks;
}

/* What takes too long once does so again, and each time the users of the volumes stand still: ever more seldom. */
static void postpone(struct resource *resource)
{
    uint64_t wanted = hash_snapshots(&resource->want);
    int64_t pause_ms;

    if (resource->late.wanted != wanted)
        resource->late.attempts = 0;
    pause_ms = task_pause_ms(resource->late.attempts, LATE_FIRST_MS, LATE_LIMIT_MS);
    resource->late.wanted = wanted;
    resource->late.attempts++;
    resource->late.until_ms = loop_now_ms(resource->task.satellite->loop) + pause_ms;
}

/* why: what was not over in time; NULL: that was told before. */
static void fail_late(struct resource *resource, const struct trouble *why)
{
    struct arena arena = { 0 };
    struct trouble trouble = {
        .message = arena_printf(&arena, "Snapshots of resource '%s' are not taken: it takes too long.",
                                resource->want.resource),
        .cause = arena_strdup(&arena, "Its volumes stood still for as long as their users can wait, and went on before "
                                      "all snapshots were taken. What was taken until then is removed."),
        .correction = arena_strdup(&arena, "It is retried by itself, ever more seldom, and at once when a snapshot of "
                                           "the resource is created or deleted. Take snapshots when less is done on "
                                           "the node, or have fewer volumes in one resource."),
    };
    bool is_told = resource->task.trouble && strcmp(resource->task.trouble->message, trouble.message) == 0;

    if (why)
        trouble.details = arena_printf(&arena, "%s %s", why->message, why->cause ? why->cause : "");
    if (why || !is_told)
        fail(resource, &trouble);
    /* The first time it proceeds soon, to clear away what is void. */
    if (why)
        resource->task.retry_at_ms = resource->late.until_ms;
    else
        task_postpone(&resource->task, resource->late.until_ms);
    arena_done(&arena);
}

/* All but its snapshots is as it shall be, and whoever waits for that need not wait for them. */
static void succeed_but_late(struct resource *resource)
{
    fail_late(resource, NULL);
    if (!resource->is_applied)
        task_dirty(&resource->task);
    resource->is_applied = true;
    for (uint32_t i = 0; i < resource->want.volumes.count; i++)
        resource->want.volumes.at[i].must_be_new = false;
}

/*
 * What is to be removed and seems not to be there may be there again: its file system was mounted since the last look.
 * Nothing is called gone on an old look, lest it be left over.
 */
static void ask_for_missing(struct resource *resource)
{
    struct satellite *satellite = resource->task.satellite;
    struct plan *plan = &resource->task.plan;
    struct resource_want kept = resource->want;
    struct resource_fact now = { 0 };
    struct text_list asked = { 0 };

    kept.remove = false;
    kept.volumes.at = arena_alloc(&plan->arena, (kept.volumes.count + 1) * sizeof(*kept.volumes.at));
    for (uint32_t i = 0; i < kept.volumes.count; i++) {
        kept.volumes.at[i] = resource->want.volumes.at[i];
        kept.volumes.at[i].remove = false;
    }
    stack_describe(&kept, &satellite->machine, &plan->arena, &now);
    for (uint32_t i = 0; i < now.volumes.count; i++) {
        const struct volume_want *volume = &resource->want.volumes.at[i];
        const struct pool *pool = volume->pool ? pool_find(satellite, volume->pool) : NULL;

        if (now.volumes.at[i].backing || !pool || !pool->is_applied || text_list_has_fold(&asked, volume->pool) ||
            !(resource->want.remove || volume->remove))
            continue;
        text_list_add(&asked, volume->pool, &plan->arena);
        pool->known.provider->ask(&pool->want, NULL, plan);
    }
    resource->has_looked = true;
}

static void proceed(struct task *task)
{
    struct resource *resource = resource_of(task);
    struct satellite *satellite = task->satellite;
    struct machine machine = satellite->machine;
    struct trouble trouble = { 0 };

    if (task_is_pausing(task))
        return;
    set_waiting(resource, !resource->is_in_removals && !resource->is_applied && must_wait_for_removals(resource));
    if (resource->waits_for_removals || must_wait_for_pool(resource))
        return;
    if (resource->is_in_removals && !resource->has_looked)
        ask_for_missing(resource);
    stack_ask(&resource->want, &satellite->machine, &task->plan);
    if (task->plan.steps.count > 0) {
        task_run(task);
        return;
    }
    plan_done(&task->plan);
    machine.must_not_hold = is_postponed(resource);
    if (stack_plan(&resource->want, &machine, &task->plan, &trouble) < 0) {
        fail(resource, &trouble);
        plan_done(&task->plan);
        return;
    }
    if (task->plan.steps.count > 0) {
        task_run(task);
        return;
    }
    plan_done(&task->plan);
    if (machine.must_not_hold && lacks_snapshots(resource))
        succeed_but_late(resource);
    else
        succeed(resource);
}

static void drop(struct resource *resource)
{
    map_remove(map_of(resource), &resource->node);
    task_drop(&resource->task);
}

static void ended(struct task *task, const struct trouble *trouble)
{
    struct resource *resource = resource_of(task);

    observer_measure_soon(task->satellite);
    if (resource->is_forgotten) {
        drop(resource);
        return;
    }
    if (trouble && task->is_late && !task->is_stale) {
        postpone(resource);
        fail_late(resource, trouble);
    } else if (trouble && !task->is_stale) {
        fail(resource, trouble);
    } else {
        task->trouble = NULL; /* of an earlier want */
        task_ready(task);
    }
    task->is_stale = false;
}

static const char *state_of(const struct volume_fact *volume, const struct resource *resource)
{
    if (volume->device_path)
        return "Created";
    if (resource->task.trouble)
        return "Failed";
    return resource->is_applied ? "Diskless" : "Creating";
}

static void report(struct task *task, struct report *report, struct arena *arena)
{
    struct resource *resource = resource_of(task);
    struct resource_fact *told = LIST_ADD(&report->resources, arena);

    told->resource = arena_strdup(arena, resource->want.resource);
    told->uuid = arena_strdup_null(arena, resource->want.uuid);
    told->generation = resource->want.generation;
    told->applied = resource->is_applied;
    told->gone = resource->is_gone;
    task_copy_trouble(task, &told->trouble, arena);
    if (!resource->is_gone)
        stack_describe(&resource->want, &task->satellite->machine, arena, told);
    for (uint32_t i = 0; i < told->volumes.count; i++)
        told->volumes.at[i].state = arena_strdup(arena, state_of(&told->volumes.at[i], resource));
}

static void resource_free(struct task *task)
{
    struct resource *resource = resource_of(task);

    leave_removals(resource);
    set_waiting(resource, false);
    task_done(task);
    arena_done(&resource->arena);
    memory_freep(&resource->node.key);
    free(resource);
}

static const struct task_kind resource_kind = {
    .proceed = proceed, .ended = ended, .report = report, .free = resource_free
};

/* The key is the new one's. */
static struct resource *resource_new(struct satellite *satellite, struct map *map, char *key)
{
    struct resource *resource = memory_alloc(sizeof(*resource));

    resource->node.key = key;
    task_init(&resource->task, satellite, &resource_kind);
    map_insert(map, &resource->node);
    return resource;
}

/* An orphan is known by what it is, not by the resource that has left it: that may have left several, or be there. */
static struct resource *get_or_new(struct satellite *satellite, const struct resource_want *want)
{
    struct map *map = want->orphan ? &satellite->orphans : &satellite->resources;
    const struct volume_want *volume = want->volumes.at;
    char *key = want->orphan ? memory_printf("%s/%s_%05" PRId32, volume->pool, want->resource, volume->number)
                             : memory_strdup(want->resource);
    struct resource *resource;

    if (!want->orphan)
        text_upper(key);
    resource = find(map, key);
    if (!resource)
        return resource_new(satellite, map, key);
    free(key);
    return resource;
}

static void forget(struct resource *resource)
{
    leave_removals(resource);
    resource->task.satellite->orphans_are_due = true;
    resource->is_forgotten = true;
    if (!resource->task.is_running)
        drop(resource);
}

/* "db.cache" is a side of "db". */
static bool is_of(const struct resource_want *orphan, const char *resource)
{
    size_t length = strlen(resource);

    return strncasecmp(orphan->resource, resource, length) == 0 &&
           (orphan->resource[length] == '\0' || orphan->resource[length] == '.');
}

void resources_forget_orphans(struct satellite *satellite, const char *pool, const char *resource)
{
    for (struct map_node *node = map_first(&satellite->orphans), *next; node; node = next) {
        struct resource *orphan = of_node(node);

        next = map_next(node);
        if (!orphan->is_forgotten && (!pool || text_equal_fold(orphan->want.volumes.at[0].pool, pool)) &&
            (!resource || is_of(&orphan->want, resource)))
            forget(orphan);
    }
}

/* The plan that is under way looks at the plan's own copy of everything, so the want may change below it. */
void resource_take_want(struct satellite *satellite, const struct resource_want *want)
{
    struct resource *resource;

    if (want->orphan && (want->volumes.count != 1 || !want->volumes.at[0].pool))
        return; /* nobody sends that */
    resource = get_or_new(satellite, want);
    leave_removals(resource);
    arena_done(&resource->arena);
    memset(&resource->want, 0, sizeof(resource->want));
    field_copy(&resource_want_schema, &resource->want, want, &resource->arena);
    if (want->orphan)
        satellite->reported_orphans = 0; /* somebody waits for it */
    else
        resources_forget_orphans(satellite, NULL, want->resource);
    resource->order = satellite->order;
    resource->is_applied = resource->is_forgotten = false;
    resource->has_looked = false;
    if (removes_something(want))
        enter_removals(resource);
    task_renew(&resource->task);
}

void resource_forget(struct satellite *satellite, const char *name)
{
    struct resource *resource = resource_find(satellite, name);

    if (!resource)
        return;
    log_info("resource '%s' is forgotten; its devices stay", resource->want.resource);
    forget(resource);
}
