/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What goes with a property beyond its being stored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "roles/controller/props.h"

struct fixture {
    struct request q;
    struct text_map props, satellite_props;
};

static int set_up(void **state)
{
    struct fixture *fixture = memory_alloc(sizeof(*fixture));

    fixture->q.rc.arena = &fixture->q.arena;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    arena_done(&fixture->q.arena);
    free(fixture);
    return 0;
}

static struct props_target controller_of(struct fixture *fixture)
{
    return (struct props_target){ PROP_ON_CONTROLLER, &fixture->props, .satellite_props = &fixture->satellite_props };
}

static struct props_target definition_of(struct fixture *fixture)
{
    return (struct props_target){ PROP_ON_RESOURCE_DEFINITION, &fixture->props };
}

static int set(struct fixture *fixture, struct props_target target, const char *key, const char *value)
{
    const char *normal_key;

    rc_clear(&fixture->q.rc);
    return props_set_key(&fixture->q, &target, key, value, &normal_key);
}

static int delete (struct fixture *fixture, struct props_target target, const char *key)
{
    const char *normal_key;

    rc_clear(&fixture->q.rc);
    return props_delete_key(&fixture->q, &target, key, &normal_key);
}

static int64_t code(const struct fixture *fixture)
{
    return fixture->q.rc.entries.count > 0 ? fixture->q.rc.entries.at[0].ret_code & MASK_BITS_CODE : 0;
}

static void assert_prop(const struct text_map *props, const char *key, const char *value)
{
    const char *found = text_map_find(props, key);

    if (!value)
        assert_null(found);
    else if (!found || strcmp(found, value) != 0)
        fail_msg("%s is %s", key, found ? found : "not set");
}

static void test_quorum(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(set(fixture, definition_of(fixture), "DrbdOptions/Resource/quorum", "majority"), 0);
    assert_prop(&fixture->props, "DrbdOptions/Resource/quorum", "majority");
    assert_prop(&fixture->props, "Internal/Drbd/QuorumSetBy", "user");
    assert_int_equal(delete (fixture, definition_of(fixture), "DrbdOptions/Resource/quorum"), 0);
    assert_int_equal(fixture->props.count, 0);
}

static void test_old_quorum(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(set(fixture, definition_of(fixture), "DrbdOptions/auto-quorum", "io-error"), 0);
    assert_prop(&fixture->props, "DrbdOptions/auto-quorum", "io-error");
    assert_prop(&fixture->props, "Internal/Drbd/QuorumSetBy", NULL);
    assert_int_equal(code(fixture), WARN_DEPRECATED & MASK_BITS_CODE);
    assert_int_equal(delete (fixture, definition_of(fixture), "DrbdOptions/auto-quorum"), 0);
    assert_int_equal(fixture->props.count, 0);
}

static void test_old_timeout(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(set(fixture, controller_of(fixture), "ExtCmdWaitTimeout", "45000"), 0);
    assert_int_equal(code(fixture), WARN_DEPRECATED & MASK_BITS_CODE);
    assert_prop(&fixture->props, "ExtCmdWaitTimeout", NULL);
    assert_prop(&fixture->satellite_props, "ExtCmdWaitTimeout", NULL);
    assert_prop(fixture->props.count ? &fixture->props : &fixture->satellite_props, "ExtCmd/WaitTimeout", "45000");
}

static void test_ranges(void **state)
{
    static const struct {
        const char *key, *value;
        int64_t code;
    } wrong[] = {
        { "MinorNrAutoRange", "0-1048576", FAIL_INVLD_MINOR_NR },
        { "MinorNrAutoRange", "20-10", FAIL_INVLD_MINOR_NR },
        { "TcpPortAutoRange", "0-10", FAIL_INVLD_TCP_PORT },
        { "TcpPortAutoRange", "7000-65536", FAIL_INVLD_TCP_PORT },
        { "SpecStltPortAutoRange", "9-8", FAIL_INVLD_TCP_PORT },
        { "MinorNrAutoRange", "1000", FAIL_INVLD_PROP },
        { "TcpPortAutoRange", "7000-99999999999999999999", FAIL_INVLD_TCP_PORT },
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_int_equal(set(fixture, controller_of(fixture), wrong[i].key, wrong[i].value), -1);
        if (code(fixture) != (wrong[i].code & MASK_BITS_CODE))
            fail_msg("%s=%s has code %lld", wrong[i].key, wrong[i].value, (long long)code(fixture));
    }
    assert_int_equal(set(fixture, controller_of(fixture), "MinorNrAutoRange", "0-1048575"), 0);
    assert_int_equal(code(fixture), MODIFIED & MASK_BITS_CODE);
    assert_prop(&fixture->props, "MinorNrAutoRange", "0-1048575");
    assert_int_equal(set(fixture, controller_of(fixture), "TcpPortAutoRange", "1-1"), 0);
    assert_prop(&fixture->props, "TcpPortAutoRange", "1-1");
}

static void test_domain(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(set(fixture, controller_of(fixture), "SearchDomain", "-bad-"), -1);
    assert_int_equal(code(fixture), FAIL_INVLD_PROP & MASK_BITS_CODE);
    assert_int_equal(set(fixture, controller_of(fixture), "SearchDomain", "example.com"), 0);
    assert_prop(&fixture->props, "SearchDomain", "example.com");
    assert_int_equal(set(fixture, controller_of(fixture), "SearchDomain", ""), 0);
}

/* The controller's own keys are not what satellites see, and the others are nothing else. */
static void test_two_containers(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(set(fixture, controller_of(fixture), "TcpPortAutoRange", "7000-7999"), 0);
    assert_int_equal(set(fixture, controller_of(fixture), "DrbdOptions/Net/protocol", "A"), 0);
    assert_prop(&fixture->satellite_props, "TcpPortAutoRange", NULL);
    assert_prop(&fixture->satellite_props, "DrbdOptions/Net/protocol", "A");
    assert_prop(&fixture->props, "DrbdOptions/Net/protocol", NULL);
    assert_int_equal(delete (fixture, controller_of(fixture), "DrbdOptions/Net/protocol"), 0);
    assert_int_equal(fixture->satellite_props.count, 0);
    assert_int_equal(set(fixture, controller_of(fixture), "DrbdOptions/Net/protocol", "D"), -1);
    assert_int_equal(fixture->satellite_props.count, 0);
}

static void test_namespace(void **state)
{
    struct fixture *fixture = *state;
    struct props_target target = definition_of(fixture);

    assert_int_equal(set(fixture, target, "Aux/a", "1"), 0);
    assert_int_equal(set(fixture, target, "Aux/b/c", "2"), 0);
    assert_int_equal(set(fixture, target, "DrbdOptions/Net/protocol", "C"), 0);
    assert_int_equal(props_delete_namespace(&fixture->q, &target, "Aux/b"), 0);
    assert_int_equal(fixture->props.count, 2);
    assert_int_equal(props_delete_namespace(&fixture->q, &target, "/"), -1);
    assert_int_equal(fixture->props.count, 2);
    assert_int_equal(props_delete_namespace(&fixture->q, &target, "Aux"), 0);
    assert_prop(&fixture->props, "DrbdOptions/Net/protocol", "C");
    assert_int_equal(fixture->props.count, 1);
}

int main(void)
{
#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(test_quorum),    WITH_FIXTURE(test_old_quorum), WITH_FIXTURE(test_old_timeout),
        WITH_FIXTURE(test_ranges),    WITH_FIXTURE(test_domain),     WITH_FIXTURE(test_two_containers),
        WITH_FIXTURE(test_namespace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
