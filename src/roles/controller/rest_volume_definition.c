/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Volume definitions. */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "roles/controller/deploy.h"
#include "roles/controller/props.h"
#include "roles/controller/rest_definition.h"
#include "roles/controller/routes.h"
#include "roles/controller/vault.h"
#include "roles/controller/view.h"

/* KiB. LINSTOR: DRBD's own limits hold only for stacks with DRBD. */
enum { DRBD_MIN_KIB = 4 };
#define DRBD_MAX_KIB (INT64_C(1) << 40)

static bool next_volume(struct request *q, struct listing *listing, void *doc, struct arena *arena)
{
    const struct resource_definition *definition = model_find_definition(q->model, q->var[VAR_RESOURCE]);
    const struct object *object = definition ? object_after(&definition->object, KIND_VOLUME_DEFINITION,
                                                            listing->outer[0] ? listing->outer : NULL)
                                             : NULL;

    if (!object)
        return false;
    strcpy(listing->outer, object->node[0].key);
    view_volume_definition((const struct volume_definition *)object, doc, arena);
    return true;
}

static int list_volumes(struct request *q)
{
    if (!request_get_definition(q, q->var[VAR_RESOURCE]))
        return -1;
    request_reply_list(q, &volume_definition_doc_schema, next_volume);
    return 0;
}

static int show_volume(struct request *q)
{
    const struct resource_definition *definition = request_get_definition(q, q->var[VAR_RESOURCE]);
    const struct volume_definition *volume = definition ? request_get_volume_definition(q, definition) : NULL;
    struct volume_definition_doc *doc = arena_alloc(&q->arena, sizeof(*doc));

    if (!volume)
        return -1;
    view_volume_definition(volume, doc, &q->arena);
    return request_reply(q, &volume_definition_doc_schema, doc);
}

static int check_size(struct request *q, const struct resource_definition *definition, int32_t number, int64_t size_kib)
{
    bool is_drbd = text_list_has(&definition->layers, "DRBD");
    /* LINSTOR: a definition takes any size while there is no resource of it */
    bool is_deployed = object_count(&definition->object, KIND_RESOURCE) > 0;
    int64_t min = is_drbd ? DRBD_MIN_KIB : 1, max = is_drbd ? DRBD_MAX_KIB : is_deployed ? VOLUME_MAX_KIB : INT64_MAX;

    if (size_kib >= min && size_kib <= max)
        return 0;
    return rc_add(&q->rc, FAIL_INVLD_VLM_SIZE,
                  .message = rc_text(&q->rc, "Volume %d of '%s' cannot have %" PRId64 " KiB.", number, definition->name,
                                     size_kib),
                  .cause = rc_text(&q->rc, "Sizes are %" PRId64 " to %" PRId64 " KiB.", min, max),
                  .correction = "Give a size in that range.");
}

static int choose_number(struct request *q, const struct resource_definition *definition,
                         const struct volume_wish *wish, int32_t *number)
{
    char why[NAME_WHY_SIZE];

    if (wish->number.has) {
        *number = wish->number.value;
        if (name_check_volume_number(*number, why, sizeof(why)) != 0)
            return rc_add(&q->rc, FAIL_INVLD_VLM_NR, .message = rc_text(&q->rc, "%d is not a volume number.", *number),
                          .cause = why);
        return 0;
    }
    *number = 0;
    child_for_each (volume_definition, volume, &definition->object, KIND_VOLUME_DEFINITION)
        if (volume->number == *number)
            (*number)++;
    if (*number > NAME_VOLUME_NUMBER_MAX)
        return rc_add(&q->rc, FAIL_POOL_EXHAUSTED_VLM_NR,
                      .message = "All volume numbers of the resource definition are taken.");
    return 0;
}

static int choose_minor(struct request *q, struct volume_definition *volume, struct maybe_i32 wanted)
{
    struct number_pool *minors = &q->service->model.minors;
    int64_t number = wanted.value;

    if (wanted.has) {
        if (number < minors->min || number > minors->max)
            return rc_add(
                &q->rc, FAIL_INVLD_MINOR_NR, .message = rc_text(&q->rc, "%d is not a minor number.", wanted.value),
                .cause = rc_text(&q->rc, "Minor numbers are %" PRId64 " to %" PRId64 ".", minors->min, minors->max));
        if (number_pool_is_used(minors, number))
            return rc_add(&q->rc, FAIL_INVLD_MINOR_NR,
                          .message = rc_text(&q->rc, "The minor number %d is in use already.", wanted.value),
                          .cause = "Every volume definition needs a minor number of its own.",
                          .correction = "Leave it out, so that a free one is chosen.");
    } else if (number_pool_next_free(minors, &number) != 0) {
        return rc_add(&q->rc, FAIL_POOL_EXHAUSTED_MINOR_NR, .message = "All minor numbers are taken.",
                      .correction = "Widen the property MinorNrAutoRange of the controller.");
    }
    txn_claim(q->txn, minors, number);
    volume->minor = (struct maybe_i32)MAYBE((int32_t)number);
    return 0;
}

