/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file begins with a title line and a head of "Label:  value" lines up to an empty line; the rest is for people only.
 * The same labels are used by base/backtrace.c. The name holds the second in which the process started, so that names
 * grow with time and two runs never share one.
 *
 * When the ring is full the oldest goes; but when more than half of it is what clients caused, the oldest of those, so
 * that a client which fails in a loop does not push out the report of a crash.
 */
#include "roles/controller/reports.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "model/rc_codes.h"

LOG_DOMAIN("report");

#define PREFIX "ErrorReport-"
#define SUFFIX ".log"

enum { HEAD_LIMIT = 8 * 1024, VALUE_LIMIT = 1024, CRASH_SEQUENCE = 999999 };

struct reports {
    char *directory, *version;
    char *crash_name;
    uint32_t instance, sequence, serial;
    struct error_report **at;
    uint32_t count, room, request_count;
    int64_t bytes;
    bool is_open;
};

/* clang-format off */
static const struct { const char *label; size_t offset; } texts[] = {
    { "Node",    offsetof(struct error_report_doc, node_name) },
    { "Module",  offsetof(struct error_report_doc, module) },
    { "Version", offsetof(struct error_report_doc, version) },
    { "Peer",    offsetof(struct error_report_doc, peer) },
    { "Failure", offsetof(struct error_report_doc, exception) },
    { "Reason",  offsetof(struct error_report_doc, exception_message) },
};
/* clang-format on */

static char *make_name(uint32_t instance, uint32_t sequence)
{
    return memory_printf(PREFIX "%08" PRIX32 "-00000-%06" PRIu32 SUFFIX, instance, sequence);
}

/* "ErrorReport-65A1B2C3-00000-000001.log" */
static bool parse_name(const char *name, uint32_t *instance, char id[static REPORT_ID_SIZE])
{
    unsigned parts[3];
    int length = 0;

    if (sscanf(name, PREFIX "%8X-%5u-%6u" SUFFIX "%n", &parts[0], &parts[1], &parts[2], &length) != 3 || length == 0 ||
        name[length] != '\0')
        return false;
    *instance = parts[0];
    snprintf(id, REPORT_ID_SIZE, "%08X-%05u-%06u", parts[0], parts[1], parts[2]);
    return true;
}

/* ISO 8601 as text_format_time writes it, or seconds since the epoch. */
static int64_t parse_time(const char *text)
{
    struct tm utc = { 0 };
    int64_t seconds;
    int ms = 0;
    const char *end;

    if (text_parse_i64(text, 0, INT64_MAX / 1000, &seconds))
        return seconds * 1000;
    end = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
    if (!end)
        return 0;
    if (*end == '.' && sscanf(end, ".%3d", &ms) != 1)
        ms = 0;
    return (int64_t)timegm(&utc) * 1000 + ms;
}

/* "function, file.c:12" */
static void parse_place(struct error_report_doc *doc, const char *text, struct arena *arena)
{
    const char *comma = strstr(text, ", "), *colon = strrchr(text, ':');
    int64_t line;

    if (!comma || !colon || colon < comma || !text_parse_i64(colon + 1, 0, INT32_MAX, &line))
        return;
    doc->origin_method = arena_strndup(arena, text, (size_t)(comma - text));
    doc->origin_file = arena_strndup(arena, comma + 2, (size_t)(colon - comma - 2));
    doc->origin_line = (struct maybe_i32)MAYBE((int32_t)line);
}

static void take_label(struct error_report *report, struct error_report_doc *doc, const char *label, const char *value,
                       struct arena *arena)
{
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        if (strcmp(texts[i].label, label) == 0)
            *(char **)(void *)((char *)doc + texts[i].offset) = arena_strdup(arena, value);
    if (strcmp(label, "Time") == 0)
        doc->error_time = parse_time(value);
    else if (strcmp(label, "In") == 0)
        parse_place(doc, value, arena);
    else if (strcmp(label, "Assertion") == 0)
        doc->exception_message = arena_printf(arena, "Assertion failed: %s", value);
    else if (strcmp(label, "Request") == 0)
        report->is_request = true;
}

