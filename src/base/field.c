/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Copying, measuring and comparing by rows; encoding is in field_encode.c, decoding in field_decode.c. Every function
 * is one switch over the kinds, so a new kind does not compile until all of them know it.
 */
#include "base/field.h"

#include <assert.h>
#include <string.h>

#include "base/field_layout.h"

static size_t item_size(const struct field *field)
{
    switch ((enum field_kind)field->kind) {
    case FIELD_KIND_TEXTS: return sizeof(char *);
    case FIELD_KIND_I64S: return sizeof(int64_t);
    case FIELD_KIND_TEXT_MAP: return sizeof(struct text_pair);
    case FIELD_KIND_I64_MAP: return sizeof(struct i64_pair);
    case FIELD_KIND_TEXTS_MAP: return sizeof(struct texts_pair);
    case FIELD_KIND_LIST:
    case FIELD_KIND_OBJECT_MAP: return ((const struct schema *)field->ref)->size;
    case FIELD_KIND_TEXT: return sizeof(char *);
    case FIELD_KIND_BOOL: return sizeof(bool);
    case FIELD_KIND_I32: return sizeof(int32_t);
    case FIELD_KIND_I64: return sizeof(int64_t);
    case FIELD_KIND_DOUBLE: return sizeof(double);
    case FIELD_KIND_MAYBE_BOOL: return sizeof(struct maybe_bool);
    case FIELD_KIND_MAYBE_I32: return sizeof(struct maybe_i32);
    case FIELD_KIND_MAYBE_I64: return sizeof(struct maybe_i64);
    case FIELD_KIND_MAYBE_DOUBLE: return sizeof(struct maybe_double);
    case FIELD_KIND_ENUM: return sizeof(uint32_t);
    case FIELD_KIND_FLAGS: return sizeof(uint64_t);
    case FIELD_KIND_OBJECT:
    case FIELD_KIND_INLINE: return ((const struct schema *)field->ref)->size;
    }
    return 0;
}

static size_t member_size(const struct field *field)
{
    switch ((enum field_kind)field->kind) {
    case FIELD_KIND_TEXTS:
    case FIELD_KIND_I64S:
    case FIELD_KIND_TEXT_MAP:
    case FIELD_KIND_I64_MAP:
    case FIELD_KIND_TEXTS_MAP:
    case FIELD_KIND_LIST:
    case FIELD_KIND_OBJECT_MAP: return sizeof(struct any_list);
    case FIELD_KIND_OBJECT: return sizeof(void *);
    case FIELD_KIND_TEXT:
    case FIELD_KIND_BOOL:
    case FIELD_KIND_I32:
    case FIELD_KIND_I64:
    case FIELD_KIND_DOUBLE:
    case FIELD_KIND_MAYBE_BOOL:
    case FIELD_KIND_MAYBE_I32:
    case FIELD_KIND_MAYBE_I64:
    case FIELD_KIND_MAYBE_DOUBLE:
    case FIELD_KIND_ENUM:
    case FIELD_KIND_FLAGS:
    case FIELD_KIND_INLINE: return item_size(field);
    }
    return 0;
}

void field_assign(const struct schema *schema, void *to, const void *from)
{
    for (uint32_t i = 0; i < schema->count; i++)
        memcpy((char *)to + schema->fields[i].offset, field_member(&schema->fields[i], from),
               member_size(&schema->fields[i]));
}

static void copy_key(void *to, const void *from, struct arena *arena)
{
    const char *key;
    char *copy;

    memcpy(&key, from, sizeof(key));
    copy = arena_strdup(arena, key);
    memcpy(to, &copy, sizeof(copy));
}

static void copy_texts(struct text_list *to, const struct text_list *from, struct arena *arena)
{
    *to = (struct text_list){ .count = from->count };
    if (!from->at)
        return;
    to->at = arena_alloc(arena, sizeof(to->at[0]) * from->count);
    for (uint32_t i = 0; i < from->count; i++)
        to->at[i] = arena_strdup(arena, from->at[i]);
}

