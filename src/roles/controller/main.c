/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "roles/controller/service.h"
#include "roles/role.h"

static void stop(void *owner)
{
    service_stop(owner);
}

static int usage(FILE *out, int status)
{
    fputs("usage: linstor-controller [--data-dir DIR] [--listen ADDRESS[:PORT]] [--log-level LEVEL]\n", out);
    return status;
}

/* "[::]:3370", "127.0.0.1:3370", "::1", ":3370" */
static bool parse_listen(char *text, const char **address, int *port)
{
    char *colon = strrchr(text, ':');
    int64_t number;

    if (text[0] == '[') {
        char *end = strchr(text, ']');

        if (!end)
            return false;
        *end = '\0';
        *address = text + 1;
        colon = end[1] == ':' ? end + 1 : NULL;
        if (!colon)
            return end[1] == '\0';
    } else {
        if (colon && strchr(text, ':') != colon)
            colon = NULL; /* an IPv6 address without port */
        if (colon)
            *colon = '\0';
        if (*text)
            *address = text;
    }
    if (!colon)
        return true;
    if (!text_parse_i64(colon + 1, 0, 65535, &number))
        return false;
    *port = (int)number;
    return true;
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {
        { "data-dir", required_argument, NULL, 'd' }, { "listen", required_argument, NULL, 'l' },
        { "log-level", required_argument, NULL, 'L' }, { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'v' },         { 0 },
    };
    const char *data_directory = "/var/lib/linstor", *address = "::";
    struct service service;
    enum log_level level;
    struct loop *loop;
    int port = 3370, option, status = 1;

    while ((option = getopt_long(argc, argv, "d:l:L:hv", options, NULL)) != -1) {
        switch (option) {
        case 'd': data_directory = optarg; break;
        case 'l':
            if (!parse_listen(optarg, &address, &port))
                return usage(stderr, 2);
            break;
        case 'L':
            if (!log_level_parse(optarg, &level))
                return usage(stderr, 2);
            log_set_level(level);
            break;
        case 'h': return usage(stdout, 0);
        case 'v': return printf("linstor-controller %s\n", PROGRAM_VERSION) < 0;
        default: return usage(stderr, 2);
        }
    }
    signal(SIGPIPE, SIG_IGN);
    loop = loop_new();
    loop_on_signal(loop, SIGTERM, stop, &service);
    loop_on_signal(loop, SIGINT, stop, &service);
    if (service_init(&service, loop, data_directory, address, port) == 0) {
        loop_run(loop);
        status = 0;
    }
    service_done(&service);
    loop_free(loop);
    return status;
}

const struct role role_controller = {
    .name = "controller",
    .summary = "keeps the desired state of the cluster and answers REST",
    .main = run,
};
