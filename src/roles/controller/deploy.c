/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/controller/deploy.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "model/prop.h"
#include "roles/controller/nvme.h"
#include "roles/controller/props.h"
#include "roles/controller/rest_definition.h"
#include "roles/controller/session.h"
#include "roles/controller/vault.h"

#define POOL_KEY     "StorPoolName"
#define DEFAULT_POOL "DfltStorPool"
#define QUORUM_KEY   "DrbdOptions/Resource/quorum"

/* The pool in which another replica of the volume lies; NULL when there is none. */
static const char *pool_of_peers(const struct resource_definition *definition, int32_t number)
{
    child_for_each (resource, resource, &definition->object, KIND_RESOURCE) {
        const struct volume *volume = resource_find_volume(resource, number);

        if (volume && !object_has_flag(&resource->object, RESOURCE_DISKLESS))
            return volume->storage_pool;
    }
    return NULL;
}

/* Where properties say, else where the other replicas lie. */
static const char *find_pool_name(struct request *q, const struct resource *resource,
                                  const struct volume_definition *volume)
{
    struct prop_scope scope = prop_scope_of_resource(q->model, resource, volume->number);
    const char *name = prop_find(ORDER_STORAGE_POOL_NAME, &scope, POOL_KEY).value;

    if (!name)
        name = pool_of_peers(resource_definition_of(resource), volume->number);
    return name ? name : DEFAULT_POOL;
}

/*
 * What a pool has for more, as far as is known: what its satellite told last, less what this request has taken already.
 * What sides take is decided by their satellites, and small.
 */
static int64_t room_of(const struct request *q, const struct storage_pool *pool)
{
    enum provider_kind provider;
    int64_t room_kib;

    if (!provider_kind_parse(pool->provider, &provider) || provider_can(provider, PROVIDER_THIN) || !pool->fact ||
        !pool->fact->free_kib.has)
        return INT64_MAX;
    room_kib = pool->fact->free_kib.value;
    for (uint32_t i = 0; i < q->taken.count && room_kib >= 0; i++)
        if (q->taken.at[i].pool == pool)
            room_kib -= q->taken.at[i].kib;
    return room_kib;
}

/* False: it has less. */
static bool take_room(struct request *q, const struct storage_pool *pool, int64_t kib)
{
    if (room_of(q, pool) < kib)
        return false;
    *LIST_ADD(&q->taken, &q->arena) = (struct room_taken){ pool, kib };
    return true;
}

/* "Storage pool 'p' on node 'n' has 7 KiB free", of which this request may have taken some */
static const char *say_room(struct request *q, const struct storage_pool *pool)
{
    int64_t told_kib = pool->fact->free_kib.value, room_kib = room_of(q, pool);
    const char *text = rc_text(&q->rc, "Storage pool '%s' on node '%s' has %" PRId64 " KiB free",
                               storage_pool_name(pool), storage_pool_node(pool)->name, told_kib);

    if (room_kib == told_kib)
        return text;
    return rc_text(&q->rc, "%s, of which other volumes of the request take %" PRId64 " KiB", text, told_kib - room_kib);
}

/* Of layers that need further volumes, such as caches; their pools are named by properties. */
static int deploy_sides(struct request *q, const struct resource *resource, struct volume *volume)
{
    struct prop_scope scope = prop_scope_of_resource(q->model, resource, volume->number);
    struct text_list layers = nvme_own_layers(&resource->layers, resource->object.flags);
    const struct node *node = resource_node(resource);
    struct stack_sides sides;

    layer_stack_sides(&layers, &q->arena, &sides);
    for (uint32_t i = 0; i < sides.list.count; i++) {
        const struct stack_side *side = &sides.list.at[i];
        const char *name = prop_find(ORDER_CACHE_LAYERS, &scope, side->pool_key).value;
        const struct storage_pool *pool;
        struct volume_side *made;

        if (!name && side->other_key)
            name = prop_find(ORDER_CACHE_LAYERS, &scope, side->other_key).value;
        pool = name ? model_find_pool(node, name) : NULL;
        if (!pool)
            return rc_add(
                &q->rc, FAIL_NOT_FOUND_STOR_POOL,
                .message =
                    name ? rc_text(&q->rc, "The storage pool '%s' is not deployed on node '%s'.", name, node->name)
                         : rc_text(&q->rc, "No storage pool is named for '%s%s' of volume %d.",
                                   resource_definition_of(resource)->name, side->suffix, volume->number),
                .cause = rc_text(&q->rc,
                                 "The layers of the resource need a volume in the storage pool that the "
                                 "property '%s' names.",
                                 side->pool_key),
                .correction = rc_text(&q->rc,
                                      "Set '%s' to a storage pool of that node, on the resource definition, its "
                                      "group, the node or the controller.",
                                      side->pool_key));
        made = LIST_ADD(&volume->sides, &q->arena);
        made->suffix = arena_strdup(&q->arena, side->suffix);
        made->storage_pool = arena_strdup(&q->arena, storage_pool_name(pool));
    }
    return 0;
}

