/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Disks of nodes, and pools made of them. Nothing about disks is kept: a list is asked of the satellites each time, and
 * has what those told that answered before the deadline. A device pool is made by the satellite first; the storage pool
 * that was asked for with it is registered when it is there.
 */
#include "roles/controller/rest_physical.h"

#include <stdlib.h>
#include <string.h>

#include "api/physical_storage.h"
#include "api/storage_pool.h"
#include "base/text.h"
#include "model/layer.h"
#include "roles/controller/props.h"
#include "roles/controller/rest_storage_pool.h"
#include "roles/controller/routes.h"
#include "roles/controller/session.h"

enum { LIST_WAIT_MS = 15000, MAKE_WAIT_MS = 10 * 60 * 1000 };

/* Lists. */

struct found {
    const struct disk *disk;
    const char *node;
};
struct findings {
    LIST_OF(struct found) list;
};

static int compare(const void *a, const void *b)
{
    const struct found *first = a, *second = b;
    int names;

    if (first->disk->size_bytes != second->disk->size_bytes)
        return first->disk->size_bytes < second->disk->size_bytes ? -1 : 1;
    if (first->disk->is_rotational != second->disk->is_rotational)
        return first->disk->is_rotational ? 1 : -1;
    names = strcmp(first->node, second->node);
    return names ? names : strverscmp(first->disk->device, second->disk->device);
}

static void collect(struct request *q, const struct node *node, struct findings *found)
{
    const struct disks *disks = session_is_online(node) ? session_disks(node, q->refresh_token) : NULL;

    for (uint32_t i = 0; disks && i < disks->disks.count; i++)
        if (disks->disks.at[i].is_listed)
            *LIST_ADD(&found->list, &q->arena) = (struct found){ &disks->disks.at[i], node->name };
}

static struct physical_device_doc device_doc(const struct disk *disk)
{
    return (struct physical_device_doc){
        .device = disk->device, .model = disk->model, .serial = disk->serial, .wwn = disk->wwn
    };
}

/* [{"size":..,"rotational":..,"nodes":{"alpha":[{"device":..}]}}] */
static bool produce_groups(struct request *q, struct buf *out)
{
    struct json_writer writer = { .out = out };
    const struct found *before = NULL;
    struct findings found = { 0 };

    model_for_each(node, node, q->model, KIND_NODE) collect(q, node, &found);
    if (found.list.count > 0)
        qsort(found.list.at, found.list.count, sizeof(*found.list.at), compare);
    json_begin(&writer, '[');
    for (uint32_t i = 0; i < found.list.count; i++) {
        const struct found *now = &found.list.at[i];
        struct physical_device_doc doc = device_doc(now->disk);
        bool is_same = before && before->disk->size_bytes == now->disk->size_bytes &&
                       before->disk->is_rotational == now->disk->is_rotational;

        if (before && (!is_same || strcmp(before->node, now->node) != 0))
            json_end(&writer, ']');
        if (before && !is_same) {
            json_end(&writer, '}');
            json_end(&writer, '}');
        }
        if (!is_same) {
            json_begin(&writer, '{');
            json_key(&writer, "size");
            json_i64(&writer, now->disk->size_bytes);
            json_key(&writer, "rotational");
            json_bool(&writer, now->disk->is_rotational);
            json_key(&writer, "nodes");
            json_begin(&writer, '{');
        }
        if (!is_same || strcmp(before->node, now->node) != 0) {
            json_key(&writer, now->node);
            json_begin(&writer, '[');
        }
        field_encode(&physical_device_doc_schema, &doc, FIELD_REST, &writer);
        before = now;
    }
    if (before) {
        json_end(&writer, ']');
        json_end(&writer, '}');
        json_end(&writer, '}');
    }
    json_end(&writer, ']');
    return false;
}

static void ask(struct request *q, const struct node *node)
{
    if (!session_is_online(node))
        return;
    session_ask_disks(node, q->refresh_token);
    request_settle_disks(q, node);
}

static int list_all(struct request *q)
{
    q->refresh_token = ++q->service->next_token;
    q->deadline_ms = LIST_WAIT_MS;
    model_for_each(node, node, q->model, KIND_NODE) ask(q, node);
    return request_reply_pieces(q, "application/json", produce_groups);
}

static bool produce_node(struct request *q, struct buf *out)
{
    const struct node *node = model_find_node(q->model, q->var[VAR_NODE]);
    struct json_writer writer = { .out = out };
    struct findings found = { 0 };

    if (node)
        collect(q, node, &found);
    json_begin(&writer, '[');
    for (uint32_t i = 0; i < found.list.count; i++) {
        struct physical_device_doc doc = device_doc(found.list.at[i].disk);

        doc.size = (struct maybe_i64)MAYBE(found.list.at[i].disk->size_bytes);
        doc.rotational = (struct maybe_bool)MAYBE(found.list.at[i].disk->is_rotational);
        field_encode(&physical_device_doc_schema, &doc, FIELD_REST, &writer);
    }
    json_end(&writer, ']');
    return false;
}

