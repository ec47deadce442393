/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a cJSON tree to a struct. Members usually come in the order of the rows, so the search for a row goes on behind
 * the last one found. The path in an error is put together only when there is one.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/field_layout.h"
#include "base/text.h"

struct decoder {
    struct arena *arena;
    struct field_error *error;
    bool is_strict;
};

static int decode_object(struct decoder *decoder, const struct schema *schema, void *object, const cJSON *json);

static int complain(struct decoder *decoder, const char *what)
{
    decoder->error->path[0] = '\0';
    snprintf(decoder->error->message, sizeof(decoder->error->message), "%s", what);
    return -1;
}

/* Called on the way out of a failed decode: puts a step in front of the path. Always -1. */
static int within(struct decoder *decoder, const char *step)
{
    char rest[sizeof(decoder->error->path)];
    struct field_error *error = decoder->error;

    strcpy(rest, error->path);
    if (snprintf(error->path, sizeof(error->path), "%s%s%s", step, rest[0] && rest[0] != '[' ? "." : "", rest) < 0)
        error->path[0] = '\0';
    return -1;
}

static int within_index(struct decoder *decoder, uint32_t index)
{
    char step[16];

    snprintf(step, sizeof(step), "[%u]", index);
    return within(decoder, step);
}

static int decode_i64(struct decoder *decoder, const cJSON *json, int64_t min, int64_t max, int64_t *number)
{
    char message[96];

    if (cJSON_IsNumber(json)) {
        /* Up to 15 digits are exact; longer integers come as strings, see json.h. LINSTOR: fractions are cut off. */
        if (!isfinite(json->valuedouble) || fabs(json->valuedouble) > 1e15)
            return complain(decoder, "expected an integer");
        *number = (int64_t)json->valuedouble;
        if (*number >= min && *number <= max)
            return 0;
    } else if (!cJSON_IsString(json)) {
        return complain(decoder, "expected an integer");
    } else if (text_parse_i64(json->valuestring, min, max, number)) {
        return 0;
    } else if (!text_parse_i64(json->valuestring, INT64_MIN, INT64_MAX, number)) {
        return complain(decoder, "expected an integer");
    }
    snprintf(message, sizeof(message), "%lld is out of range (%lld to %lld)", (long long)*number, (long long)min,
             (long long)max);
    return complain(decoder, message);
}

static int decode_bool(struct decoder *decoder, const cJSON *json, bool *value)
{
    if (cJSON_IsBool(json))
        *value = cJSON_IsTrue(json);
    else if (cJSON_IsString(json) && strcasecmp(json->valuestring, "true") == 0)
        *value = true;
    else if (cJSON_IsString(json) && strcasecmp(json->valuestring, "false") == 0)
        *value = false;
    else
        return complain(decoder, "expected true or false");
    return 0;
}

static int decode_double(struct decoder *decoder, const cJSON *json, double *value)
{
    if (cJSON_IsNumber(json))
        *value = json->valuedouble;
    else if (!cJSON_IsString(json) || !text_parse_double(json->valuestring, value))
        return complain(decoder, "expected a number");
    return 0;
}

/* Text, or a scalar that becomes text where clients send one in its place. */
static int decode_text(struct decoder *decoder, const cJSON *json, bool scalars, char **text)
{
    if (cJSON_IsString(json))
        *text = arena_strdup(decoder->arena, json->valuestring);
    else if (scalars && cJSON_IsBool(json))
        *text = arena_strdup(decoder->arena, cJSON_IsTrue(json) ? "true" : "false");
    else if (scalars && cJSON_IsNumber(json))
        *text = arena_printf(decoder->arena, "%.15g", json->valuedouble);
    else
        return complain(decoder, "expected a string");
    return 0;
}

static int decode_enum(struct decoder *decoder, const struct enum_name *names, const cJSON *json, uint64_t *value)
{
    char message[160] = "expected one of";

    if (cJSON_IsString(json) && enum_parse(names, json->valuestring, value))
        return 0;
    for (; names->name; names++) {
        size_t used = strlen(message);

        snprintf(message + used, sizeof(message) - used, " %s", names->name);
    }
    return complain(decoder, message);
}

bool field_parse_bits(const char *text, uint64_t *bits)
{
    size_t digits = strncmp(text, "0x", 2) == 0 ? strspn(text + 2, "0123456789abcdef") : 0;

    if (digits == 0 || digits > 16 || text[2 + digits])
        return false;
    *bits = strtoull(text + 2, NULL, 16);
    return true;
}

static int decode_flags(struct decoder *decoder, const struct enum_name *names, const cJSON *json, uint64_t *flags)
{
    uint32_t index = 0;
    const cJSON *item;

    if (!cJSON_IsArray(json))
        return complain(decoder, "expected a list");
    *flags = 0;
    cJSON_ArrayForEach(item, json)
    {
        uint64_t value;

        if (!(cJSON_IsString(item) && field_parse_bits(item->valuestring, &value)) &&
            decode_enum(decoder, names, item, &value) != 0)
            return within_index(decoder, index);
        *flags |= value;
        index++;
    }
    return 0;
}

