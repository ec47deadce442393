/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the bench runs inside a test machine, linked statically so that it needs nothing of the guest.
 *
 *   agent serve PORT                     as process 1: runs commands for the host, one TCP connection each
 *   agent pattern write|check DEVICE SEED MIB SKIP
 *                                        data that can be recognised, past the page cache, from the MiB SKIP on
 *   agent await FILE SECONDS             until something was written into the file; status 1: not in that time
 *   agent discard DEVICE...              all that is on these disks
 *
 * A frame is one letter, a 32 bit length in network order, and so many bytes.
 *   to the host    H hello (the host name), O bytes of stdout, E bytes of stderr, X exit status (4 bytes),
 *                  T killed: out of time
 *   to the guest   R run (4 bytes: milliseconds; then a shell script), I bytes of stdin (none: end of file)
 *
 * A command has a process group of its own, which is killed when its time is over or the host hangs up. Whatever it
 * left in the background in a session of its own stays.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024, SCRIPT_MOST = 1024 * 1024, MIB = 1024 * 1024, BLOCK = 4096 };

static bool write_all(int fd, const void *data, size_t length)
{
    const char *from = data;

    while (length > 0) {
        ssize_t done = write(fd, from, length);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        from += done;
        length -= (size_t)done;
    }
    return true;
}

static bool read_all(int fd, void *data, size_t length)
{
    char *to = data;

    while (length > 0) {
        ssize_t done = read(fd, to, length);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        to += done;
        length -= (size_t)done;
    }
    return true;
}

static bool frame_write(int host, char kind, const void *data, size_t length)
{
    char head[5] = { kind };
    uint32_t size = htonl((uint32_t)length);

    memcpy(head + 1, &size, sizeof(size));
    return write_all(host, head, sizeof(head)) && write_all(host, data, length);
}

static bool frame_read_head(int host, char *kind, uint32_t *length)
{
    char head[5];

    if (!read_all(host, head, sizeof(head)))
        return false;
    *kind = head[0];
    memcpy(length, head + 1, sizeof(*length));
    *length = ntohl(*length);
    return true;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The running command, and what of its stdin has not been taken yet. */
struct command {
    pid_t pid;
    int pidfd;
    int in, out, err; /* our ends of its pipes, -1 once closed */
    char pending[CHUNK];
    size_t pending_from, pending_to;
    bool input_ended;
};

static void close_once(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static bool command_start(struct command *command, const char *script)
{
    int in[2], out[2], err[2];

    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
        return false;
    command->pid = fork();
    if (command->pid < 0)
        return false;
    if (command->pid == 0) {
        setpgid(0, 0);
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        dup2(err[1], STDERR_FILENO);
        signal(SIGPIPE, SIG_DFL);
        execl("/bin/sh", "sh", "-c", script, (char *)NULL);
        _exit(127);
    }
    setpgid(command->pid, command->pid);
    close(in[0]);
    close(out[1]);
    close(err[1]);
    command->in = in[1];
    command->out = out[0];
    command->err = err[0];
    fcntl(command->in, F_SETFL, O_NONBLOCK);
    command->pidfd = (int)syscall(SYS_pidfd_open, command->pid, 0);
    return command->pidfd >= 0;
}

/* Takes stdin from the host; only called when nothing is pending. */
static bool command_take_input(struct command *command, int host)
{
    char kind;
    uint32_t length;

    if (!frame_read_head(host, &kind, &length) || kind != 'I' || length > CHUNK ||
        !read_all(host, command->pending, length))
        return false;
    command->pending_from = 0;
    command->pending_to = length;
    command->input_ended = length == 0;
    return true;
}

static void command_give_input(struct command *command)
{
    ssize_t done =
        write(command->in, command->pending + command->pending_from, command->pending_to - command->pending_from);

    if (done > 0)
        command->pending_from += (size_t)done;
    else if (errno != EAGAIN && errno != EINTR) { /* it reads no more: the rest is thrown away */
        command->pending_from = command->pending_to;
        close_once(&command->in);
    }
}

static bool command_pass_output(int *fd, int host, char kind)
{
    char data[CHUNK];
    ssize_t length = read(*fd, data, sizeof(data));

    if (length <= 0) {
        close_once(fd);
        return true;
    }
    return frame_write(host, kind, data, (size_t)length);
}

/* Passes bytes on until the command ended and its pipes are empty. True when it ended, false when host or time did. */
static bool command_attend(struct command *command, int host, int64_t deadline_ms, bool *late)
{
    bool ended = false;

    for (;;) {
        bool pending = command->pending_from < command->pending_to;
        int64_t left = deadline_ms - now_ms();
        struct pollfd polled[] = {
            { .fd = ended ? -1 : command->pidfd, .events = POLLIN },
            { .fd = command->out, .events = POLLIN },
            { .fd = command->err, .events = POLLIN },
            { .fd = pending ? command->in : -1, .events = POLLOUT },
            { .fd = pending || ended ? -1 : host, .events = POLLIN },
        };

        if (!ended && left <= 0) {
            *late = true;
            return false;
        }
        int ready = poll(polled, sizeof(polled) / sizeof(*polled), ended ? 0 : (int)left);
        if (ready < 0)
            continue;
        if (ended && ready == 0) /* others may hold the pipes open; they are not waited for */
            return true;
        if (polled[0].revents)
            ended = true;
        if (polled[1].revents && !command_pass_output(&command->out, host, 'O'))
            return false;
        if (polled[2].revents && !command_pass_output(&command->err, host, 'E'))
            return false;
        if (polled[3].revents)
            command_give_input(command);
        if (polled[4].revents && !command_take_input(command, host))
            return false;
        if (command->input_ended)
            close_once(&command->in);
    }
}

static void session(int host)
{
    static struct command command;
    char name[64] = "", kind;
    uint32_t length, timeout_ms, status;
    bool late = false;
    int result;

    gethostname(name, sizeof(name) - 1);
    if (!frame_write(host, 'H', name, strlen(name)) || !frame_read_head(host, &kind, &length) || kind != 'R' ||
        length < sizeof(timeout_ms) || length > SCRIPT_MOST)
        return;
    char *script = calloc(1, length + 1);
    if (!script || !read_all(host, script, length))
        return;
    memcpy(&timeout_ms, script, sizeof(timeout_ms));
    if (!command_start(&command, script + sizeof(timeout_ms)))
        return;
    bool ended = command_attend(&command, host, now_ms() + ntohl(timeout_ms), &late);
    if (!ended)
        kill(-command.pid, SIGKILL);
    waitpid(command.pid, &result, 0);
    if (late)
        frame_write(host, 'T', "", 0);
    status = htonl((uint32_t)(WIFEXITED(result) ? WEXITSTATUS(result) : 128 + WTERMSIG(result)));
    if (ended)
        frame_write(host, 'X', &status, sizeof(status));
    shutdown(host, SHUT_WR);
}

static int serve(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN); /* process 1 inherits orphans; the kernel buries them */
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 64)) {
        perror("agent");
        return 1;
    }
    for (;;) {
        int host = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (host < 0)
            continue;
        setsockopt(host, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (fork() == 0) {
            close(listener);
            signal(SIGCHLD, SIG_DFL);
            session(host);
            _exit(0);
        }
        close(host);
    }
}

