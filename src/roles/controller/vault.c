/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/controller/vault.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/derivation.h"
#include "base/log.h"
#include "base/text.h"
#include "model/txn.h"
#include "roles/controller/defaults.h"
#include "roles/controller/session.h"

LOG_DOMAIN("vault");

enum {
    SALT_SIZE = 16,
    ITERATIONS_LIMIT = 100 * 1000 * 1000,
    PIECE_ITERATIONS = 500, /* about a millisecond */
    JOBS_LIMIT = 64,
    JOBS_OF_ONE = 4, /* of one address */
};
static char derivation_name[] = "pbkdf2-hmac-sha512";

struct vault_job {
    struct vault_job *next;
    int64_t number;
    char *peer;    /* the address that asks */
    unsigned turn; /* how many others of that address waited before it */
    enum vault_act act;
    enum vault_result result;
    struct secret *old_passphrase, *passphrase;
    struct derivation *derivation; /* under way */
    bool is_new;                   /* it is of a passphrase that is to be in force, with this salt */
    unsigned char salt[SALT_SIZE];
    uint64_t generation;
    bool is_told;
};
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

/* A record for the key that is known, sealed by what was derived. */
static struct master *make_record(const struct vault_job *job, struct secret *key, const char *id,
                                  struct secret *derived, struct arena *arena)
{
    struct master *record = arena_alloc(arena, sizeof(*record));

    *record = (struct master){
        .id = arena_strdup(arena, id),
        .derivation = derivation_name,
        .salt = text_base64(arena, job->salt, sizeof(job->salt)),
        .iterations = VAULT_ITERATIONS,
        .key = secret_seal(derived, master_purpose, secret_bytes(key), secret_size(key), arena),
    };
    return record;
}

static void store_record(struct service *service, struct vault_job *job, const char *id, struct secret *derived)
{
    struct txn *txn = txn_begin(&service->model);
    struct controller *controller = txn_edit(txn, model_root(&service->model));

    controller->master = make_record(job, service->vault.key, id, derived, txn_arena(txn));
    job->generation = txn_commit(txn);
    job->result = VAULT_DONE;
}

static void free_job(struct vault_job *job)
{
    secret_free(job->old_passphrase);
    secret_free(job->passphrase);
    derivation_free(job->derivation);
    free(job->peer);
    free(job);
}

/* From a passphrase that is to be the one. */
static void derive_new(struct vault_job *job)
{
    text_random_bytes(job->salt, sizeof(job->salt));
    job->derivation = derivation_new(job->passphrase, job->salt, sizeof(job->salt), VAULT_ITERATIONS);
    job->is_new = true;
}

/* From one that is said to be it. False when the record is damaged, or of a version that derives otherwise. */
static bool derive_known(const struct master *record, struct vault_job *job, const struct secret *passphrase)
{
    struct secret *salt = secret_from_base64(record->salt);

    if (salt && strcmp(record->derivation, derivation_name) == 0 && record->iterations > 0 &&
        record->iterations <= ITERATIONS_LIMIT)
        job->derivation =
            derivation_new(passphrase, secret_read(salt), secret_size(salt), (unsigned)record->iterations);
    secret_free(salt);
    job->is_new = false;
    return job->derivation != NULL;
}

static void start(struct service *service, struct vault_job *job)
{
    const struct master *record = record_of(service);

    if (job->act == VAULT_CREATE && record)
        job->result = VAULT_EXISTS;
    else if (job->act != VAULT_CREATE && !record)
        job->result = VAULT_ABSENT;
    else if (job->act == VAULT_CREATE)
        derive_new(job);
    else if (!derive_known(record, job, job->act == VAULT_MODIFY ? job->old_passphrase : job->passphrase))
        job->result = VAULT_WRONG;
}

static void create(struct service *service, struct vault_job *job, struct secret *derived)
{
    char id[TEXT_UUID_SIZE];

    text_make_uuid(id);
    know(&service->vault, secret_new_key(), id);
    store_record(service, job, id, derived);
}

/* Whether it opens the record, which may be another one by now. */
static bool enter(struct service *service, struct secret *derived)
{
    const struct master *record = record_of(service);
    struct secret *key = record ? secret_unseal(derived, master_purpose, record->key) : NULL;
    bool is_right = key && secret_size(key) == SECRET_KEY_SIZE;

    if (is_right && !is_known(service))
        know(&service->vault, secret_copy(key), record->id);
    secret_free(key);
    return is_right;
}

/* What was derived for the job is there. */
static void go_on(struct service *service, struct vault_job *job)
{
    struct secret *derived = derivation_key(job->derivation);

    derivation_free(job->derivation);
    job->derivation = NULL;
    if (service->is_stopping)
        job->result = VAULT_STOPPED;
    else if (job->is_new && job->act == VAULT_CREATE && record_of(service))
        job->result = VAULT_EXISTS;
    else if (job->is_new && job->act == VAULT_CREATE)
        create(service, job, derived);
    else if (job->is_new && is_known(service))
        store_record(service, job, service->vault.id, derived);
    else if (job->is_new || !enter(service, derived))
        job->result = VAULT_WRONG;
    else if (job->act == VAULT_MODIFY)
        derive_new(job);
    else
        job->result = VAULT_DONE;
    secret_free(derived);
}

static unsigned count_jobs(const struct vault *vault, const char *peer, unsigned *all)
{
    unsigned own = 0;

    *all = 0;
    for (const struct vault_job *job = vault->jobs; job; job = job->next) {
        ++*all;
        own += strcmp(job->peer, peer) == 0;
    }
    return own;
}

/* Behind the first, which may be under way, those of all addresses in turns: who asks often waits longer than others.
 */
