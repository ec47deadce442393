/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers for Prometheus. A family is a row: its name, what it walks (nothing, the children of the root, or theirs),
 * and the function that writes the samples of one object. The text is made in pieces; between two of them the model may
 * change, so a scrape remembers keys, like a listing. Nothing is counted for it but at the time of the scrape.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "api/version.h"
#include "base/text.h"
#include "model/layer.h"
#include "roles/controller/reports.h"
#include "roles/controller/routes.h"
#include "roles/controller/session.h"
#include "roles/controller/view.h"

/* LINSTOR: satellites of other makes have an exporter of DRBD's numbers there. */
enum { EXPORTER_PORT = 9942 };

struct family;
struct scrape {
    struct request *q;
    struct buf *out;
    const struct family *family; /* that is being written */
    char outer[OBJECT_KEY_SIZE], inner[OBJECT_KEY_SIZE];
    bool is_inside;
    int64_t used_us;
};

struct family {
    const char *name, *type, *help;
    enum kind_id outer, inner; /* KIND_NONE: not so deep */
    void (*write)(struct scrape *scrape, const struct object *object);
    const char *parameter;                           /* of the query: false leaves the family out */
    double (*number)(const struct service *service); /* instead of write(): one sample without labels */
};

static void add_label_value(struct buf *out, const char *value)
{
    for (; value && *value; value++) {
        if (*value == '\\' || *value == '"')
            buf_add_char(out, '\\');
        if (*value == '\n')
            buf_add_text(out, "\\n");
        else
            buf_add_char(out, *value);
    }
}

struct label {
    const char *name, *value;
};

static void add_sample(struct scrape *scrape, const struct label *labels, size_t count, double value)
{
    buf_add_text(scrape->out, scrape->family->name);
    for (size_t i = 0; i < count; i++) {
        buf_add_char(scrape->out, i == 0 ? '{' : ',');
        buf_printf(scrape->out, "%s=\"", labels[i].name);
        add_label_value(scrape->out, labels[i].value);
        buf_add_char(scrape->out, '"');
    }
    buf_printf(scrape->out, "%s %.15g\n", count > 0 ? "}" : "", value);
}

#define SAMPLE(scrape, value, ...)                                                                                     \
    add_sample((scrape), (const struct label[]){ __VA_ARGS__ },                                                        \
               sizeof((const struct label[]){ __VA_ARGS__ }) / sizeof(struct label), (double)(value))
#define NUMBER(scrape, value) add_sample((scrape), NULL, 0, (double)(value))

static void write_info(struct scrape *scrape, const struct object *object)
{
    char commit[PROGRAM_COMMIT_DIGITS + 1];

    (void)object;
    memcpy(commit, program_commit, PROGRAM_COMMIT_DIGITS);
    commit[PROGRAM_COMMIT_DIGITS] = '\0';
    SAMPLE(scrape, 1, { "version", PROGRAM_VERSION }, { "buildtime", program_commit + PROGRAM_COMMIT_DIGITS + 1 },
           { "gitid", commit });
}

/* LINSTOR: alerts compare these numbers. */
static int number_of_status(const char *status)
{
    static const char *const names[] = { "OFFLINE",          "CONNECTED",         "ONLINE",
                                         "VERSION_MISMATCH", "FULL_SYNC_FAILED",  "AUTHENTICATION_ERROR",
                                         "UNKNOWN",          "HOSTNAME_MISMATCH", "OTHER_CONTROLLER",
                                         "AUTHENTICATED",    "NO_STLT_CONN",      "MISSING_EXT_TOOLS",
                                         "DUPLICATE_UNAME" };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (strcmp(names[i], status) == 0)
            return (int)i;
    return 6;
}

static void sample_node(struct scrape *scrape, const struct object *object, double value)
{
    const struct node *node = (const struct node *)object;
    const struct net_interface *interface = session_interface(node);
    char type[16] = "", port[16] = "";

    snprintf(type, sizeof(type), "%s", enum_name(node_type_names, node->type));
    text_upper(type);
    if (interface)
        snprintf(port, sizeof(port), "%d", interface->satellite_port.value);
    SAMPLE(scrape, value, { "node", node->name }, { "nodetype", type },
           { "address", interface ? interface->address : "" }, { "port", port },
           { "encryption", interface ? interface->encryption : "" });
}

