/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/controller/rc.h"

#include "base/text.h"

bool rc_is_error(int64_t code)
{
    return ((uint64_t)code & RC_TYPE_MASK) == RC_ERROR;
}

/* How details name what an entry refers to. */
static const struct {
    const char *reference, *text;
} references[] = {
    { "Node", "Node" },
    { "RscDfn", "Resource definition" },
    { "VlmNr", "Volume number" },
    { "RscGrp", "Resource group" },
    { "StorPool", "Storage pool" },
    { "StorPoolDfn", "Storage pool definition" },
};

/* "Node: n1, Resource definition: r"; NULL when entries have no references */
static const char *describe(struct rc *rc)
{
    const char *text = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(references); i++) {
        const char *value = text_map_find(&rc->refs, references[i].reference);

        if (value)
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
    if (!details && rc_is_error(entry->code) && !entry->is_bare)
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
    return rc_is_error(entry->code) ? -1 : 0;
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
    for (uint32_t i = 0; i < rc->entries.count; i++)
        rc->entries.at[i].obj_refs = (struct text_map){ 0 };
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
