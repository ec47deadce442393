/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rules of properties: which keys exist, on what objects they can be set, what values they take. One table row per
 * rule (prop_table.c). Where a value is looked up is in inherit.h; that a value names something that exists, and what
 * else a change does, is for those who know the objects.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/memory.h"

/* What a property is set on. */
enum prop_object {
    PROP_ON_CONTROLLER,
    PROP_ON_NODE,
    PROP_ON_NET_INTERFACE,
    PROP_ON_STORAGE_POOL_DEFINITION,
    PROP_ON_STORAGE_POOL,
    PROP_ON_RESOURCE_GROUP,
    PROP_ON_VOLUME_GROUP,
    PROP_ON_RESOURCE_DEFINITION,
    PROP_ON_VOLUME_DEFINITION,
    PROP_ON_RESOURCE,
    PROP_ON_VOLUME,
    PROP_ON_NODE_CONNECTION,
    PROP_ON_RESOURCE_CONNECTION,
    PROP_ON_VOLUME_CONNECTION,
    PROP_ON_SNAPSHOT,
    PROP_ON_KEY_VALUE_STORE, /* takes every key */
    PROP_ON_PROXY,
    PROP_ON_PROXY_ZLIB,
    PROP_ON_PROXY_LZMA,
    PROP_ON_PROXY_ZSTD,
    PROP_OBJECT_COUNT,
};

enum prop_kind {
    PROP_REGEX,            /* values is an extended regular expression for the whole value */
    PROP_SYMBOL,           /* values are the words, divided by | */
    PROP_YES_NO,           /* yes or no, in any case; stored in lower case */
    PROP_BOOL,             /* true, false, yes or no, in any case; stored as true or false */
    PROP_RANGE,            /* min..max */
    PROP_RANGE_FLOAT,      /* min..max, with a fraction */
    PROP_STRING,           /* anything */
    PROP_NUMBER_OR_SYMBOL, /* min..max, or one of the words in values */
    PROP_LONG,             /* any 64 bit integer */
};

enum prop_bits {
    PROP_INTERNAL = 1,        /* clients do not offer it to be set by hand */
    PROP_CONTROLLER_ONLY = 2, /* set on the controller, satellites do not get it */
    PROP_CONTROLLER_BOTH = 4, /* set on the controller, both sides read it */
    PROP_NOT_NEGATIVE = 8,
    PROP_INTERFACE = 16, /* the value names a net interface; whoever knows the node checks that it exists */
    PROP_SECRET = 32,    /* never logged */
    PROP_DEPRECATED = 64,
    PROP_NEWER = 128, /* ours, or came after the release whose recorded answers we are compared with */
};

struct prop_rule {
    const char *key;
    enum prop_kind kind;
    uint32_t objects; /* a bit per enum prop_object */
    uint32_t bits;
    int64_t min, max;
    const char *values;
    const char *initial; /* what holds when it is not set, for people; may be NULL */
    const char *unit;    /* of the number; may be NULL */
    const char *text;    /* what it does */
};

/* Sorted by key (bytes). A key whose rule depends on the object has several rows in succession. */
extern const struct prop_rule prop_rules[];
extern const size_t prop_rule_count;

enum {
    PROP_KEY_MAX = 256,    /* bytes of a normalised key */
    PROP_VALUE_MAX = 4096, /* bytes, except in key value stores */
};

/* The (first) rule of a key, on whatever object; NULL when there is none. */
const struct prop_rule *prop_rule_find(const char *key);
/* NULL when the key has no rule for this kind of object. Keys of a free namespace (Aux/...) have no rule. */
const struct prop_rule *prop_rule_find_for(enum prop_object object, const char *key);
/* All rules of a kind of object, in order of keys: begin with NULL, ends with NULL. */
const struct prop_rule *prop_rule_next(enum prop_object object, const struct prop_rule *after);

/* "boolean_true_false": what REST calls the kind. */
const char *prop_kind_name(enum prop_kind kind);
/* What values are legal, in one line: "(0 - 300)", "lru|fifo". */
const char *prop_rule_values(struct arena *arena, const struct prop_rule *rule);

/* Why a property was refused: texts for the user, in the arena; what is not known is NULL. */
struct prop_problem {
    int64_t ret_code; /* FAIL_INVLD_PROP, except where the reference says otherwise */
    const char *message, *cause, *details;
};

/*
 * Whether the object takes this key and value. 0 and the value as it is to be stored (in the arena, or value itself),
 * or -EINVAL and *problem. The key is stored as prop_key_normalise() has it.
 */
int prop_check(enum prop_object object, const char *key, const char *value, struct arena *arena,
               const char **normalised, struct prop_problem *problem) MUST_CHECK;
/* Whether the object takes this key at all: for deleting it. */
int prop_check_key(enum prop_object object, const char *key, struct arena *arena,
                   struct prop_problem *problem) MUST_CHECK;
/*
 * "a/b" of "/a//b/". 0, -ENAMETOOLONG, or -EINVAL when nothing is left of the key, which is legal in key value stores.
 * *normalised is set in each case.
 */
int prop_key_normalise(const char *key, struct arena *arena, const char **normalised) MUST_CHECK;

/* Of the two containers of the controller this key belongs into the one that satellites do not see. */
bool prop_is_controller_only(const char *key);
/* Belongs into both containers. */
bool prop_is_in_both(const char *key);
/* Below a namespace in which the object takes every key, such as Aux/. */
bool prop_is_free(enum prop_object object, const char *key);
