/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fields: one row per member of a struct, one codec for all of them. The same rows serve REST bodies and replies,
 * stored records, undo images, messages between controller and satellites, TOML and the client.
 *
 * A row's kind follows from the C type of the member; a type that no row can carry does not compile. Presence is part
 * of the type: text, lists, maps and objects are absent when NULL; a number or bool that may be absent is a struct
 * maybe_x with its presence bit beside the value, so that absent, false and "never mentioned" cannot be confused, and
 * no bit has to be set somewhere else than where the value is.
 *
 *     struct net_interface_doc {
 *         char *name;
 *         struct maybe_i32 satellite_port;
 *     };
 *     static const struct field net_interface_doc_fields[] = {
 *         FIELD(net_interface_doc, name, FIELD_REQUIRED),
 *         FIELD(net_interface_doc, satellite_port, 0),
 *     };
 *     SCHEMA(net_interface_doc)
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"

struct maybe_bool {
    bool has, value;
};
struct maybe_i32 {
    bool has;
    int32_t value;
};
struct maybe_i64 {
    bool has;
    int64_t value;
};
struct maybe_double {
    bool has;
    double value;
};

#define MAYBE(x)                                                                                                       \
    {                                                                                                                  \
        .has = true, .value = (x)                                                                                      \
    }

/* room: items that list_add() may use without copying; 0 in what was decoded or copied. */
struct text_list {
    char **at;
    uint32_t count, room;
};
struct i64_list {
    int64_t *at;
    uint32_t count, room;
};
struct text_pair {
    char *key, *value;
};
struct text_map {
    struct text_pair *at;
    uint32_t count, room;
}; /* sorted by key (bytes), keys are unique */
struct i64_pair {
    char *key;
    int64_t value;
};
struct i64_map {
    struct i64_pair *at;
    uint32_t count, room;
};
struct texts_pair {
    char *key;
    struct text_list value;
};
struct texts_map {
    struct texts_pair *at;
    uint32_t count, room;
};
/* A map with so many members takes no more from a text that does not name them in order: each would have to be
 * inserted. What is in order, as our own encoder writes it, is read whatever its number. */
enum { FIELD_MAP_LIMIT = 10000 };
/* A list of structs. In an object map each struct begins with a char * that is its key. */
#define LIST_OF(type)                                                                                                  \
    struct {                                                                                                           \
        type *at;                                                                                                      \
        uint32_t count, room;                                                                                          \
    }

enum field_kind {
    FIELD_KIND_TEXT,
    FIELD_KIND_BOOL,
    FIELD_KIND_I32,
    FIELD_KIND_I64,
    FIELD_KIND_DOUBLE,
    FIELD_KIND_MAYBE_BOOL,
    FIELD_KIND_MAYBE_I32,
    FIELD_KIND_MAYBE_I64,
    FIELD_KIND_MAYBE_DOUBLE,
    FIELD_KIND_TEXTS,
    FIELD_KIND_I64S,
    FIELD_KIND_TEXT_MAP,
    FIELD_KIND_I64_MAP,
    FIELD_KIND_TEXTS_MAP,
    FIELD_KIND_ENUM,
    FIELD_KIND_FLAGS,
    FIELD_KIND_OBJECT,
    FIELD_KIND_INLINE,
    FIELD_KIND_LIST,
    FIELD_KIND_OBJECT_MAP,
};

/* What a row is for, and how it behaves. */
enum field_use {
    FIELD_STORE = 1,      /* part of the stored record */
    FIELD_LINK = 2,       /* sent between controller and satellites */
    FIELD_REST = 4,       /* shown by REST */
    FIELD_SECRET = 8,     /* encoded only for FIELD_STORE and FIELD_LINK */
    FIELD_REQUIRED = 16,  /* decode fails without it */
    FIELD_NOT_EMPTY = 32, /* an empty list, map or text is left out when encoded for REST */
    FIELD_ALL = FIELD_STORE | FIELD_LINK | FIELD_REST,
};

struct enum_name {
    const char *name;
    uint64_t value;
}; /* ends with a NULL name */

