/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The two readers of JSON into structs: what the strict one takes, the other takes with the same outcome, and what that
 * one refuses, the strict one does. What was read comes back from what is written of it.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api/node.h"
#include "api/resource.h"
#include "api/resource_group.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const struct schema *schema, const void *object, struct arena *arena)
{
    struct buf out = { 0 };
    struct json_writer writer = { .out = &out };
    void *again = arena_alloc(arena, schema->size), *copy = arena_alloc(arena, schema->size);
    struct field_error error = { 0 };

    field_encode(schema, object, FIELD_STORE, &writer);
    if (field_scan_text(schema, again, out.data, out.length, arena, &error) != 0)
        abort();
    field_copy(schema, copy, again, arena);
    assert(field_equal(schema, again, copy, FIELD_ALL));
    buf_done(&out);
}

static void check(const struct schema *schema, const char *text, size_t length)
{
    struct arena arena = { 0 };
    void *scanned = arena_alloc(&arena, schema->size), *decoded = arena_alloc(&arena, schema->size);
    struct field_error scan_error = { 0 }, decode_error = { 0 };
    int scan = field_scan_text(schema, scanned, text, length, &arena, &scan_error);
    int decode = field_decode_text(schema, decoded, text, length, &arena, &decode_error);

    assert(scan == 0 || scan_error.message[0]);
    assert(scan != 0 || decode == 0);
    if (scan == 0) {
        assert(field_equal(schema, scanned, decoded, FIELD_ALL));
        check_round_trip(schema, scanned, &arena);
    }
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct schema *const schemas[] = { &resource_doc_schema, &node_doc_schema, &select_filter_doc_schema };

    if (size < 1)
        return 0;
    check(schemas[data[0] % ARRAY_SIZE(schemas)], (const char *)data + 1, size - 1);
    return 0;
}
