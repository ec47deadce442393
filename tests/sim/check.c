/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cluster.h"
#include "http_sim.h"
#include "machine.h"
#include "roles/controller/request.h"
#include "roles/controller/session.h"
#include "store_sim.h"
#include "workload.h"

enum { LONGEST_ANSWER_MS = 130000 }; /* a deadline of 60 s, slow commits, and queues before them */

static char wrong[512];

static const char *say(const char *format, ...) PRINTF_LIKE(1, 2);

static const char *say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(wrong, sizeof(wrong), format, args);
    va_end(args);
    return wrong;
}

/* Sums that the model keeps, counted anew. */
static const char *recount_pools(const struct node *node)
{
    child_for_each (storage_pool, pool, &node->object, KIND_STORAGE_POOL) {
        int64_t reserved_kib = 0;
        uint32_t volumes = 0, resources = 0;

        child_for_each (resource, resource, &node->object, KIND_RESOURCE) {
            uint32_t before = volumes;

            for (uint32_t i = 0; i < resource->volumes.count; i++) {
                if (!text_equal_fold(resource->volumes.at[i].storage_pool, storage_pool_name(pool)))
                    continue;
                reserved_kib += resource->volumes.at[i].size_kib;
                volumes++;
            }
            resources += volumes > before;
        }
        if (reserved_kib != pool->reserved_kib || volumes != pool->volume_count || resources != pool->resource_count)
            return say("pool %s of %s counts %" PRId64 " KiB in %u volumes of %u resources; there are %" PRId64
                       " KiB in %u of %u",
                       storage_pool_name(pool), node->name, pool->reserved_kib, pool->volume_count,
                       pool->resource_count, reserved_kib, volumes, resources);
    }
    return NULL;
}

static const char *recount_minors(const struct model *model)
{
    int64_t seen[DEFINITIONS * VOLUMES];
    size_t count = 0;

    model_for_each(resource_definition, definition, model, KIND_RESOURCE_DEFINITION)
    {
        child_for_each (volume_definition, volume, &definition->object, KIND_VOLUME_DEFINITION) {
            if (!volume->minor.has)
                continue;
            if (!number_pool_is_used(&model->minors, volume->minor.value))
                return say("minor %d of %s is taken for free", volume->minor.value, definition->name);
            for (size_t i = 0; i < count; i++)
                if (seen[i] == volume->minor.value)
                    return say("minor %d has two owners", volume->minor.value);
            seen[count++] = volume->minor.value;
        }
    }
    for (int64_t number = 1000; number < 1100; number++) {
        bool is_seen = false;

        for (size_t i = 0; i < count; i++)
            is_seen = is_seen || seen[i] == number;
        if (!is_seen && number_pool_is_used(&model->minors, number))
            return say("minor %" PRId64 " is taken, and nobody has it", number);
    }
    return NULL;
}

/* Replicas that stay have every volume of their definition, with its size. */
static const char *compare_volumes(const struct resource_definition *definition, const struct resource *resource)
{
    child_for_each (volume_definition, wanted, &definition->object, KIND_VOLUME_DEFINITION) {
        const struct volume *volume = resource_find_volume(resource, wanted->number);

        if (object_has_flag(&wanted->object, VOLUME_DEFINITION_DELETE))
            continue;
        if (!volume || volume->flags & VOLUME_DELETE || volume->size_kib != wanted->size_kib)
            return say("resource %s on %s lacks volume %d, or has it with another size", definition->name,
                       resource_node(resource)->name, wanted->number);
    }
    return NULL;
}

static const char *check_model(const struct model *model)
{
    const char *found = recount_minors(model);

    model_for_each(node, node, model, KIND_NODE) if (!found) found = recount_pools(node);
    model_for_each(resource_definition, definition, model, KIND_RESOURCE_DEFINITION)
        child_for_each (resource, resource, &definition->object,
                        KIND_RESOURCE) if (!found && !object_has_flag(&resource->object, RESOURCE_DELETE)) found =
            compare_volumes(definition, resource);
    return found;
}

static const struct host *find_host(const struct node *node)
{
    for (int i = 1; i <= world.satellites; i++)
        if (text_equal_fold(world.hosts[i].name, node->name))
            return &world.hosts[i];
    return NULL;
}

/* What a satellite of this life has reported is on its machine, unless it is being removed. */
static const char *check_claim(const struct host *host, const struct resource *resource)
{
    const char *name = resource_definition_of(resource)->name;

    for (uint32_t i = 0; i < resource->fact->volumes.count; i++) {
        const struct volume_fact *fact = &resource->fact->volumes.at[i];
        const struct volume *volume = resource_find_volume(resource, fact->number);
        struct machine_file file;
        char path[128];

        if (!volume || volume->flags & VOLUME_DELETE || !fact->device_path)
            continue;
        snprintf(path, sizeof(path), MACHINE_POOLS "/%s/%s_%05d.img", volume->storage_pool, name, volume->number);
        if (!machine_find_file(host, path, &file) || !file.device || strcmp(file.device, fact->device_path) != 0)
            return say("the controller takes %s on %s for %s, which is not there", path, host->name, fact->device_path);
    }
    return NULL;
}

