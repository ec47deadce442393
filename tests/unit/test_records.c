/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/data/records/vN/<kind>.json are records as a program with version N of that kind wrote them. Each must load,
 * and be written again to the same bytes as the newest version's file. Who adds a row to a kind before any release adds
 * it to the newest file; afterwards a file never changes: the kind gets a new version, an upgrade step and a file in a
 * new directory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "model/model.h"
#include "model/txn.h"

static const char *const paths[KIND_COUNT] = {
    [KIND_CONTROLLER] = "controller",       [KIND_NODE] = "ALPHA",
    [KIND_NET_INTERFACE] = "ALPHA/DEFAULT", [KIND_STORAGE_POOL_DEFINITION] = "THIN",
    [KIND_STORAGE_POOL] = "ALPHA/THIN",     [KIND_RESOURCE_GROUP] = "GROUP",
    [KIND_VOLUME_GROUP] = "GROUP/00003",    [KIND_RESOURCE_DEFINITION] = "DB",
    [KIND_VOLUME_DEFINITION] = "DB/00003",  [KIND_RESOURCE] = "DB/ALPHA",
};

/* Not there: false. */
static bool read_record(int version, const struct kind *kind, struct buf *text)
{
    CLEANUP(memory_freep) char *path = memory_printf("tests/data/records/v%d/%s.json", version, kind->name);

    buf_clear(text);
    return text_read_file(path, 1 << 20, text) == 0;
}

static void load_parents(struct model *model, const struct kind *kind)
{
    for (int i = 0; i < (int)kind->id; i++) {
        CLEANUP(buf_done) struct buf text = { 0 };
        char why[200];

        assert_true(read_record(kinds[i].version, &kinds[i], &text));
        if (!model_load(model, &kinds[i], paths[i], text.data, text.length, why, sizeof(why)))
            fail_msg("%s: %s", kinds[i].name, why);
    }
}

static void check(const struct kind *kind, int version)
{
    CLEANUP(buf_done) struct buf stored = { 0 }, newest = { 0 }, again = { 0 };
    struct model model;
    struct object *object;
    char why[200] = "";

    if (!read_record(version, kind, &stored))
        return; /* no kind needs a file of every version that others have */
    assert_true(read_record(kind->version, kind, &newest));
    model_init(&model);
    load_parents(&model, kind);
    object = model_load(&model, kind, paths[kind->id], stored.data, stored.length, why, sizeof(why));
    if (!object)
        fail_msg("%s, version %d: %s", kind->name, version, why);
    model_encode_record(object, &again);
    assert_string_equal(buf_text(&again), buf_text(&newest));
    model_done(&model);
}

static void test_load_and_write_again(void **state)
{
    (void)state;
    for (int i = 0; i < KIND_COUNT; i++) {
        CLEANUP(buf_done) struct buf text = { 0 };

        if (!read_record(kinds[i].version, &kinds[i], &text))
            fail_msg("there is no file for version %d of %s", kinds[i].version, kinds[i].name);
        for (int version = 1; version <= kinds[i].version; version++)
            check(&kinds[i], version);
    }
}

/* Members in the order of the program are scanned, in others a tree is made of them: the object is the same. */
static void test_order_of_members_does_not_matter(void **state)
{
    (void)state;
    for (int i = 0; i < KIND_COUNT; i++) {
        CLEANUP(buf_done) struct buf text = { 0 }, again = { 0 };
        CLEANUP(memory_freep) char *other = NULL;
        struct model model;
        struct object *object;
        const char *head, *tail;
        char why[200] = "";

        assert_true(read_record(kinds[i].version, &kinds[i], &text));
        head = strchr(buf_text(&text), ',');
        assert_non_null(head);
        tail = strrchr(head, '}');
        assert_non_null(tail);
        other =
            memory_printf("{%.*s,%.*s}", (int)(tail - head - 1), head + 1, (int)(head - text.data - 1), text.data + 1);
        model_init(&model);
        load_parents(&model, &kinds[i]);
        object = model_load(&model, &kinds[i], paths[i], other, strlen(other), why, sizeof(why));
        if (!object)
            fail_msg("%s: %s", kinds[i].name, why);
        model_encode_record(object, &again);
        assert_string_equal(buf_text(&again), buf_text(&text));
        model_done(&model);
    }
}

static void expect_every_row(const struct schema *schema, const cJSON *json)
{
    for (uint32_t i = 0; i < schema->count; i++) {
        const struct field *field = &schema->fields[i];
        const cJSON *member = cJSON_GetObjectItemCaseSensitive(json, field->name);

        if (!(field->use & FIELD_STORE))
            continue;
        if (!member && !(strcmp(field->name, "flags") == 0 && !((const struct enum_name *)field->ref)->name))
            fail_msg("%s.%s is not in the file", schema->name, field->name);
        if (member && (field->kind == FIELD_KIND_INLINE || field->kind == FIELD_KIND_OBJECT))
            expect_every_row(field->ref, member);
        if (member && field->kind == FIELD_KIND_LIST)
            expect_every_row(field->ref, member->child);
    }
}

/* A row that no file holds would not be guarded by the test above. */
static void test_files_hold_every_row(void **state)
{
    (void)state;
    for (int i = 0; i < KIND_COUNT; i++) {
        CLEANUP(buf_done) struct buf text = { 0 };
        struct json_error error;
        cJSON *json;

        assert_true(read_record(kinds[i].version, &kinds[i], &text));
        json = json_parse(text.data, text.length, &error);
        assert_non_null(json);
        expect_every_row(kinds[i].schema, json);
        cJSON_Delete(json);
    }
}

static int rename_member(cJSON *record)
{
    cJSON *old = cJSON_DetachItemFromObjectCaseSensitive(record, "title");

    return old && cJSON_AddItemToObject(record, "name", old) ? 0 : -1;
}

/* No kind has a second version yet, so the steps are tried on one made up here. */
static void test_upgrade_steps(void **state)
{
    static int (*const steps[])(cJSON *) = { rename_member };
    static const char old[] = "{\"v\":1,\"generation\":5,\"uuid\":\"u\",\"title\":\"Old\"}";
    static const char bad[] = "{\"v\":1,\"generation\":5,\"uuid\":\"u\"}";
    struct kind kind = kinds[KIND_NODE];
    struct model model;
    struct object *object;
    char why[200] = "";

    (void)state;
    kind.version = 2;
    kind.upgrades = steps;
    model_init(&model);
    object = model_load(&model, &kind, "OLD", old, strlen(old), why, sizeof(why));
    assert_non_null(object);
    assert_string_equal(((const struct node *)object)->name, "Old");
    assert_int_equal(model.generation, 5);
    assert_null(model_load(&model, &kind, "BAD", bad, strlen(bad), why, sizeof(why)));
    assert_string_equal(why, "record cannot be brought from version 1 to 2");
    model_done(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_and_write_again),
        cmocka_unit_test(test_order_of_members_does_not_matter),
        cmocka_unit_test(test_files_hold_every_row),
        cmocka_unit_test(test_upgrade_steps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
