/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/controller/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/opt.h"
#include "base/text.h"
#include "base/toml.h"

#define DEFAULT_DIRECTORY "/etc/linstor"
#define FILE_NAME         "linstor.toml"
#define CREDENTIAL_NAME   "linstor-masterpassphrase"
enum { CREDENTIAL_LIMIT = 4096 };

struct config_http {
    struct maybe_bool enabled, cors, require_json;
    char *listen_addr;
    struct maybe_i32 port;
};
struct config_https {
    struct maybe_bool enabled;
    char *listen_addr;
    struct maybe_i32 port;
    char *keystore, *keystore_password, *truststore, *truststore_password;
};
struct config_ldap {
    struct maybe_bool enabled, allow_public_access;
    char *uri, *dn, *search_base, *search_filter;
};
struct config_k8s {
    struct maybe_i32 request_retries, max_rollback_entries;
};
struct config_db {
    char *user, *password, *connection_url;
    char *ca_certificate, *client_certificate, *client_key_pkcs8_pem, *client_key_pcks8_pem, *client_key_password;
    struct config_k8s k8s;
};
struct config_logging {
    char *level, *linstor_level, *rest_access_log_path, *rest_access_log_mode;
};
struct config_encrypt {
    char *passphrase;
};
struct config_web_ui {
    char *directory;
};
struct config_controller {
    char *data_dir;
};
struct config {
    struct config_http http;
    struct config_https https;
    struct config_ldap ldap;
    struct config_db db;
    struct config_logging logging;
    struct config_encrypt encrypt;
    struct config_web_ui web_ui;
    struct config_controller controller;
};

/* clang-format off */
static const struct field config_http_fields[] = {
    FIELD(config_http, enabled, 0), FIELD(config_http, cors, 0), FIELD(config_http, require_json, 0),
    FIELD(config_http, listen_addr, 0), FIELD(config_http, port, 0),
};
static SCHEMA(config_http)

static const struct field config_https_fields[] = {
    FIELD(config_https, enabled, 0), FIELD(config_https, listen_addr, 0), FIELD(config_https, port, 0),
    FIELD(config_https, keystore, 0), FIELD(config_https, keystore_password, FIELD_SECRET),
    FIELD(config_https, truststore, 0), FIELD(config_https, truststore_password, FIELD_SECRET),
};
static SCHEMA(config_https)

static const struct field config_ldap_fields[] = {
    FIELD(config_ldap, enabled, 0), FIELD(config_ldap, allow_public_access, 0), FIELD(config_ldap, uri, 0),
    FIELD(config_ldap, dn, 0), FIELD(config_ldap, search_base, 0), FIELD(config_ldap, search_filter, 0),
};
static SCHEMA(config_ldap)

static const struct field config_k8s_fields[] = {
    FIELD(config_k8s, request_retries, 0), FIELD(config_k8s, max_rollback_entries, 0),
};
static SCHEMA(config_k8s)

static const struct field config_db_fields[] = {
    FIELD(config_db, user, 0), FIELD(config_db, password, FIELD_SECRET), FIELD(config_db, connection_url, 0),
    FIELD(config_db, ca_certificate, 0), FIELD(config_db, client_certificate, 0),
    FIELD(config_db, client_key_pkcs8_pem, 0), FIELD(config_db, client_key_pcks8_pem, 0),
    FIELD(config_db, client_key_password, FIELD_SECRET), INLINE(config_db, k8s, config_k8s, 0),
};
static SCHEMA(config_db)

static const struct field config_logging_fields[] = {
    FIELD(config_logging, level, 0), FIELD(config_logging, linstor_level, 0),
    FIELD(config_logging, rest_access_log_path, 0), FIELD(config_logging, rest_access_log_mode, 0),
};
static SCHEMA(config_logging)

static const struct field config_encrypt_fields[] = {
    FIELD(config_encrypt, passphrase, FIELD_SECRET),
};
static SCHEMA(config_encrypt)

static const struct field config_web_ui_fields[] = {
    FIELD(config_web_ui, directory, 0),
};
static SCHEMA(config_web_ui)

static const struct field config_controller_fields[] = {
    FIELD(config_controller, data_dir, 0),
};
static SCHEMA(config_controller)

static const struct field config_fields[] = {
    INLINE(config, http, config_http, 0), INLINE(config, https, config_https, 0),
    INLINE(config, ldap, config_ldap, 0), INLINE(config, db, config_db, 0),
    INLINE(config, logging, config_logging, 0), INLINE(config, encrypt, config_encrypt, 0),
    FIELD_ROW(config, "webUi", web_ui, FIELD_KIND_INLINE, 0, &config_web_ui_schema),
    INLINE(config, controller, config_controller, 0),
};
static SCHEMA(config)

static const struct enum_name level_names[] = {
    { "ERROR", LOG_ERROR + 1 }, { "WARN", LOG_WARN + 1 }, { "INFO", LOG_INFO + 1 }, { "DEBUG", LOG_DEBUG + 1 },
    { "TRACE", LOG_TRACE + 1 }, { 0 },
};

