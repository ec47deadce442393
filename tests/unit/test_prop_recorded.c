/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every recorded request that sets properties, given to the rules: they refuse what the reference refused as an invalid
 * property, accept what it accepted, and make of the value what a later answer shows.
 */
#include <fnmatch.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/prop_rules.h"
#include "model/rc_codes.h"
#include "reference.h"

static const struct {
    const char *method, *path, *wrapper, *member;
    enum prop_object object;
} requests[] = {
    { "POST", "/v1/controller/properties", NULL, "override_props", PROP_ON_CONTROLLER },
    { "POST", "/v1/nodes", NULL, "props", PROP_ON_NODE },
    { "PUT", "/v1/nodes/*", NULL, "override_props", PROP_ON_NODE },
    { "POST", "/v1/nodes/*/storage-pools", NULL, "props", PROP_ON_STORAGE_POOL },
    { "PUT", "/v1/nodes/*/storage-pools/*", NULL, "override_props", PROP_ON_STORAGE_POOL },
    { "POST", "/v1/storage-pool-definitions", NULL, "props", PROP_ON_STORAGE_POOL_DEFINITION },
    { "PUT", "/v1/storage-pool-definitions/*", NULL, "override_props", PROP_ON_STORAGE_POOL_DEFINITION },
    { "POST", "/v1/resource-groups", NULL, "props", PROP_ON_RESOURCE_GROUP },
    { "PUT", "/v1/resource-groups/*", NULL, "override_props", PROP_ON_RESOURCE_GROUP },
    { "POST", "/v1/resource-groups/*/volume-groups", NULL, "props", PROP_ON_VOLUME_GROUP },
    { "PUT", "/v1/resource-groups/*/volume-groups/*", NULL, "override_props", PROP_ON_VOLUME_GROUP },
    { "POST", "/v1/resource-definitions", "resource_definition", "props", PROP_ON_RESOURCE_DEFINITION },
    { "PUT", "/v1/resource-definitions/*", NULL, "override_props", PROP_ON_RESOURCE_DEFINITION },
    { "POST", "/v1/resource-definitions/*/volume-definitions", "volume_definition", "props",
      PROP_ON_VOLUME_DEFINITION },
    { "PUT", "/v1/resource-definitions/*/volume-definitions/*", NULL, "override_props", PROP_ON_VOLUME_DEFINITION },
    { "PUT", "/v1/resource-definitions/*/resources/*", NULL, "override_props", PROP_ON_RESOURCE },
    { "PUT", "/v1/resource-definitions/*/resources/*/volumes/*", NULL, "override_props", PROP_ON_VOLUME },
    { "PUT", "/v1/resource-definitions/*/resource-connections/*/*", NULL, "override_props",
      PROP_ON_RESOURCE_CONNECTION },
    { "PUT", "/v1/resource-definitions/*/snapshots/*", NULL, "override_props", PROP_ON_SNAPSHOT },
    { "PUT", "/v1/resource-definitions/*/drbd-proxy", NULL, "override_props", PROP_ON_PROXY },
    { "PUT", "/v1/node-connections/*/*", NULL, "override_props", PROP_ON_NODE_CONNECTION },
    { "PUT", "/v1/key-value-store/*", NULL, "override_props", PROP_ON_KEY_VALUE_STORE },
};

struct walk {
    const char *scenario;
    const cJSON *steps, *answers;
    struct arena *arena;
    size_t *accepted, *refused, *values;
};

static const cJSON *item(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static int status_of(const cJSON *answer)
{
    const cJSON *status = item(answer, "status");
    return status ? status->valueint : 0;
}

static const char *text_at(const cJSON *step, int index)
{
    const char *text = cJSON_GetStringValue(cJSON_GetArrayItem(step, index));
    return text ? text : "";
}

/* As the body of a request is read: numbers and booleans are texts, too. */
static const char *value_text(struct arena *arena, const cJSON *value)
{
    if (cJSON_IsBool(value))
        return cJSON_IsTrue(value) ? "true" : "false";
    if (cJSON_IsNumber(value))
        return arena_printf(arena, "%.15g", value->valuedouble);
    return cJSON_GetStringValue(value);
}

static bool has_code(const cJSON *answer, int64_t wanted)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, item(answer, "body"))
    {
        const char *code = reference_text(entry, "ret_code");
        if (code && (strtoll(code, NULL, 10) & (MASK_BITS_TYPE | MASK_BITS_CODE)) == wanted)
            return true;
    }
    return false;
}

static bool mentions(const cJSON *body, const char *key)
{
    const cJSON *row;
    if (item(body, "delete_namespaces") || item(item(body, "override_props"), key))
        return true;
    cJSON_ArrayForEach(row, item(body, "delete_props"))
    {
        if (strcmp(cJSON_GetStringValue(row), key) == 0)
            return true;
    }
    return false;
}

/* The next answer that shows this object holds the value, unless something else came between. */
static void check_stored(const struct walk *walk, int index, const char *path, const char *key, const char *value)
{
    const char *normalised;
    assert_int_equal(prop_key_normalise(key, walk->arena, &normalised), 0);
    for (int i = index; i < cJSON_GetArraySize(walk->steps); i++) {
        const cJSON *step = cJSON_GetArrayItem(walk->steps, i);
        bool is_get = strcmp(text_at(step, 0), "GET") == 0, is_same = strcmp(text_at(step, 1), path) == 0;
        if (!is_get && (!is_same || i > index)) {
            if (text_starts_with(path, text_at(step, 1)) && (!is_same || mentions(cJSON_GetArrayItem(step, 2), key)))
                return;
            if (text_starts_with(text_at(step, 1), path) && !is_same)
                return;
        }
        if (!is_get || !is_same || status_of(cJSON_GetArrayItem(walk->answers, i)) != 200)
            continue;
        const cJSON *body = item(cJSON_GetArrayItem(walk->answers, i), "body");
        const cJSON *props = item(body, "props") ? item(body, "props") : body;
        const char *shown = reference_text(props, normalised);
        if (!shown || strcmp(shown, value) != 0)
            fail_msg("%s step %d: %s is '%s', the reference has '%s'", walk->scenario, index, key, value,
                     shown ? shown : "(nothing)");
        (*walk->values)++;
        return;
    }
}

