/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The satellite's end of links. One controller is served at a time, and only that of the cluster which was served last:
 * what another one does not know, it would have forgotten here. A newer connection of the same cluster replaces the
 * older one, whose controller may have died without a word.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "layers/stack.h"
#include "model/layer.h"
#include "roles/satellite/crash.h"
#include "roles/satellite/state.h"

LOG_DOMAIN("satellite");

struct session {
    struct session *next;
    struct satellite *satellite;
    struct link *link;
    char *cluster, *peer, *refusal;
    char refused_as[32];
};

static void session_free(struct session *session)
{
    struct satellite *satellite = session->satellite;

    for (struct session **link = &satellite->sessions; *link; link = &(*link)->next)
        if (*link == session) {
            *link = session->next;
            break;
        }
    if (satellite->session == session)
        satellite->session = NULL;
    link_free(session->link);
    free(session->cluster);
    free(session->peer);
    free(session->refusal);
    free(session);
}

enum { WAITING_LIMIT = 16 }; /* connections that are not the controller's (yet) */

static const char *text_or_empty(const char *text)
{
    return text ? text : "";
}

static char *cluster_path(const struct satellite *satellite)
{
    return satellite->data_dir ? memory_printf("%s/cluster", satellite->data_dir) : NULL;
}

/* Whose file was removed belongs to nobody, also while the satellite runs. */
static bool belongs_to_another(const struct satellite *satellite, const char *cluster)
{
    CLEANUP(memory_freep) char *path = cluster_path(satellite);

    return satellite->cluster && satellite->cluster[0] && strcmp(satellite->cluster, cluster) != 0 &&
           (!path || access(path, F_OK) == 0);
}

static char *find_refusal(const struct satellite *satellite, const struct session *session,
                          const struct link_hello *peer, const char **as)
{
    const struct session *served = satellite->session;
    CLEANUP(memory_freep) char *path = cluster_path(satellite);

    *as = LINK_REFUSED_OTHER;
    if (served && strcmp(served->cluster, session->cluster) != 0)
        return memory_printf("satellite '%s' is serving the controller of another cluster (%s, from %s)",
                             satellite->name, served->cluster, served->peer);
    if (belongs_to_another(satellite, session->cluster))
        return memory_printf("satellite '%s' belongs to another cluster (%s); to move it to this one, remove %s on its "
                             "machine",
                             satellite->name, satellite->cluster, path ? path : "what it remembers");
    *as = LINK_REFUSED_NAME;
    if (satellite->is_name_given && peer->node && !text_equal_fold(peer->node, satellite->name))
        return memory_printf("this is satellite '%s', not '%s'; check the address and port of the node",
                             satellite->name, peer->node);
    return NULL;
}

static bool on_hello(void *owner, const struct link_hello *peer, struct link_hello *own)
{
    struct session *session = owner;
    struct satellite *satellite = session->satellite;
    const char *as;

    facts_set_text(&session->cluster, text_or_empty(peer->cluster));
    session->refusal = find_refusal(satellite, session, peer, &as);
    if (!session->refusal)
        return true;
    if (!satellite->refused_last || strcmp(satellite->refused_last, session->refusal) != 0)
        log_warn("controller %s is refused: %s", session->peer, session->refusal);
    facts_set_text(&satellite->refused_last, session->refusal);
    own->refused = session->refusal;
    snprintf(session->refused_as, sizeof(session->refused_as), "%s", as);
    own->refused_as = session->refused_as;
    return false;
}

static void remember_cluster(struct satellite *satellite, const char *cluster)
{
    CLEANUP(memory_freep) char *path = cluster_path(satellite);
    int error;

    facts_set_text(&satellite->refused_last, NULL);
    if (satellite->cluster && strcmp(satellite->cluster, cluster) == 0 && (!path || access(path, F_OK) == 0))
        return;
    facts_set_text(&satellite->cluster, cluster);
    if (!path)
        return;
    error = text_write_file(path, cluster, strlen(cluster), 0644);
    if (error)
        log_warn("%s cannot be written: %s", path, strerror(-error));
}

