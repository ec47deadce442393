/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is not durable is not wanted: a satellite that connects while a deletion is being written must not hear of it,
 * because the deletion may yet be undone. What was left out then is sent by the turn.
 *
 * A want is a function of the stored resource (or pool) alone; what it inherits is resolved here. Its digest tells
 * whether the satellite has to hear of a change at all, also after a restart of the controller: the satellite returns
 * the digests of what it holds. One thing depends on facts: an initiator of NVMe is told of a growth when its target
 * has grown, which may be long after, when the target's node is back.
 */
#include "roles/controller/wants.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/obeyed.h"
#include "model/runtime.h"
#include "roles/controller/finish.h"
#include "roles/controller/note.h"
#include "roles/controller/nvme.h"
#include "roles/controller/request.h"
#include "roles/controller/session.h"

/* Members that the digest does not cover, at most. */
enum { DIGEST_BYTES = 64 };

static void mark(struct service *service, const struct resource *resource, uint64_t generation)
{
    uint32_t slot = resource->dirty_slot;

    if (slot == 0) {
        if (service->dirty_count == service->dirty_room) {
            service->dirty_room = service->dirty_room ? service->dirty_room * 2 : 64;
            service->dirty = memory_resize(service->dirty, service->dirty_room * sizeof(service->dirty[0]));
        }
        service->dirty[service->dirty_count++] = resource;
        slot = service->dirty_count;
    }
    runtime_set_dirty(resource, slot, generation);
}

static void unmark(struct service *service, const struct resource *resource)
{
    if (resource->dirty_slot == 0)
        return;
    service->dirty[resource->dirty_slot - 1] = NULL;
    runtime_set_dirty(resource, 0, 0);
}

/* When a resource was first whole is nothing to the satellite; marking it dirty for that would keep the request that
 * waits for the resource waiting for one more sync. */
static bool concerns_satellite(const struct change *change)
{
    struct resource probe;

    if (change->kind != CHANGE_EDIT)
        return true;
    probe = *(const struct resource *)change->image;
    probe.create_timestamp_ms = ((const struct resource *)change->object)->create_timestamp_ms;
    return !field_equal(change->object->kind->schema, &probe, change->object, FIELD_STORE);
}

static void note_pool(struct notes *notes, const struct storage_pool *pool, uint64_t generation)
{
    *LIST_ADD(&notes->list, &notes->arena) = (struct note){
        .node = arena_strdup(&notes->arena, storage_pool_node(pool)->name),
        .pool = arena_strdup(&notes->arena, storage_pool_name(pool)),
        .generation = generation,
    };
}

static void mark_resources_of(struct service *service, const struct object *object, uint64_t generation)
{
    child_for_each (resource, resource, object, KIND_RESOURCE)
        mark(service, resource, generation);
}

/* Of both ends of NVMe each is told of the other. */
static void mark_other_ends(struct service *service, const struct resource *resource, uint64_t generation)
{
    if (!nvme_concerns(resource))
        return;
    child_for_each (resource, other, resource->object.parent[0], KIND_RESOURCE)
        if (other != resource && nvme_concerns(other))
            mark(service, other, generation);
}

/* The address of a target is one of its node's, and its initiators are told it. */
static void mark_nvme_of(struct service *service, const struct object *node, uint64_t generation)
{
    child_for_each (resource, resource, node, KIND_RESOURCE) {
        if (!nvme_concerns(resource))
            continue;
        mark(service, resource, generation);
        mark_other_ends(service, resource, generation);
    }
}

/* Whose wants hold values of this object's properties. */
static void mark_heirs(struct service *service, const struct object *object, uint64_t generation)
{
    enum kind_id kind = object->kind->id;

    if (kind == KIND_RESOURCE_DEFINITION || kind == KIND_NODE)
        mark_resources_of(service, object, generation);
    else if (kind == KIND_VOLUME_DEFINITION || kind == KIND_STORAGE_POOL)
        mark_resources_of(service, object->parent[0], generation);
    else if (kind == KIND_RESOURCE_GROUP || kind == KIND_VOLUME_GROUP)
        child_for_each (resource_definition, definition, kind == KIND_VOLUME_GROUP ? object->parent[0] : object,
                        KIND_RESOURCE_DEFINITION)
            mark_resources_of(service, &definition->object, generation);
    else if (kind == KIND_CONTROLLER)
        model_for_each(node, node, &service->model, KIND_NODE) mark_resources_of(service, &node->object, generation);
    if (kind == KIND_STORAGE_POOL)
        mark_nvme_of(service, object->parent[0], generation);
}

