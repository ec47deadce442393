/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* NULL and why when none of the sonames is there; the loader's own words about the first, which is the usual one. */
static void *load(const struct library *library, char why[static LIBRARY_WHY_SIZE])
{
    const char *const *sonames = library->sonames;

    for (size_t i = 0; sonames[i]; i++) {
        void *handle = dlopen(sonames[i], RTLD_NOW | RTLD_LOCAL);
        const char *problem = handle ? NULL : dlerror();
        size_t length = strlen(sonames[i]);

        if (handle)
            return handle;
        if (strncmp(problem, sonames[i], length) == 0 && strncmp(problem + length, ": ", 2) == 0)
            problem += length + 2;
        if (i == 0)
            snprintf(why, LIBRARY_WHY_SIZE, "%s of the Debian package %s cannot be loaded: %s.", sonames[i],
                     library->package, problem);
    }
    return NULL;
}

/* functions may be NULL. */
static int look_up(const struct library *library, void *handle, void *functions, char why[static LIBRARY_WHY_SIZE])
{
    for (size_t i = 0; i < library->count; i++) {
        const struct library_symbol *symbol = &library->symbols[i];
        void *found = symbol->linked ? NULL : dlsym(handle, symbol->name);

        if (!found && !symbol->linked) {
            snprintf(why, LIBRARY_WHY_SIZE,
                     "%s has no function %s; a newer version of the Debian package %s is needed.", library->sonames[0],
                     symbol->name, library->package);
            return -ELIBACC;
        }
        if (functions)
            memcpy((char *)functions + symbol->offset, symbol->linked ? (const void *)&symbol->linked : &found,
                   sizeof(found));
    }
    return 0;
}

static int use(const struct library *library, void *functions, char why[static LIBRARY_WHY_SIZE])
{
    bool is_linked = library->symbols[0].linked;
    void *handle = is_linked ? NULL : load(library, why);
    int error;

    if (!is_linked && !handle)
        return -ELIBACC;
    error = look_up(library, handle, functions, why);
    if (handle && (error || !functions))
        dlclose(handle);
    return error;
}

int library_open(const struct library *library, void *functions, char why[static LIBRARY_WHY_SIZE])
{
    return use(library, functions, why);
}

void library_require(const struct library *library, void *functions)
{
    char why[LIBRARY_WHY_SIZE];

    if (library_open(library, functions, why) == 0)
        return;
    fprintf(stderr, "%s\n", why);
    exit(EXIT_FAILURE);
}

int library_check(const struct library *library, char why[static LIBRARY_WHY_SIZE])
{
    return use(library, NULL, why);
}
