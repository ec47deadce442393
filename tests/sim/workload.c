/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cluster.h"
#include "guard.h"
#include "http_sim.h"
#include "roles/controller/rc.h"
#include "wish.h"

enum { CLIENTS = 6, LOOK_MS = 200, TRIES = 8 };

struct client {
    struct http_call *call;
    struct parts parts;        /* nobody else touches them meanwhile */
    struct reference after;    /* of parts, when it succeeds */
    struct guard_memory guard; /* as it was before */
    bool must_succeed;         /* nothing speaks against it */
    int place_count;
    bool is_reading;
    bool was_answered;
    int status;
    bool has_error, was_undone;
    char what[140], first_message[200];
    int64_t next_ms;
};

static struct client clients[CLIENTS];
static struct reference reference;
static bool may_be_orphan[DEFINITIONS][HOST_LIMIT];
static bool is_stopping;

static bool is_taken(struct parts parts)
{
    for (int i = 0; i < CLIENTS; i++)
        if (clients[i].call &&
            (clients[i].parts.definitions & parts.definitions || clients[i].parts.nodes & parts.nodes))
            return true;
    return false;
}

/* A deletion that the controller may have taken from now on gives authority, whatever the client hears of it. */
static void allow_destruction(const struct wish *wish)
{
    if (wish->orphan.is_set)
        guard_allow(wish->orphan.definition, wish->orphan.node, wish->orphan.number);
    for (int i = 0; i < DEFINITIONS; i++) {
        const struct reference_definition *after = &wish->after.definitions[i];

        for (int node = 1; node <= world.satellites; node++) {
            if (after->at == LEAVING || after->resources[node].at == LEAVING)
                guard_allow(i, node, -1);
            for (int number = 0; number < VOLUMES; number++)
                if (after->volumes[number].at == LEAVING)
                    guard_allow(i, node, number);
        }
    }
}

static void read_answer(struct client *client, const char *body)
{
    struct json_error error;
    cJSON *json = json_parse(body, strlen(body), &error);
    const cJSON *entry;

    if (!json)
        world_violation("%s: the answer is not JSON: %s", client->what, error.message);
    if (client->is_reading && client->status != 200)
        world_violation("%s: status %d: %.300s", client->what, client->status, body);
    cJSON_ArrayForEach(entry, json)
    {
        const cJSON *code = cJSON_GetObjectItemCaseSensitive(entry, "ret_code");
        const cJSON *message = cJSON_GetObjectItemCaseSensitive(entry, "message");
        int64_t number = cJSON_IsString(code) ? atoll(code->valuestring) : code ? (int64_t)code->valuedouble : 0;

        if (client->is_reading || !rc_is_error(number))
            continue;
        if (!client->has_error && message)
            snprintf(client->first_message, sizeof(client->first_message), "%s", message->valuestring);
        client->has_error = true;
        if ((number & MASK_BITS_CODE) == (FAIL_SQL & MASK_BITS_CODE))
            client->was_undone = true;
    }
    cJSON_Delete(json);
}

static int count_resources(const struct reference_definition *definition)
{
    int count = 0;

    for (int i = 1; i <= world.satellites; i++)
        count += definition->resources[i].at == PRESENT;
    return count;
}

/* Compared at once: a success is durable when it is told. */
static void check_acknowledged(const struct client *client)
{
    struct reference actual;
    const char *wrong;

    reference_read(&actual, client->parts);
    wrong = reference_compare(&client->after, &actual, client->parts);
    if (wrong)
        world_violation("%s was acknowledged, but %s", client->what, wrong);
    for (int i = 0; i < DEFINITIONS && client->place_count > 0; i++)
        if (client->parts.definitions >> i & 1 && count_resources(&actual.definitions[i]) < client->place_count)
            world_violation("%s was acknowledged, but there are fewer than %d resources", client->what,
                            client->place_count);
}