static void copy_list(const struct field *field, struct any_list *to, const struct any_list *from, struct arena *arena)
{
    size_t size = item_size(field);

    *to = (struct any_list){ 0 };
    if (!from->at)
        return;
    to->at = arena_alloc(arena, from->count * size);
    to->count = from->count;
    for (uint32_t i = 0; i < from->count; i++) {
        char *target = (char *)to->at + i * size;
        const char *source = (const char *)from->at + i * size;

        switch ((enum field_kind)field->kind) {
        case FIELD_KIND_OBJECT_MAP:
            copy_key(target, source, arena);
            field_copy(field->ref, target, source, arena);
            break;
        case FIELD_KIND_LIST: field_copy(field->ref, target, source, arena); break;
        case FIELD_KIND_TEXTS: copy_key(target, source, arena); break;
        case FIELD_KIND_TEXT_MAP:
            copy_key(target, source, arena);
            copy_key(target + sizeof(char *), source + sizeof(char *), arena);
            break;
        case FIELD_KIND_I64_MAP:
            memcpy(target, source, size);
            copy_key(target, source, arena);
            break;
        case FIELD_KIND_TEXTS_MAP:
            copy_key(target, source, arena);
            copy_texts((void *)(target + sizeof(char *)), (const void *)(source + sizeof(char *)), arena);
            break;
        case FIELD_KIND_I64S:
        case FIELD_KIND_TEXT:
        case FIELD_KIND_BOOL:
        case FIELD_KIND_I32:
        case FIELD_KIND_I64:
        case FIELD_KIND_DOUBLE:
        case FIELD_KIND_MAYBE_BOOL:
        case FIELD_KIND_MAYBE_I32:
        case FIELD_KIND_MAYBE_I64:
        case FIELD_KIND_MAYBE_DOUBLE:
        case FIELD_KIND_ENUM:
        case FIELD_KIND_FLAGS:
        case FIELD_KIND_OBJECT:
        case FIELD_KIND_INLINE: memcpy(target, source, size); break;
        }
    }
}

void field_copy(const struct schema *schema, void *to, const void *from, struct arena *arena)
{
    for (uint32_t i = 0; i < schema->count; i++) {
        const struct field *field = &schema->fields[i];
        const void *source = field_member(field, from);
        char *target = (char *)to + field->offset;
        const void *pointer;
        void *copy;

        switch ((enum field_kind)field->kind) {
        case FIELD_KIND_TEXT:
            memcpy(&pointer, source, sizeof(pointer));
            copy = arena_strdup_null(arena, pointer);
            memcpy(target, &copy, sizeof(copy));
            break;
        case FIELD_KIND_OBJECT:
            memcpy(&pointer, source, sizeof(pointer));
            copy = pointer ? arena_alloc(arena, item_size(field)) : NULL;
            if (copy)
                field_copy(field->ref, copy, pointer, arena);
            memcpy(target, &copy, sizeof(copy));
            break;
        case FIELD_KIND_INLINE: field_copy(field->ref, target, source, arena); break;
        case FIELD_KIND_TEXTS:
        case FIELD_KIND_I64S:
        case FIELD_KIND_TEXT_MAP:
        case FIELD_KIND_I64_MAP:
        case FIELD_KIND_TEXTS_MAP:
        case FIELD_KIND_LIST:
        case FIELD_KIND_OBJECT_MAP: copy_list(field, (void *)target, source, arena); break;
        case FIELD_KIND_BOOL:
        case FIELD_KIND_I32:
        case FIELD_KIND_I64:
        case FIELD_KIND_DOUBLE:
        case FIELD_KIND_MAYBE_BOOL:
        case FIELD_KIND_MAYBE_I32:
        case FIELD_KIND_MAYBE_I64:
        case FIELD_KIND_MAYBE_DOUBLE:
        case FIELD_KIND_ENUM:
        case FIELD_KIND_FLAGS: memcpy(target, source, item_size(field)); break;
        }
    }
}

static size_t measure_text(const void *source)
{
    const char *text;

    memcpy(&text, source, sizeof(text));
    return text ? strlen(text) + 1 : 0;
}

static size_t measure_texts(const struct text_list *texts)
{
    size_t total = texts->count * sizeof(texts->at[0]);

    for (uint32_t i = 0; i < texts->count; i++)
        total += strlen(texts->at[i]) + 1;
    return total;
}

