/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Copying, measuring and comparing by rows, by what the table says of their kinds; encoding is in field_encode.c,
 * decoding in field_decode.c and field_scan.c.
 */
#include "base/field.h"

#include <assert.h>
#include <string.h>

#include "base/field_layout.h"

#define VALUE(type)        FIELD_SHAPE_BYTES, .size = sizeof(type)
#define MAYBE_OF(type)     FIELD_SHAPE_MAYBE, .size = sizeof(struct type), .value_at = offsetof(struct type, value)
#define POINTER(shape)     shape, .size = sizeof(void *)
#define ITEMS(kind, bytes) FIELD_SHAPE_ITEMS, .size = sizeof(struct any_list), .item = kind, .item_size = bytes
#define KEYS(at)           .has_keys = true, .value_at = at

/* clang-format off */
const struct field_traits field_traits[] = {
    { FIELD_KIND_TEXT,         POINTER(FIELD_SHAPE_TEXT) },
    { FIELD_KIND_BOOL,         VALUE(bool) },
    { FIELD_KIND_I32,          VALUE(int32_t) },
    { FIELD_KIND_I64,          VALUE(int64_t) },
    { FIELD_KIND_DOUBLE,       VALUE(double) },
    { FIELD_KIND_MAYBE_BOOL,   MAYBE_OF(maybe_bool) },
    { FIELD_KIND_MAYBE_I32,    MAYBE_OF(maybe_i32) },
    { FIELD_KIND_MAYBE_I64,    MAYBE_OF(maybe_i64) },
    { FIELD_KIND_MAYBE_DOUBLE, MAYBE_OF(maybe_double) },
    { FIELD_KIND_TEXTS,        ITEMS(FIELD_KIND_TEXT, sizeof(char *)) },
    { FIELD_KIND_I64S,         ITEMS(FIELD_KIND_I64, sizeof(int64_t)) },
    { FIELD_KIND_TEXT_MAP,     ITEMS(FIELD_KIND_TEXT, sizeof(struct text_pair)), KEYS(offsetof(struct text_pair, value)) },
    { FIELD_KIND_I64_MAP,      ITEMS(FIELD_KIND_I64, sizeof(struct i64_pair)), KEYS(offsetof(struct i64_pair, value)) },
    { FIELD_KIND_TEXTS_MAP,    ITEMS(FIELD_KIND_TEXTS, sizeof(struct texts_pair)), KEYS(offsetof(struct texts_pair, value)) },
    { FIELD_KIND_ENUM,         VALUE(uint32_t) },
    { FIELD_KIND_FLAGS,        VALUE(uint64_t) },
    { FIELD_KIND_OBJECT,       POINTER(FIELD_SHAPE_OBJECT) },
    { FIELD_KIND_INLINE,       FIELD_SHAPE_INLINE },
    { FIELD_KIND_LIST,         ITEMS(FIELD_KIND_INLINE, 0) },
    { FIELD_KIND_OBJECT_MAP,   ITEMS(FIELD_KIND_INLINE, 0), KEYS(0) },
};
/* clang-format on */
_Static_assert(ARRAY_SIZE(field_traits) == FIELD_KIND_OBJECT_MAP + 1, "a row for each kind");

/* What an item of a list or map holds, as if it were a member. */
static struct field value_of_items(const struct field *field)
{
    return (struct field){ .kind = field_traits[field->kind].item, .ref = field->ref };
}

void field_assign(const struct schema *schema, void *to, const void *from)
{
    for (uint32_t i = 0; i < schema->count; i++)
        memcpy((char *)to + schema->fields[i].offset, field_member(&schema->fields[i], from),
               field_member_size(&schema->fields[i]));
}

static void copy_text(void *to, const void *from, struct arena *arena)
{
    const char *text;
    char *copy;

    memcpy(&text, from, sizeof(text));
    copy = arena_strdup_null(arena, text);
    memcpy(to, &copy, sizeof(copy));
}

static void copy_member(const struct field *field, void *to, const void *from, struct arena *arena);

static void copy_items(const struct field *field, struct any_list *to, const struct any_list *from, struct arena *arena)
{
    const struct field_traits *traits = &field_traits[field->kind];
    struct field value = value_of_items(field);
    size_t size = field_item_size(field);

    *to = (struct any_list){ 0 };
    if (!from->at)
        return;
    to->at = arena_alloc(arena, from->count * size);
    to->count = from->count;
    for (uint32_t i = 0; i < from->count; i++) {
        char *target = (char *)to->at + i * size;
        const char *source = (const char *)from->at + i * size;

        if (traits->has_keys)
            copy_text(target, source, arena);
        copy_member(&value, target + traits->value_at, source + traits->value_at, arena);
    }
}

