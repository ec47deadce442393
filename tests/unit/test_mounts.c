/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is mounted, as the kernel prints it. */
#include "drivers/mounts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"

static const char text[] =
    "22 27 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
    "31 1 230:16 / /mnt/a\\040b rw,relatime shared:1 master:2 - ext4 /dev/zd\\04016 rw,stripe=4\n"
    "32 1 230:32 /inside /mnt/ro rw,relatime - xfs /dev/zd32 ro,attr2\n"
    "33 1 230:48 / /mnt/seen rw - ext4 /dev/zd48 rw,errors=remount-ro\n"
    "34 1 0:45 /@ /mnt/tree ro,relatime - btrfs /dev/zd64 rw,space_cache=v2,subvolid=256\n"
    "35 1 230:80 / /mnt/bare rw -\n"
    "nothing that is known\n"
    "36 1 230:96 / /mnt/short rw - ext4 /dev/zd96\n";

struct seen {
    int count;
    struct mount_entry entries[8];
    char places[8][32], sources[8][32];
};

static void note(const struct mount_entry *entry, void *owner)
{
    struct seen *seen = owner;

    assert_in_range(seen->count, 0, 7);
    seen->entries[seen->count] = *entry;
    strcpy(seen->places[seen->count], entry->place);
    strcpy(seen->sources[seen->count], entry->source);
    seen->count++;
}

static void test_lines(void **state)
{
    char path[] = "/tmp/test_mountsXXXXXX";
    struct seen seen = { 0 };
    int file = mkstemp(path);

    (void)state;
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    close(file);
    mounts_walk(path, note, &seen);
    unlink(path);
    assert_int_equal(seen.count, 6);
    assert_string_equal(seen.places[0], "/sys");
    assert_int_equal(seen.entries[1].id, 31);
    assert_true(seen.entries[1].device == makedev(230, 16));
    assert_string_equal(seen.places[1], "/mnt/a b");
    assert_string_equal(seen.sources[1], "/dev/zd 16");
    assert_false(seen.entries[1].is_read_only);
    assert_string_equal(seen.places[2], "/mnt/ro");
    assert_true(seen.entries[2].is_read_only);
    assert_false(seen.entries[3].is_read_only);
    /* Only this mount of it is read-only. */
    assert_false(seen.entries[4].is_read_only);
    assert_string_equal(seen.sources[4], "/dev/zd64");
    assert_string_equal(seen.places[5], "/mnt/short");
    assert_false(seen.entries[5].is_read_only);
}

static void test_nothing(void **state)
{
    struct seen seen = { 0 };

    (void)state;
    mounts_walk("/tmp/there is no such file", note, &seen);
    assert_int_equal(seen.count, 0);
}

static void test_lies_on(void **state)
{
    struct mount_entry entry = { .device = makedev(230, 16), .place = "/mnt", .source = "tmpfs" };

    (void)state;
    assert_true(mounts_lies_on(&entry, makedev(230, 16)));
    assert_false(mounts_lies_on(&entry, makedev(230, 32)));
    assert_false(mounts_is_node_of("/dev/null", makedev(1, 3))); /* no block device */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_lies_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