static bool has_layer(const struct text_list *layers, enum layer_kind kind)
{
    return text_list_has(layers, layer_kind_name(kind));
}

/* LINSTOR: there is no code of its own for the lack of a passphrase. */
static int check_unlocked(struct request *q, const char *definition, const struct text_list *layers)
{
    enum vault_state state = vault_state(q->service);

    if (!has_layer(layers, LAYER_LUKS) || state == VAULT_UNLOCKED)
        return 0;
    return rc_add(&q->rc, FAIL_UNKNOWN_ERROR,
                  .message =
                      rc_text(&q->rc, "Resource '%s' cannot be encrypted without the master passphrase.", definition),
                  .cause = state == VAULT_UNSET
                               ? "No master passphrase was created: linstor encryption create-passphrase."
                               : "The master passphrase was not entered since the controller was started: linstor "
                                 "encryption enter-passphrase.");
}

/* That of the definition, when a user chose it, or one of its own. */
static void make_key(struct request *q, const struct volume_definition *definition, struct volume *volume)
{
    const char *chosen = text_map_find(&definition->object.props, DEPLOY_PASSPHRASE_KEY);

    text_list_add(&volume->keys, chosen ? chosen : vault_make_key(q->service, &q->arena), &q->arena);
}

int deploy_volume(struct request *q, struct resource *resource, const struct volume_definition *definition)
{
    const char *name = object_has_flag(&resource->object, RESOURCE_DISKLESS) ? PROVIDER_DISKLESS_POOL
                                                                             : find_pool_name(q, resource, definition);
    const struct node *node = resource_node(resource);
    const struct storage_pool *pool = model_find_pool(node, name);
    const char *owner = resource_definition_of(resource)->name;
    struct volume *volume;

    if (!pool)
        return rc_add(
            &q->rc,
            strcmp(name, DEFAULT_POOL) == 0 || model_find_pool_definition(q->model, name)
                ? FAIL_NOT_FOUND_DFLT_STOR_POOL
                : FAIL_NOT_FOUND_STOR_POOL_DFN,
            .message = rc_text(
                &q->rc, "The storage pool '%s' for resource '%s' for volume number '%d' is not deployed on node '%s'.",
                name, owner, definition->number, node->name),
            .cause = "The node has no storage pool of that name.",
            .correction = "Create the storage pool on that node, or choose one that it has.");
    if (definition->size_kib > VOLUME_MAX_KIB)
        return rc_add(&q->rc, FAIL_INVLD_VLM_SIZE,
                      .message =
                          rc_text(&q->rc, "Volume %d of resource '%s' cannot be made: it would have %" PRId64 " KiB.",
                                  definition->number, owner, definition->size_kib),
                      .cause = rc_text(&q->rc, "No volume can have more than %" PRId64 " KiB.", VOLUME_MAX_KIB),
                      .correction = "Give the volume definition another size.");
    if (!take_room(q, pool, definition->size_kib))
        return rc_add(
            &q->rc, FAIL_INVLD_VLM_SIZE,
            .message = rc_text(&q->rc, "Not enough free space available for volume %d of resource '%s'.",
                               definition->number, owner),
            .cause = rc_text(&q->rc, "%s, and %" PRId64 " KiB are needed.", say_room(q, pool), definition->size_kib),
            .correction = "Choose another storage pool or node, or make room.");
    volume = LIST_ADD(&resource->volumes, &q->arena);
    volume->number = definition->number;
    volume->storage_pool = arena_strdup(&q->arena, storage_pool_name(pool));
    volume->size_kib = definition->size_kib;
    volume->uuid = arena_alloc(&q->arena, TEXT_UUID_SIZE);
    text_make_uuid(volume->uuid);
    if (check_unlocked(q, owner, &resource->layers) != 0)
        return -1;
    if (has_layer(&resource->layers, LAYER_LUKS))
        make_key(q, definition, volume);
    return deploy_sides(q, resource, volume);
}

