/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/resource_group.h"
#include "model/prop_rules.h"
#include "roles/client/commands.h"
#include "roles/client/drbd_options.h"
#include "roles/client/lists.h"
#include "roles/client/request.h"

static const struct argument placement_arguments[] = { ARGUMENTS_PLACEMENT("--place-count", "--providers -p"), { 0 } };
/* spawn-resources and query-size-info use -p for something else */
static const struct argument placement_once_arguments[] = { ARGUMENTS_PLACEMENT("--place-count", "--providers --prov"),
                                                            { 0 } };

static const struct argument group_create_arguments[] = {
    { "name", .body = "name", .help = "Name of the resource group." },
    { "--description -d", "TEXT", .body = "description", .help = "What the group is for." },
    { "--peer-slots", "N", .type = TYPE_SLOTS, .body = "peer_slots", .help = "DRBD peer slots of new resources." },
    { 0 },
};
static const struct argument group_modify_arguments[] = {
    ARGUMENT_GROUP,
    { "--description -d", "TEXT", .body = "description", .help = "What the group is for; an empty text clears." },
    { "--peer-slots", "N", .type = TYPE_SLOTS, .body = "peer_slots", .help = "DRBD peer slots of new resources." },
    { 0 },
};
static const struct argument group_arguments[] = { ARGUMENT_GROUP, { 0 } };
static const struct argument group_properties_arguments[] = {
    ARGUMENT_PASTABLE, ARGUMENT_FROM_FILE, ARGUMENT_GROUP, { 0 }
};
static const struct argument group_list_arguments[] = {
    ARGUMENT_PASTABLE,
    ARGUMENT_GROUP_BY,
    { "--resource-groups -r", "GROUP", COUNT_SOME, .query = "resource_groups", .help = "Only these groups." },
    ARGUMENT_PROPS,
    ARGUMENT_SHOW_PROPS("--show-props -s"),
    ARGUMENT_FROM_FILE,
    { 0 },
};
static const struct argument spawn_arguments[] = {
    { "--partial -p", .count = COUNT_FLAG, .body = "partial",
      .help = "The number of sizes need not be that of volume groups." },
    { "--definition-only -d", .count = COUNT_FLAG, .body = "definitions_only", .help = "Place no replicas." },
    { "--volume-passphrase", "PASSPHRASE", COUNT_ANY, .body = "volume_passphrases[]",
      .help = "Passphrases of the volumes, in order; others can see them." },
    { "--external-name", "NAME", .body = "resource_definition_external_name",
      .help = "A name without the rules of names." },
    { "--peer-slots", "N", .type = TYPE_SLOTS, .body = "peer_slots", .help = "DRBD peer slots of the resource." },
    ARGUMENT_GROUP,
    { "name", .body = "resource_definition_name", .help = "Name of the new resource definition." },
    { "size", NULL, COUNT_ANY, TYPE_SIZE, .body = "volume_sizes[]", .help = "Sizes of its volumes, e.g. 10G." },
    { 0 },
};

/* The external name, where one is given, counts. */
static int prepare_spawn(struct call *call)
{
    if (arguments_have(call->arguments, "external-name"))
        request_put(call->body, "resource_definition_name", cJSON_CreateString(""));
    return EXIT_OK;
}

