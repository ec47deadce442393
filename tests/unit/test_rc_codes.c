/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/rc_codes.h"
#include "reference.h"

static int64_t number_of(const cJSON *value)
{
    if (cJSON_IsNumber(value))
        return (int64_t)value->valuedouble;
    return (int64_t)strtoull(cJSON_GetStringValue(value), NULL, 0);
}

/* Names that are return codes: the masks and what is composed of a number and a mask. */
static bool is_code(const cJSON *row, int64_t *value)
{
    const char *type = reference_text(row, "type"), *name = reference_text(row, "name");
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(row, "value");
    if (!type || !name)
        return false;
    if (strcmp(type, "long") == 0 && strncmp(name, "MASK_", 5) == 0) {
        *value = number_of(given);
        return true;
    }
    if (strcmp(type, "BOR") != 0)
        return false;
    *value = 0;
    const cJSON *part;
    cJSON_ArrayForEach(part, given)
    {
        int64_t mask;
        const char *text = cJSON_GetStringValue(part);
        if (text && strncmp(text, "MASK_", 5) == 0) {
            assert_true(rc_code_parse(text, &mask));
            *value |= mask;
        } else {
            *value |= number_of(part);
        }
    }
    return true;
}

static void test_against_reference(void **state)
{
    (void)state;
    cJSON *constants = reference_read_json(REFERENCE_DATA "consts.json");
    if (!constants)
        skip();
    size_t codes = 0, masks = 0;
    const cJSON *row;
    cJSON_ArrayForEach(row, constants)
    {
        int64_t expected, value;
        if (!is_code(row, &expected))
            continue;
        const char *name = reference_text(row, "name");
        bool is_bits = strncmp(name, "MASK_BITS_", 10) == 0;
        if (strncmp(name, "MASK_", 5) != 0)
            codes++;
        else if (!is_bits)
            masks++;
        if (is_bits)
            continue;
        if (!rc_code_parse(name, &value))
            fail_msg("%s is missing", name);
        if (value != expected)
            fail_msg("%s is %jx, not %jx", name, (intmax_t)value, (intmax_t)expected);
    }
    cJSON_Delete(constants);
#define RC_COUNT(...) +1
    assert_int_equal(codes, 0 RC_CODES(RC_COUNT));
    assert_int_equal(masks, 0 RC_KINDS(RC_COUNT) RC_OPERATIONS(RC_COUNT) RC_OBJECTS(RC_COUNT));
}

static void test_known_answers(void **state)
{
    (void)state;
    /* Numbers that real answers carried. */
    assert_true((MASK_RSC | MASK_CRT | CREATED) == 20185089);
    assert_true((MASK_NODE | MASK_CRT | FAIL_INVLD_NODE_NAME) == -4611686018406678328);
    assert_true((MASK_NODE | MASK_DEL | WARN_NOT_FOUND) == -9223372036800509000);
}

static void test_names(void **state)
{
    (void)state;
    int64_t code = -4611686018406678328;
    assert_string_equal(rc_code_name(code), "FAIL_INVLD_NODE_NAME");
    assert_string_equal(rc_object_name(code), "MASK_NODE");
    assert_string_equal(rc_operation_name(code), "MASK_CRT");
    assert_string_equal(rc_kind_name(code), "MASK_ERROR");
    assert_string_equal(rc_kind_name(20185089), "MASK_SUCCESS");
    assert_string_equal(rc_kind_name(WARN_NOT_FOUND), "MASK_WARN");
    assert_string_equal(rc_code_name(API_CALL_PARSE_ERROR), "API_CALL_PARSE_ERROR");
    assert_string_equal(rc_code_name(INFO_NOOP), "INFO_NOOP");
    assert_string_equal(rc_code_name(MASK_NODE | SUCCESS_SIGN_IN), "SUCCESS_SIGN_IN");
    assert_string_equal(rc_code_name(FAIL_SIGN_IN), "FAIL_SIGN_IN");
    assert_null(rc_code_name(MASK_WARN));
    assert_null(rc_object_name(CREATED));
    assert_null(rc_operation_name(CREATED));
    assert_false(rc_code_parse("FAIL_NO_SUCH_NAME", &code));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_reference),
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
