/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/satellite/config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/toml.h"

static const char default_file[] = "/etc/linstor/linstor_satellite.toml";

struct config_netcom {
    char *type, *bind_address;
    struct maybe_i32 port;
    char *server_certificate, *key_password, *keystore_password, *trusted_certificates, *truststore_password,
        *ssl_protocol;
};
struct config_logging {
    char *level, *linstor_level;
};
struct config_files {
    struct text_list allow_ext_files;
};
struct config_satellite {
    char *name, *data_dir;
};
struct config {
    struct config_netcom netcom;
    struct config_logging logging;
    struct config_files files;
    struct config_satellite satellite;
};

/* clang-format off */
static const struct field config_netcom_fields[] = {
    FIELD(config_netcom, type, 0), FIELD(config_netcom, bind_address, 0), FIELD(config_netcom, port, 0),
    FIELD(config_netcom, server_certificate, 0), FIELD(config_netcom, key_password, FIELD_SECRET),
    FIELD(config_netcom, keystore_password, FIELD_SECRET), FIELD(config_netcom, trusted_certificates, 0),
    FIELD(config_netcom, truststore_password, FIELD_SECRET), FIELD(config_netcom, ssl_protocol, 0),
};
static SCHEMA(config_netcom)

static const struct field config_logging_fields[] = {
    FIELD(config_logging, level, 0), FIELD(config_logging, linstor_level, 0),
};
static SCHEMA(config_logging)

static const struct field config_files_fields[] = {
    FIELD_AS(config_files, "allowExtFiles", allow_ext_files, 0),
};
static SCHEMA(config_files)

static const struct field config_satellite_fields[] = {
    FIELD(config_satellite, name, 0), FIELD(config_satellite, data_dir, 0),
};
static SCHEMA(config_satellite)

static const struct field config_fields[] = {
    INLINE(config, netcom, config_netcom, 0), INLINE(config, logging, config_logging, 0),
    INLINE(config, files, config_files, 0), INLINE(config, satellite, config_satellite, 0),
};
static SCHEMA(config)

static const struct option options[] = {
    { "name", required_argument, NULL, 'n' },
    { "data-dir", required_argument, NULL, 'D' },
    { "config", required_argument, NULL, 'C' },
    { "config-directory", required_argument, NULL, 'c' },
    { "bind-address", required_argument, NULL, 'b' },
    { "port", required_argument, NULL, 'P' },
    { "log-level", required_argument, NULL, 'L' },
    { "version", no_argument, NULL, 'v' },
    { "help", no_argument, NULL, 'h' },
    { 0 },
};
/* clang-format on */

static const char usage_text[] =
    "Usage: linstor-satellite [options]\n"
    "Makes the block devices that a controller wants on this node.\n"
    "\n"
    "  --name NAME                  name of the node; a controller that calls it otherwise is refused (default: any)\n"
    "  --data-dir DIR               what the satellite keeps (default: /var/lib/linstor-satellite)\n"
    "  --config FILE                default: /etc/linstor/linstor_satellite.toml, if it exists\n"
    "  -c, --config-directory DIR   the same as --config DIR/linstor_satellite.toml, if it exists\n"
    "  --bind-address IP            default: ::, that is every address\n"
    "  --port PORT                  default: 3366\n"
    "  --log-level LEVEL            ERROR, WARN, INFO (default), DEBUG or TRACE\n"
    "  -v, --version                print the version and exit\n"
    "  -h, --help                   print this and exit\n";

static int complain(int exit_code, const char *value, const char *what)
{
    fprintf(stderr, "linstor-satellite: '%s' %s\n", value, what);
    return exit_code;
}

static int set_port(struct settings *settings, const char *text, int exit_code)
{
    int64_t port;

    if (!text_parse_i64(text, 0, 65535, &port))
        return complain(exit_code, text, "is not a port");
    settings->satellite.port = (int)port;
    return 0;
}

static int set_level(struct settings *settings, const char *text, int exit_code)
{
    return log_level_parse(text, &settings->level) ? 0 : complain(exit_code, text, "is not a log level");
}

static int read_environment(struct settings *settings)
{
    const char *port = getenv("LS_PLAIN_PORT_OVERRIDE"), *address = getenv("LS_BIND_ADDRESS");
    const char *level = getenv("LS_LOG_LEVEL");
    int result = 0;

    if (address && address[0])
        settings->satellite.bind_address = address;
    if (port && port[0])
        result = set_port(settings, port, EXIT_OPTIONS);
    if (!result && level && level[0])
        result = set_level(settings, level, EXIT_OPTIONS);
    return result;
}

