/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Resource definitions. */
#include "roles/controller/rest_definition.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "model/layer.h"
#include "roles/controller/props.h"
#include "roles/controller/routes.h"
#include "roles/controller/vault.h"
#include "roles/controller/view.h"

#define DEFAULT_GROUP "DfltRscGrp"

static bool next_definition(struct request *q, struct listing *listing, void *doc, struct arena *arena)
{
    const struct object *root = model_root(q->model);
    const struct object *object =
        object_after(root, KIND_RESOURCE_DEFINITION, listing->outer[0] ? listing->outer : NULL);
    const struct resource_definition *definition = (const struct resource_definition *)object;

    if (!object)
        return false;
    strcpy(listing->outer, object->node[0].key);
    if (!request_query_admits(q, "resource_definitions", definition->name) ||
        !request_query_admits_props(q, &object->props))
        return listing_pass(listing);
    view_definition(definition, request_query_bool(q, "with_volume_definitions", false), doc, arena);
    return true;
}

static int list_definitions(struct request *q)
{
    request_reply_list(q, &resource_definition_doc_schema, next_definition);
    return 0;
}

static int show_definition(struct request *q)
{
    const struct resource_definition *definition = request_get_definition(q, q->var[VAR_RESOURCE]);
    struct resource_definition_doc *doc = arena_alloc(&q->arena, sizeof(*doc));

    if (!definition)
        return -1;
    view_definition(definition, false, doc, &q->arena);
    return request_reply(q, &resource_definition_doc_schema, doc);
}

static bool is_taken(const char *name, void *context)
{
    return model_find_definition(context, name) != NULL;
}

int definition_parse_layers(struct request *q, const struct text_list *names, struct text_list *layers)
{
    struct layer_stack stack;
    bool was_extended;
    char why[NAME_WHY_SIZE];
    int result = layer_stack_parse(names, &stack, &was_extended, why, sizeof(why));

    if (result != 0)
        return rc_add(&q->rc, result == -ENOENT ? FAIL_INVLD_LAYER_KIND : FAIL_INVLD_LAYER_STACK,
                      .message = "The list of layers is not possible.", .cause = why,
                      .correction = "List layers from the top down, such as DRBD, LUKS, STORAGE.");
    if (was_extended)
        rc_add(&q->rc, WARN_STORAGE_KIND_ADDED, .is_bare = true,
               .message = "The layer STORAGE was added at the end of the list of layers.",
               .details = "Every resource lies on storage in the end.");
    *layers = (struct text_list){ 0 };
    for (size_t i = 0; i < stack.count; i++)
        text_list_add(layers, layer_kind_name(stack.at[i]), &q->arena);
    return 0;
}

void definition_add_drbd(struct request *q, struct resource_definition *definition)
{
    unsigned char secret[15];

    if (!definition->transport)
        definition->transport = arena_strdup(&q->arena, "IP");
    if (definition->secret)
        return;
    text_random_bytes(secret, sizeof(secret));
    definition->secret = text_base64(&q->arena, secret, sizeof(secret));
}

void definition_set_layers(struct request *q, struct resource_definition *definition, struct text_list layers)
{
    definition->layers = layers;
    if (text_list_has(&layers, "DRBD"))
        definition_add_drbd(q, definition);
}

static int check_drbd(struct request *q, struct maybe_i32 port, struct maybe_i32 peer_slots, const char *transport)
{
    static const char *const transports[] = { "IP", "RDMA", "RoCE" };
    bool is_known = !transport;

    for (size_t i = 0; i < ARRAY_SIZE(transports) && !is_known; i++)
        is_known = strcmp(transport, transports[i]) == 0;
    if (!is_known)
        return rc_add(&q->rc, FAIL_INVLD_TRANSPORT_TYPE,
                      .message = rc_text(&q->rc, "'%s' is not a transport of DRBD.", transport),
                      .correction = "Give IP, RDMA or RoCE.");
    if (port.has && (port.value < 1 || port.value > 65535))
        return rc_add(&q->rc, FAIL_INVLD_RSC_PORT, .message = rc_text(&q->rc, "%d is not a TCP port.", port.value),
                      .correction = "Ports are 1 to 65535.");
    if (peer_slots.has && (peer_slots.value < 1 || peer_slots.value > 31))
        return rc_add(&q->rc, FAIL_INVLD_REQUEST,
                      .message = rc_text(&q->rc, "%d peer slots are not possible.", peer_slots.value),
                      .correction = "DRBD has room for 1 to 31 peers.");
    return 0;
}

/* LINSTOR: LUKS needs a master passphrase, which may still come before the first resource. */
static void warn_of_luks(struct request *q, const struct text_list *layers)
{
    if (text_list_has(layers, "LUKS") && vault_state(q->service) != VAULT_UNLOCKED)
        rc_add(&q->rc, WARN_NOT_FOUND_CRYPT_KEY, .is_bare = true,
               .message = "The layer LUKS needs the master passphrase, which is not there yet.",
               .correction = "Create or enter it before resources of this definition are created.");
}

