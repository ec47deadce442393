/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_scan.h"
#include "base/text.h"
#include "model/place.h"

bool model_key(const char *text, char key[static OBJECT_KEY_SIZE])
{
    size_t length = strlen(text);

    if (length >= OBJECT_KEY_SIZE)
        return false;
    memcpy(key, text, length + 1);
    text_upper(key);
    return true;
}

void model_number_key(int32_t number, char key[static OBJECT_KEY_SIZE])
{
    snprintf(key, OBJECT_KEY_SIZE, "%05d", number);
}

static const struct object *find_named(const struct object *parent, enum kind_id kind, const char *name)
{
    char key[OBJECT_KEY_SIZE];

    return model_key(name, key) ? object_find(parent, kind, key) : NULL;
}

static const struct object *find_numbered(const struct object *parent, enum kind_id kind, int32_t number)
{
    char key[OBJECT_KEY_SIZE];

    model_number_key(number, key);
    return object_find(parent, kind, key);
}

const struct node *model_find_node(const struct model *model, const char *name)
{
    return (const struct node *)find_named(model_root(model), KIND_NODE, name);
}

const struct storage_pool_definition *model_find_pool_definition(const struct model *model, const char *name)
{
    return (const struct storage_pool_definition *)find_named(model_root(model), KIND_STORAGE_POOL_DEFINITION, name);
}

const struct storage_pool *model_find_pool(const struct node *node, const char *name)
{
    return (const struct storage_pool *)find_named(&node->object, KIND_STORAGE_POOL, name);
}

const struct resource_group *model_find_group(const struct model *model, const char *name)
{
    return (const struct resource_group *)find_named(model_root(model), KIND_RESOURCE_GROUP, name);
}

const struct resource_definition *model_find_definition(const struct model *model, const char *name)
{
    return (const struct resource_definition *)find_named(model_root(model), KIND_RESOURCE_DEFINITION, name);
}

const struct resource *model_find_resource(const struct resource_definition *definition, const char *node_name)
{
    return (const struct resource *)find_named(&definition->object, KIND_RESOURCE, node_name);
}

const struct net_interface *model_find_net_interface(const struct node *node, const char *name)
{
    return (const struct net_interface *)find_named(&node->object, KIND_NET_INTERFACE, name);
}

const struct volume_definition *model_find_volume_definition(const struct resource_definition *definition,
                                                             int32_t number)
{
    return (const struct volume_definition *)find_numbered(&definition->object, KIND_VOLUME_DEFINITION, number);
}

const struct volume_group *model_find_volume_group(const struct resource_group *group, int32_t number)
{
    return (const struct volume_group *)find_numbered(&group->object, KIND_VOLUME_GROUP, number);
}

const struct volume *resource_find_volume(const struct resource *resource, int32_t number)
{
    for (uint32_t i = 0; i < resource->volumes.count; i++)
        if (resource->volumes.at[i].number == number)
            return &resource->volumes.at[i];
    return NULL;
}

const struct resource_definition *model_find_external(const struct model *model, const char *external_name)
{
    struct map_node *node = map_find(&model->external_names, external_name);

    return node ? CONTAINER_OF(node, struct resource_definition, external) : NULL;
}

void model_set_minor_range(struct model *model, const char *text)
{
    struct number_ranges ranges;
    bool was_cut;

    if (number_ranges_parse(text ? text : "1000-49999", model->minors.min, model->minors.max, &ranges, &was_cut) == 0)
        number_pool_set_ranges(&model->minors, &ranges, NULL);
    number_ranges_done(&ranges);
}

void model_init(struct model *model)
{
    *model = (struct model){ 0 };
    number_pool_init(&model->minors, 0, 1048575);
    model_set_minor_range(model, NULL);
    model->controller = (struct controller *)place_new(KIND_CONTROLLER);
    model->controller->object.uuid = memory_alloc(TEXT_UUID_SIZE);
    text_make_uuid(model->controller->object.uuid);
    model->controller->object.memory = model->controller->object.uuid;
}

