/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How members lie in structs; for the files of the codec only. */
#pragma once

#include "base/field.h"

/* Every LIST_OF(), text list and map begins like this. */
struct any_list {
    void *at;
    uint32_t count, room;
};

/* How many members a full list of count gets room for when it grows. */
static inline uint32_t list_next_room(uint32_t count)
{
    return count < 4 ? 4 : count * 2;
}

/* What can be done with a member without knowing more of its kind. */
enum field_shape {
    FIELD_SHAPE_BYTES = 1, /* all there is */
    FIELD_SHAPE_MAYBE,     /* a value behind a bool */
    FIELD_SHAPE_TEXT,
    FIELD_SHAPE_OBJECT,
    FIELD_SHAPE_INLINE,
    FIELD_SHAPE_ITEMS, /* struct any_list */
};

struct field_traits {
    uint8_t kind, shape;
    uint8_t size;      /* of the member; 0: of the struct it is */
    uint8_t item;      /* what the values of items are: an enum field_kind */
    uint8_t item_size; /* 0: of the struct it is */
    uint8_t value_at;  /* of an item, behind its key */
    bool has_keys;     /* each item begins with one */
};

/* By enum field_kind. */
extern const struct field_traits field_traits[];

static inline size_t field_member_size(const struct field *field)
{
    size_t size = field_traits[field->kind].size;

    return size ? size : ((const struct schema *)field->ref)->size;
}

static inline size_t field_item_size(const struct field *field)
{
    size_t size = field_traits[field->kind].item_size;

    return size ? size : ((const struct schema *)field->ref)->size;
}

static inline const void *field_member(const struct field *field, const void *object)
{
    return (const char *)object + field->offset;
}

/* Flags without a name, as they are kept: "0x" and up to 16 digits. */
bool field_parse_bits(const char *text, uint64_t *bits);