static const struct enum_name act_names[] = {
    { "list", QUARANTINE_LIST }, { "put-aside", QUARANTINE_PUT_ASIDE }, { "restore", QUARANTINE_RESTORE }, { 0 },
};

struct options {
    char *data_dir, *config, *config_directory, *listen;
    uint32_t level, linstor_level, unreadable; /* 0: not given */
    bool version, help;
};

static const struct opt opts[] = {
    OPT(options, data_dir, "data-dir", 0, "DIR", NULL, "what the controller keeps (/var/lib/linstor)"),
    OPT(options, config, "config", 0, "FILE", NULL, "configuration file, which must exist"),
    OPT(options, config_directory, "config-directory", 'c', "DIR", "LS_CONFIG_DIRECTORY",
        "directory of " FILE_NAME ", which need not exist (" DEFAULT_DIRECTORY ")"),
    OPT(options, listen, "listen", 0, "ADDRESS[:PORT]", NULL, "where REST is served ([::]:3370)"),
    OPT(options, listen, "rest-bind", 0, "ADDRESS[:PORT]", "LS_REST_BIND_ADDRESS", "the same as --listen"),
    OPT_ENUM(options, level, "log-level", 0, "LEVEL", "LS_LOG_LEVEL", "ERROR, WARN, INFO (default), DEBUG or TRACE",
             level_names),
    OPT_ENUM(options, linstor_level, "log-level-linstor", 0, "LEVEL", "LS_LOG_LEVEL_LINSTOR",
             "the same; wins over --log-level", level_names),
    OPT_ENUM(options, unreadable, "unreadable", 0, "ACT", NULL,
             "list records that cannot be read, put-aside or restore them, and exit", act_names),
    OPT(options, version, "version", 'v', NULL, NULL, "print the version and exit"),
    OPT(options, help, "help", 'h', NULL, NULL, "print this and exit"),
    OPT_IGNORED("logs", 'l', "DIR"),
    OPT_IGNORED("stack-traces", 'p', NULL),
    OPT_IGNORED("debug-console", 'd', NULL),
    OPT_IGNORED("webui-directory", 0, "DIR"),
    OPT_IGNORED("disable-db-version-check", 0, NULL),
};
/* clang-format on */

static const struct opt_table table = {
    .usage = "linstor-controller [OPTION]...",
    .about = "Keeps the desired state of the cluster and answers REST.\n"
             "The commands that ask it or change its settings: linstor help controller",
    .opts = opts,
    .count = ARRAY_SIZE(opts),
};

static int complain(int exit_code, const char *what)
{
    fprintf(stderr, "linstor-controller: %s\n", what);
    return exit_code;
}

/* "[::]:3370", "127.0.0.1:3370", "::1", ":3370" */
static bool parse_listen(struct settings *settings, const char *text)
{
    char *address = arena_strdup(&settings->arena, text), *colon = strrchr(address, ':');
    int64_t port;

    if (!address[0]) /* of an empty variable; it does not mean all addresses */
        return false;
    if (address[0] == '[') {
        char *end = strchr(address, ']');

        if (!end || (end[1] != ':' && end[1] != '\0'))
            return false;
        colon = end[1] == ':' ? end + 1 : NULL;
        *end = '\0';
        address++;
    } else if (colon && strchr(address, ':') != colon) {
        colon = NULL; /* an IPv6 address without port */
    }
    if (colon) {
        *colon = '\0';
        if (!text_parse_i64(colon + 1, 0, 65535, &port))
            return false;
        settings->listen_port = (int)port;
    }
    if (*address)
        settings->listen_address = address;
    return true;
}

/* Of the environment and of the command line. */
static int apply_options(struct settings *settings, const struct options *options)
{
    if (options->data_dir)
        settings->data_dir = options->data_dir;
    if (options->level || options->linstor_level)
        settings->level = (enum log_level)((options->linstor_level ? options->linstor_level : options->level) - 1);
    if (options->unreadable)
        settings->unreadable = (enum quarantine_act)options->unreadable;
    if (options->listen && !parse_listen(settings, options->listen))
        return complain(EXIT_OPTIONS, arena_printf(&settings->arena, "'%s' is not an address and port to listen on",
                                                   options->listen));
    return 0;
}

/* Access that the administrator thinks is protected must not be open. */
static const char *find_unprotected(const struct config *config)
{
    if (config->ldap.enabled.has && config->ldap.enabled.value)
        return "ldap.enabled: this version cannot ask for passwords; remove it only if everybody who reaches the port "
               "may do everything";
    if (config->http.enabled.has && !config->http.enabled.value)
        return "http.enabled = false: this version serves HTTP only";
    if (config->https.enabled.has && config->https.enabled.value)
        return "https.enabled = true: this version does not serve HTTPS; remove it if HTTP may be served instead";
    if (config->https.keystore && (!config->https.enabled.has || config->https.enabled.value))
        return "https.keystore: this version does not serve HTTPS; remove it if HTTP may be served instead";
    return NULL;
}

static void note_ignored(const struct config *config)
{
    static const char note[] = "linstor-controller: %s is not used: %s\n";

    if (config->db.connection_url)
        fprintf(stderr, note, "db.connection_url", "records are kept in the data directory");
    if (config->logging.rest_access_log_path)
        fprintf(stderr, note, "logging.rest_access_log_path", "this version has no access log");
}

