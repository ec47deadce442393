/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/field.h"
#include "base/field_layout.h"

static const struct enum_name colors[] = { { "RED", 1 }, { "GREEN", 2 }, { 0 } };
static const struct enum_name bits[] = { { "A", 1 }, { "B", 2 }, { "AB", 3 }, { 0 } };

struct leaf {
    char *name;
    struct maybe_i32 port;
};
static const struct field leaf_fields[] = {
    FIELD(leaf, name, FIELD_REQUIRED),
    FIELD(leaf, port, 0),
};
static SCHEMA(leaf)

struct tree {
    char *name;
    bool plain;
    struct maybe_bool maybe;
    int64_t number;
    double ratio;
    struct text_list texts;
    struct text_map props;
    struct i64_list numbers;
    uint32_t color;
    uint64_t flags;
    struct leaf *object;
    struct leaf inline_object;
    LIST_OF(struct leaf) leaves;
    char *secret;
    struct texts_map reasons;
};
static const struct field tree_fields[] = {
    FIELD(tree, name, 0),          FIELD(tree, plain, 0),
    FIELD(tree, maybe, 0),         FIELD(tree, number, 0),
    FIELD(tree, ratio, 0),         FIELD(tree, texts, FIELD_NOT_EMPTY),
    FIELD(tree, props, 0),         FIELD(tree, numbers, 0),
    ENUM(tree, color, colors, 0),  FLAGS(tree, flags, bits, 0),
    OBJECT(tree, object, leaf, 0), INLINE(tree, inline_object, leaf, FIELD_STORE),
    LIST(tree, leaves, leaf, 0),   FIELD(tree, secret, FIELD_SECRET),
    FIELD(tree, reasons, 0),
};
static SCHEMA(tree)

static const char full[] =
    "{\"name\":\"n\\u00e9\",\"plain\":true,\"maybe\":false,\"number\":-4611686018407726875,\"ratio\":20.0,"
    "\"texts\":[\"a\",\"b\"],\"props\":{\"a/b\":\"\",\"c\":\"x\"},\"numbers\":[1,9007199254740993],"
    "\"color\":\"GREEN\",\"flags\":[\"A\",\"B\",\"AB\"],\"object\":{\"name\":\"o\",\"port\":3366},"
    "\"inline_object\":{\"name\":\"i\"},\"leaves\":[{\"name\":\"l\"}],\"secret\":\"s\",\"reasons\":{\"LUKS\":[\"no "
    "kernel\",\"no tool\"],\"NVME\":[]}}";

/* Both ways of reading give the same. */
static void decode_ok(struct tree *tree, const char *text, struct arena *arena)
{
    struct tree scanned = *tree;
    struct field_error error;

    if (field_decode_text(&tree_schema, tree, text, strlen(text), arena, &error) != 0)
        fail_msg("%s", error.message);
    if (field_scan_text(&tree_schema, &scanned, text, strlen(text), arena, &error) != 0)
        fail_msg("%s", error.message);
    assert_true(field_equal(&tree_schema, tree, &scanned, FIELD_ALL));
}

static void assert_encodes(const struct tree *tree, unsigned audience, const char *expected)
{
    struct buf out = { 0 };
    struct json_writer writer = { .out = &out };

    field_encode(&tree_schema, tree, audience, &writer);
    assert_string_equal(buf_text(&out), expected);
    buf_done(&out);
}

static void round_trip_is_exact(void **state)
{
    struct arena arena = { 0 };
    struct tree tree = { 0 };

    (void)state;
    decode_ok(&tree, full, &arena);
    assert_true(tree.maybe.has);
    assert_false(tree.maybe.value);
    assert_int_equal(tree.number, INT64_C(-4611686018407726875));
    assert_int_equal(tree.numbers.at[1], INT64_C(9007199254740993));
    /* é was written as an escape and comes back as UTF-8 */
    assert_string_equal(tree.name, "n\xc3\xa9");
    tree.name = arena_strdup(&arena, "n");
    {
        struct tree copy = { 0 };
        struct buf out = { 0 };
        struct json_writer writer = { .out = &out };

        field_encode(&tree_schema, &tree, FIELD_STORE, &writer);
        decode_ok(&copy, buf_text(&out), &arena);
        assert_true(field_equal(&tree_schema, &tree, &copy, FIELD_ALL));
        buf_done(&out);
    }
    arena_done(&arena);
}

