/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Heap allocation that cannot fail: when memory is exhausted the process aborts. What matters is in the store, so
 * stopping is safe, and no path exists that would have to handle half an allocation.
 */
#pragma once

#include <stddef.h>

#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a), nonnull(f)))
#define CLEANUP(fn)       __attribute__((cleanup(fn)))
#define ARRAY_SIZE(a)     (sizeof(a) / sizeof((a)[0]))
/* The struct that embeds a member; the pointer keeps its constness to the caller. */
#define CONTAINER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

void *memory_alloc(size_t size) __attribute__((returns_nonnull, malloc));         /* zeroed */
void *memory_resize(void *pointer, size_t size) __attribute__((returns_nonnull)); /* new bytes are undefined */
void *memory_copy(const void *bytes, size_t size) __attribute__((returns_nonnull));
char *memory_strdup(const char *text) __attribute__((returns_nonnull));
char *memory_printf(const char *format, ...) PRINTF_LIKE(1, 2) __attribute__((returns_nonnull));

/* For CLEANUP(memory_freep) char *text = ...; */
void memory_freep(void *pointer_to_pointer);
