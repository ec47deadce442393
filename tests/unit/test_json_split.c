/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json_scan.h"
#include "base/json_split.h"

/* Elements are written one a line. */
static bool take(void *owner, const char *text, size_t length)
{
    buf_add(owner, text, length);
    buf_add_char(owner, '\n');
    return true;
}

static bool refuse(void *owner, const char *text, size_t length)
{
    (void)owner;
    (void)text;
    (void)length;
    return false;
}

/* The text in pieces of so many bytes; the elements, or "! what is wrong". */
static void split_in_pieces(const char *text, size_t piece, struct buf *out)
{
    struct json_split split;
    size_t length = strlen(text);
    int result = 0;

    json_split_init(&split, take, out);
    for (size_t at = 0; at < length && result == 0; at += piece)
        result = json_split_feed(&split, text + at, length - at < piece ? length - at : piece);
    if (result == 0)
        result = json_split_end(&split);
    if (result != 0)
        buf_printf(out, "! %s\n", split.error);
    json_split_done(&split);
}

static const struct {
    const char *text, *elements;
} cases[] = {
    { "[]", "" },
    { " [ ] \n", "" },
    { "[{}]", "{}\n" },
    { "[{\"a\":[1,2]}, {\"b\":\"]},{\\\"\"}]", "{\"a\":[1,2]}\n{\"b\":\"]},{\\\"\"}\n" },
    { "[1, \"a,b\" ,null,[[]]]", "1\n\"a,b\"\nnull\n[[]]\n" },
    { "[\"\\\\\",\"\\\"\"]", "\"\\\\\"\n\"\\\"\"\n" },
    { "{\"count\":1}", "{\"count\":1}\n" },
    { " 12 ", "12\n" },
    { "12", "12\n" },
    { "", "! the text ends in the middle\n" },
    { "[", "! the text ends in the middle\n" },
    { "[1", "! the text ends in the middle\n" },
    { "[{\"a\":1}", "{\"a\":1}\n! the text ends in the middle\n" },
    { "[1,]", "1\n! a value is missing\n" },
    { "[,1]", "! a value is missing\n" },
    { "[{} {}]", "{}\n! expected a comma or the end of the list\n" },
    { "[] []", "! something stands behind the value\n" },
    { "{\"a\":\"b", "! the text ends in the middle\n" },
};

static void elements_do_not_depend_on_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (size_t piece = 1; piece <= strlen(cases[i].text) + 1; piece++) {
            struct buf out = { 0 };

            split_in_pieces(cases[i].text, piece, &out);
            assert_string_equal(buf_text(&out), cases[i].elements);
            buf_done(&out);
        }
    }
}

static void nesting_is_limited(void **state)
{
    struct buf text = { 0 }, out = { 0 };

    (void)state;
    for (int i = 0; i < 5000; i++)
        buf_add_char(&text, '[');
    split_in_pieces(buf_text(&text), 100, &out);
    assert_string_equal(buf_text(&out), "! nested too deep\n");
    buf_done(&text);
    buf_done(&out);
}

static void the_owner_can_stop(void **state)
{
    struct json_split split;

    (void)state;
    json_split_init(&split, refuse, NULL);
    assert_int_equal(json_split_feed(&split, "[1,2]", 5), -1);
    assert_null(split.error);
    json_split_done(&split);
}

/* Each byte in each place of a string, so that those which look alike eight at a time are told apart. */
static void strings_end_where_they_end(void **state)
{
    enum { LENGTH = 20 };
    char text[LENGTH];

    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        bool is_special = byte == 0 || byte == '"' || byte == '\\';

        for (int at = 0; at < LENGTH; at++) {
            memset(text, 0x21, sizeof(text)); /* next to a quote */
            text[at] = (char)byte;
            for (int from = 0; from < LENGTH; from++)
                assert_ptr_equal(json_scan_plain(text + from, text + LENGTH),
                                 is_special && from <= at ? text + at : text + LENGTH);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_end_where_they_end),
        cmocka_unit_test(elements_do_not_depend_on_pieces),
        cmocka_unit_test(nesting_is_limited),
        cmocka_unit_test(the_owner_can_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