static void flags_without_names_are_kept(void **state)
{
    const uint64_t cases[] = { 4, 1 << 14 | 1, UINT64_C(1) << 63 | 3, UINT64_MAX };
    struct arena arena = { 0 };
    struct tree tree = { .flags = 1 << 14 | 1 };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tree before = { .flags = cases[i], .inline_object = { .name = (char[]){ "i" } } }, after = { 0 };
        struct buf out = { 0 };
        struct json_writer writer = { .out = &out };

        field_encode(&tree_schema, &before, i % 2 ? FIELD_STORE : FIELD_LINK, &writer);
        decode_ok(&after, buf_text(&out), &arena);
        assert_true(after.flags == cases[i]);
        buf_done(&out);
    }
    assert_encodes(&tree, FIELD_REST, "{\"plain\":false,\"number\":0,\"ratio\":0.0,\"flags\":[\"A\"]}");
    arena_done(&arena);
}

static void flags_that_are_none_are_refused(void **state)
{
    static const char *const texts[] = { "{\"flags\":[\"0x\"]}",         "{\"flags\":[\"0xg\"]}",
                                         "{\"flags\":[\"C\"]}",          "{\"flags\":[\"0x11112222333344445\"]}",
                                         "{\"flags\":[\"0x1\\u0020\"]}", "{\"flags\":[4]}" };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct arena arena = { 0 };
        struct tree tree = { 0 };
        struct field_error error;

        assert_int_not_equal(field_decode_text(&tree_schema, &tree, texts[i], strlen(texts[i]), &arena, &error), 0);
        assert_int_not_equal(field_scan_text(&tree_schema, &tree, texts[i], strlen(texts[i]), &arena, &error), 0);
        arena_done(&arena);
    }
}

static void absent_is_not_false(void **state)
{
    struct arena arena = { 0 };
    struct tree tree = { 0 };

    (void)state;
    decode_ok(&tree, "{\"name\":null,\"unknown\":[1]}", &arena);
    assert_false(tree.maybe.has);
    assert_null(tree.name);
    assert_encodes(&tree, FIELD_REST, "{\"plain\":false,\"number\":0,\"ratio\":0.0}");
    arena_done(&arena);
}

static void secrets_are_not_shown(void **state)
{
    struct tree tree = { .secret = (char[]){ "s" }, .inline_object = { .name = (char[]){ "i" } } };

    (void)state;
    assert_encodes(&tree, FIELD_REST, "{\"plain\":false,\"number\":0,\"ratio\":0.0}");
    assert_encodes(&tree, FIELD_STORE,
                   "{\"plain\":false,\"number\":0,\"ratio\":0.0,\"inline_object\":{\"name\":\"i\"},\"secret\":\"s\"}");
}

static void empty_lists_are_left_out_for_rest_only(void **state)
{
    struct arena arena = { 0 };
    struct tree tree = { 0 };

    (void)state;
    decode_ok(&tree, "{\"texts\":[],\"numbers\":[]}", &arena);
    assert_non_null(tree.texts.at);
    assert_encodes(&tree, FIELD_REST, "{\"plain\":false,\"number\":0,\"ratio\":0.0,\"numbers\":[]}");
    assert_encodes(&tree, FIELD_LINK, "{\"plain\":false,\"number\":0,\"ratio\":0.0,\"texts\":[],\"numbers\":[]}");
    arena_done(&arena);
}

static void clients_send_numbers_as_text(void **state)
{
    struct arena arena = { 0 };
    struct tree tree = { 0 };

    (void)state;
    decode_ok(&tree, "{\"number\":\"4194304\",\"plain\":\"True\",\"props\":{\"a\":1,\"b\":true},\"numbers\":[\"7\"]}",
              &arena);
    assert_int_equal(tree.number, 4194304);
    assert_true(tree.plain);
    assert_string_equal(text_map_find(&tree.props, "a"), "1");
    assert_string_equal(text_map_find(&tree.props, "b"), "true");
    assert_int_equal(tree.numbers.at[0], 7);
    arena_done(&arena);
}