static int take_level(struct settings *settings, const char *key, const char *text)
{
    if (!text || log_level_parse(text, &settings->level))
        return 0;
    return complain(EXIT_CONFIG, arena_printf(&settings->arena, "%s: '%s' is not a log level", key, text));
}

static void set_passphrase(struct settings *settings, const void *bytes, size_t size)
{
    secret_free(settings->passphrase);
    settings->passphrase = size > 0 ? secret_new(bytes, size) : NULL;
}

/* Neither children nor who looks at the environment of the process finds it there. */
static void take_passphrase_of_environment(struct settings *settings)
{
    char *text = getenv("MASTER_PASSPHRASE");

    if (!text)
        return;
    set_passphrase(settings, text, strlen(text));
    secret_wipe_text(text);
    unsetenv("MASTER_PASSPHRASE");
}

/* systemd gives it in a file that is not on any disk. */
static int take_passphrase_of_manager(struct settings *settings)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY"), *path;
    struct buf text = { 0 };
    int error;

    if (!directory || !*directory)
        return 0;
    path = arena_printf(&settings->arena, "%s/" CREDENTIAL_NAME, directory);
    error = text_read_file(path, CREDENTIAL_LIMIT, &text);
    while (text.length > 0 && strchr("\r\n", text.data[text.length - 1]))
        text.length--;
    if (!error)
        set_passphrase(settings, text.data, text.length);
    buf_wipe(&text);
    if (error && error != -ENOENT)
        return complain(EXIT_CONFIG, arena_printf(&settings->arena, "%s: %s", path, strerror(-error)));
    return 0;
}

static int apply_config(struct settings *settings, const struct config *config)
{
    const char *unprotected = find_unprotected(config);

    if (unprotected)
        return complain(EXIT_CONFIG, unprotected);
    if (config->http.port.has && (config->http.port.value < 0 || config->http.port.value > 65535))
        return complain(EXIT_CONFIG, "http.port: not a number from 0 to 65535");
    if (config->http.port.has)
        settings->listen_port = config->http.port.value;
    settings->has_no_cors = config->http.cors.has && !config->http.cors.value;
    settings->requires_json = config->http.require_json.value;
    if (config->http.listen_addr)
        settings->listen_address = config->http.listen_addr;
    if (config->controller.data_dir)
        settings->data_dir = config->controller.data_dir;
    if (config->encrypt.passphrase)
        set_passphrase(settings, config->encrypt.passphrase, strlen(config->encrypt.passphrase));
    secret_wipe_text(config->encrypt.passphrase);
    note_ignored(config);
    if (take_level(settings, "logging.level", config->logging.level) != 0)
        return EXIT_CONFIG;
    return take_level(settings, "logging.linstor_level", config->logging.linstor_level);
}

/* A file that the user named must be there. */
static int read_file(struct settings *settings, const struct options *options)
{
    const char *path =
        options->config ? options->config : arena_printf(&settings->arena, "%s/" FILE_NAME, options->config_directory);
    struct config config = { 0 };
    struct toml_error error;
    int result = toml_decode_file(&config_schema, &config, path, &settings->arena, &error);
    const char *slash = strrchr(path, '/');

    settings->config_dir = slash ? arena_strndup(&settings->arena, path, (size_t)(slash - path)) : ".";
    if (result == -ENOENT && !options->config)
        return 0;
    return result == 0 ? apply_config(settings, &config) : complain(EXIT_CONFIG, error.message);
}

static int say(const struct options *options)
{
    struct buf text = { 0 };

    if (options->help)
        opt_format_help(&table, &text);
    else
        buf_printf(&text, "linstor-controller %s\n", PROGRAM_VERSION);
    fputs(buf_text(&text), stdout);
    buf_done(&text);
    return -1;
}

int controller_settings_read(struct settings *settings, int argc, char **argv)
{
    struct options environment = { 0 }, line = { .config_directory = (char[]){ DEFAULT_DIRECTORY } };
    struct opt_error error;
    int result;

    *settings = (struct settings){
        .data_dir = "/var/lib/linstor",
        .listen_address = "::",
        .listen_port = 3370,
        .level = LOG_INFO,
    };
    if (opt_read_environment(&table, &environment, &settings->arena, &error) != 0)
        return complain(EXIT_OPTIONS, error.message);
    if (environment.config_directory)
        line.config_directory = environment.config_directory;
    if (opt_parse(&table, &line, argc, argv, NULL, &settings->arena, &error) != 0)
        return complain(EXIT_OPTIONS, error.message);
    if (line.help || line.version)
        return say(&line);
    result = apply_options(settings, &environment);
    take_passphrase_of_environment(settings);
    if (result == 0)
        result = read_file(settings, &line);
    if (result == 0)
        result = take_passphrase_of_manager(settings);
    return result == 0 ? apply_options(settings, &line) : result;
}

void controller_settings_done(struct settings *settings)
{
    secret_free(settings->passphrase);
    arena_done(&settings->arena);
}