static void on_up(void *owner, const struct link_hello *peer, int protocol)
{
    struct session *session = owner;
    struct satellite *satellite = session->satellite;

    if (satellite->session && satellite->session != session) {
        log_info("the connection of %s is replaced by a newer one of the same cluster", satellite->session->peer);
        session_free(satellite->session);
    }
    satellite->session = session;
    jobs_forget(satellite);
    observer_forget_tokens(satellite);
    satellite->wants_are_complete = false;
    log_info("controller %s (version %s, protocol %d) is connected", session->peer, text_or_empty(peer->version),
             protocol);
    remember_cluster(satellite, session->cluster);
    report_held(satellite, session->link);
    reports_start_over(satellite);
    crashes_send(satellite->data_dir, session->link);
    loop_mark_dirty(satellite->loop);
}

static void take_wants(struct satellite *satellite, const struct wants *wants)
{
    satellite->order++;
    for (uint32_t i = 0; i < wants->pools.count; i++)
        pool_take_want(satellite, &wants->pools.at[i]);
    for (uint32_t i = 0; i < wants->resources.count; i++)
        resource_take_want(satellite, &wants->resources.at[i]);
    for (uint32_t i = 0; i < wants->forget.count; i++)
        resource_forget(satellite, wants->forget.at[i]);
    satellite->wants_are_complete = satellite->wants_are_complete || wants->complete;
    /* Listing walks all volumes. A want may adopt an orphan the controller knows of; new ones are found by the
     * observer. */
    if (wants->complete || satellite->reported_orphans != TEXT_HASH_START)
        satellite->orphans_are_due = true;
    loop_mark_dirty(satellite->loop);
}

/* Nothing of it stays in memory that may be swapped out. */
static int take_unlock(struct session *session, const struct link_body *body, struct field_error *error)
{
    struct satellite *satellite = session->satellite;
    struct arena arena = { 0 };
    struct unlock unlock = { 0 };
    int result = link_read(body, &unlock_schema, &unlock, &arena, error);
    struct secret *key = result == 0 ? secret_from_base64(unlock.key) : NULL;

    if (key && secret_size(key) == SECRET_KEY_SIZE && (!satellite->key || !secret_equal(key, satellite->key))) {
        runner_set_key(satellite->runner, key);
        secret_free(satellite->key);
        satellite->key = key;
        key = NULL;
        satellite->machine.has_key = true;
        if (secret_is_swappable(satellite->key))
            log_warn("memory cannot be locked: the master key may be written to swap space");
        log_info("the master key is known: encrypted volumes can be opened");
        resources_wake(satellite, true);
        loop_mark_dirty(satellite->loop);
    }
    secret_free(key);
    link_wipe_body(body);
    arena_wipe(&arena);
    return result;
}

static void on_message(void *owner, const char *type, const struct link_body *body)
{
    struct session *session = owner;
    struct satellite *satellite = session->satellite;
    struct arena arena = { 0 };
    struct wants wants = { 0 };
    struct refresh refresh = { 0 };
    struct crash crash = { 0 };
    struct disks_request disks = { 0 };
    struct device_pool_want device_pool = { 0 };
    struct field_error error = { 0 };
    int result = 0;

    if (strcmp(type, "wants") == 0) {
        result = link_read(body, &wants_schema, &wants, &arena, &error);
        if (result == 0)
            take_wants(satellite, &wants);
    } else if (strcmp(type, "refresh") == 0) {
        result = link_read(body, &refresh_schema, &refresh, &arena, &error);
        if (result == 0)
            observer_refresh(satellite, refresh.token);
    } else if (strcmp(type, "unlock") == 0) {
        result = take_unlock(session, body, &error);
    } else if (strcmp(type, "crash_kept") == 0) {
        result = link_read(body, &crash_schema, &crash, &arena, &error);
        if (result == 0)
            crash_remove(satellite->data_dir, crash.name);
    } else if (strcmp(type, "disks") == 0) {
        result = link_read(body, &disks_request_schema, &disks, &arena, &error);
        if (result == 0)
            jobs_list_disks(satellite, &disks);
    } else if (strcmp(type, "device_pool") == 0) {
        result = link_read(body, &device_pool_want_schema, &device_pool, &arena, &error);
        if (result == 0)
            jobs_make_device_pool(satellite, &device_pool);
    } else {
        link_count_unknown(session->link, type);
    }
    if (result < 0)
        log_error("message '%s' of controller %s is not understood: %s", type, session->peer, error.message);
    arena_done(&arena);
}

