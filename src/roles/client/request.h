/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a command's row and the given values make: paths, queries, bodies. */
#pragma once

#include <cjson/cJSON.h>

#include "roles/client/client.h"

/*
 * "/v1/nodes/{node}" with the values put in and escaped. each is the value used for an argument that was given several
 * times; NULL: its first.
 */
const char *request_path(struct call *call, const char *target, const char *each);
/* The argument that the path names and that may have several values; NULL when there is none. */
const struct argument_value *request_each(struct call *call, const char *target);
/* Appends what arguments with a query name have given. */
const char *request_add_query(struct call *call, const char *path);
const char *request_add_parameter(struct call *call, const char *path, const char *name, const char *value);

/* call->body from the command's base and the given values. EXIT_OK, or EXIT_ARGUMENTS with the reason shown. */
int request_build_body(struct call *call) MUST_CHECK;
/* The body as text; NULL when there is none. */
const char *request_body_text(struct call *call);

/* Takes value. The place is as in struct argument: "a.b", "a[0].b", "a[]". */
void request_put(cJSON *body, const char *place, cJSON *value);
/* Builds and sends what the row says, once for each value of request_each(). */
int request_run(struct call *call) MUST_CHECK;
