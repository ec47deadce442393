/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/controller/nvme.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "model/layer.h"
#include "model/prop.h"
#include "roles/controller/session.h"

enum { USUAL_PORT = 4420 };

static bool has_layer(const struct resource *resource)
{
    return text_list_has_fold(&resource->layers, layer_kind_name(LAYER_NVME));
}

bool nvme_is_initiator(const struct resource *resource)
{
    return has_layer(resource) && object_has_flag(&resource->object, RESOURCE_NVME_INITIATOR);
}

bool nvme_concerns(const struct resource *resource)
{
    return has_layer(resource);
}

const struct resource *nvme_find_target(const struct resource_definition *definition)
{
    child_for_each (resource, resource, &definition->object, KIND_RESOURCE)
        if (has_layer(resource) && !nvme_is_initiator(resource))
            return resource;
    return NULL;
}

static bool has_initiator(const struct resource_definition *definition)
{
    child_for_each (resource, resource, &definition->object, KIND_RESOURCE)
        if (nvme_is_initiator(resource))
            return true;
    return false;
}

static bool initiator_has_volume(const struct resource_definition *definition, int32_t number)
{
    child_for_each (resource, resource, &definition->object, KIND_RESOURCE)
        if (nvme_is_initiator(resource) && resource_find_volume(resource, number))
            return true;
    return false;
}

/* LINSTOR: the preferred interface of the target's node, else its first one. */
static const char *address_of(const struct service *service, const struct resource *target)
{
    const struct node *node = resource_node(target);
    int32_t number = target->volumes.count > 0 ? target->volumes.at[0].number : 0;
    struct prop_scope scope = prop_scope_of_resource(&service->model, target, number);
    const struct net_interface *interface;
    const char *wanted;

    if (target->volumes.count > 0 && target->volumes.at[0].storage_pool)
        scope.at[LEVEL_STORAGE_POOL] = (const struct object *)model_find_pool(node, target->volumes.at[0].storage_pool);
    wanted = prop_find(ORDER_NVME_NIC, &scope, "NVMe/PrefNic").value;
    interface = wanted ? model_find_net_interface(node, wanted) : NULL;
    if (!interface)
        interface = session_interface(node);
    return interface ? interface->address : "";
}

static void add_hosts(const struct resource *resource, struct nvme_want *nvme, struct arena *arena)
{
    if (nvme->is_initiator) {
        text_list_add(&nvme->hosts, resource_node(resource)->name, arena);
        return;
    }
    child_for_each (resource, other, &resource_definition_of(resource)->object, KIND_RESOURCE)
        if (nvme_is_initiator(other))
            text_list_add(&nvme->hosts, resource_node(other)->name, arena);
}

void nvme_build(const struct service *service, const struct resource *resource, struct resource_want *want,
                struct arena *arena)
{
    const struct resource_definition *definition = resource_definition_of(resource);
    const struct resource *target = nvme_find_target(definition);
    struct prop_scope scope = prop_scope_of_resource(&service->model, resource, 0);
    const char *transport = prop_find(ORDER_NVME, &scope, "NVMe/TRType").value;
    const char *port = prop_find(ORDER_NVME, &scope, "NVMe/Port").value;
    int64_t number;

    want->nvme = arena_alloc(arena, sizeof(*want->nvme));
    want->nvme->is_initiator = nvme_is_initiator(resource);
    want->nvme->transport = arena_strdup(arena, transport ? transport : "rdma"); /* LINSTOR: so unless it is said */
    want->nvme->port = port && text_parse_i64(port, 1, 65535, &number) ? (int32_t)number : USUAL_PORT;
    want->nvme->address = arena_strdup(arena, target ? address_of(service, target) : "");
    add_hosts(resource, want->nvme, arena);
    if (want->nvme->is_initiator)
        return;
    want->remove = want->remove && !has_initiator(definition);
    for (uint32_t i = 0; i < want->volumes.count; i++)
        if (initiator_has_volume(definition, want->volumes.at[i].number))
            want->volumes.at[i].remove = false;
}

uint64_t nvme_generation(const struct resource *resource)
{
    uint64_t generation = resource->object.generation;

    child_for_each (resource, other, &resource_definition_of(resource)->object, KIND_RESOURCE)
        if (has_layer(other) && other->object.generation > generation)
            generation = other->object.generation;
    return generation;
}

static bool is_applied(const struct resource *target)
{
    return target->dirty_slot == 0 && target->fact && target->fact->applied && target->want_generation > 0 &&
           (uint64_t)target->fact->generation >= target->want_generation;
}

bool nvme_must_wait(const struct resource *resource)
{
    const struct resource *target;

    if (!nvme_is_initiator(resource) || object_has_flag(&resource->object, RESOURCE_DELETE) ||
        resource->want_generation > 0 || resource->create_timestamp_ms > 0)
        return false;
    target = nvme_find_target(resource_definition_of(resource));
    return !target || !is_applied(target);
}

/* 0: not known. */
static int64_t usable_kib(const struct resource *resource, int32_t number)
{
    const struct resource_fact *fact = resource ? resource->fact : NULL;

    for (uint32_t i = 0; fact && i < fact->volumes.count; i++)
        if (fact->volumes.at[i].number == number)
            return fact->volumes.at[i].usable_kib;
    return 0;
}

