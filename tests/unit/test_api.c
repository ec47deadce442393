/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Documents and bodies: what clients send is understood, and what is shown has the members and the order that clients
 * of the original see. A text that comes back unchanged from decode and encode proves both.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/controller.h"
#include "api/node.h"
#include "api/rc.h"
#include "api/resource.h"
#include "api/resource_definition.h"
#include "api/resource_group.h"
#include "api/storage_pool.h"

static const struct {
    const struct schema *schema;
    const char *text;
} shown[] = {
    { &rc_doc_schema, "{\"ret_code\":-4611686018406940171,\"message\":\"exists\",\"cause\":\"c\",\"details\":\"d\","
                      "\"correction\":\"x\","
                      "\"error_report_ids\":[\"6A1F3C2B-00000-000000\"],\"obj_refs\":{\"RscDfn\":\"r\",\"UUID\":\"u\"},"
                      "\"created_at\":\"2026-06-02T10:45:56.123Z\"}" },
    { &rc_doc_schema, "{\"ret_code\":20447233,\"message\":\"m\"}" },
    { &version_doc_schema, "{\"version\":\"1.34.0\",\"git_hash\":\"0\",\"build_time\":\"2026-06-02T10:00:00+00:00\","
                           "\"rest_api_version\":\"1.28.0\"}" },
    { &error_report_doc_schema,
      "{\"node_name\":\"n1\",\"error_time\":1622636098831,\"filename\":\"ErrorReport-1.log\",\"module\":\"CONTROLLER\","
      "\"version\":\"1\",\"exception\":\"e\",\"exception_message\":\"m\",\"origin_file\":\"f.c\",\"origin_method\":"
      "\"g\","
      "\"origin_line\":12}" },
    { &stats_doc_schema, "{\"count\":0}" },
    { &node_doc_schema,
      "{\"name\":\"n1\",\"type\":\"SATELLITE\",\"flags\":[\"EVICTED\"],\"props\":{\"CurStltConnName\":\"default\"},"
      "\"net_interfaces\":[{\"name\":\"default\",\"address\":\"127.0.0.11\",\"satellite_port\":3366,"
      "\"satellite_encryption_type\":\"PLAIN\",\"is_active\":true,\"uuid\":\"u\"},"
      "{\"name\":\"o\",\"address\":\"::1\",\"is_active\":false,\"uuid\":\"u\"}],"
      "\"connection_status\":\"ONLINE\",\"uuid\":\"u\",\"storage_providers\":[\"DISKLESS\"],\"resource_layers\":["
      "\"STORAGE\"],"
      "\"unsupported_providers\":{\"LVM\":[\"a\",\"b\"]},\"unsupported_layers\":{\"LUKS\":[\"c\"]},"
      "\"eviction_timestamp\":1622636098831}" },
    { &storage_pool_doc_schema,
      "{\"storage_pool_name\":\"p\",\"node_name\":\"n1\",\"provider_kind\":\"FILE_THIN\","
      "\"props\":{\"StorDriver/StorPoolName\":\"/srv\"},"
      "\"static_traits\":{\"Provisioning\":\"Thin\",\"SupportsSnapshots\":\"true\"},\"free_capacity\":"
      "9223372036854775807,"
      "\"total_capacity\":9223372036854775807,\"free_space_mgr_name\":\"n1;p\",\"uuid\":\"u\","
      "\"reports\":[{\"ret_code\":-9223372036854774806,\"message\":\"m\"}],\"supports_snapshots\":true,"
      "\"external_locking\":false}" },
    { &storage_pool_definition_doc_schema, "{\"storage_pool_name\":\"p\",\"props\":{\"Aux/a\":\"\"}}" },
    { &resource_group_doc_schema, "{\"name\":\"g\",\"select_filter\":{},\"uuid\":\"u\"}" },
    { &resource_group_doc_schema,
      "{\"name\":\"g\",\"description\":\"d\",\"props\":{\"a\":\"b\"},\"select_filter\":{\"place_count\":3,"
      "\"storage_pool\":\"pool1\",\"storage_pool_list\":[\"pool1\"],\"not_place_with_rsc\":[\"r1\",\"R2\"],"
      "\"not_place_with_rsc_regex\":\"^x.*\",\"replicas_on_same\":[\"Aux/a\"],\"replicas_on_different\":[\"Aux/c\"],"
      "\"x_replicas_on_different_map\":{\"Aux/"
      "d\":2},\"layer_stack\":[\"DRBD\",\"STORAGE\"],\"provider_list\":[\"FILE\"],"
      "\"diskless_on_remaining\":false},\"uuid\":\"u\"}" },
    { &volume_group_doc_schema, "{\"volume_number\":0,\"uuid\":\"u\",\"flags\":[\"GROSS_SIZE\"]}" },
    { &max_volume_sizes_doc_schema,
      "{\"candidates\":[{\"storage_pool\":\"p\",\"max_volume_size_kib\":1,\"node_names\":[\"n\"],\"all_thin\":false}],"
      "\"default_max_oversubscription_ratio\":20.0}" },
    { &query_size_info_doc_schema,
      "{\"space_info\":{\"max_vlm_size_in_kib\":0,\"available_size_in_kib\":0,\"capacity_in_kib\":1,"
      "\"default_max_oversubscription_ratio\":20.0,\"next_spawn_result\":[{\"node_name\":\"n\",\"stor_pool_name\":"
      "\"p\","
      "\"stor_pool_oversubscription_ratio\":20.0}]}}" },
    { &query_all_size_info_doc_schema, "{\"result\":{\"g1\":{\"space_info\":{\"max_vlm_size_in_kib\":7}}}}" },
    { &resource_definition_doc_schema,
      "{\"name\":\"r\",\"external_name\":\"x y\",\"props\":{\"a\":\"b\"},\"flags\":[\"DELETE\"],"
      "\"layer_data\":[{\"type\":\"DRBD\",\"data\":{\"peer_slots\":7,\"al_stripes\":1,\"al_stripe_size_kib\":32,"
      "\"port\":-1,"
      "\"transport_type\":\"IP\",\"secret\":\"s\",\"down\":false}},{\"type\":\"STORAGE\"}],\"uuid\":\"u\","
      "\"resource_group_name\":\"DfltRscGrp\",\"volume_definitions\":[{\"volume_number\":0,\"size_kib\":65536,"
      "\"props\":{\"DrbdCurrentGi\":\"0\"},\"flags\":[\"GROSS_SIZE\"],\"layer_data\":[{\"type\":\"DRBD\",\"data\":"
      "{\"volume_number\":0,\"minor_number\":1000}}],\"uuid\":\"u\"}]}" },
    { &resource_doc_schema,
      "{\"name\":\"va\",\"node_name\":\"n1\",\"props\":{\"StorPoolName\":\"thin\"},\"layer_object\":{\"type\":"
      "\"STORAGE\","
      "\"storage\":{\"storage_volumes\":[{\"volume_number\":0,\"device_path\":\"/dev/loop0\",\"allocated_size_kib\":1,"
      "\"usable_size_kib\":1,\"disk_state\":\"[]\"}]}},\"state\":{},\"uuid\":\"u\",\"create_timestamp\":1622636098831,"
      "\"volumes\":[{\"volume_number\":0,\"storage_pool_name\":\"thin\",\"provider_kind\":\"FILE_THIN\","
      "\"device_path\":\"/dev/loop0\",\"allocated_size_kib\":1,\"layer_data_list\":[{\"type\":\"STORAGE\",\"data\":"
      "{\"volume_number\":0,\"device_path\":\"/dev/loop0\",\"allocated_size_kib\":1,\"usable_size_kib\":1,"
      "\"disk_state\":\"[]\"}}],\"uuid\":\"u\"}]}" },
    { &resource_doc_schema,
      "{\"name\":\"r\",\"node_name\":\"n1\",\"effective_props\":{\"DrbdOptions/SkipDisk\":{\"type\":\"RESOURCE\","
      "\"value\":\"True\",\"other\":[{\"type\":\"NODE\",\"value\":\"False\"}]}},\"flags\":[\"DISKLESS\",\"DRBD_"
      "DISKLESS\"],"
      "\"layer_object\":{\"children\":[{\"type\":\"STORAGE\",\"storage\":{}}],\"type\":\"DRBD\",\"drbd\":{"
      "\"drbd_resource_definition\":{\"peer_slots\":7,\"al_stripes\":1,\"al_stripe_size_kib\":32,\"port\":7000,"
      "\"transport_type\":\"IP\",\"secret\":\"s\",\"down\":false},\"node_id\":0,\"tcp_ports\":[7000],\"peer_slots\":7,"
      "\"al_stripes\":1,\"al_size\":32,\"drbd_volumes\":[{\"drbd_volume_definition\":{\"volume_number\":0,"
      "\"minor_number\":1001},\"device_path\":\"/dev/drbd1001\",\"backing_device\":\"/dev/loop1\","
      "\"allocated_size_kib\":-1,\"usable_size_kib\":512000}],\"connections\":{\"n2\":{\"connected\":true,"
      "\"message\":\"Connected\"}},\"promotion_score\":10101,\"may_promote\":true}},\"state\":{\"in_use\":false},"
      "\"uuid\":\"u\",\"volumes\":[{\"volume_number\":0,\"storage_pool_name\":\"p\",\"provider_kind\":\"DISKLESS\","
      "\"state\":{\"disk_state\":\"Diskless\",\"replication_states\":{\"n2\":{\"replication_state\":\"SyncTarget\","
      "\"done_percentage\":12.5}}},\"uuid\":\"u\"}],\"shared_name\":\"x\"}" },
};

