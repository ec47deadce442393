/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "api/controller.h"
#include "base/text.h"
#include "roles/client/lists.h"
#include "roles/client/value.h"

static const struct error_report_doc *report_of(const struct list_row *row)
{
    return row->document;
}

static void fill_id(struct cell *cell, const struct list_row *row)
{
    static const char before[] = "ErrorReport-", behind[] = ".log";
    const char *name = report_of(row)->filename;
    size_t length;

    if (!name)
        return;
    if (text_starts_with(name, before))
        name += strlen(before);
    length = strlen(name) - (text_ends_with(name, behind) ? strlen(behind) : 0);
    cell->text = arena_strndup(row->arena, name, length);
}

static void fill_time(struct cell *cell, const struct list_row *row)
{
    cell->text = value_format_time(row->clock, row->arena, report_of(row)->error_time);
}

static void fill_node(struct cell *cell, const struct list_row *row)
{
    cell_print(cell, row, "%.1s|%s", report_of(row)->module ? report_of(row)->module : "",
               report_of(row)->node_name ? report_of(row)->node_name : "");
}

static void fill_exception(struct cell *cell, const struct list_row *row)
{
    const char *name = report_of(row)->exception, *message = report_of(row)->exception_message;
    const char *first = message ? message : "";
    size_t length = strcspn(first, "\n");

    if (name && message)
        cell_print(cell, row, "%s: %.*s%s", name, (int)(length >= 60 ? 57 : length), first, length >= 60 ? "..." : "");
    else
        cell_set(cell, row, name);
}

static void fill_location(struct cell *cell, const struct list_row *row)
{
    if (report_of(row)->origin_file)
        cell_print(cell, row, "%s:%d", report_of(row)->origin_file, report_of(row)->origin_line.value);
}

static void fill_version(struct cell *cell, const struct list_row *row)
{
    cell_set(cell, row, report_of(row)->version);
}

static bool keeps_report(const struct list_row *row)
{
    const struct argument_value *ids = arguments_find(row->arguments, "report-id");
    struct cell id = { 0 };

    fill_id(&id, row);
    for (uint32_t i = 0; ids && i < ids->texts.count; i++)
        if (id.text && text_starts_with(id.text, ids->texts.at[i]))
            return true;
    return false;
}

static const struct list_column report_columns[] = {
    { "Id", fill_id },
    { "Datetime", fill_time },
    { "Node", fill_node },
    { "Exception", fill_exception },
    { "Location", fill_location, .when = "full" },
    { "Version", fill_version, .when = "full" },
    { 0 },
};
const struct list list_error_reports = {
    .schema = &error_report_doc_schema,
    .columns = report_columns,
    .is_flat = true,
    .keeps = keeps_report,
    .keeps_when = "report-id",
};
