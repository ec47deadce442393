/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/client/transaction.h"

#include <stdlib.h>
#include <string.h>

#include "roles/client/commands.h"
#include "roles/client/interactive.h"
#include "roles/client/request.h"
#include "roles/client/session.h"

bool transaction_allows(struct client *client, const struct command *command)
{
    if (client->transaction ? command->is_local || command->in_transaction : !command->only_in_transaction)
        return true;
    if (client->transaction)
        client_fail(client, EXIT_STATE, "Error: Command not allowed in state '" TRANSACTION_STATE "'");
    else
        client_fail(client, EXIT_STATE, "Error: No transaction was begun: linstor resource create-transactional begin");
    return false;
}

int transaction_add(struct call *call, cJSON *replicas, const char *path)
{
    struct transaction *transaction = call->client->transaction;
    int count = cJSON_GetArraySize(replicas);

    if (transaction->path && strcmp(transaction->path, path) != 0) {
        cJSON_Delete(replicas);
        return client_fail(
            call->client, EXIT_ARGUMENTS,
            "Error: The transaction makes replicas of one resource definition, and this is another one.");
    }
    if (!transaction->path)
        transaction->path = memory_strdup(path);
    while (replicas->child)
        cJSON_AddItemToArray(transaction->replicas, cJSON_DetachItemViaPointer(replicas, replicas->child));
    cJSON_Delete(replicas);
    fprintf(call->client->out, "%d resource(s) added to transaction\n", count);
    return EXIT_OK;
}

static int run_begin(struct call *call)
{
    struct client *client = call->client;
    struct transaction transaction = { .replicas = cJSON_CreateArray(),
                                       .ends_on_error = arguments_have(call->arguments, "terminate-on-error") };
    int code;

    client->transaction = &transaction;
    code = interactive_run(client, stdin);
    client->transaction = NULL;
    if (!transaction.is_over && transaction.path) {
        fputs("The transaction was not committed.\n", client->err);
        code = code == EXIT_OK ? EXIT_STATE : code;
    }
    cJSON_Delete(transaction.replicas);
    free(transaction.path);
    return code;
}

static int run_commit(struct call *call)
{
    struct transaction *transaction = call->client->transaction;

    transaction->is_over = true;
    if (!transaction->path)
        return client_fail(call->client, EXIT_ARGUMENTS, "Error: Nothing was added to the transaction.");
    call->body = cJSON_Duplicate(transaction->replicas, true);
    return session_send(call->client, "POST", transaction->path, request_body_text(call));
}

static int run_abort(struct call *call)
{
    call->client->transaction->is_over = true;
    return EXIT_OK;
}

static const struct argument begin_arguments[] = {
    { "--terminate-on-error", .count = COUNT_FLAG, .help = "The first command that fails ends the transaction." },
    { 0 },
};
static const struct argument commit_arguments[] = { ARGUMENT_ASYNC, { 0 } };

const struct command commands_create_transactional[] = {
    { "begin b", "Read commands that add replicas, line by line.", .arguments = { begin_arguments }, .run = run_begin },
    { "abort a", "Forget the replicas that were added.", .run = run_abort, .in_transaction = true,
      .only_in_transaction = true },
    { "commit c", "Make the replicas that were added, all or none.", .arguments = { commit_arguments },
      .run = run_commit, .in_transaction = true, .only_in_transaction = true },
    { 0 },
};
