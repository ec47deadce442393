/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/controller/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/version.h"
#include "base/log.h"
#include "base/text.h"
#include "model/runtime.h"
#include "roles/controller/arriving.h"
#include "roles/controller/crash_names.h"
#include "roles/controller/device_answers.h"
#include "roles/controller/note.h"
#include "roles/controller/reports.h"
#include "roles/controller/vault.h"
#include "roles/controller/wants.h"

LOG_DOMAIN("session");

struct session {
    struct service *service;
    char *node;    /* key */
    char *address; /* that is dialled */
    int port;
    struct link *link;
    struct link_hello *hello;  /* the satellite's, one block */
    bool is_synchronised;      /* it was told what it should have ... */
    bool is_online;            /* ... and answered after that */
    char *trouble;             /* why it is not online, as the satellite or its messages told; NULL: nothing did */
    const char *trouble_state; /* what that is called: a word of the states of connections */
    bool is_refused;           /* the connection that ends now has told the trouble */
    int64_t online_token, refreshed;
    struct report *orphans; /* one block */
    struct outbox *outbox;
    struct crash_names crashes;
    struct arriving arriving; /* in this connection ... */
    bool has_complained;      /* ... as well */
    struct device_answers answers;
    char *told_key; /* in this connection: the id of the master key; NULL: none */
};

static struct session *session_of(const struct node *node)
{
    return node->runtime;
}

static const struct node *node_of(const struct session *session)
{
    return model_find_node(&session->service->model, session->node);
}

/* As it was created; for logs. */
static const char *name_of(const struct session *session)
{
    const struct node *node = node_of(session);

    return node ? node->name : session->node;
}

const struct net_interface *session_interface(const struct node *node)
{
    const char *wanted = text_map_find(&node->object.props, "CurStltConnName");
    const struct net_interface *best = wanted ? model_find_net_interface(node, wanted) : NULL;

    if (best && best->satellite_port.has && best->encryption)
        return best;
    child_for_each (net_interface, interface, &node->object, KIND_NET_INTERFACE)
        if (interface->satellite_port.has && interface->encryption)
            return interface;
    return NULL;
}

/* Words of others are not shown as states. */
static const char *state_of_refusal(const char *as)
{
    static const char *const words[] = { LINK_REFUSED_NAME, LINK_REFUSED_VERSION, LINK_REFUSED_OTHER };

    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strcmp(words[i], as) == 0)
            return words[i];
    return LINK_REFUSED_OTHER;
}

/* Told once, however often it happens. */
static void set_trouble(struct session *session, const char *state, const char *why)
{
    session->is_refused = true;
    if (session->trouble && strcmp(session->trouble, why) == 0)
        return;
    log_warn("node %s cannot be worked with: %s", name_of(session), why);
    free(session->trouble);
    session->trouble = memory_strdup(why);
    session->trouble_state = state;
    service_tell_news(session->service);
}

static void forget_trouble(struct session *session)
{
    free(session->trouble);
    session->trouble = NULL;
}

/* Of what could come again and again: logged once in a connection. */
static void complain(struct session *session, const char *what, const char *why)
{
    if (!session->has_complained)
        log_error("node %s: %s: %s", name_of(session), what, why);
    else
        log_debug("node %s: %s: %s", name_of(session), what, why);
    session->has_complained = true;
}

static void on_refused(void *owner, const char *as, const char *reason)
{
    set_trouble(owner, state_of_refusal(as), reason);
}

static void on_unreadable(void *owner, const char *why)
{
    CLEANUP(memory_freep) char *text = memory_printf("what the satellite tells cannot be read: %s", why);

    set_trouble(owner, "FULL_SYNC_FAILED", text);
}

static void fail_sync(struct session *session, const char *why)
{
    on_unreadable(session, why);
    link_fail(session->link, why);
}

enum { UNAME_LENGTH = 64 };

static bool is_uname(const char *text)
{
    size_t length = text ? strlen(text) : 0;

    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return length > 0 && length <= UNAME_LENGTH;
}

/* What the machine calls itself is shown with the node. */
static void note_uname(struct session *session, const char *uname)
{
    const struct node *node = node_of(session);
    const char *noted = node ? text_map_find(&node->object.props, "NodeUname") : NULL;
    struct txn *txn;

    if (!node || !uname || (noted && strcmp(noted, uname) == 0))
        return;
    txn = txn_begin(&session->service->model);
    text_map_set(&((struct node *)txn_edit(txn, node))->object.props, "NodeUname", uname, txn_arena(txn));
    txn_commit(txn);
}

