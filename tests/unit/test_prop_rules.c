/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
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

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < prop_rule_count; i++) {
        const struct prop_rule *rule = &prop_rules[i];
        bool has_range =
            rule->kind == PROP_RANGE || rule->kind == PROP_RANGE_FLOAT || rule->kind == PROP_NUMBER_OR_SYMBOL;
        bool has_values = rule->kind == PROP_REGEX || rule->kind == PROP_SYMBOL || rule->kind == PROP_NUMBER_OR_SYMBOL;
        if (i && strcmp(prop_rules[i - 1].key, rule->key) > 0)
            fail_msg("%s is not in order", rule->key);
        if (i && strcmp(prop_rules[i - 1].key, rule->key) == 0 && (prop_rules[i - 1].objects & rule->objects))
            fail_msg("%s has two rules for one object", rule->key);
        if ((rule->min < rule->max) != has_range || !!rule->values != has_values)
            fail_msg("%s: values do not belong to the kind", rule->key);
        if (!rule->objects || !rule->text || !rule->text[0])
            fail_msg("%s: no objects or no text", rule->key);
        assert_string_equal(prop_rule_find(rule->key)->key, rule->key);
        for (enum prop_object object = 0; object < PROP_OBJECT_COUNT; object++) {
            if (rule->objects >> object & 1)
                assert_ptr_equal(prop_rule_find_for(object, rule->key), rule);
        }
    }
    assert_null(prop_rule_find(""));
    assert_null(prop_rule_find("zzz"));
    assert_null(prop_rule_find("DrbdOptions/Net/protocol "));
    assert_null(prop_rule_find_for(PROP_ON_VOLUME, "DrbdOptions/Net/protocol"));
    assert_int_equal(prop_rule_find_for(PROP_ON_PROXY_ZSTD, "DrbdOptions/ProxyCompression/level")->max, 22);
}