/* "linstor-satellite 1.0.0: crashed" */
static void parse_title(struct error_report_doc *doc, const char *text, struct arena *arena)
{
    const char *end = strchr(text, '\n'), *blank = strchr(text, ' '), *colon = strstr(text, ": crashed\n");

    if (end && blank && colon && blank < colon && colon < end)
        doc->version = arena_strndup(arena, blank + 1, (size_t)(colon - blank - 1));
}

/* The head of a file, which is changed. What it does not tell is as a crash of the controller has it. */
static void parse_head(const struct reports *reports, struct error_report *report, struct error_report_doc *doc,
                       char *text, struct arena *arena)
{
    char *line = strchr(text, '\n');

    doc->node_name = arena_strdup(arena, "Controller");
    doc->module = arena_strdup(arena, "CONTROLLER");
    doc->version = arena_strdup(arena, reports->version);
    doc->exception = arena_strdup(arena, "Crash");
    parse_title(doc, text, arena);
    while (line && line[1] == '\n')
        line++;
    for (char *next; line; line = next) {
        char *label = line + 1, *colon = strchr(label, ':');

        next = strchr(label, '\n');
        if (next == label || !next)
            break;
        *next = '\0';
        if (!colon || colon > next)
            continue;
        *colon++ = '\0';
        take_label(report, doc, label, colon + strspn(colon, " "), arena);
        *next = '\n';
    }
}

static struct error_report *make_report(struct reports *reports, const char *name, char *head, int64_t bytes,
                                        int64_t otherwise_ms)
{
    struct error_report *report = memory_alloc(sizeof(*report));
    struct error_report_doc doc = { .filename = (char[NAME_MAX + 1]){ 0 } };
    struct arena arena = { 0 };
    uint32_t instance;

    (void)parse_name(name, &instance, report->id);
    snprintf(doc.filename, NAME_MAX + 1, "%s", name);
    report->bytes = bytes;
    parse_head(reports, report, &doc, head, &arena);
    if (doc.error_time == 0)
        doc.error_time = otherwise_ms;
    report->doc = field_duplicate(&error_report_doc_schema, &doc);
    arena_done(&arena);
    return report;
}

static void append(struct reports *reports, struct error_report *report)
{
    if (reports->count == reports->room) {
        reports->room = reports->room ? reports->room * 2 : 64;
        reports->at = memory_resize(reports->at, reports->room * sizeof(*reports->at));
    }
    reports->at[reports->count++] = report;
    reports->bytes += report->bytes;
    reports->request_count += report->is_request;
    report->serial = ++reports->serial;
}

static void free_report(struct error_report *report)
{
    free(report->doc);
    free(report);
}

static void remove_at(struct reports *reports, uint32_t index)
{
    struct error_report *report = reports->at[index];
    CLEANUP(memory_freep) char *path = memory_printf("%s/%s", reports->directory, report->doc->filename);

    if (unlink(path) != 0 && errno != ENOENT)
        log_warn("%s cannot be removed: %s", path, strerror(errno));
    reports->bytes -= report->bytes;
    reports->request_count -= report->is_request;
    memmove(&reports->at[index], &reports->at[index + 1], (--reports->count - index) * sizeof(*reports->at));
    free_report(report);
}

static void make_room(struct reports *reports, uint32_t more, int64_t more_bytes)
{
    while (reports->count > 0 &&
           (reports->count + more > REPORT_COUNT_LIMIT || reports->bytes + more_bytes > REPORT_BYTES_LIMIT)) {
        bool spares_others = reports->request_count > reports->count / 2;
        uint32_t oldest = 0;

        while (spares_others && !reports->at[oldest]->is_request)
            oldest++;
        remove_at(reports, oldest);
    }
}

static int compare(const void *a, const void *b)
{
    const struct error_report *left = *(struct error_report *const *)a, *right = *(struct error_report *const *)b;

    if (left->doc->error_time != right->doc->error_time)
        return left->doc->error_time < right->doc->error_time ? -1 : 1;
    return strcmp(left->id, right->id);
}

static void load_one(struct reports *reports, int directory, const char *name)
{
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    char head[HEAD_LIMIT + 1];
    struct stat about;
    ssize_t length;

    if (fd < 0)
        return;
    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && (length = pread(fd, head, HEAD_LIMIT, 0)) >= 0) {
        head[length] = '\0';
        append(reports, make_report(reports, name, head, about.st_size, (int64_t)about.st_mtim.tv_sec * 1000));
    }
    close(fd);
}

