/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "api/controller.h"
#include "api/resource_group.h"
#include "model/prop_rules.h"
#include "roles/client/commands.h"
#include "roles/client/drbd_options.h"
#include "roles/client/lists.h"
#include "roles/client/pretty.h"
#include "roles/client/request.h"
#include "roles/client/session.h"

static int run_version(struct call *call)
{
    CLEANUP(buf_done) struct buf answer = { 0 };
    struct version_doc version = { 0 };
    struct field_error error;
    int code = session_request(call->client, "GET", "/v1/controller/version", NULL, NULL, NULL, &answer);

    if (code != EXIT_OK || call->client->is_curl)
        return code;
    if (call->client->is_machine) {
        /* on one line, as the original prints it */
        fputs("{", call->client->out);
        if (field_decode_text(&version_doc_schema, &version, buf_text(&answer), answer.length, call->arena, &error) !=
            0)
            return client_fail(call->client, EXIT_ERROR, "Error: Unable to parse REST json data: %s", error.message);
        fprintf(call->client->out,
                "\"version\": \"%s\", \"git_hash\": \"%s\", \"build_time\": \"%s\", \"rest_api_version\": \"%s\"}\n",
                version.version, version.git_hash ? version.git_hash : "", version.build_time ? version.build_time : "",
                version.rest_api_version);
        return EXIT_OK;
    }
    if (field_decode_text(&version_doc_schema, &version, buf_text(&answer), answer.length, call->arena, &error) != 0)
        return client_fail(call->client, EXIT_ERROR, "Error: Unable to parse REST json data: %s", error.message);
    fprintf(call->client->out, "linstor controller %s; GIT-hash: %s\n", version.version,
            version.git_hash ? version.git_hash : "");
    return EXIT_OK;
}

static int run_which(struct call *call)
{
    int code = session_request(call->client, "GET", "/v1/controller/version", NULL, NULL, NULL, NULL);

    if (code == EXIT_OK && !call->client->is_curl)
        fprintf(call->client->out, call->client->is_machine ? "{\"controller_uri\": \"%s\"}\n" : "%s\n",
                call->client->connected);
    return code;
}

static const struct argument max_volume_size_arguments[] = {
    ARGUMENT_PASTABLE,
    { "--storage-pool -s", "POOL", .body = "storage_pool", .help = "Only in storage pools of this name." },
    { "--do-not-place-with", "RESOURCE", COUNT_SOME, .body = "not_place_with_rsc[]",
      .help = "Not on nodes that have one of these resources." },
    { "--do-not-place-with-regex", "REGEX", .body = "not_place_with_rsc_regex",
      .help = "Not on nodes that have a resource whose name matches." },
    { "--replicas-on-same", "KEY[=VALUE]", COUNT_SOME, TYPE_AUX, .body = "replicas_on_same[]",
      .help = "Only on nodes that agree in these auxiliary properties." },
    { "--replicas-on-different", "KEY[=VALUE]", COUNT_SOME, TYPE_AUX, .body = "replicas_on_different[]",
      .help = "Only on nodes that differ in these auxiliary properties." },
    { "--x-replicas-on-different", "KEY N", COUNT_ANY, TYPE_AUX_COUNTS, .body = "x_replicas_on_different_map",
      .help = "At most N replicas on nodes with the same value of the auxiliary property." },
    { "replica_count", .type = TYPE_INTEGER, .body = "place_count", .help = "Number of replicas." },
    { 0 },
};

static const struct argument log_level_arguments[] = {
    { "--global", .count = COUNT_FLAG, .help = "On all satellites, too." },
    { 0 },
};

const struct command commands_controller[] = {
    { "list-properties lp", "Show the controller's properties.", .arguments = { arguments_pastable }, .method = "GET",
      .target = "/v1/controller/properties", .properties = "map", .run = run_list_properties },
    { "set-property sp", "Set or delete a property of the controller.", .arguments = { arguments_property },
      .method = "POST", .target = "/v1/controller/properties", .run = run_set_property },
    { "drbd-options opt", "Set options of DRBD for the whole cluster, or unset them with --unset-OPTION.",
      .method = "POST", .target = "/v1/controller/properties", .drbd_options = 1U << PROP_ON_CONTROLLER,
      .run = run_drbd_options },
    { "set-log-level setloglevel", "Change which messages are logged.",
      .arguments = { log_level_arguments, arguments_log_level }, .method = "PUT", .target = "/v1/controller/config",
      .run = run_set_log_level },
    { "version v", "Show the controller's version.", .run = run_version },
    { "which", "Show which controller is in use.", .run = run_which },
    { "query-max-volume-size qmvs", "Ask how large a volume could be in each storage pool.",
      .arguments = { max_volume_size_arguments }, .method = "OPTIONS", .target = "/v1/query-max-volume-size",
      .body = &select_filter_doc_schema, .list = &list_max_volume_sizes },
    { 0 },
};