static void answered(void *owner, int status, const char *body)
{
    struct client *client = owner;

    client->was_answered = body != NULL;
    client->status = status;
    if (!body) {
        world.counts->unanswered++;
        world_note("%s: no answer", client->what);
        return;
    }
    read_answer(client, body);
    world_note("%s: %d %s", client->what, status, client->has_error ? client->first_message : "");
    if (client->has_error != (status >= 400))
        world_violation("%s: status %d, and %s: %.300s", client->what, status,
                        client->has_error ? "an error" : "no error", body);
    if (!client->has_error) {
        world.counts->acknowledged++;
        check_acknowledged(client);
        return;
    }
    world.counts->refused++;
    if (client->must_succeed)
        world_violation("%s was refused without a reason: %s", client->what, client->first_message);
}

/* What lies on a node that is given up stays there, and nobody knows of it any more. */
static void note_lost(const struct client *client)
{
    for (int i = 0; i < DEFINITIONS; i++)
        for (int node = 1; node <= world.satellites; node++)
            if (client->parts.nodes >> node & 1 && reference.definitions[i].resources[node].at != ABSENT)
                may_be_orphan[i][node] = true;
}

/* Nothing more can come of it: it has had its effect, or none. */
static void conclude(struct client *client)
{
    struct reference actual;
    const char *not_after, *not_before;
    char why_not_after[256];

    reference_read(&actual, client->parts);
    not_after = reference_compare(&client->after, &actual, client->parts);
    snprintf(why_not_after, sizeof(why_not_after), "%s", not_after ? not_after : "");
    not_before = reference_compare(&reference, &actual, client->parts);
    if (not_after && not_before)
        world_violation("%s had half an effect: %s; but %s", client->what, why_not_after, not_before);
    if (client->was_undone && not_before)
        world_violation("%s was said to be undone, but %s", client->what, not_before);
    if (client->was_answered && !client->has_error && not_after)
        world_violation("%s was acknowledged, but %s", client->what, why_not_after);
    if (not_after)
        guard_restore(&client->guard, client->parts);
    else if (strstr(client->what, "/lost"))
        note_lost(client);
    reference_take(&reference, not_after ? &reference : &client->after, &actual, client->parts);
}

static void send(struct client *client, const struct wish *wish)
{
    *client = (struct client){
        .parts = wish->parts,
        .after = wish->after,
        .must_succeed = world.is_calm && !wish->is_in_doubt,
        .place_count = wish->place_count,
        .is_reading = wish->is_reading,
    };
    snprintf(client->what, sizeof(client->what), "%s %s", wish->method, wish->target);
    world_note("%s %s", client->what, wish->body);
    world.counts->requests++;
    guard_save(&client->guard);
    allow_destruction(wish);
    client->call = http_call_new(wish->method, wish->target, wish->body[0] ? wish->body : NULL, answered, client);
}

static void client_acts(struct client *client)
{
    struct wish wish;

    if (client->call) {
        if (!http_call_is_over(client->call))
            return;
        conclude(client);
        http_call_free(client->call);
        client->call = NULL;
        client->next_ms = world_now_ms() + chance_between(0, 3000);
        return;
    }
    if (is_stopping || world_now_ms() < client->next_ms)
        return;
    for (int i = 0; i < TRIES; i++) {
        if (!wish_make(&wish) || is_taken(wish.parts))
            continue;
        send(client, &wish);
        return;
    }
}

static void act(void *owner)
{
    (void)owner;
    for (int i = 0; i < CLIENTS; i++)
        client_acts(&clients[i]);
    if (!workload_is_over())
        world_after(NULL, chance_between(1, LOOK_MS), act, NULL);
}

void workload_start(void)
{
    memset(clients, 0, sizeof(clients));
    memset(&reference, 0, sizeof(reference));
    memset(may_be_orphan, 0, sizeof(may_be_orphan));
    is_stopping = false;
    wish_start();
    guard_init();
    world_after(NULL, 0, act, NULL);
}

void workload_stop(void)
{
    is_stopping = true;
}

bool workload_is_over(void)
{
    for (int i = 0; i < CLIENTS; i++)
        if (clients[i].call)
            return false;
    return is_stopping;
}

void workload_done(void)
{
    for (int i = 0; i < CLIENTS; i++)
        if (clients[i].call)
            http_call_free(clients[i].call);
}

const struct reference *workload_reference(void)
{
    return &reference;
}

bool workload_may_be_orphan(int definition, int node)
{
    return may_be_orphan[definition][node];
}

void workload_note_orphan(int definition, int node)
{
    may_be_orphan[definition][node] = true;
}
