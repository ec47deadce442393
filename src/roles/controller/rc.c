/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/controller/rc.h"

#include "base/backtrace.h"
#include "base/text.h"

bool rc_is_error(int64_t code)
{
    return ((uint64_t)code & RC_TYPE_MASK) == RC_ERROR;
}

/* How details name what an entry refers to. */
static const struct {
    const char *reference, *text;
    const char *unless; /* this one tells the same */
} references[] = {
    { "Node", "Node" },
    { "RscDfn", "Resource definition" },
    { "VlmNr", "Volume number" },
    { "RscGrp", "Resource group" },
    { "VlmGrp", "Resource group", .unless = "RscGrp" },
    { "StorPool", "Storage pool" },
    { "StorPoolDfn", "Storage pool definition" },
};

/* "Node: n1, Resource definition: r"; NULL when entries have no references */
static const char *describe(struct rc *rc)
{
    const char *text = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(references); i++) {
        const char *value = text_map_find(&rc->refs, references[i].reference);

        if (value && !(references[i].unless && text_map_find(&rc->refs, references[i].unless)))
            text = rc_text(rc, "%s%s%s: %s", text ? text : "", text ? ", " : "", references[i].text, value);
    }
    return text || !rc->refs.at ? text : "The request does not name what it is about.";
}

int rc_add_entry(struct rc *rc, const struct rc_entry *entry)
{
    struct rc_doc *doc = LIST_ADD(&rc->entries, rc->arena);
    uint64_t code = (uint64_t)entry->code, context = (uint64_t)rc->context;
    const char *details = entry->details;

    if (!(code & RC_ACTION_MASK) && !entry->is_bare)
        code |= context & RC_ACTION_MASK;
    if (!(code & RC_OBJECT_MASK) && !entry->is_bare)
        code |= context & RC_OBJECT_MASK;
    doc->ret_code = (int64_t)code;
    doc->is_quiet = entry->is_quiet;
    if (!details && rc_is_error(entry->code))
        details = describe(rc);
    doc->message = arena_strdup_null(rc->arena, entry->message);
    doc->cause = arena_strdup_null(rc->arena, entry->cause);
    doc->details = arena_strdup_null(rc->arena, details);
    doc->correction = arena_strdup_null(rc->arena, entry->correction);
    if (rc->refs.at && !entry->is_bare)
        doc->obj_refs.at = arena_alloc(rc->arena, 0);
    for (uint32_t i = 0; i < rc->refs.count && !entry->is_bare; i++)
        text_map_set(&doc->obj_refs, rc->refs.at[i].key, rc->refs.at[i].value, rc->arena);
    doc->created_at = arena_alloc(rc->arena, TEXT_TIME_SIZE);
    text_format_time(rc->now_ms, doc->created_at);
    if (!rc_is_error(entry->code))
        return 0;
    rc->file = entry->file;
    rc->function = entry->function;
    rc->line = entry->line;
    if (entry->code == FAIL_IMPL_ERROR) {
        struct buf frames = { 0 };

        backtrace_format(&frames);
        rc->backtrace = arena_strdup(rc->arena, buf_text(&frames));
        buf_done(&frames);
    }
    return -1;
}

void rc_clear(struct rc *rc)
{
    rc->entries.count = 0;
    rc->file = rc->function = NULL;
    rc->backtrace = NULL;
}

void rc_ref(struct rc *rc, const char *key, const char *value)
{
    if (value)
        text_map_set(&rc->refs, key, value, rc->arena);
    else if (!rc->refs.at)
        rc->refs.at = arena_alloc(rc->arena, 0);
}

void rc_strip_refs(struct rc *rc)
{
    for (uint32_t i = 0; i < rc->entries.count; i++) {
        struct rc_doc *entry = &rc->entries.at[i];

        entry->obj_refs = (struct text_map){ 0 };
        if (((uint64_t)entry->ret_code & RC_TYPE_MASK) == RC_WARN)
            entry->ret_code = (int64_t)((uint64_t)entry->ret_code & ~(RC_ACTION_MASK | RC_OBJECT_MASK));
    }
}

void rc_unref(struct rc *rc, const char *key)
{
    text_map_remove(&rc->refs, key);
}

void rc_drop_successes(struct rc *rc)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < rc->entries.count; i++)
        if (((uint64_t)rc->entries.at[i].ret_code & RC_TYPE_MASK) != 0)
            rc->entries.at[kept++] = rc->entries.at[i];
    rc->entries.count = kept;
}

bool rc_has_error(const struct rc *rc)
{
    for (uint32_t i = 0; i < rc->entries.count; i++)
        if (rc_is_error(rc->entries.at[i].ret_code))
            return true;
    return false;
}

/*
 * LINSTOR: which errors its users find a report of; what is merely absent, there already, or does not fit has none. The
 * first row that fits decides. bits: operation and object, compared under mask.
 */
