/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/lvm.h"
#include "drivers/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The report of a tool, and options of a user. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = { 0 };
    char *text = arena_strndup(&arena, (const char *)data, size), *why = NULL;
    struct lvm_report report;
    struct text_list words = { 0 };

    if (lvm_report_parse(text, &report, &arena, &why) < 0 && !why)
        abort();
    for (uint32_t i = 0; i < report.volumes.count && !why; i++)
        if (!report.volumes.at[i].name || report.volumes.at[i].size_kib < 0)
            abort();
    if (words_split(text, &words, &arena) == 0 && words.count > strlen(text))
        abort();
    arena_done(&arena);
    return 0;
}
