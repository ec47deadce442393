/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Shared libraries that not every process needs: they are opened where they are used, so that the others start without
 * them (each costs a start about 0.2 ms and 100 KiB) and a machine without them lacks one ability instead of the
 * program. One struct of function pointers and one table of the same names per library, beside the code that uses it;
 * the prototypes are those of the library's own header:
 *
 *     struct blkid {
 *         LIBRARY_FUNCTION(blkid_new_probe);
 *         LIBRARY_FUNCTION(blkid_do_probe);
 *     };
 *     LIBRARY_SYMBOLS(blkid, LIBRARY_SYMBOL(blkid, blkid_new_probe), LIBRARY_SYMBOL(blkid, blkid_do_probe));
 *     LIBRARY(blkid, "libblkid1", "wipe", "Finds signatures on devices", "recommended", "libblkid.so.1");
 *
 * LIBRARY also puts a note into the executable, by which packagers find what it opens:
 * https://uapi-group.org/specifications/specs/elf_dlopen_metadata/. Built with -Dstatic_libraries=true, the libraries
 * are linked instead, and opening only fills the struct.
 *
 * What was opened stays until the process ends; opening it again costs little. So there is nothing to close, and
 * whoever needs the functions for a moment keeps them in a variable of its own.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

typedef void library_function(void);

struct library_symbol {
    const char *name;
    size_t offset;            /* of its pointer in the struct */
    library_function *linked; /* NULL: it is looked up */
};

struct library {
    const char *package;          /* of Debian */
    const char *const sonames[3]; /* the first that is there is taken; ends with NULL */
    const struct library_symbol *symbols;
    size_t count;
};

enum { LIBRARY_WHY_SIZE = 512 };

/*
 * Fills *functions, the struct that the symbols of the library speak of. 0, or -ELIBACC when the library is not there
 * or lacks a function, with one sentence in why that names the package.
 */
int library_open(const struct library *library, void *functions, char why[static LIBRARY_WHY_SIZE]) MUST_CHECK;
/* Like library_open, of what the program cannot go on without: where library_open fails, the process ends with why. */
void library_require(const struct library *library, void *functions);
/* Like library_open, but nothing stays open: whether library_open would do. */
int library_check(const struct library *library, char why[static LIBRARY_WHY_SIZE]) MUST_CHECK;

/* A pointer to the function with this name, under this name. */
#define LIBRARY_FUNCTION(function) __typeof__(function) *function

#ifdef STATIC_LIBRARIES
#define LIBRARY_LINKED(function)     (library_function *)(function)
#define LIBRARY_NOTE(variable, json) _Static_assert(sizeof(json) > 0, "what is linked needs no note")
#else
#define LIBRARY_LINKED(function) NULL
#define LIBRARY_NOTE(variable, json)                                                                                   \
    __attribute__((used, section(".note.dlopen"), aligned(4))) static const struct {                                   \
        uint32_t name_size, text_size, type;                                                                           \
        char name[4], text[sizeof(json)];                                                                              \
    } variable = { sizeof("FDO"), sizeof(json), LIBRARY_NOTE_TYPE, "FDO", json }
#endif

/* The type of the note, and texts of its JSON for one and for two sonames. */
#define LIBRARY_NOTE_TYPE                      UINT32_C(0x407c0c0a)
#define LIBRARY_JSON_1(first)                  "[\"" first "\"]"
#define LIBRARY_JSON_2(first, second)          "[\"" first "\",\"" second "\"]"
#define LIBRARY_JSON_PICK(_1, _2, picked, ...) picked
#define LIBRARY_JSON(...)                      LIBRARY_JSON_PICK(__VA_ARGS__, LIBRARY_JSON_2, LIBRARY_JSON_1, )(__VA_ARGS__)

#define LIBRARY_SYMBOL(struct_name, function)                                                                          \
    {                                                                                                                  \
#function, offsetof(struct struct_name, function), LIBRARY_LINKED(function)                                    \
    }
/* All members of the struct, each once. */
#define LIBRARY_SYMBOLS(struct_name, ...)                                                                              \
    static const struct library_symbol struct_name##_symbols[] = { __VA_ARGS__ };                                      \
    _Static_assert(ARRAY_SIZE(struct_name##_symbols) * sizeof(library_function *) == sizeof(struct struct_name),       \
                   "struct " #struct_name " and its symbols differ")
/* priority: "required", "recommended" or "suggested" by whoever installs the program. One or two sonames. */
#define LIBRARY(struct_name, debian_package, feature, description, priority, ...)                                      \
    static const struct library struct_name##_library = {                                                              \
        .package = debian_package,                                                                                     \
        .sonames = { __VA_ARGS__ },                                                                                    \
        .symbols = struct_name##_symbols,                                                                              \
        .count = ARRAY_SIZE(struct_name##_symbols),                                                                    \
    };                                                                                                                 \
    LIBRARY_NOTE(struct_name##_note, "[{\"soname\":" LIBRARY_JSON(__VA_ARGS__) ",\"feature\":\"" feature               \
                                                                               "\",\"description\":\"" description     \
                                                                               "\",\"priority\":\"" priority "\"}]")