static const struct text_map *props_of(const struct object *object)
{
    return object->kind->id == KIND_CONTROLLER ? &((const struct controller *)object)->satellite_props : &object->props;
}

void wants_note_change(struct service *service, const struct change *change, bool is_undo)
{
    const struct resource *resource = (const struct resource *)change->object;
    bool vanishes = change->kind == (is_undo ? CHANGE_NEW : CHANGE_DELETE);

    if (change->object->kind->id == KIND_STORAGE_POOL) {
        if (!vanishes)
            note_pool(&service->dirty_pools, (const struct storage_pool *)change->object, service->model.generation);
        if (is_undo && !vanishes)
            runtime_set_pool_want((const struct storage_pool *)change->object, 0, 0);
        if (vanishes && !is_undo)
            note_pool(&service->removed_pools, (const struct storage_pool *)change->object, service->model.generation);
    }
    if (change->kind == CHANGE_EDIT &&
        (change->old_second || obeyed_differ(props_of(change->image), props_of(change->object))))
        mark_heirs(service, change->object, is_undo ? 0 : service->model.generation);
    if (change->object->kind->id == KIND_NET_INTERFACE)
        mark_nvme_of(service, change->object->parent[0], is_undo ? 0 : service->model.generation);
    if (change->object->kind->id == KIND_NODE) /* its properties say which interface is the first one */
        mark_nvme_of(service, change->object, is_undo ? 0 : service->model.generation);
    if (change->object->kind->id != KIND_RESOURCE)
        return;
    if (vanishes)
        unmark(service, resource);
    else if (concerns_satellite(change) || (is_undo && resource->dirty_slot))
        mark(service, resource, is_undo ? 0 : service->model.generation);
    if (vanishes || concerns_satellite(change))
        mark_other_ends(service, resource, is_undo ? 0 : service->model.generation);
    if (service->current && !is_undo && (service->current->route->use & ROUTE_SETTLE))
        request_settle_resource(service->current, resource, change->kind == CHANGE_NEW, vanishes);
}

/* *bytes: of the want in a message. */
static uint64_t digest_of(const struct schema *schema, const void *want, size_t *bytes)
{
    struct buf text = { 0 };
    struct json_writer writer = { .out = &text };
    uint64_t digest;

    field_encode(schema, want, FIELD_LINK, &writer);
    digest = text_hash(TEXT_HASH_START, text.data, text.length);
    *bytes = text.length + DIGEST_BYTES;
    buf_done(&text);
    return digest;
}

/* Texts of the want are those of the model: it is sent before the turn ends. Its bytes in a message. */
static size_t build_resource(const struct service *service, const struct resource *resource, struct resource_want *want,
                             struct arena *arena)
{
    size_t bytes;

    *want = (struct resource_want){
        .resource = resource_definition_of(resource)->name,
        .uuid = resource->object.uuid,
        .layers = resource->layers,
        .remove = object_has_flag(&resource->object, RESOURCE_DELETE),
        .authority = resource->authority,
    };
    for (uint32_t i = 0; i < resource->volumes.count; i++) {
        const struct volume *volume = &resource->volumes.at[i];
        struct volume_want *wanted = LIST_ADD(&want->volumes, arena);

        wanted->number = volume->number;
        wanted->pool = volume->storage_pool;
        wanted->size_kib = volume->size_kib;
        wanted->remove = (volume->flags & VOLUME_DELETE) != 0;
        wanted->keys = volume->keys;
        obeyed_props_of_volume(&service->model, resource, volume, &wanted->props, arena);
        for (uint32_t s = 0; s < volume->sides.count; s++)
            *LIST_ADD(&wanted->sides, arena) =
                (struct side_want){ volume->sides.at[s].suffix, volume->sides.at[s].storage_pool };
    }
    if (nvme_concerns(resource))
        nvme_build(service, resource, want, arena);
    if (nvme_is_initiator(resource))
        nvme_hold_back(resource, want);
    want->digest = (int64_t)digest_of(&resource_want_schema, want, &bytes);
    want->generation = (int64_t)(nvme_concerns(resource) ? nvme_generation(resource) : resource->object.generation);
    /* Not part of the digest: a satellite that goes on running knows what it has made. */
    for (uint32_t i = 0; i < resource->volumes.count; i++) {
        want->volumes.at[i].must_exist = resource->volumes.at[i].is_deployed;
        want->volumes.at[i].must_be_new = !resource->volumes.at[i].is_deployed;
    }
    return bytes;
}

