/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a name may look like, by kind of thing, as one table of rules; the key that finds a name in any case; names made
 * from external names; literal network addresses and volume numbers. Whether a name is taken is the model's business.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

enum name_kind {
    NAME_NODE,
    NAME_RESOURCE, /* also of its definition */
    NAME_RESOURCE_GROUP,
    NAME_SNAPSHOT,
    NAME_STORAGE_POOL,
    NAME_NET_INTERFACE,
    NAME_KEY_VALUE_STORE,
    NAME_SHARED_SPACE,
    NAME_REMOTE,
    NAME_SCHEDULE,
    NAME_EXTERNAL_FILE, /* an absolute path; the only names whose case matters */
    NAME_EXTERNAL,      /* of a resource definition, given by whoever drives the cluster; any bytes */
};

enum {
    NAME_KEY_SIZE = 256,     /* the longest name that has a key, and its NUL */
    NAME_RESOURCE_SIZE = 49, /* the longest name of a resource, and its NUL */
    NAME_WHY_SIZE = 256,     /* enough for any reason */
    NAME_VOLUME_NUMBER_MAX = 65534,
};

/* 0, or -EINVAL and one sentence for the user in why. text may hold any bytes. Lengths count bytes. */
int name_check(enum name_kind kind, const char *text, char *why, size_t why_size) MUST_CHECK;
/* FAIL_INVLD_NODE_NAME and its like: what an answer carries when name_check() refused. */
int64_t name_fail_code(enum name_kind kind);
/* "node", "resource group": for messages. */
const char *name_kind_text(enum name_kind kind);

/* Upper case, by which things are found; false when text is too long to be the name of anything. */
bool name_key(const char *text, char key[static NAME_KEY_SIZE]) MUST_CHECK;

/*
 * Makes the name of a resource definition from its external name: the UUID that it is, else itself, else itself with
 * legal characters, else a random UUID; the first of these that is legal and not taken.
 */
void name_from_external(const char *external, bool (*is_taken)(const char *name, void *context), void *context,
                        char name[static NAME_RESOURCE_SIZE]);

/* A literal IPv4 or IPv6 address (this one with an optional %zone); names of hosts are not resolved. */
int name_check_address(const char *text, char *why, size_t why_size) MUST_CHECK;
int name_check_volume_number(int64_t number, char *why, size_t why_size) MUST_CHECK;
