/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/resource.h"
#include "api/resource_definition.h"
#include "model/prop_rules.h"
#include "roles/client/autoplace.h"
#include "roles/client/commands.h"
#include "roles/client/drbd_options.h"
#include "roles/client/lists.h"
#include "roles/client/passphrase.h"
#include "roles/client/request.h"

static int prepare_definition(struct call *call)
{
    const char *name = arguments_text(call->arguments, "name");

    if (arguments_have(call->arguments, "external-name")) {
        cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(call->body, "resource_definition"),
                                                "name");
        return EXIT_OK;
    }
    if (name)
        return EXIT_OK;
    return client_fail(call->client, EXIT_ARGUMENTS,
                       "ArgumentError: At least resource name or external name has to be specified.");
}

static const struct argument definition_create_arguments[] = {
    { "name", .count = COUNT_OPTIONAL, .body = "resource_definition.name", .help = "Name of the resource definition." },
    { "--port -p", "PORT", .type = TYPE_PORT, .body = "drbd_port", .help = "TCP port of DRBD; a free one." },
    { "--external-name -e", "NAME", .body = "resource_definition.external_name",
      .help = "A name without the rules of names; the real one is made from it." },
    ARGUMENT_LAYERS("resource_definition.layer_data[].type"),
    { "--peer-slots", "N", .type = TYPE_SLOTS, .body = "drbd_peer_slots", .help = "DRBD peer slots." },
    { "--resource-group", "GROUP", .body = "resource_definition.resource_group_name", .help = "Group it belongs to." },
    { 0 },
};
static const struct argument definition_modify_arguments[] = {
    ARGUMENT_DEFINITION,
    { "--peer-slots", "N", .type = TYPE_SLOTS, .body = "drbd_peer_slots", .help = "DRBD peer slots." },
    { "--port -p", "PORT", .type = TYPE_PORT, .body = "drbd_port", .help = "TCP port of DRBD." },
    { "--resource-group", "GROUP", .body = "resource_group", .help = "Group it belongs to from now on." },
    { 0 },
};
static const struct argument definition_delete_arguments[] = {
    ARGUMENT_ASYNC,
    { "resource", .count = COUNT_SOME, .help = "Names of the resource definitions." },
    { 0 },
};
static const struct argument definition_arguments[] = { ARGUMENT_DEFINITION, { 0 } };
static const struct argument definition_properties_arguments[] = {
    ARGUMENT_PASTABLE,
    ARGUMENT_FROM_FILE,
    ARGUMENT_DEFINITION,
    { 0 },
};
static const struct argument definition_list_arguments[] = {
    ARGUMENT_PASTABLE,
    ARGUMENT_GROUP_BY,
    { "--resource-definitions -r", "RESOURCE", COUNT_SOME, .query = "resource_definitions", .help = "Only these." },
    { "--external-name -e", .count = COUNT_FLAG, .help = "Show external names." },
    ARGUMENT_PROPS,
    ARGUMENT_SHOW_PROPS("--show-props -s"),
    ARGUMENT_FROM_FILE,
    { "--show-preferred-drbd-ports --ports", .count = COUNT_FLAG, .help = "Show DRBD's ports." },
    { 0 },
};
static const struct argument auto_place_arguments[] = {
    ARGUMENT_DEFINITION,
    { "--nvme-initiator", .count = COUNT_FLAG, .body = "select_filter.diskless_type", .word = "NVME_INITIATOR",
      .help = "Place NVMe initiators." },
    { "--drbd-diskless", .count = COUNT_FLAG, .body = "select_filter.diskless_type", .word = "DRBD_DISKLESS",
      .help = "Place replicas without a disk." },
    ARGUMENTS_PLACEMENT("--place-count", "--providers -p"),
    { 0 },
};

const struct command commands_resource_definition[] = {
    { "create c", "Make a resource definition.", .arguments = { definition_create_arguments }, .method = "POST",
      .target = "/v1/resource-definitions", .base = "{\"resource_definition\":{}}",
      .body = &resource_definition_request_schema, .prepare = prepare_definition },
    { "auto-place ap", "Place replicas on nodes that the controller chooses.", .arguments = { auto_place_arguments },
      .method = "POST", .target = "/v1/resource-definitions/{resource}/autoplace", .base = "{\"select_filter\":{}}",
      .body = &autoplace_request_schema, .prepare = autoplace_prepare },
    { "modify m", "Change a resource definition.", .arguments = { definition_modify_arguments }, .method = "PUT",
      .target = "/v1/resource-definitions/{resource}", .base = "{}",
      .body = &resource_definition_modify_request_schema },
    { "delete d", "Delete resource definitions, with all replicas and their data.",
      .arguments = { definition_delete_arguments }, .method = "DELETE",
      .target = "/v1/resource-definitions/{resource}" },
    { "list l", "List resource definitions.", .arguments = { definition_list_arguments }, .method = "GET",
      .target = "/v1/resource-definitions", .list = &list_resource_definitions },
    { "list-properties lp", "Show the properties of a resource definition.",
      .arguments = { definition_properties_arguments }, .method = "GET",
      .target = "/v1/resource-definitions?resource_definitions={resource}", .properties = "first",
      .run = run_list_properties },
    { "set-property sp", "Set or delete a property of a resource definition.",
      .arguments = { definition_arguments, arguments_property }, .method = "PUT",
      .target = "/v1/resource-definitions/{resource}", .run = run_set_property },
    { "drbd-options opt", "Set options of DRBD for a resource definition, or unset them with --unset-OPTION.",
      .arguments = { definition_arguments }, .method = "PUT", .target = "/v1/resource-definitions/{resource}",
      .drbd_options = 1U << PROP_ON_RESOURCE_DEFINITION, .run = run_drbd_options },
    { 0 },
};

