/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *pointer, size_t size)
{
    if (pointer == NULL) {
        fprintf(stderr, "linstor: out of memory (%zu bytes)\n", size);
        abort();
    }
    return pointer;
}

void *memory_alloc(size_t size)
{
    return checked(calloc(1, size > 0 ? size : 1), size);
}

void *memory_resize(void *pointer, size_t size)
{
    return checked(realloc(pointer, size > 0 ? size : 1), size);
}

void *memory_copy(const void *bytes, size_t size)
{
    void *copy = checked(malloc(size > 0 ? size : 1), size);

    if (size > 0)
        memcpy(copy, bytes, size);
    return copy;
}

char *memory_strdup(const char *text)
{
    return memory_copy(text, strlen(text) + 1);
}

char *memory_printf(const char *format, ...)
{
    va_list args;
    char *text = NULL;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    return checked(text, 0);
}

void memory_freep(void *pointer_to_pointer)
{
    void *pointer;

    memcpy(&pointer, pointer_to_pointer, sizeof(pointer));
    free(pointer);
}