static const struct {
    enum prop_object object;
    const char *key, *value, *stored; /* NULL: refused */
} cases[] = {
    { PROP_ON_NODE, "AutoplaceTarget", "TRUE", "true" },
    { PROP_ON_NODE, "AutoplaceTarget", "yes", "true" },
    { PROP_ON_NODE, "AutoplaceTarget", "No", "false" },
    { PROP_ON_NODE, "AutoplaceTarget", "0", NULL },
    { PROP_ON_NODE, "AutoplaceTarget", "", NULL },
    { PROP_ON_RESOURCE_DEFINITION, "DrbdOptions/Net/allow-two-primaries", "YES", "yes" },
    { PROP_ON_RESOURCE_DEFINITION, "DrbdOptions/Net/allow-two-primaries", "True", NULL },
    { PROP_ON_RESOURCE_GROUP, "DrbdOptions/Net/protocol", "C", "C" },
    { PROP_ON_RESOURCE_GROUP, "DrbdOptions/Net/protocol", "c", NULL },
    { PROP_ON_RESOURCE_GROUP, "DrbdOptions/Net/protocol", "A|B", NULL },
    { PROP_ON_RESOURCE_GROUP, "DrbdOptions/Net/protocol", "", NULL },
    { PROP_ON_RESOURCE_CONNECTION, "DrbdOptions/Net/ping-timeout", "300", "300" },
    { PROP_ON_RESOURCE_CONNECTION, "DrbdOptions/Net/ping-timeout", "301", NULL },
    { PROP_ON_RESOURCE_CONNECTION, "DrbdOptions/Net/ping-timeout", "1 ", NULL },
    { PROP_ON_RESOURCE_CONNECTION, "DrbdOptions/Net/ping-timeout", "99999999999999999999", NULL },
    { PROP_ON_RESOURCE_DEFINITION, "DrbdOptions/Resource/quorum", "32", "32" },
    { PROP_ON_RESOURCE_DEFINITION, "DrbdOptions/Resource/quorum", "majority", "majority" },
    { PROP_ON_RESOURCE_DEFINITION, "DrbdOptions/Resource/quorum", "most", NULL },
    { PROP_ON_STORAGE_POOL, "MaxOversubscriptionRatio", " 1e2 ", "1e2" },
    { PROP_ON_STORAGE_POOL, "MaxOversubscriptionRatio", "1000.1", NULL },
    { PROP_ON_STORAGE_POOL, "MaxOversubscriptionRatio", "nan", NULL },
    { PROP_ON_STORAGE_POOL, "MaxOversubscriptionRatio", "-nan", NULL },
    { PROP_ON_STORAGE_POOL, "MaxOversubscriptionRatio", " ", NULL },
    { PROP_ON_STORAGE_POOL, "StorDriver/StorPoolName", "/srv/pools.d/a", "/srv/pools.d/a" },
    { PROP_ON_STORAGE_POOL, "StorDriver/StorPoolName", "a;b", NULL },
    { PROP_ON_STORAGE_POOL, "StorDriver/StorPoolName", "", NULL },
    { PROP_ON_STORAGE_POOL, "SED/x", "y", "y" },
    { PROP_ON_NODE, "SED/x", "y", NULL },
    { PROP_ON_RESOURCE_DEFINITION, "StorDriver/LvcreateOptions", "", "" },
    { PROP_ON_RESOURCE_DEFINITION, "StorDriver/LvcreateOptions", "-i 2\n", NULL },
    { PROP_ON_CONTROLLER, "Autoplacer/MinThinFreeSpace", "10%", "10%" },
    { PROP_ON_CONTROLLER, "Autoplacer/MinThinFreeSpace", "1.5 GiB", "1.5 GiB" },
    { PROP_ON_CONTROLLER, "Autoplacer/MinThinFreeSpace", "50", "50" },
    { PROP_ON_CONTROLLER, "Autoplacer/MinThinFreeSpace", "1.GB", NULL },
    { PROP_ON_CONTROLLER, "Autoplacer/Weights/MaxFreeSpace", "1.5x", NULL },
    { PROP_ON_CONTROLLER, "Writecache/Size", "100%", "100%" },
    { PROP_ON_CONTROLLER, "Writecache/Size", "101%", NULL },
    { PROP_ON_RESOURCE, "StorPoolNameDrbdMeta", "", "" },
    { PROP_ON_RESOURCE, "StorPoolNameDrbdMeta", ".internal", ".internal" },
    { PROP_ON_RESOURCE, "StorPoolName", "ab", NULL },
    { PROP_ON_CONTROLLER, "ExtCmd/WaitTimeout", "-1", NULL },
    { PROP_ON_CONTROLLER, "AutoSnapshot/Keep", "-1", "-1" },
    { PROP_ON_VOLUME, "DrbdOptions/Disk/resync-after", "other/0", "other/0" },
    { PROP_ON_SNAPSHOT, "Aux/x", "", "" },
    { PROP_ON_SNAPSHOT, "StorPoolName", "abc", NULL },
    { PROP_ON_NODE, "Aux", "x", NULL },
    { PROP_ON_NODE, "Aux//", "x", NULL },
    { PROP_ON_NODE, "", "x", NULL },
    { PROP_ON_NODE, "aux/x", "x", NULL },
    { PROP_ON_NODE, "/Aux/x", "x", NULL },
    { PROP_ON_KEY_VALUE_STORE, "", "x", "x" },
    { PROP_ON_KEY_VALUE_STORE, "any thing", "x", "x" },
    { PROP_ON_CONTROLLER, "NetComConnectors/PlainConnector/port", "1", NULL },
    { PROP_ON_PROXY, "DrbdOptions/Proxy/memlimit", "5", NULL },
    { PROP_ON_PROXY, "DrbdOptions/Proxy/memlimit", "33554432", "33554432" },
};

static void test_values(void **state)
{
    (void)state;
    struct arena arena = { 0 };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *stored;
        struct prop_problem problem;
        int error = prop_check(cases[i].object, cases[i].key, cases[i].value, &arena, &stored, &problem);
        if (error != (cases[i].stored ? 0 : -EINVAL))
            fail_msg("%s='%s': %d", cases[i].key, cases[i].value, error);
        if (error == 0) {
            assert_string_equal(stored, cases[i].stored);
        } else {
            assert_true(problem.ret_code == FAIL_INVLD_PROP);
            assert_non_null(problem.cause);
            assert_non_null(problem.details);
        }
    }
    arena_done(&arena);
}

