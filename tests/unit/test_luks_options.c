/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/luks_options.h"

static void switches_are_read(void **state)
{
    struct luks_options options;
    char why[LUKS_OPTIONS_WHY_SIZE] = "";

    (void)state;
    assert_int_equal(
        luks_options_parse(LUKS_FORMAT_OPTIONS,
                           "--cipher=aes-xts-plain64 -s 256 -h sha512 --pbkdf argon2id --pbkdf-memory 1048576 "
                           "--pbkdf-parallel=2 --iter-time 500 --sector-size 4096 -q --label data --type luks2",
                           &options, why),
        0);
    assert_string_equal(options.cipher, "aes-xts-plain64");
    assert_string_equal(options.hash, "sha512");
    assert_string_equal(options.pbkdf, "argon2id");
    assert_string_equal(options.label, "data");
    assert_int_equal(options.key_bits, 256);
    assert_int_equal(options.sector_size, 4096);
    assert_int_equal(options.pbkdf_parallel, 2);
    assert_int_equal(options.iteration_ms, 500);
    assert_int_equal(luks_options_parse(LUKS_OPEN_OPTIONS,
                                        " --allow-discards  --tries 3 --readonly --perf-same_cpu_crypt ", &options,
                                        why),
                     0);
    assert_true(options.discards && options.read_only && options.same_cpu && !options.no_keyring);
    assert_int_equal(luks_options_parse(LUKS_OPEN_OPTIONS, NULL, &options, why), 0);
}

static void what_cannot_be_obeyed_is_refused(void **state)
{
    static const struct {
        enum luks_options_use use;
        const char *text, *named;
    } bad[] = {
        { LUKS_FORMAT_OPTIONS, "--integrity hmac-sha256", "--integrity" },
        { LUKS_FORMAT_OPTIONS, "--key-file /etc/shadow", "--key-file" },
        { LUKS_FORMAT_OPTIONS, "--header /tmp/h", "--header" },
        { LUKS_FORMAT_OPTIONS, "/dev/sda", "/dev/sda" },
        { LUKS_FORMAT_OPTIONS, "--key-size", "--key-size" },
        { LUKS_FORMAT_OPTIONS, "--key-size many", "many" },
        { LUKS_FORMAT_OPTIONS, "--key-size -1", "-1" },
        { LUKS_FORMAT_OPTIONS, "--type plain", "plain" },
        { LUKS_FORMAT_OPTIONS, "--offset 1", "header" },
        { LUKS_FORMAT_OPTIONS, "--offset 99999999999", "header" },
        { LUKS_FORMAT_OPTIONS, "--allow-discards", "--allow-discards" },
        { LUKS_OPEN_OPTIONS, "--allow-discards=yes", "--allow-discards" },
        { LUKS_OPEN_OPTIONS, "--cipher aes", "--cipher" },
        { LUKS_OPEN_OPTIONS, "--master-key-file x", "--master-key-file" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct luks_options options;
        char why[LUKS_OPTIONS_WHY_SIZE] = "";

        if (luks_options_parse(bad[i].use, bad[i].text, &options, why) == 0)
            fail_msg("'%s' is accepted", bad[i].text);
        if (!strstr(why, bad[i].named))
            fail_msg("'%s': it is refused with: %s", bad[i].text, why);
    }
}

static void headers_are_as_large_as_elsewhere(void **state)
{
    static const struct {
        const char *text;
        int64_t kib;
    } known[] = {
        { "", 16384 },
        { "--type luks1", 2048 },
        { "--offset 65536", 32768 },
        { "--luks2-keyslots-size 8m", 9216 },
        { "--luks2-metadata-size 64k --luks2-keyslots-size 4MiB", 5120 },
        { "--align-payload 65536", 32768 },
        { "--offset 32768 --offset 65536", 32768 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        struct luks_options options;
        char why[LUKS_OPTIONS_WHY_SIZE] = "";

        if (luks_options_parse(LUKS_FORMAT_OPTIONS, known[i].text, &options, why) != 0)
            fail_msg("'%s': %s", known[i].text, why);
        assert_int_equal(luks_options_header_kib(&options), known[i].kib);
    }
}

static void no_text_is_too_long(void **state)
{
    static char text[70000];
    struct luks_options options;
    char why[LUKS_OPTIONS_WHY_SIZE] = "";

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    assert_int_equal(luks_options_parse(LUKS_FORMAT_OPTIONS, text, &options, why), -1);
    memcpy(text, "--label ", 8);
    assert_int_equal(luks_options_parse(LUKS_FORMAT_OPTIONS, text, &options, why), -1);
    for (size_t i = 0; i + 2 < sizeof(text); i += 2)
        memcpy(text + i, "- ", 2);
    assert_int_equal(luks_options_parse(LUKS_FORMAT_OPTIONS, text, &options, why), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(switches_are_read),
        cmocka_unit_test(what_cannot_be_obeyed_is_refused),
        cmocka_unit_test(headers_are_as_large_as_elsewhere),
        cmocka_unit_test(no_text_is_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
