/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was decoded and is encoded again must decode to the same. */
static void check_round_trip(struct arena *arena, const char *text)
{
    struct buf encoded = { 0 };
    const char *decoded;

    uri_encode(&encoded, text);
    decoded = uri_decode(arena, buf_text(&encoded), encoded.length, true);
    if (!decoded || strcmp(decoded, text) != 0)
        abort();
    buf_done(&encoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = { 0 };
    char *target = arena_strndup(&arena, (const char *)data, size);
    struct uri uri;

    if (!uri_parse(&arena, target, &uri)) {
        for (size_t i = 0; i < uri.segment_count; i++)
            check_round_trip(&arena, uri.segments[i]);
        for (size_t i = 0; i < uri.parameter_count; i++) {
            check_round_trip(&arena, uri.parameters[i].value);
            if (!uri_find_parameter(&uri, uri.parameters[i].name))
                abort();
        }
    }
    arena_done(&arena);
    return 0;
}