static void write_node_state(struct scrape *scrape, const struct object *object)
{
    sample_node(scrape, object, number_of_status(session_status((const struct node *)object)));
}

static void write_node_attempts(struct scrape *scrape, const struct object *object)
{
    sample_node(scrape, object, session_attempts((const struct node *)object));
}

static double count_definitions(const struct service *service)
{
    return (double)object_count(model_root(&service->model), KIND_RESOURCE_DEFINITION);
}

static void write_resource_count(struct scrape *scrape, const struct object *object)
{
    const struct resource_definition *definition = (const struct resource_definition *)object;

    SAMPLE(scrape, object_count(object, KIND_RESOURCE), { "name", definition->name },
           { "resource_group", definition->resource_group });
}

static void write_volume_size(struct scrape *scrape, const struct object *object)
{
    const struct volume_definition *volume = (const struct volume_definition *)object;
    const struct resource_definition *definition = (const struct resource_definition *)object->parent[0];
    char number[16];

    snprintf(number, sizeof(number), "%d", volume->number);
    SAMPLE(scrape, (double)volume->size_kib * 1024, { "name", definition->name }, { "volume_number", number },
           { "resource_group", definition->resource_group });
}

/* LINSTOR: which role a resource has is known only where DRBD is in its stack; elsewhere it is unknown. */
static void write_resource_state(struct scrape *scrape, const struct object *object)
{
    const struct resource *resource = (const struct resource *)object;

    SAMPLE(scrape, -1, { "node", resource_node(resource)->name }, { "name", resource_definition_of(resource)->name });
}

static void sample_volume(struct scrape *scrape, const struct resource *resource, const struct volume *volume,
                          const struct volume_fact *fact, double value)
{
    char number[16];

    snprintf(number, sizeof(number), "%d", volume->number);
    SAMPLE(scrape, value, { "resource", resource_definition_of(resource)->name },
           { "node", resource_node(resource)->name }, { "volume", number },
           { "device_path", fact ? fact->device_path : NULL }, { "storage_pool", volume->storage_pool });
}

/* LINSTOR: the names are those of disk_state, the numbers the reference's. */
static const struct {
    const char *state;
    int number;
} volume_states[] = {
    { "UpToDate", 1 }, { "Created", 2 },      { "Attached", 3 },       { "Diskless", 4 },      { "Inconsistent", 5 },
    { "Failed", 6 },   { "To: Creating", 7 }, { "To: Attachable", 8 }, { "To: Attaching", 9 },
};

static int number_of_volume_state(const struct resource *resource, const struct volume_fact *fact)
{
    if (!session_is_online(resource_node(resource)))
        return -1;
    if (resource->fact && resource->fact->trouble)
        return 6;
    if (!fact || !fact->state)
        return -1;
    if (text_equal_fold(fact->state, "Creating"))
        return 7;
    if (text_equal_fold(fact->state, "Diskless") && !(resource->object.flags & RESOURCE_DISKLESS))
        return 90; /* it should have a disk */
    for (size_t i = 0; i < ARRAY_SIZE(volume_states); i++)
        if (text_equal_fold(fact->state, volume_states[i].state))
            return volume_states[i].number;
    return -1;
}

static void write_volume_state(struct scrape *scrape, const struct object *object)
{
    const struct resource *resource = (const struct resource *)object;

    for (uint32_t i = 0; i < resource->volumes.count; i++) {
        const struct volume *volume = &resource->volumes.at[i];
        const struct volume_fact *fact = view_find_fact(resource, volume->number);

        sample_volume(scrape, resource, volume, fact, number_of_volume_state(resource, fact));
    }
}

static void write_volume_allocated(struct scrape *scrape, const struct object *object)
{
    const struct resource *resource = (const struct resource *)object;

    for (uint32_t i = 0; i < resource->volumes.count; i++) {
        const struct volume *volume = &resource->volumes.at[i];
        const struct volume_fact *fact = view_find_fact(resource, volume->number);

        if (fact && fact->allocated_kib >= 0)
            sample_volume(scrape, resource, volume, fact, (double)fact->allocated_kib * 1024);
    }
}

