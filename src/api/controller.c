/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/controller.h"

static const struct field version_doc_fields[] = {
    FIELD(version_doc, version, FIELD_REQUIRED),
    FIELD(version_doc, git_hash, 0),
    FIELD(version_doc, build_time, 0),
    FIELD(version_doc, rest_api_version, FIELD_REQUIRED),
};
SCHEMA(version_doc)

static const struct field props_modify_request_fields[] = {
    FIELD(props_modify_request, override_props, FIELD_NOT_EMPTY),
    FIELD(props_modify_request, delete_props, FIELD_NOT_EMPTY),
    FIELD(props_modify_request, delete_namespaces, FIELD_NOT_EMPTY),
};
SCHEMA(props_modify_request)

static const struct field error_report_doc_fields[] = {
    FIELD(error_report_doc, node_name, FIELD_NOT_EMPTY),
    FIELD(error_report_doc, error_time, 0),
    FIELD(error_report_doc, filename, FIELD_NOT_EMPTY),
    FIELD(error_report_doc, text, FIELD_NOT_EMPTY),
    FIELD(error_report_doc, module, FIELD_NOT_EMPTY),
    FIELD(error_report_doc, version, FIELD_NOT_EMPTY),
    FIELD(error_report_doc, peer, FIELD_NOT_EMPTY),
    FIELD(error_report_doc, exception, FIELD_NOT_EMPTY),
    FIELD(error_report_doc, exception_message, FIELD_NOT_EMPTY),
    FIELD(error_report_doc, origin_file, FIELD_NOT_EMPTY),
    FIELD(error_report_doc, origin_method, FIELD_NOT_EMPTY),
    FIELD(error_report_doc, origin_line, 0),
};
SCHEMA(error_report_doc)

static const struct field error_report_delete_request_fields[] = {
    FIELD(error_report_delete_request, since, 0),
    FIELD(error_report_delete_request, to, 0),
    FIELD(error_report_delete_request, nodes, FIELD_NOT_EMPTY),
    FIELD(error_report_delete_request, exception, FIELD_NOT_EMPTY),
    FIELD(error_report_delete_request, version, FIELD_NOT_EMPTY),
    FIELD(error_report_delete_request, ids, FIELD_NOT_EMPTY),
};
SCHEMA(error_report_delete_request)

static const struct field passphrase_status_doc_fields[] = {
    FIELD(passphrase_status_doc, status, FIELD_REQUIRED),
};
SCHEMA(passphrase_status_doc)

static const struct field passphrase_request_fields[] = {
    FIELD(passphrase_request, new_passphrase, FIELD_SECRET),
    FIELD(passphrase_request, old_passphrase, FIELD_SECRET),
};
SCHEMA(passphrase_request)

static const struct field stats_doc_fields[] = {
    FIELD(stats_doc, count, 0),
};
SCHEMA(stats_doc)