const struct command commands_resource_group[] = {
    { "create c", "Make a resource group: rules for resources to come.",
      .arguments = { group_create_arguments, placement_arguments }, .method = "POST", .target = "/v1/resource-groups",
      .base = "{\"name\":\"\",\"select_filter\":{}}", .body = &resource_group_doc_schema },
    { "modify m", "Change a resource group.", .arguments = { group_modify_arguments, placement_arguments },
      .method = "PUT", .target = "/v1/resource-groups/{group}", .base = "{\"select_filter\":{}}",
      .body = &resource_group_modify_request_schema },
    { "delete d", "Delete a resource group that has no resource definitions.", .arguments = { group_arguments },
      .method = "DELETE", .target = "/v1/resource-groups/{group}" },
    { "list l", "List resource groups.", .arguments = { group_list_arguments }, .method = "GET",
      .target = "/v1/resource-groups", .list = &list_resource_groups },
    { "list-properties lp", "Show the properties of a resource group.", .arguments = { group_properties_arguments },
      .method = "GET", .target = "/v1/resource-groups?resource_groups={group}", .properties = "first",
      .run = run_list_properties },
    { "set-property sp", "Set or delete a property of a resource group.",
      .arguments = { group_arguments, arguments_property }, .method = "PUT", .target = "/v1/resource-groups/{group}",
      .run = run_set_property },
    { "drbd-options opt", "Set options of DRBD for the resources of a group, or unset them with --unset-OPTION.",
      .arguments = { group_arguments }, .method = "PUT", .target = "/v1/resource-groups/{group}",
      .drbd_options = 1U << PROP_ON_RESOURCE_GROUP, .run = run_drbd_options },
    { "spawn-resources spawn", "Make a resource by the rules of a group.",
      .arguments = { spawn_arguments, placement_once_arguments }, .method = "POST",
      .target = "/v1/resource-groups/{group}/spawn",
      .base = "{\"resource_definition_name\":\"\",\"volume_sizes\":[],\"partial\":false,\"definitions_only\":false,"
              "\"select_filter\":{}}",
      .body = &spawn_request_schema, .prepare = prepare_spawn },
    { "query-max-volume-size qmvs", "Ask how large a volume of the group could be in each storage pool.",
      .arguments = { arguments_pastable, group_arguments }, .method = "GET",
      .target = "/v1/resource-groups/{group}/query-max-volume-size", .list = &list_max_volume_sizes },
    { "query-size-info qsi", "Ask how much space the group has, and where the next resource would go.",
      .arguments = { arguments_pastable, group_arguments, placement_once_arguments }, .method = "POST",
      .target = "/v1/resource-groups/{group}/query-size-info", .base = "{\"select_filter\":{}}",
      .body = &query_size_info_request_schema, .list = &list_size_info },
    { 0 },
};

static const struct argument volume_group_create_arguments[] = {
    ARGUMENT_GROUP,
    { "--vlmnr -n", "NUMBER", .type = TYPE_INTEGER, .body = "volume_number",
      .help = "Number of the volume; the next free one." },
    { "--gross", .count = COUNT_FLAG, .body = "flags[]", .word = "GROSS_SIZE",
      .help = "Sizes include what layers need for themselves." },
    { 0 },
};
static const struct argument volume_group_arguments[] = { ARGUMENT_GROUP, ARGUMENT_NUMBER, { 0 } };
static const struct argument volume_group_list_arguments[] = {
    ARGUMENT_PASTABLE, ARGUMENT_GROUP_BY, ARGUMENT_SHOW_PROPS("--show-props -s"), ARGUMENT_GROUP, { 0 },
};

const struct command commands_volume_group[] = {
    { "create c", "Add a volume to what a resource group makes.", .arguments = { volume_group_create_arguments },
      .method = "POST", .target = "/v1/resource-groups/{group}/volume-groups", .base = "{}",
      .body = &volume_group_doc_schema },
    { "delete d", "Delete a volume group.", .arguments = { volume_group_arguments }, .method = "DELETE",
      .target = "/v1/resource-groups/{group}/volume-groups/{number}" },
    { "list l", "List the volume groups of a resource group.", .arguments = { volume_group_list_arguments },
      .method = "GET", .target = "/v1/resource-groups/{group}/volume-groups", .list = &list_volume_groups },
    { "list-properties lp", "Show the properties of a volume group.",
      .arguments = { arguments_pastable, volume_group_arguments }, .method = "GET",
      .target = "/v1/resource-groups/{group}/volume-groups", .properties = "number", .run = run_list_properties },
    { "set-property sp", "Set or delete a property of a volume group.",
      .arguments = { volume_group_arguments, arguments_property }, .method = "PUT",
      .target = "/v1/resource-groups/{group}/volume-groups/{number}", .run = run_set_property },
    { "drbd-options opt",
      "Set options of DRBD for a volume of the resources of a group, or unset them with --unset-OPTION.",
      .arguments = { volume_group_arguments }, .method = "PUT",
      .target = "/v1/resource-groups/{group}/volume-groups/{number}", .drbd_options = 1U << PROP_ON_VOLUME_GROUP,
      .run = run_drbd_options },
    { 0 },
};
