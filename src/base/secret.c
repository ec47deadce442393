/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/secret.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mbedcrypto.h"
#include "base/text.h"

struct secret {
    size_t size, mapped;
    bool is_locked;
    char bytes[];
};

enum { NONCE_SIZE = 12, TAG_SIZE = 16, HEAD_SIZE = NONCE_SIZE + TAG_SIZE };
static const char mark[] = "gcm1:";

struct secret *secret_new(const void *bytes, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t mapped = (sizeof(struct secret) + size + 1 + page - 1) / page * page;
    struct secret *secret = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (secret == MAP_FAILED)
        abort();
    madvise(secret, mapped, MADV_DONTDUMP);
    madvise(secret, mapped, MADV_WIPEONFORK);
    secret->is_locked = mlock(secret, mapped) == 0;
    secret->size = size;
    secret->mapped = mapped;
    if (bytes)
        memcpy(secret->bytes, bytes, size);
    return secret;
}

struct secret *secret_new_key(void)
{
    struct secret *key = secret_new(NULL, SECRET_KEY_SIZE);

    text_random_bytes(key->bytes, SECRET_KEY_SIZE);
    return key;
}

struct secret *secret_copy(const struct secret *secret)
{
    return secret_new(secret->bytes, secret->size);
}

void secret_free(struct secret *secret)
{
    if (!secret)
        return;
    secret_wipe(secret->bytes, secret->size);
    munmap(secret, secret->mapped);
}

char *secret_bytes(struct secret *secret)
{
    return secret->bytes;
}

const unsigned char *secret_read(const struct secret *secret)
{
    return (const unsigned char *)secret->bytes;
}

size_t secret_size(const struct secret *secret)
{
    return secret->size;
}

bool secret_is_swappable(const struct secret *secret)
{
    return !secret->is_locked;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    unsigned char differ = 0;

    if (a->size != b->size)
        return false;
    for (size_t i = 0; i < a->size; i++)
        differ |= (unsigned char)(a->bytes[i] ^ b->bytes[i]);
    return differ == 0;
}

void secret_wipe(void *bytes, size_t size)
{
    if (bytes)
        explicit_bzero(bytes, size);
}

void secret_wipe_text(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
}

char *secret_seal(struct secret *key, const char *purpose, const void *bytes, size_t size, struct arena *arena)
{
    unsigned char *sealed = arena_alloc(arena, HEAD_SIZE + size);
    mbedtls_gcm_context gcm;
    struct mbedcrypto lib;
    int error;

    assert(key->size == SECRET_KEY_SIZE);
    mbedcrypto_open(&lib);
    text_random_bytes(sealed, NONCE_SIZE);
    lib.mbedtls_gcm_init(&gcm);
    error = lib.mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, (const unsigned char *)key->bytes, SECRET_KEY_SIZE * 8);
    if (!error)
        error = lib.mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_ENCRYPT, size, sealed, NONCE_SIZE,
                                              (const unsigned char *)purpose, strlen(purpose), bytes,
                                              sealed + HEAD_SIZE, TAG_SIZE, sealed + NONCE_SIZE);
    lib.mbedtls_gcm_free(&gcm);
    if (error)
        abort();
    return arena_printf(arena, "%s%s", mark, text_base64(arena, sealed, HEAD_SIZE + size));
}

static unsigned char *decode(const char *text, size_t *size)
{
    size_t length = strlen(text);
    unsigned char *bytes = memory_alloc(length + 1);
    struct mbedcrypto lib;

    mbedcrypto_open(&lib);
    if (lib.mbedtls_base64_decode(bytes, length + 1, size, (const unsigned char *)text, length) == 0)
        return bytes;
    secret_wipe(bytes, length + 1);
    free(bytes);
    return NULL;
}

struct secret *secret_unseal(struct secret *key, const char *purpose, const char *sealed)
{
    size_t size = 0;
    unsigned char *bytes = secret_is_sealed(sealed) ? decode(sealed + strlen(mark), &size) : NULL;
    struct secret *plain = NULL;
    mbedtls_gcm_context gcm;
    struct mbedcrypto lib;

    if (bytes && size >= HEAD_SIZE && key->size == SECRET_KEY_SIZE) {
        mbedcrypto_open(&lib);
        plain = secret_new(NULL, size - HEAD_SIZE);
        lib.mbedtls_gcm_init(&gcm);
        if (lib.mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, (const unsigned char *)key->bytes,
                                   SECRET_KEY_SIZE * 8) != 0 ||
            lib.mbedtls_gcm_auth_decrypt(&gcm, size - HEAD_SIZE, bytes, NONCE_SIZE, (const unsigned char *)purpose,
                                         strlen(purpose), bytes + NONCE_SIZE, TAG_SIZE, bytes + HEAD_SIZE,
                                         (unsigned char *)plain->bytes) != 0) {
            secret_free(plain);
            plain = NULL;
        }
        lib.mbedtls_gcm_free(&gcm);
    }
    free(bytes);
    return plain;
}

bool secret_is_sealed(const char *text)
{
    return text_starts_with(text, mark);
}

void secret_name(const char *sealed, char name[static SECRET_NAME_SIZE])
{
    unsigned char digest[32];
    struct mbedcrypto lib;

    mbedcrypto_open(&lib);
    if (lib.mbedtls_md(lib.mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), (const unsigned char *)sealed, strlen(sealed),
                       digest) != 0)
        abort();
    for (size_t i = 0; i < (SECRET_NAME_SIZE - 1) / 2; i++)
        snprintf(name + 2 * i, 3, "%02x", digest[i]);
}

struct secret *secret_encode(const struct secret *secret)
{
    struct secret *text = secret_new(NULL, (secret->size + 2) / 3 * 4);
    struct mbedcrypto lib;
    size_t length;

    mbedcrypto_open(&lib);
    if (lib.mbedtls_base64_encode((unsigned char *)text->bytes, text->size + 1, &length,
                                  (const unsigned char *)secret->bytes, secret->size) != 0)
        abort();
    return text;
}

struct secret *secret_from_base64(const char *text)
{
    size_t size = 0;
    unsigned char *bytes = decode(text, &size);
    struct secret *secret = bytes ? secret_new(bytes, size) : NULL;

    if (bytes)
        secret_wipe(bytes, size);
    free(bytes);
    return secret;
}