static void shown_documents_keep_members_and_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
        struct arena arena = { 0 };
        struct buf out = { 0 };
        struct json_writer writer = { .out = &out };
        struct field_error error = { 0 };
        void *document = arena_alloc(&arena, shown[i].schema->size);

        if (field_decode_text(shown[i].schema, document, shown[i].text, strlen(shown[i].text), &arena, &error) != 0)
            fail_msg("%s: %s", shown[i].schema->name, error.message);
        {
            void *scanned = arena_alloc(&arena, shown[i].schema->size);

            assert_int_equal(
                field_scan_text(shown[i].schema, scanned, shown[i].text, strlen(shown[i].text), &arena, &error), 0);
            assert_true(field_equal(shown[i].schema, document, scanned, FIELD_ALL));
        }
        field_encode(shown[i].schema, document, FIELD_REST, &writer);
        assert_string_equal(buf_text(&out), shown[i].text);
        buf_done(&out);
        arena_done(&arena);
    }
}

static void decode(const struct schema *schema, void *object, const char *text, struct arena *arena)
{
    struct field_error error = { 0 };

    if (field_decode_text(schema, object, text, strlen(text), arena, &error) != 0)
        fail_msg("%s: %s", schema->name, error.message);
}

static void bodies_of_clients_are_understood(void **state)
{
    struct arena arena = { 0 };
    struct node_request node = { 0 };
    struct spawn_request spawn = { 0 };
    struct resource_create_request create = { 0 };
    struct volume_definition_modify_request resize = { 0 };

    (void)state;
    decode(&node_request_schema, &node,
           "{\"name\":\"n1\",\"type\":\"Satellite\",\"net_interfaces\":[{\"name\":\"default\",\"address\":\"10.0.0.1\","
           "\"satellite_port\":3366,\"satellite_encryption_type\":\"Plain\"}]}",
           &arena);
    assert_string_equal(node.net_interfaces.at[0].address, "10.0.0.1");
    assert_false(node.net_interfaces.at[0].is_active.has);

    /* numbers as text, as Perl writes them; fields that newer clients know */
    decode(&spawn_request_schema, &spawn,
           "{\"resource_definition_name\":\"r\",\"volume_sizes\":[\"4194304\",8],\"definitions_only\":\"true\",\"new\":"
           "{}}",
           &arena);
    assert_int_equal(spawn.volume_sizes.count, 2);
    assert_int_equal(spawn.volume_sizes.at[0], 4194304);
    assert_true(spawn.definitions_only.value);
    assert_null(spawn.select_filter);

    decode(&resource_create_request_schema, &create,
           "{\"resource\":{\"node_name\":\"n1\",\"flags\":[\"DISKLESS\"],\"props\":{\"StorPoolName\":\"p\"}},"
           "\"layer_list\":[\"drbd\",\"storage\"],\"drbd_tcp_ports\":[7000]}",
           &arena);
    assert_string_equal(text_map_find(&create.resource->props, "StorPoolName"), "p");
    assert_int_equal(create.drbd_tcp_ports.at[0], 7000);

    decode(&volume_definition_modify_request_schema, &resize, "{\"size_kib\":2097152,\"flags\":[\"-GROSS_SIZE\"]}",
           &arena);
    assert_true(resize.size_kib.has);
    assert_string_equal(resize.flags.at[0], "-GROSS_SIZE");
    arena_done(&arena);
}

