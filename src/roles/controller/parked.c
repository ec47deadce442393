/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Requests that wait: first until their commit is durable, then, where the route asks for it, until satellites have
 * applied or failed what it changed, or are not there. A client that hangs up is let go; the work goes on.
 *
 * Commits become durable in order, so of those that wait for the store only the first are looked at. Of the others all
 * are, though only after something happened that may let one of them go on (service_tell_news), and at each tick.
 */
#include <stdlib.h>
#include <string.h>

#include "model/layer.h"
#include "roles/controller/nvme.h"
#include "roles/controller/request.h"
#include "roles/controller/rest_encryption.h"
#include "roles/controller/rest_node.h"
#include "roles/controller/rest_orphan.h"
#include "roles/controller/rest_physical.h"
#include "roles/controller/session.h"

static void client_gone(void *owner)
{
    struct request *q = owner;

    q->exchange = NULL; /* freed when it is looked at */
    service_tell_news(q->service);
}

void request_park(struct request *q)
{
    struct service *service = q->service;

    service->counts.parked++;
    q->deadline_ms = loop_now_ms(service->loop) + (q->deadline_ms > 0 ? q->deadline_ms : REQUEST_DEADLINE_MS);
    if (q->generation > 0)
        STAILQ_INSERT_TAIL(&service->undurable, q, link);
    else
        STAILQ_INSERT_TAIL(&service->settling, q, link);
    if (q->exchange)
        http_on_gone(q->exchange, client_gone, q);
    if (q->generation == 0)
        service_tell_news(service);
}

static struct settle_item *add_item(struct request *q, enum settle_kind kind, const char *first, const char *second)
{
    struct settle_item *item = LIST_ADD(&q->settle, &q->arena);

    item->kind = kind;
    item->first = arena_strdup(&q->arena, first);
    item->second = arena_strdup_null(&q->arena, second);
    return item;
}

void request_settle_resource(struct request *q, const struct resource *resource, bool was_new, bool was_deleted)
{
    const char *definition = resource_definition_of(resource)->name, *node = resource_node(resource)->name;
    struct settle_item *item = add_item(q, SETTLE_RESOURCE, definition, node);

    item->was_new = was_new;
    item->was_deleted = was_deleted;
}

void request_settle_pool(struct request *q, const struct storage_pool *pool)
{
    add_item(q, SETTLE_POOL, storage_pool_node(pool)->name, storage_pool_name(pool));
}

void request_settle_orphan(struct request *q, const struct node *node, const char *pool, const char *identifier)
{
    add_item(q, SETTLE_ORPHAN, node->name, pool)->third = arena_strdup(&q->arena, identifier);
}

void request_settle_vault(struct request *q, int64_t number)
{
    add_item(q, SETTLE_VAULT, "", NULL)->number = number;
}

void request_settle_disks(struct request *q, const struct node *node)
{
    add_item(q, SETTLE_DISKS, node->name, NULL);
}

void request_settle_device_pool(struct request *q, const struct node *node)
{
    add_item(q, SETTLE_DEVICE_POOL, node->name, NULL);
}

void request_settle_node(struct request *q, const struct node *node, int64_t wait_ms)
{
    add_item(q, SETTLE_NODE, node->name, NULL);
    q->deadline_ms = wait_ms;
}

/* Once for each node, however much of it waits. */
static void not_connected(struct request *q, const char *node)
{
    const char *message = rc_text(&q->rc, "No active connection to satellite '%s'.", node);
    const struct node *found = model_find_node(q->model, node);
    const char *why = found ? session_last_error(found) : "";

    for (uint32_t i = 0; i < q->rc.entries.count; i++)
        if (q->rc.entries.at[i].message && strcmp(q->rc.entries.at[i].message, message) == 0)
            return;
    rc_add(&q->rc, WARN_NOT_CONNECTED, .message = message, .cause = *why ? arena_strdup(&q->arena, why) : NULL,
           .details =
               "The change is stored. The controller goes on trying to connect, and the satellite receives it as soon "
               "as it is back.");
}

