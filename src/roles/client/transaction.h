/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "resource create-transactional": replicas that are named one by one and made by one request, all or none. Between
 * begin and commit lines are read as in interactive mode; only what belongs to the transaction is allowed there.
 */
#pragma once

#include "roles/client/client.h"

#define TRANSACTION_STATE "Resource Creation Transaction"

struct transaction {
    cJSON *replicas; /* the body to be */
    char *path;      /* of the request; NULL: nothing was added yet */
    bool ends_on_error;
    bool is_over; /* committed or aborted */
};

extern const struct command commands_create_transactional[];

/* Of "resource create": takes the list of replicas. */
int transaction_add(struct call *call, cJSON *replicas, const char *path);
/* False, and it was told, when the command does not belong into the state that the client is in. */
bool transaction_allows(struct client *client, const struct command *command);
