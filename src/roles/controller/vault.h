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

enum {
    VAULT_ITERATIONS = 100000,  /* of the derivation, for new passphrases */
    VAULT_PASSPHRASE_MAX = 4096 /* bytes */
};

enum vault_state { VAULT_UNSET, VAULT_LOCKED, VAULT_UNLOCKED };
enum vault_state vault_state(const struct service *service);

/*
 * Deriving a key from a passphrase takes many turns, so what a passphrase is given for is a job; jobs are done one
 * after the other. Creating and modifying change the record, in a transaction of the turn.
 */
enum vault_act { VAULT_CREATE, VAULT_ENTER, VAULT_MODIFY };
enum vault_result {
    VAULT_PENDING,
    VAULT_DONE,
    VAULT_EXISTS,  /* there is a passphrase already */
    VAULT_ABSENT,  /* there is none */
    VAULT_WRONG,   /* this is not the one */
    VAULT_STOPPED, /* the controller stops */
};
/* Texts are copied; old_passphrase is for VAULT_MODIFY. The number of the job, 0 when too many wait, or too many of
 * this peer: an address without a port. */
int64_t vault_begin(struct service *service, const char *peer, enum vault_act act, const char *old_passphrase,
                    const char *passphrase);
/* Of a job that was begun. *generation: that of the commit, 0 where there was none. Its result is told in the turn in
 * which it ends, and forgotten some turns later. */
enum vault_result vault_look(const struct service *service, int64_t number, uint64_t *generation);

/* Is entered, or made when there is none, as soon as the store can be written. Copied. */
void vault_set_automatic(struct service *service, const struct secret *passphrase);
void vault_init(struct service *service);
void vault_turn(struct service *service);
void vault_fail(struct service *service); /* what was not durable was undone */
void vault_done(struct service *service);

/* Of one that a user chooses; what: "The master passphrase". 0, or -1 and rc. */
int vault_check_passphrase(struct request *q, const char *passphrase, const char *what);

/* While it is unlocked. Sealed texts in arena: a new key for a volume; a passphrase that a user has chosen for one. */
char *vault_make_key(const struct service *service, struct arena *arena) __attribute__((returns_nonnull));
char *vault_seal_key(const struct service *service, const char *passphrase, struct arena *arena)
    __attribute__((returns_nonnull));