int deploy_check_growth(struct request *q, const struct resource_definition *definition, int32_t number,
                        int64_t more_kib)
{
    child_for_each (resource, resource, &definition->object, KIND_RESOURCE) {
        const struct volume *volume = resource_find_volume(resource, number);
        const struct storage_pool *pool =
            volume ? model_find_pool(resource_node(resource), volume->storage_pool) : NULL;

        if (!pool || take_room(q, pool, more_kib))
            continue;
        return rc_add(&q->rc, FAIL_NOT_ENOUGH_FREE_SPACE,
                      .message = rc_text(&q->rc, "Storage pool '%s' on node '%s' has no room for %" PRId64 " KiB more.",
                                         storage_pool_name(pool), storage_pool_node(pool)->name, more_kib),
                      .cause = rc_text(&q->rc, "%s.", say_room(q, pool)),
                      .correction = "Make room in the storage pool, or grow by less.");
    }
    return 0;
}

static int choose_layers(struct request *q, const struct resource_definition *definition,
                         const struct deploy_wish *wish, struct text_list *layers)
{
    struct text_list standard = { 0 };

    if (wish->layers.count > 0)
        return definition_parse_layers(q, &wish->layers, layers);
    if (definition->layers.count > 0)
        return definition_parse_layers(q, &definition->layers, layers);
    text_list_add(&standard, "DRBD", &q->arena);
    text_list_add(&standard, "STORAGE", &q->arena);
    return definition_parse_layers(q, &standard, layers);
}

/* What the node cannot do is refused here, with the satellite's own reason, instead of failing there for ever. */
static int check_layers(struct request *q, const struct node *node, const struct text_list *layers)
{
    const struct link_hello *hello = session_hello(node);

    for (uint32_t i = 0; i < layers->count; i++) {
        const char *layer = layers->at[i];
        bool is_known = strcmp(layer, "STORAGE") == 0 || (hello && text_list_has_fold(&hello->layers, layer));
        const char *reason;

        if (is_known)
            continue;
        reason = hello ? text_map_find(&hello->unsupported, layer) : "The satellite has not connected yet.";
        return rc_add(&q->rc, FAIL_STLT_DOES_NOT_SUPPORT_LAYER,
                      .message = rc_text(&q->rc, "Satellite '%s' does not support layer %s.", node->name, layer),
                      .cause = reason ? reason : "The satellite does not know it.",
                      .correction = "Choose other layers, such as STORAGE alone, or another node.");
    }
    return 0;
}

/* LINSTOR: the older word DISKLESS stands for what the layers allow. */
static uint64_t kept_flags(uint64_t flag, const struct text_list *layers)
{
    bool is_initiator = (flag & RESOURCE_NVME_INITIATOR) == RESOURCE_NVME_INITIATOR;

    if (is_initiator || (flag == RESOURCE_DISKLESS && text_list_has(layers, "NVME") && !text_list_has(layers, "DRBD")))
        return RESOURCE_NVME_INITIATOR;
    return 0;
}

static int parse_flags(struct request *q, const struct text_list *flags, const struct text_list *layers, uint64_t *kept)
{
    *kept = 0;
    for (uint32_t i = 0; i < flags->count; i++) {
        const struct enum_name *known = kinds[KIND_RESOURCE].flags;

        while (known->name && strcmp(known->name, flags->at[i]) != 0)
            known++;
        if (!known->name)
            return rc_add(&q->rc, FAIL_UNKNOWN_ERROR, .is_bare = true,
                          .message = rc_text(&q->rc, "'%s' is not a flag of resources.", flags->at[i]),
                          .details = "Flags are spelled as they are shown, in upper case.");
        if (known->value & RESOURCE_DISKLESS && !text_list_has(layers, "DRBD") && !text_list_has(layers, "NVME"))
            return rc_add(&q->rc, FAIL_INVLD_LAYER_STACK,
                          .message = "A resource without a disk needs a layer that reaches the disk of another node.",
                          .cause = "Neither DRBD nor NVME is among its layers.",
                          .correction = "Leave out the flag, or choose other layers.");
        *kept |= kept_flags(known->value, layers);
    }
    return 0;
}

static int check_node(struct request *q, const struct node *node)
{
    if (object_has_flag(&node->object, NODE_EVACUATE))
        return rc_add(&q->rc, FAIL_EVACUATING,
                      .message = rc_text(&q->rc, "Node '%s' is being evacuated; no new resources are allowed on it.",
                                         node->name));
    if (object_has_flag(&node->object, NODE_DELETE))
        return rc_add(&q->rc, FAIL_IN_USE, .message = rc_text(&q->rc, "Node '%s' is being deleted.", node->name));
    return 0;
}