static const char *check_claims(const struct node *node)
{
    const struct host *host = find_host(node);
    const struct link_hello *hello = session_hello(node);
    const char *boot = host ? cluster_boot(host) : NULL, *found = NULL;

    if (!session_is_online(node) || !boot || !hello || !hello->boot || strcmp(hello->boot, boot) != 0)
        return NULL;
    child_for_each (resource, resource, &node->object, KIND_RESOURCE)
        if (!found && resource->fact && !object_has_flag(&resource->object, RESOURCE_DELETE))
            found = check_claim(host, resource);
    return found;
}

void check_always(void)
{
    const struct service *service = cluster_service();
    const char *found = service ? check_model(&service->model) : NULL;

    if (service)
        model_for_each(node, node, &service->model, KIND_NODE) if (!found) found = check_claims(node);
    if (!found && (found = http_find_forgotten(LONGEST_ANSWER_MS)))
        found = say("%s waits for ever", found);
    if (found)
        world_violation("%s", found);
}

/* Memory and store are the same. */
static const char *compare_records(const struct object *object, size_t *count)
{
    char path[OBJECT_PATH_SIZE];
    CLEANUP(buf_done) struct buf record = { 0 };
    const char *stored, *found = NULL;

    object_path(object, path);
    stored = store_sim_find(object->kind->name, path);
    model_encode_record(object, &record);
    if (!stored || strcmp(stored, buf_text(&record)) != 0)
        return say("%s %s is %.150s in memory and %.150s in the store", object->kind->name, path, buf_text(&record),
                   stored ? stored : "nothing");
    ++*count;
    for (int kind = 0; kind < KIND_COUNT; kind++)
        if (kinds[kind].parents[0] == object->kind->id)
            for (const struct object *child = object_first(object, (enum kind_id)kind); child && !found;
                 child = object_next(child, object))
                found = compare_records(child, count);
    return found;
}

static const char *compare_store(const struct model *model)
{
    size_t count = store_sim_find("journal", "generation") ? 1 : 0;
    const char *found = compare_records(model_root(model), &count);

    if (!found && count != store_sim_count())
        found = say("the store has %zu records, and there are %zu objects", store_sim_count(), count);
    return found;
}

static const char *compare_clients(void)
{
    struct parts all = { .definitions = ~0U, .nodes = ~0U };
    struct reference actual;
    const char *found;

    reference_read(&actual, all);
    found = reference_compare(workload_reference(), &actual, all);
    for (int i = 0; i < DEFINITIONS && !found; i++) {
        if (actual.definitions[i].at == LEAVING)
            found = say("definition %s does not go", definition_name(i));
        for (int number = 0; number < VOLUMES && !found; number++)
            if (actual.definitions[i].volumes[number].at == LEAVING)
                found = say("volume %d of definition %s does not go", number, definition_name(i));
        for (int node = 1; node <= world.satellites && !found; node++)
            if (actual.definitions[i].resources[node].at == LEAVING)
                found = say("resource %s on %s does not go", definition_name(i), world.hosts[node].name);
    }
    for (int i = 1; i <= world.satellites && !found; i++)
        if (actual.nodes[i].at == LEAVING)
            found = say("node %s does not go", world.hosts[i].name);
    return found;
}

static const char *check_node(const struct node *node)
{
    if (!session_is_online(node))
        return say("node %s is %s: %s", node->name, session_status(node), session_last_error(node));
    child_for_each (storage_pool, pool, &node->object, KIND_STORAGE_POOL) {
        if (!pool->fact || !pool->fact->applied || pool->fact->trouble)
            return say("pool %s of %s is not ready: %s", storage_pool_name(pool), node->name,
                       pool->fact && pool->fact->trouble ? pool->fact->trouble->message : "no report");
    }
    return NULL;
}

static const struct volume_fact *find_fact(const struct resource *resource, int32_t number)
{
    for (uint32_t i = 0; i < resource->fact->volumes.count; i++)
        if (resource->fact->volumes.at[i].number == number)
            return &resource->fact->volumes.at[i];
    return NULL;
}

static const char *check_volume(const struct host *host, const struct resource *resource, const struct volume *volume)
{
    const char *name = resource_definition_of(resource)->name;
    const struct volume_fact *fact = find_fact(resource, volume->number);
    bool may_be_larger = workload_may_be_orphan(definition_by_name(name), host->index);
    struct machine_file file;
    char path[128];

    snprintf(path, sizeof(path), MACHINE_POOLS "/%s/%s_%05d.img", volume->storage_pool, name, volume->number);
    if (!machine_find_file(host, path, &file))
        return say("%s is not on %s", path, host->name);
    if (!file.device || file.device_kib != file.size_kib)
        return say("%s on %s has %" PRId64 " KiB, and its device %s %" PRId64, path, host->name, file.size_kib,
                   file.device ? file.device : "(none)", file.device_kib);
    if (file.size_kib < volume->size_kib || (file.size_kib > volume->size_kib && !may_be_larger))
        return say("%s on %s has %" PRId64 " KiB instead of %" PRId64, path, host->name, file.size_kib,
                   volume->size_kib);
    if (strcmp(volume->storage_pool, "thick") == 0 && file.allocated_kib < volume->size_kib)
        return say("%s on %s is not allocated", path, host->name);
    if (!fact || !fact->device_path || strcmp(fact->device_path, file.device) != 0 ||
        fact->usable_kib != file.device_kib)
        return say("%s on %s was reported as %s with %" PRId64 " KiB, and is %s with %" PRId64, path, host->name,
                   fact && fact->device_path ? fact->device_path : "(none)", fact ? fact->usable_kib : 0, file.device,
                   file.device_kib);
    return NULL;
}