static int check_unlocked(struct request *q)
{
    switch (vault_state(q->service)) {
    case VAULT_UNLOCKED: return 0;
    case VAULT_UNSET:
        return rc_add(&q->rc, FAIL_NOT_FOUND_CRYPT_KEY,
                      .message = "An encrypted volume needs a master passphrase, and there is none.",
                      .cause = "No master passphrase was created.", .correction = "Create the passphrase first.");
    case VAULT_LOCKED: break;
    }
    return rc_add(&q->rc, FAIL_NOT_FOUND_CRYPT_KEY,
                  .message = "An encrypted volume needs the master passphrase, which was not entered yet.",
                  .cause = "The controller was started since it was entered last.",
                  .correction = "Enter the passphrase first: linstor encryption enter-passphrase.");
}

/* LINSTOR: the flag is from the time before layers could be named. Nobody may think that it encrypts by itself. */
static int check_encrypted(struct request *q, const struct resource_definition *definition)
{
    if (check_unlocked(q) != 0)
        return -1;
    if (text_list_has(&definition->layers, "LUKS"))
        return 0;
    return rc_add(&q->rc, FAIL_INVLD_LAYER_STACK,
                  .message =
                      rc_text(&q->rc, "Resource definition '%s' does not have the layer LUKS.", definition->name),
                  .cause = "Volumes are encrypted by that layer; the flag ENCRYPTED alone does nothing.",
                  .correction = "Name the layer LUKS when the resource definition is created.");
}

static int parse_flags(struct request *q, const struct resource_definition *definition, const struct text_list *flags,
                       int32_t number, uint64_t *bits)
{
    for (uint32_t i = 0; i < flags->count; i++) {
        bool removes = flags->at[i][0] == '-';
        const char *name = flags->at[i] + removes;
        uint64_t flag = 0;

        for (const struct enum_name *known = kinds[KIND_VOLUME_DEFINITION].flags; known->name; known++)
            if (strcmp(known->name, name) == 0)
                flag = known->value;
        if (!flag)
            return rc_add(&q->rc, FAIL_UNKNOWN_ERROR,
                          .message = rc_text(&q->rc, "'%s' is not a flag of volume definitions.", name),
                          .correction = "Known are GROSS_SIZE and ENCRYPTED.");
        rc_ref(&q->rc, "VlmNr", rc_text(&q->rc, "%d", number));
        if (flag == VOLUME_DEFINITION_ENCRYPTED && !removes && check_encrypted(q, definition) != 0)
            return -1;
        *bits = removes ? *bits & ~flag : *bits | flag;
    }
    return 0;
}

/* The passphrase is kept as it is told to satellites: sealed. */
static int set_passphrase(struct request *q, struct volume_definition *volume, const char *passphrase)
{
    if (vault_check_passphrase(q, passphrase, "The passphrase of a volume") != 0 || check_unlocked(q) != 0)
        return -1;
    text_map_set(&volume->object.props, DEPLOY_PASSPHRASE_KEY, vault_seal_key(q->service, passphrase, &q->arena),
                 &q->arena);
    return 0;
}

/* What a user chose for volumes of that number in the group, unless he chose another one. */
static void inherit_passphrase(struct request *q, const struct resource_definition *definition,
                               struct volume_definition *volume)
{
    const struct volume_group *group =
        model_find_volume_group((const struct resource_group *)definition->object.parent[1], volume->number);
    const char *sealed = group ? text_map_find(&group->object.props, DEPLOY_PASSPHRASE_KEY) : NULL;

    if (sealed && !text_map_find(&volume->object.props, DEPLOY_PASSPHRASE_KEY))
        text_map_set(&volume->object.props, DEPLOY_PASSPHRASE_KEY, sealed, &q->arena);
}