static uint32_t child_count(const cJSON *json)
{
    uint32_t count = 0;

    for (const cJSON *item = json->child; item; item = item->next)
        count++;
    return count;
}

static int decode_texts(struct decoder *decoder, const cJSON *json, struct text_list *list)
{
    uint32_t count, index = 0;

    if (!cJSON_IsArray(json))
        return complain(decoder, "expected a list");
    count = child_count(json);
    list->at = arena_alloc(decoder->arena, sizeof(list->at[0]) * count);
    list->count = count;
    for (const cJSON *item = json->child; item; item = item->next, index++)
        if (decode_text(decoder, item, true, &list->at[index]) != 0)
            return within_index(decoder, index);
    return 0;
}

static int decode_i64s(struct decoder *decoder, const cJSON *json, struct i64_list *list)
{
    uint32_t count, index = 0;

    if (!cJSON_IsArray(json))
        return complain(decoder, "expected a list");
    count = child_count(json);
    list->at = arena_alloc(decoder->arena, sizeof(list->at[0]) * count);
    list->count = count;
    for (const cJSON *item = json->child; item; item = item->next, index++)
        if (decode_i64(decoder, item, INT64_MIN, INT64_MAX, &list->at[index]) != 0)
            return within_index(decoder, index);
    return 0;
}

static int decode_text_map(struct decoder *decoder, const cJSON *json, struct text_map *map)
{
    if (!cJSON_IsObject(json))
        return complain(decoder, "expected an object");
    map->room = child_count(json);
    map->at = arena_alloc(decoder->arena, sizeof(map->at[0]) * map->room);
    map->count = 0;
    for (const cJSON *item = json->child; item; item = item->next) {
        char *value;

        if (cJSON_IsNull(item))
            continue;
        if (decode_text(decoder, item, true, &value) != 0)
            return within(decoder, item->string);
        if (map->count > 0 && strcmp(map->at[map->count - 1].key, item->string) >= 0) {
            if (map->count >= FIELD_MAP_LIMIT)
                return complain(decoder, "has more than 10000 members, and not in order");
            text_map_set(map, item->string, value, decoder->arena);
        } else { /* sorted already, as our own encoder writes it */
            map->at[map->count].key = arena_strdup(decoder->arena, item->string);
            map->at[map->count++].value = value;
        }
    }
    map->room = 0;
    return 0;
}

static int decode_i64_map(struct decoder *decoder, const cJSON *json, struct i64_map *map)
{
    if (!cJSON_IsObject(json))
        return complain(decoder, "expected an object");
    map->at = arena_alloc(decoder->arena, sizeof(map->at[0]) * child_count(json));
    map->count = 0;
    for (const cJSON *item = json->child; item; item = item->next) {
        struct i64_pair *pair = &map->at[map->count++];

        pair->key = arena_strdup(decoder->arena, item->string);
        if (decode_i64(decoder, item, INT64_MIN, INT64_MAX, &pair->value) != 0)
            return within(decoder, item->string);
    }
    return 0;
}

static int decode_texts_map(struct decoder *decoder, const cJSON *json, struct texts_map *map)
{
    if (!cJSON_IsObject(json))
        return complain(decoder, "expected an object");
    map->at = arena_alloc(decoder->arena, sizeof(map->at[0]) * child_count(json));
    map->count = 0;
    for (const cJSON *item = json->child; item; item = item->next) {
        struct texts_pair *pair = &map->at[map->count++];

        pair->key = arena_strdup(decoder->arena, item->string);
        if (decode_texts(decoder, item, &pair->value) != 0)
            return within(decoder, item->string);
    }
    return 0;
}

static int decode_list(struct decoder *decoder, const struct field *field, const cJSON *json, void *member)
{
    struct any_list {
        char *at;
        uint32_t count, room;
    } *list = member;
    const struct schema *schema = field->ref;
    bool is_map = field->kind == FIELD_KIND_OBJECT_MAP;
    uint32_t count, index = 0;

    if (is_map ? !cJSON_IsObject(json) : !cJSON_IsArray(json))
        return complain(decoder, is_map ? "expected an object" : "expected a list");
    count = child_count(json);
    list->at = arena_alloc(decoder->arena, (size_t)schema->size * count);
    list->count = count;
    for (const cJSON *item = json->child; item; item = item->next, index++) {
        char *object = list->at + (size_t)schema->size * index;

        if (is_map) {
            char *key = arena_strdup(decoder->arena, item->string);

            memcpy(object, &key, sizeof(key));
        }
        if (decode_object(decoder, schema, object, item) != 0)
            return is_map ? within(decoder, item->string) : within_index(decoder, index);
    }
    return 0;
}

