/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Superblocks of bcache, on files: the steps that change them do not ask whether it is a device. */
#include "drivers/call_bcache.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "drivers/call.h"
#include "drivers/call_cache.h"

enum { SIZE = 1024 * 1024, PLACE = 4096, FLAGS_AT = 104 };

#define SET "66666666-7777-4888-8999-aaaaaaaaaaaa"
#define NEW "01234567-89ab-4cde-8f01-23456789abcd"

/* What make-bcache writes for a device with 1 MiB in front of its data. */
static const unsigned char begin[] = {
    0x59, 0x6b, 0x37, 0x75, 0xbc, 0x92, 0xfc, 0xd2, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xc6, 0x85, 0x73, 0xf6, 0x4e, 0x1a, 0x45, 0xca, 0x82, 0x65, 0xf5, 0x7f,
    0x48, 0xba, 0x6d, 0x81, 0x35, 0x44, 0xa5, 0xe7, 0x97, 0x47, 0x43, 0xa7, 0xad, 0x74, 0x37, 0x4e, 0xc1, 0xdf,
    0xdc, 0xf3, 0x66, 0x66, 0x66, 0x66, 0x77, 0x77, 0x48, 0x88, 0x89, 0x99, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa,
};
static const unsigned char end[] = { 0x00, 0x08, 0, 0, 0, 0, 0, 0, 0x08, 0x00, 0x00, 0x04 };
/* Of the same one when the kernel has noted that the cache holds data. */
static const unsigned char dirty_sum[] = { 0xbd, 0x96, 0x8e, 0x5c, 0xbf, 0x86, 0x0f, 0x41 };

static char path[] = "/tmp/test-bcache-XXXXXX";

static void make_superblock(unsigned char bytes[static BCACHE_SUPERBLOCK])
{
    memset(bytes, 0, BCACHE_SUPERBLOCK);
    memcpy(bytes, begin, sizeof(begin));
    memcpy(bytes + 184, end, sizeof(end));
}

/* Full of what may not be lost, with a superblock. */
static void make_image(unsigned char *image)
{
    int descriptor = open(path, O_RDWR | O_TRUNC | O_CLOEXEC);

    for (int i = 0; i < SIZE; i++)
        image[i] = (unsigned char)(i * 7 + i / 4096 + 1);
    make_superblock(image + PLACE);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, image, SIZE), SIZE);
    close(descriptor);
}

static void read_image(unsigned char *image)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);

    assert_true(descriptor >= 0);
    assert_int_equal(read(descriptor, image, SIZE), SIZE);
    close(descriptor);
}

/* The errno of the step; all but the superblock is what it was. */
static int change(enum step_kind kind, const char *set, unsigned char after[static BCACHE_SUPERBLOCK])
{
    struct step step = { .kind = kind, .path = path, .text = (char *)(uintptr_t)set, .authority = (char[]){ "test" } };
    unsigned char *before = malloc(SIZE), *image = malloc(SIZE);
    struct loop_cursor cursor = { 0 };
    struct outcome outcome = { 0 };
    struct arena arena = { 0 };

    assert_non_null(before);
    assert_non_null(image);
    make_image(before);
    call_run(&step, &outcome, &cursor, &arena);
    read_image(image);
    memcpy(after, image + PLACE, BCACHE_SUPERBLOCK);
    memcpy(image + PLACE, before + PLACE, BCACHE_SUPERBLOCK);
    assert_memory_equal(image, before, SIZE);
    arena_done(&arena);
    free(before);
    free(image);
    return outcome.error;
}

