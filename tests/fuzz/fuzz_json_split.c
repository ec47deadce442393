/* SPDX-License-Identifier: GPL-3.0-or-later */
/* First byte: size of the pieces; then the text. However it is cut, the same elements come out. */
#include <assert.h>
#include <string.h>

#include "base/json_split.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
    uint64_t hash;
    size_t count;
    bool is_bad;
};

static bool take(void *owner, const char *text, size_t length)
{
    struct result *result = owner;

    assert(length > 0);
    result->hash = text_hash(text_hash(result->hash, text, length), ",", 1);
    result->count++;
    return true;
}

static struct result run(const char *bytes, size_t size, size_t piece)
{
    struct result result = { .hash = TEXT_HASH_START };
    struct json_split split;

    json_split_init(&split, take, &result);
    for (size_t at = 0; at < size && !result.is_bad; at += piece)
        result.is_bad = json_split_feed(&split, bytes + at, size - at < piece ? size - at : piece) != 0;
    if (!result.is_bad)
        result.is_bad = json_split_end(&split) != 0;
    assert(!result.is_bad || split.error);
    json_split_done(&split);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result whole, pieces;

    if (size < 2)
        return 0;
    whole = run((const char *)data + 1, size - 1, size);
    pieces = run((const char *)data + 1, size - 1, (size_t)data[0] + 1);
    assert(whole.hash == pieces.hash && whole.count == pieces.count && whole.is_bad == pieces.is_bad);
    return 0;
}
