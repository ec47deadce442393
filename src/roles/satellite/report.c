/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the controller is told, once per turn: the things that changed since the last report, and volumes in our pools
 * that no want speaks of.
 */
#include <string.h>

#include "base/text.h"
#include "layers/stack.h"
#include "roles/satellite/state.h"

/* In this pool, or in another one that is the same storage. */
static bool owns(const struct satellite *satellite, const struct resource *resource, const struct storage_fact *fact)
{
    const struct storage_pool_fact *own = facts_find_pool(&satellite->facts, fact->pool);

    if (stack_owns(&resource->want, &satellite->machine, fact->pool, fact->identifier))
        return true;
    if (!own || !own->identity)
        return false;
    map_for_each (node, &satellite->facts.pools) {
        const struct storage_pool_fact *other = CONTAINER_OF(node, struct storage_pool_fact, node);

        if (other != own && other->identity && strcmp(other->identity, own->identity) == 0 &&
            stack_owns(&resource->want, &satellite->machine, node->key, fact->identifier))
            return true;
    }
    return false;
}

/* Whether the first so many characters name a resource that is held, and the volume or snapshot is one of its own. */
static bool is_wanted_by(const struct satellite *satellite, const struct storage_fact *fact, size_t length)
{
    char name[256];

    if (length >= sizeof(name))
        return false;
    memcpy(name, fact->identifier, length);
    name[length] = '\0';
    for (;;) {
        const struct resource *resource = resource_find(satellite, name);
        char *dot = strrchr(name, '.');

        if (resource && !resource->is_forgotten && owns(satellite, resource, fact))
            return true;
        /* Names of levels above carry suffixes such as ".meta". */
        if (!dot)
            return false;
        *dot = '\0';
    }
}

/* "db_00000" is of the resource "db"; "db_00000_monday" may be, and there may be underscores in any of the names. */
static bool is_wanted(const struct satellite *satellite, const struct storage_fact *fact)
{
    for (const char *at = strchr(fact->identifier, '_'); at; at = strchr(at + 1, '_'))
        if (is_wanted_by(satellite, fact, (size_t)(at - fact->identifier)))
            return true;
    return false;
}

static uint64_t list_orphans(const struct satellite *satellite, struct report *report, struct arena *arena)
{
    uint64_t hash = TEXT_HASH_START;

    map_for_each (node, &satellite->facts.volumes) {
        const struct storage_fact *fact = CONTAINER_OF(node, struct storage_fact, node);
        struct orphan_fact *orphan;

        if (!fact->backing || fact->is_snapshot || fact->is_doomed || is_wanted(satellite, fact))
            continue;
        orphan = LIST_ADD(&report->orphans, arena);
        orphan->pool = arena_strdup(arena, fact->pool);
        orphan->identifier = arena_strdup(arena, fact->identifier);
        orphan->device_path = arena_strdup_null(arena, fact->device);
        orphan->size_kib = fact->size_kib;
        hash = text_hash(hash, fact->node.key, strlen(fact->node.key) + 1);
        hash = text_hash(hash, &fact->size_kib, sizeof(fact->size_kib));
        hash = text_hash(hash, fact->device ? fact->device : "", fact->device ? strlen(fact->device) : 0);
    }
    return hash;
}

/* Before all were looked at, it is not known which of them are the same storage. */
static bool any_pool_is_pending(const struct satellite *satellite)
{
    map_for_each (node, &satellite->pools)
        if (pool_is_pending(CONTAINER_OF(node, struct pool, known.node)))
            return true;
    return false;
}

static void add_orphans(struct satellite *satellite, struct report *report, struct arena *arena)
{
    uint64_t hash;

    if (!satellite->orphans_are_due || !satellite->wants_are_complete || any_pool_is_pending(satellite))
        return;
    satellite->orphans_are_due = false;
    hash = list_orphans(satellite, report, arena);
    report->orphans_complete = hash != satellite->reported_orphans;
    if (!report->orphans_complete)
        report->orphans.count = 0;
    satellite->reported_orphans = hash;
}

/* What nobody will ask about again has been spoken of. */
static void free_if_over(struct task *task, bool is_pool)
{
    if (is_pool ? CONTAINER_OF(task, struct pool, task)->want.remove
                : CONTAINER_OF(task, struct resource, task)->is_gone)
        task_drop(task);
}

static void add_dirty(struct satellite *satellite, struct report *report, struct arena *arena)
{
    while (satellite->dirty) {
        struct task *task = satellite->dirty;
        uint32_t pools = report->pools.count, resources = report->resources.count;

        satellite->dirty = task->next_dirty;
        task->is_dirty = false;
        task->kind->report(task, report, arena);
        if (report->pools.count > pools || report->resources.count > resources)
            free_if_over(task, report->pools.count > pools);
    }
}

static void send(struct link *link, struct report *report)
{
    if (report->token == 0 && report->pools.count == 0 && report->resources.count == 0 && !report->orphans_complete)
        return;
    if (link)
        link_send(link, "report", &report_schema, report);
}

void reports_send(struct satellite *satellite)
{
    struct link *link = server_link(satellite);
    struct arena arena = { 0 };
    struct report report = { 0 };

    add_dirty(satellite, &report, &arena);
    if (link)
        add_orphans(satellite, &report, &arena);
    for (uint32_t i = 0; i < satellite->answered.count; i++) {
        report.token = satellite->answered.at[i];
        send(link, &report);
        report = (struct report){ 0 };
    }
    send(link, &report);
    satellite->answered = (struct i64_list){ 0 };
    arena_done(&satellite->answered_arena);
    arena_done(&arena);
}

void reports_start_over(struct satellite *satellite)
{
    map_for_each (node, &satellite->pools)
        task_dirty(&CONTAINER_OF(node, struct pool, known.node)->task);
    map_for_each (node, &satellite->resources)
        task_dirty(&CONTAINER_OF(node, struct resource, node)->task);
    satellite->reported_orphans = 0;
    satellite->orphans_are_due = true;
    satellite->answered = (struct i64_list){ 0 };
    arena_done(&satellite->answered_arena);
}

void report_held(struct satellite *satellite, struct link *link)
{
    struct arena arena = { 0 };
    struct held held = { 0 };

    map_for_each (node, &satellite->pools) {
        const struct pool_want *want = &CONTAINER_OF(node, struct pool, known.node)->want;

        *LIST_ADD(&held.pools, &arena) = (struct held_item){
            .name = want->pool, .uuid = want->uuid, .generation = want->generation, .digest = want->digest
        };
    }
    map_for_each (node, &satellite->resources) {
        const struct resource *resource = CONTAINER_OF(node, struct resource, node);
        const struct resource_want *want = &resource->want;

        if (resource->is_forgotten)
            continue;
        *LIST_ADD(&held.resources, &arena) = (struct held_item){
            .name = want->resource, .uuid = want->uuid, .generation = want->generation, .digest = want->digest
        };
    }
    link_send(link, "held", &held_schema, &held);
    arena_done(&arena);
}
