/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a struct to JSON text; what is absent, empty or secret is left out as its row says. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/field_layout.h"

/* Bits that no name covers are kept as one text "0x..." behind the names; they are no concern of REST. */
static void encode_flags(const struct enum_name *names, uint64_t flags, unsigned audience, struct json_writer *writer)
{
    uint64_t rest = flags;
    char text[20];

    json_begin(writer, '[');
    for (; names->name; names++)
        if ((flags & names->value) == names->value) {
            json_plain_text(writer, names->name);
            rest &= ~names->value;
        }
    snprintf(text, sizeof(text), "0x%" PRIx64, rest);
    if (rest && audience & (FIELD_STORE | FIELD_LINK))
        json_text(writer, text);
    json_end(writer, ']');
}

static void encode_list(const struct field *field, const struct any_list *list, unsigned audience,
                        struct json_writer *writer)
{
    const struct schema *item = field->ref;
    bool is_map = field->kind == FIELD_KIND_OBJECT_MAP;

    json_begin(writer, is_map ? '{' : '[');
    for (uint32_t i = 0; i < list->count; i++) {
        const char *object = (const char *)list->at + (size_t)i * item->size;

        if (is_map) {
            const char *key;

            memcpy(&key, object, sizeof(key));
            json_key(writer, key);
        }
        field_encode(item, object, audience, writer);
    }
    json_end(writer, is_map ? '}' : ']');
}

static bool is_empty(const struct field *field, const void *member)
{
    const struct any_list *list = member;
    const char *text;

    if (field_traits[field->kind].shape == FIELD_SHAPE_ITEMS)
        return list->count == 0;
    if (field->kind != FIELD_KIND_TEXT)
        return false;
    memcpy(&text, member, sizeof(text));
    return !*text;
}

/* Most rows of most documents are absent, so this is quick about them. */
static inline bool is_absent(const struct field *field, const char *object)
{
    const char *member = object + field->offset;
    uint64_t lead = 1;

    if (field->lead == sizeof(lead))
        memcpy(&lead, member, sizeof(lead));
    else if (field->lead == sizeof(bool))
        lead = *(const bool *)member;
    else if (field->lead == sizeof(uint32_t))
        lead = *(const uint32_t *)member;
    return lead == 0;
}

static void encode_texts(const struct text_list *texts, struct json_writer *writer)
{
    json_begin(writer, '[');
    for (uint32_t i = 0; i < texts->count; i++)
        json_text(writer, texts->at[i]);
    json_end(writer, ']');
}

static void encode_member(const struct field *field, const void *member, unsigned audience, struct json_writer *writer)
{
    const struct text_list *texts = member;
    const struct i64_list *numbers = member;
    const struct text_map *map = member;
    const struct i64_map *number_map = member;
    const struct texts_map *texts_map = member;
    const void *pointer;
    const char *name;

    switch ((enum field_kind)field->kind) {
    case FIELD_KIND_TEXT:
        memcpy(&name, member, sizeof(name));
        json_text(writer, name);
        return;
    case FIELD_KIND_BOOL: json_bool(writer, *(const bool *)member); return;
    case FIELD_KIND_I32: json_i64(writer, *(const int32_t *)member); return;
    case FIELD_KIND_I64: json_i64(writer, *(const int64_t *)member); return;
    case FIELD_KIND_DOUBLE: json_double(writer, *(const double *)member); return;
    case FIELD_KIND_MAYBE_BOOL: json_bool(writer, ((const struct maybe_bool *)member)->value); return;
    case FIELD_KIND_MAYBE_I32: json_i64(writer, ((const struct maybe_i32 *)member)->value); return;
    case FIELD_KIND_MAYBE_I64: json_i64(writer, ((const struct maybe_i64 *)member)->value); return;
    case FIELD_KIND_MAYBE_DOUBLE: json_double(writer, ((const struct maybe_double *)member)->value); return;
    case FIELD_KIND_ENUM:
        name = enum_name(field->ref, *(const uint32_t *)member);
        json_plain_text(writer, name ? name : "?");
        return;
    case FIELD_KIND_FLAGS: encode_flags(field->ref, *(const uint64_t *)member, audience, writer); return;
    case FIELD_KIND_TEXTS: encode_texts(texts, writer); return;
    case FIELD_KIND_I64S:
        json_begin(writer, '[');
        for (uint32_t i = 0; i < numbers->count; i++)
            json_i64(writer, numbers->at[i]);
        json_end(writer, ']');
        return;
    case FIELD_KIND_TEXT_MAP:
        json_begin(writer, '{');
        for (uint32_t i = 0; i < map->count; i++) {
            json_key(writer, map->at[i].key);
            json_text(writer, map->at[i].value);
        }
        json_end(writer, '}');
        return;
    case FIELD_KIND_I64_MAP:
        json_begin(writer, '{');
        for (uint32_t i = 0; i < number_map->count; i++) {
            json_key(writer, number_map->at[i].key);
            json_i64(writer, number_map->at[i].value);
        }
        json_end(writer, '}');
        return;
    case FIELD_KIND_TEXTS_MAP:
        json_begin(writer, '{');
        for (uint32_t i = 0; i < texts_map->count; i++) {
            json_key(writer, texts_map->at[i].key);
            encode_texts(&texts_map->at[i].value, writer);
        }
        json_end(writer, '}');
        return;
    case FIELD_KIND_OBJECT:
        memcpy(&pointer, member, sizeof(pointer));
        field_encode(field->ref, pointer, audience, writer);
        return;
    case FIELD_KIND_INLINE: field_encode(field->ref, member, audience, writer); return;
    case FIELD_KIND_LIST:
    case FIELD_KIND_OBJECT_MAP: encode_list(field, member, audience, writer); return;
    }
}

void field_encode_members(const struct schema *schema, const void *object, unsigned audience,
                          struct json_writer *writer)
{
    for (const struct field *field = schema->fields, *end = field + schema->count; field < end; field++) {
        const void *member = field_member(field, object);

        if (is_absent(field, object) || !(field->use & audience))
            continue;
        if ((field->use & FIELD_NOT_EMPTY) && audience == FIELD_REST && is_empty(field, member))
            continue;
        if ((field->use & FIELD_SECRET) && !(audience & (FIELD_STORE | FIELD_LINK)))
            continue;
        json_quoted_key(writer, field->name + field->name_length + 1, field->name_length + (size_t)4);
        encode_member(field, member, audience, writer);
    }
}

void field_encode(const struct schema *schema, const void *object, unsigned audience, struct json_writer *writer)
{
    json_begin(writer, '{');
    field_encode_members(schema, object, audience, writer);
    json_end(writer, '}');
}

size_t field_encoded_length(const struct schema *schema, const void *object, unsigned audience)
{
    struct buf text = { 0 };
    struct json_writer writer = { .out = &text };
    size_t length;

    field_encode(schema, object, audience, &writer);
    length = text.length;
    buf_done(&text);
    return length;
}
