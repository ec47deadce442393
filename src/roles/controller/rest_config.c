/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the controller runs with, and the log level, the one part of it that can be changed. */
#include "api/config.h"
#include "base/log.h"
#include "roles/controller/routes.h"

LOG_DOMAIN("controller");

static int show_config(struct request *q)
{
    struct controller_config_doc *doc = arena_alloc(&q->arena, sizeof(*doc));
    const struct service *service = q->service;
    char *level = arena_strdup(&q->arena, log_level_name(log_get_level()));

    doc->config.dir = arena_strdup_null(&q->arena, service->config_directory);
    doc->log.level = doc->log.level_global = doc->log.level_linstor = doc->log.level_linstor_global = level;
    doc->db.connection_url = arena_printf(&q->arena, "lmdb:%s/store", service->data_directory);
    doc->http.enabled = true;
    doc->http.listen_address = service->listen_address;
    doc->http.port = (struct maybe_i32)MAYBE(service->listen_port);
    doc->ldap.public_access_allowed = true;
    return request_reply(q, &controller_config_doc_schema, doc);
}

/*
 * LINSTOR: four levels, of the program's own messages and of others, here and on all satellites. This program has one
 * here; the most special one that is named is taken.
 */
static int modify_config(struct request *q)
{
    const struct config_log_doc *log = &((const struct controller_config_request *)q->body)->log;
    const char *const named[] = { log->level_linstor, log->level, log->level_linstor_global, log->level_global };
    enum log_level level, best = LOG_INFO;
    bool is_found = false;

    for (size_t i = 0; i < ARRAY_SIZE(named); i++) {
        if (!named[i])
            continue;
        if (!log_level_parse(named[i], &level))
            return rc_add(&q->rc, FAIL_INVLD_CONF, .is_bare = true,
                          .message = rc_text(&q->rc, "'%s' is not a log level.", named[i]),
                          .correction = "The levels are ERROR, WARN, INFO, DEBUG and TRACE.");
        if (!is_found)
            best = level;
        is_found = true;
    }
    if (!is_found)
        return rc_add(&q->rc, FAIL_UNKNOWN_ERROR, .is_bare = true, .message = "The request names nothing to change.",
                      .correction = "Only the log level can be changed, as {\"log\": {\"level\": \"DEBUG\"}}.");
    log_set_level(best);
    log_info("log level is now %s", log_level_name(best));
    return rc_add(&q->rc, MODIFIED, .message = rc_text(&q->rc, "Log level set to %s.", log_level_name(best)));
}

/* clang-format off */
const struct route config_routes[] = {
    { "GET", "/v1/controller/config", show_config,   0, NULL, 200, 0 },
    { "PUT", "/v1/controller/config", modify_config, 0, &controller_config_request_schema, 200, MASK_MOD | MASK_CTRL_CONF },
    { 0 },
};
