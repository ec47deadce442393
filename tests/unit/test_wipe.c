/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signatures on sparse files: made byte by byte where the format is simple, and by the real tools where they are there.
 * What is left is asked of wipefs.
 */
#include "drivers/wipe.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "drivers/call.h"
#include "drivers/explain.h"

#define MIB 1048576

static char directory[] = "/tmp/test-wipe-XXXXXX";
static char path[sizeof(directory) + 16];

static int open_image(int64_t size)
{
    int descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(descriptor >= 0);
    assert_int_equal(ftruncate(descriptor, size), 0);
    return descriptor;
}

static void put(int descriptor, int64_t offset, const void *bytes, size_t length)
{
    assert_int_equal(pwrite(descriptor, bytes, length, offset), length);
}

static int64_t blocks(int descriptor)
{
    struct stat file;

    assert_int_equal(fstat(descriptor, &file), 0);
    return file.st_blocks;
}

static void wipe(int descriptor, int64_t size)
{
    char why[LIBRARY_WHY_SIZE];
    int64_t before = blocks(descriptor);

    assert_int_equal(wipe_descriptor(descriptor, size, why), 0);
    assert_string_equal(why, "");
    assert_true(blocks(descriptor) <= before);
}

/* What wipefs would remove, or "" for nothing; NULL without wipefs. */
static char *signatures_left(void)
{
    static char line[256];
    char command[128];
    FILE *pipe;

    snprintf(command, sizeof(command), "wipefs --no-act --parsable --noheadings %s", path);
    pipe = popen(command, "re");
    assert_non_null(pipe);
    if (!fgets(line, sizeof(line), pipe))
        line[0] = '\0';
    return pclose(pipe) == 0 ? line : NULL;
}

static void assert_nothing_left(void)
{
    const char *left = signatures_left();

    if (left)
        assert_string_equal(left, "");
}

/* clang-format off */
/* What libblkid wants to see before it believes in a signature; the first piece is the one it removes. */
static const struct format {
    const char *name;
    struct piece {
        int64_t offset; /* negative: from the end */
        const char *bytes;
        size_t length;
    } pieces[4];
} formats[] = {
    { "ISO 9660", { { 32768 + 1, "CD001", 5 }, { 32768, "\1CD001\1", 7 }, { 32768 + 128, "\0\x08\x08\0", 4 },
                    { 34816, "\xff" "CD001\1", 7 } } },
    { "LUKS 1", { { 0, "LUKS\xba\xbe", 6 }, { 6, "\0\1", 2 } } },
    { "second header of LUKS 2", { { 32768, "SKUL\xba\xbe", 6 }, { 32768 + 6, "\0\2", 2 },
                                   { 32768 + 256, "\0\0\0\0\0\0\x80\0", 8 } } },
    { "swap", { { 4086, "SWAPSPACE2", 10 }, { 1024, "\1\0\0\0\xff\x0f\0\0", 8 } } },
    { "bcache", { { 4096 + 24, "\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81", 16 },
                  { 4096 + 8, "\x08\0\0\0\0\0\0\0", 8 } } },
    { "md 1.2", { { 4096, "\xfc\x4e\x2b\xa9", 4 }, { 4096 + 4, "\1\0\0\0", 4 },
                  { 4096 + 144, "\x08\0\0\0\0\0\0\0", 8 } } },
    { "md 1.0", { { -8192, "\xfc\x4e\x2b\xa9", 4 }, { -8192 + 4, "\1\0\0\0", 4 },
                  { -8192 + 144, "\xf0\x7f\0\0\0\0\0\0", 8 } } },
    { "md 0.90", { { -65536, "\xfc\x4e\x2b\xa9", 4 }, { -65536 + 8, "\x5a\0\0\0", 4 } } },
    { "btrfs", { { 65536 + 64, "_BHRfS_M", 8 }, { 65536 + 0x90, "\0\x10\0\0\0\x10\0\0\0\x10\0\0\0\x10\0\0", 16 } } },
    { "LVM", { { 512, "LABELONE", 8 }, { 512 + 8, "\1\0\0\0\0\0\0\0", 8 }, { 512 + 20, "\x20\0\0\0LVM2 001", 12 } } },
    { "DRBD 8", { { -4096 + 60, "\x83\x74\x02\x6b", 4 } } },
    { "DOS partitions", { { 510, "\x55\xaa", 2 }, { 446, "\0\0\1\0\x83\0\0\0\0\x08\0\0\0\x08\0\0", 16 } } },
};
/* clang-format on */