struct volume_definition *definition_add_volume(struct request *q, struct resource_definition *definition,
                                                const struct volume_wish *wish)
{
    struct volume_definition *volume;
    unsigned char identifier[8];
    char key[OBJECT_KEY_SIZE];
    uint64_t flags = 0;
    int32_t number;

    rc_unref(&q->rc, "VlmNr");
    if (choose_number(q, definition, wish, &number) != 0 ||
        parse_flags(q, definition, &wish->flags, number, &flags) != 0)
        return NULL;
    rc_ref(&q->rc, "VlmNr", rc_text(&q->rc, "%d", number));
    if (check_size(q, definition, number, wish->size_kib) != 0)
        return NULL;
    if (model_find_volume_definition(definition, number)) {
        rc_add(&q->rc, FAIL_EXISTS_VLM_DFN,
               .message = rc_text(&q->rc, "Resource definition '%s' has a volume definition %d already.",
                                  definition->name, number),
               .cause = "Volume numbers are unique in a resource definition.",
               .correction = "Leave out the number, or choose another.");
        return NULL;
    }
    model_number_key(number, key);
    volume = txn_new(q->txn, KIND_VOLUME_DEFINITION, definition, NULL, key);
    volume->number = number;
    volume->size_kib = wish->size_kib;
    volume->object.flags = flags;
    if (wish->minor.has)
        definition_add_drbd(q, definition);
    if ((wish->minor.has || text_list_has(&definition->layers, "DRBD")) && choose_minor(q, volume, wish->minor) != 0)
        return NULL;
    if (wish->props && props_set(q, PROP_ON_VOLUME_DEFINITION, &volume->object.props, wish->props) != 0)
        return NULL;
    for (uint32_t i = 0; i < q->rc.entries.count;
         i++) /* LINSTOR: that properties were set is told without the number */
        text_map_remove(&q->rc.entries.at[i].obj_refs, "VlmNr");
    if (wish->passphrase && *wish->passphrase && set_passphrase(q, volume, wish->passphrase) != 0)
        return NULL;
    inherit_passphrase(q, definition, volume);
    /* LINSTOR: the generation identifier that the first replica will begin with */
    text_random_bytes(identifier, sizeof(identifier));
    text_map_set(&volume->object.props, "DrbdCurrentGi",
                 rc_text(&q->rc, "%02X%02X%02X%02X%02X%02X%02X%02X", identifier[0], identifier[1], identifier[2],
                         identifier[3], identifier[4], identifier[5], identifier[6], identifier[7] & 0xfe),
                 &q->arena);
    return volume;
}

/* Resources that are deployed get the new volume, too. */
static int add_to_resources(struct request *q, const struct resource_definition *definition,
                            const struct volume_definition *volume)
{
    child_for_each (resource, resource, &definition->object, KIND_RESOURCE)
        if (deploy_volume(q, txn_edit(q->txn, resource), volume) != 0)
            return -1;
    return 0;
}

static int create_volume(struct request *q)
{
    const struct volume_definition_request *body = q->body;
    static const struct volume_definition_doc nothing;
    const struct volume_definition_doc *asked = body->volume_definition ? body->volume_definition : &nothing;
    struct volume_wish wish = {
        .number = asked->volume_number,
        .size_kib = asked->size_kib,
        .flags = asked->flags,
        .minor = body->drbd_minor_number,
        .props = &asked->props,
        .passphrase = body->passphrase,
    };
    const struct resource_definition *found;
    const struct volume_definition *volume;

    rc_ref(&q->rc, "RscDfn", q->var[VAR_RESOURCE]);
    found = request_get_definition_to_change(q, q->var[VAR_RESOURCE]);
    volume = found ? definition_add_volume(q, txn_edit(q->txn, found), &wish) : NULL;
    if (!volume || add_to_resources(q, found, volume) != 0)
        return -1;
    return rc_add(&q->rc, CREATED,
                  .message =
                      rc_text(&q->rc, "New volume definition with number '%d' of resource definition '%s' created.",
                              volume->number, found->name));
}

