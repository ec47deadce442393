/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Answers every request with the bytes of one file, by sendfile: the least that any server can take for so many bytes.
 * Serves one connection after the other until it is ended. Prints the port it listens on.
 *
 *     send FILE
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Requests have no body: one ends with a blank line. False when the client has gone. */
static bool read_request(int fd)
{
    char text[8192];
    size_t length = 0;

    while (length < sizeof(text) - 1) {
        ssize_t got = read(fd, text + length, sizeof(text) - 1 - length);

        if (got <= 0)
            return false;
        length += (size_t)got;
        text[length] = '\0';
        if (strstr(text, "\r\n\r\n"))
            return true;
    }
    return false;
}

static bool answer(int fd, int file, off_t size)
{
    char head[256];
    int length =
        snprintf(head, sizeof(head),
                 "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %lld\r\n\r\n", (long long)size);
    off_t at = 0;

    if (send(fd, head, (size_t)length, MSG_MORE) != length)
        return false;
    while (at < size)
        if (sendfile(fd, file, &at, (size_t)(size - at)) <= 0)
            return false;
    return true;
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
        file = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    struct stat info;

    if (file < 0 || fstat(file, &info) != 0) {
        fprintf(stderr, "usage: send FILE\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(listener, 16) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0) {
        perror("send");
        return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        int fd = accept(listener, NULL, NULL), yes = 1;

        if (fd < 0)
            return 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
        while (read_request(fd) && answer(fd, file, info.st_size))
            ;
        close(fd);
    }
}
