/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What LVM's tools print. Their report is JSON in all versions since 2.02.158. A row that lacks what it
 * must have, or has a number that is none, makes the whole report unusable: half-understood lists must not let a volume
 * seem to be gone.
 */
#include "drivers/lvm.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

struct lvm_row {
    char *vg_name, *vg_uuid, *vg_extent_size, *vg_size, *vg_free, *pv_name, *pv_used;
    char *lv_name, *lv_size, *lv_attr, *pool_lv, *origin, *data_percent, *metadata_percent, *chunk_size, *lv_tags;
};
struct lvm_part {
    LIST_OF(struct lvm_row) vg;
    LIST_OF(struct lvm_row) lv;
    LIST_OF(struct lvm_row) pv;
};
struct lvm_output {
    LIST_OF(struct lvm_part) report;
};

/* clang-format off */
static const struct field lvm_row_fields[] = {
    FIELD(lvm_row, vg_name, 0), FIELD(lvm_row, vg_uuid, 0), FIELD(lvm_row, vg_extent_size, 0), FIELD(lvm_row, vg_size, 0),
    FIELD(lvm_row, vg_free, 0), FIELD(lvm_row, pv_name, 0), FIELD(lvm_row, pv_used, 0),
    FIELD(lvm_row, lv_name, 0), FIELD(lvm_row, lv_size, 0), FIELD(lvm_row, lv_attr, 0),
    FIELD(lvm_row, pool_lv, 0), FIELD(lvm_row, origin, 0), FIELD(lvm_row, data_percent, 0),
    FIELD(lvm_row, metadata_percent, 0), FIELD(lvm_row, chunk_size, 0), FIELD(lvm_row, lv_tags, 0),
};
static SCHEMA(lvm_row)
static const struct field lvm_part_fields[] = {
    LIST(lvm_part, vg, lvm_row, 0), LIST(lvm_part, lv, lvm_row, 0), LIST(lvm_part, pv, lvm_row, 0),
};
static SCHEMA(lvm_part)
static const struct field lvm_output_fields[] = { LIST(lvm_output, report, lvm_part, FIELD_REQUIRED) };
static SCHEMA(lvm_output)
/* clang-format on */

char *lvm_path(const char *group, const char *name, struct arena *arena)
{
    return arena_printf(arena, "/dev/%s/%s", group, name);
}

/* Empty means that LVM has no such value for the row. */
static bool parse_bytes(const char *text, int64_t *kib)
{
    int64_t bytes = 0;

    if (!text || (text[0] && !text_parse_i64(text, 0, INT64_MAX, &bytes)))
        return false;
    *kib = bytes / 1024;
    return true;
}

static bool parse_percent(const char *text, double *percent)
{
    *percent = -1;
    return text && (!text[0] || (text_parse_double(text, percent) && *percent >= 0 && *percent <= 100));
}

/* The rest of the first tag that begins so; NULL: there is none. */
static char *rest_of_tag(const char *tags, const char *prefix, struct arena *arena)
{
    size_t length = strlen(prefix);

    for (const char *at = tags; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, prefix, length) == 0)
            return arena_strndup(arena, at + length, strcspn(at + length, ","));
    return NULL;
}

static bool has_tag(const char *tags, const char *tag)
{
    size_t length = strlen(tag);

    for (const char *at = tags; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, tag, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    return false;
}

static char *text_or_null(char *text)
{
    return text && text[0] ? text : NULL;
}

static bool take_group(const struct lvm_row *row, struct lvm_group *group)
{
    group->name = text_or_null(row->vg_name);
    group->uuid = text_or_null(row->vg_uuid);
    group->device = row->pv_name && row->pv_name[0] == '/' ? row->pv_name : NULL; /* "[unknown]": it is missing */
    return group->name && group->uuid && parse_bytes(row->vg_extent_size, &group->extent_kib) &&
           group->extent_kib > 0 && parse_bytes(row->vg_size, &group->total_kib) &&
           parse_bytes(row->vg_free, &group->free_kib) &&
           (!group->device || parse_bytes(row->pv_used, &group->device_used_kib));
}

/* lv_attr has a letter for each quality at a fixed place: 0 kind, 4 state, 7 zeroing, 8 health. */
static bool take_volume(const struct lvm_row *row, struct lvm_volume *volume, struct arena *arena)
{
    volume->group = text_or_null(row->vg_name);
    volume->name = text_or_null(row->lv_name);
    if (!volume->group || !volume->name || !row->lv_attr || strlen(row->lv_attr) < 9 || !row->lv_tags)
        return false;
    volume->thin_pool = text_or_null(row->pool_lv);
    volume->origin = text_or_null(row->origin);
    volume->metadata_percent = text_or_null(row->metadata_percent);
    volume->is_active = row->lv_attr[4] == 'a';
    volume->is_thin_pool = row->lv_attr[0] == 't';
    volume->zeroes = row->lv_attr[7] == 'z';
    volume->health = row->lv_attr[8];
    volume->owner = rest_of_tag(row->lv_tags, LVM_TAG_OWNER, arena);
    volume->is_new = has_tag(row->lv_tags, LVM_TAG_NEW);
    volume->is_void = has_tag(row->lv_tags, LVM_TAG_VOID);
    return parse_bytes(row->lv_size, &volume->size_kib) && volume->size_kib > 0 &&
           parse_bytes(row->chunk_size, &volume->chunk_kib) && parse_percent(row->data_percent, &volume->data_percent);
}

static int take_part(const struct lvm_part *part, struct lvm_report *report, struct arena *arena, char **why)
{
    for (uint32_t i = 0; i < part->vg.count; i++)
        if (!take_group(&part->vg.at[i], LIST_ADD(&report->groups, arena))) {
            *why = arena_printf(arena, "row %" PRIu32 " of the volume groups is not as it should be", i + 1);
            return -1;
        }
    for (uint32_t i = 0; i < part->lv.count; i++)
        if (!take_volume(&part->lv.at[i], LIST_ADD(&report->volumes, arena), arena)) {
            *why = arena_printf(arena, "row %" PRIu32 " of the logical volumes is not as it should be", i + 1);
            return -1;
        }
    for (uint32_t i = 0; i < part->pv.count; i++)
        if (part->pv.at[i].pv_name && part->pv.at[i].pv_name[0] == '/')
            text_list_add(&report->devices, part->pv.at[i].pv_name, arena);
    return 0;
}

int lvm_report_parse(const char *text, struct lvm_report *report, struct arena *arena, char **why)
{
    struct lvm_output output = { 0 };
    struct field_error error;

    *report = (struct lvm_report){ 0 };
    if (field_scan_text(&lvm_output_schema, &output, text, strlen(text), arena, &error) < 0) {
        *why = arena_strdup(arena, error.message);
        return -1;
    }
    for (uint32_t i = 0; i < output.report.count; i++)
        if (take_part(&output.report.at[i], report, arena, why) < 0)
            return -1;
    return 0;
}
