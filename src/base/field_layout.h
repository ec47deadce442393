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

static inline const void *field_member(const struct field *field, const void *object)
{
    return (const char *)object + field->offset;
}

/* Flags without a name, as they are kept: "0x" and up to 16 digits. */
bool field_parse_bits(const char *text, uint64_t *bits);