static size_t build_pool(const struct storage_pool *pool, struct pool_want *want, struct arena *arena)
{
    size_t bytes;

    *want = (struct pool_want){
        .pool = (char *)arena_strdup(arena, storage_pool_name(pool)),
        .uuid = pool->object.uuid,
        .provider = pool->provider,
    };
    for (uint32_t i = 0; i < pool->object.props.count; i++) {
        const char *key = pool->object.props.at[i].key;

        if (text_starts_with(key, "StorDriver/") &&
            (!text_starts_with(key, "StorDriver/internal/") || obeyed_by_pools_has(key)))
            text_map_set(&want->props, key, pool->object.props.at[i].value, arena);
    }
    want->digest = (int64_t)digest_of(&pool_want_schema, want, &bytes);
    want->generation = (int64_t)pool->object.generation;
    return bytes;
}

/* Wants for one node, sent when there are enough of them. */
struct outbox {
    const struct node *node;
    struct wants wants;
    struct arena arena;
    uint32_t items;
    size_t bytes;
    struct outbox *next;
};

static void flush(struct outbox *outbox)
{
    if (outbox->items > 0 || outbox->wants.complete)
        session_send_wants(outbox->node, &outbox->wants);
    outbox->wants = (struct wants){ 0 };
    arena_reset(&outbox->arena);
    outbox->items = 0;
    outbox->bytes = 0;
}

/* Of an item that was just added. */
static void count_item(struct outbox *outbox, size_t bytes)
{
    outbox->items++;
    outbox->bytes += bytes;
    if (outbox->items >= MESSAGE_ITEMS || outbox->bytes >= MESSAGE_BYTES)
        flush(outbox);
}

/* The satellite is not told; it keeps what it was told before. */
static void refuse(const struct node *node, const char *kind, const char *name, size_t bytes, struct trouble *trouble,
                   struct arena *arena)
{
    trouble->message = arena_printf(arena, "%s '%s' cannot be sent to node '%s'.", kind, name, node->name);
    trouble->cause =
        arena_printf(arena, "What the satellite must be told of it takes %zu bytes in a message, and %d are possible.",
                     bytes, ITEM_BYTES);
    trouble->correction = arena_strdup(arena, "Spread it over several, or give it fewer or shorter properties.");
}

static void refuse_resource(struct service *service, const struct resource *resource, const struct resource_want *want,
                            size_t bytes, struct arena *arena)
{
    struct resource_fact fact = resource->fact ? *resource->fact : (struct resource_fact){ 0 };
    struct trouble trouble = { 0 };

    refuse(resource_node(resource), "Resource", want->resource, bytes, &trouble, arena);
    fact.resource = want->resource;
    fact.uuid = want->uuid;
    fact.generation = want->generation;
    fact.applied = false;
    fact.trouble = &trouble;
    note_resource_fact(service, resource_node(resource), &fact);
}

static void refuse_pool(struct service *service, const struct storage_pool *pool, const struct pool_want *want,
                        size_t bytes, struct arena *arena)
{
    struct pool_fact fact = pool->fact ? *pool->fact : (struct pool_fact){ 0 };
    struct trouble trouble = { 0 };

    refuse(storage_pool_node(pool), "Storage pool", want->pool, bytes, &trouble, arena);
    fact.pool = want->pool;
    fact.uuid = want->uuid;
    fact.generation = want->generation;
    fact.applied = false;
    fact.trouble = &trouble;
    note_pool_fact(service, storage_pool_node(pool), &fact);
}

static struct outbox *outbox_for(struct outbox **all, const struct node *node)
{
    struct outbox **place = session_outbox(node), *outbox = *place;

    if (outbox)
        return outbox;
    outbox = *place = memory_alloc(sizeof(*outbox));
    outbox->node = node;
    outbox->next = *all;
    *all = outbox;
    return outbox;
}

static void add_resource(struct service *service, struct outbox *outbox, const struct resource *resource)
{
    struct resource_want want;
    size_t bytes = build_resource(service, resource, &want, &outbox->arena);

    if (resource->want_generation > 0 && resource->want_digest == (uint64_t)want.digest)
        return;
    runtime_set_resource_want(resource, (uint64_t)want.generation, (uint64_t)want.digest);
    if (bytes > ITEM_BYTES) {
        refuse_resource(service, resource, &want, bytes, &outbox->arena);
        return;
    }
    for (uint32_t i = 0; i < want.volumes.count; i++)
        if (want.volumes.at[i].keys.count > 0)
            session_send_key(outbox->node);
    *LIST_ADD(&outbox->wants.resources, &outbox->arena) = want;
    count_item(outbox, bytes);
}