static int64_t place_of(const struct piece *piece)
{
    return piece->offset < 0 ? 16 * MIB + piece->offset : piece->offset;
}

/* Besides the signature and both ends, not one byte is touched: between them lies what is compared at last. */
static void test_simple_formats(void **state)
{
    static const char mark[] = "nobody's signature";

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        const struct piece *first = &formats[i].pieces[0];
        int descriptor = open_image(16 * MIB);
        char found[32];
        const char *left;

        put(descriptor, 4 * MIB, mark, sizeof(mark));
        for (size_t p = 0; p < ARRAY_SIZE(formats[i].pieces) && formats[i].pieces[p].length; p++)
            put(descriptor, place_of(&formats[i].pieces[p]), formats[i].pieces[p].bytes, formats[i].pieces[p].length);
        left = signatures_left();
        if (left && !left[0])
            fail_msg("%s: wipefs takes this for nothing", formats[i].name);
        wipe(descriptor, 16 * MIB);
        assert_nothing_left();
        assert_int_equal(pread(descriptor, found, first->length, place_of(first)), first->length);
        for (size_t b = 0; b < first->length; b++)
            if (found[b])
                fail_msg("%s: the signature is still there", formats[i].name);
        assert_int_equal(pread(descriptor, found, sizeof(mark), 4 * MIB), sizeof(mark));
        assert_memory_equal(found, mark, sizeof(mark));
        close(descriptor);
    }
}

/* What tools really write. */
static void test_real_tools(void **state)
{
    static const char *const tools[] = {
        "mkfs.ext4 -q -F -E nodiscard %s",
        "mkfs.xfs -q -f -K %s",
        "mkfs.btrfs -q -f -K %s",
        "mkswap -q %s",
        "echo secret | cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 %s -",
        "printf 'label: gpt\\n,,\\n' | sfdisk -q %s",
    };
    int made = 0, descriptor = open_image(512 * MIB);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
        const char *file = strstr(tools[i], "%s"), *left = NULL;
        char command[256];

        snprintf(command, sizeof(command), "{ %.*s%s%s; } >/dev/null 2>&1", (int)(file - tools[i]), tools[i], path,
                 file + 2);
        if (system(command) == 0)
            left = signatures_left();
        if (left && left[0])
            made++;
        else
            printf("skip: %s\n", tools[i]);
        if (i == 0)
            continue; /* the second is made over the first */
        wipe(descriptor, 512 * MIB);
        assert_nothing_left();
    }
    close(descriptor);
    if (made == 0)
        skip();
}

/* A physical volume with a wrong checksum, and a partition table before it. */
static void test_everything_is_found(void **state)
{
    static const char label[32] = "LABELONE\1\0\0\0\0\0\0\0\xaa\xbb\xcc\xdd\x20\0\0\0LVM2 001";
    static const unsigned char entry[16] = { 0, 0, 2, 0, 0x83, 0, 3, 0, 8, 0, 0, 0, 16, 0, 0, 0 };
    int descriptor = open_image(16 * MIB);
    struct buf types = { 0 };
    char why[LIBRARY_WHY_SIZE], type[WIPE_TYPE_SIZE];

    (void)state;
    assert_int_equal(wipe_find_signatures(descriptor, &types, why), 0);
    assert_int_equal(types.length, 0);
    put(descriptor, 512, label, sizeof(label));
    put(descriptor, 446, entry, sizeof(entry));
    put(descriptor, 510, "\x55\xaa", 2);
    assert_int_equal(wipe_find_signatures(descriptor, &types, why), 0);
    assert_string_equal(buf_text(&types), "LVM2_member and dos");
    assert_int_equal(wipe_find_signature(descriptor, type, why), 0);
    assert_string_equal(type, "LVM2_member");
    close(descriptor);
    buf_clear(&types);
    assert_int_equal(wipe_find_signatures(descriptor, &types, why), -EBADF);
    assert_int_equal(types.length, 0);
    buf_done(&types);
}

