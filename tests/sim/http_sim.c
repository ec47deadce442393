/* SPDX-License-Identifier: GPL-3.0-or-later */
/* In place of net/http.c: the server's functions, for calls that come from the workload. */
#include "http_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster.h"
#include "net/http.h"
#include "world.h"

enum { PATIENCE_MS = 200000 }; /* of clients: longer than any answer may take */

struct http_server {
    struct loop *loop;
    http_handler *handler;
    void *owner;
    int port;
    struct http_exchange *exchanges;
};

struct http_call {
    char *method, *target, *body;
    http_answered *answered;
    void *owner;
    struct http_exchange *exchange; /* NULL: not there yet, or over */
    struct event *patience;
    int incarnation; /* of the controller that saw it; 0: none has */
    int pending;     /* events that will touch it */
    bool is_told, is_lost, is_final;
};

struct http_exchange {
    struct http_exchange *next;
    struct http_server *server;
    struct http_call *call; /* NULL: the client has hung up */
    struct http_request request;
    int64_t since_ms;
    char what[160];
    int status;
    struct buf answer;
    bool (*produce)(void *owner, struct buf *out);
    void *produce_owner;
    struct event *producing;
    void (*gone)(void *owner);
    void *gone_owner;
};

struct answer {
    struct http_call *call;
    int status;
    char *body;
};

const struct http_limits http_default_limits;

static struct http_server *server; /* that listens now */

/* The client's side. */

static void later(struct http_call *call, int64_t after_ms, void (*happen)(void *owner))
{
    call->pending++;
    world_after(NULL, after_ms, happen, call);
}

static void tell(struct http_call *call, int status, const char *body)
{
    if (call->is_told)
        return;
    call->is_told = true;
    world_cancel(call->patience);
    call->patience = NULL;
    call->answered(call->owner, status, body);
}

static void answer_arrives(void *owner)
{
    struct answer *answer = owner;

    answer->call->pending--;
    tell(answer->call, answer->status, answer->body);
    free(answer->body);
    free(answer);
}

static int64_t delay_ms(void)
{
    return fault_is_on(FAULT_SLOW_NETWORK) && chance_one_in(8) ? chance_between(0, 3000) : chance_between(0, 2);
}

static void send_answer(struct http_call *call, int status, const char *body)
{
    struct answer *answer = memory_alloc(sizeof(*answer));

    call->exchange = NULL;
    call->is_final = true;
    answer->call = call;
    answer->status = status;
    answer->body = body ? memory_strdup(body) : NULL;
    if (body && fault_strikes(FAULT_CLIENT, 40)) {
        free(answer->body);
        answer->body = NULL;
        answer->status = 0;
    }
    call->pending++;
    world_after(NULL, delay_ms(), answer_arrives, answer);
}

static void free_exchange(struct http_exchange *exchange)
{
    struct http_exchange **link = &exchange->server->exchanges;

    while (*link != exchange)
        link = &(*link)->next;
    *link = exchange->next;
    world_cancel(exchange->producing);
    http_request_done(&exchange->request);
    buf_done(&exchange->answer);
    free(exchange);
}

/* Its client has hung up: as net/http.h has it, the exchange ends with on_gone, or without one when it is answered. */
static void hang_up(struct http_exchange *exchange)
{
    struct http_call *call = exchange->call;
    void (*gone)(void *owner) = exchange->gone;
    void *owner = exchange->gone_owner;

    call->exchange = NULL;
    exchange->call = NULL;
    if (!gone)
        return;
    free_exchange(exchange);
    gone(owner);
}

static void hang_up_event(void *owner)
{
    struct http_call *call = owner;

    call->pending--;
    if (!call->exchange)
        return;
    world.running = call->exchange->server->loop;
    hang_up(call->exchange);
}

static void patience_is_over(void *owner)
{
    struct http_call *call = owner;

    call->patience = NULL;
    if (call->exchange)
        later(call, delay_ms(), hang_up_event);
    else if (call->incarnation == 0 && chance_one_in(2))
        call->is_lost = true; /* what is on its way is taken back; otherwise it still arrives */
    tell(call, 0, NULL);
}

static struct http_exchange *new_exchange(struct http_call *call)
{
    struct http_exchange *exchange = memory_alloc(sizeof(*exchange));

    exchange->server = server;
    exchange->next = server->exchanges;
    server->exchanges = exchange;
    exchange->since_ms = world_now_ms();
    snprintf(exchange->what, sizeof(exchange->what), "%s %s", call->method, call->target);
    /* The request lives on when the client is gone. */
    buf_add(&exchange->request.text, call->method, strlen(call->method) + 1);
    buf_add(&exchange->request.text, call->target, strlen(call->target) + 1);
    exchange->request.method = exchange->request.text.data;
    exchange->request.target = exchange->request.text.data + strlen(call->method) + 1;
    exchange->request.minor = 1;
    if (call->body)
        buf_add_text(&exchange->request.body, call->body);
    exchange->call = call;
    call->exchange = exchange;
    return exchange;
}

static void arrive(void *owner)
{
    struct http_call *call = owner;

    call->pending--;
    if (call->is_lost || !server || fault_strikes(FAULT_CLIENT, 60)) {
        call->is_lost = true;
        tell(call, 0, NULL);
        return;
    }
    call->incarnation = cluster_incarnation();
    world.running = server->loop;
    server->handler(server->owner, new_exchange(call));
    if (call->is_told && call->exchange) /* it had hung up before */
        hang_up(call->exchange);
}