/* In a filter that modifies a group, absent, empty and false are three different wishes. */
static void absent_is_not_empty_in_a_filter(void **state)
{
    struct arena arena = { 0 };
    struct resource_group_modify_request modify = { 0 };
    struct buf out = { 0 };
    struct json_writer writer = { .out = &out };
    static const char body[] =
        "{\"description\":\"\",\"select_filter\":{\"storage_pool_list\":[],\"diskless_on_remaining\":false}}";

    (void)state;
    decode(&resource_group_modify_request_schema, &modify, body, &arena);
    assert_non_null(modify.description);
    assert_non_null(modify.select_filter->storage_pool_list.at);
    assert_int_equal(modify.select_filter->storage_pool_list.count, 0);
    assert_null(modify.select_filter->node_name_list.at);
    assert_false(modify.select_filter->place_count.has);
    assert_true(modify.select_filter->diskless_on_remaining.has);
    /* a client encodes for more than FIELD_REST, so that what is empty is sent */
    field_encode(&resource_group_modify_request_schema, &modify, FIELD_REST | FIELD_LINK, &writer);
    assert_string_equal(buf_text(&out), body);
    buf_done(&out);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shown_documents_keep_members_and_order),
        cmocka_unit_test(bodies_of_clients_are_understood),
        cmocka_unit_test(absent_is_not_empty_in_a_filter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