static int load(struct reports *reports)
{
    int error = text_make_directories(reports->directory, 0750);
    DIR *directory = error ? NULL : opendir(reports->directory);
    char id[REPORT_ID_SIZE];
    uint32_t instance;

    if (error || !directory)
        return error ? error : -errno;
    for (const struct dirent *entry; (entry = readdir(directory));) {
        if (!parse_name(entry->d_name, &instance, id))
            continue;
        if (instance >= reports->instance)
            reports->instance = instance + 1; /* a run within the same second, or a clock that was ahead */
        load_one(reports, dirfd(directory), entry->d_name);
    }
    closedir(directory);
    if (reports->count > 0)
        qsort(reports->at, reports->count, sizeof(*reports->at), compare);
    for (uint32_t i = 0; i < reports->count; i++)
        reports->at[i]->serial = i + 1;
    make_room(reports, 0, 0);
    return 0;
}

struct reports *reports_open(const char *directory, const char *version, int64_t now_ms)
{
    struct reports *reports = memory_alloc(sizeof(*reports));
    int error;

    reports->directory = memory_strdup(directory);
    reports->version = memory_strdup(version);
    reports->instance = (uint32_t)(now_ms / 1000);
    error = load(reports);
    reports->is_open = error == 0;
    reports->crash_name = make_name(reports->instance, CRASH_SEQUENCE);
    if (error)
        log_error("error reports cannot be kept in %s: %s", directory, strerror(-error));
    return reports;
}

void reports_free(struct reports *reports)
{
    if (!reports)
        return;
    for (uint32_t i = 0; i < reports->count; i++)
        free_report(reports->at[i]);
    free(reports->at);
    free(reports->crash_name);
    free(reports->version);
    free(reports->directory);
    free(reports);
}

/* One line, of bounded length. */
static void add_label(struct buf *out, const char *label, const char *value)
{
    size_t start = out->length + 12;

    if (!value || !*value)
        return;
    buf_printf(out, "%s:%*s%.*s", label, (int)(11 - strlen(label)), "", VALUE_LIMIT, value);
    for (size_t i = start; i < out->length; i++)
        if ((unsigned char)out->data[i] < ' ')
            out->data[i] = ' ';
    buf_add_char(out, '\n');
}

static void add_part(struct buf *out, const char *title, const char *text)
{
    if (!text || !*text)
        return;
    buf_printf(out, "\n%s:\n    ", title);
    for (const char *at = text; *at; at++) {
        buf_add_char(out, *at);
        if (*at == '\n')
            buf_add_text(out, "    ");
    }
    buf_add_char(out, '\n');
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static void write_report(const struct reports *reports, const struct error_report_entry *entry, const char *name,
                         struct buf *out)
{
    const char *message = entry->problem_count > 0 ? entry->problems[0].message : NULL;
    char stamp[TEXT_TIME_SIZE];
    CLEANUP(memory_freep) char *place = NULL;

    if (entry->file)
        place = memory_printf("%s, %s:%d", entry->function, file_name(entry->file), entry->line);
    text_format_time(entry->time_ms, stamp);
    buf_printf(out, "Error report %.*s\n\n", (int)(strlen(name) - strlen(PREFIX) - strlen(SUFFIX)),
               name + strlen(PREFIX));
    add_label(out, "Time", stamp);
    add_label(out, "Node", entry->node ? entry->node : "Controller");
    add_label(out, "Module", entry->module ? entry->module : "CONTROLLER");
    add_label(out, "Version", entry->version ? entry->version : reports->version);
    add_label(out, "Peer", entry->peer);
    add_label(out, "Request", entry->request);
    add_label(out, "Failure", entry->failure);
    add_label(out, "Reason", message);
    add_label(out, "In", place);
    for (uint32_t i = 0; i < entry->problem_count; i++) {
        const struct rc_doc *problem = &entry->problems[i];
        const char *code = rc_code_name(problem->ret_code);

        add_part(out, code ? code : "Problem", problem->message);
        add_part(out, "Cause", problem->cause);
        add_part(out, "Correction", problem->correction);
        add_part(out, "Details", problem->details);
    }
    if (entry->text)
        buf_printf(out, "\n%s\n", entry->text);
    if (out->length > REPORT_SIZE_LIMIT) {
        static const char cut[] = "\n[cut off]\n";

        out->length = REPORT_SIZE_LIMIT - strlen(cut);
        buf_add_text(out, cut);
    }
}

/* 0 or -errno; nothing is left behind then. */
static int store(const char *path, const struct buf *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640), error = 0;

    if (fd < 0)
        return -errno;
    for (size_t done = 0; done < text->length && !error;) {
        ssize_t written = write(fd, text->data + done, text->length - done);

        if (written >= 0)
            done += (size_t)written;
        else if (errno != EINTR)
            error = -errno;
    }
    close(fd);
    if (error)
        unlink(path);
    return error;
}