size_t field_measure(const struct schema *schema, const void *object)
{
    enum { ALIGNMENT_LOSS = 16 };
    size_t total = 0;

    for (uint32_t i = 0; i < schema->count; i++) {
        const struct field *field = &schema->fields[i];
        const void *member = field_member(field, object);
        const struct any_list *list = member;
        const void *pointer;

        switch ((enum field_kind)field->kind) {
        case FIELD_KIND_TEXT: total += measure_text(member); break;
        case FIELD_KIND_OBJECT:
            memcpy(&pointer, member, sizeof(pointer));
            if (pointer)
                total += item_size(field) + ALIGNMENT_LOSS + field_measure(field->ref, pointer);
            break;
        case FIELD_KIND_INLINE: total += field_measure(field->ref, member); break;
        case FIELD_KIND_TEXTS:
        case FIELD_KIND_I64S:
        case FIELD_KIND_TEXT_MAP:
        case FIELD_KIND_I64_MAP:
        case FIELD_KIND_TEXTS_MAP:
        case FIELD_KIND_LIST:
        case FIELD_KIND_OBJECT_MAP:
            if (!list->at)
                break;
            total += list->count * item_size(field) + ALIGNMENT_LOSS;
            for (uint32_t j = 0; j < list->count; j++) {
                const char *item = (const char *)list->at + j * item_size(field);

                if (field->kind == FIELD_KIND_LIST || field->kind == FIELD_KIND_OBJECT_MAP)
                    total += field_measure(field->ref, item);
                if (field->kind != FIELD_KIND_LIST && field->kind != FIELD_KIND_I64S)
                    total += measure_text(item);
                if (field->kind == FIELD_KIND_TEXT_MAP)
                    total += measure_text(item + sizeof(char *));
                if (field->kind == FIELD_KIND_TEXTS_MAP)
                    total += measure_texts((const void *)(item + sizeof(char *))) + ALIGNMENT_LOSS;
            }
            break;
        case FIELD_KIND_BOOL:
        case FIELD_KIND_I32:
        case FIELD_KIND_I64:
        case FIELD_KIND_DOUBLE:
        case FIELD_KIND_MAYBE_BOOL:
        case FIELD_KIND_MAYBE_I32:
        case FIELD_KIND_MAYBE_I64:
        case FIELD_KIND_MAYBE_DOUBLE:
        case FIELD_KIND_ENUM:
        case FIELD_KIND_FLAGS: break;
        }
    }
    return total;
}