static void say_deployed(struct request *q, const struct resource *resource)
{
    const char *name = resource_definition_of(resource)->name, *node = resource_node(resource)->name;

    rc_ref(&q->rc, "Node", node);
    for (uint32_t i = 0; i < resource->volumes.count; i++) {
        rc_ref(&q->rc, "VlmNr", rc_text(&q->rc, "%d", resource->volumes.at[i].number));
        rc_add(&q->rc, MASK_CRT | MASK_VLM | CREATED,
               .message =
                   rc_text(&q->rc, "Volume with number '%d' on resource '%s' on node '%s' successfully registered.",
                           resource->volumes.at[i].number, name, node),
               .details = rc_text(&q->rc, "Volume UUID is: %s", resource->volumes.at[i].uuid));
    }
    rc_unref(&q->rc, "VlmNr");
    rc_unref(&q->rc, "Node");
    rc_ref(&q->rc, "UUID", resource->object.uuid);
    rc_add(&q->rc, MASK_CRT | MASK_RSC | CREATED,
           .message = rc_text(&q->rc, "New resource '%s' on node '%s' registered.", name, node),
           .details = rc_text(&q->rc, "Resource '%s' on node '%s' UUID is: %s", name, node, resource->object.uuid));
    rc_unref(&q->rc, "UUID");
}

/* LINSTOR: as long as too few replicas of DRBD are there, the definition says that there is no quorum. */
static void set_quorum(struct request *q, const struct resource_definition *definition)
{
    struct resource_definition *edited;

    if (text_map_find(&definition->object.props, QUORUM_KEY))
        return;
    edited = txn_edit(q->txn, definition);
    text_map_set(&edited->object.props, QUORUM_KEY, "off", &q->arena);
}

/* LINSTOR: creating a resource does not tell of its properties. */
static int set_props(struct request *q, struct resource *resource, const struct text_map *props)
{
    uint32_t before = q->rc.entries.count;

    if (props_set(q, PROP_ON_RESOURCE, &resource->object.props, props) != 0)
        return -1;
    q->rc.entries.count = before;
    return 0;
}

struct resource *deploy_resource(struct request *q, const struct resource_definition *definition,
                                 const struct deploy_wish *wish)
{
    struct text_list layers, own;
    struct resource *resource;
    uint64_t flags;

    if (check_node(q, wish->node) != 0 || choose_layers(q, definition, wish, &layers) != 0 ||
        parse_flags(q, &wish->flags, &layers, &flags) != 0 || nvme_check_new(q, definition, &layers, flags) != 0)
        return NULL;
    own = nvme_own_layers(&layers, flags);
    if (check_unlocked(q, definition->name, &own) != 0 || check_layers(q, wish->node, &own) != 0)
        return NULL;
    if (object_has_flag(&definition->object, RESOURCE_DEFINITION_DELETE)) {
        rc_add(&q->rc, FAIL_IN_USE,
               .message = rc_text(&q->rc, "Resource definition '%s' is being deleted.", definition->name));
        return NULL;
    }
    if (definition->layers.count == 0)
        definition_set_layers(q, txn_edit(q->txn, definition), layers);
    resource = txn_new(q->txn, KIND_RESOURCE, definition, wish->node, wish->node->object.node[0].key);
    resource->layers = layers;
    resource->object.flags |= flags;
    if (wish->props && set_props(q, resource, wish->props) != 0)
        return NULL;
    if (wish->pool) /* kept quiet: clients are told of the properties that they set */
        text_map_set(&resource->object.props, POOL_KEY, wish->pool, &q->arena);
    if (wish->placed_by)
        text_map_set(&resource->object.props, "DiskfulBy", wish->placed_by, &q->arena);
    child_for_each (volume_definition, volume, &definition->object, KIND_VOLUME_DEFINITION)
        if (!object_has_flag(&volume->object, VOLUME_DEFINITION_DELETE) && deploy_volume(q, resource, volume) != 0)
            return NULL;
    set_quorum(q, definition);
    if (!wish->is_quiet)
        say_deployed(q, resource);
    if (resource->volumes.count == 0)
        rc_add(&q->rc, WARN_NOT_FOUND,
               .message = rc_text(&q->rc, "No volumes have been defined for resource '%s'.", definition->name));
    return resource;
}
