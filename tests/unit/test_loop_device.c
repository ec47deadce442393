/* SPDX-License-Identifier: GPL-3.0-or-later */
/* On the kernel's own loop devices: needs root and /dev/loop-control, and skips without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "drivers/loop_device.h"

enum { WORKERS = 4, EACH = 12, ROUNDS = 60, MOST_ADDED = 17 };

static char directory[64];

static bool exists(int number)
{
    char path[64];

    snprintf(path, sizeof(path), "/sys/block/loop%d", number);
    return access(path, F_OK) == 0;
}

static bool is_bound(int number)
{
    char path[64];

    snprintf(path, sizeof(path), "/sys/block/loop%d/loop/backing_file", number);
    return access(path, F_OK) == 0;
}

static void make_file(const char *path)
{
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    assert_true(file >= 0);
    assert_int_equal(ftruncate(file, 1 << 20), 0);
    close(file);
}

static char *file_path(int number)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%d.img", directory, number);
    return path;
}

static int attach(struct loop_cursor *cursor, int file)
{
    char device[LOOP_DEVICE_NAME_SIZE];
    int64_t size_kib = 0;

    make_file(file_path(file));
    assert_int_equal(loop_device_attach(file_path(file), cursor, device, &size_kib), 0);
    assert_int_equal(size_kib, 1024);
    return atoi(device + strlen("/dev/loop"));
}

static void detach(int number, int file)
{
    char device[LOOP_DEVICE_NAME_SIZE];

    snprintf(device, sizeof(device), "/dev/loop%d", number);
    assert_int_equal(loop_device_detach(device, file_path(file)), 0);
    unlink(file_path(file));
}

static int set_up(void **state)
{
    (void)state;
    if (loop_device_check() != 0)
        return 0;
    snprintf(directory, sizeof(directory), "/tmp/linstor-test-loop-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    if (directory[0])
        rmdir(directory);
    return 0;
}

static void need_devices(void)
{
    if (!directory[0])
        skip();
}

/* The kernel is asked for the lowest free number only when nothing is known. */
static void goes_on_where_it_was(void **state)
{
    struct loop_cursor cursor = { 0 };
    int first, second, at;

    (void)state;
    need_devices();
    first = attach(&cursor, 0);
    second = attach(&cursor, 1);
    assert_true(is_bound(first) && is_bound(second));
    assert_true(second > first);
    detach(first, 0);
    cursor.room = 1; /* if it was the last */
    at = attach(&cursor, 0);
    assert_true(at > second);
    detach(second, 1);
    detach(at, 0);
    assert_false(is_bound(at));
}

/* A number that somebody else took after we had looked is passed over. */
static void passes_what_is_taken(void **state)
{
    struct loop_cursor cursor = { 0 }, other = { 0 };
    int first, taken, next;

    (void)state;
    need_devices();
    first = attach(&cursor, 0);
    other = cursor;
    taken = attach(&other, 1);
    next = attach(&cursor, 2);
    assert_true(next > taken && taken > first);
    detach(first, 0);
    detach(taken, 1);
    detach(next, 2);
}

/* A cursor that points to where there is nothing, and may add nothing, asks the kernel. */
static void beyond_the_end_the_kernel_is_asked(void **state)
{
    struct loop_cursor cursor = { .next = (1 << 20) - 8 };
    int number;

    (void)state;
    need_devices();
    number = attach(&cursor, 0);
    assert_true(number < (1 << 20) - 8);
    assert_int_equal(cursor.next, number + 1);
    detach(number, 0);
}

/* What is attached and detached for ever does not make devices for ever. */
static void the_number_of_devices_is_bounded(void **state)
{
    struct loop_cursor cursor = { 0 };
    int last = 0, added = 0;

    (void)state;
    need_devices();
    while (exists(last))
        last++;
    for (int i = 0; i < ROUNDS; i++) {
        int number = attach(&cursor, 0);

        added += number >= last && number >= last + added;
        detach(number, 0);
    }
    assert_true(added <= MOST_ADDED);
}

static void attach_some(int worker, int out)
{
    struct loop_cursor cursor = { 0 };

    for (int i = 0; i < EACH; i++) {
        int pair[2] = { 0, 100 + worker * EACH + i };

        pair[0] = attach(&cursor, pair[1]);
        if (write(out, pair, sizeof(pair)) != sizeof(pair))
            _exit(1);
    }
    _exit(0);
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Workers of several satellites at the same time. */
static void workers_do_not_share(void **state)
{
    int ends[2], got[WORKERS * EACH][2], status;
    pid_t children[WORKERS];

    (void)state;
    need_devices();
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < WORKERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            attach_some(i, ends[1]);
    }
    for (int i = 0; i < WORKERS * EACH; i++)
        assert_int_equal(read(ends[0], got[i], sizeof(got[i])), sizeof(got[i]));
    for (int i = 0; i < WORKERS; i++)
        assert_true(waitpid(children[i], &status, 0) == children[i] && status == 0);
    qsort(got, WORKERS * EACH, sizeof(got[0]), compare);
    for (int i = 1; i < WORKERS * EACH; i++)
        assert_int_not_equal(got[i][0], got[i - 1][0]);
    for (int i = 0; i < WORKERS * EACH; i++)
        detach(got[i][0], got[i][1]);
    close(ends[0]);
    close(ends[1]);
}

/* Somebody who has the device open for a while, as udev's probes do. Returns when it is open. */
static pid_t visit(const char *device, int flags, int stay_ms)
{
    struct timespec stay = { .tv_sec = stay_ms / 1000, .tv_nsec = stay_ms % 1000 * 1000000L };
    int ends[2], file;
    pid_t child;
    char byte = 0;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        file = open(device, O_RDONLY | O_CLOEXEC | flags);
        if (file < 0 || write(ends[1], &byte, 1) != 1)
            _exit(1);
        nanosleep(&stay, NULL);
        _exit(0);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    return child;
}

static void detach_visited(int flags, int stay_ms, int result)
{
    struct loop_cursor cursor = { 0 };
    int number = attach(&cursor, 0), status;
    char device[LOOP_DEVICE_NAME_SIZE];
    pid_t child;

    snprintf(device, sizeof(device), "/dev/loop%d", number);
    child = visit(device, flags, stay_ms);
    assert_int_equal(loop_device_detach(device, file_path(0)), result);
    assert_int_equal(is_bound(number), result != 0);
    assert_true(waitpid(child, &status, 0) == child && status == 0);
    if (result == 0)
        unlink(file_path(0));
    else
        detach(number, 0);
}

static void visitors_are_waited_for(void **state)
{
    (void)state;
    need_devices();
    detach_visited(0, 800, 0);
    detach_visited(O_EXCL, 50, 0);
}

static void who_stays_is_told_of(void **state)
{
    (void)state;
    need_devices();
    detach_visited(O_EXCL, 8000, -EBUSY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_on_where_it_was),
        cmocka_unit_test(passes_what_is_taken),
        cmocka_unit_test(beyond_the_end_the_kernel_is_asked),
        cmocka_unit_test(the_number_of_devices_is_bounded),
        cmocka_unit_test(workers_do_not_share),
        cmocka_unit_test(visitors_are_waited_for),
        cmocka_unit_test(who_stays_is_told_of),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
