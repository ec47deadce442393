/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "roles/controller/arriving.h"

static int take_held(struct arriving *arriving, const char *text, struct field_error *error)
{
    return arriving_take_held(arriving, &(struct link_body){ text, strlen(text) }, error);
}

static void held_is_gathered(void **state)
{
    struct arriving arriving = { 0 };
    struct field_error error;

    (void)state;
    assert_int_equal(take_held(&arriving, "{\"pools\":[{\"name\":\"p\"}],\"new\":[{}]}", &error), 0);
    assert_int_equal(take_held(&arriving, "{\"resources\":[{\"name\":\"a\"},{\"name\":\"b\",\"digest\":7}]}", &error),
                     0);
    assert_false(arriving.held.complete);
    assert_int_equal(take_held(&arriving, "{\"resources\":[5]}", &error), -1);
    assert_string_equal(error.message, "resources[0]: expected an object");
    assert_int_equal(take_held(&arriving, "{\"resources\":[{\"name\":\"c\"}],\"complete\":true}", &error), 0);
    assert_true(arriving.held.complete);
    assert_int_equal(arriving.held.pools.count, 1);
    assert_int_equal(arriving.held.resources.count, 3);
    assert_string_equal(arriving.held.resources.at[1].name, "b");
    assert_int_equal(arriving.held.resources.at[1].digest, 7);
    arriving_forget(&arriving);
    assert_int_equal(arriving.held.resources.count, 0);
    assert_false(arriving.held.complete);
}

static void held_has_an_end(void **state)
{
    enum { ITEMS = 10000, PARTS = 200 };
    struct arriving arriving = { 0 };
    struct field_error error;
    struct buf text = { 0 };
    int parts = 0;

    (void)state;
    buf_add_text(&text, "{\"resources\":[{\"name\":\"x\"}");
    for (int i = 0; i < ITEMS; i++)
        buf_printf(&text, ",{\"name\":\"resource-%d\"}", i);
    buf_add_text(&text, "]}");
    while (parts < PARTS && take_held(&arriving, text.data, &error) == 0)
        parts++;
    assert_in_range(parts, 20, PARTS - 1);
    assert_string_equal(error.message, "it is more than a satellite can have");
    buf_done(&text);
    arriving_forget(&arriving);
}

static void orphans_are_gathered_to_an_end(void **state)
{
    static char pool[] = "p", identifier[100000];
    struct orphan_fact orphan = { .pool = pool, .identifier = identifier };
    struct report part = { .orphans = { .at = &orphan, .count = 1 } };
    struct arriving arriving = { 0 };
    int parts = 0;

    (void)state;
    memset(identifier, 'i', sizeof(identifier) - 1);
    while (parts < 1000 && arriving_take_orphans(&arriving, &part))
        parts++;
    assert_in_range(parts, 150, 200);
    assert_int_equal(arriving.orphans.orphans.count, parts);
    assert_string_equal(arriving.orphans.orphans.at[parts - 1].identifier, identifier);
    arriving_forget_orphans(&arriving);
    assert_true(arriving_take_orphans(&arriving, &part));
    arriving_forget(&arriving);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(held_is_gathered),
        cmocka_unit_test(held_has_an_end),
        cmocka_unit_test(orphans_are_gathered_to_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
