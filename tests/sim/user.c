/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "user.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cluster.h"
#include "http_sim.h"
#include "workload.h"

static struct http_call *call;

static void answered(void *owner, int status, const char *body)
{
    (void)owner;
    world_note("the user was answered: %d %.200s", status, body ? body : "no answer");
}

/* "/pools/thin/r2_00000.img is there already, ...": may only be so after the node or its file system was away. */
static bool adopt(const struct host *host, const struct resource *resource)
{
    const struct trouble *trouble = resource->fact ? resource->fact->trouble : NULL;
    char pool[16], name[64], target[160];

    if (!trouble || !strstr(trouble->message, "was not made for this resource") ||
        sscanf(trouble->message, "/pools/%15[^/]/%63[^.].img is there already", pool, name) != 2)
        return false;
    if (!workload_may_be_orphan(definition_by_name(resource_definition_of(resource)->name), host->index))
        world_violation("%s: %s, and nothing was left there", host->name, trouble->message);
    snprintf(target, sizeof(target), "/v1/nodes/%s/orphans/%s/%s", host->name, pool, name);
    world_note("the user sends PUT %s", target);
    call = http_call_new("PUT", target, NULL, answered, NULL);
    return true;
}

void user_act(void)
{
    const struct service *service = cluster_service();

    if (call && !http_call_is_over(call))
        return;
    user_done();
    for (int i = 1; service && i <= world.satellites; i++) {
        const struct node *node = model_find_node(&service->model, world.hosts[i].name);

        if (!node)
            continue;
        model_for_each(resource_definition, definition, &service->model, KIND_RESOURCE_DEFINITION)
        {
            const struct resource *resource = model_find_resource(definition, node->name);

            if (resource && adopt(&world.hosts[i], resource))
                return;
        }
    }
}

void user_done(void)
{
    if (call)
        http_call_free(call);
    call = NULL;
}
