/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory for keys and passphrases: locked (not swapped), left out of core dumps, gone in forked children, wiped when it
 * is freed. And the sealing of secrets for places that are none of this: records, wants, plans.
 *
 * A sealed text is "gcm1:" and base64 of nonce, tag and ciphertext of AES-256-GCM. It tells a wrong key, a damaged text
 * and a text sealed for another purpose from a right one. Nothing here is written to a log.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

/* Bytes that end with a NUL, which size does not count. */
struct secret;

enum { SECRET_KEY_SIZE = 32 };

/* NULL bytes: zeroes. */
struct secret *secret_new(const void *bytes, size_t size) __attribute__((returns_nonnull));
struct secret *secret_new_key(void) __attribute__((returns_nonnull)); /* SECRET_KEY_SIZE bytes from the kernel */
struct secret *secret_copy(const struct secret *secret) __attribute__((returns_nonnull));
void secret_free(struct secret *secret); /* NULL is fine */
char *secret_bytes(struct secret *secret);
const unsigned char *secret_read(const struct secret *secret);
size_t secret_size(const struct secret *secret);
bool secret_equal(const struct secret *a, const struct secret *b); /* in a time that does not depend on the bytes */
/* The process has memory that cannot be locked. Secrets work nonetheless. */
bool secret_is_swappable(const struct secret *secret);

/* For what had to lie elsewhere for a moment. NULL is fine. */
void secret_wipe(void *bytes, size_t size);
void secret_wipe_text(char *text);

/* What the keys of volumes are sealed for. */
#define SECRET_OF_VOLUME "key of a volume"

char *secret_seal(struct secret *key, const char *purpose, const void *bytes, size_t size, struct arena *arena)
    __attribute__((returns_nonnull));
/* NULL when key, purpose or text is not the right one. */
struct secret *secret_unseal(struct secret *key, const char *purpose, const char *sealed);
bool secret_is_sealed(const char *text); /* by its looks */

/* Names a sealed text, and says nothing of what is in it: 16 hexadecimal digits. */
enum { SECRET_NAME_SIZE = 17 };
void secret_name(const char *sealed, char name[static SECRET_NAME_SIZE]);

struct secret *secret_encode(const struct secret *secret) __attribute__((returns_nonnull)); /* its bytes as base64 */
struct secret *secret_from_base64(const char *text);                                        /* NULL when it is none */
