/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/uri.h"

/* "a|b?x=1&y=": segments and parameters as one text */
static void format_uri(const struct uri *uri, struct buf *out)
{
    for (size_t i = 0; i < uri->segment_count; i++)
        buf_printf(out, "%s%s", i > 0 ? "|" : "", uri->segments[i]);
    for (size_t i = 0; i < uri->parameter_count; i++)
        buf_printf(out, "%s%s=%s", i > 0 ? "&" : "?", uri->parameters[i].name, uri->parameters[i].value);
}

static void test_parse(void **state)
{
    static const struct {
        const char *target, *parsed;
    } cases[] = {
        { "/", "" },
        { "/v1/nodes", "v1|nodes" },
        { "/v1/nodes/", "v1|nodes" },
        { "/v1//nodes", "v1||nodes" },
        { "/v1/files/%2Fetc%2fdrbd.d%2Fx.conf", "v1|files|/etc/drbd.d/x.conf" },
        { "/v1/files/%252Fetc", "v1|files|%2Fetc" },
        { "/a+b/c%20d/%C3%A9", "a+b|c d|\303\251" },
        { "/a/../b/.", "a|..|b|." },
        { "/a;x=1/b;;y/;z?c=1;2", "a|b|?c=1;2" },
        { "/a%3Bx", "a;x" },
        { "/a?", "a" },
        { "/a?&&", "a" },
        { "/a?x", "a?x=" },
        { "/a?x=1&x=2&y=a+b%2Bc&z==", "a?x=1&x=2&y=a b+c&z==" },
        { "/a?x=/b?c#y=1", "a?x=/b?c" },
        { "/a#?x=1", "a" },
        { "*", "" },
    };
    static const char *const broken[] = { "",     "a",    "?x",   "/%",      "/%2",     "/%2G",
                                          "/%G2", "/%00", "/a?%", "/a?x=%4", "/a?x=%00" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct arena arena = { 0 };
        struct buf out = { 0 };
        struct uri uri;

        assert_null(uri_parse(&arena, cases[i].target, &uri));
        format_uri(&uri, &out);
        assert_string_equal(buf_text(&out), cases[i].parsed);
        buf_done(&out);
        arena_done(&arena);
    }
    for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
        struct arena arena = { 0 };
        struct uri uri;

        if (!uri_parse(&arena, broken[i], &uri))
            fail_msg("accepted: %s", broken[i]);
        arena_done(&arena);
    }
}

static void test_parameters(void **state)
{
    struct arena arena = { 0 };
    struct uri uri;
    size_t at = 0;

    (void)state;
    assert_null(uri_parse(&arena, "/?n=a&m=x&n=b&N=c", &uri));
    assert_string_equal(uri_next_parameter(&uri, "n", &at), "a");
    assert_string_equal(uri_next_parameter(&uri, "n", &at), "b");
    assert_null(uri_next_parameter(&uri, "n", &at));
    assert_string_equal(uri_find_parameter(&uri, "m"), "x");
    assert_null(uri_find_parameter(&uri, "M"));
    arena_done(&arena);
}

static void test_encode(void **state)
{
    struct arena arena = { 0 };
    struct buf text = { 0 }, encoded = { 0 };
    char *decoded;

    (void)state;
    for (int c = 1; c < 256; c++)
        buf_add_char(&text, (char)c);
    uri_encode(&encoded, text.data);
    assert_null(strpbrk(encoded.data, "/?#&=+ "));
    decoded = uri_decode(&arena, encoded.data, encoded.length, true);
    assert_string_equal(decoded, text.data);
    buf_clear(&encoded);
    uri_encode(&encoded, "Aux/a b-._~");
    assert_string_equal(encoded.data, "Aux%2Fa%20b-._~");
    buf_done(&text);
    buf_done(&encoded);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_encode),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