static int run_space_report(struct call *call)
{
    int code;
    cJSON *answer = session_get(call->client, "/v1/space-report", &code);
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, "reportText"));

    if (text)
        fprintf(call->client->out, "%s\n", text);
    cJSON_Delete(answer);
    return code;
}

const struct command commands_space_reporting[] = {
    { "query qry", "Show a report of the space that is used.", .run = run_space_report },
    { 0 },
};

static int run_show_reports(struct call *call)
{
    const struct argument_value *ids = arguments_find(call->arguments, "report_id");
    CLEANUP(buf_done) struct buf all = { 0 }, out = { 0 };
    int code = EXIT_OK;

    for (uint32_t i = 0; i < ids->texts.count && code == EXIT_OK; i++) {
        const char *path = request_path(call, "/v1/error-reports/{report_id}?withContent=True", ids->texts.at[i]);
        cJSON *answer = session_get(call->client, path, &code);
        const cJSON *item;

        cJSON_ArrayForEach(item, answer)
        {
            const cJSON *text = cJSON_GetObjectItemCaseSensitive(item, "text");
            char *json = call->client->is_machine ? cJSON_PrintUnformatted(item) : NULL;

            if (json)
                buf_printf(&all, "%s%s", all.length > 0 ? "," : "[", json);
            else if (cJSON_IsString(text))
                fprintf(call->client->out, "%s\n", value_visible(call->arena, text->valuestring));
            cJSON_free(json);
        }
        cJSON_Delete(answer);
    }
    if (call->client->is_machine && code == EXIT_OK) {
        buf_add_text(&all, all.length > 0 ? "]" : "[]");
        pretty_json(&out, buf_text(&all), all.length, 0);
        buf_add_char(&out, '\n');
        client_print(call->client, &out);
    }
    return code;
}

static const struct argument report_list_arguments[] = {
    ARGUMENT_PASTABLE,
    { "--since -s", "SPAN", .type = TYPE_SPAN, .query = "since", .help = "Not older than this, e.g. 3days or 1d10h." },
    { "--to -t", "DATE", .type = TYPE_DAY, .query = "to", .help = "Not newer than this day, YYYY-MM-DD." },
    { "--nodes -n", "NODE", COUNT_SOME, .query = "node", .help = "Only of these nodes." },
    { "--report-id", "ID", COUNT_SOME, .help = "Only reports whose identifiers begin so." },
    { "--full -f", .count = COUNT_FLAG, .help = "All columns." },
    { 0 },
};
static const struct argument report_show_arguments[] = {
    { "report_id", NULL, COUNT_SOME, .help = "Identifiers, as the list shows them." },
    { 0 },
};
static const struct argument report_delete_arguments[] = {
    { "--nodes", "NODE", COUNT_SOME, .body = "nodes[]", .help = "Only of these nodes." },
    { "--since", "SPAN", .type = TYPE_SPAN, .body = "since", .help = "Not older than this, e.g. 1d10h." },
    { "--to", "DATE", .type = TYPE_DAY, .body = "to", .help = "Not newer than this day, YYYY-MM-DD." },
    { "--exception", "NAME", .body = "exception", .help = "Only of this kind of error." },
    { "id", NULL, COUNT_ANY, .body = "ids[]", .help = "Only these reports." },
    { 0 },
};

const struct command commands_error_reports[] = {
    { "list l", "List error reports.", .arguments = { report_list_arguments }, .method = "GET",
      .target = "/v1/error-reports?withContent=False", .list = &list_error_reports },
    { "show s", "Show error reports.", .arguments = { report_show_arguments }, .run = run_show_reports },
    { "delete d", "Delete error reports.", .arguments = { report_delete_arguments }, .method = "PATCH",
      .target = "/v1/error-reports", .base = "{}", .body = &error_report_delete_request_schema },
    { 0 },
};