/* Each block of 4 KiB holds numbers that follow from the seed and the block's place, so a block of elsewhere is
 * noticed, too. */
static void pattern_fill(uint64_t *buffer, uint64_t seed, uint64_t first_block)
{
    for (size_t block = 0; block < MIB / BLOCK; block++) {
        uint64_t state = (seed * 0x9E3779B97F4A7C15u) ^ ((first_block + block + 1) * 0xD1B54A32D192ED03u);
        for (size_t word = 0; word < BLOCK / sizeof(*buffer); word++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            buffer[block * (BLOCK / sizeof(*buffer)) + word] = state;
        }
    }
}

static int pattern(bool writes, const char *device, uint64_t seed, uint64_t size_mib, uint64_t skip_mib)
{
    uint64_t *wanted = aligned_alloc(BLOCK, MIB), *found = aligned_alloc(BLOCK, MIB);
    int fd = open(device, (writes ? O_WRONLY : O_RDONLY) | O_DIRECT | O_CLOEXEC);

    if (fd < 0 || !wanted || !found) {
        perror(device);
        return 1;
    }
    for (uint64_t at = skip_mib; at < skip_mib + size_mib; at++) {
        off_t offset = (off_t)(at * MIB);
        pattern_fill(wanted, seed, at * (MIB / BLOCK));
        ssize_t done = writes ? pwrite(fd, wanted, MIB, offset) : pread(fd, found, MIB, offset);
        if (done != MIB) {
            fprintf(stderr, "%s: %s at MiB %llu: %s\n", device, writes ? "write" : "read", (unsigned long long)at,
                    done < 0 ? strerror(errno) : "too short");
            return 1;
        }
        for (size_t block = 0; !writes && block < MIB; block += BLOCK) {
            if (memcmp((char *)wanted + block, (char *)found + block, BLOCK) != 0) {
                fprintf(stderr, "%s: other data at byte %llu\n", device, (unsigned long long)offset + block);
                return 2;
            }
        }
    }
    if (writes && fsync(fd)) {
        perror(device);
        return 1;
    }
    return 0;
}

/* A shell that looks again and again starts a process for each of its pauses, on a machine where that is most of the
 * work. */
static int await(const char *file, int seconds)
{
    const struct timespec pause = { .tv_nsec = 10000000 };
    int64_t deadline = now_ms() + seconds * 1000LL;
    struct stat told;

    while (stat(file, &told) || told.st_size == 0) {
        if (now_ms() >= deadline)
            return 1;
        nanosleep(&pause, NULL);
    }
    return 0;
}

/* udev reads it again, too, but only when it watches: not while it is at work on an event of the disk. */
static int forget_partitions(int fd)
{
    const struct timespec pause = { .tv_nsec = 10000000 };
    int64_t deadline = now_ms() + 10000;

    while (ioctl(fd, BLKRRPART)) {
        if (errno != EBUSY || now_ms() >= deadline) /* somebody looks at a partition */
            return -1;
        nanosleep(&pause, NULL);
    }
    return 0;
}

static int discard(char **devices)
{
    for (; *devices; devices++) {
        int fd = open(*devices, O_WRONLY | O_EXCL | O_CLOEXEC);
        uint64_t range[2] = { 0, 0 };
        if (fd < 0 || ioctl(fd, BLKGETSIZE64, &range[1]) || ioctl(fd, BLKDISCARD, range) || forget_partitions(fd)) {
            perror(*devices);
            return 1;
        }
        close(fd);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        return serve(atoi(argv[2]));
    if (argc == 7 && strcmp(argv[1], "pattern") == 0)
        return pattern(strcmp(argv[2], "write") == 0, argv[3], strtoull(argv[4], NULL, 10), strtoull(argv[5], NULL, 10),
                       strtoull(argv[6], NULL, 10));
    if (argc == 4 && strcmp(argv[1], "await") == 0)
        return await(argv[2], atoi(argv[3]));
    if (argc > 2 && strcmp(argv[1], "discard") == 0)
        return discard(argv + 2);
    fprintf(stderr, "usage: agent serve PORT | pattern write|check DEVICE SEED MIB SKIP | await FILE SECONDS | discard "
                    "DEVICE...\n");
    return 2;
}
