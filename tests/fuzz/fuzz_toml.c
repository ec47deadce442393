/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a configuration file: a tree of limited depth, or an error with a line that exists. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct http {
    bool enabled;
    char *listen_addr;
    struct maybe_i32 port;
    struct text_list origins;
};
static const struct field http_fields[] = {
    FIELD(http, enabled, 0),
    FIELD(http, listen_addr, FIELD_REQUIRED),
    FIELD(http, port, 0),
    FIELD(http, origins, 0),
};
static SCHEMA(http)

struct config {
    struct http *http;
    struct text_map properties;
    double ratio;
};
static const struct field config_fields[] = {
    OBJECT(config, http, http, 0),
    FIELD(config, properties, 0),
    FIELD(config, ratio, 0),
};
static SCHEMA(config)

static int depth_of(const cJSON *node)
{
    int deepest = 0;

    for (const cJSON *child = node->child; child; child = child->next) {
        int depth = depth_of(child);

        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + 1;
}

static void check_error(const struct toml_error *error, const char *text, size_t size)
{
    int32_t lines = 1;

    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    assert(error->message[0] && error->line >= 0 && error->line <= lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct toml_error error;
    struct arena arena = { 0 };
    struct config config = { 0 };
    cJSON *tree = toml_parse(text, size, &error);

    if (tree)
        assert(depth_of(tree) <= 3 * TOML_DEPTH_LIMIT);
    else
        check_error(&error, text, size);
    if (toml_decode(&config_schema, &config, text, size, &arena, &error) != 0)
        check_error(&error, text, size);
    else
        assert(tree);
    cJSON_Delete(tree);
    arena_done(&arena);
    return 0;
}