bool nvme_has_less(const struct resource *resource)
{
    if (!nvme_is_initiator(resource))
        return false;
    for (uint32_t i = 0; i < resource->volumes.count; i++) {
        int64_t own_kib = usable_kib(resource, resource->volumes.at[i].number);

        if (own_kib > 0 && own_kib < resource->volumes.at[i].size_kib)
            return true;
    }
    return false;
}

/* By what the target told of its volume last; when nobody has told, it may be. */
static bool is_behind(const struct resource *target, int32_t number)
{
    const struct volume *volume = target ? resource_find_volume(target, number) : NULL;

    return !target || (volume && usable_kib(target, number) < volume->size_kib);
}

bool nvme_is_behind(const struct resource *initiator)
{
    const struct resource *target = nvme_find_target(resource_definition_of(initiator));

    for (uint32_t i = 0; i < initiator->volumes.count; i++)
        if (is_behind(target, initiator->volumes.at[i].number))
            return true;
    return false;
}

bool nvme_is_unknown(const struct resource *resource)
{
    const struct resource *target;

    if (!nvme_is_initiator(resource) || resource->fact || object_has_flag(&resource->object, RESOURCE_DELETE))
        return false;
    target = nvme_find_target(resource_definition_of(resource));
    for (uint32_t i = 0; i < resource->volumes.count; i++) {
        int32_t number = resource->volumes.at[i].number;

        if (resource->volumes.at[i].is_deployed && is_behind(target, number) && usable_kib(target, number) == 0)
            return true;
    }
    return false;
}

/* What lies above NVME takes a part of what the target gives, so that is only second best. */
void nvme_hold_back(const struct resource *initiator, struct resource_want *want)
{
    const struct resource *target = nvme_find_target(resource_definition_of(initiator));

    for (uint32_t i = 0; i < want->volumes.count; i++) {
        struct volume_want *volume = &want->volumes.at[i];
        int64_t has_kib = usable_kib(initiator, volume->number);

        if (!is_behind(target, volume->number))
            continue;
        if (has_kib == 0)
            has_kib = usable_kib(target, volume->number);
        if (has_kib > 0 && has_kib < volume->size_kib)
            volume->size_kib = has_kib;
    }
}

bool nvme_is_used(const struct resource *resource)
{
    return has_layer(resource) && !nvme_is_initiator(resource) && has_initiator(resource_definition_of(resource));
}

bool nvme_is_stuck(const struct resource *resource)
{
    if (!has_layer(resource) || nvme_is_initiator(resource) || !object_has_flag(&resource->object, RESOURCE_DELETE))
        return false;
    child_for_each (resource, other, &resource_definition_of(resource)->object, KIND_RESOURCE)
        if (nvme_is_initiator(other) && other->fact && other->fact->trouble)
            return true;
    return false;
}

struct text_list nvme_own_layers(const struct text_list *layers, uint64_t flags)
{
    bool is_initiator = (flags & RESOURCE_NVME_INITIATOR) == RESOURCE_NVME_INITIATOR;
    struct text_list own = *layers;

    for (uint32_t i = 0; i < layers->count; i++) {
        if (!text_equal_fold(layers->at[i], layer_kind_name(LAYER_NVME)))
            continue;
        if (is_initiator)
            own.count = i + 1;
        else
            own = (struct text_list){ .at = layers->at + i, .count = layers->count - i };
    }
    return own;
}

int nvme_check_new(struct request *q, const struct resource_definition *definition, const struct text_list *layers,
                   uint64_t flags)
{
    bool has_nvme = text_list_has_fold(layers, layer_kind_name(LAYER_NVME));
    bool is_initiator = (flags & RESOURCE_NVME_INITIATOR) == RESOURCE_NVME_INITIATOR;
    const struct resource *target = nvme_find_target(definition);

    if (is_initiator && !has_nvme)
        return rc_add(&q->rc, FAIL_INVLD_LAYER_STACK,
                      .message = "An NVMe initiator needs a layer stack that contains NVME.",
                      .correction = "Leave out the flag, or choose other layers.");
    if (!has_nvme || text_list_has_fold(layers, layer_kind_name(LAYER_DRBD)))
        return 0;
    if (!is_initiator && target)
        return rc_add(&q->rc, FAIL_EXISTS_NVME_TARGET_PER_RSC_DFN,
                      .message = rc_text(&q->rc, "Resource definition '%s' has an NVMe target already, on node '%s'.",
                                         definition->name, resource_node(target)->name),
                      .cause = "What is written on one target would not be there on the other.",
                      .correction = "Create an initiator (--nvme-initiator) on the node that needs the volumes.");
    if (is_initiator && !target)
        return rc_add(&q->rc, FAIL_MISSING_NVME_TARGET,
                      .message = rc_text(&q->rc, "Resource definition '%s' has no NVMe target.", definition->name),
                      .correction = "Create the resource on the node with the storage first.");
    if (is_initiator && has_initiator(definition))
        return rc_add(&q->rc, FAIL_EXISTS_NVME_INITIATOR_PER_RSC_DFN,
                      .message =
                          rc_text(&q->rc, "Resource definition '%s' has an NVMe initiator already.", definition->name),
                      .correction = "Delete that one first.");
    return 0;
}