static void test_superblock_is_read(void **state)
{
    unsigned char bytes[BCACHE_SUPERBLOCK];
    struct found_device found = { 0 };
    struct arena arena = { 0 };

    (void)state;
    make_superblock(bytes);
    assert_true(cache_read_bcache(bytes, &found, &arena));
    assert_int_equal(found.content, CONTENT_BCACHE_DATA);
    assert_int_equal(found.data_sector, 2048);
    assert_string_equal(found.uuid, "3544a5e7-9747-43a7-ad74-374ec1dfdcf3");
    assert_string_equal(found.set_uuid, SET);
    bytes[16] = 1; /* the version without a place for it */
    assert_true(cache_read_bcache(bytes, &found, &arena));
    assert_int_equal(found.data_sector, 16);
    bytes[16] = 3;
    assert_true(cache_read_bcache(bytes, &found, &arena));
    assert_int_equal(found.content, CONTENT_BCACHE_CACHE);
    assert_int_equal(found.data_sector, 0);
    arena_done(&arena);
}

static bool tool_says(const char *line)
{
    char command[256];

    snprintf(command, sizeof(command), "PATH=$PATH:/usr/sbin bcache-super-show -f %s | grep -q '%s'", path, line);
    return system(command) == 0;
}

static void test_copy_gets_a_superblock_of_its_own(void **state)
{
    unsigned char bytes[BCACHE_SUPERBLOCK];
    struct found_device found = { 0 };
    struct arena arena = { 0 };

    (void)state;
    assert_int_equal(change(STEP_BCACHE_RENEW, NEW, bytes), 0);
    assert_true(cache_read_bcache(bytes, &found, &arena));
    assert_string_equal(found.set_uuid, NEW);
    assert_string_not_equal(found.uuid, "3544a5e7-9747-43a7-ad74-374ec1dfdcf3");
    assert_int_equal(found.data_sector, 2048);
    if (system("PATH=$PATH:/usr/sbin command -v bcache-super-show >/dev/null") == 0) {
        assert_true(tool_says("sb.csum.*match"));
        assert_true(tool_says("cset.uuid.*" NEW));
        assert_true(tool_says("cache_state.*detached"));
    }
    arena_done(&arena);
}

static void test_what_a_cache_held_back_is_not_forgotten(void **state)
{
    unsigned char bytes[BCACHE_SUPERBLOCK], other[BCACHE_SUPERBLOCK];
    struct arena arena = { 0 };

    (void)state;
    make_superblock(bytes);
    assert_int_equal(bcache_renew(bytes, NEW, &arena), 0);
    memcpy(other, bytes, sizeof(other));
    assert_int_equal(bcache_renew(other, NEW, &arena), 0);
    assert_memory_equal(other, bytes, sizeof(other));
    make_superblock(bytes);
    bytes[FLAGS_AT + 7] |= 0x40;
    memcpy(other, bytes, sizeof(other));
    assert_int_equal(bcache_renew(other, NEW, &arena), -EINVAL); /* its checksum is wrong */
    memcpy(bytes, dirty_sum, sizeof(dirty_sum));
    memcpy(other, bytes, sizeof(other));
    assert_int_equal(bcache_renew(other, NEW, &arena), -EUCLEAN);
    assert_memory_equal(other, bytes, sizeof(other));
    arena_done(&arena);
}

static void test_only_a_known_superblock_is_wiped(void **state)
{
    unsigned char bytes[BCACHE_SUPERBLOCK], zeroes[BCACHE_SUPERBLOCK] = { 0 }, whole[BCACHE_SUPERBLOCK];

    (void)state;
    make_superblock(whole);
    assert_int_equal(change(STEP_BCACHE_WIPE, NEW, bytes), ESTALE);
    assert_memory_equal(bytes, whole, sizeof(bytes));
    assert_int_equal(change(STEP_BCACHE_WIPE, SET, bytes), 0);
    assert_memory_equal(bytes, zeroes, sizeof(bytes));
}

static int remove_image(void **state)
{
    (void)state;
    return unlink(path);
}

static int create_image(void **state)
{
    int descriptor = mkstemp(path);

    (void)state;
    return descriptor < 0 ? -1 : close(descriptor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_superblock_is_read),
        cmocka_unit_test(test_copy_gets_a_superblock_of_its_own),
        cmocka_unit_test(test_what_a_cache_held_back_is_not_forgotten),
        cmocka_unit_test(test_only_a_known_superblock_is_wiped),
    };

    return cmocka_run_group_tests(tests, create_image, remove_image);
}