static void forget_told_key(struct session *session)
{
    free(session->told_key);
    session->told_key = NULL;
}

static void on_up(void *owner, const struct link_hello *peer, int protocol)
{
    struct session *session = owner;

    arriving_forget(&session->arriving);
    session->has_complained = false;
    crash_names_reconnect(&session->crashes);
    forget_told_key(session);
    free(session->hello);
    session->hello = field_duplicate(&link_hello_schema, peer);
    if (!is_uname(session->hello->uname))
        session->hello->uname = NULL;
    note_uname(session, session->hello->uname);
    log_info("node %s is connected at %s port %d, version %s, protocol %d", name_of(session), session->address,
             session->port, peer->version ? peer->version : "?", protocol);
    service_tell_news(session->service);
}

static void on_down(void *owner, const char *why)
{
    struct session *session = owner;

    if (session->is_online)
        log_warn("node %s is disconnected: %s", name_of(session), why);
    else
        log_debug("node %s cannot be reached: %s", name_of(session), why);
    if (!session->is_refused)
        forget_trouble(session);
    session->is_refused = false;
    session->is_synchronised = session->is_online = false;
    arriving_forget(&session->arriving);
    session->has_complained = false;
    service_tell_news(session->service);
}

static void synchronise(struct session *session, const struct node *node)
{
    struct refresh refresh = { .token = ++session->service->next_token };

    session->is_synchronised = true;
    session->online_token = refresh.token;
    session_send_key(node);
    wants_synchronise(session->service, node, &session->arriving.held);
    arriving_forget_held(&session->arriving);
    service_tell_news(session->service);
    link_send(session->link, "refresh", &refresh_schema, &refresh);
}

static void receive_held(struct session *session, const struct link_body *body)
{
    const struct node *node = node_of(session);
    struct field_error error;

    if (!node)
        return;
    if (session->is_synchronised)
        fail_sync(session, "it was complete before");
    else if (arriving_take_held(&session->arriving, body, &error) != 0)
        fail_sync(session, error.message);
    else if (session->arriving.held.complete)
        synchronise(session, node);
}

/* Only what lies in pools that the node has here, too: by them orphans are found and removed. */
static void keep_orphans(struct session *session, const struct node *node, const struct report *report)
{
    struct report only = { .orphans_complete = report->orphans_complete };
    struct arena arena = { 0 };

    for (uint32_t i = 0; i < report->orphans.count; i++)
        if (model_find_pool(node, report->orphans.at[i].pool))
            *LIST_ADD(&only.orphans, &arena) = report->orphans.at[i];
    free(session->orphans);
    session->orphans = field_duplicate(&report_schema, &only);
    arena_done(&arena);
}

static void receive_orphans(struct session *session, const struct node *node, const struct report *part)
{
    struct arriving *arriving = &session->arriving;
    uint32_t before = session->orphans ? session->orphans->orphans.count : 0;

    arriving->orphans.orphans_complete = arriving_take_orphans(arriving, part);
    if (!arriving->orphans.orphans_complete)
        complain(session, "not all volumes that nobody wants can be listed", "there are too many");
    if (!part->orphans_complete)
        return;
    keep_orphans(session, node, &arriving->orphans);
    arriving_forget_orphans(arriving);
    if (session->orphans->orphans.count > before)
        log_warn("node %s has %u volumes that nobody wants; see /v1/nodes/%s/orphans", node->name,
                 session->orphans->orphans.count, node->name);
}

void session_forget_pool(const struct node *node)
{
    struct session *session = session_of(node);
    struct report *before = session ? session->orphans : NULL;

    if (!before)
        return;
    session->orphans = NULL;
    keep_orphans(session, node, before);
    free(before);
}

static void receive_report(struct session *session, const struct link_body *body)
{
    const struct node *node = node_of(session);
    struct arena arena = { 0 };
    struct field_error error;
    struct report report = { 0 };

    if (!node)
        return;
    if (link_read(body, &report_schema, &report, &arena, &error) != 0) {
        /* Nothing of it is believed. The node does not come online by it; what it has to say, it says again. */
        complain(session, "its report cannot be read", error.message);
        arena_done(&arena);
        return;
    }
    for (uint32_t i = 0; i < report.pools.count; i++)
        note_pool_fact(session->service, node, &report.pools.at[i]);
    for (uint32_t i = 0; i < report.resources.count; i++)
        note_resource_fact(session->service, node, &report.resources.at[i]);
    receive_orphans(session, node, &report);
    if (report.token > session->refreshed)
        session->refreshed = report.token;
    if (session->is_synchronised && !session->is_online && session->refreshed >= session->online_token) {
        session->is_online = true;
        forget_trouble(session);
        log_info("node %s is online", node->name);
    }
    arena_done(&arena);
    service_tell_news(session->service);
}

