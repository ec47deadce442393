/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/client/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/json_split.h"
#include "base/text.h"
#include "roles/client/reply.h"

enum { PORT_PLAIN = 3370, PORT_TLS = 3371 };

struct endpoint {
    const char *uri;
    const char *host;
    int port;
    bool is_tls;
};

/* "host", "[::1]:3370", "linstor://host:port/ignored" */
static bool parse_endpoint(struct client *client, const char *text, struct endpoint *endpoint)
{
    const char *host = strstr(text, "://"), *end, *port = NULL;
    int64_t number;

    endpoint->uri = host ? text : arena_printf(client->arena, "linstor://%s", text);
    endpoint->is_tls = text_starts_with(text, "linstor+ssl://") || text_starts_with(text, "https://");
    endpoint->port = endpoint->is_tls ? PORT_TLS : PORT_PLAIN;
    host = host ? host + 3 : text;
    if (*host == '[') {
        host++;
        end = strchr(host, ']');
        if (!end)
            return false;
        port = end[1] == ':' ? end + 2 : NULL;
    } else {
        end = host + strcspn(host, ":/");
        port = *end == ':' ? end + 1 : NULL;
    }
    endpoint->host = arena_strndup(client->arena, host, (size_t)(end - host));
    if (port) {
        if (!text_parse_i64(arena_strndup(client->arena, port, strcspn(port, "/")), 1, 65535, &number))
            return false;
        endpoint->port = (int)number;
    }
    return *endpoint->host != '\0';
}

static void add_quoted(struct buf *out, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_";

    if (*text && !text[strspn(text, plain)]) {
        buf_add_text(out, text);
        return;
    }
    buf_add_char(out, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            buf_add_text(out, "'\"'\"'");
        else
            buf_add_char(out, *text);
    }
    buf_add_char(out, '\'');
}

static int print_curl(struct client *client, const char *method, const char *target, const char *body)
{
    CLEANUP(buf_done) struct buf out = { 0 }, url = { 0 };
    struct endpoint endpoint;

    if (client->controllers.count == 0 || !parse_endpoint(client, client->controllers.at[0], &endpoint))
        return client_fail(client, EXIT_ARGUMENTS, "Error: no controller is given");
    buf_printf(&out, "curl -X %s ", method);
    if (body) {
        buf_add_text(&out, "-H 'Content-Type: application/json' -d ");
        add_quoted(&out, body);
        buf_add_char(&out, ' ');
    }
    buf_printf(&url, strchr(endpoint.host, ':') ? "%s://[%s]:%d%s" : "%s://%s:%d%s", endpoint.is_tls ? "https" : "http",
               endpoint.host, endpoint.port, target);
    add_quoted(&out, buf_text(&url));
    buf_add_char(&out, '\n');
    client_print(client, &out);
    return EXIT_OK;
}

static bool keep_reply(void *owner, const char *text, size_t length)
{
    struct client *client = owner;

    *LIST_ADD(&client->replies, client->arena) = arena_strndup(client->arena, text, length);
    return true;
}

/* The entries of an answer into client->replies. */
static int keep_replies(struct client *client, const struct buf *text, const char *target, int status)
{
    struct json_split split;
    uint32_t before = client->replies.count;
    int result;

    json_split_init(&split, keep_reply, client);
    result = json_split_feed(&split, buf_text(text), text->length);
    if (result == 0)
        result = json_split_end(&split);
    json_split_done(&split);
    for (uint32_t i = before; i < client->replies.count && result == 0; i++)
        result = reply_check(client, client->replies.at[i]) ? 0 : -1;
    if (result == 0)
        return EXIT_OK;
    client->replies.count = before;
    return client_fail(client, EXIT_ERROR, "Error: Unable to parse REST json data: %s\nRequest-Uri: %s; Status: %d",
                       split.error ? split.error : "not a list of replies", target, status);
}

static int tell_failed_request(struct client *client, enum transport_error kind, const char *error)
{
    switch (kind) {
    case TRANSPORT_OK: return EXIT_OK;
    case TRANSPORT_UNREACHABLE:
    case TRANSPORT_TIMEOUT:
        return client_fail(client, EXIT_TIMEOUT, "Error: Socket timeout, no data received for more than %ds.",
                           client->timeout_s);
    case TRANSPORT_LOST:
        return client_fail(client, EXIT_CONNECTION, "Error: Error reading response from %s: %s", client->connected,
                           error);
    case TRANSPORT_BAD:
        return client_fail(client, EXIT_ERROR, "Error: The answer of %s is not understood: %s", client->connected,
                           error);
    }
    return EXIT_ERROR;
}

