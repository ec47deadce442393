/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/name.h"
#include "model/rc_codes.h"
#include "reference.h"

#define A47 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
    enum name_kind kind;
    const char *text;
    bool is_legal;
    const char *said; /* part of the reason */
} names[] = {
    { NAME_RESOURCE, "r", false, "too short" },
    { NAME_RESOURCE, "", false, "too short" },
    { NAME_RESOURCE, "ab", true, "" },
    { NAME_RESOURCE, "_a", true, "" },
    { NAME_RESOURCE, "__", false, "letter" },
    { NAME_RESOURCE, "12", false, "letter" },
    { NAME_RESOURCE, "1-", false, "letter" },
    { NAME_RESOURCE, "1a", false, "begin with '1'" },
    { NAME_RESOURCE, "-a", false, "begin with '-'" },
    { NAME_RESOURCE, "a1-_", true, "" },
    { NAME_RESOURCE, "a b", false, "contain a blank" },
    { NAME_RESOURCE, "a.b", false, "contain '.'" },
    { NAME_RESOURCE, "a\xc3\xa4", false, "contain the byte 0xc3" },
    { NAME_RESOURCE, "all", false, "DRBD" },
    { NAME_RESOURCE, "PROXY", false, "DRBD" },
    { NAME_RESOURCE, A47 "b", true, "" },
    { NAME_RESOURCE, A47 "bc", false, "too long" },
    { NAME_RESOURCE_GROUP, "all", true, "" },
    { NAME_SNAPSHOT, "all", true, "" },
    { NAME_STORAGE_POOL, "ab", false, "too short" },
    { NAME_STORAGE_POOL, "abc", true, "" },
    { NAME_NET_INTERFACE, "v6", false, "too short" },
    { NAME_NET_INTERFACE, "de fault", false, "blank" },
    { NAME_NET_INTERFACE, "defaultdefaultdefaultdefaultdefault", false, "too long" },
    { NAME_NET_INTERFACE, "1st", false, "begin" },
    { NAME_NET_INTERFACE, "cpu0", true, "" },
    { NAME_SHARED_SPACE, "mysan", true, "" },
    { NAME_SHARED_SPACE, "0a.b", true, "" },
    { NAME_SHARED_SPACE, "n1:x", false, "contain ':'" },
    { NAME_SHARED_SPACE, "n1;x", false, "contain ';'" },
    { NAME_KEY_VALUE_STORE, "k", false, "too short" },
    { NAME_NODE, "12", true, "" },
    { NAME_NODE, "a", false, "too short" },
    { NAME_NODE, "no_de", false, "contain '_'" },
    { NAME_NODE, "node-", false, "end with '-'" },
    { NAME_NODE, "node.", true, "" },
    { NAME_REMOTE, ".hidden", false, "begin with '.'" },
    { NAME_SCHEDULE, "daily", true, "" },
    { NAME_EXTERNAL_FILE, "/etc/x y", true, "" },
    { NAME_EXTERNAL_FILE, "relative", false, "absolute" },
    { NAME_EXTERNAL_FILE, "/\xc3\xa4", false, "ASCII" },
    { NAME_EXTERNAL, "", true, "" },
    { NAME_EXTERNAL, "\xff \n", true, "" },
};

static void test_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char why[NAME_WHY_SIZE] = "";
        int result = name_check(names[i].kind, names[i].text, why, sizeof(why));
        if (result != (names[i].is_legal ? 0 : -EINVAL) || !strstr(why, names[i].said))
            fail_msg("%s '%s': %d, \"%s\"", name_kind_text(names[i].kind), names[i].text, result, why);
    }
    char tiny[8];
    assert_int_equal(name_check(NAME_NODE, "a", tiny, sizeof(tiny)), -EINVAL);
    assert_int_equal(strlen(tiny), 7);
}

static void test_key(void **state)
{
    (void)state;
    char key[NAME_KEY_SIZE], longest[NAME_KEY_SIZE + 1];
    assert_true(name_key("Mixed-Case_1", key));
    assert_string_equal(key, "MIXED-CASE_1");
    memset(longest, 'n', sizeof(longest));
    longest[NAME_KEY_SIZE] = '\0';
    assert_false(name_key(longest, key));
    longest[NAME_KEY_SIZE - 1] = '\0';
    assert_true(name_key(longest, key));
}

static void test_address(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_legal;
    } cases[] = {
        { "127.0.0.99", true },
        { "0.0.0.0", true },
        { "127.0.0.300", false },
        { "localhost", false },
        { "::1", true },
        { "2001:db8::5", true },
        { "fe80::1%eth0", true },
        { "fe80::1%", false },
        { "fe80::1%a b", false },
        { "10.0.0", false },
        { " ", false },
        { "", false },
        { "1.2.3.4/24", false },
        { "bad", false },
        { "1.2.3.4%eth0", false },
        { "2001:db8::/32", false },
        { "::ffff:1.2.3.4", true },
        { "1.2.3.4\n", false },
        { "2001:2001:2001:2001:2001:2001:2001:2001:2001:2001:2001:2001:2001", false },
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char why[NAME_WHY_SIZE];
        if ((name_check_address(cases[i].text, why, sizeof(why)) == 0) != cases[i].is_legal)
            fail_msg("%s", cases[i].text);
    }
}

