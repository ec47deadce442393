/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/client/interactive.h"

#include <stdlib.h>
#include <string.h>

#include "roles/client/command.h"
#include "roles/client/help.h"
#include "roles/client/transaction.h"

static void list_commands(struct client *client)
{
    CLEANUP(buf_done) struct buf text = { 0 };

    help_commands(&text, &command_root, false);
    client_print(client, &text);
    fputc('\n', client->out);
}

static void prompt(struct client *client)
{
    if (client->transaction)
        fputs(TRANSACTION_STATE " ==> ", client->out);
    else if (client->is_verbose && client->connected)
        fprintf(client->out, "LINSTOR(%s) ==> ", client->connected);
    else
        fputs("LINSTOR ==> ", client->out);
    fflush(client->out);
}

/* The words of the line, without a leading "linstor". */
static void split_line(char *line, struct text_list *words, struct arena *arena)
{
    char *rest = NULL;

    for (char *word = strtok_r(line, " \t\r\n", &rest); word; word = strtok_r(NULL, " \t\r\n", &rest))
        if (words->count > 0 || strcmp(word, "linstor") != 0)
            text_list_add(words, word, arena);
}

static int run_line(struct client *client, struct text_list *words)
{
    struct text_list all = { 0 };
    int code;

    if (words->at[0][0] != '-' && !command_find_child(&command_root, words->at[0])) {
        fprintf(client->out, "\nCommand \"%s\" not known!\n", words->at[0]);
        list_commands(client);
        return EXIT_ARGUMENTS;
    }
    client_add_defaults(client, words->at, words->count, &all);
    code = client_run(client, all.at, all.count);
    if (code == EXIT_ARGUMENTS)
        fprintf(client->out, "\nIncorrect syntax. Use 'help %s' for more information:\n", words->at[0]);
    fputc('\n', client->out);
    return code;
}

/* No further line is read. */
static bool is_over(const struct client *client, int code)
{
    const struct transaction *transaction = client->transaction;

    return code == EXIT_CONNECTION ||
           (transaction && (transaction->is_over || (transaction->ends_on_error && code != EXIT_OK)));
}

int interactive_run(struct client *client, FILE *in)
{
    struct arena *outer = client->arena;
    struct arena arena = { 0 };
    char *line = NULL;
    size_t size = 0;
    int code = EXIT_OK;

    if (!client->transaction)
        list_commands(client);
    for (;;) {
        struct text_list words = { 0 };

        prompt(client);
        if (getline(&line, &size, in) < 0)
            break;
        client->arena = &arena;
        split_line(line, &words, &arena);
        if (words.count == 0) {
            list_commands(client);
        } else if (strcmp(words.at[0], "exit") == 0 || strcmp(words.at[0], "quit") == 0) {
            code = EXIT_OK;
            break;
        } else if (strcmp(words.at[0], "interactive") != 0) {
            code = run_line(client, &words);
        }
        if (is_over(client, code))
            break;
        /* what lives longer than a line */
        client->connected = client->connected ? arena_strdup(outer, client->connected) : NULL;
        arena_reset(&arena);
    }
    free(line);
    client->arena = outer;
    client->replies = (struct text_list){ 0 };
    arena_done(&arena);
    return code;
}