static void copy_member(const struct field *field, void *to, const void *from, struct arena *arena)
{
    const void *pointer;
    void *copy;

    switch ((enum field_shape)field_traits[field->kind].shape) {
    case FIELD_SHAPE_BYTES:
    case FIELD_SHAPE_MAYBE: memcpy(to, from, field_member_size(field)); return;
    case FIELD_SHAPE_TEXT: copy_text(to, from, arena); return;
    case FIELD_SHAPE_OBJECT:
        memcpy(&pointer, from, sizeof(pointer));
        copy = pointer ? arena_alloc(arena, ((const struct schema *)field->ref)->size) : NULL;
        if (copy)
            field_copy(field->ref, copy, pointer, arena);
        memcpy(to, &copy, sizeof(copy));
        return;
    case FIELD_SHAPE_INLINE: field_copy(field->ref, to, from, arena); return;
    case FIELD_SHAPE_ITEMS: copy_items(field, to, from, arena); return;
    }
}

void field_copy(const struct schema *schema, void *to, const void *from, struct arena *arena)
{
    for (uint32_t i = 0; i < schema->count; i++) {
        const struct field *field = &schema->fields[i];

        copy_member(field, (char *)to + field->offset, field_member(field, from), arena);
    }
}

static size_t measure_text(const void *member)
{
    const char *text;

    memcpy(&text, member, sizeof(text));
    return text ? strlen(text) + 1 : 0;
}

enum { ALIGNMENT_LOSS = 16 };

static size_t measure_member(const struct field *field, const void *member);

static size_t measure_items(const struct field *field, const struct any_list *list)
{
    const struct field_traits *traits = &field_traits[field->kind];
    struct field value = value_of_items(field);
    size_t size = field_item_size(field), total = list->count * size + ALIGNMENT_LOSS;

    if (!list->at)
        return 0;
    for (uint32_t i = 0; i < list->count; i++) {
        const char *item = (const char *)list->at + i * size;

        if (traits->has_keys)
            total += measure_text(item);
        total += measure_member(&value, item + traits->value_at);
    }
    return total;
}

static size_t measure_member(const struct field *field, const void *member)
{
    const void *pointer;

    switch ((enum field_shape)field_traits[field->kind].shape) {
    case FIELD_SHAPE_BYTES:
    case FIELD_SHAPE_MAYBE: return 0;
    case FIELD_SHAPE_TEXT: return measure_text(member);
    case FIELD_SHAPE_OBJECT:
        memcpy(&pointer, member, sizeof(pointer));
        if (!pointer)
            return 0;
        return ((const struct schema *)field->ref)->size + ALIGNMENT_LOSS + field_measure(field->ref, pointer);
    case FIELD_SHAPE_INLINE: return field_measure(field->ref, member);
    case FIELD_SHAPE_ITEMS: return measure_items(field, member);
    }
    return 0;
}

size_t field_measure(const struct schema *schema, const void *object)
{
    size_t total = 0;

    for (uint32_t i = 0; i < schema->count; i++)
        total += measure_member(&schema->fields[i], field_member(&schema->fields[i], object));
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

static bool same_member(const struct field *field, const void *a, const void *b, unsigned audience);

static bool same_items(const struct field *field, const struct any_list *a, const struct any_list *b, unsigned audience)
{
    const struct field_traits *traits = &field_traits[field->kind];
    struct field value = value_of_items(field);
    size_t size = field_item_size(field);

    if (a->count != b->count || (a->at == NULL) != (b->at == NULL))
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        const char *left = (const char *)a->at + i * size, *right = (const char *)b->at + i * size;

        if (traits->has_keys && !same_text(left, right))
            return false;
        if (!same_member(&value, left + traits->value_at, right + traits->value_at, audience))
            return false;
    }
    return true;
}

static bool same_maybe(const struct field *field, const char *a, const char *b)
{
    const struct field_traits *traits = &field_traits[field->kind];
    bool has = *(const bool *)a;

    if (has != *(const bool *)b)
        return false;
    return !has || memcmp(a + traits->value_at, b + traits->value_at, traits->size - traits->value_at) == 0;
}

static bool same_member(const struct field *field, const void *a, const void *b, unsigned audience)
{
    const void *left, *right;

    switch ((enum field_shape)field_traits[field->kind].shape) {
    case FIELD_SHAPE_BYTES: return memcmp(a, b, field_member_size(field)) == 0;
    case FIELD_SHAPE_MAYBE: return same_maybe(field, a, b);
    case FIELD_SHAPE_TEXT: return same_text(a, b);
    case FIELD_SHAPE_OBJECT:
        memcpy(&left, a, sizeof(left));
        memcpy(&right, b, sizeof(right));
        return left && right ? field_equal(field->ref, left, right, audience) : left == right;
    case FIELD_SHAPE_INLINE: return field_equal(field->ref, a, b, audience);
    case FIELD_SHAPE_ITEMS: return same_items(field, a, b, audience);
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
