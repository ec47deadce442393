/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The key is shorter than the hash, so there is one block: the sum of U1, U2, ..., each the HMAC of the one before. The
 * states of the hash behind both pads are computed once.
 */
#include "base/derivation.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mbedcrypto.h"

enum { HASH_SIZE = 64, BLOCK_SIZE = 128 };

struct derivation {
    struct mbedcrypto lib;
    mbedtls_md_context_t inner, outer, work;
    struct secret *last, *sum; /* HASH_SIZE bytes each */
    unsigned left;
};

/* The library fails when there is no memory, or when it was built without the hash. */
static void must(int error)
{
    if (error)
        abort();
}

static void start_pad(const struct mbedcrypto *lib, mbedtls_md_context_t *context,
                      const unsigned char key[static BLOCK_SIZE], unsigned char pad)
{
    unsigned char block[BLOCK_SIZE];

    for (size_t i = 0; i < BLOCK_SIZE; i++)
        block[i] = key[i] ^ pad;
    must(lib->mbedtls_md_setup(context, lib->mbedtls_md_info_from_type(MBEDTLS_MD_SHA512), 0));
    must(lib->mbedtls_md_starts(context));
    must(lib->mbedtls_md_update(context, block, BLOCK_SIZE));
    secret_wipe(block, sizeof(block));
}

/* last = HMAC(first, second); second may be NULL. */
static void authenticate(struct derivation *derivation, const void *first, size_t first_size, const void *second,
                         size_t second_size)
{
    const struct mbedcrypto *lib = &derivation->lib;
    unsigned char *hash = (unsigned char *)secret_bytes(derivation->last);

    must(lib->mbedtls_md_clone(&derivation->work, &derivation->inner));
    must(lib->mbedtls_md_update(&derivation->work, first, first_size));
    if (second)
        must(lib->mbedtls_md_update(&derivation->work, second, second_size));
    must(lib->mbedtls_md_finish(&derivation->work, hash));
    must(lib->mbedtls_md_clone(&derivation->work, &derivation->outer));
    must(lib->mbedtls_md_update(&derivation->work, hash, HASH_SIZE));
    must(lib->mbedtls_md_finish(&derivation->work, hash));
}

struct derivation *derivation_new(const struct secret *passphrase, const void *salt, size_t salt_size,
                                  unsigned iterations)
{
    static const unsigned char first_block[4] = { 0, 0, 0, 1 };
    struct derivation *derivation = memory_alloc(sizeof(*derivation));
    struct secret *key = secret_new(NULL, BLOCK_SIZE);
    const struct mbedcrypto *lib = &derivation->lib;
    unsigned char *bytes = (unsigned char *)secret_bytes(key);

    assert(iterations > 0);
    mbedcrypto_open(&derivation->lib);
    if (secret_size(passphrase) > BLOCK_SIZE)
        must(lib->mbedtls_md(lib->mbedtls_md_info_from_type(MBEDTLS_MD_SHA512), secret_read(passphrase),
                             secret_size(passphrase), bytes));
    else
        memcpy(bytes, secret_read(passphrase), secret_size(passphrase));
    lib->mbedtls_md_init(&derivation->inner);
    lib->mbedtls_md_init(&derivation->outer);
    lib->mbedtls_md_init(&derivation->work);
    start_pad(lib, &derivation->inner, bytes, 0x36);
    start_pad(lib, &derivation->outer, bytes, 0x5c);
    must(lib->mbedtls_md_setup(&derivation->work, lib->mbedtls_md_info_from_type(MBEDTLS_MD_SHA512), 0));
    secret_free(key);
    derivation->last = secret_new(NULL, HASH_SIZE);
    authenticate(derivation, salt, salt_size, first_block, sizeof(first_block));
    derivation->sum = secret_copy(derivation->last);
    derivation->left = iterations - 1;
    return derivation;
}

void derivation_free(struct derivation *derivation)
{
    if (!derivation)
        return;
    derivation->lib.mbedtls_md_free(&derivation->inner);
    derivation->lib.mbedtls_md_free(&derivation->outer);
    derivation->lib.mbedtls_md_free(&derivation->work);
    secret_free(derivation->last);
    secret_free(derivation->sum);
    free(derivation);
}

bool derivation_go_on(struct derivation *derivation, unsigned iterations)
{
    char *last = secret_bytes(derivation->last), *sum = secret_bytes(derivation->sum);

    for (; iterations > 0 && derivation->left > 0; iterations--, derivation->left--) {
        authenticate(derivation, last, HASH_SIZE, NULL, 0);
        for (size_t i = 0; i < HASH_SIZE; i++)
            sum[i] = (char)(sum[i] ^ last[i]);
    }
    return derivation->left == 0;
}

struct secret *derivation_key(const struct derivation *derivation)
{
    assert(derivation->left == 0);
    return secret_new(secret_bytes(derivation->sum), SECRET_KEY_SIZE);
}