static void errors_name_the_place(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        { "{\"leaves\":[{\"name\":\"a\"},{\"name\":[]}]}", "leaves[1].name: expected a string" },
        { "{\"leaves\":[{}]}", "leaves[0].name: is missing" },
        { "{\"object\":{\"name\":\"a\",\"port\":70000000000}}",
          "object.port: 70000000000 is out of range (-2147483648 to 2147483647)" },
        { "{\"props\":{\"a/b\":[]}}", "props.a/b: expected a string" },
        { "{\"color\":\"BLUE\"}", "color: expected one of RED GREEN" },
        { "{\"number\":99999999999999999999}", "number: expected an integer" },
        { "{\"texts\":\"a\"}", "texts: expected a list" },
        { "[]", "expected an object" },
        { "", "line 1: empty" },
        { "{\"name\":\"a\"", "line 1: not a JSON value" },
        { "{}\n{}", "line 2: something stands behind the JSON value" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct arena arena = { 0 };
        struct tree tree = { 0 };
        struct field_error error = { 0 };

        assert_int_equal(field_decode_text(&tree_schema, &tree, cases[i].text, strlen(cases[i].text), &arena, &error),
                         -1);
        assert_string_equal(error.message, cases[i].message);
        error = (struct field_error){ 0 };
        assert_int_equal(field_scan_text(&tree_schema, &tree, cases[i].text, strlen(cases[i].text), &arena, &error),
                         -1);
        assert_string_equal(error.message, cases[i].message);
        arena_done(&arena);
    }
}

static void deep_nesting_is_refused(void **state)
{
    char text[2 * JSON_DEPTH_LIMIT + 8];
    struct json_error error;

    (void)state;
    memset(text, '[', JSON_DEPTH_LIMIT + 1);
    assert_null(json_parse(text, JSON_DEPTH_LIMIT + 1, &error));
    assert_string_equal(error.message, "line 1: nested too deep");
}

static void copies_share_nothing(void **state)
{
    struct arena arena = { 0 }, other = { 0 };
    struct tree tree = { 0 }, copy = { 0 };

    (void)state;
    decode_ok(&tree, full, &arena);
    field_copy(&tree_schema, &copy, &tree, &other);
    assert_true(field_equal(&tree_schema, &tree, &copy, FIELD_ALL));
    arena_done(&arena);
    assert_string_equal(copy.leaves.at[0].name, "l");
    assert_string_equal(copy.object->name, "o");
    assert_string_equal(copy.reasons.at[0].value.at[1], "no tool");
    copy.leaves.at[0].port = (struct maybe_i32)MAYBE(1);
    decode_ok(&tree, full, &arena);
    assert_false(field_equal(&tree_schema, &tree, &copy, FIELD_ALL));
    arena_done(&arena);
    arena_done(&other);
}

static void maps_stay_sorted_and_unique(void **state)
{
    struct arena arena = { 0 };
    struct text_map map = { 0 };
    static const char *const keys[] = { "m", "a", "z", "b", "m", "y", "c" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        text_map_set(&map, keys[i], i == 4 ? "second" : "first", &arena);
    assert_int_equal(map.count, 6);
    for (uint32_t i = 1; i < map.count; i++)
        assert_true(strcmp(map.at[i - 1].key, map.at[i].key) < 0);
    assert_string_equal(text_map_find(&map, "m"), "second");
    assert_true(text_map_remove(&map, "m"));
    assert_false(text_map_remove(&map, "m"));
    assert_null(text_map_find(&map, "m"));
    arena_done(&arena);
}

static void what_begins_so_is_removed_from_maps(void **state)
{
    static const char *const keys[] = { "a", "a/", "a/b", "a/b/c", "a0", "ab/c", "b" };
    static const struct {
        const char *prefix, *left;
    } cases[] = {
        { "a/", "a a0 ab/c b " },
        { "b", "a a/ a/b a/b/c a0 ab/c " },
        { "c", "a a/ a/b a/b/c a0 ab/c b " },
        { "a", "b " },
        { "", "" },
    };
    struct arena arena = { 0 };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct text_map map = { 0 };
        char left[100] = "";

        for (size_t j = 0; j < ARRAY_SIZE(keys); j++)
            text_map_set(&map, keys[j], "x", &arena);
        text_map_remove_below(&map, cases[i].prefix);
        for (uint32_t j = 0; j < map.count; j++)
            strcat(strcat(left, map.at[j].key), " ");
        assert_string_equal(left, cases[i].left);
    }
    arena_done(&arena);
}

