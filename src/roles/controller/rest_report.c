/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Error reports: made of the errors in an answer, listed, shown, deleted. */
#include <string.h>

#include "base/text.h"
#include "roles/controller/reports.h"
#include "roles/controller/routes.h"

struct filter {
    struct text_list nodes, ids;
    const char *exception, *version;
    int64_t since_ms, to_ms;
};

static bool fits_any(const struct text_list *ids, const struct error_report *report)
{
    for (uint32_t i = 0; i < ids->count; i++)
        if (error_report_has_id(report, ids->at[i]))
            return true;
    return ids->count == 0;
}

static bool fits(const struct filter *filter, const struct error_report *report)
{
    const struct error_report_doc *doc = report->doc;

    return doc->error_time >= filter->since_ms && doc->error_time <= filter->to_ms &&
           (filter->nodes.count == 0 || text_list_has_fold(&filter->nodes, doc->node_name)) &&
           (!filter->exception || strcmp(filter->exception, doc->exception) == 0) &&
           (!filter->version || strcmp(filter->version, doc->version) == 0) && fits_any(&filter->ids, report);
}

/* LINSTOR: what is no number is an internal error to its users. */
static int read_time(struct request *q, const char *name, int64_t *ms)
{
    const char *text = request_query(q, name);

    if (!text || text_parse_i64(text, INT64_MIN, INT64_MAX, ms))
        return 0;
    return rc_add(&q->rc, FAIL_UNKNOWN_ERROR, .message = rc_text(&q->rc, "Query parameter '%s' is no number.", name),
                  .details = rc_text(&q->rc, "'%s' is not a time in milliseconds since 1970.", text));
}

static int read_filter(struct request *q, struct filter *filter)
{
    const char *node;
    size_t at = 0;

    *filter = (struct filter){ .since_ms = INT64_MIN, .to_ms = INT64_MAX };
    if (read_time(q, "since", &filter->since_ms) != 0 || read_time(q, "to", &filter->to_ms) != 0)
        return -1;
    while ((node = uri_next_parameter(&q->uri, "node", &at)))
        text_list_add(&filter->nodes, node, &q->arena);
    if (q->var[VAR_REPORT])
        text_list_add(&filter->ids, q->var[VAR_REPORT], &q->arena);
    return 0;
}

static bool next_report(struct request *q, struct listing *listing, void *doc, struct arena *arena)
{
    const struct reports *reports = q->service->reports;
    const struct error_report *report;
    struct filter filter;
    struct buf text = { 0 };

    if (read_filter(q, &filter) != 0)
        return false;
    do {
        report = reports_after(reports, listing->position);
        if (!report)
            return false;
        listing->position = report->serial;
    } while (!fits(&filter, report));
    field_assign(&error_report_doc_schema, doc, report->doc);
    if (request_query_bool(q, "withContent", q->var[VAR_REPORT] != NULL) && reports_read(reports, report, &text) == 0)
        ((struct error_report_doc *)doc)->text = arena_strdup(arena, buf_text(&text));
    buf_done(&text);
    return true;
}

static int list_reports(struct request *q)
{
    struct filter filter;

    if (read_filter(q, &filter) != 0)
        return -1;
    request_reply_list(q, &error_report_doc_schema, next_report);
    return 0;
}

static int count_reports(struct request *q)
{
    struct stats_doc *doc = arena_alloc(&q->arena, sizeof(*doc));
    const struct reports *reports = q->service->reports;
    struct filter filter;

    if (read_filter(q, &filter) != 0)
        return -1;
    for (uint32_t i = 0; i < reports_count(reports); i++)
        doc->count += fits(&filter, reports_at(reports, i));
    return request_reply(q, &stats_doc_schema, doc);
}