static void test_both_ends_are_zeroed_and_nothing_else(void **state)
{
    enum { SIZE = 64 * 1024 + 512 };
    static char all[SIZE], found[SIZE];
    int descriptor = open_image(0);

    (void)state;
    memset(all, 'x', SIZE);
    put(descriptor, 0, all, SIZE);
    wipe(descriptor, SIZE);
    assert_int_equal(pread(descriptor, found, SIZE, 0), SIZE);
    memset(all, 0, 4096);
    memset(all + 60 * 1024, 0, 4096); /* the last whole block */
    assert_memory_equal(found, all, SIZE);
    close(descriptor);
}

static void test_sparse_stays_sparse(void **state)
{
    static const int64_t sizes[] = { 0,    1,    511,   512,     4095,     4096,
                                     8191, 8192, 65536, MIB + 1, 64 * MIB, 1024 * (int64_t)MIB };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        int descriptor = open_image(sizes[i]);
        struct stat file;

        wipe(descriptor, sizes[i]);
        assert_int_equal(blocks(descriptor), 0);
        assert_int_equal(fstat(descriptor, &file), 0);
        assert_int_equal(file.st_size, sizes[i]);
        close(descriptor);
    }
}

static void test_refused_writes_are_told(void **state)
{
    char why[LIBRARY_WHY_SIZE];
    int descriptor = open_image(16 * MIB);

    (void)state;
    put(descriptor, 65536 + 64, "_BHRfS_M", 8);
    put(descriptor, 65536 + 0x90, "\0\x10\0\0\0\x10\0\0\0\x10\0\0\0\x10\0\0", 16);
    close(descriptor);
    descriptor = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(wipe_descriptor(descriptor, 16 * MIB, why), -EBADF);
    assert_string_equal(why, "");
    close(descriptor);
}

static void test_missing_library_is_explained(void **state)
{
    struct arena arena = { 0 };
    struct step step = { .kind = STEP_WIPE, .what = arena_strdup(&arena, "wipe /dev/loop0") };
    struct outcome outcome = { .result = OUTCOME_FAILED, .error = ELIBACC };
    struct trouble trouble = { 0 };

    (void)state;
    outcome.complaint = arena_strdup(&arena, "libblkid.so.1 of the Debian package libblkid1 cannot be loaded: none.");
    explain_outcome(&step, &outcome, &arena, &trouble);
    assert_string_equal(trouble.message, "Failed to wipe /dev/loop0.");
    assert_string_equal(trouble.cause, outcome.complaint);
    assert_string_equal(trouble.correction, "Install the package on the node; it is retried by itself.");
    arena_done(&arena);
}

static void test_machine_has_what_it_takes(void **state)
{
    struct arena arena = { 0 };
    struct step step = { .kind = STEP_ASK_MACHINE };
    struct outcome outcome = { 0 };
    struct loop_cursor cursor = { 0 };

    (void)state;
    call_run(&step, &outcome, &cursor, &arena);
    assert_int_equal(outcome.result, OUTCOME_DONE);
    assert_null(text_map_find(&outcome.missing, "blkid"));
    arena_done(&arena);
}

static int set_up(void **state)
{
    (void)state;
    return !mkdtemp(directory) || snprintf(path, sizeof(path), "%s/image", directory) < 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simple_formats),
        cmocka_unit_test(test_real_tools),
        cmocka_unit_test(test_everything_is_found),
        cmocka_unit_test(test_both_ends_are_zeroed_and_nothing_else),
        cmocka_unit_test(test_sparse_stays_sparse),
        cmocka_unit_test(test_refused_writes_are_told),
        cmocka_unit_test(test_missing_library_is_explained),
        cmocka_unit_test(test_machine_has_what_it_takes),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