static void receive_crash(struct session *session, const struct link_body *body)
{
    const struct node *node = node_of(session);
    struct service *service = session->service;
    struct arena arena = { 0 };
    struct field_error error;
    struct crash crash = { 0 };
    enum crash_news news = CRASH_IS_TOO_MUCH;

    if (link_read(body, &crash_schema, &crash, &arena, &error) == 0 && node && crash.name && crash.text)
        news = crash_names_look(&session->crashes, crash.name);
    if (news == CRASH_IS_NEW) {
        log_error("node %s: its satellite had crashed; see the error reports", node->name);
        if (reports_add_crash(service->reports, node->name, "SATELLITE", crash.text, loop_wall_ms(service->loop)))
            crash_names_note(&session->crashes, crash.name);
        else
            news = CRASH_IS_TOO_MUCH;
    }
    if (news != CRASH_IS_TOO_MUCH)
        link_send(session->link, "crash_kept", &crash_schema, &(struct crash){ .name = crash.name });
    arena_done(&arena);
}

/* To a question about devices. */
static void receive_answer(struct session *session, const struct link_body *body,
                           int (*take)(struct device_answers *answers, const struct link_body *body,
                                       struct field_error *error))
{
    struct field_error error;

    if (take(&session->answers, body, &error) != 0)
        complain(session, "an answer about its devices cannot be read", error.message);
    else
        service_tell_news(session->service);
}

static void on_message(void *owner, const char *type, const struct link_body *body)
{
    struct session *session = owner;

    if (strcmp(type, "held") == 0)
        receive_held(session, body);
    else if (strcmp(type, "report") == 0)
        receive_report(session, body);
    else if (strcmp(type, "crash") == 0)
        receive_crash(session, body);
    else if (strcmp(type, "disks") == 0)
        receive_answer(session, body, device_answers_take_disks);
    else if (strcmp(type, "device_pool") == 0)
        receive_answer(session, body, device_answers_take_pool);
}

static const struct link_events events = {
    .on_refused = on_refused,
    .on_unreadable = on_unreadable,
    .on_up = on_up,
    .on_message = on_message,
    .on_down = on_down,
};

static void dial(struct session *session, const struct node *node)
{
    struct link_hello own = {
        .protocol_min = LINK_PROTOCOL_MIN,
        .protocol_max = LINK_PROTOCOL_MAX,
        .version = (char[]){ PROGRAM_VERSION },
        .cluster = model_root(&session->service->model)->uuid,
        .node = node->name,
        .node_uuid = node->object.uuid,
        .boot = session->service->boot,
    };

    session->link = link_dial(session->service->loop, session->address, session->port, &own, &events, session);
}

static void hang_up(struct session *session)
{
    link_free(session->link);
    session->link = NULL;
    session->is_synchronised = session->is_online = false;
    arriving_forget(&session->arriving);
    session->has_complained = false;
    forget_trouble(session);
}

void session_end(const struct node *node)
{
    struct session *session = session_of(node);

    if (!session)
        return;
    hang_up(session);
    runtime_set_session(node, NULL);
    device_answers_done(&session->answers);
    free(session->orphans);
    free(session->hello);
    crash_names_done(&session->crashes);
    forget_told_key(session);
    free(session->address);
    free(session->node);
    free(session);
}

void session_update(struct service *service, const struct node *node)
{
    const struct net_interface *interface = session_interface(node);
    struct session *session = session_of(node);

    if ((node->type != NODE_SATELLITE && node->type != NODE_COMBINED) || !interface) {
        session_end(node);
        return;
    }
    if (!session) {
        session = memory_alloc(sizeof(*session));
        session->service = service;
        session->node = memory_strdup(node->object.node[0].key);
        runtime_set_session(node, session);
    }
    if (session->link && strcmp(session->address, interface->address) == 0 &&
        session->port == interface->satellite_port.value)
        return;
    hang_up(session);
    free(session->address);
    session->address = memory_strdup(interface->address);
    session->port = interface->satellite_port.value;
    dial(session, node);
}

