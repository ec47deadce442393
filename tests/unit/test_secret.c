/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/derivation.h"
#include "base/secret.h"
#include "base/text.h"

static struct secret *of(const char *text)
{
    return secret_new(text, strlen(text));
}

static void what_is_sealed_is_unsealed(void **state)
{
    struct secret *key = secret_new_key(), *other = secret_new_key(), *plain;
    struct arena arena = { 0 };
    char *sealed = secret_seal(key, "a purpose", "open sesame", 11, &arena);
    char *again = secret_seal(key, "a purpose", "open sesame", 11, &arena);

    (void)state;
    assert_true(secret_is_sealed(sealed));
    assert_null(strstr(sealed, "sesame"));
    assert_string_not_equal(sealed, again); /* equal passphrases are not seen to be equal */
    plain = secret_unseal(key, "a purpose", sealed);
    assert_non_null(plain);
    assert_string_equal(secret_bytes(plain), "open sesame");
    secret_free(plain);
    assert_null(secret_unseal(other, "a purpose", sealed));
    assert_null(secret_unseal(key, "another", sealed));
    assert_null(secret_unseal(key, "a purpose", "open sesame"));
    assert_null(secret_unseal(key, "a purpose", "gcm1:"));
    assert_null(secret_unseal(key, "a purpose", "gcm1:AAAA"));
    assert_null(secret_unseal(key, "a purpose", "gcm1:!!"));
    for (size_t i = 5; sealed[i]; i++) {
        char kept = sealed[i];

        sealed[i] = kept == 'A' ? 'B' : 'A';
        plain = secret_unseal(key, "a purpose", sealed);
        if (plain && sealed[i + 1] != '=' && sealed[i + 1]) /* the last digit has bits that mean nothing */
            fail_msg("digit %zu can be changed", i);
        secret_free(plain);
        sealed[i] = kept;
    }
    secret_free(key);
    secret_free(other);
    arena_done(&arena);
}

static void base64_is_read_and_written(void **state)
{
    struct secret *bytes = of("any carnal pleas"), *text = secret_encode(bytes), *back;

    (void)state;
    assert_string_equal(secret_bytes(text), "YW55IGNhcm5hbCBwbGVhcw==");
    back = secret_from_base64(secret_bytes(text));
    assert_true(secret_equal(bytes, back));
    assert_null(secret_from_base64("no base64!"));
    secret_free(bytes);
    secret_free(text);
    secret_free(back);
}

static void children_have_none(void **state)
{
    struct secret *secret = of("of the parent alone");
    int status = -1;
    pid_t child = fork();

    (void)state;
    if (child == 0)
        _exit(secret_read(secret)[0] == 0 ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_string_equal(secret_bytes(secret), "of the parent alone");
    secret_free(secret);
}

static void names_tell_texts_apart(void **state)
{
    char first[SECRET_NAME_SIZE], second[SECRET_NAME_SIZE], again[SECRET_NAME_SIZE];

    (void)state;
    secret_name("gcm1:AAAA", first);
    secret_name("gcm1:AAAB", second);
    secret_name("gcm1:AAAA", again);
    assert_string_equal(first, again);
    assert_string_not_equal(first, second);
    assert_int_equal(strlen(first), 16);
}

/* Values of another implementation: hashlib.pbkdf2_hmac('sha512', passphrase, salt, iterations, 32). */
static void keys_are_derived_as_elsewhere(void **state)
{
    static const struct {
        const char *passphrase, *salt;
        unsigned iterations;
        const char *key;
    } known[] = {
        { "password", "salt", 1, "hn9wzxreAs/zdSWZo6U9xK80x6ZpgVrl1RNVThyM8lI=" },
        { "password", "salt", 2, "4dnBaqaBcIpF9cfE4hXOtm4BGi6fAEBxPxiu/bhm1Tw=" },
        { "first secret", "0123456789abcdef", 1000, "PfmpwM+RmDBriqS1NenfnJ+2ytvAB/CV5mMdX7b/J18=" },
        { "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
          "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
          "salt and more", 50, "zELR3DJ66y+prztzQ+u+3B9tFwfHqUiyPvSAYnoOvrc=" },
        { "", "salt", 3, "NXKIWEea9pnBaQ6YnroNEExsnX/2c3Okjk+H6Qy1Wvc=" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        struct secret *passphrase = of(known[i].passphrase), *key, *text;
        struct derivation *derivation =
            derivation_new(passphrase, known[i].salt, strlen(known[i].salt), known[i].iterations);

        while (!derivation_go_on(derivation, 7))
            ;
        key = derivation_key(derivation);
        text = secret_encode(key);
        assert_string_equal(secret_bytes(text), known[i].key);
        derivation_free(derivation);
        secret_free(passphrase);
        secret_free(key);
        secret_free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sealed_is_unsealed),
        cmocka_unit_test(base64_is_read_and_written),
        cmocka_unit_test(children_have_none),
        cmocka_unit_test(names_tell_texts_apart),
        cmocka_unit_test(keys_are_derived_as_elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
