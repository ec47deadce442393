/* SPDX-License-Identifier: GPL-3.0-or-later */
/* On the kernel's own loop devices: needs root and /dev/loop-control, and skips without. */
#include "drivers/in_use.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "drivers/loop_device.h"

struct bench {
    char directory[64], image[80], place[80], device[LOOP_DEVICE_NAME_SIZE];
};

static void set_up_bench(struct bench *bench)
{
    struct loop_cursor cursor = { 0 };
    int64_t size_kib;
    int file;

    if (loop_device_check() != 0)
        skip();
    snprintf(bench->directory, sizeof(bench->directory), "/tmp/linstor-test-use-XXXXXX");
    assert_non_null(mkdtemp(bench->directory));
    snprintf(bench->image, sizeof(bench->image), "%s/x.img", bench->directory);
    snprintf(bench->place, sizeof(bench->place), "%s/a b", bench->directory);
    assert_int_equal(mkdir(bench->place, 0700), 0);
    file = open(bench->image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file >= 0 && ftruncate(file, 4 << 20) == 0);
    close(file);
    assert_int_equal(loop_device_attach(bench->image, &cursor, bench->device, &size_kib), 0);
}

static void tear_down_bench(const struct bench *bench)
{
    assert_int_equal(loop_device_detach(bench->device, bench->image), 0);
    assert_int_equal(unlink(bench->image), 0);
    assert_int_equal(rmdir(bench->place), 0);
    assert_int_equal(rmdir(bench->directory), 0);
}

static void programs_are_named(void **state)
{
    struct arena arena = { 0 };
    struct bench bench;
    char wanted[160];
    char *text;
    int file;

    (void)state;
    set_up_bench(&bench);
    file = open(bench.device, O_RDONLY | O_CLOEXEC);
    assert_true(file >= 0);
    text = in_use_describe(bench.device, &arena);
    snprintf(wanted, sizeof(wanted), "in use: open in test_in_use (process %d)", getpid());
    assert_non_null(text);
    assert_true(strncmp(text, bench.device, strlen(bench.device)) == 0);
    assert_non_null(strstr(text, wanted));
    close(file);
    arena_done(&arena);
    tear_down_bench(&bench);
}

static void mounts_are_named(void **state)
{
    struct arena arena = { 0 };
    struct bench bench;
    char wanted[240], command[120];
    char *text;

    (void)state;
    set_up_bench(&bench);
    snprintf(command, sizeof(command), "mkfs.ext4 -q %s", bench.device);
    if (system(command) != 0 || mount(bench.device, bench.place, "ext4", 0, NULL) < 0) {
        tear_down_bench(&bench);
        skip();
    }
    text = in_use_describe(bench.device, &arena);
    assert_int_equal(umount2(bench.place, 0), 0);
    snprintf(wanted, sizeof(wanted), "%s is in use: mounted at %s/a b", bench.device, bench.directory);
    assert_non_null(text);
    assert_string_equal(text, wanted);
    arena_done(&arena);
    tear_down_bench(&bench);
}

static void nothing_is_said_of_others(void **state)
{
    struct arena arena = { 0 };

    (void)state;
    assert_null(in_use_describe("/dev/null", &arena));
    assert_null(in_use_describe("/dev/not-there", &arena));
    assert_null(in_use_describe("/", &arena));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_are_named),
        cmocka_unit_test(mounts_are_named),
        cmocka_unit_test(nothing_is_said_of_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
