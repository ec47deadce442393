/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * REST without HTTP: a call travels to the controller's process, is given to the handler that the service has set as an
 * exchange of net/http.h, and the answer travels back. Calls and answers can get lost, clients can hang up, and the
 * controller can die in between.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct http_call;

/* status 0 and body NULL: there was no answer. Called once, from the world. */
typedef void http_answered(void *owner, int status, const char *body);
struct http_call *http_call_new(const char *method, const char *target, const char *body, http_answered *answered,
                                void *owner);
/*
 * Whether it can have no more effects: it got lost before the controller saw it, or was answered, or its controller is
 * dead, or everything that it could have changed is durable or undone.
 */
bool http_call_is_over(const struct http_call *call);
void http_call_free(struct http_call *call); /* answered and over */

/* The service's process has died, or ended. */
void http_process_died(void);
/* Exchanges that have waited longer than any may; NULL: there is none. */
const char *http_find_forgotten(int64_t limit_ms);
int http_count_open(void);
