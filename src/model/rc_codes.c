/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/rc_codes.h"

#include <stddef.h>
#include <string.h>

#include "base/memory.h"

struct rc_name {
    const char *name;
    int64_t value;
};

#define RC_MASK(name, value)        { #name, name },
#define RC_CODE(name, kind, number) { #name, name },
static const struct rc_name kinds[] = { RC_KINDS(RC_MASK) };
static const struct rc_name operations[] = { RC_OPERATIONS(RC_MASK) };
static const struct rc_name objects[] = { RC_OBJECTS(RC_MASK) };
static const struct rc_name codes[] = { RC_CODES(RC_CODE) };

static const struct {
    const struct rc_name *rows;
    size_t count;
} tables[] = {
    { kinds, ARRAY_SIZE(kinds) },
    { operations, ARRAY_SIZE(operations) },
    { objects, ARRAY_SIZE(objects) },
    { codes, ARRAY_SIZE(codes) },
};

static const char *name_of(const struct rc_name *rows, size_t count, int64_t value)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].value == value)
            return rows[i].name;
    }
    return NULL;
}

const char *rc_code_name(int64_t ret_code)
{
    /* The few codes that fill all bits are looked for as they are. */
    const char *name = name_of(codes, ARRAY_SIZE(codes), ret_code);
    if (name)
        return name;
    return name_of(codes, ARRAY_SIZE(codes), ret_code & (MASK_BITS_TYPE | MASK_BITS_CODE));
}

bool rc_code_parse(const char *name, int64_t *ret_code)
{
    for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
        for (size_t i = 0; i < tables[t].count; i++) {
            if (strcmp(tables[t].rows[i].name, name) == 0) {
                *ret_code = tables[t].rows[i].value;
                return true;
            }
        }
    }
    return false;
}

const char *rc_object_name(int64_t ret_code)
{
    return name_of(objects, ARRAY_SIZE(objects), ret_code & MASK_BITS_OBJ);
}

const char *rc_operation_name(int64_t ret_code)
{
    return name_of(operations, ARRAY_SIZE(operations), ret_code & MASK_BITS_OP);
}

const char *rc_kind_name(int64_t ret_code)
{
    return name_of(kinds, ARRAY_SIZE(kinds), ret_code & MASK_BITS_TYPE);
}
