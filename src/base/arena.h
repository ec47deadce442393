/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An arena: many small allocations that end together (a request, a turn, a plan). Nothing in it is freed singly.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "base/memory.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* newest first */
    char *next;                 /* free bytes of the newest chunk */
    char *end;
};

/* An arena of zeroes is empty and valid. */
void arena_done(struct arena *arena);  /* frees everything; the arena is empty again */
void arena_reset(struct arena *arena); /* the same, but keeps one chunk for what comes next */

void arena_wipe(struct arena *arena); /* arena_done of what held secrets: all bytes are overwritten before */

/* Zeroed, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((returns_nonnull));
char *arena_strdup(struct arena *arena, const char *text) __attribute__((returns_nonnull));
/* NULL stays NULL. */
char *arena_strdup_null(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t length) __attribute__((returns_nonnull));
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3) __attribute__((returns_nonnull));
char *arena_vprintf(struct arena *arena, const char *format, va_list args) __attribute__((returns_nonnull, nonnull(2)));