static int resize(struct request *q, struct volume_definition *volume, int64_t size_kib)
{
    const struct resource_definition *definition = (const struct resource_definition *)volume->object.parent[0];

    if (check_size(q, definition, volume->number, size_kib) != 0)
        return -1;
    if (size_kib == volume->size_kib)
        return rc_add(
            &q->rc, WARN_VLMDFN_RESIZE_SAME_SIZE,
            .message = rc_text(&q->rc, "Volume %d of '%s' has that size already.", volume->number, definition->name));
    if (size_kib < volume->size_kib && object_count(&definition->object, KIND_RESOURCE) > 0)
        return rc_add(&q->rc, FAIL_INVLD_VLM_SIZE,
                      .message = rc_text(&q->rc, "Volume %d of '%s' is deployed and can only grow.", volume->number,
                                         definition->name),
                      .cause = rc_text(&q->rc, "It has %" PRId64 " KiB, and %" PRId64 " KiB were asked for.",
                                       volume->size_kib, size_kib),
                      .correction = "Give a larger size.");
    if (deploy_check_growth(q, definition, volume->number, size_kib - volume->size_kib) != 0)
        return -1;
    volume->size_kib = size_kib;
    child_for_each (resource, resource, &definition->object, KIND_RESOURCE) {
        struct resource *edited = txn_edit(q->txn, resource);

        volume->object.flags |= VOLUME_DEFINITION_RESIZE;
        for (uint32_t i = 0; i < edited->volumes.count; i++)
            if (edited->volumes.at[i].number == volume->number)
                edited->volumes.at[i].size_kib = size_kib;
    }
    return 0;
}

/* Deployed volumes obey their older keys until all satellites have changed them. */
static int change_keys(struct request *q, const struct volume_definition *definition, bool *any)
{
    const char *sealed = text_map_find(&definition->object.props, DEPLOY_PASSPHRASE_KEY);

    child_for_each (resource, resource, definition->object.parent[0], KIND_RESOURCE) {
        const struct volume *found = resource_find_volume(resource, definition->number);
        struct text_list keys = { 0 };
        struct resource *edited;

        if (!found || !text_list_has(&resource->layers, "LUKS"))
            continue;
        if (found->keys.count >= DEPLOY_KEYS_LIMIT)
            return rc_add(&q->rc, FAIL_IN_USE,
                          .message = rc_text(&q->rc, "Node '%s' has not yet set the last passphrases of volume %d.",
                                             resource_node(resource)->name, definition->number),
                          .correction = "Look why its satellite does not apply them.");
        text_list_add(&keys, sealed, &q->arena);
        for (uint32_t i = 0; i < found->keys.count; i++)
            text_list_add(&keys, found->keys.at[i], &q->arena);
        edited = txn_edit(q->txn, resource);
        for (uint32_t i = 0; i < edited->volumes.count; i++)
            if (edited->volumes.at[i].number == definition->number)
                edited->volumes.at[i].keys = keys;
        *any = true;
    }
    return 0;
}

static int modify_volume(struct request *q)
{
    const struct volume_definition_modify_request *body = q->body;
    const struct resource_definition *definition;
    const struct volume_definition *found;
    const char *before, *passphrase;
    struct volume_definition *volume;
    bool any = false;

    rc_ref(&q->rc, "RscDfn", q->var[VAR_RESOURCE]);
    rc_ref(&q->rc, "VlmNr", q->var[VAR_VOLUME_NUMBER]);
    definition = request_get_definition_to_change(q, q->var[VAR_RESOURCE]);
    found = definition ? request_get_volume_definition(q, definition) : NULL;
    if (!found)
        return -1;
    volume = txn_edit(q->txn, found);
    before = text_map_find(&found->object.props, DEPLOY_PASSPHRASE_KEY);
    if (parse_flags(q, definition, &body->flags, volume->number, &volume->object.flags) != 0 ||
        (body->size_kib.has && resize(q, volume, body->size_kib.value) != 0) ||
        props_modify(q, PROP_ON_VOLUME_DEFINITION, &volume->object.props, &PROPS_CHANGE(body)) != 0)
        return -1;
    passphrase = text_map_find(&volume->object.props, DEPLOY_PASSPHRASE_KEY);
    if (passphrase && (!before || strcmp(before, passphrase) != 0) && change_keys(q, volume, &any) != 0)
        return -1;
    rc_ref(&q->rc, "UUID", volume->object.uuid);
    return rc_add(&q->rc, MODIFIED,
                  .message = rc_text(&q->rc, "Volume definition %d of resource definition '%s' modified.",
                                     volume->number, definition->name),
                  .details = rc_text(&q->rc, "UUID is: %s", volume->object.uuid));
}