static const char *choose_name(struct request *q, const char *name, const char *external)
{
    char made[NAME_RESOURCE_SIZE];

    if (name && *name) {
        rc_ref(&q->rc, "RscDfn", name);
        return request_check_name(q, NAME_RESOURCE, name) == 0 ? name : NULL;
    }
    if (!external) {
        rc_ref(&q->rc, "RscDfn", "");
        rc_add(&q->rc, FAIL_MISSING_EXT_NAME,
               .message = "The resource definition has neither a name nor an external name.",
               .cause = "Both are missing or empty.", .correction = "Give a name.");
        return NULL;
    }
    name_from_external(external, is_taken, q->service ? &q->service->model : NULL, made);
    rc_ref(&q->rc, "RscDfn", made);
    return arena_strdup(&q->arena, made);
}

static int check_external(struct request *q, const char *external)
{
    char why[NAME_WHY_SIZE];

    if (!external || !*external)
        return 0;
    if (name_check(NAME_EXTERNAL, external, why, sizeof(why)) != 0)
        return rc_add(&q->rc, FAIL_INVLD_EXT_NAME, .message = "The external name is not possible.", .cause = why);
    if (model_find_external(q->model, external))
        return rc_add(
            &q->rc, FAIL_EXISTS_EXT_NAME,
            .message = rc_text(&q->rc, "A resource definition with the external name '%s' exists already.", external),
            .cause = "External names are unique.");
    return 0;
}

/* The default group comes back when it was deleted. */
static const struct resource_group *get_or_make_group(struct request *q, const char *name)
{
    struct resource_group *group;
    char key[OBJECT_KEY_SIZE];

    if (name && *name)
        return request_get_group(q, name);
    if (model_find_group(q->model, DEFAULT_GROUP))
        return model_find_group(q->model, DEFAULT_GROUP);
    (void)model_key(DEFAULT_GROUP, key);
    group = txn_new(q->txn, KIND_RESOURCE_GROUP, model_root(q->model), NULL, key);
    group->name = arena_strdup(&q->arena, DEFAULT_GROUP);
    group->filter.place_count = (struct maybe_i32)MAYBE(2);
    return group;
}

struct resource_definition *definition_create(struct request *q, const struct definition_wish *wish)
{
    const char *name;
    const struct resource_group *group;
    struct resource_definition *definition;
    struct text_list layers = { 0 };
    char key[OBJECT_KEY_SIZE];

    name = choose_name(q, wish->name, wish->external_name);
    if (!name || check_external(q, wish->external_name) != 0)
        return NULL;
    if (model_find_definition(q->model, name)) {
        rc_add(&q->rc, FAIL_EXISTS_RSC_DFN,
               .message = rc_text(&q->rc, "A resource definition with the name '%s' exists already.", name),
               .cause = "Names of resource definitions are unique, in any case.");
        return NULL;
    }
    if (check_drbd(q, wish->port, wish->peer_slots, wish->transport) != 0)
        return NULL;
    group = get_or_make_group(q, wish->group);
    if (!group || (wish->layers.count > 0 && definition_parse_layers(q, &wish->layers, &layers) != 0))
        return NULL;
    warn_of_luks(q, &layers);
    (void)model_key(name, key);
    definition = txn_new(q->txn, KIND_RESOURCE_DEFINITION, model_root(q->model), group, key);
    definition->name = arena_strdup(&q->arena, name);
    definition->external_name =
        wish->external_name && *wish->external_name ? arena_strdup(&q->arena, wish->external_name) : NULL;
    definition->resource_group = group->name;
    definition->peer_slots = wish->peer_slots.has ? wish->peer_slots : group->peer_slots;
    definition->port = wish->port;
    definition->secret = wish->secret;
    definition->transport = wish->transport;
    definition_set_layers(q, definition, layers);
    if (wish->peer_slots.has || wish->port.has || wish->secret || wish->transport)
        definition_add_drbd(q, definition);
    return definition;
}

static int create_definition(struct request *q)
{
    const struct resource_definition_request *body = q->body;
    static const struct resource_definition_doc nothing;
    const struct resource_definition_doc *asked = body->resource_definition ? body->resource_definition : &nothing;
    struct definition_wish wish = {
        .name = asked->name,
        .external_name = asked->external_name,
        .group = asked->resource_group_name,
        .peer_slots = body->drbd_peer_slots,
        .port = body->drbd_port,
        .secret = body->drbd_secret,
        .transport = body->drbd_transport_type,
    };
    struct resource_definition *definition;
    struct text_map props = { 0 };

    /* LINSTOR: that properties were set is told first, and without naming the definition */
    if (asked->name)
        rc_ref(&q->rc, "RscDfn", asked->name);
    if (props_set(q, PROP_ON_RESOURCE_DEFINITION, &props, &asked->props) != 0)
        return -1;
    rc_strip_refs(&q->rc);
    for (uint32_t i = 0; i < asked->layer_data.count; i++)
        if (asked->layer_data.at[i].type)
            text_list_add(&wish.layers, asked->layer_data.at[i].type, &q->arena);
    definition = definition_create(q, &wish);
    if (!definition)
        return -1;
    definition->object.props = props;
    rc_ref(&q->rc, "UUID", definition->object.uuid);
    return rc_add(
        &q->rc, CREATED, .message = rc_text(&q->rc, "New resource definition '%s' created.", definition->name),
        .details = rc_text(&q->rc, "Resource definition '%s' UUID is: %s", definition->name, definition->object.uuid));
}