static void free_tree(struct object *object);

/* Leaves first: walking on from a node would look at its parent. As deep as the map's tree is. */
static void free_nodes(struct map_node *node)
{
    if (!node)
        return;
    free_nodes(node->tree.rbe_left);
    free_nodes(node->tree.rbe_right);
    free_tree(CONTAINER_OF(node, struct object, node[0]));
}

static void free_tree(struct object *object)
{
    for (int kind = 0; kind < KIND_COUNT; kind++)
        if (kinds[kind].parents[0] == object->kind->id)
            free_nodes(object_children(object, (enum kind_id)kind)->root);
    place_free(object);
}

static char *unreadable_key(const struct kind *kind, const char *path)
{
    return memory_printf("%s %s", kind->name, path);
}

void model_note_unreadable(struct model *model, const struct kind *kind, const char *path, const char *why)
{
    struct unreadable *unreadable = memory_alloc(sizeof(*unreadable));

    *unreadable = (struct unreadable){
        .node.key = unreadable_key(kind, path),
        .kind = kind,
        .path = memory_strdup(path),
        .why = memory_strdup(why),
    };
    map_insert(&model->unreadable, &unreadable->node);
}

static const struct unreadable *unreadable_of(struct map_node *node)
{
    return node ? CONTAINER_OF(node, struct unreadable, node) : NULL;
}

const struct unreadable *model_find_unreadable(const struct model *model, enum kind_id kind, const char *path)
{
    CLEANUP(memory_freep) char *key = model->unreadable.count > 0 ? unreadable_key(&kinds[kind], path) : NULL;

    return key ? unreadable_of(map_find(&model->unreadable, key)) : NULL;
}

/* The second parent's key is the object's own, or it is known to the record alone. */
static bool hangs_in(const struct unreadable *unreadable, const struct object *object)
{
    const char *key = object->node[0].key, *slash = strchr(unreadable->path, '/');
    size_t length = strlen(key);

    if (!slash)
        return false;
    return (unreadable->kind->parents[0] == object->kind->id && length == (size_t)(slash - unreadable->path) &&
            memcmp(unreadable->path, key, length) == 0) ||
           (unreadable->kind->parents[1] == object->kind->id && strcmp(slash + 1, key) == 0);
}

const struct unreadable *model_find_unreadable_in(const struct model *model, const struct object *object)
{
    map_for_each (node, &model->unreadable)
        if (hangs_in(unreadable_of(node), object))
            return unreadable_of(node);
    return NULL;
}

static void free_unreadable(struct model *model)
{
    struct map_node *node;

    while ((node = map_first(&model->unreadable))) {
        struct unreadable *unreadable = CONTAINER_OF(node, struct unreadable, node);

        map_remove(&model->unreadable, node);
        memory_freep(&unreadable->node.key);
        free(unreadable->path);
        free(unreadable->why);
        free(unreadable);
    }
}

void model_done(struct model *model)
{
    free_tree(&model->controller->object);
    free_unreadable(model);
    number_pool_done(&model->minors);
    arena_done(&model->txn_memory);
    *model = (struct model){ 0 };
}

void model_encode_record(const struct object *object, struct buf *out)
{
    struct json_writer writer = { .out = out };

    json_begin(&writer, '{');
    json_key(&writer, "v");
    json_i64(&writer, object->kind->version);
    json_key(&writer, "generation");
    json_i64(&writer, (int64_t)object->generation);
    field_encode_members(object->kind->schema, object, FIELD_STORE, &writer);
    json_end(&writer, '}');
}

