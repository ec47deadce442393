/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A load generator for HTTP/1.1: so many connections, each with one request under way at any time, keep-alive, no
 * pipelining.
 * "{n}" in path and body is replaced by a number that no two requests share. Prints one JSON object: requests per
 * second, latencies, statuses. It must never be the slower side, so it does as little as it can: requests are made from
 * two pieces of text, replies are only measured, on one thread with epoll.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST_ROOM = 16384, HEADER_ROOM = 8192, RETRY_MS = 1, STATUS_LIMIT = 600 };

enum phase { CLOSED, CONNECTING, SENDING, HEADER, BODY, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER };

struct connection {
    int fd;
    enum phase phase;
    char request[REQUEST_ROOM];
    size_t request_length, sent;
    char header[HEADER_ROOM];
    size_t header_length;
    uint64_t left; /* of the body or the chunk */
    bool line_has_text;
    int status;
    bool is_last; /* the server closes behind this reply */
    uint64_t number;
    int64_t began_ns;
};

struct load {
    struct sockaddr_in address;
    const char *method, *path, *body;
    int connections;
    uint64_t requests; /* 0: until the time is over */
    double seconds;
    int expected; /* status; 0: any of 200 to 299 */
    bool reconnect;
    FILE *acknowledged;

    int epoll_fd;
    struct connection *all;
    uint64_t next_number, first_number, finished, failed, broken, bytes;
    uint64_t statuses[STATUS_LIMIT];
    uint32_t *latencies_us;
    size_t latency_count, latency_room;
    int64_t began_ns, ended_ns;
    char first_failure[512];
};

static volatile sig_atomic_t is_told_to_stop;

static void told_to_stop(int signum)
{
    (void)signum;
    is_told_to_stop = 1;
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Copies text with every "{n}" replaced. */
static size_t expand(char *to, size_t room, const char *text, uint64_t number)
{
    size_t used = 0;

    while (*text && used + 24 < room) {
        if (strncmp(text, "{n}", 3) == 0) {
            used += (size_t)snprintf(to + used, room - used, "%" PRIu64, number);
            text += 3;
        } else {
            to[used++] = *text++;
        }
    }
    to[used] = '\0';
    return used;
}

static bool is_over(const struct load *load)
{
    if (is_told_to_stop)
        return true;
    if (load->requests > 0 && load->next_number - load->first_number >= load->requests)
        return true;
    return load->seconds > 0 && (double)(now_ns() - load->began_ns) >= load->seconds * 1e9;
}

static void close_connection(struct connection *connection)
{
    if (connection->fd >= 0)
        close(connection->fd);
    connection->fd = -1;
    connection->phase = CLOSED;
}

static void connect_one(struct load *load, struct connection *connection)
{
    struct epoll_event event = { .events = EPOLLOUT, .data.ptr = connection };
    int yes = 1;

    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0)
        die("socket");
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    if (connect(connection->fd, (struct sockaddr *)&load->address, sizeof(load->address)) != 0 &&
        errno != EINPROGRESS) {
        close_connection(connection);
        return;
    }
    connection->phase = CONNECTING;
    epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event);
}

static void watch(struct load *load, struct connection *connection, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = connection };

    epoll_ctl(load->epoll_fd, EPOLL_CTL_MOD, connection->fd, &event);
}

static void send_more(struct load *load, struct connection *connection)
{
    ssize_t sent =
        write(connection->fd, connection->request + connection->sent, connection->request_length - connection->sent);

    if (sent < 0 && errno != EAGAIN)
        return; /* reading finds out */
    if (sent > 0)
        connection->sent += (size_t)sent;
    if (connection->sent < connection->request_length) {
        watch(load, connection, EPOLLIN | EPOLLOUT);
        return;
    }
    connection->phase = HEADER;
}

