/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chunks grow with use, so an arena of a short request costs one malloc, and one of a large body few.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_CHUNK = 1008, /* with its head just small enough for malloc's quick lists */
    LARGEST_CHUNK = 256 * 1024,
};

struct arena_chunk {
    struct arena_chunk *older;
    size_t size; /* of data */
    alignas(max_align_t) char data[];
};

static void free_from(struct arena_chunk *chunk)
{
    while (chunk) {
        struct arena_chunk *older = chunk->older;

        free(chunk);
        chunk = older;
    }
}

void arena_done(struct arena *arena)
{
    free_from(arena->chunks);
    *arena = (struct arena){ 0 };
}

void arena_wipe(struct arena *arena)
{
    for (struct arena_chunk *chunk = arena->chunks; chunk; chunk = chunk->older)
        explicit_bzero(chunk->data, chunk->size);
    arena_done(arena);
}

void arena_reset(struct arena *arena)
{
    struct arena_chunk *keep = arena->chunks;

    if (!keep)
        return;
    free_from(keep->older);
    keep->older = NULL;
    arena->next = keep->data;
    arena->end = keep->data + keep->size;
}

static void add_chunk(struct arena *arena, size_t need)
{
    size_t size = arena->chunks ? arena->chunks->size * 2 : FIRST_CHUNK;
    struct arena_chunk *chunk;

    if (size > LARGEST_CHUNK)
        size = LARGEST_CHUNK;
    if (size < need)
        size = need;
    chunk = memory_resize(NULL, sizeof(*chunk) + size);
    chunk->older = arena->chunks;
    chunk->size = size;
    arena->chunks = chunk;
    arena->next = chunk->data;
    arena->end = chunk->data + size;
}

/* Text needs no alignment, so many small strings lie without gaps. */
static char *take(struct arena *arena, size_t size, size_t align)
{
    size_t skip = (size_t)(-(uintptr_t)arena->next & (align - 1));

    if (!arena->end || (size_t)(arena->end - arena->next) < size + skip) {
        add_chunk(arena, size);
        skip = 0;
    }
    arena->next += skip + size;
    return arena->next - size;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return memset(take(arena, size, alignof(max_align_t)), 0, size);
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
    char *copy = take(arena, length + 1, 1);

    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}

char *arena_strdup_null(struct arena *arena, const char *text)
{
    return text ? arena_strdup(arena, text) : NULL;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
    size_t room = arena->end ? (size_t)(arena->end - arena->next) : 0;
    va_list again;
    char *text;
    int length;

    va_copy(again, args);
    length = vsnprintf(room > 0 ? arena->next : NULL, room, format, again); /* mostly there is room for it */
    va_end(again);
    text = take(arena, (size_t)length + 1, 1);
    if ((size_t)length >= room)
        vsnprintf(text, (size_t)length + 1, format, args);
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}
