/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/controller/service.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "roles/controller/defaults.h"
#include "roles/controller/finish.h"
#include "roles/controller/reports.h"
#include "roles/controller/request.h"
#include "roles/controller/session.h"
#include "roles/controller/vault.h"
#include "roles/controller/wants.h"

LOG_DOMAIN("controller");

enum { TRIM_AFTER_OBJECTS = 1000 };

/* Where minor numbers are taken from; what is taken already stays. */
static void take_ranges(struct service *service)
{
    model_set_minor_range(&service->model, text_map_find(&service->model.controller->object.props, "MinorNrAutoRange"));
}

static void note_node(struct service *service, const struct node *node, uint64_t generation)
{
    struct notes *notes = &service->dirty_nodes;

    *LIST_ADD(&notes->list, &notes->arena) = (struct note){
        .node = arena_strdup(&notes->arena, node->name),
        .generation = generation,
    };
}

static void on_change(void *owner, const struct change *change, uint64_t generation, bool is_undo)
{
    struct service *service = owner;
    const struct object *object = change->object;
    enum kind_id kind = object->kind->id;
    bool vanishes = change->kind == (is_undo ? CHANGE_NEW : CHANGE_DELETE);

    wants_note_change(service, change, is_undo);
    service->vanished += vanishes;
    service->has_news |= kind == KIND_RESOURCE || kind == KIND_STORAGE_POOL || kind == KIND_NODE;
    if (is_undo)
        finish_note_undo(service, object);
    else if (kind == KIND_RESOURCE && vanishes)
        finish_note(service, (const struct resource *)object);
    if (kind == KIND_NODE && vanishes) {
        session_end((const struct node *)object);
    } else if (kind == KIND_NODE || kind == KIND_NET_INTERFACE) {
        const struct object *node = kind == KIND_NODE ? object : object->parent[0];

        note_node(service, (const struct node *)node, is_undo ? 0 : generation);
    } else if (kind == KIND_STORAGE_POOL && vanishes) {
        session_forget_pool(storage_pool_node((const struct storage_pool *)object));
    } else if (kind == KIND_CONTROLLER) {
        take_ranges(service);
    }
}

static void on_durable(void *owner, uint64_t generation)
{
    struct service *service = owner;

    (void)generation;
    if (service->disk_trouble)
        log_info("the store can be written again");
    free(service->disk_trouble);
    service->disk_trouble = NULL;
}

static void on_failed(void *owner, const char *why)
{
    struct service *service = owner;

    free(service->disk_trouble);
    service->disk_trouble = memory_strdup(why);
    parked_fail(service, why);
    vault_fail(service);
}

/* The same is found at every start. */
static bool was_reported(const struct reports *reports, const char *message)
{
    for (uint32_t i = 0; reports && i < reports_count(reports); i++) {
        const char *known = reports_at(reports, i)->doc->exception_message;

        if (known && strcmp(known, message) == 0)
            return true;
    }
    return false;
}

static void on_unreadable(void *owner, const char *table, const char *key, const char *why)
{
    struct service *service = owner;
    CLEANUP(memory_freep)
    char *message = memory_printf("The stored record '%s' of '%s' could not be read and is left as it is.", key, table);
    CLEANUP(memory_freep) char *cause = memory_strdup(why);
    const struct rc_doc problem = {
        .message = message,
        .cause = cause,
        .details = (char[]){ "What it describes does not exist for the controller; satellites keep what they have of "
                             "it. The rest is not affected. It is tried again at every start." },
        .correction = (char[]){ "Repair the record, or put it aside: see --unreadable in linstor-controller(8)." },
    };

    if (was_reported(service->reports, message))
        return;
    (void)reports_add(service->reports, &(struct error_report_entry){ .time_ms = loop_wall_ms(service->loop),
                                                                      .failure = "RecordUnreadable",
                                                                      .problems = &problem,
                                                                      .problem_count = 1 });
}

static const struct journal_events journal_events = {
    .on_change = on_change,
    .on_durable = on_durable,
    .on_failed = on_failed,
    .on_unreadable = on_unreadable,
};

/* Connections follow the stored nodes. */
static void nodes_turn(struct service *service)
{
    uint64_t durable = journal_durable(service->journal);
    struct notes dirty = service->dirty_nodes;

    if (dirty.list.count == 0)
        return;
    service->dirty_nodes = (struct notes){ 0 };
    for (uint32_t i = 0; i < dirty.list.count; i++) {
        const struct node *node = model_find_node(&service->model, dirty.list.at[i].node);
        uint64_t generation = node ? node->object.generation : 0;

        if (dirty.list.at[i].generation > generation)
            generation = dirty.list.at[i].generation;
        if (!node)
            continue;
        if (generation > durable) {
            note_node(service, node, generation);
            continue;
        }
        session_update(service, node);
        service->has_news = true;
    }
    arena_done(&dirty.arena);
}