static void add_pool(struct service *service, struct outbox *outbox, const struct storage_pool *pool)
{
    struct pool_want want;
    size_t bytes = build_pool(pool, &want, &outbox->arena);

    if (pool->want_generation > 0 && pool->want_digest == (uint64_t)want.digest)
        return;
    runtime_set_pool_want(pool, (uint64_t)want.generation, (uint64_t)want.digest);
    if (bytes > ITEM_BYTES) {
        refuse_pool(service, pool, &want, bytes, &outbox->arena);
        return;
    }
    *LIST_ADD(&outbox->wants.pools, &outbox->arena) = want;
    count_item(outbox, bytes);
}

/* A pool that is there (again) is none to forget, whatever became of the transaction that deleted it. */
static void add_removed_pools(struct service *service, uint64_t durable, struct outbox **all)
{
    for (uint32_t i = 0; i < service->removed_pools.list.count; i++) {
        const struct note *removed = &service->removed_pools.list.at[i];
        const struct node *node = model_find_node(&service->model, removed->node);
        struct outbox *outbox;
        struct pool_want *want;

        if (removed->generation > durable)
            return; /* this one and those after it wait */
        if (!node || !session_is_synchronised(node) || model_find_pool(node, removed->pool))
            continue;
        outbox = outbox_for(all, node);
        want = LIST_ADD(&outbox->wants.pools, &outbox->arena);
        want->pool = arena_strdup(&outbox->arena, removed->pool);
        want->remove = true;
        count_item(outbox, strlen(want->pool));
    }
    arena_done(&service->removed_pools.arena);
    service->removed_pools = (struct notes){ 0 };
}

void wants_note_fact(struct service *service, const struct resource *resource)
{
    if (!nvme_concerns(resource))
        return;
    child_for_each (resource, other, resource->object.parent[0], KIND_RESOURCE)
        if (other->want_generation > 0 && nvme_has_less(other))
            mark(service, other, other->dirty_slot ? other->dirty_generation : other->object.generation);
}

/* Those whose change is not durable yet stay dirty. */
static void add_dirty_pools(struct service *service, uint64_t durable, struct outbox **all)
{
    struct notes dirty = service->dirty_pools;

    service->dirty_pools = (struct notes){ 0 };
    for (uint32_t i = 0; i < dirty.list.count; i++) {
        const struct node *node = model_find_node(&service->model, dirty.list.at[i].node);
        const struct storage_pool *pool = node ? model_find_pool(node, dirty.list.at[i].pool) : NULL;

        if (!pool || !session_is_synchronised(node))
            continue;
        if (pool->object.generation > durable)
            note_pool(&service->dirty_pools, pool, pool->object.generation);
        else if (pool->object.generation > pool->want_generation)
            add_pool(service, outbox_for(all, node), pool);
    }
    arena_done(&dirty.arena);
}

/* An initiator, for what is not known of its target yet. */
static bool must_wait(const struct resource *resource)
{
    return nvme_must_wait(resource) || nvme_is_unknown(resource);
}

/* An initiator that stood before its target in the list. */
static void look_again(struct service *service, uint64_t durable)
{
    for (uint32_t i = 0; i < service->dirty_count; i++)
        if (nvme_is_initiator(service->dirty[i]) && service->dirty[i]->dirty_generation <= durable &&
            !must_wait(service->dirty[i]))
            loop_mark_dirty(service->loop);
}

void wants_turn(struct service *service)
{
    uint64_t durable = journal_durable(service->journal);
    struct outbox *all = NULL;
    uint32_t kept = 0, resources = service->dirty_count, pools = service->dirty_pools.list.count;

    if (service->removed_pools.list.count > 0)
        add_removed_pools(service, durable, &all);
    if (service->dirty_pools.list.count > 0)
        add_dirty_pools(service, durable, &all);
    for (uint32_t i = 0; i < service->dirty_count; i++) {
        const struct resource *resource = service->dirty[i];

        if (!resource)
            continue;
        if (resource->dirty_generation > durable || must_wait(resource)) {
            service->dirty[kept++] = resource;
            runtime_set_dirty(resource, kept, resource->dirty_generation);
            continue;
        }
        runtime_set_dirty(resource, 0, 0);
        if (session_is_synchronised(resource_node(resource)))
            add_resource(service, outbox_for(&all, resource_node(resource)), resource);
        finish_note(service, resource); /* a report that came while it was dirty said nothing */
    }
    service->dirty_count = kept;
    /* Not for those that stay: an initiator may wait for its target through many turns. */
    service->has_news |= kept < resources || service->dirty_pools.list.count < pools;
    look_again(service, durable);
    while (all) {
        struct outbox *outbox = all;

        all = outbox->next;
        *session_outbox(outbox->node) = NULL;
        flush(outbox);
        arena_done(&outbox->arena);
        free(outbox);
    }
}

