/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"

static void test_arena_of_zeroes(void **state)
{
    struct arena arena = { 0 };

    (void)state;
    arena_reset(&arena);
    arena_done(&arena);
    assert_null(arena.chunks);
}

/* What was given stays as it was written, aligned, while much more is taken. */
static void test_arena_keeps(void **state)
{
    enum { COUNT = 2000 };
    struct arena arena = { 0 };
    char *texts[COUNT];
    int64_t *numbers[COUNT];

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        texts[i] = arena_printf(&arena, "%0*d", i % 300 + 1, i);
        numbers[i] = arena_alloc(&arena, sizeof(int64_t) * (size_t)(i % 7 + 1));
        assert_int_equal((uintptr_t)numbers[i] % alignof(max_align_t), 0);
        assert_int_equal(numbers[i][i % 7], 0);
        numbers[i][i % 7] = i;
        arena_strdup(&arena, "x");
    }
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(atoi(texts[i]), i);
        assert_int_equal(numbers[i][i % 7], i);
    }
    arena_done(&arena);
}

static void test_arena_large_and_reset(void **state)
{
    struct arena arena = { 0 };
    char *first, *large;

    (void)state;
    first = arena_strndup(&arena, "first and more", 5);
    large = arena_alloc(&arena, 10 << 20);
    large[(10 << 20) - 1] = 1;
    assert_string_equal(first, "first");
    arena_reset(&arena);
    assert_ptr_equal(arena_alloc(&arena, 1 << 20), large); /* the chunk is kept, and is zeroed again */
    assert_string_equal(arena_strdup(&arena, ""), "");
    assert_null(arena_strdup_null(&arena, NULL));
    assert_string_equal(arena_strdup_null(&arena, "x"), "x");
    arena_done(&arena);
}

static void test_buf(void **state)
{
    struct buf buf = { 0 };
    char *taken;

    (void)state;
    assert_string_equal(buf_text(&buf), "");
    buf_drop_front(&buf, 0);
    buf_add(&buf, NULL, 0);
    for (int i = 0; i < 1000; i++)
        buf_printf(&buf, "%d,", i);
    assert_int_equal(buf.length, strlen(buf.data));
    assert_int_equal(strncmp(buf.data, "0,1,2,", 6), 0);
    buf_drop_front(&buf, 2);
    assert_int_equal(strncmp(buf.data, "1,2,", 4), 0);
    assert_string_equal(buf.data + buf.length - 4, "999,");
    buf_add(&buf, "a\0b", 3);
    assert_int_equal(buf.data[buf.length - 1], 'b');
    buf_drop_front(&buf, buf.length);
    assert_int_equal(buf.length, 0);
    assert_string_equal(buf_text(&buf), "");
    buf_add_char(&buf, 'x');
    buf_add_text(&buf, "yz");
    taken = buf_take(&buf);
    assert_string_equal(taken, "xyz");
    assert_null(buf.data);
    free(taken);
    taken = buf_take(&buf);
    assert_string_equal(taken, "");
    free(taken);
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena_of_zeroes),
        cmocka_unit_test(test_arena_keeps),
        cmocka_unit_test(test_arena_large_and_reset),
        cmocka_unit_test(test_buf),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