static void scanning_is_strict(void **state)
{
    static const char *const bad[] = {
        "{\"number\":01}",
        "{\"number\":1.}",
        "{\"number\":-}",
        "{\"number\":1e}",
        "{\"name\":\"\\x\"}",
        "{\"name\":\"\\ud83d\"}",
        "{\"name\":\"\\ude00\"}",
        "{\"name\":\"\\u0000\"}",
        "{\"name\":\"a}",
        "{\"name\":tru}",
        "{\"x\":[1,]}",
        "{\"x\":[1 2]}",
        "{\"x\":{\"a\"}}",
        "{\"x\":{a:1}}",
        "{,}",
        "{\"a\":1,}",
        "{\"x\":\"\\u12\"}",
        "{\"name\":\"\xff\"}",
        "{\"name\":\"\xed\xa0\x80\"}",
        "{\"name\":\"\xc3",
        "{\"texts\":[\"a\",]}",
        "{\"props\":{\"a\":\"b\",}}",
        "{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct arena arena = { 0 };
        struct tree tree = { 0 };
        struct field_error error = { 0 };
        char *exact = memory_copy(bad[i], strlen(bad[i]));

        if (field_scan_text(&tree_schema, &tree, exact, strlen(bad[i]), &arena, &error) == 0)
            fail_msg("%s", bad[i]);
        assert_memory_equal(error.message, "line 1: ", 8);
        free(exact);
        arena_done(&arena);
    }
}

