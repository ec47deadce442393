/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The entries that tell the outcome of requests, for people (blocks) and for programs (JSON). */
#pragma once

#include "api/rc.h"
#include "roles/client/client.h"

/* Whether the JSON text is an entry. */
bool reply_check(struct client *client, const char *text);
/* All of client->replies; what the exit code is. */
int reply_print_all(struct client *client);
void reply_print_block(struct client *client, const struct rc_doc *rc);
