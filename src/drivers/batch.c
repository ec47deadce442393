/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/secret.h"

static const struct field batch_fields[] = {
    LIST(batch, steps, step, 0),
};
SCHEMA(batch)

static const struct field tool_news_fields[] = {
    FIELD(tool_news, pid, 0),
    ENUM(tool_news, result, outcome_result_names, 0),
};
SCHEMA(tool_news)

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

/* In locked memory, for the moment in which the batch is made. */
struct open_keys {
    struct secret **at;
    char **texts; /* of them */
    uint32_t count;
};

/* needs_all: a key that is left out would go on opening the volume, and nobody would know. */
static int open_keys(struct open_keys *keys, struct secret *master, const struct text_list *sealed, bool needs_all)
{
    keys->at = memory_alloc((sealed->count + 1) * sizeof(struct secret *));
    keys->texts = memory_alloc((sealed->count + 1) * sizeof(char *));
    for (uint32_t i = 0; i < sealed->count; i++) {
        struct secret *secret = master ? secret_unseal(master, SECRET_OF_VOLUME, sealed->at[i]) : NULL;

        if (!secret && (i == 0 || needs_all))
            return master ? EKEYREJECTED : ENOKEY;
        if (!secret)
            continue;
        keys->texts[keys->count] = secret_bytes(secret);
        keys->at[keys->count++] = secret;
    }
    return 0;
}

static void close_keys(struct open_keys *keys)
{
    for (uint32_t i = 0; i < keys->count; i++)
        secret_free(keys->at[i]);
    free(keys->at);
    free(keys->texts);
}

int batch_encode_steps(struct step *steps, uint32_t count, struct secret *master, struct buf *out)
{
    struct batch batch = { .steps = { .at = steps, .count = count } };
    struct step alone = *steps;
    struct open_keys keys = { 0 };
    int error = open_keys(&keys, master, &alone.sealed, steps->kind == STEP_LUKS_CHANGE_KEY);

    if (!error && keys.count > 0) {
        alone.keys.at = keys.texts;
        alone.keys.count = keys.count;
        alone.sealed.count = 0;
        batch.steps.at = &alone;
        /* A buf that grew would leave keys behind in the memory it had. */
        buf_reserve(out, field_measure(&batch_schema, &batch) * 6 + 4096);
    }
    if (!error)
        batch_encode(&batch_schema, &batch, out);
    close_keys(&keys);
    return error;
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
