/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The entry of the list that answers every request that changes something, and every request that fails. ret_code packs
 * type, operation, object and code into one signed 64-bit number; see the masks below. Texts are for people; programs
 * compare ret_code and obj_refs.
 */
#pragma once

#include "base/field.h"

#define RC_TYPE_MASK   UINT64_C(0xC000000000000000)
#define RC_ERROR       UINT64_C(0xC000000000000000)
#define RC_WARN        UINT64_C(0x8000000000000000)
#define RC_INFO        UINT64_C(0x4000000000000000)
#define RC_ACTION_MASK UINT64_C(0x0000000003000000)
#define RC_OBJECT_MASK UINT64_C(0x00000000007C0000)
#define RC_CODE_MASK   UINT64_C(0x0000000000007FFF)

struct rc_doc {
    int64_t ret_code;
    char *message;
    char *cause;
    char *details;
    char *correction;
    struct text_list error_report_ids;
    struct text_map obj_refs;
    char *created_at; /* ISO 8601, UTC */

    bool is_quiet; /* not part of the document: no error report is made of it */
};

extern const struct schema rc_doc_schema;
