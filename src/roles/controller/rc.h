/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The list of entries that answers a request. An entry is made by one call that names its parts:
 *
 *     return rc_add(rc, FAIL_NOT_FOUND_NODE, .message = rc_text(rc, "Node '%s' not found.", name),
 *                   .correction = "Create the node first, or check its name.");
 *
 * Texts live in the request's arena. Operation and object bits come from the context where the code has none,
 * references to objects from the context for every entry. An error without details names there what it refers to.
 */
#pragma once

#include "api/rc.h"
#include "model/rc_codes.h"

struct rc {
    struct arena *arena;
    LIST_OF(struct rc_doc) entries;
    int64_t context;             /* MASK_CRT | MASK_NODE, ... */
    struct text_map refs;        /* of the entries that follow */
    int64_t now_ms;              /* wall clock: created_at */
    bool is_quiet;               /* only what cannot be understood is worth an error report */
    const char *file, *function; /* where the last error was added */
    int line;
    char *backtrace; /* of the last FAIL_IMPL_ERROR */
};

struct rc_entry {
    int64_t code; /* with MASK_ERROR, MASK_WARN, MASK_INFO or none (success) */
    const char *message, *cause, *details, *correction;
    bool is_bare;                /* LINSTOR: some entries bear neither operation nor object, nor references */
    bool is_quiet;               /* another entry of the list tells the same */
    const char *file, *function; /* set by rc_add */
    int line;
};

/* -1 when the entry is an error, else 0. */
#define rc_add(rc, what, ...)                                                                                          \
    rc_add_entry((rc), &(const struct rc_entry){                                                                       \
                           .code = (what), .file = __FILE__, .function = __func__, .line = __LINE__, __VA_ARGS__ })
int rc_add_entry(struct rc *rc, const struct rc_entry *entry);
#define rc_text(rc, ...) arena_printf((rc)->arena, __VA_ARGS__)
/* For entries from now on. value NULL: entries have references, though not this one. */
void rc_ref(struct rc *rc, const char *key, const char *value);
void rc_unref(struct rc *rc, const char *key);
/* Without entries, as before the first. */
void rc_clear(struct rc *rc);
/* LINSTOR: entries made so far lose their references, and warnings their object, where the reference tells of
 * properties before it names the object. */
void rc_strip_refs(struct rc *rc);

/* After the transaction was undone: nothing is as these entries say. */
void rc_drop_successes(struct rc *rc);

bool rc_is_error(int64_t code);
bool rc_has_error(const struct rc *rc);
/* Whether an entry of the list is unexpected enough for an error report. */
bool rc_is_reported(const struct rc *rc, const struct rc_doc *entry);
/* The HTTP status that the first error asks for; success when there is none. */
int rc_status(const struct rc *rc, int success);