static int tell_failure(struct client *client, const struct transport_answer *answer, const char *method,
                        const char *target)
{
    int code;

    if (answer->status < 400 && answer->location[0])
        return client_fail(client, EXIT_CONNECTION,
                           "Error: The controller wants TLS (%s), which this version does not speak", answer->location);
    if (answer->body.length == 0)
        return client_fail(client, EXIT_ERROR,
                           "Error: REST api call method '%s' to resource '%s' returned status %d with no data.", method,
                           target, answer->status);
    if (strcmp(answer->content_type, "application/json") != 0)
        return client_fail(client, EXIT_ERROR, "Error: HTTP-Status(%d)/'%s'", answer->status, buf_text(&answer->body));
    code = keep_replies(client, &answer->body, target, answer->status);
    return code != EXIT_OK ? code : EXIT_API;
}

/* To the controller in use, or to the first of the list that can be reached; from then on it is the one in use. */
static int exchange(struct client *client, const struct transport_request *request, struct transport_answer *answer)
{
    enum transport_error failed;
    const char *error = "";

    if (client->connected) {
        failed = client->transport->request(client->transport_owner, request, answer, &error);
        return tell_failed_request(client, failed, error);
    }
    for (uint32_t i = 0; i < client->controllers.count; i++) {
        struct endpoint endpoint;

        if (!parse_endpoint(client, client->controllers.at[i], &endpoint)) {
            error = "not an address";
        } else if (endpoint.is_tls) {
            error = "this version speaks no TLS";
        } else {
            client->transport->open(client->transport_owner, endpoint.host, endpoint.port, client->timeout_s * 1000);
            failed = client->transport->request(client->transport_owner, request, answer, &error);
            if (failed != TRANSPORT_UNREACHABLE) {
                client->connected = endpoint.uri;
                if (client->is_verbose)
                    fprintf(client->out, "Connected to %s\n", endpoint.uri);
                return tell_failed_request(client, failed, error);
            }
        }
        client_fail(client, EXIT_CONNECTION, "Error: Unable to connect to %s: %s", endpoint.uri, error);
    }
    return EXIT_CONNECTION;
}

int session_request(struct client *client, const char *method, const char *target, const char *body,
                    bool (*on_body)(void *owner, const char *bytes, size_t length), void *owner,
                    struct buf *answer_body)
{
    struct transport_request request = { .method = method,
                                         .target = target,
                                         .body = body,
                                         .authorization = client->authorization,
                                         .on_body = on_body,
                                         .owner = owner };
    struct transport_answer answer = { 0 };
    int code;

    if (client->is_curl)
        return print_curl(client, method, target, body);
    code = exchange(client, &request, &answer);
    if (code == EXIT_OK && answer.status >= 300)
        code = tell_failure(client, &answer, method, target);
    else if (code == EXIT_OK && answer_body)
        buf_add(answer_body, buf_text(&answer.body), answer.body.length);
    buf_done(&answer.body);
    return code;
}

int session_send(struct client *client, const char *method, const char *target, const char *body)
{
    CLEANUP(buf_done) struct buf answer = { 0 };
    int code = session_request(client, method, target, body, NULL, NULL, &answer);

    if (code != EXIT_OK || client->is_curl)
        return code;
    return keep_replies(client, &answer, target, 200);
}

cJSON *session_get(struct client *client, const char *target, int *code)
{
    CLEANUP(buf_done) struct buf answer = { 0 };
    struct json_error error;
    cJSON *tree;

    *code = session_request(client, "GET", target, NULL, NULL, NULL, &answer);
    if (*code != EXIT_OK || client->is_curl)
        return NULL;
    tree = json_parse(buf_text(&answer), answer.length, &error);
    if (!tree)
        *code =
            client_fail(client, EXIT_ERROR, "Error: Unable to parse REST json data: %s\nRequest-Uri: %s; Status: 200",
                        error.message, target);
    return tree;
}
