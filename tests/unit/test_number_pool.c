/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/number_pool.h"

static void test_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *text, *result; /* NULL: no list of ranges */
        bool was_cut;
    } cases[] = {
        { "7000-7999", "7000-7999", false },
        { "7000-7999,8100", "7000-7999,8100", false },
        { " 8100 , 7999 - 7000 ", "7000-7999,8100", false },
        { "5,6,7", "5-7", false },
        { "1-10,5-20,21", "1-21", false },
        { "7000-70000", "7000-65535", true },
        { "0-3", "1-3", true },
        { "70000-80000", "", true },
        { "65535,70000", "65535", true },
        { "", NULL, false },
        { ",", NULL, false },
        { "7000,", NULL, false },
        { "7000-", NULL, false },
        { "-7", NULL, false },
        { "7000-7999-8000", NULL, false },
        { "a-b", NULL, false },
        { "1 2", NULL, false },
        { "99999999999999999999", NULL, false },
        { "1-9223372036854775807,5", "1-65535", true },
    };
    struct arena arena = { 0 };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct number_ranges ranges;
        bool was_cut;
        int error = number_ranges_parse(cases[i].text, 1, 65535, &ranges, &was_cut);
        if ((error == 0) != !!cases[i].result)
            fail_msg("'%s': %d", cases[i].text, error);
        if (error)
            continue;
        assert_string_equal(number_ranges_format(&arena, &ranges), cases[i].result);
        assert_int_equal(was_cut, cases[i].was_cut);
        number_ranges_done(&ranges);
    }
    arena_done(&arena);
}

static int64_t take(struct number_pool *pool)
{
    int64_t number;
    int error = number_pool_next_free(pool, &number);
    if (error)
        return error;
    assert_false(number_pool_is_used(pool, number));
    assert_int_equal(number_pool_claim(pool, number), 0);
    assert_true(number_pool_is_used(pool, number));
    return number;
}

static void set_ranges(struct number_pool *pool, const char *automatic, const char *blocked)
{
    struct number_ranges wanted = { 0 }, refused = { 0 };
    bool was_cut;
    assert_int_equal(number_ranges_parse(automatic, INT64_MIN, INT64_MAX, &wanted, &was_cut), 0);
    if (blocked)
        assert_int_equal(number_ranges_parse(blocked, INT64_MIN, INT64_MAX, &refused, &was_cut), 0);
    number_pool_set_ranges(pool, &wanted, &refused);
    number_ranges_done(&wanted);
    number_ranges_done(&refused);
}

static void test_pool(void **state)
{
    (void)state;
    struct number_pool pool;
    number_pool_init(&pool, 1, 65535);
    assert_int_equal(take(&pool), 1);
    set_ranges(&pool, "7000-7003,8100", NULL);
    assert_int_equal(number_pool_claim(&pool, 7001), 0);
    assert_int_equal(number_pool_claim(&pool, 7001), -EEXIST);
    assert_int_equal(number_pool_claim(&pool, 0), -ERANGE);
    assert_int_equal(number_pool_claim(&pool, 65536), -ERANGE);
    assert_int_equal(number_pool_claim(&pool, -1), -ERANGE);
    assert_int_equal(take(&pool), 7000);
    assert_int_equal(take(&pool), 7002);
    assert_int_equal(take(&pool), 7003);
    assert_int_equal(take(&pool), 8100);
    assert_int_equal(take(&pool), -ENOSPC);
    number_pool_release(&pool, 7002);
    number_pool_release(&pool, 7001);
    number_pool_release(&pool, 65535); /* never was used */
    number_pool_release(&pool, -5);
    assert_int_equal(take(&pool), 7001);
    assert_int_equal(take(&pool), 7002);
    assert_int_equal(take(&pool), -ENOSPC);
    set_ranges(&pool, "7000-7010", "7000-7004,7006,7008-7009");
    assert_true(number_pool_is_blocked(&pool, 7006));
    assert_false(number_pool_is_blocked(&pool, 7007));
    assert_int_equal(number_pool_claim(&pool, 7006), 0); /* stored before it was blocked */
    assert_int_equal(take(&pool), 7005);
    assert_int_equal(take(&pool), 7007);
    assert_int_equal(take(&pool), 7010);
    assert_int_equal(take(&pool), -ENOSPC);
    set_ranges(&pool, "7000-7010", "1-65535");
    assert_int_equal(take(&pool), -ENOSPC);
    set_ranges(&pool, "0-3,65535-70000", "0-1,70000");
    assert_int_equal(take(&pool), 2);
    assert_int_equal(take(&pool), 3);
    assert_int_equal(take(&pool), 65535);
    assert_int_equal(take(&pool), -ENOSPC);
    number_pool_done(&pool);
}

/* Against the simplest pool there is. */
static void test_at_random(void **state)
{
    (void)state;
    enum { MAX = 300 };
    bool used[MAX + 1] = { false };
    struct number_pool pool;
    number_pool_init(&pool, 0, MAX);
    unsigned seed = 1;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 1103515245 + 12345;
        int number = (int)(seed >> 16) % (MAX + 1);
        unsigned choice = (seed >> 8) % 8;
        if (choice < 2) {
            assert_int_equal(number_pool_claim(&pool, number), used[number] ? -EEXIST : 0);
            used[number] = true;
        } else if (choice < 5) {
            number_pool_release(&pool, number);
            used[number] = false;
        } else {
            int lowest = 0;
            while (lowest <= MAX && used[lowest])
                lowest++;
            assert_int_equal(take(&pool), lowest <= MAX ? lowest : -ENOSPC);
            if (lowest <= MAX)
                used[lowest] = true;
        }
    }
    number_pool_done(&pool);
}

static void test_large(void **state)
{
    (void)state;
    struct number_pool pool;
    number_pool_init(&pool, 0, 0x3fffffff);
    for (int64_t i = 0; i < 100000; i++)
        assert_int_equal(take(&pool), i);
    assert_true(pool.words * 64 < 300000);
    number_pool_done(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_pool),
        cmocka_unit_test(test_at_random),
        cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
