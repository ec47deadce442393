/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/notify.h"

/* A manager's socket at a path, or, when it begins with '@', in the abstract name space. */
static int listen_at(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    assert_true(fd >= 0);
    assert_int_equal(
        bind(fd, (const struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))),
        0);
    return fd;
}

static void check_told(const char *path)
{
    int fd = listen_at(path);
    char text[64] = "";

    setenv("NOTIFY_SOCKET", path, 1);
    notify_manager("READY=1");
    assert_int_equal(recv(fd, text, sizeof(text), 0), 7);
    assert_string_equal(text, "READY=1");
    assert_true(recv(fd, text, sizeof(text), 0) < 0);
    close(fd);
}

static void test_path(void **state)
{
    char path[64];

    (void)state;
    snprintf(path, sizeof(path), "/tmp/test_notify.%d", (int)getpid());
    check_told(path);
    unlink(path);
    notify_manager("READY=1"); /* nobody is there: not an error of ours */
}

static void test_abstract(void **state)
{
    char path[64];

    (void)state;
    snprintf(path, sizeof(path), "@test_notify.%d", (int)getpid());
    check_told(path);
}

static void test_nobody(void **state)
{
    char path[200];

    (void)state;
    unsetenv("NOTIFY_SOCKET");
    notify_manager("READY=1");
    setenv("NOTIFY_SOCKET", "", 1);
    notify_manager("READY=1");
    setenv("NOTIFY_SOCKET", "vsock:2:1234", 1);
    notify_manager("READY=1");
    setenv("NOTIFY_SOCKET", "@", 1);
    notify_manager("READY=1");
    memset(path, 'x', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    setenv("NOTIFY_SOCKET", path, 1);
    notify_manager("READY=1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_abstract),
        cmocka_unit_test(test_nobody),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