enum { WHOLE = MASK_BITS_OP | MASK_BITS_OBJ };
enum { CODE_AND_TYPE = MASK_BITS_TYPE | MASK_BITS_CODE, UNREADABLE = API_CALL_PARSE_ERROR & CODE_AND_TYPE };
/* clang-format off */
static const struct {
    int64_t first, last;
    int64_t mask, bits;
    bool is_reported;
} reported[] = {
    { FAIL_INVLD_STOR_POOL_NAME, FAIL_INVLD_STOR_DRIVER, WHOLE, MASK_CRT | MASK_STOR_POOL, false },
    { FAIL_INVLD_PROP, FAIL_INVLD_PROP, WHOLE, MASK_DEL | MASK_CTRL_CONF, true },
    { FAIL_INVLD_PROP, FAIL_INVLD_PROP, MASK_BITS_OBJ, MASK_CTRL_CONF, false },
    { FAIL_INVLD_LAYER_KIND, FAIL_INVLD_LAYER_KIND, MASK_BITS_OBJ, 0, false },
    { FAIL_SQL, FAIL_SQL_ROLLBACK, 0, 0, true },
    { FAIL_INVLD_NODE_NAME, FAIL_INVLD_RSC_NAME, 0, 0, true },
    { FAIL_INVLD_VLM_NR, FAIL_INVLD_VLM_NR, 0, 0, true },
    { FAIL_INVLD_STOR_POOL_NAME, FAIL_INVLD_NET_ADDR, 0, 0, true },
    { FAIL_INVLD_PROP, FAIL_INVLD_SNAPSHOT_NAME, 0, 0, true },
    { FAIL_INVLD_STOR_DRIVER, FAIL_INVLD_DRBD_PROXY_COMPRESSION_TYPE, 0, 0, true },
    { FAIL_INVLD_LAYER_KIND, FAIL_INVLD_LAYER_STACK, 0, 0, true },
    { FAIL_INVLD_EXT_FILE_NAME, FAIL_INVLD_SCHEDULE_NAME, 0, 0, true },
    { FAIL_NOT_FOUND_VLM, FAIL_NOT_FOUND_NET_IF, 0, 0, true },
    { FAIL_NOT_FOUND_DFLT_STOR_POOL, FAIL_NOT_FOUND_CRYPT_KEY, 0, 0, true },
    { FAIL_NOT_FOUND_SNAPSHOT, FAIL_NOT_FOUND_SNAPSHOT, 0, 0, true },
    { FAIL_NOT_FOUND_RSC_GRP, FAIL_NOT_FOUND_RSC_GRP, WHOLE, MASK_CRT | MASK_RSC_DFN, true },
    { FAIL_EXISTS_RSC, FAIL_EXISTS_RSC, 0, 0, true },
    { FAIL_EXISTS_NODE_CONN, FAIL_EXISTS_NODE_CONN, 0, 0, true },
    { FAIL_EXISTS_SNAPSHOT_DFN, FAIL_EXISTS_SNAPSHOT_DFN, WHOLE, MASK_DEL | MASK_RSC_DFN, true },
    { FAIL_EXISTS_EXT_NAME, FAIL_EXISTS_EXT_NAME, 0, 0, true },
    { FAIL_EXISTS_REMOTE, FAIL_EXISTS_REMOTE, 0, 0, true },
    { FAIL_MISSING_NETCOM, FAIL_NO_STLT_CONN_DEFINED, 0, 0, true },
    { FAIL_NOT_ENOUGH_FREE_SPACE, FAIL_STLT_DOES_NOT_SUPPORT_LAYER, 0, 0, true },
    { FAIL_SNAPSHOTS_NOT_SUPPORTED, FAIL_NOT_CONNECTED, 0, 0, true },
    { FAIL_IN_USE, FAIL_IN_USE, WHOLE, MASK_DEL | MASK_STOR_POOL, true },
    { FAIL_IN_USE, FAIL_IN_USE, WHOLE, MASK_MOD | MASK_RSC, true },
    { FAIL_UNKNOWN_ERROR, FAIL_IMPL_ERROR, 0, 0, true },
    { UNREADABLE, UNREADABLE, MASK_BITS_OBJ, MASK_RSC_DFN, true },
    { UNREADABLE, UNREADABLE, MASK_BITS_OBJ, MASK_RSC_GRP, true },
    { UNREADABLE, UNREADABLE, MASK_BITS_OBJ, 0, true },
};
/* clang-format on */

bool rc_is_reported(const struct rc *rc, const struct rc_doc *entry)
{
    int64_t code = entry->ret_code & CODE_AND_TYPE;
    int64_t about = entry->ret_code == API_CALL_PARSE_ERROR ? rc->context : entry->ret_code;

    if (!rc_is_error(entry->ret_code) || entry->is_quiet ||
        (rc->is_quiet && code != FAIL_UNKNOWN_ERROR && code != FAIL_IMPL_ERROR))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(reported); i++)
        if (code >= reported[i].first && code <= reported[i].last && (about & reported[i].mask) == reported[i].bits)
            return reported[i].is_reported;
    return false;
}

int rc_status(const struct rc *rc, int success)
{
    for (uint32_t i = 0; i < rc->entries.count; i++) {
        uint64_t code = (uint64_t)rc->entries.at[i].ret_code & RC_CODE_MASK;

        if (!rc_is_error(rc->entries.at[i].ret_code))
            continue;
        if (code >= 300 && code < 400)
            return 404; /* LINSTOR: clients begin to create things on 404, so it must mean absence */
        if ((code >= 400 && code < 500) || code == 10000)
            return 403;
        return code == 10001 ? 401 : 500;
    }
    return success;
}