struct schema;
struct field {
    const char *name; /* behind its NUL stands what the encoder writes: a comma, the name in quotes, a colon */
    uint16_t offset;
    uint8_t kind;
    uint8_t use;
    uint8_t name_length;
    uint8_t lead;    /* the member is absent when so many of its first bytes are 0; 0: it is always there */
    const void *ref; /* struct schema or struct enum_name[] */
};
struct schema {
    const char *name;
    const struct field *fields;
    uint32_t count;
    uint32_t size; /* of the struct */
};

/* clang-format off */
#define FIELD_MEMBER_KIND(T, member) _Generic(((struct T *)0)->member,                                             \
    char *: FIELD_KIND_TEXT, bool: FIELD_KIND_BOOL, int32_t: FIELD_KIND_I32, int64_t: FIELD_KIND_I64,               \
    double: FIELD_KIND_DOUBLE, struct maybe_bool: FIELD_KIND_MAYBE_BOOL, struct maybe_i32: FIELD_KIND_MAYBE_I32,    \
    struct maybe_i64: FIELD_KIND_MAYBE_I64, struct maybe_double: FIELD_KIND_MAYBE_DOUBLE,                           \
    struct text_list: FIELD_KIND_TEXTS, struct i64_list: FIELD_KIND_I64S, struct text_map: FIELD_KIND_TEXT_MAP,     \
    struct i64_map: FIELD_KIND_I64_MAP, struct texts_map: FIELD_KIND_TEXTS_MAP)
#define FIELD_LEAD(kind)                                                                                             \
    ((kind) >= FIELD_KIND_MAYBE_BOOL && (kind) <= FIELD_KIND_MAYBE_DOUBLE ? sizeof(bool) :                           \
     (kind) == FIELD_KIND_ENUM ? sizeof(uint32_t) : (kind) == FIELD_KIND_FLAGS ? sizeof(uint64_t) :                  \
     ((kind) >= FIELD_KIND_BOOL && (kind) <= FIELD_KIND_DOUBLE) || (kind) == FIELD_KIND_INLINE ? 0 : sizeof(void *))
#define FIELD_ROW(T, wire, member, k, u, r) { .name = "" wire "\0,\"" wire "\":", .name_length = sizeof(wire) - 1,    \
    .lead = FIELD_LEAD(k),                                                                                           \
    .offset = offsetof(struct T, member), .kind = (k), .use = ((u) & FIELD_ALL) ? (u) : (u) | FIELD_ALL, .ref = (r) }

/* use without any of FIELD_STORE, FIELD_LINK, FIELD_REST means all three. */
#define FIELD(T, member, use)             FIELD_AS(T, #member, member, use)
#define FIELD_AS(T, wire, member, use)    FIELD_ROW(T, wire, member, FIELD_MEMBER_KIND(T, member), use, NULL)
/* uint32_t; 0 is absent. The text is compared without case, unknown text is an error. */
#define ENUM(T, member, names, use)       FIELD_ROW(T, #member, member, \
    _Generic(((struct T *)0)->member, uint32_t: FIELD_KIND_ENUM), use, names)
/* uint64_t <-> list of the names whose bits are all set; 0 is absent. */
#define FLAGS(T, member, names, use)      FLAGS_AS(T, #member, member, names, use)
#define FLAGS_AS(T, wire, member, names, use) FIELD_ROW(T, wire, member, \
    _Generic(((struct T *)0)->member, uint64_t: FIELD_KIND_FLAGS), use, names)
/* struct X *, NULL is absent; struct X, always there; LIST_OF(struct X). */
#define OBJECT(T, member, X, use)         OBJECT_AS(T, #member, member, X, use)
#define OBJECT_AS(T, wire, member, X, use) FIELD_ROW(T, wire, member, \
    _Generic(((struct T *)0)->member, struct X *: FIELD_KIND_OBJECT), use, &X##_schema)
#define INLINE(T, member, X, use)         FIELD_ROW(T, #member, member, \
    _Generic(((struct T *)0)->member, struct X: FIELD_KIND_INLINE), use, &X##_schema)
#define LIST(T, member, X, use)           FIELD_ROW(T, #member, member, \
    _Generic(((struct T *)0)->member.at, struct X *: FIELD_KIND_LIST), use, &X##_schema)
#define OBJECT_MAP(T, member, X, use)     FIELD_ROW(T, #member, member, \
    _Generic(((struct T *)0)->member.at, struct X *: FIELD_KIND_OBJECT_MAP), use, &X##_schema)