static void next_request(struct load *load, struct connection *connection)
{
    char path[2048], body[8192];
    size_t body_length = 0;

    if (is_over(load)) {
        close_connection(connection);
        return;
    }
    connection->number = load->next_number++;
    expand(path, sizeof(path), load->path, connection->number);
    if (load->body)
        body_length = expand(body, sizeof(body), load->body, connection->number);
    connection->request_length =
        (size_t)snprintf(connection->request, sizeof(connection->request),
                         "%s %s HTTP/1.1\r\nHost: bench\r\n%sContent-Length: %zu\r\n\r\n%s", load->method, path,
                         load->body ? "Content-Type: application/json\r\n" : "", body_length, load->body ? body : "");
    connection->sent = 0;
    connection->header_length = 0;
    connection->phase = SENDING;
    connection->began_ns = now_ns();
    send_more(load, connection);
}

static void note_latency(struct load *load, int64_t ns)
{
    if (load->latency_count == load->latency_room) {
        load->latency_room = load->latency_room ? load->latency_room * 2 : 65536;
        load->latencies_us = realloc(load->latencies_us, load->latency_room * sizeof(*load->latencies_us));
        if (!load->latencies_us)
            die("memory");
    }
    load->latencies_us[load->latency_count++] = (uint32_t)(ns / 1000);
}

static void finish_reply(struct load *load, struct connection *connection)
{
    bool is_good = load->expected ? connection->status == load->expected : connection->status / 100 == 2;

    load->ended_ns = now_ns();
    note_latency(load, load->ended_ns - connection->began_ns);
    load->finished++;
    load->statuses[connection->status]++;
    if (is_good && load->acknowledged)
        fprintf(load->acknowledged, "%" PRIu64 "\n", connection->number);
    if (!is_good) {
        load->failed++;
        if (!load->first_failure[0])
            snprintf(load->first_failure, sizeof(load->first_failure), "%.*s", (int)sizeof(load->first_failure) - 1,
                     connection->header);
    }
    if (connection->is_last) {
        close_connection(connection);
        if (!is_over(load))
            connect_one(load, connection);
        return;
    }
    next_request(load, connection);
}

/* Keeps what stands before the blank line; the number of bytes taken. */
static size_t take_header(struct connection *connection, const char *bytes, size_t length)
{
    size_t taken = 0;

    while (taken < length && connection->header_length < HEADER_ROOM - 1) {
        connection->header[connection->header_length++] = bytes[taken++];
        if (connection->header_length >= 4 &&
            memcmp(connection->header + connection->header_length - 4, "\r\n\r\n", 4) == 0) {
            connection->header[connection->header_length] = '\0';
            connection->phase = BODY;
            break;
        }
    }
    return taken;
}