static void sample_pool(struct scrape *scrape, const struct object *object, double value)
{
    const struct storage_pool *pool = (const struct storage_pool *)object;

    SAMPLE(scrape, value, { "storage_pool", storage_pool_name(pool) }, { "node", storage_pool_node(pool)->name },
           { "driver", pool->provider }, { "backing_pool", text_map_find(&object->props, PROVIDER_POOL_PROPERTY) });
}

static void write_pool_free(struct scrape *scrape, const struct object *object)
{
    const struct pool_fact *fact = ((const struct storage_pool *)object)->fact;

    if (fact && fact->free_kib.has)
        sample_pool(scrape, object, (double)fact->free_kib.value * 1024);
}

static void write_pool_total(struct scrape *scrape, const struct object *object)
{
    const struct pool_fact *fact = ((const struct storage_pool *)object)->fact;

    if (fact && fact->total_kib.has)
        sample_pool(scrape, object, (double)fact->total_kib.value * 1024);
}

static void write_pool_errors(struct scrape *scrape, const struct object *object)
{
    const struct pool_fact *fact = ((const struct storage_pool *)object)->fact;

    sample_pool(scrape, object, fact && fact->trouble ? 1 : 0);
}

/* The total, and one sample for each pair of node and module. */
static void write_reports(struct scrape *scrape, const struct object *object)
{
    const struct reports *reports = scrape->q->service->reports;
    struct arena arena = { 0 };
    LIST_OF(struct origin {
        const struct error_report_doc *doc;
        uint32_t count;
    })
    origins = { 0 };

    (void)object;
    NUMBER(scrape, reports_count(reports));
    for (uint32_t i = 0; i < reports_count(reports); i++) {
        const struct error_report_doc *doc = reports_at(reports, i)->doc;
        uint32_t known = 0;

        while (known < origins.count && (strcmp(origins.at[known].doc->node_name, doc->node_name) != 0 ||
                                         strcmp(origins.at[known].doc->module, doc->module) != 0))
            known++;
        if (known == origins.count)
            LIST_ADD(&origins, &arena)->doc = doc;
        origins.at[known].count++;
    }
    for (uint32_t i = 0; i < origins.count; i++)
        SAMPLE(scrape, origins.at[i].count, { "hostname", origins.at[i].doc->node_name },
               { "module", origins.at[i].doc->module });
    arena_done(&arena);
}

static double count_scrapes(const struct service *service)
{
    return (double)service->counts.scrapes;
}

static double count_scrape_time(const struct service *service)
{
    return (double)service->counts.scrape_us / 1e6;
}

static double count_requests(const struct service *service)
{
    return (double)service->counts.requests;
}

static double count_waited(const struct service *service)
{
    return (double)service->counts.parked;
}

static double count_generation(const struct service *service)
{
    return (double)service->model.generation;
}

static double count_durable(const struct service *service)
{
    return (double)journal_durable(service->journal);
}

static double count_store_writes(const struct service *service)
{
    return (double)journal_counts(service->journal)->writes;
}

static double count_store_failures(const struct service *service)
{
    return (double)journal_counts(service->journal)->failures;
}

static double count_store_time(const struct service *service)
{
    return (double)journal_counts(service->journal)->write_us / 1e6;
}

static double count_start(const struct service *service)
{
    return (double)service->counts.started_ms / 1000;
}

