/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Plain sockets, non-blocking underneath so that every wait has its limit in poll(). A connection that was kept open
 * may have been closed by the server in the meantime; when it breaks before a byte of the answer came, the request is
 * sent again over a new one, once. A request that went over a new connection is never repeated: the server may have
 * acted on it.
 */
#include "net/http_client.h"

#include <errno.h>
#include <fcntl.h>
#include <llhttp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

enum {
    CONNECT_MS = 5000,
    SILENCE_MS = 5 * 60 * 1000,
    READ_BYTES = 64 * 1024,
    HEADER_LIMIT = 256 * 1024,
};

struct http_client {
    char *host;
    int port;
    struct http_client_options options;
    int fd; /* -1: not connected */
    const struct http_call *call;
    llhttp_t parser;
    int status;
    struct buf headers; /* name NUL value NUL ... of the answer */
    bool is_headers_done, is_complete, is_stopped, is_too_large, keep_alive;
    char *error;
    char *in;
};

static enum http_outcome PRINTF_LIKE(3, 4)
    fail(struct http_client *client, enum http_outcome outcome, const char *format, ...)
{
    va_list args;

    free(client->error);
    va_start(args, format);
    if (vasprintf(&client->error, format, args) < 0)
        abort();
    va_end(args);
    return outcome;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* 0 when the socket is ready (or has an error that the next call will tell), -ETIMEDOUT, -errno. timeout_ms 0: no
 * limit. */
static int wait_for(int fd, short events, int timeout_ms)
{
    struct pollfd wait = { .fd = fd, .events = events };
    int64_t deadline = now_ms() + timeout_ms;

    for (;;) {
        int64_t left = timeout_ms > 0 ? deadline - now_ms() : -1;
        int count;

        if (timeout_ms > 0 && left < 0)
            left = 0;
        count = poll(&wait, 1, (int)left);
        if (count > 0)
            return 0;
        if (count == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

static void hang_up(struct http_client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
}

/* 0 or -errno */
static int connect_address(struct http_client *client, const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error = 0, on = 1;
    socklen_t size = sizeof(error);

    if (fd < 0)
        return -errno;
    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0) {
        error = errno == EINPROGRESS ? -wait_for(fd, POLLOUT, client->options.connect_ms) : errno;
        if (error == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
            error = errno;
    }
    if (error != 0) {
        close(fd);
        return -error;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    client->fd = fd;
    return 0;
}

static enum http_outcome dial(struct http_client *client)
{
    /* An address is no question to anybody; a machine with nothing but loopback has no "configured" address. */
    static const int tries[] = { AI_NUMERICHOST, AI_ADDRCONFIG, 0 };
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *addresses = NULL;
    int error = EAI_NONAME;
    char port[16];

    snprintf(port, sizeof(port), "%d", client->port);
    for (size_t i = 0; i < ARRAY_SIZE(tries) && (error == EAI_NONAME || error == EAI_ADDRFAMILY); i++) {
        hints.ai_flags = tries[i] | AI_NUMERICSERV;
        error = getaddrinfo(client->host, port, &hints, &addresses);
    }
    if (error != 0)
        return fail(client, HTTP_NO_CONNECTION, "The host '%s' is not known: %s.", client->host,
                    error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
    for (const struct addrinfo *address = addresses; address; address = address->ai_next) {
        error = connect_address(client, address);
        if (error == 0)
            break;
    }
    freeaddrinfo(addresses);
    if (error == 0)
        return HTTP_OK;
    return fail(client, HTTP_NO_CONNECTION,
                strchr(client->host, ':') ? "Cannot connect to [%s]:%d: %s." : "Cannot connect to %s:%d: %s.",
                client->host, client->port, strerror(-error));
}

static struct http_client *client_of(llhttp_t *parser)
{
    return CONTAINER_OF(parser, struct http_client, parser);
}

static int add_header_text(llhttp_t *parser, const char *at, size_t length)
{
    struct http_client *client = client_of(parser);

    if (client->headers.length + length > HEADER_LIMIT) {
        client->is_too_large = true;
        return -1;
    }
    if (!client->is_headers_done) /* trailers are dropped */
        buf_add(&client->headers, at, length);
    return 0;
}

static int end_header_text(llhttp_t *parser)
{
    struct http_client *client = client_of(parser);

    if (!client->is_headers_done)
        buf_add_char(&client->headers, '\0');
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    struct http_client *client = client_of(parser);
    int status = llhttp_get_status_code(parser);

    if (status < 200) {
        buf_clear(&client->headers); /* "100 Continue" and its like: the answer is still to come */
        return 1;
    }
    client->status = status;
    client->is_headers_done = true;
    return strcmp(client->call->method, "HEAD") == 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t length)
{
    struct http_client *client = client_of(parser);

    if (!client->call->on_body || client->call->on_body(client->call->owner, client->status, at, length))
        return 0;
    client->is_stopped = true;
    return -1;
}

static int on_complete(llhttp_t *parser)
{
    struct http_client *client = client_of(parser);

    if (!client->is_headers_done)
        return 0;
    client->is_complete = true;
    client->keep_alive = llhttp_should_keep_alive(parser);
    return HPE_PAUSED;
}

static const llhttp_settings_t callbacks = {
    .on_header_field = add_header_text,
    .on_header_field_complete = end_header_text,
    .on_header_value = add_header_text,
    .on_header_value_complete = end_header_text,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

static void begin_answer(struct http_client *client)
{
    llhttp_init(&client->parser, HTTP_RESPONSE, &callbacks);
    client->status = 0;
    client->is_headers_done = client->is_complete = client->is_stopped = client->is_too_large = false;
    client->keep_alive = false;
    buf_clear(&client->headers);
    free(client->error);
    client->error = NULL;
}

static void write_request(const struct http_client *client, const struct http_call *call, struct buf *out)
{
    bool has_body = call->body_length > 0 || strcmp(call->method, "POST") == 0 || strcmp(call->method, "PUT") == 0;

    buf_printf(out, "%s %s HTTP/1.1\r\n", call->method, call->target);
    buf_printf(out, strchr(client->host, ':') ? "Host: [%s]:%d\r\n" : "Host: %s:%d\r\n", client->host, client->port);
    for (const char *const *header = call->headers; header && header[0]; header += 2)
        buf_printf(out, "%s: %s\r\n", header[0], header[1]);
    if (call->content_type)
        buf_printf(out, "Content-Type: %s\r\n", call->content_type);
    if (has_body)
        buf_printf(out, "Content-Length: %zu\r\n", call->body_length);
    buf_add_text(out, "\r\n");
    buf_add(out, call->body, call->body_length);
}

static enum http_outcome lost(struct http_client *client, int error)
{
    return fail(client, HTTP_LOST, "The connection to %s:%d was lost: %s.", client->host, client->port,
                error == 0 ? "the server closed it" : strerror(error));
}

static enum http_outcome silent(struct http_client *client)
{
    return fail(client, HTTP_TIMEOUT, "%s:%d did not answer within %d seconds.", client->host, client->port,
                client->options.silence_ms / 1000);
}

/* An answer that ends with the connection is complete now. */
static enum http_outcome take_end(struct http_client *client)
{
    if (client->is_headers_done && llhttp_finish(&client->parser) == HPE_PAUSED && client->is_complete)
        return HTTP_OK;
    return lost(client, 0);
}

/* What is sent while the server answers already, e.g. refuses a large body, is looked at only when sending is over. */
static enum http_outcome send_request(struct http_client *client, const struct buf *out)
{
    size_t sent = 0;

    while (sent < out->length) {
        ssize_t count = send(client->fd, out->data + sent, out->length - sent, MSG_NOSIGNAL);

        if (count >= 0) {
            sent += (size_t)count;
        } else if (errno == EAGAIN) {
            int error = wait_for(client->fd, POLLOUT, client->options.silence_ms);

            if (error == -ETIMEDOUT)
                return silent(client);
            if (error != 0)
                return lost(client, -error);
        } else if (errno != EINTR) {
            return lost(client, errno);
        }
    }
    return HTTP_OK;
}

static enum http_outcome parse_answer(struct http_client *client, size_t length)
{
    llhttp_errno_t error = llhttp_execute(&client->parser, client->in, length);

    if (error == HPE_OK || client->is_complete)
        return HTTP_OK;
    if (client->is_stopped)
        return fail(client, HTTP_STOPPED, "The answer was not read to its end.");
    return fail(client, HTTP_PROTOCOL_ERROR, "%s:%d does not answer in HTTP: %s.", client->host, client->port,
                client->is_too_large ? "the header is too large" : llhttp_get_error_reason(&client->parser));
}

static enum http_outcome receive_answer(struct http_client *client, bool *heard)
{
    while (!client->is_complete) {
        ssize_t count = recv(client->fd, client->in, READ_BYTES, 0);
        enum http_outcome outcome = HTTP_OK;

        if (count > 0) {
            *heard = true;
            outcome = parse_answer(client, (size_t)count);
        } else if (count == 0) {
            return take_end(client);
        } else if (errno == EAGAIN) {
            int error = wait_for(client->fd, POLLIN, client->options.silence_ms);

            if (error == -ETIMEDOUT)
                outcome = silent(client);
            else if (error != 0)
                outcome = lost(client, -error);
        } else if (errno != EINTR) {
            outcome = lost(client, errno);
        }
        if (outcome != HTTP_OK)
            return outcome;
    }
    return HTTP_OK;
}

static enum http_outcome exchange(struct http_client *client, const struct buf *out, bool *heard)
{
    enum http_outcome sent = send_request(client, out);
    enum http_outcome received;
    char *error;

    if (sent != HTTP_OK && sent != HTTP_LOST)
        return sent;
    if (sent == HTTP_OK)
        return receive_answer(client, heard);
    /* The server may have refused the request before it was complete: its answer says more than the broken pipe. */
    error = client->error;
    client->error = NULL;
    received = receive_answer(client, heard);
    if (received != HTTP_OK) {
        free(client->error);
        client->error = error;
        return sent;
    }
    free(error);
    return HTTP_OK;
}

/* While it was idle the server may have closed it. */
static bool is_closed(const struct http_client *client)
{
    char byte;
    ssize_t count = recv(client->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    return count >= 0 || (errno != EAGAIN && errno != EINTR);
}

/* What changes something may have been carried out though no answer came. */
static bool is_repeatable(const struct http_call *call)
{
    return strcmp(call->method, "GET") == 0 || strcmp(call->method, "HEAD") == 0 ||
           strcmp(call->method, "OPTIONS") == 0;
}

enum http_outcome http_client_call(struct http_client *client, const struct http_call *call)
{
    struct buf out = { 0 };
    enum http_outcome outcome;
    bool is_kept, heard = false;

    client->call = call;
    write_request(client, call, &out);
    if (client->fd >= 0 && is_closed(client))
        hang_up(client);
    do {
        is_kept = client->fd >= 0;
        begin_answer(client);
        outcome = is_kept ? HTTP_OK : dial(client);
        if (outcome == HTTP_OK)
            outcome = exchange(client, &out, &heard);
        if (outcome != HTTP_OK || !client->keep_alive)
            hang_up(client);
    } while (outcome == HTTP_LOST && is_kept && !heard && is_repeatable(call));
    buf_done(&out);
    client->call = NULL;
    if (outcome != HTTP_OK && outcome != HTTP_STOPPED)
        client->status = 0;
    return outcome;
}

struct http_client *http_client_new(const char *host, int port, const struct http_client_options *options)
{
    static const struct http_client_options defaults = { .connect_ms = CONNECT_MS, .silence_ms = SILENCE_MS };
    struct http_client *client = memory_alloc(sizeof(*client));

    client->host = memory_strdup(host);
    client->port = port;
    client->options = options ? *options : defaults;
    client->fd = -1;
    client->in = memory_alloc(READ_BYTES);
    return client;
}

void http_client_free(struct http_client *client)
{
    if (!client)
        return;
    hang_up(client);
    buf_done(&client->headers);
    free(client->host);
    free(client->error);
    free(client->in);
    free(client);
}

int http_client_status(const struct http_client *client)
{
    return client->status;
}

const char *http_client_header(const struct http_client *client, const char *name)
{
    const char *end = buf_text(&client->headers) + client->headers.length;

    for (const char *at = buf_text(&client->headers); at < end;) {
        const char *value = at + strlen(at) + 1;

        if (value >= end)
            return NULL;
        if (strcasecmp(at, name) == 0)
            return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}

const char *http_client_error(const struct http_client *client)
{
    return client->error ? client->error : "";
}