static const char *check_resource(const struct resource *resource)
{
    const struct resource_definition *definition = resource_definition_of(resource);
    const struct host *host = find_host(resource_node(resource));
    const char *found = NULL;
    uint32_t definitions = object_count(&definition->object, KIND_VOLUME_DEFINITION);

    if (!host || !resource->fact || !resource->fact->applied || resource->fact->trouble)
        return say("resource %s on %s is not applied: %s", definition->name, resource_node(resource)->name,
                   resource->fact && resource->fact->trouble ? resource->fact->trouble->message : "no report");
    if (resource->create_timestamp_ms == 0)
        return say("resource %s on %s has no time of creation", definition->name, host->name);
    if (resource->volumes.count != definitions)
        return say("resource %s on %s has %u volumes, its definition %u", definition->name, host->name,
                   resource->volumes.count, definitions);
    for (uint32_t i = 0; i < resource->volumes.count && !found; i++)
        found = check_volume(host, resource, &resource->volumes.at[i]);
    return found;
}

static const char *check_definition(const struct resource_definition *definition)
{
    const char *found = NULL;

    child_for_each (volume_definition, volume, &definition->object, KIND_VOLUME_DEFINITION)
        if (object_has_flag(&volume->object, VOLUME_DEFINITION_RESIZE))
            return say("volume %d of %s is still being resized", volume->number, definition->name);
    child_for_each (resource, resource, &definition->object, KIND_RESOURCE)
        if (!found)
            found = check_resource(resource);
    return found;
}

/* A file that belongs to no volume: allowed where nobody could remove it, and then it is reported. */
static const char *check_orphan(const struct model *model, const struct host *host, const struct machine_file *file,
                                const char *definition_text)
{
    const struct node *node = model_find_node(model, host->name);
    char pool[NAME_SIZE] = "", identifier[NAME_SIZE] = "";

    if (sscanf(file->path, MACHINE_POOLS "/%20[a-z]/%20[a-z0-9_].img", pool, identifier) != 2 ||
        !workload_may_be_orphan(definition_by_name(definition_text), host->index))
        return say("%s is left over on %s", file->path, host->name);
    if (node && model_find_pool(node, pool) && !session_find_orphan(node, pool, identifier))
        return say("%s is left over on %s, and not reported as an orphan", file->path, host->name);
    return NULL;
}

static const char *check_left_over(const struct model *model, const struct host *host)
{
    struct machine_file file = { 0 };
    const char *found = NULL;
    int devices = 0;

    while (!found && machine_next_file(host, file.path, &file)) {
        const char *name = strrchr(file.path, '/') + 1, *underscore = strrchr(name, '_');
        char definition_text[NAME_SIZE];
        const struct resource_definition *definition;
        const struct resource *resource;

        snprintf(definition_text, sizeof(definition_text), "%.*s", (int)(underscore - name), name);
        devices += file.device != NULL;
        definition = model_find_definition(model, definition_text);
        resource = definition ? model_find_resource(definition, host->name) : NULL;
        if (!resource || !resource_find_volume(resource, (int32_t)strtol(underscore + 1, NULL, 10)))
            found = check_orphan(model, host, &file, definition_text);
    }
    if (!found && devices != machine_count_devices(host))
        return say("%s has %d loop devices for %d files", host->name, machine_count_devices(host), devices);
    return found;
}

const char *check_settled(bool with_clients)
{
    const struct service *service = cluster_service();
    const char *found = NULL;

    if (!service || !cluster_journal_is_idle() || !workload_is_over())
        return say("requests are on their way, or no controller is running");
    if (!STAILQ_EMPTY(&service->undurable) || !STAILQ_EMPTY(&service->settling) || http_count_open() > 0)
        return say("a request is parked though nobody waits");
    found = check_model(&service->model);
    if (!found)
        found = compare_store(&service->model);
    if (!found && with_clients)
        found = compare_clients();
    model_for_each(node, node, &service->model, KIND_NODE) if (!found) found = check_node(node);
    model_for_each(resource_definition, definition, &service->model, KIND_RESOURCE_DEFINITION) if (!found) found =
        check_definition(definition);
    for (int i = 1; i <= world.satellites && !found; i++)
        found = check_left_over(&service->model, &world.hosts[i]);
    return found;
}