static int change_layers(struct request *q, struct resource_definition *definition, const struct text_list *names)
{
    struct text_list layers;

    if (object_count(&definition->object, KIND_RESOURCE) > 0)
        return rc_add(&q->rc, FAIL_EXISTS_RSC,
                      .message = "The layers of a resource definition with deployed resources cannot be changed.",
                      .correction = "Delete the resources first.");
    if (definition_parse_layers(q, names, &layers) != 0)
        return -1;
    definition_set_layers(q, definition, layers);
    return 0;
}

static int modify_definition(struct request *q)
{
    const struct resource_definition_modify_request *body = q->body;
    const struct resource_definition *found;
    const struct resource_group *group;
    struct resource_definition *definition;

    rc_ref(&q->rc, "RscDfn", q->var[VAR_RESOURCE]);
    if (!(found = request_get_definition_to_change(q, q->var[VAR_RESOURCE])))
        return -1;
    definition = txn_edit(q->txn, found);
    if (check_drbd(q, body->drbd_port, body->drbd_peer_slots, NULL) != 0)
        return -1;
    if (body->drbd_peer_slots.has)
        definition->peer_slots = body->drbd_peer_slots;
    if (body->drbd_port.has)
        definition->port = body->drbd_port;
    if (body->drbd_port.has || body->drbd_peer_slots.has)
        definition_add_drbd(q, definition);
    if (body->layer_stack.count > 0 && change_layers(q, definition, &body->layer_stack) != 0)
        return -1;
    if (body->resource_group && *body->resource_group) {
        if (!(group = request_get_group(q, body->resource_group)))
            return -1;
        definition->resource_group = group->name;
        txn_move(q->txn, definition, group);
    }
    if (props_modify(q, PROP_ON_RESOURCE_DEFINITION, &definition->object.props, &PROPS_CHANGE(body)) != 0)
        return -1;
    rc_ref(&q->rc, "UUID", definition->object.uuid);
    return rc_add(
        &q->rc, MODIFIED, .message = rc_text(&q->rc, "Resource definition '%s' modified.", definition->name),
        .details = rc_text(&q->rc, "Resource definition '%s' UUID is: %s", definition->name, definition->object.uuid));
}

static int delete_definition(struct request *q)
{
    const struct resource_definition *definition = model_find_definition(q->model, q->var[VAR_RESOURCE]);
    const char *authority;

    rc_ref(&q->rc, "RscDfn", q->var[VAR_RESOURCE]);
    if (request_check_name(q, NAME_RESOURCE, q->var[VAR_RESOURCE]) != 0)
        return -1;
    if (!definition)
        return rc_add(&q->rc, WARN_NOT_FOUND,
                      .message = rc_text(&q->rc, "Resource definition '%s' not found.", q->var[VAR_RESOURCE]),
                      .details = "Nothing was deleted.");
    rc_add(&q->rc, DELETED, .message = rc_text(&q->rc, "Resource definition '%s' deleted.", definition->name),
           .details =
               rc_text(&q->rc, "Resource definition '%s' UUID was: %s", definition->name, definition->object.uuid));
    if (object_count(&definition->object, KIND_RESOURCE) == 0) {
        txn_delete(q->txn, definition);
        return 0;
    }
    authority = rc_text(&q->rc, "DELETE /v1/resource-definitions/%s", definition->name);
    ((struct resource_definition *)txn_edit(q->txn, definition))->object.flags |= RESOURCE_DEFINITION_DELETE;
    child_for_each (resource, resource, &definition->object, KIND_RESOURCE) {
        struct resource *edited = txn_edit(q->txn, resource);

        edited->object.flags |= RESOURCE_DELETE;
        edited->authority = arena_strdup(&q->arena, authority);
    }
    return 0;
}

/* clang-format off */
#define MASKS(operation) (MASK_##operation | MASK_RSC_DFN)
const struct route resource_definition_routes[] = {
    { "GET",    "/v1/resource-definitions",            list_definitions,  0, NULL, 200, 0 },
    { "POST",   "/v1/resource-definitions",            create_definition, ROUTE_WRITE, &resource_definition_request_schema, 201, MASKS(CRT) },
    { "GET",    "/v1/resource-definitions/{resource}", show_definition,   0, NULL, 200, 0 },
    { "PUT",    "/v1/resource-definitions/{resource}", modify_definition, ROUTE_WRITE | ROUTE_SETTLE,
        &resource_definition_modify_request_schema, 200, MASKS(MOD) },
    { "DELETE", "/v1/resource-definitions/{resource}", delete_definition, ROUTE_WRITE | ROUTE_SETTLE, NULL, 200, MASKS(DEL) },
    { 0 },
};