/* Brings an older record to the version that the rows describe. */
static int upgrade(const struct kind *kind, cJSON *record, char *why, size_t why_size)
{
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(record, "v");
    int from = cJSON_IsNumber(version) ? version->valueint : 0;

    if (from < 1 || from > kind->version) {
        snprintf(why, why_size, "record version %d is not one of 1 to %d that this program knows", from, kind->version);
        return -1;
    }
    for (; from < kind->version; from++) {
        if (kind->upgrades[from - 1](record) != 0) {
            snprintf(why, why_size, "record cannot be brought from version %d to %d", from, from + 1);
            return -1;
        }
    }
    return 0;
}

/* The next member, if it is a short integer of that name. */
static bool scan_number(struct json_scanner *scanner, const char *name, bool *is_first, int64_t *number)
{
    struct json_token key = { 0 }, value;
    char digits[16];

    if (json_scan_member(scanner, '}', is_first, &key) != 1 || key.length != strlen(name) ||
        memcmp(key.start, name, key.length) != 0 || json_scan_token(scanner, &value) != 0 || value.kind != '0' ||
        value.length >= sizeof(digits))
        return false;
    memcpy(digits, value.start, value.length);
    digits[value.length] = '\0';
    return text_parse_i64(digits, 0, INT64_MAX, number);
}

/*
 * Without a tree, which is most of the time that a start takes: records as model_encode_record() writes them, of the
 * version that the rows describe. False: the tree must tell what it is.
 */
static bool scan_record(const struct kind *kind, struct object *object, const char *record, size_t length,
                        struct arena *arena)
{
    struct json_scanner head = { .text = record, .at = record, .end = record + length, .arena = arena };
    int64_t version, generation;
    struct field_error error;
    bool is_first = true;

    if (json_scan_blanks(&head) != '{' || json_scan_enter(&head) != 0 ||
        !scan_number(&head, "v", &is_first, &version) || version != kind->version ||
        !scan_number(&head, "generation", &is_first, &generation) ||
        field_scan_text(kind->schema, object, record, length, arena, &error) != 0)
        return false;
    object->generation = (uint64_t)generation;
    return true;
}

bool model_record_is_newer(const struct kind *kind, const char *record, size_t length)
{
    struct json_error broken;
    cJSON *json = json_parse(record, length, &broken);
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(json, "v");
    bool is_newer = cJSON_IsNumber(version) && version->valuedouble > kind->version;

    cJSON_Delete(json);
    return is_newer;
}

static int decode_tree(const struct kind *kind, struct object *object, const char *record, size_t length,
                       struct arena *arena, char *why, size_t why_size)
{
    struct json_error broken;
    struct field_error error;
    cJSON *json = json_parse(record, length, &broken);
    int result = -1;

    if (!json) {
        snprintf(why, why_size, "%s", broken.message);
        return -1;
    }
    if (upgrade(kind, json, why, why_size) == 0) {
        const cJSON *number = cJSON_GetObjectItemCaseSensitive(json, "generation");

        if (cJSON_IsNumber(number) && number->valuedouble >= 0)
            object->generation = (uint64_t)number->valuedouble; /* at most 15 digits, see json_parse() */
        result = field_decode(kind->schema, object, json, arena, &error);
        if (result != 0)
            snprintf(why, why_size, "%s", error.message);
    }
    cJSON_Delete(json);
    return result;
}

static int decode_record(const struct kind *kind, struct object *object, const char *record, size_t length, char *why,
                         size_t why_size)
{
    struct arena arena = { 0 };
    int result = 0;

    if (!scan_record(kind, object, record, length, &arena))
        result = decode_tree(kind, object, record, length, &arena, why, why_size);
    if (result == 0 && !object->uuid) {
        snprintf(why, why_size, "uuid: is missing");
        result = -1;
    }
    if (result == 0)
        place_pack(object);
    arena_done(&arena);
    return result;
}

bool model_record_is_faithful(const struct object *object, const char *record, size_t length)
{
    struct object *read = place_new(object->kind->id);
    char why[200];
    bool is_faithful = decode_record(object->kind, read, record, length, why, sizeof(why)) == 0 &&
                       read->generation == object->generation &&
                       field_equal(object->kind->schema, read, object, FIELD_STORE);

    place_free(read);
    return is_faithful;
}

