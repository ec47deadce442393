/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How long a server takes from exec, or from its SIGKILL, until it answers a request with 200. Prints one JSON object:
 * {"pid": of the running server, "ms": [one for each start]}. The server is left running. With --kills it is killed so
 * many times, each after a pause of random length, and started again at once.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POLL_US = 100, GIVE_UP_MS = 60000 };

struct server {
    struct sockaddr_in address;
    const char *path, *log;
    char **argv;
    pid_t pid;
};

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void sleep_us(long us)
{
    struct timespec time = { us / 1000000, us % 1000000 * 1000 };

    nanosleep(&time, NULL);
}

static void launch(struct server *server)
{
    server->pid = fork();
    if (server->pid == 0) {
        int null = open("/dev/null", O_RDONLY), log = open(server->log, O_WRONLY | O_CREAT | O_APPEND, 0600);

        setsid();
        if (null < 0 || log < 0)
            _exit(126);
        dup2(null, 0);
        dup2(log, 1);
        dup2(log, 2);
        execvp(server->argv[0], server->argv);
        _exit(127);
    }
    if (server->pid < 0) {
        perror("start: fork");
        exit(1);
    }
}

static bool answers(const struct server *server)
{
    char text[1024];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int length =
        snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n", server->path);
    bool is_good = false;

    if (connect(fd, (const struct sockaddr *)&server->address, sizeof(server->address)) == 0 &&
        write(fd, text, (size_t)length) == length) {
        ssize_t got = read(fd, text, sizeof(text) - 1);

        text[got > 0 ? got : 0] = '\0';
        is_good = strncmp(text, "HTTP/1.", 7) == 0 && strncmp(text + 8, " 200", 4) == 0;
    }
    close(fd);
    return is_good;
}

/* Milliseconds since began. */
static double await_answer(struct server *server, double began)
{
    while (!answers(server)) {
        int status;

        if (waitpid(server->pid, &status, WNOHANG) == server->pid) {
            fprintf(stderr, "start: the server ended with status %d\n", WEXITSTATUS(status));
            exit(1);
        }
        if (now_ms() - began > GIVE_UP_MS) {
            fprintf(stderr, "start: no answer\n");
            kill(server->pid, SIGKILL);
            exit(1);
        }
        sleep_us(POLL_US);
    }
    return now_ms() - began;
}

static const struct option options[] = {
    { "address", required_argument, NULL, 'a' },
    { "port", required_argument, NULL, 'p' },
    { "path", required_argument, NULL, 'u' },
    { "log", required_argument, NULL, 'l' },
    { "kills", required_argument, NULL, 'k' },
    { "pause-ms", required_argument, NULL, 'w' },
    { 0 },
};

int main(int argc, char **argv)
{
    struct server server = { .path = "/v1/controller/version", .log = "/dev/null" };
    int option, kills = 0, pause_ms = 50;
    unsigned seed = 1;
    double began;

    server.address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        switch (option) {
        case 'a':
            if (inet_pton(AF_INET, optarg, &server.address.sin_addr) != 1)
                return 2;
            break;
        case 'p': server.address.sin_port = htons((uint16_t)atoi(optarg)); break;
        case 'u': server.path = optarg; break;
        case 'l': server.log = optarg; break;
        case 'k': kills = atoi(optarg); break;
        case 'w': pause_ms = atoi(optarg); break;
        default: optind = argc; break;
        }
    }
    server.argv = argv + optind;
    if (!server.argv[0] || server.address.sin_port == 0) {
        fprintf(stderr,
                "usage: start --port P [--address A] [--path P] [--log FILE] [--kills N] [--pause-ms N] COMMAND...\n");
        return 2;
    }
    began = now_ms();
    launch(&server);
    printf("{\"ms\":[%.3f", await_answer(&server, began));
    for (int i = 0; i < kills; i++) {
        sleep_us(rand_r(&seed) % (pause_ms * 1000));
        began = now_ms();
        kill(server.pid, SIGKILL);
        waitpid(server.pid, NULL, 0);
        launch(&server);
        printf(",%.3f", await_answer(&server, began));
    }
    printf("],\"pid\":%d}\n", (int)server.pid);
    return 0;
}
