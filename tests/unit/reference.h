/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For tests that compare our tables with descriptions of the reference, which lie beside the repository and are not
 * part of it. Tests run in the top directory of the source. A test whose file is absent skips and says which file it
 * was.
 */
#pragma once

#include <stdlib.h>

#include "base/json.h"
#include "base/text.h"

#define REFERENCE_DATA        "../shared/reference/data/"
#define REFERENCE_CONFORMANCE "../shared/conformance/"

/* The caller's to free; NULL when the file is absent. A file that is no JSON fails the test. */
static inline cJSON *reference_read_json(const char *path)
{
    struct buf text = { 0 };
    if (text_read_file(path, 64 << 20, &text) != 0) {
        print_message("skipped: %s is absent\n", path);
        buf_done(&text);
        return NULL;
    }
    struct json_error error;
    cJSON *tree = json_parse(buf_text(&text), text.length, &error);
    if (!tree)
        fail_msg("%s: %s", path, error.message);
    buf_done(&text);
    return tree;
}

static inline const char *reference_text(const cJSON *object, const char *member)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, member));
}