static void explain_absence(const struct model *model, enum kind_id kind, const char *name, char *why, size_t why_size)
{
    char key[OBJECT_KEY_SIZE];
    bool is_unreadable = model_key(name, key) && model_find_unreadable(model, kind, key);

    snprintf(why, why_size, is_unreadable ? "the %s '%s' that it belongs to cannot be read" : "there is no %s '%s'",
             kinds[kind].name, name);
}

/* Splits "A/B" at the slash; a path without one has its object in the root. */
static struct object *find_parents(struct model *model, const struct object *object, const char *path, char *key,
                                   struct object **second, char *why, size_t why_size)
{
    const struct kind *kind = object->kind;
    struct object *root = &model->controller->object, *parent = root;
    const char *slash = strchr(path, '/');
    char parent_key[OBJECT_KEY_SIZE];

    *second = NULL;
    if (!model_key(slash ? slash + 1 : path, key)) {
        snprintf(why, why_size, "key is too long");
        return NULL;
    }
    if (kind->parents[0] != KIND_CONTROLLER) {
        snprintf(parent_key, sizeof(parent_key), "%.*s", slash ? (int)(slash - path) : 0, path);
        parent = place_writable(object_find(root, kind->parents[0], parent_key));
        if (!parent) {
            explain_absence(model, kind->parents[0], parent_key, why, why_size);
            return NULL;
        }
    }
    if (kind->parents[1] != KIND_NONE) {
        const char *name = place_second_name(object, key);

        *second = name ? place_writable(find_named(root, kind->parents[1], name)) : NULL;
        if (!*second) {
            explain_absence(model, kind->parents[1], name ? name : "", why, why_size);
            return NULL;
        }
    }
    return parent;
}

/* Into an object of its own first: what cannot be read to its end must leave nothing in the root. */
static struct object *load_controller(struct model *model, const struct kind *kind, const char *record, size_t length,
                                      char *why, size_t why_size)
{
    struct object *root = &model->controller->object, *read = place_new(KIND_CONTROLLER);
    void *memory = root->memory;

    if (decode_record(kind, read, record, length, why, why_size) != 0) {
        place_free(read);
        return NULL;
    }
    field_assign(root->kind->schema, root, read);
    root->generation = read->generation;
    root->memory = read->memory;
    read->memory = memory;
    place_free(read);
    return root;
}

static struct object *load_child(struct model *model, const struct kind *kind, const char *path, const char *record,
                                 size_t length, char *why, size_t why_size)
{
    struct object *object = place_new(kind->id), *parent, *second;
    char key[OBJECT_KEY_SIZE], own_path[OBJECT_PATH_SIZE];

    if (decode_record(kind, object, record, length, why, why_size) != 0 ||
        !(parent = find_parents(model, object, path, key, &second, why, why_size))) {
        place_free(object);
        return NULL;
    }
    if (!place_link(object, parent, second, key)) {
        snprintf(why, why_size, "there is a second record for the same %s", kind->name);
        place_free(object);
        return NULL;
    }
    object_path(object, own_path);
    if (strcmp(own_path, path) != 0) { /* changes of the object would go to another record */
        snprintf(why, why_size, "its key should be '%s'", own_path);
        place_unlink(object);
        place_free(object);
        return NULL;
    }
    if (kind->account)
        kind->account(model, object, +1);
    return object;
}

struct object *model_load(struct model *model, const struct kind *kind, const char *path, const char *record,
                          size_t length, char *why, size_t why_size)
{
    struct object *object = kind->id == KIND_CONTROLLER ? load_controller(model, kind, record, length, why, why_size)
                                                        : load_child(model, kind, path, record, length, why, why_size);

    if (object && object->generation > model->generation)
        model->generation = object->generation;
    return object;
}