static int modify_passphrase(struct request *q)
{
    const struct volume_passphrase_request *body = q->body;
    const struct resource_definition *definition;
    const struct volume_definition *found;
    struct volume_definition *volume;
    bool any = false;

    rc_ref(&q->rc, "RscDfn", q->var[VAR_RESOURCE]);
    rc_ref(&q->rc, "VlmNr", q->var[VAR_VOLUME_NUMBER]);
    definition = request_get_definition_to_change(q, q->var[VAR_RESOURCE]);
    found = definition ? request_get_volume_definition(q, definition) : NULL;
    if (!found)
        return -1;
    volume = txn_edit(q->txn, found);
    if (set_passphrase(q, volume, body->new_passphrase) != 0 || change_keys(q, volume, &any) != 0)
        return -1;
    rc_ref(&q->rc, "UUID", volume->object.uuid);
    rc_add(&q->rc, MODIFIED,
           .message = rc_text(&q->rc, "The passphrase of volume definition %d of '%s' was modified.", volume->number,
                              definition->name),
           .details = rc_text(&q->rc, "UUID is: %s", volume->object.uuid));
    rc_unref(&q->rc, "UUID");
    if (!any)
        rc_add(&q->rc, WARN_NOT_FOUND,
               .message = "No resource with the layer LUKS is deployed; the passphrase is for those to come.");
    return 0;
}

static int delete_volume(struct request *q)
{
    const struct resource_definition *definition = model_find_definition(q->model, q->var[VAR_RESOURCE]);
    const struct volume_definition *volume =
        definition ? model_find_volume_definition(definition, q->volume_number) : NULL;
    const char *authority;

    rc_ref(&q->rc, "RscDfn", q->var[VAR_RESOURCE]);
    rc_ref(&q->rc, "VlmNr", q->var[VAR_VOLUME_NUMBER]);
    if (!volume)
        return rc_add(&q->rc, WARN_NOT_FOUND,
                      .message = rc_text(&q->rc, "Volume definition %d of resource definition '%s' not found.",
                                         q->volume_number, q->var[VAR_RESOURCE]),
                      .details = "Nothing was deleted.");
    rc_add(&q->rc, DELETED,
           .message =
               rc_text(&q->rc, "Volume definition %d of '%s' marked for deletion.", volume->number, definition->name),
           .details = rc_text(&q->rc, "UUID is: %s", volume->object.uuid));
    rc_add(&q->rc, DELETED,
           .message = rc_text(&q->rc, "Volume definition %d of '%s' deleted.", volume->number, definition->name),
           .details = rc_text(&q->rc, "UUID was: %s", volume->object.uuid));
    if (object_count(&definition->object, KIND_RESOURCE) == 0) {
        txn_delete(q->txn, volume);
        return 0;
    }
    authority =
        rc_text(&q->rc, "DELETE /v1/resource-definitions/%s/volume-definitions/%d", definition->name, volume->number);
    ((struct volume_definition *)txn_edit(q->txn, volume))->object.flags |= VOLUME_DEFINITION_DELETE;
    child_for_each (resource, resource, &definition->object, KIND_RESOURCE) {
        struct resource *edited = txn_edit(q->txn, resource);

        edited->authority = arena_strdup(&q->arena, authority);
        for (uint32_t i = 0; i < edited->volumes.count; i++)
            if (edited->volumes.at[i].number == volume->number)
                edited->volumes.at[i].flags |= VOLUME_DELETE;
    }
    return 0;
}

/* clang-format off */
#define VOLUMES "/v1/resource-definitions/{resource}/volume-definitions"
const struct route volume_definition_routes[] = {
    { "GET",    VOLUMES,             list_volumes,  0, NULL, 200, 0 },
    { "POST",   VOLUMES,             create_volume, ROUTE_WRITE | ROUTE_SETTLE | ROUTE_SECRET, &volume_definition_request_schema, 200,
        MASK_CRT | MASK_VLM_DFN },
    { "GET",    VOLUMES "/{volume}", show_volume,   0, NULL, 200, 0 },
    { "PUT",    VOLUMES "/{volume}", modify_volume, ROUTE_WRITE | ROUTE_SETTLE | ROUTE_SECRET, &volume_definition_modify_request_schema, 200,
        MASK_MOD | MASK_VLM_DFN },
    { "PUT",    VOLUMES "/{volume}/encryption-passphrase", modify_passphrase, ROUTE_WRITE | ROUTE_SETTLE | ROUTE_SECRET,
        &volume_passphrase_request_schema, 200, MASK_MOD | MASK_VLM_DFN },
    { "DELETE", VOLUMES "/{volume}", delete_volume, ROUTE_WRITE | ROUTE_SETTLE, NULL, 200, MASK_DEL | MASK_VLM_DFN },
    { 0 },
};
