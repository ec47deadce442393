/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers/batch.h"

#include <errno.h>
#include <string.h>

static const struct field batch_fields[] = {
    LIST(batch, steps, step, 0),
};
SCHEMA(batch)

void batch_encode(const struct schema *schema, const void *message, struct buf *out)
{
    struct json_writer writer = { .out = out };
    size_t start = out->length;
    uint32_t length = 0;

    buf_add(out, &length, sizeof(length));
    field_encode(schema, message, FIELD_LINK, &writer);
    length = (uint32_t)(out->length - start - sizeof(length));
    memcpy(out->data + start, &length, sizeof(length));
}

int batch_peek(const struct buf *in, const char **body, size_t *length)
{
    uint32_t size;

    if (in->length < sizeof(size))
        return 0;
    memcpy(&size, in->data, sizeof(size));
    if (size > BATCH_LIMIT)
        return -EMSGSIZE;
    if (in->length - sizeof(size) < size)
        return 0;
    *body = in->data + sizeof(size);
    *length = size;
    return 1;
}

void batch_drop(struct buf *in)
{
    uint32_t size;

    memcpy(&size, in->data, sizeof(size));
    buf_drop_front(in, sizeof(size) + size);
}