/* Also when the first attempt to store them failed, or failed in an earlier run while others succeeded. */
static void defaults_turn(struct service *service)
{
    if (defaults_are_made(&service->model) || !journal_is_idle(service->journal) ||
        (service->disk_trouble && !service->may_try_disk))
        return;
    service->may_try_disk = false;
    defaults_make(&service->model);
}

static void turn(void *owner)
{
    struct service *service = owner;

    defaults_turn(service);
    vault_turn(service);
    finish_turn(service);
    nodes_turn(service);
    wants_turn(service);
    parked_turn(service);
    if (service->is_stopping && journal_is_idle(service->journal))
        loop_stop(service->loop);
}

/* The allocator keeps what was freed between objects that stay. After many have gone, and when no more go, the kernel
 * gets it back: this takes milliseconds, so it is not done for a few. */
static void trim_memory(struct service *service)
{
    bool is_quiet = service->vanished == service->vanished_before;

    service->vanished_before = service->vanished;
    if (service->vanished < TRIM_AFTER_OBJECTS || !is_quiet || !journal_is_idle(service->journal))
        return;
    service->vanished = service->vanished_before = 0;
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

static void tick(void *owner)
{
    struct service *service = owner;

    trim_memory(service);
    service->may_try_disk = true;
    if (!STAILQ_EMPTY(&service->settling) || service->disk_trouble) /* deadlines; what could not be stored */
        service_tell_news(service);
}

struct store *service_open_store(struct loop *loop, const char *data_directory)
{
    CLEANUP(memory_freep) char *directory = memory_printf("%s/store", data_directory);
    char why[512];
    struct store *store = store_lmdb_open(loop, directory, journal_tables(), JOURNAL_TABLE_COUNT, why, sizeof(why));

    if (!store)
        log_error("%s", why);
    return store;
}

static int load(struct service *service, struct store *store)
{
    char why[512];

    model_init(&service->model);
    if (!store)
        return -1;
    if (journal_open(&service->journal, service->loop, &service->model, store, &journal_events, service, why,
                     sizeof(why)) != 0) {
        log_error("%s", why);
        return -1;
    }
    take_ranges(service);
    finish_start(service);
    return 0;
}

/* What the HTTP server refuses itself looks like any other refusal. */
static void error_body(void *owner, int status, const char *what, struct buf *out)
{
    const struct service *service = owner;
    struct arena arena = { 0 };
    struct rc rc = { .arena = &arena, .now_ms = loop_wall_ms(service->loop) };

    rc_add(&rc, status == 405 ? FAIL_UNKNOWN_ERROR : FAIL_INVLD_REQUEST, .message = what,
           .details = "The request was refused before it was read completely.");
    request_encode_rc(&rc, out);
    arena_done(&arena);
}

/* Nothing legitimate is larger, and what is read must be looked at within one turn. */
enum { BODY_LIMIT = 4 * 1024 * 1024 };

int service_init(struct service *service, struct loop *loop, struct store *store, struct reports *reports,
                 const char *data_directory, const char *listen_address, int listen_port)
{
    struct http_limits limits = http_default_limits;
    int error;

    *service = (struct service){ .loop = loop, .reports = reports, .counts.started_ms = loop_wall_ms(loop) };
    service->data_directory = memory_strdup(data_directory);
    service->listen_address = memory_strdup(listen_address);
    STAILQ_INIT(&service->undurable);
    STAILQ_INIT(&service->settling);
    STAILQ_INIT(&service->spare);
    service->boot = memory_alloc(TEXT_UUID_SIZE);
    text_make_uuid(service->boot);
    loop_on_turn(loop, turn, service);
    if (load(service, store) != 0)
        return -1;
    vault_init(service);
    service->tick = timer_new(loop, tick, service);
    timer_start(service->tick, 1000, 1000);
    limits.parse.body_bytes = BODY_LIMIT;
    service->http = http_server_new(loop, listen_address, listen_port, &limits, request_received, service, &error);
    if (!service->http) {
        log_error("REST cannot listen on %s port %d: %s", listen_address, listen_port, strerror(-error));
        return -1;
    }
    http_server_set_error_body(service->http, error_body);
    service->listen_port = http_server_port(service->http);
    model_for_each(node, node, &service->model, KIND_NODE) note_node(service, node, 0);
    loop_mark_dirty(loop);
    log_info("REST listens on %s port %d", listen_address, service->listen_port);
    return 0;
}

void service_stop(struct service *service)
{
    service->is_stopping = true;
    loop_mark_dirty(service->loop);
}

void service_done(struct service *service)
{
    http_server_free(service->http);
    requests_free(service);
    if (service->journal) {
        model_for_each(node, node, &service->model, KIND_NODE) session_end(node);
        journal_close(service->journal);
    }
    vault_done(service);
    model_done(&service->model);
    timer_free(service->tick);
    arena_done(&service->finished_arena);
    arena_done(&service->removed_pools.arena);
    arena_done(&service->dirty_pools.arena);
    arena_done(&service->dirty_nodes.arena);
    free(service->dirty);
    free(service->disk_trouble);
    free(service->boot);
    free(service->listen_address);
    free(service->data_directory);
}
