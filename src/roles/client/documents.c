/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/client/documents.h"

#include "base/json_split.h"
#include "roles/client/session.h"

struct reader {
    struct arena *arena;
    const struct schema *schema;
    struct documents *documents;
    struct field_error error;
};

static bool take_element(void *owner, const char *text, size_t length)
{
    struct reader *reader = owner;
    void *document = arena_alloc(reader->arena, reader->schema->size);

    *LIST_ADD(&reader->documents->all, reader->arena) = document;
    return field_scan_text(reader->schema, document, text, length, reader->arena, &reader->error) == 0;
}

static bool take_bytes(void *owner, const char *bytes, size_t length)
{
    return json_split_feed(owner, bytes, length) == 0;
}

int documents_get(struct call *call, const char *target, const struct schema *schema, struct documents *documents)
{
    struct reader reader = { .arena = call->arena, .schema = schema, .documents = documents };
    struct json_split split;
    const char *error = NULL;
    int code;

    json_split_init(&split, take_element, &reader);
    code = session_request(call->client, "GET", target, NULL, take_bytes, &split, NULL);
    if (reader.error.message[0])
        error = reader.error.message;
    else if (code == EXIT_OK && !call->client->is_curl && (split.error || json_split_end(&split) != 0))
        error = split.error ? split.error : "not a list";
    if (error)
        code = client_fail(call->client, EXIT_ERROR,
                           "Error: Unable to parse REST json data: %s\nRequest-Uri: %s; Status: 200", error, target);
    json_split_done(&split);
    return code;
}