static double count_processor_time(const struct service *service)
{
    struct rusage usage = { 0 };

    (void)service;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double count_memory(const struct service *service)
{
    struct buf text = { 0 };
    int64_t pages = 0;

    (void)service;
    if (text_read_file("/proc/self/statm", 4096, &text) != 0 || sscanf(buf_text(&text), "%*d %" SCNd64, &pages) != 1)
        pages = 0;
    buf_done(&text);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* clang-format off */
static const struct family families[] = {
    { "linstor_info", "gauge", "Version of the controller.", KIND_NONE, KIND_NONE, write_info, NULL },
    { "linstor_node_state", "gauge", "Connection: 0=OFFLINE 1=CONNECTED 2=ONLINE 3=VERSION_MISMATCH 4=FULL_SYNC_FAILED 5=AUTHENTICATION_ERROR "
      "6=UNKNOWN 7=HOSTNAME_MISMATCH 8=OTHER_CONTROLLER 9=AUTHENTICATED 10=NO_STLT_CONN 11=MISSING_EXT_TOOLS 12=DUPLICATE_UNAME.",
      KIND_NODE, KIND_NONE, write_node_state, NULL },
    { "linstor_node_reconnect_attempt_count", "gauge", "Failed attempts to connect since the last connection.",
      KIND_NODE, KIND_NONE, write_node_attempts, NULL },
    { "linstor_resource_definition_count", "gauge", "Number of resource definitions.", .number = count_definitions },
    { "linstor_resource_definition_resource_count", "gauge", "Number of resources of a resource definition.",
      KIND_RESOURCE_DEFINITION, KIND_NONE, write_resource_count, "resource" },
    { "linstor_volume_definition_size_bytes", "gauge", "Size of a volume as users see it.",
      KIND_RESOURCE_DEFINITION, KIND_VOLUME_DEFINITION, write_volume_size, "resource" },
    { "linstor_resource_state", "gauge", "Role: -1=unknown 0=secondary 1=primary.",
      KIND_RESOURCE_DEFINITION, KIND_RESOURCE, write_resource_state, "resource" },
    { "linstor_volume_state", "gauge", "State: -1=unknown 1=UpToDate 2=Created 3=Attached 4=Diskless 5=Inconsistent 6=Failed "
      "7=To: Creating 8=To: Attachable 9=To: Attaching 90=Diskless, and should have a disk.",
      KIND_RESOURCE_DEFINITION, KIND_RESOURCE, write_volume_state, "resource" },
    { "linstor_volume_allocated_size_bytes", "gauge", "Space that a volume takes in its storage pool.",
      KIND_RESOURCE_DEFINITION, KIND_RESOURCE, write_volume_allocated, "resource" },
    { "linstor_storage_pool_capacity_free_bytes", "gauge", "Free space of a storage pool.",
      KIND_NODE, KIND_STORAGE_POOL, write_pool_free, "storage_pools" },
    { "linstor_storage_pool_capacity_total_bytes", "gauge", "All space of a storage pool.",
      KIND_NODE, KIND_STORAGE_POOL, write_pool_total, "storage_pools" },
    { "linstor_storage_pool_error_count", "gauge", "Errors that a storage pool has now.",
      KIND_NODE, KIND_STORAGE_POOL, write_pool_errors, "storage_pools" },
    { "linstor_error_reports_count", "gauge", "Error reports that are kept, all and by origin.", KIND_NONE, KIND_NONE, write_reports, "error_reports" },
    { "linstor_scrape_requests_count", "counter", "Requests for these numbers.", .number = count_scrapes },
    { "linstor_scrape_duration_seconds", "gauge", "Time that the last complete one took.", .number = count_scrape_time },
    { "linstor_requests_count", "counter", "REST requests.", .number = count_requests },
    { "linstor_requests_waited_count", "counter", "REST requests that waited for the store or for satellites.",
      .number = count_waited },
    { "linstor_store_generation", "gauge", "Number of the last change.", .number = count_generation },
    { "linstor_store_durable_generation", "gauge", "Number of the last change that is on disk.", .number = count_durable },
    { "linstor_store_writes_count", "counter", "Groups of changes that were written.", .number = count_store_writes },
    { "linstor_store_write_failures_count", "counter", "Groups of changes that could not be written and were undone.",
      .number = count_store_failures },
    { "linstor_store_write_seconds_total", "counter", "Time that all writes took.", .number = count_store_time },
    { "process_start_time_seconds", "gauge", "Start of the controller, since 1970.", .number = count_start },
    { "process_cpu_seconds_total", "counter", "Processor time of the controller.", .number = count_processor_time },
    { "process_resident_memory_bytes", "gauge", "Memory of the controller.", .number = count_memory },
};
/* clang-format on */

/* The first child of the outer object at hand, or of one that follows. */
static const struct object *next_inner(struct scrape *scrape, const struct object *root)
{
    const struct family *family = scrape->family;
    const struct object *outer = scrape->is_inside ? object_find(root, family->outer, scrape->outer) : NULL, *inner;

    if (!outer)
        outer = object_after(root, family->outer, scrape->outer[0] ? scrape->outer : NULL);
    for (; outer; outer = object_next(outer, root)) {
        const char *key = object_key_in(outer, root);

        if (strcmp(scrape->outer, key) != 0)
            scrape->inner[0] = '\0';
        strcpy(scrape->outer, key);
        scrape->is_inside = true;
        inner = object_after(outer, family->inner, scrape->inner[0] ? scrape->inner : NULL);
        if (inner) {
            strcpy(scrape->inner, object_key_in(inner, outer));
            return inner;
        }
    }
    return NULL;
}

static const struct object *next_object(struct scrape *scrape)
{
    const struct object *root = model_root(scrape->q->model), *object = NULL;
    const struct family *family = scrape->family;

    if (!family->number && family->inner != KIND_NONE)
        return next_inner(scrape, root);
    if (!family->number && family->outer != KIND_NONE) {
        object = object_after(root, family->outer, scrape->outer[0] ? scrape->outer : NULL);
        if (object)
            strcpy(scrape->outer, object_key_in(object, root));
    } else if (!scrape->is_inside) {
        scrape->is_inside = true;
        object = root;
    }
    return object;
}

static void begin_family(struct scrape *scrape, const struct family *family)
{
    while (family < families + ARRAY_SIZE(families) && family->parameter &&
           !request_query_bool(scrape->q, family->parameter, true))
        family++;
    scrape->family = family;
    scrape->outer[0] = scrape->inner[0] = '\0';
    scrape->is_inside = false;
    if (family < families + ARRAY_SIZE(families))
        buf_printf(scrape->out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name, family->type);
}

/* Only told, never used; the loop's clock stands still meanwhile. */
static int64_t clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool produce(struct request *q, struct buf *out)
{
    struct scrape *scrape = q->producer;
    int64_t start = clock_us();
    bool is_more;

    scrape->out = out;
    if (!scrape->family)
        begin_family(scrape, families);
    for (int looks = 0; (is_more = scrape->family < families + ARRAY_SIZE(families)) && looks < REQUEST_PIECE_LOOKS &&
                        out->length < REQUEST_PIECE_BYTES;
         looks++) {
        const struct object *object = next_object(scrape);

        if (object && scrape->family->number)
            NUMBER(scrape, scrape->family->number(q->service));
        else if (object)
            scrape->family->write(scrape, object);
        else
            begin_family(scrape, scrape->family + 1);
    }
    scrape->used_us += clock_us() - start;
    if (!is_more)
        q->service->counts.scrape_us = scrape->used_us;
    return is_more;
}

static int show_metrics(struct request *q)
{
    struct scrape *scrape = arena_alloc(&q->arena, sizeof(*scrape));

    q->service->counts.scrapes++;
    scrape->q = q;
    q->producer = scrape;
    return request_reply_pieces(q, "text/plain; version=0.0.4", produce);
}

static int show_targets(struct request *q)
{
    struct buf text = { 0 };
    struct json_writer writer = { .out = &text };

    json_begin(&writer, '[');
    json_begin(&writer, '{');
    json_key(&writer, "targets");
    json_begin(&writer, '[');
    model_for_each(node, node, q->model, KIND_NODE)
    {
        const struct net_interface *interface = session_interface(node);
        bool is_v6 = interface && strchr(interface->address, ':');

        if (interface && (node->type == NODE_SATELLITE || node->type == NODE_COMBINED))
            json_text(&writer, rc_text(&q->rc, "%s%s%s:%d", is_v6 ? "[" : "", interface->address, is_v6 ? "]" : "",
                                       EXPORTER_PORT));
    }
    json_end(&writer, ']');
    json_end(&writer, '}');
    json_end(&writer, ']');
    return request_reply_text(q, "application/json", &text);
}

/* clang-format off */
const struct route metrics_routes[] = {
    { "GET", "/metrics",               show_metrics, 0, NULL, 200, 0 },
    { "GET", "/metrics/scrape-target", show_targets, 0, NULL, 200, 0 },
    { 0 },
};