void session_reconnect(const struct node *node)
{
    struct session *session = session_of(node);

    if (!session)
        return;
    if (session->is_online)
        log_info("the connection to node %s is closed on request", node->name);
    session->is_synchronised = session->is_online = false; /* at once: who asked waits for the next one */
    service_tell_news(session->service);
    link_reconnect(session->link);
}

const char *session_trouble(const struct node *node)
{
    return session_of(node) && !session_of(node)->is_online ? session_of(node)->trouble : NULL;
}

bool session_is_online(const struct node *node)
{
    return session_of(node) && session_of(node)->is_online;
}

bool session_is_synchronised(const struct node *node)
{
    return session_of(node) && session_of(node)->is_synchronised;
}

const char *session_status(const struct node *node)
{
    const struct session *session = session_of(node);

    if (node->type == NODE_CONTROLLER || node->type == NODE_AUXILIARY)
        return "OFFLINE";
    if (!session)
        return "NO_STLT_CONN";
    if (session->is_online)
        return "ONLINE";
    if (session->trouble)
        return session->trouble_state;
    return link_is_up(session->link) ? "CONNECTED" : "OFFLINE";
}

const char *session_last_error(const struct node *node)
{
    const struct session *session = session_of(node);

    if (!session || session->is_online)
        return "";
    return session->trouble ? session->trouble : link_last_error(session->link);
}

int32_t session_attempts(const struct node *node)
{
    return session_of(node) ? link_attempts(session_of(node)->link) : 0;
}

const struct link_hello *session_hello(const struct node *node)
{
    return session_of(node) ? session_of(node)->hello : NULL;
}

void session_refresh(const struct node *node, int64_t token)
{
    struct refresh refresh = { .token = token };

    if (session_is_online(node))
        link_send(session_of(node)->link, "refresh", &refresh_schema, &refresh);
}

int64_t session_refreshed(const struct node *node)
{
    return session_of(node) ? session_of(node)->refreshed : 0;
}

const struct report *session_orphans(const struct node *node)
{
    return session_of(node) ? session_of(node)->orphans : NULL;
}

struct orphan_fact *session_find_orphan(const struct node *node, const char *pool, const char *identifier)
{
    const struct report *report = session_orphans(node);

    for (uint32_t i = 0; report && i < report->orphans.count; i++)
        if (text_equal_fold(report->orphans.at[i].pool, pool) &&
            strcmp(report->orphans.at[i].identifier, identifier) == 0)
            return &report->orphans.at[i];
    return NULL;
}

struct outbox **session_outbox(const struct node *node)
{
    return &session_of(node)->outbox;
}

void session_send_wants(const struct node *node, const struct wants *wants)
{
    if (session_of(node))
        link_send(session_of(node)->link, "wants", &wants_schema, wants);
}

static bool has_encrypted_volume(const struct node *node)
{
    child_for_each (resource, resource, &node->object, KIND_RESOURCE)
        for (uint32_t i = 0; i < resource->volumes.count; i++)
            if (resource->volumes.at[i].keys.count > 0)
                return true;
    return false;
}

void session_send_key(const struct node *node)
{
    struct session *session = session_of(node);
    const struct vault *vault = session ? &session->service->vault : NULL;
    struct secret *key = vault ? vault->key : NULL, *text;

    if (!key || vault_state(session->service) != VAULT_UNLOCKED ||
        (session->told_key && strcmp(session->told_key, vault->id) == 0) || !has_encrypted_volume(node))
        return;
    free(session->told_key);
    session->told_key = memory_strdup(vault->id);
    text = secret_encode(key);
    link_send(session->link, "unlock", &unlock_schema, &(struct unlock){ .key = secret_bytes(text) });
    secret_free(text);
}

void session_ask_disks(const struct node *node, int64_t token)
{
    if (session_is_online(node))
        link_send(session_of(node)->link, "disks", &disks_request_schema, &(struct disks_request){ .token = token });
}

const struct disks *session_disks(const struct node *node, int64_t token)
{
    return session_of(node) ? device_answers_disks(&session_of(node)->answers, token) : NULL;
}

void session_make_device_pool(const struct node *node, const struct device_pool_want *want)
{
    if (session_is_online(node))
        link_send(session_of(node)->link, "device_pool", &device_pool_want_schema, want);
}

struct device_pool_fact *session_take_device_pool(const struct node *node, int64_t token)
{
    return session_of(node) ? device_answers_claim_pool(&session_of(node)->answers, token) : NULL;
}