static void test_volume_number(void **state)
{
    (void)state;
    char why[NAME_WHY_SIZE];
    assert_int_equal(name_check_volume_number(0, why, sizeof(why)), 0);
    assert_int_equal(name_check_volume_number(65534, why, sizeof(why)), 0);
    assert_int_equal(name_check_volume_number(65535, why, sizeof(why)), -EINVAL);
    assert_int_equal(name_check_volume_number(-1, why, sizeof(why)), -EINVAL);
    assert_string_equal(why, "Volume number -1 is out of range; numbers go from 0 to 65534.");
}

static bool is_taken(const char *name, void *context)
{
    char key[NAME_KEY_SIZE];
    const char *const *taken = context;
    assert_true(name_key(name, key));
    for (; *taken; taken++) {
        if (strcmp(*taken, key) == 0)
            return true;
    }
    return false;
}

static void test_from_external(void **state)
{
    (void)state;
    /* What the reference made of them. NULL: a random one. */
    static const struct {
        const char *external, *name;
    } cases[] = {
        { "valid_name", "valid_name" },
        { "With Blank", "With_Blank" },
        { "1digit", "xdigit" },
        { "2ff4d1e4-bb0b-4b34-a7bd-9c8c1c7e2b9c", "LS_2FF4D1E4-BB0B-4B34-A7BD-9C8C1C7E2B9C" },
        { "\xc3\xbcn\xc3\xaf"
          "code",
          "JQnJdcode" },
        { "a", NULL },
        { "%/&", NULL },
        { "", NULL },
        { "Taken", NULL },
        { "Taken too", "Taken_too" },
        { "all", NULL },
        { A47 A47, A47 "a" },
    };
    const char *taken[] = { "TAKEN", NULL };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char name[NAME_RESOURCE_SIZE], why[NAME_WHY_SIZE];
        name_from_external(cases[i].external, is_taken, taken, name);
        assert_int_equal(name_check(NAME_RESOURCE, name, why, sizeof(why)), 0);
        if (cases[i].name) {
            assert_string_equal(name, cases[i].name);
        } else {
            assert_true(text_starts_with(name, "LS_"));
            assert_true(text_is_uuid(name + 3));
        }
    }
    /* A UUID that is taken, and one that begins with a letter, which is legal as it is. */
    const char *other[] = { "LS_AFF4D1E4-BB0B-4B34-A7BD-9C8C1C7E2B9C", NULL };
    char name[NAME_RESOURCE_SIZE];
    name_from_external("aff4d1e4-bb0b-4b34-a7bd-9c8c1c7e2b9c", is_taken, other, name);
    assert_string_equal(name, "aff4d1e4-bb0b-4b34-a7bd-9c8c1c7e2b9c");
}

/* The recorded answers to POST: a name is refused exactly with the code of its kind. */
static void check_answer(enum name_kind kind, const char *text, const cJSON *answer)
{
    char why[NAME_WHY_SIZE];
    bool refused = false;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(answer, "body"))
    {
        const cJSON *number = cJSON_GetObjectItemCaseSensitive(entry, "ret_code");
        int64_t code = number && cJSON_GetStringValue(number) ? strtoll(cJSON_GetStringValue(number), NULL, 10) : 0;
        refused = refused || (code & (MASK_BITS_TYPE | MASK_BITS_CODE)) == name_fail_code(kind);
    }
    if ((name_check(kind, text, why, sizeof(why)) != 0) != refused)
        fail_msg("%s '%s' is %s by the reference", name_kind_text(kind), text, refused ? "refused" : "accepted");
}

static size_t walk(const char *scenario, const char *path, const char *wrapper, enum name_kind kind)
{
    char file[256];
    size_t checked = 0;
    snprintf(file, sizeof(file), REFERENCE_CONFORMANCE "scenarios/%s.json", scenario);
    cJSON *steps = reference_read_json(file);
    if (!steps)
        skip();
    snprintf(file, sizeof(file), REFERENCE_CONFORMANCE "expected/%s.json", scenario);
    cJSON *answers = reference_read_json(file);
    assert_non_null(answers);
    const cJSON *step, *answer = answers->child;
    cJSON_ArrayForEach(step, cJSON_GetObjectItemCaseSensitive(steps, "steps"))
    {
        const cJSON *body = cJSON_GetArrayItem(step, 2);
        const cJSON *object = wrapper ? cJSON_GetObjectItemCaseSensitive(body, wrapper) : body;
        const char *name = reference_text(object, "name");
        if (strcmp(cJSON_GetStringValue(cJSON_GetArrayItem(step, 0)), "POST") == 0 && name && name[0] &&
            strcmp(cJSON_GetStringValue(cJSON_GetArrayItem(step, 1)), path) == 0) {
            check_answer(kind, name, answer);
            checked++;
        }
        answer = answer->next;
    }
    cJSON_Delete(steps);
    cJSON_Delete(answers);
    return checked;
}

static void test_recorded_names(void **state)
{
    (void)state;
    assert_true(walk("node-names", "/v1/nodes", NULL, NAME_NODE) > 30);
    assert_true(walk("resource-definitions", "/v1/resource-definitions", "resource_definition", NAME_RESOURCE) > 15);
    assert_true(walk("resource-groups", "/v1/resource-groups", NULL, NAME_RESOURCE_GROUP) > 5);
    assert_true(walk("net-interfaces", "/v1/nodes/sat1/net-interfaces", NULL, NAME_NET_INTERFACE) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),         cmocka_unit_test(test_key),
        cmocka_unit_test(test_address),       cmocka_unit_test(test_volume_number),
        cmocka_unit_test(test_from_external), cmocka_unit_test(test_recorded_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
