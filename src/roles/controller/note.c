/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/controller/note.h"

#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "model/runtime.h"
#include "roles/controller/finish.h"
#include "roles/controller/reports.h"
#include "roles/controller/session.h"
#include "roles/controller/wants.h"

LOG_DOMAIN("session");

/* Of the first failure; attempts that follow make no more. */
static void report_trouble(struct service *service, const struct node *node, const char *failure, const char *kind,
                           const char *name, const struct trouble *trouble)
{
    const struct link_hello *hello = session_hello(node);
    CLEANUP(memory_freep)
    char *message = memory_printf("%s '%s': %s", kind, name, trouble->message ? trouble->message : "failed");
    const struct rc_doc problem = {
        .message = message,
        .cause = trouble->cause,
        .correction = trouble->correction,
        .details = trouble->details,
    };

    log_warn("node %s: %s", node->name, message);
    (void)reports_add(service->reports, &(struct error_report_entry){ .time_ms = loop_wall_ms(service->loop),
                                                                      .node = node->name,
                                                                      .module = "SATELLITE",
                                                                      .version = hello ? hello->version : NULL,
                                                                      .failure = failure,
                                                                      .problems = &problem,
                                                                      .problem_count = 1 });
}

/*
 * What the satellite could not be told is told by the controller itself, as its trouble (wants.c). It holds on while
 * the satellite speaks of what it was told before.
 */
void note_pool_fact(struct service *service, const struct node *node, const struct pool_fact *told)
{
    const struct storage_pool *pool = model_find_pool(node, told->pool);
    struct pool_fact merged = *told, *fact = &merged;

    if (!pool || fact->generation < 0 || !fact->uuid || strcmp(fact->uuid, pool->object.uuid) != 0)
        return;
    if (pool->fact && pool->fact->trouble && fact->generation < pool->fact->generation) {
        fact->trouble = pool->fact->trouble;
        fact->generation = pool->fact->generation;
        fact->applied = false;
    }
    if (fact->trouble && (!pool->fact || !pool->fact->trouble))
        report_trouble(service, node, "StoragePoolFailed", "Storage pool", fact->pool, fact->trouble);
    runtime_set_pool_fact(pool, field_duplicate(&pool_fact_schema, fact));
    if (fact->granularity_kib > 0 || fact->props.count > 0)
        finish_note_pool(service, pool);
}

void note_resource_fact(struct service *service, const struct node *node, const struct resource_fact *told)
{
    const struct resource_definition *definition = model_find_definition(&service->model, told->resource);
    const struct resource *resource = definition ? model_find_resource(definition, node->name) : NULL;
    struct resource_fact merged = *told, *fact = &merged;

    if (!resource || fact->generation < 0 || !fact->uuid || strcmp(fact->uuid, resource->object.uuid) != 0)
        return; /* of an earlier one of that name */
    if (resource->fact && resource->fact->trouble && fact->generation < resource->fact->generation) {
        fact->trouble = resource->fact->trouble;
        fact->generation = resource->fact->generation;
        fact->applied = false;
    }
    if (fact->trouble && (!resource->fact || !resource->fact->trouble))
        report_trouble(service, node, "ResourceFailed", "Resource", fact->resource, fact->trouble);
    runtime_set_resource_fact(resource, field_duplicate(&resource_fact_schema, fact));
    finish_note(service, resource);
    wants_note_fact(service, resource);
}