/* Decoders note in 64 bits which rows they have seen. */
#define SCHEMA(T) const struct schema T##_schema = {                                                                \
    #T, T##_fields, sizeof(T##_fields) / sizeof(T##_fields[0]), sizeof(struct T) };                                 \
    _Static_assert(sizeof(T##_fields) / sizeof(T##_fields[0]) <= 64, #T " has more than 64 rows");
/* clang-format on */

struct field_error {
    char path[160];    /* "net_interfaces[2].address" */
    char message[160]; /* "net_interfaces[2].address: expected a string" */
};

/*
 * Members that the JSON object names are set, others stay as they are; unknown names are ignored unless strict. Text
 * and lists are copied into arena. Numbers and bools may come as strings, values of maps as numbers or bools. null is
 * absent. 0, or -1 and *error.
 */
int field_decode(const struct schema *schema, void *object, const cJSON *json, struct arena *arena,
                 struct field_error *error) MUST_CHECK;
int field_decode_strict(const struct schema *schema, void *object, const cJSON *json, struct arena *arena,
                        struct field_error *error) MUST_CHECK;
/* json_parse and field_decode in one. */
int field_decode_text(const struct schema *schema, void *object, const char *text, size_t length, struct arena *arena,
                      struct field_error *error) MUST_CHECK;
/* The same, several times as fast: without a tree in between. What is no JSON to the letter is refused. */
int field_scan_text(const struct schema *schema, void *object, const char *text, size_t length, struct arena *arena,
                    struct field_error *error) MUST_CHECK;

/* The same, of a text of strangers: refused when lists and objects would take more than so many bytes of memory. */
int field_scan_limited(const struct schema *schema, void *object, const char *text, size_t length, size_t memory,
                       struct arena *arena, struct field_error *error) MUST_CHECK;

/* Rows with any bit of audience (FIELD_STORE, FIELD_LINK, FIELD_REST) as one JSON object. */
void field_encode(const struct schema *schema, const void *object, unsigned audience, struct json_writer *writer);
/* The same members, without the braces, into an object that the caller has open. */
void field_encode_members(const struct schema *schema, const void *object, unsigned audience,
                          struct json_writer *writer);

/* Bytes that field_encode would write. */
size_t field_encoded_length(const struct schema *schema, const void *object, unsigned audience);

/* Deep copy of the rows' members only; what text and lists need is taken from arena. */
void field_copy(const struct schema *schema, void *to, const void *from, struct arena *arena);
/* The members themselves, without what they point to: both structs then share it. */
void field_assign(const struct schema *schema, void *to, const void *from);
/* At least as many bytes as field_copy takes from an arena. */
size_t field_measure(const struct schema *schema, const void *object);
/* A copy in one block with all it needs, to be freed by the caller. */
void *field_duplicate(const struct schema *schema, const void *object);
/* Members of the largest text map with any bit of audience, lists and structs in it included. */
uint32_t field_largest_map(const struct schema *schema, const void *object, unsigned audience);
/* Whether the members with any bit of audience are the same. */
bool field_equal(const struct schema *schema, const void *a, const void *b, unsigned audience);

const char *enum_name(const struct enum_name *names, uint64_t value); /* NULL when there is none */
/* False when text names none of them; case does not count. */
bool enum_parse(const struct enum_name *names, const char *text, uint64_t *value);

/* Lists and maps in an arena: what grows is copied there. */
const char *text_map_find(const struct text_map *map, const char *key); /* NULL when absent */
void text_map_set(struct text_map *map, const char *key, const char *value, struct arena *arena);
/* False when absent. A map that loses its last key is absent again, as if none had ever been set. */
bool text_map_remove(struct text_map *map, const char *key);
void text_map_remove_below(struct text_map *map, const char *prefix); /* all keys that begin so */
void text_list_add(struct text_list *list, const char *text, struct arena *arena);
bool text_list_has(const struct text_list *list, const char *text);      /* case counts */
bool text_list_has_fold(const struct text_list *list, const char *text); /* case does not count */
/* Room for one more struct at the end of a LIST_OF(...); returns it, zeroed. */
void *list_add(void *list, size_t item_size, struct arena *arena);
#define LIST_ADD(list, arena) ((__typeof__((list)->at))list_add((list), sizeof(*(list)->at), (arena)))