const char *reports_add(struct reports *reports, const struct error_report_entry *entry)
{
    CLEANUP(memory_freep) char *name = NULL;
    CLEANUP(memory_freep) char *path = NULL;
    struct buf text = { 0 };
    struct error_report *report;
    int error;

    if (!reports || !reports->is_open)
        return NULL;
    if (reports->sequence >= CRASH_SEQUENCE) {
        reports->instance++;
        reports->sequence = 0;
    }
    name = make_name(reports->instance, reports->sequence);
    path = memory_printf("%s/%s", reports->directory, name);
    write_report(reports, entry, name, &text);
    make_room(reports, 1, (int64_t)text.length);
    error = store(path, &text);
    if (error) {
        log_warn("error report %s cannot be written: %s", path, strerror(-error));
        buf_done(&text);
        return NULL;
    }
    reports->sequence++;
    report = make_report(reports, name, text.data, (int64_t)text.length, entry->time_ms);
    append(reports, report);
    buf_done(&text);
    return report->id;
}

const char *reports_add_crash(struct reports *reports, const char *node, const char *module, const char *text,
                              int64_t now_ms)
{
    struct error_report_doc doc = { 0 };
    struct error_report ignored = { 0 };
    struct arena arena = { 0 };
    struct rc_doc problem = { 0 };
    const char *id;

    if (!reports)
        return NULL;
    parse_head(reports, &ignored, &doc, arena_strndup(&arena, text, strnlen(text, HEAD_LIMIT)), &arena);
    problem.message = doc.exception_message ? doc.exception_message : doc.exception;
    id = reports_add(reports, &(struct error_report_entry){ .time_ms = doc.error_time ? doc.error_time : now_ms,
                                                            .node = node,
                                                            .module = module,
                                                            .version = doc.version,
                                                            .failure = "Crash",
                                                            .file = doc.origin_file,
                                                            .function = doc.origin_method,
                                                            .line = doc.origin_line.value,
                                                            .problems = &problem,
                                                            .problem_count = 1,
                                                            .text = text });
    arena_done(&arena);
    return id;
}

void reports_remove(struct reports *reports, const struct error_report *report)
{
    for (uint32_t i = 0; i < reports->count; i++) {
        if (reports->at[i] == report) {
            remove_at(reports, i);
            return;
        }
    }
}

uint32_t reports_count(const struct reports *reports)
{
    return reports ? reports->count : 0;
}

const struct error_report *reports_at(const struct reports *reports, uint32_t index)
{
    return reports->at[index];
}

const struct error_report *reports_after(const struct reports *reports, uint32_t serial)
{
    uint32_t low = 0, high = reports_count(reports);

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (reports->at[middle]->serial <= serial)
            low = middle + 1;
        else
            high = middle;
    }
    return low < reports_count(reports) ? reports->at[low] : NULL;
}

bool error_report_has_id(const struct error_report *report, const char *id)
{
    size_t length;

    if (text_starts_with(id, PREFIX))
        id += strlen(PREFIX);
    length = strlen(id);
    if (text_ends_with(id, SUFFIX))
        length -= strlen(SUFFIX);
    return strlen(report->id) == length && strncasecmp(report->id, id, length) == 0;
}

int reports_read(const struct reports *reports, const struct error_report *report, struct buf *text)
{
    CLEANUP(memory_freep) char *path = memory_printf("%s/%s", reports->directory, report->doc->filename);

    return text_read_file(path, REPORT_BYTES_LIMIT, text);
}

const char *reports_directory(const struct reports *reports)
{
    return reports->is_open ? reports->directory : NULL;
}

const char *reports_crash_name(const struct reports *reports)
{
    return reports->crash_name;
}