void *field_duplicate(const struct schema *schema, const void *object)
{
    size_t head = (schema->size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    size_t size = field_measure(schema, object);
    char *block = memory_alloc(head + size);
    struct arena rest = { .next = block + head, .end = block + head + size };

    field_copy(schema, block, object, &rest);
    assert(!rest.chunks); /* field_measure counted enough */
    return block;
}

uint32_t field_largest_map(const struct schema *schema, const void *object, unsigned audience)
{
    uint32_t largest = 0;

    for (uint32_t i = 0; i < schema->count; i++) {
        const struct field *field = &schema->fields[i];
        const struct any_list *list = field_member(field, object);
        const char *first = field_member(field, object);
        uint32_t items = 0, size = 0;

        if (!(field->use & audience))
            continue;
        if (field->kind == FIELD_KIND_TEXT_MAP && list->count > largest)
            largest = list->count;
        if (field->kind == FIELD_KIND_OBJECT) {
            memcpy(&first, field_member(field, object), sizeof(first));
            items = first != NULL;
        } else if (field->kind == FIELD_KIND_INLINE) {
            items = 1;
        } else if (field->kind == FIELD_KIND_LIST || field->kind == FIELD_KIND_OBJECT_MAP) {
            first = (const char *)list->at;
            items = list->count;
            size = ((const struct schema *)field->ref)->size;
        }
        for (uint32_t item = 0; item < items; item++, first += size) {
            uint32_t below = field_largest_map(field->ref, first, audience);

            if (below > largest)
                largest = below;
        }
    }
    return largest;
}

static bool same_text(const void *a, const void *b)
{
    const char *left, *right;

    memcpy(&left, a, sizeof(left));
    memcpy(&right, b, sizeof(right));
    if (!left || !right)
        return left == right;
    return strcmp(left, right) == 0;
}

static bool same_texts(const struct text_list *a, const struct text_list *b)
{
    bool same = a->count == b->count;

    for (uint32_t i = 0; same && i < a->count; i++)
        same = strcmp(a->at[i], b->at[i]) == 0;
    return same;
}

static bool same_item(const struct field *field, const char *a, const char *b, unsigned audience)
{
    switch ((enum field_kind)field->kind) {
    case FIELD_KIND_TEXTS: return same_text(a, b);
    case FIELD_KIND_TEXT_MAP: return same_text(a, b) && same_text(a + sizeof(char *), b + sizeof(char *));
    case FIELD_KIND_I64_MAP:
        return same_text(a, b) &&
               ((const struct i64_pair *)(const void *)a)->value == ((const struct i64_pair *)(const void *)b)->value;
    case FIELD_KIND_TEXTS_MAP:
        return same_text(a, b) && same_texts((const void *)(a + sizeof(char *)), (const void *)(b + sizeof(char *)));
    case FIELD_KIND_OBJECT_MAP: return same_text(a, b) && field_equal(field->ref, a, b, audience);
    case FIELD_KIND_LIST: return field_equal(field->ref, a, b, audience);
    case FIELD_KIND_I64S:
    case FIELD_KIND_TEXT:
    case FIELD_KIND_BOOL:
    case FIELD_KIND_I32:
    case FIELD_KIND_I64:
    case FIELD_KIND_DOUBLE:
    case FIELD_KIND_MAYBE_BOOL:
    case FIELD_KIND_MAYBE_I32:
    case FIELD_KIND_MAYBE_I64:
    case FIELD_KIND_MAYBE_DOUBLE:
    case FIELD_KIND_ENUM:
    case FIELD_KIND_FLAGS:
    case FIELD_KIND_OBJECT:
    case FIELD_KIND_INLINE: return memcmp(a, b, item_size(field)) == 0;
    }
    return false;
}

static bool same_list(const struct field *field, const struct any_list *a, const struct any_list *b, unsigned audience)
{
    size_t size = item_size(field);

    if (a->count != b->count || (a->at == NULL) != (b->at == NULL))
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (!same_item(field, (const char *)a->at + i * size, (const char *)b->at + i * size, audience))
            return false;
    return true;
}

#define SAME_MAYBE(type, a, b)                                                                                         \
    (((const type *)(a))->has == ((const type *)(b))->has &&                                                           \
     (!((const type *)(a))->has || ((const type *)(a))->value == ((const type *)(b))->value))

static bool same_member(const struct field *field, const void *a, const void *b, unsigned audience)
{
    const void *left, *right;

    switch ((enum field_kind)field->kind) {
    case FIELD_KIND_TEXT: return same_text(a, b);
    case FIELD_KIND_OBJECT:
        memcpy(&left, a, sizeof(left));
        memcpy(&right, b, sizeof(right));
        return left && right ? field_equal(field->ref, left, right, audience) : left == right;
    case FIELD_KIND_INLINE: return field_equal(field->ref, a, b, audience);
    case FIELD_KIND_MAYBE_BOOL: return SAME_MAYBE(struct maybe_bool, a, b);
    case FIELD_KIND_MAYBE_I32: return SAME_MAYBE(struct maybe_i32, a, b);
    case FIELD_KIND_MAYBE_I64: return SAME_MAYBE(struct maybe_i64, a, b);
    case FIELD_KIND_MAYBE_DOUBLE: return SAME_MAYBE(struct maybe_double, a, b);
    case FIELD_KIND_TEXTS:
    case FIELD_KIND_I64S:
    case FIELD_KIND_TEXT_MAP:
    case FIELD_KIND_I64_MAP:
    case FIELD_KIND_TEXTS_MAP:
    case FIELD_KIND_LIST:
    case FIELD_KIND_OBJECT_MAP: return same_list(field, a, b, audience);
    case FIELD_KIND_BOOL:
    case FIELD_KIND_I32:
    case FIELD_KIND_I64:
    case FIELD_KIND_DOUBLE:
    case FIELD_KIND_ENUM:
    case FIELD_KIND_FLAGS: return memcmp(a, b, item_size(field)) == 0;
    }
    return false;
}

bool field_equal(const struct schema *schema, const void *a, const void *b, unsigned audience)
{
    for (uint32_t i = 0; i < schema->count; i++) {
        const struct field *field = &schema->fields[i];

        if ((field->use & audience) && !same_member(field, field_member(field, a), field_member(field, b), audience))
            return false;
    }
    return true;
}
