/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/rc.h"

static const struct field rc_doc_fields[] = {
    FIELD(rc_doc, ret_code, FIELD_REQUIRED),
    FIELD(rc_doc, message, FIELD_NOT_EMPTY),
    FIELD(rc_doc, cause, FIELD_NOT_EMPTY),
    FIELD(rc_doc, details, FIELD_NOT_EMPTY),
    FIELD(rc_doc, correction, FIELD_NOT_EMPTY),
    FIELD(rc_doc, error_report_ids, FIELD_NOT_EMPTY),
    FIELD(rc_doc, obj_refs, 0),
    FIELD(rc_doc, created_at, FIELD_NOT_EMPTY),
};
SCHEMA(rc_doc)
