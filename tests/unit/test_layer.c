/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/layer.h"
#include "reference.h"

static void test_names(void **state)
{
    (void)state;
    for (enum layer_kind kind = 0; kind < LAYER_KIND_COUNT; kind++) {
        enum layer_kind parsed;
        assert_true(layer_kind_parse(layer_kind_name(kind), &parsed));
        assert_int_equal(parsed, kind);
    }
    for (enum provider_kind kind = 0; kind < PROVIDER_KIND_COUNT; kind++) {
        enum provider_kind parsed;
        assert_true(provider_kind_parse(provider_kind_name(kind), &parsed));
        assert_int_equal(parsed, kind);
    }
    enum provider_kind provider;
    enum layer_kind layer;
    assert_true(provider_kind_parse("file_Thin", &provider));
    assert_int_equal(provider, PROVIDER_FILE_THIN);
    assert_true(layer_kind_parse("drbd", &layer));
    assert_false(provider_kind_parse("TAPE", &provider));
    assert_false(layer_kind_parse("", &layer));
    assert_null(layer_kind_names[LAYER_KIND_COUNT].name);
    assert_null(provider_kind_names[PROVIDER_KIND_COUNT].name);
}

/* Names divided by blanks; the result in the same form. */
static int parse(const char *names, char *result, size_t size, bool *was_extended)
{
    char words[128], why[256], *save;
    char *at[16];
    struct text_list list = { .at = at };
    struct layer_stack stack;
    snprintf(words, sizeof(words), "%s", names);
    for (char *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
        at[list.count++] = word;
    int error = layer_stack_parse(&list, &stack, was_extended, why, sizeof(why));
    result[0] = '\0';
    for (size_t i = 0; error == 0 && i < stack.count; i++) {
        strncat(result, i ? " " : "", size - strlen(result) - 1);
        strncat(result, layer_kind_name(stack.at[i]), size - strlen(result) - 1);
    }
    return error;
}

static void test_stacks(void **state)
{
    (void)state;
    static const struct {
        const char *names, *result; /* NULL: refused */
        bool was_extended;
        int error;
    } cases[] = {
        { "", "", false, 0 },
        { "STORAGE", "STORAGE", false, 0 },
        { "drbd storage", "DRBD STORAGE", false, 0 },
        { "DRBD", "DRBD STORAGE", true, 0 },
        { "DRBD LUKS STORAGE", "DRBD LUKS STORAGE", false, 0 },
        { "DRBD WRITECACHE LUKS STORAGE", "DRBD WRITECACHE LUKS STORAGE", false, 0 },
        { "DRBD NVME WRITECACHE CACHE BCACHE LUKS", "DRBD NVME WRITECACHE CACHE BCACHE LUKS STORAGE", true, 0 },
        { "CACHE WRITECACHE STORAGE", "CACHE WRITECACHE STORAGE", false, 0 },
        { "BCACHE CACHE STORAGE", NULL, false, -EINVAL },
        { "STORAGE DRBD", NULL, false, -EINVAL },
        { "STORAGE STORAGE", NULL, false, -EINVAL },
        { "DRBD DRBD STORAGE", NULL, false, -EINVAL },
        { "LUKS DRBD STORAGE", NULL, false, -EINVAL },
        { "WRITECACHE CACHE WRITECACHE STORAGE", NULL, false, -EINVAL },
        { "NOPE STORAGE", NULL, false, -ENOENT },
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char result[128];
        bool was_extended;
        int error = parse(cases[i].names, result, sizeof(result), &was_extended);
        if (error != cases[i].error ||
            (error == 0 && (was_extended != cases[i].was_extended || strcmp(result, cases[i].result) != 0)))
            fail_msg("'%s': %d '%s'", cases[i].names, error, result);
    }
}

static void test_providers(void **state)
{
    (void)state;
    assert_true(provider_can(PROVIDER_LVM_THIN, PROVIDER_THIN));
    assert_true(provider_can(PROVIDER_FILE, PROVIDER_SNAPSHOTS));
    assert_false(provider_can(PROVIDER_LVM, PROVIDER_SNAPSHOTS));
    assert_true(provider_can(PROVIDER_LVM, PROVIDER_SHARED));
    assert_false(provider_can(PROVIDER_DISKLESS, PROVIDER_BACKED));
    assert_false(provider_can(PROVIDER_EBS_TARGET, PROVIDER_SHRINKS));
    assert_true(provider_oversubscription(PROVIDER_FILE_THIN) == 20);
    assert_true(provider_oversubscription(PROVIDER_FILE) == 1);
    assert_true(isinf(provider_oversubscription(PROVIDER_DISKLESS)));
    assert_true(provider_mixes(PROVIDER_FILE, PROVIDER_FILE_THIN, false));
    assert_false(provider_mixes(PROVIDER_LVM, PROVIDER_LVM_THIN, false));
    assert_true(provider_mixes(PROVIDER_LVM, PROVIDER_LVM_THIN, true));
    assert_false(provider_mixes(PROVIDER_LVM, PROVIDER_FILE, true));
    for (enum provider_kind a = 0; a < PROVIDER_KIND_COUNT; a++) {
        assert_true(provider_mixes(a, a, false));
        assert_true(provider_mixes(a, PROVIDER_DISKLESS, false));
        for (enum provider_kind b = 0; b < PROVIDER_KIND_COUNT; b++) {
            assert_int_equal(provider_mixes(a, b, false), provider_mixes(b, a, false));
            assert_int_equal(provider_mixes(a, b, true), provider_mixes(b, a, true));
        }
    }
}

static void test_against_reference(void **state)
{
    (void)state;
    cJSON *constants = reference_read_json(REFERENCE_DATA "consts.json");
    if (!constants)
        skip();
    int seen = 0;
    const cJSON *row, *value;
    cJSON_ArrayForEach(row, constants)
    {
        const char *name = reference_text(row, "name");
        if (!name || strcmp(name, "DeviceLayerKind") != 0)
            continue;
        cJSON_ArrayForEach(value, cJSON_GetObjectItemCaseSensitive(row, "values"))
        {
            enum layer_kind kind;
            assert_true(layer_kind_parse(reference_text(value, "name"), &kind));
            assert_int_equal(kind, seen++);
        }
    }
    assert_int_equal(seen, LAYER_KIND_COUNT);
    cJSON_Delete(constants);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_stacks),
        cmocka_unit_test(test_providers),
        cmocka_unit_test(test_against_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