static void scanned_strings_are_unescaped(void **state)
{
    static const char text[] =
        "{\"n\\u0061me\":\"\\\"\\\\\\/"
        "\\b\\f\\n\\r\\t\\u00e9\\u20ac\\ud83d\\ude00\",\"x\":{\"y\":[\"]\",{}]},\"ratio\":-2.5E1}";
    struct arena arena = { 0 };
    struct tree tree = { 0 };

    (void)state;
    decode_ok(&tree, text, &arena);
    assert_string_equal(tree.name, "\"\\/\b\f\n\r\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    assert_true(tree.ratio == -25.0);
    arena_done(&arena);
}

static void unsorted_maps_are_sorted_while_decoded(void **state)
{
    static const char text[] = "{\"props\":{\"b\":1,\"a\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"a\":8}}";
    struct arena arena = { 0 };
    struct tree tree = { 0 };

    (void)state;
    decode_ok(&tree, text, &arena);
    assert_int_equal(tree.props.count, 7);
    assert_string_equal(text_map_find(&tree.props, "a"), "8");
    for (uint32_t i = 1; i < tree.props.count; i++)
        assert_true(strcmp(tree.props.at[i - 1].key, tree.props.at[i].key) < 0);
    arena_done(&arena);
}

/* Written by ourselves, a map has any number of members; from strangers each may cost a move of all others. */
static void large_maps_come_in_order(void **state)
{
    enum { MEMBERS = 3 * FIELD_MAP_LIMIT };

    (void)state;
    for (int is_sorted = 0; is_sorted < 2; is_sorted++) {
        CLEANUP(buf_done) struct buf text = { 0 };
        struct tree decoded = { 0 }, scanned = { 0 };
        struct arena arena = { 0 };
        struct field_error error = { 0 };
        int expected = is_sorted ? 0 : -1;

        buf_add_text(&text, "{\"props\":{");
        for (int i = 0; i < MEMBERS; i++)
            buf_printf(&text, "%s\"k%05d\":\"\"", i > 0 ? "," : "", is_sorted ? i : MEMBERS - i);
        buf_add_text(&text, "}}");
        assert_int_equal(field_decode_text(&tree_schema, &decoded, text.data, text.length, &arena, &error), expected);
        assert_int_equal(field_scan_text(&tree_schema, &scanned, text.data, text.length, &arena, &error), expected);
        if (is_sorted) {
            assert_int_equal(decoded.props.count, MEMBERS);
            assert_int_equal(field_largest_map(&tree_schema, &scanned, FIELD_ALL), MEMBERS);
        } else {
            assert_string_equal(error.message, "props.k20000: has more than 10000 members, and not in order");
        }
        arena_done(&arena);
    }
}

static int scan_limited(const struct buf *text, size_t factor, struct field_error *error)
{
    struct arena arena = { 0 };
    struct tree tree = { 0 };
    int result =
        field_scan_limited(&tree_schema, &tree, text->data, text->length, factor * text->length, &arena, error);

    arena_done(&arena);
    return result;
}

/* A few bytes of text must not ask for much memory. A map of equal keys has but one member. */
static void memory_of_strangers_is_limited(void **state)
{
    enum { TIMES = 20000 };
    static const struct {
        const char *begin, *item, *end;
        bool is_large;
    } rows[] = {
        { "{\"leaves\":[", "{\"name\":\"\"}", "]}", true },
        { "{\"texts\":[", "\"\"", "]}", true },
        { "{\"numbers\":[", "1", "]}", true },
        { "{\"props\":{", "\"\":\"\"", "}}", false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(buf_done) struct buf text = { 0 };
        struct field_error error = { 0 };

        buf_add_text(&text, rows[i].begin);
        for (int n = 0; n < TIMES; n++)
            buf_printf(&text, "%s%s", n > 0 ? "," : "", rows[i].item);
        buf_add_text(&text, rows[i].end);
        assert_int_equal(scan_limited(&text, 16, &error), 0);
        assert_int_equal(scan_limited(&text, 4, &error), rows[i].is_large ? -1 : 0);
        if (rows[i].is_large)
            assert_non_null(strstr(error.message, "]: is more than such a text may hold"));
    }
}

static void what_is_no_utf8_is_refused(void **state)
{
    static const struct {
        const char *text;
        bool is_good;
    } rows[] = {
        { "plain text of more than eight bytes", true },
        { "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 and more", true },
        { "12345678\xff", false },
        { "\xc0\x80", false },
        { "\xed\xa0\x80", false },
        { "\xf4\x90\x80\x80", false },
        { "cut \xe2\x82", false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_int_equal(json_is_utf8(rows[i].text, strlen(rows[i].text)), rows[i].is_good);
}

static void traits_are_those_of_their_kind(void **state)
{
    (void)state;
    for (int kind = 0; kind <= FIELD_KIND_OBJECT_MAP; kind++) {
        assert_int_equal(field_traits[kind].kind, kind);
        assert_int_not_equal(field_traits[kind].shape, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip_is_exact),
        cmocka_unit_test(flags_without_names_are_kept),
        cmocka_unit_test(flags_that_are_none_are_refused),
        cmocka_unit_test(absent_is_not_false),
        cmocka_unit_test(secrets_are_not_shown),
        cmocka_unit_test(empty_lists_are_left_out_for_rest_only),
        cmocka_unit_test(clients_send_numbers_as_text),
        cmocka_unit_test(errors_name_the_place),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(copies_share_nothing),
        cmocka_unit_test(maps_stay_sorted_and_unique),
        cmocka_unit_test(what_begins_so_is_removed_from_maps),
        cmocka_unit_test(scanning_is_strict),
        cmocka_unit_test(scanned_strings_are_unescaped),
        cmocka_unit_test(unsorted_maps_are_sorted_while_decoded),
        cmocka_unit_test(large_maps_come_in_order),
        cmocka_unit_test(memory_of_strangers_is_limited),
        cmocka_unit_test(what_is_no_utf8_is_refused),
        cmocka_unit_test(traits_are_those_of_their_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