struct http_call *http_call_new(const char *method, const char *target, const char *body, http_answered *answered,
                                void *owner)
{
    struct http_call *call = memory_alloc(sizeof(*call));
    int64_t patience_ms = fault_strikes(FAULT_CLIENT, 10) ? chance_between(1, 20000) : PATIENCE_MS;

    call->method = memory_strdup(method);
    call->target = memory_strdup(target);
    call->body = body ? memory_strdup(body) : NULL;
    call->answered = answered;
    call->owner = owner;
    call->patience = world_after(NULL, patience_ms, patience_is_over, call);
    later(call, delay_ms(), arrive);
    return call;
}

bool http_call_is_over(const struct http_call *call)
{
    if (!call->is_told || call->pending > 0 || call->exchange)
        return false;
    if (call->incarnation == 0 || call->incarnation != cluster_incarnation())
        return true;
    return call->is_final || cluster_journal_is_idle();
}

void http_call_free(struct http_call *call)
{
    free(call->method);
    free(call->target);
    free(call->body);
    free(call);
}

static void connection_lost(void *owner)
{
    struct http_call *call = owner;

    call->pending--;
    tell(call, 0, NULL);
}

void http_process_died(void)
{
    if (!server)
        return;
    for (struct http_exchange *exchange = server->exchanges; exchange; exchange = exchange->next) {
        if (!exchange->call)
            continue;
        exchange->call->exchange = NULL;
        later(exchange->call, delay_ms(), connection_lost);
        exchange->call = NULL;
    }
    world_bury(server);
    server = NULL;
}

const char *http_find_forgotten(int64_t limit_ms)
{
    if (!server)
        return NULL;
    for (const struct http_exchange *exchange = server->exchanges; exchange; exchange = exchange->next)
        if (world_now_ms() - exchange->since_ms > limit_ms)
            return exchange->what;
    return NULL;
}

int http_count_open(void)
{
    int count = 0;

    for (const struct http_exchange *exchange = server ? server->exchanges : NULL; exchange; exchange = exchange->next)
        count++;
    return count;
}

/* The server's side. */

struct http_server *http_server_new(struct loop *loop, const char *address, int port, const struct http_limits *limits,
                                    http_handler *handler, void *owner, int *error)
{
    (void)address;
    (void)limits;
    *error = 0;
    server = memory_alloc(sizeof(*server));
    *server = (struct http_server){ .loop = loop, .handler = handler, .owner = owner, .port = port };
    return server;
}

void http_server_free(struct http_server *old)
{
    if (!old)
        return;
    if (server == old)
        server = NULL;
    while (old->exchanges) {
        struct http_exchange *exchange = old->exchanges;
        void (*gone)(void *owner) = exchange->gone;
        void *owner = exchange->gone_owner;

        if (exchange->call) {
            exchange->call->exchange = NULL;
            later(exchange->call, 0, connection_lost);
        }
        free_exchange(exchange);
        if (gone)
            gone(owner);
    }
    free(old);
}

int http_server_port(const struct http_server *which)
{
    return which->port;
}

size_t http_server_connections(const struct http_server *which)
{
    (void)which;
    return 0;
}

void http_server_set_error_body(struct http_server *which,
                                void (*error_body)(void *owner, int status, const char *what, struct buf *out))
{
    (void)which;
    (void)error_body;
}

const struct http_request *http_get_request(const struct http_exchange *exchange)
{
    return &exchange->request;
}

void http_wipe_body(struct http_exchange *exchange)
{
    buf_wipe(&exchange->request.body);
}

const char *http_peer(const struct http_exchange *exchange)
{
    return exchange->call ? "10.0.1.1:40000" : "";
}

void http_add_header(struct http_exchange *exchange, const char *name, const char *value)
{
    (void)exchange;
    (void)name;
    (void)value;
}

void http_respond(struct http_exchange *exchange, int status, const char *content_type, struct buf *take)
{
    (void)content_type;
    if (exchange->call)
        send_answer(exchange->call, status, buf_text(take));
    buf_done(take);
    free_exchange(exchange);
}

static void produce_more(void *owner)
{
    struct http_exchange *exchange = owner;

    exchange->producing = NULL;
    if (exchange->produce(exchange->produce_owner, &exchange->answer)) {
        exchange->producing = world_after(exchange->server->loop, chance_between(0, 2), produce_more, exchange);
        return;
    }
    if (exchange->call)
        send_answer(exchange->call, exchange->status, buf_text(&exchange->answer));
    free_exchange(exchange);
}

void http_respond_stream(struct http_exchange *exchange, int status, const char *content_type,
                         bool (*produce)(void *owner, struct buf *out), void *owner)
{
    (void)content_type;
    exchange->status = status;
    exchange->produce = produce;
    exchange->produce_owner = owner;
    exchange->producing = world_after(exchange->server->loop, 0, produce_more, exchange);
}

void http_stream_poke(struct http_exchange *exchange)
{
    (void)exchange; /* produce() is asked again in any case */
}

void http_on_gone(struct http_exchange *exchange, void (*fn)(void *owner), void *owner)
{
    exchange->gone = fn;
    exchange->gone_owner = owner;
}