static bool is_refused(const struct walk *walk, enum prop_object object, const cJSON *body, const cJSON *props)
{
    const char *stored;
    struct prop_problem problem;
    const cJSON *row;
    cJSON_ArrayForEach(row, props)
    {
        if (prop_check(object, row->string, value_text(walk->arena, row), walk->arena, &stored, &problem) != 0 &&
            problem.ret_code == FAIL_INVLD_PROP)
            return true;
    }
    cJSON_ArrayForEach(row, item(body, "delete_props"))
    {
        if (prop_check_key(object, cJSON_GetStringValue(row), walk->arena, &problem) != 0)
            return true;
    }
    cJSON_ArrayForEach(row, item(body, "delete_namespaces"))
    {
        if (prop_key_normalise(cJSON_GetStringValue(row), walk->arena, &stored) != 0)
            return true;
    }
    return false;
}

/* Whether something of it can only be judged by one who knows the node's interfaces. */
static bool names_interface(const cJSON *props)
{
    const cJSON *row;
    cJSON_ArrayForEach(row, props)
    {
        const struct prop_rule *rule = prop_rule_find(row->string);
        if (text_starts_with(row->string, "Paths/") || (rule && (rule->bits & PROP_INTERFACE)))
            return true;
    }
    return false;
}

static void check_step(const struct walk *walk, int index, enum prop_object object, const cJSON *body,
                       const cJSON *props)
{
    const cJSON *answer = cJSON_GetArrayItem(walk->answers, index), *row;
    bool expected = has_code(answer, FAIL_INVLD_PROP), ours = is_refused(walk, object, body, props);
    if (ours != expected && !(expected && names_interface(props)))
        fail_msg("%s step %d: %s by us, %s by the reference", walk->scenario, index, ours ? "refused" : "accepted",
                 expected ? "refused" : "accepted");
    ++*(expected ? walk->refused : walk->accepted);
    if (status_of(answer) >= 300)
        return;
    cJSON_ArrayForEach(row, props)
    {
        const char *stored;
        struct prop_problem problem;
        const char *value = value_text(walk->arena, row);
        assert_int_equal(prop_check(object, row->string, value, walk->arena, &stored, &problem), 0);
        bool is_deleted = false;
        const cJSON *gone;
        cJSON_ArrayForEach(gone, item(body, "delete_props")) is_deleted =
            is_deleted || strcmp(cJSON_GetStringValue(gone), row->string) == 0;
        /* Lists of objects, which is what the path of a POST shows, are not searched. */
        if (!is_deleted && object != PROP_ON_KEY_VALUE_STORE && item(body, "override_props"))
            check_stored(walk, index, text_at(cJSON_GetArrayItem(walk->steps, index), 1), row->string, stored);
    }
}

static void check_scenario(const struct walk *walk)
{
    for (int i = 0; i < cJSON_GetArraySize(walk->steps); i++) {
        const cJSON *step = cJSON_GetArrayItem(walk->steps, i), *body = cJSON_GetArrayItem(step, 2);
        if (item(cJSON_GetArrayItem(step, 3), "bug"))
            continue;
        for (size_t r = 0; r < ARRAY_SIZE(requests); r++) {
            const cJSON *inner = requests[r].wrapper ? item(body, requests[r].wrapper) : body;
            const cJSON *props = item(inner, requests[r].member);
            bool is_this = strcmp(text_at(step, 0), requests[r].method) == 0 &&
                           fnmatch(requests[r].path, text_at(step, 1), FNM_PATHNAME) == 0;
            int status = status_of(cJSON_GetArrayItem(walk->answers, i));
            if (!is_this || (!cJSON_IsObject(props) && !item(inner, "delete_props")) || status == 404)
                continue;
            char *printed = cJSON_PrintUnformatted(inner);
            if (!strstr(printed, "${")) /* paths of the machine that it was recorded on */
                check_step(walk, i, requests[r].object, inner, props);
            free(printed);
        }
    }
}

static void test_recorded(void **state)
{
    (void)state;
    glob_t files = { 0 };
    size_t accepted = 0, refused = 0, values = 0;
    if (glob(REFERENCE_CONFORMANCE "scenarios/*.json", 0, NULL, &files) != 0) {
        print_message("skipped: %s is absent\n", REFERENCE_CONFORMANCE "scenarios");
        skip();
    }
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct arena arena = { 0 };
        const char *name = strrchr(files.gl_pathv[i], '/') + 1;
        cJSON *scenario = reference_read_json(files.gl_pathv[i]);
        cJSON *answers = reference_read_json(arena_printf(&arena, REFERENCE_CONFORMANCE "expected/%s", name));
        assert_non_null(answers);
        struct walk walk = { name, item(scenario, "steps"), answers, &arena, &accepted, &refused, &values };
        check_scenario(&walk);
        cJSON_Delete(scenario);
        cJSON_Delete(answers);
        arena_done(&arena);
    }
    globfree(&files);
    print_message("%zu accepted, %zu refused, %zu values compared\n", accepted, refused, values);
    assert_true(accepted > 150 && refused > 80 && values > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
