/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A key from what a person typed: PBKDF2 with HMAC-SHA-512, in pieces, so that whoever has other things to do can do
 * them in between. What it costs is what a guess costs whoever steals the record.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/secret.h"

struct derivation;

struct derivation *derivation_new(const struct secret *passphrase, const void *salt, size_t salt_size,
                                  unsigned iterations) __attribute__((returns_nonnull));
void derivation_free(struct derivation *derivation); /* NULL is fine */
/* Does so many iterations more. True when it is through. */
bool derivation_go_on(struct derivation *derivation, unsigned iterations);
/* SECRET_KEY_SIZE bytes, when it is through. */
struct secret *derivation_key(const struct derivation *derivation) __attribute__((returns_nonnull));
