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

/* Why it is there still, though somebody wants it removed. */
static void copy_trouble(const struct satellite *satellite, const struct storage_fact *fact, struct orphan_fact *orphan,
                         struct arena *arena)
{
    const struct resource *removal = resource_find_orphan(satellite, fact->pool, fact->identifier);

    /* Of what is stale it would be why an earlier request failed. */
    if (removal && (!removal->task.is_stale || removal->task.is_hanging))
        task_copy_trouble(&removal->task, &orphan->trouble, arena);
}

static uint64_t list_orphans(const struct satellite *satellite, struct report *report, struct arena *arena)
{
    uint64_t hash = TEXT_HASH_START;

    map_for_each (node, &satellite->facts.volumes) {
        const struct storage_fact *fact = CONTAINER_OF(node, struct storage_fact, node);
        struct orphan_fact *orphan;

        if (!fact->backing || fact->is_snapshot || (fact->is_doomed && fact->dependents > 0) ||
            is_wanted(satellite, fact))
            continue;
        orphan = LIST_ADD(&report->orphans, arena);
        orphan->pool = arena_strdup(arena, fact->pool);
        orphan->identifier = arena_strdup(arena, fact->identifier);
        orphan->device_path = arena_strdup_null(arena, fact->device);
        orphan->size_kib = fact->size_kib;
        copy_trouble(satellite, fact, orphan, arena);
        hash = text_hash(hash, fact->node.key, strlen(fact->node.key) + 1);
        hash = text_hash(hash, &fact->size_kib, sizeof(fact->size_kib));
        hash = text_hash(hash, fact->device ? fact->device : "", fact->device ? strlen(fact->device) : 0);
        if (orphan->trouble && orphan->trouble->message)
            hash = text_hash(hash, orphan->trouble->message, strlen(orphan->trouble->message));
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

/* Facts for the controller, sent when there are enough of them. */
struct outgoing {
    struct link *link; /* NULL: nobody is there to hear of them */
    struct report report;
    struct arena arena;
    uint32_t items;
    size_t bytes;
};

static void flush(struct outgoing *out)
{
    const struct report *report = &out->report;

    if (out->link && (out->items > 0 || report->token != 0 || report->orphans_complete))
        link_send(out->link, "report", &report_schema, report);
    out->report = (struct report){ 0 };
    arena_reset(&out->arena);
    out->items = 0;
    out->bytes = 0;
}

/* Of an item that was just added. */
static void count_item(struct outgoing *out, size_t bytes)
{
    out->items++;
    out->bytes += bytes;
    if (out->items >= MESSAGE_ITEMS || out->bytes >= MESSAGE_BYTES)
        flush(out);
}

static struct trouble *refuse(struct arena *arena, const char *kind, const char *name, size_t bytes)
{
    struct trouble *trouble = arena_alloc(arena, sizeof(*trouble));

    trouble->message = arena_printf(arena, "%s '%s' cannot be reported.", kind, name);
    trouble->cause = arena_printf(arena, "What is known of it takes %zu bytes in a message, and %d are possible.",
                                  bytes, ITEM_BYTES);
    trouble->correction = arena_strdup(arena, "Spread its volumes over several resources.");
    return trouble;
}

static void count_resource(struct outgoing *out, struct resource_fact *fact)
{
    size_t bytes = field_encoded_length(&resource_fact_schema, fact, FIELD_LINK);

    if (bytes > ITEM_BYTES) {
        *fact = (struct resource_fact){ .resource = fact->resource,
                                        .uuid = fact->uuid,
                                        .generation = fact->generation,
                                        .trouble = refuse(&out->arena, "Resource", fact->resource, bytes) };
        bytes = 0;
    }
    count_item(out, bytes);
}

static void count_pool(struct outgoing *out, struct pool_fact *fact)
{
    size_t bytes = field_encoded_length(&pool_fact_schema, fact, FIELD_LINK);

    if (bytes > ITEM_BYTES) {
        *fact = (struct pool_fact){ .pool = fact->pool,
                                    .uuid = fact->uuid,
                                    .generation = fact->generation,
                                    .trouble = refuse(&out->arena, "Storage pool", fact->pool, bytes) };
        bytes = 0;
    }
    count_item(out, bytes);
}

static void add_orphans(struct satellite *satellite, struct outgoing *out)
{
    struct arena arena = { 0 };
    struct report all = { 0 };
    uint64_t hash;

    if (!satellite->orphans_are_due || !satellite->wants_are_complete || any_pool_is_pending(satellite))
        return;
    satellite->orphans_are_due = false;
    hash = list_orphans(satellite, &all, &arena);
    if (hash != satellite->reported_orphans) {
        for (uint32_t i = 0; i < all.orphans.count; i++) {
            *LIST_ADD(&out->report.orphans, &out->arena) = all.orphans.at[i];
            count_item(out, field_encoded_length(&orphan_fact_schema, &all.orphans.at[i], FIELD_LINK));
        }
        out->report.orphans_complete = true;
        flush(out);
    }
    satellite->reported_orphans = hash;
    arena_done(&arena);
}

/* What nobody will ask about again has been spoken of. */
static void free_if_over(struct task *task, bool is_pool)
{
    if (is_pool ? CONTAINER_OF(task, struct pool, task)->want.remove
                : CONTAINER_OF(task, struct resource, task)->is_gone)
        task_drop(task);
}

static void add_dirty(struct satellite *satellite, struct outgoing *out)
{
    const struct report *report = &out->report;

    while (satellite->dirty) {
        struct task *task = satellite->dirty;
        uint32_t pools = report->pools.count, resources = report->resources.count;
        bool is_pool, is_resource;

        satellite->dirty = task->next_dirty;
        task->is_dirty = false;
        task->kind->report(task, &out->report, &out->arena);
        is_pool = report->pools.count > pools;
        is_resource = report->resources.count > resources;
        if (is_pool)
            count_pool(out, &report->pools.at[pools]);
        if (is_resource)
            count_resource(out, &report->resources.at[resources]);
        if (is_pool || is_resource)
            free_if_over(task, is_pool);
    }
}

/* Tokens last: who waits for one may believe that everything was told. */
void reports_send(struct satellite *satellite)
{
    struct outgoing out = { .link = server_link(satellite) };

    add_dirty(satellite, &out);
    if (out.link)
        add_orphans(satellite, &out);
    for (uint32_t i = 0; i < satellite->answered.count; i++) {
        out.report.token = satellite->answered.at[i];
        flush(&out);
    }
    flush(&out);
    satellite->answered = (struct i64_list){ 0 };
    arena_done(&satellite->answered_arena);
    arena_done(&out.arena);
}

void reports_start_over(struct satellite *satellite)
{
    map_for_each (node, &satellite->pools)
        task_dirty(&CONTAINER_OF(node, struct pool, known.node)->task);
    map_for_each (node, &satellite->resources)
        task_dirty(&CONTAINER_OF(node, struct resource, node)->task);
    resources_forget_orphans(satellite, NULL, NULL);
    satellite->reported_orphans = 0;
    satellite->orphans_are_due = true;
    satellite->answered = (struct i64_list){ 0 };
    arena_done(&satellite->answered_arena);
}

/* Items are short, so their number alone cuts the message. */
static void send_held(struct link *link, struct held *held, struct arena *arena)
{
    if (!held->complete && held->pools.count + held->resources.count < MESSAGE_ITEMS)
        return;
    link_send(link, "held", &held_schema, held);
    *held = (struct held){ 0 };
    arena_reset(arena);
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
        send_held(link, &held, &arena);
    }
    map_for_each (node, &satellite->resources) {
        const struct resource *resource = CONTAINER_OF(node, struct resource, node);
        const struct resource_want *want = &resource->want;

        if (resource->is_forgotten)
            continue;
        *LIST_ADD(&held.resources, &arena) = (struct held_item){
            .name = want->resource, .uuid = want->uuid, .generation = want->generation, .digest = want->digest
        };
        send_held(link, &held, &arena);
    }
    held.complete = true;
    send_held(link, &held, &arena);
    arena_done(&arena);
}
