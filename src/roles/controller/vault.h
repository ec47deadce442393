/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The master key: made with the master passphrase, known while the controller is unlocked, forgotten when it ends. The
 * keys of volumes are sealed by it in records and wants, so that a controller that is locked keeps and sends them
 * without knowing them; satellites are told it, and keep it in memory alone.
 *
 * What is stored (struct master) and what is known here are compared before every use: a passphrase whose record could
 * not be written, and was undone, leaves nothing behind.
 */
#pragma once

#include "base/secret.h"
#include "roles/controller/request.h"

enum { VAULT_ITERATIONS = 100000 }; /* of new passphrases; a fraction of a second, which is spent on the loop */

enum vault_state { VAULT_UNSET, VAULT_LOCKED, VAULT_UNLOCKED };

enum vault_state vault_state(const struct service *service);
/* What is typed is read, not kept. Sets the record in the transaction; there must be none. */
void vault_create(struct service *service, struct txn *txn, const char *passphrase);
/* 0, or -EKEYREJECTED: it is not the passphrase. Unlocks. There must be a record. */
int vault_enter(struct service *service, const char *passphrase) MUST_CHECK;
/* Likewise, by the old one; the new one opens it from then on. The master key stays. */
int vault_modify(struct service *service, struct txn *txn, const char *old_passphrase,
                 const char *passphrase) MUST_CHECK;
void vault_set_automatic(struct service *service, const struct secret *passphrase);
void vault_turn(struct service *service);
void vault_done(struct service *service);

/* While it is unlocked. Sealed texts in arena: a new key for a volume; a passphrase that a user has chosen for one. */
char *vault_make_key(const struct service *service, struct arena *arena) __attribute__((returns_nonnull));
char *vault_seal_key(const struct service *service, const char *passphrase, struct arena *arena)
    __attribute__((returns_nonnull));