static int remove_fitting(struct request *q, const struct filter *filter)
{
    struct reports *reports = q->service->reports;
    uint32_t count = 0;

    for (uint32_t i = reports_count(reports); i-- > 0;) {
        if (!fits(filter, reports_at(reports, i)))
            continue;
        reports_remove(reports, reports_at(reports, i));
        count++;
    }
    if (count == 0)
        return rc_add(&q->rc, INFO_NOOP, .message = "No error reports were deleted, because none fits.");
    return rc_add(&q->rc, DELETED,
                  .message = rc_text(&q->rc, "%u error report%s deleted.", count, count == 1 ? "" : "s"));
}

static int delete_report(struct request *q)
{
    struct filter filter;

    return read_filter(q, &filter) == 0 ? remove_fitting(q, &filter) : -1;
}

static int delete_reports(struct request *q)
{
    const struct error_report_delete_request *body = q->body;
    const struct filter filter = {
        .nodes = body->nodes,
        .ids = body->ids,
        .exception = body->exception,
        .version = body->version,
        .since_ms = body->since.has ? body->since.value : INT64_MIN,
        .to_ms = body->to.has ? body->to.value : INT64_MAX,
    };

    /* LINSTOR: who names nothing deletes nothing */
    if (filter.nodes.count == 0 && filter.ids.count == 0 && !filter.exception && !filter.version && !body->since.has &&
        !body->to.has)
        return rc_add(&q->rc, INFO_NOOP, .message = "No error reports were deleted, because the request names none.");
    return remove_fitting(q, &filter);
}

/* "RestClient(127.0.0.1:40022; 'PythonLinstor/1.2')" */
static const char *peer_text(struct request *q)
{
    const char *agent = http_find_header(http_get_request(q->exchange), "User-Agent");

    return rc_text(&q->rc, "RestClient(%s%s%s%s)", http_peer(q->exchange), agent ? "; '" : "", agent ? agent : "",
                   agent ? "'" : "");
}

void request_report(struct request *q)
{
    const struct http_request *http = http_get_request(q->exchange);
    LIST_OF(struct rc_doc) problems = { 0 };
    bool is_reported = false;
    struct error_report_entry entry = {
        .time_ms = q->rc.now_ms,
        .file = q->rc.file,
        .function = q->rc.function,
        .line = q->rc.line,
        .text = q->rc.backtrace ? rc_text(&q->rc, "Backtrace:\n%s", q->rc.backtrace) : NULL,
    };
    const char *id;

    for (uint32_t i = 0; i < q->rc.entries.count; i++) {
        is_reported = is_reported || rc_is_reported(&q->rc, &q->rc.entries.at[i]);
        if (rc_is_error(q->rc.entries.at[i].ret_code)) /* what the one that has the report follows from, too */
            *LIST_ADD(&problems, &q->arena) = q->rc.entries.at[i];
    }
    if (!is_reported || problems.count == 0)
        return;
    entry.problems = problems.at;
    entry.problem_count = problems.count;
    entry.failure = rc_code_name(problems.at[0].ret_code);
    /* Never what follows the path: a query may hold secrets. */
    entry.request = rc_text(&q->rc, "%s %.*s", http->method, (int)strcspn(http->target, "?"), http->target);
    /* LINSTOR: what was refused before it concerned an object names nobody */
    if (problems.at[0].ret_code & MASK_BITS_OBJ)
        entry.peer = peer_text(q);
    id = reports_add(q->service->reports, &entry);
    for (uint32_t i = 0; id && i < q->rc.entries.count; i++)
        if (rc_is_reported(&q->rc, &q->rc.entries.at[i]))
            text_list_add(&q->rc.entries.at[i].error_report_ids, id, &q->arena);
}

/* clang-format off */
const struct route report_routes[] = {
    { "GET",    "/v1/error-reports",          list_reports,   0, NULL, 200, 0 },
    { "PATCH",  "/v1/error-reports",          delete_reports, 0, &error_report_delete_request_schema, 200, 0 },
    { "GET",    "/v1/error-reports/{report}", list_reports,   0, NULL, 200, 0 },
    { "DELETE", "/v1/error-reports/{report}", delete_report,  0, NULL, 200, 0 },
    { "GET",    "/v1/stats/error-reports",    count_reports,  0, NULL, 200, 0 },
    { 0 },
};
