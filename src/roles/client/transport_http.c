/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/client/transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http_client.h"

/* One controller that does not answer must not keep the next one waiting for minutes. */
enum { ANSWER_LIMIT = 256 * 1024 * 1024, CONNECT_LIMIT_MS = 10000 };

struct transport_http {
    struct http_client *client;
    const struct transport_request *request; /* in progress */
    struct transport_answer *answer;
};

struct transport_http *transport_http_new(void)
{
    return memory_alloc(sizeof(struct transport_http));
}

void transport_http_free(struct transport_http *http)
{
    if (!http)
        return;
    http_client_free(http->client);
    free(http);
}

static void open_http(void *owner, const char *host, int port, int timeout_ms)
{
    struct http_client_options options = { .connect_ms = timeout_ms, .silence_ms = timeout_ms };
    struct transport_http *http = owner;

    if (timeout_ms <= 0 || timeout_ms > CONNECT_LIMIT_MS)
        options.connect_ms = CONNECT_LIMIT_MS;
    http_client_free(http->client);
    http->client = http_client_new(host, port, &options);
}

static bool take_body(void *owner, int status, const char *bytes, size_t length)
{
    struct transport_http *http = owner;

    if (status < 300 && http->request->on_body)
        return http->request->on_body(http->request->owner, bytes, length);
    if (http->answer->body.length + length > ANSWER_LIMIT)
        return false;
    buf_add(&http->answer->body, bytes, length);
    return true;
}

static void copy_header(const struct http_client *client, const char *name, char *to, size_t size)
{
    const char *value = http_client_header(client, name);

    if (value)
        snprintf(to, size, "%.*s", (int)strcspn(value, ";"), value);
}

static enum transport_error request_http(void *owner, const struct transport_request *request,
                                         struct transport_answer *answer, const char **error)
{
    struct transport_http *http = owner;
    const char *headers[] = { "Authorization", request->authorization, NULL };
    struct http_call call = {
        .method = request->method,
        .target = request->target,
        .headers = request->authorization ? headers : NULL,
        .content_type = request->body ? "application/json" : NULL,
        .body = request->body,
        .body_length = request->body ? strlen(request->body) : 0,
        .on_body = take_body,
        .owner = http,
    };
    enum http_outcome outcome;

    http->request = request;
    http->answer = answer;
    outcome = http_client_call(http->client, &call);
    answer->status = http_client_status(http->client);
    copy_header(http->client, "Content-Type", answer->content_type, sizeof(answer->content_type));
    copy_header(http->client, "Location", answer->location, sizeof(answer->location));
    *error = http_client_error(http->client);
    switch (outcome) {
    case HTTP_OK:
    case HTTP_STOPPED: return TRANSPORT_OK; /* who stopped it knows why */
    case HTTP_NO_CONNECTION: return TRANSPORT_UNREACHABLE;
    case HTTP_LOST: return TRANSPORT_LOST;
    case HTTP_TIMEOUT: return TRANSPORT_TIMEOUT;
    case HTTP_PROTOCOL_ERROR: return TRANSPORT_BAD;
    }
    return TRANSPORT_LOST;
}

const struct transport transport_http = { .open = open_http, .request = request_http };