static int decode_member(struct decoder *decoder, const struct field *field, const cJSON *json, void *member)
{
    struct maybe_bool *maybe_bool = member;
    struct maybe_i32 *maybe_i32 = member;
    struct maybe_i64 *maybe_i64 = member;
    struct maybe_double *maybe_double = member;
    int64_t number;
    uint64_t bits;
    void *object;

    switch ((enum field_kind)field->kind) {
    case FIELD_KIND_TEXT: return decode_text(decoder, json, true, member);
    case FIELD_KIND_BOOL: return decode_bool(decoder, json, member);
    case FIELD_KIND_I32:
        if (decode_i64(decoder, json, INT32_MIN, INT32_MAX, &number) != 0)
            return -1;
        *(int32_t *)member = (int32_t)number;
        return 0;
    case FIELD_KIND_I64: return decode_i64(decoder, json, INT64_MIN, INT64_MAX, member);
    case FIELD_KIND_DOUBLE: return decode_double(decoder, json, member);
    case FIELD_KIND_MAYBE_BOOL: maybe_bool->has = true; return decode_bool(decoder, json, &maybe_bool->value);
    case FIELD_KIND_MAYBE_I32:
        maybe_i32->has = true;
        if (decode_i64(decoder, json, INT32_MIN, INT32_MAX, &number) != 0)
            return -1;
        maybe_i32->value = (int32_t)number;
        return 0;
    case FIELD_KIND_MAYBE_I64:
        maybe_i64->has = true;
        return decode_i64(decoder, json, INT64_MIN, INT64_MAX, &maybe_i64->value);
    case FIELD_KIND_MAYBE_DOUBLE: maybe_double->has = true; return decode_double(decoder, json, &maybe_double->value);
    case FIELD_KIND_TEXTS: return decode_texts(decoder, json, member);
    case FIELD_KIND_I64S: return decode_i64s(decoder, json, member);
    case FIELD_KIND_TEXT_MAP: return decode_text_map(decoder, json, member);
    case FIELD_KIND_I64_MAP: return decode_i64_map(decoder, json, member);
    case FIELD_KIND_TEXTS_MAP: return decode_texts_map(decoder, json, member);
    case FIELD_KIND_ENUM:
        if (decode_enum(decoder, field->ref, json, &bits) != 0)
            return -1;
        *(uint32_t *)member = (uint32_t)bits;
        return 0;
    case FIELD_KIND_FLAGS: return decode_flags(decoder, field->ref, json, member);
    case FIELD_KIND_OBJECT:
        object = arena_alloc(decoder->arena, ((const struct schema *)field->ref)->size);
        memcpy(member, &object, sizeof(object));
        return decode_object(decoder, field->ref, object, json);
    case FIELD_KIND_INLINE: return decode_object(decoder, field->ref, member, json);
    case FIELD_KIND_LIST:
    case FIELD_KIND_OBJECT_MAP: return decode_list(decoder, field, json, member);
    }
    return -1;
}

static int decode_object(struct decoder *decoder, const struct schema *schema, void *object, const cJSON *json)
{
    uint64_t seen = 0;
    uint32_t next = 0;

    if (!cJSON_IsObject(json))
        return complain(decoder, "expected an object");
    for (const cJSON *item = json->child; item; item = item->next) {
        const struct field *field = NULL;

        for (uint32_t tried = 0; tried < schema->count && !field; tried++, next++) {
            if (next >= schema->count)
                next = 0;
            if (strcmp(schema->fields[next].name, item->string) == 0)
                field = &schema->fields[next];
        }
        if (!field) {
            if (decoder->is_strict) {
                complain(decoder, "unknown key");
                return within(decoder, item->string);
            }
            continue;
        }
        if (cJSON_IsNull(item))
            continue;
        seen |= UINT64_C(1) << (field - schema->fields);
        if (decode_member(decoder, field, item, (char *)object + field->offset) != 0)
            return within(decoder, field->name);
    }
    for (uint32_t i = 0; i < schema->count; i++) {
        if ((schema->fields[i].use & FIELD_REQUIRED) && !(seen & UINT64_C(1) << i)) {
            complain(decoder, "is missing");
            return within(decoder, schema->fields[i].name);
        }
    }
    return 0;
}

static int decode(const struct schema *schema, void *object, const cJSON *json, struct arena *arena,
                  struct field_error *error, bool is_strict)
{
    struct decoder decoder = { .arena = arena, .error = error, .is_strict = is_strict };
    char what[sizeof(error->message)];

    if (decode_object(&decoder, schema, object, json) == 0)
        return 0;
    strcpy(what, error->message);
    if (error->path[0] && snprintf(error->message, sizeof(error->message), "%s: %s", error->path, what) < 0)
        error->message[0] = '\0';
    return -1;
}

int field_decode(const struct schema *schema, void *object, const cJSON *json, struct arena *arena,
                 struct field_error *error)
{
    return decode(schema, object, json, arena, error, false);
}

int field_decode_strict(const struct schema *schema, void *object, const cJSON *json, struct arena *arena,
                        struct field_error *error)
{
    return decode(schema, object, json, arena, error, true);
}

int field_decode_text(const struct schema *schema, void *object, const char *text, size_t length, struct arena *arena,
                      struct field_error *error)
{
    struct json_error broken;
    cJSON *json = json_parse(text, length, &broken);
    int result;

    if (!json) {
        error->path[0] = '\0';
        snprintf(error->message, sizeof(error->message), "%s", broken.message);
        return -1;
    }
    result = field_decode(schema, object, json, arena, error);
    cJSON_Delete(json);
    return result;
}