static int apply_config(struct settings *settings, const struct config *config)
{
    if (config->netcom.type && !text_equal_fold(config->netcom.type, "plain"))
        return complain(EXIT_CONFIG, config->netcom.type, "as netcom.type is not in this version: only 'plain' is");
    if (config->netcom.port.has && (config->netcom.port.value < 0 || config->netcom.port.value > 65535))
        return complain(EXIT_CONFIG, "netcom.port", "is not a port");
    if (config->netcom.port.has)
        settings->satellite.port = config->netcom.port.value;
    if (config->netcom.bind_address)
        settings->satellite.bind_address = config->netcom.bind_address;
    if (config->satellite.name)
        settings->satellite.name = config->satellite.name;
    if (config->satellite.data_dir)
        settings->satellite.data_dir = config->satellite.data_dir;
    return config->logging.level ? set_level(settings, config->logging.level, EXIT_CONFIG) : 0;
}

/* A file that the user named must be there. */
static int read_file(struct settings *settings, const char *path, bool is_named)
{
    struct config config = { 0 };
    struct toml_error error;
    int result = toml_decode_file(&config_schema, &config, path, &settings->arena, &error);

    if (result == -ENOENT && !is_named)
        return 0;
    if (result == 0)
        return apply_config(settings, &config);
    fprintf(stderr, "linstor-satellite: %s\n", error.message);
    return EXIT_CONFIG;
}

static int take_option(struct settings *settings, int option)
{
    switch (option) {
    case 'n': settings->satellite.name = optarg; return 0;
    case 'D': settings->satellite.data_dir = optarg; return 0;
    case 'b': settings->satellite.bind_address = optarg; return 0;
    case 'P': return set_port(settings, optarg, EXIT_OPTIONS);
    case 'L': return set_level(settings, optarg, EXIT_OPTIONS);
    case 'v': printf("linstor-satellite %s\n", PROGRAM_VERSION); return -1;
    case 'h': fputs(usage_text, stdout); return -1;
    case 'C':
    case 'c': return 0;
    default: fputs("Try --help.\n", stderr); return EXIT_OPTIONS;
    }
}

static int take_options(struct settings *settings, int argc, char **argv)
{
    int option, result = 0;

    optind = 0; /* it is the second time */
    while (!result && (option = getopt_long(argc, argv, "c:vh", options, NULL)) != -1)
        result = take_option(settings, option);
    if (!result && optind < argc)
        return complain(EXIT_OPTIONS, argv[optind], "is not an option; try --help");
    return result;
}

/* Where the file is stands on the command line, which is obeyed after the file. */
static int find_file(struct settings *settings, int argc, char **argv, const char **path, bool *is_named)
{
    const char *directory = getenv("LS_CONFIG_DIRECTORY");
    int option;

    *path = NULL;
    *is_named = false;
    optind = 0; /* the configuration may be read again */
    while ((option = getopt_long(argc, argv, "c:vh", options, NULL)) != -1) {
        if (option == 'C') {
            *path = optarg;
            *is_named = true;
        } else if (option == 'c') {
            directory = optarg;
        } else if (option == '?') {
            fputs("Try --help.\n", stderr);
            return EXIT_OPTIONS;
        } else if (option == 'v' || option == 'h') {
            return take_option(settings, option);
        }
    }
    if (!*path && directory)
        *path = arena_printf(&settings->arena, "%s/linstor_satellite.toml", directory);
    if (!*path)
        *path = default_file;
    return 0;
}

int satellite_settings_read(struct settings *settings, int argc, char **argv)
{
    const char *path;
    bool is_named;
    int result;

    *settings = (struct settings){
        .satellite = { .data_dir = "/var/lib/linstor-satellite", .bind_address = "::", .port = 3366 },
        .level = LOG_INFO,
    };
    result = find_file(settings, argc, argv, &path, &is_named);
    if (!result)
        result = read_environment(settings);
    if (!result)
        result = read_file(settings, path, is_named);
    if (!result)
        result = take_options(settings, argc, argv);
    return result;
}

void satellite_settings_done(struct settings *settings)
{
    arena_done(&settings->arena);
}
