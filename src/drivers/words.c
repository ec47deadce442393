/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers/words.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"

static const char blanks[] = " \t\r\n";

/* The part from *at that one kind of quoting covers, with *at moved behind it. */
static int take_part(const char **at, struct buf *word)
{
    char quote = **at;

    if (quote != '\'' && quote != '"') {
        if (quote == '\\' && !*++*at)
            return -EINVAL;
        buf_add_char(word, *(*at)++);
        return 0;
    }
    for (++*at; **at != quote; ++*at) {
        if (**at == '\\' && quote == '"' && ((*at)[1] == '"' || (*at)[1] == '\\'))
            ++*at;
        if (!**at)
            return -EINVAL;
        buf_add_char(word, **at);
    }
    ++*at;
    return 0;
}

int words_split(const char *text, struct text_list *words, struct arena *arena)
{
    struct buf word = { 0 };
    int error = 0;

    for (const char *at = text ? text + strspn(text, blanks) : ""; *at && !error; at += strspn(at, blanks)) {
        buf_clear(&word);
        while (*at && !strchr(blanks, *at) && !error)
            error = take_part(&at, &word);
        if (!error)
            text_list_add(words, buf_text(&word), arena);
    }
    buf_done(&word);
    return error;
}

int words_split_property(const struct text_map *props, const char *key, struct text_list *words, struct arena *arena,
                         struct trouble *trouble)
{
    const char *text = text_map_find(props, key);

    if (words_split(text, words, arena) == 0)
        return 0;
    trouble->message = arena_printf(arena, "Property %s cannot be understood.", key);
    trouble->cause = arena_printf(arena, "A quote or backslash is left open in: %s", text);
    trouble->correction = arena_strdup(arena, "Close it.");
    return -1;
}