static void test_texts(void **state)
{
    (void)state;
    struct arena arena = { 0 };
    struct prop_problem problem;
    const char *stored;
    assert_int_equal(prop_check_key(PROP_ON_VOLUME_DEFINITION, "DrbdOptions/Net/protocol", &arena, &problem), -EINVAL);
    assert_string_equal(problem.message, "Invalid property key: DrbdOptions/Net/protocol");
    assert_string_equal(problem.cause, "A volume definition has no property 'DrbdOptions/Net/protocol'.");
    assert_string_equal(problem.details,
                        "This key can be set on: controller, resource group, resource definition, node "
                        "connection, resource connection.");
    assert_int_equal(prop_check_key(PROP_ON_CONTROLLER, "DrbdOptions/Disk/c-max-rate", &arena, &problem), -EINVAL);
    assert_string_equal(problem.details, "Did you mean 'DrbdOptions/PeerDevice/c-max-rate'?");
    assert_int_equal(prop_check_key(PROP_ON_CONTROLLER, "nvme/trtype", &arena, &problem), -EINVAL);
    assert_string_equal(problem.details, "Case matters in keys: did you mean 'NVMe/TRType'?");
    assert_int_equal(prop_check(PROP_ON_CONTROLLER, "PeerSlotsNewResource", "32", &arena, &stored, &problem), -EINVAL);
    assert_string_equal(problem.message, "Invalid property(PeerSlotsNewResource) value: 32");
    assert_true(text_starts_with(problem.details, "The value has to be: (1 - 31)."));
    assert_int_equal(
        prop_check(PROP_ON_STORAGE_POOL, "StorDriver/RemoteSpdk/UserPassword", "secret\n", &arena, &stored, &problem),
        -EINVAL);
    assert_null(strstr(problem.message, "secret\n"));

    char value[PROP_VALUE_MAX + 2];
    memset(value, 'v', sizeof(value));
    value[PROP_VALUE_MAX] = '\0';
    assert_int_equal(prop_check(PROP_ON_NODE, "Aux/x", value, &arena, &stored, &problem), 0);
    value[PROP_VALUE_MAX] = 'v';
    value[PROP_VALUE_MAX + 1] = '\0';
    assert_int_equal(prop_check(PROP_ON_NODE, "Aux/x", value, &arena, &stored, &problem), -EINVAL);
    assert_true(problem.ret_code == FAIL_UNKNOWN_ERROR);
    memcpy(value, "Aux/", 4);
    assert_int_equal(prop_check_key(PROP_ON_NODE, value, &arena, &problem), -EINVAL);
    assert_true(strlen(problem.message) < 400);
    arena_done(&arena);
}

static void test_keys(void **state)
{
    (void)state;
    static const struct {
        const char *key, *normalised;
        int error;
    } keys[] = {
        { "a/b", "a/b", 0 }, { "/a//b/", "a/b", 0 }, { "///", "", -EINVAL },      { "", "", -EINVAL },
        { "/a", "a", 0 },    { "a/", "a", 0 },       { " a / b ", " a / b ", 0 },
    };
    struct arena arena = { 0 };
    const char *normalised;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        assert_int_equal(prop_key_normalise(keys[i].key, &arena, &normalised), keys[i].error);
        assert_string_equal(normalised, keys[i].normalised);
    }
    char key[PROP_KEY_MAX + 3];
    memset(key, 'k', sizeof(key));
    key[PROP_KEY_MAX] = '/';
    key[PROP_KEY_MAX + 1] = '\0';
    assert_int_equal(prop_key_normalise(key, &arena, &normalised), 0);
    key[PROP_KEY_MAX] = 'k';
    assert_int_equal(prop_key_normalise(key, &arena, &normalised), -ENAMETOOLONG);
    arena_done(&arena);

    assert_true(prop_is_controller_only("TcpPortAutoRange"));
    assert_true(prop_is_controller_only("REST/disable-http-metrics"));
    assert_true(prop_is_controller_only("Autoplacer/Weights/MaxFreeSpace"));
    assert_true(prop_is_controller_only("Cluster/Remote/x"));
    assert_false(prop_is_controller_only("DrbdOptions/Net/protocol"));
    assert_false(prop_is_controller_only("DrbdOptions/Resource/on-no-quorum"));
    assert_true(prop_is_controller_only("DrbdOptions/Resource/quorum"));
    assert_false(prop_is_controller_only("Aux/x"));
    assert_false(prop_is_controller_only("ExtCmd/WaitTimeout"));
    assert_true(prop_is_in_both("DrbdOptions/auto-verify-algo-disable"));
    assert_false(prop_is_in_both("Aux/x"));
    assert_true(prop_is_free(PROP_ON_NODE_CONNECTION, "Paths/p/n1"));
    assert_false(prop_is_free(PROP_ON_NODE, "Paths/p/n1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
