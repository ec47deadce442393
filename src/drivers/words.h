/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Splits options that users give as one text ("-i 2 --alloc 'cling by tags'") into the words of a command, as a shell
 * would: blanks separate, quotes and backslashes keep together. Nothing else that a shell knows is done, and no shell
 * ever sees the text.
 */
#pragma once

#include "model/want.h"

/* Appends to *words, which lies in arena. 0, or -EINVAL when a quote or backslash is left open. text may be NULL. */
int words_split(const char *text, struct text_list *words, struct arena *arena) MUST_CHECK;
/* Likewise the value of a property, nothing when it is not set; -1 and *trouble. */
int words_split_property(const struct text_map *props, const char *key, struct text_list *words, struct arena *arena,
                         struct trouble *trouble) MUST_CHECK;