static const struct held_item *find_held(const struct held_item *items, uint32_t count, const char *name)
{
    uint32_t low = 0, high = count;

    /* sorted by wants_synchronise */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(items[middle].name, name);

        if (order == 0)
            return &items[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct held_item *)a)->name, ((const struct held_item *)b)->name);
}

/* True when the satellite holds just this want already; its generation is then what reports will speak of. */
static bool is_held(const struct held_item *item, const char *uuid, int64_t digest)
{
    return item && item->generation >= 0 && item->digest == digest && item->uuid && strcmp(item->uuid, uuid) == 0;
}

bool wants_are_unreadable(const struct model *model, enum kind_id kind, const char *parent, const char *name)
{
    char parent_key[OBJECT_KEY_SIZE], key[OBJECT_KEY_SIZE], path[OBJECT_PATH_SIZE + 1];

    if (!model_key(parent, parent_key) || !model_key(name, key))
        return false;
    snprintf(path, sizeof(path), "%s/%s", parent_key, key);
    return model_find_unreadable(model, kind, path) != NULL;
}

void wants_synchronise(struct service *service, const struct node *node, const struct held *held)
{
    uint64_t durable = journal_durable(service->journal);
    struct outbox outbox = { .node = node };
    struct arena scratch = { 0 };

    if (held->pools.count > 0)
        qsort(held->pools.at, held->pools.count, sizeof(held->pools.at[0]), by_name);
    if (held->resources.count > 0)
        qsort(held->resources.at, held->resources.count, sizeof(held->resources.at[0]), by_name);
    child_for_each (storage_pool, pool, &node->object, KIND_STORAGE_POOL) {
        const struct held_item *item = find_held(held->pools.at, held->pools.count, storage_pool_name(pool));
        struct pool_want want;

        if (pool->object.generation > durable) {
            runtime_set_pool_want(pool, 0, 0);
            note_pool(&service->dirty_pools, pool, pool->object.generation);
            continue;
        }
        build_pool(pool, &want, &outbox.arena);
        if (is_held(item, pool->object.uuid, want.digest)) {
            runtime_set_pool_want(pool, (uint64_t)item->generation, (uint64_t)want.digest);
            continue;
        }
        runtime_set_pool_want(pool, 0, 0);
        add_pool(service, &outbox, pool);
    }
    for (uint32_t i = 0; i < held->pools.count; i++) {
        if (!model_find_pool(node, held->pools.at[i].name) &&
            !wants_are_unreadable(&service->model, KIND_STORAGE_POOL, node->name, held->pools.at[i].name)) {
            struct pool_want *want = LIST_ADD(&outbox.wants.pools, &outbox.arena);

            want->pool = held->pools.at[i].name;
            want->remove = true;
            count_item(&outbox, strlen(want->pool));
        }
    }
    flush(&outbox);
    child_for_each (resource, resource, &node->object, KIND_RESOURCE) {
        const struct held_item *item =
            find_held(held->resources.at, held->resources.count, resource_definition_of(resource)->name);
        struct resource_want want;

        /* What it reported before it forgot says nothing of its devices now. */
        if (!item)
            runtime_set_resource_fact(resource, NULL);
        if (resource->object.generation > durable || (!item && nvme_must_wait(resource))) {
            runtime_set_resource_want(resource, 0, 0);
            mark(service, resource, resource->object.generation);
            continue;
        }
        build_resource(service, resource, &want, &scratch);
        if (is_held(item, resource->object.uuid, want.digest)) {
            runtime_set_resource_want(resource, (uint64_t)item->generation, (uint64_t)want.digest);
        } else if (item && nvme_is_unknown(resource)) {
            runtime_set_resource_want(resource, 0, 0);
            mark(service, resource, resource->object.generation);
        } else {
            runtime_set_resource_fact(resource, NULL);
            runtime_set_resource_want(resource, 0, 0);
            add_resource(service, &outbox, resource);
        }
        arena_reset(&scratch);
    }
    for (uint32_t i = 0; i < held->resources.count; i++) {
        const struct resource_definition *definition =
            model_find_definition(&service->model, held->resources.at[i].name);

        if (!(definition && model_find_resource(definition, node->name)) &&
            !wants_are_unreadable(&service->model, KIND_RESOURCE, held->resources.at[i].name, node->name)) {
            text_list_add(&outbox.wants.forget, held->resources.at[i].name, &outbox.arena);
            count_item(&outbox, strlen(held->resources.at[i].name));
        }
    }
    outbox.wants.complete = true;
    flush(&outbox);
    arena_done(&outbox.arena);
    arena_done(&scratch);
}