void request_add_trouble(struct request *q, const char *node, int64_t code, const struct trouble *trouble)
{
    const char *retry = "It is tried again after a change."; /* what the satellite was not even told */

    if (trouble->attempts > 0)
        retry = rc_text(&q->rc, "Attempt %d failed; the next one follows in %.1f seconds.", trouble->attempts,
                        (double)trouble->retry_in_ms / 1000);
    rc_add(&q->rc, code, .message = rc_text(&q->rc, "(%s) %s", node, trouble->message ? trouble->message : "failed"),
           .cause = trouble->cause, .correction = trouble->correction,
           .details = trouble->details ? rc_text(&q->rc, "%s\n%s", trouble->details, retry) : retry);
}

/* What an initiator of NVMe waits for, unless that is told of its target. */
static bool is_growing_below(const struct resource *initiator)
{
    const struct resource *target = nvme_find_target(resource_definition_of(initiator));

    return target && session_is_online(resource_node(target)) && !(target->fact && target->fact->trouble);
}

static bool resource_settled(struct request *q, const struct settle_item *item)
{
    const struct resource_definition *definition = model_find_definition(q->model, item->first);
    const struct resource *resource = definition ? model_find_resource(definition, item->second) : NULL;

    if (!resource)
        return true;
    if (!session_is_online(resource_node(resource))) {
        not_connected(q, item->second);
        return true;
    }
    if (resource->dirty_slot != 0 || resource->want_generation == 0 || !resource->fact ||
        (uint64_t)resource->fact->generation < resource->want_generation)
        return false;
    if (resource->fact->trouble) {
        request_add_trouble(q, item->second, FAIL_UNKNOWN_ERROR, resource->fact->trouble);
        return true;
    }
    /* What goes is settled when it is gone. */
    if (object_has_flag(&resource->object, RESOURCE_DELETE))
        return nvme_is_stuck(resource);
    if (nvme_has_less(resource)) /* whatever it was told to have until now, which it has */
        return nvme_is_behind(resource) && !is_growing_below(resource);
    return resource->fact->applied;
}

static bool pool_settled(struct request *q, const struct settle_item *item)
{
    const struct node *node = model_find_node(q->model, item->first);
    const struct storage_pool *pool = node ? model_find_pool(node, item->second) : NULL;

    if (!pool)
        return true;
    if (!session_is_online(node)) {
        if (!q->refresh_token)
            not_connected(q, item->first);
        return true;
    }
    if (q->refresh_token)
        return session_refreshed(node) >= q->refresh_token;
    if (!pool->fact || pool->want_generation == 0 || (uint64_t)pool->fact->generation < pool->want_generation)
        return false;
    if (pool->fact->trouble) {
        if (text_map_find(&pool->object.props, PROVIDER_POOL_PROPERTY))
            request_add_trouble(q, item->first, FAIL_STOR_POOL_CONFIGURATION_ERROR, pool->fact->trouble);
        else
            rc_add(&q->rc, FAIL_UNKNOWN_ERROR, .message = pool->fact->trouble->message, .is_quiet = true);
        rc_add(&q->rc, FAIL_UNKNOWN_ERROR,
               .message = rc_text(&q->rc, "(%s) Storage pool '%s' stays registered; the satellite goes on trying.",
                                  item->first, item->second),
               .details = "It is used as soon as this is corrected.");
        return true;
    }
    rc_add(&q->rc, MODIFIED,
           .message = rc_text(&q->rc, "(%s) Changes applied to storage pool '%s'.", item->first, item->second));
    rc_add(&q->rc, MODIFIED,
           .message = rc_text(&q->rc, "Updated storage pool '%s' on '%s'.", item->second, item->first));
    return true;
}

static bool item_settled(struct request *q, const struct settle_item *item)
{
    const struct node *node;

    switch (item->kind) {
    case SETTLE_RESOURCE: return resource_settled(q, item);
    case SETTLE_POOL: return pool_settled(q, item);
    case SETTLE_NODE: return node_settled(q, item->first);
    case SETTLE_VAULT: return encryption_settled(q, item->number);
    case SETTLE_ORPHAN: return orphan_settled(q, item->first, item->second, item->third);
    case SETTLE_DISKS:
        node = model_find_node(q->model, item->first);
        return !node || !session_is_online(node) || session_disks(node, q->refresh_token);
    case SETTLE_DEVICE_POOL: return device_pool_settled(q, item->first);
    }
    return true;
}