static int not_connected(struct request *q, const char *node, const char *details)
{
    return rc_add(&q->rc, FAIL_NOT_CONNECTED, .message = rc_text(&q->rc, "Satellite '%s' is not connected.", node),
                  .details = details, .correction = "Repeat the request when the node is online.");
}

static int list_node(struct request *q)
{
    const struct node *node = request_get_node(q, q->var[VAR_NODE]);

    if (!node)
        return -1;
    if (!session_is_online(node))
        return not_connected(q, node->name, NULL);
    q->refresh_token = ++q->service->next_token;
    q->deadline_ms = LIST_WAIT_MS;
    ask(q, node);
    return request_reply_pieces(q, "application/json", produce_node);
}

/* Making. */

static bool is_made_here(enum provider_kind provider)
{
    return provider == PROVIDER_LVM || provider == PROVIDER_LVM_THIN || provider == PROVIDER_ZFS ||
           provider == PROVIDER_ZFS_THIN;
}

static int refuse(struct request *q, const char *message, const char *correction)
{
    return rc_add(&q->rc, FAIL_UNKNOWN_ERROR, .message = message, .correction = correction);
}

/* What the reference has and we have not, or nobody has any more. */
static int check_abilities(struct request *q, const struct device_pool_request *body)
{
    if (body->vdo_enable)
        return refuse(q, "VDO below a volume group is not supported.",
                      "Make the VDO volume on the node, and a volume group on it.");
    if (body->sed)
        return refuse(q, "Self-encrypting drives are not supported by this version of the controller.",
                      "Leave out --sed; the layer LUKS encrypts volumes.");
    if (body->raid_level && !text_equal_fold(body->raid_level, "JBOD"))
        return refuse(q, rc_text(&q->rc, "'%s' is not a RAID level that can be asked for.", body->raid_level),
                      "Leave it out, or give JBOD. Other levels are made on the node, by lvcreate's options in "
                      "StorDriver/LvcreateOptions, or by zpool create.");
    if (body->device_paths.count == 0)
        return refuse(q, "No device is given.", "Give the paths of one or more devices of the node.");
    if (!body->pool_name || !body->pool_name[0])
        return refuse(q, "The pool has no name.", "Give pool_name.");
    return 0;
}

/* LINSTOR: a thin pool lies in a volume group of its own. */
static char *place_of(struct request *q, const struct device_pool_request *body, enum provider_kind provider)
{
    if (provider == PROVIDER_LVM_THIN && !strchr(body->pool_name, '/'))
        return rc_text(&q->rc, "linstor_%s/%s", body->pool_name, body->pool_name);
    return arena_strdup(&q->arena, body->pool_name);
}

static int check_storage_pool(struct request *q, const struct node *node, const struct device_pool_request *body)
{
    const char *name = body->with_storage_pool ? body->with_storage_pool->name : NULL;

    if (!body->with_storage_pool)
        return 0;
    if (request_check_name(q, NAME_STORAGE_POOL, name ? name : "") != 0)
        return -1;
    if (model_find_pool(node, name))
        return rc_add(&q->rc, FAIL_EXISTS_STOR_POOL,
                      .message = rc_text(&q->rc, "Node '%s' has a storage pool '%s' already.", node->name, name),
                      .details = "Nothing was done on the node.");
    return props_check(q, PROP_ON_STORAGE_POOL, &body->with_storage_pool->props);
}

/* LINSTOR: here clients give the word of the command, too: "lvmthin". */
static bool find_provider(const char *name, enum provider_kind *provider)
{
    if (provider_kind_parse(name, provider))
        return true;
    for (enum provider_kind kind = 0; kind < PROVIDER_KIND_COUNT; kind++)
        if (provider_rows[kind].command && text_equal_fold(provider_rows[kind].command, name)) {
            *provider = kind;
            return true;
        }
    return false;
}

static int parse_provider(struct request *q, const char *name, enum provider_kind *provider)
{
    if (!name || !find_provider(name, provider)) {
        q->failure_status = 400;
        return rc_add(&q->rc, FAIL_INVLD_LAYER_KIND, .is_bare = true,
                      .message = rc_text(&q->rc, "'%s' is not a kind of storage pool.", name ? name : ""),
                      .correction = "Give one of LVM, LVM_THIN, ZFS and ZFS_THIN.");
    }
    return 0;
}

static int register_pool(struct request *q);

