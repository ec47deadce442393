/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/controller/vault.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "model/txn.h"
#include "roles/controller/defaults.h"
#include "roles/controller/session.h"

LOG_DOMAIN("vault");

enum { SALT_SIZE = 16, ITERATIONS_LIMIT = 100 * 1000 * 1000 };
static char derivation[] = "pbkdf2-hmac-sha512";
static const char master_purpose[] = "master key";

static const struct master *record_of(const struct service *service)
{
    return service->model.controller->master;
}

static bool is_known(const struct service *service)
{
    const struct master *record = record_of(service);

    return service->vault.key && record && strcmp(record->id, service->vault.id) == 0;
}

enum vault_state vault_state(const struct service *service)
{
    if (!record_of(service))
        return VAULT_UNSET;
    return is_known(service) ? VAULT_UNLOCKED : VAULT_LOCKED;
}

static void forget(struct vault *vault)
{
    secret_free(vault->key);
    free(vault->id);
    vault->key = NULL;
    vault->id = NULL;
    vault->is_told = false;
}

/* Takes the key. */
static void know(struct vault *vault, struct secret *key, const char *id)
{
    forget(vault);
    vault->key = key;
    vault->id = memory_strdup(id);
    if (secret_is_swappable(key))
        log_warn("memory cannot be locked: the master key may be written to swap space");
}

/* A record for the key, sealed by the passphrase. */
static struct master *make_record(struct secret *key, const char *id, const char *passphrase, struct arena *arena)
{
    struct master *record = arena_alloc(arena, sizeof(*record));
    unsigned char salt[SALT_SIZE];
    struct secret *derived;

    text_random_bytes(salt, sizeof(salt));
    derived = secret_derive(passphrase, salt, sizeof(salt), VAULT_ITERATIONS);
    *record = (struct master){
        .id = arena_strdup(arena, id),
        .derivation = derivation,
        .salt = text_base64(arena, salt, sizeof(salt)),
        .iterations = VAULT_ITERATIONS,
        .key = secret_seal(derived, master_purpose, secret_bytes(key), secret_size(key), arena),
    };
    secret_free(derived);
    return record;
}

/* NULL: the passphrase is another one, or the record is damaged. */
static struct secret *open_record(const struct master *record, const char *passphrase)
{
    struct secret *salt = secret_from_base64(record->salt), *derived = NULL, *key = NULL;

    if (salt && strcmp(record->derivation, derivation) == 0 && record->iterations > 0 &&
        record->iterations <= ITERATIONS_LIMIT)
        derived = secret_derive(passphrase, secret_bytes(salt), secret_size(salt), (unsigned)record->iterations);
    if (derived)
        key = secret_unseal(derived, master_purpose, record->key);
    if (key && secret_size(key) != SECRET_KEY_SIZE) {
        secret_free(key);
        key = NULL;
    }
    secret_free(derived);
    secret_free(salt);
    return key;
}

static void set_record(struct service *service, struct txn *txn, struct master *record)
{
    ((struct controller *)txn_edit(txn, model_root(&service->model)))->master = record;
}

void vault_create(struct service *service, struct txn *txn, const char *passphrase)
{
    struct secret *key = secret_new_key();
    char id[TEXT_UUID_SIZE];

    assert(!record_of(service));
    text_make_uuid(id);
    set_record(service, txn, make_record(key, id, passphrase, txn_arena(txn)));
    know(&service->vault, key, id);
    loop_mark_dirty(service->loop);
}

int vault_enter(struct service *service, const char *passphrase)
{
    const struct master *record = record_of(service);
    struct secret *key = open_record(record, passphrase);

    if (!key)
        return -EKEYREJECTED;
    if (is_known(service)) {
        secret_free(key);
        return 0;
    }
    know(&service->vault, key, record->id);
    loop_mark_dirty(service->loop);
    return 0;
}

int vault_modify(struct service *service, struct txn *txn, const char *old_passphrase, const char *passphrase)
{
    int error = vault_enter(service, old_passphrase);

    if (!error)
        set_record(service, txn, make_record(service->vault.key, service->vault.id, passphrase, txn_arena(txn)));
    return error;
}

void vault_set_automatic(struct service *service, const struct secret *passphrase)
{
    struct vault *vault = &service->vault;

    secret_free(vault->automatic);
    vault->automatic = secret_copy(passphrase);
    vault->is_refused = false;
    loop_mark_dirty(service->loop);
}

/* Not before the store can be written: what is made now must be kept. */
static void try_automatic(struct service *service)
{
    struct vault *vault = &service->vault;
    const char *passphrase;

    if (!vault->automatic || vault->is_refused || is_known(service) || !defaults_are_made(&service->model) ||
        !journal_is_idle(service->journal) || service->disk_trouble)
        return;
    passphrase = secret_bytes(vault->automatic);
    if (!record_of(service)) {
        struct txn *txn = txn_begin(&service->model);

        vault_create(service, txn, passphrase);
        txn_commit(txn);
        log_info("the configured master passphrase was created");
    } else if (vault_enter(service, passphrase) == 0) {
        log_info("the configured master passphrase was entered");
    } else {
        vault->is_refused = true;
        log_error("the configured master passphrase is not that of this cluster; encrypted volumes stay locked until "
                  "the right one is entered");
    }
}

void vault_turn(struct service *service)
{
    struct vault *vault = &service->vault;

    if (vault->key && !is_known(service))
        forget(vault); /* its record was undone */
    try_automatic(service);
    if (!is_known(service) || vault->is_told)
        return;
    vault->is_told = true;
    model_for_each(node, node, &service->model, KIND_NODE) if (session_is_synchronised(node)) session_send_key(node);
    service_tell_news(service);
}

void vault_done(struct service *service)
{
    forget(&service->vault);
    secret_free(service->vault.automatic);
    service->vault.automatic = NULL;
}

char *vault_seal_key(const struct service *service, const char *passphrase, struct arena *arena)
{
    assert(is_known(service));
    return secret_seal(service->vault.key, SECRET_OF_VOLUME, passphrase, strlen(passphrase), arena);
}

char *vault_make_key(const struct service *service, struct arena *arena)
{
    struct secret *bytes = secret_new_key(), *text = secret_encode(bytes);
    char *sealed = vault_seal_key(service, secret_bytes(text), arena);

    secret_free(text);
    secret_free(bytes);
    return sealed;
}
