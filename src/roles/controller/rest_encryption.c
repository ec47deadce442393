/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The master passphrase. */
#include "roles/controller/rest_encryption.h"

#include <string.h>

#include "api/controller.h"
#include "base/secret.h"
#include "roles/controller/routes.h"
#include "roles/controller/vault.h"

static int show_status(struct request *q)
{
    static char states[][10] = { [VAULT_UNSET] = "unset", [VAULT_LOCKED] = "locked", [VAULT_UNLOCKED] = "unlocked" };
    struct passphrase_status_doc *doc = arena_alloc(&q->arena, sizeof(*doc));

    doc->status = states[vault_state(q->service)];
    return request_reply(q, &passphrase_status_doc_schema, doc);
}

/* LINSTOR accepts an empty one, which protects nothing. */
static int check_new(struct request *q, const char *passphrase)
{
    if (!passphrase)
        return rc_add(&q->rc, FAIL_UNKNOWN_ERROR, .message = "The request has no passphrase.",
                      .details = "The member new_passphrase is missing.");
    return vault_check_passphrase(q, passphrase, "The master passphrase");
}

static int refuse_passphrase(struct request *q, const char *message)
{
    return rc_add(&q->rc, FAIL_MISSING_PROPS, .message = message, .cause = "It is the wrong passphrase.",
                  .correction = "Enter the passphrase that was created or set last.");
}

static int refuse_second(struct request *q)
{
    return rc_add(&q->rc, FAIL_EXISTS_CRYPT_PASSPHRASE, .message = "There is a master passphrase already.",
                  .cause = "A cluster has one.",
                  .correction = "Enter it, or modify it, for which the old one is needed.");
}

/* known: what may be the one in force, which is never longer than a new one. */
static int begin(struct request *q, enum vault_act act, const char *known, const char *passphrase)
{
    const char *peer = http_peer(q->exchange), *port = strrchr(peer, ':');
    int64_t number;

    if (strlen(known) > VAULT_PASSPHRASE_MAX)
        return refuse_passphrase(q, "The passphrase is longer than any that can be in force.");
    number = vault_begin(q->service, rc_text(&q->rc, "%.*s", (int)(port ? port - peer : 0), peer), act,
                         act == VAULT_MODIFY ? known : NULL, passphrase);
    if (number == 0)
        return rc_add(&q->rc, FAIL_UNKNOWN_ERROR, .message = "Too many passphrases are being looked at.",
                      .correction = "Repeat the request a little later.");
    request_settle_vault(q, number);
    return 0;
}

static int create(struct request *q)
{
    const struct passphrase_request *body = q->body;

    if (check_new(q, body->new_passphrase) != 0)
        return -1;
    if (vault_state(q->service) != VAULT_UNSET)
        return refuse_second(q);
    return begin(q, VAULT_CREATE, "", body->new_passphrase);
}

static int modify(struct request *q)
{
    const struct passphrase_request *body = q->body;

    if (vault_state(q->service) == VAULT_UNSET)
        return rc_add(&q->rc, FAIL_EXISTS_CRYPT_PASSPHRASE, .message = "There is no master passphrase to modify.",
                      .cause = "None was created.", .correction = "Create the passphrase.");
    if (check_new(q, body->new_passphrase) != 0)
        return -1;
    return begin(q, VAULT_MODIFY, body->old_passphrase ? body->old_passphrase : "", body->new_passphrase);
}

static int enter(struct request *q)
{
    const char *passphrase = cJSON_GetStringValue(q->json);

    if (!passphrase)
        return rc_add(&q->rc, API_CALL_PARSE_ERROR, .message = "Unable to parse input json.",
                      .details = "The body is no JSON string.", .correction = "Send the passphrase as one string.");
    if (vault_state(q->service) == VAULT_UNSET)
        return rc_add(&q->rc, FAIL_MISSING_PROPS, .message = "There is no master passphrase; create one first.");
    return begin(q, VAULT_ENTER, passphrase, passphrase);
}

static void answer_done(struct request *q)
{
    if (q->route->handle == create)
        rc_add(&q->rc, CREATED, .message = "Crypt passphrase created.");
    else if (q->route->handle == modify)
        rc_add(&q->rc, MODIFIED, .message = "Crypt passphrase updated");
    else
        rc_add(&q->rc, PASSPHRASE_ACCEPTED, .message = "Passphrase accepted");
}

bool encryption_settled(struct request *q, int64_t number)
{
    enum vault_result result = vault_look(q->service, number, &q->generation);

    switch (result) {
    case VAULT_PENDING: return false;
    case VAULT_DONE: answer_done(q); break;
    case VAULT_EXISTS: refuse_second(q); break;
    case VAULT_ABSENT:
        rc_add(&q->rc, FAIL_MISSING_PROPS, .message = "There is no master passphrase; create one first.");
        break;
    case VAULT_WRONG:
        refuse_passphrase(q, q->route->handle == modify
                                 ? "The master passphrase is as it was: the old one was not recognised."
                                 : "The master passphrase was not accepted.");
        break;
    case VAULT_STOPPED:
        rc_add(&q->rc, FAIL_UNKNOWN_ERROR, .message = "The controller is stopping.",
               .correction = "Repeat the request when it runs again.");
        break;
    }
    return true;
}

/* clang-format off */
const struct route encryption_routes[] = {
    { "GET",   "/v1/encryption/passphrase", show_status, 0, NULL, 200, 0 },
    { "POST",  "/v1/encryption/passphrase", create, ROUTE_SECRET, &passphrase_request_schema, 201,
        MASK_CRT | MASK_CTRL_CONF },
    { "PUT",   "/v1/encryption/passphrase", modify, ROUTE_SECRET, &passphrase_request_schema, 200,
        MASK_MOD | MASK_CTRL_CONF },
    { "PATCH", "/v1/encryption/passphrase", enter, ROUTE_BODY_JSON | ROUTE_SECRET, NULL, 200, MASK_MOD | MASK_CTRL_CONF },
    { 0 },
};
