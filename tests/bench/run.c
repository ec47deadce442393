/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How long a command takes from exec to its end, its output thrown away. Prints one JSON object: {"ms": [one for each
 * run]}.
 *
 *     run COUNT COMMAND...
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double now_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
    int count = argc > 2 ? atoi(argv[1]) : 0;
    posix_spawn_file_actions_t actions;

    if (count < 1) {
        fprintf(stderr, "usage: run COUNT COMMAND...\n");
        return 2;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    printf("{\"ms\":[");
    for (int i = 0; i < count; i++) {
        double began = now_ms();
        int status;
        pid_t pid;

        if (posix_spawnp(&pid, argv[2], &actions, NULL, argv + 2, environ) != 0 || waitpid(pid, &status, 0) != pid ||
            !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            fprintf(stderr, "run: %s failed\n", argv[2]);
            return 1;
        }
        printf("%s%.3f", i > 0 ? "," : "", now_ms() - began);
    }
    printf("]}\n");
    posix_spawn_file_actions_destroy(&actions);
    return 0;
}