static void insert(struct vault *vault, struct vault_job *job)
{
    struct vault_job **place = vault->jobs ? &vault->jobs->next : &vault->jobs;

    while (*place && (*place)->turn <= job->turn)
        place = &(*place)->next;
    job->next = *place;
    *place = job;
}

int64_t vault_begin(struct service *service, const char *peer, enum vault_act act, const char *old_passphrase,
                    const char *passphrase)
{
    struct vault *vault = &service->vault;
    unsigned all, own = count_jobs(vault, peer, &all);
    struct vault_job *job;

    if (own >= JOBS_OF_ONE || all >= JOBS_LIMIT)
        return 0;
    job = memory_alloc(sizeof(*job));
    job->peer = memory_strdup(peer);
    job->turn = own;
    job->number = ++vault->last_number;
    job->act = act;
    job->passphrase = secret_new(passphrase, strlen(passphrase));
    if (old_passphrase)
        job->old_passphrase = secret_new(old_passphrase, strlen(old_passphrase));
    insert(vault, job);
    timer_start(vault->timer, 0, 0);
    return job->number;
}

enum vault_result vault_look(const struct service *service, int64_t number, uint64_t *generation)
{
    *generation = 0;
    for (const struct vault_job *job = service->vault.jobs; job; job = job->next)
        if (job->number == number) {
            *generation = job->generation;
            return job->result;
        }
    return VAULT_STOPPED;
}

static void log_automatic(struct vault *vault, const struct vault_job *job)
{
    vault->automatic_number = 0;
    if (job->result == VAULT_DONE)
        log_info("the configured master passphrase was %s", job->act == VAULT_CREATE ? "created" : "entered");
    if (job->result != VAULT_WRONG)
        return;
    vault->is_refused = true;
    log_error("the configured master passphrase is not that of this cluster; encrypted volumes stay locked until the "
              "right one is entered");
}

/* Not before the store can be written: what is made now must be kept. */
static void try_automatic(struct service *service)
{
    struct vault *vault = &service->vault;

    if (!vault->automatic || vault->is_refused || vault->automatic_number || is_known(service) ||
        !defaults_are_made(&service->model) || !journal_is_idle(service->journal) || service->disk_trouble)
        return;
    vault->automatic_number =
        vault_begin(service, "", record_of(service) ? VAULT_ENTER : VAULT_CREATE, NULL, secret_bytes(vault->automatic));
}

/* A piece of the first job, and room for others before the next one. */
static void work(void *owner)
{
    struct service *service = owner;
    struct vault_job *job = service->vault.jobs;

    if (!job || job->result != VAULT_PENDING)
        return;
    if (!job->derivation)
        start(service, job);
    else if (derivation_go_on(job->derivation, PIECE_ITERATIONS))
        go_on(service, job);
    if (job->result == VAULT_PENDING)
        timer_start(service->vault.timer, 0, 0);
    else
        service_tell_news(service); /* the turn follows */
}

/* What ended, and is durable, was told in the last turn. */
static void drop_ended(struct service *service)
{
    struct vault *vault = &service->vault;
    struct vault_job *job = vault->jobs;

    if (!job || job->result == VAULT_PENDING || job->generation > journal_durable(service->journal))
        return;
    if (!job->is_told) {
        job->is_told = true;
        if (job->number == vault->automatic_number)
            log_automatic(vault, job);
        loop_mark_dirty(service->loop);
        return;
    }
    vault->jobs = job->next;
    free_job(job);
    if (vault->jobs)
        timer_start(vault->timer, 0, 0);
}

/* Who asked for it hears that from the request: the job is over, and those behind it have their turn. */
void vault_fail(struct service *service)
{
    struct vault *vault = &service->vault;
    struct vault_job *job = vault->jobs;

    if (!job || job->generation <= journal_durable(service->journal))
        return;
    if (job->number == vault->automatic_number)
        vault->automatic_number = 0;
    job->generation = 0;
    job->is_told = true;
    loop_mark_dirty(service->loop);
}

void vault_turn(struct service *service)
{
    struct vault *vault = &service->vault;

    if (vault->key && !is_known(service))
        forget(vault); /* its record was undone */
    drop_ended(service);
    try_automatic(service);
    if (!is_known(service) || vault->is_told)
        return;
    vault->is_told = true;
    model_for_each(node, node, &service->model, KIND_NODE) if (session_is_synchronised(node)) session_send_key(node);
    service_tell_news(service);
}

void vault_set_automatic(struct service *service, const struct secret *passphrase)
{
    struct vault *vault = &service->vault;

    secret_free(vault->automatic);
    vault->automatic = secret_copy(passphrase);
    vault->is_refused = false;
    loop_mark_dirty(service->loop);
}

void vault_init(struct service *service)
{
    service->vault.timer = timer_new(service->loop, work, service);
}

void vault_done(struct service *service)
{
    struct vault *vault = &service->vault;
    struct vault_job *job;

    while ((job = vault->jobs)) {
        vault->jobs = job->next;
        free_job(job);
    }
    timer_free(vault->timer);
    forget(vault);
    secret_free(vault->automatic);
    vault->automatic = NULL;
}

int vault_check_passphrase(struct request *q, const char *passphrase, const char *what)
{
    if (!*passphrase)
        return rc_add(&q->rc, FAIL_INVLD_CRYPT_PASSPHRASE, .message = rc_text(&q->rc, "%s cannot be empty.", what),
                      .correction = "Choose one that is hard to guess.");
    if (strlen(passphrase) > VAULT_PASSPHRASE_MAX)
        return rc_add(&q->rc, FAIL_INVLD_CRYPT_PASSPHRASE,
                      .message = rc_text(&q->rc, "%s cannot have more than %d bytes.", what, VAULT_PASSPHRASE_MAX));
    return 0;
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