static int make_pool(struct request *q)
{
    const struct device_pool_request *body = q->body;
    enum provider_kind provider;
    struct device_pool_want want = { 0 };
    const struct node *node;

    if (parse_provider(q, body->provider_kind, &provider) != 0)
        return -1;
    rc_ref(&q->rc, "Node", q->var[VAR_NODE]);
    if (!(node = request_get_node(q, q->var[VAR_NODE])))
        return -1;
    if (!is_made_here(provider))
        return rc_add(&q->rc, FAIL_INVLD_PROVIDER,
                      .message = rc_text(&q->rc, "Nothing can be made of devices for storage pools of kind %s.",
                                         provider_kind_name(provider)),
                      .correction = "Use LVM, LVM_THIN, ZFS or ZFS_THIN.");
    if (check_abilities(q, body) != 0 || check_storage_pool(q, node, body) != 0)
        return -1;
    if (!session_is_online(node))
        return not_connected(q, node->name, "Nothing was done.");
    q->refresh_token = want.token = ++q->service->next_token;
    q->deadline_ms = MAKE_WAIT_MS;
    want.provider = arena_strdup(&q->arena, provider_kind_name(provider));
    want.place = place_of(q, body, provider);
    want.devices = body->device_paths;
    want.pv_arguments = body->pv_create_arguments;
    want.vg_arguments = body->vg_create_arguments;
    want.lv_arguments = body->lv_create_arguments;
    want.zpool_arguments = body->zpool_create_arguments;
    want.authority = rc_text(&q->rc, "POST /v1/physical-storage/%s", node->name);
    session_make_device_pool(node, &want);
    request_settle_device_pool(q, node);
    if (body->with_storage_pool)
        q->next = register_pool;
    return 0;
}

bool device_pool_settled(struct request *q, const char *name)
{
    const struct node *node = model_find_node(q->model, name);
    const struct device_pool_request *body = q->body;
    struct device_pool_fact *fact = node ? session_take_device_pool(node, q->refresh_token) : NULL;
    const struct trouble *trouble = fact ? fact->trouble : NULL;

    if (!fact && node && session_is_online(node))
        return false;
    if (!fact)
        not_connected(q, name, "The connection was lost while the satellite worked at it. Look at the node.");
    else if (trouble)
        rc_add(&q->rc, fact->is_there_already ? FAIL_EXISTS_STOR_POOL : FAIL_UNKNOWN_ERROR,
               .message = rc_text(&q->rc, "(%s) %s", name, trouble->message ? trouble->message : "failed"),
               .cause = trouble->cause, .correction = trouble->correction, .details = trouble->details);
    else
        rc_add(&q->rc, CREATED,
               .message = rc_text(&q->rc, "(%s) Pool '%s' was made of %u devices.", name, body->pool_name,
                                  body->device_paths.count));
    free(fact);
    return true;
}

void device_pool_give_up(struct request *q, const char *node)
{
    rc_add(&q->rc, FAIL_UNKNOWN_ERROR,
           .message = rc_text(&q->rc, "Satellite '%s' has not answered for the pool yet.", node),
           .details = "It goes on with it. No storage pool is registered.",
           .correction = "Look at the node; when the pool is there, register it ('linstor storage-pool create').");
}

static int register_pool(struct request *q)
{
    const struct device_pool_request *body = q->body;
    const struct device_pool_storage_pool *wanted = body->with_storage_pool;
    struct storage_pool_request *pool = arena_alloc(&q->arena, sizeof(*pool));
    enum provider_kind provider;

    if (parse_provider(q, body->provider_kind, &provider) != 0)
        return -1;
    pool->storage_pool_name = wanted->name;
    pool->provider_kind = arena_strdup(&q->arena, provider_kind_name(provider));
    pool->shared_space = wanted->shared_space;
    pool->external_locking = wanted->external_locking;
    for (uint32_t i = 0; i < wanted->props.count; i++)
        text_map_set(&pool->props, wanted->props.at[i].key, wanted->props.at[i].value, &q->arena);
    text_map_set(&pool->props, PROVIDER_POOL_PROPERTY, place_of(q, body, provider), &q->arena);
    q->body = pool;
    q->rc.context = MASK_CRT | MASK_STOR_POOL;
    if (storage_pool_create(q) == 0)
        return 0;
    return rc_add(&q->rc, FAIL_UNKNOWN_ERROR,
                  .message =
                      rc_text(&q->rc, "The pool was made on node '%s', but it is not registered.", q->var[VAR_NODE]),
                  .correction = "Register it ('linstor storage-pool create').");
}

/* clang-format off */
const struct route physical_routes[] = {
    { "GET",  "/v1/physical-storage",        list_all,  0, NULL, 200, 0 },
    { "GET",  "/v1/physical-storage/{node}", list_node, 0, NULL, 200, 0 },
    { "POST", "/v1/physical-storage/{node}", make_pool, 0, &device_pool_request_schema, 201,
        MASK_CRT | MASK_PHYSICAL_DEVICE },
    { 0 },
};
