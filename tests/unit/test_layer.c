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
#include "model/prop_rules.h"
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
}

static void assert_sentence(const char *text)
{
    assert_non_null(text);
    assert_true(strlen(text) > 1 && text[strlen(text) - 1] == '.');
}

/* Words divided by blanks; no two rows have the same one. */
static void assert_word_is_free(const char *words, enum provider_kind kind)
{
    struct text_list mine = { 0 };
    struct arena arena = { 0 };
    const char *at = words;

    for (size_t length; (length = strcspn(at, " ")) > 0; at += length + (at[length] == ' '))
        text_list_add(&mine, arena_strndup(&arena, at, length), &arena);
    assert_true(mine.count > 0);
    for (enum provider_kind other = 0; other < kind; other++) {
        const char *theirs = provider_rows[other].command;

        for (uint32_t i = 0; theirs && i < mine.count; i++) {
            const char *found = strstr(theirs, mine.at[i]);
            size_t length = strlen(mine.at[i]);

            while (found && (found[length] > ' ' || (found > theirs && found[-1] > ' ')))
                found = strstr(found + 1, mine.at[i]);
            assert_null(found);
        }
    }
    arena_done(&arena);
}

static void test_rows_of_providers_are_complete(void **state)
{
    (void)state;
    for (enum provider_kind kind = 0; kind < PROVIDER_KIND_COUNT; kind++) {
        const struct provider_row *row = &provider_rows[kind];

        assert_non_null(row->name);
        assert_true(row->mixes & 1u << kind);
        assert_int_equal(row->granularity_kib & (row->granularity_kib - 1), 0);
        /* Only what is used up has a limit, and only what is thin a high one. */
        if (kind != PROVIDER_DISKLESS && kind != PROVIDER_EBS_INIT)
            assert_true(row->oversubscription >= 1 && row->traits & PROVIDER_BACKED);
        assert_int_equal(row->oversubscription > 1, (row->traits & PROVIDER_THIN) != 0);
        if (row->traits & PROVIDER_SNAPSHOT_NEEDS_VOLUME)
            assert_true(row->traits & PROVIDER_SNAPSHOTS);
        if (row->elsewhere)
            assert_sentence(row->elsewhere);
        assert_int_equal(!row->argument, !row->property);
        assert_int_equal(!row->argument, !row->help);
        if (!row->command) {
            assert_null(row->argument);
            assert_true(row->traits & PROVIDER_SPECIAL_NODE);
            continue;
        }
        assert_word_is_free(row->command, kind);
        assert_sentence(row->summary);
        if (!row->argument) {
            assert_int_equal(kind, PROVIDER_DISKLESS);
            continue;
        }
        assert_sentence(row->help);
        assert_non_null(prop_rule_find_for(PROP_ON_STORAGE_POOL, row->property));
    }
}

static void test_rows_of_layers_are_complete(void **state)
{
    uint32_t places = 0, ends = 0;

    (void)state;
    for (enum layer_kind kind = 0; kind < LAYER_KIND_COUNT; kind++) {
        const struct layer_row *row = &layer_rows[kind];

        assert_non_null(row->name);
        assert_non_null(row->title);
        assert_in_range(row->info_place, 1, LAYER_KIND_COUNT);
        places |= 1u << row->info_place;
        ends += row->below == 0;
        assert_false(row->below & 1u << kind);
        if (row->below)
            assert_true(row->below & 1u << LAYER_STORAGE);
    }
    assert_int_equal(places, (1u << (LAYER_KIND_COUNT + 1)) - 2);
    assert_int_equal(ends, 1);
}

static void test_lists_are_made_of_rows(void **state)
{
    struct buf text = { 0 };

    (void)state;
    layer_kinds_print(&text);
    assert_string_equal(buf_text(&text), "DRBD, LUKS, STORAGE, NVME, WRITECACHE, CACHE, BCACHE");
    buf_clear(&text);
    provider_kinds_print(&text);
    for (enum provider_kind kind = 0; kind < PROVIDER_KIND_COUNT; kind++)
        assert_non_null(strstr(buf_text(&text), provider_rows[kind].name));
    buf_done(&text);
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
        cmocka_unit_test(test_rows_of_providers_are_complete),
        cmocka_unit_test(test_rows_of_layers_are_complete),
        cmocka_unit_test(test_lists_are_made_of_rows),
        cmocka_unit_test(test_stacks),
        cmocka_unit_test(test_providers),
        cmocka_unit_test(test_against_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
