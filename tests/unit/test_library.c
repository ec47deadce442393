/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/library.h"

#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/buf.h"

struct zlib {
    LIBRARY_FUNCTION(zlibVersion);
    LIBRARY_FUNCTION(crc32);
};
LIBRARY_SYMBOLS(zlib, LIBRARY_SYMBOL(zlib, zlibVersion), LIBRARY_SYMBOL(zlib, crc32));
LIBRARY(zlib, "zlib1g", "sums", "Adds up", "suggested", "libz.so.1");

static void test_functions_are_those_of_the_library(void **state)
{
    char why[LIBRARY_WHY_SIZE];
    struct zlib zlib = { 0 };

    (void)state;
    assert_int_equal(library_check(&zlib_library, why), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(library_open(&zlib_library, &zlib, why), 0);
        assert_string_equal(zlib.zlibVersion(), zlibVersion());
        assert_int_equal(zlib.crc32(0, (const Bytef *)"123456789", 9), 0xcbf43926);
    }
}

#ifndef STATIC_LIBRARIES
static void test_second_name_is_tried(void **state)
{
    struct library second = { "zlib1g", { "libno-such.so.7", "libz.so.1" }, zlib_symbols, ARRAY_SIZE(zlib_symbols) };
    char why[LIBRARY_WHY_SIZE];
    struct zlib zlib = { 0 };

    (void)state;
    assert_int_equal(library_open(&second, &zlib, why), 0);
    assert_string_equal(zlib.zlibVersion(), zlibVersion());
}

static void test_what_is_missing_is_named(void **state)
{
    static const struct library_symbol strange[] = { { "zlibVersion", 0, NULL }, { "zlibNonsense", 8, NULL } };
    struct library absent = { "libno-such7", { "libno-such.so.7", "libno-such.so.6" }, zlib_symbols, 2 };
    struct library lacking = { "zlib1g", { "libz.so.1" }, strange, 2 };
    char why[LIBRARY_WHY_SIZE];
    struct zlib zlib = { 0 };

    (void)state;
    assert_int_equal(library_open(&absent, &zlib, why), -ELIBACC);
    assert_string_equal(why, "libno-such.so.7 of the Debian package libno-such7 cannot be loaded: cannot open shared "
                             "object file: No such file or directory.");
    assert_int_equal(library_check(&absent, why), -ELIBACC);
    assert_int_equal(library_open(&lacking, &zlib, why), -ELIBACC);
    assert_string_equal(
        why, "libz.so.1 has no function zlibNonsense; a newer version of the Debian package zlib1g is needed.");
    assert_int_equal(library_check(&lacking, why), -ELIBACC);
}

static void test_what_is_required_ends_the_process(void **state)
{
    struct library absent = { "libno-such7", { "libno-such.so.7" }, zlib_symbols, 2 };
    struct zlib zlib = { 0 };
    int status;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        library_require(&absent, &zlib);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
    library_require(&zlib_library, &zlib);
    assert_string_equal(zlib.zlibVersion(), zlibVersion());
}

/* As packagers' tools do: the section by its name, then note by note. */
static void test_note_is_in_the_executable(void **state)
{
    static const char wanted[] = "[{\"soname\":[\"libz.so.1\"],\"feature\":\"sums\",\"description\":\"Adds up\","
                                 "\"priority\":\"suggested\"}]";
    FILE *file = fopen("/proc/self/exe", "re");
    struct buf bytes = { 0 };
    const Elf64_Ehdr *head;
    const Elf64_Shdr *sections;
    const char *names;
    size_t found = 0;

    (void)state;
    assert_non_null(file);
    for (size_t n = 1; n > 0;) {
        buf_reserve(&bytes, 65536);
        n = fread(bytes.data + bytes.length, 1, 65536, file);
        bytes.length += n;
    }
    fclose(file);
    head = (const void *)bytes.data;
    if (head->e_ident[EI_CLASS] != ELFCLASS64)
        skip();
    sections = (const void *)(bytes.data + head->e_shoff);
    names = bytes.data + sections[head->e_shstrndx].sh_offset;
    for (size_t i = 0; i < head->e_shnum; i++) {
        const char *at = bytes.data + sections[i].sh_offset, *end = at + sections[i].sh_size;

        if (strcmp(names + sections[i].sh_name, ".note.dlopen") != 0)
            continue;
        assert_int_equal(sections[i].sh_type, SHT_NOTE);
        assert_true(sections[i].sh_flags & SHF_ALLOC);
        while (at < end) {
            const Elf64_Nhdr *note = (const void *)at;

            assert_int_equal(note->n_type, LIBRARY_NOTE_TYPE);
            assert_int_equal(note->n_namesz, 4);
            assert_memory_equal(at + sizeof(*note), "FDO", 4);
            found += note->n_descsz == sizeof(wanted) && memcmp(at + sizeof(*note) + 4, wanted, sizeof(wanted)) == 0;
            at += sizeof(*note) + 4 + ((note->n_descsz + 3) & ~3u);
        }
    }
    assert_int_equal(found, 1);
    buf_done(&bytes);
}
#endif

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions_are_those_of_the_library),
#ifndef STATIC_LIBRARIES
        cmocka_unit_test(test_second_name_is_tried),
        cmocka_unit_test(test_what_is_missing_is_named),
        cmocka_unit_test(test_what_is_required_ends_the_process),
        cmocka_unit_test(test_note_is_in_the_executable),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