static bool read_header(struct load *load, struct connection *connection)
{
    const char *length = strcasestr(connection->header, "\r\ncontent-length:");

    if (sscanf(connection->header, "HTTP/1.%*d %d", &connection->status) != 1 || connection->status < 100 ||
        connection->status >= STATUS_LIMIT)
        return false;
    connection->is_last =
        strncmp(connection->header, "HTTP/1.0", 8) == 0 || strcasestr(connection->header, "\r\nconnection: close");
    connection->left = 0;
    if (strcasestr(connection->header, "\r\ntransfer-encoding: chunked")) {
        connection->phase = CHUNK_SIZE;
        connection->line_has_text = false;
        return true;
    }
    if (length)
        connection->left = strtoull(length + 17, NULL, 10);
    if (connection->left == 0)
        finish_reply(load, connection);
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t skip_body(struct connection *connection, size_t length)
{
    size_t taken = length < connection->left ? length : (size_t)connection->left;

    connection->left -= taken;
    return taken;
}

/* False when the reply makes no sense. */
static bool take(struct load *load, struct connection *connection, const char *bytes, size_t length)
{
    for (size_t at = 0; at < length;) {
        char c = bytes[at];

        switch (connection->phase) {
        case CLOSED:
        case CONNECTING:
        case SENDING: return false; /* nothing was asked */
        case HEADER:
            at += take_header(connection, bytes + at, length - at);
            if (connection->header_length >= HEADER_ROOM - 1)
                return false;
            if (connection->phase == BODY && !read_header(load, connection))
                return false;
            break;
        case BODY:
            at += skip_body(connection, length - at);
            if (connection->left == 0)
                finish_reply(load, connection);
            break;
        case CHUNK_SIZE:
            at++;
            if (c == '\n' && connection->line_has_text)
                connection->phase = connection->left > 0 ? CHUNK_DATA : TRAILER;
            else if (hex_digit(c) >= 0)
                connection->left = connection->left * 16 + (uint64_t)hex_digit(c);
            else if (c != '\r')
                return false;
            if (c == '\n')
                connection->line_has_text = false;
            else
                connection->line_has_text = connection->line_has_text || hex_digit(c) >= 0;
            break;
        case CHUNK_DATA:
            at += skip_body(connection, length - at);
            if (connection->left == 0)
                connection->phase = CHUNK_END;
            break;
        case CHUNK_END:
            at++;
            if (c == '\n')
                connection->phase = CHUNK_SIZE;
            break;
        case TRAILER:
            at++;
            if (c == '\n' && !connection->line_has_text)
                finish_reply(load, connection);
            else
                connection->line_has_text = c != '\n' && (c != '\r' || connection->line_has_text);
            break;
        }
    }
    return true;
}

static void lose(struct load *load, struct connection *connection)
{
    if (connection->phase != CONNECTING)
        load->broken++;
    close_connection(connection);
    if (!load->reconnect) {
        fprintf(stderr, "load: a connection was lost\n");
        is_told_to_stop = 1;
    }
}

static void handle(struct load *load, struct connection *connection, uint32_t events)
{
    static char bytes[256 * 1024];

    if (connection->phase == CONNECTING) {
        int error = 0;
        socklen_t size = sizeof(error);

        getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) {
            lose(load, connection);
            return;
        }
        watch(load, connection, EPOLLIN);
        next_request(load, connection);
        return;
    }
    if ((events & EPOLLOUT) && connection->phase == SENDING) {
        send_more(load, connection);
        if (connection->phase == HEADER)
            watch(load, connection, EPOLLIN);
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        ssize_t got = read(connection->fd, bytes, sizeof(bytes));

        if (got < 0 && errno == EAGAIN)
            return;
        if (got > 0)
            load->bytes += (uint64_t)got;
        if (got <= 0 || !take(load, connection, bytes, (size_t)got))
            lose(load, connection);
    }
}

static bool has_work(struct load *load)
{
    bool any = false, over = is_over(load);

    for (int i = 0; i < load->connections; i++) {
        struct connection *connection = &load->all[i];

        if (connection->phase == CLOSED && !over)
            connect_one(load, connection);
        if (connection->phase == CONNECTING && over)
            close_connection(connection);
        any = any || connection->phase != CLOSED;
    }
    return any || !over;
}

static void run(struct load *load)
{
    struct epoll_event events[256];
    int64_t last_look = 0;

    load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    load->all = calloc((size_t)load->connections, sizeof(*load->all));
    if (load->epoll_fd < 0 || !load->all)
        die("epoll");
    for (int i = 0; i < load->connections; i++)
        load->all[i].fd = -1;
    load->began_ns = load->ended_ns = now_ns();
    for (;;) {
        int count;

        if (now_ns() - last_look >= (int64_t)RETRY_MS * 1000000) {
            last_look = now_ns();
            if (!has_work(load))
                break;
        }
        count = epoll_wait(load->epoll_fd, events, 256, RETRY_MS);
        for (int i = 0; i < count; i++)
            handle(load, events[i].data.ptr, events[i].events);
    }
}

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

    return left < right ? -1 : left > right;
}

static uint32_t percentile(const struct load *load, double part)
{
    size_t index = (size_t)(part * (double)load->latency_count);

    if (load->latency_count == 0)
        return 0;
    return load->latencies_us[index < load->latency_count ? index : load->latency_count - 1];
}