static void give_up(struct request *q)
{
    for (uint32_t i = 0; i < q->settle.count; i++) {
        const struct settle_item *item = &q->settle.at[i];

        switch (item->kind) {
        case SETTLE_RESOURCE:
            rc_add(&q->rc, WARN_STLT_NOT_UPDATED,
                   .message = rc_text(&q->rc, "Satellite '%s' has not finished with resource '%s' yet.", item->second,
                                      item->first),
                   .details = "The change is stored and the satellite goes on working at it.");
            break;
        case SETTLE_POOL:
            if (!q->refresh_token)
                rc_add(&q->rc, WARN_STLT_NOT_UPDATED,
                       .message = rc_text(&q->rc, "Satellite '%s' has not answered for storage pool '%s' yet.",
                                          item->first, item->second),
                       .details = "The change is stored and the satellite goes on working at it.");
            break;
        case SETTLE_NODE: not_connected(q, item->first); break;
        case SETTLE_VAULT:
            rc_add(&q->rc, FAIL_UNKNOWN_ERROR, .message = "The passphrase takes too long to be looked at.",
                   .correction = "Ask for the status before it is repeated.");
            break;
        case SETTLE_ORPHAN:
            rc_add(&q->rc, WARN_STLT_NOT_UPDATED,
                   .message = rc_text(&q->rc, "Satellite '%s' has not removed '%s' yet.", item->first, item->third),
                   .details = "It was told to; the list of orphans shows when it is gone.",
                   .correction = "Repeat the request if it stays.");
            break;
        case SETTLE_DISKS: break; /* the others are told */
        case SETTLE_DEVICE_POOL: device_pool_give_up(q, item->first); break;
        }
    }
    q->settle.count = 0;
}

/* What it changed is durable. True when the request can be answered. */
static bool is_ready(struct request *q)
{
    uint32_t kept = 0;

    if (q->generation > 0 && q->resume && !q->is_settling) {
        q->is_settling = true; /* resume may add items */
        q->resume(q);
    }
    for (uint32_t i = 0; i < q->settle.count; i++)
        if (!item_settled(q, &q->settle.at[i]))
            q->settle.at[kept++] = q->settle.at[i];
    q->settle.count = kept;
    if (kept > 0 && loop_now_ms(q->service->loop) >= q->deadline_ms)
        give_up(q);
    return q->settle.count == 0;
}

static void look_at(struct service *service, struct request *q)
{
    if ((q->exchange || q->next) && !is_ready(q))
        STAILQ_INSERT_TAIL(&service->settling, q, link);
    else if (q->exchange && q->generation > journal_durable(service->journal)) /* of a commit made since it waits */
        STAILQ_INSERT_TAIL(&service->undurable, q, link);
    else if (q->next && !rc_has_error(&q->rc))
        request_go_on(q);
    else
        request_answer(q);
}

void parked_turn(struct service *service)
{
    uint64_t durable = journal_durable(service->journal);
    struct request_queue before = STAILQ_HEAD_INITIALIZER(before);
    struct request *q;

    if (service->has_news)
        STAILQ_CONCAT(&before, &service->settling);
    service->has_news = false;
    while ((q = STAILQ_FIRST(&before))) {
        STAILQ_REMOVE_HEAD(&before, link);
        look_at(service, q);
    }
    while ((q = STAILQ_FIRST(&service->undurable)) && q->generation <= durable) {
        STAILQ_REMOVE_HEAD(&service->undurable, link);
        look_at(service, q);
    }
}

void parked_fail(struct service *service, const char *why)
{
    struct request *q;

    for (q = STAILQ_FIRST(&service->undurable); q; q = STAILQ_NEXT(q, link)) {
        if (q->generation <= journal_durable(service->journal))
            continue;
        q->generation = 0;
        q->settle.count = 0;
        rc_clear(&q->rc);
        q->listing = NULL;
        q->reply = NULL;
        rc_add(&q->rc, FAIL_SQL, .message = "The change could not be stored and was undone.", .cause = why,
               .correction =
                   "Make room on the file system of the data directory, or repair it; then repeat the request.");
    }
}