static const struct argument volume_create_arguments[] = {
    ARGUMENT_DEFINITION,
    { "size", .type = TYPE_SIZE, .body = "volume_definition.size_kib", .help = "Size of the volume, e.g. 10G." },
    { "--storage-pool -s", "POOL", .body = "volume_definition.props.StorPoolName",
      .help = "Storage pool of the volume." },
    { "--vlmnr -n", "NUMBER", .type = TYPE_INTEGER, .body = "volume_definition.volume_number",
      .help = "Number of the volume; the next free one." },
    { "--minor -m", "NUMBER", .type = TYPE_INTEGER, .body = "drbd_minor_number",
      .help = "DRBD's minor number; a free one." },
    { "--encrypt", .count = COUNT_FLAG, .body = "volume_definition.flags[]", .word = "ENCRYPTED", .is_hidden = true },
    { "--gross", .count = COUNT_FLAG, .body = "volume_definition.flags[]", .word = "GROSS_SIZE",
      .help = "The size includes what layers need for themselves." },
    { "--passphrase", "PASSPHRASE", COUNT_OPTIONAL,
      .help =
          "Passphrase of the layer LUKS for this volume, which others can see; without a value you are asked for it." },
    { 0 },
};
static const struct argument volume_passphrase_arguments[] = {
    ARGUMENT_DEFINITION,
    ARGUMENT_NUMBER,
    { "passphrase", NULL, COUNT_OPTIONAL,
      .help = "The new passphrase, which others can see; without it you are asked for it." },
    { 0 },
};
static const struct argument volume_arguments[] = { ARGUMENT_DEFINITION, ARGUMENT_NUMBER, { 0 } };
static const struct argument volume_delete_arguments[] = {
    ARGUMENT_ASYNC, ARGUMENT_DEFINITION, ARGUMENT_NUMBER, { 0 }
};
static const struct argument volume_size_arguments[] = {
    ARGUMENT_DEFINITION,
    ARGUMENT_NUMBER,
    { "size", .type = TYPE_SIZE, .body = "size_kib", .help = "New size of the volume, e.g. 20G." },
    { "--gross", .count = COUNT_FLAG, .body = "flags[]", .word = "GROSS_SIZE",
      .help = "The size includes what layers need for themselves." },
    { 0 },
};
static const struct argument volume_list_arguments[] = {
    ARGUMENT_PASTABLE,
    ARGUMENT_GROUP_BY,
    { "--resource-definitions -r", "RESOURCE", COUNT_SOME, .query = "resource_definitions", .help = "Only of these." },
    { "--external-name -e", .count = COUNT_FLAG, .help = "Show external names." },
    ARGUMENT_SHOW_PROPS("--show-props -s"),
    { 0 },
};

const struct command commands_volume_definition[] = {
    { "create c", "Add a volume to a resource definition.", .arguments = { volume_create_arguments }, .method = "POST",
      .target = "/v1/resource-definitions/{resource}/volume-definitions", .base = "{\"volume_definition\":{}}",
      .body = &volume_definition_request_schema, .prepare = passphrase_for_volume },
    { "delete d", "Delete a volume of a resource definition, with its data.", .arguments = { volume_delete_arguments },
      .method = "DELETE", .target = "/v1/resource-definitions/{resource}/volume-definitions/{number}" },
    { "list l", "List volume definitions.", .arguments = { volume_list_arguments }, .method = "GET",
      .target = "/v1/resource-definitions?with_volume_definitions=true", .list = &list_volume_definitions },
    { "list-properties lp", "Show the properties of a volume definition.",
      .arguments = { arguments_pastable, volume_arguments }, .method = "GET",
      .target = "/v1/resource-definitions?with_volume_definitions=true&resource_definitions={resource}",
      .properties = "volume_definitions", .run = run_list_properties },
    { "set-property sp", "Set or delete a property of a volume definition.",
      .arguments = { volume_arguments, arguments_property }, .method = "PUT",
      .target = "/v1/resource-definitions/{resource}/volume-definitions/{number}", .run = run_set_property },
    { "drbd-options opt", "Set options of DRBD for a volume, or unset them with --unset-OPTION.",
      .arguments = { volume_arguments }, .method = "PUT",
      .target = "/v1/resource-definitions/{resource}/volume-definitions/{number}",
      .drbd_options = 1U << PROP_ON_VOLUME_DEFINITION, .run = run_drbd_options },
    { "set-size size", "Change the size of a volume.", .arguments = { volume_size_arguments }, .method = "PUT",
      .target = "/v1/resource-definitions/{resource}/volume-definitions/{number}",
      .body = &volume_definition_modify_request_schema },
    { "modify-passphrase mp", "Change the passphrase of an encrypted volume.",
      .arguments = { volume_passphrase_arguments }, .method = "PUT",
      .target = "/v1/resource-definitions/{resource}/volume-definitions/{number}/encryption-passphrase",
      .body = &volume_passphrase_request_schema, .prepare = passphrase_for_volume },
    { 0 },
};