static void print_quoted(const char *text)
{
    putchar('"');
    for (; *text && *text != '\r'; text++)
        putchar(*text == '"' || *text == '\\' || (unsigned char)*text < 0x20 ? '?' : *text);
    putchar('"');
}

static void report(struct load *load)
{
    double seconds = (double)(load->ended_ns - load->began_ns) / 1e9;
    const char *comma = "";

    if (load->latency_count > 0)
        qsort(load->latencies_us, load->latency_count, sizeof(*load->latencies_us), compare);
    printf("{\"requests\":%" PRIu64 ",\"seconds\":%.6f,\"per_second\":%.1f,\"failed\":%" PRIu64 ",\"broken\":%" PRIu64
           ",\"bytes\":%" PRIu64 ",\"next\":%" PRIu64,
           load->finished, seconds, seconds > 0 ? (double)load->finished / seconds : 0.0, load->failed, load->broken,
           load->bytes, load->next_number);
    printf(",\"min_us\":%u,\"p50_us\":%u,\"p95_us\":%u,\"p99_us\":%u,\"max_us\":%u,\"statuses\":{", percentile(load, 0),
           percentile(load, 0.5), percentile(load, 0.95), percentile(load, 0.99), percentile(load, 1));
    for (int status = 0; status < STATUS_LIMIT; status++) {
        if (load->statuses[status] == 0)
            continue;
        printf("%s\"%d\":%" PRIu64, comma, status, load->statuses[status]);
        comma = ",";
    }
    printf("},\"first_failure\":");
    print_quoted(load->first_failure);
    printf("}\n");
}

static const struct option options[] = {
    { "address", required_argument, NULL, 'a' },
    { "port", required_argument, NULL, 'p' },
    { "connections", required_argument, NULL, 'c' },
    { "requests", required_argument, NULL, 'n' },
    { "seconds", required_argument, NULL, 't' },
    { "method", required_argument, NULL, 'm' },
    { "path", required_argument, NULL, 'u' },
    { "body", required_argument, NULL, 'b' },
    { "start", required_argument, NULL, 's' },
    { "expect", required_argument, NULL, 'e' },
    { "reconnect", no_argument, NULL, 'r' },
    { "acknowledged", required_argument, NULL, 'k' },
    { 0 },
};

int main(int argc, char **argv)
{
    struct load load = { .method = "GET", .path = "/", .connections = 1 };
    int option;

    load.address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'a':
            if (inet_pton(AF_INET, optarg, &load.address.sin_addr) != 1)
                die(optarg);
            break;
        case 'p': load.address.sin_port = htons((uint16_t)atoi(optarg)); break;
        case 'c': load.connections = atoi(optarg); break;
        case 'n': load.requests = strtoull(optarg, NULL, 10); break;
        case 't': load.seconds = atof(optarg); break;
        case 'm': load.method = optarg; break;
        case 'u': load.path = optarg; break;
        case 'b': load.body = optarg; break;
        case 's': load.next_number = load.first_number = strtoull(optarg, NULL, 10); break;
        case 'e': load.expected = atoi(optarg); break;
        case 'r': load.reconnect = true; break;
        case 'k':
            load.acknowledged = fopen(optarg, "w");
            if (!load.acknowledged)
                die(optarg);
            break;
        default:
            fprintf(stderr,
                    "usage: load --port P [--address A] [--connections N] [--requests N | --seconds S] [--method M]\n"
                    "            [--path P] [--body B] [--start N] [--expect STATUS] [--reconnect] [--acknowledged "
                    "FILE]\n");
            return 2;
        }
    }
    if (load.address.sin_port == 0 || load.connections < 1 || (load.requests == 0 && load.seconds <= 0)) {
        fprintf(stderr, "load: a port, connections, and requests or seconds are needed\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, told_to_stop);
    signal(SIGINT, told_to_stop);
    run(&load);
    if (load.acknowledged)
        fclose(load.acknowledged);
    report(&load);
    return load.failed > 0 || (load.broken > 0 && !load.reconnect) ? 1 : 0;
}
