/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Requests to the controller: which one, what it answered, and how the outcome is told. Requests are sent when they are
 * made; the first one connects, to the first controller of the list that answers.
 */
#pragma once

#include "roles/client/client.h"

/*
 * The body of the answer goes to on_body, if that is set, else to *body. Answers that tell of an error are kept in
 * client->replies. EXIT_OK means that the answer was a success; with --curl nothing is sent and body stays empty.
 */
int session_request(struct client *client, const char *method, const char *target, const char *body,
                    bool (*on_body)(void *owner, const char *bytes, size_t length), void *owner,
                    struct buf *answer) MUST_CHECK;

/* A request whose answer is a list of entries that tell the outcome. */
int session_send(struct client *client, const char *method, const char *target, const char *body) MUST_CHECK;

/* The answer to a GET as a tree, to be deleted. NULL and *code. */
cJSON *session_get(struct client *client, const char *target, int *code);