static void on_down(void *owner, const char *why)
{
    struct session *session = owner;

    if (session->satellite->session == session)
        log_info("controller %s is gone: %s; what it wants stays in force", session->peer, why);
    session_free(session);
}

static const struct link_events session_events = {
    .on_hello = on_hello,
    .on_up = on_up,
    .on_message = on_message,
    .on_down = on_down,
};

/* NULL: it can be used. */
static const char *find_obstacle(const struct satellite *satellite, bool is_known, const char *needs)
{
    if (!is_known)
        return "It is not in this version of the satellite.";
    return needs ? text_map_find(&satellite->missing, needs) : NULL;
}

static void list_abilities(const struct satellite *satellite, struct link_hello *hello, struct arena *arena)
{
    for (enum provider_kind kind = 0; kind < PROVIDER_KIND_COUNT; kind++) {
        const struct provider_row *row = &provider_rows[kind];
        const struct provider *provider = provider_find(row->name);
        const char *why =
            row->elsewhere ? row->elsewhere : find_obstacle(satellite, provider, provider ? provider->needs : NULL);

        if (why)
            text_map_set(&hello->unsupported, row->name, why, arena);
        else
            text_list_add(&hello->providers, row->name, arena);
    }
    for (enum layer_kind kind = 0; kind < LAYER_KIND_COUNT; kind++) {
        const struct layer *layer = layer_find(layer_rows[kind].name);
        const char *why = find_obstacle(satellite, layer, layer ? layer->needs : NULL);

        if (why)
            text_map_set(&hello->unsupported, layer_rows[kind].name, why, arena);
        else
            text_list_add(&hello->layers, layer_rows[kind].name, arena);
    }
}

/* Strangers must not use up the descriptors that the controller and our tools need. */
static void make_room(struct satellite *satellite)
{
    struct session *oldest = NULL;
    int waiting = 0;

    for (struct session *session = satellite->sessions; session; session = session->next)
        if (session != satellite->session) {
            oldest = session; /* the newest stands first */
            waiting++;
        }
    if (waiting < WAITING_LIMIT)
        return;
    log_warn("too many connections that say nothing: the oldest, from %s, is closed", oldest->peer);
    session_free(oldest);
}

static void on_accept(void *owner, struct conn *conn)
{
    struct satellite *satellite = owner;
    struct session *session = memory_alloc(sizeof(*session));
    struct arena arena = { 0 };
    struct link_hello hello = {
        .protocol_min = LINK_PROTOCOL_MIN,
        .protocol_max = LINK_PROTOCOL_MAX,
        .version = arena_strdup(&arena, PROGRAM_VERSION),
        .cluster = satellite->cluster,
        .node = satellite->name,
        .boot = satellite->boot,
        .uname = satellite->name, /* LINSTOR: a name that was given takes the place of the host's */
    };

    make_room(satellite);
    list_abilities(satellite, &hello, &arena);
    session->satellite = satellite;
    session->peer = memory_strdup(conn_peer(conn));
    session->cluster = memory_strdup("");
    session->next = satellite->sessions;
    satellite->sessions = session;
    session->link = link_accept(satellite->loop, conn, &hello, &session_events, session);
    arena_done(&arena);
}

void server_listen(struct satellite *satellite)
{
    int error = 0;

    satellite->listener =
        listener_new(satellite->loop, satellite->bind_address, satellite->port, on_accept, satellite, &error);
    if (satellite->listener)
        log_info("satellite '%s' listens on %s port %d", satellite->name, satellite->bind_address,
                 listener_port(satellite->listener));
    else
        log_error("satellite '%s' cannot listen on %s port %d: %s", satellite->name, satellite->bind_address,
                  satellite->port, strerror(-error));
    if (satellite->listening)
        satellite->listening(satellite->listening_owner, satellite->listener ? 0 : error);
}

void server_done(struct satellite *satellite)
{
    while (satellite->sessions)
        session_free(satellite->sessions);
    if (satellite->listener)
        listener_free(satellite->listener);
    satellite->listener = NULL;
}

struct link *server_link(const struct satellite *satellite)
{
    return satellite->session ? satellite->session->link : NULL;
}
